-- Which index a query takes where a table has indexes of one field and of several; and
-- barq_hybrid() by all fields, or by one.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE TABLE choice (id int PRIMARY KEY, title text, body text, note varchar(40), lang text, v vector(2));
INSERT INTO choice SELECT i, CASE WHEN i % 5 > 0 THEN 'red ' || repeat('tree ', i % 4) END,
	repeat('fox ', i % 6) || CASE WHEN i % 7 = 0 THEN 'red' ELSE 'sky' END, 'red note ' || i, 'l' || i % 2, ARRAY[i, 1]::vector
FROM generate_series(1, 60) i;
SET enable_seqscan = off;
SET enable_sort = off;

-- The index of a statement's plan, or its error.
CREATE FUNCTION pg_temp.takes(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found text := 'none';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		found := coalesce(substring(line FROM '(?:Index Scan (?:using|on)|Index:) (\w+)'), found);
	END LOOP;
	RETURN found;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;

-- a row takes the index of several fields, a column the one of that column alone
CREATE INDEX choice_body ON choice USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY choice <@> 'red fox' LIMIT 5$$);
CREATE INDEX choice_fields ON choice USING barq_bm25 (title bm25_ops (weight = 3), body, (lower(note))) WITH (text_config = 'simple');
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY choice <@> 'red fox' LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice WHERE choice @@@ 'red fox'$$);
SELECT pg_temp.takes($$SELECT id FROM choice WHERE choice <@> 'red fox' < -1$$);
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY ROW(title, body, lower(note)) <@> 'red fox' LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY title <@> 'red fox' LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY body <@> 'red fox' LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY lower(note) <@> 'red fox' LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY body <@> to_bm25query('red fox', 'choice_fields') LIMIT 5$$);
-- known at run time only
PREPARE ranked(text) AS SELECT id FROM choice ORDER BY choice <@> $1 LIMIT 3;
SET plan_cache_mode = force_generic_plan;
EXECUTE ranked('red fox');
SELECT id FROM choice ORDER BY choice <@> to_bm25query('red fox', 'choice_fields') LIMIT 3;
RESET plan_cache_mode;
-- a partial index of one column does not come before an index of several for a row
CREATE INDEX choice_l1 ON choice USING barq_bm25 (body) WITH (text_config = 'simple') WHERE lang = 'l1';
SELECT pg_temp.takes($$SELECT id FROM choice WHERE lang = 'l1' ORDER BY choice <@> 'red fox' LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice WHERE lang = 'l1' ORDER BY body <@> 'red fox' LIMIT 5$$);
-- two of several fields: named, or an error
CREATE INDEX choice_two ON choice USING barq_bm25 (title, body) WITH (text_config = 'simple');
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY choice <@> 'red fox' LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY choice <@> to_bm25query('red fox', 'choice_two') LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY ROW(title, body) <@> 'red fox' LIMIT 5$$);
SELECT pg_temp.takes($$SELECT id FROM choice ORDER BY title <@> 'red fox' LIMIT 5$$);
DROP INDEX choice_two, choice_l1;

-- the operator = of a field's class, which is for filter columns of before: rows are checked
SET enable_bitmapscan = off;
SELECT pg_temp.takes($$SELECT id FROM choice WHERE title = 'red tree '$$);
SELECT count(*) FROM choice WHERE title = 'red tree ';
SELECT count(*) FROM choice WHERE title = 'red tree ' AND choice @@@ to_bm25query('fox', 'choice_fields');
SET enable_seqscan = on;
SET enable_indexscan = off;
SELECT count(*) FROM choice WHERE title = 'red tree ';
SELECT count(*) FROM choice WHERE title = 'red tree ' AND choice @@@ to_bm25query('fox', 'choice_fields');
RESET enable_bitmapscan;
RESET enable_indexscan;
SET enable_seqscan = off;

