-- The words and their vectors, most frequent first (rank 0 is "the"). 1,000 are
-- kept apart as queries that the index has never seen.
CREATE EXTENSION IF NOT EXISTS barq;
DROP TABLE IF EXISTS words, held_out;
CREATE TABLE words (
	word text PRIMARY KEY,
	rank int NOT NULL,
	embedding vector(100) NOT NULL
);
CREATE TABLE held_out (LIKE words INCLUDING ALL);
