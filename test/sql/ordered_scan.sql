-- Searches without a bitmap by a custom scan (BarqSearch), which leaves out a sort key that
-- nothing in the plan reads: by every code, type and method the rows of a sort, in its order;
-- and in every shape of query the key is left out only where no node above reads it.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SET barq.background = off;
SET barq.ef_search = 1000;
SET barq.probes = 1000;
SELECT setseed(0.4);

-- vectors in a TOAST table; every fortieth is NULL, every sixtieth zero
CREATE TABLE ord_rows AS
	SELECT i AS id, i % 5 AS kind, CASE WHEN i % 40 = 0 THEN NULL WHEN i % 60 = 1 THEN array_fill(0::real, ARRAY[64])::vector
		ELSE (SELECT array_agg((random() - 0.5 + 0.3 * sin((i % 17) * 3.1 + j))::real ORDER BY j) FROM generate_series(1, 64) j)::vector END AS v
	FROM generate_series(1, 1200) i;
-- (a row as long as this is TOASTed, and its longest column cannot be)
CREATE TABLE ord (id int PRIMARY KEY, kind int, v vector(64), pad text DEFAULT repeat('.', 2000));
ALTER TABLE ord ALTER v SET STORAGE EXTERNAL;
ALTER TABLE ord ALTER pad SET STORAGE PLAIN;
CREATE TABLE ord_few (id int PRIMARY KEY, v vector(64));
INSERT INTO ord_few SELECT id, v FROM ord_rows WHERE id IN (3, 7, 8);
ANALYZE ord_few;
SELECT v AS q FROM ord_rows WHERE id = 3 \gset

-- blocks of the TOAST table that this transaction has read
CREATE FUNCTION pg_temp.toast_blocks(tab regclass) RETURNS bigint LANGUAGE sql AS
	$$ SELECT pg_stat_get_xact_blocks_fetched(reltoastrelid) FROM pg_class WHERE oid = tab $$;

-- The rows of a query, the first column of each, in order, by the custom scan or by a sort.
-- scan: of the plan, whether the custom scan is in it and leaves out the key.
CREATE FUNCTION pg_temp.run(query text, custom boolean, OUT ids text[], OUT scan text, OUT toast bigint) LANGUAGE plpgsql AS $$
DECLARE
	plan text := '';
	line text;
	id text;
BEGIN
	PERFORM set_config('barq.condition_scan', custom::text, true),
		set_config('enable_sort', (NOT custom)::text, true),
		set_config('enable_seqscan', (NOT custom)::text, true),
		set_config('enable_indexscan', custom::text, true),
		set_config('plan_cache_mode', 'force_custom_plan', true);
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan = plan || line || E'\n';
	END LOOP;
	scan = CASE WHEN plan !~ 'BarqSearch' THEN 'none' WHEN plan ~ 'not computed' THEN 'key left out' ELSE 'key computed' END;
	toast = pg_temp.toast_blocks('ord');
	ids = '{}';
	FOR id IN EXECUTE query LOOP
		ids = ids || id;
	END LOOP;
	toast = pg_temp.toast_blocks('ord') - toast;
	PERFORM set_config('enable_sort', 'on', true), set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'on', true);
END $$;

-- The distances of ids, in their order; copies of a vector may change places.
CREATE FUNCTION pg_temp.distances(ids text[], key text) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
	result float8[];
BEGIN
	EXECUTE format('SELECT array_agg(%s ORDER BY n) FROM unnest($1) WITH ORDINALITY s (i, n) LEFT JOIN (SELECT * FROM ord OFFSET 0) o ON o.id = s.i::int', key) INTO result USING ids;
	RETURN result;
END $$;

-- Codes, types, methods and distances; the log, segments, deleted rows.
CREATE FUNCTION pg_temp.grid(method text, type text, metric text, options text, q vector, OUT scans text, OUT wrong bigint, OUT toast_free boolean) LANGUAGE plpgsql AS $$
DECLARE
	key text := format('v::%s(64) %s %L', type, pg_temp.operator_of(metric), q);
	lim text;
	stage text;
	a record;
	b record;
