# BarqTorture.pm: many clients that insert, update, delete, search (within filter
# columns, bitmaps and a radius, in batches, hybrid, for targets of recall), vacuum,
# seal, compact and rebuild indexes, while backends and the launcher are killed and
# the server is stopped at once and started again, with a standby beside it; images
# are evicted for a memory budget below their size. Afterwards every live row is
# found exactly once.
package BarqTorture;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use POSIX ();
use Time::HiRes qw(time sleep);

use BarqProof;
use BarqTest qw(new_standby);

# The tables, each with an index on its column v: the column's type, the number of
# rows to keep, how often the table is chosen, n new values (%d), the index, and
# the ORDER BY of searches (q is drawn from query). One has texts beside the vectors, in a
# further column with an index of its own, and is searched by both.
# A new access method needs an entry here, and a check in proof.complaints()
# (BarqProof.pm).
my %tables = (
	small => {
		type => 'vector(8)', rows => 1500, weight => 5, values => 'proof.vectors(%d, 8)',
		index => 'barq_hnsw (v vector_l2_ops, n) WITH (m = 8, ef_construction = 32)', query => 'proof.vectors(1, 8)', distance => 'v <-> (SELECT q FROM q)',
	},
	lists => {
		type => 'vector(8)', rows => 1500, weight => 3, values => 'proof.vectors(%d, 8)',
		index => 'barq_ivf (v, n) WITH (lists = 20, refine = on)', query => 'proof.vectors(1, 8)', distance => 'v <-> (SELECT q FROM q)',
	},
	large => {
		type => 'vector(2500)', rows => 40, weight => 2, values => 'proof.vectors(%d, 2500)',
		index => 'barq_hnsw (v vector_l2_ops) WITH (quantization = none)', query => 'proof.vectors(1, 2500)', distance => 'v <-> (SELECT q FROM q)',
	},
	pages => {
		type => 'vector(8)', rows => 600, weight => 3, values => 'proof.vectors(%d, 8)',
		index => 'barq_hnsw (v vector_l2_ops, n) WITH (m = 8, ef_construction = 32)', query => 'proof.vectors(1, 8)', distance => 'v <-> (SELECT q FROM q)',
		column => q{body text DEFAULT 'all w' || floor(40 * random() ^ 3)::int || ' w' || floor(40 * random() ^ 3)::int},
		second => q{CREATE INDEX pages_body ON pages USING barq_bm25 (body, n) WITH (text_config = 'simple');},
	},
	words => {
		type => 'text', rows => 1000, weight => 3, values => 'proof.documents(%d, CASE WHEN random() < 0.02 THEN 3000 ELSE 15 END)',
		index => q{barq_bm25 (v, n) WITH (text_config = 'simple')}, query => 'generate_series(1, 1)', distance => q{v <@> to_bm25query('w1 w2 w30', 'words_v')},
	});
my @chosen = map { ($_) x $tables{$_}{weight} } sort keys %tables;

sub create_index
{
	my ($table, $how) = @_;
	return "CREATE INDEX $how ${table}_v ON $table USING $tables{$table}{index};";
}

# The indexes of a table.
sub indexes
{
	my ($table) = @_;
	return ("${table}_v", $tables{$table}{second} ? "${table}_body" : ());
}

# A hybrid search of at most n rows within a condition.
sub hybrid
{
	my ($table, $n, $condition) = @_;
	return "SELECT proof.hybrid('$table', (SELECT q FROM proof.vectors(1, 8) q), 'w" . int(rand 4) . ' w' . int(rand 40) . "', $n, '$condition');";
}

# INSERT of n rows; of one with a value each statement draws anew
sub values_of { my ($table, $n) = @_; return sprintf $tables{$table}{values}, $n }
sub insert { my ($table, $n) = @_; return "INSERT INTO $table (v) SELECT * FROM " . values_of($table, $n) }

