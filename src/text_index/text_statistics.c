/*
 * text_statistics.c
 *	  The number of documents and tokens of an index (of all partitions of a
 *	  partitioned one), frozen for a statement. Frequencies of terms are in
 *	  text_frequencies.c.
 *
 * All parts of a statement use one set of statistics: an index scan, `<@>` in
 * the SELECT list, several scans of one index. They share the memory context of
 * the executor's state (es_query_cxt), in which index scans begin and the
 * FmgrInfos of functions are made. So a set belongs to that context: it is found
 * by the context's address, and a callback removes it when the context is reset
 * or deleted. A cursor's context lives as long as the cursor, so FETCHes use one
 * set; each execution of a prepared statement and each statement of a PL/pgSQL
 * function has its own (simple expressions of one transaction share theirs). A
 * parallel worker has an executor state of its own, so `<@>` is parallel
 * restricted.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "text_index/text_statistics.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Statistics of all executor states of this backend. */
static BarqTextStatistics *all_statistics = NULL;

/* Memory context callback: remove statistics from the list. */
static void
forget_statistics(void *arg)
{
	for (BarqTextStatistics **at = &all_statistics; *at != NULL; at = &(*at)->next)
		if (*at == arg)
		{
			*at = (*at)->next;
			return;
		}
}

/* ---- visiting the leaves ---- */

/* Arguments of a BarqLeafVisitor, through barq_text_with_state(). */
typedef struct LeafCall
{
	BarqTextStatistics *statistics;
	BarqLeafVisitor visit;
	void	   *arg;
} LeafCall;

static void
call_visitor(BarqTextState *state, void *arg)
{
	LeafCall   *call = arg;

	call->visit(call->statistics, state, call->arg);
}

void
barq_text_each_leaf(BarqTextStatistics *statistics, BarqLeafVisitor visit,
					void (*add_leaf) (void *arg), void *arg)
{
	LeafCall	call = {statistics, visit, arg};
	ListCell   *cell;

	foreach(cell, statistics->leaves)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indisready)
		{
			barq_text_with_state(index, call_visitor, &call);
			if (add_leaf != NULL)
				add_leaf(arg);
		}
		index_close(index, AccessShareLock);
	}
}

/* ---- totals ---- */

typedef struct TotalsCall
{
	BarqBm25Totals leaf;
	BarqBm25Totals all;
	Relation	parent;			/* the partitioned index, or NULL */
	BarqFrozenOptions parent_options;
	BarqFrozenOptions options;	/* of the leaf visited last */
	Oid			index;			/* of that leaf; InvalidOid: none yet */
	BarqTermTable *marks;		/* of languages, of all leaves */
} TotalsCall;

/* BarqLeafVisitor: the totals and the options of a leaf. */
static void
visit_totals(BarqTextStatistics *statistics, BarqTextState *state, void *arg)
{
	TotalsCall *call = arg;

	call->options = state->meta.options;
	call->index = RelationGetRelid(state->index);
	if (barq_text_options(&state->meta.options)->language != 0)
	{
		if (call->marks == NULL)
			call->marks = barq_terms_create(statistics->context);
		barq_text_languages_collect(state, call->marks);
	}
	barq_text_log_totals(state->log, &call->leaf);
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
	{
		BarqBm25Totals segment;

		barq_bm25_totals(&state->views[i], &segment);
		call->leaf.documents += segment.documents;
		call->leaf.tokens += segment.tokens;
		for (int f = 0; f < BARQ_BM25_FIELDS; f++)
			call->leaf.field_tokens[f] += segment.field_tokens[f];
	}
}

/*
 * Whether the operator classes of the fields of two indexes, which are of as many, have
 * other parameters. Changes nothing.
 */
