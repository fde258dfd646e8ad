# barq.log_slow_maintenance: seals, merges and the marking of dead rows that take at least
# that time are logged, with rows, bytes and rates; a measurement of recall counts as no use.
use strict;
use warnings;

use BarqTest;
use Test::More;

my $node = new_server('slow', conf => "barq.background = off\nautovacuum = off\n");

$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(32));
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 2000) i});

sub log_of
{
	my ($setting, @statements) = @_;
	my $from = -s $node->logfile;
	$node->safe_psql('postgres', "SET barq.log_slow_maintenance = $setting; $_") foreach @statements;
	return substr(PostgreSQL::Test::Utils::slurp_file($node->logfile), $from);
}

my $rates = qr/\d+ bytes, \d+ rows\/s, [\d.]+ MB\/s/;
like(log_of(0, q{SELECT barq_seal('items_v')}), qr/LOG:  seal of index "items_v" took [\d.]+ ms: 2000 rows, $rates/, 'a seal');
$node->safe_psql('postgres', q{INSERT INTO items SELECT i, vec(i) FROM generate_series(2001, 2500) i; SELECT barq_seal('items_v')});
like(log_of(0, q{SELECT barq_compact('items_v')}), qr/LOG:  merge of index "items_v" took [\d.]+ ms: 2500 rows, $rates/, 'a merge');
$node->safe_psql('postgres', q{DELETE FROM items WHERE id <= 100});
like(log_of(0, 'VACUUM items'), qr/LOG:  marking of dead rows of index "items_v" took [\d.]+ ms: 100 rows, \d+ rows\/s/, 'marking');
unlike(log_of(-1, q{INSERT INTO items SELECT i, vec(i) FROM generate_series(3001, 3100) i}, q{SELECT barq_seal('items_v')}), qr/took [\d.]+ ms: /, 'off: nothing is logged');
unlike(log_of(q{'1h'}, q{INSERT INTO items SELECT i, vec(i) FROM generate_series(3101, 3200) i}, q{SELECT barq_seal('items_v')}), qr/took [\d.]+ ms: /, 'quicker than the limit');

$node->safe_psql('postgres', q{CREATE ROLE plain LOGIN});
my (undef, undef, $error) = $node->psql('postgres', q{SELECT barq_version(); SET ROLE plain; SET barq.log_slow_maintenance = 0});
like($error, qr/permission denied to set parameter/, 'a superuser sets it');

is($node->safe_psql('postgres', q{SELECT barq_stats_reset('items_v'); SELECT barq_recall('items_v', 5, 20) > 0; SELECT coalesce(sum(searches), 0) FROM barq_stats()}), "\nt\n0", 'barq_recall() counts as no use');

done_testing();
