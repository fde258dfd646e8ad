/*
 * text_statistics.c
 *	  N, lengths and document frequencies of an index (of all partitions of a
 *	  partitioned one).
 *
 * One statement uses one set of statistics, whoever asks: an index scan, `<@>`
 * in the SELECT list, several scans of one index. What they have in common is
 * the memory context of the executor's state (es_query_cxt): index scans are
 * begun and functions' FmgrInfos are made in it. So a set belongs to that
 * context: it is found by its address and forgotten, by a callback, when the
 * context is reset or deleted. A cursor's context lives as long as the cursor,
 * so it keeps its set over FETCHes; a prepared statement gets a new state each
 * time, as each statement of a PL/pgSQL function does (simple expressions of
 * one transaction share theirs). A parallel worker has a state of its own, so
 * `<@>` is parallel restricted.
 *
 * A term's frequency is looked up when a query first names it, and never found
 * to be more than N, which may have been frozen before.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "text_index/text_index.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* A term, or a prefix, whose frequency is known. */
typedef struct Known
{
	BarqBm25Text text;
	bool		prefix;
	uint64		df;
	uint32		nexpansions;
	BarqBm25Text *expansions;
	struct Known *next;			/* in the same bucket */
} Known;

#define BUCKETS 256

struct BarqTextStatistics
{
	Oid			index;
	MemoryContext owner;
	MemoryContext context;
	List	   *leaves;			/* OIDs of the indexes that have documents */
	BarqTextOptions options;
	BarqTextAnalysis analysis;
	BarqBm25Totals totals;
	Known	   *buckets[BUCKETS];
	MemoryContextCallback callback;
	BarqTextStatistics *next;
};

/* Of all executor states that live. */
static BarqTextStatistics *all_statistics = NULL;

static void
forget(void *arg)
{
	for (BarqTextStatistics **at = &all_statistics; *at != NULL; at = &(*at)->next)
		if (*at == arg)
		{
			*at = (*at)->next;
			return;
		}
}

/* ---- looking at every leaf ---- */

typedef void (*LeafWork) (BarqTextStatistics *statistics, BarqTextState *state, void *arg);

typedef struct LeafCall
{
	BarqTextStatistics *statistics;
	LeafWork	work;
	void	   *arg;
} LeafCall;

static void
call_leaf(BarqTextState *state, void *arg)
{
	LeafCall   *call = arg;

	call->work(call->statistics, state, call->arg);
}

/* `work` may be called anew for a leaf; `add` once, when it is done. */
static void
each_leaf(BarqTextStatistics *statistics, LeafWork work, void *arg, void (*add) (void *arg))
{
	ListCell   *cell;

	foreach(cell, statistics->leaves)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		LeafCall	call = {statistics, work, arg};

		if (!index->rd_index->indisready)
		{
			index_close(index, AccessShareLock);
			continue;
		}
		barq_text_with_state(index, call_leaf, &call);
		add(arg);
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
	BarqFrozenOptions options;	/* of the leaf looked at last */
	Oid			index;			/* which it is; InvalidOid: none yet */
} TotalsCall;

static void
leaf_totals(BarqTextStatistics *statistics, BarqTextState *state, void *arg)
{
	TotalsCall *call = arg;

	call->options = state->meta.options;
	call->index = RelationGetRelid(state->index);
	barq_text_log_totals(state->log, &call->leaf);
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
	{
		BarqBm25Totals segment;

		barq_bm25_totals(&state->views[i], &segment);
		call->leaf.documents += segment.documents;
		call->leaf.tokens += segment.tokens;
	}
}

/*
 * PostgreSQL takes an index of a partition for a part of the partitioned one
 * whatever its options are. The rows of a plan that scans the indexes would
 * then not be those of one that reads the tables.
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
				 errhint("Give the partition's index those options with ALTER INDEX ... SET, and REINDEX it.")));
	index_close(leaf, NoLock);
}

static void
add_totals(void *arg)
{
	TotalsCall *call = arg;

	call->all.documents += call->leaf.documents;
	call->all.tokens += call->leaf.tokens;
	if (call->parent != NULL)
		check_partition(call);
}

/* The indexes with documents that an index stands for. */
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

