-- access method barq_ivf

CREATE FUNCTION barq_ivfhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'barq_ivf_handler' LANGUAGE C;
COMMENT ON FUNCTION barq_ivfhandler(internal) IS 'internal: handler of access method barq_ivf';

CREATE ACCESS METHOD barq_ivf TYPE INDEX HANDLER barq_ivfhandler;
COMMENT ON ACCESS METHOD barq_ivf IS 'nearest neighbours through lists around centroids';

CREATE OPERATOR CLASS any_ops
	DEFAULT FOR TYPE anyelement USING barq_ivf AS
	OPERATOR 11 < (anyenum, anyenum),
	OPERATOR 12 <= (anyenum, anyenum),
	OPERATOR 13 = (anyenum, anyenum),
	OPERATOR 14 >= (anyenum, anyenum),
	OPERATOR 15 > (anyenum, anyenum);
COMMENT ON OPERATOR CLASS any_ops USING barq_ivf IS 'filter column of an enum type; for other types a placeholder, which is an error that names the operator classes or types';

CREATE OPERATOR CLASS vector_l2_ops
	DEFAULT FOR TYPE vector USING barq_ivf AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l2_space(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING barq_ivf IS 'vectors by Euclidean distance';

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING barq_ivf AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_ip_space(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING barq_ivf IS 'vectors by negative inner product';

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING barq_ivf AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_cosine_space(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING barq_ivf IS 'vectors by cosine distance';

CREATE OPERATOR CLASS halfvec_l2_ops
	FOR TYPE halfvec USING barq_ivf AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l2_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING barq_ivf IS 'halfvecs by Euclidean distance';

CREATE OPERATOR CLASS halfvec_ip_ops
	FOR TYPE halfvec USING barq_ivf AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_ip_space(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING barq_ivf IS 'halfvecs by negative inner product';

CREATE OPERATOR CLASS halfvec_cosine_ops
	FOR TYPE halfvec USING barq_ivf AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_cosine_space(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING barq_ivf IS 'halfvecs by cosine distance';

CREATE OPERATOR CLASS bit_hamming_ops
	FOR TYPE bit USING barq_ivf AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_hamming_space(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING barq_ivf IS 'bit strings by Hamming distance';
