/*
 * admitted.c
 *	  From the TIDs of a bitmap to the rows of segments. Both are in the order of heap
 *	  pages, so they are merged (tid_order.h). To sort a segment's rows by TID costs as
 *	  much as PASSES passes over them, in which the page of each is looked up; so a
 *	  session makes that many passes before it sorts: one with few searches never does.
 *	  Calls snapshot.c, tid_order.c, view.c.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/bits.h"
#include "miscadmin.h"
#include "store/admitted.h"
#include "store/tid_order.h"
#include "store/view.h"

#define PASSES		8
#define PASS_BATCH	1024		/* TIDs that are read at a time */

/* A heap page with admitted rows. */
typedef struct AdmittedPage
{
	uint64		first;			/* its offsets begin there; those of the next page
								 * follow */
	BlockNumber block;
	bool		whole;			/* all rows of the page; no offsets */
	bool		recheck;
} AdmittedPage;

struct BarqAdmitted
{
	BarqRowSource source;		/* the first member */
	uint32		npages;
	uint32		pages_space;
	AdmittedPage *pages;		/* by block; one more, the end */
	uint64		noffsets;
	uint64		offsets_space;
	OffsetNumber *offsets;		/* ascending in each page */
	uint64		whole;			/* pages of which all rows are admitted */

	/*
	 * By heap block, from that of the first page to that of the last: the number of
	 * its page plus 1, or 0. NULL: not made, or it would not fit into work_mem
	 */
	uint32	   *numbers;
};

