# What searches have beyond an index scan: the custom scan without the sort key, refinements,
# targets of recall, batches with groups, barq_hybrid() with scores, groups, diversity and
# boosts. In a parallel worker, on a standby, page by page, without images, after a crash,
# merged, dumped and restored each gives the rows that the same statement gives by sorting.
use strict;
use warnings;

use BarqLife;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = new_server('everywhere', init => { allows_streaming => 1 }, conf => qq{
	barq.growing_limit = 64kB
	barq.image_directory = '$directory'
	jit = off
});
# vectors of 256 dimensions, of which 8 are their own, in a TOAST table; texts of different scores
$node->safe_psql('postgres', q{
	CREATE FUNCTION wide(i int) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
		(SELECT h || h || h || h FROM (SELECT q || q || q || q AS h FROM (SELECT e || e AS q FROM vec(i, 8) e OFFSET 0) x OFFSET 0) y);
	CREATE TABLE items (id int PRIMARY KEY, tenant int, document int, v vector(256), l vector(256), t text) WITH (autovacuum_enabled = off, toast_tuple_target = 128);
	ALTER TABLE items ALTER v SET STORAGE EXTERNAL, ALTER l SET STORAGE EXTERNAL;
	CREATE FUNCTION add(first int, last int) RETURNS void LANGUAGE sql BEGIN ATOMIC
		INSERT INTO items SELECT i, i % 10, i % 61, v, v, CASE WHEN i % 3 = 0 THEN repeat('fox ', i % 41 + 1) END || repeat('x ', i / 41)
		FROM (SELECT i, CASE WHEN i % 50 > 0 THEN wide(i) END AS v FROM generate_series(first, last) i) s;
	END;
	SELECT add(1, 4500);
	CREATE TABLE queries AS SELECT q, wide(q + 20000) AS v FROM generate_series(1, 20) q;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops, tenant) WITH (m = 8, ef_construction = 32, refine = on);
	CREATE INDEX items_l ON items USING barq_ivf (l vector_l2_ops, tenant) WITH (lists = 30, refine = on);
	CREATE INDEX items_t ON items USING barq_bm25 (t, tenant) WITH (text_config = 'simple');
	ANALYZE items;
});
is($node->safe_psql('postgres', q{SELECT string_agg(kind, ' ') FROM unnest(ARRAY['items_l', 'items_t', 'items_v']) i, barq_segments(i::regclass) WHERE state <> 'growing'}),
	'ivf bm25 hnsw', 'the segments have the expected kinds');

my $vectors = q{(SELECT array_agg(wide(10000 + i) ORDER BY i) FROM generate_series(1, 5) i)};
my $batch = sub { my ($column, $rest) = @_; return qq{SELECT query, (doc).id, round(distance::numeric, 5) FROM barq_search_batch(NULL::items, $vectors, 7, '$column'$rest)} };
my $hybrid = sub { return qq{SELECT (doc).id, round(score::numeric, 9), vector_rank, text_rank FROM barq_hybrid(NULL::items, embedding => wide(77), query => 'fox', k => 15, vector_column => 'v', $_[0])} };
# name, statement, the index that it searches last, what its plan has
my @searches = (
	[ 'ordered', q{SELECT id FROM items ORDER BY v <-> wide(77) LIMIT 20}, 'items_v', qr/BarqSearch.*Order By Value: not computed/s ],
	[ 'ordered, within a filter column', q{SELECT id FROM items WHERE tenant = 3 ORDER BY v <-> wide(77) LIMIT 20}, 'items_v', qr/Index Cond: .*tenant/ ],
	[ 'refined', q{SELECT id, v <-> wide(77) FROM items ORDER BY 2 LIMIT 20}, 'items_v', qr/items_v/ ],
	[ 'ordered, lists', q{SELECT id FROM items ORDER BY l <-> wide(77) LIMIT 20}, 'items_l', qr/BarqSearch.*Order By Value: not computed/s ],
	[ 'refined, lists', q{SELECT id, l <-> wide(77) FROM items WHERE tenant < 5 ORDER BY 2 LIMIT 20}, 'items_l', qr/Index Cond: .*tenant/ ],
	[ 'batch', $batch->('v', ''), 'items_v' ],
	[ 'batch, filtered', $batch->('v', q{, 'tenant = $1', '{4}'}), 'items_v' ],
	[ 'batch, groups', $batch->('v', q{, group_by => 'document', per_group => 2}), 'items_v' ],
	[ 'batch, lists', $batch->('l', ''), 'items_l' ],
	[ 'batch, lists, filtered', $batch->('l', q{, 'tenant = $1', '{4}'}), 'items_l' ],
	[ 'batch, lists, groups', $batch->('l', q{, group_by => 'document', per_group => 2}), 'items_l' ],
	[ 'hybrid', $hybrid->(q{filter => 'tenant < 8'}) ],
	[ 'hybrid, linear', $hybrid->(q{fusion => 'linear', vector_candidates => 40, text_candidates => 30}) ],
	[ 'hybrid, z-scores', $hybrid->(q{fusion => 'linear_zscore', vector_weight => 0.3}) ],
	[ 'hybrid, groups', $hybrid->(q{group_by => 'document', per_group => 2}) ],
	[ 'hybrid, diversity', $hybrid->(q{diversity => 0.4, vector_candidates => 30, text_candidates => 30}) ],
	[ 'hybrid, boost', $hybrid->(q{boost => '1 + tenant * $1::float8', filter_args => ARRAY[0.5]}) ]);
