-- Searches within the bitmap of other indexes return the rows of a sort: by every index
-- that orders, every shape of bitmap, every state of the index and way to read.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SELECT setseed(0.3);

-- every fiftieth vector and text is NULL, every eightieth vector zero
CREATE TABLE cond_rows AS
	SELECT i AS id, (random() * 1000)::int AS price, i % 7 AS kind,
		ARRAY[CASE WHEN random() < 0.1 THEN 'sale' ELSE 'full' END, 't' || i % 20] AS tags,
		CASE WHEN i % 50 = 0 THEN NULL ELSE 'word' || i % 13 || CASE WHEN i % 3 = 0 THEN ' shoes shoes' WHEN i % 3 = 1 THEN ' shoes and socks' ELSE '' END END AS body,
		CASE WHEN i % 50 = 0 THEN NULL WHEN i % 80 = 1 THEN array_fill(0::real, ARRAY[12])::vector
		ELSE (SELECT array_agg((random() - 0.5 + 0.7 * sin((i % 17) * 3.1 + j))::real ORDER BY j) FROM generate_series(1, 12) j)::vector END AS v
	FROM generate_series(1, 4000) i;

CREATE TABLE cond (id int PRIMARY KEY, price int, kind int, tags text[], body text, v vector(12));
CREATE INDEX cond_price ON cond (price);
CREATE INDEX cond_kind ON cond (kind);
CREATE INDEX cond_tags ON cond USING gin (tags);
CREATE INDEX cond_body ON cond USING barq_bm25 (body) WITH (text_config = 'simple');

-- Conditions. Of each a bitmap can find rows; some need a filter too.
CREATE TABLE cond_conditions (number int GENERATED ALWAYS AS IDENTITY, condition text);
INSERT INTO cond_conditions (condition) VALUES
	('price < 20'),
	('price < 600'),
	('price < 5000'),
	('price < -1'),
	('price = ANY (''{3,5,7,900}'')'),
	('tags @> ''{sale}'''),
	('tags @> ''{sale}'' AND price < 300'),
	('tags @> ''{sale}'' OR price < 30'),
	('(tags @> ''{t3}'' OR kind = 2) AND price BETWEEN 100 AND 800'),
	('price < 400 AND id % 3 = 0'),
	('body @@@ ''shoes'' AND price < 500'),
	('body @@@ ''socks'' OR tags @> ''{sale}'''),
	('price < 500 AND v IS NOT NULL');

