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
SELECT t, pg_temp.error_of(format('SELECT %L::halfvec', t)) FROM unnest(ARRAY[
	'', ' ', '1,2', '{1,2}', '[', '[ ', '[]', '[ ]', '[,]', '[,1]', '[1,]', '[1,,2]', '[1, ,2]',
	'[1', '[1,', '[1,2,3', '[1 2]', '[1;2]', '[1}', '[[1]]', '[1]]', '[1]x', '[1] 2', '[1],',
	'[a]', '["1"]', '[1a]', '[1e]', '[1e+]', '[-]', '[.]', '[--1]', '[+-1]', '[1_000]', '[0x]', '[１]',
	'[NaN]', '[nan]', '[-nan]', '[inf]', '[Infinity]', '[-Infinity]', '[1,inf]',
	'[65519.996]', '[65520]', '[-65520]', '[1e38]', '[1e39]', '[-1e39]', '[1,1e999999999999]', '[65520,x]', '[x,65520]']) t;
SELECT n, pg_temp.error_of(format('SELECT vector_dims(%L::halfvec)', '[' || repeat('1,', n - 1) || '1]'))
FROM unnest(ARRAY[15999, 16000, 16001, 100000]) n;
SELECT pg_temp.error_of(format('SELECT vector_dims(%L::halfvec)', '[' || repeat('1,', 15999) || '1,x'));

-- type modifier
SELECT m, pg_temp.error_of(format('SELECT ''[1,2]''::halfvec(%s)', m))
FROM unnest(ARRAY['2', '3', '0', '-1', '16000', '16001', '2147483648', '1,2', '''a''']) m;
SELECT pg_temp.error_of('CREATE TABLE halfvec_errors (v halfvec(16001))');

-- operands that do not agree
SELECT f, pg_temp.error_of(format('SELECT %s(''[1,2]''::halfvec, ''[3]'')', f)) FROM unnest(ARRAY[
	'l2_distance', 'inner_product', 'cosine_distance', 'l1_distance', 'halfvec_l2_squared_distance',
	'halfvec_negative_inner_product', 'halfvec_spherical_distance', 'halfvec_add', 'halfvec_sub', 'halfvec_mul']) f;
SELECT o, pg_temp.error_of(format('SELECT ''[1,2]''::halfvec %s ''[3]''', o))
FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>', '+', '-', '*']) o;

-- results that do not fit
SELECT e, pg_temp.error_of('SELECT ' || e) FROM unnest(ARRAY[
	'''[6e4]''::halfvec + ''[6e4]''', '''[-6e4]''::halfvec - ''[6e4]''',
	'''[1e3]''::halfvec * ''[-1e3]''', '''[1e-4]''::halfvec * ''[1e-4]''',
	'''[1,2]''::halfvec || array_fill(0, ARRAY[15999])::halfvec']) e;

-- subvector beyond the ends
SELECT s, c, pg_temp.error_of(format('SELECT subvector(''[1,2,3]''::halfvec, %s, %s)', s, c))
FROM (VALUES (1, 0), (1, -1), (4, 1), (0, 1), (-5, 3), (2147483647, 2147483647), (-2147483648, -2147483648)) v(s, c);
