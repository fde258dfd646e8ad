/*
 * parse.c
 *	  Reading elements in the text forms of vector types, and errors of text.
 *	  See parse.h.
 */
#include "types/parse.h"

/*
 * Add a hint to the current error if `literal` looks like an array, or like a
 * vector of another kind.
 */
static int
other_form(const BarqVecType *type, const char *literal)
{
	literal = barq_skip_space(literal);
	if (type->sparse && *literal == '[')
		return errhint("Write {index:value,...}/dimensions, or cast a vector: '[...]'::vector::sparsevec.");
	if (type->sparse || *literal != '{')
		return 0;
	if (strchr(literal, ':') != NULL)
		return errhint("Cast a sparse vector: '{...}/n'::sparsevec::%s.", type->name);
	return errhint("Write [...], or cast an array: '{...}'::real[]::%s.", type->name);
}

void
barq_syntax_error(const BarqVecType *type, const char *literal, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", type->name, literal),
			 detail ? errdetail("%s", detail) : 0,
			 other_form(type, literal)));
}

float
barq_read_element(const BarqVecType *type, const char **p, const char *literal)
{
	const char *start = *p;
	float		value = barq_strtof(start, p);

	if (*p == start)
		barq_syntax_error(type, literal, NULL);

	/*
	 * The limits are those of float4in, except that a number that is too small
	 * becomes 0. In a sparse vector, which stores no zeros, the element would
	 * vanish, so there it is an error.
	 */
	if ((errno == ERANGE && (isinf(value) || (value == 0 && type->sparse))) ||
		barq_would_overflow(type, value))
		barq_out_of_range(type, pnstrdup(start, *p - start));

	barq_check_element(type, value);
	return value;
}
