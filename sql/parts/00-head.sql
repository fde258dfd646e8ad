-- complain if the script is run by psql and not by CREATE EXTENSION
\echo Use "CREATE EXTENSION barq" to load this file. \quit


-- a clear error where pgvector's types are in the way
CREATE FUNCTION barq_check_schema() RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C;
SELECT barq_check_schema();
DROP FUNCTION barq_check_schema();
