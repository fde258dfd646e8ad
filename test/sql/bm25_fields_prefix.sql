-- Prefixes of more words than the 1,024 that score, in fields: the words of the fields asked
-- count, not those of others. Against a brute force in SQL and against indexes of one field, by
-- index and by sort, with several segments, growing and deleted rows, the ways to combine fields
-- and configurations of fields.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;

-- the words of the body stand before those of the title, so that they were the first 1,024
CREATE TABLE docs (id int PRIMARY KEY, title text, body text) WITH (autovacuum_enabled = off);
CREATE FUNCTION prefix_fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO docs SELECT i, CASE WHEN i % 7 > 0 THEN format('pz%s red pb%s', i % 60, i * 37 % 1500) ELSE '' END,
		format('pa%s pb%s blue', i, i * 31 % 700) FROM generate_series(first, last) i;
$$;

-- of all documents that the index counts, deleted ones too
CREATE TABLE counted (id int, field text, word text COLLATE "C");
CREATE FUNCTION prefix_count() RETURNS void LANGUAGE sql AS $$
	INSERT INTO counted SELECT id, f.field, w.word
	FROM docs, LATERAL (VALUES ('title', title), ('body', body)) AS f(field, content), LATERAL regexp_split_to_table(f.content, ' ') AS w(word)
	WHERE id > coalesce((SELECT max(id) FROM counted), 0);
	ANALYZE counted;
$$;

-- the rows with one of the first 1,024 words of these fields that begin with a prefix
CREATE FUNCTION prefix_holders(prefix text, fields text[]) RETURNS SETOF int LANGUAGE sql AS $$
	SELECT c.id FROM counted c JOIN docs USING (id) WHERE c.field = ANY (fields) AND c.word IN
		(SELECT DISTINCT word FROM counted WHERE field = ANY (fields) AND word ^@ prefix ORDER BY 1 LIMIT 1024)
	GROUP BY 1
$$;

-- Compare the rows that a prefix finds in an expression with the brute force: of all fields
-- together, or (apart) of each by itself. Returns how many comparisons, and what is wrong.
CREATE FUNCTION prefix_compare(what text, apart bool) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	q record;
	scan bool;
	wrong bigint;
	n int := 0;
BEGIN
	FOREACH scan IN ARRAY ARRAY[true, false] LOOP
		PERFORM set_config('enable_seqscan', (NOT scan)::text, true), set_config('enable_indexscan', scan::text, true), set_config('enable_sort', (NOT scan)::text, true);
		FOR q IN SELECT e.expression, format(e.query, p.prefix || '*') AS query, p.prefix, e.fields FROM unnest(ARRAY['p', 'pb', 'pz']) AS p(prefix),
				(VALUES ('title', '%s', '{title}'::text[]), ('body', '%s', '{body}'), ('docs', 'title:%s', '{title}'), ('docs', 'body:%s', '{body}'), ('docs', '%s', '{title,body}'), ('docs', 'title:%1$s OR body:%1$s', NULL)) AS e(expression, query, fields) LOOP
			EXECUTE format('WITH found AS MATERIALIZED (SELECT id, %1$s <@> %2$L AS distance FROM docs ORDER BY %1$s <@> %2$L), wanted AS (%3$s)
				SELECT count(*) FROM (SELECT id FROM found WHERE distance < 0) f FULL JOIN wanted w(id) USING (id) WHERE f.id IS NULL OR w.id IS NULL', q.expression, q.query,
				CASE WHEN q.fields IS NULL OR (apart AND q.expression = 'docs' AND cardinality(q.fields) > 1) THEN format('SELECT prefix_holders(%1$L, ''{title}'') UNION SELECT prefix_holders(%1$L, ''{body}'')', q.prefix)
					ELSE format('SELECT prefix_holders(%L, %L)', q.prefix, q.fields) END) INTO wrong;
			n := n + 1;
			IF wrong > 0 THEN
				RETURN NEXT format('%s, index %s: %s by %s: %s rows differ', what, scan, q.expression, q.query, wrong);
			END IF;
		END LOOP;
	END LOOP;
	RETURN NEXT format('%s: %s compared', what, n);
END $$;

-- the scores of a field of the index of both are those of an index of it alone
CREATE FUNCTION prefix_alike(what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	f text;
	q text;
	wrong bigint;
BEGIN
	FOREACH f IN ARRAY ARRAY['title', 'body'] LOOP
		FOREACH q IN ARRAY ARRAY['p*', 'pb*', '+p* red', 'p* -pb1*', 'p*^2 pz1* blue', '+(pz* OR pa*) pb7*'] LOOP
			EXECUTE format('SELECT count(*) FROM (SELECT id, %1$s <@> to_bm25query(%2$L, ''docs_idx'') AS a, %1$s <@> to_bm25query(%2$L, ''%1$s_idx'') AS b FROM docs) x
				WHERE abs(a - b) > 1e-9 OR (a IS NULL) <> (b IS NULL)', f, q) INTO wrong;
			IF wrong > 0 THEN
				RETURN NEXT format('%s: %s by %s: %s scores differ', what, f, q, wrong);
			END IF;
		END LOOP;
	END LOOP;
END $$;

SELECT prefix_fill(1, 2000), prefix_count();
CREATE INDEX docs_idx ON docs USING barq_bm25 (title, body) WITH (text_config = 'simple');
SELECT prefix_compare('built', false);
CREATE INDEX title_idx ON docs USING barq_bm25 (title) WITH (text_config = 'simple');
CREATE INDEX body_idx ON docs USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT prefix_alike('built');
DROP INDEX title_idx, body_idx;
SELECT prefix_fill(2001, 2150), prefix_count();
SELECT prefix_compare('with a log', false);
SELECT barq_seal('docs_idx') > 0 AS sealed;
SELECT prefix_fill(2151, 2200), prefix_count();
DELETE FROM docs WHERE id % 5 = 0;
SELECT prefix_compare('two segments, deleted rows', false);
SELECT count(*) AS matching, count(*) FILTER (WHERE body ~ '\mpa') AS truth FROM docs WHERE body @@@ 'pa*';
DROP INDEX docs_idx;
DELETE FROM counted WHERE id % 5 = 0;

DO $$
DECLARE
	form text;
BEGIN
	FOREACH form IN ARRAY ARRAY['(title, body) WITH (text_config = ''simple'', combine = ''most_fields'')', '(title, body) WITH (text_config = ''simple'', combine = ''best_fields'')',
			'(title bm25_ops (text_config = ''simple''), body bm25_ops (text_config = ''english'')) WITH (text_config = ''simple'')'] LOOP
		EXECUTE 'CREATE INDEX docs_idx ON docs USING barq_bm25 ' || form;
		RAISE WARNING '%', (SELECT string_agg(c, E'\n') FROM prefix_compare(form, form ~ 'combine') AS c);
		DROP INDEX docs_idx;
	END LOOP;
END $$;
DROP TABLE docs, counted;
DROP FUNCTION prefix_fill, prefix_count, prefix_holders, prefix_compare, prefix_alike;
