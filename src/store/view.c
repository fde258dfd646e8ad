/*
 * view.c
 *	  Views of segments, and the page reader, through which a segment is read if
 *	  it has no image: slower, but correct, and within work_mem.
 *
 * Calls blob.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "store/view.h"

#define MIN_CACHE_SLOTS		8
#define NO_PAGE				PG_UINT32_MAX

/*
 * The state of a view that checks what it reads: a mapping whose blocks are not all
 * verified, or, where there is none or a block is damaged, a direct-mapped cache of
 * blob pages and a buffer for reads across pages.
 */
typedef struct PageReader
{
	BarqMapping *mapping;		/* NULL: pages are read */
	BarqMapping *pinned;		/* pointers into it were returned */
	MemoryContextCallback unpin;

	Relation	index;
	BarqSegmentDesc desc;
	int			cache_kb;		/* wanted */
	BufferAccessStrategy ring;	/* or NULL */
	BarqExtentMap *map;			/* NULL: no page was read so far */
	uint32		slots;			/* a power of two */
	uint32	   *slot_page;		/* page of the blob in each slot, or NO_PAGE */
	char	   *slot_bytes;		/* BARQ_BLOB_PAGE_BYTES each */
	char	   *straddle;		/* bytes of a read across pages, or NULL */
	Size		straddle_space;
	MemoryContext context;		/* of all that this points to */
} PageReader;

void
barq_segment_gone(Relation index)
{
	ereport(ERROR,
			(errcode(ERRCODE_BARQ_SEGMENT_GONE),
			 errmsg("a segment of index \"%s\" was replaced while it was read",
					RelationGetRelationName(index)),
			 errhint("Try again.")));
}

bool
barq_try_reading(bool (*read) (void *arg), void *arg)
{
	MemoryContext old = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		done = read(arg);
	}
	PG_CATCH();
	{
		/* no lock or pin was held: only memory is lost, which the caller frees */
		MemoryContextSwitchTo(old);
		if (geterrcode() != ERRCODE_BARQ_SEGMENT_GONE)
			PG_RE_THROW();
		FlushErrorState();
		done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	return done;
}

/* Raise ERRCODE_INDEX_CORRUPTED. */
static void
corrupt_body(BarqView *view)
{
	PageReader *reader = view->pages;

	if (reader != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" contains a corrupted segment, beginning at block %u",
						RelationGetRelationName(reader->index),
						reader->desc.extents_head),
				 errhint("Please REINDEX it.")));
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("a segment is corrupted: it refers to bytes outside of its body"),
			 errhint("Please REINDEX the index.")));
}

/*
 * The bytes of one page of the blob, in the cache: valid until the next call.
 * ERRCODE_BARQ_SEGMENT_GONE.
 */
static const char *
page_bytes(PageReader *reader, uint32 page)
{
	uint32		slot = page & (reader->slots - 1);
	char	   *bytes = reader->slot_bytes + (Size) slot * BARQ_BLOB_PAGE_BYTES;

	if (reader->slot_page[slot] != page)
	{
		reader->slot_page[slot] = NO_PAGE;
		if (barq_blob_read_page(reader->index, &reader->desc, reader->map, page,
								reader->ring, bytes) < 0)
			barq_segment_gone(reader->index);
		reader->slot_page[slot] = page;
	}
	return bytes;
}

/*
 * Begin to read pages: read the extents and allocate the cache.
 * ERRCODE_BARQ_SEGMENT_GONE.
 */
static void
open_pages(PageReader *reader)
{
	MemoryContext old = MemoryContextSwitchTo(reader->context);
	uint64		wanted = (uint64) reader->cache_kb * 1024 / BLCKSZ;

	reader->slots = MIN_CACHE_SLOTS;
	while (reader->slots * 2 <= wanted && reader->slots < reader->desc.blob_pages)
		reader->slots *= 2;
	reader->slot_page = palloc_extended(sizeof(uint32) * (Size) reader->slots,
										MCXT_ALLOC_HUGE);
	memset(reader->slot_page, 0xFF, sizeof(uint32) * (Size) reader->slots);
	reader->slot_bytes = palloc_extended((Size) reader->slots * BARQ_BLOB_PAGE_BYTES,
										 MCXT_ALLOC_HUGE);
	reader->map = barq_extents_read(reader->index, &reader->desc, NULL);
	MemoryContextSwitchTo(old);
	if (reader->map == NULL)
		barq_segment_gone(reader->index);
}

