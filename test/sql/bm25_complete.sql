-- Every plan returns the same rows as a sequential scan: columns of each type, an
-- expression, a partial index, grams, no positions x one segment, several, the log
-- alone, deletes, NULLs x shapes of queries x plans.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all
SET client_min_messages = warning;
SELECT setseed(0.7);
CREATE FUNCTION pg_temp.words(longest int) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT coalesce(string_agg((ARRAY['red', 'fox', 'blue', 'forest', 'the', 'box', 'boxes', 'green', 'tree', 'sky'])[1 + floor(10 * random() ^ 2)::int], ' '), '') FROM generate_series(1, floor(random() * (longest + 1))::int) $$;
CREATE FUNCTION pg_temp.fill(tab regclass, first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO %s SELECT i, i %% 12, CASE WHEN i %% 9 > 0 THEN w END, w, ARRAY[w, ''red''], w, CASE WHEN i %% 7 > 0 THEN w END, translate(w, ''rfx'', %L), CASE WHEN i %% 5 > 0 THEN w END
		FROM (SELECT i, pg_temp.words(6 + i * 0) AS w FROM generate_series(%s, %s) i) x', tab, '红狐狸', first, last);
END $$;
CREATE FUNCTION pg_temp.make(tab name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %I (id int, cat int, a text, v varchar(200), t text[], e text, p text, g text, o text) WITH (autovacuum_enabled = off)', tab);
	IF tab <> 'bm25_log' THEN
		PERFORM pg_temp.fill(tab::regclass, 1, 160);
	END IF;
	EXECUTE format('CREATE INDEX ON %I USING barq_bm25 (a) WITH (text_config = ''english'')', tab);
	EXECUTE format('CREATE INDEX ON %I USING barq_bm25 (v) WITH (text_config = ''simple'')', tab);
	EXECUTE format('CREATE INDEX ON %I USING barq_bm25 (t) WITH (text_config = ''english'')', tab);
	EXECUTE format('CREATE INDEX ON %I USING barq_bm25 ((upper(e) || '' more'')) WITH (text_config = ''english'')', tab);
	EXECUTE format('CREATE INDEX ON %I USING barq_bm25 (p) WITH (text_config = ''english'') WHERE cat < 6', tab);
	EXECUTE format('CREATE INDEX ON %I USING barq_bm25 (g) WITH (text_config = ''simple'', tokenizer = ngram)', tab);
	EXECUTE format('CREATE INDEX ON %I USING barq_bm25 (o) WITH (text_config = ''english'', positions = off)', tab);
	EXECUTE format('CREATE INDEX ON %I (cat)', tab);
END $$;
CREATE FUNCTION pg_temp.seal(tab regclass) RETURNS void LANGUAGE sql AS
$$ SELECT barq_seal(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = relam WHERE indrelid = tab AND amname = 'barq_bm25' $$;
SELECT pg_temp.make('bm25_one'), pg_temp.make('bm25_several'), pg_temp.make('bm25_log');
SELECT pg_temp.fill('bm25_log', 1, 160);
SELECT pg_temp.fill('bm25_several', 161, 230);
SELECT pg_temp.seal('bm25_several');
DELETE FROM bm25_several WHERE id % 10 = 3;
VACUUM bm25_several;
SELECT pg_temp.fill('bm25_several', 301, 340);
SELECT pg_temp.seal('bm25_several');
SELECT pg_temp.fill('bm25_several', 401, 430);
DELETE FROM bm25_several WHERE id % 10 = 4;
UPDATE bm25_several SET a = NULL, p = NULL, o = NULL WHERE id % 20 = 5;
UPDATE bm25_several SET a = 'red fox again', v = 'fox', t = '{fox,red}' WHERE id % 20 = 6;
ANALYZE bm25_one, bm25_several, bm25_log;
SELECT tab, count(*) > 1 AS segments FROM (VALUES ('bm25_one'), ('bm25_several'), ('bm25_log')) t(tab), barq_segments((tab || '_a_idx')::regclass) WHERE state <> 'growing' OR rows > 0 GROUP BY 1 ORDER BY 1;

-- The shapes: E the score, C the column, P the condition of the partial index, Q and
-- R queries, N half of the table; and the rows of the truth to compare with.
CREATE TEMP TABLE shapes (name text, asks text, means text, lim text, ordered bool);
INSERT INTO shapes VALUES
	('plain', 'SELECT x.id, E FROM T x WHERE P ORDER BY E', 'true', NULL, true),
	('limit 7', 'SELECT x.id, E FROM T x WHERE P ORDER BY E LIMIT 7', 'true', '7', true),
	('limit, half', 'SELECT x.id, E FROM T x WHERE P ORDER BY E LIMIT 100', 'true', '100', true),
	('limit > table', 'SELECT x.id, E FROM T x WHERE P ORDER BY E LIMIT 5000', 'true', NULL, true),
	('window', 'SELECT id, s FROM (SELECT x.id, E AS s, row_number() OVER (ORDER BY E) AS n FROM T x WHERE P) y ORDER BY n', 'true', NULL, true),
	('offset 0', 'SELECT id, s FROM (SELECT x.id, E AS s FROM T x WHERE P ORDER BY E OFFSET 0) y', 'true', NULL, true),
	('table as', 'CREATE', 'true', NULL, true),
	('left join', 'SELECT i.i, E FROM (SELECT x.id AS i FROM T x WHERE P) i LEFT JOIN T x ON x.id = i.i WHERE P ORDER BY E', 'true', NULL, true),
	('lateral', 'SELECT y.id, y.s FROM (VALUES (1)) o(n), LATERAL (SELECT x.id, E AS s FROM T x WHERE P AND n = 1 ORDER BY E) y', 'true', NULL, true),
	('lateral query', 'SELECT y.id, y.s FROM (VALUES (Q)) o(q), LATERAL (SELECT x.id, L AS s FROM T x WHERE P ORDER BY L) y', 'true', NULL, true),
	('filter', 'SELECT x.id, E FROM T x WHERE P AND cat = 2 ORDER BY E LIMIT 20', 'cat = 2', '20', true),
	('null', 'SELECT x.id, E FROM T x WHERE P AND C IS NULL ORDER BY E', 's IS NULL', NULL, true),
	('matches, ranked', 'SELECT x.id, E FROM T x WHERE P AND C @@@ R ORDER BY E', 'm', NULL, true),
	('below 0', 'SELECT x.id, E FROM T x WHERE P AND E < 0', 's < 0', NULL, false),
	('below 0, ranked', 'SELECT x.id, E FROM T x WHERE P AND E < 0 ORDER BY E', 's < 0', NULL, true),
	('below 0, limit', 'SELECT x.id, E FROM T x WHERE P AND 0::real > E ORDER BY E LIMIT 5', 's < 0', '5', true),
	('below -0.4', 'SELECT x.id, E FROM T x WHERE P AND E <= -0.4', 's <= -0.4', NULL, false),
	('between', 'SELECT x.id, E FROM T x WHERE P AND E BETWEEN -1 AND -0.4 ORDER BY E', 's BETWEEN -1 AND -0.4', NULL, true),
	('at most 0', 'SELECT x.id, E FROM T x WHERE P AND E <= 0 ORDER BY E', 's <= 0', NULL, true),
	('below, filter', 'SELECT x.id, E FROM T x WHERE P AND E < -0.1 AND cat = 2', 's < -0.1 AND cat = 2', NULL, false),
	('below, matches', 'SELECT x.id, E FROM T x WHERE P AND E < 0 AND C @@@ R', 's < 0 AND m', NULL, false),
	('below by another', 'SELECT x.id, E FROM T x WHERE P AND (C <@> R) < -0.3 ORDER BY E', 'r < -0.3', NULL, true),
	('join below', 'SELECT x.id, E FROM (VALUES (Q)) o(q) JOIN T x ON L < 0 AND P', 's < 0', NULL, false),
	('or', 'SELECT x.id, E FROM T x WHERE P AND (E < 0 OR cat = 3)', 's < 0 OR cat = 3', NULL, false),
	('semi-join', 'SELECT x.id, E FROM T x WHERE P AND x.id IN (SELECT i.id FROM T i WHERE i.cat = 2) ORDER BY E LIMIT 20', 'cat = 2', '20', true);
CREATE TEMP TABLE columns (kind text, c text, p text);
INSERT INTO columns VALUES ('text', 'x.a', 'true'), ('varchar', 'x.v', 'true'), ('text[]', 'x.t', 'true'), ('expression', '(upper(x.e) || '' more'')', 'true'),
	('partial', 'x.p', 'x.cat < 6'), ('grams', 'x.g', 'true'), ('no positions', 'x.o', 'true');
CREATE TEMP TABLE truth (id int, cat int, s float8, r float8, m bool);

-- The rows of a statement, in its order, and the faults found in them.
CREATE FUNCTION pg_temp.judge(asks text, means text, lim text, ordered bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ids int[];
	scores float8[];
	wanted float8[];
	wrong text;
BEGIN
	EXECUTE format('SELECT array_agg(id), array_agg(s) FROM (%s) y(id, s)', asks) INTO ids, scores;
	EXECUTE format('SELECT array_agg(s) FROM (SELECT s FROM truth WHERE %s ORDER BY s LIMIT %s) y', means, coalesce(lim, 'ALL')) INTO wanted;
	IF cardinality(ids) IS DISTINCT FROM cardinality(wanted) THEN
		RETURN format('%s rows for %s', cardinality(ids), cardinality(wanted));
	END IF;
	IF (SELECT count(DISTINCT i) FROM unnest(ids) i) <> cardinality(ids) THEN
		RETURN 'rows twice';
	END IF;
	IF EXISTS (SELECT FROM unnest(ids, scores) u(i, g) LEFT JOIN truth ON id = i WHERE s IS DISTINCT FROM g) THEN
		RETURN 'other scores';
	END IF;
	IF NOT ordered THEN
		scores = (SELECT array_agg(g ORDER BY g) FROM unnest(scores) g);
	END IF;
	IF scores IS DISTINCT FROM wanted THEN
		RETURN 'another order';
	END IF;
	RETURN NULL;
END $$;
CREATE FUNCTION pg_temp.use_plan(plan text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config(name, CASE WHEN plan = 'any' OR name = ANY (CASE plan WHEN 'index' THEN '{enable_indexscan,enable_nestloop}'::text[] WHEN 'bitmap' THEN '{enable_bitmapscan,enable_sort,enable_nestloop}' ELSE '{enable_seqscan,enable_sort,enable_nestloop}' END) THEN 'on' ELSE 'off' END, false)
	FROM (VALUES ('enable_seqscan'), ('enable_indexscan'), ('enable_bitmapscan'), ('enable_sort'), ('enable_nestloop'), ('enable_hashjoin'), ('enable_mergejoin'), ('enable_material')) n(name)
$$;
CREATE FUNCTION pg_temp.grid(tab text, queries text[]) RETURNS TABLE (cell text, wrong text) LANGUAGE plpgsql AS $$
DECLARE
	col record;
	shape record;
	query text;
	plan text;
	asks text;
	indexed int = 0;
	cells int = 0;
BEGIN
	FOR col IN SELECT * FROM columns LOOP
		FOREACH query IN ARRAY queries LOOP
			PERFORM pg_temp.use_plan('seq');
			TRUNCATE truth;
			EXECUTE format('INSERT INTO truth SELECT x.id, x.cat, %1$s <@> %2$L, %1$s <@> ''sky tree'', %1$s @@@ ''fox'' FROM %3$s x WHERE %4$s', col.c, query, tab, col.p);
			FOR shape IN SELECT * FROM shapes LOOP
				FOREACH plan IN ARRAY '{index,bitmap,seq,any}'::text[] LOOP
					CONTINUE WHEN col.kind = 'partial' AND shape.name = 'semi-join';
					asks = shape.asks;
					asks = regexp_replace(asks, '\mL\M', '(C <@> o.q)', 'g');
					asks = regexp_replace(asks, '\mE\M', format('(C <@> %L)', query), 'g');
					asks = regexp_replace(asks, '\mC\M', col.c, 'g');
					asks = regexp_replace(asks, '\mP\M', col.p, 'g');
					asks = regexp_replace(asks, '\mQ\M', quote_literal(query), 'g');
					asks = regexp_replace(asks, '\mR\M', CASE WHEN asks LIKE '%@@@%' THEN '''fox''' ELSE '''sky tree''' END, 'g');
					asks = regexp_replace(asks, '\mT\M', tab, 'g');
					PERFORM pg_temp.use_plan(plan);
					IF shape.name = 'table as' THEN
						DROP TABLE IF EXISTS copied;
						EXECUTE format('CREATE TEMP TABLE copied AS SELECT x.id, %1$s <@> %2$L AS s FROM %3$s x WHERE %4$s ORDER BY %1$s <@> %2$L', col.c, query, tab, col.p);
						asks = 'SELECT * FROM copied ORDER BY ctid';
					ELSIF plan = 'index' THEN
						indexed = indexed + (pg_temp.plan_of(asks) ~ ('Index Scan using ' || tab || '|Order By:'))::int;
					END IF;
					cells = cells + 1;
					wrong = pg_temp.judge(asks, shape.means, shape.lim, shape.ordered);
					IF wrong IS NOT NULL THEN
						cell = concat_ws(', ', tab, col.kind, query, shape.name, plan);
						RETURN NEXT;
					END IF;
				END LOOP;
			END LOOP;
		END LOOP;
	END LOOP;
	PERFORM pg_temp.use_plan('any');
	cell = tab;
	wrong = format('%s cells, enough by the index: %s', cells, indexed > cells / 5);
	RETURN NEXT;
END $$;
SELECT * FROM pg_temp.grid('bm25_one', ARRAY['red fox', '+sky tree -red']);
SELECT * FROM pg_temp.grid('bm25_several', ARRAY['red fox', '+"fox red" blue', 'fo* -box', '红狐']);
SELECT * FROM pg_temp.grid('bm25_log', ARRAY['-"red blue" red +fox', 'the of']);

-- rows of equal score come in the order of the table, zeros and NULLs too
SELECT pg_temp.use_plan('index');
SELECT count(*), count(*) FILTER (WHERE at < last) AS out_of_order FROM
	(SELECT s, at, lag(at) OVER (PARTITION BY s ORDER BY n) AS last FROM (SELECT x.ctid AS at, s, n FROM (SELECT ctid, a <@> 'red' AS s, row_number() OVER (ORDER BY a <@> 'red') AS n FROM bm25_several) x) y) z;
-- a NULL query: every score is NULL, and every row is returned
PREPARE by_any (text) AS SELECT count(*), count(s), count(DISTINCT id) FROM (SELECT id, a <@> $1 AS s FROM bm25_several ORDER BY a <@> $1 LIMIT 5000) x;
SET plan_cache_mode = force_generic_plan;
EXECUTE by_any(NULL);
EXECUTE by_any('red');
PREPARE below (text, float8) AS SELECT count(*) FROM bm25_several WHERE a <@> $1 < $2;
SELECT pg_temp.plan_of('EXECUTE below(''red'', -0.9)') LIKE 'Index Scan%<@@ bm25threshold(%' AS by_index;
EXECUTE below('red', -0.9);
EXECUTE below('red', 0);
EXECUTE below('red', 1);
EXECUTE below('red', 'NaN');
EXECUTE below('red', NULL);
EXECUTE below(NULL, 0);
SELECT pg_temp.use_plan('bitmap');
DEALLOCATE below;
PREPARE below (text, float8) AS SELECT count(*) FROM bm25_several WHERE a <@> $1 < $2;
EXECUTE below('red', -0.9);
EXECUTE below('red', 1);
EXECUTE below(NULL, 0);
RESET plan_cache_mode;
SELECT pg_temp.use_plan('seq');
SELECT count(*) FILTER (WHERE s < -0.9), count(*) FILTER (WHERE s < 0), count(s), count(*) FROM (SELECT a <@> 'red' AS s FROM bm25_several) x;

-- a scan read on while segments are replaced under it
CREATE FUNCTION pg_temp.read_on(query text, step int) RETURNS TABLE (rows bigint, different bigint, missed bigint, in_order bool) LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	r record;
	ids int[];
	wanted int[] = (SELECT array_agg(id) FROM bm25_several);
	n int = 0;
	last float8 = '-Infinity';
BEGIN
	in_order = true;
	PERFORM pg_temp.use_plan('index');
	OPEN c FOR EXECUTE format('SELECT id, o <@> %L AS s FROM bm25_several ORDER BY o <@> %1$L', query);
	LOOP
		FETCH c INTO r;
		EXIT WHEN NOT FOUND;
		ids = ids || r.id;
		in_order = in_order AND coalesce(last <= r.s, r.s IS NULL);
		last = r.s;
		n = n + 1;
		IF n % step = 0 THEN
			PERFORM pg_temp.fill('bm25_several', 10000 * step + n * 10, 10000 * step + n * 10 + 5);
			PERFORM barq_seal('bm25_several_o_idx');
			IF n % (3 * step) = 0 THEN
				PERFORM barq_compact('bm25_several_o_idx');
			END IF;
		END IF;
	END LOOP;
	CLOSE c;
	PERFORM pg_temp.use_plan('any');
	SELECT count(*), count(DISTINCT i), count(*) FILTER (WHERE i <> ALL (wanted)) + cardinality(wanted) - count(DISTINCT i) FROM unnest(ids) i INTO rows, different, missed;
	RETURN NEXT;
END $$;
SELECT rows = different AS once, missed, in_order FROM pg_temp.read_on('red fox', 17);
SELECT rows = different AS once, missed, in_order FROM pg_temp.read_on('"red fox" -box', 5);
SELECT rows = different AS once, missed, in_order FROM pg_temp.read_on('zzz', 40);

-- partitions
CREATE TABLE bm25_parts (id int, body text) PARTITION BY RANGE (id);
CREATE TABLE bm25_parts_1 PARTITION OF bm25_parts FOR VALUES FROM (0) TO (100);
CREATE TABLE bm25_parts_2 PARTITION OF bm25_parts FOR VALUES FROM (100) TO (1000);
CREATE INDEX bm25_parts_body ON bm25_parts USING barq_bm25 (body) WITH (text_config = 'english');
INSERT INTO bm25_parts SELECT i, CASE WHEN i % 8 > 0 THEN pg_temp.words(6) END FROM generate_series(1, 300) i;
ANALYZE bm25_parts;
SELECT pg_temp.use_plan('seq');
CREATE TEMP TABLE parts_truth AS SELECT id, body <@> 'red fox' AS s FROM bm25_parts;
SELECT pg_temp.use_plan('index');
SELECT pg_temp.plan_of('SELECT id FROM bm25_parts WHERE body <@> ''red fox'' < -0.3 ORDER BY body <@> ''red fox''');
SELECT array_agg(s) = (SELECT array_agg(s ORDER BY s) FROM parts_truth WHERE s < -0.3) AS same, bool_and(s = (SELECT t.s FROM parts_truth t WHERE t.id = x.id)) AS scores
	FROM (SELECT id, body <@> 'red fox' AS s FROM bm25_parts WHERE body <@> 'red fox' < -0.3 ORDER BY body <@> 'red fox') x;
SELECT array_agg(s) = (SELECT array_agg(s ORDER BY s) FROM parts_truth) AS same, cardinality(array_agg(id)) AS rows, count(s)
	FROM (SELECT id, body <@> 'red fox' AS s FROM bm25_parts ORDER BY body <@> 'red fox' LIMIT 1000) x;
SELECT pg_temp.use_plan('any');

-- a row that is rechecked needs no further rights
CREATE ROLE bm25_complete_reader;
CREATE VIEW bm25_complete_view AS SELECT id, a FROM bm25_one;
GRANT SELECT ON bm25_complete_view TO bm25_complete_reader;
SET ROLE bm25_complete_reader;
SELECT pg_temp.use_plan('index');
SELECT pg_temp.plan_of('SELECT id FROM bm25_complete_view WHERE (a <@> ''red'') < 0 ORDER BY a <@> ''fox''') LIKE 'Search using bm25_one_a_idx < %Index Cond%' AS by_index;
SELECT count(*) > 10 AS some FROM (SELECT id FROM bm25_complete_view WHERE (a <@> 'red') < 0 ORDER BY a <@> 'fox') x;
RESET ROLE;
SELECT pg_temp.use_plan('any');
DROP VIEW bm25_complete_view;
DROP ROLE bm25_complete_reader;

-- EXPLAIN; a threshold cannot be written
SELECT pg_temp.outcome('SELECT ''red < 1''::bm25threshold');
\c -
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM bm25_one WHERE a <@> 'red fox' <= -0.5;
EXPLAIN (COSTS OFF) SELECT id FROM bm25_one WHERE a <@> 'red fox' < 0 AND a @@@ 'sky' ORDER BY a <@> 'red fox' LIMIT 3;
DROP TABLE bm25_one, bm25_several, bm25_log, bm25_parts;
