# A search within the bitmap of another index, and one that makes it when it needs it: taken by the first query of a session
# whose library is not preloaded, inside a parallel worker, page by page where no image
# can be made, and on a standby; everywhere the rows of a sort.
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
	CREATE TABLE items (id int PRIMARY KEY, price int, away int, v vector(32));
	INSERT INTO items SELECT i, i * 7919 % 1000, 10000 * (vec(i) <-> vec(77)), vec(i) FROM generate_series(1, 3000) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	CREATE INDEX items_price ON items (price);
	CREATE INDEX items_away ON items (away);
	INSERT INTO items SELECT i, i * 7919 % 1000, 10000 * (vec(i) <-> vec(77)), vec(i) FROM generate_series(3001, 3300) i;
	DELETE FROM items WHERE id % 10 = 3;
	ANALYZE items;
});
my $standby = new_standby($primary, 'standby');

my $query = q{SELECT id FROM items WHERE price < 300 ORDER BY v <-> vec(77) LIMIT 30};
my $forced = '-c enable_sort=off -c enable_seqscan=off -c enable_indexscan=off';
# the farther half of the rows, and the nearest one: the bitmap is needed
my $median = $primary->safe_psql('postgres', 'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY away) FROM items');
my $late = qq{SELECT id FROM items WHERE away >= $median OR away < 100 ORDER BY v <-> vec(77) LIMIT 9};
my $late_forced = '-c enable_sort=off -c enable_seqscan=off';
my ($sorted, $late_sorted) = do
{
	local $ENV{PGOPTIONS} = '-c barq.condition_scan=off -c enable_indexscan=off';
	map { $primary->safe_psql('postgres', $_) } ($query, $late);
};

# The result of a query that is a session's first statement; settings: of the session.
sub first_of_session
{
	my ($node, $text, $settings) = @_;
	local $ENV{PGOPTIONS} = $settings // $forced;
	my ($stdout, $stderr);

	$node->psql('postgres', $text, stdout => \$stdout, stderr => \$stderr);
	return ($stdout, $stderr);
}

# Checks of one server in one state; the first query's messages are returned.
sub same_rows
{
	my ($node, $what, $settings) = @_;
	my ($plan) = first_of_session($node, "EXPLAIN (COSTS OFF) $query", $settings);
	my ($rows, $messages) = first_of_session($node, $query, $settings);

	like($plan, qr/Custom Scan \(BarqCondition\) on items/, "$what: searched within the bitmap");
	is($rows, $sorted, "$what: the rows of a sort");
	my $with = $settings ? $late_forced . ($settings =~ s/\Q$forced//r) : $late_forced;
	like((first_of_session($node, "EXPLAIN (ANALYZE, COSTS OFF) $late", $with))[0],
		# a worker's counts stay there
		qr/Bitmap: when needed\n.*Searches Narrowed To Bitmap: @{[$what =~ 'worker' ? 0 : 1]}\n/, "$what: searched, then within the bitmap");
	is((first_of_session($node, $late, $with))[0], $late_sorted, "$what: the same, the rows of a sort");
	return ($messages, $plan);
}

same_rows($primary, 'first query of a session');
like((first_of_session($primary, "EXPLAIN (COSTS OFF) $query", ''))[0], qr/BarqCondition|Sort Key/,
	'a plan by costs');

my $force = $primary->pg_version->major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
$primary->safe_psql('postgres', 'ALTER FUNCTION vec(int, int) PARALLEL SAFE');
my (undef, $plan) = same_rows($primary, 'in a parallel worker', "$forced -c $force=on");
like($plan, qr/^Gather.*BarqCondition/s, 'the scan is below a Gather');

$primary->wait_for_catchup($standby);
same_rows($standby, 'standby');

# no folder can be made there
$primary->append_conf('postgresql.conf', "barq.image_directory = '/dev/null/none'");
$primary->restart;
my ($messages) = same_rows($primary, 'page by page');
like($messages, qr/WARNING:.*searched page by page/, 'there was no image');
$primary->stop;
$standby->stop;
done_testing();
