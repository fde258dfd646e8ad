/*
 * known_counts.c
 *	  A hash table of numbers in the memory of a snapshot.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "store/known_counts.h"
#include "utils/memutils.h"

#define BUCKETS		256
#define MOST_BYTES	(64 * 1024)

typedef struct KnownCount
{
	struct KnownCount *next;	/* in the same bucket */
	uint64		count;
	uint32		length;
	char		key[FLEXIBLE_ARRAY_MEMBER];
} KnownCount;

typedef struct BarqKnownCounts
{
	MemoryContext context;		/* of all of them */
	Size		bytes;
	KnownCount *buckets[BUCKETS];
} BarqKnownCounts;

static uint32
bucket_of(const void *key, uint32 length)
{
	return hash_bytes(key, (int) length) % BUCKETS;
}

bool
barq_known_count(const BarqSnapshot *snapshot, const void *key, uint32 length, uint64 *count)
{
	if (snapshot->counts == NULL)
		return false;
	for (const KnownCount *known = snapshot->counts->buckets[bucket_of(key, length)]; known != NULL;
		 known = known->next)
		if (known->length == length && memcmp(known->key, key, length) == 0)
		{
			*count = known->count;
			return true;
		}
	return false;
}

void
barq_known_count_keep(BarqSnapshot *snapshot, const void *key, uint32 length, uint64 count)
{
	BarqKnownCounts *counts = snapshot->counts;
	Size		bytes = offsetof(KnownCount, key) + length;
	KnownCount *known;
	KnownCount **bucket;

	if (bytes > MOST_BYTES / 4)
		return;
	if (counts == NULL)
	{
		counts = MemoryContextAllocZero(snapshot->context, sizeof(BarqKnownCounts));
		counts->context = AllocSetContextCreate(snapshot->context, "barq known counts",
												ALLOCSET_SMALL_SIZES);
		snapshot->counts = counts;
	}
	if (counts->bytes + bytes > MOST_BYTES)
	{
		MemoryContextReset(counts->context);
		memset(counts->buckets, 0, sizeof(counts->buckets));
		counts->bytes = 0;
	}
	known = MemoryContextAlloc(counts->context, bytes);
	known->count = count;
	known->length = length;
	memcpy(known->key, key, length);
	bucket = &counts->buckets[bucket_of(key, length)];
	known->next = *bucket;
	*bucket = known;
	counts->bytes += bytes;
}
