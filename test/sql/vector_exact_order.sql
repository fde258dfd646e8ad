-- Plans that are correct only over rows in exact order get a Sort: merge joins, GROUP
-- BY, DISTINCT, set operations, window functions over all rows. Other plans, and
-- windows under a LIMIT, use the index. Both return the rows of a plan without it.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.6);
CREATE TABLE exact_order (id int PRIMARY KEY, c int, v vector(8));
INSERT INTO exact_order SELECT i, i % 10, pg_temp.random_vector(8) FROM generate_series(1, 5000) i;
INSERT INTO exact_order SELECT 5000 + i, i % 10, v FROM exact_order, generate_series(1, 2) i WHERE id = 17;
INSERT INTO exact_order SELECT 6000 + i, i % 10, NULL FROM generate_series(1, 30) i;
CREATE TABLE exact_order_bounds AS SELECT id AS b, v <-> '[1,1,1,1,1,1,1,1]' AS d FROM exact_order WHERE id % 7 = 0;
CREATE INDEX exact_order_hnsw ON exact_order USING barq_hnsw (v vector_l2_ops);
ANALYZE exact_order;
ANALYZE exact_order_bounds;

CREATE TABLE exact_order_shapes (number int GENERATED ALWAYS AS IDENTITY, index boolean, name text, query text);
INSERT INTO exact_order_shapes (index, name, query) VALUES
	(true, 'limit', 'SELECT id, D AS d FROM exact_order ORDER BY d LIMIT 20'),
	(true, 'all rows, no other order', 'SELECT id, D AS d FROM exact_order ORDER BY d'),
	(false, 'group by', 'SELECT D AS d, count(*) FROM exact_order GROUP BY d ORDER BY d'),
	(false, 'group by, limit', 'SELECT D AS d, count(*) FROM exact_order GROUP BY d ORDER BY d LIMIT 30'),
	(false, 'group by more', 'SELECT D AS d, c, count(*) FROM exact_order GROUP BY d, c ORDER BY d LIMIT 30'),
	(false, 'distinct', 'SELECT DISTINCT D AS d FROM exact_order ORDER BY d'),
	(false, 'distinct on, limit', 'SELECT DISTINCT ON (D) D AS d FROM exact_order ORDER BY D LIMIT 30'),
	(false, 'distinct of a subquery', 'SELECT DISTINCT d FROM (SELECT D AS d FROM exact_order ORDER BY d OFFSET 0) s ORDER BY d'),
	(false, 'group by of a subquery', 'SELECT d, count(*) FROM (SELECT D AS d FROM exact_order ORDER BY d LIMIT 5000) s GROUP BY d ORDER BY d'),
	(true, 'group by something else of a subquery', 'SELECT c, count(*) FROM (SELECT c, D AS d FROM exact_order ORDER BY d LIMIT 50) s GROUP BY c'),
	(true, 'aggregate of a subquery', 'SELECT count(*), max(d) FROM (SELECT D AS d FROM exact_order ORDER BY d LIMIT 50) s'),
	(false, 'group by of a subquery of a subquery', 'SELECT d, count(*) FROM (SELECT id, d FROM (SELECT id, D AS d FROM exact_order ORDER BY d LIMIT 5000) s WHERE id > 10 OFFSET 0) t GROUP BY d ORDER BY d'),
	(false, 'window', 'SELECT id, rank() OVER (ORDER BY D) AS r FROM exact_order'),
	(false, 'window, sums over peers', 'SELECT id, sum(c) OVER (ORDER BY D) AS r FROM exact_order'),
	(true, 'window, limit', 'SELECT id, rank() OVER (ORDER BY D) AS r, D AS d FROM exact_order ORDER BY D LIMIT 20'),
	(false, 'join by the distance', 'SELECT b, id FROM exact_order_bounds o JOIN exact_order e ON o.d = D ORDER BY D'),
	(false, 'join of a subquery by the distance', 'SELECT b, id FROM exact_order_bounds o JOIN (SELECT id, D AS d FROM exact_order ORDER BY d OFFSET 0) e ON o.d = e.d'),
	(true, 'join by something else', 'SELECT e.id, D AS d FROM exact_order e JOIN exact_order_bounds o ON o.b = e.id ORDER BY D LIMIT 20'),
	(true, 'semi-join', 'SELECT e.id FROM exact_order e WHERE EXISTS (SELECT 1 FROM exact_order_bounds o WHERE o.b = e.id) ORDER BY D LIMIT 20'),
	(NULL, 'two keys, from version 17 on the index gives the first', 'SELECT id, D AS d FROM exact_order ORDER BY D, id LIMIT 20');

