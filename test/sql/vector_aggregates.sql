-- avg and sum: by hand, in windows, in parallel, and their states.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]'::vector, '[3,5,7]', NULL]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[]::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL]::vector[]) v;
SELECT avg(v) FROM unnest(ARRAY['[1,2]'::vector, '[3]']) v;
SELECT sum(v) FROM unnest(ARRAY['[1,2]'::vector, '[3]']) v;
-- the mean of large elements fits although their sum does not
SELECT avg(v) FROM unnest(ARRAY['[3e38]'::vector, '[3e38]']) v;
SELECT sum(v) FROM unnest(ARRAY['[3e38]'::vector, '[3e38]']) v;

-- groups, DISTINCT, FILTER, ORDER BY
-- (sums that float32 holds exactly, in whatever order they are made)
CREATE TABLE vector_agg AS
SELECT i, i % 3 AS g, ARRAY[i % 100, -(i % 100), i % 100 / 4.0]::vector AS v FROM generate_series(1, 30000) i;
SELECT g, avg(v), sum(v), avg(v) FILTER (WHERE i <= 3) AS few, avg(DISTINCT v ORDER BY v) FILTER (WHERE i <= 6) AS some
FROM vector_agg GROUP BY g ORDER BY g;
-- a state is changed in place inside an aggregate, so windows see each one
SELECT i, avg(v) OVER w, sum(v) OVER w FROM vector_agg WHERE i <= 5
WINDOW w AS (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
SELECT i, avg(v) OVER w FROM vector_agg WHERE i <= 5
WINDOW w AS (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);

-- in parallel
ALTER TABLE vector_agg SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v) FROM vector_agg;
SELECT avg(v), sum(v) FROM vector_agg;
SELECT avg(v), sum(v) FROM vector_agg WHERE i < 0;
SELECT g, avg(v) FROM vector_agg GROUP BY g ORDER BY g;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE vector_agg;

-- 16,000 dimensions
SELECT vector_dims(v), subvector(v, 15999, 2)
FROM (SELECT avg(array_fill(i, ARRAY[16000])::vector) AS v FROM generate_series(1, 4) i) s;

-- states are plain arrays; an argument that is not the executor's stays as it was
SELECT s, vector_accum(s, '[1,2]'), vector_combine(s, s), s AS after FROM (VALUES ('{0}'::float8[]), ('{1,3,4}')) v(s);
SELECT vector_avg('{2,2,4,6}'), vector_avg('{0}');
SELECT vector_combine('{0}', '{1,2}'), vector_combine('{1,2}', '{0}'), vector_combine('{0}', '{0}');

-- what is no state is refused
SELECT vector_accum('{}', '[1]');
SELECT vector_accum('{{0}}', '[1]');
SELECT vector_accum('{NULL}', '[1]');
SELECT vector_accum('{1,2}', '[1,2]');
SELECT vector_combine('{}', '{0}');
SELECT vector_combine('{0}', '{1,NULL}');
SELECT vector_combine('{1,2}', '{1,2,3}');
SELECT vector_combine('{1,1e308}', '{1,1e308}');
SELECT vector_combine('{0}', array_fill(1::float8, ARRAY[16002]));
SELECT vector_avg('{1}');
SELECT vector_avg('{1,1e300}');
SELECT vector_avg(array_fill(1::float8, ARRAY[16002]));
