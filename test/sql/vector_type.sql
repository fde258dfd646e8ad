-- The type itself: text form, binary form, type modifier, storage.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

-- text: white space, signs, forms of numbers
SELECT '[1,2,3]'::vector;
SELECT E' [ 1 ,\t-2,\n+3\x0b,\f4\r] '::vector;
SELECT '[1.,.5,0.25,1e3,1E-3,1.5e+2,0x10,00012]'::vector;
SELECT '[0,-0,0e9,-0.0]'::vector;
SELECT '[1.23456789,0.1,16777217,123456789012345678901234567890]'::vector;
-- the limits of float32; numbers too small become 0
SELECT '[3.4028235e38,-3.4028235e38,1.1754944e-38,1e-45,1e-46]'::vector;

-- Every number is read as the same float as by real, by either of the two readers.
SELECT setseed(0.5);
CREATE TEMP TABLE numbers AS
SELECT format((ARRAY['%s', '-%s', '+%s'])[1 + i % 3], n) AS n
FROM (
	SELECT i, (exp((random() - 0.5) * 160))::text AS n FROM generate_series(1, 3000) i
	UNION ALL
	SELECT i, (exp((random() - 0.5) * 160))::real::text FROM generate_series(1, 3000) i
	UNION ALL
	SELECT i, round(random()::numeric * 100, i % 12)::text FROM generate_series(1, 3000) i
	UNION ALL
	SELECT i, (random() * 1e18)::bigint::text || 'e' || (i % 60 - 42) FROM generate_series(1, 3000) i
	UNION ALL
	-- halfway between two floats, and a little beside
	SELECT i, (16777217 + 2 * i)::text || (ARRAY['', '.', '.000', '.0000001', '.00000000001'])[1 + i % 5]
	FROM generate_series(1, 3000) i
	UNION ALL
	SELECT i, (16777216 + 2 * i)::text || '.99999999' || repeat('9', i % 12) FROM generate_series(1, 3000) i
	UNION ALL
	-- subnormal floats
	SELECT i, (1 + random() * 100)::text || 'e-' || (38 + i % 7) FROM generate_series(1, 700) i
) s;
SELECT count(*) AS numbers,
	count(*) FILTER (WHERE vector_send(format('[%s]', n)::vector) <>
					 vector_send(ARRAY[n::real]::vector)) AS differ
FROM numbers;
-- written numbers read back as the same floats
SELECT count(*) FILTER (WHERE vector_send(v::text::vector) <> vector_send(v)) AS differ
FROM (SELECT format('[%s]', n)::vector AS v FROM numbers) s;
DROP TABLE numbers;

-- binary: dimensions, zero, elements in network order
SELECT vector_send('[1,-2,0.5]');

-- as pgvector declares it
SELECT typlen, typbyval, typalign, typstorage, typcategory, typdelim
FROM pg_type WHERE oid = 'vector'::regtype;

-- type modifier
SELECT '[1,2,3]'::vector(3);
SELECT format_type('vector'::regtype, 3);
CREATE TABLE vector_type (a vector(3), b vector, c vector(2)[], d vector(3) DEFAULT '[1,2,3]');
SELECT attname, format_type(atttypid, atttypmod), attstorage
FROM pg_attribute WHERE attrelid = 'vector_type'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO vector_type VALUES ('[1,2,3]', '[1]', '{"[1,2]","[3,4]"}');
INSERT INTO vector_type (a) VALUES ('[1,2]');
INSERT INTO vector_type (c) VALUES ('{"[1,2]","[3]"}');
INSERT INTO vector_type (a) SELECT b FROM vector_type;
UPDATE vector_type SET a = subvector(a, 1, 2);
INSERT INTO vector_type (b) VALUES (NULL);
SELECT * FROM vector_type ORDER BY b;
ALTER TABLE vector_type ALTER a TYPE vector(4);
ALTER TABLE vector_type ALTER a TYPE vector;
DROP TABLE vector_type;

