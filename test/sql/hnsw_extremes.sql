-- Data and queries at the limits of float: the order stays exact, and the executor
-- never finds a row below its bound ("index returned tuples in wrong order").
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.8);

-- One index for each metric and quantization over rows of one expression; queries
-- are further rows and stored rows. A query fetches all rows in one round, then all
-- rows in many rounds, then the first few. Shown are errors, rows out of order, in
-- the first case distances other than the exact ones, and in the other cases too few
-- near rows, unless the data is too hard for that (NULL). Half of the rows are in
-- the log.
CREATE FUNCTION pg_temp.judge(label text, dims int, expression text, bound numeric DEFAULT 0.95) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n int = 200;
	metric text;
	quantization text;
	queries vector[];
	result record;
	searches bigint = 0;
BEGIN
	EXECUTE format('CREATE TABLE hnsw_extremes (id int, v vector(%s))', dims);
	EXECUTE format('INSERT INTO hnsw_extremes SELECT i, (SELECT array_agg((%s)::real ORDER BY j) FROM generate_series(1, %s) j)::vector FROM generate_series(1, %s) i', expression, dims, n);
	queries = ARRAY(SELECT v FROM hnsw_extremes WHERE id <= 25 OR id % 8 = 0);
	DELETE FROM hnsw_extremes WHERE id <= 25;
	CREATE TABLE hnsw_extremes_log AS SELECT * FROM hnsw_extremes WHERE id % 2 = 0;
	FOREACH metric IN ARRAY ARRAY['l2', 'ip', 'cosine', 'l1'] LOOP
		FOREACH quantization IN ARRAY ARRAY['none', 'f16', 'sq8'] LOOP
			EXECUTE format('CREATE INDEX hnsw_extremes_idx ON hnsw_extremes USING barq_hnsw (v vector_%s_ops) WITH (quantization = %s)', metric, quantization);
			DELETE FROM hnsw_extremes WHERE id % 2 = 0;
			INSERT INTO hnsw_extremes SELECT * FROM hnsw_extremes_log;
			FOR step IN 1..3 LOOP
				PERFORM set_config('barq.ef_search', (ARRAY['1000', '20', '40'])[step], true);
				BEGIN
					SELECT * INTO result FROM pg_temp.compare('hnsw_extremes', pg_temp.operator_of(metric), queries, (ARRAY[1000, 1000, 5])[step]);
					IF result.unordered > 0 OR (step = 1 AND result.wrong > 0) OR (step > 1 AND result.recall < bound) THEN
						RAISE NOTICE '%, %, %, step %: %', label, metric, quantization, step, result;
					END IF;
				EXCEPTION WHEN OTHERS THEN
					RAISE NOTICE '%, %, %, step %: %', label, metric, quantization, step, SQLERRM;
				END;
				searches = searches + array_length(queries, 1);
			END LOOP;
			DROP INDEX hnsw_extremes_idx;
		END LOOP;
	END LOOP;
	DROP TABLE hnsw_extremes, hnsw_extremes_log;
	RETURN searches;
END $$;

SELECT label, pg_temp.judge(label, dims, expression) AS searches FROM (VALUES
	('uniform', 16, 'random() + 0 * i'),
	('one dimension', 1, 'random() - 0.5 + 0 * i'),
	('a grid, many at equal distance', 3, '(random() * 3)::int + 1 + 0 * i'),
	('duplicates', 20, '(i % 5 + 1) * j'),
	('large offset', 16, '1e4 + random() + 0 * i'),
	('an outlying element now and then', 20, 'CASE WHEN i % 20 = 0 AND j = 3 THEN 1e4 ELSE random() END'),
	('norms over 8 powers of ten', 16, '(random() - 0.5) * power(10, i % 8 - 4)'),
	('denormal', 3, '(random() - 0.5) * 1e-40 + 0 * i'),
	('squares that underflow', 3, '(random() - 0.5) * 1e-25 + 0 * i'),
	('one element other than zero', 10, 'CASE WHEN j = i % 10 + 1 THEN random() ELSE 0 END'),
	('equal elements', 10, 'i / 7')) t(label, dims, expression);

-- differences too small for a code, sums too large for a float: no error, and in
-- order
SELECT label, pg_temp.judge(label, dims, expression, NULL) AS searches FROM (VALUES
	-- eight bits of an element of 1000 leave nothing of the products of the small ones
	('sparse', 50, 'CASE WHEN random() < 0.05 THEN random() * 1000 ELSE 0.001 * random() END + 0 * i'),
	('an offset beyond half precision', 16, '1e7 + random() * 1e3 + 0 * i'),
	('norms over 60 powers of ten', 16, '(random() - 0.5) * power(10, i % 60 - 30)'),
	('elements over 60 powers of ten', 16, '(random() - 0.5) * power(10, (i * 7 + j * 13) % 60 - 30)'),
	('huge', 3, '(random() - 0.5) * 2e38 + 0 * i'),
	('huge and tiny', 4, 'CASE (random() * 3)::int WHEN 0 THEN 3e38 WHEN 1 THEN 1e-38 ELSE -1e30 END * random() + 0 * i')) t(label, dims, expression);

