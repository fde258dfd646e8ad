-- Answers of each index, by that index alone; upgrade.sh compares them.
SET enable_seqscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION pg_temp.answers(index text, query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    other record;
    answer text;
BEGIN
    -- other indexes of the table must not answer
    FOR other IN SELECT indexrelid FROM pg_index i JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = c.relam
        WHERE indrelid = 'items'::regclass AND amname LIKE 'barq%' AND relname <> index LOOP
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = other.indexrelid;
    END LOOP;
    EXECUTE 'SELECT string_agg(x::text, '' '') FROM (' || query || ') s(x)' INTO answer;
    RETURN NEXT index || ': ' || query || ': ' || coalesce(answer, 'none');
    UPDATE pg_index SET indisvalid = true WHERE NOT indisvalid AND indrelid = 'items'::regclass;
END $$;
SELECT pg_temp.answers(index, format(query, i))
FROM (VALUES
    ('hnsw_sq8', 'SELECT id FROM items ORDER BY v <=> (item(%s)).v LIMIT 10'),
    ('hnsw_filter', 'SELECT id FROM items WHERE n = 2 AND tags @> ''{tag1}'' ORDER BY v <-> (item(%s)).v LIMIT 10'),
    ('hnsw_rabitq', 'SELECT id FROM items ORDER BY v <#> (item(%s)).v LIMIT 10'),
    ('hnsw_f16', 'SELECT id FROM items ORDER BY h <-> (item(%s)).h LIMIT 10'),
    ('hnsw_l1', 'SELECT id FROM items ORDER BY h <+> (item(%s)).h LIMIT 10'),
    ('hnsw_sparse', 'SELECT round((s <-> (item(%1$s)).s)::numeric, 4) FROM items ORDER BY s <-> (item(%1$s)).s LIMIT 10'),
    ('hnsw_bit', 'SELECT round((b <%%> (item(%1$s)).b)::numeric, 4) FROM items ORDER BY b <%%> (item(%1$s)).b LIMIT 10'),
    ('ivf_sq8', 'SELECT id FROM items ORDER BY v <=> (item(%s)).v LIMIT 10'),
    ('ivf_rabitq', 'SELECT id FROM items ORDER BY h <-> (item(%s)).h LIMIT 10'),
    ('ivf_bit', 'SELECT b <~> (item(%1$s)).b FROM items ORDER BY b <~> (item(%1$s)).b LIMIT 10')) searches(index, query),
    (VALUES (5), (1234), (2999), (3107), (3222)) ids(i);
SELECT pg_temp.answers(index, query)
FROM (VALUES
    ('bm25_words', 'SELECT (id, round((t <@> ''word3 rare'')::numeric, 5)) FROM items ORDER BY t <@> ''word3 rare'', id LIMIT 10'),
    ('bm25_words', 'SELECT count(*) FROM items WHERE t @@@ ''"rare phrase" -word4'''),
    ('bm25_words', 'SELECT id FROM items WHERE t @@@ ''tail320*'' AND n = 3 ORDER BY id'),
    ('bm25_ngram', 'SELECT count(*) FROM items WHERE t @@@ to_bm25query(''phra'', ''bm25_ngram'')'),
    ('bm25_ngram', 'SELECT id FROM items WHERE t @@@ to_bm25query(''tail3249'', ''bm25_ngram'') ORDER BY t <@> to_bm25query(''tail3249'', ''bm25_ngram''), id LIMIT 1')) searches(index, query);
SELECT 'view', string_agg(id::text, ' ') FROM found;
SELECT 'materialized view', string_agg(id || ' ' || round(d::numeric, 4), ' ') FROM near;
SELECT 'function', nearest((item(77)).v);
SELECT 'defaults', q, v FROM queries;
SELECT 'hybrid', (doc).id, round(score::numeric, 5), vector_rank, text_rank
FROM barq_hybrid(NULL::items, embedding => (SELECT v FROM items WHERE id = 7), query => 'word7 rare', k => 5,
    vector_index => 'hnsw_sq8', text_index => 'bm25_words');
SELECT 'partitions', string_agg(id::text, ' ') FROM (SELECT id FROM parts ORDER BY v <-> (item(999)).v LIMIT 10) s;
SELECT 'unlogged', string_agg(id::text, ' ') FROM (SELECT id FROM fleeting ORDER BY v <-> (item(99)).v LIMIT 10) s;
SELECT 'statistics', * FROM barq_bm25_stats('bm25_words');
SELECT 'terms', * FROM barq_bm25_terms('Running words', 'words');
