# Nothing stale is held: 100 idle sessions and 5 that are idle in a transaction
# unmap the images that a merge or a drop has removed, without a statement of
# theirs; a session with an open cursor does so when the cursor is closed.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc/PID/maps' unless -r "/proc/$$/maps";

my $node = new_server('stale', conf => q{
	max_connections = 140
	superuser_reserved_connections = 3
});
my $search = 'SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> vec(7) LIMIT 1';

sub add_rows
{
	my ($from, $to) = @_;

	$node->safe_psql('postgres', qq{
		INSERT INTO items SELECT i, vec(i) FROM generate_series($from, $to) i;
		SELECT barq_seal('items_v')});
	return;
}

# Images that a session maps, and those among them whose file is gone.
sub mapped
{
	my ($session) = @_;

	return grep { /\.img/ } split /\n/, slurp_file("/proc/$session->{pid}/maps");
}

sub deleted
{
	my (@sessions) = @_;

	return map { grep { /\(deleted\)/ } mapped($_) } @sessions;
}

$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops)});
add_rows(1 + 500 * $_, 500 + 500 * $_) foreach 0 .. 2;

my @idle = map { session($node) } 1 .. 100;
my @open = map { session($node) } 1 .. 5;
my $cursor = session($node);

send_sql($_, $search) foreach @idle;
send_sql($_, "BEGIN; $search") foreach @open;
answer($_) foreach @idle, @open;
ask($cursor, q{SET enable_seqscan = off; BEGIN;
	DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v <-> vec(7); FETCH 3 FROM c});
is(scalar(grep { mapped($_) != 3 } @idle, @open, $cursor), 0, 'every session maps the three images');
is(scalar(deleted(@idle, @open, $cursor)), 0, 'none of them is removed');

# a seal removes nothing: mappings stay
add_rows(1501, 1600);
is(scalar(grep { mapped($_) != 3 } @idle, @open, $cursor), 0, 'a seal leaves mappings alone');

$node->safe_psql('postgres', q{SELECT barq_compact('items_v')});
is(segment_count($node, 'items_v'), 1, 'a merge replaced all segments');
wait_until('idle sessions unmap what the merge removed', sub { !deleted(@idle, @open) });
is(scalar(deleted(@idle)), 0, '100 idle sessions hold no removed image');
is(scalar(deleted(@open)), 0, 'nor do 5 idle in a transaction');
is(scalar(deleted($cursor)), 3, 'an open cursor keeps what it reads');
my $rest = ask($cursor, 'FETCH ALL FROM c');
is(() = $rest =~ /^\d+$/mg, 1497, 'and returns the other rows');
ask($cursor, 'CLOSE c');
is(scalar(deleted($cursor)), 0, 'it is unmapped when the cursor is closed');
ask($cursor, 'COMMIT');

# rows marked dead are seen by sessions that were idle meanwhile
$node->safe_psql('postgres', 'DELETE FROM items WHERE id <= 800; VACUUM items');
send_sql($_, 'SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> vec(7)) x') foreach @idle[0 .. 4], $cursor;
is(answer($_), '800', 'a session that was woken answers rightly') foreach @idle[0 .. 4], $cursor;
is(scalar(deleted(@idle, @open, $cursor)), 0, 'nothing removed is mapped');

# the images of the new storage are other files
ask($_, 'COMMIT') foreach @open;
$node->safe_psql('postgres', 'REINDEX INDEX items_v');
wait_until('REINDEX: idle sessions unmap', sub { !deleted(@idle, @open, $cursor) });
send_sql($_, $search) foreach @idle[0 .. 9];
answer($_) foreach @idle[0 .. 9];
is(scalar(grep { mapped($_) != 1 } @idle[0 .. 9]), 0, 'ten sessions map the new image');
$node->safe_psql('postgres', 'DROP TABLE items');
wait_until('DROP: idle sessions unmap', sub { !grep { mapped($_) } @idle, @open, $cursor });
pass('after DROP no session maps an image');

quit($_) foreach @idle, @open, $cursor;
$node->stop;
done_testing();
