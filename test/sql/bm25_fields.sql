-- Several fields: scores of BM25F against a brute force in SQL, by every plan, with
-- several segments, growing and deleted rows, NULLs, filters, other weights.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;
SELECT setseed(0.7);

CREATE TABLE docs (id int PRIMARY KEY, title text, body text, tag text, price int);

-- words w1 ... w40, low numbers much more often
CREATE FUNCTION words(most int) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT string_agg('w' || (1 + floor(40 * random() ^ 3))::int, ' ')
	FROM generate_series(1, (random() * most)::int)
$$;
CREATE FUNCTION fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO docs
	SELECT i, CASE WHEN i % 7 <> 0 THEN coalesce(words(5), '') END,
		CASE WHEN i % 11 <> 0 THEN coalesce(words(40), '') END,
		't' || i % 3, (random() * 100)::int
	FROM generate_series(first, last) AS i
$$;

-- All documents that the index counts: frequencies and lengths by field. N counts deleted
-- documents too, until they are merged away.
CREATE TABLE counted (id int, field text, word text, tf float8);
CREATE TABLE lengths (id int, field text, length float8);
CREATE TABLE parameters (field text, weight float8, b float8);
CREATE FUNCTION count_documents() RETURNS void LANGUAGE sql AS $$
	INSERT INTO counted
	SELECT id, f.field, w.word, count(*) FROM docs, LATERAL (VALUES ('title', title), ('body', body)) AS f(field, content),
		LATERAL regexp_split_to_table(f.content, ' ') AS w(word)
	WHERE w.word <> '' AND id > coalesce((SELECT max(id) FROM counted), 0) GROUP BY 1, 2, 3;
	TRUNCATE lengths;
	INSERT INTO lengths SELECT id, field, sum(tf) FROM counted GROUP BY 1, 2;
	ANALYZE counted, lengths;
$$;

-- The scores of the rows of docs for words, in some fields: only those above 0.
CREATE FUNCTION brute(query text[], fields text[], n float8) RETURNS TABLE (id int, score float8)
LANGUAGE sql STABLE AS $$
	WITH averages AS MATERIALIZED (
		SELECT field, sum(length) / n AS avglen FROM lengths GROUP BY 1
	), occurrences AS MATERIALIZED (
		SELECT * FROM counted WHERE field = ANY (fields) AND word = ANY (query)
	), frequencies AS MATERIALIZED (
		SELECT word, count(DISTINCT o.id)::float8 AS df FROM occurrences o GROUP BY 1
	), weighted AS MATERIALIZED (
		SELECT o.id, o.word, sum(p.weight * tf / (1 - p.b + p.b * length / avglen)) AS wtf
		FROM occurrences o JOIN lengths USING (id, field) JOIN averages USING (field)
			JOIN parameters p USING (field) GROUP BY 1, 2
	)
	SELECT w.id, sum(ln(1 + (n - df + 0.5) / (df + 0.5)) * 2.2 * wtf / (wtf + 1.2)) FROM weighted w
		JOIN frequencies USING (word) WHERE wtf > 0 GROUP BY 1
$$;

-- Compare the ranking of an expression by words with the brute force: every row has its
-- score, and rows come in its order; returns what is wrong.
CREATE FUNCTION compare(expression text, query text[], fields text[], condition text DEFAULT 'true')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n float8 := (SELECT documents FROM barq_bm25_stats('docs_idx'));
	words text := array_to_string(query, ' ');
	wrong text;
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
		FOREACH condition IN ARRAY ARRAY['true', 'tag = ''t1'' AND price > 5'] LOOP
			FOR i IN 1 .. 3 LOOP
				query := (SELECT array_agg(DISTINCT 'w' || (i + j * j)) FROM generate_series(1, 1 + i % 4) AS j);
				wrong := coalesce(compare('docs', query, '{title,body}', condition),
					compare('title', query, '{title}', condition),
					compare('body', query, '{body}', condition));
				n := n + 3;
				IF wrong IS NOT NULL THEN
					RETURN NEXT format('%s, index %s, %s, %s: %s', what, scan, condition, query, left(wrong, 200));
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	RETURN NEXT format('%s: %s rankings compared', what, n);
END $$;

SELECT fill(1, 300);
CREATE INDEX docs_idx ON docs USING barq_bm25 (title bm25_ops (weight = 3, b = 0.6), body, tag text_filter_ops, price)
	WITH (text_config = 'simple');
