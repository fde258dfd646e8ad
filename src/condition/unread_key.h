/*
 * unread_key.h
 *	  Sort keys that nothing in a finished plan reads.
 */
#ifndef BARQ_UNREAD_KEY_H
#define BARQ_UNREAD_KEY_H

#include "base/compat.h"

#include "nodes/plannodes.h"

/*
 * The target list that a scan has to compute in this plan: its own, or a copy in which
 * sort keys that no node reads are NULL. palloc'd; the plan is not changed. `statement`:
 * the plan that the executor runs, of which `scan` is a node.
 */
extern List *barq_keys_read(const PlannedStmt *statement, const CustomScan *scan);

#endif							/* BARQ_UNREAD_KEY_H */
