-- @@@: words, phrases, must and must not, prefixes; with and without positions,
-- by index, by bitmap and computed; and the same conditions in <@>.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.2);
CREATE TABLE bm25_matches (id int, body text) WITH (autovacuum_enabled = off);
INSERT INTO bm25_matches SELECT i, pg_temp.random_body(14) FROM generate_series(1, 900) i;
CREATE INDEX bm25_matches_on ON bm25_matches USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bm25_matches_off ON bm25_matches USING barq_bm25 (body) WITH (text_config = 'simple', positions = off);
INSERT INTO bm25_matches SELECT i, pg_temp.random_body(14) FROM generate_series(1001, 1300) i;
SELECT barq_seal('bm25_matches_on') = barq_seal('bm25_matches_off') AS sealed;
INSERT INTO bm25_matches SELECT i, pg_temp.random_body(14) FROM generate_series(2001, 2300) i;
DELETE FROM bm25_matches WHERE id % 6 = 5;
VACUUM bm25_matches;
-- each query with its meaning, as a condition on the words of the body
CREATE TEMP TABLE q (query text, means text);
INSERT INTO q VALUES
	('w1', 'ws @> ''{w1}'''), ('w1 w2', 'ws @> ''{w1,w2}'''), ('+w1 w2', 'ws @> ''{w1,w2}'''),
	('w1 -w2', 'ws @> ''{w1}'' AND NOT ws @> ''{w2}'''), ('-w1', 'NOT ws @> ''{w1}'''), ('-w0 -w1 -w2', 'NOT ws && ''{w0,w1,w2}'''),
	('"w0 w1"', 'b ~ '' w0 w1 '''), ('"w0 w1 w0"', 'b ~ '' w0 w1 w0 '''), ('-"w0 w1" w0', 'ws @> ''{w0}'' AND NOT b ~ '' w0 w1 '''),
	('w5*', 'b ~ '' w5'''), ('w5* -w5', 'b ~ '' w5'' AND NOT ws @> ''{w5}'''), ('-w1*', 'NOT b ~ '' w1'''), ('w2* w3*', 'b ~ '' w2'' AND b ~ '' w3'''),
	('zzz', 'false'), ('w1 zzz', 'false'), ('w1 -zzz', 'ws @> ''{w1}'''), ('zz*', 'false'), ('W1', 'ws @> ''{w1}'''), ('', 'false'), ('   ', 'false'),
	('"w3"', 'ws @> ''{w3}'''), ('"w1 w1"', 'b ~ '' w1 w1 '''), ('\w1', 'ws @> ''{w1}''');
