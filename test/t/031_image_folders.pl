# A folder of images exists as long as its relation: DROP, TRUNCATE, REINDEX, SET
# TABLESPACE, rollbacks, temporary tables, cancelled and failed builds. VACUUM of
# any barq index of the database removes folders and files that are left over.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('folders', conf => q{
	barq.growing_limit = 64kB
	max_prepared_transactions = 2
});
my $root = image_root($node);

# names of the folders: relfilenodes
sub folders { return sort map { m{/pgsql_tmp/\d+/\d+/(.+)$} ? $1 : () } map { glob "$_/*" } glob "$root/pgsql_tmp/*/*"; }
sub number { return $node->safe_psql('postgres', "SELECT pg_relation_filenode('$_[0]')"); }
sub has_folder { my ($n) = @_; return scalar grep { $_ eq $n } folders(); }

my $graph = '(v vector_l2_ops) WITH (quantization = none)';
$node->safe_psql('postgres', q{
	CREATE TABLE source (id int, v vector(512));
	INSERT INTO source SELECT i, vec(i, 512) FROM generate_series(1, 1100) i;
	CREATE TABLE keeper (id int, v vector(32));
	CREATE INDEX keeper_v ON keeper USING barq_hnsw (v vector_l2_ops);
	INSERT INTO keeper SELECT i, vec(i) FROM generate_series(1, 2000) i;
	CREATE TABLE items (id int, v vector(32));
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 500) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
});
is_deeply([ orphans($node) ], [], 'a build leaves no other file than images');

# CREATE INDEX rolled back
my @before = image_files($root);
$node->safe_psql('postgres', "BEGIN; CREATE INDEX gone ON source USING barq_hnsw $graph; ROLLBACK");
is_deeply([ image_files($root) ], \@before, 'CREATE INDEX rolled back leaves no file');
is_deeply([ orphans($node) ], [], 'CREATE INDEX rolled back leaves no folder');
$node->safe_psql('postgres', "BEGIN; SAVEPOINT a; CREATE INDEX gone ON source USING barq_hnsw $graph; ROLLBACK TO a; COMMIT");
is_deeply([ orphans($node) ], [], 'CREATE INDEX rolled back to a savepoint leaves no file');
$node->safe_psql('postgres', qq{DO \$\$ BEGIN
	CREATE INDEX gone ON source USING barq_hnsw $graph;
	RAISE 'no';
	EXCEPTION WHEN raise_exception THEN NULL; END \$\$});
is_deeply([ orphans($node) ], [], 'CREATE INDEX undone by an exception block leaves no file');

