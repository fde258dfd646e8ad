# A streaming standby gives the primary's answers, through images of its own,
# while seals, compactions, VACUUM and rebuilt indexes are replayed; once
# promoted it takes inserts and is sound.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_server('primary', init => { allows_streaming => 1 }, conf => q{
	barq.growing_limit = 64kB
});
$primary->safe_psql('postgres', q{
	CREATE TABLE items (id int PRIMARY KEY, v vector(32));
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 1500) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	CREATE TABLE docs (id int PRIMARY KEY, body text, v vector(32));
	INSERT INTO docs SELECT i, 'word' || i % 9 || ' word' || i % 7, vec(i) FROM generate_series(1, 300) i;
	CREATE INDEX docs_v ON docs USING barq_hnsw (v vector_l2_ops);
	CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'simple');
	INSERT INTO docs SELECT i, 'word' || i % 9 || ' word' || i % 7, vec(i) FROM generate_series(301, 400) i;
	CREATE TABLE listed (id int PRIMARY KEY, v vector(512));
	INSERT INTO listed SELECT i, vec(i, 512) FROM generate_series(1, 1200) i;
	CREATE INDEX listed_v ON listed USING barq_ivf (v vector_l2_ops) WITH (quantization = none);
	CREATE UNLOGGED TABLE scratch (id int, v vector(32));
	CREATE INDEX scratch_v ON scratch USING barq_hnsw (v vector_l2_ops);
	INSERT INTO scratch SELECT i, vec(i) FROM generate_series(1, 2000) i;
});
$primary->backup('base');
ok(!-e $primary->backup_dir . '/base/pg_barq/pgsql_tmp', 'a base backup leaves images out');

my $standby = new_standby($primary, 'standby', backup => 'base');

# both give the same rows, in the same order
sub same_on_both
{
	my ($name, $index) = @_;
	my ($here, $there);

	$primary->wait_for_catchup($standby);
	$here = same_answers($primary, 'items', "$name: primary");
	$there = same_answers($standby, 'items', "$name: standby");
	is($there, $here, "$name: the same answers");
	found_once($standby, 'items', "$name: every row once on the standby");
	sound($standby, $index // 'items_v', "$name: no error on the standby", errors => 1);
	return;
}

is_deeply([ image_files(image_root($standby)) ], [], 'a new standby has no images');
same_on_both('base backup');
my $hybrid = q{SELECT (doc).id, score, vector_rank, text_rank FROM barq_hybrid(NULL::docs, vec(5), 'word4 word2', filter => 'id % $1 = 0', filter_args => '{3}')};
is($standby->safe_psql('postgres', "SET search_path = pg_temp, public; $hybrid"), $primary->safe_psql('postgres', $hybrid), 'barq_hybrid() gives the same on both');
cmp_ok(scalar(my @made = images_of($standby, 'items_v')), '>', 0, 'the standby makes its own images');

$primary->safe_psql('postgres', 'INSERT INTO items SELECT i, vec(i) FROM generate_series(2001, 4500) i');
cmp_ok(segment_count($primary, 'items_v'), '>', 2, 'inserts were sealed');
same_on_both('seals');

# A scan that is open on the standby while its segments are removed.
my $gate = close_gate($standby);
my $scan = background($standby, q{
	BEGIN;
	SET enable_seqscan = off; SET barq.iterative_scan = relaxed_order; SET barq.max_scan_tuples = 1000000;
	DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v <-> vec(5);
	FETCH 100 FROM c;
	SELECT pass();
	FETCH ALL FROM c;
	COMMIT;
});
my $expected = $standby->safe_psql('postgres', 'SELECT count(*) FROM items');
wait_at_gate($standby);
# in a transaction block: cutting off the end would wait for the scan
$primary->safe_psql('postgres', q{BEGIN; SELECT barq_compact('items_v'); COMMIT});
$primary->wait_for_catchup($standby);
open_gate($standby, $gate);
is(finished($scan), 0, "the open scan ended well $scan->{err}");
my @fetched = grep { /^\d+$/ } split /\n/, $scan->{out};
my %distinct = map { $_ => 1 } @fetched;
is(scalar(@fetched) . ' ' . scalar(keys %distinct), "$expected $expected",
	'an open scan sees each row once while a compaction is replayed');
same_on_both('compaction');
is(scalar(my @images = images_of($standby, 'items_v')), 1,
	'the standby has removed the images that were replaced');

# the end of the file is cut off
my $size = q{SELECT pg_relation_size('items_v')};
my $before = $standby->safe_psql('postgres', $size);
$primary->safe_psql('postgres', q{SELECT barq_compact('items_v')});
same_on_both('cut');
cmp_ok($standby->safe_psql('postgres', $size), '<', $before, 'the standby cuts off the same pages as the primary');
is($standby->safe_psql('postgres', $size), $primary->safe_psql('postgres', $size), 'both files have the same length');

$primary->safe_psql('postgres', q{
	DELETE FROM items WHERE id % 7 = 0;
	VACUUM items;
	INSERT INTO items SELECT i, vec(i) FROM generate_series(5001, 5400) i;
	UPDATE items SET v = vec(id + 1) WHERE id % 11 = 0;
	VACUUM items;
});
same_on_both('DELETE, UPDATE, VACUUM');

$primary->safe_psql('postgres', 'REINDEX INDEX items_v');
same_on_both('REINDEX');
$primary->safe_psql('postgres', 'REINDEX INDEX CONCURRENTLY items_v');
same_on_both('REINDEX CONCURRENTLY');
$primary->safe_psql('postgres', q{
	TRUNCATE items;
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 900) i;
});
same_on_both('TRUNCATE');

