# A memory budget on a standby: its own images, heat and evictions, whatever the primary does;
# barq_evict(), barq_prewarm(), barq_memory() during recovery; after a restart of the standby and
# after a promotion the budget goes on.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $search = 'SELECT array_agg(id) FROM (SELECT id FROM %s ORDER BY v <-> vec(%d, 64) LIMIT 5) x';
my $primary = new_server('primary', init => { allows_streaming => 1 }, conf => q{
	shared_preload_libraries = 'barq'
	barq.growing_limit = 1GB
});
# three tables of the same rows, each with an index whose image takes 1.6 MB
$primary->safe_psql('postgres', q{
	CREATE TABLE t1 (id int, v vector(64));
	INSERT INTO t1 SELECT i, vec(i, 64) FROM generate_series(1, 6000) i;
	CREATE TABLE t2 AS SELECT * FROM t1;
	CREATE TABLE t3 AS SELECT * FROM t1});
$primary->safe_psql('postgres', "CREATE INDEX t${_}_v ON t$_ USING barq_ivf (v vector_l2_ops) WITH (lists = 10, quantization = none)") foreach 1 .. 3;
my $standby = new_standby($primary, 'standby', conf => 'barq.background = on');

sub number { my ($sql) = @_; return $standby->safe_psql('postgres', $sql) }
sub resident { my ($where) = @_; return number('SELECT coalesce(sum(resident_bytes), 0) FROM barq_memory() WHERE ' . ($where // 'true')) }
sub by_index { my ($table, $i) = @_; return number('SET enable_seqscan = off; SET barq.probes = 10; ' . sprintf $search, $table, $i) }
sub exact { my ($table, $i) = @_; return number('SET enable_indexscan = off; ' . sprintf $search, $table, $i) }
# searches until each index has an image that is in memory, but for pages that the kernel took
sub have_images
{
	wait_until('there are images', sub {
		by_index("t$_", 5) foreach 1 .. 3;
		return number('SELECT count(*) = 3 AND bool_and(image_bytes > 0 AND resident_bytes >= 0.9 * image_bytes) FROM barq_memory()') eq 't';
	});
	return;
}

have_images();
my $one = number(q{SELECT max(image_bytes) FROM barq_memory()});
nearly_all(number(q{SELECT barq_evict('t3_v')}), $one, 'barq_evict() on a standby');
is(resident(q{index = 't3_v'::regclass}), 0, 'drops its image');
cmp_ok($primary->safe_psql('postgres', q{SELECT sum(sessions) FROM barq_memory()}), '==', 0, 'sessions of the primary are its own');
is(by_index('t3', 77), exact('t3', 77), 'it is searched again');
is(number(q{SELECT barq_prewarm('t3_v')}), $one, 'barq_prewarm()');
nearly_all(resident(q{index = 't3_v'::regclass}), $one, 'reads it');

# a budget for two of the three, of the standby alone
by_index($_ <= 20 ? 't1' : 't2', $_) foreach 1 .. 40;
my $budget = int($one * 2.4 / 1024);
number("ALTER SYSTEM SET barq.memory_budget = '${budget}kB'");
$standby->reload;
ok($standby->poll_query_until('postgres', "SELECT sum(resident_bytes) <= $budget * 1040 FROM barq_memory()"), 'images are evicted until the budget is kept');
cmp_ok(resident(q{index <> 't3_v'::regclass}), '>', 1.9 * $one, 'the hottest stay');
is(by_index("t$_", 1000 + $_), exact("t$_", 1000 + $_), "t$_ is searched as before") foreach 1 .. 3;

# a restart, after which images are read again: by the prefetch, and to verify them
number(q{SELECT barq_evict(i::regclass) FROM unnest(ARRAY['t1_v', 't2_v', 't3_v']) i});
$standby->restart;
ok($standby->poll_query_until('postgres', "SELECT sum(resident_bytes) <= $budget * 1040 FROM barq_memory()"), 'after a restart: within the budget');

# a merge is replayed: the former image goes, the new one counts
$primary->safe_psql('postgres', q{INSERT INTO t1 SELECT i, vec(i, 64) FROM generate_series(6001, 6500) i; SELECT barq_compact('t1_v')});
$primary->wait_for_catchup($standby);
wait_until('the new segment has an image', sub {
	by_index('t1', 6001);
	return number(q{SELECT count(*) = 1 AND bool_and(image_bytes > 0 AND mapped_bytes IS NOT NULL) FROM barq_memory() WHERE index = 't1_v'::regclass}) eq 't';
});
is(by_index('t1', 6002), exact('t1', 6002), 'rows of the merge are found');
ok($standby->poll_query_until('postgres', "SELECT sum(resident_bytes) <= $budget * 1040 FROM barq_memory()"), 'within the budget again');

$primary->stop;
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
number(q{INSERT INTO t2 SELECT i, vec(i, 64) FROM generate_series(6001, 6100) i});
is(by_index('t2', 6050), exact('t2', 6050), 'promoted: rows are found');
number(q{SELECT barq_prewarm(i::regclass) FROM unnest(ARRAY['t1_v', 't2_v', 't3_v']) i});
ok($standby->poll_query_until('postgres', "SELECT sum(resident_bytes) <= $budget * 1040 FROM barq_memory()"), 'promoted: within the budget');
$standby->stop;
unlike(slurp_file($standby->logfile), qr/TRAP:|PANIC:|terminated by signal/, 'no process failed');
done_testing();
