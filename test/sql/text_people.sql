-- Any string that people may type into a search box is a valid query: 200 strings
-- of many kinds, each by @@@, <@>, barq_highlight and barq_hybrid, without an error
-- and with the same rows and scores by the index as from the rows themselves.
-- Escaped, each is a query for its words alone.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all
SET client_min_messages = warning;
CREATE SCHEMA text_people;
SET search_path = text_people, public;
CREATE TABLE typed (kind text, query text);
INSERT INTO typed SELECT 'quotes', unnest(ARRAY[
	'27" monitor', '"open quote', 'close quote"', '"', '""', '"""', 'a 6'' 2" man', '"exact phrase" and more', 'say "hello" and "bye', '5''10" tall', '''single''', '“smart quotes”', '„deutsch“', '«français»', 'it''s', 'rock''n''roll', '"a" "b" "c', 'size 10" x 12"', '-"', '+"']);
INSERT INTO typed SELECT 'dashes', unnest(ARRAY[
	'what is a - b?', '- bullet', '-5 degrees', '--verbose', '-', '--', '---', 'a -- b', 'pros + cons', '+', '++', '+ -', 'budget – roughly', 'em — dash', 'e-mail', 'x -y', '-1', '+49 30 1234', 'well-known', '-mysql']);
INSERT INTO typed SELECT 'addresses', unnest(ARRAY[
	'https://example.com/a?b=c&d=-e#f', 'http://', 'www.example.com', 'me@example.com', 'mailto:me@example.com', 'ftp://user:pass@host:21/x', '/usr/local/bin', '~/.bashrc', 'C:\Users\me', '\\server\share', 'file:///etc/passwd', '192.168.0.1:8080', '::1', 'a/b/c.html', '#hashtag', '@somebody', 'r/postgres', 'example.com:', 'x.y.z', '?q=a+b']);
INSERT INTO typed SELECT 'code', unnest(ARRAY[
	'C++', 'C#', '.NET', 'f(x)', 'printf("%d\n", x);', 'a[0]', 'if (a && !b) { return; }', 'SELECT * FROM t WHERE a = ''x''', '<b>bold</b>', '<!-- x -->', 'foo::bar<int>', '$HOME', '`ls -la`', 'x = y ? z : w', '*ptr', '&ref', 'a->b', '#include <stdio.h>', '\d+\.\w*', 'std::vector<std::string>* v = nullptr;']);
INSERT INTO typed SELECT 'emoticons', unnest(ARRAY[
	':)', ':-(', ';)', ':D', '<3', ':''(', '(:', 'xD', '¯\_(ツ)_/¯', '(╯°□°)╯', 'o_O', '>:(', ':-)) great', '(Y)', ':p :p', '^^', '^_^', '*hug*', '-_-', '\o/']);
INSERT INTO typed SELECT 'emoji', unnest(ARRAY[
	'👍', '👍 database', '👨‍👩‍👧‍👦', '🇩🇪 flag', '❤️', '☕+🍰', '-👍', '🤷🏽‍♀️', '"🎉 party"', '🎉*']);
INSERT INTO typed SELECT 'maths', unnest(ARRAY[
	'x^2 + y^2 = z^2', '2^10', 'a*b', '2 * 3', '(a + b) * c', '((', '))', ')(', '(', ')', '3 < 4 > 2', '1/2', '50%', '$5.99', '≤ ≥ ≠', '∑ x', '10^100', 'x^', '^', '1e-5']);
INSERT INTO typed SELECT 'words that are marks', unnest(ARRAY[
	'OR', 'or', 'AND', 'NOT', 'Portland OR', 'OR Portland', 'this OR that', 'this OR OR that', '(this OR) that', 'cats AND dogs', 'NOT mysql', 'a OR', 'NEAR/5', 'title:database', 'error: disk', 'body:"x y"', 'database~2', 'data?ase', 'data*base', '*']);
INSERT INTO typed SELECT 'scripts', unnest(ARRAY[
	'базы данных', 'データベース', '数据库 索引', '데이터베이스', 'قاعدة البيانات', 'מסד נתונים', 'ฐานข้อมูล', 'डेटाबेस', 'βάση δεδομένων', 'İstanbul ıI', 'straße STRASSE', 'naïve café', 'ﬁnance', '東京　大阪', '「引用」', 'a‎b‏c', 'Ünï-cödé', 'ǅ', '𝒜𝓁𝓅𝒽𝒶', 'zalgơ̴̢̟']);
INSERT INTO typed SELECT 'control characters', unnest(ARRAY[
	E'\t', E'\n', E'a\nb', E'a\tb\r\nc', E'\x01\x02', E'a\x7fb', E'\x1b[31mred', E'\u00a0', E'a\u00a0b', E'\u200b', E'a\u200bb', E'\ufeffbom', E'\u2028', E'\u0085x', E'\x08', E'"a\nb"', E'-\n-', E'+\t', E'\\\n', E'\\']);
