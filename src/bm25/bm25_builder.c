/*
 * bm25_builder.c
 *	  An inverted index in memory. Seals and CREATE INDEX fill it with documents
 *	  and write it as a body.
 *
 * Each term has a chain of chunks, each twice as large as the last, to which
 * postings are appended as varints: row - (previous row + 1), frequency,
 * differences of positions; with several fields a frequency for each. So a posting takes a few bytes, and a rare term
 * little space.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/interrupts.h"
#include "bm25/bm25_write.h"

#define FIRST_CHUNK		16		/* bytes */
#define LARGEST_CHUNK	(64 * 1024)
#define ARENA_BYTES		(1024 * 1024)

typedef struct Chunk
{
	struct Chunk *next;
	uint32		used;
	uint32		space;
	uint8		bytes[FLEXIBLE_ARRAY_MEMBER];
} Chunk;

typedef struct TermPostings
{
	Chunk	   *first;
	Chunk	   *last;
	uint32		df;
	uint32		next_row;		/* row of the last posting + 1 */

	/* in the document that is being added */
	uint32		frequency;		/* 0: the term has not occurred so far */
	uint32		first_token;	/* numbers of tokens */
	uint32		last_token;
} TermPostings;

struct BarqBm25Builder
{
	MemoryContext context;
	BarqTermTable *terms;
	uint32		nfields;
	bool		positions;

	TermPostings *postings;		/* by number of term */
	uint32		nterms;			/* elements of postings */
	uint32		used_terms;		/* terms that have postings */

	ItemPointerData *tids;
	uint32	   *lengths;		/* nfields for each row (bm25_write.h) */
	uint32		rows;
	uint32		row_space;
	bool		in_order;		/* TIDs came ascending */

	char	   *arena;			/* free space, from which chunks are cut */
	Size		arena_left;
	Size		bytes;			/* of all arenas */

	/* for the document that is being added */
	uint32	   *document;		/* its distinct terms */
	uint32		document_space;
	uint32	   *next_token;		/* by token: the next token of the same term */
	uint32		token_space;
	uint8	   *encoded;		/* a posting */
	Size		encoded_space;
};

BarqBm25Builder *
barq_bm25_builder_create(BarqTermTable *terms, uint32 nfields, bool positions,
						 MemoryContext context)
{
	BarqBm25Builder *b = MemoryContextAllocZero(context, sizeof(BarqBm25Builder));

	b->context = context;
	b->terms = terms;
	b->nfields = nfields;
	b->positions = positions;
	b->in_order = true;
	return b;
}

uint32
barq_bm25_builder_rows(const BarqBm25Builder *b)
{
	return b->rows;
}

Size
barq_bm25_builder_bytes(const BarqBm25Builder *b)
{
	return b->bytes + (Size) b->nterms * sizeof(TermPostings) +
		(Size) b->row_space * (sizeof(ItemPointerData) + b->nfields * sizeof(uint32));
}

/*
 * Grow an array of elements of `width` bytes, of which the first `have` are in
 * use, to at least `want` elements; updates *space and returns the array.
 * BARQ_ARRAY_RESERVE does not serve: the array is in the builder's context,
 * which is not current, and its new elements must be zero.
 */
static void *
grow(BarqBm25Builder *b, void *array, Size width, uint32 have, uint32 *space, uint32 want)
{
	Size		wanted = Max((Size) want, Max((Size) *space * 2, 256));

	wanted = Min(wanted, PG_UINT32_MAX);
	array = array == NULL ?
		MemoryContextAllocHuge(b->context, width * wanted) :
		repalloc_huge(array, width * wanted);
	memset((char *) array + width * have, 0, width * (wanted - have));
	*space = (uint32) wanted;
	return array;
}

/* Cut an empty chunk of `space` bytes from the arena. */
static Chunk *
new_chunk(BarqBm25Builder *b, uint32 space)
{
	Size		bytes = offsetof(Chunk, bytes) + space;
	Chunk	   *chunk;

	if (b->arena_left < bytes)
	{
		Size		take = Max(bytes, ARENA_BYTES);

		b->arena = MemoryContextAllocHuge(b->context, take);
		b->arena_left = take;
		b->bytes += take;
	}
	chunk = (Chunk *) b->arena;
	b->arena += MAXALIGN(bytes);
	b->arena_left -= Min(b->arena_left, MAXALIGN(bytes));
	chunk->next = NULL;
	chunk->used = 0;
	chunk->space = space;
	return chunk;
}

