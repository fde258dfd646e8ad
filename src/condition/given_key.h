/*
 * given_key.h
 *	  Sort keys whose value the index gives with each row.
 */
#ifndef BARQ_GIVEN_KEY_H
#define BARQ_GIVEN_KEY_H

#include "base/compat.h"

#include "condition/search_node.h"
#include "nodes/plannodes.h"

/*
 * A copy of the target list in which the value that barq_given_key_set() was given last
 * stands for `key`, a float8; *found: whether it occurs. palloc'd.
 */
extern List *barq_given_key(List *tlist, Node *key, bool *found);

/* Take the value from the row that the search has returned last. */
extern void barq_given_key_set(CustomScanState *css, const BarqSearchNode *search);

#endif							/* BARQ_GIVEN_KEY_H */
