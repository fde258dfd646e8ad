-- avg and sum of a dense type: by hand, in windows, in parallel, and their states.
-- Read, with \i, after error_of.sql and by a test of each type, which sets type,
-- and large to a value of which two have no sum.
\set tab :type _agg
\set accum :type _accum
\set combine :type _combine
\set avg :type _avg

SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]' :: :type, '[3,5,7]', NULL]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[] :: :type[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL] :: :type[]) v;
SELECT f, pg_temp.error_of(format('SELECT %s(v) FROM unnest(ARRAY[''[1,2]''::%s, ''[3]'']) v', f, :'type'))
FROM unnest(ARRAY['avg', 'sum']) f;
-- the mean of large elements fits although their sum does not
SELECT avg(v) FROM unnest(ARRAY[:'large' :: :type, :'large']) v;
SELECT pg_temp.error_of(format('SELECT sum(v) FROM unnest(ARRAY[%L::%s, %1$L]) v', :'large', :'type'));

-- groups, DISTINCT, FILTER, ORDER BY
-- (v: sums that a half holds exactly, in whatever order they are made; w: only means do)
CREATE TABLE :tab AS
SELECT i, i % 3 AS g, ARRAY[i % 5 - 2, 2 - i % 5, (i % 5 - 2) / 4.0] :: :type AS v, ARRAY[i, 1, i % 2] :: :type AS w
FROM generate_series(1, 30000) i;
SELECT g, avg(v), sum(v), avg(v) FILTER (WHERE i <= 3) AS few, avg(DISTINCT v ORDER BY v) FILTER (WHERE i <= 6) AS some
FROM :tab GROUP BY g ORDER BY g;
-- a state is changed in place inside an aggregate, so windows see each one
SELECT i, avg(v) OVER w, sum(v) OVER w FROM :tab WHERE i <= 5
WINDOW w AS (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
SELECT i, avg(v) OVER w FROM :tab WHERE i <= 5
WINDOW w AS (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);

-- in parallel
ALTER TABLE :tab SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v), avg(w) FROM :tab;
SELECT avg(v), sum(v), avg(w) FROM :tab;
SELECT avg(v), sum(v) FROM :tab WHERE i < 0;
SELECT g, avg(w) FROM :tab GROUP BY g ORDER BY g;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE :tab;

-- 16,000 dimensions
SELECT vector_dims(v), subvector(v, 15999, 2)
FROM (SELECT avg(array_fill(i, ARRAY[16000]) :: :type) AS v FROM generate_series(1, 4) i) s;

-- states are plain arrays; an argument that is not the executor's stays as it was
SELECT s, :accum(s, '[1,2]'), :combine(s, s), s AS after FROM (VALUES ('{0}'::float8[]), ('{1,3,4}')) v(s);
SELECT :avg('{2,2,4,6}'), :avg('{0}');
SELECT :combine('{0}', '{1,2}'), :combine('{1,2}', '{0}'), :combine('{0}', '{0}');

-- what is no state is refused
SELECT s, v, pg_temp.error_of(format('SELECT %s(%L, %L)', :'accum', s, v))
FROM (VALUES ('{}', '[1]'), ('{{0}}', '[1]'), ('{NULL}', '[1]'), ('{1,2}', '[1,2]')) r(s, v);
SELECT s, t, pg_temp.error_of(format('SELECT %s(%L, %L)', :'combine', s, t))
FROM (VALUES ('{}', '{0}'), ('{0}', '{1,NULL}'), ('{1,2}', '{1,2,3}'), ('{1,1e308}', '{1,1e308}')) r(s, t);
SELECT s, pg_temp.error_of(format('SELECT %s(%L)', :'avg', s)) FROM unnest(ARRAY['{1}', '{1,1e300}']) s;
SELECT pg_temp.error_of(format('SELECT %s(''{0}'', array_fill(1::float8, ARRAY[16002]))', :'combine'));
SELECT pg_temp.error_of(format('SELECT %s(array_fill(1::float8, ARRAY[16002]))', :'avg'));
