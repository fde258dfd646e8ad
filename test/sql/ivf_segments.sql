-- Logs are sealed flat, merged into lists, dead rows skipped and dropped: after every
-- step the index returns the results of an exact scan if all lists are probed.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.5);
CREATE TABLE ivf_segments (id int, v vector(32)) WITH (autovacuum_enabled = off);
CREATE INDEX ivf_segments_idx ON ivf_segments USING barq_ivf (v);
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(32)) AS vs FROM generate_series(1, 10);
SET barq.probes = 32768;

SELECT barq_seal('ivf_segments_idx'), barq_compact('ivf_segments_idx');
SELECT count(*) FROM (SELECT id FROM ivf_segments ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 5) s;
INSERT INTO ivf_segments SELECT i, pg_temp.random_vector(32) FROM generate_series(1, 1000) i;
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
SELECT barq_seal('ivf_segments_idx');
SELECT kind, state, rows FROM barq_segments('ivf_segments_idx') WHERE state <> 'growing';
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);

-- inserts seal, VACUUM merges; a large segment gets lists
SET barq.growing_limit = '128kB';
SET barq.compaction_ratio = 2;
INSERT INTO ivf_segments SELECT i, pg_temp.random_vector(32) FROM generate_series(1001, 30000) i;
VACUUM ivf_segments;
RESET barq.growing_limit;
RESET barq.compaction_ratio;
SELECT bool_or(kind = 'ivf') AS lists, sum(rows) AS rows FROM barq_segments('ivf_segments_idx');
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
SELECT * FROM barq_check('ivf_segments_idx');
SELECT barq_seal('ivf_segments_idx') >= 0 AS sealed, barq_compact('ivf_segments_idx');
SELECT kind, state, rows, image FROM barq_segments('ivf_segments_idx') WHERE state <> 'growing';
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);

-- a further merge keeps the centroids: the distribution is the same
INSERT INTO ivf_segments SELECT i, pg_temp.random_vector(32) FROM generate_series(30001, 33000) i;
SELECT barq_seal('ivf_segments_idx'), barq_compact('ivf_segments_idx');
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
SELECT * FROM barq_check('ivf_segments_idx');

-- deleted rows are not returned, VACUUM marks them, compaction drops them
DELETE FROM ivf_segments WHERE id % 4 = 0;
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
VACUUM ivf_segments;
SELECT sum(dead_rows) AS dead, sum(rows) - sum(dead_rows) = (SELECT count(*) FROM ivf_segments) AS live FROM barq_segments('ivf_segments_idx');
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
-- new rows get the TIDs of dead rows
INSERT INTO ivf_segments SELECT 40000 + i, pg_temp.random_vector(32) FROM generate_series(1, 4000) i;
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
SELECT * FROM barq_check('ivf_segments_idx');
SELECT barq_seal('ivf_segments_idx') > 0 AS sealed, barq_compact('ivf_segments_idx') = (SELECT count(*) FROM ivf_segments) AS compacted;
SELECT kind, rows = (SELECT count(*) FROM ivf_segments) AS all_rows, dead_rows FROM barq_segments('ivf_segments_idx') WHERE state <> 'growing';
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
SELECT * FROM barq_check('ivf_segments_idx');

-- a segment left with few rows becomes flat again, one without rows is dropped
DELETE FROM ivf_segments WHERE id > 1000;
VACUUM ivf_segments;
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
SELECT barq_compact('ivf_segments_idx') = (SELECT count(*) FROM ivf_segments) AS compacted;
SELECT kind FROM barq_segments('ivf_segments_idx') WHERE state <> 'growing';
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
DELETE FROM ivf_segments;
VACUUM ivf_segments;
SELECT barq_compact('ivf_segments_idx');
SELECT wrong FROM query, pg_temp.compare('ivf_segments', '<->', vs, 50);
SELECT * FROM barq_check('ivf_segments_idx');

-- equal rows: empty lists are left out
INSERT INTO ivf_segments SELECT i, array_fill(1, ARRAY[32])::vector FROM generate_series(1, 20000) i;
SELECT barq_seal('ivf_segments_idx') > 0 AS sealed, barq_compact('ivf_segments_idx') AS compacted;
RESET barq.probes;
SELECT count(*) FROM (SELECT id FROM ivf_segments ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 100) s;
SELECT * FROM barq_check('ivf_segments_idx');
DROP TABLE ivf_segments;
