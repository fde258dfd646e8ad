/*
 * open.c
 *	  How a function of this folder opens an index: rights, state, and running the
 *	  index's own functions as the table's owner.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/xlog.h"
#include "admin/admin.h"
#include "am/am.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

bool
barq_is_built(Relation index)
{
	return index->rd_index->indisready &&
		(RelationIsPermanent(index) || !RecoveryInProgress());
}

bool
barq_may_see(Oid table)
{
	return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		has_privs_of_role(GetUserId(), ROLE_PG_MONITOR);
}

bool
barq_may_steer(Oid table)
{
	return BarqOwnsRelation(table, GetUserId()) || BarqMayMaintain(table, GetUserId());
}

/* ERRCODE_INSUFFICIENT_PRIVILEGE unless the current user has the right. */
static void
check_right(Relation index, BarqRight right)
{
	Oid			table = IndexGetRelation(RelationGetRelid(index), false);
	bool		allowed;

	if (right == BARQ_RIGHT_CONTENT)
	{
		barq_check_index_content_rights(RelationGetRelid(index));
		return;
	}
	if (right == BARQ_RIGHT_SEE)
		allowed = barq_may_see(table);
	else
		allowed = barq_may_steer(table);

	if (!allowed)
		aclcheck_error(right == BARQ_RIGHT_SEE ? ACLCHECK_NO_PRIV : ACLCHECK_NOT_OWNER,
					   OBJECT_TABLE, get_rel_name(table));
}

Relation
barq_admin_open(Oid oid, LOCKMODE lock, BarqRight right)
{
	Relation	index = try_relation_open(oid, lock);

	if (index == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("index with OID %u does not exist", oid)));
	if (index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partitioned index", RelationGetRelationName(index)),
				 errhint("Name the index of one of the partitions.")));
	if (!barq_is_barq_index(index))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a barq index", RelationGetRelationName(index)),
				 errhint("barq_indexes() lists barq's indexes, with their tables and kinds.")));
	check_right(index, right);
	if (RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary indexes of other sessions")));
	if (!barq_is_built(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not ready", RelationGetRelationName(index)),
				 errdetail("It is being built concurrently, a concurrent build of it failed, or it is unlogged and this server is a standby.")));
	return index;
}

/* Open as barq_admin_try_open() does; with `unbuilt` as barq_admin_try_open_unbuilt(). */
static Relation
try_open(Oid oid, bool unbuilt)
{
	Relation	index = try_relation_open(oid, AccessShareLock);
	Oid			table;

	if (index == NULL)
		return NULL;
	table = barq_is_barq_index(index) ?
		IndexGetRelation(RelationGetRelid(index), true) : InvalidOid;
	if (OidIsValid(table) && !RELATION_IS_OTHER_TEMP(index) &&
		(barq_is_built(index) || (unbuilt && !index->rd_index->indisready)) &&
		barq_may_see(table))
		return index;
	relation_close(index, AccessShareLock);
	return NULL;
}

Relation
barq_admin_try_open(Oid oid)
{
	return try_open(oid, false);
}

Relation
barq_admin_try_open_unbuilt(Oid oid)
{
	return try_open(oid, true);
}

void
barq_become_owner(Relation heap, BarqOwnerSwitch *before)
{
	GetUserIdAndSecContext(&before->user, &before->security);
	SetUserIdAndSecContext(heap->rd_rel->relowner,
						   before->security | SECURITY_RESTRICTED_OPERATION);
	before->settings = NewGUCNestLevel();
	BarqRestrictSearchPath();
}

void
barq_become_caller(const BarqOwnerSwitch *before)
{
	AtEOXact_GUC(false, before->settings);
	SetUserIdAndSecContext(before->user, before->security);
}
