-- barq_hybrid(): an element of filter_args is converted to its parameter's type only
-- without loss; compared with SQL's own casts.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET lc_monetary = 'C';
CREATE TYPE hybrid_mood AS ENUM ('sad', 'glad');
CREATE TYPE hybrid_other_mood AS ENUM ('glad');
CREATE DOMAIN hybrid_few AS int CHECK (VALUE < 10);
CREATE DOMAIN hybrid_price AS numeric(5,1);
CREATE DOMAIN hybrid_short AS varchar(3);
CREATE DOMAIN hybrid_must AS int NOT NULL;
CREATE TABLE hybrid_args (id int PRIMARY KEY, v vector(2));
INSERT INTO hybrid_args VALUES (1, '[1,1]');
CREATE INDEX ON hybrid_args USING barq_hnsw (v vector_l2_ops);

-- The result of a value as a parameter of a type: "same" as by SQL's cast, or the
-- error.
CREATE FUNCTION pg_temp.become(value text, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	call text = 'SELECT count(*) FROM barq_hybrid(NULL::hybrid_args, ''[0,0]'', filter => %L, filter_args => ARRAY[%s])';
	outcome text = pg_temp.outcome(format(call, format('$1::%s IS NOT DISTINCT FROM (%s)::%1$s', type, value), value));
BEGIN
	IF outcome ~ '^(42846|22023 / cannot cast)' THEN
		outcome = pg_temp.outcome(format(call, format('$1::%s IS NULL', type), value));
	END IF;
	RETURN CASE WHEN outcome = 'no error: 1' THEN 'same' WHEN outcome LIKE 'no error%' THEN 'another' ELSE outcome END;
END $$;
-- Whether a value survives a conversion to a type and back; between floats and
-- numeric through its text, since these casts round.
CREATE FUNCTION pg_temp.survives(value text, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	was text = pg_temp.outcome(format('SELECT pg_typeof(%s)', value));
	through text;
	found text;
BEGIN
	was = replace(substring(was FROM 'no error: (.*)'), 'character', 'bpchar');
	through = CASE WHEN was = 'numeric' AND type LIKE 'float%' OR was IN ('real', 'double precision') AND type = 'numeric' THEN '::text' ELSE '' END;
	found = pg_temp.outcome(format('SELECT (%s)%s::%s%s::%s = (%1$s)', value, through, type, through, was));
	RETURN CASE found WHEN 'no error: true' THEN 'same' WHEN 'no error: false' THEN '22023' ELSE substr(found, 1, 5) END;
END $$;

CREATE TABLE hybrid_values (n serial, value text);
INSERT INTO hybrid_values (value) SELECT unnest(ARRAY[
	'7::int2', '7', '-1', '16777217', '2147483647', '99999999999', '9007199254740993', '9223372036854775807', '4611686018427387904',
	'3.0', '7.5', '0.1', '0.10', '-0.0', '1.5000001', '9007199254740993.0', '0.12345678901234567890', '1e30', '1e400', '''NaN''::numeric', '''Infinity''::numeric',
	'7::float4', '0.1::float4', '7.5::float4', '16777216::float4', '7::float8', '0.1::float8', '0.5::float8', '0.1234567890123456::float8', '1e300::float8', '''NaN''::float8', '''-Infinity''::float8',
	'date ''2026-01-06''', 'date ''infinity''', 'timestamp ''2026-01-06''', 'timestamp ''2026-01-06 12:00''', 'timestamptz ''2026-01-06''', 'timestamptz ''2026-01-06 23:59''', 'timestamptz ''2026-01-06 12:00+05''',
	'time ''12:00''', 'timetz ''12:00+00''', 'timetz ''12:00+05''', 'interval ''12:00''', 'interval ''1 day 12:00''',
	'true', '''sad''::hybrid_mood', '''glad''::hybrid_mood', '''00000000-0000-0000-0000-000000000007''::uuid', '7::money', '7::oid', '7::hybrid_few', '1.5::hybrid_price',
	'''a''::varchar', '''ab ''::bpchar', '''a''::name', '''[1,2]''::vector', '''[0.1,2]''::vector', '''[1,2]''::halfvec', '''{"a" : 1}''::json', '''7''::jsonb', 'row(1, 2)', 'b''101''::varbit']);
CREATE TABLE hybrid_types AS SELECT type, n FROM unnest(ARRAY['int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'text', 'varchar', 'name', 'date', 'timestamp', 'timestamptz', 'time', 'timetz', 'interval', 'bool', 'uuid', 'hybrid_mood', 'hybrid_few', 'hybrid_price', 'halfvec', 'jsonb']) WITH ORDINALITY t(type, n);

-- the grid: the types a value converts to, those where it would change (22023), and other errors except a missing cast (42804)
SELECT value, string_agg(type, ' ' ORDER BY t.n) FILTER (WHERE b = 'same') AS becomes, string_agg(type, ' ' ORDER BY t.n) FILTER (WHERE b LIKE '22023%') AS loses_as,
	string_agg(type || ' ' || substr(b, 1, 5), ', ' ORDER BY t.n) FILTER (WHERE b <> 'same' AND b !~ '^(22023|42804)') AS other
FROM hybrid_values v, hybrid_types t, pg_temp.become(value, type) b GROUP BY v.n, value ORDER BY v.n;
-- the value is always that of SQL's cast, and losses are the same as in SQL;
-- except that a float keeps its digits as numeric, while SQL's cast drops some
SELECT value, type, b AS barq, s AS sql FROM hybrid_values v, hybrid_types t, pg_temp.become(value, type) b, pg_temp.survives(value, type) s
WHERE b = 'another' OR (b = 'same' AND s = '22023') OR (b LIKE '22023%' AND s = 'same') ORDER BY v.n, t.n;

-- strings are read like literals of the type; between string types nothing is cut
SELECT value, type, pg_temp.become(value, type) FROM (VALUES ('''7''', 'int4'), (''' 7 ''', 'int4'), ('''7.5''', 'int4'), ('''''', 'int4'), ('''7''::varchar', 'int8'), ('''7''::char(3)', 'int4'), ('''7''::name', 'int4'), ('''0.1''', 'float4'), ('''0.1''', 'float8'), ('''3.0''', 'numeric'),
	('''2026-01-06''', 'date'), ('''2026-01-06 12:00''', 'timestamp'), ('''12:00''', 'time'), ('''yes''', 'bool'), ('''glad''', 'hybrid_mood'), ('''mad''', 'hybrid_mood'), ('''7''', 'hybrid_few'), ('''70''', 'hybrid_few'), ('''1.5''', 'hybrid_price'),
	('repeat(''a'', 63)', 'name'), ('repeat(''a'', 64)', 'name'), ('repeat(U&''\00e4'', 32)', 'name'), ('repeat(''a'', 64)::varchar', 'name'), ('''abc''', '"char"'), ('''a''', '"char"'), ('''abc''', 'hybrid_short'), ('''abcd''', 'hybrid_short'), ('''abc   ''', 'hybrid_short'),
	('70', 'hybrid_few'), ('1.55', 'hybrid_price'), ('12345.6', 'hybrid_price'), ('''{7}''', 'int[]')) x(value, type);
-- NULL is NULL of any convertible type, and its domain is checked
SELECT value, type, pg_temp.become(value, type) FROM (VALUES ('NULL', 'int4'), ('NULL::int8', 'int4'), ('NULL::timestamp', 'date'), ('NULL', 'hybrid_few'), ('NULL', 'hybrid_must'), ('NULL::int', 'hybrid_must'), ('NULL::money', 'int4')) x(value, type);
-- the messages
SELECT value, type, pg_temp.become(value, type) FROM (VALUES ('timestamp ''2026-01-06 12:00''', 'date'), ('timestamp ''2026-01-06 12:00''', 'time'), ('timetz ''12:00+05''', 'time'), ('repeat(''a'', 200)', 'name'), ('0.1::float8', 'float4'), ('7.5', 'int4'), ('9007199254740993', 'float8'), ('99999999999', 'int4'), ('7::money', 'int4'), ('true', 'int4'), ('''glad''::hybrid_mood', 'hybrid_other_mood')) x(value, type);
-- with the parameter cast in the filter, as in the hint
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_args, '[0,0]', filter => 'date ''2026-01-06'' < $1::timestamp', filter_args => ARRAY[timestamp '2026-01-06 12:00'])$$);
-- one cache entry for values that convert and others; the number is the element's
SELECT a, pg_temp.outcome(format($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_args, '[0,0]', filter => 'id = $1 OR id = $2', filter_args => %s)$$, a)) FROM unnest(ARRAY['ARRAY[1, 2.0]', 'ARRAY[1, 2.5]', 'ARRAY[1.5, 2]', 'ARRAY[3.0, NULL]', 'ARRAY[1.0, 2.0]']) a;
-- time zones by the session's settings
SELECT z, d, pg_temp.outcome(format($$SELECT %L FROM (SELECT set_config('timezone', %1$L, true)) s, barq_hybrid(NULL::hybrid_args, '[0,0]', filter => 'date ''2026-01-06'' = $1', filter_args => ARRAY[timestamptz '2026-01-06 %s']) h$$, z, d)) FROM unnest(ARRAY['UTC', 'America/New_York']) z, unnest(ARRAY['00:00+00', '00:00-05']) d;
SET extra_float_digits = -10;
SELECT value, type, pg_temp.become(value, type) FROM (VALUES ('0.1234567890123456::float8', 'numeric'), ('0.1234567890123456::float8', 'text'), ('0.1', 'float8')) x(value, type);
RESET extra_float_digits;
RESET timezone;

-- parameters and values: one value for each number
SELECT f, a, pg_temp.outcome(format($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_args, '[0,0]', filter => %L, filter_args => %s)$$, f, a)) FROM unnest(ARRAY['id = $1', 'id = $2', 'id = $1 OR id = $3', 'id = $0', 'id = $99999999', 'id = 1']) WITH ORDINALITY f(f, n),
	unnest(ARRAY['NULL', 'ARRAY[]::int[]', 'ARRAY[1]', 'ARRAY[1, 2]', 'ARRAY[1, 2, 3]', 'ARRAY[[1]]']) WITH ORDINALITY a(a, m) ORDER BY n, m;
SELECT f, pg_temp.outcome(format($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_args, '[0,0]', filter => %L)$$, f)) FROM unnest(ARRAY['id = $1', 'id = $2']) f;
-- parameter numbers of any size raise an error, from 17 on with another message
SELECT n, pg_temp.outcome(format($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_args, '[0,0]', filter => 'id = $%s', filter_args => ARRAY[1])$$, n)) ~ '^(22023 / filter refers to|42601 / parameter number too large)' AS error FROM unnest(ARRAY['99999999999', '4294967297', '400000000', '2147483647', '18446744073709551617', repeat('9', 100)]) n;

-- scores are finite
CREATE TABLE hybrid_heavy (id int PRIMARY KEY, body text, v vector(2));
INSERT INTO hybrid_heavy VALUES (1, 'a', '[1,1]');
CREATE INDEX ON hybrid_heavy USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_heavy USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT w, t, k, q, pg_temp.outcome(format($$SELECT score FROM barq_hybrid(NULL::hybrid_heavy, '[1,1]', %L, rrf_k => %s, vector_weight => %s, text_weight => %s)$$, q, k, w, t))
FROM (VALUES ('1e308', '1.5e308', '0', 'a'), ('1e308', '1.5e308', '60', 'a'), ('1e308', '1e308', '0.5', 'a'), ('1.7e308', '1.7e308', '0', NULL), ('1e308', '0', '0', 'a')) x(w, t, k, q);
DROP TABLE hybrid_args, hybrid_values, hybrid_types, hybrid_heavy;
DROP DOMAIN hybrid_few, hybrid_price, hybrid_short, hybrid_must;
DROP TYPE hybrid_mood, hybrid_other_mood;
