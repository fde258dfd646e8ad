-- Negative inner product through the index (test/include/hnsw_distance.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\set script :abs_srcdir '/include/hnsw_distance.sql'
\i :helpers
\set metric ip
\set dims 128
\set quantization '\'none\''
\set ECHO all
\i :script
