-- The ngram tokenizer: Chinese, Japanese, Thai without spaces between words.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set helpers :abs_srcdir '/include/text.sql'
\i :helpers
-- Whether a document matches a query of one word or phrase, by terms and positions
-- alone.
CREATE FUNCTION pg_temp.holds(document text, query text) RETURNS boolean LANGUAGE sql AS $$
	WITH d AS MATERIALIZED (SELECT * FROM barq_bm25_terms(document, 'simple', 'ngram')),
		q AS MATERIALIZED (SELECT kind, term, off FROM barq_bm25_clauses(query, 'simple', 'ngram') c, unnest(terms, offsets) t(term, off))
	SELECT CASE (SELECT min(kind) FROM q)
		WHEN 'prefix' THEN EXISTS (SELECT FROM d, q WHERE starts_with(d.term, q.term))
		ELSE EXISTS (SELECT FROM d a WHERE NOT EXISTS (SELECT FROM q WHERE NOT EXISTS (SELECT FROM d b WHERE b.term = q.term AND b.position = a.position + q.off)))
		END $$;
\set ECHO all

-- the terms of a text
SELECT body, pg_temp.barq_terms('simple', body, 'ngram') FROM unnest(ARRAY['東', '東京', '東京都', '東京都庁', '東京、大阪。', 'PostgreSQL 入門', 'PostgreSQL入門', 'データベース', 'ฐานข้อมูล', '数据库系统', '서울 특별시', 'e-mail 42 a1', 'Ünïcode über', '👍東👍', '第1章', '々〆〇', '', '、。']) body;
-- the configuration's stop words and stems
SELECT pg_temp.barq_terms('english', 'The databases 数据库 and a running ナレッジ', 'ngram');
SELECT pg_temp.barq_terms('russian', 'книги 数据', 'ngram');

-- a word is found in a text if and only if strpos() finds it within a run
SELECT setseed(0.5);
CREATE TEMP TABLE ngram AS
	SELECT name, i, pg_temp.noise(1 + (random() * 30)::int, letters) AS document, pg_temp.noise(1 + (random() * 4)::int, letters) AS word
	FROM (VALUES ('chinese', regexp_split_to_array('数据库系统的人', '')), ('japanese', regexp_split_to_array('日本デタベー', '')), ('thai', regexp_split_to_array('กขคาิ้', ''))) v(name, letters),
		generate_series(1, 700) i;
SELECT name, count(*), count(*) FILTER (WHERE strpos(document, word) > 0) > 100 AS found, count(*) FILTER (WHERE strpos(document, word) = 0) > 100 AS not_found,
	count(*) FILTER (WHERE pg_temp.holds(document, word) <> (strpos(document, word) > 0)) AS wrong,
	count(*) FILTER (WHERE pg_temp.holds('x ' || document || ', y', '"' || word || '"') <> (strpos(document, word) > 0)) AS wrong_quoted
FROM ngram GROUP BY name ORDER BY name;
-- two runs of a phrase must adjoin as in the text
SELECT pg_temp.holds('PostgreSQL は速い', '"PostgreSQL は速い"'), pg_temp.holds('PostgreSQLは速い', '"PostgreSQL は速い"'),
	pg_temp.holds('速い PostgreSQL は', '"PostgreSQL は速い"');
-- a long run, and many
SELECT count(*), max(position) FROM barq_bm25_terms(repeat('数据库', 100000), 'simple', 'ngram');
SELECT count(*), max(position) FROM barq_bm25_terms(repeat('数 据库 ', 50000), 'simple', 'ngram');
