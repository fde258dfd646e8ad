-- access method barq_hnsw

CREATE FUNCTION barq_hnswhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'barq_hnsw_handler' LANGUAGE C;
COMMENT ON FUNCTION barq_hnswhandler(internal) IS 'internal: handler of access method barq_hnsw';

CREATE ACCESS METHOD barq_hnsw TYPE INDEX HANDLER barq_hnswhandler;
COMMENT ON ACCESS METHOD barq_hnsw IS 'nearest neighbours through a navigable small-world graph';

CREATE FUNCTION barq_vector_l2_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_vector_l2_space(internal) IS 'internal: operator class support: Euclidean distance of vectors';

CREATE FUNCTION barq_vector_ip_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_vector_ip_space(internal) IS 'internal: operator class support: negative inner product of vectors';

CREATE FUNCTION barq_vector_cosine_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_vector_cosine_space(internal) IS 'internal: operator class support: cosine distance of vectors';

CREATE FUNCTION barq_vector_l1_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_vector_l1_space(internal) IS 'internal: operator class support: taxicab distance of vectors';

-- any_ops instead of a default class: CREATE INDEX without a distance gets a hint

CREATE OPERATOR CLASS any_ops
	DEFAULT FOR TYPE anyelement USING barq_hnsw AS
	OPERATOR 11 < (anyenum, anyenum),
	OPERATOR 12 <= (anyenum, anyenum),
	OPERATOR 13 = (anyenum, anyenum),
	OPERATOR 14 >= (anyenum, anyenum),
	OPERATOR 15 > (anyenum, anyenum);
COMMENT ON OPERATOR CLASS any_ops USING barq_hnsw IS 'filter column of an enum type; for other types a placeholder, which is an error that names the operator classes or types';

CREATE OPERATOR CLASS vector_l2_ops
	FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l2_space(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING barq_hnsw IS 'vectors by Euclidean distance';

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_ip_space(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING barq_hnsw IS 'vectors by negative inner product';

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_cosine_space(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING barq_hnsw IS 'vectors by cosine distance';

CREATE OPERATOR CLASS vector_l1_ops
	FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l1_space(internal);
COMMENT ON OPERATOR CLASS vector_l1_ops USING barq_hnsw IS 'vectors by taxicab distance';
