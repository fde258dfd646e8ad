/*
 * text_index.h
 *	  Declarations that the files of the access method barq_bm25 share: options,
 *	  a row's terms, queries bound to an index and its statistics, the growing log.
 */
#ifndef BARQ_TEXT_INDEX_H
#define BARQ_TEXT_INDEX_H

#include "am/am.h"
#include "am/filters.h"
#include "store/filter_rows.h"

#include "lifecycle/policy.h"
#include "nodes/pathnodes.h"
#include "bm25/bm25.h"
#include "text_index/bm25query.h"

/* Strategies of bm25_ops. */
#define BARQ_TEXT_SCORE_STRATEGY	1	/* <@>, ORDER BY */
#define BARQ_TEXT_MATCH_STRATEGY	2	/* @@@ */
#define BARQ_TEXT_THRESHOLD_STRATEGY	3	/* <@@: the score is below a bound */
#define BARQ_TEXT_GLOBAL_SCORE_STRATEGY	4	/* <@> bm25global, ORDER BY */
#define BARQ_TEXT_GLOBAL_MATCH_STRATEGY	5	/* @@@ bm25global */

/* Positions between the elements of an array, so that no phrase spans two. */
#define BARQ_TEXT_ELEMENT_GAP		100

/* Reloptions of barq_bm25 as parsed. */
typedef struct BarqTextReloptions
{
	BarqPolicyReloptions policy;
	int			text_config;	/* offset of a string, 0: not given */
	int			tokenizer;		/* BarqTokenizerKind */
	double		k1;
	double		b;
	bool		positions;
	int			combine;		/* BarqTextCombine */
} BarqTextReloptions;

/* How the scores of several fields are combined; on disk. */
typedef enum BarqTextCombine
{
	BARQ_COMBINE_BM25F = 0,		/* frequencies are added up, by weight */
	BARQ_COMBINE_BEST,			/* the largest of the fields' scores */
	BARQ_COMBINE_MOST			/* the sum of the fields' scores */
} BarqTextCombine;

/* Parameters of the operator class of a field (bm25_ops_options), as parsed. */
typedef struct BarqFieldParameters
{
	int32		vl_len_;
	double		weight;
	double		b;				/* negative: that of the index */
	int			name;			/* offset of a string; 0: the column's name */
	int			text_config;	/* likewise; 0: that of the index */
} BarqFieldParameters;

/* A field as its index was built, in millionths. */
typedef struct BarqTextFieldOptions
{
	uint32		weight;
	uint32		b;
} BarqTextFieldOptions;

#define BARQ_MILLIONTHS		1e6

/* BarqFrozenOptions.bytes of an index of text. */
typedef struct BarqTextOptions
{
	double		k1;
	double		b;
	uint16		tokenizer;		/* BarqTokenizerKind */
	uint16		positions;		/* 0 or 1 */

	/* the configuration that the index was built with (text_config.c) */
	uint32		config_fingerprint;
	uint64		system_identifier;	/* of the cluster in which `config` is an OID */
	Oid			config;
	uint32		nfields;		/* 0: one field, of weight 1 */
	char		config_schema[NAMEDATALEN];
	char		config_name[NAMEDATALEN];
	BarqTextFieldOptions fields[BARQ_BM25_FIELDS];	/* nfields of them, others are 0 */
	uint32		combine;		/* BarqTextCombine; 0 with one field */
	uint32		language;		/* the column of the language, from 1; 0: none */
	uint32		configs_fingerprint;	/* of fields that have configurations of their own; 0: none
										 * has (barq_text_field_configs_fingerprint) */
	uint32		reserved;
} BarqTextOptions;

/*
 * An index with nfields > 0 has the second version, one with another `combine` than BM25F
 * the third, one with a language the fourth, one with fields of other configurations the
 * fifth; earlier libraries refuse them.
 */
#define BARQ_TEXT_OPTIONS_VERSION 2
#define BARQ_TEXT_OPTIONS_FIELDS 3
#define BARQ_TEXT_OPTIONS_COMBINE 4
#define BARQ_TEXT_OPTIONS_LANGUAGE 5
#define BARQ_TEXT_OPTIONS_CONFIGS 6

StaticAssertDecl(sizeof(BarqTextOptions) == 248, "BarqTextOptions is on disk");
StaticAssertDecl(offsetof(BarqTextOptions, fields) == 168, "BarqTextOptions is on disk");

/* The number of fields of an index with these options. */
static inline uint32
barq_text_nfields(const BarqTextOptions *options)
{
	return Max(options->nfields, 1);
}

