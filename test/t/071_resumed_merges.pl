# A merge that is interrupted goes on where it was: after DDL that waited for the
# index, a cancelled or terminated worker, a stopped server, a server that was killed
# at any moment, and by whichever process merges next. It starts over if its inputs,
# the machine's start or the version of its files have changed, and then nothing is
# left of it. How much is done again is read from the server's log.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('resumed', conf => q{
	barq.background = on
	max_parallel_maintenance_workers = 2
	max_worker_processes = 16
	restart_after_crash = on
	log_min_messages = debug1
});

# 20,000 rows of 800 bytes in a graph, and 4,000 to be joined to it: some ten seconds.
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(96)) WITH (autovacuum_enabled = off);
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops)
		WITH (ef_construction = 400, m = 24, quantization = none, growing_limit = '1GB', growing_hard_limit = '2GB')});
my $filled = 0;
fill(12000);
$node->safe_psql('postgres', q{SELECT barq_compact('items_v')});
fill(3000);
$node->safe_psql('postgres', q{SELECT barq_seal('items_v')});

sub fill
{
	my ($n) = @_;

	$node->safe_psql('postgres', sprintf 'INSERT INTO items SELECT i, vec(i, 96) FROM generate_series(%d, %d) i',
		$filled + 1, $filled + $n);
	$filled += $n;
	return;
}

sub work_files { return grep { /\.(work|merge)$/ } image_files(image_root($node)) }

# Begin a merge in a session, and wait until it has a record; returns the session.
sub begin
{
	my $session = session($node);

	send_sql($session, q{SELECT barq_compact('items_v')});
	wait_until('the merge is recorded', sub { 1 == grep { /\.merge$/ } work_files() });
	return $session;
}

# What the log says of a merge that went on: rows in all, left, inserted again
sub went_on
{
	my ($position) = @_;

	return log_since($node, $position) =~ /a merge goes on: of (\d+) rows (\d+) are left, (\d+) were inserted again/ ?
		($1, $2, $3) : ();
}

# ---- cancelled, and taken up by another session
{
	my $session = begin();
	my $position = log_size($node);

	$node->safe_psql('postgres', "SELECT pg_sleep(0.3), pg_cancel_backend($session->{pid})");
	answer($session);
	like($session->{err}, qr/57014/, 'a merge is cancelled');
	quit($session);
	is(scalar(grep { /\.work$/ } work_files()), 1, 'its work area stays');
	is($node->safe_psql('postgres', q{SELECT barq_compact('items_v')}), 15000, 'another session merges');
	my ($all, $left, $again) = went_on($position);
	is($all, 15000, 'it goes on with the merge');
	cmp_ok($left, '<', 3000, 'rows that were joined are not joined again');
	is($again, 0, 'none of them');
	is(join(' ', work_files()), '', 'no file is left');
	is(segment_count($node, 'items_v'), 1, 'one segment');
	sound($node, 'items_v', 'sound');
	found_once($node, 'items', 'every row once');
	same_answers($node, 'items', 'nearest rows', recall => 0.9);
	is(join(' ', orphans($node)), '', 'no file without an owner');
}

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|leak|PANIC/, 'no assertion failed, nothing leaked');
done_testing();
