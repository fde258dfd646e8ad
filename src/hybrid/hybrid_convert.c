/*
 * hybrid_convert.c
 *	  How the arguments of barq_hybrid() become values of the types that its
 *	  statements have them in.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "parser/parse_coerce.h"
#include "hybrid/hybrid.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void
through_text(BarqConversion *conversion, Oid from, Oid to, MemoryContext context)
{
	Oid			function;
	bool		is_varlena;

	conversion->how = BARQ_CONVERT_TEXT;
	if (from != TEXTOID)
	{
		conversion->how = BARQ_CONVERT_IO;
		getTypeOutputInfo(from, &function, &is_varlena);
		fmgr_info_cxt(function, &conversion->output, context);
	}
	getTypeInputInfo(to, &function, &conversion->io_param);
	fmgr_info_cxt(function, &conversion->function, context);
}

/* By a cast of this context; false if there is none. */
static bool
through_cast(BarqConversion *conversion, Oid from, Oid to, CoercionContext how,
			 MemoryContext context)
{
	Oid			function;

	switch (find_coercion_pathway(to, from, how, &function))
	{
		case COERCION_PATH_FUNC:
			conversion->how = BARQ_CONVERT_CAST;
			fmgr_info_cxt(function, &conversion->function, context);
			conversion->cast_nargs = get_func_nargs(function);
			return true;
		case COERCION_PATH_RELABELTYPE:
			return true;
		default:
			return false;
	}
}

/* Two types of one name: one's text is the other's, as with an adopted type. */
static bool
same_name(Oid a, Oid b)
{
	char	   *names[2] = {format_type_extended(a, -1, 0), format_type_extended(b, -1, 0)};
	char	   *last[2];

	for (int i = 0; i < 2; i++)
	{
		last[i] = strrchr(names[i], '.');
		last[i] = last[i] == NULL ? names[i] : last[i] + 1;
	}
	return strcmp(last[0], last[1]) == 0;
}

void
barq_conversion_find(BarqConversion *conversion, Oid from, Oid to, int32 typmod,
					 const char *what, MemoryContext context)
{
	Oid			function;

	from = getBaseType(from);
	memset(conversion, 0, sizeof(*conversion));
	conversion->typmod = typmod;
	if (from == to)
		conversion->how = BARQ_CONVERT_NOT;
	else if (from == TEXTOID)
		through_text(conversion, from, to, context);
	else if (!through_cast(conversion, from, to, COERCION_ASSIGNMENT, context))
	{
		if (!same_name(from, to))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("%s is of type %s, which cannot become %s", what,
							format_type_be(from), format_type_be(to))));
		through_text(conversion, from, to, context);
	}
	if (typmod >= 0 &&
		(conversion->how == BARQ_CONVERT_NOT || conversion->how == BARQ_CONVERT_CAST) &&
		find_typmod_coercion_function(to, &function) == COERCION_PATH_FUNC)
	{
		fmgr_info_cxt(function, &conversion->length_function, context);
		conversion->to_length = true;
	}
}

void
barq_conversion_find_exact(BarqConversion *conversion, Oid from, Oid to,
						   MemoryContext context)
{
	memset(conversion, 0, sizeof(*conversion));
	conversion->typmod = -1;

	/* a domain's constraints are checked where its input function reads */
	if (from != to &&
		(getBaseType(to) != to ||
		 !through_cast(conversion, from, to, COERCION_IMPLICIT, context)))
		through_text(conversion, from, to, context);
}

Datum
barq_convert(BarqConversion *conversion, Datum value)
{
	if (conversion->how == BARQ_CONVERT_TEXT || conversion->how == BARQ_CONVERT_IO)
	{
		char	   *string = conversion->how == BARQ_CONVERT_TEXT ?
			TextDatumGetCString(value) : OutputFunctionCall(&conversion->output, value);

		return InputFunctionCall(&conversion->function, string, conversion->io_param,
								 conversion->typmod);
	}
	if (conversion->how == BARQ_CONVERT_CAST)
	{
		if (conversion->cast_nargs == 1)
			value = FunctionCall1(&conversion->function, value);
		else if (conversion->cast_nargs == 2)
			value = FunctionCall2(&conversion->function, value,
								  Int32GetDatum(conversion->typmod));
		else
			value = FunctionCall3(&conversion->function, value,
								  Int32GetDatum(conversion->typmod),
								  BoolGetDatum(false));
	}
	if (conversion->to_length)
		value = FunctionCall3(&conversion->length_function, value,
							  Int32GetDatum(conversion->typmod), BoolGetDatum(false));
	return value;
}
