-- Many copies of few vectors as rabitq codes, which the scan orders itself: copies of
-- one vector do not displace the others, as with other codes.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.5);
CREATE TABLE rabitq_copies (id int GENERATED ALWAYS AS IDENTITY, v vector(32));
CREATE TEMP TABLE one AS SELECT i, pg_temp.random_vector(32) AS v FROM generate_series(0, 199) i;
INSERT INTO rabitq_copies (v) SELECT v FROM generate_series(1, 10000) g(row) JOIN one ON i = row * 7 % 200 ORDER BY row;
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(32)) AS vs FROM generate_series(1, 20) i;

CREATE INDEX rabitq_copies_idx ON rabitq_copies USING barq_hnsw (v vector_l2_ops) WITH (quantization = rabitq);
SELECT kind, rows FROM barq_segments('rabitq_copies_idx') WHERE state <> 'growing';
SELECT recall >= 0.95 AS recall, unordered FROM query, pg_temp.compare('rabitq_copies', '<->', vs, 10);
SELECT recall >= 0.95 AS recall, unordered FROM query, pg_temp.compare('rabitq_copies', '<->', vs, 150);
-- some rows deleted, some in the log
DELETE FROM rabitq_copies WHERE id % 4 = 1;
INSERT INTO rabitq_copies (v) SELECT v FROM one, generate_series(1, 20);
SELECT recall >= 0.95 AS recall_changed, unordered FROM query, pg_temp.compare('rabitq_copies', '<->', vs, 100);
SET barq.iterative_scan = relaxed_order;
SELECT recall >= 0.95 AS recall_relaxed FROM query, pg_temp.compare('rabitq_copies', '<->', vs, 100);
RESET barq.iterative_scan;
DROP INDEX rabitq_copies_idx;

CREATE INDEX rabitq_copies_idx ON rabitq_copies USING barq_ivf (v vector_l2_ops) WITH (quantization = rabitq, lists = 10);
SET barq.probes = 10;
SELECT recall >= 0.95 AS recall_lists, unordered FROM query, pg_temp.compare('rabitq_copies', '<->', vs, 10);
DROP TABLE rabitq_copies;