/* The page of a block; NULL if none of its rows is admitted. */
static const AdmittedPage *
find_page(const BarqAdmitted *admitted, BlockNumber block)
{
	uint32		low = 0;
	uint32		high = admitted->npages;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (admitted->pages[middle].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low < admitted->npages && admitted->pages[low].block == block ?
		&admitted->pages[low] : NULL;
}

/* Whether a page has an offset. */
static inline bool
page_has(const BarqAdmitted *admitted, const AdmittedPage *page, OffsetNumber offset)
{
	if (page->whole)
		return true;
	for (uint64 i = page[0].first; i < page[1].first && admitted->offsets[i] <= offset; i++)
		if (admitted->offsets[i] == offset)
			return true;
	return false;
}

bool
barq_admitted_has(const BarqAdmitted *admitted, const ItemPointerData *tid, bool *recheck)
{
	const AdmittedPage *page = find_page(admitted, ItemPointerGetBlockNumberNoCheck(tid));

	if (page == NULL)
		return false;
	*recheck = page->recheck;
	return page_has(admitted, page, ItemPointerGetOffsetNumberNoCheck(tid));
}

/* BarqRowSource.row */
static bool
admits_row(BarqRowSource *source, const ItemPointerData *tid, const uint64 *filters)
{
	bool		recheck;

	return barq_admitted_has((BarqAdmitted *) source, tid, &recheck);
}

/* The filter of one segment while it is made. */
typedef struct Making
{
	uint8	   *skip;			/* all set at first */
	const uint8 *dead;			/* or NULL */
	uint32		count;
} Making;

/* Admit a row unless it is dead. */
static inline void
admit(Making *making, uint32 row)
{
	if (making->dead != NULL && barq_bit_is_set(making->dead, row))
		return;
	barq_bit_clear(making->skip, row);
	making->count++;
}

/*
 * Admit the rows of one heap page, which is block number `at` of the order. The offsets
 * of a page's rows are different numbers from 1 on, so offset n is the n-th of them or
 * one before that: mostly the n-th itself.
 */
static void
admit_page(const BarqAdmitted *admitted, const AdmittedPage *page,
		   const BarqTidOrder *order, uint32 at, Making *making)
{
	const uint32 *rows = order->rows + order->first[at];
	const OffsetNumber *offsets = order->offsets + order->first[at];
	uint32		n = order->first[at + 1] - order->first[at];

	if (page->whole)
	{
		for (uint32 i = 0; i < n; i++)
			admit(making, rows[i]);
		return;
	}
	for (uint64 i = page[0].first; i < page[1].first; i++)
	{
		OffsetNumber wanted = admitted->offsets[i];
		uint32		place = Min(wanted, n);

		while (place > 0 && offsets[place - 1] > wanted)
			place--;
		if (place > 0 && offsets[place - 1] == wanted)
			admit(making, rows[place - 1]);
	}
}

/* The first block of the order, from `at` on, that is not below `block`. */
static uint32
seek_block(const BarqTidOrder *order, uint32 at, BlockNumber block)
{
	uint32		step = 1;
	uint32		low = at;
	uint32		high;

	/* without gaps, as after CREATE INDEX, the place is known */
	if (block >= order->blocks[0] && block - order->blocks[0] < order->nblocks &&
		order->blocks[block - order->blocks[0]] == block)
		return block - order->blocks[0];
	while (order->nblocks - low > step && order->blocks[low + step] < block)
	{
		low += step;
		step *= 2;
	}
	high = order->nblocks - low > step ? low + step : order->nblocks;
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (order->blocks[middle] < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Make admitted->numbers, if there is none and it fits into work_mem; false if it does
 * not fit. It lives as long as `admitted`.
 */
static bool
number_pages(BarqAdmitted *admitted)
{
	BlockNumber first;
	Size		bytes;

	if (admitted->numbers != NULL)
		return true;
	if (admitted->npages == 0)
		return false;
	first = admitted->pages[0].block;
	bytes = sizeof(uint32) * ((Size) admitted->pages[admitted->npages - 1].block - first + 1);
	if (bytes > work_mem * (Size) 1024)
		return false;
	admitted->numbers = MemoryContextAllocExtended(GetMemoryChunkContext(admitted), bytes,
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < admitted->npages; i++)
		admitted->numbers[admitted->pages[i].block - first] = i + 1;
	return true;
}

/* Admit rows of a segment by looking up the TID of each; admitted->numbers is made. */
static void
pass_rows(const BarqAdmitted *admitted, BarqView *view, Making *making)
{
	BlockNumber first = admitted->pages[0].block;
	BlockNumber blocks = admitted->pages[admitted->npages - 1].block - first + 1;
	ItemPointerData tids[PASS_BATCH];

	for (uint32 base = 0; base < view->rows; base += PASS_BATCH)
	{
		uint32		n = Min(PASS_BATCH, view->rows - base);

		CHECK_FOR_INTERRUPTS();
		barq_view_tids(view, base, n, tids);
		for (uint32 i = 0; i < n; i++)
		{
			BlockNumber block = ItemPointerGetBlockNumberNoCheck(&tids[i]) - first;
			uint32		number = block < blocks ? admitted->numbers[block] : 0;

			if (number > 0 &&
				page_has(admitted, &admitted->pages[number - 1],
						 ItemPointerGetOffsetNumberNoCheck(&tids[i])))
				admit(making, base + i);
		}
	}
}

/* Admit rows of a segment by merging the pages with the order of its TIDs. */
static void
merge_rows(const BarqAdmitted *admitted, const BarqTidOrder *order, Making *making)
{
	uint32		at = 0;

	for (uint32 p = 0; p < admitted->npages && at < order->nblocks; p++)
	{
		const AdmittedPage *page = &admitted->pages[p];

		if ((p & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
		at = seek_block(order, at, page->block);
		if (at < order->nblocks && order->blocks[at] == page->block)
			admit_page(admitted, page, order, at, making);
	}
}

/* Note rows from all over those whose bits are clear. */
static void
note_seeds(const uint8 *skip, uint32 rows, BarqRowFilter *filter)
{
	uint32	   *seeds = palloc(sizeof(uint32) * BARQ_FILTER_SEEDS);
	uint32		words = (rows + 63) / 64;
	uint32		step = Max(words / BARQ_FILTER_SEEDS, 1);

	for (uint32 first = 0; first < words && filter->nseeds < BARQ_FILTER_SEEDS; first += step)
		for (uint32 at = first; at < Min(first + step, words); at++)
		{
			uint64		word = barq_bits_clear_word(skip, rows, at);

			if (word == 0)
				continue;
			seeds[filter->nseeds++] = at * 64 + __builtin_ctzll(word);
			break;
		}
	filter->seeds = seeds;
}

/* BarqRowSource.segment */
static void
filter_segment(BarqRowSource *source, Relation index, BarqSnapshot *snapshot,
			   uint32 segment, BarqView *view, uint32 list_below, BarqRowFilter *filter)
{
	BarqAdmitted *admitted = (BarqAdmitted *) source;
	BarqSegment *of = &snapshot->segments[segment];
	Size		bytes = barq_bits_bytes(view->rows);
	Making		making = {.skip = palloc_extended(Max(bytes, 1), MCXT_ALLOC_HUGE),
					 .dead = of->dead};

	memset(filter, 0, sizeof(*filter));
	memset(making.skip, 0xff, bytes);
	if (of->tid_order == NULL && of->tid_passes < PASSES && number_pages(admitted))
	{
		of->tid_passes++;
		pass_rows(admitted, view, &making);
	}
	else if (admitted->npages > 0)
		merge_rows(admitted, barq_snapshot_tid_order(snapshot, segment, view), &making);
	filter->count = making.count;
	filter->skip = making.skip;
	if (making.count > list_below)
		note_seeds(making.skip, view->rows, filter);
	else
	{
		uint32	   *rows = palloc_extended(sizeof(uint32) * ((Size) making.count + BARQ_BITS_LIST_SPARE),
										   MCXT_ALLOC_HUGE);

		barq_bits_list_clear(making.skip, view->rows, rows);
		filter->rows = rows;
	}
}

static BarqAdmitted *
create(void)
{
	BarqAdmitted *admitted = palloc0(sizeof(BarqAdmitted));

	admitted->source.segment = filter_segment;
	admitted->source.row = admits_row;
	return admitted;
}

/* Append a heap page, or the end, whose offsets begin behind those that there are. */
static AdmittedPage *
append_page(BarqAdmitted *admitted)
{
	AdmittedPage *page;

	BARQ_ARRAY_RESERVE(admitted->pages, admitted->pages_space, admitted->npages + 1, 64);
	page = &admitted->pages[admitted->npages];
	memset(page, 0, sizeof(*page));
	page->first = admitted->noffsets;
	return page;
}

BarqAdmitted *
barq_admitted_make(TIDBitmap *bitmap)
{
	BarqAdmitted *admitted = create();
	BarqBitmapIterator iterator = barq_bitmap_begin(bitmap);
	BarqBitmapPage page;

	while (barq_bitmap_next(&iterator, &page))
	{
		AdmittedPage *next = append_page(admitted);

		if ((admitted->npages & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		admitted->npages++;
		next->block = page.block;
		next->whole = page.lossy;
		next->recheck = page.recheck;
		admitted->whole += page.lossy;
		BARQ_ARRAY_RESERVE(admitted->offsets, admitted->offsets_space,
						   admitted->noffsets + page.ntuples, 1024);
		if (page.ntuples > 0)
			memcpy(admitted->offsets + admitted->noffsets, page.offsets,
				   sizeof(OffsetNumber) * page.ntuples);
		admitted->noffsets += page.ntuples;
	}
	barq_bitmap_end(&iterator);
	append_page(admitted);
	return admitted;
}

BarqAdmitted *
barq_admitted_of_tids(const uint64 *tids, uint64 n)
{
	BarqAdmitted *admitted = create();
	BlockNumber last = InvalidBlockNumber;

	admitted->offsets = palloc_extended(sizeof(OffsetNumber) * Max(n, 1), MCXT_ALLOC_HUGE);
	admitted->offsets_space = Max(n, 1);
	for (uint64 i = 0; i < n; i++)
	{
		BlockNumber block = (BlockNumber) (tids[i] >> 16);

		Assert(i == 0 || tids[i] > tids[i - 1]);
		if (block != last)
		{
			append_page(admitted)->block = last = block;
			admitted->npages++;
		}
		admitted->offsets[admitted->noffsets++] = (OffsetNumber) tids[i];
	}
	append_page(admitted);
	return admitted;
}

BarqRowSource *
barq_admitted_source(BarqAdmitted *admitted)
{
	admitted->source.admitted = (double) barq_admitted_count(admitted);
	return &admitted->source;
}

uint64
barq_admitted_count(const BarqAdmitted *admitted)
{
	return admitted->noffsets + admitted->whole;
}
