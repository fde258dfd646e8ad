-- On the coordinator of a Citus cluster, after citus_add_node(): a distributed table with
-- barq's indexes. CREATE EXTENSION and CREATE INDEX reach all workers and shards.
CREATE EXTENSION IF NOT EXISTS barq;
SET citus.shard_count = 4;
CREATE TABLE docs (id bigint PRIMARY KEY, body text, embedding vector(8));
SELECT create_distributed_table('docs', 'id');
CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX docs_embedding ON docs USING barq_hnsw (embedding vector_cosine_ops);

-- A text query with the statistics of all shards, as barq_global_query() gives it over
-- postgres_fdw. run_command_on_shards() puts the name of a shard for %s.
CREATE FUNCTION docs_words(words text) RETURNS bm25global LANGUAGE plpgsql AS $$
DECLARE
	result bm25global;
	failure text;
BEGIN
	SELECT sum(r.result::bm25global) FILTER (WHERE r.success), min(r.result) FILTER (WHERE NOT r.success)
	INTO result, failure
	FROM run_command_on_shards('docs', $command$
		SELECT to_bm25global($command$ || replace(quote_literal(words), '%', '%%') || $command$, x.indexrelid)
		FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am a ON a.oid = c.relam
		WHERE x.indrelid = '%s'::regclass AND a.amname = 'barq_bm25'$command$) r;
	IF failure IS NOT NULL THEN
		RAISE EXCEPTION 'a shard has no statistics: %', failure;
	END IF;
	RETURN result;
END $$;
