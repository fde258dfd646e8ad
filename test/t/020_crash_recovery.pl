# A server killed (SIGKILL) in the middle of a COPY, of a seal, of a compaction
# or of CREATE INDEX starts again with every committed row found exactly once,
# a sound index, and pages that nothing reaches given back by VACUUM.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('crash', conf => q{
	barq.growing_limit = 64kB
	barq.max_segments = 4
	restart_after_crash = on
});
my $pid;

# What must hold after each crash, and that inserts go on.
my $next = 1000000;
sub check_after
{
	my ($what, $table, $index) = @_;

	sound($node, $index, "$what: no error", errors => 1);
	found_once($node, $table, "$what: every row once");
	$node->safe_psql('postgres',
		"INSERT INTO $table SELECT i, vec(i, (SELECT vector_dims(v) FROM $table LIMIT 1)) FROM generate_series($next, $next + 2499) i");
	$next += 2500;
	found_once($node, $table, "$what: every row once after more inserts");
	same_answers($node, $table, "$what: the nearest rows");
	$node->safe_psql('postgres', "VACUUM $table");
	sound($node, $index, "$what: sound after VACUUM");
	is_deeply([ orphans($node) ], [], "$what: no file without a segment after VACUUM");
	return;
}

$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 500) i;
	CHECKPOINT;
});

# COPY, more rows than it will get to write
my $file = PostgreSQL::Test::Utils::tempdir . '/rows';
$node->safe_psql('postgres',
	"COPY (SELECT 10000 + i, vec(i) FROM generate_series(1, 5000) i) TO '$file'");
$node->safe_psql('postgres', "INSERT INTO items SELECT i, vec(i) FROM generate_series(501, 600) i");
my $copy = background($node, join '', map { "COPY items FROM '$file';" } 1 .. 40);
$node->poll_query_until('postgres', q{
	SELECT (SELECT count(*) FROM items) >= 10000
		AND EXISTS (SELECT FROM pg_stat_progress_copy WHERE tuples_processed > 1000)
}) or die 'no COPY seen';
kill_server($node);
isnt(finished($copy), 0, 'the COPY was cut off');
$node->start;
is($node->safe_psql('postgres', 'SELECT (count(*) - 600) % 5000 FROM items'), '0',
	'COPYs are there whole or not at all');
# ids come several times in this table: make them unique for the comparison
$node->safe_psql('postgres', q{
	CREATE TABLE copied AS SELECT id, v FROM items WHERE false;
	DELETE FROM items WHERE id > 10000 AND ctid NOT IN (SELECT min(ctid) FROM items GROUP BY id);
});
check_after('kill in COPY', 'items', 'items_v');

# a seal of a large log: killed when it has begun to write pages
foreach my $after (1, 20, 60)
{
	my $rows = 4000;
	$node->safe_psql('postgres', qq{
		SET barq.growing_limit = '1GB'; SET barq.growing_hard_limit = '1GB';
		INSERT INTO items SELECT i, vec(i) FROM generate_series($next, $next + $rows - 1) i;
	});
	$next += $rows;
	my $path = relation_file($node, 'items_v');
	my $size = -s $path;
	my $before = segment_count($node, 'items_v');
	my $seal = background($node, q{SELECT 'pid', pg_backend_pid(); SELECT barq_seal('items_v')});
	wait_for_growth($path, $size, $after * 8192);
	kill_server($node);
	isnt(finished($seal), 0, "the seal was cut off after $after pages");
	$node->start;
	cmp_ok($node->safe_psql('postgres',
			q{SELECT rows FROM barq_segments('items_v') WHERE state = 'growing'}),
		'>=', $rows, "the log has what was not sealed ($after pages)");
	is(segment_count($node, 'items_v'), $before, "no half segment ($after pages)");
	check_after("kill in a seal after $after pages", 'items', 'items_v');
}

# a compaction
foreach my $after (1, 40)
{
	my $path = relation_file($node, 'items_v');
	$node->safe_psql('postgres', q{
		DELETE FROM items WHERE id % 10 = 3;
		VACUUM items;
		CHECKPOINT;
	});
	# free pages would be taken first, and the file not grow
	my $free = $node->safe_psql('postgres', q{
		CREATE EXTENSION IF NOT EXISTS pg_freespacemap;
		SELECT count(*) FROM pg_freespace('items_v') WHERE avail > 0;
	});
	$node->safe_psql('postgres', qq{
		SET barq.growing_limit = '1GB'; SET barq.growing_hard_limit = '1GB';
		INSERT INTO items SELECT i, vec(i) FROM generate_series($next, $next + $free * 100) i;
	});
	$next += $free * 100 + 1;
	my $size = -s $path;
	my $compact = background($node, q{SELECT barq_compact('items_v')});
	wait_for_growth($path, $size, $after * 8192);
	kill_server($node);
	isnt(finished($compact), 0, "the compaction was cut off after $after pages");
	$node->start;
	check_after("kill in a compaction after $after pages", 'items', 'items_v');
}

$node->stop;
done_testing();
