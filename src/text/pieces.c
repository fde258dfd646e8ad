/*
 * pieces.c
 *	  What a tokenizer remembers of pieces of text. See pieces.h.
 */
#include "text/pieces.h"

#include "utils/memutils.h"

#define BLOCK_SIZE	(32 * 1024)
#define FIRST_SLOTS 1024

static void *
allocate(BarqPieces *pieces, Size size)
{
	void	   *result = MemoryContextAllocHuge(pieces->context, size);

	pieces->bytes += size;
	return result;
}

void
barq_pieces_init(BarqPieces *pieces, MemoryContext parent, Size limit)
{
	pieces->context = AllocSetContextCreate(parent, "barq pieces of text",
											ALLOCSET_DEFAULT_SIZES);
	pieces->limit = limit;
	pieces->slots = NULL;
	barq_pieces_forget(pieces);
}

void
barq_pieces_forget(BarqPieces *pieces)
{
	if (pieces->slots != NULL && pieces->count == 0)
		return;
	MemoryContextReset(pieces->context);
	pieces->bytes = 0;
	pieces->count = 0;
	pieces->mask = FIRST_SLOTS - 1;
	pieces->block_left = 0;
	pieces->slots = NULL;
	pieces->slots = allocate(pieces, FIRST_SLOTS * sizeof(BarqPieceSlot));
	memset(pieces->slots, 0, FIRST_SLOTS * sizeof(BarqPieceSlot));
}

static void
put_slot(BarqPieceSlot *slots, uint64 mask, uint64 hash, BarqPiece *piece)
{
	uint64		at = hash & mask;

	while (slots[at].piece != NULL)
		at = (at + 1) & mask;
	slots[at].hash = hash;
	slots[at].piece = piece;
}

static void
grow(BarqPieces *pieces)
{
	uint64		nslots = (pieces->mask + 1) * 2;
	BarqPieceSlot *slots = allocate(pieces, nslots * sizeof(BarqPieceSlot));

	memset(slots, 0, nslots * sizeof(BarqPieceSlot));
	for (uint64 i = 0; i <= pieces->mask; i++)
		if (pieces->slots[i].piece != NULL)
			put_slot(slots, nslots - 1, pieces->slots[i].hash, pieces->slots[i].piece);
	pfree(pieces->slots);
	pieces->bytes -= (pieces->mask + 1) * sizeof(BarqPieceSlot);
	pieces->slots = slots;
	pieces->mask = nslots - 1;
}

const BarqPiece *
barq_pieces_add(BarqPieces *pieces, const BarqPiece *like,
				const char *text, uint32 length, uint32 type)
{
	Size		terms_at = MAXALIGN(offsetof(BarqPiece, text) + length);
	Size		size = MAXALIGN(terms_at + like->nterms * sizeof(BarqPieceTerm));
	uint64		group = barq_hash_group(text, length);
	BarqPiece  *piece;

	Assert(length <= BARQ_PIECE_LONGEST);
	if (pieces->bytes + size > pieces->limit && pieces->count > 0)
		barq_pieces_forget(pieces);
	if (pieces->count > pieces->mask / 2)
		grow(pieces);
	if (size > BLOCK_SIZE / 8)
		piece = allocate(pieces, size);
	else
	{
		if (size > pieces->block_left)
		{
			pieces->block = allocate(pieces, BLOCK_SIZE);
			pieces->block_left = BLOCK_SIZE;
		}
		piece = (BarqPiece *) pieces->block;
		pieces->block += size;
		pieces->block_left -= size;
	}
	*piece = (BarqPiece) {
		.group = group,
		.length = length,
		.type = type,
		.advance = like->advance,
		.words = like->words,
		.nterms = like->nterms,
		.looks_ahead = like->looks_ahead,
		.terms = (BarqPieceTerm *) ((char *) piece + terms_at)
	};
	memcpy(piece->text, text, length);
	if (like->nterms > 0)
		memcpy(piece->terms, like->terms, like->nterms * sizeof(BarqPieceTerm));
	put_slot(pieces->slots, pieces->mask,
			 barq_piece_hash(group, text, length, type), piece);
	pieces->count++;
	return piece;
}
