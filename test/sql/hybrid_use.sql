-- barq_hybrid() in all places of a function: joins, lateral queries, views, prepared
-- statements, cursors, PL/pgSQL, select lists, parallel plans.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE TABLE hybrid_docs (id int PRIMARY KEY, author int, body text, v vector(2));
INSERT INTO hybrid_docs SELECT i, i % 4, 'word' || i % 10 || ' text', ARRAY[i, 0]::vector FROM generate_series(1, 100) i;
CREATE INDEX hybrid_docs_v ON hybrid_docs USING barq_hnsw (v vector_l2_ops);
CREATE INDEX hybrid_docs_body ON hybrid_docs USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE TABLE hybrid_authors AS SELECT i AS id, 'author ' || i AS name FROM generate_series(0, 3) i;

SELECT (h.doc).id, a.name FROM barq_hybrid(NULL::hybrid_docs, '[20,0]', k => 3) h JOIN hybrid_authors a ON a.id = (h.doc).author ORDER BY score DESC;
SELECT q.id, array_agg((h.doc).id ORDER BY score DESC) FROM hybrid_docs q, LATERAL barq_hybrid(NULL::hybrid_docs, q.v, q.body, k => 2, filter => 'id <> $1', filter_args => ARRAY[q.id::text]) h WHERE q.id <= 3 GROUP BY 1 ORDER BY 1;
SELECT (h).doc, (h).vector_rank FROM (SELECT barq_hybrid(NULL::hybrid_docs, '[20,0]', k => 2) h) s;
SELECT * FROM barq_hybrid(NULL::hybrid_docs, '[20,0]', 'word5', k => 2);
SELECT * FROM barq_hybrid(NULL::hybrid_docs, '[20,0]', k => 2) WITH ORDINALITY AS t(d, s, v, w, n);
SELECT count(*) FROM hybrid_docs WHERE id IN (SELECT (doc).id FROM barq_hybrid(NULL::hybrid_docs, '[20,0]', k => 7));
CREATE VIEW hybrid_near AS SELECT (doc).id, score FROM barq_hybrid(NULL::hybrid_docs, '[30,0]', 'word3', k => 3);
SELECT * FROM hybrid_near;
DROP VIEW hybrid_near;

-- the same in SQL, as in docs/hybrid-search.md
PREPARE by_hand(vector, text) AS
WITH near AS (
	SELECT id, row_number() OVER (ORDER BY distance, id) AS rank
	FROM (SELECT id, v <-> $1 AS distance FROM hybrid_docs WHERE author = 1 ORDER BY distance LIMIT 100) s
), found AS (
	SELECT id, row_number() OVER (ORDER BY score, id) AS rank
	FROM (SELECT id, body <@> $2 AS score FROM hybrid_docs WHERE author = 1 ORDER BY score LIMIT 100) s
	WHERE score < 0
)
SELECT i.*, barq_rrf(n.rank) + barq_rrf(f.rank) AS score, n.rank AS vector_rank, f.rank AS text_rank
FROM near n FULL JOIN found f USING (id) JOIN hybrid_docs i USING (id)
ORDER BY score DESC, least(n.rank, f.rank), id
LIMIT 10;
EXECUTE by_hand('[50.4,0]', 'word7');
SELECT (doc).*, score, vector_rank, text_rank FROM barq_hybrid(NULL::hybrid_docs, '[50.4,0]', 'word7', filter => 'author = $1', filter_args => '{1}');
DEALLOCATE by_hand;

-- prepared statements, custom and generic
PREPARE near(vector, text, text, text[]) AS SELECT array_agg((doc).id) FROM barq_hybrid(NULL::hybrid_docs, $1, $2, k => 3, filter => $3, filter_args => $4);
EXECUTE near('[50,0]', 'word1', NULL, '{}');
SET plan_cache_mode = force_generic_plan;
EXECUTE near('[50,0]', 'word1', 'author = $1', '{2}');
EXECUTE near('[50,0]', NULL, 'author = $1', '{3}');
EXECUTE near('[50,0]', 'word1', NULL, '{}');
SET plan_cache_mode = force_custom_plan;
EXECUTE near('[50,0]', 'word1', 'author = $1', '{2}');
RESET plan_cache_mode;
DEALLOCATE near;

