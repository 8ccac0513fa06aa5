#!/bin/sh
# needs: sqlite3=sqlite3
# serves: sqlite3
# about: A database in memory: inserts of short texts, an index, grouping, sorting, deleting.
set -eu
export LC_ALL=C
dir=$2
case $1 in
prepare)
    for size in full=180000 quick=40000; do
        cat > "$dir/${size%=*}.sql" <<SQL
CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, number INTEGER);
BEGIN;
INSERT INTO t(word, number)
  WITH RECURSIVE c(i, x) AS (SELECT 1, 17 UNION ALL SELECT i+1, (x*1103515245+12345) % 2147483648 FROM c WHERE i < ${size#*=})
  SELECT printf('word-%d-%s', x % 10007, hex(x)), x FROM c;
COMMIT;
CREATE INDEX by_word ON t(word);
SELECT count(*), sum(number), min(word), max(word) FROM t;
SELECT count(*), sum(n) FROM (SELECT substr(word, 1, 9) AS w, count(*) AS n FROM t GROUP BY w HAVING n > 3);
SELECT length(group_concat(word, ',')) FROM (SELECT word FROM t ORDER BY number);
SELECT sum(json_array_length(j)) FROM (SELECT json_group_array(word) AS j FROM t GROUP BY number % 1000);
DELETE FROM t WHERE number % 3 = 0;
SELECT count(*), sum(length(replace(upper(word), 'WORD', 'w'))) FROM t;
SQL
    done
    ;;
run)
    exec sqlite3 -batch -init /dev/null :memory: < "$dir/$3.sql"
    ;;
esac
