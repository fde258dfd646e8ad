# Extension barq_pgvector makes the operator classes of barq_adopt_pgvector() for users who
# are no superusers. Its script runs as one, so it must run nothing of theirs. Classes
# follow pgvector to another schema, and dumps, whoever made them.
use strict;
use warnings;

use BarqPgvector;
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
note(have_pgvector($tree, $share) ? 'with the real pgvector' : 'with a stand-in for pgvector');

my $node = PostgreSQL::Test::Cluster->new('trusted');
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

# classes for pgvector's types and operators: how many in a schema, and members of barq_pgvector
my $classes = q{SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_opclass'::regclass AND objid = c.oid
		AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'barq_pgvector'))),
	count(*) FILTER (WHERE EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_opfamily'::regclass AND objid = c.opcfamily
		AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'barq_pgvector')))
	FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod WHERE amname IN ('barq_hnsw', 'barq_ivf') AND opcnamespace = 'SCHEMA'::regnamespace};
sub classes { my ($database, $schema) = @_; return ask($database, $classes =~ s/SCHEMA/$schema/r); }

ask('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE other LOGIN');
sub database
{
	my ($name) = @_;
	ask('postgres', "CREATE DATABASE $name OWNER owner; GRANT CREATE ON DATABASE $name TO other");
	# pgvector is not trusted everywhere: an administrator installed it
	ask($name, 'CREATE EXTENSION vector; SET ROLE owner; CREATE SCHEMA barq; CREATE EXTENSION barq SCHEMA barq; GRANT USAGE ON SCHEMA barq TO other');
}

# By the database's owner, who is no superuser.
database('app');
fails('app', 'SET ROLE owner; SELECT barq.barq_adopt_pgvector()', qr/permission denied to adopt pgvector.*Extension barq_pgvector creates them/s, 'the function, without the extension');
ask('app', q{SET ROLE owner; CREATE EXTENSION barq_pgvector;
	CREATE TABLE items (id int PRIMARY KEY, embedding vector(8));
	INSERT INTO items SELECT i, array[sin(i), cos(i), sin(2 * i), cos(2 * i), sin(3 * i), cos(3 * i), sin(4 * i), cos(5 * i)]::real[]::vector FROM generate_series(1, 1000) i;
	CREATE INDEX items_l2 ON items USING barq_hnsw (embedding vector_l2_ops);
	CREATE INDEX items_ivf ON items USING barq_ivf (embedding)});
my $all = classes('app', 'public');
like($all, qr/^(\d\d)\|\1\|\1$/, 'classes and families are made, members of the extension');
cmp_ok((split /\|/, $all)[0], '>=', 18, 'all of them');
my $near = 'SET enable_seqscan = off; SELECT array_agg(id) FROM (SELECT id FROM items ORDER BY embedding <-> (SELECT embedding FROM items WHERE id = 7) LIMIT 10) s';
my $exact = ask('app', $near =~ s/enable_seqscan/enable_indexscan/r);
is(ask('app', $near), $exact, 'a search finds the rows of a sequential scan');
is(ask('app', q{SELECT array_agg((doc).id ORDER BY vector_rank) FROM barq.barq_hybrid(NULL::items, embedding => (SELECT embedding FROM items WHERE id = 7), k => 10, vector_index => 'items_l2')}),
	$exact, 'barq_hybrid()');
foreach my $vectors ('(SELECT array_agg(embedding) FROM items WHERE id = 7)', q{(SELECT '{"' || embedding::text || '"}' FROM items WHERE id = 7)})
{
	is(ask('app', "SELECT array_agg((doc).id ORDER BY distance, (doc).id) FROM barq.barq_search_batch(NULL::items, $vectors, k => 10)"),
		$exact, "barq_search_batch() of $vectors");
}
is(ask('app', 'SET ROLE owner; SELECT barq.barq_adopt_pgvector()'), '0', 'the extension\'s owner may call the function now; nothing is missing');
fails('app', 'SET ROLE other; SELECT barq.barq_adopt_pgvector()', qr/permission denied to adopt pgvector/, 'others may not');

# After pgvector has moved: the same classes, in its new schema.
ask('app', 'CREATE SCHEMA ext; GRANT USAGE ON SCHEMA ext TO owner; ALTER EXTENSION vector SET SCHEMA ext');
fails('app', 'SET ROLE owner; SELECT barq.barq_adopt_pgvector()', qr/permission denied for schema ext/, 'the owner may not create in pgvector\'s schema');
ask('app', 'GRANT CREATE ON SCHEMA ext TO owner');
is(ask('app', 'SET ROLE owner; SET search_path = pg_temp, public; SELECT barq.barq_adopt_pgvector() > 17'), 't', 'the classes move after SET SCHEMA');
is(classes('app', 'ext'), $all, 'all of them, members as before');
is(classes('app', 'public'), '0|0|0', 'none is left behind');
is(ask('app', 'SELECT barq.barq_adopt_pgvector()'), '0', 'a second call moves nothing');
is(ask('app', "SET search_path = public, ext; $near"), $exact, 'the indexes still serve');
ask('app', 'SET search_path = public, ext; CREATE INDEX items_cosine ON items USING barq_hnsw (embedding vector_cosine_ops)');
is(ask('app', q{SELECT count(*) FROM barq.barq_indexes() i, barq.barq_check(i.index)}), '0', 'and are sound');

