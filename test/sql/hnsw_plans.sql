-- Which queries are planned with the index, and which without it.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.3);
CREATE TABLE hnsw_plans (id int PRIMARY KEY, category int, v vector(8), w vector);
INSERT INTO hnsw_plans SELECT i, i % 10, pg_temp.random_vector(8), pg_temp.random_vector(8) FROM generate_series(1, 3000) i;
CREATE INDEX hnsw_plans_v ON hnsw_plans USING barq_hnsw (v vector_l2_ops);
VACUUM ANALYZE hnsw_plans;

-- a LIMIT uses the index at the default costs
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 10$$);
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY '[1,1,1,1,1,1,1,1]' <-> v LIMIT 10$$);
-- no LIMIT: a sort, for all costs of a page
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]'$$);
SET random_page_cost = 0.01;
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]'$$);
RESET random_page_cost;
-- no LIMIT, enable_seqscan = off: the index
SET enable_seqscan = off;
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]'$$);
RESET enable_seqscan;
-- another distance's operator, descending order, an expression over the distance: no index
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <=> '[1,1,1,1,1,1,1,1]' LIMIT 10$$);
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]' DESC LIMIT 10$$);
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY 1 - (v <-> '[1,1,1,1,1,1,1,1]') LIMIT 10$$);

-- a LIMIT above max_scan_tuples sorts: a scan would return too few rows
SET barq.max_scan_tuples = 50;
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 50$$);
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 51$$);
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 1 OFFSET 50$$);
SELECT count(*) FROM (SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 2000) s;
RESET barq.max_scan_tuples;

-- a second ORDER BY key (from version 17 on the index gives the first)
SET enable_seqscan = off;
SELECT array_agg(id) = (SELECT array_agg(id) FROM (SELECT id FROM hnsw_plans ORDER BY (v <-> '[1,1,1,1,1,1,1,1]') + 0, id LIMIT 10) e) AS same
FROM (SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]', id LIMIT 10) s;
-- two distances
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]', v <-> '[2,1,1,1,1,1,1,1]' LIMIT 10$$);
SELECT array_agg(id) = (SELECT array_agg(id) FROM (SELECT id FROM hnsw_plans ORDER BY (v <-> '[1,1,1,1,1,1,1,1]') + 0, v <-> '[2,1,1,1,1,1,1,1]' LIMIT 10) e) AS same
FROM (SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]', v <-> '[2,1,1,1,1,1,1,1]' LIMIT 10) s;

RESET enable_seqscan;

-- a filter above the scan
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans WHERE category = 3 ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 5$$);
-- a key that finds one row uses its own index
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans WHERE id = 7 ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 5$$);

-- a cursor's fraction
BEGIN;
DECLARE near CURSOR FOR SELECT id, v <-> '[1,1,1,1,1,1,1,1]' AS d FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]';
EXPLAIN (COSTS OFF) DECLARE far CURSOR FOR SELECT id FROM hnsw_plans ORDER BY v <-> '[1,1,1,1,1,1,1,1]';
MOVE 3 FROM near;
CLOSE near;
COMMIT;

-- prepared statements with custom and generic plans
PREPARE near(vector, int) AS SELECT id FROM hnsw_plans ORDER BY v <-> $1 LIMIT $2;
EXPLAIN (COSTS OFF) EXECUTE near('[1,1,1,1,1,1,1,1]', 3);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE near('[1,1,1,1,1,1,1,1]', 3);
CREATE TEMP TABLE found AS EXECUTE near('[1,0,1,0,1,0,1,0]', 3);
RESET plan_cache_mode;
SELECT array_agg(id ORDER BY id) = (SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM hnsw_plans ORDER BY (v <-> '[1,0,1,0,1,0,1,0]') + 0 LIMIT 3) e) AS same FROM found;

-- a lateral join and a correlated sub-select re-scan the index for each row
EXPLAIN (COSTS OFF) SELECT q.id, n.id FROM (SELECT * FROM hnsw_plans WHERE id <= 20) q
	CROSS JOIN LATERAL (SELECT id, v FROM hnsw_plans t ORDER BY t.v <-> q.v LIMIT 3) n;
SELECT count(*), count(*) FILTER (WHERE n.id = q.id) AS itself FROM (SELECT * FROM hnsw_plans WHERE id <= 20) q
	CROSS JOIN LATERAL (SELECT id, v FROM hnsw_plans t ORDER BY t.v <-> q.v LIMIT 3) n;
SELECT count(*) FILTER (WHERE ids IS DISTINCT FROM exact) AS differences FROM (
	SELECT ARRAY(SELECT id FROM hnsw_plans t ORDER BY t.v <-> q.v LIMIT 5) AS ids,
		ARRAY(SELECT id FROM hnsw_plans t ORDER BY (t.v <-> q.v) + 0 LIMIT 5) AS exact
	FROM hnsw_plans q WHERE id <= 40) s;

-- a partial index is used if its predicate is implied
DROP INDEX hnsw_plans_v;
CREATE INDEX hnsw_plans_part ON hnsw_plans USING barq_hnsw (v vector_l2_ops) WHERE category = 3;
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans WHERE category = 3 ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 5$$);
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans WHERE category = 4 ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 5$$);
SET enable_seqscan = off;
SELECT wrong FROM pg_temp.compare('hnsw_plans', '<->', ARRAY(SELECT v FROM hnsw_plans WHERE id <= 20), 20, 'category = 3');
UPDATE hnsw_plans SET category = 3 WHERE id <= 30;
SELECT wrong FROM pg_temp.compare('hnsw_plans', '<->', ARRAY(SELECT v FROM hnsw_plans WHERE id <= 20), 20, 'category = 3');
SELECT * FROM barq_check('hnsw_plans_part');
DROP INDEX hnsw_plans_part;

-- an expression index: a cast that gives dimensions
CREATE INDEX hnsw_plans_expr ON hnsw_plans USING barq_hnsw ((w::vector(8)) vector_cosine_ops);
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY w::vector(8) <=> '[1,1,1,1,1,1,1,1]' LIMIT 5$$);
SELECT array_agg(id) = (SELECT array_agg(id) FROM (SELECT id FROM hnsw_plans ORDER BY (w <=> '[1,1,1,1,1,1,1,1]') + 0 LIMIT 5) e) AS same
FROM (SELECT id FROM hnsw_plans ORDER BY w::vector(8) <=> '[1,1,1,1,1,1,1,1]' LIMIT 5) s;
-- an expression index: a computed vector
CREATE INDEX hnsw_plans_norm ON hnsw_plans USING barq_hnsw ((l2_normalize(v)::vector(8)) vector_ip_ops);
SELECT pg_temp.plan_of($$SELECT id FROM hnsw_plans ORDER BY l2_normalize(v)::vector(8) <#> '[1,1,1,1,1,1,1,1]' LIMIT 5$$);
SELECT array_agg(id) = (SELECT array_agg(id) FROM (SELECT id FROM hnsw_plans ORDER BY (l2_normalize(v) <#> '[1,1,1,1,1,1,1,1]') + 0 LIMIT 5) e) AS same
FROM (SELECT id FROM hnsw_plans ORDER BY l2_normalize(v)::vector(8) <#> '[1,1,1,1,1,1,1,1]' LIMIT 5) s;
SELECT * FROM barq_check('hnsw_plans_expr');
DROP TABLE hnsw_plans;

-- EXPLAIN (SETTINGS) shows settings that change a result, and no others
SELECT name FROM pg_settings WHERE name LIKE 'barq.%' AND 'EXPLAIN' = ANY (pg_settings_get_flags(name)) ORDER BY name;
