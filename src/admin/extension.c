/*
 * extension.c
 *	  The schema of the extension: CREATE EXTENSION beside pgvector, and ALTER
 *	  EXTENSION SET SCHEMA by the extension's owner.
 */
#include "postgres.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
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
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_check_schema);
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

/* Does the current user own an extension and may create objects in a schema? */
static bool
may_move(Oid extension, Oid schema)
{
	return OidIsValid(extension) && OidIsValid(schema) &&
		BarqOwnsExtension(extension, GetUserId()) &&
		BarqMayCreateIn(schema, GetUserId());
}

/*
 * barq_move_extension() → event_trigger, before ALTER EXTENSION. The objects of a
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
	Oid			user;
	int			security;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("barq_move_extension() was not called by an event trigger")));
	statement = (const AlterObjectSchemaStmt *)
				((EventTriggerData *) fcinfo->context)->parsetree;
	if (!IsA(statement, AlterObjectSchemaStmt) ||
		statement->objectType != OBJECT_EXTENSION ||
		strcmp(strVal(statement->object), "barq") != 0 || superuser() ||
		!may_move(get_extension_oid("barq", true),
				  get_namespace_oid(statement->newschema, true)))
		PG_RETURN_NULL();

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
						   security | SECURITY_LOCAL_USERID_CHANGE);
	(void) AlterExtensionNamespace("barq", statement->newschema, NULL);
	SetUserIdAndSecContext(user, security);
	PG_RETURN_NULL();
}
