/*
 * advice.h
 *	  What the rules of barq_advise() know of an index, and how they speak.
 */
#ifndef BARQ_ADVICE_H
#define BARQ_ADVICE_H

#include "admin/admin.h"
#include "base/stats.h"
#include "funcapi.h"

/* Of fewer rows a sort is as quick as an index, a recall says little, and all is quick. */
#define FEW_ROWS		1000

/* An index, as the rules see it. */
typedef struct BarqAdvised
{
	Relation	index;
	Relation	heap;
	const char *name;			/* of the index, quoted and with its schema */
	BarqMeta	meta;
	BarqShownOption options[BARQ_MAX_OPTIONS];
	int			noptions;

	/* of its segments; rows: live ones, the log not included */
	uint64		rows;
	uint64		dead;
	int			segments;
	uint64		image_bytes;
	uint64		evictions;		/* since the server started, if preloaded */

	BarqIndexCounts counts;		/* since they were last reset; zero: no use seen */
	ReturnSetInfo *result;
} BarqAdvised;

/*
 * Add a row to the result: its subject, a word that tests and dashboards can look for,
 * and a sentence of what to change and why. (Not pg_attribute_printf(): headers of a server
 * that gcc built have a form there that clang does not know.)
 */
extern void barq_advise_that(BarqAdvised *advised, const char *subject,
							 const char *sentence,...) __attribute__((format(printf, 3, 4)));

/* ---- advise_table.c ---- */

/* Rules that look at the table and at its other indexes. Read the catalogs. */
extern void barq_advise_use(BarqAdvised *advised);
extern void barq_advise_filter_columns(BarqAdvised *advised);

#endif							/* BARQ_ADVICE_H */
