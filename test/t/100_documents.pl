# Every SQL block of README.md, CONTRIBUTING.md and docs/ runs as it is written, and
# prints what the page shows (test/perl/BarqDocs.pm). A block that cannot run says why
# in the page, and counts as skipped.
use strict;
use warnings;

use BarqDocs;
use BarqTest;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = dirname(__FILE__) . '/../..';
my @pages = grep { !$ENV{DOCS_ONLY} || /$ENV{DOCS_ONLY}/ } document_pages($top);

# as scripts/server.sh makes one, but for autovacuum, whose time is its own
my $node = PostgreSQL::Test::Cluster->new('documents');
$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_wal_size = 1GB\n");
$node->start;

# for what a page's setup starts
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

my $version = int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);
my ($run, $shown) = (0, 0);
foreach my $page (@pages)
{
	my @blocks = document_blocks("$top/$page");
	next if @blocks == 0;
	forget_outputs(\@blocks, $version);
	my $database = 'page ' . ($page =~ s/[^A-Za-z0-9]/_/gr);
	my $directory = PostgreSQL::Test::Utils::tempdir;

	$node->safe_psql('postgres', qq{CREATE DATABASE "$database"});
	$node->safe_psql($database, 'CREATE EXTENSION barq');
	run_document(\@blocks, $directory, 'psql', '-d', $node->connstr($database));
	foreach my $block (@blocks)
	{
	  SKIP:
		{
			skip "$page:$block->{line}: $block->{skip}", 1 if defined $block->{skip};
			my $fault = compare_output($block);
			ok(!defined $fault, "$page:$block->{line} runs" . (defined $block->{output} ? ' and prints what is shown' : ''))
			  or diag($fault);
			$run++;
			$shown++ if defined $block->{output};
		}
	}
}
# Programs ask the queries of operations.md and examples/watching too, as the first
# statement of a session, which does not know barq's settings yet.
my %watching;
if (grep { $_ eq 'docs/operations.md' } @pages)
{
	my @statements = map { split /;\s*\n/, $_->{sql} } document_blocks("$top/docs/operations.md");
	@statements = grep { /^\s*(?:--[^\n]*\n)*\s*SELECT\b/ } @statements;
	$watching{"operations.md: $_"} = $_ foreach @statements;
	my $yaml = slurp_file("$top/examples/watching/queries.yaml");
	while ($yaml =~ /^(\w+):\n  query: \|\n((?: {4}[^\n]*\n)+)/mg)
	{
		$watching{"queries.yaml, $1"} = $2;
	}
	cmp_ok(scalar(keys %watching), '>', 15, 'there are queries to watch by');
}
foreach my $name (sort keys %watching)
{
	my ($status, undef, $error) = $node->psql('page docs_operations_md', $watching{$name});
	is($status, 0, "first in a session: $name") or diag($error);
}

note("$run SQL blocks run, $shown of them with the output that the page shows");
done_testing();