-- Whether the custom scan returns the rows of a sort; NULL, or the difference. With a
-- limit only the distances are compared: several rows may have the last one. kept:
-- whether the order of rows far from the query is promised too.
CREATE FUNCTION pg_temp.differs(condition text, key text, lim text, kept boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT id, %s AS d FROM cond WHERE %s ORDER BY %s %s', key, condition, key, lim);
	line text;
	plan text := '';
	ids int[];
	keys float8[];
	other_ids int[];
	other_keys float8[];
	i int;
BEGIN
	SET LOCAL barq.condition_scan = on;
	SET LOCAL enable_sort = off;
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_indexscan = off;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	IF plan NOT LIKE '%Custom Scan (BarqCondition)%' THEN
		RETURN 'no condition scan: ' || plan;
	END IF;
	EXECUTE 'SELECT array_agg(id), array_agg(d) FROM (' || query || ') x' INTO ids, keys;
	SET LOCAL barq.condition_scan = off;
	SET LOCAL enable_sort = on;
	EXECUTE 'SELECT array_agg(id), array_agg(d) FROM (' || query || ') x' INTO other_ids, other_keys;
	IF kept AND keys IS DISTINCT FROM other_keys THEN
		i := (SELECT min(n) FROM generate_subscripts(keys, 1) n WHERE keys[n] IS DISTINCT FROM other_keys[n]);
		RETURN format('row %s: %s, a sort has %s; %s rows, a sort has %s', i, keys[i], other_keys[i], cardinality(keys), cardinality(other_keys));
	END IF;
	IF lim = '' AND ARRAY(SELECT unnest(ids) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT unnest(other_ids) ORDER BY 1) THEN
		RETURN 'other rows of the same distances';
	END IF;
	RETURN NULL;
END $$;

-- All conditions, keys and limits in one state of the indexes.
CREATE FUNCTION pg_temp.check_all(keys text[], kept boolean DEFAULT true) RETURNS TABLE (what text, difference text) LANGUAGE sql AS $$
	SELECT format('%s | %s | %s', condition, left(key, 12), lim), d FROM cond_conditions,
		unnest(keys) key, unnest(CASE WHEN kept THEN ARRAY['', 'LIMIT 5', 'LIMIT 20 OFFSET 7'] ELSE ARRAY[''] END) lim,
		LATERAL (SELECT pg_temp.differs(condition, key, lim, kept) AS d OFFSET 0) x
	WHERE d IS NOT NULL ORDER BY number, 1
$$;

-- Lossy bitmaps: work_mem for a few pages only.
CREATE FUNCTION pg_temp.check_lossy(keys text[]) RETURNS TABLE (what text, difference text) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL work_mem = '64kB';
	RETURN QUERY SELECT * FROM pg_temp.check_all(keys);
END $$;

-- Text orders, in one segment
INSERT INTO cond SELECT * FROM cond_rows ORDER BY id;
ANALYZE cond;
SELECT barq_seal('cond_body') > 0 AS sealed;
SELECT * FROM pg_temp.check_all(ARRAY['body <@> ''shoes''', 'body <@> ''word3 socks''']);

-- and with WHERE body @@@ as a condition of the index that orders
SELECT pg_temp.differs('price < 300 AND body @@@ ''shoes''', 'body <@> ''shoes''', '') IS NULL AS same;

-- One segment each: a graph, lists, exact codes, codes without bounds
CREATE INDEX cond_v ON cond USING barq_hnsw (v vector_cosine_ops);
SELECT * FROM pg_temp.check_all(ARRAY['v <=> (SELECT v FROM cond_rows WHERE id = 3)']);
SELECT * FROM pg_temp.check_lossy(ARRAY['v <=> (SELECT v FROM cond_rows WHERE id = 3)']);
SELECT * FROM pg_temp.check_all(ARRAY['v <=> (SELECT NULL::vector)', 'v <=> ''[0,0,0,0,0,0,0,0,0,0,0,0]''']) WHERE what LIKE 'price%';
DROP INDEX cond_v;
CREATE INDEX cond_v ON cond USING barq_ivf (v vector_cosine_ops) WITH (lists = 20);
SELECT * FROM pg_temp.check_all(ARRAY['v <=> (SELECT v FROM cond_rows WHERE id = 3)']);
DROP INDEX cond_v;
CREATE INDEX cond_v ON cond USING barq_hnsw (v vector_l2_ops) WITH (quantization = 'rabitq');
SELECT * FROM pg_temp.check_all(ARRAY['v <-> (SELECT v FROM cond_rows WHERE id = 3)'], false);
DROP INDEX cond_v;
CREATE INDEX cond_v ON cond USING barq_hnsw ((binary_quantize(v)::bit(12)) bit_hamming_ops);
SELECT * FROM pg_temp.check_all(ARRAY['binary_quantize(v)::bit(12) <~> (SELECT binary_quantize(v) FROM cond_rows WHERE id = 3)']);
DROP INDEX cond_v;

-- The rows nearest to the query do not match: the walk of the graph begins at others
CREATE TABLE cond_far AS SELECT i AS id, i % 2 AS side, ARRAY[cos(i), sin(i), CASE WHEN i % 2 = 0 THEN 5 ELSE 0 END]::vector(3) AS v FROM generate_series(1, 12000) i;
CREATE INDEX ON cond_far (side);
CREATE INDEX ON cond_far USING barq_hnsw (v vector_l2_ops);
ANALYZE cond_far;
SET enable_sort = off;
SET enable_seqscan = off;
SET enable_indexscan = off;
SET barq.ef_search = 10;
EXPLAIN (COSTS OFF) SELECT id FROM cond_far WHERE side = 0 ORDER BY v <-> '[1,0,0]' LIMIT 10;
CREATE TEMPORARY TABLE cond_near AS SELECT id, v <-> '[1,0,0]' AS d FROM cond_far WHERE side = 0 ORDER BY v <-> '[1,0,0]' LIMIT 10;
SELECT (rows_scored BETWEEN 6000 AND 20000) AS bounded FROM barq_last_scan();
SELECT count(*) FROM cond_near WHERE d <= (SELECT max(d) FROM (SELECT v <-> '[1,0,0]' AS d FROM (SELECT * FROM cond_far WHERE side = 0 OFFSET 0) x ORDER BY 1 LIMIT 10) y);
SELECT count(*) FROM (SELECT id FROM cond_far WHERE side = 0 ORDER BY v <-> '[1,0,0]') x;
RESET enable_sort;
RESET enable_seqscan;
RESET enable_indexscan;
RESET barq.ef_search;

-- The growing log, several segments, deleted and updated rows
TRUNCATE cond;
CREATE INDEX cond_v ON cond USING barq_hnsw (v vector_cosine_ops);
INSERT INTO cond SELECT * FROM cond_rows WHERE id <= 1500;
SELECT barq_seal('cond_v') + barq_seal('cond_body') > 0 AS sealed;
INSERT INTO cond SELECT * FROM cond_rows WHERE id BETWEEN 1501 AND 2500;
DELETE FROM cond WHERE id % 11 = 0;
VACUUM cond;
SELECT barq_seal('cond_v') + barq_seal('cond_body') > 0 AS sealed;
INSERT INTO cond SELECT * FROM cond_rows WHERE id > 2500;
DELETE FROM cond WHERE id % 13 = 0;
UPDATE cond SET price = price + 1 WHERE id % 5 = 0;
UPDATE cond SET price = price - 1 WHERE id % 9 = 0;
ANALYZE cond;
SELECT * FROM pg_temp.check_all(ARRAY['v <=> (SELECT v FROM cond_rows WHERE id = 3)', 'body <@> ''word3 shoes''']);
SELECT * FROM pg_temp.check_lossy(ARRAY['v <=> (SELECT v FROM cond_rows WHERE id = 3)']);
VACUUM cond;
SELECT * FROM pg_temp.check_all(ARRAY['v <=> (SELECT v FROM cond_rows WHERE id = 3)']);

-- Another order of batches
SET barq.iterative_scan = relaxed_order;
SELECT * FROM pg_temp.check_all(ARRAY['v <=> (SELECT v FROM cond_rows WHERE id = 3)'], false);
RESET barq.iterative_scan;
SET enable_sort = off;
SET enable_seqscan = off;
SET enable_indexscan = off;

-- A cursor, read in parts and beside changes
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM cond WHERE price < 300 ORDER BY v <=> (SELECT v FROM cond_rows WHERE id = 3);
CREATE TEMPORARY TABLE cond_read (id int);
SELECT pg_temp.read_into('c', 40, 'cond_read');
DELETE FROM cond WHERE price < 100;
SELECT barq_seal('cond_v') >= 0 AS sealed;
SELECT pg_temp.read_into('c', 100000, 'cond_read');
SELECT count(*) = count(DISTINCT id) AS once, count(*) = (SELECT count(*) FROM cond WHERE price < 300) + (SELECT count(*) FROM cond_rows r WHERE r.price + CASE WHEN id % 5 = 0 THEN 1 ELSE 0 END - CASE WHEN id % 9 = 0 THEN 1 ELSE 0 END < 100 AND NOT (id % 13 = 0 OR (id % 11 = 0 AND id <= 2500))) AS "all" FROM cond_read;
ROLLBACK;

-- Correlated parameters: the scan is started anew for each outer row
RESET enable_seqscan; -- PostgreSQL 18 marks what is disabled
EXPLAIN (COSTS OFF) SELECT o.id, i.id FROM cond_rows o, LATERAL (SELECT id FROM cond WHERE price < o.price ORDER BY v <=> o.v LIMIT 3) i WHERE o.id < 40;
SET enable_seqscan = off;
CREATE TEMPORARY TABLE cond_lateral AS
	SELECT o.id AS a, i.id AS b FROM cond_rows o, LATERAL (SELECT id FROM cond WHERE price < o.price ORDER BY v <=> o.v, id LIMIT 3) i WHERE o.id < 40 AND o.id % 80 <> 1;
SET barq.condition_scan = off;
SET enable_sort = on;
SELECT count(*) AS "other rows" FROM (SELECT o.id AS a, i.id AS b FROM cond_rows o, LATERAL (SELECT id FROM cond WHERE price < o.price ORDER BY v <=> o.v, id LIMIT 3) i WHERE o.id < 40 AND o.id % 80 <> 1
	EXCEPT SELECT * FROM cond_lateral) x;
RESET barq.condition_scan;
SET enable_sort = off;
-- only the query changes: the bitmap is made once, and EXPLAIN shows its rows
CREATE FUNCTION pg_temp.bitmap_rows(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF) ' || query LOOP
		IF line LIKE '%Rows In Bitmap%' THEN
			RETURN substring(line FROM '\d+');
		END IF;
	END LOOP;
END $$;
SELECT pg_temp.bitmap_rows('SELECT count(*) FROM (SELECT v FROM cond_rows WHERE id < 4) o, LATERAL (SELECT id FROM cond WHERE price < 20 ORDER BY v <=> o.v LIMIT 3) i')::int
	BETWEEN (SELECT count(*) FROM cond WHERE price < 20) AND (SELECT count(*) * 2 FROM cond WHERE price < 20) AS once;

-- A prepared statement with a generic plan
PREPARE cond_p(int, vector) AS SELECT id FROM cond WHERE price < $1 ORDER BY v <=> $2 LIMIT 4;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE cond_p(50, '[1,0,0,0,0,0,0,0,0,0,0,0]');
CREATE TEMPORARY TABLE cond_generic AS EXECUTE cond_p(50, '[1,0,0,0,0,0,0,0,0,0,0,0]');
SET barq.condition_scan = off;
SET enable_sort = on;
SELECT id FROM cond_generic EXCEPT (SELECT id FROM cond WHERE price < 50 ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4);
RESET barq.condition_scan;
RESET plan_cache_mode;
SET enable_sort = off;

-- Partitions: each has a scan of its own, merged
CREATE TABLE cond_parts (id int, price int, v vector(12)) PARTITION BY RANGE (id);
CREATE TABLE cond_part1 PARTITION OF cond_parts FOR VALUES FROM (0) TO (2000);
CREATE TABLE cond_part2 PARTITION OF cond_parts FOR VALUES FROM (2000) TO (5000);
INSERT INTO cond_parts SELECT id, price, v FROM cond_rows;
CREATE INDEX ON cond_parts (price);
CREATE INDEX ON cond_parts USING barq_hnsw (v vector_l2_ops);
ANALYZE cond_parts;
EXPLAIN (COSTS OFF) SELECT id FROM cond_parts WHERE price < 50 ORDER BY v <-> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4;
SELECT (SELECT array_agg(d) FROM (SELECT v <-> '[1,0,0,0,0,0,0,0,0,0,0,0]' AS d FROM cond_parts WHERE price < 50 ORDER BY v <-> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4) x)
	= (SELECT array_agg(d) FROM (SELECT v <-> '[1,0,0,0,0,0,0,0,0,0,0,0]' AS d FROM (SELECT * FROM cond_rows WHERE price < 50 OFFSET 0) y ORDER BY 1 LIMIT 4) x) AS same;

-- A condition without columns, or conditions that exclude each other, are checked above the scan
EXPLAIN (COSTS OFF) SELECT id FROM cond WHERE price < 50 AND length(version()) > 0 ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4;
SELECT count(*) FROM (SELECT id FROM cond WHERE price < 50 AND length(version()) > 0 ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4) x;
SELECT count(*) FROM (SELECT id FROM cond WHERE price = 50 AND price = 51 ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4) x;

-- Row security: a condition that is not leakproof does not get into the bitmap
CREATE ROLE regress_cond;
GRANT SELECT ON cond TO regress_cond;
ALTER TABLE cond ENABLE ROW LEVEL SECURITY;
CREATE POLICY cond_policy ON cond USING (kind = 3);
SET ROLE regress_cond;
EXPLAIN (COSTS OFF) SELECT id FROM cond WHERE tags @> '{sale}' AND price < 900 ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4;
SELECT bool_and(kind = 3) AS allowed, count(*) FROM (SELECT kind FROM cond WHERE tags @> '{sale}' ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 40) x;
RESET ROLE;
ALTER TABLE cond DISABLE ROW LEVEL SECURITY;

-- Rows can be locked; the scan's rows have their TIDs
SELECT count(*), count(DISTINCT ctid) FROM (SELECT ctid, id FROM cond WHERE price < 300 ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 9 FOR UPDATE) x;

-- The setting, and what the planner takes by itself
RESET enable_sort;
RESET enable_seqscan;
RESET enable_indexscan;
EXPLAIN (COSTS OFF) SELECT id FROM cond WHERE price < 20 ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4;
SET barq.condition_scan = off;
EXPLAIN (COSTS OFF) SELECT id FROM cond WHERE price < 20 ORDER BY v <=> '[1,0,0,0,0,0,0,0,0,0,0,0]' LIMIT 4;

DROP OWNED BY regress_cond;
DROP ROLE regress_cond;
DROP TABLE cond, cond_rows, cond_conditions, cond_parts, cond_far;
