-- A target of recall is for vectors: searches of texts, of every shape of plan, return the same
-- rows with and without one, and so do statements that search both.
SET client_min_messages = warning;
CREATE TABLE target_texts (id int PRIMARY KEY, price int, tenant int, title text, body text, v vector(4)) WITH (autovacuum_enabled = off);
INSERT INTO target_texts SELECT i, i * 7919 % 1000, i % 10, CASE WHEN i % 4 > 0 THEN 'red t' || i % 9 END,
	CASE WHEN i % 50 > 0 THEN repeat('fox ', i % 31) || repeat('x ', i / 31) || 'w' || i % 13 END, ARRAY[sin(i), cos(i * 3), sin(i * 0.7), cos(i * 0.3)]::vector
	FROM generate_series(1, 3000) i;
CREATE INDEX target_texts_price ON target_texts (price);
CREATE INDEX target_texts_v ON target_texts USING barq_hnsw (v vector_l2_ops, tenant);
CREATE INDEX target_texts_body ON target_texts USING barq_bm25 (body, tenant) WITH (text_config = 'simple');
CREATE INDEX target_texts_both ON target_texts USING barq_bm25 (title bm25_ops (weight = 3), body, tenant) WITH (text_config = 'simple');
VACUUM ANALYZE target_texts;

-- the rows of a statement, and what its plan has
CREATE FUNCTION pg_temp.rows_of(query text, target float8, OUT ids text, OUT plan text) LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	PERFORM set_config('barq.target_recall', target::text, true);
	plan = '';
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan = plan || coalesce((regexp_match(line, 'Barq\w+|Index Scan|Bitmap Heap'))[1] || ' ', '');
	END LOOP;
	EXECUTE format('SELECT string_agg(s::text, '' '') FROM (%s) s', query) INTO ids;
	PERFORM set_config('barq.target_recall', '0', true);
END $$;
CREATE TABLE target_texts_shapes (number int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO target_texts_shapes (query) VALUES
	('SELECT id FROM target_texts ORDER BY body <@> to_bm25query(''fox w3'', ''target_texts_body'') LIMIT 10'),
	('SELECT id FROM target_texts WHERE tenant = 3 ORDER BY body <@> to_bm25query(''fox w3'', ''target_texts_body'') LIMIT 10'),
	('SELECT id FROM target_texts WHERE price < 100 ORDER BY body <@> to_bm25query(''fox w3'', ''target_texts_body'') LIMIT 10'),
	('SELECT id FROM target_texts WHERE price < 100 AND tenant < 5 ORDER BY body <@> to_bm25query(''fox w3'', ''target_texts_body'') LIMIT 10'),
	('SELECT id FROM target_texts WHERE price < 100 AND body @@@ to_bm25query(''w3'', ''target_texts_body'') ORDER BY body <@> to_bm25query(''fox w3'', ''target_texts_body'') LIMIT 10'),
	('SELECT id FROM target_texts WHERE body <@> to_bm25query(''fox w3'', ''target_texts_body'') < -1 ORDER BY id'),
	('SELECT id FROM target_texts t WHERE price < 100 ORDER BY t <@> to_bm25query(''fox red'', ''target_texts_both'') LIMIT 10'),
	('SELECT id FROM target_texts t ORDER BY t <@> to_bm25query(''fox red'', ''target_texts_both'') LIMIT 10'),
	('SELECT id FROM target_texts WHERE body @@@ to_bm25query(''w3'', ''target_texts_body'') ORDER BY tenant, id LIMIT 10'),
	('SELECT count(*) FROM target_texts WHERE body @@@ to_bm25query(''w3'', ''target_texts_body'')'),
	('SELECT id FROM target_texts WHERE price < 100 AND body @@@ to_bm25query(''w3'', ''target_texts_body'') ORDER BY v <-> ''[1,0,0,0]'' LIMIT 10'),
	('SELECT id FROM target_texts WHERE v <-> ''[1,0,0,0]'' < 0.8 ORDER BY id'),
	('SELECT (doc).id, round(score::numeric, 9) FROM barq_hybrid(NULL::target_texts, ''[1,0,0,0]'', ''fox w3'', k => 10, text_index => ''target_texts_body'')'),
	('SELECT (doc).id, round(score::numeric, 9) FROM barq_hybrid(NULL::target_texts, query => ''fox w3'', k => 10, filter => ''price < 100'', text_index => ''target_texts_body'')'),
	('SELECT (doc).id, round(score::numeric, 9) FROM barq_hybrid(NULL::target_texts, query => ''fox w3'', k => 10, filter => ''price < 100 AND tenant = 4'', group_by => ''price'', text_index => ''target_texts_both'')');
SET enable_seqscan = off;
SET enable_sort = off;
CREATE FUNCTION pg_temp.differing(settings text) RETURNS TABLE (number int, query text, plan text, others text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config(s, 'off', true) FROM unnest(string_to_array(settings, ' ')) s;
	RETURN QUERY SELECT s.number, s.query, a.plan, left(a.ids, 60) FROM target_texts_shapes s, pg_temp.rows_of(s.query, 0) a, pg_temp.rows_of(s.query, 0.9) b WHERE a.ids IS DISTINCT FROM b.ids OR a.ids IS NULL ORDER BY 1;
	PERFORM set_config(s, 'on', true) FROM unnest(string_to_array(settings, ' ')) s;
END $$;
SELECT * FROM pg_temp.differing('');
SELECT * FROM pg_temp.differing('enable_indexscan');
SELECT * FROM pg_temp.differing('enable_bitmapscan');
SELECT * FROM pg_temp.differing('barq.condition_scan');
-- the third and the fourth within the bitmap
SET enable_indexscan = off;
SELECT number, (pg_temp.rows_of(query, 0.9)).plan FROM target_texts_shapes WHERE number IN (3, 4);
DROP TABLE target_texts, target_texts_shapes;
