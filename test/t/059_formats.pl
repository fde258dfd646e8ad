# Formats of an index: the oldest that the library reads stays readable, and an
# index becomes one of the present format by its first change; others raise an
# error that says what to do. Images have a version of their own.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('formats', conf => 'barq.growing_limit = 1GB');
my ($oldest, $present) = (3, 5);

# versions are written into pages here (PostgreSQL 18 has checksums by default)
if ($node->safe_psql('postgres', 'SHOW data_checksums') eq 'on')
{
	$node->stop;
	run_log([ 'pg_checksums', '--disable', '-D', $node->data_dir ]);
	$node->start;
}

# byte of the format version in the metapage: behind the page header and the magic
my $offset = 28;

$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(32), t text);
	INSERT INTO items SELECT i, vec(i), 'word' || i % 10 FROM generate_series(1, 500) i;
	CREATE INDEX items_hnsw ON items USING barq_hnsw (v vector_l2_ops);
	CREATE INDEX items_ivf ON items USING barq_ivf (v vector_l2_ops);
	CREATE INDEX items_bm25 ON items USING barq_bm25 (t) WITH (text_config = 'simple');
});
my @indexes = qw(items_hnsw items_ivf items_bm25);

sub version_of
{
	my ($index) = @_;

	$node->safe_psql('postgres', 'CHECKPOINT');
	return unpack 'L', substr(slurp_file(relation_file($node, $index)), $offset, 4);
}

# Give an index the version that another library would have written.
sub set_version
{
	my ($index, $version) = @_;
	my $file = relation_file($node, $index);

	$node->stop;
	open my $handle, '+<:raw', $file or die $!;
	seek $handle, $offset, 0;
	print $handle pack 'L', $version;
	close $handle or die $!;
	$node->start;
	return;
}

# The rows that each index finds, by an ordered scan of it.
my %searches = (
	items_hnsw => 'SELECT id FROM items ORDER BY v <-> vec(5) LIMIT 10',
	items_ivf => 'SELECT id FROM items ORDER BY v <-> vec(5) LIMIT 10',
	items_bm25 => q{SELECT id FROM items ORDER BY t <@> 'word3' LIMIT 10});
sub found
{
	my ($index) = @_;
	my $others = join '; ', map { "DROP INDEX $_" } grep { $_ ne $index } @indexes;

	return $node->safe_psql('postgres', "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;
		$others; $searches{$index}; ROLLBACK");
}

foreach my $index (@indexes)
{
	is(version_of($index), $present, "$index: a new index has the present format");
	my $before = found($index);

	set_version($index, $oldest);
	is(found($index), $before, "$index: an index of format $oldest is searched");
	sound($node, $index, "$index: barq_check accepts format $oldest");
	is(version_of($index), $oldest, "$index: reading does not change the format");

	# each kind of record that changes the metapage
	my @changes = (
		[ 'a record linked to the log', q{INSERT INTO items SELECT i, vec(i), 'word' || i % 10 FROM generate_series(501, 3000) i} ],
		[ 'a publication', "SELECT barq_seal('$index')" ],
		[ 'VACUUM', 'DELETE FROM items WHERE id BETWEEN 501 AND 1000; VACUUM items' ]);
	foreach my $change (@changes)
	{
		my ($what, $sql) = @$change;

		set_version($index, $oldest);
		$node->safe_psql('postgres', $sql);
		is(version_of($index), $present, "$index: $what makes it the present format");
		sound($node, $index, "$index: sound after $what");
	}
	$node->safe_psql('postgres', 'DELETE FROM items WHERE id > 500; VACUUM items');
	is(found($index), $before, "$index: the rows are found as before");
}

# formats that the library does not read
foreach my $case ([ $oldest - 1, qr/HINT:  Please REINDEX it/ ],
	[ $present + 1, qr/HINT:  A newer version of barq wrote it: please install that version, or REINDEX the index/ ])
{
	my ($version, $hint) = @$case;
	my ($out, $err);

	set_version('items_hnsw', $version);
	foreach my $sql ('SET enable_seqscan = off; ' . $searches{items_hnsw},
		q{INSERT INTO items VALUES (0, vec(0), 'word')}, q{SELECT barq_seal('items_hnsw')},
		q{SELECT * FROM barq_segments('items_hnsw')})
	{
		# the other index of this column would serve the search as well
		$node->psql('postgres', "BEGIN; DROP INDEX items_ivf; \\set VERBOSITY verbose\n$sql", stderr => \$err);
		like($err, qr/ERROR:  0A000: index "items_hnsw" has format version $version, this library reads versions $oldest to $present/,
			"version $version: an error: $sql");
		like($err, $hint, "version $version: a hint says what to do");
	}
	$node->safe_psql('postgres', 'REINDEX INDEX items_hnsw');
	is(version_of('items_hnsw'), $present, "version $version: REINDEX makes the present format");
	sound($node, 'items_hnsw', "version $version: sound after REINDEX");
}

$node->stop;
done_testing();
