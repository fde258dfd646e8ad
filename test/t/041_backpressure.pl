# Inserts at barq.growing_hard_limit, with the maintenance lock free, held by a
# worker, or held by another session; barq.consistency; and under
# synchronous_commit = remote_apply a standby finds a row as soon as its insert
# has returned.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_server('pressure', init => { allows_streaming => 1 }, conf => q{
	barq.background = on
	barq.growing_limit = 64kB
	log_statement = none
	log_min_messages = debug1
});
my $limits = q{SET barq.growing_limit = '64kB'; SET barq.growing_hard_limit = '128kB'; };
my $hard_limit = 128 * 1024;
my $next = 1;

$node->safe_psql('postgres', q{
	CREATE TABLE source AS SELECT i AS id, vec(i) AS v FROM generate_series(1, 40000) i;
	CREATE TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
});

# SQL that inserts the next n rows
sub rows
{
	my ($n) = @_;
	my $first = $next;
	$next += $n;
	return "INSERT INTO items SELECT id, v FROM source WHERE id BETWEEN $first AND " . ($next - 1);
}

my $expected = 0;

sub all_there
{
	my ($what) = @_;

	is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), $expected, "$what: the rows that were committed");
	found_once($node, 'items', "$what: every row once");
	sound($node, 'items_v', "$what: sound", errors => 1);
	return;
}

my $holder = session($node);

