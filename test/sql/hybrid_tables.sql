-- barq_hybrid(): partitioned tables, inheritance, tables without a key, and rankings
-- that an index scan does not complete.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all
SELECT setseed(0.5);

-- partitions with another order of columns
CREATE TABLE hybrid_parts (id int, region text, body text, v vector(4), PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE hybrid_parts_a PARTITION OF hybrid_parts FOR VALUES IN ('a');
CREATE TABLE hybrid_parts_b (extra int, v vector(4), body text, region text NOT NULL, id int NOT NULL);
ALTER TABLE hybrid_parts_b DROP extra;
ALTER TABLE hybrid_parts ATTACH PARTITION hybrid_parts_b FOR VALUES IN ('b');
CREATE TABLE hybrid_parts_c PARTITION OF hybrid_parts FOR VALUES IN ('c', 'd') PARTITION BY LIST (region);
CREATE TABLE hybrid_parts_c1 PARTITION OF hybrid_parts_c FOR VALUES IN ('c');
CREATE TABLE hybrid_parts_d PARTITION OF hybrid_parts_c DEFAULT;
INSERT INTO hybrid_parts SELECT i, substr('abcd', 1 + i % 4, 1), (SELECT string_agg('w' || floor(30 * random() * random()), ' ') FROM generate_series(1, 8 + i % 5)), pg_temp.random_vector(4) FROM generate_series(1, 800) i;
CREATE INDEX hybrid_parts_v ON hybrid_parts USING barq_hnsw (v vector_l2_ops);
CREATE INDEX hybrid_parts_body ON hybrid_parts USING barq_bm25 (body) WITH (text_config = 'simple');
ANALYZE hybrid_parts;

CREATE FUNCTION pg_temp.differences(condition text DEFAULT 'true', candidates int DEFAULT 1000) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format($q$SELECT count(*) FROM (SELECT v AS q, 'w' || i %% 20 || ' w' || i %% 27 AS words FROM generate_series(1, 30) i JOIN hybrid_parts ON id = i * 23) s
	WHERE ARRAY(SELECT row((doc).*, score, vector_rank, text_rank)::text FROM barq_hybrid(NULL::hybrid_parts, s.q, s.words, candidates => %2$s, filter => %1$L))
		IS DISTINCT FROM ARRAY(
			WITH near AS (SELECT id, row_number() OVER (ORDER BY (v <-> s.q) + 0, tableoid, ctid) AS rank FROM hybrid_parts WHERE %1$s ORDER BY rank LIMIT %2$s),
			found AS (SELECT id, row_number() OVER (ORDER BY d, tableoid, ctid) AS rank
				FROM (SELECT id, tableoid, ctid, (body <@> to_bm25query(s.words, 'hybrid_parts_body')) + 0 AS d FROM hybrid_parts WHERE %1$s) x WHERE d < 0 ORDER BY rank LIMIT %2$s)
			SELECT row(p.*, barq_rrf(n.rank) + barq_rrf(f.rank), n.rank, f.rank)::text
			FROM near n FULL JOIN found f USING (id) JOIN hybrid_parts p USING (id)
			ORDER BY barq_rrf(n.rank) + barq_rrf(f.rank) DESC, least(n.rank, f.rank), region, id LIMIT 10)$q$, condition, candidates) INTO n;
	RETURN n;
END $$;
SET barq.ef_search = 400;
SELECT pg_temp.differences();
SELECT pg_temp.differences('region = ''b''');
SELECT pg_temp.differences('region IN (''a'', ''d'') AND id % 3 = 0');
SELECT pg_temp.differences('hybrid_parts.id > 700');
SELECT pg_temp.differences('false');
-- one partition cut short, others not
SET barq.max_scan_tuples = 30;
SET enable_seqscan = off;
SELECT count(*) FILTER (WHERE near <> exact) AS differences, min(cardinality(near)) FROM (SELECT
	ARRAY(SELECT (doc).id FROM barq_hybrid(NULL::hybrid_parts, q.v, k => 20, candidates => 20, filter => 'region = ''b'' OR id % 10 = 0')) AS near,
	ARRAY(SELECT id FROM hybrid_parts WHERE region = 'b' OR id % 10 = 0 ORDER BY (v <-> q.v) + 0 LIMIT 20) AS exact FROM hybrid_parts q WHERE id % 20 = 0) s;
RESET enable_seqscan;
RESET barq.max_scan_tuples;
-- a partition by itself has its own indexes and statistics
SELECT count(*), bool_and((doc).region = 'b') FROM barq_hybrid(NULL::hybrid_parts_b, '[0,0,0,0]', 'w1', k => 20);
SELECT count(*), count(DISTINCT (doc).region) FROM barq_hybrid(NULL::hybrid_parts_c, '[0,0,0,0]', 'w1', k => 20);
-- partitions are attached and detached
CREATE TABLE hybrid_parts_e PARTITION OF hybrid_parts FOR VALUES IN ('e');
INSERT INTO hybrid_parts VALUES (9001, 'e', 'w1 w1 w1', '[0,0,0,0]');
SELECT (doc).id, (doc).region, vector_rank FROM barq_hybrid(NULL::hybrid_parts, '[0,0,0,0]', 'w1', k => 1);
SELECT pg_temp.differences();
ALTER TABLE hybrid_parts DETACH PARTITION hybrid_parts_e;
SELECT count(*) FROM barq_hybrid(NULL::hybrid_parts, '[0,0,0,0]', 'w1') WHERE (doc).id = 9001;
SELECT pg_temp.differences();
DROP TABLE hybrid_parts, hybrid_parts_e;

-- inheritance: children have more columns, and may repeat keys of the parent
CREATE TABLE hybrid_parent (id int PRIMARY KEY, v vector(2), body text);
CREATE TABLE hybrid_child (more text) INHERITS (hybrid_parent);
INSERT INTO hybrid_parent SELECT i, ARRAY[i, 0]::vector, 'word' FROM generate_series(1, 5) i;
INSERT INTO hybrid_child SELECT i, ARRAY[i + 0.5, 0]::vector, 'word', 'more' FROM generate_series(1, 5) i;
CREATE INDEX ON hybrid_parent USING barq_hnsw (v vector_l2_ops);
SELECT (doc).*, vector_rank FROM barq_hybrid(NULL::hybrid_parent, '[2,0]', k => 4);
CREATE INDEX ON hybrid_child USING barq_hnsw (v vector_l2_ops);
SELECT (doc).*, vector_rank FROM barq_hybrid(NULL::hybrid_parent, '[2,0]', k => 4);
SELECT (doc).*, vector_rank FROM barq_hybrid(NULL::hybrid_child, '[2,0]', k => 2);
-- rows with the same distance and key: by table, then address
UPDATE hybrid_child SET v = '[1,0]', id = 1 WHERE id = 2;
SELECT (doc).id, vector_rank FROM barq_hybrid(NULL::hybrid_parent, '[1,0]', k => 3);
DROP TABLE hybrid_parent CASCADE;

-- a foreign table below it: rows cannot be fetched by address
CREATE FOREIGN DATA WRAPPER hybrid_wrapper;
CREATE SERVER hybrid_server FOREIGN DATA WRAPPER hybrid_wrapper;
CREATE TABLE hybrid_mixed (id int, v vector(2)) PARTITION BY LIST (id);
CREATE TABLE hybrid_mixed_1 PARTITION OF hybrid_mixed FOR VALUES IN (1);
CREATE INDEX ON hybrid_mixed USING barq_hnsw (v vector_l2_ops);
INSERT INTO hybrid_mixed VALUES (1, '[1,1]');
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_mixed, '[2,0]');
CREATE FOREIGN TABLE hybrid_mixed_2 (id int, v vector(2)) SERVER hybrid_server;
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_mixed_2, '[2,0]')$$);
ALTER TABLE hybrid_mixed ATTACH PARTITION hybrid_mixed_2 FOR VALUES IN (2);
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_mixed, '[2,0]')$$);
ALTER TABLE hybrid_mixed DETACH PARTITION hybrid_mixed_2;
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_mixed, '[2,0]');
DROP TABLE hybrid_mixed;
SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER hybrid_wrapper CASCADE;
RESET client_min_messages;

