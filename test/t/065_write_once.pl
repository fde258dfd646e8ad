# What is written to make a segment is written few times: the WAL of a compaction,
# and the image directory in the middle of a build.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('once', conf => q{
	barq.background = off
	autovacuum = off
});
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(96));
	INSERT INTO items SELECT i, (SELECT array_agg(sin(i * j))::real[] FROM generate_series(1, 96) j)::vector FROM generate_series(1, 16000) i;
	VACUUM items; -- with checksums the first scan logs pages, for their hint bits
	CHECKPOINT;
});

# CREATE INDEX: what the backend writes to files, in sizes of the index: codes when they
# are read, the image where the work area was memory without a file, pages (as far as
# buffers are too few) and WAL, and no other files. Rows that are ordered in place in a
# file are not counted here, nor a mapped file that the kernel writes over and over.
my %options = (barq_ivf => '', barq_hnsw => 'WITH (m = 8, ef_construction = 16)');
foreach my $case ([ 'barq_ivf', '64MB' ], [ 'barq_ivf', '1MB' ], [ 'barq_hnsw', '1MB' ], [ 'barq_hnsw', '64MB' ])
{
	my ($am, $memory) = @$case;
	my $written = "substring(pg_read_file('/proc/self/io') FROM 'wchar: ([0-9]+)')::float8";
	my $times = $node->safe_psql('postgres', qq{
		DROP INDEX IF EXISTS items_v;
		SET max_parallel_maintenance_workers = 0;
		SET maintenance_work_mem = '$memory';
		CREATE TEMP TABLE before AS SELECT $written AS bytes;
		CREATE INDEX items_v ON items USING $am (v vector_l2_ops) $options{$am};
		SELECT ($written - bytes) / pg_relation_size('items_v') FROM before;
	});
	note("$am, $memory: $times");
	cmp_ok($times, '<=', $memory eq '64MB' ? 4.2 : 3.2, "$am, $memory: a build writes each code to two files at most besides pages and WAL");
	my @left = grep { !/\.(img|ok)$|^lock$/ } map { s/.*\///r } glob($node->data_dir . '/pg_barq/pgsql_tmp/*/*/*/*');
	is("@left", '', "$am, $memory: no file of the build is left");
}

# barq_compact() and what it wrote: bytes of WAL and of the file, in segments
sub compact
{
	my $before = $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
	my $rows = $node->safe_psql('postgres', q{SELECT barq_compact('items_v')});
	my ($wal, $file) = split /\|/, $node->safe_psql('postgres', qq{
		SELECT (pg_current_wal_insert_lsn() - '$before') / sum(page_bytes), pg_relation_size('items_v') / sum(page_bytes)
		FROM barq_segments('items_v') WHERE segment IS NOT NULL
	});
	note("$rows rows, WAL $wal, file $file");
	return ($rows, $wal, $file);
}

my ($rows, $wal, $file);
foreach my $round (1 .. 4)
{
	$node->safe_psql('postgres', "INSERT INTO items SELECT 16000 + 3 * $round + i, (SELECT v FROM items WHERE id = i) FROM generate_series(1, 3) i");
	($rows, $wal, $file) = compact();
	is($rows, 16000 + 3 * $round, 'three rows are merged into one segment with the others');
	cmp_ok($wal, '<=', 1.5, 'a compaction after three new rows writes the segment one and a half times at most');
	cmp_ok($file, '<=', 1.6, 'its file has little more than half a segment of free pages');
	last if $round == 3;
}

# with nothing to merge, it makes the file as short as it can be
($rows, undef, $file) = compact();
is($rows, 0, 'there is nothing to merge');
cmp_ok($file, '<=', 1.1, 'a compaction that merges nothing leaves no pages free');

# where a page moved shortens the file by more than one page, all are moved
$node->safe_psql('postgres', 'DELETE FROM items WHERE id > 1000; VACUUM (INDEX_CLEANUP on) items');
($rows, $wal, $file) = compact();
cmp_ok($file, '<=', 1.2, 'a segment that became much smaller leaves no pages free');
is($node->safe_psql('postgres', q{SELECT * FROM barq_check('items_v')}), '', 'the index is in order');

# a worker that has merged most of an index, beside its inputs, leaves half of that free at most
$node->append_conf('postgresql.conf', "barq.background = on\nbarq.growing_limit = 128kB");
$node->reload;
$node->safe_psql('postgres', q{
	TRUNCATE items;
	DROP INDEX items_v;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 16);
});
foreach my $round (1 .. 12)
{
	$node->safe_psql('postgres', qq{
		INSERT INTO items SELECT i, (SELECT array_agg(sin(i * j))::real[] FROM generate_series(1, 96) j)::vector
		FROM generate_series($round * 1000, $round * 1000 + 999) i
	});
	$node->poll_query_until('postgres', q{
		SELECT pg_relation_size('items_v') <= greatest(1.5 * sum(page_bytes), 128 * 1024) + 160 * 1024
		FROM barq_segments('items_v')
	}) or fail("the file stays long after $round,000 rows");
}
is($node->safe_psql('postgres', q{SELECT * FROM barq_check('items_v')}), '', 'the index that workers kept short is in order');

$node->stop;
done_testing();
