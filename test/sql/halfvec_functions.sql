-- Functions and operators of halfvec (test/include/dense_functions.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set script :abs_srcdir '/include/dense_functions.sql'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
\set type halfvec
\set norm l2_norm
\set large [6e4]
\set minus_large [-6e4]
\set least [6e-8]
\set precision 1e-3
\set ECHO all
\i :script

-- squares beyond the range of halves; products that round to zero
SELECT l2_norm('[3e4,4e4]'::halfvec);
SELECT '[0,1e-7]'::halfvec * '[1e-7,0]';
-- results are rounded once, to the nearest half, ties to even
SELECT '[2048,2048,2050]'::halfvec + '[1,3,1]', '[2048,1]'::halfvec - '[-3,6e-8]', '[0.1,1.001]'::halfvec * '[0.1,1.001]';
