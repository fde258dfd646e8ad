#!/usr/bin/env perl
# check-docs.pl: do the documents name things that exist?
#
# Documents are README.md, CONTRIBUTING.md, SECURITY.md, docs/*.md, docs/*/*.md,
# test/README.md and src/*/README.md. Checked are:
#   paths     each path or file name in backticks exists
#   places    `function()` in `file.c`: the file has the function
#   folders   src/*/README.md exists, and its table names each file of the folder
#   links     each link leads to a file (not to a folder), each #anchor to a heading
#   settings  each barq.x named is defined, or planned in docs/roadmap.md; each
#             setting defined is in the table of docs/reference.md
#   functions each function with COMMENT ON, unless internal or only the function
#             behind an operator, cast, aggregate or type, is in docs/reference.md
#   rights    each function of docs/reference/functions.md is in docs/rights.md
#   columns   a table of docs/reference.md of the columns of a function names those
#             that docs/reference/functions.md lists, and no others
#   parts     each part of bench/run.sh is in docs/bench.md
#   lists     CONTRIBUTING.md's lists marked complete name each file whose code
#             mentions the example
#   sections  "docs/x.md, "Title"" in a comment of src/ names a heading
#   lines     below 100 characters in docs/ and the documents of the top folder
#             (tables, links, code, comments and docs/reference/ excepted)
# Exit status 1, with a line for each fault.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);

chdir(abs_path(dirname(__FILE__) . '/..')) or die;

my @documents = (grep({ -f } qw(README.md CONTRIBUTING.md SECURITY.md test/README.md)), glob('docs/*.md'), glob('docs/*/*.md'), glob('src/*/README.md'));
my @files = grep { -f } split /\n/, `find src sql test scripts bench demo docker docs -type f; ls`;
my %names = map { basename($_) => 1 } @files;
my $faults = 0;

# files of PostgreSQL that documents name
my %foreign = map { $_ => 1 } qw(wparser_def.c funcapi.c genericdesc.c postgresql.conf pg_hba.conf);

sub fault { print "@_\n"; $faults++; return; }

sub slurp
{
	my ($path) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
	local $/ = undef;
	return scalar <$file>;
}

# the text without fenced or indented blocks of code
sub prose
{
	my ($text) = @_;
	$text =~ s/^```.*?^```[^\n]*$//msg;
	$text =~ s/^(?: {4}|\t)(?![-*|] ).*$//mg;
	return $text;
}

# a path as a document names it: from the top, from src/, or from the document's folder
sub exists_somewhere
{
	my ($path, $document) = @_;
	foreach my $base ('', 'src/', dirname($document) . '/')
	{
		return 1 if glob_matches("$base$path");
	}
	return $path !~ m{/} && ($names{$path} || $foreign{$path});
}