/* Append bytes to a term's chain of chunks. */
static void
append(BarqBm25Builder *b, TermPostings *p, const uint8 *bytes, Size length)
{
	while (length > 0)
	{
		uint32		here;

		if (p->last == NULL || p->last->used == p->last->space)
		{
			Chunk	   *chunk = new_chunk(b, p->last == NULL ? FIRST_CHUNK :
										  Min(p->last->space * 2, LARGEST_CHUNK));

			if (p->last == NULL)
				p->first = chunk;
			else
				p->last->next = chunk;
			p->last = chunk;
		}
		here = Min(length, p->last->space - p->last->used);
		memcpy(p->last->bytes + p->last->used, bytes, here);
		p->last->used += here;
		bytes += here;
		length -= here;
	}
}

/* Append a row: b->rows - 1 is its number then. lengths: nfields of them. */
static void
add_row(BarqBm25Builder *b, ItemPointer tid, const uint32 *lengths)
{
	if (b->rows >= PG_UINT32_MAX - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a segment cannot hold more than %u rows", PG_UINT32_MAX - 1)));
	if (b->rows == b->row_space)
	{
		uint32		space = b->row_space;

		b->tids = grow(b, b->tids, sizeof(ItemPointerData), b->rows, &space, b->rows + 1);
		b->lengths = grow(b, b->lengths, b->nfields * sizeof(uint32), b->rows, &b->row_space,
						  b->rows + 1);
	}
	if (b->rows > 0 && ItemPointerCompare(&b->tids[b->rows - 1], tid) >= 0)
		b->in_order = false;
	b->tids[b->rows] = *tid;
	memcpy(b->lengths + (Size) b->rows * b->nfields, lengths, b->nfields * sizeof(uint32));
	b->rows++;
}

/* The postings of a term; valid until the array grows. */
static TermPostings *
postings_of(BarqBm25Builder *b, uint32 term)
{
	if (unlikely(term >= b->nterms))
	{
		uint32		have = b->nterms;

		b->postings = grow(b, b->postings, sizeof(TermPostings), have, &b->nterms, term + 1);
	}
	return &b->postings[term];
}

/* Room for `bytes` of an encoded posting; earlier contents are lost. */
static uint8 *
encoding_space(BarqBm25Builder *b, Size bytes)
{
	if (unlikely(bytes > b->encoded_space))
	{
		if (b->encoded != NULL)
			pfree(b->encoded);
		b->encoded_space = Max(bytes, 1024);
		b->encoded = MemoryContextAllocHuge(b->context, b->encoded_space);
	}
	return b->encoded;
}

/*
 * Begin a posting of the last row: counts it and writes row and frequencies, one a field,
 * to out[]; returns the end.
 */
static uint8 *
begin_posting(BarqBm25Builder *b, TermPostings *p, uint8 *out, const uint32 *frequencies)
{
	if (p->df++ == 0)
		b->used_terms++;
	out = barq_varint_put(out, b->rows - 1 - p->next_row);
	p->next_row = b->rows;
	for (uint32 i = 0; i < b->nfields; i++)
		out = barq_varint_put(out, frequencies[i]);
	return out;
}

/* The field of a token by its number. */
static inline uint32
field_of_token(const BarqTokens *tokens, uint32 token)
{
	uint32		field = 0;

	while (token >= tokens->field_ends[field])
		field++;
	return field;
}

/* The frequencies of a chain of tokens in each field. */
static void
count_fields(const BarqBm25Builder *b, const TermPostings *p, const BarqTokens *tokens,
			 uint32 *frequencies)
{
	uint32		token = p->first_token;

	memset(frequencies, 0, b->nfields * sizeof(uint32));
	for (uint32 j = 0; j < p->frequency; j++)
	{
		frequencies[field_of_token(tokens, token)]++;
		if (j + 1 < p->frequency)
			token = b->next_token[token];
	}
}

void
barq_bm25_builder_add(BarqBm25Builder *b, ItemPointer tid, const BarqTokens *tokens)
{
	uint32		n = 0;

	if (tokens->ntokens > b->token_space)
		b->next_token = grow(b, b->next_token, sizeof(uint32), 0, &b->token_space,
							 tokens->ntokens);
	if (tokens->ntokens > b->document_space)
		b->document = grow(b, b->document, sizeof(uint32), 0, &b->document_space,
						   tokens->ntokens);

	/* chain the tokens of each term */
	for (uint32 i = 0; i < tokens->ntokens; i++)
	{
		uint32		term = tokens->tokens[i].term;
		TermPostings *p = postings_of(b, term);

		if (p->frequency++ == 0)
		{
			b->document[n++] = term;
			p->first_token = i;
		}
		else
			b->next_token[p->last_token] = i;
		p->last_token = i;
	}

	Assert(b->nfields == 1 ? tokens->nfields == 0 : tokens->nfields == b->nfields);
	add_row(b, tid, b->nfields == 1 ? &tokens->length : tokens->field_lengths);
	for (uint32 i = 0; i < n; i++)
	{
		TermPostings *p = &b->postings[b->document[i]];
		uint32		frequency = p->frequency;
		uint32		frequencies[BARQ_BM25_FIELDS] = {frequency};
		uint8	   *start = encoding_space(b, BARQ_MAX_VARINT *
										   (1 + b->nfields + (b->positions ? (Size) frequency : 0)));
		uint8	   *out;

		if (b->nfields > 1)
			count_fields(b, p, tokens, frequencies);
		out = begin_posting(b, p, start, frequencies);
		if (b->positions)
		{
			uint32		token = p->first_token;
			uint32		before = token;
			uint32		last = 0;

			for (uint32 j = 0; j < frequency; j++)
			{
				/* positions begin anew with each field */
				if (b->nfields > 1 && j > 0 &&
					field_of_token(tokens, token) != field_of_token(tokens, before))
					last = 0;
				before = token;
				out = barq_varint_put(out, tokens->tokens[token].position - last);
				last = tokens->tokens[token].position;
				if (j + 1 < frequency)
					token = b->next_token[token];
			}
		}
		append(b, p, start, out - start);
		p->frequency = 0;
	}
}

void
barq_bm25_builder_add_document(BarqBm25Builder *b, ItemPointer tid,
							   const char *document, uint32 length)
{
	BarqDocumentReader reader;

	barq_document_open(&reader, document, length);
	if (b->positions && (reader.header->flags & BARQ_DOCUMENT_POSITIONS) == 0)
		barq_bm25_corrupted("a document has no positions");
	if (reader.nfields != b->nfields)
		barq_bm25_corrupted("a document has another number of fields");
	add_row(b, tid, b->nfields == 1 ? &reader.header->length : reader.lengths);
	while (barq_document_next(&reader))
	{
		TermPostings *p = postings_of(b, barq_terms_intern(b->terms, reader.term,
														   reader.term_length));
		const uint8 *positions = b->positions ? reader.positions : NULL;
		Size		bytes = 0;
		uint8	   *start;
		uint8	   *out;

		/* the reader is behind the positions, which have the builder's form */
		if (positions != NULL)
			bytes = reader.at - positions;
		start = encoding_space(b, (1 + BARQ_BM25_FIELDS) * BARQ_MAX_VARINT + bytes);
		out = begin_posting(b, p, start, b->nfields == 1 ? &reader.frequency : reader.frequencies);
		if (bytes > 0)
			memcpy(out, positions, bytes);
		append(b, p, start, out + bytes - start);
	}
}

/* ---- writing ---- */

/* A reader of a chain of chunks. The caller knows how much there is to read. */
typedef struct ChainReader
{
	const Chunk *chunk;
	const uint8 *at;
	const uint8 *end;			/* of the chunk */
} ChainReader;

/* Go to the start of a chunk. */
static void
read_chain(ChainReader *reader, const Chunk *chunk)
{
	reader->chunk = chunk;
	reader->at = chunk->bytes;
	reader->end = chunk->bytes + chunk->used;
}

static inline uint8
next_byte(ChainReader *reader)
{
	while (unlikely(reader->at == reader->end))
		read_chain(reader, reader->chunk->next);
	return *reader->at++;
}

/* Read a varint. */
static inline uint64
next_number(ChainReader *reader)
{
	uint8		byte = next_byte(reader);
	uint64		value = byte & 0x7f;

	for (int shift = 7; byte >= 0x80; shift += 7)
	{
		byte = next_byte(reader);
		value |= (uint64) (byte & 0x7f) << shift;
	}
	return value;
}

typedef struct SortedTerm
{
	const char *text;
	uint32		length;
	uint32		term;
} SortedTerm;

/*
 * Orders for qsort(). They check for interrupts: sorts may be long, and an error
 * may leave qsort().
 */
static int
compare_sorted_terms(const void *a, const void *b)
{
	const SortedTerm *x = a;
	const SortedTerm *y = b;

	CHECK_FOR_INTERRUPTS();
	return barq_compare_terms(x->text, x->length, y->text, y->length);
}

/* A posting with the new number of its row. */
typedef struct Renumbered
{
	uint32		row;
	uint32		frequency;		/* in all fields */
	uint32		fields[BARQ_BM25_FIELDS];	/* of several */
	Size		positions;		/* offset of its encoded positions */
	Size		position_bytes;
} Renumbered;

static int
compare_renumbered(const void *a, const void *b)
{
	uint32		x = ((const Renumbered *) a)->row;
	uint32		y = ((const Renumbered *) b)->row;

	CHECK_FOR_INTERRUPTS();
	return x < y ? -1 : x > y;
}

typedef struct RowOrder
{
	ItemPointerData tid;
	uint32		row;
} RowOrder;

static int
compare_row_order(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return ItemPointerCompare((ItemPointer) & ((const RowOrder *) a)->tid,
							  (ItemPointer) & ((const RowOrder *) b)->tid);
}

/* Sort tids and lengths by TID; returns the new number of each row, palloc'd. */
static uint32 *
order_rows(BarqBm25Builder *b)
{
	RowOrder   *order = palloc_extended(sizeof(RowOrder) * (Size) b->rows, MCXT_ALLOC_HUGE);
	Size		width = b->nfields * sizeof(uint32);
	uint32	   *lengths = palloc_extended(width * (Size) b->rows, MCXT_ALLOC_HUGE);
	uint32	   *numbers = palloc_extended(sizeof(uint32) * (Size) b->rows, MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < b->rows; i++)
	{
		order[i].tid = b->tids[i];
		order[i].row = i;
	}
	qsort(order, b->rows, sizeof(RowOrder), compare_row_order);
	for (uint32 i = 0; i < b->rows; i++)
	{
		numbers[order[i].row] = i;
		memcpy(lengths + (Size) i * b->nfields, b->lengths + (Size) order[i].row * b->nfields, width);
		b->tids[i] = order[i].tid;
	}
	memcpy(b->lengths, lengths, width * (Size) b->rows);
	pfree(lengths);
	pfree(order);
	return numbers;
}

/*
 * Pass over *count varints, or as many as the chunk still has: *piece is their
 * start, their bytes are returned. *count: how many are left to pass over.
 */
static inline Size
next_piece(ChainReader *reader, uint64 *count, const uint8 **piece)
{
	uint64		left = *count;

	while (unlikely(reader->at == reader->end))
		read_chain(reader, reader->chunk->next);
	*piece = reader->at;
	while (reader->at < reader->end && left > 0)
		left -= *reader->at++ < 0x80;
	*count = left;
	return reader->at - *piece;
}

/* Read the frequencies of a posting, one a field, into fields[i * stride]; returns their sum. */
static inline uint32
next_frequencies(BarqBm25Builder *b, ChainReader *reader, uint32 *fields, Size stride)
{
	uint32		sum = 0;

	for (uint32 f = 0; f < b->nfields; f++)
		sum += fields[f * stride] = (uint32) next_number(reader);
	return sum;
}

/* Write the postings of one term, whose rows ascend. */
static void
write_in_order(BarqBm25Builder *b, Bm25Writer *writer, const TermPostings *p)
{
	ChainReader reader;
	uint32		next_row = 0;
	uint32		n;

	read_chain(&reader, p->first);
	for (uint32 done = 0; done < p->df; done += n)
	{
		uint32	   *rows;
		uint32	   *frequencies;

		n = barq_bm25_write_room(writer, &rows, &frequencies);
		n = Min(n, p->df - done);
		for (uint32 i = 0; i < n; i++)
		{
			rows[i] = next_row + (uint32) next_number(&reader);
			next_row = rows[i] + 1;
			frequencies[i] = b->nfields == 1 ? (uint32) next_number(&reader) :
				next_frequencies(b, &reader, barq_bm25_write_field(writer, 0) + i, BARQ_BM25_BLOCK);
			if (b->positions)
				for (uint64 left = frequencies[i]; left > 0;)
				{
					const uint8 *piece;
					Size		bytes = next_piece(&reader, &left, &piece);

					barq_bm25_write_positions(writer, piece, bytes);
				}
		}
		barq_bm25_write_postings(writer, n);
		if ((done / BARQ_BM25_BLOCK & 1023) == 1023)
			barq_check_interrupts();
	}
}

/*
 * Decode the postings of one term with the new numbers of their rows, and sort
 * them by these. Returns them, palloc'd; *positions: their encoded positions,
 * palloc'd, NULL if there are none.
 */
static Renumbered *
renumber(BarqBm25Builder *b, const TermPostings *p, const uint32 *numbers,
		 uint8 **positions)
{
	Renumbered *postings = palloc_extended(sizeof(Renumbered) * (Size) p->df, MCXT_ALLOC_HUGE);
	uint8	   *kept = NULL;
	Size		used = 0;
	Size		space = 0;
	uint32		next_row = 0;
	ChainReader reader;

	read_chain(&reader, p->first);
	for (uint32 i = 0; i < p->df; i++)
	{
		uint32		row = next_row + (uint32) next_number(&reader);

		if ((i & 0xffff) == 0xffff)
			barq_check_interrupts();
		next_row = row + 1;
		postings[i].row = numbers[row];
		postings[i].frequency = next_frequencies(b, &reader, postings[i].fields, 1);
		postings[i].positions = used;
		for (uint64 left = b->positions ? postings[i].frequency : 0; left > 0;)
		{
			const uint8 *piece;
			Size		bytes = next_piece(&reader, &left, &piece);

			BARQ_ARRAY_RESERVE(kept, space, used + bytes, 1024);
			memcpy(kept + used, piece, bytes);
			used += bytes;
		}
		postings[i].position_bytes = used - postings[i].positions;
	}
	qsort(postings, p->df, sizeof(Renumbered), compare_renumbered);
	*positions = kept;
	return postings;
}

/* Write the postings of one term, whose rows have got new numbers. */
static void
write_renumbered(BarqBm25Builder *b, Bm25Writer *writer, const TermPostings *p,
				 const uint32 *numbers)
{
	uint8	   *positions;
	Renumbered *postings = renumber(b, p, numbers, &positions);
	uint32		n;

	for (uint32 done = 0; done < p->df; done += n)
	{
		uint32	   *rows;
		uint32	   *frequencies;

		n = barq_bm25_write_room(writer, &rows, &frequencies);
		n = Min(n, p->df - done);
		for (uint32 i = 0; i < n; i++)
		{
			rows[i] = postings[done + i].row;
			frequencies[i] = postings[done + i].frequency;
			for (uint32 f = 0; f < b->nfields && b->nfields > 1; f++)
				barq_bm25_write_field(writer, f)[i] = postings[done + i].fields[f];
			if (postings[done + i].position_bytes > 0)
				barq_bm25_write_positions(writer, positions + postings[done + i].positions,
										  postings[done + i].position_bytes);
		}
		barq_bm25_write_postings(writer, n);
		if ((done / BARQ_BM25_BLOCK & 1023) == 1023)
			barq_check_interrupts();
	}
	pfree(postings);
	if (positions != NULL)
		pfree(positions);
}

void
barq_bm25_builder_write(BarqBm25Builder *b, BarqBodyWriter *body)
{
	SortedTerm *sorted = palloc_extended(sizeof(SortedTerm) * (Size) Max(b->used_terms, 1),
										 MCXT_ALLOC_HUGE);
	uint32	   *numbers = b->in_order ? NULL : order_rows(b);
	Bm25Writer *writer;
	uint32		n = 0;

	for (uint32 term = 0; term < b->nterms; term++)
		if (b->postings[term].df > 0)
		{
			sorted[n].term = term;
			sorted[n].text = barq_terms_text(b->terms, term, &sorted[n].length);
			n++;
		}
	Assert(n == b->used_terms);
	qsort(sorted, n, sizeof(SortedTerm), compare_sorted_terms);

	writer = barq_bm25_write_begin(body, b->rows, b->tids, b->lengths, b->nfields,
								   b->positions);
	for (uint32 i = 0; i < n; i++)
	{
		if ((i & 255) == 0)
			barq_check_interrupts();
		barq_bm25_write_term(writer, sorted[i].text, sorted[i].length);
		if (numbers == NULL)
			write_in_order(b, writer, &b->postings[sorted[i].term]);
		else
			write_renumbered(b, writer, &b->postings[sorted[i].term], numbers);
	}
	barq_bm25_write_end(writer);
	pfree(sorted);
	if (numbers != NULL)
		pfree(numbers);
}
