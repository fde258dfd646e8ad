-- Rows for the example, inserted through the coordinator: each goes to its shard.
INSERT INTO docs
SELECT i,
	(SELECT string_agg((ARRAY['database', 'vector', 'search', 'index', 'dates', 'dating',
			'quick', 'slow', 'dog', 'fox'])[1 + (i * 7 + w * w * (i % 11)) % 10], ' ')
		FROM generate_series(1, 3 + (i % 9)::int) w) || ' number ' || i,
	(SELECT array_agg(sin(i * d * 0.7)::real)::vector FROM generate_series(1, 8) d)
FROM generate_series(1, 2000) i;
