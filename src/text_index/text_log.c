/*
 * text_log.c
 *	  The growing log of an index of text, searched as small segments in memory
 *	  ("minis"), which each backend makes of the log's documents and keeps.
 *
 * Full pages of the log no longer change, so a backend keeps their documents
 * with the snapshot. It puts every few hundred of them into a mini, a segment
 * like any other, and makes one of MINI_FANOUT that are about as large, so a document is
 * indexed once more each time that the log is MINI_FANOUT times as long. The documents left over, and those
 * of later pages, are scored one by one. Dead records match no query, but count
 * in the statistics as long as they are in the log.
 */
#include "postgres.h"

#include "base/array.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "store/filter_rows.h"
#include "store/growing.h"
#include "store/log_cache.h"
#include "store/view.h"
#include "store/writer.h"
#include "text_index/text_index.h"
#include "utils/memutils.h"

#define MINI_DOCUMENTS	256		/* of a mini, at least */
#define MINI_FANOUT		6
#define MINI_SEGMENTS	BARQ_LOG_BODIES

typedef struct Documents
{
	BarqLogRow *items;
	uint32		n;
	uint32		space;
} Documents;

struct BarqTextLog
{
	BarqLogCache *cache;		/* NULL: nothing (more) can be kept */
	int			nminis;			/* when it was opened: later calls add minis */
	BarqView	minis[MINI_SEGMENTS];
	Documents	rest;			/* not in any mini */

	/* while the log is walked */
	Documents	page;			/* of the page under way */
	bool		keyless;		/* the page has NULLs */
};

/* Append a document to an array in the current memory context; its bytes stay put. */
static void
add_document(Documents *documents, const BarqLogRow *document)
{
	BARQ_ARRAY_RESERVE(documents->items, documents->space, documents->n + 1, 64);
	documents->items[documents->n++] = *document;
}

/* BarqGrowingVisitor.record: collect the page's documents. */
static void
visit_record(void *arg, const BarqRecord *record)
{
	BarqTextLog *log = arg;
	BarqLogRow	document;
	char	   *payload;

	/* NULLs are no documents; keyless.h finds them */
	if (!record->keyed)
	{
		log->keyless = true;
		return;
	}
	document.tid = record->tid;
	document.dead = record->dead;
	document.filters = NULL;
	document.filter_bytes = record->filter_bytes;
	if (record->filters != NULL)
		document.filters = memcpy(palloc_extended(record->filter_bytes, MCXT_ALLOC_HUGE),
								  record->filters, record->filter_bytes);
	document.length = record->length;
	payload = MemoryContextAllocHuge(CurrentMemoryContext, Max(record->length, 1));
	memcpy(payload, record->payload, record->length);
	document.payload = payload;
	add_document(&log->page, &document);
}

/*
 * BarqGrowingVisitor.page_end: keep the page's documents in the cache if the page
 * is full, else only for this search. A later walk can begin with the next page
 * only if a record ended on this one: otherwise the page lies within a long
 * record.
 */
static void
visit_page_end(void *arg, BlockNumber next, uint64 next_generation)
{
	BarqTextLog *log = arg;

	if (log->page.n == 0 && !log->keyless)
		return;
	log->keyless = false;
	if (log->cache != NULL && next != InvalidBlockNumber &&
		barq_log_cache_add(log->cache, log->page.items, log->page.n, next, next_generation))
	{
		for (uint32 i = 0; i < log->page.n; i++)
			pfree(unconstify(char *, log->page.items[i].payload));
	}
	else
	{
		log->cache = NULL;		/* pages after this one cannot be kept either */
		for (uint32 i = 0; i < log->page.n; i++)
			add_document(&log->rest, &log->page.items[i]);
	}
	log->page.n = 0;
}

/*
 * Make mini number n of the cache, in place of those from there on, of all documents
 * behind the minis before it.
 */
