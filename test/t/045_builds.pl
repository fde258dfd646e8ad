# Builds: by parallel workers, beside inserts and deletes (CONCURRENTLY),
# failing and interrupted in the middle, repeated.
use strict;
use warnings;

use BarqTest;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('builds', conf => q{
	barq.growing_limit = 64kB
	max_worker_processes = 8
	max_parallel_workers = 8
	max_parallel_maintenance_workers = 3
	min_parallel_table_scan_size = 0
	log_min_messages = debug1
	log_parameter_max_length = 0
});
my $graph = 'USING barq_hnsw (v vector_l2_ops) WITH (quantization = none)';
my $root = image_root($node);

# main: vectors kept in the row, so that workers share the table's blocks;
# some rows dead, some NULL
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(128));
	ALTER TABLE items ALTER v SET STORAGE plain;
	INSERT INTO items SELECT i, CASE WHEN i % 50 <> 0 THEN vec(i, 128) END FROM generate_series(1, 8000) i;
	DELETE FROM items WHERE id % 9 = 4;
	ANALYZE items;
});
my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM items');

sub indexed { return $node->safe_psql('postgres', "SELECT sum(rows) FROM barq_segments('$_[0]')"); }

# serial and parallel
foreach my $workers (0, 1, 3)
{
	my $offset = -s $node->logfile;

	$node->safe_psql('postgres', "SET max_parallel_maintenance_workers = $workers; CREATE INDEX built ON items $graph");
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile, $offset);
	my $started = () = $log =~ /starting background worker process "parallel worker/g;
	is($started, $workers, "the build requests $workers workers");
	is(indexed('built'), $rows, "$workers workers: all rows are indexed");
	found_once($node, 'items', "$workers workers: every row once");
	same_answers($node, 'items', "$workers workers: the nearest rows");
	sound($node, 'built', "$workers workers: sound");
	is_deeply([ orphans($node) ], [], "$workers workers: no file but images");
	$node->safe_psql('postgres', 'DROP INDEX built');
}

# few rows, less than a chunk for each worker, and none at all
foreach my $n (0, 1, 1200)
{
	$node->safe_psql('postgres', qq{
		CREATE TABLE few AS SELECT i AS id, vec(i, 8)::vector(8) AS v FROM generate_series(1, $n) i;
		ALTER TABLE few SET (parallel_workers = 3);
		CREATE INDEX few_v ON few USING barq_hnsw (v vector_l2_ops);
	});
	is(indexed('few_v'), $n, "workers index $n rows");
	found_once($node, 'few', "$n rows by workers: every row once") if $n > 0;
	$node->safe_psql('postgres', q{INSERT INTO few SELECT i, vec(i, 8) FROM generate_series(5000, 8000) i});
	found_once($node, 'few', "$n rows by workers, more after: every row once");
	sound($node, 'few_v', "$n rows by workers: sound");
	$node->safe_psql('postgres', 'DROP TABLE few');
}

# A worker is terminated in the middle of a build, or the build is cancelled: an
# error, no file left, and the build can be repeated. Neither phase can end before
# that: the scan waits at certain rows, and ef_construction makes the graph slow.
$node->safe_psql('postgres', q{
	CREATE FUNCTION waits(i int, v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
		$$ BEGIN IF i % 500 = 1 THEN PERFORM pg_sleep(600); END IF; RETURN v; END $$});
my $graph_endless = 'CREATE INDEX built ON items USING barq_hnsw (v vector_l2_ops)
	WITH (quantization = none, m = 100, ef_construction = 1000)';
my %endless = (
	rows => 'CREATE INDEX built ON items USING barq_hnsw ((waits(id, v)::vector(128)) vector_l2_ops)',
	memory => "SET maintenance_work_mem = '1GB'; $graph_endless");
my $under_way = sub
{
	my ($when) = @_;

	wait_until("a build is under way ($when)", sub {
		return grep { /\.$when$/ } image_files($root) if $when ne 'memory';
		return $node->safe_psql('postgres', q{SELECT phase FROM pg_stat_progress_create_index}) =~ /graph/;
	});
};
foreach my $when ('rows', 'memory')
{
	my $build = background($node, $endless{$when});
	$under_way->($when);
	my $worker = '';
	wait_until('a worker is there', sub {
		$worker = $node->safe_psql('postgres',
			q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'parallel worker' LIMIT 1});
		return $worker ne '';
	});
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
	isnt(finished($build), 0, "a worker was terminated ($when): CREATE INDEX failed");
	like($build->{err}, qr/ERROR|FATAL:  terminating connection due to administrator command/, "the build fails with an error ($when)");
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'});
	is_deeply([ orphans($node) ], [], "nothing is left ($when)");

	$build = background($node, $endless{$when});
	$under_way->($when);
	kill 'INT', $build->{pid};
	isnt(finished($build), 0, "CREATE INDEX by workers cancelled ($when)");
	like($build->{err}, qr/canceling statement due to user request/, "the error reports the cancellation ($when)");
	is_deeply([ orphans($node) ], [], "nothing is left of it either ($when)");
}
$node->safe_psql('postgres', "CREATE INDEX built ON items $graph");
found_once($node, 'items', 'CREATE INDEX repeated: every row once');
sound($node, 'built', 'CREATE INDEX repeated: sound');
$node->safe_psql('postgres', 'DROP INDEX built');

