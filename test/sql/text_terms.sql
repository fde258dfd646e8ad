-- The terms of a text and their positions equal those of to_tsvector, whatever the
-- caches contain.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set helpers :abs_srcdir '/include/text.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.25);

-- every character for which the default parser has a rule, in any order
\set marks 'ARRAY[''a'',''b'',''foo'',''Bar'',''1'',''2'',''.'',''-'',''_'',''+'',''/'','':'',''@'',''&'','';'',''~'',''e'',''E'',''x'',''#'',''?'',''='','' '','' '','' '',E''\\t'',E''\\n'',E''\\r'',E''\\x0b'',E''\\x0c'',E''\\x01'',''é'',''я'',''http://'',''..'',''com'',''&#38;'',''&amp;'','''''''',''"'','')'','','',''%'',E''\\u00a0'',E''\\u0301'',''中'',''²'',''À'',''.5'',''\\'']'
SELECT config, d.* FROM unnest('{english,german,french,russian,arabic,simple}'::regconfig[]) config, pg_temp.differences(config, 4000, 30, :marks) d;

-- the same with tags, which may contain white space
SELECT config, d.* FROM unnest('{english,russian}'::regconfig[]) config,
	pg_temp.differences(config, 4000, 30, :marks || ARRAY['<','>','<b ','</script>','<script>','<style a>','</style>','<!--','-->','<a href="x y">','<?x ','< ','<<','<1','<é']) d;

-- sentences
\set spaces 'ARRAY['' '','' '','' '','' '','', '','' – '',E''\\n'','' ('','') '',''-'',''/'']'
SELECT d.* FROM pg_temp.differences('english', 2000, 60, :spaces || ARRAY['the','Databases','indexing','of','a','quickly','queries','are','state-of-the-art','don''t','3.14','-7','+1e-5','192.168.0.1','postgresql.org','me@example.com','https://example.com/a/b.html?c=d#e','/usr/bin/perl','../x.c','~/y','1.2.3','U.S.A.','C++','foo_bar','x86_64']) d;
SELECT d.* FROM pg_temp.differences('german', 2000, 60, :spaces || ARRAY['der','Häuser','Straße','Grüße','Donaudampfschifffahrt','läuft','nicht','Äpfel-','E-Mail-Adresse','Ölförderung','ß','über']) d;
SELECT d.* FROM pg_temp.differences('french', 2000, 60, :spaces || ARRAY['l''été','aujourd''hui','les','chevaux','œuvre','où','garçon','peut-être','À','mangeaient','c''est','naïve']) d;
SELECT d.* FROM pg_temp.differences('russian', 2000, 60, :spaces || ARRAY['и','книги','Москва','ёлка','по-русски','читать','читаю','не','базы','данных','С++','2-й']) d;
SELECT d.* FROM pg_temp.differences('arabic', 2000, 60, :spaces || ARRAY['في','الكتاب','كتب','مدرسة','المكتبات','قاعدة','البيانات','السَّلامُ','٣٤','لا','ـ']) d;
SELECT d.* FROM pg_temp.differences('simple', 2000, 60, :spaces || ARRAY['हिन्दी','ไทย','日本語','한국어','Ελληνικά','עברית','İstanbul','ǅ','ﬁ','𝒜','e̊','👍','½','Ⅷ']) d;

-- dictionaries of every kind: a synonym that is a prefix, several lexemes for a word,
-- unknown words, a filter, white space and tags as words
CREATE EXTENSION unaccent;
CREATE SCHEMA text_terms;
SET search_path = text_terms, public;
CREATE TEXT SEARCH DICTIONARY synonyms (TEMPLATE = synonym, Synonyms = synonym_sample);
CREATE TEXT SEARCH DICTIONARY splitting (TEMPLATE = ispell, DictFile = hunspell_sample_long, AffFile = hunspell_sample_long);
CREATE TEXT SEARCH DICTIONARY phrases (TEMPLATE = thesaurus, DictFile = thesaurus_sample, Dictionary = english_stem);
CREATE TEXT SEARCH CONFIGURATION with_synonyms (COPY = english);
ALTER TEXT SEARCH CONFIGURATION with_synonyms ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH synonyms, splitting, english_stem;
CREATE TEXT SEARCH CONFIGURATION known_words (COPY = english);
ALTER TEXT SEARCH CONFIGURATION known_words ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH splitting;
CREATE TEXT SEARCH CONFIGURATION filtered (COPY = english);
ALTER TEXT SEARCH CONFIGURATION filtered ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part, numword WITH unaccent, synonyms, english_stem;
CREATE TEXT SEARCH CONFIGURATION with_blanks (COPY = filtered);
ALTER TEXT SEARCH CONFIGURATION with_blanks ADD MAPPING FOR blank, tag, entity, protocol WITH simple;
CREATE TEXT SEARCH CONFIGURATION with_thesaurus (COPY = english);
ALTER TEXT SEARCH CONFIGURATION with_thesaurus ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH unaccent, phrases, english_stem;

