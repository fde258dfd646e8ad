/*
 * index_kind.h
 *	  BarqIndexKind, one for each access method, and its registry.
 *
 * There are two registries. A segment kind (BarqSegmentKind, store/segment.h)
 * defines the meaning of the bytes of one segment: it checks and searches a
 * body, and knows neither the index nor its options. An index kind defines how
 * an access method treats rows over the life of an index: which segment kind
 * a seal or a merge writes, which segments are provisional, how options are
 * frozen. The lifecycle calls index kinds; the store calls segment kinds. An
 * index of one kind may hold segments of several (barq_hnsw: flat and hnsw).
 */
#ifndef BARQ_INDEX_KIND_H
#define BARQ_INDEX_KIND_H

#include "base/merge_points.h"
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

/* An option of an index as text. */
typedef struct BarqShownOption
{
	const char *name;
	char	   *value;			/* palloc'd; NULL: what all indexes have that do not choose */
	bool		chosen;			/* by barq: an index with another value needs no REINDEX */
} BarqShownOption;

#define BARQ_MAX_OPTIONS	12	/* of one kind of index */
#define BARQ_MOST_RANKED	9	/* columns of an index */

/* Callbacks of one access method. */
typedef struct BarqIndexKind
{
	uint16		id;				/* as in BarqFrozenOptions: its main segment kind's */
	const char *name;			/* of the access method */

	/*
	 * Write the kind's part of a body from rows[0 ... n - 1], the live records of
	 * the log that have a key, in an order that the kind chooses. `quick`: an insert
	 * waits for it, so the body is the one that costs least to make. quick_bytes: of
	 * log that an insert seals at most, 1 MB or less.
	 */
	void		(*seal) (const BarqFrozenOptions *options,
						 const BarqSealRow *rows, uint32 n, bool quick,
						 BarqBodyWriter *writer);
	uint64		quick_bytes;

	/*
	 * Inserts without a worker join small segments of the kind join_kind into one of
	 * that kind, of at most about join_bytes (join.c): write the kind's part of its
	 * body from the live rows of the inputs, in a time like that of copying them.
	 */
	uint16		join_kind;		/* BARQ_KIND_* */
	uint64		join_bytes;
	void		(*join) (const BarqFrozenOptions *options, BarqMergeInput *inputs,
						 int ninputs, BarqBodyWriter *writer);

	/*
	 * Merge the live rows of the inputs that have a key (`live` of them, perhaps
	 * 0) into a body of this id. Returns its writer, in the current memory
	 * context, with the kind's part complete: the caller adds rows without a key
	 * and finishes it. Returns NULL with *reason (palloc'd) if there is no room
	 * for that now. Reaches the named points of a merge.
	 */
	BarqBodyWriter *(*merge) (Relation index, const BarqFrozenOptions *options,
							  const uint8 *id, BarqMergeInput *inputs, int ninputs,
							  uint64 live, BarqMergePoints *points, char **reason);

	/*
	 * Make of provisional segments of the kind collect_kind, sealed logs, one of that kind,
	 * which costs a search less than they do; as merge, but in a small part of its time.
	 * NULL: the kind has no such segments.
	 */
	uint16		collect_kind;	/* BARQ_KIND_* */
	BarqBodyWriter *(*collect) (Relation index, const BarqFrozenOptions *options,
								const uint8 *id, BarqMergeInput *inputs, int ninputs,
								uint64 live, BarqMergePoints *points, char **reason);

	/*
	 * Whether a segment of this kind and number of rows is provisional: a merge
	 * would make it another kind, which is searched faster.
	 */
	bool		(*is_provisional) (const BarqFrozenOptions *options,
								   uint16 segment_kind, uint64 rows);

	/*
	 * Whether a small provisional segment slows searches down so much that it is
	 * merged without waiting for others of its size.
	 */
	bool		(*is_urgent) (const BarqFrozenOptions *options,
							  uint16 segment_kind, uint64 rows);

	/*
	 * Does a value, not NULL, have a key by which rows can be ordered? May detoast
	 * it in the current memory context; frees the copy.
	 */
	bool		(*has_key) (Relation index, const BarqFrozenOptions *options,
							Datum value);

	/*
	 * Fill statistics[] (BarqSegmentDesc) of a body that a build or merge has made, in
	 * about budget_us microseconds. Reaches BARQ_POINT_MEASURING. NULL: they stay zero.
	 */
	void		(*measure) (const BarqFrozenOptions *options, BarqView *view,
							uint64 budget_us, BarqMergePoints *points,
							uint64 *statistics);

	/* amoptions of the access method; barq_kind_of_method() compares it */
	bytea	   *(*reloptions) (Datum reloptions, bool validate);

	/*
	 * Fill *options with those that a build of the index, or partitioned index,
	 * would freeze with the parsed reloptions `given` (NULL: none). Raises the
	 * errors of CREATE INDEX if they do not fit each other, the operator class or
	 * the column.
	 */
	void		(*freeze) (Relation index, const void *given,
						   BarqFrozenOptions *options);

	/*
	 * Fill shown[] with the options as text, in the same order for every index of
	 * the kind; returns their number, at most BARQ_MAX_OPTIONS.
	 */
	int			(*show) (Relation index, const BarqFrozenOptions *options,
						 BarqShownOption *shown);

	/*
	 * Fill columns[] with the columns (from 0) of a valid index, partitioned ones included,
	 * by which a search ranks; returns their number, at most BARQ_MOST_RANKED. NULL: by the
	 * first.
	 */
	int			(*ranked) (Relation index, uint8 *columns);
} BarqIndexKind;

/*
 * Register a kind; called while the library is loaded. `kind` must stay valid
 * as long as the process.
 */
extern void barq_register_index_kind(const BarqIndexKind *kind);

/* The kind with this number, as stored; ERRCODE_INDEX_CORRUPTED if there is none. */
extern const BarqIndexKind *barq_index_kind(uint16 id);

/* The kind of an access method; NULL for an access method of another extension. */
struct		IndexAmRoutine;
extern const BarqIndexKind *barq_kind_of_method(const struct IndexAmRoutine *method);

/*
 * Is an open relation an index, not a partitioned one, of one of barq's access
 * methods? No side effects.
 */
extern bool barq_is_barq_index(Relation rel);

/*
 * Is an open index or partitioned index (which has no pages) one of barq's access
 * methods'? No side effects.
 */
extern bool barq_has_barq_method(Relation index);

#endif							/* BARQ_INDEX_KIND_H */
