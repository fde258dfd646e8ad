# How often merges write a row again, counted by barq_stats(), while an index grows
# slowly through several sizes, with each merge that is due done at once. A segment
# that is large beside what is inserted is left alone.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('amplification', conf => q{
	shared_preload_libraries = 'barq'
	barq.background = on
	barq.growing_limit = 64kB
	log_statement = none
});

# A table whose index has the given options, and a function that inserts rows up to a
# number, a log at a time, and waits for the worker each time.
sub new_table
{
	my ($options) = @_;

	$node->safe_psql('postgres', qq{
		DROP TABLE IF EXISTS items;
		CREATE TABLE items (id int, v vector(96));
		CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH ($options)});
	return;
}

my $rows_a_log = 440;

sub grow_to
{
	my ($from, $to) = @_;

	for (my $first = $from + 1; $first <= $to; $first += $rows_a_log)
	{
		my $last = $first + $rows_a_log - 1;
		$node->safe_psql('postgres', "INSERT INTO items SELECT i, vec(i, 96) FROM generate_series($first, $last) i");
		idle($node);
	}
	return;
}

# Rows merged a row sealed, bytes merged a byte sealed, and the number of segments.
sub written
{
	return split /\|/, $node->safe_psql('postgres', q{
		SELECT round(rows_compacted / rows_sealed::numeric, 2), round(bytes_compacted / bytes_sealed::numeric, 2),
			(SELECT count(*) FROM barq_segments('items_v') WHERE state <> 'growing')
		FROM barq_stats() WHERE index = 'items_v'::regclass});
}

my $done = 0;
new_table('ef_construction = 32');
foreach my $rows (6000, 12000, 24000)
{
	grow_to($done, $rows);
	$done = $rows;
	my ($row, $byte, $segments) = written();
	note "$rows rows: each merged $row times, $byte bytes a byte, $segments segments";
	cmp_ok($row, '<=', 5, "$rows rows: merges have written each row at most five times");
	cmp_ok($byte, '<=', 8, "$rows rows: merges have written at most eight bytes a byte sealed");
	cmp_ok($segments, '<=', 16, "$rows rows: few segments");
}
sound($node, 'items_v', 'sound after many merges');

new_table(q{ef_construction = 32, compaction = 'writes', compaction_ratio = 2});
grow_to(0, 12000);
my ($writes) = written();
new_table(q{ef_construction = 32, compaction = 'reads', compaction_ratio = 2});
grow_to(0, 12000);
my ($reads, undef, $segments) = written();
note "12,000 rows: each merged $writes times to spare writes, $reads times to spare reads";
cmp_ok($writes, '<', $reads, 'compaction = writes spares writes');
cmp_ok($segments, '<=', 12, 'compaction = reads: few segments');

# the other access methods follow the same policy
foreach my $index ('barq_ivf (v vector_l2_ops)', q{barq_bm25 (body) WITH (text_config = 'simple')})
{
	$node->safe_psql('postgres', qq{
		DROP TABLE items;
		CREATE TABLE items (id int, v vector(96), body text);
		CREATE INDEX items_v ON items USING $index});
	for (my $first = 1; $first <= 12000; $first += 1000)
	{
		$node->safe_psql('postgres', join ';', map {
			my $from = $first + 250 * $_;
			"INSERT INTO items SELECT i, vec(i, 96), (SELECT string_agg('w' || (i * 7919 + j * j) % 5000, ' ') FROM generate_series(1, 12) j)
				FROM generate_series($from, $from + 249) i";
		} 0 .. 3);
		idle($node);
	}
	my ($row, undef, $segments) = written();
	my ($method) = $index =~ /^(\w+)/;
	note "$method: each row merged $row times, $segments segments";
	cmp_ok($row, '<=', 5, "$method: merges have written each row at most five times");
	cmp_ok($segments, '<=', 16, "$method: few segments");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM barq_check('items_v') WHERE severity = 'error'}), 0, "$method: sound");
}

# a giant: built, not sealed
$node->safe_psql('postgres', q{
	DROP TABLE items;
	CREATE TABLE items (id int, v vector(96));
	INSERT INTO items SELECT i, vec(i, 96) FROM generate_series(1, 30000) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (ef_construction = 32)});
grow_to(30000, 36000);
cmp_ok($node->safe_psql('postgres', q{SELECT rows_compacted FROM barq_stats() WHERE index = 'items_v'::regclass}), '<', 30000,
	'a fifth more rows: the large segment is not written again');
is($node->safe_psql('postgres', q{SELECT max(rows) FROM barq_segments('items_v') WHERE state <> 'growing'}), 30000,
	'the large segment is the one that was built');
$node->stop;
done_testing();
