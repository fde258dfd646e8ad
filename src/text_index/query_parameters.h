/*
 * query_parameters.h
 *	  What a bm25query may say beside its words: k1, b, how many of its words have to
 *	  occur, and the text search configuration that its words are read by.
 *
 * Their text form is in braces, {k1=1.5,b=0.3,minimum_should_match=75%,
 * search_config=public.mine,syntax=strict}, in this order, without spaces. A value keeps it without the
 * braces.
 */
#ifndef BARQ_QUERY_PARAMETERS_H
#define BARQ_QUERY_PARAMETERS_H

#include "postgres.h"

/* Ranges of k1 and b, as of the options of an index. */
#define BARQ_SMALLEST_K1	0.1
#define BARQ_LARGEST_K1		10.0

typedef struct BarqQueryParameters
{
	double		k1;				/* negative: that of the index */
	double		b;				/* likewise; else of each field */
	bool		has_minimum;
	bool		percent;		/* whether `minimum` is a percentage */
	int32		minimum;		/* negative: so many may be missing */
	char	   *config;			/* name of a configuration as written; NULL: the index's */
	bool		strict;			/* the words are in strict syntax and name fields, which the
								 * index must have */
} BarqQueryParameters;

/* No parameters. No side effects. */
extern void barq_query_parameters_init(BarqQueryParameters *parameters);

/* Whether any is given. No side effects. */
extern bool barq_query_parameters_any(const BarqQueryParameters *parameters);

/*
 * The end of parameters in braces that begin at `text`, before `end`: the byte behind the
 * closing brace. NULL: these are none, but words. Only the shape counts,
 * {name=value,name=value}, where a value has no braces, commas, colons or spaces, except
 * in double quotes. No side effects.
 */
extern const char *barq_query_parameters_end(const char *text, const char *end);

/*
 * Read parameters without their braces, `length` bytes; names are palloc'd. Raises
 * ERRCODE_INVALID_PARAMETER_VALUE for an unknown or repeated name, or a value that is out of
 * range or malformed, ERRCODE_INVALID_NAME for a malformed name of a configuration.
 */
extern void barq_query_parameters_read(const char *text, Size length,
									   BarqQueryParameters *parameters);

/* Write parameters without braces; palloc'd. */
extern char *barq_query_parameters_write(const BarqQueryParameters *parameters);

/*
 * Check and set one of the parameters. Raise ERRCODE_INVALID_PARAMETER_VALUE for a value
 * out of range. minimum: a number or a percentage, either of which may be negative.
 */
extern void barq_query_parameters_set_k1(BarqQueryParameters *parameters, double k1);
extern void barq_query_parameters_set_b(BarqQueryParameters *parameters, double b);
extern void barq_query_parameters_set_minimum(BarqQueryParameters *parameters,
											  const char *minimum);

/*
 * How many of n alternatives have to hold; at most n. At least 1, unless `marked`: a part
 * of the query is marked +, so that its words need not.
 */
extern uint32 barq_query_parameters_least(const BarqQueryParameters *parameters, uint32 n,
										  bool marked);

#endif							/* BARQ_QUERY_PARAMETERS_H */
