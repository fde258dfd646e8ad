-- forms.sql: how long ranked searches take whose words have several forms, beside indexes of
-- the same texts in which each word has one.
--
--   scripts/server.sh psql dev -qAt -v documents=40000 -f bench/forms.sql
--
-- Tables of documents of inflected words, the k-th most frequent as often as 1/k: a title of 5
-- words and a body of 26 of a vocabulary of 720 (one configuration for both fields, and two), and
-- a body of 25 of 3,000 (without languages, and rows in one, two and four). Queries of one to
-- four words, in a function's kept plan, by turns; of each the best of `turns` (7) runs, with what
-- a session keeps of a word known (warm), and the first run (first). Prints, by index, the median
-- and the sum of the queries in microseconds and their factors over those of the plain index.
\set ON_ERROR_STOP 1
\if :{?documents} \else \set documents 40000 \endif
\if :{?turns} \else \set turns 7 \endif
\if :{?simd} \else \set simd avx2 \endif
CREATE EXTENSION IF NOT EXISTS barq;
SET client_min_messages = warning;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET barq.simd = :'simd';
SET enable_seqscan = off;
SELECT setseed(0.5);
DROP SCHEMA IF EXISTS forms CASCADE;
CREATE SCHEMA forms;
SET search_path = forms, public;