INSERT INTO typed SELECT 'long ones', unnest(ARRAY[
	(SELECT string_agg('word' || i, ' ') FROM generate_series(1, 10000) i), repeat('x', 5000), repeat('"', 999), repeat('(', 999), repeat(')', 999), repeat('-', 999), repeat('+a ', 500), repeat('(a OR ', 300), repeat('a* ', 200), repeat('\', 999)]);
SELECT kind, count(*), count(DISTINCT query) FROM typed GROUP BY kind ORDER BY min(ctid);

-- texts that the strings may find, and the strings themselves
CREATE TABLE texts (id serial, body text, e vector(2));
INSERT INTO texts (body, e) SELECT body, ARRAY[i, 1]::int[] FROM unnest(ARRAY['a 27" monitor', 'budget – roughly', 'pros and cons', 'what is b', 'database error: disk', '-5 degrees', 'the C++ code', 'postgres mysql', 'this and that', 'vector database']) WITH ORDINALITY r(body, i);
CREATE INDEX texts_body ON texts USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX texts_e ON texts USING barq_hnsw (e vector_l2_ops);
INSERT INTO texts (body, e) SELECT query, '[0,0]' FROM typed WHERE length(query) < 1000;
SELECT barq_seal('texts_body') > 0 AS sealed;
INSERT INTO texts (body, e) SELECT query || ' database', '[0,1]' FROM typed WHERE length(query) < 1000;
ANALYZE texts;

-- a string by each way; errors are shown
CREATE FUNCTION pg_temp.search(query text, by_index bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	matches text;
	scores text;
BEGIN
	PERFORM set_config('enable_seqscan', (NOT by_index)::text, true), set_config('enable_indexscan', by_index::text, true), set_config('enable_bitmapscan', by_index::text, true);
	EXECUTE 'SELECT string_agg(id::text, '','' ORDER BY id) FROM (SELECT id FROM texts WHERE body @@@ $1) s' INTO matches USING query;
	EXECUTE 'SELECT string_agg(concat(id, '':'', score), '','' ORDER BY score, id) FROM (SELECT id, body <@> $1 AS score FROM texts ORDER BY body <@> $1) s' INTO scores USING query;
	RETURN concat_ws(' / ', matches, scores);
EXCEPTION WHEN OTHERS THEN
	RETURN concat('an error: ', SQLSTATE, ' ', SQLERRM, ' ', by_index);
END $$;
CREATE FUNCTION pg_temp.rest(asked text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	SELECT count(translate(barq_highlight(body, asked, 'english', '⟦', '⟧', 0), '⟦⟧', '') = body OR NULL) INTO n FROM texts;
	IF n <> (SELECT count(*) FROM texts) THEN
		RETURN 'highlighting changes the text';
	END IF;
	PERFORM (doc).id FROM barq_hybrid(NULL::texts, embedding => '[1,0]', query => asked);
	IF (SELECT count(*) FROM barq_hybrid(NULL::texts, embedding => '[1,0]', query => asked, k => 5)) <> 5 THEN
		RETURN 'a hybrid search loses the rows near in meaning';
	END IF;
	-- escaped: words only, none of them marked
	IF EXISTS (SELECT FROM barq_bm25_clauses(barq_bm25_escape(asked), 'english') WHERE occur <> 'should' OR kind NOT IN ('word', 'phrase') OR boost <> 1 OR depth <> 0) THEN
		RETURN 'escaped, a mark is left';
	END IF;
	-- as a bm25query in text form
	IF (SELECT string_agg(id::text, ',' ORDER BY id) FROM texts WHERE body @@@ ('texts_body:' || asked)::bm25query) IS DISTINCT FROM
		(SELECT string_agg(id::text, ',' ORDER BY id) FROM texts WHERE body @@@ asked) THEN
		RETURN 'a bm25query finds other rows';
	END IF;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN concat('an error: ', SQLSTATE, ' ', SQLERRM);
END $$;
CREATE TEMP TABLE answers AS SELECT kind, query, pg_temp.search(query, true) AS by_index, pg_temp.search(query, false) AS by_rows, pg_temp.rest(query) AS wrong FROM typed;
SELECT count(*), count(*) FILTER (WHERE by_index LIKE '% / %') > 100 AS with_matches, count(*) FILTER (WHERE by_index IS DISTINCT FROM by_rows) AS different,
	count(*) FILTER (WHERE by_index LIKE 'an error%' OR wrong IS NOT NULL) AS wrong FROM answers;
SELECT kind, left(query, 40), left(by_index, 100), left(by_rows, 100), wrong FROM answers WHERE by_index IS DISTINCT FROM by_rows OR by_index LIKE 'an error%' OR wrong IS NOT NULL;
-- rows that some of them find
SELECT query, (SELECT string_agg(body, ' | ' ORDER BY id) FROM texts WHERE body @@@ query AND id <= 10) AS found FROM unnest(ARRAY[
	'27" monitor', 'is there a 27" monitor?', 'what is the budget - roughly', 'pros + cons', '-5 degrees', 'error: disk', 'C++', 'this OR mysql', '"vector database', '(vector OR disk) database', 'database -vector', 'data* -(vector OR 27")']) query;
DROP SCHEMA text_people CASCADE;