sub glob_matches
{
	my ($pattern) = @_;
	return -e $pattern if $pattern !~ /[*?\[{]/;
	return scalar grep { -e } glob($pattern);
}

# ---- paths

foreach my $document (@documents)
{
	my $text = prose(slurp($document));
	while ($text =~ /`([^`\n]+)`/g)
	{
		my $token = $1;
		next if $token !~ m{^[\w.*{},/+-]+$} || $token =~ m{^/};
		my $is_path = $token =~ m{\.(?:c|h|md|sh|pl|pm|py|sql|spec|mk|out|yaml)$}
		  || $token =~ m{^(?:src|sql|test|scripts|bench|demo|docker|docs)/};
		next if !$is_path || $token =~ m{^build/};
		# the tests of pgvector
		next if $document eq 'docs/from-pgvector.md' && $token =~ /^(?:hnsw|ivfflat|vector)_.*\.sql$/;
		fault("$document: `$token` does not exist") if !exists_somewhere($token, $document);
	}
}

# ---- functions that a document places in a file

foreach my $document (@documents)
{
	my $text = slurp($document);
	while ($text =~ /((?:`\w+(?:\(\))?`(?:,|,? and|,? or)?\s+)+)in\s+`([\w.\/]+\.[ch])`/g)
	{
		my ($functions, $path) = ($1, $2);
		my ($file) = grep { -f } $path, "src/$path", dirname($document) . "/$path";
		next if !defined $file;
		foreach my $name ($functions =~ /`(\w+)(?:\(\))?`/g)
		{
			fault("$document: $path has no $name") if slurp($file) !~ /\b$name\b/;
		}
	}
}

# ---- READMEs of folders

foreach my $folder (glob('src/*/'))
{
	my $readme = "${folder}README.md";
	if (!-f $readme)
	{
		fault("$readme does not exist");
		next;
	}
	my $table = join "\n", grep { /^\|/ } split /\n/, slurp($readme);
	my @patterns = $table =~ /`?([\w.]*\*[\w.*]*)`?/g;
	my %matched = map { $_ => 1 } map { glob("$folder$_") } @patterns;
	foreach my $file (glob("$folder*.[ch]"))
	{
		# x.c names x.h too, and `x` both
		my ($name, $stem) = basename($file) =~ /^((\w+)\.\w)$/;
		next if $table =~ /\b$stem\.(?:[ch]\b|\[)|`$stem`/ || $matched{$file};
		fault("$readme: no table row for $name");
	}
}

# ---- links

my %anchors;

sub anchors
{
	my ($path) = @_;
	return $anchors{$path} if $anchors{$path};
	my (%found, %count);
	my $text = slurp($path);
	$text =~ s/^```.*?^```[^\n]*$//msg;
	while ($text =~ /^#{1,6} +(.+?) *$/mg)
	{
		my $slug = lc $1;
		$slug =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
		$slug =~ s/[^\w\- ]//g;
		$slug =~ tr/ /-/;
		my $n = $count{$slug}++;
		$found{ $n ? "$slug-$n" : $slug } = 1;
	}
	return $anchors{$path} = \%found;
}

foreach my $document (@documents, 'CHANGELOG.md')
{
	my $text = slurp($document);
	$text =~ s/^```.*?^```[^\n]*$//msg;
	my @targets = $text =~ /\]\(([^()\s]+)\)/g;
	push @targets, $text =~ /(?:src|srcset|href)="([^"]+)"/g;
	push @targets, $text =~ /^\[[^\]]+\]: +(\S+)/mg;
	foreach my $target (@targets)
	{
		next if $target =~ m{^[a-z]+:};
		my ($path, $anchor) = $target =~ /^([^#]*)#?(.*)$/;
		my $file = $path eq '' ? $document : dirname($document) . "/$path";
		if (!-f $file)
		{
			fault("$document: the link $target leads nowhere");
		}
		elsif ($anchor ne '' && !anchors($file)->{$anchor})
		{
			fault("$document: the link $target names no heading");
		}
	}
}

# ---- settings

my %settings;
foreach my $source (glob('src/*.c src/*/*.c'))
{
	$settings{$_} = 1 foreach slurp($source) =~ /DefineCustom\w+Variable\("barq\.(\w+)"/g;
}
my $roadmap = slurp('docs/roadmap.md');
my $reference = slurp('docs/reference.md');

foreach my $document (@documents)
{
	foreach my $name (slurp($document) =~ /\bbarq\.([a-z_]+)\b(?!\()/g)
	{
		next if $name =~ /^(?:barq_|c$|h$|so$|control$)/ || $settings{$name} || $roadmap =~ /barq\.$name\b/;
		fault("$document: there is no setting barq.$name, nor is it in docs/roadmap.md");
	}
}
foreach my $name (sort keys %settings)
{
	fault("docs/reference.md: no row for the setting barq.$name") if $reference !~ /^\| `barq\.$name` \|/m;
}

# ---- functions

my $sql = join '', map { slurp($_) } sort glob('sql/parts/*.sql');
my %declared = map { $_ => 1 } $sql =~ /(?:CREATE(?: OR REPLACE)? FUNCTION|COMMENT ON FUNCTION)\s+(\w+)/g;
# functions that serve an operator, cast, aggregate, type or access method, by the
# statement that creates it
my %serves;
while ($sql =~ /^CREATE (?:OPERATOR|CAST|AGGREGATE|TYPE|ACCESS METHOD|EVENT TRIGGER|OPERATOR CLASS)\b(.*?);/msg)
{
	$serves{$_} = 1 foreach grep { $declared{$_} } $1 =~ /\b(\w+)\b/g;
}
while ($sql =~ /COMMENT ON (?:FUNCTION|AGGREGATE)\s+(\w+)\s*\(.*?\)\s+IS\s+'(.*?)'/sg)
{
	my ($name, $comment) = ($1, $2);
	next if $comment =~ /^internal:/ || $reference =~ /\b$name\b/ || $serves{$name};
	fault("docs/reference.md: nothing about the function $name");
}

# ---- rights of functions

my $functions = slurp('docs/reference/functions.md');
my $rights = slurp('docs/rights.md');
foreach my $name ($functions =~ /^### `(\w+)`/mg)
{
	fault("docs/rights.md: nothing about the function $name") if $rights !~ /`$name\(/;
}

# ---- columns of functions

my $tables = 0;
while ($reference =~ /^`(barq_\w+)\([^)`]*\)`(?: has a row|, a row|, one row)[^\n]*\n(?:[^|\n][^\n]*\n)*\n\| column \|[^\n]*\n\| ---[^\n]*\n((?:\|[^\n]*\n)+)/mg)
{
	my ($function, $table) = ($1, $2);
	my ($declared) = $functions =~ /^\Q$function\E\((.*?)^```/ms;
	$declared = '' if !defined $declared;
	my ($returned) = $declared =~ /RETURNS TABLE \((.*)\)/s;
	my %listed = map { $_ => 1 } defined $returned ? $returned =~ /^ +"?(\w+)"? /mg : $declared =~ /\bOUT "?(\w+)"?/g;
	my %said = map { $_ => 1 } map { /`(\w+)`/g } $table =~ /^\|([^|]*)\|/mg;
	fault("docs/reference.md: no row for the column $_ of $function()") foreach grep { !$said{$_} } sort keys %listed;
	fault("docs/reference.md: $function() has no column $_") foreach grep { !$listed{$_} } sort keys %said;
	$tables++;
}
fault("docs/reference.md: $tables tables of columns") if $tables < 7;

