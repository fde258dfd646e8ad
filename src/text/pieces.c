/*
 * pieces.c
 *	  A tokenizer's cache of pieces of text. See pieces.h.
 */
#include "text/pieces.h"

#include "base/array.h"
#include "utils/memutils.h"

#define FIRST_SLOTS		1024
#define FIRST_SPACE		(32 * 1024)

/* limits of the bit fields of BarqPieceEntry */
#define MOST_TERMS		((1 << 12) - 1)
#define MOST_POSITIONS	((1 << 10) - 1)

void
barq_pieces_init(BarqPieces *pieces, MemoryContext context, Size limit)
{
	memset(pieces, 0, sizeof(*pieces));
	pieces->context = context;
	pieces->limit = limit;
	barq_pieces_forget(pieces);
}

void
barq_pieces_forget(BarqPieces *pieces)
{
	BarqPieceSlot *slots;

	if (pieces->slots != NULL && pieces->count == 0)
		return;
	slots = MemoryContextAllocZero(pieces->context, FIRST_SLOTS * sizeof(BarqPieceSlot));
	if (pieces->slots != NULL)
		pfree(pieces->slots);
	pieces->slots = slots;
	pieces->mask = FIRST_SLOTS - 1;
	pieces->count = 0;
	if (pieces->entries != NULL)
		pfree(pieces->entries);
	pieces->entries = NULL;
	pieces->used = pieces->space = 0;
}

Size
barq_pieces_bytes(const BarqPieces *pieces)
{
	return pieces->space + (pieces->mask + 1) * sizeof(BarqPieceSlot);
}

/* Enter an entry into the first free slot for its hash. */
static void
put_slot(BarqPieceSlot *slots, uint64 mask, uint64 hash, uint32 at)
{
	uint64		i = hash & mask;

	while (slots[i].at != 0)
		i = (i + 1) & mask;
	slots[i] = (BarqPieceSlot) {(uint32) (hash >> 32), at};
}

/* Double the number of slots. Hashes are computed again from the entries. */
static void
grow_slots(BarqPieces *pieces)
{
	uint64		n = (pieces->mask + 1) * 2;
	BarqPieceSlot *slots = MemoryContextAllocHuge(pieces->context, n * sizeof(BarqPieceSlot));

	memset(slots, 0, n * sizeof(BarqPieceSlot));
	for (uint64 i = 0; i <= pieces->mask; i++)
	{
		const BarqPieceEntry *entry;
		const char *text;

		if (pieces->slots[i].at == 0)
			continue;
		entry = (const BarqPieceEntry *) (pieces->entries + (Size) pieces->slots[i].at * 8);
		text = (const char *) ((const BarqPieceTerm *) (entry + 1) + entry->nterms);
		put_slot(slots, n - 1,
				 barq_piece_hash(entry->group, text, entry->length, entry->type),
				 pieces->slots[i].at);
	}
	pfree(pieces->slots);
	pieces->slots = slots;
	pieces->mask = n - 1;
}

/* Make room for an entry of `size` bytes. */
static void
reserve_entry(BarqPieces *pieces, Size size)
{
	MemoryContext old = MemoryContextSwitchTo(pieces->context);

	if (pieces->entries == NULL)
		pieces->used = 8;		/* at 0: BarqPieceSlot.at == 0 means an empty slot */
	BARQ_ARRAY_RESERVE(pieces->entries, pieces->space, pieces->used + size, FIRST_SPACE);
	MemoryContextSwitchTo(old);
}

void
barq_pieces_add(BarqPieces *pieces, const BarqPiece *piece,
				const char *text, uint32 length, uint32 type)
{
	Size		terms_size = piece->nterms * sizeof(BarqPieceTerm);
	Size		size = sizeof(BarqPieceEntry) + terms_size + (length > 8 ? TYPEALIGN(8, length) : 0);
	BarqPieceEntry *entry;
	char	   *rest;

	Assert(length <= BARQ_PIECE_LONGEST);
	if (piece->nterms > MOST_TERMS || piece->advance > MOST_POSITIONS)
		return;
	if (pieces->used + size > pieces->limit)
		barq_pieces_forget(pieces);
	reserve_entry(pieces, size);
	if (pieces->count >= pieces->mask / 2)
		grow_slots(pieces);

	entry = (BarqPieceEntry *) (pieces->entries + pieces->used);
	*entry = (BarqPieceEntry) {
		.group = barq_hash_group(text, length),
		.length = length,
		.type = type,
		.looks_ahead = piece->looks_ahead,
		.nterms = piece->nterms,
		.advance = piece->advance,
		.words = piece->words
	};
	rest = (char *) (entry + 1);
	if (terms_size > 0)
		memcpy(rest, piece->terms, terms_size);
	if (length > 8)
		memcpy(rest + terms_size, text, length);
	put_slot(pieces->slots, pieces->mask,
			 barq_piece_hash(entry->group, text, length, type), pieces->used / 8);
	pieces->used += size;
	pieces->count++;
}
