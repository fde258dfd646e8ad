/*
 * growing.c
 *	  Appending to the growing log, cutting it, walking it, marking it.
 *
 * Calls page.c and meta.c. A record that fits on the tail changes the tail only;
 * other records are written to new pages, which are then linked under the locks
 * of tail and metapage (S15).
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/indexfsm.h"
#include "store/filters.h"
#include "store/growing.h"
#include "base/steps.h"

/* Bytes that an item takes on its page. */
#define ITEM_BYTES(payload) MAXALIGN(sizeof(BarqItemHeader) + (payload))

/*
 * Append an item with `length` bytes of payload to a page that has room for it;
 * `columns`, `total`: filter columns and payload of the whole record. Cannot fail (S17).
 */
static void
append_item(Page page, ItemPointer tid, uint16 flags, int columns, uint32 total,
			const char *payload, uint32 length)
{
	BarqItemHeader header;
	char		pad[MAXIMUM_ALIGNOF] = {0};
	Size		unpadded = sizeof(header) + length;

	Assert((BarqPageGetSpecial(page)->flags & BARQ_PAGE_FROZEN) == 0);	/* S4 */
	memset(&header, 0, sizeof(header));
	header.tid = *tid;
	header.flags = flags;
	header.total = total;
	header.length = length;
	header.filter_columns = columns;
	barq_page_append(page, &header, sizeof(header));
	barq_page_append(page, payload, length);
	barq_page_append(page, pad, MAXALIGN(unpadded) - unpadded);
}

/*
 * A chain of pages that are written but not linked yet: one page, or the pages
 * of a long record.
 */
typedef struct NewPages
{
	BlockNumber first;
	BlockNumber last;
	uint64		first_generation;
	uint64		last_generation;
	uint32		count;
} NewPages;

/*
 * Does the index still have a block that a copy of the metapage names? The copy may
 * be statements old, and the end of the file may have been cut since. If the block
 * exists, makes it the session's target block. A cut resets every session's target
 * block (S11), so if that is `block` no system call is needed.
 */
static bool
exists(Relation index, BlockNumber block)
{
	if (RelationGetTargetBlock(index) == block)
		return true;
	if (block >= RelationGetNumberOfBlocks(index))
		return false;
	RelationSetTargetBlock(index, block);
	return true;
}

/*
 * The buffer of the tail, pinned and exclusively locked, or InvalidBuffer if the
 * log has no page yet. Checks for interrupts. The caller holds no buffer lock.
 * ERRCODE_INDEX_CORRUPTED if the metapage names a page that is not the tail.
 */
static Buffer
lock_tail(Relation index)
{
	const BarqMeta *meta = barq_meta_cached(index, false);
	BlockNumber wrong_block = InvalidBlockNumber;
	uint64		wrong_generation = 0;

	for (;;)
	{
		BlockNumber block = meta->growing_tail;
		uint64		generation = meta->growing_tail_generation;
		Buffer		buffer;
		Page		page;

		if (block != InvalidBlockNumber && exists(index, block))
		{
			buffer = ReadBuffer(index, block);
			LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
			page = BufferGetPage(buffer);
			if (barq_page_is(index, block, page, BARQ_PART_GROWING, generation) &&
				BarqPageGetSpecial(page)->next == InvalidBlockNumber)
				return buffer;
			UnlockReleaseBuffer(buffer);
		}

		/* the metapage was read again and names the same wrong page (S1) */
		if (block != InvalidBlockNumber &&
			block == wrong_block && generation == wrong_generation)
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has no growing log at block %u",
							RelationGetRelationName(index), block),
					 errhint("Please REINDEX it.")));

		CHECK_FOR_INTERRUPTS();
		meta = barq_meta_cached(index, true);
		if (meta->growing_tail == InvalidBlockNumber)
			return InvalidBuffer;
		if (meta->growing_tail == block && meta->growing_tail_generation == generation)
		{
			wrong_block = block;
			wrong_generation = generation;
		}
	}
}

