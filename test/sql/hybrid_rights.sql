-- barq_hybrid() runs with the caller's rights: row security, privileges of tables and
-- columns; objects placed in search_path have no effect.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all

CREATE ROLE regress_hybrid_one;
CREATE ROLE regress_hybrid_two;
CREATE TABLE hybrid_secure (id int PRIMARY KEY, owner text, body text, v vector(2), secret text);
INSERT INTO hybrid_secure SELECT i, CASE WHEN i % 2 = 0 THEN 'regress_hybrid_two' ELSE 'regress_hybrid_one' END, 'word ' || i, ARRAY[i, 0]::vector, 'secret' FROM generate_series(1, 300) i;
CREATE INDEX ON hybrid_secure USING barq_hnsw (v vector_l2_ops);
CREATE INDEX ON hybrid_secure USING barq_bm25 (body) WITH (text_config = 'simple');
ALTER TABLE hybrid_secure ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON hybrid_secure USING (owner = current_user);
GRANT SELECT ON hybrid_secure TO regress_hybrid_one, regress_hybrid_two;
CREATE FUNCTION hybrid_ids(filter text DEFAULT NULL, args text[] DEFAULT '{}') RETURNS text LANGUAGE sql
RETURN (SELECT string_agg((doc).id || coalesce('v' || vector_rank, '') || coalesce('t' || text_rank, ''), ' ') FROM public.barq_hybrid(NULL::public.hybrid_secure, '[0,0]', 'word 6 7', k => 4, filter => hybrid_ids.filter, filter_args => args));

-- the same session and statement, one role after the other
SELECT hybrid_ids();
SET ROLE regress_hybrid_one;
SELECT hybrid_ids();
SELECT hybrid_ids('id > 10');
SET ROLE regress_hybrid_two;
SELECT hybrid_ids();
SELECT hybrid_ids('id > 10');
SET ROLE regress_hybrid_one;
SELECT hybrid_ids();
RESET ROLE;
SELECT hybrid_ids();
-- as many rows as requested, all visible to the caller
SET ROLE regress_hybrid_one;
SELECT count(*), bool_and((doc).owner = current_user), max(vector_rank) FROM barq_hybrid(NULL::hybrid_secure, '[0,0]', 'word', k => 150);
-- a filter sees no row that the policy hides, however low its cost
CREATE FUNCTION pg_temp.peek(owner text) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0001 AS $$
BEGIN
	IF owner <> current_user THEN
		RAISE 'seen a row of %', owner;
	END IF;
	RETURN true;
END $$;
SELECT hybrid_ids('pg_temp.peek(owner)');
-- nor does a boost; groups, diversity and batches have visible rows only
SELECT i.ids, b.n, b.own, g.n AS groups, d.n AS diverse FROM (SELECT string_agg((doc).id::text, ' ') AS ids FROM barq_hybrid(NULL::hybrid_secure, '[0,0]', k => 4, boost => 'CASE WHEN pg_temp.peek(owner) THEN 2 END')) i,
	(SELECT count(*) AS n, bool_and((doc).owner = current_user) AS own FROM barq_search_batch(NULL::hybrid_secure, ARRAY['[0,0]', '[9,0]']::vector[], 200)) b,
	(SELECT count(*) AS n FROM barq_hybrid(NULL::hybrid_secure, '[0,0]', k => 300, group_by => 'id')) g, (SELECT count(*) AS n FROM barq_hybrid(NULL::hybrid_secure, '[0,0]', 'word', k => 300, diversity => 0.5)) d;
