# After a crash an unlogged index is empty and usable, and an index built with
# wal_level = minimal (pages synced at commit instead of logged) is complete.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('unlogged', conf => q{
	wal_level = minimal
	max_wal_senders = 0
	wal_skip_threshold = 0
	barq.growing_limit = 64kB
});

# several segments, dead rows, a log that is not empty, an image used
$node->safe_psql('postgres', q{
	CREATE UNLOGGED TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 3000) i;
	DELETE FROM items WHERE id % 3 = 0;
	VACUUM items;
});
found_once($node, 'items', 'unlogged: every row once');
same_answers($node, 'items', 'unlogged: the nearest rows');
sound($node, 'items_v', 'unlogged: sound');

$node->restart;
found_once($node, 'items', 'unlogged, after a clean restart: every row once');
sound($node, 'items_v', 'unlogged, after a clean restart: sound');

kill_server($node);
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), '0', 'unlogged, after a crash: no rows');
is($node->safe_psql('postgres', q{
	SET enable_seqscan = off; SELECT count(*) FROM (SELECT FROM items ORDER BY v <-> vec(1) LIMIT 10) s}),
	'0', 'unlogged, after a crash: nothing is found');
sound($node, 'items_v', 'unlogged, after a crash: sound');
cmp_ok(scalar(my @stale = images_of($node, 'items_v')), '>', 0, 'its old images are still there');
$node->safe_psql('postgres', 'INSERT INTO items SELECT i, vec(i) FROM generate_series(5001, 7500) i');
found_once($node, 'items', 'unlogged, after a crash: every new row once');
same_answers($node, 'items', 'unlogged, after a crash: the nearest rows');
$node->safe_psql('postgres', q{SELECT barq_compact('items_v'); VACUUM items});
sound($node, 'items_v', 'unlogged, after a crash: sound after compaction and VACUUM');
is_deeply([ orphans($node) ], [], 'unlogged, after a crash: VACUUM removes the old images');

# a second crash of the index that was made empty
kill_server($node);
$node->start;
$node->safe_psql('postgres', 'INSERT INTO items SELECT i, vec(i + 7) FROM generate_series(1, 1500) i');
found_once($node, 'items', 'unlogged, after a second crash: every new row once');
same_answers($node, 'items', 'unlogged, after a second crash: the nearest rows');

# wal_level = minimal: created and filled in one transaction, nothing logged
my $crash = sub {
	my ($what, $table) = @_;

	kill_server($node);
	$node->start;
	sound($node, "${table}_v", "$what: no error", errors => 1);
	found_once($node, $table, "$what: every row once");
	$node->safe_psql('postgres', "INSERT INTO $table SELECT i, vec(i) FROM generate_series(20001, 22000) i");
	found_once($node, $table, "$what: every row once after inserts");
	$node->safe_psql('postgres', "VACUUM $table");
	sound($node, "${table}_v", "$what: sound after VACUUM");
};
my $before = $node->lsn('insert');
$node->safe_psql('postgres', q{
	BEGIN;
	CREATE TABLE built (id int, v vector(32));
	INSERT INTO built SELECT i, vec(i) FROM generate_series(1, 5000) i;
	CREATE INDEX built_v ON built USING barq_hnsw (v vector_l2_ops);
	INSERT INTO built SELECT i, vec(i) FROM generate_series(5001, 8000) i;
	COMMIT;
});
cmp_ok($node->safe_psql('postgres', "SELECT pg_current_wal_insert_lsn() - '$before'"), '<', 500_000,
	'minimal WAL: pages were not logged');
$crash->('minimal WAL', 'built');

$node->safe_psql('postgres', q{
	BEGIN;
	TRUNCATE built;
	INSERT INTO built SELECT i, vec(i) FROM generate_series(1, 4000) i;
	SAVEPOINT a;
	INSERT INTO built SELECT i, vec(i) FROM generate_series(4001, 6000) i;
	ROLLBACK TO a;
	COMMIT;
});
$crash->('TRUNCATE under minimal WAL', 'built');

$node->safe_psql('postgres', 'ALTER TABLE items SET LOGGED; ALTER TABLE built SET UNLOGGED');
found_once($node, 'items', 'SET LOGGED: every row once');
found_once($node, 'built', 'SET UNLOGGED: every row once');
$crash->('SET LOGGED', 'items');
is($node->safe_psql('postgres', 'SELECT count(*) FROM built'), '0', 'SET UNLOGGED: empty after a crash');
sound($node, 'built_v', 'SET UNLOGGED: sound after a crash');

$node->stop;
done_testing();
