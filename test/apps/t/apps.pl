# Vector stores that name pgvector's access methods run unmodified on barq with the
# extension of pgvector's names, and the plans of their own queries, which auto_explain
# logs, use the index. scripts/test-apps.sh installs the packages and runs this.
use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $apps = $ENV{BARQ_APPS} or die "BARQ_APPS: the folder that scripts/test-apps.sh has made";
my $tree = dirname(dirname(dirname(dirname(__FILE__))));
my $programs = PostgreSQL::Test::Utils::tempdir;
chomp(my $bin = `'$tree/scripts/variant.sh' '$programs'`);
die 'no private programs' if $? != 0;
$ENV{PATH} = "$bin:$ENV{PATH}";
chomp(my $share = `pg_config --sharedir`);
chomp(my $lib = `pg_config --pkglibdir`);
# a copied server may have the real pgvector
unlink glob "$share/extension/vector[.-]* $lib/vector.so";
is(system("make -s -C '$programs/tree' install-vector-names PG_CONFIG='$bin/pg_config' >/dev/null"), 0, 'make install-vector-names');

my $node = PostgreSQL::Test::Cluster->new('apps');
$node->init;
$node->append_conf('postgresql.conf', q{
	session_preload_libraries = auto_explain
	auto_explain.log_min_duration = 0
	auto_explain.log_nested_statements = on
	random_page_cost = 1.1
});
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE DATABASE apps OWNER app');
# an administrator, once; applications say CREATE EXTENSION IF NOT EXISTS vector
$node->safe_psql('apps', 'CREATE EXTENSION vector CASCADE; GRANT ALL ON SCHEMA public TO app');

# Run a program: its lines, and the plans logged meanwhile (each one string).
sub run_app
{
	my ($name) = @_;
	my $offset = -s $node->logfile;
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'apps', PGUSER => 'app');
	my $output = `cd '$apps' && node $name.mjs 2>&1`;
	is($?, 0, "$name runs") or diag $output;
	note $output;
	return ($output, grep { /Query Text/ } split /^(?=\S+ \S+ \S+ )/m, slurp_file($node->logfile, $offset));
}

# Does a plan of a query that matches name this node?
sub plan_has
{
	my ($query, $plan, $name, @plans) = @_;
	my @queries = grep { $_ =~ $query } @plans;
	isnt(scalar @queries, 0, "$name: the query is in the log");
	is(scalar(grep { $_ !~ $plan } @queries), 0, "$name: its plan uses the index") or diag @queries;
	note $queries[0];
}

# "search: N rows, N of N nearest, first right"
sub found
{
	my ($output, $what) = @_;
	like($output, qr/^$what: 10 rows, (10|9) of 10 nearest, first right$/m, "$what: the nearest rows");
}

my ($output, @plans) = run_app('langchain');
found($output, "langchain $_") foreach 'search', 'filtered search';
like($output, qr/^langchain diverse search: 4 rows, first text 17$/m, 'langchain diverse search');
unlike($output, qr/Failed to create/, 'langchain createHnswIndex()');
plan_has(qr/"_distance"/, qr/using embedding_embedding_hnsw_idx|Index: embedding_embedding_hnsw_idx/, 'langchain', @plans);

($output, @plans) = run_app('llamaindex');
found($output, 'llamaindex search');
plan_has(qr/embeddings <=> \$1 s/, qr/llamaindex_hnsw/, 'llamaindex', @plans);

($output, @plans) = run_app('mastra');
found($output, "mastra $_") foreach 'graph', 'graph filtered', 'lists', 'lists filtered';
like($output, qr/^mastra graph described: hnsw, 64 dimensions, 2000 rows, cosine$/m, 'mastra describes its graph');
like($output, qr/^mastra lists described: ivfflat, 64 dimensions, 2000 rows, cosine$/m, 'mastra describes its lists');
# the other queries of Mastra order by a score computed of all rows: pgvector's index does not serve them either
plan_has(qr/vector_scores.*mastra_graph.*ORDER BY embedding/s, qr/mastra_graph_vector_idx/, 'mastra graph', @plans);

is($node->safe_psql('apps', q{SELECT string_agg(kind, ' ' ORDER BY kind) FROM barq_indexes()}), 'hnsw hnsw hnsw ivfflat', 'barq_indexes() has their indexes');
is($node->safe_psql('apps', 'SELECT count(*) FROM barq_indexes() i, barq_check(i.index) c'), '0', 'barq_check() finds nothing');
is($node->safe_psql('apps', 'SELECT count(*) FROM barq_indexes() WHERE barq_recall("index") < 0.9'), '0', 'barq_recall()');

$node->stop;
done_testing();
