/*
 * extension.c
 *	  The schemas of the extensions: CREATE EXTENSION beside pgvector, the schema of
 *	  the extension of pgvector's names, and ALTER EXTENSION SET SCHEMA by an
 *	  extension's owner.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "admin/admin.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "base/compat.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_check_schema);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_check_names_schema);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_move_extension);

/* Names of types that the extension creates. */
static const char *const type_names[] = {"vector", "halfvec", "sparsevec", "bm25query"};

/*
 * barq_check_schema(), called by the first statement of the extension's script:
 * ERRCODE_DUPLICATE_OBJECT if the schema has types of the same names.
 */
Datum
barq_check_schema(PG_FUNCTION_ARGS)
{
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);

	for (Size i = 0; i < lengthof(type_names); i++)
	{
		Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
										   CStringGetDatum(type_names[i]),
										   ObjectIdGetDatum(schema));
		Oid			owner = OidIsValid(type) ?
			getExtensionOfObject(TypeRelationId, type) : InvalidOid;
		char	   *owner_name = OidIsValid(owner) ? get_extension_name(owner) : NULL;

		if (!OidIsValid(type))
			continue;
		if (owner_name != NULL && strcmp(owner_name, "vector") == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("schema \"%s\" has pgvector's type \"%s\", and barq has a type of that name, too",
							get_namespace_name(schema), type_names[i]),
					 errhint("Give barq a schema of its own: CREATE SCHEMA barq; CREATE EXTENSION barq SCHEMA barq; then SELECT barq.barq_adopt_pgvector() lets it index pgvector's columns.")));
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("schema \"%s\" has a type \"%s\" already",
						get_namespace_name(schema), type_names[i]),
				 errhint("Give barq a schema of its own: CREATE SCHEMA barq; CREATE EXTENSION barq SCHEMA barq.")));
	}
	PG_RETURN_VOID();
}

/* The row of an extension in pg_extension. An error if it does not exist. */
static FormData_pg_extension
extension_row(Oid extension)
{
	Relation	catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	FormData_pg_extension row;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(catalog, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "extension with OID %u does not exist", extension);
	row = *(Form_pg_extension) GETSTRUCT(tuple);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return row;
}

Oid
barq_extension_schema(Oid extension)
{
	return extension_row(extension).extnamespace;
}

Oid
barq_extension_owner(Oid extension)
{
	return extension_row(extension).extowner;
}

bool
barq_is_names_extension(Oid extension)
{
	Oid			barq = get_extension_oid("barq", true);
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(catalog, DependDependerIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		found |= OidIsValid(barq) && depend->refclassid == ExtensionRelationId &&
			depend->refobjid == barq;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/*
 * barq_check_names_schema(), called by the first statement of the script of the extension
 * of pgvector's names: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless its schema, that
 * of the function, is barq's. The script finds barq's objects there.
 */
Datum
barq_check_names_schema(PG_FUNCTION_ARGS)
{
	Oid			schema = barq_extension_schema(get_extension_oid("barq", false));

	if (get_func_namespace(fcinfo->flinfo->fn_oid) != schema)
	{
		const char *name = quote_identifier(get_namespace_name(schema));

		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"vector\" must be in the schema of barq, which is %s", name),
				 errhint("CREATE EXTENSION vector SCHEMA %s; or move barq first: ALTER EXTENSION barq SET SCHEMA.", name)));
	}
	PG_RETURN_VOID();
}

/* Does the current user own an extension and may create objects in a schema? */
static bool
may_move(Oid extension, Oid schema)
{
	return OidIsValid(extension) && OidIsValid(schema) &&
		BarqOwnsExtension(extension, GetUserId()) &&
		BarqMayCreateIn(schema, GetUserId());
}

/*
 * barq_move_extension() → event_trigger, before ALTER EXTENSION of barq or of pgvector's
 * names. The objects of a
 * trusted extension belong to a superuser, so PostgreSQL refuses to move them for
 * the extension's owner ("must be owner of type vector"). The owner could have
 * created the extension in that schema, so this function moves it with a
 * superuser's rights, and the command itself finds nothing left to do. It does
 * nothing for other commands, nor where the user may not move the extension:
 * PostgreSQL then raises its own error.
 */
Datum
barq_move_extension(PG_FUNCTION_ARGS)
{
	const AlterObjectSchemaStmt *statement;
	const char *name;
	Oid			extension;
	Oid			user;
	int			security;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("barq_move_extension() was not called by an event trigger")));
	statement = (const AlterObjectSchemaStmt *)
				((EventTriggerData *) fcinfo->context)->parsetree;
	if (!IsA(statement, AlterObjectSchemaStmt) ||
		statement->objectType != OBJECT_EXTENSION || superuser())
		PG_RETURN_NULL();
	name = strVal(statement->object);
	extension = get_extension_oid(name, true);
	if ((strcmp(name, "barq") != 0 &&
		 (strcmp(name, "vector") != 0 || !barq_is_names_extension(extension))) ||
		!may_move(extension, get_namespace_oid(statement->newschema, true)))
		PG_RETURN_NULL();

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
						   security | SECURITY_LOCAL_USERID_CHANGE);
	(void) AlterExtensionNamespace(name, statement->newschema, NULL);
	SetUserIdAndSecContext(user, security);
	PG_RETURN_NULL();
}