# a build that fails at a row near the end of the table
$node->safe_psql('postgres', q{
	CREATE FUNCTION breaks(i int, v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
		$$ BEGIN IF i > 1000 THEN RAISE 'late'; END IF; RETURN v; END $$});
my ($status, $out, $err) = $node->psql('postgres',
	'CREATE INDEX gone ON source USING barq_hnsw ((breaks(id, v)::vector(512)) vector_l2_ops)');
like($err, qr/late/, 'the build fails');
is_deeply([ orphans($node) ], [], 'a failed build leaves no file');

# builds cancelled while rows are loaded, and while the graph is built
foreach my $when ('rows', 'work')
{
	# a work area that fits into maintenance_work_mem has no file
	my $build = background($node, "SET maintenance_work_mem = '1MB'; CREATE INDEX gone ON source USING barq_hnsw $graph");
	wait_until("a .$when file is there", sub { grep { /\.$when$/ } image_files($root) });
	kill 'INT', $build->{pid};
	isnt(finished($build), 0, "CREATE INDEX cancelled ($when)");
	like($build->{err}, qr/canceling statement/, "the error is a cancellation ($when)");
	is_deeply([ orphans($node) ], [], "CREATE INDEX cancelled leaves no file ($when)");
}
($status, $out, $err) = $node->psql('postgres',
	"SET statement_timeout = '20ms'; CREATE INDEX gone ON source USING barq_hnsw $graph");
like($err, qr/statement timeout/, 'CREATE INDEX runs into the statement timeout');
is_deeply([ orphans($node) ], [], 'CREATE INDEX that timed out leaves no file');
my $build = background($node, "SET maintenance_work_mem = '1MB';\nCREATE INDEX CONCURRENTLY gone ON source USING barq_hnsw $graph");
wait_until('a .work file is there', sub { grep { /\.work$/ } image_files($root) });
$node->safe_psql('postgres', "SELECT pg_terminate_backend($build->{pid})");
isnt(finished($build), 0, 'CREATE INDEX CONCURRENTLY is terminated');
is($node->safe_psql('postgres', q{SELECT indisvalid FROM pg_index WHERE indexrelid = 'gone'::regclass}), 'f',
	'CREATE INDEX CONCURRENTLY terminated leaves an invalid index');
$node->safe_psql('postgres', 'VACUUM keeper; VACUUM source');
is_deeply([ orphans($node) ], [], 'no file of the invalid index is left after VACUUM');
my $invalid = number('gone');
$node->safe_psql('postgres', 'DROP INDEX gone');
ok(!has_folder($invalid), 'dropping the invalid index removes its folder');

# compaction cancelled: the index is unchanged
$node->safe_psql('postgres', qq{
	CREATE INDEX source_v ON source USING barq_hnsw $graph;
	INSERT INTO source SELECT i, vec(i, 512) FROM generate_series(1101, 1150) i;
});
my $compact = background($node, q{SELECT barq_compact('source_v')});
wait_until('a .work file is there', sub { grep { /\.work$/ } image_files($root) });
kill 'INT', $compact->{pid};
isnt(finished($compact), 0, 'barq_compact is cancelled');
sound($node, 'source_v', 'no error after a cancelled compaction', errors => 1);
found_once($node, 'source', 'every row once after a cancelled compaction');
$node->safe_psql('postgres', 'VACUUM source');
is_deeply([ orphans($node) ], [], 'compaction cancelled: no file is left after VACUUM');
sound($node, 'source_v', 'compaction cancelled: sound after VACUUM');

# DROP
my $items = number('items_v');
ok(has_folder($items), 'an index has a folder');
$node->safe_psql('postgres', 'BEGIN; DROP INDEX items_v; ROLLBACK');
is(scalar(my @kept = images_of($node, 'items_v')), 1, 'DROP INDEX rolled back keeps its images');
$node->safe_psql('postgres', 'BEGIN; SAVEPOINT a; DROP TABLE items; ROLLBACK TO a; COMMIT');
is(scalar(@kept = images_of($node, 'items_v')), 1, 'DROP TABLE rolled back to a savepoint keeps its images');
$node->safe_psql('postgres', 'DROP INDEX items_v');
ok(!has_folder($items), 'DROP INDEX removes the folder');
$node->safe_psql('postgres', 'CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops)');
$items = number('items_v');
ok(has_folder($items), 'a new index has a new folder');
$node->safe_psql('postgres', 'DROP TABLE items');
ok(!has_folder($items), 'DROP TABLE removes the folder');
is_deeply([ orphans($node) ], [], 'after DROP TABLE: no file without a segment');

# TRUNCATE, REINDEX and rewrites of the table
my $keeper = number('keeper_v');
$node->safe_psql('postgres', 'BEGIN; TRUNCATE keeper; ROLLBACK');
ok(has_folder($keeper), 'TRUNCATE rolled back keeps the folder');
found_once($node, 'keeper', 'TRUNCATE rolled back: every row once');
foreach my $command ('REINDEX INDEX keeper_v', 'REINDEX INDEX CONCURRENTLY keeper_v', 'VACUUM FULL keeper',
	'ALTER TABLE keeper ALTER id TYPE bigint',
	'TRUNCATE keeper; INSERT INTO keeper SELECT i, vec(i + 5) FROM generate_series(1, 2000) i')
{
	my $old = number('keeper_v');

	$node->safe_psql('postgres', $command);
	(my $short = $command) =~ s/;.*//;
	ok(!has_folder($old), "$short removes the old folder");
	found_once($node, 'keeper', "$short: every row once");
	is_deeply([ orphans($node) ], [], "$short leaves no file");
}

# created, truncated and filled in one transaction: the storage stays the same,
# with a new incarnation of the index
$node->safe_psql('postgres', q{
	BEGIN;
	CREATE TABLE once (id int, v vector(32));
	CREATE INDEX once_v ON once USING barq_hnsw (v vector_l2_ops);
	INSERT INTO once SELECT i, vec(i) FROM generate_series(1, 2000) i;
	SET LOCAL enable_seqscan = off;
	SELECT id FROM once ORDER BY v <-> vec(1) LIMIT 1;
	TRUNCATE once;
	INSERT INTO once SELECT i, vec(i + 9) FROM generate_series(1, 1500) i;
	SELECT id FROM once ORDER BY v <-> vec(1) LIMIT 1;
	COMMIT;
});
found_once($node, 'once', 'TRUNCATE of a table made in the same transaction: every row once');
$node->safe_psql('postgres', 'VACUUM once');
is_deeply([ orphans($node) ], [], 'TRUNCATE of a table made in the same transaction: no file is left after VACUUM');

# another tablespace
my $space = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', "CREATE TABLESPACE other LOCATION '$space'");
$keeper = number('keeper_v');
$node->safe_psql('postgres', 'ALTER INDEX keeper_v SET TABLESPACE other');
ok(!has_folder($keeper), 'SET TABLESPACE removes the old folder');
found_once($node, 'keeper', 'SET TABLESPACE: every row once');
same_answers($node, 'keeper', 'SET TABLESPACE: the nearest rows');
sound($node, 'keeper_v', 'SET TABLESPACE: sound');
is_deeply([ orphans($node) ], [], 'SET TABLESPACE leaves no file');

# a database leaves a tablespace, which is dropped
my $second = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', "CREATE TABLESPACE second LOCATION '$second'");
my $oid = $node->safe_psql('postgres', q{SELECT oid FROM pg_tablespace WHERE spcname = 'second'});
$node->safe_psql('postgres', 'CREATE DATABASE moving TABLESPACE second');
$node->safe_psql('moving', q{
	CREATE EXTENSION barq;
	CREATE TABLE items (id int, v vector(32));
	INSERT INTO items SELECT i, (SELECT array_agg(i + j) FROM generate_series(1, 32) j)::vector FROM generate_series(1, 500) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops)});
