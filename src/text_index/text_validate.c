/*
 * text_validate.c
 *	  amvalidate: checks of operator classes of barq_bm25.
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_type.h"
#include "am/filters.h"
#include "text_index/text_index.h"
#include "utils/regproc.h"

/* BarqClassCheck */
static void
check_texts(const FormData_pg_opclass *class, CatCList *operators, CatCList *procedures, bool *ok)
{
	const char *name = NameStr(class->opcname);
	bool		has_score = false;

	for (int i = 0; i < procedures->n_members; i++)
	{
		Form_pg_amproc proc = (Form_pg_amproc) GETSTRUCT(&procedures->members[i]->tuple);

		if (proc->amprocnum != BARQ_TEXT_OPTIONS_PROC || !check_amoptsproc_signature(proc->amproc))
			BARQ_COMPLAIN(ok, "operator class \"%s\" contains function %s with invalid support number %d",
						  name, format_procedure(proc->amproc), proc->amprocnum);
	}

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amopstrategy == BARQ_TEXT_SCORE_STRATEGY)
		{
			if (barq_validate_ordering(class, op, ok))
				has_score = true;
		}
		else if (op->amopstrategy == BARQ_TEXT_GLOBAL_SCORE_STRATEGY)
			(void) barq_validate_ordering(class, op, ok);
		else if (op->amopstrategy == BARQ_TEXT_MATCH_STRATEGY ||
				 op->amopstrategy == BARQ_TEXT_THRESHOLD_STRATEGY ||
				 op->amopstrategy == BARQ_TEXT_GLOBAL_MATCH_STRATEGY)
		{
			if (op->amoppurpose != AMOP_SEARCH || get_op_rettype(op->amopopr) != BOOLOID)
				BARQ_COMPLAIN(ok, "operator class \"%s\" contains operator %s, which does not match",
							  name, format_operator(op->amopopr));
		}
		else if (op->amopstrategy >= BARQ_FILTER_LESS && op->amopstrategy <= BARQ_FILTER_CONTAINS)
			barq_validate_filter_operator(class, op, ok);
		else
			barq_validate_strategy(class, op, ok);
	}
	if (!has_score)
		BARQ_COMPLAIN(ok, "operator class \"%s\" lacks its ranking operator", name);
}

/*
 * An operator class has the ordering operator <@> (strategy 1), by float8, the
 * search operators @@@ and <@@ (strategies 2 and 3), <@> and @@@ of bm25global
 * (strategies 4 and 5), and may have a function for the parameters of a field (support
 * number 1). A class of filter columns with support number 2 is that of a language.
 */
bool
barq_text_validate(Oid opclass)
{
	return barq_validate_class(opclass, check_texts, BARQ_TEXT_LANGUAGE_PROC);
}
