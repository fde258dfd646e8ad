-- barq_facets() of columns of which nearly every row has a value of its own: terms in their
-- order, ranges, histograms and statistics of each type equal those of SQL, in time zones whose
-- clocks go back, for the extremes of types, NULLs, several segments, a log, deleted rows,
-- partitions, by the index and by rows of the table.
SET client_min_messages = warning;
SET datestyle = iso;
SET extra_float_digits = 1;
CREATE TABLE many (id int, small smallint, price int, big bigint, r real, f float8, o oid, made date, at timestamp, atz timestamptz, brand text COLLATE "C", tags text[], nums int[], body text) PARTITION BY RANGE (id);
CREATE TABLE many_1 PARTITION OF many FOR VALUES FROM (0) TO (3000) WITH (autovacuum_enabled = off);
CREATE TABLE many_2 PARTITION OF many FOR VALUES FROM (3000) TO (4000) WITH (autovacuum_enabled = off);
CREATE TABLE many_3 PARTITION OF many DEFAULT;
-- times about changes of clocks: St. John's at 00:01, New York at 2:00, Apia without 30 December
CREATE FUNCTION distinct_fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO many SELECT i, i * 37 % 2001 - 1000, CASE WHEN i % 17 > 0 THEN i * 7919 % 4001 - 2000 END,
		CASE i % 100 WHEN 1 THEN 9223372036854775807 WHEN 2 THEN -9223372036854775808 WHEN 3 THEN -9223372036854775807 ELSE i * 6364136223846793005::numeric % 9223372036854775807 - 4611686018427387904 END::bigint,
		CASE WHEN i % 90 = 0 THEN 'NaN' WHEN i % 91 = 0 THEN '-0' ELSE i * 7919 % 3001 / 8.0 - 100 END::real,
		CASE WHEN i % 90 = 0 THEN 'NaN' WHEN i % 91 = 0 THEN 'Infinity' WHEN i % 92 = 0 THEN '-Infinity' WHEN i % 93 = 0 THEN '-0' WHEN i % 94 = 0 THEN '0' WHEN i % 95 = 0 THEN '1e308' WHEN i % 96 = 0 THEN '-4e-324' ELSE (sin(i) * 1000)::text END::float8,
		4294967295 - i * 7919 % 3001,
		CASE WHEN i % 90 = 0 THEN 'infinity' WHEN i % 91 = 0 THEN '-infinity' WHEN i % 92 = 0 THEN '0044-03-15 BC' ELSE date '1995-01-01' + i * 7919 % 3001 END,
		CASE WHEN i % 90 = 0 THEN 'infinity' WHEN i % 91 = 0 THEN '-infinity' WHEN i % 92 = 0 THEN '4713-01-01 00:00:00 BC' WHEN i % 93 = 0 THEN '294276-12-31 23:59:59.999999' ELSE timestamp '1999-12-29' + i * 7919 % 10007 * interval '61 seconds 1 microsecond' END,
		CASE WHEN i % 90 = 0 THEN 'infinity' WHEN i % 91 = 0 THEN '-infinity' WHEN i % 92 = 0 THEN '0001-01-01 00:00:00+00 BC' WHEN i % 93 = 0 THEN '294276-12-31 00:00:00+00' WHEN i % 94 = 0 THEN '2000-10-29 02:30:30+00'
			ELSE (ARRAY['2000-10-29 02:00+00', '1995-10-29 02:31+00', '1883-11-18 17:00+00', '2011-12-30 09:00+00', '2005-04-03 07:00+00']::timestamptz[])[1 + i % 5] + (i * 7919 % 10007 - 5000) * interval '13.7 seconds' END,
		CASE WHEN i % 19 > 0 THEN 'brand ' || i * 7919 % 3001 END,
		CASE WHEN i % 7 > 0 THEN ARRAY['t' || i * 7919 % 3001, 't' || i % 5, NULL] END, CASE WHEN i % 5 > 0 THEN ARRAY[i * 7919 % 3001, i % 4] END,
		CASE WHEN i % 4 > 0 THEN 'red' END FROM generate_series(first, last) i
$$;
SELECT distinct_fill(1, 3500);
CREATE INDEX many_i ON many USING barq_bm25 (body, small, price, big, r, f, o, made, at, atz, brand text_filter_ops, tags text_array_filter_ops, nums) WITH (text_config = 'simple');
VACUUM ANALYZE many;

