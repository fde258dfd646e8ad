-- A configuration for each field: scores and matches against a brute force in SQL, which makes
-- terms by to_tsvector of each field's own configuration, by every plan, with several segments,
-- growing and deleted rows, NULLs, and every way to combine fields.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;
SELECT setseed(0.4);

CREATE TABLE docs (id int PRIMARY KEY, title text, body text, note text[], price int);
CREATE TABLE configs (field text PRIMARY KEY, config regconfig, weight float8, b float8);
INSERT INTO configs VALUES ('title', 'simple', 3, 0.6), ('body', 'english', 1, 0.75), ('note', 'german', 0.5, 0);

-- words in inflections; "the", "in" and "die" are stop words of some configurations
CREATE TABLE vocabulary (n int PRIMARY KEY, word text);
INSERT INTO vocabulary SELECT n, word FROM regexp_split_to_table(
	'cats the running cat Katzen die houses run Katze in maisons Haus runs laufen '
	'house Hause dogs laufend dog Hunde Hundes hund runner', ' ') WITH ORDINALITY AS w(word, n);
CREATE FUNCTION words(most int) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(string_agg((SELECT array_agg(word ORDER BY n) FROM vocabulary)[1 + floor(23 * random() ^ 2)::int], ' '), '')
	FROM generate_series(1, (random() * most)::int)
$$;
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO docs
	SELECT i, CASE WHEN i % 7 <> 0 THEN words(5) END, CASE WHEN i % 11 <> 0 THEN words(25) END,
		CASE WHEN i % 5 <> 0 THEN ARRAY[words(8)] END, i % 100
	FROM generate_series(first, last) AS i
$$;

-- All documents that the index counts, deleted ones until they are merged away.
CREATE TABLE counted (id int, field text, lexeme text, tf float8);
CREATE TABLE lengths (id int, field text, length float8);
CREATE FUNCTION count_documents() RETURNS void LANGUAGE sql AS $$
	TRUNCATE counted, lengths;
	INSERT INTO lengths
	SELECT id, f.field, count(DISTINCT at) FROM docs,
		LATERAL (VALUES ('title', title), ('body', body), ('note', note[1])) AS f(field, content)
		JOIN configs USING (field)
		LEFT JOIN LATERAL unnest(to_tsvector(config, content)) AS t ON true
		LEFT JOIN LATERAL unnest(t.positions) AS p(at) ON true
	WHERE content IS NOT NULL GROUP BY 1, 2;
	INSERT INTO counted
	SELECT id, f.field, t.lexeme, array_length(t.positions, 1) FROM docs,
		LATERAL (VALUES ('title', title), ('body', body), ('note', note[1])) AS f(field, content)
		JOIN configs USING (field),
		LATERAL unnest(to_tsvector(config, content)) AS t;
	ANALYZE counted, lengths;
$$;

-- The words of a query, each as what its fields make of it; words that are the same in all
-- fields count once.
CREATE FUNCTION pools(query text[], fields text[]) RETURNS TABLE (pool text[]) LANGUAGE sql STABLE AS $$
	SELECT DISTINCT array_agg(c.field || ':' || t.lexeme ORDER BY c.field, t.lexeme)
	FROM unnest(query) AS q(word), configs c, LATERAL unnest(to_tsvector(c.config, q.word)) AS t
	WHERE c.field = ANY (fields) GROUP BY q.word
$$;

