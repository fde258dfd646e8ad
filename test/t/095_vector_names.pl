# The optional extension "vector": access methods, operator classes and settings by
# pgvector's names (names/README.md). An application that names them runs unchanged;
# barq's functions and hooks take such indexes for what they are.
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
chomp(my $lib = `pg_config --pkglibdir`);

# `make install-vector-names` with the programs of this test: its output, and whether it worked
sub install_names
{
	my $output = `make -C '$programs/tree' install-vector-names PG_CONFIG='$bin/pg_config' @_ 2>&1`;
	return ($? == 0, $output);
}

# Files of the real pgvector, which the copied server may have; then none.
unlink glob "$share/extension/vector[.-]* $lib/vector.so $lib/barq_names.so";
foreach my $file ("$share/extension/vector.control", "$lib/vector.so")
{
	append_to_file($file, "comment = 'vector data type and ivfflat and hnsw access methods'\n");
	my ($done, $output) = install_names();
	ok(!$done, "not installed over $file");
	like($output, qr/is there already, and not of barq: pgvector is installed/, 'the error names pgvector');
	ok(!-e "$lib/barq_names.so", 'nothing is installed');
	unlink $file;
}
my ($done, $output) = install_names();
ok($done, 'make install-vector-names') or diag $output;
($done, $output) = install_names();
ok($done, 'and again, over its own files') or diag $output;

my $node = PostgreSQL::Test::Cluster->new('names');
$node->init;
$node->append_conf('postgresql.conf', "barq.background = off\nautovacuum = off\n");
$node->start;

sub ask { return $node->safe_psql(@_); }

sub fails
{
	my ($database, $sql, $error, $name) = @_;
	my ($status, $out, $err) = $node->psql($database, $sql);
	isnt($status, 0, "$name: an error");
	like($err, $error, "$name: the error's text");
}

# Who creates it, and where.
ask('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE plain LOGIN; CREATE DATABASE mine OWNER owner');
fails('mine', 'CREATE EXTENSION vector', qr/required extension "barq" is not installed.*CASCADE/s, 'without barq');
fails('mine', 'CREATE SCHEMA s; CREATE EXTENSION barq SCHEMA s; CREATE EXTENSION vector SCHEMA public',
	qr/extension "vector" must be in the schema of barq, which is s.*CREATE EXTENSION vector SCHEMA s/s, 'another schema than barq\'s');
ask('mine', 'DROP EXTENSION barq');
ask('mine', q{SET ROLE owner; CREATE EXTENSION vector CASCADE; CREATE TABLE t (v vector(2));
	CREATE INDEX t_v ON t USING hnsw (v vector_l2_ops)});
is(ask('mine', q{SELECT extname, extnamespace::regnamespace FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1}),
	"barq|public\nvector|public", 'a database\'s owner creates both, without a superuser');
fails('mine', 'DROP EXTENSION barq', qr/extension vector depends on extension barq/, 'DROP EXTENSION barq');
ask('mine', 'SET ROLE owner; CREATE SCHEMA moved; ALTER EXTENSION barq SET SCHEMA moved; ALTER EXTENSION vector SET SCHEMA moved; ALTER EXTENSION vector UPDATE');
is(ask('mine', q{SET search_path = moved, public; SELECT count(*) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	WHERE amname IN ('hnsw', 'ivfflat') AND opcnamespace = 'moved'::regnamespace}), '21', 'both move, for the owner');
is(ask('mine', 'SELECT "index", kind FROM moved.barq_indexes()'), 't_v|hnsw', 'an index follows');
ask('mine', 'SET ROLE owner; DROP EXTENSION vector CASCADE; INSERT INTO t VALUES (\'[1,2]\')');
is(ask('mine', q{SELECT v FROM t; SELECT count(*) FROM pg_am WHERE amname IN ('hnsw', 'ivfflat'); SELECT to_regclass('t_v') IS NULL}),
	"[1,2]\n0\nt", 'DROP EXTENSION vector drops access methods and indexes, not columns');

