-- Dimensions from 1 to 16,000, and TOASTed vectors.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.7);
SET barq.ef_search = 200;
DO $$
DECLARE
	dims int;
	quantization text;
	metric text;
	result record;
	queries vector[];
	complaints int;
BEGIN
	FOREACH dims IN ARRAY ARRAY[1, 2, 3, 2000, 16000] LOOP
		EXECUTE format('CREATE TABLE hnsw_dims (id int, v vector(%s))', dims);
		EXECUTE format('INSERT INTO hnsw_dims SELECT i, pg_temp.random_vector(%s) FROM generate_series(1, %s) i', dims, CASE WHEN dims > 3 THEN 20 ELSE 100 END);
		queries = ARRAY(SELECT pg_temp.random_vector(dims) FROM generate_series(1, 3));
		FOREACH quantization IN ARRAY ARRAY['none', 'f16', 'sq8'] LOOP
			FOREACH metric IN ARRAY CASE WHEN dims > 3 THEN ARRAY['l2', 'cosine'] ELSE ARRAY['l2', 'ip', 'cosine', 'l1'] END LOOP
				-- built from rows, then with as many in the log, where a record may span pages, then sealed
				EXECUTE format('CREATE INDEX hnsw_dims_idx ON hnsw_dims USING barq_hnsw (v vector_%s_ops) WITH (quantization = %s)', metric, quantization);
				INSERT INTO hnsw_dims SELECT id + 1000, v + v FROM hnsw_dims WHERE id <= 10;
				INSERT INTO hnsw_dims SELECT id + 2000, v - queries[1] FROM hnsw_dims WHERE id <= 10;
				FOR step IN 1..3 LOOP
					SELECT * INTO result FROM pg_temp.compare('hnsw_dims', pg_temp.operator_of(metric), queries || ARRAY(SELECT v FROM hnsw_dims WHERE id IN (1, 1002, 2003)), 150);
					SELECT count(*) INTO complaints FROM barq_check('hnsw_dims_idx');
					IF result.wrong > 0 OR complaints > 0 THEN
						RAISE NOTICE '% dimensions, %, %, step %: % wrong, % complaints', dims, quantization, metric, step, result.wrong, complaints;
					END IF;
					IF step = 1 THEN PERFORM barq_seal('hnsw_dims_idx'); ELSIF step = 2 THEN PERFORM barq_compact('hnsw_dims_idx'); END IF;
				END LOOP;
				DROP INDEX hnsw_dims_idx;
				DELETE FROM hnsw_dims WHERE id > 1000;
			END LOOP;
		END LOOP;
		RAISE NOTICE '% dimensions done', dims;
		DROP TABLE hnsw_dims;
	END LOOP;
END $$;

-- dead records that span pages, and the re-use of their pages
CREATE TABLE hnsw_dims (id int, v vector(16000)) WITH (autovacuum_enabled = off);
CREATE INDEX hnsw_dims_idx ON hnsw_dims USING barq_hnsw (v vector_l2_ops) WITH (quantization = none);
INSERT INTO hnsw_dims SELECT i, pg_temp.random_vector(16000) FROM generate_series(1, 12) i;
DELETE FROM hnsw_dims WHERE id % 3 = 0;
VACUUM hnsw_dims;
SELECT wrong FROM pg_temp.compare('hnsw_dims', '<->', ARRAY(SELECT v FROM hnsw_dims), 20);
SELECT rows, dead_rows FROM barq_segments('hnsw_dims_idx') WHERE state = 'growing';
SELECT barq_seal('hnsw_dims_idx');
INSERT INTO hnsw_dims SELECT i, pg_temp.random_vector(16000) FROM generate_series(21, 26) i;
SELECT wrong FROM pg_temp.compare('hnsw_dims', '<->', ARRAY(SELECT v FROM hnsw_dims), 20);
SELECT * FROM barq_check('hnsw_dims_idx');

-- each storage of a value; a small growing_limit, which one such record exceeds
ALTER TABLE hnsw_dims ALTER v SET STORAGE extended;
SET barq.growing_limit = '64kB';
INSERT INTO hnsw_dims SELECT i, array_fill(i, ARRAY[16000])::vector FROM generate_series(31, 33) i;
ALTER TABLE hnsw_dims ALTER v SET STORAGE main;
INSERT INTO hnsw_dims SELECT i, array_fill(i, ARRAY[16000])::vector FROM generate_series(34, 36) i;
RESET barq.growing_limit;
SELECT wrong FROM pg_temp.compare('hnsw_dims', '<->', ARRAY(SELECT v FROM hnsw_dims), 30);
SELECT count(*) >= 2 AS sealed FROM barq_segments('hnsw_dims_idx');
SELECT * FROM barq_check('hnsw_dims_idx');
DROP TABLE hnsw_dims;
