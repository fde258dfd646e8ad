-- hybrid: rankings of vectors and of text, fused

CREATE FUNCTION barq_rrf(rank bigint, rrf_k float8 DEFAULT 60,
	weight float8 DEFAULT 1) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_rrf(bigint, float8, float8) IS 'term of a rank in the score of reciprocal rank fusion: weight/(rrf_k + rank), 0 for NULL';

-- barq_hybrid() with and without filter_args, an array of any type. PostgreSQL
-- resolves a polymorphic result from the arguments of the call by their positions,
-- without defaults (funcapi.c: resolve_polymorphic_tupdesc). So filter_args has no
-- default, and there is one function for each number of arguments that a call may
-- have before its first named one; these arguments have no names. The embedding is
-- text (as an unknown literal), or any type that converts to the column's.
--
-- The other arguments are ordered so that a call by position alone, with
-- parameters of unknown type, means the functions without filter_args: a text or a
-- number is in the same position where possible; otherwise `filter`, which a call
-- with filter_args has anyway, is required.

CREATE FUNCTION barq_hybrid(
	item anyelement, embedding text DEFAULT NULL, query text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, text, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, embedding "any", query text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, float8, float8, text, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, filter_args anycompatiblearray, filter text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	embedding text DEFAULT NULL, query text DEFAULT NULL,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, anycompatiblearray, text, int, int, float8, float8, float8, text, text, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, filter_args anycompatiblearray, embedding "any",
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, query text DEFAULT NULL,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, anycompatiblearray, "any", int, int, float8, float8, float8, text, text, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, filter_args anycompatiblearray, k int DEFAULT 10,
	candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, query text DEFAULT NULL,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, anycompatiblearray, int, int, float8, float8, float8, text, text, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", filter_args anycompatiblearray, k int DEFAULT 10,
	candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, query text DEFAULT NULL,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", anycompatiblearray, int, int, float8, float8, float8, text, text, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, filter_args anycompatiblearray, filter text,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, anycompatiblearray, text, int, int, float8, float8, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, filter_args anycompatiblearray, filter text,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, anycompatiblearray, text, int, int, float8, float8, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, filter_args anycompatiblearray,
	filter text, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, anycompatiblearray, text, int, float8, float8, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, filter_args anycompatiblearray,
	filter text, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, anycompatiblearray, text, int, float8, float8, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, filter_args anycompatiblearray,
	filter text, rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, anycompatiblearray, text, float8, float8, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, filter_args anycompatiblearray,
	filter text, rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, anycompatiblearray, text, float8, float8, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, float8,
	filter_args anycompatiblearray, filter text,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, anycompatiblearray, text, float8, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, float8,
	filter_args anycompatiblearray, filter text,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, anycompatiblearray, text, float8, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, float8, float8,
	filter_args anycompatiblearray, filter text, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, anycompatiblearray, text, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, float8, float8,
	filter_args anycompatiblearray, filter text, text_weight float8 DEFAULT 1,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, float8, anycompatiblearray, text, float8, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, float8, float8, float8,
	filter_args anycompatiblearray, filter text,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, anycompatiblearray, text, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, float8, float8, float8,
	filter_args anycompatiblearray, filter text,
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, float8, float8, anycompatiblearray, text, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, text, text, int, int, float8, float8, float8, text,
	filter_args anycompatiblearray, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, text, anycompatiblearray, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(
	item anyelement, "any", text, int, int, float8, float8, float8, text,
	filter_args anycompatiblearray, vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL, query_syntax text DEFAULT 'lenient',
	vector_index name DEFAULT NULL, text_index name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, "any", text, int, int, float8, float8, float8, text, anycompatiblearray, name, name, text, name, name) IS 'rows of a table, ordered by a ranking of vectors and one of text, fused';

-- A string in place of a row is read as a value of this type, which raises an
-- error that says how to name the table.
CREATE TYPE barq_item;
CREATE FUNCTION barq_item_in(cstring) RETURNS barq_item
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_item_in(cstring) IS 'internal: an error that says how barq_hybrid() is told its table';
CREATE FUNCTION barq_item_out(barq_item) RETURNS cstring
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION barq_item_out(barq_item) IS 'internal: never called';
CREATE TYPE barq_item (INPUT = barq_item_in, OUTPUT = barq_item_out,
	INTERNALLENGTH = VARIABLE, CATEGORY = 'S');
COMMENT ON TYPE barq_item IS 'has no values: a string where barq_hybrid() takes a row is read as one, which is an error with a hint';

CREATE FUNCTION barq_hybrid(
	item barq_item, embedding text DEFAULT NULL, query text DEFAULT NULL,
	k int DEFAULT 10, candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, filter_args "any" DEFAULT NULL::text[],
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc text, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid_item' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(barq_item, text, text, int, int, float8, float8, float8, text, "any", name, name, text, name, name) IS 'raises an error that says how to name the table';

CREATE FUNCTION barq_hybrid(
	item barq_item, embedding "any", query text DEFAULT NULL, k int DEFAULT 10,
	candidates int DEFAULT 100, rrf_k float8 DEFAULT 60,
	vector_weight float8 DEFAULT 1, text_weight float8 DEFAULT 1,
	filter text DEFAULT NULL, filter_args "any" DEFAULT NULL::text[],
	vector_column name DEFAULT NULL, text_column name DEFAULT NULL,
	query_syntax text DEFAULT 'lenient', vector_index name DEFAULT NULL,
	text_index name DEFAULT NULL)
	RETURNS TABLE(doc text, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME', 'barq_hybrid_item' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(barq_item, "any", text, int, int, float8, float8, float8, text, "any", name, name, text, name, name) IS 'raises an error that says how to name the table';

CREATE FUNCTION barq_by_index(query anyelement, index regclass) RETURNS anyelement
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION barq_by_index(anyelement, regclass) IS 'internal: planner support: the query; a search by distance from it uses this index of several alike';
