-- barq.consistency = sealed: searches that use an index leave out the rows of its growing
-- log, and only these, by every way to search and access method.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SET barq.ef_search = 1000;
SET barq.probes = 1000;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT setseed(0.2);

-- Row i has distance i from the zero vector, and a text that scores better the smaller i is.
CREATE TABLE sealed_rows AS SELECT i AS id, i % 3 AS kind, i % 2 AS odd, repeat('word ', 200 - i) || repeat('other ', i) AS body,
	(ARRAY[i::real] || array_fill(0::real, ARRAY[7]))::vector(8) AS v FROM generate_series(1, 150) i;

-- Searches, by name. Each orders rows by id.
CREATE FUNCTION pg_temp.searches(method text) RETURNS TABLE (name text, condition text, query text) LANGUAGE sql AS $$
	SELECT name, condition, format(query, '(v <-> array_fill(0::real, ARRAY[8])::vector)', '(body <@> ''word'')',
		'array_fill(0::real, ARRAY[8])::vector') FROM (VALUES
		('vector', 'scan', 'true', 'SELECT id FROM sealed_only ORDER BY %1$s LIMIT 10'),
		('vector', 'whole rows', 'true', 'SELECT (s).id FROM (SELECT s, %1$s AS d FROM sealed_only s ORDER BY d LIMIT 10) s'),
		('vector', 'filter column', 'kind = 1', 'SELECT id FROM sealed_only WHERE kind = 1 ORDER BY %1$s LIMIT 10'),
		('vector', 'bitmap', 'odd = 0', 'SELECT id FROM sealed_only WHERE odd = 0 ORDER BY %1$s LIMIT 10'),
		('vector', 'radius', 'true', 'SELECT id FROM sealed_only WHERE %1$s < 1000 ORDER BY id LIMIT 10'),
		('vector', 'lateral', 'true', 'SELECT s.id FROM (VALUES (%3$s)) q (q), LATERAL (SELECT id FROM sealed_only ORDER BY v <-> q LIMIT 10) s'),
		('vector', 'batch', 'true', 'SELECT (doc).id FROM barq_search_batch(NULL::sealed_only, ARRAY[%3$s], 10)'),
		('vector', 'batch, filter column', 'kind = 1', 'SELECT (doc).id FROM barq_search_batch(NULL::sealed_only, ARRAY[%3$s], 10, filter => ''kind = 1'')'),
		('vector', 'batch, bitmap', 'odd = 0', 'SELECT (doc).id FROM barq_search_batch(NULL::sealed_only, ARRAY[%3$s], 10, filter => ''odd = 0'')'),
		('vector', 'batch, groups', 'true', 'SELECT (doc).id FROM barq_search_batch(NULL::sealed_only, ARRAY[%3$s], 10, group_by => ''id'')'),
		('vector', 'hybrid', 'true', 'SELECT (doc).id FROM barq_hybrid(NULL::sealed_only, embedding => %3$s, k => 10, candidates => 10)'),
		('vector', 'hybrid, filter', 'kind = 1', 'SELECT (doc).id FROM barq_hybrid(NULL::sealed_only, embedding => %3$s, k => 10, candidates => 10, filter => ''kind = 1'')'),
		('vector', 'hybrid, both', 'true', 'SELECT (doc).id FROM barq_hybrid(NULL::sealed_only, embedding => %3$s, query => ''word'', k => 10, candidates => 10)'),
		('text', 'scan', 'true', 'SELECT id FROM sealed_only ORDER BY %2$s LIMIT 10'),
		('text', 'matches', 'true', 'SELECT id FROM sealed_only WHERE body @@@ ''word'' ORDER BY %2$s LIMIT 10'),
		('text', 'unordered', 'true', 'SELECT id FROM (SELECT id FROM sealed_only WHERE body @@@ ''word'' OFFSET 0) s ORDER BY id LIMIT 10'),
		('text', 'filter column', 'kind = 1', 'SELECT id FROM sealed_only WHERE kind = 1 ORDER BY %2$s LIMIT 10'),
		('text', 'bitmap', 'odd = 0', 'SELECT id FROM sealed_only WHERE odd = 0 ORDER BY %2$s LIMIT 10'),
		('text', 'hybrid', 'true', 'SELECT (doc).id FROM barq_hybrid(NULL::sealed_only, query => ''word'', k => 10, candidates => 10)')
	) t (kind, name, condition, query) WHERE kind = CASE method WHEN 'barq_bm25' THEN 'text' ELSE 'vector' END
$$;

-- How searches differ from a sort of the sealed rows. `sealed`: how many there are; the
-- others are nearer. Columns: searches made, those whose rows differ, and what these found.
CREATE FUNCTION pg_temp.differ(method text, sealed int, OUT searches int, OUT differ text[]) LANGUAGE plpgsql AS $$
DECLARE
	search record;
	found int[];
	wanted int[];
BEGIN
	searches = 0;
	CREATE TABLE sealed_only (LIKE sealed_rows);
	INSERT INTO sealed_only SELECT * FROM sealed_rows WHERE id > 150 - sealed;
	CREATE INDEX ON sealed_only (odd);
	IF method <> 'barq_bm25' THEN
		EXECUTE format('CREATE INDEX sealed_only_v ON sealed_only USING %I (v vector_l2_ops, kind)', method);
	END IF;
	CREATE INDEX sealed_only_body ON sealed_only USING barq_bm25 (body, kind) WITH (text_config = 'simple');
	INSERT INTO sealed_only SELECT * FROM sealed_rows WHERE id <= 150 - sealed;
	ANALYZE sealed_only;
	FOR search IN SELECT * FROM pg_temp.searches(method) LOOP
		EXECUTE format('SELECT array_agg(id) FROM (%s) s', search.query) INTO found;
		EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM sealed_rows WHERE (%s) AND (id > 150 - %s OR current_setting(''barq.consistency'') = ''all'') ORDER BY id LIMIT 10) s', search.condition, sealed) INTO wanted;
		searches = searches + 1;
		IF found IS DISTINCT FROM wanted THEN
			differ = differ || format('%s: %s', search.name, found);
		END IF;
	END LOOP;
	DROP TABLE sealed_only;
END $$;
SET barq.consistency = sealed;
SELECT method, sealed, d.* FROM unnest(ARRAY['barq_hnsw', 'barq_ivf', 'barq_bm25']) method, unnest(ARRAY[0, 5, 100, 150]) sealed, LATERAL pg_temp.differ(method, sealed) d ORDER BY 1, 2;
SET barq.consistency = 'all';
SELECT method, sealed, d.* FROM unnest(ARRAY['barq_hnsw', 'barq_ivf', 'barq_bm25']) method, unnest(ARRAY[0, 5, 150]) sealed, LATERAL pg_temp.differ(method, sealed) d ORDER BY 1, 2;
