#!/usr/bin/env perl
# make-reference.pl [--check]: write docs/reference/*.md from the catalogue of a
# server with barq and from the sources.
#
#   scripts/server.sh run reference scripts/make-reference.pl
#
# functions.md   functions, with their COMMENT ON
# objects.md     types, access methods, operator classes, operators, casts
# settings.md    settings, with the descriptions of src/ (pg_settings)
# options.md     index options, with the descriptions of src/ (add_*_reloption)
# messages.md    errors, warnings and notices of src/ (ereport), with their SQLSTATE,
#                detail and hint; where a message has no hint, what to do is said by
#                docs/reference/advice.txt
#
# --check writes nothing: exit status 1, with a line for each page that is stale.
# The server is the one of the environment (PGHOST, PGPORT); a database is made in it
# and dropped.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use FindBin;
use lib "$FindBin::Bin/perl";
use MakeReference;

chdir(abs_path(dirname(__FILE__) . '/..')) or die;
my $check = @ARGV > 0 && $ARGV[0] eq '--check';
my %pages = reference_pages('barq_reference');
my $stale = 0;
foreach my $page (sort keys %pages)
{
	my $path = "docs/reference/$page";
	my $now = -f $path ? slurp($path) : '';
	next if $now eq $pages{$page};
	if ($check)
	{
		print "$path is stale: run scripts/server.sh run reference scripts/make-reference.pl\n", difference($now, $pages{$page});
		$stale++;
		next;
	}
	open(my $file, '>:encoding(UTF-8)', $path) or die "$path: $!";
	print $file $pages{$page};
	close $file;
	print "$path written\n";
}
exit($stale > 0);
