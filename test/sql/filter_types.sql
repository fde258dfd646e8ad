-- Filter columns: the same rows as a filter after the search, and the same order, by
-- every access method, for every type and operator, wherever the rows are.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
SET client_min_messages = warning;
\set ECHO all

SELECT setseed(0.3);
CREATE TYPE filter_mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE filter_mood ADD VALUE 'glad' BEFORE 'happy';	-- its OID is not in the order
CREATE DOMAIN filter_number AS int CHECK (VALUE > -1000000);
CREATE TABLE filter_types (id serial, v vector(128), body text,
	s smallint, i int, b bigint, r real, d float8, t boolean, day date, ts timestamp, tz timestamptz,
	u uuid, w text, c varchar(10), o oid, m filter_mood, n filter_number, si smallint[], ii int[], ww text[])
	WITH (autovacuum_enabled = off);

-- every column is NULL in some rows; rows without a vector or a text too
CREATE FUNCTION pg_temp.add_rows(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO filter_types (v, body, s, i, b, r, d, t, day, ts, tz, u, w, c, o, m, n, si, ii, ww)
	SELECT CASE WHEN k % 37 > 0 THEN pg_temp.random_vector(128) END,
		CASE WHEN k % 41 > 0 THEN (ARRAY['red', 'green', 'blue'])[1 + k % 3] || repeat(' x', k % 7) || ' w' || k END,
		nullif(k % 10 - 5, 4), nullif(k % 100, 50), CASE WHEN k % 9 > 0 THEN k * 10000000000 END,
		CASE k % 12 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' WHEN 2 THEN NULL WHEN 3 THEN '-Infinity' ELSE k % 20 / 4.0 END,
		CASE k % 12 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' WHEN 2 THEN NULL WHEN 3 THEN 'Infinity' ELSE k % 20 / 3.0 END,
		CASE WHEN k % 3 > 0 THEN k % 3 = 1 END,
		CASE k % 11 WHEN 0 THEN NULL WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' ELSE date '2024-01-01' + k % 90 END,
		CASE k % 11 WHEN 0 THEN NULL WHEN 1 THEN 'infinity' ELSE timestamp '2024-01-01' + k % 200 * interval '7 hours' END,
		CASE k % 11 WHEN 0 THEN NULL WHEN 1 THEN '-infinity' ELSE timestamptz '2024-01-01 00:00+00' + k % 200 * interval '7 hours' END,
		CASE WHEN k % 8 > 0 THEN ('11111111-2222-3333-4444-0000000000' || lpad((k % 16)::text, 2, '0'))::uuid END,
		nullif('word' || k % 15, 'word3'), nullif('c' || k % 15, 'c3'), nullif(k % 30, 7), 
		(ARRAY['sad', 'ok', 'happy', 'glad', NULL]::filter_mood[])[1 + k % 5], nullif(k % 25, 3),
		CASE WHEN k % 6 > 0 THEN ARRAY[k % 4, k % 5, NULL]::smallint[] END,
		CASE k % 6 WHEN 0 THEN NULL WHEN 1 THEN '{}' ELSE ARRAY[k % 4, k % 50] END,
		CASE k % 6 WHEN 0 THEN NULL ELSE ARRAY['t' || k % 4, 'u' || k % 7] END
	FROM generate_series(first, last) k $$;

CREATE TABLE filter_conditions (n serial, condition text);
INSERT INTO filter_conditions (condition)
SELECT format('%s %s %s', a.col, op, val) FROM (VALUES
	('s', ARRAY['-3', '40000', '''2''', '-3::bigint']), ('i', ARRAY['17', '99', '-1::smallint', '5000000000']),
	('b', ARRAY['50000000000', '-1', '7::smallint']),
	('r', ARRAY['1.25', '''NaN''', '0', '''-Infinity''', '0.1::float8']), ('d', ARRAY['''NaN''', '0', '1.25::real', '''Infinity''']),
	('t', ARRAY['true', 'false']), ('day', ARRAY['''2024-02-10''', '''infinity''', 'timestamp ''2024-02-10 12:00''', 'timestamptz ''2024-02-10 00:00+13''', '''-infinity''::timestamp']),
	('ts', ARRAY['''2024-01-10 07:00''', 'date ''2024-01-10''', 'timestamptz ''2024-01-10 07:00+00''', 'date ''infinity''', 'date ''5000000-01-01''']),
	('tz', ARRAY['''2024-01-10 07:00+00''', 'date ''2024-01-10''', 'timestamp ''2024-01-10 07:00''', '''-infinity''']),
	('u', ARRAY['''11111111-2222-3333-4444-000000000005''', '''00000000-0000-0000-0000-000000000000''']),
	('o', ARRAY['12', '4000000000']), ('m', ARRAY['''sad''', '''glad''', '''happy''']), ('n', ARRAY['12'])) a(col, vals),
	unnest(vals) val, unnest(ARRAY['<', '<=', '=', '>=', '>']) op;
INSERT INTO filter_conditions (condition)
SELECT format('%s IS %sNULL', col, no) FROM unnest('{s,i,b,r,d,t,day,ts,tz,u,w,c,o,m,n,si,ii,ww}'::text[]) col, unnest('{"","NOT "}'::text[]) no;
INSERT INTO filter_conditions (condition) VALUES
	('w = ''word7'''), ('w = ''none'''), ('w = NULL'), ('c = ''c7'''), ('c = ''c7''::text'), ('w = ANY (''{word1,word2,NULL}'')'), ('w IN (''word1'')'),
	('i = ANY (''{1,2,NULL,3}'')'), ('i = ANY (''{}''::int[])'), ('i = ANY (NULL::int[])'), ('i < ANY (''{5,90}'')'), ('i = ANY (''{1,2}''::bigint[])'),
	('m = ANY (''{sad,glad}'')'), ('m > ANY (''{ok,glad}'')'), ('u = ANY (''{11111111-2222-3333-4444-000000000005,11111111-2222-3333-4444-000000000006}'')'),
	('t'), ('NOT t'), ('t IS TRUE'),
	('si && ''{3}'''), ('si && ''{3,4}'' AND i > 20'), ('si @> ''{2,3}'''), ('si @> ''{}'''), ('si && ''{}'''), ('si && ''{NULL}'''), ('si @> ''{NULL}'''),
	('ii && ''{7,45}'''), ('ii @> ''{3,43}'''), ('ii @> ''{}'''), ('ii @> ''{3}'' AND ii && ''{11,7}'''), ('ww && ''{t1,u3}'''), ('ww @> ''{t1,u3}'''), ('ww && NULL'),
	('i = 17 AND s = 2'), ('i BETWEEN 10 AND 30 AND t AND m >= ''ok'''), ('i > 90 AND i < 20'), ('i > 10 AND i > 20 AND i < 22'),
	('i IS NULL AND t IS NOT NULL'), ('i = 3 AND i IS NULL'), ('i IS NOT NULL AND i <> 4'), ('w = ''word7'' AND day > ''2024-02-01'' AND b IS NOT NULL'),
	('v IS NULL'), ('v IS NOT NULL'), ('v IS NULL AND t'), ('v IS NULL AND v IS NOT NULL'), ('v IS NOT NULL AND w = ''word7'''),
	('body IS NULL'), ('body IS NOT NULL AND i < 30'), ('body IS NULL AND t'), ('i = (SELECT 17)'), ('i = (SELECT NULL::int)'), ('NOT (i = 17)');

-- Rows of a condition by a plan with the index's conditions, and by a sort; the cells
-- that differ, or whose plan is another one.
CREATE FUNCTION pg_temp.compare(at text, distance text) RETURNS TABLE (place text, condition text, fault text) LANGUAGE plpgsql AS $$
DECLARE
	c record;
	want text;
	got text;
	line text;
	plan text;
BEGIN
	FOR c IN SELECT * FROM filter_conditions f ORDER BY n LOOP
		PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), set_config('enable_indexscan', 'off', true);
		EXECUTE format('SELECT string_agg(format(''%%s'', row), E''\n'') FROM (SELECT (%s)::text AS d, array_agg(id ORDER BY id) AS ids FROM filter_types WHERE %s GROUP BY 1 ORDER BY (%1$s)::text) row',
			distance, c.condition) INTO want;
		PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('enable_indexscan', 'on', true);
		plan = '';
		FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id, (%s)::text AS d FROM filter_types WHERE %s ORDER BY %1$s', distance, c.condition) LOOP
			plan = plan || line;
		END LOOP;
		EXECUTE format('SELECT string_agg(format(''%%s'', row), E''\n'') FROM (SELECT d, array_agg(id ORDER BY id) AS ids FROM (SELECT id, (%s)::text AS d FROM filter_types WHERE %s ORDER BY %1$s) s GROUP BY 1 ORDER BY d) row',
			distance, c.condition) INTO got;
		place = at;
		compare.condition = c.condition;
		fault = CASE WHEN got IS DISTINCT FROM want THEN format('rows differ: %s, not %s', left(got, 100), left(want, 100))
			WHEN plan !~ 'Index Scan|BarqSearch|One-Time Filter: false' THEN 'plan: ' || plan
			WHEN plan !~ 'Index Cond|One-Time Filter' AND c.condition !~ '^(NOT \(|v |body )|NULL::int|NULL$' THEN 'no index condition: ' || plan END;
		CONTINUE WHEN fault IS NULL;
		RETURN NEXT;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.check_places(index regclass, distance text) RETURNS TABLE (place text, condition text, fault text) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE filter_types;
	PERFORM pg_temp.add_rows(1, 400);
	RETURN QUERY SELECT * FROM pg_temp.compare('log', distance);
	PERFORM barq_seal(index);
	RETURN QUERY SELECT * FROM pg_temp.compare('sealed', distance);
	PERFORM pg_temp.add_rows(401, 2400);
	PERFORM barq_seal(index);
	PERFORM pg_temp.add_rows(2401, 2600);
	DELETE FROM filter_types WHERE id % 7 = 0;
	RETURN QUERY SELECT * FROM pg_temp.compare('two segments and a log', distance);
	PERFORM barq_compact(index);
	RETURN QUERY SELECT * FROM pg_temp.compare('merged', distance);
	EXECUTE format('REINDEX INDEX %s', index);
	RETURN QUERY SELECT * FROM pg_temp.compare('built', distance);
	RETURN QUERY SELECT 'check', c.place, c.message FROM barq_check(index) c;
