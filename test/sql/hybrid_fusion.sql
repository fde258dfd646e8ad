-- barq_hybrid(): the fusion of two rankings equals the same fusion in SQL of exact
-- rankings.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

-- the score of a rank
SELECT barq_rrf(1), barq_rrf(1) = 1 / 61.0::float8 AS first, barq_rrf(10, 0) AS tenth, barq_rrf(3, 1, 2.5) AS weighed, barq_rrf(NULL) AS absent, barq_rrf(NULL, 60, 7) AS absent_too;
SELECT x, pg_temp.outcome('SELECT barq_rrf(' || x || ')') FROM unnest(ARRAY['0', '-1', '1, -1', '1, ''NaN''', '1, ''inf''', '1, 60, -1', '1, 60, NULL', '1, NULL', 'NULL, -1']) x;

SELECT setseed(0.25);
CREATE TABLE hybrid_items (id int PRIMARY KEY, tenant int, body text, v vector(8));
INSERT INTO hybrid_items SELECT i, i % 7, (SELECT string_agg('w' || floor(40 * random() * random()), ' ') FROM generate_series(1, 12 + i % 5)), pg_temp.random_vector(8)
	FROM generate_series(1, 900) i;
CREATE INDEX hybrid_items_v ON hybrid_items USING barq_hnsw (v vector_cosine_ops);
CREATE INDEX hybrid_items_body ON hybrid_items USING barq_bm25 (body) WITH (text_config = 'simple');
INSERT INTO hybrid_items SELECT i, i % 7, (SELECT string_agg('w' || floor(40 * random() * random()), ' ') FROM generate_series(1, 12 + i % 5)), pg_temp.random_vector(8)
	FROM generate_series(901, 1000) i;
ANALYZE hybrid_items;

-- The fusion in SQL of exact rankings: no ORDER BY matches an index.
CREATE FUNCTION pg_temp.fused(q vector, words text, k int, candidates int, rrf_k float8, wv float8, wt float8, condition text)
RETURNS TABLE (id int, score float8, vector_rank int, text_rank int) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		WITH near AS (SELECT id, row_number() OVER (ORDER BY (v <=> $1) + 0, ctid) AS rank FROM hybrid_items WHERE %1$s ORDER BY rank LIMIT $3),
		found AS (SELECT id, row_number() OVER (ORDER BY d, ctid) AS rank
			FROM (SELECT id, ctid, (body <@> to_bm25query($2, 'hybrid_items_body')) + 0 AS d FROM hybrid_items WHERE %1$s) s WHERE d < 0 ORDER BY rank LIMIT $3)
		SELECT id, barq_rrf(n.rank, $4, $5) + barq_rrf(f.rank, $4, $6), n.rank::int, f.rank::int
		FROM near n FULL JOIN found f USING (id)
		ORDER BY 2 DESC, least(n.rank, f.rank), id LIMIT $7$q$, condition)
	USING q, words, candidates, rrf_k, wv, wt, k;
END $$;

-- the same rows, scores and ranks in the same order
CREATE FUNCTION pg_temp.differences(k int, candidates int, rrf_k float8, wv float8, wt float8, condition text DEFAULT 'true') RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT v, 'w' || i % 20 || ' w' || i % 33 AS words FROM generate_series(1, 30) i JOIN hybrid_items ON id = i * 31) q
	WHERE ARRAY(SELECT row((doc).id, score, vector_rank, text_rank)::text FROM barq_hybrid(NULL::hybrid_items, q.v, q.words, k, candidates, rrf_k, wv, wt, condition))
		IS DISTINCT FROM ARRAY(SELECT f::text FROM pg_temp.fused(q.v, q.words, k, greatest(k, candidates), rrf_k, wv, wt, condition) f)
