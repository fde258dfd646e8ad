/*
 * term_table.c
 *	  A table of distinct terms. See term_table.h.
 *
 * A hash table with open addressing; its slots hold term numbers. Each term keeps
 * its hash, so that growing does not read the bytes. The bytes are in blocks that
 * never move.
 */
#include "text/term_table.h"

#include "text/hash.h"
#include "utils/memutils.h"

#define BLOCK_SIZE	(32 * 1024)
#define FIRST_SLOTS 1024
#define NO_TERM		PG_UINT32_MAX

typedef struct Term
{
	const char *text;
	uint32		length;
	uint32		hash;
} Term;

struct BarqTermTable
{
	MemoryContext context;
	Term	   *terms;
	uint32		count;
	uint32		space;
	uint32	   *slots;			/* a power of two, at most half in use */
	uint64		mask;
	char	   *block;			/* the free part of the last block */
	Size		block_left;
	Size		bytes;			/* allocated in total */
};

/* Allocate in the table's context and count the bytes. */
static void *
allocate(BarqTermTable *table, Size size)
{
	void	   *result = MemoryContextAllocHuge(table->context, size);

	table->bytes += size;
	return result;
}

BarqTermTable *
barq_terms_create(MemoryContext context)
{
	BarqTermTable *table = MemoryContextAllocZero(context, sizeof(BarqTermTable));

	table->context = context;
	table->bytes = sizeof(BarqTermTable);
	table->mask = FIRST_SLOTS - 1;
	table->slots = allocate(table, FIRST_SLOTS * sizeof(uint32));
	memset(table->slots, 0xff, FIRST_SLOTS * sizeof(uint32));
	table->space = FIRST_SLOTS / 2;
	table->terms = allocate(table, table->space * sizeof(Term));
	return table;
}

/*
 * Double the slots and the room for terms together. Not by BARQ_ARRAY_RESERVE: the
 * table counts its bytes, and slots have to be half empty.
 */
static void
grow(BarqTermTable *table)
{
	uint64		nslots = (table->mask + 1) * 2;
	uint64		space = nslots / 2;
	uint32	   *slots;
	Term	   *terms;

	if (space > (uint64) 1 << 31)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many distinct terms")));
	terms = allocate(table, space * sizeof(Term));
	memcpy(terms, table->terms, table->count * sizeof(Term));
	pfree(table->terms);
	table->bytes -= table->space * sizeof(Term);
	table->terms = terms;
	table->space = space;

	slots = allocate(table, nslots * sizeof(uint32));
	memset(slots, 0xff, nslots * sizeof(uint32));
	for (uint32 i = 0; i < table->count; i++)
	{
		uint64		at = terms[i].hash & (nslots - 1);

		while (slots[at] != NO_TERM)
			at = (at + 1) & (nslots - 1);
		slots[at] = i;
	}
	pfree(table->slots);
	table->bytes -= (table->mask + 1) * sizeof(uint32);
	table->slots = slots;
	table->mask = nslots - 1;
}

/* The slot of a term, or the empty one that it would take. */
static inline uint64
find_slot(const BarqTermTable *table, const char *text, uint32 length, uint32 hash)
{
	uint64		at = hash & table->mask;

	for (;; at = (at + 1) & table->mask)
	{
		uint32		i = table->slots[at];

		if (i == NO_TERM ||
			(table->terms[i].hash == hash && table->terms[i].length == length &&
			 memcmp(table->terms[i].text, text, length) == 0))
			return at;
	}
}

/* Copy the bytes of a term into the table. */
static const char *
keep_bytes(BarqTermTable *table, const char *text, uint32 length)
{
	char	   *copy;

	if (length > BLOCK_SIZE / 8)
		copy = allocate(table, length);
	else
	{
		if (table->block == NULL || length > table->block_left)
		{
			table->block = allocate(table, BLOCK_SIZE);
			table->block_left = BLOCK_SIZE;
		}
		copy = table->block;
		table->block += length;
		table->block_left -= length;
	}
	memcpy(copy, text, length);
	return copy;
}

uint32
barq_terms_intern(BarqTermTable *table, const char *text, uint32 length)
{
	uint32		hash = (uint32) barq_text_hash(text, length);
	uint64		at = find_slot(table, text, length, hash);
	Term	   *term;

	if (table->slots[at] != NO_TERM)
		return table->slots[at];
	if (table->count == table->space)
	{
		grow(table);
		at = find_slot(table, text, length, hash);
	}
	term = &table->terms[table->count];
	term->text = keep_bytes(table, text, length);
	term->length = length;
	term->hash = hash;
	table->slots[at] = table->count;
	return table->count++;
}

uint32
barq_terms_find(const BarqTermTable *table, const char *text, uint32 length)
{
	return table->slots[find_slot(table, text, length,
								  (uint32) barq_text_hash(text, length))];
}

const char *
barq_terms_text(const BarqTermTable *table, uint32 term, uint32 *length)
{
	Assert(term < table->count);
	*length = table->terms[term].length;
	return table->terms[term].text;
}

uint32
barq_terms_count(const BarqTermTable *table)
{
	return table->count;
}

Size
barq_terms_bytes(const BarqTermTable *table)
{
	return table->bytes;
}
