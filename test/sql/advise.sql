-- barq_advise(): the right advice for tables about which it is known
CREATE FUNCTION adv_vector(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	'SELECT array_agg(hashint4(i * 1000 + j) / 2147483648.0)::vector FROM generate_series(1, dims) j';
CREATE FUNCTION pg_temp.subjects(relation regclass) RETURNS text LANGUAGE sql AS
	$$SELECT string_agg(subject, ' ' ORDER BY subject) FROM barq_advise(relation)$$;
SET max_parallel_maintenance_workers = 2;
SET barq.ef_search = 40;

-- nothing is known of a new table
CREATE TABLE adv_items (id int PRIMARY KEY, tenant int, kind text, v vector(32), body text);
INSERT INTO adv_items SELECT i, i % 50, 'kind ' || i % 4, adv_vector(i, 32), 'word' || i % 100
	FROM generate_series(1, 3000) i;
CREATE INDEX adv_graph ON adv_items USING barq_hnsw (v vector_l2_ops);
SELECT subject, advice FROM barq_advise('adv_graph');
ANALYZE adv_items;
-- a query that uses it
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT id FROM adv_items ORDER BY v <-> adv_vector(7, 32) LIMIT 10) s;
SELECT pg_temp.subjects('adv_graph') IS NULL AS nothing_to_change;

-- options that wait for REINDEX
ALTER INDEX adv_graph SET (m = 24);
SELECT subject, advice FROM barq_advise('adv_graph');
ALTER INDEX adv_graph RESET (m);

-- breadth: larger than needed; too small; a target; of a graph that no breadth helps
SET barq.ef_search = 1000;
SELECT subject, advice FROM barq_advise('adv_graph');
CREATE TABLE adv_deep (v vector(128));
INSERT INTO adv_deep SELECT adv_vector(i, 128) FROM generate_series(1, 12000) i;
CREATE INDEX adv_deep_i ON adv_deep USING barq_hnsw (v vector_l2_ops);
ANALYZE adv_deep;
SET barq.ef_search = 5;
SELECT subject, regexp_replace(advice, 'ef_search = \d+|\d+\.\d+\.$', '#', 'g') AS advice FROM barq_advise('adv_deep_i') WHERE subject <> 'unused';
SET barq.target_recall = 0.9;
SELECT subject FROM barq_advise('adv_deep_i') WHERE subject <> 'unused';
RESET barq.target_recall;
DROP INDEX adv_deep_i;
SET barq.ef_search = 1;
CREATE INDEX adv_deep_i ON adv_deep USING barq_hnsw (v vector_l2_ops) WITH (m = 2, ef_construction = 4);
SELECT subject, regexp_replace(advice, '\d+\.\d+, and', '#, and', 'g') AS advice FROM barq_advise('adv_deep_i') WHERE subject <> 'unused';
DROP TABLE adv_deep;
RESET barq.ef_search;

-- filter columns: a policy names one; queries use a btree index of another
ALTER TABLE adv_items ENABLE ROW LEVEL SECURITY;
CREATE POLICY adv_tenant ON adv_items USING (tenant = current_setting('adv.tenant', true)::int);
SELECT subject, advice FROM barq_advise('adv_graph');
ALTER TABLE adv_items DISABLE ROW LEVEL SECURITY;
CREATE INDEX adv_kind ON adv_items (kind);
SET enable_bitmapscan = off;
SELECT count(*) FROM (SELECT id FROM adv_items WHERE kind = 'kind 1' ORDER BY kind LIMIT 5) s;
SELECT pg_stat_force_next_flush();
SELECT subject, advice FROM barq_advise('adv_graph');
-- not where the index has the column
CREATE INDEX adv_filtered ON adv_items USING barq_hnsw (v vector_l2_ops, kind);
SELECT count(*) FROM barq_advise('adv_filtered') WHERE subject = 'filter_columns';
DROP INDEX adv_filtered, adv_kind;
RESET enable_bitmapscan;

-- lists
CREATE INDEX adv_lists ON adv_items USING barq_ivf (v vector_l2_ops) WITH (lists = 2);
SELECT subject, advice FROM barq_advise('adv_lists') WHERE subject = 'lists';
DROP INDEX adv_lists;
CREATE INDEX adv_lists ON adv_items USING barq_ivf (v vector_l2_ops);
SELECT count(*) FROM barq_advise('adv_lists') WHERE subject = 'lists';
DROP INDEX adv_lists;

