/*
 * adopt.c
 *	  barq_adopt_pgvector(): barq's operator classes for pgvector's own types,
 *	  so that a column of a database that has pgvector is indexed where it is.
 *
 * For each of barq's classes a class is made in pgvector's schema, with
 * pgvector's type and operator of the same name and barq's support function. The
 * function reads vectors by their layout in memory, so layouts are compared first,
 * by letting both extensions read the same texts. The classes belong to no
 * extension, so pg_dump writes them out.
 */
#include "postgres.h"

#include "admin/admin.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_adopt_pgvector);

/* Texts that both extensions read, to compare the bytes that they make of them. */
static const struct
{
	const char *type;
	const char *text;
} samples[] = {
	{"vector", "[1]"},
	{"vector", "[0.5,-2.25,3e30,-1e-30,0]"},
	{"vector", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33]"},
	{"halfvec", "[1]"},
	{"halfvec", "[0.5,-2.25,60000,-0.00006,0]"},
	{"sparsevec", "{}/7"},
	{"sparsevec", "{1:0.5,3:-2.25,1000000000:3}/1000000000"},
};

/*
 * Selects the classes to create, one row each: barq's classes for types that
 * pgvector has too, or that are built in, if pgvector has the operator and no such
 * class exists yet. $1: barq's schema, $2: pgvector's. Only access methods whose
 * handlers are in barq's schema. A new class for a built-in type is not its default
 * class: barq's own class is.
 */
static const char classes_to_make[] =
	"SELECT c.opcname, m.amname, c.opcdefault AND t.typnamespace OPERATOR(pg_catalog.=) $1, "
	"  n.nspname, t2.typname, o.oprname, f.proname, bn.nspname "
	"FROM pg_catalog.pg_am m "
	"  JOIN pg_catalog.pg_proc h ON h.oid OPERATOR(pg_catalog.=) m.amhandler AND h.pronamespace OPERATOR(pg_catalog.=) $1 "
	"  JOIN pg_catalog.pg_opclass c ON c.opcmethod OPERATOR(pg_catalog.=) m.oid AND c.opcnamespace OPERATOR(pg_catalog.=) $1 "
	"  JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) c.opcintype "
	"  JOIN pg_catalog.pg_type t2 ON t2.typname OPERATOR(pg_catalog.=) t.typname AND t2.typnamespace OPERATOR(pg_catalog.=) "
	"    CASE WHEN t.typnamespace OPERATOR(pg_catalog.=) $1 THEN $2 ELSE t.typnamespace END "
	"  JOIN pg_catalog.pg_amop a ON a.amopfamily OPERATOR(pg_catalog.=) c.opcfamily AND a.amopstrategy OPERATOR(pg_catalog.=) 1 "
	"    AND a.amoplefttype OPERATOR(pg_catalog.=) t.oid AND a.amoprighttype OPERATOR(pg_catalog.=) t.oid "
	"  JOIN pg_catalog.pg_operator o1 ON o1.oid OPERATOR(pg_catalog.=) a.amopopr "
	"  JOIN pg_catalog.pg_operator o ON o.oprname OPERATOR(pg_catalog.=) o1.oprname AND o.oprnamespace OPERATOR(pg_catalog.=) $2 "
	"    AND o.oprleft OPERATOR(pg_catalog.=) t2.oid AND o.oprright OPERATOR(pg_catalog.=) t2.oid "
	"  JOIN pg_catalog.pg_amproc p ON p.amprocfamily OPERATOR(pg_catalog.=) c.opcfamily AND p.amprocnum OPERATOR(pg_catalog.=) 1 "
	"    AND p.amproclefttype OPERATOR(pg_catalog.=) t.oid "
	"  JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) p.amproc "
	"  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t2.typnamespace "
	"  JOIN pg_catalog.pg_namespace bn ON bn.oid OPERATOR(pg_catalog.=) $1 "
	"WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_opclass e WHERE e.opcmethod OPERATOR(pg_catalog.=) m.oid "
	"  AND e.opcname OPERATOR(pg_catalog.=) c.opcname AND e.opcnamespace OPERATOR(pg_catalog.=) $2) "
	"ORDER BY m.amname, c.opcname";

/*
 * OID of pgvector's schema; `barq`: barq's own. ERRCODE_UNDEFINED_OBJECT without
 * pgvector, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if both share a schema. SPI is
 * connected.
 */
