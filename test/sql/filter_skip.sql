-- Rows that a condition on filter columns cannot match are not scored: none of a segment that has no
-- such value, though it lies between the smallest and the largest one, and no other row than
-- those that match where they are few. For every type and operator, by every access method.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
SET client_min_messages = warning;
\set ECHO all

SELECT setseed(0.4);
CREATE TYPE skip_kind AS ENUM ('k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9');
CREATE TABLE skip_columns (col text, type text);
INSERT INTO skip_columns VALUES ('s', 'smallint'), ('i', 'int'), ('b', 'bigint'), ('r', 'real'), ('d', 'float8'), ('t', 'bool'),
	('day', 'date'), ('ts', 'timestamp'), ('tz', 'timestamptz'), ('u', 'uuid'), ('w', 'text'), ('c', 'varchar'), ('o', 'oid'),
	('m', 'skip_kind'), ('si', 'smallint[]'), ('ii', 'int[]'), ('ww', 'text[]');
SELECT format('CREATE TABLE skip_items (id serial, v vector(300), body text, part int, %s) WITH (autovacuum_enabled = off)', string_agg(col || ' ' || type, ', ')) FROM skip_columns \gexec

-- value k of a column: they ascend with it
CREATE FUNCTION pg_temp.literal(col text, k int) RETURNS text LANGUAGE sql RETURN
	CASE WHEN col IN ('s', 'i', 'o') THEN k::text WHEN col = 'b' THEN (k * 10000000000)::text
		WHEN col = 'r' THEN (k / 4.0 - 100)::text WHEN col = 'd' THEN (k / 8.0 - 50)::text
		WHEN col = 'day' THEN (date '1999-01-01' + k)::text WHEN col = 'ts' THEN (timestamp '2000-01-01' + (k - 400) * interval '7 hours')::text
		WHEN col = 'tz' THEN (timestamptz '2000-01-01 00:00+00' + (k - 400) * interval '7 hours')::text
		WHEN col = 'u' THEN lpad(k::text, 8, '0') || '-2222-3333-4444-555555555555'
		WHEN col = 'm' THEN 'k' || k / 100 WHEN col = 't' THEN (k > 500)::text WHEN col IN ('w', 'c') THEN 'word' || k
		WHEN col IN ('si', 'ii') THEN format('{%s,%s}', k, k + 5000) WHEN col = 'ww' THEN format('{t%s,u%s}', k, k) END;
