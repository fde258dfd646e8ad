-- A language for each row: scores and matches against a brute force in SQL, which makes terms
-- by to_tsvector of each row's own configuration, by every plan, with several segments,
-- growing and deleted rows, NULLs, other languages by and by.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;
SELECT setseed(0.3);

CREATE TABLE docs (id int PRIMARY KEY, title text, body text, lang regconfig, price int);
CREATE TABLE notes (id int PRIMARY KEY, body text, lang text);

-- words in inflections; "die", "the", "les", "in" and "pas" are stop words of some languages
CREATE TABLE vocabulary (n int PRIMARY KEY, word text);
INSERT INTO vocabulary SELECT n, word FROM regexp_split_to_table(
	'cats die the running cat Katzen les houses chats run Katze in maisons Haus runs laufen '
	'house pas maison Hause chat dogs courant laufend dog chiens courants Hunde chien Hundes '
	'foo-bars foo-bar running-dogs', ' ') WITH ORDINALITY AS w(word, n);
CREATE FUNCTION words(most int) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(string_agg((SELECT array_agg(word ORDER BY n) FROM vocabulary)[1 + floor(33 * random() ^ 2)::int], ' '), '')
	FROM generate_series(1, (random() * most)::int)
$$;
CREATE FUNCTION fill(first int, last int, languages text[]) RETURNS void LANGUAGE sql AS $$
	INSERT INTO docs
	SELECT i, CASE WHEN i % 7 <> 0 THEN words(5) END, CASE WHEN i % 11 <> 0 THEN words(25) END,
		languages[1 + i % array_length(languages, 1)]::regconfig, i % 100
	FROM generate_series(first, last) AS i;
	INSERT INTO notes SELECT id, body, lang::text FROM docs WHERE id BETWEEN first AND last;
$$;

-- All documents that the indexes count, deleted ones until they are merged away: frequencies
-- and lengths by field. `of`: the table.
CREATE TABLE counted (of text, id int, lang regconfig, field text, lexeme text, tf float8);
CREATE TABLE lengths (of text, id int, lang regconfig, field text, length float8);
CREATE TABLE parameters (of text, field text, weight float8, b float8);
INSERT INTO parameters VALUES ('docs', 'title', 3, 0.6), ('docs', 'body', 1, 0.75), ('notes', 'body', 1, 0.75);
CREATE FUNCTION count_documents() RETURNS void LANGUAGE sql AS $$
	TRUNCATE counted, lengths;
	INSERT INTO lengths
	SELECT of, id, lang, field, count(DISTINCT at) FROM (
		SELECT 'docs' AS of, id, coalesce(lang, 'english') AS lang, f.field, f.content FROM docs,
			LATERAL (VALUES ('title', title), ('body', body)) AS f(field, content)
		UNION ALL SELECT 'notes', id, coalesce(lang, 'english')::regconfig, 'body', body FROM notes) AS d
		LEFT JOIN LATERAL unnest(to_tsvector(lang, content)) AS t ON true
		LEFT JOIN LATERAL unnest(t.positions) AS p(at) ON true
	WHERE content IS NOT NULL GROUP BY 1, 2, 3, 4;
	INSERT INTO counted
	SELECT of, id, lang, field, t.lexeme, array_length(t.positions, 1) FROM (
		SELECT 'docs' AS of, id, coalesce(lang, 'english') AS lang, f.field, f.content FROM docs,
			LATERAL (VALUES ('title', title), ('body', body)) AS f(field, content)
		UNION ALL SELECT 'notes', id, coalesce(lang, 'english')::regconfig, 'body', body FROM notes) AS d,
		LATERAL unnest(to_tsvector(lang, content)) AS t;
	ANALYZE counted, lengths;
$$;

-- Each word of a query as its lexemes in these languages.
CREATE FUNCTION pools(query text[], languages regconfig[]) RETURNS TABLE (pool text[]) LANGUAGE sql STABLE AS $$
	SELECT DISTINCT array_agg(DISTINCT t.lexeme ORDER BY t.lexeme)
	FROM unnest(query) AS q(word), unnest(languages) AS l, LATERAL unnest(to_tsvector(l, q.word)) AS t
	GROUP BY q.word
$$;

