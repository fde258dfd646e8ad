-- Unsupported indexes and queries: SQLSTATE and message of each error.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE DOMAIN hnsw_errors_any AS vector;
CREATE DOMAIN hnsw_errors_over AS hnsw_errors_any;
CREATE TABLE hnsw_errors (id int, plain vector, v vector(3), a real[], t text, big vector(16000), d hnsw_errors_any, dd hnsw_errors_over);

SELECT d, pg_temp.outcome('CREATE INDEX ON hnsw_errors USING barq_hnsw ' || d) FROM unnest(ARRAY[
	-- a column without dimensions
	'(plain vector_l2_ops)',
	'((plain::vector(3)) vector_l2_ops)',
	'(d vector_l2_ops)', '(dd vector_l2_ops)', '((dd::vector(3)) vector_l2_ops)',
	-- the user says the distance
	'(v)',
	-- other types
	'(id vector_l2_ops)', '(a vector_l2_ops)', '(t vector_cosine_ops)', '(id)',
	-- another access method's class, an unknown one
	'(v int4_ops)', '(v vector_ops)', '(v vector_l3_ops)',
	-- 16,000 dimensions are fine
	'(big vector_l2_ops)']) d;

-- a second column that cannot be a filter column
SELECT d, pg_temp.outcome('CREATE INDEX ON hnsw_errors USING barq_hnsw ' || d) FROM unnest(ARRAY[
	'(v vector_l2_ops, (id::numeric))', '(v vector_l2_ops, v vector_ip_ops)', '(v vector_l2_ops) INCLUDE (id)']) d;
-- properties that an index of nearest neighbours does not have
SELECT pg_temp.outcome('CREATE UNIQUE INDEX ON hnsw_errors USING barq_hnsw (v vector_l2_ops)');
SELECT pg_temp.outcome('CREATE INDEX ON hnsw_errors USING barq_hnsw (v vector_l2_ops ASC)');
SELECT pg_temp.outcome('CREATE INDEX ON hnsw_errors USING barq_hnsw (v vector_l2_ops NULLS FIRST)');
SELECT left(pg_temp.outcome('ALTER TABLE hnsw_errors ADD EXCLUDE USING barq_hnsw (v vector_l2_ops WITH =)'), 16) AS outcome; -- versions spell the operator differently

-- dimensions of a query, of a row of an expression index
TRUNCATE hnsw_errors;
INSERT INTO hnsw_errors (id, v, plain) VALUES (1, '[1,2,3]', '[1,2,3]');
CREATE INDEX hnsw_errors_v ON hnsw_errors USING barq_hnsw (v vector_l2_ops);
SET enable_seqscan = off;
SELECT pg_temp.outcome('SELECT id FROM hnsw_errors ORDER BY v <-> ''[1,2]'' LIMIT 1');
SELECT pg_temp.outcome('SELECT id FROM hnsw_errors ORDER BY v <-> (SELECT ''[1,2,3,4]''::vector) LIMIT 1');
SELECT pg_temp.outcome('INSERT INTO hnsw_errors (v) VALUES (''[1,2]'')');
CREATE INDEX hnsw_errors_plain ON hnsw_errors USING barq_hnsw ((plain::vector(3)) vector_l2_ops);
SELECT pg_temp.outcome('INSERT INTO hnsw_errors (plain) VALUES (''[1,2]'')');
SELECT pg_temp.outcome('INSERT INTO hnsw_errors (v) VALUES (''[1,NaN,2]'')');
-- failed rows leave nothing in the index
SELECT count(*) FROM hnsw_errors;
SELECT * FROM barq_check('hnsw_errors_v');
SELECT * FROM barq_check('hnsw_errors_plain');
SELECT id FROM hnsw_errors ORDER BY v <-> '[0,0,0]' LIMIT 5;

-- without an ORDER BY or a radius the index is not used at any cost setting: it lacks rows
CREATE INDEX hnsw_errors_partial ON hnsw_errors USING barq_hnsw (v vector_l2_ops) WHERE id > 0;
SELECT q, pg_temp.plan_of(q) FROM unnest(ARRAY[
	'SELECT * FROM hnsw_errors', 'SELECT count(*) FROM hnsw_errors WHERE id > 0',
	'SELECT * FROM hnsw_errors WHERE id > 0', 'SELECT * FROM hnsw_errors WHERE v IS NULL',
	'SELECT * FROM hnsw_errors WHERE v IS NOT NULL', 'SELECT * FROM hnsw_errors WHERE v = ''[1,2,3]''',
	'SELECT v FROM hnsw_errors ORDER BY v LIMIT 1',
	'SELECT * FROM hnsw_errors ORDER BY v <-> ''[1,2,3]'' DESC LIMIT 1',
	'SELECT * FROM hnsw_errors ORDER BY v <=> ''[1,2,3]'' LIMIT 1']) q;

-- functions given another access method's index, a table, no relation
CREATE INDEX hnsw_errors_btree ON hnsw_errors (id);
SELECT f, i, pg_temp.outcome(format('SELECT count(*) FROM %s(%L)', f, i))
FROM unnest(ARRAY['barq_segments', 'barq_check', 'barq_seal', 'barq_compact']) f,
	unnest(ARRAY['hnsw_errors_btree', 'hnsw_errors', 'hnsw_errors_none']) i;
SELECT count(*) FROM barq_segments(NULL);
SELECT barq_seal(NULL) IS NULL AS null_seal, barq_compact(NULL) IS NULL AS null_compact;
DROP TABLE hnsw_errors;
DROP DOMAIN hnsw_errors_over, hnsw_errors_any;
