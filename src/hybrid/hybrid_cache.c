/*
 * hybrid_cache.c
 *	  What barq_hybrid() keeps between calls: columns found, filters parsed,
 *	  statements planned.
 *
 * An entry's key is everything that its statements depend on and that may
 * differ between two calls: table, columns, filter, number of candidates, the
 * embedding's type and that of the filter's arguments, the role (row security), search_path (names in the filter)
 * and the settings that the filter's syntax depends on. It is made again after a
 * change of the table, and when a plan of it is no longer valid for whatever
 * reason, so that a filter never runs that was checked when its names meant
 * something else. A filter with a literal whose meaning moves ('today',
 * DateStyle) is read again by every call, and compared with what was planned.
 * Where the index of a ranking is the one that the filter implies, entries of
 * one key differ in it.
 *
 * There are at most MOST_ENTRIES of them; the one not used for longest goes.
 * An entry in use is pinned, for what a statement calls may call barq_hybrid().
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "hybrid/hybrid.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define MOST_ENTRIES	64
#define MOST_KEY_BYTES	16384	/* of an entry that is kept */
#define MOST_SCHEMAS	64		/* of a search_path that are told apart */

static BarqHybridEntry *entries[MOST_ENTRIES];
static int	nentries;
static uint64 calls;

static void
append_string(StringInfo key, const char *string)
{
	appendStringInfoChar(key, string != NULL);
	if (string != NULL)
		appendBinaryStringInfo(key, string, strlen(string) + 1);
}

static void
make_key(StringInfo key, const BarqHybridArgs *args)
{
	Oid			schemas[MOST_SCHEMAS];
	Oid			user = GetUserId();
	int			nschemas = fetch_search_path_array(schemas, MOST_SCHEMAS);

	initStringInfo(key);
	appendBinaryStringInfo(key, (char *) &args->table, sizeof(Oid));
	appendBinaryStringInfo(key, (char *) &user, sizeof(Oid));
	appendBinaryStringInfo(key, (char *) &args->candidates, sizeof(int));
	appendBinaryStringInfo(key, (char *) &args->embedding_type, sizeof(Oid));
	appendBinaryStringInfo(key, (char *) args->wanted, sizeof(args->wanted));
	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		append_string(key, args->column[kind]);
		append_string(key, args->index[kind]);
	}
	append_string(key, args->filter);
	if (args->filter_args != NULL)
		appendBinaryStringInfo(key, (char *) &ARR_ELEMTYPE(args->filter_args), sizeof(Oid));
	append_string(key, namespace_search_path);
	appendStringInfoChar(key, standard_conforming_strings);
	appendStringInfoChar(key, (char) backslash_quote);
	appendStringInfoChar(key, Transform_null_equals);
	appendBinaryStringInfo(key, (char *) schemas,
						   sizeof(Oid) * Min(nschemas, MOST_SCHEMAS));
}

static void
drop_plan(SPIPlanPtr plan)
{
	if (plan != NULL)
		SPI_freeplan(plan);
}

static void
drop_entry(int at)
{
	BarqHybridEntry *entry = entries[at];

	entries[at] = entries[--nentries];
	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		drop_plan(entry->legs[kind].plan);
		drop_plan(entry->legs[kind].exact);
	}
	drop_plan(entry->rows);
	MemoryContextDelete(entry->context);
}

static bool
plan_is_good(SPIPlanPtr plan)
{
	return plan == NULL || SPI_plan_is_valid(plan);
}

/* Would the filter be the same expression if it were planned now? */
static bool
filter_is_same(Relation table, const BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	int			nparams;
	Oid		   *types;
	bool		fixed;

	return !entry->moving ||
		equal(barq_hybrid_check_filter(table, entry->filter, args->filter_args, &nparams,
									   &types, &fixed),
			  entry->expression);
}

/* Do the call's values imply the indexes that the entry has been made for? */
static bool
indexes_are_same(Relation table, BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	List	   *quals = NIL;

	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		BarqHybridColumn *column = &entry->legs[kind].column;
		BarqHybridColumn now = {0};

		if (!column->by_filter)
			continue;
		if (quals == NIL)
			quals = barq_hybrid_filter_quals(entry, args->filter_args);
		barq_hybrid_find_column(table, kind, args, quals, &now);
		if (now.index != column->index)
			return false;
	}
	return true;
}

