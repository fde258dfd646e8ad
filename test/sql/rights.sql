-- What each function and operator tells to whom: functions × roles, against the
-- table of docs/rights.md. A function of the extension that stands in no row
-- of it fails the test.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE ROLE regress_rights_owner;
CREATE ROLE regress_rights_select;
CREATE ROLE regress_rights_column;
CREATE ROLE regress_rights_other;
CREATE ROLE regress_rights_view;
CREATE ROLE regress_rights_tenant;
CREATE ROLE regress_rights_monitor IN ROLE pg_monitor;
CREATE ROLE regress_rights_none;
CREATE ROLE regress_rights_maintain;
CREATE SCHEMA rights;
GRANT ALL ON SCHEMA rights TO PUBLIC;
SET ROLE regress_rights_owner;
CREATE TABLE rights.items (id int PRIMARY KEY, tenant text, body text, v vector(2));
INSERT INTO rights.items SELECT i, CASE WHEN i % 3 = 0 THEN 'regress_rights_tenant' ELSE 'other' END, 'word w' || i % 5 || CASE WHEN i % 3 = 1 THEN ' secret' ELSE '' END, ARRAY[i, 1]::vector FROM generate_series(1, 300) i;
CREATE INDEX items_v ON rights.items USING barq_hnsw (v vector_l2_ops);
CREATE INDEX items_body ON rights.items USING barq_bm25 (body) WITH (text_config = 'simple');
-- the same under row security
CREATE TABLE rights.guarded AS SELECT * FROM rights.items;
CREATE INDEX guarded_v ON rights.guarded USING barq_hnsw (v vector_l2_ops);
CREATE INDEX guarded_body ON rights.guarded USING barq_bm25 (body) WITH (text_config = 'simple');
ALTER TABLE rights.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON rights.guarded FOR SELECT USING (tenant = current_user);
-- and in partitions
CREATE TABLE rights.parted (id int, body text) PARTITION BY RANGE (id);
CREATE TABLE rights.parted_1 PARTITION OF rights.parted FOR VALUES FROM (0) TO (100);
INSERT INTO rights.parted SELECT i, 'word' FROM generate_series(1, 50) i;
CREATE INDEX parted_body ON rights.parted USING barq_bm25 (body) WITH (text_config = 'simple');
-- counted by barq_stats()
INSERT INTO rights.items VALUES (301, 'other', 'word', '[301,1]');
INSERT INTO rights.guarded VALUES (301, 'other', 'word', '[301,1]');
CREATE VIEW rights.items_view AS SELECT * FROM rights.items;
GRANT SELECT ON rights.items, rights.parted TO regress_rights_select;
GRANT SELECT (id, body, v) ON rights.items TO regress_rights_column;
GRANT SELECT (id, body) ON rights.parted TO regress_rights_column;
GRANT SELECT (id) ON rights.items, rights.parted TO regress_rights_other;
GRANT SELECT ON rights.items_view TO regress_rights_view;
GRANT SELECT ON rights.guarded TO regress_rights_tenant;
RESET ROLE;

