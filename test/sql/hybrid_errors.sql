-- barq_hybrid(): invalid arguments.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE hybrid_bad (id int PRIMARY KEY, v vector(3), body text, doc json, at point);
INSERT INTO hybrid_bad SELECT i, ARRAY[i, i, i]::vector, 'word ' || i FROM generate_series(1, 20) i;
CREATE INDEX ON hybrid_bad USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_bad USING barq_bm25 (body) WITH (text_config = 'english');
SELECT a, pg_temp.outcome('SELECT count(*) FROM barq_hybrid(NULL::hybrid_bad, ' || a || ')') FROM unnest(ARRAY[
	$$NULL$$, $$NULL, NULL$$, $$embedding => NULL::vector$$, $$'[1,2,3]', k => 0$$, $$'[1,2,3]', k => -1$$, $$'[1,2,3]', k => 100001$$, $$'[1,2,3]', k => 100000$$, $$'[1,2,3]', k => NULL$$,
	$$'[1,2,3]', candidates => 0$$, $$'[1,2,3]', candidates => -5$$, $$'[1,2,3]', candidates => 100001$$, $$'[1,2,3]', candidates => 100000$$, $$'[1,2,3]', candidates => NULL$$,
	$$'[1,2,3]', rrf_k => -1$$, $$'[1,2,3]', rrf_k => 'NaN'$$, $$'[1,2,3]', rrf_k => 'inf'$$, $$'[1,2,3]', rrf_k => NULL$$, $$'[1,2,3]', rrf_k => 0$$,
	$$'[1,2,3]', vector_weight => -1$$, $$'[1,2,3]', vector_weight => 'NaN'$$, $$'[1,2,3]', vector_weight => 'inf'$$, $$'[1,2,3]', vector_weight => NULL$$, $$'[1,2,3]', vector_weight => 0$$,
	$$'[1,2,3]', text_weight => -0.5$$, $$'[1,2,3]', text_weight => NULL$$, $$'[1,2,3]', filter_args => NULL$$, $$'[1,2,3]', filter => NULL$$,
	$$'[1,2]'$$, $$'[1,2,3,4]'$$, $$'[1,2,nan]'$$, $$''$$, $$'1,2,3'$$, $$'[1,2]'::vector$$, $$'[1,2]'::halfvec$$, $$ARRAY[1,2,3]$$, $$'[1,2,3]', vector_column => ''$$, $$'[1,2,3]', vector_column => 'ID'$$, $$'[1,2,3]', vector_column => 'body'$$,
	$$query => 'word', text_column => 'v'$$, $$query => 'word', text_column => 'nope'$$, $$query => '"open'$$, $$query => '+'$$, $$query => 'the of and'$$, $$query => 'word', vector_column => 'nope'$$, $$'[1,2,3]', nope => 1$$]) a;
-- the arguments of fusion, groups, diversity and boosts: each with each value
SELECT a, pg_temp.outcome('SELECT count(*) FROM barq_hybrid(NULL::hybrid_bad, ''[1,2,3]'', ''word'', ' || a || ')') FROM unnest(ARRAY[
	$$fusion => 'RRF'$$, $$fusion => 'minmax'$$, $$fusion => ''$$, $$fusion => NULL$$, $$fusion => 'linear'$$, $$fusion => 'linear_zscore'$$,
	$$fusion => 'linear', vector_weight => -1$$, $$fusion => 'linear', text_weight => 'NaN'$$, $$fusion => 'linear', rrf_k => -1$$, $$fusion => 'linear', vector_weight => 1e308, text_weight => 1e308$$, $$fusion => 'linear_zscore', vector_weight => 1e307$$, $$rrf_k => 0, vector_weight => 1e308, text_weight => 1e308$$,
	$$group_by => 'nope'$$, $$group_by => ''$$, $$group_by => 'ctid'$$, $$group_by => 'ID'$$, $$group_by => NULL$$, $$group_by => 'v'$$, $$group_by => 'doc'$$, $$group_by => 'at'$$,
	$$per_group => 1$$, $$per_group => 3$$, $$per_group => NULL$$, $$group_by => 'id', per_group => NULL$$, $$group_by => 'id', per_group => 0$$, $$group_by => 'id', per_group => -1$$, $$group_by => 'id', per_group => 100001$$, $$group_by => 'id', per_group => 20000$$, $$group_by => 'id', per_group => 10000$$,
	$$diversity => -0.1$$, $$diversity => 1.1$$, $$diversity => 'NaN'$$, $$diversity => 'inf'$$, $$diversity => NULL$$, $$diversity => 0$$, $$diversity => 1$$, $$diversity => 0.5, k => 10001$$, $$diversity => 0.5, candidates => 10001$$, $$diversity => 0.5, text_candidates => 10001$$, $$diversity => 0.5, candidates => 10000$$, $$candidates => 10001$$,
	$$vector_candidates => 0$$, $$vector_candidates => -1$$, $$vector_candidates => 100001$$, $$text_candidates => 0$$, $$text_candidates => 100001$$, $$vector_candidates => 100000, text_candidates => 1$$, $$vector_candidates => NULL$$]) a;
-- fewer candidates than k: raised to k
SELECT count(*) FROM barq_hybrid(NULL::hybrid_bad, '[1,2,3]', k => 15, candidates => 3);
SELECT count(*), max(vector_rank), max(text_rank) FROM barq_hybrid(NULL::hybrid_bad, '[1,2,3]', 'word', k => 7, candidates => 3);
-- fewer rows than k: all rows
SELECT count(*) FROM barq_hybrid(NULL::hybrid_bad, '[1,2,3]', 'word', k => 100000, candidates => 100000);
TRUNCATE hybrid_bad;
SELECT count(*) FROM barq_hybrid(NULL::hybrid_bad, '[1,2,3]', 'word');
DROP TABLE hybrid_bad;