-- 5,000 copies of one vector, in a graph: all are found, and so is another vector
CREATE TABLE hnsw_extremes (id int, v vector(128));
INSERT INTO hnsw_extremes SELECT i, array_fill(0.5, ARRAY[128])::vector FROM generate_series(1, 5000) i;
INSERT INTO hnsw_extremes VALUES (0, array_fill(0.25, ARRAY[128])::vector);
CREATE INDEX hnsw_extremes_idx ON hnsw_extremes USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
SELECT kind, rows FROM barq_segments('hnsw_extremes_idx') WHERE state <> 'growing';
SELECT count(DISTINCT id) FROM (SELECT id FROM hnsw_extremes ORDER BY v <-> array_fill(0.5, ARRAY[128])::vector LIMIT 6000) s;
SELECT count(DISTINCT id) FROM (SELECT id FROM hnsw_extremes ORDER BY v <-> array_fill(0.5, ARRAY[128])::vector LIMIT 100) s;
SELECT id FROM hnsw_extremes ORDER BY v <-> array_fill(0, ARRAY[128])::vector LIMIT 1;
SELECT count(*) FROM (SELECT id FROM hnsw_extremes WHERE id IN (17, 4711) ORDER BY v <-> array_fill(0, ARRAY[128])::vector LIMIT 2) s;
SELECT * FROM barq_check('hnsw_extremes_idx');
DROP TABLE hnsw_extremes;

-- one row; no row
CREATE TABLE hnsw_extremes (id int, v vector(3));
INSERT INTO hnsw_extremes VALUES (1, '[1,2,3]');
CREATE INDEX hnsw_extremes_idx ON hnsw_extremes USING barq_hnsw (v vector_l2_ops);
SELECT id FROM hnsw_extremes ORDER BY v <-> '[1,2,3]' LIMIT 5;
DELETE FROM hnsw_extremes;
SELECT id FROM hnsw_extremes ORDER BY v <-> '[1,2,3]' LIMIT 5;
VACUUM hnsw_extremes;
SELECT id FROM hnsw_extremes ORDER BY v <-> '[1,2,3]' LIMIT 5;
REINDEX TABLE hnsw_extremes;
SELECT id FROM hnsw_extremes ORDER BY v <-> '[1,2,3]' LIMIT 5;
SELECT * FROM barq_check('hnsw_extremes_idx');
DROP TABLE hnsw_extremes;

-- keys of -Infinity, as many as a round wants: rows of the growing log still come
CREATE FUNCTION pg_temp.overflowing(type text, value text, query text, class text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	method text;
	quantization text;
	found bigint;
BEGIN
	FOR method, quantization IN SELECT m, q FROM unnest(ARRAY['barq_hnsw', 'barq_ivf']) m, unnest(ARRAY['none', 'f16', 'sq8', 'rabitq']) q LOOP
		CONTINUE WHEN type LIKE 'sparsevec%' AND quantization <> 'none' OR type LIKE 'sparsevec%' AND method = 'barq_ivf';
		EXECUTE format('CREATE TABLE hnsw_extremes (id int, e %s)', type);
		EXECUTE format('INSERT INTO hnsw_extremes SELECT i, %L FROM generate_series(1, 300) i', value);
		EXECUTE format('CREATE INDEX ON hnsw_extremes USING %s (e %s) WITH (quantization = %s)', method, class, quantization);
		EXECUTE format('INSERT INTO hnsw_extremes SELECT i, %L FROM generate_series(301, 303) i', value);
		EXECUTE format('SELECT count(DISTINCT id) FROM (SELECT id FROM hnsw_extremes ORDER BY e <#> %L LIMIT 1000) s', query) INTO found;
		IF found <> 303 THEN
			RETURN NEXT format('%s %s %s: %s rows of 303', type, method, quantization, found);
		END IF;
		DROP TABLE hnsw_extremes;
	END LOOP;
END $$;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT pg_temp.overflowing('vector(2)', '[1e38,1e38]', '[1,1e38]', 'vector_ip_ops');
SELECT pg_temp.overflowing('sparsevec(2)', '{1:1e38,2:1e38}/2', '{1:1,2:1e38}/2', 'sparsevec_ip_ops');
