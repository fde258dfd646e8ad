-- refine: second codes, by which most rows are put in order without their vectors.
-- Rows come in the order of a sort, bit by bit, for each method, type and distance, from
-- the log, flat segments, graphs and lists, after seals, merges and VACUUM, also where
-- vectors are copies or so near that their intervals overlap.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SELECT setseed(0.9);
SET barq.growing_limit = '1GB';
SET barq.background = off;
SET barq.ef_search = 400;
SET barq.probes = 1000;
SET enable_seqscan = off;
SET enable_sort = off;

-- which indexes have it
CREATE TABLE refine_options (v vector(30), w vector(500), x vector(501), h halfvec(1000), i halfvec(1001), b bit(30));
CREATE FUNCTION pg_temp.refined(column_name text, ops text, options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	result = pg_temp.outcome(format('CREATE INDEX refine_options_i ON refine_options USING barq_hnsw (%s %s) %s', column_name, ops, options));
	IF result = 'no error' THEN
		SELECT substring(o.options from 'refine=(\w+)') INTO result FROM barq_indexes() o WHERE o.index = 'refine_options_i'::regclass;
		DROP INDEX refine_options_i;
	END IF;
	RETURN result;
END $$;
SELECT c, ops, options, pg_temp.refined(c, ops, options) FROM (VALUES
	('v', 'vector_l2_ops', ''),
	('v', 'vector_l2_ops', 'WITH (refine = on)'),
	('w', 'vector_l2_ops', ''),
	('x', 'vector_l2_ops', ''),
	('x', 'vector_l2_ops', 'WITH (refine = off)'),
	('x', 'vector_l2_ops', 'WITH (refine = auto)'),
	('x', 'vector_l2_ops', 'WITH (quantization = none)'),
	('x', 'vector_l2_ops', 'WITH (quantization = rabitq)'),
	('h', 'halfvec_l2_ops', ''),
	('i', 'halfvec_l2_ops', ''),
	('b', 'bit_hamming_ops', ''),
	('x', 'vector_l2_ops', 'WITH (refine = on, quantization = rabitq)'),
	('x', 'vector_l2_ops', 'WITH (refine = on, quantization = none)'),
	('b', 'bit_hamming_ops', 'WITH (refine = on)'),
	('x', 'vector_l2_ops', 'WITH (refine = maybe)')
) s (c, ops, options);

-- an index without refinements needs no REINDEX where barq would choose them today, as for one built before there were any
CREATE INDEX refine_options_i ON refine_options USING barq_hnsw (x vector_l2_ops) WITH (refine = off);
ALTER INDEX refine_options_i RESET (refine);
SELECT count(*) FROM barq_check('refine_options_i');
ALTER INDEX refine_options_i SET (refine = on);
SELECT message FROM barq_check('refine_options_i');
DROP INDEX refine_options_i;

-- rows in clusters, with copies, near copies and other lengths
CREATE TABLE refine_rows AS
	SELECT i AS id, (SELECT array_agg((sin((i % 37) * 7.3 + j) * 0.7 + random() - 0.5)::real ORDER BY j) FROM generate_series(1, 24) j)::vector AS v
	FROM generate_series(1, 1500) i;
UPDATE refine_rows SET v = (SELECT v FROM refine_rows WHERE id = 7) WHERE id BETWEEN 100 AND 130;
UPDATE refine_rows r SET v = (SELECT q.v + r.v * array_fill((r.id % 2 * 1e-6)::real, ARRAY[24])::vector FROM refine_rows q WHERE q.id = 8) WHERE id BETWEEN 200 AND 260;
UPDATE refine_rows SET v = v * array_fill(1000::real, ARRAY[24])::vector WHERE id BETWEEN 300 AND 310;
SELECT array_agg(v ORDER BY id) AS queries FROM refine_rows WHERE id IN (3, 7, 8, 205, 305) \gset

CREATE FUNCTION pg_temp.check_refined(method text, type text, metric text, option text, queries vector[], OUT stage text, OUT wrong bigint, OUT faults bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	op text = pg_temp.operator_of(metric);
BEGIN
	EXECUTE format('CREATE TABLE refine_t (id int PRIMARY KEY, v %s(24))', type);
	INSERT INTO refine_t SELECT id, v FROM refine_rows WHERE id <= 1200;
	EXECUTE format('CREATE INDEX refine_i ON refine_t USING %s (v %s_%s_ops) WITH (refine = on%s)', method, type, metric, option);
	FOR stage IN SELECT unnest(ARRAY['built', 'log', 'sealed', 'merged', 'deleted', 'vacuumed'])
	LOOP
		CASE stage
			WHEN 'built' THEN NULL;
			WHEN 'log' THEN INSERT INTO refine_t SELECT id, v FROM refine_rows WHERE id BETWEEN 1201 AND 1350;
			WHEN 'sealed' THEN PERFORM barq_seal('refine_i'); INSERT INTO refine_t SELECT id, v FROM refine_rows WHERE id BETWEEN 1351 AND 1400;
			WHEN 'merged' THEN PERFORM barq_seal('refine_i'); PERFORM barq_compact('refine_i'); INSERT INTO refine_t SELECT id, v FROM refine_rows WHERE id > 1400;
			WHEN 'deleted' THEN DELETE FROM refine_t WHERE id % 5 = 0 OR id BETWEEN 400 AND 600;
			ELSE CONTINUE;
		END CASE;
		IF type = 'halfvec' THEN
			SELECT sum(c.wrong) INTO wrong FROM (SELECT k FROM unnest(ARRAY[1, 10, 100, 10000]) k) s, pg_temp.compare('refine_t', op, queries::halfvec[], k) c;
		ELSE
			SELECT sum(c.wrong) INTO wrong FROM (SELECT k FROM unnest(ARRAY[1, 10, 100, 10000]) k) s, pg_temp.compare('refine_t', op, queries, k) c;
		END IF;
		SELECT count(*) INTO faults FROM barq_check('refine_i');
		RETURN NEXT;
	END LOOP;
	DROP TABLE refine_t;
END $$;
SELECT method, type, metric, option, sum(wrong) AS wrong, sum(faults) AS faults, count(*) AS stages
FROM (VALUES ('barq_hnsw', ''), ('barq_ivf', ', lists = 10')) m (method, option), unnest(ARRAY['vector', 'halfvec']) type,
	unnest(ARRAY['l2', 'ip', 'cosine', 'l1']) metric, pg_temp.check_refined(method, type, metric, option, :'queries'::vector[])
WHERE method = 'barq_hnsw' OR metric <> 'l1'
GROUP BY 1, 2, 3, 4 ORDER BY 1, 4, 2, 3;

-- the same in graphs and lists: these need larger segments
CREATE TABLE refine_large AS
	SELECT i AS id, (SELECT array_agg((sin((i % 37) * 7.3 + j) * 0.7 + random() - 0.5)::real ORDER BY j) FROM generate_series(1, 256) j)::vector AS v
	FROM generate_series(1, 4400) i;
UPDATE refine_large SET v = (SELECT v FROM refine_large WHERE id = 7) WHERE id BETWEEN 100 AND 110 OR id BETWEEN 4100 AND 4110;
UPDATE refine_large r SET v = (SELECT q.v + r.v * array_fill((r.id % 2 * 1e-6)::real, ARRAY[256])::vector FROM refine_large q WHERE q.id = 8) WHERE id BETWEEN 200 AND 210 OR id BETWEEN 4200 AND 4210;
SELECT array_agg(v ORDER BY id) AS queries FROM refine_large WHERE id IN (3, 7, 8, 205) \gset
CREATE FUNCTION pg_temp.check_large(method text, metric text, options text, queries vector[], OUT stage text, OUT kinds text, OUT recalled numeric, OUT disorder bigint, OUT faults bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	op text = pg_temp.operator_of(metric);
BEGIN
	CREATE TABLE refine_t (id int PRIMARY KEY, v vector(256));
	INSERT INTO refine_t SELECT id, v FROM refine_large WHERE id <= 4000;
	EXECUTE format('CREATE INDEX refine_i ON refine_t USING %s (v vector_%s_ops) WITH (refine = on%s)', method, metric, options);
	FOR stage IN SELECT unnest(ARRAY['built', 'merged', 'rebuilt']) LOOP
		IF stage = 'merged' THEN
			DELETE FROM refine_t WHERE id % 7 = 0;
			INSERT INTO refine_t SELECT id, v FROM refine_large WHERE id > 4000;
			PERFORM barq_seal('refine_i');
			PERFORM barq_compact('refine_i');
		ELSIF stage = 'rebuilt' THEN
			REINDEX INDEX refine_i;
		END IF;
		SELECT string_agg(DISTINCT kind, ' ') INTO kinds FROM barq_segments('refine_i') WHERE rows > 0;
		SELECT min(c.recall), sum(c.unordered) INTO recalled, disorder FROM unnest(ARRAY[1, 10, 100]) k, pg_temp.compare('refine_t', op, queries, k) c;
		SELECT disorder + sum(c.unordered) INTO disorder FROM pg_temp.compare('refine_t', op, queries, 10000) c;
		SELECT count(*) INTO faults FROM barq_check('refine_i');
		RETURN NEXT;
	END LOOP;
	DROP TABLE refine_t;
END $$;
SELECT method, metric, stage, kinds, recalled >= 0.99 AS found, disorder, faults FROM unnest(ARRAY['barq_hnsw', 'barq_ivf']) method, unnest(ARRAY['l2', 'ip', 'cosine']) metric,
	pg_temp.check_large(method, metric, '', :'queries'::vector[]);
SELECT method, metric, stage, kinds, recalled >= 0.99 AS found, disorder, faults FROM unnest(ARRAY['barq_hnsw', 'barq_ivf']) method, unnest(ARRAY['l2', 'ip', 'cosine']) metric,
	pg_temp.check_large(method, metric, ', quantization = rabitq', :'queries'::vector[]);
SELECT array_agg(v ORDER BY id) AS queries FROM refine_rows WHERE id IN (3, 7, 8, 205, 305) \gset

-- searches that return some rows fetch few vectors, as with vectors kept in full
CREATE FUNCTION pg_temp.vectors_fetched(options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	q vector;
	fetched bigint = 0;
BEGIN
	EXECUTE format('CREATE INDEX refine_few_i ON refine_few USING barq_hnsw (v vector_cosine_ops) WITH (%s)', options);
	FOR q IN SELECT v FROM refine_few WHERE id % 100 = 0 LOOP
		PERFORM id FROM refine_few ORDER BY v <=> q LIMIT 10;
		fetched = fetched + (SELECT heap_rows FROM barq_last_scan());
	END LOOP;
	DROP INDEX refine_few_i;
	RETURN CASE WHEN fetched <= 40 THEN 'at most two a search' ELSE format('%s in 20 searches', fetched) END;
END $$;
CREATE TABLE refine_few AS SELECT i AS id, pg_temp.random_vector(100) AS v FROM generate_series(1, 2000) i;
ALTER TABLE refine_few ALTER v TYPE vector(100);
ANALYZE refine_few;
SELECT options, pg_temp.vectors_fetched(options) FROM unnest(ARRAY['refine = on', 'quantization = none', 'quantization = f16', 'quantization = rabitq, refine = on']) options;

-- graphs and lists of codes of 2 bits, which need more rows
CREATE TABLE refine_graph AS SELECT i AS id, pg_temp.random_vector(100) AS v FROM generate_series(1, 10500) i;
ALTER TABLE refine_graph ALTER v TYPE vector(100);
SELECT array_agg(v ORDER BY id) AS queries FROM refine_graph WHERE id IN (3, 7, 8, 205) \gset
CREATE INDEX refine_graph_i ON refine_graph USING barq_hnsw (v vector_cosine_ops) WITH (quantization = rabitq, refine = on);
SELECT (SELECT string_agg(DISTINCT kind, ' ') FROM barq_segments('refine_graph_i') WHERE rows > 0) AS kinds, recall >= 0.9 AS found, unordered, (SELECT heap_rows FROM barq_last_scan()) <= 10 AS few FROM pg_temp.compare('refine_graph', '<=>', :'queries'::vector[], 10);
DROP INDEX refine_graph_i;
CREATE INDEX refine_graph_i ON refine_graph USING barq_ivf (v vector_cosine_ops) WITH (quantization = rabitq, refine = on);
SELECT (SELECT string_agg(DISTINCT kind, ' ') FROM barq_segments('refine_graph_i') WHERE rows > 0) AS kinds, recall >= 0.9 AS found, unordered, (SELECT heap_rows FROM barq_last_scan()) <= 10 AS few FROM pg_temp.compare('refine_graph', '<=>', :'queries'::vector[], 10);
DROP TABLE refine_graph;
SELECT array_agg(v ORDER BY id) AS queries FROM refine_rows WHERE id IN (3, 7, 8, 205, 305) \gset

-- relaxed order, page by page, further sort keys, a cursor, FOR UPDATE
CREATE TEMP TABLE refine_pages AS SELECT id, v FROM refine_rows;
ALTER TABLE refine_pages ALTER v TYPE vector(24);
CREATE INDEX refine_pages_i ON refine_pages USING barq_hnsw (v vector_l2_ops) WITH (refine = on);
SELECT k, wrong FROM unnest(ARRAY[10, 10000]) k, pg_temp.compare('refine_pages', '<->', :'queries'::vector[], k);
SET barq.ef_search = 20;
SET barq.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM refine_pages ORDER BY v <-> (SELECT v FROM refine_rows WHERE id = 7) LIMIT 2000) s;
SET barq.iterative_scan = off;
SELECT unordered FROM pg_temp.compare('refine_pages', '<->', :'queries'::vector[], 15);
RESET barq.iterative_scan;
SELECT string_agg(id::text, ' ' ORDER BY d, id) FROM (SELECT id, v <-> (SELECT v FROM refine_rows WHERE id = 7) AS d FROM refine_pages
	ORDER BY v <-> (SELECT v FROM refine_rows WHERE id = 7), v <-> (SELECT v FROM refine_rows WHERE id = 8) LIMIT 32) s;
SELECT count(*), bool_and(ctid IS NOT NULL) FROM (SELECT ctid FROM refine_pages ORDER BY v <-> (SELECT v FROM refine_rows WHERE id = 8) LIMIT 5 FOR UPDATE) s;
DROP TABLE refine_rows, refine_large, refine_few, refine_options;
