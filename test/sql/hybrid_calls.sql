-- barq_hybrid(): every way to call it resolves, with arguments named, typed or
-- untyped, and gives the same rows as exact SQL.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE hybrid_call (id int PRIMARY KEY, tenant int, big bigint, price numeric, day date, flag boolean, name varchar(20), tags text[], u uuid, body text, v vector(2));
INSERT INTO hybrid_call SELECT i, i % 10, i, i / 2.0, '2026-01-01'::date + i, i % 2 = 0, 'n' || i % 7, ARRAY['t' || i % 3], md5(i::text)::uuid, 'word x' || i % 5, ARRAY[i, 0]::vector FROM generate_series(1, 300) i;
CREATE INDEX ON hybrid_call USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_call USING barq_bm25 (body) WITH (text_config = 'simple');

-- The ids that a call finds, and those that a condition in SQL finds; nearest first.
CREATE FUNCTION pg_temp.same(call text, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text = pg_temp.outcome(format('SELECT string_agg((doc).id::text, '' '') FROM barq_hybrid(%s)', call));
	exact text = pg_temp.outcome(format('SELECT string_agg(id::text, '' '') FROM (SELECT id FROM hybrid_call WHERE %s ORDER BY (v <-> ''[0,0]'') + 0, id LIMIT 5) s', condition));
BEGIN
	RETURN CASE WHEN found = exact THEN 'same' ELSE found || ' instead of ' || exact END;
END $$;

-- filter_args: types of arrays × types in the expression
SELECT f, a, pg_temp.same(format($$NULL::hybrid_call, '[0,0]', k => 5, filter => %L, filter_args => %s$$, f, a), replace(f, '$1', c))
FROM (VALUES ('tenant = $1', $$ARRAY['7']$$, '7'), ('tenant = $1', 'ARRAY[7]', '7'), ('tenant = $1', '''{7}''', '7'), ('tenant = $1', '''{7}''::text[]', '7'), ('tenant = $1', 'ARRAY[7]::smallint[]', '7'), ('tenant = $1', 'ARRAY[7]::bigint[]', '7'),
	('tenant = $1', 'ARRAY[7]::numeric[]', '7'), ('tenant = $1', 'ARRAY[7]::float8[]', '7'), ('tenant = $1', 'ARRAY[''7'']::varchar[]', '7'), ('tenant = $1', 'ARRAY[''7'']::char(3)[]', '7'), ('tenant = $1', 'ARRAY[''7'']::name[]', '7'),
	('big = $1', 'ARRAY[70]', '70'), ('price = $1', 'ARRAY[70]', '70'), ('price = $1', 'ARRAY[70.5]', '70.5'), ('price < $1', 'ARRAY[70.5]::float8[]', '70.5'), ('day > $1', 'ARRAY[date ''2026-03-01'']', 'date ''2026-03-01'''),
	('day > $1', 'ARRAY[timestamp ''2026-03-01'']', 'date ''2026-03-01'''), ('flag = $1', 'ARRAY[true]', 'true'), ('flag = $1', '''{t}''', 'true'), ('name = $1', 'ARRAY[''n3'']::varchar[]', '''n3'''), ('name = $1', 'ARRAY[''n3'']::name[]', '''n3'''),
	('u > $1', 'ARRAY[md5(''1'')::uuid]', 'md5(''1'')::uuid'), ('u > $1', 'ARRAY[md5(''1'')]', 'md5(''1'')::uuid'), ('tags @> $1', 'ARRAY[''{t1}'']', 'ARRAY[''t1'']'), ('v <-> $1 < 5', 'ARRAY[''[3,0]''::vector]', '''[3,0]'''), ('v <-> $1 < 5', 'ARRAY[''[3,0]''::halfvec]', '''[3,0]'''),
	('$1', 'ARRAY[true]', 'true'), ('tenant = ANY ($1)', 'ARRAY[''{7,8}'']', 'ARRAY[7,8]'), ('id > $1', 'ARRAY[7]::oid[]', '7')) x(f, a, c);
-- several, in one array
SELECT pg_temp.same($$NULL::hybrid_call, '[0,0]', k => 5, filter => 'tenant IN ($1, $2)', filter_args => ARRAY[7,8]$$, 'tenant IN (7, 8)');
SELECT pg_temp.same($$NULL::hybrid_call, '[0,0]', k => 5, filter => 'tenant = $1 AND name = $2', filter_args => ARRAY['7','n3']$$, 'tenant = 7 AND name = ''n3''');
SELECT pg_temp.same($$NULL::hybrid_call, '[0,0]', k => 5, filter => 'tenant = $1 OR id = $2', filter_args => ARRAY[7,NULL]$$, 'tenant = 7 OR NULL');
-- a value that the type does not have is an error, never another value
SELECT a, pg_temp.outcome(format($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_call, '[0,0]', filter => 'tenant = $1', filter_args => %s)$$, a))
FROM unnest(ARRAY['ARRAY[7.5]', 'ARRAY[7.5]::float8[]', 'ARRAY[''x'']', 'ARRAY[true]', 'ARRAY[99999999999]', 'ARRAY[date ''2026-01-01'']', 'ARRAY[row(1, 2)]', 'ARRAY[[1], [2]]', 'ARRAY[]::int[]', 'ARRAY[1, 2]', '7', '''7''', 'NULL', 'NULL::int[]', '''{}''']) a;
-- none: '' and NULL
SELECT c, pg_temp.same($$NULL::hybrid_call, '[0,0]', k => 5, $$ || c, 'true') FROM unnest(ARRAY['filter => ''''', 'filter => NULL', 'filter => '''', filter_args => ''{}''', 'filter => '''', filter_args => NULL', 'filter => NULL, filter_args => NULL', 'filter => NULL::text, filter_args => NULL::int[]',
	'filter_args => NULL', 'filter_args => NULL::uuid[]', 'filter_args => ''{}''', 'filter_args => ARRAY[]::int[]', 'filter => ''true'', filter_args => NULL', 'filter => ''true'', filter_args => ARRAY[]::int[]', 'query => NULL, vector_column => NULL, text_column => NULL, vector_index => NULL, text_index => NULL']) c;
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_call, '[0,0]', filter => '', filter_args => ARRAY[1])$$);

