-- barq_search_batch(): the rows of as many single ordered scans.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.25);
CREATE TABLE hybrid_batch (id int PRIMARY KEY, document int, tenant int, name text, v vector(8), h halfvec(8), s sparsevec(8), b bit(16), lists vector(8), part vector(8));
INSERT INTO hybrid_batch SELECT i, i * 7 % 60, i % 5, CASE WHEN i % 9 > 0 THEN 'n' || i % 20 END, v, v, v::sparsevec, binary_quantize(v || v), v, v FROM (SELECT i, pg_temp.random_vector(8) AS v FROM generate_series(1, 3000) i) s;
CREATE INDEX ON hybrid_batch USING barq_hnsw (v vector_cosine_ops);
CREATE INDEX ON hybrid_batch USING barq_hnsw (h halfvec_l2_ops);
CREATE INDEX ON hybrid_batch USING barq_hnsw (s sparsevec_ip_ops);
CREATE INDEX ON hybrid_batch USING barq_hnsw (b bit_hamming_ops);
CREATE INDEX ON hybrid_batch USING barq_ivf (lists vector_l2_ops) WITH (lists = 20, quantization = 'rabitq');
CREATE INDEX ON hybrid_batch USING barq_hnsw (part vector_l1_ops) WHERE tenant < 3;
-- segments and a log
INSERT INTO hybrid_batch SELECT i, i * 7 % 60, i % 5, 'n' || i % 20, v, v, v::sparsevec, binary_quantize(v || v), v, v FROM (SELECT i, pg_temp.random_vector(8) AS v FROM generate_series(3001, 3300) i) s;
INSERT INTO hybrid_batch (id, document) VALUES (4001, 1), (4002, NULL);
INSERT INTO hybrid_batch (id, v) VALUES (4003, '[0,0,0,0,0,0,0,0]');
DELETE FROM hybrid_batch WHERE id % 31 = 0;
ANALYZE hybrid_batch;

-- Queries whose rows or distances differ from those of a single scan, in its order; and
-- the number of rows.
CREATE FUNCTION pg_temp.compare(col text, op text, k int, condition text DEFAULT 'true') RETURNS TABLE (differ bigint, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		WITH queries AS (SELECT row_number() OVER () AS query, q FROM (SELECT %1$I AS q FROM hybrid_batch WHERE id BETWEEN 100 AND 1900 AND id %% 90 = 0 ORDER BY id) s),
		batch AS (SELECT query, array_agg(ROW((doc).id, distance)::text ORDER BY n) AS rows FROM
			(SELECT *, row_number() OVER () AS n FROM barq_search_batch(NULL::hybrid_batch, (SELECT array_agg(q ORDER BY query) FROM queries), %3$s, %1$L, %4$L)) s GROUP BY query),
		single AS (SELECT query, ARRAY(SELECT ROW(id, %1$I %2$s q)::text FROM hybrid_batch WHERE %4$s ORDER BY %1$I %2$s q LIMIT %3$s) AS rows FROM queries)
		SELECT count(*) FILTER (WHERE b.rows IS DISTINCT FROM nullif(s.rows, '{}')), coalesce(sum(array_length(b.rows, 1)), 0) FROM single s LEFT JOIN batch b USING (query)$q$, col, op, k, condition);
END $$;
SELECT c AS column, k, f AS filter, d.* FROM (VALUES ('v', '<=>'), ('h', '<->'), ('s', '<#>'), ('lists', '<->'), ('part', '<+>')) t (c, op), unnest(ARRAY[1, 10, 200]) k, unnest(ARRAY['true', 'tenant = 2', 'id % 100 = 7', 'false']) f, LATERAL pg_temp.compare(c, op, k, f) d ORDER BY c, k, f;
-- bits have many rows at the same distance: of these the place decides
SELECT count(*) FROM (SELECT query, distance, count(*) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['0000000011111111', '1010101010101010']::bit(16)[], 20, 'b') GROUP BY 1, 2
	EXCEPT SELECT n, (b <~> q), count(*) FROM unnest(ARRAY['0000000011111111', '1010101010101010']::bit(16)[]) WITH ORDINALITY u (q, n), LATERAL (SELECT b FROM hybrid_batch ORDER BY b <~> q LIMIT 20) s GROUP BY 1, 2) d;

