/*
 * hybrid_cache.c
 *	  The cache of barq_hybrid() and barq_search_batch() between calls: columns,
 *	  parsed expressions, plans.
 *
 * The key of an entry is all that its statements depend on and that may differ
 * between two calls: the function, table, columns, filter, boost, group, number of
 * candidates, strictness of the text query, types of the embedding and of filter_args, the role (row security), search_path (names in the
 * filter), and the settings that the filter's syntax depends on. An entry is
 * replaced after a change of the table, and when one of its plans is no longer
 * valid, so that a filter is never run after its names have changed their meaning.
 * Expressions with literals whose meaning may change ('today', DateStyle) are analysed
 * again by every call and compared with the planned ones. If the choice of an index
 * depends on the filter's arguments, several entries have one key and different
 * indexes.
 *
 * There are at most MOST_ENTRIES entries; the least recently used one is dropped.
 * Entries in use are pinned, since functions that a statement calls may call
 * barq_hybrid(), too.
 */
#include "postgres.h"

#include "base/compat.h"
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
	append_string(key, args->caller);
	appendBinaryStringInfo(key, (char *) args->candidates, sizeof(args->candidates));
	appendBinaryStringInfo(key, (char *) &args->embedding_type, sizeof(Oid));
	appendBinaryStringInfo(key, (char *) args->wanted, sizeof(args->wanted));
	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		append_string(key, args->column[kind]);
		append_string(key, args->index[kind]);
	}
	for (int kind = 0; kind < BARQ_EXPRS; kind++)
		append_string(key, args->expr[kind]);
	append_string(key, args->group_by);
	appendStringInfoChar(key, args->diversity > 0);
	appendStringInfoChar(key, args->strict);
	if (args->filter_args != NULL)
		appendBinaryStringInfo(key, (char *) &ARR_ELEMTYPE(args->filter_args), sizeof(Oid));
	append_string(key, namespace_search_path);
	appendStringInfoChar(key, BarqStandardStrings());
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
		for (int form = 0; form < BARQ_LEG_FORMS; form++)
			drop_plan(entry->legs[kind].plans[form]);
	drop_plan(entry->rows);
	drop_plan(entry->details);
	drop_plan(entry->members);
	MemoryContextDelete(entry->context);
}

/* Whether a plan (NULL: none) is valid. No side effects. */
static bool
plan_is_good(SPIPlanPtr plan)
{
	return plan == NULL || SPI_plan_is_valid(plan);
}

/*
 * Analyse the expressions of a call into analysed[BARQ_EXPRS]; NULL: none. *moving:
 * some literal's meaning may change. Types of parameters are palloc'd. Raises the
 * errors of barq_hybrid_check_expr() and barq_hybrid_check_params().
 */
static void
analyse(Relation table, const BarqHybridArgs *args, Node **analysed, int *nparams,
		Oid **types, bool *moving)
{
	*nparams = 0;
	*types = NULL;
	*moving = false;
	for (int kind = 0; kind < BARQ_EXPRS; kind++)
		analysed[kind] = args->expr[kind] == NULL ? NULL :
			barq_hybrid_check_expr(table, kind, args, nparams, types, moving);
	barq_hybrid_check_params(args, *nparams, *types);
}

/*
 * Whether the expressions would be the same if they were analysed now. Raises the
 * errors of analyse().
 */
static bool
exprs_are_same(Relation table, const BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	Node	   *analysed[BARQ_EXPRS];
	int			nparams;
	Oid		   *types;
	bool		moving;

	if (!entry->moving)
		return true;
	analyse(table, args, analysed, &nparams, &types, &moving);
	for (int kind = 0; kind < BARQ_EXPRS; kind++)
		if (!equal(analysed[kind], entry->analysed[kind]))
			return false;
	return true;
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
			quals = barq_hybrid_filter_quals(entry, args);
		barq_hybrid_find_column(table, kind, args, quals, &now);
		if (now.index != column->index)
			return false;
	}
	return true;
}

/*
 * Whether a call may use an entry with its key. Changes nothing; raises the
 * errors of exprs_are_same().
 */
