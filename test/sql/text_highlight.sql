-- barq_highlight: fragments of a text with the words of a query marked.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set helpers :abs_srcdir '/include/text.sql'
\i :helpers
-- the whole text, with brackets as tags
CREATE FUNCTION pg_temp.mark(body text, query text, config regconfig DEFAULT 'english') RETURNS text LANGUAGE sql AS $$
	SELECT barq_highlight(body, query, config, '[', ']', max_fragments => 0) $$;
\set ECHO all

SELECT barq_highlight('The quick brown fox jumps over the lazy dog.', 'foxes jumped', 'english');

-- words, prefixes, required and excluded words
SELECT query, pg_temp.mark('A database of data: the Datum, (databases) & "Indexes".', query) FROM unnest(ARRAY[
	'database', 'data*', '+index', 'index -data', '-data', '-"data"', '-data*', 'data* -datum', 'the', '', '"data of"', 'index data*', '*']) query;
-- phrases where they occur, else their words
SELECT query, pg_temp.mark('brown bread, a fox; brown foxes and the brown fox', query) FROM unnest(ARRAY[
	'"brown fox"', '"fox brown"', '"fox and brown"', '"fox and the brown"', '"brown fox" bread', '"brown fox" fox', '+"brown bread"', '-"brown bread" fox', '"bread the fox"', '"bread a fox"', '"no such"']) query;
-- compounds and URLs: whole or in parts, never nested tags
SELECT query, pg_temp.mark('A state-of-the-art wi-fi at https://example.com/a/b?c and example.com/x.', query) FROM unnest(ARRAY[
	'state-of-the-art', 'state', 'art wi-fi', 'wi-fi fi', 'example.com', 'https://example.com/a/b?c', '"example.com"', 'state wi-f*', 'of']) query;
-- tags and entities of the text itself are kept
SELECT pg_temp.mark('<p class="fox">A &amp; <b>fox</b></p> 3 < 4 fox', 'fox amp');

-- fragments: the most terms, terms not shown before, the shortest distance, the first
SELECT n, barq_highlight('alpha ' || repeat('filler word ', 20) || 'the beta, then gamma (delta)! ' || repeat('more of it ', 20) || 'gamma beta. ' || repeat('less ', 30) || 'alpha end.',
	'alpha beta gamma delta', 'english', '[', ']', n, 6) FROM generate_series(1, 6) n;
SELECT w, barq_highlight('one two three four five six seven eight nine ten', 'five', 'simple', '[', ']', 1, w) FROM unnest('{1,2,3,4,9,10,11,1000000}'::int[]) w;
SELECT w, barq_highlight('one two three four five six seven eight nine ten', 'one ten', 'simple', '[', ']', 2, w) FROM unnest('{1,2,5,6,9,10}'::int[]) w;
-- adjacent fragments are joined
SELECT barq_highlight('a b c d e f g h', 'c e', 'simple', '[', ']', 2, 2);
-- no match: the beginning of the text; a text without words: all of it
SELECT barq_highlight('  "One" two three, four.', 'zz', 'simple', '[', ']', 3, 2), barq_highlight('-- ... --', 'zz', 'simple', '[', ']');
SELECT barq_highlight('', 'zz', 'simple'), barq_highlight('fox', '', 'simple'), barq_highlight('fox', 'fox', 'simple', '', '');
SELECT barq_highlight(NULL, 'a', 'simple') IS NULL AND barq_highlight('a', NULL, 'simple') IS NULL AND barq_highlight('a', 'a', NULL) IS NULL
	AND barq_highlight('a', 'a', 'simple', NULL) IS NULL;

-- other languages; characters are never split
SELECT pg_temp.mark('Die Häuser, das Haus und die Straße', 'haus straßen', 'german');
SELECT pg_temp.mark('Он читает книгу о базах данных; книги', 'книга "базы данных"', 'russian');
SELECT pg_temp.mark('قواعد البيانات والمكتبات', 'البيانات', 'arabic');
SELECT pg_temp.mark('l''été, les chevaux; un cheval', 'cheval', 'french');
SELECT pg_temp.mark('日本語 の データベース', 'データベース', 'simple');
SELECT barq_highlight('日本語 の データベース と 検索 👍 です', '検索', 'simple', '«', '»', 1, 3);

-- compared with a check word by word: random texts, queries of words and prefixes
SELECT setseed(0.75);
CREATE TEMP TABLE bodies AS
	SELECT pg_temp.noise(5 + (random() * 200)::int, ARRAY['alpha ','beta ','Gammas ','the ','(delta) ','über ','x-ray ','3.14 ','alphabet ',E'zeta\n','eta, ','日本 ']) || 'end' AS body,
		pg_temp.noise(1 + (random() * 3)::int, ARRAY['alpha ','gamma ','delta ','ray ','alph* ','日本 ','3.14 ','-beta ','+zeta ']) AS query
	FROM generate_series(1, 500);
SELECT count(*), count(*) FILTER (WHERE strpos(marked, '⟦') > 0) > 300 AS something,
	count(*) FILTER (WHERE marked <> expected) AS wrong, count(*) FILTER (WHERE translate(marked, '⟦⟧', '') <> body) AS changed