-- in the order of the array, then of distance; the whole row
SELECT array_agg(query) = array_agg(query ORDER BY query, distance) AS ordered, count(*), bool_and((doc).document = (SELECT document FROM hybrid_batch b WHERE b.id = (doc).id)) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]', '[1,0,0,0,0,0,0,0]', '[1,2,3,4,4,3,2,1]']::vector[], 4, 'v');
-- the same vector twice; the same row for several
SELECT query, (doc).id FROM barq_search_batch(NULL::hybrid_batch, ARRAY(SELECT v FROM hybrid_batch WHERE id IN (7, 8) UNION ALL SELECT v FROM hybrid_batch WHERE id = 7), 1, 'v');

-- the types of the vectors
PREPARE typed(vector[]) AS SELECT count(*), sum((doc).id) FROM barq_search_batch(NULL::hybrid_batch, $1, 3, 'v');
EXECUTE typed('{"[1,2,3,4,4,3,2,1]","[1,0,0,0,0,0,0,0]"}');
PREPARE untyped AS SELECT count(*), sum((doc).id) FROM barq_search_batch(NULL::hybrid_batch, $1, 3, 'v');
EXECUTE untyped('{"[1,2,3,4,4,3,2,1]","[1,0,0,0,0,0,0,0]"}');
SELECT count(*), sum((doc).id) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]', '[1,0,0,0,0,0,0,0]'], 3, 'v');
SELECT count(*), sum((doc).id) FROM barq_search_batch(NULL::hybrid_batch, '{"[1,2,3,4,4,3,2,1]","[1,0,0,0,0,0,0,0]"}', 3, 'v');
SELECT count(*), sum((doc).id) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]', '[1,0,0,0,0,0,0,0]']::halfvec[], 3, 'v');
SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['{1:1}/8', '{2:1}/8']::sparsevec[], 3, 's');
SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]', '[1,0,0,0,0,0,0,0]']::vector[], 3, 'h');
SELECT count(*) FROM barq_search_batch(embeddings => ARRAY['[1,2,3,4,4,3,2,1]']::vector[], item => NULL::hybrid_batch, vector_column => 'v');
-- no vectors, no rows; a zero vector has no distance under cosine
SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, '{}'::vector[], 3, 'v');
SELECT query, count(*) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[0,0,0,0,0,0,0,0]', '[1,0,0,0,0,0,0,0]']::vector[], 3, 'v') GROUP BY query ORDER BY query;
-- all rows with a vector
SELECT query, count(*), count(DISTINCT (doc).id) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]', '[1,0,0,0,0,0,0,0]']::vector[], 100000, 'v') GROUP BY query ORDER BY query;
SELECT count(v) FROM hybrid_batch WHERE v <> '[0,0,0,0,0,0,0,0]';
-- filters with arguments
SELECT bool_and((doc).tenant = 3 AND (doc).id > 500), count(*) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]', '[1,0,0,0,0,0,0,0]']::vector[], 30, 'v', 'tenant = $1 AND id > $2', '{3,500}');

-- groups: the nearest per_group rows of the k groups that are nearest, exactly
CREATE FUNCTION pg_temp.grouped(g text, k int, per_group int, condition text DEFAULT 'true') RETURNS TABLE (differ bigint, rows bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		WITH queries AS (SELECT row_number() OVER () AS query, v AS q FROM (SELECT v FROM hybrid_batch WHERE id BETWEEN 100 AND 1900 AND id %% 300 = 0 ORDER BY id) s),
		batch AS (SELECT query, array_agg((doc).id ORDER BY n) AS rows FROM
			(SELECT *, row_number() OVER () AS n FROM barq_search_batch(NULL::hybrid_batch, (SELECT array_agg(q ORDER BY query) FROM queries), %2$s, 'v', %4$L, group_by => %1$L, per_group => %3$s)) s GROUP BY query),
		single AS (SELECT query, ARRAY(SELECT id FROM (SELECT *, dense_rank() OVER (ORDER BY best, coalesce(grp::text, '')) AS g FROM
				(SELECT id, ctid, %1$I AS grp, (v <=> q) + 0 AS d, min((v <=> q) + 0) OVER (PARTITION BY %1$I) AS best, row_number() OVER (PARTITION BY %1$I ORDER BY (v <=> q) + 0, ctid) AS n FROM hybrid_batch WHERE v <> '[0,0,0,0,0,0,0,0]' AND %4$s) a) b
			WHERE g <= %2$s AND n <= %3$s ORDER BY d, ctid) AS rows FROM queries)
		SELECT count(*) FILTER (WHERE b.rows IS DISTINCT FROM nullif(s.rows, '{}')), coalesce(sum(array_length(b.rows, 1)), 0) FROM single s LEFT JOIN batch b USING (query)$q$, g, k, per_group, condition);
