-- Options that say when an index is sealed and merged: values, when a change takes
-- effect, where they show, and who may set the settings that are their defaults.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE policy_options (v vector(3), body text);

-- values: sizes as in the settings of the same names
SELECT o, pg_temp.outcome(format('CREATE INDEX ON policy_options USING barq_hnsw (v vector_l2_ops) WITH (%s)', o))
FROM unnest(ARRAY['growing_limit = ''63kB''', 'growing_limit = ''64kB''', 'growing_limit = 64', 'growing_limit = ''1GB''', 'growing_limit = ''1025MB''',
	'growing_limit = ''2 apples''', 'growing_limit = ''''', 'growing_limit = off',
	'growing_hard_limit = ''63kB''', 'growing_hard_limit = ''1TB''', 'growing_hard_limit = ''3TB''',
	'max_merged_size = 0', 'max_merged_size = ''64GB''', 'max_merged_size = ''1PB''', 'max_merged_size = -1',
	'compaction_ratio = 1', 'compaction_ratio = 2', 'compaction_ratio = 64', 'compaction_ratio = 65', 'compaction_ratio = -1',
	'max_segments = 0', 'max_segments = 1', 'max_segments = 1000', 'max_segments = 1001', 'max_segments = -1',
	'compaction = reads', 'compaction = ''writes''', 'compaction = balanced', 'compaction = none']) o;
DROP TABLE policy_options;

-- every access method has them; barq_indexes() shows those that are given
CREATE TABLE policy_options (v vector(3), body text);
INSERT INTO policy_options SELECT pg_temp.random_vector(3), 'word ' || i FROM generate_series(1, 100) i;
CREATE INDEX policy_graph ON policy_options USING barq_hnsw (v vector_l2_ops) WITH (m = 8, growing_limit = '128kB', compaction = reads);
CREATE INDEX policy_lists ON policy_options USING barq_ivf (v vector_l2_ops) WITH (max_merged_size = '1GB', max_segments = 3);
CREATE INDEX policy_text ON policy_options USING barq_bm25 (body) WITH (text_config = 'simple', compaction_ratio = 5, growing_hard_limit = 4096);
SELECT index, options FROM barq_indexes() WHERE "table" = 'policy_options'::regclass ORDER BY index::text;

-- a change takes effect at once, so no NOTICE asks for REINDEX
ALTER INDEX policy_graph SET (growing_limit = '64kB', max_segments = 4);
ALTER INDEX policy_lists RESET (max_merged_size);
ALTER INDEX policy_text SET (compaction_ratio = 6);
SELECT pg_temp.outcome('ALTER INDEX policy_text SET (growing_limit = ''1kB'')');
SELECT pg_temp.outcome('ALTER INDEX policy_text SET (compaction = fast)');
SELECT index, options FROM barq_indexes() WHERE "table" = 'policy_options'::regclass ORDER BY index::text;
-- other options wait for it, and only their change says so
ALTER INDEX policy_graph SET (m = 9, max_segments = 5);
ALTER INDEX policy_graph SET (max_segments = 6);
ALTER INDEX policy_graph SET (m = 8);
DROP INDEX policy_lists, policy_text;
CREATE FUNCTION pg_temp.log_bytes() RETURNS bigint LANGUAGE sql
RETURN (SELECT growing_bytes FROM barq_indexes() WHERE index::text = 'policy_graph');
INSERT INTO policy_options SELECT pg_temp.random_vector(3) FROM generate_series(1, 4000) i;
SELECT sum(rows) FILTER (WHERE state <> 'growing') > 3000 AS sealed, pg_temp.log_bytes() < 65536 AS log_is_short
FROM barq_segments('policy_graph');
-- an option comes before the session's setting
ALTER INDEX policy_graph SET (growing_limit = '1GB');
SET barq.growing_limit = '64kB';
INSERT INTO policy_options SELECT pg_temp.random_vector(3) FROM generate_series(1, 4000) i;
SELECT pg_temp.log_bytes() > 65536 AS log_is_long;
ALTER INDEX policy_graph RESET (growing_limit);
INSERT INTO policy_options SELECT pg_temp.random_vector(3) FROM generate_series(1, 1000) i;
SELECT pg_temp.log_bytes() < 65536 AS log_is_short;
RESET barq.growing_limit;
SELECT count(*) FROM barq_check('policy_graph');
DROP TABLE policy_options;

-- partitions get the options of the partitioned index
CREATE TABLE policy_options (id int, v vector(3)) PARTITION BY RANGE (id);
CREATE TABLE policy_options_1 PARTITION OF policy_options FOR VALUES FROM (0) TO (10);
CREATE INDEX policy_parent ON policy_options USING barq_hnsw (v vector_l2_ops) WITH (max_segments = 3, growing_limit = '128kB');
CREATE TABLE policy_options_2 PARTITION OF policy_options FOR VALUES FROM (10) TO (20);
SELECT index, options FROM barq_indexes() WHERE "table"::text LIKE 'policy_options%' ORDER BY index::text;
DROP TABLE policy_options;

-- an owner sets options, but only a superuser the settings
CREATE ROLE policy_owner;
CREATE SCHEMA policy_owned AUTHORIZATION policy_owner;
SET ROLE policy_owner;
CREATE TABLE policy_owned.items (v vector(3));
CREATE INDEX items_v ON policy_owned.items USING barq_hnsw (v vector_l2_ops);
ALTER INDEX policy_owned.items_v SET (growing_limit = '64kB', compaction = writes);
SELECT s, pg_temp.outcome('SET ' || s) FROM unnest(ARRAY['barq.growing_limit = ''64kB''', 'barq.growing_hard_limit = ''64kB''',
	'barq.compaction_ratio = 4', 'barq.max_segments = 4', 'barq.max_merged_size = ''1GB''', 'barq.compaction = reads']) s;
RESET ROLE;
DROP SCHEMA policy_owned CASCADE;
DROP ROLE policy_owner;
