# The heat of images is kept over a restart and over a crash: the hottest are read into
# memory again, as far as the budget goes. A damaged file is ignored.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_server('heat', conf => q{
	shared_preload_libraries = 'barq'
	barq.memory_budget = '4MB'
});
my $root = $node->data_dir . '/pg_barq/pgsql_tmp';
my $heat = "$root/heat";

# three indexes of 1.6 MB each: a budget for two
$node->safe_psql('postgres', q{
	CREATE TABLE t1 (id int, v vector(64));
	INSERT INTO t1 SELECT i, vec(i, 64) FROM generate_series(1, 6000) i;
	CREATE TABLE t2 AS SELECT * FROM t1;
	CREATE TABLE t3 AS SELECT * FROM t1;} . join ';', map { qq{
	CREATE INDEX t${_}_v ON t$_ USING barq_ivf (v vector_l2_ops) WITH (lists = 10, quantization = none)} } 1 .. 3);

sub search
{
	my ($table, $times) = @_;

	$node->safe_psql('postgres', 'SET enable_seqscan = off;' . join ';', ("SELECT id FROM $table ORDER BY v <-> vec(7, 64) LIMIT 3") x $times);
	return;
}

# The condition of images that are in memory, but for pages that the kernel took.
my $whole = 'resident_bytes >= 0.9 * image_bytes';

sub resident
{
	return $node->safe_psql('postgres', "SELECT string_agg(index::text, ' ' ORDER BY index::text) FROM barq_memory() WHERE $whole");
}

# Without a server: no page of an image is in the page cache.
sub forget_pages
{
	foreach my $image (glob "$root/*/*/*/*.img")
	{
		# images are not synced where fsync is off
		system('sync', '-d', $image) == 0 or die;
		system('dd', "if=$image", 'of=/dev/null', 'iflag=nocache', 'count=0', 'status=none') == 0 or die;
		my $left = `fincore -nb -o RES '$image' 2>/dev/null`;
		die "$image stays in memory" if $? == 0 && $left > 0;
	}
	return;
}

# Wait until the heat file was written after all that was searched so far.
sub wait_for_heat
{
	my $before = (stat $heat)[9] // 0;

	$node->safe_psql('postgres', 'SELECT 1');
	wait_until('the heat is written', sub { sleep 0.1; return ((stat $heat)[9] // 0) > $before + 1 });
	return;
}

search('t1', 30);
search('t3', 20);
search('t2', 3);
# a session counts its searches at its end, which may be after that of psql
ok($node->poll_query_until('postgres', 'SELECT round(min(heat)) = 3 FROM barq_memory()'), 'searches are counted');
$node->stop;
ok(-f $heat, 'the launcher writes the heat when the server stops');
forget_pages();
$node->start;
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM barq_memory() WHERE $whole"),
	'after a restart images are read into memory');
is(resident(), 't1_v t3_v', 'the hottest, as far as the budget goes');
is($node->safe_psql('postgres', q{SELECT string_agg(round(heat)::text, ' ' ORDER BY index) FROM barq_memory()}), '30 3 20', 'heat goes on from where it was');

# a cold image is in memory already, as if it had been verified first
my ($cold) = glob "$root/*/*/" . $node->safe_psql('postgres', q{SELECT pg_relation_filenode('t2_v')}) . '/*.img';
$node->stop;
forget_pages();
system('cp', $cold, '/dev/null') == 0 or die;
$node->start;
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM barq_memory() WHERE $whole AND heat > 4"),
	'the hottest are read in its place');
ok($node->poll_query_until('postgres', q{SELECT sum(resident_bytes) <= 4.2 * 1024 * 1024 FROM barq_memory()}), 'within the budget');

# a crash
search('t2', 50);
wait_for_heat();
kill_server($node);
forget_pages();
$node->start;
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM barq_memory() WHERE $whole"),
	'after a crash images are read into memory');
is(resident(), 't1_v t2_v', 'the hottest');

# what is kept comes first, what is cold never
$node->safe_psql('postgres', q{ALTER INDEX t3_v SET (memory = keep); ALTER INDEX t2_v SET (memory = cold); SELECT count(*) FROM barq_memory()});
$node->stop;
forget_pages();
$node->start;
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM barq_memory() WHERE $whole"),
	'images are read in the order of the option');
is(resident(), 't1_v t3_v', 'keep, but not cold');

# damaged files: flipped, cut short, longer, empty, of another version
my $sound = do { $node->stop; slurp_file($heat) };
my %damage = (
	'flipped byte' => sub { my $s = shift; substr($s, 40, 1) ^= "\x01"; $s },
	'cut short' => sub { substr($_[0], 0, -5) },
	'longer' => sub { "$_[0]x" },
	'empty' => sub { '' },
	'another version' => sub { my $s = shift; substr($s, 8, 1) = "\x63"; $s },
	'too many entries' => sub { my $s = shift; substr($s, 12, 4) = "\xff\xff\xff\xff"; $s });
foreach my $name (sort keys %damage)
{
	open(my $f, '>:raw', $heat) or die;
	print $f $damage{$name}->($sound);
	close $f;
	forget_pages();
	my $position = -s $node->logfile;
	$node->start;
	wait_until("$name is noticed", sub { slurp_file($node->logfile, $position) =~ /ignoring invalid file/ });
	is($node->safe_psql('postgres', q{SELECT coalesce(sum(heat), 0) FROM barq_memory()}), '0', "$name: the file is ignored");
	$node->stop;
}

# a file of another user or a link is not used
unlink $heat or die;
symlink '/etc/passwd', $heat or die;
$node->start;
is($node->safe_psql('postgres', q{SELECT count(*) FROM barq_memory()}), '3', 'a link in its place is not followed');
search('t1', 1);
$node->stop;
unlike(slurp_file('/etc/passwd'), qr/BRQHEAT/, 'nor written');
unlike(slurp_file($node->logfile), qr/TRAP:|PANIC:|terminated by signal/, 'no process failed');
done_testing();
