-- The btree operator class: order, uniqueness, joins, and NULLs.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

CREATE TABLE halfvec_btree (id int, v halfvec);
INSERT INTO halfvec_btree SELECT i, ARRAY[i % 10, i % 7, i]::halfvec FROM generate_series(1, 1000) i;
INSERT INTO halfvec_btree VALUES (0, NULL), (1001, '[5]'), (1002, '[5,1]'), (1003, '[-1]');
CREATE INDEX halfvec_btree_v ON halfvec_btree (v);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM halfvec_btree WHERE v = '[5,1,15]';
SELECT id FROM halfvec_btree WHERE v = '[5,1,15]';
SELECT id FROM halfvec_btree WHERE v >= '[5]' AND v < '[5,1,200]' ORDER BY v;
EXPLAIN (COSTS OFF) SELECT v FROM halfvec_btree WHERE v IS NOT NULL ORDER BY v DESC LIMIT 3;
SELECT v FROM halfvec_btree WHERE v IS NOT NULL ORDER BY v DESC LIMIT 3;
SELECT id FROM halfvec_btree WHERE v IS NULL;
-- the index gives the order that a sort gives
CREATE TEMP TABLE by_index AS SELECT row_number() OVER () AS n, id FROM (SELECT id FROM halfvec_btree ORDER BY v) s;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
RESET enable_sort;
RESET enable_seqscan;
SELECT count(*) FROM by_index JOIN (SELECT row_number() OVER (ORDER BY v) AS n, id FROM halfvec_btree) s USING (n) WHERE by_index.id = s.id;
-- merge join, DISTINCT, GROUP BY
SET enable_hashjoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM halfvec_btree a JOIN halfvec_btree b USING (v);
SELECT count(*) FROM halfvec_btree a JOIN halfvec_btree b USING (v);
SELECT count(DISTINCT subvector(v, 1, 1)) FROM halfvec_btree;
SELECT subvector(v, 1, 1) AS first, count(*) FROM halfvec_btree WHERE id > 0 GROUP BY 1 ORDER BY 1;
RESET ALL;
-- uniqueness, with zero of either sign the same
CREATE UNIQUE INDEX halfvec_btree_unique ON halfvec_btree (v);
INSERT INTO halfvec_btree VALUES (1, '[-1]');
INSERT INTO halfvec_btree VALUES (1, '[0]');
INSERT INTO halfvec_btree VALUES (1, '[-0]');
INSERT INTO halfvec_btree VALUES (2, '[-0]') ON CONFLICT DO NOTHING;
DROP INDEX halfvec_btree_unique;
-- a page holds no larger halfvecs, as for any type
\set VERBOSITY terse
INSERT INTO halfvec_btree VALUES (2, array_fill(1, ARRAY[1000])::halfvec);
\set VERBOSITY default
DROP TABLE halfvec_btree;
