-- One question asked three ways: what means it most nearly, what says it in its own
-- words, and both rankings fused. From barq_hybrid(), which tells each sense's place
-- in either ranking.
SELECT place, max(cell) FILTER (WHERE way = 1) AS "by meaning",
	max(cell) FILTER (WHERE way = 2) AS "by words", max(cell) FILTER (WHERE way = 3) AS "hybrid"
FROM (
	SELECT (doc).words, vector_rank, text_rank, row_number() OVER () AS fused_rank
	FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 100)) ranked
CROSS JOIN LATERAL (VALUES (1, vector_rank), (2, text_rank), (3, fused_rank)) AS list (way, place)
CROSS JOIN LATERAL (
	SELECT rpad(cut(words, :width / 3 - 12), :width / 3 - 12)
		|| lpad(coalesce(vector_rank::text, '–') || ' ' || lpad(coalesce(text_rank::text, '–'), 3), 8)) AS c (cell)
WHERE place <= 5
GROUP BY place ORDER BY place;
-- What the first of them say.
SELECT cut((doc).words, 30) AS "hybrid", cut(regexp_replace((doc).gloss, '; *".*', ''), :width - 32) AS gloss
FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 3);
