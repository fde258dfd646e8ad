# A full disk. The indexes lie in a tablespace on a small disk that is filled up: a
# seal, a merge, CREATE INDEX, REINDEX and VACUUM that find no room fail with "disk
# full" or do without, leave the index sound and its file no longer than before, and
# succeed when there is room. The same for the image folder, by a limit on the size
# of the files of one session, which needs no disk.
use strict;
use warnings;

use BarqSmallDisk;
use BarqSession;
use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('full', conf => q{
	log_min_messages = warning
	barq.growing_limit = 256kB
});
my @kinds = (
	[ 'hnsw', 'vectors_v', q{CREATE INDEX %s ON vectors USING barq_hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 16, quantization = none) %s} ],
	[ 'ivf', 'lists_v', q{CREATE INDEX %s ON lists USING barq_ivf (v vector_l2_ops) WITH (quantization = none) %s} ],
	[ 'bm25', 'texts_t', q{CREATE INDEX %s ON texts USING barq_bm25 (t) WITH (text_config = 'simple') %s} ]);
my %insert = (
	vectors_v => 'INSERT INTO vectors SELECT i, vec(i, 128) FROM generate_series(%d, %d) i',
	lists_v => 'INSERT INTO lists SELECT i, vec(i, 128) FROM generate_series(%d, %d) i',
	texts_t => q{INSERT INTO texts SELECT i, (SELECT string_agg('w' || (i * j) %% 3001 || ' v' || (i * j) %% 17, ' ') FROM generate_series(1, 30) j)
		FROM generate_series(%d, %d) i});

$node->safe_psql('postgres', q{
	CREATE TABLE vectors (id int, v vector(128)); CREATE TABLE lists (id int, v vector(128));
	CREATE TABLE texts (id int, t text)});

sub rows { my ($index, $from, $to) = @_; return sprintf $insert{$index}, $from, $to; }

sub size { my ($index) = @_; return $node->safe_psql('postgres', "SELECT pg_relation_size('$index')"); }

sub used
{
	my ($folder) = @_;
	my ($used) = `df --output=used -k '$folder'` =~ /(\d+)\s*$/;
	return $used;
}

# The answers of an index equal those of its table; checks the index too.
sub is_right
{
	my ($index, $name) = @_;
	my ($table, $column) = split /_/, $index;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	sound($node, $index, "$name: sound", errors => 1);
	return found_once($node, $table, "$name: every row once") if $column eq 'v';
	return is($node->safe_psql('postgres', q{SET enable_seqscan = off; SELECT count(*) FROM texts WHERE t @@@ 'v3'}),
		$node->safe_psql('postgres', q{SET enable_indexscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM texts WHERE t ~ '\mv3\M'}),
		"$name: every row once");
}

