/*
 * barq_names.c
 *	  Access methods and settings by pgvector's names, for applications that name them.
 *
 * The library of the optional extension "vector" (README.md). Access methods hnsw and
 * ivfflat are barq_hnsw and barq_ivf under another name; settings hnsw.* and ivfflat.*
 * apply to searches through them, and where one is not set, barq's does. The settings
 * are in a library of their own because a server whose databases have barq or the real
 * pgvector loads both libraries, and a setting has one definition.
 */
#include "postgres.h"

#include <limits.h>

#include "access/amapi.h"
#include "am/search_names.h"
#include "base/settings.h"
#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): PostgreSQL's name */
PGDLLEXPORT void _PG_init(void);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_names_hnsw_handler);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_names_ivfflat_handler);

/* What a setting has until it is set: then barq's applies. */
#define AS_BARQ		"barq"

static int	hnsw_ef_search = BARQ_NAME_UNSET;
static int	hnsw_iterative_scan = BARQ_NAME_UNSET_ENUM;
static int	hnsw_max_scan_tuples = BARQ_NAME_UNSET;
static double hnsw_scan_mem_multiplier = 1;
static int	ivfflat_probes = BARQ_NAME_UNSET;
static int	ivfflat_iterative_scan = BARQ_NAME_UNSET_ENUM;
static int	ivfflat_max_probes = 32768;

static const BarqSearchNames hnsw_names = {
	"hnsw", &hnsw_ef_search, &hnsw_iterative_scan, &hnsw_max_scan_tuples
};
static const BarqSearchNames ivfflat_names = {
	"ivfflat", &ivfflat_probes, &ivfflat_iterative_scan, NULL
};

static const struct config_enum_entry hnsw_orders[] = {
	{"off", BARQ_ITERATIVE_OFF, false},
	{"relaxed_order", BARQ_ITERATIVE_RELAXED, false},
	{"strict_order", BARQ_ITERATIVE_STRICT, false},
	{AS_BARQ, BARQ_NAME_UNSET_ENUM, true},
	{NULL, 0, false}
};

static const struct config_enum_entry ivfflat_orders[] = {
	{"off", BARQ_ITERATIVE_OFF, false},
	{"relaxed_order", BARQ_ITERATIVE_RELAXED, false},
	/* not one of pgvector's, but what barq's setting may be */
	{"strict_order", BARQ_ITERATIVE_STRICT, true},
	{AS_BARQ, BARQ_NAME_UNSET_ENUM, true},
	{NULL, 0, false}
};

/* What applies to a search, by barq's library. */
static const BarqSearchValues *values;

/* The handlers of barq, and the amvalidate that their access methods have. */
static PGFunction hnsw_handler;
static PGFunction ivf_handler;
static amvalidate_function hnsw_validate_class;
static amvalidate_function ivf_validate_class;

/* Is a value of a setting BARQ_NAME_UNSET, but not by RESET or a default? Then an error. */
static bool
check_number(int value, GucSource source, const char *name, int most)
{
	if (value != BARQ_NAME_UNSET || source <= PGC_S_DEFAULT)
		return true;
	GUC_check_errmsg("%d is outside the valid range for parameter \"%s\" (1 .. %d)",
					 value, name, most);
	return false;
}

static bool
check_ef_search(int *newval, void **extra, GucSource source)
{
	return check_number(*newval, source, "hnsw.ef_search", 1000);
}

static bool
check_max_scan_tuples(int *newval, void **extra, GucSource source)
{
	return check_number(*newval, source, "hnsw.max_scan_tuples", INT_MAX);
}

static bool
check_probes(int *newval, void **extra, GucSource source)
{
	return check_number(*newval, source, "ivfflat.probes", 32768);
}

/* The text of a number, in a buffer that the next call overwrites. */
static const char *
shown(int value)
{
	static char buffer[16];

	snprintf(buffer, sizeof(buffer), "%d", value);
	return buffer;
}

static const char *
show_ef_search(void)
{
	return shown(values->breadth(&hnsw_names, false));
}

static const char *
show_max_scan_tuples(void)
{
	return shown(values->max_scan_tuples(&hnsw_names));
}

static const char *
show_probes(void)
{
	return shown(values->breadth(&ivfflat_names, true));
}

/* The name of the order that applies to searches of an access method. */
static const char *
order_shown(const BarqSearchNames *names)
{
	int			order = values->iterative_scan(names);

	for (const struct config_enum_entry *entry = hnsw_orders; entry->name != NULL; entry++)
		if (entry->val == order)
			return entry->name;
	return AS_BARQ;
}

