-- avg and sum of halfvec (test/include/dense_aggregates.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/error_of.sql'
\set script :abs_srcdir '/include/dense_aggregates.sql'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
\i :helpers
\set type halfvec
\set large [60000]
\set ECHO all
\i :script
-- the largest mean that a half can hold, and the next larger one
SELECT halfvec_avg('{2,131039}');
SELECT halfvec_avg('{2,131040}');