BEGIN
	scans = '';
	wrong = 0;
	toast_free = true;
	TRUNCATE ord;
	INSERT INTO ord SELECT * FROM ord_rows WHERE id <= 800;
	UPDATE ord SET v = (SELECT v FROM ord_rows WHERE id = 7) WHERE id BETWEEN 90 AND 99;
	IF type = 'vector' THEN
		key := format('v %s %L', pg_temp.operator_of(metric), q);
		EXECUTE format('CREATE INDEX ord_v ON ord USING %s (v vector_%s_ops) WITH (%s)', method, metric, options);
	ELSE
		EXECUTE format('CREATE INDEX ord_v ON ord USING %s ((v::%s(64)) %s_%s_ops) WITH (%s)', method, type, type, metric, options);
	END IF;
	ANALYZE ord;
	FOREACH stage IN ARRAY ARRAY['built', 'log', 'deleted'] LOOP
		CASE stage
			WHEN 'log' THEN
				PERFORM barq_seal('ord_v');
				INSERT INTO ord SELECT * FROM ord_rows WHERE id > 800;
			WHEN 'deleted' THEN
				DELETE FROM ord WHERE id % 7 = 0;
				UPDATE ord SET kind = kind + 1 WHERE id % 3 = 0;
			ELSE NULL;
		END CASE;
		FOREACH lim IN ARRAY ARRAY['LIMIT 10', 'LIMIT 20 OFFSET 15', ''] LOOP
			FOR a IN SELECT * FROM pg_temp.run(format('SELECT id FROM ord ORDER BY %s %s', key, lim), true) LOOP
				b := pg_temp.run(format('SELECT id FROM ord ORDER BY %s %s', key, lim), false);
				IF b.scan <> 'none' THEN RAISE 'a sort was to be run'; END IF;
				IF a.scan <> 'key left out' THEN scans := scans || stage || lim || ': ' || a.scan; END IF;
				IF pg_temp.distances(a.ids, key) IS DISTINCT FROM pg_temp.distances(b.ids, key) THEN wrong := wrong + 1; END IF;
				IF lim = '' AND ARRAY(SELECT unnest(a.ids) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT unnest(b.ids) ORDER BY 1) THEN wrong := wrong + 1; END IF;
				-- the ten copies overlap, of the others one or two may
				IF lim = 'LIMIT 10' AND a.toast > 40 THEN toast_free := false; END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	DROP INDEX ord_v;
END $$;
SELECT method, type, metric, options, g.* FROM (VALUES ('barq_hnsw'), ('barq_ivf')) m (method),
	(VALUES ('vector', 'refine = on'), ('vector', 'quantization = none'), ('vector', 'quantization = f16'), ('halfvec', 'refine = on'), ('halfvec', 'quantization = none')) c (type, options),
	unnest(ARRAY['l2', 'ip', 'cosine']) metric, pg_temp.grid(method, type, metric, options, :'q') g;

