# In a database with pgvector, barq indexes columns of pgvector's types. The test
# stands in for pgvector with an extension "vector" of the same types, functions and
# operators, made from barq's own script: they only have to belong to another
# extension.
use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = dirname(dirname(dirname(__FILE__)));
my $programs = PostgreSQL::Test::Utils::tempdir;
chomp(my $bin = `'$tree/scripts/variant.sh' '$programs'`);
die 'no private programs' if $? != 0;
$ENV{PATH} = "$bin:$ENV{PATH}";
chomp(my $share = `pg_config --sharedir`);

sub write_file
{
	my ($path, $text) = @_;
	unlink $path;				# it may be a link to a file outside the test
	open(my $file, ">", $path) or die "$path: $!";
	print $file $text;
	close $file;
}

my $script = '';
foreach my $part (sort glob "$tree/sql/parts/1*.sql")
{
	$script .= slurp_file($part);
}
$script =~ s/MODULE_PATHNAME/\$libdir\/barq/g;
write_file("$share/extension/vector.control", "default_version = '0.8.0'\ncomment = 'as pgvector'\n");
write_file("$share/extension/vector--0.8.0.sql", $script);
# types of the same names with another representation
write_file("$share/extension/vector--99.sql", q{
	CREATE TYPE vector;
	CREATE FUNCTION vector_in(cstring) RETURNS vector AS 'byteain' LANGUAGE internal IMMUTABLE STRICT;
	CREATE FUNCTION vector_out(vector) RETURNS cstring AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT;
	CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out);
});

my $node = PostgreSQL::Test::Cluster->new('adopt');
$node->init;
$node->append_conf('postgresql.conf', "barq.background = off\n");
$node->start;

sub fails
{
	my ($database, $sql, $error, $name) = @_;
	my ($status, $out, $err) = $node->psql($database, $sql);
	isnt($status, 0, "$name: an error");
	like($err, $error, "$name: the error's text");
}

sub database
{
	my ($name, @statements) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, $_) foreach @statements;
}

my $barq = 'CREATE SCHEMA barq; CREATE EXTENSION barq SCHEMA barq';

database('alone', $barq);
fails('alone', 'SELECT barq.barq_adopt_pgvector()',
	qr/extension "vector" \(pgvector\) is not installed.*HINT/s, 'without pgvector');
