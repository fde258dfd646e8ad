/*
 * pieces.h
 *	  What a tokenizer remembers: the terms that a piece of text (a word of the
 *	  parser, or the bytes between two white spaces) gives.
 *
 * Kept small, since most of tokenising is waiting for it: a slot of eight
 * bytes, and an entry of sixteen and eight a term, and the piece's bytes where
 * it has more than eight.
 */
#ifndef BARQ_PIECES_H
#define BARQ_PIECES_H

#include "postgres.h"

#include "text/hash.h"

#define BARQ_PIECE_LONGEST	64	/* bytes of a piece worth remembering */

/* What BarqPieceTerm has room for. */
#define BARQ_PIECE_POSITIONS	((1 << 19) - 1)
#define BARQ_PIECE_VARIANTS		(1 << 11)

typedef struct BarqPieceTerm
{
	uint32		term;
	uint32 position : 19;		/* in the piece, from 1 */
	uint32 variant : 11;		/* of the word: its terms belong together in a query */
	uint32 prefix : 1;			/* TSL_PREFIX: in a query, stands for what it begins */
	uint32 again : 1;			/* of an earlier variant too: a document has it once */
} BarqPieceTerm;

/* What a piece gives. */
typedef struct BarqPiece
{
	const BarqPieceTerm *terms; /* by position and variant, a term once each */
	uint32		nterms;
	uint32		advance;		/* positions that it counts for */
	uint32		words;			/* that gave at least one term */
	bool		looks_ahead;	/* unknown without the next words */
} BarqPiece;

/* The same as it is kept, its terms and its text behind it. */
typedef struct BarqPieceEntry
{
	uint64		group;			/* the first eight bytes */
	uint32 length : 7;
	uint32 type : 24;			/* of the parser's token; 0: between white spaces */
	uint32 looks_ahead : 1;
	uint32 nterms : 12;
	uint32 advance : 10;
	uint32 words : 10;
} BarqPieceEntry;

StaticAssertDecl(sizeof(BarqPieceEntry) == 16, "entries of pieces are small");

typedef struct BarqPieceSlot
{
	uint32		tag;			/* of the hash, what does not choose the slot */
	uint32		at;				/* of the entry, in units of eight bytes; 0: empty */
} BarqPieceSlot;

/* Forgets everything when it takes more than its limit. */
typedef struct BarqPieces
{
	MemoryContext context;
	BarqPieceSlot *slots;
	uint64		mask;
	uint32		count;
	char	   *entries;
	Size		used;
	Size		space;
	Size		limit;
} BarqPieces;

extern void barq_pieces_init(BarqPieces *pieces, MemoryContext context, Size limit);
extern void barq_pieces_forget(BarqPieces *pieces);
extern Size barq_pieces_bytes(const BarqPieces *pieces);

/*
 * Remember what a text gives, which is not remembered yet and no longer than
 * BARQ_PIECE_LONGEST. All pieces found before may be gone afterwards. (What
 * gives uncommonly much is not remembered.)
 */
extern void barq_pieces_add(BarqPieces *pieces, const BarqPiece *piece,
							const char *text, uint32 length, uint32 type);

static inline uint64
barq_piece_hash(uint64 group, const char *text, uint32 length, uint32 type)
{
	return barq_text_hash_rest(group, text, length) +
		type * UINT64CONST(0x9e3779b97f4a7c15);
}

/* The first entry that is likely to be the hash's, or NULL. */
static inline const BarqPieceEntry *
barq_pieces_guess(const BarqPieces *pieces, uint64 hash)
{
	for (uint64 i = hash & pieces->mask;; i = (i + 1) & pieces->mask)
	{
		BarqPieceSlot slot = pieces->slots[i];

		if (slot.at == 0)
			return NULL;
		if (slot.tag == (uint32) (hash >> 32))
			return (const BarqPieceEntry *) (pieces->entries + (Size) slot.at * 8);
	}
}

/* Whether a text is remembered, whose first group and hash are known. */
static inline bool
barq_pieces_find_hashed(const BarqPieces *pieces, uint64 group, uint64 hash,
						const char *text, uint32 length, uint32 type, BarqPiece *piece)
{
	for (uint64 i = hash & pieces->mask;; i = (i + 1) & pieces->mask)
	{
		BarqPieceSlot slot = pieces->slots[i];
		const BarqPieceEntry *entry;

		if (slot.at == 0)
			return false;
		if (slot.tag != (uint32) (hash >> 32))
			continue;
		entry = (const BarqPieceEntry *) (pieces->entries + (Size) slot.at * 8);
		piece->terms = (const BarqPieceTerm *) (entry + 1);
		if (entry->group == group && entry->length == length && entry->type == type &&
			(length <= 8 || memcmp(piece->terms + entry->nterms, text, length) == 0))
		{
			piece->nterms = entry->nterms;
			piece->advance = entry->advance;
			piece->words = entry->words;
			piece->looks_ahead = entry->looks_ahead;
			return true;
		}
	}
}

static inline bool
barq_pieces_find(const BarqPieces *pieces, const char *text, uint32 length,
				 uint32 type, BarqPiece *piece)
{
	uint64		group = barq_hash_group(text, length);

	return barq_pieces_find_hashed(pieces, group, barq_piece_hash(group, text, length, type),
								   text, length, type, piece);
}

#endif							/* BARQ_PIECES_H */
