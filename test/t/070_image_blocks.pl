# Images are verified block by block, at the first use of a block, and made in parts:
# a damaged block is never answered from; what one search verifies or makes, others
# need not; a worker verifies and makes the rest; an image that cannot be mapped is
# not taken for a missing one.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('blocks', init => { allows_streaming => 1 }, conf => q{
	barq.background = off
	autovacuum = off
});

# an image of more than a search makes (8 MB) or verifies (4 MB) at once
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(1000));
	INSERT INTO items SELECT i, vec(i, 1000) FROM generate_series(1, 2500) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
});
my ($image) = images_of($node, 'items_v');
(my $marker = $image) =~ s/img$/ok/;
(my $temporary = $image) =~ s/img$/tmp/;
cmp_ok(-s $image, '>', 9 * 1024 * 1024, 'the image has several parts');
my $good = PostgreSQL::Test::Utils::slurp_file($image);
my $answers = same_answers($node, 'items', 'before', recall => 0.5);
my $query = q{SET enable_seqscan = off; SELECT count(id) FROM (SELECT id FROM items ORDER BY v <-> vec(7, 1000) LIMIT 3) x};

sub is_good { return -f $image && PostgreSQL::Test::Utils::slurp_file($image) eq $good; }

# the words of a marker: number of bits, 1 if the image is verified
sub marker { return unpack('x56 L L', PostgreSQL::Test::Utils::slurp_file($marker)); }
sub is_verified { return -f $marker && (marker())[1] == 1; }

sub set_background
{
	$node->append_conf('postgresql.conf', "barq.background = $_[0]");
	$node->reload;
	wait_until("background = $_[0]", sub { $node->safe_psql('postgres', q{SELECT barq_version() IS NOT NULL; SHOW barq.background}) =~ /\b$_[0]$/ });
	return;
}

# Flip a byte in one of so many blocks of the body, from the second on.
sub damage_one_in
{
	my ($n, $file) = @_;
	my $blocks = int((-s $file) / 4096) - 20;

	for (my $block = 2 + int(rand $n); $block < $blocks; $block += $n)
	{
		flip_byte($file, 4096 * $block + int(rand 4096));
	}
	return;
}

# ---------------------------------------------------------------- verified by use
ok(is_verified(), 'an image is verified when it is made');
$node->restart;
$node->safe_psql('postgres', $query);
ok(!is_verified(), 'after a restart one search verifies a part of a large image');
my $searches = 1;
until (is_verified() || $searches > 20) { $node->safe_psql('postgres', $query); $searches++; }
cmp_ok($searches, '<', 10, 'further searches verify the rest, each in a session of its own');
ok(is_good(), 'the image is untouched');

foreach my $n (1, 3, 20, 400, 2000)
{
	$node->stop;
	damage_one_in($n, $image);
	$node->start;
	is(scalar(answers($node, 'items')), $answers, "one of $n blocks damaged: the same answers");
	for (1 .. 10) { $node->safe_psql('postgres', $query) unless is_good() && is_verified(); }
	ok(is_good(), "one of $n blocks damaged: the image is made again");
}

# the last part that is verified in order is damaged: found by a later search
$node->stop;
flip_byte($image, 4096 + 9 * 1024 * 1024);
$node->start;
my $session = session($node);
ask($session, 'SET enable_seqscan = off; SET barq.ef_search = 10');
for (1 .. 10) { ask($session, 'SELECT id FROM items ORDER BY v <-> vec(7, 1000) LIMIT 3'); }
quit($session);
ok(is_good(), 'a damaged block that no search needs: the image is made again');
is(scalar(answers($node, 'items')), $answers, 'a damaged block that no search needs: the same answers');

# checksums and root
foreach my $from_end (1, 20, 5000)
{
	$node->stop;
	flip_byte($image, length($good) - $from_end);
	$node->start;
	is(scalar(answers($node, 'items')), $answers, "byte $from_end from the end damaged: the same answers");
	for (1 .. 10) { $node->safe_psql('postgres', $query) unless is_good() && is_verified(); }
	ok(is_good(), "byte $from_end from the end damaged: the image is made again");
}

# a marker says nothing of another file, and nothing after a restart
copy($image, "$image.new") or die;
damage_one_in(3, "$image.new");
rename "$image.new", $image or die;
is(scalar(answers($node, 'items')), $answers, 'a damaged copy in the place of a verified image: the same answers');
for (1 .. 10) { $node->safe_psql('postgres', $query) unless is_good() && is_verified(); }
ok(is_good(), 'a damaged copy in the place of a verified image: made again');

