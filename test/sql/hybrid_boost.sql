-- barq_hybrid(boost => …): an expression over the columns, multiplied into the score.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.25);
CREATE TABLE hybrid_boost (id int PRIMARY KEY, tenant int, stars int, rating float8, price numeric, day date, flag boolean, body text, v vector(4));
INSERT INTO hybrid_boost SELECT i, i % 7, i % 5, CASE WHEN i % 9 = 0 THEN NULL ELSE i % 10 END, i / 3.0, date '2026-01-01' + i % 300, i % 2 = 0, 'word ' || 'w' || i % 11, pg_temp.random_vector(4) FROM generate_series(1, 500) i;
CREATE INDEX ON hybrid_boost USING barq_hnsw (v vector_cosine_ops);
CREATE INDEX ON hybrid_boost USING barq_bm25 (body) WITH (text_config = 'simple');
ANALYZE hybrid_boost;

-- The same from the candidates without a boost, in SQL.
CREATE FUNCTION pg_temp.boosted(boost text, fusion text, condition text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	result text[];
BEGIN
	EXECUTE format($q$ SELECT array_agg(row(id, round(score::numeric, 9), vector_rank, text_rank)::text ORDER BY n) FROM (SELECT *, row_number() OVER (ORDER BY score DESC, least(vector_rank, text_rank), id) AS n
		FROM (SELECT hybrid_boost.id, score * coalesce((%s)::float8, 1) AS score, vector_rank, text_rank
			FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', 'w3 w4', k => 1000, vector_candidates => 50, text_candidates => 50, fusion => %L, filter => %L) h, LATERAL (SELECT (h.doc).*) hybrid_boost) s) t WHERE n <= 10$q$, boost, fusion, condition) INTO result;
	RETURN result;
END $$;
SELECT b AS boost, f AS fusion, c AS filter, pg_temp.boosted(b, f, c) = ARRAY(SELECT row((doc).id, round(score::numeric, 9), vector_rank, text_rank)::text
	FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', 'w3 w4', k => 10, vector_candidates => 50, text_candidates => 50, fusion => f, filter => c, boost => b)) AS same
FROM unnest(ARRAY['1', '2.5', 'stars', '1 + hybrid_boost.rating', 'CASE WHEN flag THEN 2 ELSE 1 END', 'price', 'NULL::real', 'exp(-extract(epoch FROM date ''2026-12-01'' - day::timestamp) / 86400 / 100)', 'ln(2 + id) /* a comment */']) b,
	unnest(ARRAY['rrf', 'linear']) f, unnest(ARRAY['true', 'tenant = 3']) c ORDER BY b, f, c;

-- with a boost of 0 a row stays, with score 0; NULL is 1
SELECT count(*), count(*) FILTER (WHERE score = 0) FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', k => 500, candidates => 500, boost => 'CASE WHEN flag THEN 0 END');
SELECT max(score) = barq_rrf(1) FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', boost => 'NULL::float8');
-- a comment ends with the expression; '' is none
SELECT count(*) FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', boost => 'stars -- times two');
SELECT max(score) = barq_rrf(1) FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', boost => '');

-- parameters: shared with the filter, or of the boost alone
SELECT array_agg((doc).id) AS ids, bool_and(abs(score / (barq_rrf(vector_rank) * (1 + (doc).rating * 3)) - 1) < 1e-9) AS scored, bool_and((doc).tenant = 3) AS filtered
FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', k => 3, filter => 'tenant = $1 AND rating > 0', boost => '1 + rating * $1', filter_args => ARRAY[3]);
SELECT bool_and(abs(score / (barq_rrf(vector_rank) * (0.5 + (doc).stars)) - 1) < 1e-9) AS scored FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', boost => '$1::float8 + stars', filter_args => ARRAY['0.5']);
SELECT bool_and(abs(score / (barq_rrf(vector_rank) * (0.5 + (doc).stars)) - 1) < 1e-9) AS scored FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', filter => 'tenant < $2', boost => '$1::float8 + stars', filter_args => ARRAY['0.5', '4']);
-- a boost by the time that has passed
SELECT count(*) FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', boost => 'exp(-greatest(current_date - day, 0) / 365.0)');

-- errors
SELECT b AS boost, pg_temp.outcome(format('SELECT count(*) FROM barq_hybrid(NULL::hybrid_boost, ''[1,2,3,4]'', boost => %L)', b)) FROM unnest(ARRAY['-1', '''NaN''', '''inf''::float8', 'stars - 3', 'rating / 0', '1e308 * (1 + stars)', 'flag', 'body', 'day',
	'nope', 'id; DROP TABLE hybrid_boost', 'id) FROM hybrid_boost; SELECT (1', 'id, stars', 'sum(stars)', 'rank() OVER ()', 'generate_series(1, 2)', '(SELECT 1)', 'random()', 'extract(epoch FROM clock_timestamp())', '$1', '$0', 'hybrid_boost.*', 'id AS x', '*', '1 +', '''x''']) b;
SELECT a, pg_temp.outcome('SELECT count(*) FROM barq_hybrid(NULL::hybrid_boost, ''[1,2,3,4]'', ' || a || ')') FROM unnest(ARRAY[$$boost => 'id * $1', filter_args => ARRAY[1, 2]$$, $$boost => 'id * $2', filter_args => ARRAY[1, 2]$$,
	$$boost => 'id * $1', filter => 'id < $2', filter_args => ARRAY[1]$$, $$boost => 'id * $3', filter => 'id < $1', filter_args => ARRAY[1, 2, 3]$$, $$boost => 'id * $1', filter_args => ARRAY['x']$$, $$boost => 'stars', filter_args => ARRAY[1]$$, $$filter_args => ARRAY[1]$$]) a;

-- diversity: maximal marginal relevance, by the definition
CREATE FUNCTION pg_temp.diverse(lambda float8, k int, candidates int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	chosen int[] = '{}';
	next int;
	low float8;
	high float8;
BEGIN
	CREATE TEMP TABLE pool AS SELECT (doc).id, (doc).v, n, score, (score - min(score) OVER ()) / (max(score) OVER () - min(score) OVER ()) AS relevance
		FROM (SELECT *, row_number() OVER () AS n FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', 'w3 w4', k => 1000, vector_candidates => candidates, text_candidates => candidates)) h;
	SELECT least(min(p.v <=> f.v), 0), max(p.v <=> f.v) INTO low, high FROM pool p, pool f WHERE f.n = 1 AND p.n > 1;
	FOR i IN 1 .. k LOOP
		SELECT p.id INTO next FROM pool p LEFT JOIN pool c ON c.id = ANY (chosen) WHERE p.id <> ALL (chosen)
			GROUP BY p.id, p.n, p.relevance ORDER BY (1 - lambda) * p.relevance - lambda * coalesce((high - min(p.v <=> c.v)) / (high - low), 0) DESC, p.n LIMIT 1;
		chosen = chosen || next;
	END LOOP;
	DROP TABLE pool;
	RETURN chosen;
END $$;
SELECT d AS diversity, c AS candidates, pg_temp.diverse(d, 12, c) = ARRAY(SELECT (doc).id FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', 'w3 w4', k => 12, vector_candidates => c, text_candidates => c, diversity => d)) AS same
FROM unnest(ARRAY[0, 0.1, 0.3, 0.7, 1]) d, unnest(ARRAY[20, 100]) c ORDER BY d, c;
-- more different rows than without, and the best one first
SELECT (ids[1] = first) AS first, spread > plain AS farther FROM (SELECT array_agg((doc).id) AS ids FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', diversity => 0.5)) a,
	(SELECT (doc).id AS first FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', k => 1)) b,
	(SELECT avg((x.doc).v <=> (y.doc).v) AS spread FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', diversity => 0.5) x, barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', diversity => 0.5) y) c,
	(SELECT avg((x.doc).v <=> (y.doc).v) AS plain FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]') x, barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]') y) d;
-- words alone: the distances are those of the table's index of vectors
SELECT count(DISTINCT (doc).id) FROM barq_hybrid(NULL::hybrid_boost, query => 'word', diversity => 0.5);
-- all candidates, each once; rows without a vector resemble no other
UPDATE hybrid_boost SET v = NULL WHERE id % 50 = 0;
UPDATE hybrid_boost SET v = '[0,0,0,0]' WHERE id % 50 = 1;
SELECT count(*), count(DISTINCT (doc).id), count(*) FILTER (WHERE (doc).v IS NULL) FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', 'word', k => 500, candidates => 500, diversity => 0.5);
-- copies of a row come after other rows
INSERT INTO hybrid_boost SELECT 1000 + i, 1, 1, 1, 1, now(), true, 'copy', '[1,2,3,4]' FROM generate_series(1, 5) i;
SELECT count(*) FILTER (WHERE (doc).id > 1000) AS plain FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', k => 6);
SELECT array_agg(n) FILTER (WHERE (doc).id > 1000) AS copies FROM (SELECT doc, row_number() OVER () AS n FROM barq_hybrid(NULL::hybrid_boost, '[1,2,3,4]', k => 6, diversity => 0.6)) s;
DROP TABLE hybrid_boost;

-- every distance and type
CREATE TABLE hybrid_types (id int PRIMARY KEY, l2 vector(3), ip vector(3), l1 halfvec(3), sparse sparsevec(3), bits bit(8), jaccard bit(8));
INSERT INTO hybrid_types SELECT i, ARRAY[i, i % 7, 1], ARRAY[i % 10, i % 7, 1], ARRAY[i, i % 7, 1]::vector::halfvec, format('{1:%s,2:%s}/3', i, 1 + i % 7)::sparsevec, i::bit(8), i::bit(8) FROM generate_series(1, 100) i;
CREATE INDEX ON hybrid_types USING barq_hnsw (l2 vector_l2_ops);
CREATE INDEX ON hybrid_types USING barq_ivf (ip vector_ip_ops);
CREATE INDEX ON hybrid_types USING barq_hnsw (l1 halfvec_l1_ops);
CREATE INDEX ON hybrid_types USING barq_hnsw (sparse sparsevec_cosine_ops);
CREATE INDEX ON hybrid_types USING barq_hnsw (bits bit_hamming_ops);
CREATE INDEX ON hybrid_types USING barq_hnsw (jaccard bit_jaccard_ops);
SELECT c AS column, count(*), count(DISTINCT (doc).id), array_agg((doc).id) <> (SELECT array_agg((doc).id) FROM barq_hybrid(NULL::hybrid_types, q, k => 10, vector_column => c)) AS other
FROM (VALUES ('l2'::name, '[3,3,3]'), ('ip', '[3,3,3]'), ('l1', '[3,3,3]'), ('sparse', '{1:3,2:3}/3'), ('bits', '00110011'), ('jaccard', '00110011')) t (c, q),
	LATERAL barq_hybrid(NULL::hybrid_types, q, k => 10, vector_column => c, diversity => 0.6) GROUP BY c, q ORDER BY c;
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_types, '[3,3,3]', vector_column => 'l2', query => 'x', diversity => 0.6)$$);
DROP TABLE hybrid_types;
-- diversity needs a column of vectors
CREATE TABLE hybrid_words (id int, body text);
CREATE INDEX ON hybrid_words USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_words, query => 'x', diversity => 0.1)$$);
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_words, query => 'x', diversity => 0)$$);
DROP TABLE hybrid_words;
