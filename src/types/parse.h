/*
 * parse.h
 *	  Reading the text forms of vector types: white space and numbers.
 *
 * Defines white space between elements, a strtof() that is fast for common
 * numbers, and the errors for malformed text. The inline functions
 * allocate nothing and raise no errors.
 */
#ifndef BARQ_PARSE_H
#define BARQ_PARSE_H

#include "postgres.h"

#include <errno.h>

#include "types/check.h"

/* isspace() of the C locale: it does not depend on the server's locale. */
static inline bool
barq_isspace(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The first character at or after p that is no white space. */
static inline const char *
barq_skip_space(const char *p)
{
	while (barq_isspace(*p))
		p++;
	return p;
}

/*
 * Append the decimal digits at *p to *mantissa and move *p past them. Adds the
 * number of digits without leading zeros to *significant; if that exceeds 19,
 * the mantissa may have overflowed. Returns the number of digits read.
 */
static inline int
barq_read_digits(const char **p, uint64 *mantissa, int *significant)
{
	const char *start = *p;

	for (; **p >= '0' && **p <= '9'; (*p)++)
	{
		*mantissa = *mantissa * 10 + (uint64) (**p - '0');
		if (*mantissa != 0 || *significant > 0)
			(*significant)++;
	}
	return (int) (*p - start);
}

/*
 * Read a plain decimal number that ends before white space, a comma or a closing
 * bracket or brace. Returns false, with nothing set, for text for which the fast
 * path cannot guarantee strtof()'s result. For most numbers it can:
 *
 * A mantissa of up to 19 digits becomes a double with a relative error of at
 * most 2^-53, and one multiplication or division by an exact power of ten adds
 * as much, so the double d lies within 2 units in its last place of the true
 * value. Rounding d to float then gives what rounding the true value gives
 * unless a point halfway between two floats lies among those few units. There,
 * the halfway point is the bit pattern 1 followed by zeros in the 29 low bits of
 * d, and bits within 4 of that are left to strtof().
 */
static inline bool
barq_read_float(const char *s, const char **end, float *value)
{
	static const double powers[] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	const char *p = s;
	bool		negative = false;
	uint64		mantissa = 0;
	int			significant = 0;
	int			digits;
	int			exponent = 0;
	double		d;
	uint64		bits;
	uint32		below;

	if (*p == '-' || *p == '+')
		negative = (*p++ == '-');

	digits = barq_read_digits(&p, &mantissa, &significant);
	if (*p == '.')
	{
		int			fraction;

		p++;
		fraction = barq_read_digits(&p, &mantissa, &significant);
		digits += fraction;
		exponent = -fraction;
	}
	if (digits == 0 || significant > 19)
		return false;

	if (*p == 'e' || *p == 'E')
	{
		bool		down = false;
		uint64		e = 0;
		int			unused = 0;
		int			n;

		p++;
		if (*p == '-' || *p == '+')
			down = (*p++ == '-');
		n = barq_read_digits(&p, &e, &unused);
		if (n == 0 || n > 3)
			return false;
		exponent += down ? -(int) e : (int) e;
	}

	if (!(*p == ',' || *p == ']' || *p == '}' || barq_isspace(*p)))
		return false;

	if (mantissa == 0)
		d = 0.0;
	else
	{
		if (exponent < -22 || exponent > 22)
			return false;
		d = (double) mantissa;
		if (exponent < 0)
			d /= powers[-exponent];
		else
			d *= powers[exponent];

		/* stay clear of overflow and of subnormal floats */
		if (d < 1e-37 || d > 1e38)
			return false;

		memcpy(&bits, &d, sizeof(bits));
		below = (uint32) (bits & UINT64CONST(0x1FFFFFFF));
		if (below >= 0x10000000 - 4 && below <= 0x10000000 + 4)
			return false;
	}

	*value = (float) (negative ? -d : d);
	*end = p;
	return true;
}

/*
 * Returns the value, *end and errno that strtof() would. PostgreSQL keeps
 * LC_NUMERIC at C. (atof() and a cast would round twice.)
 */
static inline float
barq_strtof(const char *s, const char **end)
{
	float		value;
	char	   *stop;

	errno = 0;
	if (barq_read_float(s, end, &value))
		return value;

	value = strtof(s, &stop);
	*end = stop;
	return value;
}

/*
 * Raises ERRCODE_INVALID_TEXT_REPRESENTATION for the input `literal`; adds a
 * hint if it looks like an array or like a vector of another kind. detail may be
 * NULL.
 */
pg_noreturn extern void barq_syntax_error(const BarqVecType *type, const char *literal,
										  const char *detail);

/*
 * An upper bound of the number of elements in a text: its commas plus one, but
 * no more than at_most.
 */
static inline int
barq_count_elements(const char *p, int at_most)
{
	int			n = 1;

	while (n < at_most && (p = strchr(p, ',')) != NULL)
	{
		n++;
		p++;
	}
	return n;
}

/*
 * Read one element at *p and move *p past it. literal is the whole input, for
 * messages. Raises ERRCODE_INVALID_TEXT_REPRESENTATION if there is no number,
 * ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE if it is too large for an element (of a
 * sparsevec also: too small), ERRCODE_DATA_EXCEPTION for NaN and infinity.
 */
extern float barq_read_element(const BarqVecType *type, const char **p,
							   const char *literal);

#endif							/* BARQ_PARSE_H */
