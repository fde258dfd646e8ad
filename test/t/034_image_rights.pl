# Folders and files under the image directory that the server did not make, or
# that other users may write: symbolic links, folders and files of another user,
# wrong modes, a FIFO, a hard link, at every level. Each is refused with one
# warning that names it. Searches read pages and return the same rows, inserts and
# builds succeed, and nothing is written through a link. After a change of
# barq.image_directory, VACUUM leaves no file in the former directory.
#
# scripts/run-tests.sh makes the folders and files of another user if it runs as
# root (BARQ_FOREIGN); otherwise those cases are skipped.
use strict;
use warnings;

use BarqTest;
use Fcntl ':mode';
use File::Basename;
use File::Path 'remove_tree';
use POSIX 'mkfifo';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = PostgreSQL::Test::Utils::tempdir;
my $victim = PostgreSQL::Test::Utils::tempdir;
my $node = new_server('rights', conf => 'barq.growing_limit = 64kB');
my $data = $node->data_dir;

$node->safe_psql('postgres', q{
	CREATE TABLE items (id int, v vector(32));
	INSERT INTO items SELECT i, vec(i) FROM generate_series(1, 2000) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
	CREATE TABLE docs (id int, body text);
	INSERT INTO docs SELECT i, 'word w' || i % 7 FROM generate_series(1, 2000) i;
	CREATE INDEX docs_body ON docs USING barq_bm25 (body) WITH (text_config = 'simple');
});

sub mode_of { my @st = lstat $_[0]; return sprintf '%04o', S_IMODE($st[2]); }

# The folders from the first one that barq makes down to that of an index.
sub levels
{
	my ($image) = images_of($node, 'items_v');
	my @levels = (dirname($image));
	while ($levels[0] !~ m{/pgsql_tmp$}) { unshift @levels, dirname($levels[0]); }
	return (dirname($levels[0]), @levels);
}

sub set_directory
{
	my ($directory) = @_;
	$node->safe_psql('postgres', "LOAD 'barq'; ALTER SYSTEM SET barq.image_directory = '$directory'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('barq.image_directory', true) = '$directory'") or die;
}

my $answers = same_answers($node, 'items', 'before: the nearest rows');
my $words = q{SELECT string_agg(id::text, ' ') FROM (SELECT id FROM docs WHERE body @@@ 'w3' ORDER BY body <@> 'w3', id LIMIT 20) s};
my $found = $node->safe_psql('postgres', $words);

# Checks while a folder or file is refused: each search raises one warning that
# names it and returns the same rows; with `work`, inserts, seals and VACUUM
# succeed, too.
sub refused
{
	my ($what, $expected, $work) = @_;
	my ($got, $warnings) = answers($node, 'items');

	is($got, $answers, "$what: the same answers, page by page");
	is(scalar(my @warned = $warnings =~ /WARNING:.*searched page by page/g), 1, "$what: one WARNING") or diag($warnings);
	like($warnings, $expected, "$what: the WARNING gives the cause");
	my ($status, $out, $err) = $node->psql('postgres', "SET barq.allow_fallback = off; SELECT id FROM items ORDER BY v <-> vec(3) LIMIT 1");
	isnt($status, 0, "$what: an error if fallback is not allowed");
	like($err, $expected, "$what: the error gives the cause");
	return unless $work;
	$node->safe_psql('postgres', qq{
		SET client_min_messages = error;
		INSERT INTO docs SELECT i, 'other' FROM generate_series(1, 10) i;
		DELETE FROM docs WHERE body = 'other';
		INSERT INTO items SELECT -i, vec(i) FROM generate_series(1, 300) i;
		DELETE FROM items WHERE id < 0;
		VACUUM items;
		VACUUM docs;
	});
	is($node->safe_psql('postgres', "SET client_min_messages = error; $words"), $found, "$what: the text search returns the same rows");
	same_answers($node, 'items', "$what: the nearest rows after inserts, seals and VACUUM");
	$answers = answers($node, 'items', settings => 'SET client_min_messages = error;');
}

# Checks after the obstacle was removed.
sub cured
{
	my ($what) = @_;
	my ($got, $warnings) = answers($node, 'items');

	is("$got$warnings", $answers, "$what: the same answers without a warning");
	cmp_ok(scalar(images_of($node, 'items_v')), '>', 0, "$what: the images were made again");
	is_deeply([ glob "$victim/*" ], [], "$what: nothing was written through a link");
}

