-- Commands on an index of text: CONCURRENTLY, REINDEX, TRUNCATE, VACUUM; unlogged,
-- temporary, partial indexes, expressions, languages, large documents.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.8);
SET enable_seqscan = off;
CREATE TABLE bm25_ddl (id int, body text) WITH (autovacuum_enabled = off);
INSERT INTO bm25_ddl SELECT i, pg_temp.random_body(10) FROM generate_series(1, 400) i;
CREATE INDEX CONCURRENTLY bm25_ddl_idx ON bm25_ddl USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT * FROM pg_temp.wrong('bm25_ddl', 'bm25_ddl_idx', 'simple', ARRAY['w1 w2', 'w30', 'w4 w9 w2'], 20);
REINDEX INDEX CONCURRENTLY bm25_ddl_idx;
SELECT * FROM pg_temp.wrong('bm25_ddl', 'bm25_ddl_idx', 'simple', ARRAY['w1 w2', 'w30', 'w4 w9 w2'], 20);
-- rows of a transaction that was rolled back are not seen
BEGIN;
INSERT INTO bm25_ddl VALUES (1000, 'gone');
SELECT count(*) FROM bm25_ddl WHERE body @@@ 'gone';
ROLLBACK;
SELECT count(*) FROM bm25_ddl WHERE body @@@ 'gone';
BEGIN;
TRUNCATE bm25_ddl;
INSERT INTO bm25_ddl VALUES (1, 'new');
SELECT id FROM bm25_ddl ORDER BY body <@> 'new' LIMIT 1;
ROLLBACK;
SELECT documents FROM barq_bm25_stats('bm25_ddl_idx');
TRUNCATE bm25_ddl;
SELECT documents, tokens FROM barq_bm25_stats('bm25_ddl_idx');
SELECT count(*) FROM (SELECT id FROM bm25_ddl ORDER BY body <@> 'w1' LIMIT 5) s;
INSERT INTO bm25_ddl VALUES (1, 'again and again');
SELECT id, round((body <@> 'again')::numeric, 6) FROM bm25_ddl ORDER BY body <@> 'again' LIMIT 5;
SELECT * FROM barq_check('bm25_ddl_idx');
DROP TABLE bm25_ddl;
-- unlogged and temporary
CREATE UNLOGGED TABLE bm25_unlogged (id int, body text);
INSERT INTO bm25_unlogged SELECT i, pg_temp.random_body(10) FROM generate_series(1, 100) i;
CREATE INDEX bm25_unlogged_idx ON bm25_unlogged USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT * FROM pg_temp.wrong('bm25_unlogged', 'bm25_unlogged_idx', 'simple', ARRAY['w1 w2', 'w30'], 20);
CREATE TEMP TABLE bm25_temporary (id int, body text) ON COMMIT DELETE ROWS;
CREATE INDEX bm25_temporary_idx ON bm25_temporary USING barq_bm25 (body) WITH (text_config = 'simple');
BEGIN;
INSERT INTO bm25_temporary SELECT i, pg_temp.random_body(10) FROM generate_series(1, 300) i;
SELECT barq_seal('bm25_temporary_idx');
INSERT INTO bm25_temporary VALUES (1000, 'special');
SELECT id FROM bm25_temporary ORDER BY body <@> 'special' LIMIT 1;
COMMIT;
SELECT documents FROM barq_bm25_stats('bm25_temporary_idx');
DROP TABLE bm25_unlogged, bm25_temporary;
-- languages: stems, stop words, scripts
CREATE TABLE bm25_languages (id int, language text, body text);
INSERT INTO bm25_languages VALUES
	(1, 'english', 'The databases were searching for documents'), (2, 'french', 'Les chevaux mangeaient les pommes'), (3, 'german', 'Die Häuser der Kinder waren größer'),
	(4, 'russian', 'книги лежали на столах'), (5, 'arabic', 'الكتب على الطاولات'), (6, 'simple', 'The Databases');
DO $$
DECLARE l text;
BEGIN
	FOREACH l IN ARRAY ARRAY['english', 'french', 'german', 'russian', 'arabic', 'simple'] LOOP
		EXECUTE format('CREATE INDEX bm25_languages_%s ON bm25_languages USING barq_bm25 (body) WITH (text_config = %L) WHERE language = %L', l, l, l);
	END LOOP;
END $$;
SELECT q.language, q.words, (SELECT id FROM bm25_languages l WHERE l.body @@@ to_bm25query(q.words, ('bm25_languages_' || q.language)::regclass) AND l.language = q.language) AS found
FROM (VALUES ('english', 'database search document'), ('french', 'cheval pomme'), ('german', 'haus kind groß'), ('russian', 'книга стол'), ('arabic', 'كتاب'), ('arabic', 'الكتب'), ('simple', 'the databases'), ('simple', 'database')) q(language, words);
SELECT id FROM bm25_languages WHERE language = 'german' ORDER BY body <@> 'Haus' LIMIT 1;
-- text without spaces
CREATE TABLE bm25_ngram (id int, body text);
INSERT INTO bm25_ngram VALUES (1, '数据库系统很快'), (2, '全文検索エンジン'), (3, 'ภาษาไทยไม่มีช่องว่าง'), (4, '搜索数据'), (5, 'PostgreSQL 数据库');
CREATE INDEX bm25_ngram_idx ON bm25_ngram USING barq_bm25 (body) WITH (text_config = 'simple', tokenizer = 'ngram');
SELECT w, (SELECT array_agg(id ORDER BY id) FROM bm25_ngram WHERE body @@@ w) AS found FROM (VALUES ('数据'), ('数据库'), ('検索'), ('エンジン'), ('ไทย'), ('postgresql'), ('据数'), ('库')) q(w);
SELECT id FROM bm25_ngram ORDER BY body <@> '搜索数据' LIMIT 1;
-- documents of any size: beyond a tsvector's 1 MB, positions beyond 16,383
CREATE TABLE bm25_large (id int, body text);
INSERT INTO bm25_large SELECT 1, string_agg('word' || i, ' ') || ' last pair' FROM generate_series(1, 200000) i;
INSERT INTO bm25_large VALUES (2, 'pair last');
SELECT to_tsvector('simple', body) IS NULL FROM bm25_large WHERE id = 1;
CREATE INDEX bm25_large_idx ON bm25_large USING barq_bm25 (body) WITH (text_config = 'simple');
INSERT INTO bm25_large SELECT 3, body FROM bm25_large WHERE id = 1;
SELECT array_agg(id ORDER BY id) FROM bm25_large WHERE body @@@ '"word199999 word200000 last pair"';
SELECT array_agg(id ORDER BY id) FROM bm25_large WHERE body @@@ '"last pair"';
SELECT barq_seal('bm25_large_idx');
SELECT array_agg(id ORDER BY id) FROM bm25_large WHERE body @@@ '"word199999 word200000 last pair"';
SELECT documents, tokens FROM barq_bm25_stats('bm25_large_idx');
SELECT * FROM barq_check('bm25_large_idx');
DROP TABLE bm25_languages, bm25_ngram, bm25_large;