-- 11 rows, 10 of them with a key, for each of the values first, first + 2, … last; NULL: without values
CREATE FUNCTION pg_temp.add_rows(part int, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR k IN first .. last BY 2 LOOP
		EXECUTE (SELECT format('INSERT INTO skip_items (v, body, part, %s) SELECT CASE WHEN n > 1 THEN pg_temp.random_vector(300) END, CASE WHEN n > 1 THEN %L END, %s, %s FROM generate_series(1, 11) n',
			string_agg(col, ', '), 'red blue x' || k, part, string_agg(CASE WHEN k % 20 = 6 AND k < 300 OR k > 1000 THEN 'NULL' ELSE quote_literal(pg_temp.literal(col, k)) END, ', ')) FROM skip_columns);
	END LOOP;
END $$;

-- conditions on the values 100, 102, … 298 of one segment (some are NULL), 700, 702, … 898 of
-- another, none of a third: below, above and between them, among them, and on none
CREATE TABLE skip_conditions (n serial, condition text);
INSERT INTO skip_conditions (condition)
SELECT format('%s %s %L', col, op, pg_temp.literal(col, k)) FROM skip_columns, unnest(ARRAY['<', '<=', '=', '>=', '>']) op, unnest(ARRAY[0, 100, 220, 221, 298, 500, 700, 899, 990]) k
	WHERE type NOT LIKE '%[]' AND (op = '=' OR col NOT IN ('w', 'c'))
UNION ALL SELECT format('%s %s %L', col, op, pg_temp.literal(col, k)) FROM skip_columns, unnest(ARRAY['&&', '@>']) op, unnest(ARRAY[0, 220, 221, 500, 820, 821, 990]) k
	WHERE type LIKE '%[]'
UNION ALL SELECT format('%s = ANY (%L)', col, (SELECT array_agg(pg_temp.literal(col, k)) FROM unnest(ks::int[]) k)) FROM skip_columns, unnest(ARRAY['{0,221,500,821,990}', '{220,222}', '{0,720,990}', '{220,720}']) ks
	WHERE type NOT LIKE '%[]'
UNION ALL SELECT format('%s BETWEEN %L AND %L', col, pg_temp.literal(col, (ks::int[])[1]), pg_temp.literal(col, (ks::int[])[2])) FROM skip_columns, unnest(ARRAY['{221,221}', '{300,699}', '{200,220}', '{800,820}', '{290,710}']) ks
	WHERE type NOT LIKE '%[]' AND col NOT IN ('w', 'c')
UNION ALL SELECT format('%s IS %sNULL', col, no) FROM skip_columns, unnest(ARRAY['', 'NOT ']) no
UNION ALL SELECT condition FROM unnest(ARRAY['i = 220 AND s = 222', 'i < 300 AND w = ''word220''', 'i > 500 AND w = ''word220''', 'i IS NULL AND t',
	'si && ''{220}'' AND ww @> ''{t220}''', 'si @> ''{220,222}''', 'si && ''{}''', 'ii @> ''{820}'' AND day < ''1999-06-01''']) condition;
-- matches: with a key; at: rows with a key of the segments that have matches. Of a uuid its
-- first half is compared: of the rows that equal it the heap is asked.
CREATE TABLE skip_wanted AS SELECT n, condition, 0 AS rows, 0 AS keyed, 0 AS matches, 0 AS at FROM skip_conditions;
CREATE FUNCTION pg_temp.count_wanted() RETURNS TABLE (nowhere bigint, one_segment bigint, more bigint) LANGUAGE plpgsql AS $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT * FROM skip_conditions LOOP
		EXECUTE format('UPDATE skip_wanted SET (rows, keyed, matches, at) = (SELECT count(*) FILTER (WHERE %1$s), count(v) FILTER (WHERE %1$s), count(v), (SELECT count(v) FROM skip_items WHERE part IN (SELECT part FROM skip_items WHERE %2$s)) FROM skip_items WHERE %2$s) WHERE n = %3$s',
			c.condition, regexp_replace(c.condition, '^u ([<>]) ', 'u \1= '), c.n);
	END LOOP;
	RETURN QUERY SELECT count(*) FILTER (WHERE at = 0), count(*) FILTER (WHERE at BETWEEN 1 AND 1000), count(*) FILTER (WHERE at > 1000) FROM skip_wanted;
END $$;

-- The cells where other rows are found or too many scored: by vectors each match once, to the end of
-- a scan and within a limit; by texts, where a row is counted for each word and each look at it, at
-- most thrice for each of few matches, and at most five times for each row of segments that have any.
CREATE FUNCTION pg_temp.compare(method text, distance text, filter text DEFAULT 'true') RETURNS TABLE (condition text, few int, got bigint, scored bigint, rows int, keyed int, matches int, at int) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	w record;
BEGIN
	FOR w IN SELECT * FROM skip_wanted s, unnest(ARRAY[5, 100000]) few ORDER BY n LOOP
		few = w.few;
		EXECUTE format('SELECT count(*) FROM (SELECT FROM skip_items WHERE %s AND %s ORDER BY %s LIMIT %s) s', w.condition, filter, distance, few) INTO got;
		SELECT l.rows_scored INTO scored FROM barq_last_scan() l WHERE l.index::text LIKE '%' || method;
		condition = w.condition;
		rows = w.rows;
		keyed = w.keyed;
		matches = w.matches;
		at = w.at;
		CONTINUE WHEN got = least(few, CASE WHEN filter = 'true' THEN rows ELSE keyed END) AND
			CASE WHEN method = 'bm25' THEN scored <= CASE WHEN matches <= 40 THEN 3 * matches ELSE 5 * at END ELSE scored <= matches AND (few < 100000 OR scored = matches) END;
		RETURN NEXT;
	END LOOP;
END $$;
SELECT pg_temp.add_rows(1, 100, 298);
SELECT format('CREATE INDEX skip_hnsw ON skip_items USING barq_hnsw (v vector_l2_ops, %s) WITH (m = 8, ef_construction = 32, quantization = none)', string_agg(col, ', ')) FROM skip_columns \gexec
SELECT pg_temp.add_rows(2, 700, 898);
SELECT barq_seal('skip_hnsw');
SELECT pg_temp.add_rows(3, 1002, 1200);
SELECT barq_seal('skip_hnsw');
SELECT kind, rows FROM barq_segments('skip_hnsw');
SELECT * FROM pg_temp.count_wanted();
SELECT * FROM pg_temp.compare('hnsw', 'v <-> array_fill(0.1, ARRAY[300])::vector');
DROP INDEX skip_hnsw;
TRUNCATE skip_items;
SELECT pg_temp.add_rows(1, 100, 298);
SELECT format('CREATE INDEX skip_ivf ON skip_items USING barq_ivf (v, %s) WITH (lists = 20, quantization = none)', string_agg(col, ', ')) FROM skip_columns \gexec
SELECT pg_temp.add_rows(2, 700, 898);
SELECT barq_seal('skip_ivf');
SELECT pg_temp.add_rows(3, 1002, 1200);
SELECT barq_seal('skip_ivf');
SELECT kind, rows FROM barq_segments('skip_ivf');
SELECT * FROM pg_temp.compare('ivf', 'v <-> array_fill(0.1, ARRAY[300])::vector');
DROP INDEX skip_ivf;
TRUNCATE skip_items;
SELECT pg_temp.add_rows(1, 100, 298);
SELECT format('CREATE INDEX skip_bm25 ON skip_items USING barq_bm25 (body, %s) WITH (text_config = simple)',
	string_agg(col || CASE WHEN col IN ('w', 'c') THEN ' text_filter_ops' WHEN col = 'ww' THEN ' text_array_filter_ops' ELSE '' END, ', ')) FROM skip_columns \gexec
SELECT pg_temp.add_rows(2, 700, 898);
SELECT barq_seal('skip_bm25');
SELECT pg_temp.add_rows(3, 1002, 1200);
SELECT barq_seal('skip_bm25');
SELECT kind, rows FROM barq_segments('skip_bm25');
SELECT * FROM pg_temp.compare('bm25', 'body <@> ''red x220''');
SELECT * FROM pg_temp.compare('bm25', 'body <@> ''red x220''', 'body @@@ ''red''');
DROP TABLE skip_items, skip_columns, skip_conditions, skip_wanted;
DROP TYPE skip_kind;
