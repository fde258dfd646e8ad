-- barq_recall(): the share of the true neighbours that an index finds
SET client_min_messages = warning;
CREATE TABLE recall (id int, part int, v vector(6));
SELECT setseed(0.4);
INSERT INTO recall SELECT i, i % 3, ARRAY(SELECT random() + 0 * i FROM generate_series(1, 6)) FROM generate_series(1, 900) i;
CREATE INDEX recall_v ON recall USING barq_hnsw (v vector_l2_ops) WITH (quantization = 'none');

-- a scan that ends after six rows finds the row itself and five of its ten neighbours
SET barq.iterative_scan = off;
SET barq.ef_search = 6;
SELECT barq_recall('recall_v', k => 10), barq_recall('recall_v', k => 5), barq_recall('recall_v', k => 20, samples => 7);
RESET barq.iterative_scan;
RESET barq.ef_search;

-- a small segment is scanned, the other rows are in the log: every row is found
SELECT barq_recall('recall_v');
INSERT INTO recall SELECT i, i % 3, ARRAY(SELECT random() + 0 * i FROM generate_series(1, 6)) FROM generate_series(901, 1000) i;
DELETE FROM recall WHERE id % 10 = 0;
SELECT barq_recall('recall_v', 20, 50);

-- expressions, predicates, NULLs and zero vectors, equal rows
CREATE FUNCTION halves(vector) RETURNS vector(3) LANGUAGE sql IMMUTABLE RETURN subvector($1, 1, 3)::vector(3);
CREATE INDEX recall_half ON recall USING barq_hnsw ((halves(v)::vector(3)) vector_cosine_ops) WHERE part = 1;
INSERT INTO recall VALUES (2000, 1, NULL), (2001, 1, '[0,0,0,0,0,0]'), (2002, 1, '[0,0,0,1,0,0]');
INSERT INTO recall SELECT 3000 + i, 1, '[1,2,3,4,5,6]' FROM generate_series(1, 30) i;
SELECT barq_recall('recall_half', 10, 1000), barq_recall('recall_v', 10, 2000);

-- fewer rows than k; no row besides the sampled one
CREATE TABLE recall_few (v vector(2));
CREATE INDEX recall_few_v ON recall_few USING barq_hnsw (v vector_ip_ops);
SELECT barq_recall('recall_few_v');
INSERT INTO recall_few VALUES ('[1,2]');
SELECT barq_recall('recall_few_v');
INSERT INTO recall_few VALUES ('[2,2]'), ('[3,2]');
SELECT barq_recall('recall_few_v');

-- bad input
\set VERBOSITY sqlstate
SELECT barq_recall('recall_v', 0);
SELECT barq_recall('recall_v', 1001);
SELECT barq_recall('recall_v', 10, 0);
SELECT barq_recall('recall_v', 10, 10001);
SELECT barq_recall('recall');
SELECT barq_recall('pg_class_oid_index');
SELECT barq_recall(0);
\set VERBOSITY default
SELECT barq_recall('recall_v', -1);
CREATE TABLE recall_text (t text);
CREATE INDEX recall_text_t ON recall_text USING barq_bm25 (t) WITH (text_config = 'simple');
SELECT barq_recall('recall_text_t');

-- rights: SELECT on the table; the index's functions run with its owner's
CREATE ROLE recall_owner;
CREATE ROLE recall_reader;
CREATE ROLE recall_stranger;
GRANT recall_owner TO CURRENT_USER;
GRANT CREATE ON SCHEMA public TO recall_owner;
SET ROLE recall_owner;
CREATE TABLE recall_owned (v vector(2));
CREATE FUNCTION whose(vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN IF current_user <> 'recall_owner' THEN RAISE 'run by %', current_user; END IF; RETURN $1; END $$;
INSERT INTO recall_owned VALUES ('[1,2]'), ('[2,2]'), ('[3,2]');
CREATE INDEX recall_owned_v ON recall_owned USING barq_hnsw ((whose(v)::vector(2)) vector_l2_ops);
GRANT SELECT ON recall_owned TO recall_reader;
RESET ROLE;
SELECT barq_recall('recall_owned_v'), (SELECT count(*) FROM barq_check('recall_owned_v')) AS complaints;
SET ROLE recall_reader;
SELECT barq_recall('recall_owned_v'), (SELECT count(*) FROM barq_check('recall_owned_v')) AS complaints, current_user;
SET ROLE recall_stranger;
SELECT barq_recall('recall_owned_v');
RESET ROLE;
DROP TABLE recall, recall_few, recall_text, recall_owned;
DROP FUNCTION halves, whose;
REVOKE CREATE ON SCHEMA public FROM recall_owner;
DROP ROLE recall_owner, recall_reader, recall_stranger;