-- PL/pgSQL, a loop, a cursor, an error caught on the way
DO $$
DECLARE
	r record;
	d hybrid_docs;
	said text = '';
BEGIN
	FOR r IN SELECT (doc).id, vector_rank FROM barq_hybrid(NULL::hybrid_docs, '[50,0]', k => 3) LOOP
		said = said || r.id || '@' || r.vector_rank || ' ';
	END LOOP;
	FOR i IN 1 .. 8 LOOP
		BEGIN
			SELECT (doc).* INTO d FROM barq_hybrid(NULL::hybrid_docs, ARRAY[i, 0]::vector, 'word' || i, filter => CASE WHEN i % 3 = 0 THEN '1 / (id - id) = 1' ELSE 'author < $1' END, filter_args => CASE WHEN i % 3 = 0 THEN '{}' ELSE '{9}' END::text[]);
			said = said || d.id || ' ';
		EXCEPTION WHEN division_by_zero THEN
			said = said || 'caught ';
		END;
	END LOOP;
	RAISE NOTICE '%', said;
END $$;
BEGIN;
DECLARE c CURSOR FOR SELECT (doc).id FROM barq_hybrid(NULL::hybrid_docs, '[50,0]', k => 5);
FETCH 2 FROM c;
DELETE FROM hybrid_docs WHERE id BETWEEN 45 AND 55;
FETCH 2 FROM c;
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_docs, '[50,0]', k => 2);
SAVEPOINT s;
INSERT INTO hybrid_docs VALUES (200, 1, 'new', '[50,0]');
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_docs, '[50,0]', k => 1);
ROLLBACK TO s;
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_docs, '[50,0]', k => 1);
ROLLBACK;
-- a statement sees the rows that existed when it began
WITH gone AS (DELETE FROM hybrid_docs WHERE id = 50 RETURNING id) SELECT g.id AS deleted, (doc).id FROM gone g, barq_hybrid(NULL::hybrid_docs, '[50,0]', k => 1);
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_docs, '[50.1,0]', k => 1);
INSERT INTO hybrid_docs SELECT (doc).id + 1000, (doc).author, (doc).body, (doc).v FROM barq_hybrid(NULL::hybrid_docs, '[50.1,0]', k => 3);
SELECT count(*) FROM hybrid_docs WHERE id > 1000;

-- with parallel workers: it runs in the leader, with its setting in effect
SELECT proparallel, provolatile, proretset FROM pg_proc WHERE proname = 'barq_hybrid' GROUP BY 1, 2, 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET barq.iterative_scan = off;
SELECT count(*), sum((h.doc).id) FROM hybrid_docs d JOIN barq_hybrid(NULL::hybrid_docs, '[20,0]', 'word5', k => 30, filter => 'author <> 2') h ON (h.doc).id = d.id;
RESET ALL;
SET jit = off;

-- dropped and created again under the same name
DROP TABLE hybrid_docs;
CREATE TABLE hybrid_docs (v vector(3), id text PRIMARY KEY);
INSERT INTO hybrid_docs VALUES ('[1,2,3]', 'new');
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_docs, '[1,2,3]')$$);
CREATE INDEX ON hybrid_docs USING barq_hnsw (v vector_l2_ops);
SELECT * FROM barq_hybrid(NULL::hybrid_docs, '[1,2,3]');
-- moved to another schema, and the extension, too
CREATE SCHEMA hybrid_schema;
ALTER TABLE hybrid_docs SET SCHEMA hybrid_schema;
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_schema.hybrid_docs, '[1,2,3]');
ALTER SCHEMA hybrid_schema RENAME TO hybrid_renamed;
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_renamed.hybrid_docs, '[1,2,3]');
ALTER EXTENSION barq SET SCHEMA hybrid_renamed;
SELECT (doc).id FROM hybrid_renamed.barq_hybrid(NULL::hybrid_renamed.hybrid_docs, '[1,2,3]');
ALTER EXTENSION barq SET SCHEMA public;
SELECT (doc).id FROM barq_hybrid(NULL::hybrid_renamed.hybrid_docs, '[1,2,3]');
DROP SCHEMA hybrid_renamed CASCADE;
DROP TABLE hybrid_authors;
