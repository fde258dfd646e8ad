-- A bitmap plan of btree scans is read without a bitmap: the same rows, in every shape of plan,
-- with parameters and rescans, and where there are more TIDs than the planner expected.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE tids (id int, a int, b int, v vector(3)) WITH (autovacuum_enabled = off);
INSERT INTO tids SELECT i, i * 7919 % 1000, i * 104729 % 1000, ARRAY[cos(i), sin(i), i / 12000.0]::vector FROM generate_series(1, 12000) i;
CREATE INDEX tids_a ON tids (a);
CREATE INDEX tids_b ON tids (b);
CREATE INDEX tids_v ON tids USING barq_hnsw (v vector_l2_ops);
ANALYZE tids;
SET enable_seqscan = off;
SET enable_indexscan = off;

-- Whether the search within the bitmap returns the rows of a sort; their number; and what
-- EXPLAIN ANALYZE counts of each node below.
CREATE FUNCTION pg_temp.within(condition text, OUT same boolean, OUT rows int, OUT nodes text[]) LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT id FROM tids WHERE %s ORDER BY v <-> ''[1,0,0]'' LIMIT 20000', condition);
	ids int[];
	line text;
BEGIN
	SET LOCAL enable_sort = off;
	SET LOCAL barq.condition_scan = on;
	nodes = '{}';
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		nodes = nodes || (SELECT array_agg(m[1] || ' ' || m[2]::numeric::int) FROM regexp_matches(line, '(Bitmap \w+|BitmapAnd|BitmapOr).*rows=([0-9.]+)') m);
		IF line LIKE '%BarqCondition%' THEN
			same = true;
		END IF;
	END LOOP;
	EXECUTE 'SELECT array_agg(id) FROM (' || query || ') s' INTO ids;
	SET LOCAL enable_sort = on;
	SET LOCAL barq.condition_scan = off;
	EXECUTE format('SELECT $1 IS NOT DISTINCT FROM array_agg(id) AND $2, count(*) FROM (SELECT id FROM tids WHERE %s ORDER BY v <-> ''[1,0,0]'') s', condition) INTO same, rows USING ids, same;
END $$;
CREATE TABLE tids_conditions (number int GENERATED ALWAYS AS IDENTITY, condition text);
INSERT INTO tids_conditions (condition) VALUES ('a < 100'), ('a = ANY (''{3,4,900}'')'), ('a < 40 AND b < 50'), ('a < 20 OR b < 30'), ('(a < 200 OR b < 300) AND (a > 150 OR b > 980)'), ('a < 0'), ('a < 0 AND b < 10'), ('a < 0 OR b < 10'), ('a = (SELECT NULL::int)');
SELECT condition, w.* FROM tids_conditions, LATERAL pg_temp.within(condition) w ORDER BY number;

-- more than work_mem holds, as the planner expects
BEGIN;
SET LOCAL work_mem = '64kB';
SELECT condition, w.* FROM (VALUES ('a < 900'), ('a < 900 AND b < 950'), ('a < 300 OR b < 300')) c (condition), LATERAL pg_temp.within(condition) w;
-- and where it expects few: the scan is begun again
UPDATE tids SET a = 2000, b = 3000 WHERE id <= 9000;
SELECT condition, same, rows FROM (VALUES ('a = 2000'), ('a = 2000 AND b = 3000'), ('a < 10 OR b = 3000'), ('a = (SELECT 2000)')) c (condition), LATERAL pg_temp.within(condition) w;
ROLLBACK;

-- rescans, whose parameter changes the bitmap or does not
SET enable_sort = off;
CREATE TEMPORARY TABLE tids_lateral AS SELECT o.id AS n, i.id FROM tids o, LATERAL (SELECT id FROM tids WHERE a < o.a AND b < 500 ORDER BY v <-> o.v LIMIT 3) i WHERE o.id <= 40;
CREATE TEMPORARY TABLE tids_lateral_same AS SELECT o.id AS n, i.id FROM tids o, LATERAL (SELECT id FROM tids WHERE a < 77 ORDER BY v <-> o.v LIMIT 3) i WHERE o.id <= 40;
EXPLAIN (COSTS OFF) SELECT o.id, i.id FROM (VALUES (1, 5, '[1,0,0]'::vector)) o (id, a, v), LATERAL (SELECT id FROM tids WHERE a < o.a AND b < 500 ORDER BY v <-> o.v LIMIT 3) i;
-- array keys from parameters: btree keeps its arrays in a context of its own from rescan to rescan
CREATE TABLE tids_arrays AS SELECT i AS n, i * 41 % 1000 AS b, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN '{}' WHEN 2 THEN ARRAY[NULL::int] WHEN 3 THEN ARRAY[i, i, NULL, i + 1] ELSE ARRAY[i % 50, i] END AS keys, ARRAY[i, 20, 1]::vector AS v FROM generate_series(1, 60) i;
EXPLAIN (COSTS OFF) SELECT o.n, i.id FROM (VALUES (1, 5, '{1}'::int[], '[1,0,0]'::vector), (2, 6, NULL, '[2,0,0]')) o (n, b, keys, v), LATERAL (SELECT id FROM tids WHERE a = ANY (o.keys) OR b = o.b ORDER BY v <-> o.v LIMIT 20) i;
CREATE TEMPORARY TABLE tids_lateral_arrays AS SELECT o.n, i.id FROM tids_arrays o, LATERAL (SELECT id FROM tids WHERE a = ANY (o.keys) OR b = o.b ORDER BY v <-> o.v LIMIT 20) i;
INSERT INTO tids_lateral_arrays SELECT o.n, i.id FROM tids_arrays o, LATERAL (SELECT id FROM tids WHERE a = ANY ('{1,2,3,4,5}') AND b < o.b ORDER BY v <-> o.v LIMIT 20) i;
SET barq.condition_scan = off;
SET enable_sort = on;
SELECT count(*) FROM (SELECT o.id AS n, i.id FROM tids o, LATERAL (SELECT id FROM tids WHERE a < o.a AND b < 500 ORDER BY v <-> o.v LIMIT 3) i WHERE o.id <= 40 EXCEPT SELECT * FROM tids_lateral) d;
SELECT count(*) FROM (SELECT o.id AS n, i.id FROM tids o, LATERAL (SELECT id FROM tids WHERE a < 77 ORDER BY v <-> o.v LIMIT 3) i WHERE o.id <= 40 EXCEPT SELECT * FROM tids_lateral_same) d;
SELECT count(*) FROM ((SELECT o.n, i.id FROM tids_arrays o, LATERAL (SELECT id FROM tids WHERE a = ANY (o.keys) OR b = o.b ORDER BY v <-> o.v LIMIT 20) i UNION ALL SELECT o.n, i.id FROM tids_arrays o, LATERAL (SELECT id FROM tids WHERE a = ANY ('{1,2,3,4,5}') AND b < o.b ORDER BY v <-> o.v LIMIT 20) i) EXCEPT ALL SELECT n, id FROM tids_lateral_arrays) d;
RESET barq.condition_scan;
DROP TABLE tids, tids_conditions, tids_arrays;
