-- The three ways of asking, each by itself, as an application would ask. :explain may
-- be 'EXPLAIN …'.
SET barq.ef_search = 200;
:explain SELECT words, gloss FROM senses ORDER BY embedding <=> :'vector' LIMIT 5;
:explain SELECT words, gloss FROM senses WHERE gloss <@> :'terms' < 0 ORDER BY gloss <@> :'terms' LIMIT 5;
:explain SELECT (doc).words, (doc).gloss
FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 5);
