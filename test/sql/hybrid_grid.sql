-- barq_hybrid(): kinds of index × types × ways to plan, each result compared with
-- exact SQL: plain, partial, expression and several indexes, partitioned tables.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

-- Six calls by custom plans and six by generic ones, of arguments after the
-- table's, which may use $1 for a parameter of a type; the ids found, and those of a
-- statement: 'same', or the first that differ.
CREATE FUNCTION pg_temp.same(tab text, call text, type text, argument text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	exact text;
	found text;
	mode text;
BEGIN
	EXECUTE statement INTO exact;
	EXECUTE format('PREPARE asked%s AS SELECT string_agg((doc).id::text, '' '' ORDER BY coalesce(vector_rank, text_rank)) FROM barq_hybrid(NULL::%s, %s)', '(' || type || ')', tab, call);
	FOREACH mode IN ARRAY '{auto,force_generic_plan,force_custom_plan}'::text[] LOOP
		PERFORM set_config('plan_cache_mode', mode, true);
		FOR i IN 1..6 LOOP
			EXECUTE format('EXECUTE asked%s', '(' || argument || ')') INTO found;
			IF found IS DISTINCT FROM exact THEN
				DEALLOCATE asked;
				RETURN format('%s, %s: %s instead of %s', mode, i, found, exact);
			END IF;
		END LOOP;
	END LOOP;
	DEALLOCATE asked;
	RETURN 'same: ' || left(exact, 20);
EXCEPTION WHEN OTHERS THEN
	DEALLOCATE ALL;
	RETURN concat_ws(' / ', SQLSTATE, SQLERRM);
END $$;

CREATE TABLE grid_plain (id int PRIMARY KEY, tenant int, v vector(4), h halfvec(4), s sparsevec(4), body text, title text);
INSERT INTO grid_plain SELECT i, i % 3, a::vector, a::vector::halfvec, a::vector::sparsevec, CASE WHEN i % 4 = 0 THEN repeat('word ', i % 7 + 1) || 'w' || i % 11 ELSE 'other w' || i % 5 END, 'title' || i % 9
FROM generate_series(1, 600) i, LATERAL (SELECT ARRAY[i, (i * 7) % 601, (i * 13) % 599, 1]::real[] AS a) a;
CREATE TABLE grid_parted (LIKE grid_plain) PARTITION BY RANGE (id);
CREATE TABLE grid_parted_1 PARTITION OF grid_parted FOR VALUES FROM (0) TO (200);
CREATE TABLE grid_parted_2 PARTITION OF grid_parted FOR VALUES FROM (200) TO (450);
CREATE TABLE grid_parted_3 PARTITION OF grid_parted FOR VALUES FROM (450) TO (1000);
INSERT INTO grid_parted SELECT * FROM grid_plain;

-- vectors: column × kind of index × type of the parameter × filter
CREATE TEMP TABLE cell (n serial, kind text, tab text, col text, typ text, op text, ddl text);
INSERT INTO cell (kind, tab, col, typ, op, ddl)
SELECT k.kind, t.tab, c.col, c.typ, o.op, format('CREATE INDEX grid_i ON %s USING barq_hnsw (%s %s_%s_ops) %s', t.tab, CASE k.kind WHEN 'expression' THEN format('((%s + %1$s)::%s(4))', c.col, c.typ) ELSE c.col END, c.typ, o.metric, CASE k.kind WHEN 'partial' THEN 'WHERE tenant = 1' WHEN 'partial, other' THEN 'WHERE id > 500' ELSE '' END)
FROM unnest(ARRAY['grid_plain', 'grid_parted']) t(tab), (VALUES ('v', 'vector'), ('h', 'halfvec'), ('s', 'sparsevec')) c(col, typ), (VALUES ('<->', 'l2'), ('<=>', 'cosine')) o(op, metric), unnest(ARRAY['plain', 'partial', 'partial, other', 'expression']) k(kind)
WHERE NOT (k.kind = 'expression' AND c.typ = 'sparsevec');
CREATE FUNCTION pg_temp.vector_cell(c cell) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	key text = CASE c.kind WHEN 'expression' THEN format('((%s + %1$s)::%s(4))', c.col, c.typ) ELSE c.col END;
	answers text[] = '{}';
	answer text;
	type text;
	filter text[];
BEGIN
	EXECUTE c.ddl;
	FOREACH type IN ARRAY ARRAY['text', 'vector', 'halfvec', 'sparsevec'] LOOP
		FOREACH filter SLICE 1 IN ARRAY ARRAY[['', 'true'], [', filter => ''tenant = 1''', 'tenant = 1'], [', filter => ''tenant = $1 AND id < $2'', filter_args => ARRAY[1, 500]', 'tenant = 1 AND id < 500'], [', filter => ''tenant = $1'', filter_args => ''{2}''', 'tenant = 2']] LOOP
			answer = pg_temp.same(c.tab, 'embedding => $1, k => 8' || filter[1], type,
				format('%L', CASE WHEN type = 'sparsevec' OR (type = 'text' AND c.typ = 'sparsevec') THEN '{1:80,2:300,3:111,4:2}/4' ELSE '[80,300,111,2]' END),
				format('SELECT string_agg(id::text, '' '' ORDER BY n) FROM (SELECT id, row_number() OVER (ORDER BY d, at, place) n FROM (SELECT id, tableoid AS at, ctid AS place, %s %s %L::%s AS d FROM %s WHERE %s) s ORDER BY d, at, place LIMIT 8) s', key, c.op, CASE c.typ WHEN 'sparsevec' THEN '{1:80,2:300,3:111,4:2}/4' ELSE '[80,300,111,2]' END, c.typ, c.tab, filter[2]));
			IF answer LIKE 'same%' THEN
				answer = 'same';
			ELSE
				answer = format('%s%s: %s', type, filter[1], answer);
			END IF;
			IF answer <> ALL (answers) THEN
				answers = answers || answer;
			END IF;
		END LOOP;
	END LOOP;
	EXECUTE 'DROP INDEX grid_i';
	RETURN array_to_string(answers, E'\n');
END $$;
SET barq.ef_search = 400;
SELECT tab, kind, col, op, pg_temp.vector_cell(cell) FROM cell ORDER BY n;

-- texts: kinds of index × filter; scores by the named index
CREATE FUNCTION pg_temp.text_cell(tab text, kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	key text = CASE kind WHEN 'expression' THEN '(title || '' '' || body)' ELSE 'body' END;
	answers text[] = '{}';
	answer text;
	filter text[];
BEGIN
	EXECUTE format('CREATE INDEX grid_b ON %s USING barq_bm25 (%s) WITH (text_config = ''simple'') %s', tab, key, CASE kind WHEN 'partial' THEN 'WHERE tenant = 1' ELSE '' END);
	FOREACH filter SLICE 1 IN ARRAY ARRAY[[', filter => ''tenant = 1''', 'tenant = 1'], [', filter => ''tenant = $1'', filter_args => ARRAY[1]', 'tenant = 1'], [', filter => ''tenant = $1 AND id < $2'', filter_args => ''{1,500}''', 'tenant = 1 AND id < 500'], ['', CASE kind WHEN 'partial' THEN NULL ELSE 'true' END]] LOOP
		CONTINUE WHEN filter[2] IS NULL;
		answer = pg_temp.same(tab, 'query => $1, k => 8' || filter[1], 'text', '''word w4 w8''',
			format('SELECT string_agg(id::text, '' '' ORDER BY n) FROM (SELECT id, row_number() OVER (ORDER BY d, at, place) n FROM (SELECT id, tableoid AS at, ctid AS place, %s <@> to_bm25query(''word w4 w8'', ''grid_b'') AS d FROM %s WHERE %s OFFSET 0) s WHERE d < 0 ORDER BY d, at, place LIMIT 8) s', key, tab, filter[2]));
		answer = CASE WHEN answer LIKE 'same%' THEN 'same' ELSE format('%s: %s', filter[1], answer) END;
		IF answer <> ALL (answers) THEN
			answers = answers || answer;
		END IF;
	END LOOP;
	EXECUTE 'DROP INDEX grid_b';
	RETURN array_to_string(answers, E'\n');
END $$;
SELECT tab, kind, pg_temp.text_cell(tab, kind) FROM unnest(ARRAY['grid_plain', 'grid_parted']) tab, unnest(ARRAY['plain', 'partial', 'expression']) WITH ORDINALITY k(kind, n) ORDER BY tab, n;

-- several indexes on a column: the named one, or the one that the filter's values imply
CREATE INDEX grid_l2 ON grid_plain USING barq_hnsw (v vector_l2_ops);
CREATE INDEX grid_l2_m8 ON grid_plain USING barq_hnsw (v vector_l2_ops) WITH (m = 8);
CREATE INDEX grid_ivf ON grid_plain USING barq_ivf (v vector_l2_ops) WITH (lists = 4);
CREATE INDEX grid_ip ON grid_plain USING barq_hnsw (v vector_ip_ops);
CREATE INDEX grid_expr ON grid_plain USING barq_hnsw (((v * v)::vector(4)) vector_l2_ops);
CREATE INDEX grid_half ON grid_plain USING barq_hnsw (h halfvec_l2_ops);
CREATE INDEX grid_one ON grid_plain USING barq_bm25 (body) WITH (text_config = 'simple') WHERE tenant = 1;
CREATE INDEX grid_two ON grid_plain USING barq_bm25 (body) WITH (text_config = 'simple', k1 = 3, b = 0) WHERE tenant = 2;
CREATE INDEX grid_title ON grid_plain USING barq_bm25 (title) WITH (text_config = 'simple');
SELECT i, pg_temp.same('grid_plain', format('embedding => $1, k => 5, vector_index => %L', i), 'vector', '''[80,300,111,2]''', format('SELECT string_agg(id::text, '' '' ORDER BY n) FROM (SELECT id, row_number() OVER (ORDER BY %s) n FROM grid_plain ORDER BY %1$s LIMIT 5) s', e))
FROM (VALUES ('grid_l2', '(v <-> ''[80,300,111,2]'') + 0'), ('grid_l2_m8', '(v <-> ''[80,300,111,2]'') + 0'), ('grid_ivf', '(v <-> ''[80,300,111,2]'') + 0'), ('grid_ip', '(v <#> ''[80,300,111,2]'') + 0'), ('grid_expr', '((v * v) <-> ''[80,300,111,2]'') + 0'), ('grid_half', '(h <-> ''[80,300,111,2]'') + 0')) x(i, e);
-- among equal indexes the named one is used
SELECT i, (SELECT count(*) FROM barq_hybrid(NULL::grid_plain, '[80,300,111,2]', k => 5, vector_index => i)) AS rows FROM unnest(ARRAY['grid_l2', 'grid_l2_m8', 'grid_ivf']) i;
SELECT i, pg_temp.plan_of(format('SELECT id FROM grid_plain ORDER BY v <-> barq_by_index(''[80,300,111,2]''::vector, %L) LIMIT 5', i)) FROM unnest(ARRAY['grid_l2', 'grid_l2_m8', 'grid_ivf']) i;
-- by values that change from call to call
PREPARE by_tenant(int) AS SELECT string_agg((doc).id::text, ' ' ORDER BY text_rank) FROM barq_hybrid(NULL::grid_plain, query => 'word w4', k => 6, text_column => 'body', filter => 'tenant = $1', filter_args => ARRAY[$1]);
SELECT string_agg(id::text, ' ' ORDER BY d, ctid) AS one FROM (SELECT id, ctid, body <@> to_bm25query('word w4', 'grid_one') AS d FROM grid_plain WHERE tenant = 1 ORDER BY (body <@> to_bm25query('word w4', 'grid_one')) + 0, ctid LIMIT 6) s \gset
SELECT string_agg(id::text, ' ' ORDER BY d, ctid) AS two FROM (SELECT id, ctid, body <@> to_bm25query('word w4', 'grid_two') AS d FROM grid_plain WHERE tenant = 2 ORDER BY (body <@> to_bm25query('word w4', 'grid_two')) + 0, ctid LIMIT 6) s \gset
CREATE FUNCTION pg_temp.by_tenant(tenant int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	EXECUTE format('EXECUTE by_tenant(%s)', tenant) INTO found;
	RETURN found;
EXCEPTION WHEN OTHERS THEN
	RETURN concat_ws(' / ', SQLSTATE, SQLERRM);
END $$;
SELECT i, pg_temp.by_tenant(1) = :'one' AS one, pg_temp.by_tenant(2) = :'two' AS two FROM generate_series(1, 7) i;
SELECT pg_temp.by_tenant(0);
SELECT i, (SELECT string_agg((doc).id::text, ' ' ORDER BY text_rank) FROM barq_hybrid(NULL::grid_plain, query => 'word w4', k => 6, filter => 'tenant = 1', text_index => i)) = :'one' AS as_one FROM unnest(ARRAY['grid_one', 'grid_two']) i;
-- names that do not fit
SELECT c, pg_temp.outcome('SELECT count(*) FROM barq_hybrid(NULL::grid_plain, ' || c || ')') FROM unnest(ARRAY['''[1,2,3,4]''', '''[1,2,3,4]'', vector_column => ''v''', '''[1,2,3,4]'', vector_index => ''nope''', '''[1,2,3,4]'', vector_index => ''grid_one''', '''[1,2,3,4]'', vector_index => ''grid_plain_pkey''', '''[1,2,3,4]'', vector_index => ''public.grid_l2''',
	'''[1,2,3,4]'', vector_column => ''h'', vector_index => ''grid_l2''', '''[1,2,3,4]'', vector_column => ''v'', vector_index => ''grid_expr''', 'query => ''word''', 'query => ''word'', text_column => ''body''', 'query => ''word'', text_index => ''grid_l2''', 'query => ''word'', text_index => ''grid_title'', vector_index => ''nope''']) c;
-- an index is renamed, dropped, created again
SELECT pg_temp.outcome('SELECT count(*) FROM barq_hybrid(NULL::grid_plain, ''[80,300,111,2]'', vector_index => ''grid_m'')');
ALTER INDEX grid_l2_m8 RENAME TO grid_m;
SELECT pg_temp.outcome('SELECT count(*) FROM barq_hybrid(NULL::grid_plain, ''[80,300,111,2]'', vector_index => ''grid_m'')');
REINDEX INDEX CONCURRENTLY grid_m;
SELECT pg_temp.outcome('SELECT count(*) FROM barq_hybrid(NULL::grid_plain, ''[80,300,111,2]'', vector_index => ''grid_m'')');
DROP INDEX grid_m;
SELECT pg_temp.outcome('SELECT count(*) FROM barq_hybrid(NULL::grid_plain, ''[80,300,111,2]'', vector_index => ''grid_m'')');
DROP TABLE grid_plain, grid_parted;
