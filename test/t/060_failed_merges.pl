# A merge that fails leaves nothing behind: the pages that it wrote are given back at
# once, or after a crash by the next session that maintains the index, and its files
# are removed. Errors are raised at every step of a merge (src/base/steps.h).
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

my $node = new_server('failing', conf => q{restart_after_crash = on});
my $data = $node->data_dir;

# Three segments of some size, not merged by themselves.
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 16, quantization = none);
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 3000) i;
	SELECT barq_seal('items_v');
	INSERT INTO items SELECT i, vec(i) FROM generate_series(3001, 4000) i;
	SELECT barq_seal('items_v');
	INSERT INTO items SELECT i, vec(i) FROM generate_series(4001, 4100) i;
	SELECT barq_seal('items_v')});

sub size { return $node->safe_psql('postgres', q{SELECT pg_relation_size('items_v')}) }
sub files { return join " ", map { m{([^/]+)$} } image_files(image_root($node)) }

# Run barq_compact() with an order for steps.c; returns the error.
sub compact
{
	my ($order) = @_;
	open(my $f, '>', "$data/barq_crash_point.new") or die;
	print $f "$order\n";
	close $f;
	rename "$data/barq_crash_point.new", "$data/barq_crash_point" or die;
	my (undef, undef, $err) = $node->psql('postgres', q{SELECT barq_compact('items_v')});
	unlink "$data/barq_crash_point";
	return $err;
}

my $files = files();
my $segments = segment_count($node, 'items_v');

# The last steps before the merge would have been done, and one in the middle.
foreach my $case ([ 'blob: next page', 80 ], [ 'blob: next page', 2 ],
	[ 'publish: all written', 1 ], [ 'body: map', 1 ], [ 'image: write', 2 ], [ 'compact: merged', 1 ])
{
	my ($name, $pass) = @$case;
	my $sizes;

	like(compact("crash $pass flush error $name"), qr/stopped at step "\Q$name\E"/, "$name: the merge fails");
	$sizes = size();
	compact("crash $pass flush error $name") for 1 .. 5;
	is(size(), $sizes, "$name: five more failures take no more space");
	is(files(), $files, "$name: no file is left");
}
is(segment_count($node, 'items_v'), $segments, 'the segments are those of before');
my $most = size();

# A session that ends in the middle gives its pages back while it exits.
{
	my $gate = session($node);
	my %seen = map { $_ => 1 } split ' ', $files;

	ask($gate, 'SELECT pg_advisory_lock(1)');
	$node->safe_psql('postgres', q{CREATE FUNCTION barq_stop_at(name text, lock bigint) RETURNS void AS '$libdir/barq' LANGUAGE C});
	for (1 .. 3)
	{
		my $session = session($node);
		my $pid = ask($session, 'SELECT pg_backend_pid()');

		ask($session, q{SELECT barq_stop_at('publish: all written', 1)});
		send_sql($session, q{SELECT barq_compact('items_v')});
		wait_for_stop($node, $pid);
		$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
		wait_until('the session ends', sub {
			$node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid") eq '0' });
		eval { quit($session) };
	}
	quit($gate);
	is(size(), $most, 'sessions that are terminated take no more space');

	# the merge itself did not fail: it can go on with the image that it has made
	my @more = grep { !$seen{$_}++ } split ' ', files();
	is(join(' ', sort map { s/^[0-9a-f]+//r } @more), '.img .merge .ok', 'and leave the files of one merge, which can go on');
}

# After a crash the next session that maintains the index finds the pages.
for (1 .. 3)
{
	my $position = log_size($node);

	compact('crash 80 flush backend blob: next page');
	wait_for_log($position);
	$node->safe_psql('postgres', q{SELECT barq_seal('items_v')});
}
is(size(), $most, 'crashes take no more space once the index was maintained again');

is($node->safe_psql('postgres', q{SELECT barq_compact('items_v')}), 4100, 'the merge succeeds at last');
is(segment_count($node, 'items_v'), 1, 'into one segment');
sound($node, 'items_v', 'and the index is sound', errors => 1);
cmp_ok(size(), '<', $most, 'in a shorter file');

sub wait_for_log
{
	my ($position) = @_;

	for (1 .. 1800)
	{
		return if log_since($node, $position) =~ /database system is ready to accept connections/;
		select(undef, undef, undef, 0.1);
	}
	die 'the server does not come back';
}

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|leak/, 'no assertion failed, nothing leaked');
done_testing();
