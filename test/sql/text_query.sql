-- The query language: the clauses of text queries.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
CREATE FUNCTION pg_temp.asks(query text, config regconfig DEFAULT 'english', tokenizer text DEFAULT 'config') RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(concat(repeat('> ', depth), occur, ' ', kind, ' ' || terms::text, CASE WHEN kind = 'phrase' THEN offsets END,
		CASE WHEN cardinality(variants) > (SELECT count(DISTINCT (o, v)) FROM unnest(offsets, variants) u(o, v)) THEN ' of ' || variants::text END, '^' || nullif(boost, 1)), '; '), 'nothing')
	FROM barq_bm25_clauses(query, config, tokenizer) $$;
\set ECHO all

-- words, phrases, marks, prefixes
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY[
	'The quick brown Foxes', '"quick brown fox"', '"the quick" +"lazy dogs" -"over the"', '+Running -Jumped', 'data*', '+Data* -Base*',
	'-"a fox"', 'one"two three"four', '"one""two"', '"one"-two', '"one"*']) query;
-- a mark counts only at the start of an item and before a letter
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY[
	'e-mail', 'C++', '--fox', '+-fox', '-+fox', 'fox-', 'a|b & !c', 'fox OR dog', 'foo:bar', '(fox)', 'f*x', '*', '* fox', '**', 'fox**', '+*', '-5', '~fox']) query;
-- alternatives, groups, boosts
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY[
	'fox OR dog', 'red fox OR dog', 'red (fox OR dog)', '+(fox dog) -(cat OR cow)', '((fox))', '(red fox) dog', 'a OR (b OR c)', 'x OR y OR z', '(the) OR fox', 'the OR of', '-(the)', '(+fox)', '+(-fox)',
	'fox^2', '"red fox"^0.5', '+fox^3', 'fo*^2', '(red fox^2)^3', '(red OR fox)^2', 'fox^0', 'fox^1', '(((((fox^1000)^1000)^1000)^1000)^1000)', '-fox^2', 'fo-xy^2', 'the-fox^2 dog']) query;
-- as letters: OR without an operand, parentheses in words, a caret without a number
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY[
	'OR', 'Portland OR', 'OR fox', 'fox or dog', 'fox OR OR dog', '(OR fox)', 'ORfox', 'f(x) fox', '(f(x) fox)', ':) fox', 'fox )', '(fox', 'fox) dog', '()', '( )fox', 'fox^', 'x^y', 'fox^2^3', '2^10', 'fox^1001', 'fox^-1', '^2', '"fox"^x', '"fox"dog', '(fox)dog']) query;
-- groups nested too deep, and very many of them
SELECT pg_temp.asks(repeat('(', 100) || 'fox -dog' || repeat(')', 100)), pg_temp.asks(repeat('(', 100) || 'fox -dog');
SELECT count(*), max(depth) FROM barq_bm25_clauses(repeat('(fox OR (dog ', 5000), 'simple');
SELECT count(*), max(depth) FROM barq_bm25_clauses(repeat('(fox OR dog) ', 5000) || repeat(')', 5000), 'simple');

-- a word that consists of several words is a phrase of these
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY[
	'state-of-the-art', '-wi-fi', 'https://example.com/a?b=c', 'me@example.com', '/usr/bin', 'foo,bar', 'x86_64', '1.2.3', '<b>bold</b>', 'the-end']) query;
-- a prefix has the terms that to_tsquery gives it
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY[
	'DATABASES*', 'the*', 'wi-f*', 'example.c*', 'foo,ba*', '+foo,ba*', '-foo,ba*', '(foo*', 'foo-*', '...*', 'É*']) query;
-- escapes
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY[
	'\+fox', '\-fox', 'fox\*', '\"fox', '"a fox \"red\" \\ dog"', '\\', 'two\ words', '\f\o\x', '\é', '\OR fox', '\(fox\)', 'fox\^2', '-\-5']) query;
