-- barq_search_batch() in lists: vectors share the first step of their searches, and the
-- rows are those of as many single scans, in every shape of index, query and setting.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SET max_parallel_workers_per_gather = 0;
SET barq.growing_limit = '64MB';
SELECT setseed(0.75);
CREATE TABLE batch_lists (id int, grp int, v vector(100), w vector(22), h halfvec(99), b bit(64)) WITH (autovacuum_enabled = off);
-- clusters, so that lists differ in length; every tenth row is long, for inner products
INSERT INTO batch_lists SELECT i, i % 37, v, subvector(v, 1, 22), subvector(v, 2, 99)::halfvec, binary_quantize(subvector(v, 1, 64)) FROM
	(SELECT i, ((c.v + pg_temp.random_vector(100, -0.4, 0.4)) * array_fill(CASE WHEN i % 10 = 0 THEN 2 ELSE 1 END::real, ARRAY[100])::vector)::vector(100) AS v
		FROM generate_series(1, 9000) i, (SELECT array_agg(pg_temp.random_vector(100)) AS vs FROM generate_series(1, 20)) cs, LATERAL (SELECT vs[1 + i * i % 20] AS v) c) s;
-- stored rows, a query twice, and one far away
CREATE TEMP TABLE query AS SELECT row_number() OVER () AS n, id, v, w, h, b FROM
	(SELECT id, v, w, h, b FROM batch_lists WHERE id % 470 = 3 ORDER BY id) s;
INSERT INTO query SELECT 21, id, v, w, h, b FROM query WHERE n = 2;
INSERT INTO query SELECT 22, 0, array_fill(9, ARRAY[100])::vector, array_fill(9, ARRAY[22])::vector, array_fill(9, ARRAY[99])::vector::halfvec, repeat('01', 32)::bit(64);

-- Queries whose rows or distances differ from those of a single scan, in order; the rows;
-- whether the batch read fewer codes than the single scans.
CREATE FUNCTION pg_temp.batch(tab text, col text, op text, k int, condition text DEFAULT 'true', OUT differ bigint, OUT rows bigint, OUT shared boolean) LANGUAGE plpgsql AS $$
DECLARE
	alone bigint;