# A session holds the maintenance lock without sealing or merging.
sub hold { ask($holder, 'BEGIN; ALTER INDEX items_v SET (m = ' . (shift // 20) . ')'); return; }

sub let_go
{
	ask($holder, 'ROLLBACK');
	# seal the rows gathered so far
	idle($node);
	$node->safe_psql('postgres', q{SELECT barq_seal('items_v')});
	return;
}

# From barq_stats() of a session: how often its inserts have waited for room, and
# for how many seconds.
sub waited
{
	my ($session) = @_;
	my ($waits, $ms) = split /\|/,
		ask($session, q{SELECT coalesce(sum(waits), 0), coalesce(sum(wait_time), 0) FROM barq_stats() WHERE index = 'items_v'::regclass});

	return ($waits, $ms / 1000);
}

# Allow workers or not, in every session; waits until a new session sees it.
sub background_work
{
	my ($setting) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET barq.background = $setting");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('barq.background') = '$setting'") or die;
	return;
}

#
# The lock is free: the worker keeps up, or inserts wait for it.
#
foreach my $backpressure ('wait', 'inline')
{
	my $begin = time;

	$node->safe_psql('postgres', "$limits SET barq.growing_hard_limit = '64kB'; SET barq.backpressure = '$backpressure'; " . rows(6000));
	$expected += 6000;
	note sprintf '%s: %.1f s beside a worker that seals', $backpressure, time - $begin;
	idle($node);
	cmp_ok(growing_bytes($node, 'items_v'), '<', $hard_limit, "$backpressure: the log is below the hard limit");
	all_there($backpressure);
}

#
# sealing_while_merging: the log does not grow during a long merge.
#
{
	$node->safe_psql('postgres', q{
		CREATE TABLE long (id int, v vector(32));
		CREATE INDEX long_v ON long USING barq_hnsw (v vector_l2_ops) WITH (ef_construction = 200);
		SET barq.growing_limit = '1GB'; SET barq.growing_hard_limit = '1GB';
		INSERT INTO long SELECT id, v FROM source;
		SELECT barq_seal('long_v')});
	my $position = log_size($node);
	$node->safe_psql('postgres', q{
		SET barq.growing_limit = '64kB';
		INSERT INTO long SELECT 100000 + id, v FROM source WHERE id <= 1000});
	worker_pid($node, 'barq: compacting public.long_v');
	my $large = q{SELECT count(*) FROM barq_segments('long_v') WHERE state = 'compacted'};
	is($node->safe_psql('postgres', $large), '0', 'sealing while merging: the merge has not ended');
	$node->safe_psql('postgres', q{
		SET barq.growing_limit = '64kB';
		INSERT INTO long SELECT 200000 + id, v FROM source WHERE id <= 1000});
	my ($log, $merged) = (0, 0);
	wait_until('the log was sealed', sub {
		($log, $merged) = split /\|/, $node->safe_psql('postgres', q{
			SELECT sum(rows) FILTER (WHERE state = 'growing') || '|' || count(*) FILTER (WHERE state = 'compacted') FROM barq_segments('long_v')});
		return $log < 1000;
	});
	is($merged, '0', 'sealing while merging: the log was sealed before the merge had ended');
	idle($node);
	found_once($node, 'long', 'sealing while merging: every row once');
	sound($node, 'long_v', 'sealing while merging: sound', errors => 1);

	# segments sealed and not merged count too, and the error says so
	$node->safe_psql('postgres', q{
		SET barq.growing_limit = '1GB'; SET barq.growing_hard_limit = '1GB';
		INSERT INTO long SELECT 300000 + id, v FROM source;
		SELECT barq_seal('long_v')});
	# small transactions are slowed down while a worker is sealing or merging
	my $small = session($node);
	my $waits = q{SELECT sum(waits) > 0 AND sum(wait_time) > 0 FROM barq_stats() WHERE index = 'long_v'::regclass};
	my $other = session($node);
	background_work('off');
	ask($small, q{SET barq.growing_limit = '64kB'; INSERT INTO long SELECT 500000 + id, v FROM source WHERE id <= 400});
	is(ask($small, $waits), 'f', 'no slowdown while no process seals or merges');
	background_work('on');
	ask($other, 'BEGIN; ALTER INDEX long_v SET (m = 20)');
	ask($small, 'INSERT INTO long SELECT 600000 + id, v FROM source WHERE id <= 400');
	is(ask($small, $waits), 't', 'slowed down: inserts beside a worker wait, and the waits are counted');
	quit($small);
	my $session = session($node);
	send_sql($session, q{SET barq.growing_limit = '64kB'; SET barq.growing_hard_limit = '1MB'; SET barq.backpressure = 'error';
		INSERT INTO long SELECT 400000 + id, v FROM source});
	answer($session);
	like($session->{err}, qr/ERROR:  53400: growing log of index "long_v" has reached growing_hard_limit/, 'error: segments that wait for a merge count');
	like($session->{err}, qr/DETAIL:  The log has \d\d kB, segments that wait to be merged have \d{4} kB, the limit is 1024 kB\./, 'error: and the detail says so');
	ask($other, 'ROLLBACK');
	quit($session);
	quit($other);
	idle($node);
	$node->safe_psql('postgres', 'DROP TABLE long');
}

#
# A session that is no worker holds the maintenance lock.
#
{
	my $session = session($node);

	hold();
	send_sql($session, "$limits SET barq.backpressure = 'error'; " . rows(5000));
	answer($session);
	like($session->{err}, qr/ERROR:  53400: growing log of index "items_v" has reached growing_hard_limit/, 'error: SQLSTATE 53400');
	like($session->{err}, qr/DETAIL:  The log has \d+ kB, the limit is 128 kB\./, 'error: detail');
	like($session->{err}, qr/HINT:  .*barq\.backpressure to "wait" or "inline"/, 'error: hint');
	cmp_ok(growing_bytes($node, 'items_v'), '>=', $hard_limit, 'error: the log has reached the hard limit');
	cmp_ok(growing_bytes($node, 'items_v'), '<', $hard_limit + 3 * 8192, 'error: the log has not grown past the hard limit');
	ask($session, q{
		DO $$ BEGIN
			INSERT INTO items SELECT -id, v FROM source WHERE id <= 2000;
		EXCEPTION WHEN configuration_limit_exceeded THEN
			RAISE NOTICE 'caught';
		END $$});
	like($session->{err}, qr/caught/, 'error: a DO block can catch it');
	ask($session, 'SELECT 1');
	let_go();
	ask($session, rows(1000));
	$expected += 1000;
	idle($node);
	all_there('error');
	quit($session);
}
{
	my $session = session($node);

	hold();
	ask($session, "$limits SET barq.backpressure = 'inline'; " . rows(4000));
	$expected += 4000;
	is((waited($session))[0], 0, 'inline: inserts do not wait for a foreign holder');
	cmp_ok(growing_bytes($node, 'items_v'), '>', $hard_limit, 'inline: inserts pass the hard limit beside a foreign holder');
	let_go();
	all_there('inline beside a foreign holder');
	quit($session);
}
{
	# an insert waits five seconds once; if each had waited so long, all together
	# would have taken twice the time allowed here
	my $session = session($node);

	hold();
	ask($session, "$limits SET barq.backpressure = 'inline'; " . rows(2500));
	$expected += 2500;
	my $patience = 5;
	ask($session, "SET barq.backpressure = 'wait'; " . rows(2000));
	$expected += 2000;
	my ($waits, $took) = waited($session);
	cmp_ok($waits, '>', 10, "wait: inserts wait at every page ($waits)");
	cmp_ok($took, '>', $patience - 1, sprintf('wait: inserts wait for a foreign holder (%.1f s)', $took));
	cmp_ok($took, '<', $patience * $waits / 2, 'wait: one timeout serves all pages, then inserts pass the limit');
	ask($session, rows(1500));
	$expected += 1500;
	my ($more, $longer) = waited($session);
	cmp_ok($more, '>', $waits, 'wait: inserts wait at every page of the next statement');
	cmp_ok($longer - $took, '<', $patience * ($more - $waits) / 2,
		'wait: the next statement does not wait for the timeout again');
	let_go();
	all_there('wait beside a foreign holder');
	quit($session);
}

#
# Interrupted waits.
#
{
	my $session = session($node);

	hold();
	ask($session, "$limits SET barq.backpressure = 'inline'; " . rows(2500));
	$expected += 2500;
	ask($session, q{SET barq.backpressure = 'wait'; SET statement_timeout = '300ms'});
	send_sql($session, rows(1000));
	answer($session);
	like($session->{err}, qr/ERROR:  57014: canceling statement due to statement timeout/, 'wait: statement_timeout cancels the wait');

	ask($session, 'SET statement_timeout = 0');
	is((waited($session))[0], 0, 'wait: statement_timeout ends it before it would time out');
	send_sql($session, rows(1000));
	held_back($node, $session->{pid});
	pass('wait: pg_stat_activity shows an extension wait event');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($session->{pid})");
	answer($session);
	like($session->{err}, qr/ERROR:  57014: canceling statement due to user request/, 'wait: pg_cancel_backend cancels the wait');
	is((waited($session))[0], 0, 'wait: pg_cancel_backend ends it before it would time out');

	# the holder ends: the waiting insert starts a worker
	send_sql($session, rows(1500));
	held_back($node, $session->{pid});
	my $position = log_size($node);
	my $begin = time;
	ask($holder, 'COMMIT');
	answer($session);
	is($session->{err}, '', 'wait: the insert succeeds when the holder releases the lock');
	$expected += 1500;
	note sprintf 'went on after %.1f s', time - $begin;
	like(log_since($node, $position), qr/starting background worker process "barq worker/, 'wait: the insert has started a worker');
	idle($node);
	cmp_ok(growing_bytes($node, 'items_v'), '<', $hard_limit, 'wait: the log is below the hard limit again');
	all_there('wait');

	# terminated while it waits
	hold(16);
	ask($session, q{SET barq.backpressure = 'inline'; } . rows(2500));
	$expected += 2500;
	ask($session, q{SET barq.backpressure = 'wait'});
	send_sql($session, rows(1000));
	held_back($node, $session->{pid});
	is($node->safe_psql('postgres', "SELECT pg_terminate_backend($session->{pid}, 1800000)"), 't', 'wait: pg_terminate_backend ends the wait');
	let_go();
	all_there('after pg_terminate_backend');
	quit($session);
}
quit($holder);

#
# barq.consistency
#
{
	my $by_index = q{SET enable_seqscan = off; SET enable_sort = off; SET barq.consistency = '%s';
		SELECT id FROM small ORDER BY v <-> vec(%d) LIMIT 1};
	my $nearest = sub { return $node->safe_psql('postgres', sprintf $by_index, @_); };

	$node->safe_psql('postgres', q{
		CREATE TABLE small (id int, v vector(32));
		CREATE INDEX small_v ON small USING barq_hnsw (v vector_l2_ops);
	});
	$node->safe_psql('postgres', 'INSERT INTO small SELECT id, v FROM source WHERE id <= 100');
	is($nearest->('sealed', 7), '', 'consistency = sealed: no row is found while all rows are in the log');
	is($nearest->('all', 7), '7', 'consistency = all: the log is searched');
	$node->safe_psql('postgres', q{SELECT barq_seal('small_v')});
	$node->safe_psql('postgres', 'INSERT INTO small SELECT id, v FROM source WHERE id BETWEEN 101 AND 200');
	is($nearest->('sealed', 7), '7', 'consistency = sealed: a sealed row is found');
	isnt($nearest->('sealed', 150), '150', 'consistency = sealed: a row of the log is not');
	is($nearest->('all', 150), '150', 'consistency = all: the row in the log is found');
	$node->safe_psql('postgres', q{SELECT barq_seal('small_v')});
	is($nearest->('sealed', 150), '150', 'consistency = sealed: after barq_seal it is found');
	is($nearest->('all', 150), '150', 'consistency = all: after barq_seal it is found');
}

#
# A standby finds a row whose insert has returned.
#
{
	$node->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('standby')});
	my $standby = new_standby($node, 'standby', conf => q{primary_slot_name = 'standby'});
	$node->append_conf('postgresql.conf', q{synchronous_standby_names = '*'});
	$node->reload;
	wait_until('the standby is synchronous', sub {
		return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'}) eq '1';
	});

	my $writer = session($node);
	my $reader = session($standby);
	my @missed;

	$node->safe_psql('postgres', 'ALTER INDEX items_v SET (max_segments = 2, compaction_ratio = 2)');
	ask($writer, "$limits SET synchronous_commit = remote_apply");
	ask($reader, 'SET enable_seqscan = off; SET enable_sort = off');
	like(ask($reader, 'EXPLAIN SELECT id FROM items ORDER BY v <-> vec(1) LIMIT 1'), qr/Index Scan using items_v/, 'standby: the index is used');
	foreach my $round (1 .. 40)
	{
		# further rows beside it, so that the log is sealed repeatedly
		my $id = 90000 + $round;

		ask($writer, "INSERT INTO items SELECT -$round * 1000 - i, vec(50000 + $round * 200 + i) FROM generate_series(1, 150) i") ;
		ask($writer, "INSERT INTO items VALUES ($id, vec($id))");
		push @missed, $id unless ask($reader, "SELECT id FROM items ORDER BY v <-> vec($id) LIMIT 1") eq $id;
	}
	$expected += 40 * 151;
	is_deeply(\@missed, [], 'standby: a row inserted with remote_apply is found by the next statement');
	idle($node);
	like(ask($writer, q{SELECT last_compaction > now() - interval '1 day' FROM barq_index_status('items_v'::regclass)}), qr/^t$/,
		'standby: segments were compacted meanwhile');
	ask($writer, q{SELECT barq_seal('items_v')});
	ask($writer, 'CREATE TABLE fence ()');
	is($standby->safe_psql('postgres', 'SELECT count(*) FROM items'), $expected, 'standby: all rows are there');
	found_once($standby, 'items', 'standby: every row once');

	# the graph is in the pages, so both find the same rows
	my ($there) = answers($standby, 'items');
	my ($here) = answers($node, 'items');
	is($there, $here, 'standby: the same answers as the primary');
	quit($reader);
	quit($writer);
	$standby->stop;
}
all_there('at the end');
$node->stop('immediate');
done_testing();
