# A merge that failed is not tried again at once (L16): the next one waits 10 seconds,
# twice as long after each further failure, at most an hour. barq_compact() merges at
# any time, and a merge that succeeds ends the wait. What says nothing of the next merge
# (a cancelled command, a time limit, a terminated session, a worker that gives way) is
# no failure; nor does it hinder sealing.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = abs_path(dirname(__FILE__) . '/../..');
my $variant = PostgreSQL::Test::Utils::tempdir;
chomp(my $bin = `'$tree/scripts/variant.sh' '$variant' BARQ_CRASH_POINTS=1`);
die 'the build with crash points failed' if $? != 0;
$ENV{PATH} = "$bin:$ENV{PATH}";

my $node = new_server('retries', conf => q{
	barq.growing_limit = 64kB
	barq.max_segments = 2
});
my $data = $node->data_dir;

# three segments, of which two may be: a merge is due
$node->safe_psql('postgres', q{
	CREATE FUNCTION barq_stop_at(name text, lock bigint) RETURNS void AS '$libdir/barq' LANGUAGE C;
	CREATE TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8, growing_limit = 1000000)});
my $row = 0;

sub add_segment
{
	my ($rows) = @_;
	$node->safe_psql('postgres', sprintf q{INSERT INTO items SELECT i, vec(i) FROM generate_series(%d, %d) i; SELECT barq_seal('items_v')},
		$row + 1, $row + $rows);
	$row += $rows;
	return;
}

sub now { return $node->safe_psql('postgres', q{SELECT extract(epoch FROM clock_timestamp())}); }

# failures since the last success, and the time before which no merge runs, of BarqUpkeep
sub upkeep
{
	$node->safe_psql('postgres', 'CHECKPOINT');
	my ($failures, $retry) = unpack('x420 L q', slurp_file(relation_file($node, 'items_v')));
	return ($failures, $retry / 1e6 + 946684800);
}

# Run SQL in a session of its own, which obeys an order for steps.c; returns its error.
sub with_order
{
	my ($order, $sql) = @_;
	open(my $f, '>', "$data/barq_crash_point.new") or die;
	print $f "$order\n";
	close $f;
	rename "$data/barq_crash_point.new", "$data/barq_crash_point" or die;
	my (undef, undef, $err) = $node->psql('postgres', $sql);
	unlink "$data/barq_crash_point";
	return $err;
}

add_segment(500) for 1 .. 3;
my $segments = segment_count($node, 'items_v');
is($segments, 3, 'three segments');
is((upkeep())[0], 0, 'no failure yet');

# ---- failures: of a command, and of what comes next
my $wait = 10;
foreach my $failures (1 .. 12)
{
	my $from = now();
	like(with_order('crash 1 flush error compact: merged', q{SELECT barq_compact('items_v')}),
		qr/stopped at step "compact: merged"/, "failure $failures");
	my ($noted, $retry) = upkeep();
	my $to = now();

	is($noted, $failures, "failure $failures is noted");
	cmp_ok($retry, '>=', $from + $wait - 1e-3, "failure $failures: the next merge waits $wait seconds");
	cmp_ok($retry, '<=', $to + $wait + 1e-3, "failure $failures: and not longer");
	$wait = $wait * 2 > 3600 ? 3600 : $wait * 2;
}
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) items; VACUUM (INDEX_CLEANUP on) items');
is(segment_count($node, 'items_v'), $segments, 'meanwhile VACUUM does not merge');
$node->safe_psql('postgres', q{ALTER SYSTEM SET barq.background = on; SELECT pg_reload_conf(); VACUUM (INDEX_CLEANUP on) items});
add_segment(10);
idle($node);
is(segment_count($node, 'items_v'), $segments + 1, 'nor does a worker, but the log is sealed');
$node->safe_psql('postgres', q{ALTER SYSTEM RESET barq.background; SELECT pg_reload_conf()});

