-- barq_score(), barq_explain_score(), barq_similar(): the scores and words that `<@>` has.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.6);
CREATE TABLE bm25_scores (id int, title text, body text, tags text[]);
INSERT INTO bm25_scores SELECT i, CASE WHEN i % 7 > 0 THEN pg_temp.random_body(6) END, CASE WHEN i % 5 > 0 THEN pg_temp.random_body(30) END, string_to_array(pg_temp.random_body(4), ' ') FROM generate_series(1, 200) i;
CREATE INDEX bm25_scores_body ON bm25_scores USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bm25_scores_tags ON bm25_scores USING barq_bm25 (tags) WITH (text_config = 'simple');
CREATE INDEX bm25_scores_row ON bm25_scores USING barq_bm25 (title bm25_ops (weight = 3, b = 0.4), body, lower(title) bm25_ops (name = 'low', weight = 0.3)) WITH (text_config = 'simple', k1 = 1.7);
INSERT INTO bm25_scores SELECT i, pg_temp.random_body(6), pg_temp.random_body(30) FROM generate_series(201, 220) i;
SELECT barq_seal('bm25_scores_row') > 0 AS sealed;
INSERT INTO bm25_scores SELECT i, pg_temp.random_body(6), pg_temp.random_body(30) FROM generate_series(221, 230) i;

-- barq_score() is minus <@>, never minus 0, of a column, an array, a row, by name, by parameters
SELECT count(*), count(*) FILTER (WHERE barq_score(body, 'w1 w2') IS DISTINCT FROM 0 - (body <@> 'w1 w2')) AS body, count(*) FILTER (WHERE barq_score(tags, 'w1 w2') IS DISTINCT FROM 0 - (tags <@> 'w1 w2')) AS tags,
	count(*) FILTER (WHERE barq_score(s, 'w1 title:w2') IS DISTINCT FROM 0 - (s <@> 'w1 title:w2')) AS rows, count(*) FILTER (WHERE barq_score(body, to_bm25query('w1 w2', 'bm25_scores_body', k1 => 3)) IS DISTINCT FROM 0 - (body <@> to_bm25query('w1 w2', k1 => 3))) AS named,
	count(*) FILTER (WHERE barq_score(ROW(title, body, lower(title)), 'w3') IS DISTINCT FROM barq_score(s, 'w3')) AS row_of, count(*) FILTER (WHERE barq_score(body, 'w1 w2')::text = '-0') AS minus_zero, count(*) FILTER (WHERE barq_score(body, 'w1 w2') > 0) AS matches FROM bm25_scores s;
EXPLAIN (COSTS OFF, VERBOSE) SELECT id, barq_score(body, 'w1 w2') FROM bm25_scores WHERE body @@@ 'w1 w2' ORDER BY body <@> 'w1 w2' LIMIT 3;
SELECT round(barq_score('w1 w1 w9', to_bm25query('w1', 'bm25_scores_body'))::numeric, 6) = round((0 - ('w1 w1 w9' <@> to_bm25query('w1', 'bm25_scores_body')))::numeric, 6) AS of_a_text;
SELECT pg_temp.outcome($$SELECT barq_score('w1', 'w1')$$), pg_temp.outcome($$SELECT barq_score(title || 'x', 'w1') FROM bm25_scores$$);
PREPARE scores(text) AS SELECT sum(barq_score(body, $1)) = sum(0 - (body <@> $1)) AS same FROM bm25_scores;
SET plan_cache_mode = force_generic_plan;
EXECUTE scores('w1 w2');
RESET plan_cache_mode;

-- the parts of a score are it, bit by bit, in every query
CREATE FUNCTION pg_temp.explained(idx regclass, value text, query text) RETURNS TABLE (rows bigint, matches bigint, wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		SELECT count(*), count(*) FILTER (WHERE score > 0), count(*) FILTER (WHERE coalesce(e.sum, 0) IS DISTINCT FROM score)
		FROM (SELECT s AS item, coalesce(barq_score(%s, to_bm25query(%L, %L)), 0) AS score FROM bm25_scores s) r, LATERAL (SELECT sum(part) FROM barq_explain_score(%L, item, %L)) e$q$, value, query, idx, idx, query);
END $$;
SELECT query, a.rows, a.matches, a.wrong, b.matches, b.wrong, c.matches, c.wrong FROM unnest(ARRAY['w1', 'w1 w2 w3 w4', '+w1 w2^3', 'w1 -w2', '"w0 w1" w5', 'w1* w2', 'w4* -w40', '(w1 w2) OR w7^0.5', 'w1^0', 'zzz', '', 'title:w1 w2', 'low:w1^2 body:w3 w0']) query,
	LATERAL pg_temp.explained('bm25_scores_body', 'body', query) a, LATERAL pg_temp.explained('bm25_scores_row', 's', query) b, LATERAL pg_temp.explained('bm25_scores_tags', 'tags', query) c;
-- what they say of a row, against the definition
INSERT INTO bm25_scores VALUES (300, 'Alpha beta', 'alpha gamma gamma', '{alpha,beta}');
SELECT field, term, tf, df, length, round(weight::numeric, 6) AS weight, round(part::numeric, 6) AS part FROM bm25_scores s, barq_explain_score('bm25_scores_row', s, 'alpha gamma^2 bet*') WHERE id = 300;
SELECT e.term, e.tf, e.df = barq_bm25_df('bm25_scores_body', e.term) AS df, e.length, abs(e.weight - ln(1 + (documents - df + 0.5) / (df + 0.5)) * 2.2) < 1e-12 AS weight, abs(part - weight * tf / (tf + 1.2 * (0.25 + 0.75 * length * documents / tokens))) < 1e-12 AS part
	FROM bm25_scores s, barq_explain_score('bm25_scores_body', s, 'alpha gamma nothing') e, barq_bm25_stats('bm25_scores_body') WHERE id = 300;
