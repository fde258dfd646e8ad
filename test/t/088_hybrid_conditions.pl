# barq_hybrid(): in both rankings the filter, and a policy of row security, are conditions
# of the index's search (filter columns), or a bitmap of other indexes restricts it: with
# parameters, kept plans and partitions. auto_explain shows the plans of the rankings.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('hybrid_conditions', conf => q{
	session_preload_libraries = 'auto_explain'
	auto_explain.log_min_duration = 0
	auto_explain.log_nested_statements = on
	auto_explain.log_analyze = on
	auto_explain.log_timing = off
	auto_explain.log_level = notice
	jit = off
	enable_seqscan = off
	enable_sort = off
});
my $columns = 'id int, tenant int, day date, price int, tags text[], body text, v vector(8)';
$node->safe_psql('postgres', qq{
	SET auto_explain.log_min_duration = -1;
	CREATE TABLE items ($columns) WITH (autovacuum_enabled = off);
	CREATE TABLE parts ($columns) PARTITION BY LIST (tenant);
	CREATE TABLE parts_3 PARTITION OF parts FOR VALUES IN (3);
	CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
	INSERT INTO items SELECT i, i % 10, date '2026-01-01' + i % 100, i * 7 % 1000, ARRAY['t' || i % 20],
		'shoes' || repeat(' and socks', i % 4) || CASE WHEN i % 1000 = 3 THEN ' rare' ELSE '' END, vec(i, 8) FROM generate_series(1, 3000) i;
	INSERT INTO parts SELECT * FROM items;
	CREATE INDEX ON items USING barq_hnsw (v vector_l2_ops, tenant, day);
	CREATE INDEX ON items USING barq_bm25 (body, tenant, day) WITH (text_config = 'simple');
	CREATE INDEX ON parts USING barq_hnsw (v vector_l2_ops, tenant, day);
	CREATE INDEX ON parts USING barq_bm25 (body, tenant, day) WITH (text_config = 'simple');
	CREATE INDEX ON items (price);
	CREATE INDEX ON items USING gin (tags);
	CREATE INDEX ON parts (price);
	ANALYZE items, parts;
	CREATE ROLE reader;
	GRANT SELECT ON items, parts TO reader;
	CREATE POLICY own ON items TO reader USING (tenant = current_setting('app.tenant')::int);
	CREATE POLICY own ON parts TO reader USING (tenant = current_setting('app.tenant')::int);
});

