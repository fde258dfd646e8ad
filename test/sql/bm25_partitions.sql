-- Partitioned tables: a query of the parent scores by the statistics of all
-- partitions, a query of one partition by its own.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.7);
CREATE TABLE bm25_parts (id int, year int, body text) PARTITION BY RANGE (year);
CREATE TABLE bm25_parts_1 PARTITION OF bm25_parts FOR VALUES FROM (1) TO (2);
CREATE TABLE bm25_parts_2 PARTITION OF bm25_parts FOR VALUES FROM (2) TO (3);
CREATE TABLE bm25_parts_3 PARTITION OF bm25_parts FOR VALUES FROM (3) TO (5) PARTITION BY LIST (year);
CREATE TABLE bm25_parts_3a PARTITION OF bm25_parts_3 FOR VALUES IN (3);
CREATE TABLE bm25_parts_3b PARTITION OF bm25_parts_3 FOR VALUES IN (4);
CREATE TABLE bm25_whole (id int, year int, body text);
INSERT INTO bm25_whole SELECT i, 1 + (random() ^ 2 * 4)::int % 4, pg_temp.random_body(15) FROM generate_series(1, 1500) i;
INSERT INTO bm25_parts SELECT * FROM bm25_whole;
CREATE INDEX bm25_parts_idx ON bm25_parts USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bm25_whole_idx ON bm25_whole USING barq_bm25 (body) WITH (text_config = 'simple');
ANALYZE bm25_parts, bm25_whole;
SELECT p = w AS same, (p).documents FROM barq_bm25_stats('bm25_parts_idx') p, barq_bm25_stats('bm25_whole_idx') w;
SELECT barq_bm25_df('bm25_parts_idx', 'w3') = barq_bm25_df('bm25_whole_idx', 'w3') AS same_df;
SELECT sum((barq_bm25_stats(indexrelid::regclass)).documents) FROM pg_index WHERE indrelid IN (SELECT relid FROM pg_partition_tree('bm25_parts') WHERE isleaf);
SET enable_seqscan = off;
SELECT pg_temp.plan_of('SELECT id FROM bm25_parts ORDER BY body <@> ''w1 w20'' LIMIT 10') LIKE 'Merge Append < %Search using bm25_parts_1_body_idx < Order By: (body <@> ''bm25_parts_idx:w1 w20''::bm25query)%' AS merged;
-- the same scores as an unpartitioned copy, pruned or not
CREATE FUNCTION pg_temp.differ(conditions text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM unnest(ARRAY[''w1'', ''w1 w20'', ''w3 w7 w40'', ''w59 w2'']) q,
		LATERAL (SELECT array_agg(round(s::numeric, 10)) AS a FROM (SELECT body <@> to_bm25query(q, ''bm25_parts_idx'') AS s FROM bm25_parts WHERE %1$s ORDER BY body <@> to_bm25query(q, ''bm25_parts_idx'') LIMIT 20) x) p,
		LATERAL (SELECT array_agg(round(s::numeric, 10)) AS a FROM (SELECT body <@> to_bm25query(q, ''bm25_whole_idx'') AS s FROM bm25_whole WHERE %1$s ORDER BY body <@> to_bm25query(q, ''bm25_whole_idx'') LIMIT 20) x) w
		WHERE p.a IS DISTINCT FROM w.a', conditions) INTO n;
	RETURN n;
END $$;
SELECT pg_temp.differ('true') AS differ;
SELECT pg_temp.differ('year = 2') AS differ_pruned;
SELECT pg_temp.differ('year >= 3') AS differ_below;
-- the plain form names the parent's index
SELECT pg_temp.plan_of('SELECT id FROM bm25_parts WHERE year = 2 ORDER BY body <@> ''w1'' LIMIT 5');
SELECT count(*) FROM bm25_parts WHERE body @@@ 'w1 w2' AND year > 1;
SELECT (SELECT count(*) FROM bm25_parts WHERE body @@@ 'w1 w2') = (SELECT count(*) FROM bm25_whole WHERE body @@@ 'w1 w2') AS same_matches;
-- a partition by itself: its own
SELECT pg_temp.plan_of('SELECT id FROM bm25_parts_2 ORDER BY body <@> ''w1'' LIMIT 5');
SELECT count(DISTINCT round(s::numeric, 9)) AS different_scores FROM (
	SELECT min(body <@> 'w1') AS s FROM bm25_parts WHERE year = 2 UNION ALL SELECT min(body <@> 'w1') FROM bm25_parts_2) x;
-- rows in logs and segments, and dead rows
INSERT INTO bm25_whole SELECT i, 1 + i % 4, pg_temp.random_body(15) FROM generate_series(2001, 2300) i;
INSERT INTO bm25_parts SELECT * FROM bm25_whole WHERE id > 2000;
SELECT pg_temp.differ('true') AS differ;
SELECT barq_seal('bm25_parts_2_body_idx') > 0 AS sealed;
DELETE FROM bm25_parts WHERE id % 5 = 0;
DELETE FROM bm25_whole WHERE id % 5 = 0;
SELECT pg_temp.differ('true') AS differ;
-- a partition added, a partition removed
CREATE TABLE bm25_parts_5 PARTITION OF bm25_parts FOR VALUES FROM (5) TO (6);
INSERT INTO bm25_parts VALUES (5000, 5, 'w1 fresh');
INSERT INTO bm25_whole VALUES (5000, 5, 'w1 fresh');
SELECT pg_temp.differ('true') AS differ;
SELECT id FROM bm25_parts ORDER BY body <@> 'fresh' LIMIT 1;
ALTER TABLE bm25_parts DETACH PARTITION bm25_parts_5;
SELECT documents FROM barq_bm25_stats('bm25_parts_idx');
SELECT documents FROM barq_bm25_stats('bm25_parts_5_body_idx');
-- an index of another partition is refused
SELECT pg_temp.outcome('SELECT id FROM bm25_parts_1 ORDER BY body <@> (SELECT to_bm25query(''w1'', ''bm25_parts_2_body_idx'')) LIMIT 1');
-- inheritance without partitions: parent and child apart, with one set of statistics
CREATE TABLE bm25_parent (id int, body text);
CREATE TABLE bm25_child () INHERITS (bm25_parent);
INSERT INTO bm25_parent SELECT i, 'w1 w2' FROM generate_series(1, 5) i;
INSERT INTO bm25_child SELECT 10 + i, 'w1 w3' FROM generate_series(1, 5) i;
CREATE INDEX bm25_parent_idx ON bm25_parent USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX bm25_child_idx ON bm25_child USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT id FROM bm25_parent ORDER BY body <@> 'w3 w1', id LIMIT 2;
DROP TABLE bm25_parts, bm25_parts_5, bm25_whole, bm25_child, bm25_parent;
