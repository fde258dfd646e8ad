-- Which way into a condition the planner takes: checking after the search, until it needs the bitmap
-- of another index or without one, a search within it, or a sort of the bitmap's rows. Cells near a crossing are
-- left out; PARTS=conditions make bench measures them.
CREATE TABLE cond_choice AS
	SELECT i AS id, i % 1000 AS share, i % 1000 AS plain,
		array(SELECT s FROM unnest('{1,10,100,500}'::int[]) s WHERE i % 1000 < s) AS labels,
		ARRAY[sin(i), cos(i * 3), sin(i * 0.7), cos(i * 1.3), sin(i * 0.11), cos(i * 0.23), sin(i * 1.9), cos(i * 0.05)]::vector(8) AS v
	FROM generate_series(1, 20000) i;
CREATE INDEX cond_choice_share ON cond_choice (share);
CREATE INDEX cond_choice_labels ON cond_choice USING gin (labels);
CREATE INDEX cond_choice_v ON cond_choice USING barq_hnsw (v vector_l2_ops);
VACUUM ANALYZE cond_choice;

CREATE FUNCTION pg_temp.way(condition text, lim int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT id FROM cond_choice WHERE %s ORDER BY v <-> ''[1,0,0,0,0,0,0,0]'' LIMIT %s', condition, lim) LOOP
		plan := plan || line || E'\n';
	END LOOP;
	-- of many rows the bitmap is needed; whether some are looked at first rests on its cost
	RETURN CASE WHEN plan LIKE '%Bitmap: when needed%' AND lim < 1000 THEN 'bitmap when needed'
		WHEN plan LIKE '%BarqCondition%' THEN 'within the bitmap'
		WHEN plan LIKE '%Index Scan using cond_choice_v%' THEN 'check after the search'
		WHEN plan LIKE '%Bitmap Heap Scan%' THEN 'bitmap, sort'
		WHEN plan LIKE '%Seq Scan%' THEN 'scan, sort' ELSE plan END;
END $$;
-- matches: per thousand of the rows
CREATE FUNCTION pg_temp.ways(condition text) RETURNS TABLE (matches int, "LIMIT 10" text, "LIMIT 1000" text) LANGUAGE sql AS $$
	SELECT share, pg_temp.way(format(condition, share), 10), pg_temp.way(format(condition, share), 1000)
	FROM unnest('{1,10,100,500}'::int[]) share
$$;
SELECT * FROM pg_temp.ways('share < %s');
SELECT * FROM pg_temp.ways('labels @> ARRAY[%s]');
-- no index knows the condition
SELECT * FROM pg_temp.ways('plain < %s');
DROP TABLE cond_choice;
