-- barq_hybrid(fusion => …), and the caps of each ranking: equal to the same fusion in
-- SQL of exact rankings.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.5);
CREATE TABLE hybrid_linear (id int PRIMARY KEY, tenant int, body text, v vector(8));
INSERT INTO hybrid_linear SELECT i, i % 7, (SELECT string_agg('w' || floor(40 * random() * random()), ' ') FROM generate_series(1, 12 + i % 5)), pg_temp.random_vector(8)
	FROM generate_series(1, 900) i;
CREATE INDEX ON hybrid_linear USING barq_hnsw (v vector_l2_ops);
CREATE INDEX hybrid_linear_body ON hybrid_linear USING barq_bm25 (body) WITH (text_config = 'simple');
ANALYZE hybrid_linear;
SET barq.ef_search = 400;

-- The same in SQL, by the definition: a term of each ranking, 0 for the rows that it
-- lacks. The z-score of a row, less that of the ranking's last row. `cut`: candidates.
CREATE FUNCTION pg_temp.fused(q vector, words text, fusion text, k int, cut_v int, cut_t int, wv float8, wt float8, condition text)
RETURNS TABLE (id int, score float8, vector_rank int, text_rank int) LANGUAGE plpgsql AS $$
DECLARE
	term text = CASE fusion WHEN 'linear' THEN 'CASE WHEN max(s) OVER () > min(s) OVER () THEN (s - min(s) OVER ()) / (max(s) OVER () - min(s) OVER ()) ELSE 1 END'
		ELSE 'CASE WHEN max(s) OVER () > min(s) OVER () THEN (s - avg(s) OVER ()) / stddev_pop(s) OVER () - (min(s) OVER () - avg(s) OVER ()) / stddev_pop(s) OVER () ELSE 1 END' END;
BEGIN
	RETURN QUERY EXECUTE format($q$
		WITH near AS (SELECT id, rank, %2$s AS term FROM (SELECT id, -((v <-> $1) + 0) AS s, row_number() OVER (ORDER BY (v <-> $1) + 0, ctid) AS rank FROM hybrid_linear WHERE %1$s ORDER BY rank LIMIT $3) x),
		found AS (SELECT id, rank, %2$s AS term FROM (SELECT id, -d AS s, row_number() OVER (ORDER BY d, ctid) AS rank
			FROM (SELECT id, ctid, (body <@> to_bm25query($2, 'hybrid_linear_body')) + 0 AS d FROM hybrid_linear WHERE %1$s) s WHERE d < 0 ORDER BY rank LIMIT $4) x)
		SELECT id, coalesce($5 * n.term, 0) + coalesce($6 * f.term, 0), n.rank::int, f.rank::int
		FROM near n FULL JOIN found f USING (id)
		ORDER BY 2 DESC, least(n.rank, f.rank), id LIMIT $7$q$, condition, term)
	USING q, words, cut_v, cut_t, wv, wt, k;
END $$;

-- Queries whose rows, ranks or scores (to 9 digits) differ. Rows with the same score but
-- for rounding may change places, so the order is compared by score.
CREATE FUNCTION pg_temp.differences(fusion text, k int DEFAULT 10, cut_v int DEFAULT 100, cut_t int DEFAULT 100, wv float8 DEFAULT 1, wt float8 DEFAULT 1, condition text DEFAULT 'true') RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT v, 'w' || i % 20 || ' w' || i % 33 AS words FROM generate_series(1, 30) i JOIN hybrid_linear ON id = i * 29) q
	WHERE ARRAY(SELECT row((doc).id, round(score::numeric, 9), vector_rank, text_rank)::text
			FROM barq_hybrid(NULL::hybrid_linear, q.v, q.words, k, fusion => differences.fusion, vector_candidates => cut_v, text_candidates => cut_t, vector_weight => wv, text_weight => wt, filter => condition) h
			ORDER BY round(score::numeric, 9) DESC, least(vector_rank, text_rank), (doc).id)
		IS DISTINCT FROM ARRAY(SELECT row(id, round(score::numeric, 9), vector_rank, text_rank)::text FROM pg_temp.fused(q.v, q.words, fusion, k, cut_v, cut_t, wv, wt, condition) f
			ORDER BY round(score::numeric, 9) DESC, least(vector_rank, text_rank), id)
