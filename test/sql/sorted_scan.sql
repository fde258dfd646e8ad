-- Rows that match a text query in the order of a filter column (Custom Scan (BarqSorted)):
-- equal to a sequential scan and a sort for each type of column x direction and NULLS x query
-- x LIMIT and OFFSET x table (one segment, several and a log with deletes, without positions,
-- partitions, two fields); own uncommitted rows; generic plans, rescans, cursors, further
-- sort keys, least and greatest value, row locks, row security; how far the order is walked;
-- when the planner takes it.
SET client_min_messages = warning;
SET enable_seqscan = off;
SET jit = off;
SET datestyle = iso;
CREATE TABLE sorted_one (id int, small smallint, price int, big bigint, r real, f float8, on_sale bool, o oid, made date, at timestamp, atz timestamptz, brand text, title text, body text) WITH (autovacuum_enabled = off);
CREATE TABLE sorted_several (LIKE sorted_one) WITH (autovacuum_enabled = off);
CREATE TABLE sorted_nopos (LIKE sorted_one) WITH (autovacuum_enabled = off);
CREATE TABLE sorted_parts (LIKE sorted_one) PARTITION BY LIST (on_sale);
CREATE TABLE sorted_parts_1 PARTITION OF sorted_parts FOR VALUES IN (true);
CREATE TABLE sorted_parts_2 (body text, title text, brand text, atz timestamptz, at timestamp, made date, o oid, on_sale bool, f float8, r real, big bigint, price int, small smallint, id int);
ALTER TABLE sorted_parts ATTACH PARTITION sorted_parts_2 DEFAULT;
CREATE TABLE sorted_fields (LIKE sorted_one) WITH (autovacuum_enabled = off);
CREATE FUNCTION pg_temp.fill(tab text, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($f$INSERT INTO %I SELECT i, i %% 7 - 3, CASE WHEN i %% 13 > 0 THEN i * 37 %% 101 - 20 END, i * 3000000000 * (i %% 3 - 1), (i %% 9) / 4.0, CASE WHEN i %% 50 = 0 THEN 'NaN' WHEN i %% 51 = 0 THEN '-Infinity' WHEN i %% 10 = 0 THEN '-0' WHEN i %% 8 > 0 THEN sin(i) END,
		i %% 4 = 0, i %% 5, date '2025-12-20' + i * 17 %% 90, CASE WHEN i %% 6 > 0 THEN timestamp '2025-12-20 10:00' + i %% 70 * interval '11 hours' END, timestamptz '2025-12-20 10:00+02' - i %% 70 * interval '11 hours', 'b' || i %% 3, CASE WHEN i %% 3 = 0 THEN 'red' ELSE 'x' END,
		CASE WHEN i %% 11 > 0 THEN concat_ws(' ', CASE WHEN i %% 2 = 0 THEN 'red' END, CASE WHEN i %% 3 = 0 THEN 'fox' END, CASE WHEN i %% 5 = 0 THEN 'red fox' END, 'w' || i %% 13) END FROM generate_series(%s, %s) i$f$, tab, first, last);
END $$;
SELECT pg_temp.fill(t, 1, 700) FROM unnest(ARRAY['sorted_one', 'sorted_several', 'sorted_nopos', 'sorted_parts', 'sorted_fields']) t;
CREATE INDEX sorted_one_i ON sorted_one USING barq_bm25 (body, small, price, big, r, f, on_sale, o, made, at, atz, brand text_filter_ops) WITH (text_config = 'simple');
CREATE INDEX sorted_several_i ON sorted_several USING barq_bm25 (body, small, price, big, r, f, on_sale, o, made, at, atz, brand text_filter_ops) WITH (text_config = 'simple');
CREATE INDEX sorted_nopos_i ON sorted_nopos USING barq_bm25 (body, small, price, big, r, f, on_sale, o, made, at, atz, brand text_filter_ops) WITH (text_config = 'simple', positions = off);
CREATE INDEX sorted_parts_i ON sorted_parts USING barq_bm25 (body, small, price, big, r, f, on_sale, o, made, at, atz, brand text_filter_ops) WITH (text_config = 'simple');
CREATE INDEX sorted_fields_i ON sorted_fields USING barq_bm25 (title, body, small, price, big, r, f, on_sale, o, made, at, atz, brand text_filter_ops) WITH (text_config = 'simple');
DELETE FROM sorted_several WHERE id % 10 = 3;
VACUUM sorted_several;
SELECT pg_temp.fill('sorted_several', 701, 900);
SELECT barq_seal('sorted_several_i') IS NOT NULL AS sealed;
SELECT pg_temp.fill('sorted_several', 901, 960), pg_temp.fill('sorted_parts', 701, 730);
DELETE FROM sorted_several WHERE id % 10 = 4;
UPDATE sorted_several SET price = price + 50 WHERE id % 20 = 5;
UPDATE sorted_several SET brand = brand WHERE id % 30 = 7;
ANALYZE sorted_one, sorted_several, sorted_nopos, sorted_parts, sorted_fields;
SELECT count(*) > 1 AS segments FROM barq_segments('sorted_several_i');

CREATE TABLE sorted_asks (ask text, means text, cut text, only_price bool);
INSERT INTO sorted_asks VALUES
	($$body @@@ 'red'$$, $$body ~ '\mred\M'$$, 'LIMIT 10', false),
	($$body @@@ 'w1* -fox'$$, $$body ~ '\mw1' AND body !~ '\mfox\M'$$, '', false),
	($$body @@@ 'red fox'$$, $$body ~ '\mred\M' AND body ~ '\mfox\M'$$, 'LIMIT 30 OFFSET 15', true),
	($$body @@@ '"red fox"'$$, $$body ~ '\mred fox\M'$$, 'LIMIT 20', true),
	($$body @@@ 'red' AND price > 10 AND small IN (1, 2)$$, $$body ~ '\mred\M' AND price > 10 AND small IN (1, 2)$$, 'LIMIT 5', true),
	($$body @@@ 'red' AND body @@@ 'w5' AND brand = 'b1'$$, $$body ~ '\mred\M' AND body ~ '\mw5\M' AND brand = 'b1'$$, '', true),
	($$body @@@ 'red OR fox' AND id % 3 = 0$$, $$body ~ '\m(red|fox)\M' AND id % 3 = 0$$, 'LIMIT 40', true),
	($$body @@@ 'nothing'$$, 'false', 'LIMIT 10', true);
-- the values in order equal those of a sort; each row is one that matches, and comes once
CREATE FUNCTION pg_temp.cells(state text) RETURNS TABLE (tab text, cells int, by_index int, wrong text) LANGUAGE plpgsql AS $$
DECLARE
	a record;
	col text;
	way text;
	plan json;
	got text[];
	truth text[];
	ids int[];
	found bigint;
BEGIN
	FOREACH tab IN ARRAY ARRAY['sorted_one', 'sorted_several', 'sorted_nopos', 'sorted_parts', 'sorted_fields'] LOOP
		cells := 0; by_index := 0; wrong := NULL;
		FOREACH col IN ARRAY ARRAY['price', 'small', 'big', 'r', 'f', 'on_sale', 'o', 'made', 'at', 'atz'] LOOP
			FOR a IN SELECT * FROM sorted_asks WHERE col = 'price' OR NOT only_price LOOP
				FOREACH way IN ARRAY ARRAY['ASC', 'DESC', 'ASC NULLS FIRST', 'DESC NULLS LAST'] LOOP
					PERFORM set_config('barq.sorted_scan', 'on', true), set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true);
					EXECUTE format('SELECT array_agg(%I::text), array_agg(id) FROM (SELECT %I, id FROM %I WHERE %s ORDER BY %I %s %s) s', col, col, tab, a.ask, col, way, a.cut) INTO got, ids;
					EXECUTE format('EXPLAIN (FORMAT json) SELECT %I, id FROM %I WHERE %s ORDER BY %I %s %s', col, tab, a.ask, col, way, a.cut) INTO plan;
					PERFORM set_config('barq.sorted_scan', 'off', true), set_config('enable_sort', 'on', true);
					EXECUTE format('SELECT array_agg(%I::text) FROM (SELECT %I FROM %I WHERE %s ORDER BY %I %s %s) s', col, col, tab, a.means, col, way, a.cut) INTO truth;
					EXECUTE format('SELECT count(DISTINCT id) FROM %I WHERE (%s) AND id = ANY ($1)', tab, a.means) INTO found USING ids;
					cells := cells + 1;
					by_index := by_index + (plan::text ~ 'BarqSorted')::int;
					-- zeros of either sign are equal
					IF replace(got::text, '-0,', '0,') IS DISTINCT FROM replace(truth::text, '-0,', '0,') OR found <> coalesce(cardinality(ids), 0) THEN
						wrong := concat_ws('; ', wrong, format('%s by %s %s %s: %s, not %s', a.ask, col, way, a.cut, left(got::text, 100), left(truth::text, 100)));
					END IF;
				END LOOP;
			END LOOP;
		END LOOP;
		RETURN NEXT;
	END LOOP;
	PERFORM set_config('enable_bitmapscan', 'on', true), set_config('barq.sorted_scan', 'on', true);