/* ---- text_options.c ---- */

/* Register the options; once, when the library is loaded. */
extern void barq_define_text_reloptions(void);

/*
 * amoptions: the parsed reloptions, palloc'd. With
 * `validate`, ERRCODE_INVALID_PARAMETER_VALUE for an unknown option or a bad
 * value.
 */
extern bytea *barq_text_reloptions(Datum reloptions, bool validate);

/*
 * Fill in *frozen from parsed reloptions (NULL: none were given), without the
 * configuration's fingerprint. Raises ERRCODE_INVALID_PARAMETER_VALUE if they
 * have no text_config, ERRCODE_INVALID_NAME if it is no name,
 * ERRCODE_UNDEFINED_OBJECT if that configuration does not exist,
 * ERRCODE_INVALID_OBJECT_DEFINITION if it is temporary and the index is not.
 */
extern void barq_text_freeze_options(Relation index, const void *reloptions,
									 BarqFrozenOptions *frozen);

/*
 * The OID of the configuration named in parsed reloptions; InvalidOid if none is
 * named or it does not exist.
 */
extern Oid	barq_text_config_given(const void *reloptions);

/*
 * Fill in *frozen for an index that is being built, from its own reloptions and
 * with the configuration's fingerprint. Records the dependency of the index on
 * this configuration, in place of all earlier ones. Raises the errors of
 * barq_text_freeze_options() and barq_text_config_depend().
 */
extern void barq_text_freeze_for_build(Relation index, BarqFrozenOptions *frozen);

/*
 * The options within *frozen. Raises ERRCODE_FEATURE_NOT_SUPPORTED if they are
 * of another kind of index or another version.
 */
extern const BarqTextOptions *barq_text_options(const BarqFrozenOptions *frozen);

/*
 * Whether a partition's index, with the options it was built with, makes other
 * terms or scores than the partitioned index requires (`wanted`, frozen from its
 * reloptions). If so, sets *differing and *wanted_differing to the differing
 * options of both, as text, palloc'd.
 */
extern bool barq_text_partition_differs(Relation leaf, const BarqFrozenOptions *built,
										Relation parent, const BarqFrozenOptions *wanted,
										char **differing, char **wanted_differing);

/* ---- text_fields.c: which columns of an index are fields ---- */

#define BARQ_TEXT_MOST_FIELDS	BARQ_BM25_FIELDS

/* Support functions: amoptsprocnum of fields; of a language column, which it marks as that. */
#define BARQ_TEXT_OPTIONS_PROC	1
#define BARQ_TEXT_LANGUAGE_PROC	2

/* The columns of an index of text, numbered from 0: fields, which are searched, and others. */
typedef struct BarqTextColumns
{
	int			fields;
	uint8		field_columns[BARQ_TEXT_MOST_FIELDS];	/* by field */
	int			filters;
	uint8		filter_columns[INDEX_MAX_KEYS]; /* by filter column */
	int8		field_of[INDEX_MAX_KEYS];	/* by column; -1: a filter column */
	int			language;		/* the column of the language, which is a filter column too;
								 * -1: none */
} BarqTextColumns;

/*
 * The columns of an index by their operator classes, as a build takes them. Raises
 * ERRCODE_TOO_MANY_COLUMNS above BARQ_TEXT_MOST_FIELDS fields,
 * ERRCODE_INVALID_OBJECT_DEFINITION for two languages.
 */
extern void barq_text_columns_of_classes(Relation index, BarqTextColumns *columns);

/*
 * The parameters of a field (its number) of an open index, palloc'd, from the catalog;
 * defaults where none were given.
 */
extern BarqFieldParameters *barq_text_field_parameters(Relation index, int field);

/*
 * The configurations that the fields of an open index have of their own, by field: InvalidOid
 * where a field has none, and in an index of one field. Returns whether any has. Raises
 * the errors of barq_text_config_named() if one does not exist.
 */
extern bool barq_text_field_configs(Relation index, Oid *configs);

/* A list of the configurations that exist of those that fields have of their own, a single one too. */
extern List *barq_text_own_configs(Relation index);

/* A hash of the fingerprints of configurations by field, 0 if there is none. */
extern uint32 barq_text_field_configs_fingerprint(const Oid *configs);

/*
 * The columns of an open index as it was built. An index of an earlier version, whose
 * metapage has no fields, has one: its first column.
 */
extern void barq_text_columns(Relation index, BarqTextColumns *columns);