# Errors that a client may get: another client dropped the index, the session was
# killed, it lost a deadlock or a race between definitions.
my $allowed = join '|',
  'terminating connection', 'server closed the connection', 'connection to (?:server|client)', 'could not (?:send|receive) data',
  'deadlock detected', 'canceling statement', 'relation "\w+" (?:does not exist|already exists)', 'index (?:with OID \d+|"?\w+"?) does not exist',
  'the database system is', 'could not open relation with OID', 'tuple concurrently', 'could not find a relation',
  'duplicate key value violates unique constraint "pg_', 'conflict with recovery', 'current transaction is aborted',
  'index .* of a bm25query does not exist', 'has no index "\w+", which a bm25query names',
  'no barq_bm25 index fits', 'has no barq index of vectors', 'cache lookup failed for (?:relation|index)', 'index "\w+" is not (?:valid|ready)', 'transaction has been aborted';

# ------------------------------------------------------------------ clients

sub pick { return $_[ int rand @_ ] }

# One statement, or a few, of a client of this sort.
sub statements
{
	my ($sort) = @_;
	my $t = pick(@chosen);
	my ($rows, $query, $distance) = @{ $tables{$t} }{qw(rows query distance)};
	my $some = 1 + int rand($rows / 20);
	my $limit = pick(1, 10, 100);
	my $value = '(SELECT * FROM ' . values_of($t, 1) . ')';
	my $insert_one = insert($t, 1) . ';';
	my $insert_some = insert($t, $some);

	return pick(
		"$insert_some WHERE (SELECT count(*) < $rows FROM $t);",
		$insert_one,
		"UPDATE $t SET v = $value WHERE id IN (SELECT id FROM $t ORDER BY random() LIMIT $some);",
		"UPDATE $t SET n = n + 1 WHERE id IN (SELECT id FROM $t ORDER BY random() LIMIT $some);",
		"DELETE FROM $t WHERE id IN (SELECT id FROM $t ORDER BY random() LIMIT $some);",
		"BEGIN; $insert_some; ROLLBACK;",
		"BEGIN; SAVEPOINT a; $insert_one ROLLBACK TO a; $insert_one COMMIT;",
		"BEGIN; DECLARE c CURSOR FOR WITH q AS (SELECT * FROM $query q) SELECT id FROM $t ORDER BY $distance; FETCH $limit FROM c;
		 SELECT pg_sleep(random() / 20); FETCH $limit FROM c; COMMIT;") if $sort eq 'writer';
	if ($sort eq 'searcher')
	{
		my $condition = pick('true', 'true', 'n = 1', 'n <= 2', "id > $rows", "n <= 2 AND id % 3 > 0 AND id > $some");
		return hybrid($t, $limit, $condition) if $tables{$t}{second} && rand() < 0.5;
		my $ways = join ' ', map { "SET $_ = " . pick('on', 'off') . ';' } 'enable_indexscan', 'enable_bitmapscan';

		return "SELECT proof.batch('$t', \$\$SELECT array_agg(q) FROM proof.vectors(5, 8) q\$\$, $limit, '$condition');" if $query =~ /, 8\)/ && rand() < 0.2;
		return "$ways SELECT proof.search('$t', '$query', \$\$$distance\$\$, $limit, '$condition'); RESET enable_indexscan; RESET enable_bitmapscan;";
	}
	return hybrid($t, 100000, pick('true', 'n <= 2')) if $sort eq 'judge' && $tables{$t}{second} && rand() < 0.5;
	return "SELECT CASE WHEN count(*) = 0 THEN 'judged' ELSE 'wrong: ' || string_agg(c, '; ') END FROM proof.differences('${t}_v') c;"
	  if $sort eq 'judge';
	my $i = pick(indexes($t));
	return pick("VACUUM $t;", "VACUUM (PARALLEL 2) $t;", "VACUUM (FREEZE) $t;",
		"SET statement_timeout = " . int(1 + rand 20) . "; VACUUM $t; RESET statement_timeout;",
		"SELECT barq_seal('$i');", "SELECT barq_seal('$i');", "SELECT barq_compact('$i');",
		"SELECT barq_evict('$i');", "SELECT barq_prewarm('$i');", "ALTER INDEX $i SET (memory = " . pick('keep', 'auto', 'cold') . ');',
		"ALTER INDEX $i SET (growing_limit = '" . pick('64kB', '256kB') . "', compaction_ratio = " . pick(2, 4, 8)
		  . ', max_segments = ' . pick(2, 8) . ', compaction = ' . pick('reads', 'writes', 'balanced') . ');',
		"SELECT 'wrong: ' || severity || place || message FROM barq_check('$i') WHERE severity = 'error';")
	  if $sort eq 'keeper';

	# make an index again if the last one was dropped or its build failed
	return "SELECT proof.drop_invalid();" . create_index($t, 'IF NOT EXISTS') . "SELECT pg_sleep(random());" . pick(
		"REINDEX INDEX CONCURRENTLY $i;", "REINDEX INDEX CONCURRENTLY $i;", "REINDEX INDEX $i;",
		"BEGIN; DROP INDEX ${t}_v;" . create_index($t, '') . 'COMMIT;',
		"DROP INDEX ${t}_v;" . create_index($t, 'CONCURRENTLY'),
		"DROP INDEX CONCURRENTLY ${t}_v;" . create_index($t, ''),
		create_index($t, 'CONCURRENTLY') =~ s/${t}_v/${t}_w/r . "DROP INDEX ${t}_v; ALTER INDEX ${t}_w RENAME TO ${t}_v;",
		"BEGIN; DROP INDEX ${t}_v; ROLLBACK;", "BEGIN; REINDEX INDEX $i; ROLLBACK;",
		"VACUUM FULL $t;", "BEGIN; TRUNCATE $t; " . insert($t, 20) . '; COMMIT;');
}

