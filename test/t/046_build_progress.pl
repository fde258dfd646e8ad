# pg_stat_progress_create_index of a build that waits in the middle of its table,
# at a row whose indexed expression waits at a gate.
use strict;
use warnings;

use BarqTest;
use Test::More;

my $node = new_server('progress');

$node->safe_psql('postgres', q{
	CREATE TABLE documents (id int, body text, v vector(8));
	INSERT INTO documents SELECT i, 'word' || i % 100 || ' of many', vec8(i) FROM generate_series(1, 30000) i;
	CREATE FUNCTION gated(id int) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		IF id = 20000 THEN
			PERFORM public.pass();
		END IF;
	END $$;
	CREATE FUNCTION gated(id int, body text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		PERFORM public.gated(id);
		RETURN body;
	END $$;
	CREATE FUNCTION gated(id int, v vector) RETURNS vector(8) LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		PERFORM public.gated(id);
		RETURN v;
	END $$;
} =~ s/vec8\(i\)/array_fill(i, ARRAY[8])::vector/r);

# The row shown at the gate, and no row after the end of the build.
sub builds
{
	my ($method, $definition, $phase, $name) = @_;
	my $gate = close_gate($node);
	my $build = background($node, "CREATE INDEX progress_idx ON documents USING $method $definition;");

	wait_at_gate($node);
	is($node->safe_psql('postgres', q{
		SELECT phase, relid::regclass, tuples_done BETWEEN 10000 AND 20000, blocks_done BETWEEN 1 AND blocks_total
		FROM pg_stat_progress_create_index}), "building index: $phase|documents|t|t", "$name: in the middle of the table");
	open_gate($node, $gate);
	is(finished($build), 0, "$name: the build ends") or diag($build->{err});
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_progress_create_index}), '0', "$name: the view is empty after the build");
	is($node->safe_psql('postgres', q{SELECT sum(rows) FROM barq_segments('progress_idx')}), '30000', "$name: all rows are indexed");
	$node->safe_psql('postgres', 'DROP INDEX progress_idx');
	return;
}

builds('barq_bm25', q{((gated(id, body))) WITH (text_config = 'english')}, 'tokenizing documents', 'text');
builds('barq_hnsw', '((gated(id, v)::vector(8)) vector_l2_ops)', 'loading vectors', 'graph');
builds('barq_ivf', '((gated(id, v)::vector(8)) vector_l2_ops)', 'loading vectors', 'lists');

done_testing();
