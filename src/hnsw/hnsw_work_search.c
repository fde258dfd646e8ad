/*
 * hnsw_work_search.c
 *	  Searching the graph while it grows, to find neighbours for a row that is
 *	  inserted or joined. Reads lists through their version words only.
 */
#include "postgres.h"

#include "hnsw/hnsw_beam.h"
#include "hnsw/hnsw_visited.h"
#include "hnsw/hnsw_work.h"

void
barq_hnsw_builder_init(HnswBuilder *builder, BarqHnswWork *work)
{
	/* candidates are a beam and a list, or at most HNSW_CANDIDATES neighbours of neighbours */
	int			n = Max(work->ef_construction + HNSW_MAX_DEGREE, HNSW_CANDIDATES) + 1;

	builder->work = work;
	builder->ef = Max(work->ef_construction, work->m);
	builder->visited = barq_hnsw_visited_borrow(work->rows, HNSW_VISITS(builder->ef));
	builder->window = NULL;
	builder->source = 0;
	builder->window_number = 0;
	builder->narrow_end = 0;
	builder->unwatched = 0;
	builder->faults = 0;
	builder->beam = palloc((Size) (builder->ef + 1) * sizeof(BarqHit));
	builder->list = palloc(HNSW_MAX_DEGREE * sizeof(uint32));
	builder->fresh = palloc(HNSW_MAX_DEGREE * sizeof(uint32));
	builder->starts = palloc(HNSW_CANDIDATES * sizeof(uint32));
	builder->keys = palloc(HNSW_CANDIDATES * sizeof(float));
	builder->candidates = palloc((Size) n * sizeof(BarqHit));
	builder->scratch.rows = palloc((Size) n * sizeof(uint32));
	builder->scratch.keys = palloc((Size) n * sizeof(float));
	builder->scratch.alive = palloc((Size) n * sizeof(BarqHit));
}

void
barq_hnsw_builder_end(HnswBuilder *builder)
{
	barq_hnsw_visited_return(builder->visited);
	pfree(builder->beam);
	pfree(builder->list);
	pfree(builder->fresh);
	pfree(builder->starts);
	pfree(builder->keys);
	pfree(builder->candidates);
	pfree(builder->scratch.rows);
	pfree(builder->scratch.keys);
	pfree(builder->scratch.alive);
}

uint32
barq_hnsw_work_descend(HnswBuilder *builder, const void *code, uint64 entry,
					   int layer)
{
	BarqHnswWork *work = builder->work;
	uint32		row = HNSW_ENTRY_ROW(entry);
	float		key;

	if (HNSW_ENTRY_LEVEL(entry) <= layer)
		return row;
	key = barq_code_key(&work->codec, code, hnsw_work_code(work, row));
	for (int l = HNSW_ENTRY_LEVEL(entry); l > layer; l--)
	{
		bool		moved = true;

		while (moved)
		{
			uint32		version;
			int			n = hnsw_work_read_list(work, l, row, builder->list, &version);

			moved = false;
			barq_code_keys(&work->codec, code, hnsw_work_codes(work),
						   work->codec.stride, builder->list, n, builder->keys);
			for (int i = 0; i < n; i++)
			{
				if (builder->keys[i] < key)
				{
					key = builder->keys[i];
					row = builder->list[i];
					moved = true;
				}
			}
		}
	}
	return row;
}

int
barq_hnsw_work_search(HnswBuilder *builder, const void *code, const uint32 *starts,
					  int nstarts, int ef, int layer)
{
	BarqHnswWork *work = builder->work;
	HnswVisited *visited = builder->visited;
	BarqHit    *beam = builder->beam;
	const char *codes = hnsw_work_codes(work);
	Size		stride = work->codec.stride;
	int			n = 0;
	int			next = 0;		/* rows before it are expanded */
	const uint8 *window = layer == 0 ? builder->window : NULL;
	const uint8 *sources = hnsw_work_sources(work);
	uint8		source = layer == 0 ? builder->source : 0;

	Assert(nstarts > 0 && nstarts <= HNSW_CANDIDATES && ef <= builder->ef);
	barq_hnsw_visited_clear(visited);
	barq_code_keys(&work->codec, code, codes, stride, starts, nstarts, builder->keys);
	barq_keys_clean(builder->keys, nstarts);
	for (int i = 0; i < nstarts; i++)
	{
		if (!barq_hnsw_visit(visited, starts[i]) ||
			(n == ef && !(builder->keys[i] < beam[n - 1].key)))
			continue;
		if (n == ef)
			n--;
		(void) hnsw_beam_insert(beam, 0, n, builder->keys[i], starts[i]);
		n++;
	}

	while (next < n)
	{
		uint32		row = beam[next].row;
		uint32		version;
		int			degree;
		int			nfresh = 0;

		if (row & HNSW_EXPANDED)
		{
			next++;
			continue;
		}
		beam[next++].row = row | HNSW_EXPANDED;

		degree = hnsw_work_read_list(work, layer, row, builder->list, &version);
		for (int i = 0; i < degree; i++)
		{
			uint32		neighbour = builder->list[i];

			if (window != NULL && !hnsw_in_window(window, neighbour))
				continue;
			if (source != 0 && sources[neighbour] == source)
				continue;
			builder->fresh[nfresh] = neighbour;
			nfresh += barq_hnsw_visit(visited, neighbour);
		}
		barq_code_keys(&work->codec, code, codes, stride,
					   builder->fresh, nfresh, builder->keys);
		barq_keys_clean(builder->keys, nfresh);
		for (int i = 0; i < nfresh; i++)
		{
			int			place;

			if (n == ef && !(builder->keys[i] < beam[n - 1].key))
				continue;
			__builtin_prefetch(hnsw_work_version(work, builder->fresh[i]));
			if (layer == 0)
			{
				char	   *list = (char *) hnsw_work_list(work, 0, builder->fresh[i]);

				__builtin_prefetch(list);
				__builtin_prefetch(list + 64);
			}
			if (n == ef)
				n--;
			place = hnsw_beam_insert(beam, 0, n, builder->keys[i], builder->fresh[i]);
			n++;
			if (place < next)
				next = place;
		}
	}
	for (int i = 0; i < n; i++)
		beam[i].row = HNSW_ROW(beam[i].row);
	return n;
}
