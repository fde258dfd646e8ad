/*
 * radius.h
 *	  Searches for all rows within a radius, `embedding <=> $1 < 0.3`: from the
 *	  planner's paths to a custom scan.
 */
#ifndef BARQ_CONDITION_RADIUS_H
#define BARQ_CONDITION_RADIUS_H

#include "base/compat.h"

#include "nodes/extensible.h"
#include "nodes/pathnodes.h"

#define BARQ_RADIUS_NAME	"BarqRadius"

/* A condition `distance < bound` that an index of vectors can answer. */
typedef struct BarqRadiusClause
{
	RestrictInfo *given;
	IndexOptInfo *index;
	OpExpr	   *distance;		/* as given */
	Expr	   *query;			/* its operand that is not the column */
	Expr	   *bound;			/* float8 */
	bool		inclusive;
	double		share;			/* of the index's rows, estimated */
} BarqRadiusClause;

/* ---- radius_paths.c ---- */

/* Install the planner's hook and register the scan; once, when the library is loaded. */
extern void barq_radius_init(void);

/* ---- radius_clause.c ---- */

/*
 * The first of these conditions (RestrictInfos) that an index of `rel` answers, NULL if
 * there is none. join: conditions of a join, of which the query or bound is another
 * table's. Palloc'd, without the estimate.
 */
extern BarqRadiusClause *barq_radius_clause(PlannerInfo *root, RelOptInfo *rel,
											List *conditions, bool join);

/*
 * Estimate the clause's share, and let the planner use it for every estimate that
 * depends on this clause. Reads the index.
 */
extern void barq_radius_estimate(PlannerInfo *root, BarqRadiusClause *clause);

/* ---- radius_cost.c ---- */

/*
 * Set the costs of a path, whose rows are set. `ordered`: it has the order of the
 * distance.
 */
extern void barq_radius_cost(PlannerInfo *root, CustomPath *path,
							 const BarqRadiusClause *clause, bool ordered);

/* ---- radius_plan.c: the contents of a plan node ---- */

/* Members of CustomScan.custom_exprs, each a list. */
enum
{
	BARQ_RADIUS_VALUES,			/* query and bound */
	BARQ_RADIUS_CONDITION,		/* the condition as given, over the table */
	BARQ_RADIUS_DISTANCE,		/* the distance, over the table */
	BARQ_RADIUS_EXPRS
};

/* Members of CustomScan.custom_private, a list of integers but for the first. */
enum
{
	BARQ_RADIUS_INDEX,			/* list of one OID */
	BARQ_RADIUS_FLAGS,			/* list of two: inclusive, ordered */
	BARQ_RADIUS_PRIVATE
};

extern const CustomPathMethods barq_radius_path_methods;

/* radius_scan.c */
extern const CustomScanMethods barq_radius_scan_methods;

#endif							/* BARQ_CONDITION_RADIUS_H */
