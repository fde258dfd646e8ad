-- Seals, compactions, deletes and VACUUM: after every step the index returns the
-- results of an exact scan.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.5);
CREATE TABLE hnsw_segments (id int, v vector(32)) WITH (autovacuum_enabled = off);
CREATE INDEX hnsw_segments_idx ON hnsw_segments USING barq_hnsw (v vector_l2_ops);
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(32)) AS vs FROM generate_series(1, 20);
-- a search so wide that one round is exact
SET barq.ef_search = 1000;

-- an index of an empty table has only an empty log
SELECT kind, state, rows, dead_rows, image FROM barq_segments('hnsw_segments_idx');
SELECT barq_seal('hnsw_segments_idx'), barq_compact('hnsw_segments_idx');
SELECT id FROM hnsw_segments ORDER BY v <-> '[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]' LIMIT 1;

-- rows are in the log, then in a flat segment, then in one merged from two
INSERT INTO hnsw_segments SELECT i, pg_temp.random_vector(32) FROM generate_series(1, 100) i;
SELECT kind, state, rows FROM barq_segments('hnsw_segments_idx');
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
-- consistency = sealed does not return rows of the log
SET barq.consistency = sealed;
SELECT count(*) FROM (SELECT id FROM hnsw_segments ORDER BY v <-> (SELECT vs[1] FROM query) LIMIT 10) s;
RESET barq.consistency;
SELECT barq_seal('hnsw_segments_idx');
SELECT barq_seal('hnsw_segments_idx') AS nothing_to_seal;
SET barq.consistency = sealed;
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
RESET barq.consistency;
SELECT kind, state, rows, image IN ('resident', 'on_disk', 'none') AS image, image_bytes >= 0 AS image_bytes, page_bytes >= 0 AS page_bytes,
	(created IS NULL) = (state = 'growing') AS created FROM barq_segments('hnsw_segments_idx');
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
INSERT INTO hnsw_segments SELECT i, pg_temp.random_vector(32) FROM generate_series(101, 150) i;
SELECT barq_seal('hnsw_segments_idx');
SELECT barq_compact('hnsw_segments_idx');
SELECT kind, state, rows FROM barq_segments('hnsw_segments_idx');
SELECT barq_compact('hnsw_segments_idx') AS nothing_to_compact;
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);

-- inserts seal the log when it reaches growing_limit; without a worker VACUUM merges by ratio
SET barq.growing_limit = '64kB';
SET barq.compaction_ratio = 4;
INSERT INTO hnsw_segments SELECT i, pg_temp.random_vector(32) FROM generate_series(151, 5000) i;
SELECT bool_or(state = 'compacted' AND rows > 150) AS merged_by_insert FROM barq_segments('hnsw_segments_idx');
VACUUM hnsw_segments;
SELECT count(*) FILTER (WHERE state <> 'growing') BETWEEN 1 AND 8 AS segments,
	bool_or(state = 'compacted') AS compacted, sum(rows) AS rows,
	sum(page_bytes) FILTER (WHERE state = 'growing') <= 2 * 65536 AS small_log,
	count(DISTINCT id) = count(*) FILTER (WHERE state <> 'growing') AS ids_differ
FROM barq_segments('hnsw_segments_idx');
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
SELECT * FROM barq_check('hnsw_segments_idx');

-- max_segments limits the number of segments
SET barq.compaction_ratio = 64;
SET barq.max_segments = 3;
INSERT INTO hnsw_segments SELECT i, pg_temp.random_vector(32) FROM generate_series(5001, 9000) i;
VACUUM hnsw_segments;
SELECT count(*) FILTER (WHERE state <> 'growing') <= 3 AS bounded, sum(rows) AS rows FROM barq_segments('hnsw_segments_idx');
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
RESET barq.max_segments;
RESET barq.compaction_ratio;
RESET barq.growing_limit;

-- deleted rows are not returned, even before VACUUM marks them
DELETE FROM hnsw_segments WHERE id % 4 = 0;
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
SELECT sum(dead_rows) FROM barq_segments('hnsw_segments_idx');
VACUUM hnsw_segments;
SELECT sum(dead_rows) AS dead, sum(rows) - sum(dead_rows) = (SELECT count(*) FROM hnsw_segments) AS live FROM barq_segments('hnsw_segments_idx');
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
SELECT * FROM barq_check('hnsw_segments_idx');

