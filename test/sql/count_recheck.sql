-- Conditions on rows of several fields that an index without positions cannot decide: they are
-- rechecked by counts, facets and scans in the order of a column, whichever path they are made of.
\set VERBOSITY terse
CREATE TABLE recheck (id int, title text, body text, price int, pad text);
INSERT INTO recheck SELECT i, CASE WHEN i % 3 <> 0 THEN 'x' WHEN i % 2 = 0 THEN 'w0 w1' ELSE 'w1 w0' END, CASE WHEN i % 5 > 0 THEN 'y' END, i % 5, repeat('x', 200) FROM generate_series(1, 6000) i;
CREATE INDEX recheck_idx ON recheck USING barq_bm25 (title, body, price) WITH (text_config = 'simple', positions = off);
VACUUM ANALYZE recheck;
CREATE FUNCTION pg_temp.answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN result;
END $$;
CREATE FUNCTION pg_temp.check_all() RETURNS TABLE (settings text, asked text, got text, wanted text) LANGUAGE plpgsql AS $$
DECLARE
	cells int := 0;
BEGIN
	FOR asked, wanted IN SELECT format(shape, condition), format(judge, condition)
		FROM unnest(ARRAY['recheck @@@ ''"w1 w0"''', 'recheck @@@ ''-"w1 w0" y''', 'recheck <@> ''+"w1 w0"'' < 0', 'recheck @@@ ''"w1 w0"'' AND price < 3', 'recheck @@@ ''title:"w1 w0"''']) condition,
			(VALUES ('SELECT count(*) FROM recheck WHERE %s', 'SELECT count(*) FROM recheck WHERE %s'),
				('SELECT array_agg(price) FROM (SELECT price FROM recheck WHERE %s ORDER BY price OFFSET 0) s', 'SELECT array_agg(price ORDER BY price) FROM recheck WHERE %s'),
				('SELECT count(*) FROM (SELECT id FROM recheck WHERE %s ORDER BY recheck <@> ''y w1'' OFFSET 0) s', 'SELECT count(*) FROM recheck WHERE %s')) s(shape, judge)
		UNION ALL SELECT 'SELECT barq_count(''recheck_idx'', ''"w1 w0"'')', 'SELECT count(*) FROM recheck WHERE recheck @@@ ''"w1 w0"'''
		UNION ALL SELECT 'SELECT sum(count) FROM barq_facets(''recheck_idx'', ''"w1 w0"'', columns => ''{price}'')', 'SELECT count(*) FROM recheck WHERE recheck @@@ ''"w1 w0"'''
	LOOP
		PERFORM set_config(n, 'off', true) FROM unnest('{enable_indexscan,enable_bitmapscan,barq.count_scan,barq.sorted_scan,barq.condition_scan}'::text[]) n;
		wanted = pg_temp.answer(wanted);
		PERFORM set_config(n, 'on', true) FROM unnest('{enable_indexscan,enable_bitmapscan,barq.count_scan,barq.sorted_scan,barq.condition_scan}'::text[]) n;
		FOR settings IN SELECT unnest(ARRAY['', 'random_page_cost=20', 'effective_cache_size=1', 'enable_indexscan=off', 'enable_bitmapscan=off', 'enable_seqscan=off enable_sort=off random_page_cost=20', 'enable_seqscan=off enable_sort=off enable_indexscan=off']) LOOP
			PERFORM set_config(split_part(s, '=', 1), split_part(s, '=', 2), true) FROM string_to_table(settings, ' ') s WHERE s <> '';
			got = pg_temp.answer(asked);
			PERFORM set_config(name, reset_val, true) FROM pg_settings WHERE name IN ('random_page_cost', 'effective_cache_size', 'enable_indexscan', 'enable_bitmapscan', 'enable_seqscan', 'enable_sort');
			cells = cells + 1;
			IF got IS DISTINCT FROM wanted THEN
				got = left(got, 60);
				RETURN NEXT;
			END IF;
		END LOOP;
	END LOOP;
	settings = cells || ' cells'; asked = NULL; got = NULL; wanted = NULL;
	RETURN NEXT;
END $$;
SELECT settings, asked, got, left(wanted, 60) AS wanted FROM pg_temp.check_all();
DROP TABLE recheck;
