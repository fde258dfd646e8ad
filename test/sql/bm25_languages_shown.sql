-- A language for each row: what is found and shown, stop words, errors, plans, parameters.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE TABLE items (id int PRIMARY KEY, title text, body text, lang regconfig, named text);
INSERT INTO items VALUES
	(1, 'running cats', 'the cats are running over the houses', 'english', 'english'),
	(2, 'Katzen', 'die Katzen laufen durch die Hauser', 'german', 'pg_catalog.german'),
	(3, 'chats', 'les chats courent sur les maisons', 'french', 'French'),
	(4, 'plain', 'cats running plain', 'simple', ' "simple" '),
	(5, 'none', 'cats without language', NULL, NULL),
	(6, NULL, '', 'german', 'german'),
	(7, NULL, NULL, 'german', 'german');
CREATE INDEX items_idx ON items USING barq_bm25 (title, body, lang regconfig_ops) WITH (text_config = 'english');
ANALYZE items;

-- every language's terms; a stop word of a language is in all its rows, beside other words
SELECT q, (SELECT array_agg(id ORDER BY id) FROM items WHERE items @@@ q) AS matching
FROM unnest(ARRAY['cat', 'cats', 'Katze', 'die Katze', 'die', '"die Katzen"', '"the cats are"', 'Kat*', 'les chat', '-cats',
	'title:cats', 'title:Katze body:die', '(die OR les) maison', '+die katze', 'durchs', '"die cats"', 'cats^0 running']) AS q;
SELECT q, least, (SELECT array_agg(id ORDER BY id) FROM items WHERE items @@@ to_bm25query(q, minimum_should_match => least)) AS matching
FROM unnest(ARRAY['die Katze', 'die Katze cats']) AS q, unnest(ARRAY['1', '2', '100%']) AS least;
SELECT c, (SELECT array_agg(id ORDER BY id) FROM items WHERE items @@@ to_bm25query('Katzen cats', search_config => c, minimum_should_match => '1')) AS matching
FROM unnest('{english,german,simple}'::regconfig[]) AS c;
SELECT id, field, term, tf, df, length FROM items, LATERAL barq_explain_score('items_idx', items, 'cats Katze*') ORDER BY 1, 3, 2;
SELECT id, barq_score(items, 'cats') > 0 AS found FROM items ORDER BY id;
SELECT barq_count('items_idx', 'cats'), barq_count('items_idx', 'cats', filter => 'lang = ''simple''::regconfig');
SELECT value, count FROM barq_facets('items_idx', 'cats OR Katze', columns => '{lang}') ORDER BY 1;

SELECT id, barq_highlight(body, 'Katze cat', 'items_idx', language => coalesce(lang::text, '')) FROM items WHERE body <> '' ORDER BY id;
SELECT barq_highlight('die Katzen', 'title:Katze die', 'items_idx', field => 'title', language => 'german');
SELECT barq_highlight('die Katzen', 'Katze', 'items_idx', language => 'klingon');
SELECT barq_highlight('die Katzen', 'Katze', 'german', language => 'german');
SELECT barq_similar('items_idx', 'die Katzen in den Hausern', language => 'german'), barq_similar('items_idx', 'the running cats');
SELECT id FROM items ORDER BY items <@> barq_similar('items_idx', 'die Katzen in den Hausern', language => 'german') LIMIT 1;
SELECT (doc).id FROM barq_hybrid(NULL::items, query => 'die Katze', k => 3);
SELECT (doc).id FROM barq_hybrid(NULL::items, query => 'die Katze', text_column => 'title', k => 3);

-- plans: the row, ROW() in any order, a condition on the language
SET enable_seqscan = off;
EXPLAIN (costs off) SELECT id FROM items ORDER BY items <@> 'cats' LIMIT 3;
EXPLAIN (costs off) SELECT id FROM items WHERE items @@@ 'cats' AND lang = 'simple'::regconfig ORDER BY (lang, body, title) <@> 'cats' LIMIT 3;
SELECT id FROM items WHERE items @@@ 'cats' AND lang = 'simple'::regconfig ORDER BY (lang, body, title) <@> 'cats' LIMIT 3;
EXPLAIN (costs off) SELECT count(*) FROM items WHERE items @@@ 'cats' AND lang = 'simple'::regconfig;
SELECT count(*) FROM items WHERE items @@@ 'cats' AND lang = 'simple'::regconfig;
RESET enable_seqscan;

