-- A column of a domain, at any depth, is indexed like its base type: the same rows
-- and scores by every plan, whether rows are inserted before or after the index is
-- created.
CREATE DOMAIN bm25_words AS text;
CREATE DOMAIN bm25_short AS varchar(200) CHECK (VALUE <> 'x');
CREATE DOMAIN bm25_list AS text[];
CREATE DOMAIN bm25_lists AS bm25_list;
CREATE TABLE bm25_domains_rows AS
	SELECT i AS id, CASE WHEN i % 11 <> 0 THEN concat('red ', repeat('fish ', i % 3), 'w' || i % 7, ' ', repeat('cat ', i % 2)) END AS words
	FROM generate_series(1, 400) i;

CREATE FUNCTION bm25_domain(type text, value text) RETURNS TABLE (plan text, rows bigint, scores text) LANGUAGE plpgsql AS $$
DECLARE
	fill text = 'INSERT INTO bm25_domains SELECT id, ' || value || ' FROM bm25_domains_rows WHERE id % 2 = ';
BEGIN
	EXECUTE format('CREATE TABLE bm25_domains (id int, body %s)', type);
	EXECUTE fill || '0';
	CREATE INDEX bm25_domains_body ON bm25_domains USING barq_bm25 (body) WITH (text_config = 'english');
	EXECUTE fill || '1';
	FOREACH plan IN ARRAY ARRAY['seqscan', 'indexscan', 'bitmapscan'] LOOP
		PERFORM set_config('enable_' || p, CASE WHEN p = plan THEN 'on' ELSE 'off' END, true)
			FROM unnest(ARRAY['seqscan', 'indexscan', 'bitmapscan']) p;
		SELECT count(*), md5(string_agg(concat(id, ' ', body <@> 'fish cat'), ',' ORDER BY id)) INTO rows, scores
			FROM bm25_domains WHERE body @@@ 'fish -w3';
		RETURN NEXT;
	END LOOP;
	plan = 'ranked';
	PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_sort', 'off', true);
	SELECT count(*), md5(string_agg(concat(id, ' ', s), ',' ORDER BY id)) INTO rows, scores
		FROM (SELECT id, body <@> 'fish cat' AS s FROM bm25_domains WHERE body @@@ 'fish -w3' ORDER BY body <@> 'fish cat' LIMIT 1000) r;
	PERFORM set_config('enable_sort', 'on', true), set_config('enable_seqscan', 'on', true);
	RETURN NEXT;
	plan = 'df';
	rows = barq_bm25_df('bm25_domains_body', 'fish');
	scores = NULL;
	RETURN NEXT;
	DROP TABLE bm25_domains;
END $$;

SELECT plan, rows, count(*) AS kinds, count(DISTINCT scores) AS different
FROM (VALUES ('text', 'words'), ('bm25_words', 'words'), ('bm25_short', 'words'),
			 ('text[]', 'CASE WHEN words IS NOT NULL THEN ARRAY[words] END'),
			 ('bm25_list', 'CASE WHEN words IS NOT NULL THEN ARRAY[words] END'),
			 ('bm25_lists', 'CASE WHEN words IS NOT NULL THEN ARRAY[words] END')) t(type, value),
	 LATERAL bm25_domain(type, value)
GROUP BY 1, 2 ORDER BY 1, 2;

DROP TABLE bm25_domains_rows;
DROP DOMAIN bm25_words, bm25_short, bm25_lists, bm25_list;
DROP FUNCTION bm25_domain(text, text);
