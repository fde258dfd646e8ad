/*
 * vector_index.h
 *	  Interface of the access methods of vectors, barq_hnsw and barq_ivf: their
 *	  tables, spaces of operator classes, options, sealing and merging, callbacks.
 */
#ifndef BARQ_VECTOR_INDEX_H
#define BARQ_VECTOR_INDEX_H

#include "am/am.h"

#include "access/reloptions.h"
#include "flat/flat.h"
#include "hnsw/hnsw.h"
#include "ivf/ivf.h"
#include "nodes/pathnodes.h"
#include "store/row_filter.h"

/* Number of the support function of an operator class that returns its space. */
#define BARQ_SPACE_PROC		1

/* Type and distance of a vector operator class (space.c). */
typedef struct BarqVectorSpace
{
	BarqMetric	metric;
	int			max_dims;
	const char *type_name;
	BarqQuantization unquantized;	/* how rows are kept under "none" */

	/*
	 * Returns the elements of a value as the codec takes them (codec.h), valid
	 * as long as both the value and *to_free are. *dims receives the number of
	 * dimensions; *to_free a palloc'd copy that the caller may pfree, or NULL.
	 * Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED for a sparsevec with too many
	 * elements.
	 */
	const void *(*elements) (Datum value, int *dims, void **to_free);

	/* Raises the type's error about operands of different dimensions. */
	void		(*dims_differ) (int a, int b);
} BarqVectorSpace;

/* Value of the option "quantization" if it is not given: the type's default. */
#define BARQ_QUANT_DEFAULT	(-1)

#define BARQ_HNSW_DEFAULT_M		16
#define BARQ_HNSW_DEFAULT_EF_CONSTRUCTION	64

/* BarqFrozenOptions.bytes of a vector index. */
typedef struct BarqVectorOptions
{
	uint16		metric;			/* BarqMetric */
	uint16		quantization;	/* BarqQuantization */
	uint32		dims;
	uint16		m;				/* of barq_hnsw, else 0 */
	uint16		ef_construction;	/* of barq_hnsw, else 0 */
	uint32		lists;			/* of barq_ivf, 0: chosen by the number of rows */
	uint32		refine;			/* BarqRefined: whether rows have refinements (codec.h) */
} BarqVectorOptions;

/* Without refinements the version is 1, which older libraries read. */
#define BARQ_VECTOR_OPTIONS_VERSION 2

StaticAssertDecl(sizeof(BarqVectorOptions) == 20, "BarqVectorOptions is on disk");

/* Values of BarqVectorOptions.refine, on disk. */
typedef enum BarqRefined
{
	BARQ_REFINED_NO = 0,
	BARQ_REFINED_ASKED = 1,		/* by refine = on */
	BARQ_REFINED_CHOSEN = 2		/* by refine = auto */
} BarqRefined;

/* Values of the option "refine". */
typedef enum BarqRefine
{
	BARQ_REFINE_OFF,
	BARQ_REFINE_ON,
	BARQ_REFINE_AUTO			/* where values of the column are TOASTed */
} BarqRefine;

/*
 * The one table of an access method of vectors. `base` is the part that the
 * lifecycle calls for indexes of all kinds; the other members are how this
 * method makes its kind of segment, a graph or lists, in a work area. A method
 * registers &kind.base; barq_vector_kind() finds the whole table.
 */