# A client: psql runs lists of statements until the time is up. Its output is
# kept.
sub client
{
	my ($node, $sort, $seed, $until, $log) = @_;
	srand $seed;
	$ENV{PGOPTIONS} = join ' ', map { "-c $_" } 'jit=off', 'barq.growing_limit=' . pick('64kB', '256kB'),
	  'barq.compaction_ratio=' . pick(2, 4, 8), 'barq.max_segments=' . pick(2, 8), 'barq.allow_fallback=' . pick('on', 'off', 'off'), 'client_min_messages=error',
	  'synchronous_commit=' . pick('on', 'off'), 'barq.target_recall=' . pick(0, 0, 0.9), 'barq.backend_cache=' . pick('64MB', '100kB', '0');
	while (time < $until)
	{
		my $script = "$log.sql";
		open(my $f, '>', $script) or die;
		my $steps = $sort eq 'builder' ? 4 : 40;
		print $f statements($sort), "\n" foreach 1 .. $steps;
		close $f;
		my $left = int($until - time) + 1;
		my $t = time;
		system("timeout -k 5 $left psql -XAtq -d '" . $node->connstr('postgres') . "' -f '$script' >>'$log' 2>&1");
		sleep 0.05 if time - $t < 0.05;
	}
	return;
}

# ------------------------------------------------------------------ the run

