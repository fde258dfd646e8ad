-- What is shown of a single field: statistics, document frequencies, highlighted words.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SELECT setseed(0.5);

CREATE TABLE shown (id int, title text, body text) PARTITION BY RANGE (id);
CREATE TABLE shown_1 PARTITION OF shown FOR VALUES FROM (0) TO (60);
CREATE TABLE shown_2 PARTITION OF shown FOR VALUES FROM (60) TO (1000);
INSERT INTO shown
SELECT i, CASE WHEN i % 5 > 0 THEN 'w' || i % 3 || ' w' || i % 7 END,
	(SELECT string_agg('w' || (i * j) % 11, ' ') FROM generate_series(1, i % 6) AS j)
FROM generate_series(1, 90) AS i;
CREATE INDEX shown_idx ON shown USING barq_bm25 (title, (body || '') bm25_ops (name = text)) WITH (text_config = 'simple');
INSERT INTO shown SELECT i, 'w1 late', 'w2 late late' FROM generate_series(100, 120) AS i;

-- in all partitions, built and growing
SELECT f, s.documents = (SELECT count(*) FROM shown WHERE title IS NOT NULL OR body IS NOT NULL) AS documents,
	s.tokens = (SELECT sum(array_length(string_to_array(CASE f WHEN 'title' THEN title ELSE body END, ' '), 1)) FROM shown) AS tokens
FROM unnest(ARRAY['title', 'text']) AS f, barq_bm25_stats('shown_idx', f) AS s;
SELECT (SELECT tokens FROM barq_bm25_stats('shown_idx')) = sum(s.tokens) AS add_up
FROM unnest(ARRAY['title', 'text']) AS f, barq_bm25_stats('shown_idx', f) AS s;
SELECT count(*) AS terms,
	bool_and(barq_bm25_df('shown_idx', w, 'title') = (SELECT count(*) FROM shown WHERE title ~ ('\m' || w || '\M'))) AS title,
	bool_and(barq_bm25_df('shown_idx', w, 'text') = (SELECT count(*) FROM shown WHERE body ~ ('\m' || w || '\M'))) AS body,
	bool_and(barq_bm25_df('shown_idx', w) = (SELECT count(*) FROM shown WHERE concat_ws(' ', title, body) ~ ('\m' || w || '\M'))) AS any
FROM (SELECT 'w' || i AS w FROM generate_series(0, 11) AS i UNION ALL VALUES ('late'), ('nowhere')) AS words;

-- a single field has its column's name
CREATE INDEX shown_one_idx ON shown_1 USING barq_bm25 (title) WITH (text_config = 'simple');
SELECT barq_bm25_stats('shown_one_idx', 'title') = barq_bm25_stats('shown_one_idx') AS stats,
	barq_bm25_df('shown_one_idx', 'w1', 'title') = barq_bm25_df('shown_one_idx', 'w1') AS df;
SELECT barq_bm25_stats('shown_one_idx', 'text');
SELECT barq_bm25_stats('shown_idx', 'body');
SELECT barq_bm25_df('shown_idx', 'w1', '');
SELECT barq_bm25_stats('shown', 'title');

-- words that are asked of another field are not marked
SELECT q, barq_highlight('red blue green', q, 'shown_idx', field => 'title') AS title,
	barq_highlight('red blue green', q, 'shown_idx', field => 'text') AS text,
	barq_highlight('red blue green', q, 'shown_idx') AS without
FROM (VALUES ('title:red blue'), ('title:red text:blue green'), ('text:(red title:blue) -green'), ('title:"red blue"'), ('title:gr*'), ('body:red')) AS a(q);
SELECT barq_highlight('red blue', 'title:red blue', 'shown_idx'::regclass, '[', ']', 0, 20, 'text');
SELECT barq_highlight('red', 'title:red', 'shown_one_idx', field => 'title') AS one_field;
SELECT barq_highlight('red', 'red', 'shown_idx', field => 'body');
SELECT barq_highlight('red', 'red', 'simple', field => 'title');
SELECT barq_highlight('red', 'red', 'shown'::regclass, field => 'title');

DROP TABLE shown;
