# Inserts that pass barq.growing_limit in every environment: where no worker can
# run, the session seals by itself, and COPY, functions, prepared
# transactions, SERIALIZABLE, rolled-back subtransactions, the apply worker of
# logical replication and single-user mode leave a sound index.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $conf = q{
	barq.background = on
	barq.growing_limit = 64kB
	max_prepared_transactions = 4
	log_min_messages = debug1
	log_statement = none
};
my $node = new_server('sessions', init => { allows_streaming => 'logical' }, conf => $conf);
my $started = qr/starting background worker process "barq/;
my $limit = 64 * 1024;

# Where a session works alone, each page that it adds to a long log joins segments or seals
# (L13): before it seals it may join one group of each class, JOIN_CLASSES - 1 in all.
my $limit_alone = $limit + 5 * 8192;
my $file = PostgreSQL::Test::Utils::tempdir . '/rows';

$node->safe_psql('postgres', q{
	CREATE TABLE source AS SELECT i AS id, vec(i) AS v FROM generate_series(1, 12000) i;
});
$node->safe_psql('postgres', "COPY (SELECT id, v FROM source WHERE id <= 6000) TO '$file'");

sub make_table
{
	my ($table, $on) = @_;

	($on // $node)->safe_psql('postgres', qq{
		CREATE TABLE $table (id int PRIMARY KEY, v vector(32));
		CREATE INDEX ${table}_v ON $table USING barq_hnsw (v vector_l2_ops)});
	return;
}

# When no worker runs any more: all rows are found and sealed, the index is sound,
# and no file is left over.
sub all_well
{
	my ($what, $table, $count, %options) = @_;
	my $on = $options{node} // $node;

	idle($on);
	is($on->safe_psql('postgres', "SELECT count(*) FROM $table"), $count, "$what: the rows that were committed");
	cmp_ok(segment_count($on, "${table}_v"), '>', 0, "$what: segments were sealed");
	cmp_ok(growing_bytes($on, "${table}_v"), '<', $options{alone} ? $limit_alone : $limit, "$what: the log is below the limit") unless $options{long};
	found_once($on, $table, "$what: every row once");
	$on->safe_psql('postgres', "VACUUM $table");
	sound($on, "${table}_v", "$what: sound", errors => $options{pending});
	return;
}

# SQL after which the session itself has sealed.
sub by_itself
{
	my ($what, $sql) = @_;
	my $position = log_size($node);
	my $out = $node->safe_psql('postgres', $sql);

	like($out, qr/^sealed$/m, "$what: the session seals the log");
	unlike(log_since($node, $position), $started, "$what: no worker is started");
	return;
}

my $sealed = qq{SELECT CASE WHEN growing_bytes < $limit_alone AND segments > 0 THEN 'sealed' ELSE 'not sealed' END FROM barq_index_status('%s'::regclass);};

#
# Cases in which no worker can run.
#
by_itself('temporary table', q{
	CREATE TEMP TABLE passing (id int, v vector(32));
	CREATE INDEX passing_v ON passing USING barq_hnsw (v vector_l2_ops);
	INSERT INTO passing SELECT id, v FROM source;
	} . sprintf($sealed, 'passing_v') . q{
	SET enable_seqscan = off; SET enable_sort = off;
	SELECT CASE WHEN (SELECT id FROM passing ORDER BY v <-> vec(77) LIMIT 1) = 77 THEN 'found' END;
	SELECT * FROM barq_check('passing_v');
});
by_itself('index made in the same transaction', q{
	BEGIN;
	CREATE TABLE young (id int PRIMARY KEY, v vector(32));
	CREATE INDEX young_v ON young USING barq_hnsw (v vector_l2_ops);
	INSERT INTO young SELECT id, v FROM source;
	} . sprintf($sealed, 'young_v') . 'COMMIT');