BEGIN
	EXECUTE format('CREATE TEMP TABLE single AS SELECT n, ARRAY(SELECT ROW(d, id)::text FROM (SELECT id, %2$I %3$s q.%2$I AS d FROM %1$I WHERE %5$s ORDER BY %2$I %3$s q.%2$I LIMIT %4$s) s ORDER BY d, id) AS rows FROM query q ORDER BY n', tab, col, op, k, condition);
	alone = (SELECT rows_scored FROM barq_last_scan());
	EXECUTE format('CREATE TEMP TABLE batch AS SELECT query, array_agg(ROW(distance, (doc).id)::text ORDER BY distance, (doc).id) AS rows FROM
		(SELECT *, row_number() OVER () AS n FROM barq_search_batch(NULL::%1$I, (SELECT array_agg(%2$I ORDER BY n) FROM query), %3$s, %2$L, %4$L)) s GROUP BY query', tab, col, k, condition);
	shared = (SELECT rows_scored FROM barq_last_scan()) < alone;
	SELECT count(*) FILTER (WHERE b.rows IS DISTINCT FROM nullif(s.rows, '{}')), sum(array_length(b.rows, 1)) INTO differ, rows FROM single s LEFT JOIN batch b ON b.query = s.n;
	DROP TABLE single, batch;
END $$;
-- The grid of one table and index: rows asked, breadth, probes, conditions.
CREATE FUNCTION pg_temp.grid(tab text, col text, op text) RETURNS TABLE (cells bigint, differ numeric, rows numeric, shared bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT count(*), sum(b.differ), sum(b.rows), count(*) FILTER (WHERE b.shared) FROM (VALUES (1, '0', '40', 'true'), (10, '1', '10', 'true'), (10, '0', '40', 'grp = 5'), (150, '7', '100', 'true'), (10, '32768', '40', 'true')) t (k, p, ef, f),
		LATERAL (SELECT set_config('barq.probes', p, false) || set_config('barq.ef_search', ef, false) AS done) s, LATERAL pg_temp.batch(tab, col, op, k, CASE WHEN s.done IS NOT NULL THEN f END) b;
	RESET barq.probes;
	RESET barq.ef_search;
END $$;

-- The same with a target: hard queries are searched for again, in further lists.
CREATE FUNCTION pg_temp.targets(tab text, col text, op text) RETURNS TABLE (cells bigint, differ numeric, rows numeric, shared bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT count(*), sum(b.differ), sum(b.rows), count(*) FILTER (WHERE b.shared) FROM unnest(ARRAY[0.5, 0.9, 0.95, 0.99]) t, unnest(ARRAY[1, 10, 60]) k,
		LATERAL (SELECT set_config('barq.target_recall', t::text, false) AS done) s, LATERAL pg_temp.batch(tab, col, op, k, CASE WHEN s.done IS NOT NULL THEN 'true' END) b;
	RESET barq.target_recall;
END $$;

-- distances and types, quantizations
CREATE FUNCTION pg_temp.index_grid(col text, class text, op text, options text) RETURNS TABLE (cells bigint, differ numeric, rows numeric, shared bigint) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE INDEX batch_lists_i ON batch_lists USING barq_ivf (%I %s) WITH (lists = 50%s)', col, class, options);
	RETURN QUERY SELECT * FROM pg_temp.grid('batch_lists', col, op);
	RETURN QUERY SELECT * FROM pg_temp.targets('batch_lists', col, op);
	DROP INDEX batch_lists_i;
END $$;
SELECT c.*, o, g.* FROM (VALUES ('v', 'vector_l2_ops', '<->'), ('v', 'vector_ip_ops', '<#>'), ('v', 'vector_cosine_ops', '<=>'), ('h', 'halfvec_l2_ops', '<->')) c (col, class, op), unnest(ARRAY['', ', quantization = rabitq', ', quantization = none']) o, LATERAL pg_temp.index_grid(col, class, op, o) g;
-- a query vector of another length has a shorter tail of codes
SELECT * FROM pg_temp.index_grid('w', 'vector_l2_ops', '<->', '');
-- bits have many rows at the same distance: of these any may come
CREATE INDEX batch_lists_b ON batch_lists USING barq_ivf (b bit_hamming_ops) WITH (lists = 50);
SELECT count(*) FROM (SELECT query, distance, count(*) FROM barq_search_batch(NULL::batch_lists, (SELECT array_agg(b ORDER BY n) FROM query), 20, 'b') GROUP BY 1, 2
	EXCEPT SELECT n, d, count(*) FROM query q, LATERAL (SELECT t.b <~> q.b AS d FROM batch_lists t ORDER BY t.b <~> q.b LIMIT 20) s GROUP BY 1, 2) d;
DROP INDEX batch_lists_b;

-- several segments, a log, dead rows, a merge; a slice that does not fit into work_mem
CREATE INDEX batch_lists_i ON batch_lists USING barq_ivf (v) WITH (lists = 50);
INSERT INTO batch_lists (id, grp, v) SELECT id + 10000, grp, v + pg_temp.random_vector(100, -0.2, 0.2) FROM batch_lists WHERE id % 9 = 0;
SELECT * FROM pg_temp.grid('batch_lists', 'v', '<->');
SELECT barq_seal('batch_lists_i');
INSERT INTO batch_lists (id, grp, v) SELECT id + 30000, grp, v + pg_temp.random_vector(100, -0.2, 0.2) FROM batch_lists WHERE id % 50 = 0 AND id <= 9000;
INSERT INTO batch_lists VALUES (50000, 1, NULL), (50001, 1, array_fill(0, ARRAY[100])::vector);
DELETE FROM batch_lists WHERE id % 40 = 7;
SELECT kind, state FROM barq_segments('batch_lists_i') ORDER BY segment;
SELECT * FROM pg_temp.grid('batch_lists', 'v', '<->');
VACUUM batch_lists;
SELECT * FROM pg_temp.grid('batch_lists', 'v', '<->');
SELECT * FROM pg_temp.targets('batch_lists', 'v', '<->');
SET work_mem = '64kB';
SELECT * FROM pg_temp.grid('batch_lists', 'v', '<->');
RESET work_mem;
SELECT barq_seal('batch_lists_i') > 0, barq_compact('batch_lists_i') > 0;
SELECT * FROM pg_temp.grid('batch_lists', 'v', '<->');
-- the other ways to continue a scan; a scan cut short
SELECT m, t, b.* FROM unnest(ARRAY['off', 'relaxed_order', 'strict_order']) m, unnest(ARRAY['0', '10']) t, LATERAL (SELECT set_config('barq.iterative_scan', m, false) || set_config('barq.max_scan_tuples', t, false) AS done) s,
	LATERAL (SELECT query, count(*), bool_and(ordered) FROM (SELECT query, distance >= lag(distance, 1, distance) OVER (PARTITION BY query ORDER BY n) AS ordered FROM (SELECT *, row_number() OVER () AS n FROM barq_search_batch(NULL::batch_lists, (SELECT array_agg(v ORDER BY n) FROM query WHERE n < 3), CASE WHEN s.done IS NOT NULL THEN 50 END, 'v')) s) s GROUP BY query ORDER BY query) b;
RESET barq.iterative_scan;
RESET barq.max_scan_tuples;
-- groups, which read on; instruction sets
SELECT count(*), count(DISTINCT (query, (doc).grp)) FROM barq_search_batch(NULL::batch_lists, (SELECT array_agg(v ORDER BY n) FROM query), 30, 'v', group_by => 'grp', per_group => 2);
SELECT s, pg_temp.batch('batch_lists', 'v', '<->', 10) FROM unnest(ARRAY['baseline', 'auto']) l, set_config('barq.simd', l, false) s;
RESET barq.simd;
-- a vector of other dimensions among them is the same error; a batch within a batch
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_search_batch(NULL::batch_lists, (SELECT array_agg(v ORDER BY n) || '[1,2]'::vector FROM query), 10, 'v')$$);
CREATE FUNCTION batch_inner(vector) RETURNS boolean LANGUAGE sql STABLE AS $$SELECT count(*) = 6 FROM public.barq_search_batch(NULL::public.batch_lists, ARRAY[$1, $1], 3, 'v')$$;
SELECT count(*), sum(distance) = (SELECT sum(distance) FROM barq_search_batch(NULL::batch_lists, (SELECT array_agg(v ORDER BY n) FROM query), 3, 'v'))
	FROM barq_search_batch(NULL::batch_lists, (SELECT array_agg(v ORDER BY n) FROM query), 3, 'v', 'batch_inner(v)');
SELECT count(*) FROM barq_search_batch(NULL::batch_lists, (SELECT array_agg(v ORDER BY n) FROM query), 3, 'v');
DROP FUNCTION batch_inner;

-- lists beside graphs; a temporary table
DROP INDEX batch_lists_i;
SET barq.growing_limit = '1GB';
CREATE INDEX batch_lists_i ON batch_lists USING barq_hnsw (v vector_l2_ops);
INSERT INTO batch_lists (id, grp, v) SELECT id + 60000 + c * 10000, grp, v + pg_temp.random_vector(100, -0.2, 0.2) FROM batch_lists, generate_series(1, 2) c WHERE id <= 9000;
SELECT barq_seal('batch_lists_i') > 0;
SELECT kind FROM barq_segments('batch_lists_i') WHERE state <> 'growing' ORDER BY segment;
SELECT k, b.* FROM unnest(ARRAY[1, 10]) k, LATERAL pg_temp.batch('batch_lists', 'v', '<->', k) b;
CREATE TEMP TABLE batch_pages AS SELECT * FROM batch_lists WHERE id < 60000;
CREATE INDEX ON batch_pages USING barq_ivf (v) WITH (lists = 50);
SELECT * FROM pg_temp.grid('batch_pages', 'v', '<->');
SELECT * FROM pg_temp.targets('batch_pages', 'v', '<->');
DROP TABLE batch_lists, batch_pages;
