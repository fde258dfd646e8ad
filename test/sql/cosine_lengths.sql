-- Cosine distance does not depend on lengths: an index over vectors of all
-- lengths that floats allow finds what a sort of the unscaled vectors finds.
CREATE TABLE cosine_lengths (id int, plain vector(24), v vector(24));
SELECT setseed(0.3);
INSERT INTO cosine_lengths SELECT i, p::vector, (SELECT array_agg(x * s ORDER BY n) FROM unnest(p) WITH ORDINALITY u (x, n))::vector
FROM (SELECT i, (ARRAY[1e-33, 1e-25, 1e-15, 1, 1e15, 1e19, 1e25, 1e33])[1 + i % 8] AS s, (SELECT array_agg(random() - 0.5) FROM generate_series(1, 24) j WHERE i > 0) AS p FROM generate_series(1, 2000) i) rows;

-- recall@10 of queries of each length, 160 neighbours asked of a graph of 2,000
CREATE FUNCTION pg_temp.recall(method text, quantization text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	query record;
	found int[];
	hits int = 0;
	asked int = 0;
BEGIN
	EXECUTE format('CREATE INDEX cosine_lengths_idx ON cosine_lengths USING %I (v vector_cosine_ops) WITH (quantization = %s)', method, quantization);
	FOR query IN SELECT id, plain, v FROM cosine_lengths WHERE id % 67 = 0 LOOP
		SET LOCAL enable_seqscan = off;
		EXECUTE 'SELECT array_agg(id) FROM (SELECT id FROM cosine_lengths ORDER BY v <=> $1 LIMIT 10) s' INTO found USING query.v;
		RESET enable_seqscan;
		hits = hits + (SELECT count(*) FROM (SELECT id FROM cosine_lengths ORDER BY (plain <=> query.plain) + 0 LIMIT 10) s WHERE id = ANY (found));
		asked = asked + 10;
	END LOOP;
	DROP INDEX cosine_lengths_idx;
	RETURN hits::numeric / asked;
END $$;
SET barq.ef_search = 160;
SET barq.probes = 1000;
SELECT method, quantization, pg_temp.recall(method, quantization) >= 0.98 AS found
FROM unnest(ARRAY['barq_hnsw', 'barq_ivf']) method, unnest(ARRAY['none', 'f16', 'sq8', 'rabitq']) quantization ORDER BY 1, 2;

-- sparse vectors: the distance of two rows is that of the unscaled ones; an index over them
ALTER TABLE cosine_lengths ADD s sparsevec(24);
UPDATE cosine_lengths SET s = v::sparsevec;
SELECT bool_and(abs((a.s <=> b.s) - (a.plain <=> b.plain)) < 1e-5) AS same, count(*) FROM cosine_lengths a, cosine_lengths b WHERE a.id <= 40 AND b.id <= 40;
ALTER TABLE cosine_lengths DROP v;
ALTER TABLE cosine_lengths RENAME s TO v;
CREATE OR REPLACE FUNCTION pg_temp.recall_sparse() RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	query record;
	found int[];
	hits int = 0;
	asked int = 0;
BEGIN
	CREATE INDEX cosine_lengths_idx ON cosine_lengths USING barq_hnsw (v sparsevec_cosine_ops);
	FOR query IN SELECT id, plain, v FROM cosine_lengths WHERE id % 67 = 0 LOOP
		SET LOCAL enable_seqscan = off;
		EXECUTE 'SELECT array_agg(id) FROM (SELECT id FROM cosine_lengths ORDER BY v <=> $1 LIMIT 10) s' INTO found USING query.v;
		RESET enable_seqscan;
		hits = hits + (SELECT count(*) FROM (SELECT id FROM cosine_lengths ORDER BY (plain <=> query.plain) + 0 LIMIT 10) s WHERE id = ANY (found));
		asked = asked + 10;
	END LOOP;
	RETURN hits::numeric / asked;
END $$;
SELECT pg_temp.recall_sparse() >= 0.98 AS found;
DROP TABLE cosine_lengths;
