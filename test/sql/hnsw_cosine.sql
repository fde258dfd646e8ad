-- Cosine distance through the index (test/include/hnsw_distance.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\set script :abs_srcdir '/include/hnsw_distance.sql'
\i :helpers
\set metric cosine
\set dims 256
\set quantization '\'sq8\''
\set ECHO all
\i :script
