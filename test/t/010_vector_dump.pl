# Vectors outlive a dump and a restore to the last bit: by INSERT, by COPY and
# in the archive format, with the column's dimensions, defaults, indexes and
# functions that depend on the type.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->start;

$node->safe_psql('postgres', q{
	CREATE DATABASE origin;
});
$node->safe_psql('origin', q{
	CREATE SCHEMA types;
	CREATE EXTENSION barq SCHEMA types;
	CREATE TABLE items (id int PRIMARY KEY, v types.vector(3) DEFAULT '[1,2,3]',
		w types.vector, list types.vector(2)[],
		h types.halfvec(3) DEFAULT '[1,2,3]', s types.sparsevec(1000000) DEFAULT '{}/1000000', b bit(9),
		hnorm float8 GENERATED ALWAYS AS (types.l2_norm(h)) STORED,
		norm float8 GENERATED ALWAYS AS (types.vector_norm(v)) STORED,
		CHECK (types.vector_dims(w) > 0));
	CREATE INDEX items_v ON items (v);
	CREATE INDEX items_h ON items (h);
	CREATE INDEX items_s ON items (s);
	CREATE VIEW near AS SELECT id, v OPERATOR(types.<->) '[0,0,0]' AS distance,
		h OPERATOR(types.<+>) '[0,0,0]' AS h, s OPERATOR(types.<=>) '{1:1}/1000000' AS s,
		b OPERATOR(types.<~>) B'101010101' AS b FROM items;
	SELECT setseed(0.5);
	INSERT INTO items
	SELECT i, ARRAY[random(), exp((random() - 0.5) * 150), -random()]::types.vector,
		(SELECT array_agg(random() * j - i)::types.vector FROM generate_series(1, i * 100) j),
		ARRAY['[1,2]', '[0.1,1e-45]']::types.vector[],
		ARRAY[random(), exp((random() - 0.6) * 27), -random()]::types.halfvec,
		format('{1:%s,%s:%s}/1000000', random(), i * 6000, -exp((random() - 0.5) * 150))::types.sparsevec,
		i::bit(9)
	FROM generate_series(1, 160) i;
	INSERT INTO items (id, v, w, list) VALUES (0, NULL, NULL, NULL), (-1, '[-0,0,3.4028235e38]', NULL, '{}');
	SET search_path = types, public;
	CREATE MATERIALIZED VIEW means AS SELECT avg(v), sum(v), avg(h) AS h FROM public.items WHERE id > 0;
});

my $contents = q{
	SELECT md5(string_agg(concat_ws(',', id, types.vector_send(v), types.vector_send(w), list::text, norm,
		types.halfvec_send(h), hnorm, types.sparsevec_send(s), b), ';' ORDER BY id))
	FROM items};
my $catalog = q{
	SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attnum)
	FROM pg_attribute WHERE attrelid = 'items'::regclass AND attnum > 0};
my $expected = $node->safe_psql('origin', $contents);
my $columns = $node->safe_psql('origin', $catalog);
my $means = $node->safe_psql('origin', 'SELECT * FROM types.means');

my $dir = PostgreSQL::Test::Utils::tempdir;

foreach my $way ('plain', 'inserts', 'custom')
{
	my $file = "$dir/$way";
	my @options =
		$way eq 'inserts' ? ('--inserts')
	  : $way eq 'custom'  ? ('--format=custom')
	  :                     ();

	$node->safe_psql('postgres', "CREATE DATABASE $way");
	$node->command_ok([ 'pg_dump', @options, '--file', $file, '-d', $node->connstr('origin') ],
		"dump, $way");
	$node->command_ok(
		$way eq 'custom'
		? [ 'pg_restore', '--exit-on-error', '-d', $node->connstr($way), $file ]
		: [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr($way) ],
		"restore, $way");

	is($node->safe_psql($way, $contents), $expected, "the same bytes, $way");
	is($node->safe_psql($way, $catalog), $columns, "the same column types, $way");
	is($node->safe_psql($way, 'SELECT * FROM types.means'), $means, "the same means, $way");
	is($node->safe_psql($way, q{SELECT * FROM near WHERE id = -1}),
		'-1|Infinity|6|NaN|', "the view works, $way");
	is($node->safe_psql($way, q{SELECT b, s > 0, s < 2 FROM near WHERE id = 85}),
		'1|t|t', "and for the other types, $way");
}

$node->stop;
done_testing();