-- each facet, as barq_facets() is asked for it and as SQL has it; `ordered`: with the order of rows
CREATE TABLE asks (args text, truth text, ordered bool);
INSERT INTO asks
	SELECT format('columns => %L, size => %s', ARRAY[c], coalesce(n::text, 'NULL')),
		format('(SELECT %1$L::text, v::text, count(*), ''term'' FROM (SELECT %2$s AS v FROM many WHERE body = ''red'') x WHERE v IS NOT NULL GROUP BY v ORDER BY count(*) DESC, x.v LIMIT %3$s) UNION ALL (SELECT %1$L, NULL, count(*), ''term'' FROM many WHERE body = ''red'' AND %1$I IS NULL HAVING count(*) > 0)', c,
			CASE c WHEN 'f' THEN 'CASE WHEN f = 0 THEN 0 ELSE f END' WHEN 'r' THEN 'CASE WHEN r = 0 THEN 0 ELSE r END' ELSE c END, coalesce(n::text, 'NULL')), true
	FROM unnest(ARRAY['small', 'price', 'big', 'r', 'f', 'o', 'made', 'at', 'atz', 'brand']) c, unnest(ARRAY[1, 7, 1500, NULL]) n;
INSERT INTO asks
	SELECT format('columns => %L, size => %s', ARRAY[c], coalesce(n::text, 'NULL')),
		format('(SELECT %1$L::text, v::text, count(*), ''term'' FROM (SELECT DISTINCT id, v FROM many, unnest(%1$I) v WHERE body = ''red'' AND v IS NOT NULL) x GROUP BY v ORDER BY count(*) DESC, x.v COLLATE "C" LIMIT %2$s) UNION ALL (SELECT %1$L, NULL, count(*), ''term'' FROM many WHERE body = ''red'' AND %1$I IS NULL HAVING count(*) > 0)', c, coalesce(n::text, 'NULL')), true
	FROM unnest(ARRAY['tags', 'nums']) c, unnest(ARRAY[7, NULL]) n;
