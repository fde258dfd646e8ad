# Queries that applications write by hand for pgvector (from pgvector's README and the code
# of its clients), on barq with the extension of pgvector's names: those whose plan uses
# pgvector's index use barq's, with parameters in custom and in generic plans, and return the
# rows that a sort returns. Which ones pgvector's index serves is compared with the real
# pgvector where the server has it.
use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = dirname(dirname(dirname(dirname(__FILE__))));
my $programs = PostgreSQL::Test::Utils::tempdir;
chomp(my $bin = `'$tree/scripts/variant.sh' '$programs'`);
die 'no private programs' if $? != 0;
$ENV{PATH} = "$bin:$ENV{PATH}";
chomp(my $share = `pg_config --sharedir`);
chomp(my $lib = `pg_config --pkglibdir`);

# 5,000 rows of 24 dimensions, values that no two rows share
my $schema = q{
	CREATE TABLE items (id bigint PRIMARY KEY, tenant int, content text, metadata jsonb, embedding vector(24));
	INSERT INTO items SELECT i, i % 10, 'word' || i % 50, jsonb_build_object('half', i % 2),
		(SELECT array_agg(sin(i * j + j * j) + i / 1e5) FROM generate_series(1, 24) j)::vector FROM generate_series(1, 5000) i;
	CREATE TABLE questions (id int, embedding vector(24));
	INSERT INTO questions SELECT id, embedding FROM items WHERE id % 1000 = 7;
	CREATE INDEX by_cosine ON items USING hnsw (embedding vector_cosine_ops);
	CREATE INDEX by_l2 ON items USING ivfflat (embedding vector_l2_ops) WITH (lists = 20);
	CREATE INDEX by_ip ON items USING hnsw (embedding vector_ip_ops);
	CREATE INDEX by_half ON items USING hnsw ((embedding::halfvec(24)) halfvec_l2_ops);
	CREATE INDEX by_bits ON items USING hnsw ((binary_quantize(embedding)::bit(24)) bit_hamming_ops);
	ANALYZE;
};
my $vector = '[' . join(',', map { sprintf '%.3f', cos($_) } 1 .. 24) . ']';

# [ name, types of parameters, their values, the index by which pgvector serves it or none
#   (in custom and in generic plans), query ]
my @queries = (
	[ 'nearest', 'vector', "'$vector'", 'by_cosine', 'SELECT id FROM items ORDER BY embedding <=> $1 LIMIT 5' ],
	[ 'nearest by L2', 'vector', "'$vector'", 'by_l2', 'SELECT id FROM items ORDER BY embedding <-> $1 LIMIT 5' ],
	[ 'inner product', 'vector', "'$vector'", 'by_ip', 'SELECT id, (embedding <#> $1) * -1 AS inner_product FROM items ORDER BY embedding <#> $1 LIMIT 5' ],
	[ 'a row like another', 'bigint', '7', 'by_cosine', 'SELECT id FROM items WHERE id <> $1 ORDER BY embedding <=> (SELECT embedding FROM items WHERE id = $1) LIMIT 5' ],
	[ 'limit and offset as parameters', 'vector, int, int', "'$vector', 5, 10", 'by_cosine', 'SELECT id FROM items ORDER BY embedding <=> $1 LIMIT $2 OFFSET $3' ],
	[ 'an array of numbers', 'float8[]', "ARRAY$vector", 'by_cosine', 'SELECT id FROM items ORDER BY embedding <=> $1::vector LIMIT 5' ],
	[ 'distance by its name', 'text', "'$vector'", 'by_cosine', 'SELECT *, embedding <=> $1::vector AS distance FROM items ORDER BY distance ASC LIMIT 5' ],
	[ 'not null, not itself', 'text', "'$vector'", 'by_cosine',
		'SELECT items.*, items.embedding <=> $1::vector AS neighbor_distance FROM items WHERE items.embedding IS NOT NULL AND items.id <> 1 ORDER BY items.embedding <=> $1::vector LIMIT 5' ],
	[ 'halfvec', 'text', "'$vector'", 'by_half', 'SELECT id FROM items ORDER BY embedding::halfvec(24) <-> $1::halfvec(24) LIMIT 5' ],
	[ 'bits', 'vector', "'$vector'", 'by_bits', 'SELECT id FROM items ORDER BY binary_quantize(embedding)::bit(24) <~> binary_quantize($1)::bit(24) LIMIT 5' ],
	[ 'bits, then distances', 'vector', "'$vector'", 'by_bits',
		'SELECT * FROM (SELECT * FROM items ORDER BY binary_quantize(embedding)::bit(24) <~> binary_quantize($1)::bit(24) LIMIT 20) AS a ORDER BY embedding <=> $1 LIMIT 5' ],
	[ 'a distance below a limit', 'text, float8', "'$vector', 0.9", 'by_cosine',
		'SELECT *, embedding <=> $1::vector AS distance FROM items WHERE embedding <=> $1::vector < $2 ORDER BY distance LIMIT 5' ],
	[ 'materialized, then filtered', 'vector', "'$vector'", 'by_cosine',
		'WITH nearest AS MATERIALIZED (SELECT id, embedding <=> $1 AS distance FROM items ORDER BY distance LIMIT 5) SELECT * FROM nearest WHERE distance < 5 ORDER BY distance' ],
	[ 'score in a CTE', 'vector', "'$vector'", 'by_cosine',
		'WITH scores AS (SELECT id, 1 - (embedding <=> $1) AS score FROM items ORDER BY embedding <=> $1 LIMIT 5) SELECT * FROM scores WHERE score > 0 ORDER BY score DESC' ],
	[ 'match_documents', 'vector, float8, int', "'$vector', 0.1, 5", 'by_cosine',
		'SELECT id, content, 1 - (items.embedding <=> $1) AS similarity FROM items WHERE 1 - (items.embedding <=> $1) > $2 ORDER BY items.embedding <=> $1 LIMIT $3' ],
	[ 'by similarity, descending', 'vector', "'$vector'", 'none', 'SELECT id, 1 - (embedding <=> $1) AS similarity FROM items ORDER BY similarity DESC LIMIT 5' ],
	[ 'metadata', 'vector, jsonb', q('$v', '{"half": 1}'), 'by_cosine none', 'SELECT id FROM items WHERE metadata @> $2 ORDER BY embedding <=> $1 LIMIT 5' ],
	[ 'a tenant', 'vector, int', "'$vector', 3", 'by_cosine', 'SELECT id FROM items WHERE tenant = $2 ORDER BY embedding <=> $1 LIMIT 5' ],
	[ 'tenants', 'vector, int[]', "'$vector', '{1,2,3,4}'", 'by_cosine', 'SELECT id FROM items WHERE tenant = ANY ($2) ORDER BY embedding <=> $1 LIMIT 5' ],
	[ 'joined', 'vector', "'$vector'", 'by_cosine',
		'SELECT i.id, i.embedding <=> $1 AS distance FROM items i LEFT JOIN questions q ON q.id = i.tenant ORDER BY i.embedding <=> $1 LIMIT 5' ],
	[ 'a search for each row', 'int', '5', 'by_cosine',
		'SELECT q.id, n.id FROM questions q CROSS JOIN LATERAL (SELECT id FROM items ORDER BY items.embedding <=> q.embedding LIMIT $1) n ORDER BY 1, 2' ],
	[ 'ranks fused', 'vector, text', "'$vector', 'word7'", 'by_cosine', q{
		WITH semantic AS (SELECT id, RANK () OVER (ORDER BY embedding <=> $1) AS rank FROM items ORDER BY embedding <=> $1 LIMIT 20),
		keyword AS (SELECT id, RANK () OVER (ORDER BY ts_rank_cd(to_tsvector('simple', content), query) DESC, id) AS rank
			FROM items, plainto_tsquery('simple', $2) query WHERE to_tsvector('simple', content) @@ query ORDER BY rank LIMIT 20)
		SELECT coalesce(semantic.id, keyword.id) AS id, coalesce(1.0 / (60 + semantic.rank), 0) + coalesce(1.0 / (60 + keyword.rank), 0) AS score
		FROM semantic FULL OUTER JOIN keyword ON semantic.id = keyword.id ORDER BY score DESC, id LIMIT 5} ],
);
$_->[2] =~ s/\$v/$vector/ foreach @queries;

