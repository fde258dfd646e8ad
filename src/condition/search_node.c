/*
 * search_node.c
 *	  The search of an index of barq by a custom scan of its table.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/tableam.h"
#include "base/compat.h"
#include "condition/given_key.h"
#include "condition/search_node.h"
#include "condition/unread_key.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "text_index/text_index.h"
#include "vector_index/vector_index.h"

void
barq_search_use_table_slot(CustomScanState *css, EState *estate, List *tlist)
{
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);
	TupleDesc	row = RelationGetDescr(css->ss.ss_currentRelation);

	BarqInitScanTupleSlot(estate, &css->ss, row,
						  table_slot_callbacks(css->ss.ss_currentRelation));
	if (tlist == plan->scan.plan.targetlist)
		ExecAssignScanProjectionInfoWithVarno(&css->ss, plan->scan.scanrelid);
	else
		css->ss.ps.ps_ProjInfo =
			ExecBuildProjectionInfo(tlist, css->ss.ps.ps_ExprContext,
									css->ss.ps.ps_ResultTupleSlot, &css->ss.ps, row);
	css->ss.ps.qual = ExecInitQual(plan->scan.plan.qual, &css->ss.ps);
}

List *
barq_search_expressions(CustomScanState *css, int which)
{
	return list_nth(castNode(CustomScan, css->ss.ps.plan)->custom_exprs, which);
}

Oid
barq_search_index(CustomScanState *css)
{
	return linitial_oid(linitial(castNode(CustomScan, css->ss.ps.plan)->custom_private));
}

List *
barq_search_tlist(CustomScanState *css, EState *estate, List *given, BarqKeyValue *key)
{
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);
	List	   *tlist = plan->scan.plan.targetlist;
	bool		found = false;

	*key = BARQ_KEY_COMPUTED;
	if (given == NIL)
	{
		tlist = barq_keys_read(estate->es_plannedstmt, plan);
		if (tlist != plan->scan.plan.targetlist)
			*key = BARQ_KEY_UNREAD;
		return tlist;
	}

	/* the newer version of a locked row does not come from the index */
	if (estate->es_epq_active != NULL)
		return tlist;
	given = barq_given_key(tlist, linitial(given), &found);
	if (!found)
		return tlist;
	*key = BARQ_KEY_GIVEN;
	return given;
}

void
barq_search_open(BarqSearchNode *search, CustomScanState *css, Oid index, List *orderbys,
				 List *keys)
{
	EState	   *estate = css->ss.ps.state;
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);

	search->index = index_open(index, exec_rt_fetch(plan->scan.scanrelid, estate)->rellockmode);
	ExecIndexBuildScanKeys(&css->ss.ps, search->index, orderbys, true, &search->orderbys,
						   &search->norderbys, &search->runtime, &search->nruntime, NULL, NULL);
	ExecIndexBuildScanKeys(&css->ss.ps, search->index, keys, false, &search->keys,
						   &search->nkeys, &search->runtime, &search->nruntime, NULL, NULL);
	if (search->nruntime > 0)
		search->runtime_context = CreateExprContext(estate);
}

void
barq_search_start(BarqSearchNode *search, CustomScanState *css, BarqRowSource *source)
{
	if (search->nruntime > 0)
	{
		ResetExprContext(search->runtime_context);
		ExecIndexEvalRuntimeKeys(search->runtime_context, search->runtime, search->nruntime);
	}
	if (search->scan == NULL)
		search->scan = BarqIndexBeginScan(css->ss.ss_currentRelation, search->index,
										  css->ss.ps.state->es_snapshot, search->nkeys,
										  search->norderbys);
	if (search->index->rd_indam->amgettuple == barq_vector_get_tuple)
	{
		barq_vector_scan_in_order(search->scan, &css->ss.ps);
		barq_vector_scan_admit(search->scan, source);
	}
	else
		barq_text_scan_admit(search->scan, source);
	index_rescan(search->scan, search->keys, search->nkeys, search->orderbys, search->norderbys);
}

ItemPointer
barq_search_next(BarqSearchNode *search)
{
	ItemPointer tid = index_getnext_tid(search->scan, ForwardScanDirection);

	CHECK_FOR_INTERRUPTS();
	if (tid != NULL && unlikely(search->scan->xs_recheckorderby))
		elog(ERROR, "index \"%s\" returned a row without its exact place in the order",
			 RelationGetRelationName(search->index));
	return tid;
}

bool
barq_search_passes(BarqSearchNode *search, CustomScanState *css, TupleTableSlot *slot)
{
	ExprContext *context = css->ss.ps.ps_ExprContext;

	context->ecxt_scantuple = slot;
	return ExecQualAndReset(search->recheck, context);
}

TupleTableSlot *
barq_search_next_row(BarqSearchNode *search, CustomScanState *css)
{
	TupleTableSlot *slot = css->ss.ss_ScanTupleSlot;

	while (barq_search_next(search) != NULL)
	{
		bool		recheck = search->scan->xs_recheck; /* of this row of the index */

		if (!index_fetch_heap(search->scan, slot))
			continue;
		if (recheck && !barq_search_passes(search, css, slot))
		{
			search->nremoved++;
			continue;
		}
		if (search->key == BARQ_KEY_GIVEN)
			barq_given_key_set(css, search);
		return slot;
	}
	return ExecClearTuple(slot);
}

void
barq_search_close(BarqSearchNode *search)
{
	if (search->scan != NULL)
		index_endscan(search->scan);
	if (search->index != NULL)
		index_close(search->index, NoLock);
}

void
barq_search_show_index(Oid index, ExplainState *es)
{
	ExplainPropertyText("Index", get_rel_name(index), es);
}

void
barq_search_show_removed(const BarqSearchNode *search, ExplainState *es)
{
	if (search->nremoved > 0 || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyUInteger("Rows Removed by Index Recheck", NULL, search->nremoved, es);
}

void
barq_search_show_key(BarqKeyValue value, ExplainState *es)
{
	static const char *const words[] = {"computed", "not computed", "given by the index"};

	if (value != BARQ_KEY_COMPUTED || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyText("Order By Value", words[value], es);
}

void
barq_search_show(CustomScanState *css, const char *label, List *expressions, List *ancestors,
				 ExplainState *es)
{
	List	   *context = set_deparse_context_plan(es->deparse_cxt, css->ss.ps.plan, ancestors);
	Node	   *node = list_length(expressions) == 1 ? linitial(expressions) :
		(Node *) make_ands_explicit(expressions);

	ExplainPropertyText(label, deparse_expression(node, context,
												  es->verbose, false),
						es);
}
