# Counters that all sessions share (barq in shared_preload_libraries): a session
# sees its own counts at once, others those of ended transactions; subtransactions
# and rollbacks count too, and those of eight clients add up; slots of dropped and of unused indexes are used again.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('statistics', conf => q{
	shared_preload_libraries = 'barq'
	barq.background = off
	max_worker_processes = 4
	fsync = off
	synchronous_commit = off
	autovacuum = off
});
my $inserts = q{SELECT string_agg(index::regclass || ' ' || inserts, ', ' ORDER BY index::regclass::text) FROM barq_stats()};

$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(4), body text);
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	CREATE INDEX items_b ON items USING barq_bm25 (body) WITH (text_config = 'simple')});

my $one = session($node);
my $two = session($node);
ask($one, q{BEGIN; INSERT INTO items SELECT i, vec(i, 4), 'row ' || i FROM generate_series(1, 10) i});
is(ask($one, $inserts), 'items_b 10, items_v 10', 'a session sees its own counts within its transaction');
ask($one, q{SAVEPOINT a; INSERT INTO items VALUES (11, vec(11, 4), 'row'); ROLLBACK TO a; COMMIT});
is(ask($two, $inserts), 'items_b 11, items_v 11', 'another sees them after its end, undone inserts too');

# a long transaction does not keep its counts until its end
ask($one, q{BEGIN; INSERT INTO items SELECT i, vec(i, 4), 'row ' || i FROM generate_series(1, 3000) i});
my ($so_far) = ask($two, $inserts) =~ /items_v (\d+)/;
cmp_ok($so_far, '>', 2000, 'a long transaction adds its counts now and then');
ask($one, 'ROLLBACK');
is(ask($two, $inserts), 'items_b 3011, items_v 3011', 'all of them at its end');

# a session whose transaction is aborted by its end
ask($two, q{BEGIN; INSERT INTO items VALUES (12, vec(12, 4), 'row')});
quit($two);
wait_until('the counts of a session that ended', sub { ask($one, $inserts) eq 'items_b 3012, items_v 3012' });

# eight clients at a time insert row by row into a table with two indexes: none is counted twice or lost
my @clients = map {
	my $first = 10000 * $_;
	background($node, join "\n", map { "INSERT INTO items VALUES ($_, vec($_, 4), 'row $_');" } $first .. $first + 249);
} 1 .. 8;
is(join(' ', map { finished($_) } @clients), join(' ', (0) x 8), 'eight clients insert');
is(ask($one, $inserts), 'items_b 5012, items_v 5012', 'each of their rows is counted once for each index');

# more indexes than there are slots: each of them is counted
$node->safe_psql('postgres', q{
	CREATE PROCEDURE use_indexes(n int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. n LOOP
			CREATE TABLE short_lived (v vector(4));
			CREATE INDEX short_lived_v ON short_lived USING barq_hnsw (v vector_l2_ops);
			INSERT INTO short_lived VALUES ('[1,2,3,4]');
			DROP TABLE short_lived;
			COMMIT;
			IF i % 64 = 0 THEN
				INSERT INTO items VALUES (i, '[1,2,3,4]', 'row');
				COMMIT;
			END IF;
		END LOOP;
	END $$;
	CALL use_indexes(4200);
	CREATE TABLE late (v vector(4));
	CREATE INDEX late_v ON late USING barq_hnsw (v vector_l2_ops);
	INSERT INTO late VALUES ('[1,2,3,4]')});
like(ask($one, $inserts), qr/late_v 1$/, 'an index made after 4,200 dropped ones is counted');
is(ask($one, q{SELECT inserts FROM barq_stats() WHERE index = 'items_v'::regclass}), 5012 + int(4200 / 64),
	'an index in use has lost nothing');
quit($one);
$node->stop;

# each process has counters of its own without the library preloaded
$node->append_conf('postgresql.conf', q{shared_preload_libraries = ''});
$node->start;
is($node->safe_psql('postgres', qq{INSERT INTO items VALUES (1, '[1,2,3,4]', 'x'); SELECT 1; $inserts}), "1\nitems_b 1, items_v 1",
	'counters of a process');
$node->stop;
done_testing();