/* Open an index of text, or a partitioned one, with a lock that is kept. */
static Relation
open_index(Oid index)
{
	Relation	rel = try_relation_open(index, AccessShareLock);
	bool		good;

	if (rel == NULL)
		barq_raise_not_an_index(index);
	good = (rel->rd_rel->relkind == RELKIND_INDEX ||
			rel->rd_rel->relkind == RELKIND_PARTITIONED_INDEX) &&
		rel->rd_indam != NULL && rel->rd_indam->aminsert == barq_text_insert;
	if (!good)
		barq_raise_not_an_index(index);
	return rel;
}

/* None of the indexes that an index stands for is built. */
pg_noreturn static void
no_leaf(Oid index)
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
			analysis = barq_text_analysis(lfirst_oid(cell),
										  barq_text_options(&barq_meta_cached(leaf, false)->options));
		index_close(leaf, AccessShareLock);
		if (ready)
			return analysis;
	}
	no_leaf(index);
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
	each_leaf(statistics, leaf_totals, &call, add_totals);
	if (!OidIsValid(call.index))
		no_leaf(index);

	statistics->totals = call.all;
	statistics->options = *barq_text_options(&call.options);
	statistics->analysis = barq_text_analysis(call.index, &statistics->options);
	relation_close(rel, NoLock);

	/* complete: from here on it is found */
	statistics->callback.func = forget;
	statistics->callback.arg = statistics;
	MemoryContextRegisterResetCallback(context, &statistics->callback);
	statistics->next = all_statistics;
	all_statistics = statistics;
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

/* ---- document frequencies ---- */

/* What is asked of every leaf at once. */
typedef struct FrequencyCall
{
	Known	  **wanted;
	uint32		n;
	uint64	   *leaf;

	/* expansions of one prefix */
	BarqTermTable *terms;
} FrequencyCall;

static void
leaf_frequencies(BarqTextStatistics *statistics, BarqTextState *state, void *arg)
{
	FrequencyCall *call = arg;

	for (uint32 i = 0; i < call->n; i++)
	{
		const Known *known = call->wanted[i];
		uint64		df;

		if ((i & 63) == 0)
			CHECK_FOR_INTERRUPTS();
		df = known->prefix ?
			barq_text_log_df_any(state->log, known->expansions, known->nexpansions) :
			barq_text_log_df(state->log, known->text.text, known->text.length);
		for (uint32 j = 0; j < state->snapshot->nsegments; j++)
			df += known->prefix ?
				barq_bm25_df_any(&state->views[j], known->expansions, known->nexpansions) :
				barq_bm25_df(&state->views[j], known->text.text, known->text.length);
		call->leaf[i] = df;
	}
}

static void
add_frequencies(void *arg)
{
	FrequencyCall *call = arg;

	for (uint32 i = 0; i < call->n; i++)
		call->wanted[i]->df += call->leaf[i];
}

static void
see_expansion(void *arg, const char *text, uint32 length, uint32 df)
{
	(void) barq_terms_intern(arg, text, length);
}

/* The set only grows, so a leaf begun anew does no harm. */
static void
leaf_expansions(BarqTextStatistics *statistics, BarqTextState *state, void *arg)
{
	FrequencyCall *call = arg;
	const BarqBm25Text *prefix = &call->wanted[0]->text;

	barq_text_log_expand(state->log, prefix->text, prefix->length, BARQ_BM25_EXPANSIONS,
						 see_expansion, call->terms);
	for (uint32 j = 0; j < state->snapshot->nsegments; j++)
		barq_bm25_expand(&state->views[j], prefix->text, prefix->length,
						 BARQ_BM25_EXPANSIONS, see_expansion, call->terms);
}

static void
add_nothing(void *arg)
{
}

static int
compare_texts(const void *a, const void *b)
{
	const BarqBm25Text *x = a;
	const BarqBm25Text *y = b;

	return barq_compare_terms(x->text, x->length, y->text, y->length);
}

