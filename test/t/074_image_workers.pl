# Races of the image worker, stopped in the middle of its work: searches of two sessions
# at once, a search with a short time limit, DROP INDEX, a VACUUM that sweeps the image
# folders, DROP DATABASE. It is one of barq.max_workers; where no slot is free, searches
# make the image themselves. Also unlogged and temporary tables, a tablespace, a second
# database.
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

# a table and an index of 9 MB, more than a search makes at once
my %tables = (plain => '', unlogged => 'UNLOGGED', elsewhere => '');
sub fill
{
	my ($name, $database) = @_;
	my $kind = $tables{$name} // '';
	my $where = $name eq 'elsewhere' ? 'TABLESPACE elsewhere' : '';
	$node->safe_psql($database // 'postgres', qq{
		CREATE $kind TABLE $name (id int, v vector(1000));
		INSERT INTO $name SELECT i, vec(i, 1000) FROM generate_series(1, 2500) i;
		CREATE INDEX ${name}_v ON $name USING barq_ivf (v vector_l2_ops) WITH (quantization = none, lists = 5) $where});
	return;
}
sub query { return "SET enable_seqscan = off; SELECT count(id) FROM (SELECT id FROM $_[0] ORDER BY v <-> vec(7, 1000) LIMIT 3) x"; }
my $imagers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq image worker'};

sub image_of { my ($name, $database) = @_; my ($image) = images_of($node, "${name}_v", $database); return $image; }

# Let the next process that starts stop at a step, at advisory lock 1.
sub order { append_to_file("$data/barq_crash_point", "$_[0]\n"); return; }
sub no_order { unlink "$data/barq_crash_point"; return; }
sub wait_for_stop
{
	wait_until('a worker stops', sub { $node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) eq '1' });
	return;
}
sub wait_for_end
{
	wait_until('no image worker runs', sub { $node->safe_psql('postgres', $imagers) eq '0' });
	return;
}

# ---- unlogged tables, a tablespace, a second database: a worker makes the image
foreach my $name (sort keys %tables)
{
	fill($name);
	my $image = image_of($name);
	ok(-f $image, "$name: there is an image");
	unlink $image;
	is($node->safe_psql('postgres', query($name)), 3, "$name: a search without it finds its rows");
	wait_until("$name: the image is made", sub { -f $image });
	wait_for_end();
	is($node->safe_psql('postgres', query($name)), 3, "$name: a search with it finds its rows");
}
fill('plain', 'other');
{
	my $image = image_of('plain', 'other');
	unlink $image;
	is($node->safe_psql('other', query('plain')), 3, 'another database: a search without an image finds its rows');
	wait_until('another database: the image is made', sub { -f $image });
	wait_for_end();
}

# ---- a temporary table: no other process may work for it
{
	my $session = session($node);
	ask($session, q{CREATE TEMP TABLE mine (id int, v vector(1000)); INSERT INTO mine SELECT i, vec(i, 1000) FROM generate_series(1, 2500) i;
		CREATE INDEX mine_v ON mine USING barq_ivf (v vector_l2_ops) WITH (quantization = none, lists = 5); SET enable_seqscan = off});
	my $number = ask($session, q{SELECT pg_relation_filenode('mine_v')});
	my ($image) = grep { m{/t\d+_$number/.*\.img$|/${number}_\d+/.*\.img$|/$number/.*\.img$} } image_files(image_root($node));
	unlink $image if defined $image;
	ask($session, 'DISCARD PLANS');
	is(ask($session, 'SELECT count(id) FROM (SELECT id FROM mine ORDER BY v <-> vec(7, 1000) LIMIT 3) x'), 3, 'a temporary table: a search finds its rows');
	is($node->safe_psql('postgres', $imagers), 0, 'a temporary table: no worker is started');
	quit($session);
}

