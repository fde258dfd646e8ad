# BarqPgvector.pm: pgvector for tests. The real one if the server has it, else a stand-in:
# an extension "vector" of the same types, functions, operators, access methods and
# operator classes, made from barq's own scripts. They only have to belong to another
# extension, in a library of another path than barq's.
package BarqPgvector;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;
our @EXPORT = qw(have_pgvector);

# Have pgvector's files in the share folder of a private server. Returns whether it is the
# real one.
sub have_pgvector
{
	my ($tree, $share) = @_;
	my $script = '';

	return 1 if -e "$share/extension/vector.control";
	foreach my $part (sort glob "$tree/sql/parts/1*.sql")
	{
		$script .= slurp_file($part);
	}
	my $names = slurp_file("$tree/names/vector--0.8.6-barq.sql");
	$names =~ s/^CREATE FUNCTION barq_names_check.*?^DROP FUNCTION barq_names_check\(\);\n//ms;
	$names =~ s/barq_names_hnsw_handler/barq_hnsw_handler/;
	$names =~ s/barq_names_ivfflat_handler/barq_ivf_handler/;
	# the functions of the operator classes
	foreach my $part ("20-hnsw", "21-hnsw-types")
	{
		my $text = slurp_file("$tree/sql/parts/$part.sql");
		$script .= $1 while $text =~ /^(CREATE FUNCTION barq_\w+_space\(internal\).*?;\n)/msg;
	}
	$script .= $names;
	$script =~ s/^\\echo.*\n//mg;
	$script =~ s/MODULE_PATHNAME/barq/g;
	append_to_file("$share/extension/vector.control", "default_version = '0.8.0'\ncomment = 'as pgvector'\nrelocatable = true\n");
	append_to_file("$share/extension/vector--0.8.0.sql", $script);
	return 0;
}

1;
