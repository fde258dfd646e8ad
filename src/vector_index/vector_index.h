/*
 * vector_index.h
 *	  What the access methods of vectors, barq_hnsw and barq_ivf, share: spaces,
 *	  options, building and merging, the callbacks.
 */
#ifndef BARQ_VECTOR_INDEX_H
#define BARQ_VECTOR_INDEX_H

#include "am/am.h"

#include "access/reloptions.h"
#include "flat/flat.h"
#include "hnsw/hnsw.h"
#include "ivf/ivf.h"
#include "nodes/pathnodes.h"

/* Support function 1 of a vector operator class: what space it spans. */
#define BARQ_SPACE_PROC		1

/* What an operator class spans: how a datum of its type is encoded (space.c). */
typedef struct BarqVectorSpace
{
	BarqMetric	metric;
	int			max_dims;
	const char *type_name;
	BarqQuantization unquantized;	/* how rows are kept under "none" */

	/*
	 * The value of a datum as the codec takes it (codec.h); *to_free receives
	 * a copy made on the way, or NULL.
	 */
	const void *(*elements) (Datum value, int *dims, void **to_free);

	/* raises the type's error about operands of different dimensions */
	void		(*dims_differ) (int a, int b);
} BarqVectorSpace;

/* Reloptions of barq_hnsw as parsed. */
typedef struct BarqHnswReloptions
{
	int32		vl_len_;
	int			m;
	int			ef_construction;
	int			quantization;	/* BarqQuantization, or BARQ_QUANT_DEFAULT */
} BarqHnswReloptions;

#define BARQ_QUANT_DEFAULT	(-1)	/* what the type's default is */

#define BARQ_HNSW_DEFAULT_M		16
#define BARQ_HNSW_DEFAULT_EF_CONSTRUCTION	64

/* BarqFrozenOptions.bytes of a vector index. */
typedef struct BarqVectorOptions
{
	uint16		metric;			/* BarqMetric */
	uint16		quantization;	/* BarqQuantization */
	uint32		dims;
	uint16		m;				/* 0 but in barq_hnsw */
	uint16		ef_construction;
	uint32		lists;			/* of barq_ivf; 0: chosen */
} BarqVectorOptions;

#define BARQ_VECTOR_OPTIONS_VERSION 1

StaticAssertDecl(sizeof(BarqVectorOptions) == 16, "BarqVectorOptions is on disk");

/* options.c */
extern void barq_define_reloptions(void);
extern void barq_add_quantization(relopt_kind kind);
extern bytea *barq_hnsw_reloptions(Datum reloptions, bool validate);

/*
 * What every index of vectors freezes: the rest of *options is zero. method:
 * the access method's name.
 */
extern void barq_vector_freeze_options(Relation index, const char *method,
									   int quantization, BarqVectorOptions *options);

/*
 * Options of a new index, checked: ERROR for a column without dimensions, for
 * too many, for options that do not fit together.
 */
extern void barq_hnsw_freeze_options(Relation index, const void *reloptions,
									 BarqFrozenOptions *frozen);
extern const BarqVectorSpace *barq_vector_space(Relation index);
extern const BarqVectorOptions *barq_vector_options(const BarqFrozenOptions *frozen);
extern void barq_vector_codec(const BarqFrozenOptions *frozen, BarqCodec *codec);
extern const char *barq_quantization_name(int quantization);

/* vector_kind.c: sealing and merging vectors */
extern const BarqIndexKind barq_hnsw_index_kind;
extern void barq_vector_seal(const BarqFrozenOptions *frozen, const BarqSealRow *rows,
							 uint32 n, BarqBodyWriter *writer);
extern bool barq_vector_has_key(Relation index, const BarqFrozenOptions *frozen,
								Datum value);

/* Others who help to build a graph or lists, and how far it is. */
typedef struct BarqBuildTeam
{
	/* announce a shared work area, of which `bytes` are used */
	void		(*begin) (void *arg, const char *path, uint64 bytes);
	/* wait until everyone who joined has finished */
	void		(*finish) (void *arg);
	BarqBuildProgress progress;
	void	   *arg;
} BarqBuildTeam;

