-- Sealed logs have half codes, by which a search reads them after the larger segments
-- (src/flat/README.md): as many of the nearest rows are found as without, by every
-- distance, in graphs and lists, with dead rows and conditions; a batch returns the rows
-- of its statements; a scan to its end returns every row once.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
SET barq.growing_limit = '64MB';
SET barq.background = off;
SELECT setseed(0.25);
CREATE TABLE sealed_halves (id int, grp int, v vector(100)) WITH (autovacuum_enabled = off);
CREATE TEMP TABLE vectors AS SELECT i AS id, i % 7 AS grp, c.v + pg_temp.random_vector(100, -0.4, 0.4) AS v
	FROM generate_series(1, 20000) i, (SELECT array_agg(pg_temp.random_vector(100)) AS vs FROM generate_series(1, 30)) cs, LATERAL (SELECT vs[1 + i * i % 30] AS v) c;
CREATE TEMP TABLE query AS SELECT row_number() OVER (ORDER BY id) AS n, v + pg_temp.random_vector(100, -0.1, 0.1) AS v FROM vectors WHERE id % 1000 = 5;

-- One index: recall of searches, and within a condition; whether a batch differs from
-- statements; rows of a scan to its end that are there twice or not at all; faults.
CREATE FUNCTION pg_temp.index_case(method text, class text, op text, options text, OUT segments text, OUT recall boolean, OUT within boolean, OUT batch_differs bigint, OUT lost bigint, OUT faults bigint) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE sealed_halves;
	INSERT INTO sealed_halves SELECT * FROM vectors WHERE id <= 9000;
	EXECUTE format('CREATE INDEX sealed_halves_i ON sealed_halves USING %I (v %I) %s', method, class, options);
	INSERT INTO sealed_halves SELECT * FROM vectors WHERE id BETWEEN 9001 AND 18000;
	PERFORM barq_seal('sealed_halves_i');
	INSERT INTO sealed_halves SELECT * FROM vectors WHERE id BETWEEN 18001 AND 19500;
	PERFORM barq_seal('sealed_halves_i');
	DELETE FROM sealed_halves WHERE id % 20 = 3;
	INSERT INTO sealed_halves SELECT * FROM vectors WHERE id > 19500;
	segments = (SELECT string_agg(kind, ' ' ORDER BY segment) FROM barq_segments('sealed_halves_i'));
	faults = (SELECT count(*) FROM barq_check('sealed_halves_i'));
	EXECUTE format('SELECT avg((SELECT count(*) FROM (SELECT id FROM sealed_halves ORDER BY v %1$s q.v LIMIT 10) a JOIN (SELECT id FROM sealed_halves ORDER BY (v %1$s q.v) + 0 LIMIT 10) b USING (id))) >= 9 FROM query q', op) INTO recall;
	EXECUTE format('SELECT avg((SELECT count(*) FROM (SELECT id FROM sealed_halves WHERE grp = 3 ORDER BY v %1$s q.v LIMIT 10) a JOIN (SELECT id FROM sealed_halves WHERE grp = 3 ORDER BY (v %1$s q.v) + 0 LIMIT 10) b USING (id))) >= 9 FROM query q', op) INTO within;
	EXECUTE format('SELECT count(*) FROM (SELECT query, (doc).id, distance FROM barq_search_batch(NULL::sealed_halves, (SELECT array_agg(v ORDER BY n) FROM query), 10)) b
		FULL JOIN (SELECT q.n AS query, s.id, s.distance FROM query q, LATERAL (SELECT id, v %1$s q.v AS distance FROM sealed_halves ORDER BY v %1$s q.v LIMIT 10) s) s USING (query, id, distance)
		WHERE b IS NULL OR s IS NULL', op) INTO batch_differs;
	EXECUTE format('SELECT (SELECT count(*) FROM sealed_halves) * 2 - count(*) - count(DISTINCT id) FROM (SELECT id FROM sealed_halves ORDER BY v %s (SELECT v FROM query WHERE n = 1) LIMIT 30000) s', op) INTO lost;
	DROP INDEX sealed_halves_i;
END $$;
SELECT m, c, o, r.* FROM (VALUES ('barq_hnsw', 'vector_l2_ops', '<->', ''), ('barq_hnsw', 'vector_cosine_ops', '<=>', ''), ('barq_hnsw', 'vector_ip_ops', '<#>', ''),
	('barq_ivf', 'vector_l2_ops', '<->', ''), ('barq_ivf', 'vector_cosine_ops', '<=>', ''),
	('barq_hnsw', 'vector_l2_ops', '<->', 'WITH (quantization = none)'), ('barq_hnsw', 'vector_cosine_ops', '<=>', 'WITH (quantization = f16)'),
	('barq_hnsw', 'vector_l2_ops', '<->', 'WITH (refine = on)')) t (m, c, op, o), LATERAL pg_temp.index_case(m, c, op, o) r;
DROP TABLE sealed_halves;
