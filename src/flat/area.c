/*
 * area.c
 *	  Rows of work areas: copying those of a build into an area, grouping them, and
 *	  ordering the rows of a finished area anew; all in place.
 */
#include "postgres.h"

#include "base/advise.h"
#include "base/bits.h"
#include "base/interrupts.h"
#include "flat/vector_body.h"
#include "port/atomics.h"

void
barq_area_load(const BarqAreaRows *area, char *whole, const BarqBuildRows *rows)
{
	const BarqCodec *codec = area->codec;
	Size		stride = codec->stride;

	Assert(rows->n == area->rows);
	memcpy(area->tids, rows->tids, (Size) rows->n * sizeof(ItemPointerData));
	if (area->refinements != NULL)
		memcpy(area->refinements, rows->refinements, (Size) rows->n * codec->refine_bytes);
	if (barq_codec_has_heads(codec))
		memcpy(whole, rows->whole, rows->whole_bytes);
	for (uint32 i = 0; i < rows->n; i++)
	{
		const char *from = rows->codes + i * stride;
		char	   *code = area->codes + i * stride;

		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		if (barq_codec_has_heads(codec))
		{
			int64		distance;
			Size		length;

			(void) barq_row_extent(codec, from, &distance, &length);
			barq_row_head(codec, code, whole + distance, whole + distance - code);
			memset(code + codec->row_bytes, 0, stride - codec->row_bytes);
		}
		else if (!rows->in_area)
			memcpy(code, from, stride);
	}
}

/* Copy a list and give the rows in it their new numbers; both may be the same. */
static void
copy_list(const BarqAreaRows *area, uint32 *to, const uint32 *from, const uint32 *number)
{
	uint32		n = area->list_bytes / sizeof(uint32);
	uint32		i;

	for (i = 0; i < n && from[i] != PG_UINT32_MAX; i++)
		to[i] = number[from[i]];
	memset(to + i, 0xff, (n - i) * sizeof(uint32));
}

/* Copy a code, or a head, whose whole row begins at `whole`. */
static void
copy_code(const BarqCodec *codec, char *to, const char *from, const char *whole)
{
	if (barq_codec_has_heads(codec))
		barq_row_head(codec, to, whole, whole - to);
	else
		memcpy(to, from, codec->row_bytes);
}

/* Start reading a row into the processor's cache. */
static inline void
prefetch_row(const BarqAreaRows *area, uint32 row)
{
	const char *code = area->codes + (Size) row * area->codec->stride;

	for (Size at = 0; at < area->codec->stride; at += 64)
		__builtin_prefetch(code + at);
	if (area->lists != NULL)
	{
		const char *list = (const char *) area->lists + (Size) row * area->list_bytes;

		for (Size at = 0; at < area->list_bytes; at += 64)
			__builtin_prefetch(list + at);
	}
}

static inline uint32 *
list_of(const BarqAreaRows *area, uint32 row)
{
	return (uint32 *) ((char *) area->lists + (Size) row * area->list_bytes);
}

/* The refinement of a row, which has one. */
static inline char *
refinement_of(const BarqAreaRows *area, uint32 row)
{
	return area->refinements + (Size) row * area->codec->refine_bytes;
}

/* Check for interrupts, with *progress as another process needs it to go on. */
static void
pause_order(BarqAreaProgress *progress)
{
	pg_write_barrier();
	progress->paused = true;
	pg_write_barrier();
	barq_check_interrupts();
	progress->paused = false;
	pg_write_barrier();
}

/* Rows moved between two checks for interrupts. */
#define ORDER_STEP	1024

/*
 * Move the rows of the cycle of the permutation that begins at progress->row: that row is
 * taken out, each place gets the row that belongs there, and the last one gets the row
 * taken out.
 */
static void
move_cycle(const BarqAreaRows *area, const uint32 *order, const uint32 *number,
		   uint8 *moved, char *taken, BarqAreaProgress *progress)
{
	const BarqCodec *codec = area->codec;
	Size		stride = codec->stride;
	bool		heads = barq_codec_has_heads(codec);
	uint32	   *taken_list = (uint32 *) (taken + stride);
	char	   *taken_refinement = taken + stride + area->list_bytes;
	uint32		start = progress->row;
	char	   *code = area->codes + start * stride;
	uint32		to = start;
	uint32		steps = 0;

	if (progress->in_cycle)
		to = progress->to;
	else
	{
		memcpy(taken, code, stride);
		if (heads)
			progress->whole = (const char *) barq_row_whole(codec, code) - area->codes;
		progress->tid = area->tids[start];
		if (area->refinements != NULL)
			memcpy(taken_refinement, refinement_of(area, start), codec->refine_bytes);
		if (area->lists != NULL)
			copy_list(area, taken_list, list_of(area, start), number);
		progress->in_cycle = true;
	}
	for (uint32 from = order[to]; from != start; to = from, from = order[to])
	{
		if (++steps % ORDER_STEP == 0)
		{
			progress->to = to;
			pause_order(progress);
		}
		prefetch_row(area, order[from]);
		code = area->codes + from * stride;
		copy_code(codec, area->codes + to * stride, code,
				  heads ? barq_row_whole(codec, code) : NULL);
		area->tids[to] = area->tids[from];
		if (area->refinements != NULL)
			memcpy(refinement_of(area, to), refinement_of(area, from), codec->refine_bytes);
		if (area->lists != NULL)
			copy_list(area, list_of(area, to), list_of(area, from), number);
		barq_bit_set(moved, from);
	}
	copy_code(codec, area->codes + to * stride, taken,
			  heads ? area->codes + progress->whole : NULL);
	area->tids[to] = progress->tid;
	if (area->refinements != NULL)
		memcpy(refinement_of(area, to), taken_refinement, codec->refine_bytes);
	if (area->lists != NULL)
		memcpy(list_of(area, to), taken_list, area->list_bytes);
	progress->in_cycle = false;
}

