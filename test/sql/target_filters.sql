-- barq.target_recall within conditions of filter columns and of another index's bitmap:
-- the recall of the target, compared with a sort of the same rows; 0.03 are left to the
-- chance of 60 queries.
SET client_min_messages = warning;
CREATE SCHEMA target_filters;
SET search_path = target_filters, public;
CREATE FUNCTION point(i bigint, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((hashint8extended(i * 1000 + j, 7) & 65535)::real / 32768 - 1) FROM generate_series(1, dims) j $$;
-- a: of no place; near: of the rows beside the queries `beside`, far: of those away from them
CREATE TABLE items (id int, a int, b int, near int, v vector(24));
INSERT INTO items SELECT i, i * 7919 % 1000, i * 7919 % 1000, (p[1] * 500 + 500)::int, p::vector FROM (SELECT i, point(i, 24) AS p FROM generate_series(1, 12000) i) x;
CREATE TABLE alike AS SELECT i AS id, point(1000000 + i, 24)::vector AS v FROM generate_series(1, 60) i;
CREATE TABLE beside AS SELECT i AS id, (ARRAY[0.8] || (point(2000000 + i, 24))[2:24])::vector AS v FROM generate_series(1, 60) i;
CREATE INDEX items_b ON items (b);

-- targets missed by queries of `asked` under a condition, which an index scan or (`bitmap`)
-- a custom scan has
CREATE FUNCTION missed(asked text, condition text, bitmap bool DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	target float8;
	one record;
	ids int[];
	hits bigint;
	plan text;
	result text := '';
	statement text := format('SELECT ARRAY(SELECT id FROM target_filters.items WHERE %s ORDER BY v <-> $1 LIMIT 10)', condition);
BEGIN
	PERFORM set_config('barq.target_recall', '0', true), set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), set_config('barq.condition_scan', 'off', true);
	DROP TABLE IF EXISTS pg_temp.truth;
	EXECUTE format('CREATE TEMP TABLE truth AS SELECT q.v, ARRAY(SELECT id FROM target_filters.items i WHERE %s ORDER BY i.v <-> q.v LIMIT 10) AS ids FROM target_filters.%I q', condition, asked);
	PERFORM set_config('enable_indexscan', CASE WHEN bitmap THEN 'off' ELSE 'on' END, true), set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('barq.condition_scan', bitmap::text, true);
	FOR plan IN EXECUTE 'EXPLAIN (COSTS off) ' || format(replace(statement, '$1', '%L'), (SELECT v FROM pg_temp.truth LIMIT 1)) LOOP
		IF plan ~ 'Scan' AND plan !~ 'Bitmap Index' AND plan !~ (CASE WHEN bitmap THEN 'BarqCondition' ELSE 'Index Scan using items_v' END) THEN
			result := result || plan;
		END IF;
	END LOOP;
	FOREACH target IN ARRAY ARRAY[0.9, 0.95, 0.99] LOOP
		PERFORM set_config('barq.target_recall', target::text, true);
		hits := 0;
		FOR one IN SELECT * FROM pg_temp.truth LOOP
			EXECUTE statement INTO ids USING one.v;
			hits := hits + (SELECT count(*) FROM unnest(ids) x WHERE x = ANY (one.ids));
		END LOOP;
		IF hits < (target - 0.03) * (SELECT sum(cardinality(t.ids)) FROM pg_temp.truth t) THEN
			result := result || format('%s: %s ', target, hits);
		END IF;
	END LOOP;
	RETURN result;
END $$;

-- rows scored by a search
CREATE FUNCTION scored(target text, condition text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('barq.target_recall', target, true), set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('barq.condition_scan', 'off', true);
	EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM target_filters.items WHERE %s ORDER BY v <-> %L LIMIT 10) x', condition, (SELECT v FROM target_filters.alike WHERE id = 3));
	RETURN (SELECT rows_scored FROM barq_last_scan());
END $$;

CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops, a, near) WITH (m = 12, ef_construction = 40, quantization = 'none');
ANALYZE items;
SELECT missed('alike', 'a < 500') AS half, missed('alike', 'a < 100') AS ten_percent, missed('alike', 'a < 10') AS one_percent;
SELECT missed('alike', 'b < 500', true) AS half, missed('alike', 'b < 100', true) AS ten_percent, missed('alike', 'b < 10', true) AS one_percent;
-- of rows that are all beside the queries a filter leaves no fewer to walk through
SELECT missed('beside', 'near > 700') AS near, missed('beside', 'near < 300') AS far;
-- where all rows that pass are scored, the target does not count
SELECT scored('0.99', 'a < 10') <= scored('0.6', 'a < 10') AS one_percent;
-- after inserts, seals and a merge
INSERT INTO items SELECT i, i * 7919 % 1000, i * 7919 % 1000, (p[1] * 500 + 500)::int, p::vector FROM (SELECT i, point(i, 24) AS p FROM generate_series(12001, 14000) i) x;
SELECT missed('alike', 'a < 100') AS inserted, missed('alike', 'b < 100', true) AS bitmap;
SELECT barq_seal('items_v') > 0 AS sealed, missed('alike', 'a < 100') AS sealed_recall;
SELECT barq_compact('items_v') > 0 AS merged, missed('alike', 'a < 100') AS merged_recall, missed('alike', 'b < 100', true) AS bitmap;

-- lists
DROP INDEX items_v;
CREATE INDEX items_v ON items USING barq_ivf (v vector_l2_ops, a, near) WITH (lists = 100, quantization = 'none');
SELECT missed('alike', 'a < 500') AS half, missed('alike', 'a < 100') AS ten_percent, missed('alike', 'a < 10') AS one_percent;
SELECT missed('alike', 'b < 500', true) AS half, missed('alike', 'b < 100', true) AS ten_percent, missed('alike', 'b < 10', true) AS one_percent;
SELECT missed('beside', 'near > 700') AS near, missed('beside', 'near < 300') AS far;
DROP SCHEMA target_filters CASCADE;
