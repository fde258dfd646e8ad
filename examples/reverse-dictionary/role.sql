-- What the application connects as: a role that can read the dictionary and nothing else.
DO $$
BEGIN
	CREATE ROLE reverse_dictionary LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
ALTER ROLE reverse_dictionary SET default_transaction_read_only = on;
GRANT SELECT ON senses, words, held_out, vocabulary, rarity TO reverse_dictionary;
