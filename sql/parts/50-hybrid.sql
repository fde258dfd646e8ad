-- hybrid: rankings of vectors and of text, fused

CREATE FUNCTION barq_rrf(rank bigint, rrf_k float8 DEFAULT 60,
	weight float8 DEFAULT 1) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_rrf(bigint, float8, float8) IS 'score of a rank in reciprocal rank fusion: weight/(rrf_k + rank), 0 for NULL';

-- barq_hybrid() with and without filter_args, which may be an array of any type. To
-- resolve a polymorphic result, PostgreSQL looks for the polymorphic arguments at
-- their places in the call, where arguments left to their defaults do not count
-- (funcapi.c: resolve_polymorphic_tupdesc). So filter_args has no default, and there
-- is one function for each number of positional arguments before the first named
-- one; these have no names. The embedding is of type text, which an untyped literal
-- has, or of any type with an assignment cast to the column's.
--
-- A call by position alone, with untyped parameters, has to resolve to the functions
-- without filter_args. Therefore the functions with filter_args have, where possible,
-- a text where the others have a text, and a number where they have a number; in the
-- rest `filter`, which calls with filter_args need anyway, has no default.

CREATE FUNCTION barq_hybrid(
	item anyelement, embedding text DEFAULT NULL, query text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, text, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, embedding "any", query text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, float8, float8, text, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, filter_args anycompatiblearray, filter text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	embedding text DEFAULT NULL, query text DEFAULT NULL,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, anycompatiblearray, text, int, int, float8, float8, float8, text, text, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, filter_args anycompatiblearray, embedding "any",
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, query text DEFAULT NULL,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, anycompatiblearray, "any", int, int, float8, float8, float8, text, text, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, filter_args anycompatiblearray, k int DEFAULT 10,
	candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, query text DEFAULT NULL,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, anycompatiblearray, int, int, float8, float8, float8, text, text, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", filter_args anycompatiblearray, k int DEFAULT 10,
	candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, query text DEFAULT NULL,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", anycompatiblearray, int, int, float8, float8, float8, text, text, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, filter_args anycompatiblearray, filter text,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, anycompatiblearray, text, int, int, float8, float8, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, filter_args anycompatiblearray, filter text,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, anycompatiblearray, text, int, int, float8, float8, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, filter_args anycompatiblearray,
	filter text, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, anycompatiblearray, text, int, float8, float8, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, filter_args anycompatiblearray,
	filter text, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, anycompatiblearray, text, int, float8, float8, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, filter_args anycompatiblearray,
	filter text, rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, anycompatiblearray, text, float8, float8, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, filter_args anycompatiblearray,
	filter text, rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, anycompatiblearray, text, float8, float8, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, float8,
	filter_args anycompatiblearray, filter text,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, anycompatiblearray, text, float8, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, float8,
	filter_args anycompatiblearray, filter text,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, anycompatiblearray, text, float8, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, float8, float8,
	filter_args anycompatiblearray, filter text, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, anycompatiblearray, text, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, float8, float8,
	filter_args anycompatiblearray, filter text, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, float8, anycompatiblearray, text, float8, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, float8, float8, float8,
	filter_args anycompatiblearray, filter text,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, anycompatiblearray, text, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, float8, float8, float8,
	filter_args anycompatiblearray, filter text,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, float8, float8, anycompatiblearray, text, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, float8, float8, float8, text,
	filter_args anycompatiblearray, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, text, anycompatiblearray, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, float8, float8, float8, text,
	filter_args anycompatiblearray, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, float8, float8, text, anycompatiblearray, name, name, text, name, name, name, int, text, float8, text, int, int) IS 'best rows of a table, by the fusion of a ranking of vectors and a ranking of texts';

-- barq_search_batch(): an untyped literal is resolved to the function with text, an
-- array to its own type, others to "any".

CREATE FUNCTION barq_search_batch(
	item anyelement, embeddings vector[], k int DEFAULT 10, vector_column name DEFAULT NULL,
	filter text DEFAULT NULL, filter_args text[] DEFAULT '{}',
	group_by name DEFAULT NULL, per_group int DEFAULT NULL)
	RETURNS TABLE(query int, doc anyelement, distance float8)
	AS 'MODULE_PATHNAME', 'barq_search_batch' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000;
COMMENT ON FUNCTION barq_search_batch(anyelement, vector[], int, name, text, text[], name, int) IS 'nearest rows of a table for each of several vectors';

