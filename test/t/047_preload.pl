# With barq in shared_preload_libraries: the launcher, and counters that all
# sessions share. A reload starts a round of the launcher.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('preload', conf => q{
	shared_preload_libraries = 'barq'
	barq.background = on
	max_worker_processes = 16
});

ok($node->poll_query_until('postgres',
	q{SELECT count(*) = 1 FROM barq_progress() WHERE worker = 'barq launcher' AND database IS NULL}),
	'barq_progress() shows the launcher');

$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 3000) i;
	SELECT barq_seal('items_v');
	INSERT INTO items SELECT i, vec(i) FROM generate_series(3001, 3500) i;
	SELECT barq_seal('items_v');
	INSERT INTO items SELECT i, vec(i) FROM generate_series(3501, 3600) i;
});
is($node->safe_psql('postgres', q{SELECT inserts, seals, rows_sealed FROM barq_stats() WHERE index = 'items_v'::regclass}),
	'3600|2|3500', 'counters sum up all sessions');
is($node->safe_psql('postgres', q{SELECT bytes_sealed BETWEEN 3500 * 56 AND 3500 * 200, seal_time > 0, waits, wait_time, compactions, bytes_compacted
	FROM barq_stats() WHERE index = 'items_v'::regclass}), 't|t|0|0|0|0', 'bytes sealed, and how long it took');
$node->safe_psql('postgres', q{SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> vec(1) LIMIT 1});
is($node->safe_psql('postgres', q{SELECT searches, (SELECT sum(n) > 0 AND count(*) = 7 FROM unnest(lock_waits) n) FROM barq_stats()}),
	'1|t', 'searches are counted, and their lock waits by duration');

# images are lost at a restart here, and the launcher makes them again
$node->stop;
my $root = $node->data_dir . '/pg_barq/pgsql_tmp';
system('rm', '-rf', $root) == 0 or die;
$node->start;
ok($node->poll_query_until('postgres',
	q{SELECT count(*) FILTER (WHERE image = 'on_disk') >= 1 AND count(*) FILTER (WHERE image = 'missing') = 0 FROM barq_segments('items_v')}),
	'the launcher makes images after a restart');

# an index without inserts ends as one segment, whose image is made without a search
ok($node->poll_query_until('postgres',
	q{SELECT pg_reload_conf() AND
		(SELECT count(*) = 1 AND sum(rows) = 3600 FROM barq_segments('items_v') WHERE state <> 'growing')}),
	'an index left in peace becomes one segment');
is($node->safe_psql('postgres', q{SELECT count(*) FROM barq_check('items_v')}), '0', 'the index is sound');
is($node->safe_psql('postgres', q{SELECT compactions > 0, rows_compacted >= 3600, bytes_compacted >= rows_compacted * 56, compaction_time > 0
	FROM barq_stats() WHERE index = 'items_v'::regclass}), 't|t|t|t', 'rows, bytes and time of compactions');
is($node->safe_psql('postgres', q{
	SET enable_seqscan = off;
	SELECT array_agg(id) FROM (SELECT id FROM items ORDER BY v <-> vec(77) LIMIT 5) x}),
	$node->safe_psql('postgres', q{
	SET enable_indexscan = off;
	SELECT array_agg(id) FROM (SELECT id FROM items ORDER BY v <-> vec(77) LIMIT 5) x}),
	'it gives the same answers as an exact scan');

# an insert that finds the log too long waits for the holder of the maintenance
# lock, and the wait is counted
$node->safe_psql('postgres', q{ALTER INDEX items_v SET (growing_limit = '64kB', growing_hard_limit = '64kB')});
my $holder = session($node);
ask($holder, 'BEGIN; ALTER INDEX items_v SET (m = 20)');
my $inserter = session($node);
send_sql($inserter, q{
	INSERT INTO items SELECT i, vec(i) FROM generate_series(3601, 6600) i});
held_back($node, $inserter->{pid});
ask($holder, 'ROLLBACK');
answer($inserter);
is($node->safe_psql('postgres', q{SELECT waits > 0, wait_time > 0 FROM barq_stats() WHERE index = 'items_v'::regclass}),
	't|t', 'waits of inserts are counted and timed');
quit($_) foreach $holder, $inserter;

# the images of a dropped database are removed, even if no barq index is left in
# the server
sub dropped_with_images
{
	my ($name, $what) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	add_barq($node, $name);
	my $oid = $node->safe_psql($name, qq{
		CREATE TABLE items (id int, v vector(32));
		INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 500) i;
		CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
		SELECT oid FROM pg_database WHERE datname = '$name'});
	my @folders = glob("$root/*/$oid");
	ok(scalar(@folders), "$what: the database has images");
	$node->poll_query_until('postgres',
		qq{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = '$name'});
	is($node->psql('postgres', "DROP DATABASE $name WITH (FORCE)"), 0, "$what: DROP DATABASE succeeds");
	wait_until("$what: its images are removed", sub {
		$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
		my @left = glob("$root/*/$oid");
		return !@left;
	});
	pass("$what: its images are removed");
}

dropped_with_images('other', 'another database');
$node->safe_psql('postgres', 'DROP TABLE items');
dropped_with_images('last', 'the last database with an index');

# switched off, the launcher does nothing
$node->safe_psql('postgres', 'ALTER SYSTEM SET barq.background = off');
$node->reload;
ok($node->poll_query_until('postgres',
	q{SELECT count(*) = 0 FROM barq_progress() WHERE database IS NOT NULL}),
	'barq.background = off: no visits');
$node->stop('fast');
pass('fast shutdown');
ok(!$node->log_contains('FATAL:  (?!terminating)|PANIC'), 'no worker failed');

done_testing();
