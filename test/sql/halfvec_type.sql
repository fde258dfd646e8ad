-- The type itself: text form, binary form, type modifier, storage.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

-- text: white space, signs, forms of numbers
SELECT '[1,2,3]'::halfvec;
SELECT E' [ 1 ,\t-2,\n+3\x0b,\f4\r] '::halfvec;
SELECT '[1.,.5,0.25,1e3,1E-3,1.5e+2,0x10,00012]'::halfvec;
SELECT '[0,-0,0e9,-0.0]'::halfvec;
SELECT '[1.23456789,0.1,2049,2050,2051,65519.99,-65519.99]'::halfvec;
-- the limits of halves; numbers too small become 0
SELECT '[65504,-65504,6.104e-5,5.96e-8,2.99e-8,2.98e-8,1e-46]'::halfvec;

-- Every number is read as its real rounded to half, by either of the two readers.
SELECT setseed(0.5);
CREATE TEMP TABLE numbers AS
SELECT format((ARRAY['%s', '-%s', '+%s'])[1 + i % 3], n) AS n
FROM (
	SELECT i, (exp((random() - 0.6) * 27))::text AS n FROM generate_series(1, 3000) i
	UNION ALL
	SELECT i, (exp((random() - 0.6) * 27))::real::text FROM generate_series(1, 3000) i
	UNION ALL
	SELECT i, round(random()::numeric * 100, i % 12)::text FROM generate_series(1, 3000) i
	UNION ALL
	-- halfway between two halves, and a little beside
	SELECT i, (2049 + 2 * i % 2048)::text || (ARRAY['', '.', '.000', '.001', '.0000001'])[1 + i % 5]
	FROM generate_series(1, 3000) i
	UNION ALL
	-- subnormal halves
	SELECT i, (1 + random() * 100)::text || 'e-' || (5 + i % 7) FROM generate_series(1, 700) i
) s;
SELECT count(*) AS numbers,
	count(*) FILTER (WHERE halfvec_send(format('[%s]', n)::halfvec) <>
					 halfvec_send(ARRAY[n::real]::halfvec)) AS differ,
	-- the nearest of all halves: no half lies between the number and what it is read as
	count(*) FILTER (WHERE abs((format('[%s]', n)::halfvec::real[])[1]::float8 - n::float8) >
					 greatest(abs(n::float8) * 2.0 ^ -11, 2.0 ^ -25)) AS far
FROM numbers;
-- written numbers read back as the same halves
SELECT count(*) FILTER (WHERE halfvec_send(v::text::halfvec) <> halfvec_send(v)) AS differ
FROM (SELECT format('[%s]', n)::halfvec AS v FROM numbers) s;
DROP TABLE numbers;

-- binary: dimensions, zero, elements in network order
SELECT halfvec_send('[1,-2,0.5]');

-- as pgvector declares it
SELECT typlen, typbyval, typalign, typstorage, typcategory, typdelim
FROM pg_type WHERE oid = 'halfvec'::regtype;

-- type modifier
SELECT '[1,2,3]'::halfvec(3);
SELECT format_type('halfvec'::regtype, 3);
CREATE TABLE halfvec_type (a halfvec(3), b halfvec, c halfvec(2)[], d halfvec(3) DEFAULT '[1,2,3]');
SELECT attname, format_type(atttypid, atttypmod), attstorage
FROM pg_attribute WHERE attrelid = 'halfvec_type'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO halfvec_type VALUES ('[1,2,3]', '[1]', '{"[1,2]","[3,4]"}');
INSERT INTO halfvec_type (a) VALUES ('[1,2]');
INSERT INTO halfvec_type (c) VALUES ('{"[1,2]","[3]"}');
INSERT INTO halfvec_type (a) SELECT b FROM halfvec_type;
UPDATE halfvec_type SET a = subvector(a, 1, 2);
INSERT INTO halfvec_type (b) VALUES (NULL);
SELECT * FROM halfvec_type ORDER BY b;
ALTER TABLE halfvec_type ALTER a TYPE halfvec(4);
ALTER TABLE halfvec_type ALTER a TYPE halfvec;
DROP TABLE halfvec_type;

