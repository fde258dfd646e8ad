/*
 * search_names.h
 *	  Settings of a search by other names than barq's.
 *
 * A library of its own (names/) makes access methods with pgvector's names from barq's
 * handlers, and defines pgvector's settings for them. It registers where their values
 * lie; searches through these access methods ask here. barq itself must not define
 * these settings: pgvector does, in another database of the same server.
 */
#ifndef BARQ_SEARCH_NAMES_H
#define BARQ_SEARCH_NAMES_H

#include "postgres.h"

#include "access/amapi.h"

/* The value of a setting that is not set, so that barq's own applies. */
#define BARQ_NAME_UNSET			0	/* of a number */
#define BARQ_NAME_UNSET_ENUM	(-1)

/* Where the settings of one access method are; all pointers live as long as the process. */
typedef struct BarqSearchNames
{
	const char *prefix;			/* of the settings' names, without the dot */
	const int  *breadth;		/* barq.ef_search, or barq.probes */
	const int  *iterative_scan; /* BarqIterativeScan */
	const int  *max_scan_tuples;	/* NULL: there is no such setting */
} BarqSearchNames;

/*
 * What applies to a search: the setting by the other name if it is set, else barq's.
 * names: of the index's access method, or NULL. of_lists: the breadth is barq.probes.
 */
typedef struct BarqSearchValues
{
	int			(*breadth) (const BarqSearchNames *names, bool of_lists);
	int			(*iterative_scan) (const BarqSearchNames *names);
	int			(*max_scan_tuples) (const BarqSearchNames *names);
} BarqSearchValues;

extern int	barq_breadth_for(const BarqSearchNames *names, bool of_lists);
extern int	barq_iterative_scan_for(const BarqSearchNames *names);
extern int	barq_max_scan_tuples_for(const BarqSearchNames *names);

/*
 * Register the settings of the access method whose IndexAmRoutine has this amvalidate.
 * version: of the library that calls (BARQ_VERSION). Returns the three functions above,
 * for a library that is not linked with this one. Raises
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the version is not that of this one.
 */
typedef const BarqSearchValues *(*BarqRegisterNames) (const char *version,
													  amvalidate_function method,
													  const BarqSearchNames *names);
extern PGDLLEXPORT const BarqSearchValues *barq_register_search_names(const char *version,
																	  amvalidate_function method,
																	  const BarqSearchNames *names);

/* The settings registered for an access method; NULL: it has barq's. */
extern const BarqSearchNames *barq_search_names(const IndexAmRoutine *method);

/* The same by the OID of an index that is locked. Does not open it if none is registered. */
extern const BarqSearchNames *barq_search_names_of(Oid index);

/*
 * Have all searches be in strict order, whatever their access method, until the caller
 * ends the nest level of settings that is returned (AtEOXact_GUC); -1: they are.
 */
extern int	barq_require_strict_order(void);

#endif							/* BARQ_SEARCH_NAMES_H */
