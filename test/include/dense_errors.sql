-- Bad input of a dense type, as far as the types agree. Read, with \i, after
-- error_of.sql and by a test of each type, which sets type.

-- the number of dimensions
SELECT n, pg_temp.error_of(format('SELECT vector_dims(%L::%s)', '[' || repeat('1,', n - 1) || '1]', :'type'))
FROM unnest(ARRAY[15999, 16000, 16001, 100000]) n;
SELECT pg_temp.error_of(format('SELECT vector_dims(%L::%s)', '[' || repeat('1,', 15999) || '1,x', :'type'));

-- type modifier
SELECT m, pg_temp.error_of(format('SELECT ''[1,2]''::%s(%s)', :'type', m))
FROM unnest(ARRAY['2', '3', '0', '-1', '16000', '16001', '2147483648', '1,2', '''a''']) m;
SELECT pg_temp.error_of(format('CREATE TABLE dense_errors (v %s(16001))', :'type'));

-- operands of different dimensions
SELECT f, pg_temp.error_of(format('SELECT %s(''[1,2]''::%s, ''[3]'')', f, :'type')) FROM unnest(ARRAY[
	'l2_distance', 'inner_product', 'cosine_distance', 'l1_distance', :'type' || '_l2_squared_distance',
	:'type' || '_negative_inner_product', :'type' || '_spherical_distance', :'type' || '_add', :'type' || '_sub', :'type' || '_mul']) f;
SELECT o, pg_temp.error_of(format('SELECT ''[1,2]''::%s %s ''[3]''', :'type', o))
FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>', '+', '-', '*']) o;

-- subvector beyond the ends
SELECT s, c, pg_temp.error_of(format('SELECT subvector(''[1,2,3]''::%s, %s, %s)', :'type', s, c))
FROM (VALUES (1, 0), (1, -1), (4, 1), (0, 1), (-5, 3), (2147483647, 2147483647), (-2147483648, -2147483648)) v(s, c);
