# The background worker: the insert that passes barq.growing_limit starts it; it
# shows in pg_stat_activity, at most one for each index; it seals, compacts and
# ends by itself, gives way to sessions that wait for the index or the database,
# and leaves nothing behind when it is cancelled, terminated or killed. Where no
# worker can run, the session does the work itself.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $node = new_server('worker', conf => q{
	barq.background = on
	log_min_messages = debug1
	log_statement = none
	restart_after_crash = on
	max_prepared_transactions = 2
	max_worker_processes = 4
});
# of a session: it inserts without starting a worker
my $large = q{SET barq.growing_limit = '1GB'; SET barq.growing_hard_limit = '1GB'; };
my $rows = 17000;

$node->safe_psql('postgres', qq{
	CREATE TABLE source AS SELECT i AS id, vec(i, 128) AS v FROM generate_series(1, $rows) i;
});

#
# An insert starts the worker.
#
$node->safe_psql('postgres', q{
	CREATE SCHEMA shop;
	CREATE TABLE shop.items (id int, v vector(128));
	CREATE INDEX items_v ON shop.items USING barq_hnsw (v vector_l2_ops) WITH (ef_construction = 40);
});
$node->safe_psql('postgres', 'INSERT INTO shop.items SELECT id, v FROM source WHERE id <= 1500');
is_deeply([ workers($node) ], [], 'no worker below barq.growing_limit');
is(segment_count($node, 'shop.items_v'), 0, 'nothing is sealed below barq.growing_limit');

# what a session sets does not steer the worker, but the server's setting does
my $from = log_size($node);
$node->safe_psql('postgres', q{SET barq.growing_limit = '64kB'; INSERT INTO shop.items SELECT id, v FROM source WHERE id BETWEEN 1501 AND 1600});
idle($node);
is(segment_count($node, 'shop.items_v'), 0, 'a worker does not seal by the limit of a session');
$node->append_conf('postgresql.conf', 'barq.growing_limit = 64kB');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('barq.growing_limit') = '64kB'}) or die;
$from = log_size($node);
$node->safe_psql('postgres', "INSERT INTO shop.items SELECT id, v FROM source WHERE id BETWEEN 1601 AND 4000");
idle($node);
like(log_since($node, $from), qr/starting background worker process "barq worker for index/,
	'the insert that passes the limit starts a worker');
cmp_ok(segment_count($node, 'shop.items_v'), '>', 0, 'the worker seals');
cmp_ok(growing_bytes($node, 'shop.items_v'), '<', 64 * 1024, 'the log is below the limit');
sound($node, 'shop.items_v', 'sound after the worker');
found_once($node, 'shop.items', 'every row once after the worker');
same_answers($node, 'shop.items', 'the nearest rows after the worker');

# many inserts, each with a page or more: segments are merged meanwhile
$node->safe_psql('postgres', 'ALTER INDEX shop.items_v SET (compaction_ratio = 3, max_segments = 4)');
$node->safe_psql('postgres', join '', map {
	my $first = 4001 + 700 * $_;
	my $last = $first + 699;
	"INSERT INTO shop.items SELECT id, v FROM source WHERE id BETWEEN $first AND $last;";
} 0 .. 16);
idle($node);
cmp_ok(segment_count($node, 'shop.items_v'), '<=', 4, 'segments are compacted by the options of the index');
cmp_ok(growing_bytes($node, 'shop.items_v'), '<', 64 * 1024, 'the log is below the limit after many inserts');
is($node->safe_psql('postgres', 'SELECT count(*) FROM shop.items'), 15900, 'all rows are there');
sound($node, 'shop.items_v', 'sound after seals and compactions beside inserts');
found_once($node, 'shop.items', 'every row once after seals and compactions beside inserts');
same_answers($node, 'shop.items', 'the nearest rows after seals and compactions beside inserts');
$node->safe_psql('postgres', 'DROP TABLE shop.items');

