-- An ordered scan returns every row that a sort returns, for every access method,
-- type, distance and quantization, every layout of the rows in the index and every
-- shape of the query; a filter loses no rows.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.7);
SET barq.growing_limit = '1GB';
SET barq.background = off;
-- rows in clusters; every fiftieth vector is NULL, every eightieth zero
CREATE TABLE complete_rows AS
	SELECT i AS id, i % 97 AS c, CASE WHEN i % 50 = 0 THEN NULL WHEN i % 80 = 1 THEN array_fill(0::real, ARRAY[256])::vector
		ELSE (SELECT array_agg((CASE WHEN j % 4 = 0 THEN 0 ELSE sin((i % 37) * 7.3 + j) * 0.7 + random() - 0.5 END)::real ORDER BY j) FROM generate_series(1, 256) j)::vector END AS v
	FROM generate_series(1, 4600) i;
CREATE TABLE complete_some AS SELECT id FROM complete_rows WHERE id % 3 = 0;

-- Shapes of queries. T: the table, D: the distance, X: the number of rows. kept:
-- whether the rows come in the order of the scan.
CREATE TABLE complete_shapes (number int GENERATED ALWAYS AS IDENTITY, kept boolean, query text);
INSERT INTO complete_shapes (kept, query) VALUES
	(true, 'SELECT id, D AS d FROM T ORDER BY D'),
	(true, 'SELECT id, D AS d FROM T ORDER BY D LIMIT 100000'),
	(true, 'SELECT id, D AS d FROM T WHERE c = 5 ORDER BY D LIMIT 1000'),
	(true, 'SELECT id, D AS d FROM T WHERE c BETWEEN 5 AND 50 ORDER BY D'),
	(true, 'SELECT id, D AS d FROM T WHERE c = 5 OR v IS NULL ORDER BY D LIMIT 1000'),
	(false, 'SELECT id, d FROM (SELECT id, D AS d FROM T ORDER BY D OFFSET 0) t JOIN complete_some USING (id)'),
	(false, 'SELECT s.id, t.d FROM complete_some s LEFT JOIN (SELECT id, D AS d FROM T ORDER BY D OFFSET 0) t ON t.id = s.id AND t.id % 2 = 0'),
	(false, 'SELECT id, d FROM (SELECT id, D AS d, row_number() OVER (ORDER BY D) AS n FROM T ORDER BY D LIMIT 100000) t WHERE n > 0'),
	(false, 'SELECT id, d FROM (SELECT id, D AS d FROM T ORDER BY D OFFSET 0) t WHERE id IN (SELECT id FROM complete_some)'),
	(false, 'WITH t AS MATERIALIZED (SELECT id, D AS d FROM T ORDER BY D) SELECT id, d FROM t UNION ALL SELECT id, d FROM t');

