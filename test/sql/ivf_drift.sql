-- The distribution of rows moves away from that of the first rows: compaction trains
-- new centroids, and recall is about that of a fresh index.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.7);
-- recall, and the share of rows in the lists probed
CREATE FUNCTION pg_temp.look(tab regclass, queries vector[], OUT recall numeric, OUT looked_at numeric) LANGUAGE plpgsql AS $$
BEGIN
	SELECT c.recall INTO recall FROM pg_temp.compare(tab, '<->', queries, 10) c;
	SET LOCAL barq.iterative_scan = off;
	EXECUTE format('SELECT avg(n) / (SELECT count(*) FROM %1$s) FROM (SELECT (SELECT count(*) FROM (SELECT FROM %1$s ORDER BY v <-> q LIMIT 1000000) r) AS n FROM unnest($1) q) s', tab)
		INTO looked_at USING queries[1:10];
END $$;

CREATE TABLE ivf_drift (id int GENERATED ALWAYS AS IDENTITY, v vector(64));
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_vector(64) AS v FROM generate_series(0, 996) i;
-- sums of two give more distinct values than were drawn
CREATE FUNCTION pg_temp.rows_about(centre vector, first int, n int) RETURNS SETOF vector LANGUAGE sql AS
	$$ SELECT centre + a.v + b.v FROM generate_series(first, first + n - 1) g(row) JOIN noise a ON a.i = row % 997 JOIN noise b ON b.i = (row / 997 * 31 + row * 7) % 983 ORDER BY row $$;

INSERT INTO ivf_drift (v) SELECT pg_temp.rows_about(array_fill(0, ARRAY[64])::vector, 0, 12500);
CREATE INDEX ivf_drift_idx ON ivf_drift USING barq_ivf (v) WITH (lists = 100);
CREATE TEMP TABLE old_query AS SELECT array_agg(v) AS vs FROM pg_temp.rows_about(array_fill(0, ARRAY[64])::vector, 500000, 30) v;
CREATE TEMP TABLE new_query AS SELECT array_agg(v) AS vs FROM pg_temp.rows_about(array_fill(9, ARRAY[64])::vector, 500000, 30) v;
SET barq.probes = 10;
CREATE TEMP TABLE seen AS SELECT 'old rows' AS what, l.* FROM old_query, pg_temp.look('ivf_drift', vs) l;

-- as many rows from another region, through log, seals and merges
INSERT INTO ivf_drift (v) SELECT pg_temp.rows_about(array_fill(9, ARRAY[64])::vector, 100000, 12500);
SELECT barq_seal('ivf_drift_idx') > 0 AS sealed, barq_compact('ivf_drift_idx') = 25000 AS compacted;
SELECT kind, rows FROM barq_segments('ivf_drift_idx') WHERE state <> 'growing';
INSERT INTO seen SELECT 'compacted, new', l.* FROM new_query, pg_temp.look('ivf_drift', vs) l;
INSERT INTO seen SELECT 'compacted, old', l.* FROM old_query, pg_temp.look('ivf_drift', vs) l;
SELECT * FROM barq_check('ivf_drift_idx');

-- a fresh index of the same rows
REINDEX INDEX ivf_drift_idx;
INSERT INTO seen SELECT 'fresh, new', l.* FROM new_query, pg_temp.look('ivf_drift', vs) l;
INSERT INTO seen SELECT 'fresh, old', l.* FROM old_query, pg_temp.look('ivf_drift', vs) l;

-- hardly more rows are scored than before, and recall is as good
SELECT c.what, c.recall >= f.recall - 0.05 AS recall, c.looked_at <= f.looked_at * 1.5 AS looked_at, c.looked_at < 0.3 AS few
FROM seen c JOIN seen f ON f.what = replace(c.what, 'compacted', 'fresh') WHERE c.what LIKE 'compacted%' ORDER BY 1;
-- the chosen number of lists follows the number of rows
DROP INDEX ivf_drift_idx;
RESET barq.probes;
CREATE TABLE ivf_drift_grown (v vector(64));
INSERT INTO ivf_drift_grown SELECT v FROM ivf_drift WHERE id <= 12500;
CREATE INDEX ivf_drift_grown_idx ON ivf_drift_grown USING barq_ivf (v);
INSERT INTO ivf_drift_grown SELECT v FROM ivf_drift WHERE id > 12500;
SELECT barq_seal('ivf_drift_grown_idx') > 0 AS sealed, barq_compact('ivf_drift_grown_idx') = 25000 AS compacted;
CREATE TEMP TABLE grown AS SELECT l.* FROM new_query, pg_temp.look('ivf_drift_grown', vs) l;
REINDEX INDEX ivf_drift_grown_idx;
SELECT g.recall >= l.recall - 0.05 AS recall, g.looked_at <= l.looked_at * 1.5 AS looked_at FROM grown g, new_query, pg_temp.look('ivf_drift_grown', vs) l;
DROP TABLE ivf_drift, ivf_drift_grown;
