# A merge that is interrupted goes on where it was: after a cancelled or terminated
# session, DDL that a worker gives way to, a stopped server, and after a process or the
# server was killed at any step. It starts over if its inputs are gone, or if the
# machine's start or the version of its files is another one; then nothing is left of
# it. How much is done again is read from the server's log.
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

my $node = new_server('resumed', conf => q{
	barq.background = on
	restart_after_crash = on
	log_min_messages = debug1
	max_worker_processes = 16
});
my $data = $node->data_dir;
my $rows = 1600;
my $joined = 600;
my $dims = 32;
my $with = 'm = 8, ef_construction = 32, quantization = none';

# 1,000 rows in a graph (or what `how` makes of them), and 600 to be joined to it.
sub prepare
{
	my $how = $_[0] // "barq_hnsw (v vector_l2_ops, id) WITH ($with, ";
	unlink "$data/barq_crash_point";
	$node->safe_psql('postgres', qq{
		DROP TABLE IF EXISTS items;
		CREATE TABLE items (id int, v vector($dims)) WITH (autovacuum_enabled = off);
		CREATE INDEX items_v ON items USING ${how}growing_limit = '1GB', growing_hard_limit = '2GB');
		INSERT INTO items SELECT i, vec(i, $dims) FROM generate_series(1, 1000) i;
		SELECT barq_compact('items_v');
		INSERT INTO items SELECT i, vec(i, $dims) FROM generate_series(1001, 1300) i;
		SELECT barq_seal('items_v');
		INSERT INTO items SELECT i, vec(i, $dims) FROM generate_series(1301, 1600) i;
		SELECT barq_seal('items_v')});
	return;
}

sub arm
{
	open(my $f, '>', "$data/barq_crash_point.new") or die;
	print $f "$_[0]\n";
	close $f;
	rename "$data/barq_crash_point.new", "$data/barq_crash_point" or die;
	return;
}