/*
 * Link new pages behind the tail, or as the log's first pages, by one record (S2).
 * `tail` is the result of lock_tail; it is unlocked and released. `freeze`: no
 * more records go to the old tail. Returns the number of pages of the log, or 0
 * if there was no tail and another process has linked the first page meanwhile.
 * The caller holds barq_lock_linking.
 */
static uint32
link_pages(Relation index, Buffer tail, const NewPages *pages, bool freeze)
{
	Buffer		meta_buffer = barq_meta_lock(index);
	BarqMeta   *meta = BarqPageGetMeta(BufferGetPage(meta_buffer));
	GenericXLogState *state;
	uint32		count;

	if (!BufferIsValid(tail) && meta->growing_tail != InvalidBlockNumber)
	{
		UnlockReleaseBuffer(meta_buffer);
		return 0;
	}

	Assert(!BufferIsValid(tail) || meta->growing_tail == BufferGetBlockNumber(tail));
	state = GenericXLogStart(index);
	if (BufferIsValid(tail))
	{
		Page		page = GenericXLogRegisterBuffer(state, tail, 0);
		BarqPageSpecial *special = BarqPageGetSpecial(page);

		Assert(special->next == InvalidBlockNumber);
		Assert((special->flags & BARQ_PAGE_FROZEN) == 0);	/* S4 */
		special->next = pages->first;
		special->next_generation = pages->first_generation;
		if (freeze)
			special->flags |= BARQ_PAGE_FROZEN;
	}
	meta = BarqPageGetMeta(GenericXLogRegisterBuffer(state, meta_buffer, 0));
	barq_meta_touch(meta);
	if (!BufferIsValid(tail))
	{
		meta->growing_head = pages->first;
		meta->growing_head_generation = pages->first_generation;
	}
	meta->growing_tail = pages->last;
	meta->growing_tail_generation = pages->last_generation;
	meta->growing_pages += pages->count;
	count = meta->growing_pages;
	barq_finish_record(state, "log: link pages");

	/* the next insert of this session finds the new tail in its copy */
	if (index->rd_amcache != NULL)
		memcpy(index->rd_amcache, BarqPageGetMeta(BufferGetPage(meta_buffer)),
			   sizeof(BarqMeta));
	UnlockReleaseBuffer(meta_buffer);
	if (BufferIsValid(tail))
		UnlockReleaseBuffer(tail);
	return count;
}

/*
 * Write a page that nothing reaches yet before those of *pages, which receives
 * it. It holds one item, or none if tid is NULL; other arguments as append_item.
 * The caller holds barq_lock_linking.
 */
static void
write_new_page(Relation index, BarqPageSupply *supply, NewPages *pages,
			   ItemPointer tid, uint16 flags, int columns, uint32 total,
			   const char *payload, uint32 length)
{
	Buffer		buffer = barq_page_new(index, supply);
	uint64		generation = barq_new_generation();
	GenericXLogState *state = GenericXLogStart(index);
	Page		page = GenericXLogRegisterBuffer(state, buffer, GENERIC_XLOG_FULL_IMAGE);

	barq_page_init(page, BARQ_PART_GROWING, generation);
	if (tid != NULL)
		append_item(page, tid, flags, columns, total, payload, length);

	/* the last page was written first, so the next page is known */
	if (pages->count > 0)
	{
		BarqPageGetSpecial(page)->next = pages->first;
		BarqPageGetSpecial(page)->next_generation = pages->first_generation;
	}
	barq_finish_record(state, "log: write page");

	pages->first = BufferGetBlockNumber(buffer);
	pages->first_generation = generation;
	if (pages->count == 0)
	{
		pages->last = pages->first;
		pages->last_generation = generation;
	}
	pages->count++;
	UnlockReleaseBuffer(buffer);
}

/*
 * Append a record; own_flags: 0, or BARQ_ITEM_UNDEFINED or BARQ_ITEM_NULL. See
 * barq_growing_append.
 */
