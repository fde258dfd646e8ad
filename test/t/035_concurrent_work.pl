# Inserts, updates, deletes, searches, VACUUM, seals and compactions at the same
# time: afterwards every row is there once and the index is sound. Meanwhile no
# search returns a row twice or out of order.
use strict;
use warnings;

use BarqTest;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# one run sealed by the inserting sessions, one by background workers
foreach my $background ('off', 'on')
{
	my $node = new_server("busy_$background", conf => qq{
		barq.growing_limit = 64kB
		barq.compaction_ratio = 3
		barq.max_segments = 4
		barq.background = $background
		deadlock_timeout = 100ms
	});

	$node->safe_psql('postgres', q{
		CREATE TABLE items (id serial, v vector(32), note int DEFAULT 0) WITH (autovacuum_enabled = off);
		CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops);
		INSERT INTO items (v) SELECT vec(i) FROM generate_series(1, 1000) i;
		CREATE TABLE vectors AS SELECT i, vec(i * 31 + 5) AS v FROM generate_series(1, 2000) i;
		CREATE UNIQUE INDEX ON vectors (i);
		CREATE TABLE wrong (what text);
		ANALYZE;

		-- what a search must never return
		CREATE FUNCTION search(i int) RETURNS void LANGUAGE plpgsql
			SET enable_seqscan = off SET barq.max_scan_tuples = 100000 AS $$
			DECLARE
				q vector := (SELECT v FROM vectors WHERE vectors.i = search.i);
				ids int[];
				distances float8[];
			BEGIN
				SELECT array_agg(id), array_agg(d) INTO ids, distances FROM (
					SELECT id, v <-> q AS d FROM items ORDER BY v <-> q LIMIT 100) s;
				IF cardinality(ids) < 100 THEN
					INSERT INTO wrong VALUES ('rows: ' || cardinality(ids));
				END IF;
				IF (SELECT count(DISTINCT id) FROM unnest(ids) id) < cardinality(ids) THEN
					INSERT INTO wrong VALUES ('a row twice');
				END IF;
				IF distances <> (SELECT array_agg(d ORDER BY d) FROM unnest(distances) d) THEN
					INSERT INTO wrong VALUES ('out of order');
				END IF;
			END $$;
	});

	my $dir = PostgreSQL::Test::Utils::tempdir;
	my %scripts = (
		insert => q{
			\set i random(1, 2000)
			INSERT INTO items (v) SELECT v FROM vectors WHERE i BETWEEN :i AND :i + 20;
		},
		change => q{
			\set i random(1, 2000)
			\set n random(1, 3000)
			UPDATE items SET v = (SELECT v FROM vectors WHERE i = :i), note = note + 1 WHERE id BETWEEN :n AND :n + 3;
			DELETE FROM items WHERE id BETWEEN :n + 1500 AND :n + 1502;
		},
		undo => q{
			\set i random(1, 2000)
			BEGIN;
			INSERT INTO items (v) SELECT v FROM vectors WHERE i BETWEEN :i AND :i + 10;
			ROLLBACK;
		},
		search => q{
			\set i random(1, 2000)
			SELECT search(:i);
		},
	);
	my %weights = (insert => 4, change => 3, undo => 1, search => 3);
	my @files;
	foreach my $name (sort keys %scripts)
	{
		PostgreSQL::Test::Utils::append_to_file("$dir/$name", $scripts{$name});
		push @files, '-f', "$dir/$name\@$weights{$name}";
	}

	# maintenance goes on until the load has ended
	my $load = IPC::Run::start(
		[ 'pgbench', '-n', '--random-seed=7', '-c', '4', '-j', '2', '-t', '250', @files, $node->connstr('postgres') ],
		'<', \undef, '>', \my $out, '2>', \my $err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	# VACUUM in a session of its own, so that it meets seals and compactions in
	# every state
	PostgreSQL::Test::Utils::append_to_file("$dir/vacuum", 'VACUUM (INDEX_CLEANUP on) items;');
	my $vacuum = IPC::Run::start(
		[ 'pgbench', '-n', '-T', '3600', '-f', "$dir/vacuum", $node->connstr('postgres') ],
		'<', \undef, '>', \my $vacuum_out, '2>', \my $vacuum_err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	my $rounds = 0;
	my $failed = '';
	while ($load->pumpable)
	{
		$load->pump_nb;
		my ($status, $stdout, $stderr) = (0, '', '');

		foreach my $command (q{SELECT barq_seal('items_v')}, q{SELECT barq_seal('items_v')}, q{SELECT barq_compact('items_v')}, q{SELECT count(*) FROM barq_segments('items_v')})
		{
			$status = $node->psql('postgres', $command, stdout => \$stdout, stderr => \$stderr);
			$failed .= "$command: $stderr\n" if $status != 0;
		}
		# an index is sound at any moment
		$stdout = $node->safe_psql('postgres', q{SELECT place, message FROM barq_check('items_v') WHERE severity = 'error' LIMIT 3});
		$failed .= "barq_check: $stdout\n" if $stdout ne '';
		$rounds++;
	}
	$vacuum->signal('INT');
	eval { $vacuum->finish };
	unlike($vacuum_err, qr/ERROR|FATAL|WARNING/, "background $background: VACUUM ended well");
	ok($load->finish, "background $background: the load ended well") or diag($err);
	unlike($err, qr/ERROR|FATAL|WARNING/, "background $background: no errors or warnings");
	cmp_ok($rounds, '>', 1, "background $background: maintenance went on all the time ($rounds rounds)");
	is($failed, '', "background $background: maintenance ended well");
	is($node->safe_psql('postgres', 'SELECT DISTINCT what FROM wrong'), '', "background $background: no search was wrong");

	# workers may still run
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'barq%'});
	sound($node, 'items_v', "background $background: no error", errors => 1);
	found_once($node, 'items', "background $background: every row once");
	same_answers($node, 'items', "background $background: the nearest rows");
	$node->safe_psql('postgres', 'VACUUM items');
	sound($node, 'items_v', "background $background: sound after VACUUM");
	found_once($node, 'items', "background $background: every row once after VACUUM");
	is($node->safe_psql('postgres', q{SELECT rows FROM barq_indexes() WHERE index = 'items_v'::regclass}),
		$node->safe_psql('postgres', 'SELECT count(*) FROM items'), "background $background: as many live rows as the table has");
	is_deeply([ orphans($node) ], [], "background $background: no file without a segment");
	$node->stop;
	ok(!$node->log_contains('was terminated by signal|PANIC|leak'), "background $background: nothing crashed or leaked");
}

done_testing();
