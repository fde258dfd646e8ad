# A search within a radius: taken by the first query of a session whose library is not
# preloaded, inside a parallel worker, page by page where no image can be made, on a standby, and while segments
# are replaced; everywhere the rows of a sequential scan.
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
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 3000) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	INSERT INTO items SELECT i, vec(i) FROM generate_series(3001, 3300) i;
	DELETE FROM items WHERE id % 10 = 3;
	ANALYZE items;
});
my $standby = new_standby($primary, 'standby');

my $radius = $primary->safe_psql('postgres',
	q{SELECT d FROM (SELECT v <-> vec(77) AS d FROM items OFFSET 0) x ORDER BY d OFFSET 40 LIMIT 1});
my $query = qq{SELECT id FROM items WHERE v <-> vec(77) < $radius ORDER BY id};
my $forced = '-c enable_seqscan=off -c enable_indexscan=off';
my $expected = do
{
	local $ENV{PGOPTIONS} = '-c barq.condition_scan=off';
	$primary->safe_psql('postgres', $query);
};
is(scalar(split /\n/, $expected), 40, 'rows of a sequential scan');

# Checks of one server in one state: the query is a session's first statement.
sub same_rows
{
	my ($node, $what, $settings) = @_;
	local $ENV{PGOPTIONS} = $settings // $forced;
	my ($plan, $rows, $messages);

	$node->psql('postgres', "EXPLAIN (COSTS OFF) $query", stdout => \$plan);
	$node->psql('postgres', $query, stdout => \$rows, stderr => \$messages);
	like($plan, qr/Custom Scan \(BarqRadius\) on items/, "$what: a search within the radius");
	is($rows, $expected, "$what: the rows of a sequential scan");
	return ($messages, $plan);
}

same_rows($primary, 'first query of a session');

my $force = $primary->pg_version->major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
$primary->safe_psql('postgres', 'ALTER FUNCTION vec(int, int) PARALLEL SAFE');
my (undef, $plan) = same_rows($primary, 'in a parallel worker', "$forced -c $force=on");
like($plan, qr/Gather.*BarqRadius/s, 'the scan is below a Gather');
$primary->wait_for_catchup($standby);
same_rows($standby, 'standby');

# without images
$primary->append_conf('postgresql.conf', "barq.image_directory = '/dev/null/none'");
$primary->restart;
my ($messages) = same_rows($primary, 'page by page');
like($messages, qr/WARNING/, 'a warning that there are no images');

# while the index changes: rows beyond the radius come and go, segments are replaced
my $writer = $primary->background_psql('postgres');
$writer->query_safe(q{SET client_min_messages = error});
my $different = 0;
for my $round (1 .. 12)
{
	$writer->query_safe("INSERT INTO items SELECT i, vec(i + 50000) FROM generate_series($round * 1000 + 10000, $round * 1000 + 10150) i WHERE vec(i + 50000) <-> vec(77) > $radius");
	$writer->query_safe($round % 3 == 0 ? q{SELECT barq_compact('items_v')} : q{SELECT barq_seal('items_v')});
	$writer->query_safe('VACUUM items') if $round % 4 == 0;
	local $ENV{PGOPTIONS} = $forced;
	$different++ if $primary->safe_psql('postgres', $query) ne $expected;
}
is($different, 0, 'the same rows while segments are replaced');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM barq_check('items_v')}), '0', 'the index is sound');
$writer->quit;

done_testing();
