# A session that stays open: psql with its input held open, so that a test can
# keep a transaction, a lock or a setting while others run. Also queries that
# tests of the background worker share.
package BarqSession;

use strict;
use warnings;

use BarqTest;
use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

our @EXPORT = qw(
  session send_sql answer ask quit
  held_back workers worker_processes worker_pid idle growing_bytes log_since log_size
);

my $asked = 0;

sub session
{
	my ($node, %options) = @_;
	my $self = { in => '', out => '', err => '' };

	$self->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose',
			'-d', $node->connstr($options{database} // 'postgres'), '-f', '-' ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	bless $self, 'BarqSession';
	$self->{pid} = ask($self, 'SELECT pg_backend_pid()');
	return $self;
}

# Send SQL; `answer` waits for its output and leaves errors in {err}.
sub send_sql
{
	my ($self, $sql) = @_;

	$self->{marker} = 'answered ' . ++$asked;
	$self->{out} = $self->{err} = '';
	$self->{in} .= "$sql\n;\n\\echo $self->{marker}\n\\warn $self->{marker}\n";
	$self->{run}->pump_nb;
	return;
}

sub answer
{
	my ($self) = @_;

	$self->{run}->pump until $self->{out} =~ /^$self->{marker}\n/m && $self->{err} =~ /^$self->{marker}\n/m;
	s/^$self->{marker}\n//m foreach $self->{out}, $self->{err};
	chomp $self->{out};
	return $self->{out};
}

# Both; an error fails the test.
sub ask
{
	my ($self, $sql) = @_;

	send_sql($self, $sql);
	answer($self);
	die "$sql: $self->{err}" if $self->{err} =~ /^psql.*(ERROR|FATAL|PANIC)/m;
	return $self->{out};
}

# Wait until the process of an insert waits for the maintenance of its index.
sub held_back
{
	my ($node, $pid) = @_;

	wait_until('the insert waits', sub {
		return $node->safe_psql('postgres', qq{
			SELECT count(*) FROM pg_stat_activity
			WHERE pid = $pid AND state = 'active' AND wait_event_type = 'Extension'
				AND wait_event IN ('Extension', 'BarqBackpressure')}) eq '1';
	});
	return;
}

sub quit
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	eval { $self->{run}->finish };
	return;
}

# pid|query of each worker of a database
sub workers
{
	my ($node, $database) = @_;

	return split /\n/, $node->safe_psql($database // 'postgres', q{
		SELECT pid, query FROM pg_stat_activity
		WHERE backend_type = 'barq worker' AND datname = current_database() ORDER BY pid});
}

# The process whose query matches a pattern; waits until there is one.
sub worker_pid
{
	my ($node, $query, $database) = @_;
	my $pid;

	wait_until("a worker does $query", sub {
		$pid = $node->safe_psql('postgres', sprintf q{
			SELECT pid FROM pg_stat_activity
			WHERE backend_type = 'barq worker' AND query LIKE '%s' AND datname = '%s'},
			$query, $database // 'postgres');
		return $pid =~ /^\d+$/;
	});
	return $pid;
}

# Processes of the server that are workers (whose names hold the given words, or
# "barq worker") or may become one. pg_stat_activity does not show a worker before it
# has connected to its database, which can take long on a busy machine, and a new
# process has its parent's name at first.
sub worker_processes
{
	my ($node, $words) = @_;
	$words //= 'barq worker';
	my ($postmaster) = split /\n/, PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid');
	my $read = sub {
		open(my $file, '<', $_[0]) or return '';
		local $/;
		return <$file> // '';
	};
	my $unnamed = $read->("/proc/$postmaster/cmdline");

	return grep {
		my $name = $read->("/proc/$_/cmdline");
		$read->("/proc/$_/status") =~ /^PPid:\t$postmaster$/m && ($name =~ /$words/ || $name eq $unnamed);
	} map { m{(\d+)$} } glob '/proc/[0-9]*';
}

# Wait until none of the workers requested so far runs.
sub idle
{
	my ($node) = @_;

	wait_until('no worker runs', sub {
		# the postmaster forks in the order of requests: a new backend was forked
		# after every worker requested before
		return 0 if $node->safe_psql('postgres',
			q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'barq worker'}) ne '0';
		return !worker_processes($node);
	});
	return;
}

sub growing_bytes
{
	my ($node, $index, $database) = @_;

	return $node->safe_psql($database // 'postgres',
		"SELECT growing_bytes FROM barq_index_status('$index'::regclass)");
}

# The server's log from a position on.
sub log_size { my ($node) = @_; return -s $node->logfile; }

sub log_since
{
	my ($node, $position) = @_;

	return substr PostgreSQL::Test::Utils::slurp_file($node->logfile), $position;
}

1;
