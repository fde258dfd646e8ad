-- Fields named in queries: title:word, title:"a phrase"^2, body:(a group).
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE TABLE named (id int PRIMARY KEY, title text, body text, note text);
INSERT INTO named SELECT i, CASE WHEN i % 7 > 0 THEN concat_ws(' ', CASE WHEN i % 2 = 0 THEN 'red' END, 'fox', 't' || i % 5) END,
	CASE WHEN i % 11 > 0 THEN concat_ws(' ', repeat('sky ', i % 4), CASE WHEN i % 3 = 0 THEN 'red fox' END, 'b' || i % 6, 'title red http://x.org/a title') END,
	'n' || i % 3 || ' red'
FROM generate_series(1, 200) i;
CREATE INDEX named_idx ON named USING barq_bm25 (title bm25_ops (weight = 3, b = 0.4), body, (lower(note)) bm25_ops (name = 'remark', weight = 0.5))
	WITH (text_config = 'simple');
INSERT INTO named SELECT 200 + id, body, title, note FROM named WHERE id % 10 = 0;

-- Rows that match, and scores, by the index and by rows; the latter as a list.
CREATE FUNCTION pg_temp.matches(value text, query text, by_index bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids text;
	ranked text;
BEGIN
	PERFORM set_config('enable_seqscan', (NOT by_index)::text, true), set_config('enable_indexscan', by_index::text, true),
		set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', (NOT by_index)::text, true);
	EXECUTE format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM named n WHERE %s @@@ %L', value, query) INTO ids;
	EXECUTE format('SELECT string_agg(s::text, '' '') FROM (SELECT %1$s <@> %2$L AS s FROM named n WHERE %1$s <@> %2$L < 0 ORDER BY %1$s <@> %2$L) a', value, query) INTO ranked;
	RETURN concat_ws('/', ids, ranked);
END $$;
CREATE FUNCTION pg_temp.same(value text, query text, other_value text, other text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN pg_temp.matches(value, query, true) IS DISTINCT FROM pg_temp.matches(value, query, false) THEN 'index and rows differ'
		WHEN pg_temp.matches(value, query, true) IS DISTINCT FROM pg_temp.matches(other_value, other, true) THEN 'another answer'
		WHEN pg_temp.matches(value, query, true) = '' THEN 'nothing' ELSE 'the same' END
$$;

-- a named field is that field alone
SELECT q, pg_temp.same('n', q, v, o) FROM (VALUES ('title:red', 'title', 'red'), ('body:red', 'body', 'red'), ('remark:n1', 'lower(note)', 'n1'),
	('title:"red fox"', 'title', '"red fox"'), ('title:"red fox"^2', 'title', '"red fox"^2'), ('+title:red +title:t1', 'title', '+red +t1'),
	('title:(red t1)', 'title', 'red t1'), ('title:re*', 'title', 're*'), ('+title:fox -title:red', 'title', '+fox -red'),
	('title:red OR title:t3', 'title', 'red OR t3'), ('body:(sky -fox)^3', 'body', '(sky -fox)^3'), ('body:http://x.org/a', 'body', 'http://x.org/a'),
	('title:(body:sky)', 'body', 'sky')) AS a(q, v, o);
-- words of no field, and colons that are none
SELECT q, pg_temp.same('n', q, 'n', o) FROM (VALUES ('Title:red', '\Title:red'), ('error:red', 'error\:red'), ('title: red', 'title\: red'),
	('http://x.org/a', '\http://x.org/a'), ('red:title', '"red title"')) AS a(q, o);
SELECT pg_temp.same('n', '\title:red', 'n', 'title\:red'), pg_temp.same('n', to_bm25query('title:red', NULL, 'plain')::text, 'n', 'title\:red');
SELECT pg_temp.same('n', '\title:red', 'n', 'title:red'), barq_bm25_escape('title:red http://x a: :b');
-- a query of one field names only that one
SELECT q, pg_temp.same('body', q, 'body', o) FROM (VALUES ('body:red', 'red'), ('title:red', 'title\:red')) AS a(q, o);
-- several fields in one query: scores add up, conditions are of their fields
SELECT count(*) AS rows, bool_and(abs((n <@> 'title:red^2 body:sky') - 2 * coalesce(title <@> 'red', 0) - coalesce(body <@> 'sky', 0)) < 1e-9) AS add_up FROM named n;
SELECT q, count(*) FILTER (WHERE n @@@ q) AS rows, count(*) FILTER (WHERE (n @@@ q) <> (coalesce(title @@@ 'red', false) AND coalesce(body @@@ f, false) <> minus)) AS wrong
FROM named n, (VALUES ('title:red body:sky', 'sky', false), ('title:red -body:sky', 'sky', true), ('+title:red +body:"red fox"', '"red fox"', false)) AS a(q, f, minus)
GROUP BY q ORDER BY q;
SELECT pg_temp.matches('n', 'red title:red^3 -body:"red fox" remark:n1', true) = pg_temp.matches('n', 'red title:red^3 -body:"red fox" remark:n1', false) AS same;
SELECT barq_highlight('a red title', 'title:red', 'named_idx');
-- names follow columns; a parameter stays
ALTER TABLE named RENAME COLUMN title TO heading;
SELECT pg_temp.same('n', 'heading:red', 'heading', 'red'), pg_temp.same('n', 'title:red', 'n', 'title\:red');
SELECT pg_get_indexdef('named_idx'::regclass);
-- bad names
CREATE INDEX ON named USING barq_bm25 (heading bm25_ops (name = 'a b'), body) WITH (text_config = 'simple');
CREATE INDEX ON named USING barq_bm25 (heading bm25_ops (name = 'a:'), body) WITH (text_config = 'simple');
-- partitions, prepared statements
CREATE TABLE named_parts (LIKE named) PARTITION BY RANGE (id);
CREATE TABLE named_p1 PARTITION OF named_parts FOR VALUES FROM (0) TO (100);
CREATE TABLE named_p2 PARTITION OF named_parts FOR VALUES FROM (100) TO (1000);
INSERT INTO named_parts SELECT * FROM named;
CREATE INDEX ON named_parts USING barq_bm25 (heading, body) WITH (text_config = 'simple');
PREPARE p(text) AS SELECT count(*) FROM named_parts n WHERE n @@@ $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE p('heading:red -body:sky');
SELECT count(*) FROM named_parts WHERE heading @@@ 'red' AND NOT coalesce(body @@@ 'sky', false);
DROP TABLE named, named_parts;
