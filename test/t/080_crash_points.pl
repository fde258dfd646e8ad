# A crash between any two steps loses nothing. At every point that the library
# names (src/base/steps.h) the server is killed and started again; the index must
# then answer like a sequential scan, and take inserts, seals and VACUUM. Errors
# raised at the same points must leave no more behind than a crash.
# test/README.md describes scenarios and steps.
#
# CRASH_ONLY="scenario" or "point" (a regular expression), CRASH_SEED=n,
# CRASH_SECONDS=n (0: no limit): every point crashes at least once, and as many
# more pairs of scenario and point as the time allows.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

use BarqProof;

my $started = time;
my $tree = abs_path(dirname(__FILE__) . '/../..');
my $only = $ENV{CRASH_ONLY} // '.';
my $seed = $ENV{CRASH_SEED} // 1;
my $seconds = $ENV{CRASH_SECONDS} // 150;
srand($seed);

# Points that no scenario reaches, with the reason.
my %unreachable = (
	'image: abandon'           => 'only where the disk is full',
	'merge record: give up'    => 'only where the disk is full',
	'body: remove unfinished'  => 'only after an error',
	'marker: remove unwritten' => 'only where the disk is full',
	'dead rows: remove unwritten' => 'only where the disk is full',
	'marker: unmap unusable'   => 'only where a rename fails',
	'launcher: lock index'     => 'only the launcher, which runs where the library is preloaded',
	'folder: remove database'  => 'likewise',
	map({ $_ => 'only the launcher; 067_memory_restart has damaged files' } 'heat: create', 'heat: write header', 'heat: write', 'heat: sync', 'heat: rename'),
	map({ $_ => 'only where barq.image_directory is or was set' } 'folder: make directory', 'folder: remove tablespace', 'roots: lock', 'roots: write',
		'roots: sync', 'roots: make folder', 'roots: rewrite', 'roots: cut', 'heat: remove'),
	map({ $_ => 'only counts, which change nothing; count_steps stops there' } 'count: index read', 'count: map read'),
);

my $variant = PostgreSQL::Test::Utils::tempdir;
chomp(my $bin = `'$tree/scripts/variant.sh' '$variant' BARQ_CRASH_POINTS=1`);
die "the build with crash points failed" if $? != 0;
$ENV{PATH} = "$bin:$ENV{PATH}";
note sprintf 'built in %.1f s', time - $started;

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init;
$node->append_conf('postgresql.conf', q{
fsync = off
autovacuum = off
restart_after_crash = on
log_min_messages = log
shared_buffers = 16MB
jit = off
barq.background = off
wal_buffers = 4MB
wal_writer_delay = 10s
bgwriter_lru_maxpages = 0
});
$node->start;
my $data = $node->data_dir;
my $point_file = "$data/barq_crash_point";

# ---------------------------------------------------------------- scenarios

