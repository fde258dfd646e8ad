-- What the tests of text share: random texts, and their terms by to_tsvector
-- and by barq. Read by each of them, with \i, after compare.sql.

-- term@position, in the order of positions
CREATE FUNCTION pg_temp.postgres_terms(config regconfig, body text) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(lexeme || '@' || p ORDER BY p, lexeme COLLATE "C")
	FROM unnest(to_tsvector(config, body)), unnest(positions) p $$;
CREATE FUNCTION pg_temp.barq_terms(config regconfig, body text, tokenizer text DEFAULT 'config') RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(term || '@' || position ORDER BY position, term COLLATE "C")
	FROM barq_bm25_terms(body, config, tokenizer) $$;

-- n pieces one after the other, drawn from some
CREATE FUNCTION pg_temp.noise(n int, pieces text[]) RETURNS text VOLATILE LANGUAGE sql AS $$
	SELECT string_agg(pieces[1 + floor(random() * cardinality(pieces))::int], '') FROM generate_series(1, n) $$;

-- how many of n random texts give other terms than to_tsvector's, and the
-- shortest of these, for a look
CREATE FUNCTION pg_temp.differences(config regconfig, n int, longest int, pieces text[])
	RETURNS TABLE (texts bigint, terms_seen boolean, different bigint, shortest text) VOLATILE LANGUAGE sql AS $$
	SELECT count(*), count(postgres) > n / 2, count(*) FILTER (WHERE postgres IS DISTINCT FROM barq),
		(array_agg(body ORDER BY length(body)) FILTER (WHERE postgres IS DISTINCT FROM barq))[1]
	FROM (SELECT body, pg_temp.postgres_terms(config, body) AS postgres, pg_temp.barq_terms(config, body) AS barq
		FROM (SELECT pg_temp.noise(1 + (random() * longest)::int, pieces) AS body FROM generate_series(1, n)) a) b $$;
