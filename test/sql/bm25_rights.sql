-- Rights to an index's statistics: a score of a column needs the rights that the
-- executor checks; any other use of the index needs SELECT on the indexed columns of
-- all rows. Users cannot imitate calls that the planner has bound.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

CREATE ROLE bm25_rights_select;
CREATE ROLE bm25_rights_column;
CREATE ROLE bm25_rights_other;
CREATE ROLE bm25_rights_view;
CREATE ROLE bm25_rights_none;
CREATE ROLE bm25_rights_maker;
CREATE TABLE bm25_rights (id int PRIMARY KEY, owner text DEFAULT 'o', body text, title text);
INSERT INTO bm25_rights SELECT i, 'o', 'common word' || i % 10 || CASE WHEN i % 2 = 1 THEN ' hidden' ELSE '' END, 'title ' || i FROM generate_series(1, 500) i;
CREATE INDEX bm25_rights_body ON bm25_rights USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bm25_rights_title ON bm25_rights USING barq_bm25 (title) WITH (text_config = 'simple');
ANALYZE bm25_rights;
CREATE VIEW bm25_rights_v AS SELECT id, body FROM bm25_rights;
CREATE VIEW bm25_rights_b WITH (security_barrier) AS SELECT id, body FROM bm25_rights WHERE id % 2 = 0;
CREATE FUNCTION bm25_rights_f(words text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM bm25_rights WHERE body @@@ words $$;
GRANT SELECT ON bm25_rights TO bm25_rights_select;
GRANT SELECT (id, body) ON bm25_rights TO bm25_rights_column;
GRANT SELECT (id, title) ON bm25_rights TO bm25_rights_other;
GRANT SELECT ON bm25_rights_v, bm25_rights_b TO bm25_rights_view;
SELECT 'bm25_rights_body'::regclass::oid AS oid \gset

CREATE FUNCTION pg_temp.first_line(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	EXECUTE 'EXPLAIN ' || statement INTO line;
	RETURN line;
END $$;
-- a statement by each role: its answer, or that it is denied
CREATE FUNCTION pg_temp.by_roles(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	role text;
	result text;
	results text[] = '{}';
BEGIN
	FOREACH role IN ARRAY ARRAY['select', 'column', 'other', 'view', 'none'] LOOP
		EXECUTE 'SET LOCAL ROLE bm25_rights_' || role;
		BEGIN
			EXECUTE statement INTO result;
			result = 'yes';
		EXCEPTION
			WHEN insufficient_privilege THEN result = 'denied';
			WHEN OTHERS THEN result = SQLSTATE || ' ' || SQLERRM;
		END;
		RESET ROLE;
		results = array_append(results, role || ' ' || result);
	END LOOP;
	RETURN array_to_string(results, ', ');
END $$;
SELECT what, pg_temp.by_roles(statement) FROM (VALUES
	('score of the column', $$SELECT max(body <@> 'hidden') FROM bm25_rights$$),
	('match of the column', $$SELECT count(*) FROM bm25_rights WHERE body @@@ 'hidden'$$),
	('by the index''s name', $$SELECT max(body <@> to_bm25query('hidden', 'bm25_rights_body')) FROM bm25_rights$$),
	('score of a view''s column', $$SELECT max(body <@> 'hidden') FROM bm25_rights_v$$),
	('of a security barrier view''s', $$SELECT max(body <@> 'bm25_rights_body:hidden'::bm25query) FROM bm25_rights_b$$),
	('of a materialized CTE''s', $$WITH c AS MATERIALIZED (SELECT body FROM bm25_rights_v) SELECT max(body <@> 'hidden') FROM c$$),
	('in a function of the owner', $$SELECT bm25_rights_f('hidden')$$),
	('score of a constant', format($$SELECT 'hidden' <@> to_bm25query('hidden', %s)$$, :oid)),
	('by the name', $$SELECT 'hidden' <@> to_bm25query('hidden', 'bm25_rights_body')$$),
	('match of a constant', format($$SELECT 'hidden' @@@ to_bm25query('hid*', %s)$$, :oid)),
	('in ANY', $$SELECT 'hidden' @@@ ANY (ARRAY['bm25_rights_body:hid*']::bm25query[])$$),
	('score of other texts', format($$SELECT max(t <@> to_bm25query('hidden', %s)) FROM (VALUES ('hidden')) v(t)$$, :oid)),
	('of texts of a catalog', format($$SELECT max(relname::text <@> to_bm25query('hidden', %s)) FROM pg_class$$, :oid)),
	('of a view''s and other texts', $$SELECT max(body <@> to_bm25query('hidden', 'bm25_rights_body')) FROM (SELECT body FROM bm25_rights_v UNION ALL SELECT 'hidden') u$$),
	('the column by the other''s index', $$SELECT max(body <@> to_bm25query('hidden', 'bm25_rights_title')) FROM bm25_rights_v$$),
	('a query''s index at run time', $$SELECT max(body <@> q) FROM bm25_rights_v, (SELECT 'bm25_rights_title:hidden'::bm25query AS q OFFSET 0) s$$),
	('its own at run time', $$SELECT max(body <@> q) FROM bm25_rights_v, (SELECT 'bm25_rights_body:hidden'::bm25query AS q OFFSET 0) s$$),
	('the planner''s function', format($$SELECT bm25_column_distance('hidden', to_bm25query('hidden', %s))$$, :oid)),
	('of matches', format($$SELECT bm25_column_matches('hidden', to_bm25query('hid*', %s))$$, :oid)),
	('of arrays', format($$SELECT bm25_column_distance(ARRAY['hidden'], to_bm25query('hidden', %s))$$, :oid)),
	('with what the planner binds by', format($$SELECT 'hidden' <@> bm25_bind('hidden', %s)$$, :oid)),
	('with what it does not bind', $$SELECT 'hidden' <@> bm25_unbound('bm25_rights_body:hidden'::bm25query, ARRAY['bm25_rights']::regclass[], '{}', 'x'::text)$$),
	('a threshold', format($$SELECT 'hidden' <@@ bm25threshold(to_bm25query('hidden', %s), -1, true)$$, :oid))) s(what, statement);

-- called by hand these functions check rights
SELECT s, pg_temp.outcome(s) FROM unnest(ARRAY[
	$$SELECT bm25_bind('a:b'::bm25query, 0)$$, $$SELECT bm25_bind('b'::bm25query, 'bm25_rights')$$, $$SELECT bm25_bind('b'::bm25query, 'bm25_rights_v')$$, $$SELECT 'a' <@> bm25_bind('b'::text, 'bm25_rights')$$, $$SELECT 'a' <@> bm25_bind('b'::text, 'bm25_rights_pkey')$$, $$SELECT max(body <@> to_bm25query('x', 'bm25_rights'::regclass)) FROM bm25_rights$$, $$SELECT max(body <@> to_bm25query('x', 'bm25_rights_pkey'::regclass)) FROM bm25_rights$$,
	$$SELECT bm25_unbound('a'::text, ARRAY[0]::regclass[], '{}', 'x'::text)$$, $$SELECT count(*) FROM bm25_rights WHERE body @@@ 'note: buy milk'::bm25query$$,
 $$SELECT bm25_bind('a:b'::bm25query, 'bm25_rights_body'::regclass)$$,
	$$SELECT bm25_unbound('a:b'::bm25query, ARRAY[0]::regclass[], '{}', 'x'::text)$$, $$SELECT bm25_unbound('b'::bm25query, ARRAY['bm25_rights']::regclass[], '{42704,a message,NULL,a hint}', 'x'::text)$$,
	$$SELECT bm25_unbound('bm25_rights_title:b'::bm25query, ARRAY['bm25_rights', 'bm25_rights_v']::regclass[], '{}', 'x'::text)$$]) s;
-- a user's operator with the planner's function
GRANT CREATE ON SCHEMA public TO bm25_rights_maker;
SET ROLE bm25_rights_maker;
CREATE OPERATOR public.<@?> (LEFTARG = text, RIGHTARG = bm25query, FUNCTION = bm25_column_distance);
SELECT pg_temp.outcome(format($$SELECT 'hidden' <@?> to_bm25query('hidden', %s)$$, :oid));
DROP OPERATOR public.<@?> (text, bm25query);
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM bm25_rights_maker;
-- a value to be inserted is not read from the table
GRANT INSERT, UPDATE, SELECT (id) ON bm25_rights TO bm25_rights_maker;
SET ROLE bm25_rights_maker;
SELECT pg_temp.outcome($$INSERT INTO bm25_rights (id, body) VALUES (1, 'hidden') ON CONFLICT (id) DO UPDATE SET title = 'x' WHERE excluded.body <@> 'hidden' < 0$$);
SELECT pg_temp.outcome($$UPDATE bm25_rights SET title = 'x' WHERE id = 1 AND body @@@ 'hidden'$$);
RESET ROLE;

-- through a view the owner's rights apply to the index of the value that the view
-- shows; the caller's rights apply to estimates by any other index
CREATE TABLE bm25_rights_public (id int, body text);
INSERT INTO bm25_rights_public SELECT i, 'x' FROM generate_series(1, 500) i;
ANALYZE bm25_rights_public;
CREATE TABLE bm25_rights_whole (id int, body text, title text) PARTITION BY RANGE (id);
CREATE TABLE bm25_rights_half PARTITION OF bm25_rights_whole FOR VALUES FROM (0) TO (1000);
INSERT INTO bm25_rights_whole SELECT id, body, title FROM bm25_rights;
CREATE INDEX bm25_rights_whole_body ON bm25_rights_whole USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bm25_rights_whole_title ON bm25_rights_whole USING barq_bm25 (title) WITH (text_config = 'simple');
ANALYZE bm25_rights_whole;
CREATE VIEW bm25_rights_public_v AS SELECT * FROM bm25_rights_public;
CREATE VIEW bm25_rights_whole_v AS SELECT id, body FROM bm25_rights_whole;
GRANT SELECT ON bm25_rights_public_v, bm25_rights_whole_v TO bm25_rights_view, bm25_rights_select;
GRANT SELECT ON bm25_rights_v TO bm25_rights_select;
CREATE FUNCTION pg_temp.estimates(relation text, condition text, words text[]) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(DISTINCT substring(pg_temp.first_line(format('SELECT * FROM %s WHERE ' || condition, relation, w)) from 'rows=\d+')) FROM unnest(words) w $$;
CREATE TABLE estimate_cases AS SELECT relation, index, condition FROM
	unnest(ARRAY['bm25_rights_v', 'bm25_rights_public_v', 'bm25_rights_whole_v']) relation,
	unnest(ARRAY['bm25_rights_body', 'bm25_rights_title', 'bm25_rights_whole_body', 'bm25_rights_half_body_idx', 'bm25_rights_whole_title']) index,
	unnest(ARRAY['body @@@ to_bm25query(%%L, %L::regclass)', 'body <@> to_bm25query(%%L, %L::regclass) < 0']) condition;
GRANT SELECT ON estimate_cases TO bm25_rights_view, bm25_rights_select;
SET ROLE bm25_rights_view;
SELECT relation, index, array_agg(pg_temp.estimates(relation, format(condition, index), '{common,word1,title,nosuch,7}') > 1 ORDER BY condition COLLATE "C") AS told FROM estimate_cases GROUP BY 1, 2 HAVING true = ANY (array_agg(pg_temp.estimates(relation, format(condition, index), '{common,word1,title,nosuch,7}') > 1)) ORDER BY 1, 2;
SET ROLE bm25_rights_select;
SELECT relation, index, array_agg(pg_temp.estimates(relation, format(condition, index), '{common,word1,title,nosuch,7}') > 1 ORDER BY condition COLLATE "C") AS told FROM estimate_cases GROUP BY 1, 2 HAVING true = ANY (array_agg(pg_temp.estimates(relation, format(condition, index), '{common,word1,title,nosuch,7}') > 1)) ORDER BY 1, 2;
RESET ROLE;
\set VERBOSITY terse
DROP TABLE bm25_rights_public, bm25_rights_whole, estimate_cases CASCADE;
\set VERBOSITY default

-- row security: a score of the column works, with statistics of all rows; no other
-- use does, and no estimate reveals hidden rows
ALTER TABLE bm25_rights ENABLE ROW LEVEL SECURITY;
CREATE POLICY rows ON bm25_rights USING (id % 2 = 0);
CREATE POLICY writes ON bm25_rights FOR INSERT WITH CHECK (body @@@ '-secret');
SELECT what, pg_temp.by_roles(statement) FROM (VALUES
	('score of the column', $$SELECT max(body <@> 'hidden') FROM bm25_rights$$),
	('match of the column', $$SELECT count(*) FROM bm25_rights WHERE body @@@ 'common'$$),
	('score of a constant', format($$SELECT 'hidden' <@> to_bm25query('hidden', %s)$$, :oid))) s(what, statement);
SET ROLE bm25_rights_select;
SELECT count(*), (SELECT count(*) FROM bm25_rights WHERE body @@@ 'common') AS matched, (SELECT count(*) FROM bm25_rights WHERE body @@@ 'hidden') AS hidden FROM bm25_rights;
SELECT count(DISTINCT substring(p from 'rows=\d+')) AS estimates FROM (SELECT pg_temp.first_line(format('SELECT * FROM bm25_rights WHERE body @@@ %L', w)) AS p FROM unnest(ARRAY['hidden', 'nosuch', 'common']) w) s;
RESET ROLE;
-- a policy with a text query
CREATE POLICY words ON bm25_rights AS RESTRICTIVE FOR SELECT USING (body @@@ 'common -word4');
GRANT SELECT (owner) ON bm25_rights TO bm25_rights_none;
SET ROLE bm25_rights_none;
SELECT count(owner) FROM bm25_rights;
RESET ROLE;
DROP TABLE bm25_rights CASCADE;

-- the right to one partition does not give the statistics of all
CREATE TABLE bm25_rights_parts (id int, body text) PARTITION BY RANGE (id);
CREATE TABLE bm25_rights_parts_1 PARTITION OF bm25_rights_parts FOR VALUES FROM (0) TO (100);
CREATE TABLE bm25_rights_parts_2 PARTITION OF bm25_rights_parts FOR VALUES FROM (100) TO (200);
INSERT INTO bm25_rights_parts SELECT i, 'word ' || i FROM generate_series(0, 199) i;
CREATE INDEX bm25_rights_parts_body ON bm25_rights_parts USING barq_bm25 (body) WITH (text_config = 'simple');
GRANT SELECT ON bm25_rights_parts_1 TO bm25_rights_select;
GRANT SELECT ON bm25_rights_parts TO bm25_rights_column;
SELECT what, pg_temp.by_roles(statement) FROM (VALUES
	('the whole', $$SELECT min(body <@> '7') FROM bm25_rights_parts$$),
	('by a partition''s index', $$SELECT min(body <@> to_bm25query('7', 'bm25_rights_parts_1_body_idx')) FROM bm25_rights_parts$$),
	('a partition', $$SELECT min(body <@> '7') FROM bm25_rights_parts_1$$),
	('by the whole''s index', $$SELECT min(body <@> to_bm25query('7', 'bm25_rights_parts_body')) FROM bm25_rights_parts_1$$)) s(what, statement);
DROP TABLE bm25_rights_parts;
DROP ROLE bm25_rights_select, bm25_rights_column, bm25_rights_other, bm25_rights_view, bm25_rights_none, bm25_rights_maker;
