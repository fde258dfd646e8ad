-- The grid of bm25_binding: ways to give a query × plans, over one source of
-- texts, source(id, body, lang). Read with \i after bm25.sql.
SET client_min_messages = warning;

-- Each plan by its settings.
CREATE TEMP TABLE plans (plan text, settings text);
INSERT INTO plans VALUES
	('seq', 'RESET enable_seqscan; SET enable_indexscan = off; SET enable_bitmapscan = off; RESET enable_sort'),
	('index', 'SET enable_seqscan = off; SET enable_indexscan = on; SET enable_bitmapscan = off; SET enable_sort = off'),
	('bitmap', 'SET enable_seqscan = off; SET enable_indexscan = off; SET enable_bitmapscan = on; RESET enable_sort');

-- A query in each way that it can be given: an expression, or a parameter. %1$L
-- are the words, %2$s the index.
CREATE TEMP TABLE ways (way text, expression text, parameter text, value text);
INSERT INTO ways VALUES
	('text', '%1$L', NULL, NULL),
	('bm25query', '%1$L::bm25query', NULL, NULL),
	('to_bm25query', 'to_bm25query(%1$L)', NULL, NULL),
	('named', 'to_bm25query(%1$L, ''%2$s'')', NULL, NULL),
	('named with a schema', '''public.%2$s:%1$s''::bm25query', NULL, NULL),
	('named by regclass', 'to_bm25query(%1$L, ''%2$s''::regclass)', NULL, NULL),
	('text parameter', '$1', 'text', '%1$s'),
	('bm25query parameter', '$1', 'bm25query', '%1$s'),
	('named parameter', '$1', 'bm25query', '%2$s:%1$s'),
	('to_bm25query of a parameter', 'to_bm25query($1)', 'text', '%1$s'),
	('named, of a parameter', 'to_bm25query($1, ''%2$s'')', 'text', '%1$s'),
	('subquery', '(SELECT %1$L)', NULL, NULL),
	('bm25query subquery', '(SELECT q FROM (VALUES (%1$L::bm25query)) s(q))', NULL, NULL),
	('named subquery', '(SELECT q FROM (VALUES (''%2$s:%1$s''::bm25query)) s(q))', NULL, NULL),
	('column', 'given.words', NULL, NULL),
	('bm25query column', 'given.query', NULL, NULL),
	('named column', 'given.named', NULL, NULL);

-- Scores of all rows that have one, and the ids of those that match.
CREATE FUNCTION pg_temp.cell(source text, query text, words text, index text) RETURNS text LANGUAGE sql AS $$
	SELECT format('WITH given AS (SELECT %2$L::text AS words, %2$L::bm25query AS query, %3$L::bm25query AS named OFFSET 0),
		ranked AS (SELECT x.* FROM given, LATERAL (SELECT v.id, v.body <@> %1$s AS s FROM %4$s v ORDER BY v.body <@> %1$s LIMIT 1000) x)
		SELECT (SELECT string_agg(id || '' '' || round(s::numeric, 9), '', '' ORDER BY id) FROM ranked WHERE s < 0)
			|| '' / '' || (SELECT string_agg(v.id::text, '', '' ORDER BY v.id) FROM given, %4$s v WHERE v.body @@@ %1$s)
			|| '' / '' || (SELECT count(*) FROM given, %4$s v WHERE v.body <@> %1$s < -1)',
		query, words, index || ':' || words, source) $$;

-- The same without `given`, so that an index can serve the query.
CREATE FUNCTION pg_temp.plain_cell(source text, query text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT (SELECT string_agg(id || '' '' || round(s::numeric, 9), '', '' ORDER BY id) FROM (SELECT v.id, v.body <@> %1$s AS s FROM %2$s v ORDER BY v.body <@> %1$s LIMIT 1000) x WHERE s < 0)
			|| '' / '' || (SELECT string_agg(v.id::text, '', '' ORDER BY v.id) FROM %2$s v WHERE v.body @@@ %1$s)
			|| '' / '' || (SELECT count(*) FROM %2$s v WHERE v.body <@> %1$s < -1)',
		query, source) $$;

-- What it has to be, by brute force.
CREATE FUNCTION pg_temp.holding(tab text, words text) RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT id FROM %I WHERE to_tsvector(''simple'', body) @@ plainto_tsquery(''simple'', $1)', tab) USING words;
END $$;
CREATE FUNCTION pg_temp.expected(tab text, index text, words text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(id || ' ' || round(-score::numeric, 9), ', ' ORDER BY id)
		|| ' / ' || (SELECT string_agg(id::text, ', ' ORDER BY id) FROM pg_temp.holding(tab, words) AS id)
		|| ' / ' || count(*) FILTER (WHERE -score < -1)
	FROM pg_temp.brute(tab::regclass, index::regclass, 'simple', string_to_array(words, ' ')) WHERE score > 0 $$;

-- A statement, executed as often as PostgreSQL needs to change to a generic plan:
-- its answer, or each of them where they differ.
CREATE FUNCTION pg_temp.repeated(statement text, types text, arguments text, times int DEFAULT 8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text[] = '{}';
	answer text;
BEGIN
	EXECUTE format('PREPARE repeated (%s) AS %s', types, statement);
	FOR i IN 1..times LOOP
		answer = pg_temp.answer_of('EXECUTE repeated(' || arguments || ')');
		IF answer <> ALL (answers) THEN answers = array_append(answers, answer); END IF;
	END LOOP;
	DEALLOCATE repeated;
	RETURN array_to_string(answers, E'\n');
END $$;

-- In a function of PL/pgSQL, where parameters are variables.
CREATE FUNCTION pg_temp.in_function(statement text, types text[], arguments text, times int DEFAULT 8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text[] = '{}';
	answer text;
BEGIN
	EXECUTE format('CREATE FUNCTION pg_temp.called(%s) RETURNS text LANGUAGE plpgsql AS %L', array_to_string(types, ', '),
		'DECLARE result text; BEGIN ' || regexp_replace(statement, '^SELECT ', 'SELECT (') || ') INTO result; RETURN result; END');
	FOR i IN 1..times LOOP
		answer = pg_temp.answer_of('SELECT pg_temp.called(' || arguments || ')');
		IF answer <> ALL (answers) THEN answers = array_append(answers, answer); END IF;
	END LOOP;
	EXECUTE format('DROP FUNCTION pg_temp.called(%s)', array_to_string(types, ', '));
	RETURN array_to_string(answers, E'\n');
END $$;

CREATE FUNCTION pg_temp.answer_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	detail text;
BEGIN
	EXECUTE statement INTO result;
	RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' / ', SQLSTATE, SQLERRM, nullif(detail, ''));
END $$;

-- The answers of one way under one plan.
CREATE FUNCTION pg_temp.answers(source text, w ways, words text, index text) RETURNS TABLE (manner text, answer text) LANGUAGE plpgsql AS $$
DECLARE
	expression text = format(w.expression, words, index);
	value text = format(w.value, words, index);
BEGIN
	IF w.way LIKE '%column' THEN
		RETURN QUERY SELECT w.way, pg_temp.answer_of(pg_temp.cell(source, expression, words, index));
	ELSIF w.parameter IS NULL THEN
		RETURN QUERY SELECT w.way, pg_temp.answer_of(pg_temp.plain_cell(source, expression));
	ELSE
		RETURN QUERY SELECT w.way, pg_temp.repeated(pg_temp.plain_cell(source, expression), w.parameter, quote_literal(value));
		SET plan_cache_mode = force_generic_plan;
		RETURN QUERY SELECT w.way || ', generic', pg_temp.repeated(pg_temp.plain_cell(source, expression), w.parameter, quote_literal(value), 1);
		RESET plan_cache_mode;
		RETURN QUERY SELECT w.way || ', PL/pgSQL', pg_temp.in_function(pg_temp.plain_cell(source, expression), ARRAY[w.parameter], quote_literal(value) || '::' || w.parameter);
	END IF;
END $$;

CREATE FUNCTION pg_temp.all_answers(source text, words text, index text, with_names boolean DEFAULT true) RETURNS TABLE (manner text, answer text) LANGUAGE plpgsql AS $$
DECLARE
	p plans;
	w ways;
BEGIN
	FOR p IN SELECT * FROM plans LOOP
		EXECUTE p.settings;
		FOR w IN SELECT * FROM ways WHERE with_names OR way !~ 'named' LOOP
			RETURN QUERY SELECT p.plan || ', ' || a.manner, a.answer FROM pg_temp.answers(source, w, words, index) a;
		END LOOP;
	END LOOP;
	RESET enable_seqscan; RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_sort;
END $$;

CREATE FUNCTION pg_temp.grid(source text, tab text, index text) RETURNS TABLE (cells bigint, wrong bigint, example text) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE answer <> right_answer), left(min(manner || ': ' || answer) FILTER (WHERE answer <> right_answer), 300)
	FROM pg_temp.all_answers(source, 'w1 w7', index) a, (SELECT pg_temp.expected(tab, index, 'w1 w7') AS right_answer OFFSET 0) e $$;

-- With a second parameter, whose value decides which index it is.
CREATE FUNCTION pg_temp.parameter_grid(source text, value text, tab text, index text) RETURNS TABLE (cells bigint, wrong bigint, example text, generic text) LANGUAGE plpgsql AS $$
DECLARE
	p plans;
	w ways;
	right_answer text = pg_temp.expected(tab, index, 'w1 w7');
	answer text;
BEGIN
	cells = 0; wrong = 0;
	FOR p IN SELECT * FROM plans LOOP
		EXECUTE p.settings;
		FOR w IN SELECT * FROM ways WHERE parameter IS NOT NULL LOOP
			FOREACH answer IN ARRAY ARRAY[
				pg_temp.repeated(pg_temp.plain_cell(source, format(w.expression, 'w1 w7', index)), w.parameter || ', text', format('%L, %L', format(w.value, 'w1 w7', index), value)),
				pg_temp.in_function(pg_temp.plain_cell(source, format(w.expression, 'w1 w7', index)), ARRAY[w.parameter, 'text'], format('%L::%s, %L', format(w.value, 'w1 w7', index), w.parameter, value))] LOOP
				cells = cells + 1;
				IF answer <> right_answer THEN
					wrong = wrong + 1;
					example = coalesce(example, left(p.plan || ', ' || w.way || ': ' || answer, 300));
				END IF;
			END LOOP;
		END LOOP;
		SET plan_cache_mode = force_generic_plan;
		answer = pg_temp.repeated(pg_temp.plain_cell(source, '$1'), 'text, text', format('%L, %L', 'w1 w7', value), 1);
		RESET plan_cache_mode;
		IF answer <> right_answer AND answer IS DISTINCT FROM generic THEN
			generic = concat_ws(E'\n', generic, answer);
		END IF;
	END LOOP;
	RESET enable_seqscan; RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_sort;
	RETURN NEXT;
END $$;

-- One error in every cell that names no index.
CREATE FUNCTION pg_temp.error_grid(source text) RETURNS TABLE (cells bigint, answers bigint, answer text) LANGUAGE sql AS $$
	SELECT count(*), count(DISTINCT a.answer), string_agg(DISTINCT a.answer, E'\n') FROM pg_temp.all_answers(source, 'w1 w7', 'x', false) a $$;

-- @@@ alone, compared with another source.
CREATE FUNCTION pg_temp.match_grid(source text, other text) RETURNS TABLE (cells bigint, wrong bigint, example text) LANGUAGE plpgsql AS $$
DECLARE
	p plans;
	w ways;
	answer text;
	right_answer text = pg_temp.answer_of(format('SELECT count(*) || '' '' || sum(id) FROM %s v WHERE body @@@ ''w1 w7''', other));
BEGIN
	cells = 0; wrong = 0;
	FOR p IN SELECT * FROM plans LOOP
		EXECUTE p.settings;
		FOR w IN SELECT * FROM ways WHERE way !~ 'named' AND way !~ 'column' LOOP
			answer = CASE WHEN w.parameter IS NULL THEN pg_temp.answer_of(format('SELECT count(*) || '' '' || sum(id) FROM %s v WHERE body @@@ %s', source, format(w.expression, 'w1 w7')))
				ELSE pg_temp.repeated(format('SELECT count(*) || '' '' || sum(id) FROM %s v WHERE body @@@ %s', source, w.expression), w.parameter, quote_literal('w1 w7')) END;
			cells = cells + 1;
			IF answer <> right_answer THEN
				wrong = wrong + 1;
				example = coalesce(example, left(p.plan || ', ' || w.way || ': ' || answer, 300));
			END IF;
		END LOOP;
	END LOOP;
	RESET enable_seqscan; RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_sort;
	RETURN NEXT;
END $$;
RESET client_min_messages;