/* The first terms, in the order of the dictionary, that a prefix stands for. */
static void
expand(BarqTextStatistics *statistics, Known *known)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "barq expansions",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	FrequencyCall call = {&known, 1, NULL, barq_terms_create(scratch)};
	BarqBm25Text *sorted;
	uint32		n;

	each_leaf(statistics, leaf_expansions, &call, add_nothing);
	n = barq_terms_count(call.terms);
	sorted = palloc_extended(sizeof(BarqBm25Text) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < n; i++)
		sorted[i].text = barq_terms_text(call.terms, i, &sorted[i].length);
	qsort(sorted, n, sizeof(BarqBm25Text), compare_texts);
	n = Min(n, BARQ_BM25_EXPANSIONS);

	MemoryContextSwitchTo(statistics->context);
	known->expansions = palloc(sizeof(BarqBm25Text) * Max(n, 1));
	for (uint32 i = 0; i < n; i++)
	{
		known->expansions[i].text = pnstrdup(sorted[i].text, sorted[i].length);
		known->expansions[i].length = sorted[i].length;
	}
	known->nexpansions = n;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static Known **
bucket_of(BarqTextStatistics *statistics, const char *text, uint32 length)
{
	return &statistics->buckets[hash_bytes((const unsigned char *) text, length) % BUCKETS];
}

static Known *
find_known(BarqTextStatistics *statistics, const char *text, uint32 length, bool prefix)
{
	for (Known *known = *bucket_of(statistics, text, length); known != NULL; known = known->next)
		if (known->prefix == prefix &&
			barq_compare_terms(known->text.text, known->text.length, text, length) == 0)
			return known;
	return NULL;
}

/* See to it that the frequencies of all scoring terms are known. */
static void
learn(BarqTextStatistics *statistics, const BarqBm25Term *terms, const bool *scores, uint32 n)
{
	FrequencyCall call = {0};
	MemoryContext old;

	call.wanted = palloc_extended(sizeof(Known *) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < n; i++)
	{
		Known	   *known;

		if (!scores[i] || find_known(statistics, terms[i].text.text, terms[i].text.length,
									 terms[i].prefix))
			continue;
		old = MemoryContextSwitchTo(statistics->context);
		known = palloc0(sizeof(Known));
		known->text.text = pnstrdup(terms[i].text.text, terms[i].text.length);
		known->text.length = terms[i].text.length;
		known->prefix = terms[i].prefix;
		MemoryContextSwitchTo(old);
		if (known->prefix)
			expand(statistics, known);
		call.wanted[call.n++] = known;
	}
	if (call.n > 0)
	{
		call.leaf = palloc0(sizeof(uint64) * (Size) call.n);
		each_leaf(statistics, leaf_frequencies, &call, add_frequencies);
	}

	/* complete: from here on they are found */
	for (uint32 i = 0; i < call.n; i++)
	{
		Known	  **bucket = bucket_of(statistics, call.wanted[i]->text.text,
									   call.wanted[i]->text.length);

		call.wanted[i]->df = Min(call.wanted[i]->df, statistics->totals.documents);
		call.wanted[i]->next = *bucket;
		*bucket = call.wanted[i];
	}
}

uint64
barq_text_statistics_df(BarqTextStatistics *statistics, const char *text, uint32 length)
{
	BarqBm25Term term = {.text = {text, length}};
	bool		scores = true;

	learn(statistics, &term, &scores, 1);
	return find_known(statistics, text, length, false)->df;
}

void
barq_text_statistics_weigh(BarqTextStatistics *statistics, BarqBm25Term *terms,
						   const double *boosts, uint32 n)
{
	bool	   *scores = palloc_extended(sizeof(bool) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < n; i++)
		scores[i] = boosts[i] > 0;
	learn(statistics, terms, scores, n);
	for (uint32 i = 0; i < n; i++)
	{
		const Known *known;

		if (!scores[i])
			continue;
		known = find_known(statistics, terms[i].text.text, terms[i].text.length, terms[i].prefix);
		terms[i].weight = barq_bm25_idf(statistics->totals.documents, known->df) *
			(statistics->options.k1 + 1) * boosts[i];
		terms[i].nexpansions = known->nexpansions;
		terms[i].expansions = known->expansions;
	}
	pfree(scores);
}
