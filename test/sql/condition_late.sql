-- A search that checks conditions row by row and makes the bitmap of other indexes when it
-- needs it returns the rows of a sort, each once, before and after; and it makes the bitmap
-- where rows that meet the conditions are far from the query, and only there.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SELECT setseed(0.4);

-- near: the rank of a row by its distance from the query; every 97th has no vector
CREATE TABLE late_rows AS
	SELECT id, v, row_number() OVER (ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]') - 1 AS near
	FROM (SELECT i AS id, CASE WHEN i % 97 > 0 THEN pg_temp.random_vector(8) END AS v FROM generate_series(1, 6000) i) s;
CREATE TABLE late (id int PRIMARY KEY, near int, far int, any_place int, tags int[], kind int, v vector(8), h halfvec(8), b bit(8), s sparsevec(8)) WITH (autovacuum_enabled = off);
CREATE FUNCTION pg_temp.add(condition text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'INSERT INTO late SELECT id, near, 6000 - near, id * 7919 % 6000,
		array(SELECT x FROM unnest(''{60,600,3000}''::int[]) x WHERE near < x) || array(SELECT x + 1 FROM unnest(''{60,600,3000}''::int[]) x WHERE 6000 - near < x),
		id % 3, v, v::halfvec, binary_quantize(v), v::sparsevec FROM late_rows WHERE ' || condition;
END $$;
SELECT pg_temp.add('true');
CREATE INDEX late_near ON late (near);
CREATE INDEX late_far ON late (far);
CREATE INDEX late_any ON late (any_place);
CREATE INDEX late_tags ON late USING gin (tags);
CREATE INDEX late_v ON late USING barq_hnsw (v vector_l2_ops);
VACUUM ANALYZE late;

-- What EXPLAIN ANALYZE says of the bitmap; when it is made rests on costs, which versions of
-- PostgreSQL estimate a little differently, so from ten on numbers are some.
CREATE FUNCTION pg_temp.bitmap_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	said text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ 'Bitmap: |Narrowed|Before:|Rows In Bitmap|never executed|Removed by Filter' THEN
			said := said || '; ' || btrim(regexp_replace(line, '(Filter|Before): [1-9][0-9]{1,2}$', '\1: some'));
		END IF;
	END LOOP;
	RETURN substr(said, 3);
END $$;

SET enable_seqscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT id FROM late WHERE near < 3000 AND kind < 2 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 10;
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE near < 3000 ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 10');
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE any_place < 3000 ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 10');
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE far < 3000 ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 10');
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE far < 600 ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 2');
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE tags @> ''{3000}'' ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 10');
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE tags @> ''{3001}'' ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 10');

-- Where the bitmap is dear and its rows would not all be scored, some rows are looked at first even
-- if the bitmap is likely to be needed; not where they would
BEGIN;
SET LOCAL cpu_index_tuple_cost = 0.2;
SET LOCAL barq.ef_search = 10;
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE near < 3000 ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 1000');
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE far < 3000 ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 1000');
SET LOCAL barq.ef_search = 40;
SELECT pg_temp.bitmap_of('SELECT id FROM late WHERE near < 3000 ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]'' LIMIT 1000');
ROLLBACK;

-- The setting, bitmaps switched off, and scans that are not complete have no such plan.
CREATE FUNCTION pg_temp.waits(setting text, value text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found boolean := false;
BEGIN
	PERFORM set_config(setting, value, true);
	FOR line IN EXPLAIN (COSTS OFF) SELECT id FROM late WHERE near < 3000 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 10 LOOP
		found := found OR line LIKE '%Bitmap: when needed%';
	END LOOP;
	EXECUTE 'RESET ' || setting;
	RETURN found;
END $$;
SELECT setting, value, pg_temp.waits(setting, value) FROM (VALUES ('barq.condition_scan', 'on'), ('barq.condition_scan', 'off'), ('enable_bitmapscan', 'off'),
	('barq.iterative_scan', 'relaxed_order'), ('barq.iterative_scan', 'off'), ('barq.max_scan_tuples', '1000')) s (setting, value);
-- a plan that was made before makes its bitmap at once then
PREPARE late_p(vector) AS SELECT id FROM late WHERE near < 3000 ORDER BY v <-> $1 LIMIT 10;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE late_p('[0.9,0.1,0,0,0,0,0,0]');
SELECT pg_temp.bitmap_of('EXECUTE late_p(''[0.9,0.1,0,0,0,0,0,0]'')');
SELECT pg_temp.bitmap_of('EXECUTE late_p(''[-0.9,-0.1,0,0,0,0,0,0]'')');
SET barq.iterative_scan = off;
SELECT pg_temp.bitmap_of('EXECUTE late_p(''[0.9,0.1,0,0,0,0,0,0]'')');
RESET barq.iterative_scan;
SET barq.max_scan_tuples = 50;
SELECT pg_temp.bitmap_of('EXECUTE late_p(''[0.9,0.1,0,0,0,0,0,0]'')');
RESET barq.max_scan_tuples;
RESET plan_cache_mode;
DEALLOCATE late_p;

-- Conditions by place, by share, of one index and several, with and without more filters.
CREATE TABLE late_conditions (number int GENERATED ALWAYS AS IDENTITY, condition text);
INSERT INTO late_conditions (condition) SELECT format(c, share) FROM unnest(ARRAY['near < %s', 'far < %s', 'any_place < %s']) WITH ORDINALITY c (c, n), unnest('{60,600,3000,5900}'::int[]) share ORDER BY n, share;
INSERT INTO late_conditions (condition) VALUES ('tags @> ''{600}'''), ('tags @> ''{601}'''), ('tags @> ''{3001}'' AND any_place < 2000'), ('near < 200 OR far < 200'), ('far < 3000 AND kind = 1'), ('far < -1');

-- Whether a cursor returns the rows of a sort; NULL, or the difference. The cursor's plan is
-- of a small part of its rows; it is read to the end, or to a LIMIT. kept: whether all rows
-- have their place in the order; else those that were found late may come at the end. A cell
-- with another plan by its costs is left out; late_seen has the others.
CREATE TEMPORARY TABLE late_seen (narrowed boolean);
CREATE FUNCTION pg_temp.differs(condition text, key text, lim text, kept boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT id, %s AS d FROM late WHERE %s ORDER BY %1$s %3$s', key, condition, lim);
	line text;
	plan text := '';
	c refcursor;
	row record;
	ids int[] := '{}';
	keys float8[] := '{}';
	other_ids int[];
	other_keys float8[];
BEGIN
	SET LOCAL cursor_tuple_fraction = 0.0001;
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) DECLARE x CURSOR FOR ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	IF plan NOT LIKE '%Bitmap: when needed%' THEN
		RETURN NULL;
	END IF;
	INSERT INTO late_seen VALUES (plan LIKE '%Narrowed To Bitmap: 1%');
	OPEN c FOR EXECUTE query;
	LOOP
		FETCH c INTO row;
		EXIT WHEN NOT FOUND;
		ids := ids || row.id;
		keys := keys || row.d;
	END LOOP;
	CLOSE c;
	SET LOCAL barq.condition_scan = off;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_indexscan = off;
	EXECUTE 'SELECT coalesce(array_agg(id), ''{}''), coalesce(array_agg(d), ''{}'') FROM (' || query || ') x' INTO other_ids, other_keys;
	SET LOCAL barq.condition_scan = on;
	SET LOCAL enable_sort = off;
	SET LOCAL enable_indexscan = on;
	IF kept AND keys IS DISTINCT FROM other_keys THEN
		RETURN format('row %s; %s rows, a sort has %s', (SELECT min(n) FROM generate_subscripts(other_keys, 1) n WHERE keys[n] IS DISTINCT FROM other_keys[n]), cardinality(keys), cardinality(other_keys));
	END IF;
	IF lim = '' AND ARRAY(SELECT unnest(ids) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT unnest(other_ids) ORDER BY 1) THEN
		RETURN format('%s rows, a sort has %s others', cardinality(ids), cardinality(other_ids));
	END IF;
	IF NOT kept AND current_setting('barq.iterative_scan') = 'strict_order' AND key !~ '<#>' AND NOT pg_temp.in_order(array_remove(keys, NULL), true) THEN
		RETURN 'not in order';
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION pg_temp.check_all(key text, kept boolean DEFAULT true, OUT differences text[], OUT "many cells" boolean, OUT "many narrowed" boolean) LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM late_seen;
	differences := ARRAY(SELECT format('%s %s: %s', condition, lim, d) FROM late_conditions, unnest(ARRAY['', 'LIMIT 3', 'LIMIT 100 OFFSET 5']) lim,
		LATERAL (SELECT pg_temp.differs(condition, key, lim, kept) AS d OFFSET 0) x
		WHERE (kept OR lim = '') AND d IS NOT NULL ORDER BY number, lim);
	SELECT count(*) >= 10, count(*) FILTER (WHERE narrowed) >= 5 INTO "many cells", "many narrowed" FROM late_seen;
END $$;

-- A graph whose first walk finds all that is near, and one that misses some
SET barq.ef_search = 400;
SELECT * FROM pg_temp.check_all('v <-> ''[0.9,0.1,0,0,0,0,0,0]''');
SET barq.ef_search = 10;
SELECT * FROM pg_temp.check_all('v <-> ''[0.9,0.1,0,0,0,0,0,0]''', false);
SET barq.iterative_scan = relaxed_order;
SELECT * FROM pg_temp.check_all('v <-> ''[0.9,0.1,0,0,0,0,0,0]''', false);
RESET barq.iterative_scan;
SET barq.ef_search = 400;
SET barq.target_recall = 0.95;
SELECT * FROM pg_temp.check_all('v <-> ''[0.9,0.1,0,0,0,0,0,0]''', false);
RESET barq.target_recall;
-- a query without a distance
SELECT * FROM pg_temp.check_all('v <-> (SELECT NULL::vector)');

-- Other codes, distances and types
DROP INDEX late_v;
CREATE INDEX late_v ON late USING barq_hnsw (v vector_cosine_ops) WITH (quantization = 'none');
SELECT * FROM pg_temp.check_all('v <=> ''[0.9,0.1,0,0,0,0,0,0]''');
SELECT * FROM pg_temp.check_all('v <=> ''[0,0,0,0,0,0,0,0]''');
DROP INDEX late_v;
CREATE INDEX late_v ON late USING barq_hnsw (v vector_ip_ops) WITH (quantization = 'rabitq');
SELECT * FROM pg_temp.check_all('v <#> ''[0.9,0.1,0,0,0,0,0,0]''', false);
DROP INDEX late_v;
CREATE INDEX late_v ON late USING barq_hnsw (v vector_l2_ops) WITH (refine = 'on');
SELECT * FROM pg_temp.check_all('v <-> ''[0.9,0.1,0,0,0,0,0,0]''');
DROP INDEX late_v;
CREATE INDEX late_v ON late USING barq_ivf (v vector_l2_ops) WITH (lists = 20);
SELECT * FROM pg_temp.check_all('v <-> ''[0.9,0.1,0,0,0,0,0,0]''');
DROP INDEX late_v;
CREATE INDEX late_v ON late USING barq_hnsw (h halfvec_l2_ops);
SELECT * FROM pg_temp.check_all('h <-> ''[0.9,0.1,0,0,0,0,0,0]''');
DROP INDEX late_v;
CREATE INDEX late_v ON late USING barq_hnsw (b bit_hamming_ops);
SELECT * FROM pg_temp.check_all('b <~> ''11000000''');
DROP INDEX late_v;
CREATE INDEX late_v ON late USING barq_hnsw (s sparsevec_l2_ops);
SELECT * FROM pg_temp.check_all('s <-> ''{1:0.9,2:0.1}/8''');
DROP INDEX late_v;

-- A filter column and the bitmap
CREATE INDEX late_v ON late USING barq_hnsw (v vector_l2_ops, kind);
DELETE FROM late_seen;
SELECT pg_temp.differs('far < 3000 AND kind = 1', 'v <-> ''[0.9,0.1,0,0,0,0,0,0]''', '', true);
SELECT pg_temp.differs('far < 3000 AND kind <= 1', 'v <-> ''[0.9,0.1,0,0,0,0,0,0]''', 'LIMIT 20', true);
SELECT * FROM late_seen;
DROP INDEX late_v;

-- The growing log, several segments, deleted and updated rows; lossy bitmaps; without the log
TRUNCATE late;
CREATE INDEX late_v ON late USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.add('id <= 3000');
SELECT barq_seal('late_v') > 0 AS sealed;
SELECT pg_temp.add('id BETWEEN 3001 AND 4500');
DELETE FROM late WHERE id % 11 = 0;
VACUUM late;
SELECT barq_seal('late_v') > 0 AS sealed;
SELECT pg_temp.add('id > 4500');
DELETE FROM late WHERE id % 13 = 0;
UPDATE late SET far = far + 1, any_place = any_place - 1 WHERE id % 5 = 0;
UPDATE late SET kind = 7 WHERE id % 9 = 0;
ANALYZE late;
SELECT * FROM pg_temp.check_all('v <-> ''[0.9,0.1,0,0,0,0,0,0]''');
SET work_mem = '64kB';
SELECT * FROM pg_temp.check_all('v <-> ''[0.9,0.1,0,0,0,0,0,0]''');
RESET work_mem;
CREATE FUNCTION pg_temp.sum_of(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	one int;
	sum bigint := 0;
BEGIN
	SET LOCAL cursor_tuple_fraction = 0.0001;
	OPEN c FOR EXECUTE format('SELECT id FROM late WHERE %s ORDER BY v <-> ''[0.9,0.1,0,0,0,0,0,0]''', condition);
	LOOP
		FETCH c INTO one;
		EXIT WHEN NOT FOUND;
		sum := sum + one;
	END LOOP;
	RETURN sum;
END $$;
SET barq.consistency = sealed;
CREATE TEMPORARY TABLE late_sealed AS SELECT condition, pg_temp.sum_of(condition) FROM late_conditions;
SET barq.condition_scan = off;
SELECT count(*) AS others FROM (SELECT condition, pg_temp.sum_of(condition) FROM late_conditions EXCEPT SELECT * FROM late_sealed) x;
RESET barq.condition_scan;
RESET barq.consistency;

-- A cursor beside changes: rows read before and after the bitmap is made
BEGIN;
SET LOCAL cursor_tuple_fraction = 0.0001;
CREATE TEMPORARY TABLE late_want AS SELECT id FROM late WHERE far < 3000;
CREATE TEMPORARY TABLE late_read (id int);
DECLARE c CURSOR FOR SELECT id FROM late WHERE far < 3000 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]';
SELECT pg_temp.read_into('c', 1, 'late_read');
DELETE FROM late WHERE id % 2 = 0;
SELECT pg_temp.add('id % 2 = 0');
SELECT barq_seal('late_v') >= 0 AS sealed;
SELECT pg_temp.read_into('c', 100000, 'late_read');
SELECT count(*) = count(DISTINCT id) AS once, count(*) = (SELECT count(*) FROM late_want) AS "all" FROM late_read;
SELECT count(*) AS others FROM (SELECT * FROM late_read EXCEPT SELECT * FROM late_want) x;
ROLLBACK;

-- Rescans: a parameter that changes the bitmap, and one that does not
RESET enable_seqscan;
EXPLAIN (COSTS OFF) SELECT o.id, i.id FROM late_rows o, LATERAL (SELECT id FROM late WHERE far < o.near ORDER BY v <-> o.v LIMIT 3) i WHERE o.id < 60;
SET enable_seqscan = off;
CREATE TEMPORARY TABLE late_lateral AS SELECT o.id AS a, i.d FROM late_rows o, LATERAL (SELECT v <-> o.v AS d FROM late WHERE far < o.near ORDER BY v <-> o.v LIMIT 3) i WHERE o.id < 60;
INSERT INTO late_lateral SELECT o.id AS a, i.d FROM late_rows o, LATERAL (SELECT v <-> o.v AS d FROM late WHERE far < 3000 ORDER BY v <-> o.v LIMIT 3) i WHERE o.id < 60;
SET barq.condition_scan = off;
SET enable_sort = on;
SET enable_indexscan = off;
SELECT count(*) AS others FROM (SELECT o.id AS a, i.d FROM late_rows o, LATERAL (SELECT v <-> o.v AS d FROM late WHERE far < o.near ORDER BY v <-> o.v LIMIT 3) i WHERE o.id < 60
	UNION ALL SELECT o.id AS a, i.d FROM late_rows o, LATERAL (SELECT v <-> o.v AS d FROM late WHERE far < 3000 ORDER BY v <-> o.v LIMIT 3) i WHERE o.id < 60
	EXCEPT ALL SELECT * FROM late_lateral) x;
RESET barq.condition_scan;
RESET enable_indexscan;
SET enable_sort = off;
-- the bitmap is made once for all rescans whose parameters do not change it
SELECT pg_temp.bitmap_of('SELECT count(*) FROM generate_series(1, 4) o, LATERAL (SELECT id FROM late WHERE far < 3000 ORDER BY v <-> format(''[0.9,%s,0,0,0,0,0,0]'', o * 0.01)::vector LIMIT 10) i');

-- Partitions: each has a scan of its own
CREATE TABLE late_parts (id int, far int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE late_part1 PARTITION OF late_parts FOR VALUES FROM (0) TO (3000);
CREATE TABLE late_part2 PARTITION OF late_parts FOR VALUES FROM (3000) TO (7000);
INSERT INTO late_parts SELECT id, 6000 - near, v FROM late_rows;
CREATE INDEX ON late_parts (far);
CREATE INDEX ON late_parts USING barq_hnsw (v vector_l2_ops);
ANALYZE late_parts;
EXPLAIN (COSTS OFF) SELECT id FROM late_parts WHERE far < 3000 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 4;
SELECT (SELECT array_agg(id) FROM (SELECT id FROM late_parts WHERE far < 3000 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 4) x)
	= (SELECT array_agg(id) FROM (SELECT id FROM late_rows WHERE 6000 - near < 3000 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 4) x) AS same;
DROP TABLE late_parts;

-- Row security: only leakproof conditions get into the bitmap, and the policy is checked first
CREATE ROLE regress_late;
GRANT SELECT ON late TO regress_late;
ALTER TABLE late ENABLE ROW LEVEL SECURITY;
CREATE POLICY late_policy ON late USING (kind = 1);
SET ROLE regress_late;
EXPLAIN (COSTS OFF) SELECT id FROM late WHERE far < 3000 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 4;
EXPLAIN (COSTS OFF) SELECT id FROM late WHERE tags @> '{3001}' ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 4;
SELECT bool_and(kind = 1) AS allowed, count(*) FROM (SELECT kind FROM late WHERE far < 3000 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 40) x;
RESET ROLE;
ALTER TABLE late DISABLE ROW LEVEL SECURITY;

-- Rows can be locked; the scan's rows have their TIDs
SELECT count(*), count(DISTINCT ctid) FROM (SELECT ctid, id FROM late WHERE far < 3000 ORDER BY v <-> '[0.9,0.1,0,0,0,0,0,0]' LIMIT 9 FOR UPDATE) x;

DROP OWNED BY regress_late;
DROP ROLE regress_late;
DROP TABLE late, late_rows, late_conditions;