static bool
parameters_differ(Relation index, Relation other)
{
	BarqTextColumns columns;
	Oid			configs[BARQ_BM25_FIELDS];
	Oid			other_configs[BARQ_BM25_FIELDS];

	barq_text_columns_of_classes(index, &columns);
	(void) barq_text_field_configs(index, configs);
	(void) barq_text_field_configs(other, other_configs);
	for (int i = 0; i < columns.fields; i++)
	{
		BarqFieldParameters *parameters = barq_text_field_parameters(index, i);
		BarqFieldParameters *others = barq_text_field_parameters(other, i);

		if (parameters->weight != others->weight || parameters->b != others->b ||
			configs[i] != other_configs[i])
			return true;
	}
	return false;
}

/*
 * Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the leaf visited last was
 * built with options that give other terms or scores than those of the
 * partitioned index. PostgreSQL attaches an index to a partitioned one without
 * comparing their options; a plan that scans the partitions' indexes would then
 * return other rows than one that reads the tables. The caller holds a lock on
 * the leaf.
 */
static void
check_partition(TotalsCall *call)
{
	Relation	leaf = index_open(call->index, NoLock);
	char	   *differing;
	char	   *wanted;

	if (barq_text_partition_differs(leaf, &call->options, call->parent, &call->parent_options,
									&differing, &wanted))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" of a partition has other options than \"%s\"",
						RelationGetRelationName(leaf), RelationGetRelationName(call->parent)),
				 errdetail("It was built with %s; the index of the partitioned table has %s.",
						   differing, wanted),
				 parameters_differ(leaf, call->parent) ?
				 errhint("Parameters of an operator class cannot be altered: detach the partition, drop its index, and attach it again.") :
				 errhint("Give the partition's index those options with ALTER INDEX ... SET, and REINDEX it.")));
	index_close(leaf, NoLock);
}

/* Add the totals of the leaf visited last, and check its options. */
static void
add_totals(void *arg)
{
	TotalsCall *call = arg;

	call->all.documents += call->leaf.documents;
	call->all.tokens += call->leaf.tokens;
	for (int f = 0; f < BARQ_BM25_FIELDS; f++)
		call->all.field_tokens[f] += call->leaf.field_tokens[f];
	if (call->parent != NULL)
		check_partition(call);
}

/* OIDs of the indexes with documents: an index itself, or the leaves of a
 * partitioned one, which are locked with AccessShareLock. */
static List *
leaves_of(Oid index)
{
	List	   *leaves = NIL;
	ListCell   *cell;

	if (get_rel_relkind(index) != RELKIND_PARTITIONED_INDEX)
		return list_make1_oid(index);
	foreach(cell, find_all_inheritors(index, AccessShareLock, NULL))
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_INDEX)
			leaves = lappend_oid(leaves, lfirst_oid(cell));
	return leaves;
}

/*
 * Open an index of text, or a partitioned one, with AccessShareLock, which the
 * caller keeps. Raises the errors of barq_raise_not_an_index().
 */
static Relation
open_index(Oid index)
{
	Relation	rel = try_relation_open(index, AccessShareLock);

	if (rel == NULL || !barq_is_text_index(rel))
		barq_raise_not_an_index(index);
	return rel;
}

/* Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE: the index has no built leaf. */
pg_noreturn static void
raise_no_leaf(Oid index)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 get_rel_relkind(index) == RELKIND_INDEX ?
			 errmsg("index \"%s\" is not ready", get_rel_name(index)) :
			 errmsg("index \"%s\" has no partition with a built index",
					get_rel_name(index))));
}

BarqTextAnalysis
barq_text_index_analysis(Oid index)
{
	BarqTextAnalysis analysis;
	bool		ready = false;
	ListCell   *cell;

	relation_close(open_index(index), NoLock);
	foreach(cell, leaves_of(index))
	{
		Relation	leaf = index_open(lfirst_oid(cell), AccessShareLock);

		ready = leaf->rd_index->indisready;
		if (ready)
			analysis = barq_text_analysis_of(leaf);
		index_close(leaf, AccessShareLock);
		if (ready)
			return analysis;
	}
	raise_no_leaf(index);
}