SELECT field, tf, length FROM bm25_scores s, barq_explain_score('bm25_scores_tags', s, 'alpha beta') WHERE id = 300;
-- a query's parameters and index; another index, another table's row, NULLs
SELECT sum(part) = (SELECT barq_score(body, to_bm25query('alpha gamma', 'bm25_scores_body', k1 => 4, b => 0)) FROM bm25_scores WHERE id = 300) AS same FROM bm25_scores s, barq_explain_score('bm25_scores_body', s, to_bm25query('alpha gamma', 'bm25_scores_body', k1 => 4, b => 0)) WHERE id = 300;
SELECT call, pg_temp.outcome('SELECT count(*) FROM bm25_scores s, (SELECT id, title FROM bm25_scores) t, barq_explain_score(' || call || ')') FROM unnest(ARRAY['''bm25_scores_body'', s, to_bm25query(''w1'', ''bm25_scores_tags'')', '''bm25_scores_body'', t, ''w1''', '''bm25_scores_body'', ROW(1, ''x''), ''w1''', '''bm25_scores_body'', (SELECT c FROM pg_class c LIMIT 1), ''w1''', '''pg_class_oid_index'', s, ''w1''', '''bm25_scores_body'', NULL::bm25_scores, ''w1''', '''bm25_scores_body'', s, NULL::text']) call;
-- a column that was added or dropped after the row was written
ALTER TABLE bm25_scores DROP COLUMN id, ADD n int DEFAULT 7;
SELECT count(*) FROM bm25_scores s, barq_explain_score('bm25_scores_body', s, 'gamma');

-- partitions: the statistics are those of the parent if the query or the index is
CREATE TABLE bm25_scores_p (id int, body text) PARTITION BY RANGE (id);
CREATE TABLE bm25_scores_p1 PARTITION OF bm25_scores_p FOR VALUES FROM (0) TO (100);
CREATE TABLE bm25_scores_p2 PARTITION OF bm25_scores_p FOR VALUES FROM (100) TO (200);
CREATE INDEX bm25_scores_pi ON bm25_scores_p USING barq_bm25 (body) WITH (text_config = 'simple');
INSERT INTO bm25_scores_p SELECT i, pg_temp.random_body(10) FROM generate_series(0, 199) i;
SELECT count(*), count(*) FILTER (WHERE coalesce(e.sum, 0) <> (0 - (body <@> 'w1 w2 w30'))) AS wrong FROM bm25_scores_p p, LATERAL (SELECT sum(part) FROM barq_explain_score('bm25_scores_pi', p, 'w1 w2 w30')) e;
SELECT count(*), count(*) FILTER (WHERE coalesce(e.sum, 0) <> (0 - (body <@> 'w1 w2 w30'))) AS wrong FROM bm25_scores_p1 p, LATERAL (SELECT sum(part) FROM barq_explain_score('bm25_scores_p1_body_idx', p, 'w1 w2 w30')) e;

-- barq_similar(): the best words by frequency and rarity, as the text writes them
CREATE TABLE bm25_similar (id int, body text);
INSERT INTO bm25_similar SELECT i, 'common words of document number ' || i || CASE WHEN i % 10 = 0 THEN ' Databases' ELSE '' END || CASE WHEN i % 50 = 0 THEN ' e-mail:server' ELSE '' END FROM generate_series(1, 100) i;
CREATE INDEX "bm25 similar" ON bm25_similar USING barq_bm25 (body) WITH (text_config = 'english');
SELECT barq_similar('"bm25 similar"', 'A common DATABASE of the unknown word, and e-mail'), barq_similar('"bm25 similar"', 'common common common databases', 1), barq_similar('"bm25 similar"', 'the of'), barq_similar('"bm25 similar"', ''), barq_similar('"bm25 similar"', '+documents -numbers "words" 17'), barq_similar('"bm25 similar"', NULL);
SELECT count(*) FROM bm25_similar WHERE body <@> barq_similar('"bm25 similar"', 'databases', 1) < 0;
SELECT id FROM bm25_similar ORDER BY body <@> barq_similar('"bm25 similar"', (SELECT body FROM bm25_similar WHERE id = 50), 5), id LIMIT 2;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM bm25_similar ORDER BY body <@> barq_similar('"bm25 similar"', 'databases') LIMIT 2;
RESET enable_seqscan;
SELECT call, pg_temp.outcome('SELECT barq_similar(' || call || ')') FROM unnest(ARRAY['''"bm25 similar"'', ''x'', 0', '''"bm25 similar"'', ''x'', 1025', '''pg_class_oid_index'', ''x''']) call;
-- each word that is chosen finds the texts with its term
SELECT count(*) AS words, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM bm25_similar b WHERE b.body @@@ word)) AS lost FROM bm25_similar s, regexp_split_to_table(split_part(barq_similar('"bm25 similar"', s.body)::text, ':', 2), ' ') word WHERE s.id % 25 = 0;

DROP TABLE bm25_scores, bm25_scores_p, bm25_similar;
