-- The same question with each ranking's scores in place of its ranks, with one sense of
-- each part of speech, and with filters: by part of speech, and by the number of letters
-- of any of its words.
SELECT place, max(cell) FILTER (WHERE way = 1) AS "scores, not ranks", max(cell) FILTER (WHERE way = 2) AS "one of each kind",
	max(cell) FILTER (WHERE way = 3) AS "verbs only", max(cell) FILTER (WHERE way = 4) AS "up to 6 letters"
FROM (
	SELECT 1 AS way, row_number() OVER () AS place, doc FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 4, fusion => 'linear')
	UNION ALL
	SELECT 2, row_number() OVER (), doc FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 4, group_by => 'part_of_speech')
	UNION ALL
	SELECT 3, row_number() OVER (), doc FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 4,
		filter => 'part_of_speech = $1', filter_args => ARRAY['verb'])
	UNION ALL
	SELECT 4, row_number() OVER (), doc FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 4,
		filter => 'letters && $1', filter_args => ARRAY['{1,2,3,4,5,6}'])) ranked
CROSS JOIN LATERAL (SELECT cut((doc).words || CASE way WHEN 2 THEN ' (' || (doc).part_of_speech || ')' ELSE '' END, :width / 4 - 3)) AS c (cell)
GROUP BY place ORDER BY place;
