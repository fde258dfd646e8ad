# A partitioned table on three servers (examples/sharded, run as it is written): texts
# have the scores of one server to the last bit, vectors its exact order, both are merged
# over all shards before they are fused; a shard that is down is an error, or is left out
# with a warning; a partition moves to another server.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $example = dirname(__FILE__) . '/../../examples/sharded';
my @nodes;
foreach my $name (qw(first second third))
{
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	# all rows are candidates of a walk, so that vectors come in exact order
	$node->append_conf('postgresql.conf', "autovacuum = off\nlisten_addresses = '127.0.0.1'\nbarq.ef_search = 1000\nmax_prepared_transactions = 0\n");
	$node->start;
	push @nodes, $node;
}
my ($first, $second, $third) = @nodes;

# Run a file of the example.
sub example
{
	my ($node, $file, @variables) = @_;
	return command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', (map { ('-v', $_) } @variables),
		'-d', $node->connstr('postgres'), '-f', "$example/$file" ], "$file " . join(' ', @variables));
}
example($first, 'shard.sql', 'part=0');
example($second, 'shard.sql', 'part=1');
example($second, 'shard.sql', 'part=2');
example($third, 'shard.sql', 'part=3');
my $role = $second->safe_psql('postgres', 'SELECT current_user');
example($first, 'coordinator.sql', 'host=127.0.0.1', 'second=' . $second->port, 'third=' . $third->port, "remote_user=$role");
example($first, 'rows.sql');
is($first->safe_psql('postgres', 'SELECT count(DISTINCT tableoid) || $$ $$ || count(*) FROM docs'), '4 2000', 'rows are on all shards');

# the same rows on one server
$first->safe_psql('postgres', q{
	CREATE TABLE one (id bigint PRIMARY KEY, body text, embedding vector(8));
	INSERT INTO one SELECT * FROM docs ORDER BY id;
	CREATE INDEX one_body ON one USING barq_bm25 (body) WITH (text_config = 'english')});

# All matches of each query, so that ties do not matter, and the scores of the best ten;
# float8 is shown to the last bit.
my @words = ('database', 'vector search dating', 'dat*', 'quick^2 "slow dog"', '+vector -fox search', '+"vector search" index', '(quick OR dog) -slow', 'number 17', 'nowhere', 'the', '');
sub same_texts
{
	my ($when) = @_;
	my ($shards, $one) = ('', '');
	foreach my $query (@words)
	{
		$shards .= qq{SELECT '$query', (doc).id, text_score FROM barq_sharded(NULL::docs, query => '$query', k => 5000) ORDER BY 2;
			SELECT '$query', text_rank, text_score FROM barq_sharded(NULL::docs, query => '$query', k => 10);};
		$one .= qq{SELECT '$query', id, s FROM (SELECT id, body <@> '$query' AS s FROM one) o WHERE s < 0 ORDER BY id;
			SELECT '$query', row_number() OVER (ORDER BY s), s FROM (SELECT body <@> '$query' AS s FROM one) o WHERE s < 0 ORDER BY s LIMIT 10;};
	}
	my $found = $first->safe_psql('postgres', $shards);

	is($found, $first->safe_psql('postgres', $one), "$when: scores are those of one server");
	cmp_ok(scalar(() = $found =~ /\n/g), '>', 5000, 'of many rows');
	return;
}
same_texts('at first');
foreach my $query ('database', 'dat*', '+"vector search" index -fox')
{
	is( $first->safe_psql('postgres', qq{SELECT count(*) FROM docs WHERE body @@@ barq_global_query('docs', '$query')}),
		$first->safe_psql('postgres', qq{SELECT count(*) FROM one WHERE body @@@ '$query'}), "matches of $query");
}
is( $first->safe_psql('postgres', q{SELECT barq_global_query('docs', 'vector dat*')}),
	$first->safe_psql('postgres', q{SELECT to_bm25global('vector dat*', 'one_body')}), 'statistics are those of one server');

# What the shards get: ORDER BY and LIMIT, all at once, by their indexes.
my $global = $first->safe_psql('postgres', q{SELECT barq_global_query('docs', 'vector database')});
my $sql = $first->safe_psql('postgres', qq{SELECT barq_sharded_sql('docs', '[1,2,3,4,5,6,7,8]', '$global', k => 7)});
my $plan = $first->safe_psql('postgres', "EXPLAIN (VERBOSE, COSTS OFF) $sql");
is(scalar(() = $plan =~ /Async Foreign Scan/g), 6, 'three foreign shards are searched asynchronously, twice');
is(scalar(() = $plan =~ /Remote SQL: .*ORDER BY .*LIMIT 100/g), 6, 'ORDER BY and LIMIT are shipped');
foreach my $remote ($plan =~ /Remote SQL: (SELECT .*docs_1 .*)/g)
{
	like($second->safe_psql('postgres', "SET enable_seqscan = off; SET enable_sort = off; EXPLAIN $remote"), qr/(?:Index Scan using|Index:) docs_1_(body|embedding)_idx/, 'the shard uses its index');
}

