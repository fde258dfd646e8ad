# The distribution of rows moves away from that of the first rows: the worker trains
# new lists as it compacts, so recall holds without REINDEX. The lists of pgvector's
# ivfflat do not move, and its recall falls: this part needs a server with pgvector
# (docs/bench.md tells how to install it).
use strict;
use warnings;

use BarqSession;
use BarqTest;
use List::Util qw(sum);
use PostgreSQL::Test::Utils;
use Test::More;

use constant { ROWS => 15000, QUERIES => 200, DIMS => 32, LISTS => 100, PROBES => 4 };

my $node = new_server('drift', conf => q{
	barq.background = on
});
my $folder = PostgreSQL::Test::Utils::tempdir;

srand(5);
sub normal { return sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand()); }

# Random points on a sphere of $spread dimensions, the other dimensions almost 0.
# Lists trained on points of few dimensions cannot separate points of more.
sub sphere
{
	my ($spread) = @_;

	return sub {
		my @v = map { normal() } 1 .. $spread;
		my $norm = sqrt(sum(map { $_ * $_ } @v));
		@v = map { $_ / $norm } @v;
		push @v, map { 0.02 * normal() } $spread + 1 .. DIMS;
		return '[' . join(',', map { sprintf '%.4f', $_ } @v) . ']';
	};
}

# A file for COPY with n rows from $first on.
sub file_of
{
	my ($name, $draw, $first, $n) = @_;
	my $path = "$folder/$name";

	open(my $file, '>', $path) or die "$path: $!";
	print $file "$_\t" . $draw->() . "\n" foreach $first .. $first + $n - 1;
	close $file;
	return $path;
}

my ($here, $there) = (sphere(2), sphere(8));
my $old_rows = file_of('old', $here, 0, ROWS);
my $new_rows = file_of('new', $there, ROWS, ROWS);
my $old_queries = file_of('old_queries', $here, 0, QUERIES);
my $new_queries = file_of('new_queries', $there, 0, QUERIES);

# Mean share of the ten true neighbours that the index finds.
sub recall_of
{
	my ($database, $queries, $setting) = @_;

	return $node->safe_psql($database, qq{
		CREATE TEMP TABLE found AS SELECT id, v, NULL::int[] AS by_index, NULL::int[] AS by_scan FROM $queries;
		SET $setting = @{[PROBES]};
		SET enable_seqscan = off;
		UPDATE found f SET by_index = array(SELECT id FROM items ORDER BY v <-> f.v LIMIT 10);
		SET enable_seqscan = on; SET enable_indexscan = off;
		UPDATE found f SET by_scan = array(SELECT id FROM items ORDER BY v <-> f.v LIMIT 10);
		SELECT round(avg((SELECT count(*) FROM unnest(by_index) i WHERE i = ANY (by_scan))) / 10, 3) FROM found});
}

sub fill
{
	my ($database, $method) = @_;

	$node->safe_psql($database, qq{
		CREATE TABLE items (id int, v vector(@{[DIMS]}));
		CREATE TABLE old_queries (LIKE items);
		CREATE TABLE new_queries (LIKE items);
		COPY items FROM '$old_rows';
		COPY old_queries FROM '$old_queries';
		COPY new_queries FROM '$new_queries';
		CREATE INDEX items_v ON items USING $method (v vector_l2_ops) WITH (lists = @{[LISTS]})});
	return;
}

# barq: rows are inserted a few at a time, and only the worker compacts. It has to
# leave one segment: in small segments, which are scanned completely, recall would
# hold without new lists.
fill('postgres', 'barq_ivf');
$node->safe_psql('postgres', qq{
	CREATE TABLE moved (LIKE items);
	COPY moved FROM '$new_rows'});
$node->safe_psql('postgres', q{ALTER INDEX items_v SET (growing_limit = '64kB', max_segments = 1)});
foreach my $tenth (0 .. 9)
{
	$node->safe_psql('postgres', qq{
		INSERT INTO items SELECT * FROM moved WHERE id % 10 = $tenth});
}
wait_until('all rows but the end of the log are in lists', sub {
	return $node->safe_psql('postgres', qq{
		SELECT sum(rows) FILTER (WHERE kind = 'ivf') > 1.9 * @{[ROWS]}
			AND NOT bool_or(kind = 'flat') FROM barq_segments('items_v')}) eq 't';
});
idle($node);
my $held = recall_of('postgres', 'new_queries', 'barq.probes');
$node->safe_psql('postgres', q{SELECT barq_seal('items_v'), barq_compact('items_v')});
my $compacted = recall_of('postgres', 'new_queries', 'barq.probes');
my $old = recall_of('postgres', 'old_queries', 'barq.probes');
sound($node, 'items_v', 'the index is sound after the move');
$node->safe_psql('postgres', 'REINDEX INDEX items_v');
my $fresh = recall_of('postgres', 'new_queries', 'barq.probes');
my $fresh_old = recall_of('postgres', 'old_queries', 'barq.probes');
note("barq: moved $held, compacted $compacted (old rows $old); after REINDEX $fresh (old rows $fresh_old)");
cmp_ok($held, '>=', $fresh - 0.03, 'the worker holds recall without REINDEX');
cmp_ok($compacted, '>=', $fresh - 0.03, 'one compaction holds recall without REINDEX');
cmp_ok($old, '>=', $fresh_old - 0.03, 'recall of the old rows holds too');

SKIP:
{
	skip 'pgvector is not in this server', 2
		if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'}) eq '0';

	$node->safe_psql('postgres', 'CREATE DATABASE peer');
	$node->safe_psql('peer', 'CREATE EXTENSION vector');
	fill('peer', 'ivfflat');
	my $peer_before = recall_of('peer', 'old_queries', 'ivfflat.probes');
	$node->safe_psql('peer', "COPY items FROM '$new_rows'");
	my $peer_moved = recall_of('peer', 'new_queries', 'ivfflat.probes');
	$node->safe_psql('peer', 'REINDEX INDEX items_v');
	my $peer_fresh = recall_of('peer', 'new_queries', 'ivfflat.probes');
	note("pgvector: before $peer_before; moved $peer_moved; after REINDEX $peer_fresh");
	cmp_ok($peer_moved, '<', $peer_fresh - 0.1, "pgvector's recall falls until REINDEX");
	cmp_ok($held, '>', $peer_moved + 0.1, "pgvector's recall falls below that of barq");
}

done_testing();
