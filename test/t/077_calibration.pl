# A calibration of barq_calibrate() is logged: it survives a crash and reaches a standby,
# where searches use it and another calibration is refused.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = new_server('calibration', init => { allows_streaming => 1 });

sub curve
{
	my ($server) = @_;

	return $server->safe_psql('postgres', q{
		SELECT string_agg(concat_ws(' ', target, breadth, calibrated), ', ' ORDER BY target)
		FROM barq_recall_curve('items_v')});
}

$node->safe_psql('postgres', q{
	CREATE TABLE items (v vector(48));
	INSERT INTO items SELECT ARRAY(SELECT random() + 0 * i FROM generate_series(1, 48))::vector
	FROM generate_series(1, 6000) i;
	CREATE INDEX items_v ON items USING barq_hnsw (v vector_l2_ops) WITH (m = 4, ef_construction = 8, quantization = 'none')});
my $before = curve($node);
like($before, qr/0\.95 \d\d+ f/, 'the build has left the curve of a graph');
is($node->safe_psql('postgres', q{SELECT barq_calibrate('items_v',
	ARRAY(SELECT (ARRAY(SELECT random() * 5 + 0 * i FROM generate_series(1, 48)))::vector FROM generate_series(1, 50) i))}),
	50, 'calibrated');
my $calibrated = curve($node);
isnt($calibrated, $before, 'which changes the breadths');

$node->stop('immediate');
$node->start;
is(curve($node), $calibrated, 'a crash loses nothing');

my $standby = new_standby($node, 'calibration_standby');
is(curve($standby), $calibrated, 'a standby has the calibration of its backup');
$node->safe_psql('postgres', q{SELECT barq_calibrate('items_v', '{}'::vector[])});
$node->wait_for_catchup($standby);
is(curve($standby), $before, 'and what was logged since');
my ($result, $stdout, $stderr) = $standby->psql('postgres', q{SELECT barq_calibrate('items_v', '{}'::vector[])});
like($stderr, qr/cannot execute barq_calibrate\(\) during recovery/, 'a standby refuses another');
is($standby->safe_psql('postgres', q{
	SET enable_seqscan = off;
	SET barq.target_recall = 0.95;
	SELECT count(*) FROM (SELECT 1 FROM items ORDER BY v <-> vec(7, 48) LIMIT 10) x}), 10, 'and searches by it');

done_testing();
