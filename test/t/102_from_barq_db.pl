# docs/from-barq-db.md, the settings that need servers: with the page's own lines, point-in-time
# recovery to a moment before a DELETE gives the answers of that moment, and a quorum of
# two of three standbys both holds a write up without them and, with remote_apply, has
# it found by searches on two of them as soon as it is confirmed.
use strict;
use warnings;

use BarqTest;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $page = slurp_file(dirname(__FILE__) . '/../../docs/from-barq-db.md');

# A setting as the page writes it, in an indented block.
sub setting
{
	my ($name) = @_;
	my ($line) = $page =~ /^ {4}(\Q$name\E = .*)$/m;
	ok(defined $line, "the page sets $name");
	return ($line // '') . "\n";
}

my $wal = PostgreSQL::Test::Utils::tempdir;
my $archiving = setting('archive_mode') . setting('archive_command') =~ s{/backup/wal}{$wal}r;
my $quorum = setting('synchronous_standby_names');
my $restoring = setting('restore_command') =~ s{/backup/wal}{$wal}r;
my $until = setting('recovery_target_time');

my $primary = new_server('primary', init => { allows_streaming => 1 }, conf => $archiving);
$primary->safe_psql('postgres', q{
	CREATE TABLE items (id int PRIMARY KEY, v vector(32), body text);
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	CREATE INDEX items_body ON items USING barq_bm25 (body) WITH (text_config = 'simple');
	INSERT INTO items SELECT i, vec(i), 'word' || i % 9 FROM generate_series(1, 1500) i;
});
$primary->backup('base');

# ---- point-in-time recovery

my $nearest = "SET enable_seqscan = off; SELECT string_agg(id::text, ' ') FROM (SELECT id FROM items ORDER BY v <-> vec(77) LIMIT 10) s";
my $found = "SET enable_seqscan = off; SELECT count(*), sum(id) FROM items WHERE body @@@ 'word3'";

$primary->safe_psql('postgres', "INSERT INTO items SELECT i, vec(i), 'word' || i % 9 FROM generate_series(1501, 1600) i; SELECT barq_seal('items_v')");
my $nearest_then = $primary->safe_psql('postgres', $nearest);
my $found_then = $primary->safe_psql('postgres', $found);
my $moment = $primary->safe_psql('postgres', 'SELECT pg_sleep(0.1); SELECT clock_timestamp(); ');
$moment =~ s/^\s+//;
$primary->safe_psql('postgres', 'SELECT pg_sleep(0.1); DELETE FROM items WHERE id % 2 = 1; VACUUM items');
my $file = $primary->safe_psql('postgres', 'SELECT pg_walfile_name(pg_current_wal_lsn())');
$primary->safe_psql('postgres', 'SELECT pg_switch_wal()');
$primary->poll_query_until('postgres', "SELECT last_archived_wal >= '$file' FROM pg_stat_archiver") or die 'WAL is not archived';

my $recovered = PostgreSQL::Test::Cluster->new('recovered');
$recovered->init_from_backup($primary, 'base');
$recovered->append_conf('postgresql.conf', $restoring . $until =~ s/'[^']*'/'$moment'/r . "archive_mode = off\nrecovery_target_action = promote\n");
append_to_file($recovered->data_dir . '/recovery.signal', '');
$recovered->start;
$recovered->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'recovery does not end';
is($recovered->safe_psql('postgres', $nearest), $nearest_then, 'recovered: the nearest rows of that moment');
is($recovered->safe_psql('postgres', $found), $found_then, 'recovered: the rows found by words at that moment');
is($recovered->safe_psql('postgres', q{SELECT (SELECT count(*) FROM barq_check('items_v')) + (SELECT count(*) FROM barq_check('items_body'))}), '0', 'its indexes are sound');
$recovered->stop;

# ---- quorum

my %standby = map { $_ => new_standby($primary, $_, backup => 'base', conf => "archive_mode = off\n") } qw(a b c);
$primary->append_conf('postgresql.conf', $quorum);
$primary->reload;
$primary->poll_query_until('postgres', "SELECT count(*) = 3 FROM pg_stat_replication WHERE sync_state = 'quorum' AND state = 'streaming'")
  or die 'there are no three standbys';

# two of three suffice
$standby{c}->stop;
foreach my $n (1 .. 5)
{
	$primary->safe_psql('postgres', "BEGIN; SET LOCAL synchronous_commit = remote_apply; INSERT INTO items VALUES (5000 + $n, vec(5000 + $n), 'fresh$n'); COMMIT");
	my $rows = join ' ', map {
		$standby{$_}->safe_psql('postgres', "SET enable_seqscan = off; SELECT id FROM items ORDER BY v <-> vec(5000 + $n) LIMIT 1")
		  . $standby{$_}->safe_psql('postgres', "SET enable_seqscan = off; SELECT id FROM items WHERE body @@@ 'fresh$n'")
	} qw(a b);
	my $id = 5000 + $n;
	is($rows, "$id$id $id$id", "write $n: both standbys of the quorum find it at once, by vector and by word");
}

# one does not: the write waits until a second one is there
$standby{b}->stop;
my $write = background($primary, "INSERT INTO items VALUES (6000, vec(6000), 'late')");
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'") or die 'the write does not wait';
pass('with one standby the write waits');
$standby{c}->start;
is(finished($write), 0, 'and is confirmed when a second one is back');
done_testing();