-- 16,000 dimensions, stored out of line and not compressed
CREATE TABLE halfvec_large (id int, v halfvec(16000));
INSERT INTO halfvec_large
SELECT i, array_agg((i * 20000 + j) % 4096 / 8.0 ORDER BY j)::halfvec
FROM generate_series(1, 3) i, generate_series(1, 16000) j GROUP BY i;
SELECT id, vector_dims(v), pg_column_size(v), subvector(v, 15999, 2) FROM halfvec_large ORDER BY id;
SELECT id, md5(halfvec_send(v)) = md5(halfvec_send(v::text::halfvec)) AS same FROM halfvec_large ORDER BY id;
DROP TABLE halfvec_large;

-- COPY in text and in binary
CREATE TABLE halfvec_copy (id int, v halfvec(3), w halfvec);
INSERT INTO halfvec_copy VALUES
	(1, '[0,0,0]', '[1]'), (2, '[1.5,-2.25,6e4]', NULL), (3, NULL, '[6e-8,-0]'),
	(4, '[0.1,0.2,0.3]', array_fill(0.1::real, ARRAY[16000])::halfvec);
CREATE TABLE halfvec_copied (LIKE halfvec_copy);
\getenv outdir PG_ABS_BUILDDIR
\set file :outdir '/results/halfvec_copy.bin'
\set out '\\copy halfvec_copy TO ' :'file' ' WITH (FORMAT binary)'
\set in '\\copy halfvec_copied FROM ' :'file' ' WITH (FORMAT binary)'
:out
:in
SELECT count(*) AS rows, count(*) FILTER (WHERE halfvec_send(a.v) IS DISTINCT FROM halfvec_send(b.v)
	OR halfvec_send(a.w) IS DISTINCT FROM halfvec_send(b.w)) AS differ
FROM halfvec_copy a FULL JOIN halfvec_copied b USING (id);
TRUNCATE halfvec_copied;
\set file :outdir '/results/halfvec_copy.txt'
\set out '\\copy halfvec_copy TO ' :'file'
\set in '\\copy halfvec_copied FROM ' :'file'
:out
:in
SELECT count(*) AS rows, count(*) FILTER (WHERE halfvec_send(a.v) IS DISTINCT FROM halfvec_send(b.v)
	OR halfvec_send(a.w) IS DISTINCT FROM halfvec_send(b.w)) AS differ
FROM halfvec_copy a FULL JOIN halfvec_copied b USING (id);
-- the type modifier holds for binary input too
CREATE TABLE halfvec_other (id int, v halfvec(4), w halfvec);
\set file :outdir '/results/halfvec_copy.bin'
\set in '\\copy halfvec_other FROM ' :'file' ' WITH (FORMAT binary)'
:in
-- binary input that is no halfvec is refused
CREATE TABLE halfvec_bytes (b bytea);
CREATE TABLE halfvec_read (v halfvec);
\set file :outdir '/results/halfvec_bad.bin'
\set out '\\copy halfvec_bytes TO ' :'file' ' WITH (FORMAT binary)'
\set in '\\copy halfvec_read FROM ' :'file' ' WITH (FORMAT binary)'
INSERT INTO halfvec_bytes VALUES ('\x000100003c00');			-- [1]
:out
:in
SELECT * FROM halfvec_read;
UPDATE halfvec_bytes SET b = '\x00000000';					-- no dimension
:out
:in
UPDATE halfvec_bytes SET b = '\x3e81000000000000';			-- 16,001
:out
:in
UPDATE halfvec_bytes SET b = '\xffff000000000000';			-- 65,535
:out
:in
UPDATE halfvec_bytes SET b = '\x000100013c00';			-- reserved bits
:out
:in
UPDATE halfvec_bytes SET b = '\x000100007e00';			-- NaN
:out
:in
UPDATE halfvec_bytes SET b = '\x00010000fc00';			-- -infinity
:out
:in
UPDATE halfvec_bytes SET b = '\x000200003c00';			-- too short
:out
:in
UPDATE halfvec_bytes SET b = '\x000100003c0000';			-- too long
:out
:in
UPDATE halfvec_bytes SET b = '\x00';							-- no header
:out
:in
DROP TABLE halfvec_copy, halfvec_copied, halfvec_other, halfvec_bytes, halfvec_read;
