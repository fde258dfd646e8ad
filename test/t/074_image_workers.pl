# Races of the image worker, stopped in the middle of its work: searches of two sessions
# at once, a search with a time limit, DROP INDEX, a VACUUM that sweeps the image folders,
# DROP DATABASE. It is one of barq.max_workers; where no slot is free, searches make the
# image themselves. Also unlogged and temporary tables, a tablespace, a second database.
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

my $node = new_server('imagers', conf => q{
	barq.background = on
	barq.max_workers = 1
	max_worker_processes = 16
});
my $data = $node->data_dir;
my $space = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$space'");
$node->safe_psql('postgres', 'CREATE DATABASE other');
add_barq($node, 'other');

# An index of 1 MB. In this build a search makes 64 kB at once, and so does a step of
# the worker.
my $rows = 'vector(1000)); INSERT INTO %1$s SELECT i, vec(i, 1000) FROM generate_series(1, 250) i;
	CREATE INDEX %1$s_v ON %1$s USING barq_ivf (v vector_l2_ops) WITH (quantization = none, lists = 5)';
my %tables = (plain => '', unlogged => 'UNLOGGED', elsewhere => '');
sub fill
{
	my ($name, $database) = @_;
	my $where = $name eq 'elsewhere' ? 'TABLESPACE elsewhere' : '';
	$node->safe_psql($database // 'postgres', "CREATE $tables{$name} TABLE $name (id int, v " . sprintf("$rows $where", $name));
	return;
}
my $off = 'SET enable_seqscan = off';
sub query { my ($name, $i) = @_; $i //= 7; return "SELECT count(id) FROM (SELECT id FROM $name ORDER BY v <-> vec($i, 1000) LIMIT 3) x"; }
sub found { my ($name, $database) = @_; return $node->safe_psql($database // 'postgres', "$off; " . query($name)); }
sub image_of { my ($name, $database) = @_; my ($image) = images_of($node, "${name}_v", $database); return $image; }

my $imagers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq image worker'};
sub wait_for_end
{
	wait_until('no image worker runs', sub { $node->safe_psql('postgres', $imagers) eq '0' && !worker_processes($node, 'barq image worker') });
	return;
}

# Let the next process that starts stop at the step, at advisory lock 1 of its database.
sub order { append_to_file("$data/barq_crash_point", "stop 1 image: write\n"); return; }
sub wait_for_worker
{
	wait_until('a worker stops', sub { $node->safe_psql('postgres', qq{$imagers AND wait_event = 'advisory'}) eq '1' });
	return;
}
# A session that does not take such an order any more, and has no image of `plain` mapped.
sub searcher
{
	my ($database) = @_;
	my $session = session($node, database => $database // 'postgres');
	ask($session, "$off; " . query('unlogged'));
	return $session;
}

# ---- unlogged tables, a tablespace, a second database: a worker makes the image
foreach my $place (map({ [$_, 'postgres'] } sort keys %tables), map { [ $_, 'other' ] } 'plain', 'unlogged')
{
	my ($name, $database) = @$place;
	fill($name, $database);
	my $image = image_of($name, $database);
	ok(-f $image, "$name in $database: there is an image");
	unlink $image;
	is(found($name, $database), 3, "$name in $database: a search without it finds its rows");
	wait_until("$name: the image is made", sub { -f $image });
	wait_for_end();
	is(found($name, $database), 3, "$name in $database: a search with it finds its rows");
}

# ---- a temporary table: no other process may work for it
{
	my $session = session($node);
	ask($session, 'CREATE TEMP TABLE mine (id int, v ' . sprintf("$rows; $off", 'mine'));
	my $number = ask($session, q{SELECT pg_relation_filenode('mine_v')});
	my @images = grep { m{/${number}_\d+/\w+\.img$} } image_files(image_root($node));
	is(scalar @images, 1, 'a temporary table: there is an image');
	unlink @images;
	ask($session, q{SELECT count(*) FROM barq_seal('mine_v')});
	is(ask($session, query('mine')), 3, 'a temporary table: a search finds its rows');
	ok(!worker_processes($node, 'barq image worker'), 'a temporary table: no worker is started');
	quit($session);
}

# ---- two sessions at once, and with a time limit: one worker, one image
{
	my $image = image_of('plain');
	my $gate = session($node);
	my @two = map { session($node) } 1 .. 2;
	my $search = searcher();

	ask($gate, 'SELECT pg_advisory_lock(1)');
	ask($_, "$off; " . query('unlogged')) foreach @two;
	unlink $image;
	order();
	is(ask($search, query('plain')), 3, 'a search without an image finds its rows');
	wait_for_worker();
	is(ask($_, query('plain')), 3, 'another search beside the worker finds its rows') foreach @two;
	is(ask($_, "SET statement_timeout = '60s'; " . query('plain', 9)), 3, 'and with a time limit') foreach @two;
	is(scalar worker_processes($node, 'barq image worker'), 1, 'and starts no other worker');
	ok(!-f $image, 'the image is not complete');

	# VACUUM sweeps the image folders
	$node->safe_psql('postgres', 'DELETE FROM plain WHERE id = 5; VACUUM (INDEX_CLEANUP on) plain; VACUUM (INDEX_CLEANUP on) unlogged');
	ask($gate, 'SELECT pg_advisory_unlock(1)');
	wait_for_end();
	ok(-f $image, 'the worker completes it after a sweep');
	is(found('plain'), 3, 'and a search with it finds its rows');
	is_deeply([ orphans($node) ], [], 'no file is left');
	quit($_) foreach @two, $gate, $search;
}

# ---- DROP INDEX waits for one step; the worker then ends and leaves nothing
{
	my $image = image_of('plain');
	my $gate = session($node);
	my $search = searcher();
	my $drop = session($node);

	ask($gate, 'SELECT pg_advisory_lock(1)');
	unlink $image;
	order();
	ask($search, query('plain'));
	wait_for_worker();
	send_sql($drop, 'DROP INDEX plain_v');
	wait_until('DROP INDEX waits', sub { $node->safe_psql('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $drop->{pid}") eq 't' });
	ask($gate, 'SELECT pg_advisory_unlock(1)');
	answer($drop);
	is($drop->{err}, '', 'DROP INDEX beside the worker succeeds after its step');
	ok(!-f $image, 'the worker did not go on');
	wait_for_end();
	quit($_) foreach $drop, $gate, $search;
	is_deeply([ orphans($node) ], [], 'DROP INDEX beside the worker: no file is left');
}

# ---- DROP DATABASE waits for at most 5 seconds, and then for the next try; the worker ends
{
	my $image = image_of('plain', 'other');
	my $gate = session($node, database => 'other');
	my $search = searcher('other');
	my $drop = session($node);

	ask($gate, 'SELECT pg_advisory_lock(1)');
	unlink $image;
	order();
	ask($search, query('plain'));
	wait_for_worker();
	quit($search);
	send_sql($drop, 'DROP DATABASE other');
	wait_until('DROP DATABASE has its lock', sub { $node->safe_psql('postgres',
		"SELECT count(*) > 0 FROM pg_locks WHERE pid = $drop->{pid} AND classid = 'pg_database'::regclass AND mode = 'AccessExclusiveLock' AND granted") eq 't' });
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($gate->{pid})");
	quit($gate);
	answer($drop);
	wait_for_end();
	if ($drop->{err} ne '')
	{
		like($drop->{err}, qr/being accessed by other users/, 'a busy machine: DROP DATABASE gave up');
		ask($drop, 'DROP DATABASE other');
	}
	ok(!-f $image, 'the worker did not go on');
	quit($drop);
	is_deeply([ orphans($node) ], [], 'DROP DATABASE beside the worker: no file is left');
}

# ---- no slot: searches make the image
{
	my $image = image_of('elsewhere');
	$node->safe_psql('postgres', $_) foreach 'ALTER SYSTEM SET barq.max_workers = 0', 'SELECT pg_reload_conf()';
	wait_until('no workers may be', sub { $node->safe_psql('postgres', q{SELECT barq_version() IS NOT NULL; SHOW barq.max_workers}) =~ /^0$/m });
	unlink $image;
	my $searches = 0;
	until (-f $image || $searches == 50)
	{
		found('elsewhere');
		$searches++;
	}
	ok(-f $image, 'without a slot searches make the image');
	cmp_ok($searches, '>', 10, 'in parts');
	ok(!worker_processes($node, 'barq image worker'), 'and no worker runs');
}

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|leak|PANIC/, 'no assertion failed, nothing leaked');
done_testing();