SELECT count(*), min((doc).owner) FROM barq_hybrid(NULL::hybrid_secure, '[0,0]', k => 3, group_by => 'owner');
SELECT query, count(*), min((doc).owner) FROM barq_search_batch(NULL::hybrid_secure, ARRAY['[0,0]', '[9,0]']::vector[], 3, group_by => 'owner', per_group => 20, filter => 'pg_temp.peek(owner)') GROUP BY query ORDER BY query;
SET row_security = off;
SELECT pg_temp.outcome('SELECT hybrid_ids()');
RESET row_security;
SELECT hybrid_ids();
RESET ROLE;
-- a changed policy takes effect at once
ALTER POLICY own ON hybrid_secure USING (owner = current_user AND id > 100);
SET ROLE regress_hybrid_one;
SELECT hybrid_ids();
RESET ROLE;
ALTER TABLE hybrid_secure DISABLE ROW LEVEL SECURITY;
SET ROLE regress_hybrid_one;
SELECT hybrid_ids();
RESET ROLE;

-- privileges: of the table, then of columns; the result is the whole row, so some columns do not suffice
REVOKE SELECT ON hybrid_secure FROM regress_hybrid_one;
SET ROLE regress_hybrid_one;
SELECT pg_temp.outcome('SELECT hybrid_ids()');
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_secure, '[0,0]', filter => 'secret = ''x''')$$);
RESET ROLE;
GRANT SELECT (id, owner, body, v) ON hybrid_secure TO regress_hybrid_one;
SET ROLE regress_hybrid_one;
SELECT count(*) FROM (SELECT id FROM hybrid_secure ORDER BY v <-> '[0,0]' LIMIT 5) s;
SELECT pg_temp.outcome('SELECT hybrid_ids()');
SELECT pg_temp.outcome($$SELECT count(*) FROM barq_hybrid(NULL::hybrid_secure, '[0,0]', filter => 'secret > ''a''')$$);
SELECT a, pg_temp.outcome('SELECT count(*) FROM ' || a) FROM unnest(ARRAY[$$barq_hybrid(NULL::hybrid_secure, '[0,0]', boost => 'length(secret)')$$, $$barq_hybrid(NULL::hybrid_secure, '[0,0]', group_by => 'secret')$$, $$barq_hybrid(NULL::hybrid_secure, '[0,0]', group_by => 'id')$$,
	$$barq_hybrid(NULL::hybrid_secure, '[0,0]', diversity => 0.5)$$, $$barq_search_batch(NULL::hybrid_secure, ARRAY['[0,0]']::vector[])$$, $$barq_search_batch(NULL::hybrid_secure, ARRAY['[0,0]']::vector[], group_by => 'secret', per_group => 2)$$, $$barq_search_batch(NULL::hybrid_secure, '{}'::vector[])$$]) a;