static bool
entry_is_good(Relation table, const BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	if (entry->stale || !plan_is_good(entry->rows) ||
		!filter_is_same(table, entry, args))
		return false;
	for (int kind = 0; kind < BARQ_LEGS; kind++)
		if (!plan_is_good(entry->legs[kind].plan) || !plan_is_good(entry->legs[kind].exact))
			return false;
	return true;
}

/* The entry of a key, if it is good. */
static BarqHybridEntry *
look_up(Relation table, const BarqHybridArgs *args, const StringInfo key, uint64 hash)
{
	for (int i = 0; i < nentries; i++)
	{
		BarqHybridEntry *entry = entries[i];

		if (entry->stale && entry->pins == 0)
			drop_entry(i--);
		else if (entry->hash == hash && entry->key_length == (Size) key->len &&
				 memcmp(entry->key, key->data, key->len) == 0)
		{
			if (!entry_is_good(table, entry, args))
			{
				if (entry->pins == 0)
					drop_entry(i--);
			}
			else if (indexes_are_same(table, entry, args))
				return entry;
		}
	}
	return NULL;
}

static void
make_room(void)
{
	int			oldest = -1;

	if (nentries < MOST_ENTRIES)
		return;
	for (int i = 0; i < nentries; i++)
		if (entries[i]->pins == 0 &&
			(oldest < 0 || entries[i]->last_used < entries[oldest]->last_used))
			oldest = i;
	if (oldest < 0)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("too many calls of barq_hybrid() within each other")));
	drop_entry(oldest);
}

/* The statement, planned as the options say; not yet kept. */
static SPIPlanPtr
plan_statement(const char *sql, int nargs, Oid *types, int options)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, nargs, types,
										  CURSOR_OPT_PARALLEL_OK | options);

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql,
			 SPI_result_code_string(SPI_result));
	return plan;
}

/*
 * A query's own value tells the planner nothing, so one plan serves all;
 * arguments of the filter may, and they must where only they imply the
 * predicate of the index.
 */
static SPIPlanPtr
plan_leg(Relation table, const BarqHybridEntry *entry, BarqLegKind kind, bool exact)
{
	const BarqHybridColumn *column = &entry->legs[kind].column;
	char	   *sql = barq_hybrid_leg_sql(table, entry, kind, exact);
	Oid		   *types = palloc(sizeof(Oid) * (entry->nparams + 1));
	SPIPlanPtr	plan;

	if (entry->nparams > 0)
		memcpy(types, entry->param_types, sizeof(Oid) * entry->nparams);
	types[entry->nparams] = barq_hybrid_parameter_type(column, kind);
	plan = plan_statement(sql, entry->nparams + 1, types,
						  entry->nparams == 0 ? CURSOR_OPT_GENERIC_PLAN :
						  column->partial ? CURSOR_OPT_CUSTOM_PLAN : 0);
	pfree(types);
	pfree(sql);
	return plan;
}

static void
prepare_filter(Relation table, BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	Oid			from = args->filter_args == NULL ? TEXTOID : ARR_ELEMTYPE(args->filter_args);
	Oid		   *types;
	bool		fixed;
	Node	   *expr = barq_hybrid_check_filter(table, args->filter, args->filter_args,
												&entry->nparams, &types, &fixed);
	MemoryContext old = MemoryContextSwitchTo(entry->context);

	entry->filter = pstrdup(args->filter);
	entry->expression = copyObject(expr);
	entry->moving = !fixed;
	entry->param_types = palloc(sizeof(Oid) * (entry->nparams + 1));
	entry->arguments = palloc(sizeof(BarqArgument) * (entry->nparams + 1));
	for (int i = 0; i < entry->nparams; i++)
	{
		entry->param_types[i] = types[i];
		barq_argument_find(&entry->arguments[i], i + 1, from, types[i], entry->context);
	}
	MemoryContextSwitchTo(old);
}

