-- count(*) of the rows that match a text query, by the index: equal to a sequential scan for
-- each condition x table (one segment, several and a log, deletes, partitions, a partial
-- index, unlogged) x state of the visibility map x plan; plans where it applies and where it
-- does not; own uncommitted rows; EXPLAIN; barq_count().
SET client_min_messages = warning;
SET enable_seqscan = off;
SET jit = off;
CREATE FUNCTION pg_temp.fill(tab text, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO %I SELECT i, i %% 4, CASE WHEN i %% 7 > 0 THEN i %% 5 END, ''b'' || i %% 3,
		CASE WHEN i %% 11 > 0 THEN concat_ws('' '', CASE WHEN i %% 2 = 0 THEN ''red'' END, CASE WHEN i %% 3 = 0 THEN ''fox'' END, CASE WHEN i %% 5 = 0 THEN ''red fox'' END, ''w'' || i %% 13) END
		FROM generate_series(%s, %s) i', tab, first, last);
END $$;
CREATE TABLE count_one (id int, tenant int, cat int, brand text, body text) WITH (autovacuum_enabled = off);
CREATE TABLE count_several (LIKE count_one) WITH (autovacuum_enabled = off);
CREATE UNLOGGED TABLE count_nopos (LIKE count_one) WITH (autovacuum_enabled = off);
CREATE TABLE count_partial (LIKE count_one) WITH (autovacuum_enabled = off);
CREATE TABLE count_parts (LIKE count_one) PARTITION BY LIST (tenant);
CREATE TABLE count_parts_0 PARTITION OF count_parts FOR VALUES IN (0) WITH (autovacuum_enabled = off);
CREATE TABLE count_parts_1 (body text, brand text, id int, cat int, tenant int) WITH (autovacuum_enabled = off);
ALTER TABLE count_parts ATTACH PARTITION count_parts_1 FOR VALUES IN (1);
CREATE TABLE count_parts_2 PARTITION OF count_parts DEFAULT WITH (autovacuum_enabled = off);
SELECT pg_temp.fill(t, 1, 300) FROM unnest(ARRAY['count_one', 'count_several', 'count_nopos', 'count_partial', 'count_parts']) t;
CREATE INDEX count_one_i ON count_one USING barq_bm25 (body, tenant, cat, brand text_filter_ops) WITH (text_config = 'simple');
CREATE INDEX count_several_i ON count_several USING barq_bm25 (body, tenant, cat, brand text_filter_ops) WITH (text_config = 'simple');
CREATE INDEX count_nopos_i ON count_nopos USING barq_bm25 (body, tenant, cat, brand text_filter_ops) WITH (text_config = 'simple', positions = off);
CREATE INDEX count_partial_i ON count_partial USING barq_bm25 (body, tenant, cat, brand text_filter_ops) WITH (text_config = 'simple') WHERE cat < 4;
CREATE INDEX count_parts_i ON count_parts USING barq_bm25 (body, tenant, cat, brand text_filter_ops) WITH (text_config = 'simple');
DELETE FROM count_several WHERE id % 10 = 3;
VACUUM count_several;
SELECT pg_temp.fill('count_several', 301, 500);
SELECT barq_seal('count_several_i') IS NOT NULL AS sealed;
SELECT pg_temp.fill('count_several', 501, 560);
DELETE FROM count_several WHERE id % 10 = 4;
UPDATE count_several SET brand = 'b9' WHERE id % 20 = 5;
UPDATE count_several SET body = 'fox again' WHERE id % 20 = 6;
VACUUM ANALYZE count_one, count_several, count_nopos, count_partial, count_parts;
SELECT count(*) > 1 AS segments FROM barq_segments('count_several_i');

-- the grid: each cell is compared with the rows that a sequential scan counts by regular
-- expressions, which know nothing of the index
CREATE TABLE count_asks (ask text, means text);
INSERT INTO count_asks VALUES
	($$body @@@ 'red'$$, $$body ~ '\mred\M'$$),
	($$body @@@ 'red fox'$$, $$body ~ '\mred\M' AND body ~ '\mfox\M'$$),
	($$body @@@ '"red fox"'$$, $$body ~ '\mred fox\M'$$),
	($$body @@@ 'red OR w3'$$, $$body ~ '\mred\M' OR body ~ '\mw3\M'$$),
	($$body @@@ 'fox -red'$$, $$body ~ '\mfox\M' AND body !~ '\mred\M'$$),
	($$body @@@ 'w1*'$$, $$body ~ '\mw1'$$),
	($$body @@@ 'nothing'$$, 'false'),
	($$body @@@ ''$$, 'false'),
	($$body @@@ NULL::text$$, 'false'),
	($$body @@@ 'red' AND body @@@ 'w5'$$, $$body ~ '\mred\M' AND body ~ '\mw5\M'$$),
	($$body <@> 'red fox' < 0$$, $$body ~ '\mred\M' OR body ~ '\mfox\M'$$),
	($$body @@@ 'red' AND tenant = 2$$, $$body ~ '\mred\M' AND tenant = 2$$),
	($$body @@@ 'red' AND tenant IN (1, 2) AND cat >= 2$$, $$body ~ '\mred\M' AND tenant IN (1, 2) AND cat >= 2$$),
	($$body @@@ 'red' AND cat IS NULL$$, $$body ~ '\mred\M' AND cat IS NULL$$),
	($$body @@@ 'red' AND brand = 'b1'$$, $$body ~ '\mred\M' AND brand = 'b1'$$),
	($$body @@@ 'red' AND tenant = 9$$, 'false'),
	($$body @@@ 'red' AND id % 2 = 0$$, $$body ~ '\mred\M' AND id % 2 = 0$$),
	($$body @@@ 'red' AND body <> 'red'$$, $$body ~ '\mred\M' AND body <> 'red'$$);
CREATE FUNCTION pg_temp.cells(state text) RETURNS TABLE (tab text, cells bigint, by_index bigint, wrong text) LANGUAGE plpgsql AS $$
DECLARE
	a record;
	way text;
	plan json;
	n bigint;
	truth bigint;
	also text;
BEGIN
	FOR tab IN SELECT unnest(ARRAY['count_one', 'count_several', 'count_nopos', 'count_partial', 'count_parts']) LOOP
		cells := 0; by_index := 0; wrong := NULL;
		also := CASE tab WHEN 'count_partial' THEN ' AND cat < 4' ELSE '' END;
		FOR a IN SELECT * FROM count_asks LOOP
			EXECUTE format('SELECT count(*) FROM %I WHERE (%s)%s', tab, a.means, also) INTO truth;
			FOREACH way IN ARRAY ARRAY['count', 'index', 'bitmap', 'generic'] LOOP
				PERFORM set_config('barq.count_scan', (way IN ('count', 'generic'))::text, true), set_config('enable_indexscan', (way <> 'bitmap')::text, true),
					set_config('enable_bitmapscan', (way <> 'index')::text, true), set_config('plan_cache_mode', CASE way WHEN 'generic' THEN 'force_generic_plan' ELSE 'auto' END, true);
				EXECUTE format('PREPARE ask AS SELECT count(*) FROM %I WHERE %s%s', tab, a.ask, also);
				EXECUTE 'EXECUTE ask' INTO n;
				EXECUTE 'EXPLAIN (FORMAT json) EXECUTE ask' INTO plan;
				DEALLOCATE ask;
				cells := cells + 1;
				by_index := by_index + (plan::text ~ 'BarqCount')::int;
				IF n IS DISTINCT FROM truth THEN
					wrong := concat_ws('; ', wrong, format('%s by %s: %s, not %s', a.ask, way, n, truth));
				END IF;
			END LOOP;
		END LOOP;
		RETURN NEXT;
	END LOOP;
END $$;
SELECT * FROM pg_temp.cells('all-visible');
-- some pages are not all-visible
UPDATE count_one SET cat = cat WHERE id % 97 = 0;
UPDATE count_several SET tenant = 2 WHERE id % 97 = 0;
DELETE FROM count_parts WHERE id % 97 = 1;
SELECT * FROM pg_temp.cells('partly');
-- rows of the own transaction
BEGIN;
INSERT INTO count_one SELECT * FROM count_several;
DELETE FROM count_one WHERE id < 50;
INSERT INTO count_parts SELECT id, tenant, cat, brand, body FROM count_several;
SELECT * FROM pg_temp.cells('uncommitted');
ROLLBACK;
SELECT * FROM pg_temp.cells('rolled back');

-- what it shows
VACUUM count_one, count_several, count_parts;
EXPLAIN (COSTS off) SELECT count(*) FROM count_one WHERE body @@@ 'red';
CREATE FUNCTION pg_temp.shown(statement text, OUT by_map int, OUT fetches int, OUT counted int) LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || statement INTO plan;
	by_map := plan->0->'Plan'->>'Rows by Visibility Map'; fetches := plan->0->'Plan'->>'Heap Fetches';
	counted := (plan->0->'Plan'->'Plans'->0->>'Actual Rows')::numeric;
END $$;
SELECT * FROM pg_temp.shown($$SELECT count(*) + 1 AS n, count(1) FROM count_one WHERE body @@@ 'red' AND tenant = 2$$);
SELECT count(*) + 1 AS n, count(1) FROM count_one WHERE body @@@ 'red' AND tenant = 2;
EXPLAIN (COSTS off) SELECT count(*) FROM count_parts WHERE body @@@ 'red' AND tenant IN (0, 1);
-- the text of a hash, and phrases without positions, are rechecked
SELECT * FROM pg_temp.shown($$SELECT count(*) FROM count_one WHERE body @@@ 'red' AND brand = 'b1'$$);
SELECT * FROM pg_temp.shown($$SELECT count(*) FROM count_nopos WHERE body @@@ '"red fox"'$$);
-- rows that a score bounds are fetched one by one
SELECT count(*) = (SELECT count(*) FROM (SELECT body <@> 'red' AS s FROM count_one OFFSET 0) x WHERE s < -0.5) AS equal FROM count_one WHERE body <@> 'red' < -0.5;

-- where it does not apply
CREATE FUNCTION pg_temp.applies(statement text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN EXECUTE 'EXPLAIN (FORMAT json) ' || statement INTO plan; RETURN plan::text ~ 'BarqCount'; END $$;
SELECT s, pg_temp.applies(s) AS applies FROM unnest(ARRAY[
	$$SELECT count(*) FROM count_one WHERE body @@@ 'red'$$,
	$$SELECT count(*) FROM (SELECT 1 FROM count_one WHERE body @@@ 'red') s$$,
	$$SELECT (SELECT count(*) FROM count_one WHERE body @@@ q) FROM (VALUES ('red'), ('fox')) v(q)$$,
	$$SELECT count(*), count(*) OVER () FROM count_one WHERE body @@@ 'red'$$,
	$$SELECT count(*) FROM count_one WHERE body @@@ 'red' LIMIT 1$$,
	$$SELECT count(id) FROM count_one WHERE body @@@ 'red'$$,
	$$SELECT count(*) FILTER (WHERE cat = 1) FROM count_one WHERE body @@@ 'red'$$,
	$$SELECT count(DISTINCT 1) FROM count_one WHERE body @@@ 'red'$$,
	$$SELECT count(*), max(id) FROM count_one WHERE body @@@ 'red'$$,
	$$SELECT cat, count(*) FROM count_one WHERE body @@@ 'red' GROUP BY cat$$,
	$$SELECT count(*) FROM count_one WHERE body @@@ 'red' HAVING count(*) > 5$$,
	$$SELECT count(*) FROM count_one WHERE body @@@ 'red' AND id > 5$$,
	$$SELECT count(*) FROM count_one a JOIN count_several b USING (id) WHERE a.body @@@ 'red'$$,
	$$SELECT count(*) FROM count_one TABLESAMPLE system (50) WHERE body @@@ 'red'$$,
	$$SELECT count(*) FROM (SELECT 1 FROM count_one WHERE body @@@ 'red' FOR UPDATE) s$$,
	$$SELECT count(*) FROM count_one WHERE body @@@ 'red' AND current_setting('work_mem') = 'x'$$,
	$$SELECT count(*) FROM count_one$$]) s;
SET barq.count_scan = off;
SELECT pg_temp.applies($$SELECT count(*) FROM count_one WHERE body @@@ 'red'$$);
RESET barq.count_scan;
SET enable_indexscan = off;
SELECT pg_temp.applies($$SELECT count(*) FROM count_one WHERE body @@@ 'red'$$);
RESET enable_indexscan;
-- correlated, run again for each row
SELECT q, (SELECT count(*) FROM count_one WHERE body @@@ q) FROM (VALUES ('red'), ('fox'), ('red fox'), (NULL), ('nothing')) v(q);

-- row security: the policy decides
CREATE ROLE barq_count_reader;
GRANT SELECT ON count_one TO barq_count_reader;
ALTER TABLE count_one ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON count_one USING (tenant = 1);
SET ROLE barq_count_reader;
SELECT count(*) AS policy, (SELECT count(*) FROM count_one WHERE body ~ '\mred\M') AS truth FROM count_one WHERE body @@@ 'red';
SELECT pg_temp.applies($$SELECT count(*) FROM count_one WHERE body @@@ 'red'$$), barq_count('count_one_i', 'red');
SELECT barq_count('count_several_i', 'red');
RESET ROLE;
ALTER TABLE count_one DISABLE ROW LEVEL SECURITY;

-- barq_count()
SELECT barq_count('count_one_i', 'red') = (SELECT count(*) FROM count_one WHERE body ~ '\mred\M') AS "all",
	barq_count('count_one_i', 'red', 'tenant = $1 AND cat < $2', ARRAY['2', '3']) = (SELECT count(*) FROM count_one WHERE body ~ '\mred\M' AND tenant = 2 AND cat < 3) AS filter,
	barq_count('count_one_i', 'red', 'id < 50') = (SELECT count(*) FROM count_one WHERE body ~ '\mred\M' AND id < 50) AS other_filter,
	barq_count('count_partial_i', 'red') = (SELECT count(*) FROM count_partial WHERE body ~ '\mred\M' AND cat < 4) AS partial,
	barq_count('count_parts_i', 'red') = (SELECT count(*) FROM count_parts WHERE body ~ '\mred\M') AS parts,
	barq_count('count_parts_1_body_tenant_cat_brand_idx', 'red') = (SELECT count(*) FROM count_parts_1 WHERE body ~ '\mred\M') AS part,
	barq_count('count_one_i', NULL) AS null_query, barq_count('count_one_i', '') AS no_words;
-- an index of several fields, of segments and a log: by one field, two, the row, fields named in queries
CREATE TABLE count_fields (id int, title text, body text, price int) WITH (autovacuum_enabled = off);
CREATE FUNCTION pg_temp.fill_fields(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO count_fields SELECT i, CASE WHEN i % 7 = 0 THEN NULL WHEN i % 3 = 0 THEN 'red w' || i % 5 ELSE 'x fox' END, CASE WHEN i % 5 = 0 THEN 'red fox' WHEN i % 11 > 0 THEN 'y red' END, i % 4 FROM generate_series(first, last) i $$;
SELECT pg_temp.fill_fields(1, 300);
CREATE INDEX count_fields_i ON count_fields USING barq_bm25 (title, body, price) WITH (text_config = 'simple');
SELECT pg_temp.fill_fields(301, 400), barq_seal('count_fields_i') > 0 AS sealed;
SELECT pg_temp.fill_fields(401, 440);
DELETE FROM count_fields WHERE id % 10 = 3;
VACUUM ANALYZE count_fields;
CREATE TABLE count_field_asks (by_index text, means text);
INSERT INTO count_field_asks VALUES
	($$title @@@ 'red'$$, $$title ~ 'red'$$),
	($$body @@@ 'red'$$, $$body ~ 'red'$$),
	($$title @@@ 'red w3'$$, $$title ~ 'red' AND title ~ 'w3'$$),
	($$title @@@ 'red' AND body @@@ 'fox'$$, $$title ~ 'red' AND body ~ 'fox'$$),
	($$body @@@ '"red fox"' AND price = 2$$, $$body ~ 'red fox' AND price = 2$$),
	($$body @@@ 'fo*'$$, $$body ~ 'fo'$$),
	($$title @@@ 'fox -red'$$, $$title ~ 'fox' AND title !~ 'red'$$),
	($$c @@@ 'red'$$, $$title ~ 'red' OR body ~ 'red'$$),
	($$c @@@ 'red fox'$$, $$concat(title, ' ', body) ~ 'red' AND concat(title, ' ', body) ~ 'fox'$$),
	($$c @@@ 'title:red'$$, $$title ~ 'red'$$),
	($$c @@@ 'title:red body:fox'$$, $$title ~ 'red' AND body ~ 'fox'$$),
	($$c @@@ 'body:"red fox" -title:red'$$, $$body ~ 'red fox' AND (title ~ 'red') IS NOT TRUE$$),
	($$c @@@ 'title:w* red'$$, $$title ~ 'w' AND concat(title, ' ', body) ~ 'red'$$);
CREATE FUNCTION pg_temp.field_cells() RETURNS TABLE (cells int, by_index int, wrong text) LANGUAGE plpgsql AS $$
DECLARE
	a record;
	n bigint;
	facets bigint;
	truth bigint;
	plan json;
BEGIN
	cells := 0; by_index := 0;
	FOR a IN SELECT * FROM count_field_asks LOOP
		EXECUTE 'SELECT count(*) FROM count_fields c WHERE ' || a.by_index INTO n;
		EXECUTE 'EXPLAIN (FORMAT json) SELECT count(*) FROM count_fields c WHERE ' || a.by_index INTO plan;
		EXECUTE 'SELECT count(*) FROM count_fields WHERE ' || a.means INTO truth;
		facets := truth;
		IF a.by_index ~ '^c @@@' THEN
			EXECUTE format('SELECT barq_count(''count_fields_i'', %s)', substr(a.by_index, 7)) INTO facets;
			IF facets = truth THEN
				EXECUTE format('SELECT coalesce(sum(count), 0) FROM barq_facets(''count_fields_i'', %s, columns => ''{price}'')', substr(a.by_index, 7)) INTO facets;
			END IF;
		END IF;
		cells := cells + 1;
		by_index := by_index + (plan::text ~ 'BarqCount')::int;
		IF n IS DISTINCT FROM truth OR facets IS DISTINCT FROM truth THEN
			wrong := concat_ws('; ', wrong, format('%s: %s, %s, not %s', a.by_index, n, facets, truth));
		END IF;
	END LOOP;
	RETURN NEXT;
END $$;
SELECT * FROM pg_temp.field_cells();
UPDATE count_fields SET price = price WHERE id % 97 = 0;
SELECT * FROM pg_temp.field_cells();
DROP TABLE count_fields, count_field_asks;
SELECT barq_count('count_one', 'red');
SELECT barq_count('count_one_i', 'red', 'nosuch = 1');
SELECT barq_count('count_one_i', 'red', 'tenant = $1');
SELECT barq_count('count_one_i', 'red', filter_args => '{1}');
SELECT barq_count('count_one_i', 'red', 'random() < 1');
SELECT barq_count('count_one_i', 'red', 'true) OR (true');
DROP TABLE count_one, count_several, count_nopos, count_partial, count_parts, count_asks;
DROP ROLE barq_count_reader;
