-- The type itself: text form, binary form, type modifier, storage.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

-- text: white space, order, zeros, forms of numbers
SELECT '{1:1.5,3:3.5}/5'::sparsevec;
SELECT E' { 1 :\t1 ,\n+3:\x0b-2\f}\r/ 5 '::sparsevec;
SELECT '{5:5,1:1,3:3}/5'::sparsevec, '{}/5'::sparsevec, '{ } / 5'::sparsevec;
SELECT '{1:0,2:1,3:-0,4:0e5}/4'::sparsevec, '{0:0,9:0,2:0,2:0}/3'::sparsevec AS zeros_anywhere;
SELECT '{1:1.,2:.5,3:1e3,4:1E-3,5:1.5e+2,6:0x10,07:00012}/7'::sparsevec;
-- the limits of float32, of indices and of dimensions
SELECT '{1:3.4028235e38,2:-3.4028235e38,3:1.1754944e-38,4:1e-45}/4'::sparsevec;
SELECT '{1:1,1000000000:-1}/1000000000'::sparsevec;

-- Every number is read as the same float as by real, and is written so that it reads back.
SELECT setseed(0.5);
CREATE TEMP TABLE sparse AS
SELECT i, format('{%s}/%s', string_agg(format('%s:%s', index, (random() - 0.5)::real * exp((random() - 0.5) * 160)), ','),
				 (random() * 10 ^ (i % 9))::int + max(index)) AS t
FROM generate_series(1, 2000) i, LATERAL (
	SELECT DISTINCT 1 + (random() * 10 ^ (i % 10))::int % 100000 AS index
	FROM generate_series(1, i % 50) WHERE i > 0) s
GROUP BY i;
SELECT count(*), count(*) FILTER (WHERE sparsevec_send(t::sparsevec::text::sparsevec) <> sparsevec_send(t::sparsevec)) AS differ FROM sparse;
SELECT count(*), count(*) FILTER (WHERE u <> (
	SELECT format('{%s}/%s', string_agg(format('%s:%s', index, e::real), ',' ORDER BY index), split_part(t, '/', 2))
	FROM regexp_matches(t, '(\d+):([^,}]+)', 'g') m, LATERAL (SELECT m[1]::int, m[2]) p(index, e))) AS differ
FROM sparse, LATERAL (SELECT t::sparsevec::text) v(u);
DROP TABLE sparse;

-- binary: dimensions, elements, zero, indices from 0, elements, in network order
SELECT sparsevec_send('{1:1,3:-2}/5'), sparsevec_send('{}/1000000000');

-- as pgvector declares it
SELECT typlen, typbyval, typalign, typstorage, typcategory, typdelim
FROM pg_type WHERE oid = 'sparsevec'::regtype;

-- type modifier
SELECT '{1:1}/3'::sparsevec(3);
SELECT format_type('sparsevec'::regtype, 3);
CREATE TABLE sparsevec_type (a sparsevec(3), b sparsevec, c sparsevec(2)[], d sparsevec(3) DEFAULT '{2:2}/3');
SELECT attname, format_type(atttypid, atttypmod), attstorage
FROM pg_attribute WHERE attrelid = 'sparsevec_type'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO sparsevec_type VALUES ('{1:1}/3', '{1:1}/1', '{"{1:1}/2","{}/2"}');
INSERT INTO sparsevec_type (a) VALUES ('{1:1}/2');
INSERT INTO sparsevec_type (c) VALUES ('{"{1:1}/2","{1:1}/3"}');
INSERT INTO sparsevec_type (a) SELECT b FROM sparsevec_type;
INSERT INTO sparsevec_type (b) VALUES (NULL);
SELECT * FROM sparsevec_type ORDER BY b;
ALTER TABLE sparsevec_type ALTER a TYPE sparsevec(4);
ALTER TABLE sparsevec_type ALTER a TYPE sparsevec;
DROP TABLE sparsevec_type;

-- 16,000 elements, stored out of line and not compressed
CREATE TABLE sparsevec_large (id int, v sparsevec(1000000000));
INSERT INTO sparsevec_large
SELECT i, format('{%s}/1000000000', string_agg(format('%s:%s', j * 62500, i * 20000 + j), ',' ORDER BY j))::sparsevec
FROM generate_series(1, 3) i, generate_series(1, 16000) j GROUP BY i;
SELECT id, pg_column_size(v), left(v::text, 24), right(v::text, 30) FROM sparsevec_large ORDER BY id;
SELECT id, md5(sparsevec_send(v)) = md5(sparsevec_send(v::text::sparsevec)) AS same FROM sparsevec_large ORDER BY id;
DROP TABLE sparsevec_large;

-- COPY in text and in binary
CREATE TABLE sparsevec_copy (id int, v sparsevec(3), w sparsevec);
INSERT INTO sparsevec_copy VALUES
	(1, '{}/3', '{1:1}/1'), (2, '{1:1.5,3:3e38}/3', NULL), (3, NULL, '{7:1e-45}/1000000000'),
	(4, '{2:0.1}/3', array_fill(0.1::real, ARRAY[16000])::sparsevec);