static BarqHybridEntry *
make_entry(Relation table, const BarqHybridArgs *args, const StringInfo key,
		   uint64 hash)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "barq_hybrid", ALLOCSET_SMALL_SIZES);
	BarqHybridEntry *entry = MemoryContextAllocZero(context, sizeof(*entry));
	List	   *quals = NIL;

	barq_hybrid_check_table(table);
	entry->context = context;
	entry->key_length = key->len;
	entry->key = MemoryContextAlloc(context, key->len);
	memcpy(entry->key, key->data, key->len);
	entry->hash = hash;
	entry->table = RelationGetRelid(table);
	entry->schema = args->schema;
	entry->candidates = args->candidates;
	entry->has_children = barq_hybrid_lock_children(table);

	/* what is that large does not come again */
	entry->stale = key->len > MOST_KEY_BYTES;
	entry->key_index = barq_hybrid_key_index(table);

	if (args->filter != NULL)
	{
		prepare_filter(table, entry, args);
		quals = barq_hybrid_filter_quals(entry, args->filter_args);
	}
	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		BarqHybridLeg *leg = &entry->legs[kind];

		if (args->wanted[kind])
			barq_hybrid_find_column(table, kind, args, quals, &leg->column);
		else
			barq_hybrid_check_names(table, kind, args);
	}
	if (args->wanted[BARQ_LEG_VECTOR])
	{
		BarqHybridLeg *leg = &entry->legs[BARQ_LEG_VECTOR];

		barq_conversion_find(&leg->conversion, args->embedding_type,
							 leg->column.query_type, leg->column.typmod,
							 "embedding", context);
	}
	for (int kind = 0; kind < BARQ_LEGS; kind++)
		if (args->wanted[kind])
			entry->legs[kind].plan = plan_leg(table, entry, kind, false);

	make_room();

	/* nothing fails from here on */
	for (int kind = 0; kind < BARQ_LEGS; kind++)
		if (entry->legs[kind].plan != NULL)
			SPI_keepplan(entry->legs[kind].plan);
	MemoryContextSetParent(context, CacheMemoryContext);
	entries[nentries++] = entry;
	return entry;
}

BarqHybridEntry *
barq_hybrid_prepare(Relation table, const BarqHybridArgs *args)
{
	StringInfoData key;
	uint64		hash;
	BarqHybridEntry *entry;

	make_key(&key, args);
	hash = hash_bytes_extended((const unsigned char *) key.data, key.len, 0);
	entry = look_up(table, args, &key, hash);
	if (entry == NULL)
		entry = make_entry(table, args, &key, hash);
	entry->pins++;
	entry->last_used = ++calls;
	pfree(key.data);
	return entry;
}

void
barq_hybrid_release(BarqHybridEntry *entry)
{
	Assert(entry->pins > 0);
	entry->pins--;
}

SPIPlanPtr
barq_hybrid_exact_plan(Relation table, BarqHybridEntry *entry, BarqLegKind kind)
{
	BarqHybridLeg *leg = &entry->legs[kind];

	if (leg->exact == NULL)
	{
		SPIPlanPtr	plan = plan_leg(table, entry, kind, true);

		SPI_keepplan(plan);
		leg->exact = plan;
	}
	return leg->exact;
}

SPIPlanPtr
barq_hybrid_rows_plan(Relation table, BarqHybridEntry *entry)
{
	if (entry->rows == NULL)
	{
		Oid			types[] = {TIDARRAYOID, OIDARRAYOID};
		SPIPlanPtr	plan = plan_statement(barq_hybrid_rows_sql(table, entry->has_children),
										  entry->has_children ? 2 : 1, types,
										  CURSOR_OPT_GENERIC_PLAN);

		SPI_keepplan(plan);
		entry->rows = plan;
	}
	return entry->rows;
}

void
barq_hybrid_forget(Oid table)
{
	for (int i = 0; i < nentries; i++)
		if (!OidIsValid(table) || entries[i]->table == table)
			entries[i]->stale = true;
}
