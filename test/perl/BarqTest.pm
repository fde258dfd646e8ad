# Shared by the TAP tests: start and kill servers with barq; compare rows found
# through an index with rows found without it, and files under the image
# directory with the segments that own them.
package BarqTest;

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Find;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);

our @EXPORT = qw(
  new_server new_standby add_barq background finished close_gate wait_at_gate open_gate kill_server wait_until wait_for_stop wait_for_growth
  relation_file found_once nearly_all answers same_answers sound segment_count
  image_root image_files images_of orphans flip_byte
);

# A server in which the inserting session seals and merges.
sub new_server
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $options{init} // {} });
	$node->append_conf('postgresql.conf', q{
		max_parallel_maintenance_workers = 0
		autovacuum = off
		barq.background = off
		checkpoint_timeout = 1h
	});
	$node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
	$node->start;
	add_barq($node, 'postgres');
	return $node;
}

# A streaming standby of a server, started, from a base backup taken now, or from the one named
# `backup`; `conf`: further settings.
sub new_standby
{
	my ($primary, $name, %options) = @_;
	my $backup = $options{backup} // $name;
	my $standby = PostgreSQL::Test::Cluster->new($name);

	$primary->backup($backup) if !defined $options{backup};
	$standby->init_from_backup($primary, $backup, has_streaming => 1);
	$standby->append_conf('postgresql.conf', $options{conf}) if $options{conf};
	$standby->start;
	return $standby;
}

# The extension, and vec(i, dims): a vector that depends on nothing but i.
sub add_barq
{
	my ($node, $database) = @_;

	$node->safe_psql($database, q{
		CREATE EXTENSION barq;
		CREATE FUNCTION vec(i int, dims int DEFAULT 32) RETURNS vector
			LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
			SELECT array_agg(sin((i % 100003 + 1) * (j * 0.7133 + 0.31) + j * j))::vector
			FROM generate_series(1, dims) j $$;
		CREATE FUNCTION pass() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_lock_shared(7)';
	});
	return;
}

# Run SQL in a psql of its own, at the same time; `finished` waits for its end.
# Its backend's process id is known before the first statement is run.
my $scripts = 0;

sub background
{
	my ($node, $sql, %options) = @_;
	my $self = { out => '', err => '' };
	my $file = PostgreSQL::Test::Utils::tempdir . '/' . ++$scripts . '.sql';

	PostgreSQL::Test::Utils::append_to_file($file,
		"SELECT pg_backend_pid() AS pid \\gset\n\\setenv BARQ_PID :pid\n"
		. "\\! echo \$BARQ_PID > $file.new && mv $file.new $file.pid\n$sql\n");
	$self->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1',
			'-d', $node->connstr($options{database} // 'postgres'), '-f', $file ],
		'<', \undef, '>', \$self->{out}, '2>', \$self->{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	wait_until('psql has connected', sub { -f "$file.pid" || !$self->{run}->pumpable });
	$self->{pid} = -f "$file.pid" ? int PostgreSQL::Test::Utils::slurp_file("$file.pid") : 0;
	return $self;
}

# Wait for the end of a psql that `background` started; returns 0 if it succeeded.
sub finished
{
	my ($self) = @_;

	my $ok;
	eval { $ok = $self->{run}->finish; 1 } or do
	{
		my $error = $@;
		$self->{run}->kill_kill;
		die $error;
	};
	return $ok ? 0 : 1;
}

# A gate: a session that `background` started waits at "SELECT pass()" until
# open_gate. Works on a standby too.
sub close_gate
{
	my ($node) = @_;
	my $gate = background($node, 'SELECT pg_advisory_lock(7); SELECT pg_sleep(100000);');

	$node->poll_query_until('postgres',
		q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted})
	  or die 'the gate does not close';
	return $gate;
}

sub wait_at_gate
{
	my ($node) = @_;

	$node->poll_query_until('postgres',
		q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted})
	  or die 'nobody waits at the gate';
	return;
}

sub open_gate
{
	my ($node, $gate) = @_;

	$node->safe_psql('postgres', "SELECT pg_terminate_backend($gate->{pid})");
	finished($gate);
	return;
}

# Poll until a condition holds; dies after the time limit.
sub wait_until
{
	my ($what, $condition) = @_;
	my $end = time + $PostgreSQL::Test::Utils::timeout_default;

	until ($condition->())
	{
		die "waited in vain until $what" if time > $end;
		usleep(500);
	}
	return;
}

# Wait until a process waits at an advisory lock, where barq_stop_at() has stopped it.
sub wait_for_stop
{
	my ($node, $pid) = @_;

	wait_until("process $pid stops", sub {
		$node->safe_psql('postgres', "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $pid") eq 't' });
	return;
}

