-- statistics

CREATE FUNCTION barq_stats(OUT index regclass, OUT inserts bigint,
	OUT searches bigint, OUT seals bigint, OUT compactions bigint,
	OUT rows_sealed bigint, OUT rows_compacted bigint,
	OUT bytes_sealed bigint, OUT bytes_compacted bigint,
	OUT seal_time double precision, OUT compaction_time double precision,
	OUT waits bigint, OUT wait_time double precision,
	OUT rows_out_of_order bigint, OUT scans_cut bigint, OUT lock_waits bigint[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION barq_stats() IS 'counters of the barq indexes of this database: of the whole server if barq is in shared_preload_libraries, else of this session; times in milliseconds; rows_out_of_order: rows that searches in strict order had missed and returned last; scans_cut: scans ended by barq.max_scan_tuples; lock_waits: waits of searches for page locks, counted by duration: below 1, 10, 100 microseconds, 1, 10, 100 milliseconds, and longer';

CREATE FUNCTION barq_stats_reset(index regclass DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION barq_stats_reset(regclass) IS 'set the counters of barq_stats() to zero: those of an index, or of all indexes that the user may control';

CREATE FUNCTION barq_advise(relation regclass,
	OUT index regclass, OUT subject text, OUT advice text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 5;
COMMENT ON FUNCTION barq_advise(regclass) IS 'what to change about an index, or the indexes of a table, and why; no row if nothing';

CREATE FUNCTION barq_progress()
	RETURNS TABLE (pid integer, database name, worker text, activity text,
		started timestamp with time zone, since timestamp with time zone)
	LANGUAGE SQL STABLE PARALLEL RESTRICTED ROWS 10
BEGIN ATOMIC
	SELECT pid, datname, backend_type, query, backend_start, query_start
	FROM pg_catalog.pg_stat_activity
	WHERE backend_type IN ('barq worker', 'barq launcher');
END;
COMMENT ON FUNCTION barq_progress() IS 'activity of the barq workers';

CREATE FUNCTION barq_last_scan(OUT index regclass, OUT searches bigint,
	OUT segments bigint, OUT images bigint, OUT pages bigint,
	OUT rows_scored bigint, OUT heap_rows bigint, OUT cut bigint,
	OUT scored_all bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION barq_last_scan() IS 'counters of the last scan of a barq index that ended in this session, summed over its searches (rescans): segments searched, in images or page by page; rows scored; rows that the index fetched from the table itself; searches cut by barq.max_scan_tuples; searches that scored all other rows too';
