-- halfvec through the index, with each distance (test/include/hnsw_type.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\set begin :abs_srcdir '/include/hnsw_type_begin.sql'
\set script :abs_srcdir '/include/hnsw_type.sql'
\i :helpers
\i :begin
CREATE FUNCTION pg_temp.small_value() RETURNS halfvec LANGUAGE sql VOLATILE
RETURN pg_temp.random_vector(17)::halfvec;
CREATE FUNCTION pg_temp.mixed(a halfvec, b halfvec, c halfvec) RETURNS halfvec LANGUAGE sql IMMUTABLE
RETURN a + b + c;
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_vector(128)::halfvec AS v FROM generate_series(0, 39) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_vector(128, -0.3, 0.3)::halfvec AS v FROM generate_series(0, 499) i;
\set type halfvec(128)
\set small halfvec(17)
\set quantizations {none,f16,sq8}
\set rows 9000
\set ECHO all

\set opclass halfvec_l2_ops
\set op <->
\i :script
\set opclass halfvec_ip_ops
\set op <#>
\i :script
\set opclass halfvec_cosine_ops
\set op <=>
\i :script
\set opclass halfvec_l1_ops
\set op <+>
\i :script
