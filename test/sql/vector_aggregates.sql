-- avg and sum of vector (test/include/dense_aggregates.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/error_of.sql'
\set script :abs_srcdir '/include/dense_aggregates.sql'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
\i :helpers
\set type vector
\set large [3e38]
\set ECHO all
\i :script
