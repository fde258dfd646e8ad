-- The ten nearest words of 300 of the held-out words, by looking at every row:
-- what the index is measured against. All processors share the work, a query each.
SET enable_indexscan = off;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
DROP TABLE IF EXISTS sampled, nearest;
CREATE TABLE sampled WITH (parallel_workers = 8) AS
	SELECT * FROM held_out ORDER BY md5(word) LIMIT 300;
CREATE TABLE nearest AS
	SELECT word, ARRAY(SELECT w.word FROM words w ORDER BY w.embedding <=> q.embedding LIMIT 10) AS words
	FROM sampled q;

-- Runs the held-out words (or the first few, in the same order) as queries, in this
-- session as it is set, and says how many milliseconds one took and how much of
-- the truth it found, where the truth is known.
CREATE OR REPLACE FUNCTION measure(how_many int, OUT milliseconds float8, OUT recall float8)
	LANGUAGE plpgsql
	AS $$
	DECLARE
		began timestamptz;
	BEGIN
		DROP TABLE IF EXISTS found;
		began := clock_timestamp();
		CREATE TEMP TABLE found AS
			SELECT word, ARRAY(SELECT w.word FROM words w ORDER BY w.embedding <=> q.embedding LIMIT 10) AS words
			FROM (SELECT * FROM held_out ORDER BY md5(word) LIMIT how_many) q;
		milliseconds := extract(epoch FROM clock_timestamp() - began) * 1000 / how_many;
		SELECT avg((SELECT count(*) FROM unnest(f.words) x WHERE x = ANY (n.words)) / 10.0)
			INTO recall FROM found f JOIN nearest n USING (word);
	END
	$$;