-- The scores of the rows for words, in some fields: only those above 0.
CREATE FUNCTION brute(query text[], fields text[], n float8) RETURNS TABLE (id int, score float8)
LANGUAGE sql STABLE AS $$
	WITH averages AS MATERIALIZED (
		SELECT field, sum(length) / n AS avglen FROM lengths GROUP BY 1
	), occurrences AS MATERIALIZED (
		SELECT c.*, p.pool FROM counted c JOIN pools(query, fields) p ON c.field || ':' || c.lexeme = ANY (p.pool)
	), frequencies AS MATERIALIZED (
		SELECT pool, count(DISTINCT o.id)::float8 AS df FROM occurrences o GROUP BY 1
	), pooled AS MATERIALIZED (
		SELECT o.id, pool, field, sum(tf) AS tf FROM occurrences o GROUP BY 1, 2, 3
	), weighted AS MATERIALIZED (
		SELECT o.id, o.pool, sum(weight * tf / (1 - b + b * length / avglen)) AS wtf
		FROM pooled o JOIN lengths l USING (id, field) JOIN averages USING (field) JOIN configs USING (field)
		GROUP BY 1, 2
	)
	SELECT w.id, sum(ln(1 + (n - df + 0.5) / (df + 0.5)) * 2.2 * wtf / (wtf + 1.2)) FROM weighted w
		JOIN frequencies USING (pool) WHERE wtf > 0 GROUP BY 1
$$;

-- The rows that have all words: each in a field. A word of which one of the fields makes
-- nothing, though it makes terms of others, need not be there; if all are such, one has to be.
CREATE FUNCTION brute_matches(query text[], fields text[]) RETURNS int[] LANGUAGE sql STABLE AS $$
	WITH asked AS (
		SELECT word, EXISTS (SELECT FROM configs WHERE field = ANY (fields) AND to_tsvector(config, word) = ''
			AND to_tsvector(config, array_to_string(query, ' ')) <> '') AS aside
		FROM unnest(query) AS w(word)
		WHERE EXISTS (SELECT FROM configs WHERE field = ANY (fields) AND to_tsvector(config, word) <> '')
	), held AS (
		SELECT DISTINCT c.id, word FROM asked, configs f, counted c
		WHERE f.field = ANY (fields) AND c.field = f.field AND c.lexeme = ANY (tsvector_to_array(to_tsvector(config, word)))
	)
	SELECT array_agg(id ORDER BY id) FROM docs d
	WHERE EXISTS (SELECT FROM asked) AND CASE WHEN (SELECT bool_and(aside) FROM asked)
		THEN EXISTS (SELECT FROM held h WHERE h.id = d.id)
		ELSE NOT EXISTS (SELECT FROM asked a WHERE NOT aside AND NOT EXISTS (SELECT FROM held h WHERE h.id = d.id AND h.word = a.word)) END
$$;

-- Compare the ranking and the matches of an expression with the brute force.
CREATE FUNCTION compare(expression text, query text[], fields text[], condition text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n float8 := (SELECT documents FROM barq_bm25_stats('docs_idx'));
	words text := array_to_string(query, ' ');
	wrong text;
	found int[];
	expected int[];
BEGIN
	EXECUTE format($q$
		WITH ranked AS MATERIALIZED (
			SELECT id, %1$s <@> %2$L AS distance FROM docs WHERE %3$s ORDER BY %1$s <@> %2$L
		), numbered AS (
			SELECT *, row_number() OVER () AS at FROM ranked
		), given AS (
			SELECT *, lag(distance) OVER (ORDER BY at) AS before FROM numbered
		), found AS MATERIALIZED (
			SELECT * FROM brute(%5$L, %6$L, $1)
		), expected AS MATERIALIZED (
			SELECT d.id, CASE WHEN %4$s THEN -coalesce(score, 0) END AS distance
			FROM docs d LEFT JOIN found USING (id) WHERE %3$s
		)
		SELECT string_agg(format('%%s: %%s for %%s', e.id, g.distance, e.distance), ', ')
		FROM given g FULL JOIN expected e USING (id)
		WHERE abs(g.distance - e.distance) > 1e-9 OR (g.distance IS NULL) <> (e.distance IS NULL)
			OR g.before > g.distance OR (g.before IS NULL AND g.at > 1 AND g.distance IS NOT NULL)
	$q$, expression, words, condition,
		(SELECT string_agg(f || ' IS NOT NULL', ' OR ') FROM unnest(fields) AS f), query, fields)
	INTO wrong USING n;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM docs WHERE %s @@@ %L AND %s', expression, words, condition) INTO found;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM docs WHERE id = ANY ($1) AND %s', condition)
	INTO expected USING brute_matches(query, fields);
	IF found IS DISTINCT FROM expected THEN
		wrong := concat(wrong, ' matches ', (SELECT array_agg(i ORDER BY i) FROM unnest(found) AS i WHERE i <> ALL (coalesce(expected, '{}'))),
			' without ', (SELECT array_agg(i ORDER BY i) FROM unnest(expected) AS i WHERE i <> ALL (coalesce(found, '{}'))));
	END IF;
	RETURN wrong;
