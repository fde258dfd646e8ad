-- halfvec, sparsevec and bit through the index: errors, limits, long rows, NULLs and
-- zeros.
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set helpers :abs_srcdir '/include/compare.sql'
\i :helpers
\set ECHO all
SET enable_seqscan = off;

CREATE TABLE hnsw_limits (id int, h halfvec(3), s sparsevec(3), b bit(3), plain_h halfvec, plain_s sparsevec, plain_b varbit,
	big_h halfvec(16000), big_s sparsevec(1000000000), big_b bit(64000), more_b bit(64001), some_b varbit(64));
SELECT d, pg_temp.outcome('CREATE INDEX ON hnsw_limits USING barq_hnsw ' || d) FROM unnest(ARRAY[
	'(plain_h halfvec_l2_ops)', '(plain_s sparsevec_l2_ops)', '(plain_b bit_hamming_ops)', '(some_b bit_jaccard_ops)', '((some_b::bit(64)) bit_jaccard_ops)',
	'(more_b bit_hamming_ops)', '(more_b bit_jaccard_ops)',
	'(big_h halfvec_cosine_ops)', '(big_s sparsevec_cosine_ops)', '(big_b bit_hamming_ops)',
	-- no default; another type's class, a distance that the type does not have
	'(h)', '(s)', '(b)', '(h vector_l2_ops)', '(s halfvec_l2_ops)', '(b bit_l2_ops)',
	-- a type whose rows have one form
	'(b bit_hamming_ops) WITH (quantization = sq8)', '(b bit_hamming_ops) WITH (quantization = f16)',
	'(s sparsevec_l2_ops) WITH (quantization = sq8)', '(s sparsevec_ip_ops) WITH (quantization = f16)',
	'(b bit_hamming_ops) WITH (quantization = none)', '(s sparsevec_l2_ops) WITH (quantization = none)',
	'(h halfvec_l2_ops) WITH (quantization = none)', '(h halfvec_l2_ops) WITH (quantization = f16)']) d;
SELECT pg_get_indexdef(indexrelid, 1, true) AS col, i.options FROM pg_index x JOIN barq_indexes() i ON i.index = indexrelid::regclass
	WHERE indrelid = 'hnsw_limits'::regclass ORDER BY indexrelid;

-- a query, and a row, of other dimensions
TRUNCATE hnsw_limits;
CREATE INDEX ON hnsw_limits USING barq_hnsw (h halfvec_l2_ops);
CREATE INDEX ON hnsw_limits USING barq_hnsw (s sparsevec_l2_ops);
CREATE INDEX ON hnsw_limits USING barq_hnsw (b bit_hamming_ops);
INSERT INTO hnsw_limits (id, h, s, b) VALUES (1, '[1,2,3]', '{1:1}/3', '101');
SELECT q, pg_temp.outcome('SELECT id FROM hnsw_limits ORDER BY ' || q || ' LIMIT 1') FROM unnest(ARRAY[
	'h <-> ''[1,2]''', 's <-> ''{}/4''', 'b <~> ''1010''', 'h <-> ''[1,2,70000]''']) q;
SELECT v, pg_temp.outcome('INSERT INTO hnsw_limits ' || v) FROM unnest(ARRAY[
	'(h) VALUES (''[1,2]'')', '(s) VALUES (''{}/4'')', '(b) VALUES (''1010'')']) v;
SELECT count(*) FROM hnsw_limits;
DROP TABLE hnsw_limits;

-- the longest rows: built, in the log (where they span pages), sealed, compacted
CREATE TABLE hnsw_long (id int GENERATED ALWAYS AS IDENTITY, h halfvec(16000), s sparsevec(1000000000), b bit(64000)) WITH (autovacuum_enabled = off);
SELECT setseed(0.4);
-- sparse rows of all lengths in one log: empty, filling a page, the longest
CREATE FUNCTION pg_temp.add_rows() RETURNS void LANGUAGE sql BEGIN ATOMIC
	INSERT INTO hnsw_long (h, s, b)
		SELECT (SELECT array_agg(random() - 0.5 + 0 * (row + j)) FROM generate_series(1, 16000) j)::real[]::halfvec,
			format('{%s}/1000000000', (SELECT string_agg(format('%s:%s', 1 + j * 62000 + row, round((random() - 0.5)::numeric, 3) + 1), ',')
				FROM generate_series(1, (ARRAY[16000, 0, 3, 1, 1000, 1013, 1014, 2029, 5, 16000, 40, 2])[row]) j))::sparsevec,
			(SELECT string_agg(CASE WHEN random() < (row + 0 * j) / 20.0 THEN '1' ELSE '0' END, '') FROM generate_series(1, 64000) j)::varbit::bit(64000)
		FROM generate_series(1, 12) row;
