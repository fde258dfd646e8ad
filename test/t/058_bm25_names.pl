# An index that is named in a view, a materialized view, a function, a default or a
# stored query is found by its name: after a dump is restored, REINDEX CONCURRENTLY,
# DROP and CREATE, a rename and another schema of the table. A query by OID says how to go on when its OID is gone.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('names');

$node->safe_psql('postgres', q{
	CREATE SCHEMA "a schema";
	CREATE TABLE docs (id int PRIMARY KEY, body text);
	INSERT INTO docs SELECT i, 'alpha ' || i || CASE WHEN i % 10 = 0 THEN ' rare' ELSE '' END FROM generate_series(1, 100) i;
	CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'simple');
	CREATE INDEX "Docs ""other""" ON docs USING barq_bm25 (body) WITH (text_config = 'simple', k1 = 2);
	CREATE VIEW by_function AS SELECT id, body <@> to_bm25query('rare', 'docs_body') AS s FROM docs;
	CREATE VIEW by_literal AS SELECT id, body <@> 'docs_body:rare'::bm25query AS s FROM docs;
	CREATE VIEW by_quoted AS SELECT id, body <@> to_bm25query('rare', '"Docs ""other"""') AS s FROM docs;
	CREATE VIEW by_schema AS SELECT id, body <@> to_bm25query('rare', 'public.docs_body') AS s FROM docs;
	CREATE MATERIALIZED VIEW kept AS SELECT id, body <@> to_bm25query('rare', 'docs_body') AS s FROM docs;
	CREATE FUNCTION best(q text) RETURNS SETOF int LANGUAGE sql STABLE BEGIN ATOMIC SELECT id FROM docs ORDER BY body <@> to_bm25query(q, 'docs_body'), id LIMIT 3; END;
	CREATE FUNCTION best_text(q text) RETURNS SETOF int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN QUERY SELECT id FROM docs ORDER BY body <@> to_bm25query(q, 'docs_body'), id LIMIT 3; END $$;
	CREATE TABLE saved (id int, q bm25query DEFAULT to_bm25query('rare', 'docs_body'));
	INSERT INTO saved (id) VALUES (1);
	INSERT INTO saved VALUES (2, 'docs_body:rare'), (3, '"Docs ""other""":rare'), (4, to_bm25query('rare', 'docs_body'::regclass));
});

# All of it together, one line each.
my $ask = q{
	SELECT 'function ' || min(s)::numeric(9,6) FROM by_function;
	SELECT 'literal ' || min(s)::numeric(9,6) FROM by_literal;
	SELECT 'quoted ' || min(s)::numeric(9,6) FROM by_quoted;
	SELECT 'schema ' || min(s)::numeric(9,6) FROM by_schema;
	REFRESH MATERIALIZED VIEW kept;
	SELECT 'kept ' || min(s)::numeric(9,6) FROM kept;
	SELECT 'best ' || string_agg(x::text, ' ') FROM best('rare') x;
	SELECT 'text ' || string_agg(x::text, ' ') FROM best_text('rare') x;
	SELECT 'saved ' || s.id || ' ' || count(*) FROM saved s JOIN docs ON body @@@ s.q WHERE s.id < 4 GROUP BY s.id ORDER BY s.id;
	INSERT INTO saved (id) VALUES (9) RETURNING 'default ' || (SELECT count(*) FROM docs WHERE body @@@ q);
	DELETE FROM saved WHERE id = 9;
};
sub answers
{
	my ($database) = @_;
	my ($code, $out, $err) = $node->psql($database // 'postgres', $ask);

	return "$out$err";
}

my $before = answers();
like($before, qr/^function -\d.*^quoted -\d.*^best 10 20 30.*^saved 3 10.*^default 10/ms, 'references by name work');

$node->safe_psql('postgres', 'REINDEX INDEX CONCURRENTLY docs_body');
is(answers(), $before, 'after REINDEX CONCURRENTLY');
my ($code, $out, $err) = $node->psql('postgres', 'SELECT count(*) FROM saved s JOIN docs ON body @@@ s.q WHERE s.id = 4');
like($err, qr/index with OID \d+ does not exist\nHINT:.*names its index/, 'a query by OID says how to go on');
$node->safe_psql('postgres', 'DELETE FROM saved WHERE id = 4');

$node->safe_psql('postgres', q{DROP INDEX docs_body; CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'simple')});
is(answers(), $before, 'after DROP and CREATE');

$node->safe_psql('postgres', 'ALTER TABLE docs RENAME TO documents');
is($node->safe_psql('postgres', q{SELECT 'function ' || min(s)::numeric(9,6) FROM by_function; SELECT 'best ' || string_agg(x::text, ' ') FROM best('rare') x}),
	join("\n", $before =~ /^((?:function|best) .*)$/mg), 'after the table has another name');
$node->safe_psql('postgres', 'ALTER TABLE documents RENAME TO docs');
$node->safe_psql('postgres', 'ALTER TABLE docs SET SCHEMA "a schema"');
my $moved = $ask =~ s/JOIN docs/JOIN "a schema".docs/gr =~ s/FROM docs/FROM "a schema".docs/gr =~ s/^.*best_text.*$//mgr;
is($node->safe_psql('postgres', $moved), $before =~ s/^text .*\n//mr, 'after SET SCHEMA of the table');
$node->safe_psql('postgres', q{ALTER SCHEMA "a schema" RENAME TO another});
is($node->safe_psql('postgres', $moved =~ s/"a schema"/another/gr), $before =~ s/^text .*\n//mr, 'after the schema has another name');
$node->safe_psql('postgres', 'ALTER TABLE another.docs SET SCHEMA public');

foreach my $format ('plain', 'custom')
{
	my $file = $PostgreSQL::Test::Utils::tmp_check . "/names.$format";

	$node->safe_psql('postgres', "CREATE DATABASE restored_$format");
	$node->command_ok([ 'pg_dump', '--format', $format, '--file', $file, $node->connstr('postgres') ], "pg_dump, $format");
	$node->command_ok($format eq 'plain' ? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, $node->connstr("restored_$format") ] :
		[ 'pg_restore', '--exit-on-error', '--dbname', $node->connstr("restored_$format"), $file ], "restored, $format");
	is(answers("restored_$format"), $before, "references in the restored database, $format");
}

# a plan that is kept follows the name, too
is($node->safe_psql('postgres', q{
	PREPARE p AS SELECT count(*) FROM docs WHERE body @@@ to_bm25query('rare', 'docs_body');
	SET plan_cache_mode = force_generic_plan;
	EXECUTE p;
	REINDEX INDEX CONCURRENTLY docs_body;
	EXECUTE p;
	DROP INDEX docs_body;
	CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'simple');
	EXECUTE p;
}), "10\n10\n10", 'a prepared statement');
$node->safe_psql('postgres', 'ALTER INDEX docs_body RENAME TO docs_renamed');
($code, $out, $err) = $node->psql('postgres', 'SELECT min(s) FROM by_function');
like($err, qr/table "docs" has no index "docs_body".*\nDETAIL:.*"docs_renamed"/, 'an index that was renamed: those there are');

$node->stop;
done_testing();
