# An index with a language for each row, and a field with a configuration of its own: restart,
# dump and restore, a standby, a crash right after the first rows of a language, a parallel
# build, partitions give the answers that the rows themselves give.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('languages', init => { allows_streaming => 1 }, conf => q{
	barq.growing_limit = 1GB
	fsync = off
});
my $words = q{'{cats,the,running,Katzen,die,Hauser,les,chats,courant,maison,dog,dogs,Hunde,casa,corriendo}'::text[]};
my $rows = qq{SELECT i, CASE WHEN i %% 5 > 0 THEN (SELECT string_agg(($words)[1 + (i * 7 + j * j * 3) %% 15], ' ') FROM generate_series(1, 1 + i %% 3) j) END,
	(SELECT string_agg(($words)[1 + (i * 3 + j * j) %% 15], ' ') FROM generate_series(1, i %% 11) j),
	(%s)[1 + i %% cardinality(%s)]::regconfig, i %% 100 FROM generate_series(%d, %d) i};

sub rows_of
{
	my ($languages, $first, $last) = @_;

	return sprintf($rows, $languages, $languages, $first, $last);
}
my $four = q{'{english,german,NULL,simple}'::text[]};
$node->safe_psql('postgres', q{
	CREATE SCHEMA pages;
	CREATE TEXT SEARCH CONFIGURATION pages.own (COPY = french);
	CREATE TABLE pages.docs (id int PRIMARY KEY, title text, body text, lang regconfig, price int);
	INSERT INTO pages.docs } . rows_of($four, 1, 1200) . q{;
	CREATE INDEX docs_text ON pages.docs USING barq_bm25 (title bm25_ops (weight = 2, text_config = 'pages.own'), body, lang regconfig_ops, price)
		WITH (text_config = 'english', growing_limit = '1GB');
	INSERT INTO pages.docs } . rows_of(q{'{pages.own,german}'::text[]}, 1201, 1500) . q{;
	SELECT barq_seal('pages.docs_text');
	DELETE FROM pages.docs WHERE id % 10 = 0;
	VACUUM pages.docs;
	INSERT INTO pages.docs } . rows_of(q{'{spanish}'::text[]}, 1501, 1600) . ';');

# Rankings and matches by the index or by the rows themselves, as one line.
sub answers_of
{
	my ($server, $database, $by_index) = @_;
	my ($on, $off) = $by_index ? ('on', 'off') : ('off', 'on');
	my $sql = "SET enable_seqscan = $off; SET enable_sort = $off; SET enable_indexscan = $on; SET enable_bitmapscan = off;";

	foreach my $value ('d', '(body, lang, title)')
	{
		foreach my $query ('cats', 'die Katze', 'courir les chat', '"the cats" OR Hund*', 'title:running -dog', 'correr casas')
		{
			foreach my $config ('NULL', "'german'")
			{
				my $q = "to_bm25query('$query', 'pages.docs_text'::regclass, search_config => $config)";
				$sql .= "SELECT md5(string_agg(s::text || ' ' || id, ',' ORDER BY s, id)), count(*) FROM
					(SELECT $value <@> $q AS s, id FROM pages.docs d WHERE price > 3 ORDER BY $value <@> $q LIMIT 10000) a WHERE s < 0;
					SELECT sum(hashint4(id)), count(*) FROM pages.docs d WHERE $value @@@ $q;
					SELECT barq_count('pages.docs_text', '$query');\n";
			}
		}
	}
	return $server->safe_psql($database, $sql);
}

my $expected = answers_of($node, 'postgres', 1);
is($expected, answers_of($node, 'postgres', 0), 'the index and the rows give the same answers');
my @counts = $expected =~ /\|(\d+)/g;
cmp_ok(scalar(grep { $_ > 0 } @counts), '>=', 30, 'most queries match rows');
sound($node, 'pages.docs_text', 'sound');
$node->restart;
is(answers_of($node, 'postgres', 1), $expected, 'after a restart: the same answers');

# a dump
my $dir = PostgreSQL::Test::Utils::tempdir;
my $shown = q{SELECT pg_get_indexdef('pages.docs_text'::regclass)};
my $definition = $node->safe_psql('postgres', $shown);
like($definition, qr/lang (public\.)?regconfig_ops/, 'the definition has the language');
$node->command_ok([ 'pg_dump', '--file', "$dir/plain", '-d', $node->connstr('postgres') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain", '-d', $node->connstr('restored') ], 'restore');
is($node->safe_psql('restored', $shown), $definition, 'the same definition');
is(answers_of($node, 'restored', 1), answers_of($node, 'restored', 0), 'restored: the index and the rows give the same answers');
sound($node, 'pages.docs_text', 'sound, restored', database => 'restored');

# a build with workers gives what one without gives, and what merges of the rows give
$node->safe_psql('restored', q{SET max_parallel_maintenance_workers = 0; REINDEX INDEX pages.docs_text});
my $alone = answers_of($node, 'restored', 1);
$node->safe_psql('restored', q{SET max_parallel_maintenance_workers = 2; SET min_parallel_table_scan_size = 0;
	ALTER TABLE pages.docs SET (parallel_workers = 2); REINDEX INDEX pages.docs_text});
is(answers_of($node, 'restored', 1), $alone, 'a build with workers: the same answers');
$node->safe_psql('postgres', q{SELECT barq_seal('pages.docs_text'), barq_compact('pages.docs_text')});
is(answers_of($node, 'postgres', 1), $alone, 'merged: the same answers');

# a standby
my $standby = new_standby($node, 'standby');
foreach my $step ('SELECT 1', 'INSERT INTO pages.docs ' . rows_of(q{'{italian}'::text[]}, 2001, 2050), q{SELECT barq_seal('pages.docs_text')},
	q{UPDATE pages.docs SET lang = 'german' WHERE lang = 'spanish'::regconfig; VACUUM pages.docs}, q{SELECT barq_compact('pages.docs_text')},
	'REINDEX INDEX pages.docs_text')
{
	my ($name) = $step =~ /^(.{1,30})/;
	$node->safe_psql('postgres', $step);
	$node->wait_for_catchup($standby);
	$expected = answers_of($node, 'postgres', 1);
	is(answers_of($standby, 'postgres', 1), $expected, "the standby's answers after: $name");
	is(answers_of($node, 'postgres', 0), $expected, 'and those of the rows') unless $name =~ /^UPDATE/;
}
sound($standby, 'pages.docs_text', 'the standby is sound', errors => 1);

# the primary crashes right after the first rows of a language; the standby is promoted
$node->safe_psql('postgres', 'INSERT INTO pages.docs ' . rows_of(q{'{dutch}'::text[]}, 3001, 3010));
$expected = answers_of($node, 'postgres', 1);
$node->wait_for_catchup($standby);
$node->stop('immediate');
$standby->promote;
is(answers_of($standby, 'postgres', 1), $expected, 'promoted: the same answers');
$node->start;
is(answers_of($node, 'postgres', 1), $expected, 'after a crash: the same answers');
foreach my $server ($node, $standby)
{
	$server->safe_psql('postgres', 'INSERT INTO pages.docs ' . rows_of(q{'{swedish,english}'::text[]}, 4001, 4050)
		. q{; SELECT barq_seal('pages.docs_text'), barq_compact('pages.docs_text')});
	is(answers_of($server, 'postgres', 1), answers_of($server, 'postgres', 0), 'and the index is written further');
	sound($server, 'pages.docs_text', 'and sound');
}
$standby->stop;
$node->stop;
done_testing();