const void *
barq_view_read_pages(BarqView *view, uint64 off, Size len)
{
	PageReader *reader = view->pages;
	uint32		page;
	Size		at;
	Size		done = 0;

	if (off > view->size || len > view->size - off || reader == NULL)
		corrupt_body(view);
	if (reader->mapping != NULL)
	{
		const void *bytes = barq_mapping_read(reader->mapping, off, len);

		if (bytes != NULL)
			return bytes;
		reader->mapping = NULL; /* S8: the pages have what the image lost */
	}
	if (reader->map == NULL)
		open_pages(reader);

	page = (uint32) (off / BARQ_BLOB_PAGE_BYTES);
	at = off % BARQ_BLOB_PAGE_BYTES;
	if (at + len <= BARQ_BLOB_PAGE_BYTES && at % MAXIMUM_ALIGNOF == 0)
		return page_bytes(reader, page) + at;

	/* copy across pages, or to an aligned address */
	if (reader->straddle_space < len)
	{
		if (reader->straddle != NULL)
			pfree(reader->straddle);
		reader->straddle = NULL;
		reader->straddle_space = Max(len, 1024);
		reader->straddle = MemoryContextAllocHuge(reader->context,
												  reader->straddle_space);
	}
	while (done < len)
	{
		Size		here = Min(len - done, BARQ_BLOB_PAGE_BYTES - at);

		CHECK_FOR_INTERRUPTS();
		memcpy(reader->straddle + done, page_bytes(reader, page) + at, here);
		done += here;
		at = 0;
		page++;
	}
	return reader->straddle;
}

/*
 * Check header and footer of a body against its size, view->size, and against the
 * descriptor unless that is NULL. Fills rows, keyless and kind of the view, and
 * reduces its size to that of the kind's part. ERRCODE_INDEX_CORRUPTED.
 */
static void
check_header(BarqView *view, const BarqSegmentDesc *desc)
{
	BarqBodyFooter footer;
	const BarqBodyHeader *header;
	uint64		tids;
	uint64		keyless = 0;

	if (view->size < sizeof(BarqBodyHeader) + sizeof(BarqBodyFooter))
		corrupt_body(view);
	memcpy(&footer, barq_view_read(view, view->size - sizeof(footer), sizeof(footer)),
		   sizeof(footer));
	for (int i = 0; i < BARQ_KEYLESS_KINDS; i++)
	{
		keyless += footer.keyless[i];
		view->keyless[i] = footer.keyless[i];
	}
	if (footer.magic != BARQ_FOOTER_MAGIC || footer.kind_bytes > view->size ||
		keyless * sizeof(ItemPointerData) > view->size - footer.kind_bytes ||
		(footer.filters_off != 0 &&
		 (footer.filters_off % BARQ_BODY_ALIGN != 0 ||
		  footer.filters_off < footer.kind_bytes + keyless * sizeof(ItemPointerData) ||
		  footer.filters_bytes > view->size ||
		  footer.filters_off > view->size - footer.filters_bytes)))
		corrupt_body(view);
	view->filters_off = footer.filters_off;
	view->filters_bytes = footer.filters_bytes;

	header = barq_view_read(view, 0, sizeof(BarqBodyHeader));
	tids = (uint64) header->rows * sizeof(ItemPointerData);
	if (header->magic != BARQ_BODY_MAGIC ||
		header->version != BARQ_BODY_VERSION ||
		(header->body_bytes != 0 && header->body_bytes != footer.kind_bytes) ||
		header->tids_off > footer.kind_bytes ||
		tids > footer.kind_bytes - header->tids_off ||
		header->kind_off > footer.kind_bytes ||
		header->rows + keyless > PG_UINT32_MAX ||
		(desc != NULL &&
		 (header->rows + keyless != desc->rows || keyless != desc->keyless ||
		  header->kind != desc->kind)))
		corrupt_body(view);
	view->rows = header->rows;
	view->kind = header->kind;
	view->size = footer.kind_bytes;
}

