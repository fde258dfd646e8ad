/*
 * text_value.c
 *	  The terms of a value: text, varchar, or an array of text.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "catalog/pg_type.h"
#include "utils/array.h"

/* Append the terms of one text, detoasted. */
static void
add_text(BarqTokenizer *tokenizer, struct varlena *value, BarqTokens *tokens)
{
	barq_tokenize(tokenizer, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value),
				  BARQ_TEXT_ELEMENT_GAP, tokens);
}

void
barq_text_tokens(BarqTokenizer *tokenizer, Oid type, Datum value, BarqTokens *tokens)
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

char *
barq_text_document(const BarqTextAnalysis *analysis, Oid type, Datum value,
				   bool positions, uint32 *bytes)
{
	BarqTokenizer *tokenizer = barq_text_tokenizer(analysis);
	BarqTokens	tokens = {0};

	barq_text_tokens(tokenizer, type, value, &tokens);
	return barq_document_encode(barq_tokenizer_terms(tokenizer), &tokens, positions, bytes);
}
