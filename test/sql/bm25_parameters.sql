-- Parameters of a query, k1, b, minimum_should_match, search_config: by every plan the
-- answer of a brute force in SQL; text and binary forms, bad values.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

-- an index of other k1 and b gives the same rows, in the same order, with the same scores
SELECT setseed(0.4);
CREATE TABLE bm25_parameters (id int, body text);
INSERT INTO bm25_parameters SELECT i, pg_temp.random_body(12) FROM generate_series(1, 200) i;
CREATE INDEX bm25_parameters_idx ON bm25_parameters USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT barq_seal('bm25_parameters_idx') >= 0 AS sealed;
INSERT INTO bm25_parameters SELECT i, pg_temp.random_body(30) FROM generate_series(501, 530) i;

-- The rows of a statement, and what they are by a sort of the whole table.
CREATE FUNCTION pg_temp.differs(search text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	wanted text;
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_sort = off;
	EXECUTE format('SELECT coalesce(string_agg(s::text, '' ''), '''') FROM (%s) s', search) INTO answer;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	EXECUTE format('SELECT coalesce(string_agg(s::text, '' ''), '''') FROM (%s) s', search) INTO wanted;
	SET LOCAL enable_indexscan = on;
	SET LOCAL enable_bitmapscan = on;
	RETURN answer IS DISTINCT FROM wanted;
END $$;

-- scores with a query's k1 and b are those of the formula; those in order by the index are those of a sort
CREATE TEMP TABLE searches AS SELECT k1, b, query FROM (VALUES (0.1, 0.3, 'w0'), (0.5, 1, 'w1 w20'), (3, 0, 'w2 w3 w30 w40'), (10, 0.75, 'w1 w20'), (1.2, 0.1, 'w2 w3 w30 w40'), (10, 1, 'w0 w5')) s(k1, b, query);
SELECT count(*) AS searches, count(*) FILTER (WHERE pg_temp.differs(format('SELECT body <@> %1$L FROM bm25_parameters ORDER BY body <@> %1$L', ('bm25_parameters_idx{k1=' || k1 || ',b=' || b || '}:' || query)::bm25query))) AS differ,
	count(*) FILTER (WHERE pg_temp.differs(format('SELECT body <@> to_bm25query(%1$L, k1 => %2$s, b => %3$s) FROM bm25_parameters ORDER BY body <@> to_bm25query(%1$L, k1 => %2$s, b => %3$s) LIMIT 20', query, k1, b))) AS differ_by_function
FROM searches;
CREATE FUNCTION pg_temp.wrong_scores(query text, k1 float8, b float8) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT count(*) FROM pg_temp.brute('bm25_parameters', 'bm25_parameters_idx', 'simple', string_to_array(query, ' '), k1, b) w JOIN bm25_parameters r USING (id)
		WHERE abs(w.score + (body <@> to_bm25query(query, 'bm25_parameters_idx', k1 => k1, b => b))) > 1e-12);
END $$;
SELECT k1, b, query, pg_temp.wrong_scores(query, k1, b) FROM searches;
-- one of both is given; neither; a bound; a generic plan
SELECT count(*) FILTER (WHERE (body <@> to_bm25query('w1 w2', k1 => 3)) <> (body <@> to_bm25query('w1 w2', k1 => 3, b => 0.75))) AS k1, count(*) FILTER (WHERE (body <@> to_bm25query('w1 w2', b => 0)) <> (body <@> to_bm25query('w1 w2', k1 => 1.2, b => 0))) AS b,
	count(*) FILTER (WHERE (body <@> to_bm25query('w1 w2')) <> (body <@> 'w1 w2')) AS neither FROM bm25_parameters;
SELECT pg_temp.differs(format('SELECT id FROM bm25_parameters WHERE body <@> to_bm25query(''w1 w2'', k1 => 5, b => 0) %s ORDER BY id', bound)) FROM unnest(ARRAY['< 0', '< -2', '<= -3']) bound;
PREPARE generic(float8, text) AS SELECT count(*) FROM bm25_parameters WHERE body <@> to_bm25query('w1 w20 w30', k1 => $1, minimum_should_match => $2) < -1;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_indexscan = off;
SET barq.count_scan = off;
EXPLAIN (COSTS OFF) EXECUTE generic(2, '2');
EXECUTE generic(0.1, '1');
EXECUTE generic(10, '2');
RESET enable_seqscan;
RESET enable_indexscan;
RESET barq.count_scan;
RESET plan_cache_mode;
SELECT count(*) FILTER (WHERE body <@> to_bm25query('w1 w20 w30', k1 => 0.1) < -1), count(*) FILTER (WHERE body <@> to_bm25query('w1 w20 w30', k1 => 10, minimum_should_match => '2') < -1) FROM bm25_parameters;

