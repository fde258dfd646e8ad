-- A scan and the projection of its sort key detoast each row once, not twice: the
-- distance functions remember what they computed for the query of an open scan. The
-- remembered distances are those of a plan without it, also where scans with several
-- queries are open, and after a subtransaction was rolled back.
SELECT setseed(0.3);
CREATE FUNCTION pg_temp.random_vector(n int) RETURNS real[] LANGUAGE sql AS
	$$ SELECT array_agg(random() - 0.5)::real[] FROM generate_series(1, n) $$;
CREATE TABLE memo (id int PRIMARY KEY, v vector(700), h halfvec(1400));
INSERT INTO memo SELECT i, pg_temp.random_vector(700 + 0 * i)::vector, pg_temp.random_vector(1400 + 0 * i)::vector::halfvec
	FROM generate_series(1, 200) i;
CREATE INDEX memo_v ON memo USING barq_hnsw (v vector_cosine_ops);
CREATE INDEX memo_h ON memo USING barq_hnsw (h halfvec_l2_ops);
VACUUM ANALYZE memo;
CREATE TABLE memo_queries AS SELECT id, v, h FROM memo WHERE id <= 5;
ANALYZE memo_queries;

-- buffers that a query reads
CREATE FUNCTION pg_temp.buffers(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
	plan = plan -> 0 -> 'Plan';
	RETURN (plan ->> 'Shared Hit Blocks')::int + (plan ->> 'Shared Read Blocks')::int;
END $$;
SET enable_seqscan = off;
SET enable_sort = off;
SET plan_cache_mode = force_generic_plan;
-- the custom scan computes no key here that could be remembered (ordered_scan)
SET barq.condition_scan = off;

-- more than 1.5 would mean that rows are detoasted twice
CREATE FUNCTION pg_temp.times_detoasted(query text, element text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	once int = pg_temp.buffers(format('SELECT l2_normalize(%s) FROM memo WHERE id BETWEEN 1 AND 200', element));
	got int;
BEGIN
	PERFORM pg_temp.buffers(query);
	got = pg_temp.buffers(query);
	RETURN CASE WHEN got < once * 0.5 THEN 'less' WHEN got < once * 1.5 THEN 'once' ELSE format('more: %s, once %s', got, once) END;
END $$;
SELECT v AS v1, h AS h1 FROM memo_queries WHERE id = 1 \gset
PREPARE memo_prepared(vector) AS SELECT id FROM memo ORDER BY v <=> $1 LIMIT 150;
SELECT name, pg_temp.times_detoasted(query, element) FROM (VALUES
	('literal', 'v', format('SELECT id FROM memo ORDER BY v <=> %L LIMIT 150', :'v1')),
	('query first', 'v', format('SELECT id FROM memo ORDER BY %L <=> v LIMIT 150', :'v1')),
	('distance selected', 'v', format('SELECT id, v <=> %L AS d FROM memo ORDER BY d LIMIT 150', :'v1')),
	('parameter', 'v', format('EXECUTE memo_prepared(%L)', :'v1')),
	('subquery', 'v', 'SELECT id FROM memo ORDER BY v <=> (SELECT v FROM memo_queries WHERE id = 1) LIMIT 150'),
	('lateral', 'v', 'SELECT s.id FROM (SELECT v FROM memo_queries WHERE id = 1 OFFSET 0) q, LATERAL (SELECT id FROM memo ORDER BY memo.v <=> q.v LIMIT 150) s'),
	('halfvec', 'h', format('SELECT id FROM memo ORDER BY h <-> %L LIMIT 150', :'h1')),
	('halfvec, subquery', 'h', 'SELECT id FROM memo ORDER BY h <-> (SELECT h FROM memo_queries WHERE id = 1) LIMIT 150')
) s (name, element, query);

-- several queries at once: the distances are those of a plan without the index
CREATE FUNCTION pg_temp.rows_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT string_agg(s::text, '' '' ORDER BY s::text) FROM (%s) s', query) INTO result;
	RETURN result;
END $$;
CREATE TABLE memo_plans (name text, query text, indexed text, plain text);
INSERT INTO memo_plans (name, query) VALUES
	('lateral', 'SELECT q.id, s.id AS row, d FROM memo_queries q, LATERAL (SELECT id, memo.v <=> q.v AS d FROM memo ORDER BY d LIMIT 40) s'),
	('two scans', 'SELECT a.id, b.id AS other, a.d, b.d AS e FROM (SELECT id, v <=> (SELECT v FROM memo_queries WHERE id = 1) AS d FROM memo ORDER BY d LIMIT 20) a, (SELECT id, v <=> (SELECT v FROM memo_queries WHERE id = 2) AS d FROM memo ORDER BY d LIMIT 20) b'),
	('other distances of the same rows', 'SELECT id, v <=> (SELECT v FROM memo_queries WHERE id = 3) AS d, v <-> (SELECT v FROM memo_queries WHERE id = 3) AS e, v <#> (SELECT v FROM memo_queries WHERE id = 3) AS f, (SELECT v FROM memo_queries WHERE id = 3) <=> v AS g, v <+> (SELECT v FROM memo_queries WHERE id = 3) AS h, v <=> v AS i FROM memo ORDER BY d LIMIT 30'),
	('halfvec', 'SELECT id, h <-> (SELECT h FROM memo_queries WHERE id = 4) AS d, h <=> (SELECT h FROM memo_queries WHERE id = 4) AS e FROM memo ORDER BY d LIMIT 30');
UPDATE memo_plans SET indexed = pg_temp.rows_of(query);
SET enable_indexscan = off;
SET enable_seqscan = on;
SET enable_sort = on;
UPDATE memo_plans SET plain = pg_temp.rows_of(query);
SELECT name, indexed = plain AS same FROM memo_plans ORDER BY name;
RESET enable_indexscan;

-- a cursor that outlives subtransactions and other statements
SET enable_seqscan = off;
SET enable_sort = off;
CREATE TEMP TABLE memo_fetched (id int, d float8);
BEGIN;
DECLARE c CURSOR FOR SELECT id, v <=> (SELECT v FROM memo_queries WHERE id = 5) AS d FROM memo ORDER BY d;
CREATE FUNCTION pg_temp.fetch(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	c refcursor = 'c';
	r record;
BEGIN
	FOR i IN 1..n LOOP
		FETCH c INTO r;
		INSERT INTO memo_fetched VALUES (r.id, r.d);
	END LOOP;
END $$;
SELECT pg_temp.fetch(10);
SAVEPOINT s;
UPDATE memo SET v = (SELECT v FROM memo_queries WHERE id = 1) WHERE id BETWEEN 50 AND 60;
SELECT count(*) FROM (SELECT id, v <=> (SELECT v FROM memo_queries WHERE id = 5) AS d FROM memo ORDER BY d LIMIT 30) s;
ROLLBACK TO s;
SELECT pg_temp.fetch(20);
SAVEPOINT t;
SELECT pg_temp.fetch(20);
RELEASE t;
SELECT pg_temp.fetch(30);
COMMIT;
SELECT count(*) AS fetched, count(DISTINCT id) AS rows,
	bool_and(d = (SELECT memo.v <=> q.v FROM memo, memo_queries q WHERE memo.id = f.id AND q.id = 5)) AS same
FROM memo_fetched f;
DROP TABLE memo, memo_queries, memo_plans;
