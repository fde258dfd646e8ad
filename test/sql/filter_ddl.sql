-- Indexes with filter columns: what cannot be one, changes of the table, partitions,
-- expressions, VACUUM, rights, plans.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
SET client_min_messages = warning;
\set ECHO all

SELECT setseed(0.4);
CREATE TABLE filter_ddl (id int PRIMARY KEY, v vector(3), body text, words text[], i int, w varchar(10), n numeric, p point) WITH (autovacuum_enabled = off);
INSERT INTO filter_ddl SELECT k, pg_temp.random_vector(3), 'a b' || k % 10, ARRAY['a', 'b' || k % 10], k % 20, 'w' || k % 7, k, point(k, k) FROM generate_series(1, 600) k;

-- refused
SELECT what, pg_temp.outcome('CREATE INDEX ON filter_ddl USING ' || what) FROM unnest(ARRAY[
	'barq_hnsw (v vector_l2_ops, n)', 'barq_hnsw (v vector_l2_ops, p)', 'barq_hnsw (v vector_l2_ops, v vector_l2_ops)', 'barq_hnsw (v vector_l2_ops, v)',
	'barq_ivf (i, v)', 'barq_hnsw (i, v)', 'barq_hnsw (i int4_ops, i)', 'barq_bm25 (i, body) WITH (text_config = ''simple'')',
	'barq_bm25 (body, n) WITH (text_config = ''simple'')', 'barq_hnsw (v vector_l2_ops) INCLUDE (i)', 'barq_hnsw (w)']) what;

-- the same rows as a sort; the cells that differ
CREATE FUNCTION pg_temp.differs(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	want text;
	got text;
BEGIN
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true);
	EXECUTE format('SELECT array_agg(id ORDER BY id)::text FROM (%s) s', query) INTO want;
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('enable_indexscan', 'on', true);
	EXECUTE format('SELECT array_agg(id ORDER BY id)::text FROM (%s) s', query) INTO got;
	IF pg_temp.plan_of(query) !~ 'Index Scan|Search using' THEN
		RETURN 'plan: ' || pg_temp.plan_of(query);
	END IF;
	RETURN CASE WHEN got IS DISTINCT FROM want THEN format('%s, not %s', left(got, 60), left(want, 60)) ELSE 'same' END;
END $$;

-- types change, with and without the table's rows; REINDEX; a column in two places
CREATE INDEX filter_ddl_v ON filter_ddl USING barq_hnsw (v vector_l2_ops, i, w, (id % 3), i);
CREATE INDEX filter_ddl_body ON filter_ddl USING barq_bm25 (body, i, w text_filter_ops, words text_array_filter_ops, body text_filter_ops) WITH (text_config = 'simple');
SELECT pg_temp.differs(q) FROM unnest(ARRAY[
	'SELECT id FROM filter_ddl WHERE i = 7 AND w = ''w3'' ORDER BY v <-> ''[0,0,0]''', 'SELECT id FROM filter_ddl WHERE id % 3 = 1 AND i > 10 ORDER BY v <-> ''[0,0,0]'' LIMIT 20',
	'SELECT id FROM filter_ddl WHERE body = ''a b3'' ORDER BY body <@> ''b3''', 'SELECT id FROM filter_ddl WHERE body @@@ ''a'' AND words @> ''{b3}'' ORDER BY body <@> ''b3'', v']) q;
ALTER TABLE filter_ddl ALTER i TYPE bigint, ALTER w TYPE text;
SELECT pg_temp.differs(q) FROM unnest(ARRAY[
	'SELECT id FROM filter_ddl WHERE i = 7 AND w = ''w3'' ORDER BY v <-> ''[0,0,0]''', 'SELECT id FROM filter_ddl WHERE i = 7::smallint AND body @@@ ''b7'' ORDER BY body <@> ''b7''']) q;
ALTER TABLE filter_ddl ALTER w TYPE varchar(20);
SELECT pg_temp.differs('SELECT id FROM filter_ddl WHERE w = ''w3'' ORDER BY v <-> ''[0,0,0]''');
SELECT pg_temp.outcome('ALTER TABLE filter_ddl ALTER i TYPE numeric');
REINDEX INDEX CONCURRENTLY filter_ddl_v;
REINDEX TABLE filter_ddl;
SELECT pg_temp.differs('SELECT id FROM filter_ddl WHERE i = 7 AND w = ''w3'' ORDER BY v <-> ''[0,0,0]''');
SELECT pg_get_indexdef('filter_ddl_v'::regclass), pg_get_indexdef('filter_ddl_body'::regclass);