# Each scenario makes its table t with index ti (prepare) and runs a statement with
# an armed point (act). Then the index is checked and used further. `files`
# prepares files. gives_back: an error leaves no page that nothing reaches, and no
# file, even before a VACUUM (src/lifecycle/README.md, L14), but for the page of a cut log.
my $small = q{
	CREATE TABLE t (id serial PRIMARY KEY, v vector(8), kind int GENERATED ALWAYS AS (id % 5) STORED);
	ALTER TABLE t SET (autovacuum_enabled = off);
};
my $index = 'CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8);';
# with a filter column, and second codes
my $filtered = $index =~ s/vector_l2_ops\)/vector_l2_ops, kind)/r =~ s/\bm = 4/refine = on, m = 4/r;
sub rows { my ($n, $dims) = @_; return "INSERT INTO t (v) SELECT * FROM proof.vectors($n, " . ($dims // 8) . ');' }
# rows without a key
sub missing { my ($n) = @_; return "INSERT INTO t (v) SELECT NULL FROM generate_series(1, $n);" }
# the same of text
my $text = q{CREATE TABLE t (id serial PRIMARY KEY, v text) WITH (autovacuum_enabled = off);};
my $text_index = q{CREATE INDEX ti ON t USING barq_bm25 (v) WITH (text_config = 'simple');};
sub documents { my ($n, $words) = @_; return "INSERT INTO t (v) SELECT * FROM proof.documents($n, " . ($words // 12) . ');' }
my $mixed_text = $text . $text_index . documents(30) . q{SELECT barq_seal('ti');} . documents(150) . q{SELECT barq_seal('ti');}
  . documents(20) . missing(3);
# the same of two fields, one of them often NULL, with a filter column
my $fields = q{CREATE TABLE t (id serial PRIMARY KEY, v text, title text GENERATED ALWAYS AS (substring(v from '^all \S+ \S+ \S')) STORED,
	kind int GENERATED ALWAYS AS (id % 5) STORED) WITH (autovacuum_enabled = off);};
my $fields_index = q{CREATE INDEX ti ON t USING barq_bm25 (title bm25_ops (weight = 3, b = 0.5), v, kind) WITH (text_config = 'simple');};
my $mixed_fields = $mixed_text =~ s/\Q$text$text_index\E/$fields$fields_index/r;
# rows in lists, with a filter column and second codes
my $lists_index = 'CREATE INDEX ti ON t USING barq_ivf (v vector_l2_ops, kind) WITH (lists = 8, refine = on);';
# rows in a segment and in the log, some dead in both
my $mixed = $small . $index . rows(30) . missing(5) . q{SELECT barq_seal('ti');} . rows(150) . q{SELECT barq_seal('ti');}
  . rows(20) . missing(3);

my $of_8 = q{SELECT id FROM t ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;};

# a work area that is worth a record in this build
my $large = q{CREATE TABLE t (id serial PRIMARY KEY, v vector(32)) WITH (autovacuum_enabled = off);
	CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8, quantization = none);} . rows(500, 32)
  . q{SELECT barq_seal('ti');} . rows(200, 32) . q{SELECT barq_seal('ti');};

# a segment at the end of the file, behind the pages of a dropped one
my $high = q{CREATE TABLE t (id serial PRIMARY KEY, v vector(200)) WITH (autovacuum_enabled = off);
	CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);} . rows(100, 200) . q{SELECT barq_seal('ti');}
  . rows(40, 200) . q{SELECT barq_seal('ti'); DELETE FROM t WHERE id <= 100; VACUUM t;};

# an image of more than a search or a step of a worker makes in this build
my $parted = q{CREATE TABLE t (id serial PRIMARY KEY, v vector(200)) WITH (autovacuum_enabled = off);} . rows(150, 200)
  . q{CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);};
my $of_200 = q{SELECT id FROM t ORDER BY v <-> '[} . join(',', (1) x 200) . q{]' LIMIT 3;};

my @scenarios = (
	{ name => 'create', prepare => $small . rows(30) . missing(5), act => $index },
	{ name => 'create graph', prepare => $small . rows(200), act => $index },
	{
		name => 'create in file', dims => 3000,
		prepare => q{CREATE TABLE t (id serial PRIMARY KEY, v vector(3000));} . rows(150, 3000),
		act => "SET maintenance_work_mem = '1MB'; " . $index =~ s/\bm = 4/quantization = none, m = 4/r,
	},
	{
		name => 'create sparse',
		prepare => $small =~ s/vector\(8\)/sparsevec(8)/r . rows(200),
		act => $index =~ s/vector_l2_ops/sparsevec_l2_ops/r,
		index => $index =~ s/vector_l2_ops/sparsevec_l2_ops/r,
	},
	{
		name => 'create parallel',
		prepare => $small . rows(300) . 'ALTER TABLE t SET (parallel_workers = 1); ANALYZE t;',
		act => "SET max_parallel_maintenance_workers = 1; SET min_parallel_table_scan_size = 0; $index",
	},
	{
		name => 'create in memory',
		prepare => $small . rows(200) . q{ALTER SYSTEM SET barq.image_directory = '/dev/null/none'; SELECT pg_reload_conf();},
		act => "SELECT pg_sleep(0.05); $index",
		after => 'ALTER SYSTEM RESET barq.image_directory; SELECT pg_reload_conf(); SELECT pg_sleep(0.1);',
	},
	{ name => 'create unlogged', prepare => $small . 'ALTER TABLE t SET UNLOGGED;' . rows(10), act => $index },
	{ name => 'first insert', prepare => $small . $index, act => rows(1) },
	{ name => 'insert', prepare => $small . $index . rows(300), act => rows(200) },
	{
		name => 'insert long', dims => 3000,
		prepare => q{CREATE TABLE t (id serial PRIMARY KEY, v vector(3000));
			CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);} . rows(2, 3000),
		act => rows(1, 3000),
	},
	{
		name => 'insert and seal', dims => 200,
		prepare => q{CREATE TABLE t (id serial PRIMARY KEY, v vector(200));
			CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);} . rows(60, 200),
		act => q{SET barq.growing_limit = '64kB'; SET barq.max_segments = 1;} . rows(60, 200),
	},
	{
		name => 'insert and join', dims => 200,
		prepare => q{CREATE TABLE t (id serial PRIMARY KEY, v vector(200));
			CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);} . rows(60, 200) . missing(5),
		act => q{SET barq.growing_limit = '64kB';} . rows(360, 200),
	},
	{
		name => 'insert and join text',
		prepare => $text . $text_index . documents(20, 200) . missing(3),
		act => q{SET barq.growing_limit = '64kB';} . documents(500, 200),
	},
	{
		name => 'seal in chunks', gives_back => 1, dims => 200,
		prepare => q{CREATE TABLE t (id serial PRIMARY KEY, v vector(200));
			CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);} . rows(800, 200) . missing(5),
		act => q{SET barq.growing_limit = '64kB'; SELECT barq_seal('ti');},
	},
	{
		name => 'worker', dims => 200,
		prepare => q{CREATE TABLE t (id serial PRIMARY KEY, v vector(200));
			CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops)
			WITH (quantization = none, growing_limit = '64kB', max_segments = 1);} .
			rows(60, 200) . q{ALTER SYSTEM SET barq.background = on; SELECT pg_reload_conf();},
		act => q{SELECT pg_sleep(0.05);} . rows(60, 200) . q{
			DO $$ BEGIN FOR i IN 1 .. 30 LOOP
				PERFORM pg_sleep(0.02), pg_stat_clear_snapshot();
				EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'barq worker')
					AND (SELECT growing_bytes FROM barq_indexes()) < 65536;
			END LOOP; END $$;},
		after => 'ALTER SYSTEM RESET barq.background; SELECT pg_reload_conf(); SELECT pg_sleep(0.05);',
	},
	{ name => 'seal', gives_back => 1, prepare => $mixed . 'DELETE FROM t WHERE id % 7 = 0; VACUUM t;', act => q{SELECT barq_seal('ti');} },
	{
		name => 'directory of two pages', keep => 1,
		prepare => $small . $index . q{
			DO $$ BEGIN FOR i IN 1 .. 45 LOOP
				INSERT INTO t (v) SELECT * FROM proof.vectors(2, 8);
				PERFORM barq_seal('ti');
			END LOOP; END $$;},
		act => rows(3) . q{SELECT barq_seal('ti');},
	},
	{ name => 'compact', gives_back => 1, prepare => $small . $index . rows(20) . q{SELECT barq_seal('ti');} . rows(20), act => q{SELECT barq_compact('ti');} },
	{ name => 'compact graph', gives_back => 1, prepare => $mixed, act => q{SELECT barq_compact('ti');} },
	{
		# a merge that a crash has interrupted in its middle goes on; without helpers, which
		# may take all rows
		name => 'compact goes on', dims => 32, prepare => $large, stop => [ 'backend', 'merge: rows inserted', q{SET max_parallel_maintenance_workers = 0; SELECT barq_compact('ti');} ],
		act => q{SELECT barq_compact('ti');},
	},
	{
		name => 'compact goes on with its image', dims => 32, prepare => $large, stop => [ 'backend', 'publish: all written', q{SELECT barq_compact('ti');} ],
		act => q{SELECT barq_compact('ti');},
	},
	{
		# its inputs are gone: the record expires
		name => 'compact expires', dims => 32, prepare => $large, stop => [ 'backend', 'merge: rows inserted', q{SET max_parallel_maintenance_workers = 0; SELECT barq_compact('ti');} ],
		act => 'DELETE FROM t WHERE id > 500; VACUUM t; VACUUM t;',
	},
	{ name => 'compact fails', prepare => $large, dims => 32, gives_back => 1, act => q{SELECT barq_compact('ti');} },
	{ name => 'create filtered', prepare => $small . rows(200) . missing(5), act => $filtered, index => $filtered },
	{
		name => 'seal and compact filtered', gives_back => 1,
		prepare => $mixed =~ s/\Q$index\E/$filtered/r . 'DELETE FROM t WHERE id % 7 = 0; VACUUM t;',
		act => q{SELECT barq_seal('ti'); SELECT barq_compact('ti');},
	},
	{ name => 'vacuum', prepare => $mixed . 'DELETE FROM t WHERE id % 3 = 0;', act => 'VACUUM t;' },
	{ name => 'vacuum all', prepare => $mixed . 'DELETE FROM t; VACUUM t;', act => q{SELECT barq_compact('ti'); VACUUM t;} },
	{
		# after a crash the free space map may be wrong (an error gives pages back at once)
		name => 'reclaim by looking', prepare => $mixed,
		stop => [ 'backend', 'directory: swap', q{SELECT barq_compact('ti');} ], act => 'VACUUM t;',
	},
	{
		# pages that an insert left behind; the map is right but for them
		name => 'reclaim', dims => 3000,
		prepare => q{CREATE TABLE t (id serial PRIMARY KEY, v vector(3000));
			CREATE INDEX ti ON t USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);} . rows(2, 3000) . 'VACUUM t;',
		stop => [ 'error', 'log: pages written', rows(1, 3000) ], act => 'VACUUM t;',
	},
	{
		# a search shares what it has read, if it is flushed; one of a later set of rows
		# lets the former go
		name => 'dead rows', prepare => "$mixed DELETE FROM t WHERE id % 3 = 0; VACUUM t; CHECKPOINT;",
		act => "SET enable_seqscan = off; $of_8 DELETE FROM t WHERE id % 5 = 0; VACUUM t;" . rows(1) . $of_8,
	},
	{
		name => 'images', prepare => $mixed, act => "SET enable_seqscan = off; $of_8",
		files => sub { unlink glob shift() . '/*' },
	},
	{
		name => 'damaged image', prepare => $mixed, act => "SET enable_seqscan = off; $of_8",
		files => sub {
			my $folder = shift;
			unlink glob "$folder/*.ok";
			foreach my $file (glob "$folder/*.img")
			{
				open(my $f, '+<:raw', $file) or die;
				seek($f, 5000, 0);
				print $f 'damage';
				close $f;
			}
		},
	},
	{
		name => 'image of another size', prepare => $mixed, act => "SET enable_seqscan = off; $of_8",
		files => sub {
			foreach my $file (glob shift() . '/*.img')
			{
				open(my $f, '>>:raw', $file) or die;
				print $f 'x';
				close $f;
			}
		},
	},
	{
		name => 'markers of other files', prepare => $mixed, act => "SET enable_seqscan = off; $of_8",
		files => sub { utime 1, 1, glob shift() . '/*.img' },
	},
	{
		name => 'image in parts', dims => 200, prepare => $parted, act => "SET enable_seqscan = off; $of_200 $of_200 $of_200",
		files => sub { unlink glob shift() . '/*.img' },
	},
	{
		name => 'image by a worker', dims => 200, prepare => "$parted ALTER SYSTEM SET barq.background = on; SELECT pg_reload_conf(); SELECT pg_sleep(0.05);",
		act => "SET enable_seqscan = off; $of_200" . q{
			DO $$ BEGIN FOR i IN 1 .. 50 LOOP
				PERFORM pg_sleep(0.02), pg_stat_clear_snapshot();
				EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'barq image worker');
			END LOOP; END $$;},
		after => 'ALTER SYSTEM RESET barq.background; SELECT pg_reload_conf(); SELECT pg_sleep(0.05);',
		files => sub { unlink glob shift() . '/*.img' },
	},
	{
		name => 'strays', prepare => $mixed, act => 'VACUUM t;',
		files => sub {
			my $folder = shift;
			my $orphan = dirname($folder) . '/4000000000';
			mkdir $orphan;
			foreach my $stray ("$folder/00000000000000000000000000000000.img", "$folder/0.tmp", "$folder/00000000000000000000000000000000.ok.1.tmp", "$orphan/lock", "$orphan/x.img")
			{
				open(my $f, '>', $stray) or die "$stray: $!";
				close $f;
			}
		},
	},
	{ name => 'calibrate', prepare => $small . $index . rows(300) . q{SELECT barq_compact('ti');}, act => q{SELECT barq_calibrate('ti', ARRAY(SELECT v FROM t LIMIT 5));} },
	{ name => 'prewarm and evict', prepare => $mixed, act => q{SELECT barq_prewarm('ti'), barq_evict('ti');} },
	{ name => 'shrink', gives_back => 1, dims => 200, prepare => $high, act => q{SELECT barq_compact('ti');} },
	{ name => 'shrink by VACUUM', dims => 200, prepare => "$high BEGIN; SELECT barq_compact('ti'); COMMIT;", act => 'VACUUM t;' },
	{ name => 'drop', prepare => $mixed, act => 'DROP INDEX ti;', after => $index },
	{ name => 'truncate', prepare => $mixed, act => 'BEGIN; TRUNCATE t;' . rows(5) . 'COMMIT;' },
	{ name => 'reindex', prepare => $mixed, act => 'REINDEX INDEX ti;' },
	(map { { lists => 1, index => $lists_index, %$_ } } (
		{ name => 'lists: create', prepare => $small . rows(200), act => $lists_index },
		{
			name => 'lists: seal and compact', gives_back => 1,
			prepare => $small . $lists_index . rows(150) . q{SELECT barq_seal('ti'), barq_compact('ti');}
			  . rows(30) . 'DELETE FROM t WHERE id % 7 = 0; VACUUM t;',
			act => q{SELECT barq_seal('ti'); SELECT barq_compact('ti');},
		})),
	map { { text => 1, %$_ } } (
		{ name => 'text: create', prepare => $text . documents(200), act => $text_index },
		{ name => 'text: first insert', prepare => $text . $text_index, act => documents(1) },
		{ name => 'text: insert', prepare => $text . $text_index . documents(300), act => documents(200) },
		{ name => 'text: insert long', prepare => $text . $text_index . documents(2), act => documents(1, 4000) },
		{
			name => 'text: insert and seal', prepare => $text . $text_index . documents(500),
			act => q{SET barq.growing_limit = '64kB'; SET barq.max_segments = 1;} . documents(700),
		},
		{ name => 'text: seal', gives_back => 1, prepare => $mixed_text . 'DELETE FROM t WHERE id % 7 = 0; VACUUM t;', act => q{SELECT barq_seal('ti');} },
		{ name => 'text: compact', gives_back => 1, prepare => $mixed_text, act => q{SELECT barq_compact('ti');} },
		{ name => 'text: vacuum', prepare => $mixed_text . 'DELETE FROM t WHERE id % 3 = 0;', act => 'VACUUM t;' },
		{
			name => 'text: images', prepare => $mixed_text, act => q{SELECT count(*) FROM t WHERE v @@@ to_bm25query('all', 'ti');},
			files => sub { unlink glob shift() . '/*' },
		},
		map { { index => $fields_index, %$_ } } (
			{ name => 'fields: create', prepare => $fields . documents(200) . missing(2), act => $fields_index },
			{ name => 'fields: insert', prepare => $fields . $fields_index . documents(300), act => documents(200) },
			{
				name => 'fields: seal', gives_back => 1, prepare => $mixed_fields . 'DELETE FROM t WHERE id % 7 = 0; VACUUM t;',
				act => q{SELECT barq_seal('ti');},
			},
			{ name => 'fields: compact', gives_back => 1, prepare => $mixed_fields, act => q{SELECT barq_compact('ti');} },
			{ name => 'fields: vacuum', prepare => $mixed_fields . 'DELETE FROM t WHERE id % 3 = 0;', act => 'VACUUM t;' })));

