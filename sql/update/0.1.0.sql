-- refuse to run in psql, outside of ALTER EXTENSION
\echo Use "ALTER EXTENSION barq UPDATE" to load this file. \quit

-- Made from this file by scripts/update-sql.awk. Up to the line "then": what 0.1.0
-- had and 0.2.0 has not, or has with other columns. A view that uses one of these is
-- an error that names it.

DROP VIEW barq_indexes;
DROP VIEW barq_progress;
DROP FUNCTION barq_index_status(oid);
DROP FUNCTION barq_stats();
DROP FUNCTION barq_bm25_clauses(text, regconfig, text);
DROP FUNCTION to_bm25query(text, regclass);
DROP FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, text, text[], name, name);
DROP FUNCTION barq_hybrid(anyelement, vector, text, int, int, float8, float8, float8, text, text[], name, name);
DROP FUNCTION barq_hybrid(anyelement, halfvec, text, int, int, float8, float8, float8, text, text[], name, name);

-- by hand: CREATE OPERATOR CLASS bm25_ops USING barq_bm25
-- by hand: CREATE OPERATOR CLASS bm25_array_ops USING barq_bm25
-- then

-- classes that indexes use keep their place, and have further members

ALTER OPERATOR FAMILY bm25_ops USING barq_bm25 ADD
	OPERATOR 3 <@@ (text, bm25threshold),
	OPERATOR 13 = (text, text),
	FUNCTION 1 (text, text) bm25_ops_options(internal);
ALTER OPERATOR FAMILY bm25_array_ops USING barq_bm25 ADD
	OPERATOR 3 <@@ (text[], bm25threshold),
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray),
	FUNCTION 1 (text[], text[]) bm25_ops_options(internal);
