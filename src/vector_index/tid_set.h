/*
 * tid_set.h
 *	  A hash set of TIDs in memory (simplehash), for scan.c and its other files.
 */
#ifndef BARQ_TID_SET_H
#define BARQ_TID_SET_H

#include "common/hashfn.h"
#include "storage/itemptr.h"

typedef struct TidEntry
{
	ItemPointerData tid;
	char		status;
} TidEntry;

#define SH_PREFIX tidset
#define SH_ELEMENT_TYPE TidEntry
#define SH_KEY_TYPE ItemPointerData
#define SH_KEY tid
#define SH_HASH_KEY(table, key) \
	hash_bytes((const unsigned char *) &(key), sizeof(ItemPointerData))
#define SH_EQUAL(table, a, b) ItemPointerEquals(&(a), &(b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#endif							/* BARQ_TID_SET_H */