-- no key, equal rows: by address
CREATE TABLE hybrid_keyless (n int, v vector(2), body text);
INSERT INTO hybrid_keyless SELECT i % 3, '[1,1]', 'same words' FROM generate_series(1, 9) i;
CREATE INDEX ON hybrid_keyless USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_keyless USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT (doc).n, score, vector_rank, text_rank FROM barq_hybrid(NULL::hybrid_keyless, '[0,0]', 'words', k => 4);
DROP TABLE hybrid_keyless;

-- wide rows, stored out of line; a row updated on its page
CREATE TABLE hybrid_wide (id int PRIMARY KEY, v vector(1000), body text, hits int DEFAULT 0) WITH (fillfactor = 50);
INSERT INTO hybrid_wide SELECT i, (SELECT array_agg(((i * g) % 97)::real) FROM generate_series(1, 1000) g)::vector, repeat('word' || i || ' ', 2000) FROM generate_series(1, 40) i;
CREATE INDEX ON hybrid_wide USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_wide USING barq_bm25 (body) WITH (text_config = 'simple');
UPDATE hybrid_wide SET hits = 7 WHERE id = 3;
ALTER TABLE hybrid_wide ADD later text DEFAULT 'added', DROP hits;
SELECT (doc).id, length((doc).body), vector_dims((doc).v), (doc).later, vector_rank, text_rank FROM barq_hybrid(NULL::hybrid_wide, (SELECT v FROM hybrid_wide WHERE id = 3), 'word3', k => 1);
CREATE TEMP TABLE hybrid_kept AS SELECT doc FROM barq_hybrid(NULL::hybrid_wide, (SELECT v FROM hybrid_wide WHERE id = 3), 'word3', k => 2);
TRUNCATE hybrid_wide;
SELECT length((doc).body) FROM hybrid_kept LIMIT 1;
DROP TABLE hybrid_kept, hybrid_wide;

