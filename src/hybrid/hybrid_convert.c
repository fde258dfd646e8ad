/*
 * hybrid_convert.c
 *	  Conversion of arguments of barq_hybrid() to the types of its statements'
 *	  parameters.
 *
 * An embedding is converted to its column's type as by an assignment. An element of
 * filter_args must not lose information: it is converted to its parameter's type
 * and back, and the result must equal the element.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "mb/pg_wchar.h"
#include "parser/parse_coerce.h"
#include "hybrid/hybrid.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#define SHOWN_BYTES		80		/* of a value in a message */

/* Set a conversion by output and input functions. */
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

/* Set a conversion by a cast of this context; false if there is none. */
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

/*
 * Whether two types have the same name, without schema. Then they are taken to
 * have the same text form, as an adopted pgvector type and barq's have.
 */
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

/* Add the length coercion, if the conversion does not apply the type modifier. */
static void
find_length(BarqConversion *conversion, Oid to, MemoryContext context)
{
	Oid			function;

	if (conversion->typmod >= 0 &&
		(conversion->how == BARQ_CONVERT_NOT || conversion->how == BARQ_CONVERT_CAST) &&
		find_typmod_coercion_function(to, &function) == COERCION_PATH_FUNC)
	{
		fmgr_info_cxt(function, &conversion->length_function, context);
		conversion->to_length = true;
	}
}

void
barq_conversion_find(BarqConversion *conversion, Oid from, Oid to, int32 typmod,
					 const char *what, MemoryContext context)
{
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
	find_length(conversion, to, context);
}

static bool
is_string(Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING || type == CHAROID;
}

static bool
is_float(Oid type)
{
	return type == FLOAT4OID || type == FLOAT8OID;
}

/*
 * Set the conversion from one base type to another, but not from strings; false if
 * an assignment would not convert it.
 */
static bool
find_forth(BarqConversion *conversion, Oid from, Oid to, MemoryContext context)
{
	Oid			function;

	if (from == to)
		conversion->how = BARQ_CONVERT_NOT;
	else if (is_float(from) && to == NUMERICOID)
		conversion->how = from == FLOAT4OID ? BARQ_CONVERT_FLOAT4 : BARQ_CONVERT_FLOAT8;
	else if (!through_cast(conversion, from, to, COERCION_ASSIGNMENT, context))
	{
		if (!same_name(from, to) &&
			find_coercion_pathway(to, from, COERCION_ASSIGNMENT,
								  &function) != COERCION_PATH_COERCEVIAIO)
			return false;
		through_text(conversion, from, to, context);
	}
	find_length(conversion, to, context);
	return true;
}

/* Set the conversion back from that of find_forth(); false if there is none. */
static bool
find_back(BarqConversion *back, const BarqConversion *forth, Oid from, Oid to,
		  MemoryContext context)
{
	back->typmod = -1;
	if (from == to)
		back->how = BARQ_CONVERT_NOT;
	else if (forth->how == BARQ_CONVERT_TEXT || forth->how == BARQ_CONVERT_IO)
		through_text(back, to, from, context);
	else if (from == NUMERICOID && is_float(to))
		back->how = to == FLOAT4OID ? BARQ_CONVERT_FLOAT4 : BARQ_CONVERT_FLOAT8;
	else if (!through_cast(back, to, from, COERCION_EXPLICIT, context))
	{
		Oid			function;

		if (find_coercion_pathway(from, to, COERCION_EXPLICIT,
								  &function) != COERCION_PATH_COERCEVIAIO)
			return false;
		through_text(back, to, from, context);
	}
	return true;
}

