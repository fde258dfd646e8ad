-- DDL of an index with lists: the ways to create, rewrite and drop one. hnsw_ddl tests
-- what all access methods share.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.6);
SET barq.probes = 32768;
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(64)) AS vs FROM generate_series(1, 5);
CREATE TEMP TABLE source AS SELECT i AS id, pg_temp.random_vector(64) AS v FROM generate_series(1, 14000) i;
-- kind of the segments, differences from an exact scan with all lists probed, and complaints
CREATE FUNCTION pg_temp.judge(tab regclass, idx regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	SELECT format('%s: %s wrong, %s complaints', (SELECT coalesce(string_agg(DISTINCT kind, ', '), 'none') FROM barq_segments(idx) WHERE state <> 'growing'),
		wrong, (SELECT count(*) FROM barq_check(idx))) INTO result FROM query, pg_temp.compare(tab, '<->', vs, 40);
	RETURN result;
END $$;

CREATE TABLE ivf_ddl (id int, v vector(64));
INSERT INTO ivf_ddl SELECT * FROM source;
CREATE INDEX CONCURRENTLY ivf_ddl_idx ON ivf_ddl USING barq_ivf (v);
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
DELETE FROM ivf_ddl WHERE id % 10 = 0;
REINDEX INDEX CONCURRENTLY ivf_ddl_idx;
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
VACUUM FULL ivf_ddl;
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
BEGIN;
TRUNCATE ivf_ddl;
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
INSERT INTO ivf_ddl SELECT * FROM source WHERE id <= 100;
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
ROLLBACK;
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');

-- workers of CREATE INDEX help with the lists
DROP INDEX ivf_ddl_idx;
ALTER TABLE ivf_ddl SET (parallel_workers = 2);
SET min_parallel_table_scan_size = 0;
SET max_parallel_maintenance_workers = 2;
CREATE INDEX ivf_ddl_idx ON ivf_ddl USING barq_ivf (v) WITH (lists = 64);
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
RESET max_parallel_maintenance_workers;
RESET min_parallel_table_scan_size;

-- partial, and on an expression
CREATE INDEX ivf_ddl_partial ON ivf_ddl USING barq_ivf (v) WHERE id < 500;
SELECT pg_temp.plan_of('SELECT id FROM ivf_ddl WHERE id < 500 ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 5');
SELECT sum(rows) FROM barq_segments('ivf_ddl_partial');
CREATE INDEX ivf_ddl_expression ON ivf_ddl USING barq_ivf ((subvector(v, 1, 3)::vector(3)) vector_cosine_ops);
SELECT pg_temp.plan_of('SELECT id FROM ivf_ddl ORDER BY subvector(v, 1, 3)::vector(3) <=> ''[1,2,3]'' LIMIT 5');
SELECT count(*) FROM (SELECT id FROM ivf_ddl ORDER BY subvector(v, 1, 3)::vector(3) <=> '[1,2,3]' LIMIT 5) s;
-- a sort without a LIMIT, and with a LIMIT above max_scan_tuples
RESET enable_seqscan;
SELECT pg_temp.plan_of('SELECT id FROM ivf_ddl ORDER BY v <-> (SELECT vs[1] FROM query)');
SELECT pg_temp.plan_of('SELECT id FROM ivf_ddl ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 30000');
RESET barq.probes;
SELECT pg_temp.plan_of('SELECT id FROM ivf_ddl ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 10');
SELECT pg_temp.plan_of('SELECT id FROM ivf_ddl WHERE v IS NULL');
SET barq.probes = 32768;
SET enable_seqscan = off;
DROP TABLE ivf_ddl;

-- unlogged, to logged and back; temporary
CREATE UNLOGGED TABLE ivf_ddl (id int, v vector(64));
INSERT INTO ivf_ddl SELECT * FROM source;
CREATE INDEX ivf_ddl_idx ON ivf_ddl USING barq_ivf (v);
INSERT INTO ivf_ddl SELECT * FROM source WHERE id <= 500;
SELECT barq_seal('ivf_ddl_idx');
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
ALTER TABLE ivf_ddl SET LOGGED;
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
ALTER TABLE ivf_ddl SET UNLOGGED;
SELECT pg_temp.judge('ivf_ddl', 'ivf_ddl_idx');
DROP TABLE ivf_ddl;
CREATE TEMP TABLE ivf_temp (id int, v vector(64)) ON COMMIT DELETE ROWS;
CREATE INDEX ivf_temp_idx ON ivf_temp USING barq_ivf (v);
BEGIN;
INSERT INTO ivf_temp SELECT * FROM source;
SELECT barq_seal('ivf_temp_idx'), barq_compact('ivf_temp_idx');
SELECT pg_temp.judge('ivf_temp', 'ivf_temp_idx');
COMMIT;
SELECT pg_temp.judge('ivf_temp', 'ivf_temp_idx');
DROP TABLE ivf_temp;

-- partitions
CREATE TABLE ivf_ddl (id int, v vector(64)) PARTITION BY RANGE (id);
CREATE TABLE ivf_ddl_1 PARTITION OF ivf_ddl FOR VALUES FROM (0) TO (5000);
CREATE TABLE ivf_ddl_2 PARTITION OF ivf_ddl FOR VALUES FROM (5000) TO (100000);
INSERT INTO ivf_ddl SELECT * FROM source;
CREATE INDEX ivf_ddl_idx ON ivf_ddl USING barq_ivf (v);
SELECT pg_temp.plan_of('SELECT id FROM ivf_ddl ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 5');
SELECT wrong FROM query, pg_temp.compare('ivf_ddl', '<->', vs, 40);
DROP TABLE ivf_ddl;