# Is a worker running?
sub is_busy { return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq worker'}) > 0 }

sub merge_files { return grep { /\.(work|merge)$/ } image_files(image_root($node)) }
sub compact { return $node->psql('postgres', q{SELECT barq_compact('items_v')}) }

# What the log says of a merge that went on: rows left, rows inserted again
sub went_on
{
	return log_since($node, $_[0]) =~ /a merge goes on: of \d+ rows (\d+) are left, (\d+) were inserted again/ ? ($1, $2) : ();
}

# A merge is complete, and nothing is left of it.
sub complete
{
	my ($name, %options) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	# a marker written while its image was removed goes with the next tidying
	$node->safe_psql('postgres', 'VACUUM items') if grep { /\.ok$/ } orphans($node);
	is(segment_count($node, 'items_v') . '|' . join(' ', merge_files(), orphans($node)), '1|', "$name: one segment, no file left");
	sound($node, 'items_v', "$name: sound", errors => 1);
	found_once($node, 'items', "$name: every row once");
	same_answers($node, 'items', "$name: nearest rows", %options);
	cmp_ok($node->safe_psql('postgres', q{SELECT min(samples) FROM barq_recall_curve('items_v')}), '>=', 24, "$name: its recall curve was measured");

	# rows of all inputs have kept the values of their filter column
	my $query = qq{SELECT count(*), sum(id) FROM (SELECT id FROM items WHERE id BETWEEN 700 AND 1450 ORDER BY v <-> vec(3, $dims)) s};
	is($node->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; $query"),
		$node->safe_psql('postgres', "SET enable_indexscan = off; $query"), "$name: rows of a condition");
	return;
}

sub wait_until_up
{
	my ($position) = @_;

	wait_until('the server is back', sub { log_since($node, $position) =~ /database system is ready to accept connections/ });
	return;
}

# ---- a session that waits in the middle of its merge is cancelled or terminated
$node->safe_psql('postgres', q{CREATE FUNCTION barq_stop_at(name text, lock bigint) RETURNS void AS '$libdir/barq' LANGUAGE C});
my $gate = session($node);
ask($gate, 'SELECT pg_advisory_lock(1)');
foreach my $how (qw(cancel terminate))
{
	prepare();
	my $session = session($node);
	my $position = log_size($node);

	ask($session, q{SELECT barq_stop_at('merge: rows inserted', 1)});
	send_sql($session, q{SELECT barq_compact('items_v')});
	wait_for_stop($node, $session->{pid});
	$node->safe_psql('postgres', "SELECT pg_${how}_backend($session->{pid})");
	wait_until('the session ends', sub {
		$node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $session->{pid} AND state = 'active'") eq '0' });
	eval { quit($session) };
	is(scalar(merge_files()), 2, "$how: the work area and its record stay");

	# rows die and others come meanwhile; the worker that VACUUM starts goes on with the merge
	$node->safe_psql('postgres', q{DELETE FROM items WHERE id % 5 = 0; VACUUM items;
		INSERT INTO items SELECT i, vec(i) FROM generate_series(2001, 2100) i; SELECT barq_seal('items_v')});
	idle($node);
	compact();
	my ($left, $again) = went_on($position);
	is($left // 'none', $joined - 16, "$how: the next merge goes on behind the rows that were inserted");
	is($again, 0, "$how: without inserting any again");
	complete($how);
}
quit($gate);

# ---- processes are killed, or raise an error, at steps of the merge
my @steps = (
	# pass, step, rows left when it goes on; undef: it starts over
	[ 1, 'compact: inputs chosen', undef ],
	[ 1, 'merge record: create', undef ],
	[ 1, 'merge record: made', $joined ],
	[ 1, 'merge: rows inserted', $joined - 16 ],
	[ 30, 'merge: rows inserted', $joined - 480 ],
	[ 1, 'image: take work area', 0 ],
	[ 1, 'body: map', 'image' ],
	[ 1, 'compact: merged', 'image' ],
	[ 20, 'blob: next page', 'image' ],
	[ 1, 'publish: all written', 'image' ],
	[ 1, 'directory: swap', 'image' ]);
foreach my $whom (qw(backend server error))
{
	foreach my $case (@steps)
	{
		my ($pass, $step, $expected) = @$case;
		my $name = "$whom at $step" . ($pass > 1 ? " $pass" : '');

		# the server comes back in a second: not each case
		next if $whom eq 'server' && $step !~ /rows inserted|all written/;
		prepare();
		my $position = log_size($node);
		arm("crash $pass flush $whom $step");
		my ($status) = compact();
		die "$name: it was not stopped" if $status == 0 || -e "$data/barq_crash_point";
		if ($whom eq 'backend') { wait_until_up($position) }
		elsif ($whom eq 'server')
		{
			wait_until('the server starts again', sub { $node->{_pid} = undef; $node->start(fail_ok => 1) });
		}
		if ($whom eq 'error')
		{
			is(join(' ', merge_files()), '', "$name: an error of its own leaves no files");
			$expected = undef;
		}
		$position = log_size($node);
		my (undef, $out) = compact();
		is($out, $rows, "$name: the next merge succeeds");
		my ($left, $again) = went_on($position);
		if (!defined $expected) { is($left, undef, "$name: it starts over") }
		elsif ($expected eq 'image') { unlike(log_since($node, $position), qr/a merge (goes on|starts over|has \d)/, "$name: only pages are written") }
		else
		{
			is($left // 'none', $expected, "$name: it goes on");
			cmp_ok($again // 100, '<=', 16, "$name: few rows are inserted again");
		}
		complete($name) if $step =~ /rows inserted|blob/;
	}
}

# ---- lists: while the centroids are looked at, and when most rows have one
foreach my $pass (1, 8)
{
	prepare('barq_ivf (v vector_l2_ops, id) WITH (lists = 20, ');
	my $position = log_size($node);
	arm("crash $pass flush backend merge: rows inserted");
	my ($status) = compact();
	die "lists $pass: it was not stopped" if $status == 0;
	wait_until_up($position);
	is(scalar(merge_files()), 2, "lists $pass: the work area and its record stay");
	$position = log_size($node);
	my (undef, $out) = compact();
	is($out, $rows, "lists $pass: the next merge succeeds");
	my ($left) = went_on($position);
	cmp_ok($left // -1, '>=', 0, "lists $pass: it goes on");
	is(segment_count($node, 'items_v') . '|' . join(' ', merge_files(), orphans($node)), '1|', "lists $pass: one segment, no file left");
	sound($node, 'items_v', "lists $pass: sound", errors => 1);
	found_once($node, 'items', "lists $pass: every row once");
}

# ---- a merge that cannot go on leaves nothing
sub interrupt
{
	prepare();
	my $position = log_size($node);
	arm('crash 10 flush backend merge: rows inserted');
	compact();
	wait_until_up($position);
	is(scalar(merge_files()), 2, "$_[0]: a merge is interrupted");
	return;
}
sub record { return (grep { /\.merge$/ } merge_files())[0] }

# offsets of MergeHeader: version, library, boot
foreach my $part ([ 'another format', 8 ], [ 'another version of the library', 32 ], [ 'another start of the machine', 56 ],
	[ 'a damaged record', 113 ])
{
	my ($name, $offset) = @$part;

	interrupt($name);
	my $position = log_size($node);
	flip_byte(record(), $offset);
	$node->safe_psql('postgres', q{SELECT barq_seal('items_v')});
	is(join(' ', merge_files()), '', "$name: the files are removed");
	like(log_since($node, $position), qr/the record of a merge has expired/, "$name: the log says so");
	compact();
	is((went_on($position))[0], undef, "$name: the merge starts over");
	complete($name);
}

# the metapage has a record and the folder has no files, as on a standby that was promoted
interrupt('no files');
{
	my $position = log_size($node);

	unlink merge_files();
	$node->safe_psql('postgres', q{SELECT barq_seal('items_v')});
	like(log_since($node, $position), qr/the record of a merge has expired/, 'no files: the record expires');
	compact();
	complete('no files');
}

# inputs that are gone
interrupt('an input is gone');
$node->safe_psql('postgres', 'DELETE FROM items WHERE id > 1000; VACUUM items; VACUUM items');
idle($node);
is(join(' ', merge_files()), '', 'an input is gone: the files are removed');
compact();
complete('an input is gone');

# a work area that is damaged, though nothing else has changed
interrupt('a damaged area');
{
	my $position = log_size($node);

	flip_byte((grep { /\.work$/ } merge_files())[0], 4096 + 128 + 50);
	compact();
	like(log_since($node, $position), qr/a merge starts over/, 'a damaged area: the merge starts over');
	complete('a damaged area');
}

# statements that replace or drop the storage
foreach my $statement ('REINDEX INDEX items_v', 'TRUNCATE items', 'DROP INDEX items_v')
{
	interrupt($statement);
	$node->safe_psql('postgres', $statement);
	is(join(' ', merge_files()), '', "$statement removes the files");
}

# ---- a stopped server
interrupt('restart');
$node->restart;
{
	my $position = log_size($node);

	compact();
	is((went_on($position))[0], $joined - 160, 'restart: it goes on');
	complete('restart');
}

# ---- a merge by place: its work area, with second codes, is larger than maintenance_work_mem
{
	$node->safe_psql('postgres', $_) foreach q{ALTER SYSTEM SET maintenance_work_mem = '1MB'}, 'SELECT pg_reload_conf()';
	wait_until('the setting holds', sub { $node->safe_psql('postgres', 'SHOW maintenance_work_mem') eq '1MB' });
	($dims, $with) = (640, 'm = 16, ef_construction = 64, refine = on');
	foreach my $pass (2, 30)
	{
		my $name = "by place, killed at claim $pass";
		prepare();
		my $position = log_size($node);
		arm("crash $pass flush backend merge: rows inserted");
		compact();
		wait_until_up($position);
		my ($area) = grep { /\.work$/ } merge_files();
		cmp_ok(-s $area, '>', 1024 * 1024, "$name: the work area is larger than maintenance_work_mem");
		$position = log_size($node);
		compact();
		my ($left, $again) = went_on($position);
		cmp_ok($left // $joined, '<', $joined, "$name: the merge goes on");
		cmp_ok($again // 100, '<=', 16, "$name: few rows are inserted again");
		complete($name, recall => 0.9);
	}
	$node->safe_psql('postgres', $_) foreach 'ALTER SYSTEM RESET maintenance_work_mem', 'SELECT pg_reload_conf()';
	($dims, $with) = (32, 'm = 8, ef_construction = 32, quantization = none');
}

# ---- a worker gives way to DDL, and the next worker goes on
{
	prepare();
	my $gate = session($node);
	my $vacuum = session($node);

	# the worker is stopped by the file, at a lock that another session holds; a
	# session that has reached a step before does not read the file
	ask($gate, 'SELECT pg_advisory_lock(1)');
	ask($vacuum, 'VACUUM items');
	ask($vacuum, 'ALTER INDEX items_v SET (compaction_ratio = 2)');
	arm('stop 1 merge: rows inserted');
	ask($vacuum, 'VACUUM items');
	wait_until('the worker stops', sub {
		$node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq worker' AND wait_event = 'advisory'}) eq '1' });
	my $position = log_size($node);
	my $ddl = background($node, 'ALTER INDEX items_v SET (compaction_ratio = 3);');
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'items_v'::regclass}) or die;
	# a worker looks for waiting locks each 100 ms (worker.c): one look is due when it goes on
	$node->safe_psql('postgres', 'SELECT pg_sleep(0.2)');
	quit($gate);
	quit($vacuum);
	is(finished($ddl), 0, 'DDL does not wait for the end of a merge');
	idle($node);
	like(log_since($node, $position), qr/gives way to a waiting lock of the index/, 'the worker gives way');
	is(scalar(merge_files()), 2, 'its work area stays');
	$node->safe_psql('postgres', 'VACUUM items');
	idle($node);
	is(defined((went_on($position))[0]), 1, 'VACUUM starts a worker, which goes on');
	complete('a worker');
}

# ---- beside a large merge, the worker merges the logs that are sealed meanwhile
{
	unlink "$data/barq_crash_point";
	$node->safe_psql('postgres', q{
		CREATE TABLE large (id int, v vector(32)) WITH (autovacuum_enabled = off);
		CREATE INDEX large_v ON large USING barq_hnsw (v vector_l2_ops)
			WITH (m = 48, ef_construction = 1000, quantization = none, growing_limit = '1GB', growing_hard_limit = '2GB');
		INSERT INTO large SELECT i, vec(i) FROM generate_series(1, 8000) i;
		SELECT barq_seal('large_v');
		ALTER INDEX large_v SET (growing_limit = '64kB', growing_hard_limit = '256kB', compaction_ratio = 2)});
	my $position = log_size($node);
	my $last = 8000;
	wait_until('a merge runs beside', sub {
		$node->safe_psql('postgres', sprintf 'INSERT INTO large SELECT i, vec(i) FROM generate_series(%d, %d) i', $last + 1, $last + 300);
		$last += 300;
		return log_since($node, $position) =~ /merging \d+ segments beside a merge of \d+/;
	});
	pass('a merge of sealed logs runs beside a large one');
	idle($node);
	sound($node, 'large_v', 'beside: sound', errors => 1);
	found_once($node, 'large', 'beside: every row once');
	is(join(' ', merge_files(), orphans($node)), '', 'beside: no file is left');

	my $insert = sub {
		$node->safe_psql('postgres', sprintf q{
			INSERT INTO large SELECT i, vec(i) FROM generate_series(%d, %d) i;
			DELETE FROM large WHERE id %% 100 = 0 AND id > %1$d}, $last + 1, $last + 300);
		$last += 300;
		return;
	};
	# Where inserts are far from waiting, the logs become one log. With a step at which they
	# fail: false if that was another merge.
	my $collects = sub {
		my ($what, $fail_at) = @_;
		my $position = log_size($node);

		arm("crash $fail_at") if defined $fail_at;
		$node->safe_psql('postgres', sprintf q{
			ALTER INDEX large_v SET (growing_limit = '1GB', growing_hard_limit = '2GB');
			INSERT INTO large SELECT i, vec(i) FROM generate_series(%d, %d) i;
			SELECT barq_seal('large_v');
			ALTER INDEX large_v SET (growing_limit = '64kB', growing_hard_limit = '1GB')}, $last + 1, $last + 8000);
		$last += 8000;
		wait_until($what, sub {
			$insert->();
			return defined $fail_at ? !-e "$data/barq_crash_point" :
				log_since($node, $position) =~ /collecting \d+ segments beside a merge of \d+/;
		});
		idle($node) if defined $fail_at;
		return !defined $fail_at ||
			log_since($node, $position) =~ /\[(\d+)\] DEBUG:  collecting \d+ segments beside(?s:.*)\[\1\] ERROR:  stopped at step/;
	};
	ok($collects->('logs are collected beside a large merge'), 'logs are collected beside a large merge');
	$node->safe_psql('postgres', 'VACUUM large');
	idle($node);
	sound($node, 'large_v', 'collected: sound', errors => 1);
	found_once($node, 'large', 'collected: every row once');
	is(join(' ', merge_files(), orphans($node)), '', 'collected: no file is left');

	ok($collects->('again'), 'again');
	$node->stop('immediate');
	$node->start;
	sound($node, 'large_v', 'collected, after a crash: sound', errors => 1);
	found_once($node, 'large', 'collected, after a crash: every row once');
	$node->safe_psql('postgres', 'VACUUM large');
	idle($node);
	sound($node, 'large_v', 'collected, crash and VACUUM: sound', errors => 1);
	found_once($node, 'large', 'collected, crash and VACUUM: every row once');
	is(join(' ', merge_files(), orphans($node)), '', 'collected, crash and VACUUM: no file is left');

	# failures since the last success, and the time before which no merge runs, of BarqUpkeep
	my $upkeep = sub {
		$node->safe_psql('postgres', 'CHECKPOINT');
		my ($failures, $retry) = unpack('x420 L q', slurp_file(relation_file($node, 'large_v')));
		return ($failures, $retry / 1e6 + 946684800);
	};

	# one that fails ends the large merge, which goes on with nothing beside it: or it would
	# fail each time, and a publication beside it would end the wait of its own failures
	foreach my $step ('2 flush error compact: inputs chosen', '1 flush error compact: merged')
	{
		my $name = "collecting fails at pass $step";

		my $failed = $collects->($name, $step);
		# where another merge ended first, it has to succeed
		for (my $try = 2; !$failed && $try <= 5; $try++)
		{
			wait_until('the other merge succeeds', sub { $insert->() if !is_busy(); return ($upkeep->())[0] == 0 });
			idle($node);
			$failed = $collects->($name, $step);
		}
		ok($failed, $name);
		my ($failures, $retry) = $upkeep->();
		is($failures, 1, "$name: noted once");
		is(scalar(merge_files()), 2, "$name: the large merge can go on");
		my $record = record();
		found_once($node, 'large', "$name: every row once");
		wait_until('the next merge is due', sub {
			return $node->safe_psql('postgres', "SELECT extract(epoch FROM clock_timestamp()) > $retry") eq 't' });
		$position = log_size($node);
		# rows for several logs, but not as many as a slow machine has time for
		my $rounds = 0;
		wait_until('the large merge is published', sub {
			return 1 if !-e $record;
			$insert->() if $rounds++ < 40 || !is_busy();
			return 0;
		});
		like(log_since($node, $position), qr/a merge goes on/, "$name: it goes on");
		is(scalar(() = log_since($node, $position) =~ /(collecting|merging) \d+ segments beside/g), 0, "$name: with nothing beside it");
		idle($node);
		is(($upkeep->())[0], 0, "$name: it has succeeded");
		sound($node, 'large_v', "$name: sound", errors => 1);
		found_once($node, 'large', "$name: every row once in the end");
	}
}

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|leak|PANIC/, 'no assertion failed, nothing leaked');
done_testing();
