# Indexes that older libraries wrote: this library reads each of them, with the same
# answers as an exact scan, and writes them, or says REINDEX. test/fixtures/indexes has
# a folder for each format version since 2 (docs/design.md, "Formats"), with a file for
# each kind of index, written by the last library of that format; of version 2, which is
# not read, the first block.
use strict;
use warnings;

use BarqTest;
use File::Basename;
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use PostgreSQL::Test::Utils;
use Test::More;

my $fixtures = dirname(__FILE__) . '/../fixtures';
my @formats = sort map { basename($_) } grep { -d } glob "$fixtures/indexes/*";
my $node = new_server('old_indexes', conf => 'barq.growing_limit = 1GB');

# pages of the files have no checksum (PostgreSQL 18 has them by default)
if ($node->safe_psql('postgres', 'SHOW data_checksums') eq 'on')
{
	$node->stop;
	run_log([ 'pg_checksums', '--disable', '-D', $node->data_dir ]);
	$node->start;
}

# the indexes, and the format version of this library
$node->safe_psql('postgres', slurp_file("$fixtures/indexes.sql"));
my @definitions = split /\n/, $node->safe_psql('postgres', q{
	SELECT c.relname || '=' || pg_get_indexdef(c.oid) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
	WHERE amname LIKE 'barq%' AND relkind = 'i' ORDER BY 1});
my %definition = map { split /=/, $_, 2 } @definitions;
my @indexes = sort keys %definition;
my $present = $node->safe_psql('postgres', q{SELECT format FROM barq_indexes() WHERE index = 'hnsw_sq8'::regclass});
is("@formats", join(' ', 2 .. $present), "there are files of each format version up to the present one, $present (scripts/make-fixtures.sh)");

# The table as it was when the files were written: the same rows at the same places.
sub table
{
	my ($database) = @_;
	my $later = slurp_file("$fixtures/indexes-later.sql");

	add_barq($node, $database);
	my ($sql) = slurp_file("$fixtures/indexes.sql") =~ /\A(.*?)(?=^CREATE INDEX)/ms;
	$later =~ s/^SELECT count\(barq_seal.*$//m;
	$node->safe_psql($database, "$sql; $later");
	foreach my $index (@indexes)
	{
		$node->safe_psql($database, $definition{$index});
	}
	return;
}

# Put the files of a format in the place of the indexes' own.
sub put_files
{
	my ($database, $format) = @_;
	my %file = map { $_ => relation_file($node, $_, $database) } @indexes;

	$node->stop;
	foreach my $index (@indexes)
	{
		next unless -f "$fixtures/indexes/$format/$index.gz";
		unlink glob "$file{$index}_*";
		gunzip("$fixtures/indexes/$format/$index.gz" => $file{$index}) or die "$index: $GunzipError";
	}
	$node->start;
	return;
}

# For each kind of index: the order of a search, and a query near some rows.
my %order = (
	hnsw_sq8 => q{v <=> (item(%d)).v}, hnsw_none => q{v <-> (item(%d)).v}, hnsw_rabitq => q{v <#> (item(%d)).v},
	hnsw_f16 => q{h <-> (item(%d)).h}, hnsw_sparse => q{s <-> (item(%d)).s}, hnsw_bit => q{b <~> (item(%d)).b},
	ivf_sq8 => q{v <=> (item(%d)).v}, ivf_rabitq => q{h <-> (item(%d)).h}, ivf_bit => q{b <~> (item(%d)).b});

# The share of the ten nearest rows, by exact distances, that an index finds.
sub recall
{
	my ($database, $index) = @_;
	my $others = join '; ', map { "DROP INDEX $_" } grep { $_ ne $index } @indexes;
	my @orders = map { sprintf $order{$index}, $_ } 3, 77, 119, 162, 191, 205, 217;
	my @searches = map { "SELECT array_agg(d) FROM (SELECT round(($_)::numeric, 5) AS d FROM items ORDER BY $_ LIMIT 10) s;" } @orders;
	my @answers = split /\n/, $node->safe_psql($database, qq{
		BEGIN; $others; SET LOCAL enable_indexscan = off; SET LOCAL max_parallel_workers_per_gather = 0; @searches
		SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL barq.ef_search = 100;
		@searches ROLLBACK});
	my ($found, $wanted) = (0, 0);

	foreach my $i (0 .. $#orders)
	{
		my %got;
		$got{$_}++ foreach $answers[@orders + $i] =~ /[-\d.]+/g;
		foreach my $d ($answers[$i] =~ /[-\d.]+/g)
		{
			$wanted++;
			$found++ if $got{$d} && $got{$d}-- > 0;
		}
	}
	return $found / $wanted;
}

# Texts that match, without and with the index.
my %matches = (
	bm25_filtered => [ 'word3', '"rare phrase"' ], bm25 => [ 'word3', '"rare phrase"', '+common -word4', 'tail20*' ], bm25_ngram => [ 'rare', 'tail19' ]);

sub same_matches
{
	my ($database, $index) = @_;
	my @wrong;

	foreach my $query (@{ $matches{$index} })
	{
		my $others = join '; ', map { "DROP INDEX $_" } grep { $_ ne $index } @indexes;
		my ($with, $without) = split /\n/, $node->safe_psql($database, qq{
			BEGIN; $others; SET LOCAL enable_seqscan = off;
			SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), 'none') FROM items WHERE t @@@ to_bm25query('$query', '$index');
			SET LOCAL enable_seqscan = on; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off;
			SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), 'none') FROM items WHERE t @@@ to_bm25query('$query', '$index'); ROLLBACK});
		push @wrong, "$query: $with, not $without" if $with ne $without || ($with eq 'none');
	}
	return join "\n", @wrong;
}