# ---- success
is($node->safe_psql('postgres', q{SELECT barq_compact('items_v')}), $row, 'barq_compact() merges at any time');
is((upkeep())[0], 0, 'and ends the wait');
add_segment(10) for 1 .. 2;
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) items');
cmp_ok(segment_count($node, 'items_v'), '<', 3, 'VACUUM merges again');

# ---- a failure of VACUUM's own merge is an error of VACUUM, and is noted
add_segment(10) for 1 .. 3;
like(with_order('crash 1 flush error compact: merged', 'VACUUM (INDEX_CLEANUP on) items'), qr/stopped at step/, 'a merge of VACUUM fails');
is((upkeep())[0], 1, 'and is noted');
$node->safe_psql('postgres', q{SELECT barq_compact('items_v')});

# ---- no failures: a session that is stopped in the middle of its merge, and ended
sub stopped
{
	my ($settings, $name, $end) = @_;
	my $gate = session($node);
	my $session = session($node);

	add_segment(10);
	ask($gate, 'SELECT pg_advisory_lock(1)');
	ask($session, q{SELECT barq_stop_at('compact: merged', 1)});
	send_sql($session, qq{$settings SELECT barq_compact('items_v')});
	$end->($session);
	quit($gate);
	is((upkeep())[0], 0, "$name is no failure");
	is($node->safe_psql('postgres', q{SELECT barq_compact('items_v') > 0}), 't', "$name: the merge can be tried again at once");
	return;
}

stopped('', 'a cancelled command', sub {
	my ($session) = @_;
	wait_for_stop($node, $session->{pid});
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($session->{pid})");
	answer($session);
	like($session->{err}, qr/canceling statement due to user request/, 'the command is cancelled');
	quit($session);
});
stopped('SET statement_timeout = 300;', 'a time limit', sub {
	my ($session) = @_;
	answer($session);
	like($session->{err}, qr/canceling statement due to statement timeout/, 'the time limit ends the command');
	quit($session);
});
stopped('SET lock_timeout = 300;', 'a time limit for locks', sub {
	my ($session) = @_;
	answer($session);
	like($session->{err}, qr/canceling statement due to lock timeout/, 'the time limit for locks ends the command');
	quit($session);
});
stopped('', 'a terminated session', sub {
	my ($session) = @_;
	wait_for_stop($node, $session->{pid});
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($session->{pid})");
	wait_until('the session ends', sub {
		$node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $session->{pid}") eq '0' });
	eval { quit($session) };
});

# ---- a worker that gives way to a command
{
	my $gate = session($node);
	my $vacuum = session($node);

	add_segment(10) for 1 .. 3;
	ask($gate, 'SELECT pg_advisory_lock(1)');
	ask($vacuum, q{SELECT barq_check('items_v')});	# it has read its orders, so the worker takes the next one
	$node->safe_psql('postgres', q{ALTER SYSTEM SET barq.background = on; SELECT pg_reload_conf()});
	append_to_file("$data/barq_crash_point", "stop 1 compact: inputs chosen\n");
	wait_until('there may be workers', sub { ask($vacuum, 'SHOW barq.background') eq 'on' });
	ask($vacuum, 'VACUUM (INDEX_CLEANUP on) items');
	wait_until('the worker stops', sub {
		$node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) eq '1' });
	unlink "$data/barq_crash_point";
	my $ddl = session($node);
	send_sql($ddl, 'SET lock_timeout = 0; ALTER INDEX items_v SET (growing_limit = 900000)');
	wait_until('the command waits', sub {
		$node->safe_psql('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $ddl->{pid}") eq 't' });
	$node->safe_psql('postgres', q{ALTER SYSTEM RESET barq.background});
	ask($gate, 'SELECT pg_advisory_unlock(1)');
	answer($ddl);
	quit($_) foreach $ddl, $gate, $vacuum;
	$node->reload;
	idle($node);
	is((upkeep())[0], 0, 'a worker that gives way is no failure');
}
found_once($node, 'items', 'every row once');
sound($node, 'items_v', 'sound', errors => 1);

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|leak|PANIC/, 'no assertion failed, nothing leaked');
done_testing();
