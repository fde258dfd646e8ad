-- Texts of several origins: a role that row security restricts may score the column
-- by its index, but no text of another origin that a set operation or a recursion
-- combines with it.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

CREATE ROLE bm25_origins_role;
CREATE TABLE origins_sec (id int, owner text, body text, title text) PARTITION BY RANGE (id);
CREATE TABLE origins_sec_1 PARTITION OF origins_sec FOR VALUES FROM (0) TO (10);
CREATE TABLE origins_sec_2 PARTITION OF origins_sec FOR VALUES FROM (10) TO (20);
INSERT INTO origins_sec VALUES (1, 'o', 'password xk29q', 'xk29q'), (11, 'o', 'account zurich', 'zurich'), (12, 'bm25_origins_role', 'hello', 'hello');
CREATE INDEX origins_body ON origins_sec USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX origins_title ON origins_sec USING barq_bm25 (title) WITH (text_config = 'simple');
ALTER TABLE origins_sec ENABLE ROW LEVEL SECURITY;
CREATE POLICY rows ON origins_sec USING (owner = current_user);
CREATE TABLE origins_mine (id int, body text);
INSERT INTO origins_mine VALUES (1, 'xk29q'), (2, 'xk29r');
CREATE INDEX origins_mine_body ON origins_mine USING barq_bm25 (body) WITH (text_config = 'simple');
GRANT SELECT ON origins_sec, origins_mine TO bm25_origins_role;

CREATE TABLE shapes (number serial, shape text, source text);
INSERT INTO shapes (shape, source) VALUES
	('the table', 'SELECT body FROM origins_sec'),
	('twice', 'SELECT body FROM origins_sec WHERE id < 12 UNION ALL SELECT body FROM origins_sec WHERE id >= 12'),
	('recursion over the column', 'WITH RECURSIVE c(body, k) AS (SELECT body, 0 FROM origins_sec UNION ALL SELECT body, k + 1 FROM c WHERE k < 2) SELECT body FROM c'),
	('recursion within a subquery', 'WITH RECURSIVE c(body, k) AS (SELECT body, 0 FROM origins_sec UNION SELECT s.b, s.k FROM (SELECT c.body AS b, k + 1 AS k FROM c) s WHERE s.k < 2) SELECT body FROM c'),
	('EXCEPT', 'SELECT body FROM origins_sec EXCEPT SELECT body FROM origins_mine'),
	('recursion over an expression', 'WITH RECURSIVE c(body, k) AS (SELECT body, 0 FROM origins_sec UNION ALL SELECT ''xk29q'' || left(body, 0), k + 1 FROM c WHERE k < 1) SELECT body FROM c WHERE k > 0'),
	('recursion over a constant', 'WITH RECURSIVE c(body, k) AS (SELECT body, 0 FROM origins_sec UNION ALL SELECT ''xk29q'', k + 1 FROM c WHERE k < 1) SELECT body FROM c WHERE k > 0'),
	('recursion over another column', 'WITH RECURSIVE c(body, other, k) AS (SELECT body, ''xk29q'' || left(body, 0), 0 FROM origins_sec UNION ALL SELECT other, body, k + 1 FROM c WHERE k < 1) SELECT body FROM c WHERE k > 0'),
	('recursion over a subquery''s expression', 'WITH RECURSIVE c(body, k) AS (SELECT body, 0 FROM origins_sec UNION ALL SELECT s.b, s.k FROM (SELECT coalesce(nullif(c.body, c.body), ''xk29q'') AS b, k + 1 AS k FROM c) s WHERE s.k < 2) SELECT body FROM c WHERE k > 0'),
	('recursion over a CASE', 'WITH RECURSIVE c(body, k) AS (SELECT body, 0 FROM origins_sec UNION ALL SELECT CASE WHEN k < 0 THEN body ELSE ''xk29q'' END, k + 1 FROM c WHERE k < 1) SELECT body FROM c WHERE k > 0'),
	('recursion over a join', 'WITH RECURSIVE c(body, k) AS (SELECT body, 0 FROM origins_sec UNION ALL SELECT m.body, k + 1 FROM c, origins_mine m WHERE k < 1) SELECT body FROM c WHERE k > 0'),
	('UNION ALL with a table', 'SELECT body FROM origins_sec UNION ALL SELECT body FROM origins_mine'),
	('UNION ALL of a table with it', 'SELECT body FROM origins_mine UNION ALL SELECT body FROM origins_sec'),
	('UNION', 'SELECT body FROM origins_sec UNION SELECT body FROM origins_mine'),
	('UNION ALL of three', 'SELECT body FROM origins_sec UNION ALL (SELECT body FROM origins_sec UNION ALL SELECT body FROM origins_mine)'),
	('UNION ALL with a constant', 'SELECT body FROM origins_sec UNION ALL SELECT ''xk29q'''),
	('UNION ALL with VALUES', 'SELECT body FROM origins_sec UNION ALL VALUES (''xk29q'')'),
	('UNION ALL with an expression', 'SELECT body FROM origins_sec UNION ALL SELECT ''xk29q'' || left(body, 0) FROM origins_sec'),
	('UNION ALL with another column', 'SELECT body FROM origins_sec UNION ALL SELECT title FROM origins_sec'),
	('a subquery''s constant', 'SELECT (SELECT ''xk29q'' WHERE body IS NOT NULL) AS body FROM origins_sec'),
	('EXCEPT of a table and it', 'SELECT body FROM origins_mine EXCEPT SELECT body FROM origins_sec');

-- the result of each form of a call: a number, or that it is denied
CREATE FUNCTION pg_temp.by_role(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
	SET LOCAL ROLE bm25_origins_role;
	BEGIN
		EXECUTE statement INTO answer;
		answer = CASE WHEN answer IS NULL THEN 'no row' ELSE 'rows' END;
	EXCEPTION
		WHEN insufficient_privilege THEN answer = 'denied';
		WHEN OTHERS THEN answer = SQLSTATE;
	END;
	RESET ROLE;
	RETURN answer;
END $$;
SELECT shape, array_agg(pg_temp.by_role(format(form, source)) ORDER BY ordinality) AS "name, OID, match, below, a row's words, a partition's"
FROM shapes, unnest(ARRAY[
	$$SELECT min(body <@> to_bm25query('xk29q', 'origins_body')) FROM (%s) s$$,
	$$SELECT min(body <@> to_bm25query('xk29q', 'origins_body'::regclass)) FROM (%s) s$$,
	$$SELECT max(1) FILTER (WHERE body @@@ 'origins_body:-other'::bm25query) FROM (%s) s$$,
	$$SELECT nullif(count(*), 0) FROM (%s) s WHERE body <@> to_bm25query('xk29q', 'origins_body') <= 0$$,
	$$SELECT min(body <@> to_bm25query(body, 'origins_body')) FROM (%s) s$$,
	$$SELECT min(body <@> to_bm25query('hello', 'origins_sec_2_body_idx')) FROM (%s) s$$]) WITH ORDINALITY f(form, ordinality)
GROUP BY number, shape ORDER BY number;
-- no index named
SELECT shape, pg_temp.by_role(format('SELECT min(body <@> body) FROM (%s) s', source)) AS words_of_a_row, pg_temp.by_role(format('SELECT min(body <@> %L) FROM (%s) s', 'xk29q', source)) AS words FROM shapes ORDER BY number;

DROP TABLE origins_sec, origins_mine, shapes;
DROP ROLE bm25_origins_role;