-- Compare a shape's rows by the index with those of a sort: by a query, a cursor,
-- CREATE TABLE AS. Returns NULL, or the difference.
CREATE FUNCTION pg_temp.differs(query text, kept boolean, way text, misses boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	by_index float8[];
	ids int[];
	expected int[];
	r record;
	reader refcursor;
	moved bigint;
BEGIN
	SET LOCAL enable_sort = off;
	SET LOCAL enable_seqscan = off;
	IF way = 'query' AND pg_temp.plan_of(query) NOT LIKE '%Index Scan using complete_v%' THEN
		RETURN 'no index is used: ' || pg_temp.plan_of(query);
	END IF;
	IF way = 'query' THEN
		EXECUTE format('SELECT array_agg(d), array_agg(id) FROM (%s) s', query) INTO by_index, ids;
	ELSIF way = 'table' THEN
		EXECUTE 'CREATE TEMP TABLE complete_copy AS ' || query;
		SELECT array_agg(d), array_agg(id) INTO by_index, ids FROM complete_copy;
		DROP TABLE complete_copy;
	ELSE
		OPEN reader FOR EXECUTE query;
		LOOP
			FETCH reader INTO r;
			EXIT WHEN NOT FOUND;
			by_index = by_index || r.d;
			ids = ids || r.id;
		END LOOP;
		CLOSE reader;
	END IF;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_indexscan = off;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM (%s) s', query) INTO expected;
	SET LOCAL enable_indexscan = on;
	IF expected IS DISTINCT FROM ARRAY(SELECT id FROM unnest(ids) id ORDER BY id) THEN
		RETURN format('%s rows of %s', array_length(ids, 1), array_length(expected, 1));
	END IF;
	IF NOT kept OR current_setting('barq.iterative_scan') <> 'strict_order' THEN
		RETURN NULL;
	END IF;
	IF NOT pg_temp.in_order(by_index, true) THEN
		RETURN 'out of order';
	END IF;
	SELECT count(*) INTO moved FROM (SELECT d, max(d) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
		FROM unnest(by_index) WITH ORDINALITY u(d, n)) s WHERE d < before;
	IF moved > (CASE WHEN misses THEN 2 + 0.03 * array_length(by_index, 1) ELSE 0 END) THEN
		RETURN format('%s rows of %s at the end', moved, array_length(by_index, 1));
	END IF;
	RETURN NULL;
END $$;

-- All shapes, in both orders, over the current state of an index.
CREATE FUNCTION pg_temp.judge(label text, op text, literal text, misses boolean, all_ways boolean, OUT cells int) LANGUAGE plpgsql AS $$
DECLARE
	shape record;
	way text;
	ordering text;
	wrong text;
BEGIN
	cells = 0;
	FOREACH ordering IN ARRAY ARRAY['strict_order', 'relaxed_order'] LOOP
		PERFORM set_config('barq.iterative_scan', ordering, true);
		FOR shape IN SELECT kept, regexp_replace(regexp_replace(query, '\mT\M', 'complete', 'g'), '\mD\M', format('v %s %L', op, literal), 'g') AS query
			FROM complete_shapes WHERE all_ways OR number IN (2, 3, 7) ORDER BY number LOOP
			FOREACH way IN ARRAY CASE WHEN all_ways THEN ARRAY['query', 'table', 'cursor'] ELSE ARRAY['query'] END LOOP
				wrong = pg_temp.differs(shape.query, shape.kept, way, misses);
				cells = cells + 1;
				IF wrong IS NOT NULL THEN
					RAISE NOTICE '%, %, %, %: %', label, ordering, way, shape.query, wrong;
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
END $$;

-- One kind of index over rows of one type, in every layout. misses: a search of that
-- breadth may miss rows, because of a graph or of bounds that are only likely.
CREATE FUNCTION pg_temp.complete(am text, type text, opclass text, op text, quantization text, convert text, misses boolean, all_ways boolean DEFAULT false) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	label text = concat_ws(' ', am, opclass, quantization);
	make text = format('CREATE INDEX complete_v ON complete USING barq_%s (v %s)%s', am, opclass, ' WITH (quantization = ' || quantization || ')');
	fill text = format('INSERT INTO complete SELECT id, c, %s FROM complete_rows WHERE ', convert);
	literal text;
	cells int;
	complaints int;
BEGIN
	EXECUTE format('CREATE TABLE complete (id int PRIMARY KEY, c int, v %s)', type);
	EXECUTE format('SELECT %s::text FROM complete_rows WHERE id = 77', convert) INTO literal;
	EXECUTE fill || 'true';
	EXECUTE make;
	cells = pg_temp.judge(label || ', one segment', op, literal, misses, all_ways);
	DELETE FROM complete WHERE id % 3 = 1;
	cells = cells + pg_temp.judge(label || ', deleted', op, literal, misses, false);
	TRUNCATE complete;
	EXECUTE fill || 'id % 4 = 0';
	cells = cells + pg_temp.judge(label || ', log', op, literal, misses, false);
	FOR part IN 1..3 LOOP
		PERFORM barq_seal('complete_v');
		EXECUTE fill || format('id %% 4 = %s', part);
	END LOOP;
	UPDATE complete SET c = 5, v = NULL WHERE id % 40 = 3;
	cells = cells + pg_temp.judge(label || ', several segments', op, literal, misses, false);
	DROP INDEX complete_v;
	EXECUTE make;
	SELECT count(*) INTO complaints FROM barq_check('complete_v');
	IF complaints > 0 THEN
		RAISE NOTICE '%: % complaints', label, complaints;
	END IF;
	DROP TABLE complete;
	RETURN cells;
END $$;

SELECT sum(pg_temp.complete(am, type, opclass, op, quantization, convert, misses, ways)) AS cells FROM (VALUES
	('hnsw', 'vector(256)', 'vector_l2_ops', '<->', 'sq8', 'v', true, true),
	('hnsw', 'vector(256)', 'vector_ip_ops', '<#>', 'f16', 'v', true, false),
	('hnsw', 'vector(256)', 'vector_cosine_ops', '<=>', 'none', 'v', true, false),
	('hnsw', 'vector(256)', 'vector_l1_ops', '<+>', 'sq8', 'v', true, false),
	('hnsw', 'vector(256)', 'vector_cosine_ops', '<=>', 'rabitq', 'v', true, true),
	('hnsw', 'vector(24)', 'vector_l2_ops', '<->', 'sq8', 'subvector(v, 1, 24)', false, false),
	('hnsw', 'vector(24)', 'vector_ip_ops', '<#>', 'rabitq', 'subvector(v, 1, 24)', true, false),
	('hnsw', 'halfvec(256)', 'halfvec_l2_ops', '<->', 'f16', 'v::halfvec', true, false),
	('hnsw', 'halfvec(256)', 'halfvec_ip_ops', '<#>', 'sq8', 'v::halfvec', true, false),
	('hnsw', 'halfvec(256)', 'halfvec_cosine_ops', '<=>', 'rabitq', 'v::halfvec', true, false),
	('hnsw', 'halfvec(256)', 'halfvec_l1_ops', '<+>', 'sq8', 'v::halfvec', true, false),
	('hnsw', 'sparsevec(256)', 'sparsevec_l2_ops', '<->', NULL, 'v::sparsevec', true, false),
	('hnsw', 'sparsevec(256)', 'sparsevec_cosine_ops', '<=>', NULL, 'v::sparsevec', true, false),
	('hnsw', 'bit(256)', 'bit_hamming_ops', '<~>', NULL, 'binary_quantize(v)', false, false),
	('hnsw', 'bit(256)', 'bit_jaccard_ops', '<%>', NULL, 'binary_quantize(v)', false, false),
	('ivf', 'vector(256)', 'vector_l2_ops', '<->', 'sq8', 'v', true, true),
	('ivf', 'vector(256)', 'vector_ip_ops', '<#>', 'none', 'v', true, false),
	('ivf', 'vector(256)', 'vector_cosine_ops', '<=>', 'rabitq', 'v', true, false),
	('ivf', 'halfvec(256)', 'halfvec_cosine_ops', '<=>', 'sq8', 'v::halfvec', true, false),
	('ivf', 'bit(256)', 'bit_hamming_ops', '<~>', NULL, 'binary_quantize(v)', false, false))
	kinds(am, type, opclass, op, quantization, convert, misses, ways);

-- VACUUM between: rows without a key are deleted and added like others
CREATE TABLE complete (id int PRIMARY KEY, c int, v vector(256));
INSERT INTO complete SELECT * FROM complete_rows;
CREATE INDEX complete_v ON complete USING barq_hnsw (v vector_cosine_ops);
DELETE FROM complete WHERE id % 5 = 0;
VACUUM complete;
SELECT pg_temp.judge('vacuumed', '<=>', (SELECT v::text FROM complete WHERE id = 77), true, false) AS cells;
INSERT INTO complete SELECT * FROM complete_rows WHERE id % 5 = 0;
SELECT barq_seal('complete_v') > 0 AS sealed, barq_compact('complete_v') > 0 AS compacted;
SELECT pg_temp.judge('compacted', '<=>', (SELECT v::text FROM complete WHERE id = 77), true, false) AS cells;
SELECT kind, rows, dead_rows FROM barq_segments('complete_v') WHERE state <> 'growing';
SELECT * FROM barq_check('complete_v');
-- a query that has no distance to anything: zero under cosine, NULL
SET enable_seqscan = off;
SELECT count(*), count(*) FILTER (WHERE d = 'NaN') AS undefined, count(d) AS distances FROM (SELECT v <=> array_fill(0::real, ARRAY[256])::vector AS d FROM complete ORDER BY d LIMIT 10000) s;
SELECT count(*) FROM (SELECT id FROM complete, (SELECT NULL::vector AS q OFFSET 0) q ORDER BY v <=> q LIMIT 10000) s;
-- iterative_scan = off ends a scan after its candidates; a limit cuts it, and is counted
SET barq.iterative_scan = off;
SELECT count(*) FROM (SELECT id FROM complete ORDER BY v <=> (SELECT v FROM complete WHERE id = 77) LIMIT 10000) s;
RESET barq.iterative_scan;
SET barq.max_scan_tuples = 100;
SELECT count(*) FROM (SELECT id FROM complete WHERE id > 2 ORDER BY v <=> (SELECT v FROM complete WHERE id = 77) LIMIT 99) s;
SELECT count(*) < 10 AS cut FROM (SELECT id FROM complete WHERE c = 5 ORDER BY v <=> (SELECT v FROM complete WHERE id = 77) LIMIT 50) s;
SELECT cut, scored_all FROM barq_last_scan();
SELECT scans_cut FROM barq_stats() WHERE index = 'complete_v'::regclass;
RESET barq.max_scan_tuples;
-- consistency = sealed returns only sealed rows
INSERT INTO complete SELECT id + 10000, c, v FROM complete_rows WHERE id <= 100;
SET barq.consistency = sealed;
SELECT count(*), max(id) <= 4600 AS sealed FROM (SELECT id FROM complete ORDER BY v <=> (SELECT v FROM complete WHERE id = 77) LIMIT 10000) s;
RESET barq.consistency;
SELECT count(*) FROM (SELECT id FROM complete ORDER BY v <=> (SELECT v FROM complete WHERE id = 77) LIMIT 10000) s;
DROP TABLE complete, complete_rows, complete_some, complete_shapes;
