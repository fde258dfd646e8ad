# ALTER EXTENSION barq UPDATE from each older version whose script is kept (sql/old):
# the catalogue is then that of a new installation, object by object, with comments,
# rights, owners, members of operator classes; a use of the older script's functions
# with this library works or says to update, and crashes nothing.
use strict;
use warnings;

use BarqTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('update');

# What is compared: a line for each object and each of its properties, without OIDs.
my $catalogue = q{
SET search_path = pg_catalog;
WITH members AS MATERIALIZED (
	SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	WHERE e.extname = 'barq' AND d.deptype = 'e'),
described AS MATERIALIZED (
	SELECT classid, objid, pg_describe_object(classid, objid, 0) AS name FROM members),
lines AS (
	SELECT format('%s: comment: %s', name, obj_description(objid, classid::regclass::name)) AS line FROM described
	UNION ALL
	SELECT format('%s: owner %s, rights %s, definition %s', m.name, proowner::regrole, proacl,
		CASE prokind WHEN 'a' THEN to_jsonb(a) - 'aggfnoid' || jsonb_build_object('aggtransfn', aggtransfn::regproc, 'aggfinalfn', aggfinalfn::regproc,
			'aggcombinefn', aggcombinefn::regproc, 'aggserialfn', aggserialfn::regproc, 'aggdeserialfn', aggdeserialfn::regproc,
			'aggtranstype', aggtranstype::regtype, 'args', pg_get_function_arguments(p.oid))
		ELSE to_jsonb(pg_get_functiondef(p.oid)) END)
	FROM described m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
	UNION ALL
	SELECT format('%s: owner %s, %s, %s, %s, %s, %s, merges %s, hashes %s', m.name, oprowner::regrole, oprcode, oprrest, oprjoin,
		CASE WHEN oprcom <> 0 THEN oprcom::regoperator END, CASE WHEN oprnegate <> 0 THEN oprnegate::regoperator END, oprcanmerge, oprcanhash)
	FROM described m JOIN pg_operator o ON m.classid = 'pg_operator'::regclass AND o.oid = m.objid
	UNION ALL
	SELECT format('%s: owner %s, %s, key %s, default %s, in %s', m.name, opcowner::regrole, opcintype::regtype, opckeytype::regtype, opcdefault,
		pg_describe_object('pg_opfamily'::regclass, opcfamily, 0))
	FROM described m JOIN pg_opclass c ON m.classid = 'pg_opclass'::regclass AND c.oid = m.objid
	UNION ALL
	SELECT format('%s: %s', m.name, pg_describe_object('pg_amop'::regclass, o.oid, 0) || ' sorted by '
		|| coalesce(pg_describe_object('pg_opfamily'::regclass, nullif(amopsortfamily, 0), 0), 'none'))
	FROM described m JOIN pg_amop o ON m.classid = 'pg_opfamily'::regclass AND o.amopfamily = m.objid
	UNION ALL
	SELECT format('%s: %s', m.name, pg_describe_object('pg_amproc'::regclass, o.oid, 0))
	FROM described m JOIN pg_amproc o ON m.classid = 'pg_opfamily'::regclass AND o.amprocfamily = m.objid
	UNION ALL
	SELECT format('%s: %s %s', m.name, castcontext, castmethod) || ' by ' || castfunc::regprocedure
	FROM described m JOIN pg_cast c ON m.classid = 'pg_cast'::regclass AND c.oid = m.objid
	UNION ALL
	SELECT format('%s: owner %s, rights %s, %s', m.name, typowner::regrole, typacl, concat_ws(' ', typlen, typbyval, typtype, typcategory,
		typispreferred, typdelim, typalign, typstorage, typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typsubscript))
	FROM described m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
	UNION ALL
	SELECT format('%s: %s %s', m.name, amhandler, amtype) FROM described m JOIN pg_am a ON m.classid = 'pg_am'::regclass AND a.oid = m.objid
	UNION ALL
	SELECT format('%s: owner %s, %s %s %s', m.name, evtowner::regrole, evtevent, evtenabled, evtfoid::regproc) || array_to_string(evttags, ',')
	FROM described m JOIN pg_event_trigger t ON m.classid = 'pg_event_trigger'::regclass AND t.oid = m.objid
	UNION ALL
	SELECT format('%s: first rights %s', m.name, p.initprivs) FROM described m JOIN pg_init_privs p ON p.classoid = m.classid AND p.objoid = m.objid
	UNION ALL
	SELECT format('%s: relation of kind %s, rights %s', m.name, relkind, relacl) FROM described m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
	UNION ALL
	SELECT format('extension: %s', to_jsonb(e) - 'oid' - 'extnamespace' - 'extowner') FROM pg_extension e WHERE extname = 'barq')
SELECT line FROM lines ORDER BY line COLLATE "C";
};

sub catalogue_of
{
	my ($database) = @_;

	return [ split /\n(?=\S)/, $node->safe_psql($database, $catalogue) ];
}