# ---------------------------------------------------------------- made in parts
unlink $image;
$node->safe_psql('postgres', $query);
ok(!-e $image && -s $temporary, 'a search makes a part of a large image');
is(scalar(answers($node, 'items', settings => 'SET statement_timeout = 0;')), $answers, 'it answers from pages meanwhile');
for (1 .. 5) { $node->safe_psql('postgres', $query) unless -e $image; }
ok(is_good() && is_verified() && !-e $temporary, 'further searches complete it, byte for byte the same');

# a part from before a restart, or a damaged one, is not continued
foreach my $how ('restart', 'damage', 'VACUUM')
{
	unlink $image;
	$node->safe_psql('postgres', $query);
	ok(-s $temporary, "$how: there is a part");
	$node->restart if $how eq 'restart';
	flip_byte($temporary, 40) if $how eq 'damage';
	$node->safe_psql('postgres', 'VACUUM items') if $how eq 'VACUUM';
	for (1 .. 5) { $node->safe_psql('postgres', $query) unless -e $image; }
	ok(is_good() && !-e $temporary, "$how: the image is complete");
}

# ---------------------------------------------------------------- no address space
SKIP:
{
	skip 'no prlimit', 5 if system('prlimit --version >/dev/null 2>&1') != 0;
	my $limited = session($node);
	ask($limited, 'SET enable_seqscan = off');
	ask($limited, q{SELECT id FROM items ORDER BY id LIMIT 1});
	my $pid = ask($limited, 'SELECT pg_backend_pid()');
	my ($size) = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /VmSize:\s*(\d+) kB/;
	my $limit = ($size + 6 * 1024) * 1024;
	is(system("prlimit --pid $pid --as=$limit:"), 0, 'the session gets a limit');
	my $found = ask($limited, 'SELECT id FROM items ORDER BY v <-> vec(7, 1000) LIMIT 1');
	is($found, $node->safe_psql('postgres', 'SET enable_indexscan = off; SELECT id FROM items ORDER BY v <-> vec(7, 1000) LIMIT 1'),
		'without address space for the image it reads pages');
	like(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/WARNING:.*could not be mapped.*\n.*could not map file .*Cannot allocate memory/, 'the WARNING says why');
	ok(is_good() && !-e $temporary, 'the image is neither removed nor made again');
	quit($limited);
}

# ---------------------------------------------------------------- by a worker
set_background('on');

# a standby makes the image from its pages, in a worker too
my $standby = new_standby($node, 'blocks_standby');
my $standby_image = $standby->data_dir . substr($image, length $node->data_dir);
is(scalar(answers($standby, 'items')), $answers, 'a standby without the image: the same answers');
wait_until('a worker of the standby has made the image',
	sub { -f $standby_image && PostgreSQL::Test::Utils::slurp_file($standby_image) eq $good });
is(scalar(answers($standby, 'items')), $answers, 'a standby with the image: the same answers');
$standby->stop;

$node->restart;
is($node->safe_psql('postgres', $query), 3, 'a search finds its rows');
wait_until('a worker has verified the image', sub { is_verified() });
ok(is_good(), 'the image is untouched');

$node->stop;
flip_byte($image, 4096 + 9 * 1024 * 1024);
$node->start;
is($node->safe_psql('postgres', $query), 3, 'a search beside a damaged block finds its rows');
wait_until('a worker has found the damaged block and made the image', sub { is_verified() && is_good() });
is(scalar(answers($node, 'items')), $answers, 'the same answers');

unlink $image;
is(scalar(answers($node, 'items')), $answers, 'without the image: the same answers');
wait_until('a worker has made the image', sub { is_good() && is_verified() });
ok(!-e $temporary, 'nothing of the work is left');

# a short time limit does not prevent the image
unlink $image;
$node->psql('postgres', "SET statement_timeout = 1; $query") for (1 .. 20);
$node->safe_psql('postgres', $query);
wait_until('an image is made in spite of time limits', sub { is_good() });

# DDL does not wait for the worker longer than for one of its steps
unlink $image;
$node->safe_psql('postgres', $query);
$node->safe_psql('postgres', 'DROP INDEX items_v');
pass('the index is dropped beside the worker');
wait_until('the worker has ended', sub {
	$node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq image worker'}) == 0 });
$node->safe_psql('postgres', 'VACUUM items');
is_deeply([ orphans($node) ], [], 'no file is left');

$node->stop;
done_testing();
