-- Conditions on filter columns and within the bitmap of another index at the same time,
-- refinements beside filter columns, and the filter of barq_hybrid(): the rows of a sort.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SELECT setseed(0.3);
CREATE TABLE both_items (id int PRIMARY KEY, price int, tenant int, label text, tags text[], body text, v vector(12)) WITH (autovacuum_enabled = off);
CREATE FUNCTION pg_temp.add_rows(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO both_items SELECT i, i * 7 % 1000, i % 10, 'label' || i % 4, ARRAY['t' || i % 20, 'u' || i % 3],
		CASE WHEN i % 50 > 0 THEN 'word' || i % 13 || repeat(' shoes', i % 4) END,
		CASE WHEN i % 60 > 0 THEN pg_temp.random_vector(12) END
	FROM generate_series(first, last) i $$;
CREATE INDEX both_price ON both_items (price);
CREATE INDEX both_tags ON both_items USING gin (tags);
SELECT pg_temp.add_rows(1, 3000);

-- the rows found by a plan of the wanted kind, compared with a sort
CREATE FUNCTION pg_temp.differs(condition text, key text, wanted text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT string_agg(format(''%%s'', row), E''\n'') FROM (SELECT d, array_agg(id ORDER BY id) AS ids FROM (SELECT id, (%s)::text AS d FROM both_items WHERE %s ORDER BY %1$s) s GROUP BY 1 ORDER BY d) row', key, condition);
	line text;
	plan text := '';
	got text;
	want text;
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_sort = off;
	PERFORM set_config('enable_indexscan', (wanted <> 'Custom Scan')::text, true), set_config('enable_bitmapscan', (wanted = 'Custom Scan')::text, true);
	PERFORM set_config('barq.condition_scan', (wanted = 'Custom Scan')::text, true);
	FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM both_items WHERE %s ORDER BY %s', condition, key) LOOP
		plan := plan || line || E'\n';
	END LOOP;
	EXECUTE query INTO got;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	SET LOCAL barq.condition_scan = off;
	EXECUTE query INTO want;
	RETURN CASE WHEN got IS DISTINCT FROM want THEN format('rows differ: %s, not %s', left(got, 100), left(want, 100))
		WHEN position(wanted IN plan) = 0 OR plan !~ 'Index Cond: .*(tenant|label)' THEN 'plan: ' || plan END;
END $$;
CREATE FUNCTION pg_temp.check_all(key text) RETURNS TABLE (condition text, plan text, difference text) LANGUAGE sql AS $$
	SELECT c, p, pg_temp.differs(c, key, p)
	FROM unnest(ARRAY['tenant = 3 AND price < 500', 'tenant <= 4 AND tags @> ''{t3}''', 'label = ''label2'' AND price BETWEEN 100 AND 900',
			'tenant > 1 AND tenant < 9 AND (tags @> ''{u1}'' OR price < 100)', 'tenant = 77 AND price < 500', 'tenant IS NULL AND price < 900']) c,
		unnest('{Index Scan,Custom Scan}'::text[]) p
	WHERE pg_temp.differs(c, key, p) IS NOT NULL ORDER BY 1, 2 $$;
CREATE FUNCTION pg_temp.check_states(index regclass, key text) RETURNS TABLE (state text, condition text, plan text, difference text) LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM both_items WHERE id > 3000;
	RETURN QUERY SELECT 'built', * FROM pg_temp.check_all(key);
	PERFORM pg_temp.add_rows(3001, 3300);
	RETURN QUERY SELECT 'and a log', * FROM pg_temp.check_all(key);
	PERFORM barq_seal(index);
	RETURN QUERY SELECT 'two segments', * FROM pg_temp.check_all(key);
	DELETE FROM both_items WHERE id > 3000 AND id % 9 = 1;
	PERFORM barq_compact(index);
	RETURN QUERY SELECT 'merged', * FROM pg_temp.check_all(key);
	RETURN QUERY SELECT 'check', c.place, c.message, '' FROM barq_check(index) c;
END $$;

CREATE INDEX both_v ON both_items USING barq_hnsw (v vector_l2_ops, tenant, label);
ANALYZE both_items;
SELECT * FROM pg_temp.check_states('both_v', 'v <-> array_fill(0.1, ARRAY[12])::vector');
SET enable_seqscan = off;
SET enable_indexscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM both_items WHERE tenant = 3 AND label = 'label1' AND price < 500 ORDER BY v <-> array_fill(0.1, ARRAY[12])::vector LIMIT 5;
RESET enable_seqscan;
RESET enable_indexscan;
RESET enable_sort;
DROP INDEX both_v;

-- refinements: distances as intervals, with and without rechecks
CREATE INDEX both_v ON both_items USING barq_hnsw (v vector_l2_ops, tenant, label) WITH (refine = 'on');
SELECT * FROM pg_temp.check_states('both_v', 'v <-> array_fill(0.1, ARRAY[12])::vector');
DROP INDEX both_v;
CREATE INDEX both_v ON both_items USING barq_ivf (v vector_l2_ops, tenant, label) WITH (lists = 20, refine = 'on');
SELECT * FROM pg_temp.check_states('both_v', 'v <-> array_fill(0.1, ARRAY[12])::vector');
DROP INDEX both_v;
CREATE INDEX both_v ON both_items USING barq_ivf (v vector_l2_ops, tenant, label) WITH (lists = 20, quantization = 'rabitq');
SELECT * FROM pg_temp.check_states('both_v', 'v <-> array_fill(0.1, ARRAY[12])::vector');
DROP INDEX both_v;

-- text
CREATE INDEX both_body ON both_items USING barq_bm25 (body, tenant, label text_filter_ops) WITH (text_config = 'simple');
SELECT * FROM pg_temp.check_states('both_body', 'body <@> ''shoes''');
-- barq_hybrid(): its filter is a condition of the indexes. Only rows that satisfy it are scored.
CREATE INDEX both_v ON both_items USING barq_hnsw (v vector_l2_ops, tenant, label);
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;
SELECT count(*) AS rows, bool_and((doc).tenant = 3) AS of_tenant FROM barq_hybrid(NULL::both_items, array_fill(0.1, ARRAY[12])::vector::text, k => 30, filter => 'tenant = 3');
SELECT rows_scored <= (SELECT count(*) FROM both_items WHERE tenant = 3) AS of_tenant_only FROM barq_last_scan();
SELECT count(*) AS rows, bool_and((doc).tenant = 3) AS of_tenant FROM barq_hybrid(NULL::both_items, query => 'shoes', k => 30, filter => 'tenant = 3');
DROP TABLE both_items;
