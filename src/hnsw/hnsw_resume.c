/*
 * hnsw_resume.c
 *	  Going on with a work area whose processes have ended or were killed.
 *
 * What was loaded is protected by a checksum. The rest of the area, lists above all,
 * is as the last process left it: a list may be half written and a row half inserted,
 * each in at most one place a process. These are repaired, by joining the rows to the
 * graph once more; all other links are checked. So at most CLAIM_ROWS rows for each
 * process are inserted a second time, however many there are.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/checksum.h"
#include "hnsw/hnsw_work.h"

/* Rows to be inserted again. */
typedef struct Again
{
	uint32	   *rows;
	Size		n;
	Size		space;
} Again;

static void
add_again(Again *again, uint32 row)
{
	BARQ_ARRAY_RESERVE(again->rows, again->space, again->n + 1, 64);
	again->rows[again->n++] = row;
}

/* The checksum of what does not change between loading and the ordering of rows. */
static pg_crc32c
loaded_checksum(BarqHnswWork *work)
{
	Size		rows = work->rows;
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, work, offsetof(BarqHnswWork, claimed));
	crc = barq_checksum(crc, hnsw_work_codes(work), rows * work->codec.stride);
	crc = barq_checksum(crc, hnsw_work_tids(work), rows * sizeof(ItemPointerData));
	if (work->refine_off != 0)
		crc = barq_checksum(crc, hnsw_work_at(work, work->refine_off),
							rows * work->codec.refine_bytes);
	crc = barq_checksum(crc, hnsw_work_at(work, work->rows_off), work->rows_used);
	crc = barq_checksum(crc, hnsw_work_levels(work), rows);
	crc = barq_checksum(crc, hnsw_work_at(work, work->upper_of_off), rows * sizeof(uint32));
	crc = barq_checksum(crc, hnsw_work_first(work), rows * sizeof(uint32));
	crc = barq_checksum(crc, hnsw_work_sources(work), rows);
	FIN_CRC32C(crc);
	return crc;
}

void
barq_hnsw_work_note_loaded(BarqHnswWork *work)
{
	work->loaded_crc = loaded_checksum(work);
}

/*
 * Is `row` right as a neighbour on a layer? Only the first `bound` rows have lists, except on
 * layer 0, where rows may have been loaded with one.
 */
static inline bool
is_neighbour(BarqHnswWork *work, int layer, uint32 row, uint32 bound)
{
	return row < work->rows && hnsw_work_levels(work)[row] >= layer &&
		(row < bound || (layer == 0 && hnsw_work_is_listed(work, row)));
}

/* Take from a list that was cut off while it was written what is no neighbour. */
static void
mend_list(BarqHnswWork *work, int layer, uint32 row, uint32 bound)
{
	uint32	   *list = hnsw_work_list(work, layer, row);
	int			degree = hnsw_work_degree(work, layer);
	int			kept = 0;

	for (int i = 0; i < degree; i++)
	{
		bool		wrong = !is_neighbour(work, layer, list[i], bound) || list[i] == row;

		for (int j = 0; j < kept && !wrong; j++)
			wrong = list[j] == list[i];
		if (!wrong)
			list[kept++] = list[i];
	}
	memset(list + kept, 0xff, (degree - kept) * sizeof(uint32));
}

/*
 * Check the lists of all rows, and mend those that were being written; such rows are added
 * to *again, if they were claimed. False if a list names a row that cannot be in it.
 */
static bool
check_lists(BarqHnswWork *work, Again *again)
{
	uint32		bound = pg_atomic_read_u32(&work->claimed);

	for (uint32 row = 0; row < work->rows; row++)
	{
		bool		cut_off = (pg_atomic_read_u32(hnsw_work_version(work, row)) & 1) != 0;

		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		for (int layer = hnsw_work_levels(work)[row]; layer >= 0; layer--)
		{
			const uint32 *list = hnsw_work_list(work, layer, row);
			int			degree = hnsw_work_degree(work, layer);

			if (cut_off)
				mend_list(work, layer, row, bound);
			for (int i = 0; i < degree && list[i] != HNSW_NONE; i++)
				if (!is_neighbour(work, layer, list[i], bound))
					return false;
		}
		if (cut_off)
		{
			pg_atomic_fetch_add_u32(hnsw_work_version(work, row), 1);
			if (row < bound)
				add_again(again, row);
		}
	}
	return true;
}

/* Add the rows of claims that were not done. */
static void
collect_claims(BarqHnswWork *work, Again *again)
{
	uint32		bound = pg_atomic_read_u32(&work->claimed);

	for (int i = 0; i < HNSW_CLAIMANTS; i++)
	{
		uint64		claim = pg_atomic_read_u64(&work->claims[i]);

		/* a claim at `bound` was noted and not made */
		for (uint32 row = claim >> 32; row < Min((uint32) claim, bound); row++)
			add_again(again, row);
		pg_atomic_write_u64(&work->claims[i], 0);
	}
	pg_atomic_write_u32(&work->claimants, 0);
}

/* Is the entry point, if there is one, a row that may be it? */
static bool
entry_is_sound(BarqHnswWork *work)
{
	uint64		entry = pg_atomic_read_u64(&work->entry);

	return entry == HNSW_NO_ENTRY ||
		(HNSW_ENTRY_ROW(entry) < pg_atomic_read_u32(&work->claimed) &&
		 hnsw_work_levels(work)[HNSW_ENTRY_ROW(entry)] == HNSW_ENTRY_LEVEL(entry));
}

bool
barq_hnsw_work_resume(void *mem, uint64 bytes, uint32 rows, uint64 rows_bytes,
					  BarqHnswResumed *resumed)
{
	BarqHnswWork *work = mem;
	BarqHnswWork expected;
	Again		again = {0};
	HnswBuilder builder;

	memset(resumed, 0, sizeof(*resumed));
	if (work->magic != HNSW_WORK_MAGIC || work->rows != rows ||
		(work->phase == HNSW_PHASE_ORDERING && !work->ordering.paused))
		return false;
	memset(&expected, 0, sizeof(expected));
	expected.codec = work->codec;
	expected.m = work->m;
	expected.rows = rows;
	if (barq_hnsw_work_lay_out(&expected, rows_bytes) != bytes ||
		memcmp(&work->codes_off, &expected.codes_off,
			   offsetof(BarqHnswWork, rows_used) - offsetof(BarqHnswWork, codes_off)) != 0)
		return false;
	if (work->phase == HNSW_PHASE_ORDERING)
		return true;
	if (work->phase == HNSW_PHASE_COMPLETE)
	{
		resumed->body_bytes = work->body_bytes;
		return work->body_bytes <= work->body_end - BARQ_AREA_BODY;
	}
	if (loaded_checksum(work) != work->loaded_crc || !entry_is_sound(work) ||
		pg_atomic_read_u32(&work->claimed) > rows ||
		pg_atomic_read_u32(&work->claimed) < work->kept ||
		!check_lists(work, &again))
		return false;

	pg_atomic_write_u32(&work->entry_lock, 0);
	collect_claims(work, &again);
	barq_hnsw_builder_init(&builder, work);
	for (Size i = 0; i < again.n; i++)
		barq_hnsw_work_insert_again(&builder, again.rows[i]);
	barq_hnsw_builder_end(&builder);
	resumed->again = again.n;
	resumed->left = rows - pg_atomic_read_u32(&work->claimed);
	if (again.rows != NULL)
		pfree(again.rows);
	return true;
}
