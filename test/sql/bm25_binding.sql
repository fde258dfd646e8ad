-- A text query is bound to the same index however the query is given, in whatever
-- query its text appears, by every plan: a grid of these, each cell compared with
-- BM25 by brute force. Queries that cannot be bound raise the same error in every
-- cell.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set helpers :abs_srcdir '/include/bm25_grid.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.3);
CREATE TABLE bind_t (id int PRIMARY KEY, body text, lang text);
INSERT INTO bind_t SELECT i, pg_temp.random_body(8), CASE i % 2 WHEN 0 THEN 'en' ELSE 'de' END FROM generate_series(1, 300) i;
CREATE INDEX bind_t_body ON bind_t USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE VIEW bind_view AS SELECT id, body, lang FROM bind_t;
CREATE VIEW bind_barrier WITH (security_barrier) AS SELECT id, body, lang FROM bind_t;
CREATE VIEW bind_union AS SELECT * FROM bind_t WHERE id <= 150 UNION ALL SELECT * FROM bind_t WHERE id > 150;
CREATE TABLE bind_ids AS SELECT id FROM bind_t;
CREATE TABLE bind_parts (id int, body text, lang text) PARTITION BY LIST (lang);
CREATE TABLE bind_parts_en PARTITION OF bind_parts FOR VALUES IN ('en');
CREATE TABLE bind_parts_de (lang text, body text, id int);
ALTER TABLE bind_parts ATTACH PARTITION bind_parts_de FOR VALUES IN ('de');
INSERT INTO bind_parts SELECT * FROM bind_t;
CREATE INDEX bind_parts_body ON bind_parts USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE TABLE bind_parent (id int, body text, lang text);
CREATE TABLE bind_child () INHERITS (bind_parent);
INSERT INTO bind_parent SELECT * FROM bind_t WHERE id <= 200;
INSERT INTO bind_child SELECT * FROM bind_t WHERE id > 200;
CREATE INDEX bind_parent_body ON bind_parent USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bind_child_body ON bind_child USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE TABLE bind_expr AS SELECT * FROM bind_t;
CREATE INDEX bind_expr_upper ON bind_expr USING barq_bm25 (upper(body)) WITH (text_config = 'simple');
-- several indexes: one on each column and a partial one
CREATE TABLE bind_many AS SELECT id, body, lang, 'title ' || id AS title FROM bind_t;
CREATE INDEX bind_many_title ON bind_many USING barq_bm25 (title) WITH (text_config = 'simple');
CREATE INDEX bind_many_body ON bind_many USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bind_many_other ON bind_many USING barq_bm25 (body) WITH (text_config = 'english') WHERE lang = 'fr';
ANALYZE bind_t, bind_ids, bind_parts, bind_parent, bind_child, bind_expr, bind_many;