$$;
SELECT f AS fusion, pg_temp.differences(f) AS plain, pg_temp.differences(f, 200) AS all_candidates, pg_temp.differences(f, wv => 0.3, wt => 0.7) AS weighed,
	pg_temp.differences(f, cut_v => 20, cut_t => 50) AS capped, pg_temp.differences(f, cut_v => 1, cut_t => 1) AS single, pg_temp.differences(f, wv => 0) AS words_only,
	pg_temp.differences(f, condition => 'tenant = 3') AS filtered, pg_temp.differences(f, condition => 'false') AS none
FROM unnest(ARRAY['linear', 'linear_zscore']) f;
-- in descending order of score
SELECT f AS fusion, count(*), bool_and(descends) FROM unnest(ARRAY['rrf', 'linear', 'linear_zscore']) f,
	LATERAL (SELECT score <= coalesce(lag(score) OVER (), 'inf') AS descends FROM barq_hybrid(NULL::hybrid_linear, '[1,2,3,4,4,3,2,1]', 'w1 w5', k => 150, fusion => f)) s GROUP BY f ORDER BY f;
-- a score is between 0 and the sum of the weights; the best row of a ranking has the ranking's weight
SELECT min(score) >= 0, max(score) <= 3, max(score) FILTER (WHERE vector_rank = 1) >= 1 FROM barq_hybrid(NULL::hybrid_linear, '[1,2,3,4,4,3,2,1]', 'w1 w5', k => 150, fusion => 'linear', text_weight => 2);
-- rrf is the default
SELECT count(*) FROM (SELECT h::text FROM barq_hybrid(NULL::hybrid_linear, '[1,2,3,4,4,3,2,1]', 'w1 w5') h EXCEPT ALL SELECT h::text FROM barq_hybrid(NULL::hybrid_linear, '[1,2,3,4,4,3,2,1]', 'w1 w5', fusion => 'rrf') h) d;

-- caps: no ranking has more rows than its own, whatever k; without one it has at least k
SELECT k, v, t, count(*), max(vector_rank), max(text_rank) FROM unnest(ARRAY[10, 100]) k, unnest(ARRAY[5, 60, NULL]) v, unnest(ARRAY[7, NULL]) t,
	LATERAL barq_hybrid(NULL::hybrid_linear, '[1,2,3,4,4,3,2,1]', 'w1 w5', k => k, candidates => 20, vector_candidates => v, text_candidates => t) GROUP BY k, v, t ORDER BY k, v, t;

-- scores without a range: equal distances count 1
SELECT fusion, array_agg(score) FROM unnest(ARRAY['linear', 'linear_zscore']) fusion, LATERAL barq_hybrid(NULL::hybrid_linear, '[1,2,3,4,4,3,2,1]', k => 1, candidates => 1, fusion => fusion) GROUP BY fusion ORDER BY fusion;
DROP TABLE hybrid_linear;

-- infinite distances: finite scores, the infinite ones last
CREATE TABLE hybrid_infinite (id int PRIMARY KEY, v vector(2));
INSERT INTO hybrid_infinite VALUES (1, '[3e38,3e38]'), (2, '[1,1]'), (3, '[2,2]'), (4, '[-3e38,-3e38]');
CREATE INDEX ON hybrid_infinite USING barq_hnsw (v vector_ip_ops);
SELECT fusion, array_agg((doc).id), bool_and(score BETWEEN 0 AND 10) FROM unnest(ARRAY['linear', 'linear_zscore']) fusion, LATERAL barq_hybrid(NULL::hybrid_infinite, '[3e38,3e38]', fusion => fusion) GROUP BY fusion ORDER BY fusion;
DROP TABLE hybrid_infinite;
