# The programs of examples/ that need Debian's packages alone print the right answers:
# libpq (binary, pipelined, COPY BINARY), psycopg 3, Node's pg, Perl DBI. Each skips where
# its driver is not installed. The others: PARTS=examples make test-matrix.
use strict;
use warnings;

use BarqExamples;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = examples();
my $node = example_server('examples');
my $program = PostgreSQL::Test::Utils::tempdir . '/search';

sub works { return system("@_ >/dev/null 2>&1") == 0; }

# a private copy of a distribution's server (variant.sh, build.sh) has no libpq of its own
chomp(my $include = `pg_config --includedir`);
chomp(my $lib = `pg_config --libdir`);
my $compile = "cc -std=c11 -Wall -Wextra -Werror -o '$program' '$top/libpq/search.c' -I'$include' -I/usr/include/postgresql"
	. (-e "$lib/libpq.so" ? " -L'$lib' -Wl,-rpath,'$lib'" : '') . ' -lpq';
my $said = `$compile 2>&1`;
is($?, 0, 'the example of libpq compiles without warnings') or diag "$compile\n$said";
example_prints('libpq', $node, [ $program, "$top/items.tsv" ], env => { example_database($node, 'libpq') });

# a python3 of the user's own may come first on the PATH
my ($python) = grep { works($_, '-c', "'import psycopg; assert psycopg.__version__ >= \"3\"'") } 'python3', '/usr/bin/python3';
SKIP:
{
	skip 'psycopg 3 is not installed', 7 if !$python;
	example_prints('psycopg', $node, [ $python, "$top/psycopg/search.py", "$top/items.tsv" ],
		env => { example_database($node, 'psycopg') });
}
SKIP:
{
	skip 'DBD::Pg is not installed', 7 if !works('perl -MDBD::Pg -e 1');
	example_prints('Perl DBI', $node, [ 'perl', "$top/perl-dbi/search.pl", "$top/items.tsv" ],
		env => { example_database($node, 'perl') });
}

# pg is that of Debian's node-pg, or what install-deps.sh has put into the build folder
my ($modules) = grep { -d "$_/pg" } '/usr/share/nodejs', ($ENV{BARQ_BUILD} // '.') . '/node-pg/node_modules';
SKIP:
{
	skip 'node or its pg is not installed', 7 if !$modules || !works('node --version');
	my $folder = PostgreSQL::Test::Utils::tempdir;
	# node looks for modules beside the program
	mkdir "$folder/node_modules";
	symlink "$modules/pg", "$folder/node_modules/pg";
	system_or_bail('cp', "$top/node/pg.mjs", $folder);
	my %env = (example_database($node, 'node'), NODE_PATH => $modules);
	example_prints('pg', $node, [ 'node', "$folder/pg.mjs", "$top/items.tsv" ], env => \%env);
}

$node->stop;
done_testing();
