-- barq.target_recall: the breadth is chosen for the recall that is asked for. Recall is
-- compared with an exact scan of the same rows; 0.02 are left to the chance of 100 queries.
SET client_min_messages = warning;
CREATE SCHEMA target;
SET search_path = target, public;
CREATE FUNCTION point(i bigint, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((hashint8extended(i * 1000 + j, 7) & 65535)::real / 32768 - 1) FROM generate_series(1, dims) j $$;
CREATE TABLE items (id int, part int, v vector(48));
INSERT INTO items SELECT i, i % 100, point(i, 48)::vector FROM generate_series(1, 6000) i;
CREATE TABLE queries AS SELECT i AS id, point(1000000 + i, 48)::vector AS v FROM generate_series(1, 100) i;
-- of another distribution: far from all rows
CREATE TABLE others AS SELECT i AS id, (SELECT array_agg(x * 3 + 1) FROM unnest(point(2000000 + i, 48)) x)::vector AS v FROM generate_series(1, 100) i;
CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (m = 12, ef_construction = 32, quantization = 'none');
ANALYZE items;

-- targets that queries of `asked` miss by more than `slack`, under a condition
CREATE FUNCTION missed(asked text, condition text DEFAULT 'true', slack float8 DEFAULT 0.02, k int DEFAULT 10) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	target float8;
	found float8;
	result text := '';
	statement text := format('SELECT ARRAY(SELECT id FROM target.items WHERE %s ORDER BY v <-> $1 LIMIT %s)', condition, k);
BEGIN
	PERFORM set_config('barq.target_recall', '0', true), set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true);
	DROP TABLE IF EXISTS pg_temp.truth;
	EXECUTE format('CREATE TEMP TABLE truth AS SELECT q.v, ARRAY(SELECT id FROM target.items i WHERE %s ORDER BY i.v <-> q.v LIMIT %s) AS ids FROM target.%I q', condition, k, asked);
	PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
	FOREACH target IN ARRAY ARRAY[0.9, 0.95, 0.99] LOOP
		PERFORM set_config('barq.target_recall', target::text, true);
		DECLARE
			one record;
			ids int[];
			hits bigint := 0;
			wanted bigint := 0;
		BEGIN
			FOR one IN SELECT * FROM pg_temp.truth LOOP
				EXECUTE statement INTO ids USING one.v;
				hits := hits + (SELECT count(*) FROM unnest(ids) x WHERE x = ANY (one.ids));
				wanted := wanted + cardinality(one.ids);
			END LOOP;
			found := hits::float8 / wanted;
		END;
		IF found < target - slack THEN
			result := result || format('%s: %s ', target, round(found::numeric, 3));
		END IF;
	END LOOP;
	RETURN result;
END $$;

-- the index carries a curve; a larger target never takes less breadth, and a small
-- breadth would not do here
SELECT bool_and(NOT calibrated AND expected >= target) AS curve, bool_and(breadth >= before) AS grows, max(breadth) > 40 AS broad
FROM (SELECT *, lag(breadth, 1, 0) OVER (ORDER BY target) AS before FROM barq_recall_curve('items_v') WHERE target < 0.995) c;
SELECT count(measured), min(measured - target) > -0.03 AS reached, min(samples) >= 24 AS samples FROM barq_recall_curve('items_v', samples => 100) WHERE target < 0.995;
SELECT missed('queries') AS built, missed('queries', k => 100) AS hundred;
SELECT missed('queries', 'part < 10') AS ten_percent, missed('queries', 'part = 3') AS one_percent;

