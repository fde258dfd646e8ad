-- NULLs, and zero vectors under cosine, have no distance and come last; NULL and zero
-- queries.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

SET enable_seqscan = off;
CREATE TABLE hnsw_nulls (id int, v vector(3));
DO $$
DECLARE
	metric text;
	op text;
	ids int[];
	indexed int;
	zero text;
	missing text;
BEGIN
	FOREACH metric IN ARRAY ARRAY['l2', 'ip', 'cosine', 'l1'] LOOP
		op = pg_temp.operator_of(metric);
		TRUNCATE hnsw_nulls;
		INSERT INTO hnsw_nulls VALUES (1, '[0,0,0]'), (2, '[1,2,3]'), (3, '[1,1,1]'), (4, NULL);
		EXECUTE format('CREATE INDEX hnsw_nulls_idx ON hnsw_nulls USING barq_hnsw (v vector_%s_ops)', metric);
		INSERT INTO hnsw_nulls VALUES (5, '[1,2,4]'), (6, NULL), (7, '[0,0,0]'), (8, '[-0,0,-0]');
		FOR step IN 1..2 LOOP
			-- what has a distance comes in order, under cosine then zero vectors, then NULLs
			-- (zero vectors, 1, 7 and 8, are equally far: shown as 0)
			EXECUTE format('SELECT array_agg(CASE WHEN id IN (1, 7, 8) THEN 0 ELSE id END) FROM (SELECT id FROM hnsw_nulls ORDER BY v %s ''[3,3,3]'' LIMIT 20) s', op) INTO ids;
			-- a query without a distance: all rows, in whatever order
			EXECUTE format('SELECT count(*) FROM (SELECT id FROM hnsw_nulls ORDER BY v %s (SELECT NULL::vector) LIMIT 20) s', op) INTO missing;
			EXECUTE format('SELECT count(*) FROM (SELECT id FROM hnsw_nulls ORDER BY v %s ''[0,0,0]'' LIMIT 20) s', op) INTO zero;
			EXECUTE 'SELECT sum(rows) FROM barq_segments(''hnsw_nulls_idx'')' INTO indexed;
			RAISE NOTICE '% %: ids %, NULL query % rows, zero query % rows, indexed %', metric,
				(ARRAY['with a log', 'sealed'])[step], ids, missing, zero, indexed;
			PERFORM barq_seal('hnsw_nulls_idx');
		END LOOP;
		RAISE NOTICE '%', pg_temp.plan_of(format('SELECT id FROM hnsw_nulls ORDER BY v %s ''[0,0,0]'' LIMIT 20', op));
		EXECUTE 'SELECT count(*) FROM barq_check(''hnsw_nulls_idx'')' INTO indexed;
		RAISE NOTICE '% complaints', indexed;
		DROP INDEX hnsw_nulls_idx;
	END LOOP;
END $$;

-- a NULL constant is planned without the index
SELECT count(*) FROM (SELECT id FROM hnsw_nulls ORDER BY v <-> NULL LIMIT 20) s;

-- a query that is NULL in some rescans
CREATE INDEX hnsw_nulls_idx ON hnsw_nulls USING barq_hnsw (v vector_cosine_ops);
SELECT q.id, (SELECT array_agg(id) FROM (SELECT id FROM hnsw_nulls t ORDER BY t.v <=> q.v LIMIT 1) s) AS nearest
FROM hnsw_nulls q WHERE q.id IN (2, 3, 5) ORDER BY q.id;
SELECT q.id, (SELECT count(*) FROM (SELECT id FROM hnsw_nulls t ORDER BY t.v <=> q.v LIMIT 2) s) AS rows
FROM hnsw_nulls q ORDER BY q.id;

-- an update to NULL removes a row from the results, an update from NULL adds it
UPDATE hnsw_nulls SET v = NULL WHERE id = 2;
UPDATE hnsw_nulls SET v = '[1,0,0]' WHERE id = 4;
SELECT id FROM hnsw_nulls ORDER BY v <=> '[1,0,0]' LIMIT 20;
VACUUM hnsw_nulls;
SELECT id FROM hnsw_nulls ORDER BY v <=> '[1,0,0]' LIMIT 20;

-- only NULLs
DELETE FROM hnsw_nulls WHERE v IS NOT NULL;
REINDEX TABLE hnsw_nulls;
SELECT id FROM hnsw_nulls ORDER BY v <=> '[1,0,0]' LIMIT 20;
SELECT sum(rows) FROM barq_segments('hnsw_nulls_idx');
SELECT * FROM barq_check('hnsw_nulls_idx');
DROP TABLE hnsw_nulls;
