-- searches over partitions on several servers (postgres_fdw)

CREATE FUNCTION barq_global_query(item regclass, query text, text_column name DEFAULT NULL) RETURNS bm25global
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000;
COMMENT ON FUNCTION barq_global_query(regclass, text, name) IS 'a text query with the statistics of all shards of a table';

CREATE FUNCTION barq_sharded_sql(
	item regclass, embedding text DEFAULT NULL, query bm25global DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, filter_args text[] DEFAULT '{}',
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL, distance text DEFAULT '<=>',
	group_by name DEFAULT NULL, boost text DEFAULT NULL, diversity float8 DEFAULT 0) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION barq_sharded_sql(regclass, text, bm25global, int, int, float8, float8, float8, text, text[], name, name, text, name, text, float8) IS 'the statement by which barq_sharded() searches: ORDER BY and LIMIT for each shard, merged';

CREATE FUNCTION barq_sharded(
	item anyelement, embedding text DEFAULT NULL, query text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, filter_args text[] DEFAULT '{}',
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL, distance text DEFAULT '<=>',
	group_by name DEFAULT NULL, boost text DEFAULT NULL, diversity float8 DEFAULT 0)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int, vector_distance float8, text_score float8, partial boolean)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_sharded(anyelement, text, text, int, int, float8, float8, float8, text, text[], name, name, text, name, text, float8) IS 'best rows of a table over partitions on several servers: each ranking merged over all shards, then fused';
