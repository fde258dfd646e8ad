-- sparsevec through the index, with each distance (test/include/hnsw_type.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\set begin :abs_srcdir '/include/hnsw_type_begin.sql'
\set script :abs_srcdir '/include/hnsw_type.sql'
\i :helpers
\i :begin
CREATE FUNCTION pg_temp.random_sparse(dims int, share float8, size float8) RETURNS sparsevec LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN (SELECT array_agg(CASE WHEN random() < share THEN size * (2 * random() - 1) ELSE 0 END)::real[] FROM generate_series(1, dims));
END $$;
CREATE FUNCTION pg_temp.small_value() RETURNS sparsevec LANGUAGE sql VOLATILE
RETURN pg_temp.random_sparse(40, 0.3, 1);
CREATE FUNCTION pg_temp.mixed(a sparsevec, b sparsevec, c sparsevec) RETURNS sparsevec LANGUAGE sql IMMUTABLE
RETURN (a::vector + b::vector + c::vector)::sparsevec;
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_sparse(300, 0.1, 1) AS v FROM generate_series(0, 39) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_sparse(300, 0.05, 0.4) AS v FROM generate_series(0, 499) i;
\set type sparsevec(300)
\set small sparsevec(40)
\set quantizations {none}
\set rows 5000
\set ECHO all

\set opclass sparsevec_l2_ops
\set op <->
\i :script
\set opclass sparsevec_ip_ops
\set op <#>
\i :script
\set opclass sparsevec_cosine_ops
\set op <=>
\i :script
\set opclass sparsevec_l1_ops
\set op <+>
\i :script
