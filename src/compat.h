/*
 * compat.h
 *	  The one place that knows the differences between PostgreSQL versions.
 *
 * barq builds on PostgreSQL 15 to 18. Everything that changed between them
 * and that barq touches is given one spelling here.
 */
#ifndef BARQ_COMPAT_H
#define BARQ_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "barq needs PostgreSQL 15 or later"
#endif

/* The VARSIZE family: part of postgres.h until 16 gave it its own header. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Written before the declaration, as 18 does; 18 dropped the older spelling. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

#endif							/* BARQ_COMPAT_H */