-- Shapes of queries: rows as by a sort, and whether a scan leaves out its key
TRUNCATE ord;
INSERT INTO ord SELECT * FROM ord_rows;
CREATE INDEX ord_v ON ord USING barq_hnsw (v vector_cosine_ops) WITH (refine = on);
CREATE TABLE ord_b (LIKE ord INCLUDING ALL);
INSERT INTO ord_b SELECT id + 10000, kind, v FROM ord_rows WHERE id % 2 = 0;
CREATE TABLE ord_parts (id int, kind int, v vector(64), pad text DEFAULT repeat('.', 2000)) PARTITION BY RANGE (id);
ALTER TABLE ord_parts ALTER v SET STORAGE EXTERNAL, ALTER pad SET STORAGE PLAIN;
CREATE TABLE ord_part1 PARTITION OF ord_parts FOR VALUES FROM (0) TO (500);
CREATE TABLE ord_part2 PARTITION OF ord_parts FOR VALUES FROM (500) TO (5000);
CREATE INDEX ON ord_parts USING barq_hnsw (v vector_cosine_ops) WITH (refine = on);
INSERT INTO ord_parts SELECT * FROM ord_rows;
CREATE VIEW ord_view AS SELECT id, kind, v FROM ord WHERE kind < 4;
CREATE VIEW ord_barrier WITH (security_barrier) AS SELECT id, kind, v FROM ord WHERE kind < 4;
CREATE FUNCTION ord_sql(q vector) RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT id FROM ord ORDER BY v <=> q LIMIT 10';
CREATE FUNCTION ord_plpgsql(q vector) RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT id FROM ord ORDER BY v <=> q LIMIT 10; END';
VACUUM ANALYZE ord, ord_b, ord_part1, ord_part2;
ANALYZE ord_parts;

