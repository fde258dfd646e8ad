/*
 * text_bind.h
 *	  A query while it is bound (text_bind.c): its terms, and its conditions
 *	  (text_bind_conditions.c).
 */
#ifndef BARQ_TEXT_BIND_H
#define BARQ_TEXT_BIND_H

#include "text_index/text_index.h"

#define NO_VARIANT	PG_UINT32_MAX

/* One occurrence of a term in a clause. */
typedef struct BoundTerm
{
	BarqBm25Term term;
	double		boost;			/* 0: does not score */
	uint32		variant;		/* of several terms, with which it scores; NO_VARIANT:
								 * it scores alone */
} BoundTerm;

/* Sibling conditions. */
typedef struct Conditions
{
	uint32		n;
	uint32		space;
	BarqBm25Condition *list;
} Conditions;

/*
 * A query while it is bound. Variants and conditions refer to terms by their
 * numbers here; sort_terms() replaces these by numbers of the final query.
 */
typedef struct Binding
{
	uint32		every;			/* all fields, a bit each; 0: there is one */
	uint32		weighing;		/* those that add to scores */
	uint32		asked;			/* those that the query is for */
	const BarqTextOptions *options;
	uint32		fields;			/* of terms that are conditions; 0: all */
	uint32		scoring_fields; /* of terms that score */
	BoundTerm  *terms;
	uint32		n;
	uint32		space;
	BarqBm25Variant *variants;
	uint32		nvariants;
	uint32		variant_space;
	Conditions	conditions;
	const BarqTextLanguages *languages; /* of the rows; NULL: the query is in one */
	uint64		of_fields;		/* languages of the query, a bit each, that are those of fields
								 * in every row */
} Binding;

/* Returns the term's number. Its text stays the clause's. */
extern uint32 barq_bind_term(Binding *binding, const BarqClauseTerm *term, double boost,
							 uint32 variant);

/*
 * Set the fields of the terms that are added next: those of a clause (0: those that the
 * query is for). Fields that add nothing to a score are left out of those that score, so
 * that a row has a score if it has a term there.
 */
extern void barq_bind_use_fields(Binding *binding, uint32 fields);

/* Add the conditions of @@@ for the clauses of a query. */
extern void barq_bind_matches(Binding *binding, const BarqTextQuery *parsed);

/* Add the conditions of <@>; rows are known to contain one of the query's words. */
extern void barq_bind_ranking(Binding *binding, const BarqTextQuery *parsed);

/*
 * Add the conditions of <@> and @@@ for the clauses of a query that says how many of its
 * unmarked ones have to hold. Both operators read it alike, so that they find the same
 * rows; therefore an unmarked phrase holds as in @@@, where it occurs.
 */
extern void barq_bind_minimum(Binding *binding, const BarqTextQuery *parsed,
							  const BarqQueryParameters *parameters);

#endif							/* BARQ_TEXT_BIND_H */
