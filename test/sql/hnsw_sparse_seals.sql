-- A sealed log of sparse vectors costs a search as much as thirty logs of dense
-- vectors: it is merged into a graph at once (without a worker by VACUUM), while dense
-- ones wait for their tier.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.1);
SET barq.growing_limit = '1MB';
SET barq.compaction_ratio = 64;
SET barq.max_segments = 100;
-- 48 of 480 dimensions, which depend on the row, with random weights
CREATE FUNCTION pg_temp.values_of(n int) RETURNS real[] LANGUAGE sql VOLATILE RETURN
	(SELECT array_agg(CASE WHEN (i + n) % 10 = 0 THEN 0.1 + random() ELSE 0 END)::real[] FROM generate_series(1, 480) i);
CREATE TEMP TABLE source AS SELECT i AS id, pg_temp.values_of(i) AS v FROM generate_series(1, 9000) i;

CREATE TABLE hnsw_sparse_seals (id int, v sparsevec(480));
CREATE INDEX hnsw_sparse_seals_idx ON hnsw_sparse_seals USING barq_hnsw (v sparsevec_l2_ops);
-- logs of 2250 rows, each sealed as a whole
SET barq.growing_limit = '1GB';
SELECT format('INSERT INTO hnsw_sparse_seals SELECT id, v::sparsevec FROM source WHERE id BETWEEN %s AND %s', i, i + 2249),
	'SELECT barq_seal(''hnsw_sparse_seals_idx'') > 0 AS sealed', 'SET barq.growing_limit = ''1MB''', 'VACUUM hnsw_sparse_seals', 'SET barq.growing_limit = ''1GB'''
	FROM generate_series(1, 9000, 2250) i \gexec
SELECT kind, state, count(*) > 1 AS many, min(rows) > 2000 AS whole FROM barq_segments('hnsw_sparse_seals_idx') WHERE state <> 'growing' GROUP BY 1, 2;
SELECT sum(rows) FROM barq_segments('hnsw_sparse_seals_idx');
CREATE TEMP TABLE query AS SELECT array_agg(v::sparsevec ORDER BY id) AS vs FROM source WHERE id <= 20;
SET barq.ef_search = 200;
SELECT recall >= 0.9 AS recall FROM query, pg_temp.compare('hnsw_sparse_seals', '<->', vs, 10);
SELECT * FROM barq_check('hnsw_sparse_seals_idx');

-- the same rows as dense vectors
SET barq.growing_limit = '1MB';
CREATE TABLE hnsw_dense_seals (id int, v vector(480));
CREATE INDEX hnsw_dense_seals_idx ON hnsw_dense_seals USING barq_hnsw (v vector_l2_ops);
INSERT INTO hnsw_dense_seals SELECT id, v::vector FROM source;
VACUUM hnsw_dense_seals;
SELECT kind, state, count(*) > 1 AS many FROM barq_segments('hnsw_dense_seals_idx') WHERE state <> 'growing' GROUP BY 1, 2;

-- a segment that a merge would leave flat is not merged
CREATE TABLE hnsw_sparse_few (id int, v sparsevec(480));
CREATE INDEX hnsw_sparse_few_idx ON hnsw_sparse_few USING barq_hnsw (v sparsevec_l2_ops);
-- logs of 600 rows, each sealed as a whole
SET barq.growing_limit = '1GB';
SELECT format('INSERT INTO hnsw_sparse_few SELECT id, v::sparsevec FROM source WHERE id BETWEEN %s AND %s', i, i + 599),
	'SELECT barq_seal(''hnsw_sparse_few_idx'') > 0 AS sealed', 'SET barq.growing_limit = ''1MB''', 'VACUUM hnsw_sparse_few', 'SET barq.growing_limit = ''1GB'''
	FROM generate_series(1, 3000, 600) i \gexec
SELECT kind, state, count(*) > 1 AS many FROM barq_segments('hnsw_sparse_few_idx') WHERE state <> 'growing' GROUP BY 1, 2;
DROP TABLE hnsw_sparse_seals, hnsw_dense_seals, hnsw_sparse_few;
