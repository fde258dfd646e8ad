-- Scores and order equal brute force in SQL, wherever the rows are: in one segment,
-- in several, in the log, after deletes, after a merge.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.3);
CREATE TABLE bm25_exact (id int, body text) WITH (autovacuum_enabled = off);
INSERT INTO bm25_exact SELECT i, pg_temp.random_body(12) FROM generate_series(1, 700) i;
INSERT INTO bm25_exact VALUES (701, NULL), (702, ''), (703, 'the of and');
CREATE INDEX bm25_exact_idx ON bm25_exact USING barq_bm25 (body) WITH (text_config = 'english');
CREATE TEMP TABLE q AS SELECT array_agg((SELECT string_agg('w' || floor(60 * random() ^ 2)::int, ' ') FROM generate_series(1, 1 + (i % 5))) || CASE WHEN i % 7 = 0 THEN ' zzz' ELSE '' END) AS qs
	FROM generate_series(1, 25) i;
-- NULLs do not count as documents, texts without a term do
SELECT documents, tokens = (SELECT sum((SELECT count(DISTINCT position) FROM barq_bm25_terms(body, 'english'))) FROM bm25_exact) AS tokens FROM barq_bm25_stats('bm25_exact_idx');
SELECT barq_bm25_df('bm25_exact_idx', 'w1') = (SELECT count(*) FROM bm25_exact WHERE body ~ '\mw1\M') AS df, barq_bm25_df('bm25_exact_idx', 'zzz'), barq_bm25_df('bm25_exact_idx', '');
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 10) w;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 1000) w;
-- rows in the log
INSERT INTO bm25_exact SELECT i, pg_temp.random_body(12) FROM generate_series(801, 1300) i;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 15) w;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 3000) w;
-- and more of them, one statement for each row
DO $$ BEGIN FOR i IN 1301..1320 LOOP INSERT INTO bm25_exact VALUES (i, pg_temp.random_body(12)); END LOOP; END $$;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 15) w;
-- segments
SELECT barq_seal('bm25_exact_idx');
INSERT INTO bm25_exact SELECT i, pg_temp.random_body(30) FROM generate_series(1401, 1500) i;
SELECT barq_seal('bm25_exact_idx');
INSERT INTO bm25_exact SELECT i, pg_temp.random_body(30) FROM generate_series(1501, 1520) i;
SELECT count(*), sum(rows) FROM barq_segments('bm25_exact_idx');
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 15) w;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 3000) w;
-- deleted rows count in the statistics until they are dropped, and match no query
DELETE FROM bm25_exact WHERE id % 3 = 1;
SELECT documents FROM barq_bm25_stats('bm25_exact_idx');
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 15) w;
VACUUM bm25_exact;
SELECT documents FROM barq_bm25_stats('bm25_exact_idx');
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 15) w;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 3000) w;
-- reused TIDs
INSERT INTO bm25_exact SELECT i, pg_temp.random_body(12) FROM generate_series(2001, 2200) i;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 15) w;
UPDATE bm25_exact SET body = body || ' w1 w2' WHERE id % 10 = 2;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 15) w;
SELECT barq_seal('bm25_exact_idx') > 0 AS sealed, barq_compact('bm25_exact_idx') > 0 AS compacted;
SELECT count(*) AS segments FROM barq_segments('bm25_exact_idx') WHERE state <> 'growing';
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 15) w;
VACUUM bm25_exact;
SELECT barq_compact('bm25_exact_idx') > 0 AS compacted, (SELECT documents FROM barq_bm25_stats('bm25_exact_idx')) = (SELECT count(body) FROM bm25_exact) AS counted;
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_idx', 'english', qs, 3000) w;
SELECT * FROM barq_check('bm25_exact_idx');
-- sealed rows only
INSERT INTO bm25_exact VALUES (9000, 'unsealed');
SELECT id FROM bm25_exact ORDER BY body <@> 'unsealed' LIMIT 1;
SET barq.consistency = sealed;
SET enable_seqscan = off;
SELECT count(*) > 1000 AS sealed, count(*) FILTER (WHERE id = 9000) AS unsealed FROM (SELECT id FROM bm25_exact ORDER BY body <@> 'unsealed' LIMIT 9000) s;
RESET barq.consistency;
RESET enable_seqscan;

-- other parameters, no positions
CREATE INDEX bm25_exact_other ON bm25_exact USING barq_bm25 (body) WITH (text_config = 'simple', k1 = 2.5, b = 0.1, positions = off);
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_other', 'simple', qs, 15, 2.5, 0.1) w;
DROP INDEX bm25_exact_other;
CREATE INDEX bm25_exact_other ON bm25_exact USING barq_bm25 (body) WITH (text_config = 'simple', k1 = 0.1, b = 1);
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_other', 'simple', qs, 15, 0.1, 1) w;
DROP INDEX bm25_exact_other;
CREATE INDEX bm25_exact_other ON bm25_exact USING barq_bm25 (body) WITH (text_config = 'simple', k1 = 10, b = 0);
SELECT w.* FROM q, pg_temp.wrong('bm25_exact', 'bm25_exact_other', 'simple', qs, 15, 10, 0) w;
DROP TABLE bm25_exact;