/* Set what of the fields goes into scores. */
static void
set_fields(BarqTextStatistics *statistics)
{
	const BarqTextOptions *options = &statistics->options;

	for (uint32 f = 0; f < options->nfields; f++)
	{
		statistics->fields[f].weight = options->fields[f].weight / BARQ_MILLIONTHS;

		/* the terms have the weight of a field that is scored by itself (text_bind.c) */
		if (options->combine != BARQ_COMBINE_BM25F && options->fields[f].weight > 0)
			statistics->fields[f].weight = 1;
		statistics->fields[f].b = options->fields[f].b / BARQ_MILLIONTHS;
		statistics->fields[f].avglen = statistics->totals.documents == 0 ? 0 :
			(double) statistics->totals.field_tokens[f] / statistics->totals.documents;
	}
}

const BarqBm25Field *
barq_text_statistics_fields(BarqTextStatistics *statistics)
{
	return statistics->fields;
}

const BarqTextLanguages *
barq_text_statistics_languages(BarqTextStatistics *statistics)
{
	return statistics->analysis.by_row ? &statistics->languages : NULL;
}

const BarqQueryFields *
barq_text_statistics_names(BarqTextStatistics *statistics)
{
	return &statistics->names;
}

BarqTextStatistics *
barq_text_statistics(Oid index, MemoryContext owner)
{
	BarqTextStatistics *statistics;
	MemoryContext context;
	MemoryContext old;
	TotalsCall	call = {0};
	Relation	rel;

	for (statistics = all_statistics; statistics != NULL; statistics = statistics->next)
		if (statistics->owner == owner && statistics->index == index)
			return statistics;

	rel = open_index(index);
	context = AllocSetContextCreate(owner, "barq text statistics", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	statistics = palloc0(sizeof(BarqTextStatistics));
	statistics->index = index;
	statistics->owner = owner;
	statistics->context = context;
	statistics->leaves = leaves_of(index);
	MemoryContextSwitchTo(old);

	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_INDEX)
	{
		call.parent = rel;
		barq_text_freeze_options(rel, rel->rd_options, &call.parent_options);
	}
	barq_text_each_leaf(statistics, visit_totals, add_totals, &call);
	if (!OidIsValid(call.index))
		raise_no_leaf(index);

	statistics->totals = call.all;
	statistics->options = *barq_text_options(&call.options);
	set_fields(statistics);
	statistics->analysis = barq_text_analysis(call.index, &statistics->options);
	old = MemoryContextSwitchTo(context);
	barq_text_field_names(index, &statistics->names);
	if (statistics->analysis.by_row)
		barq_text_languages_resolve(call.marks, statistics->analysis.config,
									&statistics->languages);
	MemoryContextSwitchTo(old);
	relation_close(rel, NoLock);

	/* complete: only now may other calls find it */
	statistics->callback.func = forget_statistics;
	statistics->callback.arg = statistics;
	MemoryContextRegisterResetCallback(context, &statistics->callback);
	statistics->next = all_statistics;
	all_statistics = statistics;
	return statistics;
}

BarqTextStatistics *
barq_text_statistics_given(const BarqGlobal *global)
{
	BarqTextStatistics *statistics = palloc0(sizeof(BarqTextStatistics));

	statistics->owner = CurrentMemoryContext;
	statistics->context = CurrentMemoryContext;
	statistics->analysis = barq_global_analysis(global);
	statistics->options.k1 = global->k1;
	statistics->options.b = global->b;
	statistics->options.tokenizer = global->tokenizer;
	statistics->totals = global->totals;
	for (uint32 i = 0; i < global->nterms; i++)
		barq_text_statistics_know(statistics, &global->terms[i]);
	return statistics;
}

const BarqTextOptions *
barq_text_statistics_options(BarqTextStatistics *statistics)
{
	return &statistics->options;
}

const BarqTextAnalysis *
barq_text_statistics_analysis(BarqTextStatistics *statistics)
{
	return &statistics->analysis;
}

void
barq_text_statistics_totals(BarqTextStatistics *statistics, BarqBm25Totals *totals)
{
	*totals = statistics->totals;
}
