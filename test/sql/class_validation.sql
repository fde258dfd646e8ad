-- amvalidate() tells what an operator class lacks or has too much.
BEGIN;

CREATE FUNCTION pg_temp.verdict(class text) RETURNS bool LANGUAGE sql
	AS $$ SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = class $$;

-- vectors: one ordering operator and the space
CREATE OPERATOR CLASS whole FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 barq_vector_l2_space(internal);
SELECT pg_temp.verdict('whole');
CREATE OPERATOR CLASS empty FOR TYPE vector USING barq_hnsw AS STORAGE vector;
SELECT pg_temp.verdict('empty');
CREATE OPERATOR CLASS searches FOR TYPE vector USING barq_ivf AS
	OPERATOR 1 < (vector, vector), FUNCTION 1 barq_vector_l2_space(internal);
SELECT pg_temp.verdict('searches');
CREATE OPERATOR CLASS two_operators FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, OPERATOR 2 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l2_space(internal);
SELECT pg_temp.verdict('two_operators');
CREATE OPERATOR CLASS other_signature FOR TYPE vector USING barq_ivf AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 vector_dims(vector);
SELECT pg_temp.verdict('other_signature');

-- texts: <@> orders, @@@ matches, no function
CREATE OPERATOR CLASS no_score FOR TYPE text USING barq_bm25 AS
	OPERATOR 2 @@@ (text, bm25query);
SELECT pg_temp.verdict('no_score');
CREATE OPERATOR CLASS orders_by_bool FOR TYPE text USING barq_bm25 AS
	OPERATOR 1 = (text, text), OPERATOR 2 <@> (text, bm25query) FOR ORDER BY float_ops;
SELECT pg_temp.verdict('orders_by_bool');
ROLLBACK;
