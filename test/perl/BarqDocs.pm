# The SQL blocks of documents, run as they are written. Each page gets a database
# with barq in it and one psql, so that a page's blocks see the settings, tables and
# prepared statements of the blocks above them, as a reader's session does.
#
# A block is a fence ```sql. A fence ```text right below it is what psql prints for
# it, compared line by line; a line of three dots stands for any lines, and the
# character U+2026 in a line for any text. A block that prints an error without
# showing it fails. HTML comments steer a page:
#   <!-- setup: SQL -->              run before the next block
#   <!-- file NAME: text -->         a file in psql's working directory
#   <!-- parameters: types = values --> the next block's statements with $1, $2, ...
#                                    are prepared and executed with these
#   <!-- output before NN -->         the next block's output is of versions of PostgreSQL
#                                    before NN: later ones are not compared
#   <!-- new session -->             the next block is run in a session of its own
#   <!-- not run: reason -->         the next block is counted and not run
#   <!-- page not run: reason -->    nor is any block of the page
package BarqDocs;

use strict;
use warnings;

use Encode qw(decode encode);
use Exporter 'import';
use IPC::Run;

our @EXPORT = qw(document_pages document_blocks run_document forget_outputs compare_output write_outputs);

# Documents below a checkout that may have SQL blocks.
sub document_pages
{
	my ($top) = @_;
	return map { s{^\Q$top\E/}{}r } grep { -f } "$top/README.md", "$top/CONTRIBUTING.md", glob("$top/docs/*.md"), glob("$top/docs/*/*.md");
}

