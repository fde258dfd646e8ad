# docs/from-pgvector.md: every block of the page is run as it is written, the shell's by
# bash, on an old server with pgvector (or a stand-in) and a new one with barq: by
# adoption, by dump (-Fc and -Fd), by logical replication, and the way back.
use strict;
use warnings;

use BarqPgvector;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = dirname(dirname(dirname(__FILE__)));
my $programs = PostgreSQL::Test::Utils::tempdir;
chomp(my $bin = `'$tree/scripts/variant.sh' '$programs'`);
die 'no private programs' if $? != 0;
$ENV{PATH} = "$bin:$ENV{PATH}";
chomp(my $share = `pg_config --sharedir`);
chomp(my $lib = `pg_config --pkglibdir`);
note(have_pgvector($tree, $share) ? 'with the real pgvector' : 'with a stand-in for pgvector');

# ---- the blocks of the page, by section: [ language, text ]
my (%blocks, %seen, $section);
{
	my $page = slurp_file("$tree/docs/from-pgvector.md");
	while ($page =~ /^(?:## ([^\n]+)|```(\w+)\n(.*?)^```$)/msg)
	{
		if (defined $1) { $section = $1; next; }
		push @{ $blocks{$section} }, [ $2, $3 ];
	}
}

my ($old, $new) = map { PostgreSQL::Test::Cluster->new($_) } qw(old new);
foreach my $node ($old, $new)
{
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "barq.background = off\nautovacuum = off\nwal_receiver_status_interval = 1\n");
	$node->start;
}

my $folder = PostgreSQL::Test::Utils::tempdir;
my $prelude = '';
sub conninfo { my ($node, $database) = @_; return sprintf "host=%s port=%s dbname=%s", $node->host, $node->port, $database; }

# The next block of a section, which has to be of this language.
sub next_block
{
	my ($name, $language) = @_;
	my $block = $blocks{$name}[ $seen{$name}++ ] or die "no further block in section $name";
	is($block->[0], $language, "$name: block $seen{$name} is of $language");
	return $block->[1];
}

# Run a block of the shell; definitions of earlier ones (kept) hold.
sub shell
{
	my ($name, $change) = @_;
	my $text = next_block($name, 'sh');
	$text = $change->($text) if $change;
	my $script = "set -euo pipefail\ncd '$folder'\n$prelude\n$text";
	my $file = "$folder/block.sh";
	unlink $file;
	append_to_file($file, $script);
	my $output = `bash '$file' 2>&1`;
	is($?, 0, "$name: block $seen{$name} runs") or diag "$text\n$output";
	# its functions and variables
	$prelude .= $text if $text =~ /^\w+\(\) \{|^\w+=/m && $text !~ /^(?:pg_dump|psql|while)/m;
	return $output;
}

sub servers
{
	my ($from, $to) = @_;
	$prelude =~ s/^(?:old|new)=.*\n//mg;
	$prelude = "old='" . conninfo($old, $from) . "'\nnew='" . conninfo($new, $to) . "'\n$prelude";
}

# Every statement of a block alone (CREATE INDEX CONCURRENTLY), in one session.
sub sql
{
	my ($node, $database, $name) = @_;
	my ($status, $out, $err) = $node->psql($database, next_block($name, 'sql'), extra_params => [ '-v', 'ON_ERROR_STOP=1' ]);
	is($status, 0, "$name: block $seen{$name} runs") or diag $err;
	return $out;
}

# ---- an application's database with pgvector. Its rows look like statements.
sub make_app
{
	my ($database) = @_;
	$old->safe_psql('postgres', "CREATE DATABASE $database");
	$old->safe_psql($database, q{
		CREATE EXTENSION vector;
		CREATE TABLE items (id serial PRIMARY KEY, body text, embedding vector(8), half halfvec(8));
		INSERT INTO items (body, embedding) SELECT 'item ' || i, array[sin(i), cos(i), sin(2 * i), cos(2 * i), sin(3 * i), cos(3 * i), sin(4 * i), cos(5 * i)]::real[]::vector FROM generate_series(1, 500) i;
		UPDATE items SET half = embedding;
		INSERT INTO items (body) VALUES ('CREATE EXTENSION vector;'), (E'CREATE INDEX a ON b USING hnsw (c);\nCREATE INDEX a ON b USING ivfflat (c);'), ('COMMENT ON EXTENSION vector IS ''x''');
		CREATE INDEX items_embedding_idx ON items USING hnsw (embedding vector_cosine_ops) WITH (m = 12, ef_construction = 40);
		CREATE INDEX items_lists_idx ON items USING ivfflat (half halfvec_l2_ops) WITH (lists = 10);
		CREATE TABLE parts (id int, embedding vector(8), PRIMARY KEY (id)) PARTITION BY RANGE (id);
		CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
		INSERT INTO parts SELECT id, embedding FROM items WHERE id < 100;
		CREATE INDEX ON parts USING hnsw (embedding vector_l2_ops);
		COMMENT ON INDEX items_embedding_idx IS 'CREATE INDEX x USING hnsw (y)';
		CREATE FUNCTION search(vector) RETURNS SETOF int LANGUAGE sql SET hnsw.ef_search = 90 AS 'SELECT id FROM items ORDER BY embedding <=> $1 LIMIT 5';
		CREATE PROCEDURE prepare() LANGUAGE plpgsql AS $$ BEGIN SET LOCAL ivfflat.probes = 10; END $$;
		CREATE VIEW careful AS SELECT set_config('hnsw.iterative_scan', 'strict_order', true) AS order, id FROM items});
}

my $near = 'SET enable_seqscan = off; SELECT array_agg(id) FROM (SELECT id FROM items ORDER BY embedding <=> (SELECT embedding FROM items WHERE id = 7) LIMIT 10) s';
my $all = q{SELECT count(*), md5(string_agg(items::text, ',' ORDER BY id)) FROM items};

# The new database has the rows and answers of the old one, and barq's indexes.
sub same_app
{
	my ($from, $to, $name) = @_;
	is($new->safe_psql($to, $all), $old->safe_psql($from, $all), "$name: all rows, as they were");
	is($new->safe_psql($to, $near), $old->safe_psql($from, $near), "$name: the same answer");
	like($new->safe_psql($to, "SET enable_seqscan = off; EXPLAIN $1"), qr/Index Scan using items_embedding_idx/, "$name: by the index") if $near =~ /(SELECT id FROM items.*LIMIT 10)/;
	is($new->safe_psql($to, q{SELECT string_agg(format('%s %s', "index", kind), ', ' ORDER BY "index"::text) FROM barq_indexes()}),
		'items_embedding_idx barq_hnsw, items_lists_idx barq_ivf, parts_1_embedding_idx barq_hnsw', "$name: its indexes are barq's");
	is($new->safe_psql($to, 'SELECT count(*) FROM barq_indexes() i, barq_check(i.index)'), '0', "$name: they are sound");
	is($new->safe_psql($to, q{SELECT obj_description('items_embedding_idx'::regclass)}), 'CREATE INDEX x USING hnsw (y)', "$name: a comment that looks like a statement");
	is($new->safe_psql($to, q{SELECT nextval('items_id_seq')}), '504', "$name: sequences go on");
}

# ---- by adoption
my $adopt = 'pgvector stays: adopt its types';
make_app('adopted');
my $before = $old->safe_psql('adopted', $near);
sql($old, 'adopted', $adopt);
is($old->safe_psql('adopted', q{SELECT string_agg("index"::text, ' ') FROM barq.barq_indexes()}), 'items_barq', "$adopt: barq's index");
is($old->safe_psql('adopted', $near), $before, "$adopt: the same answer");

# ---- by dump, -Fc and -Fd
my $dump = 'pgvector goes: by dump';
make_app('app');
next_block($dump, 'sh');		# names of servers
servers('app', 'app');
shell($dump);
$new->safe_psql('postgres', 'CREATE DATABASE app; CREATE DATABASE directory');
shell($dump);
same_app('app', 'app', '-Fc');
servers('app', 'directory');
$seen{$dump}--;
shell($dump, sub { return $_[0] =~ s/-Fc -f app\.dump/-Fd -j 2 -f app.d/r =~ s/app\.dump/app.d/gr });
same_app('app', 'directory', '-Fd');
$new->safe_psql('app', q{CREATE ROLE searcher; ALTER ROLE searcher SET hnsw.ef_search = 80; ALTER ROLE searcher IN DATABASE app SET ivfflat.max_probes = 9; ALTER DATABASE app SET ivfflat.iterative_scan = 'off'});
is(join("\n", sort split /\n/, sql($new, 'app', $dump)), join("\n", 'database app|ivfflat.iterative_scan', 'function prepare()|ivfflat.probes', 'function search(vector)|hnsw.ef_search',
		'role searcher in database app|ivfflat.max_probes', 'role searcher|hnsw.ef_search', 'view careful|hnsw.iterative_scan'), "$dump: where settings are set");

# ---- by logical replication
my $replication = 'pgvector goes: without downtime';
make_app('live');
$new->safe_psql('postgres', 'CREATE DATABASE live');
servers('live', 'live');
shell($replication);
$old->safe_psql('live', q{INSERT INTO items (body, embedding) SELECT 'later', embedding FROM items WHERE id = 9; UPDATE items SET body = 'changed' WHERE id = 10; DELETE FROM items WHERE id = 11});
shell($replication);
$old->safe_psql('live', q{INSERT INTO items (body, embedding) SELECT 'last', embedding FROM items WHERE id = 12});
shell($replication);
is($new->safe_psql('live', $all), $old->safe_psql('live', $all), "$replication: all rows, with their changes");
is($new->safe_psql('live', $near), $old->safe_psql('live', $near), "$replication: the same answer");
is($new->safe_psql('live', 'SELECT count(*) FROM barq_indexes() i, barq_check(i.index)'), '0', "$replication: its indexes are sound");
is($new->safe_psql('live', q{SELECT nextval('items_id_seq')}), '506', "$replication: sequences go on");
is($new->safe_psql('live', 'SELECT count(*) FROM pg_subscription') . $old->safe_psql('live', 'SELECT count(*) FROM pg_replication_slots'), '00', "$replication: nothing is left");

# ---- the way back: of an adopted table, then of a database
my $back = 'The way back';
sql($old, 'adopted', $back);
is($old->safe_psql('adopted', q{SELECT string_agg(amname, ' ' ORDER BY amname) FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname LIKE 'items%' AND relkind = 'i'}),
	'btree hnsw ivfflat', "$back: the adopted table has pgvector's index, and none of barq's");
is($old->safe_psql('adopted', $near), $before, "$back: the same answer");
$new->safe_psql('app', q{CREATE INDEX texts ON items USING barq_bm25 (body) WITH (text_config = simple);
	CREATE INDEX filtered ON items USING barq_hnsw (embedding vector_l2_ops, id);
	CREATE TABLE long (v vector(2001)); CREATE INDEX long_v ON long USING barq_hnsw (v vector_l2_ops);
	CREATE INDEX options ON items USING barq_hnsw (embedding vector_l2_ops) WITH (quantization = none, m = 10, growing_limit = '1MB', max_segments = 9) WHERE body <> ', ()';
	CREATE INDEX no_options ON items USING barq_ivf (embedding vector_l2_ops) WITH (quantization = 'sq8')});
is(join("\n", sort split /\n/, sql($new, 'app', $back)), join("\n", 'filtered|filter columns', 'long_v|more dimensions than pgvector indexes', 'texts|an index of texts'), "$back: what has no counterpart");
$new->safe_psql('app', 'DROP INDEX texts, filtered, long_v');
$old->safe_psql('postgres', 'CREATE DATABASE returned');
servers('returned', 'app');
shell($back);
is($old->safe_psql('returned', $all), $new->safe_psql('app', $all), "$back: all rows, as they were");
is($old->safe_psql('returned', $near), $new->safe_psql('app', $near), "$back: the same answer");
is($old->safe_psql('returned', q{SELECT string_agg(format('%s %s %s', relname, amname, reloptions), ', ' ORDER BY relname) FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relkind = 'i' AND amname IN ('hnsw', 'ivfflat')}),
	'items_embedding_idx hnsw {m=12,ef_construction=40}, items_lists_idx ivfflat {lists=10}, no_options ivfflat , options hnsw {m=10}, parts_1_embedding_idx hnsw ', "$back: pgvector's indexes and options");
is($old->safe_psql('returned', q{SELECT extname FROM pg_extension WHERE extname IN ('barq', 'vector')}), 'vector', "$back: without barq");

# ---- applications that name pgvector
my $names = 'Applications that name pgvector';
unlink glob "$share/extension/vector[.-]* $lib/vector.so";
$new->safe_psql('postgres', 'CREATE DATABASE named');
shell($names, sub { return $_[0] =~ s/^make /make -C '$programs\/tree' PG_CONFIG='$bin\/pg_config' /r =~ s/^psql (.*) app$/psql $1 -d "\$new"/mr })
  if ($prelude = "new='" . conninfo($new, 'named') . "'\n");
is($new->safe_psql('named', q{SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension}), 'barq plpgsql vector', "$names: both extensions");

foreach my $name (keys %blocks)
{
	is($seen{$name} // 0, scalar @{ $blocks{$name} }, "$name: every block has been run");
}
$_->stop foreach $new, $old;
done_testing();