# ---------------------------------------------------------------- machinery

# before each preparation and act: rows, and so the points that they pass, are the same each time
my $same_rows = 'DO $$ BEGIN PERFORM setseed(0.5); END $$;';

sub sql { return $node->safe_psql('postgres', "SET client_min_messages = warning; $_[0]") }

sub try_sql
{
	my ($status, $out, $err) = $node->psql('postgres', "SET client_min_messages = error; $_[0]", on_error_stop => 1);
	return ($status, $err);
}

sub arm
{
	open(my $f, '>', "$point_file.new") or die;
	print $f "$_[0]\n";
	close $f;
	rename "$point_file.new", $point_file or die;
}

# Wait after a crash until the log says that the server is ready again; the
# postmaster may notice the crash later than the session.
sub wait_until_up
{
	my $position = shift;
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $deadline)
	{
		return if slurp_file($node->logfile, $position) =~ /database system is ready to accept connections/;
		sleep 0.01;
	}
	die 'the server does not come back';
}

# The children of a killed postmaster need a moment to notice.
sub start_again
{
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;
	while (time < $deadline)
	{
		$node->{_pid} = undef;
		return if $node->start(fail_ok => 1);
		sleep 0.1;
	}
	die 'the server does not start again';
}

sub image_folder
{
	return "$data/" . sql(q{SELECT 'pg_barq/pgsql_tmp/' || CASE reltablespace WHEN 0 THEN d.dattablespace ELSE reltablespace END
		|| '/' || d.oid || '/' || pg_relation_filenode('ti') FROM pg_class c, pg_database d
		WHERE c.oid = 'ti'::regclass AND datname = current_database()});
}

