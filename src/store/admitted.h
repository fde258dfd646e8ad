/*
 * admitted.h
 *	  The TIDs that a bitmap of other indexes admits, as a source of row filters.
 */
#ifndef BARQ_ADMITTED_H
#define BARQ_ADMITTED_H

#include "base/compat.h"
#include "store/row_filter.h"

typedef struct BarqAdmitted BarqAdmitted;

/*
 * Copy the TIDs of a bitmap: 2 bytes a TID and 24 a heap page, palloc'd in the current
 * memory context. The bitmap may be freed afterwards. Checks for interrupts.
 */
extern BarqAdmitted *barq_admitted_make(TIDBitmap *bitmap);

/*
 * The same of n TIDs, each as block << 16 | offset, ascending, none twice. They are all
 * precise, and may be freed afterwards.
 */
extern BarqAdmitted *barq_admitted_of_tids(const uint64 *tids, uint64 n);

/* The source of row filters; valid as long as `admitted`. */
extern BarqRowSource *barq_admitted_source(BarqAdmitted *admitted);

/* The number of TIDs; a page of which the bitmap kept no TIDs counts as one. */
extern uint64 barq_admitted_count(const BarqAdmitted *admitted);

/*
 * Whether a TID is admitted; *recheck: only if the row passes the condition too, since
 * the bitmap is not precise there.
 */
extern bool barq_admitted_has(const BarqAdmitted *admitted, const ItemPointerData *tid,
							  bool *recheck);

#endif							/* BARQ_ADMITTED_H */
