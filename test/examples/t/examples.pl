# The programs of examples/ in Node, Java, Go and Rust print the right answers, some of
# them through pgbouncer in transaction mode as well. scripts/matrix/examples.sh installs
# what they need and runs this; a language that is not there is skipped.
use strict;
use warnings;

use BarqExamples;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $work = $ENV{BARQ_EXAMPLES} or die "BARQ_EXAMPLES: the folder that scripts/matrix/examples.sh has made";
my $top = examples();
my $items = "$top/items.tsv";
my $temporary = PostgreSQL::Test::Utils::tempdir;
my $node = example_server('examples');

sub works { return system("@_ >/dev/null 2>&1") == 0; }

# name => [ command ]: what can run here
my %programs;

my $has_node = -d "$work/node/node_modules" && works('node --version');
if ($has_node)
{
	foreach my $name (qw(pg pgvector postgres knex))
	{
		$programs{$name} = [ 'node', "$work/node/$name.mjs", $items ];
	}
	note `node --version`;
}
my ($jar) = grep { -e } glob('/usr/share/java/postgresql.jar /usr/share/java/postgresql-jdbc4.jar');
if ($jar && works('javac -version'))
{
	my $scram = join(':', $jar, glob('/usr/share/java/*scram*.jar'));
	$programs{jdbc} = [ 'java', '-cp', $scram, "$top/jdbc/Search.java", $items ];
}
foreach my $name (qw(pg pgvector postgres knex jdbc))
{
  SKIP:
	{
		skip "$name: not installed", 7 if !$programs{$name};
		example_prints($name, $node, $programs{$name}, env => { example_database($node, "by_$name") });
	}
}

