# Counts, facets and rows sorted by a column on a standby: equal to what its table says, by the visibility map that
# it replays, while rows are deleted, removed by VACUUM, sealed and merged; in a snapshot
# that is older than these; after a crash, and promoted.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = new_server('counts', init => { allows_streaming => 1 }, conf => q{
	autovacuum = off
	barq.growing_limit = 1GB
	fsync = off
});
my $rows = q{SELECT i, i % 9, CASE WHEN i % 6 > 0 THEN 'brand ' || i % 4 END,
	CASE WHEN i % 7 > 0 THEN concat_ws(' ', CASE WHEN i % 2 = 0 THEN 'red' END, CASE WHEN i % 3 = 0 THEN 'fox' END, 'w' || i) END FROM generate_series(%d, %d) i};
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int PRIMARY KEY, price int, brand text, body text);
	INSERT INTO items } . sprintf($rows, 1, 2000) . q{;
	CREATE INDEX items_body ON items USING barq_bm25 (body, price, brand text_filter_ops) WITH (text_config = 'simple');
	INSERT INTO items } . sprintf($rows, 2001, 2100));
$node->safe_psql('postgres', 'VACUUM ANALYZE items');
my $standby = new_standby($node, 'counting_standby', conf => q{
	hot_standby_feedback = on
	wal_receiver_status_interval = 1s
});

# By the index, as one line; and what the rows of the table say.
my $by_index = q{SELECT (SELECT count(*) FROM items WHERE body @@@ 'red'), (SELECT count(*) FROM items WHERE body @@@ 'red -fox' AND price > 3),
	barq_count('items_body', 'fox', 'price = $1', '{3}'), (SELECT string_agg(concat(value, ':', count), ',' ORDER BY value) FROM barq_facets('items_body', 'red', columns => '{brand}')),
	(SELECT string_agg(concat(value, ':', count), ',' ORDER BY value) FROM barq_facets('items_body', 'red', ranges => '{"price": [2, 5]}')),
	(SELECT string_agg(price || ' ' || id, ',') FROM (SELECT price, id FROM items WHERE body @@@ 'red' ORDER BY price, id LIMIT 40) s),
	(SELECT string_agg(price || ' ' || id, ',') FROM (SELECT price, id FROM items WHERE body @@@ 'w2* -fox' AND price > 3 ORDER BY price DESC, id LIMIT 40) s),
	(SELECT max(price) FROM items WHERE body @@@ 'fox')};
my $by_rows = q{SELECT count(*) FILTER (WHERE red), count(*) FILTER (WHERE red AND NOT fox AND price > 3), count(*) FILTER (WHERE fox AND price = 3),
	(SELECT string_agg(concat(brand, ':', n), ',' ORDER BY brand) FROM (SELECT brand, count(*) AS n FROM items WHERE body ~ '\mred\M' GROUP BY brand) b),
	concat_ws(',', '(,2):' || count(*) FILTER (WHERE red AND price < 2), '[2,5):' || count(*) FILTER (WHERE red AND price >= 2 AND price < 5), '[5,):' || count(*) FILTER (WHERE red AND price >= 5)),
	(SELECT string_agg(price || ' ' || id, ',') FROM (SELECT price, id FROM items WHERE body ~ '\mred\M' ORDER BY price, id LIMIT 40) s),
	(SELECT string_agg(price || ' ' || id, ',') FROM (SELECT price, id FROM items WHERE body ~ '\mw2' AND body !~ '\mfox\M' AND price > 3 ORDER BY price DESC, id LIMIT 40) s),
	max(price) FILTER (WHERE fox)
	FROM (SELECT price, body ~ '\mred\M' AS red, body ~ '\mfox\M' AS fox FROM items) i};
my $settings = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET lc_messages = "C";';
my $sorted = "SELECT price, id FROM items WHERE body @@@ 'red' ORDER BY price, id LIMIT 40";