ok(-d "$root/pgsql_tmp/$oid", 'a folder of a tablespace');
$node->safe_psql('postgres', 'ALTER DATABASE moving SET TABLESPACE pg_default');
is($node->safe_psql('moving', q{SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> (SELECT v FROM items WHERE id = 7)) s}),
	500, 'a database in another tablespace is searched');
$node->safe_psql('postgres', 'DROP TABLESPACE second; DROP DATABASE moving; VACUUM keeper');
ok(!-d "$root/pgsql_tmp/$oid", 'VACUUM removes the folder of a tablespace that is gone');

# temporary tables
my $gate = close_gate($node);
my $temporary = background($node, q{
	CREATE TEMP TABLE t (id int, v vector(32));
	CREATE INDEX t_v ON t USING barq_hnsw (v vector_l2_ops);
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 2500) i;
	SET enable_seqscan = off;
	SELECT count(*) FROM (SELECT id FROM t ORDER BY v <-> vec(3) LIMIT 7) s;
	SELECT pass();
	DROP TABLE t;
	CREATE TEMP TABLE u (id int, v vector(32)) ON COMMIT DELETE ROWS;
	CREATE INDEX u_v ON u USING barq_hnsw (v vector_l2_ops);
	BEGIN;
	INSERT INTO u SELECT i, vec(i) FROM generate_series(1, 2500) i;
	SELECT count(*) FROM (SELECT id FROM u ORDER BY v <-> vec(3) LIMIT 8) s;
	COMMIT;
	SELECT count(*) FROM (SELECT id FROM u ORDER BY v <-> vec(3) LIMIT 8) s;
	CREATE TEMP TABLE w (id int, v vector(32)) ON COMMIT DROP;
	CREATE TEMP TABLE x (id int, v vector(32));
	CREATE INDEX x_v ON x USING barq_hnsw (v vector_l2_ops);
	INSERT INTO x SELECT i, vec(i) FROM generate_series(1, 2500) i;
	SELECT count(*) FROM (SELECT id FROM x ORDER BY v <-> vec(3) LIMIT 9) s;
});
wait_at_gate($node);
is(scalar(grep { /_\d+$/ } folders()), 1, 'a temporary index has a folder of its own');
open_gate($node, $gate);
is(finished($temporary), 0, "the session with temporary tables ends without an error $temporary->{err}");
is(join(' ', $temporary->{out} =~ /\d+/g), '7 8 0 9', 'temporary indexes return rows');
wait_until('the session has ended', sub {
	$node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $temporary->{pid}") eq '0' });
is(scalar(grep { /_\d+$/ } folders()), 0, 'no folder of a temporary index outlives its session');

# a killed session leaves its folders; a sweep removes them
$temporary = background($node, q{
	CREATE TEMP TABLE t (id int, v vector(32));
	CREATE INDEX t_v ON t USING barq_hnsw (v vector_l2_ops);
	INSERT INTO t SELECT i, vec(i) FROM generate_series(1, 2500) i;
	SELECT pg_sleep(1000);
});
$node->poll_query_until('postgres', "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $temporary->{pid}");
is(scalar(grep { /_\d+$/ } folders()), 1, 'a session with a temporary index has a folder');
$node->safe_psql('postgres', 'VACUUM once');
is(scalar(grep { /_\d+$/ } folders()), 1, 'VACUUM keeps the folder of a running session');
kill_server($node);
finished($temporary);
$node->start;
$node->safe_psql('postgres', 'VACUUM once');
is(scalar(grep { /_\d+$/ } folders()), 0, 'after a crash VACUUM removes the folder');

# prepared transactions
my $once = number('once_v');
$node->safe_psql('postgres', q{BEGIN; DROP TABLE once; PREPARE TRANSACTION 'a'});
ok(has_folder($once), 'a prepared DROP keeps the folder');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'a'});
found_once($node, 'once', 'ROLLBACK PREPARED: every row once');
$node->safe_psql('postgres', qq{BEGIN; DROP TABLE once; CREATE INDEX made ON source USING barq_hnsw $graph; PREPARE TRANSACTION 'b'});
my ($made) = grep { my $n = $_; !grep { $n eq $_ } map { number($_) } 'once_v', 'source_v', 'keeper_v' } folders();
$node->safe_psql('postgres', q{COMMIT PREPARED 'b'});
is($made, number('made'), 'an index made by a prepared transaction keeps its folder');
$node->safe_psql('postgres', 'VACUUM source; VACUUM keeper');
is_deeply([ orphans($node) ], [], 'COMMIT PREPARED: no file is left after VACUUM');
found_once($node, 'source', 'COMMIT PREPARED: every row once');

