/*
 * text_highlight.c
 *	  barq_highlight() with the configuration and the tokenizer of an index.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "port/pg_bitutils.h"
#include "text/highlight.h"
#include "text_index/text_index.h"
#include "utils/builtins.h"
#include "utils/regproc.h"

/* Places of arguments that barq_highlight() by a configuration does not have. */
#define FIELD_ARGUMENT		7
#define LANGUAGE_ARGUMENT	8

/* Argument number n as a text, palloc'd; NULL: it is empty, or there is none. */
static char *
text_given(FunctionCallInfo fcinfo, int n)
{
	char	   *given = PG_NARGS() > n ? text_to_cstring(PG_GETARG_TEXT_PP(n)) : NULL;

	return given == NULL || given[0] == '\0' ? NULL : given;
}

/*
 * The configuration of a field (its bit) of an index whose fields have their own. Raises
 * ERRCODE_INVALID_PARAMETER_VALUE for none (0).
 */
static Oid
config_of_field(Oid index, const BarqTextAnalysis *analysis, uint32 field)
{
	Oid			config;

	if (field == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fields of index \"%s\" have text search configurations of their own",
						get_rel_name(index)),
				 errhint("Say which field the text is of: barq_highlight(..., field => 'title').")));
	config = analysis->configs[pg_rightmost_one_pos32(field)];
	return OidIsValid(config) ? config : analysis->config;
}

/*
 * barq_highlight() by the tokenizer of an index, whose fields may be named in the query. A text
 * of an index with languages is read in the one that is given, else by text_config. Raises the
 * errors of barq_text_index_analysis(), barq_text_field_named() and config_of_field().
 */
static text *
highlight_by(FunctionCallInfo fcinfo, Oid index)
{
	BarqTextAnalysis analysis = barq_text_index_analysis(index);
	const char *field = text_given(fcinfo, FIELD_ARGUMENT);
	const char *language = text_given(fcinfo, LANGUAGE_ARGUMENT);
	uint32		bit = field == NULL ? 0 : barq_text_field_named(index, field);
	BarqQueryFields fields;

	barq_text_set_language(index, language, &analysis);
	if (analysis.by_field)
		analysis.config = config_of_field(index, &analysis, bit);
	barq_text_field_names(index, &fields);
	return barq_highlight_by(fcinfo, &fields, bit, barq_text_tokenizer(&analysis));
}

/*
 * barq_highlight() with an index of barq_bm25 in place of the configuration; errors
 * of highlight_by().
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
 * literals. Raises ERRCODE_UNDEFINED_OBJECT if there is neither,
 * ERRCODE_INVALID_PARAMETER_VALUE for a field of a configuration; errors of
 * highlight_by().
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
	{
		if (text_given(fcinfo, FIELD_ARGUMENT) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("text search configuration \"%s\" has no field \"%s\"", name,
							text_given(fcinfo, FIELD_ARGUMENT)),
					 errhint("Name an index in place of the configuration.")));
		if (text_given(fcinfo, LANGUAGE_ARGUMENT) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("text search configuration \"%s\" has no languages", name),
					 errhint("Name an index in place of the configuration, or leave the language out.")));
		PG_RETURN_TEXT_P(barq_highlight_by(fcinfo, NULL, 0, barq_tokenizer_cached(config, BARQ_TOKENIZER_CONFIG)));
	}
	index = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no text search configuration and no index \"%s\"", name)));
	PG_RETURN_TEXT_P(highlight_by(fcinfo, index));
}
