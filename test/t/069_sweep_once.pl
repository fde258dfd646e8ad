# The folders of images are swept once in a statement, however many indexes it
# vacuums, and again by the next statement; and still no folder is left.
use strict;
use warnings;

use BarqTest;
use File::Path qw(make_path);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('sweep', conf => 'log_min_messages = debug1');
$node->safe_psql('postgres', q{
	CREATE TABLE t (id int, v vector(3)) PARTITION BY RANGE (id);
	SELECT format('CREATE TABLE t%s PARTITION OF t FOR VALUES FROM (%s) TO (%s)', i, i, i + 1)
		FROM generate_series(1, 30) i \gexec
	CREATE INDEX ON t USING barq_hnsw (v vector_l2_ops);
	INSERT INTO t SELECT i, ARRAY[i, 1, 2]::vector FROM generate_series(1, 30) i;
});

sub sweeps
{
	my ($sql) = @_;
	my $from = -s $node->logfile;

	$node->safe_psql('postgres', $sql);
	return scalar(() = slurp_file($node->logfile, $from) =~ /sweeping the folders of images/g);
}

# the folder of a relation that is gone, as a crash leaves it
sub stray_folder
{
	my ($tablespace, $database) = split /\|/, $node->safe_psql('postgres',
		'SELECT dattablespace, oid FROM pg_database WHERE datname = current_database()');
	my $folder = image_root($node) . "/pgsql_tmp/$tablespace/$database/4000000000";

	make_path($folder, { mode => 0700 });
	return $folder;
}

my $stray = stray_folder();
is(sweeps('VACUUM'), 1, 'a VACUUM of 30 indexes sweeps once');
ok(!-e $stray, 'and removes the folder of a relation that is gone');
$stray = stray_folder();
is(sweeps('VACUUM t;'), 1, 'so does a VACUUM of a partitioned table');
ok(!-e $stray, 'and removes such a folder');
is(sweeps("VACUUM t1;\nVACUUM t2;\nVACUUM t3;"), 3, 'each statement sweeps');
is(sweeps('SELECT 1'), 0, 'and nothing else');

$node->stop;
done_testing();
