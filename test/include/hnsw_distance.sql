-- One distance through the index: the exact order on small data, recall of a graph,
-- both compared with an exact scan. Included with \i by the test of each distance,
-- which sets metric, dims and quantization (of the graph).
\set tab hnsw_ :metric
\set index :tab _idx
\set opclass vector_ :metric _ops
SELECT pg_temp.operator_of(:'metric') AS op \gset

SET enable_seqscan = off;
SELECT setseed(0.1);
CREATE TABLE :tab (id int GENERATED ALWAYS AS IDENTITY, v vector(17));

-- All rows are returned in the exact order, for every quantization, of rows that were
-- built, sealed later, or not sealed.
CREATE FUNCTION pg_temp.everywhere(tab regclass, opclass text, op text)
RETURNS TABLE (quantization text, rows_are text, wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
	queries vector[];
	result record;
BEGIN
	queries := ARRAY(SELECT pg_temp.random_vector(17) FROM generate_series(1, 15));
	FOREACH quantization IN ARRAY ARRAY['none', 'f16', 'sq8'] LOOP
		EXECUTE format('TRUNCATE %s', tab);
		EXECUTE format('INSERT INTO %s (v) SELECT pg_temp.random_vector(17) FROM generate_series(1, 150)', tab);
		EXECUTE format('CREATE INDEX everywhere_idx ON %s USING barq_hnsw (v %s) WITH (quantization = %L)', tab, opclass, quantization);
		FOR step IN 1..3 LOOP
			-- stored rows are queries, too
			EXECUTE format('SELECT $1 || ARRAY(SELECT v FROM %s ORDER BY id DESC LIMIT 15) AS vs', tab) INTO result USING queries;
			SELECT * INTO result FROM pg_temp.compare(tab, op, result.vs, 1000);
			rows_are = (ARRAY['built', 'with a log', 'sealed'])[step];
			wrong = result.wrong;
			RETURN NEXT;
			IF step = 1 THEN
				EXECUTE format('INSERT INTO %s (v) SELECT pg_temp.random_vector(17) FROM generate_series(1, 150)', tab);
			ELSIF step = 2 THEN
				PERFORM barq_seal('everywhere_idx');
			END IF;
		END LOOP;
		SELECT * INTO result FROM pg_temp.compare(tab, op, queries, 10);
		rows_are = 'sealed, first ten';
		wrong = result.wrong;
		RETURN NEXT;
		DROP INDEX everywhere_idx;
	END LOOP;
END $$;
SELECT * FROM pg_temp.everywhere(:'tab', :'opclass', :'op');
DROP TABLE :tab;

-- A graph of rows in clusters: recall of the first ten. Queries are near rows, not
-- equal to them.
CREATE TABLE :tab (id int GENERATED ALWAYS AS IDENTITY, v vector(:dims));
CREATE TEMP TABLE centre AS SELECT i, pg_temp.random_vector(:dims) AS v FROM generate_series(0, 39) i;
CREATE TEMP TABLE noise AS SELECT i, pg_temp.random_vector(:dims, -0.3, 0.3) AS v FROM generate_series(0, 499) i;
INSERT INTO :tab (v)
	SELECT c.v + n.v + o.v FROM generate_series(1, 9000) g(row)
		JOIN centre c ON c.i = row % 40 JOIN noise n ON n.i = (row * 7) % 499 JOIN noise o ON o.i = (row * 11) % 487
	ORDER BY row;
CREATE INDEX :index ON :tab USING barq_hnsw (v :opclass) WITH (quantization = :quantization);
SELECT kind, rows FROM barq_segments(:'index') WHERE state <> 'growing';
CREATE TEMP TABLE query AS
	SELECT array_agg(v + pg_temp.random_vector(:dims, -0.2, 0.2)) AS vs FROM (SELECT v FROM :tab WHERE id % 100 = 0) s;
SELECT recall >= 0.95 AS recall FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SET barq.ef_search = 400;
SELECT recall >= 0.99 AS recall_at_400 FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
RESET barq.ef_search;

-- rows added and rows deleted since
DELETE FROM :tab WHERE id % 11 = 3;
VACUUM :tab;
INSERT INTO :tab (v) SELECT v + pg_temp.random_vector(:dims, -0.1, 0.1) FROM :tab WHERE id % 50 = 1;
SELECT recall >= 0.95 AS recall_after_changes FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SELECT barq_seal(:'index') > 0 AS sealed, barq_compact(:'index') = (SELECT count(*) FROM :tab) AS compacted;
SELECT kind, rows = (SELECT count(*) FROM :tab) AS all_rows, dead_rows FROM barq_segments(:'index') WHERE state <> 'growing';
SELECT recall >= 0.95 AS recall_of_the_merged_graph FROM query, pg_temp.compare(:'tab', :'op', vs, 10);
SELECT * FROM barq_check(:'index');
DROP TABLE :tab;