-- The scores of the rows of a table for words: only those above 0.
CREATE FUNCTION brute(which text, query text[], languages regconfig[], n float8) RETURNS TABLE (id int, score float8)
LANGUAGE sql STABLE AS $$
	WITH averages AS MATERIALIZED (
		SELECT field, sum(length) / n AS avglen FROM lengths WHERE of = which GROUP BY 1
	), occurrences AS MATERIALIZED (
		SELECT c.*, p.pool FROM counted c JOIN pools(query, languages) p ON c.lexeme = ANY (p.pool) WHERE of = which
	), frequencies AS MATERIALIZED (
		SELECT pool, count(DISTINCT o.id)::float8 AS df FROM occurrences o GROUP BY 1
	), pooled AS MATERIALIZED (
		SELECT o.id, pool, field, sum(tf) AS tf FROM occurrences o GROUP BY 1, 2, 3
	), weighted AS MATERIALIZED (
		SELECT o.id, o.pool, sum(p.weight * tf / (1 - p.b + p.b * length / avglen)) AS wtf
		FROM pooled o JOIN lengths l USING (id, field) JOIN averages USING (field)
			JOIN parameters p USING (of, field) WHERE of = which GROUP BY 1, 2
	)
	SELECT w.id, sum(ln(1 + (n - df + 0.5) / (df + 0.5)) * 2.2 * wtf / (wtf + 1.2)) FROM weighted w
		JOIN frequencies USING (pool) WHERE wtf > 0 GROUP BY 1
$$;

-- The rows that match all words: each by a lexeme, or as a stop word of the row's language,
-- which makes others of the query.
CREATE FUNCTION brute_matches(which text, query text[], languages regconfig[]) RETURNS int[]
LANGUAGE sql STABLE AS $$
	WITH analysed AS MATERIALIZED (
		SELECT word, lang, tsvector_to_array(to_tsvector(lang, word)) AS lexemes
		FROM unnest(query) AS w(word), unnest(languages) AS l(lang)
	), held AS MATERIALIZED (
		SELECT DISTINCT c.id, a.word FROM counted c JOIN analysed a ON c.lexeme = ANY (a.lexemes) WHERE c.of = which
		UNION
		SELECT l.id, a.word FROM lengths l JOIN analysed a USING (lang) WHERE l.of = which AND a.lexemes = '{}'
			AND EXISTS (SELECT FROM analysed o WHERE o.lang = a.lang AND o.lexemes <> '{}')
	), wanted AS MATERIALIZED (
		SELECT DISTINCT word FROM analysed WHERE lexemes <> '{}'
	)
	SELECT array_agg(id ORDER BY id) FROM (
		SELECT id FROM held JOIN wanted USING (word) GROUP BY id
		HAVING count(*) = (SELECT count(*) FROM wanted)) AS m
$$;

-- Compare the ranking and the matches of an expression by words with the brute force.
CREATE FUNCTION compare(which text, expression text, query text[], config text, languages regconfig[], condition text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n float8 := (SELECT documents FROM barq_bm25_stats((which || '_idx')::regclass));
	words text := format('to_bm25query(%L, %L, search_config => %L)', array_to_string(query, ' '), which || '_idx', config);
	wrong text;
	found int[];
	expected int[];
BEGIN
	EXECUTE format($q$
		WITH ranked AS MATERIALIZED (
			SELECT id, %2$s <@> %3$s AS distance FROM %1$s WHERE %4$s ORDER BY %2$s <@> %3$s
		), numbered AS (
			SELECT *, row_number() OVER () AS at FROM ranked
		), given AS (
			SELECT *, lag(distance) OVER (ORDER BY at) AS before FROM numbered
		), found AS MATERIALIZED (
			SELECT * FROM brute(%1$L, %5$L, %6$L, $1)
		), expected AS MATERIALIZED (
			SELECT id, CASE WHEN EXISTS (SELECT FROM lengths l WHERE l.of = %1$L AND l.id = d.id) THEN -coalesce(score, 0) END AS distance
			FROM %1$s d LEFT JOIN found USING (id) WHERE %4$s
		)
		SELECT string_agg(format('%%s: %%s for %%s', e.id, g.distance, e.distance), ', ')
		FROM given g FULL JOIN expected e USING (id)
		WHERE abs(g.distance - e.distance) > 1e-9 OR (g.distance IS NULL) <> (e.distance IS NULL)
			OR g.before > g.distance OR (g.before IS NULL AND g.at > 1 AND g.distance IS NOT NULL)
	$q$, which, expression, words, condition, query, languages)
	INTO wrong USING n;
	IF wrong IS NOT NULL THEN
		RETURN 'ranking ' || wrong;
	END IF;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s WHERE %s @@@ %s AND %s', which, expression, words, condition) INTO found;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM %s WHERE id = ANY ($1) AND %s', which, condition)
	INTO expected USING brute_matches(which, query, languages);
	IF found IS DISTINCT FROM expected THEN
		RETURN format('matches %s for %s', found, expected);
	END IF;
	RETURN NULL;
