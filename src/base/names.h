/*
 * names.h
 *	  Names for statements that a user may run.
 */
#ifndef BARQ_NAMES_H
#define BARQ_NAMES_H

#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* The name of a relation with its schema, quoted where it has to be; palloc'd. */
static inline char *
barq_qualified_name(Relation rel)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
									  RelationGetRelationName(rel));
}

/* The same by OID. The caller holds a lock on the relation. */
static inline char *
barq_qualified_name_by_oid(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

#endif							/* BARQ_NAMES_H */
