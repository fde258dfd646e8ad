-- images in memory

CREATE FUNCTION barq_prewarm(index regclass, segment integer DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_prewarm(regclass, integer) IS 'read the images of an index, or of one of its segments, into memory; returns the number of bytes';

CREATE FUNCTION barq_evict(index regclass, segment integer DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_evict(regclass, integer) IS 'drop the images of an index, or of one of its segments, from memory; returns the number of bytes';

CREATE FUNCTION barq_index_memory(index oid,
	OUT segment integer, OUT memory text, OUT image_bytes bigint, OUT mapped_bytes bigint,
	OUT resident_bytes bigint, OUT sessions integer, OUT heat double precision,
	OUT last_search timestamp with time zone, OUT evicted timestamp with time zone,
	OUT evictions bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION barq_index_memory(oid) IS 'internal: images of an index, for barq_memory()';

CREATE FUNCTION barq_memory()
	RETURNS TABLE (index regclass, segment integer, memory text, image_bytes bigint,
		mapped_bytes bigint, resident_bytes bigint, sessions integer, heat double precision,
		last_search timestamp with time zone, evicted timestamp with time zone,
		evictions bigint)
	LANGUAGE SQL VOLATILE PARALLEL RESTRICTED ROWS 10
BEGIN ATOMIC
	SELECT c.oid::pg_catalog.regclass, m.segment, m.memory, m.image_bytes, m.mapped_bytes,
		m.resident_bytes, m.sessions, m.heat, m.last_search, m.evicted, m.evictions
	FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_am a ON a.oid = c.relam
		JOIN pg_catalog.pg_proc h ON h.oid = a.amhandler,
		LATERAL barq_index_memory(c.oid) m
	WHERE c.relkind = 'i' AND h.probin IN ('$libdir/barq', '$libdir/barq_names');
END;
COMMENT ON FUNCTION barq_memory() IS 'images of the barq indexes that the user may see: their bytes, those that this session has mapped, those in memory; and, if barq is in shared_preload_libraries, how many sessions have them mapped, their heat (searches, halved every ten minutes), the time of the last search and eviction, and the number of evictions';
