-- Statements that are cancelled, time out or fail: their index stays usable, and no
-- row is lost.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

\set VERBOSITY terse
SET enable_seqscan = off;
SELECT setseed(0.9);
SET barq.ef_search = 400;
CREATE TABLE hnsw_halt (id int, v vector(64)) WITH (autovacuum_enabled = off);
INSERT INTO hnsw_halt SELECT i, pg_temp.random_vector(64) FROM generate_series(1, 300) i;
-- raises an error at its n-th call
CREATE SEQUENCE hnsw_halt_calls;
CREATE FUNCTION hnsw_halt_at(v vector, n int) RETURNS vector LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
BEGIN
	IF nextval('hnsw_halt_calls') = n THEN
		RAISE query_canceled USING MESSAGE = 'cancelled by the test';
	END IF;
	RETURN v;
END $$;
CREATE FUNCTION pg_temp.judge() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	SELECT format('%s wrong, %s rows, %s complaints', wrong, (SELECT count(*) FROM hnsw_halt), (SELECT count(*) FROM barq_check('hnsw_halt_idx'))) INTO result
	FROM pg_temp.compare('hnsw_halt', '<->', ARRAY(SELECT v FROM hnsw_halt ORDER BY id LIMIT 10), 400);
	RETURN result;
END $$;

-- CREATE INDEX cancelled at its first row, in the middle, at its last; then completed
SELECT setval('hnsw_halt_calls', 1, false);
CREATE INDEX hnsw_halt_bad ON hnsw_halt USING barq_hnsw ((hnsw_halt_at(v, 1)::vector(64)) vector_l2_ops);
SELECT setval('hnsw_halt_calls', 1, false);
CREATE INDEX hnsw_halt_bad ON hnsw_halt USING barq_hnsw ((hnsw_halt_at(v, 150)::vector(64)) vector_l2_ops);
SELECT setval('hnsw_halt_calls', 1, false);
CREATE INDEX hnsw_halt_bad ON hnsw_halt USING barq_hnsw ((hnsw_halt_at(v, 300)::vector(64)) vector_l2_ops);
-- CONCURRENTLY leaves an invalid index, which can be dropped or rebuilt
SELECT setval('hnsw_halt_calls', 1, false);
CREATE INDEX CONCURRENTLY hnsw_halt_bad ON hnsw_halt USING barq_hnsw ((hnsw_halt_at(v, 150)::vector(64)) vector_l2_ops);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'hnsw_halt_bad'::regclass;
SELECT setval('hnsw_halt_calls', 1000, false);
REINDEX INDEX CONCURRENTLY hnsw_halt_bad;
SELECT indisvalid FROM pg_index WHERE indexrelid = 'hnsw_halt_bad'::regclass;
SELECT * FROM barq_check('hnsw_halt_bad');
DROP INDEX hnsw_halt_bad;

-- an INSERT that fails after seals of its own rows
CREATE INDEX hnsw_halt_idx ON hnsw_halt USING barq_hnsw (v vector_l2_ops);
SET barq.growing_limit = '64kB';
SELECT pg_temp.outcome('INSERT INTO hnsw_halt SELECT 1000 + i, CASE WHEN i < 3000 THEN pg_temp.random_vector(64) ELSE ''[1]'' END FROM generate_series(1, 3000) i');
SELECT pg_temp.judge();
SELECT count(*) > 1 AS sealed FROM barq_segments('hnsw_halt_idx') WHERE state <> 'growing';
-- rows of a rolled-back INSERT: VACUUM removes them from the index
VACUUM hnsw_halt;
SELECT sum(rows) - sum(dead_rows) FROM barq_segments('hnsw_halt_idx');
SELECT pg_temp.judge();
INSERT INTO hnsw_halt SELECT 1000 + i, pg_temp.random_vector(64) FROM generate_series(1, 100) i;
SELECT pg_temp.judge();

-- a statement that times out while it seals: it would not end by itself
SET statement_timeout = '300ms';
INSERT INTO hnsw_halt SELECT 5000, pg_temp.random_vector(64) FROM generate_series(1, 1000000000) i;
RESET statement_timeout;
SELECT pg_temp.judge();
VACUUM hnsw_halt;
SELECT pg_temp.judge();

-- a search that times out, one that fails, a cursor that is left open
SET statement_timeout = '100ms';
DO $$
BEGIN
	LOOP
		PERFORM id FROM hnsw_halt ORDER BY v <-> pg_temp.random_vector(64) LIMIT 300;
	END LOOP;
END $$;
RESET statement_timeout;
SELECT 1 / (id - id) FROM hnsw_halt ORDER BY v <-> array_fill(1, ARRAY[64])::vector LIMIT 10;
BEGIN;
DECLARE left_behind CURSOR FOR SELECT id FROM hnsw_halt ORDER BY v <-> array_fill(1, ARRAY[64])::vector;
MOVE 5 FROM left_behind;
SAVEPOINT a;
DECLARE left_too CURSOR FOR SELECT id FROM hnsw_halt ORDER BY v <-> array_fill(1, ARRAY[64])::vector;
MOVE 5 FROM left_too;
ROLLBACK TO a;
MOVE 5 FROM left_behind;
SELECT 1 / 0;
COMMIT;
SELECT pg_temp.judge();

-- no lock is left: the index can be sealed, compacted, dropped
SELECT barq_seal('hnsw_halt_idx') >= 0 AS sealed, barq_compact('hnsw_halt_idx') >= 0 AS compacted;
SELECT pg_temp.judge();
DROP TABLE hnsw_halt;
DROP FUNCTION hnsw_halt_at;
DROP SEQUENCE hnsw_halt_calls;
