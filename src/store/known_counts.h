/*
 * known_counts.h
 *	  Numbers that follow from the bytes of a snapshot's segments alone, such as how many rows
 *	  hold any of several words. The backend keeps them with the snapshot.
 */
#ifndef BARQ_KNOWN_COUNTS_H
#define BARQ_KNOWN_COUNTS_H

#include "store/snapshot.h"

/* Look up a number by a key of `length` bytes; false if it is not known. */
extern bool barq_known_count(const BarqSnapshot *snapshot, const void *key, uint32 length,
							 uint64 *count);

/* Keep a number that is not known. May forget others, so that all of them take 64 kB at most. */
extern void barq_known_count_keep(BarqSnapshot *snapshot, const void *key, uint32 length,
								  uint64 count);

#endif							/* BARQ_KNOWN_COUNTS_H */