INSERT INTO parameters VALUES ('title', 3, 0.6), ('body', 1, 0.75);
SELECT count_documents();
SELECT compare_all('built');
SELECT fill(301, 600);
SELECT count_documents();
SELECT compare_all('with a log');
SELECT barq_seal('docs_idx') > 0 AS sealed;
SELECT fill(601, 800);
SELECT barq_seal('docs_idx') > 0 AS sealed;
SELECT fill(801, 830);
SELECT count_documents();
DELETE FROM docs WHERE id % 5 = 0;
SELECT compare_all('three segments, deleted rows');
EXPLAIN (COSTS OFF) SELECT id FROM docs ORDER BY docs <@> 'w1 w2' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE docs @@@ 'w1 w30' ORDER BY body <@> 'w1' LIMIT 5;

-- conditions: the index and the rows themselves find the same
CREATE FUNCTION differences(expression text, query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	by_index int[];
	by_rows int[];
	ranked text;
	sorted text;
BEGIN
	SET LOCAL enable_seqscan = off;
	SET LOCAL enable_sort = off;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM docs WHERE %s @@@ %L', expression, query) INTO by_index;
	EXECUTE format('SELECT string_agg(d::text, '' '') FROM (SELECT %1$s <@> %2$L AS d FROM docs WHERE %1$s @@@ %2$L ORDER BY %1$s <@> %2$L) AS a', expression, query) INTO ranked;
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_sort = on;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	EXECUTE format('SELECT array_agg(id ORDER BY id) FROM docs WHERE %s @@@ %L', expression, query) INTO by_rows;
	EXECUTE format('SELECT string_agg(d::text, '' '') FROM (SELECT %1$s <@> %2$L AS d FROM docs WHERE %1$s @@@ %2$L ORDER BY 1) AS a', expression, query) INTO sorted;
	RETURN (by_index IS DISTINCT FROM by_rows)::int + (ranked IS DISTINCT FROM sorted)::int;
END $$;
SELECT expression, query, differences(expression, query) AS differences FROM
	unnest(ARRAY['docs', 'title', 'body']) AS expression,
	unnest(ARRAY['w1 w9', '"w1 w2"', 'w1 -w2', '-w1', '+w3 w4', '"w1 w1 w2" OR w25', 'w1* -w11', '(w1 w7) OR "w2 w3"', 'w2^3 w5']) AS query
WHERE differences(expression, query) > 0;

-- other weights and norms; a field that does not count; merged
SELECT barq_compact('docs_idx') >= 0 AS compacted;
DO $$
BEGIN
	FOR i IN 1 .. 4 LOOP
		DELETE FROM parameters;
		INSERT INTO parameters VALUES ('title', (ARRAY[0.5, 10, 0, 2.25])[i], (ARRAY[0, 1, 0.5, 1])[i]),
			('body', (ARRAY[2, 0.125, 1, 7])[i], (ARRAY[1, 0, 0.4, 1])[i]);
		DROP INDEX docs_idx;
		EXECUTE (SELECT format('CREATE INDEX docs_idx ON docs USING barq_bm25 (title bm25_ops (weight = %s, b = %s), body bm25_ops (weight = %s, b = %s), tag text_filter_ops, price) WITH (text_config = ''simple'')',
			t.weight, t.b, b.weight, b.b) FROM parameters t, parameters b WHERE t.field = 'title' AND b.field = 'body');
		TRUNCATE counted;
		PERFORM count_documents();
		RAISE WARNING '%', (SELECT string_agg(c, E'\n') FROM compare_all('weights ' || i) AS c);
	END LOOP;
END $$;
SELECT * FROM barq_check('docs_idx');

-- a dump keeps the parameters; names follow columns
SELECT pg_get_indexdef('docs_idx'::regclass);
ALTER TABLE docs RENAME COLUMN title TO heading;
SELECT pg_get_indexdef('docs_idx'::regclass);
SELECT count(*) > 0 AS found FROM docs WHERE heading @@@ 'w1';

-- bad input
\set VERBOSITY terse
CREATE INDEX ON docs USING barq_bm25 (heading bm25_ops (weight = -1), body) WITH (text_config = 'simple');
CREATE INDEX ON docs USING barq_bm25 (heading bm25_ops (b = 2), body) WITH (text_config = 'simple');
CREATE INDEX ON docs USING barq_bm25 (heading bm25_ops (size = 2), body) WITH (text_config = 'simple');
SELECT 'a text' <@> to_bm25query('w1', 'docs_idx');
SELECT ROW(1, 2) <@> to_bm25query('w1', 'docs_idx');
SELECT ROW('a'::text) <@> 'w1';

DROP TABLE docs, counted, lengths, parameters;
DROP FUNCTION words, fill, count_documents, brute, compare, compare_all, differences;