-- new rows get the TIDs of dead rows; dead rows stay dead
INSERT INTO hnsw_segments SELECT 10000 + i, pg_temp.random_vector(32) FROM generate_series(1, 2000) i;
SELECT count(*) > 500 AS tids_reused FROM hnsw_segments WHERE id > 10000 AND ctid < (SELECT max(ctid) FROM hnsw_segments WHERE id <= 9000);
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
VACUUM hnsw_segments;
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
SELECT * FROM barq_check('hnsw_segments_idx');
-- the same with new rows that die in the log
DELETE FROM hnsw_segments WHERE id > 11000;
VACUUM hnsw_segments;
INSERT INTO hnsw_segments SELECT 20000 + i, pg_temp.random_vector(32) FROM generate_series(1, 500) i;
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);

-- compaction drops dead rows
SELECT barq_seal('hnsw_segments_idx') > 0 AS sealed, barq_compact('hnsw_segments_idx') = (SELECT count(*) FROM hnsw_segments) AS compacted;
SELECT state, rows = (SELECT count(*) FROM hnsw_segments) AS all_rows, dead_rows FROM barq_segments('hnsw_segments_idx');
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
SELECT * FROM barq_check('hnsw_segments_idx');

-- a segment with many dead rows is rewritten; without a worker by VACUUM, once logs were sealed
DELETE FROM hnsw_segments WHERE id % 2 = 1;
VACUUM hnsw_segments;
SET barq.growing_limit = '64kB';
INSERT INTO hnsw_segments SELECT 30000 + i, pg_temp.random_vector(32) FROM generate_series(1, 3000) i;
SET barq.compaction_ratio = 2;
VACUUM hnsw_segments;
RESET barq.compaction_ratio;
RESET barq.growing_limit;
SELECT sum(dead_rows) FROM barq_segments('hnsw_segments_idx');
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);

-- a HOT update adds no entry, an update of the vector does
UPDATE hnsw_segments SET id = id + 100000 WHERE id > 32000;
UPDATE hnsw_segments SET v = v + v WHERE id BETWEEN 30000 AND 30500;
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
VACUUM hnsw_segments;
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
SELECT * FROM barq_check('hnsw_segments_idx');

-- the view shows the same as the function
SELECT "table", kind, i.rows = (SELECT count(*) FROM hnsw_segments) AS rows,
	segments = (SELECT count(*) FROM barq_segments('hnsw_segments_idx') WHERE state <> 'growing') AS segments,
	bytes = pg_relation_size(index) AS bytes,
	growing_bytes = (SELECT page_bytes FROM barq_segments('hnsw_segments_idx') WHERE state = 'growing') AS growing_bytes,
	last_seal <= clock_timestamp() AS last_seal, last_compaction <= clock_timestamp() AS last_compaction
FROM barq_indexes() i WHERE index = 'hnsw_segments_idx'::regclass;

-- pages of replaced segments are re-used: the index stops growing
SELECT barq_seal('hnsw_segments_idx') >= 0 AS sealed, barq_compact('hnsw_segments_idx') > 0 AS compacted;
VACUUM hnsw_segments;
CREATE TEMP TABLE size AS SELECT pg_relation_size('hnsw_segments_idx') AS bytes;
DO $$
BEGIN
	FOR i IN 1..8 LOOP
		INSERT INTO hnsw_segments SELECT 500000, pg_temp.random_vector(32) FROM generate_series(1, 20);
		PERFORM barq_seal('hnsw_segments_idx');
		PERFORM barq_compact('hnsw_segments_idx');
	END LOOP;
END $$;
SELECT pg_relation_size('hnsw_segments_idx') < 3 * bytes AS bounded FROM size;
SELECT * FROM barq_check('hnsw_segments_idx');

-- all rows deleted: VACUUM drops the segments, compaction the log's records
DELETE FROM hnsw_segments;
SELECT count(*) > 0 AS segments FROM barq_segments('hnsw_segments_idx') WHERE state <> 'growing';
VACUUM hnsw_segments;
SELECT count(*) AS segments FROM barq_segments('hnsw_segments_idx') WHERE state <> 'growing';
SELECT * FROM barq_check('hnsw_segments_idx');
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
SELECT barq_compact('hnsw_segments_idx');
SELECT state, rows, dead_rows FROM barq_segments('hnsw_segments_idx');
INSERT INTO hnsw_segments SELECT i, pg_temp.random_vector(32) FROM generate_series(1, 100) i;
SELECT wrong FROM query, pg_temp.compare('hnsw_segments', '<->', vs, 50);
SELECT * FROM barq_check('hnsw_segments_idx');
DROP TABLE hnsw_segments;
