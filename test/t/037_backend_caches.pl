# What sessions keep in memory: dead rows of a large segment are one file that all
# sessions map, exact after each VACUUM; barq.backend_cache bounds the caches of a
# session together.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('caches', conf => q{
	autovacuum = off
	maintenance_work_mem = 256MB
});

# A segment of 300,000 rows has 37,500 bytes of tombstones.
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, body text);
	INSERT INTO items SELECT i, 'word w' || i % 10 FROM generate_series(1, 300000) i;
	CREATE INDEX items_b ON items USING barq_bm25 (body) WITH (text_config = 'simple')});
my $count = q{SET enable_seqscan = off; SELECT count(*) FROM items WHERE body @@@ 'w3'};

sub dead_files
{
	return grep { /\.dead$/ } image_files(image_root($node));
}

sub maps_dead
{
	my ($session) = @_;

	return 0 + grep { /\.dead/ } split /\n/, slurp_file("/proc/$session->{pid}/maps");
}


my @sessions = map { session($node) } 1 .. 3;

ask($_, $count) foreach @sessions;
is(scalar(dead_files()), 0, 'no file as long as no row is dead');
foreach my $round (1 .. 3)
{
	my $deleted = $round * 10000;

	$node->safe_psql('postgres', "DELETE FROM items WHERE id <= $deleted; VACUUM (INDEX_CLEANUP on) items");
	$node->safe_psql('postgres', 'CHECKPOINT');
	is(ask($_, $count), 30000 - $deleted / 10, "round $round: a session sees what VACUUM removed") foreach @sessions;
	is(scalar(dead_files()), 1, "round $round: one file of dead rows");
	is(join(' ', map { maps_dead($_) } @sessions), '1 1 1', "round $round: each session maps it");
	is(scalar(grep { /\.dead.*deleted/ } map { split /\n/, slurp_file("/proc/$_->{pid}/maps") } @sessions), 0,
		"round $round: and no older one");
}

# a damaged or foreign file is not used
my ($file) = dead_files();
open(my $out, '>', $file) or die;
print $out 'nonsense';
close $out;
my $new = session($node);
is(ask($new, $count), 27000, 'a damaged file is made again');
is(-s $file, 4096 + 37500, 'with its size');
quit($new);

# the file of an earlier postmaster is not used: its marks may have been lost
my $inode = (stat $file)[1];
quit($_) foreach @sessions;
$node->stop('immediate');
$node->start;
my $session = session($node);
is(ask($session, $count), 27000, 'after a crash');
isnt((stat $file)[1], $inode, 'another file');
sound($node, 'items_b', 'the index is sound');
quit($session);

# growing logs of five indexes, together below the limit
$node->safe_psql('postgres', qq{
	CREATE TABLE log$_ (id int, v vector(32));
	CREATE INDEX log${_}_v ON log$_ USING barq_hnsw (v vector_l2_ops) WITH (growing_limit = '64MB', quantization = 'none');
	INSERT INTO log$_ SELECT i, vec(i) FROM generate_series(1, 5000) i}) foreach 1 .. 5;
$session = session($node);
ask($session, q{SET enable_seqscan = off; SELECT 1});

sub search_logs
{
	return map { ask($session, "SELECT id FROM log$_ ORDER BY v <-> vec($_) LIMIT 1") } 1 .. 5;
}

sub log_contexts
{
	return ask($session, q{SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'barq log'});
}

is(join(' ', search_logs()), '1 2 3 4 5', 'searches of five logs');
is(log_contexts(), 5, 'all five logs are kept');
ask($session, q{SET barq.backend_cache = '2MB'; SELECT 1});
cmp_ok(log_contexts(), '<', 4, 'a smaller barq.backend_cache drops some');
is(join(' ', search_logs()), '1 2 3 4 5', 'searches within it');
cmp_ok(ask($session, q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name IN ('barq log', 'barq snapshot')}),
	'<=', 2.2 * 1024 * 1024, 'keep no more');
# A log that is larger than the limit costs the session nothing of what it has: of vectors, of
# documents of few words and of documents whose words occur once.
$node->safe_psql('postgres', q{
	CREATE TABLE texts (id int, few text, once text);
	CREATE INDEX texts_few ON texts USING barq_bm25 (few) WITH (text_config = 'simple', growing_limit = '64MB');
	CREATE INDEX texts_once ON texts USING barq_bm25 (once) WITH (text_config = 'simple', growing_limit = '64MB');
	INSERT INTO texts SELECT i, (SELECT string_agg('w' || i * j % 50, ' ') FROM generate_series(1, 30) j),
		(SELECT string_agg(md5((i * 100 + j)::text), ' ') FROM generate_series(1, 10) j) || ' all'
	FROM generate_series(1, 4000) i});

sub kept
{
	my ($name) = @_;

	return ask($session, qq{SELECT count(*) FROM pg_backend_memory_contexts WHERE name = '$name'});
}

foreach my $kilobytes (130, 200, 256, 400, 512, 600, 900, 1300)
{
	foreach my $search ('log1 ORDER BY v <-> vec(1)', q{texts WHERE few @@@ 'w7'}, q{texts WHERE once @@@ 'all'})
	{
		ask($session, q{SET barq.backend_cache = 0; SELECT 1});
		ask($session, qq{SET barq.backend_cache = '${kilobytes}kB'; SELECT 1});
		cmp_ok(ask($session, "SELECT count(*) FROM (SELECT FROM $search LIMIT 1500) s"), '>=', 900, "$search within $kilobytes kB");
		is(kept('barq snapshot'), 1, 'the snapshot is kept');
		is(kept('barq log'), 1, 'and a part of the log') if $kilobytes >= 256;
		cmp_ok(ask($session, q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name IN ('barq log', 'barq snapshot')}),
			'<=', $kilobytes * 1024, 'within the limit');
	}
}
ask($session, q{SET barq.backend_cache = 0; SELECT 1});
is(log_contexts(), 0, 'nothing is kept with 0');
is(join(' ', search_logs()), '1 2 3 4 5', 'and searches go on');
quit($session);
$node->stop;
done_testing();
