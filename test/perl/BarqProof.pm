# BarqProof.pm: shared by the tests of crashes and the torture: functions that
# prove an index sound, and a check of image files.
package BarqProof;

use strict;
use warnings;

use Exporter 'import';
our @EXPORT = qw(proof_functions stray_images);

# Functions of the database, in schema proof:
#
#   proof.complaints(index, clean)  faults, a line each; empty if there are none.
#       Every row that a sequential scan sees must come out of the index
#       scan exactly once, in the same snapshot, and barq_check must be silent,
#       but for pages that nothing reaches and dead rows not counted yet, which
#       VACUUM repairs (clean: these are faults too; checked = false: only the
#       scans are compared).
#       The indexed column is v, of vectors or (barq_bm25) of proof.documents; an index
#       of several fields is of title and v. An index with a filter column of integers is
#       also searched within conditions on it, within the bitmap of the primary key (id),
#       and within a radius.
#   proof.vectors(n, dims)          n random vectors
#   proof.documents(n, words)       n random documents of so many words at most;
#       each has the word "all"
sub proof_functions
{
	return q{
CREATE SCHEMA proof;

CREATE FUNCTION proof.vectors(n int, dims int) RETURNS SETOF vector LANGUAGE sql VOLATILE AS
$$ SELECT array_agg(random() - 0.5)::real[]::vector
   FROM generate_series(1, n) i, generate_series(1, dims) j GROUP BY i $$;

CREATE FUNCTION proof.documents(n int, words int) RETURNS SETOF text LANGUAGE sql VOLATILE AS
$$ SELECT 'all ' || string_agg('w' || floor(40 * random() ^ 3)::int, ' ')
   FROM (SELECT i, floor(1 + words * random())::int AS length FROM generate_series(1, n) i) d, generate_series(1, length) GROUP BY i $$;

-- Matches and the best ten of some words, by the index and sequentially, one
-- statement each, so one snapshot and one set of statistics.
CREATE FUNCTION proof.text_complaints(index regclass, tab regclass) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off
AS $$
DECLARE
	word text;
	line text;
	ranked text;
	content text;
	several boolean := (SELECT count(*) > 1 FROM pg_attribute WHERE attrelid = index AND atttypid = 'text'::regtype);
BEGIN
	FOR word, ranked, content IN
		SELECT w, e.ranked, e.content FROM unnest(ARRAY['w0', 'w1', 'w' || floor(40 * random())::int, 'w' || floor(40 * random())::int]) AS w,
			(VALUES ('r.v', 'r.v', false), ('r.title', 'r.title', true), ('r', 'nullif(concat_ws('' '', r.title, r.v), '''')', true)) AS e(ranked, content, of_fields)
		WHERE several OR NOT of_fields
	LOOP
		FOR line IN EXECUTE format(
			'WITH here AS MATERIALIZED (SELECT ctid FROM %1$s r WHERE %5$s @@@ to_bm25query(%2$L, %3$L)),
			 there AS MATERIALIZED (SELECT ctid, %6$s ~ %4$L AS matches FROM %1$s r WHERE %6$s IS NOT NULL OFFSET 0)
			 SELECT coalesce(here.ctid, there.ctid) FROM here FULL JOIN there USING (ctid)
			 WHERE matches IS NOT TRUE <> (here.ctid IS NULL)', tab, word, index, '\m' || word || '\M', ranked, content)
		LOOP
			RETURN NEXT format('%s, %s: %s matches or not, says the index', ranked, word, line);
		END LOOP;
		FOR line IN EXECUTE format(
			'WITH here AS MATERIALIZED (SELECT %4$s <@> to_bm25query(%2$L, %3$L) AS score FROM %1$s r ORDER BY %4$s <@> to_bm25query(%2$L, %3$L) LIMIT 10),
			 there AS MATERIALIZED (SELECT %4$s <@> to_bm25query(%2$L, %3$L) AS score FROM %1$s r WHERE %5$s IS NOT NULL OFFSET 0),
			 best AS (SELECT score FROM there WHERE score < 0 ORDER BY score LIMIT 10)
			 SELECT concat((SELECT array_agg(score ORDER BY score) FROM here WHERE score < 0), '' instead of '', (SELECT array_agg(score ORDER BY score) FROM best))
			 WHERE (SELECT array_agg(score ORDER BY score) FROM here WHERE score < 0) IS DISTINCT FROM (SELECT array_agg(score ORDER BY score) FROM best)',
			tab, word || ' all', index, ranked, content)
		LOOP
			RETURN NEXT format('%s, the best of %s: %s', ranked, word, line);
		END LOOP;
	END LOOP;
END $$;

-- Rows within conditions, by the index and by a sequential scan of the same snapshot, in the order
-- of `distance`, or within a radius of it. planned: another plan is a fault.
CREATE FUNCTION proof.condition_complaints(index regclass, tab regclass, distance text, planned boolean) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_sort = off SET enable_indexonlyscan = off
SET barq.ef_search = 1000 SET barq.iterative_scan = relaxed_order SET barq.max_scan_tuples = 0
AS $$
DECLARE
	col text := (SELECT quote_ident(a.attname) FROM pg_index i, unnest(i.indkey) k, pg_attribute a
		WHERE i.indexrelid = index AND a.attrelid = i.indrelid AND a.attnum = k AND a.atttypid = 'int'::regtype);
	low int;
	middle int;
	first int;
	last int;
	radius float8;
	node text;
	condition text;
	query text;
	line text;
	plan text;
BEGIN
	IF col IS NULL THEN
		RETURN;
	END IF;
	EXECUTE format('SELECT min(%s), percentile_disc(0.4) WITHIN GROUP (ORDER BY %s), percentile_disc(0.2) WITHIN GROUP (ORDER BY id), percentile_disc(0.8) WITHIN GROUP (ORDER BY id) FROM %s',
		col, col, tab) INTO low, middle, first, last;
	-- another session has just truncated it
	IF low IS NULL THEN
		RETURN;
	END IF;
	IF distance LIKE '%<->%' THEN
		EXECUTE format('SELECT percentile_disc(0.3) WITHIN GROUP (ORDER BY %s) FROM %s', distance, tab) INTO radius;
	END IF;
	FOR node, condition IN VALUES ('Index Cond', format('%s <= %s', col, middle)), ('Index Cond', format('%s = %s', col, low)),
		('BarqCondition', format('id BETWEEN %s AND %s', first, last)), ('BarqCondition', format('%s > %s AND id <= %s', col, low, last)), ('BarqRadius', format('%s < %L::float8', distance, radius))
	LOOP
		CONTINUE WHEN condition IS NULL OR node = 'BarqRadius' AND radius IS NULL;
		PERFORM set_config('enable_indexscan', (node = 'Index Cond')::text, true), set_config('enable_bitmapscan', (node = 'BarqCondition')::text, true);
		query := format('SELECT ctid, id FROM %s WHERE %s', tab, condition) || CASE WHEN node = 'BarqRadius' THEN '' ELSE ' ORDER BY ' || distance END;
		plan := '';
		FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
			plan := plan || line || E'\n';
		END LOOP;
		IF planned AND position(node IN plan) = 0 THEN
			RETURN NEXT format('%s: no %s: %s', condition, node, plan);
		END IF;
		FOR line IN EXECUTE format(
			'WITH here AS MATERIALIZED (SELECT ctid, count(*) FROM (%s) q GROUP BY 1),
			 there AS MATERIALIZED (SELECT at AS ctid FROM (SELECT ctid AS at, * FROM %s OFFSET 0) r WHERE %s)
			 SELECT CASE WHEN here.ctid IS NULL THEN ''misses '' || there.ctid WHEN there.ctid IS NULL THEN ''invents '' || here.ctid
				ELSE ''returns '' || here.ctid || '' '' || here.count || '' times'' END
			 FROM here FULL JOIN there USING (ctid)
			 WHERE here.ctid IS NULL OR there.ctid IS NULL OR here.count > 1 LIMIT 5', query, tab, condition)
		LOOP
			RETURN NEXT format('the search within %s %s', left(condition, 60), line);
		END LOOP;
	END LOOP;
END $$;

CREATE FUNCTION proof.complaints(index regclass, clean boolean, checked boolean DEFAULT true) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET enable_indexonlyscan = off
SET barq.ef_search = 1000 SET barq.iterative_scan = relaxed_order SET barq.max_scan_tuples = 2000000000
AS $$
DECLARE
	tab regclass;
	dims int;
	is_text boolean;
	type regtype;
	query text;
	plan text;
	line text;
	differences bigint;
BEGIN
	SELECT indrelid INTO tab FROM pg_index WHERE indexrelid = index;
	IF NOT FOUND THEN
		RAISE 'index % does not exist', index;
	END IF;
	SELECT atttypmod, atttypid = 'text'::regtype, atttypid INTO dims, is_text, type FROM pg_attribute WHERE attrelid = tab AND attname = 'v';
	query := CASE WHEN is_text THEN format('SELECT ctid, id FROM %s ORDER BY v <@> to_bm25query(''all'', %L)', tab, index)
		ELSE format('SELECT ctid, id FROM %s ORDER BY v <-> (SELECT array_agg(random())::real[]::%s
			FROM generate_series(1, %s))', tab, type, dims) END;
	FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
		plan := concat_ws(E'\n', plan, line);
	END LOOP;
	-- by an index scan, or by a custom scan that leaves the distance out
	IF plan NOT SIMILAR TO '%(Index Scan using |Index: )' || (SELECT relname FROM pg_class WHERE oid = index) || '%' THEN
		-- another session may have made a better one, or dropped this one
		IF NOT checked THEN
			RAISE 'index "%" is not valid', index;
		END IF;
		RETURN NEXT 'the index is not used: ' || plan;
		RETURN;
	END IF;

	-- one statement, so one snapshot
	FOR line IN EXECUTE format(
		'WITH by_index AS MATERIALIZED (%s),
		 here AS (SELECT ctid, count(*) FROM by_index GROUP BY 1),
		 there AS MATERIALIZED (SELECT ctid FROM %s OFFSET 0)
		 SELECT CASE WHEN here.ctid IS NULL THEN ''the index scan misses '' || there.ctid
			WHEN there.ctid IS NULL THEN ''the index scan invents '' || here.ctid
			ELSE ''the index scan returns '' || here.ctid || '' '' || here.count || '' times'' END
		 FROM here FULL JOIN there USING (ctid)
		 WHERE here.ctid IS NULL OR there.ctid IS NULL OR here.count > 1 LIMIT 10', query, tab)
	LOOP
		RETURN NEXT line;
	END LOOP;

	IF is_text THEN
		RETURN QUERY SELECT * FROM proof.text_complaints(index, tab);
		RETURN QUERY SELECT * FROM proof.condition_complaints(index, tab, format('v <@> to_bm25query(''all'', %L)', index), checked);
	ELSE
		EXECUTE format('SELECT format(''v <-> %%L'', array_agg(random() - 0.5)::real[]::%s) FROM generate_series(1, %s)', type, dims) INTO query;
		RETURN QUERY SELECT * FROM proof.condition_complaints(index, tab, query, checked);
	END IF;
	IF NOT checked THEN
		RETURN;
	END IF;
	FOR line IN SELECT severity || ': ' || place || ': ' || message FROM barq_check(index)
		WHERE (clean OR severity <> 'warning' OR
			message !~ 'nothing reaches|rows are marked dead') LIMIT 10
	LOOP
		RETURN NEXT line;
	END LOOP;
END $$;
};
}

# Files below the image root that no segment owns, and folders that no relation
# owns. Call it after VACUUM, when nothing else runs. `database` is a sub that
# runs SQL and returns text.
sub stray_images
{
	my ($data, $sql) = @_;
	my %known = map { $_ => 1 } split /\n/, $sql->(q{
		SELECT (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || pg_relation_filenode(i.index)
			FROM barq_indexes() i
		UNION ALL
		SELECT (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || pg_relation_filenode(i.index) || '/' || replace(s.id::text, '-', '')
			FROM barq_indexes() i, barq_segments(i.index) s WHERE s.id IS NOT NULL});
	my $oid = $sql->('SELECT oid FROM pg_database WHERE datname = current_database()');
	my @stray;
	foreach my $folder (glob "$data/pg_barq/pgsql_tmp/*/$oid/*")
	{
		my ($number) = $folder =~ m{/([^/]+)$};
		if (!$known{"$oid/$number"})
		{
			push @stray, $folder;
			next;
		}
		foreach my $file (glob "$folder/*")
		{
			my ($name) = $file =~ m{/([^/]+)$};
			next if $name eq 'lock';

			# a merge that can go on
			next if $name =~ /^([0-9a-f]{32})\.(?:img|ok|work|merge)$/ && -e "$folder/$1.merge" && !$known{"$oid/$number/$1"};
			my ($id) = $name =~ /^([0-9a-f]{32})\.(?:img|ok|dead|tmp)$/;

			# an image that is made in parts
			undef $id if $name =~ /tmp$/ && -e $file =~ s/tmp$/img/r;
			push @stray, $file unless defined $id && $known{"$oid/$number/$id"};
		}
	}
	return @stray;
}

1;
