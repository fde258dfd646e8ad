-- Fields that are scored by themselves (combine = best_fields, most_fields): against a brute
-- force in SQL and against the scores of single fields, by index and by sort, with several
-- segments, growing and deleted rows, NULLs, filters, marks, names of fields, weights of 0.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;
SELECT setseed(0.3);

CREATE TABLE docs (id int PRIMARY KEY, title text, body text, note text, price int);

-- words w1 ... w30, low numbers much more often
CREATE FUNCTION words(most int) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT string_agg('w' || (1 + floor(30 * random() ^ 3))::int, ' ')
	FROM generate_series(1, (random() * most)::int)
$$;
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO docs
	SELECT i, CASE WHEN i % 7 <> 0 THEN coalesce(words(5), '') END,
		CASE WHEN i % 11 <> 0 THEN coalesce(words(30), '') END, words(3), (random() * 100)::int
	FROM generate_series(first, last) AS i
$$;

-- Frequencies and lengths by field of all documents that the index counts, deleted ones too.
CREATE TABLE counted (id int, field text, word text, tf float8);
CREATE TABLE parameters (field text, weight float8, b float8);
INSERT INTO parameters VALUES ('title', 3, 0.6), ('body', 1, 0.75), ('note', 0, 0.75);
CREATE FUNCTION count_documents() RETURNS void LANGUAGE sql AS $$
	INSERT INTO counted
	SELECT id, f.field, w.word, count(*)
	FROM docs, LATERAL (VALUES ('title', title), ('body', body), ('note', note)) AS f(field, content),
		LATERAL regexp_split_to_table(f.content, ' ') AS w(word)
	WHERE w.word <> '' AND id > coalesce((SELECT max(id) FROM counted), 0) GROUP BY 1, 2, 3;
	ANALYZE counted;
$$;

-- The score of each document in each field, above 0: idf, df and average length are the field's.
CREATE FUNCTION field_scores(query text[], n float8) RETURNS TABLE (id int, field text, score float8)
LANGUAGE sql STABLE AS $$
	WITH lengths AS MATERIALIZED (
		SELECT id, field, sum(tf) AS length FROM counted GROUP BY 1, 2
	), averages AS MATERIALIZED (
		SELECT field, sum(length) / n AS avglen FROM lengths GROUP BY 1
	), frequencies AS MATERIALIZED (
		SELECT word, field, count(*)::float8 AS df FROM counted WHERE word = ANY (query) GROUP BY 1, 2
	)
	SELECT c.id, field, sum(p.weight * ln(1 + (n - df + 0.5) / (df + 0.5)) * 2.2 * tf
		/ (tf + 1.2 * (1 - p.b + p.b * length / avglen)))
	FROM counted c JOIN frequencies USING (word, field) JOIN lengths USING (id, field)
		JOIN averages USING (field) JOIN parameters p USING (field)
	WHERE p.weight > 0 GROUP BY 1, 2
$$;