-- rows that change, rows that die
UPDATE filter_ddl SET i = 7 WHERE id % 50 = 0;
DELETE FROM filter_ddl WHERE id % 9 = 0;
SELECT pg_temp.differs('SELECT id FROM filter_ddl WHERE i = 7 ORDER BY v <-> ''[0,0,0]''');
VACUUM filter_ddl;
SELECT barq_seal('filter_ddl_v') > 0;
INSERT INTO filter_ddl SELECT k, pg_temp.random_vector(3), 'a b', '{}', 7, 'w3' FROM generate_series(1001, 1050) k;
DELETE FROM filter_ddl WHERE id % 10 = 1;
VACUUM filter_ddl;
SELECT pg_temp.differs('SELECT id FROM filter_ddl WHERE i = 7 ORDER BY v <-> ''[0,0,0]'''), pg_temp.differs('SELECT id FROM filter_ddl WHERE i = 7 AND words && ''{b7}'' ORDER BY body <@> ''b7''');
SELECT barq_compact('filter_ddl_v') > 0, barq_compact('filter_ddl_body') > 0;
SELECT pg_temp.differs('SELECT id FROM filter_ddl WHERE i = 7 ORDER BY v <-> ''[0,0,0]'''), pg_temp.differs('SELECT id FROM filter_ddl WHERE i = 7 AND words && ''{b7}'' ORDER BY body <@> ''b7''');
SELECT * FROM barq_check('filter_ddl_v') UNION ALL SELECT * FROM barq_check('filter_ddl_body');

-- conditions alone do not use the index, nor does a sort of a filter column
SELECT pg_temp.plan_of('SELECT id FROM filter_ddl WHERE i = 7');
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT q, pg_temp.plan_of('SELECT id FROM filter_ddl WHERE ' || q) FROM unnest(ARRAY['i = 7 AND w = ''w3''', 'v IS NULL', 'body = ''a b3''']) q;
SELECT count(*) FROM filter_ddl WHERE body = 'a b3';
RESET enable_bitmapscan;
-- with a search they do, as parameters of joins and of generic plans too
EXPLAIN (COSTS OFF) SELECT id FROM filter_ddl WHERE i = 7 AND n > 3 ORDER BY v <-> '[0,0,0]' LIMIT 3;
SET plan_cache_mode = force_generic_plan;
PREPARE filtered AS SELECT id FROM filter_ddl WHERE i = $1 AND w = ANY ($2) ORDER BY v <-> $3 LIMIT 3;
EXPLAIN (COSTS OFF) EXECUTE filtered (7, '{w1,w3}', '[0,0,0]');
SELECT count(*) FROM (SELECT 1) one, LATERAL (SELECT id FROM filter_ddl WHERE i = 7 ORDER BY v <-> '[0,0,0]' LIMIT 3) s;
SELECT k, (SELECT array_agg(i) FROM (SELECT i FROM filter_ddl WHERE i = k ORDER BY v <-> '[0,0,0]' LIMIT 2) s) FROM generate_series(5, 8) k;
DEALLOCATE filtered;
RESET plan_cache_mode;
RESET enable_seqscan;

-- partitions
CREATE TABLE filter_parts (id int, v vector(3), tenant int) PARTITION BY RANGE (id);
CREATE TABLE filter_parts_1 PARTITION OF filter_parts FOR VALUES FROM (0) TO (300);
CREATE TABLE filter_parts_2 (tenant int, id int, v vector(3));
ALTER TABLE filter_parts ATTACH PARTITION filter_parts_2 FOR VALUES FROM (300) TO (1000);
CREATE INDEX filter_parts_v ON filter_parts USING barq_hnsw (v vector_l2_ops, tenant);
INSERT INTO filter_parts SELECT k, pg_temp.random_vector(3), k % 11 FROM generate_series(1, 600) k;
SELECT pg_temp.differs('SELECT id FROM filter_parts WHERE tenant = 4 ORDER BY v <-> ''[0,0,0]''');
SELECT pg_temp.outcome('CREATE INDEX ON filter_parts USING barq_hnsw (v vector_l2_ops, (v::text::json))');

-- a search within a policy's condition
CREATE ROLE filter_reader;
GRANT SELECT ON filter_ddl TO filter_reader;
ALTER TABLE filter_ddl ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON filter_ddl USING (i = current_setting('filter.tenant')::int);
SET filter.tenant = 7;
SET enable_seqscan = off;
SET ROLE filter_reader;
EXPLAIN (COSTS OFF) SELECT id FROM filter_ddl ORDER BY v <-> '[0,0,0]' LIMIT 3;
SELECT count(*), min(i), max(i) FROM (SELECT i FROM filter_ddl ORDER BY v <-> '[0,0,0]' LIMIT 30) s;
RESET ROLE;
RESET enable_seqscan;

-- a large array spans pages of the log
CREATE TABLE filter_long (id int, v vector(3), labels int[]) WITH (autovacuum_enabled = off);
CREATE INDEX filter_long_v ON filter_long USING barq_hnsw (v vector_l2_ops, labels);
INSERT INTO filter_long SELECT k, pg_temp.random_vector(3), CASE WHEN k % 5 = 0 THEN (SELECT array_agg(x) FROM generate_series(1, 3000) x) ELSE ARRAY[k] END FROM generate_series(1, 100) k;
SELECT pg_temp.differs('SELECT id FROM filter_long WHERE labels && ''{2999,7}'' ORDER BY v <-> ''[0,0,0]''');
SELECT pg_temp.differs('SELECT id FROM filter_long ORDER BY v <-> ''[0,0,0]''');
SELECT barq_seal('filter_long_v');
SELECT pg_temp.differs('SELECT id FROM filter_long WHERE labels && ''{2999,7}'' ORDER BY v <-> ''[0,0,0]''');
DROP TABLE filter_ddl, filter_parts, filter_long;
DROP ROLE filter_reader;