# an error in the part of the table that a worker reads
$node->safe_psql('postgres', q{
	CREATE FUNCTION breaks(i int, v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
		$$ BEGIN IF i > 7000 THEN RAISE 'late'; END IF; RETURN v; END $$});
my ($status, $out, $err) = $node->psql('postgres',
	'CREATE INDEX built ON items USING barq_hnsw ((breaks(id, v)::vector(128)) vector_l2_ops)');
like($err, qr/ERROR:  late/, 'an error of a worker is the error of CREATE INDEX');
is_deeply([ orphans($node) ], [], 'and nothing is left');

# CONCURRENTLY, beside writers
my $dir = PostgreSQL::Test::Utils::tempdir;
PostgreSQL::Test::Utils::append_to_file("$dir/writes", q{
	\set i random(1, 8000)
	\set n random(10000, 100000000)
	INSERT INTO items VALUES (:n, (SELECT v FROM items WHERE id = :i LIMIT 1));
	UPDATE items SET v = (SELECT v FROM items WHERE id = :i LIMIT 1) WHERE id = :i + 1;
	DELETE FROM items WHERE id = :i + 2;
});
$node->safe_psql('postgres', 'CREATE INDEX ON items (id)');
my $busy = sub {
	my ($what, $command) = @_;
	# writes until the command has ended
	my $load = IPC::Run::start(
		[ 'pgbench', '-n', '-c', '2', '-T', '3600', '-f', "$dir/writes", $node->connstr('postgres') ],
		'<', \undef, '>', \my $stdout, '2>', \my $stderr, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$node->poll_query_until('postgres', 'SELECT count(*) > 1 FROM items WHERE id >= 10000') or die 'no writes seen';
	$status = $node->psql('postgres', $command, stderr => \$err);
	is($status, 0, "$what succeeds") or diag($err);
	$node->safe_psql('postgres', 'SELECT barq_seal(c.oid) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE amname = $$barq_hnsw$$ AND relkind = $$i$$');
	ok($load->pumpable, "$what: writers ran all the time");
	$load->signal('INT');
	eval { $load->finish };
	unlike($stderr, qr/ERROR/, "$what: no writer failed");
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pgbench'});
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_index WHERE NOT indisvalid}), '0', "$what: no invalid index");
	sound($node, 'built', "$what: no error", errors => 1);
	found_once($node, 'items', "$what: every row once");
	same_answers($node, 'items', "$what: the nearest rows");
	$node->safe_psql('postgres', 'VACUUM items');
	sound($node, 'built', "$what: sound after VACUUM");
	found_once($node, 'items', "$what: every row once after VACUUM");
	is_deeply([ orphans($node) ], [], "$what: no file without a segment");
};
$busy->('CREATE INDEX CONCURRENTLY', "CREATE INDEX CONCURRENTLY built ON items $graph");
$busy->('REINDEX CONCURRENTLY', 'REINDEX INDEX CONCURRENTLY built');

$node->stop;
ok(!$node->log_contains('was terminated by signal|PANIC|leak'), 'nothing crashed or leaked');
done_testing();
