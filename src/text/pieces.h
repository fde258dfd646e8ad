/*
 * pieces.h
 *	  What a tokenizer remembers: the terms that a piece of text (a word of the
 *	  parser, or the bytes between two white spaces) gives.
 */
#ifndef BARQ_PIECES_H
#define BARQ_PIECES_H

#include "postgres.h"

#include "text/hash.h"

#define BARQ_PIECE_LONGEST	64	/* bytes of a piece worth remembering */

typedef struct BarqPieceTerm
{
	uint32		term;
	uint32 position : 31;		/* in the piece, from 1 */
	uint32 prefix : 1;			/* TSL_PREFIX: in a query, stands for what it begins */
} BarqPieceTerm;

typedef struct BarqPiece
{
	/* the key */
	uint64		group;			/* the first eight bytes */
	uint32		length;
	uint32		type;			/* of the parser's token; 0: between white spaces */

	/* what it gives */
	uint32		advance;		/* positions that it counts for */
	uint32		words;			/* that gave at least one term */
	uint32		nterms;
	bool		looks_ahead;	/* unknown without the next words */
	BarqPieceTerm *terms;		/* by position, a term once each */
	char		text[FLEXIBLE_ARRAY_MEMBER];	/* all of it */
} BarqPiece;

typedef struct BarqPieceSlot
{
	uint64		hash;
	BarqPiece  *piece;			/* NULL: empty */
} BarqPieceSlot;

/* Forgets everything when it takes more than its limit. */
typedef struct BarqPieces
{
	MemoryContext context;		/* its own */
	BarqPieceSlot *slots;
	uint64		mask;
	uint32		count;
	Size		bytes;
	Size		limit;
	char	   *block;
	Size		block_left;
} BarqPieces;

extern void barq_pieces_init(BarqPieces *pieces, MemoryContext parent, Size limit);
extern void barq_pieces_forget(BarqPieces *pieces);

/*
 * Remember a copy of `like` (with its terms) for a text, which is not
 * remembered yet and no longer than BARQ_PIECE_LONGEST. All pieces found
 * before may be gone afterwards.
 */
extern const BarqPiece *barq_pieces_add(BarqPieces *pieces, const BarqPiece *like,
										const char *text, uint32 length, uint32 type);

/* The piece of a text whose first group and hash are known, or NULL. */
static inline const BarqPiece *
barq_pieces_find_hashed(const BarqPieces *pieces, uint64 group, uint64 hash,
						const char *text, uint32 length, uint32 type)
{
	for (uint64 at = hash & pieces->mask;; at = (at + 1) & pieces->mask)
	{
		const BarqPieceSlot *slot = &pieces->slots[at];

		if (slot->piece == NULL)
			return NULL;
		if (slot->hash == hash && slot->piece->group == group &&
			slot->piece->length == length && slot->piece->type == type &&
			(length <= 8 || memcmp(slot->piece->text, text, length) == 0))
			return slot->piece;
	}
}

static inline uint64
barq_piece_hash(uint64 group, const char *text, uint32 length, uint32 type)
{
	return barq_text_hash_rest(group, text, length) + type * UINT64CONST(0x9e3779b97f4a7c15);
}

static inline const BarqPiece *
barq_pieces_find(const BarqPieces *pieces, const char *text, uint32 length, uint32 type)
{
	uint64		group = barq_hash_group(text, length);

	return barq_pieces_find_hashed(pieces, group, barq_piece_hash(group, text, length, type),
								   text, length, type);
}

#endif							/* BARQ_PIECES_H */
