# An index of several fields outlives what an index of one does: a dump keeps its weights
# and norms, a standby gives the primary's answers, a crash loses nothing, pages without an
# image give the same rows, damaged pages are errors and no crash.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('fields', init => { allows_streaming => 1 }, conf => q{
	barq.growing_limit = 1GB
	fsync = off
});
my $rows = q{SELECT i, CASE WHEN i % 4 > 0 THEN 'red t' || i % 17 || ' fox' END,
	CASE WHEN i % 7 > 0 THEN 'fox ' || repeat('b' || i % 5 || ' ', i % 9) || CASE WHEN i % 3 = 0 THEN 'red' ELSE 'c' END END,
	'g' || i % 4, ARRAY['x' || i % 6, 'red'] FROM generate_series(%d, %d) i};
my $table = q{
	CREATE SCHEMA pages;
	CREATE TABLE pages.docs (id int PRIMARY KEY, title varchar(100), body text, kind text, tags text[]);
	INSERT INTO pages.docs } . sprintf($rows, 1, 1500) . q{;
	CREATE INDEX docs_text ON pages.docs USING barq_bm25
		(title bm25_ops (weight = 3.5, b = 0.25), lower(body), tags bm25_array_ops (weight = 0.5), kind text_filter_ops)
		WITH (text_config = 'simple', b = 0.5, growing_limit = '1GB');
	INSERT INTO pages.docs } . sprintf($rows, 1501, 1900) . q{;
	SELECT barq_seal('pages.docs_text');
	DELETE FROM pages.docs WHERE id % 10 = 0;
	VACUUM pages.docs;
	INSERT INTO pages.docs } . sprintf($rows, 1901, 2100) . ';';

# Rankings and matches by the index or by the rows themselves, as one line.
sub answers_of
{
	my ($server, $database, $by_index) = @_;
	my ($on, $off) = $by_index ? ('on', 'off') : ('off', 'on');
	my $sql = "SET enable_seqscan = $off; SET enable_sort = $off; SET enable_indexscan = $on; SET enable_bitmapscan = off;";

	foreach my $value ('d', 'title', 'lower(body)', 'tags')
	{
		foreach my $query ('red fox', 't3 b2 c', 'x1 red*', '"red t5" OR "b1 b1"')
		{
			my $q = "to_bm25query('$query', 'pages.docs_text'::regclass)";
			$sql .= "SELECT md5(string_agg(s::text || ' ' || id, ',' ORDER BY s, id)) FROM
				(SELECT $value <@> $q AS s, id FROM pages.docs d WHERE kind <> 'g0' ORDER BY $value <@> $q LIMIT 10000) a WHERE s < 0;
				SELECT sum(hashint4(id)), count(*) FROM pages.docs d WHERE $value @@@ $q;\n";
		}
	}
	return $server->safe_psql($database, $sql);
}

$node->safe_psql('postgres', $table);
my $expected = answers_of($node, 'postgres', 1);
is($expected, answers_of($node, 'postgres', 0), 'the index and the rows give the same answers');
my @counts = $expected =~ /\|(\d+)/g;
cmp_ok(scalar(grep { $_ > 0 } @counts), '>=', 9, 'most queries match rows');
sound($node, 'pages.docs_text', 'sound');

# a dump, as pg_upgrade makes one too, keeps the parameters of operator classes
my $dir = PostgreSQL::Test::Utils::tempdir;
my $shown = q{SELECT pg_get_indexdef('pages.docs_text'::regclass)};
my $definition = $node->safe_psql('postgres', $shown);
like($definition, qr/title bm25_ops \(weight='3\.5', b='0\.25'\)|title public\.bm25_ops \(weight='3\.5', b='0\.25'\)/, 'the definition has weight and b');
foreach my $options (['plain'], ['custom', '--format=custom'], ['upgrade', '--schema-only', '--binary-upgrade', '--format=custom'])
{
	my ($way, @options) = @$options;
	my $file = "$dir/$way";

	$node->command_ok([ 'pg_dump', @options, '--file', $file, '-d', $node->connstr('postgres') ], "dump, $way");
	if ($way eq 'upgrade')
	{
		# the statements that pg_upgrade runs
		my ($out) = run_command([ 'pg_restore', '-f', '-', $file ]);
		like($out, qr/bm25_ops \(weight='3\.5', b='0\.25'\)/, "pg_upgrade's dump keeps weight and b");
		next;
	}
	$node->safe_psql('postgres', "CREATE DATABASE $way");
	$node->command_ok($way eq 'custom' ? [ 'pg_restore', '--exit-on-error', '-d', $node->connstr($way), $file ] :
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr($way) ], "restore, $way");
	is($node->safe_psql($way, $shown), $definition, "the same definition, $way");
	is(answers_of($node, $way, 1), answers_of($node, $way, 0), "the same answers by the index and the rows, $way");
	sound($node, 'pages.docs_text', "sound, $way", database => $way);
}

