/*
 * policy.c
 *	  The maintenance policy of an index: its options, and what the settings say
 *	  about those that are not given.
 *
 * Unlike options that shape a segment, these are not frozen when the index is
 * built: they are read from the catalog each time.
 */
#include "postgres.h"

#include "lifecycle/policy.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* A number in BarqPolicyReloptions that is not given. */
#define NOT_GIVEN	(-1)

static relopt_enum_elt_def compaction_values[] = {
	{"balanced", BARQ_COMPACTION_BALANCED},
	{"reads", BARQ_COMPACTION_READS},
	{"writes", BARQ_COMPACTION_WRITES},
	{(const char *) NULL, 0}
};

static relopt_enum_elt_def memory_values[] = {
	{"auto", BARQ_MEMORY_AUTO},
	{"keep", BARQ_MEMORY_KEEP},
	{"cold", BARQ_MEMORY_COLD},
	{(const char *) NULL, 0}
};

/* A size among the options: written as for the setting of the same name. */
typedef struct SizeOption
{
	const char *name;
	int			unit;			/* GUC_UNIT_*, of the range and of plain numbers */
	int			least;
	int			most;
} SizeOption;

static const SizeOption growing_limit = {
	"growing_limit", GUC_UNIT_KB, BARQ_LEAST_GROWING_LIMIT, BARQ_MOST_GROWING_LIMIT
};
static const SizeOption growing_hard_limit = {
	"growing_hard_limit", GUC_UNIT_KB, BARQ_LEAST_GROWING_LIMIT, INT_MAX
};
static const SizeOption max_merged_size = {
	"max_merged_size", GUC_UNIT_MB, 0, INT_MAX
};

/* A size as text, in the largest unit of which it is a whole number. */
static const char *
size_text(const SizeOption *option, int size)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	int			unit = option->unit == GUC_UNIT_KB ? 0 : 1;

	while (size > 0 && size % 1024 == 0 && unit + 1 < (int) lengthof(units))
	{
		size /= 1024;
		unit++;
	}
	return psprintf("%d%s", size, units[unit]);
}

/*
 * The size that `value` is, in the option's unit. ERRCODE_INVALID_PARAMETER_VALUE if
 * it is none or out of range.
 */
static int
parse_size(const SizeOption *option, const char *value)
{
	const char *hint = NULL;
	int			size;

	if (!parse_int(value, &size, option->unit, &hint))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for option \"%s\": \"%s\"", option->name, value),
				 hint ? errhint("%s", _(hint)) : 0));
	if (size < option->least || size > option->most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value %s out of bounds for option \"%s\"", value, option->name),
				 errdetail("Valid values are between \"%s\" and \"%s\".",
						   size_text(option, option->least),
						   size_text(option, option->most))));
	return size;
}

/* Validators of the options: raise the errors of parse_size(). */
static void
check_growing_limit(const char *value)
{
	if (value != NULL)
		(void) parse_size(&growing_limit, value);
}

static void
check_growing_hard_limit(const char *value)
{
	if (value != NULL)
		(void) parse_size(&growing_hard_limit, value);
}

static void
check_max_merged_size(const char *value)
{
	if (value != NULL)
		(void) parse_size(&max_merged_size, value);
}

void
barq_add_policy_options(relopt_kind kind)
{
	add_string_reloption(kind, "growing_limit",
						 "Size of the growing log at which it is sealed",
						 NULL, check_growing_limit, ShareUpdateExclusiveLock);
	add_string_reloption(kind, "growing_hard_limit",
						 "Size of the backlog at which inserts wait",
						 NULL, check_growing_hard_limit, ShareUpdateExclusiveLock);
	add_string_reloption(kind, "max_merged_size",
						 "Size up to which merges make segments; 0: no limit",
						 NULL, check_max_merged_size, ShareUpdateExclusiveLock);
	add_int_reloption(kind, "compaction_ratio",
					  "Number of sealed logs that are merged into one segment",
					  NOT_GIVEN, BARQ_LEAST_RATIO, BARQ_MOST_RATIO, ShareUpdateExclusiveLock);
	add_int_reloption(kind, "max_segments",
					  "Number of segments above which the smallest are merged",
					  NOT_GIVEN, 1, BARQ_MOST_SEGMENTS, ShareUpdateExclusiveLock);
	add_enum_reloption(kind, "compaction",
					   "What merging spares most",
					   compaction_values, NOT_GIVEN,
					   "Valid values are \"balanced\", \"reads\" and \"writes\".",
					   ShareUpdateExclusiveLock);
	add_enum_reloption(kind, "memory",
					   "Whether images stay in memory under barq.memory_budget",
					   memory_values, NOT_GIVEN,
					   "Valid values are \"auto\", \"keep\" and \"cold\".",
					   ShareUpdateExclusiveLock);
}