$$;
SET barq.ef_search = 400;
SELECT pg_temp.differences(10, 100, 60, 1, 1);
SELECT pg_temp.differences(200, 100, 60, 1, 1);
SELECT pg_temp.differences(10, 20, 0, 1, 2.5);
SELECT pg_temp.differences(1, 1, 60, 1, 1);
SELECT pg_temp.differences(10, 100, 60, 0, 1);
SELECT pg_temp.differences(10, 100, 60, 0, 0);
SELECT pg_temp.differences(10, 100, 1e300, 1, 1);
SELECT pg_temp.differences(10, 100, 60, 1, 1, 'tenant = 3');
SELECT pg_temp.differences(50, 50, 60, 1, 1, 'id % 50 = 0');
SELECT pg_temp.differences(2000, 2000, 60, 1, 1);
SELECT pg_temp.differences(10, 100, 60, 1, 1, 'false');
-- the same without the indexes' plans
SET enable_indexscan = off;
SELECT pg_temp.differences(10, 100, 60, 1, 1);
SELECT pg_temp.differences(10, 100, 60, 1, 1, 'tenant = 3');
RESET enable_indexscan;

-- a pure ranking
SELECT array_agg((doc).id) = ARRAY(SELECT id FROM hybrid_items ORDER BY (v <=> '[1,1,1,1,0,0,0,0]') + 0, ctid LIMIT 10) AS same, bool_and(text_rank IS NULL) AS no_words,
	array_agg(vector_rank) = ARRAY(SELECT generate_series(1, 10)) AS ranked, array_agg(score) = ARRAY(SELECT barq_rrf(i) FROM generate_series(1, 10) i) AS scored
FROM barq_hybrid(NULL::hybrid_items, '[1,1,1,1,0,0,0,0]');
SELECT array_agg((doc).id) = ARRAY(SELECT id FROM (SELECT id, ctid, (body <@> to_bm25query('w3 w11', 'hybrid_items_body')) + 0 AS d FROM hybrid_items ORDER BY d, ctid LIMIT 10) s) AS same,
	bool_and(vector_rank IS NULL) AS no_vector, array_agg(text_rank) = ARRAY(SELECT generate_series(1, 10)) AS ranked
FROM barq_hybrid(NULL::hybrid_items, query => 'w3 w11');

-- rows without a rank: no vector, a zero vector under cosine, texts without the words
INSERT INTO hybrid_items VALUES (2001, 1, NULL, NULL), (2002, 1, '', '[0,0,0,0,0,0,0,0]'), (2003, 1, 'unheard', NULL), (2004, 1, NULL, '[9,9,9,9,9,9,9,9]');
SELECT count(*), count(*) FILTER (WHERE (doc).id > 2000) AS new FROM barq_hybrid(NULL::hybrid_items, '[9,9,9,9,9,9,9,9]', k => 5000);
SELECT (doc).id, vector_rank, text_rank FROM barq_hybrid(NULL::hybrid_items, '[9,9,9,9,9,9,9,9]', 'unheard', filter => 'id > 2000');
SELECT count(*) FROM barq_hybrid(NULL::hybrid_items, '[0,0,0,0,0,0,0,0]');
SELECT count(*) FROM barq_hybrid(NULL::hybrid_items, query => 'neverseen');
SELECT count(*) FROM barq_hybrid(NULL::hybrid_items, query => '');
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_items, query => '+unheard -w1');
DELETE FROM hybrid_items WHERE id > 2000;

-- the same bytes each time, and after seals, which change no statistics
CREATE FUNCTION pg_temp.bytes() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(h::text, '')) FROM hybrid_items q, LATERAL barq_hybrid(NULL::hybrid_items, q.v, 'w' || q.id % 20 || ' w' || q.id % 33) h WHERE q.id % 40 = 0
$$;
SELECT pg_temp.bytes() AS before \gset
SELECT pg_temp.bytes() = :'before' AS same;
SELECT barq_seal('hybrid_items_v') > 0 AND barq_seal('hybrid_items_body') > 0 AS sealed;
SELECT pg_temp.bytes() = :'before' AS same;
VACUUM hybrid_items;
SELECT barq_compact('hybrid_items_v') > 0 AND barq_compact('hybrid_items_body') > 0 AS compacted;
SELECT pg_temp.bytes() AS dropped \gset
SELECT pg_temp.bytes() = :'dropped' AS same;

DROP TABLE hybrid_items;