# Runs statements, of which the last one calls barq_hybrid(). Returns what it prints, and
# the plans of the two rankings.
sub legs
{
	my ($sql) = @_;
	my ($status, $out, $plans) = $node->psql('postgres', $sql);
	my %plan;

	is($status, 0, 'the call succeeds') or diag($plans);
	foreach my $part (split /^.*NOTICE:  duration: .* plan:$/m, $plans)
	{
		$plan{vector} = $part if $part =~ /^\s*Query Text: SELECT .*<->.* ORDER BY 3/s;
		$plan{text} = $part if $part =~ /^\s*Query Text: SELECT .*<@>.* ORDER BY 3/s;
	}
	s/\A.*? ORDER BY 3 LIMIT \S+\n//s foreach values %plan;
	return ($out, $plan{vector} // '', $plan{text} // '');
}

# A call with a filter; both rankings are to have plans like the pattern.
sub check
{
	my ($what, $before, $table, $filter, $pattern, $tenant) = @_;
	my ($out, $vector, $text) = legs("$before SELECT count(*) > 20, bool_and($tenant), bool_or(vector_rank IS NOT NULL), bool_or(text_rank IS NOT NULL)
		FROM barq_hybrid(NULL::$table, '[0,0,0,0,0,0,0,0]', 'shoes rare', k => 30, candidates => 100, $filter)");
	is($out, 't|t|t|t', "$what: the rows are those of the condition");
	like($vector, $pattern, "$what: the vectors' search has it");
	like($text, $pattern, "$what: the texts' search has it");
	return;
}

my $generic = 'SET plan_cache_mode = force_generic_plan;';
my $role = 'SET app.tenant = 3; SET ROLE reader;';
# or the planner checks conditions that many rows satisfy after the search
my $bitmaps = 'SET enable_indexscan = off;';
my $is_3 = '(doc).tenant = 3';

foreach my $mode ([ '', '' ], [ ', a kept plan', $generic ])
{
	my ($kept, $set) = @$mode;

	check("filter column$kept", $set, 'items', q{filter => 'tenant = $1', filter_args => ARRAY[3]},
		qr/(?:Index Scan using|Index:) items_(?:v|body)_tenant_day_idx.*Index Cond: .*tenant = (?:3|\$1)/s, $is_3);
	check("two filter columns$kept", $set, 'items', q{filter => 'tenant = ANY ($1) AND day >= $2', filter_args => ARRAY['{3,13}', '2026-02-01']},
		qr/Index Cond: (?=.*tenant = ANY)(?=.*day >= )/, $is_3);
	check("btree$kept", "$set $bitmaps", 'items', q{filter => 'price < $1 AND tenant = 3', filter_args => ARRAY[500]},
		qr/Custom Scan \(BarqCondition\).*Index Cond: .*tenant = 3.*Bitmap Index Scan on items_price_idx.*Index Cond: \(price < (?:500|\$1)/s, $is_3);
	check("GIN$kept", "$set $bitmaps", 'items', q{filter => 'tags @> $1', filter_args => ARRAY['{t3}']},
		qr/Custom Scan \(BarqCondition\).*Bitmap Index Scan on items_tags_idx/s, '(doc).id % 20 = 3');
	check("partitions$kept", $set, 'parts', q{filter => 'tenant = $1 AND day >= $2', filter_args => ARRAY['3', '2026-02-01']},
		qr/(?:Index Scan using|Index:) parts_3_(?:v|body)_tenant_day_idx.*Index Cond: (?=.*tenant = )(?=.*day >= )/s, $is_3);
}
$node->safe_psql('postgres', 'ALTER TABLE items ENABLE ROW LEVEL SECURITY; ALTER TABLE parts ENABLE ROW LEVEL SECURITY');
foreach my $mode ([ '', '' ], [ ', a kept plan', $generic ])
{
	my ($kept, $set) = @$mode;

	check("row security$kept", "$set $role", 'items', 'filter => NULL', qr/(?:Index Scan using|Index:).*Index Cond: .*tenant = .*current_setting/s, $is_3);
	check("row security and a filter$kept", "$set $role", 'items', q{filter => 'day >= $1', filter_args => ARRAY['2026-02-01']},
		qr/(?:Index Scan using|Index:).*Index Cond: (?=.*tenant = .*current_setting)(?=.*day >= )/s, $is_3);
	check("row security, a filter and a btree$kept", "$set $bitmaps $role", 'items', q{filter => 'price < $1', filter_args => ARRAY[500]},
		qr/Custom Scan \(BarqCondition\).*Index Cond: .*tenant = .*current_setting.*Bitmap Index Scan on items_price_idx/s, $is_3);
	check("row security of partitions$kept", "$set $role", 'parts', 'filter => NULL',
		qr/Subplans Removed: 1.*(?:Index Scan using|Index:) parts_3_.*Index Cond: .*tenant = .*current_setting/s, $is_3);
}

# Under row security the words found end a ranking, not the last row of the tenant.
my ($out, undef, $text) = legs("$role SELECT count(*) FROM barq_hybrid(NULL::items, query => 'rare', k => 30)");
is($out, 3, 'texts that have the word');
unlike($text, qr/Filter: /, 'no score is computed from texts');
my ($rows) = $text =~ /(?:Index Scan using \S+|Custom Scan \(BarqSearch\)) on items .*rows=(\d+)/;
ok(defined $rows && $rows <= 4, 'the ranking ends with the first text that does not have it') or diag($text);

# A policy hides what the words of another tenant find.
($out) = legs("SET app.tenant = 4; SET ROLE reader; SELECT count(*) FROM barq_hybrid(NULL::items, query => 'rare', k => 30)");
is($out, 0, 'no row of another tenant');
$node->stop;
done_testing();
