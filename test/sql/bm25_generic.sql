-- A parameter decides which partial index serves a query of constant words: each of
-- eight executions (the sixth is the first that considers a generic plan) finds the
-- same rows as the statement with the value written into it.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/bm25.sql'
\i :helpers
\set ECHO all

CREATE TABLE generic_t (id int PRIMARY KEY, lang text, body text, note text);
INSERT INTO generic_t SELECT i, (ARRAY['en', 'de'])[1 + i % 2], 'running dog ' || i || CASE WHEN i % 7 = 0 THEN ' run run' ELSE '' END, 'running' FROM generate_series(1, 200) i;
CREATE INDEX generic_en ON generic_t USING barq_bm25 (body) WITH (text_config = 'english') WHERE lang = 'en';
CREATE INDEX generic_de ON generic_t USING barq_bm25 (body) WITH (text_config = 'simple') WHERE lang = 'de';
CREATE TABLE generic_u AS SELECT id, -id / 100.0::float8 AS score, lang FROM generic_t;
CREATE INDEX ON generic_u (score);
CREATE TABLE generic_p (LIKE generic_t) PARTITION BY LIST (lang);
CREATE TABLE generic_p_en PARTITION OF generic_p FOR VALUES IN ('en');
CREATE TABLE generic_p_de PARTITION OF generic_p FOR VALUES IN ('de');
INSERT INTO generic_p SELECT * FROM generic_t;
CREATE INDEX ON generic_p_en USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX ON generic_p_de USING barq_bm25 (body) WITH (text_config = 'simple');
CREATE VIEW generic_v AS SELECT * FROM generic_t WHERE id > 10;
ANALYZE generic_t, generic_u, generic_p;

CREATE TABLE shapes (number serial, statement text);
INSERT INTO shapes (statement) VALUES
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND body @@@ QUERY'),
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND NOT body @@@ QUERY'),
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND (body @@@ QUERY OR id = 1)'),
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND (body @@@ QUERY) IS NOT TRUE'),
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND CASE WHEN id > 100 THEN body @@@ QUERY ELSE note > ''a'' END'),
	('SELECT count(*) FROM generic_v WHERE lang = $1 AND body @@@ QUERY'),
	('SELECT count(*) FROM generic_p WHERE lang = $1 AND body @@@ QUERY'),
	('SELECT id FROM generic_t WHERE lang = $1 ORDER BY body <@> QUERY, id LIMIT 1'),
	('SELECT id FROM generic_t WHERE lang = $1 AND body <@> QUERY < 0 ORDER BY body <@> QUERY, id LIMIT 1'),
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND -0.001 > body <@> QUERY'),
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND body <@> QUERY BETWEEN -1 AND 0'),
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND body <@> QUERY = 0'),
	('SELECT count(*) FROM generic_t WHERE lang = $1 AND body <@> QUERY IN (0, 1)'),
	('SELECT round(sum(body <@> QUERY)::numeric, 4) FROM generic_t WHERE lang = $1'),
	('SELECT count(DISTINCT body <@> QUERY) FROM generic_t WHERE lang = $1'),
	('SELECT count(*) FROM generic_u u JOIN generic_t t ON u.score < t.body <@> QUERY WHERE t.lang = $1'),
	('SELECT count(*) FROM generic_t t WHERE lang = $1 AND EXISTS (SELECT FROM generic_u u WHERE u.score < t.body <@> QUERY AND u.id = t.id OFFSET 0)'),
	('SELECT count(*) FROM generic_t t, LATERAL (SELECT FROM generic_u u WHERE u.score < t.body <@> QUERY LIMIT 3) s WHERE t.lang = $1'),
	('SELECT count(*) FROM generic_u u, LATERAL (SELECT FROM generic_t t WHERE t.lang = $1 AND t.body <@> QUERY < u.score LIMIT 3) s'),
	('SELECT count(*) FROM generic_u u JOIN generic_p t USING (id) WHERE t.lang = $1 AND t.body @@@ QUERY'),
	('SELECT max(n) FROM (SELECT count(*) AS n FROM generic_t WHERE lang = $1 GROUP BY body <@> QUERY) s'),
	('WITH gone AS (DELETE FROM generic_t WHERE lang = $1 AND body @@@ QUERY RETURNING 1) SELECT count(*) FROM gone'),
	('WITH changed AS (UPDATE generic_t SET note = ''x'' WHERE lang = $1 AND body @@@ QUERY RETURNING 1) SELECT count(*) FROM changed');

-- eight executions by a prepared statement, and by a variable of a function
CREATE FUNCTION pg_temp.executions(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	value text;
	expected text;
	answer text;
	answers text[] = '{}';
BEGIN
	EXECUTE 'PREPARE generic_s(text) AS ' || statement;
	EXECUTE format('CREATE FUNCTION pg_temp.generic_f(value text) RETURNS text LANGUAGE plpgsql AS $f$ DECLARE result text; BEGIN %s INTO result; RETURN result; END $f$', statement);
	FOR i IN 1..8 LOOP
		value = CASE WHEN i % 2 = 0 THEN 'en' ELSE 'de' END;
		BEGIN
			EXECUTE replace(statement, '$1', quote_literal(value)) INTO expected;
			RAISE EXCEPTION USING ERRCODE = 'ZZ001';
		EXCEPTION
			WHEN SQLSTATE 'ZZ001' THEN NULL;
			WHEN OTHERS THEN expected = SQLERRM;
		END;
		FOR form IN 1..2 LOOP
			BEGIN
				IF form = 1 THEN
					EXECUTE format('EXECUTE generic_s(%L)', value) INTO answer;
				ELSE
					SELECT pg_temp.generic_f(value) INTO answer;
				END IF;
				answer = CASE WHEN answer IS NOT DISTINCT FROM expected THEN 'same' ELSE format('%s for %s', answer, expected) END;
				RAISE EXCEPTION USING ERRCODE = 'ZZ001';
			EXCEPTION
				WHEN SQLSTATE 'ZZ001' THEN NULL;
				WHEN OTHERS THEN answer = format('execution %s: %s', i, SQLERRM);
			END;
			IF answer <> ALL (answers) THEN
				answers = answers || answer;
			END IF;
		END LOOP;
	END LOOP;
	DEALLOCATE generic_s;
	DROP FUNCTION pg_temp.generic_f(text);
	RETURN array_to_string(answers, '; ');
END $$;
SELECT statement, string_agg(DISTINCT pg_temp.executions(replace(statement, 'QUERY', query)), '; ') AS answers
FROM shapes, unnest(ARRAY['''running''', 'to_bm25query(''running'')', ''':running''::bm25query']) query
GROUP BY number, statement ORDER BY number;

-- a generic plan can be made; its execution fails
SET plan_cache_mode = force_generic_plan;
PREPARE generic_s(text) AS SELECT count(*) FROM generic_t WHERE lang = $1 AND body @@@ 'running';
DO $$ BEGIN EXECUTE 'EXPLAIN EXECUTE generic_s(''en'')'; END $$;
SELECT pg_temp.outcome($$EXECUTE generic_s('en')$$);
DEALLOCATE generic_s;
RESET plan_cache_mode;
DROP TABLE generic_t, generic_u, generic_p, shapes CASCADE;
