# Text search configurations of indexes over sessions, dumps and pg_upgrade: the
# library is loaded where a session's first statement needs it, a dump taken
# after a configuration got another name restores to the same one, and an
# upgraded server, whose configurations have other OIDs, finds each index's own.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub new_node
{
	my $node = PostgreSQL::Test::Cluster->new(shift);
	$node->init;
	$node->append_conf('postgresql.conf', "barq.background = off\nautovacuum = off\n");
	return $node;
}

my $node = new_node('old');
$node->start;

sub sql { return $node->safe_psql($_[1] // 'postgres', $_[0]); }

sub fails
{
	my ($sql, $error, $name, $database) = @_;
	my ($status, $out, $err) = $node->psql($database // 'postgres', $sql);
	isnt($status, 0, "$name: refused");
	like($err, $error, "$name: and why");
}

# Each call is a session of its own.
sql(q{
	CREATE EXTENSION barq;
	CREATE SCHEMA a; CREATE SCHEMA b;
	CREATE TEXT SEARCH CONFIGURATION a.stems (COPY = english);
	CREATE TEXT SEARCH CONFIGURATION a.words (COPY = simple);
	CREATE TABLE docs (id int, body text, v vector(3));
	INSERT INTO docs SELECT i, CASE i % 3 WHEN 0 THEN 'running' WHEN 1 THEN 'runs' ELSE 'shoes' END || ' no ' || i, '[1,2,3]' FROM generate_series(1, 30) i;
	CREATE INDEX docs_stems ON docs USING barq_bm25 (body) WITH (text_config = 'a.stems');
	CREATE INDEX docs_v ON docs USING barq_hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 16)});
sub named { return sql(q{SELECT option_value FROM pg_class, pg_options_to_table(reloptions) WHERE relname = 'docs_stems' AND option_name = 'text_config'}); }
sql('ALTER TEXT SEARCH CONFIGURATION a.stems RENAME TO "Stems"');
is(named(), 'a."Stems"', 'RENAME as the first statement of a session');
sql('ALTER TEXT SEARCH CONFIGURATION a."Stems" SET SCHEMA b');
is(named(), 'b."Stems"', 'SET SCHEMA');
sql('ALTER SCHEMA b RENAME TO c');
is(named(), 'c."Stems"', 'the schema\'s name');
sql("SET session_replication_role = replica; ALTER TEXT SEARCH CONFIGURATION c.\"Stems\" RENAME TO stems");
is(named(), 'c.stems', 'where triggers do not fire');
fails('DROP TEXT SEARCH CONFIGURATION c.stems', qr/index docs_stems depends on text search configuration c\.stems/, 'DROP');
fails('ALTER INDEX docs_stems RESET (text_config)', qr/needs a text search configuration/, 'RESET of all options');
fails('ALTER INDEX docs_v RESET (ef_construction), SET (m = 50)', qr/ef_construction must be greater/, 'SET of a combination');
my ($status, $out, $err) = $node->psql('postgres', 'ALTER INDEX docs_v RESET (m, ef_construction)');
is($status, 0, 'RESET of all options of a vector index');
like($err, qr/NOTICE:  index "docs_v" keeps m=8, ef_construction=16 until it is rebuilt/, 'says what is kept');
sql('REINDEX INDEX docs_v');

# somebody who owns the configuration, but not the table
sql(q{CREATE ROLE linguist; ALTER TEXT SEARCH CONFIGURATION c.stems OWNER TO linguist; GRANT ALL ON SCHEMA c TO linguist;
	SET ROLE linguist; ALTER TEXT SEARCH CONFIGURATION c.stems RENAME TO stemmed});
is(named(), 'c.stemmed', 'renamed by its owner, who has no right on the table');
sql('ALTER TEXT SEARCH CONFIGURATION c.stemmed OWNER TO CURRENT_USER; DROP OWNED BY linguist; DROP ROLE linguist');

# more tables: a partitioned one, one whose configuration was altered, one that
# was built with another than its options say
sql(q{
	CREATE TABLE parts (id int, body text) PARTITION BY LIST (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
	CREATE INDEX parts_body ON parts USING barq_bm25 (body) WITH (text_config = 'c.stemmed');
	INSERT INTO parts VALUES (1, 'running');
	CREATE TABLE pending (id int, body text);
	INSERT INTO pending VALUES (1, 'running'), (2, 'runs');
	CREATE INDEX pending_body ON pending USING barq_bm25 (body) WITH (text_config = 'c.stemmed');
	CREATE TEXT SEARCH CONFIGURATION c.altered (COPY = english);
	CREATE TABLE altered (id int, body text);
	INSERT INTO altered VALUES (1, 'running'), (2, 'runs');
	CREATE INDEX altered_body ON altered USING barq_bm25 (body) WITH (text_config = 'c.altered');
	ALTER TEXT SEARCH CONFIGURATION c.altered DROP MAPPING FOR email;
	CREATE TABLE pinned (id int, body text);
	INSERT INTO pinned VALUES (1, 'running'), (2, 'runs');
	CREATE INDEX pinned_body ON pinned USING barq_bm25 (body) WITH (text_config = 'simple')});
sql(q{ALTER INDEX pending_body SET (text_config = 'a.words')});
# after all were built under other names, and the old name is another's
sql(q{ALTER TEXT SEARCH CONFIGURATION c.stemmed RENAME TO final; CREATE TEXT SEARCH CONFIGURATION c.stemmed (COPY = simple)});
my $answers = q{SET enable_seqscan = off;
	SELECT 'docs', count(*) FROM docs WHERE body @@@ 'run' UNION ALL SELECT 'parts', count(*) FROM parts WHERE body @@@ 'run'
	UNION ALL SELECT 'pending', count(*) FROM pending WHERE body @@@ 'run' UNION ALL SELECT 'altered', count(*) FROM altered WHERE body @@@ 'run'
	UNION ALL SELECT 'pinned', count(*) FROM pinned WHERE body @@@ 'run' ORDER BY 1};
my $expected = "altered|2\ndocs|20\nparts|1\npending|2\npinned|0";
my $complaints = q{SELECT index, message FROM barq_indexes(), barq_check(index) ORDER BY index::text COLLATE "C", message};
is(sql($answers), $expected, 'each index searches by its own configuration');
my $said = qr/\Aaltered_body\|text search configuration c\.altered was altered[^\n]*\npending_body\|has text_config=c\.final until REINDEX gives it text_config=a\.words\z/;
like(sql($complaints), $said, 'what there is to say about them');

# a dump and its restore: of what is pending the restored index is made
my $dump = PostgreSQL::Test::Utils::tempdir . '/dump';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
sql('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'the dump is restored');
is(sql($answers, 'restored'), $expected =~ s/pending\|2/pending|0/r, 'restored: the same configurations');
is(sql($complaints, 'restored'), '', 'restored: nothing to say');
fails('DROP TEXT SEARCH CONFIGURATION c.final', qr/docs_stems depends on/, 'restored: DROP', 'restored');
sql('ALTER TEXT SEARCH CONFIGURATION c.final RENAME TO later', 'restored');
is(sql(q{SELECT pg_get_indexdef('docs_stems'::regclass) ~ 'c\.later'}, 'restored'), 't', 'restored: RENAME');
# a copy of the database has the OIDs of its template
sql('CREATE DATABASE copied TEMPLATE restored');
is(sql($answers, 'copied'), $expected =~ s/pending\|2/pending|0/r, 'copied: the same configurations');
sql('DROP DATABASE restored'); sql('DROP DATABASE copied');

# pg_upgrade
my $oids = q{SELECT string_agg(format('%s %s', cfgname, c.oid), ', ' ORDER BY cfgname) FROM pg_ts_config c WHERE cfgnamespace <> 'pg_catalog'::regnamespace};
my $old_oids = sql($oids);
$node->stop;
my $new = new_node('new');
chomp(my $bin = `pg_config --bindir`);
chdir(PostgreSQL::Test::Utils::tempdir);
command_ok([ 'pg_upgrade', '--no-sync', '-d', $node->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin,
		'-s', $new->host, '-p', $node->port, '-P', $new->port ], 'pg_upgrade');
$node = $new;
$node->start;
isnt(sql($oids), $old_oids, 'upgraded: configurations have other OIDs');
is(sql($answers), $expected, 'upgraded: each index searches by its own configuration');
sql(q{INSERT INTO docs VALUES (31, 'runs'); INSERT INTO parts VALUES (1, 'runs'); INSERT INTO pending VALUES (3, 'running'); INSERT INTO altered VALUES (3, 'run'); INSERT INTO pinned VALUES (3, 'runs')});
my $more = "altered|3\ndocs|21\nparts|2\npending|3\npinned|0";
is(sql($answers), $more, 'upgraded: rows are added alike');
like(sql($complaints), qr/\Aaltered_body\|text search configuration c\.altered was altered[^\n]*\npending_body\|has text_config=[^\n]* until REINDEX gives it text_config=a\.words\npending_body\|no dependency on text search configuration [^\n]* is recorded/,
	'upgraded: what there is to say about them');
fails('DROP TEXT SEARCH CONFIGURATION c.final', qr/docs_stems depends on/, 'upgraded: DROP');
sql('ALTER TEXT SEARCH CONFIGURATION c.final RENAME TO upgraded');
is(named(), 'c.upgraded', 'upgraded: RENAME');
sql('REINDEX TABLE docs; REINDEX TABLE altered; REINDEX TABLE pending; REINDEX TABLE parts_1');
is(sql($answers), $more =~ s/pending\|3/pending|0/r, 'upgraded: built again');
is(sql($complaints), '', 'upgraded and built again: nothing to say');
$node->stop;
done_testing();