-- Which rule a function follows (docs/rights.md).
CREATE TEMP TABLE rule (function text, rule text);
INSERT INTO rule VALUES
	('barq_segments(regclass)', 'see'), ('barq_check(regclass,boolean)', 'see'), ('barq_advise(regclass)', 'see'), ('barq_index_status(oid)', 'list'), ('barq_indexes()', 'list'), ('barq_stats()', 'list'), ('barq_memory()', 'list'), ('barq_index_memory(oid)', 'list'), ('barq_progress()', 'activity'),
	('barq_recall(regclass,integer,integer)', 'content'), ('barq_recall_curve(regclass,integer,integer)', 'content'),
	('barq_calibrate(regclass,vector[])', 'steer'), ('barq_calibrate(regclass,halfvec[])', 'steer'), ('barq_calibrate(regclass,sparsevec[])', 'steer'), ('barq_calibrate(regclass,bit[])', 'steer'), ('barq_bm25_stats(regclass)', 'content'), ('barq_bm25_df(regclass,text)', 'content'), ('barq_bm25_stats(regclass,text)', 'content'), ('barq_bm25_df(regclass,text,text)', 'content'),
	('barq_seal(regclass)', 'steer'), ('barq_compact(regclass)', 'steer'), ('barq_prewarm(regclass,integer)', 'steer'), ('barq_evict(regclass,integer)', 'steer'), ('barq_stats_reset(regclass)', 'steer'), ('barq_adopt_pgvector()', 'superuser'),
	('bm25_distance(text,bm25query)', 'operator'), ('bm25_distance(text[],bm25query)', 'operator'), ('bm25_distance(text,text)', 'operator'), ('bm25_distance(text[],text)', 'operator'),
	('bm25_matches(text,bm25query)', 'operator'), ('bm25_matches(text[],bm25query)', 'operator'), ('bm25_matches(text,text)', 'operator'), ('bm25_matches(text[],text)', 'operator'),
	('bm25_column_distance(text,bm25query)', 'operator'), ('bm25_column_distance(text[],bm25query)', 'operator'), ('bm25_column_matches(text,bm25query)', 'operator'), ('bm25_column_matches(text[],bm25query)', 'operator'),
	('bm25_distance(text,bm25global)', 'value'), ('bm25_distance(text[],bm25global)', 'value'), ('bm25_matches(text,bm25global)', 'value'), ('bm25_matches(text[],bm25global)', 'value'), ('bm25_shard_row(boolean,integer)', 'value'), ('bm25global_merge(bm25global,bm25global)', 'value'),
	('to_bm25global(text,regclass)', 'content'), ('barq_explain_score(regclass,record,bm25query)', 'content'), ('barq_explain_score(regclass,record,text)', 'content'), ('barq_similar(regclass,text,integer,text)', 'content'),
	('barq_score(text,bm25query)', 'operator'), ('barq_score(text,text)', 'operator'), ('barq_score(text[],bm25query)', 'operator'), ('barq_score(text[],text)', 'operator'), ('barq_score(record,bm25query)', 'operator'), ('barq_score(record,text)', 'operator'), ('bm25_shard_final(boolean,jsonb)', 'content'), ('bm25_shard_statistics(jsonb,integer)', 'content'), ('barq_global_query(regclass,text,name)', 'content'), ('barq_sharded_sql(regclass,text,bm25global,integer,integer,double precision,double precision,double precision,text,text[],name,name,text,name,text,double precision)', 'value'),
	('bm25_distance(record,bm25query)', 'operator'), ('bm25_distance(record,text)', 'operator'), ('bm25_matches(record,bm25query)', 'operator'), ('bm25_matches(record,text)', 'operator'),
	('bm25_column_distance(record,bm25query)', 'operator'), ('bm25_column_matches(record,bm25query)', 'operator'), ('bm25_fields(bm25query,regclass,integer)', 'value'), ('bm25_row_decided("any","any")', 'value'), ('bm25_language(regconfig)', 'value'), ('bm25_language(text)', 'value'),
	('bm25_bind(text,regclass)', 'value'), ('bm25_bind(bm25query,regclass)', 'content'), ('bm25_unbound(text,regclass[],text[],"any")', 'value'), ('bm25_unbound(bm25query,regclass[],text[],"any")', 'content'),
	('bm25_below(text,bm25threshold)', 'operator'), ('bm25_below(text[],bm25threshold)', 'operator'), ('bm25_column_below(text,bm25threshold)', 'operator'), ('bm25_column_below(text[],bm25threshold)', 'operator'),
	('barq_version()', 'value'), ('barq_rrf(bigint,double precision,double precision)', 'value'), ('barq_by_index(anyelement,regclass)', 'value'), ('to_bm25query(text,text,text,double precision,double precision,text,regconfig)', 'value'), ('to_bm25query(text,regclass,text,double precision,double precision,text,regconfig)', 'value'),
	('barq_bm25_terms(text,regconfig,text)', 'value'), ('barq_bm25_clauses(text,regconfig,text)', 'value'), ('barq_bm25_escape(text)', 'value'), ('barq_highlight(text,text,regconfig,text,text,integer,integer)', 'value'), ('barq_highlight(text,text,regclass,text,text,integer,integer,text,text)', 'value'), ('barq_highlight(text,text,text,text,text,integer,integer,text,text)', 'value'),
	('bm25threshold(bm25query,double precision,boolean)', 'value'), ('barq_follow_configurations()', 'internal'), ('barq_move_extension()', 'internal'), ('barq_last_scan()', 'session');
