-- Searches without a bitmap by a custom scan (BarqSearch), which leaves out a sort key that
-- nothing in the plan reads: by every code, type and method the rows of a sort, in its order;
-- and in every shape of query the key is left out only where no node above reads it.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET barq.growing_limit = '1GB';
SET barq.background = off;
SET barq.ef_search = 1000;
SET barq.probes = 1000;
SELECT setseed(0.4);

-- vectors in a TOAST table; every fortieth is NULL, every sixtieth zero
CREATE TABLE ord_rows AS
	SELECT i AS id, i % 5 AS kind, CASE WHEN i % 40 = 0 THEN NULL WHEN i % 60 = 1 THEN array_fill(0::real, ARRAY[64])::vector
		ELSE (SELECT array_agg((random() - 0.5 + 0.3 * sin((i % 17) * 3.1 + j))::real ORDER BY j) FROM generate_series(1, 64) j)::vector END AS v
	FROM generate_series(1, 1200) i;
-- (a row as long as this is TOASTed, and its longest column cannot be)
CREATE TABLE ord (id int PRIMARY KEY, kind int, v vector(64), pad text DEFAULT repeat('.', 2000));
ALTER TABLE ord ALTER v SET STORAGE EXTERNAL;
ALTER TABLE ord ALTER pad SET STORAGE PLAIN;
CREATE TABLE ord_few (id int PRIMARY KEY, v vector(64));
INSERT INTO ord_few SELECT id, v FROM ord_rows WHERE id IN (3, 7, 8);
ANALYZE ord_few;
SELECT v AS q FROM ord_rows WHERE id = 3 \gset

-- blocks of the TOAST table that this transaction has read
CREATE FUNCTION pg_temp.toast_blocks(tab regclass) RETURNS bigint LANGUAGE sql AS
	$$ SELECT pg_stat_get_xact_blocks_fetched(reltoastrelid) FROM pg_class WHERE oid = tab $$;

-- The rows of a query, the first column of each, in order, by the custom scan or by a sort.
-- scan: of the plan, whether the custom scan is in it and leaves out the key.
CREATE FUNCTION pg_temp.run(query text, custom boolean, OUT ids text[], OUT scan text, OUT toast bigint) LANGUAGE plpgsql AS $$
DECLARE
	plan text := '';
	line text;
	id text;
BEGIN
	PERFORM set_config('barq.condition_scan', custom::text, true),
		set_config('enable_sort', (NOT custom)::text, true),
		set_config('enable_seqscan', (NOT custom)::text, true),
		set_config('enable_indexscan', 'off', true),
		set_config('plan_cache_mode', 'force_custom_plan', true);
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		plan = plan || line || E'\n';
	END LOOP;
	scan = CASE WHEN plan !~ 'BarqSearch' THEN 'none' WHEN plan ~ 'not computed' THEN 'key left out' ELSE 'key computed' END;
	toast = pg_temp.toast_blocks('ord');
	ids = '{}';
	FOR id IN EXECUTE query LOOP
		ids = ids || id;
	END LOOP;
	toast = pg_temp.toast_blocks('ord') - toast;
	PERFORM set_config('enable_sort', 'on', true), set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'on', true);
END $$;

-- The distances of ids, in their order; copies of a vector may change places.
CREATE FUNCTION pg_temp.distances(ids text[], key text) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
	result float8[];
BEGIN
	EXECUTE format('SELECT array_agg(%s ORDER BY n) FROM unnest($1) WITH ORDINALITY s (i, n) LEFT JOIN (SELECT * FROM ord OFFSET 0) o ON o.id = s.i::int', key) INTO result USING ids;
	RETURN result;
END $$;

-- Codes, types, methods and distances; the log, segments, deleted rows.
CREATE FUNCTION pg_temp.grid(method text, type text, metric text, options text, q vector, OUT scans text, OUT wrong bigint, OUT toast_free boolean) LANGUAGE plpgsql AS $$
DECLARE
	key text := format('v::%s(64) %s %L', type, pg_temp.operator_of(metric), q);
	lim text;
	stage text;
	a record;
	b record;
BEGIN
	scans = '';
	wrong = 0;
	toast_free = true;
	TRUNCATE ord;
	INSERT INTO ord SELECT * FROM ord_rows WHERE id <= 800;
	UPDATE ord SET v = (SELECT v FROM ord_rows WHERE id = 7) WHERE id BETWEEN 90 AND 99;
	IF type = 'vector' THEN
		key := format('v %s %L', pg_temp.operator_of(metric), q);
		EXECUTE format('CREATE INDEX ord_v ON ord USING %s (v vector_%s_ops) WITH (%s)', method, metric, options);
	ELSE
		EXECUTE format('CREATE INDEX ord_v ON ord USING %s ((v::%s(64)) %s_%s_ops) WITH (%s)', method, type, type, metric, options);
	END IF;
	ANALYZE ord;
	FOREACH stage IN ARRAY ARRAY['built', 'log', 'deleted'] LOOP
		CASE stage
			WHEN 'log' THEN
				PERFORM barq_seal('ord_v');
				INSERT INTO ord SELECT * FROM ord_rows WHERE id > 800;
			WHEN 'deleted' THEN
				DELETE FROM ord WHERE id % 7 = 0;
				UPDATE ord SET kind = kind + 1 WHERE id % 3 = 0;
			ELSE NULL;
		END CASE;
		FOREACH lim IN ARRAY ARRAY['LIMIT 10', 'LIMIT 20 OFFSET 15', ''] LOOP
			FOR a IN SELECT * FROM pg_temp.run(format('SELECT id FROM ord ORDER BY %s %s', key, lim), true) LOOP
				b := pg_temp.run(format('SELECT id FROM ord ORDER BY %s %s', key, lim), false);
				IF b.scan <> 'none' THEN RAISE 'a sort was to be run'; END IF;
				IF a.scan <> 'key left out' THEN scans := scans || stage || lim || ': ' || a.scan; END IF;
				IF pg_temp.distances(a.ids, key) IS DISTINCT FROM pg_temp.distances(b.ids, key) THEN wrong := wrong + 1; END IF;
				IF lim = '' AND ARRAY(SELECT unnest(a.ids) ORDER BY 1) IS DISTINCT FROM ARRAY(SELECT unnest(b.ids) ORDER BY 1) THEN wrong := wrong + 1; END IF;
				-- the ten copies overlap, of the others one or two may
				IF lim = 'LIMIT 10' AND a.toast > 40 THEN toast_free := false; END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	DROP INDEX ord_v;
END $$;
SELECT method, type, metric, options, g.* FROM (VALUES ('barq_hnsw'), ('barq_ivf')) m (method),
	(VALUES ('vector', 'refine = on'), ('vector', 'quantization = none'), ('vector', 'quantization = f16'), ('halfvec', 'refine = on'), ('halfvec', 'quantization = none')) c (type, options),
	unnest(ARRAY['l2', 'ip', 'cosine']) metric, pg_temp.grid(method, type, metric, options, :'q') g;