-- Compare a ranking of docs by words with the brute force: what is wrong. aggregate: max or
-- sum; required: rows in which a field (NULL: any) lacks this word have score 0.
CREATE FUNCTION compare(aggregate text, query text, words text[], condition text,
	required text DEFAULT NULL, required_field text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n float8 := (SELECT documents FROM barq_bm25_stats('docs_idx'));
	wrong text;
BEGIN
	EXECUTE format($q$
		WITH ranked AS MATERIALIZED (
			SELECT id, docs <@> %1$L AS distance FROM docs WHERE %2$s ORDER BY docs <@> %1$L
		), given AS (
			SELECT *, lag(distance) OVER (ORDER BY at) AS before
			FROM (SELECT *, row_number() OVER () AS at FROM ranked) AS numbered
		), found AS MATERIALIZED (
			SELECT s.id, %3$s(score) AS score FROM field_scores(%4$L, $1) s
			WHERE $2 IS NULL OR EXISTS (SELECT FROM counted c
				WHERE c.id = s.id AND c.word = $2 AND ($3 IS NULL OR c.field = $3))
			GROUP BY 1
		), expected AS MATERIALIZED (
			SELECT d.id, CASE WHEN title IS NOT NULL OR body IS NOT NULL OR note IS NOT NULL
				THEN -coalesce(score, 0) END AS distance
			FROM docs d LEFT JOIN found USING (id) WHERE %2$s
		)
		SELECT string_agg(format('%%s: %%s for %%s', e.id, g.distance, e.distance), ', ')
		FROM given g FULL JOIN expected e USING (id)
		WHERE abs(g.distance - e.distance) > 1e-9 OR (g.distance IS NULL) <> (e.distance IS NULL)
			OR g.before > g.distance OR (g.before IS NULL AND g.at > 1 AND g.distance IS NOT NULL)
	$q$, query, condition, aggregate, words) INTO wrong USING n, required, required_field;
	RETURN wrong;
END $$;

CREATE FUNCTION compare_all(what text, aggregate text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	words text[];
	query text;
	wrong text;
	n int := 0;
BEGIN
	FOR scan IN 0 .. 1 LOOP
		PERFORM set_config('enable_seqscan', (scan = 0)::text, true),
			set_config('enable_indexscan', (scan = 1)::text, true),
			set_config('enable_sort', (scan = 0)::text, true);
		FOR i IN 1 .. 6 LOOP
			words := (SELECT array_agg(DISTINCT 'w' || (i + j * j)) FROM generate_series(1, 1 + i % 4) AS j);
			query := array_to_string(words, ' ');
			wrong := coalesce(compare(aggregate, query, words, 'true'),
				compare(aggregate, query, words, 'price > 40'),
				compare(aggregate, query || ' +w2', words || 'w2'::text, 'true', 'w2'),
				compare(aggregate, query || ' +note:w1', words, 'true', 'w1', 'note'));
			n := n + 4;
			IF wrong IS NOT NULL THEN
				RETURN NEXT format('%s, index %s, %s: %s', what, scan, query, left(wrong, 200));
			END IF;
		END LOOP;
	END LOOP;
	RETURN NEXT format('%s: %s rankings compared', what, n);
END $$;

-- The score over a row as one of the scores over its fields, to the last bit; and as their sum.
CREATE FUNCTION compare_fields() RETURNS TABLE (query text, not_best bigint, not_most bigint, rows bigint)
LANGUAGE plpgsql AS $$
BEGIN
	FOREACH query IN ARRAY ARRAY['w1 w4', 'w2^3 w7 w11', 'w1* w5', 'w3 -w1 w9'] LOOP
		RETURN QUERY EXECUTE format($q$
			SELECT %1$L, count(*) FILTER (WHERE d IS DISTINCT FROM least(t, b)),
				count(*) FILTER (WHERE abs(coalesce(d, 0) - coalesce(t, 0) - coalesce(b, 0)) > 1e-12), count(*)
			FROM (SELECT docs <@> %1$L AS d, title <@> %1$L AS t, body <@> %1$L AS b FROM docs
				WHERE note IS NULL) AS s
		$q$, query);
	END LOOP;
END $$;

SELECT fill(1, 300);
SELECT count_documents();
CREATE INDEX docs_idx ON docs USING barq_bm25
	(title bm25_ops (weight = 3, b = 0.6), body, note bm25_ops (weight = 0), price)
	WITH (text_config = 'simple', combine = best_fields);
SELECT options ~ 'combine=best_fields' AS shown FROM barq_indexes() WHERE index = 'docs_idx'::regclass;
SELECT * FROM compare_all('best fields, built', 'max');

-- a second segment, growing and deleted rows; NULL rows
SELECT fill(301, 400);
SELECT barq_seal('docs_idx') > 0 AS sealed;
SELECT fill(401, 450);
INSERT INTO docs VALUES (451, NULL, NULL, NULL, 50), (452, '', NULL, NULL, 60);
SELECT count_documents();
DELETE FROM docs WHERE id % 13 = 0;
SELECT * FROM compare_all('best fields, three parts', 'max');
SELECT query, not_best, rows > 10 AS rows FROM compare_fields() WHERE query !~ '-';

-- a word that one field alone is asked for counts in that field's score
SELECT count(*) FILTER (WHERE d <> least(t, b)) AS wrong, count(*) > 100 AS rows
FROM (SELECT docs <@> 'title:w2 w5' AS d, title <@> 'w2 w5' AS t, body <@> 'w5' AS b FROM docs
	WHERE title IS NOT NULL AND body IS NOT NULL) AS s;

-- the option takes effect when the index is built again
ALTER INDEX docs_idx SET (combine = most_fields);
SELECT pending FROM barq_indexes() WHERE index = 'docs_idx'::regclass;
SELECT * FROM compare_all('best fields until then', 'max');
REINDEX INDEX docs_idx;
TRUNCATE counted;
SELECT count_documents();
SELECT pending FROM barq_indexes() WHERE index = 'docs_idx'::regclass;
SELECT * FROM compare_all('most fields', 'sum');
SELECT query, not_most, rows > 10 AS rows FROM compare_fields() WHERE query !~ '-';
SELECT count(*) AS problems FROM barq_check('docs_idx');

-- pages of results, each continued where the last one ended, are the whole ranking
SET enable_seqscan = off;
SET enable_sort = off;
ALTER INDEX docs_idx SET (combine = best_fields);
REINDEX INDEX docs_idx;
BEGIN;
DECLARE ranking CURSOR FOR SELECT id FROM docs ORDER BY docs <@> 'w1 w2 w3';
CREATE TEMPORARY TABLE fetched (id int, at serial);
DO $$
DECLARE
	next int;
	ranking refcursor := 'ranking';
BEGIN
	LOOP
		FETCH ranking INTO next;
		EXIT WHEN NOT FOUND;
		INSERT INTO fetched VALUES (next);
	END LOOP;
END $$;
SELECT count(*) = count(DISTINCT id) AND count(*) = (SELECT count(*) FROM docs) AS each_once FROM fetched;
COMMIT;
RESET enable_seqscan;
RESET enable_sort;

-- more words than are pruned
SELECT count(*) FILTER (WHERE d <> least(t, b)) AS wrong, count(*) > 100 AS rows
FROM (SELECT docs <@> q AS d, title <@> q AS t, body <@> q AS b
	FROM docs, LATERAL (SELECT string_agg('w' || i, ' ') AS q FROM generate_series(1, 30) AS i) AS words
	WHERE title IS NOT NULL AND body IS NOT NULL) AS s;

-- hybrid search and a bound rank by it as well
SELECT count(*) = 10 AS hybrid FROM barq_hybrid(NULL::docs, query => 'w1 w4', k => 10);
SELECT (SELECT count(*) FROM docs WHERE docs <@> 'w3 w5' < -1)
	= (SELECT count(*) FROM docs WHERE least(title <@> 'w3 w5', body <@> 'w3 w5') < -1) AS bound;

-- the index of a partition must combine fields in the same way
CREATE TABLE parted (id int, title text, body text) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
INSERT INTO parted VALUES (1, 'w1 w2', 'w1'), (2, 'w2', 'w1 w3');
CREATE INDEX parted_1_idx ON parted_1 USING barq_bm25 (title, body) WITH (text_config = 'simple');
CREATE INDEX parted_idx ON parted USING barq_bm25 (title, body)
	WITH (text_config = 'simple', combine = 'most_fields');
SELECT id FROM parted ORDER BY parted <@> 'w1' LIMIT 1;
ALTER INDEX parted_1_idx SET (combine = most_fields);
REINDEX INDEX parted_1_idx;
SELECT id, round((parted <@> 'w1')::numeric, 3) AS score FROM parted ORDER BY parted <@> 'w1', id;

-- and weigh them in the same way: grid of differences
CREATE FUNCTION attached(leaf text, parent text, leaf_with text, parent_with text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	DROP TABLE IF EXISTS weighed;
	CREATE TABLE weighed (id int, title text, body text) PARTITION BY RANGE (id);
	CREATE TABLE weighed_1 PARTITION OF weighed FOR VALUES FROM (0) TO (10);
	CREATE TABLE weighed_2 PARTITION OF weighed FOR VALUES FROM (10) TO (20);
	INSERT INTO weighed VALUES (1, 'w1 w2', 'w1'), (2, 'w2', 'w1 w3'), (11, 'w1', 'w1 w1');
	EXECUTE format('CREATE INDEX weighed_1_idx ON weighed_1 USING barq_bm25 (%s) WITH (text_config = simple %s)', leaf, leaf_with);
	EXECUTE format('CREATE INDEX weighed_idx ON weighed USING barq_bm25 (%s) WITH (text_config = simple %s)', parent, parent_with);
	BEGIN
		PERFORM id FROM weighed ORDER BY title <@> 'w1' LIMIT 1;
	EXCEPTION WHEN object_not_in_prerequisite_state THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	END;
	RETURN coalesce(detail, 'same') || coalesce(' ' || hint, '') || coalesce(E'\n' || (SELECT message FROM barq_check('weighed_1_idx') WHERE severity = 'error'), '');
END $$;
SELECT leaf, parent, attached(leaf, parent, leaf_with, parent_with)
FROM (VALUES
	('title bm25_ops (weight = 3), body', 'title bm25_ops (weight = 3), body', '', ''),
	('title bm25_ops (weight = 1), body', 'title, body', '', ''),
	('title bm25_ops (b = 0.75), body', 'title, body', '', ''),
	('title, body', 'title bm25_ops (weight = 3), body', '', ''),
	('title bm25_ops (weight = 3), body', 'title bm25_ops (weight = 2), body', '', ''),
	('title bm25_ops (weight = 3), body', 'title, body', '', ''),
	('title, body bm25_ops (b = 0.2)', 'title, body', '', ''),
	('title, body bm25_ops (weight = 0)', 'title, body', ', combine = best_fields', ', combine = most_fields'),
	('title, body', 'title, body', ', b = 0.5', ''),
	('title', 'title bm25_ops (weight = 2)', '', ''),
	('title bm25_ops (weight = 2)', 'title', '', ''),
	('title bm25_ops (weight = 2)', 'title bm25_ops (weight = 3)', '', ''),
	('title bm25_ops (b = 0.2)', 'title', '', ''),
	('title bm25_ops (b = 0.2)', 'title', '', ', b = 0.2')) AS grid(leaf, parent, leaf_with, parent_with);
DROP TABLE weighed;

-- they are shown
CREATE TABLE several (title text, body text);
CREATE INDEX several_idx ON several USING barq_bm25 (title bm25_ops (weight = 2.5, b = 0.6), body) WITH (text_config = simple);
CREATE INDEX heavy_idx ON several USING barq_bm25 (title bm25_ops (weight = 2)) WITH (text_config = simple);
CREATE INDEX plain_idx ON several USING barq_bm25 (title) WITH (text_config = simple);
ALTER INDEX several_idx SET (b = 0.1);
SELECT index, options, pending FROM barq_indexes() WHERE index::regclass::text ~ '(several|heavy|plain)_idx' ORDER BY index::text;
DROP TABLE several;

-- with one field there is nothing to combine; other values are errors
CREATE INDEX one_idx ON docs USING barq_bm25 (title) WITH (text_config = 'simple', combine = best_fields);
SELECT options ~ 'combine' AS shown, pending FROM barq_indexes() WHERE index = 'one_idx'::regclass;
CREATE INDEX ON docs USING barq_bm25 (title, body) WITH (text_config = 'simple', combine = worst_fields);

DROP TABLE docs, counted, parameters, parted;
DROP FUNCTION words, fill, count_documents, field_scores, compare, compare_all, compare_fields;
