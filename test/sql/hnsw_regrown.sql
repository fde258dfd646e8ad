-- Most rows of a graph are deleted: compaction makes a new graph of the others, in
-- the old graph's order, in which neighbours are close together. Even with a narrow
-- ef_construction its recall is that of a fresh index.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.3);
SET barq.ef_search = 20;
CREATE TABLE hnsw_regrown (id int, v sparsevec(3)) WITH (autovacuum_enabled = off);
INSERT INTO hnsw_regrown SELECT i, pg_temp.random_vector(3)::sparsevec FROM generate_series(1, 12000) i;
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(3)::sparsevec) AS vs FROM generate_series(1, 200);
CREATE INDEX hnsw_regrown_idx ON hnsw_regrown USING barq_hnsw (v sparsevec_l2_ops) WITH (m = 4, ef_construction = 8);
DELETE FROM hnsw_regrown WHERE id % 4 <> 0;
VACUUM hnsw_regrown;
SELECT kind, rows, dead_rows FROM barq_segments('hnsw_regrown_idx') WHERE state <> 'growing';
SELECT barq_compact('hnsw_regrown_idx');
SELECT kind, state, rows, dead_rows FROM barq_segments('hnsw_regrown_idx') WHERE state <> 'growing';
SELECT recall >= 0.99 AS recall FROM query, pg_temp.compare('hnsw_regrown', '<->', vs, 10);
SELECT * FROM barq_check('hnsw_regrown_idx');
DROP TABLE hnsw_regrown;
