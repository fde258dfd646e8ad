-- The text search configuration of an index: it cannot be dropped, is followed when
-- renamed, reported when altered, and the same for all partitions.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

CREATE SCHEMA text_config_a;
CREATE SCHEMA "Text Config B";
CREATE TEXT SEARCH CONFIGURATION text_config_a.one (COPY = english);
CREATE TEXT SEARCH CONFIGURATION text_config_a."Two ""x""" (COPY = simple);
CREATE TABLE text_config (id int, body text);
INSERT INTO text_config VALUES (1, 'running shoes'), (2, 'run fast'), (3, 'the runner');
CREATE INDEX text_config_idx ON text_config USING barq_bm25 (body) WITH (text_config = 'text_config_a.one');

-- the index by the catalog, and the rows it finds; each case below ends with this
CREATE FUNCTION pg_temp.state() RETURNS TABLE (named text, depends_on text, options text, pending text, finds int[], complaints bigint) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
	idx regclass := to_regclass('text_config_idx');
BEGIN
	named := (SELECT option_value FROM pg_class, pg_options_to_table(reloptions) WHERE oid = idx AND option_name = 'text_config');
	depends_on := (SELECT string_agg(refobjid::regconfig::text, ', ' ORDER BY refobjid) FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = idx AND refclassid = 'pg_ts_config'::regclass);
	SELECT substring(i.options, 'text_config=(.*), tokenizer'), i.pending INTO state.options, state.pending FROM barq_indexes() i WHERE i.index = idx;
	finds := (SELECT array_agg(id ORDER BY id) FROM text_config WHERE body @@@ 'run');
	complaints := (SELECT count(*) FROM barq_check(idx));
	RETURN NEXT;
END $$;
SELECT * FROM pg_temp.state();

