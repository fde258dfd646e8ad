# ALTER EXTENSION barq SET SCHEMA by the owner of the database, who made the
# extension but owns none of its objects: works as for a superuser, and is
# refused, with PostgreSQL's messages, where that owner could not have created it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('schema');
$node->init;
$node->append_conf('postgresql.conf', "barq.background = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN CREATEDB; CREATE ROLE guest LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE kept OWNER keeper');

sub as { my ($role, $sql) = @_; return $node->safe_psql('kept', $sql, extra_params => [ '-U', $role ]); }

sub refused
{
	my ($role, $sql, $error, $name) = @_;
	my ($status, $out, $err) = $node->psql('kept', $sql, extra_params => [ '-U', $role ]);
	isnt($status, 0, "$name: refused");
	like($err, $error, "$name: and why");
}
sub schemas
{
	return as('postgres', q{SELECT string_agg(DISTINCT n, ',') FROM (
		SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'barq'
		UNION ALL SELECT pronamespace::regnamespace::text FROM pg_proc WHERE proname LIKE 'barq%'
		UNION ALL SELECT typnamespace::regnamespace::text FROM pg_type WHERE typname IN ('vector', 'bm25query')
		UNION ALL SELECT opcnamespace::regnamespace::text FROM pg_opclass WHERE opcname IN ('vector_l2_ops', 'bm25_ops')) s(n)});
}
sub answers
{
	my $schema = shift;
	return as('keeper', qq{SET search_path = public, $schema; SET enable_seqscan = off;
		SELECT id FROM items ORDER BY v <-> '[1,2,3]' LIMIT 2; SELECT id FROM items WHERE body @@@ 'run' ORDER BY body <@> 'run', id; SELECT count(*) FROM near});
}

as('keeper', q{CREATE SCHEMA one; CREATE SCHEMA two; CREATE EXTENSION barq SCHEMA one;
	SET search_path = public, one;
	CREATE TABLE public.items (id int, body text, v vector(3));
	INSERT INTO public.items VALUES (1, 'running', '[1,2,3]'), (2, 'runs', '[2,3,4]'), (3, 'shoes', '[9,9,9]');
	CREATE INDEX ON public.items USING barq_hnsw (v vector_l2_ops);
	CREATE INDEX ON public.items USING barq_bm25 (body) WITH (text_config = 'english');
	CREATE VIEW public.near AS SELECT id FROM public.items ORDER BY v <-> '[1,2,3]' LIMIT 2});
my $expected = answers('one');
as('keeper', 'ALTER EXTENSION barq SET SCHEMA two');
is(schemas(), 'two', 'moved by the database\'s owner, whole');
is(answers('two'), $expected, 'objects made before still work');
as('keeper', q{INSERT INTO items VALUES (4, 'run', '[1,2,3]')});
is(as('keeper', q{SELECT current_user, count(*) FROM two.barq_indexes(), two.barq_check(index)}), 'keeper|0', 'and is sound');
as('keeper', 'BEGIN; ALTER EXTENSION barq SET SCHEMA one; ROLLBACK');
is(schemas(), 'two', 'or not, if rolled back');
as('keeper', 'ALTER EXTENSION barq SET SCHEMA two');
is(schemas(), 'two', 'to where it is');
as('postgres', 'ALTER EXTENSION barq SET SCHEMA one');
is(schemas(), 'one', 'by a superuser');

# a text search configuration that an extension has moves with it, and text_config follows
as('postgres', q{CREATE TEXT SEARCH CONFIGURATION one.conf (COPY = english); ALTER EXTENSION barq ADD TEXT SEARCH CONFIGURATION one.conf;
	CREATE INDEX items_conf ON items USING barq_bm25 (lower(body)) WITH (text_config = 'one.conf')});
as('keeper', 'ALTER EXTENSION barq SET SCHEMA two');
is(as('keeper', q{SELECT pg_get_indexdef('items_conf'::regclass) ~ 'text_config=.two.conf.'}), 't', 'a configuration that moves with it');
as('postgres', 'ALTER EXTENSION barq SET SCHEMA one; ALTER EXTENSION barq DROP TEXT SEARCH CONFIGURATION one.conf; DROP INDEX items_conf; DROP TEXT SEARCH CONFIGURATION one.conf');

as('postgres', 'CREATE SCHEMA closed; GRANT ALL ON DATABASE kept TO guest');
refused('keeper', 'ALTER EXTENSION barq SET SCHEMA closed', qr/permission denied for schema closed/, 'to a schema of another role');
refused('keeper', 'ALTER EXTENSION barq SET SCHEMA nowhere', qr/schema "nowhere" does not exist/, 'to none');
refused('guest', 'CREATE SCHEMA guest; ALTER EXTENSION barq SET SCHEMA guest', qr/must be owner of extension barq/, 'by another role');
as('keeper', 'CREATE TYPE two.vector AS (x int)');
refused('keeper', 'ALTER EXTENSION barq SET SCHEMA two', qr/type "vector" already exists in schema "two"/, 'to where a type is in the way');
is(schemas() =~ s/,two//r, 'one', 'it stays where it was');
refused('keeper', 'ALTER EXTENSION plpgsql SET SCHEMA two', qr/must be owner of extension plpgsql/, 'another extension');
as('keeper', 'DELETE FROM items WHERE id = 4');
is(answers('one'), $expected, 'and works');
$node->stop;
done_testing();
