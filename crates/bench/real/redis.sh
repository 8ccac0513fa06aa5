#!/bin/sh
# needs: redis-server=redis-server redis-benchmark=redis-tools redis-cli=redis-tools
# serves: redis-server|redis-check-rdb redis-benchmark
# about: A Redis server and its benchmark over a unix socket: SET, GET, LPUSH, HSET in several sizes, then FLUSHALL.
set -eu
export LC_ALL=C
dir=$2
# No port, and no file is saved: nothing but the commands' own work.
serve() {
    exec redis-server --port 0 --unixsocket "$dir/socket" --save '' --appendonly no --daemonize no --dir "$dir" \
        --hash-max-listpack-entries 64 --logfile "$dir/log"
}
load() { redis-benchmark -s "$dir/socket" -q -c 8 -P 16 "$@" > /dev/null; }
case $1 in
prepare) ;;
run)
    case $3 in full) n=48000 ;; *) n=8000 ;; esac
    rm -f "$dir/socket"
    (serve) &
    server=$!
    trap 'kill "$server" 2> /dev/null && wait "$server" || true; rm -f "$dir/socket"' EXIT
    trap 'exit 143' INT TERM
    tries=0
    while ! [ -S "$dir/socket" ]; do
        tries=$((tries + 1))
        if [ $tries -gt 1000 ]; then tail -1 "$dir/log" >&2; exit 1; fi
        sleep 0.01
    done
    for bytes in 24 300 3000; do
        load -n "$n" -r 20000 -d $bytes -t set
    done
    load -n "$n" -r 20000 -t get
    load -n "$n" -d 40 -t lpush
    load -n "$n" -r 5000 HSET hash:1 field:__rand_int__ value
    redis-cli -s "$dir/socket" <<'COMMANDS'
LLEN mylist
FLUSHALL
DBSIZE
COMMANDS
    redis-cli -s "$dir/socket" shutdown nosave
    wait "$server"
    ;;
esac