# A "folder", "file" or "link" of another user; undef if there are none.
sub foreign
{
	my ($kind) = @_;
	return undef unless defined $ENV{BARQ_FOREIGN};
	my ($one) = glob "$ENV{BARQ_FOREIGN}/$kind*";
	return $one;
}

foreach my $directory ('', $top)
{
	my $where = $directory eq '' ? 'data directory' : 'barq.image_directory';

	set_directory($directory) if $directory ne '';
	answers($node, 'items', settings => 'SET client_min_messages = error;');
	my @levels = levels();

	cmp_ok(scalar @levels, '==', 5, "$where: there are five levels");
	is_deeply([ map { mode_of($_) } @levels ], [ ('0700') x 5 ], "$where: all levels have mode 0700");
	is_deeply([ grep { mode_of($_) ne '0600' } image_files($levels[0]) ], [], "$where: all files have mode 0600");

	foreach my $i (0 .. 4)
	{
		my $level = $levels[$i];
		my $name = "$where, level " . ($i + 1);
		my $shown = $level =~ s/^\Q$data\E\///r;

		# a symbolic link to a folder
		rename $level, "$top/aside" or die "$level: $!";
		symlink $victim, $level or die;
		refused("$name, a link", qr/"\Q$shown\E" is a symbolic link/, $i >= 3);
		unlink $level;
		rename "$top/aside", $level or die "$level: $!";
		cured("$name, a link");

		if ($directory eq '')
		{
			# folders that other users may write
			foreach my $mode ($i == 0 ? (0777, 0770, 0702) : 0777)
			{
				chmod $mode, $level;
				refused(sprintf('%s, mode %04o', $name, $mode), qr/" is writable by other users/);
				chmod 0700, $level;
			}
			cured("$name, modes");
			# read permission of other users is removed
			if ($i > 0)
			{
				chmod 0755, $level;
				remove_tree("$levels[4]");
				cured("$name, mode 0755");
				is(mode_of($level), '0700', "$name, mode 0755: read permission of others is removed");
			}

			# a file in its place
			rename $level, "$top/aside" or die "$level: $!";
			append_to_file($level, 'x');
			refused("$name, a file", qr/" is not a directory/);
			unlink $level;
			rename "$top/aside", $level or die "$level: $!";
			cured("$name, a file");
		}

		# a folder of another user
	  SKIP:
		{
			my $folder = foreign('folder');
			skip 'no files of a second user', 1 unless defined $folder;
			rename $level, "$top/aside" or die "$level: $!";
			rename $folder, $level or die "$folder: $!";
			refused("$name, another user's", qr/" belongs to another user/);
			rename $level, $folder or die "$folder: $!";
			rename "$top/aside", $level or die "$level: $!";
			cured("$name, another user's");
		}
	}

	# another kind of file in place of an image
	foreach my $case (grep { $directory eq '' || $_->[0] =~ /another|FIFO|hard/ }
		[ 'a link', sub { symlink "$victim/target", $_[0] }, qr/" is a symbolic link/ ],
		[ 'a link to a file of the server', sub { symlink "$data/postgresql.auto.conf", $_[0] }, qr/" is a symbolic link/ ],
		[ 'a FIFO', sub { mkfifo($_[0], 0600) }, qr/" is not a regular file/ ],
		[ 'a folder', sub { mkdir $_[0] }, qr/" is not a regular file/ ],
		[ 'a hard link', sub { link "$data/postgresql.auto.conf", $_[0] }, qr/" has more than one hard link/ ],
		[ 'a file that others may write', sub { append_to_file($_[0], 'x'); chmod 0666, $_[0] }, qr/" is writable by other users/ ],
		[ "another user's file", foreign('file'), qr/" belongs to another user/ ],
		[ "another user's link", foreign('link'), qr/" is a symbolic link/ ])
	{
		my ($what, $plant, $expected) = @$case;
		my $name = "$where, $what for an image";
	  SKIP:
		{
			skip 'no files of a second user', 1 unless defined $plant;
			my ($image) = images_of($node, 'items_v');
			my $before = slurp_file("$data/postgresql.auto.conf");

			unlink $image;
			if (ref $plant) { $plant->($image) or die "$what: $!"; } else { rename $plant, $image or die "$plant: $!"; }
			refused($name, $expected, $what =~ /FIFO|hard/);
			if (ref $plant) { rmdir $image or unlink $image; } elsif (-l $image || -e $image) { rename $image, $plant or die "$plant: $!"; }
			cured($name);
			is(slurp_file("$data/postgresql.auto.conf"), $before, "$name: the other file is unchanged");
		}
	}

	# the lock and a marker
	foreach my $file ('lock', 'ok')
	{
		my ($image) = images_of($node, 'items_v');
		my $path = $file eq 'lock' ? dirname($image) . '/lock' : $image =~ s/img$/ok/r;
		my $shown = basename($path);

		unlink $path;
		symlink "$victim/target", $path or die;
		unlink $image if $file eq 'lock';
		my ($got, $warnings) = answers($node, 'items');
		is($got, $answers, "$where, a link for $file: the same answers");
		like($warnings, qr/\Q$shown\E/, "$where, a link for $file: a warning names it");
		ok(!-e "$victim/target", "$where, a link for $file: nothing is written through it");
		unlink $path;
		cured("$where, a link for $file");
	}

	# builds
	my ($space) = (levels())[2];
	rename $space, "$top/aside" or die "$space: $!";
	symlink $victim, $space or die;
	my ($status, $out, $err) = $node->psql('postgres', q{
		CREATE INDEX built_v ON items USING barq_hnsw (v vector_l2_ops);
		CREATE INDEX built_body ON docs USING barq_bm25 (body) WITH (text_config = 'simple');
		SELECT barq_compact('items_v')});
	like($err, qr/WARNING:.*built in memory.*is a symbolic link/s, "$where: the WARNING of a build gives the cause");
	$node->safe_psql('postgres', 'SET client_min_messages = error; DROP INDEX IF EXISTS built_v, built_body');
	unlink $space;
	rename "$top/aside", $space or die "$space: $!";
	cured("$where, builds");
}

# ---- former values of barq.image_directory

sub nothing_left { my ($directory) = @_; return !glob "$directory/barq_*"; }

my @directories = map { my $d = PostgreSQL::Test::Utils::tempdir; $d } 1 .. 3;
ok(!-e "$data/pg_barq", 'after the first change VACUUM has removed the images in the data directory');
set_directory($directories[0]);
cured('second change');
ok(!nothing_left($top), 'images in the former directory stay until VACUUM');
$node->safe_psql('postgres', 'VACUUM docs');
ok(nothing_left($top), 'VACUUM has removed the images in the former directory');
is(slurp_file("$data/barq_image_directories"), "$directories[0]\n", 'barq_image_directories lists the present directory only');

# two changes while the server is down
$node->stop;
$node->append_conf('postgresql.auto.conf', "barq.image_directory = '$directories[1]'");
$node->start;
cured('change while the server was down');
$node->stop;
$node->append_conf('postgresql.auto.conf', "barq.image_directory = '$directories[2]'");
$node->start;
cured('second change while the server was down');
$node->safe_psql('postgres', 'VACUUM docs');
ok(nothing_left($directories[0]) && nothing_left($directories[1]), 'VACUUM has removed the images in both former directories');
cured('after VACUUM');

# back to the data directory; a folder that a session has locked stays
my $gate = close_gate($node);
my $open = background($node, q{
	BEGIN;
	CREATE TABLE held (id int, v vector(32));
	INSERT INTO held SELECT i, vec(i) FROM generate_series(1, 500) i;
	CREATE INDEX held_v ON held USING barq_hnsw (v vector_l2_ops);
	SELECT pass();
	COMMIT;
});
wait_at_gate($node);
set_directory('');
$node->safe_psql('postgres', 'VACUUM docs');
ok(!nothing_left($directories[2]), 'VACUUM keeps a locked folder');
open_gate($node, $gate);
is(finished($open), 0, 'the session that has locked it ends');
cured('back in the data directory');
$node->safe_psql('postgres', 'VACUUM docs');
ok(nothing_left($directories[2]), 'then VACUUM removes the folder');
is(slurp_file("$data/barq_image_directories"), '', 'barq_image_directories is empty');
found_once($node, 'held', 'at the end: every row once');
sound($node, $_, "$_ is sound") foreach 'items_v', 'docs_body', 'held_v';

$node->stop;
done_testing();
