/*
 * hybrid_cache.c
 *	  The cache of barq_hybrid() between calls: columns, parsed filters, plans.
 *
 * The key of an entry is all that its statements depend on and that may differ
 * between two calls: table, columns, filter, number of candidates, types of the
 * embedding and of filter_args, the role (row security), search_path (names in the
 * filter), and the settings that the filter's syntax depends on. An entry is
 * replaced after a change of the table, and when one of its plans is no longer
 * valid, so that a filter is never run after its names have changed their meaning.
 * A filter with literals whose meaning may change ('today', DateStyle) is analysed
 * again by every call and compared with the planned one. If the choice of an index
 * depends on the filter's arguments, several entries have one key and different
 * indexes.
 *
 * There are at most MOST_ENTRIES entries; the least recently used one is dropped.
 * Entries in use are pinned, since functions that a statement calls may call
 * barq_hybrid(), too.
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
#define MOST_KEY_BYTES	16384	/* entries with longer keys are used once */
#define MOST_SCHEMAS	64		/* of a search_path, by OID */

static BarqHybridEntry *entries[MOST_ENTRIES];
static int	nentries;
static uint64 calls;

/* Append a string, or that it is NULL. */
static void
append_string(StringInfo key, const char *string)
{
	appendStringInfoChar(key, string != NULL);
	if (string != NULL)
		appendBinaryStringInfo(key, string, strlen(string) + 1);
}

/* Make the key of a call; palloc'd. */
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

/* Free entry number `at`, which is not pinned; the last one takes its place. */
static void
drop_entry(int at)
{
	BarqHybridEntry *entry = entries[at];

	Assert(entry->pins == 0);
	entries[at] = entries[--nentries];
	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		drop_plan(entry->legs[kind].plan);
		drop_plan(entry->legs[kind].exact);
	}
	drop_plan(entry->rows);
	MemoryContextDelete(entry->context);
}

/* Whether a plan (NULL: none) is valid. No side effects. */
static bool
plan_is_good(SPIPlanPtr plan)
{
	return plan == NULL || SPI_plan_is_valid(plan);
}

/*
 * Whether the filter would give the same expression if it were analysed now.
 * Raises the errors of barq_hybrid_check_filter().
 */
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

/*
 * Whether the filter, with this call's arguments, chooses the indexes of the
 * entry. Raises the errors of barq_hybrid_filter_quals() and
 * barq_hybrid_find_column().
 */
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

/*
 * Whether a call may use an entry with its key. Changes nothing; raises the
 * errors of filter_is_same().
 */
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

/* The entry for a call, or NULL. Drops entries that are stale or invalid. */
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

/*
 * If there are MOST_ENTRIES, drop the one used least recently among those that
 * are not pinned. Raises ERRCODE_STATEMENT_TOO_COMPLEX if all are pinned.
 */
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
				 errmsg("too many nested calls of barq_hybrid()")));
	drop_entry(oldest);
}

/* Plan a statement with cursor options; the plan is not kept (SPI_keepplan). */
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
 * Plan a ranking. The value of the query does not matter to the planner, so without
 * parameters in the filter the plan is generic. With parameters the planner decides;
 * a partial index needs custom plans, since only the values may imply its predicate.
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

/* Set the members of an entry that belong to the filter. */
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

/* Make an entry for a call and add it to the cache. After an error nothing is kept. */
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

	/* a key as long as this is not likely to come again */
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

	/* no errors from here on: the entry and its plans are kept together */
	for (int kind = 0; kind < BARQ_LEGS; kind++)
		if (entry->legs[kind].plan != NULL)
			SPI_keepplan(entry->legs[kind].plan);
	MemoryContextSetParent(context, CacheMemoryContext);
	Assert(nentries < MOST_ENTRIES);
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
