# Inserts where no background worker can be had, because barq.background is off or no
# slot of max_worker_processes is free: an insert seals at most a small part of the log,
# joins small segments by copying and never merges; the number of segments is bounded; at
# growing_hard_limit barq.backpressure decides (a WARNING once, nothing, or an error); and
# VACUUM merges a bounded amount.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('alone', conf => q{
	log_statement = none
	max_worker_processes = 0
	max_parallel_workers = 0
});
my $limits = q{SET barq.growing_limit = '64kB'; SET barq.growing_hard_limit = '1MB'; };
my $next = 1;

$node->safe_psql('postgres', q{
	CREATE FUNCTION words(i int) RETURNS text LANGUAGE sql IMMUTABLE AS
		$$ SELECT string_agg('w' || (i * j * j) % 997, ' ') FROM generate_series(1, 40) j $$;
	CREATE TABLE source AS SELECT i AS id, vec(i) AS v, words(i) AS b FROM generate_series(1, 30000) i});

# [method, column, definition of the column, key, bytes of a joined segment at most]
my @kinds = (
	[ 'barq_hnsw', 'v', 'vector(32)', 'v vector_l2_ops', 4 * 1024 * 1024 ],
	[ 'barq_ivf', 'v', 'vector(32)', 'v vector_l2_ops', 4 * 1024 * 1024 ],
	[ 'barq_bm25', 'b', 'text', 'b', 1024 * 1024 ]);

sub make_table
{
	my ($table, $kind) = @_;
	my ($method, $column, $type, $key) = @$kind;
	my $with = $method eq 'barq_bm25' ? q{WITH (text_config = 'simple')} : '';

	$node->safe_psql('postgres', "CREATE TABLE $table (id int, $column $type);
		CREATE INDEX ${table}_i ON $table USING $method ($key) $with");
	$next = 1;
	return;
}

sub rows
{
	my ($table, $column, $n) = @_;
	my $first = $next;

	$next += $n;
	return "INSERT INTO $table SELECT s.id, s.$column FROM source s WHERE s.id BETWEEN $first AND $next - 1; ";
}

sub count_of
{
	my ($table, $what) = @_;

	return $node->safe_psql('postgres', "SELECT $what FROM barq_segments('${table}_i')");
}

# Every row once, by a query that the index answers.
sub all_there
{
	my ($table, $column, $rows, $what) = @_;

	is($node->safe_psql('postgres', "SELECT count(*) FROM $table"), $rows, "$what: the rows that were committed");
	is(count_of($table, 'sum(rows) - sum(dead_rows)'), $rows, "$what: the index has as many");
	found_once($node, $table, "$what: every row once") if $column eq 'v';
	sound($node, "${table}_i", "$what: sound", errors => 1);
	return;
}

# The setting cannot be changed in a session.
sub background_work
{
	my ($setting) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET barq.background = $setting");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('barq.background') = '$setting'") or die;
	return;
}

