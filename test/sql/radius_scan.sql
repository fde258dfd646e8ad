-- A search within a radius returns exactly the rows of a sequential scan: for every
-- access method, type, distance and quantization, every layout of the rows in the index,
-- every shape of condition and plan, and every radius.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.5);
SET barq.growing_limit = '1GB';
-- rows in clusters of different width; every fiftieth vector is NULL, every eightieth zero
CREATE TABLE radius_rows AS
	SELECT i AS id, i % 7 AS c, CASE WHEN i % 50 = 0 THEN NULL WHEN i % 80 = 1 THEN array_fill(0::real, ARRAY[256])::vector
		ELSE (SELECT array_agg((CASE WHEN j % 4 = 0 THEN 0 ELSE sin((i % 37) * 7.3 + j) * 0.7 + (random() - 0.5) * (i % 5) / 4 END)::real ORDER BY j) FROM generate_series(1, 256) j)::vector END AS v
	FROM generate_series(1, 4200) i;

-- Shapes of queries. D: the distance, R: the radius.
CREATE TABLE radius_shapes (number int GENERATED ALWAYS AS IDENTITY, ordered boolean, query text);
INSERT INTO radius_shapes (ordered, query) VALUES
	(false, 'SELECT id FROM radius WHERE D < R'),
	(false, 'SELECT id FROM radius WHERE R >= D'),
	(true, 'SELECT id FROM radius WHERE D <= R ORDER BY D'),
	(false, 'SELECT id FROM radius WHERE R > D AND c < 3'),
	(true, 'SELECT id FROM radius WHERE R > D AND c = 5 ORDER BY D'),
	(false, 'SELECT id, D AS d FROM radius WHERE D < R ORDER BY D LIMIT 9');