END $$;

-- The plans and queries by which every comparison is made.
CREATE FUNCTION compare_all(what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	queries text[] := '{cats,Katzen,the cats,die Katze,houses running,courant les maisons,pas in Hause,die,dogs the Hundes chat}';
	query text[];
	wrong text;
	scan bool;
	given text;
	languages regconfig[];
	n int := 0;
BEGIN
	FOREACH scan IN ARRAY ARRAY[true, false] LOOP
		PERFORM set_config('enable_seqscan', (NOT scan)::text, true),
			set_config('enable_indexscan', scan::text, true),
			set_config('enable_bitmapscan', scan::text, true),
			set_config('enable_sort', (NOT scan)::text, true);
		FOR i IN 1 .. array_length(queries, 1) LOOP
			query := string_to_array(queries[i], ' ');
			given := (ARRAY[NULL, 'german', NULL, 'simple'])[1 + i % 4];
			languages := CASE WHEN given IS NOT NULL THEN ARRAY[given::regconfig] ELSE
				(SELECT array_agg(DISTINCT lang) FROM lengths WHERE of = 'docs') END;
			wrong := coalesce(compare('docs', 'docs', query, given, languages, 'true'),
				compare('docs', '(title, body, lang)', query, given, languages, 'price > 20 AND lang <> ''simple''::regconfig'));
			languages := CASE WHEN given IS NOT NULL THEN ARRAY[given::regconfig] ELSE
				(SELECT array_agg(DISTINCT lang) FROM lengths WHERE of = 'notes') END;
			wrong := coalesce(wrong, compare('notes', 'notes', query, given, languages, 'true'),
				compare('notes', '(lang, body)', query, given, languages, 'lang = ''german'''));
			n := n + 8;
			IF wrong IS NOT NULL THEN
				RETURN NEXT format('%s, index %s, %s, %s: %s', what, scan, query, given, left(wrong, 300));
			END IF;
		END LOOP;
	END LOOP;
	RETURN NEXT format('%s: %s comparisons', what, n);
END $$;

SELECT fill(1, 150, '{english}');
CREATE INDEX docs_idx ON docs USING barq_bm25 (title bm25_ops (weight = 3, b = 0.6), body, lang regconfig_ops, price)
	WITH (text_config = 'english');
CREATE INDEX notes_idx ON notes USING barq_bm25 (body, lang text_regconfig_ops) WITH (text_config = 'english');
SELECT count_documents();
SELECT compare_all('one language');

-- others come into the log, and into segments
SELECT fill(151, 300, '{german,french,NULL,simple}');
SELECT count_documents();
SELECT compare_all('four in the log');
SELECT barq_seal('docs_idx'), barq_seal('notes_idx');
SELECT compare_all('four in segments');
SELECT fill(301, 340, '{spanish,german}');
SELECT count_documents();
SELECT compare_all('five');

-- an UPDATE of the language alone; deleted rows
UPDATE docs SET lang = 'german' WHERE id % 10 = 3;
UPDATE notes SET lang = 'pg_catalog.german' WHERE id % 10 = 3;
DELETE FROM docs WHERE id % 9 = 0 OR lang = 'spanish'::regconfig;
DELETE FROM notes WHERE id % 9 = 0 OR lang = 'spanish';
VACUUM docs, notes;
SELECT barq_compact('docs_idx'), barq_compact('notes_idx');
SELECT count_documents();
UPDATE notes SET lang = 'german' WHERE lang = 'pg_catalog.german';
VACUUM notes;
SELECT barq_compact('notes_idx');
SELECT compare_all('updated and merged');
SELECT * FROM barq_check('docs_idx', heap => true) UNION ALL SELECT * FROM barq_check('notes_idx', heap => true);

REINDEX INDEX docs_idx;
REINDEX INDEX notes_idx;
SELECT compare_all('built again');
