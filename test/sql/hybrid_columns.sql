-- barq_hybrid(): the choice of table, columns, indexes and operators.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

-- The first ids, or the error.
CREATE FUNCTION pg_temp.found(call text, id text DEFAULT 'id') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.outcome(format('SELECT string_agg((doc).%I::text, '' '') FROM barq_hybrid(%s)', id, call))
$$;

CREATE TABLE hybrid_cols (id int PRIMARY KEY, v vector(2), w vector(2), plain vector, body text, title varchar(50), tags text[], h halfvec(2));
INSERT INTO hybrid_cols SELECT i, ARRAY[i, 0]::vector, ARRAY[0, -i]::vector, ARRAY[i, i]::vector, 'body ' || i, 'title ' || i, ARRAY['tag', 'tag' || i], NULL FROM generate_series(1, 9) i;
-- no index
SELECT pg_temp.found($$NULL::hybrid_cols, '[1,1]'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, query => 'body'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[1,1]', vector_column => 'v'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[1,1]', 'body'$$);
-- an index on an expression
CREATE INDEX hybrid_cols_expr ON hybrid_cols USING barq_hnsw ((plain::vector(2)) vector_l2_ops);
SELECT pg_temp.found($$NULL::hybrid_cols, '[1,1]'$$);
DROP INDEX hybrid_cols_expr;

-- found without names; the distance is the index's
CREATE INDEX hybrid_cols_v ON hybrid_cols USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.found($$NULL::hybrid_cols, '[3.1,0]', k => 4$$);
DROP INDEX hybrid_cols_v;
CREATE INDEX hybrid_cols_v ON hybrid_cols USING barq_hnsw (v vector_ip_ops);
SELECT pg_temp.found($$NULL::hybrid_cols, '[3.1,0]', k => 4$$);
-- two columns: named, or an error that lists them
CREATE INDEX hybrid_cols_w ON hybrid_cols USING barq_hnsw (w vector_l2_ops);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'w'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'v'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'plain'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'nope'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'w', text_column => 'nope'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'w', text_column => 'a, b'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'ctid'$$);
-- several indexes of a column: of one distance, one with a predicate, of two distances
CREATE INDEX hybrid_cols_w2 ON hybrid_cols USING barq_hnsw (w vector_l2_ops) WITH (m = 8);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'w'$$);
DROP INDEX hybrid_cols_w2;
CREATE INDEX hybrid_cols_w2 ON hybrid_cols USING barq_hnsw (w vector_ip_ops) WHERE id > 3;
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'w'$$);
DROP INDEX hybrid_cols_w2;
CREATE INDEX hybrid_cols_w2 ON hybrid_cols USING barq_hnsw (w vector_ip_ops);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'w'$$);
DROP INDEX hybrid_cols_w, hybrid_cols_w2;
-- a partial index alone gives the distance; rows outside it are ranked, too
CREATE INDEX hybrid_cols_w ON hybrid_cols USING barq_hnsw (w vector_l2_ops) WHERE id > 3;
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'w'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[0,-2.1]', k => 4, vector_column => 'w', filter => 'id > 3'$$);

