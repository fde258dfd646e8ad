# barq.memory_budget: the coldest images are evicted from memory, whoever has them
# mapped; evicted ones are searched as before; barq_prewarm(), barq_evict(),
# barq_memory(). Without shared_preload_libraries or on tmpfs a budget is refused.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $indexes = 6;
my $search = 'SELECT array_agg(id) FROM (SELECT id FROM %s ORDER BY v <-> vec(%d, 64) LIMIT 5) x';

# Tables t1 to t6 of the same rows, each with an index whose image takes 1.6 MB.
sub make_tables
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{
		CREATE TABLE t1 (id int, v vector(64));
		INSERT INTO t1 SELECT i, vec(i, 64) FROM generate_series(1, 6000) i});
	foreach my $i (1 .. $indexes)
	{
		$node->safe_psql('postgres', ($i == 1 ? '' : "CREATE TABLE t$i AS SELECT * FROM t1;") . qq{
			CREATE INDEX t${i}_v ON t$i USING barq_ivf (v vector_l2_ops) WITH (lists = 10, quantization = none)});
	}
	return;
}

sub rows_by_index { my ($node, $table, $i) = @_; return $node->safe_psql('postgres', 'SET enable_seqscan = off; SET barq.probes = 10; ' . sprintf $search, $table, $i) }
sub rows_exact { my ($node, $table, $i) = @_; return $node->safe_psql('postgres', 'SET enable_indexscan = off; ' . sprintf $search, $table, $i) }
sub resident { my ($node, $where) = @_; return $node->safe_psql('postgres', 'SELECT sum(resident_bytes) FROM barq_memory() WHERE ' . ($where // 'true')) }

# ---------------------------------------------------------------- without preload
{
	my $node = new_server('plain');
	make_tables($node);
	my ($status, undef, $err) = $node->psql('postgres', q{LOAD 'barq'; ALTER SYSTEM SET barq.memory_budget = '1MB'}, on_error_stop => 1);
	isnt($status, 0, 'without preload a budget is refused where it is set');
	like($err, qr/barq\.memory_budget needs "barq" in shared_preload_libraries/, 'the error says why');

	my $bytes = $node->safe_psql('postgres', q{SELECT image_bytes FROM barq_memory() WHERE index = 't1_v'::regclass});
	nearly_all($node->safe_psql('postgres', q{SELECT barq_evict('t1_v')}), $bytes, 'barq_evict() drops an image and returns its bytes');
	is(resident($node, q{index = 't1_v'::regclass}), 0, 'none of its pages is in memory');
	is(rows_by_index($node, 't1', 77), rows_exact($node, 't1', 77), 'an evicted image is searched again');
	is($node->safe_psql('postgres', q{SELECT barq_prewarm('t1_v')}), $bytes, 'barq_prewarm() reads it and returns its bytes');
	nearly_all(resident($node, q{index = 't1_v'::regclass}), $bytes, 'its pages are in memory');
	is($node->safe_psql('postgres', q{SELECT barq_prewarm('t1_v', 1)}), $bytes, 'one segment is read');
	nearly_all($node->safe_psql('postgres', q{SELECT barq_evict('t1_v', 1)}), $bytes, 'and evicted');
	is(resident($node, q{index = 't1_v'::regclass}), 0, 'by its number');
	($status, undef, $err) = $node->psql('postgres', q{SELECT barq_evict('t1_v', 99)});
	like($err, qr/index "t1_v" has no segment 99/, 'a segment that does not exist');
	is($node->safe_psql('postgres', q{SELECT DISTINCT sessions IS NULL AND heat IS NULL AND evictions IS NULL FROM barq_memory()}),
		't', 'what sessions share is not known');
	is($node->safe_psql('postgres', qq{SET enable_seqscan = off; } . sprintf($search, 't1', 3) . q{;
		SELECT mapped_bytes = image_bytes FROM barq_memory() WHERE index = 't1_v'::regclass;
		SELECT barq_evict('t1_v') > 0;} . sprintf($search, 't1', 3)) =~ /^(.*)\nt\nt\n(.*)$/ ? $1 : 0, $2 // 1,
		'a session that has the image mapped lets go of it and searches it again');

	# a budget in the configuration file: each session that loads the library is warned
	$node->append_conf('postgresql.conf', "barq.memory_budget = 1MB\n");
	$node->reload;
	wait_until('sessions are warned', sub {
		my (undef, undef, $warning) = $node->psql('postgres', q{SELECT barq_version()});
		return $warning =~ /WARNING:.*barq\.memory_budget/;
	});
	is($node->safe_psql('postgres', q{SELECT barq_version() IS NOT NULL; SHOW barq.memory_budget}), "t\n0", 'and has no budget');
	$node->stop;
}

# ---------------------------------------------------------------- with preload
my $node = new_server('budget', conf => q{
	shared_preload_libraries = 'barq'
});
make_tables($node);
my $all = $node->safe_psql('postgres', q{SELECT sum(image_bytes) FROM barq_memory()});
my $one = int($all / $indexes);
cmp_ok($one, '>', 1_500_000, 'images are of some size');

# sessions that hold on to images: idle, and in a transaction with an open cursor
my @idle = map { session($node) } 1 .. 3;
my $open = session($node);
ask($_, 'SET enable_seqscan = off; ' . join '; ', map { sprintf $search, "t$_", 5 } 1 .. $indexes) foreach @idle;
ask($open, 'BEGIN; SET enable_seqscan = off; ' . join ';', map { "DECLARE c$_ CURSOR FOR SELECT id FROM t$_ ORDER BY v <-> vec(5, 64); FETCH 3 FROM c$_" } 1 .. $indexes);
is($node->safe_psql('postgres', q{SELECT min(sessions), max(sessions) FROM barq_memory()}), '4|4', 'barq_memory() counts the sessions that have an image mapped');
nearly_all($node->safe_psql('postgres', q{SELECT barq_evict('t6_v')}), $one, 'barq_evict() evicts what idle sessions and open cursors have mapped');
is(resident($node, q{index = 't6_v'::regclass}), 0, 'no page stays');
is(ask($_, sprintf $search, 't6', 5), rows_exact($node, 't6', 5), 'such a session searches it again') foreach $idle[0], $open;
is(ask($open, 'FETCH 2 FROM c6') =~ tr/\n//, 1, 'and its cursor goes on');

# t2 is the hottest, then t1
$node->safe_psql('postgres', 'SET enable_seqscan = off; ' . join ';', map { sprintf $search, $_ <= 20 ? 't1' : 't2', $_ } 1 .. 60);
is($node->safe_psql('postgres', q{SELECT bool_and(heat >= CASE index WHEN 't2_v'::regclass THEN 40 ELSE 20 END * 0.99) FROM barq_memory() WHERE index IN ('t1_v'::regclass, 't2_v'::regclass)}),
	't', 'heat counts searches');
$node->safe_psql('postgres', q{SELECT barq_prewarm('t1_v'), barq_prewarm('t2_v'), barq_prewarm('t3_v')});
my $budget = int($one * 2.5 / 1024);	# kB; kept but for one part in 64
$node->safe_psql('postgres', "ALTER SYSTEM SET barq.memory_budget = '${budget}kB'");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT sum(resident_bytes) <= $budget * 1040 FROM barq_memory()"),
	'images are evicted until the budget is kept');
cmp_ok(resident($node, q{index IN ('t1_v'::regclass, 't2_v'::regclass)}), '>', 1.9 * $one, 'the hottest stay');
cmp_ok($node->safe_psql('postgres', q{SELECT sum(evictions) FROM barq_memory() WHERE index IN ('t4_v'::regclass, 't5_v'::regclass) AND evicted IS NOT NULL}), '>=', 2,
	'evictions are counted');
foreach my $i (1 .. $indexes)
{
	is(rows_by_index($node, "t$i", 1000 + $i), rows_exact($node, "t$i", 1000 + $i), "t$i is searched as before");
}
is(ask($idle[1], 'SET barq.probes = 10; ' . sprintf $search, 't5', 9), rows_exact($node, 't5', 9), 'by a session that had it mapped too');

# the option takes effect at once
$node->safe_psql('postgres', q{ALTER INDEX t4_v SET (memory = keep); ALTER INDEX t2_v SET (memory = cold)});
is($node->safe_psql('postgres', q{SELECT memory FROM barq_memory() WHERE index IN ('t2_v'::regclass, 't4_v'::regclass, 't5_v'::regclass) ORDER BY index}),
	"cold\nkeep\nauto", 'barq_memory() shows the option');
$node->safe_psql('postgres', q{SELECT barq_prewarm('t4_v')});
ok($node->poll_query_until('postgres', "SELECT sum(resident_bytes) <= $budget * 1040 FROM barq_memory()"), 'within the budget again');
cmp_ok(resident($node, q{index IN ('t1_v'::regclass, 't4_v'::regclass)}), '>', 1.9 * $one, 'keep stays, however cold it is');
cmp_ok(resident($node, q{index = 't2_v'::regclass}), '<=', $budget * 1040 - 1.9 * $one, 'cold goes first, however hot it is');
my ($status, undef, $err) = $node->psql('postgres', q{ALTER INDEX t4_v SET (memory = 'warm')});
like($err, qr/Valid values are "auto", "keep" and "cold"/, 'other values are refused');

# an image larger than the budget is evicted in part
$node->safe_psql('postgres', q{ALTER SYSTEM SET barq.memory_budget = '1MB'});
$node->reload;
ok($node->poll_query_until('postgres', 'SELECT sum(resident_bytes) <= 1024 * 1040 FROM barq_memory()'), 'a budget below one image');
is(rows_by_index($node, 't4', 4), rows_exact($node, 't4', 4), 'it is searched as before');
quit($_) foreach @idle, $open;
$node->safe_psql('postgres', q{DROP TABLE t6});
is($node->safe_psql('postgres', q{SELECT count(*) FROM barq_memory()}), $indexes - 1, 'a dropped index is not shown');

# images made from pages, as after a restore, are written in large pieces, which the kernel may
# keep in pages of 2 MB: one that is larger than the budget is evicted in part all the same
$node->safe_psql('postgres', q{ALTER SYSTEM RESET barq.memory_budget;
	CREATE TABLE big AS SELECT i AS id, vec(i, 1000)::vector(1000) AS v FROM generate_series(1, 3000) i;
	CREATE INDEX big_v ON big USING barq_ivf (v vector_l2_ops) WITH (lists = 10, quantization = none)});
$node->stop;
unlink glob $node->data_dir . '/pg_barq/pgsql_tmp/*/*/*/*.img';
$node->start;
wait_until('an image is made from pages', sub {
	$node->safe_psql('postgres', q{SET enable_seqscan = off; SELECT id FROM big ORDER BY v <-> vec(4, 1000)::vector(1000) LIMIT 5});
	return $node->safe_psql('postgres', q{SELECT resident_bytes > 11e6 FROM barq_memory() WHERE index = 'big_v'::regclass}) eq 't';
});
$node->safe_psql('postgres', q{ALTER SYSTEM SET barq.memory_budget = '6MB'});
$node->reload;
ok($node->poll_query_until('postgres', 'SELECT sum(resident_bytes) <= 6 * 1024 * 1040 FROM barq_memory()'), 'it is evicted in part');
cmp_ok(resident($node, q{index = 'big_v'::regclass}), '>', 1024 * 1024, 'and not as a whole');
$node->safe_psql('postgres', q{DROP TABLE big});

# not on tmpfs
SKIP:
{
	skip 'no tmpfs', 3 unless -w '/dev/shm' && `stat -f -c %T /dev/shm` =~ /tmpfs/;
	($status, undef, $err) = $node->psql('postgres', q{ALTER SYSTEM SET barq.image_directory = '/dev/shm/barq_none'});
	like($err, qr/image directory is in memory \(tmpfs\)/, 'with a budget an image directory on tmpfs is refused');
	$node->safe_psql('postgres', 'ALTER SYSTEM RESET barq.memory_budget');
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('barq.memory_budget') = '0'});
	$node->safe_psql('postgres', q{ALTER SYSTEM SET barq.image_directory = '/dev/shm/barq_none'});
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('barq.image_directory') = '/dev/shm/barq_none'});
	($status, undef, $err) = $node->psql('postgres', q{ALTER SYSTEM SET barq.memory_budget = '1MB'});
	like($err, qr/image directory is in memory \(tmpfs\)/, 'and a budget with such a directory');
	$node->append_conf('postgresql.conf', "barq.memory_budget = 1MB\n");
	$node->restart;
	is($node->safe_psql('postgres', 'SHOW barq.memory_budget'), '0', 'a server that starts so has no budget');
}
$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|PANIC:|terminated by signal/, 'no process failed');
done_testing();