sub counts_right
{
	my ($server, $name) = @_;

	is($server->safe_psql('postgres', "$settings $by_index"), $server->safe_psql('postgres', $by_rows), $name);
	return;
}

like($standby->safe_psql('postgres', "$settings EXPLAIN SELECT count(*) FROM items WHERE body \@\@\@ 'red'"), qr/BarqCount/, 'the standby counts by the index');
like($standby->safe_psql('postgres', "$settings EXPLAIN $sorted"), qr/BarqSorted/, 'the standby sorts by the index');
counts_right($standby, 'a new standby');
like($standby->safe_psql('postgres', "$settings EXPLAIN (ANALYZE, COSTS OFF) SELECT count(*) FROM items WHERE body \@\@\@ 'red'"), qr/Heap Fetches: 0/, 'without its table');

# a snapshot of the standby that is older than all that follows
my $old = $standby->background_psql('postgres');
$old->query_safe($settings);
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $before = $old->query_safe($by_rows);
is($old->query_safe($by_index), $before, 'a long transaction');
my $xmin = $standby->safe_psql('postgres', 'SELECT backend_xmin FROM pg_stat_activity WHERE state = \'idle in transaction\'');
$node->poll_query_until('postgres', "SELECT backend_xmin = '$xmin' FROM pg_stat_replication") or die 'the standby reported no transaction';

foreach my $step ('DELETE FROM items WHERE id % 10 = 2', 'VACUUM (INDEX_CLEANUP on) items', q{SELECT barq_seal('items_body')},
	'INSERT INTO items ' . sprintf($rows, 3001, 3300), 'UPDATE items SET price = price + 1 WHERE id % 11 = 0', 'VACUUM (INDEX_CLEANUP on) items',
	q{SELECT barq_seal('items_body'), barq_compact('items_body')}, 'VACUUM items', 'REINDEX INDEX items_body')
{
	my ($name) = $step =~ /^(.{1,25})/;

	$node->safe_psql('postgres', $step);
	$node->wait_for_catchup($standby);
	counts_right($standby, "the standby after: $name");
	# a merge's truncation of the index would wait for it, as would REINDEX
	if ($step =~ /^UPDATE/)
	{
		$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on, TRUNCATE off) items');
		$node->wait_for_catchup($standby);
		is($old->query_safe($by_index), $before, 'the long transaction counts what it saw before');
		$old->query_safe('COMMIT');
		$old->quit;
	}
}

# what the standby's transaction held back may be so for a moment longer
my $plan = '';
for (my $i = 0; $i < 10 * $PostgreSQL::Test::Utils::timeout_default && $plan !~ /Heap Fetches: 0/; $i++)
{
	usleep(100_000) if $i > 0;
	$node->safe_psql('postgres', 'VACUUM items');
	$node->wait_for_catchup($standby);
	$plan = $standby->safe_psql('postgres', "$settings EXPLAIN (ANALYZE, COSTS OFF) SELECT count(*) FROM items WHERE body \@\@\@ 'red'");
}
like($plan, qr/Heap Fetches: 0/, 'all-visible again');

# the primary crashes, the standby is promoted
$node->safe_psql('postgres', 'DELETE FROM items WHERE id % 13 = 1; INSERT INTO items ' . sprintf($rows, 5001, 5100));
$node->wait_for_catchup($standby);
$node->stop('immediate');
$standby->promote;
counts_right($standby, 'promoted');
like($standby->safe_psql('postgres', "$settings EXPLAIN $sorted"), qr/BarqSorted/, 'promoted, it sorts by the index');
$node->start;
foreach my $server ($node, $standby)
{
	counts_right($server, $server->name . ' goes on');
	$server->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) items');
	counts_right($server, $server->name . ' after VACUUM');
}
$standby->stop;
$node->stop;
ok(!$node->log_contains('was terminated by signal|PANIC|TRAP|(?:reference|refcount|file|snapshot|lock|resource)[a-z ]* leak'), 'nothing crashed or leaked');
done_testing();