my $fresh = catalogue_of('postgres');
cmp_ok(scalar @$fresh, '>', 1000, 'the catalogue of a new installation is read');
# array types are members since PostgreSQL 18
is(scalar(grep { /: comment: $/ && !/operator family|^cast |^type \S+\[\]: / } @$fresh), 0, 'each object has a comment') or diag(grep { /: comment: $/ } @$fresh);

my $present = $node->safe_psql('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'barq'});
is($node->safe_psql('postgres', 'SELECT barq_version()'), $present, 'library and control file have one version');

# The paths of an administrator: the extension in public, or in a schema of its own.
foreach my $path (['0.1.0', 'public'], ['0.1.0', 'search'])
{
	my ($old, $schema) = @$path;
	my $what = "$old in $schema";
	my $database = "update_$schema";

	$node->safe_psql('postgres', "CREATE DATABASE $database; ALTER DATABASE $database SET search_path = public, search");
	$node->safe_psql($database, "CREATE SCHEMA IF NOT EXISTS $schema; CREATE EXTENSION barq VERSION '$old' SCHEMA $schema");
	$node->safe_psql($database, qq{
		CREATE TABLE items (id int PRIMARY KEY, v vector(8), t text);
		INSERT INTO items SELECT i, ARRAY(SELECT sin(i * j) FROM generate_series(1, 8) j)::vector, 'word' || i % 7 FROM generate_series(1, 300) i;
		CREATE INDEX items_hnsw ON items USING barq_hnsw (v vector_l2_ops);
		CREATE INDEX items_ivf ON items USING barq_ivf (v);
		CREATE INDEX items_bm25 ON items USING barq_bm25 (t) WITH (text_config = 'simple');
		CREATE VIEW nearest AS SELECT id FROM items ORDER BY v <-> '[1,0,0,0,0,0,0,0]' LIMIT 5;
	});

	# functions of the older version, as they are before the update
	my $start = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
	foreach my $sql (
		q{SELECT * FROM barq_indexes}, q{SELECT * FROM barq_progress}, q{SELECT * FROM barq_stats()},
		q{SELECT * FROM barq_index_status('items_hnsw'::regclass)}, q{SELECT * FROM barq_bm25_clauses('a "b c" d*', 'simple')},
		q{SELECT to_bm25query('word1', 'items_bm25')}, q{SELECT to_bm25query('word1')},
		q{SELECT * FROM barq_hybrid(NULL::items, '[1,0,0,0,0,0,0,0]', 'word1')},
		q{SELECT * FROM barq_hybrid(NULL::items, '[1,0,0,0,0,0,0,0]'::vector, 'word1')},
		q{SELECT * FROM barq_segments('items_hnsw')}, q{SELECT * FROM barq_check('items_bm25')}, q{SELECT barq_recall('items_hnsw')},
		q{SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> '[1,0,0,0,0,0,0,0]' LIMIT 5) s},
		q{SELECT id FROM items WHERE t @@@ 'word1' ORDER BY t <@> 'word1' LIMIT 5}, q{SELECT id FROM items WHERE t <@> 'word1' < 0 LIMIT 5},
		q{PREPARE p AS SELECT id FROM items WHERE t @@@ $1; SET plan_cache_mode = force_generic_plan; EXECUTE p('word1')},
		q{SELECT barq_highlight('a b', 'b', 'simple')}, q{INSERT INTO items VALUES (0, '[1,2,3,4,5,6,7,8]', 'x'); SELECT barq_seal('items_hnsw'); VACUUM items})
	{
		my ($out, $err);
		my $status = $node->psql($database, "\\set VERBOSITY verbose\n$sql", stdout => \$out, stderr => \$err);

		if ($status == 0 && $err !~ /ERROR/) { pass("$what: before the update this works: $sql") }
		else { like($err, qr/HINT:  (?:Run )?ALTER EXTENSION barq UPDATE/, "$what: before the update this says what to do: $sql") }
	}
	is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $start, "$what: nothing crashed");

	$node->safe_psql($database, 'ALTER EXTENSION barq UPDATE');
	is($node->safe_psql($database, q{SELECT extversion FROM pg_extension WHERE extname = 'barq'}), $present, "$what: updated");

	my %expected = map { $_ => 1 } @$fresh;
	# names are printed without a schema where the schema comes first on the path
	my @updated = map { s/\b$schema\./public./g if $schema ne 'public'; $_ } @{ catalogue_of($database) };
	my %got = map { $_ => 1 } @updated;
	my @missing = grep { !$got{$_} } @$fresh;
	my @extra = grep { !$expected{$_} } @updated;
	is(join("\n", @missing[0 .. ($#missing < 20 ? $#missing : 20)]), '', "$what: nothing is missing after the update");
	is(join("\n", @extra[0 .. ($#extra < 20 ? $#extra : 20)]), '', "$what: nothing else is there after the update");
	is(scalar @updated, scalar @$fresh, "$what: as many properties as in a new installation");

	# indexes made before the update
	foreach my $index (qw(items_hnsw items_ivf items_bm25)) { sound($node, "public.$index", "$what: $index is sound after the update", database => $database) }
}

$node->stop;
done_testing();