static uint32
append_record(Relation index, ItemPointer tid, uint16 own_flags, int columns,
			  const void *payload, uint32 length)
{
	NewPages	pages = {0};
	uint32		count = 0;
	bool		large = length > BARQ_ITEM_MAX_PAYLOAD;
	Buffer		tail;

	if (length > BARQ_RECORD_MAX_PAYLOAD)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a record of %u bytes is too large for index \"%s\"",
						length, RelationGetRelationName(index))));

	if (!large)
	{
		tail = lock_tail(index);
		if (BufferIsValid(tail))
		{
			if (BarqPageFree(BufferGetPage(tail)) >= ITEM_BYTES(length))
			{
				GenericXLogState *state = GenericXLogStart(index);

				append_item(GenericXLogRegisterBuffer(state, tail, 0), tid, own_flags,
							columns, length, payload, length);
				barq_finish_record(state, "log: append");
				UnlockReleaseBuffer(tail);
				return 0;
			}
			UnlockReleaseBuffer(tail);
		}
	}

	/*
	 * The new pages are written before the tail is locked again: no page is
	 * taken under a buffer lock (S15), and a long record becomes reachable as a
	 * whole (S4). The heavyweight lock keeps the pages from being reclaimed
	 * before that (S5).
	 */
	barq_lock_linking(index);
	if (large)
	{
		uint32		pieces = (length + BARQ_ITEM_MAX_PAYLOAD - 1) / BARQ_ITEM_MAX_PAYLOAD;

		for (uint32 i = pieces; i-- > 0;)
		{
			uint32		off = i * BARQ_ITEM_MAX_PAYLOAD;
			uint16		flags = own_flags | (i > 0 ? BARQ_ITEM_PIECE : 0) |
				(i + 1 < pieces ? BARQ_ITEM_CONTINUES : 0);

			CHECK_FOR_INTERRUPTS();
			write_new_page(index, NULL, &pages, tid, flags, columns, length,
						   (const char *) payload + off,
						   Min(length - off, BARQ_ITEM_MAX_PAYLOAD));
		}
	}
	else
		write_new_page(index, NULL, &pages, tid, own_flags, columns, length, payload, length);
	barq_step("log: pages written");

	while (count == 0)
		count = link_pages(index, lock_tail(index), &pages, false);
	barq_unlock_linking(index);
	return count;
}

/* append_record() with the filter values before the payload. */
static uint32
append_with_filters(Relation index, ItemPointer tid, uint16 own_flags,
					const BarqFilterValues *filters, const void *payload, uint32 length)
{
	Size		words = filters->nwords * sizeof(uint64);
	char	   *both;
	uint32		count;

	if (filters->columns == 0)
		return append_record(index, tid, own_flags, 0, payload, length);
	if (words + length > BARQ_RECORD_MAX_PAYLOAD)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a record of %zu bytes is too large for index \"%s\"",
						words + length, RelationGetRelationName(index))));
	both = palloc(words + length);
	memcpy(both, filters->words, words);
	memcpy(both + words, payload, length);
	count = append_record(index, tid, own_flags, filters->columns, both,
						  (uint32) (words + length));
	pfree(both);
	return count;
}

uint32
barq_growing_append(Relation index, ItemPointer tid, const BarqFilterValues *filters,
					const void *payload, uint32 length)
{
	return append_with_filters(index, tid, 0, filters, payload, length);
}

uint32
barq_growing_append_keyless(Relation index, ItemPointer tid,
							const BarqFilterValues *filters, BarqKeyless keyless)
{
	return append_with_filters(index, tid,
							   keyless == BARQ_KEYLESS_NULL ? BARQ_ITEM_NULL :
							   BARQ_ITEM_UNDEFINED,
							   filters, "", 0);
}

