-- Casts, their contexts, and values that they refuse.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

SELECT ARRAY[1,2,3]::halfvec, ARRAY[1.5,2,3]::halfvec, '{1,2,3}'::real[]::halfvec(3),
	'{1,2,3}'::double precision[]::halfvec, '{1,2,3}'::numeric[]::halfvec;
SELECT '[1,2.5,-3]'::halfvec::real[], '[1]'::halfvec::halfvec(1);
-- array bounds are ignored; an array with a NULL bitmap but without NULLs is accepted
SELECT '[5:7]={1,2,3}'::real[]::halfvec, (ARRAY[1,NULL,3])[3:3]::halfvec, (ARRAY[NULL,1.5,3])[2:3]::halfvec;
-- rounding to the nearest half, ties to even; tiny numbers become 0
SELECT '{2049,2050,2051,65519}'::int[]::halfvec, '{0.1,2049,2051,-65519,6e-8,2.98e-8,2.99e-8,-1e-46}'::float8[]::halfvec;
SELECT '{0.1,65519.99}'::numeric[]::halfvec;

-- contexts: to and from arrays on assignment, not implicitly
\set VERBOSITY terse
SELECT array_length('[1,2,3]'::halfvec, 1);
\set VERBOSITY default
CREATE TABLE halfvec_casts (v halfvec(3), r real[]);
INSERT INTO halfvec_casts VALUES (ARRAY[1,2,3], '[1,2,3]'::halfvec), (ARRAY[1.5,2,3], NULL), ('{1,2,3}'::float8[], NULL), ('{4,5,6}'::real[], NULL);
INSERT INTO halfvec_casts VALUES (ARRAY[1,2], NULL);
SELECT * FROM halfvec_casts;
\set VERBOSITY terse
SELECT l2_distance('[1]'::halfvec, ARRAY[1]);
\set VERBOSITY default
SELECT '[1]'::halfvec::int[];
SELECT '{1}'::bigint[]::halfvec;
DROP TABLE halfvec_casts;

-- from and to vector: to halfvec implicitly, to vector on assignment
SELECT '[1,2.5,0.1]'::vector::halfvec, '[1,2.5,0.1]'::halfvec::vector, '[1,2]'::vector::halfvec(2), '[1,2]'::halfvec::vector(2);
CREATE TABLE halfvec_casts (v vector(3), h halfvec(3));
INSERT INTO halfvec_casts VALUES ('[1,2,3]'::halfvec, '[4,5,6]'::vector);
INSERT INTO halfvec_casts SELECT h, v FROM halfvec_casts;
SELECT * FROM halfvec_casts;
SELECT '[1,2]'::vector <-> '[3,4]'::halfvec AS distance;
\set VERBOSITY terse
SELECT vector_norm('[3,4]'::halfvec);
\set VERBOSITY default
DROP TABLE halfvec_casts;
SELECT '[1,2]'::vector::halfvec(3);
SELECT '[1,2]'::halfvec::vector(3);
SELECT '[65519.9,-65520]'::vector::halfvec;
SELECT '[1e10]'::vector::halfvec;
-- every half converts to a float and back
SELECT count(*), count(*) FILTER (WHERE halfvec_send(h) <> halfvec_send(h::vector::halfvec)) AS differ,
	count(*) FILTER (WHERE vector_send(h::vector) <> vector_send(format('[%s]', (h::real[])[1])::vector)) AS texts
FROM (SELECT ARRAY[(CASE WHEN i < 32768 THEN 1 ELSE -1 END) * CASE WHEN (i & 31744) = 0 THEN (i & 1023) * 2.0 ^ -24
		ELSE (1024 + (i & 1023)) * 2.0 ^ (((i & 31744) >> 10) - 25) END]::halfvec AS h
	FROM generate_series(0, 65535) i WHERE (i & 31744) <> 31744) s;

-- arrays still compare as arrays
SELECT ARRAY[1,2,3] = ARRAY[1,2,3], ARRAY[1.5] < ARRAY[2.5];

-- refused
SELECT '{1,2,3}'::real[]::halfvec(2);
SELECT '{}'::real[]::halfvec;
SELECT '{{1}}'::real[]::halfvec;
SELECT '{NULL}'::real[]::halfvec;
SELECT '{NaN}'::real[]::halfvec;
SELECT '{Infinity}'::float8[]::halfvec;
SELECT '{4e38}'::float8[]::halfvec;
SELECT '{4e38}'::numeric[]::halfvec;
SELECT '{65520}'::int[]::halfvec;
SELECT '{1,-65520}'::real[]::halfvec;
SELECT '{NaN,1e10}'::float8[]::halfvec;
SELECT '{65520}'::numeric[]::halfvec;
SELECT array_fill(1, ARRAY[16001])::halfvec;
SELECT array_to_halfvec(array_fill(1, ARRAY[16001]), 16001, false);
SELECT vector_dims(array_fill(1, ARRAY[16000])::halfvec);
