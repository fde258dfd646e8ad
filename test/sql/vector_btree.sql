-- The btree operator class: order, uniqueness, joins, and NULLs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

CREATE TABLE vector_btree (id int, v vector);
INSERT INTO vector_btree SELECT i, ARRAY[i % 10, i % 7, i]::vector FROM generate_series(1, 1000) i;
INSERT INTO vector_btree VALUES (0, NULL), (1001, '[5]'), (1002, '[5,1]'), (1003, '[-1]');
CREATE INDEX vector_btree_v ON vector_btree (v);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM vector_btree WHERE v = '[5,1,15]';
SELECT id FROM vector_btree WHERE v = '[5,1,15]';
SELECT id FROM vector_btree WHERE v >= '[5]' AND v < '[5,1,200]' ORDER BY v;
EXPLAIN (COSTS OFF) SELECT v FROM vector_btree WHERE v IS NOT NULL ORDER BY v DESC LIMIT 3;
SELECT v FROM vector_btree WHERE v IS NOT NULL ORDER BY v DESC LIMIT 3;
SELECT id FROM vector_btree WHERE v IS NULL;
-- the index gives the order that a sort gives
CREATE TEMP TABLE by_index AS SELECT row_number() OVER () AS n, id FROM (SELECT id FROM vector_btree ORDER BY v) s;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
RESET enable_sort;
RESET enable_seqscan;
SELECT count(*) FROM by_index JOIN (SELECT row_number() OVER (ORDER BY v) AS n, id FROM vector_btree) s USING (n) WHERE by_index.id = s.id;
-- merge join, DISTINCT, GROUP BY
SET enable_hashjoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM vector_btree a JOIN vector_btree b USING (v);
SELECT count(*) FROM vector_btree a JOIN vector_btree b USING (v);
SELECT count(DISTINCT subvector(v, 1, 1)) FROM vector_btree;
SELECT subvector(v, 1, 1) AS first, count(*) FROM vector_btree WHERE id > 0 GROUP BY 1 ORDER BY 1;
RESET ALL;
-- uniqueness, with zero of either sign the same
CREATE UNIQUE INDEX vector_btree_unique ON vector_btree (v);
INSERT INTO vector_btree VALUES (1, '[-1]');
INSERT INTO vector_btree VALUES (1, '[0]');
INSERT INTO vector_btree VALUES (1, '[-0]');
INSERT INTO vector_btree VALUES (2, '[-0]') ON CONFLICT DO NOTHING;
DROP INDEX vector_btree_unique;
-- a page holds no larger vectors, as for any type
\set VERBOSITY terse
INSERT INTO vector_btree VALUES (2, array_fill(1, ARRAY[1000])::vector);
\set VERBOSITY default
DROP TABLE vector_btree;
