# Ranked text on servers: the answers of an index of text are the same when
# workers build it, after a kill -9 in the middle of a COPY, from images that were
# removed, cut short or changed, on a standby while seals, merges and VACUUM are
# replayed, and after a dump with a text search configuration of its own.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_server('text', init => { allows_streaming => 1 }, conf => q{
	barq.growing_limit = 64kB
	max_wal_senders = 4
	max_worker_processes = 8
	max_parallel_workers = 8
	log_min_messages = debug1
	log_parameter_max_length = 0
});

# body(i): 30 words that depend on nothing but i, frequent ones and rare ones
$primary->safe_psql('postgres', q{
	CREATE FUNCTION body(i int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
		SELECT string_agg('w' || floor(400 * power((sin(i * 12.9898 + j * 78.233) + 1) / 2, 3))::int, ' ') FROM generate_series(1, 30) j $$;
	CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple);
	CREATE TABLE docs (id int PRIMARY KEY, body text);
	INSERT INTO docs SELECT i, body(i) FROM generate_series(1, 3000) i;
	CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'public.mine');
	INSERT INTO docs SELECT i, body(i) FROM generate_series(3001, 3300) i;
	CREATE UNLOGGED TABLE scratch AS SELECT * FROM docs;
	CREATE INDEX scratch_body ON scratch USING barq_bm25 (body) WITH (text_config = 'simple', positions = off);
});

# For 5 queries: the best rows with their scores, and how many rows hold a
# word and a phrase. By the index, or by a scan of the table that computes.
my $queries = q{(SELECT q, 'w' || q || ' w' || q * q %% 97 || ' w' || q * 17 %% 401 AS query, '+w' || q AS word, format('"w%%s w%%s"', q, q + 1) AS phrase
	FROM generate_series(1, 5) q OFFSET 0) asked};
my $matched = q{(SELECT count(*) FROM %1$s WHERE body @@@ word), (SELECT count(*) FROM %1$s WHERE body @@@ phrase)};
my $by_index = qq{SET enable_seqscan = off; SET enable_bitmapscan = off;
	SELECT q, array(SELECT id || ':' || (body <@> query) FROM %1\$s ORDER BY body <@> query LIMIT 20), $matched FROM $queries ORDER BY q};
my $by_heap = qq{SET enable_indexscan = off; SET enable_bitmapscan = off;
	SELECT q, array(SELECT id || ':' || score FROM (SELECT id, ctid, body <@> query AS score FROM %1\$s) s WHERE score < 0 ORDER BY score, ctid LIMIT 20),
		$matched FROM $queries ORDER BY q};

