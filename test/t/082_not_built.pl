# An index that CREATE INDEX CONCURRENTLY has not built yet, or never will because
# it was killed, has no pages: barq_indexes() says that it is not built, functions
# raise an error. The same holds for an unlogged index on a standby.
use strict;
use warnings;

use BarqTest qw(new_standby);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('building');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION barq;
	CREATE TABLE t (id int, v vector(3));
	INSERT INTO t VALUES (1, '[1,2,3]');
	CREATE INDEX t_v ON t USING barq_hnsw (v vector_l2_ops);
	CREATE UNLOGGED TABLE u (v vector(3));
	CREATE INDEX u_v ON u USING barq_hnsw (v vector_l2_ops);
});
my $standby = new_standby($node, 'standby');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT index FROM barq_indexes()'), 't_v',
	'a standby lists no unlogged index');

# a transaction that has written the table holds the build back
my ($in, $out) = ("BEGIN; INSERT INTO t VALUES (2, '[1,2,4]');\n\\echo begun\n", '');
my $writer = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
$writer->pump until $out =~ /begun/;
my $builder = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c',
	'CREATE INDEX CONCURRENTLY t_w ON t USING barq_hnsw (v vector_l2_ops)' ], IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_class WHERE relname = 't_w'});

is($node->safe_psql('postgres', 'SELECT index, rows, bytes, rebuild FROM barq_indexes() ORDER BY index::text'),
	"t_v|2|49152|\nt_w|||not built: CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY is under way or has failed\nu_v|0|8192|",
	'barq_indexes() says so');
foreach my $call ('barq_check', 'barq_seal', 'barq_compact', 'barq_segments')
{
	my (undef, undef, $err) = $node->psql('postgres', "SELECT * FROM $call('t_w')");
	like($err, qr/ERROR:  index "t_w" is not ready/, "$call says so");
}

$in .= "COMMIT;\n";
$writer->finish;
$builder->finish;
is($node->safe_psql('postgres', q{SELECT sum(rows) FROM barq_segments('t_w')}), '2', 'then it is built');
is($node->safe_psql('postgres', q{SELECT * FROM barq_check('t_w')}), '', 'and sound');
$_->stop foreach $standby, $node;
done_testing();