END $$;
SELECT g AS group_by, k, p AS per_group, f AS filter, d.* FROM unnest(ARRAY['document', 'name', 'id']) g, unnest(ARRAY[1, 10, 100]) k, unnest(ARRAY[1, 3]) p, unnest(ARRAY['true', 'tenant = 2']) f, LATERAL pg_temp.grouped(g, k, p, f) d ORDER BY g, k, p, f;
-- many rows of one group before the others
UPDATE hybrid_batch SET document = 99 WHERE id > 200;
SELECT k, p AS per_group, d.* FROM unnest(ARRAY[2, 20, 1000]) k, unnest(ARRAY[1, 4]) p, LATERAL pg_temp.grouped('document', k, p) d ORDER BY k, p;

-- errors
SELECT a, pg_temp.outcome('SELECT count(*) FROM barq_search_batch(' || a || ')') FROM unnest(ARRAY[$$NULL::hybrid_batch, NULL::vector[]$$, $$NULL::hybrid_batch, ARRAY[NULL, '[1,2,3,4,4,3,2,1]']::vector[], 3, 'v'$$, $$NULL::hybrid_batch, '[1,2,3,4,4,3,2,1]'::vector, 3, 'v'$$, $$NULL::hybrid_batch, 7, 3, 'v'$$,
	$$NULL::hybrid_batch, ARRAY[ARRAY['[1,2,3,4,4,3,2,1]'::vector]], 3, 'v'$$, $$NULL::hybrid_batch, '[1,2,3,4,4,3,2,1]', 3, 'v'$$, $$NULL::hybrid_batch, ARRAY['[1,2]']::vector[], 3, 'v'$$, $$NULL::hybrid_batch, ARRAY['x'], 3, 'v'$$, $$NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]']::vector[]$$,
	$$NULL::hybrid_batch, '{}'::vector[], 0, 'v'$$, $$NULL::hybrid_batch, '{}'::vector[], -1, 'v'$$, $$NULL::hybrid_batch, '{}'::vector[], 100001, 'v'$$, $$NULL::hybrid_batch, '{}'::vector[], NULL, 'v'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'nope'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'document'$$,
	$$NULL::hybrid_batch, '{}'::vector[], 3, 'v', 'nope'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', 'id = $1'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', 'id = $1', '{x}'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', NULL, '{1}'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', '(SELECT true)'$$,
	$$NULL::hybrid_batch, '{}'::vector[], 3, 'v', 'id'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', ''$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', 'true, true'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', 'true) OR (true'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', 'true; SELECT true'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', 'random() < 0.5'$$, $$NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]', '[1,2]']::vector[], 3, 'v'$$,
	$$NULL::hybrid_batch, '{}'::vector[], 3, 'v', group_by => 'nope'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', group_by => 'ctid'$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', per_group => 2$$, $$NULL::hybrid_batch, '{}'::vector[], 3, 'v', group_by => 'id', per_group => 0$$,
	$$NULL::hybrid_batch, '{}'::vector[], 50000, 'v', group_by => 'id', per_group => 3$$, $$7, '{}'::vector[], 3, 'v'$$, $$NULL::hybrid_batch, ARRAY[1.5, 2], 3, 'v'$$]) a;
