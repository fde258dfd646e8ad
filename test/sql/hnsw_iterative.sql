-- The end of a scan: iterative_scan, ef_search, max_scan_tuples; scans that are
-- fetched in pieces, rescanned, or open at the same time.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.4);
CREATE TABLE hnsw_iterative (id int, v vector(16));
INSERT INTO hnsw_iterative SELECT i, pg_temp.random_vector(16) FROM generate_series(1, 3000) i;
CREATE INDEX hnsw_iterative_idx ON hnsw_iterative USING barq_hnsw (v vector_l2_ops);
-- a segment that was sealed later, and a log
INSERT INTO hnsw_iterative SELECT i, pg_temp.random_vector(16) FROM generate_series(3001, 3500) i;
SELECT barq_seal('hnsw_iterative_idx');
INSERT INTO hnsw_iterative SELECT i, pg_temp.random_vector(16) FROM generate_series(3501, 4000) i;
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(16)) AS vs FROM generate_series(1, 20);
CREATE TEMP VIEW q AS SELECT vs[1] AS v FROM query;

-- off: at most ef_search rows, the nearest ones, before a filter
SET barq.iterative_scan = off;
SET barq.ef_search = 25;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 100) s;
SELECT count(*) <= 25 AS bounded, count(*) < 25 AS filtered FROM (SELECT id FROM hnsw_iterative WHERE id % 2 = 0 ORDER BY v <-> (SELECT v FROM q) LIMIT 100) s;
SELECT wrong FROM query, pg_temp.compare('hnsw_iterative', '<->', vs, 10);

-- strict_order: a filter gets all its rows in the exact order for any ef_search
SET barq.iterative_scan = strict_order;
SET barq.ef_search = 10;
SELECT wrong, recall FROM query, pg_temp.compare('hnsw_iterative', '<->', vs, 200);
SELECT wrong, recall FROM query, pg_temp.compare('hnsw_iterative', '<->', vs, 20, 'id % 50 = 7');
SELECT wrong, recall FROM query, pg_temp.compare('hnsw_iterative', '<->', vs, 5, 'id IN (17, 1017, 2017, 3317, 3917)');
-- every row to the last, none twice
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 5000) s;
SELECT bool_and(ordered) AS ordered FROM (SELECT d >= lag(d) OVER (ROWS UNBOUNDED PRECEDING) AS ordered FROM
	(SELECT v <-> (SELECT v FROM q) AS d FROM hnsw_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 5000) s) s;
SET barq.ef_search = 1;
SELECT wrong, recall FROM query, pg_temp.compare('hnsw_iterative', '<->', vs[1:3], 100);
SET barq.ef_search = 10;

-- relaxed_order: every row, none twice; batches are ordered, the whole is not
SET barq.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 5000) s;
SELECT recall >= 0.9 AS near FROM query, pg_temp.compare('hnsw_iterative', '<->', vs, 200);

-- max_scan_tuples ends a scan: a LIMIT below it is fulfilled, a filter gets fewer rows
SET barq.max_scan_tuples = 100;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 100) s;
SELECT count(*) < 50 AS short FROM (SELECT id FROM hnsw_iterative WHERE id % 10 = 0 ORDER BY v <-> (SELECT v FROM q) LIMIT 50) s;
SET barq.iterative_scan = strict_order;
SELECT count(*) < 50 AS short FROM (SELECT id FROM hnsw_iterative WHERE id % 10 = 0 ORDER BY v <-> (SELECT v FROM q) LIMIT 50) s;
SET barq.max_scan_tuples = 1;
SELECT count(*) FROM (SELECT id FROM hnsw_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 1) s;
RESET barq.max_scan_tuples;
RESET barq.ef_search;

-- a cursor fetched in pieces, beside another one, while rows are inserted and deleted
CREATE TEMP TABLE fetched (c int, n int GENERATED ALWAYS AS IDENTITY, id int, d float8);
DO $$
DECLARE
	queries vector[] = (SELECT vs FROM query);
	a CURSOR (q vector) FOR SELECT id, v <-> q AS d FROM hnsw_iterative ORDER BY v <-> q;
	b CURSOR (q vector) FOR SELECT id, v <-> q AS d FROM hnsw_iterative ORDER BY v <-> q;
	c CURSOR (q vector) FOR SELECT id, v <-> q AS d FROM hnsw_iterative WHERE id % 3 = 0 ORDER BY v <-> q;
	r record;
