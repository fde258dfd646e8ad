-- A query without an index name finds its index in every plan.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

CREATE TABLE bm25_plans (id int PRIMARY KEY, body text, title varchar(100), tags text[], lang text);
INSERT INTO bm25_plans SELECT i, CASE i % 10 WHEN 0 THEN 'a vector database' WHEN 1 THEN 'vector search' ELSE 'word' || i || ' and the rest' END,
	'Title ' || i, ARRAY['tag' || i % 7, 'red fox'], CASE i % 2 WHEN 0 THEN 'en' ELSE 'fr' END FROM generate_series(1, 2000) i;
ANALYZE bm25_plans;
-- without an index
SELECT pg_temp.outcome('SELECT body <@> ''vector'' FROM bm25_plans LIMIT 1');
SELECT pg_temp.outcome('SELECT count(*) FROM bm25_plans WHERE body @@@ ''vector''');
CREATE INDEX bm25_plans_body ON bm25_plans USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX bm25_plans_title ON bm25_plans USING barq_bm25 (title) WITH (text_config = 'simple');
CREATE INDEX bm25_plans_tags ON bm25_plans USING barq_bm25 (tags) WITH (text_config = 'english');
ANALYZE bm25_plans;

SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY body <@> ''vector database'' LIMIT 5');
SELECT id, round((body <@> 'vector database')::numeric, 6) AS score FROM bm25_plans ORDER BY body <@> 'vector database' LIMIT 3;
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY title <@> ''title 17'' LIMIT 5');
SELECT id FROM bm25_plans ORDER BY title <@> 'title 17' LIMIT 1;
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY tags <@> ''tag3'' LIMIT 5');
SELECT id FROM bm25_plans ORDER BY tags <@> 'tag3' LIMIT 2;
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY body <@> to_bm25query(''vector'') LIMIT 5');
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY body <@> to_bm25query(''vector'', ''bm25_plans_body'') LIMIT 5');
-- rows without a term are returned, too, without LIMIT
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans WHERE body @@@ ''vector''');
SELECT count(*) FROM bm25_plans WHERE body @@@ 'vector';
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans WHERE body @@@ ''vector'' ORDER BY body <@> ''database'' LIMIT 3');
SELECT id FROM bm25_plans WHERE body @@@ 'vector -database' ORDER BY body <@> 'search' LIMIT 3;
-- bitmaps of two indexes
SET enable_seqscan = off;
SET enable_indexscan = off;
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans WHERE body @@@ ''vector'' AND title @@@ ''17 OR''') LIKE '%Bitmap%' AS bitmap;
SELECT count(*) FROM bm25_plans WHERE body @@@ 'vector' AND id < 100;
SELECT count(*) FROM bm25_plans WHERE body @@@ '"vector database"' OR title @@@ '17';
RESET enable_seqscan;
RESET enable_indexscan;

