-- barq_hnsw of the types beside vector: spaces, then classes

CREATE FUNCTION barq_halfvec_l2_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_halfvec_l2_space(internal) IS 'internal: operator class support: Euclidean distance of halfvecs';

CREATE FUNCTION barq_halfvec_ip_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_halfvec_ip_space(internal) IS 'internal: operator class support: negative inner product of halfvecs';

CREATE FUNCTION barq_halfvec_cosine_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_halfvec_cosine_space(internal) IS 'internal: operator class support: cosine distance of halfvecs';

CREATE FUNCTION barq_halfvec_l1_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_halfvec_l1_space(internal) IS 'internal: operator class support: taxicab distance of halfvecs';

CREATE FUNCTION barq_sparsevec_l2_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_sparsevec_l2_space(internal) IS 'internal: operator class support: Euclidean distance of sparsevecs';

CREATE FUNCTION barq_sparsevec_ip_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_sparsevec_ip_space(internal) IS 'internal: operator class support: negative inner product of sparsevecs';

CREATE FUNCTION barq_sparsevec_cosine_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_sparsevec_cosine_space(internal) IS 'internal: operator class support: cosine distance of sparsevecs';

CREATE FUNCTION barq_sparsevec_l1_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_sparsevec_l1_space(internal) IS 'internal: operator class support: taxicab distance of sparsevecs';

CREATE FUNCTION barq_bit_hamming_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_bit_hamming_space(internal) IS 'internal: operator class support: Hamming distance of bit strings';

CREATE FUNCTION barq_bit_jaccard_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_bit_jaccard_space(internal) IS 'internal: operator class support: Jaccard distance of bit strings';

CREATE OPERATOR CLASS halfvec_l2_ops
	FOR TYPE halfvec USING barq_hnsw AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l2_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING barq_hnsw IS 'halfvecs by Euclidean distance';

CREATE OPERATOR CLASS halfvec_ip_ops
	FOR TYPE halfvec USING barq_hnsw AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_ip_space(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING barq_hnsw IS 'halfvecs by negative inner product';

CREATE OPERATOR CLASS halfvec_cosine_ops
	FOR TYPE halfvec USING barq_hnsw AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_cosine_space(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING barq_hnsw IS 'halfvecs by cosine distance';

CREATE OPERATOR CLASS halfvec_l1_ops
	FOR TYPE halfvec USING barq_hnsw AS
	OPERATOR 1 <+> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l1_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l1_ops USING barq_hnsw IS 'halfvecs by taxicab distance';

CREATE OPERATOR CLASS sparsevec_l2_ops
	FOR TYPE sparsevec USING barq_hnsw AS
	OPERATOR 1 <-> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_l2_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_l2_ops USING barq_hnsw IS 'sparsevecs by Euclidean distance';

CREATE OPERATOR CLASS sparsevec_ip_ops
	FOR TYPE sparsevec USING barq_hnsw AS
	OPERATOR 1 <#> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_ip_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_ip_ops USING barq_hnsw IS 'sparsevecs by negative inner product';

CREATE OPERATOR CLASS sparsevec_cosine_ops
	FOR TYPE sparsevec USING barq_hnsw AS
	OPERATOR 1 <=> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_cosine_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_cosine_ops USING barq_hnsw IS 'sparsevecs by cosine distance';

CREATE OPERATOR CLASS sparsevec_l1_ops
	FOR TYPE sparsevec USING barq_hnsw AS
	OPERATOR 1 <+> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_l1_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_l1_ops USING barq_hnsw IS 'sparsevecs by taxicab distance';

CREATE OPERATOR CLASS bit_hamming_ops
	FOR TYPE bit USING barq_hnsw AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_hamming_space(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING barq_hnsw IS 'bit strings by Hamming distance';

CREATE OPERATOR CLASS bit_jaccard_ops
	FOR TYPE bit USING barq_hnsw AS
	OPERATOR 1 <%> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_jaccard_space(internal);
COMMENT ON OPERATOR CLASS bit_jaccard_ops USING barq_hnsw IS 'bit strings by Jaccard distance';
