-- Bad halfvec input: the SQLSTATE and the message of each refusal (test/include/dense_errors.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/error_of.sql'
\set script :abs_srcdir '/include/dense_errors.sql'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
\i :helpers
\set type halfvec
\set ECHO all
\i :script

-- text
SELECT t, pg_temp.error_of(format('SELECT %L::halfvec', t)) FROM unnest(ARRAY[
	'', ' ', '1,2', '{1,2}', '[', '[ ', '[]', '[ ]', '[,]', '[,1]', '[1,]', '[1,,2]', '[1, ,2]',
	'[1', '[1,', '[1,2,3', '[1 2]', '[1;2]', '[1}', '[[1]]', '[1]]', '[1]x', '[1] 2', '[1],',
	'[a]', '["1"]', '[1a]', '[1e]', '[1e+]', '[-]', '[.]', '[--1]', '[+-1]', '[1_000]', '[0x]', '[１]',
	'[NaN]', '[nan]', '[-nan]', '[inf]', '[Infinity]', '[-Infinity]', '[1,inf]',
	'[65519.996]', '[65520]', '[-65520]', '[1e38]', '[1e39]', '[-1e39]', '[1,1e999999999999]', '[65520,x]', '[x,65520]']) t;

-- results out of range are errors
SELECT e, pg_temp.error_of('SELECT ' || e) FROM unnest(ARRAY[
	'''[6e4]''::halfvec + ''[6e4]''', '''[-6e4]''::halfvec - ''[6e4]''',
	'''[1e3]''::halfvec * ''[-1e3]''', '''[1e-4]''::halfvec * ''[1e-4]''',
	'''[1,2]''::halfvec || array_fill(0, ARRAY[15999])::halfvec']) e;
