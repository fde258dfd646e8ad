/*
 * text_functions.c
 *	  SQL functions that show the terms of a text and the clauses of a query.
 */
#include "text/text_query.h"

#include "catalog/pg_type.h"
#include "base/compat.h"
#include "base/script.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

/*
 * A tokenizer kind by its name. Raises ERRCODE_INVALID_PARAMETER_VALUE for any
 * other name.
 */
static BarqTokenizerKind
tokenizer_kind(text *name)
{
	char	   *s = text_to_cstring(name);

	if (pg_strcasecmp(s, "config") == 0)
		return BARQ_TOKENIZER_CONFIG;
	if (pg_strcasecmp(s, "ngram") == 0)
		return BARQ_TOKENIZER_NGRAM;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown tokenizer \"%s\"", s),
			 errhint("Tokenizers are \"config\" and \"ngram\".")));
}

/*
 * barq_bm25_terms(body text, config regconfig, tokenizer text) → (term text,
 * position bigint), in the order of the text.
 */
PG_FUNCTION_INFO_V1(barq_bm25_terms);
Datum
barq_bm25_terms(PG_FUNCTION_ARGS)
{
	text	   *body = PG_GETARG_TEXT_PP(0);
	BarqTokenizer *tokenizer = barq_tokenizer_cached(PG_GETARG_OID(1),
													 tokenizer_kind(PG_GETARG_TEXT_PP(2)));
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BarqTokens	tokens = {0};

	barq_begin_rows(fcinfo, 2);
	barq_tokenize(tokenizer, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), 0, &tokens);
	for (uint32 i = 0; i < tokens.ntokens; i++)
	{
		uint32		length;
		const char *term = barq_terms_text(barq_tokenizer_terms(tokenizer),
										   tokens.tokens[i].term, &length);
		Datum		values[2];
		bool		nulls[2] = {false, false};

		values[0] = PointerGetDatum(cstring_to_text_with_len(term, length));
		values[1] = Int64GetDatum(tokens.tokens[i].position);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
		CHECK_FOR_INTERRUPTS();
	}
	if (tokens.tokens != NULL)
		pfree(tokens.tokens);
	return (Datum) 0;
}

/* Put a row for each clause; the clauses of a group follow it, one level deeper. */
static void
put_clauses(ReturnSetInfo *rsinfo, const BarqClause *clauses, uint32 n, int depth)
{
	static const char *const occurs[] = {"should", "must", "must not"};
	static const char *const kinds[] = {"word", "phrase", "group", "or"};

	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];
		uint32		m = Max(clause->nterms, 1);
		Datum	   *terms = palloc(m * sizeof(Datum));
		Datum	   *offsets = palloc(m * sizeof(Datum));
		Datum	   *variants = palloc(m * sizeof(Datum));
		Datum		values[7];
		bool		nulls[7] = {false};
		bool		prefix = clause->kind == BARQ_CLAUSE_WORD;

		for (uint32 j = 0; j < clause->nterms; j++)
		{
			const BarqClauseTerm *term = &clause->terms[j];

			prefix &= term->prefix;
			terms[j] = PointerGetDatum(cstring_to_text_with_len(term->text, term->length));
			offsets[j] = Int64GetDatum(term->offset);
			variants[j] = Int32GetDatum(term->variant + 1);
		}
		values[0] = CStringGetTextDatum(occurs[clause->occur]);
		values[1] = CStringGetTextDatum(prefix ? "prefix" : kinds[clause->kind]);
		values[2] = PointerGetDatum(construct_array(terms, clause->nterms, TEXTOID,
													-1, false, TYPALIGN_INT));
		values[3] = PointerGetDatum(construct_array(offsets, clause->nterms, INT8OID,
													sizeof(int64), true, TYPALIGN_DOUBLE));
		values[4] = PointerGetDatum(construct_array(variants, clause->nterms, INT4OID,
													sizeof(int32), true, TYPALIGN_INT));
		values[5] = Float8GetDatum(clause->boost);
		values[6] = Int32GetDatum(depth);
		for (int j = 2; j < 5 && clause->nclauses > 0; j++)
			nulls[j] = true;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		CHECK_FOR_INTERRUPTS();
		put_clauses(rsinfo, clause->clauses, clause->nclauses, depth + 1);
	}
}

/*
 * barq_bm25_clauses(query text, config regconfig, tokenizer text) -> (occur
 * text, kind text, terms text[], offsets bigint[], variants int[], boost float8,
 * depth int), one row for each clause.
 */
PG_FUNCTION_INFO_V1(barq_bm25_clauses);
Datum
barq_bm25_clauses(PG_FUNCTION_ARGS)
{
	text	   *query = PG_GETARG_TEXT_PP(0);
	BarqTokenizer *tokenizer = barq_tokenizer_cached(PG_GETARG_OID(1),
													 tokenizer_kind(PG_GETARG_TEXT_PP(2)));
	BarqTextQuery *parsed;

	barq_begin_rows(fcinfo, 7);
	parsed = barq_text_query_parse(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query), NULL,
								   tokenizer);
	put_clauses((ReturnSetInfo *) fcinfo->resultinfo, parsed->clauses, parsed->nclauses, 0);
	return (Datum) 0;
}

/* barq_bm25_escape(text) -> text: see barq_text_query_escape. */
PG_FUNCTION_INFO_V1(barq_bm25_escape);
Datum
barq_bm25_escape(PG_FUNCTION_ARGS)
{
	text	   *query = PG_GETARG_TEXT_PP(0);
	Size		length;
	char	   *escaped = barq_text_query_escape(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query),
												 &length);

	if (length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an escaped query takes %zu bytes, more than the limit of %zu",
						length, (Size) MaxAllocSize - VARHDRSZ)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(escaped, length));
}