-- queries without clauses
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY['', ' ', 'the of and', '"the of"', '+the', '-the', '""', '+""', '...', E'\t\n']) query;
-- text typed by people
SELECT query, pg_temp.asks(query) FROM unnest(ARRAY[
	'27" monitor', 'what is a - b?', '- bullet', '-5 degrees', 'C++', ':)', 'error: disk', 'C:\Users\me', '\\server\share', '"fox', 'fox "', 'дом "лес', '-"fox', '"fox\"', '+', '-', 'fox - dog', 'дом + лес', 'fox -', '\', 'fox \', '"fox \', '+\']) query;
-- strict syntax
SELECT query, pg_temp.outcome(format('SELECT to_bm25query(%L, syntax => ''strict'')', query)) FROM unnest(ARRAY[
	'"fox', 'дом "лес', '-"fox', '"fox\"', '+', '-', 'дом + лес', 'fox -', '(fox -)', '--fox', '+*', '\', 'fox \', '"fox \', 'fox"dog', '27" monitor', '(fox', 'f(x', 'fox)', ':)', '()', '(fox OR)', 'fox OR', 'OR fox', 'fox OR OR dog', 'OR',
	'fox^', 'fox^x', 'fox^1001', 'x^2^3', '^2', '"fox"^x', '(fox)^', '*', 'f*x', '*fox', 'fox**', repeat('(', 33) || 'fox' || repeat(')', 33), repeat('fox ', 65537)]) query WHERE length(query) < 100
UNION ALL SELECT 'fox …', pg_temp.outcome(format('SELECT length(to_bm25query(%L, syntax => ''strict'')::text)', repeat('fox ', 65537)));
-- a valid strict query raises no error and means the same as a lenient one
SELECT query, to_bm25query(query, syntax => 'strict') AS value FROM unnest(ARRAY[
	'', 'red fox', '"red fox" +dog -"old cat" pre*', 'e-mail C++ f(x) -5 +49', '(a OR b^2) -(c "d e"^0.5)^3', '\"fox\" \(x\) \OR fox\* x\^2 \\ \+', 'C:\Users\me', '((fox))', '"fox"dog', repeat('(', 32) || 'fox' || repeat(')', 32)]) query;
-- plain syntax: marks have no meaning
SELECT query, value, pg_temp.asks(value) FROM (SELECT query, barq_bm25_escape(query) AS value FROM unnest(ARRAY[
	'red fox', '"red fox" +dog -cat pre*', '(a OR b)^2', 'OR', 'C:\Users\me', 'fox\', 'e-mail - x', E'fox\n-dog\u3000+cat', '']) query) e;
SELECT query FROM unnest(ARRAY['red', '-"x" OR (y^2) z*']) query WHERE to_bm25query(query, syntax => 'plain')::text NOT IN (barq_bm25_escape(query), ':' || barq_bm25_escape(query));
SELECT pg_temp.outcome($$SELECT to_bm25query('fox', syntax => 'loose')$$);

SELECT pg_temp.outcome($$SELECT barq_bm25_clauses('fox', 'no_such_config')$$);
SELECT barq_bm25_clauses(NULL, 'english');

-- long queries
SELECT count(*), count(DISTINCT terms) FROM barq_bm25_clauses((SELECT string_agg('word' || i, ' ') FROM generate_series(1, 10000) i), 'english');
SELECT count(*) FROM barq_bm25_clauses((SELECT string_agg('+"word' || i || ' more"', ' ') FROM generate_series(1, 10000) i), 'english');
SELECT count(*) FROM barq_bm25_clauses((SELECT string_agg('w' || i, ' ') FROM generate_series(1, 65536) i), 'english');
-- (terms after the first 65,536 are left out)
SELECT count(*) FROM barq_bm25_clauses((SELECT string_agg('w' || i, ' ') FROM generate_series(1, 65537) i), 'english');
SELECT count(*) FROM barq_bm25_clauses('fox "' || (SELECT string_agg('w' || i, ' ') FROM generate_series(1, 65537) i) || '"', 'english');
SELECT count(*) FROM barq_bm25_clauses(repeat('x', 100000) || ' fox', 'english');

-- other languages
SELECT pg_temp.asks('+Häuser -"der Straße" Grüß*', 'german');
SELECT pg_temp.asks('книги "базы данных" Моск*', 'russian');
SELECT pg_temp.asks('المكتبات "قاعدة البيانات"', 'arabic');
SELECT pg_temp.asks('aujourd''hui "les chevaux"', 'french');
SELECT pg_temp.asks('The "The The" the*', 'simple');

-- dictionaries: a synonym that is a prefix, several terms for a word, a look ahead
SET client_min_messages = warning;
CREATE SCHEMA text_query;
SET search_path = text_query, public;
CREATE EXTENSION unaccent SCHEMA text_query;
CREATE TEXT SEARCH DICTIONARY synonyms (TEMPLATE = synonym, Synonyms = synonym_sample);
CREATE TEXT SEARCH DICTIONARY splitting (TEMPLATE = ispell, DictFile = hunspell_sample_long, AffFile = hunspell_sample_long);
CREATE TEXT SEARCH DICTIONARY phrases (TEMPLATE = thesaurus, DictFile = thesaurus_sample, Dictionary = english_stem);
CREATE TEXT SEARCH CONFIGURATION with_synonyms (COPY = english);
ALTER TEXT SEARCH CONFIGURATION with_synonyms ALTER MAPPING FOR asciiword, word WITH unaccent, synonyms, splitting, english_stem;
CREATE TEXT SEARCH CONFIGURATION with_thesaurus (COPY = english);
ALTER TEXT SEARCH CONFIGURATION with_thesaurus ALTER MAPPING FOR asciiword WITH phrases, english_stem;
SELECT pg_temp.asks('indices "the indices grow" pgsql postgres footballklubber Ünï* +Éa', 'with_synonyms');
SELECT pg_temp.asks('see supernovae stars booking tickets +booking tickets "booking tickets" booking* one two', 'with_thesaurus');
DROP SCHEMA text_query CASCADE;

-- grams: three or more characters give a phrase of trigrams, two a bigram, one a
-- prefix; words of other scripts stay whole
SELECT query, pg_temp.asks(query, 'english', 'ngram') FROM unnest(ARRAY[
	'東京都庁', '東京', '東', '+東京都 -京都', '"東京 大阪"', '"東京都庁 東"', '東京*', '東京都庁*', '東*', 'PostgreSQL入門', 'Databases データベース', 'data*', '東京foo*', 'สวัสดีครับ', '서울', 'the 東']) query;
