# VACUUM by parallel workers and by autovacuum: both mark deleted rows in every
# index of a table, of vectors and of texts, and the TIDs can be used again.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('vacuum', conf => q{
	autovacuum = off
	autovacuum_naptime = 1s
	autovacuum_vacuum_threshold = 50
	autovacuum_vacuum_scale_factor = 0
	min_parallel_index_scan_size = 0
	max_parallel_maintenance_workers = 2
});
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int PRIMARY KEY, v vector(32), body text);
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	CREATE INDEX items_body ON items USING barq_bm25 (body) WITH (text_config = 'simple');
	INSERT INTO items SELECT i, vec(i), 'all w' || i % 50 FROM generate_series(1, 3000) i;
});

# an index holds every row of the table and no deleted one
sub all_well
{
	my ($what, $dead) = @_;

	foreach my $index ('items_v', 'items_body')
	{
		is($node->safe_psql('postgres', "SELECT sum(dead_rows) FROM barq_segments('$index')"), $dead, "$what: deleted rows are marked in $index");
		sound($node, $index, "$what: $index is sound");
	}
	found_once($node, 'items', "$what: every row once");
	is($node->safe_psql('postgres', q{SET enable_seqscan = off; SELECT count(*) FROM items WHERE body @@@ to_bm25query('w7', 'items_body')}),
		$node->safe_psql('postgres', q{SELECT count(*) FROM items WHERE body ~ '\mw7\M'}), "$what: every match");
	return;
}

my $err;
$node->psql('postgres', q{DELETE FROM items WHERE id % 5 = 0; VACUUM (PARALLEL 2, VERBOSE, INDEX_CLEANUP on) items}, stderr => \$err);
like($err, qr/launched [12] parallel vacuum workers? for index vacuuming/, 'VACUUM (PARALLEL) launches workers for the indexes');
all_well('VACUUM (PARALLEL)', 600);

# other rows in their places
$node->safe_psql('postgres', q{INSERT INTO items SELECT i, vec(i), 'all w' || i % 50 FROM generate_series(3001, 3600) i});
all_well('TIDs in use again', 600);

$node->safe_psql('postgres', 'DELETE FROM items WHERE id % 5 = 1; ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf()');
ok($node->poll_query_until('postgres', q{
	SELECT autovacuum_count > 0 AND 1320 = ALL (SELECT sum(dead_rows) FROM barq_segments('items_v') UNION ALL SELECT sum(dead_rows) FROM barq_segments('items_body'))
	FROM pg_stat_user_tables WHERE relname = 'items'}), 'autovacuum comes');
$node->safe_psql('postgres', 'ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf()');
all_well('autovacuum', 600 + 720);

$node->stop;
ok(!$node->log_contains('was terminated by signal|PANIC|leak'), 'nothing crashed or leaked');
done_testing();