my $functions = q{
CREATE FUNCTION proof.differences(index regclass) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT * FROM proof.complaints(index, false, false) $$;

-- A search returns no row twice, each in order of its distance, and none that does not meet the
-- condition. Where it is read to its end (fewer rows than the limit), rows that a walk has missed may
-- be its last ones, in order among themselves.
CREATE FUNCTION proof.search(tab regclass, query text, distance text, n int, condition text) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	line text;
BEGIN
	EXECUTE format('WITH q AS (SELECT * FROM %1$s q LIMIT 1),
		found AS MATERIALIZED (SELECT r.id, %2$s AS d, NOT (%5$s) OR r.n IS NULL AS other FROM %3$s r WHERE %5$s ORDER BY %2$s LIMIT %4$s),
		numbered AS (SELECT *, row_number() OVER () AS place, lag(d) OVER () AS before, count(*) OVER () AS rows FROM found)
		SELECT string_agg(format(''%%s at %%s, place %%s of %%s, after %%s'', id, d, place, rows, before), '', '') FROM numbered
		WHERE d < before AND (rows = %4$s OR (SELECT count(*) > 1 FROM numbered WHERE d < before)) OR other OR id IN (SELECT id FROM found GROUP BY id HAVING count(*) > 1)',
		query, distance, tab, n, condition) INTO line;
	RETURN format('wrong: %s, limit %s, %s: ', tab, n, condition) || line;
END $$;

-- So does a batch of searches, for each vector.
CREATE FUNCTION proof.batch(tab regclass, vectors text, k int, condition text) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	line text;
BEGIN
	EXECUTE format('WITH found AS MATERIALIZED (SELECT query, (r.doc).id, (r.doc).n, distance FROM barq_search_batch(NULL::%1$s, (%2$s), %3$s, filter => %4$L) r),
		numbered AS (SELECT *, row_number() OVER (PARTITION BY query) AS place, lag(distance) OVER (PARTITION BY query) AS before, count(*) OVER (PARTITION BY query) AS rows FROM found)
		SELECT string_agg(format(''%%s of query %%s at %%s, place %%s of %%s, after %%s'', id, query, distance, place, rows, before), '', '') FROM numbered o
		WHERE distance < before AND (rows = %3$s OR (SELECT count(*) > 1 FROM numbered x WHERE x.query = o.query AND x.distance < x.before)) OR NOT (%4$s) OR (query, id) IN (SELECT query, id FROM found GROUP BY query, id HAVING count(*) > 1)',
		tab, vectors, k, condition) INTO line;
	RETURN format('wrong: batch, %s, k %s, %s: ', tab, k, condition) || line;
END $$;

-- A hybrid search of table `tab` (id, n, v, body) with all candidates returns rows of the table, as
-- they are in the statement's snapshot, which satisfy the condition: none twice, at most n, the best
-- scores first, which are the sums of their ranks; the ranks of vectors in the order of their
-- distances (as in proof.search), those of texts are of rows with one of the words. If n is not below
-- the number of rows that satisfy the condition, it returns all of them.
CREATE FUNCTION proof.hybrid(tab regclass, embedding vector, words text, n int, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	EXECUTE format('WITH found AS MATERIALIZED (SELECT r.*, (r.doc).id FROM barq_hybrid(NULL::%1$s, embedding => %2$L::vector, query => %3$L, k => %4$s, candidates => 100000,
			filter => %5$L, vector_column => ''v'', text_column => ''body'') r),
		there AS MATERIALIZED (SELECT t.*, t.v <-> %2$L AS d, body ~ %6$L AS has FROM (SELECT * FROM %1$s OFFSET 0) t WHERE %5$s),
		numbered AS (SELECT f.*, d, has, t.id IS NULL OR row(t.n, t.v, t.body) IS DISTINCT FROM row((doc).n, (doc).v, (doc).body) AS other,
			lag(score) OVER (ORDER BY place) AS before, lag(d) OVER (ORDER BY vector_rank) AS nearer, count(*) OVER (PARTITION BY f.id) AS times
			FROM (SELECT *, row_number() OVER () AS place FROM found) f LEFT JOIN there t USING (id))
		SELECT concat_ws(''; '', (SELECT string_agg(format(''%%s: %%s of %%s and %%s, %%s times'', id, score, vector_rank, text_rank, times), '', '') FROM numbered
				WHERE other OR times > 1 OR score > before OR vector_rank IS NULL OR text_rank IS NOT NULL <> has OR
					abs(score - 1.0 / (60 + vector_rank) - coalesce(1.0 / (60 + text_rank), 0)) > 1e-9),
			(SELECT count(*) || '' out of order'' FROM numbered WHERE d < nearer HAVING count(*) > 1),
			(SELECT found || '' rows, not '' || wanted FROM (SELECT (SELECT count(*) FROM found) AS found, (SELECT least(count(*), %4$s) FROM there) AS wanted) c WHERE found <> wanted))',
		tab, embedding, words, n, condition, '\m(' || replace(words, ' ', '|') || ')\M') INTO line;
	RETURN CASE WHEN line = '' THEN 'judged' ELSE format('wrong: hybrid, %s, k %s, %s, %s: ', tab, n, words, condition) || line END;
END $$;

CREATE FUNCTION proof.drop_invalid() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid LOOP
		EXECUTE 'DROP INDEX IF EXISTS ' || name;
	END LOOP;
END $$;
};