-- shape of the query; table and index for brute force
CREATE TEMP TABLE shapes (number serial, shape text, source text, tab text, index text);
INSERT INTO shapes (shape, source, tab, index) VALUES
	('table', 'bind_t', 'bind_t', 'bind_t_body'),
	('view', 'bind_view', 'bind_t', 'bind_t_body'),
	('security barrier view', 'bind_barrier', 'bind_t', 'bind_t_body'),
	('CTE', '(WITH c AS NOT MATERIALIZED (SELECT * FROM bind_t) SELECT * FROM c)', 'bind_t', 'bind_t_body'),
	('CTE, materialized', '(WITH c AS MATERIALIZED (SELECT * FROM bind_t) SELECT * FROM c)', 'bind_t', 'bind_t_body'),
	('recursive CTE', '(WITH RECURSIVE c AS (SELECT * FROM bind_t WHERE id = 1 UNION ALL SELECT t.* FROM bind_t t JOIN c ON t.id = c.id + 1) SELECT * FROM c)', 'bind_t', 'bind_t_body'),
	('subquery', '(SELECT * FROM bind_t OFFSET 0)', 'bind_t', 'bind_t_body'),
	('subquery with LIMIT', '(SELECT * FROM bind_t ORDER BY id LIMIT 1000)', 'bind_t', 'bind_t_body'),
	('UNION ALL', 'bind_union', 'bind_t', 'bind_t_body'),
	('UNION', '(SELECT * FROM bind_t WHERE lang = ''en'' UNION SELECT * FROM bind_view WHERE lang = ''de'')', 'bind_t', 'bind_t_body'),
	('INTERSECT', '(SELECT * FROM bind_t INTERSECT SELECT * FROM bind_many_2)', 'bind_t', 'bind_t_body'),
	('DISTINCT', '(SELECT DISTINCT id, body, lang FROM bind_t)', 'bind_t', 'bind_t_body'),
	('join', '(SELECT t.* FROM bind_ids k JOIN bind_t t ON t.id = k.id)', 'bind_t', 'bind_t_body'),
	('join USING', '(SELECT id, body, lang FROM bind_ids JOIN bind_t USING (id))', 'bind_t', 'bind_t_body'),
	('nullable side', '(SELECT k.id, t.body, t.lang FROM bind_ids k LEFT JOIN bind_t t ON t.id = k.id)', 'bind_t', 'bind_t_body'),
	('nullable side of a subquery', '(SELECT k.id, t.body, t.lang FROM bind_ids k LEFT JOIN (SELECT * FROM bind_t WHERE id > 0) t ON t.id = k.id)', 'bind_t', 'bind_t_body'),
	('nullable side, right', '(SELECT k.id, t.body, t.lang FROM bind_t t RIGHT JOIN bind_ids k ON t.id = k.id)', 'bind_t', 'bind_t_body'),
	('full join', '(SELECT coalesce(k.id, t.id) AS id, t.body, t.lang FROM bind_t t FULL JOIN bind_ids k ON t.id = k.id)', 'bind_t', 'bind_t_body'),
	('GROUP BY', '(SELECT id, body, lang FROM bind_t GROUP BY id, body, lang)', 'bind_t', 'bind_t_body'),
	('GROUPING SETS', '(SELECT id, body, lang FROM bind_t GROUP BY GROUPING SETS ((id, body, lang)))', 'bind_t', 'bind_t_body'),
	('window', '(SELECT id, body, lang, row_number() OVER (ORDER BY id) FROM bind_t)', 'bind_t', 'bind_t_body'),
	('LATERAL', '(SELECT l.* FROM bind_ids k, LATERAL (SELECT * FROM bind_t t WHERE t.id = k.id OFFSET 0) l)', 'bind_t', 'bind_t_body'),
	('outer column', '(SELECT l.* FROM bind_t t, LATERAL (SELECT t.id, t.body AS body, t.lang OFFSET 0) l)', 'bind_t', 'bind_t_body'),
	('partitions', 'bind_parts', 'bind_parts', 'bind_parts_body'),
	('a partition', 'bind_parts_de', 'bind_parts_de', 'bind_parts_de_body_idx'),
	('inheritance', 'bind_parent', 'bind_parent', 'bind_parent_body'),
	('inheritance, ONLY', '(SELECT * FROM ONLY bind_parent)', 'bind_parent_2', 'bind_parent_body'),
	('expression', '(SELECT id, upper(body) AS body, lang FROM bind_expr)', 'bind_expr', 'bind_expr_upper'),
	('expression behind a barrier', '(SELECT id, upper(body) AS body, lang FROM (SELECT * FROM bind_expr OFFSET 0) s)', 'bind_expr', 'bind_expr_upper'),
	('expression, nullable', '(SELECT k.id, t.body, t.lang FROM bind_ids k LEFT JOIN (SELECT id, upper(body) AS body, lang FROM bind_expr) t ON t.id = k.id)', 'bind_expr', 'bind_expr_upper'),
	('several indexes', 'bind_many', 'bind_many', 'bind_many_body');
CREATE TABLE bind_many_2 AS SELECT id, body, lang FROM bind_many;
CREATE TABLE bind_parent_2 AS SELECT * FROM ONLY bind_parent;

SELECT shape, g.* FROM shapes, pg_temp.grid(source, tab, index) g ORDER BY number;

-- a name that is known at run time only, of another index than the plan's
INSERT INTO shapes (shape, source, tab, index) VALUES ('the other of two', 'bind_many', 'bind_many', 'bind_many_simple');
CREATE INDEX bind_many_simple ON bind_many USING barq_bm25 (body) WITH (text_config = 'simple', k1 = 1.2) WHERE id > 0;
CREATE TEMP TABLE all_ways AS SELECT * FROM ways;
DELETE FROM ways WHERE way !~ 'named';
SELECT shape, g.* FROM shapes, pg_temp.grid(source, tab, index) g WHERE shape = 'the other of two';
DELETE FROM ways;
INSERT INTO ways SELECT * FROM all_ways;