RESET ROLE;
GRANT SELECT ON hybrid_secure TO regress_hybrid_one;
SET ROLE regress_hybrid_one;
SELECT hybrid_ids();
RESET ROLE;
-- plans made for another role are not used
SELECT hybrid_ids();
REVOKE ALL ON hybrid_secure FROM regress_hybrid_two;
SET ROLE regress_hybrid_two;
SELECT pg_temp.outcome('SELECT hybrid_ids()');
RESET ROLE;
-- within a SECURITY DEFINER function the owner's rights apply
CREATE FUNCTION hybrid_for_all() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN (SELECT count(*) FROM public.barq_hybrid(NULL::public.hybrid_secure, '[0,0]'::text, k => 5));
SET ROLE regress_hybrid_two;
SELECT hybrid_for_all();
RESET ROLE;
-- functions in a filter need EXECUTE
CREATE FUNCTION hybrid_allowed(int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN true; END';
REVOKE EXECUTE ON FUNCTION hybrid_allowed FROM PUBLIC;
SET ROLE regress_hybrid_one;
SELECT pg_temp.outcome($$SELECT hybrid_ids('hybrid_allowed(id)')$$);
RESET ROLE;
DROP FUNCTION hybrid_allowed;

-- attacks by search_path: objects with the names that the statements use, first in
-- the path, are not called
CREATE SCHEMA hybrid_evil;
CREATE FUNCTION hybrid_evil.caught(a anyelement, b anyelement) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE FUNCTION hybrid_evil.caught_bool(a anyelement, b anyelement) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE FUNCTION hybrid_evil.l2_distance(public.vector, public.vector) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE FUNCTION hybrid_evil.bm25_distance(text, public.bm25query) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE FUNCTION hybrid_evil.to_bm25query(text, text) RETURNS public.bm25query LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE FUNCTION hybrid_evil.float8(float8) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE FUNCTION hybrid_evil.plus(float8, float8) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE OPERATOR hybrid_evil.<-> (LEFTARG = public.vector, RIGHTARG = public.vector, FUNCTION = hybrid_evil.l2_distance);
CREATE OPERATOR hybrid_evil.<@> (LEFTARG = text, RIGHTARG = public.bm25query, FUNCTION = hybrid_evil.bm25_distance);
CREATE OPERATOR hybrid_evil.+ (LEFTARG = float8, RIGHTARG = float8, FUNCTION = hybrid_evil.plus);
CREATE OPERATOR hybrid_evil.= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hybrid_evil.caught_bool);
CREATE FUNCTION hybrid_evil.tids(tid, tid) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE FUNCTION hybrid_evil.oids(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE OPERATOR hybrid_evil.= (LEFTARG = tid, RIGHTARG = tid, FUNCTION = hybrid_evil.tids);
CREATE OPERATOR hybrid_evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = hybrid_evil.oids);
CREATE DOMAIN hybrid_evil.regclass AS text CHECK (VALUE = 'caught');
CREATE TABLE hybrid_evil.hybrid_secure (id int, owner text, body text, v public.vector(2), secret text);
CREATE FUNCTION hybrid_evil.ints(int, int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RAISE 'caught'; END$$;
CREATE OPERATOR hybrid_evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = hybrid_evil.ints);
SET search_path = hybrid_evil, pg_catalog, public;
-- a statement with unqualified names is affected
SELECT s, pg_temp.outcome('SELECT count(' || s || ') FROM public.hybrid_secure') FROM unnest(ARRAY['v <-> v', 'body <@> public.to_bm25query(''word'', ''public.hybrid_secure_body_idx'')', 'to_bm25query(body, NULL)', 'ctid = ctid', 'tableoid = tableoid', '(id::float8) + 0::float8', 'body::regclass']) s;
-- barq_hybrid() is not affected
SELECT public.hybrid_ids();
SELECT public.hybrid_ids('id OPERATOR(pg_catalog.>) $1', '{10}');
-- the exact statement, too
SET barq.max_scan_tuples = 5;
SELECT count(*) FROM public.barq_hybrid(NULL::public.hybrid_secure, '[0,0]', 'word 6 7', k => 4, candidates => 4, filter => 'id OPERATOR(pg_catalog.>) 290');
RESET barq.max_scan_tuples;
-- nor are groups, boosts, diversity and batches
SELECT string_agg((doc).id::text, ' ') FROM public.barq_hybrid(NULL::public.hybrid_secure, '[0,0]'::text, 'word 6 7'::text, k => 4, group_by => 'id', boost => 'id', diversity => 0.2);
SELECT string_agg(query || ':' || (doc).id, ' ') FROM public.barq_search_batch(NULL::public.hybrid_secure, ARRAY['[0,0]', '[9,0]']::public.vector[], 2, group_by => 'owner', per_group => 2);
-- names in a filter are resolved by the caller's path
SELECT pg_temp.outcome($$SELECT public.hybrid_ids('id = 3')$$);
SET search_path = pg_temp, hybrid_evil, public;
SELECT public.hybrid_ids();
RESET search_path;
-- nor operators of the same name and schema for types that match less well
CREATE FUNCTION hybrid_worse(anyelement, anyelement) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
CREATE OPERATOR <-> (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hybrid_worse);
DISCARD PLANS;
SELECT hybrid_ids();
DROP OPERATOR <-> (anyelement, anyelement);
DROP FUNCTION hybrid_worse;

SET client_min_messages = warning;
DROP SCHEMA hybrid_evil CASCADE;
DROP FUNCTION pg_temp.peek;
DROP FUNCTION hybrid_ids, hybrid_for_all;
DROP TABLE hybrid_secure;
DROP ROLE regress_hybrid_one, regress_hybrid_two;
