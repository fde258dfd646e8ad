-- barq_facets(): terms, ranges, histograms and statistics of each type of filter column equal
-- those of GROUP BY over rows that regular expressions find: all-visible pages, some not, own
-- uncommitted rows, a log, partitions, a filter that the index knows or not, row security;
-- rights; errors.
SET client_min_messages = warning;
SET datestyle = iso;
CREATE TYPE facet_mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE facet_one (id int, small smallint, price int, big bigint, r real, f float8, on_sale bool, o oid, made date, at timestamp, atz timestamptz, brand text, kind varchar(20), mood facet_mood, tags text[], nums int[], key uuid, body text) WITH (autovacuum_enabled = off);
CREATE TABLE facet_parts (LIKE facet_one) PARTITION BY RANGE (id);
CREATE TABLE facet_parts_1 PARTITION OF facet_parts FOR VALUES FROM (0) TO (200);
CREATE TABLE facet_parts_2 PARTITION OF facet_parts DEFAULT;
CREATE FUNCTION pg_temp.fill(tab text, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($f$INSERT INTO %I SELECT i, i %% 7 - 3, CASE WHEN i %% 13 > 0 THEN i * 37 %% 101 - 20 END, i * 3000000000 * (i %% 3 - 1), (i %% 9) / 4.0, CASE WHEN i %% 50 = 0 THEN 'NaN' WHEN i %% 51 = 0 THEN '-Infinity' WHEN i %% 10 = 0 THEN '-0' ELSE sin(i) END,
		i %% 4 = 0, i %% 5, date '2025-12-20' + i %% 90, timestamp '2025-12-20 10:00' + i %% 70 * interval '11 hours', timestamptz '2025-12-20 10:00+02' + i %% 70 * interval '11 hours',
		CASE WHEN i %% 8 > 0 THEN 'brand ' || i %% 14 END, 'k' || i %% 3, CASE i %% 4 WHEN 0 THEN NULL WHEN 1 THEN 'sad' WHEN 2 THEN 'ok' ELSE 'happy' END::facet_mood,
		CASE i %% 5 WHEN 0 THEN NULL WHEN 1 THEN '{}' WHEN 2 THEN ARRAY['a', NULL, 'b', 'a'] ELSE ARRAY['t' || i %% 6, 'b'] END, CASE WHEN i %% 3 > 0 THEN ARRAY[i %% 4, 7, -1] END, NULL,
		CASE WHEN i %% 11 > 0 THEN concat_ws(' ', CASE WHEN i %% 2 = 0 THEN 'red' END, CASE WHEN i %% 3 = 0 THEN 'fox' END, 'w' || i %% 13) END FROM generate_series(%s, %s) i$f$, tab, first, last);
END $$;
SELECT pg_temp.fill('facet_one', 1, 400), pg_temp.fill('facet_parts', 1, 400);
CREATE INDEX facet_one_i ON facet_one USING barq_bm25 (body, small, price, big, r, f, on_sale, o, made, at, atz, brand text_filter_ops, kind text_filter_ops, mood, tags text_array_filter_ops, nums, key) WITH (text_config = 'simple');
CREATE INDEX facet_parts_i ON facet_parts USING barq_bm25 (body, small, price, big, r, f, on_sale, o, made, at, atz, brand text_filter_ops, kind text_filter_ops, mood, tags text_array_filter_ops, nums, key) WITH (text_config = 'simple');
VACUUM ANALYZE facet_one, facet_parts;

-- each facet, as barq_facets() is asked for it and as SQL has it, of the table T where W
CREATE TABLE facet_asks (args text, truth text);
INSERT INTO facet_asks
	SELECT format('columns => %L, size => NULL', ARRAY[c]), format('SELECT %L, %s::text, count(*), ''term'' FROM T WHERE W GROUP BY %s', c, c, c)
	FROM unnest(ARRAY['small', 'price', 'big', 'r', 'o', 'made', 'at', 'atz', 'brand', 'kind', 'mood']) c;
INSERT INTO facet_asks VALUES
	('columns => ''{on_sale}''', $$SELECT 'on_sale', left(on_sale::text, 1), count(*), 'term' FROM T WHERE W GROUP BY 2$$),
	('columns => ''{f}'', size => NULL', $$SELECT 'f', (CASE WHEN f = 0 THEN 0 ELSE f END)::text, count(*), 'term' FROM T WHERE W GROUP BY 2$$),
	('columns => ''{tags}'', size => NULL', $$SELECT 'tags', e, count(*), 'term' FROM (SELECT DISTINCT id, e FROM T, unnest(tags) e WHERE (W) AND e IS NOT NULL) x GROUP BY e UNION ALL SELECT 'tags', NULL, count(*), 'term' FROM T WHERE (W) AND tags IS NULL HAVING count(*) > 0$$),
	('columns => ''{nums}'', size => NULL', $$SELECT 'nums', e::text, count(*), 'term' FROM (SELECT DISTINCT id, e FROM T, unnest(nums) e WHERE W) x GROUP BY e UNION ALL SELECT 'nums', NULL, count(*), 'term' FROM T WHERE (W) AND nums IS NULL HAVING count(*) > 0$$),
	('ranges => ''{"price": [-5, 0, 40], "made": ["2026-01-01"]}''', $$SELECT c, v, count(*) FILTER (WHERE is_in AND (W)), 'range' FROM T, LATERAL (VALUES ('price', '(,-5)', price < -5), ('price', '[-5,0)', price >= -5 AND price < 0), ('price', '[0,40)', price >= 0 AND price < 40), ('price', '[40,)', price >= 40), ('made', '(,2026-01-01)', made < '2026-01-01'), ('made', '[2026-01-01,)', made >= '2026-01-01')) x(c, v, is_in) GROUP BY 1, 2$$),
	('ranges => ''{"f": [-0.5, "0.25"]}''', $$SELECT 'f', v, count(*) FILTER (WHERE is_in AND (W)), 'range' FROM T, LATERAL (VALUES ('(,-0.5)', f < -0.5), ('[-0.5,0.25)', f >= -0.5 AND f < 0.25), ('[0.25,)', f >= 0.25)) x(v, is_in) GROUP BY 2$$),
	('histograms => ''{"made": "month", "price": 10}''', $$SELECT 'made', date_trunc('month', made)::date::text, count(*), 'histogram' FROM T WHERE W GROUP BY 2 UNION ALL SELECT 'price', (floor(price / 10.0) * 10)::text, count(*), 'histogram' FROM T WHERE (W) AND price IS NOT NULL GROUP BY 2$$),
	('histograms => ''{"at": "week", "atz": "day", "r": 0.5}''', $$SELECT 'at', date_trunc('week', at)::text, count(*), 'histogram' FROM T WHERE W GROUP BY 2 UNION ALL SELECT 'atz', date_trunc('day', atz)::text, count(*), 'histogram' FROM T WHERE W GROUP BY 2 UNION ALL SELECT 'r', (floor(r / 0.5) * 0.5)::text, count(*), 'histogram' FROM T WHERE W GROUP BY 2$$),
	('stats => ''{small, price, big, r, made, at}''', $$SELECT c, v, n, k FROM (SELECT count(*) AS a, count(price) AS p, min(small)::text AS s0, max(small)::text AS s1, avg(small)::text AS s2, min(price)::text AS p0, max(price)::text AS p1, avg(price)::text AS p2, min(big)::text AS b0, max(big)::text AS b1, avg(big)::text AS b2, min(r)::text AS r0, max(r)::text AS r1, avg(r)::text AS r2, min(made)::text AS m0, max(made)::text AS m1, min(at)::text AS a0, max(at)::text AS a1 FROM T WHERE W) x,
		LATERAL (VALUES ('small', s0, a, 'min'), ('small', s1, a, 'max'), ('small', s2, a, 'avg'), ('price', p0, p, 'min'), ('price', p1, p, 'max'), ('price', p2, p, 'avg'), ('big', b0, a, 'min'), ('big', b1, a, 'max'), ('big', b2, a, 'avg'), ('r', r0, a, 'min'), ('r', r1, a, 'max'), ('r', r2, a, 'avg'), ('made', m0, a, 'min'), ('made', m1, a, 'max'), ('at', a0, a, 'min'), ('at', a1, a, 'max')) y(c, v, n, k)$$);
CREATE FUNCTION pg_temp.cells(state text) RETURNS TABLE (what text, cells int, wrong text) LANGUAGE plpgsql AS $$
DECLARE
	a record;
	q record;
	tab text;
	difference bigint;
BEGIN
	what := state; cells := 0;
	FOREACH tab IN ARRAY ARRAY['facet_one', 'facet_parts'] LOOP
		FOR q IN SELECT * FROM (VALUES ('red', '', $w$body ~ '\mred\M'$w$), ('red -fox', ', filter => ''price < 30 AND small > $1'', filter_args => ''{-2}''', $w$body ~ '\mred\M' AND body !~ '\mfox\M' AND price < 30 AND small > -2$w$),
				('fox', ', filter => ''id % 2 = 0''', $w$body ~ '\mfox\M' AND id % 2 = 0$w$), ('nothing', '', 'false')) v(query, filter, means) LOOP
			FOR a IN SELECT * FROM facet_asks LOOP
				EXECUTE format('WITH got AS (SELECT "column", value, count, kind FROM barq_facets(%L, %L, %s%s)), truth AS (%s) SELECT count(*) FROM (SELECT * FROM got EXCEPT ALL SELECT * FROM truth UNION ALL (SELECT * FROM truth EXCEPT ALL SELECT * FROM got)) d',
					tab || '_i', q.query, a.args, q.filter, replace(replace(replace(a.truth, 'FROM T', 'FROM ' || tab), 'WHERE W', 'WHERE ' || q.means), '(W)', '(' || q.means || ')')) INTO difference;
				cells := cells + 1;
				IF difference > 0 THEN
					wrong := concat_ws('; ', wrong, format('%s of %s, %s: %s rows differ', a.args, tab, q.query, difference));
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	RETURN NEXT;
END $$;
SELECT * FROM pg_temp.cells('all-visible');
UPDATE facet_one SET price = price + 1 WHERE id % 40 = 0;
DELETE FROM facet_one WHERE id % 41 = 0;
SELECT pg_temp.fill('facet_one', 401, 430), pg_temp.fill('facet_parts', 401, 430);
SELECT * FROM pg_temp.cells('some pages, and a log');
BEGIN;
DELETE FROM facet_one WHERE id < 100;
INSERT INTO facet_one SELECT * FROM facet_parts WHERE id < 50;
SELECT * FROM pg_temp.cells('uncommitted');
ROLLBACK;
SET barq.count_scan = off;
SELECT * FROM pg_temp.cells('by rows of the table');
RESET barq.count_scan;

-- order and size: most rows first, then by value; NULL last
SELECT * FROM barq_facets('facet_one_i', 'red', columns => '{mood,kind}', size => 2);
SELECT * FROM barq_facets('facet_one_i', 'red');
SELECT * FROM barq_facets('facet_one_i', NULL, columns => '{mood}');
SELECT * FROM barq_facets('facet_one_i', 'nothing', columns => '{mood}', ranges => '{"price": []}', stats => '{price}');

-- row security and rights
CREATE ROLE barq_facet_reader;
GRANT SELECT (id, price, body) ON facet_one TO barq_facet_reader;
SET ROLE barq_facet_reader;
SELECT count(*) > 0 AS counted FROM barq_facets('facet_one_i', 'red', columns => '{price}');
SELECT * FROM barq_facets('facet_one_i', 'red', columns => '{brand}');
SELECT * FROM barq_facets('facet_one_i', 'red', columns => '{price}', filter => 'brand = ''x''');
SELECT barq_count('facet_one_i', 'red', 'brand = ''x''');
SELECT * FROM barq_facets('facet_parts_i', 'red', columns => '{price}');
SELECT barq_count('facet_parts_i', 'red');
RESET ROLE;
ALTER TABLE facet_one ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON facet_one USING (id < 100);
SET ROLE barq_facet_reader;
SELECT sum(count) AS facets, barq_count('facet_one_i', 'red') AS counted, (SELECT count(*) FROM facet_one WHERE body ~ '\mred\M') AS truth FROM barq_facets('facet_one_i', 'red', columns => '{price}', size => NULL);
RESET ROLE;

-- errors
SELECT * FROM barq_facets('facet_one_i', 'red', columns => '{body}');
SELECT * FROM barq_facets('facet_one_i', 'red', columns => '{id}');
SELECT * FROM barq_facets('facet_one_i', 'red', columns => '{key}');
SELECT * FROM barq_facets('facet_one_i', 'red', columns => ARRAY[NULL]);
SELECT * FROM barq_facets('facet_one_i', 'red', ranges => '{"brand": [1]}');
SELECT * FROM barq_facets('facet_one_i', 'red', ranges => '{"price": [5, 5]}');
SELECT * FROM barq_facets('facet_one_i', 'red', ranges => '{"price": 5}');
SELECT * FROM barq_facets('facet_one_i', 'red', ranges => '{"price": [{"from": 5}]}');
SELECT * FROM barq_facets('facet_one_i', 'red', ranges => '[5]');
SELECT * FROM barq_facets('facet_one_i', 'red', ranges => '{"nosuch": [5]}');
SELECT * FROM barq_facets('facet_one_i', 'red', ranges => '{"body": [5]}');
SELECT * FROM barq_facets('facet_one_i', 'red', histograms => '{"id": 5}');
SELECT * FROM barq_facets('facet_one_i', 'red', stats => '{nosuch}');
SELECT * FROM barq_facets(0, 'red');
SELECT * FROM barq_facets('facet_one_i', 'red', ranges => '{"price": ["x"]}');
SELECT * FROM barq_facets('facet_one_i', 'red', histograms => '{"price": 0.5}');
SELECT * FROM barq_facets('facet_one_i', 'red', histograms => '{"price": [1]}');
SELECT * FROM barq_facets('facet_one_i', 'red', histograms => '{"made": "moon"}');
SELECT * FROM barq_facets('facet_one_i', 'red', stats => '{on_sale}');
SELECT * FROM barq_facets('facet_one_i', 'red', size => 0);
SELECT * FROM barq_facets('facet_one', 'red');
DROP TABLE facet_one, facet_parts, facet_asks;
DROP TYPE facet_mood;
DROP ROLE barq_facet_reader;