-- a partial index whose predicate is implied by a literal, by a parameter, or by a
-- condition at another level of the query
CREATE TABLE bind_part AS SELECT * FROM bind_t;
CREATE INDEX bind_part_en ON bind_part USING barq_bm25 (body) WITH (text_config = 'simple') WHERE lang = 'en';
CREATE INDEX bind_part_de ON bind_part USING barq_bm25 (body) WITH (text_config = 'simple') WHERE lang = 'de';
CREATE VIEW bind_part_view AS SELECT * FROM bind_part;
CREATE VIEW bind_part_barrier WITH (security_barrier) AS SELECT * FROM bind_part;
CREATE TABLE bind_part_2 AS SELECT * FROM bind_part WHERE lang = 'en';
ANALYZE bind_part;
TRUNCATE shapes;
INSERT INTO shapes (shape, source, tab, index) VALUES
	('table', '(SELECT * FROM bind_part WHERE lang = ''en'')', 'bind_part_2', 'bind_part_en'),
	('view', '(SELECT * FROM bind_part_view WHERE lang = ''en'')', 'bind_part_2', 'bind_part_en'),
	('security barrier view', '(SELECT * FROM bind_part_barrier WHERE lang = ''en'')', 'bind_part_2', 'bind_part_en'),
	('condition outside of a CTE', '(WITH c AS MATERIALIZED (SELECT * FROM bind_part) SELECT * FROM c WHERE lang = ''en'')', 'bind_part_2', 'bind_part_en'),
	('condition outside of UNION ALL', '(SELECT * FROM (SELECT * FROM bind_part WHERE id < 100 UNION ALL SELECT * FROM bind_part WHERE id >= 100) u WHERE lang = ''en'')', 'bind_part_2', 'bind_part_en'),
	('ON of an inner join', '(SELECT t.* FROM bind_ids k JOIN bind_part t ON t.id = k.id AND t.lang = ''en'')', 'bind_part_2', 'bind_part_en'),
	('ON of an outer join', '(SELECT k.id, t.body, t.lang FROM bind_ids k LEFT JOIN bind_part t ON t.id = k.id AND t.lang = ''en'')', 'bind_part_2', 'bind_part_en'),
	('WHERE above an outer join', '(SELECT k.id, t.body, t.lang FROM bind_ids k LEFT JOIN bind_part t ON t.id = k.id WHERE t.lang = ''en'')', 'bind_part_2', 'bind_part_en'),
	('in a list', '(SELECT * FROM bind_part WHERE lang IN (''en''))', 'bind_part_2', 'bind_part_en');
SELECT shape, g.* FROM shapes, pg_temp.grid(source, tab, index) g ORDER BY number;
-- the same conditions with a parameter
SELECT shape, g.* FROM shapes, pg_temp.parameter_grid(replace(source, '''en''', '$2'), 'en', tab, index) g ORDER BY number;
-- with an index on the whole table, too
CREATE INDEX bind_part_all ON bind_part USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT shape, g.* FROM shapes, pg_temp.grid(source, tab, index) g ORDER BY number;
SELECT shape, g.* FROM shapes, pg_temp.parameter_grid(replace(source, '''en''', '$2'), 'en', tab, index) g ORDER BY number;
DROP INDEX bind_part_all;

-- queries that cannot be bound: the same error in every cell
TRUNCATE shapes;
CREATE TABLE bind_other AS SELECT * FROM bind_t;
CREATE INDEX bind_other_body ON bind_other USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE TABLE bind_none AS SELECT * FROM bind_t;
CREATE INDEX bind_none_title ON bind_none USING barq_bm25 ((lang || body)) WITH (text_config = 'simple');
CREATE INDEX bind_none_part ON bind_none USING barq_bm25 (body) WITH (text_config = 'simple') WHERE lang = 'en';
CREATE INDEX bind_none_btree ON bind_none (body);
CREATE TABLE bind_two AS SELECT * FROM bind_t;
CREATE INDEX bind_two_a ON bind_two USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bind_two_b ON bind_two USING barq_bm25 (body) WITH (text_config = 'english');
CREATE TABLE bind_nothing AS SELECT * FROM bind_t;
INSERT INTO shapes (shape, source) VALUES
	('no index', 'bind_nothing'),
	('none that fits', 'bind_none'),
	('two that fit', 'bind_two'),
	('an expression', '(SELECT id, lower(body) AS body, lang FROM bind_t)'),
	('UNION ALL of two tables', '(SELECT * FROM bind_t UNION ALL SELECT * FROM bind_other)'),
	('no table', '(SELECT 1 AS id, ''w1 w2''::text AS body, ''en'' AS lang OFFSET 0)');
SELECT shape, g.* FROM shapes, pg_temp.error_grid(source) g ORDER BY number;
-- the conditions of a branch of a union
SELECT g.* FROM pg_temp.match_grid('(SELECT * FROM bind_t UNION ALL SELECT * FROM bind_other)', $$(SELECT * FROM bind_t UNION ALL SELECT * FROM bind_t)$$) g;

-- ANY and ALL of an array
SELECT DISTINCT pg_temp.outcome(format('SELECT count(*) FROM bind_t WHERE body @@@ %s (ARRAY[''w1'', ''w2'']%s)', quantifier, cast_to)) FROM unnest(ARRAY['ANY', 'ALL']) quantifier, unnest(ARRAY['', '::bm25query[]']) cast_to;
SELECT count(*) = (SELECT count(*) FROM bind_t WHERE body @@@ 'w1' OR body @@@ 'w2') AS same FROM bind_t WHERE EXISTS (SELECT FROM unnest(ARRAY['w1', 'w2']) AS q WHERE body @@@ q);
SELECT count(*) = (SELECT count(*) FROM bind_t WHERE body @@@ 'w1' OR body @@@ 'w2') AS same FROM bind_t WHERE body @@@ ANY (ARRAY['bind_t_body:w1', 'bind_t_body:w2']::bm25query[]);

DROP TABLE bind_t, bind_ids, bind_parts, bind_parent, bind_child, bind_expr, bind_many, bind_part, bind_other, bind_none, bind_two, bind_nothing, bind_many_2, bind_parent_2, bind_part_2 CASCADE;
