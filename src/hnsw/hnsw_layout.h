/*
 * hnsw_layout.h
 *	  The graph's sections in a body, and their opened form.
 *
 *	  BarqBodyHeader, BarqVectorHeader
 *	  codes, TIDs
 *	  neighbours			2 m row numbers a row (padded to 64 bytes)
 *	  whole rows			where codes are heads
 *	  HnswHeader			at BarqVectorHeader.graph_off
 *	  HnswLayer[layers]		upper layers 1 .. layers, lowest first
 *	  for each upper layer: entries' rows, entries' places in the layer below,
 *							m neighbours (places in this layer) an entry
 *
 * Bodies that were written before lie in another order: readers go by the offsets.
 * Every section is 64-byte aligned. A list ends at its first HNSW_NONE or
 * when it is full. Rows are numbered breadth-first from the entry point over
 * layer 0, so the entry point is row 0 and neighbours lie near each other.
 */
#ifndef BARQ_HNSW_LAYOUT_H
#define BARQ_HNSW_LAYOUT_H

#include "flat/vector_body.h"
#include "hnsw/hnsw.h"

#define HNSW_MAGIC		0x57534e48	/* "HNSW" */
#define HNSW_VERSION	1
#define HNSW_NONE		PG_UINT32_MAX	/* no neighbour */
#define HNSW_MIN_M		2
#define HNSW_MAX_M		100
#define HNSW_MAX_DEGREE	(2 * HNSW_MAX_M)
#define HNSW_MAX_LAYERS	31		/* upper layers */

typedef struct HnswHeader
{
	uint32		magic;			/* HNSW_MAGIC */
	uint16		version;		/* HNSW_VERSION */
	uint16		m;
	uint32		list_bytes;		/* from one row's list to the next */
	uint16		layers;			/* upper layers */
	uint16		ef_construction;	/* that the graph was built with */
	uint32		entry;			/* place of the entry point in the top layer */
	uint32		unused;
	uint64		lists_off;		/* layer 0 */
	uint64		layers_off;		/* HnswLayer[layers] */
	uint64		reserved[3];
} HnswHeader;

StaticAssertDecl(sizeof(HnswHeader) == 64, "HnswHeader is on disk");
StaticAssertDecl(offsetof(HnswHeader, lists_off) == 24, "HnswHeader is on disk");

typedef struct HnswLayer
{
	uint32		entries;
	uint32		unused;
	uint64		rows_off;		/* uint32[entries]: row of each entry */
	uint64		below_off;		/* uint32[entries]: its place in the layer below */
	uint64		lists_off;		/* uint32[entries][m] */
} HnswLayer;

StaticAssertDecl(sizeof(HnswLayer) == 32, "HnswLayer is on disk");

/* A body opened for reading: its offsets have been validated, ids have not. */
typedef struct HnswGraph
{
	BarqView   *view;
	BarqBodyHeader body;
	BarqVectorHeader vector;
	BarqCodec	codec;
	HnswHeader	header;
	HnswLayer	layer[HNSW_MAX_LAYERS + 1]; /* [0] is unused */
} HnswGraph;

/* Bytes from one list of layer 0 to the next. */
static inline uint32
hnsw_list_bytes(int m)
{
	return (uint32) barq_align64((uint64) 2 * m * sizeof(uint32));
}

/*
 * The most bytes that header, layer table and upper layers take if rows have `upper`
 * lists above layer 0 altogether.
 */
static inline uint64
hnsw_graph_bytes(int m, uint64 upper)
{
	return sizeof(HnswHeader) + barq_align64(HNSW_MAX_LAYERS * sizeof(HnswLayer)) +
		upper * (m + 2) * sizeof(uint32) + HNSW_MAX_LAYERS * 3 * BARQ_BODY_ALIGN;
}

/* Entries of a layer: rows on layer 0. */
static inline uint32
hnsw_entries(const HnswGraph *graph, int layer)
{
	return layer == 0 ? graph->body.rows : graph->layer[layer].entries;
}

/* Neighbours that a list of a layer has room for. */
static inline int
hnsw_degree(const HnswGraph *graph, int layer)
{
	return layer == 0 ? 2 * graph->header.m : graph->header.m;
}

/*
 * Read a body's headers and layer table into *graph and validate them.
 * ERRCODE_INDEX_CORRUPTED where a section does not lie inside the body.
 */
extern void barq_hnsw_open(BarqView *view, HnswGraph *graph);

/*
 * Copy the neighbours of an entry of a layer to list[], which has room for
 * HNSW_MAX_DEGREE; returns their number. On layer 0 entries are rows.
 * ERRCODE_INDEX_CORRUPTED where a neighbour is out of range.
 */
extern int	barq_hnsw_read_list(HnswGraph *graph, int layer, uint32 entry,
								uint32 *list);

/*
 * Row of an entry of an upper layer; its place in the layer below (on layer 1:
 * its row). ERRCODE_INDEX_CORRUPTED where the result is out of range.
 */
extern uint32 barq_hnsw_entry_row(HnswGraph *graph, int layer, uint32 entry);
extern uint32 barq_hnsw_entry_below(HnswGraph *graph, int layer, uint32 entry);

/*
 * BarqSegmentKind.check (hnsw_check.c): report faults of layers, lists and rows.
 * Checks for interrupts. ERRCODE_INDEX_CORRUPTED if the body cannot be opened.
 */
extern void barq_hnsw_check(BarqView *view, BarqCheckReport report, void *arg);

/* BarqVectorSearchOps.breadths (hnsw_breadth.c). */
extern void barq_hnsw_breadths(BarqView *view, const BarqSearchParams *params, uint32 absent,
							   const uint32 *rows, int n, int *breadths);

/* BarqVectorSearchOps.isolation (hnsw_breadth.c). */
extern float barq_hnsw_isolation(BarqView *view, const BarqQuery *query, uint32 row);

#endif							/* BARQ_HNSW_LAYOUT_H */
