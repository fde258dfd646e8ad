# Shared by the tests of examples/: run an example against a database of its own, and
# compare what it prints with the answers that psql gets without indexes.
package BarqExamples;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(examples example_server example_database example_prints);

# the folder examples/
sub examples { return abs_path(dirname(__FILE__) . '/../../examples'); }

# A server that drivers without local sockets reach too.
sub example_server
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	# a dozen rows would be sorted: the examples are to use the indexes
	$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'\nenable_sort = off\nenable_seqscan = off\n");
	$node->start;
	return $node;
}

# A database with the examples' table, and the environment of a program that uses it.
sub example_database
{
	my ($node, $database, $schema) = @_;
	$node->safe_psql('postgres', qq{CREATE DATABASE "$database"});
	$node->safe_psql($database, $schema // slurp_file(examples() . '/schema.sql'));
	my $user = $node->safe_psql('postgres', 'SELECT current_user');
	my ($port, $url) = ($node->port, "127.0.0.1:" . $node->port . "/$database");
	return (PGHOST => '127.0.0.1', PGPORT => $port, PGDATABASE => $database, PGUSER => $user,
		DATABASE_URL => "postgresql://$user\@$url", JDBC_URL => "jdbc:postgresql://$url?user=$user",
		PG_CONNECTION => "host=127.0.0.1 port=$port dbname=$database user=$user");
}

# The answers: distances by a sort of all rows; words and both by constants in the text of
# the statement, since there is no way to score words without an index.
sub expected
{
	my ($node, $database) = @_;
	my $exact = 'SET enable_indexscan = off; SET enable_seqscan = on; SET enable_sort = on;';
	my $nearest = q{(SELECT id FROM items WHERE %s ORDER BY embedding <=> '%s' LIMIT %d)};
	my $line = sub { my ($sql) = @_; return $node->safe_psql($database, "$exact SELECT coalesce(string_agg(line, ' '), '') FROM ($sql) lines(line)"); };
	my %answers = (
		nearest => $line->('SELECT id::text FROM ' . sprintf("$nearest n", 'true', '[0.9,0.2,0.1]', 3)),
		filter => $line->('SELECT id::text FROM ' . sprintf("$nearest n", 'tenant = 1', '[0.9,0.2,0.1]', 3)),
		batch => $line->(q{SELECT '1=' || id FROM } . sprintf("$nearest a", 'true', '[0.9,0.2,0.1]', 2)
			. q{ UNION ALL SELECT '2=' || id FROM } . sprintf("$nearest b", 'true', '[0.1,0.9,0.2]', 2)),
		words => $line->(q{SELECT id::text FROM (SELECT id FROM items ORDER BY title <@> 'red shoes', id LIMIT 3) w}),
		hybrid => $line->(q{SELECT (doc).id::text FROM barq_hybrid(NULL::items, '[0.9,0.2,0.1]', 'red shoes', k => 3, filter => 'tenant = 1')}));
	foreach my $name (keys %answers) { die "no rows: $name" if $answers{$name} eq ''; }
	return %answers;
}

# The program's lines "name: ids" are the answers; lines of other names are returned.
# options: env, folder, names (the lines that must be there)
sub example_prints
{
	my ($title, $node, $command, %options) = @_;
	local %ENV = (%ENV, %{ $options{env} });
	my ($out, $err) = ('', '');
	my $done = IPC::Run::run($command, '<', \undef, '>', \$out, '2>', \$err,
		init => sub { chdir $options{folder} if $options{folder}; },
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	ok($done, "$title runs") or diag("$out$err");
	my %printed = $out =~ /^([a-z ]+):\s*(.*?)\s*$/mg;
	note $out;
	return %printed if !$done;
	# before the answers, which use them too; a session counts its scans when it ends
	ok($node->poll_query_until($options{env}{PGDATABASE}, q{SELECT count(*) = 2 FROM pg_stat_user_indexes
		WHERE idx_scan > 0 AND indexrelid::regclass::text ~ 'embedding|title'}), "$title: by both indexes");
	my %answers = expected($node, $options{env}{PGDATABASE});
	foreach my $name (@{ $options{names} // [ qw(nearest words filter batch hybrid) ] })
	{
		is(delete $printed{$name}, $answers{$name}, "$title: $name");
	}
	return %printed;
}

1;
