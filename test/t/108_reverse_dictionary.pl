# The web application of examples/reverse-dictionary answers over HTTP what psql finds
# without an index; whatever is typed is a value; bad requests, slow searches and a database
# that is away are answered as such. Without a browser: that is PARTS=web make test-matrix.
use strict;
use warnings;
use utf8;

use BarqSession qw(session ask quit);
use BarqTest;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $checkout = abs_path(dirname(__FILE__) . '/../..');
my $from = "$checkout/examples/reverse-dictionary";

# a folder that has Node's package pg, which install-deps.sh installs
my ($modules) = grep { -f "$_/pg/package.json" } '/usr/share/nodejs', ($ENV{BARQ_BUILD} // '.') . '/node-pg/node_modules';
plan skip_all => 'node or its pg is not installed (scripts/install-deps.sh test)'
	if !$modules || system('node --version >/dev/null 2>&1') != 0;

# ---- the application, in a folder of its own beside the packages

my $app = PostgreSQL::Test::Utils::tempdir;
system_or_bail('cp', '-R', glob("$from/*.mjs"), "$from/package.json", "$from/public", $app);
symlink($modules, "$app/node_modules") or die "symlink: $!";

# ---- a small dictionary, made as the demo makes the large one

my @glosses = (
	[ 'noun', 'claustrophobia', 'a morbid fear of being closed in a confined space' ],
	[ 'noun', 'agoraphobia', 'a morbid fear of open spaces' ],
	[ 'adjective', 'fearful, afraid', 'experiencing or showing fear; "a fearful glance"' ],
	[ 'verb', 'fear, dread', 'be afraid or scared of; "I fear the winters in Moscow"' ],
	[ 'noun', 'airplane, aeroplane, plane', 'an aircraft that has a fixed wing; a machine that flies' ],
	[ 'noun', 'machine', 'any mechanical or electrical device that transmits energy' ],
	[ 'verb', 'fly', 'travel through the air; "the machine flies"' ],
	[ 'noun', 'library', 'a building that houses a collection of books' ],
	[ 'adverb', 'closely', 'in a close manner; <img src=x onerror=alert(1)> & more' ],
	map({ [ 'noun', "filler $_", join(' ', map { 'word' . $_ } $_ .. $_ + 5) ] } 1 .. 60));
my $node = new_server('dictionary');
$node->safe_psql('postgres', 'CREATE DATABASE demo');
add_barq($node, 'demo');
my $values = join(', ', map({ my $i = $_ + 1; my ($kind, $words, $gloss) = @{ $glosses[$_] }; "($i, '$kind', '$words', '$gloss')" } 0 .. $#glosses));
$node->safe_psql('demo', "CREATE TABLE definitions (id int PRIMARY KEY, part_of_speech text, words text, gloss text);
	INSERT INTO definitions VALUES $values;
	CREATE TABLE words (word text PRIMARY KEY, rank int NOT NULL, embedding vector(100) NOT NULL);
	CREATE TABLE held_out (LIKE words INCLUDING ALL);
	INSERT INTO words SELECT w, row_number() OVER (), vec(abs(hashtext(w)) % 100000, 100)
		FROM (SELECT DISTINCT m[1] AS w FROM definitions, regexp_matches(lower(gloss), '[a-z0-9]+', 'g') m) d");
$node->safe_psql('demo', slurp_file("$checkout/demo/senses.sql"));
$node->safe_psql('demo', q{
	CREATE INDEX senses_embedding_idx ON senses USING barq_hnsw (embedding vector_cosine_ops, part_of_speech, letters);
	CREATE INDEX senses_gloss_idx ON senses USING barq_bm25 (gloss, part_of_speech, letters) WITH (text_config = 'english')});
foreach my $file (qw(role beside))
{
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('demo'), '-f', "$from/$file.sql" ], "$file.sql");
}
is($node->safe_psql('demo', q{SELECT letters FROM senses WHERE words LIKE 'airplane%'}), '{8,9,5}', 'letters of each word');

# ---- requests

my ($log, $err, $run, $base) = ('', '');
sub start_application
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'demo', PGUSER => 'reverse_dictionary',
		PORT => 0, STATEMENT_TIMEOUT => $_[0]);
	($log, $err) = ('', '');
	$run = IPC::Run::start([ 'node', "$app/server.mjs" ], '<', \undef, '>', \$log, '2>', \$err,
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$run->pump until $log =~ m{at (http://\S+)/\n};
	$base = $1;
	return;
}
sub stop_application { $run->signal('TERM'); $run->finish; return $run->full_result(0); }

my $http = HTTP::Tiny->new(timeout => $PostgreSQL::Test::Utils::timeout_default);
sub get { my ($path, %form) = @_; return $http->get("$base$path" . (%form ? '?' . $http->www_form_urlencode(\%form) : '')); }
sub reply { my $response = get(@_); return $response->{success} ? decode_json($response->{content}) : diag("$response->{status} $response->{content}"); }
sub ids { return join ' ', map { $_->{id} } @{ $_[0]{rows} }; }
sub exact { my ($sql) = @_; return $node->safe_psql('demo', "SET enable_indexscan = off; SET barq.condition_scan = off;
	SELECT coalesce(string_agg(id::text, ' '), '') FROM ($sql LIMIT 8) found"); }

start_application(60_000);
like($base, qr{^http://127\.0\.0\.1:\d+$}, 'it says where it is: on this machine only');

my $page = get('/');
is($page->{status}, 200, 'the page');
my $policy = $page->{headers}{'content-security-policy'};
like($policy, qr/default-src 'none'/, 'a policy that allows nothing by default');
unlike($policy, qr/unsafe|\*|https?:/, 'no inline scripts or styles, nothing from elsewhere');
foreach my $path (qw(/app.js /style.css /icon.svg))
{
	my $file = get($path);
	is($file->{status}, 200, $path);
	(my $text = $page->{content} . $file->{content}) =~ s{http://www\.w3\.org/2000/svg}{}g;
	unlike($text, qr{https?://|//[a-z]+\.|\burl\(|innerHTML|\beval\b}, "$path and the page name no other host, and no HTML is made");
}
is(reply('/api/about')->{senses}, scalar(@glosses), 'about');

# what is found, with each set of filters
my $question = 'a morbid fear of closed spaces';
foreach my $filters ([ '', '' ], [ '&kind=noun', q{AND part_of_speech = 'noun'} ], [ '&min=5&max=9', q{AND letters && '{5,6,7,8,9}'} ],
	[ '&kind=verb&max=4', q{AND part_of_speech = 'verb' AND letters && '{1,2,3,4}'} ])
{
	my ($form, $sql) = @$filters;
	# six times, for the sixth may have a generic plan
	my $found = (map { reply('/api/search?' . $http->www_form_urlencode({ q => $question }) . $form) } 1 .. 6)[5];
	is(ids($found->{words}), exact("SELECT id FROM senses WHERE gloss <@> '$question' < 0 $sql ORDER BY gloss <@> '$question', ctid"), "words $form");
	is(ids($found->{meaning}), exact("SELECT id FROM senses WHERE embedding IS NOT NULL $sql ORDER BY embedding <=> (SELECT embed('$question'))"), "meaning $form");
	(my $filter = $sql) =~ s/^AND //;
	$filter =~ s/'/''/g;
	is(ids($found->{both}), exact("SELECT (doc).id FROM barq_hybrid(NULL::senses, embedding => (SELECT embed('$question')::text), query => '$question', k => 8, filter => '$filter')"), "both $form");
	my $beside = reply('/api/beside?' . $http->www_form_urlencode({ q => $question }) . $form);
	is(scalar(@{ $beside->{words}{rows} }), scalar(@{ $found->{words}{rows} }), "tsvector finds as many $form");
	is(ids($beside->{meaning}), ids($found->{meaning}), "so does pgvector $form") if $beside->{meaning};
}
my $found = reply('/api/search', q => 'morbid fear');
is($found->{words}{rows}[0]{gloss}, "a \x02morbid\x03 \x02fear\x03 of open spaces", 'found words are marked');
cmp_ok($found->{words}{rows}[0]{score}, '>', $found->{words}{rows}[-1]{score}, 'scores');
is($found->{both}{rows}[0]{wordsRank}, 1, 'ranks');
cmp_ok($found->{$_}{ms}, '>', 0, "the time of $_") foreach qw(words meaning both);
like($found->{both}{sql}, qr/barq_hybrid/, 'the statement is shown');

# what is made of the question
$found = reply('/api/search', q => 'morbid claus');
ok($found->{unfinished}, 'a last word that no gloss has may be unfinished');
is_deeply([ map { $_->{known} ? 1 : 0 } @{ $found->{said} } ], [ 1, 0 ], 'it says nothing of the meaning');
like(ids(reply('/api/search', q => 'scared elec')->{words}), qr/\b6\b/, 'it is the beginning of a word');
unlike(ids(reply('/api/search', q => 'scared elec ')->{words}), qr/\b6\b/, 'not with a blank after it');
$found = reply('/api/search', q => 'fear -open');
unlike(ids($found->{words}), qr/\b2\b/, 'words after a minus are left out');
is(join(' ', map { $_->{word} } @{ $found->{said} }), 'fear', 'of the meaning too');
$found = reply('/api/search', q => 'xyzzy plugh');
is(ids($found->{$_}), '', "unknown words find nothing: $_") foreach qw(words meaning both);
is(ids(reply('/api/search', q => 'the of')->{words}), '', 'stop words find nothing by words');

# whatever is typed
foreach my $text (q{'; DROP TABLE senses; --}, q{"}, q{(((}, '$1 $2', '\\', '<script>alert(1)</script>', q{-}, q{* ^2}, "\x{1f600} \x{5b57}", "a\x00b",
	'-- "fear', q{%00%27}, 'senses_gloss_idx:fear', 'x' x 300)
{
	my $response = get('/api/search', q => $text);
	is($response->{status}, 200, 'any text: ' . substr($text, 0, 25) =~ s/[^ -~]/?/gr) or diag($response->{content});
	is(get('/api/beside', q => $text)->{status}, 200, 'beside too');
}
is(reply('/api/about')->{senses}, scalar(@glosses), 'nothing was changed');
like(reply('/api/search', q => 'onerror')->{words}{rows}[0]{gloss}, qr/^\Qin a close manner; <img src=x\E/, 'a gloss is text, whatever is in it');
foreach my $bad (qw(/api/search /api/search?q=%20 /api/search?q=a&kind=nouns /api/search?q=a&min=0 /api/search?q=a&min=9&max=3 /api/search?q=a&max=1e1),
	'/api/search?q=' . 'x' x 301)
{
	my $response = get($bad);
	is($response->{status}, 400, 'refused: ' . substr($bad, 0, 40));
	cmp_ok(length(decode_json($response->{content})->{error}), '>', 10, 'with a reason');
}
is(get($_)->{status}, 404, "not there: $_") foreach qw(/server.mjs /../server.mjs /%2e%2e/search.mjs /api /api/__proto__ //x /constructor);
is($http->post("$base/api/search?q=a")->{status}, 405, 'only GET and HEAD');
is($http->head("$base/")->{status}, 200, 'HEAD');
is($node->psql('demo', q{SET ROLE reverse_dictionary; SET default_transaction_read_only = off; DELETE FROM senses}), 3, 'its role can only read');

# people who go on typing: their connections end before the answer
foreach (1 .. 40)
{
	my $socket = IO::Socket::INET->new(PeerAddr => $base =~ s{http://}{}r) or die "connect: $!";
	print $socket "GET /api/search?q=fear HTTP/1.1\r\nHost: x\r\n\r\n";
	close $socket;
}
is(ids(reply('/api/search', q => 'morbid fear')->{words}), ids(reply('/api/search', q => 'morbid fear')->{words}), 'answers go on');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reverse-dictionary'}), '<=', 4, 'by no more connections');
is(stop_application(), 0, 'it ends when told to');
is($err, '', 'it had no complaint');

# slow, and away
start_application(300);
my $holder = session($node, database => 'demo');
ask($holder, 'BEGIN; LOCK TABLE senses');
my $slow = get('/api/search', q => 'fear');
is($slow->{status}, 503, 'a search that takes too long is ended');
like($slow->{content}, qr/too long/, 'and the answer says so');
ask($holder, 'COMMIT');
quit($holder);
wait_until('it answers again', sub { get('/api/search', q => 'fear')->{success} });
pass('afterwards it answers');
$node->stop('fast');
my $away = get('/api/search', q => 'fear');
is($away->{status}, 503, 'the database is away');
unlike($away->{content}, qr/ECONN|socket|terminat/i, 'and the answer has no details');
is(get('/')->{status}, 200, 'the page is there');
$node->start;
wait_until('it answers again', sub { get('/api/search', q => 'fear')->{success} });
is(ids(reply('/api/search', q => 'open morbid')->{words}), '2 1', 'the database is back');
is(stop_application(), 0, 'it ends when told to');

$node->safe_psql('demo', 'DROP TABLE senses CASCADE');
start_application(60_000);
like(get('/api/search', q => 'fear')->{content}, qr/not loaded/, 'without a dictionary it says so');
stop_application();
$node->stop;
done_testing();
