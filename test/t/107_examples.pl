# The programs of examples/ that need Debian's packages alone print the right answers:
# libpq (binary, pipelined, COPY BINARY), psycopg 3, Perl DBI. Each skips where its driver
# is not installed. The others: PARTS=examples make test-matrix.
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
ok(works("cc -std=c11 -Wall -Wextra -Werror -o '$program' '$top/libpq/search.c' -I'$include' -I/usr/include/postgresql"
	. (-e "$lib/libpq.so" ? " -L'$lib' -Wl,-rpath,'$lib'" : '') . ' -lpq'),
	'the example of libpq compiles without warnings');
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

$node->stop;
done_testing();
