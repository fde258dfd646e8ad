-- ALTER INDEX SET and RESET: refused where CREATE INDEX refuses, with its words;
-- else it waits for a build, and the build then succeeds and gives what CREATE
-- INDEX gives. Each access method and operator class × options × SET and RESET
-- × what builds an index again.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE alter_options (id int, body text, bodies text[], v vector(8), h halfvec(8), s sparsevec(8), b bit(8));
INSERT INTO alter_options SELECT i, 'the words ' || i, ARRAY['word', 'running ' || i], pg_temp.random_vector(8), pg_temp.random_vector(8)::halfvec, '{1:1,3:2}/8', i::bit(8) FROM generate_series(1, 30) i;
SET client_min_messages = warning;

-- What a statement ends with: its error, or NULL.
CREATE FUNCTION pg_temp.error_message(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
-- The options that CREATE INDEX gives, or its error; nothing is left behind.
CREATE FUNCTION pg_temp.created(index_on text, given text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('CREATE INDEX alter_options_idx ON %s %s', index_on, 'WITH (' || nullif(array_to_string(given, ', '), '') || ')');
	SELECT options INTO result FROM barq_indexes() WHERE index = 'alter_options_idx'::regclass;
	DROP INDEX alter_options_idx;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
-- The same by way of ALTER INDEX and something that builds the index again.
CREATE FUNCTION pg_temp.altered(index_on text, given text[], change text, rebuild text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	state record;
BEGIN
	EXECUTE format('CREATE INDEX alter_options_idx ON %s %s', index_on, 'WITH (' || nullif(array_to_string(given, ', '), '') || ')');
	message := pg_temp.error_message('ALTER INDEX alter_options_idx ' || change);
	IF message IS NULL THEN
		SELECT options, pending INTO state FROM barq_indexes() WHERE index = 'alter_options_idx'::regclass;
		EXECUTE rebuild;
		SELECT options INTO message FROM barq_indexes() WHERE index = 'alter_options_idx'::regclass AND pending IS NULL;
		-- what was pending is what has changed
		IF state.pending IS DISTINCT FROM (SELECT string_agg(n, ', ') FROM (SELECT n FROM unnest(string_to_array(message, ', ')) WITH ORDINALITY n(n, i)
				WHERE n <> ALL (string_to_array(state.options, ', ')) ORDER BY i) changed) THEN
			message := format('%s, though pending was %s', message, state.pending);
		END IF;
	END IF;
	DROP INDEX alter_options_idx;
	RETURN message;
END $$;

CREATE TEMP TABLE place (index_on text, base text[]);
INSERT INTO place
	SELECT format('alter_options USING barq_hnsw (%s %s_%s_ops)', c, t, d), NULL::text[] FROM (VALUES ('v', 'vector'), ('h', 'halfvec'), ('s', 'sparsevec')) t(c, t), unnest(ARRAY['l2', 'ip', 'cosine', 'l1']) d
	UNION ALL SELECT format('alter_options USING barq_ivf (%s %s_%s_ops)', c, t, d), NULL FROM (VALUES ('v', 'vector'), ('h', 'halfvec')) t(c, t), unnest(ARRAY['l2', 'ip', 'cosine']) d
	UNION ALL SELECT format('alter_options USING barq_hnsw (b bit_%s_ops)', d), NULL FROM unnest(ARRAY['hamming', 'jaccard']) d
	UNION ALL SELECT 'alter_options USING barq_ivf (b bit_hamming_ops)', NULL
	UNION ALL SELECT format('alter_options USING barq_bm25 (%s)', c), ARRAY['text_config = ''english'''] FROM unnest(ARRAY['body', 'bodies', '(lower(body))']) c;
CREATE TEXT SEARCH CONFIGURATION alter_options_config (COPY = simple);
CREATE TEMP TABLE change (kind text, options text[]);
INSERT INTO change VALUES
	('barq_hnsw', '{m = 32}'), ('barq_hnsw', '{m = 33}'), ('barq_hnsw', '{m = 90}'), ('barq_hnsw', '{m = 101}'), ('barq_hnsw', '{m = 90, ef_construction = 180}'), ('barq_hnsw', '{ef_construction = 31}'),
	('barq_hnsw', '{ef_construction = 1000}'), ('barq_hnsw', '{m = 16}'), ('barq_hnsw', '{lists = 10}'),
	('barq_ivf', '{lists = 7}'), ('barq_ivf', '{lists = 0}'), ('barq_ivf', '{lists = 32769}'), ('barq_ivf', '{m = 10}'),
	('barq_hnsw barq_ivf', '{quantization = none}'), ('barq_hnsw barq_ivf', '{quantization = f16}'), ('barq_hnsw barq_ivf', '{quantization = sq8}'), ('barq_hnsw barq_ivf', '{quantization = rabitq}'), ('barq_hnsw barq_ivf', '{quantization = pq}'),
	('barq_bm25', '{k1 = 2}'), ('barq_bm25', '{k1 = 1.2000001}'), ('barq_bm25', '{k1 = 20}'), ('barq_bm25', '{b = 0}'), ('barq_bm25', '{b = -1}'), ('barq_bm25', '{positions = off}'), ('barq_bm25', '{positions = perhaps}'),
	('barq_bm25', '{tokenizer = ngram}'), ('barq_bm25', '{tokenizer = words}'), ('barq_bm25', '{k1 = 2, b = 0.5, tokenizer = ngram}'),
	('barq_bm25', '{text_config = simple}'), ('barq_bm25', '{text_config = public.alter_options_config}'), ('barq_bm25', '{text_config = alter_options_config}'), ('barq_bm25', '{text_config = public.no_such}'), ('barq_bm25', '{text_config = ''''}'), ('barq_bm25', '{text_config = ''a.b.c''}'), ('barq_bm25', ARRAY['text_config = ''"open''']), ('barq_bm25', '{b = -0.0}');

-- SET
CREATE TEMP TABLE cell AS
	SELECT index_on, options, rebuild, pg_temp.created(index_on, options || ARRAY(SELECT o FROM unnest(base) o WHERE options[1] NOT LIKE 'text_config%')) AS created, pg_temp.altered(index_on, base, format('SET (%s)', array_to_string(options, ', ')), rebuild) AS altered
	FROM place JOIN change ON index_on ~ ('USING (' || replace(kind, ' ', '|') || ') '), unnest(ARRAY['REINDEX INDEX alter_options_idx', 'TRUNCATE alter_options']) rebuild;
SELECT count(*) > 300 AS many, count(*) FILTER (WHERE created ~ '^(dimensions|text_config)=') > 100 AS taken, count(*) FILTER (WHERE created !~ '^(dimensions|text_config)=') > 80 AS refused FROM cell;
SELECT * FROM cell WHERE created IS DISTINCT FROM altered;
-- RESET of each option of an index that was given all
CREATE TEMP TABLE given (kind text, options text[]);
INSERT INTO given VALUES ('barq_hnsw', '{m = 8, ef_construction = 20, quantization = none}'), ('barq_hnsw', '{m = 80, ef_construction = 200}'), ('barq_ivf', '{lists = 3, quantization = none}'),
	('barq_bm25', '{text_config = simple, tokenizer = ngram, k1 = 2, b = 0.5, positions = off}');
CREATE TEMP TABLE reset AS
	SELECT index_on, o AS option, pg_temp.created(index_on, array_remove(options, o)) AS created, pg_temp.altered(index_on, options, format('RESET (%s)', split_part(o, ' ', 1)), 'REINDEX INDEX alter_options_idx') AS altered
	FROM place JOIN given ON index_on LIKE '%USING ' || kind || ' %', unnest(options) o;
SELECT count(*), count(*) FILTER (WHERE created ~ '^(dimensions|text_config)=') > 50 AS taken, count(*) FILTER (WHERE created !~ '^(dimensions|text_config)=') > 10 AS refused FROM reset;
SELECT * FROM reset WHERE created IS DISTINCT FROM altered;
SELECT index_on, altered FROM reset WHERE altered LIKE '%needs%' ORDER BY 1;
-- all at once leaves no options, and nobody is asked about them but the hook
SELECT pg_temp.altered(index_on, options, 'RESET (m, ef_construction, quantization, lists, text_config, tokenizer, k1, b, positions)', 'REINDEX INDEX alter_options_idx') AS altered, count(*)
	FROM place JOIN given ON index_on LIKE '%USING ' || kind || ' %' GROUP BY 1 ORDER BY 1;
DROP TEXT SEARCH CONFIGURATION alter_options_config;

-- what the user is told
RESET client_min_messages;
INSERT INTO alter_options (id, body, v) SELECT i, 'running ' || i, pg_temp.random_vector(8) FROM generate_series(1, 20) i;
CREATE INDEX alter_options_v ON alter_options USING barq_hnsw (v vector_l2_ops) WITH (m = 8);
CREATE INDEX alter_options_t ON alter_options USING barq_bm25 (body) WITH (text_config = 'english');
ALTER INDEX alter_options_v SET (m = 32, quantization = rabitq);
ALTER TABLE alter_options_t SET (k1 = 5, text_config = 'simple');
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
SELECT * FROM barq_check('alter_options_v');
SELECT * FROM barq_check('alter_options_t');
-- once more the same, another name, other storage: no more to say
ALTER INDEX alter_options_v SET (m = 32);
ALTER INDEX alter_options_v RENAME TO alter_options_w;
ALTER INDEX alter_options_w SET TABLESPACE pg_default;
-- taken back
ALTER INDEX alter_options_w SET (m = 8), RESET (quantization);
ALTER INDEX alter_options_t RESET (k1), SET (text_config = 'english');
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
-- refused, and in a transaction that goes on
BEGIN;
SAVEPOINT before;
ALTER INDEX alter_options_w SET (m = 90);
ROLLBACK TO before;
ALTER INDEX alter_options_w SET (m = 10);
ROLLBACK;
SELECT pending IS NULL AS as_before FROM barq_indexes() WHERE index = 'alter_options_w'::regclass;
-- what builds an index again gives it what is pending
ALTER INDEX alter_options_w SET (m = 10);
ALTER INDEX alter_options_t SET (k1 = 3);
VACUUM FULL alter_options;
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
ALTER INDEX alter_options_w SET (m = 11);
ALTER INDEX alter_options_t SET (k1 = 4, text_config = 'simple');
REINDEX TABLE CONCURRENTLY alter_options;
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
ALTER INDEX alter_options_w SET (m = 12);
ALTER INDEX alter_options_t SET (k1 = 5);
ALTER TABLE alter_options ALTER v TYPE vector(4) USING subvector(v, 1, 4), ALTER body TYPE varchar;
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
ALTER INDEX alter_options_w SET (m = 13);
CREATE TABLE alter_options_like (LIKE alter_options INCLUDING ALL);
SELECT options, pending FROM barq_indexes() WHERE "table" = 'alter_options_like'::regclass ORDER BY kind;
SELECT index, barq_check(index) FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
DROP TABLE alter_options_like, alter_options;

-- other ways to build again: persistence, CLUSTER, REFRESH, a table of the same transaction
SET client_min_messages = warning;
CREATE TABLE alter_options (id int PRIMARY KEY, v vector(3), body text);
INSERT INTO alter_options SELECT i, ARRAY[i, 1, 2]::vector, 'running ' || i FROM generate_series(1, 20) i;
CREATE INDEX alter_options_v ON alter_options USING barq_ivf (v);
CREATE INDEX alter_options_t ON alter_options USING barq_bm25 (body) WITH (text_config = 'english');
ALTER INDEX alter_options_v SET (lists = 3);
ALTER INDEX alter_options_t SET (tokenizer = ngram);
ALTER TABLE alter_options SET UNLOGGED;
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
ALTER INDEX alter_options_v RESET (lists);
ALTER TABLE alter_options SET LOGGED;
ALTER INDEX alter_options_v SET (quantization = none), SET (lists = 5);
ALTER INDEX alter_options_t SET (k1 = 3);
CLUSTER alter_options USING alter_options_pkey;
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
CREATE MATERIALIZED VIEW alter_options_view AS SELECT * FROM alter_options;
CREATE INDEX alter_options_view_t ON alter_options_view USING barq_bm25 (body) WITH (text_config = 'english');
ALTER INDEX alter_options_view_t SET (k1 = 4);
REFRESH MATERIALIZED VIEW alter_options_view;
SELECT options, pending FROM barq_indexes() WHERE index = 'alter_options_view_t'::regclass;
BEGIN;
CREATE TABLE alter_options_new (v vector(3), body text);
CREATE INDEX alter_options_new_v ON alter_options_new USING barq_hnsw (v vector_l2_ops);
CREATE INDEX alter_options_new_t ON alter_options_new USING barq_bm25 (body) WITH (text_config = 'english');
ALTER INDEX alter_options_new_v SET (m = 4);
ALTER INDEX alter_options_new_t SET (k1 = 3);
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options_new'::regclass ORDER BY index::text COLLATE "C";
TRUNCATE alter_options_new;
INSERT INTO alter_options_new VALUES ('[1,2,3]', 'run');
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options_new'::regclass ORDER BY index::text COLLATE "C";
COMMIT;
SELECT index, barq_check(index) FROM barq_indexes() WHERE "table"::text LIKE 'alter_options%';
DROP TABLE alter_options, alter_options_new CASCADE;
RESET client_min_messages;

-- a partitioned table's index has no storage, and is checked all the same
CREATE TABLE alter_options (id int, body text, v vector(4)) PARTITION BY LIST (id);
SELECT pg_temp.error_message('CREATE INDEX ON alter_options USING barq_hnsw (v vector_l2_ops) WITH (m = 90)');
SELECT pg_temp.error_message('CREATE INDEX ON alter_options USING barq_hnsw (v vector_l1_ops) WITH (quantization = rabitq)');
SELECT pg_temp.error_message('CREATE INDEX ON alter_options USING barq_bm25 (body)');
CREATE INDEX alter_options_v ON alter_options USING barq_hnsw (v vector_l2_ops) WITH (m = 8);
CREATE INDEX alter_options_t ON alter_options USING barq_bm25 (body) WITH (text_config = 'english');
-- (PostgreSQL refuses SET itself)
ALTER INDEX alter_options_v SET (m = 9);
ALTER INDEX alter_options_t RESET (text_config);
CREATE TABLE alter_options_1 PARTITION OF alter_options FOR VALUES IN (1);
ALTER INDEX alter_options_1_v_idx SET (m = 10);
CREATE TABLE alter_options_2 PARTITION OF alter_options FOR VALUES IN (2);
SELECT "table", kind, options, pending FROM barq_indexes() WHERE "table"::text LIKE 'alter_options%' ORDER BY 1, 2;
INSERT INTO alter_options VALUES (1, 'running', '[1,2,3,4]'), (2, 'runs', '[2,3,4,5]');
SELECT id FROM alter_options WHERE body @@@ 'run' ORDER BY v <-> '[1,2,3,4]';
DROP TABLE alter_options;

-- nor does the planner take what is pending for what is there
CREATE TABLE alter_options (id int, v vector(3));
INSERT INTO alter_options SELECT i, ARRAY[i, 1, 2]::vector FROM generate_series(1, 3000) i;
CREATE INDEX alter_options_v ON alter_options USING barq_ivf (v) WITH (lists = 10);
ANALYZE alter_options;
CREATE FUNCTION pg_temp.cost() RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) SELECT id FROM alter_options ORDER BY v <-> ''[1,2,3]'' LIMIT 5' INTO plan;
	RETURN plan->0->'Plan'->>'Total Cost';
END $$;
SET client_min_messages = warning;
SELECT pg_temp.cost() AS cost \gset
ALTER INDEX alter_options_v SET (lists = 3000);
SELECT pg_temp.cost() = :'cost' AS as_before;
REINDEX INDEX alter_options_v;
SELECT pg_temp.cost() <> :'cost' AS changed;
RESET client_min_messages;
DROP TABLE alter_options;

-- an option in the catalog that no build would take (as ALTER INDEX of an older library left it) hides no other index
CREATE TABLE alter_options (v vector(3), w vector(3));
CREATE INDEX alter_options_v ON alter_options USING barq_hnsw (v vector_l2_ops);
CREATE INDEX alter_options_w ON alter_options USING barq_hnsw (w vector_l2_ops) WITH (m = 8);
UPDATE pg_class SET reloptions = '{m=90}' WHERE relname = 'alter_options_v';
SELECT index, options, pending FROM barq_indexes() WHERE "table" = 'alter_options'::regclass ORDER BY index::text COLLATE "C";
SELECT * FROM barq_check('alter_options_v');
ALTER INDEX alter_options_v RENAME TO alter_options_x;
ALTER INDEX alter_options_x SET (m = 20);
SELECT * FROM barq_check('alter_options_x');
DROP TABLE alter_options;
