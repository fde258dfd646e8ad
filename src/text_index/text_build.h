/*
 * text_build.h
 *	  CREATE INDEX of text: a participant's share of the work.
 */
#ifndef BARQ_TEXT_BUILD_H
#define BARQ_TEXT_BUILD_H

#include "am/build.h"
#include "text_index/text_index.h"
#include "store/filters.h"
#include "store/keyless.h"
#include "store/work.h"

/* A run: the inverted index of some of the heap's rows, as a body. */
typedef struct BarqTextRun
{
	const char *body;
	uint64		bytes;
	BarqWork   *work;			/* the file that it lies in; NULL: memory */
} BarqTextRun;

/* The run that a worker leaves for the leader. */
typedef struct BarqSharedRun
{
	char		name[64];		/* of its file, in the index's image folder */
	uint64		offset;			/* of the body in it, */
	uint64		bytes;			/* and its length */
} BarqSharedRun;

/* Shared memory of leader and workers of a build of text (BarqBuildSharedOwn). */
typedef struct BarqTextBuildShared
{
	BarqSharedRun runs[BARQ_MAX_PARTICIPANTS];
} BarqTextBuildShared;

/* The tokenizer of one language of the rows of a build. */
typedef struct BarqBuildLanguage
{
	Oid			config;
	BarqTokenizer *tokenizer;
	uint32	   *numbers;		/* by term of the tokenizer: its number in BarqTextRuns.terms, */
	uint32		nnumbers;		/* or PG_UINT32_MAX */
	uint32		space;
} BarqBuildLanguage;

typedef struct BarqTextRuns
{
	Relation	index;
	BarqTextOptions options;
	BarqTextColumns columns;
	BarqFilterColumns filter_columns;
	BarqBuildShared *shared;	/* NULL: alone */
	Size		memory;			/* this participant's share of maintenance_work_mem, bytes */
	Size		limit;			/* bytes of memory before a run is written */
	MemoryContext tokens_context;
	MemoryContext builder_context;	/* reset with each run */
	BarqTextAnalysis analysis;
	BarqTokenizer *tokenizer;	/* of the index; NULL: rows or fields have languages */
	BarqBuildLanguage *languages;
	int			nlanguages;
	int			language_space;
	MemoryContext language_context; /* of tokenizers and their numbers */
	BarqTermTable *terms;		/* of the run, of all languages; in builder_context */
	BarqBm25Builder *builder;
	BarqTokens	tokens;
	BarqKeylessRows keyless;	/* of the run under way; in builder_context */
	BarqFilterRows filters;		/* likewise */
	Size		filter_bytes;	/* that these take */
	BarqTextRun *runs;
	int			nruns;
	int			space;			/* of runs */
	uint64		rows;
	uint64		reported;		/* rows in pg_stat_progress_create_index */
	double		heap_tuples;
} BarqTextRuns;

/*
 * Tokenise this participant's part of the heap into runs; `runs` need not be
 * initialised. shared: NULL without workers, as is `scan`. Runs lie in files of
 * the image directory or, without workers, in memory where that has no room. All
 * of it lives in the current memory context. Raises
 * ERRCODE_DISK_FULL if a build with workers has no room for the file of a run, and
 * errors of dictionaries.
 */
extern void barq_text_runs_scan(BarqTextRuns *runs, Relation heap, Relation index,
								IndexInfo *info, const BarqFrozenOptions *frozen,
								BarqBuildShared *shared, TableScanDesc scan, int participants);

/* ---- text_run_languages.c: the tokenizers of a participant ---- */

/* Set the tokenizer, or get ready for those of languages; in the current memory context. */
extern void barq_text_run_languages_begin(BarqTextRuns *runs);

/* Bytes of all tokenizers, their terms included. */
extern Size barq_text_run_languages_bytes(const BarqTextRuns *runs);

/* Empty the tokenizers; a run begins. */
extern void barq_text_run_languages_reset(BarqTextRuns *runs);

/* The table of terms of the run that begins. */
extern BarqTermTable *barq_text_run_languages_terms(BarqTextRuns *runs);

/*
 * Append the terms of a row, numbered as in that table. Conditions and errors of
 * barq_text_row_tokens() and barq_text_language().
 */
extern void barq_text_run_tokens(BarqTextRuns *runs, const BarqTextRow *row, BarqTokens *tokens);

/* ---- text_runs.c ---- */

/*
 * Merge a worker's runs into one and enter it in the shared memory of the build,
 * where the leader finds it. Raises ERRCODE_DISK_FULL if the run's file has no
 * room.
 */
extern void barq_text_runs_publish(BarqTextRuns *runs);

/*
 * barq_bm25_merge() whose memory beyond `memory` bytes is a file of the image
 * directory, or private memory where that has no room. Errors of both.
 */
extern void barq_text_merge(Relation index, BarqBodyWriter *writer, BarqMergeInput *inputs,
							int ninputs, Size memory);

/*
 * Merge n runs into a body, not finished yet; the caller releases it. id: the body is
 * written to the image file of that segment, or to memory where that has no room.
 * memory: bytes that numbers of rows may take before they are a file too.
 */
extern BarqBodyWriter *barq_text_merge_runs(Relation index, const uint8 *id,
											BarqTextRun *runs, int n, Size memory);

extern PGDLLEXPORT void barq_text_build_worker(dsm_segment *segment, shm_toc *toc);

#endif							/* BARQ_TEXT_BUILD_H */