-- the first n arguments by position, the others by name; the embedding a literal, typed, of another type
CREATE FUNCTION pg_temp.call(n int, given text[], named text[]) RETURNS text LANGUAGE sql
RETURN array_to_string(ARRAY['NULL::hybrid_call'] || given[:n - 1] || (SELECT array_agg(name || ' => ' || value ORDER BY o DESC) FROM unnest(named, given) WITH ORDINALITY a(name, value, o) WHERE o >= n AND value <> 'NULL'), ', ');
SELECT n, string_agg(format('%s: %s', e, pg_temp.same(pg_temp.call(n, ARRAY[e, 'NULL', '5', '100', '60', '1', '1', $$'tenant = $1'$$, 'ARRAY[7]', 'NULL', $$'body'$$, $$'lenient'$$], ARRAY['embedding', 'query', 'k', 'candidates', 'rrf_k', 'vector_weight', 'text_weight', 'filter', 'filter_args', 'vector_column', 'text_column', 'query_syntax']), 'tenant = 7')), ', ')
FROM generate_series(1, 13) n, unnest(ARRAY[$$'[0,0]'$$, $$'[0,0]'::text$$, $$'[0,0]'::vector$$, $$'[0,0]'::halfvec$$, $$'{}/2'::sparsevec$$]) e GROUP BY n ORDER BY n;
-- an array as embedding, by name
SELECT e, pg_temp.same(format($$NULL::hybrid_call, embedding => %s, k => 5, filter => 'tenant = $1', filter_args => ARRAY[7]$$, e), 'tenant = 7') FROM unnest(ARRAY['ARRAY[0,0]', 'ARRAY[0,0]::real[]', 'ARRAY[0,0.0]', 'ARRAY[0,0]::float8[]']) e;
-- by position it could be filter_args, unless these are given; so the docs recommend names
SELECT e, pg_temp.outcome(format($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_call, %s)$$, e)) FROM unnest(ARRAY['ARRAY[0,0]::real[]', 'ARRAY[0,0]::real[], ''word''', 'ARRAY[0,0]::real[], filter => ''tenant = $1'', filter_args => ARRAY[7]']) e;
-- without a filter
SELECT n, pg_temp.same(pg_temp.call(n, ARRAY[$$'[0,0]'$$, 'NULL', '5', '100', '60', '1', '1', 'NULL', $$'v'$$], ARRAY['embedding', 'query', 'k', 'candidates', 'rrf_k', 'vector_weight', 'text_weight', 'filter', 'vector_column']), 'true') FROM generate_series(1, 9) n;

