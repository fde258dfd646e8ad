-- After one compaction, an index that was updated many times is as short as a fresh
-- one. Where the end of its file cannot be cut off, the index stays correct.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SET barq.growing_limit = '128kB';
SELECT setseed(0.4);
CREATE TABLE shrink (id int, v vector(32), body text) WITH (autovacuum_enabled = off);
CREATE FUNCTION pg_temp.add(first int, n int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO shrink SELECT i, pg_temp.random_vector(32), 'w' || i % 97 || ' w' || i % 89 || ' w' || i % 1009 FROM generate_series(first, first + n - 1) i $$;
SELECT pg_temp.add(1, 4000);
CREATE INDEX shrink_hnsw ON shrink USING barq_hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 20);
CREATE INDEX shrink_ivf ON shrink USING barq_ivf (v vector_ip_ops) WITH (lists = 20);
CREATE INDEX shrink_bm25 ON shrink USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE TABLE shrink_index AS SELECT indexrelid::regclass AS index, NULL::bigint AS churned, NULL::bigint AS compacted FROM pg_index WHERE indrelid = 'shrink'::regclass;

-- three rounds: delete a third of the rows, insert as many as at first
DELETE FROM shrink WHERE id % 3 = 0;
VACUUM (INDEX_CLEANUP on) shrink;
SELECT pg_temp.add(10001, 4000);
DELETE FROM shrink WHERE id % 3 = 1;
VACUUM (INDEX_CLEANUP on) shrink;
SELECT pg_temp.add(20001, 4000);
DELETE FROM shrink WHERE id % 3 = 2;
VACUUM (INDEX_CLEANUP on) shrink;
UPDATE shrink_index SET churned = pg_relation_size(index);

-- in a transaction block, and while a cursor of the session reads the index, pages
-- are moved, but the file is not cut
BEGIN;
SELECT index, barq_compact(index) > 0 AS compacted, pg_relation_size(index) >= churned AS as_long FROM shrink_index ORDER BY index::text;
COMMIT;
DO $$
DECLARE
	r record;
	n int = 0;
BEGIN
	FOR r IN SELECT id FROM shrink ORDER BY v <-> (SELECT v FROM shrink LIMIT 1) LIMIT 100 LOOP
		IF n = 0 THEN
			PERFORM barq_compact('shrink_hnsw');
		END IF;
		n = n + 1;
	END LOOP;
	RAISE NOTICE '% rows', n;
END $$;
SELECT pg_relation_size(index) >= churned AS as_long FROM shrink_index WHERE index = 'shrink_hnsw'::regclass;
SELECT index, c.* FROM shrink_index, barq_check(index) c;

-- nor with vacuum_truncate = off
ALTER TABLE shrink SET (vacuum_truncate = off);
SELECT index, barq_compact(index), pg_relation_size(index) >= churned AS as_long FROM shrink_index ORDER BY index::text;
VACUUM (INDEX_CLEANUP on) shrink;
SELECT index, pg_relation_size(index) >= churned AS as_long FROM shrink_index ORDER BY index::text;
ALTER TABLE shrink RESET (vacuum_truncate);

SELECT count(barq_compact(index)) FROM shrink_index;
UPDATE shrink_index SET compacted = pg_relation_size(index);
SELECT index, c.* FROM shrink_index, barq_check(index) c;
CREATE TEMP TABLE query AS SELECT array_agg(pg_temp.random_vector(32)) AS vs FROM generate_series(1, 20);
SELECT 'hnsw' AS index, wrong <= 2 AS right, recall >= 0.95 AS recall, unordered FROM query, pg_temp.compare('shrink', '<->', vs, 10);
SELECT 'ivf' AS index, wrong <= 20 AS right, recall >= 0.7 AS recall, unordered FROM query, pg_temp.compare('shrink', '<#>', vs, 10);
SELECT count(*) = (SELECT count(*) FROM shrink WHERE body || ' ' LIKE '% w7 %' OR body LIKE 'w7 %') AS same FROM shrink WHERE body @@@ to_bm25query('w7', 'shrink_bm25');

-- compared with fresh indexes of the same rows
REINDEX TABLE shrink;
SELECT index, compacted <= 1.1 * pg_relation_size(index) AS as_short, churned > 1.5 * pg_relation_size(index) AS was_long FROM shrink_index ORDER BY index::text;

-- VACUUM does not cut the file; without workers barq_compact() does
UPDATE shrink_index SET churned = pg_relation_size(index);
DELETE FROM shrink;
VACUUM (INDEX_CLEANUP on) shrink;
SELECT index, pg_relation_size(index) >= churned AS as_long FROM shrink_index ORDER BY index::text;
SELECT index, barq_compact(index) FROM shrink_index ORDER BY index::text;
SELECT pg_temp.add(1, 10);
SELECT index, pg_relation_size(index) <= 65536 AS short, count(place) AS complaints FROM shrink_index LEFT JOIN LATERAL barq_check(index) ON true GROUP BY index ORDER BY index::text;
DROP TABLE shrink, shrink_index;
