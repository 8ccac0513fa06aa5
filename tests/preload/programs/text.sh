# needs: sort=coreutils awk=mawk sed=sed grep=grep
# witness: sort mawk* sed grep
# The classic text tools on a file of random-looking lines; sort with threads.
. "$CORPUS/lib.sh"
lines=$(scaled 200000 1000000)
awk_program='BEGIN { x = 12345; for (i = 0; i < n; i++) { x = (x * 1103515 + 12345) % 2147483; print x, "word" x % 5000, i } }'
under awk -v n="$lines" "$awk_program" > lines
under sort --parallel=4 -S 20M lines > sorted
under sort --parallel=4 -k2,2 -k1,1n -s lines | cksum
cksum < sorted
under awk '{ count[$2]++; text[$2] = text[$2] substr($3, 1, 2) } END { for (w in count) print w, count[w], length(text[w]) }' lines | sort | cksum
under sed -E 's/(word)([0-9]+) ([0-9]+)/\3:\2:\1/' lines | cksum
under grep -cE 'word(1|22|333)[0-9]* .*7$' lines
under uniq -c sorted | cksum
under ls -laR /usr/include 2>/dev/null | wc -l
under find /usr/include -name '*.h' | sort | cksum
