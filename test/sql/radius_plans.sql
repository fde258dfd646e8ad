-- Plans of searches within a radius: when the planner takes them, what they show, the
-- number of rows that it expects; parameters, joins, partitions, row security, locks.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SELECT setseed(0.4);
CREATE TABLE near (id int PRIMARY KEY, kind int, v vector(8));
INSERT INTO near SELECT i, i % 10, (SELECT array_agg(((random() - 0.5) * 0.4 + sin((i % 23) * 5.1 + j))::real ORDER BY j) FROM generate_series(1, 8) j)::vector FROM generate_series(1, 20000) i;
INSERT INTO near VALUES (20001, 1, NULL);
CREATE INDEX near_v ON near USING barq_hnsw (v vector_l2_ops);
VACUUM ANALYZE near;

-- The planner takes the search where few rows are expected, in the heap's order or in
-- that of the distance, but not for most of the table
EXPLAIN (COSTS OFF) SELECT id FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 0.9;
EXPLAIN (COSTS OFF) SELECT id FROM near WHERE 0.9 >= '[1,1,0,0,0,0,0,0]' <-> v AND kind < 4;
EXPLAIN (COSTS OFF) SELECT id FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 1.9 ORDER BY v <-> '[1,1,0,0,0,0,0,0]' LIMIT 400;
EXPLAIN (COSTS OFF) SELECT count(*) FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 100;
EXPLAIN (COSTS OFF) SELECT id FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' > 0.9 AND v <-> v < 1 AND v <-> '[1,1,0,0,0,0,0,0]' < random();
SET barq.condition_scan = off;
EXPLAIN (COSTS OFF) SELECT id FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 0.9;
RESET barq.condition_scan;

-- Rows that a plan's topmost node expects, and those that there are
CREATE FUNCTION pg_temp.expected(query text, OUT expected float8, OUT rows bigint) LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	expected = plan -> 0 -> 'Plan' ->> 'Plan Rows';
	EXECUTE 'SELECT count(*) FROM (' || query || ') s' INTO rows;
END $$;
-- within a factor of three down to a few rows, also above a join
SELECT r, (e).expected / greatest((e).rows, 1) BETWEEN 0.33 AND 3 OR (e).rows + (e).expected < 20 AS near
	FROM (SELECT r, pg_temp.expected(format('SELECT id FROM near WHERE v <-> %L < %s', (SELECT v FROM near WHERE id = 5), r)) AS e FROM unnest(ARRAY[0, 0.2, 0.3, 0.4, 0.6, 1, 3]) r) s;
SELECT (e).expected / (e).rows BETWEEN 0.33 AND 3 AS near FROM pg_temp.expected('SELECT a.id FROM near a JOIN near b ON a.v <-> b.v < 0.4 WHERE b.id < 30') e;
SELECT (e).expected / (e).rows BETWEEN 0.33 AND 3 AS near FROM pg_temp.expected(format('SELECT a.id FROM near a JOIN near b USING (id) WHERE a.v <-> %L < 0.5', (SELECT v FROM near WHERE id = 5))) e;

