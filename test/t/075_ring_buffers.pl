# Maintenance does not push what sessions use out of shared_buffers: a seal of a long log, a
# merge, VACUUM, the first VACUUM after a crash, an image that is made from pages, barq_check()
# and CREATE INDEX each read or write more pages of an index than shared_buffers has, and a
# table that was read once before stays there.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

# 2,048 buffers; the table in use has some 400 pages, a scan of which takes no ring of its own
my $node = new_server('rings', conf => q{
	shared_buffers = 16MB
	barq.growing_limit = 1GB
	barq.growing_hard_limit = 2GB
	maintenance_work_mem = 256MB
	bgwriter_lru_maxpages = 0
	max_parallel_maintenance_workers = 0
});
$node->safe_psql('postgres', q{
	CREATE TABLE hot AS SELECT i, repeat('x', 900) AS pad FROM generate_series(1, 3200) i;
	VACUUM ANALYZE hot;
	CREATE TABLE items (id int, v vector(480)) WITH (autovacuum_enabled = off);
	ALTER TABLE items ALTER v SET STORAGE PLAIN;
	CREATE FUNCTION add(first int, last int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO items SELECT i, vec(i, 8) || array_fill(i::real, ARRAY[472])::vector FROM generate_series(first, last) i $$;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8, quantization = none)});
my $pages = $node->safe_psql('postgres', q{SELECT pg_relation_size('hot') / 8192});

sub number { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub read_of { my ($what) = @_; return number("SELECT heap_blks_read FROM pg_statio_user_tables WHERE relname = '$what'") }
my $flush = $node->pg_version->major >= 15 ? '; SELECT FROM pg_stat_force_next_flush()' : '';

# Reads the table in use after a restart, takes a step, and reads the table again.
sub stays
{
	my ($step, $sql, %options) = @_;
	my $at_least = $options{pages} // 3000;

	$node->safe_psql('postgres', 'CHECKPOINT') unless $options{crash};
	$node->stop($options{crash} ? 'immediate' : 'fast');
	$options{files}->() if $options{files};
	$node->start;
	$node->safe_psql('postgres', "SELECT count(*) FROM hot$flush");
	my $before = read_of('hot');
	$node->safe_psql('postgres', "SELECT count(*) FROM hot$flush");
	is(read_of('hot') - $before, 0, "$step: the table is in shared_buffers");

	my $traffic = q{SELECT idx_blks_read + idx_blks_hit FROM pg_statio_user_indexes WHERE indexrelname = 'items_v'};
	my $used = number($traffic);
	$node->safe_psql('postgres', $sql . $flush);
	$used = number($traffic) - $used;
	cmp_ok($used, '>=', $at_least, "$step: many pages of the index are used ($used)");
	$before = read_of('hot');
	$node->safe_psql('postgres', "SELECT count(*) FROM hot$flush");
	my $again = read_of('hot') - $before;
	cmp_ok($again, '<=', $pages / 10, "$step: the table is still there ($again of $pages pages were read again)");
}

$node->safe_psql('postgres', 'SELECT add(1, 12000)');
stays('seal', q{SELECT barq_seal('items_v')});
stays('VACUUM after a crash', 'VACUUM items', crash => 1);
$node->safe_psql('postgres', 'SELECT add(12001, 24000); DELETE FROM items WHERE id % 3 = 0');
stays('VACUUM of a long log', 'VACUUM items');
stays('check', q{SELECT count(*) FROM barq_segments('items_v'), barq_check('items_v', false)});
$node->safe_psql('postgres', q{SELECT barq_seal('items_v')});
stays('merge', q{SELECT barq_compact('items_v')});
my $search = q{SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> (SELECT v FROM items LIMIT 1) LIMIT 5) s;};
stays('image from pages', "SET enable_seqscan = off; @{[$search x 8]} SELECT",
	files => sub { system('find', $node->data_dir . '/pg_barq', '-name', '*.img', '-delete') });
stays('CREATE INDEX', q{REINDEX INDEX items_v}, pages => 0);
sound($node, 'items_v', 'the index is sound');
$node->stop;
done_testing();
