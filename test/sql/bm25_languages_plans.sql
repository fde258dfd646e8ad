-- A language for each row, by every plan: the index, a custom scan within another index's
-- bitmap, counts, facets, rows sorted by a column, partitions, and each `combine` give the rows
-- and scores that are computed from the rows.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;

CREATE FUNCTION fill(name text, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($q$
		INSERT INTO %s SELECT i, CASE WHEN i %% 7 > 0 THEN w[1 + i * 5 %% 16] || ' ' || w[1 + i * 11 %% 16] END,
			CASE WHEN i %% 9 > 0 THEN (SELECT string_agg(w[1 + (i * 3 + j * j * 5) %% 16], ' ') FROM generate_series(1, i %% 12) j) END,
			('{english,german,NULL,french,simple}'::text[])[1 + i %% 5], i %% 40
		FROM generate_series($1, $2) i,
			(VALUES ('{cats,the,running,Katzen,die,foo-bars,les,chats,cat,maison,dog,dogs,Hunde,Hund,runs,maisons}'::text[])) v(w)$q$, name)
	USING first, last;
END $$;
CREATE TABLE one (id int, title text, body text, lang text, price int);
CREATE TABLE bm25f (LIKE one);
CREATE TABLE best (LIKE one);
CREATE TABLE most (LIKE one);
CREATE TABLE nopos (LIKE one);
CREATE TABLE parts (id int, title text, body text, lang text, price int) PARTITION BY RANGE (price);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (20);
CREATE TABLE parts_high (price int, lang text, body text, title text, id int);
ALTER TABLE parts ATTACH PARTITION parts_high FOR VALUES FROM (20) TO (100);
CREATE TABLE partial (LIKE one);
CREATE TABLE ngrams (LIKE one);
CREATE TABLE tables (name text, options text, columns text);
INSERT INTO tables VALUES ('one', '', 'body, lang text_regconfig_ops, price'), ('bm25f', '', NULL), ('best', ', combine = best_fields', NULL),
	('most', ', combine = most_fields', NULL), ('nopos', ', positions = off', NULL), ('parts', '', NULL), ('partial', '', NULL),
	('ngrams', ', tokenizer = ngram', NULL);
DO $$ DECLARE t record; BEGIN
	FOR t IN SELECT * FROM tables LOOP
		PERFORM fill(t.name, 1, 400);
		EXECUTE format('CREATE INDEX %1$s_text ON %1$s USING barq_bm25 (%2$s) WITH (text_config = ''english''%3$s)%4$s', t.name,
			coalesce(t.columns, 'title bm25_ops (weight = 2, b = 0.4), lang text_regconfig_ops, price, lower(body) bm25_ops (name = body)'),
			t.options, CASE t.name WHEN 'partial' THEN ' WHERE price < 30' ELSE '' END);
		EXECUTE format('CREATE INDEX ON %s (price)', t.name);
		PERFORM fill(t.name, 401, 500);
		EXECUTE format('ANALYZE %s', t.name);
	END LOOP;
END $$;

CREATE TABLE queries (n serial, words text, parameters text);
INSERT INTO queries (words, parameters) VALUES ('cats', ''), ('die Katze', ''), ('the dogs Hund', ', k1 => 0.5, b => 0.1'), ('"the cats" OR "die Katzen"', ''),
	('+Hunde -die chat', ''), ('Kat* run*^2', ''), ('foo-bar les', ''), ('the die les', ''), ('(cats dogs) OR (+maison chats)', ''),
	('cats Katze dog les', ', minimum_should_match => ''2'''), ('die Katze cats', ', minimum_should_match => ''100%'''), ('Katzen cats', ', search_config => ''german'''), ('title:Katze^3 dogs', ''),
	('title:"die Katzen" body:chats', ''), ('-the cat', ''), ('', ''), ('nowhere', '');

-- Rankings, matches, counts and rows by price of a table, as text.
CREATE FUNCTION answers(t tables, q queries) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	words text := CASE WHEN t.name = 'one' THEN replace(replace(q.words, 'title:', ''), 'body:', '') ELSE q.words END;
	query text := format('to_bm25query(%L, %L%s)', words, t.name || '_text', q.parameters);
	filters text[] := '{price < 30,price BETWEEN 3 AND 5,lang = ''german'' AND price < 30}';
	filter text;
	result text[] := '{}';
	answer text;
BEGIN
	FOREACH filter IN ARRAY filters LOOP
		EXECUTE format('SELECT md5(string_agg(s || '' '' || id, '','' ORDER BY s, id)) || count(*) FROM (SELECT id, %1$s <@> %2$s AS s FROM %1$s WHERE %3$s ORDER BY %1$s <@> %2$s LIMIT 1000) a WHERE s < 0', t.name, query, filter) INTO answer;
		result := result || coalesce(answer, '');
		EXECUTE format('SELECT string_agg(id::text, '','' ORDER BY id) FROM (SELECT id FROM %1$s WHERE %1$s @@@ %2$s AND %3$s ORDER BY %1$s <@> %2$s LIMIT 1000) a', t.name, query, filter) INTO answer;
		result := result || coalesce(answer, '');
		EXECUTE format('SELECT count(*) FROM %1$s WHERE %1$s @@@ %2$s AND %3$s', t.name, query, filter) INTO answer;
		result := result || answer;
		EXECUTE format('SELECT string_agg(price::text, '','') FROM (SELECT price FROM %1$s WHERE %1$s @@@ %2$s AND %3$s ORDER BY price LIMIT 7) a', t.name, query, filter) INTO answer;
		result := result || coalesce(answer, '');
		EXECUTE format('SELECT count(*) FROM %1$s WHERE %1$s <@> %2$s < -0.5 AND %3$s', t.name, query, filter) INTO answer;
		result := result || answer;
		EXECUTE format('SELECT sum(%1$s <@> %2$s)::numeric(12,6) FROM %1$s WHERE %3$s', t.name, query, filter) INTO answer;
		result := result || coalesce(answer, '');
	END LOOP;
	RETURN result;
END $$;

-- each plan against the rows
CREATE FUNCTION compare_plans(t tables) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	q queries;
	expected text[];
	found text[];
	n int := 0;
	matched int := 0;
	plan text;
BEGIN
	FOR q IN SELECT * FROM queries ORDER BY n LOOP
		PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'on', true);
		expected := answers(t, q);
		matched := matched + (expected[3] <> '0')::int;
		FOREACH plan IN ARRAY '{index,bitmap,plain}'::text[] LOOP
			PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', CASE plan WHEN 'bitmap' THEN 'off' ELSE 'on' END, true),
				set_config('enable_bitmapscan', CASE plan WHEN 'index' THEN 'off' ELSE 'on' END, true),
				set_config('enable_sort', CASE plan WHEN 'plain' THEN 'on' ELSE 'off' END, true);
			found := answers(t, q);
			n := n + cardinality(found);
			FOR i IN 1 .. cardinality(found) LOOP
				IF found[i] <> expected[i] THEN
					RETURN NEXT format('%s, %s, %s %s, answer %s: %s for %s', t.name, plan, q.words, q.parameters, i, left(found[i], 80), left(expected[i], 80));
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	RETURN NEXT format('%s: %s answers compared, %s queries match rows', t.name, n, matched);
END $$;
SELECT compare_plans(t) FROM tables t;

-- the plans that were meant
SET enable_seqscan = off;
EXPLAIN (costs off) SELECT id FROM parts WHERE parts @@@ 'die Katze' AND price BETWEEN 3 AND 5 ORDER BY parts <@> 'die Katze' LIMIT 3;
VACUUM bm25f;
EXPLAIN (costs off) SELECT count(*) FROM bm25f WHERE bm25f @@@ 'die Katze' AND lang = 'german';
EXPLAIN (costs off) SELECT price FROM bm25f WHERE bm25f @@@ 'cats' ORDER BY price LIMIT 3;

-- a partition whose index has no language is an error
DROP INDEX parts_text;
CREATE INDEX parts_text ON ONLY parts USING barq_bm25 (title, body, lang text_regconfig_ops) WITH (text_config = 'english');
CREATE INDEX parts_low_text ON parts_low USING barq_bm25 (title, body, lang text_filter_ops) WITH (text_config = 'english');
ALTER INDEX parts_text ATTACH PARTITION parts_low_text;
SELECT id FROM parts ORDER BY parts <@> 'cats' LIMIT 1;
DROP TABLE one, bm25f, best, most, nopos, parts, partial, ngrams, tables, queries CASCADE;