my %exists;

sub prepare
{
	my $s = shift;
	unless ($s->{keep} && $exists{ $s->{name} })
	{
		sql("DROP TABLE IF EXISTS t; $same_rows $s->{prepare}");
		%exists = ($s->{name} => 1);
	}
	if ($s->{stop})
	{
		my ($whom, $name, $act) = @{ $s->{stop} };
		my $position = -s $node->logfile;
		arm("crash 1 flush $whom $name");
		my ($status) = try_sql($act);
		die "$s->{name} was not stopped" if $status == 0 || -e $point_file;
		wait_until_up($position) if $whom eq 'backend';
	}
	$s->{files}->(image_folder()) if $s->{files};
}

# Faults now, and after further use of the index. $clean: what a VACUUM would
# repair is a fault now, too.
sub complaints
{
	my ($s, $clean) = @_;
	my $found = '';
	my $more = sub { return $s->{text} ? documents($_[0]) : rows($_[0], $s->{dims}) };

	sql($s->{after}) if $s->{after};
	my $has_index = sql(q{SELECT count(*) FROM pg_class WHERE relname = 'ti'});
	sql($s->{index} // ($s->{text} ? $text_index : $index)) unless $has_index;
	my @left = $clean ? stray_images($data, \&sql) : ();
	$found .= "files left: @left\n" if @left;
	$found .= sql("SELECT * FROM proof.complaints('ti', " . ($clean ? 'true' : 'false') . ')');
	sql("DELETE FROM t WHERE id = (SELECT min(id) FROM t); VACUUM t;" . $more->(3)
		. q{SELECT barq_seal('ti');} . $more->(2) . 'VACUUM t;');
	$found .= sql(q{SELECT * FROM proof.complaints('ti', true)});

	# a merge that can go on does, and leaves nothing
	if (glob "$data/pg_barq/pgsql_tmp/*/*/*/*.merge")
	{
		sql(q{SELECT barq_compact('ti')});
		$found .= sql(q{SELECT * FROM proof.complaints('ti', true)});
		$found .= "a record is left\n" if glob "$data/pg_barq/pgsql_tmp/*/*/*/*.merge";
	}
	my @stray = stray_images($data, \&sql);
	$found .= "files without an owner: @stray\n" if @stray;
	return $found;
}

# ---------------------------------------------------------------- the tests

sql('CREATE EXTENSION barq;' . proof_functions() . q{
	CREATE FUNCTION barq_crash_points(OUT name text, OUT file text, OUT line int)
	RETURNS SETOF record AS '$libdir/barq' LANGUAGE C});

my @points = split /\n/, sql('SELECT name FROM barq_crash_points() ORDER BY file, line, name');
cmp_ok(scalar @points, '>', 50, 'the library lists its crash points');
is(sql('SELECT name FROM barq_crash_points() GROUP BY name HAVING count(*) > 1'), '', 'each has a name of its own');

# No call goes past the wrappers.
my $wrapped = qr/\b(?:GenericXLogFinish|log_newpage\w*|rename(?:at)?|unlink(?:at)?|rmdir|mkdir(?:at)?|MakePGDirectory|write|pwrite|ftruncate|pg_fsync|fsync|posix_fallocate|mmap|munmap|flock|(?:Conditional)?(?:Unl|L)ock(?:Page|Relation|RelationForExtension|RelationOid)|RelationTruncate|durable_\w+)\s*\(/;
my @past;
foreach my $file (sort(glob("$tree/src/*.c"), glob("$tree/src/*/*.[ch]")))
{
	# kernels compute only
	next if $file =~ m{/kernels/|/(?:(?:file_)?steps\.[ch]|folder\.c)$};
	open(my $f, '<', $file) or die;
	while (my $line = <$f>)
	{
		next if $line =~ m{^\s*(?:/?\*|//)};
		push @past, "$file:$.: $line" if $line =~ $wrapped;
	}
}
is("@past", '', 'no record, file or lock goes past the wrappers of base/steps.h');

# First each scenario runs without a crash, and its points are recorded.
my %passes;
my @pairs;
foreach my $s (@scenarios)
{
	prepare($s);
	unlink "$data/barq_crash_log";
	arm('record');
	my ($status, $err) = try_sql("$same_rows $s->{act}");
	unlink $point_file;
	my %count;
	if (open(my $f, '<', "$data/barq_crash_log"))
	{
		while (my $name = <$f>) { chomp $name; $count{$name}++ }
		close $f;
	}
	my $wrong = $status == 0 ? complaints($s) : $err;
	is($wrong, '', "$s->{name}: sound without a crash, " . scalar(keys %count) . ' points');
	like(sql(q{SELECT string_agg(kind, ' ') FROM barq_segments('ti')}), qr/\bivf\b/, "$s->{name}: there are lists") if $s->{lists};
	foreach my $name (sort keys %count)
	{
		push @{ $passes{$name} }, $s->{name};
		push @pairs, [ $s, $name, $count{$name} ];
	}
}
foreach my $name (@points)
{
	ok($passes{$name} || $unreachable{$name},
		"\"$name\" is reached" . ($passes{$name} ? '' : ' ' . ($unreachable{$name} // '')));
}
note sprintf '%d points, %d pairs of scenario and point, %.1f s', scalar @points, scalar @pairs, time - $started;

# Then the crashes: every pair of scenario and point that changes pages; other
# points in one scenario each. Text, fields and lists go through the same steps
# of the store: each point at which they change pages once more.
my %turn;
my (%crashes, %seconds);
my $left_out = 0;
my (@orders, @more);
foreach my $pair (@pairs)
{
	my ($s, $name, $count) = @$pair;
	my $pages = $name =~ /^(?:log|directory|meta|blob|tombstones|page: (?:stamp|offer)|linking|move|cut)/;
	my $first = !$turn{$name}++;

	push @orders, [ $s, $name, 1 + int(rand $count), 'flush', 'error' ] if $pages && !$first && $s->{gives_back} && $name !~ /^log:/ && !$turn{"gives back $name"}++;
	if ($s->{text} || $s->{lists})
	{
		my $kind = $s->{lists} ? 'lists' : $s->{index} ? 'fields' : 'text';

		next unless $pages;
		push @{ $turn{"$kind $name"}++ ? \@more : \@orders }, [ $s, $name, 1 + int(rand $count), 'flush', 'backend' ];
		next;
	}
	push @{ $first ? \@orders : \@more }, [ $s, $name, 1 + int(rand $count), 'flush', 'backend' ] if $pages || $first;
	push @orders, [ $s, $name, $count, 'flush', 'backend' ] if $pages && $first && $count > 1;
	push @orders, [ $s, $name, 1 + int(rand $count), 'lose', 'backend' ] if $pages && $first;
	push @orders, [ $s, $name, 1 + int(rand $count), 'flush', 'server' ] if $first && rand() < 0.05;
	push @orders, [ $s, $name, 1 + int(rand $count), 'flush', 'error' ] if $first;
}
my $must = @orders;
push @orders, map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [ rand(), $_ ] } @more;
@orders = grep { "$_->[0]{name}" =~ /$only/ || $_->[1] =~ /$only/ } @orders;

foreach my $order (@orders)
{
	my ($s, $name, $pass, $how, $whom) = @$order;
	if ($must-- <= 0 && $seconds && time - $started > $seconds)
	{
		$left_out++;
		next;
	}
	my $t = time;
	prepare($s);
	my $position = -s $node->logfile;
	arm("crash $pass $how $whom $name");
	my ($status, $err) = try_sql("$same_rows $s->{act}");
	my $wrong = '';
	if (-e $point_file)
	{
		# one of several processes may pass the point less often than all together
		unlink $point_file;
		$wrong = "the point was not reached\n" unless $s->{name} =~ /parallel|worker/ || $name eq 'work: lock to use';
	}
	elsif ($whom eq 'backend' || $whom eq 'error' && $status == 2)
	{
		# an error in a critical section is a PANIC
		wait_until_up($position);
	}
	start_again() if $whom eq 'server' && $status == 2;
	$wrong .= complaints($s, $whom eq 'error' && $status != 2 && $s->{gives_back} && $name !~ /^log:/);
	is($wrong, '', "$s->{name}: $whom, $how, at \"$name\" ($pass)");
	$seconds{$whom} += time - $t;
	$crashes{$whom}++;
}

# A session that was cancelled while it made an image makes it at its next search.
{
	my $search = q{SELECT id FROM t ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 1;};
	sql("DROP TABLE t; $mixed");
	unlink glob image_folder() . '/*';
	arm('crash 1 flush error image: write');
	my (undef, $out) = $node->psql('postgres',
		"SET enable_seqscan = off; $search $search SELECT image FROM barq_segments('ti') WHERE id IS NOT NULL", on_error_stop => 0);
	like($out, qr/^\d+\nresident\nresident$/, 'an image whose making was cancelled is made by the next search');
}

note sprintf '%s: %d in %.1f s', $_, $crashes{$_}, $seconds{$_} foreach sort keys %crashes;
note sprintf 'all in %.1f s, %d left out for want of time', time - $started, $left_out;

$node->stop;
my $log = slurp_file($node->logfile);
unlike($log, qr/TRAP:/, 'no assertion failed');
my @panics = grep { !/stopped at step/ } $log =~ /PANIC:.*/g;
is("@panics", '', 'no PANIC but those asked for');
unlike($log, qr/(?:reference|refcount|file|snapshot|lock|resource)[a-z ]* leak|resource was not closed/, 'nothing leaked');
done_testing();
