-- bm25global: a query with its statistics scores and matches as the index does whose
-- statistics it has, by every plan, and reads no index
\set VERBOSITY terse
CREATE TABLE global_docs (id int PRIMARY KEY, body text, parts text[]);
INSERT INTO global_docs SELECT i, CASE i % 3 WHEN 0 THEN 'the quick database ' ELSE 'a slow dog ' END || repeat('vector ', i % 7) || CASE WHEN i % 10 = 0 THEN 'databases dating dates' ELSE 'noise' || i END,
	ARRAY['quick ' || i, 'dog'] FROM generate_series(1, 500) i;
INSERT INTO global_docs VALUES (1001, NULL, NULL), (1002, '', '{}');
CREATE INDEX global_body ON global_docs USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX global_parts ON global_docs USING barq_bm25 (parts) WITH (text_config = 'simple');
ANALYZE global_docs;
SELECT to_bm25global('quick dat* -dog "slow vector"^2', 'global_body');
-- every score and every match, by both plans
CREATE FUNCTION pg_temp.differing(query text, column_name text, index text, setting text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	m bigint;
	value bm25global = to_bm25global(query, index::regclass);
BEGIN
	EXECUTE format('SET LOCAL enable_seqscan = %s', CASE setting WHEN 'index' THEN 'off' ELSE 'on' END);
	EXECUTE format('SET LOCAL enable_indexscan = %s', CASE setting WHEN 'index' THEN 'on' ELSE 'off' END);
	EXECUTE format('SET LOCAL enable_bitmapscan = %s', CASE setting WHEN 'index' THEN 'on' ELSE 'off' END);
	EXECUTE format('SELECT count(*) FROM (SELECT id, %1$I <@> %2$L::bm25global AS s FROM global_docs ORDER BY %1$I <@> %2$L::bm25global LIMIT 1000) g FULL JOIN (SELECT id, %1$I <@> to_bm25query(%3$L, %4$L) AS s FROM global_docs) o USING (id) WHERE g.s IS DISTINCT FROM o.s', column_name, value, query, index) INTO n;
	EXECUTE format('SELECT count(*) FROM (SELECT id FROM global_docs WHERE %1$I @@@ %2$L::bm25global) g FULL JOIN (SELECT id FROM global_docs WHERE %1$I @@@ to_bm25query(%3$L, %4$L)) o USING (id) WHERE g.id IS NULL OR o.id IS NULL', column_name, value, query, index) INTO m;
	RETURN n + m;
END $$;
SELECT q, c, s, pg_temp.differing(q, c, i, s) FROM (VALUES ('body', 'global_body'), ('parts', 'global_parts')) t(c, i), unnest(ARRAY['index', 'seq']) s,
	unnest(ARRAY['quick', 'dat*', '+vector -dog quick', '"quick database"', '(dog OR quick) vector^3', 'the', '', 'nowhere', 'noise12']) q
WHERE pg_temp.differing(q, c, i, s) > 0;
-- plans: ORDER BY and @@@ by the index; an index of another configuration is not taken
SELECT to_bm25global('quick vector', 'global_body') AS words \gset
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM global_docs ORDER BY body <@> '{"b": 0.75, "k1": 1.2, "query": "quick", "terms": {"quick": 4}, "config": "pg_catalog.english", "tokens": 90, "prefixes": {}, "documents": 10, "tokenizer": "config"}'::bm25global LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM global_docs WHERE body @@@ '{"b": 0.75, "k1": 1.2, "query": "quick", "terms": {"quick": 4}, "config": "pg_catalog.english", "tokens": 90, "prefixes": {}, "documents": 10, "tokenizer": "config"}'::bm25global;
RESET enable_seqscan;
EXPLAIN (COSTS OFF) SELECT id FROM global_docs ORDER BY body <@> '{"b": 0.75, "k1": 1.2, "query": "quick", "terms": {"quick": 4}, "config": "pg_catalog.simple", "tokens": 90, "prefixes": {}, "documents": 10, "tokenizer": "config"}'::bm25global LIMIT 5;
-- known at run time only: the index of another configuration returns all rows, which are scored again
PREPARE nearest(bm25global) AS SELECT id, body <@> $1 FROM global_docs ORDER BY body <@> $1, id LIMIT 3;
SET plan_cache_mode = force_generic_plan;
EXECUTE nearest(:'words');
EXECUTE nearest(replace(:'words', 'english', 'simple')::bm25global);
RESET plan_cache_mode;
-- with filters, other queries and a second ORDER BY
SELECT id FROM global_docs WHERE body @@@ :'words'::bm25global AND body @@@ 'database' ORDER BY body <@> :'words'::bm25global, id LIMIT 3;
SELECT id FROM global_docs WHERE body <@> 'database' < 0 ORDER BY body <@> :'words'::bm25global, body <@> 'date', id LIMIT 3;
-- statistics: other ones give other scores, whatever the index holds
SELECT round(('quick vector' <@> '{"b": 0.75, "k1": 1.2, "query": "quick", "terms": {"quick": 1}, "config": "pg_catalog.english", "tokens": 90, "prefixes": {}, "documents": 1000, "tokenizer": "config"}'::bm25global)::numeric, 6) AS rare,
	round(('quick vector' <@> '{"b": 0.75, "k1": 1.2, "query": "quick", "terms": {"quick": 900}, "config": "pg_catalog.english", "tokens": 90, "prefixes": {}, "documents": 1000, "tokenizer": "config"}'::bm25global)::numeric, 6) AS frequent;
-- sums
CREATE TABLE global_half (LIKE global_docs);
CREATE INDEX global_half_body ON global_half USING barq_bm25 (body) WITH (text_config = 'english');
INSERT INTO global_half SELECT * FROM global_docs WHERE id <= 250;
CREATE TABLE global_rest (LIKE global_docs);
CREATE INDEX global_rest_body ON global_rest USING barq_bm25 (body) WITH (text_config = 'english');
INSERT INTO global_rest SELECT * FROM global_docs WHERE id > 250;
SELECT q FROM unnest(ARRAY['quick', 'dat* vector', '"slow dog" noise1*', '']) q
WHERE (SELECT sum(s)::text FROM (VALUES (to_bm25global(q, 'global_half_body')), (to_bm25global(q, 'global_rest_body'))) v(s)) IS DISTINCT FROM to_bm25global(q, 'global_body')::text;
SELECT bm25global_merge(to_bm25global('quick', 'global_body'), to_bm25global('slow', 'global_body'));
SELECT bm25global_merge(to_bm25global('quick', 'global_body'), to_bm25global('quick', 'global_parts'));
-- binary and text form; what is no value
SELECT bm25global_send(:'words'::bm25global) = jsonb_send(:'words'::jsonb), :'words'::bm25global::text = :'words';
SELECT '{}'::bm25global;
SELECT '[]'::bm25global;
SELECT 'quick'::bm25global;
SELECT '{"b": 2, "k1": 1.2, "query": "quick", "terms": {}, "config": "english", "tokens": 90, "prefixes": {}, "documents": 1000, "tokenizer": "config"}'::bm25global;
SELECT '{"b": 0.5, "k1": 1.2, "query": "quick", "terms": {"quick": "many"}, "config": "english", "tokens": 90, "prefixes": {}, "documents": 1000, "tokenizer": "config"}'::bm25global;
SELECT '{"b": 0.5, "k1": 1.2, "query": "da*", "terms": {}, "config": "english", "tokens": 90, "prefixes": {"da": 7}, "documents": 1000, "tokenizer": "config"}'::bm25global;
SELECT '{"b": 0.5, "k1": 1.2, "query": "da*", "terms": {}, "config": "english", "tokens": 90, "prefixes": {"da": {"df": 7, "terms": [1]}}, "documents": 1000, "tokenizer": "config"}'::bm25global;
SELECT 'quick' <@> '{"b": 0.5, "k1": 1.2, "query": "quick dog", "terms": {"quick": 3}, "config": "english", "tokens": 90, "prefixes": {}, "documents": 1000, "tokenizer": "config"}'::bm25global;
SELECT 'quick' <@> '{"b": 0.5, "k1": 1.2, "query": "quick dog", "terms": {"quick": 3}, "config": "nosuch", "tokens": 90, "prefixes": {}, "documents": 1000, "tokenizer": "config"}'::bm25global;
DROP TABLE global_docs, global_half, global_rest;