END $$;

-- The plans by which every comparison is made.
CREATE FUNCTION compare_all(what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	query text[];
	wrong text;
	scan bool;
	condition text;
	n int := 0;
BEGIN
	FOREACH scan IN ARRAY ARRAY[true, false] LOOP
		PERFORM set_config('enable_seqscan', (NOT scan)::text, true),
			set_config('enable_indexscan', scan::text, true),
			set_config('enable_sort', (NOT scan)::text, true);
		FOREACH condition IN ARRAY ARRAY['true', 'price > 30'] LOOP
			FOR i IN 1 .. 8 LOOP
				query := CASE i WHEN 1 THEN '{running}' WHEN 2 THEN '{the,cats}' WHEN 3 THEN '{the,die}'
					WHEN 4 THEN '{Katzen,in,houses}' WHEN 5 THEN '{cat,cats,dog}'
					ELSE (SELECT array_agg(DISTINCT word) FROM vocabulary AS v WHERE (v.n * (i + 3)) % 11 = i % 4) END::text[];
				wrong := coalesce(compare('docs', query, '{title,body,note}', condition),
					compare('title', query, '{title}', condition),
					compare('body', query, '{body}', condition),
					compare('note', query, '{note}', condition));
				n := n + 4;
				IF wrong IS NOT NULL THEN
					RETURN NEXT format('%s, index %s, %s, %s: %s', what, scan, condition, query, left(wrong, 300));
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	RETURN NEXT format('%s: %s rankings and their matches compared', what, n);
END $$;

-- A query by two plans, counts and facets: what differs from what the rows themselves give.
CREATE FUNCTION differences(expression text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	by_index int[];
	by_rows int[];
	ranked float8[];
	sorted float8[];
	counted bigint;
	wrong text := '';
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_sort = off;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM docs WHERE %s @@@ %L', expression, query) INTO by_index;
	EXECUTE format('SELECT array_agg(d) FROM (SELECT %1$s <@> %2$L AS d FROM docs ORDER BY %1$s <@> %2$L) AS a', expression, query) INTO ranked;
	EXECUTE format('SELECT count(*) FROM docs WHERE %s @@@ %L', expression, query) INTO counted;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	SET LOCAL barq.count_scan = off;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM docs WHERE %s @@@ %L', expression, query) INTO by_rows;
	EXECUTE format('SELECT array_agg(d ORDER BY d) FROM (SELECT %1$s <@> %2$L AS d FROM docs) AS a', expression, query) INTO sorted;
	IF by_index IS DISTINCT FROM by_rows THEN
		wrong := wrong || ' matches';
	END IF;
	IF ranked IS DISTINCT FROM sorted THEN
		wrong := wrong || ' scores';
	END IF;
	IF counted <> coalesce(array_length(by_rows, 1), 0) THEN
		wrong := wrong || ' count';
	END IF;
	RESET enable_indexscan;
	RESET enable_bitmapscan;
	RESET barq.count_scan;
	RETURN wrong;
END $$;
CREATE FUNCTION all_differences() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s %s:%s', e, q, d) FROM unnest(ARRAY['docs', 'title', 'body', 'note', 'ROW(title, body, note)']) AS e,
		unnest(ARRAY['running', '"running dogs"', '"the cat"', '+"cats the" -dog', 'run*', '+the cats', '+the +die', 'foo-bars',
			'title:running body:running', 'title:(run cats) -note:Katze', '(the cat) OR Hunde', 'note:"die Katzen"^2 cats*',
			'-the running', '"run* dog"', 'the']) AS q,
		LATERAL differences(e, q) AS d WHERE d <> ''
$$;

SELECT fill(1, 120);
CREATE INDEX docs_idx ON docs USING barq_bm25 (title bm25_ops (weight = 3, b = 0.6, text_config = 'simple'),
	body bm25_ops (text_config = 'english'), note bm25_array_ops (weight = 0.5, b = 0), price)
	WITH (text_config = 'german');
SELECT count_documents();
SELECT compare_all('built');
SELECT fill(121, 240);
SELECT count_documents();
SELECT compare_all('with a log');
SELECT barq_seal('docs_idx') > 0 AS sealed;
SELECT fill(241, 300);
SELECT barq_seal('docs_idx') > 0 AS sealed;
SELECT fill(301, 315);
SELECT count_documents();
DELETE FROM docs WHERE id % 5 = 1;
SELECT compare_all('three segments, deleted rows');
SELECT * FROM all_differences();
SELECT * FROM barq_check('docs_idx');
VACUUM docs;
SELECT barq_compact('docs_idx') > 0 AS compacted;
SELECT count_documents();
SELECT compare_all('compacted');

-- scored by themselves: the best of the fields' scores, or their sum
CREATE FUNCTION combined(how text) RETURNS TABLE (compared bigint, wrong bigint) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE abs(a - CASE how WHEN 'best_fields' THEN least(t, b, n) ELSE coalesce(t, 0) + coalesce(b, 0) + coalesce(n, 0) END) > 1e-9)
	FROM (SELECT docs <@> q AS a, title <@> q AS t, body <@> q AS b, note <@> q AS n
		FROM docs, unnest(ARRAY['running', 'the cats', 'Katzen houses run', 'run*']) AS q) AS s
	WHERE a IS NOT NULL
$$;
ALTER INDEX docs_idx SET (combine = 'best_fields');
REINDEX INDEX docs_idx;
SELECT * FROM combined('best_fields');
SELECT * FROM all_differences();
ALTER INDEX docs_idx SET (combine = 'most_fields');
REINDEX INDEX docs_idx;
SELECT * FROM combined('most_fields');
SELECT * FROM all_differences();
ALTER INDEX docs_idx RESET (combine);
REINDEX INDEX docs_idx;

-- another configuration for a query is that of all fields
SELECT count(*) > 0 AS found FROM docs WHERE docs @@@ to_bm25query('running', 'docs_idx', search_config => 'simple');
-- parts of a score; highlighting; similar texts; fusion
SELECT id, abs(barq_score(docs, to_bm25query('running the cats', 'docs_idx')) -
	(SELECT sum(part) FROM barq_explain_score('docs_idx', docs, to_bm25query('running the cats', 'docs_idx')))) < 1e-9 AS sums
FROM docs WHERE id IN (3, 4, 8) ORDER BY id;
SELECT DISTINCT field, term FROM docs, barq_explain_score('docs_idx', docs, to_bm25query('running', 'docs_idx')) ORDER BY 1;
SELECT barq_highlight('The running cats run', 'running', 'docs_idx', field => 'title') AS title,
	barq_highlight('The running cats run', 'running', 'docs_idx', field => 'body') AS body,
	barq_highlight('Die Katze lauft', 'Katzen', 'docs_idx', field => 'note') AS note;
SELECT barq_highlight('The running cats', 'running', 'docs_idx');
SELECT barq_similar('docs_idx', 'running cats and dogs') IS NOT NULL AS similar;
SELECT count(*) FROM barq_hybrid(NULL::docs, query => 'running cats', k => 5);
SELECT options FROM barq_indexes() WHERE index = 'docs_idx'::regclass;

-- a configuration in use cannot be dropped; its new name is followed; an altered one is reported
CREATE SCHEMA words;
CREATE TEXT SEARCH CONFIGURATION words.mine (COPY = simple);
CREATE TABLE renamed (id int, title text, body text);
INSERT INTO renamed VALUES (1, 'Running', 'running'), (2, 'run', 'the runs');
CREATE INDEX renamed_idx ON renamed USING barq_bm25 (title bm25_ops (text_config = 'words.mine'), body) WITH (text_config = 'english');
SELECT id, renamed <@> 'running' < 0 AS found FROM renamed ORDER BY 1;
DROP TEXT SEARCH CONFIGURATION words.mine;
ALTER TEXT SEARCH CONFIGURATION words.mine RENAME TO yours;
INSERT INTO renamed VALUES (3, 'running', 'a');
SELECT pg_get_indexdef('renamed_idx'::regclass);
ALTER SCHEMA words RENAME TO "Words";
SELECT pg_get_indexdef('renamed_idx'::regclass);
SELECT id FROM renamed WHERE renamed @@@ 'running' ORDER BY id;
ALTER TEXT SEARCH CONFIGURATION "Words".yours ALTER MAPPING FOR asciiword WITH english_stem;
SELECT severity, message FROM barq_check('renamed_idx');
REINDEX INDEX renamed_idx;
SELECT severity, message FROM barq_check('renamed_idx');
SELECT id FROM renamed WHERE title @@@ 'runs' ORDER BY id;
DROP TABLE renamed;
DROP TEXT SEARCH CONFIGURATION "Words".yours;

-- words of which a field makes nothing, marked and in groups
CREATE TABLE stops (id int, t text, u text);
CREATE INDEX stops_idx ON stops USING barq_bm25 (t bm25_ops (text_config = 'simple'), u) WITH (text_config = 'english');
INSERT INTO stops VALUES (1, 'the', 'x'), (2, 'x', 'cats'), (3, 'x', 'dogs'), (4, 'the', 'cats'), (5, 'of', 'cats'), (6, 'of', 'x');
SELECT q, (SELECT array_agg(id ORDER BY id) FROM stops s WHERE s @@@ q) AS matches,
	(SELECT array_agg(id ORDER BY id) FROM stops s WHERE s <@> q < 0) AS scored
FROM unnest(ARRAY['the cats', '+the cats', '+the +cats', '+the cats dogs', 'cats the of', '(cats the) of', 'cats (the of)',
	'the -dogs', 'the (-dogs)', 'the of', '+the +of cats', '(+the dogs) OR x', '(the cats) OR of']) AS q;
SELECT q, m, (SELECT array_agg(id ORDER BY id) FROM stops s WHERE s @@@ to_bm25query(q, 'stops_idx', minimum_should_match => m)) AS matches
FROM unnest(ARRAY['+the cats', '+the cats dogs', 'the cats dogs', '+the', 'the of']) AS q, unnest(ARRAY['1', '100%', '0%']) AS m;
SELECT barq_similar('stops_idx', 'the cats'), barq_similar('stops_idx', 'Of cat cats cats');
DROP TABLE stops;
-- the row's language counts where only a field without it has a text
CREATE TABLE n (id int, t text, u text, lang regconfig);
CREATE INDEX ni ON n USING barq_bm25 (t bm25_ops (text_config = 'simple'), u, lang regconfig_ops) WITH (text_config = 'english');
INSERT INTO n VALUES (1, 'cats', NULL, 'german'), (2, 'cats', '', 'german'), (3, 'cats', 'x', 'german'), (4, NULL, 'Katze', 'german');
SELECT array_agg(id ORDER BY id) FROM n WHERE n @@@ 'cats die';
SELECT array_agg(id ORDER BY id) FROM n WHERE n @@@ 'die Katzen';
DROP TABLE n;

-- renames where the option and fields have several; while an option waits for REINDEX
CREATE SCHEMA several;
CREATE TEXT SEARCH CONFIGURATION several.o (COPY = english);
CREATE TEXT SEARCH CONFIGURATION several.f (COPY = simple);
CREATE TEXT SEARCH CONFIGURATION several.n (COPY = german);
CREATE TABLE a (t text, u text);
INSERT INTO a VALUES ('running', 'running');
CREATE INDEX ai ON a USING barq_bm25 (t bm25_ops (text_config = 'several.f'), u) WITH (text_config = 'several.o');
CREATE INDEX ab ON a USING barq_bm25 (u bm25_ops (text_config = 'several.f'), t bm25_ops (text_config = 'several.f')) WITH (text_config = 'several.f');
ALTER SCHEMA several RENAME TO sundry;
SELECT pg_get_indexdef('ai'::regclass), pg_get_indexdef('ab'::regclass);
ALTER INDEX ai SET (text_config = 'sundry.n');
ALTER TEXT SEARCH CONFIGURATION sundry.f RENAME TO f2;
SELECT pg_get_indexdef('ai'::regclass), pg_get_indexdef('ab'::regclass);
ALTER TEXT SEARCH CONFIGURATION sundry.o RENAME TO o2;
ALTER TEXT SEARCH CONFIGURATION sundry.n RENAME TO n2;
SELECT pg_get_indexdef('ai'::regclass);
INSERT INTO a VALUES ('run', 'runs');
DROP INDEX ab;
SELECT t @@@ to_bm25query('running', 'ai') AS t, u @@@ to_bm25query('running', 'ai') AS u FROM a;

-- a role without rights to a configuration's schema
CREATE ROLE regress_barq_reader;
GRANT SELECT, INSERT ON a TO regress_barq_reader;
SET ROLE regress_barq_reader;
\c -
SET ROLE regress_barq_reader;
INSERT INTO a VALUES ('runs', 'run');
SELECT count(*) FROM a WHERE a @@@ 'running';
SELECT count(*) FROM a WHERE t @@@ 'runs';
RESET ROLE;
CREATE SCHEMA own_words AUTHORIZATION regress_barq_reader;
SET ROLE regress_barq_reader;
CREATE TEXT SEARCH CONFIGURATION own_words.c (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION own_words.c RENAME TO cc;
RESET ROLE;
SET client_min_messages = warning;
DROP TABLE a;
DROP SCHEMA own_words, sundry CASCADE;
DROP ROLE regress_barq_reader;

-- of one field; of every field, in place of the option
CREATE TABLE small (id int, title text, body text);
INSERT INTO small VALUES (1, 'running', 'running'), (2, 'run', 'run');
CREATE INDEX small_one ON small USING barq_bm25 (title bm25_ops (text_config = 'simple'));
SELECT id FROM small WHERE title @@@ 'running';
DROP INDEX small_one;
CREATE INDEX small_two ON small USING barq_bm25 (title bm25_ops (text_config = 'simple'), body bm25_ops (text_config = 'english'));
SELECT id, title @@@ 'running' AS title, body @@@ 'running' AS body FROM small ORDER BY id;
CREATE INDEX ON small USING barq_bm25 (title bm25_ops (text_config = 'simple'), body);
CREATE INDEX ON small USING barq_bm25 (title bm25_ops (text_config = 'klingon'), body) WITH (text_config = 'simple');
CREATE TEXT SEARCH CONFIGURATION pg_temp.passing (COPY = simple);
CREATE INDEX ON small USING barq_bm25 (title bm25_ops (text_config = 'pg_temp.passing'), body) WITH (text_config = 'simple');

-- partitions have the same
CREATE TABLE parts (id int, title text, body text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts SELECT i, 'running ' || i, 'run ' || i FROM generate_series(0, 19) AS i;
CREATE INDEX parts_1_own ON parts_1 USING barq_bm25 (title, body) WITH (text_config = 'english');
CREATE INDEX parts_idx ON ONLY parts USING barq_bm25 (title bm25_ops (text_config = 'simple'), body) WITH (text_config = 'english');
CREATE INDEX parts_2_own ON parts_2 USING barq_bm25 (title bm25_ops (text_config = 'simple'), body) WITH (text_config = 'english');
ALTER INDEX parts_idx ATTACH PARTITION parts_2_own;
ALTER INDEX parts_idx ATTACH PARTITION parts_1_own;
SELECT count(*) FROM parts WHERE parts @@@ 'run';
DROP TABLE docs, configs, vocabulary, counted, lengths, small, parts;
DROP FUNCTION words, fill, count_documents, pools, brute, brute_matches, compare, compare_all, differences, all_differences, combined;
DROP TEXT SEARCH CONFIGURATION pg_temp.passing;
DROP SCHEMA "Words";
