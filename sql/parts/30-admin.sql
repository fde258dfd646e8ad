-- showing and controlling indexes

CREATE FUNCTION barq_version() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_version() IS 'version of the barq library';

CREATE FUNCTION barq_seal(index regclass) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_seal(regclass) IS 'seal the growing log of an index; returns the number of rows sealed';

CREATE FUNCTION barq_compact(index regclass) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_compact(regclass) IS 'merge an index into one segment and give free pages back; returns the number of its rows, 0 if there was nothing to merge';

CREATE FUNCTION barq_segments(index regclass,
	OUT segment integer, OUT id uuid, OUT kind text, OUT level integer,
	OUT state text, OUT rows bigint, OUT dead_rows bigint,
	OUT page_bytes bigint, OUT image_bytes bigint, OUT image text,
	OUT created timestamp with time zone)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION barq_segments(regclass) IS 'segments of an index, and its growing log';

CREATE FUNCTION barq_check(index regclass, heap boolean DEFAULT true,
	OUT severity text, OUT place text, OUT message text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION barq_check(regclass, boolean) IS 'faults of an index; no row if there are none';

CREATE FUNCTION barq_recall(index regclass, k integer DEFAULT 10, samples integer DEFAULT 100)
	RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_recall(regclass, integer, integer) IS 'share of the k nearest other rows that an index finds, for rows drawn from its table';

CREATE FUNCTION barq_recall_curve(index regclass, k integer DEFAULT 10, samples integer DEFAULT 0,
	OUT target double precision, OUT breadth integer, OUT expected double precision,
	OUT calibrated boolean, OUT samples integer, OUT measured double precision)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 6;
COMMENT ON FUNCTION barq_recall_curve(regclass, integer, integer) IS 'breadth that barq.target_recall chooses for some targets, the recall expected and, with samples, measured';

CREATE FUNCTION barq_calibrate(index regclass, queries vector[]) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_calibrate(regclass, vector[]) IS 'measure an index by queries, for barq.target_recall; returns the number of queries used';
CREATE FUNCTION barq_calibrate(index regclass, queries halfvec[]) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_calibrate(regclass, halfvec[]) IS 'measure an index by queries, for barq.target_recall; returns the number of queries used';
CREATE FUNCTION barq_calibrate(index regclass, queries sparsevec[]) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_calibrate(regclass, sparsevec[]) IS 'measure an index by queries, for barq.target_recall; returns the number of queries used';
CREATE FUNCTION barq_calibrate(index regclass, queries bit[]) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_calibrate(regclass, bit[]) IS 'measure an index by queries, for barq.target_recall; returns the number of queries used';

CREATE FUNCTION barq_index_status(index oid,
	OUT options text, OUT pending text, OUT rows bigint, OUT segments integer, OUT bytes bigint,
	OUT growing_bytes bigint, OUT last_seal timestamp with time zone,
	OUT last_compaction timestamp with time zone, OUT format integer, OUT rebuild text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION barq_index_status(oid) IS 'internal: state of an index, for barq_indexes()';

CREATE FUNCTION barq_indexes()
	RETURNS TABLE (index regclass, "table" regclass, kind name, options text,
		pending text, rows bigint, segments integer, bytes bigint, growing_bytes bigint,
		last_seal timestamp with time zone, last_compaction timestamp with time zone,
		format integer, rebuild text)
	LANGUAGE SQL STABLE PARALLEL RESTRICTED ROWS 10
BEGIN ATOMIC
	SELECT c.oid::pg_catalog.regclass, i.indrelid::pg_catalog.regclass,
		a.amname, s.options, s.pending, s.rows, s.segments, s.bytes,
		s.growing_bytes, s.last_seal, s.last_compaction, s.format, s.rebuild
	FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
		JOIN pg_catalog.pg_am a ON a.oid = c.relam
		JOIN pg_catalog.pg_proc h ON h.oid = a.amhandler,
		LATERAL barq_index_status(c.oid) s
	WHERE c.relkind = 'i' AND h.probin IN ('$libdir/barq', '$libdir/barq_names');
END;
COMMENT ON FUNCTION barq_indexes() IS 'barq indexes that the user may see; format: version of the format on disk; rebuild: why REINDEX is wanted';
