-- The btree operator class of a dense type: order, uniqueness, joins, and NULLs.
-- Read, with \i, after error_of.sql and by a test of each type, which sets type.
\set tab :type _btree
\set index :tab _v
\set unique :tab _unique

CREATE TABLE :tab (id int, v :type);
INSERT INTO :tab SELECT i, ARRAY[i % 10, i % 7, i] :: :type FROM generate_series(1, 1000) i;
INSERT INTO :tab VALUES (0, NULL), (1001, '[5]'), (1002, '[5,1]'), (1003, '[-1]');
CREATE INDEX :index ON :tab (v);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM :tab WHERE v = '[5,1,15]';
SELECT id FROM :tab WHERE v = '[5,1,15]';
SELECT id FROM :tab WHERE v >= '[5]' AND v < '[5,1,200]' ORDER BY v;
EXPLAIN (COSTS OFF) SELECT v FROM :tab WHERE v IS NOT NULL ORDER BY v DESC LIMIT 3;
SELECT v FROM :tab WHERE v IS NOT NULL ORDER BY v DESC LIMIT 3;
SELECT id FROM :tab WHERE v IS NULL;
-- the index gives the order that a sort gives
CREATE TEMP TABLE by_index AS SELECT row_number() OVER () AS n, id FROM (SELECT id FROM :tab ORDER BY v) s;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
RESET enable_sort;
RESET enable_seqscan;
SELECT count(*) FROM by_index JOIN (SELECT row_number() OVER (ORDER BY v) AS n, id FROM :tab) s USING (n) WHERE by_index.id = s.id;
-- merge join, DISTINCT, GROUP BY
SET enable_hashjoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM :tab a JOIN :tab b USING (v);
SELECT count(*) FROM :tab a JOIN :tab b USING (v);
SELECT count(DISTINCT subvector(v, 1, 1)) FROM :tab;
SELECT subvector(v, 1, 1) AS first, count(*) FROM :tab WHERE id > 0 GROUP BY 1 ORDER BY 1;
RESET ALL;
-- uniqueness, with zero of either sign the same
CREATE UNIQUE INDEX :unique ON :tab (v);
SELECT v, pg_temp.error_of(format('INSERT INTO %I VALUES (1, %L) RETURNING v', :'tab', v)) FROM unnest(ARRAY['[-1]', '[0]', '[-0]']) v;
INSERT INTO :tab VALUES (2, '[-0]') ON CONFLICT DO NOTHING;
DROP INDEX :unique;
-- a page holds no larger values, as for any type
SELECT split_part(pg_temp.error_of(format('INSERT INTO %I VALUES (2, array_fill(1, ARRAY[2000])::%s) RETURNING id', :'tab', :'type')), ' / Index row', 1) AS error;
DROP TABLE :tab;
