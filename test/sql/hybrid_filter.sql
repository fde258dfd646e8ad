-- barq_hybrid(): a filter is one boolean expression with arguments, and is applied
-- before the limits of the rankings.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE hybrid_filtered (id int PRIMARY KEY, tenant int, name text, day date, price numeric(8,2), tags text[], ok boolean, body text, v vector(2));
INSERT INTO hybrid_filtered SELECT i, i % 3, 'n' || i % 5, '2024-01-01'::date + i, i * 1.5, ARRAY['t' || i % 4], i % 2 = 0, 'word x' || i % 6, ARRAY[i, 0]::vector FROM generate_series(1, 40) i;
CREATE INDEX ON hybrid_filtered USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_filtered USING barq_bm25 (body) WITH (text_config = 'simple');

-- The rows of both rankings: the same as those that WHERE finds; or the error.
CREATE FUNCTION pg_temp.filtered(filter text, args text DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	near int[];
	found int[];
	context text;
BEGIN
	SELECT array_agg((doc).id ORDER BY (doc).id) INTO near FROM barq_hybrid(NULL::hybrid_filtered, '[0,0]', k => 100, filter => filtered.filter, filter_args => args::text[]);
	SELECT array_agg((doc).id ORDER BY (doc).id) INTO found FROM barq_hybrid(NULL::hybrid_filtered, query => 'word', k => 100, filter => filtered.filter, filter_args => args::text[]);
	IF near IS DISTINCT FROM found THEN
		RETURN 'the rankings differ';
	END IF;
	RETURN coalesce(array_length(near, 1), 0) || ' rows' || coalesce(' from ' || near[1], '');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(' / ', SQLSTATE, SQLERRM, substring(context from '(?n)^(filter.*)$'));
END $$;

-- expressions
SELECT f, pg_temp.filtered(f) FROM unnest(ARRAY[NULL, 'true', 'false', 'NULL', 'ok', 'NOT ok', 'tenant = 1', 'tenant=1 OR tenant=2', 'id BETWEEN 5 AND 9', 'name IN (''n1'', ''n2'')', 'name LIKE ''n%'' AND name IS NOT NULL',
	'day >= date ''2024-02-01''', 'tags && ARRAY[''t1'']', 'CASE WHEN id > 5 THEN ok ELSE false END', 'hybrid_filtered.id = 3', 'public.hybrid_filtered.id = 3', 'hybrid_filtered.ctid IS NOT NULL', '(tenant, id) > (1, 20)',
	'id = 3 -- and a comment', 'id = 3 /* and /* one */ more */', '  (((id = 3)))  ', E'id\n=\n3', 'name = ''n3''''; --''', 'name = $$n3$$', 'name = $a$n3$a$', 'name = U&''n\0033''', 'name = E''n\x33''', 'tableoid = ''hybrid_filtered''::regclass',
	'hybrid_filtered IS NOT NULL', 'now() > ''2000-01-01''', 'pg_typeof(id)::text = ''integer''', '"id"=3', 'id OPERATOR(pg_catalog.=) 3', 'EXTRACT(day FROM day) = 1', 'body @@@ ''x3''']) f;
-- arguments get the types of the expression
SELECT f, a, pg_temp.filtered(f, a) FROM (VALUES ('tenant = $1', '{1}'), ('tenant = $1 AND name = $2', '{1,n1}'), ('name = $2 AND tenant = $1', '{1,n1}'), ('day > $1', '{2024-02-01}'), ('price = $1', '{4.50}'), ('tags @> $1', '{"{t1}"}'), ('ok = $1', '{yes}'), ('$1', '{t}'),
	('id = ANY ($1)', '{"{1,2,3}"}'), ('tenant = $1 OR id = $1', '{2}'), ('name = $1', E'{"n1'' OR true"}'), ('name = $1::varchar(2)', '{n1xxx}'), ('id < $1 + 5', '{2}'), ('v <-> $1 < 5', '{"[3,0]"}'), ('coalesce(name = $1, true)', '{NULL}'), ('$1::int IS NULL', '{NULL}'), ('tenant = $1', '{NULL}')) x(f, a);
-- too few, too many, untyped, of another type
SELECT f, a, pg_temp.filtered(f, a) FROM (VALUES ('tenant = $1', '{}'), ('tenant = $1', '{1,2}'), ('tenant = 1', '{1}'), ('tenant = $2', '{1,2}'), ('tenant = $1 AND id = $3', '{1,2,3}'), ('$1 IS NULL', '{1}'), ('tenant = $1', '{x}'), ('tenant = $1', '{99999999999}'),
	('day = $1', '{2024-13-01}'), ('tenant = $1', '{{1},{2}}'), ('tenant = $0', '{1}'), ('tenant = $1 OR day = $1', '{1}'), (NULL, '{1}')) x(f, a);

-- texts that are no single boolean expression
SELECT f, pg_temp.filtered(f) FROM unnest(ARRAY['', ' ', '-- nothing', 'id = 1;', ';', 'id = 1; DROP TABLE hybrid_filtered', 'id = 1; SELECT 1', 'id = 1) OR (id = 2', 'id = 1) LIMIT 1 --', 'true) UNION SELECT 1, 2, 3 --', '(id = 1', 'id = 1)', 'id =', 'id = 1 /* open',
	'id = ''open', 'id = $$open', 'true, true', '*', 'hybrid_filtered.*', 'true AS x', 'true x', 'true FROM hybrid_filtered', 'true WHERE true', 'true ORDER BY 1', 'true GROUP BY 1', 'true GROUP BY DISTINCT 1', 'true HAVING true', 'true LIMIT 1', 'true OFFSET 1', 'true FETCH FIRST ROW ONLY', 'true FOR UPDATE', 'true WINDOW w AS ()',
	'DISTINCT true', 'true INTO x', 'true UNION SELECT true', 'SELECT true', 'VALUES (true)', 'TABLE hybrid_filtered', 'WITH x AS (SELECT 1) SELECT true', 'DELETE FROM hybrid_filtered', 'DEFAULT', 'id', '1', '''maybe''', 'row(1, 2)', 'v', E'id = 1\n; SELECT 2', 'ALL true', 'ALL (true)', 'ok := true', 'id = 1 \g']) f;
-- expressions that are not allowed
CREATE SEQUENCE hybrid_sequence;
SELECT f, pg_temp.filtered(f) FROM unnest(ARRAY['id = (SELECT 1)', 'EXISTS (SELECT 1)', 'id IN (SELECT 1)', 'id = ANY (ARRAY(SELECT 1))', 'id = ALL (SELECT id FROM pg_class)', 'CASE WHEN true THEN (SELECT true) END', 'id = (WITH x AS (DELETE FROM hybrid_filtered RETURNING 1) SELECT 1)',
	'random() < 2', 'nextval(''hybrid_sequence'') > 1', 'clock_timestamp() > day', 'set_config(''a.b'', ''c'', false) = ''c''', 'count(*) > 1', 'max(id) = 1', 'row_number() OVER () = 1', 'generate_series(1, id) = 1', 'unnest(tags) = ''t1''', 'GROUPING(id) = 0']) f;
-- unknown names
SELECT f, pg_temp.filtered(f) FROM unnest(ARRAY['nope = 1', 'other.id = 1', 'nope(id)', 'id @# 1', 'id::nope = 1', 'other.schema.hybrid_filtered.id = 1', 't0.id = 1', 'doc.id = 1', 'id = ''x''', 'tenant = tags']) f;
-- none of it was executed
SELECT count(*) FROM hybrid_filtered;
SELECT is_called FROM hybrid_sequence;
DROP SEQUENCE hybrid_sequence;

-- errors show the filter and the position
SELECT 1 FROM barq_hybrid(NULL::hybrid_filtered, '[0,0]', filter => 'id = 1 AND nope = 2');
SELECT 1 FROM barq_hybrid(NULL::hybrid_filtered, '[0,0]', filter => 'id = $1', filter_args => '{x}');
SELECT 1 FROM barq_hybrid(NULL::hybrid_filtered, '[0,0]', filter => 'id = 1 id = 2');

-- a filter is read by the session's settings (strings: hybrid_filter_strings)
SELECT pg_temp.filtered('NOT (name = NULL)');
SET transform_null_equals = on;
SELECT pg_temp.filtered('NOT (name = NULL)');
RESET transform_null_equals;
-- literals, too, also those that depend on the clock
SET datestyle = 'ISO, DMY';
SELECT pg_temp.filtered('day < ''02/01/2024''::date + 1');
SET datestyle = 'ISO, MDY';
SELECT pg_temp.filtered('day < ''02/01/2024''::date + 1');
RESET datestyle;
BEGIN;
SELECT pg_temp.filtered('''now''::timestamptz = now()') AS first;
COMMIT;
SELECT pg_temp.filtered('''now''::timestamptz = now()') AS second;
SELECT pg_temp.filtered('array[now()] = ''{now}''') AS third;
SELECT pg_temp.filtered('array[now()] = ''{now}''') AS fourth;

-- functions: stable ones may be called; a change to volatile is noticed
CREATE FUNCTION hybrid_passes(int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1 <= 7; END';
SELECT pg_temp.filtered('hybrid_passes(id)');
ALTER FUNCTION hybrid_passes VOLATILE;
SELECT pg_temp.filtered('hybrid_passes(id)');
ALTER FUNCTION hybrid_passes IMMUTABLE;
CREATE OR REPLACE FUNCTION hybrid_passes(int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1 <= 8; END';
SELECT pg_temp.filtered('hybrid_passes(id)');
DROP FUNCTION hybrid_passes;
SELECT pg_temp.filtered('hybrid_passes(id)');
-- volatile by a default argument
CREATE FUNCTION hybrid_passes(int, float8 DEFAULT random()) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN true; END';
SELECT pg_temp.filtered('hybrid_passes(id)'), pg_temp.filtered('hybrid_passes(id, 1)');
DROP FUNCTION hybrid_passes;
-- a function that calls barq_hybrid() with the same statement
CREATE FUNCTION hybrid_near(int) RETURNS boolean LANGUAGE sql STABLE AS $$SELECT $1 = ANY (ARRAY(SELECT (doc).id FROM barq_hybrid(NULL::hybrid_filtered, '[0,0]', k => 100, filter => CASE WHEN $1 % 2 = 0 THEN 'hybrid_near(id * 2 - 1)' ELSE 'id < 10' END)))$$;
SELECT pg_temp.filtered('hybrid_near(id)');
DROP FUNCTION hybrid_near;

-- names are resolved for the caller, also after search_path has changed
CREATE SCHEMA hybrid_one;
CREATE SCHEMA hybrid_two;
CREATE FUNCTION hybrid_one.passes(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 <= 1';
CREATE FUNCTION hybrid_two.passes(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 <= 2';
SET search_path = public, hybrid_one;
SELECT pg_temp.filtered('passes(id)');
SET search_path = public, hybrid_two;
SELECT pg_temp.filtered('passes(id)');
SET search_path = public, hybrid_one, hybrid_two;
SELECT pg_temp.filtered('passes(id)');
DROP FUNCTION hybrid_one.passes;
SELECT pg_temp.filtered('passes(id)');
CREATE FUNCTION hybrid_one.passes(int) RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT $1 <= 1';
DROP FUNCTION hybrid_two.passes;
SELECT pg_temp.filtered('passes(id)');
RESET search_path;
DROP SCHEMA hybrid_one, hybrid_two CASCADE;
-- the types of arguments follow the column's
SELECT pg_temp.filtered('tenant = $1', '{1}');
ALTER TABLE hybrid_filtered ALTER tenant TYPE text;
SELECT pg_temp.filtered('tenant = $1', '{1}'), pg_temp.filtered('tenant = $1', '{x}');

-- a literal may come to name another table
SELECT pg_temp.filtered('tableoid = ''hybrid_filtered''::regclass');
CREATE TEMP TABLE hybrid_filtered (n int);
SELECT count(*) FROM barq_hybrid(NULL::public.hybrid_filtered, '[0,0]', k => 100, filter => 'tableoid = ''hybrid_filtered''::regclass');
DROP TABLE pg_temp.hybrid_filtered;
SELECT pg_temp.filtered('tableoid = ''hybrid_filtered''::regclass');
-- filters too long for the cache, and more filters than the cache keeps
SELECT count(*), sum(n) FROM generate_series(1, 20) i, LATERAL (SELECT count(*) AS n FROM barq_hybrid(NULL::hybrid_filtered, '[0,0]', filter => 'id = ' || i || ' OR name IN (''' || repeat('y', 100000 + i) || ''')')) s;
SELECT count(*) < 3 AS few FROM pg_backend_memory_contexts WHERE name = 'barq_hybrid' AND total_bytes > 65536;
SELECT count(*) <= 64 AS kept FROM pg_backend_memory_contexts WHERE name = 'barq_hybrid';
SELECT count(*), sum(n) FROM generate_series(1, 200) i, LATERAL (SELECT count(*) AS n FROM barq_hybrid(NULL::hybrid_filtered, '[0,0]', filter => 'id = ' || i)) s;
SELECT count(*), sum(n) FROM generate_series(1, 200) i, LATERAL (SELECT count(*) AS n FROM barq_hybrid(NULL::hybrid_filtered, '[0,0]', filter => 'id = $1', filter_args => ARRAY[i::text])) s;
SELECT count(*) <= 64 AS kept FROM pg_backend_memory_contexts WHERE name = 'barq_hybrid';
DROP TABLE hybrid_filtered;
