-- halfvec and bit through lists: recall, and the exact order with all lists probed.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SELECT setseed(0.8);
CREATE TABLE ivf_types (id int, h halfvec(96), b bit(700));
-- values in clusters, so that there are near neighbours
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_vector(96) AS v, (SELECT string_agg((random() < 0.5)::int::text, '') FROM generate_series(1, 700) WHERE i = i)::bit(700) AS b FROM generate_series(0, 63) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_vector(96, -0.4, 0.4) AS v, (SELECT string_agg((random() < 0.1)::int::text, '') FROM generate_series(1, 700) WHERE i = i)::bit(700) AS b FROM generate_series(0, 299) i;
INSERT INTO ivf_types SELECT row, (c.v + n.v + o.v)::halfvec, c.b # n.b # o.b
	FROM generate_series(1, 13000) g(row) JOIN centre c ON c.i = row % 64 JOIN noise n ON n.i = row * 7 % 299 JOIN noise o ON o.i = row * 11 % 293 ORDER BY row;
CREATE TEMP TABLE query AS SELECT row_number() OVER (ORDER BY id) AS n, h, b FROM ivf_types WHERE id % 600 = 1;

-- queries whose k nearest distances differ from an exact scan's, and recall
CREATE FUNCTION pg_temp.judge(col text, op text, k int, OUT recall numeric, OUT wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
	plan text = pg_temp.plan_of(format('SELECT id FROM ivf_types ORDER BY %1$s %2$s (SELECT %1$s FROM query WHERE n = 1) LIMIT 10', col, op));
BEGIN
	IF plan NOT LIKE '%Index Scan using%' OR plan LIKE '%Sort%' THEN
		RAISE 'no index is used: %', plan;
	END IF;
	EXECUTE format($q$
		SELECT round(avg((SELECT count(*) FROM unnest(found) f WHERE f <= exact[array_length(exact, 1)])::numeric / array_length(exact, 1)), 2),
			count(*) FILTER (WHERE found IS DISTINCT FROM exact)
		FROM (SELECT ARRAY(SELECT t.%1$s %2$s q.%1$s FROM ivf_types t ORDER BY t.%1$s %2$s q.%1$s LIMIT %3$s) AS found,
			ARRAY(SELECT d FROM (SELECT (t.%1$s %2$s q.%1$s) + 0 AS d FROM ivf_types t) s ORDER BY d LIMIT %3$s) AS exact FROM query q) s$q$, col, op, k)
		INTO recall, wrong;
END $$;

CREATE INDEX ivf_types_l2 ON ivf_types USING barq_ivf (h halfvec_l2_ops);
CREATE INDEX ivf_types_ip ON ivf_types USING barq_ivf (h halfvec_ip_ops) WITH (quantization = f16, lists = 80);
CREATE INDEX ivf_types_cosine ON ivf_types USING barq_ivf (h halfvec_cosine_ops) WITH (quantization = none);
CREATE INDEX ivf_types_hamming ON ivf_types USING barq_ivf (b bit_hamming_ops);
SELECT index, options FROM barq_indexes() WHERE "table" = 'ivf_types'::regclass ORDER BY index::text COLLATE "C";
SELECT i, kind, rows FROM unnest(ARRAY['ivf_types_l2', 'ivf_types_ip', 'ivf_types_cosine', 'ivf_types_hamming']) i, barq_segments(i) WHERE state <> 'growing';
SELECT col, op, recall >= 0.9 AS recall FROM (VALUES ('h', '<->'), ('h', '<#>'), ('h', '<=>'), ('b', '<~>')) c(col, op), pg_temp.judge(col, op, 10);
SET barq.probes = 32768;
SELECT col, op, recall, wrong FROM (VALUES ('h', '<->'), ('h', '<#>'), ('h', '<=>'), ('b', '<~>')) c(col, op), pg_temp.judge(col, op, 100);

-- rows deleted and added, in the log and merged
DELETE FROM ivf_types WHERE id % 7 = 3;
VACUUM ivf_types;
INSERT INTO ivf_types SELECT id + 100000, h, b FROM ivf_types WHERE id % 20 = 5;
SELECT col, op, recall, wrong FROM (VALUES ('h', '<->'), ('h', '<#>'), ('h', '<=>'), ('b', '<~>')) c(col, op), pg_temp.judge(col, op, 20);
SELECT i, barq_seal(i) > 0 AS sealed, barq_compact(i) = (SELECT count(*) FROM ivf_types) AS compacted FROM unnest(ARRAY['ivf_types_l2', 'ivf_types_ip', 'ivf_types_cosine', 'ivf_types_hamming']) i;
SELECT col, op, recall, wrong FROM (VALUES ('h', '<->'), ('h', '<#>'), ('h', '<=>'), ('b', '<~>')) c(col, op), pg_temp.judge(col, op, 20);
SELECT i, c.* FROM unnest(ARRAY['ivf_types_l2', 'ivf_types_ip', 'ivf_types_cosine', 'ivf_types_hamming']) i, barq_check(i) c;
RESET barq.probes;

-- combinations that are not supported
SELECT c, pg_temp.outcome(format('CREATE INDEX ON ivf_types USING barq_ivf (%s)', c)) FROM unnest(ARRAY['h', 'b', 'h halfvec_l1_ops', 'b bit_jaccard_ops']) c;
SELECT pg_temp.outcome('CREATE INDEX ON ivf_types USING barq_ivf (b bit_hamming_ops) WITH (quantization = sq8)');
DROP TABLE ivf_types;