void
barq_area_order(const BarqAreaRows *area, const uint32 *order, const uint32 *number,
				uint8 *moved, char *taken, BarqAreaProgress *progress)
{
	progress->paused = false;
	for (uint32 row = progress->row; row < area->rows; row++)
	{
		progress->row = row;
		if (row % ORDER_STEP == 0 && !progress->in_cycle)
			pause_order(progress);
		if (!progress->in_cycle && barq_bit_is_set(moved, row))
			continue;
		if (order[row] != row)
			move_cycle(area, order, number, moved, taken, progress);
		else if (area->lists != NULL)
			copy_list(area, list_of(area, row), list_of(area, row), number);
	}
}

void
barq_area_order_once(const BarqAreaRows *area, const uint32 *order, const uint32 *number)
{
	BarqAreaProgress progress = {0};
	Size		bytes = Max(barq_bits_bytes(area->rows), 1);
	uint8	   *moved = MemoryContextAllocHuge(CurrentMemoryContext, bytes);
	char	   *taken = palloc(barq_area_taken_bytes(area));

	memset(moved, 0, bytes);
	barq_area_order(area, order, number, moved, taken, &progress);
	pfree(taken);
	pfree(moved);
}

/* The rows of an area that are being grouped, and the group that each belongs to. */
typedef struct Grouping
{
	const BarqAreaRows *area;
	uint32	   *groups;			/* of the row that is at each place now */
	uint32	   *origin;			/* its number before, or NULL */
	uint32	   *next;			/* of each group: its first place that is not settled */
} Grouping;

/* Exchange the bytes of a row in its place with those that were taken out of another. */
static inline void
swap_bytes(char *in_place, char *taken, char *scratch, Size bytes)
{
	memcpy(scratch, in_place, bytes);
	memcpy(in_place, taken, bytes);
	memcpy(taken, scratch, bytes);
}

/*
 * Put the row that is in *taken, of group *group, to the next free place of its group;
 * *taken and *group receive the row that was there, as do *tid and *origin.
 */
static void
swap_in(Grouping *grouping, char *taken, char *scratch, ItemPointerData *tid, uint32 *group,
		uint32 *origin)
{
	const BarqAreaRows *area = grouping->area;
	Size		stride = area->codec->stride;
	uint32	   *groups = grouping->groups;
	uint32		to;
	uint32		other;
	ItemPointerData other_tid;

	/* rows that are in their group already stay */
	while (groups[grouping->next[*group]] == *group)
		grouping->next[*group]++;
	to = grouping->next[*group]++;
	swap_bytes(area->codes + to * stride, taken, scratch, stride);
	if (area->refinements != NULL)
		swap_bytes(refinement_of(area, to), taken + stride, scratch,
				   area->codec->refine_bytes);
	other_tid = area->tids[to];
	area->tids[to] = *tid;
	*tid = other_tid;
	other = groups[to];
	groups[to] = *group;
	*group = other;
	if (grouping->origin != NULL)
	{
		other = grouping->origin[to];
		grouping->origin[to] = *origin;
		*origin = other;
	}
}

/*
 * The American flag sort (McIlroy, Bostic & McIlroy 1993, Engineering Radix Sort): each
 * group is filled from its start on, so that at any time only one place of each group
 * is read and written.
 */
void
barq_area_group(const BarqAreaRows *area, uint32 *groups, uint32 ngroups, uint32 *firsts,
				uint32 *origin)
{
	Size		stride = area->codec->stride;
	Grouping	grouping = {area, groups, origin, NULL};
	Size		refine_bytes = area->refinements != NULL ? area->codec->refine_bytes : 0;
	char	   *taken = palloc(stride + refine_bytes);
	char	   *scratch = palloc(Max(stride, refine_bytes));

	Assert(area->lists == NULL && !barq_codec_has_heads(area->codec));
	memset(firsts, 0, ((Size) ngroups + 1) * sizeof(uint32));
	for (uint32 row = 0; row < area->rows; row++)
	{
		firsts[groups[row] + 1]++;
		if (origin != NULL)
			origin[row] = row;
	}
	for (uint32 group = 0; group < ngroups; group++)
		firsts[group + 1] += firsts[group];
	grouping.next = palloc_extended(Max(ngroups, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	memcpy(grouping.next, firsts, (Size) ngroups * sizeof(uint32));

	barq_advise(area->codes, area->rows * (uint64) stride, true);
	for (uint32 group = 0; group < ngroups; group++)
	{
		for (uint32 at = grouping.next[group]; at < firsts[group + 1]; at++)
		{
			char	   *code = area->codes + at * stride;
			uint32		mine = groups[at];

			if ((at & 0xff) == 0)
				barq_check_interrupts();
			if (mine == group)
				continue;
			memcpy(taken, code, stride);
			if (refine_bytes > 0)
				memcpy(taken + stride, refinement_of(area, at), refine_bytes);
			while (mine != group)
				swap_in(&grouping, taken, scratch, &area->tids[at], &mine,
						origin != NULL ? &origin[at] : NULL);
			memcpy(code, taken, stride);
			if (refine_bytes > 0)
				memcpy(refinement_of(area, at), taken + stride, refine_bytes);
			groups[at] = group;
		}
	}
	barq_advise(area->codes, area->rows * (uint64) stride, false);
	pfree(grouping.next);
	pfree(scratch);
	pfree(taken);
}
