-- what scans say of themselves: barq_last_scan(), and on 18 and later EXPLAIN
-- ANALYZE, which must say the same
CREATE TABLE report_items (id int PRIMARY KEY, v vector(16), w halfvec(64), b text);
CREATE FUNCTION report_vector(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	'SELECT array_agg(sin((i + 1) * (j * 0.7133 + 0.31) + j * j))::vector FROM generate_series(1, dims) j';
INSERT INTO report_items SELECT i, report_vector(i, 16), report_vector(i, 64)::halfvec, 'word w' || i % 10 || ' x' || i % 50
	FROM generate_series(1, 2000) i;
CREATE INDEX report_hnsw ON report_items USING barq_hnsw (v vector_l2_ops);
CREATE INDEX report_rabitq ON report_items USING barq_hnsw (w halfvec_l2_ops) WITH (quantization = 'rabitq');
CREATE INDEX report_ivf ON report_items USING barq_ivf (v vector_cosine_ops) WITH (lists = 20);
CREATE INDEX report_bm25 ON report_items USING barq_bm25 (b) WITH (text_config = 'simple');
-- a second segment, and a log
SET barq.growing_limit = '1GB';
INSERT INTO report_items SELECT i, report_vector(i, 16), report_vector(i, 64)::halfvec, 'word w' || i % 10 || ' x' || i % 50
	FROM generate_series(2001, 2300) i;
SELECT barq_seal('report_hnsw'), barq_seal('report_rabitq'), barq_seal('report_ivf'), barq_seal('report_bm25');
INSERT INTO report_items SELECT i, report_vector(i, 16), report_vector(i, 64)::halfvec, 'word w' || i % 10 || ' x' || i % 50
	FROM generate_series(2301, 2350) i;
ANALYZE report_items;

-- EXPLAIN ANALYZE's nodes with counters, in the order in which it prints them
CREATE FUNCTION report_explained(query text) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
	RETURN QUERY SELECT node FROM jsonb_path_query(plan::jsonb, 'strict $.**') node
		WHERE jsonb_typeof(node) = 'object' AND node ? 'Segments Searched';
END $$;

-- Does EXPLAIN say what barq_last_scan() says of a query with one such scan?
CREATE FUNCTION report_agrees(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	nodes jsonb[] := ARRAY(SELECT report_explained(query));
	last record;
BEGIN
	SELECT * INTO last FROM barq_last_scan();
	IF current_setting('server_version_num')::int < 180000 THEN
		RETURN nodes = '{}' AND last.searches > 0;
	END IF;
	RETURN cardinality(nodes) = 1 AND coalesce(nodes[1]->>'Index Name', nodes[1]->>'Index') = last.index::text
		AND coalesce((nodes[1]->>'Index Searches')::bigint, last.searches) = last.searches
		AND (nodes[1]->>'Segments Searched')::bigint = last.segments
		AND (nodes[1]->>'Segment Images')::bigint = last.images
		AND (nodes[1]->>'Segments Page By Page')::bigint = last.pages
		AND (nodes[1]->>'Rows Scored')::bigint = last.rows_scored
		AND (nodes[1]->>'Heap Rows Fetched')::bigint = last.heap_rows
		AND (nodes[1]->>'Scans Cut')::bigint = last.cut
		AND (nodes[1]->>'Scans That Scored Everything')::bigint = last.scored_all;
END $$;

-- the library is loaded by nothing but the EXPLAIN; before any scan there is nothing to tell
\c -
SELECT * FROM barq_last_scan();
SET enable_seqscan = off;
SET enable_sort = off;
\c -
SET enable_seqscan = off;
SET enable_sort = off;
SELECT report_agrees($$SELECT id FROM report_items ORDER BY v <-> report_vector(7, 16) LIMIT 5$$);

-- each access method, alone, below joins, on both sides of a filter
CREATE TABLE report_queries (name text, searches int, returned int, query text);
INSERT INTO report_queries VALUES
	('hnsw, limit', 1, 10, $$SELECT id FROM report_items ORDER BY v <-> report_vector(7, 16) LIMIT 10$$),
	('hnsw, offset', 1, 300, $$SELECT id FROM report_items ORDER BY v <-> report_vector(7, 16) LIMIT 100 OFFSET 200$$),
	('hnsw, filter', 1, 10, $$SELECT id FROM report_items WHERE b LIKE '%w3%' ORDER BY v <-> report_vector(7, 16) LIMIT 10$$),
	('hnsw, lateral', 20, 100, $$SELECT n.id FROM generate_series(1, 20) g, LATERAL (SELECT id FROM report_items ORDER BY v <-> report_vector(g, 16) LIMIT 5) n$$),
	('hnsw, subselect', 3, 3, $$SELECT (SELECT id FROM report_items ORDER BY v <-> report_vector(g, 16) LIMIT 1) FROM generate_series(1, 3) g$$),
	('hnsw, initplan', 1, 1, $$SELECT (SELECT id FROM report_items ORDER BY v <-> report_vector(7, 16) LIMIT 1)$$),
	('rabitq, limit', 1, 10, $$SELECT id FROM report_items ORDER BY w <-> report_vector(7, 64)::halfvec LIMIT 10$$),
	('rabitq, lateral', 4, 20, $$SELECT n.id FROM generate_series(1, 4) g, LATERAL (SELECT id FROM report_items ORDER BY w <-> report_vector(g, 64)::halfvec LIMIT 5) n$$),
	('ivf, limit', 1, 10, $$SELECT id FROM report_items ORDER BY v <=> report_vector(7, 16) LIMIT 10$$),
	('ivf, lateral', 20, 100, $$SELECT n.id FROM generate_series(1, 20) g, LATERAL (SELECT id FROM report_items ORDER BY v <=> report_vector(g, 16) LIMIT 5) n$$),
	('bm25, limit', 1, 10, $$SELECT id FROM report_items ORDER BY b <@> to_bm25query('w3 x3', 'report_bm25') LIMIT 10$$),
	('bm25, matches ranked', 1, 10, $$SELECT id FROM report_items WHERE b @@@ to_bm25query('w3 x3', 'report_bm25') ORDER BY b <@> to_bm25query('w3 x3', 'report_bm25') LIMIT 10$$),
	('bm25, lateral', 5, 50, $$SELECT n.id FROM generate_series(1, 5) g, LATERAL (SELECT id FROM report_items ORDER BY b <@> to_bm25query('x' || g, 'report_bm25') LIMIT 10) n$$);

CREATE FUNCTION report_run(query text, OUT agrees boolean, OUT searches bigint, OUT segments bigint, OUT images bigint,
	OUT pages bigint, OUT rows_scored bigint, OUT heap_rows bigint, OUT cut bigint, OUT scored_all bigint) LANGUAGE plpgsql AS $$
BEGIN
	agrees := report_agrees(query);
	SELECT l.searches, l.segments, l.images, l.pages, l.rows_scored, l.heap_rows, l.cut, l.scored_all
		INTO searches, segments, images, pages, rows_scored, heap_rows, cut, scored_all FROM barq_last_scan() l;
END $$;
SELECT name, agrees, r.searches = q.searches AS searches, segments = 2 * r.searches AS segments,
	images + pages = segments AS images, pages = 0 AS no_pages, rows_scored >= returned AS scored,
	CASE WHEN name LIKE 'rabitq%' THEN heap_rows > 0 WHEN name LIKE 'bm25%' THEN heap_rows = 0 END AS heap_rows, cut, scored_all
	FROM report_queries q, LATERAL report_run(query) r;

-- everything is read
SELECT report_agrees($$SELECT count(*) FROM (SELECT id FROM report_items ORDER BY b <@> to_bm25query('w3', 'report_bm25')) s$$);
SELECT index, scored_all FROM barq_last_scan();
-- matches alone are found, not scored; by a bitmap too
SELECT report_agrees($$SELECT count(*) FROM report_items WHERE b @@@ to_bm25query('w3', 'report_bm25')$$);
SET enable_indexscan = off;
SELECT report_agrees($$SELECT count(*) FROM report_items WHERE b @@@ to_bm25query('w3', 'report_bm25')$$);
SELECT index, searches, segments, rows_scored, heap_rows FROM barq_last_scan();
RESET enable_indexscan;

-- a scan that is cut, once for each search
SET barq.max_scan_tuples = 100;
SELECT report_agrees($$SELECT n.id FROM generate_series(1, 3) g, LATERAL (SELECT id FROM report_items WHERE b LIKE 'nothing' ORDER BY v <-> report_vector(g, 16) LIMIT 5) n$$);
SELECT index, searches, cut FROM barq_last_scan();
RESET barq.max_scan_tuples;

-- no search: not the last scan
SELECT report_agrees($$SELECT id FROM report_items ORDER BY v <-> report_vector(7, 16) LIMIT 5$$);
SELECT n.id FROM generate_series(1, 0) g, LATERAL (SELECT id FROM report_items ORDER BY v <=> report_vector(g, 16) LIMIT 5) n;
SELECT index FROM barq_last_scan();

-- two scans in one plan have counters of their own
SELECT CASE WHEN current_setting('server_version_num')::int < 180000 THEN cardinality(nodes) = 0
	ELSE cardinality(nodes) = 2 AND
		(SELECT sum(coalesce((n->>'Index Searches')::int, 1)) = 3 AND count(DISTINCT coalesce(n->>'Index Name', n->>'Index')) = 2 AND bool_and((n->>'Rows Scored')::int > 0) FROM unnest(nodes) n)
	END AS own_counters
	FROM (SELECT ARRAY(SELECT report_explained($$SELECT (SELECT id FROM report_items ORDER BY v <-> report_vector(g, 16) LIMIT 1), (SELECT id FROM report_items ORDER BY b <@> to_bm25query('x3', 'report_bm25') LIMIT 1) FROM generate_series(1, 2) g$$)) AS nodes) s;
-- without ANALYZE there is nothing
EXPLAIN (COSTS OFF) SELECT id FROM report_items ORDER BY v <-> '[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6]' LIMIT 1;

-- another's function searches with its owner's rights: the caller learns no counts
CREATE ROLE report_nobody;
CREATE FUNCTION report_search() RETURNS int SECURITY DEFINER LANGUAGE sql AS
	'SELECT id FROM report_items ORDER BY v <-> report_vector(7, 16) LIMIT 1';
SET ROLE report_nobody;
SELECT report_search();
SELECT index, searches, rows_scored FROM barq_last_scan();
RESET ROLE;
SELECT index, searches FROM barq_last_scan();
DROP FUNCTION report_search;
DROP ROLE report_nobody;

-- the index is gone
DROP INDEX report_hnsw;
SELECT index IS NOT NULL AS gone, searches FROM barq_last_scan();
DROP TABLE report_items, report_queries;
DROP FUNCTION report_run, report_agrees, report_explained, report_vector;
