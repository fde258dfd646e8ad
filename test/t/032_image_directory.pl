# The image directory is full or not writable. Searches read pages, with one WARNING
# and the same answers, or raise an error if barq.allow_fallback is off. Inserts
# and builds succeed; compaction of a graph is put off. Images are made again when
# the directory has room.
use strict;
use warnings;

use BarqSmallDisk;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = new_server('directory', conf => qq{
	barq.growing_limit = 64kB
	barq.image_directory = '$directory'
});
my $none = { settings => q{SET barq.allow_fallback = off;} };

# a graph and flat segments
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(512));
	INSERT INTO items SELECT i, vec(i, 512) FROM generate_series(1, 1100) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
	INSERT INTO items SELECT i, vec(i, 512) FROM generate_series(1101, 1150) i;
});
$node->safe_psql('postgres', q{
	CREATE TABLE listed AS SELECT i AS id, vec(i, 512) AS v FROM generate_series(1, 2500) i;
	ALTER TABLE listed ALTER v TYPE vector(512);
	CREATE INDEX listed_v ON listed USING barq_ivf (v vector_l2_ops) WITH (lists = 20);
});
my $batch = q{SET client_min_messages = error; SELECT string_agg(concat_ws(' ', query, (doc).id, distance), ',') FROM
	barq_search_batch(NULL::listed, (SELECT array_agg(v ORDER BY id) FROM listed WHERE id % 200 = 1), 5)};
my $batch_found = $node->safe_psql('postgres', $batch);
is($node->safe_psql('postgres', q{SELECT kind FROM barq_segments('listed_v') WHERE state <> 'growing'}), 'ivf', 'lists');
my ($image) = images_of($node, 'items_v');
like($image, qr{^\Q$directory\E/barq_\d+_[0-9a-f]{16}/pgsql_tmp/}, 'images are in barq.image_directory');
ok(!-e $node->data_dir . '/pg_barq', 'no images are in the data directory');
my $answers = same_answers($node, 'items', 'before: the nearest rows', recall => 0.85);
my $row = 2000;

# Checks while no image can be made.
sub without_room
{
	my ($what, $full) = @_;
	my ($found, $warnings, $status) = answers($node, 'items');

	is($found, $answers, "$what: the same answers, page by page");
	is(scalar(my @warned = $warnings =~ /WARNING:.*searched page by page/g), 1, "$what: one WARNING") or diag($warnings);
	($found, $warnings) = answers($node, 'items', settings => q{SET client_min_messages = error; SET work_mem = '64kB';});
	is("$found$warnings", $answers, "$what: the same answers with a small work_mem");
	($found, $warnings, $status) = answers($node, 'items', %$none);
	isnt($status, 0, "$what: an error if fallback is not allowed");
	like($warnings, qr/ERROR:.*image.*\n.*DETAIL:.*\n.*HINT:.*allow_fallback/, "$what: the error gives the cause and a hint");

	is($node->safe_psql('postgres', $batch), $batch_found, "$what: a batch of searches in lists finds the same");

	# inserts, seals, VACUUM and compaction of flat segments
	$node->safe_psql('postgres', qq{
		SET client_min_messages = error;
		CREATE TABLE small (id int, v vector(32));
		CREATE INDEX small_v ON small USING barq_hnsw (v vector_l2_ops);
		INSERT INTO small SELECT i, vec(i) FROM generate_series(1, 3000) i;
		DELETE FROM small WHERE id % 5 = 0;
		VACUUM small;
	});
	cmp_ok(segment_count($node, 'small_v'), '>', 1, "$what: inserts seal the log");
	found_once($node, 'small', "$what: every row once");
	same_answers($node, 'small', "$what: the nearest rows of a new index");
	$node->safe_psql('postgres', q{SET client_min_messages = error; SELECT barq_compact('small_v')});
	is(segment_count($node, 'small_v'), 1, "$what: flat segments are compacted");
	sound($node, 'small_v', "$what: the small index is sound");
	found_once($node, 'small', "$what: every row once after compaction");

	# If no file can be made the graph is built in memory. If the disk fills up
	# meanwhile, CREATE INDEX fails.
	$status = $node->psql('postgres', 'CREATE INDEX built ON items USING barq_hnsw (v vector_l2_ops) WITH (quantization = none)',
		stderr => \$warnings);
	if ($full)
	{
		like($warnings, qr/ERROR:  could not write file .*: No space left on device\n.*HINT:  .*barq.image_directory/,
			"$what: CREATE INDEX fails with a hint");
	}
	else
	{
		like($warnings, qr/WARNING:  index "built" is built in memory/, "$what: CREATE INDEX warns that it builds in memory");
		sound($node, 'built', "$what: an index built in memory is sound");
		$node->safe_psql('postgres', 'DROP INDEX built');
	}

	# the merge of a graph is put off
	$node->safe_psql('postgres', q{SELECT barq_seal('items_v')});
	my $segments = segment_count($node, 'items_v');
	$status = $node->psql('postgres', q{SELECT barq_compact('items_v')}, stderr => \$warnings);
	isnt($status, 0, "$what: barq_compact of a graph fails");
	like($warnings, qr/ERROR:  compaction of index "items_v" was put off/, "$what: the error says that compaction was put off");
	is(segment_count($node, 'items_v'), $segments, "$what: the segments are unchanged");
	sound($node, 'items_v', "$what: no error, and only unreachable pages are left", errors => 1);
	return;
}

# Checks after the directory has room again.
sub with_room
{
	my ($what) = @_;
	my ($found, $warnings) = answers($node, 'items');

	is("$found$warnings", $answers, "$what: the same answers, without a WARNING");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM barq_segments('items_v') WHERE state <> 'growing' AND image = 'missing'}), '0',
		"$what: every segment has an image");
	answers($node, 'small');
	is($node->safe_psql('postgres', q{
		SELECT image FROM barq_segments('small_v') WHERE state <> 'growing'}), 'on_disk',
		"$what: the small index has its image");
	$node->safe_psql('postgres', 'VACUUM items; DROP TABLE small');
	sound($node, 'items_v', "$what: sound after VACUUM");
	is_deeply([ orphans($node) ], [], "$what: no file without a segment");
	return;
}

# not writable, and the existing images moved away
chmod 0755, $directory;
rename "$directory/" . (split m{/}, substr($image, length($directory) + 1))[0], "$directory/../aside-$$" or die $!;
chmod 0555, $directory;
SKIP:
{
	skip 'this user may write to any directory', 1 if -w $directory;
	without_room('not writable');
	chmod 0755, $directory;
	with_room('writable again');
}
chmod 0755, $directory;

# a file in place of the directory
$node->append_conf('postgresql.conf', "barq.image_directory = '$directory/file'");
PostgreSQL::Test::Utils::append_to_file("$directory/file", 'x');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('barq.image_directory') = '$directory/file'");
without_room('not a directory');
unlink "$directory/file";
with_room('a directory that can be made');

# a full disk
SKIP:
{
	my $small = small_disk();
	skip 'no small disk can be mounted', 1 if $small eq '';

	$node->append_conf('postgresql.conf', "barq.image_directory = '$small'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('barq.image_directory') = '$small'");
	answers($node, 'items');
	unlink images_of($node, 'items_v');
	fill_disk();
	without_room('full', 1);
	is_deeply([ grep { !/ballast$/ && !/\.ok$/ && -s $_ } image_files($small) ], [], 'full: no incomplete file is left');
	free_disk();
	with_room('room again');
}

$node->stop;
done_testing();