CREATE TABLE ord_shapes (number int GENERATED ALWAYS AS IDENTITY, expected text, query text);
INSERT INTO ord_shapes (expected, query) VALUES
	('left out', 'SELECT id FROM ord ORDER BY v <=> Q LIMIT 10'),
	('left out', 'SELECT id FROM ord ORDER BY Q <=> v LIMIT 10'),
	('left out', 'SELECT id FROM ord ORDER BY v <=> Q LIMIT 10 OFFSET 40'),
	('left out', 'SELECT id FROM ord WHERE v IS NOT NULL AND kind <> 3 ORDER BY v <=> Q LIMIT 10'),
	('left out', 'SELECT id FROM ord WHERE v <=> Q > 0.3 ORDER BY v <=> Q LIMIT 10'),
	('left out', 'SELECT id, kind, v FROM ord ORDER BY v <=> Q LIMIT 10'),
	('left out', 'SELECT id, ord FROM ord ORDER BY v <=> Q LIMIT 10'),
	('left out', 'SELECT id FROM ord ORDER BY v <=> Q LIMIT (SELECT 7)'),
	('left out', 'SELECT id FROM ord ORDER BY v <=> (SELECT v FROM ord_few WHERE id = 8) LIMIT 10'),
	('left out', 'SELECT id FROM ord ORDER BY v <=> Q, v <=> Q LIMIT 10'),
	('left out', 'SELECT id FROM ord_view ORDER BY v <=> Q LIMIT 10'),
	('left out', 'SELECT id FROM (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10) s'),
	('left out', 'SELECT id FROM (SELECT id, kind FROM ord ORDER BY v <=> Q LIMIT 20) s WHERE kind = 2'),
	('left out', 'SELECT s.id FROM (SELECT s FROM (SELECT id, kind FROM ord ORDER BY v <=> Q LIMIT 20) s OFFSET 0) t, LATERAL (SELECT (t.s).id) s'),
	('left out', 'SELECT id FROM (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10) s ORDER BY id'),
	('left out', 'SELECT max(id) FROM (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10) s'),
	('left out', 'SELECT id FROM (SELECT id, row_number() OVER () AS r FROM (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10) s) w WHERE r % 2 = 0'),
	('left out', 'WITH c AS MATERIALIZED (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10) SELECT id FROM c'),
	('left out', 'WITH c AS MATERIALIZED (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10) SELECT a.id FROM c a, c b WHERE a.id = b.id + 1 OR a.id = b.id'),
	('left out', 'SELECT unnest(ARRAY(SELECT id FROM ord ORDER BY v <=> Q LIMIT 10))'),
	('left out', 'SELECT (SELECT id FROM ord ORDER BY v <=> f.v LIMIT 1) FROM ord_few f ORDER BY f.id'),
	('left out', 'SELECT f.id FROM ord_few f WHERE f.id IN (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10) ORDER BY id'),
	('left out', 'SELECT f.id FROM ord_few f WHERE f.id <> ALL (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10) ORDER BY id'),
	('left out', 'SELECT f.id FROM ord_few f WHERE (f.id, f.id) = (SELECT id, id FROM ord ORDER BY v <=> f.v LIMIT 1) ORDER BY id'),
	('left out', 'SELECT s.id FROM ord_few f, LATERAL (SELECT id FROM ord ORDER BY v <=> f.v LIMIT 4) s'),
	('left out', 'SELECT s.id FROM ord_few f, LATERAL (SELECT id FROM ord WHERE kind <> f.id % 5 ORDER BY v <=> f.v LIMIT 4) s'),
	('left out', '(SELECT id FROM ord ORDER BY v <=> Q LIMIT 5) UNION ALL (SELECT id FROM ord_b ORDER BY v <=> Q LIMIT 5)'),
	('left out', '(SELECT id FROM ord ORDER BY v <=> Q LIMIT 5) EXCEPT (SELECT id FROM ord_b ORDER BY v <=> Q LIMIT 5) ORDER BY 1'),
	('left out', 'SELECT id FROM ord_parts WHERE id < 400 ORDER BY v <=> Q LIMIT 10'),
	('none', 'SELECT id, v <=> Q AS d FROM ord ORDER BY d LIMIT 10'),
	('none', 'SELECT id, 1 - (v <=> Q) FROM ord ORDER BY v <=> Q LIMIT 10'),
	('none', 'SELECT id, v <-> Q FROM ord ORDER BY v <=> Q LIMIT 10'),
	('none', 'SELECT ord_sql(Q)'),
	('none', 'SELECT ord_plpgsql(Q)'),
	('computed', 'SELECT id FROM ord ORDER BY v <=> Q FETCH FIRST 10 ROWS WITH TIES'),
	('read', 'SELECT id FROM ord ORDER BY v <=> Q, id LIMIT 10'),
	('read', 'SELECT id FROM ord ORDER BY v <=> Q, v <-> Q LIMIT 10'),
	('computed', 'SELECT id, rank() OVER (ORDER BY v <=> Q) FROM ord LIMIT 10'),
	('left out', 'SELECT id FROM (SELECT id, lag(id) OVER (ORDER BY v <=> Q) AS r FROM ord ORDER BY v <=> Q LIMIT 10) s'),
	('computed', 'SELECT id, lag(id) OVER (ORDER BY v <=> Q) AS r FROM ord ORDER BY v <=> Q LIMIT 10'),
	('computed', 'SELECT id FROM (SELECT id, v FROM ord UNION ALL SELECT id, v FROM ord_b) u ORDER BY v <=> Q LIMIT 10'),
	('computed', 'SELECT id FROM ord_parts ORDER BY v <=> Q LIMIT 10'),
	('computed', 'SELECT id FROM (SELECT id FROM ord_parts ORDER BY v <=> Q LIMIT 10) s'),
	('none', 'SELECT id FROM (SELECT id, v <=> Q AS d FROM ord ORDER BY d LIMIT 10) s WHERE d > 0.05'),
	('none', 'SELECT id FROM (SELECT id, v <=> Q AS d FROM ord ORDER BY d LIMIT 10 OFFSET 0) s ORDER BY d DESC'),
	('computed', 'SELECT id FROM ord ORDER BY v <=> Q LIMIT 10 FOR UPDATE'),
	('computed', 'SELECT id FROM (SELECT id FROM ord ORDER BY v <=> Q LIMIT 10 FOR SHARE) s'),
	('read', 'SELECT id FROM ord_barrier ORDER BY v <=> Q LIMIT 10'),
	('computed', 'SELECT generate_series(id, id + 1) FROM ord ORDER BY v <=> Q LIMIT 10'),
	('read', 'SELECT DISTINCT ON (v <=> Q) id FROM ord ORDER BY v <=> Q LIMIT 10'),
	('read', 'SELECT count(*) FROM ord GROUP BY v <=> Q ORDER BY v <=> Q LIMIT 10'),
	('read', 'SELECT o.id FROM ord o JOIN ord_few f ON f.id <> o.id ORDER BY o.v <=> Q LIMIT 30'),
	('read', 'SELECT o.id FROM ord o WHERE EXISTS (SELECT FROM ord_few f WHERE f.id % 5 = o.kind) ORDER BY o.v <=> Q LIMIT 30');
