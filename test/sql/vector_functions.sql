-- Functions and operators of vector (test/include/dense_functions.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set script :abs_srcdir '/include/dense_functions.sql'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
\set type vector
\set norm vector_norm
\set large [3e38]
\set minus_large [-3e38]
\set least [1e-45]
\set precision 1e-6
\set ECHO all
\i :script

-- squares beyond float32; products that round to zero
SELECT vector_norm('[3e37,4e37]')::real;
SELECT '[0,1e-30]'::vector * '[1e-30,0]';
