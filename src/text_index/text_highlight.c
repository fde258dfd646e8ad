/*
 * text_highlight.c
 *	  barq_highlight() by an index: its configuration and its tokenizer.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "text/highlight.h"
#include "text_index/text_index.h"
#include "utils/builtins.h"
#include "utils/regproc.h"

static BarqTokenizer *
tokenizer_of_index(Oid index)
{
	BarqTextAnalysis analysis = barq_text_index_analysis(index);

	return barq_text_tokenizer(&analysis);
}

/*
 * barq_highlight() with an index of barq_bm25 in place of the configuration, by whose
 * configuration and tokenizer the text is read.
 */
PG_FUNCTION_INFO_V1(barq_highlight_by_index);
Datum
barq_highlight_by_index(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(barq_highlight_by(fcinfo, tokenizer_of_index(PG_GETARG_OID(2))));
}

/*
 * The same with the name of a configuration or, where there is none of that
 * name, of an index: for literals, which could be either.
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
		PG_RETURN_TEXT_P(barq_highlight_by(fcinfo, barq_tokenizer_cached(config, BARQ_TOKENIZER_CONFIG)));
	index = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no text search configuration and no index \"%s\"", name)));
	PG_RETURN_TEXT_P(barq_highlight_by(fcinfo, tokenizer_of_index(index)));
}
