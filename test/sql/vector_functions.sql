-- Functions and operators of vector (test/include/dense_functions.sql).
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set script :abs_srcdir '/include/dense_functions.sql'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
\set type vector
\set norm vector_norm
\set large [3e38]
\set minus_large [-3e38]
\set least [1e-45]
\set precision 1e-6
\set ECHO all
\i :script

-- the cosine does not depend on lengths: vectors of every pair of scales have the angle of the unscaled ones
SELECT count(*), count(*) FILTER (WHERE abs((x.v <=> y.v) - (1 - x.x * y.x - x.y * y.y)) > 1e-5) AS wrong, count(*) FILTER (WHERE (x.v <=> y.v) <> (y.v <=> x.v)) AS uneven,
	count(*) FILTER (WHERE x.v = y.v AND (x.v <=> y.v) <> 0) AS not_itself
FROM (SELECT cos(a) AS x, sin(a) AS y, ARRAY[cos(a) * s, sin(a) * s]::vector AS v FROM generate_series(0.1, 6, 0.7) a,
		unnest(ARRAY[1e-37, 1e-30, 1e-20, 1e-16, 3e-16, 1e-15, 1e-14, 1, 1e15, 4e18, 5e18, 1e19, 1e25, 3e38]) s) x,
	(SELECT cos(a) AS x, sin(a) AS y, ARRAY[cos(a) * s, sin(a) * s]::vector AS v FROM generate_series(0.3, 6, 0.9) a,
		unnest(ARRAY[1e-37, 1e-30, 1e-20, 1e-16, 3e-16, 1e-15, 1e-14, 1, 1e15, 4e18, 5e18, 1e19, 1e25, 3e38]) s) y;
SELECT '[1e-45]'::vector <=> '[1e-45]', '[3e38]'::vector <=> '[-1e-45]', '[0]'::vector <=> '[3e38]';
-- squares beyond float32's range; products that round to zero
SELECT vector_norm('[3e37,4e37]')::real;
SELECT '[0,1e-30]'::vector * '[1e-30,0]';