CREATE FUNCTION barq_search_batch(
	item anyelement, embeddings halfvec[], k int DEFAULT 10, vector_column name DEFAULT NULL,
	filter text DEFAULT NULL, filter_args text[] DEFAULT '{}',
	group_by name DEFAULT NULL, per_group int DEFAULT NULL)
	RETURNS TABLE(query int, doc anyelement, distance float8)
	AS 'MODULE_PATHNAME', 'barq_search_batch' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000;
COMMENT ON FUNCTION barq_search_batch(anyelement, halfvec[], int, name, text, text[], name, int) IS 'nearest rows of a table for each of several vectors';

CREATE FUNCTION barq_search_batch(
	item anyelement, embeddings sparsevec[], k int DEFAULT 10, vector_column name DEFAULT NULL,
	filter text DEFAULT NULL, filter_args text[] DEFAULT '{}',
	group_by name DEFAULT NULL, per_group int DEFAULT NULL)
	RETURNS TABLE(query int, doc anyelement, distance float8)
	AS 'MODULE_PATHNAME', 'barq_search_batch' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000;
COMMENT ON FUNCTION barq_search_batch(anyelement, sparsevec[], int, name, text, text[], name, int) IS 'nearest rows of a table for each of several vectors';

CREATE FUNCTION barq_search_batch(
	item anyelement, embeddings text, k int DEFAULT 10, vector_column name DEFAULT NULL,
	filter text DEFAULT NULL, filter_args text[] DEFAULT '{}',
	group_by name DEFAULT NULL, per_group int DEFAULT NULL)
	RETURNS TABLE(query int, doc anyelement, distance float8)
	AS 'MODULE_PATHNAME', 'barq_search_batch' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000;
COMMENT ON FUNCTION barq_search_batch(anyelement, text, int, name, text, text[], name, int) IS 'nearest rows of a table for each of several vectors';

CREATE FUNCTION barq_search_batch(
	item anyelement, embeddings "any", k int DEFAULT 10, vector_column name DEFAULT NULL,
	filter text DEFAULT NULL, filter_args text[] DEFAULT '{}',
	group_by name DEFAULT NULL, per_group int DEFAULT NULL)
	RETURNS TABLE(query int, doc anyelement, distance float8)
	AS 'MODULE_PATHNAME', 'barq_search_batch' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000;
COMMENT ON FUNCTION barq_search_batch(anyelement, "any", int, name, text, text[], name, int) IS 'nearest rows of a table for each of several vectors';

-- A string as first argument is resolved to this type, whose input function raises
-- an error that explains how to name the table.
CREATE TYPE barq_item;
CREATE FUNCTION barq_item_in(cstring) RETURNS barq_item
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_item_in(cstring) IS 'internal: always an error, which explains how to name the table of barq_hybrid()';
CREATE FUNCTION barq_item_out(barq_item) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION barq_item_out(barq_item) IS 'internal: never called';
CREATE TYPE barq_item (INPUT = barq_item_in, OUTPUT = barq_item_out,
	INTERNALLENGTH = VARIABLE, CATEGORY = 'S');
COMMENT ON TYPE barq_item IS 'type without values: a string as first argument of barq_hybrid() is resolved to it, which raises an error with a hint';

CREATE FUNCTION barq_hybrid(
	item barq_item, embedding text DEFAULT NULL, query text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, filter_args "any" DEFAULT NULL::text[],
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc text, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid_item' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(barq_item, text, text, int, int, float8, float8, float8, text, "any", name, name, text, name, name, name, int, text, float8, text, int, int) IS 'always an error, which explains how to name the table';

CREATE FUNCTION barq_hybrid(
	item barq_item, embedding "any", query text DEFAULT NULL, k int DEFAULT 10,
	candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, filter_args "any" DEFAULT NULL::text[],
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL,
	group_by name DEFAULT NULL, per_group int DEFAULT NULL, fusion text DEFAULT 'rrf',
	diversity float8 DEFAULT 0, boost text DEFAULT NULL,
	vector_candidates int DEFAULT NULL, text_candidates int DEFAULT NULL)
	RETURNS TABLE(doc text, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid_item' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(barq_item, "any", text, int, int, float8, float8, float8, text, "any", name, name, text, name, name, name, int, text, float8, text, int, int) IS 'always an error, which explains how to name the table';

CREATE FUNCTION barq_by_index(query anyelement, index regclass) RETURNS anyelement
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION barq_by_index(anyelement, regclass) IS 'internal: planner support: a query for this index, of several that could serve';