END $$;
SELECT * FROM pg_temp.cells('committed');
BEGIN;
DELETE FROM sorted_one WHERE id < 100;
UPDATE sorted_one SET price = -price WHERE id % 9 = 0;
SELECT pg_temp.fill('sorted_one', 2001, 2040);
SELECT * FROM pg_temp.cells('uncommitted') WHERE tab = 'sorted_one';
ROLLBACK;

-- a generic plan; rescans
SET enable_sort = off;
SET enable_bitmapscan = off;
SET plan_cache_mode = force_generic_plan;
PREPARE by_text(text, int) AS SELECT price FROM sorted_one WHERE body @@@ $1 AND small < $2 ORDER BY price DESC NULLS LAST LIMIT 5;
EXPLAIN (COSTS OFF) EXECUTE by_text('red', 2);
EXECUTE by_text('red', 2);
EXECUTE by_text('"red fox"', -1);
EXECUTE by_text(NULL, 2);
RESET plan_cache_mode;
SELECT q, p FROM (VALUES ('red'), ('fox'), ('w1'), (NULL), ('nothing')) v(q), LATERAL (SELECT array_agg(price) AS p FROM (SELECT price FROM sorted_several WHERE body @@@ q ORDER BY price LIMIT 4) s) l;
-- cursors, forward and back
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT price FROM sorted_one WHERE body @@@ 'red' ORDER BY price;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
MOVE 200 IN c;
FETCH 2 FROM c;
FETCH LAST FROM c;
COMMIT;
RESET enable_sort;
-- a second sort key; least and greatest value; locked rows
EXPLAIN (COSTS OFF) SELECT price, id FROM sorted_one WHERE body @@@ 'red' ORDER BY price, id LIMIT 4;
SELECT array_agg(price || ':' || id) FROM (SELECT price, id FROM sorted_one WHERE body @@@ 'red' ORDER BY price, id LIMIT 9) s;
SELECT array_agg(price || ':' || id) FROM (SELECT price, id FROM sorted_one WHERE body ~ '\mred\M' ORDER BY price, id LIMIT 9) s;
SELECT min(price), max(made), max(f) FROM sorted_several WHERE body @@@ 'fox';
SELECT min(price), max(made), max(f) FROM sorted_several WHERE body ~ '\mfox\M';
SELECT price FROM sorted_one WHERE body @@@ 'red' ORDER BY price LIMIT 3 FOR UPDATE;
-- row security
CREATE ROLE barq_sorted_reader;
GRANT SELECT ON sorted_one TO barq_sorted_reader;
ALTER TABLE sorted_one ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON sorted_one USING (small = 1);
SET ROLE barq_sorted_reader;
SELECT array_agg(price) FROM (SELECT price FROM sorted_one WHERE body @@@ 'red' ORDER BY price LIMIT 5) s;
SELECT array_agg(price) FROM (SELECT price FROM sorted_one WHERE body ~ '\mred\M' ORDER BY price LIMIT 5) s;
RESET ROLE;
ALTER TABLE sorted_one DISABLE ROW LEVEL SECURITY;
RESET enable_bitmapscan;

