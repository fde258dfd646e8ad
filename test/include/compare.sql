-- What the tests of barq_hnsw share: an exact search beside the index's, and
-- what became of a statement. Read by each of them, with \i.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

-- A forced plan costs so much that it would be compiled.
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
		line = coalesce(substring(line from '(Index Scan using \w+|Index Scan|Index Only Scan|Bitmap Heap Scan|Seq Scan|Incremental Sort|Sort|Merge Append) *(?:on .*)?$'), 'Search using ' || substring(line from '^ *Index: (\w+)$'));
		nodes = array_append(nodes, line);
	END LOOP;
	RETURN array_to_string(nodes, ' < ');
END $$;

CREATE FUNCTION pg_temp.random_vector(dims int, low float8 DEFAULT -1, high float8 DEFAULT 1) RETURNS vector
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN (SELECT array_agg((low + (high - low) * random())::real) FROM generate_series(1, dims));
END $$;

-- The operator of vector_…_ops.
CREATE FUNCTION pg_temp.operator_of(metric text) RETURNS text LANGUAGE sql
RETURN CASE metric WHEN 'l2' THEN '<->' WHEN 'ip' THEN '<#>' WHEN 'cosine' THEN '<=>' WHEN 'l1' THEN '<+>' END;

-- Whether distances ascend: but for rows at the end of a scan that was read to
-- it, which strict order could not place any more, for others farther away had
-- been returned when they were found.
CREATE FUNCTION pg_temp.in_order(distances float8[], to_the_end boolean) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	farthest float8 = '-Infinity';
	misplaced boolean = false;
	d float8;
BEGIN
	FOREACH d IN ARRAY coalesce(distances, '{}') LOOP
		IF d < farthest THEN
			misplaced = true;
		ELSIF misplaced AND d NOT IN ('Infinity', 'NaN') THEN
			RETURN false;
		END IF;
		farthest = greatest(farthest, d);
	END LOOP;
	RETURN to_the_end OR NOT misplaced;
END $$;

-- Ask the index on tab(v), and an exact scan, for the k nearest of each query.
-- wrong: queries whose distances, in order, are not the same; recall: the
-- share of the exact rows' number that the index returned no farther than
-- their last; unordered: queries whose own rows are not in order. Rows without a
-- distance (NULL, NaN) are not asked for. It is an ERROR if no index is used.
-- Queries are of any indexed type; `query` is the loop's variable.
CREATE FUNCTION pg_temp.compare(tab regclass, op text, queries anyarray, k int,
	condition text DEFAULT 'true', query anyelement DEFAULT NULL,
	OUT wrong bigint, OUT recall numeric, OUT unordered bigint)
LANGUAGE plpgsql AS $$
DECLARE
	search text = format('SELECT array_agg(d) FROM (SELECT v %s $1 AS d FROM %s WHERE %s ORDER BY v %s $1 LIMIT %s) s',
						 op, tab, condition, op, k);
	exact text = format('SELECT array_agg(d ORDER BY d) FROM (SELECT v %s $1 AS d FROM %s WHERE (%s) AND v %s $1 <> ''NaN'' ORDER BY 1 LIMIT %s) s',
						op, tab, condition, op, k);
	plan text = pg_temp.plan_of(format('SELECT v FROM %s WHERE %s ORDER BY v %s %L LIMIT %s', tab, condition, op, queries[1], k));
	by_index float8[];
	by_scan float8[];
	near bigint = 0;
	asked bigint = 0;
BEGIN
	wrong = 0;
	unordered = 0;
	IF plan NOT LIKE '%Index Scan%' OR plan LIKE '%Sort%' THEN
		RAISE 'no index is used: %', plan;
	END IF;
	FOREACH query IN ARRAY queries LOOP
		EXECUTE search INTO by_index USING query;
		-- of two plans that are both switched off the index's would win
		SET LOCAL enable_seqscan = on;
		SET LOCAL enable_indexscan = off;
		EXECUTE exact INTO by_scan USING query;
		SET LOCAL enable_indexscan = on;
		SET LOCAL enable_seqscan = off;
		IF NOT pg_temp.in_order(by_index, coalesce(array_length(by_index, 1), 0) < k) THEN
			unordered = unordered + 1;
		END IF;
		-- the index has rows whose sums are not numbers, too: they come last
		by_index = by_index[1 : (SELECT count(*) FROM unnest(by_index) d WHERE d <> 'NaN')];
		IF by_index IS DISTINCT FROM coalesce(by_scan, by_index[1 : 0]) THEN
			wrong = wrong + 1;
		END IF;
		near = near + (SELECT count(*) FROM unnest(by_index) d WHERE d <= by_scan[array_length(by_scan, 1)]);
		asked = asked + coalesce(array_length(by_scan, 1), 0);
	END LOOP;
	recall = CASE WHEN asked = 0 THEN 1 ELSE round(near::numeric / asked, 4) END;
END $$;

-- Put the next n rows of an open cursor of one integer column, or those that are left,
-- into a table.
CREATE FUNCTION pg_temp.read_into(c refcursor, n int, target regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	one int;
BEGIN
	FOR i IN 1 .. n LOOP
		FETCH c INTO one;
		EXIT WHEN NOT FOUND;
		EXECUTE format('INSERT INTO %s VALUES ($1)', target) USING one;
	END LOOP;
END $$;
