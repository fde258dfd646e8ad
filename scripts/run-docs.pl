#!/usr/bin/env perl
# run-docs.pl [--write] [PAGE...]: run the SQL blocks of documents in the server that
# the environment names, each page in a database of its own, made anew:
#
#   eval "$(scripts/server.sh env dev)"; scripts/run-docs.pl docs/tutorial.md
#
# Prints the blocks that fail or print something else than the page shows. --write
# puts what was printed in place of the outputs shown: read the difference before you
# commit it. `make test ONLY=tap TESTS=100_documents` does the same for all pages.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/../test/perl";

use BarqDocs;

binmode STDOUT, ':encoding(UTF-8)';
chdir(abs_path(dirname(__FILE__) . '/..')) or die;
my $write = @ARGV > 0 && $ARGV[0] eq '--write' && shift @ARGV;
my $faults = 0;
my $version = int(`psql -XAtq -d postgres -c 'SHOW server_version_num'` / 10000);
foreach my $page (@ARGV > 0 ? @ARGV : document_pages('.'))
{
	my @blocks = document_blocks($page);
	next if @blocks == 0;
	forget_outputs(\@blocks, $version);
	my $database = 'page ' . ($page =~ s/[^A-Za-z0-9]/_/gr);
	my $directory = tempdir(CLEANUP => 1);
	system('psql', '-Xq', '-d', 'postgres', '-c', 'SET client_min_messages = warning',
		'-c', qq{DROP DATABASE IF EXISTS "$database"}, '-c', qq{CREATE DATABASE "$database"}) == 0 or exit 1;
	system('psql', '-Xq', '-d', $database, '-c', 'CREATE EXTENSION barq') == 0 or exit 1;
	run_document(\@blocks, $directory, 'psql', '-d', $database);
	my $failed = 0;
	foreach my $block (grep { !defined $_->{skip} } @blocks)
	{
		my $fault = compare_output($block);
		next if !defined $fault;
		$failed++;
		print "$page:$block->{line}: $fault\n";
	}
	my $skipped = grep { defined $_->{skip} } @blocks;
	print "$page: " . @blocks . " SQL blocks, $failed with a fault, $skipped not run\n";
	print "$page: " . write_outputs($page, \@blocks) . " outputs written\n" if $write && $failed > 0;
	$faults += $failed;
}
exit($faults > 0 && !$write);
