/*
 * sharded_shards.c
 *	  The shards of a table, their names on their own servers, and which of them
 *	  answer.
 */
#include "sharded/sharded.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/names.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "foreign/foreign.h"
#include "hybrid/hybrid.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/rls.h"
#include "utils/syscache.h"

/*
 * Whether Citus has distributed a table: then the table of this server is empty, and
 * its index has no statistics. Takes and releases AccessShareLock on Citus' catalog.
 */
static bool
is_distributed(Oid table)
{
	Oid			catalog = get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
	AttrNumber	attnum = OidIsValid(catalog) ? get_attnum(catalog, "logicalrelid") : InvalidAttrNumber;
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	bool		found;

	if (attnum == InvalidAttrNumber)
		return false;
	rel = table_open(catalog, AccessShareLock);
	ScanKeyInit(&key, attnum, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* A shard for a leaf partition. */
static BarqShard *
make_shard(Oid table, int number)
{
	BarqShard  *shard = palloc0(sizeof(BarqShard));

	shard->table = table;
	shard->number = number;
	shard->foreign = get_rel_relkind(table) == RELKIND_FOREIGN_TABLE;
	if (shard->foreign)
	{
		ForeignServer *server = GetForeignServer(GetForeignTable(table)->serverid);

		if (strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, "postgres_fdw") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("foreign table \"%s\" is not of postgres_fdw", get_rel_name(table)),
					 errhint("Other servers than PostgreSQL have no barq.")));
		shard->server = server->servername;
	}
	else if (is_distributed(table))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" is distributed by Citus", get_rel_name(table)),
				 errhint("Add up to_bm25global() of its shards, as examples/sharded/citus.sql does.")));
	return shard;
}

List *
barq_sharded_shards(Oid table)
{
	List	   *shards = NIL;
	ListCell   *cell;
	Relation	rel = table_open(table, AccessShareLock);

	if (rel->rd_rel->relkind == RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(rel)),
				 errhint("Name the partitioned table.")));

	/* statements name the partitions, for which their parent's policies do not count */
	if (has_subclass(table) && check_enable_rls(table, InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the row security of table \"%s\" does not apply to its partitions, which are searched",
						RelationGetRelationName(rel)),
				 errhint("Create the policies on the tables of the shards, for the users of the user mappings.")));
	table_close(rel, NoLock);

	/* temporary children of other sessions are no part of the table, as in any SELECT */
	foreach(cell, find_all_inheritors(table, AccessShareLock, NULL))
		if (get_rel_relkind(lfirst_oid(cell)) != RELKIND_PARTITIONED_TABLE &&
			!isOtherTempNamespace(get_rel_namespace(lfirst_oid(cell))))
			shards = lappend(shards, make_shard(lfirst_oid(cell), list_length(shards) + 1));
	if (shards == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no partitions", get_rel_name(table)),
				 errhint("Attach a partition, a table or a foreign table.")));
	return shards;
}

/* ---- columns ---- */

/* Whether a type is one of vectors, of the extension in `schema`. */
static bool
is_vector_type(Oid type, Oid schema)
{
	static const char *const names[] = {"vector", "halfvec", "sparsevec"};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (type == GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(names[i]),
									ObjectIdGetDatum(schema)))
			return true;
	return false;
}

static bool
is_text_type(Oid type, Oid schema)
{
	return type == TEXTOID || type == VARCHAROID || type == TEXTARRAYOID;
}

/*
 * The column of these types: the named one, or the only one; palloc'd. Raises the
 * errors of barq_sharded_columns().
 */
