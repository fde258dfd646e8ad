/*
 * image_verify.c
 *	  Verifying blocks of mapped images against the checksums in them (S8).
 *
 * The first use of a block verifies it and sets its bit in the marker, which other
 * processes share. barq_mapping_verify() goes through a whole image; several
 * processes share that work by a cursor in the marker. When all bits are set the
 * image is complete, and its readers check nothing any more. Calls folder.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/interrupts.h"
#include "store/image.h"
#include "store/residency.h"

/* Blocks that a process verifies in one piece: 1 MB. */
#define PIECE_BLOCKS	256

/*
 * Mark the image as damaged and remove its file, unless another one has its name
 * by now. No error; no side effect on views that read other blocks.
 */
static void
set_damaged(BarqMapping *mapping)
{
	struct stat st;

	mapping->damaged = true;
	if (barq_path_stat(mapping->path, &st) == 0 && st.st_dev == mapping->device &&
		st.st_ino == mapping->inode)
		barq_unlink(mapping->path, "image: remove damaged");
}

static bool
block_matches(const char *block, Size bytes, pg_crc32c expected)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, block, bytes);
	FIN_CRC32C(crc);
	return EQ_CRC32C(crc, expected);
}

/* Verify a block of the body, and first its block of checksums. No side effects. */
static bool
verify_block(BarqMapping *mapping, uint32 block)
{
	BarqMarker *marker = mapping->marker.marker;
	uint32		sums = block / BARQ_IMAGE_SUMS;
	uint64		off = (uint64) block * BARQ_IMAGE_BLOCK;

	Assert(block < mapping->blocks);
	if (!barq_marker_bit(marker, mapping->blocks + sums))
	{
		if (!block_matches((const char *) (mapping->sums + sums * BARQ_IMAGE_SUMS),
						   BARQ_IMAGE_BLOCK, mapping->root[sums]))
			return false;
		barq_marker_set(marker, mapping->blocks + sums);
	}
	if (!block_matches(mapping->body + off,
					   Min(BARQ_IMAGE_BLOCK, mapping->body_bytes - off),
					   mapping->sums[block]))
		return false;
	barq_marker_set(marker, block);
	return true;
}

const void *
barq_mapping_read(BarqMapping *mapping, uint64 off, uint64 len)
{
	const BarqMarker *marker = mapping->marker.marker;
	uint64		end = off + Max(len, 1);

	Assert(off <= mapping->body_bytes && len <= mapping->body_bytes - off);
	for (uint64 block = off / BARQ_IMAGE_BLOCK; block * BARQ_IMAGE_BLOCK < end; block++)
	{
		if (block == mapping->blocks || barq_marker_bit(marker, (uint32) block))
			continue;
		if (!verify_block(mapping, (uint32) block))
		{
			set_damaged(mapping);
			return NULL;
		}
	}
	return mapping->body + off;
}

/*
 * Claim the next piece of blocks to verify in order: *first. False if there is none
 * left, all bits being set; the image is then complete.
 */
static bool
claim_piece(BarqMapping *mapping, uint32 *first)
{
	BarqMarker *marker = mapping->marker.marker;
	uint32		seen;
	uint32		clear;

	for (;;)
	{
		*first = pg_atomic_fetch_add_u32(&marker->cursor, PIECE_BLOCKS);
		if (*first < mapping->blocks)
			return true;

		/* also what other processes have claimed and not verified yet, or never will */
		seen = pg_atomic_read_u32(&marker->cursor);
		clear = barq_marker_first_clear(marker, mapping->blocks);
		if (clear == mapping->blocks)
		{
			pg_atomic_write_u32(&marker->complete, 1);
			return false;
		}
		if (seen >= mapping->blocks)
			(void) pg_atomic_compare_exchange_u32(&marker->cursor, &seen,
												  clear - clear % PIECE_BLOCKS);
	}
}

bool
barq_mapping_verify(BarqMapping *mapping, uint64 most)
{
	BarqMarker *marker = mapping->marker.marker;
	uint32		first;

	while (most > 0 && !barq_mapping_is_verified(mapping) && claim_piece(mapping, &first))
	{
		uint32		end = Min(first + PIECE_BLOCKS, mapping->blocks);
		uint64		off = (uint64) first * BARQ_IMAGE_BLOCK;

		barq_residency_verified(mapping);

		/* this piece and the next: large graphs are mapped without read-ahead */
		(void) madvise((char *) mapping->body + off,
					   Min(mapping->body_bytes - off, 2 * PIECE_BLOCKS * BARQ_IMAGE_BLOCK),
					   MADV_WILLNEED);
		for (uint32 block = first; block < end; block++)
		{
			if (!barq_marker_bit(marker, block) && !verify_block(mapping, block))
			{
				set_damaged(mapping);
				return false;
			}
		}
		most -= Min(most, (uint64) PIECE_BLOCKS * BARQ_IMAGE_BLOCK);
		barq_check_interrupts();
	}

	/* the last piece may have been this one */
	if (!barq_mapping_is_verified(mapping) &&
		barq_marker_first_clear(marker, mapping->blocks) == mapping->blocks)
		pg_atomic_write_u32(&marker->complete, 1);
	return true;
}
