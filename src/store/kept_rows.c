/*
 * kept_rows.c
 *	  Keeping the rows that conditions admit, with the snapshot.
 */
#include "postgres.h"

#include "base/settings.h"
#include "store/kept_rows.h"
#include "utils/memutils.h"

#define LONGEST_KEY		512		/* bytes; longer conditions are not kept */
#define SHARE_OF_CACHE	4		/* of barq.backend_cache, one of so many parts */

/* Drop a reference. */
static void
release(BarqKeptRows *entry)
{
	Assert(entry->references > 0);
	if (--entry->references > 0)
		return;
	if (entry->refused != NULL)
		pfree(entry->refused);
	if (entry->rows != NULL)
		pfree(entry->rows);
	pfree(entry);
}

/* Reset callback of the memory context of a search. */
static void
release_used(void *arg)
{
	release(arg);
}

/* Append `bytes` at *length of a key; false if there is no room. */
static bool
append(char *key, uint32 *length, const void *from, Size bytes)
{
	if (bytes > LONGEST_KEY - *length)
		return false;
	memcpy(key + *length, from, bytes);
	*length += (uint32) bytes;
	return true;
}

/* The tests of a condition as bytes; 0 if they are too long. */
static uint32
make_key(const BarqFilterCondition *condition, char *key)
{
	uint32		length = 0;

	for (int i = 0; i < condition->ntests; i++)
	{
		const BarqFilterTest *test = &condition->tests[i];
		uint32		head[] = {(uint32) test->column, test->null, test->any, test->nranges};

		if (!append(key, &length, head, sizeof(head)) ||
			!append(key, &length, test->ranges, sizeof(BarqFilterRange) * (Size) test->nranges))
			return 0;
	}
	return length;
}

/* The place of a key among a segment's kept conditions; the number of places if it is not there. */
static int
find_place(const BarqSegment *segment, const char *key, uint32 length)
{
	int			place = 0;

	while (place < BARQ_KEPT_ROWS &&
		   (segment->kept[place] == NULL || segment->kept[place]->length != length ||
			memcmp(segment->kept[place]->key, key, length) != 0))
		place++;
	return place;
}

void
barq_kept_find(BarqKept *kept, BarqSnapshot *snapshot, uint32 number,
			   const BarqFilterCondition *condition, bool again)
{
	BarqSegment *segment = &snapshot->segments[number];
	char		key[LONGEST_KEY];
	uint32		length = make_key(condition, key);
	int			place;
	BarqKeptRows *entry;
	MemoryContextCallback *callback;

	*kept = (BarqKept) {snapshot, segment, NULL};
	if (length == 0 || barq_backend_cache == 0)
		return;
	callback = palloc(sizeof(MemoryContextCallback));
	place = find_place(segment, key, length);
	if (place < BARQ_KEPT_ROWS)
		entry = segment->kept[place];
	else
	{
		entry = MemoryContextAllocZero(CacheMemoryContext, offsetof(BarqKeptRows, key) + length);
		entry->references = 1;
		entry->bytes = offsetof(BarqKeptRows, key) + length;
		entry->length = length;
		memcpy(entry->key, key, length);
		place = BARQ_KEPT_ROWS - 1;
		if (segment->kept[place] != NULL)
			release(segment->kept[place]);
	}
	memmove(&segment->kept[1], &segment->kept[0], sizeof(BarqKeptRows *) * place);
	segment->kept[0] = entry;
	entry->uses += !again;
	entry->references++;
	callback->func = release_used;
	callback->arg = entry;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	kept->entry = entry;
}

/*
 * Whether there is room for `bytes` more if the segment of a search keeps `own` bytes. With
 * more than the whole cache, the snapshot would go at the end of the transaction.
 */
static bool
has_room(const BarqKept *kept, Size own, Size bytes)
{
	const BarqSnapshot *snapshot = kept->snapshot;
	Size		limit = (Size) barq_backend_cache * 1024;
	Size		total = own + bytes;

	for (uint32 i = 0; i < snapshot->nsegments; i++)
		if (&snapshot->segments[i] != kept->segment)
			total += barq_kept_bytes(&snapshot->segments[i]);
	return total <= limit / SHARE_OF_CACHE &&
		total + MemoryContextMemAllocated(snapshot->context, true) <= limit;
}

bool
barq_kept_may_keep(const BarqKept *kept, Size bytes)
{
	return barq_kept_is_used(kept) && has_room(kept, kept->entry->bytes, bytes);
}

/*
 * Memory for what is kept of a condition, if it may be; what its segment keeps of others
 * gives way, the last used last. Else NULL.
 */
static void *
take_room(const BarqKept *kept, Size bytes)
{
	void	   *memory;

	if (!barq_kept_may_keep(kept, bytes))
		return NULL;
	/* the condition itself is at place 0 */
	for (int place = BARQ_KEPT_ROWS - 1; !has_room(kept, barq_kept_bytes(kept->segment), bytes); place--)
	{
		BarqKeptRows *other = kept->segment->kept[place];

		Assert(place > 0 && other != kept->entry);
		kept->segment->kept[place] = NULL;
		if (other != NULL)
			release(other);
	}
	memory = MemoryContextAllocExtended(CacheMemoryContext, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (memory != NULL)
		kept->entry->bytes += bytes;
	return memory;
}

void
barq_kept_keep_refused(const BarqKept *kept, const uint8 *refused, Size bytes)
{
	uint8	   *copy;

	if ((copy = take_room(kept, bytes)) == NULL)
		return;
	Assert(kept->entry->refused == NULL);
	memcpy(copy, refused, bytes);
	kept->entry->refused = copy;
}

void
barq_kept_keep_rows(const BarqKept *kept, const uint32 *rows, uint32 n)
{
	uint32	   *copy;

	if ((copy = take_room(kept, sizeof(uint32) * Max((Size) n, 1))) == NULL)
		return;
	Assert(kept->entry->rows == NULL);
	memcpy(copy, rows, sizeof(uint32) * (Size) n);
	kept->entry->rows = copy;
	kept->entry->nrows = n;
}

void
barq_kept_share(BarqSegment *segment, const BarqSegment *older)
{
	for (int i = 0; i < BARQ_KEPT_ROWS; i++)
	{
		segment->kept[i] = older->kept[i];
		if (segment->kept[i] != NULL)
			segment->kept[i]->references++;
	}
}

void
barq_kept_release(BarqSegment *segment)
{
	for (int i = 0; i < BARQ_KEPT_ROWS; i++)
	{
		if (segment->kept[i] != NULL)
			release(segment->kept[i]);
		segment->kept[i] = NULL;
	}
}

Size
barq_kept_bytes(const BarqSegment *segment)
{
	Size		bytes = 0;

	for (int i = 0; i < BARQ_KEPT_ROWS; i++)
		if (segment->kept[i] != NULL)
			bytes += segment->kept[i]->bytes;
	return bytes;
}
