/*
 * admin.h
 *	  Seeing into an index and steering it: what its SQL functions share.
 */
#ifndef BARQ_ADMIN_H
#define BARQ_ADMIN_H

#include "base/compat.h"

#include "lifecycle/lifecycle.h"

typedef enum BarqRight
{
	BARQ_RIGHT_SEE,				/* SELECT on the table, or pg_monitor */
	BARQ_RIGHT_CONTENT,			/* to see the indexed columns of all rows */
	BARQ_RIGHT_STEER			/* ownership of the table, or pg_maintain */
} BarqRight;

/*
 * Open a barq index by oid, with rights checked. ERRCODE_WRONG_OBJECT_TYPE if
 * it is none, ERRCODE_INSUFFICIENT_PRIVILEGE, ERRCODE_FEATURE_NOT_SUPPORTED
 * for another session's temporary index,
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE for one that is not built.
 */
extern Relation barq_admin_open(Oid oid, LOCKMODE lock, BarqRight right);

/*
 * Whether an index has pages to look at: not one whose concurrent build is
 * under way or failed, nor an unlogged one on a standby.
 */
extern bool barq_is_built(Relation index);

/*
 * Run what an index's expressions and predicate call as the table's owner, as
 * ANALYZE does: whoever looks into an index of somebody else must not run
 * that one's functions with his own rights. An error ends it by itself.
 */
typedef struct BarqOwnerSwitch
{
	Oid			user;
	int			security;
	int			settings;
} BarqOwnerSwitch;

extern void barq_become_owner(Relation heap, BarqOwnerSwitch *before);
extern void barq_become_caller(const BarqOwnerSwitch *before);

/*
 * check_options.c: complain of whatever is wrong with an index's options. An
 * ERROR means that it could not be built again as the catalog has it.
 */
typedef void (*BarqComplain) (void *arg, const char *severity, const char *place,
							  const char *message);
extern void barq_check_options(Relation index, const BarqFrozenOptions *built,
							   BarqComplain complain, void *arg);

/* ddl.c: hook into what is done to indexes; called once, when the library is loaded. */
extern void barq_watch_ddl(void);

#endif							/* BARQ_ADMIN_H */
