-- barq_hybrid(group_by, per_group): rows by group, as many groups as there are.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

-- Chunks of documents. The first document has most of the chunks, all of them near the
-- query, so other documents begin far down in both rankings.
SELECT setseed(0.25);
CREATE TABLE hybrid_chunks (id int PRIMARY KEY, document int, name text, at date, label numeric, body text, v vector(4));
INSERT INTO hybrid_chunks SELECT i, d, CASE WHEN d % 4 = 0 THEN NULL ELSE 'd' || d END, date '2026-01-01' + d, d / 2.0,
	repeat('apple ', CASE WHEN d = 0 THEN 4 ELSE 1 + i % 3 END) || 'word' || i,
	CASE WHEN d = 0 THEN ARRAY[1, i / 10000.0, 0, 0]::vector ELSE pg_temp.random_vector(4, -0.5, 0.5) END
	FROM (SELECT i, CASE WHEN i <= 1500 THEN 0 ELSE 1 + (i * 7) % 60 END AS d FROM generate_series(1, 2100) i) s;
CREATE INDEX hybrid_chunks_v ON hybrid_chunks USING barq_hnsw (v vector_l2_ops);
CREATE INDEX hybrid_chunks_body ON hybrid_chunks USING barq_bm25 (body) WITH (text_config = 'simple');
ANALYZE hybrid_chunks;

-- Exact: the best row of each group by its distance, or by its words.
CREATE FUNCTION pg_temp.nearest(column_name text, k int, condition text DEFAULT 'true') RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	ids int[];
BEGIN
	EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM (SELECT DISTINCT ON (%1$I) id, ctid, (v <-> ''[1,0,0,0]'') + 0 AS d FROM hybrid_chunks WHERE %3$s ORDER BY %1$I, d, ctid) s ORDER BY d, ctid LIMIT %2$s) t', column_name, k, condition) INTO ids;
	RETURN ids;
END $$;
CREATE FUNCTION pg_temp.grouped(column_name name, k int, condition text DEFAULT 'true', candidates int DEFAULT 10) RETURNS int[] LANGUAGE sql AS $$
	SELECT array_agg((doc).id) FROM barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', k => k, candidates => candidates, filter => condition, group_by => column_name)
$$;
-- columns of several types, with NULLs as one group; as many groups as there are
SELECT c AS column, k, pg_temp.grouped(c, k) = pg_temp.nearest(c, k) AS same, array_length(pg_temp.grouped(c, k), 1) AS groups
FROM unnest(ARRAY['document', 'name', 'at', 'label', 'id']) c, unnest(ARRAY[1, 2, 10, 1000]) k;
SELECT k, pg_temp.grouped('document', k, 'id % 2 = 0') = pg_temp.nearest('document', k, 'id % 2 = 0') AS same FROM unnest(ARRAY[1, 5, 100]) k;
SELECT pg_temp.grouped('document', 5, 'false') IS NULL AS none;
-- the same in each way to scan: cut short, in relaxed order, without the index
SET barq.max_scan_tuples = 20;
SELECT pg_temp.grouped('document', 10) = pg_temp.nearest('document', 10) AS same;
RESET barq.max_scan_tuples;
SET barq.iterative_scan = relaxed_order;
SELECT pg_temp.grouped('document', 10) = pg_temp.nearest('document', 10) AS same;
SET barq.iterative_scan = off;
SELECT pg_temp.grouped('document', 10) = pg_temp.nearest('document', 10) AS same;
RESET barq.iterative_scan;
SET enable_indexscan = off;
SELECT pg_temp.grouped('document', 10) = pg_temp.nearest('document', 10) AS same;
RESET enable_indexscan;

-- words alone: groups of rows that match
SELECT count(*), count(DISTINCT (doc).document), min((doc).id) FILTER (WHERE (doc).document = 0) FROM barq_hybrid(NULL::hybrid_chunks, query => 'apple', k => 1000, candidates => 1, group_by => 'document');
SELECT count(*) FROM barq_hybrid(NULL::hybrid_chunks, query => 'word7 word1600 word1601', k => 1000, group_by => 'document');

