-- The end of a scan of lists: iterative_scan, probes, max_scan_tuples.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.4);
CREATE TABLE ivf_iterative (id int, v vector(24));
INSERT INTO ivf_iterative SELECT i, pg_temp.random_vector(24) FROM generate_series(1, 25000) i;
CREATE INDEX ivf_iterative_idx ON ivf_iterative USING barq_ivf (v) WITH (lists = 50);
-- a segment that was sealed later, and a log
INSERT INTO ivf_iterative SELECT i, pg_temp.random_vector(24) FROM generate_series(25001, 25500) i;
SELECT barq_seal('ivf_iterative_idx');
INSERT INTO ivf_iterative SELECT i, pg_temp.random_vector(24) FROM generate_series(25501, 26000) i;
SELECT kind, rows FROM barq_segments('ivf_iterative_idx') ORDER BY rows DESC;
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(24)) AS vs FROM generate_series(1, 20);
CREATE TEMP VIEW q AS SELECT vs[1] AS v FROM query;

-- off: exactly the rows of the probed lists, of flat segments and of the log, in the
-- exact order, for any ef_search
SET barq.iterative_scan = off;
SET barq.probes = 3;
CREATE TEMP TABLE off AS SELECT id, d, row_number() OVER () AS n FROM (SELECT id, v <-> (SELECT v FROM q) AS d FROM ivf_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 30000) s;
SELECT count(*) BETWEEN 1010 AND 1000 + 3 * 3 * 500 AS bounded, count(*) = count(DISTINCT id) AS once,
	count(*) FILTER (WHERE id > 25000) AS of_flat_and_log FROM off;
SELECT count(*) AS unordered FROM off a JOIN off b ON b.n = a.n + 1 WHERE b.d < a.d;
SET barq.ef_search = 1;
SELECT count(*) = (SELECT count(*) FROM off) AS same FROM (SELECT id FROM ivf_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 30000) s;
RESET barq.ef_search;
-- a filter gets fewer rows than its LIMIT
SELECT count(*) < 2500 AS filtered FROM (SELECT id FROM ivf_iterative WHERE id % 2 = 0 ORDER BY v <-> (SELECT v FROM q) LIMIT 2500) s;

-- strict_order: continues into further lists, never out of order
SET barq.iterative_scan = strict_order;
SET barq.max_scan_tuples = 100000;
SELECT count(*) FROM (SELECT id FROM ivf_iterative WHERE id % 500 = 7 ORDER BY v <-> (SELECT v FROM q) LIMIT 20) s;
SELECT unordered, recall >= 0.7 AS near FROM query, pg_temp.compare('ivf_iterative', '<->', vs, 20, 'id % 50 = 7');
SET barq.probes = 25;
SELECT unordered, recall >= 0.9 AS near FROM query, pg_temp.compare('ivf_iterative', '<->', vs, 100);
SET barq.probes = 3;

-- relaxed_order: every row to the last, none twice
SET barq.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM ivf_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 30000) s;
SELECT count(*) FROM (SELECT id FROM ivf_iterative WHERE id % 500 = 7 ORDER BY v <-> (SELECT v FROM q) LIMIT 100) s;

-- max_scan_tuples ends a scan
SET barq.max_scan_tuples = 100;
SELECT count(*) FROM (SELECT id FROM ivf_iterative ORDER BY v <-> (SELECT v FROM q) LIMIT 100) s;
SELECT count(*) < 50 AS short FROM (SELECT id FROM ivf_iterative WHERE id % 10 = 0 ORDER BY v <-> (SELECT v FROM q) LIMIT 50) s;
RESET barq.max_scan_tuples;

-- a cursor fetched in pieces while its segments are replaced
SET barq.iterative_scan = strict_order;
SET barq.probes = 50;
CREATE TEMP TABLE fetched (n int GENERATED ALWAYS AS IDENTITY, id int, d float8);
DO $$
DECLARE
	query vector = (SELECT v FROM q);
	c CURSOR FOR SELECT id, v <-> query AS d FROM ivf_iterative ORDER BY v <-> query;
	r record;
BEGIN
	OPEN c;
	FOR i IN 1..600 LOOP
		FETCH c INTO r;
		INSERT INTO fetched (id, d) VALUES (r.id, r.d);
		IF i = 20 THEN
			INSERT INTO ivf_iterative SELECT 30000 + n, query FROM generate_series(1, 10) n;
			PERFORM barq_seal('ivf_iterative_idx');
		ELSIF i = 300 THEN
			PERFORM barq_compact('ivf_iterative_idx');
		END IF;
	END LOOP;
	CLOSE c;
END $$;
SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE id >= 30000) AS too_new,
	count(*) FILTER (WHERE d IS DISTINCT FROM exact) AS wrong
FROM (SELECT f.id, f.d, e.d AS exact FROM fetched f LEFT JOIN
	(SELECT v <-> (SELECT v FROM q) AS d, row_number() OVER (ORDER BY v <-> (SELECT v FROM q)) AS n FROM ivf_iterative WHERE id < 30000) e USING (n)) s;
SELECT * FROM barq_check('ivf_iterative_idx');
DROP TABLE ivf_iterative;