CREATE FUNCTION pg_temp.shape(query text, q vector, expected text, OUT scan text, OUT same boolean, OUT toast text) LANGUAGE plpgsql AS $$
DECLARE
	a record;
	b record;
BEGIN
	query := regexp_replace(query, '\mQ\M', quote_literal(q), 'g');
	a := pg_temp.run(query, true);
	b := pg_temp.run(query, false);
	scan := CASE WHEN a.scan LIKE '%' || expected OR (expected = 'read' AND a.scan <> 'key left out') THEN 'as expected' ELSE a.scan END;
	toast := CASE WHEN expected = 'read' THEN '' WHEN a.toast > 7 THEN 'many' ELSE 'few' END;
	same := a.ids = b.ids AND cardinality(a.ids) > 0;
END $$;
SELECT left(query, 110) AS query, expected, scan, same, toast FROM ord_shapes, pg_temp.shape(query, :'q', expected) ORDER BY number;

-- What EXPLAIN shows, of a generic plan; the plan stays as the planner made it
PREPARE ord_p(vector, int) AS SELECT id FROM ord ORDER BY v <=> $1 LIMIT $2;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF, VERBOSE) EXECUTE ord_p(NULL, 10);
CREATE TABLE ord_got AS EXECUTE ord_p(:'q', 10);
EXPLAIN (COSTS OFF) SELECT id, v <=> '[1]' FROM ord ORDER BY v <=> '[1]' LIMIT 10;
EXPLAIN (COSTS OFF) EXECUTE ord_p(NULL, 10);
PREPARE ord_partitions(vector) AS SELECT id FROM ord_parts ORDER BY v <=> $1 LIMIT 10;
EXPLAIN (COSTS OFF) EXECUTE ord_partitions(NULL);
PREPARE ord_key(vector) AS SELECT id FROM ord ORDER BY v <=> $1 LIMIT 10;
SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE id IN (SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 10)) FROM ord_got;
EXECUTE ord_p('[1,2]', 10);
EXECUTE ord_p(NULL, 0);
SELECT count(*) FROM (SELECT id FROM ord ORDER BY v <=> NULL::vector LIMIT 10) s;

-- The setting; and searches that users force to be exact
SET barq.condition_scan = off;
EXPLAIN (COSTS OFF) EXECUTE ord_key(NULL);
DISCARD PLANS;
RESET barq.condition_scan;
SET enable_indexscan = off;
EXPLAIN (COSTS OFF) EXECUTE ord_key(NULL);
DISCARD PLANS;
RESET enable_indexscan;
EXPLAIN (COSTS OFF) EXECUTE ord_key(NULL);

-- Vectors in line, and codes whose rows are put in order by their vectors: the index scan
CREATE TABLE ord_inline (id int, v vector(64));
INSERT INTO ord_inline SELECT id, v FROM ord_rows;
CREATE INDEX ON ord_inline USING barq_hnsw (v vector_cosine_ops) WITH (refine = on);
VACUUM ANALYZE ord_inline;
PREPARE ord_inline_key(vector) AS SELECT id FROM ord_inline ORDER BY v <=> $1 LIMIT 10;
EXPLAIN (COSTS OFF) EXECUTE ord_inline_key(NULL);
ALTER INDEX ord_v SET (refine = off);
REINDEX INDEX ord_v;
EXPLAIN (COSTS OFF) EXECUTE ord_key(NULL);
ALTER INDEX ord_v SET (refine = on);
REINDEX INDEX ord_v;
RESET plan_cache_mode;

