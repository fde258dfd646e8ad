-- DDL of an index: every way to create, move, rewrite and drop an index leaves it
-- equal to an exact scan.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.6);
SET barq.ef_search = 1000;
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(8)) AS vs FROM generate_series(1, 10);
CREATE FUNCTION pg_temp.fill(tab regclass, n int DEFAULT 200) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO %s (id, v) SELECT i, pg_temp.random_vector(8) FROM generate_series(1, %s) i', tab, n);
END $$;
-- differences from an exact scan, and complaints
CREATE FUNCTION pg_temp.judge(tab regclass, idx regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	SELECT format('%s wrong, %s complaints', wrong, (SELECT count(*) FROM barq_check(idx))) INTO result
	FROM query, pg_temp.compare(tab, '<->', vs, 40);
	RETURN result;
END $$;

CREATE TABLE hnsw_ddl (id int, v vector(8));
SELECT pg_temp.fill('hnsw_ddl');
CREATE INDEX CONCURRENTLY hnsw_ddl_idx ON hnsw_ddl USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
REINDEX INDEX hnsw_ddl_idx;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
SELECT pg_temp.fill('hnsw_ddl');
REINDEX INDEX CONCURRENTLY hnsw_ddl_idx;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
SELECT sum(rows) FROM barq_segments('hnsw_ddl_idx');
ALTER INDEX hnsw_ddl_idx RENAME TO hnsw_ddl_idx2;
ALTER INDEX hnsw_ddl_idx2 RENAME TO hnsw_ddl_idx;

-- TRUNCATE, and its rollback
TRUNCATE hnsw_ddl;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
SELECT pg_temp.fill('hnsw_ddl');
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
BEGIN;
TRUNCATE hnsw_ddl;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
SELECT pg_temp.fill('hnsw_ddl', 50);
SELECT barq_seal('hnsw_ddl_idx');
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
ROLLBACK;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');

-- created and truncated in one transaction, several times
BEGIN;
CREATE TABLE hnsw_ddl_new (id int, v vector(8));
CREATE INDEX hnsw_ddl_new_idx ON hnsw_ddl_new USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.fill('hnsw_ddl_new');
SELECT barq_seal('hnsw_ddl_new_idx');
SELECT pg_temp.judge('hnsw_ddl_new', 'hnsw_ddl_new_idx');
TRUNCATE hnsw_ddl_new;
SELECT pg_temp.judge('hnsw_ddl_new', 'hnsw_ddl_new_idx');
SELECT pg_temp.fill('hnsw_ddl_new', 60);
SELECT pg_temp.judge('hnsw_ddl_new', 'hnsw_ddl_new_idx');
TRUNCATE hnsw_ddl_new;
SELECT pg_temp.fill('hnsw_ddl_new', 70);
SELECT barq_seal('hnsw_ddl_new_idx');
COMMIT;
SELECT pg_temp.judge('hnsw_ddl_new', 'hnsw_ddl_new_idx');
DROP TABLE hnsw_ddl_new;

-- savepoints and rollbacks: of rows, of an index, of its drop
BEGIN;
SAVEPOINT a;
SELECT pg_temp.fill('hnsw_ddl', 100);
SELECT barq_seal('hnsw_ddl_idx');
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
ROLLBACK TO a;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
DROP INDEX hnsw_ddl_idx;
CREATE INDEX hnsw_ddl_other ON hnsw_ddl USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_other');
ROLLBACK;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
VACUUM hnsw_ddl;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
BEGIN;
REINDEX INDEX hnsw_ddl_idx;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
ROLLBACK;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');

-- rewrites of the table
VACUUM FULL hnsw_ddl;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
CREATE INDEX hnsw_ddl_id ON hnsw_ddl (id);
CLUSTER hnsw_ddl USING hnsw_ddl_id;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
CLUSTER hnsw_ddl USING hnsw_ddl_idx;
ALTER TABLE hnsw_ddl ADD COLUMN extra int DEFAULT (random() * 10)::int;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
-- another type of the column: the index is rebuilt, or the statement fails
SELECT pg_temp.outcome('ALTER TABLE hnsw_ddl ALTER v TYPE vector(4) USING subvector(v, 1, 4)::vector(4)');
SELECT pg_temp.outcome('SELECT id FROM hnsw_ddl ORDER BY v <-> ''[1,2,3,4,5,6,7,8]'' LIMIT 1');
SELECT count(*) FROM (SELECT id FROM hnsw_ddl ORDER BY v <-> '[1,2,3,4]' LIMIT 20) s;
SELECT * FROM barq_check('hnsw_ddl_idx');
-- a column without dimensions cannot be indexed: a rebuild would fail
SELECT pg_temp.outcome('ALTER TABLE hnsw_ddl ALTER v TYPE vector');
SELECT pg_temp.outcome('INSERT INTO hnsw_ddl (v) VALUES (''[1,2,3]'')');
SELECT count(*) FROM (SELECT id FROM hnsw_ddl ORDER BY v <-> '[1,2,3,4]' LIMIT 20) s;
SELECT pg_temp.outcome('ALTER TABLE hnsw_ddl ALTER v TYPE text');
ALTER TABLE hnsw_ddl ALTER v TYPE vector(8) USING (v || v)::vector(8);
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');

-- tablespaces
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE hnsw_ddl_space LOCATION '';
ALTER INDEX hnsw_ddl_idx SET TABLESPACE hnsw_ddl_space;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
SELECT pg_temp.fill('hnsw_ddl', 50);
SELECT barq_seal('hnsw_ddl_idx'), barq_compact('hnsw_ddl_idx') > 0 AS compacted;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
BEGIN;
ALTER INDEX hnsw_ddl_idx SET TABLESPACE pg_default;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
ROLLBACK;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
ALTER INDEX hnsw_ddl_idx SET TABLESPACE pg_default;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
DROP TABLESPACE hnsw_ddl_space;
DROP TABLE hnsw_ddl;

-- unlogged, to logged and back
CREATE UNLOGGED TABLE hnsw_ddl (id int, v vector(8));
CREATE INDEX hnsw_ddl_idx ON hnsw_ddl USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.fill('hnsw_ddl');
SELECT barq_seal('hnsw_ddl_idx');
SELECT pg_temp.fill('hnsw_ddl');
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
TRUNCATE hnsw_ddl;
SELECT pg_temp.fill('hnsw_ddl');
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
ALTER TABLE hnsw_ddl SET LOGGED;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
ALTER TABLE hnsw_ddl SET UNLOGGED;
SELECT pg_temp.judge('hnsw_ddl', 'hnsw_ddl_idx');
DROP TABLE hnsw_ddl;

-- temporary, emptied at each commit, dropped at commit
CREATE TEMP TABLE hnsw_temp (id int, v vector(8)) ON COMMIT DELETE ROWS;
CREATE INDEX hnsw_temp_idx ON hnsw_temp USING barq_hnsw (v vector_l2_ops);
DO $$
BEGIN
	FOR i IN 1..3 LOOP
		PERFORM pg_temp.fill('hnsw_temp', 100 * i);
		RAISE NOTICE '%', pg_temp.judge('hnsw_temp', 'hnsw_temp_idx');
		PERFORM barq_seal('hnsw_temp_idx');
		RAISE NOTICE '%', pg_temp.judge('hnsw_temp', 'hnsw_temp_idx');
		COMMIT;
		RAISE NOTICE '% rows after the commit', (SELECT sum(rows) FROM barq_segments('hnsw_temp_idx'));
	END LOOP;
END $$;
BEGIN;
CREATE TEMP TABLE hnsw_temp2 (id int, v vector(8)) ON COMMIT DROP;
CREATE INDEX hnsw_temp2_idx ON hnsw_temp2 USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.fill('hnsw_temp2');
SELECT pg_temp.judge('hnsw_temp2', 'hnsw_temp2_idx');
COMMIT;
-- the same table created again in the same backend
CREATE TEMP TABLE hnsw_temp2 (id int, v vector(8));
SELECT pg_temp.fill('hnsw_temp2');
CREATE INDEX hnsw_temp2_idx ON hnsw_temp2 USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.judge('hnsw_temp2', 'hnsw_temp2_idx');
DROP TABLE hnsw_temp, hnsw_temp2;

-- partitions: an index on the parent; a partition is attached, one is detached
CREATE TABLE hnsw_ddl (id int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE hnsw_ddl_1 PARTITION OF hnsw_ddl FOR VALUES FROM (0) TO (100);
CREATE TABLE hnsw_ddl_2 PARTITION OF hnsw_ddl FOR VALUES FROM (100) TO (1000);
CREATE INDEX hnsw_ddl_idx ON hnsw_ddl USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.fill('hnsw_ddl', 900);
CREATE TABLE hnsw_ddl_3 (id int, v vector(8));
INSERT INTO hnsw_ddl_3 SELECT i, pg_temp.random_vector(8) FROM generate_series(1000, 1100) i;
ALTER TABLE hnsw_ddl ATTACH PARTITION hnsw_ddl_3 FOR VALUES FROM (1000) TO (2000);
CREATE TABLE hnsw_ddl_4 (id int, v vector(8));
INSERT INTO hnsw_ddl_4 SELECT i, pg_temp.random_vector(8) FROM generate_series(2000, 2100) i;
CREATE INDEX hnsw_ddl_4_own ON hnsw_ddl_4 USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
ALTER TABLE hnsw_ddl ATTACH PARTITION hnsw_ddl_4 FOR VALUES FROM (2000) TO (3000);
SELECT indexrelid::regclass AS index FROM pg_index WHERE indrelid IN ('hnsw_ddl_1'::regclass, 'hnsw_ddl_2'::regclass, 'hnsw_ddl_3'::regclass, 'hnsw_ddl_4'::regclass) ORDER BY indexrelid::regclass::text COLLATE "C";
EXPLAIN (COSTS OFF) SELECT id FROM hnsw_ddl ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 5;
SELECT wrong FROM query, pg_temp.compare('hnsw_ddl', '<->', vs, 40);
SELECT wrong FROM query, pg_temp.compare('hnsw_ddl', '<->', vs, 40, 'id < 500');
SELECT count(*) FROM barq_indexes() WHERE "table" IN ('hnsw_ddl_1'::regclass, 'hnsw_ddl_2'::regclass, 'hnsw_ddl_3'::regclass, 'hnsw_ddl_4'::regclass);
-- the parent's index has no segments of its own
SELECT f, pg_temp.outcome(format('SELECT count(*) FROM %s(''hnsw_ddl_idx'')', f)) FROM unnest(ARRAY['barq_segments', 'barq_check', 'barq_seal', 'barq_compact']) f;
ALTER TABLE hnsw_ddl DETACH PARTITION hnsw_ddl_2;
SELECT pg_temp.judge('hnsw_ddl_2', (SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'hnsw_ddl_2'::regclass));
DROP TABLE hnsw_ddl, hnsw_ddl_2;

-- privileges: reading needs SELECT on the table or pg_monitor, changing ownership
CREATE ROLE hnsw_ddl_owner;
CREATE ROLE hnsw_ddl_reader;
CREATE ROLE hnsw_ddl_monitor IN ROLE pg_monitor;
CREATE ROLE hnsw_ddl_stranger;
CREATE TABLE hnsw_ddl (id int, v vector(8));
CREATE INDEX hnsw_ddl_idx ON hnsw_ddl USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.fill('hnsw_ddl', 20);
ALTER TABLE hnsw_ddl OWNER TO hnsw_ddl_owner;
GRANT SELECT ON hnsw_ddl TO hnsw_ddl_reader;
DO $$
DECLARE
	who text;
	f text;
BEGIN
	FOREACH who IN ARRAY ARRAY['owner', 'reader', 'monitor', 'stranger'] LOOP
		FOREACH f IN ARRAY ARRAY['FROM barq_segments(''hnsw_ddl_idx'')', 'FROM barq_check(''hnsw_ddl_idx'')',
			'FROM barq_indexes() WHERE index = ''hnsw_ddl_idx''::regclass', 'FROM barq_seal(''hnsw_ddl_idx'')', 'FROM barq_compact(''hnsw_ddl_idx'')'] LOOP
			EXECUTE 'SET LOCAL ROLE hnsw_ddl_' || who;
			RAISE NOTICE '% %: %', who, f, pg_temp.outcome('SELECT count(*) ' || f);
			RESET ROLE;
		END LOOP;
	END LOOP;
END $$;
DROP TABLE hnsw_ddl;
DROP ROLE hnsw_ddl_owner, hnsw_ddl_reader, hnsw_ddl_monitor, hnsw_ddl_stranger;
