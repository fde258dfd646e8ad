-- One answer: the senses whose glosses mean most nearly what the question says.
-- With -v explain='EXPLAIN …' the same statement shows its plan and its time.
-- The sub-select makes the question's vector once, not once a row.
SET :ef_setting = 200;
:explain
SELECT round(distance::numeric, 3) AS distance, cut(words, 30) AS words,
	cut(regexp_replace(gloss, '; *".*', ''), :width - 42) AS gloss
FROM (
	SELECT embedding <=> (SELECT embed(:'question')) AS distance, words, gloss
	FROM senses
	ORDER BY distance
	LIMIT 5) nearest;
