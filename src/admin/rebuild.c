/*
 * rebuild.c
 *	  Which indexes should be built anew, and why: the column rebuild of
 *	  barq_indexes().
 */
#include "postgres.h"

#include "admin/admin.h"
#include "am/am.h"
#include "lib/stringinfo.h"
#include "text_index/text_index.h"
#include "utils/rel.h"

/* Add a reason to a text; the signature of BarqComplain. */
static void
add_reason(void *arg, const char *severity, const char *place, const char *message)
{
	StringInfo	reasons = arg;

	appendStringInfo(reasons, "%s%s", reasons->len > 0 ? "; " : "", message);
}

/* Why an index of this format is not read; NULL if it is. */
static char *
unread_format(uint32 format)
{
	if (format == 0)
		return pstrdup("has no valid metapage");
	if (format < BARQ_FORMAT_OLDEST)
		return psprintf("format version %u is no longer read, this library reads versions %d to %d",
						format, BARQ_FORMAT_OLDEST, BARQ_FORMAT_VERSION);
	if (format > BARQ_FORMAT_VERSION)
		return psprintf("format version %u is of a newer library, this one reads versions %d to %d",
						format, BARQ_FORMAT_OLDEST, BARQ_FORMAT_VERSION);
	return NULL;
}

/*
 * Why options in the metapage are not read: the message of the error that reading
 * them raises, with no lock or pin held; NULL if they are.
 */
static char *
unread_options(Relation index, const BarqFrozenOptions *options)
{
	MemoryContext context = CurrentMemoryContext;
	char *volatile reason = NULL;

	PG_TRY();
	{
		(void) barq_options_text(index, options);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_FEATURE_NOT_SUPPORTED)
			PG_RE_THROW();
		FlushErrorState();
		reason = error->message;
	}
	PG_END_TRY();
	return reason;
}

char *
barq_unread_reason(Relation index, uint32 format, BarqMeta *meta)
{
	char	   *reason = unread_format(format);

	if (reason != NULL)
		return reason;
	barq_meta_read(index, meta);
	return unread_options(index, &meta->options);
}

char *
barq_rebuild_reason(Relation index, const BarqFrozenOptions *built, const char *pending)
{
	StringInfoData reasons;

	initStringInfo(&reasons);
	if (!index->rd_index->indisvalid)
		add_reason(&reasons, NULL, NULL, BARQ_NOT_BUILT);
	if (pending != NULL)
		add_reason(&reasons, NULL, NULL, psprintf("options wait for REINDEX: %s", pending));
	if (barq_index_kind(built->index_kind) == &barq_bm25_index_kind)
		barq_check_configuration(index, barq_text_options(built), add_reason, &reasons);
	return reasons.len > 0 ? reasons.data : NULL;
}