database('other', q{CREATE EXTENSION vector VERSION '99'}, $barq);
fails('other', 'SELECT barq.barq_adopt_pgvector()',
	qr/type public.vector is not laid out in memory as barq's vector is.*HINT/s, 'another representation');
is($node->safe_psql('other', q{SELECT count(*) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	WHERE amname LIKE 'barq%' AND opcnamespace = 'public'::regnamespace}), '0', 'another representation: no operator class is created');

# The types of both extensions cannot be in one schema.
database('shared', 'CREATE EXTENSION vector');
fails('shared', 'CREATE EXTENSION barq', qr/schema "public" has pgvector's type "vector".*HINT:  Give barq a schema of its own: CREATE SCHEMA barq;.*barq_adopt_pgvector/s,
	'CREATE EXTENSION in the schema of pgvector');
$node->safe_psql('shared', $barq);
fails('shared', 'ALTER EXTENSION barq SET SCHEMA public', qr/type "vector" already exists in schema "public"/, 'ALTER EXTENSION SET SCHEMA to it');
cmp_ok($node->safe_psql('shared', 'SELECT barq.barq_adopt_pgvector()'), '>', 10, 'the way that the hint names works');
database('own', q{CREATE TYPE halfvec AS (x int)});
fails('own', 'CREATE EXTENSION barq', qr/schema "public" has a type "halfvec" already.*HINT/s, 'CREATE EXTENSION beside a type of the user');

# Columns of pgvector's types, with rows.
database('app', 'CREATE EXTENSION vector', q{
	SELECT setseed(0.4);
	CREATE TABLE items (id int PRIMARY KEY, embedding vector(32), bits bit(64), half halfvec(32), sparse sparsevec(32));
	INSERT INTO items SELECT i, (SELECT array_agg(random() - 0.5 + 0 * (i + j))::real[]::vector FROM generate_series(1, 32) j),
		(random() * 1e18)::bigint::bit(64) FROM generate_series(1, 3000) i;
	UPDATE items SET half = embedding, sparse = embedding;
}, $barq, 'CREATE ROLE plain LOGIN; GRANT USAGE ON SCHEMA barq TO plain');
fails('app', 'SET ROLE plain; SELECT barq.barq_adopt_pgvector()', qr/permission denied to adopt pgvector.*superuser/s,
	'without the privilege');
fails('app', 'CREATE INDEX ON items USING barq_hnsw (embedding public.vector_cosine_ops)',
	qr/operator class "public.vector_cosine_ops" does not exist for access method "barq_hnsw"/, 'before adoption');

# The caller's search_path has no influence on the operator classes created.
my $made = $node->safe_psql('app', q{
	CREATE SCHEMA trap;
	CREATE TABLE trap.pg_extension (extname name, extnamespace oid);
	CREATE FUNCTION trap.float_ops() RETURNS int LANGUAGE sql RETURN 1;
	SET search_path = trap, pg_catalog;
	SELECT barq.barq_adopt_pgvector()});
my $classes = q{SELECT string_agg(format('%s %s', amname, opcname), ', ' ORDER BY amname, opcname) FROM pg_opclass c
	JOIN pg_am a ON a.oid = opcmethod WHERE amname LIKE 'barq%' AND opcnamespace = '%s'::regnamespace
	AND opcintype::regtype::text ~ '(^|[.])(vector|halfvec|sparsevec|bit)$'};
sub classes_of { return $node->safe_psql($_[0], $classes =~ s/'%s'::regnamespace/'$_[1]'::regnamespace/r); }
cmp_ok($made, '>=', 14, 'operator classes are created');
is(classes_of('app', 'public'), classes_of('app', 'barq'), 'one for each of barq\'s own classes');
is($node->safe_psql('app', 'SELECT barq.barq_adopt_pgvector()'), '0', 'a second call creates nothing');
is($node->safe_psql('app', q{SELECT count(*) FROM pg_depend d JOIN pg_opclass c ON c.oid = objid AND classid = 'pg_opclass'::regclass
	WHERE opcnamespace = 'public'::regnamespace AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'barq')}),
	'0', 'the classes are no members of the extension, so a dump contains them');

$node->safe_psql('app', 'CREATE INDEX items_cosine ON items USING barq_hnsw (embedding public.vector_cosine_ops);
	CREATE INDEX items_l2 ON items USING barq_hnsw (embedding vector_l2_ops);
	CREATE INDEX items_half ON items USING barq_hnsw (half halfvec_l2_ops);
	CREATE INDEX items_sparse ON items USING barq_hnsw (sparse sparsevec_ip_ops);
	CREATE INDEX items_bits ON items USING barq_hnsw (bits public.bit_hamming_ops)');

# The ten nearest rows of some rows are the same by the index and without it.
sub same_answers
{
	my ($database, $what) = @_;
	foreach my $case ([ '<=>', 'items_cosine' ], [ '<->', 'items_l2' ], [ '<->', 'items_half', 'half' ],
		[ '<#>', 'items_sparse', 'sparse' ], [ '<~>', 'items_bits', 'bits' ])
	{
		my ($op, $index, $column) = @$case;
		$column //= 'embedding';
		# many distances of bits are equal, so distances are compared, not rows
		my $query = "SELECT q.id, array(SELECT " . ($column eq 'bits' ? "i.bits <~> q.bits" : 'i.id') . " FROM items i
			ORDER BY i.$column $op q.$column LIMIT 10) FROM items q WHERE q.id % 150 = 0 ORDER BY 1";
		my $plan = $node->safe_psql($database, "SET enable_seqscan = off; EXPLAIN (COSTS OFF) $query");
		like($plan, qr/Index Scan using $index/, "$what: $op uses the index");
		is($node->safe_psql($database, "SET enable_seqscan = off; SET barq.ef_search = 400; $query"),
			$node->safe_psql($database, "SET enable_indexscan = off; $query"), "$what: $op finds the rows of a sequential scan");
		is($node->safe_psql($database, "SELECT * FROM barq.barq_check('$index')"), '', "$what: $index is sound");
	}
}
same_answers('app', 'adopted');

