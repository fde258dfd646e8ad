/*
 * bm25_check.c
 *	  The check of a body: order of rows, terms and positions, sums in headers,
 *	  maxima of blocks. Also the definition of barq_bm25_kind.
 *
 * A body that cannot be opened or read raises ERRCODE_INDEX_CORRUPTED; faults
 * inside of it are reported, up to MAX_REPORTS, and the check continues.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "bm25/bm25_cursor.h"
#include "utils/memutils.h"

#define MAX_REPORTS 20

typedef struct Check
{
	Bm25Body	body;
	BarqCheckReport report;
	void	   *arg;
	int			reports;
} Check;

/* Report a fault, unless there were enough. */
static void
complain(Check *check, const char *place, const char *message)
{
	if (check->reports++ < MAX_REPORTS)
		check->report(check->arg, place, message);
}

/* Check the lengths of the fields against their headers. */
static void
check_field_lengths(Check *check)
{
	const Bm25Body *body = &check->body;
	uint64		all = 0;

	for (uint32 f = 0; f < body->nfields; f++)
	{
		uint64		tokens = 0;
		uint32		longest = 0;
		uint32		nulls = 0;

		for (uint32 row = 0; row < body->view->rows; row++)
		{
			uint32		stored = barq_bm25_field_length(body, f, row);

			if ((row & 0xffff) == 0)
				barq_check_interrupts();
			nulls += stored == 0;
			tokens += stored == 0 ? 0 : stored - 1;
			longest = Max(longest, stored == 0 ? 0 : stored - 1);
		}
		if (tokens != body->fields[f].tokens || longest != body->fields[f].max_length ||
			nulls != body->fields[f].nulls)
			complain(check, psprintf("lengths of field %u", f + 1), "they differ from the header");
		all += tokens;
	}
	if (all != body->header.tokens)
		complain(check, "lengths", "their sum differs from the header");
}

/* Check the order of TIDs, and lengths against the header. */
static void
check_rows(Check *check)
{
	const Bm25Body *body = &check->body;
	uint64		tokens = 0;
	uint32		longest = 0;
	ItemPointerData last;

	for (uint32 row = 0; row < body->view->rows; row++)
	{
		ItemPointerData tid = barq_bm25_tid(body, row);
		uint32		length = body->nfields > 1 ? 0 : barq_bm25_length(body, row);

		if ((row & 0xffff) == 0)
			barq_check_interrupts();
		if (row > 0 && ItemPointerCompare(&last, &tid) >= 0)
			complain(check, psprintf("row %u", row), "TIDs of rows do not ascend");
		last = tid;
		tokens += length;
		longest = Max(longest, length);
	}
	if (body->nfields > 1)
	{
		check_field_lengths(check);
		return;
	}
	if (tokens != body->header.tokens)
		complain(check, "lengths", "their sum differs from the header");
	if (longest != body->header.max_length)
		complain(check, "lengths", "the largest differs from the header");
}

/* Whether one of the pairs bounds a posting. */
static bool
bounded(const Bm25Maxima *maxima, uint32 frequency, uint32 length)
{
	for (int i = 0; i < BM25_PAIRS && maxima->pairs[i].frequency > 0; i++)
		if ((maxima->pairs[i].frequency == BM25_FREQUENCY_ANY ||
			 frequency <= maxima->pairs[i].frequency) &&
			length >= maxima->pairs[i].length)
			return true;
	return false;
}

/* Check that maxima bound the current posting of several fields. */
static void
check_field_maxima(Check *check, const Bm25Entry *entry, const Bm25Cursor *cursor,
				   const char *name)
{
	const Bm25Body *body = &check->body;

	for (uint32 f = 0; f < body->nfields; f++)
	{
		const Bm25Maxima *block = barq_bm25_field_maxima(cursor, cursor->block, f);
		const Bm25Maxima *all = f == 0 ? &entry->maxima : &entry->field_maxima[f - 1];
		uint32		frequency = cursor->field_frequencies[f][cursor->at];
		uint32		stored;

		if (frequency == 0)
			continue;
		stored = barq_bm25_field_length(body, f, cursor->rows[cursor->at]);
		if (stored == 0)
			complain(check, name, "a posting is of a field that is NULL");
		else if (!bounded(block, frequency, stored - 1) || !bounded(all, frequency, stored - 1))
			complain(check, name, "a posting exceeds the maxima of its block");
	}
}

