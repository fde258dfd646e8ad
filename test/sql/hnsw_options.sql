-- Options of an index and settings: defaults, ranges, errors, and when a change takes
-- effect.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE hnsw_options (v vector(3));

-- reloptions: ranges
SELECT o, pg_temp.outcome(format('CREATE INDEX ON hnsw_options USING barq_hnsw (v vector_l2_ops) WITH (%s)', o))
FROM unnest(ARRAY['m = 1', 'm = 2', 'm = 100, ef_construction = 200', 'm = 101', 'm = x',
	'ef_construction = 3', 'm = 2, ef_construction = 4', 'ef_construction = 1000', 'ef_construction = 1001',
	'quantization = none', 'quantization = f16', 'quantization = sq8', 'quantization = SQ8',
	'quantization = rabitq', 'quantization = pq', 'quantization = ''''', 'lists = 10', 'fillfactor = 70']) o;

-- ef_construction is at least 2 m, defaults included
SELECT o, pg_temp.outcome(format('CREATE INDEX ON hnsw_options USING barq_hnsw (v vector_l2_ops) WITH (%s)', o))
FROM unnest(ARRAY['m = 16, ef_construction = 31', 'm = 16, ef_construction = 32', 'm = 33', 'm = 32', 'ef_construction = 31']) o;
DROP TABLE hnsw_options;

-- options of an index, and their defaults
CREATE TABLE hnsw_options (v vector(3));
INSERT INTO hnsw_options SELECT pg_temp.random_vector(3) FROM generate_series(1, 100);
CREATE INDEX hnsw_options_default ON hnsw_options USING barq_hnsw (v vector_l2_ops);
CREATE INDEX hnsw_options_given ON hnsw_options USING barq_hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 20, quantization = none);
SELECT index, options FROM barq_indexes() WHERE "table" = 'hnsw_options'::regclass ORDER BY index::text;

-- ALTER INDEX SET is checked, and takes effect at the next REINDEX
SELECT pg_temp.outcome('ALTER INDEX hnsw_options_given SET (m = 101)');
SELECT pg_temp.outcome('ALTER INDEX hnsw_options_given SET (nonsense = 1)');
ALTER INDEX hnsw_options_given SET (m = 4, quantization = f16);
ALTER INDEX hnsw_options_default SET (quantization = none);
INSERT INTO hnsw_options SELECT pg_temp.random_vector(3) FROM generate_series(1, 100);
SELECT index, options FROM barq_indexes() WHERE "table" = 'hnsw_options'::regclass ORDER BY index::text;
REINDEX INDEX hnsw_options_given;
SELECT options FROM barq_indexes() WHERE index = 'hnsw_options_given'::regclass;
ALTER INDEX hnsw_options_given RESET (m, ef_construction, quantization);
REINDEX INDEX CONCURRENTLY hnsw_options_given;
SELECT options FROM barq_indexes() WHERE index = 'hnsw_options_given'::regclass;
-- an invalid combination is an error at once
SELECT pg_temp.outcome('ALTER INDEX hnsw_options_given SET (m = 50)');
SELECT count(*) FROM barq_check('hnsw_options_given');
DROP TABLE hnsw_options;

-- settings: defaults and ranges
SELECT name, unit, boot_val, min_val, max_val, enumvals, context
FROM pg_settings WHERE name LIKE 'barq.%' ORDER BY name COLLATE "C";
SELECT s, split_part(pg_temp.outcome('SET ' || s), ' / ', 1) AS outcome FROM unnest(ARRAY[
	'barq.ef_search = 0', 'barq.ef_search = 1', 'barq.ef_search = 1000', 'barq.ef_search = 1001',
	'barq.iterative_scan = on', 'barq.iterative_scan = off', 'barq.iterative_scan = relaxed_order', 'barq.iterative_scan = strict_order',
	'barq.max_scan_tuples = 0', 'barq.max_scan_tuples = 2147483647', 'barq.max_scan_tuples = 2147483648',
	'barq.allow_fallback = maybe', 'barq.allow_fallback = off',
	'barq.consistency = ''some''', 'barq.consistency = sealed', 'barq.consistency = ''all''',
	'barq.backpressure = none', 'barq.backpressure = inline', 'barq.backpressure = error', 'barq.backpressure = wait',
	'barq.growing_limit = ''63kB''', 'barq.growing_limit = ''64kB''', 'barq.growing_limit = ''1GB''', 'barq.growing_limit = ''1025MB''',
	'barq.compaction_ratio = 1', 'barq.compaction_ratio = 2', 'barq.compaction_ratio = 64', 'barq.compaction_ratio = 65',
	'barq.max_segments = 0', 'barq.max_segments = 1', 'barq.max_segments = 1000', 'barq.max_segments = 1001']) s;
RESET ALL;
SET jit = off;

-- the hard limit cannot be below the limit
SELECT pg_temp.outcome('SET barq.growing_hard_limit = ''1MB''');
SELECT pg_temp.outcome('SET barq.growing_hard_limit = ''2MB''');
RESET barq.growing_hard_limit;

-- a misspelt setting is an error, not a placeholder
SET barq.unknown = 1;

-- settings of the server cannot be set in a session
SET barq.image_directory = '/tmp';
SET barq.background = off;

-- instruction-set levels depend on the machine: each either works or is an error with
-- its reason
SET barq.simd = 'pentium';
SET barq.simd = 'baseline';
SHOW barq.simd;
SET barq.simd = 'BaseLine';
SET barq.simd = 'AUTO';
SET barq.simd = 'auto';
SELECT level, outcome = 'no error' OR outcome LIKE '22023 / invalid value for parameter "barq.simd": "' || level || '" / This machine, or this build, has no instruction-set level%' AS fine
FROM (SELECT level, pg_temp.outcome('SET barq.simd = ' || level) AS outcome FROM unnest(ARRAY['avx2', 'avx512', 'neon']) level) s;
-- x86 has no NEON, ARM has no AVX
SELECT count(*) FILTER (WHERE outcome <> 'no error') > 0 AS some_refused
FROM (SELECT pg_temp.outcome('SET barq.simd = ' || level) AS outcome FROM unnest(ARRAY['avx2', 'avx512', 'neon']) level) s;
RESET barq.simd;

-- every level returns the same results
CREATE TABLE hnsw_options (id int, v vector(67));
SELECT setseed(0.2);
INSERT INTO hnsw_options SELECT i, pg_temp.random_vector(67) FROM generate_series(1, 300) i;
CREATE INDEX hnsw_options_idx ON hnsw_options USING barq_hnsw (v vector_l2_ops);
SET enable_seqscan = off;
DO $$
DECLARE
	level text;
	differing int;
BEGIN
	FOREACH level IN ARRAY ARRAY['baseline', 'avx2', 'avx512', 'neon'] LOOP
		IF pg_temp.outcome('SET barq.simd = ' || level) = 'no error' THEN
			SELECT wrong INTO differing FROM pg_temp.compare('hnsw_options', '<->',
				ARRAY(SELECT v FROM hnsw_options WHERE id <= 20), 10);
			IF differing > 0 THEN
				RAISE 'level %: % queries differ', level, differing;
			END IF;
		END IF;
	END LOOP;
END $$;
RESET barq.simd;
DROP TABLE hnsw_options;