END $$;

CREATE INDEX filter_types_hnsw ON filter_types USING barq_hnsw (v vector_l2_ops, s, i, b, r, d, t, day, ts, tz, u, w, c, o, m, n, si, ii, ww) WITH (m = 8, quantization = none);
SELECT * FROM pg_temp.check_places('filter_types_hnsw', 'v <-> array_fill(0.1, ARRAY[128])::vector');
SELECT state, kind, rows FROM barq_segments('filter_types_hnsw');
DROP INDEX filter_types_hnsw;
CREATE INDEX filter_types_ivf ON filter_types USING barq_ivf (v, s, i, b, r, d, t, day, ts, tz, u, w, c, o, m, n, si, ii, ww) WITH (lists = 20);
SELECT * FROM pg_temp.check_places('filter_types_ivf', 'v <-> array_fill(0.1, ARRAY[128])::vector');
SELECT state, kind, rows FROM barq_segments('filter_types_ivf');
DROP INDEX filter_types_ivf;
CREATE INDEX filter_types_bm25 ON filter_types USING barq_bm25 (body, s, i, b, r, d, t, day, ts, tz, u, w text_filter_ops, c text_filter_ops, o, m, n, si, ii, ww text_array_filter_ops) WITH (text_config = 'simple');
SELECT * FROM pg_temp.check_places('filter_types_bm25', 'body <@> ''red x''');
SELECT state, kind, rows FROM barq_segments('filter_types_bm25');
-- beside a query
UPDATE filter_conditions SET condition = 'body @@@ ''red'' AND ' || condition;
SELECT * FROM pg_temp.check_places('filter_types_bm25', 'body <@> ''red x''');
DROP TABLE filter_types, filter_conditions;
DROP TYPE filter_mood;
DROP DOMAIN filter_number;
