/*
 * hnsw_copies.c
 *	  Rows with identical codes. The first of them is in the graph; the others
 *	  are its copies, to which no list of another row links.
 *
 * A hash table finds copies while the work area is loaded. They are linked
 * before the body is written: the first row links to one copy, that copy to as
 * many others as its list holds, these to the next ones, and each copy links to
 * the first row. A search that reaches one of them reaches all, and the graph
 * spends one link on them.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "hnsw/hnsw_copies.h"

/* A part of the hash beside the row, so that only a row with an equal hash is read. */
typedef struct CopySlot
{
	uint32		row;			/* a first row, or HNSW_NONE */
	uint32		tag;
} CopySlot;

struct HnswCopies
{
	BarqHnswWork *work;
	uint64		mask;
	CopySlot	slots[FLEXIBLE_ARRAY_MEMBER];
};

HnswCopies *
barq_hnsw_copies_begin(BarqHnswWork *work)
{
	HnswCopies *copies;
	uint64		size = 64;

	while (size < (uint64) work->rows + work->rows / 4)
		size *= 2;
	copies = MemoryContextAllocHuge(CurrentMemoryContext,
									offsetof(HnswCopies, slots) + size * sizeof(CopySlot));
	copies->work = work;
	copies->mask = size - 1;
	barq_fill((char *) copies->slots, 0xff, size * sizeof(CopySlot));
	return copies;
}

/*
 * Hash of a row's bytes, of the whole row where codes are heads: multiplied and
 * folded word by word.
 */
static uint64
hash_row(const BarqCodec *codec, const char *code)
{
	const char *row = barq_row_whole(codec, code);
	Size		length = codec->row_bytes;
	uint64		hash = UINT64CONST(0x9e3779b97f4a7c15);

	if (barq_codec_has_heads(codec))
	{
		/* skip the head, which holds a distance; elements follow it */
		row += codec->row_bytes;
		length = barq_row_bytes(codec, code) - codec->row_bytes;
	}
	for (Size at = 0; at < length; at += sizeof(uint64))
	{
		uint64		word = 0;

		memcpy(&word, row + at, Min(sizeof(word), length - at));
		hash = (hash ^ word) * UINT64CONST(0xbf58476d1ce4e5b9);
		hash ^= hash >> 32;
	}
	return hash;
}

uint32
barq_hnsw_copies_add(HnswCopies *copies, uint32 row)
{
	BarqHnswWork *work = copies->work;
	const char *code = hnsw_work_code(work, row);
	uint64		hash = hash_row(&work->codec, code);
	uint32		tag = (uint32) (hash >> 32);
	uint64		slot = hash & copies->mask;
	uint32		first;

	while ((first = copies->slots[slot].row) != HNSW_NONE &&
		   (copies->slots[slot].tag != tag ||
			!barq_rows_equal(&work->codec, code, hnsw_work_code(work, first))))
		slot = (slot + 1) & copies->mask;
	if (first == HNSW_NONE)
	{
		first = row;
		copies->slots[slot] = (CopySlot) {row, tag};
	}
	hnsw_work_first(work)[row] = first;
	return first;
}

void
barq_hnsw_copies_link(BarqHnswWork *work, uint32 *scratch1, uint32 *scratch2)
{
	uint32	   *full = scratch1;
	uint32	   *next = scratch2;
	const uint32 *first = hnsw_work_first(work);
	int			degree = hnsw_work_degree(work, 0);

	Assert(full != next);

	/*
	 * For a first row, full[] is the copy whose list takes further copies and
	 * next[] the last copy so far; for a copy, next[] is the copy after it.
	 */
	for (uint32 row = 0; row < work->rows; row++)
	{
		uint32		head = first[row];
		uint32		from = head;
		uint32	   *list;
		int			n;
		bool		known = false;

		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (head == row)
		{
			full[row] = HNSW_NONE;
			continue;
		}
		list = hnsw_work_list(work, 0, row);
		memset(list, 0xff, work->list_bytes);
		list[0] = head;

		if (full[head] == HNSW_NONE)
			full[head] = row;
		else
		{
			next[next[head]] = row;
			from = full[head];
			if (hnsw_list_length(hnsw_work_list(work, 0, from), degree) == degree)
				from = full[head] = next[from];
		}
		next[head] = row;

		/*
		 * A full first row gives up its last link, which is worth least. It may have
		 * the link already, if rows were connected before and that was cut off.
		 */
		list = hnsw_work_list(work, 0, from);
		n = hnsw_list_length(list, degree);
		for (int i = 0; i < n; i++)
			known |= list[i] == row;
		if (!known)
			list[Min(n, degree - 1)] = row;
	}
}