UPDATE asks SET truth = replace(truth, 'x.v COLLATE "C"', 'x.v') WHERE args ~ 'nums';
INSERT INTO asks
	SELECT format('histograms => ''{"%s": "%s"}''', c, u), format('SELECT %L::text, v::text, count(*), ''histogram'' FROM (SELECT date_trunc(%L, %I%s AS v FROM many WHERE body = ''red'') x GROUP BY v ORDER BY x.v', c, u, c, CASE c WHEN 'made' THEN '::timestamp)::date' ELSE ')' END), true
	FROM unnest(ARRAY['made', 'at', 'atz']) c, unnest(ARRAY['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'decade', 'century', 'millennium']) u WHERE c <> 'made' OR u !~ 'second|minute|hour';
INSERT INTO asks
	SELECT format('histograms => ''{"%s": %s}''', c, w), format('SELECT %L::text, v::text, count(*), ''histogram'' FROM (SELECT CASE WHEN %1$I %% %2$s < 0 THEN greatest(%1$I::numeric - %1$I %% %2$s - %2$s, -9223372036854775808) ELSE %1$I - %1$I %% %2$s END AS v FROM many WHERE body = ''red'' AND %1$I IS NOT NULL) x GROUP BY v ORDER BY x.v', c, w), true
	FROM unnest(ARRAY['small', 'price', 'big']) c, unnest(ARRAY[1, 7, 1000]) w;
INSERT INTO asks
	SELECT format('histograms => ''{"%s": %s}''', c, w), format('SELECT %L::text, (CASE WHEN v = 0 THEN 0 ELSE v END)::text, count(*), ''histogram'' FROM (SELECT floor(%1$I / %2$s::float8) * %2$s::float8 AS v FROM many WHERE body = ''red'' AND NOT %1$I::float8 = ''1e308'') x GROUP BY v ORDER BY x.v', c, w), true
	FROM unnest(ARRAY['r', 'f']) c, unnest(ARRAY[0.25, 10]) w;
UPDATE asks SET args = args || ', filter => ''NOT f = $1'', filter_args => ''{1e308}''' WHERE args ~ '"f"';
INSERT INTO asks
	SELECT format('ranges => ''{"%s": ["%s", "%s"]}''', c, low, high), format('SELECT %1$L, x.v, count(*) FILTER (WHERE x.is_in AND body = ''red''), ''range'' FROM many, LATERAL (VALUES (1, format(''(,%%s)'', %2$L::%4$s), %1$I < %2$L), (2, format(''[%%s,%%s)'', %2$L::%4$s, %3$L::%4$s), %1$I >= %2$L AND %1$I < %3$L), (3, format(''[%%s,)'', %3$L::%4$s), %1$I >= %3$L)) x(n, v, is_in) GROUP BY 1, x.n, 2 ORDER BY x.n', c, low, high, t), true
	FROM (VALUES ('small', '-7', '300', 'smallint'), ('price', '-2000', '2000', 'int'), ('big', '-9223372036854775808', '0', 'bigint'), ('r', '-0', '7.125', 'real'), ('f', '-Infinity', '3', 'float8'), ('f', '0', 'NaN', 'float8'),
		('made', '-infinity', '1999-12-31', 'date'), ('at', '2000-01-01', 'infinity', 'timestamp'), ('atz', '1970-01-01 00:00:00+00', '2000-10-29 02:31:00+00', 'timestamptz')) x(c, low, high, t);
INSERT INTO asks
	SELECT format('stats => ''{%s}''', c), format('SELECT %1$L, x.v, x.n, x.kind FROM (SELECT count(%1$I) AS n, min(%1$I)::text AS low, max(%1$I)::text AS high, %2$s AS mean FROM many WHERE body = ''red'') s, LATERAL (VALUES (low, n, ''min''), (high, n, ''max'')%3$s) x(v, n, kind)', c,
		CASE WHEN c IN ('small', 'price', 'big') THEN format('avg(%I)::text', c) ELSE 'NULL' END, CASE WHEN c IN ('small', 'price', 'big') THEN ', (mean, n, ''avg'')' ELSE '' END), true
	FROM unnest(ARRAY['small', 'price', 'big', 'made', 'at', 'atz']) c;
CREATE FUNCTION distinct_cells(what text) RETURNS TABLE (state text, cells int, wrong text) LANGUAGE plpgsql AS $$
DECLARE
	a record;
	equal bool;
BEGIN
	state := what; cells := 0;
	FOR a IN SELECT * FROM asks LOOP
		EXECUTE format('SELECT (SELECT array_agg(ROW("column", value, count, kind)::text) FROM barq_facets(''many_i'', ''red'', %s)) IS NOT DISTINCT FROM (SELECT array_agg(ROW(t.*)::text) FROM (%s) t)', a.args,
			a.truth) INTO equal;
		cells := cells + 1;
		IF NOT equal THEN
			wrong := concat_ws('; ', wrong, a.args);
		END IF;
	END LOOP;
	RETURN NEXT;
END $$;
SELECT * FROM distinct_cells('all-visible');
SELECT distinct_fill(3501, 3550);
SELECT sum(barq_seal(indexrelid)) AS sealed FROM pg_index WHERE indrelid IN ('many_1'::regclass, 'many_2'::regclass);
SELECT distinct_fill(3551, 3580);
DELETE FROM many WHERE id % 23 = 0;
SET timezone = 'America/St_Johns';
SELECT * FROM distinct_cells('two segments, a log, deleted rows; St. John''s');
SET timezone = 'America/New_York';
SELECT * FROM distinct_cells('New York');
SET timezone = 'Pacific/Apia';
SELECT * FROM distinct_cells('Apia');
SET timezone = 'Asia/Kathmandu';
SET barq.count_scan = off;
SELECT * FROM distinct_cells('by rows of the table; Kathmandu');
RESET barq.count_scan;
DROP TABLE many, asks;
DROP FUNCTION distinct_fill, distinct_cells;

-- the average of floats whose sum is too large is an error, as avg() of them
CREATE TABLE large (body text, f float8, r real);
INSERT INTO large SELECT 'red', 1e308, 3e38 FROM generate_series(1, 3);
CREATE INDEX large_i ON large USING barq_bm25 (body, f, r) WITH (text_config = 'simple');
SELECT avg(f) FROM large;
SELECT * FROM barq_facets('large_i', 'red', stats => '{f}');
SELECT * FROM barq_facets('large_i', 'red', stats => '{r}');
UPDATE large SET f = 'Infinity';
SELECT avg(f) FROM large;
SELECT * FROM barq_facets('large_i', 'red', stats => '{f}');
SET barq.count_scan = off;
UPDATE large SET f = -1e308;
SELECT * FROM barq_facets('large_i', 'red', stats => '{f}');
RESET barq.count_scan;
DROP TABLE large;
