-- barq_indexes() shows the format of each index, and why REINDEX is wanted: options
-- that wait for it, an altered or missing text search configuration, an index that
-- was not built to its end; after REINDEX nothing is left. (Formats that are not
-- read: test/t/106_old_indexes.pl.)
CREATE TABLE index_rebuild (id int, v vector(3), t text);
INSERT INTO index_rebuild SELECT i, ARRAY[i, i % 7, 1]::vector, 'word' || i % 5 FROM generate_series(1, 50) i;
CREATE TEXT SEARCH CONFIGURATION index_rebuild_words (COPY = simple);
CREATE INDEX index_rebuild_hnsw ON index_rebuild USING barq_hnsw (v vector_l2_ops);
CREATE INDEX index_rebuild_ivf ON index_rebuild USING barq_ivf (v);
CREATE INDEX index_rebuild_bm25 ON index_rebuild USING barq_bm25 (t) WITH (text_config = 'public.index_rebuild_words');
CREATE VIEW index_rebuild_wanted AS
    SELECT index, rebuild FROM barq_indexes() WHERE "table" = 'index_rebuild'::regclass ORDER BY index::text COLLATE "C";
SELECT count(*), count(DISTINCT format), min(format) >= 5 AS present, count(rebuild) AS wanted
FROM barq_indexes() WHERE "table" = 'index_rebuild'::regclass;
SET client_min_messages = warning;
ALTER INDEX index_rebuild_hnsw SET (m = 8);
ALTER TEXT SEARCH CONFIGURATION index_rebuild_words ALTER MAPPING FOR asciiword WITH english_stem;
-- as CREATE INDEX CONCURRENTLY leaves one that failed late, and one that failed early
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'index_rebuild_ivf'::regclass;
SELECT * FROM index_rebuild_wanted;
UPDATE pg_index SET indisready = false WHERE indexrelid = 'index_rebuild_ivf'::regclass;
SELECT index, options, rows, format, rebuild FROM barq_indexes() WHERE index = 'index_rebuild_ivf'::regclass;
-- a role that may not see the table sees none of it
CREATE ROLE index_rebuild_stranger;
SET ROLE index_rebuild_stranger;
SELECT count(*) FROM barq_indexes() WHERE "table" = 'index_rebuild'::regclass;
RESET ROLE;
DROP ROLE index_rebuild_stranger;
REINDEX TABLE index_rebuild;
SELECT * FROM index_rebuild_wanted;
SELECT index, barq_check(index) FROM barq_indexes() WHERE "table" = 'index_rebuild'::regclass;
DROP TABLE index_rebuild CASCADE;
DROP TEXT SEARCH CONFIGURATION index_rebuild_words;
