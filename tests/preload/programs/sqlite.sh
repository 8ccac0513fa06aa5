# needs: sqlite3=sqlite3
# witness: sqlite3
# limit: 120
# A million inserts and an index, in memory and on disk.
. "$CORPUS/lib.sh"
rows=$(scaled 200000 1000000)
for base in :memory: file.db; do
    under sqlite3 "$base" <<SQL
PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;
CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, number INTEGER);
BEGIN;
INSERT INTO t(word, number)
  WITH RECURSIVE c(i, x) AS (SELECT 1, 17 UNION ALL SELECT i+1, (x*1103515245+12345) % 2147483648 FROM c WHERE i < $rows)
  SELECT printf('word-%d-%s', x % 10007, hex(x)), x FROM c;
COMMIT;
CREATE INDEX by_word ON t(word);
SELECT count(*), sum(number), min(word), max(word) FROM t;
SELECT count(*) FROM (SELECT substr(word, 1, 9) AS w, count(*) FROM t GROUP BY w HAVING count(*) > 3);
SELECT length(group_concat(word, ',')) FROM (SELECT word FROM t ORDER BY number LIMIT 50000);
DELETE FROM t WHERE number % 3 = 0;
VACUUM;
PRAGMA integrity_check;
SELECT count(*) FROM t;
SQL
done
