# The pages of docs/reference/ as texts, from the catalogue of the server of the
# environment and from src/. Runs in the top folder of a checkout.
package MakeReference;

use strict;
use utf8;
use warnings;

use Exporter 'import';

use MakeReferenceSources;

our @EXPORT = qw(reference_pages slurp difference);

my $database;

# Rows of a query in that database, as lists of values.
sub rows
{
	my ($sql) = @_;
	local $ENV{PGOPTIONS} = $sql =~ /pg_settings/ ? '-c session_preload_libraries=barq' : '';
	my @psql = ('psql', '-XAtq', '-F', "\x1f", '-R', "\x1e", '-v', 'ON_ERROR_STOP=1', '-d', $database, '-c', $sql);
	open(my $pipe, '-|:encoding(UTF-8)', @psql) or die "psql: $!";
	my $out = do { local $/ = undef; <$pipe> } // '';
	close $pipe or die "psql failed: $sql\n";
	$out =~ s/\n\z//;
	return map { [ split /\x1f/, $_, -1 ] } split /\x1e/, $out;
}

# Lines that differ, for the message of a stale page.
sub difference
{
	my ($old, $new) = @_;
	my %old = map { $_ => 1 } split /\n/, $old;
	my %new = map { $_ => 1 } split /\n/, $new;
	my @lines = ((map { "-$_" } grep { !$new{$_} } split /\n/, $old), (map { "+$_" } grep { !$old{$_} } split /\n/, $new));
	return join '', map { "  $_\n" } @lines > 20 ? @lines[ 0 .. 19 ] : @lines;
}

sub page
{
	my ($title, $intro, @parts) = @_;
	return "<!-- made by scripts/make-reference.pl: change the sources that it reads, not this page -->\n\n# $title\n\n$intro\n"
	  . join('', map { "\n$_" } @parts);
}

# A condition for objects of the extension: member('pg_proc', 'p.oid').
sub member
{
	my ($catalog, $oid) = @_;
	return "EXISTS (SELECT FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'barq'
		WHERE d.classid = '$catalog'::regclass AND d.objid = $oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')";
}

my $type = 'pg_catalog.format_type';

sub functions_page
{
	my $behind = "(EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = p.oid) OR EXISTS (SELECT FROM pg_cast c WHERE c.castfunc = p.oid)
		OR EXISTS (SELECT FROM pg_aggregate a WHERE p.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn))
		OR EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout))
		OR EXISTS (SELECT FROM pg_amproc a WHERE a.amproc = p.oid))";
	my @functions = rows("SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
			obj_description(p.oid, 'pg_proc'), $behind, p.prokind, p.provolatile, p.proparallel
		FROM pg_proc p WHERE " . member('pg_proc', 'p.oid') . " ORDER BY p.proname COLLATE \"C\", p.oid");
	my (%groups, %seen, %named);
	my @titles = ('Searching', 'Texts and queries', 'Indexes: state, upkeep, memory', 'Vectors', 'Behind operators, casts, aggregates and types');

	foreach my $function (@functions)
	{
		my ($name, $arguments, $result, $comment, $behind, $kind) = @$function;
		next if $comment =~ /^internal:|^always an error/;
		my $title = $behind eq 't' && $name !~ /distance|inner_product/ ? $titles[4]
		  : $name =~ /^barq_(?:hybrid|search_batch|rrf)$/ ? $titles[0]
		  : $name =~ /bm25|highlight/ ? $titles[1]
		  : $name =~ /^barq_/ ? $titles[2]
		  : $titles[3];

		# further forms of one function
		my $key = "$name: $comment";
		if ($seen{$key})
		{
			$seen{$key}{forms}++;
			push @{ $seen{$key}{others} }, $arguments;
			next;
		}
		$seen{$key} = { name => $name, arguments => $arguments, result => $result, comment => $comment, forms => 1, others => [], kind => $kind, further => $named{$name}++ };
		push @{ $groups{$title} }, $seen{$key};
	}
	my @parts;
	foreach my $title (@titles)
	{
		my $part = "## $title\n\n";
		if ($title eq $titles[4])
		{
			$part .= "Write the operator, cast or aggregate; these names are for completeness.\n\n| function | result | |\n| --- | --- | --- |\n";
			$part .= join '', map { '| ' . code("$_->{name}(" . join(') or (', $_->{arguments}, $_->{forms} < 5 ? @{ $_->{others} } : ()) . ')') . ' | ' . code($_->{result}) . " | " . cell($_->{comment}) . " |\n" } @{ $groups{$title} };
			push @parts, $part;
			next;
		}
		if ($title eq 'Vectors')
		{
			$part .= "| function | result | |\n| --- | --- | --- |\n";
			$part .= join '', map { '| ' . code("$_->{name}($_->{arguments})") . ' | ' . code($_->{result}) . ' | ' . cell($_->{comment}) . ($_->{kind} eq 'a' ? ' (aggregate)' : '') . " |\n" } @{ $groups{$title} };
			push @parts, $part;
			next;
		}
		$part .= join "\n", map { function_entry($_) } @{ $groups{$title} };
		push @parts, $part;
	}
	return page('Functions', "Each function of the extension that is meant to be called, with what its `COMMENT ON` says (`\\df+`\nshows the same). Explanations: [reference.md](../reference.md#functions).", @parts);
}