bool
barq_growing_cut(Relation index, BarqPageSupply *supply, BlockNumber *stop,
				 uint64 *stop_generation)
{
	NewPages	pages = {0};
	Buffer		tail = lock_tail(index);
	const BarqMeta *meta;
	BlockNumber block;
	bool		empty;

	Assert(barq_holds_maintenance(index));
	if (!BufferIsValid(tail))
		return false;
	block = BufferGetBlockNumber(tail);
	empty = barq_page_content_bytes(BufferGetPage(tail)) == 0;
	*stop_generation = BarqPageGetSpecial(BufferGetPage(tail))->generation;
	UnlockReleaseBuffer(tail);

	/* the tail has no record yet: all records stand before it */
	if (empty && supply == NULL)
	{
		meta = barq_meta_cached(index, true);
		*stop = block;
		return meta->growing_head != block;
	}

	barq_lock_linking(index);
	write_new_page(index, supply, &pages, NULL, 0, 0, 0, NULL, 0);
	link_pages(index, lock_tail(index), &pages, true);
	barq_unlock_linking(index);
	*stop = pages.first;
	*stop_generation = pages.first_generation;
	return true;
}

/* Raise ERRCODE_INDEX_CORRUPTED. */
static void
corrupt_item(Relation index, BlockNumber block)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" contains a corrupted growing record at block %u",
					RelationGetRelationName(index), block),
			 errhint("Please REINDEX it.")));
}

/*
 * The item at offset *off of a page, which is moved behind it; NULL at the end of
 * the page. `page` is a copy, or its buffer is locked. ERRCODE_INDEX_CORRUPTED if
 * the item does not fit the page.
 */
static BarqItemHeader *
next_item(Relation index, BlockNumber block, Page page, uint32 *off)
{
	uint32		lower = ((PageHeader) page)->pd_lower;
	BarqItemHeader *item = (BarqItemHeader *) ((char *) page + *off);

	if (*off >= lower)
		return NULL;
	if (lower - *off < sizeof(BarqItemHeader) ||
		lower - *off < ITEM_BYTES(item->length) ||
		item->length > item->total || item->version != 0 ||
		item->filter_columns > BARQ_MAX_FILTERS ||
		((item->flags & BARQ_ITEM_KEYLESS) != 0 && item->total != 0 &&
		 item->filter_columns == 0))
		corrupt_item(index, block);
	*off += ITEM_BYTES(item->length);
	return item;
}

/*
 * Copy a page of the log to `copy`, of BLCKSZ bytes, so that its records are
 * processed without a lock. False if the page was re-used. *nblocks: size of the
 * index as last known, 0 at first. ring: NULL for shared_buffers as a whole.
 */
static bool
copy_page(Relation index, BlockNumber block, uint64 generation, char *copy,
		  BlockNumber *nblocks, BufferAccessStrategy ring)
{
	Buffer		buffer;
	Page		page;
	bool		ok;

	/* a system call, so only when the known size does not suffice */
	if (block >= *nblocks)
		*nblocks = RelationGetNumberOfBlocks(index);
	if (block >= *nblocks)
		return false;
	buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, ring);
	barq_lock_shared(buffer);
	page = BufferGetPage(buffer);
	ok = barq_page_is(index, block, page, BARQ_PART_GROWING, generation);
	if (ok)
	{
		/* skip the free space */
		memcpy(copy, page, ((PageHeader) page)->pd_lower);
		memcpy(copy + ((PageHeader) page)->pd_special,
			   (char *) page + ((PageHeader) page)->pd_special,
			   BLCKSZ - ((PageHeader) page)->pd_special);
	}
	UnlockReleaseBuffer(buffer);
	return ok;
}

bool
barq_growing_divide(Relation index, const BarqMeta *meta, uint32 pages, BlockNumber end,
					BlockNumber *stop, uint64 *stop_generation)
{
	BlockNumber block = meta->growing_head;
	uint64		generation = meta->growing_head_generation;
	BlockNumber nblocks = 0;
	char	   *copy = palloc(BLCKSZ);
	bool		found = false;

	Assert(barq_holds_maintenance(index) && pages > 0);
	for (uint32 passed = 0; !found && block != InvalidBlockNumber && block != end; passed++)
	{
		uint32		off = MAXALIGN(SizeOfPageHeaderData);
		BarqItemHeader *item;

		CHECK_FOR_INTERRUPTS();
		/* under the maintenance lock no page of the log is re-used */
		if (!copy_page(index, block, generation, copy, &nblocks, barq_ring(BAS_BULKREAD)))
			barq_meta_broken(index);
		item = next_item(index, block, (Page) copy, &off);
		if (passed >= pages && (item == NULL || (item->flags & BARQ_ITEM_PIECE) == 0))
		{
			*stop = block;
			*stop_generation = generation;
			found = true;
		}
		generation = BarqPageGetSpecial((Page) copy)->next_generation;
		block = BarqPageGetSpecial((Page) copy)->next;
	}
	pfree(copy);
	return found;
}