# In template1, for databases to come; an application then finds it.
ask('template1', 'CREATE EXTENSION vector CASCADE');
ask('postgres', 'CREATE DATABASE app; GRANT CREATE ON DATABASE app TO plain');
ask('app', 'GRANT CREATE ON SCHEMA public TO plain');
my ($status, $out, $err) = $node->psql('app', 'SET ROLE plain; CREATE EXTENSION IF NOT EXISTS vector');
is($status, 0, 'CREATE EXTENSION IF NOT EXISTS by any role');
like($err, qr/extension "vector" already exists, skipping/, 'it is there');

# Indexes of all classes, with pgvector's options.
ask('app', q{
	SET ROLE plain;
	CREATE TABLE numbers AS SELECT i, random() - 0.5 AS x FROM (SELECT setseed(0.5)) s, generate_series(1, 20000) i;
	CREATE TABLE items (id int PRIMARY KEY, "group" int, body text, vector vector(16), halfvec halfvec(16), sparsevec sparsevec(16), bit bit(16));
	INSERT INTO items SELECT id, id % 50, 'item ' || id, v, v::halfvec, v::sparsevec, binary_quantize(v) FROM
		(SELECT n AS id, (SELECT array_agg(x ORDER BY i)::vector FROM numbers WHERE i BETWEEN n AND n + 15) AS v FROM generate_series(1, 3000) n) s;
	CREATE INDEX ON items ("group");
	ANALYZE items});