sub relation_file
{
	my ($node, $relation, $database) = @_;

	return $node->data_dir . '/'
	  . $node->safe_psql($database // 'postgres', "SELECT pg_relation_filepath('$relation')");
}

# Wait until a relation's file has grown by so many bytes, so pages are being
# written. Checks the file itself, because no query is quick enough.
sub wait_for_growth
{
	my ($file, $from, $by) = @_;

	wait_until("$file has grown", sub { (-s $file // 0) >= $from + $by });
	return;
}

# Kill a whole server as a power cut would: first the postmaster and the backends
# of the given sessions (returned by `background`), then every process whose
# working directory is the data directory. Waits until all have ended.
sub kill_server
{
	my ($node, @busy) = @_;
	my $data = Cwd::abs_path($node->data_dir);
	my ($postmaster) = split /\n/, PostgreSQL::Test::Utils::slurp_file("$data/postmaster.pid");

	kill 'KILL', $postmaster, map { $_->{pid} } @busy;
	$node->kill9;
	wait_until('all backends have ended', sub {
		my @left = map { m{^/proc/(\d+)/} } grep { (readlink($_) // '') eq $data } glob '/proc/[0-9]*/cwd';

		kill 'KILL', @left;
		return !@left && !kill(0, $postmaster);
	});
	return;
}

# ids of all rows, by the plan that the settings force
sub all_ids
{
	my ($node, $table, $database, $settings) = @_;

	return split /\n/, $node->safe_psql($database,
		"$settings SELECT id FROM (SELECT id FROM $table WHERE v IS NOT NULL ORDER BY v <-> (SELECT vec(1, vector_dims(v)) FROM $table WHERE v IS NOT NULL LIMIT 1) OFFSET 0) AS found ORDER BY id");
}

my $by_index = q{
	SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = on;
	SET barq.iterative_scan = relaxed_order; SET barq.max_scan_tuples = 2000000000;
};
my $by_heap = q{
	SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;
};

# An index scan without a limit finds each row of the table exactly once.
# The table has columns id and v.
sub found_once
{
	my ($node, $table, $name, %options) = @_;
	my $database = $options{database} // 'postgres';
	my %expected;
	my %found;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	my $plan = $node->safe_psql($database,
		"$by_index EXPLAIN (COSTS OFF) SELECT id FROM $table WHERE v IS NOT NULL ORDER BY v <-> (SELECT vec(1, vector_dims(v)) FROM $table WHERE v IS NOT NULL LIMIT 1)");
	if ($plan !~ /Index Scan using \S+ on \S+[^\n]*\n(\s*Index Cond: [^\n]*\n)?\s*Order By/)
	{
		fail($name);
		diag("not answered by an index:\n$plan");
		return 0;
	}
	$expected{$_}++ foreach all_ids($node, $table, $database, $by_heap);
	$found{$_}++ foreach all_ids($node, $table, $database, $by_index);

	my @missing = grep { ($found{$_} // 0) < $expected{$_} } sort { $a <=> $b } keys %expected;
	my @wrong = grep { !$expected{$_} } sort { $a <=> $b } keys %found;
	my @twice = grep { $expected{$_} && $found{$_} > $expected{$_} } sort { $a <=> $b } keys %found;
	my $ok = !@missing && !@wrong && !@twice;

	ok($ok, $name . ' (' . scalar(keys %expected) . ' rows)');
	diag(sprintf 'of %d rows %d are missing (%s), %d found more than once (%s), %d found but not there (%s)',
		scalar(keys %expected), scalar(@missing), join(' ', @missing[ 0 .. min(9, $#missing) ]),
		scalar(@twice), join(' ', @twice[ 0 .. min(9, $#twice) ]),
		scalar(@wrong), join(' ', @wrong[ 0 .. min(9, $#wrong) ])) unless $ok;
	return $ok;
}

# Bytes in memory are all of an image, but for pages that the kernel took back: it may
# take any at any time, also from files that were just read.
sub nearly_all
{
	my ($bytes, $all, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	my $ok = ok($bytes >= 0.9 * $all && $bytes <= $all, $name);
	diag("$bytes of $all bytes") unless $ok;
	return $ok;
}

sub min { return $_[0] < $_[1] ? $_[0] : $_[1]; }

my $questions = q{
	SELECT q, array(SELECT round((t.v <-> w.query)::numeric, 6) || ':' || id FROM %s t WHERE t.v IS NOT NULL ORDER BY t.v <-> w.query LIMIT 10)
	FROM (SELECT q, vec(q * 977 + 13, (SELECT vector_dims(v) FROM %s WHERE v IS NOT NULL LIMIT 1)) AS query
		FROM generate_series(1, 20) q OFFSET 0) w ORDER BY q};

# The ten nearest rows of 20 queries, "distance:id", as text; then psql's stderr
# (warnings) and exit status.
sub answers
{
	my ($node, $table, %options) = @_;
	my ($answers, $warnings);
	my $status = $node->psql($options{database} // 'postgres', ($options{settings} // '') . q{
			SET enable_seqscan = off; SET enable_bitmapscan = off; SET barq.ef_search = 200;}
		  . sprintf($questions, $table, $table),
		stdout => \$answers, stderr => \$warnings);

	return wantarray ? ($answers // '', $warnings // '', $status) : $answers;
}

# Compares the ten nearest rows of 20 queries with an exact scan: at least 95 % of
# them must be found (`recall => 0.95`; a graph of random vectors of many
# dimensions finds fewer). Returns the answers' text and, in list context, psql's
# stderr (warnings).
sub same_answers
{
	my ($node, $table, $name, %options) = @_;
	my $database = $options{database} // 'postgres';
	my $common = 0;
	my $all = 0;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	my ($answers, $warnings, $status) = answers($node, $table, %options);
	my @exact = split /\n/, $node->safe_psql($database, $by_heap . sprintf $questions, $table, $table);
	my @got = split /\n/, $answers;

	if ($status != 0 || @got != @exact)
	{
		fail($name);
		diag("status $status: $warnings");
		return wantarray ? ('', $warnings) : '';
	}
	foreach my $i (0 .. $#exact)
	{
		my ($farthest) = $exact[$i] =~ /([0-9.]+):\d+\}$/;

		# a row at the distance of the tenth counts as found
		$all += () = $exact[$i] =~ /:/g;
		$common += grep { $_ <= $farthest } $got[$i] =~ /([0-9.]+):/g;
	}
	ok($common >= ($options{recall} // 0.95) * $all, "$name (recall " . sprintf('%.3f', $common / $all) . ')');
	return wantarray ? ($answers, $warnings) : $answers;
}

# barq_check finds nothing; with `errors => 1`, no error.
sub sound
{
	my ($node, $index, $name, %options) = @_;
	my $where = $options{errors} ? q{WHERE severity = 'error'} : '';
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return is($node->safe_psql($options{database} // 'postgres',
			"SELECT severity, place, message FROM barq_check('$index') $where LIMIT 10"), '', $name);
}

# sealed segments of an index
sub segment_count
{
	my ($node, $index, $database) = @_;

	return $node->safe_psql($database // 'postgres',
		"SELECT count(*) FROM barq_segments('$index') WHERE state <> 'growing'");
}

sub image_root
{
	my ($node) = @_;
	my $directory = $node->safe_psql('postgres', q{SELECT coalesce(current_setting('barq.image_directory', true), '')});

	return $directory eq '' ? $node->data_dir . '/pg_barq' : $directory;
}

# Paths of all files under the image directory, locks left out.
sub image_files
{
	my ($root) = @_;
	my @files;

	return () unless -d $root;
	find({ no_chdir => 1, wanted => sub { push @files, $_ if -f $_ && !/\/lock$/ } }, $root);
	return sort @files;
}

# Image files of one index.
sub images_of
{
	my ($node, $index, $database) = @_;
	my $number = $node->safe_psql($database // 'postgres', "SELECT pg_relation_filenode('$index')");

	return grep { /\/$number(_\d+)?\/[0-9a-f]{32}\.img$/ } image_files(image_root($node));
}

# Files and folders under the image directory that belong to this database and to
# no segment of its barq indexes, including those of temporary indexes.
sub orphans
{
	my ($node, $database) = @_;
	my $root = image_root($node);
	my $oid = $node->safe_psql('postgres',
		"SELECT oid FROM pg_database WHERE datname = '" . ($database // 'postgres') . q{'});
	my %owned;
	my @orphans;

	return () unless -d $root;
	foreach my $line (split /\n/, $node->safe_psql($database // 'postgres', q{
			SELECT pg_relation_filenode(c.oid), replace(coalesce(s.id::text, ''), '-', '')
			FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN pg_index i ON i.indexrelid = c.oid
				LEFT JOIN LATERAL (SELECT * FROM barq_segments(CASE WHEN i.indisready THEN c.oid END)) s ON true
			WHERE c.relkind = 'i' AND c.relpersistence <> 't' AND a.amname LIKE 'barq%'}))
	{
		my ($number, $id) = split /\|/, $line;

		$owned{$number} = 1;
		$owned{"$number/$id.$_"} = 1 foreach 'img', 'ok', 'dead';
		$owned{"$number/lock"} = 1;
	}
	find({ no_chdir => 1, wanted => sub {
		return unless m{/pgsql_tmp/\d+/$oid/(.+)$};
		my $name = $1;

		# an image that is made in parts
		return if $name =~ /^(.*\.)tmp$/ && $owned{"$1img"} && !-e $_ =~ s/tmp$/img/r;

		# a merge that can go on
		return if m{^(.*/[0-9a-f]{32})\.(?:img|ok|work|merge)$} && -e "$1.merge" && !$owned{ $name =~ s/\.\w+$/.img/r };
		push @orphans, $name unless $owned{$name};
	} }, $root);
	return sort @orphans;
}

# Change one byte of a file in place, its times as well.
sub flip_byte
{
	my ($file, $offset) = @_;
	my $byte;

	open my $handle, '+<:raw', $file or die "$file: $!";
	seek $handle, $offset, 0 or die "$file: $!";
	read($handle, $byte, 1) == 1 or die "$file: too short";
	seek $handle, $offset, 0;
	print $handle chr(ord($byte) ^ 0x40);
	close $handle or die "$file: $!";
	return;
}

1;
