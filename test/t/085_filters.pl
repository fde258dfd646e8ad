# Filter columns: built by parallel workers, in memory, searched page by page, recovered
# after a crash, on a standby, dumped and restored. Each search finds the rows that a
# sequential scan finds.
use strict;
use warnings;

use BarqLife;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = new_server('filters', init => { allows_streaming => 1 }, conf => qq{
	barq.growing_limit = 64kB
	barq.background = off
	barq.image_directory = '$directory'
	max_parallel_maintenance_workers = 2
	min_parallel_table_scan_size = 0
	log_min_messages = debug1
});
$node->safe_psql('postgres', q{
	SELECT setseed(0.2);
	CREATE TABLE items (id int PRIMARY KEY, v vector(200), l vector(200), t text, tenant int, day date, label text, tags int[]) WITH (autovacuum_enabled = off);
	CREATE FUNCTION add(first int, last int) RETURNS void LANGUAGE sql BEGIN ATOMIC
		INSERT INTO items SELECT i, CASE WHEN i % 50 > 0 THEN a::vector END, CASE WHEN i % 60 > 0 THEN a::vector END,
			CASE WHEN i % 70 > 0 THEN 'red w' || i || repeat(' x', i % 5) END,
			i % 20, CASE WHEN i % 9 > 0 THEN date '2024-01-01' + i % 30 END, 'label' || i % 11, CASE WHEN i % 4 > 0 THEN ARRAY[i % 5, i % 100] END
		FROM (SELECT i, (SELECT array_agg((random() - 0.5 + (i * 7 + j) % 20)::real + 0 * i) FROM generate_series(1, 200) j) AS a
			FROM generate_series(first, last) i) s;
	END;
	SELECT add(1, 6000);
});
my $columns = 'tenant, day, label, tags';
my $text_columns = 'tenant, day, label text_filter_ops, tags';
my %indexes = (
	v => "barq_hnsw (v vector_l2_ops, $columns) WITH (quantization = none)",
	l => "barq_ivf (l vector_l2_ops, $columns) WITH (quantization = none)",
	t => "barq_bm25 (t, $text_columns) WITH (text_config = 'simple')");
foreach my $column (sort keys %indexes)
{
	my $offset = -s $node->logfile;

	$node->safe_psql('postgres', "CREATE INDEX items_$column ON items USING $indexes{$column}");
	like(slurp_file($node->logfile, $offset), qr/starting background worker process "parallel worker/, "$column: the build starts parallel workers");
}

my @conditions = ('tenant = 7', 'tenant IN (3, 4) AND day >= \'2024-01-20\'', 'day IS NULL', 'label = \'label4\' AND tenant > 3', 'tags && \'{77,3}\'', 'tenant >= 1');

# All rows of each condition by each index, compared with a sequential scan.
sub found
{
	my ($what, $server, $database) = @_;
	my $at = $server // $node;
	my $all;

	foreach my $column (sort keys %indexes)
	{
		my $distance = $column eq 't' ? "t <@> 'red x'" : "$column <-> (SELECT $column FROM items WHERE id = 77)";
		# in the order of the conditions: a parallel Append returns them in any
		my $query = join(' UNION ALL ', map { "(SELECT $_ AS n, count(*), sum(id), min(id) FROM (SELECT id FROM items WHERE $conditions[$_] ORDER BY $distance) s)" } 0 .. $#conditions)
			. ' ORDER BY n';
		my ($status, $rows, $warnings) = $at->psql($database // 'postgres', "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; $query");

		is($status, 0, "$what, $column: the search succeeds");
		is($rows, $at->safe_psql($database // 'postgres', "SET enable_indexscan = off; $query"), "$what, $column: the same rows as a sequential scan");
		is($at->safe_psql($database // 'postgres', "SELECT * FROM barq_check('items_$column')"), '', "$what, $column: sound") unless $server;
		$all .= $warnings;
	}
	return $all;
}

found('built');
is($node->safe_psql('postgres', q{SELECT string_agg(kind, ' ') FROM unnest(ARRAY['items_l', 'items_t', 'items_v']) i, barq_segments(i::regclass) WHERE state <> 'growing'}),
	'ivf bm25 hnsw', 'the segments have the expected kinds');
$node->safe_psql('postgres', 'SELECT add(6001, 6400); DELETE FROM items WHERE id % 7 = 2');
$node->safe_psql('postgres', 'VACUUM items');
found('changed');

my $standby = new_standby($node, 'filters_standby');
$node->safe_psql('postgres', 'SELECT add(6401, 6420)');
$node->wait_for_catchup($standby);
found('standby', $standby);
$standby->stop;

like(live_without_images($node, columns => [ sort keys %indexes ], rebuilt => 'items_v', next => 6421, found => \&found),
	qr/WARNING:.*searched page by page/, 'a WARNING says that pages are read');
dump_and_restore($node);
found('restored', undef, 'restored');

$node->stop;
done_testing();
