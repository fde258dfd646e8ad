-- Fields of all weights that there are, 0 too, in indexes of one field and of several: a scan by
-- the index returns each row once, with the score and in the order of a sort.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;
CREATE TABLE weighty (id int, title text, body text);
CREATE FUNCTION pg_temp.fill(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO weighty SELECT i, CASE WHEN i % 9 > 0 THEN concat_ws(' ', 'w' || i % 3, 'w' || i % 5, 'w' || i % 7) END,
		CASE WHEN i % 8 > 0 THEN concat_ws(' ', 'w' || i % 4, CASE WHEN i % 2 = 0 THEN 'w1 w2' END) END FROM generate_series(first, last) i;
$$;
-- scores in the order of a scan, and rows that come twice, by the index and by a sort
CREATE FUNCTION pg_temp.by(scan bool, side text, query text, condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('enable_seqscan', (NOT scan)::text, true), set_config('enable_sort', (NOT scan)::text, true),
		set_config('enable_indexscan', scan::text, true), set_config('enable_bitmapscan', 'off', true);
	EXECUTE format('SELECT md5(string_agg(coalesce(s::text, ''NULL''), '' '')) || count(*) || '' '' || count(DISTINCT id) || '' '' || sum(id * coalesce(s, 1)::numeric) FILTER (WHERE id %% 2 = 0)
		FROM (SELECT id, %s <@> %L AS s FROM weighty WHERE %s ORDER BY %s <@> %L) ordered', side, query, condition, side, query) INTO result;
	RETURN result;
END $$;
CREATE FUNCTION pg_temp.cells(columns text, options text) RETURNS TABLE (cells bigint, wrong text) LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE weighty;
	DROP INDEX IF EXISTS weighty_idx;
	PERFORM pg_temp.fill(1, 150);
	EXECUTE format('CREATE INDEX weighty_idx ON weighty USING barq_bm25 (%s) WITH (text_config = simple %s)', columns, options);
	PERFORM pg_temp.fill(151, 180);
	RETURN QUERY SELECT count(*), string_agg(format('%s by %s where %s', q, side, condition), '; ') FILTER (WHERE pg_temp.by(true, side, q, condition) IS DISTINCT FROM pg_temp.by(false, side, q, condition))
	FROM unnest(ARRAY['w1', '+w1 w2', 'w1*', '"w1 w2"', 'w1 -w2', 'title:w1 w2', 'w1^0 w3', 'nothing']) q, unnest(CASE WHEN columns ~ ',.*body' THEN ARRAY['weighty', 'title', 'body'] ELSE ARRAY['title'] END) side,
		unnest(ARRAY['true', format('%s @@@ ''w2''', side), format('(%s <@> ''w1'') < 0', side), format('(%s <@> ''w1'') < -0.2', side)]) condition;
END $$;
SELECT columns, options, cells.* FROM unnest(ARRAY['0', '0.0000004', '0.000001', '0.3', '1000']) w,
	LATERAL (VALUES (1, format('title bm25_ops (weight = %s)', w), ''), (2, format('title bm25_ops (weight = %s), body', w), ''), (3, format('title bm25_ops (weight = %s), body bm25_ops (weight = 0)', w), ''),
		(4, format('title bm25_ops (weight = %s), body', w), ', combine = best_fields'), (5, format('title bm25_ops (weight = %s, b = 0), body bm25_ops (weight = 0)', w), ', combine = most_fields')) v(n, columns, options),
	LATERAL pg_temp.cells(columns, options) ORDER BY n, w::float8;
DROP TABLE weighty;