-- text: varchar, arrays, several columns, several indexes
CREATE INDEX hybrid_cols_title ON hybrid_cols USING barq_bm25 (title) WITH (text_config = 'simple');
SELECT pg_temp.found($$NULL::hybrid_cols, query => '5 7'$$);
CREATE INDEX hybrid_cols_tags ON hybrid_cols USING barq_bm25 (tags) WITH (text_config = 'simple');
SELECT pg_temp.found($$NULL::hybrid_cols, query => 'tag5'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, query => 'tag5', text_column => 'tags'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, query => '5', text_column => 'body'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, query => '5', text_column => 'id'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[4,0]', 'tag5', k => 3, vector_column => 'v', text_column => 'tags'$$);
CREATE INDEX hybrid_cols_title2 ON hybrid_cols USING barq_bm25 (title) WITH (text_config = 'english');
SELECT pg_temp.found($$NULL::hybrid_cols, query => '5', text_column => 'title'$$);
DROP INDEX hybrid_cols_title2;
CREATE INDEX hybrid_cols_title2 ON hybrid_cols USING barq_bm25 (title) WITH (text_config = 'english') WHERE id > 4;
SELECT pg_temp.found($$NULL::hybrid_cols, query => '2 5', text_column => 'title'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, query => '2 5', text_column => 'title', filter => 'id > 4'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, query => '5', text_column => 'title || body'$$);
-- an index of several fields: by all of them, or by the one that is asked for
CREATE TABLE hybrid_fields (id int PRIMARY KEY, title text, body text);
INSERT INTO hybrid_fields SELECT i, 'title' || i, 'word' || i FROM generate_series(1, 9) i;
CREATE INDEX hybrid_fields_idx ON hybrid_fields USING barq_bm25 (title, body) WITH (text_config = 'simple');
SELECT c, pg_temp.found($$NULL::hybrid_fields, query => 'title7 word3'$$ || c) FROM unnest(ARRAY['', $$, text_column => 'title'$$, $$, text_index => 'hybrid_fields_idx'$$, $$, text_column => 'body'$$]) c;
DROP INDEX hybrid_fields_idx;
CREATE INDEX hybrid_fields_idx ON hybrid_fields USING barq_bm25 ((title || ''), body) WITH (text_config = 'simple');
SELECT c, pg_temp.found($$NULL::hybrid_fields, query => 'title7 word3'$$ || c) FROM unnest(ARRAY['', $$, text_index => 'hybrid_fields_idx'$$]) c;
DROP INDEX hybrid_fields_idx;
CREATE INDEX hybrid_fields_idx ON hybrid_fields USING barq_bm25 (title, body text_filter_ops) WITH (text_config = 'simple');
SELECT pg_temp.found($$NULL::hybrid_fields, query => 'title7 word3'$$);
DROP TABLE hybrid_fields;

-- a change of the table is seen at once: columns renamed, dropped, indexes gone
SELECT pg_temp.found($$NULL::hybrid_cols, '[3.1,0]', k => 2, vector_column => 'v'$$);
ALTER TABLE hybrid_cols RENAME v TO vv;
SELECT pg_temp.found($$NULL::hybrid_cols, '[3.1,0]', k => 2, vector_column => 'v'$$);
SELECT pg_temp.found($$NULL::hybrid_cols, '[3.1,0]', k => 2, vector_column => 'vv'$$);
ALTER TABLE hybrid_cols RENAME TO hybrid_named;
SELECT pg_temp.found($$NULL::hybrid_named, '[3.1,0]', k => 2, vector_column => 'vv'$$);
ALTER TABLE hybrid_named DROP COLUMN plain;
SELECT pg_temp.found($$NULL::hybrid_named, '[3.1,0]', k => 2, vector_column => 'vv'$$);
DROP INDEX hybrid_cols_v;
SELECT pg_temp.found($$NULL::hybrid_named, '[3.1,0]', k => 2, vector_column => 'vv'$$);
DROP TABLE hybrid_named;

-- overloads: the embedding as text, vector, halfvec; converted if possible
CREATE TABLE hybrid_types (id int, v vector(2));
INSERT INTO hybrid_types SELECT i, ARRAY[i, 0]::vector FROM generate_series(1, 9) i;
CREATE INDEX ON hybrid_types USING barq_hnsw (v vector_l2_ops);
SELECT c, pg_temp.found('NULL::hybrid_types, ' || c || ', k => 2') FROM unnest(ARRAY[$$'[7,0]'$$, $$'[7,0]'::text$$, $$'[7,0]'::varchar$$, $$'[7,0]'::vector$$, $$'[7,0]'::halfvec$$, $$'[7,0]'::vector(2)$$, 'NULL::vector', 'NULL',
	$$'[7]'$$, $$'[7]'::vector$$, $$'[7,0,0]'::halfvec$$, $$'[7,x]'$$, $$'{1:7}/2'::sparsevec$$, $$'{1:7}/2'$$]) c;
PREPARE typed(vector) AS SELECT (doc).id FROM barq_hybrid(NULL::hybrid_types, $1, k => 2);
EXECUTE typed('[4,0]');
PREPARE untyped AS SELECT (doc).id FROM barq_hybrid(NULL::hybrid_types, $1, k => 2);
EXECUTE untyped('[5,0]');
DEALLOCATE typed;
DEALLOCATE untyped;
DROP TABLE hybrid_types;

-- a domain over text
CREATE DOMAIN hybrid_words AS text CHECK (VALUE <> '');
CREATE TABLE hybrid_domain (id int, body hybrid_words);
INSERT INTO hybrid_domain SELECT i, 'word' || i FROM generate_series(1, 9) i;
CREATE INDEX hybrid_domain_idx ON hybrid_domain USING barq_bm25 (body) WITH (text_config = 'simple');
SELECT pg_temp.found($$NULL::hybrid_domain, query => 'word7 word3'$$);
DROP TABLE hybrid_domain;
DROP DOMAIN hybrid_words;

-- relations that are no tables
CREATE TABLE hybrid_base (id int PRIMARY KEY, v vector(2), body text);
INSERT INTO hybrid_base SELECT i, ARRAY[i, 0]::vector, 'word' || i FROM generate_series(1, 9) i;
CREATE INDEX ON hybrid_base USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_base USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE VIEW hybrid_view AS SELECT * FROM hybrid_base;
CREATE TYPE hybrid_type AS (id int, v vector(2));
CREATE DOMAIN hybrid_dom AS hybrid_base;
SELECT t, pg_temp.outcome(format($$SELECT count(*) FROM barq_hybrid(%s, '[7,0]')$$, t))
FROM unnest(ARRAY['NULL::hybrid_view', 'NULL::hybrid_type', 'NULL::hybrid_dom', 'NULL::int', 'NULL', 'NULL::record', 'NULL::hybrid_base[]', $$row(1, '[1,2]'::vector)$$]) t;
-- any row of the table's type is accepted
SELECT (doc).id FROM barq_hybrid(row(1, '[1,2]', 'x')::hybrid_base, '[7,0]', k => 1);
SELECT count(*), min((h.doc).id) FROM hybrid_base b, barq_hybrid(b, b.v, k => 1) h;
-- a materialized view, temporary and unlogged tables
CREATE MATERIALIZED VIEW hybrid_matview AS SELECT * FROM hybrid_base;
CREATE INDEX ON hybrid_matview USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.found($$NULL::hybrid_matview, '[7,0]', k => 3$$);
CREATE TEMP TABLE hybrid_temp AS SELECT * FROM hybrid_base;
CREATE INDEX ON hybrid_temp USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.found($$NULL::hybrid_temp, '[7,0]', k => 3$$);
CREATE UNLOGGED TABLE hybrid_unlogged AS SELECT * FROM hybrid_base;
CREATE INDEX ON hybrid_unlogged USING barq_hnsw (v vector_l2_ops);
SELECT pg_temp.found($$NULL::hybrid_unlogged, '[7,0]', k => 3$$);
DROP TABLE hybrid_unlogged, hybrid_temp;
DROP DOMAIN hybrid_dom;
DROP TABLE hybrid_base CASCADE;
DROP TYPE hybrid_type;

-- names that need quotes, also of the schema, and columns named like their table or like result columns
CREATE SCHEMA "My ""schema""";
CREATE TABLE "My ""schema"""."Täble; --" ("Sp'alte" int PRIMARY KEY, "vek""tor ☃" vector(2), "SELECT" text, "Täble; --" text, t0 int, t1 int);
INSERT INTO "My ""schema"""."Täble; --" SELECT i, ARRAY[i, 0]::vector, 'wörter ' || i, 'x', i, i FROM generate_series(1, 9) i;
CREATE INDEX "i ""1""" ON "My ""schema"""."Täble; --" USING barq_hnsw ("vek""tor ☃" vector_l2_ops);
CREATE INDEX "i '2'" ON "My ""schema"""."Täble; --" USING barq_bm25 ("SELECT") WITH (text_config = 'simple');
SELECT (doc)."Sp'alte", (doc).t0, (doc).t1, (doc)."Täble; --", score, vector_rank, text_rank
FROM barq_hybrid(NULL::"My ""schema"""."Täble; --", '[4,0]', 'wörter 5', k => 3, filter => $$"Täble; --"."Sp'alte" <> 4 AND "Täble; --"."Täble; --" = 'x'$$);
SELECT pg_temp.found($$NULL::"My ""schema"""."Täble; --", '[4,0]', k => 3, vector_column => 'vek"tor ☃'$$, 'Sp''alte');
SELECT pg_temp.found($$NULL::"My ""schema"""."Täble; --", '[4,0]', k => 3, vector_column => '"vek""tor ☃"'$$, 'Sp''alte');
DROP SCHEMA "My ""schema""" CASCADE;
