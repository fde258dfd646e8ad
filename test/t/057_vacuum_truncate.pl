# When the file of an index is cut: a worker cuts it after a VACUUM that may
# truncate, and never after one that may not: by its option, the table's, or (from
# 18 on) a setting.
use strict;
use warnings;

use BarqSession;
use BarqTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('truncate', conf => q{
	barq.background = on
	log_min_messages = debug1
});
my $version = $node->safe_psql('postgres', 'SHOW server_version_num');

sub size { return $node->safe_psql('postgres', "SELECT pg_relation_size('$_[0]')"); }

# Indexes of all kinds after all rows were deleted: all pages but a few are free.
sub make_table
{
	$node->safe_psql('postgres', q{
		DROP TABLE IF EXISTS items;
		CREATE TABLE items (id int, v vector(32), body text);
		INSERT INTO items SELECT i, vec(i), 'all w' || i % 50 FROM generate_series(1, 3000) i;
		CREATE INDEX items_hnsw ON items USING barq_hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 20);
		CREATE INDEX items_ivf ON items USING barq_ivf (v vector_ip_ops);
		CREATE INDEX items_bm25 ON items USING barq_bm25 (body) WITH (text_config = 'simple');
		DELETE FROM items;
	});
	return;
}

my @indexes = ('items_hnsw', 'items_ivf', 'items_bm25');
my @cases = (
	# description, settings, the table's option, options of VACUUM, cut?
	[ 'by default', '', '', 'INDEX_CLEANUP on', 1 ],
	[ 'TRUNCATE on', '', '', 'INDEX_CLEANUP on, TRUNCATE on', 1 ],
	[ 'TRUNCATE off', '', '', 'INDEX_CLEANUP on, TRUNCATE off', 0 ],
	[ 'TRUNCATE false, of several tables', '', '', 'TRUNCATE false, ANALYZE, INDEX_CLEANUP on', 0, 'pg_class, items' ],
	[ 'the table\'s option off', '', 'vacuum_truncate = off', 'INDEX_CLEANUP on', 0 ],
	[ 'the table\'s option on', '', 'vacuum_truncate = on', 'INDEX_CLEANUP on', 1 ],
);
push @cases,
  [ 'the setting off', 'SET vacuum_truncate = off;', '', 'INDEX_CLEANUP on', 0 ],
  [ 'the setting off, the table\'s option on', 'SET vacuum_truncate = off;', 'vacuum_truncate = on', 'INDEX_CLEANUP on', 1 ]
  if $version >= 180000;

foreach my $case (@cases)
{
	my ($what, $settings, $storage, $options, $cut, $tables) = @$case;

	make_table();
	$node->safe_psql('postgres', "ALTER TABLE items SET ($storage)") if $storage;
	my %before = map { $_ => size($_) } @indexes;
	$node->safe_psql('postgres', "$settings VACUUM ($options) " . ($tables // 'items'));
	if ($cut)
	{
		wait_until("$what: all are cut", sub { return !grep { size($_) > 65536 } @indexes; });
		pass("$what: a worker cuts");
	}
	else
	{
		idle($node);
		is(size($_), $before{$_}, "$what: $_ stays as long") foreach @indexes;
	}
	sound($node, $_, "$what: $_ is sound") foreach @indexes;
}

# a VACUUM that may truncate leads to the cut that was left out before
make_table();
$node->safe_psql('postgres', 'VACUUM (TRUNCATE off, INDEX_CLEANUP on) items');
idle($node);
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) items');
wait_until('all are cut', sub { return !grep { size($_) > 65536 } @indexes; });
pass('a later VACUUM has them cut');

# autovacuum has only the table's options
make_table();
$node->safe_psql('postgres', q{ALTER TABLE items SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0);
	ALTER SYSTEM SET autovacuum = on; ALTER SYSTEM SET autovacuum_naptime = '1s'; SELECT pg_reload_conf()});
wait_until('autovacuum has them cut', sub { return !grep { size($_) > 65536 } @indexes; });
pass('autovacuum has them cut');

$node->stop;
ok(!$node->log_contains('was terminated by signal|PANIC|leak'), 'nothing crashed or leaked');
done_testing();