/* The record that a walk reads. */
typedef struct RecordReader
{
	BarqRecord	record;
	char	   *pieces;			/* payload of a long record, or NULL */
	uint32		assembled;		/* bytes of it read so far */
} RecordReader;

/*
 * Fill the record from its first item; allocates the payload if the record
 * continues on the next page. ERRCODE_INDEX_CORRUPTED.
 */
static void
begin_record(Relation index, BlockNumber block, const BarqItemHeader *item,
			 RecordReader *reader)
{
	BarqRecord *record = &reader->record;

	record->tid = item->tid;
	record->dead = (item->flags & BARQ_ITEM_DEAD) != 0;
	record->keyed = (item->flags & BARQ_ITEM_KEYLESS) == 0;
	record->keyless = (item->flags & BARQ_ITEM_NULL) != 0 ?
		BARQ_KEYLESS_NULL : BARQ_KEYLESS_UNDEFINED;
	record->length = item->total;
	record->filter_columns = item->filter_columns;
	record->pieces = (item->flags & BARQ_ITEM_CONTINUES) != 0;
	if (item->flags & BARQ_ITEM_CONTINUES)
	{
		if (item->total > BARQ_RECORD_MAX_PAYLOAD)
			corrupt_item(index, block);
		reader->pieces = palloc(item->total);
		reader->assembled = 0;
	}
	else if (item->length != item->total)
		corrupt_item(index, block);
}

/*
 * Pass the record, whose payload is complete, to the visitor: the filter values apart
 * from the rest. ERRCODE_INDEX_CORRUPTED if these do not fit.
 */
static void
visit_record(Relation index, BlockNumber block, const BarqRecord *whole,
			 const BarqGrowingVisitor *visitor)
{
	BarqRecord	record = *whole;

	record.filters = NULL;
	record.filter_bytes = 0;
	if (record.filter_columns > 0)
	{
		record.filters = (const uint64 *) record.payload;
		record.filter_bytes = sizeof(uint64) *
			barq_filter_words(record.filters, record.filter_columns,
							  record.length / sizeof(uint64));
		if (record.filter_bytes == 0 || (!record.keyed && record.filter_bytes != record.length))
			corrupt_item(index, block);
		record.payload += record.filter_bytes;
		record.length -= record.filter_bytes;
	}
	visitor->record(visitor->arg, &record);
}

/*
 * Pass the record of an item to the visitor; if the record has several pieces,
 * when the last one is read. ERRCODE_INDEX_CORRUPTED.
 */
static void
read_item(Relation index, BlockNumber block, BarqItemHeader *item,
		  RecordReader *reader, const BarqGrowingVisitor *visitor)
{
	BarqRecord *record = &reader->record;
	bool		piece = (item->flags & BARQ_ITEM_PIECE) != 0;

	if (piece != (reader->pieces != NULL))
		corrupt_item(index, block);
	if (!piece)
		begin_record(index, block, item, reader);
	if (reader->pieces == NULL)
	{
		record->payload = (const char *) (item + 1);
		visit_record(index, block, record, visitor);
		return;
	}

	if (item->total != record->length ||
		item->length > record->length - reader->assembled)
		corrupt_item(index, block);
	memcpy(reader->pieces + reader->assembled, item + 1, item->length);
	reader->assembled += item->length;
	if (item->flags & BARQ_ITEM_CONTINUES)
		return;
	if (reader->assembled != record->length)
		corrupt_item(index, block);
	record->payload = reader->pieces;
	visit_record(index, block, record, visitor);
	pfree(reader->pieces);
	reader->pieces = NULL;
}

