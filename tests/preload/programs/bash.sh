# needs: bash=bash
# witness: bash
# A shell that forks for every substitution and keeps large arrays.
. "$CORPUS/lib.sh"
under bash -c '
    n=$1
    declare -A table
    for ((i = 0; i < n; i++)); do table[key$i]="value $i $((i * i % 977))"; done
    sum=0
    for key in "${!table[@]}"; do v=${table[$key]}; sum=$(((sum + ${#v} + ${v##* }) % 1000003)); done
    echo "$sum"
    for i in {1..200}; do x=$(echo "$i" | { read -r y; echo "$((y * 2))"; }); echo -n "$x "; done
    echo
    s=; for ((i = 0; i < n; i++)); do s+=$i; done; echo "${#s}"
' bash "$(scaled 20000 100000)"
