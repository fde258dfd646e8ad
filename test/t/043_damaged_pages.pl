# Pages of an index that are damaged on disk, or missing as after a lost write:
# an error with the right SQLSTATE, never a crash, never an endless search;
# barq_check names the place; the table is unchanged, and REINDEX repairs.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('pages', conf => q{
	barq.growing_limit = 1GB
	statement_timeout = 30min
});

# a database to be copied: its index has a metapage, segments with dead rows, a log
$node->safe_psql('postgres', 'CREATE DATABASE whole');
add_barq($node, 'whole');
$node->safe_psql('whole', q{
	CREATE TABLE items (id int, v vector(32));
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 2000) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	INSERT INTO items SELECT i, vec(i) FROM generate_series(2001, 3000) i;
	SELECT barq_seal('items_v');
	DELETE FROM items WHERE id % 10 = 0;
	VACUUM items;
	INSERT INTO items SELECT i, vec(i) FROM generate_series(3001, 3600) i;
	CHECKPOINT;
});
my $search = q{
	SET enable_seqscan = off; SET barq.iterative_scan = relaxed_order; SET barq.max_scan_tuples = 1000000;
	SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> vec(5)) s};
is($node->safe_psql('whole', $search), '3300', 'all rows are found');
sound($node, 'items_v', 'sound', database => 'whole');

# the pages of each part, recognised by their special space
my %names = (2 => 'metapage', 3 => 'directory', 4 => 'log', 5 => 'blob', 6 => 'extents', 7 => 'tombstones');
my %pages;
my $content = PostgreSQL::Test::Utils::slurp_file(relation_file($node, 'items_v', 'whole'));
foreach my $block (0 .. length($content) / 8192 - 1)
{
	my $page = substr $content, $block * 8192, 8192;
	my $special = unpack 'S', substr($page, 16, 2);
	my $name = $special > 0 ? $names{ unpack 'S', substr($page, $special + 20, 2) } : undef;

	push @{ $pages{$name} }, $block if defined $name;
}
is(join(' ', sort keys %pages), join(' ', sort values %names), 'the index has pages of all parts');

my @damages = (
	[ 'lost', sub { return "\0" x 8192; } ],
	[ 'nonsense', sub { return "\xa5" x 8192; } ],
	[ 'of another generation', sub { my ($p) = @_; substr($p, 8192 - 32, 1) ^= "\x01"; return $p; } ],
	[ 'with damaged content', sub { my ($p) = @_; substr($p, 24, 96) ^= "\x55" x 96; return $p; } ],
);
foreach my $part (sort keys %pages)
{
	# the middle one of the pages of this part
	my $block = $pages{$part}[ $#{ $pages{$part} } / 2 ];

	foreach my $damage (@damages)
	{
		my ($kind, $change) = @$damage;

		# a page without barq's mark is reported in one place
		next if $kind eq 'nonsense' && $part !~ /^(metapage|blob|log)$/;
		my $what = "$part page $kind";

		$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS damaged');
		$node->safe_psql('postgres', 'CREATE DATABASE damaged TEMPLATE whole STRATEGY file_copy');
		my ($number) = relation_file($node, 'items_v', 'whole') =~ m{/(\d+)$};
		my $oid = $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'damaged'});

		open my $handle, '+<:raw', $node->data_dir . "/base/$oid/$number" or die $!;
		seek $handle, $block * 8192, 0;
		print $handle $change->(substr $content, $block * 8192, 8192);
		close $handle or die $!;

		# damage of codes and flags cannot be detected without page checksums
		my ($status, $out, $err);
		if ($what ne 'log page with damaged content')
		{
			$status = $node->psql('damaged', q{SELECT place, message FROM barq_check('items_v')}, stdout => \$out, stderr => \$err);
			ok($out ne '' || $err =~ /ERROR/, "$what: barq_check reports the damage") or diag("$out$err");
		}

		# operations on the index may fail, with one SQLSTATE only
		my @bad;
		my $failures = 0;
		foreach my $command ($search, q{SELECT * FROM barq_segments('items_v')},
			'INSERT INTO items SELECT -i, vec(i) FROM generate_series(1, 300) i',
			'DELETE FROM items WHERE id % 10 = 1; VACUUM items',
			q{SELECT barq_seal('items_v')}, q{SELECT barq_compact('items_v')}, $search)
		{
			$status = $node->psql('damaged', "\\set VERBOSITY verbose\n$command", stderr => \$err, on_error_stop => 1);
			next if $status == 0;
			$failures++;
			push @bad, "$command: $err" if $status != 3 || $err !~ /ERROR:  XX00[12]:/;
		}
		is(join("\n", @bad), '', "$what: all failures report a corrupted index ($failures of 7)");

		# the table is unchanged
		$node->safe_psql('damaged', 'REINDEX INDEX items_v; VACUUM items');
		sound($node, 'items_v', "$what: REINDEX repairs", database => 'damaged');
	}
}

$node->stop;
ok(!$node->log_contains('was terminated by signal|PANIC|leak'), 'nothing crashed or leaked');
done_testing();