my $by_index = 'SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; SET barq.ef_search = 1000; SET barq.probes = 30;';
my $by_sort = 'SET enable_indexscan = off; SET enable_bitmapscan = off; SET barq.condition_scan = off;';

# What each search prints in one session: its rows, and the index that was searched last; of those
# with a plan to be checked, that too. Also all messages.
sub run
{
	my ($at, $database, $settings) = @_;
	my ($status, $printed, $messages) = $at->psql($database, join("\n\\echo ====\n", $settings, map {
		("$_->[1];\nSELECT 'by ' || coalesce(index::text, 'nothing') FROM barq_last_scan();", $_->[3] ? "EXPLAIN (COSTS OFF) $_->[1];" : '') } @searches));

	is($status, 0, 'the searches succeed') or diag($messages);
	my (undef, @printed) = split /^====\n?/m, $printed;
	return ($messages, @printed);
}

# The rows of each search by the index and by a sort. Returns what the searches by the index say.
sub found
{
	my ($what, $server, $database) = @_;
	my $at = $server // $node;

	$database //= 'postgres';
	my ($said, @indexed) = run($at, $database, $by_index);
	my (undef, @sorted) = run($at, $database, $by_sort);

	foreach my $i (0 .. $#searches)
	{
		my ($name, undef, $index, $plan) = @{ $searches[$i] };
		my ($rows, $sorted) = ($indexed[2 * $i], $sorted[2 * $i]);

		$index //= 'items_t|items_v';
		like($rows, qr/^by (?:$index)$/m, "$what, $name: by the index");
		like($sorted, qr/^by nothing$/m, "$what, $name: without an index");
		is($rows =~ s/^by \S+$//mr, $sorted =~ s/^by \S+$//mr, "$what, $name: the rows of a sort");
		like($indexed[2 * $i + 1], $plan, "$what, $name: its plan") if $plan;
	}

	# a target of recall, and the breadth for it
	foreach my $column ('v', 'l')
	{
		my $nearest = qq{SELECT array_agg(ROW(q, id)::text) FROM queries, LATERAL (SELECT id FROM items ORDER BY $column <-> queries.v LIMIT 10) s};
		my %wanted = map { $_ => 1 } $at->safe_psql($database, "$by_sort $nearest") =~ /\((\d+,\d+)\)/g;
		my ($status, $rows, $messages) = $at->psql($database, "$by_index RESET barq.ef_search; RESET barq.probes; SET barq.target_recall = 0.95; $nearest");
		my @ids = $rows =~ /\((\d+,\d+)\)/g;

		is(scalar @ids, 200, "$what, $column: all rows of a search for a target");
		cmp_ok(scalar(grep { $wanted{$_} } @ids), '>=', 184, "$what, $column: the target of recall");
		$said .= $messages;
	}
	return $said if $server;
	is($at->safe_psql($database, "SELECT * FROM unnest(ARRAY['items_v', 'items_l', 'items_t']) i, barq_check(i::regclass)"), '', "$what: sound");
	return $said;
}

found('built');
$node->safe_psql('postgres', 'SELECT add(4501, 4600); DELETE FROM items WHERE id % 7 = 2');
$node->safe_psql('postgres', 'VACUUM items');
found('changed');

# the custom scan as a whole in a parallel worker, as a session's first statement
{
	my $force = $node->pg_version->major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
	local $ENV{PGOPTIONS} = "-c enable_seqscan=off -c enable_sort=off -c $force=on";
	my ($statement) = $searches[0][1];

	like($node->safe_psql('postgres', "EXPLAIN (COSTS OFF) $statement"), qr/^Gather.*BarqSearch/s, 'the custom scan is below a Gather');
	is($node->safe_psql('postgres', $statement), $node->safe_psql('postgres', "$by_sort SET enable_seqscan = on; SET enable_sort = on; $statement"),
		'in a parallel worker: the rows of a sort');
}

my $standby = new_standby($node, 'everywhere_standby');
$node->safe_psql('postgres', 'SELECT add(4601, 4620)');
$node->wait_for_catchup($standby);
found('standby', $standby);
$standby->stop;

like(live_without_images($node, columns => [ 'l', 't', 'v' ], rebuilt => 'items_v', next => 4621, found => \&found),
	qr/WARNING:.*searched page by page/, 'a WARNING says that pages are read');
dump_and_restore($node);
$node->safe_psql('restored', 'ANALYZE');
found('restored', undef, 'restored');

$node->stop;
done_testing();