# barq_hybrid() over pgvector's columns: an embedding of pgvector's type, of barq's
# type, as text; as a value, a column, a parameter of six executions.
foreach my $case ([ 'vector', 'embedding', 'items_l2', '<->' ], [ 'vector', 'embedding', 'items_cosine', '<=>' ],
	[ 'halfvec', 'half', 'items_half', '<->' ], [ 'sparsevec', 'sparse', 'items_sparse', '<#>' ], [ 'bit', 'bits', 'items_bits', '<~>' ])
{
	my ($type, $column, $index, $op) = @$case;
	my $value = "(SELECT $column FROM items WHERE id = 77)";
	# many distances of bits are equal, so distances are compared, not rows
	my $shown = $type eq 'bit' ? "(doc).bits <~> $value" : '(doc).id';
	my $exact = $node->safe_psql('app', "SET enable_indexscan = off; SELECT array_agg($shown) FROM (SELECT i AS doc FROM items i ORDER BY i.$column $op $value LIMIT 7) s");
	my $call = sub { "SELECT array_agg($shown ORDER BY vector_rank) FROM barq.barq_hybrid(NULL::items, embedding => $_[0], k => 7, vector_index => '$index')" };

	is($node->safe_psql('app', 'SET barq.ef_search = 400; ' . $call->($value)), $exact, "barq_hybrid(): $index, pgvector's $type");
	is($node->safe_psql('app', 'SET barq.ef_search = 400; ' . $call->("$value\::text")), $exact, "barq_hybrid(): $index, as text");
	is($node->safe_psql('app', 'SET barq.ef_search = 400; ' . $call->("$value\::text::barq.$type")), $exact, "barq_hybrid(): $index, barq's $type") if $type ne 'bit';
	foreach my $parameter ($type eq 'bit' ? 'bit(64)' : ("public.$type", "barq.$type"), 'text')
	{
		my $text = $node->safe_psql('app', "SELECT $value\::text");
		is($node->safe_psql('app', "SET barq.ef_search = 400; PREPARE asked($parameter) AS " . $call->('$1') . ';' . "EXECUTE asked('$text');" x 6),
			join("\n", ($exact) x 6), "barq_hybrid(): $index, a parameter of type $parameter");
	}
}
fails('app', q{SELECT 1 FROM barq.barq_hybrid(NULL::items, embedding => (SELECT embedding FROM items LIMIT 1), vector_column => 'embedding')},
	qr/several barq indexes of vectors that rank differently: "items_cosine", "items_l2".*Name one of them with vector_index/s, 'two distances');
fails('app', q{SELECT 1 FROM barq.barq_hybrid(NULL::items, embedding => (SELECT bits FROM items LIMIT 1), vector_index => 'items_l2')},
	qr/embedding is of type bit, which cannot become vector/, 'a type that suits no index');
$node->safe_psql('app', q{INSERT INTO items SELECT i, (SELECT array_agg(random() - 0.5 + 0 * (i + j))::real[]::vector FROM generate_series(1, 32) j) FROM generate_series(3001, 3300) i;
	UPDATE items SET half = embedding, sparse = embedding, bits = (random() * 1e18)::bigint::bit(64) WHERE id > 3000;
	DELETE FROM items WHERE id % 9 = 4});
$node->safe_psql('app', 'VACUUM items');
same_answers('app', 'changed');

# Dump and restore.
my $dump = PostgreSQL::Test::Utils::tempdir . '/app.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('app') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restore');
is(classes_of('restored', 'public'), classes_of('app', 'public'), 'the classes are restored');
same_answers('restored', 'restored');

# Barq is dropped with CASCADE, together with its operator classes and indexes.
fails('app', 'DROP EXTENSION barq', qr/cannot drop extension barq because other objects depend on it/, 'DROP EXTENSION barq while indexes use it');
$node->safe_psql('app', 'DROP EXTENSION barq CASCADE');
is($node->safe_psql('app', 'SELECT count(*) FROM items WHERE embedding IS NOT NULL'), $node->safe_psql('restored', 'SELECT count(*) FROM items WHERE embedding IS NOT NULL'),
	'DROP EXTENSION barq CASCADE leaves the columns unchanged');

$node->stop;
done_testing();
