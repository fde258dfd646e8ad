/*
 * content_rights.c
 *	  Whether a role may see the content of an index. Statistics of an index
 *	  (document counts, frequencies, the dictionary) are computed from all rows of
 *	  its table, so they are as secret as the indexed columns of all these rows.
 */
#include "postgres.h"

#include "access/attnum.h"
#include "access/genam.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "am/am.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

/*
 * Whether a role has SELECT on each column that an index's keys are computed
 * from. False if they are computed from none. Reads catalogs; takes no lock and
 * raises no error.
 */
static bool
may_select_keys(Relation index, Oid table, Oid user)
{
	Bitmapset  *columns = NULL;
	int			nkeys = index->rd_index->indnkeyatts;
	int			column = -1;

	for (int i = 0; i < nkeys; i++)
		if (index->rd_index->indkey.values[i] != 0)
			columns = bms_add_member(columns, index->rd_index->indkey.values[i] -
									 FirstLowInvalidHeapAttributeNumber);
	pull_varattnos((Node *) RelationGetIndexExpressions(index), 1, &columns);
	if (columns == NULL)
		return false;
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		AttrNumber	attnum = column + FirstLowInvalidHeapAttributeNumber;
		AclResult	result = attnum == InvalidAttrNumber ?
			pg_attribute_aclcheck_all(table, user, ACL_SELECT, ACLMASK_ALL) :
			pg_attribute_aclcheck(table, attnum, user, ACL_SELECT);

		if (result != ACLCHECK_OK)
			return false;
	}
	return true;
}

bool
barq_may_see_index_content(Oid index_oid, Oid user)
{
	Oid			table = IndexGetRelation(index_oid, true);
	Relation	index;
	bool		may;

	if (!OidIsValid(table))
		return false;
	if (check_enable_rls(table, user, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(table, user, ACL_SELECT) == ACLCHECK_OK)
		return true;
	index = relation_open(index_oid, AccessShareLock);
	may = may_select_keys(index, table, user);
	relation_close(index, AccessShareLock);
	return may;
}

void
barq_raise_not_an_index(Oid relation)
{
	const char *name = get_rel_name(relation);

	if (name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of access method barq_bm25", name),
				 errhint("barq_indexes() lists barq's indexes, with their tables and kinds.")));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("index with OID %u does not exist", relation),
			 OidIsValid(relation) ?
			 errhint("REINDEX CONCURRENTLY, and DROP and CREATE, give an index another OID. A bm25query that names its index stays valid: to_bm25query(query, 'index').") :
			 errhint("Give the name of an index of access method barq_bm25.")));
}

void
barq_check_index_content_rights(Oid index)
{
	Oid			table;

	if (barq_may_see_index_content(index, GetUserId()))
		return;
	table = IndexGetRelation(index, true);
	if (!OidIsValid(table))
		barq_raise_not_an_index(index);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for table %s", get_rel_name(table)),
			 check_enable_rls(table, GetUserId(), true) == RLS_ENABLED ?
			 errdetail("Row security hides rows of the table from this role, but index \"%s\" counts these rows.",
					   get_rel_name(index)) :
			 errdetail("Seeing the content of index \"%s\" requires SELECT on the indexed columns.",
					   get_rel_name(index))));
}
