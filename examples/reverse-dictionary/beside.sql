-- The same senses as other software searches them: PostgreSQL's own tsvector with a GIN
-- index, and pgvector with its HNSW index where the server has it. pgvector gets a schema
-- of its own, since its type has the name of barq's.
SELECT EXISTS (
	SELECT FROM pg_available_extension_versions
	-- barq has an optional extension of that name too, which needs barq
	WHERE name = 'vector' AND 'barq' <> ALL (coalesce(requires, '{}'))) AS pgvector \gset

SET client_min_messages = warning;
SET maintenance_work_mem = '1GB';
\if :pgvector
	CREATE SCHEMA IF NOT EXISTS pgvector;
	CREATE EXTENSION IF NOT EXISTS vector SCHEMA pgvector;
	GRANT USAGE ON SCHEMA pgvector TO reverse_dictionary;
	\set embedding ', embedding::text::pgvector.vector(100) AS embedding'
\else
	\set embedding ''
\endif
DROP TABLE IF EXISTS beside;
CREATE TABLE beside AS
	SELECT id, part_of_speech, words, gloss, letters, to_tsvector('english', gloss) AS gloss_tsv :embedding FROM senses;
ALTER TABLE beside ADD PRIMARY KEY (id);
CREATE INDEX ON beside USING gin (gloss_tsv);
\if :pgvector
	CREATE INDEX ON beside USING hnsw (embedding pgvector.vector_cosine_ops);
\endif
VACUUM (ANALYZE) beside;
GRANT SELECT ON beside TO reverse_dictionary;
