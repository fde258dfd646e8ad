-- Options of an index of lists: defaults, ranges, errors, and when a change takes
-- effect; the number of lists, and of lists probed.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE ivf_options (v vector(3));
SELECT o, pg_temp.outcome(format('CREATE INDEX ON ivf_options USING barq_ivf (v vector_l2_ops) WITH (%s)', o))
FROM unnest(ARRAY['lists = -1', 'lists = 0', 'lists = 1', 'lists = 32768', 'lists = 32769', 'lists = x',
	'quantization = none', 'quantization = f16', 'quantization = sq8', 'quantization = rabitq', 'quantization = pq', 'm = 16', 'fillfactor = 70']) o;
-- the default class is that of pgvector's ivfflat; L1 has no class
SELECT pg_temp.outcome('CREATE INDEX ON ivf_options USING barq_ivf (v)');
SELECT pg_temp.outcome('CREATE INDEX ON ivf_options USING barq_ivf (v vector_l1_ops)');
SELECT pg_temp.outcome('CREATE UNIQUE INDEX ON ivf_options USING barq_ivf (v)');
SELECT pg_temp.outcome('CREATE INDEX ON ivf_options USING barq_ivf (v, v)');
DROP TABLE ivf_options;
CREATE TABLE ivf_options (v vector);
SELECT pg_temp.outcome('CREATE INDEX ON ivf_options USING barq_ivf (v)');
DROP TABLE ivf_options;

-- options of an index; ALTER INDEX SET takes effect at the next REINDEX
CREATE TABLE ivf_options (id int GENERATED ALWAYS AS IDENTITY, v vector(3));
INSERT INTO ivf_options (v) SELECT pg_temp.random_vector(3) FROM generate_series(1, 100);
CREATE INDEX ivf_options_default ON ivf_options USING barq_ivf (v);
CREATE INDEX ivf_options_given ON ivf_options USING barq_ivf (v vector_ip_ops) WITH (lists = 7, quantization = f16);
SELECT index, kind, options FROM barq_indexes() WHERE "table" = 'ivf_options'::regclass ORDER BY index::text;
ALTER INDEX ivf_options_given SET (lists = 9);
SELECT options FROM barq_indexes() WHERE index = 'ivf_options_given'::regclass;
REINDEX INDEX ivf_options_given;
SELECT options FROM barq_indexes() WHERE index = 'ivf_options_given'::regclass;
DROP TABLE ivf_options;

-- the rows returned by the number of probes, with iterative_scan = off
SET enable_seqscan = off;
SELECT setseed(0.3);
CREATE TABLE ivf_options (id int GENERATED ALWAYS AS IDENTITY, v vector(64));
INSERT INTO ivf_options (v) SELECT pg_temp.random_vector(64) FROM generate_series(1, 16000);
CREATE INDEX ivf_options_idx ON ivf_options USING barq_ivf (v) WITH (lists = 100);
SELECT kind FROM barq_segments('ivf_options_idx') WHERE state <> 'growing';
CREATE TEMP TABLE found (probes text, n bigint);
SET barq.iterative_scan = off;
DO $$
DECLARE
	probes text;
BEGIN
	FOREACH probes IN ARRAY ARRAY['1', '2', '10', '99', '100', '32768', '0'] LOOP
		PERFORM set_config('barq.probes', probes, false);
		INSERT INTO found SELECT probes, count(*) FROM (SELECT FROM ivf_options ORDER BY v <-> array_fill(0.5::real, ARRAY[64])::vector LIMIT 20000) s;
	END LOOP;
END $$;
SELECT probes, n = 16000 AS all_rows, n < 16000.0 * 3 * least(probes::int, 100) / 100 AS in_proportion, n >= 10 AS some
FROM found WHERE probes <> '0' ORDER BY probes::int;
-- chosen: about ten of a hundred
SELECT (SELECT n FROM found WHERE probes = '0') = (SELECT n FROM found WHERE probes = '10') AS ten_probed;
RESET barq.iterative_scan;
SELECT pg_temp.outcome('SET barq.probes = ' || p) FROM unnest(ARRAY[-1, 0, 32768, 32769]) p;
RESET barq.probes;
DROP TABLE ivf_options;
