-- Distances of bit strings: computed by hand, and from bits counted one by one.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

SELECT hamming_distance('111', '111'), hamming_distance('111', '110'), hamming_distance('111', '100'), hamming_distance('111', '000'),
	B'1010' <~> B'0110' AS op;
SELECT jaccard_distance('1111', '1111'), jaccard_distance('1111', '1110'), jaccard_distance('1100', '1000'), jaccard_distance('1100', '0011'),
	B'1010' <%> B'0110' AS op;
-- strings without a common bit have Jaccard distance 1, even two of zeros; empty strings
SELECT '000'::bit(3) <%> '000', '000'::bit(3) <~> '000', ''::varbit <~> ''::varbit, ''::varbit <%> ''::varbit;
-- varbit; NULL arguments give NULL
SELECT '11'::varbit <~> '01'::varbit, hamming_distance(NULL, '1'), '1'::bit <%> NULL;

-- all lengths around the widths of registers and bytes: distances equal plain counts
SELECT setseed(0.5);
CREATE TEMP TABLE bits AS
SELECT n, string_agg((random() < 0.5)::int::text, '')::bit varying AS a, string_agg((random() < 0.3)::int::text, '')::bit varying AS b
FROM (SELECT generate_series(1, 1100) UNION SELECT unnest(ARRAY[4095, 8192, 64000, 64001])) s(n), generate_series(1, n) GROUP BY n;
SELECT count(*), count(*) FILTER (WHERE a <~> b <> bit_count(a # b)) AS hamming,
	count(*) FILTER (WHERE a <%> b <> CASE WHEN bit_count(a & b) = 0 THEN 1 ELSE 1 - bit_count(a & b) / bit_count(a | b)::float8 END) AS jaccard,
	count(*) FILTER (WHERE a <~> b <> b <~> a OR a <%> b <> b <%> a) AS asymmetric,
	count(*) FILTER (WHERE a <~> ~a <> n OR a <~> a <> 0) AS ends
FROM bits;
-- stored out of line
CREATE TABLE bit_large AS SELECT repeat(a::text, 40)::bit varying AS a, repeat(b::text, 40)::bit varying AS b FROM bits WHERE n >= 64000;
SELECT count(*), count(*) FILTER (WHERE a <~> b <> bit_count(a # b)) AS differ FROM bit_large;
DROP TABLE bits, bit_large;

-- quantized vectors
SELECT binary_quantize('[1,-1,1]'::vector) <~> binary_quantize('[1,1,-1]'::vector) AS vector,
	binary_quantize('[1,-1,1]'::halfvec) <~> binary_quantize('[1,1,-1]'::halfvec) AS halfvec;

-- refused
SELECT hamming_distance('111', '00');
SELECT jaccard_distance('111', '00');
SELECT '1'::bit <~> '';
\set VERBOSITY terse
SELECT B'1' <~> 1;
\set VERBOSITY default