# SQL that has to fail for want of room.
sub fails
{
	my ($sql, $name, $message) = @_;
	my (undef, undef, $err) = $node->psql('postgres', $sql);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return like($err, $message // qr/ERROR:  could not extend file .*(No space left on device|wrote only)/, "$name fails for want of room");
}

SKIP:
{
	my $small = small_disk();
	skip 'no small disk can be mounted', 1 if $small eq '';

	mkdir "$small/space";
	chmod 0700, "$small/space";
	$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$small/space'");
	foreach my $kind (@kinds)
	{
		my ($name, $index, $create) = @$kind;
		my $rows = $index eq 'texts_t' ? 8000 : 3000;
		my ($before, $least);

		# ---- CREATE INDEX
		$node->safe_psql('postgres', rows($index, 1, $rows));
		$before = used($small);
		fill_disk(400 * 1024);
		fails(sprintf($create, $index, 'TABLESPACE small'), "$name: CREATE INDEX");
		free_disk();
		$node->safe_psql('postgres', 'CHECKPOINT');
		is(used($small), $before, "$name: and leaves nothing");
		is_deeply([ orphans($node) ], [], "$name: nor files in the image folder");
		$node->safe_psql('postgres', sprintf($create, $index, 'TABLESPACE small'));
		is_right($index, "$name: CREATE INDEX when there is room");

		# ---- REINDEX
		$before = used($small);
		fill_disk(400 * 1024);
		fails("REINDEX INDEX $index", "$name: REINDEX");
		is_right($index, "$name: after REINDEX failed");
		free_disk();
		$node->safe_psql('postgres', 'CHECKPOINT');
		is(used($small), $before, "$name: and leaves nothing");

		# ---- seal: the log is there, its segment is not
		$node->safe_psql('postgres', "ALTER INDEX $index SET (growing_limit = 64000)");
		$node->safe_psql('postgres', rows($index, $rows + 1, $rows + 1000));
		$least = size($index);
		fill_disk();
		fails("SELECT barq_seal('$index')", "$name: a seal") for 1 .. 3;
		is(size($index), $least, "$name: three failed seals take no space");
		is_right($index, "$name: after seals failed");
		fails(rows($index, $rows + 1001, $rows + 30000), "$name: an insert");
		is_right($index, "$name: after an insert failed");

		# ---- VACUUM marks rows dead: it needs a page for the marks
		free_disk();
		my ($table) = split /_/, $index;
		$node->safe_psql('postgres', "SELECT barq_seal('$index'); DELETE FROM $table WHERE id % 10 = 0");
		fill_disk();
		my (undef, undef, $err) = $node->psql('postgres', "VACUUM $table");
		unlike($err, qr/PANIC|FATAL|TRAP/, "$name: a VACUUM on a full disk");
		diag($err) if $err ne '';
		is_right($index, "$name: after it");
		free_disk();
		$node->safe_psql('postgres', "VACUUM $table");
		is($node->safe_psql('postgres', "SELECT sum(dead_rows) FROM barq_segments('$index')"),
			$node->safe_psql('postgres', "SELECT sum(rows) - (SELECT count(*) FROM $table) FROM barq_segments('$index')"),
			"$name: VACUUM when there is room marks every dead row");

		# ---- merge
		fill_disk(100 * 1024);
		fails("SELECT barq_compact('$index')", "$name: a merge");
		$least = size($index);
		sound($node, $index, "$name: and gives its pages back");
		fails("SELECT barq_compact('$index')", "$name: a merge again") for 1 .. 3;
		is(size($index), $least, "$name: three more failed merges take no space");
		is_right($index, "$name: after merges failed");
		free_disk();
		cmp_ok($node->safe_psql('postgres', "SELECT barq_compact('$index')"), '>', 0, "$name: a merge when there is room");
		is(segment_count($node, $index), 1, "$name: into one segment");
		is_right($index, "$name: after the merge");
		is_deeply([ orphans($node) ], [], "$name: no file without a segment");
		$node->safe_psql('postgres', "DROP TABLE $table");
		$node->safe_psql('postgres', 'CHECKPOINT');
	}
	is($node->safe_psql('postgres', 'DROP TABLESPACE small; SELECT 1'), 1, 'the tablespace is empty at last');
}

# ---------------------------------------------------------------- the image folder
SKIP:
{
	skip 'no prlimit', 1 if system('prlimit --version >/dev/null 2>&1') != 0;
	$node->safe_psql('postgres', q{CREATE TABLE large (id int, v vector(1000)); ALTER TABLE large ALTER v SET STORAGE EXTERNAL;
		INSERT INTO large SELECT i, vec(i, 1000) FROM generate_series(1, 6000) i});

	# files of at most 17 MB, which WAL needs; those of the index are longer
	my $limited = session($node);
	my $pid = ask($limited, 'SELECT pg_backend_pid()');
	my $too_large = qr/ERROR:  .*File too large/;
	my $order = sub {
		my ($limit, $sql) = @_;
		system("prlimit --pid $pid --fsize=$limit:") == 0 or die;
		send_sql($limited, $sql);
		answer($limited);
		return $limited->{err};
	};
	my $create = 'CREATE INDEX large_v ON large USING barq_hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8, quantization = none, growing_limit = 1000000)';

	my $err = $order->(17 * 1024 * 1024, $create);
	like($err, qr/File too large/, 'CREATE INDEX beyond a limit on files fails');
	diag($err);
	is_deeply([ orphans($node) ], [], 'and leaves no file');
	is($order->('unlimited', $create), '', 'and succeeds without the limit');
	is($order->('unlimited', 'DELETE FROM large WHERE id % 3 = 0; VACUUM large; INSERT INTO large SELECT i, vec(i, 1000) FROM generate_series(6001, 6100) i'), '',
		'the index gets another segment');
	my $files = join ' ', image_files(image_root($node));
	my $most = 0;
	for my $i (1 .. 4)
	{
		$err = $order->(17 * 1024 * 1024 - 1, q{SELECT barq_compact('large_v')});
		diag($err) if $i == 1;
		like($err, qr/File too large/, 'a merge beyond a limit on files fails');
		$most = size('large_v') if $i == 1;
	}
	is(size('large_v'), $most, 'more of them take no space');
	is(join(' ', image_files(image_root($node))), $files, 'nor leave files');
	sound($node, 'large_v', 'nor harm the index', errors => 1);
	is($order->('unlimited', q{SELECT barq_compact('large_v')}), '', 'the merge succeeds without the limit');
	is(segment_count($node, 'large_v'), 1, 'into one segment');
	same_answers($node, 'large', 'the nearest rows', recall => 0.3);
	sound($node, 'large_v', 'sound');
	quit($limited);
	is_deeply([ orphans($node) ], [], 'no file without a segment');
}

$node->stop;
unlike(slurp_file($node->logfile), qr/TRAP:|leak|PANIC/, 'no assertion failed, nothing leaked');
done_testing();