-- Compare a query's rows, or with a LIMIT its distances, by a search and by a sequential
-- scan. Returns NULL, or the difference.
CREATE FUNCTION pg_temp.differs(query text, ordered boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	what text := CASE WHEN query LIKE '%LIMIT%' THEN 'd::text' ELSE 'id::text' END;
	line text;
	plan text = '';
	found text[];
	expected text[];
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_indexscan = off;
	EXECUTE format('SET LOCAL enable_sort = %s', NOT ordered);
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan = plan || line || ' ';
	END LOOP;
	IF plan NOT LIKE '%Custom Scan (BarqRadius)%' OR plan LIKE '%Sort%' AND ordered THEN
		RETURN 'no radius scan: ' || plan;
	END IF;
	EXECUTE format('SELECT array_agg(%s) FROM (%s) s', what, query) INTO found;
	SET LOCAL barq.condition_scan = off;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_seqscan = on;
	EXECUTE format('SELECT array_agg(%s) FROM (%s) s', what, query) INTO expected;
	SET LOCAL barq.condition_scan = on;
	IF ARRAY(SELECT unnest(found) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT unnest(expected) ORDER BY 1) THEN
		RETURN format('%s rows, %s by a sequential scan', cardinality(found), cardinality(expected));
	END IF;
	RETURN NULL;
END $$;

-- All shapes and radii, over the current state of an index, for a query near rows, one
-- far from all, and a zero vector under cosine.
CREATE FUNCTION pg_temp.judge(label text, op text, convert text, OUT cells int) LANGUAGE plpgsql AS $$
DECLARE
	shape record;
	literal text;
	radius text;
	wrong text;
BEGIN
	cells = 0;
	FOR literal IN EXECUTE format('SELECT (%s)::text FROM radius_rows WHERE id = 77 OR (id = 81 AND %L = ''<=>'') UNION ALL SELECT (SELECT %s FROM (SELECT v * array_fill((-3)::real, ARRAY[256])::vector AS v FROM radius_rows WHERE id = 78) s)::text', convert, op, convert) LOOP
		FOR radius IN EXECUTE format('SELECT DISTINCT r FROM (SELECT unnest(percentile_disc(ARRAY[0, 0.001, 0.02, 0.5]) WITHIN GROUP (ORDER BY d))::text FROM (SELECT v %s %L AS d FROM radius) s WHERE d IS NOT NULL UNION ALL VALUES (''-1''), (''Infinity''), (''NaN'')) t(r) ORDER BY 1', op, literal) LOOP
			FOR shape IN SELECT ordered, regexp_replace(regexp_replace(query, '\mD\M', format('v %s %L', op, literal), 'g'), '\mR\M', format('%L::float8', radius), 'g') AS query
				FROM radius_shapes ORDER BY number LOOP
				wrong = pg_temp.differs(shape.query, shape.ordered);
				cells = cells + 1;
				IF wrong IS NOT NULL THEN
					RAISE NOTICE '%, %, %: %', label, radius, regexp_replace(shape.query, '''[^'']{40,}''', 'query', 'g'), wrong;
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
END $$;

-- One kind of index over rows of one type, in every layout.
CREATE FUNCTION pg_temp.complete(am text, type text, opclass text, op text, options text, convert text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	label text = concat_ws(' ', am, opclass, options);
	make text = format('CREATE INDEX radius_v ON radius USING barq_%s (v %s)%s', am, opclass, ' WITH (' || options || ')');
	fill text = format('INSERT INTO radius SELECT id, c, %s FROM radius_rows WHERE ', convert);
	cells int;
BEGIN
	EXECUTE format('CREATE TABLE radius (id int PRIMARY KEY, c int, v %s)', type);
	EXECUTE fill || 'true';
	EXECUTE make;
	DELETE FROM radius WHERE id % 9 = 1;
	cells = pg_temp.judge(label || ', one segment', op, convert);
	TRUNCATE radius;
	EXECUTE fill || 'id < 600 AND id % 2 = 0';
	PERFORM barq_seal('radius_v');
	EXECUTE fill || 'id < 600 AND id % 2 = 1';
	UPDATE radius SET c = 5, v = NULL WHERE id % 40 = 3;
	cells = cells + pg_temp.judge(label || ', small segment and log', op, convert);
	DROP TABLE radius;
	RETURN cells;
END $$;

SELECT sum(pg_temp.complete(am, type, opclass, op, options, convert)) AS cells FROM (VALUES
	('hnsw', 'vector(256)', 'vector_l2_ops', '<->', 'quantization = sq8', 'v'),
	('hnsw', 'vector(256)', 'vector_cosine_ops', '<=>', 'quantization = sq8, refine = on', 'v'),
	('hnsw', 'vector(256)', 'vector_ip_ops', '<#>', 'quantization = f16', 'v'),
	('hnsw', 'vector(256)', 'vector_cosine_ops', '<=>', 'quantization = none', 'v'),
	('hnsw', 'vector(256)', 'vector_l1_ops', '<+>', 'quantization = sq8', 'v'),
	('hnsw', 'vector(256)', 'vector_cosine_ops', '<=>', 'quantization = rabitq, refine = on', 'v'),
	('hnsw', 'vector(24)', 'vector_l2_ops', '<->', 'quantization = rabitq', 'subvector(v, 1, 24)'),
	('hnsw', 'vector(24)', 'vector_ip_ops', '<#>', 'quantization = rabitq', 'subvector(v, 1, 24)'),
	('hnsw', 'halfvec(256)', 'halfvec_ip_ops', '<#>', 'quantization = sq8', 'v::halfvec'),
	('hnsw', 'halfvec(256)', 'halfvec_l1_ops', '<+>', 'quantization = f16', 'v::halfvec'),
	('hnsw', 'sparsevec(256)', 'sparsevec_l2_ops', '<->', NULL, 'v::sparsevec'),
	('hnsw', 'sparsevec(256)', 'sparsevec_cosine_ops', '<=>', NULL, 'v::sparsevec'),
	('hnsw', 'sparsevec(256)', 'sparsevec_ip_ops', '<#>', NULL, 'v::sparsevec'),
	('hnsw', 'bit(256)', 'bit_hamming_ops', '<~>', NULL, 'binary_quantize(v)'),
	('hnsw', 'bit(256)', 'bit_jaccard_ops', '<%>', NULL, 'binary_quantize(v)'),
	('ivf', 'vector(256)', 'vector_l2_ops', '<->', 'quantization = sq8, lists = 37', 'v'),
	('ivf', 'vector(256)', 'vector_ip_ops', '<#>', 'quantization = none, lists = 37', 'v'),
	('ivf', 'vector(256)', 'vector_cosine_ops', '<=>', 'quantization = rabitq, lists = 37', 'v'),
	('ivf', 'halfvec(256)', 'halfvec_cosine_ops', '<=>', 'quantization = sq8, lists = 37', 'v::halfvec'),
	('ivf', 'bit(256)', 'bit_hamming_ops', '<~>', 'lists = 37', 'binary_quantize(v)'))
	kinds(am, type, opclass, op, options, convert);
