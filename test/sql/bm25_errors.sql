-- Bad input: options, queries, indexes, rights.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

CREATE TABLE bm25_errors (id int, body text, other text, n int, v vector(2));
INSERT INTO bm25_errors SELECT i, 'word' || i || ' and more', 'x', i, '[1,2]' FROM generate_series(1, 50) i;
-- options
SELECT pg_temp.outcome('CREATE INDEX ON bm25_errors USING barq_bm25 (body)');
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'klingon')$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english', k1 = 0.05)$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english', k1 = 11)$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english', b = 1.5)$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english', tokenizer = 'words')$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english', positions = maybe)$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english', m = 16)$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (n) WITH (text_config = 'english')$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (body, (point(1, 2))) WITH (text_config = 'english')$$);
SELECT pg_temp.outcome($$CREATE UNIQUE INDEX ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english')$$);
CREATE INDEX bm25_errors_idx ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX bm25_errors_v ON bm25_errors USING barq_hnsw (v vector_l2_ops);
-- options take effect at REINDEX
ALTER INDEX bm25_errors_idx SET (k1 = 2);
SELECT options FROM barq_indexes() WHERE index = 'bm25_errors_idx'::regclass;
REINDEX INDEX bm25_errors_idx;
SELECT options FROM barq_indexes() WHERE index = 'bm25_errors_idx'::regclass;
-- queries
SET enable_seqscan = off;
SELECT pg_temp.outcome($$SELECT id FROM bm25_errors ORDER BY body <@> '"word1' LIMIT 1$$);
SELECT pg_temp.outcome($$SELECT id FROM bm25_errors WHERE body @@@ 'word1 +'$$);
SELECT pg_temp.outcome($$SELECT id FROM bm25_errors WHERE body @@@ 'word1\'$$);
PREPARE asked (text) AS SELECT id FROM bm25_errors ORDER BY body <@> $1 LIMIT 1;
SET plan_cache_mode = force_generic_plan;
EXECUTE asked('"word1');
EXECUTE asked(NULL);
EXECUTE asked('the and of');
EXECUTE asked('');
EXECUTE asked('word7');
RESET plan_cache_mode;
SELECT count(*) FROM (SELECT id FROM bm25_errors ORDER BY body <@> 'the and of' LIMIT 10) s;
SELECT count(*) FROM bm25_errors WHERE body @@@ 'the and of';
SELECT count(*) FROM bm25_errors WHERE body @@@ NULL::bm25query;
SELECT count(*) FROM (SELECT id FROM bm25_errors ORDER BY body <@> NULL::bm25query LIMIT 10) s;
SELECT body <@> NULL::bm25query IS NULL AS score_of_null, NULL::text <@> to_bm25query('x', 'bm25_errors_idx') IS NULL AS null_score FROM bm25_errors LIMIT 1;
-- an index that cannot answer a query is not scanned, even if no other scan is enabled
CREATE INDEX bm25_errors_part ON bm25_errors USING barq_bm25 (body) WITH (text_config = 'english') WHERE id > 10;
SELECT count(*) FROM bm25_errors WHERE id > 10;
SELECT count(*) FROM bm25_errors WHERE body @@@ to_bm25query('word2*', 'bm25_errors_part');
DROP INDEX bm25_errors_part;
-- 10,000 words
SELECT count(*) FROM (SELECT id FROM bm25_errors ORDER BY body <@> (SELECT to_bm25query(string_agg('word' || i, ' '), 'bm25_errors_idx') FROM generate_series(1, 10000) i) LIMIT 1000) s;
SELECT count(*) FROM bm25_errors WHERE body @@@ (SELECT to_bm25query(string_agg('-word' || i, ' '), 'bm25_errors_idx') FROM generate_series(20, 10000) i);
-- indexes
SELECT pg_temp.outcome($$SELECT id FROM bm25_errors ORDER BY body <@> to_bm25query('x', 'bm25_errors_v') LIMIT 1$$);
SELECT pg_temp.outcome($$SELECT id FROM bm25_errors ORDER BY body <@> to_bm25query('x', 'bm25_errors') LIMIT 1$$);
SELECT pg_temp.outcome($$SELECT id FROM bm25_errors ORDER BY body <@> to_bm25query('x', 'nowhere') LIMIT 1$$);
SELECT pg_temp.outcome($$SELECT barq_bm25_stats('bm25_errors_v')$$);
SELECT pg_temp.outcome($$SELECT barq_bm25_df('bm25_errors', 'x')$$);
SELECT pg_temp.outcome($$SELECT barq_bm25_stats(0)$$);
SELECT pg_temp.outcome($$SELECT 'a text' <@> to_bm25query('text')$$);
SELECT pg_temp.outcome($$SELECT 'a text' @@@ 'text'$$);
-- a text that is in no table is scored by a named index
SELECT 'word7 word7' <@> to_bm25query('word7', 'bm25_errors_idx') < 'word7' <@> to_bm25query('word7', 'bm25_errors_idx') AS more, 'other' <@> to_bm25query('word7', 'bm25_errors_idx') AS none;
SELECT 'a word7 here' @@@ to_bm25query('word7', 'bm25_errors_idx') AS there;
-- a configuration that an index needs cannot be dropped (text_config.sql has more)
CREATE TEXT SEARCH CONFIGURATION bm25_config (COPY = simple);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (other) WITH (text_config = 'bm25_config')$$);
SELECT pg_temp.outcome($$CREATE INDEX ON bm25_errors USING barq_bm25 (other) WITH (text_config = 'public.bm25_confi')$$);
CREATE INDEX bm25_errors_other ON bm25_errors USING barq_bm25 (other) WITH (text_config = 'public.bm25_config');
SELECT options FROM barq_indexes() WHERE index = 'bm25_errors_other'::regclass;
DROP TEXT SEARCH CONFIGURATION bm25_config;
SELECT count(*) FROM bm25_errors WHERE other @@@ 'x';
DROP INDEX bm25_errors_other;
DROP TEXT SEARCH CONFIGURATION bm25_config;
-- rights: statistics need SELECT on the table
CREATE ROLE bm25_nobody;
SET ROLE bm25_nobody;
SELECT pg_temp.outcome($$SELECT barq_bm25_stats('bm25_errors_idx')$$);
SELECT pg_temp.outcome($$SELECT barq_bm25_df('bm25_errors_idx', 'word7')$$);
RESET ROLE;
GRANT SELECT ON bm25_errors TO bm25_nobody;
SET ROLE bm25_nobody;
SELECT documents FROM barq_bm25_stats('bm25_errors_idx');
RESET ROLE;
DROP TABLE bm25_errors;
DROP ROLE bm25_nobody;
