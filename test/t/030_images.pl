# Images are only a cache. If they are deleted, cut short, damaged or replaced,
# while the server is stopped or while it runs, searches return the same rows and
# the files are made again. VACUUM removes files that belong to no segment.
use strict;
use warnings;

use BarqTest;
use File::Copy;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('images', conf => q{
	barq.growing_limit = 64kB
	barq.compaction_ratio = 64
	barq.max_segments = 100
});

# a graph and several flat segments
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(512));
	INSERT INTO items SELECT i, vec(i, 512) FROM generate_series(1, 1100) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
	INSERT INTO items SELECT i, vec(i, 512) FROM generate_series(1101, 1250) i;
	SELECT barq_seal('items_v');
});
is($node->safe_psql('postgres',
		q{SELECT string_agg(DISTINCT kind, ',' ORDER BY kind) FROM barq_segments('items_v') WHERE state <> 'growing'}),
	'flat,hnsw', 'the index has a graph and flat segments');
my $segments = segment_count($node, 'items_v');
cmp_ok($segments, '>', 3, 'the index has several segments');
my $answers = same_answers($node, 'items', 'before', recall => 0.85);
# seals of inserts leave images to the first search
is(scalar(my @all = images_of($node, 'items_v')), $segments, 'after a search each segment has an image');
my $kept = $node->data_dir . '/../kept';
mkdir $kept;
copy($_, "$kept/" . (split /\//)[-1]) or die foreach images_of($node, 'items_v');

# contents of the image files, by name
sub contents
{
	return { map { (split /\//)[-1] => PostgreSQL::Test::Utils::slurp_file($_) } images_of($node, 'items_v') };
}
my $good = contents();

# Damage the files while the server is stopped, then search.
sub stopped
{
	my ($what, $damage) = @_;
	my @files = images_of($node, 'items_v');

	$node->stop;
	$damage->(@files);
	$node->start;
	is(scalar(answers($node, 'items')), $answers, "$what: the same answers");
	is_deeply(contents(), $good, "$what: the files are made again, byte for byte the same");
	return;
}

found_once($node, 'items', 'before: every row once');

sub size_of { return -s $_[0]; }

stopped('files untouched', sub { });
stopped('files deleted', sub { unlink @_; });
stopped('files, markers and folder deleted', sub {
	my ($folder) = $_[0] =~ m{(.*)/};
	unlink glob "$folder/*";
	rmdir $folder or die "$folder: $!";
});
stopped('files emptied', sub { truncate $_, 0 foreach @_; });
stopped('files cut within the header', sub { truncate $_, 100 foreach @_; });
stopped('files one byte too short', sub { truncate $_, size_of($_) - 1 foreach @_; });
stopped('files one byte too long', sub { PostgreSQL::Test::Utils::append_to_file($_, 'x') foreach @_; });
stopped('magic number damaged', sub { flip_byte($_, 0) foreach @_; });
stopped('id damaged', sub { flip_byte($_, 20) foreach @_; });
stopped('checksum of the header damaged', sub { flip_byte($_, 44) foreach @_; });
stopped('first byte of the body damaged', sub { flip_byte($_, 4096) foreach @_; });
stopped('a byte in the middle of the body damaged', sub { flip_byte($_, int(size_of($_) * 0.7)) foreach @_; });
stopped('last byte of the body damaged', sub { flip_byte($_, size_of($_) - 1) foreach @_; });
stopped("files of two segments exchanged", sub {
	my @by_size = sort { size_of($a) <=> size_of($b) || $a cmp $b } @_;
	# flat segments have the same size, so only the content differs
	my ($first, $second) = @by_size;
	rename $first, "$first.x" or die;
	rename $second, $first or die;
	rename "$first.x", $second or die;
});
# markers written before the restart, and invalid ones, are ignored
stopped('body damaged, marker from before the restart', sub {
	foreach my $file (@_)
	{
		my @times = (stat $file)[ 8, 9 ];
		flip_byte($file, 5000);
		utime @times, $file;
	}
});
stopped('body damaged, invalid marker', sub {
	foreach my $file (@_)
	{
		(my $marker = $file) =~ s/img$/ok/;
		unlink $marker;
		PostgreSQL::Test::Utils::append_to_file($marker, 'x' x 40);
		flip_byte($file, 5000);
	}
});

# while the server runs: sessions that have mapped the files keep using them,
# other sessions make them again
my $gate = close_gate($node);
my $scan = background($node, q{
	BEGIN;
	SET enable_seqscan = off; SET barq.iterative_scan = relaxed_order; SET barq.max_scan_tuples = 1000000;
	DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v <-> vec(5, 512);
	FETCH 20 FROM c;
	SELECT pass();
	FETCH ALL FROM c;
	COMMIT;
});
wait_at_gate($node);
unlink images_of($node, 'items_v');
is(scalar(answers($node, 'items')),
	$answers, 'files deleted while the server runs: the same answers');
is_deeply(contents(), $good, 'files deleted while the server runs: they are made again');
my ($folder) = (images_of($node, 'items_v'))[0] =~ m{(.*)/};
unlink glob "$folder/*";
rmdir $folder or die "$folder: $!";
is(scalar(answers($node, 'items')),
	$answers, 'folder deleted while the server runs: the same answers');
open_gate($node, $gate);
is(finished($scan), 0, "the open scan ends without an error $scan->{err}");
my %distinct = map { $_ => 1 } grep { /^\d+$/ } split /\n/, $scan->{out};
is(scalar(keys %distinct), 1250, 'the open scan finds every row');

# a damaged file replaces each image while the server runs
foreach my $file (images_of($node, 'items_v'))
{
	my $name = (split /\//, $file)[-1];
	copy("$kept/$name", "$file.new") or die;
	flip_byte("$file.new", 6000);
	rename "$file.new", $file or die;
}
is(scalar(answers($node, 'items')),
	$answers, 'files replaced while the server runs: the same answers');
is_deeply(contents(), $good, 'files replaced while the server runs: they are made again');

# files that belong to no segment of the index
$node->safe_psql('postgres', q{
	CREATE TABLE other (id int, v vector(32));
	INSERT INTO other SELECT i, vec(i) FROM generate_series(1, 500) i;
	CREATE INDEX other_v ON other USING barq_hnsw (v vector_l2_ops);
});
my ($foreign) = images_of($node, 'other_v');
my $stranger = "$folder/" . (split /\//, $foreign)[-1];
copy($foreign, $stranger) or die;
PostgreSQL::Test::Utils::append_to_file("$folder/$_", 'x')
  foreach ('0123456789abcdef0123456789abcdef.img', '0123456789abcdef0123456789abcdef.tmp',
	'0123456789abcdef0123456789abcdef.work', '0123456789abcdef0123456789abcdef.rows',
	'0123456789abcdef0123456789abcdef.ok', 'anything');
is(scalar(answers($node, 'items')),
	$answers, 'foreign files in the folder: the same answers');
$node->safe_psql('postgres', 'VACUUM items');
is_deeply([ orphans($node) ], [], 'VACUUM removes foreign files');
is_deeply(contents(), $good, 'VACUUM keeps the images of the index');

# a folder without a relation
(my $nobody = $folder) =~ s{/\d+$}{/4000000000};
mkdir $nobody or die;
copy($foreign, "$nobody/" . (split /\//, $foreign)[-1]) or die;
$node->safe_psql('postgres', 'VACUUM other');
ok(!-e $nobody, 'VACUUM of any index removes a folder whose relation is gone');

# the state of images in barq_segments
unlink images_of($node, 'other_v');
is($node->safe_psql('postgres',
		q{SELECT image, image_bytes FROM barq_segments('other_v') WHERE state <> 'growing'}),
	'missing|0', 'barq_segments shows a missing image');
same_answers($node, 'other', 'the nearest rows without an image');
is($node->safe_psql('postgres',
		q{SELECT image FROM barq_segments('other_v') WHERE state <> 'growing'}),
	'on_disk', 'barq_segments shows an image on disk');
is($node->safe_psql('postgres', q{
	SET enable_seqscan = off;
	SELECT image FROM (SELECT id FROM other ORDER BY v <-> vec(1) LIMIT 1) s, LATERAL barq_segments('other_v') WHERE state <> 'growing' AND s.id > 0}),
	'resident', 'barq_segments shows a mapped image');
sound($node, 'items_v', 'at the end: sound');
found_once($node, 'items', 'at the end: every row once');
same_answers($node, 'items', 'at the end: the nearest rows', recall => 0.85);

$node->stop;
done_testing();
