-- Casts, their contexts, and values that they refuse.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

SELECT ARRAY[1,2,3]::vector, ARRAY[1.5,2,3]::vector, '{1,2,3}'::real[]::vector(3),
	'{1,2,3}'::double precision[]::vector, '{1,2,3}'::numeric[]::vector;
SELECT '[1,2.5,-3]'::vector::real[], '[1]'::vector::vector(1);
-- array bounds are ignored; an array with a NULL bitmap but without NULLs is accepted
SELECT '[5:7]={1,2,3}'::real[]::vector, (ARRAY[1,NULL,3])[3:3]::vector, (ARRAY[NULL,1.5,3])[2:3]::vector;
-- rounding: integers and doubles to the nearest float, tiny doubles to 0
SELECT '{16777217,2147483647}'::int[]::vector, '{0.1,16777217,1e-46,-1e-46}'::float8[]::vector;
SELECT '{0.1,3.40282345e38}'::numeric[]::vector;

-- contexts: to real[] implicitly, from arrays on assignment
\set VERBOSITY terse
SELECT array_length('[1,2,3]'::vector, 1);
\set VERBOSITY default
CREATE TABLE vector_casts (v vector(3), r real[]);
INSERT INTO vector_casts VALUES (ARRAY[1,2,3], '[1,2,3]'::vector), (ARRAY[1.5,2,3], NULL), ('{1,2,3}'::float8[], NULL), ('{4,5,6}'::real[], NULL);
INSERT INTO vector_casts VALUES (ARRAY[1,2], NULL);
SELECT * FROM vector_casts;
\set VERBOSITY terse
SELECT l2_distance('[1]'::vector, ARRAY[1]);
\set VERBOSITY default
SELECT '[1]'::vector::int[];
SELECT '{1}'::bigint[]::vector;
DROP TABLE vector_casts;

-- arrays still compare as arrays
SELECT ARRAY[1,2,3] = ARRAY[1,2,3], ARRAY[1.5] < ARRAY[2.5];

-- refused
SELECT '{1,2,3}'::real[]::vector(2);
SELECT '{}'::real[]::vector;
SELECT '{{1}}'::real[]::vector;
SELECT '{NULL}'::real[]::vector;
SELECT '{NaN}'::real[]::vector;
SELECT '{Infinity}'::float8[]::vector;
SELECT '{4e38}'::float8[]::vector;
SELECT '{4e38}'::numeric[]::vector;
SELECT array_fill(1, ARRAY[16001])::vector;
SELECT array_to_vector(array_fill(1, ARRAY[16001]), 16001, false);
SELECT vector_dims(array_fill(1, ARRAY[16000])::vector);