/*
 * The names of the fields of an index in queries, in the current memory context: the
 * parameter `name`, else the column's present name, none of an expression. No names if it
 * has a single field. Locks the index with AccessShareLock.
 */
extern void barq_text_field_names(Oid index, BarqQueryFields *names);

/*
 * The field (a bit) of an index of text by its name, which a single field has too; 0 of an
 * index of one field. Locks the index with AccessShareLock. Raises ERRCODE_UNDEFINED_COLUMN,
 * with the names that there are.
 */
extern uint32 barq_text_field_named(Oid index, const char *name);

/* The filter columns among these. */
extern BarqFilterColumns barq_text_filters(const BarqTextColumns *columns);

/* ---- text_config.c: the text search configuration of an index ---- */

/*
 * The OID of a configuration by its name. A name without a schema is looked up
 * in pg_catalog: a dump is restored with an empty search_path, and from version
 * 17 on indexes are made with one. If there is none, InvalidOid with missing_ok;
 * else raises ERRCODE_UNDEFINED_OBJECT, or ERRCODE_INVALID_NAME if the text is
 * no name.
 */
extern Oid	barq_text_config_named(const char *name, bool missing_ok);

/*
 * The OID of a configuration by a name that an index or a row has, not a user of the moment:
 * without a check of rights to its schema, as an OID would find it. InvalidOid: there is none.
 */
extern Oid	barq_text_config_recorded(const char *name);

/*
 * Write the schema and the name of a configuration, at most NAMEDATALEN bytes
 * each. Returns false if it does not exist.
 */
extern bool barq_text_config_names(Oid config, char *schema, char *name);

/*
 * A hash of a configuration's parser, its mappings, and the templates and
 * options of its dictionaries; neither of names, nor of the content of a
 * dictionary's files.
 */
extern uint32 barq_text_config_fingerprint(Oid config);

/*
 * OIDs of the configurations that an index depends on by pg_depend, palloc'd.
 * PostgreSQL's own are pinned and never recorded.
 */
extern List *barq_text_config_dependencies(Oid index);

/*
 * Make an index depend on these configurations (InvalidOid is passed over) and
 * on no others. Takes AccessShareLock on the added ones, until the end of the
 * transaction; raises ERRCODE_UNDEFINED_OBJECT if one was dropped concurrently.
 */
extern void barq_text_config_depend(Oid index, List *configs);

/*
 * The OID of the configuration that an index was built with; InvalidOid if it is
 * gone. A backend looks it up once, until the index or configurations change;
 * the lookup may invalidate the relcache.
 */
extern Oid	barq_text_config_of(Oid index, const BarqTextOptions *options);

/* Relcache callback: forget the configuration found for an index (InvalidOid: all). */
extern void barq_text_config_forget(Oid index);

/*
 * A number that rises with each change of configurations or dictionaries in the catalog, of
 * which this backend has heard.
 */
extern uint64 barq_text_config_generation(void);

/* Any configuration with a fingerprint, or InvalidOid. Scans pg_ts_config. */
extern Oid	barq_text_config_with_fingerprint(uint32 fingerprint);

/* The settings by which an index turns texts into terms. */
typedef struct BarqTextAnalysis
{
	Oid			config;			/* of rows without a language of their own */
	BarqTokenizerKind tokenizer;
	bool		by_row;			/* a row may have a language */
	bool		by_field;		/* a field may have a configuration: */
	Oid			configs[BARQ_BM25_FIELDS];	/* by field; InvalidOid: it has none of its own */
} BarqTextAnalysis;

/*
 * The settings of an index with these options. `options` must not be in the
 * relcache, which the lookup may invalidate. Raises ERRCODE_UNDEFINED_OBJECT if
 * the configuration was dropped.
 */
extern BarqTextAnalysis barq_text_analysis(Oid index, const BarqTextOptions *options);

/*
 * The settings of an open index, by the options on its metapage. Raises
 * ERRCODE_UNDEFINED_OBJECT if the configuration was dropped.
 */
extern BarqTextAnalysis barq_text_analysis_of(Relation index);

/*
 * The tokenizer for these settings, owned by the backend. Term numbers are valid
 * until the next call. Raises ERRCODE_UNDEFINED_OBJECT if the configuration does
 * not exist.
 */
#define barq_text_tokenizer(analysis) \
	barq_tokenizer_cached((analysis)->config, (analysis)->tokenizer)

/* ---- text_kind.c ---- */

