-- Cosine distance through lists (test/include/ivf_distance.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\set script :abs_srcdir '/include/ivf_distance.sql'
\i :helpers
\set metric cosine
\set dims 96
\set quantization '\'sq8\''
\set ECHO all
\i :script