sub same_vectors
{
	my ($when) = @_;
	my ($shards, $one) = ('SELECT 1;', 'SET enable_indexscan = off; SELECT 1;');
	foreach my $vector ('[1,0,0,0,0,0,0,0]', '[1,2,3,4,5,6,7,8]', '[-1,0.5,0,2,0,-3,0,0.25]')
	{
		$shards .= qq{SELECT vector_rank, (doc).id, vector_distance FROM barq_sharded(NULL::docs, '$vector', k => 20);};
		$one .= qq{SELECT row_number() OVER (ORDER BY d), id, d FROM (SELECT id, embedding <=> '$vector' AS d FROM one) o ORDER BY d LIMIT 20;};
	}
	is($first->safe_psql('postgres', $shards), $first->safe_psql('postgres', $one), "$when: the nearest rows are those of one server");
	return;
}
same_vectors('at first');
is( $first->safe_psql('postgres', q{SELECT (doc).id, vector_distance FROM barq_sharded(NULL::docs, '[1,0,0,0,0,0,0,0]', filter => 'id % 2 = 0 AND id < 500 -- even', distance => '<->')}),
	$first->safe_psql('postgres', q{SELECT id, embedding <-> '[1,0,0,0,0,0,0,0]' FROM one WHERE id % 2 = 0 AND id < 500 ORDER BY 2 LIMIT 10}), 'with a filter and another distance');

is( $first->safe_psql('postgres', q{SELECT (doc).id, text_score FROM barq_sharded(NULL::docs, query => 'vector', k => 1000, filter => 'id < $1 AND docs.body <> $2', filter_args => '{700,it''s}') ORDER BY 1}),
	$first->safe_psql('postgres', q{SELECT id, s FROM (SELECT id, body <@> 'vector' AS s FROM one) o WHERE id < 700 AND s < 0 ORDER BY 1}), 'with a filter and its parameters');
like($first->safe_psql('postgres', q{EXPLAIN (VERBOSE) } . $first->safe_psql('postgres', q{SELECT barq_sharded_sql('docs', '[1,0,0,0,0,0,0,0]', filter => 'id < $1', filter_args => '{700}')})),
	qr/Remote SQL: .*WHERE \(\(id < 700(::bigint)?\)\) ORDER BY .* LIMIT 100/, 'the filter is shipped');
is($first->safe_psql('postgres', q{SELECT count(*) FROM barq_sharded(NULL::docs, '[1,0,0,0,0,0,0,0]', filter => 'public.docs.id < 7')}), '6', 'with a column qualified by its schema');
{
	my $id = $second->safe_psql('postgres', 'SELECT max(id) FROM docs_1');
	my ($code, $out, $err) = $first->psql('postgres', qq{SELECT * FROM barq_sharded(NULL::docs, '[1,0,0,0,0,0,0,0]', 'vector', candidates => 5000, filter => '1 / (id - $id) < 9')});
	like($err, qr/division by zero\nCONTEXT:  remote SQL command: SELECT .{50,150} \.\.\.\nSQL statement "search of shards"$/, 'an error of a shard has the beginning of what it was sent');
}

# The table of a shard may be partitioned on its server: its rows are not told apart by ctid.
$third->safe_psql('postgres', q{CREATE TABLE deep (id bigint, body text, embedding vector(8)) PARTITION BY HASH (id);
	CREATE TABLE deep_0 PARTITION OF deep FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE deep_1 PARTITION OF deep FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	CREATE INDEX ON deep USING barq_bm25 (body) WITH (text_config = 'english')});
$first->safe_psql('postgres', q{CREATE FOREIGN TABLE deep (id bigint, body text, embedding vector(8)) SERVER third; INSERT INTO deep SELECT * FROM one WHERE id <= 400});
is( $first->safe_psql('postgres', q{SELECT count(*), count(DISTINCT (doc).id), bool_and(vector_distance = (doc).embedding <=> '[1,2,3,4,5,6,7,8]'),
		bool_and(text_score IS NOT DISTINCT FROM nullif((doc).body <@> barq_global_query('deep', 'vector search'), 0))
	FROM barq_sharded(NULL::deep, '[1,2,3,4,5,6,7,8]', 'vector search', k => 1000)}), '400|400|t|t', 'a shard whose table is partitioned');

# Ranks are of all shards; the fusion is of these ranks.
$first->safe_psql('postgres', q{CREATE TABLE fused AS SELECT (doc).id, score, vector_rank, text_rank, text_score, vector_distance
	FROM barq_sharded(NULL::docs, '[1,2,3,4,5,6,7,8]', 'vector database', k => 2000, text_weight => 2)});