-- the n-th word of a vocabulary: a stem of syllables in one of four inflections
CREATE FUNCTION word(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT (ARRAY['ba', 'ko', 'ri', 'tu', 'me', 'lo', 'pa', 'di', 'ga', 'su'])[1 + n / 4 % 10]
		|| (ARRAY['lm', 'rt', 'nd', 'st', 'rk', 'mp', 'nt', 'lk', 'ld', 'rm'])[1 + n / 40 % 10]
		|| (ARRAY['', 'oll', 'urt', 'ast', 'ink', 'omb', 'urn', 'ilt'])[1 + n / 400]
		|| (ARRAY['', 's', 'ing', 'ed'])[1 + n % 4]
$$;
-- k words of the first `most`, Zipf-like; seed: any number, so that each row has its own
CREATE FUNCTION words(most int, k int, seed int) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT string_agg(word(least(most, floor(exp(random() * ln(most + 1)))::int) - 1), ' ')
	FROM generate_series(1, k)
$$;
CREATE TABLE fielded AS
	SELECT i AS id, words(720, 5, i) AS title, words(720, 26, i) AS body
	FROM generate_series(1, :documents) AS i;
CREATE TABLE spoken AS
	SELECT i AS id, words(3000, 25, i) AS body,
		'english'::regconfig AS one,
		(ARRAY['english', 'simple'])[1 + i % 2]::regconfig AS two,
		(ARRAY['english', 'simple', 'spanish', 'german'])[1 + i % 4]::regconfig AS four
	FROM generate_series(1, :documents) AS i;
CREATE TABLE two_configs AS TABLE fielded;
CREATE TABLE spoken_two AS TABLE spoken;
CREATE TABLE spoken_four AS TABLE spoken;
CREATE TABLE spoken_one AS TABLE spoken;
CREATE INDEX ON fielded USING barq_bm25 (title bm25_ops (weight = 3), body bm25_ops) WITH (text_config = 'english');
CREATE INDEX ON two_configs USING barq_bm25 (title bm25_ops (weight = 3, text_config = 'simple'), body bm25_ops)
	WITH (text_config = 'english');
CREATE INDEX ON spoken USING barq_bm25 (body) WITH (text_config = 'english');
CREATE INDEX ON spoken_one USING barq_bm25 (body, one regconfig_ops) WITH (text_config = 'english');
CREATE INDEX ON spoken_two USING barq_bm25 (body, two regconfig_ops) WITH (text_config = 'english');
CREATE INDEX ON spoken_four USING barq_bm25 (body, four regconfig_ops) WITH (text_config = 'english');
VACUUM ANALYZE;

CREATE TABLE queries AS
	SELECT i AS n, f.kind, words(f.most, 1 + i % 4, i) AS words
	FROM generate_series(1, 100) AS i, (VALUES ('fields', 720), ('languages', 3000)) AS f(kind, most);
CREATE TABLE times (name text, n int, first float8, best float8, PRIMARY KEY (name, n));

CREATE FUNCTION ask_fielded(q text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
	RETURN (SELECT count(*) FROM (SELECT id FROM fielded t ORDER BY t <@> q LIMIT 10) AS s); END $$;
CREATE FUNCTION ask_two_configs(q text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
	RETURN (SELECT count(*) FROM (SELECT id FROM two_configs t ORDER BY t <@> q LIMIT 10) AS s); END $$;
CREATE FUNCTION ask_spoken(q text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
	RETURN (SELECT count(*) FROM (SELECT id FROM spoken t ORDER BY body <@> q LIMIT 10) AS s); END $$;
CREATE FUNCTION ask_spoken_one(q text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
	RETURN (SELECT count(*) FROM (SELECT id FROM spoken_one t ORDER BY (body, one) <@> q LIMIT 10) AS s); END $$;
CREATE FUNCTION ask_spoken_two(q text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
	RETURN (SELECT count(*) FROM (SELECT id FROM spoken_two t ORDER BY (body, two) <@> q LIMIT 10) AS s); END $$;
CREATE FUNCTION ask_spoken_four(q text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
	RETURN (SELECT count(*) FROM (SELECT id FROM spoken_four t ORDER BY (body, four) <@> q LIMIT 10) AS s); END $$;

-- one run of all queries through one function
CREATE FUNCTION run(name text, kind text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	q record;
	start timestamptz;
	took float8;
BEGIN
	FOR q IN SELECT * FROM queries WHERE queries.kind = run.kind ORDER BY n LOOP
		start := clock_timestamp();
		CASE name
			WHEN 'fielded' THEN PERFORM ask_fielded(q.words);
			WHEN 'two_configs' THEN PERFORM ask_two_configs(q.words);
			WHEN 'spoken' THEN PERFORM ask_spoken(q.words);
			WHEN 'spoken_one' THEN PERFORM ask_spoken_one(q.words);
			WHEN 'spoken_two' THEN PERFORM ask_spoken_two(q.words);
			WHEN 'spoken_four' THEN PERFORM ask_spoken_four(q.words);
		END CASE;
		took := 1e6 * extract(epoch FROM clock_timestamp() - start);
		INSERT INTO times VALUES (name, q.n, took, took)
		ON CONFLICT ON CONSTRAINT times_pkey DO UPDATE SET best = least(times.best, excluded.best);
	END LOOP;
END $$;

-- kept plans and mapped images, by queries that are not measured
CREATE FUNCTION warm() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	FOR i IN 1 .. 10 LOOP
		PERFORM ask_fielded('zzz'), ask_two_configs('zzz'), ask_spoken('zzz'), ask_spoken_one('zzz'),
			ask_spoken_two('zzz'), ask_spoken_four('zzz');
	END LOOP; END $$;
SELECT warm();
CREATE FUNCTION turns(n int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM run('fielded', 'fields'), run('two_configs', 'fields'), run('spoken', 'languages'),
			run('spoken_one', 'languages'), run('spoken_two', 'languages'), run('spoken_four', 'languages');
	END LOOP; END $$;
SELECT turns(:turns);

WITH sums AS (
	SELECT name, percentile_cont(0.5) WITHIN GROUP (ORDER BY best) AS p50, sum(best) AS total,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY first) AS first_p50, sum(first) AS first_total
	FROM times GROUP BY name)
SELECT format('%s: warm p50 %s us (%s), sum %s us (%s); first p50 %s (%s), sum %s (%s)', s.name,
	round(s.p50), round((s.p50 / b.p50)::numeric, 2), round(s.total), round((s.total / b.total)::numeric, 2),
	round(s.first_p50), round((s.first_p50 / b.first_p50)::numeric, 2),
	round(s.first_total), round((s.first_total / b.first_total)::numeric, 2))
FROM sums s JOIN sums b ON b.name = CASE WHEN s.name IN ('fielded', 'two_configs') THEN 'fielded' ELSE 'spoken' END
ORDER BY b.name, s.total;