all_well('index made in the same transaction', 'young', 12000);
by_itself('table truncated in the same transaction', q{
	BEGIN;
	TRUNCATE young;
	INSERT INTO young SELECT id, v FROM source;
	} . sprintf($sealed, 'young_v') . 'COMMIT');
all_well('table truncated in the same transaction', 'young', 12000);
by_itself('index made anew in the same transaction', q{
	BEGIN;
	REINDEX INDEX young_v;
	INSERT INTO young SELECT id + 20000, v FROM source WHERE id <= 3000;
	} . sprintf($sealed, 'young_v') . 'ROLLBACK');
all_well('index made anew in a transaction rolled back', 'young', 12000);
by_itself('ShareUpdateExclusiveLock on the index', q{
	BEGIN;
	ALTER INDEX young_v SET (m = 20);
	INSERT INTO young SELECT id + 20000, v FROM source WHERE id <= 3000;
	} . sprintf($sealed, 'young_v') . 'COMMIT');
all_well('ShareUpdateExclusiveLock on the index', 'young', 15000, pending => 1);

#
# Cases in which a worker can.
#
{
	my $position = log_size($node);
	my @surroundings = (
		[ 'COPY', "COPY items FROM '$file'", 6000 ],
		[ 'DO block', q{DO $$ BEGIN FOR i IN 1 .. 3000 LOOP
			INSERT INTO items SELECT id, v FROM source WHERE id = i; END LOOP; END $$}, 3000 ],
		[ 'function', q{SELECT fill(3000)}, 3000 ],
		[ 'procedure that commits', q{CALL fill_and_commit(30)}, 3000 ],
		[ 'rows of one statement each', join('', map { "INSERT INTO items SELECT id, v FROM source WHERE id = $_;" } 1 .. 1200), 1200 ],
		[ 'INSERT … ON CONFLICT', q{
			INSERT INTO items SELECT id, v FROM source WHERE id <= 2000;
			INSERT INTO items SELECT id, v FROM source WHERE id <= 4000 ON CONFLICT (id) DO UPDATE SET v = excluded.v}, 4000 ],
		[ 'UPDATE', q{
			INSERT INTO items SELECT id, v FROM source WHERE id <= 2000;
			UPDATE items SET v = vec(id + 5000); UPDATE items SET v = vec(id + 7000)}, 2000 ],
		[ 'subtransaction rolled back', q{
			BEGIN;
			INSERT INTO items SELECT id, v FROM source WHERE id <= 500;
			SAVEPOINT a;
			INSERT INTO items SELECT id + 20000, v FROM source;
			ROLLBACK TO a;
			INSERT INTO items SELECT id, v FROM source WHERE id BETWEEN 501 AND 3000;
			COMMIT}, 3000 ],
		[ 'block with an exception', q{DO $$ BEGIN
			FOR i IN 1 .. 8 LOOP
				BEGIN
					INSERT INTO items SELECT id + i * 20000, v FROM source WHERE id <= 700;
					IF i % 2 = 0 THEN RAISE division_by_zero; END IF;
				EXCEPTION WHEN division_by_zero THEN NULL;
				END;
			END LOOP; END $$}, 2800 ],
		[ 'SERIALIZABLE', q{
			BEGIN ISOLATION LEVEL SERIALIZABLE;
			INSERT INTO items SELECT id, v FROM source WHERE id <= 3000;
			SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;
			SELECT id FROM items ORDER BY v <-> vec(5) LIMIT 1;
			INSERT INTO items SELECT id, v FROM source WHERE id BETWEEN 3001 AND 6000;
			COMMIT}, 6000 ],
		[ 'table locked', q{BEGIN; LOCK TABLE items; INSERT INTO items SELECT id, v FROM source WHERE id <= 3000; COMMIT}, 3000 ],
	);

	$node->safe_psql('postgres', q{
		SET check_function_bodies = off;
		CREATE FUNCTION fill(n int) RETURNS void LANGUAGE sql AS $$ INSERT INTO items SELECT id, v FROM source WHERE id <= n $$;
		CREATE PROCEDURE fill_and_commit(n int) LANGUAGE plpgsql AS $$ BEGIN
			FOR i IN 0 .. n - 1 LOOP
				INSERT INTO items SELECT id, v FROM source WHERE id > i * 100 AND id <= i * 100 + 100;
				COMMIT;
			END LOOP; END $$;
	});
	foreach my $surrounding (@surroundings)
	{
		my ($what, $sql, $count) = @$surrounding;

		make_table('items');
		$position = log_size($node);
		$node->safe_psql('postgres', $sql);
		idle($node);
		like(log_since($node, $position), $started, "$what: a worker is started");
		all_well($what, 'items', $count);
		$node->safe_psql('postgres', 'DROP TABLE items');
	}
}

