/*
 * file_layout.h
 *	  Where the segments of the simulation lie in the file, in units of UNIT_BYTES: each is
 *	  written to the lowest free units, and a worker moves units down as move_down.c does.
 */
#ifndef BARQ_BENCH_FILE_LAYOUT_H
#define BARQ_BENCH_FILE_LAYOUT_H

#include "postgres.h"

#define UNIT_BYTES	262144.0

typedef struct FileLayout
{
	double		free_share;		/* shortened above this share of free units; 0: no layout is kept */
	double		length;			/* to so many times the used ones */
	uint32	   *owner;			/* of each unit: a segment's number; 0: free */
	uint32		size;			/* units of owner[] */
	uint32		end;			/* units of the file */
	uint32		used;
	double		moved;			/* bytes */
	double		sum;			/* over the seals of the last half: file beside a fresh index */
	double		most;
	uint64		seals;
} FileLayout;

static inline void
layout_begin(FileLayout *layout)
{
	if (layout->owner != NULL)
		memset(layout->owner, 0, layout->size * sizeof(uint32));
	layout->end = layout->used = 0;
	layout->moved = layout->sum = layout->most = 0;
	layout->seals = 0;
}

/* Write a segment. */
static inline void
layout_write(FileLayout *layout, uint32 number, double bytes)
{
	uint32		units = (uint32) ceil(bytes / UNIT_BYTES);

	if (layout->free_share == 0)
		return;
	layout->used += units;
	for (uint32 i = 0; units > 0; i++)
	{
		if (i == layout->size)
		{
			layout->size = Max(2 * layout->size, 1024);
			layout->owner = realloc(layout->owner, layout->size * sizeof(uint32));
			memset(layout->owner + i, 0, (layout->size - i) * sizeof(uint32));
		}
		if (layout->owner[i] != 0)
			continue;
		layout->owner[i] = number;
		layout->end = Max(layout->end, i + 1);
		units--;
	}
}

/* Free the units of a segment. */
static inline void
layout_free(FileLayout *layout, uint32 number)
{
	for (uint32 i = 0; i < layout->end; i++)
		if (layout->owner[i] == number)
		{
			layout->owner[i] = 0;
			layout->used--;
		}
}

/* What a worker does when no merge is due. */
static inline void
layout_shorten(FileLayout *layout)
{
	uint32		low = 0;

	while (layout->end > 0 && layout->owner[layout->end - 1] == 0)
		layout->end--;
	if (layout->end - layout->used <= layout->free_share * layout->end)
		return;
	for (uint32 i = (uint32) (layout->used * layout->length) + 1; i < layout->end; i++)
	{
		if (layout->owner[i] == 0)
			continue;
		while (layout->owner[low] != 0)
			low++;
		layout->owner[low] = layout->owner[i];
		layout->owner[i] = 0;
		layout->moved += UNIT_BYTES;
	}
	while (layout->end > 0 && layout->owner[layout->end - 1] == 0)
		layout->end--;
}

/* Note how long the file is beside a fresh index of so many bytes. */
static inline void
layout_note(FileLayout *layout, double fresh)
{
	double		times = layout->end * UNIT_BYTES / fresh;

	layout->sum += times;
	layout->most = fmax(layout->most, times);
	layout->seals++;
}

#endif							/* BARQ_BENCH_FILE_LAYOUT_H */
