-- Data and queries at the edges of float: the order stays exact, the executor
-- never finds a row below its bound ("index returned tuples in wrong order").
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.8);

-- one index for each metric and quantization over rows of one expression;
-- queries are rows of their own and stored rows. Shows what is not exact.
CREATE FUNCTION pg_temp.judge(label text, dims int, n int, expression text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	metric text;
	quantization text;
	queries vector[];
	result record;
	total int = 0;
BEGIN
	EXECUTE format('CREATE TABLE hnsw_extremes (id int, v vector(%s))', dims);
	EXECUTE format('INSERT INTO hnsw_extremes SELECT i, (SELECT array_agg((%s)::real ORDER BY j) FROM generate_series(1, %s) j)::vector FROM generate_series(1, %s) i', expression, dims, n);
	-- a quarter of the rows as queries, half of them not stored any more
	queries = ARRAY(SELECT v FROM hnsw_extremes WHERE id <= n / 4);
	DELETE FROM hnsw_extremes WHERE id <= n / 8;
	FOREACH metric IN ARRAY ARRAY['l2', 'ip', 'cosine', 'l1'] LOOP
		FOREACH quantization IN ARRAY ARRAY['none', 'f16', 'sq8'] LOOP
			EXECUTE format('CREATE INDEX hnsw_extremes_idx ON hnsw_extremes USING barq_hnsw (v vector_%s_ops) WITH (quantization = %s)', metric, quantization);
			-- in one round, in many rounds to the end, and the first few
			FOR step IN 1..3 LOOP
				PERFORM set_config('barq.ef_search', (ARRAY['1000', '20', '40'])[step], true);
				BEGIN
					SELECT * INTO result FROM pg_temp.compare('hnsw_extremes', pg_temp.operator_of(metric), queries, (ARRAY[1000, 1000, 5])[step]);
					IF result.wrong > 0 THEN
						RAISE NOTICE '%, %, %, step %: % wrong, % found', label, metric, quantization, step, result.wrong, result.recall;
					END IF;
				EXCEPTION WHEN OTHERS THEN
					RAISE NOTICE '%, %, %, step %: %', label, metric, quantization, step, SQLERRM;
				END;
				total = total + array_length(queries, 1);
			END LOOP;
			DROP INDEX hnsw_extremes_idx;
		END LOOP;
	END LOOP;
	RAISE NOTICE '%: % searches', label, total;
	DROP TABLE hnsw_extremes;
END $$;

SELECT pg_temp.judge('uniform', 16, 200, 'random() + 0 * i');
SELECT pg_temp.judge('one dimension', 1, 200, 'random() - 0.5 + 0 * i');
SELECT pg_temp.judge('a grid, many at equal distance', 3, 200, '(random() * 3)::int + 1 + 0 * i');
SELECT pg_temp.judge('duplicates', 20, 200, '(i % 5 + 1) * j');
SELECT pg_temp.judge('large offset', 16, 200, '1e4 + random() + 0 * i');
SELECT pg_temp.judge('larger offset', 16, 200, '1e7 + random() * 1e3 + 0 * i');
SELECT pg_temp.judge('an outlying element now and then', 20, 200, 'CASE WHEN i % 20 = 0 AND j = 3 THEN 1e5 ELSE random() END');
SELECT pg_temp.judge('norms over 60 powers of ten', 16, 200, '(random() - 0.5) * power(10, i % 60 - 30)');
SELECT pg_temp.judge('elements over 60 powers of ten', 16, 200, '(random() - 0.5) * power(10, (i * 7 + j * 13) % 60 - 30)');
SELECT pg_temp.judge('huge', 3, 200, '(random() - 0.5) * 2e38 + 0 * i');
SELECT pg_temp.judge('huge and tiny', 4, 200, 'CASE (random() * 3)::int WHEN 0 THEN 3e38 WHEN 1 THEN 1e-38 ELSE -1e30 END * random() + 0 * i');
SELECT pg_temp.judge('denormal', 3, 200, '(random() - 0.5) * 1e-40 + 0 * i');
SELECT pg_temp.judge('squares that underflow', 3, 200, '(random() - 0.5) * 1e-25 + 0 * i');
SELECT pg_temp.judge('sparse', 50, 200, 'CASE WHEN random() < 0.05 THEN random() * 1000 ELSE 0.001 * random() END + 0 * i');
SELECT pg_temp.judge('one element other than zero', 10, 200, 'CASE WHEN j = i % 10 + 1 THEN random() ELSE 0 END');
SELECT pg_temp.judge('equal elements', 10, 200, 'i / 7');

-- 5,000 times the same vector, in a graph: all are found, and one that differs
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

-- one row; none
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
