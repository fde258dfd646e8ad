-- Row security: the condition of a policy is part of an index's search, the rows are those of a
-- sort, and rows that the policy hides are not read by functions of the query, do not raise
-- errors, and do not change estimates.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SELECT setseed(0.4);
CREATE ROLE regress_tenant;
CREATE TABLE secured (id int PRIMARY KEY, tenant int NOT NULL, owner text COLLATE "C", code uuid, labels int[], price int, body text, v vector(8)) WITH (autovacuum_enabled = off);
CREATE FUNCTION pg_temp.add_rows(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO secured SELECT i, t, 'owner' || t, lpad(t::text, 32, '0')::uuid, ARRAY[t, t + 100], i * 7 % 1000,
		CASE WHEN i % 40 > 0 THEN CASE WHEN t = 3 THEN 'ours' ELSE 'secret' END || ' word' || i % 13 || repeat(' shoes', i % 3) END,
		CASE WHEN i % 50 > 0 THEN pg_temp.random_vector(8) END
	FROM (SELECT i, (i * i % 101) * (i % 10) / 100 AS t FROM generate_series(first, last) i) s $$;
SELECT pg_temp.add_rows(1, 2000);
CREATE INDEX secured_price ON secured (price);
CREATE INDEX secured_v ON secured USING barq_hnsw (v vector_l2_ops, tenant, owner, code, labels);
CREATE INDEX secured_body ON secured USING barq_bm25 (body, tenant, owner text_filter_ops, code, labels) WITH (text_config = 'simple');
SELECT pg_temp.add_rows(2001, 2200);
ANALYZE secured;
GRANT SELECT ON secured TO regress_tenant;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;

-- what policies are made of, and how the rows are searched
CREATE TABLE policies (n int, condition text);
INSERT INTO policies VALUES (1, 'tenant = current_setting(''app.tenant'')::int'), (2, 'tenant = (SELECT current_setting(''app.tenant'')::int)'),
	(3, 'tenant = ANY (string_to_array(current_setting(''app.tenants''), '','')::int[])'), (4, 'owner = current_setting(''app.owner'')'), (5, 'owner = current_setting(''app.owner'', true)::varchar'),
	(6, 'code = current_setting(''app.code'')::uuid'), (7, 'labels @> ARRAY[current_setting(''app.tenant'')::int]'), (8, 'tenant = 3 AND code IS NOT NULL AND labels && ''{3,4}'''),
	(9, 'tenant >= 3 AND tenant < current_setting(''app.tenant'')::int + 1'), (10, 'tenant = nullif(current_setting(''app.none'', true), '''')::int'), (11, 'tenant = 3 AND tenant = 4');
SET app.tenant = 3;
SET app.tenants = '3,77';
SET app.owner = 'owner3';
SET app.code = '00000000-0000-0000-0000-000000000003';
-- Each policy, search and way to search, compared with a sort of the rows that the condition holds
-- for. A role sees what its plan is. A condition without rows needs no index.
CREATE FUNCTION pg_temp.differs(policy text, condition text, key text, way text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	query text := 'SELECT string_agg(format(''%%s'', row), E''\n'') FROM (SELECT d, array_agg(id ORDER BY id) AS ids FROM (SELECT id, (%s)::text AS d FROM secured WHERE %s ORDER BY %1$s) s GROUP BY 1 ORDER BY d) row';
	line text;
	plan text := '';
	got text;
	want text;
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_sort = off;
	PERFORM set_config('enable_indexscan', (way <> 'Custom Scan')::text, true), set_config('enable_bitmapscan', (way = 'Custom Scan')::text, true), set_config('barq.condition_scan', (way <> 'Index Scan')::text, true);
	SET LOCAL ROLE regress_tenant;
	FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM secured WHERE %s ORDER BY %s', condition, key) LOOP
		plan := plan || line || E'\n';
	END LOOP;
	EXECUTE format(query, key, condition) INTO got;
	RESET ROLE;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	SET LOCAL barq.condition_scan = off;
	EXECUTE format(query, key, condition || ' AND ' || policy) INTO want;
	RETURN CASE WHEN got IS DISTINCT FROM want THEN format('rows differ: %s, not %s', left(got, 100), left(want, 100))
		WHEN position(way IN plan) = 0 OR plan !~ 'Index Cond: .*(tenant|owner|code|labels)' THEN 'plan: ' || plan END;
END $$;
CREATE FUNCTION pg_temp.check_policies() RETURNS TABLE (policy text, condition text, key text, way text, difference text) LANGUAGE plpgsql AS $$
DECLARE
	p policies;
BEGIN
	FOR p IN SELECT * FROM policies ORDER BY n LOOP
		EXECUTE 'CREATE POLICY own ON secured USING (' || p.condition || ')';
		RETURN QUERY SELECT p.condition, c, k, w, d FROM unnest(ARRAY['true', 'price < 500', 'length(body) > 10']) c,
			unnest(ARRAY['v <-> ''[0,0,0,0,0,0,0,0]''', 'body <@> ''shoes word4''']) k, unnest(ARRAY['Index Scan', 'Custom Scan', 'BarqSearch']) w,
			LATERAL (SELECT pg_temp.differs(p.condition, c, k, w) AS d OFFSET 0) s
			WHERE CASE w WHEN 'Custom Scan' THEN c = 'price < 500' WHEN 'BarqSearch' THEN k LIKE 'body%' ELSE true END AND p.n < 11 AND d IS NOT NULL;
		DROP POLICY own ON secured;
	END LOOP;
