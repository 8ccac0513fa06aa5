# needs: pg_lsclusters=postgresql-common pgbench=postgresql-contrib psql=postgresql-client
# witness: postgres initdb
# limit: 120
# initdb, a server with its forked backends, and pgbench over a unix socket.
. "$CORPUS/lib.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
if [ ! -x "$bin/postgres" ]; then echo "no postgres server found: install postgresql" >&2; exit 3; fi
data=$PWD/data
mkdir "$data"
as_user=()
if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
    chown postgres "$data" .
    as_user=(setpriv --reuid postgres --regid postgres --clear-groups)
fi
pg() { "${as_user[@]}" env "$(preload_setting)" "$@"; }
pg "$bin/initdb" -D "$data" -U corpus -A trust --no-sync --no-instructions > init.log || { cat init.log >&2; exit 1; }
pg "$bin/postgres" -D "$data" -k "$PWD" -c listen_addresses= -c fsync=off -c max_parallel_workers_per_gather=2 \
    -c min_parallel_table_scan_size=0 -c parallel_setup_cost=0 -c parallel_tuple_cost=0 > server.log 2>&1 &
server=$!
trap 'tail -5 server.log >&2' EXIT
export PGHOST=$PWD PGUSER=corpus PGDATABASE=postgres
wait_for 30 "$bin/pg_isready" -q
query() { psql -XAtq -c "$1"; }
under pgbench -i -q -s "$(scaled 1 10)" 2> /dev/null
under pgbench -c 8 -j 2 -t "$(scaled 200 1000)" --random-seed=7 2> /dev/null | grep -E 'clients|actually processed|failed'
query 'select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history),
              (select sum(bbalance) from pgbench_branches) = (select sum(tbalance) from pgbench_tellers)'
query "select count(*), md5(string_agg(m, '' order by i)) from (select i, md5(i::text) m from generate_series(1, $(scaled 100000 500000)) i) t"
query 'create table j as select i, jsonb_build_object($$k$$, i, $$a$$, array[i, i*2]) d from generate_series(1, 50000) i; create index on j using gin(d)'
query "select count(*) from j where d @> '{\"k\": 77}'; select sum((d->'a'->>1)::int) from j"
query 'vacuum full j'
query "select avg(length(d::text)) from j"
psql -XAtq -c 'select count(*) from pgbench_accounts a join pgbench_accounts b using (aid)'
"${as_user[@]}" "$bin/pg_ctl" stop -D "$data" -m fast -s
wait "$server"
echo "server ended with $?"