/* A reader of a segment, palloc'd in the current memory context, for *view. */
static PageReader *
new_reader(BarqView *view, Relation index, const BarqSegmentDesc *desc, int cache_kb)
{
	PageReader *reader = palloc0(sizeof(PageReader));

	memset(view, 0, sizeof(*view));
	view->size = desc->body_bytes;
	view->pages = reader;
	reader->index = index;
	reader->desc = *desc;
	reader->cache_kb = cache_kb;
	reader->context = CurrentMemoryContext;
	return reader;
}

/* Reset callback of a reader's memory context. */
static void
unpin_mapping(void *arg)
{
	PageReader *reader = arg;

	if (reader->pinned != NULL)
		barq_mapping_unpin(reader->pinned);
	reader->pinned = NULL;
}

void
barq_view_init_image(BarqView *view, Relation index, const BarqSegmentDesc *desc,
					 BarqMapping *mapping, int cache_kb)
{
	PageReader *reader;

	if (barq_mapping_is_verified(mapping))
	{
		memset(view, 0, sizeof(*view));
		view->base = mapping->body;
		view->size = desc->body_bytes;
	}
	else
	{
		reader = new_reader(view, index, desc, cache_kb);
		reader->unpin.func = unpin_mapping;
		reader->unpin.arg = reader;
		MemoryContextRegisterResetCallback(reader->context, &reader->unpin);
		barq_mapping_pin(mapping);
		reader->mapping = reader->pinned = mapping;
	}
	check_header(view, desc);
}

void
barq_view_init_memory(BarqView *view, const char *body, uint64 bytes)
{
	memset(view, 0, sizeof(*view));
	view->base = body;
	view->size = bytes;
	check_header(view, NULL);
}

void
barq_view_init_pages(BarqView *view, Relation index, const BarqSegmentDesc *desc,
					 int cache_kb, BufferAccessStrategy ring)
{
	PageReader *reader = new_reader(view, index, desc, cache_kb);

	reader->ring = ring;
	open_pages(reader);
	check_header(view, desc);
}

uint32
barq_view_all_rows(const BarqView *view)
{
	uint32		rows = view->rows;

	for (int i = 0; i < BARQ_KEYLESS_KINDS; i++)
		rows += view->keyless[i];
	return rows;
}

void
barq_view_tids(BarqView *view, uint32 first, uint32 n, ItemPointerData *tids)
{
	const BarqBodyHeader *header;

	if (first < view->rows)
	{
		uint32		here = Min(n, view->rows - first);
		uint64		off;

		header = barq_view_read(view, 0, sizeof(BarqBodyHeader));
		off = header->tids_off + (uint64) first * sizeof(ItemPointerData);
		memcpy(tids, barq_view_read(view, off, here * sizeof(ItemPointerData)),
			   here * sizeof(ItemPointerData));
		tids += here;
		first += here;
		n -= here;
	}
	if (n > 0)
	{
		/* these TIDs lie behind the kind's part, where the view ends */
		BarqView	behind = *view;
		uint64		off = view->size + (uint64) (first - view->rows) * sizeof(ItemPointerData);

		if (first > barq_view_all_rows(view) || n > barq_view_all_rows(view) - first)
			corrupt_body(view);
		behind.size = off + n * sizeof(ItemPointerData);
		memcpy(tids, barq_view_read(&behind, off, n * sizeof(ItemPointerData)),
			   n * sizeof(ItemPointerData));
	}
}

ItemPointerData
barq_view_tid(BarqView *view, uint32 row)
{
	ItemPointerData tid;

	barq_view_tids(view, row, 1, &tid);
	return tid;
}
