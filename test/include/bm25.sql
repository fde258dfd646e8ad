-- What the tests of barq_bm25 share: BM25 by brute force in SQL, from the terms
-- of each document and the statistics that the index shows. Read with \i.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;
SET jit = off;

-- What a statement says or raises, on one line.
CREATE FUNCTION pg_temp.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
	hint text;
BEGIN
	IF statement ~* '^select' THEN
		EXECUTE statement INTO result;
	ELSE
		EXECUTE statement;
	END IF;
	RETURN 'no error' || coalesce(': ' || result, '');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	-- PostgreSQL's own about functions and operators, which versions word differently
	IF concat(detail, hint) ~ 'No (function|operator)|best candidate' THEN
		RETURN concat_ws(' / ', SQLSTATE, SQLERRM);
	END IF;
	RETURN concat_ws(' / ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;

-- The nodes of a statement's plan that read or sort, from the top; a custom scan of
-- barq's as `Search using` its index.
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	nodes text[] = '{}';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		line = coalesce(substring(line from '(Index Scan using \w+|Index Scan|Bitmap Heap Scan|Bitmap Index Scan on \w+|BitmapAnd|BitmapOr|Seq Scan|Incremental Sort|Sort|Merge Append|Append) *(?:on .*)?$'),
			'Search using ' || substring(line from '^ *Index: (\w+)$'), substring(line from '(?:Order By|Index Cond): .*'));
		nodes = array_append(nodes, line);
	END LOOP;
	RETURN array_to_string(nodes, ' < ');
END $$;

-- Random documents of a few words, frequent ones and rare ones.
CREATE FUNCTION pg_temp.random_body(longest int) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(string_agg('w' || floor(60 * random() ^ 3)::int, ' '), '') FROM generate_series(1, floor(random() * (longest + 1))::int) $$;

-- What a query of words, of the table tab(id, body) with that index, has to
-- return: every row, best first, then in table order, NULLs last. The
-- statistics are the index's own; k1 and b those given.
CREATE FUNCTION pg_temp.brute(tab regclass, idx regclass, config regconfig, words text[], k1 float8 DEFAULT 1.2, b float8 DEFAULT 0.75)
RETURNS TABLE (id int, score float8) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		WITH stats AS MATERIALIZED (SELECT documents, tokens::float8 / documents AS average FROM barq_bm25_stats(%L)),
		asked AS MATERIALIZED (SELECT term, ln(1 + (documents - df + 0.5) / (df + 0.5)) AS idf
			FROM stats, (SELECT term, barq_bm25_df(%L, term)::float8 AS df FROM (SELECT DISTINCT t.term COLLATE "C" AS term FROM unnest($1) w, barq_bm25_terms(w, %L::regconfig) t) d) f),
		words AS MATERIALIZED (SELECT d.id, d.ctid AS at, t.term COLLATE "C" AS term, t."position" FROM %s d, barq_bm25_terms(d.body, %L::regconfig) t),
		lengths AS (SELECT w.id, w.at, count(DISTINCT w."position") AS length FROM words w GROUP BY 1, 2),
		frequencies AS (SELECT w.id, w.term, count(*)::float8 AS tf FROM words w JOIN asked USING (term) GROUP BY 1, 2)
		SELECT d.id, CASE WHEN d.body IS NOT NULL THEN coalesce(s.score, 0) END FROM %s d LEFT JOIN (
			SELECT f.id, sum(idf * tf * ($2 + 1) / (tf + $2 * (1 - $3 + $3 * length / average)) ORDER BY f.term) AS score
			FROM frequencies f JOIN lengths USING (id) JOIN asked USING (term), stats GROUP BY 1) s USING (id)
		ORDER BY d.body IS NULL, round(coalesce(s.score, 0)::numeric, 12) DESC, d.ctid$q$, idx, idx, config, tab, config, tab) USING words, k1, b;
END $$;

-- Queries whose answer by the index is not what brute force says: ids in
-- order, scores equal to 1e-12, and `<@>` in the SELECT list the same again.
CREATE FUNCTION pg_temp.wrong(tab regclass, idx regclass, config regconfig, queries text[], lim int, k1 float8 DEFAULT 1.2, b float8 DEFAULT 0.75)
RETURNS TABLE (asked int, wrong int, no_index int) LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	query text;
	search text;
	by_index int[];
	scores float8[];
	wanted int[];
	wanted_scores float8[];
BEGIN
	asked = 0; wrong = 0; no_index = 0;
	FOREACH query IN ARRAY queries LOOP
		search = format('SELECT id, -(body <@> to_bm25query(%L, %L)) AS s FROM %s ORDER BY body <@> to_bm25query(%L, %L) LIMIT %s', query, idx, tab, query, idx, lim);
		no_index = no_index + (pg_temp.plan_of(search) NOT LIKE '%Search using%')::int;
		EXECUTE format('SELECT coalesce(array_agg(id), ''{}''), coalesce(array_agg(s), ''{}'') FROM (%s) q', search) INTO by_index, scores;
		SELECT coalesce(array_agg(q.id), '{}'), coalesce(array_agg(q.score), '{}') INTO wanted, wanted_scores
		FROM (SELECT * FROM pg_temp.brute(tab, idx, config, string_to_array(query, ' '), k1, b) x LIMIT lim) q;
		asked = asked + 1;
		IF by_index IS DISTINCT FROM wanted OR EXISTS (SELECT FROM unnest(scores, wanted_scores) AS u(s, w) WHERE abs(s - w) > 1e-12 * w OR (s IS NULL) <> (w IS NULL)) THEN
			wrong = wrong + 1;
		END IF;
	END LOOP;
	RETURN NEXT;
END $$;
