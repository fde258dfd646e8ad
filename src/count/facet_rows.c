/*
 * facet_rows.c
 *	  Counting the values of filter columns of the rows that match.
 *
 * The statement of the call is planned as a count, by the index (count_paths.c). Where that
 * is possible, its rows come with their numbers in segments, and the values are words of the
 * index. Else (row security, conditions that the index does not know) the statement fetches
 * the columns, and the words are made of these.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "am/filter_words.h"
#include "base/settings.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "count/facets.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "tcop/dest.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A hash whose low bits depend on all bits of the word: those of floats end in zeros. */
static inline uint32
hash_word(uint64 word)
{
	word ^= word >> 32;
	word *= UINT64CONST(0x9E3779B97F4A7C15);
	return (uint32) (word >> 32);
}

#define SH_PREFIX barq_facet_groups
#define SH_ELEMENT_TYPE BarqFacetGroup
#define SH_KEY_TYPE uint64
#define SH_KEY word
#define SH_HASH_KEY(table, key) hash_word(key)
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define FETCH_ROWS	1000		/* of a cursor at once */
#define BATCH		512			/* rows of BarqMatchedRows at most */

/* ---- rows of the index ---- */

/* The group of a word, new with a count of 0. */
static inline BarqFacetGroup *
find_group(struct barq_facet_groups_hash *groups, uint64 word)
{
	bool		found;
	BarqFacetGroup *group = barq_facet_groups_insert(groups, word, &found);

	if (!found)
	{
		group->count = 0;
		group->known = false;
		group->leaf = 0;
	}
	return group;
}

/* Count the word, or the words of a set, of a row. */
static inline void
add_words(BarqFacetColumn *column, const uint64 *words, uint64 n, const ItemPointerData *tid)
{
	if (!column->hashed)
	{
		if (n > 0)
			memcpy(barq_words_room(&column->leaf_words, n), words, sizeof(uint64) * n);
		column->leaf_words.ngathered += n;
		return;
	}
	for (uint64 i = 0; i < n; i++)
	{
		BarqFacetGroup *group = find_group(column->leaf_groups, words[i]);

		if (group->count++ == 0)
			group->at.tid = *tid;
	}
}

/* BarqCountVisitor.start: forget the rows of this table. */
static void
start_leaf(void *arg)
{
	BarqFacets *facets = arg;

	facets->view = NULL;
	for (int i = 0; i < facets->ncolumns; i++)
	{
		barq_facet_groups_reset(facets->columns[i].leaf_groups);
		barq_words_forget(&facets->columns[i].leaf_words);
		facets->columns[i].leaf_nulls = 0;
	}
}

/* Count the values of one column, of texts, of rows of a segment; words[i] is that of row at[i]. */
static void
add_texts(BarqFacetColumn *column, const BarqMatchedRows *rows, const uint64 *words,
		  const uint32 *at, uint32 n)
{
	struct barq_facet_groups_hash *groups = column->leaf_groups;

	/* the groups of many texts are not in the cache */
	for (uint32 i = 0; i < n; i++)
		__builtin_prefetch(&groups->data[hash_word(words[i]) & groups->sizemask]);
	for (uint32 i = 0; i < n; i++)
		add_words(column, &words[i], 1, &rows->tids[at[i]]);
}

/* Count the sets of one column of rows of a segment. */
static void
add_sets(BarqFacets *facets, BarqFacetColumn *column, const BarqMatchedRows *rows)
{
	for (uint32 i = 0; i < rows->n; i++)
	{
		uint64		n;
		const uint64 *words;

		if (barq_filter_value(&facets->filters, rows->rows[i], column->column, &n, &words))
			add_words(column, words, n, &rows->tids[i]);
		else
			column->leaf_nulls++;
	}
}

/* Count the values of one column of rows of a segment. */
static void
add_rows_of(BarqFacets *facets, BarqFacetColumn *column, const BarqMatchedRows *rows)
{
	uint64		words[BATCH];
	uint32		at[BATCH];
	uint32		n;

	Assert(rows->n <= BATCH);
	if (column->set)
	{
		add_sets(facets, column, rows);
		return;
	}
	n = barq_filter_values(&facets->filters, rows->rows, rows->n, column->column,
						   column->hashed ? words : barq_words_room(&column->leaf_words, rows->n), at);
	column->leaf_nulls += rows->n - n;
	if (column->hashed)
		add_texts(column, rows, words, at, n);
	else
		column->leaf_words.ngathered += n;
}

