/*
 * query_parameters.c
 *	  Parameters of a bm25query: their text form and their ranges. See
 *	  query_parameters.h.
 */
#include "text_index/query_parameters.h"

#include "base/compat.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"
#include "utils/regproc.h"

/* Digits of minimum_should_match at most. */
#define MINIMUM_DIGITS	6

void
barq_query_parameters_init(BarqQueryParameters *parameters)
{
	memset(parameters, 0, sizeof(*parameters));
	parameters->k1 = -1;
	parameters->b = -1;
}

bool
barq_query_parameters_any(const BarqQueryParameters *parameters)
{
	return parameters->k1 >= 0 || parameters->b >= 0 || parameters->has_minimum ||
		parameters->config != NULL || parameters->strict;
}

/* ---- ranges ---- */

/* Raise the error that a parameter has no such value; `range` says what it may be. */
pg_noreturn static void
raise_range(const char *name, const char *value, const char *range)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid %s \"%s\" of a text query", name, value),
			 errhint("%s", range)));
}

void
barq_query_parameters_set_k1(BarqQueryParameters *parameters, double k1)
{
	/* written so that NaN fails */
	if (!(k1 >= BARQ_SMALLEST_K1 && k1 <= BARQ_LARGEST_K1))
		raise_range("k1", double_to_shortest_decimal(k1), "It is a number from 0.1 to 10.");
	parameters->k1 = k1;
}

void
barq_query_parameters_set_b(BarqQueryParameters *parameters, double b)
{
	if (!(b >= 0 && b <= 1))
		raise_range("b", double_to_shortest_decimal(b), "It is a number from 0 to 1.");
	parameters->b = b == 0 ? 0 : b; /* not minus 0 */
}

void
barq_query_parameters_set_minimum(BarqQueryParameters *parameters, const char *minimum)
{
	const char *digits = minimum + (*minimum == '-' ? 1 : 0);
	Size		n = strspn(digits, "0123456789");
	bool		percent = digits[n] == '%';
	int32		number = (int32) strtol(digits, NULL, 10);	/* read where it is short */

	if (n == 0 || n > MINIMUM_DIGITS || digits[n + (percent ? 1 : 0)] != '\0' ||
		(percent && number > 100))
		raise_range("minimum_should_match", minimum,
					"It is a number of words or a percentage of them: 2, 75%; negative, those that may be missing: -1, -25%.");
	parameters->has_minimum = true;
	parameters->percent = percent;
	parameters->minimum = digits > minimum ? -number : number;
}

uint32
barq_query_parameters_least(const BarqQueryParameters *parameters, uint32 n, bool marked)
{
	bool		missing = parameters->minimum < 0;
	int64		least = missing ? -(int64) parameters->minimum : parameters->minimum;

	/* of words, or of missing ones, a part does not count */
	if (parameters->percent)
		least = (int64) n * least / 100;
	if (missing)
		least = (int64) n - least;
	return (uint32) Min(Max(least, marked ? 0 : 1), n);
}

/* ---- the text form ---- */

const char *
barq_query_parameters_end(const char *text, const char *end)
{
	const char *p = text;

	if (p == end || *p != '{')
		return NULL;
	do
	{
		const char *name = ++p;

		while (p < end && ((*p >= 'a' && *p <= 'z') || *p == '_' || (*p >= '0' && *p <= '9')))
			p++;
		if (p == name || p == end || *p != '=')
			return NULL;
		for (p++; p < end && strchr("{},: \t\n\r\f\v", *p) == NULL; p++)
			if (*p == '"')
			{
				p = memchr(p + 1, '"', end - p - 1);
				if (p == NULL)
					return NULL;
			}
	} while (p < end && *p == ',');
	return p < end && *p == '}' ? p + 1 : NULL;
}

/* A number that is all of a text. Raises raise_range()'s error. */
static double
read_number(const char *name, const char *value, const char *range)
{
	char	   *end;
	double		number = strtod(value, &end);

	/* digits only: strtod() also takes names and hexadecimal numbers */
	if (*value == '\0' || *end != '\0' || value[strspn(value, "0123456789.eE+-")] != '\0')
		raise_range(name, value, range);
	return number;
}

/* Set the parameter of this name. Raises the errors of barq_query_parameters_read(). */
static void
set_named(BarqQueryParameters *parameters, const char *name, const char *value)
{
	bool		again = false;

	if (strcmp(name, "k1") == 0)
	{
		again = parameters->k1 >= 0;
		barq_query_parameters_set_k1(parameters,
									 read_number(name, value, "It is a number from 0.1 to 10."));
	}
	else if (strcmp(name, "b") == 0)
	{
		again = parameters->b >= 0;
		barq_query_parameters_set_b(parameters,
									read_number(name, value, "It is a number from 0 to 1."));
	}
	else if (strcmp(name, "minimum_should_match") == 0)
	{
		again = parameters->has_minimum;
		barq_query_parameters_set_minimum(parameters, value);
	}
	else if (strcmp(name, "search_config") == 0)
	{
		again = parameters->config != NULL;
		(void) BarqQualifiedNames(value);
		parameters->config = pstrdup(value);
	}
	else if (strcmp(name, "syntax") == 0)
	{
		again = parameters->strict;
		if (strcmp(value, "strict") != 0)
			raise_range(name, value, "It is strict.");
		parameters->strict = true;
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a text query has no parameter \"%s\"", name),
				 errhint("Parameters are k1, b, minimum_should_match, search_config and syntax. Put a colon before words that begin with braces.")));
	if (again)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" of a text query is given twice", name),
				 errhint("Give it once.")));
}

/* The comma behind a value, or the end; commas within double quotes are passed over. */
static char *
end_of_value(char *value)
{
	bool		quoted = false;

	for (; *value != '\0' && (quoted || *value != ','); value++)
		quoted ^= *value == '"';
	return value;
}

void
barq_query_parameters_read(const char *text, Size length, BarqQueryParameters *parameters)
{
	char	   *name = pnstrdup(text, length);

	barq_query_parameters_init(parameters);
	while (*name != '\0')
	{
		char	   *value = strchr(name, '=');
		char	   *end;
		bool		last;

		if (value == NULL)
			raise_range("parameter", name, "Parameters are written name=value, with commas between them.");
		*value++ = '\0';
		end = end_of_value(value);
		last = *end == '\0';
		*end = '\0';
		set_named(parameters, name, value);
		name = last ? end : end + 1;
	}
}

/* Append a comma, unless nothing is before it, and a parameter. */
static void
append(StringInfo text, const char *name, const char *value)
{
	if (text->len > 0)
		appendStringInfoChar(text, ',');
	appendStringInfoString(text, name);
	appendStringInfoChar(text, '=');
	appendStringInfoString(text, value);
}

char *
barq_query_parameters_write(const BarqQueryParameters *parameters)
{
	StringInfoData text;

	initStringInfo(&text);
	if (parameters->k1 >= 0)
		append(&text, "k1", double_to_shortest_decimal(parameters->k1));
	if (parameters->b >= 0)
		append(&text, "b", double_to_shortest_decimal(parameters->b));
	if (parameters->has_minimum)
		append(&text, "minimum_should_match",
			   psprintf("%d%s", parameters->minimum, parameters->percent ? "%" : ""));
	if (parameters->config != NULL)
		append(&text, "search_config", parameters->config);
	if (parameters->strict)
		append(&text, "syntax", "strict");
	return text.data;
}
