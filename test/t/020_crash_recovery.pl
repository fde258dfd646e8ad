# A server killed (SIGKILL) in the middle of a COPY, of a seal, of a compaction
# or of CREATE INDEX starts again with every committed row found exactly once,
# a sound index, and pages that nothing reaches given back by VACUUM.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('crash', conf => q{
	barq.growing_limit = 64kB
	barq.max_segments = 4
	restart_after_crash = on
});

# Conditions that must hold after each crash; inserts must work again.
my $next = 1000000;
sub check_after
{
	my ($what, $table, $index) = @_;
	my $more = $table eq 'items' ? 2500 : 300;

	sound($node, $index, "$what: no error", errors => 1);
	found_once($node, $table, "$what: every row once");
	$node->safe_psql('postgres',
		"INSERT INTO $table SELECT i, vec(i, (SELECT vector_dims(v) FROM $table LIMIT 1)) FROM generate_series($next, $next + $more - 1) i");
	$next += $more;
	found_once($node, $table, "$what: every row once after more inserts");
	same_answers($node, $table, "$what: the nearest rows", recall => $table eq 'items' ? 0.95 : 0.85);
	$node->safe_psql('postgres', "VACUUM $table");
	sound($node, $index, "$what: sound after VACUUM");
	is_deeply([ orphans($node) ], [], "$what: no file without a segment after VACUUM");
	return;
}

# Begin a command and kill the server when reached->() is true, or when the command
# has ended too early for that: then set up and begin again.
sub cut_off
{
	my ($what, $setup, $command, $reached) = @_;
	my $status = 0;

	for (my $try = 0; $status == 0 && $try < 10; $try++)
	{
		$node->start if $try > 0;
		my $context = $setup->();
		my $running = background($node, $command);
		wait_until("$what is under way", sub { $reached->($context) || !kill(0, $running->{pid}) });
		kill_server($node, $running);
		$status = finished($running);
	}
	isnt($status, 0, "$what was cut off");
	$node->start;
	return;
}

# Conditions that show a command under way.
my $folder = image_root($node);
sub work_area { return grep { /\.work$/ } image_files($folder); }
sub pages_more
{
	my ($index) = @_;
	my $path = relation_file($node, $index);

	return [ $path, -s $path ];
}
sub has_grown
{
	my ($file, $pages) = @_;

	return (-s $file->[0] // 0) >= $file->[1] + $pages * 8192;
}

$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 500) i;
	CREATE TABLE vectors AS SELECT i, vec(i, 512) AS v FROM generate_series(1, 1150) i;
	CHECKPOINT;
});

# a COPY of more rows than it can write before the kill
my $file = PostgreSQL::Test::Utils::tempdir . '/rows';
$node->safe_psql('postgres',
	"COPY (SELECT 10000 + i, vec(i) FROM generate_series(1, 5000) i) TO '$file'");
$node->safe_psql('postgres', "INSERT INTO items SELECT i, vec(i) FROM generate_series(501, 600) i");
my $copy = background($node, join '', map { "COPY items FROM '$file';" } 1 .. 40);
$node->poll_query_until('postgres', q{
	SELECT (SELECT count(*) FROM items) >= 5600
		AND EXISTS (SELECT FROM pg_stat_progress_copy WHERE tuples_processed > 1000)
}) or die 'no COPY seen';
kill_server($node, $copy);
isnt(finished($copy), 0, 'the COPY was cut off');
$node->start;
is($node->safe_psql('postgres', 'SELECT (count(*) - 600) % 5000 FROM items'), '0',
	'COPYs are there whole or not at all');
check_after('kill in COPY', 'items', 'items_v');

# A seal of a large log in one chunk, killed after a number of pages. The table is new
# each time, so that those pages are new and the file grows. (080_crash_points stops
# between chunks.)
foreach my $after (1, 400)
{
	cut_off("a seal after $after pages", sub {
		$node->safe_psql('postgres', q{
			DROP TABLE IF EXISTS seals;
			CREATE TABLE seals (id int, v vector(512));
			CREATE INDEX seals_v ON seals USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
			SET barq.growing_limit = '1GB';
			INSERT INTO seals SELECT i + n * 10000, v FROM vectors, generate_series(1, 4) n WHERE i <= 1000;
		});
		return pages_more('seals_v');
	}, q{SET barq.growing_limit = '1GB'; SET maintenance_work_mem = '1GB'; SELECT barq_seal('seals_v')},
		sub { has_grown($_[0], $after) });
	is($node->safe_psql('postgres', q{SELECT sum(rows), count(*) FROM barq_segments('seals_v')}),
		'4000|1', "the log has what was not sealed ($after pages)");
	check_after("kill in a seal after $after pages", 'seals', 'seals_v');
}

