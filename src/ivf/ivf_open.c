/*
 * ivf_open.c
 *	  Opening a body: offsets are validated once, bounds of a list when it is
 *	  read.
 *
 * Promise: whatever the bytes of a body are, these functions read only bytes
 * inside of it and return only rows in range, or raise ERRCODE_INDEX_CORRUPTED.
 */
#include "postgres.h"

#include "ivf/ivf_layout.h"


void
barq_ivf_open(BarqView *view, IvfLists *lists)
{
	IvfHeader  *h = &lists->header;

	barq_vector_open(view, &lists->body, &lists->vector, &lists->codec);
	lists->view = view;

	if (!barq_section_fits(view->size, lists->vector.graph_off, 1, sizeof(*h)))
		barq_vector_corrupted("header of the lists outside of the body");
	memcpy(h, barq_view_read(view, lists->vector.graph_off, sizeof(*h)), sizeof(*h));
	if (h->magic != IVF_MAGIC || h->version != IVF_VERSION)
		barq_vector_corrupted("wrong magic number or version of the lists");
	if (h->lists > BARQ_IVF_MAX_LISTS || h->lists > lists->body.rows ||
		(h->lists == 0 && lists->body.rows > 0))
		barq_vector_corrupted("wrong number of lists");
	if (!barq_section_fits(view->size, h->firsts_off, (uint64) h->lists + 1, sizeof(uint32)))
		barq_vector_corrupted("table of lists outside of the body");
	if (!barq_section_fits(view->size, h->centroids_off, h->lists, lists->codec.stride))
		barq_vector_corrupted("centroids outside of the body");
	if (h->spreads_off != 0 &&
		!barq_section_fits(view->size, h->spreads_off, h->lists, sizeof(float)))
		barq_vector_corrupted("spreads outside of the body");
}

void
barq_ivf_list(IvfLists *lists, uint32 list, uint32 *first, uint32 *end)
{
	uint32		bounds[2];

	Assert(list < lists->header.lists);
	memcpy(bounds,
		   barq_view_read(lists->view,
						  lists->header.firsts_off + (uint64) list * sizeof(uint32),
						  sizeof(bounds)),
		   sizeof(bounds));
	if (bounds[0] > bounds[1] || bounds[1] > lists->body.rows)
		barq_vector_corrupted("list outside of the rows");
	*first = bounds[0];
	*end = bounds[1];
}
