/*
 * text_highlight.c
 *	  barq_highlight() with the configuration and the tokenizer of an index.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "text/highlight.h"
#include "text_index/text_index.h"
#include "utils/builtins.h"
#include "utils/regproc.h"

/*
 * barq_highlight() by the tokenizer of an index, which may be named in the query with its
 * fields. Raises the errors of barq_text_index_analysis().
 */
static text *
highlight_by(FunctionCallInfo fcinfo, Oid index)
{
	BarqTextAnalysis analysis = barq_text_index_analysis(index);
	BarqQueryFields fields;

	barq_text_field_names(index, &fields);
	return barq_highlight_by(fcinfo, &fields, barq_text_tokenizer(&analysis));
}

/*
 * barq_highlight() with an index of barq_bm25 in place of the configuration; errors
 * of barq_text_index_analysis().
 */
PG_FUNCTION_INFO_V1(barq_highlight_by_index);
Datum
barq_highlight_by_index(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(highlight_by(fcinfo, PG_GETARG_OID(2)));
}

/*
 * barq_highlight() with, in place of the configuration, the name of a
 * configuration or, if there is no configuration of that name, of an index: for
 * literals. Raises ERRCODE_UNDEFINED_OBJECT if there is neither; errors of
 * barq_text_index_analysis().
 */
PG_FUNCTION_INFO_V1(barq_highlight_by_name);
Datum
barq_highlight_by_name(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	List	   *names = BarqQualifiedNames(name);
	Oid			config = get_ts_config_oid(names, true);
	Oid			index;

	if (OidIsValid(config))
		PG_RETURN_TEXT_P(barq_highlight_by(fcinfo, NULL, barq_tokenizer_cached(config, BARQ_TOKENIZER_CONFIG)));
	index = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no text search configuration and no index \"%s\"", name)));
	PG_RETURN_TEXT_P(highlight_by(fcinfo, index));
}