-- those that nobody can call with an argument, handlers and support functions; overloads of barq_hybrid() and barq_search_batch(); functions of
-- the types: of vectors, numbers, arrays and texts alone, which make a value of them
INSERT INTO rule
	SELECT p.oid::regprocedure::text, CASE WHEN proname IN ('barq_hybrid', 'barq_search_batch', 'barq_sharded', 'barq_count', 'barq_facets') THEN CASE WHEN 'barq_item'::regtype = ANY (proargtypes) THEN 'value' ELSE 'caller' END WHEN 'internal'::regtype = ANY (proargtypes) THEN 'internal' ELSE 'value' END
	FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND extname = 'barq'
	WHERE proname IN ('barq_hybrid', 'barq_search_batch', 'barq_sharded', 'barq_count', 'barq_facets') OR 'internal'::regtype = ANY (proargtypes)
		OR (proname !~ '^(barq_(?!item_)|to_bm25query|bm25_)' AND proargtypes::oid[] <@ ARRAY(SELECT t::regtype::oid FROM unnest(ARRAY['vector', 'halfvec', 'sparsevec', 'bit', 'integer', 'boolean', 'bigint', 'double precision', 'real[]', 'integer[]', 'double precision[]', 'numeric[]', 'cstring', 'cstring[]', 'oid', 'bm25query', 'bm25threshold', 'bm25global', 'barq_item']) t))
			AND p.oid::regprocedure::text NOT IN (SELECT function FROM rule);
SELECT p.oid::regprocedure AS "in no row" FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND extname = 'barq'
WHERE p.oid::regprocedure::text NOT IN (SELECT function FROM rule) ORDER BY 1::text;
SELECT function AS "not there" FROM rule WHERE to_regprocedure(function) IS NULL ORDER BY 1;
-- no operator stands for a function without a row
SELECT o.oid::regoperator AS "operator without a row" FROM pg_operator o JOIN pg_depend d ON d.objid = o.oid AND d.classid = 'pg_operator'::regclass AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND extname = 'barq'
WHERE oprcode::regprocedure::text NOT IN (SELECT function FROM rule);
-- nothing runs with other rights than its caller's, and no member is a relation
SELECT p.oid::regprocedure AS "security definer" FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND extname = 'barq' WHERE prosecdef;
SELECT d.objid::regclass AS relation FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND extname = 'barq' WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e';

-- Whom a rule lets in. Roles: owner, SELECT on the table, on the indexed columns, on another column, through a view, under
-- row security that hides rows, pg_monitor, none.
CREATE TEMP TABLE role_of (n int, role text, guarded boolean, relation text);
INSERT INTO role_of VALUES (1, 'owner', false, 'rights.items'), (2, 'select', false, 'rights.items'), (3, 'column', false, 'rights.items'), (4, 'other', false, 'rights.items'), (5, 'view', false, 'rights.items_view'), (6, 'tenant', true, 'rights.guarded'), (7, 'owner', true, 'rights.guarded'), (8, 'monitor', false, 'rights.items'), (9, 'none', false, 'rights.items');
CREATE TEMP TABLE allowed (rule text, roles text[]);
INSERT INTO allowed VALUES ('see', '{owner,select,tenant,monitor}'), ('list', '{owner,select,tenant,monitor}'), ('content', '{owner,select,column}'), ('steer', '{owner}'), ('operator', '{owner,select,column,view,tenant}'), ('caller', '{owner,select,tenant}');

