-- Quantization 'rabitq', whose bounds are only likely: rows in exact order, recall
-- against an exact scan, rescans and cursors.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.3);

-- For rows that were built, are in the log, were sealed or compacted, with one
-- dimension or more: no row is out of order; of all rows fetched in one round few
-- come too late; the first ten are found in one round and in several. Shown are
-- failures.
CREATE FUNCTION pg_temp.everywhere(label text, dims int, low float8, high float8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	metric text;
	queries vector[];
	result record;
	searches bigint = 0;
BEGIN
	EXECUTE format('CREATE TABLE hnsw_rabitq (id int GENERATED ALWAYS AS IDENTITY, v vector(%s))', dims);
	FOREACH metric IN ARRAY ARRAY['l2', 'ip', 'cosine'] LOOP
		TRUNCATE hnsw_rabitq;
		EXECUTE format('INSERT INTO hnsw_rabitq (v) SELECT pg_temp.random_vector(%s, %s, %s) FROM generate_series(1, 70)', dims, low, high);
		EXECUTE format('CREATE INDEX hnsw_rabitq_idx ON hnsw_rabitq USING barq_hnsw (v vector_%s_ops) WITH (quantization = rabitq)', metric);
		EXECUTE format('INSERT INTO hnsw_rabitq (v) SELECT pg_temp.random_vector(%s, %s, %s) FROM generate_series(1, 70)', dims, low, high);
		-- some of the queries are rows
		queries = ARRAY(SELECT pg_temp.random_vector(dims, low, high) FROM generate_series(1, 5)) || ARRAY(SELECT v FROM hnsw_rabitq WHERE id % 30 = 7);
		FOR step IN 1..3 LOOP
			FOR way IN 1..3 LOOP
				PERFORM set_config('barq.ef_search', (ARRAY['1000', '40', '7'])[way], true);
				SELECT * INTO result FROM pg_temp.compare('hnsw_rabitq', pg_temp.operator_of(metric), queries, (ARRAY[1000, 10, 10])[way]);
				IF result.unordered > 0 OR result.recall < (ARRAY[0.95, 0.95, 0.9])[way] THEN
					RAISE NOTICE '%, %, step %, way %: %', label, metric, step, way, result;
				END IF;
				searches = searches + array_length(queries, 1);
			END LOOP;
			IF step = 1 THEN PERFORM barq_seal('hnsw_rabitq_idx'); ELSE PERFORM barq_compact('hnsw_rabitq_idx'); END IF;
		END LOOP;
		IF EXISTS (SELECT FROM barq_check('hnsw_rabitq_idx')) THEN
			RAISE NOTICE '%, %: not sound', label, metric;
		END IF;
		DROP INDEX hnsw_rabitq_idx;
	END LOOP;
	DROP TABLE hnsw_rabitq;
	RETURN searches > 0;
END $$;
SELECT dims, pg_temp.everywhere(dims || ' dimensions', dims, -1, 1) AS searched FROM unnest(ARRAY[1, 2, 3, 63, 64, 65, 200]) dims;
SELECT pg_temp.everywhere('positive', 100, 0, 1) AS searched;
SELECT pg_temp.everywhere('an offset', 100, 100, 101) AS searched;
SELECT pg_temp.everywhere('tiny', 100, -1e-30, 1e-30) AS searched;
SELECT pg_temp.everywhere('large', 100, -1e15, 1e15) AS searched;

-- 16,000 dimensions: a record of the log spans pages
CREATE TABLE hnsw_rabitq (id int, v vector(16000));
INSERT INTO hnsw_rabitq SELECT i, pg_temp.random_vector(16000) FROM generate_series(1, 10) i;
CREATE INDEX hnsw_rabitq_idx ON hnsw_rabitq USING barq_hnsw (v vector_l2_ops) WITH (quantization = rabitq);
INSERT INTO hnsw_rabitq SELECT id + 10, v + v FROM hnsw_rabitq;
SELECT wrong FROM pg_temp.compare('hnsw_rabitq', '<->', ARRAY(SELECT v FROM hnsw_rabitq WHERE id IN (3, 13)), 30);
SELECT barq_seal('hnsw_rabitq_idx');
SELECT wrong FROM pg_temp.compare('hnsw_rabitq', '<->', ARRAY(SELECT v FROM hnsw_rabitq WHERE id IN (3, 13)), 30);
SELECT * FROM barq_check('hnsw_rabitq_idx');
DROP TABLE hnsw_rabitq;

-- numbers at the limits of float, and duplicates: no error, and in order
CREATE TABLE hnsw_rabitq (id int, v vector(20));
INSERT INTO hnsw_rabitq SELECT i, (SELECT array_agg((CASE i % 4 WHEN 0 THEN 3e38 WHEN 1 THEN 1e-38 WHEN 2 THEN (j % 2) * 1e20 ELSE -1e30 END * random())::real) FROM generate_series(1, 20) j)::vector FROM generate_series(1, 100) i;
INSERT INTO hnsw_rabitq SELECT i, array_fill(i % 5 + 1, ARRAY[20])::vector FROM generate_series(101, 200) i;
CREATE INDEX hnsw_rabitq_l2 ON hnsw_rabitq USING barq_hnsw (v vector_l2_ops) WITH (quantization = rabitq);
CREATE INDEX hnsw_rabitq_ip ON hnsw_rabitq USING barq_hnsw (v vector_ip_ops) WITH (quantization = rabitq);
CREATE INDEX hnsw_rabitq_cosine ON hnsw_rabitq USING barq_hnsw (v vector_cosine_ops) WITH (quantization = rabitq);
SELECT op, unordered FROM unnest(ARRAY['<->', '<#>', '<=>']) op, pg_temp.compare('hnsw_rabitq', op, ARRAY(SELECT v FROM hnsw_rabitq WHERE id % 9 = 0), 1000);
-- NULL and, under cosine, zero: every row, in any order, without a distance
SELECT count(*), count(d) FROM (SELECT v <-> NULL AS d FROM hnsw_rabitq ORDER BY v <-> NULL LIMIT 500) s;
SELECT count(*), count(d) FROM (SELECT v <=> z AS d FROM hnsw_rabitq, (SELECT array_fill(0, ARRAY[20])::vector AS z OFFSET 0) z ORDER BY v <=> z LIMIT 500) s WHERE d = 'NaN';
DROP TABLE hnsw_rabitq;

-- the same for halfvec
CREATE TABLE hnsw_rabitq (id int, v halfvec(100));
INSERT INTO hnsw_rabitq SELECT i, pg_temp.random_vector(100)::halfvec FROM generate_series(1, 300) i;
CREATE INDEX hnsw_rabitq_idx ON hnsw_rabitq USING barq_hnsw (v halfvec_cosine_ops) WITH (quantization = rabitq);
INSERT INTO hnsw_rabitq SELECT i, pg_temp.random_vector(100)::halfvec FROM generate_series(301, 400) i;
CREATE TEMP TABLE near AS SELECT q.id AS query, array(SELECT t.id FROM hnsw_rabitq t ORDER BY t.v <=> q.v LIMIT 10) AS ids FROM hnsw_rabitq q WHERE q.id % 20 = 0;
SELECT avg((SELECT count(*) FROM (SELECT t.id FROM hnsw_rabitq t ORDER BY (t.v <=> q.v) + 0 LIMIT 10) s WHERE s.id = ANY (ids))) >= 9.5 AS recall,
	bool_and(ids = ARRAY(SELECT t.id FROM hnsw_rabitq t WHERE t.id = ANY (ids) ORDER BY (t.v <=> q.v) + 0)) AS ordered
FROM near JOIN hnsw_rabitq q ON q.id = query;
SELECT * FROM barq_check('hnsw_rabitq_idx');
DROP TABLE hnsw_rabitq;

-- L1 has no such estimate, so it is an error
CREATE TABLE hnsw_rabitq (v vector(3));
SELECT pg_temp.outcome('CREATE INDEX ON hnsw_rabitq USING barq_hnsw (v vector_l1_ops) WITH (quantization = rabitq)');
CREATE INDEX hnsw_rabitq_idx ON hnsw_rabitq USING barq_hnsw (v vector_l1_ops);
ALTER INDEX hnsw_rabitq_idx SET (quantization = rabitq);
SELECT pg_temp.outcome('REINDEX INDEX hnsw_rabitq_idx');
SELECT options FROM barq_indexes() WHERE index = 'hnsw_rabitq_idx'::regclass;
DROP TABLE hnsw_rabitq;

-- A graph of rows in clusters, some of them nearer to the centre than others.
CREATE TABLE hnsw_rabitq (id int GENERATED ALWAYS AS IDENTITY, v vector(768));
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_vector(768) AS v FROM generate_series(0, 39) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_vector(768, -0.04 * (1 + i % 10), 0.04 * (1 + i % 10)) AS v FROM generate_series(0, 499) i;
INSERT INTO hnsw_rabitq (v)
	SELECT c.v + n.v + o.v FROM generate_series(1, 6000) g(row)
		JOIN centre c ON c.i = row % 40 JOIN noise n ON n.i = (row * 7) % 499 JOIN noise o ON o.i = (row * 11) % 487
	ORDER BY row;
CREATE INDEX hnsw_sq8_idx ON hnsw_rabitq USING barq_hnsw (v vector_cosine_ops);
CREATE INDEX hnsw_rabitq_idx ON hnsw_rabitq USING barq_hnsw (v vector_cosine_ops) WITH (quantization = rabitq);
SELECT kind, rows FROM barq_segments('hnsw_rabitq_idx') WHERE state <> 'growing';
-- the codes make the index small
SELECT max(page_bytes) FILTER (WHERE i = 'hnsw_rabitq_idx') <= 0.45 * max(page_bytes) FILTER (WHERE i = 'hnsw_sq8_idx') AS small
FROM unnest(ARRAY['hnsw_rabitq_idx', 'hnsw_sq8_idx']) i, barq_segments(i);
DROP INDEX hnsw_sq8_idx;
CREATE TEMP TABLE query AS
	SELECT array_agg(v + pg_temp.random_vector(768, -0.2, 0.2)) AS vs FROM (SELECT v FROM hnsw_rabitq WHERE id % 150 = 0) s;
SELECT recall >= 0.95 AS recall, unordered FROM query, pg_temp.compare('hnsw_rabitq', '<=>', vs, 10);
DELETE FROM hnsw_rabitq WHERE id % 11 = 3;
VACUUM hnsw_rabitq;
INSERT INTO hnsw_rabitq (v) SELECT v + pg_temp.random_vector(768, -0.1, 0.1) FROM hnsw_rabitq WHERE id % 50 = 1;
SELECT recall >= 0.95 AS recall_after_changes, unordered FROM query, pg_temp.compare('hnsw_rabitq', '<=>', vs, 10);
SELECT barq_seal('hnsw_rabitq_idx') > 0 AS sealed, barq_compact('hnsw_rabitq_idx') = (SELECT count(*) FROM hnsw_rabitq) AS compacted;
SELECT kind, rows = (SELECT count(*) FROM hnsw_rabitq) AS all_rows, dead_rows FROM barq_segments('hnsw_rabitq_idx') WHERE state <> 'growing';
SELECT recall >= 0.95 AS recall_of_the_merged_graph, unordered FROM query, pg_temp.compare('hnsw_rabitq', '<=>', vs, 10);
SELECT * FROM barq_check('hnsw_rabitq_idx');

-- The end of a scan. off: at most ef_search rows; strict_order: in order to the last
-- row; relaxed_order: every row, none twice
CREATE TEMP VIEW q AS SELECT vs[1] AS v FROM query;
SET barq.iterative_scan = off;
SELECT count(*) <= 40 AND count(*) >= 35 AS bounded FROM (SELECT id FROM hnsw_rabitq ORDER BY v <=> (SELECT v FROM q) LIMIT 100) s;
SELECT recall >= 0.95 AS recall, unordered FROM query, pg_temp.compare('hnsw_rabitq', '<=>', vs[1:10], 10);
SET barq.iterative_scan = strict_order;
SELECT recall >= 0.9 AS recall, unordered FROM query, pg_temp.compare('hnsw_rabitq', '<=>', vs[1:10], 200);
SELECT recall >= 0.9 AS recall, unordered FROM query, pg_temp.compare('hnsw_rabitq', '<=>', vs[1:10], 20, 'id % 10 = 7');
SELECT count(*) BETWEEN 90 AND 100 AS cut FROM (SELECT id FROM hnsw_rabitq WHERE set_config('barq.max_scan_tuples', '100', true) = '100' ORDER BY v <=> (SELECT v FROM q) LIMIT 200) s;
SET barq.iterative_scan = relaxed_order;
SET barq.max_scan_tuples = 100000;
SELECT count(*) = (SELECT count(*) FROM hnsw_rabitq) AS every_row, count(*) = count(DISTINCT id) AS once FROM (SELECT id FROM hnsw_rabitq ORDER BY v <=> (SELECT v FROM q) LIMIT 10000) s;
SELECT recall >= 0.9 AS recall FROM query, pg_temp.compare('hnsw_rabitq', '<=>', vs[1:10], 100);
RESET barq.iterative_scan;
RESET barq.max_scan_tuples;

-- a cursor that is fetched in pieces continues in order and repeats no row
BEGIN;
DECLARE c CURSOR FOR SELECT id, v <=> (SELECT v FROM q) AS d FROM hnsw_rabitq ORDER BY v <=> (SELECT v FROM q);
CREATE TEMP TABLE fetched (n int GENERATED ALWAYS AS IDENTITY, id int, d float8) ON COMMIT DROP;
CREATE FUNCTION pg_temp.take(c refcursor, n int) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR i IN 1..n LOOP
		FETCH c INTO r;
		RETURN NEXT r;
	END LOOP;
END $$;
INSERT INTO fetched (id, d) SELECT * FROM pg_temp.take('c', 3) t(id int, d float8);
DELETE FROM hnsw_rabitq WHERE id % 2 = 0;
INSERT INTO fetched (id, d) SELECT * FROM pg_temp.take('c', 60) t(id int, d float8);
SELECT count(*), count(DISTINCT id), bool_or(id % 2 = 0) AS sees_its_snapshot FROM fetched;
SELECT count(*) FROM (SELECT d < lag(d) OVER (ORDER BY n) AS back FROM fetched) s WHERE back;
ROLLBACK;

-- rescans of the inner side of a join; rows keep their TIDs
SELECT count(*), count(DISTINCT id) > 20 AS different FROM query, unnest(vs) u(v), LATERAL (SELECT id FROM hnsw_rabitq t ORDER BY t.v <=> u.v LIMIT 3) s;
SELECT count(*) FROM (SELECT id FROM hnsw_rabitq ORDER BY v <=> (SELECT v FROM q) LIMIT 5 FOR UPDATE) s;
SELECT count(*) FROM (SELECT id, ctid AS at FROM hnsw_rabitq ORDER BY v <=> (SELECT v FROM q) LIMIT 30) s JOIN hnsw_rabitq t ON t.ctid = s.at AND t.id = s.id;
DROP TABLE hnsw_rabitq;