static const char *
show_hnsw_iterative_scan(void)
{
	return order_shown(&hnsw_names);
}

static const char *
show_ivfflat_iterative_scan(void)
{
	return order_shown(&ivfflat_names);
}

static void
define_settings(void)
{
	DefineCustomIntVariable("hnsw.ef_search",
							"Breadth of a search of an hnsw index.",
							"Unless it is set, barq.ef_search applies.",
							&hnsw_ef_search, BARQ_NAME_UNSET, 0, 1000,
							PGC_USERSET, GUC_EXPLAIN,
							check_ef_search, NULL, show_ef_search);
	DefineCustomEnumVariable("hnsw.iterative_scan",
							 "Whether a scan of an hnsw index continues, and in which order.",
							 "Unless it is set, barq.iterative_scan applies.",
							 &hnsw_iterative_scan, BARQ_NAME_UNSET_ENUM, hnsw_orders,
							 PGC_USERSET, GUC_EXPLAIN,
							 NULL, NULL, show_hnsw_iterative_scan);
	DefineCustomIntVariable("hnsw.max_scan_tuples",
							"Rows that an iterative scan of an hnsw index hands out before it is cut.",
							"Unless it is set, barq.max_scan_tuples applies.",
							&hnsw_max_scan_tuples, BARQ_NAME_UNSET, 0, INT_MAX,
							PGC_USERSET, GUC_EXPLAIN,
							check_max_scan_tuples, NULL, show_max_scan_tuples);
	DefineCustomRealVariable("hnsw.scan_mem_multiplier",
							 "Has no effect: a scan keeps no codes in work_mem.",
							 NULL, &hnsw_scan_mem_multiplier, 1, 1, 1000,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("ivfflat.probes",
							"Number of lists that a search of an ivfflat index scans.",
							"Unless it is set, barq.probes applies.",
							&ivfflat_probes, BARQ_NAME_UNSET, 0, 32768,
							PGC_USERSET, GUC_EXPLAIN,
							check_probes, NULL, show_probes);
	DefineCustomEnumVariable("ivfflat.iterative_scan",
							 "Whether a scan of an ivfflat index continues, and in which order.",
							 "Unless it is set, barq.iterative_scan applies.",
							 &ivfflat_iterative_scan, BARQ_NAME_UNSET_ENUM, ivfflat_orders,
							 PGC_USERSET, GUC_EXPLAIN,
							 NULL, NULL, show_ivfflat_iterative_scan);
	DefineCustomIntVariable("ivfflat.max_probes",
							"Has no effect: an iterative scan goes on as long as rows are asked for.",
							NULL, &ivfflat_max_probes, 32768, 1, 32768,
							PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("hnsw");
	MarkGUCPrefixReserved("ivfflat");
}

/* amvalidate of hnsw: barq_hnsw's. Its address tells the access methods apart. */
static bool
validate_hnsw_class(Oid opclass)
{
	return hnsw_validate_class(opclass);
}

/* amvalidate of ivfflat. */
static bool
validate_ivfflat_class(Oid opclass)
{
	return ivf_validate_class(opclass);
}

/* What a handler of barq returns, with another amvalidate; *validate: the one replaced. */
static IndexAmRoutine *
routine_of(PGFunction handler, amvalidate_function method, amvalidate_function *validate)
{
	IndexAmRoutine *am = (IndexAmRoutine *)
		DatumGetPointer(DirectFunctionCall1(handler, PointerGetDatum(NULL)));

	*validate = am->amvalidate;
	am->amvalidate = method;
	return am;
}

Datum
barq_names_hnsw_handler(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(routine_of(hnsw_handler, validate_hnsw_class, &hnsw_validate_class));
}

Datum
barq_names_ivfflat_handler(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(routine_of(ivf_handler, validate_ivfflat_class, &ivf_validate_class));
}

void
_PG_init(void)
{
	BarqRegisterNames register_names;

	/* barq's library may not be loaded yet, so nothing of it is linked */
	hnsw_handler = load_external_function("$libdir/barq", "barq_hnsw_handler", true, NULL);
	ivf_handler = load_external_function("$libdir/barq", "barq_ivf_handler", true, NULL);
	register_names = (BarqRegisterNames) (void *)
		load_external_function("$libdir/barq", "barq_register_search_names", true, NULL);
	values = register_names(BARQ_VERSION, validate_hnsw_class, &hnsw_names);
	(void) register_names(BARQ_VERSION, validate_ivfflat_class, &ivfflat_names);
	define_settings();
}
