/*
 * bm25_conditions.h
 *	  Conditions of a query over a segment: words, phrases, all or at least some of other
 *	  conditions, each required or forbidden (bm25_conditions.c).
 */
#ifndef BARQ_BM25_CONDITIONS_H
#define BARQ_BM25_CONDITIONS_H

#include "bm25/bm25_cursor.h"

/* The conditions of one query over one segment. */
typedef struct Bm25Conditions Bm25Conditions;

/*
 * Open a cursor for a term of a query, palloc'd; NULL if the segment does not
 * have the term. A prefix of weight 0 is expanded to all its terms here. A pool of up to
 * `most` terms has members (barq_bm25_cursor_open_pooled()).
 */
extern Bm25Cursor *barq_bm25_open_term(const Bm25Body *body, const BarqBm25Term *term,
									   uint32 most);

/*
 * Open the query's conditions, palloc'd. *no_rows: no row of the segment
 * satisfies them; then the result must not be used for anything.
 */
extern Bm25Conditions *barq_bm25_conditions_open(const Bm25Body *body,
												 const BarqBm25Query *query,
												 bool *no_rows);

/*
 * Does a row satisfy the conditions? Sets *recheck, and returns true, where the index
 * cannot tell; *recheck is otherwise unchanged. Moves the conditions' cursors: cheap
 * when called with ascending rows. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern bool barq_bm25_conditions_hold(Bm25Conditions *conditions, uint32 row, bool *recheck);

/*
 * The first row from `row` on that may satisfy the conditions, by the rarest
 * required one; BM25_NO_ROW if there is none. Called with ascending rows; moves the
 * conditions' cursors. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern uint32 barq_bm25_conditions_next(Bm25Conditions *conditions, uint32 row);

/* An upper bound of the rows that satisfy the conditions. */
extern uint64 barq_bm25_conditions_rows(const Bm25Conditions *conditions);

/* Is any condition required, so that conditions_next() passes over rows? */
extern bool barq_bm25_conditions_lead(const Bm25Conditions *conditions);

/*
 * Set required[i] for each term i of the query that all rows must hold; returns
 * whether there are any.
 */
extern bool barq_bm25_conditions_required(const Bm25Conditions *conditions, bool *required);

/*
 * From now on conditions_hold() is called only for rows that hold all terms that
 * conditions_required() has set: conditions that require nothing else are
 * not evaluated again.
 */
extern void barq_bm25_conditions_settle(Bm25Conditions *conditions);

/*
 * The cursor of a term, at its first row, if one word of this term is all that rows must
 * satisfy; else NULL, and conditions_hold() is called only for rows of conditions_next() from
 * now on: where those are found by a word, it is not looked for again.
 */
extern Bm25Cursor *barq_bm25_conditions_lead_alone(Bm25Conditions *all);

/* How far a row satisfies a condition. */
typedef enum Bm25Truth
{
	BM25_NO,
	BM25_UNSURE,				/* the index cannot tell */
	BM25_YES
} Bm25Truth;

/* The truth of a condition for a parent: negated where it is MUST_NOT. */
static inline Bm25Truth
barq_bm25_apply_occur(BarqOccur occur, Bm25Truth holds)
{
	return occur == BARQ_MUST_NOT ? BM25_YES - holds : holds;
}

/* Counts the conditions below a SOME, of which enough have to hold. */
typedef struct Bm25Some
{
	uint32		least;			/* so many, at least 1 */
	uint32		left;			/* not counted yet */
	uint32		yes;
	uint32		unsure;
} Bm25Some;

/* Begin to count. */
static inline Bm25Some
barq_bm25_some(const BarqBm25Condition *condition)
{
	return (Bm25Some) {.least = Max(condition->least, 1), .left = condition->nconditions};
}

/* Count the next condition; whether that decides. */
static inline bool
barq_bm25_some_count(Bm25Some *some, Bm25Truth here)
{
	some->left--;
	some->yes += here == BM25_YES;
	some->unsure += here == BM25_UNSURE;
	return some->yes >= some->least ||
		(uint64) some->yes + some->unsure + some->left < some->least;
}

/* Whether enough hold, after the last one or the one that decided. */
static inline Bm25Truth
barq_bm25_some_holds(const Bm25Some *some)
{
	if (some->yes >= some->least)
		return BM25_YES;
	return (uint64) some->yes + some->unsure + some->left >= some->least ? BM25_UNSURE : BM25_NO;
}

/*
 * Does each offset of a condition of terms have a variant whose terms are all held?
 * No side effects. counts[i]: frequency of the condition's i-th term.
 */
extern bool barq_bm25_words_held(const BarqBm25Condition *condition, const uint32 *counts);

/*
 * Does a phrase occur: the terms occur at some start position, each at its offset
 * from it. No side effects. lists[i], counts[i]: ascending positions of the
 * phrase's i-th term, and how many.
 */
extern bool barq_bm25_phrase_fits(const BarqBm25Condition *phrase,
								  const uint32 *const *lists, const uint32 *counts);

#endif							/* BARQ_BM25_CONDITIONS_H */