-- What EXPLAIN ANALYZE shows: the search ends by bounds, and reads few vectors
CREATE FUNCTION pg_temp.shown(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
		IF line ~ 'Custom Scan|Index:|Cond|Codes|Lists|Rows ' THEN
			RETURN NEXT regexp_replace(line, ' *\(actual.*', '');
		END IF;
	END LOOP;
END $$;
SELECT regexp_replace(line, '(Rows [^:]*): \d+', '\1: n') AS line FROM pg_temp.shown('SELECT id FROM near WHERE v <-> ''[1,1,0,0,0,0,0,0]'' < 1.5') line;
CREATE FUNCTION pg_temp.count_of(query text, what text) RETURNS int LANGUAGE sql AS
	$$ SELECT coalesce(max(substring(line FROM '\d+$')::int), 0) FROM pg_temp.shown($1) line WHERE line LIKE '%' || $2 || '%' $$;
SELECT pg_temp.count_of(query, 'Bounds Alone') > pg_temp.count_of(query, 'Rows Checked') AS "by bounds"
	FROM (VALUES ('SELECT id FROM near WHERE v <-> ''[1,1,0,0,0,0,0,0]'' < 1.7')) q(query);

-- NULL as query or radius: no rows
SELECT count(*) FROM near WHERE v <-> (SELECT NULL::vector) < 1;
SELECT count(*) FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < (SELECT NULL::float8);
-- other dimensions: the type's error
SELECT count(*) FROM near WHERE v <-> '[1,2]' < 1;

-- A generic plan, parameters of both, of other types
PREPARE near_p(vector, float8) AS SELECT count(*) FROM near WHERE v <-> $1 < $2;
PREPARE near_p4(vector, real) AS SELECT count(*) FROM near WHERE v <-> $1 <= $2;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE near_p('[1,1,0,0,0,0,0,0]', 1.5);
EXECUTE near_p('[1,1,0,0,0,0,0,0]', 1.5);
EXECUTE near_p('[1,1,0,0,0,0,0,0]', 0.1);
EXECUTE near_p(NULL, 0.1);
EXECUTE near_p4('[1,1,0,0,0,0,0,0]', 1.5);
SET barq.condition_scan = off;
DEALLOCATE ALL;
SELECT count(*) FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 1.5;
SELECT count(*) FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 0.1;
RESET barq.condition_scan;
RESET plan_cache_mode;

-- Joins: the query, the radius or both from another table, with rescans; in LATERAL
CREATE TABLE near_q (id int, v vector(8), r float8);
INSERT INTO near_q SELECT id, v, CASE WHEN id % 3 = 0 THEN NULL ELSE id % 5 * 0.15 END FROM near WHERE id <= 40;
INSERT INTO near_q VALUES (41, NULL, 1);
ANALYZE near_q;
CREATE FUNCTION pg_temp.differs(query text, uses_search boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text = '';
	found text[];
	expected text[];
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan = plan || line || E'\n';
	END LOOP;
	IF (plan LIKE '%(BarqRadius)%') <> uses_search THEN
		RETURN plan;
	END IF;
	EXECUTE 'SELECT array_agg(s::text ORDER BY s::text) FROM (' || query || ') s' INTO found;
	SET LOCAL barq.condition_scan = off;
	EXECUTE 'SELECT array_agg(s::text ORDER BY s::text) FROM (' || query || ') s' INTO expected;
	SET LOCAL barq.condition_scan = on;
	IF found IS DISTINCT FROM expected OR cardinality(found) = 0 THEN
		RETURN format('%s rows, %s by a sequential scan', cardinality(found), cardinality(expected));
	END IF;
	RETURN cardinality(found) > 0;
END $$;
-- a search for the nearest rows would do for the one with a LIMIT
SET enable_indexscan = off;
SELECT query, pg_temp.differs(query) FROM (VALUES
	('SELECT q.id AS a, n.id FROM near_q q JOIN near n ON n.v <-> q.v < 0.5'),
	('SELECT q.id AS a, n.id FROM near_q q JOIN near n ON q.r >= q.v <-> n.v AND n.kind < 8'),
	('SELECT q.id AS a, n.id FROM near_q q LEFT JOIN near n ON n.v <-> q.v < q.r'),
	('SELECT q.id AS a, n.id FROM near_q q, LATERAL (SELECT id FROM near WHERE near.v <-> q.v < 0.5 ORDER BY near.v <-> q.v, id LIMIT 3) n'),
	('SELECT q.id AS a, n.n FROM near_q q, LATERAL (SELECT count(*) AS n FROM near WHERE near.v <-> q.v < q.r) n'),
	('SELECT q.id FROM near_q q WHERE EXISTS (SELECT FROM near WHERE near.v <-> q.v < 0.3 AND near.id <> q.id)'),
	('SELECT n.id FROM near n WHERE n.v <-> (SELECT v FROM near_q WHERE id = 7) < (SELECT max(r) FROM near_q)'),
	('SELECT q.id AS a, n.id, m.id AS b FROM near_q q JOIN near n ON n.v <-> q.v < 0.3 JOIN near m ON m.v <-> n.v < 0.25 WHERE q.id < 5')) v(query);
RESET enable_indexscan;

-- Partitions, each by its own search; parameters of partitions that are joined in pairs
CREATE TABLE near_parts (id int, kind int, v vector(8)) PARTITION BY LIST (kind);
CREATE TABLE near_part1 PARTITION OF near_parts FOR VALUES IN (0, 1, 2, 3, 4);
CREATE TABLE near_part2 PARTITION OF near_parts FOR VALUES IN (5, 6, 7, 8, 9);
INSERT INTO near_parts SELECT * FROM near;
CREATE INDEX ON near_parts USING barq_ivf (v vector_l2_ops) WITH (lists = 20);
VACUUM ANALYZE near_parts;
EXPLAIN (COSTS OFF) SELECT id FROM near_parts WHERE v <-> '[1,1,0,0,0,0,0,0]' < 1.7;
SELECT (e).expected / (e).rows BETWEEN 0.33 AND 3 AS near FROM pg_temp.expected('SELECT a.id FROM near_parts a JOIN near b USING (id) WHERE a.v <-> ''[1,1,0,0,0,0,0,0]'' < 1.7') e;
SELECT pg_temp.differs('SELECT id FROM near_parts WHERE v <-> ''[1,1,0,0,0,0,0,0]'' < 1.7');
CREATE TABLE near_qs (id int, kind int, v vector(8)) PARTITION BY LIST (kind);
CREATE TABLE near_qs1 PARTITION OF near_qs FOR VALUES IN (0, 1, 2, 3, 4);
CREATE TABLE near_qs2 PARTITION OF near_qs FOR VALUES IN (5, 6, 7, 8, 9);
INSERT INTO near_qs SELECT id, id % 10, v FROM near_q;
ANALYZE near_qs;
SET enable_partitionwise_join = on;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT pg_temp.differs('SELECT q.id AS a, n.id FROM near_qs q JOIN near_parts n ON n.kind = q.kind AND n.v <-> q.v < 0.5');
RESET enable_partitionwise_join;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- Lists that are too far away as a whole are skipped, from a process's second search on
SET enable_seqscan = off;
CREATE TABLE near_lists (id int, v vector(256));
INSERT INTO near_lists SELECT i, (SELECT array_agg((i % 40 * 10 + sin(i * 7 + j))::real) FROM generate_series(1, 256) j)::vector FROM generate_series(1, 4200) i;
CREATE INDEX near_lists_v ON near_lists USING barq_ivf (v vector_l2_ops) WITH (lists = 40);
SELECT count(*) FROM near_lists WHERE v <-> (SELECT v FROM near_lists WHERE id = 5) < 40;
SELECT pg_temp.count_of(query, 'Lists Skipped') > 30 AS skipped, pg_temp.count_of(query, 'Codes Scored') < 1000 AS scored
	FROM (VALUES ('SELECT id FROM near_lists WHERE v <-> (SELECT v FROM near_lists WHERE id = 5) < 40')) q(query);
SELECT count(*) FROM near_lists WHERE v <-> (SELECT v FROM near_lists WHERE id = 5) < 40;
RESET enable_seqscan;

-- A partial index, and one of an expression
CREATE TABLE near_partial AS SELECT * FROM near;
CREATE INDEX ON near_partial USING barq_hnsw (v vector_cosine_ops) WHERE kind = 3;
CREATE INDEX ON near_partial USING barq_hnsw ((subvector(v, 1, 4)::vector(4)) vector_l2_ops);
ANALYZE near_partial;
SET enable_seqscan = off;
SELECT query, pg_temp.differs(query, search) FROM (VALUES
	('SELECT id FROM near_partial WHERE v <=> ''[1,1,0,0,0,0,0,0]'' < 0.4 AND kind = 3', true),
	('SELECT id FROM near_partial WHERE v <=> ''[1,1,0,0,0,0,0,0]'' < 0.4', false),
	('SELECT id FROM near_partial WHERE subvector(v, 1, 4)::vector(4) <-> ''[1,1,0,0]'' < 0.9', true)) v(query, search);
RESET enable_seqscan;

-- Row security: distances are not leakproof, so a policy is checked first
CREATE ROLE regress_near;
GRANT SELECT ON near TO regress_near;
ALTER TABLE near ENABLE ROW LEVEL SECURITY;
CREATE POLICY near_policy ON near USING (kind = 3);
SET ROLE regress_near;
EXPLAIN (COSTS OFF) SELECT id FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 0.9;
RESET ROLE;
ALTER TABLE near DISABLE ROW LEVEL SECURITY;
DROP OWNED BY regress_near;
DROP ROLE regress_near;

-- Rows are changed and locked through a search; a cursor beside changes
BEGIN;
SELECT count(*), count(DISTINCT ctid) FROM (SELECT ctid, id FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 1.7 FOR UPDATE) x;
UPDATE near SET kind = -1 WHERE v <-> '[1,1,0,0,0,0,0,0]' < 1.7;
SELECT count(*) FROM near WHERE kind = -1;
DECLARE c CURSOR FOR SELECT id FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 1.7;
FETCH 2 FROM c \g (format=unaligned tuples_only=on) /dev/null
DELETE FROM near WHERE v <-> '[1,1,0,0,0,0,0,0]' < 1.7;
SELECT barq_seal('near_v') > 0 AS sealed;
CREATE FUNCTION pg_temp.rest(c refcursor) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	n int = 0;
BEGIN
	LOOP
		MOVE NEXT FROM c;
		EXIT WHEN NOT FOUND;
		n = n + 1;
	END LOOP;
	RETURN n;
END $$;
SELECT pg_temp.rest('c');
ROLLBACK;

-- The estimate where no query is known, of types with the most dimensions that may be indexed
CREATE TABLE near_wide (id int, v vector(16000), h halfvec(16000), s sparsevec(1000000000), b bit(64000));
INSERT INTO near_wide SELECT i, w.v, w.v, format('{%s:1,%s:2}/1000000000', i, 1000000000 - i / 2)::sparsevec, i::bit(6) || repeat('0', 63994)::varbit
	FROM generate_series(1, 20) i, LATERAL (SELECT array_agg((i * j % 7)::real ORDER BY j)::vector AS v FROM generate_series(1, 16000) j) w;
CREATE INDEX ON near_wide USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON near_wide USING barq_ivf (h halfvec_l2_ops) WITH (quantization = rabitq);
CREATE INDEX ON near_wide USING barq_hnsw (s sparsevec_l2_ops);
CREATE INDEX ON near_wide USING barq_hnsw (b bit_hamming_ops);
ANALYZE near_wide;
SET enable_seqscan = off;
SELECT c, pg_temp.differs(format('SELECT a.id AS a, b.id FROM near_wide a JOIN near_wide b ON a.%1$s %2$s b.%1$s < %3$s', c, op, r)) AS differs
	FROM (VALUES ('v', '<->', 200), ('h', '<->', 200), ('s', '<->', 2), ('b', '<~>', 2)) c(c, op, r);
RESET enable_seqscan;

-- In a parallel worker, whole
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE near_q SET (parallel_workers = 2);
CREATE TABLE near_par AS SELECT * FROM near_q, generate_series(1, 30) g;
ALTER TABLE near_par SET (parallel_workers = 2);
ANALYZE near_par;
SELECT pg_temp.differs('SELECT q.id AS a, n.id FROM near_par q JOIN near n ON n.v <-> q.v < 0.2 WHERE g < 3');

DROP TABLE near, near_q, near_parts, near_qs, near_lists, near_partial, near_par, near_wide;