/* What the access methods of vectors do each in its own way. */
typedef struct BarqVectorMethod
{
	const BarqIndexKind *index_kind;

	/* is a segment of so many rows better as a graph, or lists, than flat? */
	bool		(*pays) (const BarqCodec *codec, uint64 rows);

	/* the work area in which one is made of the inputs' live rows */
	uint64		(*work_bytes) (const BarqFrozenOptions *frozen, BarqMergeInput *inputs,
							   int ninputs);
	void		(*load) (void *area, const BarqFrozenOptions *frozen,
						 BarqMergeInput *inputs, int ninputs);

	/* do the work; and, as another process, take part in it */
	void		(*lead) (void *area, BarqBuildProgress progress, void *arg);
	void		(*help) (void *area, BarqBuildProgress progress, void *arg);
	void		(*write_body) (void *area, BarqBodyWriter *writer);
	int			first_phase;	/* BARQ_PHASE_* that it begins with */
} BarqVectorMethod;

extern const BarqVectorMethod barq_hnsw_method;
extern const BarqVectorMethod barq_ivf_method;
extern const BarqVectorMethod *barq_vector_method(const BarqFrozenOptions *frozen);

/* What a scan of so many codes costs, in bytes read. */
extern uint64 barq_scan_cost(const BarqCodec *codec, uint64 rows);

/*
 * Make a graph, or lists. team NULL: nobody helps, and where room is lacking the
 * result is NULL with *reason, for a merge can wait. Of a build it is never NULL.
 */
extern BarqBodyWriter *barq_vector_build(Relation index, const BarqFrozenOptions *frozen,
										 const uint8 *id, BarqMergeInput *inputs,
										 int ninputs, const BarqBuildTeam *team,
										 char **reason);

/* merge, is_urgent and is_provisional of an index kind */
extern BarqBodyWriter *barq_vector_merge(Relation index, const BarqFrozenOptions *frozen,
										 const uint8 *id, BarqMergeInput *inputs,
										 int ninputs, uint64 live, char **reason);
extern bool barq_vector_is_urgent(const BarqFrozenOptions *frozen,
								  uint16 segment_kind, uint64 rows);
extern bool barq_vector_is_provisional(const BarqFrozenOptions *frozen,
									   uint16 segment_kind, uint64 rows);

/* ivf_kind.c: the same of barq_ivf, and its options */
extern const BarqIndexKind barq_ivf_index_kind;
extern void barq_define_ivf_reloptions(void);
extern bytea *barq_ivf_reloptions(Datum reloptions, bool validate);

/* The option lists that an index was built with; the catalog's may be pending. */
extern uint32 barq_ivf_built_lists(Relation index);

/* build.c, insert.c, scan.c, vacuum.c, cost.c, validate.c: the callbacks */
extern IndexBuildResult *barq_hnsw_build(Relation heap, Relation index,
										 struct IndexInfo *info);
extern IndexBuildResult *barq_ivf_build(Relation heap, Relation index,
										struct IndexInfo *info);
extern void barq_hnsw_build_empty(Relation index);
extern void barq_ivf_build_empty(Relation index);
extern bool barq_vector_insert(Relation index, Datum *values, bool *isnull,
							   ItemPointer heap_tid, Relation heap,
							   IndexUniqueCheck check_unique,
							   bool index_unchanged, struct IndexInfo *info);
extern IndexScanDesc barq_vector_begin_scan(Relation index, int nkeys, int norderbys);
extern void barq_vector_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
							   ScanKey orderbys, int norderbys);
extern bool barq_vector_get_tuple(IndexScanDesc scan, ScanDirection direction);
extern void barq_vector_end_scan(IndexScanDesc scan);
extern void barq_vector_cost_estimate(PlannerInfo *root, IndexPath *path,
									  double loop_count, Cost *startup_cost,
									  Cost *total_cost, Selectivity *selectivity,
									  double *correlation, double *pages);
extern bool barq_order_must_be_exact(PlannerInfo *root, IndexPath *path);
extern void barq_ivf_cost_estimate(PlannerInfo *root, IndexPath *path,
								   double loop_count, Cost *startup_cost,
								   Cost *total_cost, Selectivity *selectivity,
								   double *correlation, double *pages);
extern bool barq_vector_validate(Oid opclass);

/*
 * Scans of this backend that ran out of rows in order before they had given all
 * rows: of vectors, for whatever reason, and of any kind, because of
 * barq.max_scan_tuples. So a statement's caller learns whether an index has told
 * all.
 */
extern uint64 barq_vector_scans_short;
extern uint64 barq_scans_cut;
extern char *barq_build_phase_name(int64 phase);

#endif							/* BARQ_VECTOR_INDEX_H */