# Dump and restore.
my $dump = PostgreSQL::Test::Utils::tempdir . '/app.dump';
sub restored
{
	my ($database, $name, $schema) = @_;
	$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr($database) ], "$name: pg_dump");
	ask('postgres', 'CREATE DATABASE restored');
	$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('restored'), $dump ], "$name: pg_restore");
	is(classes('restored', $schema), classes($database, $schema), "$name: the classes are restored");
	ask('postgres', 'DROP DATABASE restored');
}
restored('app', 'classes of the extension', 'ext');

# A superuser's classes; then the extension takes them over.
database('loose');
is(ask('loose', 'SELECT barq.barq_adopt_pgvector() > 17'), 't', 'a superuser, without the extension');
is(classes('loose', 'public'), $all =~ s/\|.*/|0|0/r, 'members of no extension');
restored('loose', 'classes of none', 'public');
ask('loose', 'CREATE SCHEMA "a ""schema"; ALTER EXTENSION vector SET SCHEMA "a ""schema"');
is(ask('loose', 'SELECT barq.barq_adopt_pgvector() > 17'), 't', 'they move, too, to a schema whose name has to be quoted');
ask('loose', 'ALTER EXTENSION vector SET SCHEMA public; SELECT barq.barq_adopt_pgvector(); SET ROLE owner; CREATE EXTENSION barq_pgvector');
is(classes('loose', 'public'), $all, 'CREATE EXTENSION takes existing classes over');
restored('loose', 'classes taken over', 'public');
ask('loose', 'ALTER EXTENSION barq_pgvector DROP OPERATOR CLASS vector_l1_ops USING barq_hnsw; ALTER EXTENSION barq_pgvector DROP OPERATOR FAMILY vector_l1_ops USING barq_hnsw; DROP OPERATOR FAMILY vector_l1_ops USING barq_hnsw');
is(ask('loose', 'SELECT barq.barq_adopt_pgvector()'), '1', 'a class that is missing is made');
is(classes('loose', 'public'), $all, 'and is a member of the extension');
ask('loose', 'SET ROLE owner; DROP EXTENSION barq_pgvector');
is(classes('loose', 'public'), '0|0|0', 'DROP EXTENSION barq_pgvector drops the classes');

# A role with CREATE on the database alone, who lays traps in a schema of its own.
database('traps');
ask('traps', q{SET ROLE other; CREATE SCHEMA mine;
	CREATE FUNCTION mine.barq_adopt_pgvector() RETURNS int LANGUAGE sql RETURN 1 / 0;
	CREATE FUNCTION mine.evil(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''run as %'', current_user; END';
	CREATE FUNCTION mine.text(name) RETURNS text LANGUAGE sql RETURN 'trap';
	CREATE TYPE mine.internal AS (x int);
	CREATE TABLE mine.pg_opclass (oid oid)});
fails('traps', 'SET ROLE other; SET search_path = mine; CREATE EXTENSION barq_pgvector', qr/permission denied for schema public/, 'without the right to create in pgvector\'s schema');
ask('traps', 'GRANT CREATE ON SCHEMA public TO other');
fails('traps', q{SET ROLE other; CREATE FUNCTION mine.barq_pgvector_classes() RETURNS int LANGUAGE sql RETURN 1; SET search_path = mine; CREATE EXTENSION barq_pgvector},
	qr/function "barq_pgvector_classes" already exists/, 'the script\'s own function cannot be another');
ask('traps', 'DROP FUNCTION mine.barq_pgvector_classes(); SET ROLE other; SET search_path = mine, pg_catalog; CREATE EXTENSION barq_pgvector; SELECT barq.barq_adopt_pgvector()');
is(classes('traps', 'public'), $all, 'traps of the user are not run');

# Types and operators that the user has added to pgvector's schema are none of pgvector's:
# an input function, or a domain's check, would run as a superuser.
database('added');
if (ask('added', q{SELECT count(*) FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = to_regtype('halfvec') AND deptype = 'e'}) eq '1')
{
	ask('added', q{ALTER EXTENSION vector DROP TYPE sparsevec; ALTER TYPE sparsevec RENAME TO sparsevec_of_old;
		CREATE FUNCTION public.evil(text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''run as %'', current_user; END';
		CREATE DOMAIN public.sparsevec AS text CHECK (public.evil(VALUE)); ALTER DOMAIN public.sparsevec OWNER TO owner});
	ask('added', 'SET ROLE owner; CREATE EXTENSION barq_pgvector');
	is(ask('added', q{SELECT count(*) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod WHERE amname = 'barq_hnsw' AND opcname ~ '^sparsevec' AND opcnamespace = 'public'::regnamespace}),
		'0', 'a type of the user\'s is not adopted, and its check is not run');
}

# barq's own extension by that name is not pgvector: nothing to adopt.
unlink glob "$share/extension/vector[.-]* $lib/vector.so";
is(system("make -s -C '$programs/tree' install-vector-names PG_CONFIG='$bin/pg_config' >/dev/null"), 0, 'make install-vector-names');
ask('postgres', 'CREATE DATABASE own');
ask('own', 'CREATE EXTENSION vector CASCADE');
fails('own', 'CREATE EXTENSION barq_pgvector', qr/extension "vector" is not pgvector, but barq's.*nothing to adopt/s, 'beside pgvector\'s names');

$node->stop;
done_testing();