my %operators = (l2 => '<->', ip => '<#>', cosine => '<=>', l1 => '<+>', hamming => '<~>', jaccard => '<%>');
foreach my $case (
	(map { my $type = $_; map { [ 'hnsw', $type, $_ ] } qw(l2 ip cosine l1) } qw(vector halfvec sparsevec)),
	(map { [ 'hnsw', 'bit', $_ ] } qw(hamming jaccard)),
	(map { my $type = $_; map { [ 'ivfflat', $type, $_ ] } qw(l2 ip cosine) } qw(vector halfvec)), [ 'ivfflat', 'bit', 'hamming' ])
{
	my ($method, $type, $metric) = @$case;
	my $options = $method eq 'hnsw' ? 'm = 12, ef_construction = 50' : 'lists = 20';
	my $op = $operators{$metric};
	my $query = "SELECT round((i.$type $op q.$type)::numeric, 3) FROM (SELECT $type FROM items WHERE id = 77) q, LATERAL
		(SELECT * FROM items ORDER BY $type $op q.$type LIMIT 20) i";

	ask('app', "SET ROLE plain; CREATE INDEX by_vector ON items USING $method ($type ${type}_${metric}_ops) WITH ($options)");
	like(ask('app', "SET enable_seqscan = off; EXPLAIN $query"), qr/Index Scan using by_vector/, "$method, ${type}_${metric}_ops: a search uses the index");
	is(ask('app', "SET enable_seqscan = off; SET hnsw.ef_search = 400; SET ivfflat.probes = 20; $query"),
		ask('app', "SET enable_indexscan = off; $query"), "$method, ${type}_${metric}_ops: the rows of a sequential scan");
	is(ask('app', q{SELECT count(*) FROM barq_check('by_vector')}), '0', "$method, ${type}_${metric}_ops: barq_check()");
	ask('app', 'DROP INDEX by_vector');
}
ask('app', 'SET ROLE plain; CREATE INDEX by_vector ON items USING hnsw (vector vector_cosine_ops) WITH (m = 12, ef_construction = 50)');
is(ask('app', q{SELECT "index", "table", kind, options ~ 'm=12' FROM barq_indexes()}), 'by_vector|items|hnsw|t', 'barq_indexes()');
is(ask('app', q{SELECT barq_recall('by_vector') > 0.9, count(*) > 0 FROM barq_segments('by_vector')}), 't|t', 'barq_recall(), barq_segments()');
is(ask('app', q{SELECT bool_and("index" = 'by_vector'::regclass) FROM barq_memory()}), 't', 'barq_memory()');
ask('app', 'DROP INDEX by_vector; CREATE INDEX graph ON items USING hnsw (vector vector_l2_ops);
	CREATE INDEX ON items USING barq_bm25 (body) WITH (text_config = english)');
fails('app', 'CREATE INDEX ON items USING hnsw (vector)', qr/data type vector has no default operator class for access method "hnsw"/, 'no class');
fails('app', 'CREATE INDEX ON items USING hnsw (vector vector_l2_ops) WITH (m = 101)', qr/value 101 out of bounds for option "m"/, 'a wrong option');
fails('app', 'CREATE INDEX ON items USING hnsw ((vector::vector) vector_l2_ops)', qr/column does not have dimensions/, 'no dimensions');

# Settings. A session's first statements meet no library: PostgreSQL keeps their values for it.
my $near = 'SELECT id FROM items ORDER BY vector <-> (SELECT vector FROM items WHERE id = 5) LIMIT 100';
my $scored = 'SELECT rows_scored FROM barq_last_scan()';
# the number of rows that a search returns, with settings
sub rows { my $rows = () = ask('app', "SET enable_seqscan = off; SET enable_sort = off; $_[0]; $near") =~ /^\d+$/mg; return $rows; }
# rows scored by a search of a table that is large enough for a graph or lists
ask('app', 'SET ROLE plain; CREATE TABLE wide AS SELECT n AS id, (SELECT array_agg(x ORDER BY i)::vector(96) FROM numbers WHERE i BETWEEN n AND n + 95) AS v FROM generate_series(1, 4000) n;
	CREATE INDEX wide_graph ON wide USING hnsw (v vector_l2_ops) WITH (quantization = none, m = 8, ef_construction = 32)');
sub effort { return (split /\n/, ask('app', "SET enable_seqscan = off; SET enable_sort = off; $_[0]; SELECT count(*) FROM (SELECT id FROM wide ORDER BY v <-> (SELECT v FROM wide WHERE id = 5) LIMIT 5) s; $scored"))[-1]; }
is(rows(''), 100, 'unless set, barq\'s own apply: a scan continues');
is(rows('SET hnsw.iterative_scan = off'), 40, 'hnsw.iterative_scan = off, ef_search as it is');
is(rows('SET hnsw.iterative_scan = off; SET hnsw.ef_search = 70'), 70, 'hnsw.ef_search');
is(rows('SET hnsw.iterative_scan = off; SET barq.ef_search = 60'), 60, 'barq.ef_search, where hnsw.ef_search is not set');
is(rows('SET hnsw.iterative_scan = off; SET barq.ef_search = 60; SET hnsw.ef_search = 50'), 50, 'hnsw.ef_search goes before it');
is(rows('SET hnsw.iterative_scan = off; SET hnsw.iterative_scan = strict_order'), 100, 'hnsw.iterative_scan = strict_order');
is(rows('SET barq.iterative_scan = off; SET hnsw.iterative_scan = relaxed_order'), 100, 'relaxed_order goes before barq\'s off');
is(rows('SET hnsw.iterative_scan = off; RESET hnsw.iterative_scan'), 100, 'RESET');
cmp_ok(effort('SET hnsw.ef_search = 400'), '>', 2 * effort('SET hnsw.ef_search = 20'), 'a broader search scores more rows');
is(effort('SET ivfflat.probes = 3; SET ivfflat.iterative_scan = relaxed_order'), effort(''), 'settings of the other access method do not matter');
is(rows('BEGIN; SET LOCAL hnsw.iterative_scan = off; ROLLBACK'), 100, 'SET LOCAL ends with its transaction');
ask('app', q{CREATE FUNCTION found() RETURNS bigint LANGUAGE sql SET hnsw.iterative_scan = off SET hnsw.ef_search = 30 SET enable_seqscan = off SET enable_sort = off AS
	$$ SELECT count(*) FROM (SELECT id FROM items ORDER BY vector <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' LIMIT 100) s $$});
is(ask('app', 'SELECT found()'), '30', 'SET of a function');
# plans a query of the table, so that the library is loaded
my $load = q{SET enable_seqscan = off; SELECT count(*) FROM pg_am WHERE amname = 'x' AND EXISTS (SELECT FROM items)};
ask('app', 'ALTER ROLE plain SET hnsw.ef_search = 90; ALTER DATABASE app SET ivfflat.probes = 7');
is($node->safe_psql('app', "$load; SHOW hnsw.ef_search; SHOW ivfflat.probes", extra_params => [ '-U', 'plain' ]), "0\n90\n7", 'settings of a role and of a database');
ask('app', 'ALTER ROLE plain RESET ALL; ALTER DATABASE app RESET ALL');
is(ask('app', "$load; SHOW hnsw.ef_search; SHOW hnsw.iterative_scan; SHOW hnsw.max_scan_tuples; SHOW ivfflat.probes; SET barq.ef_search = 55; SHOW hnsw.ef_search; SHOW hnsw.scan_mem_multiplier; SHOW ivfflat.max_probes"),
	"0\n40\nstrict_order\n0\n0\n55\n1\n32768", 'SHOW shows what applies');
fails('app', "$load; SET hnsw.ef_search = 0", qr/0 is outside the valid range for parameter "hnsw.ef_search" \(1 .. 1000\)/, 'hnsw.ef_search = 0');
fails('app', "$load; SET ivfflat.probes = 0", qr/0 is outside the valid range for parameter "ivfflat.probes" \(1 .. 32768\)/, 'ivfflat.probes = 0');
fails('app', "$load; SET hnsw.max_scan_tuples = 0", qr/0 is outside the valid range for parameter "hnsw.max_scan_tuples" \(1 .. 2147483647\)/, 'hnsw.max_scan_tuples = 0');
fails('app', "$load; SET hnsw.ef_search = 1001", qr/1001 is outside the valid range/, 'hnsw.ef_search = 1001');
fails('app', "$load; SET hnsw.iterative_scan = on", qr/invalid value for parameter "hnsw.iterative_scan": "on".*Available values: off, relaxed_order, strict_order/s, 'a wrong order');
fails('app', "$load; SET hnsw.breadth = 1", qr/invalid configuration parameter name "hnsw.breadth"/, 'a name that there is not');
is(ask('app', "$load; SET hnsw.ef_search = 33; SELECT current_setting('hnsw.ef_search')"), "0\n33", 'current_setting()');

# Cut by hnsw.max_scan_tuples; lists by ivfflat.probes.
is(ask('app', "SET enable_seqscan = off; SET enable_sort = off; SET hnsw.max_scan_tuples = 200; SELECT count(*) FROM (SELECT id FROM items WHERE body <> 'item 0' ORDER BY vector <-> (SELECT vector FROM items WHERE id = 5) OFFSET 0) s; SELECT cut FROM barq_last_scan()"),
	"200\n1", 'hnsw.max_scan_tuples');
ask('app', 'DROP INDEX graph; CREATE INDEX lists ON items USING ivfflat (vector vector_l2_ops) WITH (lists = 30)');
ask('app', 'DROP INDEX wide_graph; CREATE INDEX wide_lists ON wide USING ivfflat (v vector_l2_ops) WITH (lists = 30, quantization = none)');
cmp_ok(effort('SET ivfflat.probes = 30'), '>', 2 * effort('SET ivfflat.probes = 1'), 'ivfflat.probes');
cmp_ok(rows('SET ivfflat.probes = 1; SET ivfflat.iterative_scan = off'), '<', 3000, 'ivfflat.iterative_scan = off');
is(rows('SET ivfflat.probes = 1; SET ivfflat.iterative_scan = relaxed_order'), 100, 'ivfflat.iterative_scan = relaxed_order');
ask('app', 'DROP INDEX lists; CREATE INDEX graph ON items USING hnsw (vector vector_l2_ops); CREATE INDEX own ON items USING barq_hnsw (halfvec halfvec_l2_ops)');
is(ask('app', "$load; SET enable_seqscan = off; SET enable_sort = off; SET hnsw.iterative_scan = off; SELECT count(*) FROM (SELECT id FROM items ORDER BY halfvec <-> (SELECT halfvec FROM items WHERE id = 5) LIMIT 100) s"),
	"0\n100", 'an index of barq_hnsw has barq\'s settings');

# Hooks of the planner, and barq_hybrid(), which needs strict order whatever is set.
like(ask('app', q{SET enable_seqscan = off; EXPLAIN (COSTS OFF) SELECT id FROM items WHERE vector <-> (SELECT vector FROM items WHERE id = 5) < 0.5}),
	qr/Custom Scan \(BarqRadius\)/, 'a search within a radius');
like(ask('app', q{SET enable_seqscan = off; SET enable_sort = off; EXPLAIN (COSTS OFF) SELECT id FROM items WHERE "group" = 7 ORDER BY vector <-> '[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]' LIMIT 5}),
	qr/Custom Scan \(BarqCondition\)/, 'a search within other indexes\' bitmap');
is(ask('app', q{SET hnsw.iterative_scan = off; SET hnsw.ef_search = 10; SELECT count(*) FROM barq_hybrid(NULL::items, embedding => (SELECT vector FROM items WHERE id = 5), query => 'item', k => 50, vector_index => 'graph', filter => '"group" < 25')}),
	'50', 'barq_hybrid()');
is(ask('app', q{SELECT array_agg((doc).id ORDER BY distance) FROM barq_search_batch(NULL::items, (SELECT array_agg(vector) FROM items WHERE id = 5), k => 3, vector_column => 'vector')}),
	ask('app', q{SELECT array_agg(id) FROM (SELECT id FROM items ORDER BY vector <-> (SELECT vector FROM items WHERE id = 5) LIMIT 3) s}), 'barq_search_batch()');

# Dump and restore: into an empty database, and into one that template1 made.
my $dump = PostgreSQL::Test::Utils::tempdir . '/app.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('app') ], 'pg_dump');
foreach my $template (qw(template0 template1))
{
	ask('postgres', "CREATE DATABASE restored TEMPLATE $template");
	$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('restored'), $dump ], "pg_restore, beginning with $template");
	is(ask('restored', 'SELECT "index", kind FROM barq_indexes() ORDER BY "index"::text'), ask('app', 'SELECT "index", kind FROM barq_indexes() ORDER BY "index"::text'), 'the indexes are restored');
	is(ask('restored', q{SELECT count(*) FROM barq_check('graph')}), '0', 'and sound');
	ask('postgres', 'DROP DATABASE restored');
}

# What pgvector's own pg_dump says, as it is.
ask('postgres', 'CREATE DATABASE moved');
ask('moved', q{
	CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
	COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';
	CREATE TABLE public.items (id bigint NOT NULL, embedding public.vector(3));
	INSERT INTO items VALUES (1, '[1,2,3]'), (2, '[4,5,6]');
	CREATE INDEX items_embedding_idx ON public.items USING hnsw (embedding public.vector_cosine_ops) WITH (m='16', ef_construction='64');
	CREATE INDEX items_embedding_idx1 ON public.items USING ivfflat (embedding) WITH (lists='100')});
is(ask('moved', 'SELECT "index", kind FROM barq_indexes() ORDER BY "index"::text'), "items_embedding_idx|hnsw\nitems_embedding_idx1|ivfflat", 'statements of pgvector\'s dump run as they are');

# Another version's library.
unlink map { "$programs/tree/names/barq_names.$_" } qw(o so);
($done, $output) = install_names('BARQ_VERSION=99.9');
ok($done, 'a library of another version is installed') or diag $output;
fails('app', 'SELECT id FROM items ORDER BY vector <-> (SELECT vector FROM items LIMIT 1) LIMIT 1',
	qr/library "barq_names" is of version 99.9, and barq of version/, 'a library of another version');

$node->stop;
done_testing();