END $$;
SELECT * FROM pg_temp.check_policies();
SELECT barq_seal('secured_v'), barq_seal('secured_body');
SELECT * FROM pg_temp.check_policies();

-- a plan that is kept, for another tenant
CREATE POLICY own ON secured USING (tenant = current_setting('app.tenant')::int);
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET ROLE regress_tenant;
PREPARE near(vector) AS SELECT tenant FROM secured ORDER BY v <-> $1 LIMIT 5;
EXPLAIN (COSTS OFF) EXECUTE near('[0,0,0,0,0,0,0,0]');
EXECUTE near('[0,0,0,0,0,0,0,0]');
SET app.tenant = 2;
EXECUTE near('[0,0,0,0,0,0,0,0]');
-- no tenant: an error, no rows
SET app.tenant = '';
EXECUTE near('[0,0,0,0,0,0,0,0]');
RESET ROLE;
RESET plan_cache_mode;
DEALLOCATE near;
SET app.tenant = 3;

-- A bitmap of the policy's condition from the index of texts has the rows, not the pages, of the
-- tenant; also those without a text, and those in the log.
SELECT pg_temp.add_rows(2201, 2300);
DELETE FROM secured WHERE id % 17 = 3;
CREATE FUNCTION bitmap_rows(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
	RETURN substring(plan::text FROM '"Node Type": "Bitmap Index Scan".*?"Actual Rows": ([0-9.]+),');
END $$;
SET enable_indexscan = off;
SET ROLE regress_tenant;
EXPLAIN (COSTS OFF) SELECT id FROM secured WHERE body @@@ 'shoes' ORDER BY body <@> 'shoes' LIMIT 1000;
SELECT bitmap_rows('SELECT id FROM secured WHERE body @@@ ''shoes'' ORDER BY body <@> ''shoes'' LIMIT 1000') = (SELECT count(*) + (SELECT count(*) FROM generate_series(1, 2300) i WHERE i % 17 = 3 AND (i * i % 101) * (i % 10) / 100 = 3) FROM secured) AS rows_of_tenant;
SELECT (SELECT array_agg(id ORDER BY id) FROM (SELECT id FROM secured WHERE body @@@ 'shoes' ORDER BY body <@> 'shoes' LIMIT 1000) s) = (SELECT array_agg(id ORDER BY id) FROM secured WHERE body LIKE '%shoes%') AS same;
RESET ROLE;
RESET enable_indexscan;
-- a bitmap of a condition that the search has already is of no use
CREATE INDEX secured_tenant ON secured (tenant);
ANALYZE secured;
SET ROLE regress_tenant;
EXPLAIN (COSTS OFF) SELECT id FROM secured ORDER BY body <@> 'shoes' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM secured ORDER BY v <-> '[0,0,0,0,0,0,0,0]' LIMIT 5;
RESET ROLE;
DROP INDEX secured_tenant;

-- Conditions of the query that are not leakproof see no hidden row, whatever the plan: peek()
-- raises an error for a text that says "secret", the division one for tenant 0.
CREATE FUNCTION peek(text) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0001 AS $$ BEGIN IF $1 LIKE '%secret%' THEN RAISE 'peek: %', $1; END IF; RETURN true; END $$;
CREATE FUNCTION pg_temp.peeks() RETURNS TABLE (query text, settings text, outcome text) LANGUAGE plpgsql AS $$
DECLARE
	off text;
	q text;
BEGIN
	FOREACH q IN ARRAY ARRAY['SELECT count(*) FROM (SELECT 1 FROM secured WHERE %s ORDER BY v <-> ''[0,0,0,0,0,0,0,0]'' LIMIT 1000) s', 'SELECT count(*) FROM (SELECT 1 FROM secured WHERE %s ORDER BY body <@> ''secret shoes'' LIMIT 1000) s',
			'SELECT count(*) FROM secured WHERE %s AND v <-> ''[0,0,0,0,0,0,0,0]'' < 3', 'SELECT count(*) FROM secured WHERE %s AND body @@@ ''shoes''', 'SELECT count(*) FROM secured WHERE %s AND body <@> ''shoes'' < -0.1', 'SELECT count(*) FROM secured WHERE %s AND price < 300'] LOOP
		FOREACH off IN ARRAY ARRAY['enable_sort', 'enable_indexscan', 'enable_bitmapscan', 'barq.condition_scan', 'enable_hashagg'] LOOP
			query := q;
			settings := off;
			PERFORM set_config(off, 'off', false);
			SET LOCAL ROLE regress_tenant;
			BEGIN
				EXECUTE format(q, 'peek(body) AND 1 / tenant > -1') INTO STRICT outcome;
				outcome := NULL;
			EXCEPTION WHEN OTHERS THEN
				outcome := SQLERRM;
			END;
			RESET ROLE;
			PERFORM set_config(off, 'on', false);
			IF outcome IS NOT NULL THEN
				RETURN NEXT;
			END IF;
		END LOOP;
	END LOOP;
END $$;
SELECT * FROM pg_temp.peeks();
SET ROLE regress_tenant;
SELECT count(*), bool_and((doc).tenant = 3) FROM barq_hybrid(NULL::secured, '[0,0,0,0,0,0,0,0]', 'secret shoes', k => 1000, candidates => 1000, filter => 'peek(body) AND 1 / tenant > -1');
SELECT count(*), bool_and((doc).tenant = 3) FROM barq_hybrid(NULL::secured, '[0,0,0,0,0,0,0,0]', 'secret shoes', k => 1000, candidates => 1000, boost => 'length(body) / tenant');
SELECT count(*), bool_and((doc).tenant = 3) FROM barq_search_batch(NULL::secured, ARRAY['[0,0,0,0,0,0,0,0]', '[1,0,0,0,0,0,0,0]']::vector[], k => 1000, filter => 'peek(body) AND 1 / tenant > -1');
-- a word that only hidden rows have
SELECT count(*) FROM barq_hybrid(NULL::secured, query => 'secret', k => 1000, candidates => 1000);
SELECT count(*) FROM secured WHERE body @@@ 'secret';

-- Estimates do not tell whether hidden rows have a word, are near, or match.
RESET ROLE;
CREATE FUNCTION estimate(condition text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) SELECT 1 FROM secured WHERE ' || condition INTO plan;
	RETURN plan #>> '{0,Plan,Plan Rows}';
END $$;
SET ROLE regress_tenant;
SELECT estimate('body @@@ ''secret''') = estimate('body @@@ ''nosuchword''') AS words, estimate('body <@> ''secret'' < 0') = estimate('body <@> ''nosuchword'' < 0') AS scores,
	estimate('v <-> ''[0,0,0,0,0,0,0,0]'' < 0.001') = estimate('v <-> ''[0,0,0,0,0,0,0,0]'' < 1000') AS distances;
-- nor do functions that look at an index as a whole
SELECT count(*) FROM barq_bm25_stats('secured_body');
SELECT barq_bm25_df('secured_body', 'secret');
SELECT barq_recall('secured_v', 5, 5);
SELECT index, rows_scored, heap_rows FROM barq_last_scan();
RESET ROLE;
RESET enable_seqscan;

-- partitions: the policy is the parent's
CREATE TABLE secured_parts (id int, tenant int, body text, v vector(8)) PARTITION BY LIST (tenant);
CREATE TABLE secured_parts_3 PARTITION OF secured_parts FOR VALUES IN (3);
CREATE TABLE secured_parts_rest PARTITION OF secured_parts DEFAULT;
CREATE INDEX ON secured_parts USING barq_hnsw (v vector_l2_ops, tenant);
CREATE INDEX ON secured_parts USING barq_bm25 (body, tenant) WITH (text_config = 'simple');
INSERT INTO secured_parts SELECT id, tenant, body, v FROM secured;
ANALYZE secured_parts;
ALTER TABLE secured_parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secured_parts USING (tenant = current_setting('app.tenant')::int);
GRANT SELECT ON secured_parts TO regress_tenant;
SET enable_seqscan = off;
SET enable_sort = off;
SET ROLE regress_tenant;
EXPLAIN (COSTS OFF) SELECT id FROM secured_parts ORDER BY v <-> '[0,0,0,0,0,0,0,0]' LIMIT 3;
SELECT count(*), bool_and((doc).tenant = 3) FROM barq_hybrid(NULL::secured_parts, '[0,0,0,0,0,0,0,0]', 'secret shoes', k => 1000, candidates => 1000, filter => 'peek(body)');
SELECT array_agg((doc).id ORDER BY (doc).id) = (SELECT array_agg(id ORDER BY id) FROM secured_parts WHERE v IS NOT NULL) AS same
FROM barq_hybrid(NULL::secured_parts, '[0,0,0,0,0,0,0,0]', k => 1000, candidates => 1000);
RESET ROLE;
DROP OWNED BY regress_tenant;
DROP ROLE regress_tenant;
DROP TABLE secured, secured_parts, policies;
DROP FUNCTION peek(text), estimate(text), bitmap_rows(text);
