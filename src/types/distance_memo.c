/*
 * distance_memo.c
 *	  Distances between the query of an open scan and values in TOAST tables.
 *
 * The open memos form a list. Each lives in the memory context of its scan, whose
 * reset removes it from the list, after errors too. It does not matter which argument
 * is the query: kernels give the same bits for both orders. Scans with the same query, for
 * instance of the partitions of one table, share the first memo that has it.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "base/compat.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "lib/ilist.h"
#include "types/distance_memo.h"

/*
 * Toasted values that are compared with the query, to learn whether they are it. An
 * expression, for instance a subquery, gives the executor the query toasted, and
 * the scan the same value detoasted.
 */
#define MEMO_COMPARES	4

/* Distances kept; a later one replaces one with the same hash. */
#define MEMO_ENTRIES	512

typedef struct MemoEntry
{
	BarqMemoMeasure measure;	/* NULL: free */
	double		distance;
	Oid			relation;
	Oid			value;
} MemoEntry;

struct BarqDistanceMemo
{
	dlist_node	node;
	MemoryContextCallback ended;
	MemoryContext context;
	SubTransactionId subtransaction;
	bool		toasted;		/* the query is also known in a TOAST table, */
	struct varatt_external pointer; /* by this pointer */
	int			compared;		/* toasted values compared with the query */
	struct varlena *query;		/* detoasted */
	MemoEntry  *entries;		/* MEMO_ENTRIES; NULL until the first is added */
};

static dlist_head open_memos = DLIST_STATIC_INIT(open_memos);

/* The pointer of a value that is in a TOAST table; false if it is not. */
static inline bool
toast_pointer(Datum value, struct varatt_external *pointer)
{
	struct varlena *attr = (struct varlena *) DatumGetPointer(value);

	if (!VARATT_IS_EXTERNAL_ONDISK(attr))
		return false;
	VARATT_EXTERNAL_GET_POINTER(*pointer, attr);
	return true;
}

/* Whether two pointers name the same value. */
static inline bool
same_value(const struct varatt_external *a, const struct varatt_external *b)
{
	return a->va_valueid == b->va_valueid && a->va_toastrelid == b->va_toastrelid;
}

/* Callback of the memory context of a memo. */
static void
end_memo(void *arg)
{
	BarqDistanceMemo *memo = arg;

	dlist_delete(&memo->node);
}

Datum
barq_memo_begin(Datum query)
{
	BarqDistanceMemo *memo = palloc0(sizeof(BarqDistanceMemo));

	memo->query = PG_DETOAST_DATUM_COPY(query);
	memo->toasted = toast_pointer(query, &memo->pointer);
	memo->context = CurrentMemoryContext;
	memo->subtransaction = GetCurrentSubTransactionId();
	memo->ended.func = end_memo;
	memo->ended.arg = memo;
	dlist_push_head(&open_memos, &memo->node);
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &memo->ended);
	return PointerGetDatum(memo->query);
}

/*
 * Whether an argument is the query of a memo. `pointer` is its own if it is toasted,
 * else NULL. `other_toasted`: so is the other argument, so that this one, though
 * toasted, may be the query.
 */
static bool
is_query(BarqDistanceMemo *memo, Datum value, const struct varatt_external *pointer,
		 bool other_toasted)
{
	struct varlena *attr = (struct varlena *) DatumGetPointer(value);

	if (pointer == NULL)
		return VARATT_IS_4B_U(attr) && VARSIZE(attr) == VARSIZE(memo->query) &&
			(attr == memo->query || memcmp(attr, memo->query, VARSIZE(attr)) == 0);
	if (memo->toasted)
		return same_value(pointer, &memo->pointer);
	if (other_toasted && memo->compared < MEMO_COMPARES)
	{
		memo->compared++;
		attr = detoast_attr(attr);
		if (VARSIZE(attr) == VARSIZE(memo->query) &&
			memcmp(attr, memo->query, VARSIZE(attr)) == 0)
		{
			memo->pointer = *pointer;
			memo->toasted = true;
		}
		pfree(attr);
	}
	return memo->toasted;
}

/* The place of a call's distance. */
static MemoEntry *
entry_of(const BarqMemoCall *call)
{
	return &call->memo->entries[murmurhash32(call->value) % MEMO_ENTRIES];
}

bool
barq_memo_find(BarqMemoCall *call, Datum *a, Datum *b, BarqMemoMeasure measure)
{
	struct varatt_external a_pointer;
	struct varatt_external b_pointer;
	bool		a_toasted;
	bool		b_toasted;
	dlist_iter	iter;
	const MemoEntry *entry;

	call->memo = NULL;
	if (dlist_is_empty(&open_memos))
		return false;
	a_toasted = toast_pointer(*a, &a_pointer);
	b_toasted = toast_pointer(*b, &b_pointer);
	if (!a_toasted && !b_toasted)
		return false;

	dlist_foreach(iter, &open_memos)
	{
		BarqDistanceMemo *memo = dlist_container(BarqDistanceMemo, node, iter.cur);
		const struct varatt_external *row;

		if (memo->subtransaction != GetCurrentSubTransactionId())
			continue;
		if (is_query(memo, *b, b_toasted ? &b_pointer : NULL, a_toasted))
		{
			*b = PointerGetDatum(memo->query);
			row = a_toasted ? &a_pointer : NULL;
		}
		else if (is_query(memo, *a, a_toasted ? &a_pointer : NULL, b_toasted))
		{
			*a = PointerGetDatum(memo->query);
			row = b_toasted ? &b_pointer : NULL;
		}
		else
			continue;
		if (row == NULL)
			return false;
		call->memo = memo;
		call->measure = measure;
		call->relation = row->va_toastrelid;
		call->value = row->va_valueid;
		break;
	}
	if (call->memo == NULL || call->memo->entries == NULL)
		return false;

	entry = entry_of(call);
	if (entry->measure != measure || entry->value != call->value ||
		entry->relation != call->relation)
		return false;
	call->distance = entry->distance;
	return true;
}

void
barq_memo_add(const BarqMemoCall *call, double distance)
{
	BarqDistanceMemo *memo = call->memo;
	MemoEntry  *entry;

	if (memo == NULL)
		return;
	if (memo->entries == NULL)
		memo->entries = MemoryContextAllocZero(memo->context,
											   sizeof(MemoEntry) * MEMO_ENTRIES);
	entry = entry_of(call);
	entry->measure = call->measure;
	entry->distance = distance;
	entry->relation = call->relation;
	entry->value = call->value;
}
