/*
 * hnsw_descend.h
 *	  The way of a search through the upper layers of a body.
 */
#ifndef BARQ_HNSW_DESCEND_H
#define BARQ_HNSW_DESCEND_H

#include "hnsw/hnsw_layout.h"
#include "hnsw/hnsw_visited.h"

/* Rows with which a descent goes on from layer to layer, and a search begins on layer 0. */
#define HNSW_DESCENT	4

typedef struct HnswDescent
{
	HnswGraph  *graph;
	const BarqQuery *query;
	HnswVisited *visited;		/* for the body's rows, empty; left so */
	uint32		absent;			/* a row not to be met, unless it is the entry point;
								 * or HNSW_NONE */

	/* NULL, or called before n rows are scored */
	void		(*ahead) (void *arg, const uint32 *rows, int n);
	void	   *arg;
} HnswDescent;

/*
 * Write the nearest rows to which the upper layers lead to beam[0 .. HNSW_DESCENT-1],
 * best first, and return their number, which is at least 1; of a graph without upper layers
 * the entry point alone. Checks for interrupts. ERRCODE_INDEX_CORRUPTED where layers
 * disagree about a row.
 */
extern int	barq_hnsw_descend(const HnswDescent *descent, BarqHit *beam);

#endif							/* BARQ_HNSW_DESCEND_H */
