-- barq.target_recall within a condition, for queries far from all rows, in clusters that no
-- list of the graph joins. Recall is compared with a sort of the same rows.
SET client_min_messages = warning;
CREATE SCHEMA target_far;
SET search_path = target_far, public;
CREATE FUNCTION point(i bigint, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((hashint8extended(i * 1000 + j, 7) & 65535)::real / 32768 - 1) FROM generate_series(1, dims) j $$;
-- 150 clusters; with zeros, so that rows are long, and scoring all of them costs more than a walk;
-- a: of no place
CREATE TABLE items AS
SELECT i AS id, i * 7919 % 100 AS a,
	(SELECT array_agg(c + 0.15 * p ORDER BY n) || array_fill(0::float8, ARRAY[208]) FROM unnest(point(-(i % 150) - 1, 48), point(i, 48)) WITH ORDINALITY x(c, p, n))::vector(256) AS v
FROM generate_series(1, 9000) i;
CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops, a) WITH (m = 8, ef_construction = 32, quantization = 'none');
ANALYZE items;
-- means of four rows of different clusters
CREATE TABLE queries AS
SELECT q AS id, (SELECT avg(v) FROM items i WHERE i.id IN (q * 31, q * 37 + 1, q * 41 + 2, q * 43 + 3)) AS v FROM generate_series(1, 60) q;

-- what is found of the nearest rows that satisfy a condition, as a share of them, and the
-- rows scored
CREATE FUNCTION found(condition text, target float8, OUT recall float8, OUT scored numeric) LANGUAGE plpgsql AS $$
DECLARE
	one record;
	wanted int[];
	ids int[];
	statement text := format('SELECT ARRAY(SELECT id FROM target_far.items WHERE %s ORDER BY v <-> $1 LIMIT 10)', condition);
	hits float8 := 0;
BEGIN
	scored := 0;
	FOR one IN SELECT * FROM queries LOOP
		PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true);
		EXECUTE statement INTO wanted USING one.v;
		PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('barq.target_recall', target::text, true);
		EXECUTE statement INTO ids USING one.v;
		hits := hits + (SELECT count(*) FROM unnest(ids) x WHERE x = ANY (wanted));
		scored := scored + (SELECT rows_scored FROM barq_last_scan());
	END LOOP;
	recall := hits / 600;
	scored := scored / 60;
END $$;

-- 0.06 are the chance of 60 queries, and what those of another distribution may miss
SELECT condition, target, recall >= target - 0.06 AS found, scored < 4500 AS walked
FROM unnest(ARRAY['a < 70', 'a < 60']) condition, unnest(ARRAY[0.9, 0.95]) target, found(condition, target)
ORDER BY 1, 2;
SELECT recall >= 0.93 AS found FROM found('a < 60', 0.99);
-- rows that are scored one by one are not searched for from afar as well
SELECT recall, scored <= 1000 AS once FROM found('a < 10', 0.9);
DROP SCHEMA target_far CASCADE;