# the same scores after REINDEX as in the restored database: dead rows count no more
$node->safe_psql('plain', 'REINDEX INDEX pages.docs_text');
$node->safe_psql('custom', q{SELECT barq_seal('pages.docs_text'), barq_compact('pages.docs_text')});
is(answers_of($node, 'plain', 1), answers_of($node, 'custom', 1), 'rebuilt and merged give the same answers');

# without an image a search reads pages
$node->append_conf('postgresql.conf', q{barq.image_directory = '/dev/null/none'});
$node->restart;
is($node->safe_psql('postgres', q{SET client_min_messages = error;
	SELECT count(*) FROM barq_segments('pages.docs_text') WHERE image = 'resident'}), '0', 'there are no images');
is(answers_of($node, 'postgres', 1), $expected, 'read by the page: the same answers');
$node->append_conf('postgresql.conf', q{barq.image_directory = ''});
$node->restart;

# a standby
my $standby = new_standby($node, 'standby');
foreach my $step ('SELECT 1', q{SELECT barq_seal('pages.docs_text')}, q{DELETE FROM pages.docs WHERE id % 11 = 0; VACUUM pages.docs},
	q{SELECT barq_compact('pages.docs_text')}, 'INSERT INTO pages.docs ' . sprintf($rows, 3001, 3050), 'REINDEX INDEX pages.docs_text')
{
	my ($name) = $step =~ /^(.{1,30})/;
	$node->safe_psql('postgres', $step);
	$node->wait_for_catchup($standby);
	is(answers_of($standby, 'postgres', 1), answers_of($node, 'postgres', 1), "the standby's answers after: $name");
}
sound($standby, 'pages.docs_text', 'the standby is sound', errors => 1);

# the primary crashes; the standby is promoted: both go on
$node->safe_psql('postgres', 'INSERT INTO pages.docs ' . sprintf($rows, 4001, 4300));
$expected = answers_of($node, 'postgres', 1);
$node->wait_for_catchup($standby);
$node->stop('immediate');
$standby->promote;
is(answers_of($standby, 'postgres', 1), $expected, 'promoted: the same answers');
$node->start;
is(answers_of($node, 'postgres', 1), $expected, 'after a crash: the same answers');
foreach my $server ($node, $standby)
{
	$server->safe_psql('postgres', q{SELECT barq_seal('pages.docs_text');} . 'INSERT INTO pages.docs ' . sprintf($rows, 5001, 5050)
		. q{; SELECT barq_compact('pages.docs_text'); VACUUM pages.docs});
	is(answers_of($server, 'postgres', 1), answers_of($server, 'postgres', 0), 'and the index is written further');
	sound($server, 'pages.docs_text', 'and sound');
}
$standby->stop;

# damaged pages of bodies and of the log: an error with the right SQLSTATE, or none
$node->safe_psql('postgres', 'INSERT INTO pages.docs ' . sprintf($rows, 6001, 6400) . '; CHECKPOINT');
my $file = relation_file($node, 'pages.docs_text');
$node->stop;
my $whole = slurp_file($file);
my $searches = join ';', map { "SELECT count(*) FROM (SELECT id FROM pages.docs d ORDER BY d <@> to_bm25query('$_', 'pages.docs_text'::regclass) LIMIT 10) s" }
	'red', 't3 b2', '"red t5"', 'x* c';
my (@bad, $failures, $noticed);
srand(5);
foreach my $round (1 .. 12)
{
	my $content = $whole;
	foreach my $block (3 .. length($content) / 8192 - 1)
	{
		# behind the page header and before the special space
		substr($content, $block * 8192 + 24 + int(rand 8100), 2) ^= pack 'CC', 1 + int(rand 255), int(rand 256) if rand() < 0.4;
	}
	open my $handle, '+<:raw', $file or die $!;
	print $handle $content;
	close $handle;
	$node->start;
	foreach my $command (q{SELECT * FROM barq_check('pages.docs_text')}, $searches, q{SELECT barq_seal('pages.docs_text')},
		q{SELECT barq_compact('pages.docs_text')}, $searches)
	{
		my ($out, $err);
		my $status = $node->psql('postgres', "\\set VERBOSITY verbose\nSET enable_seqscan = off; SET enable_sort = off; $command", stdout => \$out, stderr => \$err,
			on_error_stop => 1);
		$noticed++ if $command =~ /barq_check/ && ($status != 0 || $out ne '');
		next if $status == 0;
		$failures++;
		push @bad, "$command: $err" if $status != 3 || $err !~ /ERROR:  XX00[12]:/;
	}
	$node->stop;
}
is(join("\n", @bad), '', "damaged pages: all failures report a corrupted index ($failures of 60)");
cmp_ok($noticed // 0, '>=', 10, 'barq_check() notices damaged pages of fields');
open my $handle, '+<:raw', $file or die $!;
print $handle $whole;
close $handle;
$node->start;
$node->safe_psql('postgres', 'REINDEX INDEX pages.docs_text; VACUUM pages.docs');
sound($node, 'pages.docs_text', 'REINDEX repairs');

$node->stop;
ok(!$node->log_contains('was terminated by signal|PANIC|TRAP|(?:reference|refcount|file|snapshot|lock|resource)[a-z ]* leak'), 'nothing crashed or leaked');
done_testing();
