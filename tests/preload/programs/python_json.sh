# needs: python3=python3
# witness: python3*
# limit: 90
# A large JSON document, threads that parse it, and a child that is forked meanwhile.
. "$CORPUS/lib.sh"
python=$(python3 -c 'import sys; print(sys.executable)')
for arenas in pymalloc malloc; do
    PYTHONMALLOC=$arenas under "$python" "$CORPUS/data/big_json.py" "$(scaled 20000 150000)"
done
