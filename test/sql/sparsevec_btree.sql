-- The btree operator class: order, uniqueness, joins, and NULLs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

CREATE TABLE sparsevec_btree (id int, v sparsevec);
INSERT INTO sparsevec_btree SELECT i, ARRAY[i % 10 - 5, i % 7 - 3, 0, i % 3, i]::sparsevec FROM generate_series(1, 1000) i;
INSERT INTO sparsevec_btree VALUES (0, NULL), (1001, '{1:4}/1'), (1002, '{1:4}/1000000000'), (1003, '{1:-9}/1'), (1004, '{}/1');
CREATE INDEX sparsevec_btree_v ON sparsevec_btree (v);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM sparsevec_btree WHERE v = '{2:-2,5:15}/5';
SELECT id, v FROM sparsevec_btree WHERE v = '{2:-2,5:15}/5';
SELECT id, v FROM sparsevec_btree WHERE v >= '{1:4}/1' AND v < '{1:4,2:1,5:200}/5' ORDER BY v LIMIT 8;
EXPLAIN (COSTS OFF) SELECT v FROM sparsevec_btree WHERE v IS NOT NULL ORDER BY v DESC LIMIT 3;
SELECT v FROM sparsevec_btree WHERE v IS NOT NULL ORDER BY v DESC LIMIT 3;
SELECT id FROM sparsevec_btree WHERE v IS NULL;
-- the index gives the order that a sort gives
CREATE TEMP TABLE by_index AS SELECT row_number() OVER () AS n, id FROM (SELECT id FROM sparsevec_btree ORDER BY v) s;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
RESET enable_sort;
RESET enable_seqscan;
SELECT count(*) FROM by_index JOIN (SELECT row_number() OVER (ORDER BY v) AS n, id FROM sparsevec_btree) s USING (n) WHERE by_index.id = s.id;
-- merge join, DISTINCT, GROUP BY
SET enable_hashjoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM sparsevec_btree a JOIN sparsevec_btree b USING (v);
SELECT count(*) FROM sparsevec_btree a JOIN sparsevec_btree b USING (v);
SELECT count(DISTINCT ARRAY[id % 4, 0]::sparsevec) FROM sparsevec_btree;
SELECT ARRAY[id % 4, 0, 1]::sparsevec AS s, count(*) FROM sparsevec_btree GROUP BY 1 ORDER BY 1;
RESET ALL;
-- uniqueness
CREATE UNIQUE INDEX sparsevec_btree_unique ON sparsevec_btree (v);
INSERT INTO sparsevec_btree VALUES (1, '{1:-9}/1');
INSERT INTO sparsevec_btree VALUES (1, '{1:-9,2:0}/2');
INSERT INTO sparsevec_btree VALUES (2, '{1:-9}/2') ON CONFLICT DO NOTHING;
DROP TABLE sparsevec_btree;
