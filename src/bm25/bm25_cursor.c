/*
 * bm25_cursor.c
 *	  Postings of a term in row order, block by block: rows are unpacked when a
 *	  block is entered, frequencies and positions when they are asked for.
 */
#include "postgres.h"

#include "bm25/bm25_layout.h"
#include "base/interrupts.h"
#include "utils/memutils.h"

static void
rewind_cursor(Bm25Cursor *cursor)
{
	cursor->block = 0;
	cursor->loaded = BM25_NO_ROW;
	cursor->position_block = BM25_NO_ROW;
	cursor->n = cursor->at = 0;
}

/* Everything but the arrays. */
static void
begin(Bm25Cursor *cursor)
{
	memset(cursor, 0, offsetof(Bm25Cursor, rows));
	cursor->position_copy = NULL;
	cursor->position_copy_space = 0;
	cursor->positions = NULL;
	cursor->position_space = 0;
	cursor->weight = 0;
}

Bm25Cursor *
barq_bm25_cursor_copy(const Bm25Cursor *cursor)
{
	Bm25Cursor *copy = palloc(sizeof(Bm25Cursor));

	memcpy(copy, cursor, sizeof(Bm25Cursor));
	if (cursor->skips == &cursor->single)
		copy->skips = &copy->single;
	copy->position_copy = NULL;
	copy->position_copy_space = 0;
	copy->positions = NULL;
	copy->position_space = 0;
	rewind_cursor(copy);
	return copy;
}

void
barq_bm25_cursor_open_entry(Bm25Cursor *cursor, const Bm25Body *body,
							const Bm25Entry *entry)
{
	BarqView   *view = body->view;

	begin(cursor);
	cursor->body = body;
	cursor->df = entry->df;
	cursor->maxima = entry->maxima;
	cursor->nblocks = (entry->df + BARQ_BM25_BLOCK - 1) / BARQ_BM25_BLOCK;
	if (cursor->nblocks == 1)
	{
		Bm25Skip   *skip = &cursor->single;
		const uint8 *bits;

		if (entry->record_bytes < 2)
			barq_bm25_corrupt("postings are too short");
		bits = barq_view_read(view, entry->record, 2);
		memset(skip, 0, sizeof(*skip));
		skip->last_row = BM25_NO_ROW - 1;	/* not known, and not needed */
		skip->row_bits = bits[0];
		skip->frequency_bits = bits[1];
		skip->maxima = entry->maxima;
		cursor->skips = skip;
		cursor->blocks_off = entry->record + 2;
		cursor->blocks_end = entry->record + entry->record_bytes;
	}
	else
	{
		Size		bytes = cursor->nblocks * sizeof(Bm25Skip);
		const void *table;

		cursor->blocks_off = TYPEALIGN64(8, entry->record);
		if (entry->record_bytes < bytes + (cursor->blocks_off - entry->record) ||
			(entry->record + entry->record_bytes) % 8 != 0)
			barq_bm25_corrupt("postings are too short for their table of blocks");
		cursor->blocks_end = entry->record + entry->record_bytes - bytes;
		table = barq_view_read(view, cursor->blocks_end, bytes);
		if (view->base == NULL)
			table = memcpy(palloc_extended(bytes, MCXT_ALLOC_HUGE), table, bytes);
		cursor->skips = table;
	}
	rewind_cursor(cursor);
}