#
# Prepared transactions.
#
make_table('items');
foreach my $end ('COMMIT', 'ROLLBACK')
{
	my $shift = $end eq 'COMMIT' ? 0 : 20000;

	$node->safe_psql('postgres', qq{
		BEGIN;
		INSERT INTO items SELECT id + $shift, v FROM source WHERE id <= 5000;
		PREPARE TRANSACTION 'two'});
	idle($node);
	cmp_ok(growing_bytes($node, 'items_v'), '<', $limit, "prepared, $end: the log is sealed before the transaction ends");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), $shift / 4, "prepared, $end: its rows are invisible") if !$shift;
	$node->safe_psql('postgres', "$end PREPARED 'two'");
	all_well("prepared, $end", 'items', 5000);
}
foreach my $end ('COMMIT', 'ROLLBACK')
{
	# the session seals by itself, and the new index is part of the transaction
	$node->safe_psql('postgres', qq{
		BEGIN;
		CREATE TABLE doubt (id int PRIMARY KEY, v vector(32));
		CREATE INDEX doubt_v ON doubt USING barq_hnsw (v vector_l2_ops);
		INSERT INTO doubt SELECT id, v FROM source WHERE id <= 5000;
		PREPARE TRANSACTION 'index'});
	$node->stop('immediate');
	$node->start;
	$node->safe_psql('postgres', 'VACUUM items');
	$node->safe_psql('postgres', "$end PREPARED 'index'");
	all_well('index made in a prepared transaction, over a crash', 'doubt', 5000) if $end eq 'COMMIT';
	$node->safe_psql('postgres', 'DROP TABLE IF EXISTS doubt; VACUUM items');
	is_deeply([ orphans($node) ], [], "index made in a prepared transaction, $end: no file without a segment");
}

#
# Serialization failures are detected in searches that use the index.
#
{
	my ($one, $two) = (session($node), session($node));

	foreach my $session ($one, $two)
	{
		ask($session, q{SET enable_seqscan = off; SET enable_sort = off; BEGIN ISOLATION LEVEL SERIALIZABLE;
			SELECT id FROM items ORDER BY v <-> vec(5) LIMIT 1});
	}
	ask($one, 'INSERT INTO items SELECT id + 40000, v FROM source WHERE id <= 2000');
	send_sql($two, 'INSERT INTO items SELECT id + 60000, v FROM source WHERE id <= 2000');
	answer($two);
	my $errors = $two->{err};
	foreach my $session ($one, $two)
	{
		send_sql($session, 'COMMIT');
		answer($session);
		$errors .= $session->{err};
	}
	my $failures = () = $errors =~ /ERROR:  40001/g;
	is($failures, 1, 'SERIALIZABLE: of two transactions that insert into rows read by the other, one fails');
	quit($_) foreach $one, $two;
	all_well('SERIALIZABLE, one of two', 'items', 7000);
}

