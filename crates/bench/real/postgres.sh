#!/bin/sh
# needs: /usr/lib/postgresql/*/bin/postgres=postgresql
# serves: postgres pgbench psql
# about: A PostgreSQL server with four clients of pgbench: look-ups, joins, texts, JSON and sorting; it only reads.
set -eu
export LC_ALL=C PGUSER=bench PGDATABASE=postgres PGHOST="$2"
unset PGOPTIONS PGPORT PGSERVICE PGPASSWORD PGDATA 2> /dev/null || true
dir=$2
# Debian's commands in PATH are scripts that choose a version: the programs themselves are taken.
bin=
for folder in /usr/lib/postgresql/*/bin; do if [ -x "$folder/postgres" ]; then bin=$folder; fi; done
if [ -z "$bin" ]; then echo "there is no server of PostgreSQL: apt-get install postgresql" >&2; exit 1; fi

# The server refuses to run as root.
as_user() { if [ "$(id -u)" = 0 ]; then exec setpriv --reuid postgres --regid postgres --clear-groups "$@"; else exec "$@"; fi; }
start() {
    # A socket, no port; nothing that works in the background at times of its own choice.
    (as_user "$bin/postgres" -D "$dir/data" -k "$dir/data" -c listen_addresses= -c fsync=off -c autovacuum=off \
        -c shared_buffers=32MB -c max_connections=12 -c max_parallel_workers_per_gather=0 -c jit=off \
        -c max_wal_senders=0 -c wal_level=minimal -c huge_pages=off) > "$dir/log" 2>&1 &
    server=$!
    trap 'kill -INT "$server" 2> /dev/null && wait "$server" || true' EXIT
    trap 'exit 143' INT TERM
    tries=0
    until "$bin/pg_isready" -q; do
        tries=$((tries + 1))
        if [ $tries -gt 1000 ] || ! kill -0 "$server" 2> /dev/null; then tail -1 "$dir/log" >&2; exit 1; fi
        sleep 0.02
    done
}
stop() {
    kill -INT "$server"
    wait "$server"
    trap - EXIT
}
export PGHOST="$dir/data"
case $1 in
prepare)
    mkdir "$dir/data"
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$dir/data"
        if ! (as_user test -w "$dir/data"); then
            echo "the user postgres may not enter $dir: choose a folder for the suite that all may enter" >&2
            exit 1
        fi
    fi
    cat > "$dir/work.sql" <<'SQL'
\set key random(1, 20000)
\set group random(0, 199)
SELECT name, length(doc::text) FROM item WHERE id = :key;
SELECT count(*), sum(a.id + b.id) FROM item a JOIN item b ON a.id = b.id + 1 WHERE a.part = :group;
SELECT md5(string_agg(name || ' ' || upper(note), ',' ORDER BY note)) FROM item WHERE part = :group;
SELECT jsonb_object_agg(id, doc || jsonb_build_object('part', part))::text FROM item WHERE part = :group;
SELECT id, regexp_replace(note, '([a-f])([0-9])', '\2\1', 'g'), dense_rank() OVER (ORDER BY note) FROM item WHERE part = :group;
SQL
    (as_user "$bin/initdb" -D "$dir/data" -U bench -A trust --no-sync --no-instructions) > "$dir/log" 2>&1 ||
        { tail -1 "$dir/log" >&2; exit 1; }
    start
    "$bin/psql" -Xq <<'SQL'
CREATE TABLE item AS SELECT i AS id, i % 200 AS part, 'item ' || i AS name, md5(i::text) AS note,
    jsonb_build_object('id', i, 'list', jsonb_build_array(i, i * 2, md5(i::text)), 'even', i % 2 = 0) AS doc
    FROM generate_series(1, 20000) AS i;
CREATE UNIQUE INDEX ON item (id);
CREATE INDEX ON item (part);
VACUUM ANALYZE item;
CHECKPOINT;
SQL
    stop
    ;;
run)
    case $3 in full) n=40 ;; *) n=10 ;; esac
    start
    "$bin/pgbench" -n -c 4 -j 1 -t $n --random-seed=7 -M prepared -f "$dir/work.sql" > "$dir/pgbench" 2> "$dir/errors" ||
        { tail -1 "$dir/errors" >&2; exit 1; }
    grep -E 'actually processed|failed' "$dir/pgbench"
    "$bin/psql" -XAtq -c "SELECT md5(string_agg(note || doc::text, '' ORDER BY note)) FROM item"
    stop
    ;;
esac
