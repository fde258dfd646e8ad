-- Bad input: the SQLSTATE and the message of each refusal.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

CREATE FUNCTION pg_temp.error_of(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
BEGIN
	EXECUTE sql INTO result;
	RETURN 'no error: ' || coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' / ', SQLSTATE, SQLERRM, nullif(detail, ''));
END $$;

-- text
SELECT t, pg_temp.error_of(format('SELECT %L::vector', t)) FROM unnest(ARRAY[
	'', ' ', '1,2', '{1,2}', '[', '[ ', '[]', '[ ]', '[,]', '[,1]', '[1,]', '[1,,2]', '[1, ,2]',
	'[1', '[1,', '[1,2,3', '[1 2]', '[1;2]', '[1}', '[[1]]', '[1]]', '[1]x', '[1] 2', '[1],',
	'[a]', '["1"]', '[1a]', '[1e]', '[1e+]', '[-]', '[.]', '[--1]', '[+-1]', '[1_000]', '[0x]', '[１]',
	'[NaN]', '[nan]', '[-nan]', '[inf]', '[Infinity]', '[-Infinity]', '[1,inf]',
	'[1e39]', '[-1e39]', '[3.4028236e38]', '[1,1e999999999999]']) t;
SELECT n, pg_temp.error_of(format('SELECT vector_dims(%L::vector)', '[' || repeat('1,', n - 1) || '1]'))
FROM unnest(ARRAY[15999, 16000, 16001, 100000]) n;
SELECT pg_temp.error_of(format('SELECT vector_dims(%L::vector)', '[' || repeat('1,', 15999) || '1,x'));

-- type modifier
SELECT m, pg_temp.error_of(format('SELECT ''[1,2]''::vector(%s)', m))
FROM unnest(ARRAY['2', '3', '0', '-1', '16000', '16001', '2147483648', '1,2', '''a''']) m;
SELECT pg_temp.error_of('CREATE TABLE vector_errors (v vector(16001))');

-- operands that do not agree
SELECT f, pg_temp.error_of(format('SELECT %s(''[1,2]''::vector, ''[3]'')', f)) FROM unnest(ARRAY[
	'l2_distance', 'inner_product', 'cosine_distance', 'l1_distance', 'vector_l2_squared_distance',
	'vector_negative_inner_product', 'vector_spherical_distance', 'vector_add', 'vector_sub', 'vector_mul']) f;
SELECT o, pg_temp.error_of(format('SELECT ''[1,2]''::vector %s ''[3]''', o))
FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>', '+', '-', '*']) o;

-- results that do not fit
SELECT e, pg_temp.error_of('SELECT ' || e) FROM unnest(ARRAY[
	'''[3e38]''::vector + ''[3e38]''', '''[-3e38]''::vector - ''[3e38]''',
	'''[1e30]''::vector * ''[-1e30]''', '''[1e-30]''::vector * ''[1e-30]''',
	'''[1,2]''::vector || array_fill(0, ARRAY[15999])::vector']) e;

-- subvector beyond the ends
SELECT s, c, pg_temp.error_of(format('SELECT subvector(''[1,2,3]''::vector, %s, %s)', s, c))
FROM (VALUES (1, 0), (1, -1), (4, 1), (0, 1), (-5, 3), (2147483647, 2147483647), (-2147483648, -2147483648)) v(s, c);