void
barq_argument_find(BarqArgument *argument, int number, Oid from, Oid to,
				   MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	int32		typmod = -1;
	Oid			base = getBaseTypeAndTypmod(to, &typmod);
	TypeCacheEntry *cache;

	memset(argument, 0, sizeof(*argument));
	argument->number = number;
	argument->from_name = format_type_be(from);
	argument->to_name = format_type_be(to);
	argument->domain = base != to ? to : InvalidOid;
	argument->context = context;
	argument->from = from = getBaseType(from);
	argument->forth.typmod = -1;
	MemoryContextSwitchTo(old);

	/* a string is read like a literal, by the input function (of the domain, too) */
	if (is_string(from) && !is_string(base))
	{
		through_text(&argument->forth, from, to, context);
		return;
	}
	argument->forth.typmod = typmod;
	if (get_typtype(from) == TYPTYPE_PSEUDO ||
		!find_forth(&argument->forth, from, base, context) ||
		!find_back(&argument->back, &argument->forth, from, base, context))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("element %d of filter_args is of type %s, which cannot become %s",
						number, argument->from_name, argument->to_name),
				 errhint("Give a value of type %s, or cast the parameter in the filter, as in $%d::%s.",
						 argument->to_name, number, argument->from_name)));

	/* json has no equality; jsonb drops only insignificant parts of it */
	argument->checked = from != JSONOID &&
		(from != base || argument->forth.to_length);
	cache = lookup_type_cache(from, TYPECACHE_EQ_OPR_FINFO);
	if (OidIsValid(cache->eq_opr_finfo.fn_oid))
	{
		fmgr_info_cxt(cache->eq_opr_finfo.fn_oid, &argument->equal, context);
		argument->has_equal = true;
	}
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
	if (conversion->how == BARQ_CONVERT_FLOAT4 || conversion->how == BARQ_CONVERT_FLOAT8)
	{
		char	   *string = conversion->how == BARQ_CONVERT_FLOAT4 ?
			float_to_shortest_decimal(DatumGetFloat4(value)) :
			double_to_shortest_decimal(DatumGetFloat8(value));

		return DirectFunctionCall3(numeric_in, CStringGetDatum(string),
								   ObjectIdGetDatum(InvalidOid),
								   Int32GetDatum(conversion->typmod));
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

/*
 * Whether two values of the element's type are equal, by the type's operator if
 * it has one, else by their bytes.
 */
static bool
is_same(BarqArgument *argument, Datum a, Datum b)
{
	int16		length;
	bool		by_value;

	if (argument->has_equal)
		return DatumGetBool(FunctionCall2Coll(&argument->equal, C_COLLATION_OID, a, b));
	get_typlenbyval(argument->from, &length, &by_value);
	return datum_image_eq(a, b, by_value, length);
}

/* A value as text for a message, cut after SHOWN_BYTES; palloc'd. */
static char *
shown(Oid type, Datum value)
{
	Oid			function;
	bool		is_varlena;
	char	   *string;
	int			length;

	getTypeOutputInfo(type, &function, &is_varlena);
	string = OidOutputFunctionCall(function, value);
	length = strlen(string);
	if (length <= SHOWN_BYTES)
		return string;
	return psprintf("%.*s...", pg_mbcliplen(string, length, SHOWN_BYTES), string);
}

Datum
barq_argument_convert(BarqArgument *argument, Datum value, bool isnull)
{
	Datum		result = isnull ? (Datum) 0 : barq_convert(&argument->forth, value);

	if (argument->checked && !isnull)
	{
		Datum		again = barq_convert(&argument->back, result);

		if (!is_same(argument, value, again))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("element %d of filter_args, of type %s, loses information as type %s",
							argument->number, argument->from_name, argument->to_name),
					 errdetail("%s would become %s.", shown(argument->from, value),
							   shown(argument->from, again)),
					 errhint("Cast it to %s where it is given, or cast the parameter in the filter, as in $%d::%s.",
							 argument->to_name, argument->number, argument->from_name)));
	}
	if (OidIsValid(argument->domain))
		domain_check(result, isnull, argument->domain, &argument->domain_extra,
					 argument->context);
	return result;
}
