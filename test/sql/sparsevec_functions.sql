-- Functions and operators: results computed by hand, and those of vectors of the same elements.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

-- distances
SELECT l2_distance('{}/2'::sparsevec, '{1:3,2:4}/2'), '{1:3}/2'::sparsevec <-> '{2:4}/2' AS op;
SELECT inner_product('{1:1,2:2}/3'::sparsevec, '{2:3,3:4}/3'), '{1:1,2:2}/2'::sparsevec <#> '{1:3,2:4}/2' AS op;
SELECT cosine_distance('{1:1}/2'::sparsevec, '{2:2}/2'), '{1:1}/2'::sparsevec <=> '{1:5}/2' AS op;
SELECT l1_distance('{}/2'::sparsevec, '{1:3,2:-4}/2'), '{1:3}/2'::sparsevec <+> '{2:-4}/2' AS op;
SELECT sparsevec_l2_squared_distance('{}/2', '{1:3,2:4}/2'), sparsevec_negative_inner_product('{1:1,2:2}/2', '{1:3,2:4}/2');

-- the same and the opposite direction: exactly 0 and 2, despite rounding
SELECT bool_and(a <=> a = 0) AS same, bool_and(a <=> b = 2) AS opposite
FROM (SELECT (SELECT array_agg(j)::sparsevec FROM generate_series(1, d) j) AS a,
	(SELECT array_agg(-j)::sparsevec FROM generate_series(1, d) j) AS b FROM generate_series(1, 100) d) s;

-- the cosine of zeros is NaN; sums beyond float32's range are infinite
SELECT '{1:1}/2'::sparsevec <=> '{}/2', '{}/2'::sparsevec <=> '{}/2', '{}/2'::sparsevec <-> '{}/2';
SELECT '{1:3e38}/1'::sparsevec <-> '{1:-3e38}/1', '{1:3e38}/1'::sparsevec <#> '{1:3e38}/1',
	'{1:3e38}/1'::sparsevec <+> '{1:-3e38}/1', '{1:3e38}/1'::sparsevec <=> '{1:3e38}/1';

-- strict
SELECT l2_distance(NULL::sparsevec, '{}/1'), '{}/1'::sparsevec <=> NULL, l2_norm(NULL::sparsevec);

-- every distance is that of vectors of the same elements, with no to full overlap
SELECT setseed(0.25);
CREATE TEMP TABLE pairs AS
SELECT d, k, array_agg((CASE WHEN random() * 4 < k % 5 THEN random() - 0.5 ELSE 0 END)::real) AS a,
	array_agg((CASE WHEN random() * 4 < k / 5 THEN random() - 0.5 ELSE 0 END)::real) AS b
FROM unnest(ARRAY[1, 2, 3, 7, 20, 100, 1000, 16000]) d, generate_series(0, 24) k, generate_series(1, d) GROUP BY d, k;
CREATE TEMP TABLE both_forms AS
SELECT a::sparsevec AS a, b::sparsevec AS b, a::vector AS va, b::vector AS vb FROM pairs;
SELECT count(*),
	bool_and(abs((a <-> b) - (va <-> vb)) <= 1e-4 * (va <-> vb)) AS l2,
	bool_and(abs((a <#> b) - (va <#> vb)) <= 1e-5 * vector_norm(va) * vector_norm(vb)) AS ip,
	bool_and(abs((a <=> b) - (va <=> vb)) <= 1e-4 OR (a <=> b = 'NaN' AND va <=> vb = 'NaN')) AS cosine,
	bool_and(abs((a <+> b) - (va <+> vb)) <= 1e-4 * (va <+> vb)) AS l1,
	bool_and(abs(sparsevec_l2_squared_distance(a, b) - vector_l2_squared_distance(va, vb)) <= 2e-4 * vector_l2_squared_distance(va, vb)) AS l2sq,
	bool_and(abs(l2_norm(a) - vector_norm(va)) <= 1e-12 * vector_norm(va)) AS norm,
	bool_and(vector_send(l2_normalize(a)::vector) = vector_send(l2_normalize(va))) AS normalized
FROM both_forms;
-- distances are symmetric to the last bit, as indexes assume
SELECT bool_and((a <-> b) = (b <-> a)) AS l2, bool_and((a <#> b) = (b <#> a)) AS ip,
	bool_and((a <=> b) = (b <=> a)) AS cosine, bool_and((a <+> b) = (b <+> a)) AS l1 FROM both_forms;
-- sparsevecs compare like vectors of the same elements
SELECT count(*), count(*) FILTER (WHERE sparsevec_cmp(x.a, y.b) <> vector_cmp(x.va, y.vb)) AS differ
FROM both_forms x, both_forms y;
DROP TABLE pairs, both_forms;

-- properties
SELECT l2_norm('{1:3,1000000000:4}/1000000000'::sparsevec), l2_norm('{}/5'::sparsevec), l2_norm('{1:3e37,2:4e37}/2'::sparsevec)::real;
SELECT l2_normalize('{1:3,5:4}/5'::sparsevec), l2_normalize('{2:0.1}/2'::sparsevec), l2_normalize('{}/2'::sparsevec), l2_normalize('{1:3e38}/1'::sparsevec);
-- elements that become zero are left out
SELECT l2_normalize('{1:3e38,2:1e-20,3:-3e38}/3'::sparsevec), l2_normalize('{1:3e38,3:1e-8}/3'::sparsevec);

-- comparison: element by element, zeros included, then the shorter first
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, sparsevec_cmp(a, b)
FROM (VALUES ('{1:1,2:2}/2'::sparsevec, '{1:1,2:2}/2'::sparsevec), ('{1:1,2:2}/2', '{1:1}/2'), ('{1:1,2:-2}/2', '{1:1}/2'),
	('{1:1}/2', '{1:1}/3'), ('{1:1}/2', '{1:1,3:-1}/3'), ('{}/2', '{3:-1}/3'), ('{}/3', '{3:-1}/3'), ('{2:1}/3', '{1:-1}/3'),
	('{2:-1}/3', '{1:1}/3'), ('{2:-1}/3', '{3:1}/3'), ('{2:1}/3', '{3:-1}/2000000'), ('{1:1}/1', '{1:2}/1'), ('{}/1', '{}/1')) v(a, b);