extern const BarqIndexKind barq_bm25_index_kind;

/* ---- text_value.c: the terms of a value of an indexed type ---- */

/* The values of the fields of a row. */
typedef struct BarqTextRow
{
	int			nfields;
	Oid			types[BARQ_BM25_FIELDS];	/* TEXTOID or TEXTARRAYOID */
	Datum		values[BARQ_BM25_FIELDS];
	bool		isnull[BARQ_BM25_FIELDS];
	Oid			language_type;	/* REGCONFIGOID or TEXTOID; InvalidOid: the index has none */
	Datum		language;
	bool		language_is_null;
} BarqTextRow;

/* The fields of a row from the values of an index's columns, as aminsert gets them. */
extern void barq_text_row_from_index(Relation index, const BarqTextColumns *columns,
									 const Datum *values, const bool *isnull, BarqTextRow *row);

/* Whether all fields of a row are NULL. No side effects. */
extern bool barq_text_row_is_null(const BarqTextRow *row);

/*
 * Append the terms of a field of a row to *tokens, if it is not NULL, and end the field; with
 * the conditions and errors of barq_tokenize(). mark: the configuration whose mark goes
 * before them; InvalidOid: none.
 */
extern void barq_text_field_tokens(BarqTokenizer *tokenizer, const BarqTextRow *row, int field,
								   Oid mark, BarqTokens *tokens);

/*
 * The field that has the mark of its row's language: the first that is not NULL. -1: none,
 * or the index has no languages. No side effects.
 */
extern int	barq_text_marked_field(const BarqTextRow *row);

/*
 * Append the terms of all fields of a row, all by one tokenizer, to *tokens, which are empty,
 * with the conditions and errors of barq_tokenize(). config: that of the tokenizer, whose
 * mark a row of an index with a language gets.
 */
extern void barq_text_row_tokens(BarqTokenizer *tokenizer, Oid config, const BarqTextRow *row,
								 BarqTokens *tokens);

/*
 * The document (text/document.h) of a row, palloc'd; *bytes receives its size.
 * Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED if it has too many terms or bytes, and
 * errors of dictionaries; the caller holds no buffer lock.
 */
extern char *barq_text_document(const BarqTextAnalysis *analysis, const BarqTextRow *row,
								bool positions, uint32 *bytes);

/* ---- text_language.c: a language for each row ---- */

/* Whether a column (from 0) of an open index is the language of its rows. */
extern bool barq_text_is_language(Relation index, int column);

/*
 * The configuration of a row's language, or `otherwise` if it has none. Raises
 * ERRCODE_UNDEFINED_OBJECT, with the value, if that does not exist. A name without a schema
 * is PostgreSQL's own, as in text_config.
 */
extern Oid	barq_text_language(const BarqTextRow *row, Oid otherwise);

/*
 * Set the configuration by which a text is read that is no row of an index: `language`, as a
 * regconfig is written; NULL: leave it. Raises ERRCODE_INVALID_PARAMETER_VALUE if the index has
 * no languages, ERRCODE_UNDEFINED_OBJECT if this one does not exist.
 */
extern void barq_text_set_language(Oid index, const char *language, BarqTextAnalysis *analysis);

/* Append the mark of a configuration to the tokens of a row, at the start of a field. */
extern void barq_text_add_mark(BarqTokenizer *tokenizer, Oid config, BarqTokens *tokens);

/* Raise ERRCODE_FEATURE_NOT_SUPPORTED: a text is searched without its language. */
pg_noreturn extern void barq_text_raise_no_row(Oid index);

/* ---- text_log.c: the growing log, as small segments in memory ---- */

typedef struct BarqTextLog BarqTextLog;

/*
 * Read the log that belongs to a snapshot. False: the log was sealed meanwhile;
 * start again from the metapage. *log lives in the current memory context, and
 * is valid no longer than the snapshot.
 */
extern bool barq_text_log_open(Relation index, BarqSnapshot *snapshot, const BarqMeta *meta,
							   BarqTextLog **log);

/*
 * What the functions of a segment with these names (bm25/bm25.h) return, for the
 * log. *recheck is set, never reset, where a phrase could not be decided without
 * positions. `condition` is on filter columns, or NULL.
 */
extern void barq_text_log_totals(BarqTextLog *log, BarqBm25Totals *totals);
extern uint64 barq_text_log_df(BarqTextLog *log, const char *text, uint32 length,
							   uint32 fields);
extern uint64 barq_text_log_df_any(BarqTextLog *log, const BarqBm25Text *terms, uint32 n,
								   uint32 fields);