# A comment as a sentence; a name at its beginning keeps its letters
sub sentence
{
	my ($text) = @_;
	$text = ucfirst $text if $text !~ /^(?:barq|bm25|pgvector)/;
	return "$text.";
}

# An entry with a heading: arguments and result columns one below the other.
sub function_entry
{
	my ($function) = @_;
	my $text = ($function->{further} ? '' : "### `$function->{name}`\n\n") . sentence(wrapped($function->{comment})) . "\n\n";
	my $list = join ",\n    ", split_arguments($function->{arguments});
	my $result = $function->{result};
	$result = "TABLE (\n    " . join(",\n    ", split_arguments($1)) . ')' if $result =~ /^TABLE\((.*)\)$/s;
	$text .= "```text\n$function->{name}(" . ($list =~ /\n/ ? "\n    $list" : $list) . ")\n    RETURNS $result\n```\n";
	if ($function->{forms} > 1)
	{
		my %first = map { $_ => 1 } split_arguments($function->{arguments});
		my @others = map { join ', ', grep { !$first{$_} } split_arguments($_) } @{ $function->{others} };
		$text .= @others > 6 ? "\n$function->{forms} forms, which differ in the types that they take and in the place of `filter_args`.\n"
		  : "\nAlso with " . join(', ', map { code($_) } @others) . ".\n";
	}
	return $text;
}

