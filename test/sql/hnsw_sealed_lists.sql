-- A large log of a barq_hnsw index is sealed as lists, of which a merge makes a
-- graph: rows are found, deleted and merged as in any other segment.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SET barq.growing_limit = '64MB';
SELECT setseed(0.5);
CREATE TABLE hnsw_sealed_lists (id int, v vector(128)) WITH (autovacuum_enabled = off);
CREATE INDEX hnsw_sealed_lists_idx ON hnsw_sealed_lists USING barq_hnsw (v vector_l2_ops);
CREATE INDEX hnsw_sealed_flat_idx ON hnsw_sealed_lists USING barq_hnsw (v vector_l1_ops);
INSERT INTO hnsw_sealed_lists SELECT i, pg_temp.random_vector(128) FROM generate_series(1, 9000) i;
SELECT barq_seal('hnsw_sealed_lists_idx'), barq_seal('hnsw_sealed_flat_idx');
SELECT state, kind, rows FROM barq_segments('hnsw_sealed_lists_idx');
-- lists need squared distances, which L1 does not have
SELECT state, kind, rows FROM barq_segments('hnsw_sealed_flat_idx');
DROP INDEX hnsw_sealed_flat_idx;

-- a search continues through the lists and returns every row once
SET barq.iterative_scan = relaxed_order;
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(128)) AS vs FROM generate_series(1, 10);
SET barq.max_scan_tuples = 100000;
SELECT count(*), count(DISTINCT id), min(id), max(id) FROM
	(SELECT id FROM hnsw_sealed_lists ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 9000) s;
-- a wide search finds the rows of an exact scan, even among random rows
SET barq.ef_search = 1000;
SELECT avg((SELECT count(*) FROM
	(SELECT id FROM hnsw_sealed_lists ORDER BY v <-> q LIMIT 10) found
	JOIN (SELECT id FROM hnsw_sealed_lists ORDER BY l2_distance(v, q) LIMIT 10) nearest USING (id))) >= 9.5 AS found
	FROM query, unnest(vs) q;
-- barq.probes has no effect on barq_hnsw
SET barq.probes = 1;
SELECT avg((SELECT count(*) FROM
	(SELECT id FROM hnsw_sealed_lists ORDER BY v <-> q LIMIT 10) found
	JOIN (SELECT id FROM hnsw_sealed_lists ORDER BY l2_distance(v, q) LIMIT 10) nearest USING (id))) >= 9.5 AS found
	FROM query, unnest(vs) q;
RESET barq.probes;

-- VACUUM marks dead rows, a merge makes a graph of the others
DELETE FROM hnsw_sealed_lists WHERE id % 10 = 1;
VACUUM hnsw_sealed_lists;
SELECT state, kind, rows, dead_rows FROM barq_segments('hnsw_sealed_lists_idx');
SELECT count(*), count(DISTINCT id) FROM
	(SELECT id FROM hnsw_sealed_lists ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 9000) s;
SELECT * FROM barq_check('hnsw_sealed_lists_idx');
SELECT barq_compact('hnsw_sealed_lists_idx');
SELECT state, kind, rows, dead_rows FROM barq_segments('hnsw_sealed_lists_idx');
SELECT count(*), count(DISTINCT id) FROM
	(SELECT id FROM hnsw_sealed_lists ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 9000) s;
DROP TABLE hnsw_sealed_lists;
