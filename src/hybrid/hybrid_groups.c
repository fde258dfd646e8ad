/*
 * hybrid_groups.c
 *	  The groups of a call: the values of group_by's column, numbered as they come.
 *	  Values are the same if the type's default btree order says so, as for DISTINCT
 *	  ON; NULLs are one group.
 */
#include "postgres.h"

#include "base/array.h"
#include "hybrid/hybrid.h"
#include "lib/rbtree.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

/* A value of the column. */
typedef struct GroupNode
{
	RBTNode		node;
	Datum		value;
	bool		isnull;
	int			number;
} GroupNode;

struct BarqGroups
{
	RBTree	   *tree;
	MemoryContext context;		/* of the tree and the values */
	FmgrInfo   *compare;
	Oid			collation;
	int16		length;			/* of the type */
	bool		by_value;
	GroupNode **nodes;			/* by number */
	int			n;
	int			space;
};

void
barq_groups_check_column(Relation table, const char *name, BarqHybridEntry *entry)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(table), name);
	int32		typmod;
	TypeCacheEntry *type;

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist", name,
						RelationGetRelationName(table)),
				 errhint("group_by takes the name of a column of the table.")));
	get_atttypetypmodcoll(RelationGetRelid(table), attnum, &entry->group_type, &typmod,
						  &entry->group_collation);
	entry->group_column = attnum;
	entry->group_type = getBaseTypeAndTypmod(entry->group_type, &typmod);
	type = lookup_type_cache(entry->group_type, TYPECACHE_EQ_OPR | TYPECACHE_CMP_PROC);
	if (!OidIsValid(type->eq_opr) || !OidIsValid(type->cmp_proc) ||
		!OidIsValid(get_array_type(entry->group_type)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify a comparison function for type %s",
						format_type_be(entry->group_type)),
				 errdetail("Column \"%s\" is named by group_by.", name),
				 errhint("Group by a column whose type has an order.")));
}

/* The order of the tree; NULL first. */
static int
compare_nodes(const RBTNode *a, const RBTNode *b, void *arg)
{
	const BarqGroups *groups = arg;
	const GroupNode *x = (const GroupNode *) a;
	const GroupNode *y = (const GroupNode *) b;

	if (x->isnull || y->isnull)
		return (int) y->isnull - (int) x->isnull;
	return DatumGetInt32(FunctionCall2Coll(groups->compare, groups->collation, x->value,
										   y->value));
}

/* A value that is there already stays as it is. */
static void
combine_nodes(RBTNode *existing, const RBTNode *other, void *arg)
{
}

static RBTNode *
allocate_node(void *arg)
{
	return MemoryContextAllocZero(((BarqGroups *) arg)->context, sizeof(GroupNode));
}

BarqGroups *
barq_groups_create(const BarqHybridEntry *entry)
{
	BarqGroups *groups = palloc0(sizeof(BarqGroups));

	groups->context = CurrentMemoryContext;
	groups->collation = entry->group_collation;
	groups->compare = &lookup_type_cache(entry->group_type, TYPECACHE_CMP_PROC_FINFO)->cmp_proc_finfo;
	get_typlenbyval(entry->group_type, &groups->length, &groups->by_value);
	groups->tree = rbt_create(sizeof(GroupNode), compare_nodes, combine_nodes,
							  allocate_node, NULL, groups);
	return groups;
}

int
barq_groups_number(BarqGroups *groups, Datum value, bool isnull)
{
	GroupNode	sought = {.value = value, .isnull = isnull};
	GroupNode  *node;
	bool		is_new;
	MemoryContext old;

	node = (GroupNode *) rbt_find(groups->tree, (RBTNode *) &sought);
	if (node != NULL)
		return node->number;

	old = MemoryContextSwitchTo(groups->context);
	if (!isnull)
		sought.value = groups->length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) :
			datumCopy(value, groups->by_value, groups->length);
	sought.number = groups->n;
	node = (GroupNode *) rbt_insert(groups->tree, (RBTNode *) &sought, &is_new);
	Assert(is_new);
	BARQ_ARRAY_RESERVE(groups->nodes, groups->space, groups->n + 1, 64);
	groups->nodes[groups->n++] = node;
	MemoryContextSwitchTo(old);
	return node->number;
}

int
barq_groups_count(const BarqGroups *groups)
{
	return groups->n;
}

Datum
barq_groups_value(const BarqGroups *groups, int number, bool *isnull)
{
	Assert(number >= 0 && number < groups->n);
	*isnull = groups->nodes[number]->isnull;
	return groups->nodes[number]->value;
}