/* Count the value of one column of a document of the log. */
static void
add_document_of(BarqFacets *facets, BarqFacetColumn *column, const BarqMatchedRows *rows)
{
	uint32		n;
	const uint64 *words;

	if (barq_filter_is_null(rows->words, column->column))
		column->leaf_nulls++;
	else if (column->set)
	{
		words = barq_filter_elements(rows->words, facets->call.columns.filters,
									 column->column, &n);
		add_words(column, words, n, &rows->tids[0]);
	}
	else
		add_words(column, &rows->words[1 + column->column], 1, &rows->tids[0]);
}

/* BarqCountVisitor.rows */
static void
add_rows(void *arg, BarqMatchedRows *rows)
{
	BarqFacets *facets = arg;

	if (rows->view != NULL && rows->view != facets->view)
	{
		facets->view = NULL;
		if (!barq_filter_open(rows->view, &facets->filters))
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("a segment of index \"%s\" has no values of filter columns",
							RelationGetRelationName(facets->call.index)),
					 errhint("Please REINDEX the index.")));
		facets->view = rows->view;
	}
	for (int i = 0; i < facets->ncolumns; i++)
	{
		if (rows->view != NULL)
			add_rows_of(facets, &facets->columns[i], rows);
		else
			add_document_of(facets, &facets->columns[i], rows);
	}
}

/* Add the groups of the table that is done to those of all tables. */
static void
add_leaf(void *arg, Relation table, Relation index)
{
	BarqFacets *facets = arg;
	MemoryContext old = MemoryContextSwitchTo(facets->context);

	facets->leaves = facets->leaves == NULL ? palloc(sizeof(BarqFacetLeaf)) :
		repalloc(facets->leaves, sizeof(BarqFacetLeaf) * (facets->nleaves + 1));
	MemoryContextSwitchTo(old);
	facets->leaves[facets->nleaves] = (BarqFacetLeaf) {table, index};
	for (int i = 0; i < facets->ncolumns; i++)
	{
		BarqFacetColumn *column = &facets->columns[i];
		barq_facet_groups_iterator at;
		BarqFacetGroup *group;

		column->nulls += column->leaf_nulls;
		barq_words_add(&column->words, &column->leaf_words);
		if (facets->nleaves == 0)
		{
			struct barq_facet_groups_hash *empty = column->groups;

			column->groups = column->leaf_groups;
			column->leaf_groups = empty;
			continue;
		}
		barq_facet_groups_start_iterate(column->leaf_groups, &at);
		while ((group = barq_facet_groups_iterate(column->leaf_groups, &at)) != NULL)
		{
			BarqFacetGroup *sum = find_group(column->groups, group->word);

			if (sum->count == 0)
			{
				sum->at = group->at;
				sum->leaf = facets->nleaves;
			}
			sum->count += group->count;
		}
	}
	facets->nleaves++;
}

/* ---- rows of the statement ---- */

/* Count a word of one more fetched row, with its value where the word is a hash. */
static void
add_value(BarqFacets *facets, BarqFacetColumn *column, uint64 word, Datum value)
{
	BarqFacetGroup *group;
	MemoryContext old;

	if (!column->hashed)
	{
		*barq_words_room(&column->words, 1) = word;
		column->words.ngathered++;
		return;
	}
	group = find_group(column->groups, word);
	group->count++;
	if (group->known)
		return;
	old = MemoryContextSwitchTo(facets->context);
	group->at.value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	MemoryContextSwitchTo(old);
	group->known = true;
}