sub answers_are_right
{
	my ($database, $index, $what) = @_;

	if (exists $order{$index}) { cmp_ok(recall($database, $index), '>=', 0.95, "$what: finds what an exact scan finds") }
	else { is(same_matches($database, $index), '', "$what: finds what an exact scan finds") }
	sound($node, $index, "$what: sound", database => $database);
	filters_rows($database, $what) if $index eq 'bm25_filtered';
	return;
}

# A text column that an older library indexed as a filter stays one until REINDEX.
my %rebuilt;

sub filters_rows
{
	my ($database, $what) = @_;
	my $match = q{t @@@ to_bm25query('common', 'bm25_filtered')};
	my $count = "SELECT count(*) FROM items WHERE $match AND substr(t, 1, 5) = 'word3'";
	my $field = q{SELECT count(*) FROM items WHERE substr(t, 1, 5) @@@ to_bm25query('word3', 'bm25_filtered')};
	my $by_index = 'SET enable_seqscan = off; SET enable_bitmapscan = off;';

	like($node->safe_psql($database, "$by_index EXPLAIN $count"), qr/Index Cond: .*substr/, "$what: the second column filters") if !$rebuilt{$database};
	is($node->safe_psql($database, "$by_index $count"), $node->safe_psql($database, "SET enable_indexscan = off; SET enable_bitmapscan = off; $count"),
		"$what: with a condition on it");
	like($node->safe_psql($database, "$by_index EXPLAIN $field"), $rebuilt{$database} ? qr/Index Cond: .*@@@/ : qr/Filter: .*@@@/,
		"$what: it is " . ($rebuilt{$database} ? 'a field' : 'no field'));
	is($node->safe_psql($database, "$by_index $field"), $node->safe_psql($database, "SET enable_indexscan = off; SET enable_bitmapscan = off; $field"),
		"$what: its words");
	return;
}

foreach my $format (@formats)
{
	my $database = "format$format";

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	table($database);
	put_files($database, $format);
	foreach my $index (@indexes)
	{
		next unless -f "$fixtures/indexes/$format/$index.gz";
		my $what = "format $format, $index";
		my ($shown, $rebuild) = split /\|/, $node->safe_psql($database, "SELECT format, rebuild FROM barq_indexes() WHERE index = '$index'::regclass"), 2;
		my ($out, $err);

		is($shown, $format, "$what: barq_indexes() shows the format");
		$node->psql($database, "SELECT * FROM barq_segments('$index')", stdout => \$out, stderr => \$err);
		if ($err ne '')
		{
			like($err, qr/HINT:  Please REINDEX/, "$what: is not read, and says REINDEX");
			like($rebuild, qr/no longer read/, "$what: barq_indexes() says why");
			$node->safe_psql($database, "REINDEX INDEX $index");
			answers_are_right($database, $index, "$what, after REINDEX");
			next;
		}
		is($rebuild, '', "$what: is read, and nothing asks for REINDEX");
		like($out, qr/growing/, "$what: has a growing log");
		answers_are_right($database, $index, $what);
	}
	# written by this library: rows, deletions, a seal, a merge of all segments
	$node->safe_psql($database, q{INSERT INTO items SELECT (item(i)).* FROM generate_series(221, 260) i;
		DELETE FROM items WHERE id % 40 = 1; VACUUM items});
	foreach my $index (@indexes)
	{
		next unless -f "$fixtures/indexes/$format/$index.gz";
		answers_are_right($database, $index, "format $format, $index, with more rows");
		$node->safe_psql($database, "SELECT barq_seal('$index'); SELECT barq_compact('$index')");
		is(segment_count($node, $index, $database), 1, "format $format, $index: merged into one segment");
		answers_are_right($database, $index, "format $format, $index, merged");
		next if $index ne 'bm25_filtered';
		$node->safe_psql($database, "REINDEX INDEX $index");
		$rebuilt{$database} = 1;
		answers_are_right($database, $index, "format $format, $index, rebuilt");
	}
	$node->safe_psql('postgres', "DROP DATABASE $database");
}

$node->stop;
done_testing();
