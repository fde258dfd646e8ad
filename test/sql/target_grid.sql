-- barq.target_recall over what an index can be: each distance; a graph with short lists, and
-- all rows scored by estimates (rabitq, too few rows for a graph); built, inserted into, merged.
-- Rows have few directions of much weight and lengths of their own, as
-- embeddings do. Recall is compared with a sort of the same rows; what is allowed below the
-- target are 0.01 and the chance of the queries and of the rows by which curves are measured.
SET client_min_messages = warning;
SET max_parallel_maintenance_workers = 0;
CREATE SCHEMA target_grid;
SET search_path = target_grid, public;
CREATE FUNCTION point(i bigint, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((1 + (hashint8extended(i, 3) & 255) / 512.0) / sqrt(j) *
		((hashint8extended(i * 1000 + j, 7) & 65535) + (hashint8extended(i * 1000 + j, 8) & 65535) - 65535) / 32768)
	FROM generate_series(1, dims) j $$;
CREATE TABLE rows_all AS SELECT i AS id, point(i, 40)::vector(40) AS v FROM generate_series(1, 10000) i;
CREATE TABLE queries AS SELECT i AS id, point(1000000 + i, 40)::vector(40) AS v FROM generate_series(1, 200) i;
-- the nearest rows of each query, by operator, of the rows below `rows`
CREATE TABLE truth AS
SELECT op, below, q.id, t.ids
FROM queries q, unnest(ARRAY[8000, 10001]) below,
	LATERAL (SELECT '<=>' AS op, ARRAY(SELECT r.id FROM rows_all r WHERE r.id < below ORDER BY r.v <=> q.v LIMIT 10) AS ids
		UNION ALL SELECT '<->', ARRAY(SELECT r.id FROM rows_all r WHERE r.id < below ORDER BY r.v <-> q.v LIMIT 10)
		UNION ALL SELECT '<#>', ARRAY(SELECT r.id FROM rows_all r WHERE r.id < below ORDER BY r.v <#> q.v LIMIT 10)) t;
CREATE TABLE items (id int, v vector(40));

-- targets that searches by `op` miss by more than is allowed
CREATE FUNCTION missed(op text, below int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	target float8;
	one record;
	ids int[];
	hits bigint;
	result text := '';
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
	FOREACH target IN ARRAY ARRAY[0.9, 0.95, 0.99] LOOP
		PERFORM set_config('barq.target_recall', target::text, true);
		hits := 0;
		FOR one IN SELECT q.v, t.ids FROM queries q JOIN truth t USING (id) WHERE t.op = missed.op AND t.below = missed.below LOOP
			EXECUTE format('SELECT ARRAY(SELECT id FROM target_grid.items ORDER BY v %s $1 LIMIT 10)', op) INTO ids USING one.v;
			hits := hits + (SELECT count(*) FROM unnest(ids) x WHERE x = ANY (one.ids));
		END LOOP;
		IF hits < (target - CASE WHEN target < 0.98 THEN 0.02 ELSE 0.015 END) * 2000 THEN
			result := result || format('%s: %s ', target, hits / 2000.0);
		END IF;
	END LOOP;
	RETURN result;
END $$;

-- a line: built, with a fifth of the rows inserted since, merged
CREATE FUNCTION line(op text, class text, options text) RETURNS TABLE (built text, inserted text, merged text) LANGUAGE plpgsql AS $$
BEGIN
	DROP INDEX IF EXISTS items_v;
	TRUNCATE items;
	INSERT INTO items SELECT * FROM rows_all r WHERE r.id < 8000;
	EXECUTE format('CREATE INDEX items_v ON target_grid.items USING barq_hnsw (v %s) WITH (%s)', class, options);
	built := missed(op, 8000);
	INSERT INTO items SELECT * FROM rows_all r WHERE r.id >= 8000;
	inserted := missed(op, 10001);
	PERFORM barq_compact('items_v');
	merged := missed(op, 10001);
	RETURN NEXT;
END $$;
SELECT c.op, o.options, l.*
FROM (VALUES (1, '<=>', 'vector_cosine_ops'), (2, '<->', 'vector_l2_ops'), (3, '<#>', 'vector_ip_ops')) c(n, op, class),
	(VALUES (1, 'm = 8, ef_construction = 64, quantization = ''none'''), (2, 'quantization = ''rabitq''')) o(n, options), line(op, class, options) l
ORDER BY c.n, o.n;
DROP SCHEMA target_grid CASCADE;