static void
make_mini(BarqLogCache *cache, const BarqTextOptions *options, int columns, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq log segment",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqTermTable *terms = barq_terms_create(context);
	BarqBm25Builder *builder = barq_bm25_builder_create(terms, barq_text_nfields(options),
														options->positions != 0, context);
	BarqBodyWriter *writer = barq_body_begin_memory(64 * 1024);
	BarqFilterRows filters = {0};
	const char *body;
	uint64		bytes;

	for (uint32 i = barq_log_cache_end(cache, n); i < cache->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		barq_bm25_builder_add_document(builder, &cache->rows[i].tid, cache->rows[i].payload,
									   cache->rows[i].length);
		if (columns > 0)
			barq_filters_add(&filters, context, &cache->rows[i].tid, cache->rows[i].filters,
							 columns, false);
	}
	barq_bm25_builder_write(builder, writer);
	barq_filters_write(writer, columns, &filters);
	body = barq_body_finish(writer, &bytes);
	barq_log_cache_set_body(cache, n, body, bytes);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * The number of a new mini: behind all others, or in place of the last ones where
 * MINI_FANOUT - 1 of them have at most twice its documents, and then of more of them in
 * the same way. No side effects.
 */
static int
place_of_mini(const BarqLogCache *cache)
{
	int			n = cache->nbodies;

	for (;;)
	{
		uint32		documents = cache->nrows - barq_log_cache_end(cache, n);
		int			first = n;

		while (first > 0 && barq_log_cache_end(cache, first) -
			   barq_log_cache_end(cache, first - 1) <=
			   2 * documents)
			first--;
		if (n - first < MINI_FANOUT - 1 && n < MINI_SEGMENTS)
			return n;
		n = Min(first, n - 1);
	}
}

/* Bytes of the documents behind the first n minis, which a mini of them has at most. */
static uint64
bytes_behind(const BarqLogCache *cache, int n)
{
	uint64		bytes = 0;

	for (uint32 i = barq_log_cache_end(cache, n); i < cache->nrows; i++)
		bytes += cache->rows[i].length + cache->rows[i].filter_bytes;
	return bytes;
}

/* Once MINI_DOCUMENTS documents are in no mini, make one of them if it has room. */
static void
make_minis(BarqLogCache *cache, const BarqTextOptions *options, int columns)
{
	uint32		end = barq_log_cache_end(cache, cache->nbodies);
	int			n;

	Assert(end <= cache->nrows && cache->nbodies <= MINI_SEGMENTS);
	if (cache->nrows - end < MINI_DOCUMENTS)
		return;
	n = place_of_mini(cache);
	if (barq_log_cache_has_room(cache, bytes_behind(cache, n)))
		make_mini(cache, options, columns, n);
}

bool
barq_text_log_open(Relation index, BarqSnapshot *snapshot, const BarqMeta *meta,
				   BarqTextLog **result)
{
	BarqTextLog *log = palloc0(sizeof(BarqTextLog));
	BarqGrowingVisitor visitor = {NULL, visit_record, visit_page_end, log, NULL};
	BarqMeta	rest = *meta;
	BarqLogCache *cache;

	*result = log;
	if (meta->growing_head == InvalidBlockNumber)
		return true;
	cache = log->cache = barq_log_cache_get(snapshot, meta, 0);
	rest.growing_head = cache->next;
	rest.growing_head_generation = cache->next_generation;
	if (!barq_growing_walk(index, &rest, InvalidBlockNumber, &visitor))
		return false;
	make_minis(cache, barq_text_options(&meta->options), meta->options.filter_columns);

	log->nminis = cache->nbodies;
	for (int i = 0; i < cache->nbodies; i++)
		barq_view_init_memory(&log->minis[i], cache->bodies[i].body, cache->bodies[i].bytes);
	for (uint32 i = barq_log_cache_end(cache, cache->nbodies); i < cache->nrows; i++)
		add_document(&log->rest, &cache->rows[i]);
	for (uint32 i = 0; i < cache->ndead; i++)
		add_document(&log->rest, &cache->dead[i]);
	return true;
}

void
barq_text_log_totals(BarqTextLog *log, BarqBm25Totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	for (int i = 0; i < log->nminis; i++)
	{
		BarqBm25Totals mini;

		barq_bm25_totals(&log->minis[i], &mini);
		totals->documents += mini.documents;
		totals->tokens += mini.tokens;
		for (int f = 0; f < BARQ_BM25_FIELDS; f++)
			totals->field_tokens[f] += mini.field_tokens[f];
	}
	for (uint32 i = 0; i < log->rest.n; i++)
	{
		BarqDocumentReader reader;

		barq_document_open(&reader, log->rest.items[i].payload, log->rest.items[i].length);
		totals->documents++;
		totals->tokens += reader.header->length;
		if (reader.nfields == 1)
			totals->field_tokens[0] += reader.header->length;
		for (uint32 f = 0; f < reader.nfields && reader.nfields > 1; f++)
			totals->field_tokens[f] += reader.lengths[f] == 0 ? 0 : reader.lengths[f] - 1;
	}
}

/* Whether the term read last is in any of some fields (a bit each; 0: any). No side effects. */
static bool
is_in_fields(const BarqDocumentReader *reader, uint32 fields)
{
	if (fields == 0 || reader->nfields == 1)
		return true;
	for (uint32 f = 0; f < reader->nfields; f++)
		if ((fields >> f & 1) != 0 && reader->frequencies[f] > 0)
			return true;
	return false;
}

/*
 * Whether a document contains any of the n sorted terms in any of some fields in which the
 * term counts. Raises
 * ERRCODE_INDEX_CORRUPTED if it is damaged.
 */
static bool
document_has_any(const BarqLogRow *document, const BarqBm25Text *terms, uint32 n,
				 uint32 fields)
{
	BarqDocumentReader reader;
	uint32		at = 0;

	barq_document_open(&reader, document->payload, document->length);
	while (at < n && barq_document_next(&reader))
	{
		int			order = -1;

		while (at < n &&
			   (order = barq_compare_terms(terms[at].text, terms[at].length,
										   reader.term, reader.term_length)) < 0)
			at++;
		if (at < n && order == 0 &&
			is_in_fields(&reader, barq_bm25_both_fields(fields, terms[at].fields)))
			return true;
	}
	return false;
}

uint64
barq_text_log_df_any(BarqTextLog *log, const BarqBm25Text *terms, uint32 n, uint32 fields)
{
	uint64		df = 0;

	for (int i = 0; i < log->nminis; i++)
		df += barq_bm25_df_any(&log->minis[i], terms, n, fields);
	for (uint32 i = 0; i < log->rest.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		df += document_has_any(&log->rest.items[i], terms, n, fields);
	}
	return df;
}

uint64
barq_text_log_df(BarqTextLog *log, const char *text, uint32 length, uint32 fields)
{
	BarqBm25Text term = {.text = text, .length = length};
	uint64		df = 0;

	for (int i = 0; i < log->nminis; i++)
		df += barq_bm25_df(&log->minis[i], text, length, fields);
	for (uint32 i = 0; i < log->rest.n; i++)
		df += document_has_any(&log->rest.items[i], &term, 1, fields);
	return df;
}

void
barq_text_log_expand(BarqTextLog *log, const char *prefix, uint32 length, uint32 fields,
					 uint32 max, BarqTermVisitor visit, void *arg)
{
	for (int i = 0; i < log->nminis; i++)
		barq_bm25_expand(&log->minis[i], prefix, length, fields, max, visit, arg);
	for (uint32 i = 0; i < log->rest.n; i++)
	{
		BarqDocumentReader reader;

		CHECK_FOR_INTERRUPTS();
		barq_document_open(&reader, log->rest.items[i].payload, log->rest.items[i].length);
		while (barq_document_next(&reader))
		{
			int			order = memcmp(reader.term, prefix, Min(reader.term_length, length));

			if (order > 0)
				break;
			if (order == 0 && reader.term_length >= length && is_in_fields(&reader, fields))
				visit(arg, reader.term, reader.term_length, 1);
		}
	}
}

/*
 * The rows of a mini that do not satisfy a condition on filter columns, a bit for each in
 * the current memory context; NULL without a condition. False if all do not.
 */
static bool
rows_of_mini(const BarqFilterCondition *condition, BarqView *mini, const uint8 **skip)
{
	BarqRowFilter filter;

	*skip = NULL;
	if (condition == NULL)
		return true;
	barq_filter_rows(condition, mini, NULL, NULL, 0, true, &filter);
	*skip = filter.skip;
	return filter.count > 0;
}

/* Does a document satisfy a condition on filter columns? NULL: yes. */
static bool
satisfies(const BarqLogRow *document, const BarqFilterCondition *condition)
{
	return condition == NULL || document->filters == NULL ||
		barq_filter_admits_words(condition, document->filters);
}

void
barq_text_log_search(BarqTextLog *log, const BarqBm25Query *query,
					 const BarqFilterCondition *condition, BarqBm25Top *top, bool *recheck)
{
	for (int i = 0; i < log->nminis; i++)
	{
		const uint8 *skip;
		bool		unsure;

		if (!rows_of_mini(condition, &log->minis[i], &skip))
			continue;
		barq_bm25_search(&log->minis[i], query, skip, NULL, 0, top, &unsure);
		*recheck |= unsure;
	}
	for (uint32 i = 0; i < log->rest.n; i++)
	{
		BarqLogRow *document = &log->rest.items[i];
		double		score;
		bool		unsure;

		CHECK_FOR_INTERRUPTS();
		if (document->dead || !satisfies(document, condition) ||
			!barq_bm25_score_document(query, document->payload, document->length,
									  &score, &unsure))
			continue;
		*recheck |= unsure;
		barq_bm25_top_add(top, score, &document->tid);
	}
}

/* Call `visit` if a document is live and matches. */
static void
match_document(const BarqLogRow *document, const BarqBm25Query *query,
			   BarqRowsVisitor visit, void *arg)
{
	ItemPointerData tid = document->tid;
	BarqMatchedRows rows = {.n = 1, .tids = &tid, .words = document->filters};
	double		score;

	CHECK_FOR_INTERRUPTS();
	if (query == NULL)
		rows.recheck = true;
	if (!document->dead &&
		(query == NULL ||
		 barq_bm25_score_document(query, document->payload, document->length,
								  &score, &rows.recheck)))
		visit(arg, &rows);
}

void
barq_text_log_match(BarqTextLog *log, const BarqBm25Query *query,
					const BarqFilterCondition *condition, BarqRowsVisitor visit, void *arg)
{
	for (int i = 0; i < log->nminis; i++)
	{
		const uint8 *skip;

		if (rows_of_mini(condition, &log->minis[i], &skip))
			barq_bm25_match(&log->minis[i], query, skip, visit, arg);
	}
	if (query != NULL && query->nconditions == 0 && !query->scored)
		return;
	for (uint32 i = 0; i < log->rest.n; i++)
		if (satisfies(&log->rest.items[i], condition))
			match_document(&log->rest.items[i], query, visit, arg);
}

/* Whether a field (as a bit) of a document is NULL, where it has several. */
static bool
field_is_null(const BarqLogRow *document, uint32 field)
{
	BarqDocumentReader reader;

	barq_document_open(&reader, document->payload, document->length);
	return reader.nfields > 1 && reader.lengths[pg_rightmost_one_pos32(field)] == 0;
}

/*
 * Whether the document has score 0 and matches. *unsure: its text has to be
 * checked, because the query has a phrase and the index keeps no positions.
 * Raises ERRCODE_INDEX_CORRUPTED if the document is damaged.
 */
static bool
in_rest(const BarqBm25Rest *rest, const BarqLogRow *document, bool *unsure)
{
	double		score;
	bool		open;

	*unsure = false;
	if (rest->field != 0 && field_is_null(document, rest->field) != rest->nulls)
		return false;
	if (rest->ranking != NULL &&
		barq_bm25_score_document(rest->ranking, document->payload, document->length,
								 &score, &open))
	{
		if (!open)
			return false;
		*unsure = true;
	}
	for (uint32 i = 0; i < rest->nmatching; i++)
	{
		if (!barq_bm25_score_document(rest->matching[i], document->payload,
									  document->length, &score, &open))
			return false;
		*unsure |= open;
	}
	return true;
}

void
barq_text_log_rest(BarqTextLog *log, const BarqBm25Rest *rest,
				   const BarqFilterCondition *condition, BarqBm25Top *top)
{
	for (int i = 0; i < log->nminis; i++)
	{
		const uint8 *skip;

		if (rows_of_mini(condition, &log->minis[i], &skip))
			barq_bm25_rest(&log->minis[i], rest, skip, top);
	}
	for (uint32 i = 0; i < log->rest.n; i++)
	{
		BarqLogRow *document = &log->rest.items[i];
		bool		unsure;

		CHECK_FOR_INTERRUPTS();
		if (!document->dead && satisfies(document, condition) &&
			ItemPointerCompare(&document->tid, &top->after_tid) > 0 &&
			in_rest(rest, document, &unsure))
			barq_bm25_top_add_rest(top, &document->tid, unsure);
	}
}
