-- One distance through an index of lists: the exact order if all lists are probed,
-- recall if some are, both compared with an exact scan. Included with \i by the test
-- of each distance, which sets metric, dims and quantization (of the lists).
\set tab ivf_ :metric
\set index :tab _idx
\set opclass vector_ :metric _ops
SELECT pg_temp.operator_of(:'metric') AS op \gset

SET enable_seqscan = off;
SELECT setseed(0.1);

-- Few rows: a flat segment and a log, in the exact order for every quantization.
CREATE TABLE :tab (id int GENERATED ALWAYS AS IDENTITY, v vector(17));
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(17)) AS vs FROM generate_series(1, 15);
INSERT INTO :tab (v) SELECT pg_temp.random_vector(17) FROM generate_series(1, 150);
CREATE INDEX :index ON :tab USING barq_ivf (v :opclass) WITH (quantization = :quantization);
SELECT wrong AS wrong_when_built FROM query, pg_temp.compare(:'tab', :'op', vs, 1000);
INSERT INTO :tab (v) SELECT pg_temp.random_vector(17) FROM generate_series(1, 150);
SELECT wrong AS wrong_with_a_log FROM query, pg_temp.compare(:'tab', :'op', vs, 1000);
SELECT barq_seal(:'index');
SELECT kind, rows FROM barq_segments(:'index') WHERE state <> 'growing';
SELECT wrong AS wrong_when_sealed FROM query, pg_temp.compare(:'tab', :'op', vs, 1000);
DROP TABLE query;
DROP TABLE :tab;

-- NULLs, and under cosine zero vectors, come last; a NULL query is no error.
CREATE TABLE :tab (id int GENERATED ALWAYS AS IDENTITY, v vector(3));
INSERT INTO :tab (v) VALUES ('[1,2,3]'), (NULL), ('[0,0,0]'), ('[-1,0,2]');
CREATE INDEX :index ON :tab USING barq_ivf (v :opclass);
INSERT INTO :tab (v) VALUES (NULL), ('[0,0,0]'), ('[4,4,4]');
SELECT array_agg(v IS NULL) AS nulls_last, array_agg(id) AS ids FROM (SELECT v, id FROM :tab ORDER BY v :op '[1,1,1]' LIMIT 10) s;
SELECT count(*) FROM (SELECT v FROM :tab ORDER BY v :op NULL::vector LIMIT 10) s;
SELECT count(*) FROM (SELECT v FROM :tab ORDER BY v :op '[0,0,0]' LIMIT 10) s;
DROP TABLE :tab;

-- Lists of rows in clusters: recall of the first ten, and all rows in exact order if
-- every list is probed. Queries are near rows, not equal to them.
CREATE TABLE :tab (id int GENERATED ALWAYS AS IDENTITY, v vector(:dims));
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_vector(:dims) AS v FROM generate_series(0, 39) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_vector(:dims, -0.3, 0.3) AS v FROM generate_series(0, 499) i;
INSERT INTO :tab (v)
	SELECT c.v + n.v + o.v FROM generate_series(1, 13000) g(row)
		JOIN centre c ON c.i = row % 40 JOIN noise n ON n.i = (row * 7) % 499 JOIN noise o ON o.i = (row * 11) % 487
	ORDER BY row;
CREATE INDEX :index ON :tab USING barq_ivf (v :opclass) WITH (quantization = :quantization);
SELECT kind, rows FROM barq_segments(:'index') WHERE state <> 'growing';
CREATE TEMP TABLE query AS
	SELECT array_agg(v + pg_temp.random_vector(:dims, -0.2, 0.2)) AS vs FROM (SELECT v FROM :tab WHERE id % 400 = 0) s;
SELECT recall >= 0.9 AS recall, unordered FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SET barq.probes = 32768;
SELECT wrong AS wrong_with_all_lists FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SELECT wrong AS wrong_with_all_lists FROM query, pg_temp.compare(:'tab', :'op', vs[1:3], 2000);
RESET barq.probes;
SELECT * FROM barq_check(:'index');

-- rows added and rows deleted since
DELETE FROM :tab WHERE id % 11 = 3;
VACUUM :tab;
INSERT INTO :tab (v) SELECT v + pg_temp.random_vector(:dims, -0.1, 0.1) FROM :tab WHERE id % 50 = 1;
SELECT recall >= 0.9 AS recall_after_changes, unordered FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SELECT barq_seal(:'index') > 0 AS sealed, barq_compact(:'index') = (SELECT count(*) FROM :tab) AS compacted;
SELECT kind, rows = (SELECT count(*) FROM :tab) AS all_rows, dead_rows FROM barq_segments(:'index') WHERE state <> 'growing';
SELECT recall >= 0.9 AS recall_of_the_merged_lists, unordered FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SET barq.probes = 32768;
SELECT wrong AS wrong_with_all_lists FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
RESET barq.probes;
SELECT * FROM barq_check(:'index');
DROP TABLE :tab;