/* Whether the positions of the current posting ascend in each field. */
static bool
positions_ascend(Bm25Cursor *cursor)
{
	const uint32 *positions = barq_bm25_cursor_positions(cursor);
	uint32		end = 0;

	for (uint32 f = 0; f < cursor->nfields; f++)
	{
		uint32		first = end;

		end += cursor->nfields == 1 ? cursor->frequencies[cursor->at] :
			cursor->field_frequencies[f][cursor->at];
		for (uint32 i = first + 1; i < end; i++)
			if (positions[i] <= positions[i - 1])
				return false;
	}
	return true;
}

/* Check the postings of a term; name: the term in reports. */
static void
check_postings(Check *check, const Bm25Entry *entry, const char *name)
{
	const Bm25Body *body = &check->body;
	Bm25Cursor *cursor = palloc(barq_bm25_cursor_bytes(body->nfields));
	uint32		last = BM25_NO_ROW;

	barq_bm25_cursor_open_entry(cursor, body, entry);
	for (cursor->block = 0; cursor->block < cursor->nblocks; cursor->block++)
	{
		const Bm25Skip *skip = &cursor->skips[cursor->block];

		barq_check_interrupts();
		barq_bm25_cursor_load(cursor);
		barq_bm25_cursor_frequencies(cursor);
		for (; cursor->at < cursor->n; cursor->at++)
		{
			uint32		row = cursor->rows[cursor->at];
			uint32		frequency = cursor->frequencies[cursor->at];
			uint32		length = body->nfields > 1 ? 0 : barq_bm25_length(body, row);

			if (last != BM25_NO_ROW && row <= last)
				complain(check, name, "rows of its postings do not ascend");
			last = row;
			if (body->nfields > 1)
				check_field_maxima(check, entry, cursor, name);
			else if (!bounded(&skip->maxima, frequency, length) ||
					 !bounded(&entry->maxima, frequency, length))
				complain(check, name, "a posting exceeds the maxima of its block");
			if (body->positions && !positions_ascend(cursor))
				complain(check, name, "its positions do not ascend");
		}
	}
}

/* Check the dictionary against the footer, and the postings of all terms. */
static void
check_dictionary(Check *check)
{
	const Bm25Body *body = &check->body;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq check",
												  ALLOCSET_DEFAULT_SIZES);
	Bm25DictWalk walk;
	char	   *last = palloc(BM25_MAX_TERM);	/* the term before */
	uint32		last_length = 0;
	uint64		terms = 0;
	uint64		postings = 0;
	uint64		record = body->header.terms_off;

	barq_bm25_walk_begin(&walk, body, NULL, 0);
	while (barq_bm25_walk_next(&walk))
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		char	   *name = psprintf("term \"%.*s\"", (int) Min(walk.entry.length, 100), walk.text);

		if (terms > 0 &&
			barq_compare_terms(last, last_length, walk.text, walk.entry.length) >= 0)
			complain(check, name, "the dictionary is not in order here");
		if (walk.entry.record != record)
			complain(check, name, "its postings do not follow those of the previous term");
		record = walk.entry.record + walk.entry.record_bytes;
		check_postings(check, &walk.entry, name);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
		memcpy(last, walk.text, walk.entry.length);
		last_length = walk.entry.length;
		terms++;
		postings += walk.entry.df;
	}
	if (terms != body->footer.terms || postings != body->footer.postings)
		complain(check, "dictionary", "its numbers of terms or postings differ from the footer");
	if (record != body->footer.dictionary_off)
		complain(check, "dictionary", "it does not begin where the postings end");
	MemoryContextDelete(context);
}

/* BarqSegmentKind.check */
static void
check_body(BarqView *view, BarqCheckReport report, void *arg)
{
	Check		check = {.report = report, .arg = arg};

	barq_bm25_open(&check.body, view);
	check_rows(&check);
	check_dictionary(&check);
}

const BarqSegmentKind barq_bm25_kind = {
	.id = BARQ_KIND_BM25,
	.name = "bm25",
	.check = check_body
};