sub ranked
{
	my ($node, $table, %options) = @_;

	return $node->safe_psql($options{database} // 'postgres', sprintf($by_index, $table));
}

sub computed
{
	my ($node, $table, %options) = @_;

	return $node->safe_psql($options{database} // 'postgres', sprintf($by_heap, $table));
}

sub right
{
	my ($node, $name, %options) = @_;
	my $table = $options{table} // 'docs';
	my $answers = ranked($node, $table, %options);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($answers, computed($node, $table, %options), $name);
	return $answers;
}

right($primary, 'segments and a log');
right($primary, 'without positions', table => 'scratch');

# Built by workers: the same answers, and as many bytes.
sub built
{
	my ($workers) = @_;
	my $offset = -s $primary->logfile;

	$primary->safe_psql('postgres', qq{
		SET max_parallel_maintenance_workers = $workers; SET min_parallel_table_scan_size = 0;
		DROP INDEX docs_body; CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'public.mine')});
	my $started = () = PostgreSQL::Test::Utils::slurp_file($primary->logfile, $offset) =~ /starting background worker process "parallel worker/g;
	is($started, $workers, "$workers workers are asked for");
	sound($primary, 'docs_body', "built by $workers workers: sound");
	return right($primary, "built by $workers workers") . $primary->safe_psql('postgres',
		q{SELECT s.rows, s.page_bytes, s.image_bytes, documents, tokens FROM barq_segments('docs_body') s, barq_bm25_stats('docs_body') WHERE state <> 'growing'});
}
my $alone = built(0);
is(built($_), $alone, "built by $_ workers: the same") foreach 1, 3;

# Killed in the middle of a COPY: what was committed is all there.
my $file = PostgreSQL::Test::Utils::tempdir . '/more';
$primary->safe_psql('postgres', "COPY (SELECT i, body(i) FROM generate_series(10001, 25000) i) TO '$file'");
foreach my $try (1 .. 10)
{
	my $pages = relation_file($primary, 'docs_body');
	my $size = -s $pages;
	my $copy = background($primary, "COPY docs FROM '$file'");

	wait_for_growth($pages, $size, 200000);
	kill_server($primary, $copy);
	my $status = finished($copy);
	$primary->start;
	last if $status != 0;
	$primary->safe_psql('postgres', 'DELETE FROM docs WHERE id > 10000');
}
is($primary->safe_psql('postgres', 'SELECT count(*) FROM docs WHERE id > 10000'), '0', 'a COPY was cut off');
right($primary, 'after a kill in the middle of a COPY');
sound($primary, 'docs_body', 'after a kill in the middle of a COPY: no error', errors => 1);
$primary->safe_psql('postgres', q{INSERT INTO docs SELECT i, body(i) FROM generate_series(3301, 5000) i; VACUUM docs});
right($primary, 'inserts after that');
sound($primary, 'docs_body', 'sound after VACUUM');

# An unlogged index is empty and works.
is($primary->safe_psql('postgres', q{SET enable_seqscan = off; SELECT count(*) FROM (SELECT FROM scratch ORDER BY body <@> 'w1' LIMIT 5) s}),
	'0', 'an unlogged index is empty after a crash');
$primary->safe_psql('postgres', 'INSERT INTO scratch SELECT i, body(i) FROM generate_series(1, 1500) i');
right($primary, 'an unlogged index after a crash', table => 'scratch');
sound($primary, 'scratch_body', 'an unlogged index after a crash is sound');

# Images: removed while the server runs; cut short, and changed, while it does not.
sub damaged
{
	my ($name, $damage) = @_;
	my @images = images_of($primary, 'docs_body');
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	cmp_ok(scalar(@images), '>', 0, "$name: there are images");
	$damage->($_) foreach @images;
	return;
}
damaged('removed', sub { unlink $_[0] or die "$_[0]: $!" });
right($primary, 'images that were removed');
$primary->stop;
# the paths are known from before
my @images = grep { /\.img$/ } image_files($primary->data_dir . '/pg_barq');
flip_byte($_, (-s $_) - 100) foreach @images;
$primary->start;
right($primary, 'images with a changed byte');
$primary->stop;
truncate $_, int((-s $_) / 2) foreach grep { /\.img$/ } image_files($primary->data_dir . '/pg_barq');
$primary->start;
right($primary, 'images cut short');

# Without images: page by page, with a warning.
$primary->append_conf('postgresql.conf', "barq.image_directory = '/nowhere/at/all'");
$primary->restart;
right($primary, 'no images at all');
$primary->append_conf('postgresql.conf', "barq.image_directory = ''");
$primary->restart;

# A standby.
my $standby = new_standby($primary, 'standby');
foreach my $step (
	[ 'base backup', 'SELECT 1' ],
	[ 'inserts and seals', 'INSERT INTO docs SELECT i, body(i) FROM generate_series(5001, 6500) i' ],
	[ 'DELETE, UPDATE, VACUUM', q{DELETE FROM docs WHERE id % 7 = 0; UPDATE docs SET body = body(id + 1) WHERE id % 11 = 0; VACUUM docs} ],
	[ 'compaction', q{SELECT barq_compact('docs_body')} ],
	[ 'REINDEX CONCURRENTLY', 'REINDEX INDEX CONCURRENTLY docs_body' ])
{
	my ($name, $sql) = @$step;

	$primary->safe_psql('postgres', $_) foreach split /;\s*/, $sql;
	$primary->wait_for_catchup($standby);
	is(right($standby, "standby: $name"), ranked($primary, 'docs'), "standby: $name: the primary's answers");
}
$standby->promote;
$standby->safe_psql('postgres', 'INSERT INTO docs SELECT i, body(i) FROM generate_series(7001, 8000) i');
right($standby, 'a standby that was promoted');
sound($standby, 'docs_body', 'a standby that was promoted: no error', errors => 1);
$standby->stop;

# A dump: the configuration is named with its schema, a query may name an index.
$primary->safe_psql('postgres', q{
	CREATE TABLE searches (id int, query bm25query DEFAULT 'docs_body:w1 w2');
	INSERT INTO searches VALUES (1, DEFAULT), (2, 'w3 -w4')});
my $answers = ranked($primary, 'docs');
my $dump = PostgreSQL::Test::Utils::tempdir . '/dump';
$primary->command_ok([ 'pg_dump', '-f', $dump, $primary->connstr('postgres') ], 'pg_dump');
$primary->safe_psql('postgres', 'CREATE DATABASE restored');
$primary->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $primary->connstr('restored') ], 'the dump is restored');
right($primary, 'restored', database => 'restored');
is($primary->safe_psql('restored', q{SELECT query FROM searches ORDER BY id}), "docs_body:w1 w2\nw3 -w4", 'restored: queries');
is($primary->safe_psql('restored', q{SELECT options FROM barq_indexes() WHERE index = 'docs_body'::regclass}),
	'text_config=public.mine, tokenizer=config, k1=1.2, b=0.75, positions=on', 'restored: options');
$primary->stop;
done_testing();