-- other rows change the top 10 little, through statistics and the graph; so do seals
-- and compactions
CREATE TABLE hybrid_moved (id int PRIMARY KEY, body text, v vector(16));
CREATE FUNCTION pg_temp.fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO hybrid_moved SELECT i, (SELECT string_agg('w' || floor(1000 * power(random(), 3)), ' ') FROM generate_series(1, 15 + i % 11)), pg_temp.random_vector(16) FROM generate_series(first, last) i
$$;
SELECT pg_temp.fill(1, 3000);
CREATE INDEX hybrid_moved_v ON hybrid_moved USING barq_hnsw (v vector_cosine_ops);
CREATE INDEX hybrid_moved_body ON hybrid_moved USING barq_bm25 (body) WITH (text_config = 'simple');
ANALYZE hybrid_moved;
RESET barq.ef_search;
-- 50 queries, of the words of a document and a vector near another's
CREATE FUNCTION pg_temp.tops() RETURNS TABLE (query int, id int) LANGUAGE sql AS $$
	SELECT q.id, (h.doc).id FROM hybrid_moved q JOIN hybrid_moved o ON o.id = q.id + 7,
		LATERAL barq_hybrid(NULL::hybrid_moved, o.v, (SELECT string_agg(w, ' ') FROM unnest((string_to_array(q.body, ' '))[3:5]) w), filter => 'id <= 3000') h
	WHERE q.id % 60 = 0 AND q.id <= 2900
$$;
CREATE TEMP TABLE hybrid_before AS SELECT * FROM pg_temp.tops();
CREATE FUNCTION pg_temp.overlap() RETURNS numeric LANGUAGE sql AS $$
	SELECT round(count(b.id)::numeric / count(*), 3) FROM pg_temp.tops() a LEFT JOIN hybrid_before b USING (query, id)
$$;
SELECT count(*), pg_temp.overlap() FROM hybrid_before;
SELECT pg_temp.fill(3001, 3300);
SELECT pg_temp.overlap() >= 0.95 AS overlap;
SELECT barq_seal('hybrid_moved_v') > 0 AND barq_seal('hybrid_moved_body') > 0 AS sealed, pg_temp.overlap() >= 0.95 AS overlap;
SELECT barq_compact('hybrid_moved_v') > 0 AND barq_compact('hybrid_moved_body') > 0 AS compacted, pg_temp.overlap() >= 0.95 AS overlap;
DROP TABLE hybrid_moved;

-- ties: the better single rank, then the primary key in its own order
CREATE TABLE hybrid_ties (b text COLLATE "C", v vector(2), a int, words text, PRIMARY KEY (a, b));
INSERT INTO hybrid_ties VALUES ('z', '[1,0]', 2, NULL), ('y', NULL, 2, 'apple'), ('x', '[2,0]', 9, NULL), ('w', NULL, 1, 'apple pie and much more'), ('v', '[9,9]', 5, 'nothing'), ('u', '[8,9]', -5, 'no');
CREATE INDEX ON hybrid_ties USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_ties USING barq_bm25 (words) WITH (text_config = 'simple');
SELECT (doc).a, (doc).b, score, vector_rank, text_rank FROM barq_hybrid(NULL::hybrid_ties, '[0,0]', 'apple');
-- both rows of a tie across k are compared
SELECT (doc).a, (doc).b FROM barq_hybrid(NULL::hybrid_ties, '[0,0]', 'apple', k => 1);
SELECT (doc).a, (doc).b FROM barq_hybrid(NULL::hybrid_ties, '[0,0]', 'apple', k => 3);
UPDATE hybrid_ties SET b = 'a' WHERE b = 'z';
SELECT (doc).a, (doc).b FROM barq_hybrid(NULL::hybrid_ties, '[0,0]', 'apple');
-- without a key: by address
ALTER TABLE hybrid_ties DROP CONSTRAINT hybrid_ties_pkey;
SELECT (doc).a, (doc).b FROM barq_hybrid(NULL::hybrid_ties, '[0,0]', 'apple');
DROP TABLE hybrid_ties;