-- minimum_should_match: so many of the unmarked words, by both operators and every plan
CREATE TEMP TABLE minima AS SELECT *, row_number() OVER () AS n FROM (SELECT minimum, query FROM unnest(ARRAY['0', '1', '2', '3', '9', '-1', '-9', '50%', '75%', '100%', '-25%', '-100%']) minimum,
	unnest(ARRAY['w0 w1 w2 w3', 'w1', '+w0 w1 w2', 'w0 w1 w2 -w3', '"w0 w1" w2 w3', '(w5 w6) w1 w2', 'w1 w1 w2', 'w0 OR w1', 'w2* w1 zzz', '-w0', 'w0 w1 (+w2 -w3)', '']) query) m;
SELECT count(*) AS searches, count(*) FILTER (WHERE pg_temp.differs(format('SELECT id FROM bm25_parameters WHERE body @@@ to_bm25query(%L, minimum_should_match => %L) ORDER BY id', query, minimum))) AS matches,
	count(*) FILTER (WHERE pg_temp.differs(format('SELECT body <@> to_bm25query(%1$L, minimum_should_match => %2$L) FROM bm25_parameters ORDER BY body <@> to_bm25query(%1$L, minimum_should_match => %2$L) LIMIT 100', query, minimum))) AS rankings,
	count(*) FILTER (WHERE pg_temp.differs(format('SELECT id FROM bm25_parameters WHERE body <@> to_bm25query(%L, minimum_should_match => %L) < 0 ORDER BY id', query, minimum))) AS bounds FROM minima;
-- what the words of a row say
CREATE TEMP TABLE held AS SELECT id, ARRAY(SELECT body ~ ('\mw' || i || '\M') FROM generate_series(0, 3) i) AS has FROM bm25_parameters;
CREATE FUNCTION pg_temp.held(has boolean[], VARIADIC words int[]) RETURNS int LANGUAGE sql AS 'SELECT count(*) FILTER (WHERE has[w + 1])::int FROM unnest(words) w';
SELECT query, minimum, count(*) FILTER (WHERE matched) AS matches, count(*) FILTER (WHERE matched <> wanted OR (scored <> wanted AND query <> '+w0 w1 w2')) AS wrong FROM (
	SELECT query, minimum, n, body @@@ to_bm25query(query, 'bm25_parameters_idx', minimum_should_match => minimum) AS matched, body <@> to_bm25query(query, 'bm25_parameters_idx', minimum_should_match => minimum) < 0 AS scored,
		CASE query WHEN 'w0 w1 w2 w3' THEN pg_temp.held(has, 0, 1, 2, 3) >= CASE minimum WHEN '2' THEN 2 WHEN '3' THEN 3 WHEN '-1' THEN 3 WHEN '75%' THEN 3 WHEN '50%' THEN 2 WHEN '-25%' THEN 3 WHEN '9' THEN 4 WHEN '100%' THEN 4 ELSE 1 END
			WHEN '+w0 w1 w2' THEN has[1] AND pg_temp.held(has, 1, 2) >= CASE minimum WHEN '2' THEN 2 WHEN '3' THEN 2 WHEN '-25%' THEN 2 WHEN '9' THEN 2 WHEN '100%' THEN 2 WHEN '0' THEN 0 WHEN '-9' THEN 0 WHEN '-100%' THEN 0 ELSE 1 END
			WHEN 'w0 w1 w2 -w3' THEN NOT has[4] AND pg_temp.held(has, 0, 1, 2) >= CASE minimum WHEN '2' THEN 2 WHEN '3' THEN 3 WHEN '-1' THEN 2 WHEN '75%' THEN 2 WHEN '-25%' THEN 3 WHEN '9' THEN 3 WHEN '100%' THEN 3 ELSE 1 END
			WHEN 'w1 w1 w2' THEN 2 * has[2]::int + has[3]::int >= CASE minimum WHEN '2' THEN 2 WHEN '3' THEN 3 WHEN '-1' THEN 2 WHEN '75%' THEN 2 WHEN '-25%' THEN 3 WHEN '9' THEN 3 WHEN '100%' THEN 3 ELSE 1 END
			ELSE has[2] END AS wanted
	FROM minima, bm25_parameters JOIN held USING (id) WHERE query IN ('w0 w1 w2 w3', '+w0 w1 w2', 'w0 w1 w2 -w3', 'w1 w1 w2', 'w1')) s