# ---- parts of the bench

my $bench = slurp('docs/bench.md');
foreach my $part (slurp('bench/run.sh') =~ /^\t\t(\w+)\) barq_wait /mg)
{
	fault("docs/bench.md: nothing about the part $part") if $bench !~ /(?:PARTS=|`)$part\b/;
}

# ---- lists of CONTRIBUTING.md

my $contributing = slurp('CONTRIBUTING.md');
my @code = grep { /^(?:src|sql\/parts)\// && /\.(?:c|h|sql)$/ } @files;
push @code, 'test/perl/BarqTorture.pm', 'test/unit/link.mk', 'scripts/check-layout.sh', 'bench/element.py', 'bench/measure.py', 'bench/run.py';

sub complete
{
	my ($heading, $mention, $but) = @_;
	my ($section) = $contributing =~ /^### \Q$heading\E\n(.*?)(?=^##|\z)/ms;
	return fault("CONTRIBUTING.md: no section \"$heading\"") if !defined $section;
	foreach my $file (@code)
	{
		next if $file =~ m{^$but};
		my $text = slurp($file);
		$text =~ s{/\*.*?\*/}{}sg if $file =~ /\.[ch]$/;
		$text =~ s/--[^\n]*//g if $file =~ /\.sql$/;
		$text =~ s/#[^\n]*//g if $file =~ /\.(?:mk|sh|pm)$/;
		fault("CONTRIBUTING.md, $heading: does not name $file") if $text =~ $mention && index($section, "`$file`") < 0;
	}
	return;
}
complete('A segment kind', qr/ivf/i, 'src/ivf/');
complete('A type', qr/sparsevec/i, 'src/types/');
complete('A distance', qr/BARQ_METRIC_L1|STEP_L1|\bl1(?:_\w+)?\b|_l1\b|_l1_ops/, 'none');

# ---- sections that comments name

foreach my $source (glob('src/*.c src/*/*.[ch]'))
{
	my $text = slurp($source);
	$text =~ s/\n[ \t]*\*?[ \t]+/ /g;
	while ($text =~ m{docs/(\w[\w-]*\.md),? \(?"([^"]+)"}g)
	{
		my ($document, $title) = ("docs/$1", $2);
		my $found = -f $document && slurp($document) =~ /^#+ +\Q$title\E/m;
		fault("$source: $document has no section \"$title\"") if !$found;
	}
}

# ---- lines

foreach my $document (qw(README.md CONTRIBUTING.md SECURITY.md test/README.md), glob('docs/*.md'), glob('docs/*/*.md'))
{
	my $n = 0;
	my $code = 0;
	next if $document =~ m{^docs/reference/};
	foreach my $line (split /\n/, slurp($document) =~ s/(<!--.*?-->)/$1 =~ s{[^\n]}{}gr/gser)
	{
		$n++;
		$code = !$code if $line =~ /^```/;
		next if length($line) < 101 || $code || $line =~ /^ *\||\]\(|^ {4}|^\s*<|"\$/;
		fault("$document:$n: a line of " . length($line) . ' characters');
	}
}

exit($faults > 0);
