-- barq.target_recall where the growing log has most rows, none of which a search misses: the
-- segments may miss more of the nearest rows of a query then, but only where the log has as many
-- of these. Here the rows of the log lie elsewhere, or between the others.
SET client_min_messages = warning;
SET max_parallel_maintenance_workers = 0;
SET barq.growing_limit = '16MB';
CREATE SCHEMA target_log;
SET search_path = target_log, public;
CREATE FUNCTION spot(i bigint, away float8) RETURNS vector(40) LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(CASE WHEN j = 1 THEN away ELSE 0 END + (1 + (hashint8extended(i, 3) & 255) / 512.0) / sqrt(j) *
		((hashint8extended(i * 1000 + j, 7) & 65535) + (hashint8extended(i * 1000 + j, 8) & 65535) - 65535) / 32768)::vector(40)
	FROM generate_series(1, 40) j $$;
CREATE TABLE items (id int, v vector(40));
CREATE TABLE queries AS
SELECT kind, spot(1000000 + i, CASE kind WHEN 'graph' THEN 0 ELSE 9 END) AS v, '{}'::int[] AS ids
FROM generate_series(1, 200) i, unnest(ARRAY['graph', 'log']) kind;

-- targets that searches miss by more than 0.01 and the chance of the queries, by kind of query
CREATE FUNCTION missed(which text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	target float8;
	one record;
	found int[];
	hits bigint;
	result text := '';
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
	FOREACH target IN ARRAY ARRAY[0.9, 0.95, 0.99] LOOP
		PERFORM set_config('barq.target_recall', target::text, true);
		hits := 0;
		FOR one IN SELECT v, ids FROM queries WHERE kind = which LOOP
			SELECT ARRAY(SELECT id FROM items ORDER BY v <-> one.v LIMIT 10) INTO found;
			hits := hits + (SELECT count(*) FROM unnest(found) x WHERE x = ANY (one.ids));
		END LOOP;
		IF hits < (target - CASE WHEN target < 0.98 THEN 0.02 ELSE 0.015 END) * 2000 THEN
			result := result || format('%s: %s ', target, hits / 2000.0);
		END IF;
	END LOOP;
	RETURN result;
END $$;

-- a line: the index is built of 8,000 rows, and the log gets 16,000 that lie so far away
CREATE FUNCTION line(method text, options text, away float8) RETURNS TABLE (rows_of_log bigint, near_graph text, near_log text) LANGUAGE plpgsql AS $$
BEGIN
	DROP INDEX IF EXISTS items_v;
	TRUNCATE items;
	INSERT INTO items SELECT i, spot(i, 0) FROM generate_series(1, 8000) i;
	EXECUTE format('CREATE INDEX items_v ON items USING barq_%s (v vector_l2_ops) WITH (%s)', method, options);
	INSERT INTO items SELECT i, spot(i, away) FROM generate_series(8001, 24000) i;
	UPDATE queries q SET ids = ARRAY(SELECT id FROM items ORDER BY v <-> q.v LIMIT 10);
	rows_of_log := (SELECT rows FROM barq_segments('items_v') WHERE kind = 'log');
	near_graph := missed('graph');
	near_log := missed('log');
	RETURN NEXT;
END $$;
SET enable_indexscan = off;		-- the truth; missed() plans for itself
ALTER FUNCTION missed(text) SET enable_indexscan = on;
SELECT method, away, l.* FROM (VALUES ('hnsw', 'm = 8, quantization = ''none'''), ('ivf', 'quantization = ''sq8''')) o(method, options), unnest(ARRAY[0, 9]) away, line(method, options, away) l ORDER BY 1, 2;
-- rows of the log that are deleted, but kept until it is sealed, are none of the nearest
CREATE FUNCTION line_deleted(method text, options text) RETURNS TABLE (rows_of_log bigint, near_graph text) LANGUAGE plpgsql AS $$
BEGIN
	DROP INDEX IF EXISTS items_v;
	TRUNCATE items;
	INSERT INTO items SELECT i, spot(i, 0) FROM generate_series(1, 8000) i;
	EXECUTE format('CREATE INDEX items_v ON items USING barq_%s (v vector_l2_ops) WITH (%s)', method, options);
	INSERT INTO items SELECT i, spot(i, 0) FROM generate_series(8001, 24000) i;
	DELETE FROM items WHERE id > 8000;
	UPDATE queries q SET ids = ARRAY(SELECT id FROM items ORDER BY v <-> q.v LIMIT 10);
	rows_of_log := (SELECT rows FROM barq_segments('items_v') WHERE kind = 'log');
	near_graph := missed('graph');
	RETURN NEXT;
END $$;
SELECT method, l.* FROM (VALUES ('hnsw', 'm = 8, quantization = ''none'''), ('ivf', 'quantization = ''sq8''')) o(method, options), line_deleted(method, options) l ORDER BY 1;
DROP SCHEMA target_log CASCADE;