-- with default settings, and with settings that favour sorted input
CREATE FUNCTION pg_temp.rows_of(query text, OUT plan text, OUT rows text) LANGUAGE plpgsql AS $$
BEGIN
	query = regexp_replace(query, '\mD\M', 'v <-> ''[1,1,1,1,1,1,1,1]''', 'g');
	plan = pg_temp.plan_of(query);
	EXECUTE format('SELECT md5(string_agg(s::text, '' '' ORDER BY s::text)) FROM (%s) s', query) INTO rows;
END $$;
CREATE FUNCTION pg_temp.judge(OUT name text, OUT as_wanted boolean, OUT same boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	shape record;
	forced record;
	exact record;
BEGIN
	FOR shape IN SELECT * FROM exact_order_shapes ORDER BY number LOOP
		SET LOCAL enable_seqscan = off;
		SET LOCAL enable_sort = off;
		SET LOCAL enable_hashagg = off;
		SET LOCAL enable_hashjoin = off;
		SET LOCAL enable_nestloop = off;
		SELECT * INTO forced FROM pg_temp.rows_of(shape.query);
		SET LOCAL enable_seqscan = on;
		SET LOCAL enable_sort = on;
		SET LOCAL enable_hashagg = on;
		SET LOCAL enable_hashjoin = on;
		SET LOCAL enable_nestloop = on;
		SET LOCAL enable_indexscan = off;
		SELECT * INTO exact FROM pg_temp.rows_of(shape.query);
		SET LOCAL enable_indexscan = on;
		name = shape.name;
		as_wanted = coalesce((forced.plan LIKE '%exact_order_hnsw%') = shape.index, true);
		same = forced.rows = exact.rows;
		RETURN NEXT;
	END LOOP;
END $$;
SELECT * FROM pg_temp.judge();

-- the same for the partitions of a table
CREATE TABLE exact_order_parts (id int, v vector(8)) PARTITION BY RANGE (id);
CREATE TABLE exact_order_1 PARTITION OF exact_order_parts FOR VALUES FROM (0) TO (2500);
CREATE TABLE exact_order_2 PARTITION OF exact_order_parts FOR VALUES FROM (2500) TO (10000);
INSERT INTO exact_order_parts SELECT id, v FROM exact_order;
CREATE INDEX ON exact_order_parts USING barq_hnsw (v vector_l2_ops);
ANALYZE exact_order_parts;
SET enable_sort = off;
SET enable_hashagg = off;
SELECT pg_temp.plan_of($$SELECT v <-> '[1,1,1,1,1,1,1,1]' FROM exact_order_parts ORDER BY 1 LIMIT 10$$) LIKE '%_v_idx%' AS index;
SELECT pg_temp.plan_of($$SELECT v <-> '[1,1,1,1,1,1,1,1]' FROM exact_order_parts GROUP BY 1$$) LIKE '%_v_idx%' AS index;
SELECT pg_temp.plan_of($$SELECT DISTINCT v <-> '[1,1,1,1,1,1,1,1]' FROM exact_order_parts ORDER BY 1 LIMIT 10$$) LIKE '%_v_idx%' AS index;
DROP TABLE exact_order, exact_order_bounds, exact_order_shapes, exact_order_parts;
