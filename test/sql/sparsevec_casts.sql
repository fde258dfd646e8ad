-- Casts, their contexts, and values that they refuse.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

SELECT ARRAY[1,0,3]::sparsevec, ARRAY[1.5,0,3]::sparsevec, '{1,-0,3}'::real[]::sparsevec(3),
	'{1,0,3}'::double precision[]::sparsevec, '{1,0.0,3}'::numeric[]::sparsevec;
SELECT '{0,0}'::real[]::sparsevec, '{1:1}/2'::sparsevec::sparsevec(2);
SELECT '[5:7]={1,0,3}'::real[]::sparsevec, (ARRAY[1,NULL,3])[3:3]::sparsevec, (ARRAY[NULL,0,3])[2:3]::sparsevec;
-- numbers that round to zero are left out
SELECT '{16777217,2147483647}'::int[]::sparsevec, '{0.1,16777217,1e-46,-1e-46}'::float8[]::sparsevec;
SELECT '{0.1,3.40282345e38}'::numeric[]::sparsevec;
-- more array elements than a vector can have, most of them zero
SELECT (array_fill(0, ARRAY[99999]) || 1)::sparsevec;

-- vector and halfvec
SELECT '[0,1.5,0,-3,-0]'::vector::sparsevec, '[0,1.5,0,-3,-0]'::halfvec::sparsevec;
SELECT '{2:1.5,4:-3}/5'::sparsevec::vector, '{2:1.5,4:0.1,5:1e-9}/5'::sparsevec::halfvec, '{}/2'::sparsevec::vector(2), '{}/2'::sparsevec::halfvec(2);
SELECT vector_dims('{16000:1}/16000'::sparsevec::vector), array_fill(1, ARRAY[16000])::vector::sparsevec = array_fill(1, ARRAY[16000])::sparsevec AS same;

-- contexts: to sparsevec implicitly, from sparsevec and from arrays on assignment
CREATE TABLE sparsevec_casts (s sparsevec(3), v vector(3), h halfvec(3));
INSERT INTO sparsevec_casts VALUES ('[0,1,2]'::vector, '{1:1}/3'::sparsevec, '{3:1}/3'::sparsevec), ('[0,1,2]'::halfvec, NULL, NULL),
	(ARRAY[0,1,2], NULL, NULL), (ARRAY[0,1.5,2], NULL, NULL), ('{0,1,2}'::float8[], NULL, NULL), ('{0,1,2}'::real[], NULL, NULL);
INSERT INTO sparsevec_casts VALUES (ARRAY[1,2], NULL, NULL);
SELECT * FROM sparsevec_casts;
SELECT '[1,2]'::vector <-> '{1:1}/2'::sparsevec AS vector, '[1,2]'::halfvec <-> '{1:1}/2'::sparsevec AS halfvec;
\set VERBOSITY terse
SELECT vector_norm('{1:1}/1'::sparsevec);
\set VERBOSITY default
SELECT '{1:1}/1'::sparsevec::real[];
SELECT '{1}'::bigint[]::sparsevec;
DROP TABLE sparsevec_casts;

-- refused
SELECT '{1,2,3}'::real[]::sparsevec(2);
SELECT '[1,2]'::vector::sparsevec(3);
SELECT '[1,2]'::halfvec::sparsevec(3);
SELECT '{}/2'::sparsevec::vector(3);
SELECT '{}/2'::sparsevec::halfvec(3);
SELECT '{}/2'::sparsevec::sparsevec(3);
SELECT '{}/16001'::sparsevec::vector;
SELECT '{}/16001'::sparsevec::halfvec;
SELECT '{2:65520}/3'::sparsevec::halfvec;
SELECT '{}'::real[]::sparsevec;
SELECT '{{1}}'::real[]::sparsevec;
SELECT '{NULL}'::real[]::sparsevec;
SELECT '{0,NaN}'::real[]::sparsevec;
SELECT '{0,Infinity}'::float8[]::sparsevec;
SELECT '{4e38}'::float8[]::sparsevec;
SELECT '{4e38}'::numeric[]::sparsevec;
SELECT array_fill(1, ARRAY[16001])::sparsevec;
SELECT array_to_sparsevec(array_fill(1, ARRAY[16001]), 16001, false);
