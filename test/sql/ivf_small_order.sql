-- In strict order, the rows that a LIMIT takes from a small index of lists come in
-- order: no search empties its probes of far rows before it scores nearer rows of
-- other lists. Shapes: lists x probes x live rows x LIMIT.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
SET client_min_messages = warning;
\set ECHO all

SELECT setseed(0.4);
CREATE TABLE ivf_small_order (id int, v vector(300)) WITH (autovacuum_enabled = off);

-- The first rows are live; rows that are deleted stay in the index. `cell` is told where rows are late.
CREATE FUNCTION pg_temp.searches(lists int, probes int, live int) RETURNS TABLE (cell text, late bigint, kind text) LANGUAGE plpgsql AS $$
DECLARE
	n int;
	q vector;
BEGIN
	PERFORM set_config('barq.probes', probes::text, true);
	FOREACH n IN ARRAY ARRAY[1, 10, 40, 66, 100, 200, 1200] LOOP
		FOR q IN SELECT pg_temp.random_vector(300) FROM generate_series(1, 2) LOOP
			EXECUTE 'WITH found AS MATERIALIZED (SELECT v <-> $1 AS d FROM ivf_small_order ORDER BY v <-> $1 LIMIT $2),
				pairs AS (SELECT d, lag(d) OVER () AS before FROM found)
				SELECT count(*) FILTER (WHERE d < before) FROM pairs' INTO late USING q, n;
			cell = format('%s lists, %s probes, %s live rows, LIMIT %s', lists, probes, live, n);
			kind = (SELECT string_agg(DISTINCT s.kind, ' ') FROM barq_segments('ivf_small_order_v') s WHERE state <> 'growing');
			RETURN NEXT;
		END LOOP;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.late_rows() RETURNS TABLE (cell text, late bigint, kind text) LANGUAGE plpgsql AS $$
DECLARE
	lists int;
	live int;
BEGIN
	FOREACH lists IN ARRAY ARRAY[1, 20, 100] LOOP
		TRUNCATE ivf_small_order;
		INSERT INTO ivf_small_order SELECT i, pg_temp.random_vector(300) FROM generate_series(1, 1200) i;
		EXECUTE format('CREATE INDEX ivf_small_order_v ON ivf_small_order USING barq_ivf (v vector_l2_ops) WITH (lists = %s, quantization = none)', lists);
		FOREACH live IN ARRAY ARRAY[1200, 600, 110, 30] LOOP
			DELETE FROM ivf_small_order WHERE id > live;
			RETURN QUERY SELECT s.* FROM unnest(ARRAY[0, 1, 3]) p, pg_temp.searches(lists, p, live) s;
		END LOOP;
		DROP INDEX ivf_small_order_v;
	END LOOP;
END $$;

SET enable_seqscan = off;
SET enable_sort = off;
SELECT kind, count(*) AS searches, sum(late) AS late_rows, count(*) FILTER (WHERE late > 0) AS wrong, min(cell) FILTER (WHERE late > 0) AS first FROM pg_temp.late_rows() GROUP BY kind;
DROP TABLE ivf_small_order;
