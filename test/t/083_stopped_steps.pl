# Races inside a step: isolation specs (test/isolation/steps) in a build in which
# a session can be made to wait at any step of a seal, a merge, a publication, a
# VACUUM, an insert or a scan (src/base/steps.h). Also a worker that ends while an
# insert relies on it.
#
# STEPS_ONLY="name …": only these specs.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = abs_path(dirname(__FILE__) . '/../..');
my $variant = PostgreSQL::Test::Utils::tempdir;
chomp(my $bin = `'$tree/scripts/variant.sh' '$variant' BARQ_CRASH_POINTS=1`);
die 'the build with crash points failed' if $? != 0;
$ENV{PATH} = "$bin:$ENV{PATH}";

my $node = new_server('stopped', conf => q{
	autovacuum = off
	barq.background = off
	checkpoint_timeout = 1h
	max_wal_size = 4GB
});
$node->safe_psql('postgres', q{
	CREATE FUNCTION barq_stop_at(name text, lock bigint) RETURNS void AS '$libdir/barq' LANGUAGE C});

my @all = map { basename($_, '.spec') } sort glob "$tree/test/isolation/steps/specs/*.spec";
@all = split ' ', $ENV{STEPS_ONLY} if $ENV{STEPS_ONLY};
my $program = dirname($ENV{PG_REGRESS}) . '/../isolation/pg_isolation_regress';

sub run_specs
{
	my (@specs) = @_;
	my $out = "$PostgreSQL::Test::Utils::tmp_check/steps";

	return if !@specs;
	system($program, "--inputdir=$tree/test/isolation/steps", "--outputdir=$out", "--bindir=$bin", '--use-existing',
		'--dbname=postgres', '--host=' . $node->host, '--port=' . $node->port, @specs);
	foreach my $spec (@specs)
	{
		my $expected = slurp_file("$tree/test/isolation/steps/expected/$spec.out");
		my $got = -f "$out/results/$spec.out" ? slurp_file("$out/results/$spec.out") : 'no result';
		ok($got eq $expected, "spec $spec");
	}
	diag slurp_file("$out/regression.diffs") if -s "$out/regression.diffs";
	return;
}

run_specs(grep { !/^pages/ } @all);

# pages_*: where no image can be made
$node->append_conf('postgresql.conf', q{barq.image_directory = '/dev/null/none'});
$node->restart;
run_specs(grep { /^pages/ } @all);
$node->append_conf('postgresql.conf', q{barq.image_directory = ''});
$node->restart;

# A worker that has sealed all and is about to release the maintenance lock: an
# insert that passes the limit now finds the lock taken and relies on the worker.
{
	$node->safe_psql('postgres', q{
		ALTER SYSTEM SET barq.background = on;
		SELECT pg_reload_conf();
		CREATE TABLE items (id int, v vector(32));
		CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
		INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 1000) i;
		ALTER INDEX items_v SET (growing_limit = '64kB')});
	my $gate = session($node);
	my $writer = session($node);
	ask($gate, 'SELECT pg_advisory_lock(1)');

	# this session has read its orders already, so the worker takes this one
	ask($writer, 'INSERT INTO items SELECT 0, vec(0)');
	append_to_file($node->data_dir . '/barq_crash_point', "stop 1 maintenance: unlock\n");
	ask($writer, 'INSERT INTO items SELECT i, vec(i) FROM generate_series(1001, 3000) i');
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted})
	  or die 'the worker does not stop';
	ask($writer, 'INSERT INTO items SELECT i, vec(i) FROM generate_series(3001, 6000) i');
	cmp_ok(growing_bytes($node, 'items_v'), '>', 64 * 1024, 'an insert relies on the worker that holds the lock');
	ask($gate, 'SELECT pg_advisory_unlock(1)');
	idle($node);
	cmp_ok(growing_bytes($node, 'items_v'), '<', 64 * 1024, 'a worker looks at the log once more when it has let the lock go');
	found_once($node, 'items', 'every row once');
	quit($_) foreach $gate, $writer;
}

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|PANIC:|signal 6|signal 11| leak|resource was not closed/, 'no crash or leak in the log');
done_testing();
