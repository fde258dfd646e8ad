# Text in databases of other encodings and locales: terms and positions are
# to_tsvector's for random texts, grams are whole characters, highlighting
# cuts none; and what says a text query outlives a dump and a restore.
use strict;
use warnings;
use utf8;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('encodings');
$node->init(extra => [ '--locale', 'C', '--encoding', 'UTF8' ]);
$node->append_conf('postgresql.conf', 'jit = off');
$node->start;

my $functions = slurp_file("$FindBin::RealBin/../include/text.sql");

# a database: encoding, locale; letters of its own in random texts; a word of
# its own in a sentence with spaces around it, and one without
my @databases = (
	[ 'utf8_locale', 'UTF8', 'C.UTF-8', [ 'é', 'Ä', 'ß', 'я', 'Ж', '中', "\x{0301}", "\x{00a0}", '²', 'ʼ', 'ا' ] ],
	[ 'euc_jp', 'EUC_JP', 'C', [ '日', '本', 'デ', 'ー', '、', 'Ａ', 'ｱ' ] ],
	[ 'euc_cn', 'EUC_CN', 'C', [ '数', '据', '库', '。', 'Ａ' ] ],
	[ 'euc_kr', 'EUC_KR', 'C', [ '서', '울', '시', '。' ] ],
	[ 'latin1', 'LATIN1', 'C', [ 'é', 'Ä', 'ß', '²', "\x{00a0}" ] ],
	[ 'koi8r', 'KOI8R', 'C', [ 'я', 'Ж', 'ё' ] ],
	[ 'win874', 'WIN874', 'C', [ 'ก', 'า', 'ิ', 'ฯ' ] ],
	[ 'sql_ascii', 'SQL_ASCII', 'C', [ 'é', '中' ] ]);
my @marks = (
	'a', 'b', 'foo', '1', '2', '.', '-', '_', '+', '/', ':', '@', '&', ';', '~', 'e', ' ', ' ', ' ', "\t", "\n",
	'http://', 'com', '<', '<b ', '>', '</b>', '"', "'", ',');

foreach my $d (@databases)
{
	my ($name, $encoding, $locale, $letters) = @$d;
	$node->safe_psql('postgres',
		"CREATE DATABASE $name TEMPLATE template0 ENCODING '$encoding' LC_COLLATE '$locale' LC_CTYPE '$locale'");

	# SQL_ASCII knows no client encoding: bytes as they are
	my $setup = $encoding eq 'SQL_ASCII' ? '' : "SET client_encoding = 'UTF8';\n";
	my @pieces = (@marks, @$letters, @$letters);
	my $pieces = join(', ', map { my $p = $_; $p =~ s/'/''/g; "'$p'" } @pieces);
	utf8::encode($pieces);
	$node->safe_psql($name, 'CREATE EXTENSION barq');
	foreach my $config ('english', 'simple')
	{
		is( $node->safe_psql(
				$name, $setup . $functions . "SELECT setseed(0.5) \\g /dev/null\n"
				  . "SELECT texts, terms_seen, different, shortest FROM pg_temp.differences('$config', 3000, 30, ARRAY[$pieces])"),
			'3000|t|0|',
			"$name, $config: terms and positions are to_tsvector's");
	}

	# each letter's bytes stand whole in a gram or not at all
	next if $encoding eq 'SQL_ASCII';
	my $own = join(', ', map { "'$_'" } @$letters);
	utf8::encode($own);
	my $sql = $setup . $functions . "SELECT setseed(0.25) \\g /dev/null\n" . qq{
		CREATE TEMP TABLE texts AS SELECT pg_temp.noise(1 + (random() * 20)::int, ARRAY['a', 'x1', ' ', ', ', $own, $own]) AS body FROM generate_series(1, 500);
	};
	is( $node->safe_psql(
			$name, $sql . q{
			SELECT count(DISTINCT body) > 300, count(*) > 1000, count(*) FILTER (WHERE strpos(lower(body), lower(term)) = 0)
			FROM texts, barq_bm25_terms(body, 'simple', 'ngram')}),
		't|t|0',
		"$name: grams are parts of their text");
	is( $node->safe_psql(
			$name, $sql . q{
			SELECT count(*) FILTER (WHERE marked <> body) > 30, count(*) FILTER (WHERE replace(replace(marked, '[[', ''), ']]', '') <> body)
			FROM (SELECT body, barq_highlight(body, 'a* x1', 'simple', '[[', ']]', 0) AS marked FROM texts) m}),
		't|0',
		"$name: highlighting adds tags and nothing else");
}

# grams of encodings without Unicode: what separates, what is a letter
foreach my $case (
	[ 'euc_jp', '東京都、データ。Ａ１ x', '東京@1 東京都@1 京都@2 都@3 デー@4 データ@4 ータ@5 タ@6 Ａ１@7 x@8' ],
	[ 'euc_cn', '数据库。系统', '数据@1 数据库@1 据库@2 库@3 系统@4 统@5' ],
	[ 'euc_kr', '서울 특별시', '서울@1 울@2 특별@3 특별시@3 별시@4 시@5' ],
	[ 'win874', 'กขค a', 'กข@1 กขค@1 ขค@2 ค@3 a@4' ],
	[ 'latin1', 'Über a', 'Über@1 a@2' ])
{
	my ($name, $body, $terms) = @$case;
	utf8::encode($body);
	utf8::encode($terms);
	is( $node->safe_psql(
			$name, "SET client_encoding = 'UTF8'; SELECT string_agg(term || '\@' || position, ' ' ORDER BY position, length(term)) FROM barq_bm25_terms('$body', 'simple', 'ngram')"),
		$terms, "$name: grams of a text");
}

# a dump: defaults, views and checks with bm25query; rows and defaults that
# name an index are restored before it is there
$node->safe_psql('postgres', q{
	CREATE DATABASE origin;
});
$node->safe_psql('origin', q{
	CREATE SCHEMA words;
	CREATE EXTENSION barq SCHEMA words;
	CREATE TABLE items (id int PRIMARY KEY, body text);
	CREATE INDEX items_body ON items (body);
	CREATE TABLE queries (id int, q words.bm25query DEFAULT 'plain "words here" -x', r words.bm25query DEFAULT 'items_body:a:b',
		s words.bm25query DEFAULT ':http://x', CHECK (q::text <> ''));
	CREATE VIEW shown AS SELECT id, words.barq_highlight(body, '"a b" c*', 'simple') AS h, words.to_bm25query(body, 'items_body') AS q FROM items;
	INSERT INTO queries (id) VALUES (1);
	INSERT INTO queries VALUES (2, 'items_body:x', NULL, '');
	INSERT INTO items VALUES (1, 'a b and cd');
});
my $look = q{SELECT q, r, s FROM queries ORDER BY id; SELECT * FROM shown; SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'queries'::regclass ORDER BY adnum};
my $before = $node->safe_psql('origin', $look);
foreach my $form ('plain', 'custom')
{
	my $file = $node->basedir . "/text.$form";
	my $copy = "copy_$form";
	$node->safe_psql('postgres', "CREATE DATABASE $copy");
	$node->command_ok([ 'pg_dump', '-F', $form, '-f', $file, '-d', $node->connstr('origin') ], "dump, $form");
	$node->command_ok(
		$form eq 'plain' ? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($copy), '-f', $file ]
		: [ 'pg_restore', '-e', '-d', $node->connstr($copy), $file ],
		"restore, $form");
	is($node->safe_psql($copy, $look), $before, "$form: queries, defaults and views are the same");
}

$node->stop;
done_testing();