FROM (SELECT body, barq_highlight(body, query, 'english', '⟦', '⟧', 0) AS marked,
		(SELECT string_agg(CASE WHEN EXISTS (SELECT FROM barq_bm25_terms(piece, 'english') t, barq_bm25_clauses(query, 'english') c, unnest(c.terms) asked
				WHERE occur <> 'must not' AND CASE kind WHEN 'prefix' THEN starts_with(t.term, asked) ELSE t.term = asked END)
			THEN CASE WHEN piece ~ '^x-ray' THEN 'x-⟦ray⟧ ' ELSE regexp_replace(piece, '^([(]?)(.*?)([),]?\s?)$', '\1⟦\2⟧\3') END ELSE piece END, '' ORDER BY n)
		FROM regexp_matches(body, '\S+\s?', 'g') WITH ORDINALITY r(pieces, n), LATERAL (SELECT pieces[1] AS piece) p) AS expected
	FROM bodies) m;
-- fragments are parts of the text in order, with no more words than requested
-- (x-ray and 3.14 are one word each; adjacent fragments are joined)
SELECT count(*), count(*) FILTER (WHERE NOT in_order) AS out_of_order, count(*) FILTER (WHERE shown_words > words * fragments) AS too_many_words,
	count(*) FILTER (WHERE n > fragments) AS too_many, count(*) FILTER (WHERE NOT balanced) AS unbalanced
FROM (SELECT words, fragments, cardinality(parts) AS n,
		(SELECT count(*) FROM regexp_matches(array_to_string(parts, ' '), 'x-ray|3\.14|[[:alnum:]]+', 'g')) AS shown_words,
		body ~ ('^.*' || (SELECT string_agg(regexp_replace(part, '[^[:alnum:] ]', '\\\&', 'g'), '.*' ORDER BY o) FROM unnest(parts) WITH ORDINALITY p(part, o))) AS in_order,
		translate(shown, translate(shown, '⟦⟧', ''), '') ~ '^(⟦⟧)*$' AS balanced
	FROM (SELECT body, words, fragments, shown, string_to_array(translate(shown, '⟦⟧', ''), ' … ') AS parts
		FROM (SELECT body, words, fragments, barq_highlight(body, query, 'english', '⟦', '⟧', fragments, words) AS shown
			FROM (SELECT body, query, 1 + (random() * 20)::int AS words, 1 + (random() * 4)::int AS fragments FROM bodies) a) b) c) d;

-- a text of 2 MB, and a query of 10,000 words
SELECT barq_highlight(repeat('filler words of a text ', 90000) || 'needle in a haystack', 'needle haystack', 'english', max_fragments => 1, fragment_words => 5);
SELECT length(barq_highlight(repeat('word77 other ', 1000), (SELECT string_agg('word' || i, ' ') FROM generate_series(1, 10000) i), 'english', '[', ']', 0));

-- text typed by people
SELECT pg_temp.mark('a 27" monitor (C++)', '27" (monitor "c'), pg_temp.mark('a b', '- + "'), pg_temp.mark('red fox, blue dog', 'fox^2 OR (blue -dog)');

-- by an index: its configuration and its tokenizer
CREATE TEMP TABLE text_highlight (words text, runs text);
CREATE INDEX text_highlight_words ON text_highlight USING barq_bm25 (words) WITH (text_config = 'english');
CREATE INDEX text_highlight_runs ON text_highlight USING barq_bm25 (runs) WITH (text_config = 'english', tokenizer = 'ngram');
SELECT barq_highlight('the databases', 'database', index => 'text_highlight_words'), barq_highlight('the databases', 'database', 'text_highlight_words'::regclass),
	barq_highlight('the databases', 'database', 'text_highlight_words'), barq_highlight('the databases', 'database', config => 'english'), barq_highlight('the databases', 'database', 'english'::regconfig);
SELECT query, barq_highlight('東京都庁の PostgreSQL入門、京都と databases', query, 'text_highlight_runs', '[', ']', 0) FROM unnest(ARRAY[
	'東京', '都', '東京都庁', '京都', '京都庁', '"都 の"', 'database', 'data*', 'postgresql入門', '東京 -京都', '(大阪 OR 京都)^2', '大阪']) query;
SELECT n, w, barq_highlight('日本語の文章には単語の間に空白がありません。だから文章を二文字か三文字に切ります。', '文字 空白', 'text_highlight_runs', '[', ']', n, w) FROM unnest('{1,2}'::int[]) n, unnest('{1,2,3,5,8,20}'::int[]) w;

-- bad input
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', 'nonesuch')$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', config => 'nonesuch')$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', index => 'nonesuch')$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', 'pg_class')$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', 'pg_class_oid_index'::regclass)$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', index => 0::regclass)$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', 'a.b.c.d.e')$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', 'english', max_fragments => -1)$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', 'english', max_fragments => 1001)$$);
SELECT pg_temp.outcome($$SELECT barq_highlight('a', 'a', 'english', fragment_words => 0)$$);