BEGIN
	OPEN a(queries[1]);
	OPEN b(queries[2]);
	OPEN c(queries[1]);
	FOR i IN 1..150 LOOP
		FETCH a INTO r;
		INSERT INTO fetched (c, id, d) VALUES (1, r.id, r.d);
		FETCH b INTO r;
		INSERT INTO fetched (c, id, d) VALUES (2, r.id, r.d);
		IF i % 3 = 0 THEN
			FETCH c INTO r;
			INSERT INTO fetched (c, id, d) VALUES (3, r.id, r.d);
		END IF;
		IF i = 20 THEN
			-- not seen by the scans that are open
			INSERT INTO hnsw_iterative SELECT 5000 + n, queries[1] FROM generate_series(1, 10) n;
			PERFORM barq_seal('hnsw_iterative_idx');
		ELSIF i = 60 THEN
			PERFORM barq_compact('hnsw_iterative_idx');
		ELSIF i = 100 THEN
			DELETE FROM hnsw_iterative WHERE id >= 5000;
		END IF;
	END LOOP;
	CLOSE a;
	CLOSE b;
	CLOSE c;
END $$;
SELECT c, count(*), count(DISTINCT id), count(*) FILTER (WHERE id >= 5000) AS too_new,
	count(*) FILTER (WHERE d IS DISTINCT FROM exact) AS wrong
FROM (SELECT f.c, f.id, f.d, e.d AS exact FROM (SELECT c, id, d, row_number() OVER (PARTITION BY c ORDER BY n) AS nth FROM fetched) f
	LEFT JOIN (SELECT c, d, row_number() OVER (PARTITION BY c ORDER BY d) AS nth FROM
		(SELECT c, v <-> vs[(ARRAY[1, 2, 1])[c]] AS d FROM query, hnsw_iterative, generate_series(1, 3) c WHERE c <> 3 OR id % 3 = 0) s) e USING (c, nth)) s
GROUP BY c ORDER BY c;
SELECT * FROM barq_check('hnsw_iterative_idx');

-- rescans with another query and another count, without reading to the end
SELECT count(*) FILTER (WHERE ids IS DISTINCT FROM exact) AS differences FROM (
	SELECT ARRAY(SELECT id FROM hnsw_iterative t ORDER BY t.v <-> q.v LIMIT q.n) AS ids,
		ARRAY(SELECT id FROM hnsw_iterative t ORDER BY (t.v <-> q.v) + 0 LIMIT q.n) AS exact
	FROM (SELECT vs[g.nth] AS v, 1 + (g.nth * 37) % 60 AS n FROM query, generate_series(1, 20) g(nth)) q) s;
-- two scans of one index in one statement
SELECT count(*), count(DISTINCT id) FROM (
	(SELECT id FROM hnsw_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 30)
	UNION ALL (SELECT id FROM hnsw_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 30)) s;

-- rows that wait for the next batch are not lost where strict order is set before it begins
DROP INDEX hnsw_iterative_idx;
CREATE INDEX ON hnsw_iterative USING barq_hnsw (v vector_l2_ops) WITH (quantization = 'rabitq');
CREATE FUNCTION pg_temp.rows_of(first int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	c CURSOR (q vector) FOR SELECT id FROM hnsw_iterative ORDER BY v <-> q;
	id int;
	ids int[] := '{}';
BEGIN
	SET LOCAL barq.iterative_scan = relaxed_order;
	OPEN c((SELECT v FROM q));
	LOOP
		FETCH c INTO id;
		EXIT WHEN NOT FOUND;
		ids := ids || id;
		IF cardinality(ids) = first THEN
			SET LOCAL barq.iterative_scan = strict_order;
		END IF;
	END LOOP;
	CLOSE c;
	RETURN (SELECT count(DISTINCT i) FROM unnest(ids) i);
END $$;
SELECT count(*) FILTER (WHERE pg_temp.rows_of(first) <> (SELECT count(*) FROM hnsw_iterative)) AS lossy FROM generate_series(1, 1500, 100) first;
DROP TABLE hnsw_iterative;
