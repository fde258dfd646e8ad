/*
 * index_kind.h
 *	  BarqIndexKind, one for each access method, and its registry.
 *
 * There are two registries. A segment kind (BarqSegmentKind, store/segment.h)
 * defines the meaning of the bytes of one segment: it checks and searches a
 * body, and knows neither the index nor its options. An index kind defines what
 * an access method does with rows over the life of an index: which segment kind
 * a seal or a merge writes, which segments are provisional, how options are
 * frozen. The lifecycle calls index kinds; the store calls segment kinds. An
 * index of one kind may hold segments of several (barq_hnsw: flat and hnsw).
 */
#ifndef BARQ_INDEX_KIND_H
#define BARQ_INDEX_KIND_H

#include "store/meta.h"
#include "store/segment.h"
#include "utils/relcache.h"

/* A live row of the frozen log, in the order of the log. */
typedef struct BarqSealRow
{
	ItemPointerData tid;
	const char *payload;
	uint32		length;
} BarqSealRow;

/* An option of an index, for people. */
typedef struct BarqShownOption
{
	const char *name;
	char	   *value;			/* palloc'd */
} BarqShownOption;

#define BARQ_MAX_OPTIONS	8	/* of one kind of index */

/* Callbacks of one access method. */
typedef struct BarqIndexKind
{
	uint16		id;				/* as in BarqFrozenOptions: its main segment kind's */
	const char *name;			/* of the access method */

	/* Write a body from rows of the log that have a key, in an order of the kind's own. */
	void		(*seal) (const BarqFrozenOptions *options,
						 const BarqSealRow *rows, uint32 n,
						 BarqBodyWriter *writer);

	/*
	 * Merge the live rows that have a key (`live`, may be 0) of segments. Returns the
	 * finished writer's owner, or NULL with *reason where that needs room that
	 * is not to be had now.
	 */
	BarqBodyWriter *(*merge) (Relation index, const BarqFrozenOptions *options,
							  const uint8 *id, BarqMergeInput *inputs, int ninputs,
							  uint64 live, char **reason);

	/*
	 * Whether a segment of this kind and number of rows is only provisional: a
	 * merge would make it another kind, which searches faster.
	 */
	bool		(*is_provisional) (const BarqFrozenOptions *options,
								   uint16 segment_kind, uint64 rows);

	/*
	 * Whether a provisional segment, though its bytes are few, costs searches
	 * so much that it is merged without waiting for others of its size.
	 */
	bool		(*is_urgent) (const BarqFrozenOptions *options,
							  uint16 segment_kind, uint64 rows);

	/* Whether a value that is not NULL has a key. */
	bool		(*has_key) (Relation index, const BarqFrozenOptions *options,
							Datum value);

	/* amoptions of the access method; tells indexes of the kinds apart */
	bytea	   *(*reloptions) (Datum reloptions, bool validate);

	/*
	 * The options that a build of the index, or partitioned index, would freeze
	 * where its reloptions, as parsed, are `given` (NULL: none). ERROR, as of
	 * CREATE INDEX, if they do not fit together, the operator class or the column.
	 */
	void		(*freeze) (Relation index, const void *given,
						   BarqFrozenOptions *options);

	/*
	 * Fill in options for people, in the same order for every index of the
	 * kind; returns their number, at most BARQ_MAX_OPTIONS.
	 */
	int			(*show) (Relation index, const BarqFrozenOptions *options,
						 BarqShownOption *shown);
} BarqIndexKind;

/*
 * Register a kind; called while the library is loaded. `kind` must stay valid
 * as long as the process.
 */
extern void barq_register_index_kind(const BarqIndexKind *kind);

/* The kind of a number as stored; ERRCODE_INDEX_CORRUPTED if there is none. */
extern const BarqIndexKind *barq_index_kind(uint16 id);

/* The kind of an access method; NULL for one that is not barq's. */
struct		IndexAmRoutine;
extern const BarqIndexKind *barq_kind_of_method(const struct IndexAmRoutine *method);

/* Whether an open relation is an index of one of barq's access methods. */
extern bool barq_is_barq_index(Relation rel);

/* The same of a partitioned table's index, which has no pages, too. */
extern bool barq_has_barq_method(Relation index);

#endif							/* BARQ_INDEX_KIND_H */
