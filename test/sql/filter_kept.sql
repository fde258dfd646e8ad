-- Rows that a condition on filter columns admits are kept for the next searches within it:
-- the same rows as by a sort however often a condition was used, with rows that died or
-- came since, with more conditions than are kept, and with no room for them.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SELECT setseed(0.4);
CREATE TABLE kept_items (id int, price int, label text, tags text[], body text, v vector(6)) WITH (autovacuum_enabled = off);
CREATE FUNCTION pg_temp.add_rows(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO kept_items SELECT i, NULLIF(i * 7 % 1000, 500), 'label' || i % 4, ARRAY['t' || i % 20, 'u' || i % 3],
		'word' || i % 13 || repeat(' shoes', i % 4), pg_temp.random_vector(6)
	FROM generate_series(first, last) i $$;
SELECT pg_temp.add_rows(1, 6000);

-- conditions of few and of many rows, more of them than a segment keeps
CREATE TABLE kept_conditions (number serial, condition text);
INSERT INTO kept_conditions (condition) VALUES ('price < 10'), ('price < 900'), ('price IS NULL'), ('price >= 100 AND label = ''label2'''),
	('tags && ''{t3,t7}'''), ('tags @> ''{u1}'' AND price < 800'), ('price = ANY (''{7,14,21}'')'), ('label <> ''x'' AND price > 300 AND label >= ''label1'''),
	('price > 20 AND price < 30'), ('label = ''label0'''), ('price IS NOT NULL AND label = ANY (''{label1,label3}'')'), ('price < 2');

-- the distances that an index gives in order, compared with a sort's
CREATE FUNCTION pg_temp.differing(key text) RETURNS TABLE (condition text, use int) LANGUAGE plpgsql AS $$
DECLARE
	found text;
	wanted text;
BEGIN
	-- in turns, so that conditions push each other out
	FOR turn IN 1 .. 4 LOOP
		FOR condition IN SELECT c.condition FROM kept_conditions c WHERE turn < 4 OR number % 3 = 1 ORDER BY number LOOP
			FOR i IN 1 .. CASE turn WHEN 4 THEN 3 ELSE 1 END LOOP
				SET LOCAL enable_seqscan = off;
				SET LOCAL enable_sort = off;
				EXECUTE format('SELECT string_agg(d::text, '','') FROM (SELECT %s AS d FROM kept_items WHERE %s ORDER BY %1$s) s', key, condition) INTO found;
				SET LOCAL enable_seqscan = on;
				SET LOCAL enable_sort = on;
				SET LOCAL enable_indexscan = off;
				SET LOCAL barq.condition_scan = off;
				EXECUTE format('SELECT string_agg(d::text, '','') FROM (SELECT %s AS d FROM kept_items WHERE %s ORDER BY %1$s) s', key, condition) INTO wanted;
				RESET enable_indexscan;
				RESET barq.condition_scan;
				IF found IS DISTINCT FROM wanted THEN
					use := turn;
					RETURN NEXT;
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.check_states(index regclass, key text) RETURNS TABLE (state text, condition text, use int) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT 'built', * FROM pg_temp.differing(key);
	PERFORM pg_temp.add_rows(6001, 6300);
	RETURN QUERY SELECT 'and a log', * FROM pg_temp.differing(key);
	PERFORM barq_seal(index);
	RETURN QUERY SELECT 'two segments', * FROM pg_temp.differing(key);
	DELETE FROM kept_items WHERE id % 5 = 0;
	RETURN QUERY SELECT 'deleted', * FROM pg_temp.differing(key);
END $$;

CREATE INDEX kept_index ON kept_items USING barq_hnsw (v vector_l2_ops, price, label, tags) WITH (m = 8, ef_construction = 32);
SELECT * FROM pg_temp.check_states('kept_index', 'v <-> ''[0.1,0.2,0.3,0.4,0.5,0.6]''');
VACUUM (INDEX_CLEANUP on) kept_items;
SELECT * FROM pg_temp.differing('v <-> ''[0.1,0.2,0.3,0.4,0.5,0.6]''');
-- a bitmap of another index beside the condition
CREATE INDEX kept_id ON kept_items (id);
INSERT INTO kept_conditions (condition) SELECT condition || ' AND id BETWEEN 1000 AND 3000' FROM kept_conditions WHERE number < 7;
SELECT * FROM pg_temp.differing('v <-> ''[0.1,0.2,0.3,0.4,0.5,0.6]''');
DELETE FROM kept_conditions WHERE number > 12;
DROP INDEX kept_id;
-- hardly any room, and none
SET barq.backend_cache = '2kB';
SELECT * FROM pg_temp.differing('v <-> ''[0.1,0.2,0.3,0.4,0.5,0.6]''');
SET barq.backend_cache = 0;
SELECT * FROM pg_temp.differing('v <-> ''[0.1,0.2,0.3,0.4,0.5,0.6]''');
RESET barq.backend_cache;
SELECT barq_compact('kept_index') > 0 AS merged;
SELECT * FROM pg_temp.differing('v <-> ''[0.1,0.2,0.3,0.4,0.5,0.6]''');
DROP INDEX kept_index;

CREATE INDEX kept_index ON kept_items USING barq_ivf (v vector_cosine_ops, price, label, tags);
SELECT * FROM pg_temp.check_states('kept_index', 'v <=> ''[0.1,0.2,0.3,0.4,0.5,0.6]''');
VACUUM (INDEX_CLEANUP on) kept_items;
SELECT * FROM pg_temp.differing('v <=> ''[0.1,0.2,0.3,0.4,0.5,0.6]''');
DROP INDEX kept_index;

CREATE INDEX kept_index ON kept_items USING barq_bm25 (body, price, label text_filter_ops, tags) WITH (text_config = 'simple');
SELECT * FROM pg_temp.check_states('kept_index', 'body <@> to_bm25query(''word3 shoes'', ''kept_index'')');
VACUUM (INDEX_CLEANUP on) kept_items;
SELECT * FROM pg_temp.differing('body <@> to_bm25query(''word3 shoes'', ''kept_index'')');
DROP INDEX kept_index;

-- a condition is kept from its second use on, once
DROP TABLE kept_items;
CREATE TABLE kept_items (id int, price int, v vector(2));
INSERT INTO kept_items SELECT i, i % 1000, ARRAY[i % 71, i % 13]::vector FROM generate_series(1, 60000) i;
CREATE INDEX kept_index ON kept_items USING barq_hnsw (v vector_l2_ops, price) WITH (m = 4, ef_construction = 16);
SET enable_seqscan = off;
SET plan_cache_mode = force_generic_plan;
PREPARE within(int) AS SELECT count(*) FROM (SELECT FROM kept_items WHERE price < $1 ORDER BY v <-> '[3,4]' LIMIT 10) s;
CREATE FUNCTION pg_temp.grown(above int) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	used bigint := sum(used_bytes) FROM pg_backend_memory_contexts WHERE name = 'CacheMemoryContext';
	before bigint := current_setting('kept.used', true);
BEGIN
	PERFORM set_config('kept.used', used::text, false);
	RETURN used - before >= above;
END $$;
EXECUTE within(999);
SELECT pg_temp.grown(0) IS NULL AS first; -- and catalogs are cached
SELECT pg_temp.grown(0) AS cached;
SELECT pg_temp.grown(7000) AS before;
EXECUTE within(400); -- 24,000 rows, 7,500 bytes of bits
SELECT pg_temp.grown(7000) AS after_one;
EXECUTE within(400);
SELECT pg_temp.grown(7000) AS after_two;
EXECUTE within(400);
SELECT pg_temp.grown(7000) AS after_three;
EXECUTE within(5); -- 300 rows, 1,200 bytes
EXECUTE within(5);
SELECT pg_temp.grown(1200) AS listed;
-- a search that goes on through all rows asks twice, which is one use
CREATE FUNCTION pg_temp.all_within(below int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT FROM kept_items WHERE price < below ORDER BY v <-> '[3,4]') s $$;
SELECT pg_temp.all_within(403);
SELECT pg_temp.grown(0) IS NOT NULL AS noted;
SELECT pg_temp.all_within(404); -- 24,240 rows, 96,960 bytes of a list
SELECT pg_temp.grown(90000) AS after_one;
SELECT pg_temp.all_within(404);
SELECT pg_temp.grown(90000) AS after_two;
-- what has no room itself pushes nothing out: 7,500 bytes of 7,168
SET barq.backend_cache = '28kB';
EXECUTE within(5);
EXECUTE within(5);
SELECT pg_temp.grown(0) IS NOT NULL AS noted;
EXECUTE within(401);
EXECUTE within(401);
SELECT pg_temp.grown(0) AS still_there;
RESET barq.backend_cache;
-- and does not cost the session its log and all else that it has of the index
INSERT INTO kept_items SELECT i, i % 1000, ARRAY[i % 71, i % 13]::vector FROM generate_series(1, 6000) i;
EXECUTE within(5);
SELECT set_config('barq.backend_cache', (sum(total_bytes) / 1024 + 40)::int::text, false) > '' AS set
FROM pg_backend_memory_contexts WHERE name IN ('barq snapshot', 'barq log');
CREATE TABLE kept_snapshots (there boolean);
DO $$
BEGIN
	FOR i IN 0 .. 31 LOOP
		EXECUTE format('EXECUTE within(%s)', 400 + i % 8);
		COMMIT;
		INSERT INTO kept_snapshots SELECT count(*) > 0 FROM pg_backend_memory_contexts WHERE name = 'barq snapshot';
		COMMIT;
	END LOOP;
END $$;
SELECT there, count(*) FROM kept_snapshots GROUP BY there;
RESET barq.backend_cache;
SET barq.consistency = sealed;
-- a condition that is new finds what it finds later: all of its 7,800 rows are scored the first time
EXECUTE within(130);
SELECT rows_scored FROM barq_last_scan();
EXECUTE within(130);
SELECT rows_scored FROM barq_last_scan();
-- so does any condition, whatever the share of its rows
CREATE FUNCTION pg_temp.found(below int, q vector) RETURNS int[] LANGUAGE sql AS $$
	SELECT array_agg(id) FROM (SELECT id FROM kept_items WHERE price < below ORDER BY v <-> q LIMIT 10) s $$;
SELECT below, first = second AND second = third AS same FROM generate_series(20, 500, 6) below,
	LATERAL (SELECT ARRAY[below % 71, below % 13]::vector AS q OFFSET 0) q,
	LATERAL (SELECT pg_temp.found(below, q) AS first OFFSET 0) a, LATERAL (SELECT pg_temp.found(below, q) AS second OFFSET 0) b,
	LATERAL (SELECT pg_temp.found(below, q) AS third OFFSET 0) c
	WHERE (first = second AND second = third) IS NOT TRUE;
DROP TABLE kept_items, kept_conditions, kept_snapshots;
