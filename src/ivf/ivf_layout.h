/*
 * ivf_layout.h
 *	  The lists' sections in a body, and their opened form.
 *
 *	  BarqBodyHeader, BarqVectorHeader
 *	  IvfHeader				at BarqVectorHeader.graph_off
 *	  first rows			uint32[lists + 1]: list i has the rows from the i-th
 *							up to the (i+1)-th
 *	  centroids				rows of the index's codec, stride bytes each
 *	  spreads				of inner products: float[lists], see ivf_spread()
 *	  codes, TIDs			in the order of the lists
 *
 * Every section is 64-byte aligned. No list is empty.
 */
#ifndef BARQ_IVF_LAYOUT_H
#define BARQ_IVF_LAYOUT_H

#include "base/compat.h"
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
	uint32		wanted;			/* lists that the training was to make */
	float		cost;			/* mean cost of a row when they were trained */
	float		imbalance;		/* and how uneven the lists were (ivf_drift.c) */
	uint64		firsts_off;
	uint64		centroids_off;
	uint64		spreads_off;	/* 0: no spreads */
	uint64		reserved[2];
} IvfHeader;

StaticAssertDecl(sizeof(IvfHeader) == 64, "IvfHeader is on disk");
StaticAssertDecl(offsetof(IvfHeader, firsts_off) == 24, "IvfHeader is on disk");
StaticAssertDecl(offsetof(IvfHeader, spreads_off) == 40, "IvfHeader is on disk");

/*
 * The codec under which rows and centroids are compared. Of inner products it
 * is L2, which rows of that metric serve as well: lists are places, where a
 * list's rows have nearly the same product with whatever query (README.md).
 */
static inline BarqCodec
ivf_space(const BarqCodec *codec)
{
	BarqCodec	space = *codec;

	if (space.metric == BARQ_METRIC_IP)
		space.metric = BARQ_METRIC_L2;
	return space;
}

/* A body opened for reading: offsets are checked, first rows are not. */
typedef struct IvfLists
{
	BarqView   *view;
	BarqBodyHeader body;
	BarqVectorHeader vector;
	BarqCodec	codec;
	IvfHeader	header;
} IvfLists;

extern void barq_ivf_open(BarqView *view, IvfLists *lists);

/* The rows of a list, [*first, *end). ERRCODE_INDEX_CORRUPTED if out of range. */
extern void barq_ivf_list(IvfLists *lists, uint32 list, uint32 *first, uint32 *end);

/* Where a row's code, or a centroid's, begins. */
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
 * How far a list's rows are from its centroid, in the direction of whatever
 * query: the root of their mean squared distance, by dimension.
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

/* SegmentKind's check (ivf_check.c) */
extern void barq_ivf_check(BarqView *view, BarqCheckReport report, void *arg);

#endif							/* BARQ_IVF_LAYOUT_H */
