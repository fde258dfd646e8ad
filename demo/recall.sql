-- Recall and time of the index on the held-out words, against looking at every row:
-- time over all of them, recall over those whose exact neighbours are known.
CREATE TEMP TABLE figures (search text, recall float8, milliseconds float8);
SET enable_indexscan = off;
INSERT INTO figures SELECT 'every row', recall, milliseconds FROM measure(10);
RESET enable_indexscan;
SELECT milliseconds >= 0 AS warm FROM measure(100) \gset
SET barq.ef_search = 40;
INSERT INTO figures SELECT 'index, ef_search = 40', recall, milliseconds FROM measure(1000);
SET barq.ef_search = 100;
INSERT INTO figures SELECT 'index, ef_search = 100', recall, milliseconds FROM measure(1000);
SET barq.ef_search = 200;
INSERT INTO figures SELECT 'index, ef_search = 200', recall, milliseconds FROM measure(1000);
SET barq.ef_search = 400;
INSERT INTO figures SELECT 'index, ef_search = 400', recall, milliseconds FROM measure(1000);
SELECT search, round(recall::numeric, 3) AS "recall@10", round(milliseconds::numeric, 2) AS "ms a query",
	round((first_value(milliseconds) OVER () / milliseconds)::numeric) || ' x' AS "speed-up"
FROM figures;
