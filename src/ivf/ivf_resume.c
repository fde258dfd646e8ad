/*
 * ivf_resume.c
 *	  Going on with a work area whose processes have ended or were killed.
 *
 * What was loaded is protected by a checksum. Training starts over; rows keep the lists
 * that they were assigned to. While rows are moved nothing can be used.
 */
#include "postgres.h"

#include "base/checksum.h"
#include "base/interrupts.h"
#include "ivf/ivf_work.h"

/* The checksum of what does not change between loading and the ordering of rows. */
static pg_crc32c
loaded_checksum(BarqIvfWork *work)
{
	Size		rows = work->rows;
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, work, offsetof(BarqIvfWork, wanted));
	COMP_CRC32C(crc, &work->codes_off,
				offsetof(BarqIvfWork, claim) - offsetof(BarqIvfWork, codes_off));
	crc = barq_checksum(crc, ivf_work_at(work, work->codes_off), rows * work->codec.stride);
	crc = barq_checksum(crc, ivf_work_at(work, work->tids_off), rows * sizeof(ItemPointerData));
	if (work->refine_off != 0)
		crc = barq_checksum(crc, ivf_work_at(work, work->refine_off),
							rows * work->codec.refine_bytes);
	FIN_CRC32C(crc);
	return crc;
}

void
barq_ivf_work_note_loaded(BarqIvfWork *work)
{
	work->loaded_crc = loaded_checksum(work);
}

/* Is an area of so many bytes, for so many rows, laid out as it says? */
static bool
is_laid_out(const BarqIvfWork *work, uint64 bytes, uint64 rows)
{
	BarqIvfWork expected = *work;

	if (work->magic != IVF_WORK_MAGIC || work->rows != rows ||
		work->space_lists > Max(work->rows, BARQ_IVF_MAX_LISTS))
		return false;
	expected.wanted = work->space_lists;
	expected.lists = 0;
	return barq_ivf_set_offsets(&expected) == bytes &&
		expected.space_sample == work->space_sample &&
		memcmp(&work->codes_off, &expected.codes_off,
			   offsetof(BarqIvfWork, claim) - offsetof(BarqIvfWork, codes_off)) == 0 &&
		work->lists <= work->space_lists && work->kept <= work->rows;
}

/* Number of rows that have no list yet; -1 if some row has a list that there is not. */
static int64
rows_left(BarqIvfWork *work)
{
	const uint32 *list_of = (const uint32 *) ivf_work_at(work, work->list_of_off);
	int64		left = 0;

	for (uint32 row = 0; row < work->rows; row++)
	{
		if ((row & 0xfffff) == 0)
			barq_check_interrupts();
		if (list_of[row] == IVF_NO_LIST && row >= work->kept)
			left++;
		else if (list_of[row] >= work->lists)
			return -1;
	}
	return left;
}

bool
barq_ivf_work_resume(void *mem, uint64 bytes, uint64 rows, uint64 *body_bytes, uint64 *left)
{
	BarqIvfWork *work = mem;
	int64		n;

	*body_bytes = 0;
	*left = rows;
	if (bytes < sizeof(BarqIvfWork) || !is_laid_out(work, bytes, rows))
		return false;
	switch (work->phase)
	{
		case IVF_PHASE_COMPLETE:
			*body_bytes = work->body_bytes;
			*left = 0;
			return work->body_bytes <= work->body_end - BARQ_AREA_BODY;
		case IVF_PHASE_LOADED:
		case IVF_PHASE_TRAINED:
			break;
		default:
			return false;
	}
	if (loaded_checksum(work) != work->loaded_crc)
		return false;
	if (work->phase == IVF_PHASE_TRAINED)
	{
		n = rows_left(work);
		if (n < 0)
			return false;
		*left = n;
	}
	barq_ivf_step_init(work);
	return true;
}
