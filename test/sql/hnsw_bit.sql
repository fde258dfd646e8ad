-- bit through the index, with each distance (test/include/hnsw_type.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\set begin :abs_srcdir '/include/hnsw_type_begin.sql'
\set script :abs_srcdir '/include/hnsw_type.sql'
\i :helpers
\i :begin
CREATE FUNCTION pg_temp.random_bits(n int, share float8) RETURNS bit LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN (SELECT string_agg(CASE WHEN random() < share THEN '1' ELSE '0' END, '') FROM generate_series(1, n));
END $$;
CREATE FUNCTION pg_temp.small_value() RETURNS bit LANGUAGE sql VOLATILE
RETURN pg_temp.random_bits(37, 0.4);
CREATE FUNCTION pg_temp.mixed(a bit, b bit, c bit) RETURNS bit LANGUAGE sql IMMUTABLE
RETURN a # (b & ~c);
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_bits(1001, 0.3) AS v FROM generate_series(0, 39) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_bits(1001, 0.15) AS v FROM generate_series(0, 499) i;
\set type bit(1001)
\set small bit(37)
\set quantizations {none}
\set rows 9000
\set ECHO all

\set opclass bit_hamming_ops
\set op <~>
\i :script
\set opclass bit_jaccard_ops
\set op <%>
\i :script
