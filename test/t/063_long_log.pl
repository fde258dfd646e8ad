# A log that has grown long, because a session held the maintenance lock, is sealed in
# chunks of a few times growing_limit: each is a segment, published before the next one is
# made; memory stays within maintenance_work_mem, for a session and for a worker; a seal
# that is cancelled keeps the chunks that it has published.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

# kB
my $shared = 16 * 1024;
my $allowed = 16 * 1024;
my $log = 40 * 1024;

my $node = new_server('long', conf => qq{
	log_statement = none
	shared_buffers = ${shared}kB
	maintenance_work_mem = ${allowed}kB
	work_mem = 4MB
	max_wal_size = 4GB
});

# kB of a process, from /proc
sub memory
{
	my ($pid, $what) = @_;

	open(my $file, '<', "/proc/$pid/status") or return undef;
	local $/;
	my $status = <$file> // '';
	return $status =~ /^$what:\s+(\d+) kB$/m ? $1 : undef;
}

my %kinds = (
	'barq_hnsw' => {
		type => 'vector(512)', key => 'v vector_l2_ops', with => 'quantization = none',
		value => q{(SELECT array_agg(((i * j) % 1009)::real) FROM generate_series(1, 512) j WHERE i > 0)::vector}, bytes => 2100 },
	'barq_ivf' => {
		type => 'vector(512)', key => 'v vector_l2_ops', with => 'quantization = none',
		value => q{(SELECT array_agg(((i * j) % 1009)::real) FROM generate_series(1, 512) j WHERE i > 0)::vector}, bytes => 2100 },
	'barq_bm25' => {
		type => 'text', key => 'v', with => q{text_config = 'simple'},
		value => q{(SELECT string_agg(md5((i * j)::text), ' ') FROM generate_series(1, 50) j WHERE i > 0)}, bytes => 2000 });

foreach my $method (sort keys %kinds)
{
	my $kind = $kinds{$method};
	my $rows = int($log * 1024 / $kind->{bytes});

	$node->safe_psql('postgres', qq{
		CREATE TABLE items (id int, v $kind->{type});
		CREATE INDEX items_i ON items USING $method ($kind->{key}) WITH ($kind->{with});
		SET barq.growing_limit = '1GB'; SET barq.growing_hard_limit = '1GB';
		INSERT INTO items SELECT i, $kind->{value} FROM generate_series(1, $rows) i});
	my $bytes = growing_bytes($node, 'items_i');
	cmp_ok($bytes, '>', $log * 1024 * 0.7, "$method: a long log ($bytes bytes)");

	# cancelled half-way: what was published stays
	my $session = session($node);
	ask($session, q{SET barq.growing_limit = '64kB'});
	send_sql($session, q{SELECT barq_seal('items_i')});
	wait_until('chunks were published', sub { return segment_count($node, 'items_i') >= 2; });
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($session->{pid})");
	answer($session);
	note "$method: the seal ended before it was cancelled" unless $session->{err} =~ /canceling statement due to user request/;
	my $first = segment_count($node, 'items_i');
	is($node->safe_psql('postgres', q{SELECT sum(rows) FROM barq_segments('items_i')}), $rows, "$method: after the cancel segments and log have all rows");
	my $left = growing_bytes($node, 'items_i');
	sound($node, 'items_i', "$method: sound after the cancel", errors => 1);
	quit($session);

	# the rest, in a session whose memory is measured
	my $sealer = session($node);
	ask($sealer, q{SELECT count(*) FROM barq_segments('items_i')});
	my $before = memory($sealer->{pid}, 'VmHWM');
	ask($sealer, q{SET barq.growing_limit = '2MB'; SELECT barq_seal('items_i')});
	my $after = memory($sealer->{pid}, 'VmHWM');
	my $largest = $node->safe_psql('postgres', q{SELECT max(page_bytes) / 1024 FROM barq_segments('items_i') WHERE state <> 'growing'});
	my $chunks = segment_count($node, 'items_i') - $first;
	cmp_ok($chunks, '>=', int($left / ($allowed * 1024 / 8)), "$method: sealed in chunks ($chunks of $left bytes)");
	cmp_ok($largest, '<', 4 * 2048 * 1.5, "$method: no segment is larger than a few times growing_limit ($largest kB)");
	cmp_ok($after - $before, '<', $allowed + $shared + $largest, "$method: memory of the seal: $before kB before, $after kB at most");
	is($node->safe_psql('postgres', q{SELECT sum(rows) FROM barq_segments('items_i')}), $rows, "$method: every row in one segment");
	is(growing_bytes($node, 'items_i'), 8192, "$method: the log is empty");
	sound($node, 'items_i', "$method: sound", errors => 1);
	quit($sealer);
	$node->safe_psql('postgres', 'DROP TABLE items');
}

# A worker seals a log that has grown behind a session which held the lock.
{
	my $kind = $kinds{barq_bm25};
	my $rows = int($log * 1024 / $kind->{bytes});
	my $holder = session($node);
	my $most = 0;

	$node->safe_psql('postgres', q{ALTER SYSTEM SET barq.background = on; SELECT pg_reload_conf()});
	$node->poll_query_until('postgres', q{SELECT current_setting('barq.background') = 'on'}) or die;
	$node->safe_psql('postgres', qq{
		CREATE TABLE items (id int, v $kind->{type});
		CREATE INDEX items_i ON items USING barq_bm25 ($kind->{key}) WITH ($kind->{with}, max_segments = 1000, compaction_ratio = 64)});
	ask($holder, 'BEGIN; ALTER INDEX items_i SET (compaction_ratio = 63)');
	$node->safe_psql('postgres', qq{SET barq.backpressure = 'inline'; INSERT INTO items SELECT i, $kind->{value} FROM generate_series(1, $rows) i});
	cmp_ok(growing_bytes($node, 'items_i'), '>', $log * 1024 * 0.7, 'worker: a long log');
	ask($holder, 'ROLLBACK');
	$node->safe_psql('postgres', qq{INSERT INTO items SELECT $rows + i, $kind->{value} FROM generate_series(1, 20) i});
	my $pid = worker_pid($node, 'barq: sealing%');
	while (defined(my $now = memory($pid, 'RssAnon')))
	{
		$most = $now if $now > $most;
		usleep(500);
	}
	idle($node);
	cmp_ok(segment_count($node, 'items_i'), '>', 4, 'worker: sealed in chunks');
	cmp_ok($most, '>', 0, 'worker: its memory was seen');
	cmp_ok($most, '<', $allowed + 12 * 1024, "worker: $most kB of its own at most");
	is($node->safe_psql('postgres', q{SELECT sum(rows) FROM barq_segments('items_i')}), $rows + 20, 'worker: every row is there');
	sound($node, 'items_i', 'worker: sound', errors => 1);
	quit($holder);
}

$node->stop;
done_testing();