void
barq_bm25_cursor_load(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->block];
	uint32		rows = cursor->body->view->rows;
	uint32		n = cursor->block + 1 < cursor->nblocks ? BARQ_BM25_BLOCK :
		cursor->df - cursor->block * BARQ_BM25_BLOCK;
	uint32		first = cursor->block == 0 ? 0 : cursor->skips[cursor->block - 1].last_row + 1;

	cursor->n = n;
	cursor->at = 0;
	cursor->loaded = cursor->block;
	memset(cursor->rows + n, 0xff, (BARQ_BM25_BLOCK + 1 - n) * sizeof(uint32));
	if (cursor->pool_rows != NULL)
	{
		memcpy(cursor->rows, cursor->pool_rows + (Size) cursor->block * BARQ_BM25_BLOCK,
			   n * sizeof(uint32));
		memcpy(cursor->frequencies,
			   cursor->pool_frequencies + (Size) cursor->block * BARQ_BM25_BLOCK,
			   n * sizeof(uint32));
		cursor->has_frequencies = true;
		return;
	}

	if (skip->row_bits > 32 || skip->frequency_bits > 32 ||
		skip->offset + barq_pack_bytes(n, skip->row_bits) +
		barq_pack_bytes(n, skip->frequency_bits) >
		cursor->blocks_end - cursor->blocks_off)
		barq_bm25_corrupt("a block of postings lies outside of them");
	barq_unpack_rows(barq_view_read(cursor->body->view, cursor->blocks_off + skip->offset,
									barq_pack_bytes(n, skip->row_bits)),
					 n, skip->row_bits, first, cursor->rows);

	/* so that no damage leads outside: gaps that wrap around come back lower */
	if (skip->row_bits > 24)
	{
		for (uint32 i = 1; i < n; i++)
			if (cursor->rows[i] <= cursor->rows[i - 1])
				barq_bm25_corrupt("rows of postings do not ascend");
	}
	if (first >= rows || cursor->rows[0] < first || cursor->rows[n - 1] < first ||
		cursor->rows[n - 1] >= rows)
		barq_bm25_corrupt("postings name rows that do not exist");
	if (cursor->nblocks > 1 && cursor->rows[n - 1] != skip->last_row)
		barq_bm25_corrupt("a block of postings ends with another row than its table says");
	cursor->has_frequencies = false;
}

void
barq_bm25_cursor_frequencies(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->loaded];

	barq_unpack(barq_view_read(cursor->body->view,
							   cursor->blocks_off + skip->offset +
							   barq_pack_bytes(cursor->n, skip->row_bits),
							   barq_pack_bytes(cursor->n, skip->frequency_bits)),
				cursor->n, skip->frequency_bits, cursor->frequencies);
	for (uint32 i = 0; i < cursor->n; i++)
		cursor->frequencies[i]++;
	if (unlikely(skip->frequency_bits > 30))
		for (uint32 i = 0; i < cursor->n; i++)
			if (cursor->frequencies[i] == 0 || cursor->frequencies[i] > PG_INT32_MAX)
				barq_bm25_corrupt("a frequency is too large");
	cursor->has_frequencies = true;
}

/* Step over so many varints. */
static const uint8 *
skip_varints(const uint8 *at, const uint8 *end, uint64 count)
{
	/* of eight bytes those without the top bit end one */
	while (count >= 8 && end - at >= 8)
	{
		uint64		bytes;

		memcpy(&bytes, at, 8);
		count -= __builtin_popcountll(~bytes & UINT64CONST(0x8080808080808080));
		at += 8;
	}
	for (; count > 0 && at < end; at++)
		count -= *at < 0x80;
	if (count > 0)
		barq_bm25_corrupt("positions end too early");
	return at;
}

/* The positions of the block under way, from its first posting on. */
static void
load_positions(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->loaded];
	BarqView   *view = cursor->body->view;
	uint64		from = cursor->blocks_off + skip->offset +
		barq_pack_bytes(cursor->n, skip->row_bits) +
		barq_pack_bytes(cursor->n, skip->frequency_bits);
	uint64		to = cursor->loaded + 1 < cursor->nblocks ?
		cursor->blocks_off + cursor->skips[cursor->loaded + 1].offset : cursor->blocks_end;
	Size		bytes;

	Assert(cursor->pool_rows == NULL && cursor->body->positions);
	if (to < from || to > cursor->blocks_end)
		barq_bm25_corrupt("positions lie outside of the postings");
	bytes = to - from;
	cursor->position_bytes = barq_view_read(view, from, bytes);
	if (view->base == NULL)
	{
		if (cursor->position_copy_space < bytes)
		{
			if (cursor->position_copy != NULL)
				pfree(cursor->position_copy);
			cursor->position_copy_space = Max(bytes, 1024);
			cursor->position_copy = palloc_extended(cursor->position_copy_space,
													MCXT_ALLOC_HUGE);
		}
		cursor->position_bytes = memcpy(cursor->position_copy, cursor->position_bytes, bytes);
	}
	cursor->position_end = cursor->position_bytes + bytes;
	cursor->position_next = cursor->position_bytes;
	cursor->position_at = 0;
	cursor->position_block = cursor->loaded;
}

