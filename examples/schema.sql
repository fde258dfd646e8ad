-- The table that all examples search: titles with vectors, of two tenants.
CREATE EXTENSION IF NOT EXISTS barq;
CREATE TABLE items (
    id        bigint PRIMARY KEY,
    tenant    int NOT NULL,
    title     text NOT NULL,
    embedding vector(3) NOT NULL
);
CREATE INDEX ON items USING barq_hnsw (embedding vector_cosine_ops, tenant);
CREATE INDEX ON items USING barq_bm25 (title) WITH (text_config = 'english');
