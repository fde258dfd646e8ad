-- moving from pgvector

CREATE FUNCTION barq_adopt_pgvector() RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_adopt_pgvector() IS 'create operator classes of the access methods of barq for the types of pgvector; returns their number';

-- ALTER EXTENSION barq SET SCHEMA: the extension's owner does not own its objects

CREATE FUNCTION barq_move_extension() RETURNS event_trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION barq_move_extension() IS 'internal: move the extension to another schema for its owner';

CREATE EVENT TRIGGER barq_move_extension ON ddl_command_start
	WHEN TAG IN ('ALTER EXTENSION')
	EXECUTE FUNCTION barq_move_extension();
COMMENT ON EVENT TRIGGER barq_move_extension IS 'ALTER EXTENSION barq SET SCHEMA by the extension''s owner';