bool
barq_growing_walk(Relation index, const BarqMeta *meta, BlockNumber stop,
				  const BarqGrowingVisitor *visitor)
{
	BlockNumber block = meta->growing_head;
	uint64		generation = meta->growing_head_generation;
	BlockNumber nblocks = 0;
	char	   *copy = palloc(BLCKSZ);
	RecordReader reader = {0};

	while (block != InvalidBlockNumber && block != stop)
	{
		uint32		off = MAXALIGN(SizeOfPageHeaderData);
		BarqItemHeader *item;

		CHECK_FOR_INTERRUPTS();
		if (!copy_page(index, block, generation, copy, &nblocks, visitor->ring))
		{
			pfree(copy);
			if (reader.pieces != NULL)
				pfree(reader.pieces);
			return false;
		}
		if (visitor->page != NULL)
			visitor->page(visitor->arg, block);
		while ((item = next_item(index, block, (Page) copy, &off)) != NULL)
			read_item(index, block, item, &reader, visitor);
		generation = BarqPageGetSpecial((Page) copy)->next_generation;
		block = BarqPageGetSpecial((Page) copy)->next;
		if (visitor->page_end != NULL)
			visitor->page_end(visitor->arg, block, generation);
	}

	if (reader.pieces != NULL)
		corrupt_item(index, block);
	pfree(copy);
	return true;
}

/*
 * Set the dead flag of the items at count offsets of a page, by one record.
 * Offsets found in an earlier copy of the page are valid: items never move (S4).
 * False if the page was re-used.
 */
static bool
mark_page(Relation index, BlockNumber block, uint64 generation,
		  const uint32 *offsets, int count)
{
	Buffer		buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL,
											barq_ring(BAS_VACUUM));
	GenericXLogState *state;
	Page		page;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (!barq_page_is(index, block, BufferGetPage(buffer), BARQ_PART_GROWING, generation))
	{
		UnlockReleaseBuffer(buffer);
		return false;
	}
	state = GenericXLogStart(index);
	page = GenericXLogRegisterBuffer(state, buffer, 0);
	for (int i = 0; i < count; i++)
	{
		BarqItemHeader *item = (BarqItemHeader *) ((char *) page + offsets[i]);

		Assert(offsets[i] + sizeof(BarqItemHeader) <= ((PageHeader) page)->pd_lower);	/* S4 */
		Assert((item->flags & BARQ_ITEM_PIECE) == 0);
		item->flags |= BARQ_ITEM_DEAD;
	}
	barq_finish_record(state, "log: mark dead");
	UnlockReleaseBuffer(buffer);
	return true;
}

bool
barq_growing_mark(Relation index, const BarqMeta *meta, BarqIsDead is_dead,
				  void *arg, BarqMarkCounts *counts)
{
	BlockNumber block = meta->growing_head;
	uint64		generation = meta->growing_head_generation;
	BlockNumber nblocks = 0;
	char	   *copy = palloc(BLCKSZ);
	uint32		offsets[BARQ_PAGE_BYTES / sizeof(BarqItemHeader)];
	bool		ok = true;

	while (ok && block != InvalidBlockNumber)
	{
		uint32		off = MAXALIGN(SizeOfPageHeaderData);
		uint32		here = off;
		BarqItemHeader *item;
		int			dead = 0;

		BarqVacuumDelay();
		if (!(ok = copy_page(index, block, generation, copy, &nblocks, barq_ring(BAS_VACUUM))))
			break;
		while ((item = next_item(index, block, (Page) copy, &off)) != NULL)
		{
			uint32		at = here;

			here = off;
			if (item->flags & BARQ_ITEM_PIECE)
				continue;
			if (item->flags & BARQ_ITEM_DEAD)
				counts->met++;	/* another row may have its TID now: not asked */
			else if (is_dead(&item->tid, arg))
				offsets[dead++] = at;
			else
				counts->live++;
		}
		if (dead > 0)
			ok = mark_page(index, block, generation, offsets, dead);
		if (ok)
			counts->marked += dead;
		generation = BarqPageGetSpecial((Page) copy)->next_generation;
		block = BarqPageGetSpecial((Page) copy)->next;
	}
	pfree(copy);
	return ok;
}
