-- avg and sum: by hand, in windows, in parallel, and their states.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]'::halfvec, '[3,5,7]', NULL]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[]::halfvec[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL]::halfvec[]) v;
SELECT avg(v) FROM unnest(ARRAY['[1,2]'::halfvec, '[3]']) v;
SELECT sum(v) FROM unnest(ARRAY['[1,2]'::halfvec, '[3]']) v;
-- the mean of large elements fits although their sum does not
SELECT avg(v) FROM unnest(ARRAY['[60000]'::halfvec, '[60000]']) v;
SELECT sum(v) FROM unnest(ARRAY['[60000]'::halfvec, '[60000]']) v;

-- groups, DISTINCT, FILTER, ORDER BY
-- (v: sums that a half holds exactly, in whatever order they are made; w: only means fit)
CREATE TABLE halfvec_agg AS
SELECT i, i % 3 AS g, ARRAY[i % 5 - 2, 2 - i % 5, (i % 5 - 2) / 4.0]::halfvec AS v, ARRAY[i, 1, i % 2]::halfvec AS w
FROM generate_series(1, 30000) i;
SELECT g, avg(v), sum(v), avg(v) FILTER (WHERE i <= 3) AS few, avg(DISTINCT v ORDER BY v) FILTER (WHERE i <= 6) AS some
FROM halfvec_agg GROUP BY g ORDER BY g;
-- a state is changed in place inside an aggregate, so windows see each one
SELECT i, avg(v) OVER w, sum(v) OVER w FROM halfvec_agg WHERE i <= 5
WINDOW w AS (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
SELECT i, avg(v) OVER w FROM halfvec_agg WHERE i <= 5
WINDOW w AS (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);

-- in parallel
ALTER TABLE halfvec_agg SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v), avg(w) FROM halfvec_agg;
SELECT avg(v), sum(v), avg(w) FROM halfvec_agg;
SELECT avg(v), sum(v) FROM halfvec_agg WHERE i < 0;
SELECT g, avg(w) FROM halfvec_agg GROUP BY g ORDER BY g;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE halfvec_agg;

-- 16,000 dimensions
SELECT vector_dims(v), subvector(v, 15999, 2)
FROM (SELECT avg(array_fill(i, ARRAY[16000])::halfvec) AS v FROM generate_series(1, 4) i) s;

-- states are plain arrays; an argument that is not the executor's stays as it was
SELECT s, halfvec_accum(s, '[1,2]'), halfvec_combine(s, s), s AS after FROM (VALUES ('{0}'::float8[]), ('{1,3,4}')) v(s);
SELECT halfvec_avg('{2,2,4,6}'), halfvec_avg('{0}');
SELECT halfvec_combine('{0}', '{1,2}'), halfvec_combine('{1,2}', '{0}'), halfvec_combine('{0}', '{0}');

-- what is no state is refused
SELECT halfvec_accum('{}', '[1]');
SELECT halfvec_accum('{{0}}', '[1]');
SELECT halfvec_accum('{NULL}', '[1]');
SELECT halfvec_accum('{1,2}', '[1,2]');
SELECT halfvec_combine('{}', '{0}');
SELECT halfvec_combine('{0}', '{1,NULL}');
SELECT halfvec_combine('{1,2}', '{1,2,3}');
SELECT halfvec_combine('{1,1e308}', '{1,1e308}');
SELECT halfvec_combine('{0}', array_fill(1::float8, ARRAY[16002]));
SELECT halfvec_avg('{1}');
SELECT halfvec_avg('{1,1e300}');
SELECT halfvec_avg('{2,131039}');
SELECT halfvec_avg('{2,131040}');
SELECT halfvec_avg(array_fill(1::float8, ARRAY[16002]));