-- barq_search_batch() and barq_hybrid(): the recall of the targets, of 100 queries, less what
-- two graphs may differ by (more than five standard deviations); a larger
-- target scores more rows; and the LIMIT of the statements that they run is known
SET enable_indexscan = off;
CREATE TABLE exact AS SELECT q.id, q.v, ARRAY(SELECT i.id FROM items i ORDER BY i.v <-> q.v LIMIT 10) AS ids FROM queries q;
RESET enable_indexscan;
CREATE FUNCTION scored(target float8, statement text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('barq.target_recall', target::text, true);
	EXECUTE statement;
	RETURN (SELECT rows_scored FROM barq_last_scan());
END $$;
BEGIN;
SET LOCAL enable_seqscan = off;
SET LOCAL barq.target_recall = 0.95;
SELECT count(*) FILTER (WHERE (b.doc).id = ANY (e.ids)) >= 0.91 * 1000 AS batch, count(*) AS rows
FROM barq_search_batch(NULL::items, (SELECT array_agg(v ORDER BY id) FROM exact), 10) b JOIN exact e ON e.id = b.query;
SELECT count(*) FILTER (WHERE (h.doc).id = ANY (e.ids)) >= 0.91 * 1000 AS hybrid, count(*) AS rows
FROM exact e, barq_hybrid(NULL::items, embedding => e.v, k => 10, candidates => 10) h;
SELECT scored(0.99, batch) > 2 * scored(0.6, batch) AS batch, scored(0.99, hybrid) > 2 * scored(0.6, hybrid) AS hybrid,
	scored(0.95, hybrid) <= 1.5 * scored(0.95, plain) AS hybrid_limit, scored(0.95, batch) <= 1.5 * scored(0.95, plain) AS batch_limit
FROM (SELECT format('SELECT count(*) FROM barq_search_batch(NULL::target.items, ARRAY[%L]::vector[], 10)', v) AS batch,
	format('SELECT count(*) FROM barq_hybrid(NULL::target.items, embedding => %L::vector, k => 10, candidates => 10)', v) AS hybrid,
	format('SELECT count(*) FROM (SELECT 1 FROM target.items ORDER BY v <-> %L LIMIT 10) x', v) AS plain FROM queries WHERE id = 5) s;
-- a custom scan within the bitmap of another index knows its LIMIT too
CREATE INDEX items_part ON items (part);
SELECT scored(0.95, format(s, 10)) < scored(0.95, format(s, 100)) AS custom_limit
FROM (SELECT format('SELECT count(*) FROM (SELECT 1 FROM target.items WHERE part < 90 ORDER BY v <-> %L LIMIT %%s) x', v) AS s FROM queries WHERE id = 3) s;
ROLLBACK;

-- after inserts, deletes and a merge
INSERT INTO items SELECT i, i % 100, point(i, 48)::vector FROM generate_series(6001, 9000) i;
DELETE FROM items WHERE id % 10 = 7;
SELECT missed('queries') AS inserted;
SELECT barq_seal('items_v') > 0 AS sealed, missed('queries') AS sealed_recall;
SELECT barq_compact('items_v') > 0 AS merged, missed('queries') AS merged_recall;
SELECT bool_and(expected >= target) AS curve FROM barq_recall_curve('items_v') WHERE target < 0.985;

-- queries of another distribution: hard ones are noticed; calibrated, the target holds
SELECT missed('others', slack => 0.04) AS not_calibrated;
SELECT barq_calibrate('items_v', (SELECT array_agg(v) FROM others)) AS used;
SELECT bool_and(calibrated) FROM barq_recall_curve('items_v');
SELECT missed('others') AS calibrated;
-- a merge keeps the calibration
INSERT INTO items SELECT i, i % 100, point(i, 48)::vector FROM generate_series(9001, 9500) i;
SELECT barq_compact('items_v') > 0 AS merged, (SELECT bool_and(calibrated) FROM barq_recall_curve('items_v')) AS kept, missed('others') AS calibrated;
SELECT barq_calibrate('items_v', '{}'::vector[]) AS used, (SELECT bool_or(calibrated) FROM barq_recall_curve('items_v')) AS kept;

-- lists
DROP INDEX items_v;
CREATE INDEX items_v ON items USING barq_ivf (v vector_l2_ops) WITH (lists = 80, quantization = 'none');
SELECT bool_and(expected >= target) AS curve, max(breadth) <= 80 AS lists FROM barq_recall_curve('items_v');
SELECT missed('queries') AS built, missed('queries', 'part < 10') AS ten_percent;
SELECT barq_calibrate('items_v', (SELECT array_agg(v) FROM others)) AS used, missed('others') AS calibrated;

-- other types of vector
CREATE TABLE kinds (h halfvec(48), s sparsevec(48), b bit(48));
INSERT INTO kinds SELECT v::halfvec, v::sparsevec, binary_quantize(v)::bit(48) FROM items;
CREATE INDEX kinds_h ON kinds USING barq_hnsw (h halfvec_l2_ops);
CREATE INDEX kinds_s ON kinds USING barq_hnsw (s sparsevec_l2_ops);
CREATE INDEX kinds_b ON kinds USING barq_hnsw (b bit_hamming_ops);
SELECT barq_calibrate('kinds_h', (SELECT array_agg(v::halfvec) FROM queries)), barq_calibrate('kinds_s', (SELECT array_agg(v::sparsevec) FROM queries)), barq_calibrate('kinds_b', (SELECT array_agg(binary_quantize(v)::bit(48)) FROM queries));
SELECT i, count(*), bool_and(calibrated) FROM unnest('{kinds_h,kinds_s,kinds_b}'::text[]) i, barq_recall_curve(i::regclass) GROUP BY i ORDER BY i;

-- flat segments find every row at any breadth
CREATE TABLE few (v vector(48));
INSERT INTO few SELECT v FROM items LIMIT 500;
CREATE INDEX few_v ON few USING barq_hnsw (v vector_l2_ops);
SELECT barq_calibrate('few_v', (SELECT array_agg(v) FROM queries)) AS used, (SELECT max(breadth) FROM barq_recall_curve('few_v')) AS breadth;

-- a target that cannot be met: a NOTICE once a session and index
-- (rows are so long that a walk as broad as that costs less than scoring all of them, which misses none)
CREATE TABLE poor (v vector(720));
INSERT INTO poor SELECT (point(i, 48) || array_fill(0::real, ARRAY[672]))::vector FROM generate_series(1, 6000) i;
CREATE INDEX poor_v ON poor USING barq_hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4, quantization = 'none');
SET enable_seqscan = off;
SET client_min_messages = notice;
\set VERBOSITY terse
SET barq.target_recall = 0.999;
SELECT count(*) FROM (SELECT 1 FROM poor ORDER BY v <-> (point(9, 48) || array_fill(0::real, ARRAY[672]))::vector LIMIT 10) x;
SELECT count(*) FROM (SELECT 1 FROM poor ORDER BY v <-> (point(8, 48) || array_fill(0::real, ARRAY[672]))::vector LIMIT 10) x;
CREATE TABLE poorer AS SELECT * FROM poor;
CREATE INDEX poorer_v ON poorer USING barq_hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4, quantization = 'none');
SELECT count(*) FROM (SELECT 1 FROM poorer ORDER BY v <-> (point(8, 48) || array_fill(0::real, ARRAY[672]))::vector LIMIT 10) x;
SELECT count(*) FROM (SELECT 1 FROM poor ORDER BY v <-> (point(7, 48) || array_fill(0::real, ARRAY[672]))::vector LIMIT 10) x;
-- a graph as poor, where scoring all rows costs less than so broad a walk: no NOTICE, and none is missed
CREATE TABLE short (id int, v vector(48));
INSERT INTO short SELECT i, point(i, 48)::vector FROM generate_series(1, 6000) i;
CREATE INDEX short_v ON short USING barq_hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4, quantization = 'none');
SELECT count(*) FROM ((SELECT id FROM short ORDER BY v <-> point(9, 48)::vector LIMIT 100) EXCEPT
	(SELECT id FROM (SELECT * FROM short OFFSET 0) s ORDER BY v <-> point(9, 48)::vector LIMIT 100)) x;
