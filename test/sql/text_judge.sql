-- @@@ matches the same rows as PostgreSQL's own search: to_tsvector @@ to_tsquery,
-- plainto_tsquery and phraseto_tsquery, over random texts and queries of every
-- shape, in configurations with stemmers, compounds, affixes, synonyms, a thesaurus
-- and a filter. Each query runs by the index (half of the rows sealed, half in the
-- growing log) and from the rows themselves; the scores of <@> are the same bits in
-- both.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set helpers :abs_srcdir '/include/text.sql'
\i :helpers
\set ECHO all
SET client_min_messages = error;
SET barq.background = off;
CREATE EXTENSION unaccent;
CREATE SCHEMA text_judge;
SET search_path = text_judge, public;
CREATE TEXT SEARCH DICTIONARY compounds (TEMPLATE = ispell, DictFile = ispell_sample, AffFile = ispell_sample);
CREATE TEXT SEARCH DICTIONARY affixes (TEMPLATE = ispell, DictFile = hunspell_sample_num, AffFile = hunspell_sample_num);
CREATE TEXT SEARCH DICTIONARY synonyms (TEMPLATE = synonym, Synonyms = synonym_sample);
CREATE TEXT SEARCH DICTIONARY phrases (TEMPLATE = thesaurus, DictFile = thesaurus_sample, Dictionary = english_stem);
CREATE TEXT SEARCH CONFIGURATION compound (COPY = english);
ALTER TEXT SEARCH CONFIGURATION compound ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH compounds, simple;
CREATE TEXT SEARCH CONFIGURATION compound_only (COPY = english);
ALTER TEXT SEARCH CONFIGURATION compound_only ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH compounds;
CREATE TEXT SEARCH CONFIGURATION hunspell (COPY = english);
ALTER TEXT SEARCH CONFIGURATION hunspell ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH affixes, english_stem;
CREATE TEXT SEARCH CONFIGURATION synonym (COPY = english);
ALTER TEXT SEARCH CONFIGURATION synonym ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH synonyms, english_stem;
CREATE TEXT SEARCH CONFIGURATION thesaurus (COPY = english);
ALTER TEXT SEARCH CONFIGURATION thesaurus ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH phrases, english_stem;
CREATE TEXT SEARCH CONFIGURATION filtered (COPY = english);
ALTER TEXT SEARCH CONFIGURATION filtered ALTER MAPPING FOR asciiword, word, asciihword, hword, hword_asciipart, hword_part WITH unaccent, compounds, english_stem;

-- the words of each configuration's texts and queries
CREATE TEMP TABLE pools (config regconfig PRIMARY KEY, words text[]);
INSERT INTO pools VALUES
	('english', '{the,of,a,database,databases,running,ran,run,happily,happy,state-of-the-art,art,vector,foo-bar,bar}'),
	('simple', '{the,of,Database,databases,running,run,wi-fi,fi,v42,vector,vectors,日本,über}'),
	('german', '{der,die,und,Haus,Häuser,Straße,Straßen,laufen,läuft,E-Mail,Mail,Grüße,groß}'),
	('french', '{le,les,et,cheval,chevaux,mangeaient,manger,peut-être,être,garçon,garçons,œuvre}'),
	('russian', '{и,не,книга,книги,книгу,Москва,москвы,база,базы,данных,читать,читаю}'),
	('compound', '{footballklubber,football,footballs,foot,ball,balls,klubber,booking,bookings,book,rebook,sky,skies,unbook,other,the}'),
	('compound_only', '{footballklubber,football,foot,ball,klubber,booking,book,sky,skies,other}'),
	('hunspell', '{footballklubber,football,foot,foots,ball,klubber,booking,bookings,book,rebook,sky,skies,other,the}'),
	('synonym', '{postgres,postgresql,pgsql,indices,index,indexes,gogle,google,googl,the,other,foo-postgres}'),
	('thesaurus', '{one,two,three,supernovae,stars,supernova,booking,tickets,order,invitation,card,cards,the,crab,sn}'),
	('filtered', '{Éa,ea,footballklubber,football,klubber,bóok,book,Übung,ubung,the,skies,sky}');

