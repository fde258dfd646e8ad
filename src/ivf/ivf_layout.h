/*
 * ivf_layout.h
 *	  The lists' sections in a body, and their opened form.
 *
 *	  BarqBodyHeader, BarqVectorHeader
 *	  codes, TIDs			in the order of the lists
 *	  IvfHeader				at BarqVectorHeader.graph_off
 *	  first rows			uint32[lists + 1]: list i has rows [first[i],
 *							first[i + 1])
 *	  centroids				rows of the index's codec, stride bytes each
 *	  spreads				only for inner products: float[lists], see
 *							ivf_spread()
 *
 * Every section is 64-byte aligned. No list is empty. Bodies that were written before
 * lie in another order: readers go by the offsets.
 */
#ifndef BARQ_IVF_LAYOUT_H
#define BARQ_IVF_LAYOUT_H

#include "flat/vector_body.h"
#include "ivf/ivf.h"

#define IVF_MAGIC		0x20465649	/* "IVF " */
#define IVF_VERSION		2

typedef struct IvfHeader
{
	uint32		magic;			/* IVF_MAGIC */
	uint16		version;		/* IVF_VERSION */
	uint16		unused;
	uint32		lists;			/* at least 1, unless there are no rows */
	uint32		wanted;			/* lists that the training was asked to make */
	float		cost;			/* mean cost of a row after training, and */
	float		imbalance;		/* imbalance of the lists (ivf_sample.c) */
	uint64		firsts_off;
	uint64		centroids_off;
	uint64		spreads_off;	/* 0: no spreads */
	uint64		reserved[2];
} IvfHeader;

StaticAssertDecl(sizeof(IvfHeader) == 64, "IvfHeader is on disk");
StaticAssertDecl(offsetof(IvfHeader, firsts_off) == 24, "IvfHeader is on disk");
StaticAssertDecl(offsetof(IvfHeader, spreads_off) == 40, "IvfHeader is on disk");

/*
 * The codec by which rows are compared with centroids. For inner products it is
 * L2, for which the same codes serve: rows near one another have nearly the same
 * product with any query (README.md, "Inner products").
 */
static inline BarqCodec
ivf_space(const BarqCodec *codec)
{
	BarqCodec	space = *codec;

	if (space.metric == BARQ_METRIC_IP)
		space.metric = BARQ_METRIC_L2;
	return space;
}

/* A body opened for reading: its offsets have been validated, first rows not. */
typedef struct IvfLists
{
	BarqView   *view;
	BarqBodyHeader body;
	BarqVectorHeader vector;
	BarqCodec	codec;
	IvfHeader	header;
} IvfLists;

/*
 * Read a body's headers into *lists and validate them. ERRCODE_INDEX_CORRUPTED
 * where a section does not lie inside the body.
 */
extern void barq_ivf_open(BarqView *view, IvfLists *lists);

/*
 * The rows [*first, *end) of a list, which is below header.lists.
 * ERRCODE_INDEX_CORRUPTED where they are out of range.
 */
extern void barq_ivf_list(IvfLists *lists, uint32 list, uint32 *first, uint32 *end);

/* Offset in the body of a row's code; of a centroid. */
static inline uint64
ivf_code_off(const IvfLists *lists, uint32 row)
{
	return lists->vector.codes_off + (uint64) row * lists->codec.stride;
}

static inline uint64
ivf_centroid_off(const IvfLists *lists, uint32 list)
{
	return lists->header.centroids_off + (uint64) list * lists->codec.stride;
}

/*
 * Spread of a list: the standard deviation of its rows about the centroid in
 * any one direction, taken as the root of (mean squared distance / dimensions).
 * Only for bodies that have spreads; a damaged one may give any value.
 */
static inline float
ivf_spread(IvfLists *lists, uint32 list)
{
	float		spread;

	memcpy(&spread,
		   barq_view_read(lists->view,
						  lists->header.spreads_off + (uint64) list * sizeof(float),
						  sizeof(spread)),
		   sizeof(spread));
	return spread;
}

/* BarqVectorSearchOps.within (ivf_within.c): lists too far away are not read. */
extern void barq_ivf_within(BarqView *view, const uint8 *id, BarqWithin *within);

/*
 * BarqSegmentKind.check (ivf_check.c): report faults of lists and rows. Checks for
 * interrupts. ERRCODE_INDEX_CORRUPTED if the body cannot be opened.
 */
extern void barq_ivf_check(BarqView *view, BarqCheckReport report, void *arg);

#endif							/* BARQ_IVF_LAYOUT_H */
