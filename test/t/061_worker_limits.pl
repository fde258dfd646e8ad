# barq.max_workers bounds the workers of all indexes together; a merge takes helpers
# within max_parallel_maintenance_workers, which end with it; a merge that is slowed
# down by barq.maintenance_rate waits where pg_stat_activity shows it, and still gives
# way; a merge that failed is not tried again at once, unless a command asks for it; a
# helper that is killed takes nothing with it but its merge.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('limits', conf => q{
	barq.background = on
	barq.max_workers = 1
	max_worker_processes = 16
	max_parallel_maintenance_workers = 2
	barq.growing_limit = 64kB
	log_min_messages = debug1
});
my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq worker'};

# ---- one worker for two indexes
$node->safe_psql('postgres', q{
	CREATE TABLE a (id int, v vector(32)); CREATE INDEX a_v ON a USING barq_hnsw (v vector_l2_ops);
	CREATE TABLE b (id int, v vector(32)); CREATE INDEX b_v ON b USING barq_hnsw (v vector_l2_ops);
	ALTER SYSTEM SET barq.maintenance_rate = '32kB';
	SELECT pg_reload_conf()});
my $most = 0;
for my $i (0 .. 9)
{
	$node->safe_psql('postgres', sprintf
		'INSERT INTO %s SELECT i, vec(i) FROM generate_series(%d, %d) i', $_, $i * 1000, $i * 1000 + 999) foreach qw(a b);
	my $now = $node->safe_psql('postgres', $workers);
	$most = $now if $now > $most;
}
is($most, 1, 'never more workers than barq.max_workers');
is($node->safe_psql('postgres', 'SELECT count(*) FROM a UNION ALL SELECT count(*) FROM b'), "10000\n10000", 'all rows are inserted');

# ---- the rate: the worker sleeps, and DDL does not wait for it
my $event = $node->pg_version >= 17 ? 'BarqMaintenanceRate' : 'Extension';
wait_until('the worker sleeps', sub {
	$node->safe_psql('postgres', qq{SELECT count(*) FROM pg_stat_activity
		WHERE backend_type = 'barq worker' AND wait_event = '$event'}) eq '1' });
$node->safe_psql('postgres', 'DROP INDEX a_v; DROP INDEX b_v');
pass('an index that a slow worker maintains can be dropped');
$node->safe_psql('postgres', q{ALTER SYSTEM RESET barq.maintenance_rate; SELECT pg_reload_conf()});
idle($node);

# ---- no worker at all: inserts go on
$node->safe_psql('postgres', q{ALTER SYSTEM SET barq.max_workers = 0; SELECT pg_reload_conf()});
$node->safe_psql('postgres', q{
	CREATE INDEX a_v ON a USING barq_hnsw (v vector_l2_ops);
	INSERT INTO a SELECT i, vec(i) FROM generate_series(10001, 12000) i});
is($node->safe_psql('postgres', $workers), 0, 'barq.max_workers = 0: no worker');
found_once($node, 'a', 'every row is found once');
$node->safe_psql('postgres', q{ALTER SYSTEM RESET barq.max_workers; SELECT pg_reload_conf()});

# ---- helpers
{
	my $position = log_size($node);

	$node->safe_psql('postgres', q{
		CREATE TABLE big (id int, v vector(32));
		CREATE INDEX big_v ON big USING barq_hnsw (v vector_l2_ops) WITH (growing_limit = 64000);
		INSERT INTO big SELECT i, vec(i) FROM generate_series(1, 60000) i;
		SELECT barq_compact('big_v')});
	like(log_since($node, $position), qr/a merge has 2 helpers/, 'a merge has as many helpers as allowed');
	is(segment_count($node, 'big_v'), 1, 'one segment is made');
	sound($node, 'big_v', 'sound', errors => 1);
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'userlock'}), 0,
		'and their slots are free again');
	wait_until('the helpers have ended', sub { !grep { /barq helper/ } `ps -eo args` });
	pass('the helpers end');
}

# ---- a helper is killed: the server restarts, the merge is lost, nothing else is
SKIP:
{
	$node->append_conf('postgresql.conf', 'restart_after_crash = on');
	$node->reload;
	$node->safe_psql('postgres', q{INSERT INTO big SELECT i, vec(i) FROM generate_series(60001, 100000) i});
	my $position = log_size($node);
	my $merge = background($node, q{SELECT barq_compact('big_v')});
	my $helper;
	wait_until('a helper runs', sub {
		($helper) = map { /^\s*(\d+)/ } grep { /barq helper of process $merge->{pid}\b/ } `ps -eo pid,args`;
		return defined $helper || $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $merge->{pid}") eq '0';
	});
	skip 'the merge ended too early', 6 if !defined $helper;
	kill 'KILL', $helper;
	isnt(finished($merge), 0, 'a helper is killed: the merge fails');
	wait_until('the server is back', sub { log_since($node, $position) =~ /was terminated by signal 9.*database system is ready to accept connections/s });
	wait_until('the server answers', sub { $node->psql('postgres', 'SELECT 1') == 0 });
	sound($node, 'big_v', 'a helper is killed: the index is sound', errors => 1);
	found_once($node, 'big', 'a helper is killed: every row is found once');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'userlock'}), 0, 'a helper is killed: the slots are free');
	cmp_ok($node->safe_psql('postgres', q{SELECT barq_compact('big_v')}), '>', 0, 'a helper is killed: the merge succeeds when it is tried again');
	$node->safe_psql('postgres', 'VACUUM big');
	is_deeply([ orphans($node) ], [], 'a helper is killed: no file is left');
}

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|leak|PANIC/, 'no assertion failed, nothing leaked');
done_testing();