-- a text alone, or a row without the language, is an error by every way
SELECT title <@> 'cats' FROM items;
SELECT id FROM items WHERE (title, body) @@@ 'cats';
SELECT id FROM items ORDER BY title <@> to_bm25query('cats', 'items_idx') LIMIT 1;
SELECT id FROM items WHERE title @@@ to_bm25query('cats', 'items_idx'::regclass);
SET enable_seqscan = off;
SELECT id FROM items ORDER BY title <@> to_bm25query('cats', 'items_idx') LIMIT 1;
RESET enable_seqscan;
SELECT 'cats' <@> to_bm25query('cats', 'items_idx');
\echo :LAST_ERROR_SQLSTATE
SELECT ROW('cats'::text, 'cats'::text, 1) <@> to_bm25query('cats', 'items_idx');
SELECT to_bm25global('cats', 'items_idx');

-- languages that do not exist
INSERT INTO items VALUES (8, 'x', 'y', 4000000);
CREATE INDEX named_idx ON items USING barq_bm25 (body, named text_regconfig_ops) WITH (text_config = 'english');
UPDATE items SET named = 'klingon' WHERE id = 1;
UPDATE items SET named = 'a.b.c' WHERE id = 1;
UPDATE items SET named = '' WHERE id = 1;
SELECT (body, 'klingon'::text) <@> to_bm25query('cats', 'named_idx') FROM items;
\echo :LAST_ERROR_SQLSTATE
SELECT id FROM items WHERE (body, named) @@@ 'Katze laufen';
DROP INDEX named_idx;
UPDATE items SET named = 'klingon' WHERE id = 1;
CREATE INDEX named_idx ON items USING barq_bm25 (body, named text_regconfig_ops) WITH (text_config = 'english');

-- columns of an index
CREATE INDEX bad ON items USING barq_bm25 (title, lang regconfig_ops, named text_regconfig_ops) WITH (text_config = 'english');
CREATE INDEX bad ON items USING barq_bm25 (lang regconfig_ops) WITH (text_config = 'english');
CREATE INDEX bad ON items USING barq_bm25 (named text_regconfig_ops, body) WITH (text_config = 'english');
CREATE INDEX bad ON items USING barq_bm25 (body, id regconfig_ops) WITH (text_config = 'english');

-- a configuration of one's own: renamed, altered, dropped
CREATE TEXT SEARCH CONFIGURATION public.own (COPY = german);
ALTER TEXT SEARCH CONFIGURATION own DROP MAPPING FOR email;
UPDATE items SET lang = 'own' WHERE id = 2;
SELECT id FROM items WHERE items @@@ 'Katze';
ALTER TEXT SEARCH CONFIGURATION own DROP MAPPING FOR url;
SELECT * FROM barq_check('items_idx');
SELECT id FROM items WHERE items @@@ 'Katze';
REINDEX INDEX items_idx;
ALTER TEXT SEARCH CONFIGURATION own RENAME TO other;
SELECT id FROM items WHERE items @@@ 'Katze';
SELECT * FROM barq_check('items_idx');
DROP TEXT SEARCH CONFIGURATION other;
\set VERBOSITY sqlstate
SELECT id FROM items WHERE items @@@ 'cat' ORDER BY items <@> 'cat' LIMIT 1;
\set VERBOSITY default
SELECT * FROM barq_check('items_idx');
UPDATE items SET lang = 'german' WHERE id = 2;
SELECT id FROM items WHERE items @@@ 'Katze';
CREATE TABLE plain (body text);
CREATE INDEX plain_idx ON plain USING barq_bm25 (body) WITH (text_config = 'english');
SELECT barq_highlight('cats', 'cat', 'plain_idx', language => 'german');
DROP TABLE plain;
DROP TABLE items;
