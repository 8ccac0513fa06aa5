# needs: node=nodejs
# witness: node
# limit: 90
# Worker threads that allocate, pass messages and buffers, and end.
. "$CORPUS/lib.sh"
under node "$CORPUS/data/workers.js" "$(scaled 4 8)" "$(scaled 20000 200000)"
