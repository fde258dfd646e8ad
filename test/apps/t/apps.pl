# Vector stores that name pgvector's access methods run unmodified on barq with the
# extension of pgvector's names, and the plans of their own queries, which auto_explain
# logs, use the index; all those that use pgvector's, where the server has it, too.
# scripts/matrix/apps.sh installs the packages and runs this.
use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $apps = $ENV{BARQ_APPS} or die "BARQ_APPS: the folder that scripts/matrix/apps.sh has made";
my $tree = dirname(dirname(dirname(dirname(__FILE__))));
my $programs = PostgreSQL::Test::Utils::tempdir;
chomp(my $bin = `'$tree/scripts/variant.sh' '$programs'`);
die 'no private programs' if $? != 0;
$ENV{PATH} = "$bin:$ENV{PATH}";
chomp(my $share = `pg_config --sharedir`);
chomp(my $lib = `pg_config --pkglibdir`);

my @names = qw(langchain llamaindex mastra);

# The programs' output by name, and whether the plan of each query names an index of vectors,
# by the query's text. extension: the statement that an administrator runs; applications say
# CREATE EXTENSION IF NOT EXISTS vector.
sub run_apps
{
	my ($side, $extension) = @_;
	my $node = PostgreSQL::Test::Cluster->new($side);
	my (%output, %by_index);
	$node->init;
	$node->append_conf('postgresql.conf', q{
		session_preload_libraries = auto_explain
		auto_explain.log_min_duration = 0
		auto_explain.log_nested_statements = on
	});
	$node->start;
	$node->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE DATABASE apps OWNER app');
	$node->safe_psql('apps', "$extension; GRANT ALL ON SCHEMA public TO app");
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'apps', PGUSER => 'app');
	foreach my $name (@names)
	{
		$output{$name} = `cd '$apps' && node $name.mjs 2>&1`;
		is($?, 0, "$side: $name runs") or diag $output{$name};
		note $output{$name};
	}
	# an entry of the log begins with its time; vectors in a query's text are not compared
	foreach my $entry (split /^(?=\d{4}-\d\d-\d\d )/m, slurp_file($node->logfile))
	{
		next if $entry !~ /Query Text:\s*(.*?)\n\s*((?:Limit|Sort|Subquery Scan|CTE Scan|Custom Scan|Index Scan)\s.*)/s;
		my ($query, $plan) = ($1, $2);
		next if $query !~ /<=>/ || $query !~ /^SELECT|^WITH/;
		$query =~ s/'\[[^']*\]'/'[...]'/g;
		$query =~ s/\s+/ /g;
		my ($index) = $plan =~ /((?:embedding_embedding_hnsw_idx|llamaindex_hnsw|mastra_\w+_vector_idx))/;
		$by_index{$query} = $index // 'none';
	}
	return ($node, \%output, \%by_index);
}

my $theirs;
if (-e "$share/extension/vector.control")
{
	(my $node, undef, $theirs) = run_apps('pgvector', 'CREATE EXTENSION vector');
	$node->stop;
	unlink glob "$share/extension/vector[.-]* $lib/vector.so";
}
is(system("make -s -C '$programs/tree' install-vector-names PG_CONFIG='$bin/pg_config' >/dev/null"), 0, 'make install-vector-names');
my ($node, $output, $ours) = run_apps('barq', 'CREATE EXTENSION vector CASCADE');

# "search: N rows, N of N nearest, first right"
sub found
{
	my ($name, $what) = @_;
	like($output->{$name}, qr/^$name $what: 10 rows, (10|9) of 10 nearest, first right$/m, "$name $what: the nearest rows");
}
found('langchain', $_) foreach 'search', 'filtered search';
like($output->{langchain}, qr/^langchain diverse search: 4 rows, first text 17$/m, 'langchain diverse search');
unlike($output->{langchain}, qr/Failed to create/, 'langchain createHnswIndex()');
found('llamaindex', 'search');
found('mastra', $_) foreach 'graph', 'graph filtered', 'lists', 'lists filtered';
like($output->{mastra}, qr/^mastra graph described: hnsw, 64 dimensions, 2000 rows, cosine$/m, 'mastra describes its graph');
like($output->{mastra}, qr/^mastra lists described: ivfflat, 64 dimensions, 2000 rows, cosine$/m, 'mastra describes its lists');

# Searches without a filter are by the index; Mastra's others order by a score computed of
# every row, which no index serves.
foreach my $case ([ qr/FROM langchain_items ORDER BY "_distance"/, 'embedding_embedding_hnsw_idx' ],
	[ qr/FROM public\.llamaindex_items v/, 'llamaindex_hnsw' ], [ qr/mastra_graph.*ORDER BY embedding/, 'mastra_graph_vector_idx' ])
{
	my ($query, $index) = @$case;
	my @plans = map { $ours->{$_} } grep { $_ =~ $query } keys %$ours;
	is("@plans", $index, "$index serves the store's own query");
}
foreach my $query (sort keys %$ours)
{
	note "barq: $ours->{$query}" . ($theirs ? ", pgvector: " . ($theirs->{$query} // '?') : '') . ": $query";
}
SKIP:
{
	skip 'the server has no pgvector to compare plans with', 1 if !$theirs;
	is(join("\n", sort keys %$ours), join("\n", sort keys %$theirs), 'the stores ask the same of pgvector');
	is(join("\n", grep { $theirs->{$_} ne 'none' && $ours->{$_} eq 'none' } sort keys %$theirs), '', 'the index serves every query that pgvector\'s serves');
}

is($node->safe_psql('apps', q{SELECT string_agg(kind, ' ' ORDER BY kind) FROM barq_indexes()}), 'hnsw hnsw hnsw ivfflat', 'barq_indexes() has their indexes');
is($node->safe_psql('apps', 'SELECT count(*) FROM barq_indexes() i, barq_check(i.index)'), '0', 'barq_check() finds nothing');
is($node->safe_psql('apps', 'WITH i AS MATERIALIZED (SELECT index FROM barq_indexes()) SELECT count(*) FROM i WHERE barq_recall(index) < 0.9'), '0', 'barq_recall()');

$node->stop;
done_testing();