GROUP BY query, minimum, n ORDER BY n;
-- estimates
CREATE FUNCTION pg_temp.estimate(minimum text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE format('EXPLAIN (FORMAT json) SELECT FROM bm25_parameters WHERE body @@@ to_bm25query(''w0 w1 w2 w3'', minimum_should_match => %L)', minimum) INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SELECT array_agg(e ORDER BY m) = array_agg(e ORDER BY e DESC) AS fall, min(e) > 0 AS some FROM (SELECT m, pg_temp.estimate(m) AS e FROM unnest(ARRAY['1', '2', '3', '4']) m) s;

-- search_config: the query is read by another configuration, as with synonyms
CREATE TEXT SEARCH DICTIONARY bm25_parameters_syn (TEMPLATE = synonym, SYNONYMS = synonym_sample);
CREATE TEXT SEARCH CONFIGURATION bm25_parameters_config (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION bm25_parameters_config ALTER MAPPING FOR asciiword WITH bm25_parameters_syn, simple;
INSERT INTO bm25_parameters VALUES (1001, 'pgsql or postgresql'), (1002, 'postgre'), (1003, 'pgsql');
SELECT id, body FROM bm25_parameters WHERE body @@@ to_bm25query('postgres', search_config => 'bm25_parameters_config') ORDER BY id;
SELECT id, round((body <@> to_bm25query('postgres', search_config => 'bm25_parameters_config'))::numeric, 3) AS d FROM bm25_parameters WHERE body <@> to_bm25query('postgres', search_config => 'bm25_parameters_config') < 0 ORDER BY id;
SELECT count(*) FROM bm25_parameters WHERE body @@@ 'postgres';
SELECT pg_temp.differs($$SELECT body <@> to_bm25query('postgres w1', k1 => 2, minimum_should_match => '1', search_config => 'bm25_parameters_config') FROM bm25_parameters ORDER BY body <@> to_bm25query('postgres w1', k1 => 2, minimum_should_match => '1', search_config => 'bm25_parameters_config') LIMIT 20$$);
CREATE TEMP TABLE kept AS SELECT to_bm25query('postgres', search_config => 'bm25_parameters_config') AS q;
DROP TEXT SEARCH CONFIGURATION bm25_parameters_config;
SELECT pg_temp.outcome('SELECT count(*) FROM bm25_parameters, kept WHERE body @@@ q');

-- several fields: b is that of every field
CREATE TABLE bm25_parameters_fields AS SELECT id, pg_temp.random_body(5) AS title, body FROM bm25_parameters WHERE id < 150;
CREATE INDEX bm25_parameters_other ON bm25_parameters_fields USING barq_bm25 (title bm25_ops (weight = 3, b = 0.2), body bm25_ops (b = 0.2)) WITH (text_config = 'simple', k1 = 4);
CREATE TEMP TABLE other AS SELECT id, query, f <@> query AS d, title <@> query AS t FROM bm25_parameters_fields f, unnest(ARRAY['w1 w2', 'w0 w30 body:w2']) query;
DROP INDEX bm25_parameters_other;
CREATE INDEX bm25_parameters_other ON bm25_parameters_fields USING barq_bm25 (title bm25_ops (weight = 3, b = 0.6), body) WITH (text_config = 'simple');
SELECT count(*), count(*) FILTER (WHERE d <> (f <@> to_bm25query(query, k1 => 4, b => 0.2))) AS rows, count(*) FILTER (WHERE t <> (title <@> to_bm25query(query, k1 => 4, b => 0.2))) AS titles FROM bm25_parameters_fields f JOIN other USING (id);
SELECT query, pg_temp.differs(format('SELECT f <@> %1$s FROM bm25_parameters_fields f ORDER BY f <@> %1$s LIMIT 30', query)), pg_temp.differs(format('SELECT id FROM bm25_parameters_fields f WHERE f @@@ %1$s ORDER BY id', query)), pg_temp.differs(format('SELECT id FROM bm25_parameters_fields f WHERE title @@@ %1$s ORDER BY id', query))
FROM unnest(ARRAY[$$to_bm25query('w1 w2 w3', k1 => 4, b => 0.2)$$, $$to_bm25query('w1 w2 title:w3', b => 1, minimum_should_match => '2')$$, $$to_bm25query('title:w1 "w1 w2" w3', minimum_should_match => '-1')$$]) query;

-- the text form, which reads back as the same value, and the binary form
SELECT q, q::text::bm25query::text = q::text AS same, bm25query_send(q::text::bm25query) = bm25query_send(q) AS same_bytes, encode(bm25query_send(q), 'escape') AS bytes FROM (VALUES
	(to_bm25query('a b', k1 => 1.5)), (to_bm25query('a b', 'i', b => 0)), (to_bm25query('a:b', 's.i', k1 => 0.1, b => 1, minimum_should_match => '75%', search_config => 'english')),
	(to_bm25query('a', 'bm25_parameters_idx'::regclass, minimum_should_match => '-1')), ('i{b=0.50,k1=2e0}:x'), ('{minimum_should_match=007}:'), ('i{search_config="A"",}:B".c}:x'),
	(to_bm25query('{k1=2}:x')), (to_bm25query('i{k1=2}:x')), (to_bm25query('5{k1=2}:x')), ('{k1=2} :x'), ('i{k1 = 2}:x'), ('{k1=2}'), ('{}:x'), ('i{:x'), (to_bm25query('', k1 => 2))) v(q);
SELECT (SELECT oid FROM pg_class WHERE relname = 'bm25_parameters_idx') || '{k1=2}:x' = replace(q::text, 'bm25_parameters_idx', (SELECT oid FROM pg_class WHERE relname = 'bm25_parameters_idx')::text) AS by_oid
	FROM (SELECT ((SELECT oid FROM pg_class WHERE relname = 'bm25_parameters_idx') || '{k1=2}:x')::bm25query AS q) s;
CREATE TEMP TABLE stored (q bm25query DEFAULT to_bm25query('a', 'i', k1 => 2));
INSERT INTO stored DEFAULT VALUES;
INSERT INTO stored VALUES (to_bm25query(repeat('word ', 5000), 'i', minimum_should_match => '2'));
SELECT left(q::text, 40), q::text::bm25query::text = q::text AS same FROM stored;

-- bad values
SELECT call, pg_temp.outcome('SELECT to_bm25query(''a'', ' || call || ')') FROM unnest(ARRAY['k1 => 0', 'k1 => 0.09', 'k1 => 10.1', 'k1 => -1', 'k1 => ''NaN''', 'k1 => ''Infinity''', 'b => -0.1', 'b => 1.01', 'b => ''NaN''', 'b => -0.0',
	'minimum_should_match => ''''', 'minimum_should_match => ''x''', 'minimum_should_match => ''2<75%''', 'minimum_should_match => ''101%''', 'minimum_should_match => ''1.5''', 'minimum_should_match => ''--1''', 'minimum_should_match => ''9999999''', 'minimum_should_match => ''75 %''',
	'search_config => ''no_such''', 'search_config => 0::oid', 'k1 => NULL, b => NULL, minimum_should_match => NULL, search_config => NULL']) call;
SELECT form, pg_temp.outcome(format('SELECT %L::bm25query', form)) FROM unnest(ARRAY['{k1=0}:a', '{k1=x}:a', '{k1=}:a', '{k1=0x1}:a', '{k1=1,k1=1}:a', '{b=2}:a', '{size=2}:a', 'i{minimum_should_match=%}:a', '{search_config=a b}:a', '{search_config=.}:a', '{search_config=}:a', ':{k1=0}:a']) form;

DROP TABLE bm25_parameters, bm25_parameters_fields;
DROP TEXT SEARCH DICTIONARY bm25_parameters_syn;
