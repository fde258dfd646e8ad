/*
 * pieces.h
 *	  A tokenizer's cache from pieces of text (a word of the parser, or the bytes
 *	  between two white spaces) to their terms.
 *
 * Tokenising mostly waits for this memory, so it is small: a slot of eight bytes
 * and an entry of 16 bytes, eight a term, and the bytes of a piece that has more
 * than eight.
 */
#ifndef BARQ_PIECES_H
#define BARQ_PIECES_H

#include "postgres.h"

#include "text/hash.h"

#define BARQ_PIECE_LONGEST	64	/* bytes of a piece that is cached */

/* Limits of the bit fields of BarqPieceTerm. */
#define BARQ_PIECE_POSITIONS	((1 << 19) - 1)
#define BARQ_PIECE_VARIANTS		(1 << 11)

typedef struct BarqPieceTerm
{
	uint32		term;
	uint32 position : 19;		/* in the piece, from 1 */
	uint32 variant : 11;		/* of the word, see BarqClauseTerm */
	uint32 prefix : 1;			/* TSL_PREFIX: a prefix, in a query */
	uint32 again : 1;			/* at this position in an earlier variant, too */
} BarqPieceTerm;

/* The terms of a piece of text. */
typedef struct BarqPiece
{
	const BarqPieceTerm *terms; /* sorted by position and variant; distinct in each */
	uint32		nterms;
	uint32		advance;		/* number of positions */
	uint32		words;			/* number of words with at least one term */
	bool		looks_ahead;	/* terms depend on the next words: not known */
} BarqPiece;

/* A BarqPiece in the cache; its terms and, if it is long, its bytes follow. */
typedef struct BarqPieceEntry
{
	uint64		group;			/* the piece's first bytes: barq_hash_group() */
	uint32 length : 7;
	uint32 type : 24;			/* the parser's token type; 0: between white spaces */
	uint32 looks_ahead : 1;
	uint32 nterms : 12;
	uint32 advance : 10;
	uint32 words : 10;
} BarqPieceEntry;

StaticAssertDecl(sizeof(BarqPieceEntry) == 16, "entries of pieces take 16 bytes");

typedef struct BarqPieceSlot
{
	uint32		tag;			/* the upper half of the hash */
	uint32		at;				/* of the entry, in units of eight bytes; 0: empty */
} BarqPieceSlot;

/* The cache: a hash table with open addressing. Emptied when it exceeds its limit. */
typedef struct BarqPieces
{
	MemoryContext context;		/* of slots and entries */
	BarqPieceSlot *slots;		/* at most half of them in use */
	uint64		mask;			/* number of slots - 1; a power of two - 1 */
	uint32		count;
	char	   *entries;
	Size		used;			/* bytes of entries … */
	Size		space;			/* … allocated … */
	Size		limit;			/* … and at most used */
} BarqPieces;

/* An empty cache in `context`, of at most `limit` bytes of entries. */
extern void barq_pieces_init(BarqPieces *pieces, MemoryContext context, Size limit);

/* Empty the cache. */
extern void barq_pieces_forget(BarqPieces *pieces);

/* Bytes of memory that a cache takes. */
extern Size barq_pieces_bytes(const BarqPieces *pieces);

/*
 * Add the terms of a text that is not in the cache and no longer than
 * BARQ_PIECE_LONGEST; copies both. Pieces with more terms than an entry can count
 * are not added. Invalidates the terms of all pieces found before.
 */
extern void barq_pieces_add(BarqPieces *pieces, const BarqPiece *piece,
							const char *text, uint32 length, uint32 type);

/* The hash of a text and its type; group: barq_hash_group() of the text. */
static inline uint64
barq_piece_hash(uint64 group, const char *text, uint32 length, uint32 type)
{
	return barq_text_hash_rest(group, text, length) +
		type * UINT64CONST(0x9e3779b97f4a7c15);
}

/* The first entry with the tag of a hash, to be prefetched; or NULL. */
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

/*
 * Look up a text whose group and hash are known; false: it is not in the cache.
 * The piece's terms are valid until the next barq_pieces_add() or _forget().
 */
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

/*
 * Look up a text as barq_pieces_find_hashed() does, but compute its group and
 * hash first; false: it is not in the cache. The piece's terms are valid until
 * the next barq_pieces_add() or _forget().
 */
static inline bool
barq_pieces_find(const BarqPieces *pieces, const char *text, uint32 length,
				 uint32 type, BarqPiece *piece)
{
	uint64		group = barq_hash_group(text, length);

	return barq_pieces_find_hashed(pieces, group, barq_piece_hash(group, text, length, type),
								   text, length, type, piece);
}

#endif							/* BARQ_PIECES_H */
