-- Names of fields in strict queries: those of the index, or an error; lenient ones stay words.
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
CREATE TABLE strict_docs (id int, title text, body text, note text);
INSERT INTO strict_docs VALUES (1, 'red fox', 'a blue http://x.org/y', 'n'), (2, 'blue', 'red fox at 12:30', NULL);
CREATE INDEX strict_idx ON strict_docs USING barq_bm25 (title, (body || '') bm25_ops (name = text), note text_filter_ops)
	WITH (text_config = 'simple');

-- fields that there are: marks behind the name have a meaning
SELECT q, (SELECT array_agg(id ORDER BY id) FROM strict_docs WHERE strict_docs @@@ to_bm25query(q, 'strict_idx', 'strict')) AS strict,
	(SELECT array_agg(id ORDER BY id) FROM strict_docs WHERE strict_docs @@@ to_bm25query(q, 'strict_idx')) AS lenient
FROM (VALUES ('title:red'), ('title:"red fox"'), ('text:(red blue)'), ('+title:blue^2 -text:http'), ('red'), ('12:30'), ('http://x.org/y'), ('\body:red')) AS a(q);

-- others are errors, of which the message lists the fields
SELECT id FROM strict_docs WHERE strict_docs @@@ to_bm25query('red body:blue', 'strict_idx', 'strict');
SELECT id FROM strict_docs ORDER BY strict_docs <@> to_bm25query('Title:red', NULL, 'strict') LIMIT 1;
SELECT id FROM strict_docs ORDER BY strict_docs <@> to_bm25query('-(note:red)', 'strict_idx'::regclass, 'strict') LIMIT 1;
SELECT id FROM strict_docs WHERE title @@@ to_bm25query('text:red', 'strict_idx', 'strict');
SELECT count(*) AS rows FROM strict_docs WHERE strict_docs @@@ to_bm25query('red body:blue', 'strict_idx');

-- a stored query and one whose text is read again are strict as well
SELECT to_bm25query('title:red', 'strict_idx', 'strict') AS named, to_bm25query('red', 'strict_idx', 'strict') AS plain;
SELECT id FROM strict_docs WHERE strict_docs @@@ to_bm25query('title:fox', 'strict_idx', 'strict')::text::bm25query;
SELECT id FROM strict_docs WHERE strict_docs @@@ to_bm25query('titel:fox', 'strict_idx', 'strict')::text::bm25query;
SELECT 'strict_idx{syntax=lenient}:red'::bm25query;
PREPARE find(bm25query) AS SELECT id FROM strict_docs WHERE strict_docs @@@ $1;
EXECUTE find(to_bm25query('text:red', 'strict_idx', 'strict'));
EXECUTE find(to_bm25query('texts:red', 'strict_idx', 'strict'));

-- marks without a meaning are errors where the index has one field, which has no name
CREATE TABLE strict_one (id int, body text);
INSERT INTO strict_one VALUES (1, 'a body:red fox');
CREATE INDEX strict_one_idx ON strict_one USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT id FROM strict_one WHERE body @@@ to_bm25query('body:red', 'strict_one_idx', 'strict');
SELECT id FROM strict_one WHERE body @@@ to_bm25query('body:(red fox)', 'strict_one_idx', 'strict');

-- barq_hybrid(): the same errors, of one field too; a cached statement of a lenient query is not a strict one's
CREATE FUNCTION pg_temp.hybrid(q text, syntax text, arguments text DEFAULT '', relation text DEFAULT 'strict_docs') RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
	EXECUTE format('SELECT string_agg((doc).id::text, '' '' ORDER BY (doc).id) FROM barq_hybrid(NULL::%I, query => %L, query_syntax => %L %s)',
		relation, q, syntax, arguments) INTO found;
	RETURN found;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT q, syntax, pg_temp.hybrid(q, syntax) AS all_fields, pg_temp.hybrid(q, syntax, ', text_column => ''title''') AS title,
	pg_temp.hybrid(q, syntax, ', filter => ''id < 2''') AS filtered, pg_temp.hybrid(q, syntax, '', 'strict_one') AS one_field
FROM unnest(ARRAY['fox', '+title:red', 'red body:blue', 'Title:red', '+text:(fox title:red)', '-(note:red) fox', 'titel:"red fox"', '12:30']) WITH ORDINALITY a(q, n),
	unnest(ARRAY['lenient', 'strict', 'plain', 'strict']) WITH ORDINALITY b(syntax, m) ORDER BY n, m;

DROP TABLE strict_docs, strict_one;
