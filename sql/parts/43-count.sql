-- counts and facets of the rows that match a text query

CREATE FUNCTION barq_count(index regclass, query text, filter text DEFAULT NULL,
	filter_args text[] DEFAULT '{}') RETURNS bigint
	AS 'MODULE_PATHNAME', 'barq_count_matches' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000;
COMMENT ON FUNCTION barq_count(regclass, text, text, text[]) IS 'number of rows of a barq_bm25 index that match a query, as @@@ does, and satisfy a filter';

CREATE FUNCTION barq_facets(index regclass, query text, columns text[] DEFAULT '{}',
	ranges jsonb DEFAULT NULL, histograms jsonb DEFAULT NULL, stats text[] DEFAULT '{}',
	filter text DEFAULT NULL, filter_args text[] DEFAULT '{}', size int DEFAULT 10)
	RETURNS TABLE("column" text, value text, count bigint, kind text)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 100;
COMMENT ON FUNCTION barq_facets(regclass, text, text[], jsonb, jsonb, text[], text, text[], int) IS 'values of filter columns of a barq_bm25 index, and how many of the rows that match a query have each';