-- prepared, with a generic plan
PREPARE best (text, int) AS SELECT id FROM bm25_plans ORDER BY body <@> $1 LIMIT $2;
EXECUTE best('vector database', 2);
SET plan_cache_mode = force_generic_plan;
SELECT pg_temp.plan_of('EXECUTE best(''search'', 2)');
EXECUTE best('search', 2);
EXECUTE best('word7', 2);
RESET plan_cache_mode;
-- in functions
CREATE FUNCTION pg_temp.best(words text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE found int;
BEGIN
	SELECT id INTO found FROM bm25_plans ORDER BY body <@> words LIMIT 1;
	RETURN found;
END $$;
SELECT pg_temp.best(w) FROM unnest(ARRAY['word7', 'vector', 'word99', 'search', 'word12', 'word13', 'word14']) w;
CREATE FUNCTION pg_temp.best_sql(words text) RETURNS SETOF int LANGUAGE sql STABLE AS $$ SELECT id FROM bm25_plans ORDER BY body <@> words LIMIT 2 $$;
SELECT * FROM pg_temp.best_sql('search');
-- views, CTEs, subqueries, joins, lateral queries
CREATE VIEW bm25_view AS SELECT id, body AS text, lang FROM bm25_plans;
SELECT pg_temp.plan_of('SELECT id FROM bm25_view ORDER BY text <@> ''vector'' LIMIT 3');
SELECT pg_temp.plan_of('WITH d AS (SELECT id, body FROM bm25_plans) SELECT id FROM d ORDER BY body <@> ''vector'' LIMIT 3');
WITH d AS MATERIALIZED (SELECT id, body FROM bm25_plans WHERE id < 12) SELECT id, round((body <@> 'vector database')::numeric, 3) FROM d ORDER BY body <@> 'vector database', id LIMIT 3;
SELECT pg_temp.plan_of('SELECT * FROM (SELECT id, body <@> ''vector'' AS s FROM bm25_plans) d ORDER BY s LIMIT 3');
SELECT q.w, d.id FROM (VALUES ('word7'), ('search'), ('database')) q(w), LATERAL (SELECT id FROM bm25_plans ORDER BY body <@> q.w LIMIT 1) d;
SELECT a.id, b.id FROM bm25_plans a JOIN bm25_plans b ON b.id = a.id + 1 ORDER BY a.body <@> 'word8' LIMIT 1;
SELECT (SELECT count(*) FROM bm25_plans p WHERE p.body @@@ q.w) FROM (VALUES ('word7'), ('search')) q(w);
SELECT count(*) FROM bm25_plans WHERE body @@@ 'search' AND id IN (SELECT id FROM bm25_plans ORDER BY body <@> 'search' LIMIT 10);
UPDATE bm25_plans SET lang = 'de' WHERE id = (SELECT id FROM bm25_plans ORDER BY body <@> 'word77' LIMIT 1) RETURNING id;
-- a cursor, read on, keeps its statistics
BEGIN;
DECLARE c CURSOR FOR SELECT id, body <@> 'vector' AS score FROM bm25_plans ORDER BY body <@> 'vector' LIMIT 100;
FETCH 1 FROM c \gset first_
INSERT INTO bm25_plans (id, body) SELECT 10000 + i, 'nothing' FROM generate_series(1, 500) i;
MOVE 50 FROM c;
FETCH 1 FROM c \gset later_
SELECT :first_score = (SELECT min(:later_score)) OR :first_score < :later_score AS in_order, round(((:later_score)::numeric), 9) <> round((SELECT min(body <@> 'vector') FROM bm25_plans)::numeric, 9) AS statistics_moved;
ROLLBACK;

-- several indexes: the one whose predicate is implied, else an error that lists them
CREATE INDEX bm25_plans_en ON bm25_plans USING barq_bm25 (body) WITH (text_config = 'english') WHERE lang = 'en';
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans WHERE lang = ''en'' ORDER BY body <@> ''vector'' LIMIT 3');
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY body <@> ''vector'' LIMIT 3');
CREATE INDEX bm25_plans_simple ON bm25_plans USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT pg_temp.outcome('SELECT id FROM bm25_plans ORDER BY body <@> ''vector'' LIMIT 3');
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY body <@> to_bm25query(''vector'', ''bm25_plans_simple'') LIMIT 3');
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY body <@> to_bm25query(''vector'', ''bm25_plans_body'') LIMIT 3');
DROP INDEX bm25_plans_simple;
-- an expression
CREATE INDEX bm25_plans_upper ON bm25_plans USING barq_bm25 ((upper(body) || ' ' || title)) WITH (text_config = 'simple');
SELECT pg_temp.plan_of('SELECT id FROM bm25_plans ORDER BY (upper(body) || '' '' || title) <@> ''word7'' LIMIT 3');
SELECT id FROM bm25_plans ORDER BY (upper(body) || ' ' || title) <@> 'word7' LIMIT 1;
SELECT pg_temp.outcome('SELECT id FROM bm25_plans ORDER BY upper(body) <@> ''word7'' LIMIT 3');
-- plans are made again when the index is dropped
PREPARE again AS SELECT id FROM bm25_plans ORDER BY title <@> 'title 17' LIMIT 1;
EXECUTE again;
DROP INDEX bm25_plans_title;
SELECT pg_temp.outcome('EXECUTE again');
DROP TABLE bm25_plans CASCADE;
