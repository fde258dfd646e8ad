-- The dictionary: every sense with an embedding made from its gloss, the mean of
-- the vectors of the gloss's words, each weighted by how rare the word is.
SET work_mem = '256MB';
DROP TABLE IF EXISTS senses, rarity;

CREATE OR REPLACE FUNCTION tokens(sentence text) RETURNS SETOF text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$ SELECT m[1] FROM regexp_matches(lower(sentence), '[[:alnum:]]+(?:-[[:alnum:]]+)*', 'g') m $$;

-- The queries kept apart are words too, where a vector is made from words.
CREATE OR REPLACE VIEW vocabulary AS
	SELECT word, embedding FROM words UNION ALL SELECT word, embedding FROM held_out;

CREATE TEMP TABLE gloss_words AS
	SELECT id, word FROM definitions, tokens(gloss) AS word;

-- ln(glosses / glosses that use the word): 0.3 for "a", 11.7 for a word used once.
CREATE TABLE rarity AS
	SELECT word, ln((SELECT count(*) FROM definitions)::float8 / count(DISTINCT id))::real AS weight
	FROM gloss_words GROUP BY word;
ALTER TABLE rarity ADD PRIMARY KEY (word);

-- A vector times a number: times the vector that is that number everywhere.
CREATE OR REPLACE FUNCTION scaled(v vector, factor real) RETURNS vector
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$ SELECT v * array_fill(factor, ARRAY[vector_dims(v)])::vector $$;

ANALYZE rarity, gloss_words;
CREATE TEMP TABLE weighted AS
	SELECT word, scaled(embedding, weight) AS embedding
	FROM vocabulary JOIN rarity USING (word);
ANALYZE weighted;

-- What searches are filtered by: the part of speech, and of each word of the sense how
-- many letters it has. Both are filter columns of the indexes (docs/filters.md).
DROP TYPE IF EXISTS part_of_speech;
CREATE TYPE part_of_speech AS ENUM ('noun', 'verb', 'adjective', 'adverb');

CREATE TABLE senses AS
	SELECT id, part_of_speech::part_of_speech, words, gloss, ARRAY(
			SELECT length(regexp_replace(word, '[^[:alnum:]]', '', 'g'))
			FROM string_to_table(words, ', ') WITH ORDINALITY AS w (word, place) ORDER BY place) AS letters,
		e.embedding::vector(100)
	FROM definitions LEFT JOIN (
		SELECT id, avg(embedding) AS embedding
		FROM gloss_words JOIN weighted USING (word) GROUP BY id) e USING (id);
ALTER TABLE senses ADD PRIMARY KEY (id);
ANALYZE senses;

-- A question becomes a vector the same way as a gloss does.
CREATE OR REPLACE FUNCTION embed(question text) RETURNS vector
	LANGUAGE sql STABLE PARALLEL SAFE
	AS $$
		SELECT avg(scaled(v.embedding, coalesce(r.weight, 12)))
		FROM tokens(question) AS t (word)
		JOIN vocabulary v USING (word) LEFT JOIN rarity r USING (word)
	$$;

CREATE OR REPLACE FUNCTION cut(what text, width int) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$ SELECT CASE WHEN length(what) > width THEN left(what, width - 1) || '…' ELSE what END $$;