# A server of one side.
sub side
{
	my ($name, $extension) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	$node->append_conf('postgresql.conf', 'jit = off');
	$node->start;
	$node->safe_psql('postgres', "$extension; $schema");
	return $node;
}

# The vector index that each query's plan names, or none, as "name (custom|generic)".
sub plans
{
	my ($node) = @_;
	my %plans;
	foreach my $query (@queries)
	{
		my ($name, $types, $values, undef, $text) = @$query;
		foreach my $mode (qw(custom generic))
		{
			my $plan = $node->safe_psql('postgres', "SET plan_cache_mode = force_${mode}_plan; PREPARE q ($types) AS $text; EXPLAIN (COSTS OFF) EXECUTE q($values)");
			my ($index) = $plan =~ /\b(by_(?:cosine|l2|ip|half|bits))\b/;
			$plans{"$name ($mode)"} = $index // 'none';
			note "$name ($mode), ", $node->name, ":\n$plan" if !$index;
		}
	}
	return \%plans;
}

my %served;
foreach my $query (@queries)
{
	my ($custom, $generic) = split / /, $query->[3];
	$served{"$query->[0] (custom)"} = $custom;
	$served{"$query->[0] (generic)"} = $generic // $custom;
}
if (-e "$share/extension/vector.control")
{
	my $node = side('pgvector', 'CREATE EXTENSION vector');
	is_deeply(plans($node), \%served, 'the plans of pgvector');
	$node->stop;
	unlink glob "$share/extension/vector[.-]* $lib/vector.so";
}
else
{
	note 'without pgvector: its plans are those that the list above says';
}
is(system("make -s -C '$programs/tree' install-vector-names PG_CONFIG='$bin/pg_config' >/dev/null"), 0, 'make install-vector-names');
my $node = side('barq', 'CREATE EXTENSION vector CASCADE');
my $ours = plans($node);
foreach my $name (sort grep { $served{$_} ne 'none' } keys %served)
{
	is($ours->{$name}, $served{$name}, "$name: by the index");
}

# and the rows are those of a sort; breadth is raised, so that a graph misses none
foreach my $query (@queries)
{
	my ($name, $types, $values, undef, $text) = @$query;
	my ($found, $sorted) = map { $node->safe_psql('postgres', "SET hnsw.ef_search = 400; SET ivfflat.probes = 20; $_; PREPARE q ($types) AS $text; EXECUTE q($values)") }
		'SELECT', 'SET enable_indexscan = off; SET barq.condition_scan = off';
	# distances of hamming repeat: any of equal rows
	next if $name eq 'bits';
	is($found, $sorted, "$name: the rows of a sort");
}

$node->stop;
done_testing();