static Oid
pgvector_schema(Oid barq)
{
	Oid			schema;
	bool		isnull;

	if (SPI_execute("SELECT extnamespace FROM pg_catalog.pg_extension "
					"WHERE extname OPERATOR(pg_catalog.=) 'vector'", true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_extension");
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"vector\" (pgvector) is not installed in this database"),
				 errhint("barq has types vector, halfvec and sparsevec of its own; without pgvector there is nothing to adopt.")));
	schema = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
											1, &isnull));
	if (schema == barq)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barq and pgvector are in the same schema \"%s\"",
						get_namespace_name(schema)),
				 errhint("Move barq to a schema of its own with ALTER EXTENSION barq SET SCHEMA.")));
	return schema;
}

/*
 * The value that a type's input function makes of a text, detoasted, palloc'd;
 * NULL if the type is no varlena aligned to int.
 */
static struct varlena *
read_sample(Oid type, const char *text)
{
	Oid			input;
	Oid			parameter;
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	if (length != -1 || by_value || align != TYPALIGN_INT)
		return NULL;
	getTypeInputInfo(type, &input, &parameter);
	return PG_DETOAST_DATUM(OidInputFunctionCall(input, pstrdup(text), parameter, -1));
}

/*
 * ERRCODE_FEATURE_NOT_SUPPORTED unless pgvector's types have the layout of barq's
 * in memory. Skips a type that an older pgvector does not have: no class is made
 * for it.
 */
static void
check_layouts(Oid barq, Oid pgvector)
{
	for (Size i = 0; i < lengthof(samples); i++)
	{
		Oid			types[2];
		struct varlena *values[2];

		for (int j = 0; j < 2; j++)
		{
			types[j] = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   PointerGetDatum(samples[i].type),
									   ObjectIdGetDatum(j == 0 ? barq : pgvector));
			values[j] = OidIsValid(types[j]) ?
				read_sample(types[j], samples[i].text) : NULL;
		}
		if (!OidIsValid(types[1]))
			continue;
		if (values[0] == NULL || values[1] == NULL ||
			VARSIZE(values[0]) != VARSIZE(values[1]) ||
			memcmp(values[0], values[1], VARSIZE(values[0])) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("type %s is not laid out in memory as barq's %s is",
							format_type_be_qualified(types[1]), samples[i].type),
					 errdetail("They differ on '%s'.", samples[i].text),
					 errhint("This version of pgvector cannot be adopted.")));
	}
}

/* The CREATE OPERATOR CLASS statement for one row of classes_to_make, palloc'd. */
static char *
class_statement(HeapTuple row, TupleDesc desc, const char *pgvector)
{
	char	   *values[8];
	char	   *type;

	for (Size i = 0; i < lengthof(values); i++)
		values[i] = SPI_getvalue(row, desc, i + 1);
	type = quote_qualified_identifier(values[3], values[4]);
	return psprintf("CREATE OPERATOR CLASS %s %s FOR TYPE %s USING %s AS "
					"OPERATOR 1 %s.%s (%s, %s) FOR ORDER BY pg_catalog.float_ops, "
					"FUNCTION 1 %s (internal)",
					quote_qualified_identifier(pgvector, values[0]),
					strcmp(values[2], "t") == 0 ? "DEFAULT" : "",
					type, quote_identifier(values[1]),
					quote_identifier(pgvector), values[5], type, type,
					quote_qualified_identifier(values[7], values[6]));
}

/*
 * barq_adopt_pgvector() → integer: the number of operator classes made.
 * ERRCODE_INSUFFICIENT_PRIVILEGE unless the user is a superuser (operator classes
 * need one), ERRCODE_UNDEFINED_OBJECT without pgvector,
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE where both extensions share a
 * schema, ERRCODE_FEATURE_NOT_SUPPORTED for a pgvector of another layout.
 */
Datum
barq_adopt_pgvector(PG_FUNCTION_ARGS)
{
	Oid			barq = get_func_namespace(fcinfo->flinfo->fn_oid);
	Oid			types[2] = {OIDOID, OIDOID};
	Datum		values[2];
	Oid			schema;
	char	  **statements;
	int			n;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to adopt pgvector"),
				 errhint("Must be superuser to create operator classes.")));
	SPI_connect();
	schema = pgvector_schema(barq);
	check_layouts(barq, schema);

	values[0] = ObjectIdGetDatum(barq);
	values[1] = ObjectIdGetDatum(schema);
	if (SPI_execute_with_args(classes_to_make, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the operator classes");
	n = (int) SPI_processed;
	statements = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		statements[i] = class_statement(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
										get_namespace_name(schema));
	for (int i = 0; i < n; i++)
		if (SPI_execute(statements[i], false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not execute \"%s\"", statements[i]);
	SPI_finish();
	PG_RETURN_INT32(n);
}