END;
CREATE FUNCTION pg_temp.check_long(col text, opclass text, op text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text = '';
	wrong bigint;
	complaints bigint;
BEGIN
	TRUNCATE hnsw_long RESTART IDENTITY;
	PERFORM pg_temp.add_rows();
	EXECUTE format('CREATE VIEW long_view AS SELECT id, %I AS v FROM hnsw_long', col);
	EXECUTE format('CREATE INDEX hnsw_long_idx ON hnsw_long USING barq_hnsw (%I %s)', col, opclass);
	FOR step IN 1..5 LOOP
		IF step = 2 THEN PERFORM pg_temp.add_rows(); DELETE FROM hnsw_long WHERE id % 5 = 1;
		ELSIF step = 4 THEN PERFORM barq_seal('hnsw_long_idx');
		ELSIF step = 5 THEN PERFORM barq_compact('hnsw_long_idx'); END IF;
		-- twice: what is remembered of the log serves the second
		EXECUTE format('SELECT c.wrong FROM (SELECT array_agg(v) AS vs FROM long_view) s, pg_temp.compare(''long_view'', %L, vs, 100) c', op) INTO wrong;
		SELECT count(*) INTO complaints FROM barq_check('hnsw_long_idx');
		result = result || format('%s/%s ', wrong, complaints);
	END LOOP;
	DROP INDEX hnsw_long_idx;
	DROP VIEW long_view;
	RETURN result;
END $$;
SELECT o, pg_temp.check_long(split_part(o, ' ', 1), split_part(o, ' ', 2), split_part(o, ' ', 3)) AS "wrong/complaints"
	FROM unnest(ARRAY['h halfvec_l2_ops <->', 's sparsevec_l2_ops <->', 's sparsevec_ip_ops <#>', 's sparsevec_cosine_ops <=>', 's sparsevec_l1_ops <+>',
		'b bit_hamming_ops <~>', 'b bit_jaccard_ops <%>']) o;
DROP FUNCTION pg_temp.add_rows();
DROP TABLE hnsw_long;

-- NULLs and zeros: every row is returned, from the log and from segments
CREATE TABLE hnsw_zeros (id int, h halfvec(3), s sparsevec(3), b bit(3));
DO $$
DECLARE
	class text;
	col text;
	op text;
	found int[];
	missing int;
	zero int;
BEGIN
	FOREACH class IN ARRAY ARRAY['halfvec_l2_ops <->', 'halfvec_ip_ops <#>', 'halfvec_cosine_ops <=>', 'halfvec_l1_ops <+>', 'sparsevec_l2_ops <->',
			'sparsevec_ip_ops <#>', 'sparsevec_cosine_ops <=>', 'sparsevec_l1_ops <+>', 'bit_hamming_ops <~>', 'bit_jaccard_ops <%>'] LOOP
		col = left(class, 1);
		op = split_part(class, ' ', 2);
		TRUNCATE hnsw_zeros;
		INSERT INTO hnsw_zeros VALUES (1, '[0,0,0]', '{}/3', '000'), (2, '[1,2,3]', '{1:1,2:2,3:3}/3', '110'), (3, NULL, NULL, NULL);
		EXECUTE format('CREATE INDEX hnsw_zeros_idx ON hnsw_zeros USING barq_hnsw (%I %s)', col, split_part(class, ' ', 1));
		INSERT INTO hnsw_zeros VALUES (4, NULL, NULL, NULL), (5, '[1,1,1]', '{1:1,2:1,3:1}/3', '111'), (6, '[0,0,0]', '{}/3', '000');
		FOR step IN 1..2 LOOP
			EXECUTE format('SELECT array_agg(CASE WHEN id IN (1, 6) THEN 0 ELSE id END) FROM (SELECT id FROM hnsw_zeros ORDER BY %I %s %L LIMIT 20) s', col, op,
				CASE col WHEN 'h' THEN '[3,3,3]' WHEN 's' THEN '{1:3,2:3,3:3}/3' ELSE '111' END) INTO found;
			EXECUTE format('SELECT count(*) FROM (SELECT id FROM hnsw_zeros ORDER BY %I %s (SELECT %1$I FROM hnsw_zeros WHERE id = 3) LIMIT 20) s', col, op) INTO missing;
			EXECUTE format('SELECT count(*) FROM (SELECT id FROM hnsw_zeros ORDER BY %I %s %L LIMIT 20) s', col, op,
				CASE col WHEN 'h' THEN '[0,0,0]' WHEN 's' THEN '{}/3' ELSE '000' END) INTO zero;
			RAISE NOTICE '% %: ids %, NULL query % rows, zero query % rows, % complaints', class, (ARRAY['with a log', 'sealed'])[step], found, missing, zero,
				(SELECT count(*) FROM barq_check('hnsw_zeros_idx'));
			PERFORM barq_seal('hnsw_zeros_idx');
		END LOOP;
		DROP INDEX hnsw_zeros_idx;
	END LOOP;
END $$;
DROP TABLE hnsw_zeros;