/* The elements of an array that are not NULL, each once. */
static void
add_elements(BarqFacets *facets, BarqFacetColumn *column, Datum array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	int16		length;
	bool		by_value;
	char		align;
	uint64	   *words;

	get_typlenbyvalalign(column->type, &length, &by_value, &align);
	deconstruct_array(DatumGetArrayTypeP(array), column->type, length, by_value, align,
					  &elements, &nulls, &n);
	words = palloc(sizeof(uint64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		words[i] = nulls[i] ? 0 : barq_filter_word(column->word_type, elements[i], column->collation);
	for (int i = 0; i < n; i++)
	{
		int			j = 0;

		CHECK_FOR_INTERRUPTS();
		while (j < i && (nulls[j] || words[j] != words[i]))
			j++;
		if (!nulls[i] && j == i)
			add_value(facets, column, words[i], elements[i]);
	}
}

/* The column of the index, from 0, that a column of the facets is. */
static int
column_of(const BarqFacets *facets, int column)
{
	return facets->call.columns.filter_columns[facets->columns[column].column];
}

/* Count the values of the rows that a statement fetches. */
static void
collect_by_rows(BarqFacets *facets)
{
	StringInfoData sql;
	Portal		portal;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "barq facets",
												  ALLOCSET_DEFAULT_SIZES);

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	for (int i = 0; i < facets->ncolumns; i++)
		appendStringInfo(&sql, "%s%s", i == 0 ? "" : ", ",
						 barq_count_call_column(&facets->call, column_of(facets, i) + 1));
	appendStringInfo(&sql, " %s", facets->call.from);
	portal = SPI_cursor_open_with_args(NULL, sql.data, facets->call.nparams, facets->call.types,
									   facets->call.values, facets->call.nulls, true, 0);
	for (;;)
	{
		SPITupleTable *rows;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(scratch);

			for (int c = 0; c < facets->ncolumns; c++)
			{
				BarqFacetColumn *column = &facets->columns[c];
				bool		isnull;
				Datum		value = SPI_getbinval(rows->vals[i], rows->tupdesc, c + 1, &isnull);

				if (isnull)
					column->nulls++;
				else if (column->set)
					add_elements(facets, column, value);
				else
					add_value(facets, column, barq_filter_word(column->word_type, value,
															   column->collation), value);
			}
			MemoryContextSwitchTo(old);
			MemoryContextReset(scratch);
		}
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(scratch);
}

/* ---- both ---- */

/* Plan the count of the call's rows by the index, where that is possible. */
static CachedPlan *
plan_count(BarqFacets *facets, const char **sql, ParamListInfo *params)
{
	BarqCountCall *call = &facets->call;
	SPIPlanPtr	prepared;
	CachedPlanSource *source;
	CachedPlan *plan;
	bool		always = barq_count_always;

	*sql = psprintf("SELECT pg_catalog.count(1) %s", call->from);
	prepared = SPI_prepare(*sql, call->nparams, call->types);
	if (prepared == NULL)
		elog(ERROR, "a count of rows failed: %s", SPI_result_code_string(SPI_result));
	source = linitial(SPI_plan_get_plan_sources(prepared));
	*params = makeParamList(call->nparams);
	for (int i = 0; i < call->nparams; i++)
		(*params)->params[i] = (ParamExternData) {
			.value = call->values[i], .isnull = call->nulls[i] == 'n',
			.pflags = PARAM_FLAG_CONST,
			.ptype = call->types[i]
		};
	PG_TRY();
	{
		barq_count_always = true;
		plan = GetCachedPlan(source, *params, NULL, NULL);
	}
	PG_FINALLY();
	{
		barq_count_always = always;
	}
	PG_END_TRY();
	return plan;
}

void
barq_facets_collect(BarqFacets *facets)
{
	BarqCountVisitor visitor = {start_leaf, add_rows, facets};
	const char *sql;
	ParamListInfo params;
	PlannedStmt *statement;
	bool		collected = false;

	for (int i = 0; i < facets->ncolumns; i++)
	{
		facets->columns[i].groups = barq_facet_groups_create(facets->context, 64, NULL);
		facets->columns[i].leaf_groups = barq_facet_groups_create(facets->context, 64, NULL);
		barq_words_init(&facets->columns[i].words, facets->context);
		barq_words_init(&facets->columns[i].leaf_words, facets->context);
	}
	facets->plan = plan_count(facets, &sql, &params);
	statement = linitial_node(PlannedStmt, facets->plan->stmt_list);
	if (IsA(statement->planTree, CustomScan))
	{
		facets->query = CreateQueryDesc(statement, sql, GetActiveSnapshot(), InvalidSnapshot,
										None_Receiver, params, NULL, 0);
		ExecutorStart(facets->query, 0);
		collected = barq_count_visit(facets->query->planstate, &visitor, add_leaf);
	}
	if (!collected)
	{
		barq_facets_end(facets);
		for (int i = 0; i < facets->ncolumns; i++)
		{
			barq_facet_groups_reset(facets->columns[i].groups);
			barq_words_forget(&facets->columns[i].words);
			facets->columns[i].nulls = 0;
		}
		collect_by_rows(facets);
	}
	for (int i = 0; i < facets->ncolumns; i++)
		barq_words_settle(&facets->columns[i].words);
}

void
barq_facets_end(BarqFacets *facets)
{
	if (facets->query != NULL)
	{
		ExecutorFinish(facets->query);
		ExecutorEnd(facets->query);
		FreeQueryDesc(facets->query);
	}
	if (facets->plan != NULL)
		ReleaseCachedPlan(facets->plan, NULL);
	facets->query = NULL;
	facets->plan = NULL;
}

/* ---- values ---- */

BarqFacetGroup **
barq_facets_groups(const BarqFacetColumn *column, uint32 *n)
{
	BarqFacetGroup **groups = palloc_extended(sizeof(BarqFacetGroup *) *
											  (Size) Max(column->groups->members, 1), MCXT_ALLOC_HUGE);
	barq_facet_groups_iterator at;
	BarqFacetGroup *group;

	*n = 0;
	barq_facet_groups_start_iterate(column->groups, &at);
	while ((group = barq_facet_groups_iterate(column->groups, &at)) != NULL)
		groups[(*n)++] = group;
	return groups;
}

/* The element of an array of texts that has this word. */
static Datum
element_with(Datum array, uint64 word, Oid collation)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i] && barq_filter_word(TEXTOID, elements[i], collation) == word)
			return elements[i];
	elog(ERROR, "an array has lost an element");
}