-- where it applies
CREATE FUNCTION pg_temp.applies(query text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan::text ~ 'BarqSorted';
END $$;
CREATE TABLE sorted_large (id int, price int, far int, body text) WITH (autovacuum_enabled = off);
INSERT INTO sorted_large SELECT i, i * 7919 % 20011, i, concat_ws(' ', CASE WHEN i % 2 = 0 THEN 'half' END, CASE WHEN i % 5000 = 1 THEN 'few' END, CASE WHEN i > 15000 THEN 'last' END, 'w' || i) FROM generate_series(1, 20000) i;
CREATE INDEX sorted_large_i ON sorted_large USING barq_bm25 (body, price, far) WITH (text_config = 'simple');
VACUUM ANALYZE sorted_large;
SET enable_seqscan = on;
SELECT q, pg_temp.applies(q) FROM unnest(ARRAY[
	$$SELECT * FROM sorted_large WHERE body @@@ 'half' ORDER BY price LIMIT 10$$,
	$$SELECT * FROM sorted_large WHERE body @@@ 'half' ORDER BY price DESC LIMIT 10$$,
	$$SELECT * FROM sorted_large WHERE body @@@ 'few' ORDER BY price LIMIT 10$$,
	$$SELECT * FROM sorted_large WHERE body @@@ 'half' ORDER BY price + 1 LIMIT 10$$,
	$$SELECT * FROM sorted_large WHERE body @@@ 'half' ORDER BY id LIMIT 10$$,
	$$SELECT * FROM sorted_large WHERE body <@> 'half' < -1 ORDER BY price LIMIT 10$$,
	$$SELECT * FROM sorted_large ORDER BY price LIMIT 10$$]) q;
SET barq.sorted_scan = off;
SELECT pg_temp.applies($$SELECT * FROM sorted_large WHERE body @@@ 'half' ORDER BY price LIMIT 10$$);
RESET barq.sorted_scan;
SELECT pg_temp.applies($$SELECT * FROM sorted_one WHERE body @@@ 'red' ORDER BY brand LIMIT 10$$);
-- the order is walked as far as the batch needs; where matches are at its end, all are found
CREATE FUNCTION pg_temp.work(query text, OUT looked int, OUT compared int) LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
	plan := plan->0->'Plan'->'Plans'->0;
	looked := plan->>'Rows Looked For';
	compared := plan->>'Rows Compared';
END $$;
SET enable_bitmapscan = off;
SELECT looked < 200 AS walked, compared < 200 AS pruned FROM pg_temp.work($$SELECT id FROM sorted_large WHERE body @@@ 'half' ORDER BY price LIMIT 10$$);
SELECT looked < 2000 AS given_up, compared BETWEEN 5000 AND 5100 AS found_all FROM pg_temp.work($$SELECT id FROM sorted_large WHERE body @@@ 'last' ORDER BY far LIMIT 10$$);
SELECT array_agg(far) FROM (SELECT far FROM sorted_large WHERE body @@@ 'last' ORDER BY far LIMIT 5) s;
SELECT array_agg(far) FROM (SELECT far FROM sorted_large WHERE body @@@ 'half last' ORDER BY far DESC LIMIT 5) s;
SELECT count(*), count(DISTINCT id), bool_and(ordered) AS ordered FROM (SELECT id, (price >= lag(price) OVER ()) IS NOT FALSE AS ordered FROM (SELECT * FROM sorted_large WHERE body @@@ 'half' ORDER BY price OFFSET 0) s) s;
DROP TABLE sorted_one, sorted_several, sorted_nopos, sorted_parts, sorted_fields, sorted_asks, sorted_large;
DROP ROLE barq_sorted_reader;