SKIP:
{
	skip 'LangChain.js, Drizzle: no node or npm', 1 if !$has_node;
	my %others = example_prints('LangChain.js', $node, [ 'node', "$work/node/langchain.mjs", $items ],
		env => { example_database($node, 'langchain') }, names => ['hybrid']);
	my $ids = sub { my ($words, $vector, $k) = @_; return $node->safe_psql('langchain',
		"SELECT string_agg((doc).id::text, ' ') FROM barq_hybrid(NULL::items, '$vector', '$words', k => $k)"); };
	is($others{'hybrid of all'}, $ids->('red shoes', '[0.9,0.2,0.1]', 3), 'LangChain.js: without a filter');
	is($others{'hybrid batch'}, join(' ', map({ "1=$_" } split / /, $ids->('red shoes', '[0.9,0.2,0.1]', 2)),
		map({ "2=$_" } split / /, $ids->('a hat', '[0.1,0.9,0.2]', 2))), 'LangChain.js: a batch');

	# Drizzle makes the table: by push, and by the SQL that generate writes
	my $schema = 'CREATE SCHEMA barq; CREATE EXTENSION barq SCHEMA barq; ALTER DATABASE "%s" SET search_path = public, barq';
	my %env = example_database($node, 'drizzle push', sprintf $schema, 'drizzle push');
	$env{DATABASE_URL} =~ s/ /%20/g;
	my $kit = sub { my ($verb) = @_; local %ENV = (%ENV, %env, DRIZZLE_OUT => 'out');
		return scalar `cd '$temporary/drizzle' && node_modules/.bin/drizzle-kit $verb 2>&1 </dev/null`; };
	mkdir "$temporary/drizzle";
	symlink "$work/node/node_modules", "$temporary/drizzle/node_modules";
	system("cp '$work/node'/drizzle.* '$work/node/package.json' '$temporary/drizzle'");
	my $methods = q{SELECT string_agg(a.amname, ' ' ORDER BY a.amname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = 'items'::regclass};
	my $output = $kit->('push --force');
	is($?, 0, 'drizzle-kit push') or diag $output;
	is($node->safe_psql('drizzle push', $methods), 'barq_bm25 barq_hnsw btree', 'drizzle-kit push makes the indexes');
	$output = $kit->('push --force');
	like($output, qr/No changes/, 'drizzle-kit push finds nothing more to do');
	example_prints('Drizzle', $node, [ 'node', "$work/node/drizzle.mjs", $items ], env => \%env);

	$output = $kit->('generate');
	is($?, 0, 'drizzle-kit generate') or diag $output;
	my ($sql) = glob("$temporary/drizzle/out/*.sql");
	%env = example_database($node, 'drizzle generate', sprintf($schema, 'drizzle generate'));
	note slurp_file($sql);
	$node->safe_psql('drizzle generate', slurp_file($sql));
	is($node->safe_psql('drizzle generate', $methods), 'barq_bm25 barq_hnsw btree', 'drizzle-kit generate writes the indexes');
	example_prints('Drizzle, generated', $node, [ 'node', "$work/node/drizzle.mjs", $items ], env => \%env);
}

# however this ends
END
{
	my $status = $?;
	kill 'INT', slurp_file("$temporary/pgbouncer.pid") if defined $temporary && -e "$temporary/pgbouncer.pid";
	$? = $status;
}

# pgbouncer: the example's file with the test's ports. Each transaction goes to another of
# three server connections, so what a program leaves in a session is not there for the next.
# Programs whose drivers make named prepared statements need a newer pgbouncer (README.md).
my ($bouncer) = grep { -x } ("$work/bouncer/usr/sbin/pgbouncer", '/usr/sbin/pgbouncer');
SKIP:
{
	skip 'pgbouncer is not installed', 1 if !$bouncer;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $ini = slurp_file("$top/pgbouncer/pgbouncer.ini");
	my ($host, $server) = ($node->host, $node->port);
	my $user = $node->safe_psql('postgres', 'SELECT current_user');
	$ini =~ s{host=\S+ port=\d+ user=\w+}{host=$host port=$server user=$user};
	$ini =~ s/^listen_port = .*/listen_port = $port/m;
	$ini =~ s/^default_pool_size = .*/default_pool_size = 3\nmin_pool_size = 3\nserver_round_robin = 1/m;
	append_to_file("$temporary/pgbouncer.ini", "$ini\nlogfile = $temporary/pgbouncer.log\npidfile = $temporary/pgbouncer.pid\n");
	{
		local $ENV{LD_LIBRARY_PATH} = join(':', glob("$work/bouncer/usr/lib/*-linux-gnu"), $ENV{LD_LIBRARY_PATH} // ());
		is(system("'$bouncer' -q -d '$temporary/pgbouncer.ini'"), 0, 'pgbouncer starts');
	}
	my ($python) = grep { works($_, '-c', "'import psycopg'") } 'python3', '/usr/bin/python3';
	$programs{psycopg} = [ $python, "$top/psycopg/search.py", $items ] if $python;
	$programs{perl} = [ 'perl', "$top/perl-dbi/search.pl", $items ] if works('perl -MDBD::Pg -e 1');
	foreach my $name (grep { $programs{$_} } qw(psycopg perl pg knex jdbc))
	{
		my %env = example_database($node, "bouncer_$name");
		$env{PGPORT} = $port;
		$env{JDBC_URL} = "jdbc:postgresql://127.0.0.1:$port/bouncer_$name?user=$user&prepareThreshold=0";
		example_prints("$name through pgbouncer", $node, $programs{$name}, env => \%env);
	}
	my $sessions = $node->safe_psql('postgres', q{SELECT max(n) FROM (SELECT count(*) AS n FROM pg_stat_activity
		WHERE datname LIKE 'bouncer%' GROUP BY datname) d});
	note "server connections of one database: $sessions";
	kill 'INT', slurp_file("$temporary/pgbouncer.pid");
	unlink "$temporary/pgbouncer.pid";
}

# last, because compilers take long the first time; what they keep is in build/examples
if (-d '/usr/share/gocode/src/github.com/jackc/pgx/v4' && works('go version'))
{
	local %ENV = (%ENV, GOPATH => '/usr/share/gocode', GO111MODULE => 'off', GOCACHE => "$work/go", GOFLAGS => '-p=1');
	is(system("go build -o '$temporary/pgx' '$top/pgx/search.go'"), 0, 'the example of pgx compiles');
	$programs{pgx} = [ "$temporary/pgx", $items ];
}
if (works('/usr/bin/cargo --version') && glob('/usr/share/cargo/registry/tokio-postgres-*'))
{
	# Debian's sources of crates in the place of the registry's, and Debian's compiler: root's
	# own (rustup's) on the PATH is not the server user's
	local %ENV = (%ENV, PATH => "/usr/bin:$ENV{PATH}", CARGO_HOME => "$temporary/cargo", CARGO_TARGET_DIR => "$work/target", CARGO_BUILD_JOBS => 1);
	mkdir "$temporary/cargo";
	append_to_file("$temporary/cargo/config.toml",
		"[source.crates-io]\nreplace-with = 'debian'\n[source.debian]\ndirectory = '/usr/share/cargo/registry'\n");
	system("cp -r '$top/rust' '$temporary/rust'");
	is(system("cd '$temporary/rust' && cargo build --offline --quiet"), 0, 'the example of Rust compiles');
	$programs{rust} = [ "$work/target/debug/search", $items ];
}

foreach my $name (qw(pgx rust))
{
  SKIP:
	{
		skip "$name: not installed", 7 if !$programs{$name};
		example_prints($name, $node, $programs{$name}, env => { example_database($node, "by_$name") });
	}
}

$node->stop;
done_testing();
