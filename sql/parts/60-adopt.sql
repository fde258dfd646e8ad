-- moving from pgvector

CREATE FUNCTION barq_adopt_pgvector() RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_adopt_pgvector() IS 'make operator classes of the access methods of barq for the types of pgvector; the number made';
