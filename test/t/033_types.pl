# Indexes on halfvec, sparsevec and bit, and barq_ivf on vector: built by parallel
# workers, searched page by page without images, recovered after a crash, dumped
# and restored. Each finds the rows that a sequential scan finds.
use strict;
use warnings;

use BarqLife;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = new_server('types', conf => qq{
	barq.growing_limit = 64kB
	barq.background = off
	barq.image_directory = '$directory'
	max_parallel_maintenance_workers = 2
	min_parallel_table_scan_size = 0
	log_min_messages = debug1
});
my %columns = (
	h => [ 'barq_hnsw (h halfvec_l2_ops)', '<->' ],
	l => [ 'barq_ivf (l vector_ip_ops) WITH (quantization = none)', '<#>' ],
	s => [ 'barq_hnsw (s sparsevec_cosine_ops)', '<=>' ],
	b => [ 'barq_hnsw (b bit_jaccard_ops)', '<%>' ]);

$node->safe_psql('postgres', q{
	SELECT setseed(0.2);
	CREATE TABLE items (id int PRIMARY KEY, h halfvec(64), l vector(200), s sparsevec(5000), b bit(500)) WITH (autovacuum_enabled = off);
	CREATE FUNCTION add(first int, last int) RETURNS void LANGUAGE sql BEGIN ATOMIC
		INSERT INTO items SELECT i, h::halfvec, l::vector, format('{%s}/5000', elements)::sparsevec, bits::bit(500) FROM (
			SELECT i, (SELECT array_agg((random() - 0.5 + (i * 7 + j) % 20)::real + 0 * i) FROM generate_series(1, 64) j) AS h,
				(SELECT array_agg((random() - 0.5 + (i * 7 + j) % 20)::real + 0 * i) FROM generate_series(1, 200) j) AS l,
				(SELECT string_agg(format('%s:%s', 1 + j * 50 + i % 30, (1 + random() + (i + j) % 5)::numeric(6, 3)), ',') FROM generate_series(0, 40) j
					WHERE random() < 0.6) AS elements,
				(SELECT string_agg(((random() < 0.1)::int # ((i % 30 + j) % 3 = 0)::int)::text, '') FROM generate_series(1, 500) j)::varbit AS bits
			FROM generate_series(first, last) i) s;
	END;
	SELECT add(1, 3000);
});
foreach my $column (sort keys %columns)
{
	my $offset = -s $node->logfile;

	$node->safe_psql('postgres', "CREATE INDEX items_$column ON items USING $columns{$column}[0]");
	like(slurp_file($node->logfile, $offset), qr/starting background worker process "parallel worker/, "$column: the build starts parallel workers");
}

# The ten nearest rows of some rows by each index, compared with a sequential scan.
sub found
{
	my ($what, $database) = @_;
	my %warnings;

	foreach my $column (sort keys %columns)
	{
		my $op = $columns{$column}[1];
		my $query = "SELECT q.id, array(SELECT round((i.$column $op q.$column)::numeric, 4) FROM items i ORDER BY i.$column $op q.$column LIMIT 10)
			FROM (SELECT * FROM items WHERE id % 250 = 1) q ORDER BY 1";
		my ($status, $rows, $warnings) = $node->psql($database // 'postgres', "SET enable_seqscan = off; SET barq.ef_search = 400; $query");

		is($status, 0, "$what, $column: the search succeeds");
		is($rows, $node->safe_psql($database // 'postgres', "SET enable_indexscan = off; $query"), "$what, $column: the same distances as a sequential scan");
		is($node->safe_psql($database // 'postgres', "SELECT * FROM barq_check('items_$column')"), '', "$what, $column: sound");
		$warnings{$column} = $warnings;
	}
	return \%warnings;
}

found('built');
is($node->safe_psql('postgres', q{SELECT string_agg(kind, ' ') FROM unnest(ARRAY['items_b', 'items_h', 'items_l', 'items_s']) i, barq_segments(i::regclass) WHERE state <> 'growing'}),
	'flat flat ivf hnsw', 'the segments have the expected kinds');
$node->safe_psql('postgres', 'SELECT add(3001, 3400); DELETE FROM items WHERE id % 7 = 2');
$node->safe_psql('postgres', 'VACUUM items');
found('changed');

# Without images flat segments and graphs are read from their pages.
my $warnings = live_without_images($node, columns => [ sort keys %columns ], rebuilt => 'items_s', next => 3401, found => \&found);
like($warnings->{$_}, qr/WARNING:.*searched page by page/, "$_: a WARNING says that pages are read") foreach sort keys %columns;
dump_and_restore($node);
found('restored', 'restored');

$node->stop;
done_testing();
