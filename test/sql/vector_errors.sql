-- Bad vector input: the SQLSTATE and the message of each refusal (test/include/dense_errors.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/error_of.sql'
\set script :abs_srcdir '/include/dense_errors.sql'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
\i :helpers
\set type vector
\set ECHO all
\i :script

-- text
SELECT t, pg_temp.error_of(format('SELECT %L::vector', t)) FROM unnest(ARRAY[
	'', ' ', '1,2', '{1,2}', '[', '[ ', '[]', '[ ]', '[,]', '[,1]', '[1,]', '[1,,2]', '[1, ,2]',
	'[1', '[1,', '[1,2,3', '[1 2]', '[1;2]', '[1}', '[[1]]', '[1]]', '[1]x', '[1] 2', '[1],',
	'[a]', '["1"]', '[1a]', '[1e]', '[1e+]', '[-]', '[.]', '[--1]', '[+-1]', '[1_000]', '[0x]', '[１]',
	'[NaN]', '[nan]', '[-nan]', '[inf]', '[Infinity]', '[-Infinity]', '[1,inf]',
	'[1e39]', '[-1e39]', '[3.4028236e38]', '[1,1e999999999999]']) t;

-- results out of range are errors
SELECT e, pg_temp.error_of('SELECT ' || e) FROM unnest(ARRAY[
	'''[3e38]''::vector + ''[3e38]''', '''[-3e38]''::vector - ''[3e38]''',
	'''[1e30]''::vector * ''[-1e30]''', '''[1e-30]''::vector * ''[1e-30]''',
	'''[1,2]''::vector || array_fill(0, ARRAY[15999])::vector']) e;
