-- The hints for what people get wrong at first: an index without an operator
-- class, of a type that the access method does not know, a vector written as an
-- array, a configuration that is not there; and a domain over vector(n), which
-- is as good as its base type.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all
CREATE DOMAIN messages_domain AS vector(3);
CREATE DOMAIN messages_domain_of_domain AS messages_domain CHECK (VALUE IS NOT NULL);
CREATE DOMAIN messages_text AS text;
CREATE TABLE messages (v vector(3), h halfvec(3), s sparsevec(3), b bit(3), vb bit varying, d messages_domain, n int, j jsonb,
	a real[], t text, dt messages_text, c char(5), vc varchar(5), nm name, ta text[]) PARTITION BY LIST (n);

-- every type under every access method, without a class
\pset format unaligned
SELECT am, attname, pg_temp.outcome(format('CREATE INDEX ON messages USING %s (%I) %s', am, attname,
	CASE am WHEN 'barq_bm25' THEN 'WITH (text_config = ''simple'')' END))
	FROM unnest(ARRAY['barq_hnsw', 'barq_ivf', 'barq_bm25']) am, pg_attribute
	WHERE attrelid = 'messages'::regclass AND attnum > 0 ORDER BY am, attnum;
-- nothing was made that is left, also where the index is made in several steps
CREATE TABLE messages_one (LIKE messages);
CREATE INDEX CONCURRENTLY ON messages_one USING barq_hnsw (v);
CREATE INDEX CONCURRENTLY ON messages_one USING barq_hnsw (v any_ops);
CREATE INDEX CONCURRENTLY ON messages_one USING barq_bm25 (n) WITH (text_config = 'simple');
SELECT count(*) FROM pg_index WHERE indrelid = 'messages_one'::regclass;
SELECT opcname, opcmethod <> 0 AS of_method, amvalidate(oid) FROM pg_opclass WHERE opcname = 'any_ops' ORDER BY opcmethod;

-- vectors written otherwise
SELECT literal, type, pg_temp.outcome(format('SELECT %L::%s', literal, type))
	FROM unnest(ARRAY['{1,2,3}', ' {1,2}', '{1:2}/3', '[1,2,3]', '1,2', '(1,2)', '', '{}']) literal, unnest(ARRAY['vector', 'halfvec', 'sparsevec']) type;
-- what the hints say works
SELECT '{1,2,3}'::real[]::vector, '{1,2,3}'::real[]::halfvec, '{1:2}/3'::sparsevec::vector, '[1,0,2]'::vector::sparsevec;

-- configurations
SELECT c, pg_temp.outcome(format('CREATE INDEX ON messages_one USING barq_bm25 (t) WITH (text_config = %L)', c))
	FROM unnest(ARRAY['englich', 'public.englich', 'nowhere.english', 'a.b.c', 'English', '']) c;
\pset format aligned

-- domains: of the type's dimensions, and found by operators
CREATE TABLE messages_domains (id int, v messages_domain, w messages_domain_of_domain);
INSERT INTO messages_domains SELECT i, x, x FROM (SELECT i, ARRAY[i, i % 7, i % 3]::vector AS x FROM generate_series(1, 100) i) s;
CREATE INDEX messages_v ON messages_domains USING barq_hnsw (v vector_l2_ops);
CREATE INDEX messages_w ON messages_domains USING barq_ivf (w);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM messages_domains ORDER BY v <-> '[50,1,1]' LIMIT 3;
SELECT id FROM messages_domains ORDER BY v <-> '[50,1,2]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM messages_domains ORDER BY w <-> '[50,1,1]' LIMIT 3;
SELECT id FROM messages_domains ORDER BY w <-> '[50,1,2]' LIMIT 3;
INSERT INTO messages_domains VALUES (101, '[1,2]', '[1,2,3]');
SELECT count(*) FROM barq_check('messages_v');
SELECT id FROM messages_domains ORDER BY v <-> '[1,2]' LIMIT 1;
DROP TABLE messages, messages_one, messages_domains;
DROP DOMAIN messages_domain_of_domain, messages_domain, messages_text;
