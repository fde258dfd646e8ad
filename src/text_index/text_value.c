/*
 * text_value.c
 *	  The terms of a value: text, varchar, or an array of text; of the fields of a row.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/rel.h"

/* Append the terms of one text, detoasted. */
static void
add_text(BarqTokenizer *tokenizer, struct varlena *value, BarqTokens *tokens)
{
	barq_tokenize(tokenizer, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
				  BARQ_TEXT_ELEMENT_GAP, tokens);
}

/* Append the terms of a value: text, or an array of text by `type`. */
static void
add_value(BarqTokenizer *tokenizer, Oid type, Datum value, BarqTokens *tokens)
{
	if (type == TEXTARRAYOID)
	{
		ArrayType  *array = DatumGetArrayTypeP(value);
		ArrayIterator iterator = array_create_iterator(array, 0, NULL);
		Datum		element;
		bool		isnull;

		while (array_iterate(iterator, &element, &isnull))
			if (!isnull)
				add_text(tokenizer, PG_DETOAST_DATUM_PACKED(element), tokens);
		array_free_iterator(iterator);
	}
	else
		add_text(tokenizer, PG_DETOAST_DATUM_PACKED(value), tokens);
}

void
barq_text_row_from_index(Relation index, const BarqTextColumns *columns, const Datum *values,
						 const bool *isnull, BarqTextRow *row)
{
	row->nfields = columns->fields;
	for (int i = 0; i < columns->fields; i++)
	{
		int			column = columns->field_columns[i];

		row->types[i] = index->rd_opcintype[column];
		row->values[i] = values[column];
		row->isnull[i] = isnull[column];
	}
	row->language_type = InvalidOid;
	if (columns->language < 0)
		return;
	row->language_type = index->rd_opcintype[columns->language];
	row->language = values[columns->language];
	row->language_is_null = isnull[columns->language];
}

bool
barq_text_row_is_null(const BarqTextRow *row)
{
	for (int i = 0; i < row->nfields; i++)
		if (!row->isnull[i])
			return false;
	return true;
}

void
barq_text_field_tokens(BarqTokenizer *tokenizer, const BarqTextRow *row, int field, Oid mark,
					   BarqTokens *tokens)
{
	if (OidIsValid(mark))
		barq_text_add_mark(tokenizer, mark, tokens);
	if (!row->isnull[field])
		add_value(tokenizer, row->types[field], row->values[field], tokens);
	if (row->nfields > 1)
		barq_tokens_end_field(tokens, row->isnull[field]);
}

int
barq_text_marked_field(const BarqTextRow *row)
{
	if (!OidIsValid(row->language_type))
		return -1;
	for (int i = 0; i < row->nfields; i++)
		if (!row->isnull[i])
			return i;
	return -1;
}

void
barq_text_row_tokens(BarqTokenizer *tokenizer, Oid config, const BarqTextRow *row,
					 BarqTokens *tokens)
{
	int			marked = barq_text_marked_field(row);

	for (int i = 0; i < row->nfields; i++)
		barq_text_field_tokens(tokenizer, row, i, i == marked ? config : InvalidOid, tokens);
}

/*
 * barq_text_document() where fields have configurations of their own. Each tokenizer numbers
 * its terms, until the next one is asked for: the document has a table of its own.
 */
static char *
document_by_field(const BarqTextAnalysis *analysis, const BarqTextRow *row, bool positions,
				  uint32 *bytes)
{
	Oid			config = barq_text_language(row, analysis->config);
	int			marked = barq_text_marked_field(row);
	BarqTermTable *terms = barq_terms_create(CurrentMemoryContext);
	BarqTokens	tokens = {0};

	for (int i = 0; i < row->nfields; i++)
	{
		BarqTokenizer *tokenizer =
			barq_tokenizer_cached(OidIsValid(analysis->configs[i]) ? analysis->configs[i] : config,
								  analysis->tokenizer);
		uint32		before = tokens.ntokens;

		barq_text_field_tokens(tokenizer, row, i, i == marked ? config : InvalidOid, &tokens);
		for (uint32 j = before; j < tokens.ntokens; j++)
		{
			uint32		length;
			const char *text = barq_terms_text(barq_tokenizer_terms(tokenizer),
											   tokens.tokens[j].term, &length);

			tokens.tokens[j].term = barq_terms_intern(terms, text, length);
		}
	}
	return barq_document_encode(terms, &tokens, positions, bytes);
}

char *
barq_text_document(const BarqTextAnalysis *analysis, const BarqTextRow *row,
				   bool positions, uint32 *bytes)
{
	BarqTokens	tokens = {0};
	BarqTokenizer *tokenizer;
	Oid			config;

	if (analysis->by_field)
		return document_by_field(analysis, row, positions, bytes);
	config = barq_text_language(row, analysis->config);
	tokenizer = barq_tokenizer_cached(config, analysis->tokenizer);
	barq_text_row_tokens(tokenizer, config, row, &tokens);
	return barq_document_encode(barq_tokenizer_terms(tokenizer), &tokens, positions, bytes);
}
