/*
 * ivf_halves.c
 *	  Half codes (../flat/README.md) of the rows of lists: writing them, and the first
 *	  selection of a search with a bound.
 */
#include "postgres.h"

#include "ivf/ivf_search.h"
#include "kernels/kernels.h"
#include "miscadmin.h"

StaticAssertDecl(IVF_CHUNK <= BARQ_HALVES_AT_ONCE, "rows looked through at once");

/* Rows that may be below the limit, whose keys are computed together. */
typedef struct Found
{
	uint32		rows[2 * IVF_CHUNK];
	uint32		places[2 * IVF_CHUNK];
	int			n;
} Found;

void
barq_ivf_write_halved(BarqBodyWriter *writer, const BarqCodec *codec, char *body, uint64 bytes)
{
	static const char zeros[BARQ_BODY_ALIGN] = {0};
	BarqBodyHeader *header = (BarqBodyHeader *) body;
	BarqVectorHeader *vector = (BarqVectorHeader *) (body + header->kind_off);

	Assert(header->body_bytes == bytes);
	if (barq_codec_has_halves(codec))
		barq_vector_add_halves(codec, header, vector);
	barq_body_write(writer, body, bytes);
	if (vector->halves_off == 0)
		return;
	barq_body_write(writer, zeros, vector->halves_off - bytes);
	barq_vector_write_halves(writer, codec, body + vector->codes_off, codec->stride, header->rows);
}

bool
barq_ivf_begins_halved(IvfSearch *search, float bound)
{
	return search->halved && search->nscored == 0 && search->nstarted == 0 &&
		search->nprobes > 0 &&
		barq_halves_begin(search->lists.view, &search->lists.vector, search->query, bound,
						  &search->halves);
}

/* If half codes of the probes are not in memory, have all be read at once. */
static void
read_ahead(const IvfSearch *search)
{
	const IvfLists *lists = &search->lists;
	bool		cold = false;

	if (!barq_view_asks(lists->view))
		return;
	for (uint32 p = 0; p < search->nprobes && !cold; p += search->nprobes / 4 + 1)
		cold = search->probes[p].rows > 0 &&
			barq_halves_are_cold(lists->view, &lists->vector, &lists->codec, search->probes[p].first);
	barq_view_answer(lists->view, cold);
	for (uint32 p = 0; p < search->nprobes && cold; p++)
		if (search->probes[p].rows > 0)
			barq_halves_read_ahead(lists->view, &lists->vector, &lists->codec,
								   search->probes[p].first, search->probes[p].rows);
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
	Found		found;

	found.n = 0;
	read_ahead(search);
	for (uint32 p = 0; p < search->nprobes; p++)
	{
		const Probe *probe = &search->probes[p];

		CHECK_FOR_INTERRUPTS();
		for (uint32 at = 0; at < probe->rows; at += IVF_CHUNK)
		{
			int			n = barq_halves_find(lists->view, &lists->vector, &lists->codec,
											 search->query, &search->halves, probe->first + at,
											 Min(IVF_CHUNK, probe->rows - at), selection->limit,
											 found.rows + found.n);

			for (int i = found.n; i < found.n + n; i++)
				found.places[i] = probe->place + (found.rows[i] - probe->first);
			found.n += n;
			if (found.n > IVF_CHUNK)
				select_found(search, selection, &found);
		}
	}
	select_found(search, selection, &found);

	/* as a search is that has taken its best rows from a start: they have no keys */
	search->nstarted = search->nprobes;
	search->unmarked = true;
}
