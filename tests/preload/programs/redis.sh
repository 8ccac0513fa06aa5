# needs: redis-server=redis-server redis-benchmark=redis-tools redis-cli=redis-tools
# witness: redis*
# limit: 90
# redis-server under redis-benchmark while a background save forks; then reloaded from the file.
. "$CORPUS/lib.sh"
socket=$PWD/redis.sock
cli() { redis-cli -s "$socket" "$@"; }
start() {
    under redis-server --port 0 --unixsocket "$socket" --save '' --dir "$PWD" --appendonly no --enable-debug-command yes \
        --daemonize no --logfile "$PWD/redis.log" &
    server=$!
    wait_for 40 sh -c "redis-cli -s '$socket' ping | grep -q PONG" # not while it still loads
}
trap 'tail -5 redis.log >&2' EXIT
start
# Known contents first, so that both runs can compare a digest.
awk -v n="$(scaled 50000 300000)" 'BEGIN { for (i = 0; i < n; i++) { print "SET key:" i " value-" i * 7; if (i % 5 == 0) print "RPUSH list:" i % 100 " " i; if (i % 3 == 0) print "HSET hash:" i % 50 " f" i " " i } }' | cli --pipe | grep -E '^errors'
cli debug digest
cli bgsave > /dev/null
requests=$(scaled 20000 200000)
under redis-benchmark -s "$socket" -q -n "$requests" -c 20 -P 4 -r 10000 -t set,get,incr,lpush,rpop,sadd,hset,spop,lrange_100,mset --csv | cut -d, -f1
wait_for 60 sh -c "redis-cli -s '$socket' info persistence | grep -q '^rdb_bgsave_in_progress:0'"
cli bgsave
wait_for 60 sh -c "redis-cli -s '$socket' info persistence | grep -q '^rdb_bgsave_in_progress:0'"
cli info persistence | grep rdb_last_bgsave_status
before=$(cli debug digest)
cli memory purge
cli shutdown nosave || true
wait "$server"
start
after=$(cli debug digest)
[ "$before" = "$after" ] && echo "reloaded: same digest"
cli flushall
cli shutdown nosave || true
wait "$server"
echo "server ended with $?"