SELECT count(*) FROM (SELECT id FROM short ORDER BY v <-> point(9, 48)::vector LIMIT 100) x;
SELECT rows_scored FROM barq_last_scan();
RESET barq.target_recall;

-- bad input
SET barq.target_recall = 0.3;
SET barq.target_recall = 1;
SET barq.target_recall = 'nan';
SELECT barq_calibrate('items_v', '{"[1,2]"}'::vector[]);
SELECT barq_calibrate('items_v', ARRAY[NULL]::vector[]);
SELECT barq_calibrate('items_v', ARRAY['{1:1}/48']::sparsevec[]);
SELECT barq_calibrate('items', '{}'::vector[]);
SELECT barq_calibrate('pg_class_oid_index', '{}'::vector[]);
SELECT barq_recall_curve('items_v', 0);
SELECT barq_recall_curve('items_v', 10, -1);
CREATE TABLE texts (body text);
CREATE INDEX texts_body ON texts USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT barq_calibrate('texts_body', '{}'::vector[]);
SELECT barq_recall_curve('texts_body');
TRUNCATE items;
SELECT barq_calibrate('items_v', (SELECT array_agg(v) FROM queries));
SELECT * FROM barq_recall_curve('items_v') WHERE breadth > 1;
SET client_min_messages = warning;
DROP SCHEMA target CASCADE;
