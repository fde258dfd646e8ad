-- barq_sharded() over tables of this server (several servers: t/110_sharded.pl):
-- arguments, filters, children of a table, rows without a distance
\set VERBOSITY terse
CREATE TABLE shard_docs (id int, body text, parts text[], embedding vector(2), bits bit(4), day date) PARTITION BY HASH (id);
CREATE TABLE shard_docs_0 PARTITION OF shard_docs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shard_docs_1 PARTITION OF shard_docs FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON shard_docs_0 USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX ON shard_docs_1 USING barq_bm25 (body) WITH (text_config = 'english');
INSERT INTO shard_docs SELECT i, CASE i % 3 WHEN 0 THEN 'a quick database' ELSE 'a slow dog' END || repeat(' of vectors', i % 5), ARRAY['part ' || i],
	ARRAY[i, 1000 - i]::vector, (i % 16)::bit(4), '2026-01-01'::date + i FROM generate_series(1, 300) i;
INSERT INTO shard_docs VALUES (301, 'no vector', '{}', NULL, NULL, NULL), (302, 'no direction', '{}', '[0,0]', B'0000', NULL);
SELECT barq_global_query('shard_docs', 'quick vector', 'body') AS words \gset
-- the same by one index of all rows, by both statements
CREATE TABLE shard_one (LIKE shard_docs);
CREATE INDEX shard_one_body ON shard_one USING barq_bm25 (body) WITH (text_config = 'english');
INSERT INTO shard_one SELECT * FROM shard_docs ORDER BY id;
SELECT count(*), count(*) FILTER (WHERE (s.doc).id = o.id AND s.text_score = o.score) AS same
FROM barq_sharded(NULL::shard_docs, query => 'quick vector', text_column => 'body', k => 1000) s
	JOIN (SELECT id, body <@> to_bm25query('quick vector', 'shard_one_body') AS score FROM shard_one) o ON o.id = (s.doc).id;
SELECT count(*), min(text_rank), max(text_rank) FROM barq_sharded(NULL::shard_docs_1, query => 'quick vector', text_column => 'body', k => 1000);
SELECT barq_sharded_sql('shard_docs', '[1,2]', :'words', k => 3, text_column => 'body', filter => 'day < $1 OR shard_docs.id = ANY ($2) OR id = $12', filter_args => '{2026-02-01,"{1,2}",3,4,5,6,7,8,9,10,11,12}');
SELECT barq_sharded_sql('shard_docs', '[1,2]', :'words', k => 3, text_column => 'body', filter => 'day < $1 OR shard_docs.id = ANY ($2) OR id = $3 OR body = $4', filter_args => ARRAY['2026-02-01', '{1,2}', NULL, E'it''s \\ $1']) AS sql \gset
\echo :sql
CREATE TEMP TABLE shard_found AS :sql;
SELECT bool_and((doc).day < '2026-02-01' OR (doc).id IN (1, 2)), count(*) FROM shard_found;
-- rows without a distance have no rank; bit strings are not cut to one bit
SELECT max(vector_rank), count(*) FILTER (WHERE (doc).id > 300) FROM barq_sharded(NULL::shard_docs, '[1,1]', k => 1000);
SELECT (doc).id, vector_distance FROM barq_sharded(NULL::shard_docs, '1011', vector_column => 'bits', distance => '<~>', filter => 'id <= $1', filter_args => '{20}', k => 2);
-- a table with children is a shard beside them
CREATE TABLE shard_parent (id int, embedding vector(2));
CREATE TABLE shard_child () INHERITS (shard_parent);
INSERT INTO shard_parent VALUES (1, '[1,0]');
INSERT INTO shard_child VALUES (2, '[0,1]');
SELECT (doc).id, vector_rank FROM barq_sharded(NULL::shard_parent, '[1,0]');
-- rows of the same place and shard, as where the shard's own table is partitioned, are told apart
SELECT count(*) FROM (VALUES (ROW(1, 'a'::text)), (ROW(2, 'a'::text))) v(doc) FULL JOIN (VALUES (ROW(1, 'a'::text)), (ROW(3, 'a'::text))) t(doc) ON v.doc *= t.doc AND 1 = 1;
-- a column may be qualified as in any statement
SELECT count(*), bool_and((doc).id < 10) FROM barq_sharded(NULL::shard_docs, '[1,1]', k => 1000,
	filter => $f$public.shard_docs.id < $1 AND "public" . /* . */ shard_docs."body" <> $2 AND shard_docs.parts[1] <> '' AND public.shard_docs.parts[1] <> $2 AND NOT public.shard_docs.* IS NULL
		AND U&"publ\0069c".U&"shard!005fdocs" UESCAPE '!'.id > 0$f$, filter_args => '{10,a.b.c}');
-- groups: the first row of each value, over all shards
SELECT count(*), count(DISTINCT id), array_agg(vector_rank ORDER BY score DESC) FILTER (WHERE body ~ 'quick') AS ranks
FROM (SELECT (doc).*, vector_rank, score FROM barq_sharded(NULL::shard_docs, '[1,1]', k => 10, candidates => 10, group_by => 'body')) g
	JOIN (SELECT DISTINCT ON (body) id AS first, body AS of FROM shard_one WHERE embedding <> '[0,0]' ORDER BY body, embedding <=> '[1,1]') o ON first = id AND of = body;
