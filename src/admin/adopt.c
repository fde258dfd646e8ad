/*
 * adopt.c
 *	  barq_adopt_pgvector(): barq's operator classes for pgvector's own types,
 *	  so that a column of a database that has pgvector is indexed where it is.
 *
 * For each of barq's classes a class is made in pgvector's schema, with
 * pgvector's type and operator of the same name and barq's support function. The
 * function reads vectors by their layout in memory, so layouts are compared first,
 * by letting both extensions read the same texts. The classes belong to extension
 * barq_pgvector if it is installed, whose script calls the function; else to none, so
 * pg_dump writes them out.
 */
#include "postgres.h"

#include "admin/admin.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
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
 * Selects the classes wanted, one row each: barq's classes for types that pgvector has
 * too, or that are built in, if pgvector has the operator. $1: barq's schema, $2:
 * pgvector's, $3: extension pgvector, whose members types and operators have to be: other
 * roles may create some in its schema, which must not run with a superuser's rights. Only
 * access methods whose handlers are in barq's schema. A class for a built-in type is not
 * its default class: barq's own class is. The last three columns are of the class that
 * exists already, perhaps in a schema that pgvector has left; else NULL.
 */
static const char classes_wanted[] =
	"SELECT c.opcname, m.amname, c.opcdefault AND t.typnamespace OPERATOR(pg_catalog.=) $1, "
	"  n.nspname, t2.typname, o.oprname, f.proname, bn.nspname, e.opcnamespace, e.oid, e.opcfamily "
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
	"  JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_operator'::pg_catalog.regclass "
	"    AND d.objid OPERATOR(pg_catalog.=) o.oid AND d.deptype OPERATOR(pg_catalog.=) 'e' "
	"    AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass "
	"    AND d.refobjid OPERATOR(pg_catalog.=) $3 "
	"  JOIN pg_catalog.pg_amproc p ON p.amprocfamily OPERATOR(pg_catalog.=) c.opcfamily AND p.amprocnum OPERATOR(pg_catalog.=) 1 "
	"    AND p.amproclefttype OPERATOR(pg_catalog.=) t.oid "
	"  JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) p.amproc "
	"  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) t2.typnamespace "
	"  JOIN pg_catalog.pg_namespace bn ON bn.oid OPERATOR(pg_catalog.=) $1 "
	"  LEFT JOIN (pg_catalog.pg_opclass e JOIN pg_catalog.pg_amop ea ON ea.amopfamily OPERATOR(pg_catalog.=) e.opcfamily) "
	"    ON e.opcmethod OPERATOR(pg_catalog.=) m.oid AND e.opcname OPERATOR(pg_catalog.=) c.opcname "
	"      AND ea.amopopr OPERATOR(pg_catalog.=) o.oid "
	"ORDER BY m.amname, c.opcname";

/* Columns of classes_wanted. */
enum
{
	CLASS_NAME = 1,
	METHOD,
	IS_DEFAULT,
	TYPE_SCHEMA,
	TYPE_NAME,
	OPERATOR_NAME,
	SPACE,
	BARQ_SCHEMA,
	OLD_SCHEMA,
	OLD_CLASS,
	OLD_FAMILY
};

/*
 * OID of extension pgvector. ERRCODE_UNDEFINED_OBJECT without it,
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the extension named "vector" is barq's own
 * or shares barq's schema.
 */
static Oid
find_pgvector(Oid barq)
{
	Oid			pgvector = get_extension_oid("vector", true);

	if (!OidIsValid(pgvector))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"vector\" (pgvector) is not installed in this database"),
				 errhint("barq has types vector, halfvec and sparsevec of its own; without pgvector there is nothing to adopt.")));
	if (barq_is_names_extension(pgvector))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"vector\" is not pgvector, but barq's"),
				 errhint("Columns are of barq's types already; there is nothing to adopt.")));
	if (barq_extension_schema(pgvector) == barq)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("barq and pgvector are in the same schema \"%s\"",
						get_namespace_name(barq)),
				 errhint("Move barq to a schema of its own with ALTER EXTENSION barq SET SCHEMA.")));
	return pgvector;
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
 * in memory. extension: pgvector. Skips a type that an older pgvector does not have: no
 * class is made for it. Runs input functions of members of the two extensions only.
 */