const uint8 *
barq_bm25_cursor_position_bytes(Bm25Cursor *cursor, uint32 at, uint32 n, Size *bytes)
{
	uint64		before = 0;
	uint64		count = 0;
	const uint8 *start;

	if (cursor->position_block != cursor->loaded)
	{
		if (!cursor->has_frequencies)
			barq_bm25_cursor_frequencies(cursor);
		load_positions(cursor);
	}
	if (cursor->position_at > at)
	{
		cursor->position_at = 0;
		cursor->position_next = cursor->position_bytes;
	}
	for (uint32 i = cursor->position_at; i < at; i++)
		before += cursor->frequencies[i];
	for (uint32 i = at; i < at + n; i++)
		count += cursor->frequencies[i];
	start = skip_varints(cursor->position_next, cursor->position_end, before);
	cursor->position_next = skip_varints(start, cursor->position_end, count);
	cursor->position_at = at + n;
	*bytes = cursor->position_next - start;
	return start;
}

const uint32 *
barq_bm25_cursor_positions(Bm25Cursor *cursor)
{
	Size		bytes;
	const uint8 *at = barq_bm25_cursor_position_bytes(cursor, cursor->at, 1, &bytes);
	const uint8 *end = at + bytes;
	uint32		frequency = cursor->frequencies[cursor->at];
	uint64		position = 0;

	if (cursor->position_space < frequency)
	{
		if (cursor->positions != NULL)
			pfree(cursor->positions);
		cursor->position_space = Max(frequency, 64);
		cursor->positions = palloc_extended(sizeof(uint32) * (Size) cursor->position_space,
											MCXT_ALLOC_HUGE);
	}
	for (uint32 i = 0; i < frequency; i++)
	{
		uint64		delta;

		at = barq_varint_get(at, end, &delta);
		if (at == NULL)
			barq_bm25_corrupt("a position is too large");
		position += delta;
		cursor->positions[i] = (uint32) position;
	}
	return cursor->positions;
}

/* ---- several terms as one ---- */

/* With a posting in as many rows or fewer, counting by row beats merging. */
#define COUNTING	128

typedef struct PooledPosting
{
	uint32		row;
	uint32		frequency;
} PooledPosting;

static void
merge_postings(const PooledPosting *a, Size na, const PooledPosting *b, Size nb,
			   PooledPosting *out, Size *nout)
{
	Size		n = 0;

	while (na > 0 || nb > 0)
	{
		if (nb == 0 || (na > 0 && a->row < b->row))
		{
			out[n++] = *a++;
			na--;
		}
		else if (na == 0 || b->row < a->row)
		{
			out[n++] = *b++;
			nb--;
		}
		else
		{
			out[n] = *a++;
			out[n].frequency = (uint32) Min((uint64) out[n].frequency + b->frequency,
											PG_UINT32_MAX);
			n++;
			b++;
			na--;
			nb--;
		}
	}
	*nout = n;
}

/* What the terms have together, by row. */
typedef struct Pool
{
	Size		n;
	uint32	   *rows;
	uint32	   *frequencies;
} Pool;

/* With room for seven more, which may be written and do not count. */
static void
pool_space(Pool *pool, Size n)
{
	pool->rows = palloc_extended(sizeof(uint32) * (n + 7), MCXT_ALLOC_HUGE);
	pool->frequencies = palloc_extended(sizeof(uint32) * (n + 7), MCXT_ALLOC_HUGE);
	pool->n = 0;
}

static void
decode(Bm25Cursor *cursor, PooledPosting *out)
{
	for (cursor->block = 0; cursor->block < cursor->nblocks; cursor->block++)
	{
		barq_bm25_cursor_load(cursor);
		barq_bm25_cursor_frequencies(cursor);
		for (uint32 j = 0; j < cursor->n; j++)
		{
			out->row = cursor->rows[j];
			out->frequency = cursor->frequencies[j];
			out++;
		}
	}
}