is( $first->safe_psql('postgres', q{SELECT count(*) FROM fused WHERE score <> barq_rrf(vector_rank) + barq_rrf(text_rank, weight => 2)}), '0', 'scores are fused from ranks of all shards');
is( $first->safe_psql('postgres', q{SELECT id, vector_rank FROM fused ORDER BY 2}),
	$first->safe_psql('postgres', q{SELECT id, row_number() OVER (ORDER BY embedding <=> '[1,2,3,4,5,6,7,8]') FROM one ORDER BY 2}), 'ranks of vectors are those of one server');
is( $first->safe_psql('postgres', q{SELECT text_rank, text_score FROM fused WHERE text_rank IS NOT NULL ORDER BY 1}),
	$first->safe_psql('postgres', q{SELECT row_number() OVER (ORDER BY s), s FROM (SELECT body <@> 'vector database' AS s FROM one) o WHERE s < 0 ORDER BY 1}), 'ranks of texts have the scores of one server');
is( $first->safe_psql('postgres', q{SELECT bool_or(partial) FROM barq_sharded(NULL::docs, '[1,2,3,4,5,6,7,8]')}), 'f', 'nothing is partial');

# Writes through the coordinator change the statistics of the next search.
$first->safe_psql('postgres', q{INSERT INTO docs SELECT i, 'database added', '[1,1,1,1,1,1,1,1]' FROM generate_series(2001, 2040) i; INSERT INTO one SELECT * FROM docs WHERE id > 2000});
same_texts('after an insert');
is($first->safe_psql('postgres', q{SELECT count(*), count(DISTINCT (doc).body), min(text_rank) FROM barq_sharded(NULL::docs, query => 'added number', k => 41, candidates => 41, group_by => 'body')}), '41|41|1', 'one row of each group, of more candidates than those asked for');

# A partition moves to another server.
example($third, 'shard.sql', 'part=2');
example($first, 'move.sql');
is($second->safe_psql('postgres', 'SELECT count(*) > 0 FROM docs_2'), 't', 'the old copy is still there');
$second->safe_psql('postgres', 'DROP TABLE docs_2');
is($first->safe_psql('postgres', 'SELECT count(*) FROM docs'), '2040', 'all rows after the move');
same_texts('after a move');
same_vectors('after a move');

# Settings of shards that do not go together are errors.
my ($code, $out, $err) = $first->psql('postgres', q{ALTER SERVER third OPTIONS (DROP extensions); SELECT barq_global_query('docs', 'vector')});
like($err, qr/were not gathered on its server.*\nHINT:  Add the option extensions 'barq'/, 'without extensions nothing is computed in the wrong place');
$first->safe_psql('postgres', q{ALTER SERVER third OPTIONS (ADD extensions 'barq')});
$second->safe_psql('postgres', q{DROP INDEX docs_1_body_idx; CREATE INDEX docs_1_body_idx ON docs_1 USING barq_bm25 (body) WITH (text_config = 'english', k1 = 2)});
($code, $out, $err) = $first->psql('postgres', q{SELECT * FROM barq_sharded(NULL::docs, query => 'vector')});
like($err, qr/the text indexes of two shards differ in k1/, 'other options on a shard');
$second->safe_psql('postgres', q{DROP INDEX docs_1_body_idx});
($code, $out, $err) = $first->psql('postgres', q{SELECT * FROM barq_sharded(NULL::docs, query => 'vector')});
like($err, qr/column "body" of table "docs_1" has no barq_bm25 index/, 'no index on a shard');
$second->safe_psql('postgres', q{CREATE INDEX docs_1_body_idx ON docs_1 USING barq_bm25 (body) WITH (text_config = 'english')});

# A shard is killed, before a session's first search and within a session.
my $ask = q{SELECT bool_and(partial), count(*) FROM barq_sharded(NULL::docs, '[1,2,3,4,5,6,7,8]', 'vector database', k => 50)};
my $session = session($first);
is(ask($session, $ask), 'f|50', 'a session that knows all shards');
kill_server($second);
($code, $out, $err) = $first->psql('postgres', $ask);
is($code, 3, 'a shard that is down is an error');
like($err, qr/could not connect to server "second"/, 'which names it');
($code, $out, $err) = $first->psql('postgres', "SET barq.allow_partial = on; $ask");
is($out, 't|50', 'with barq.allow_partial the others answer');
like($err, qr/WARNING:  results are partial: shard "docs_1" on server "second" does not answer/, 'and a warning tells of it');
ask($session, 'SET barq.allow_partial = on');
is(ask($session, $ask), 't|50', 'the same in the session that had a connection');
is(ask($session, q{SELECT count(*) FROM barq_sharded(NULL::docs, '[1,2,3,4,5,6,7,8]', k => 5000) s JOIN one ON one.id = (s.doc).id WHERE satisfies_hash_partition('docs'::regclass, 4, 1, one.id)}), '0', 'no row of the missing shard');
quit($session);
$second->start;
is($first->safe_psql('postgres', "SET barq.allow_partial = on; $ask"), 'f|50', 'all shards again');

done_testing();