-- barq_hybrid(): by all fields, by a named one
CREATE FUNCTION pg_temp.same(hybrid text, ordered text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	a text;
	b text;
BEGIN
	EXECUTE format('SELECT string_agg((doc).id::text, '' '') FROM barq_hybrid(NULL::choice, query => ''red fox'', k => 40, %s)', hybrid) INTO a;
	EXECUTE format('SELECT string_agg(id::text, '' '') FROM (SELECT id, %1$s AS s FROM choice ORDER BY 2, ctid LIMIT 40) o WHERE s < 0', ordered) INTO b;
	RETURN CASE WHEN a = b THEN 'the same' ELSE format('%s, not %s', a, b) END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
SET enable_sort = on;
SELECT pg_temp.same($$text_index => 'choice_fields'$$, $$choice <@> to_bm25query('red fox', 'choice_fields')$$);
SELECT pg_temp.same($$text_index => 'choice_fields', text_column => 'title'$$, $$title <@> to_bm25query('red fox', 'choice_fields')$$);
SELECT pg_temp.same($$text_index => 'choice_fields', text_column => 'body'$$, $$body <@> to_bm25query('red fox', 'choice_fields')$$);
SELECT pg_temp.same($$text_column => 'title'$$, $$title <@> to_bm25query('red fox', 'choice_fields')$$);
SELECT pg_temp.same($$text_column => 'body'$$, $$body <@> to_bm25query('red fox', 'choice_body')$$);
SELECT pg_temp.same($$text_column => 'note'$$, $$title <@> 'red fox'$$);
SELECT pg_temp.same($$fusion => 'rrf'$$, $$title <@> 'red fox'$$);
DROP INDEX choice_body;
SELECT pg_temp.same($$fusion => 'rrf'$$, $$choice <@> 'red fox'$$);
SELECT pg_temp.same($$filter => 'lang = ''l1'''$$, $$CASE WHEN lang = 'l1' THEN choice <@> 'red fox' ELSE 0 END$$);
CREATE INDEX choice_two ON choice USING barq_bm25 (title, body) WITH (text_config = 'simple');
SELECT pg_temp.same($$fusion => 'rrf'$$, $$choice <@> 'red fox'$$);
SELECT pg_temp.same($$text_index => 'choice_two'$$, $$choice <@> to_bm25query('red fox', 'choice_two')$$);
DROP INDEX choice_two;
-- with vectors; the scan is by the index
CREATE INDEX choice_v ON choice USING barq_hnsw (v vector_l2_ops);
SELECT (doc).id, vector_rank, text_rank FROM barq_hybrid(NULL::choice, '[10,1]', 'red fox', k => 4);

-- partitions and columns of other names and types
CREATE TABLE choice_parts (id int, "The Title" varchar(30), tags text[], body text) PARTITION BY RANGE (id);
CREATE TABLE choice_p1 PARTITION OF choice_parts FOR VALUES FROM (0) TO (30);
CREATE TABLE choice_p2 (body text, dropped int, id int, tags text[], "The Title" varchar(30));
ALTER TABLE choice_p2 DROP COLUMN dropped;
ALTER TABLE choice_parts ATTACH PARTITION choice_p2 FOR VALUES FROM (30) TO (100);
INSERT INTO choice_parts SELECT id, title, ARRAY['red', 'x' || id % 3], body FROM choice;
CREATE INDEX choice_parts_idx ON choice_parts USING barq_bm25 ("The Title", tags bm25_array_ops (weight = 0.5), body) WITH (text_config = 'simple');
SELECT (SELECT string_agg((doc).id::text, ' ') FROM barq_hybrid(NULL::choice_parts, query => 'red x1', k => 40)) =
	(SELECT string_agg(id::text, ' ') FROM (SELECT id FROM choice_parts ORDER BY choice_parts <@> 'red x1', tableoid, ctid LIMIT 40) s) AS same;
DROP TABLE choice, choice_parts;
