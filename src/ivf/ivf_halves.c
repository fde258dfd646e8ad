/*
 * ivf_halves.c
 *	  Half codes of the rows of lists: a section that logs are sealed with (README.md,
 *	  "Half codes"), and how a search with a bound reads it in place of the codes.
 *
 * Block b has the half codes of rows [b * BARQ_HALF_ROWS, (b + 1) * BARQ_HALF_ROWS), so a
 * list may begin and end within a block.
 */
#include "postgres.h"

#include "ivf/ivf_search.h"
#include "kernels/kernels.h"
#include "miscadmin.h"

/* Blocks looked through at once. */
#define BLOCKS		(IVF_CHUNK / BARQ_HALF_ROWS)

/* Rows that may be below the limit, whose keys are computed together. */
typedef struct Found
{
	uint32		rows[2 * IVF_CHUNK];
	uint32		places[2 * IVF_CHUNK];
	int			n;
} Found;

/* The number of blocks of so many rows. */
static uint64
blocks_of(uint32 rows)
{
	return ((uint64) rows + BARQ_HALF_ROWS - 1) / BARQ_HALF_ROWS;
}

uint64
barq_ivf_halves_bytes(const BarqCodec *codec, uint32 rows)
{
	return blocks_of(rows) * barq_half_block_bytes(codec);
}

/* Offset in the body of a block. */
static uint64
block_off(const IvfLists *lists, uint64 block)
{
	return lists->header.halves_off + block * barq_half_block_bytes(&lists->codec);
}

void
barq_ivf_write_halved(BarqBodyWriter *writer, const BarqCodec *codec, char *body, uint64 bytes)
{
	static const char zeros[BARQ_BODY_ALIGN] = {0};
	BarqBodyHeader *header = (BarqBodyHeader *) body;
	const BarqVectorHeader *vector = (const BarqVectorHeader *) (body + header->kind_off);
	Size		block_bytes;
	char	   *block;

	if (!barq_codec_has_halves(codec))
	{
		barq_body_write(writer, body, bytes);
		return;
	}
	block_bytes = barq_half_block_bytes(codec);
	block = palloc(block_bytes);
	((IvfHeader *) (body + vector->graph_off))->halves_off = barq_align64(bytes);
	header->body_bytes = barq_align64(bytes) + barq_ivf_halves_bytes(codec, header->rows);
	barq_body_write(writer, body, bytes);
	barq_body_write(writer, zeros, barq_align64(bytes) - bytes);
	for (uint32 row = 0; row < header->rows; row += BARQ_HALF_ROWS)
	{
		CHECK_FOR_INTERRUPTS();
		barq_halves_write(codec, body + vector->codes_off + (uint64) row * codec->stride,
						  codec->stride, (int) Min(BARQ_HALF_ROWS, header->rows - row), block);
		barq_body_write(writer, block, block_bytes);
	}
	pfree(block);
}

bool
barq_ivf_block_is_sound(IvfLists *lists, uint32 first)
{
	Size		stride = lists->codec.stride;
	Size		bytes = barq_half_block_bytes(&lists->codec);
	uint32		n = Min(BARQ_HALF_ROWS, lists->body.rows - first);
	char	   *codes = palloc(stride * n);
	char	   *block = palloc(bytes);
	bool		sound;

	for (uint32 i = 0; i < n; i++)
		memcpy(codes + i * stride,
			   barq_view_read(lists->view, ivf_code_off(lists, first + i), lists->codec.row_bytes),
			   lists->codec.row_bytes);
	barq_halves_write(&lists->codec, codes, stride, (int) n, block);
	sound = memcmp(block, barq_view_read(lists->view, block_off(lists, first / BARQ_HALF_ROWS), bytes),
				   bytes) == 0;
	pfree(block);
	pfree(codes);
	return sound;
}

bool
barq_ivf_begins_halved(IvfSearch *search, float bound)
{
	return search->halved && search->nscored == 0 && search->nstarted == 0 &&
		search->nprobes > 0 && bound < INFINITY &&
		barq_query_halve(search->query, &search->halves);
}

/* The first block of a probe, and the one behind its last. */
static void
blocks_of_probe(const Probe *probe, uint64 *first, uint64 *end)
{
	*first = probe->first / BARQ_HALF_ROWS;
	*end = blocks_of(probe->first + probe->rows);
}

/* If blocks of the probes are not in memory, have all be read at once. */
static void
read_ahead(const IvfSearch *search)
{
	const IvfLists *lists = &search->lists;
	bool		cold = false;

	if (!barq_view_asks(lists->view))
		return;
	for (uint32 p = 0; p < search->nprobes && !cold; p += search->nprobes / 4 + 1)
		cold = barq_view_is_cold(lists->view,
								 block_off(lists, search->probes[p].first / BARQ_HALF_ROWS));
	barq_view_answer(lists->view, cold);
	for (uint32 p = 0; p < search->nprobes && cold; p++)
	{
		uint64		first;
		uint64		end;

		blocks_of_probe(&search->probes[p], &first, &end);
		barq_view_read_ahead(lists->view, block_off(lists, first),
							 (end - first) * barq_half_block_bytes(&lists->codec));
	}
}

/* Compute the keys of the rows found, and select from them. */
static void
select_found(IvfSearch *search, Selection *selection, Found *found)
{
	float		keys[2 * IVF_CHUNK];

	if (found->n == 0)
		return;
	barq_vector_keys(search->lists.view, &search->lists.vector, &search->lists.codec,
					 search->query, found->rows, 0, found->n, keys);
	for (int i = 0; i < found->n; i++)
		if (keys[i] < selection->limit)
			barq_ivf_select_row(search, selection, keys[i], found->places[i], found->rows[i]);
	found->n = 0;
}

void
barq_ivf_select_halved(IvfSearch *search, Selection *selection)
{
	const IvfLists *lists = &search->lists;
	const char *base = lists->view->base;
	Found		found;

	found.n = 0;
	read_ahead(search);
	for (uint32 p = 0; p < search->nprobes; p++)
	{
		const Probe *probe = &search->probes[p];
		uint64		end;
		uint64		block;

		CHECK_FOR_INTERRUPTS();
		barq_rows_scored += probe->rows;
		for (blocks_of_probe(probe, &block, &end); block < end; block += BLOCKS)
		{
			uint32		which[IVF_CHUNK];
			int			n = barq_query_half_rows(search->query, &search->halves,
												 base + block_off(lists, block),
												 (int) Min(BLOCKS, end - block),
												 selection->limit, which);

			for (int i = 0; i < n; i++)
			{
				uint64		row = block * BARQ_HALF_ROWS + which[i];

				/* wraps around for rows before the list */
				if (row - probe->first >= probe->rows)
					continue;
				found.rows[found.n] = (uint32) row;
				found.places[found.n++] = probe->place + (uint32) (row - probe->first);
			}
			if (found.n > IVF_CHUNK)
				select_found(search, selection, &found);
		}
	}
	select_found(search, selection, &found);

	/* as a search is that has taken its best rows from a start: they have no keys */
	search->nstarted = search->nprobes;
	search->unmarked = true;
}