# The blocks of a page: a list of hashes of line, sql, output (undef if none is
# shown), setup, parameters, skip (the reason), session, files. Dies where the page
# has an SQL block or a comment that is not understood.
sub document_blocks
{
	my ($path) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
	my $text = do { local $/ = undef; <$file> };
	my (@blocks, $page_skip);
	my %next = (setup => '', files => {});
	my $last_end = -1;

	while ($text =~ /^(?:<!--\s*(.*?)\s*-->|```([^\n]*)\n(.*?)^```[ \t]*$)/msg)
	{
		my ($comment, $language, $body, $start, $end) = ($1, $2, $3, $-[0], $+[0]);
		my $line = 1 + (substr($text, 0, $start) =~ tr/\n//);

		if (defined $comment)
		{
			if ($comment =~ /^setup:\s*(.*)/s) { $next{setup} .= "$1\n"; }
			elsif ($comment =~ /^file (\S+):\n(.*)/s) { $next{files}{$1} = "$2\n"; }
			elsif ($comment =~ /^parameters:\s*(.*?) = (.*)/s) { $next{parameters} = [ $1, $2 ]; }
			elsif ($comment =~ /^output before (\d+)/) { $next{before} = $1; }
			elsif ($comment =~ /^new session/) { $next{session} = 1; }
			elsif ($comment =~ /^page not run:\s*(.+)/s) { $page_skip = $1; }
			elsif ($comment =~ /^not run:\s*(.+)/s) { $next{skip} = $1; }
			elsif ($comment =~ /^(?:setup|file|parameters|new session|output|page|not run|run)\b/) { die "$path:$line: a comment that is not understood: $comment\n"; }
		}
		elsif ($language eq 'sql')
		{
			push @blocks, { %next, line => $line, sql => $body, end => $end };
			%next = (setup => '', files => {});
			$last_end = $end;
		}
		elsif ($language eq 'text' && $last_end >= 0 && substr($text, $last_end, $start - $last_end) =~ /^\s*$/)
		{
			$blocks[-1]{output} = $body;
			$blocks[-1]{output_at} = [ $start, $end ];
		}
	}
	my $fences = () = $text =~ /^[ \t>]*```sql/mg;
	die "$path: $fences SQL blocks, but " . @blocks . " are understood (a fence must begin a line)\n" if $fences != @blocks;

	# SQL belongs into fences, where it is run
	while ($text =~ /\n\n {4}((?:SELECT|INSERT INTO|CREATE (?:TABLE|INDEX|EXTENSION)|ALTER|DROP|SET) .*)/g)
	{
		die "$path: SQL in an indented block: $1\n";
	}
	if (defined $page_skip)
	{
		$_->{skip} //= $page_skip foreach @blocks;
	}
	return @blocks;
}

# A block's statements as psql is given them.
sub statements
{
	my ($block) = @_;
	return $block->{sql} if !$block->{parameters};
	my ($types, $values) = @{ $block->{parameters} };
	my $script = '';
	foreach my $statement ($block->{sql} =~ /(.+?;[^\n;]*\n|.+\z)/sg)
	{
		if ($statement !~ /\$\d/)
		{
			$script .= $statement;
			next;
		}
		my ($explain, $query) = $statement =~ /^(\s*EXPLAIN\b(?:\s*\([^)]*\))?\s)?(.*)/s;
		$explain //= '';
		$query .= ';' if $query !~ /;[^;]*\z/;
		$script .= "PREPARE a_block ($types) AS $query\n${explain}EXECUTE a_block ($values);\nDEALLOCATE a_block;\n";
	}
	return $script;
}

# Run a page's blocks in a database. Sets {printed} of each block that is run. The
# psql command is given as a list; directory is where it runs and finds files.
sub run_document
{
	my ($blocks, $directory, @psql) = @_;
	my $script = "\\pset pager off\n\\cd '$directory'\n";
	my $mark = '=#= block';
	my $out = '';

	foreach my $n (0 .. $#$blocks)
	{
		my $block = $blocks->[$n];
		next if defined $block->{skip};
		foreach my $name (sort keys %{ $block->{files} })
		{
			open(my $file, '>:encoding(UTF-8)', "$directory/$name") or die "$directory/$name: $!";
			print $file $block->{files}{$name};
			close $file;
		}
		$script .= "\\connect\n" if $block->{session};
		$script .= "\\echo $mark $n setup\n$block->{setup}\n" if $block->{setup} ne '';
		$script .= "\\echo $mark $n run\n" . statements($block) . "\n";
	}
	$script .= "\\echo $mark end\n";
	my $input = encode('UTF-8', $script);
	IPC::Run::run([ @psql, '-X', '-q', '-f', '-' ], '<', \$input, '>', \$out, '2>&1');
	$out = decode('UTF-8', $out);
	$out =~ s/^psql:[^\n]*?:\d+: //mg;
	foreach my $part (split /^\Q$mark\E /m, $out)
	{
		my ($n, $what, $printed) = $part =~ /^(\d+) (setup|run)\n(.*)\z/s or next;
		if ($what eq 'setup')
		{
			$blocks->[$n]{setup_failed} = $printed if $printed =~ /^(?:ERROR|FATAL):|^invalid command/m;
			next;
		}
		$blocks->[$n]{printed} = $printed;
	}
	return;
}

# Drop outputs that a server of this major version does not print.
sub forget_outputs
{
	my ($blocks, $version) = @_;
	foreach my $block (@$blocks)
	{
		delete $block->{output} if defined $block->{before} && $version >= $block->{before};
	}
	return;
}

# What is wrong with a block that was run; undef if nothing is.
sub compare_output
{
	my ($block) = @_;
	return "its setup failed: $block->{setup_failed}" if defined $block->{setup_failed};
	my $printed = $block->{printed};
	return 'it was not reached' if !defined $printed;
	my $shown = $block->{output};
	my $failed = $printed =~ /^(?:ERROR|FATAL|PANIC):|^invalid command|^\\\S+: extra argument/m;

	if (!defined $shown)
	{
		return $failed ? "it fails:\n$printed" : undef;
	}
	my $tidy = sub { my ($text) = @_; $text =~ s/[ \t]+$//mg; $text =~ s/\A\n+|\n+\z//g; return $text; };
	my $pattern = quotemeta $tidy->($shown);
	$pattern =~ s/^(?:\\\.){3}(?:\\\n|\z)/(?:.*(?:\\n|\\z))*?/mg;
	$pattern =~ s/\\?\x{2026}/[^\\n]*?/g;
	return undef if $tidy->($printed) =~ /\A$pattern\z/;
	return "it prints:\n$printed";
}

# Replace the outputs that a page shows by what was printed, where they differ.
# Returns their number.
sub write_outputs
{
	my ($path, $blocks) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
	my $text = do { local $/ = undef; <$file> };
	close $file;
	my $written = 0;
	foreach my $block (reverse @$blocks)
	{
		next if defined $block->{skip} || !defined $block->{output} || !defined compare_output($block) || !defined $block->{printed};
		my $printed = $block->{printed};
		$printed =~ s/[ \t]+$//mg;
		$printed =~ s/\A\n+|\n+\z//g;
		my ($start, $end) = @{ $block->{output_at} };
		substr($text, $start, $end - $start) = "```text\n$printed\n```";
		$written++;
	}
	if ($written > 0)
	{
		open(my $to, '>:encoding(UTF-8)', $path) or die "$path: $!";
		print $to $text;
		close $to;
	}
	return $written;
}

1;