CREATE TABLE sparsevec_copied (LIKE sparsevec_copy);
\getenv outdir PG_ABS_BUILDDIR
\set file :outdir '/results/sparsevec_copy.bin'
\set out '\\copy sparsevec_copy TO ' :'file' ' WITH (FORMAT binary)'
\set in '\\copy sparsevec_copied FROM ' :'file' ' WITH (FORMAT binary)'
:out
:in
SELECT count(*) AS rows, count(*) FILTER (WHERE sparsevec_send(a.v) IS DISTINCT FROM sparsevec_send(b.v)
	OR sparsevec_send(a.w) IS DISTINCT FROM sparsevec_send(b.w)) AS differ
FROM sparsevec_copy a FULL JOIN sparsevec_copied b USING (id);
TRUNCATE sparsevec_copied;
\set file :outdir '/results/sparsevec_copy.txt'
\set out '\\copy sparsevec_copy TO ' :'file'
\set in '\\copy sparsevec_copied FROM ' :'file'
:out
:in
SELECT count(*) AS rows, count(*) FILTER (WHERE sparsevec_send(a.v) IS DISTINCT FROM sparsevec_send(b.v)
	OR sparsevec_send(a.w) IS DISTINCT FROM sparsevec_send(b.w)) AS differ
FROM sparsevec_copy a FULL JOIN sparsevec_copied b USING (id);
-- the type modifier holds for binary input too
CREATE TABLE sparsevec_other (id int, v sparsevec(4), w sparsevec);
\set file :outdir '/results/sparsevec_copy.bin'
\set in '\\copy sparsevec_other FROM ' :'file' ' WITH (FORMAT binary)'
:in
-- binary input that is no sparsevec is refused
CREATE TABLE sparsevec_bytes (b bytea);
CREATE TABLE sparsevec_read (v sparsevec);
\set file :outdir '/results/sparsevec_bad.bin'
\set out '\\copy sparsevec_bytes TO ' :'file' ' WITH (FORMAT binary)'
\set in '\\copy sparsevec_read FROM ' :'file' ' WITH (FORMAT binary)'
INSERT INTO sparsevec_bytes VALUES ('\x000000030000000100000000000000023f800000'); -- {3:1}/3
:out
:in
SELECT * FROM sparsevec_read;
UPDATE sparsevec_bytes SET b = '\x000000000000000000000000'; -- no dimension
:out
:in
UPDATE sparsevec_bytes SET b = '\xffffffff0000000000000000'; -- -1 dimensions
:out
:in
UPDATE sparsevec_bytes SET b = '\x3b9aca010000000000000000'; -- 1,000,000,001 dimensions
:out
:in
UPDATE sparsevec_bytes SET b = '\x00000005ffffffff00000000'; -- -1 elements
:out
:in
UPDATE sparsevec_bytes SET b = '\x00004e2000003e8100000000'; -- 16,001 elements
:out
:in
UPDATE sparsevec_bytes SET b = '\x00000001000000020000000000000000000000013f8000003f800000'; -- more elements than dimensions
:out
:in
UPDATE sparsevec_bytes SET b = '\x000000030000000100000001000000003f800000'; -- reserved bits
:out
:in
UPDATE sparsevec_bytes SET b = '\x000000030000000100000000ffffffff3f800000'; -- an index below 0
:out
:in
UPDATE sparsevec_bytes SET b = '\x000000030000000100000000000000033f800000'; -- an index beyond the dimensions
:out
:in
UPDATE sparsevec_bytes SET b = '\x00000003000000020000000000000001000000003f8000003f800000'; -- descending
:out
:in
UPDATE sparsevec_bytes SET b = '\x00000003000000020000000000000001000000013f8000003f800000'; -- duplicate
:out
:in
UPDATE sparsevec_bytes SET b = '\x000000030000000100000000000000007fc00000'; -- NaN
:out
:in
UPDATE sparsevec_bytes SET b = '\x00000003000000010000000000000000ff800000'; -- -infinity
:out
:in
UPDATE sparsevec_bytes SET b = '\x0000000300000001000000000000000000000000'; -- zero
:out
:in
UPDATE sparsevec_bytes SET b = '\x0000000300000001000000000000000080000000'; -- -0
:out
:in
UPDATE sparsevec_bytes SET b = '\x00000003000000020000000000000000000000013f800000'; -- too short
:out
:in
UPDATE sparsevec_bytes SET b = '\x0000000300003e8000000000'; -- more elements than dimensions
:out
:in
UPDATE sparsevec_bytes SET b = '\x0000753000003e80000000000000000000000001'; -- far too short
:out
:in
UPDATE sparsevec_bytes SET b = '\x000000030000000100000000000000003f80000000'; -- too long
:out
:in
UPDATE sparsevec_bytes SET b = '\x00000003'; -- no header
:out
:in
DROP TABLE sparsevec_copy, sparsevec_copied, sparsevec_other, sparsevec_bytes, sparsevec_read;
