-- refuse to run in psql, outside of CREATE EXTENSION
\echo Use "CREATE EXTENSION barq_pgvector" to load this file. \quit

-- The script of a trusted extension runs as a superuser: it calls no function that another
-- role could have made. barq's own may be in any schema.
CREATE FUNCTION @extschema@.barq_pgvector_classes() RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_adopt_pgvector' LANGUAGE C;
SELECT @extschema@.barq_pgvector_classes();
DROP FUNCTION @extschema@.barq_pgvector_classes();