-- both rankings: no group twice, as many as there are, best first
SELECT k, count(*), count(DISTINCT (doc).document), bool_and(descends) FROM unnest(ARRAY[1, 3, 61, 100]) k,
	LATERAL (SELECT *, score <= coalesce(lag(score) OVER (), 'inf') AS descends FROM barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', 'apple word1999', k => k, candidates => 5, group_by => 'document')) s GROUP BY k ORDER BY k;
-- where the candidates have enough groups, the rows are the best ones of the plain call
SELECT ARRAY(SELECT (doc).id FROM barq_hybrid(NULL::hybrid_chunks, '[0,1,0,0]', 'apple word1999', k => 10, candidates => 500, filter => 'document > 0', group_by => 'document'))
	= ARRAY(SELECT id FROM (SELECT DISTINCT ON ((doc).document) (doc).id, n FROM (SELECT doc, row_number() OVER () AS n FROM barq_hybrid(NULL::hybrid_chunks, '[0,1,0,0]', 'apple word1999', k => 500, candidates => 500, filter => 'document > 0')) s ORDER BY (doc).document, n) t ORDER BY n LIMIT 10) AS same;

-- per_group: at most so many of each of k groups
SELECT p AS per_group, count(*), count(DISTINCT (doc).document), max(n) FROM unnest(ARRAY[1, 2, 5]) p,
	LATERAL (SELECT doc, count(*) OVER (PARTITION BY (doc).document) AS n FROM barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', 'apple', k => 4, candidates => 2000, group_by => 'document', per_group => p)) s GROUP BY p ORDER BY p;
-- a ranking with a cap of its own has no more rows for the sake of groups
SELECT count(*) FROM barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', k => 10, vector_candidates => 20, group_by => 'document');
SELECT count(*), count(text_rank) FROM barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', 'apple', k => 10, text_candidates => 20, group_by => 'document');

-- linear fusion, boosts and diversity with groups
SELECT f, count(*), count(DISTINCT (doc).document) FROM unnest(ARRAY['rrf', 'linear', 'linear_zscore']) f, LATERAL barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', 'apple', k => 12, group_by => 'document', fusion => f, boost => '1 + document', diversity => 0.4) GROUP BY f ORDER BY f;
-- a boost decides which row of a group is the best
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', k => 1, candidates => 200, group_by => 'document', boost => 'CASE id WHEN 123 THEN 1000 ELSE 1 END');

-- a table with partitions, and with a domain as the group's type
CREATE DOMAIN hybrid_document AS int CHECK (VALUE >= 0);
CREATE TABLE hybrid_parts (id int, document hybrid_document, body text, v vector(4), PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE hybrid_parts_1 PARTITION OF hybrid_parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE hybrid_parts_2 PARTITION OF hybrid_parts FOR VALUES FROM (1000) TO (9999);
INSERT INTO hybrid_parts SELECT id, document, body, v FROM hybrid_chunks;
CREATE INDEX ON hybrid_parts USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_parts USING barq_bm25 (body) WITH (text_config = 'simple');
ANALYZE hybrid_parts;
SELECT ARRAY(SELECT (doc).id FROM barq_hybrid(NULL::hybrid_parts, '[1,0,0,0]', k => 100, group_by => 'document')) = pg_temp.nearest('document', 100) AS same;
SELECT count(*), count(DISTINCT (doc).document) FROM barq_hybrid(NULL::hybrid_parts, '[1,0,0,0]', 'apple', k => 100, group_by => 'document', diversity => 0.2, boost => 'id');
DROP TABLE hybrid_parts;
DROP DOMAIN hybrid_document;

-- types with a length, whose bare names mean a length of 1
CREATE DOMAIN hybrid_bits AS bit(8);
CREATE TABLE hybrid_lengths (id int PRIMARY KEY, c char(4), b bit(6), d hybrid_bits, v hybrid_bits);
INSERT INTO hybrid_lengths SELECT i, 'a' || i % 10, (i % 10)::bit(6), (i % 10)::bit(8), i::bit(8) FROM generate_series(1, 100) i;
CREATE INDEX ON hybrid_lengths USING barq_hnsw (v bit_hamming_ops);
SELECT g, count(*) FROM unnest(ARRAY['c', 'b', 'd', 'id']::name[]) g, LATERAL barq_hybrid(NULL::hybrid_lengths, '00110011', k => 50, group_by => g) GROUP BY g ORDER BY g;
SELECT (doc).id, (doc).v, vector_rank FROM barq_hybrid(NULL::hybrid_lengths, '00110011', k => 3);
DROP TABLE hybrid_lengths;
DROP DOMAIN hybrid_bits;

-- ties in a group: the primary key decides, as without groups
CREATE TABLE hybrid_tied (a int PRIMARY KEY, g int, v vector(2), words text);
INSERT INTO hybrid_tied VALUES (5, 1, '[1,0]', NULL), (3, 1, NULL, 'apple'), (9, 2, '[2,0]', NULL), (2, 2, NULL, 'apple pie');
CREATE INDEX ON hybrid_tied USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_tied USING barq_bm25 (words) WITH (text_config = 'simple');
SELECT (doc).a, score, vector_rank, text_rank FROM barq_hybrid(NULL::hybrid_tied, '[0,0]', 'apple', group_by => 'g');
SELECT (doc).a, score FROM barq_hybrid(NULL::hybrid_tied, '[0,0]', 'apple', group_by => 'g', per_group => 2);
SELECT (doc).a, score FROM barq_hybrid(NULL::hybrid_tied, '[0,0]', 'apple', boost => '2');
DROP TABLE hybrid_tied;

-- a parameter of a prepared statement, and a change of the column
PREPARE grouped(vector, int) AS SELECT array_agg((doc).id) FROM barq_hybrid(NULL::hybrid_chunks, $1, k => $2, group_by => 'document');
EXECUTE grouped('[1,0,0,0]', 3);
ALTER TABLE hybrid_chunks ALTER document TYPE text USING document::text;
EXECUTE grouped('[1,0,0,0]', 3);
ALTER TABLE hybrid_chunks RENAME document TO paper;
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', group_by => 'document')$$);
SELECT count(*) FROM barq_hybrid(NULL::hybrid_chunks, '[1,0,0,0]', k => 7, group_by => 'paper');
DROP TABLE hybrid_chunks;
