# VACUUM touches what is dead, not what is free: with 40 MB of free pages it reads a
# few pages of the index, and what a crash has left behind is found although the free space
# map does not know it; then it waits as vacuum_cost_delay says, and inserts do not wait for it.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('vacuum_free', conf => q{
	barq.growing_limit = 1GB
	barq.growing_hard_limit = 2GB
});

# Buffers of an index that a statement uses, in a session of its own.
sub buffers_of
{
	my ($index, $sql) = @_;
	my $count = "SELECT idx_blks_hit + idx_blks_read FROM pg_statio_user_indexes WHERE indexrelname = '$index'";
	my $flush = 'SELECT FROM pg_stat_force_next_flush()';

	my ($before) = $node->safe_psql('postgres', $count);
	$node->safe_psql('postgres', "$sql; $flush");
	return $node->safe_psql('postgres', $count) - $before;
}
sub stamped_free
{
	my ($index) = @_;

	$node->safe_psql('postgres', 'CHECKPOINT');
	my $content = slurp_file(relation_file($node, $index));
	return scalar grep { unpack('S', substr($content, $_ * 8192 + 8180, 2)) == 1 } 1 .. length($content) / 8192 - 1;
}

# the pages of segments of 40 MB are free after all their rows were deleted
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(2000));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
	INSERT INTO items SELECT i, array_fill(i::real, ARRAY[2000])::vector FROM generate_series(1, 5000) i;
	SELECT barq_seal('items_v');
	DELETE FROM items;
	VACUUM items;
	INSERT INTO items SELECT i, array_fill(i::real, ARRAY[2000])::vector FROM generate_series(1, 10) i});
cmp_ok(stamped_free('items_v'), '>=', 5000, 'there are 40 MB of free pages');
my @used = map { buffers_of('items_v', 'VACUUM items') } 1 .. 3;
note "buffers of three VACUUMs in a row: @used";
cmp_ok($used[0], '<=', 200, 'a VACUUM reads few pages');
cmp_ok($used[1], '<=', 200, 'and the second in a row');

# after an insert and a seal it is still so, and rows in the log are no reason
$node->safe_psql('postgres', q{INSERT INTO items SELECT i, array_fill(i::real, ARRAY[2000])::vector FROM generate_series(1, 300) i;
	SELECT barq_seal('items_v');
	INSERT INTO items SELECT i, array_fill(i::real, ARRAY[2000])::vector FROM generate_series(1, 300) i});
cmp_ok(buffers_of('items_v', 'VACUUM items'), '<=', 200, 'a VACUUM after inserts and a seal reads few pages');
sound($node, 'items_v', 'the index is sound');
cmp_ok($node->safe_psql('postgres', 'VACUUM (VERBOSE) items') // '', 'eq', '', 'VACUUM VERBOSE works');

# inserts use the free pages
my $size = $node->safe_psql('postgres', q{SELECT pg_relation_size('items_v')});
$node->safe_psql('postgres', q{INSERT INTO items SELECT i, array_fill(i::real, ARRAY[2000])::vector FROM generate_series(1, 2000) i});
is($node->safe_psql('postgres', q{SELECT pg_relation_size('items_v')}), $size, 'inserts take the free pages');
$node->safe_psql('postgres', q{SELECT barq_seal('items_v')});

# a crash: the map on disk is older than the pages; the next VACUUM looks at all
$node->safe_psql('postgres', 'VACUUM items; CHECKPOINT');
$node->safe_psql('postgres', q{INSERT INTO items SELECT i, array_fill(i::real, ARRAY[2000])::vector FROM generate_series(1, 1000) i});
$node->stop('immediate');
$node->start;
{
	# 5,000 pages at 4 ms for each: it is cancelled at last, so the next one looks at them again
	my $slow = background($node, q{SET vacuum_cost_delay = '40ms'; SET vacuum_cost_limit = 10; SET vacuum_cost_page_hit = 1; SET vacuum_cost_page_miss = 1; VACUUM items});
	my $delays = 0;

	wait_until('VACUUM waits in the index', sub {
		$delays += $node->safe_psql('postgres', qq{SELECT count(*) FROM pg_stat_activity a JOIN pg_stat_progress_vacuum p USING (pid)
			WHERE pid = $slow->{pid} AND wait_event = 'VacuumDelay' AND phase IN ('vacuuming indexes', 'cleaning up indexes')});
		return $delays >= 5 || !$slow->{run}->pumpable;
	});
	cmp_ok($delays, '>=', 5, 'VACUUM waits as vacuum_cost_delay says');
	$node->safe_psql('postgres', q{INSERT INTO items SELECT 0, array_fill(7::real, ARRAY[2000])::vector});
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_progress_vacuum WHERE pid = $slow->{pid}"), 1, 'an insert does not wait for it');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($slow->{pid})");
	finished($slow);
	like($slow->{err}, qr/canceling statement/, 'it can be cancelled');
}
my $after = buffers_of('items_v', 'VACUUM items');
cmp_ok($after, '>', 2000, "the first VACUUM after a crash looks at the free pages ($after buffers)");
$after = buffers_of('items_v', 'VACUUM items');
cmp_ok($after, '<=', 200, "the second does not ($after buffers)");
sound($node, 'items_v', 'sound after the crash');

# an orderly restart keeps the map
$node->restart;
$after = buffers_of('items_v', 'VACUUM items');
cmp_ok($after, '<=', 200, "nor does the first after an orderly restart ($after buffers)");

# without its map, the index is the same
my $file = relation_file($node, 'items_v');
$node->stop;
unlink "${file}_fsm" or die "no map: $!";
$node->start;
$node->safe_psql('postgres', 'VACUUM items');
sound($node, 'items_v', 'sound without a map');
$size = $node->safe_psql('postgres', q{SELECT pg_relation_size('items_v')});
$node->safe_psql('postgres', q{INSERT INTO items SELECT i, array_fill(i::real, ARRAY[2000])::vector FROM generate_series(1, 500) i});
is($node->safe_psql('postgres', q{SELECT pg_relation_size('items_v')}), $size, 'VACUUM has made a new map');

$node->stop;
done_testing();
