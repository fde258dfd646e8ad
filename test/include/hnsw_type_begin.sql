-- What hnsw_type.sql calls; read once by each test that reads that.
SET enable_seqscan = off;
SELECT setseed(0.1);

-- The operator class's index on tab(v), rows in all places; see hnsw_type.sql.
CREATE FUNCTION pg_temp.everywhere(tab regclass, opclass text, op text, quantizations text[])
RETURNS TABLE (quantization text, rows_are text, wrong bigint) LANGUAGE plpgsql AS $$
DECLARE
	insert_rows text = format('INSERT INTO %s (v) SELECT pg_temp.small_value() FROM generate_series(1, 150)', tab);
	compare_all text = format('SELECT c.* FROM (SELECT array_agg(v) AS vs FROM (SELECT v FROM %s WHERE id %% 10 = 0
		UNION ALL (SELECT pg_temp.small_value() FROM generate_series(1, 10))) s) s, pg_temp.compare(%L, %L, vs, $1) c', tab, tab, op);
	result record;
BEGIN
	FOREACH quantization IN ARRAY quantizations LOOP
		EXECUTE format('TRUNCATE %s RESTART IDENTITY', tab);
		EXECUTE insert_rows;
		EXECUTE format('CREATE INDEX everywhere_idx ON %s USING barq_hnsw (v %s) WITH (quantization = %L)', tab, opclass, quantization);
		FOR step IN 1..4 LOOP
			-- stored rows are queries, too
			EXECUTE compare_all INTO result USING 1000;
			rows_are = (ARRAY['built', 'with a log', 'sealed', 'compacted'])[step];
			wrong = result.wrong;
			RETURN NEXT;
			IF step = 1 THEN
				EXECUTE insert_rows;
			ELSIF step = 2 THEN
				PERFORM barq_seal('everywhere_idx');
			ELSIF step = 3 THEN
				PERFORM barq_compact('everywhere_idx');
			END IF;
		END LOOP;
		EXECUTE compare_all INTO result USING 10;
		rows_are = 'compacted, first ten';
		wrong = result.wrong;
		RETURN NEXT;
		DROP INDEX everywhere_idx;
	END LOOP;
END $$;