/* The size that is given for `option` at this offset of `given`, else `setting`. */
static int
size_of(const BarqPolicyReloptions *given, int offset, const SizeOption *option, int setting)
{
	if (given == NULL || offset == 0)
		return setting;
	return parse_size(option, (const char *) given + offset);
}

static int
number_of(int given, int setting)
{
	return given == NOT_GIVEN ? setting : given;
}

void
barq_policy_of(Relation index, BarqPolicy *policy)
{
	static const BarqPolicyReloptions none = {
		.compaction_ratio = NOT_GIVEN, .max_segments = NOT_GIVEN, .compaction = NOT_GIVEN
	};
	const BarqPolicyReloptions *given = index->rd_options ?
		(const BarqPolicyReloptions *) index->rd_options : &none;
	int			largest = size_of(given, given->max_merged_size, &max_merged_size,
								  barq_max_merged_size);

	Assert(barq_has_barq_method(index));
	policy->growing_limit = UINT64CONST(1024) *
		size_of(given, given->growing_limit, &growing_limit, barq_growing_limit);
	policy->growing_hard_limit = UINT64CONST(1024) *
		size_of(given, given->growing_hard_limit, &growing_hard_limit,
				barq_growing_hard_limit);
	policy->growing_hard_limit = Max(policy->growing_hard_limit, policy->growing_limit);
	policy->ratio = number_of(given->compaction_ratio, barq_compaction_ratio);
	policy->max_segments = number_of(given->max_segments, barq_max_segments);
	policy->largest_merged = largest == 0 ? PG_UINT64_MAX :
		(uint64) largest * 1024 * 1024;
	policy->mode = number_of(given->compaction, barq_compaction);
}

bool
barq_policy_is_option(const char *name)
{
	static const relopt_parse_elt table[] = {BARQ_POLICY_PARSE_TABLE};

	for (Size i = 0; i < lengthof(table); i++)
		if (strcmp(table[i].optname, name) == 0)
			return true;
	return false;
}

BarqMemory
barq_memory_of(Relation index)
{
	const BarqPolicyReloptions *given = (const BarqPolicyReloptions *) index->rd_options;

	return given == NULL ? BARQ_MEMORY_AUTO :
		(BarqMemory) number_of(given->memory, BARQ_MEMORY_AUTO);
}

const char *
barq_memory_name(BarqMemory memory)
{
	Assert(memory_values[memory].symbol_val == (int) memory);
	return memory_values[memory].string_val;
}

int
barq_policy_show(Relation index, BarqShownOption *shown)
{
	const BarqPolicyReloptions *given = (const BarqPolicyReloptions *) index->rd_options;
	int			n = 0;

	if (given == NULL)
		return 0;
	if (given->growing_limit != 0)
		shown[n++] = (BarqShownOption) {"growing_limit",
									   pstrdup((const char *) given + given->growing_limit), false};
	if (given->growing_hard_limit != 0)
		shown[n++] = (BarqShownOption) {"growing_hard_limit",
									   pstrdup((const char *) given + given->growing_hard_limit), false};
	if (given->max_merged_size != 0)
		shown[n++] = (BarqShownOption) {"max_merged_size",
									   pstrdup((const char *) given + given->max_merged_size), false};
	if (given->compaction_ratio != NOT_GIVEN)
		shown[n++] = (BarqShownOption) {"compaction_ratio",
									   psprintf("%d", given->compaction_ratio), false};
	if (given->max_segments != NOT_GIVEN)
		shown[n++] = (BarqShownOption) {"max_segments", psprintf("%d", given->max_segments), false};
	for (int i = 0; compaction_values[i].string_val != NULL; i++)
		if (given->compaction == compaction_values[i].symbol_val)
			shown[n++] = (BarqShownOption) {"compaction",
										   pstrdup(compaction_values[i].string_val), false};
	if (given->memory != NOT_GIVEN)
		shown[n++] = (BarqShownOption) {"memory",
									   pstrdup(barq_memory_name((BarqMemory) given->memory)), false};
	Assert(n <= BARQ_POLICY_OPTIONS);
	return n;
}
