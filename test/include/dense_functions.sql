-- Functions and operators of a dense type: results by hand, and against sums in
-- double. Read, with \i, by a test of each type, which sets type, norm (the
-- function), large and minus_large (near the ends of the type's range), least (its
-- smallest positive value) and precision (of a normalized value's norm).
\set l2_squared_distance :type _l2_squared_distance
\set negative_inner_product :type _negative_inner_product
\set spherical_distance :type _spherical_distance
\set cmp :type _cmp

-- distances
SELECT l2_distance('[0,0]' :: :type, '[3,4]'), '[0,0]' :: :type <-> '[3,4]' AS op;
SELECT inner_product('[1,2]' :: :type, '[3,4]'), '[1,2]' :: :type <#> '[3,4]' AS op;
SELECT cosine_distance('[1,0]' :: :type, '[0,2]'), '[1,0]' :: :type <=> '[0,2]' AS op;
SELECT l1_distance('[0,0]' :: :type, '[3,-4]'), '[0,0]' :: :type <+> '[3,-4]' AS op;
SELECT :l2_squared_distance('[0,0]', '[3,4]'), :negative_inner_product('[1,2]', '[3,4]'),
	:spherical_distance('[1,0]', '[0,1]');

-- the same and the opposite direction: exactly 0 and 2, despite rounding
SELECT bool_and(a <=> a = 0) AS same, bool_and(a <=> a * array_fill(-1, ARRAY[d]) :: :type = 2) AS opposite
FROM (SELECT d, (SELECT array_agg(j) :: :type FROM generate_series(1, d) j) AS a FROM generate_series(1, 100) d) s;
SELECT :spherical_distance('[2,0]', '[2,0]'), :spherical_distance('[2,0]', '[-2,0]');

-- a zero vector has no direction; sums beyond float32 are infinite
SELECT '[1,2]' :: :type <=> '[0,0]', '[0,0]' :: :type <=> '[0,0]';
SELECT :'large' :: :type <-> :'minus_large', :'large' :: :type <#> :'large',
	:'large' :: :type <+> :'minus_large', :'large' :: :type <=> :'large';

-- strict
SELECT l2_distance(NULL :: :type, '[1]'), '[1]' :: :type <=> NULL, vector_dims(NULL :: :type);

-- every distance against sums in double, over many dimensions
SELECT setseed(0.25);
CREATE TEMP TABLE pairs AS
SELECT d, array_agg(random() - 0.5) :: :type AS a, array_agg(random() - 0.5) :: :type AS b
FROM (SELECT generate_series(1, 130) UNION ALL SELECT 1536 UNION ALL SELECT 16000) s(d),
	generate_series(1, d) GROUP BY d;
CREATE TEMP TABLE exact AS
SELECT d, a, b, e.* FROM pairs, LATERAL (
	SELECT sum((x::float8 - y) ^ 2) AS l2sq, sum(x::float8 * y) AS ip, sum(abs(x::float8 - y)) AS l1,
		sum(x::float8 * x) AS xx, sum(y::float8 * y) AS yy
	FROM unnest(a::real[], b::real[]) u(x, y)) e;
SELECT count(*),
	bool_and(abs((a <-> b) - sqrt(l2sq)) <= 1e-5 * sqrt(l2sq)) AS l2,
	bool_and(abs((a <#> b) + ip) <= 1e-5 * sqrt(xx * yy)) AS ip,
	bool_and(abs((a <=> b) - (1 - ip / sqrt(xx * yy))) <= 1e-5) AS cosine,
	bool_and(abs((a <+> b) - l1) <= 1e-5 * l1) AS l1,
	bool_and(abs(:l2_squared_distance(a, b) - l2sq) <= 2e-5 * l2sq) AS l2sq,
	bool_and(abs(:norm(a) - sqrt(xx)) <= 1e-12 * sqrt(xx)) AS norm,
	bool_and(abs(:norm(l2_normalize(a)) - 1) < :precision) AS normalized
FROM exact;
-- distances are symmetric to the last bit, as indexes assume
SELECT bool_and((a <-> b) = (b <-> a)) AS l2, bool_and((a <#> b) = (b <#> a)) AS ip,
	bool_and((a <=> b) = (b <=> a)) AS cosine, bool_and((a <+> b) = (b <+> a)) AS l1 FROM exact;
DROP TABLE pairs, exact;

-- properties
SELECT vector_dims('[1,2,3]' :: :type), :norm('[3,4]' :: :type), :norm('[0,0]' :: :type);
SELECT l2_normalize('[3,4]' :: :type), l2_normalize('[0,0.1]' :: :type), l2_normalize('[0,0]' :: :type), l2_normalize(:'large' :: :type);

-- binary_quantize: positive or not, for lengths around whole bytes
SELECT binary_quantize('[1,0,-1]' :: :type), binary_quantize('[-0]' :: :type), binary_quantize(:'least' :: :type);
SELECT d, binary_quantize((SELECT array_agg(CASE WHEN j % 3 = 0 THEN j ELSE -j END) :: :type FROM generate_series(1, d) j))
FROM unnest(ARRAY[7, 8, 9, 16, 17]) d;
SELECT length(binary_quantize(array_fill(1, ARRAY[16000]) :: :type));

-- subvector
SELECT s, c, subvector('[1,2,3,4,5]' :: :type, s, c)
FROM (VALUES (1, 3), (3, 2), (5, 1), (-1, 3), (0, 2), (3, 9), (3, 2147483647), (-2147483644, 2147483647)) v(s, c);

-- arithmetic
SELECT '[1,2,3]' :: :type + '[4,5,6]', '[1,2,3]' :: :type - '[4,5,6]', '[1,2,3]' :: :type * '[4,5,6]', '[1,2,3]' :: :type || '[4,5]';
SELECT vector_dims(array_fill(0, ARRAY[15999]) :: :type || '[1]');

-- comparison: element by element, then the shorter first
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, :cmp(a, b)
FROM (VALUES ('[1,2,3]' :: :type, '[1,2,3]' :: :type), ('[1,2,3]', '[1,2]'), ('[1,2]', '[1,2,3]'),
	('[1,2]', '[2,3,4]'), ('[2,3]', '[1,2,3]'), ('[0]', '[-0]'), ('[-1]', '[1]')) v(a, b);