static void
check_layouts(Oid barq, Oid extension)
{
	Oid			pgvector = barq_extension_schema(extension);

	for (Size i = 0; i < lengthof(samples); i++)
	{
		Oid			types[2];
		struct varlena *values[2];

		for (int j = 0; j < 2; j++)
		{
			types[j] = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   PointerGetDatum(samples[i].type),
									   ObjectIdGetDatum(j == 0 ? barq : pgvector));
			if (j == 1 && OidIsValid(types[j]) &&
				getExtensionOfObject(TypeRelationId, types[j]) != extension)
				types[j] = InvalidOid;
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

/* The CREATE OPERATOR CLASS statement for one row of classes_wanted, palloc'd. */
static char *
class_statement(HeapTuple row, TupleDesc desc, const char *pgvector)
{
	char	   *values[BARQ_SCHEMA + 1];
	char	   *type;

	for (int i = 1; i <= BARQ_SCHEMA; i++)
		values[i] = SPI_getvalue(row, desc, i);
	type = quote_qualified_identifier(values[TYPE_SCHEMA], values[TYPE_NAME]);
	return psprintf("CREATE OPERATOR CLASS %s %s FOR TYPE %s USING %s AS "
					"OPERATOR 1 %s.%s (%s, %s) FOR ORDER BY pg_catalog.float_ops, "
					"FUNCTION 1 %s (pg_catalog.internal)",
					quote_qualified_identifier(pgvector, values[CLASS_NAME]),
					strcmp(values[IS_DEFAULT], "t") == 0 ? "DEFAULT" : "",
					type, quote_identifier(values[METHOD]),
					quote_identifier(pgvector), values[OPERATOR_NAME], type, type,
					quote_qualified_identifier(values[BARQ_SCHEMA], values[SPACE]));
}

/* Execute "begin OPERATOR CLASS class USING method end", and the same of the family. */
static void
execute_of_both(const char *begin, const char *class, const char *method, const char *end)
{
	static const char *const kinds[] = {"CLASS", "FAMILY"};

	for (Size i = 0; i < lengthof(kinds); i++)
	{
		char	   *statement = psprintf("%s OPERATOR %s %s USING %s %s", begin, kinds[i],
										 class, quote_identifier(method), end);

		if (SPI_execute(statement, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not execute \"%s\"", statement);
	}
}

/* A column of type oid; InvalidOid if it is NULL. */
static Oid
oid_of(HeapTuple row, TupleDesc desc, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(row, desc, column, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

/*
 * Have the class of one row of classes_wanted be in pgvector's schema, and in extension
 * barq_pgvector if there is one. Returns whether it was not in that schema before. Runs as
 * a superuser, with SPI connected.
 */
static bool
provide_class(HeapTuple row, TupleDesc desc, Oid schema)
{
	char	   *pgvector = get_namespace_name(schema);
	char	   *method = SPI_getvalue(row, desc, METHOD);
	char	   *name = SPI_getvalue(row, desc, CLASS_NAME);
	char	   *class = quote_qualified_identifier(pgvector, name);
	Oid			old_schema = oid_of(row, desc, OLD_SCHEMA);
	Oid			old_class = oid_of(row, desc, OLD_CLASS);
	bool		is_member = false;

	if (!OidIsValid(old_class))
	{
		char	   *statement = class_statement(row, desc, pgvector);

		if (SPI_execute(statement, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not execute \"%s\"", statement);
		is_member = creating_extension;
	}
	else
	{
		is_member = OidIsValid(getExtensionOfObject(OperatorClassRelationId, old_class));
		if (old_schema != schema)
			execute_of_both("ALTER",
							quote_qualified_identifier(get_namespace_name(old_schema), name),
							method, psprintf("SET SCHEMA %s", quote_identifier(pgvector)));
	}

	if (!is_member && creating_extension)
	{
		ObjectAddress address;

		ObjectAddressSet(address, OperatorClassRelationId, old_class);
		recordDependencyOnCurrentExtension(&address, false);
		ObjectAddressSet(address, OperatorFamilyRelationId, oid_of(row, desc, OLD_FAMILY));
		recordDependencyOnCurrentExtension(&address, false);
	}
	else if (!is_member && OidIsValid(get_extension_oid("barq_pgvector", true)))
		execute_of_both("ALTER EXTENSION barq_pgvector ADD", class, method, "");
	return old_schema != schema;
}

/*
 * The user whose rights count: the current one, but the owner of an extension while its
 * script runs (as a superuser). ERRCODE_INSUFFICIENT_PRIVILEGE unless that is a superuser
 * or owns the extension that is being created, else barq_pgvector.
 */
static Oid
check_may_adopt(void)
{
	Oid			extension = creating_extension ? CurrentExtensionObject :
		get_extension_oid("barq_pgvector", true);
	Oid			user = creating_extension ? barq_extension_owner(extension) : GetUserId();

	if (!superuser_arg(user) &&
		(!OidIsValid(extension) || !BarqOwnsExtension(extension, user)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to adopt pgvector"),
				 errhint("Must be superuser to create operator classes. Extension barq_pgvector creates them for others.")));
	return user;
}

/*
 * barq_adopt_pgvector() → integer: the number of operator classes made, or moved after
 * pgvector. ERRCODE_INSUFFICIENT_PRIVILEGE unless the user is a superuser or owns
 * extension barq_pgvector, and may create objects in pgvector's schema, ERRCODE_UNDEFINED_OBJECT without pgvector,
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE where both extensions share a
 * schema, ERRCODE_FEATURE_NOT_SUPPORTED for a pgvector of another layout.
 */
Datum
barq_adopt_pgvector(PG_FUNCTION_ARGS)
{
	Oid			adopter = check_may_adopt();
	Oid			barq = barq_extension_schema(get_extension_oid("barq", false));
	Oid			pgvector = find_pgvector(barq);
	Oid			schema = barq_extension_schema(pgvector);
	Oid			types[3] = {OIDOID, OIDOID, OIDOID};
	Datum		values[3] = {ObjectIdGetDatum(barq), ObjectIdGetDatum(schema), ObjectIdGetDatum(pgvector)};
	SPITupleTable *wanted;
	Oid			user;
	int			security;
	int			nest_level;
	int			n = 0;

	if (!BarqMayCreateIn(schema, adopter))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(schema));

	/* as CREATE EXTENSION runs a trusted script: names below are found in pg_catalog */
	GetUserIdAndSecContext(&user, &security);
	nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (!superuser())
		SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
							   security | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	check_layouts(barq, pgvector);
	if (SPI_execute_with_args(classes_wanted, 3, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the operator classes");
	wanted = SPI_tuptable;
	for (uint64 i = 0; i < wanted->numvals; i++)
		n += provide_class(wanted->vals[i], wanted->tupdesc, schema);
	SPI_finish();
	SetUserIdAndSecContext(user, security);
	AtEOXact_GUC(true, nest_level);
	PG_RETURN_INT32(n);
}
