/*
 * hnsw_write.c
 *	  Completing a finished work area as a body: numbers the rows anew, in place, and
 *	  writes the upper layers and the headers. Called by one process.
 */
#include "postgres.h"

#include "hnsw/hnsw_work.h"
#include "base/bits.h"
#include "base/interrupts.h"

typedef struct WriteState
{
	BarqHnswWork *work;
	uint32	   *order;			/* old number of each new row; NULL: the same */
	uint32	   *number;			/* new number of each old row; NULL: the same */
	int			layers;			/* upper ones */
	uint32	   *entries[HNSW_MAX_LAYERS + 1];	/* new rows of each upper layer,
												 * ascending */
	HnswLayer	layer[HNSW_MAX_LAYERS + 1];
} WriteState;

static inline uint32
old_row(const WriteState *state, uint32 row)
{
	return state->order == NULL ? row : state->order[row];
}

static inline uint32
new_row(const WriteState *state, uint32 row)
{
	return state->number == NULL ? row : state->number[row];
}

/* Set state->entries and the numbers of entries of all upper layers. */
static void
collect_layers(WriteState *state)
{
	BarqHnswWork *work = state->work;
	const uint8 *levels = hnsw_work_levels(work);

	for (int l = 1; l <= state->layers; l++)
	{
		uint32		n = 0;

		for (uint32 i = 0; i < work->rows; i++)
			n += (levels[i] >= l);
		state->entries[l] = MemoryContextAllocHuge(CurrentMemoryContext,
												   (Size) n * sizeof(uint32));
		state->layer[l].entries = n;
		n = 0;
		for (uint32 i = 0; i < work->rows; i++)
		{
			if (levels[old_row(state, i)] >= l)
				state->entries[l][n++] = i;
		}
	}
}

/* Place of a row (new number), which is on the layer, among its entries. */
static uint32
place_of(const WriteState *state, int layer, uint32 row)
{
	const uint32 *entries = state->entries[layer];
	uint32		lo = 0;
	uint32		hi = state->layer[layer].entries;

	while (hi - lo > 1)
	{
		uint32		mid = lo + (hi - lo) / 2;

		if (entries[mid] <= row)
			lo = mid;
		else
			hi = mid;
	}
	Assert(entries[lo] == row);
	return lo;
}

/* A section of the body under construction. */
static uint32 *
section(WriteState *state, uint64 off)
{
	return (uint32 *) hnsw_work_at(state->work, BARQ_AREA_BODY + off);
}

/* Write the three sections of an upper layer. */
static void
write_upper_layer(WriteState *state, int l)
{
	BarqHnswWork *work = state->work;
	const uint32 *entries = state->entries[l];
	uint32		n = state->layer[l].entries;
	uint32	   *below = section(state, state->layer[l].below_off);
	uint32	   *out = section(state, state->layer[l].lists_off);

	memcpy(section(state, state->layer[l].rows_off), entries, (Size) n * sizeof(uint32));
	for (uint32 i = 0; i < n; i++)
	{
		const uint32 *list = hnsw_work_list(work, l, old_row(state, entries[i]));

		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		below[i] = l == 1 ? entries[i] : place_of(state, l - 1, entries[i]);
		for (int j = 0; j < work->m; j++)
			*out++ = list[j] == HNSW_NONE ? HNSW_NONE :
				place_of(state, l, new_row(state, list[j]));
	}
}

/*
 * Fill in the graph's header, which is at offset graph_off of the body, and the layer
 * table. Returns the offset in the body at which the graph's sections end.
 */
static uint64
lay_out_graph(WriteState *state, HnswHeader *header, uint64 graph_off)
{
	BarqHnswWork *work = state->work;
	uint64		off = graph_off + sizeof(HnswHeader);

	memset(header, 0, sizeof(*header));
	header->magic = HNSW_MAGIC;
	header->version = HNSW_VERSION;
	header->m = work->m;
	header->list_bytes = work->list_bytes;
	header->layers = state->layers;
	header->ef_construction = Min(work->ef_construction, PG_UINT16_MAX);
	if (work->rows > 0)
		header->entry = new_row(state, HNSW_ENTRY_ROW(pg_atomic_read_u64(&work->entry)));
	if (state->layers > 0)
		header->entry = place_of(state, state->layers, header->entry);
	header->lists_off = work->lists_off - BARQ_AREA_BODY;
	header->layers_off = off;
	off += barq_align64((uint64) state->layers * sizeof(HnswLayer));
	for (int l = 1; l <= state->layers; l++)
	{
		HnswLayer  *layer = &state->layer[l];

		layer->rows_off = off;
		off += barq_align64((uint64) layer->entries * sizeof(uint32));
		layer->below_off = off;
		off += barq_align64((uint64) layer->entries * sizeof(uint32));
		layer->lists_off = off;
		off += barq_align64((uint64) layer->entries * work->m * sizeof(uint32));
	}
	return off;
}