-- parallel workers: the same rows in the same order, whoever finds them
CREATE FUNCTION pg_temp.bytes(condition text, g name DEFAULT NULL, p int DEFAULT NULL, col name DEFAULT 'v') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT md5(string_agg(concat_ws('' '', query, (doc).id, distance), '','')) FROM barq_search_batch(NULL::hybrid_batch, (SELECT array_agg(%1$I ORDER BY id) FROM hybrid_batch WHERE id %% 40 = 0), 10, %1$L, %2$L, ''{2}'', group_by => %3$L, per_group => %4$L)', col, condition, g, p) INTO result;
	RETURN result;
END $$;
CREATE FUNCTION hybrid_unsafe(int) RETURNS boolean LANGUAGE sql STABLE PARALLEL UNSAFE AS 'SELECT $1 >= 2';
CREATE TEMP TABLE alone AS SELECT c, f, g, p, ''::text AS bytes FROM (VALUES ('v', 'tenant >= $1', NULL, NULL), ('v', 'hybrid_unsafe(tenant) OR tenant = $1', NULL, NULL), ('h', 'tenant = $1', 'name', 3), ('s', 'tenant >= $1', NULL, NULL), ('lists', 'tenant >= $1', 'document', NULL), ('part', 'tenant = $1', NULL, NULL)) t (c, f, g, p);
SET max_parallel_workers_per_gather = 0;
UPDATE alone SET bytes = pg_temp.bytes(f, g, p, c);
RESET max_parallel_workers_per_gather;
SET parallel_setup_cost = 0;
SELECT count(*), count(*) FILTER (WHERE bytes <> pg_temp.bytes(f, g, p, c)) AS differ FROM alone;
SELECT count(DISTINCT bytes) FROM alone;
-- an error of a worker is the call's
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, (SELECT array_agg(v) FROM hybrid_batch WHERE id < 100), 10, 'v', '1 / (id % 2) > 0')$$);
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, (SELECT array_agg('[1,2]'::vector) FROM hybrid_batch WHERE id < 100), 10, 'v')$$);
-- tables that workers cannot read, and rows that this transaction wrote
CREATE TEMP TABLE hybrid_own AS SELECT id, v FROM hybrid_batch WHERE id < 500;
CREATE INDEX ON hybrid_own USING barq_hnsw (v vector_l2_ops);
SELECT count(*) FROM barq_search_batch(NULL::hybrid_own, (SELECT array_agg(v) FROM hybrid_own WHERE id < 100), 10);
BEGIN;
INSERT INTO hybrid_batch (id, v) SELECT 10000 + i, ARRAY[100, i, 0, 0, 0, 0, 0, 0]::vector FROM generate_series(1, 20) i;
SAVEPOINT s;
DELETE FROM hybrid_batch WHERE id > 10010;
SELECT query, count(*) FILTER (WHERE (doc).id > 10000) FROM barq_search_batch(NULL::hybrid_batch, (SELECT array_agg('[100,1,0,0,0,0,0,0]'::vector) FROM generate_series(1, 8)), 20, 'v') GROUP BY query ORDER BY query;
ROLLBACK TO s;
SELECT count(*) FILTER (WHERE (doc).id > 10000) FROM barq_search_batch(NULL::hybrid_batch, (SELECT array_agg('[100,1,0,0,0,0,0,0]'::vector) FROM generate_series(1, 8)), 20, 'v');
ROLLBACK;
-- below a parallel plan
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*) FROM hybrid_batch b, LATERAL (SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, array_fill(b.v, ARRAY[9]), 3, 'v')) s WHERE b.id < 5;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET parallel_setup_cost;
DROP FUNCTION hybrid_unsafe;

-- within a function that changes the search, and again with changed settings
SET barq.ef_search = 10;
SET barq.iterative_scan = off;
SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]', '[1,0,0,0,0,0,0,0]']::vector[], 500, 'v');
RESET barq.ef_search;
RESET barq.iterative_scan;
SHOW barq.iterative_scan;