/* Few postings: lists merged pairwise, each posting looked at log(terms) times. */
static void
pool_by_merging(Pool *pool, const Bm25Body *body, const Bm25Entry *entries, uint32 n,
				Bm25Cursor *cursor)
{
	PooledPosting **lists = palloc(sizeof(PooledPosting *) * n);
	Size	   *counts = palloc(sizeof(Size) * n);

	for (uint32 i = 0; i < n; i++)
	{
		lists[i] = palloc_extended(sizeof(PooledPosting) * (Size) entries[i].df,
								   MCXT_ALLOC_HUGE);
		counts[i] = entries[i].df;
		barq_bm25_cursor_open_entry(cursor, body, &entries[i]);
		decode(cursor, lists[i]);
	}
	while (n > 1)
	{
		uint32		left = 0;

		for (uint32 i = 0; i < n; i += 2)
		{
			PooledPosting *both;
			Size		nboth;

			barq_check_interrupts();
			if (i + 1 == n)
			{
				lists[left] = lists[i];
				counts[left++] = counts[i];
				continue;
			}
			both = palloc_extended(sizeof(PooledPosting) * (counts[i] + counts[i + 1]),
								   MCXT_ALLOC_HUGE);
			merge_postings(lists[i], counts[i], lists[i + 1], counts[i + 1],
						   both, &nboth);
			pfree(lists[i]);
			pfree(lists[i + 1]);
			lists[left] = both;
			counts[left++] = nboth;
		}
		n = left;
	}
	pool_space(pool, counts[0]);
	for (; pool->n < counts[0]; pool->n++)
	{
		pool->rows[pool->n] = lists[0][pool->n].row;
		pool->frequencies[pool->n] = lists[0][pool->n].frequency;
	}
	pfree(lists[0]);
	pfree(lists);
	pfree(counts);
}

static int
compare_pooled(const void *a, const void *b)
{
	uint32		x = ((const PooledPosting *) a)->row;
	uint32		y = ((const PooledPosting *) b)->row;

	return x < y ? -1 : x > y;
}

/*
 * Many: a byte a row counts, which is 255 where the sum is larger; then the
 * row's sum is that of its entries in a list.
 */
