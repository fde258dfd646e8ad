-- refuse to run in psql, outside of CREATE EXTENSION
\echo Use "CREATE EXTENSION vector" to load this file. \quit

-- Access methods by pgvector's names, for applications that name them: README.md. The
-- types, functions and operators are barq's.

-- All names below are found in barq's schema, which this extension has to share: other
-- roles cannot put another function or operator of these names and types there.
CREATE FUNCTION barq_names_check() RETURNS void
	AS '$libdir/barq', 'barq_check_names_schema' LANGUAGE C;
SELECT barq_names_check();
DROP FUNCTION barq_names_check();

CREATE FUNCTION hnswhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'barq_names_hnsw_handler' LANGUAGE C;
COMMENT ON FUNCTION hnswhandler(internal) IS 'internal: handler of access method hnsw';

CREATE ACCESS METHOD hnsw TYPE INDEX HANDLER hnswhandler;
COMMENT ON ACCESS METHOD hnsw IS 'barq_hnsw by the name that pgvector has for its own';

CREATE FUNCTION ivfflathandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'barq_names_ivfflat_handler' LANGUAGE C;
COMMENT ON FUNCTION ivfflathandler(internal) IS 'internal: handler of access method ivfflat';

CREATE ACCESS METHOD ivfflat TYPE INDEX HANDLER ivfflathandler;
COMMENT ON ACCESS METHOD ivfflat IS 'barq_ivf by the name that pgvector has for its own';

CREATE OPERATOR CLASS vector_l2_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l2_space(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING hnsw IS 'vectors by Euclidean distance';

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_ip_space(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING hnsw IS 'vectors by negative inner product';

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_cosine_space(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING hnsw IS 'vectors by cosine distance';

CREATE OPERATOR CLASS vector_l1_ops
	FOR TYPE vector USING hnsw AS
	OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l1_space(internal);
COMMENT ON OPERATOR CLASS vector_l1_ops USING hnsw IS 'vectors by taxicab distance';

CREATE OPERATOR CLASS halfvec_l2_ops
	FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l2_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING hnsw IS 'halfvecs by Euclidean distance';

CREATE OPERATOR CLASS halfvec_ip_ops
	FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_ip_space(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING hnsw IS 'halfvecs by negative inner product';

CREATE OPERATOR CLASS halfvec_cosine_ops
	FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_cosine_space(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING hnsw IS 'halfvecs by cosine distance';

CREATE OPERATOR CLASS halfvec_l1_ops
	FOR TYPE halfvec USING hnsw AS
	OPERATOR 1 <+> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l1_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l1_ops USING hnsw IS 'halfvecs by taxicab distance';

CREATE OPERATOR CLASS sparsevec_l2_ops
	FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <-> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_l2_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_l2_ops USING hnsw IS 'sparsevecs by Euclidean distance';

CREATE OPERATOR CLASS sparsevec_ip_ops
	FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <#> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_ip_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_ip_ops USING hnsw IS 'sparsevecs by negative inner product';

CREATE OPERATOR CLASS sparsevec_cosine_ops
	FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <=> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_cosine_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_cosine_ops USING hnsw IS 'sparsevecs by cosine distance';

CREATE OPERATOR CLASS sparsevec_l1_ops
	FOR TYPE sparsevec USING hnsw AS
	OPERATOR 1 <+> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_l1_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_l1_ops USING hnsw IS 'sparsevecs by taxicab distance';

CREATE OPERATOR CLASS bit_hamming_ops
	FOR TYPE bit USING hnsw AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_hamming_space(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING hnsw IS 'bit strings by Hamming distance';

CREATE OPERATOR CLASS bit_jaccard_ops
	FOR TYPE bit USING hnsw AS
	OPERATOR 1 <%> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_jaccard_space(internal);
COMMENT ON OPERATOR CLASS bit_jaccard_ops USING hnsw IS 'bit strings by Jaccard distance';

CREATE OPERATOR CLASS vector_l2_ops
	DEFAULT FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l2_space(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING ivfflat IS 'vectors by Euclidean distance';

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_ip_space(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING ivfflat IS 'vectors by negative inner product';

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING ivfflat AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_cosine_space(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING ivfflat IS 'vectors by cosine distance';

CREATE OPERATOR CLASS halfvec_l2_ops
	FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l2_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING ivfflat IS 'halfvecs by Euclidean distance';

CREATE OPERATOR CLASS halfvec_ip_ops
	FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_ip_space(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING ivfflat IS 'halfvecs by negative inner product';

CREATE OPERATOR CLASS halfvec_cosine_ops
	FOR TYPE halfvec USING ivfflat AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_cosine_space(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING ivfflat IS 'halfvecs by cosine distance';

CREATE OPERATOR CLASS bit_hamming_ops
	FOR TYPE bit USING ivfflat AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_hamming_space(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING ivfflat IS 'bit strings by Hamming distance';