CREATE FUNCTION pg_temp.ids(idx text, query text, way text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE found int[];
BEGIN
	PERFORM set_config('enable_seqscan', CASE way WHEN 'computed' THEN 'on' ELSE 'off' END, true),
		set_config('enable_indexscan', CASE way WHEN 'index' THEN 'on' ELSE 'off' END, true),
		set_config('enable_bitmapscan', CASE way WHEN 'bitmap' THEN 'on' ELSE 'off' END, true);
	IF pg_temp.plan_of(format('SELECT id FROM bm25_matches WHERE body @@@ to_bm25query(%L, %L)', query, idx)) !~
		(CASE way WHEN 'computed' THEN '^Seq' WHEN 'index' THEN '^Index' ELSE '^Bitmap' END) THEN
		RAISE 'another plan: %', way;
	END IF;
	EXECUTE format('SELECT coalesce(array_agg(id ORDER BY id), ''{}'') FROM bm25_matches WHERE body @@@ to_bm25query(%L, %L)', query, idx) INTO found;
	RETURN found;
END $$;
CREATE FUNCTION pg_temp.meant(means text) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE found int[];
BEGIN
	EXECUTE format('SELECT coalesce(array_agg(id ORDER BY id), ''{}'') FROM (SELECT id, '' '' || regexp_replace(body, '' '', ''  '', ''g'') || '' '' AS spaced, '' '' || body || '' '' AS b, string_to_array(body, '' '') AS ws FROM bm25_matches) x WHERE %s', means) INTO found;
	RETURN found;
END $$;
SELECT query, cardinality(pg_temp.meant(means)) AS rows, i.idx, way FROM q, (VALUES ('bm25_matches_on'), ('bm25_matches_off')) i(idx), (VALUES ('index'), ('bitmap'), ('computed')) w(way)
	WHERE pg_temp.ids(idx, query, way) <> pg_temp.meant(means);
SELECT query, cardinality(pg_temp.meant(means)) AS rows FROM q WHERE query <> '' ORDER BY query COLLATE "C";
-- in <@> unmarked words are alternatives, marks exclude rows; scores are the same
CREATE FUNCTION pg_temp.ranked(idx text, query text) RETURNS int[] LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE found int[];
BEGIN
	EXECUTE format('SELECT coalesce(array_agg(id ORDER BY id), ''{}'') FROM (SELECT id, body <@> to_bm25query(%1$L, %2$L) AS score FROM bm25_matches ORDER BY 2 LIMIT 5000) s WHERE score < 0', query, idx) INTO found;
	RETURN found;
END $$;
SELECT query, idx, cardinality(pg_temp.ranked(idx, query)) AS got, cardinality(pg_temp.meant(means)) AS wanted FROM (VALUES
	('w1 w2', 'ws && ''{w1,w2}'''), ('+w1 w2', 'ws @> ''{w1}'''), ('w1 w2 -w0', 'ws && ''{w1,w2}'' AND NOT ws @> ''{w0}'''),
	('+"w0 w1" w2', 'b ~ '' w0 w1 '''), ('"w0 w1"', 'ws && ''{w0,w1}'''), ('-"w0 w1" w0', 'ws @> ''{w0}'' AND NOT b ~ '' w0 w1 '''), ('w5* w1', 'b ~ '' w5'' OR ws @> ''{w1}'''),
	('+w5* w1', 'b ~ '' w5'''), ('-w1', 'false'), ('', 'false')) q(query, means), (VALUES ('bm25_matches_on'), ('bm25_matches_off')) i(idx)
	WHERE pg_temp.ranked(idx, query) <> pg_temp.meant(means);
SELECT count(*) FILTER (WHERE a.s IS DISTINCT FROM b.s) AS differ, count(*) > 0 AS some FROM
	(SELECT id, body <@> to_bm25query('w5* w1 +w0', 'bm25_matches_on') AS s FROM bm25_matches) a JOIN
	(SELECT id, body <@> to_bm25query('w5* w1 +w0', 'bm25_matches_off') AS s FROM bm25_matches) b USING (id);
-- a prefix scores as one term: the sum of its frequencies, the documents of any
SELECT round(s::numeric, 10) = round((-ln(1 + (n - df + 0.5) / (df + 0.5)) * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len / avglen)))::numeric, 10) AS pooled FROM
	(SELECT body <@> to_bm25query('w5*', 'bm25_matches_on') AS s, (SELECT count(*) FROM regexp_matches(' ' || replace(body, ' ', '  '), ' w5', 'g')) AS tf, cardinality(string_to_array(body, ' ')) AS len
	 FROM bm25_matches WHERE body ~ '\mw5' ORDER BY id LIMIT 1) d,
	(SELECT count(*)::float8 AS n, count(*) FILTER (WHERE body ~ '\mw5')::float8 AS df, sum(cardinality(string_to_array(body, ' ')))::float8 / count(*) AS avglen FROM bm25_matches) x
	WHERE (SELECT documents FROM barq_bm25_stats('bm25_matches_on')) = n;
SELECT barq_seal('bm25_matches_on') > 0 AS sealed, barq_compact('bm25_matches_on') > 0 AS compacted;
SELECT round(s::numeric, 10) = round((-ln(1 + (n - df + 0.5) / (df + 0.5)) * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len / avglen)))::numeric, 10) AS pooled FROM
	(SELECT body <@> to_bm25query('w5*', 'bm25_matches_on') AS s, (SELECT count(*) FROM regexp_matches(' ' || replace(body, ' ', '  '), ' w5', 'g')) AS tf, cardinality(string_to_array(body, ' ')) AS len
	 FROM bm25_matches WHERE body ~ '\mw5' ORDER BY id LIMIT 1) d,
	(SELECT count(*)::float8 AS n, count(*) FILTER (WHERE body ~ '\mw5')::float8 AS df, sum(cardinality(string_to_array(body, ' ')))::float8 / count(*) AS avglen FROM bm25_matches) x
	WHERE (SELECT documents FROM barq_bm25_stats('bm25_matches_on')) = n;
-- arrays: a phrase does not span elements
CREATE TABLE bm25_arrays (id int, body text[]);
INSERT INTO bm25_arrays VALUES (1, '{red fox,jumps}'), (2, '{red,fox}'), (3, '{}'), (4, '{NULL,fox red}'), (5, NULL);
CREATE INDEX bm25_arrays_idx ON bm25_arrays USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT id FROM bm25_arrays WHERE body @@@ '"red fox"' ORDER BY id;
SET enable_seqscan = off;
SELECT id FROM bm25_arrays WHERE body @@@ '"red fox"' ORDER BY id;
SELECT id FROM bm25_arrays WHERE body @@@ 'red fox' ORDER BY id;
SELECT documents FROM barq_bm25_stats('bm25_arrays_idx');
DROP TABLE bm25_matches, bm25_arrays;
