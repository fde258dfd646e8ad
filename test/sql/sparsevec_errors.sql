-- Bad sparsevec input: the SQLSTATE and the message of each refusal.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/error_of.sql'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
\i :helpers
\set ECHO all

-- text
SELECT t, pg_temp.error_of(format('SELECT %L::sparsevec', t)) FROM unnest(ARRAY[
	'', ' ', '[1]', '1:1/1', '{', '{ ', '{/1', '{}', '{} ', '{}1', '{}/', '{}/ ', '{}/x', '{}/1x', '{}/1 2', '{}/1.5', '{}//1',
	'{,}/1', '{1:1,}/1', '{,1:1}/1', '{1:1,,2:1}/2', '{1:1', '{1:1,', '{1:1/1', '{1:1]/1', '{{1:1}}/1', '{1:1}}/1', '{1:1 2:1}/2',
	'{1}/1', '{1:}/1', '{1: }/1', '{:1}/1', '{1:1:1}/1', '{1;1}/1', '{a:1}/1', '{1:a}/1', '{1.5:1}/2', '{1e0:1}/1', '{0x1:1}/1',
	'{1:1a}/1', '{1:-}/1', '{1:--1}/1', '{--1:1}/1', '{1:NaN}/1', '{1:-nan}/1', '{1:inf}/1', '{1:-Infinity}/1',
	'{1:1e39}/1', '{1:-1e39}/1', '{1:1e-46}/1', '{1:-1e-50}/1', '{1:3.4028236e38}/1',
	'{0:1}/1', '{-1:1}/1', '{2:1}/1', '{1:1,1:2}/2', '{2:1,1:1,2:1}/2', '{3:1,0:1}/2', '{2147483647:1}/3', '{2147483648:1}/3',
	'{99999999999999999999:1}/3', '{-99999999999999999999:1}/3', '{1:1}/0', '{}/-1', '{}/1000000001', '{}/2147483648',
	'{}/99999999999999999999', '{}/-99999999999999999999']) t;
SELECT n, left(pg_temp.error_of(format('SELECT %L::sparsevec', '{' || (SELECT string_agg(i || ':1', ',') FROM generate_series(1, n) i) || '}/20000')), 80)
FROM unnest(ARRAY[15999, 16000, 16001]) n;
-- the limit counts the elements in the text, as in pgvector, zero or not
SELECT pg_temp.error_of(format('SELECT %L::sparsevec', '{' || repeat('1:0,', 16000) || '1:0}/20000'));

-- type modifier
SELECT m, pg_temp.error_of(format('SELECT ''{1:1}/2''::sparsevec(%s)', m))
FROM unnest(ARRAY['2', '3', '0', '-1', '1000000000', '1000000001', '2147483648', '1,2', '''a''']) m;
SELECT pg_temp.error_of('CREATE TABLE sparsevec_errors (v sparsevec(1000000001))');

-- operands of different dimensions
SELECT f, pg_temp.error_of(format('SELECT %s(''{1:1}/2''::sparsevec, ''{1:1}/3'')', f)) FROM unnest(ARRAY[
	'l2_distance', 'inner_product', 'cosine_distance', 'l1_distance', 'sparsevec_l2_squared_distance',
	'sparsevec_negative_inner_product']) f;
SELECT o, pg_temp.error_of(format('SELECT ''{1:1}/2''::sparsevec %s ''{1:1}/3''', o)) FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) o;
