/*
 * bm25threshold.c
 *	  The type bm25threshold. See bm25threshold.h.
 */
#include "text_index/bm25threshold.h"

#include "utils/builtins.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25threshold_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25threshold_out);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25threshold);

extern Datum barq_bm25query_out(PG_FUNCTION_ARGS);

/* cstring → bm25threshold: always ERRCODE_FEATURE_NOT_SUPPORTED. */
Datum
barq_bm25threshold_in(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot accept a value of type %s", "bm25threshold"),
			 errhint("Compare a score with a number: body <@> 'words' < -1.")));
}

/* bm25threshold → cstring, for EXPLAIN: "query < bound" */
Datum
barq_bm25threshold_out(PG_FUNCTION_ARGS)
{
	BarqThreshold *threshold = DatumGetBarqThreshold(PG_GETARG_DATUM(0));
	char	   *query = DatumGetCString(DirectFunctionCall1(barq_bm25query_out,
															PointerGetDatum(threshold->query)));

	PG_RETURN_CSTRING(psprintf("%s %s %s", query, threshold->inclusive ? "<=" : "<",
							   float8out_internal(threshold->bound)));
}

/* (bm25query, bound float8, inclusive boolean) → bm25threshold */
Datum
barq_bm25threshold(PG_FUNCTION_ARGS)
{
	struct varlena *query = PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	Size		bytes = offsetof(BarqThreshold, query) + VARSIZE(query);
	BarqThreshold *threshold = palloc(bytes);

	SET_VARSIZE(threshold, bytes);
	threshold->bound = PG_GETARG_FLOAT8(1);
	threshold->inclusive = PG_GETARG_BOOL(2);
	memcpy(threshold->query, query, VARSIZE(query));
	PG_RETURN_POINTER(threshold);
}