-- Cursors: forward in parts beside changes, backward, beyond the transaction, CURRENT OF
CREATE FUNCTION pg_temp.read(c refcursor, command text, n int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	result int[] = '{}';
	one int;
BEGIN
	FOR i IN 1 .. n LOOP
		IF command = 'next' THEN FETCH NEXT FROM c INTO one; ELSE FETCH PRIOR FROM c INTO one; END IF;
		EXIT WHEN NOT FOUND;
		result = result || one;
	END LOOP;
	RETURN result;
END $$;
SELECT array_agg(id ORDER BY n) AS ids FROM (SELECT id, row_number() OVER () AS n FROM (SELECT id FROM (SELECT * FROM ord OFFSET 0) x ORDER BY v <=> :'q' LIMIT 40) s) t \gset
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM ord ORDER BY v <=> :'q';
SELECT pg_temp.read('c', 'next', 10) = (:'ids'::int[])[1:10] AS same;
DELETE FROM ord WHERE id = ANY ((:'ids'::int[])[11:15]);
UPDATE ord SET kind = -1 WHERE CURRENT OF c;
SELECT pg_temp.read('c', 'next', 10) = (:'ids'::int[])[11:20] AS same;
SELECT id = (:'ids'::int[])[10] AS "row of the cursor" FROM ord WHERE kind = -1;
SELECT cardinality(pg_temp.read('c', 'next', 10000)) AS rest;
ROLLBACK;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 40;
EXPLAIN (COSTS OFF) DECLARE d SCROLL CURSOR FOR SELECT id FROM ord ORDER BY v <=> '[1]' LIMIT 40;
SELECT pg_temp.read('c', 'next', 12) = (:'ids'::int[])[1:12] AS same;
SELECT pg_temp.read('c', 'prior', 11) = ARRAY(SELECT (:'ids'::int[])[n] FROM generate_series(11, 1, -1) n) AS same;
MOVE FORWARD ALL FROM c;
SELECT pg_temp.read('c', 'prior', 40) = ARRAY(SELECT (:'ids'::int[])[n] FROM generate_series(40, 1, -1) n) AS same;
DECLARE h CURSOR WITH HOLD FOR SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 40;
SELECT pg_temp.read('h', 'next', 3) = (:'ids'::int[])[1:3] AS same;
COMMIT;
SELECT pg_temp.read('h', 'next', 100) = (:'ids'::int[])[4:40] AS same;
CLOSE h;
BEGIN;
DECLARE n NO SCROLL CURSOR FOR SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 40;
SELECT pg_temp.read('n', 'next', 3) = (:'ids'::int[])[1:3] AS same;
ROLLBACK;

-- Statements that change rows
BEGIN;
INSERT INTO ord_got SELECT id + 50000 FROM (SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 40) s;
INSERT INTO ord_got SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 7;
DELETE FROM ord WHERE id IN (SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 7);
UPDATE ord SET kind = -2 FROM (SELECT ctid AS c FROM ord ORDER BY v <=> :'q' LIMIT 3) s WHERE ctid = s.c;
SELECT (SELECT array_agg(id ORDER BY id) FROM ord WHERE kind = -2) = ARRAY(SELECT unnest((:'ids'::int[])[8:10]) ORDER BY 1) AS same, count(*) FROM ord;
ROLLBACK;
COPY (SELECT id = ANY (:'ids'::int[]) FROM (SELECT id FROM ord ORDER BY v <=> (SELECT v FROM ord_few WHERE id = 3) LIMIT 2) s) TO STDOUT;

-- Queries that have no order, batches, cut scans
CREATE FUNCTION pg_temp.same(key text, lim text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	a record;
	b record;
BEGIN
	a := pg_temp.run(format('SELECT id FROM ord ORDER BY %s %s', key, lim), true);
	b := pg_temp.run(format('SELECT id FROM ord ORDER BY %s %s', key, lim), false);
	IF a.scan <> 'key left out' THEN RAISE '%', a.scan; END IF;
	RETURN pg_temp.distances(a.ids, key) IS NOT DISTINCT FROM pg_temp.distances(b.ids, key);
END $$;
SELECT pg_temp.same(format('v <=> %L', array_fill(0::real, ARRAY[64])::vector), '');
SELECT pg_temp.same('v <=> (SELECT NULL::vector(64))', '');
SET barq.ef_search = 20;
SET barq.iterative_scan = off;
SELECT pg_temp.same(format('v <=> %L', :'q'), 'LIMIT 10');
SELECT cardinality((pg_temp.run(format('SELECT id FROM ord ORDER BY v <=> %L', :'q'), true)).ids) <= 20 AS few;
SET barq.iterative_scan = relaxed_order;
SELECT pg_temp.same(format('v <=> %L', :'q'), 'LIMIT 10');
SELECT cardinality((pg_temp.run(format('SELECT id FROM ord ORDER BY v <=> %L', :'q'), true)).ids) AS rows;
RESET barq.iterative_scan;
SET barq.max_scan_tuples = 100;
SELECT cardinality((pg_temp.run(format('SELECT id FROM ord ORDER BY v <=> %L', :'q'), true)).ids) <= 100 AS cut;
RESET barq.max_scan_tuples;
RESET barq.ef_search;

-- A parallel worker runs the scan whole, and another process reads its rows
SELECT set_config(name, 'on', false) AS on FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode');
SELECT id = ANY (:'ids'::int[]) AS near FROM ord ORDER BY v <=> :'q' LIMIT 3;
SELECT count(*) FILTER (WHERE id = ANY (:'ids'::int[])) FROM (SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 40) s;
SELECT set_config(name, 'off', false) AS off FROM pg_settings WHERE name IN ('debug_parallel_query', 'force_parallel_mode');

-- A condition without columns, or conditions that exclude each other, are checked above the scan
EXPLAIN (COSTS OFF) SELECT id FROM ord WHERE length(version()) > 0 ORDER BY v <=> '[1]' LIMIT 20;
SELECT count(*) FROM (SELECT id FROM ord WHERE length(version()) > 0 ORDER BY v <=> :'q' LIMIT 20) s;
SELECT count(*) FROM (SELECT id FROM ord WHERE kind = 3 AND kind = 4 ORDER BY v <=> :'q' LIMIT 20) s;

-- Row security: policies are filters of the scan
CREATE ROLE regress_ord;
GRANT SELECT ON ord, ord_few TO regress_ord;
ALTER TABLE ord ENABLE ROW LEVEL SECURITY;
CREATE POLICY ord_policy ON ord USING (kind = 3);
SELECT array_agg(id) AS ids FROM (SELECT id FROM (SELECT * FROM ord WHERE kind = 3 OFFSET 0) x ORDER BY v <=> :'q' LIMIT 20) s \gset
SET ROLE regress_ord;
EXPLAIN (COSTS OFF) SELECT id FROM ord ORDER BY v <=> '[1]' LIMIT 20;
SELECT array_agg(id) = :'ids'::int[] AS same FROM (SELECT id FROM ord ORDER BY v <=> :'q' LIMIT 20) s;
RESET ROLE;
DROP OWNED BY regress_ord;
DROP ROLE regress_ord;

-- The node tells how many vectors it read
CREATE FUNCTION pg_temp.vectors_read(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF) ' || query LOOP
		IF line LIKE '%Vectors Read For Order%' THEN
			RETURN substring(line FROM '\d+');
		END IF;
	END LOOP;
END $$;
SELECT pg_temp.vectors_read(format('SELECT id FROM ord_b ORDER BY v <=> %L LIMIT 10', :'q')) <= 2 AS few;

DROP VIEW ord_view, ord_barrier;
DROP FUNCTION ord_sql, ord_plpgsql;
DROP TABLE ord, ord_b, ord_parts, ord_rows, ord_few, ord_shapes, ord_got, ord_inline;