typedef struct BarqVectorIndexKind
{
	BarqIndexKind base;

	/*
	 * Whether searches of a segment of so many rows are faster than of a flat
	 * one. No side effects.
	 */
	bool		(*pays) (const BarqCodec *codec, uint64 rows);

	/*
	 * Bytes of the work area for a segment of the inputs' live rows. Called
	 * before their number is limited (load() at the latest raises
	 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above BARQ_MAX_ROWS), so sums are uint64:
	 * they must not overflow.
	 */
	uint64		(*area_bytes) (const BarqFrozenOptions *frozen, BarqMergeInput *inputs,
							   int ninputs);

	/* Lay out the area and copy the live rows into it. One process. points: or NULL */
	void		(*load) (void *area, const BarqFrozenOptions *frozen,
						 BarqMergeInput *inputs, int ninputs, BarqMergePoints *points);

	/* The same two for rows of CREATE INDEX. */
	uint64		(*rows_area_bytes) (const BarqFrozenOptions *frozen,
									const BarqBuildRows *rows);
	void		(*load_rows) (void *area, const BarqFrozenOptions *frozen,
							  const BarqBuildRows *rows);

	/*
	 * Build the graph or lists: `lead` in one process, `help` in any number of
	 * others that mapped the area, possibly elsewhere. progress(arg, n) is called
	 * with rows done since its last call and must check for interrupts.
	 */
	void		(*lead) (void *area, BarqBuildProgress progress, void *arg);
	void		(*help) (void *area, BarqBuildProgress progress, void *arg);

	/*
	 * Complete the body, which begins at BARQ_IMAGE_BODY of the area; returns its
	 * bytes. One process, after lead() and all calls of help() returned.
	 */
	uint64		(*finish) (void *area);

	/*
	 * note_loaded: prepare a loaded area for resume() in another process. resume:
	 * the area, of so many bytes, was loaded from these inputs; may it be used by
	 * lead() and help()? *body_bytes: not 0, if finish() has returned that already.
	 * Both NULL, if a merge starts over.
	 */
	void		(*note_loaded) (void *area);
	bool		(*resume) (void *area, uint64 bytes, BarqMergeInput *inputs, int ninputs,
						   uint64 *body_bytes);

	int			first_phase;	/* BARQ_PHASE_* that lead() begins with */
} BarqVectorIndexKind;

/* ---- hnsw_kind.c, ivf_kind.c ---- */

extern const BarqVectorIndexKind barq_hnsw_index_kind;
extern const BarqVectorIndexKind barq_ivf_index_kind;

/* Define the reloptions of a method; called while the library is loaded. */
extern void barq_define_hnsw_reloptions(void);
extern void barq_define_ivf_reloptions(void);

/*
 * amoptions: parsed reloptions, palloc'd. With `validate`, raise
 * ERRCODE_INVALID_PARAMETER_VALUE for an unknown option or a bad value.
 */
extern bytea *barq_hnsw_reloptions(Datum reloptions, bool validate);
extern bytea *barq_ivf_reloptions(Datum reloptions, bool validate);

/*
 * The option lists that a barq_ivf index was built with. The catalog's may
 * differ: ALTER INDEX SET waits for a REINDEX.
 */
extern uint32 barq_ivf_built_lists(Relation index);

/* ---- options.c ---- */

/* Add the reloptions "quantization" and "refine", which all methods of vectors have. */
extern void barq_add_quantization(relopt_kind kind);
extern void barq_add_refine(relopt_kind kind);

/* The option "refine" as text: whether rows have refinements. */
extern BarqShownOption barq_show_refine(const BarqVectorOptions *options);

/*
 * Fill in the options that a new index of either method has; the method's own
 * are set to 0. `quantization` and `refine` (BarqRefine) are the reloptions' values. Raises ERRCODE_INVALID_PARAMETER_VALUE for a type
 * without a fixed number of dimensions or with another quantization than its
 * only one, ERRCODE_PROGRAM_LIMIT_EXCEEDED for too many dimensions,
 * ERRCODE_FEATURE_NOT_SUPPORTED for bit varying, for a quantization that does
 * not support the distance, and for refine = on where rows have no refinements.
 */
extern void barq_vector_freeze_options(Relation index, int quantization, int refine,
									   BarqVectorOptions *options);

/* Store options in the form that the metapage keeps. */
extern void barq_vector_store_options(uint16 index_kind, const BarqVectorOptions *options,
									  BarqFrozenOptions *frozen);