extern void barq_text_log_expand(BarqTextLog *log, const char *prefix, uint32 length,
								 uint32 fields, uint32 max, BarqTermVisitor visit, void *arg);
extern void barq_text_log_search(BarqTextLog *log, const BarqBm25Query *query,
								 const BarqFilterCondition *condition,
								 BarqBm25Top *top, bool *recheck);
extern void barq_text_log_match(BarqTextLog *log, const BarqBm25Query *query,
								const BarqFilterCondition *condition, BarqRowsVisitor visit, void *arg);
extern void barq_text_log_rest(BarqTextLog *log, const BarqBm25Rest *rest,
							   const BarqFilterCondition *condition, BarqBm25Top *top);

/* ---- text_state.c: an index at one moment, for one search ---- */

/*
 * The segments and the log of an index; lives in the memory context of the
 * search.
 */
typedef struct BarqTextState
{
	Relation	index;
	BarqMeta	meta;
	BarqSnapshot *snapshot;
	BarqView   *views;			/* of each segment of the snapshot */
	BarqTextLog *log;
} BarqTextState;

/*
 * Open a state of an index and call `work` with it; again from the start if a
 * page that `work` read was reused meanwhile. So `work` may be called several
 * times and must start anew each time. It runs in a memory context that is
 * deleted afterwards. The caller holds a lock on the index, and no buffer lock.
 */
typedef void (*BarqTextWork) (BarqTextState *state, void *arg);
extern void barq_text_with_state(Relation index, BarqTextWork work, void *arg);

/* ---- text_language.c: the languages in use ---- */

typedef struct BarqLanguageMark
{
	BarqBm25Text text;
	uint32		language;		/* number of its configuration */
} BarqLanguageMark;

/* The languages of an index's rows: at least one. */
typedef struct BarqTextLanguages
{
	uint32		n;
	Oid			configs[BARQ_QUERY_MOST_LANGUAGES];
	uint32		nmarks;			/* a configuration that was altered or renamed has several */
	BarqLanguageMark *marks;
} BarqTextLanguages;

/* Raise ERRCODE_PROGRAM_LIMIT_EXCEEDED: above BARQ_QUERY_MOST_LANGUAGES. */
pg_noreturn extern void barq_text_raise_languages(void);

/*
 * Called for each mark of an index's documents: the name that it has, palloc'd, and the
 * configuration that it means (InvalidOid: none). altered: that of the name makes other
 * terms now.
 */
typedef void (*BarqLanguageVisitor) (void *arg, const char *name, Oid config, bool altered);
extern void barq_text_languages_visit(Relation index, BarqLanguageVisitor visit, void *arg);

/* Add the marks of a state's documents, dead ones included, to a table. */
extern void barq_text_languages_collect(BarqTextState *state, BarqTermTable *table);

/*
 * The languages of marks, in the current memory context; those whose configuration was
 * dropped are left out. otherwise: the only one if none is left. Raises
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above BARQ_QUERY_MOST_LANGUAGES.
 */
extern void barq_text_languages_resolve(const BarqTermTable *table, Oid otherwise,
										BarqTextLanguages *languages);

/* ---- text_statistics.c ---- */

typedef struct BarqTextStatistics BarqTextStatistics;

/*
 * The settings by which an index of barq_bm25 turns texts into terms; those of
 * the first built partition of a partitioned index. Reads no content and checks
 * no rights. Keeps AccessShareLock on the index and its partitions. Raises
 * ERRCODE_WRONG_OBJECT_TYPE or ERRCODE_UNDEFINED_OBJECT if the OID is no
 * barq_bm25 index (barq_raise_not_an_index),
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if no index is built,
 * ERRCODE_UNDEFINED_OBJECT if the configuration was dropped.
 */
extern BarqTextAnalysis barq_text_index_analysis(Oid index);

/*
 * Statistics of an index (of all partitions of a partitioned one). The first
 * call of a statement gathers them; later calls with the same `owner`, the
 * memory context of the statement's executor state, return the same ones. They
 * live in `owner`. Keeps AccessShareLock on the index and its partitions. The
 * caller has checked the right to the index's content. Raises the errors of
 * barq_text_index_analysis(), and ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if a
 * partition was built with other options than the partitioned index.
 */
