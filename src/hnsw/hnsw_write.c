/*
 * hnsw_write.c
 *	  Writing a finished work area as a body: numbers the rows anew and writes
 *	  section after section. Called by one process.
 */
#include "postgres.h"

#include "hnsw/hnsw_work.h"
#include "base/interrupts.h"

typedef struct WriteState
{
	BarqHnswWork *work;
	BarqBodyWriter *writer;
	uint32	   *order;			/* old number of each new row */
	uint32	   *number;			/* new number of each old row */
	int			layers;			/* upper ones */
	uint32	   *entries[HNSW_MAX_LAYERS + 1];	/* new rows of each upper layer,
												 * ascending */
	HnswLayer	layer[HNSW_MAX_LAYERS + 1];
} WriteState;

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
			if (levels[state->order[i]] >= l)
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

/* Write the three sections of an upper layer. */
static void
write_upper_layer(WriteState *state, int l)
{
	BarqHnswWork *work = state->work;
	const uint32 *entries = state->entries[l];
	uint32		n = state->layer[l].entries;

	Assert(barq_body_offset(state->writer) == state->layer[l].rows_off);
	barq_body_write(state->writer, entries, (Size) n * sizeof(uint32));
	barq_body_align(state->writer);
	for (uint32 i = 0; i < n; i++)
	{
		uint32		below = l == 1 ? entries[i] : place_of(state, l - 1, entries[i]);

		barq_body_write(state->writer, &below, sizeof(below));
	}
	barq_body_align(state->writer);
	for (uint32 i = 0; i < n; i++)
	{
		const uint32 *list = hnsw_work_list(work, l, state->order[entries[i]]);
		uint32		out[HNSW_MAX_M];

		for (int j = 0; j < work->m; j++)
			out[j] = list[j] == HNSW_NONE ? HNSW_NONE :
				place_of(state, l, state->number[list[j]]);
		barq_body_write(state->writer, out, work->m * sizeof(uint32));
	}
	barq_body_align(state->writer);
}

/* Write the lists of layer 0. */
static void
write_layer_0(WriteState *state)
{
	BarqHnswWork *work = state->work;
	int			degree = hnsw_work_degree(work, 0);
	uint32		out[HNSW_MAX_DEGREE + 16];

	memset(out, 0xff, sizeof(out));
	for (uint32 i = 0; i < work->rows; i++)
	{
		const uint32 *list = hnsw_work_list(work, 0, state->order[i]);

		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		for (int j = 0; j < degree; j++)
			out[j] = list[j] == HNSW_NONE ? HNSW_NONE : state->number[list[j]];
		barq_body_write(state->writer, out, work->list_bytes);
	}
}

/* Write the codes, or heads of the whole rows that begin at offset row_at. */
static void
write_codes(WriteState *state, uint64 row_at)
{
	BarqHnswWork *work = state->work;

	for (uint32 i = 0; i < work->rows; i++)
	{
		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		barq_vector_write_code(state->writer, &work->codec,
							   hnsw_work_code(work, state->order[i]), &row_at);
	}
	barq_body_align(state->writer);
}

/* Write the whole rows of an area whose codes are heads. */
static void
write_whole_rows(WriteState *state)
{
	BarqHnswWork *work = state->work;

	for (uint32 i = 0; i < work->rows; i++)
	{
		const char *head = hnsw_work_code(work, state->order[i]);

		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		barq_body_write(state->writer, barq_row_whole(&work->codec, head),
						barq_row_bytes(&work->codec, head));
	}
	barq_body_align(state->writer);
}

/*
 * Fill in the graph's header and the layer table. Returns the offset in the
 * body at which the graph's sections end.
 */
static uint64
lay_out_graph(WriteState *state, HnswHeader *header)
{
	BarqHnswWork *work = state->work;
	uint64		off = sizeof(BarqBodyHeader) + sizeof(BarqVectorHeader) + sizeof(HnswHeader);

	memset(header, 0, sizeof(*header));
	header->magic = HNSW_MAGIC;
	header->version = HNSW_VERSION;
	header->m = work->m;
	header->list_bytes = work->list_bytes;
	header->layers = state->layers;
	header->ef_construction = Min(work->ef_construction, PG_UINT16_MAX);
	header->entry = 0;			/* row 0: the first entry of every layer */
	header->layers_off = off;
	off += barq_align64((uint64) state->layers * sizeof(HnswLayer));
	header->lists_off = off;
	off += (uint64) work->rows * work->list_bytes;
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

void
barq_hnsw_work_write(BarqHnswWork *work, BarqBodyWriter *writer)
{
	WriteState	state;
	BarqBodyHeader body;
	BarqVectorHeader vector;
	HnswHeader	header;
	uint64		graph_end;
	uint64		entry = pg_atomic_read_u64(&work->entry);

	memset(&state, 0, sizeof(state));
	state.work = work;
	state.writer = writer;
	state.layers = work->rows > 0 ? HNSW_ENTRY_LEVEL(entry) : 0;
	state.order = MemoryContextAllocHuge(CurrentMemoryContext,
										 Max((Size) work->rows, 1) * sizeof(uint32));
	state.number = MemoryContextAllocHuge(CurrentMemoryContext,
										  Max((Size) work->rows, 1) * sizeof(uint32));
	barq_hnsw_work_order(work, state.order);
	for (uint32 i = 0; i < work->rows; i++)
		state.number[state.order[i]] = i;
	collect_layers(&state);

	graph_end = lay_out_graph(&state, &header);
	barq_vector_headers(&work->codec, BARQ_KIND_HNSW, work->rows,
						graph_end - sizeof(body) - sizeof(vector), &body, &vector);
	if (barq_codec_has_heads(&work->codec))
		barq_vector_add_rows(work->rows_used, &body, &vector);

	Assert(barq_body_offset(writer) == 0);
	barq_body_write(writer, &body, sizeof(body));
	barq_body_write(writer, &vector, sizeof(vector));
	Assert(barq_body_offset(writer) == vector.graph_off);
	barq_body_write(writer, &header, sizeof(header));
	barq_body_write(writer, &state.layer[1], state.layers * sizeof(HnswLayer));
	barq_body_align(writer);
	Assert(barq_body_offset(writer) == header.lists_off);
	write_layer_0(&state);
	for (int l = 1; l <= state.layers; l++)
		write_upper_layer(&state, l);

	Assert(barq_body_offset(writer) == vector.codes_off);
	write_codes(&state, vector.rows_off);
	Assert(barq_body_offset(writer) == body.tids_off);
	for (uint32 i = 0; i < work->rows; i++)
		barq_body_write(writer, &hnsw_work_tids(work)[state.order[i]],
						sizeof(ItemPointerData));
	barq_body_align(writer);
	if (barq_codec_has_heads(&work->codec))
		write_whole_rows(&state);
	Assert(barq_body_offset(writer) == body.body_bytes);

	for (int l = 1; l <= state.layers; l++)
		pfree(state.entries[l]);
	pfree(state.order);
	pfree(state.number);
}
