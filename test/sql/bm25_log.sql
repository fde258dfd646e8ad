-- A long log, searched while it grows: after each batch of rows a session, whose small segments in
-- memory become more and are joined, finds what a sequential scan does, and so does another
-- session that sees all of them at once. With deleted rows, filter columns and NULLs.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;
CREATE TABLE long_log (id int, price int, title text, body text) WITH (autovacuum_enabled = off);
CREATE INDEX long_log_idx ON long_log USING barq_bm25 (title, body, price) WITH (text_config = simple, growing_limit = '64MB');
CREATE FUNCTION pg_temp.batch(first int, last int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO long_log SELECT i, i * 7 % 1000, CASE WHEN i % 5 > 0 THEN 'w' || i % 11 END, CASE WHEN i % 7 > 0 THEN concat_ws(' ', 'w' || i % 13, 'x' || i % 500, CASE WHEN i % 3 = 0 THEN 'red fox' END) END FROM generate_series(first, last) i;
$$;
CREATE FUNCTION pg_temp.found(scan bool) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	result text[];
BEGIN
	PERFORM set_config('enable_seqscan', (NOT scan)::text, true), set_config('enable_indexscan', scan::text, true), set_config('enable_bitmapscan', 'off', true),
		set_config('enable_sort', (NOT scan)::text, true), set_config('barq.count_scan', scan::text, true), set_config('barq.sorted_scan', scan::text, true);
	RETURN ARRAY[
		(SELECT string_agg(s::text, ' ') FROM (SELECT long_log <@> 'x7 w3' AS s FROM long_log ORDER BY long_log <@> 'x7 w3' LIMIT 60) ranked),
		(SELECT string_agg(s::text, ' ') FROM (SELECT body <@> 'fox x99' AS s FROM long_log WHERE price < 500 ORDER BY body <@> 'fox x99' LIMIT 60) ranked),
		(SELECT string_agg(id::text, ' ' ORDER BY id) FROM long_log WHERE long_log @@@ '"red fox" w12 title:w1'),
		(SELECT count(*)::text FROM long_log WHERE body @@@ 'x1* -fox' AND price >= 100),
		(SELECT string_agg(price::text, ' ') FROM (SELECT price FROM long_log WHERE long_log @@@ 'w5' ORDER BY price DESC LIMIT 25) sorted)];
END $$;
CREATE FUNCTION pg_temp.grow(last int, step int) RETURNS TABLE (batches bigint, wrong text) LANGUAGE plpgsql AS $$
DECLARE
	first int;
BEGIN
	batches := 0;
	FOR first IN SELECT * FROM generate_series((SELECT coalesce(max(id), 0) + 1 FROM long_log), last, step) LOOP
		PERFORM pg_temp.batch(first, first + step - 1);
		batches := batches + 1;
		IF pg_temp.found(true) IS DISTINCT FROM pg_temp.found(false) THEN
			wrong := concat_ws(', ', wrong, first + step - 1);
		END IF;
	END LOOP;
	RETURN NEXT;
END $$;
SELECT * FROM pg_temp.grow(3000, 150);
SELECT * FROM pg_temp.grow(12000, 450);
SELECT state, rows, cardinality(array_remove(pg_temp.found(true), NULL)) AS found FROM barq_segments('long_log_idx');
-- dead rows: the session makes its copy anew
DELETE FROM long_log WHERE id % 10 = 3;
VACUUM (INDEX_CLEANUP on) long_log;
SELECT pg_temp.found(true) = pg_temp.found(false) AS same;
SELECT * FROM pg_temp.grow(13500, 300);
\c
SET enable_seqscan = off;
SELECT count(*) FROM long_log WHERE body @@@ 'x1* -fox' AND price >= 100;
SELECT count(*) FROM long_log WHERE body ~ '\mx1' AND body !~ '\mfox\M' AND price >= 100;
SELECT * FROM barq_check('long_log_idx');
DROP TABLE long_log;
