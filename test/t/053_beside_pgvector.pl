# Columns of the real pgvector, indexed by barq: every type and operator gives the
# rows of an exact scan, because the bounds of barq's indexes hold for distances that
# pgvector's functions compute. Needs a server with pgvector (docs/bench.md tells how
# to install it); 050_adopt_pgvector runs with a stand-in.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('beside');

$node->init;
# barq preloaded, so that its library is in sessions of pgvector's databases, too
$node->append_conf('postgresql.conf', "autovacuum = off\nshared_preload_libraries = 'barq'\nbarq.background = off\n");
$node->start;
plan skip_all => 'pgvector is not in this server'
	if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'}) eq '0';

# vectors are windows of one sequence of numbers: neighbours are near, distances differ
$node->safe_psql('postgres', q{
	CREATE EXTENSION vector;
	CREATE SCHEMA barq;
	CREATE EXTENSION barq SCHEMA barq;
	CREATE TABLE numbers AS SELECT i, random() - 0.5 AS x FROM (SELECT setseed(0.5)) s, generate_series(1, 20000) i;
	CREATE TABLE items (id int PRIMARY KEY, vector vector(32), halfvec halfvec(32), sparsevec sparsevec(32), bit bit(32));
	INSERT INTO items SELECT id, v, v::halfvec, v::sparsevec, binary_quantize(v) FROM
		(SELECT n AS id, (SELECT array_agg(x ORDER BY i)::vector FROM numbers WHERE i BETWEEN n AND n + 31) AS v FROM generate_series(1, 6000) n) s;
	VACUUM ANALYZE items});
cmp_ok($node->safe_psql('postgres', 'SELECT barq.barq_adopt_pgvector()'), '>', 15, 'operator classes are created');
is($node->safe_psql('postgres', 'SELECT barq.barq_adopt_pgvector()'), '0', 'a second call creates nothing');

my %operators = ('l2' => '<->', 'ip' => '<#>', 'cosine' => '<=>', 'l1' => '<+>', 'hamming' => '<~>', 'jaccard' => '<%>');

# The hundred nearest rows of forty queries are those of an exact scan, in its order.
sub as_exact
{
	my ($database, $type, $metric, $name) = @_;
	my $operator = $operators{$metric};
	my $ask = qq{SELECT array_agg(round((SELECT i.$type $operator q.$type FROM items i WHERE i.id = r)::numeric, 4) ORDER BY n)
		FROM (SELECT $type FROM items WHERE id % 150 = 7) q,
			unnest(array(SELECT id FROM items ORDER BY $type $operator q.$type LIMIT 100)) WITH ORDINALITY u (r, n) GROUP BY q.$type ORDER BY 1};

	like($node->safe_psql($database, qq{SET enable_seqscan = off; EXPLAIN SELECT id FROM items ORDER BY $type $operator (SELECT $type FROM items LIMIT 1) LIMIT 1}),
		qr/Index Scan using items_idx/, "$name: the plan uses the index");
	my ($by_index, $by_scan) = map { $node->safe_psql($database, "SET enable_$_ = off; SET barq.ef_search = 1000; SET barq.probes = 1000; $ask") } qw(seqscan indexscan);
	my @index = split /[\n,]/, $by_index;
	my @scan = split /[\n,]/, $by_scan;
	my $differ = grep { ($index[$_] // '') ne $scan[$_] } 0 .. $#scan;
	is(scalar @index, scalar @scan, "$name: as many rows as an exact scan");
	# two bits for each of 32 dimensions are not precise
	cmp_ok($differ, '<=', @scan / ($name =~ /rabitq/ ? 5 : 50), "$name: the rows of an exact scan, in its order");
	return;
}

foreach my $case (
	(map { [ 'barq_hnsw', 'vector', $_ ] } qw(l2 ip cosine l1)), (map { [ 'barq_hnsw', 'halfvec', $_ ] } qw(l2 ip cosine l1)),
	(map { [ 'barq_hnsw', 'sparsevec', $_ ] } qw(l2 ip cosine l1)), (map { [ 'barq_hnsw', 'bit', $_ ] } qw(hamming jaccard)),
	(map { [ 'barq_ivf', 'vector', $_ ] } qw(l2 ip cosine)), [ 'barq_ivf', 'halfvec', 'l2' ], [ 'barq_ivf', 'bit', 'hamming' ],
	(map { [ 'barq_hnsw', 'vector', $_, q{WITH (quantization = 'none')} ] } qw(l2 ip cosine l1)),
	[ 'barq_hnsw', 'halfvec', 'l2', q{WITH (quantization = 'none')} ], [ 'barq_hnsw', 'vector', 'cosine', q{WITH (quantization = 'rabitq')} ])
{
	my ($method, $type, $metric, $options) = @$case;
	my $name = join ' ', $method, $type, $metric, $options // ();

	$node->safe_psql('postgres', "CREATE INDEX items_idx ON items USING $method ($type ${type}_${metric}_ops) " . ($options // ''));
	as_exact('postgres', $type, $metric, $name);
	$node->safe_psql('postgres', 'DROP INDEX items_idx');
}

# a dump contains the operator classes
$node->safe_psql('postgres', 'CREATE INDEX items_idx ON items USING barq_hnsw (sparsevec sparsevec_cosine_ops)');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $dump = $node->data_dir . '/../dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');
as_exact('restored', 'sparsevec', 'cosine', 'restored');

# A database with pgvector alone, where both libraries are loaded: pgvector's access
# methods and settings are its own.
$node->safe_psql('postgres', 'CREATE DATABASE theirs');
$node->safe_psql('theirs', q{
	CREATE EXTENSION vector;
	CREATE TABLE items AS SELECT i AS id, array[sin(i), cos(i), sin(2 * i)]::real[]::vector(3) AS v FROM generate_series(1, 2000) i;
	CREATE INDEX items_hnsw ON items USING hnsw (v vector_l2_ops);
	CREATE INDEX items_ivf ON items USING ivfflat (v vector_cosine_ops) WITH (lists = 10)});
is($node->safe_psql('theirs', q{SET enable_seqscan = off; SET enable_sort = off; SET hnsw.ef_search = 25; SET barq.ef_search = 60;
	SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 100) s; SHOW hnsw.ef_search; SHOW hnsw.iterative_scan; SHOW ivfflat.probes}),
	"25\n25\noff\n1", 'beside barq\'s library, pgvector has its own settings');
is($node->safe_psql('theirs', q{SELECT count(*) FROM pg_extension WHERE extname = 'barq'}), '0', 'in a database without barq');
is($node->safe_psql('postgres', q{CREATE INDEX theirs ON items USING hnsw (vector vector_l2_ops); SELECT count(*) FROM barq.barq_indexes() WHERE index = 'theirs'::regclass}), '0',
	'barq_indexes() leaves out pgvector\'s');

done_testing();
