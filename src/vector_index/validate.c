/*
 * validate.c
 *	  Validation of operator classes of vectors: one ordering operator of strategy
 *	  1 over float8, and support function 1, which returns the space.
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_type.h"
#include "vector_index/vector_index.h"
#include "utils/regproc.h"

/* BarqClassCheck of vectors. */
static void
check_vectors(const FormData_pg_opclass *class, CatCList *operators, CatCList *procedures, bool *ok)
{
	const char *name = NameStr(class->opcname);
	bool		has_operator = false;
	bool		has_space = false;

	for (int i = 0; i < procedures->n_members; i++)
	{
		Form_pg_amproc proc = (Form_pg_amproc) GETSTRUCT(&procedures->members[i]->tuple);

		if (proc->amprocnum != BARQ_SPACE_PROC)
			BARQ_COMPLAIN(ok, "operator class \"%s\" contains function %s with invalid support number %d",
						  name, format_procedure(proc->amproc), proc->amprocnum);
		else if (!check_amproc_signature(proc->amproc, INTERNALOID, true, 1, 1, INTERNALOID))
			BARQ_COMPLAIN(ok, "operator class \"%s\" contains function %s with wrong signature for support number %d",
						  name, format_procedure(proc->amproc), proc->amprocnum);
		else if (proc->amproclefttype == class->opcintype)
			has_space = true;
	}

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amopstrategy != 1)
			barq_validate_strategy(class, op, ok);
		else if (barq_validate_ordering(class, op, ok))
			has_operator = true;
	}

	if (!has_operator)
		BARQ_COMPLAIN(ok, "operator class \"%s\" lacks its distance operator", name);
	if (!has_space)
		BARQ_COMPLAIN(ok, "operator class \"%s\" lacks support function %d", name, BARQ_SPACE_PROC);
}

bool
barq_vector_validate(Oid opclass)
{
	return barq_validate_class(opclass, check_vectors, 0);
}
