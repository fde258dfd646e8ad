-- Searches in parallel workers whose query is a parameter. A worker of a Gather knows the values
-- of InitPlans, and those of nested loops below the Gather; of one above it, whose value a
-- LATERAL subquery takes, it knows nothing: such a search followed a NULL pointer there.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE worker_items (id int, kind int, price int, body text, near vector(3), lists halfvec(3), bits bit(8)) PARTITION BY HASH (id);
CREATE TABLE worker_items_0 PARTITION OF worker_items FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE worker_items_1 PARTITION OF worker_items FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO worker_items SELECT i, i % 50, i * 7 % 1000, 'word' || i % 9, w.v, w.v, (i % 256)::bit(8)
	FROM generate_series(1, 4000) i, LATERAL (SELECT ARRAY[sin(i), cos(i), i % 7]::vector AS v) w;
CREATE INDEX ON worker_items USING barq_hnsw (near vector_l2_ops, kind);
CREATE INDEX ON worker_items USING barq_ivf (lists halfvec_cosine_ops) WITH (lists = 5);
CREATE INDEX ON worker_items USING barq_hnsw (bits bit_hamming_ops);
CREATE INDEX ON worker_items USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE INDEX ON worker_items (price);
ANALYZE worker_items;

SET jit = off;
SET enable_seqscan = off;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
-- all rows come from workers
SET parallel_leader_participation = off;

CREATE TABLE worker_queries (q text, conditions text, ordered text);
INSERT INTO worker_queries SELECT q, c, o
	FROM (VALUES ('''[1,2,3]''::vector', 'near <-> q'), ('''[1,2,3]''::halfvec', 'lists <=> q'),
		('B''01010011''', 'bits <~> q'), ('''word3''::text', 'body <@> q')) searches(q, o),
	(VALUES ('true'), ('kind < 5'), ('price < 300'), ('kind = 7 AND price < 600')) conditions(c);

-- The same rows with workers and without, by each way of a value into a search; only the value of
-- an InitPlan lets workers search
CREATE FUNCTION pg_temp.compared(query text, OUT same boolean, OUT by_workers boolean) LANGUAGE plpgsql AS $$
DECLARE
	plan text = '';
	line text;
	alone int[];
	shared int[];
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan = plan || line || E'\n';
	END LOOP;
	by_workers = plan ~ 'Gather[^\n]*\n.*(Index Scan using|Custom Scan)[^\n]*\n[^\n]*(Order By|Index:)';
	EXECUTE 'SELECT array_agg(id ORDER BY id) FROM (' || query || ') s' INTO shared;
	PERFORM set_config('max_parallel_workers_per_gather', '0', true);
	EXECUTE 'SELECT array_agg(id ORDER BY id) FROM (' || query || ') s' INTO alone;
	PERFORM set_config('max_parallel_workers_per_gather', '2', true);
	same = alone = shared AND array_length(alone, 1) > 0;
END $$;
SELECT way, bool_and((c).same) AS same, bool_or((c).by_workers) AND way <> 'initplan' AS wrongly, count(*)
FROM (SELECT way, pg_temp.compared(format(query, q, conditions, ordered, replace(ordered, ' q', ' (SELECT ' || q || ')'))) AS c
	FROM worker_queries, (VALUES
		('lateral', 'SELECT x.id FROM (SELECT %s AS q OFFSET 0) z, LATERAL (SELECT id FROM worker_items WHERE %s ORDER BY %s LIMIT 100000) x'),
		('correlated', 'SELECT unnest(ARRAY(SELECT id FROM worker_items WHERE %2$s ORDER BY %3$s LIMIT 100000)) AS id FROM (SELECT %1$s AS q OFFSET 0) z'),
		('initplan', 'SELECT id FROM worker_items WHERE %2$s ORDER BY %4$s LIMIT 100000')) ways(way, query)) s
GROUP BY way ORDER BY way;

DROP TABLE worker_items, worker_queries;