static void
pool_by_counting(Pool *pool, const Bm25Body *body, const Bm25Entry *entries, uint32 n,
				 Bm25Cursor *cursor)
{
	uint32		rows = body->view->rows;
	uint8	   *sums = palloc_extended(TYPEALIGN(8, (Size) rows), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	PooledPosting *large = NULL;
	Size		nlarge = 0;
	Size		space = 0;
	Size		distinct = 0;

	for (uint32 i = 0; i < n; i++)
	{
		barq_check_interrupts();
		barq_bm25_cursor_open_entry(cursor, body, &entries[i]);
		for (; cursor->block < cursor->nblocks; cursor->block++)
		{
			barq_bm25_cursor_load(cursor);
			barq_bm25_cursor_frequencies(cursor);
			for (uint32 j = 0; j < cursor->n; j++)
			{
				uint8	   *sum = &sums[cursor->rows[j]];
				uint32		frequency = cursor->frequencies[j];

				distinct += *sum == 0;
				if (likely(*sum + frequency < PG_UINT8_MAX))
				{
					*sum += frequency;
					continue;
				}
				if (nlarge == space)
				{
					space = Max(space * 2, 64);
					large = large == NULL ? palloc(sizeof(PooledPosting) * space) :
						repalloc_huge(large, sizeof(PooledPosting) * space);
				}
				large[nlarge].row = cursor->rows[j];
				large[nlarge++].frequency = frequency + (*sum < PG_UINT8_MAX ? *sum : 0);
				*sum = PG_UINT8_MAX;
			}
		}
	}

	pool_space(pool, distinct);
	for (Size from = 0; from < rows; from += 8)
	{
		uint64		eight;

		memcpy(&eight, sums + from, 8);
		if (eight == 0)
			continue;
		for (int i = 0; i < 8; i++)
		{
			pool->rows[pool->n] = (uint32) (from + i);
			pool->frequencies[pool->n] = sums[from + i];
			pool->n += sums[from + i] != 0;
		}
	}
	Assert(pool->n == distinct);

	if (nlarge > 0)
		qsort(large, nlarge, sizeof(PooledPosting), compare_pooled);
	for (Size i = 0, at = 0; i < nlarge;)
	{
		uint64		frequency = 0;
		uint32		row = large[i].row;

		for (; i < nlarge && large[i].row == row; i++)
			frequency += large[i].frequency;
		while (pool->rows[at] < row)
			at++;
		pool->frequencies[at] = (uint32) Min(frequency, PG_INT32_MAX);
	}
	pfree(sums);
	if (large != NULL)
		pfree(large);
}

/* The terms that the segment has; returns how many, *postings: theirs. */
static uint32
find_all(const Bm25Body *body, const BarqBm25Text *terms, uint32 nterms,
		 Bm25Entry **entries, uint64 *postings)
{
	uint32		n = 0;

	*entries = palloc_extended(sizeof(Bm25Entry) * (Size) Max(nterms, 1), MCXT_ALLOC_HUGE);
	*postings = 0;
	for (uint32 i = 0; i < nterms; i++)
	{
		if ((i & 63) == 0)
			barq_check_interrupts();
		if (barq_bm25_find(body, terms[i].text, terms[i].length, &(*entries)[n]))
			*postings += (*entries)[n++].df;
	}
	return n;
}

/* Several terms, their postings cut into blocks as if they were one term's. */
static bool
open_pooled(Bm25Cursor *cursor, const Bm25Body *body, const BarqBm25Text *terms,
			uint32 nterms)
{
	Bm25Entry  *entries;
	uint64		postings;
	uint32		n = find_all(body, terms, nterms, &entries, &postings);
	Pool		pool;
	Bm25Skip   *skips;

	if (n == 0)
		return false;
	if (n > 1 && postings > body->view->rows / COUNTING)
		pool_by_counting(&pool, body, entries, n, cursor);
	else
		pool_by_merging(&pool, body, entries, n, cursor);
	pfree(entries);

	begin(cursor);
	cursor->body = body;
	cursor->df = (uint32) pool.n;
	cursor->nblocks = (cursor->df + BARQ_BM25_BLOCK - 1) / BARQ_BM25_BLOCK;
	skips = palloc_extended(sizeof(Bm25Skip) * (Size) cursor->nblocks,
							MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 block = 0; block < cursor->nblocks; block++)
	{
		Size		from = (Size) block * BARQ_BM25_BLOCK;
		uint32		count = Min(BARQ_BM25_BLOCK, pool.n - from);
		uint32		lengths[BARQ_BM25_BLOCK];

		barq_bm25_lengths(body, pool.rows + from, count, lengths);
		skips[block].last_row = pool.rows[from + count - 1];
		barq_bm25_maxima_add_block(&skips[block].maxima, pool.frequencies + from, lengths,
								   count);
		barq_bm25_maxima_merge(&cursor->maxima, &skips[block].maxima);
	}
	cursor->pool_rows = pool.rows;
	cursor->pool_frequencies = pool.frequencies;
	cursor->skips = skips;
	rewind_cursor(cursor);
	return true;
}

uint32
barq_bm25_df_any(BarqView *view, const BarqBm25Text *terms, uint32 nterms)
{
	Bm25Body	body;
	Bm25Cursor *cursor = palloc(sizeof(Bm25Cursor));
	Bm25Entry  *entries;
	uint64		postings;
	uint64	   *seen;
	uint32		n;
	Size		words;
	uint32		df = 0;

	barq_bm25_open(&body, view);
	n = find_all(&body, terms, nterms, &entries, &postings);
	words = view->rows / 64 + 1;
	seen = palloc_extended(words * sizeof(uint64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < n && n > 1; i++)
	{
		barq_check_interrupts();
		barq_bm25_cursor_open_entry(cursor, &body, &entries[i]);
		for (; cursor->block < cursor->nblocks; cursor->block++)
		{
			barq_bm25_cursor_load(cursor);
			for (uint32 j = 0; j < cursor->n; j++)
				seen[cursor->rows[j] / 64] |= UINT64CONST(1) << (cursor->rows[j] % 64);
		}
	}
	for (Size i = 0; i < words && n > 1; i++)
		df += __builtin_popcountll(seen[i]);
	if (n == 1)
		df = entries[0].df;
	pfree(seen);
	pfree(entries);
	pfree(cursor);
	return df;
}

bool
barq_bm25_cursor_open(Bm25Cursor *cursor, const Bm25Body *body,
					  const BarqBm25Text *terms, uint32 nterms, bool pooled)
{
	Bm25Entry	entry;

	if (pooled)
		return open_pooled(cursor, body, terms, nterms);
	if (!barq_bm25_find(body, terms[0].text, terms[0].length, &entry))
		return false;
	barq_bm25_cursor_open_entry(cursor, body, &entry);
	return true;
}