extern BarqTextStatistics *barq_text_statistics(Oid index, MemoryContext owner);
extern const BarqTextOptions *barq_text_statistics_options(BarqTextStatistics *statistics);
extern const BarqTextAnalysis *barq_text_statistics_analysis(BarqTextStatistics *statistics);
/* Of several fields: how each of them counts; owned by the statistics. */
extern const BarqBm25Field *barq_text_statistics_fields(BarqTextStatistics *statistics);

/* The languages of the rows; NULL: the index has no language column. */
extern const BarqTextLanguages *barq_text_statistics_languages(BarqTextStatistics *statistics);

/* Likewise, their names in queries. */
extern const BarqQueryFields *barq_text_statistics_names(BarqTextStatistics *statistics);
extern void barq_text_statistics_totals(BarqTextStatistics *statistics, BarqBm25Totals *totals);

/* ---- text_frequencies.c ---- */

/*
 * The number of documents with a term in any of some fields (a bit each; 0: any); at most
 * the number of documents. The first call for a term reads the index, with
 * AccessShareLock on each leaf meanwhile; the caller holds no buffer lock.
 */
extern uint64 barq_text_statistics_df(BarqTextStatistics *statistics,
									  const char *text, uint32 length, uint32 fields);

/*
 * Set the weights of those terms of a query whose boost is not 0, as idf ·
 * (k1 + 1) · boost with the k1 of the query, and the expansions of those that are prefixes. The
 * expansions belong to the statistics.
 */
extern void barq_text_statistics_weigh(BarqTextStatistics *statistics, BarqBm25Term *terms,
									   const double *boosts, uint32 n, double k1);

/* ---- text_bind.c ---- */

/*
 * Bind queries to statistics: `score`, the query of a <@> (NULL: nothing is
 * scored), and `matches`, the queries of @@@, all of which a row has to match.
 * The result is palloc'd, except for expansions of prefixes, which the statistics
 * own. k1 and b are those of `score`, if it has them. Malformed queries raise no error;
 * dictionaries may, and parameters (barq_query_value_parameters(),
 * ERRCODE_UNDEFINED_OBJECT for a configuration that does not exist).
 */
extern BarqBm25Query *barq_text_bind(BarqTextStatistics *statistics,
									 const BarqQueryValue *score,
									 const BarqQueryValue **matches, int nmatches);

/* ---- callbacks of the access method, members of IndexAmRoutine ---- */
extern IndexBuildResult *barq_text_build(Relation heap, Relation index,
										 struct IndexInfo *info);
extern void barq_text_build_empty(Relation index);
extern char *barq_text_phase_name(int64 phase);
extern bool barq_text_insert(Relation index, Datum *values, bool *isnull,
							 ItemPointer heap_tid, Relation heap,
							 IndexUniqueCheck check_unique,
							 bool index_unchanged, struct IndexInfo *info);
extern IndexScanDesc barq_text_begin_scan(Relation index, int nkeys, int norderbys);
extern void barq_text_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
							 ScanKey orderbys, int norderbys);
extern bool barq_text_get_tuple(IndexScanDesc scan, ScanDirection direction);
extern int64 barq_text_get_bitmap(IndexScanDesc scan, TIDBitmap *bitmap);
extern void barq_text_end_scan(IndexScanDesc scan);

/*
 * From the next rescan on, return only rows that `source` admits (NULL: all rows). The
 * scan, which has an ORDER BY, keeps the pointer.
 */
extern void barq_text_scan_admit(IndexScanDesc scan, BarqRowSource *source);

/*
 * Until the next rescan, return the matching rows in the order of a filter column, a column
 * of the index from 0, of a type whose words have its order (barq_filter_is_sortable()); not
 * in the order of scores. Called before the first row. Rows of equal values come in the
 * order of their TIDs.
 */
extern void barq_text_scan_sort(IndexScanDesc scan, int column, bool descending,
								bool nulls_first);

/* What such a scan took: rows looked for in postings, and matching rows compared. */
extern void barq_text_scan_sorted_rows(IndexScanDesc scan, uint64 *looked, uint64 *compared);
extern void barq_text_cost_estimate(PlannerInfo *root, IndexPath *path,
									double loop_count, Cost *startup_cost,
									Cost *total_cost, Selectivity *selectivity,
									double *correlation, double *pages);
extern bool barq_text_validate(Oid opclass);

/* Whether a relation is an index of barq_bm25, or a partitioned one. */
static inline bool
barq_is_text_index(Relation relation)
{
	return relation->rd_indam != NULL && relation->rd_indam->aminsert == barq_text_insert;
}

#endif							/* BARQ_TEXT_INDEX_H */