# Arguments at commas outside of parentheses and quotes.
sub split_arguments
{
	my ($arguments) = @_;
	my @list = $arguments =~ /\G\s*((?:[^,()']++|'(?:[^']|'')*'|(\((?:[^()']++|(?-1))*\)))+)(?:,|\z)/g;
	return grep { defined && !/^\(/ } @list;
}

sub objects_page
{
	my @parts;
	push @parts, "## Types\n\n| type | |\n| --- | --- |\n" . join '', map { '| ' . code($_->[0]) . ' | ' . cell($_->[1]) . " |\n" }
	  grep { $_->[1] !~ /^internal/ }
	  rows("SELECT t.typname, obj_description(t.oid, 'pg_type') FROM pg_type t WHERE t.typtype = 'b' AND t.typelem = 0 AND " . member('pg_type', 't.oid') . " ORDER BY 1");
	push @parts, "## Access methods\n\n| access method | |\n| --- | --- |\n" . join '', map { '| ' . code($_->[0]) . ' | ' . cell($_->[1]) . " |\n" }
	  rows("SELECT a.amname, obj_description(a.oid, 'pg_am') FROM pg_am a WHERE " . member('pg_am', 'a.oid') . " ORDER BY 1");
	my @classes = rows("SELECT a.amname, c.opcname, $type(c.opcintype, NULL), c.opcdefault, coalesce(obj_description(c.oid, 'pg_opclass'), '')
		FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod WHERE " . member('pg_opclass', 'c.oid') . ' ORDER BY a.amname, c.opcname, c.opcintype::regtype::text');
	foreach my $method (qw(barq_hnsw barq_ivf barq_bm25 btree))
	{
		my @mine = grep { $_->[0] eq $method } @classes;
		my @search = grep { $_->[4] !~ /filter/i || $_->[1] =~ /^bm25_/ } @mine;
		my @filter = grep { $_->[4] =~ /filter/i && $_->[1] !~ /^bm25_/ } @mine;
		push @parts, "## Operator classes of `$method`\n\n| class | type | default | |\n| --- | --- | --- | --- |\n"
		  . join('', map { '| ' . code($_->[1]) . ' | ' . code($_->[2]) . ' | ' . ($_->[3] eq 't' ? 'yes' : '') . ' | ' . cell($_->[4]) . " |\n" } @search)
		  . (@filter ? "\nFor filter columns: " . join(', ', map { code($_->[1]) . ' (' . code($_->[2]) . ')' } @filter) . ".\n" : '');
	}
	push @parts, "## Operators\n\n| operator | result | |\n| --- | --- | --- |\n" . join '', map { '| ' . code(($_->[0] ne '-' ? "$_->[0] " : '') . "$_->[1] $_->[2]") . ' | ' . code($_->[3]) . ' | ' . cell($_->[4]) . " |\n" }
	  grep { $_->[4] !~ /^internal/ }
	  rows("SELECT $type(o.oprleft, NULL), o.oprname, $type(o.oprright, NULL), $type(o.oprresult, NULL), coalesce(obj_description(o.oid, 'pg_operator'), '')
		FROM pg_operator o WHERE " . member('pg_operator', 'o.oid') . ' ORDER BY o.oprname COLLATE "C", 1, 3');
	push @parts, "## Casts\n\n| from | to | |\n| --- | --- | --- |\n" . join '', map { '| ' . code($_->[0]) . ' | ' . code($_->[1]) . " | $_->[2] |\n" }
	  rows("SELECT $type(c.castsource, NULL), $type(c.casttarget, NULL), CASE c.castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'in assignments' ELSE 'explicit' END
		FROM pg_cast c WHERE " . member('pg_cast', 'c.oid') . ' ORDER BY 1, 2');
	push @parts, "## Event triggers\n\n| event trigger | |\n| --- | --- |\n" . join '', map { '| ' . code($_->[0]) . ' | ' . cell($_->[1]) . " |\n" }
	  rows("SELECT e.evtname, coalesce(obj_description(e.oid, 'pg_event_trigger'), '') FROM pg_event_trigger e WHERE " . member('pg_event_trigger', 'e.oid') . ' ORDER BY 1');
	my @views = rows("SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c WHERE c.relkind IN ('v', 'm', 'r') AND " . member('pg_class', 'c.oid') . ' ORDER BY 1');
	push @parts, "## Views\n\n" . (@views
		? "| view | |\n| --- | --- |\n" . join('', map { '| ' . code($_->[0]) . ' | ' . cell($_->[1]) . " |\n" } @views)
		: "There are none. Functions that return rows take their place: [functions.md](functions.md#indexes-state-upkeep-memory).\n");
	return page('Types, operators, access methods', "Each object of the extension, with what its `COMMENT ON` says. Explanations:\n[reference.md](../reference.md#types).", @parts);
}

sub settings_page
{
	my %who = (user => 'anybody, in a session', superuser => 'a superuser, in a session', sighup => 'configuration file, reload', postmaster => 'configuration file, restart');
	my @parts;
	foreach my $setting (rows("SELECT name, boot_val, coalesce(unit, ''), vartype, coalesce(min_val, ''), coalesce(max_val, ''),
			coalesce(array_to_string(enumvals, ', '), ''), context, short_desc, coalesce(extra_desc, '')
		FROM pg_settings WHERE name LIKE 'barq.%' ORDER BY name"))
	{
		my ($name, $default, $unit, $vartype, $least, $most, $values, $context, $short, $extra) = @$setting;
		my $range = $values ne '' ? join(', ', map { code($_) } split /, /, $values)
		  : $vartype eq 'bool' ? '`on`, `off`'
		  : $vartype eq 'string' ? 'a text'
		  : size($least, $unit) . ' to ' . size($most, $unit);
		push @parts, "## `$name`\n\n" . wrapped("$short $extra") . "\n\n| default | values | set by |\n| --- | --- | --- |\n| "
		  . code($default eq '' ? "''" : size($default, $unit)) . " | $range | $who{$context} |\n";
	}
	return page('Settings', "Each setting, with the description that `pg_settings` has. When a setting is known to a session, and\nwhat it means in detail: [reference.md](../reference.md#settings).", @parts);
}

sub options_page
{
	my @options = source_options();
	my @parts;
	foreach my $group ([ 'Of every access method', 'policy' ], [ '`barq_hnsw`', 'hnsw' ], [ '`barq_ivf`', 'ivf' ], [ '`barq_bm25`', 'bm25' ])
	{
		my ($title, $of) = @$group;
		push @parts, "## $title\n\n| option | values | default | |\n| --- | --- | --- | --- |\n"
		  . join '', map { '| ' . code($_->{name}) . " | $_->{values} | $_->{default} | " . cell($_->{description}) . " |\n" } grep { $_->{of}{$of} } @options;
	}
	return page('Index options', "Options of `CREATE INDEX … WITH (…)`, with the descriptions of the sources. Which take effect at\nonce: [reference.md](../reference.md#indexes).", @parts);
}

sub messages_page
{
	my @parts;
	my ($sections, $codes) = source_messages();
	foreach my $section (@$sections)
	{
		my ($title, @messages) = @$section;
		push @parts, "## $title\n\n" . join "\n", map { message_entry($_) } @messages;
	}
	my $class = "## By SQLSTATE\n\n| SQLSTATE | condition | messages |\n| --- | --- | --- |\n"
	  . join '', map { "| `$_` | " . code($codes->{$_}{name}) . " | $codes->{$_}{count} |\n" } sort keys %$codes;
	return page('Messages', "Errors, warnings and notices of barq: SQLSTATE, text (`…` stands for a name or a number), detail,\nhint, and what to do. Messages of PostgreSQL itself, and *internal errors* (SQLSTATE `XX000`: please\nreport them), are not listed.", $class, @parts);
}

sub message_entry
{
	my ($message) = @_;
	my $text = "**`$message->{level}` `$message->{code}`** " . join(' or ', map { code($_) } @{ $message->{texts} }) . "\n";
	$text .= "- detail: " . cell($_) . "\n" foreach @{ $message->{details} };
	$text .= "- hint: " . cell($_) . "\n" foreach @{ $message->{hints} };
	$text .= "- to do: $message->{advice}\n" if $message->{advice};
	return $text;
}

# All pages, by file name. Makes and drops a database of that name.
sub reference_pages
{
	my ($name) = @_;
	$database = 'postgres';
	rows("DROP DATABASE $name") if rows("SELECT 1 FROM pg_database WHERE datname = '$name'");
	rows("CREATE DATABASE $name");
	$database = $name;
	rows('CREATE EXTENSION barq');
	my %pages = (
		'functions.md' => functions_page(),
		'objects.md' => objects_page(),
		'settings.md' => settings_page(),
		'options.md' => options_page(),
		'messages.md' => messages_page());
	$database = 'postgres';
	rows("DROP DATABASE $name");
	return %pages;
}

1;
