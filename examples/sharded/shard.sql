-- On each server: the table of one partition, with indexes of its own.
--   psql -v part=1 -f shard.sql
-- All shards need the same text_config, tokenizer, k1 and b.
CREATE EXTENSION IF NOT EXISTS barq;
CREATE TABLE docs_:part (
	id bigint PRIMARY KEY,
	body text,
	embedding vector(8)
);
CREATE INDEX ON docs_:part USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX ON docs_:part USING barq_hnsw (embedding vector_cosine_ops);