SELECT count(*), count(DISTINCT (doc).body), bool_and((doc).id = first AND score = best) FROM barq_sharded(NULL::shard_docs, '[1,1]', 'quick vector', text_column => 'body', k => 1000, group_by => 'body') g
	LEFT JOIN (SELECT DISTINCT ON ((doc).body) (doc).id AS first, (doc).body AS of, score AS best
		FROM barq_sharded(NULL::shard_docs, '[1,1]', 'quick vector', text_column => 'body', k => 1000) ORDER BY (doc).body, score DESC) o ON of = (doc).body;
SELECT count(*) FROM barq_sharded(NULL::shard_docs, '[1,1]', k => 1000, group_by => 'day');
SELECT count(*), count((doc).day) FROM barq_sharded(NULL::shard_docs, query => 'no vector', text_column => 'body', filter => 'day IS NULL', group_by => 'day');
SELECT (doc).id FROM barq_sharded(NULL::shard_docs, '[1,1]', filter => 'id < 0', group_by => 'body');
SELECT * FROM barq_sharded(NULL::shard_docs, '[1,1]', group_by => 'nosuch');
-- an error does not print the statement, which has every column for every shard
\set VERBOSITY default
SELECT count(*) FROM barq_sharded(NULL::shard_docs, '[1,1]', filter => '1 / (id - 5) < 7', text_column => 'body');
SELECT count(*) FROM barq_sharded(NULL::shard_docs, '[1,1,1]');
SELECT barq_global_query('shard_docs', 'quick', 'parts');
\set VERBOSITY terse
-- policies of the table would not count for its partitions
ALTER TABLE shard_docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON shard_docs USING (id < 10);
CREATE ROLE regress_barq_sharded;
GRANT SELECT ON shard_docs, shard_docs_0, shard_docs_1 TO regress_barq_sharded;
SET ROLE regress_barq_sharded;
SELECT count(*) FROM barq_sharded(NULL::shard_docs, '[1,1]');
SELECT barq_global_query('shard_docs', 'quick', 'body');
SELECT count(*) FROM barq_sharded(NULL::shard_docs_0, '[1,1]');
RESET ROLE;
REVOKE SELECT ON shard_docs_1 FROM regress_barq_sharded;
ALTER TABLE shard_docs DISABLE ROW LEVEL SECURITY;
SET ROLE regress_barq_sharded;
SELECT count(*) FROM barq_sharded(NULL::shard_docs, '[1,1]');
RESET ROLE;
-- arguments
SELECT barq_sharded_sql('shard_docs', query => :'words');
SELECT barq_sharded_sql('shard_one', '[1]', distance => '<<->>');
SELECT barq_sharded_sql('shard_docs');
SELECT barq_sharded_sql('shard_docs', '[1]');
SELECT barq_sharded_sql('shard_docs', query => :'words', text_column => 'nosuch');
SELECT barq_sharded_sql('shard_docs', query => :'words', text_column => 'body', k => 0);
SELECT f, (SELECT count(*) FROM barq_sharded(NULL::shard_docs, query => 'quick', text_column => 'body', k => 1000, filter => f)) FROM unnest(ARRAY['id < 10', 'id < 10 -- few', '$$)$$ <> body']) f;
SELECT barq_sharded_sql('shard_docs', query => :'words', text_column => 'body', filter => 'id < 10) OR (id < 5');
SELECT barq_sharded_sql('shard_docs', query => :'words', text_column => 'body', filter => 'true); SELECT (1');
SELECT barq_sharded_sql('shard_docs', query => :'words', text_column => 'body', filter => 'true), (1');
SELECT barq_sharded_sql('shard_docs', query => :'words', text_column => 'body', filter => '1) FROM pg_class WHERE (true');
SELECT barq_sharded_sql('shard_docs', query => :'words', text_column => 'body', filter => 'true) ORDER BY (1');
SELECT barq_sharded_sql('shard_docs', query => :'words', text_column => 'body', filter => '');
SELECT * FROM barq_sharded(NULL::int, query => 'quick');
SELECT barq_sharded_sql('shard_docs', '[1,2]', filter => 'id = $1');
SELECT barq_sharded_sql('shard_docs', '[1,2]', filter => 'id = $1', filter_args => '{1,2}');
SELECT barq_sharded_sql('shard_docs', '[1,2]', filter => 'id = $1', filter_args => '{one}');
SELECT barq_sharded_sql('shard_docs', '[1,2]', filter => 'id IN (SELECT 1)');
SELECT barq_sharded_sql('shard_docs', '[1,2]', filter => 'random() < 0.5');
SELECT count(*) FROM barq_sharded(NULL::shard_docs, '[1,2]', boost => 'id');
SELECT count(*) FROM barq_sharded(NULL::shard_docs, '[1,2]', diversity => 0.5);
DROP TABLE shard_found, shard_docs, shard_one, shard_child, shard_parent;
DROP ROLE regress_barq_sharded;
