-- Cosine distance through the index: the exact order on small data, recall where a
-- graph is walked. An exact scan in the same test is the judge.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.1);
CREATE TABLE hnsw_cosine (id int GENERATED ALWAYS AS IDENTITY, v vector(17));

-- Whatever the quantization, and wherever a row lies (built at once, sealed
-- later, not sealed), all rows come, in the exact order.
DO $$
DECLARE
	quantization text;
	queries vector[];
	result record;
BEGIN
	queries := ARRAY(SELECT pg_temp.random_vector(17) FROM generate_series(1, 15));
	FOREACH quantization IN ARRAY ARRAY['none', 'f16', 'sq8'] LOOP
		TRUNCATE hnsw_cosine;
		PERFORM set_config('client_min_messages', 'warning', true);
		DROP INDEX IF EXISTS hnsw_cosine_idx;
		PERFORM set_config('client_min_messages', 'notice', true);
		INSERT INTO hnsw_cosine (v) SELECT pg_temp.random_vector(17) FROM generate_series(1, 150);
		EXECUTE format('CREATE INDEX hnsw_cosine_idx ON hnsw_cosine USING barq_hnsw (v vector_cosine_ops) WITH (quantization = %L)', quantization);
		FOR step IN 1..3 LOOP
			-- stored rows are queries, too
			SELECT * INTO result FROM pg_temp.compare('hnsw_cosine', '<=>',
				queries || ARRAY(SELECT v FROM hnsw_cosine ORDER BY id DESC LIMIT 15), 1000);
			RAISE NOTICE '% %: % wrong', quantization, (ARRAY['built', 'with a log', 'sealed'])[step], result.wrong;
			IF step = 1 THEN
				INSERT INTO hnsw_cosine (v) SELECT pg_temp.random_vector(17) FROM generate_series(1, 150);
			ELSIF step = 2 THEN
				PERFORM barq_seal('hnsw_cosine_idx');
			END IF;
		END LOOP;
		SELECT * INTO result FROM pg_temp.compare('hnsw_cosine', '<=>', queries, 10);
		RAISE NOTICE '% first ten: % wrong', quantization, result.wrong;
	END LOOP;
END $$;
DROP TABLE hnsw_cosine;

-- A graph, of rows in clusters: recall of the first ten. The queries lie near
-- rows, not on them.
CREATE TABLE hnsw_cosine (id int GENERATED ALWAYS AS IDENTITY, v vector(256));
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_vector(256) AS v FROM generate_series(0, 39) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_vector(256, -0.3, 0.3) AS v FROM generate_series(0, 499) i;
INSERT INTO hnsw_cosine (v)
	SELECT c.v + n.v + o.v FROM generate_series(1, 9000) g(row)
		JOIN centre c ON c.i = row % 40 JOIN noise n ON n.i = (row * 7) % 499 JOIN noise o ON o.i = (row * 11) % 487
	ORDER BY row;
CREATE INDEX hnsw_cosine_idx ON hnsw_cosine USING barq_hnsw (v vector_cosine_ops) WITH (quantization = 'sq8');
SELECT kind, rows FROM barq_segments('hnsw_cosine_idx') WHERE state <> 'growing';
CREATE TEMP TABLE query AS
	SELECT array_agg(v + pg_temp.random_vector(256, -0.2, 0.2)) AS vs FROM (SELECT v FROM hnsw_cosine WHERE id % 100 = 0) s;
SELECT recall >= 0.95 AS recall FROM query, pg_temp.compare('hnsw_cosine', '<=>', vs, 10);
SET barq.ef_search = 400;
SELECT recall >= 0.99 AS recall_at_400 FROM query, pg_temp.compare('hnsw_cosine', '<=>', vs, 10);
RESET barq.ef_search;

-- rows added since, and rows gone, in the same answers
DELETE FROM hnsw_cosine WHERE id % 11 = 3;
VACUUM hnsw_cosine;
INSERT INTO hnsw_cosine (v) SELECT v + pg_temp.random_vector(256, -0.1, 0.1) FROM hnsw_cosine WHERE id % 50 = 1;
SELECT recall >= 0.95 AS recall_after_changes FROM query, pg_temp.compare('hnsw_cosine', '<=>', vs, 10);
SELECT barq_seal('hnsw_cosine_idx') > 0 AS sealed, barq_compact('hnsw_cosine_idx') = (SELECT count(*) FROM hnsw_cosine) AS compacted;
SELECT kind, rows = (SELECT count(*) FROM hnsw_cosine) AS all_rows, dead_rows FROM barq_segments('hnsw_cosine_idx') WHERE state <> 'growing';
SELECT recall >= 0.95 AS recall_of_the_merged_graph FROM query, pg_temp.compare('hnsw_cosine', '<=>', vs, 10);
SELECT * FROM barq_check('hnsw_cosine_idx');
DROP TABLE hnsw_cosine;
