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

#endif							/* BARQ_COMPAT_H */