-- DROP is refused, also of objects that the configuration needs
DROP TEXT SEARCH CONFIGURATION text_config_a.one;
DROP SCHEMA text_config_a;
-- renamed, moved, schema renamed: the index follows, and inserts work
ALTER TEXT SEARCH CONFIGURATION text_config_a.one RENAME TO "First, or 'one'";
INSERT INTO text_config VALUES (4, 'runs');
SELECT * FROM pg_temp.state();
ALTER TEXT SEARCH CONFIGURATION text_config_a."First, or 'one'" SET SCHEMA "Text Config B";
INSERT INTO text_config VALUES (5, 'and runs');
SELECT * FROM pg_temp.state();
ALTER SCHEMA "Text Config B" RENAME TO text_config_b;
INSERT INTO text_config VALUES (6, 'it runs');
SELECT * FROM pg_temp.state();
-- also if another configuration takes the old name
CREATE TEXT SEARCH CONFIGURATION text_config_b.two (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION text_config_b."First, or 'one'" RENAME TO one;
ALTER TEXT SEARCH CONFIGURATION text_config_b.one RENAME TO three;
ALTER TEXT SEARCH CONFIGURATION text_config_b.two RENAME TO one;
SELECT * FROM pg_temp.state();
-- rebuilding the index gives the same index
REINDEX INDEX text_config_idx;
SELECT * FROM pg_temp.state();
REINDEX INDEX CONCURRENTLY text_config_idx;
SELECT * FROM pg_temp.state();
VACUUM FULL text_config;
SELECT * FROM pg_temp.state();
-- a rename that is rolled back
BEGIN;
ALTER TEXT SEARCH CONFIGURATION text_config_b.three RENAME TO four;
SELECT * FROM pg_temp.state();
ROLLBACK;
SELECT * FROM pg_temp.state();

-- another configuration before REINDEX: neither can be dropped, both are followed
SET client_min_messages = warning;
ALTER INDEX text_config_idx SET (text_config = 'text_config_b.one');
SELECT * FROM pg_temp.state();
DROP TEXT SEARCH CONFIGURATION text_config_b.one;
DROP TEXT SEARCH CONFIGURATION text_config_b.three;
ALTER TEXT SEARCH CONFIGURATION text_config_b.three RENAME TO built;
ALTER TEXT SEARCH CONFIGURATION text_config_b.one RENAME TO wanted;
SELECT * FROM pg_temp.state();
ALTER SCHEMA text_config_b RENAME TO text_config_c;
SELECT * FROM pg_temp.state();
-- a third one, built into PostgreSQL and never dropped; and back
ALTER INDEX text_config_idx SET (text_config = 'text_config_a."Two ""x"""');
SELECT * FROM pg_temp.state();
ALTER INDEX text_config_idx SET (text_config = simple);
ALTER TEXT SEARCH CONFIGURATION text_config_c.wanted RENAME TO one;
SELECT * FROM pg_temp.state();
ALTER INDEX text_config_idx SET (text_config = 'text_config_c.built');
SELECT * FROM pg_temp.state();
-- after a rebuild, in any way, only the new one remains
ALTER INDEX text_config_idx SET (text_config = 'text_config_c.one');
REINDEX INDEX text_config_idx;
SELECT * FROM pg_temp.state();
ALTER INDEX text_config_idx SET (text_config = 'text_config_c.built');
REINDEX INDEX CONCURRENTLY text_config_idx;
SELECT * FROM pg_temp.state();
ALTER INDEX text_config_idx SET (text_config = 'text_config_c.one');
BEGIN;
TRUNCATE text_config;
SELECT * FROM pg_temp.state();
ROLLBACK;
SELECT * FROM pg_temp.state();
VACUUM FULL text_config;
SELECT * FROM pg_temp.state();
ALTER INDEX text_config_idx SET (text_config = simple);
REINDEX INDEX text_config_idx;
SELECT * FROM pg_temp.state();
ALTER INDEX text_config_idx SET (text_config = 'text_config_c.built');
SELECT * FROM pg_temp.state();
ALTER TEXT SEARCH CONFIGURATION text_config_c.built RENAME TO one_more;
SELECT * FROM pg_temp.state();
REINDEX INDEX text_config_idx;
-- a new column type keeps the pages of the index, and its configuration
ALTER TABLE text_config ALTER body TYPE varchar(100);
SELECT * FROM pg_temp.state();
ALTER INDEX text_config_idx SET (text_config = 'text_config_c.one');
ALTER TABLE text_config ALTER body TYPE varchar(200);
SELECT * FROM pg_temp.state();
ALTER INDEX text_config_idx SET (text_config = 'text_config_c.one_more');
ALTER TABLE text_config ALTER body TYPE varchar;
SELECT * FROM pg_temp.state();

-- alterations are reported: mappings, options of a dictionary, also of one behind a thesaurus; but not a rename
ALTER TEXT SEARCH CONFIGURATION text_config_c.one_more ALTER MAPPING FOR asciiword WITH simple;
SELECT * FROM barq_check('text_config_idx');
REINDEX INDEX text_config_idx;
CREATE TEXT SEARCH DICTIONARY text_config_dict (TEMPLATE = simple, ACCEPT = true);
ALTER TEXT SEARCH CONFIGURATION text_config_c.one_more ALTER MAPPING FOR asciiword WITH text_config_dict, english_stem;
REINDEX INDEX text_config_idx;
ALTER TEXT SEARCH DICTIONARY text_config_dict RENAME TO text_config_dictionary;
SELECT * FROM barq_check('text_config_idx');
ALTER TEXT SEARCH DICTIONARY text_config_dictionary (ACCEPT = false);
SELECT * FROM barq_check('text_config_idx');
ALTER TEXT SEARCH DICTIONARY text_config_dictionary (ACCEPT = true);
SELECT * FROM barq_check('text_config_idx');
CREATE TEXT SEARCH DICTIONARY text_config_thesaurus (TEMPLATE = thesaurus, DICTFILE = thesaurus_sample, DICTIONARY = public.text_config_dictionary);
ALTER TEXT SEARCH CONFIGURATION text_config_c.one_more ALTER MAPPING FOR asciiword WITH text_config_thesaurus, english_stem;
REINDEX INDEX text_config_idx;
SELECT * FROM barq_check('text_config_idx');
ALTER TEXT SEARCH DICTIONARY text_config_dictionary (ACCEPT = false);
SELECT severity FROM barq_check('text_config_idx');
ALTER TEXT SEARCH DICTIONARY text_config_dictionary (ACCEPT = true);
SELECT severity FROM barq_check('text_config_idx');
ALTER TEXT SEARCH CONFIGURATION text_config_c.one_more DROP MAPPING FOR email;
SELECT * FROM barq_check('text_config_idx');
REINDEX INDEX text_config_idx;
SELECT * FROM barq_check('text_config_idx');

-- an index without its dependency, as after a restore of the catalog by other means
DELETE FROM pg_depend WHERE objid = 'text_config_idx'::regclass AND refclassid = 'pg_ts_config'::regclass;
\c
\set ECHO none
\i :helpers
\set ECHO all
SET enable_seqscan = off;
SELECT array_agg(id ORDER BY id) FROM text_config WHERE body @@@ 'running';
SELECT * FROM barq_check('text_config_idx');
DROP TEXT SEARCH CONFIGURATION text_config_c.one_more;
SELECT pg_temp.outcome('INSERT INTO text_config VALUES (7, ''x'')');
SELECT pg_temp.outcome('SELECT id FROM text_config WHERE body @@@ ''run''');
SELECT * FROM barq_check('text_config_idx');
SELECT options, pending FROM barq_indexes() WHERE index = 'text_config_idx'::regclass;
ALTER INDEX text_config_idx SET (text_config = 'text_config_c.one');
REINDEX INDEX text_config_idx;
SELECT array_agg(id ORDER BY id) FROM text_config WHERE body @@@ 'running';
SELECT * FROM barq_check('text_config_idx');
-- a temporary configuration is refused: the index would be dropped at the end of the session
CREATE TEXT SEARCH CONFIGURATION pg_temp.passing (COPY = simple);
SELECT pg_temp.outcome('CREATE INDEX ON text_config USING barq_bm25 (body) WITH (text_config = ''pg_temp.passing'')');
SELECT pg_temp.outcome('ALTER INDEX text_config_idx SET (text_config = ''pg_temp.passing'')');
CREATE TEMP TABLE text_config_passing (body text);
CREATE INDEX ON text_config_passing USING barq_bm25 (body) WITH (text_config = 'pg_temp.passing');
-- CASCADE drops the index
DROP TEXT SEARCH CONFIGURATION text_config_c.one CASCADE;
SELECT to_regclass('text_config_idx');
DROP TABLE text_config;

-- partitions: all ways to get a partition's index that differs, for each option
CREATE TEXT SEARCH CONFIGURATION text_config_c.part (COPY = english);
CREATE FUNCTION pg_temp.partition_cell(way text, with_options text) RETURNS TABLE (by_index text, ranked text, by_scan text, complaints text) LANGUAGE plpgsql AS $$
BEGIN
	CREATE TABLE text_parts (id int, body text) PARTITION BY LIST (id);
	CREATE TABLE text_parts_1 PARTITION OF text_parts FOR VALUES IN (1, 2, 3);
	CREATE TABLE text_parts_2 (id int, body text);
	INSERT INTO text_parts_1 VALUES (1, 'running shoes'), (2, 'run fast'), (3, 'the running');
	INSERT INTO text_parts_2 VALUES (4, 'running shoes'), (5, 'run fast'), (6, 'the running');
	IF way = 'adopted by CREATE INDEX' THEN
		ALTER TABLE text_parts ATTACH PARTITION text_parts_2 FOR VALUES IN (4, 5, 6);
	END IF;
	IF way <> 'altered' THEN
		EXECUTE format('CREATE INDEX text_parts_2_x ON text_parts_2 USING barq_bm25 (body) WITH (%s)', with_options);
	END IF;
	IF way = 'attached index' THEN
		ALTER TABLE text_parts ATTACH PARTITION text_parts_2 FOR VALUES IN (4, 5, 6);
		CREATE INDEX text_parts_idx ON ONLY text_parts USING barq_bm25 (body) WITH (text_config = 'text_config_c.part');
		CREATE INDEX text_parts_1_x ON text_parts_1 USING barq_bm25 (body) WITH (text_config = 'text_config_c.part');
		ALTER INDEX text_parts_idx ATTACH PARTITION text_parts_1_x;
		ALTER INDEX text_parts_idx ATTACH PARTITION text_parts_2_x;
	ELSE
		CREATE INDEX text_parts_idx ON text_parts USING barq_bm25 (body) WITH (text_config = 'text_config_c.part');
	END IF;
	IF way IN ('attached table', 'altered') THEN
		ALTER TABLE text_parts ATTACH PARTITION text_parts_2 FOR VALUES IN (4, 5, 6);
	END IF;
	IF way = 'altered' THEN
		ALTER INDEX text_parts_2_body_idx RENAME TO text_parts_2_x;
		EXECUTE format('ALTER INDEX text_parts_2_x SET (%s)', with_options);
		REINDEX INDEX text_parts_2_x;
	END IF;
	SET LOCAL enable_seqscan = off;
	by_index := pg_temp.outcome('SELECT array_agg(id ORDER BY id) FROM text_parts WHERE body @@@ ''running''');
	ranked := pg_temp.outcome('SELECT array_agg(id) FROM (SELECT id FROM text_parts ORDER BY body <@> ''running'' LIMIT 10) s');
	SET LOCAL enable_seqscan = on;
	SET LOCAL enable_indexscan = off;
	SET LOCAL enable_bitmapscan = off;
	by_scan := pg_temp.outcome('SELECT array_agg(id ORDER BY id) FROM text_parts WHERE body @@@ ''running''');
	SET LOCAL enable_indexscan = on;
	SET LOCAL enable_bitmapscan = on;
	complaints := (SELECT string_agg(severity || ': ' || message, '; ') FROM barq_check('text_parts_2_x'));
	DROP TABLE text_parts;
	RETURN NEXT;
END $$;
SET client_min_messages = warning;
CREATE TEMP TABLE cell AS SELECT way, o, c.* FROM unnest(ARRAY['adopted by CREATE INDEX', 'attached table', 'attached index', 'altered']) way,
	unnest(ARRAY['text_config = simple', 'text_config = ''text_config_c.part'', tokenizer = ngram', 'text_config = ''text_config_c.part'', k1 = 2', 'text_config = ''text_config_c.part'', b = 0', 'text_config = ''text_config_c.part'', positions = off', 'text_config = ''text_config_c.part''']) o,
	LATERAL pg_temp.partition_cell(way, o) c;
SELECT o, by_index, complaints, count(*), bool_and(ranked ~ '^55000' = (by_index ~ '^55000') AND by_scan = by_index) AS by_every_plan FROM cell GROUP BY o, by_index, complaints ORDER BY o COLLATE "C";
SELECT DISTINCT ranked FROM cell WHERE o ~ 'k1';

-- the index of the partitioned table follows and has a dependency, too
CREATE TABLE text_parts (id int, body text) PARTITION BY LIST (id);
CREATE TABLE text_parts_1 PARTITION OF text_parts FOR VALUES IN (1) PARTITION BY LIST (id);
CREATE INDEX text_parts_idx ON text_parts USING barq_bm25 (body) WITH (text_config = 'text_config_c.part');
DROP TEXT SEARCH CONFIGURATION text_config_c.part;
ALTER TEXT SEARCH CONFIGURATION text_config_c.part RENAME TO whole;
CREATE TABLE text_parts_2 PARTITION OF text_parts FOR VALUES IN (2);
CREATE TABLE text_parts_11 PARTITION OF text_parts_1 FOR VALUES IN (1);
INSERT INTO text_parts VALUES (1, 'running'), (2, 'runs');
SELECT id FROM text_parts WHERE body @@@ 'run' ORDER BY id;
SELECT c.oid::regclass AS index, reloptions, (SELECT count(*) FROM pg_depend WHERE objid = c.oid AND refclassid = 'pg_ts_config'::regclass) AS dependencies FROM pg_class c WHERE relname ~ '^text_parts.*idx' ORDER BY 1;
ALTER TABLE text_parts DETACH PARTITION text_parts_2;
SELECT id FROM text_parts_2 WHERE body @@@ 'run';
DROP TABLE text_parts, text_parts_2;
-- CASCADE drops whole trees of indexes; the index of a partition alone cannot be dropped
CREATE TEXT SEARCH CONFIGURATION text_config_c.tree (COPY = english);
CREATE TEXT SEARCH CONFIGURATION text_config_c.leaf (COPY = english);
CREATE TABLE text_parts (id int, body text) PARTITION BY LIST (id);
CREATE TABLE text_parts_1 PARTITION OF text_parts FOR VALUES IN (1);
CREATE TABLE text_parts_2 PARTITION OF text_parts FOR VALUES IN (2) PARTITION BY LIST (id);
CREATE TABLE text_parts_21 PARTITION OF text_parts_2 FOR VALUES IN (2);
CREATE INDEX text_parts_1_leaf ON text_parts_1 USING barq_bm25 (body) WITH (text_config = 'text_config_c.leaf');
CREATE INDEX text_parts_idx ON text_parts USING barq_bm25 (body) WITH (text_config = 'text_config_c.tree');
DROP TEXT SEARCH CONFIGURATION text_config_c.leaf CASCADE;
DROP TEXT SEARCH CONFIGURATION text_config_c.tree CASCADE;
SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 'text_parts%';
DROP TABLE text_parts;
DROP SCHEMA text_config_a, text_config_c CASCADE;
DROP TEXT SEARCH DICTIONARY text_config_thesaurus, text_config_dictionary;
