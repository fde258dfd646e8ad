/*
 * shown_options.c
 *	  Options of an index as text, and the differences between two indexes.
 */
#include "postgres.h"

#include "am/am.h"
#include "lifecycle/policy.h"
#include "lib/stringinfo.h"

/* Append "name=value", or "no name", after a comma if `text` is not empty. */
static void
append_option(StringInfo text, const BarqShownOption *option)
{
	appendStringInfoString(text, text->len > 0 ? ", " : "");
	if (option->value == NULL)
		appendStringInfo(text, "no %s", option->name);
	else
		appendStringInfo(text, "%s=%s", option->name, option->value);
}

/* Whether two options of one name have different values. No side effects. */
static bool
values_differ(const BarqShownOption *option, const BarqShownOption *other)
{
	if (option->value == NULL || other->value == NULL)
		return option->value != other->value;
	return strcmp(option->value, other->value) != 0;
}

char *
barq_options_text(Relation index, const BarqFrozenOptions *options)
{
	BarqShownOption shown[BARQ_MAX_OPTIONS];
	int			n = barq_index_kind(options->index_kind)->show(index, options, shown);
	BarqShownOption policy[BARQ_POLICY_OPTIONS];
	int			npolicy = barq_policy_show(index, policy);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < n; i++)
		if (shown[i].value != NULL)
			append_option(&text, &shown[i]);
	for (int i = 0; i < npolicy; i++)
		append_option(&text, &policy[i]);
	return text.data;
}

bool
barq_options_differ(Relation index, const BarqFrozenOptions *options,
					Relation other_index, const BarqFrozenOptions *other,
					char **differing, char **other_differing)
{
	const BarqIndexKind *kind = barq_index_kind(options->index_kind);
	BarqShownOption shown[BARQ_MAX_OPTIONS];
	BarqShownOption other_shown[BARQ_MAX_OPTIONS];
	int			n = kind->show(index, options, shown);
	StringInfoData text;
	StringInfoData other_text;

	Assert(other->index_kind == options->index_kind);

	/* an index of several fields has more options than one of a single field */
	n = Min(n, kind->show(other_index, other, other_shown));
	initStringInfo(&text);
	initStringInfo(&other_text);
	for (int i = 0; i < n; i++)
		if (values_differ(&shown[i], &other_shown[i]) && !other_shown[i].chosen)
		{
			append_option(&text, &shown[i]);
			append_option(&other_text, &other_shown[i]);
		}
	*differing = text.data;
	*other_differing = other_text.data;
	return text.len > 0;
}
