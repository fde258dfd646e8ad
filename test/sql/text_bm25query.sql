-- The type bm25query: text and binary forms, invalid input.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE SCHEMA "text q";
CREATE TABLE text_bm25query (id int, body text);
CREATE INDEX text_bm25query_body ON text_bm25query (body);
CREATE TABLE "text q"."odd "".: name" (body text);
CREATE INDEX "odd "".: index" ON "text q"."odd "".: name" (body);

-- a name before the first colon is the index; a colon at the start: no index
SELECT form, pg_temp.outcome(format('SELECT %L::bm25query', form)) FROM unnest(ARRAY[
	'two words', '', 'text_bm25query_body:two words', 'TEXT_bm25query_BODY:x', 'public.text_bm25query_body:x', '"text q"."odd "".: index":x:y', 'text_bm25query_body:',
	':a:b', '::a', ':', 'two words: a', '"a phrase": b', '+a:b', 'é:x', 'no_such:x', 'http://example.com', ':http://example.com', '1:x', 'a.b.c.d:x', '"open', 'text_bm25query_body:"open', 'x \', '- x']) form;
-- what people type is words: only the OID of an index is one, and no name begins with a digit
CREATE INDEX text_bm25query_oid ON text_bm25query USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT count(*), count(*) FILTER (WHERE bm25query_send(form::bm25query) <> bm25query_send((':' || form)::bm25query)) AS not_words,
	count(*) FILTER (WHERE form::bm25query::text <> ALL (ARRAY[form, ':' || form])) AS changed,
	count(*) FILTER (WHERE form::bm25query::text::bm25query::text <> form::bm25query::text) AS not_stable
FROM (SELECT p || ':' || rest AS form FROM unnest(ARRAY['12', '0', '1', '4294967295', '4294967296', '18446744073709551616', repeat('9', 300), '007', '3com', '1.5', 'a.5', '$x', '$1', '10.0.0.1', '12:30',
		'text_bm25query'::regclass::oid::text, 'text_bm25query_body'::regclass::oid::text]) p,
	unnest(ARRAY['', '30 x', ' y', ':', '"z"']) rest) f;
SELECT replace((oid || ':a b')::bm25query::text, oid::text, 'number') FROM pg_class WHERE relname = 'text_bm25query_oid';
-- text like a name is a name: an error when it is used, with a hint at the colon; a query of type text has no name
SELECT form, pg_temp.outcome(format('SELECT count(*) FROM text_bm25query WHERE body @@@ %L::bm25query', form)) FROM unnest(ARRAY['error: disk', 'http://x', '"a phrase": b', '12:30 x', '3com: x']) form;
SELECT form, pg_temp.outcome(format('SELECT count(*) FROM text_bm25query WHERE body @@@ %L', form)) FROM unnest(ARRAY['error: disk', 'http://x', '12:30 x', '4294967296:x']) form;
DROP INDEX text_bm25query_oid;

-- the text form reads back as the same value, with and without an index
SELECT count(*), count(*) FILTER (WHERE q::text::bm25query::text <> q::text) AS changed
FROM (SELECT to_bm25query(query, index) AS q FROM unnest(ARRAY['a', '', 'a b', ':', '::', 'a:b', ':a:b', '"a:b"', '"a":b', 'a.b:c', 'é:x', '"a"".b":c', 'a :b', '1:2', '-a:b', 'a\:b']) query,
	unnest(ARRAY[NULL, 'text_bm25query_body', '"text q"."odd "".: index"']::regclass[]) index) q;
SELECT q, pg_column_size(q) FROM (VALUES (to_bm25query('a b')), (to_bm25query('a:b')), (to_bm25query('a:b', 'text_bm25query_body')), (to_bm25query('a', '"text q"."odd "".: index"')), (to_bm25query(NULL)), (to_bm25query(NULL, 'text_bm25query_body'))) v(q);
-- a name is kept as it is written, an OID is shown schema-qualified only where the search path needs it
SET search_path = pg_catalog, "text q";
SELECT public.to_bm25query('a', '"odd "".: index"'), public.to_bm25query('a', 'public.text_bm25query_body');
SELECT public.to_bm25query('a', '"odd "".: index"'::regclass), public.to_bm25query('a', 'public.text_bm25query_body'::regclass);
RESET search_path;

-- malformed queries are repaired
SELECT pg_temp.outcome($$SELECT to_bm25query('a "b')$$);
-- an index is looked up when the query is used, and shown by its name
SELECT name, pg_temp.outcome(format('SELECT to_bm25query(''a'', %L)', name)) FROM unnest(ARRAY['no_such_index', '"No such".index', 'no such index', '', 'a.', '"open', 'a.b.c.d', 'a:b', '12', '4294967296', NULL]) name;
SELECT pg_temp.outcome($$SELECT to_bm25query('a', 'no_such_index'::regclass)$$);
-- function resolution: a literal is a name; oid and regclass values are OIDs
SELECT to_bm25query('a', 12), to_bm25query('a', 12::oid), to_bm25query('a', NULL), to_bm25query('a', index => 'i'), to_bm25query(index => 'i', query => 'a'), to_bm25query('a', syntax => 'plain');
-- syntaxes
SELECT syntax, pg_temp.outcome(format('SELECT to_bm25query(%L, %L, %L)', query, 'i', syntax)) FROM unnest(ARRAY['lenient', 'strict', 'plain', 'Strict', 'other', NULL]) syntax, unnest(ARRAY['a +"b c" d*', 'a - b']) query;

-- binary: the index by its name
CREATE TABLE text_bm25query_kept (q bm25query DEFAULT to_bm25query('a', 'text_bm25query_body'), r bm25query DEFAULT 'b "c d"');
INSERT INTO text_bm25query_kept VALUES (DEFAULT, DEFAULT), (':x:y', NULL), (to_bm25query('дом', '"text q"."odd "".: index"'), ''), (to_bm25query(repeat('word ', 10000)), 'x');
SELECT encode(bm25query_send(q), 'escape') FROM text_bm25query_kept WHERE length(q::text) < 100;
\getenv outdir PG_ABS_BUILDDIR
\set file :outdir '/results/text_bm25query.bin'
\set out '\\copy text_bm25query_kept TO ' :'file' ' WITH (FORMAT binary)'
\set in '\\copy copied FROM ' :'file' ' WITH (FORMAT binary)'
CREATE TEMP TABLE copied (LIKE text_bm25query_kept);
:out
:in
SELECT count(*), count(*) FILTER (WHERE k.q::text = c.q::text AND k.r::text IS NOT DISTINCT FROM c.r::text) FROM text_bm25query_kept k JOIN copied c ON k.q::text = c.q::text;

-- a dropped index is shown as its OID in quotes, which is the name of no index
CREATE TABLE text_bm25query_gone (body text);
CREATE INDEX text_bm25query_gone_body ON text_bm25query_gone (body);
CREATE TEMP TABLE gone AS SELECT to_bm25query('a', 'text_bm25query_gone_body'::regclass) AS q;
DROP TABLE text_bm25query_gone;
SELECT regexp_replace(q::text, '\d+', 'number'), q::text::bm25query::text = q::text, bm25query_send(q::text::bm25query) = bm25query_send(q) FROM gone;

-- an index that does not exist yet stays a name until the query is used
SELECT 'text_bm25query_new:a'::bm25query, '"No Such".x:b:c'::bm25query, bm25query_send('text_bm25query_new:a'::bm25query);

-- a column default depends on an index given as regclass, not on one given by name
ALTER TABLE text_bm25query_kept ADD s bm25query DEFAULT to_bm25query('a', 'text_bm25query_body'::regclass);
SELECT pg_temp.outcome('DROP INDEX text_bm25query_body');
ALTER TABLE text_bm25query_kept DROP s;
DROP INDEX text_bm25query_body;
INSERT INTO text_bm25query_kept DEFAULT VALUES RETURNING q;
DROP TABLE text_bm25query_kept, text_bm25query;
DROP SCHEMA "text q" CASCADE;