static char *
find_column(const BarqShardedArgs *args, const char *given, const char *argument,
			bool (*is_type) (Oid type, Oid schema))
{
	Relation	rel = table_open(args->table, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	StringInfoData found;
	char	   *name = NULL;
	bool		several = false;

	initStringInfo(&found);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (column->attisdropped)
			continue;
		if (given != NULL ? strcmp(NameStr(column->attname), given) != 0 :
			!is_type(getBaseType(column->atttypid), args->schema))
			continue;
		several = name != NULL;
		name = pstrdup(NameStr(column->attname));
		appendStringInfo(&found, "%s%s", several ? ", " : "", quote_identifier(name));
	}
	if (name == NULL && given != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist", given, RelationGetRelationName(rel))));
	if (name == NULL || several)
		ereport(ERROR,
				(errcode(several ? ERRCODE_AMBIGUOUS_COLUMN : ERRCODE_UNDEFINED_COLUMN),
				 several ? errmsg("table \"%s\" has several columns for %s: %s",
								  RelationGetRelationName(rel), argument, found.data) :
				 errmsg("table \"%s\" has no column for %s", RelationGetRelationName(rel), argument),
				 errhint("Name it: %s => 'column'.", argument)));
	table_close(rel, NoLock);
	return name;
}

void
barq_sharded_columns(BarqShardedArgs *args)
{
	if (args->embedding != NULL)
		args->vector_column = find_column(args, args->vector_column, "vector_column", is_vector_type);
	if (args->query != NULL)
		args->text_column = find_column(args, args->text_column, "text_column", is_text_type);
}

void
barq_sharded_check_group(const BarqShardedArgs *args)
{
	Relation	rel = table_open(args->table, AccessShareLock);
	BarqHybridEntry entry = {0};

	barq_groups_check_column(rel, args->group_by, &entry);
	table_close(rel, NoLock);
}

/* ---- names on the shard ---- */

/* The value of an option; NULL: not given. */
static char *
option(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *def = lfirst(cell);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

char *
barq_sharded_remote_table(const BarqShard *shard)
{
	List	   *options = shard->foreign ? GetForeignTable(shard->table)->options : NIL;
	char	   *schema = option(options, "schema_name");
	char	   *name = option(options, "table_name");

	return quote_qualified_identifier(schema != NULL ? schema :
									  get_namespace_name(get_rel_namespace(shard->table)),
									  name != NULL ? name : get_rel_name(shard->table));
}

char *
barq_sharded_remote_column(const BarqShard *shard, const char *column)
{
	AttrNumber	attnum = get_attnum(shard->table, column);
	char	   *name = !shard->foreign || attnum == InvalidAttrNumber ? NULL :
		option(GetForeignColumnOptions(shard->table, attnum), "column_name");

	return name != NULL ? name : pstrdup(column);
}

/* ---- shards that do not answer ---- */

/* Whether an error says that a server cannot be reached now. */
static bool
is_unreachable(int code)
{
	return ERRCODE_TO_CATEGORY(code) == ERRCODE_CONNECTION_EXCEPTION ||
		code == ERRCODE_ADMIN_SHUTDOWN || code == ERRCODE_CRASH_SHUTDOWN ||
		code == ERRCODE_CANNOT_CONNECT_NOW;
}

/*
 * Run a statement within a subtransaction. False, with the error's message in
 * *message, if it failed because a server cannot be reached; other errors are raised.
 */
static bool
answers(const char *sql, char **message)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool answered = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		(void) SPI_execute(sql, true, 0);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!is_unreachable(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		*message = error->message;
		answered = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return answered;
}

int
barq_sharded_find_missing(List *shards)
{
	int			missing = 0;
	ListCell   *cell;

	foreach(cell, shards)
	{
		BarqShard  *shard = lfirst(cell);
		char	   *message;

		if (!shard->foreign ||
			answers(psprintf("SELECT FROM ONLY %s WHERE ctid = '(0,0)'::pg_catalog.tid",
							 barq_qualified_name_by_oid(shard->table)), &message))
			continue;
		shard->missing = true;
		missing++;
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg("results are partial: shard \"%s\" on server \"%s\" does not answer",
						get_rel_name(shard->table), shard->server),
				 errdetail_internal("%s", message),
				 errhint("Without barq.allow_partial such a search is an error.")));
	}
	return missing;
}
