-- barq works in any schema, whether a search path names it or not, and can be
-- moved to another.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
DROP EXTENSION IF EXISTS barq;

BEGIN;
SELECT plan(4);
CREATE SCHEMA barq_one;
CREATE SCHEMA barq_two;
CREATE EXTENSION barq SCHEMA barq_one;
SELECT is('[1,2]'::barq_one.vector OPERATOR(barq_one.<->) '[1,3]', 1::float8, 'barq works in a schema that no path names');
ALTER EXTENSION barq SET SCHEMA barq_two;
SELECT is('[1,2]'::barq_two.vector(2) OPERATOR(barq_two.<->) '[1,3]', 1::float8, 'and moved to another');
SELECT is((SELECT barq_two.avg(v)::text FROM unnest(ARRAY['[1,2]', '[3,4]']::barq_two.vector[]) v), '[2,3]', 'with its aggregates');
SELECT is((SELECT array_agg(v ORDER BY v)::text FROM unnest(ARRAY['[3]', '[1]']::barq_two.vector[]) v), '{[1],[3]}', 'and its order');
SELECT * FROM finish();
ROLLBACK;
