-- Rows of a scan have their TIDs: ctid, row locks and updates of the nearest rows.
-- (The executor of some servers loses TIDs when it orders rows after a re-check.)
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.6);
CREATE TABLE hnsw_tids (id int PRIMARY KEY, v vector(8), taken boolean DEFAULT false);
INSERT INTO hnsw_tids SELECT i, pg_temp.random_vector(8) FROM generate_series(1, 2000) i;
CREATE INDEX hnsw_tids_idx ON hnsw_tids USING barq_hnsw (v vector_l2_ops);
INSERT INTO hnsw_tids SELECT i, pg_temp.random_vector(8) FROM generate_series(2001, 2100) i;
SELECT pg_temp.plan_of($$SELECT ctid, id FROM hnsw_tids ORDER BY v <-> array_fill(0.1, ARRAY[8])::vector LIMIT 50$$);
SELECT count(*), count(DISTINCT t.id) FROM
	(SELECT ctid AS at, id FROM hnsw_tids ORDER BY v <-> array_fill(0.1, ARRAY[8])::vector LIMIT 50) near
	JOIN hnsw_tids t ON t.ctid = near.at AND t.id = near.id;
-- exact order, made by the executor or by the scan
SELECT wrong, unordered FROM pg_temp.compare('hnsw_tids', '<->', ARRAY(SELECT v FROM hnsw_tids WHERE id % 100 = 1), 100);
SET barq.iterative_scan = relaxed_order;
SELECT count(DISTINCT id) FROM (SELECT id FROM hnsw_tids ORDER BY v <-> array_fill(0.1, ARRAY[8])::vector LIMIT 500) s;
RESET barq.iterative_scan;
-- a job queue, nearest first
BEGIN;
SELECT count(*) FROM (SELECT id FROM hnsw_tids ORDER BY v <-> array_fill(0.1, ARRAY[8])::vector LIMIT 20 FOR UPDATE SKIP LOCKED) s;
UPDATE hnsw_tids SET taken = true WHERE ctid = ANY (ARRAY(SELECT ctid FROM hnsw_tids ORDER BY v <-> array_fill(0.1, ARRAY[8])::vector LIMIT 20 FOR UPDATE));
SELECT count(*) FROM hnsw_tids WHERE taken;
COMMIT;
-- deleted rows are not returned, updated rows are returned once
DELETE FROM hnsw_tids WHERE id % 2 = 0;
SELECT count(*), count(DISTINCT id), bool_and(id % 2 = 1) FROM (SELECT id FROM hnsw_tids ORDER BY v <-> array_fill(0.1, ARRAY[8])::vector LIMIT 500) s;
-- a cursor
BEGIN;
DECLARE near CURSOR FOR SELECT id, v <-> array_fill(0.1, ARRAY[8])::vector AS d FROM hnsw_tids ORDER BY v <-> array_fill(0.1, ARRAY[8])::vector;
MOVE 30 FROM near;
FETCH 1 FROM near \gset first_
UPDATE hnsw_tids SET taken = NULL WHERE CURRENT OF near;
SELECT id = :first_id AS the_same FROM hnsw_tids WHERE taken IS NULL;
COMMIT;
DROP TABLE hnsw_tids;
