-- Rows whose distances differ by less than their codes lose: in strict order none comes
-- late, nor does a LIMIT miss one, where all lists or the whole log are searched. Shapes: how
-- near rows are x metric x where they lie x LIMIT.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
SET client_min_messages = warning;
\set ECHO all

SELECT setseed(0.4);
CREATE TABLE near_order (id int, v vector) WITH (autovacuum_enabled = off);

-- A row near `middle`, or a query.
CREATE FUNCTION pg_temp.near(middle vector, spread float8) RETURNS vector LANGUAGE sql VOLATILE AS $$
	SELECT middle + pg_temp.random_vector(vector_dims(middle), -spread, spread);
$$;

-- Searches that do not return the distances that an exact search finds, in their order.
CREATE FUNCTION pg_temp.wrong(middle vector, spread float8, metric text, cell text) RETURNS TABLE (place text, wrong boolean) LANGUAGE plpgsql AS $$
DECLARE
	search text = format('SELECT array_agg(d) FROM (SELECT v %1$s $1 AS d FROM near_order WHERE id %% 2 = 0 ORDER BY v %1$s $1 LIMIT $2) s', pg_temp.operator_of(metric));
	found float8[];
	exact float8[];
	q vector;
	n int;
BEGIN
	FOR q IN SELECT pg_temp.near(v, spread * apart) FROM near_order, unnest(ARRAY[0, 0.3, 3, 30]) apart WHERE id <= 3 LOOP
		FOREACH n IN ARRAY ARRAY[10, 100] LOOP
			SET LOCAL enable_seqscan = off;
			SET LOCAL enable_indexscan = on;
			EXECUTE search INTO found USING q, n;
			SET LOCAL enable_seqscan = on;
			SET LOCAL enable_indexscan = off;
			SET LOCAL enable_sort = on;
			EXECUTE search INTO exact USING q, n;
			SET LOCAL enable_sort = off;
			place = format('%s, %s, spread %s, LIMIT %s', cell, metric, spread, n);
			wrong = found IS DISTINCT FROM exact;
			RETURN NEXT;
		END LOOP;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.searches() RETURNS TABLE (kind text, place text, wrong boolean) LANGUAGE plpgsql AS $$
DECLARE
	middle vector;
	dims int;
	spread float8;
	metric text;
	refine text;
BEGIN
	FOREACH dims IN ARRAY ARRAY[4, 24, 100] LOOP
		middle = pg_temp.random_vector(dims);
		FOREACH spread IN ARRAY ARRAY[0.03, 0.01] LOOP
			FOREACH metric IN ARRAY ARRAY['cosine', 'ip', 'l2'] LOOP
				FOREACH refine IN ARRAY ARRAY['off', 'on'] LOOP
					TRUNCATE near_order;
					EXECUTE format('ALTER TABLE near_order ALTER v TYPE vector(%s)', dims);
					EXECUTE format('CREATE INDEX near_order_v ON near_order USING barq_hnsw (v vector_%s_ops) WITH (refine = %s)', metric, refine);
					INSERT INTO near_order SELECT i, pg_temp.near(middle, spread) FROM generate_series(1, 1500) i;
					RETURN QUERY SELECT 'log', s.* FROM pg_temp.wrong(middle, spread, metric, format('%s dimensions, refine %s', dims, refine)) s;
					DROP INDEX near_order_v;
					EXECUTE format('CREATE INDEX near_order_v ON near_order USING barq_ivf (v vector_%s_ops) WITH (lists = 5, refine = %s)', metric, refine);
					RETURN QUERY SELECT 'lists', s.* FROM pg_temp.wrong(middle, spread, metric, format('%s dimensions, refine %s', dims, refine)) s;
					DROP INDEX near_order_v;
				END LOOP;
			END LOOP;
		END LOOP;
	END LOOP;
END $$;

SET enable_seqscan = off;
SET enable_sort = off;
SET barq.ef_search = 10;
SET barq.probes = 1000;
SELECT kind, count(*) AS searches, count(*) FILTER (WHERE wrong) AS wrong, min(place) FILTER (WHERE wrong) AS first FROM pg_temp.searches() GROUP BY kind ORDER BY kind;
DROP TABLE near_order;