-- one snapshot: what the statement itself changes is not seen
WITH gone AS (DELETE FROM hybrid_batch WHERE id < 1000 RETURNING id) SELECT count(*) > 0 AS deleted, (SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]']::vector[], 5000, 'v', 'id < 1000')) > 900 AS seen FROM gone;
SELECT count(*) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4,4,3,2,1]']::vector[], 5000, 'v', 'id < 1000');
DROP TABLE hybrid_batch;

-- partitions
CREATE TABLE hybrid_batch (id int, document int, v vector(4)) PARTITION BY RANGE (id);
CREATE TABLE hybrid_batch_1 PARTITION OF hybrid_batch FOR VALUES FROM (0) TO (500);
CREATE TABLE hybrid_batch_2 (v vector(4), id int, document int);
ALTER TABLE hybrid_batch ATTACH PARTITION hybrid_batch_2 FOR VALUES FROM (500) TO (1001);
INSERT INTO hybrid_batch SELECT i, i % 40, pg_temp.random_vector(4) FROM generate_series(1, 1000) i;
CREATE INDEX ON hybrid_batch USING barq_hnsw (v vector_l2_ops);
ANALYZE hybrid_batch;
SELECT count(*) AS differ FROM (SELECT query, (doc).id, distance FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4]', '[0,0,0,0]', '[0,1,0,-1]']::vector[], 50)
	EXCEPT ALL SELECT n, id, v <-> q FROM unnest(ARRAY['[1,2,3,4]', '[0,0,0,0]', '[0,1,0,-1]']::vector[]) WITH ORDINALITY u (q, n), LATERAL (SELECT * FROM hybrid_batch ORDER BY v <-> q LIMIT 50) s) d;
SELECT query, count(*), count(DISTINCT (doc).document) FROM barq_search_batch(NULL::hybrid_batch, ARRAY['[1,2,3,4]', '[0,0,0,0]']::vector[], 50, group_by => 'document') GROUP BY query ORDER BY query;
DROP TABLE hybrid_batch;

-- whole rows: a column with the table's name, a dropped one, one that is not in line; and
-- ties, by address
CREATE TABLE hybrid_row (hybrid_row int, gone int, long text, v vector(3), "V w" int);
ALTER TABLE hybrid_row ALTER long SET STORAGE EXTERNAL, DROP gone;
INSERT INTO hybrid_row SELECT i, repeat(chr(64 + i % 26), 9000), ARRAY[i / 2, 1, 0]::vector, -i FROM generate_series(1, 100) i;
CREATE INDEX ON hybrid_row USING barq_hnsw (v vector_l2_ops);
SELECT query, array_agg((doc).hybrid_row), bool_and((doc)."V w" = - (doc).hybrid_row AND (doc).long = repeat(chr(64 + (doc).hybrid_row % 26), 9000)) FROM barq_search_batch(NULL::hybrid_row, ARRAY['[4,1,0]', '[20,1,0]']::vector[], 2) GROUP BY query ORDER BY query;
-- a filter that fails, and the call after it
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_search_batch(NULL::hybrid_row, ARRAY['[4,1,0]', '[20,1,0]']::vector[], 2, filter => '1 / (hybrid_row - 40) IS NOT NULL')$$);
SELECT query, array_agg((doc).hybrid_row) FROM barq_search_batch(NULL::hybrid_row, ARRAY['[4,1,0]', '[20,1,0]']::vector[], 2) GROUP BY query ORDER BY query;
-- the bitmap of a condition, made once for all vectors, with arguments
CREATE INDEX ON hybrid_row (hybrid_row);
ANALYZE hybrid_row;
SELECT query, array_agg((doc).hybrid_row) FROM barq_search_batch(NULL::hybrid_row, ARRAY['[4,1,0]', '[20,1,0]', '[4,1,0]']::vector[], 2, filter => 'hybrid_row >= $1', filter_args => '{30}') GROUP BY query ORDER BY query;
SELECT query, array_agg((doc).hybrid_row) FROM barq_search_batch(NULL::hybrid_row, ARRAY['[4,1,0]', '[20,1,0]', '[4,1,0]']::vector[], 2, filter => 'hybrid_row >= $1', filter_args => '{60}') GROUP BY query ORDER BY query;
DROP TABLE hybrid_row;