# A compaction of two segments, one of them with dead rows: killed while it
# builds the graph, and after a number of pages.
foreach my $after (0, 150)
{
	cut_off("a compaction after $after pages", sub {
		$node->safe_psql('postgres', q{
			DROP TABLE IF EXISTS merges;
			CREATE TABLE merges (id int, v vector(512));
			INSERT INTO merges SELECT i, v FROM vectors WHERE i <= 1100;
			CREATE INDEX merges_v ON merges USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
			SET barq.growing_limit = '1MB';
			INSERT INTO merges SELECT i, v FROM vectors WHERE i > 1100;
			SELECT barq_seal('merges_v');
			DELETE FROM merges WHERE id % 100 = 7;
			VACUUM merges;
		});
		return pages_more('merges_v');
	}, q{BEGIN; SELECT barq_compact('merges_v'); COMMIT},
		$after == 0 ? \&work_area : sub { has_grown($_[0], $after) });
	is(segment_count($node, 'merges_v'), 2, "both segments are there ($after pages)");
	cmp_ok(scalar(my @left = orphans($node)), '>', 0, "it left files behind ($after pages)") if $after == 0;
	check_after("kill in a compaction after $after pages", 'merges', 'merges_v');
}

# CREATE INDEX: while it builds the graph in a file, and while it writes pages
foreach my $after (0, 100)
{
	my $create = 'CREATE INDEX merges_v ON merges USING barq_hnsw (v vector_l2_ops) WITH (quantization = none)';

	# in a transaction that does not end by itself: the index is never there
	my $cut = "BEGIN; $create; SELECT pg_sleep(100000)";
	my $data = $node->data_dir . '/base/' .
		$node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'postgres'});

	cut_off("CREATE INDEX after $after pages", sub {
		$node->safe_psql('postgres', 'DROP INDEX IF EXISTS merges_v; CHECKPOINT');
		return { map { $_ => 1 } glob "$data/*" };
	}, $after == 0 ? "SET maintenance_work_mem = '1MB'; $cut" : $cut, $after == 0 ? \&work_area : sub {
		my ($before) = @_;
		return grep { !$before->{$_} && /\/\d+$/ && (-s $_ // 0) > $after * 8192 } glob "$data/*";
	});
	is($node->safe_psql('postgres', q{SELECT to_regclass('merges_v')}), '', "no index ($after pages)");
	# a graph made in memory has no file while its pages are written
	cmp_ok(scalar(my @left = orphans($node)), '>', 0, "it left files behind ($after pages)") if $after == 0;
	$node->safe_psql('postgres', 'VACUUM items');
	is_deeply([ orphans($node) ], [], "VACUUM of another index removes them ($after pages)");
	$node->safe_psql('postgres', $create);
	check_after("CREATE INDEX repeated ($after pages)", 'merges', 'merges_v');
}

# a single backend, killed among inserts: the server restarts by itself
my $inserts = background($node, join '',
	map { "INSERT INTO items SELECT i, vec(i) FROM generate_series($_ * 100 + 3000001, $_ * 100 + 3000100) i;\n" } 0 .. 999);
$node->poll_query_until('postgres', 'SELECT count(*) > 1000 FROM items WHERE id > 3000000')
  or die 'no inserts seen';
my $position = log_size($node);
kill 'KILL', $inserts->{pid};
isnt(finished($inserts), 0, 'the inserting backend was killed');

# its session may end before the postmaster notices
wait_until('the server is back', sub { log_since($node, $position) =~ /database system is ready to accept connections/ });
is($node->safe_psql('postgres', 'SELECT count(*) % 100 FROM items WHERE id > 3000000'), '0',
	'inserts are there whole or not at all');
check_after('kill of a backend', 'items', 'items_v');

$node->stop;
done_testing();