/*
 * The options in `frozen`, which must outlive the result. Raises
 * ERRCODE_FEATURE_NOT_SUPPORTED if they have the version of another library.
 */
extern const BarqVectorOptions *barq_vector_options(const BarqFrozenOptions *frozen);

/*
 * Fill in the codec of an index with these options. Raises
 * ERRCODE_FEATURE_NOT_SUPPORTED if they have the version of another library.
 */
extern void barq_vector_codec(const BarqFrozenOptions *frozen, BarqCodec *codec);

/* The space of the operator class of an open index; static storage. */
extern const BarqVectorSpace *barq_vector_space(Relation index);

/* The name of a BarqQuantization as the reloption has it; static storage. */
extern const char *barq_quantization_name(int quantization);

/* ---- vector_segments.c ---- */

/*
 * Members of BarqIndexKind that both methods share; their contracts are in
 * lifecycle/index_kind.h.
 *
 * seal: a flat body or, of a large log of barq_hnsw and unless `quick`, one with lists.
 */
extern void barq_vector_seal(const BarqFrozenOptions *frozen, const BarqSealRow *rows,
							 uint32 n, bool quick, BarqBodyWriter *writer);

/* join: a flat body. Sealing and copying so many takes 2 and 12 ms of a processor. */
#define BARQ_VECTOR_QUICK_BYTES	(UINT64CONST(512) * 1024)
#define BARQ_VECTOR_JOIN_BYTES	(UINT64CONST(4) * 1024 * 1024)
extern void barq_vector_join(const BarqFrozenOptions *frozen, BarqMergeInput *inputs,
							 int ninputs, BarqBodyWriter *writer);

/* merge: the method's kind of segment if that pays, else a flat one. */
extern BarqBodyWriter *barq_vector_merge(Relation index, const BarqFrozenOptions *frozen,
										 const uint8 *id, BarqMergeInput *inputs,
										 int ninputs, uint64 live,
										 BarqMergePoints *points, char **reason);

/* collect: logs with lists become one with lists. */
extern BarqBodyWriter *barq_vector_collect(Relation index, const BarqFrozenOptions *frozen,
										   const uint8 *id, BarqMergeInput *inputs,
										   int ninputs, uint64 live,
										   BarqMergePoints *points, char **reason);

/* is_urgent: provisional segments of sparse vectors, which take long to score. */
extern bool barq_vector_is_urgent(const BarqFrozenOptions *frozen,
								  uint16 segment_kind, uint64 rows);

/* is_provisional: segments of another kind, where the method's own kind pays. */
extern bool barq_vector_is_provisional(const BarqFrozenOptions *frozen,
									   uint16 segment_kind, uint64 rows);

/* has_key: vectors of the index's dimensions, under cosine but zero ones. */
extern bool barq_vector_has_key(Relation index, const BarqFrozenOptions *frozen,
								Datum value);

/* Cost of scoring so many codes one after the other, in bytes read. */
extern uint64 barq_scan_cost(const BarqCodec *codec, uint64 rows);

/* The table of the access method that froze these options. */
static inline const BarqVectorIndexKind *
barq_vector_kind(const BarqFrozenOptions *frozen)
{
	const BarqIndexKind *kind = barq_index_kind(frozen->index_kind);

	/* every table with this function begins a BarqVectorIndexKind */
	Assert(kind->seal == barq_vector_seal);
	return (const BarqVectorIndexKind *) kind;
}

/* ---- build.c, insert.c, scan.c, cost.c, validate.c: members of IndexAmRoutine ---- */

/* ambuild, ambuildempty and ambuildphasename (NULL: unknown phase). */
extern IndexBuildResult *barq_hnsw_build(Relation heap, Relation index,
										 struct IndexInfo *info);
extern IndexBuildResult *barq_ivf_build(Relation heap, Relation index,
										struct IndexInfo *info);
extern void barq_hnsw_build_empty(Relation index);
extern void barq_ivf_build_empty(Relation index);
extern char *barq_build_phase_name(int64 phase);

