# Memory of maintenance: CREATE INDEX, a seal of a long log, a merge and VACUUM take at
# most maintenance_work_mem besides what is mapped (the images of the inputs, the work
# area or the image that is made), and for each row of a merge of vectors the numbers
# that the building of a graph or of lists needs (src/hnsw/README.md, src/ivf/README.md).
#
# Two measures. The peak of the session's resident memory (VmHWM of /proc, reset before
# each step) is compared with the sum of all these. And the session may not allocate more
# private memory: a limit (RLIMIT_DATA) is set before each step, with which it has to
# succeed.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'no prlimit' if system('prlimit --version >/dev/null 2>&1') != 0;
plan skip_all => 'no /proc/PID/clear_refs' if !-e '/proc/self/clear_refs';

my $node = new_server('memory', conf => q{
	shared_buffers = 1MB
	maintenance_work_mem = 8MB
	work_mem = 1MB
	barq.growing_limit = 1GB
	barq.backend_cache = 1MB
});
my $mb = 1024 * 1024;
my $maintenance = 8 * $mb;

# buffers (shared memory counts to the peak), WAL buffers, catalogs, what malloc rounds up
my $slack = 6 * $mb;

sub status
{
	my ($pid, $field) = @_;
	my ($kb) = slurp_file("/proc/$pid/status") =~ /^$field:\s*(\d+) kB/m;
	return $kb * 1024;
}

# What is mapped at most: all images, and what is made of them at the end, twice
# (a work area has room for lists that the image does not).
sub mapped
{
	my ($index) = @_;
	my $sum = 0;
	$sum += -s $_ foreach images_of($node, $index);
	return $sum;
}

# Run a step. It may take $maintenance bytes and $extra bytes of private memory.
sub step
{
	my ($name, $index, $sql, $extra) = @_;
	my $session = session($node);
	my $pid = $session->{pid};

	# catalogs, library
	ask($session, q{SELECT barq_version(), '[1]'::vector, v <-> vec(1, 64) FROM (SELECT vec(2, 64) AS v) s});
	ask($session, "SELECT count(*) FROM barq_segments('$index')") if $node->safe_psql('postgres', "SELECT to_regclass('$index') IS NOT NULL") eq 't';
	my $before = $node->safe_psql("postgres", "SELECT to_regclass('$index') IS NULL") eq "t" ? 0 : mapped($index);
	my $private = status($pid, 'VmData');
	my $resident = status($pid, 'VmRSS');
	my $limit = $private + $maintenance + $extra + $slack;
	open(my $refs, '>', "/proc/$pid/clear_refs") or die "clear_refs: $!";
	syswrite $refs, '5';
	close $refs;
	is(system("prlimit --pid $pid --data=$limit:"), 0, "$name: limit of private memory");
	send_sql($session, $sql);
	answer($session);
	is($session->{err}, '', "$name: within maintenance_work_mem of private memory");
	my $peak = status($pid, 'VmHWM') - $resident;
	my $most = $maintenance + $extra + $slack + $before + 2 * mapped($index);
	cmp_ok($peak, '<=', $most, sprintf '%s: the peak of %.1f MB is within maintenance_work_mem and mappings of %.1f MB', $name, $peak / $mb, $most / $mb);
	quit($session);
	return;
}

# rows, and bytes of private memory for each of them in a merge or build
my %kinds = (
	hnsw => [ 60000, 40, 'v vector(64)', 'vec(i, 64)', 'USING barq_hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8)' ],
	ivf => [ 60000, 40, 'v vector(64)', 'vec(i, 64)', 'USING barq_ivf (v vector_l2_ops)' ],
	bm25 => [ 300000, 0, 'v text', q{'w' || i % 5003 || ' v' || i % 97 || ' x' || i % 1009 || ' y'}, q{USING barq_bm25 (v) WITH (text_config = 'simple')} ]);

foreach my $kind (sort keys %kinds)
{
	my ($rows, $per_row, $column, $value, $method) = @{ $kinds{$kind} };
	my $index = "${kind}_v";
	my $extra = $rows * $per_row;

	$node->safe_psql('postgres', "CREATE TABLE $kind (id int, $column); INSERT INTO $kind SELECT i, $value FROM generate_series(1, $rows / 2) i");
	step("$kind: CREATE INDEX", $index, "CREATE INDEX $index ON $kind $method", $extra);
	$node->safe_psql('postgres', "INSERT INTO $kind SELECT i, $value FROM generate_series($rows / 2 + 1, $rows) i");
	cmp_ok(growing_bytes($node, $index), '>', $maintenance / 8, "$kind: the log is long");
	step("$kind: a seal", $index, "SELECT barq_seal('$index')", 0);
	$node->safe_psql('postgres', "DELETE FROM $kind WHERE id % 10 = 0");
	step("$kind: VACUUM", $index, "VACUUM (INDEX_CLEANUP on) $kind", 0);
	$node->safe_psql('postgres', "INSERT INTO $kind SELECT i, $value FROM generate_series($rows + 1, $rows + 1000) i; SELECT barq_seal('$index')");
	cmp_ok(segment_count($node, $index), '>', 1, "$kind: there is something to merge");
	step("$kind: a merge", $index, "SELECT barq_compact('$index')", $extra);
	is(segment_count($node, $index), 1, "$kind: it is merged");
	sound($node, $index, "$kind: sound", errors => 1);
	$node->safe_psql('postgres', "DROP TABLE $kind");
}

# Workers of a build inherit the limit of the server. Each merges its runs, which are
# together several times maintenance_work_mem.
{
	$node->safe_psql('postgres', q{
		CREATE TABLE words (v text) WITH (parallel_workers = 2);
		INSERT INTO words SELECT (SELECT string_agg('w' || i::bigint * g * 7919 % 5003, ' ') FROM generate_series(1, 150) g) FROM generate_series(1, 120000) i});
	my $postmaster = slurp_file($node->data_dir . '/postmaster.pid') =~ s/\n.*//sr;
	my $session = session($node);
	ask($session, "SELECT barq_version(), to_tsvector('simple', 'words')");
	my $limit = status($session->{pid}, 'VmData') + $maintenance + $slack;
	is(system("prlimit --pid $postmaster --data=$limit:"), 0, 'workers: limit of private memory');
	send_sql($session, "SET max_parallel_maintenance_workers = 2; CREATE INDEX words_v ON words USING barq_bm25 (v) WITH (text_config = 'simple')");
	answer($session);
	is($session->{err}, '', 'workers: a parallel build of text within maintenance_work_mem of private memory');
	is(system("prlimit --pid $postmaster --data=unlimited:"), 0, 'workers: no limit');
	quit($session);
	sound($node, 'words_v', 'workers: sound', errors => 1);
}

$node->stop;
done_testing();