/* Write headers, layer table and upper layers; returns the bytes of the body. */
static uint64
write_graph(WriteState *state)
{
	BarqHnswWork *work = state->work;
	char	   *start = hnsw_work_at(work, BARQ_AREA_BODY);
	BarqBodyHeader body;
	BarqVectorHeader vector;
	HnswHeader	header;

	barq_vector_headers(&work->codec, BARQ_KIND_HNSW, work->rows, &body, &vector);
	Assert(BARQ_AREA_BODY + body.body_bytes == work->lists_off);
	body.body_bytes += (uint64) work->rows * work->list_bytes;
	if (barq_codec_has_heads(&work->codec))
		barq_vector_add_rows(work->rows_used, &body, &vector);
	vector.graph_off = body.body_bytes;
	Assert(BARQ_AREA_BODY + vector.graph_off <= work->graph_off);
	body.body_bytes = lay_out_graph(state, &header, vector.graph_off);
	Assert(BARQ_AREA_BODY + body.body_bytes <= work->body_end);

	/* zeros between the sections */
	barq_area_pad(work, work->tids_off + (uint64) work->rows * sizeof(ItemPointerData));
	if (work->refine_off != 0)
		barq_area_pad(work, work->refine_off + (uint64) work->rows * work->codec.refine_bytes);
	barq_area_pad(work, work->rows_off + work->rows_used);
	memset(start + vector.graph_off, 0, body.body_bytes - vector.graph_off);
	memcpy(start + vector.graph_off, &header, sizeof(header));
	memcpy(start + header.layers_off, &state->layer[1], state->layers * sizeof(HnswLayer));
	for (int l = 1; l <= state->layers; l++)
		write_upper_layer(state, l);
	memcpy(start, &body, sizeof(body));
	memcpy(start + sizeof(body), &vector, sizeof(vector));
	return body.body_bytes;
}

/* Bytes of the section of upper lists, which is free once write_graph() has read it. */
static Size
upper_bytes(const BarqHnswWork *work)
{
	return (Size) work->upper_size * work->m * sizeof(uint32);
}

/*
 * Write what comes before the rows are moved: links, upper layers and headers. Leaves the
 * new order of the rows in the area (unless they are by place, and stay), in sections that
 * only the build needs: the place of each new row in that of the versions, the number of
 * each old one in that of the upper lists' numbers, and no bit set in that of the levels.
 */
static void
prepare_order(BarqHnswWork *work)
{
	WriteState	state = {0};
	Size		bytes = Max((Size) work->rows, 1) * sizeof(uint32);
	uint64		entry = pg_atomic_read_u64(&work->entry);
	uint64		body_bytes;

	state.work = work;
	state.layers = work->rows > 0 ? HNSW_ENTRY_LEVEL(entry) : 0;
	state.order = MemoryContextAllocHuge(CurrentMemoryContext, bytes);
	barq_hnsw_work_order(work, state.order);
	if (work->by_place)
	{
		/* rows stay where they are */
		pfree(state.order);
		state.order = NULL;
	}
	else
	{
		state.number = MemoryContextAllocHuge(CurrentMemoryContext, bytes);
		for (uint32 i = 0; i < work->rows; i++)
			state.number[state.order[i]] = i;
	}
	collect_layers(&state);
	body_bytes = write_graph(&state);
	for (int l = 1; l <= state.layers; l++)
		pfree(state.entries[l]);
	work->body_bytes = body_bytes;
	if (work->by_place)
		return;

	/* nobody goes on from here until rows are moved */
	work->phase = HNSW_PHASE_ORDERING;
	pg_write_barrier();
	memcpy(hnsw_work_at(work, work->versions_off), state.order, work->rows * sizeof(uint32));
	memcpy(hnsw_work_at(work, work->upper_of_off), state.number, work->rows * sizeof(uint32));
	memset(hnsw_work_levels(work), 0, barq_bits_bytes(work->rows));
	pfree(state.order);
	pfree(state.number);
}

uint64
barq_hnsw_work_finish(BarqHnswWork *work)
{
	BarqAreaRows area = hnsw_work_rows(work);

	if (work->phase == HNSW_PHASE_INSERTING)
		prepare_order(work);

	if (work->by_place)
	{
		pg_write_barrier();
		work->phase = HNSW_PHASE_COMPLETE;
		return work->body_bytes;
	}

	/* at least 64 lists of m: room for a row that is taken out, unless it is long */
	if (barq_area_taken_bytes(&area) <= upper_bytes(work))
		barq_area_order(&area, (uint32 *) hnsw_work_at(work, work->versions_off),
						(uint32 *) hnsw_work_at(work, work->upper_of_off),
						hnsw_work_levels(work), hnsw_work_at(work, work->upper_off),
						&work->ordering);
	else
		barq_area_order_once(&area, (uint32 *) hnsw_work_at(work, work->versions_off),
							 (uint32 *) hnsw_work_at(work, work->upper_of_off));
	pg_write_barrier();
	work->phase = HNSW_PHASE_COMPLETE;
	return work->body_bytes;
}
