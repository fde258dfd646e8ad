-- Lists of rabitq codes: recall against an exact scan, and order, of rows in the log
-- and in segments.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.3);
CREATE TABLE ivf_rabitq (id int GENERATED ALWAYS AS IDENTITY, v vector(256));
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_vector(256) AS v FROM generate_series(0, 39) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_vector(256, -0.04 * (1 + i % 10), 0.04 * (1 + i % 10)) AS v FROM generate_series(0, 499) i;
INSERT INTO ivf_rabitq (v)
	SELECT c.v + n.v + o.v FROM generate_series(1, 16000) g(row)
		JOIN centre c ON c.i = row % 40 JOIN noise n ON n.i = (row * 7) % 499 JOIN noise o ON o.i = (row * 11) % 487
	ORDER BY row;
CREATE TEMP TABLE query AS
	SELECT array_agg(v + pg_temp.random_vector(256, -0.2, 0.2)) AS vs FROM (SELECT v FROM ivf_rabitq WHERE id % 400 = 0) s;
DO $$
DECLARE
	metric text;
	result record;
	kinds text;
BEGIN
	FOREACH metric IN ARRAY ARRAY['l2', 'ip', 'cosine'] LOOP
		EXECUTE format('CREATE INDEX ivf_rabitq_idx ON ivf_rabitq USING barq_ivf (v vector_%s_ops) WITH (lists = 40, quantization = rabitq)', metric);
		SELECT string_agg(DISTINCT kind, ',') INTO kinds FROM barq_segments('ivf_rabitq_idx') WHERE state <> 'growing';
		PERFORM set_config('barq.probes', '15', true);
		SELECT c.* INTO result FROM query, pg_temp.compare('ivf_rabitq', pg_temp.operator_of(metric), vs, 10) c;
		RAISE NOTICE '%: %, recall %, unordered %', metric, kinds, CASE WHEN result.recall >= 0.95 THEN 'good' ELSE result.recall::text END, result.unordered;
		PERFORM set_config('barq.probes', '40', true);
		PERFORM set_config('barq.ef_search', '200', true);
		SELECT c.* INTO result FROM query, pg_temp.compare('ivf_rabitq', pg_temp.operator_of(metric), vs, 10) c;
		RAISE NOTICE '%: all lists, recall %, unordered %', metric, CASE WHEN result.recall >= 0.98 THEN 'good' ELSE result.recall::text END, result.unordered;
		PERFORM set_config('barq.ef_search', '40', true);
		IF EXISTS (SELECT FROM barq_check('ivf_rabitq_idx')) THEN
			RAISE NOTICE '%: not sound', metric;
		END IF;
		IF metric <> 'cosine' THEN
			DROP INDEX ivf_rabitq_idx;
		END IF;
	END LOOP;
END $$;

-- rows added and rows deleted
DELETE FROM ivf_rabitq WHERE id % 11 = 3;
VACUUM ivf_rabitq;
INSERT INTO ivf_rabitq (v) SELECT v + pg_temp.random_vector(256, -0.1, 0.1) FROM ivf_rabitq WHERE id % 50 = 1;
SET barq.probes = 15;
SELECT recall >= 0.95 AS recall_after_changes, unordered FROM query, pg_temp.compare('ivf_rabitq', '<=>', vs, 10);
SELECT barq_seal('ivf_rabitq_idx') > 0 AS sealed, barq_compact('ivf_rabitq_idx') = (SELECT count(*) FROM ivf_rabitq) AS compacted;
SELECT recall >= 0.95 AS recall_merged, unordered FROM query, pg_temp.compare('ivf_rabitq', '<=>', vs, 10);
SELECT * FROM barq_check('ivf_rabitq_idx');
DROP TABLE ivf_rabitq;