-- 16,000 dimensions, stored out of line and not compressed
CREATE TABLE vector_large (id int, v vector(16000));
INSERT INTO vector_large
SELECT i, array_agg((i * 20000 + j) / 8.0 ORDER BY j)::vector
FROM generate_series(1, 3) i, generate_series(1, 16000) j GROUP BY i;
SELECT id, vector_dims(v), pg_column_size(v), subvector(v, 15999, 2) FROM vector_large ORDER BY id;
SELECT id, md5(vector_send(v)) = md5(vector_send(v::text::vector)) AS same FROM vector_large ORDER BY id;
DROP TABLE vector_large;

-- COPY in text and in binary
CREATE TABLE vector_copy (id int, v vector(3), w vector);
INSERT INTO vector_copy VALUES
	(1, '[0,0,0]', '[1]'), (2, '[1.5,-2.25,3e38]', NULL), (3, NULL, '[1e-45,-0]'),
	(4, '[0.1,0.2,0.3]', array_fill(0.1::real, ARRAY[16000])::vector);
CREATE TABLE vector_copied (LIKE vector_copy);
\getenv outdir PG_ABS_BUILDDIR
\set file :outdir '/results/vector_copy.bin'
\set out '\\copy vector_copy TO ' :'file' ' WITH (FORMAT binary)'
\set in '\\copy vector_copied FROM ' :'file' ' WITH (FORMAT binary)'
:out
:in
SELECT count(*) AS rows, count(*) FILTER (WHERE vector_send(a.v) IS DISTINCT FROM vector_send(b.v)
	OR vector_send(a.w) IS DISTINCT FROM vector_send(b.w)) AS differ
FROM vector_copy a FULL JOIN vector_copied b USING (id);
TRUNCATE vector_copied;
\set file :outdir '/results/vector_copy.txt'
\set out '\\copy vector_copy TO ' :'file'
\set in '\\copy vector_copied FROM ' :'file'
:out
:in
SELECT count(*) AS rows, count(*) FILTER (WHERE vector_send(a.v) IS DISTINCT FROM vector_send(b.v)
	OR vector_send(a.w) IS DISTINCT FROM vector_send(b.w)) AS differ
FROM vector_copy a FULL JOIN vector_copied b USING (id);
-- the type modifier holds for binary input too
CREATE TABLE vector_other (id int, v vector(4), w vector);
\set file :outdir '/results/vector_copy.bin'
\set in '\\copy vector_other FROM ' :'file' ' WITH (FORMAT binary)'
:in
-- binary input that is no vector is refused
CREATE TABLE vector_bytes (b bytea);
CREATE TABLE vector_read (v vector);
\set file :outdir '/results/vector_bad.bin'
\set out '\\copy vector_bytes TO ' :'file' ' WITH (FORMAT binary)'
\set in '\\copy vector_read FROM ' :'file' ' WITH (FORMAT binary)'
INSERT INTO vector_bytes VALUES ('\x000100003f800000');		-- [1]
:out
:in
SELECT * FROM vector_read;
UPDATE vector_bytes SET b = '\x00000000';					-- no dimension
:out
:in
UPDATE vector_bytes SET b = '\x3e81000000000000';			-- 16,001
:out
:in
UPDATE vector_bytes SET b = '\xffff000000000000';			-- 65,535
:out
:in
UPDATE vector_bytes SET b = '\x000100013f800000';			-- reserved bits
:out
:in
UPDATE vector_bytes SET b = '\x000100007fc00000';			-- NaN
:out
:in
UPDATE vector_bytes SET b = '\x00010000ff800000';			-- -infinity
:out
:in
UPDATE vector_bytes SET b = '\x000200003f800000';			-- too short
:out
:in
UPDATE vector_bytes SET b = '\x000100003f80000000';			-- too long
:out
:in
UPDATE vector_bytes SET b = '\x00';							-- no header
:out
:in
DROP TABLE vector_copy, vector_copied, vector_other, vector_bytes, vector_read;