# the same of lists, some of them and all, before and after they are merged
foreach my $when ('built', 'merged')
{
	my %some = (settings => 'SET barq.probes = 2;', recall => 0);

	$primary->safe_psql('postgres', q{
		INSERT INTO listed SELECT i, vec(i, 512) FROM generate_series(2001, 2200) i;
		DELETE FROM listed WHERE id % 13 = 3;
		VACUUM listed;
		SELECT barq_seal('listed_v');
		SELECT barq_compact('listed_v');
	}) if $when eq 'merged';
	$primary->wait_for_catchup($standby);
	like($standby->safe_psql('postgres', q{SELECT string_agg(kind, ' ') FROM barq_segments('listed_v') WHERE state <> 'growing'}),
		qr/^ivf$/, "lists, $when: the standby has them");
	is(scalar(same_answers($standby, 'listed', "lists, $when: some, standby", %some)),
		scalar(same_answers($primary, 'listed', "lists, $when: some, primary", %some)), "lists, $when: the same answers of some");
	same_answers($standby, 'listed', "lists, $when: all", settings => 'SET barq.probes = 1000;', recall => 1);
	found_once($standby, 'listed', "lists, $when: every row once on the standby");
	sound($standby, 'listed_v', "lists, $when: no error on the standby", errors => 1);
	cmp_ok(scalar(my @of_lists = images_of($standby, 'listed_v')), '==', 1, "lists, $when: the standby's own image");
}

# steering is for the primary
my ($status, $out, $err) = $standby->psql('postgres', q{SELECT barq_seal('items_v')});
like($err, qr/cannot execute barq_seal\(\) during recovery/, 'barq_seal on a standby is an error');
($status, $out, $err) = $standby->psql('postgres', q{SELECT barq_compact('items_v')});
like($err, qr/cannot execute barq_compact\(\) during recovery/, 'barq_compact on a standby is an error');

# the standby restarted in the middle
$standby->restart;
same_on_both('restart of the standby');

# promoted with a half-full log, after the primary was killed during inserts
my $inserts = background($primary, join '', map {
	"INSERT INTO items SELECT i, vec(i) FROM generate_series($_ * 100 + 10001, $_ * 100 + 10100) i;\n" } 0 .. 999);
$standby->poll_query_until('postgres', 'SELECT count(*) > 2500 FROM items') or die 'no inserts arrive';
kill_server($primary, $inserts);
finished($inserts);
$standby->promote;
sound($standby, 'items_v', 'promoted: no error', errors => 1);
found_once($standby, 'items', 'promoted: every row once');
$standby->safe_psql('postgres', 'INSERT INTO items SELECT i, vec(i) FROM generate_series(200001, 203000) i');
found_once($standby, 'items', 'promoted: every row once after inserts');
same_answers($standby, 'items', 'promoted: the nearest rows');
$standby->safe_psql('postgres', q{SELECT barq_compact('items_v'); VACUUM items});
sound($standby, 'items_v', 'promoted: sound after compaction and VACUUM');
is_deeply([ orphans($standby) ], [], 'promoted: no file without a segment');

same_answers($standby, 'listed', 'promoted: lists', settings => 'SET barq.probes = 1000;', recall => 1);
$standby->safe_psql('postgres', q{
	INSERT INTO listed SELECT i, vec(i, 512) FROM generate_series(3001, 3100) i;
	SELECT barq_seal('listed_v'); SELECT barq_compact('listed_v')});
sound($standby, 'listed_v', 'promoted: lists are sound after compaction');
found_once($standby, 'listed', 'promoted: every row of lists once');

# an unlogged index is empty there, and works
is($standby->safe_psql('postgres', 'SELECT count(*) FROM scratch'), '0', 'promoted: unlogged table is empty');
$standby->safe_psql('postgres', 'INSERT INTO scratch SELECT i, vec(i) FROM generate_series(1, 2000) i');
found_once($standby, 'scratch', 'promoted: unlogged index works');
sound($standby, 'scratch_v', 'promoted: unlogged index is sound');

$standby->stop;
done_testing();
