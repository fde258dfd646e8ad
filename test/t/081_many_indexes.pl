# One transaction may make more indexes than a process may have files open.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('many');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_files_per_process = 64\nmax_locks_per_transaction = 256\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION barq;
	CREATE TABLE t (id int, v vector(3)) PARTITION BY RANGE (id);
	SELECT format('CREATE TABLE t%s PARTITION OF t FOR VALUES FROM (%s) TO (%s)', i, i, i + 1)
		FROM generate_series(1, 100) i \gexec
	INSERT INTO t SELECT i, ARRAY[i, 1, 2]::vector FROM generate_series(1, 100) i;
});
my ($status, undef, $err) = $node->psql('postgres', 'CREATE INDEX ON t USING barq_hnsw (v vector_l2_ops)');
is("$status $err", '0 ', 'an index on a table with 100 partitions');
is($node->safe_psql('postgres', q{SELECT sum(rows) FROM barq_indexes()}), '100', 'with every row');
$node->stop;
done_testing();