-- a word, or some words, of a pool; some written in capitals or otherwise
CREATE FUNCTION pg_temp.word(words text[]) RETURNS text VOLATILE LANGUAGE sql AS $$
	SELECT CASE WHEN random() < 0.1 THEN upper(w) ELSE w END FROM (SELECT words[1 + floor(random() * cardinality(words))::int] AS w) s $$;
CREATE FUNCTION pg_temp.some_words(words text[], fewest int, most int) RETURNS text VOLATILE LANGUAGE sql AS $$
	SELECT string_agg(pg_temp.word(words), ' ') FROM generate_series(1, fewest + floor(random() * (most - fewest + 1))::int) $$;
-- written for to_tsquery
CREATE FUNCTION pg_temp.quoted(word text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT '''' || replace(word, '''', '''''') || '''' $$;

-- the queries of a shape, for @@@ and for PostgreSQL's search
CREATE FUNCTION pg_temp.ask(config regconfig, words text[], shape text, OUT query text, OUT judge tsquery) VOLATILE LANGUAGE plpgsql AS $$
DECLARE
	a text = pg_temp.word(words);
	b text = pg_temp.word(words);
	c text = pg_temp.word(words);
	s text = pg_temp.some_words(words, 2, 4);
	t text = pg_temp.some_words(words, 1, 3);
	qa tsquery = to_tsquery(config, pg_temp.quoted(a));
	qb tsquery = to_tsquery(config, pg_temp.quoted(b));
	qc tsquery = to_tsquery(config, pg_temp.quoted(c));
	ps tsquery = plainto_tsquery(config, s);
	-- where words are joined by hyphens a word asks for the phrase
	plain bool = array_to_string(words, '') NOT LIKE '%-%';
BEGIN
	IF NOT plain THEN
		SELECT qa && qb && qc INTO ps;
		s = concat_ws(' ', a, b, c);
	END IF;
	CASE shape
		WHEN 'word' THEN query = '+' || a; judge = qa;
		WHEN 'words' THEN query = s; judge = ps;
		WHEN 'phrase' THEN query = '"' || t || '"'; judge = phraseto_tsquery(config, t);
		WHEN 'must phrase' THEN query = '+"' || t || '" +' || b; judge = phraseto_tsquery(config, t) && qb;
		WHEN 'not' THEN query = s || ' -' || b; judge = ps && !!qb;
		WHEN 'not alone' THEN query = '-' || b; judge = !!qb;
		WHEN 'not phrase' THEN query = '-"' || t || '" +' || a; judge = !!phraseto_tsquery(config, t) && qa;
		WHEN 'prefix' THEN query = a || '*'; judge = to_tsquery(config, pg_temp.quoted(a) || ':*');
		WHEN 'short prefix' THEN a = left(a, 1 + floor(random() * 5)::int); query = a || '*'; judge = to_tsquery(config, pg_temp.quoted(a) || ':*');
		WHEN 'not prefix' THEN query = '+' || b || ' -' || a || '*'; judge = qb && !!to_tsquery(config, pg_temp.quoted(a) || ':*');
		WHEN 'or' THEN query = s || ' OR +' || b; judge = ps || qb;
		WHEN 'or phrase' THEN query = '"' || t || '"^2 OR ' || a || '*'; judge = phraseto_tsquery(config, t) || to_tsquery(config, pg_temp.quoted(a) || ':*');
		WHEN 'groups' THEN query = '+' || a || '^0.5 (' || s || ' OR -' || b || ')'; judge = qa && (ps || !!qb);
		WHEN 'not groups' THEN query = '-(+' || a || ' -(+' || b || ' OR +' || c || '))'; judge = !!(qa && !!(qb || qc));
	END CASE;
END $$;

CREATE FUNCTION pg_temp.ids(statement text, by_index bool, q bm25query DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('enable_seqscan', (NOT by_index)::text, true), set_config('enable_indexscan', by_index::text, true), set_config('enable_bitmapscan', by_index::text, true);
	EXECUTE statement INTO result USING q;
	RETURN result;
END $$;

CREATE TEMP TABLE found (config regconfig, shape text, query text, judge tsquery, rows text, by_index text, by_rows text, scores_index text, scores_rows text, unmarked text);
CREATE FUNCTION pg_temp.judge(of regconfig, n int, positions text DEFAULT 'on') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	pool text[] = (SELECT words FROM pools WHERE config = of);
	asked record;
BEGIN
	DROP TABLE IF EXISTS docs;
	CREATE TABLE docs (id int, body text, terms tsvector) WITH (autovacuum_enabled = off);
	EXECUTE format('CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = %L, positions = %s)',
		(SELECT format('%s.%s', cfgnamespace::regnamespace, cfgname) FROM pg_ts_config WHERE oid = of), positions);
	INSERT INTO docs SELECT i, body, to_tsvector(of, body) FROM (SELECT i, pg_temp.some_words(pool, 0, 7) AS body FROM generate_series(1, 150) i) r;
	PERFORM barq_seal('docs_body');
	INSERT INTO docs SELECT i, body, to_tsvector(of, body) FROM (SELECT i, pg_temp.some_words(pool, 0, 7) AS body FROM generate_series(151, 250) i) r;
	DELETE FROM docs WHERE id % 10 = 0;
	ANALYZE docs;
	FOR asked IN SELECT shape, a.* FROM unnest('{word,words,phrase,must phrase,not,not alone,not phrase,prefix,short prefix,not prefix,or,or phrase,groups,not groups}'::text[]) shape,
			generate_series(1, n) i, LATERAL pg_temp.ask(of, pool, shape || left('', i)) a
	LOOP
		INSERT INTO found SELECT of, asked.shape, asked.query, asked.judge,
			pg_temp.ids(format('SELECT string_agg(id::text, '','' ORDER BY id) FROM docs WHERE terms @@ %L', asked.judge), false),
			pg_temp.ids('SELECT string_agg(id::text, '','' ORDER BY id) FROM docs WHERE body @@@ $1', true, bm25query),
			pg_temp.ids('SELECT string_agg(id::text, '','' ORDER BY id) FROM docs WHERE body @@@ $1', false, bm25query),
			pg_temp.ids('SELECT string_agg(concat(id, '':'', score), '','' ORDER BY score, id) FROM (SELECT id, body <@> $1 AS score FROM docs ORDER BY body <@> $1) s', true, bm25query),
			pg_temp.ids('SELECT string_agg(concat(id, '':'', score), '','' ORDER BY score, id) FROM (SELECT id, body <@> $1 AS score FROM docs ORDER BY body <@> $1) s', false, bm25query),
			-- without marks for what may not be there, what scores is what has something to show
			CASE WHEN asked.shape IN ('words', 'phrase', 'prefix', 'short prefix', 'or phrase') THEN
				pg_temp.ids(format('SELECT string_agg(id::text, '','' ORDER BY id) FROM docs WHERE (body <@> $1 < 0) <> (strpos(barq_highlight(body, %L, index => ''docs_body'', start_tag => ''[''), ''['') > 0)', asked.query), false, bm25query) END
		FROM (SELECT to_bm25query(asked.query, 'docs_body') AS bm25query) q;
	END LOOP;
END $$;

SELECT setseed(0.125);
SELECT pg_temp.judge(config, 8) FROM pools ORDER BY config::text;
-- some rows match but not all, and each way finds the same
SELECT config, count(*) AS queries, count(*) FILTER (WHERE rows IS NOT NULL) > 60 AS found,
	count(*) FILTER (WHERE by_index IS DISTINCT FROM rows) AS index_wrong, count(*) FILTER (WHERE by_rows IS DISTINCT FROM rows) AS rows_wrong,
	count(*) FILTER (WHERE scores_index IS DISTINCT FROM scores_rows) AS scores_wrong, count(unmarked) AS marks_wrong FROM found GROUP BY config ORDER BY config::text;
SELECT shape, count(*) AS queries, count(*) FILTER (WHERE by_index IS DISTINCT FROM rows OR by_rows IS DISTINCT FROM rows OR scores_index IS DISTINCT FROM scores_rows) AS wrong FROM found GROUP BY shape ORDER BY shape;
SELECT config, shape, query, judge, rows, by_index, by_rows FROM found WHERE by_index IS DISTINCT FROM rows OR by_rows IS DISTINCT FROM rows ORDER BY length(query), query LIMIT 5;
SELECT config, shape, query, unmarked FROM found WHERE unmarked IS NOT NULL ORDER BY length(query), query LIMIT 3;
SELECT config, shape, query, scores_index, scores_rows FROM found WHERE scores_index IS DISTINCT FROM scores_rows ORDER BY length(query), query LIMIT 2;

-- without positions: phrases are checked in the table
DELETE FROM found;
SELECT count(pg_temp.judge(config, 4, 'off')) FROM unnest('{english,compound,thesaurus}'::regconfig[]) config;
SELECT count(*) AS queries, count(*) FILTER (WHERE by_index IS DISTINCT FROM rows OR by_rows IS DISTINCT FROM rows) AS wrong, count(*) FILTER (WHERE scores_index IS DISTINCT FROM scores_rows) AS scores_wrong FROM found;

-- the score of a word with variants: each lexeme counts once, if all lexemes of one
-- of its variants occur, weighted like a word
DELETE FROM found;
SELECT pg_temp.judge('compound', 0);
SELECT ts_lexize('compounds', 'footballklubber');
INSERT INTO docs SELECT i, body, to_tsvector('compound', body) FROM unnest('{foot,foot ball,foot ball klubber,football,football klubber,footballklubber,klubber klubber foot,footballklubber foot}'::text[]) WITH ORDINALITY r(body, i);
CREATE FUNCTION pg_temp.share(of tsvector, lexeme text, length bigint) RETURNS float8 LANGUAGE sql AS $$
	SELECT coalesce(sum(ln(1 + (documents - df + 0.5) / (df + 0.5)) * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / (tokens::float8 / documents)))), 0)
	FROM (SELECT cardinality(positions) AS tf FROM unnest(of) t WHERE t.lexeme = share.lexeme) f, barq_bm25_stats('docs_body') s(documents, tokens), barq_bm25_df('docs_body', lexeme) d(df) $$;
PREPARE scores AS SELECT count(*), count(*) FILTER (WHERE score < 0) > 20 AS scored, count(*) FILTER (WHERE abs(score + expected) > 1e-9) AS wrong
FROM (SELECT score, (SELECT coalesce(sum(pg_temp.share(terms, lexeme, (SELECT count(DISTINCT position) FROM barq_bm25_terms(body, 'compound')))), 0)
		FROM (SELECT DISTINCT unnest(v) AS lexeme FROM (VALUES ('{footballklubber}'::text[]), ('{foot,ball,klubber}'), ('{football,klubber}')) variants(v) WHERE v <@ tsvector_to_array(terms)) l) AS expected
	FROM (SELECT *, body <@> to_bm25query('footballklubber', 'docs_body') AS score FROM docs ORDER BY body <@> to_bm25query('footballklubber', 'docs_body') LIMIT 1000) d) s;
SET enable_seqscan = off;
EXECUTE scores;
SET enable_indexscan = off;
SET enable_seqscan = on;
EXECUTE scores;
DROP SCHEMA text_judge CASCADE;
DROP EXTENSION unaccent;