static bool
entry_is_good(Relation table, const BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	if (entry->stale || !plan_is_good(entry->rows) || !plan_is_good(entry->details) ||
		!plan_is_good(entry->members) ||
		!exprs_are_same(table, entry, args))
		return false;
	for (int kind = 0; kind < BARQ_LEGS; kind++)
		for (int form = 0; form < BARQ_LEG_FORMS; form++)
			if (!plan_is_good(entry->legs[kind].plans[form]))
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
 * Plan a statement whose first parameters are those of the expressions; `types` are
 * those of the others. The plan is not kept.
 */
static SPIPlanPtr
plan_with_params(const BarqHybridEntry *entry, const char *sql, const Oid *types,
				 int ntypes, int options)
{
	Oid		   *all = palloc(sizeof(Oid) * (entry->nparams + ntypes));
	SPIPlanPtr	plan;

	if (entry->nparams > 0)
		memcpy(all, entry->param_types, sizeof(Oid) * entry->nparams);
	memcpy(all + entry->nparams, types, sizeof(Oid) * ntypes);
	plan = plan_statement(sql, entry->nparams + ntypes, all, options);
	pfree(all);
	return plan;
}

/*
 * Plan a ranking. The value of the query does not matter to the planner, so without
 * parameters in the filter the plan is generic. With parameters the planner decides;
 * a partial index needs custom plans, since only the values may imply its predicate,
 * and so does a limit that is a parameter, since it decides whether to sort.
 */
static SPIPlanPtr
plan_leg(Relation table, const BarqHybridEntry *entry, BarqLegKind kind, int form)
{
	const BarqHybridColumn *column = &entry->legs[kind].column;
	char	   *sql = barq_hybrid_leg_sql(table, entry, kind, form);
	Oid			types[] = {barq_hybrid_parameter_type(column, kind), INT8OID};
	bool		limit = (form & BARQ_LEG_LIMIT) != 0;
	SPIPlanPtr	plan = plan_with_params(entry, sql, types, limit ? 2 : 1,
										limit ? CURSOR_OPT_CUSTOM_PLAN :
										entry->nparams == 0 ? CURSOR_OPT_GENERIC_PLAN :
										column->partial ? CURSOR_OPT_CUSTOM_PLAN : 0);

	pfree(sql);
	return plan;
}

/* Set the members of an entry that belong to the expressions. */
static void
prepare_exprs(Relation table, BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	Oid			from = args->filter_args == NULL ? TEXTOID : ARR_ELEMTYPE(args->filter_args);
	Node	   *analysed[BARQ_EXPRS];
	Oid		   *types;
	MemoryContext old;

	analyse(table, args, analysed, &entry->nparams, &types, &entry->moving);
	old = MemoryContextSwitchTo(entry->context);
	for (int kind = 0; kind < BARQ_EXPRS; kind++)
		if (analysed[kind] != NULL)
		{
			entry->expr[kind] = pstrdup(args->expr[kind]);
			entry->analysed[kind] = copyObject(analysed[kind]);
		}
	entry->param_types = palloc(sizeof(Oid) * (entry->nparams + 1));
	entry->arguments = palloc(sizeof(BarqArgument) * (entry->nparams + 1));
	for (int i = 0; i < entry->nparams; i++)
	{
		entry->param_types[i] = types[i];
		barq_argument_find(&entry->arguments[i], i + 1, from, types[i], entry->context);
		entry->arguments[i].caller = args->caller;
	}
	MemoryContextSwitchTo(old);
}

/* Whether a call needs the column of a ranking. */
static bool
needs_column(const BarqHybridArgs *args, BarqLegKind kind)
{
	return args->wanted[kind] || (kind == BARQ_LEG_VECTOR && args->diversity > 0);
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
	memcpy(entry->candidates, args->candidates, sizeof(entry->candidates));
	entry->diverse = args->diversity > 0;
	entry->strict = args->strict;
	entry->has_children = barq_hybrid_lock_children(table);

	/* a key as long as this is not likely to come again */
	entry->stale = key->len > MOST_KEY_BYTES;
	entry->key_index = barq_hybrid_key_index(table);

	if (args->group_by != NULL)
		barq_groups_check_column(table, args->group_by, entry);
	if (args->expr[BARQ_EXPR_FILTER] != NULL || args->expr[BARQ_EXPR_BOOST] != NULL)
		prepare_exprs(table, entry, args);
	if (args->expr[BARQ_EXPR_FILTER] != NULL)
		quals = barq_hybrid_filter_quals(entry, args);
	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		BarqHybridLeg *leg = &entry->legs[kind];

		if (needs_column(args, kind))
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
			entry->legs[kind].plans[0] = plan_leg(table, entry, kind, 0);

	make_room();

	/* no errors from here on: the entry and its plans are kept together */
	for (int kind = 0; kind < BARQ_LEGS; kind++)
		if (entry->legs[kind].plans[0] != NULL)
			SPI_keepplan(entry->legs[kind].plans[0]);
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

/* Keep a plan in *place. */
static SPIPlanPtr
keep(SPIPlanPtr plan, SPIPlanPtr *place)
{
	SPI_keepplan(plan);
	*place = plan;
	return plan;
}

SPIPlanPtr
barq_hybrid_leg_plan(Relation table, BarqHybridEntry *entry, BarqLegKind kind, int form)
{
	SPIPlanPtr *place = &entry->legs[kind].plans[form];

	return *place != NULL ? *place : keep(plan_leg(table, entry, kind, form), place);
}

SPIPlanPtr
barq_hybrid_rows_plan(Relation table, BarqHybridEntry *entry)
{
	Oid			types[] = {TIDARRAYOID, OIDARRAYOID};

	if (entry->rows != NULL)
		return entry->rows;
	return keep(plan_statement(barq_hybrid_rows_sql(table, entry->has_children),
							   entry->has_children ? 2 : 1, types, CURSOR_OPT_GENERIC_PLAN),
				&entry->rows);
}

SPIPlanPtr
barq_hybrid_details_plan(Relation table, BarqHybridEntry *entry)
{
	Oid			types[] = {TIDARRAYOID, OIDARRAYOID};

	if (entry->details != NULL)
		return entry->details;
	return keep(plan_with_params(entry, barq_hybrid_details_sql(table, entry), types,
								 entry->has_children ? 2 : 1, CURSOR_OPT_GENERIC_PLAN),
				&entry->details);
}

SPIPlanPtr
barq_hybrid_members_plan(Relation table, BarqHybridEntry *entry)
{
	Oid			types[] = {entry->legs[BARQ_LEG_VECTOR].column.query_type,
				get_array_type(entry->group_type), BOOLOID};

	if (entry->members != NULL)
		return entry->members;
	return keep(plan_with_params(entry, barq_hybrid_members_sql(table, entry), types, 3,
								 CURSOR_OPT_CUSTOM_PLAN),
				&entry->members);
}

void
barq_hybrid_forget(Oid table)
{
	for (int i = 0; i < nentries; i++)
		if (!OidIsValid(table) || entries[i]->table == table)
			entries[i]->stale = true;
}
