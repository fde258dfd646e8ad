-- hybrid: rankings of vectors and of text, fused

CREATE FUNCTION barq_rrf(rank bigint, rrf_k float8 DEFAULT 60,
	weight float8 DEFAULT 1) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_rrf(bigint, float8, float8) IS 'what a rank adds to a score in reciprocal rank fusion: weight/(rrf_k + rank), 0 for NULL';

CREATE FUNCTION barq_hybrid(item anyelement, embedding text DEFAULT NULL,
	query text DEFAULT NULL, k int DEFAULT 10, candidates int DEFAULT 100,
	rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, filter text DEFAULT NULL,
	filter_args text[] DEFAULT '{}', vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, text, text[], name, name) IS 'rows of a table, best first by a ranking of vectors and one of text, fused';

-- the embedding has no default here, so that a call without one is not ambiguous
CREATE FUNCTION barq_hybrid(item anyelement, embedding vector,
	query text DEFAULT NULL, k int DEFAULT 10, candidates int DEFAULT 100,
	rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, filter text DEFAULT NULL,
	filter_args text[] DEFAULT '{}', vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, vector, text, int, int, float8, float8, float8, text, text[], name, name) IS 'rows of a table, best first by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(item anyelement, embedding halfvec,
	query text DEFAULT NULL, k int DEFAULT 10, candidates int DEFAULT 100,
	rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, filter text DEFAULT NULL,
	filter_args text[] DEFAULT '{}', vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, halfvec, text, int, int, float8, float8, float8, text, text[], name, name) IS 'rows of a table, best first by a ranking of vectors and one of text, fused';
