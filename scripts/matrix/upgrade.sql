-- A database that uses all of barq, for upgrade.sh.
CREATE EXTENSION barq;
CREATE TEXT SEARCH CONFIGURATION words (COPY = english);
ALTER TEXT SEARCH CONFIGURATION words ALTER MAPPING FOR asciiword WITH simple;
CREATE TABLE items (id int PRIMARY KEY, v vector(16), h halfvec(16), s sparsevec(64), b bit(64), t text, n int, tags text[]);
ALTER TABLE items SET (autovacuum_enabled = off);
CREATE FUNCTION item(i int) RETURNS items LANGUAGE sql IMMUTABLE AS $$
    SELECT i, v, v::halfvec, ('{1:' || i % 89 + 1 || ',' || i % 60 + 3 || ':' || i % 31 + 1 || '}/64')::sparsevec,
        ((i::bigint * 2654435761) % 4294967296)::bit(32) || ((i::bigint * 40503 + 977) % 4294967296)::bit(32),
        'word' || i % 10 || ' common ' || CASE WHEN i % 7 = 0 THEN 'rare phrase ' ELSE 'phrase rare ' END || 'tail' || i,
        i % 5, ARRAY['tag' || i % 3, 'tag' || i % 4]
    FROM (SELECT array_agg(((i * 7919 + j * 104729 + i % 1000 * j * 31) % 2001 - 1000) / 1000.0 ORDER BY j)::real[]::vector AS v
        FROM generate_series(1, 16) j) s $$;
INSERT INTO items SELECT (item(i)).* FROM generate_series(1, 3000) i;
CREATE INDEX hnsw_sq8 ON items USING barq_hnsw (v vector_cosine_ops);
CREATE INDEX hnsw_filter ON items USING barq_hnsw (v vector_l2_ops, n, tags) WITH (quantization = 'none', m = 8);
CREATE INDEX hnsw_rabitq ON items USING barq_hnsw (v vector_ip_ops) WITH (quantization = 'rabitq');
CREATE INDEX hnsw_f16 ON items USING barq_hnsw (h halfvec_l2_ops) WITH (quantization = 'f16');
CREATE INDEX hnsw_l1 ON items USING barq_hnsw (h halfvec_l1_ops);
CREATE INDEX hnsw_sparse ON items USING barq_hnsw (s sparsevec_l2_ops);
CREATE INDEX hnsw_bit ON items USING barq_hnsw (b bit_jaccard_ops);
CREATE INDEX ivf_sq8 ON items USING barq_ivf (v vector_cosine_ops) WITH (lists = 16);
CREATE INDEX ivf_rabitq ON items USING barq_ivf (h halfvec_l2_ops) WITH (lists = 16, quantization = 'rabitq');
CREATE INDEX ivf_bit ON items USING barq_ivf (b bit_hamming_ops) WITH (lists = 16);
CREATE INDEX bm25_words ON items USING barq_bm25 (t, n) WITH (text_config = 'public.words');
CREATE INDEX bm25_ngram ON items USING barq_bm25 (t) WITH (text_config = 'simple', tokenizer = 'ngram', positions = off);
CREATE INDEX vector_order ON items USING btree (v);
-- a sealed segment, a growing log, a row without keys, dead rows
INSERT INTO items SELECT (item(i)).* FROM generate_series(3001, 3200) i;
SELECT barq_seal(index) FROM barq_indexes();
INSERT INTO items SELECT (item(i)).* FROM generate_series(3201, 3250) i;
INSERT INTO items (id) VALUES (3251);
DELETE FROM items WHERE id % 50 = 0;
VACUUM items;
-- objects that refer to the extension's
CREATE VIEW found AS SELECT id FROM items WHERE t @@@ to_bm25query('word3', 'bm25_words') ORDER BY t <@> to_bm25query('word3', 'bm25_words') LIMIT 5;
CREATE MATERIALIZED VIEW near AS SELECT id, v <-> (SELECT v FROM items WHERE id = 1) AS d FROM items WHERE v IS NOT NULL ORDER BY 2, 1 LIMIT 5;
CREATE FUNCTION nearest(vector) RETURNS int LANGUAGE sql STABLE BEGIN ATOMIC SELECT id FROM items ORDER BY v <=> $1 LIMIT 1; END;
CREATE TABLE queries (q bm25query DEFAULT to_bm25query('word1', 'bm25_words'), v vector(3) DEFAULT '[1,2,3]', CHECK (vector_norm(v) > 0));
INSERT INTO queries DEFAULT VALUES;
-- a partitioned table, an unlogged one
CREATE TABLE parts (id int, v vector(16)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (1000) TO (9000);
INSERT INTO parts SELECT id, v FROM items WHERE v IS NOT NULL;
CREATE INDEX parts_v ON parts USING barq_hnsw (v vector_l2_ops);
CREATE UNLOGGED TABLE fleeting AS SELECT id, v FROM items WHERE id <= 500 AND v IS NOT NULL;
CREATE INDEX fleeting_v ON fleeting USING barq_ivf (v);
ANALYZE;