/* Find the values of n groups in rows of one table, which the snapshot sees. */
static void
read_values(BarqFacets *facets, const BarqFacetColumn *column, BarqFacetGroup **groups, uint32 n)
{
	const BarqFacetLeaf *leaf = &facets->leaves[groups[0]->leaf];
	int			number = facets->call.columns.filter_columns[column->column];
	EState	   *estate = CreateExecutorState();
	ExprContext *row = GetPerTupleExprContext(estate);
	TupleTableSlot *slot = table_slot_create(leaf->table, NULL);
	IndexFetchTableData *fetch = BarqFetchBegin(leaf->table);
	IndexInfo  *info = BuildIndexInfo(leaf->index);

	row->ecxt_scantuple = slot;
	for (uint32 i = 0; i < n; i++)
	{
		ItemPointerData tid = groups[i]->at.tid;
		MemoryContext old = MemoryContextSwitchTo(row->ecxt_per_tuple_memory);
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];
		bool		again = false;
		Datum		value;

		CHECK_FOR_INTERRUPTS();
		if (!table_index_fetch_tuple(fetch, &tid, GetActiveSnapshot(), slot, &again, NULL))
			elog(ERROR, "a row of table \"%s\" is no longer there",
				 RelationGetRelationName(leaf->table));
		FormIndexDatum(info, slot, estate, values, nulls);
		if (nulls[number])
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has another value than its table",
							RelationGetRelationName(leaf->index)),
					 errhint("Please REINDEX the index.")));
		value = values[number];
		if (column->set)
			value = element_with(value, groups[i]->word, column->collation);
		MemoryContextSwitchTo(facets->context);
		groups[i]->at.value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
		groups[i]->known = true;
		MemoryContextSwitchTo(old);
		ResetExprContext(row);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_index_fetch_end(fetch);
	FreeExecutorState(estate);
}

/* qsort comparator of pointers to groups: those that are known, then by table and row. */
static int
compare_places(const void *a, const void *b)
{
	const BarqFacetGroup *x = *(BarqFacetGroup *const *) a;
	const BarqFacetGroup *y = *(BarqFacetGroup *const *) b;

	if (x->known != y->known)
		return x->known ? -1 : 1;
	if (x->known)
		return 0;
	if (x->leaf != y->leaf)
		return x->leaf < y->leaf ? -1 : 1;
	return ItemPointerCompare(unconstify(ItemPointerData *, &x->at.tid),
							  unconstify(ItemPointerData *, &y->at.tid));
}

void
barq_facets_read(BarqFacets *facets, const BarqFacetColumn *column, BarqFacetGroup **groups,
				 uint32 n)
{
	uint32		first = 0;

	qsort(groups, n, sizeof(BarqFacetGroup *), compare_places);
	while (first < n && groups[first]->known)
		first++;
	for (uint32 next; first < n; first = next)
	{
		for (next = first + 1; next < n && groups[next]->leaf == groups[first]->leaf;)
			next++;
		read_values(facets, column, groups + first, next - first);
	}
}