# ---- two sessions at once, and one with a short time limit: one worker, one image
{
	my $image = image_of('plain');
	my $gate = session($node);
	my @two = map { session($node) } 1 .. 2;

	ask($gate, 'SELECT pg_advisory_lock(1)');
	ask($_, 'SET enable_seqscan = off; SELECT 1 FROM plain ORDER BY v <-> vec(1, 1000) LIMIT 1') foreach @two;
	unlink $image;
	$node->safe_psql('postgres', q{SELECT barq_seal('plain_v')});
	my $search = session($node);
	ask($search, 'SET enable_seqscan = off; SELECT 1 FROM unlogged ORDER BY v <-> vec(1, 1000) LIMIT 1');
	order('stop 3 image: write');
	is(ask($search, 'SELECT count(id) FROM (SELECT id FROM plain ORDER BY v <-> vec(7, 1000) LIMIT 3) x'), 3, 'a search without an image finds its rows');
	wait_for_stop();
	no_order();
	is($node->safe_psql('postgres', $imagers), 1, 'an image worker has begun');
	is(ask($_, 'SELECT count(id) FROM (SELECT id FROM plain ORDER BY v <-> vec(7, 1000) LIMIT 3) x'), 3, 'another search beside it finds its rows') foreach @two;
	is($node->safe_psql('postgres', $imagers), 1, 'and starts no other worker');
	is(ask($_, "SET statement_timeout = '60s'; SELECT count(id) FROM (SELECT id FROM plain ORDER BY v <-> vec(9, 1000) LIMIT 3) x"), 3, 'nor with a time limit') foreach @two;

	# VACUUM sweeps the image folders
	$node->safe_psql('postgres', 'DELETE FROM plain WHERE id = 5; VACUUM (INDEX_CLEANUP on) plain; VACUUM (INDEX_CLEANUP on) unlogged');
	ask($gate, 'SELECT pg_advisory_unlock(1)');
	wait_for_end();
	$node->safe_psql('postgres', query('plain')) for 1 .. 6;
	wait_until('the image is made', sub { -f $image });
	wait_for_end();
	is($node->safe_psql('postgres', query('plain')), 3, 'after a sweep beside the worker: a search finds its rows');
	is_deeply([ orphans($node) ], [], 'after a sweep beside the worker: no file is left');
	quit($_) foreach @two, $gate, $search;
}

# ---- DROP INDEX waits for one step; the worker then ends and leaves nothing
{
	my $image = image_of('plain');
	my $gate = session($node);
	my $search = session($node);

	ask($gate, 'SELECT pg_advisory_lock(1)');
	ask($search, 'SET enable_seqscan = off; SELECT 1 FROM unlogged ORDER BY v <-> vec(1, 1000) LIMIT 1');
	unlink $image;
	order('stop 3 image: write');
	ask($search, 'SELECT count(id) FROM (SELECT id FROM plain ORDER BY v <-> vec(7, 1000) LIMIT 3) x');
	wait_for_stop();
	no_order();
	my $drop = session($node);
	send_sql($drop, 'DROP INDEX plain_v');
	wait_until('DROP INDEX waits', sub { $node->safe_psql('postgres', "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $drop->{pid}") eq 't' });
	ask($gate, 'SELECT pg_advisory_unlock(1)');
	answer($drop);
	is($drop->{err}, '', 'DROP INDEX beside the worker succeeds after its step');
	wait_for_end();
	quit($_) foreach $drop, $gate, $search;
	$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) unlogged');
	is_deeply([ orphans($node) ], [], 'DROP INDEX beside the worker: no file is left');
}

# ---- no slot: searches make the image
{
	my $image = image_of('elsewhere');
	$node->safe_psql('postgres', q{ALTER SYSTEM SET barq.max_workers = 0; SELECT pg_reload_conf()});
	wait_until('no workers may be', sub { $node->safe_psql('postgres', q{SELECT barq_version() IS NOT NULL; SHOW barq.max_workers}) =~ /\b0$/ });
	unlink $image;
	my $searches = 0;
	until (-f $image || $searches > 50)
	{
		$node->safe_psql('postgres', query('elsewhere'));
		$searches++;
	}
	ok(-f $image, 'without a slot searches make the image');
	is($node->safe_psql('postgres', $imagers), 0, 'and no worker runs');
	$node->safe_psql('postgres', q{ALTER SYSTEM RESET barq.max_workers; SELECT pg_reload_conf()});
}
$node->safe_psql('postgres', 'DROP DATABASE other');

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|leak|PANIC/, 'no assertion failed, nothing leaked');
done_testing();