-- a ranking cut at the scan's limit is made again, exactly
CREATE TABLE hybrid_bound (id int PRIMARY KEY, rare boolean, body text, v vector(4));
INSERT INTO hybrid_bound SELECT i, i % 200 = 0, 'word' || CASE WHEN i % 200 = 0 THEN ' rare' ELSE '' END, pg_temp.random_vector(4) FROM generate_series(1, 6000) i;
CREATE INDEX hybrid_bound_v ON hybrid_bound USING barq_hnsw (v vector_l2_ops);
CREATE INDEX hybrid_bound_body ON hybrid_bound USING barq_bm25 (body) WITH (text_config = 'simple');
ANALYZE hybrid_bound;
SET barq.max_scan_tuples = 500;
SET enable_seqscan = off;
-- the result of the index alone
SELECT count(*) < 20 AS short FROM (SELECT id FROM hybrid_bound WHERE rare ORDER BY v <-> '[0,0,0,0]' LIMIT 20) s;
SELECT array_agg((doc).id) = ARRAY(SELECT id FROM hybrid_bound WHERE rare ORDER BY (v <-> '[0,0,0,0]') + 0 LIMIT 20) AS exact, count(*)
FROM barq_hybrid(NULL::hybrid_bound, '[0,0,0,0]', k => 20, candidates => 20, filter => 'rare');
SELECT array_agg((doc).id) = ARRAY(SELECT id FROM hybrid_bound WHERE id % 400 = 200 ORDER BY (v <-> '[0,0,0,0]') + 0 LIMIT 20) AS exact, count(*)
FROM barq_hybrid(NULL::hybrid_bound, '[0,0,0,0]', k => 20, candidates => 20, filter => 'id % $1 = $2', filter_args => '{400,200}');
SELECT count(*), max(vector_rank), max(text_rank) FROM barq_hybrid(NULL::hybrid_bound, '[0,0,0,0]', 'rare', k => 30, filter => 'rare');
-- more candidates than a scan may visit
SELECT count(*) FROM barq_hybrid(NULL::hybrid_bound, '[0,0,0,0]', k => 1000);
-- the setting of iterative scans has no effect and is not changed
SET barq.iterative_scan = off;
SELECT count(*) FROM barq_hybrid(NULL::hybrid_bound, '[0,0,0,0]', k => 20, filter => 'rare');
SELECT count(*) FROM barq_hybrid(NULL::hybrid_bound, '[0,0,0,0]', k => 200);
SHOW barq.iterative_scan;
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_bound, '[0,0,0,0]', k => 20, filter => '1 / (id - 4000) > -5000')$$);
SHOW barq.iterative_scan;
SET barq.iterative_scan = relaxed_order;
SELECT array_agg((doc).id) = ARRAY(SELECT id FROM hybrid_bound WHERE rare ORDER BY (v <-> '[0,0,0,0]') + 0 LIMIT 20) AS exact FROM barq_hybrid(NULL::hybrid_bound, '[0,0,0,0]', k => 20, filter => 'rare');
DROP TABLE hybrid_bound;