#
# VACUUM starts a worker too, if it leaves many dead rows.
#
$node->safe_psql('postgres', q{
	CREATE TABLE thinned (id int, v vector(128));
	INSERT INTO thinned SELECT id, v FROM source WHERE id <= 3000;
	CREATE INDEX thinned_v ON thinned USING barq_hnsw (v vector_l2_ops);
	DELETE FROM thinned WHERE id % 10 = 0;
});
$from = log_size($node);
$node->safe_psql('postgres', 'VACUUM thinned');
is($node->safe_psql('postgres', q{SELECT sum(dead_rows) FROM barq_segments('thinned_v')}), 300, 'VACUUM marks rows');
unlike(log_since($node, $from), qr/barq worker for index/, 'VACUUM starts no worker for a few dead rows');
$node->safe_psql('postgres', 'DELETE FROM thinned WHERE id % 10 < 3');
$node->safe_psql('postgres', 'VACUUM thinned');
idle($node);
like(log_since($node, $from), qr/starting background worker process "barq worker for index/, 'VACUUM starts a worker for many dead rows');
is($node->safe_psql('postgres', q{SELECT sum(dead_rows) || ' of ' || sum(rows) FROM barq_segments('thinned_v')}), '0 of 2100',
	'the worker drops dead rows');
sound($node, 'thinned_v', 'sound after dead rows are dropped');
found_once($node, 'thinned', 'every row once after dead rows are dropped');
$node->safe_psql('postgres', 'DROP TABLE thinned');

#
# A compaction that takes seconds: a large log, sealed at once into one segment,
# becomes a graph. The few logs sealed beside it make no VACUUM start a worker. An interruption leaves the segment unchanged, so the
# next insert starts the compaction again.
#
sub make_table
{
	my ($table, $database) = @_;

	$node->safe_psql($database // 'postgres', qq{
		$large
		CREATE TABLE $table (id int, v vector(128));
		CREATE INDEX ${table}_v ON $table USING barq_hnsw (v vector_l2_ops) WITH (ef_construction = 800, m = 32, compaction_ratio = 64, max_segments = 1000);
	});
	$node->safe_psql($database // 'postgres', "$large INSERT INTO $table SELECT id, v FROM source; SELECT barq_seal('${table}_v')");
	return;
}

my $next = 100000;

sub begin_compaction
{
	my ($table, $database) = @_;

	$node->safe_psql($database // 'postgres',
		"INSERT INTO $table SELECT $next + id, v FROM source WHERE id <= 600");
	$next += 600;
	return worker_pid($node, "barq: compacting public.${table}_v", $database);
}

# A statement during a compaction must succeed because the worker gives way.
my $patience = $PostgreSQL::Test::Utils::timeout_default;

sub gives_way
{
	my ($what, $sql, %options) = @_;
	my $pid = begin_compaction($options{table}, $options{database});
	my $position = log_size($node);
	my $begin = time;
	my ($out, $err);

	my $status = $node->psql('postgres', "SET statement_timeout = '${patience}s'; $sql", stdout => \$out, stderr => \$err);
	is($status, 0, "$what succeeds while the worker compacts") or diag($err);
	note sprintf '%s: %.2f s', $what, time - $begin;
	like(log_since($node, $position), qr/\[$pid\].*barq worker gives way to a waiting $options{waits}/,
		"$what: the worker gave way");
	unless ($options{database} || $options{gone})
	{
		idle($node);
		sound($node, "$options{table}_v", "$what: sound", errors => 1);
		found_once($node, $options{table}, "$what: every row once");
	}
	return;
}

sub nothing_left
{
	my ($what, $table, %options) = @_;

	idle($node);
	$node->safe_psql('postgres', "VACUUM $table");
	# it has started a worker if segments were left to be merged
	idle($node);
	is_deeply([ orphans($node) ], [], "$what: no file without a segment after VACUUM");

	# a merge of another table that can go on has one, beside its record
	is_deeply([ grep { /\.(tmp|work)/ && !-e s/\.work$/.merge/r } image_files(image_root($node)) ], [], "$what: no work file after VACUUM");
	sound($node, "${table}_v", "$what: sound after VACUUM", %options);
	return;
}

make_table('items');
{
	# the worker and its activity in pg_stat_activity
	my $pid = begin_compaction('items');
	my ($line) = $node->safe_psql('postgres', "SELECT backend_type, datname, state, query FROM pg_stat_activity WHERE pid = $pid");
	is($line, 'barq worker|postgres|active|barq: compacting public.items_v', 'pg_stat_activity shows the worker and its activity');
	is_deeply([ worker_processes($node) ], [$pid], 'the process title names the worker');
	is($node->safe_psql('postgres', "SELECT coalesce(backend_xmin::text, backend_xid::text, 'none') FROM pg_stat_activity WHERE pid = $pid"),
		'none', 'the worker holds no snapshot and no transaction id while it compacts');

	$node->safe_psql('postgres', "INSERT INTO items SELECT $next + id, v FROM source WHERE id <= 1500");
	$next += 1500;
	is_deeply([ map { /^(\d+)/ } workers($node) ], [$pid], 'another session starts no second worker for the index');

	make_table('others');
	my $other = begin_compaction('others');
	is(scalar(workers($node)), 2, 'a second index gets a worker of its own');
	ok($node->safe_psql('postgres', "SELECT pg_terminate_backend($other, 60000)") eq 't', 'pg_terminate_backend ends a worker');
	is_deeply([ map { /^(\d+)/ } workers($node) ], [$pid], 'the worker of the first index goes on');

	# VACUUM removes rows that died after the worker began
	$node->safe_psql('postgres', 'CREATE TABLE dying AS SELECT i FROM generate_series(1, 1000) i; DELETE FROM dying');
	my ($out, $err);
	$node->psql('postgres', 'VACUUM (VERBOSE) dying', stderr => \$err);
	like($err, qr/tuples: 1000 removed|removed 1000 (dead )?row versions|1000 dead (row versions|item identifiers) removed|1000 removed/,
		'the worker does not hold back VACUUM');
	$node->psql('postgres', "SET statement_timeout = '${patience}s'; CREATE INDEX CONCURRENTLY items_id ON items (id)", stderr => \$err);
	is($node->safe_psql('postgres', q{SELECT indisvalid FROM pg_index WHERE indexrelid = 'items_id'::regclass}), 't',
		'CREATE INDEX CONCURRENTLY on the same table does not wait for the worker') or diag($err);
	is_deeply([ map { /^(\d+)/ } workers($node) ], [$pid], 'CREATE INDEX CONCURRENTLY does not make the worker exit');

	is($node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)"), 't', 'pg_cancel_backend signals the worker');
	idle($node);
	like(log_since($node, $from), qr/\[$pid\].*canceling statement due to user request/, 'pg_cancel_backend ends the worker');
	nothing_left('after cancel', 'items');
	nothing_left('after terminate', 'others');
	found_once($node, 'items', 'after cancel: every row once');
	found_once($node, 'others', 'after terminate: every row once');

	# the workers that VACUUM started have gone on with the merges: begin anew
	$node->safe_psql('postgres', 'DROP TABLE items, others');
	make_table($_) foreach qw(items others);
}

#
# The worker exits for other sessions.
#
gives_way('ALTER INDEX SET', 'ALTER INDEX items_v SET (m = 4, ef_construction = 8)', table => 'items', waits => 'lock of the index');
# barq_check warns of the options that wait for REINDEX
nothing_left('ALTER INDEX SET', 'items', errors => 1);
# (VACUUM's worker has ended that merge); these options make the build quick
$node->safe_psql('postgres', 'DROP TABLE items');
make_table('items');
$node->safe_psql('postgres', 'ALTER INDEX items_v SET (m = 4, ef_construction = 8)');
gives_way('REINDEX INDEX', 'REINDEX INDEX items_v', table => 'items', waits => 'lock of the index');
nothing_left('REINDEX INDEX', 'items');
gives_way('REINDEX INDEX CONCURRENTLY', 'ALTER INDEX others_v SET (m = 4, ef_construction = 8); REINDEX INDEX CONCURRENTLY others_v',
	table => 'others', waits => 'lock of the index');
nothing_left('REINDEX INDEX CONCURRENTLY', 'others');

make_table('cut');
gives_way('TRUNCATE', 'TRUNCATE cut', table => 'cut', waits => 'lock of the index', gone => 1);
idle($node);
$node->safe_psql('postgres', "INSERT INTO cut SELECT id, v FROM source WHERE id <= 1000");
nothing_left('TRUNCATE', 'cut');
found_once($node, 'cut', 'TRUNCATE: every row once afterwards');
$node->safe_psql('postgres', "$large INSERT INTO cut SELECT $rows + id, v FROM source; SELECT barq_seal('cut_v')");
gives_way('DROP INDEX', 'DROP INDEX cut_v', table => 'cut', waits => 'lock of the index', gone => 1);
is($node->safe_psql('postgres', q{SELECT to_regclass('cut_v') IS NULL}), 't', 'DROP INDEX removes the index');
nothing_left('DROP INDEX', 'items');
$node->safe_psql('postgres', 'DROP TABLE cut, others');

#
# Commands on the worker's database, run from another database.
#
$node->safe_psql('postgres', 'CREATE DATABASE shop TEMPLATE postgres');
$node->safe_psql('shop', 'DROP TABLE items, source, dying');
$node->safe_psql('shop', "CREATE TABLE source AS SELECT i AS id, vec(i, 128) AS v FROM generate_series(1, $rows) i");
make_table('goods', 'shop');
gives_way('CREATE DATABASE TEMPLATE', 'CREATE DATABASE copy TEMPLATE shop', table => 'goods', database => 'shop',
	waits => 'command on the database');
sound($node, 'goods_v', 'CREATE DATABASE TEMPLATE: the template is sound', database => 'shop', errors => 1);
sound($node, 'goods_v', 'CREATE DATABASE TEMPLATE: the copy is sound', database => 'copy', errors => 1);
same_answers($node, 'goods', 'CREATE DATABASE TEMPLATE: the nearest rows in the copy', database => 'copy');
gives_way('DROP DATABASE', 'DROP DATABASE shop', table => 'goods', database => 'shop', waits => 'command on the database');
$node->safe_psql('postgres', 'DROP DATABASE copy');

#
# Worker turned off while it works, server shut down, worker killed.
#
$node->safe_psql('postgres', 'DROP TABLE items');
make_table('items');
{
	my $pid = begin_compaction('items');
	my $position = log_size($node);
	$node->append_conf('postgresql.conf', 'barq.background = off');
	$node->reload;
	idle($node);
	like(log_since($node, $position), qr/\[$pid\].*gives way to a waiting setting/, 'barq.background = off by reload ends a worker');
	$position = log_size($node);
	$node->safe_psql('postgres', q{
		CREATE TABLE few (id int, v vector(128));
		CREATE INDEX few_v ON few USING barq_hnsw (v vector_l2_ops)});
	$node->safe_psql('postgres', "INSERT INTO few SELECT id, v FROM source WHERE id <= 2000");
	cmp_ok(growing_bytes($node, 'few_v'), '<', 64 * 1024, 'barq.background = off: the session seals the log');
	cmp_ok(segment_count($node, 'few_v'), '>', 0, 'barq.background = off: the index has a segment');
	unlike(log_since($node, $position), qr/starting background worker process "barq/, 'barq.background = off: no worker');
	sound($node, 'few_v', 'barq.background = off: sound');
	found_once($node, 'few', 'barq.background = off: every row once');
	$node->append_conf('postgresql.conf', 'barq.background = on');
	$node->reload;
	wait_until('the setting is read', sub { $node->safe_psql('postgres', 'SHOW barq.background') eq 'on' });
}
{
	my $pid = begin_compaction('items');
	my $position = log_size($node);
	my $begin = time;
	$node->stop('fast');
	note sprintf 'fast shutdown took %.1f s', time - $begin;
	like(log_since($node, $position), qr/\[$pid\].*due to administrator command/, 'fast shutdown ends the worker');
	$node->start;
	sound($node, 'items_v', 'after fast shutdown: no error', errors => 1);
	nothing_left('after fast shutdown', 'items');
	found_once($node, 'items', 'after fast shutdown: every row once');
}
$node->safe_psql('postgres', 'DROP TABLE items');
make_table('items');
{
	my $pid = begin_compaction('items');
	my $position = log_size($node);
	kill 'KILL', $pid;
	wait_until('the server has restarted its backends', sub {
		return log_since($node, $position) =~ /database system is ready to accept connections/;
	});
	like(log_since($node, $position), qr/\(PID $pid\) was terminated by signal 9/, 'the worker was killed');
	sound($node, 'items_v', 'after kill -9 of the worker: no error', errors => 1);
	is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), $rows + 600, 'after kill -9 of the worker: all rows are there');
	found_once($node, 'items', 'after kill -9 of the worker: every row once');
	nothing_left('after kill -9 of the worker', 'items');
}

$node->stop;
done_testing();