-- parameters, typed and not: six times each, by custom and by generic plans
CREATE FUNCTION pg_temp.prepared(types text, call text, arguments text, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	exact text = pg_temp.outcome(format('SELECT string_agg(id::text, '' '') FROM (SELECT id FROM hybrid_call WHERE %s ORDER BY (v <-> ''[0,0]'') + 0, id LIMIT 5) s', condition));
	answer text;
	found text;
	answers text[] = '{}';
BEGIN
	EXECUTE format('PREPARE asked%s AS SELECT string_agg((doc).id::text, '' '') FROM barq_hybrid(NULL::hybrid_call, %s)', types, call);
	FOR i IN 1..12 LOOP
		EXECUTE 'SET plan_cache_mode = ' || CASE WHEN i <= 6 THEN 'auto' ELSE 'force_generic_plan' END;
		EXECUTE format('EXECUTE asked%s', arguments) INTO found;
		answer = CASE WHEN 'no error: ' || found = exact THEN 'same' ELSE found || ' instead of ' || exact END;
		IF answer <> ALL (answers) THEN
			answers = answers || answer;
		END IF;
	END LOOP;
	RESET plan_cache_mode;
	answer = (SELECT parameter_types::text FROM pg_prepared_statements WHERE name = 'asked');
	DEALLOCATE asked;
	RETURN answer || ' ' || array_to_string(answers, ', ');
END $$;
SELECT t, c, pg_temp.prepared(t, c, v, 'tenant = 7') FROM (VALUES
	('(int[])', $$'[0,0]', k => 5, filter => 'tenant = $1', filter_args => $1$$, '(ARRAY[7])'),
	('(bigint[])', $$embedding => '[0,0]', k => 5, filter => 'tenant = $1', filter_args => $1$$, '(ARRAY[7])'),
	('(text[])', $$'[0,0]', NULL, 5, filter => 'tenant = $1', filter_args => $1$$, '(''{7}'')'),
	('', $$'[0,0]', k => 5, filter => 'tenant = $1', filter_args => $1$$, '(''{7}'')'),
	('', $$embedding => $1, k => 5, filter => $2, filter_args => $3$$, '(''[0,0]'', ''tenant = $1'', ''{7}'')'),
	('', $$$1, $2, $3, filter => $4, filter_args => $5$$, '(''[0,0]'', NULL, 5, ''tenant = $1'', ''{7}'')'),
	('(vector, int)', $$embedding => $1, k => 5, filter => 'tenant = $1', filter_args => ARRAY[$2]$$, '(''[0,0]'', 7)'),
	('(halfvec, text)', $$$1, k => 5, filter => 'tenant = $1', filter_args => ARRAY[$2]$$, '(''[0,0]'', ''7'')'),
	('(sparsevec, int[])', $$embedding => $1, k => 5, filter => 'tenant = $1', filter_args => $2$$, '(''{}/2'', ''{7}'')')) x(t, c, v);
-- by position alone, untyped
SELECT t, c, pg_temp.prepared(t, c, v, 'true') FROM (VALUES
	('', '$1, k => 5', '(''[0,0]'')'), ('', '$1, $2, k => 5', '(''[0,0]'', NULL)'), ('', '$1, $2, $3', '(''[0,0]'', NULL, 5)'), ('', '$1, $2, k => $3, candidates => $4', '(''[0,0]'', NULL, 5, 100)'),
	('(unknown, unknown, int)', '$1, $2, $3, $4', '(''[0,0]'', NULL, 5, 100)'), ('(unknown, unknown, int, int, float8, float8, float8)', '$1, $2, $3, $4, $5, $6, $7, $8', '(''[0,0]'', NULL, 5, 100, 60, 1, 1, ''true'')'), ('(vector)', '$1, $2, $3', '(''[0,0]'', NULL, 5)')) x(t, c, v);
-- and columns, of a subquery, of PL/pgSQL's variables
SELECT string_agg((h.doc).id::text, ' ' ORDER BY (h.doc).id) FROM (VALUES (ARRAY[7]), (ARRAY[8])) a(args), barq_hybrid(NULL::hybrid_call, '[0,0]', k => 2, filter => 'tenant = $1', filter_args => args) h;
SELECT string_agg((h.doc).id::text, ' ' ORDER BY (h.doc).id) FROM barq_hybrid(NULL::hybrid_call, '[0,0]', k => 2, filter => 'tenant = $1', filter_args => (SELECT array_agg(tenant) FROM hybrid_call WHERE id = 7)) h;

-- a string instead of a row of the table
SELECT c, pg_temp.outcome(c) FROM unnest(ARRAY[$$SELECT (doc).id, score FROM barq_hybrid('hybrid_call', '[0,0]')$$, $$SELECT score FROM barq_hybrid('hybrid_call', '[0,0]'::vector, k => 3)$$, $$SELECT (doc).id FROM barq_hybrid(item => 'hybrid_call', query => 'word')$$,
	$$SELECT (doc).id FROM barq_hybrid('hybrid_call', '[0,0]', filter => 'id = $1', filter_args => ARRAY[1])$$, $$SELECT (doc).id FROM barq_hybrid('hybrid_call', '[0,0]'::vector, filter => 'id = $1', filter_args => '{1}')$$, $$SELECT (doc).id FROM barq_hybrid(NULL, '[0,0]')$$,
	$$SELECT score FROM barq_hybrid('hybrid_call'::text, '[0,0]')$$, $$SELECT score FROM barq_hybrid('hybrid_call'::regclass, '[0,0]')$$]) c;
-- views: the hint names the table under the view
CREATE VIEW hybrid_view AS SELECT * FROM hybrid_call WHERE flag;
CREATE VIEW hybrid_view2 AS SELECT v.* FROM hybrid_view v JOIN (SELECT 1 AS one) o ON true;
CREATE VIEW hybrid_view3 AS SELECT a.* FROM hybrid_call a, (SELECT 1 FROM hybrid_call LIMIT 1) b;
CREATE VIEW hybrid_view4 AS SELECT 1 AS id;
SELECT t, pg_temp.outcome(format($$SELECT count(*) FROM barq_hybrid(NULL::%s, '[0,0]')$$, t)) FROM unnest(ARRAY['hybrid_view', 'hybrid_view2', 'hybrid_view3', 'hybrid_view4', 'pg_tables']) t;
DROP VIEW hybrid_view2, hybrid_view, hybrid_view3, hybrid_view4;
DROP TABLE hybrid_call;

-- query_syntax: text typed by people is no error, except with strict syntax
CREATE TABLE hybrid_words (id int PRIMARY KEY, body text);
INSERT INTO hybrid_words VALUES (1, 'red apple'), (2, 'red or green pear'), (3, 'green plum'), (4, 'blue');
CREATE INDEX ON hybrid_words USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT q, s, pg_temp.outcome(format($$SELECT string_agg((doc).id::text, ' ' ORDER BY (doc).id) FROM barq_hybrid(NULL::hybrid_words, query => %L, query_syntax => %s)$$, q, s))
FROM unnest(ARRAY['red', '"red apple', '+red -apple', '+', '']) WITH ORDINALITY q(q, n), unnest(ARRAY['''lenient''', '''strict''', '''plain''', '''Plain''', '''other''', 'NULL']) WITH ORDINALITY s(s, m) ORDER BY n, m;
DROP TABLE hybrid_words;