# Faults of a table that has texts too, a line each.
sub searched_by_both
{
	my ($sql, $t) = @_;
	return $sql->("SELECT severity || ': ' || place || ': ' || message FROM barq_check('${t}_body') WHERE severity = 'error';"
		. join '', map { 'SELECT h FROM (' . hybrid($t, $_, 'n <= 2') =~ s/;$//r . ') s(h) WHERE h <> ' . q{'judged';} } 10, 100000);
}

sub complaints_at_end
{
	my ($node, $standby) = @_;
	my $sql = sub { return $node->safe_psql('postgres', "SET client_min_messages = error; $_[0]") };
	my @wrong;
	my $look = sub {
		my ($clean, $when) = @_;
		foreach my $t (sort keys %tables)
		{
			push @wrong, map { "$when, $t: $_" } split /\n/, $sql->("SELECT * FROM proof.complaints('${t}_v', $clean)");
			push @wrong, map { "$when, $t: $_" } split /\n/, searched_by_both($sql, $t) if $tables{$t}{second};
		}
	};

	# REINDEX and CREATE INDEX CONCURRENTLY leave these when they are killed
	$sql->('SELECT proof.drop_invalid()');
	$sql->(create_index($_, 'IF NOT EXISTS')) foreach sort keys %tables;

	# so does a client killed between making the second index and renaming it
	$sql->("DROP INDEX IF EXISTS ${_}_w") foreach sort keys %tables;
	$look->('false', 'at the end');
	$sql->("VACUUM $_") foreach sort keys %tables;
	$look->('true', 'vacuumed');
	push @wrong, "files without an owner: $_" foreach stray_images($node->data_dir, $sql);
	$sql->("SELECT barq_compact('$_')") foreach map { indexes($_) } sort keys %tables;
	$sql->("VACUUM $_") foreach sort keys %tables;
	$look->('true', 'compacted');

	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	foreach my $t (sort keys %tables)
	{
		push @wrong, map { "on the standby, $t: $_" }
		  split /\n/, $standby->safe_psql('postgres', "SELECT * FROM proof.complaints('${t}_v', true)");
		push @wrong, map { "on the standby, $t: $_" } split /\n/, searched_by_both(sub { return $standby->safe_psql('postgres', $_[0]) }, $t)
		  if $tables{$t}{second};
	}
	return @wrong;
}

# run(seconds, seed): as tests of Test::More
sub run
{
	my ($seconds, $seed) = @_;
	my $tree = abs_path(dirname(__FILE__) . '/../..');
	note "seed $seed, $seconds s";
	srand $seed;

	# small graphs, so that a kill can fall into every step
	my $variant = PostgreSQL::Test::Utils::tempdir;
	chomp(my $bin = `'$tree/scripts/variant.sh' '$variant' BARQ_CRASH_POINTS=1`);
	die 'the build with crash points failed' if $? != 0;
	local $ENV{PATH} = "$bin:$ENV{PATH}";

	my $node = PostgreSQL::Test::Cluster->new('torture');
	$node->init(allows_streaming => 1);
	$node->append_conf('postgresql.conf', q{
fsync = off
autovacuum_naptime = 1s
restart_after_crash = on
shared_buffers = 32MB
max_connections = 40
deadlock_timeout = 200ms
checkpoint_timeout = 30s
wal_keep_size = 4GB
barq.growing_limit = 64kB
barq.compaction_ratio = 4
barq.max_segments = 4
shared_preload_libraries = 'barq'
barq.memory_budget = 256kB
max_wal_size = 4GB
jit = off
});
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION barq;' . proof_functions() . $functions);
	foreach my $t (sort keys %tables)
	{
		$node->safe_psql('postgres', "CREATE TABLE $t (" . join(', ', 'id serial PRIMARY KEY', 'n int DEFAULT floor(random() * 5)', "v $tables{$t}{type}", $tables{$t}{column} // ())
			. ');' . insert($t, $tables{$t}{rows} / 2) . ';' . create_index($t, '') . ($tables{$t}{second} // ''));
	}
	is($node->safe_psql('postgres', q{SELECT string_agg(kind, ' ' ORDER BY kind) FROM unnest('{lists_v,small_v}'::regclass[]) i, barq_segments(i) WHERE state <> 'growing'}),
		'hnsw ivf', 'there are a graph and lists');
	my $standby = new_standby($node, 'standby', conf => "max_standby_streaming_delay = 200ms\nwal_retrieve_retry_interval = 100ms\n");

	my $until = time + $seconds;
	my $logs = PostgreSQL::Test::Utils::tempdir;
	my @sorts = ('writer', 'writer', 'writer', 'searcher', 'judge', 'keeper', 'keeper', 'builder', 'standby');
	my %clients;
	foreach my $i (0 .. $#sorts)
	{
		my $pid = fork // die;
		if ($pid == 0)
		{
			client($sorts[$i] eq 'standby' ? $standby : $node, $sorts[$i] eq 'standby' ? pick('searcher', 'judge') : $sorts[$i],
				$seed * 100 + $i, $until, "$logs/$i.$sorts[$i]");
			POSIX::_exit(0);
		}
		$clients{$pid} = $sorts[$i];
	}

	my (%done, $fate);
	srand $seed;
	while (time < $until - 1)
	{
		sleep 0.5 + rand 2;
		$fate = rand();
		if ($fate < 0.6)
		{
			my ($status, $out) = $node->psql('postgres',
				q{SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()
				  AND backend_type IN ('client backend', 'parallel worker', 'autovacuum worker') OR backend_type LIKE 'barq%'});
			my @pids = $status == 0 ? split(/\n/, $out) : ();
			$done{'kills of a backend'}++ if @pids && kill KILL => pick(@pids);
		}
		elsif ($fate < 0.8)
		{
			$node->stop('immediate');
			$node->start;
			$done{'immediate restarts'}++;
		}
		elsif ($fate < 0.9)
		{
			$standby->stop('immediate');
			$standby->start;
			$done{'restarts of the standby'}++;
		}
		else
		{
			my ($status) = $node->psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
			$done{'cancels of everyone'}++;
		}
	}
	waitpid $_, 0 foreach keys %clients;
	note join ', ', map { "$done{$_} $_" } sort keys %done;
	note 'memory: ' . $node->safe_psql('postgres', q{SELECT format('%s evictions of %s images, %s of %s bytes resident', sum(evictions), count(*), sum(resident_bytes), sum(image_bytes)) FROM barq_memory()});

	# nothing hangs: every statement under way ends
	my $ended = $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
	ok($ended, 'every statement ends');

	# errors that the clients got
	my (@wrong, $judged);
	foreach my $file (sort glob "$logs/*.*")
	{
		next if $file =~ /\.sql$/;
		open(my $f, '<', $file) or die;
		my ($name) = $file =~ m{([^/]+)$};
		while (my $line = <$f>)
		{
			$judged++ if $line eq "judged\n";
			push @wrong, "$name: $line" if $line =~ /wrong:/ || $line =~ /(?:ERROR|FATAL|PANIC):/ && $line !~ /$allowed/;
		}
	}
	ok($judged, 'index scan and sequential scan were compared under way');
	note "$judged times" if $judged;
	is(scalar @wrong, 0, 'no client met anything wrong') or diag @wrong[ 0 .. ($#wrong < 15 ? $#wrong : 15) ];

	# the launcher and its workers change nothing any more
	$node->safe_psql('postgres', 'ALTER SYSTEM SET barq.background = off; SELECT pg_reload_conf()');
	$node->poll_query_until('postgres', q{SELECT current_setting('barq.background') = 'off'
		AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type IN ('barq worker', 'barq image worker'))});
	my @left = complaints_at_end($node, $standby);
	is("@left", '', 'every live row is found exactly once, nothing is left over') or diag "seed $seed";

	$_->stop foreach $standby, $node;
	foreach my $which ($node, $standby)
	{
		my $log = slurp_file($which->logfile);
		my @bad = $log =~ /.*(?:TRAP:|PANIC:|signal 6|signal 7|signal 11|[a-z ]* leak|resource was not closed).*/g;
		is("@bad", '', 'nothing bad in the log of ' . $which->name);
	}
	return;
}

1;