/* aminsert: encode the vector and append it to the growing log. */
extern bool barq_vector_insert(Relation index, Datum *values, bool *isnull,
							   ItemPointer heap_tid, Relation heap,
							   IndexUniqueCheck check_unique,
							   bool index_unchanged, struct IndexInfo *info);

/* ambeginscan, amrescan, amgettuple (forward only) and amendscan. */
extern IndexScanDesc barq_vector_begin_scan(Relation index, int nkeys, int norderbys);
extern void barq_vector_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
							   ScanKey orderbys, int norderbys);
extern bool barq_vector_get_tuple(IndexScanDesc scan, ScanDirection direction);
extern void barq_vector_end_scan(IndexScanDesc scan);

/*
 * From the next rescan on, return only rows that `source` admits (NULL: all rows), in
 * the exact order of their distances. The scan keeps the pointer.
 */
extern void barq_vector_scan_admit(IndexScanDesc scan, BarqRowSource *source);

/*
 * Whether barq_vector_scan_narrow() may be called: the first row since the rescan was
 * fetched, and not yet the last one that has a place in the order.
 */
extern bool barq_vector_scan_can_narrow(IndexScanDesc scan);

/*
 * From the next row on, of the rows that the scan has not returned, return only those that
 * `source` admits. It began without a source and in exact order. It may still return some
 * rows that the source does not admit, which were found before: the caller leaves them out.
 * The scan keeps the pointer, until barq_vector_scan_admit().
 */
extern void barq_vector_scan_narrow(IndexScanDesc scan, BarqRowSource *source);

struct		PlanState;

/*
 * From the next rescan on, return rows in the exact order of their distances, not in that
 * of lower bounds: the caller does not check distances (xs_recheckorderby stays off).
 * `node` is the plan node that runs the scan.
 */
extern void barq_vector_scan_in_order(IndexScanDesc scan, struct PlanState *node);

/*
 * Cost, for each row of the index, that a search is spared whose sort keys are not
 * computed: of reading TOASTed vectors, where rows are put in order without. Else, and
 * for an index of another kind, 0.
 * While no VACUUM has counted the pages of the TOAST table, the index path's cost does not
 * contain it.
 */
extern Cost barq_vector_key_cost(PlannerInfo *root, IndexOptInfo *index);

/*
 * By how much the estimate of a scan that finds `rows` rows is raised because conditions
 * are checked after the search. The planner takes it that matching rows are everywhere, and
 * its statistics do not say whether they are near to the query. If they are far, the scan
 * looks at all others first; a search within a bitmap or a sort costs the same then, so
 * these are better choices already where they are estimated to cost somewhat more.
 */
extern double barq_vector_unforeseen(const IndexOptInfo *index, double rows);

/* amcostestimate. */
extern void barq_hnsw_cost_estimate(PlannerInfo *root, IndexPath *path,
									double loop_count, Cost *startup_cost,
									Cost *total_cost, Selectivity *selectivity,
									double *correlation, double *pages);
extern void barq_ivf_cost_estimate(PlannerInfo *root, IndexPath *path,
								   double loop_count, Cost *startup_cost,
								   Cost *total_cost, Selectivity *selectivity,
								   double *correlation, double *pages);

/* amvalidate. */
extern bool barq_vector_validate(Oid opclass);

/* ---- exact_order.c ---- */

/*
 * Whether a plan above this path, which is ordered by a distance, would give
 * wrong results if some rows came out of order. For amcostestimate, when the
 * path keys of this query level and of the levels around it are known. Changes
 * nothing in the plan.
 */
extern bool barq_order_must_be_exact(PlannerInfo *root, IndexPath *path);

/* ---- ivf_kind.c ---- */

/* Number of lists of a barq_ivf segment of so many rows where the option gives none. */
extern uint32 barq_usual_lists(double rows);

#endif							/* BARQ_VECTOR_INDEX_H */