#
# Logical replication: the apply worker and the first copy of the table.
#
{
	my $subscriber = new_server('subscriber', conf => $conf);
	my $wait = sub {
		$node->wait_for_catchup('sub');
		return;
	};

	make_table('items', $subscriber);
	make_table('later', $subscriber);
	make_table('later');
	$node->safe_psql('postgres', 'CREATE PUBLICATION pub FOR TABLE items, later');
	my $position = log_size($subscriber);
	$subscriber->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION sub CONNECTION '%s' PUBLICATION pub}, $node->connstr('postgres') =~ s/'/''/gr);
	$subscriber->poll_query_until('postgres', q{SELECT count(*) FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')}, '0');
	$wait->();
	idle($subscriber);
	like(log_since($subscriber, $position), $started, 'first copy of a table: a worker is started');
	all_well('first copy of a table', 'items', 7000, node => $subscriber);

	$position = log_size($subscriber);
	$node->safe_psql('postgres', 'INSERT INTO later SELECT id, v FROM source WHERE id <= 5000');
	$node->safe_psql('postgres', 'UPDATE later SET v = vec(id + 20000) WHERE id <= 1000; DELETE FROM later WHERE id > 4500');
	$wait->();
	idle($subscriber);
	like(log_since($subscriber, $position), $started, 'apply worker: a worker is started');
	all_well('apply worker', 'later', 4500, node => $subscriber);

	$subscriber->append_conf('postgresql.conf', 'barq.background = off');
	$subscriber->restart;
	$position = log_size($subscriber);
	$node->safe_psql('postgres', 'INSERT INTO later SELECT id + 20000, v FROM source WHERE id <= 5000');
	$wait->();
	unlike(log_since($subscriber, $position), $started, 'apply worker, barq.background = off: no worker');
	all_well('apply worker, barq.background = off', 'later', 9500, node => $subscriber);
	$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION sub');
	$subscriber->stop;
}

#
# No slot for a worker; single-user mode.
#
my $more = 100000;
foreach my $slots (0, 1)
{
	$node->append_conf('postgresql.conf', "max_worker_processes = $slots");
	$node->restart;
	# the launcher of logical replication has the only slot
	wait_until('the slot is taken', sub {
		$node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'logical replication launcher'}) eq $slots;
	});
	foreach my $backpressure ('wait', 'inline', 'error')
	{
		# without a worker the limit bounds all segments that were never merged
		my $limit = $backpressure eq 'error' ? '64MB' : '64kB';
		by_itself("$slots worker slots, $backpressure", qq{
			SET barq.growing_hard_limit = '$limit'; SET barq.backpressure = '$backpressure';
			INSERT INTO items SELECT id + $more, v FROM source WHERE id <= 3000;} . sprintf($sealed, 'items_v'));
		$more += 3000;
	}
	all_well("$slots worker slots", 'items', $more - 100000 + 7000, alone => 1);
	my ($code, $out, $err) = $node->psql('postgres', q{
		SET barq.growing_hard_limit = '64kB'; SET barq.backpressure = 'error';
		INSERT INTO items SELECT id + 900000, v FROM source WHERE id <= 3000;});
	like($err, qr/growing log of index "items_v" has reached growing_hard_limit/, "$slots worker slots, error: the limit");
}

$node->stop;
{
	my ($out, $err) = ('', '');
	my $in = "INSERT INTO items SELECT id + $more, v FROM source WHERE id <= 3000\n"
	  . "DELETE FROM items WHERE id > $more + 2000\nVACUUM items\n";

	ok(IPC::Run::run([ 'postgres', '--single', '-D', $node->data_dir, 'postgres' ], '<', \$in, '>', \$out, '2>', \$err,
			IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default)), 'single-user mode: no failure') or diag($err);
	unlike($err, qr/ERROR|WARNING|PANIC/, 'single-user mode: no error');
	$more += 2000;
	$node->start;
	all_well('single-user mode', 'items', $more - 100000 + 7000, alone => 1);
	is_deeply([ orphans($node) ], [], 'single-user mode: no file without a segment');
}
$node->stop;
done_testing();