-- text, and an index that nothing uses
CREATE INDEX adv_text ON adv_items USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT subject, advice FROM barq_advise('adv_text');
SELECT count(*) FROM (SELECT id FROM adv_items WHERE body @@@ 'word7' ORDER BY body <@> 'word7' LIMIT 10) s;
SELECT pg_temp.subjects('adv_text') IS NULL AS nothing_to_change;

-- searches that were cut; the counters can be reset
SET barq.max_scan_tuples = 10;
SET barq.condition_scan = off;
SELECT count(*) < 10 AS fewer FROM (SELECT id FROM adv_items WHERE body || '' = 'word77' ORDER BY v <-> adv_vector(7, 32) LIMIT 10) s;
SELECT subject, regexp_replace(advice, 'cut \d+', 'cut #') AS advice FROM barq_advise('adv_graph') WHERE subject = 'max_scan_tuples';
SELECT scans_cut > 0 AS cut FROM barq_stats() WHERE index = 'adv_graph'::regclass;
SELECT barq_stats_reset('adv_graph');
SELECT scans_cut, searches FROM barq_stats() WHERE index = 'adv_graph'::regclass;
RESET barq.max_scan_tuples;
RESET barq.condition_scan;
SELECT searches > 0 AS counted FROM barq_stats() WHERE index = 'adv_text'::regclass;
SELECT barq_stats_reset();
SELECT sum(searches) FROM barq_stats() WHERE index = 'adv_text'::regclass;

-- dead rows
DELETE FROM adv_items WHERE id % 2 = 0;
VACUUM adv_items;
SELECT subject, regexp_replace(advice, ' \(barq.background is off\)', '') AS advice FROM barq_advise('adv_graph') WHERE subject = 'dead_rows';
SELECT barq_compact('adv_graph');
SELECT count(*) FROM barq_advise('adv_graph') WHERE subject = 'dead_rows';

-- all indexes of a table
SELECT DISTINCT index FROM barq_advise('adv_items') ORDER BY 1;

-- workers and memory for builds
SET max_parallel_maintenance_workers = 0;
CREATE TABLE adv_many (v vector(2));
INSERT INTO adv_many SELECT adv_vector(i % 500, 2) FROM generate_series(1, 110000) i;
CREATE INDEX adv_many_i ON adv_many USING barq_hnsw (v vector_l2_ops);
SET maintenance_work_mem = '1MB';
SELECT subject, regexp_replace(advice, '\d+MB', '#MB') AS advice FROM barq_advise('adv_many') WHERE subject LIKE 'm%_work%' ORDER BY 1;
DROP TABLE adv_many;
RESET maintenance_work_mem;

-- not valid
SET client_min_messages = error;
CREATE TABLE adv_bad (id int, v vector(3));
INSERT INTO adv_bad VALUES (1, '[1,2,3]');
CREATE INDEX adv_bad_i ON adv_bad USING barq_hnsw (v vector_l2_ops);
RESET client_min_messages;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'adv_bad_i'::regclass;
SELECT subject, advice FROM barq_advise('adv_bad');

-- bad arguments, and rights
SELECT * FROM barq_advise('adv_items_pkey');
SELECT * FROM barq_advise('pg_class');
SELECT * FROM barq_advise(0::regclass);
CREATE TABLE adv_parts (v vector(3)) PARTITION BY RANGE (v);
SELECT * FROM barq_advise('adv_parts');
CREATE ROLE barq_adviser;
SET ROLE barq_adviser;
SELECT * FROM barq_advise('adv_items');
SELECT * FROM barq_advise('adv_graph');
SELECT barq_stats_reset('adv_graph');
SELECT barq_stats_reset();
RESET ROLE;
GRANT SELECT (id) ON adv_items TO barq_adviser;
SET ROLE barq_adviser;
SELECT * FROM barq_advise('adv_items');
RESET ROLE;
DROP OWNED BY barq_adviser;
DROP ROLE barq_adviser;
SELECT count(*) FROM barq_advise(NULL);
DROP TABLE adv_items, adv_bad, adv_parts;
DROP FUNCTION adv_vector(int, int);