# a sweep keeps folders that another transaction has made
$gate = close_gate($node);
my $open = background($node, q{
	BEGIN;
	CREATE TABLE unseen (id int, v vector(32));
	INSERT INTO unseen SELECT i, vec(i) FROM generate_series(1, 1000) i;
	CREATE INDEX unseen_v ON unseen USING barq_hnsw (v vector_l2_ops);
	SELECT pass();
	COMMIT;
});
wait_at_gate($node);
my @sizes = image_files($root);
$node->safe_psql('postgres', 'VACUUM source; VACUUM keeper');
is_deeply([ image_files($root) ], \@sizes, 'VACUUM leaves a folder that an open transaction made');
open_gate($node, $gate);
is(finished($open), 0, 'the open transaction commits');
is(scalar(@kept = images_of($node, 'unseen_v')), 1, 'after its commit the images exist');

# databases
$node->safe_psql('postgres', 'CREATE DATABASE second');
add_barq($node, 'second');
$node->safe_psql('second', q{
	CREATE TABLE items (id int, v vector(32));
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 500) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
});
$node->safe_psql('postgres', 'CREATE DATABASE third TEMPLATE second');
found_once($node, 'items', 'a database copied: every row once', database => 'third');
same_answers($node, 'items', 'a database copied: the nearest rows', database => 'third');
my $third = $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'third'});
is(scalar(my @folders = glob "$root/pgsql_tmp/*/$third"), 1, 'a database copied: it has its own images');
$node->safe_psql('postgres', 'DROP DATABASE third');
$node->safe_psql('postgres', 'VACUUM source');
is_deeply([ glob "$root/pgsql_tmp/*/$third" ], [], 'a dropped database: VACUUM in another database removes its files');

$node->stop;
done_testing();
