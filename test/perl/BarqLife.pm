# What the indexes of a table live through, shared by tests that compare their rows with
# those of a sequential scan after each step.
package BarqLife;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(live_without_images dump_and_restore);

# Searched, sealed and built without an image directory, then after a crash with one. The
# table items has an index items_X for each of `columns`; add(first, last) adds rows, from
# `next` on at most 100. `rebuilt`: an index that is built in memory. found(what): the
# comparison. Returns what found() says of the table without images.
sub live_without_images
{
	my ($node, %test) = @_;
	my ($next, $found) = @test{qw(next found)};
	my $directory = $node->safe_psql('postgres', 'SHOW barq.image_directory');
	my $said;

	$node->append_conf('postgresql.conf', "barq.image_directory = '/dev/null/none'");
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('barq.image_directory') = '/dev/null/none'});
	$said = $found->('page by page');
	$node->safe_psql('postgres', "SELECT add($next, $next + 49)");
	foreach my $column (@{ $test{columns} })
	{
		my ($status, $out, $err) = $node->psql('postgres', "SELECT barq_seal('items_$column') > 0");

		is($out, 't', "$column: sealed without images");
	}
	$found->('sealed without images');
	my ($status, $out, $err) = $node->psql('postgres', "SET max_parallel_maintenance_workers = 0; REINDEX INDEX $test{rebuilt}");
	is($status, 0, 'a build without an image directory succeeds');
	like($err, qr/WARNING:.*is built in memory/, 'its WARNING says that it builds in memory');
	$found->('built in memory');

	# a crash; then images can be made again
	$node->append_conf('postgresql.conf', "barq.image_directory = '$directory'");
	$node->safe_psql('postgres', "SELECT add($next + 50, $next + 99)");
	$node->stop('immediate');
	$node->start;
	$found->('after a crash');
	foreach my $column (@{ $test{columns} })
	{
		is($node->safe_psql('postgres', "SELECT barq_compact('items_$column') = (SELECT count(*) FROM items)"), 't', "$column: compacted");
	}
	$found->('compacted');
	return $said;
}

# Dump the database postgres and restore it as the database restored.
sub dump_and_restore
{
	my ($node) = @_;
	my $dump = PostgreSQL::Test::Utils::tempdir . '/dump.sql';

	$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');
	return;
}

1;