foreach my $background ('off', 'on')
{
	background_work($background);
	foreach my $kind (@kinds)
	{
		my ($method, $column, undef, undef, $most) = @$kind;
		my $what = "$method, " . ($background eq 'off' ? 'background off' : 'no slot');
		my $session = session($node);

		make_table('items', $kind);

		# an insert never merges, and the number of segments stays small
		ask($session, $limits . q{SET barq.growing_hard_limit = '1GB'; } . rows('items', $column, 20000));
		is($session->{err}, '', "$what: no message below growing_hard_limit");
		is(ask($session, q{SELECT sum(compactions) FROM barq_stats() WHERE index = 'items_i'::regclass}), '0', "$what: no merge by an insert");
		my $seals = ask($session, q{SELECT sum(seals) FROM barq_stats() WHERE index = 'items_i'::regclass});
		my $segments = segment_count($node, 'items_i');
		cmp_ok($seals, '>', 16, "$what: inserts have sealed ($seals times)");
		# at most three below each class of sizes, and the large ones
		my $large = count_of('items', "count(*) FILTER (WHERE state <> 'growing' AND page_bytes > $most / 4)");
		cmp_ok($segments - $large, '<=', 4 * 3, "$what: few small segments ($segments, of them $large large ones)");
		is(count_of('items', q{count(*) FILTER (WHERE state = 'compacted')}), '0', "$what: no segment was merged");
		cmp_ok(count_of('items', q{max(page_bytes) FILTER (WHERE state <> 'growing')}), '<=', $most * 1.1, "$what: no large segment was written");
		cmp_ok(growing_bytes($node, 'items_i'), '<=', 64 * 1024, "$what: the log stays short");
		all_there('items', $column, 20000, $what);

		# rows that die before and after a join
		ask($session, 'DELETE FROM items WHERE id % 3 = 0');
		ask($session, 'ALTER INDEX items_i SET (compaction_ratio = 64, max_segments = 1000); VACUUM items');
		my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM items');
		ask($session, "$limits SET barq.growing_hard_limit = '1GB'; " . rows('items', $column, 5000));
		is(count_of('items', q{count(*) FILTER (WHERE state = 'compacted')}), '0', "$what: VACUUM has merged nothing that was not due");
		all_there('items', $column, $rows + 5000, "$what, after VACUUM");
		ask($session, 'ALTER INDEX items_i RESET (compaction_ratio, max_segments)');

		# at the hard limit
		ask($session, "$limits SET barq.backpressure = 'inline'; SET barq.growing_hard_limit = '256kB'; " . rows('items', $column, 500));
		is($session->{err}, '', "$what: inline goes on silently");
		ask($session, q{SET barq.backpressure = 'wait'; } . rows('items', $column, 1000) . rows('items', $column, 1000));
		my $warnings = () = $session->{err} =~ /WARNING:  53400: index "items_i" has reached growing_hard_limit, and no background worker merges its segments/g;
		is($warnings, 1, "$what: wait warns, once");
		like($session->{err}, qr/DETAIL:  The log has \d+ kB, segments that wait to be merged have \d+ kB, the limit is 256 kB\./, "$what: with sizes");
		like($session->{err}, qr/HINT:  .*VACUUM or barq_compact\(\)/, "$what: and a hint");
		send_sql($session, q{SET barq.backpressure = 'error'; } . rows('items', $column, 500));
		answer($session);
		like($session->{err}, qr/ERROR:  53400: growing log of index "items_i" has reached growing_hard_limit/, "$what: error fails");
		like($session->{err}, qr/HINT:  .*VACUUM or barq_compact\(\)/, "$what: and says what helps");

		# VACUUM merges, no more than the limit at once
		my $vacuum = session($node);
		ask($vacuum, q{SET barq.growing_limit = '64kB'; SET barq.growing_hard_limit = '512kB'; SET barq.compaction_ratio = 2; VACUUM (INDEX_CLEANUP on) items});
		my $merged = ask($vacuum, q{SELECT sum(bytes_compacted) FROM barq_stats() WHERE index = 'items_i'::regclass});
		cmp_ok($merged, '>', 0, "$what: VACUUM merges ($merged bytes)");
		cmp_ok($merged, '<', 1024 * 1024, "$what: not much more than growing_hard_limit of inputs");
		ask($vacuum, q{SELECT barq_compact('items_i')});
		ask($session, rows('items', $column, 500));
		all_there('items', $column, $node->safe_psql('postgres', 'SELECT count(*) FROM items'), "$what, merged");
		quit($vacuum);

		# a session that holds the maintenance lock stops no insert
		my $holder = session($node);
		ask($holder, 'BEGIN; ALTER INDEX items_i SET (compaction_ratio = 9)');
		ask($session, q{SET barq.backpressure = 'wait'; } . rows('items', $column, 1500));
		is(ask($session, q{SELECT sum(wait_time) < 4000 FROM barq_stats() WHERE index = 'items_i'::regclass}), 't', "$what: no insert waits until its patience ends");
		ask($holder, 'ROLLBACK');
		quit($holder);
		quit($session);
		$node->safe_psql('postgres', 'DROP TABLE items');
	}
}

$node->stop;
done_testing();