\set words 'ARRAY[''postgres'',''PGSQL'',''indices'',''gogle'',''foot'',''ball'',''klubber'',''footballklubber'',''ex-machina'',''booked'',''rebook'',''sky'',''the'',''unknown'',''Ünïcode'',''Éa'',''àx1'',''12'',''<b>'',''&amp;'',''http://'']'
SELECT config, d.* FROM unnest('{with_synonyms,known_words,filtered,with_blanks}'::regconfig[]) config, pg_temp.differences(config, 3000, 20, :spaces || :words) d;

-- a dictionary that looks ahead (PostgreSQL keeps the answer for the known beginning
-- of a phrase over a word of a type that the thesaurus does not handle, and gives it
-- to some later word; so the first test has no such words, and the second no phrases
-- with known beginnings)
SELECT d.* FROM pg_temp.differences('with_thesaurus', 4000, 20, ARRAY['supernovae ','stars ',' ',' ','the ','one ','two ','three ','booking ','tickets ','crab nebulae ','supernova ','indices','foo ','bar','rebook','booked','a ',', ','! ','é ']) d;
SELECT d.* FROM pg_temp.differences('with_thesaurus', 4000, 20, ARRAY['booking ','booking the tickets ',' ',' ','the ','tickets ','crab','foo-','bar',' 12','. ','5.2','rebook','booked',' "Àé','é ','<b>','Ünà ','a',' . ',', ','x ']) d;
SELECT pg_temp.barq_terms('with_thesaurus', 'see supernovae stars, booking the tickets; one two four, one two three one');

-- words that to_tsvector leaves out, and texts that exceed its limits
SELECT term, position FROM barq_bm25_terms('a1 ' || repeat('x', 2046) || ' b1 ' || repeat('y', 2047) || ' c1 ' || repeat('z', 200000) || ' d1', 'simple')
	WHERE length(term) < 10 ORDER BY position;
SELECT count(*), max(position) FROM barq_bm25_terms((SELECT string_agg('w' || i, ' ') FROM generate_series(1, 300000) i), 'simple');
SELECT count(*), count(DISTINCT position), max(position) FROM barq_bm25_terms(repeat('same ', 20000), 'simple');

-- texts of one piece, and of none
SELECT body, pg_temp.barq_terms('english', body), pg_temp.postgres_terms('english', body) FROM unnest(ARRAY['', ' ', E'\n', 'the', '.', './a/b', ' ./a/b', '~/a', '~', 'ab<cd', '<', 'é']) body;

-- a configuration and a dictionary change
SELECT pg_temp.barq_terms('filtered', 'Ünïcode indices the');
ALTER TEXT SEARCH CONFIGURATION filtered ALTER MAPPING FOR asciiword WITH simple;
SELECT pg_temp.barq_terms('filtered', 'Ünïcode indices the');
ALTER TEXT SEARCH CONFIGURATION filtered DROP MAPPING FOR word;
SELECT pg_temp.barq_terms('filtered', 'Ünïcode indices the');
CREATE TEXT SEARCH DICTIONARY stopping (TEMPLATE = simple, StopWords = english);
ALTER TEXT SEARCH CONFIGURATION filtered ALTER MAPPING FOR asciiword WITH stopping;
SELECT pg_temp.barq_terms('filtered', 'Ünïcode indices the');
ALTER TEXT SEARCH DICTIONARY stopping (StopWords);
SELECT pg_temp.barq_terms('filtered', 'Ünïcode indices the');

-- the caches of a session are bounded, and emptying them changes no result
SELECT sum((SELECT count(*) FROM barq_bm25_terms((SELECT string_agg('w' || (i + k * 200000), ' ') FROM generate_series(1, 200000) i), 'simple'))) FROM generate_series(1, 4) k;
SELECT sum(total_bytes) BETWEEN 1000000 AND 100000000 FROM pg_backend_memory_contexts WHERE name LIKE 'barq%';
SELECT pg_temp.barq_terms('english', body) = pg_temp.postgres_terms('english', body) FROM (SELECT 'The w200001 databases, indexed' AS body) b;

-- bad input
SELECT pg_temp.outcome($$SELECT barq_bm25_terms('a', 'english', 'words')$$);
SELECT pg_temp.outcome($$SELECT barq_bm25_terms('a', 1::oid::regconfig)$$);
SELECT barq_bm25_terms(NULL, 'english');
DROP SCHEMA text_terms CASCADE;
DROP EXTENSION unaccent;