-- What becomes of a statement that a role executes: yes; no (permission denied, no row to divide by, a view that cannot
-- be asked); or what else.
CREATE FUNCTION pg_temp.tried(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('SET ROLE regress_rights_%s', role);
	answer = pg_temp.outcome(statement);
	RESET ROLE;
	RETURN CASE WHEN answer LIKE 'no error%' THEN 'yes' WHEN answer LIKE '42501 / %' OR answer LIKE '22012 / %' OR answer LIKE '42809 / "items_view" is not a table%' THEN 'no' ELSE answer END;
END $$;
CREATE FUNCTION pg_temp.grid(rule text, call text, OUT what text, OUT yes text, OUT wrong text) LANGUAGE sql AS $$
	SELECT call, string_agg(CASE WHEN got = 'yes' THEN who END, ', ' ORDER BY n), string_agg(CASE WHEN got <> wanted THEN who || ': ' || got END, ', ' ORDER BY n)
	FROM (SELECT n, role || CASE WHEN guarded AND role = 'owner' THEN ' under row security' ELSE '' END AS who, CASE WHEN role = ANY (a.roles) THEN 'yes' ELSE 'no' END AS wanted,
			pg_temp.tried(role, replace(replace(replace(call, '{t}', relation), '{v}', CASE WHEN guarded THEN 'rights.guarded_v' ELSE 'rights.items_v' END), '{b}', CASE WHEN guarded THEN 'rights.guarded_body' ELSE 'rights.items_body' END)) AS got
		FROM role_of, allowed a WHERE a.rule = grid.rule) s
$$;
SELECT g.* FROM (VALUES
	('see', $$SELECT count(*) FROM barq_segments('{v}')$$), ('see', $$SELECT count(*) FROM barq_segments('{b}')$$), ('see', $$SELECT count(*) FROM barq_check('{v}')$$), ('see', $$SELECT count(*) FROM barq_check('{b}', false)$$), ('see', $$SELECT count(*) FROM barq_advise('{b}')$$),
	('list', $$SELECT 1 / count(*) FROM barq_indexes() WHERE index = '{v}'::regclass$$), ('list', $$SELECT 1 / count(*) FROM barq_index_status('{b}'::regclass)$$), ('list', $$SELECT 1 / count(*) FROM barq_stats() WHERE index = '{v}'::regclass$$),
	('list', $$SELECT 1 / count(*) FROM barq_memory() WHERE index = '{v}'::regclass$$), ('list', $$SELECT 1 / count(*) FROM barq_index_memory('{b}'::regclass)$$),
	('content', $$SELECT barq_recall('{v}', 5, 10)$$), ('content', $$SELECT count(*) FROM barq_recall_curve('{v}', 5, 10)$$), ('content', $$SELECT barq_bm25_stats('{b}')$$), ('content', $$SELECT barq_bm25_df('{b}', 'secret')$$), ('content', $$SELECT barq_bm25_stats('{b}', 'body')$$), ('content', $$SELECT barq_bm25_df('{b}', 'secret', 'body')$$), ('content', $$SELECT to_bm25global('secret', '{b}')$$),
	('content', $$SELECT barq_similar('{b}', 'secret')$$), ('content', $$SELECT count(*) FROM barq_explain_score('{b}', '(1,a,secret,"[1,1]")'::{t}, 'secret')$$),
	('content', $$SELECT bm25_shard_statistics(jsonb_build_object('query', 'secret', 'shard', '{t}', 'column', 'body')) WITHIN GROUP (ORDER BY 0)$$), ('caller', $$SELECT count(*) FROM barq_sharded(NULL::{t}, '[1,1]', distance => '<->')$$),
	('steer', $$SELECT barq_seal('{v}')$$), ('steer', $$SELECT barq_calibrate('{v}', '{}'::vector[])$$), ('steer', $$SELECT barq_compact('{b}')$$), ('steer', $$SELECT barq_prewarm('{b}')$$), ('steer', $$SELECT barq_evict('{v}')$$), ('steer', $$SELECT barq_stats_reset('{v}')$$)) x(r, c), pg_temp.grid(r, c) g;
-- the right to maintain (17 and later; before, a member of the owner's role)
DO $$
BEGIN
	EXECUTE CASE WHEN current_setting('server_version_num')::int >= 170000 THEN 'GRANT MAINTAIN ON rights.items TO' ELSE 'GRANT regress_rights_owner TO' END || ' regress_rights_maintain';
END $$;
SELECT c, pg_temp.tried('maintain', c) FROM unnest(ARRAY[$$SELECT barq_seal('rights.items_v')$$, $$SELECT barq_compact('rights.items_body')$$, $$SELECT barq_prewarm('rights.items_v')$$, $$SELECT barq_evict('rights.items_body')$$]) c;
-- a query that is bound to the column of a table needs what the executor checks; a row that its policy hides is not shown
SELECT g.* FROM unnest(ARRAY[
	$$SELECT count(body <@> 'secret') FROM {t}$$, $$SELECT count(barq_score(body, 'secret')) FROM {t}$$, $$SELECT count(barq_score(body, to_bm25query('secret', '{b}'))) FROM {t}$$, $$SELECT count(*) FROM (SELECT id FROM {t} ORDER BY body <@> 'secret' LIMIT 5) s$$, $$SELECT count(*) FROM {t} WHERE body @@@ 'secret'$$, $$SELECT count(*) FROM (SELECT id FROM {t} ORDER BY v <-> '[1,1]' LIMIT 5) s$$,
	$$SELECT count(*) FROM {t} WHERE body <@> 'secret' < 0$$, $$SELECT count(*) FROM (SELECT id FROM {t} WHERE body <@> 'secret' < 0 ORDER BY body <@> 'word') s$$, $$SELECT count(body <@> to_bm25query('secret', '{b}')) FROM {t}$$, $$SELECT count(*) FROM {t} WHERE body @@@ to_bm25query('secret', '{b}')$$, $$SELECT count(*) FROM {t} WHERE body @@@ 'sec*'$$]) c, pg_temp.grid('operator', c) g;
-- a query that is bound to nothing, but names its index
SELECT g.* FROM unnest(ARRAY[
	$$SELECT 'word secret' <@> to_bm25query('secret', '{b}'::regclass)$$, $$SELECT ARRAY['word secret'] <@> to_bm25query('secret', '{b}'::regclass)$$, $$SELECT barq_score('word secret', to_bm25query('secret', '{b}'::regclass))$$, $$SELECT bm25_distance('word secret', to_bm25query('secret', '{b}'::regclass))$$,
	$$SELECT bm25_column_distance('word secret', to_bm25query('secret', '{b}'::regclass))$$, $$SELECT bm25_below('word secret', bm25threshold(to_bm25query('secret', '{b}'::regclass), -0.1, true))$$,
	$$SELECT min(x <@> to_bm25query('secret', '{b}'::regclass)) FROM (VALUES ('secret'), ('word')) v(x)$$, $$SELECT min((SELECT 'secret'::text) <@> to_bm25query('secret', '{b}'::regclass)) FROM {t}$$]) c, pg_temp.grid('content', c) g;
SELECT r, pg_temp.tried(r, c), c FROM unnest(ARRAY['owner', 'tenant']) r, unnest(ARRAY[$$SELECT 1 / count(*) FROM rights.guarded WHERE body @@@ 'secret'$$, $$SELECT 1 / count(*) FROM rights.guarded WHERE body <@> 'secret' < 0$$, $$SELECT 1 / count(*) FROM rights.guarded WHERE body @@@ 'w3'$$]) c ORDER BY c, r;
-- barq_hybrid() and barq_search_batch() run as their caller
SELECT g.* FROM unnest(ARRAY[$$SELECT count(*) FROM barq_hybrid(NULL::{t}, '[1,1]', 'secret')$$, $$SELECT count(*) FROM barq_hybrid(NULL::{t}, query => 'secret')$$, $$SELECT count(*) FROM barq_hybrid(NULL::{t}, '[1,1]', filter => 'id > $1', filter_args => ARRAY[7])$$, $$SELECT count(*) FROM barq_search_batch(NULL::{t}, ARRAY['[1,1]']::vector[])$$, $$SELECT count(*) FROM barq_search_batch(NULL::{t}, ARRAY['[1,1]']::vector[], filter => 'id > $1', filter_args => ARRAY['7'])$$]) c, pg_temp.grid('caller', c) g;
SET ROLE regress_rights_tenant;
SELECT count(*), bool_and((doc).tenant = current_user) FROM barq_hybrid(NULL::rights.guarded, '[1,1]', 'word', k => 300);
SELECT count(*) FROM barq_hybrid(NULL::rights.guarded, query => 'secret');
SELECT count(*), bool_and((doc).tenant = current_user) FROM barq_search_batch(NULL::rights.guarded, ARRAY['[1,1]']::vector[], k => 300);
RESET ROLE;
-- of a partitioned index
SELECT r, pg_temp.tried(r, $$SELECT barq_bm25_stats('rights.parted_body')$$) AS stats, pg_temp.tried(r, $$SELECT barq_bm25_df('rights.parted_body', 'word')$$) AS df, pg_temp.tried(r, $$SELECT count(*) FROM rights.parted WHERE body @@@ 'word'$$) AS matches
FROM unnest(ARRAY['owner', 'select', 'column', 'other', 'monitor', 'none']) r;
-- what is a value of its arguments tells nobody anything; nobody but a superuser makes operator classes
SELECT c, pg_temp.tried('none', c) FROM unnest(ARRAY[$$SELECT barq_version()$$, $$SELECT barq_rrf(1)$$, $$SELECT to_bm25query('secret', 'rights.items_body')$$, $$SELECT barq_by_index('[1,1]'::vector, 'rights.items_v')$$, $$SELECT count(*) FROM barq_bm25_terms('some words', 'simple')$$,
	$$SELECT barq_highlight('some words', 'words', 'simple')$$, $$SELECT barq_bm25_escape('+a')$$, $$SELECT count(*) FROM barq_progress()$$, $$SELECT count(*) FROM barq_last_scan()$$, $$SELECT barq_adopt_pgvector()$$]) c;

SET client_min_messages = warning;
DROP SCHEMA rights CASCADE;
DROP ROLE regress_rights_owner, regress_rights_select, regress_rights_column, regress_rights_other, regress_rights_view, regress_rights_tenant, regress_rights_monitor, regress_rights_none, regress_rights_maintain;
