# barq from Perl with DBI and DBD::Pg: perl search.pl ../items.tsv
use strict;
use warnings;

use DBI;

# what an embedding model makes of the words
my $red_shoes = '[0.9,0.2,0.1]';
my $hats = '[0.1,0.9,0.2]';
my $db = DBI->connect('dbi:Pg:', undef, undef, { RaiseError => 1, PrintError => 0 });    # PGHOST, PGDATABASE and so on

sub show
{
	my ($name, $sql, @parameters) = @_;
	my $rows = $db->selectall_arrayref($sql, undef, @parameters);
	print join(' ', "$name:", map { join '=', @$_ } @$rows), "\n";
	return;
}

open my $items, '<', $ARGV[0] or die "$ARGV[0]: $!";
$db->do('COPY items (id, tenant, title, embedding) FROM STDIN');
while (my $line = <$items>) { $db->pg_putcopydata($line); }
$db->pg_putcopyend;

show('nearest', 'SELECT id FROM items ORDER BY embedding <=> ? LIMIT 3', $red_shoes);
show('words', 'SELECT id FROM items ORDER BY title <@> ? LIMIT 3', 'red shoes');
show('filter', 'SELECT id FROM items WHERE tenant = ? ORDER BY embedding <=> ? LIMIT 3', 1, $red_shoes);
show('batch', 'SELECT query, (doc).id FROM barq_search_batch(NULL::items, ?::vector[], k => 2)', [ $red_shoes, $hats ]);
show('hybrid', q{SELECT (doc).id FROM barq_hybrid(NULL::items, ?::vector, ?, k => 3,
	filter => 'tenant = $1', filter_args => ARRAY[?])}, $red_shoes, 'red shoes', 1);
$db->disconnect;
