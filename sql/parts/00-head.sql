-- refuse to run in psql, outside of CREATE EXTENSION
\echo Use "CREATE EXTENSION barq" to load this file. \quit


-- a clear error if the schema has types of pgvector
CREATE FUNCTION barq_check_schema() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C;
SELECT barq_check_schema();
DROP FUNCTION barq_check_schema();
