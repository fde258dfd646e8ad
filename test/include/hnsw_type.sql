-- One type and distance through the index: the exact order on small data, recall of
-- a graph, both compared with an exact scan. Included with \i after
-- hnsw_type_begin.sql by the test of each type, which sets type, opclass, op and
-- quantizations (an array), and defines
--   pg_temp.small_value()   a random value, of a type with few dimensions
--   pg_temp.mixed(a, b, c)  a value near a, shifted by b and c
--   tables centre, noise    (i, v): 40 and 500 values
\set tab :opclass _rows
\set index :opclass _idx

-- All rows are returned in the exact order, for every quantization, of rows that were
-- built, sealed later, or not sealed.
CREATE TABLE :tab (id int GENERATED ALWAYS AS IDENTITY, v :small);
SELECT * FROM pg_temp.everywhere(:'tab', :'opclass', :'op', :'quantizations');
DROP TABLE :tab;

-- A graph of rows in clusters: recall of the first ten. Queries are near rows, not
-- equal to them.
CREATE TABLE :tab (id int GENERATED ALWAYS AS IDENTITY, v :type);
INSERT INTO :tab (v)
	SELECT pg_temp.mixed(c.v, n.v, o.v) FROM generate_series(1, :rows) g(row)
		JOIN centre c ON c.i = row % 40 JOIN noise n ON n.i = (row * 7) % 499 JOIN noise o ON o.i = (row * 11) % 487
	ORDER BY row;
CREATE INDEX :index ON :tab USING barq_hnsw (v :opclass);
SELECT kind, rows FROM barq_segments(:'index') WHERE state <> 'growing';
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.mixed(s.v, n.v, n.v)) AS vs
	FROM (SELECT id, v FROM :tab WHERE id % 200 = 0) s JOIN noise n ON n.i = id / 200;
SELECT recall >= 0.95 AS recall FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SET barq.ef_search = 400;
SELECT recall >= 0.99 AS recall_at_400 FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
RESET barq.ef_search;

-- rows added and rows deleted since
DELETE FROM :tab WHERE id % 11 = 3;
VACUUM :tab;
INSERT INTO :tab (v) SELECT pg_temp.mixed(s.v, n.v, n.v) FROM :tab s JOIN noise n ON n.i = id % 500 WHERE id % 50 = 1;
SELECT recall >= 0.95 AS recall_after_changes FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SELECT barq_seal(:'index') > 0 AS sealed, barq_compact(:'index') = (SELECT count(*) FROM :tab) AS compacted;
SELECT kind, rows = (SELECT count(*) FROM :tab) AS all_rows, dead_rows FROM barq_segments(:'index') WHERE state <> 'growing';
SELECT recall >= 0.95 AS recall_of_the_merged_graph FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SELECT * FROM barq_check(:'index');
DROP TABLE :tab, query;
