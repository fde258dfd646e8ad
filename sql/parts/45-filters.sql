-- filter columns: operator classes of all columns of an index but the first

-- barq_hnsw

CREATE OPERATOR FAMILY integer_filter_ops USING barq_hnsw;
COMMENT ON OPERATOR FAMILY integer_filter_ops USING barq_hnsw IS 'filter columns of integers, compared with any of them';

CREATE OPERATOR CLASS int2_ops
	DEFAULT FOR TYPE smallint USING barq_hnsw FAMILY integer_filter_ops AS
	OPERATOR 11 < (smallint, smallint),
	OPERATOR 12 <= (smallint, smallint),
	OPERATOR 13 = (smallint, smallint),
	OPERATOR 14 >= (smallint, smallint),
	OPERATOR 15 > (smallint, smallint);
COMMENT ON OPERATOR CLASS int2_ops USING barq_hnsw IS 'filter column of type smallint';

CREATE OPERATOR CLASS int4_ops
	DEFAULT FOR TYPE integer USING barq_hnsw FAMILY integer_filter_ops AS
	OPERATOR 11 < (integer, integer),
	OPERATOR 12 <= (integer, integer),
	OPERATOR 13 = (integer, integer),
	OPERATOR 14 >= (integer, integer),
	OPERATOR 15 > (integer, integer);
COMMENT ON OPERATOR CLASS int4_ops USING barq_hnsw IS 'filter column of type integer';

CREATE OPERATOR CLASS int8_ops
	DEFAULT FOR TYPE bigint USING barq_hnsw FAMILY integer_filter_ops AS
	OPERATOR 11 < (bigint, bigint),
	OPERATOR 12 <= (bigint, bigint),
	OPERATOR 13 = (bigint, bigint),
	OPERATOR 14 >= (bigint, bigint),
	OPERATOR 15 > (bigint, bigint);
COMMENT ON OPERATOR CLASS int8_ops USING barq_hnsw IS 'filter column of type bigint';

ALTER OPERATOR FAMILY integer_filter_ops USING barq_hnsw ADD
	OPERATOR 11 < (smallint, integer),
	OPERATOR 12 <= (smallint, integer),
	OPERATOR 13 = (smallint, integer),
	OPERATOR 14 >= (smallint, integer),
	OPERATOR 15 > (smallint, integer),
	OPERATOR 11 < (smallint, bigint),
	OPERATOR 12 <= (smallint, bigint),
	OPERATOR 13 = (smallint, bigint),
	OPERATOR 14 >= (smallint, bigint),
	OPERATOR 15 > (smallint, bigint),
	OPERATOR 11 < (integer, smallint),
	OPERATOR 12 <= (integer, smallint),
	OPERATOR 13 = (integer, smallint),
	OPERATOR 14 >= (integer, smallint),
	OPERATOR 15 > (integer, smallint),
	OPERATOR 11 < (integer, bigint),
	OPERATOR 12 <= (integer, bigint),
	OPERATOR 13 = (integer, bigint),
	OPERATOR 14 >= (integer, bigint),
	OPERATOR 15 > (integer, bigint),
	OPERATOR 11 < (bigint, smallint),
	OPERATOR 12 <= (bigint, smallint),
	OPERATOR 13 = (bigint, smallint),
	OPERATOR 14 >= (bigint, smallint),
	OPERATOR 15 > (bigint, smallint),
	OPERATOR 11 < (bigint, integer),
	OPERATOR 12 <= (bigint, integer),
	OPERATOR 13 = (bigint, integer),
	OPERATOR 14 >= (bigint, integer),
	OPERATOR 15 > (bigint, integer);

CREATE OPERATOR FAMILY float_filter_ops USING barq_hnsw;
COMMENT ON OPERATOR FAMILY float_filter_ops USING barq_hnsw IS 'filter columns of floating-point numbers, compared with any of them';

CREATE OPERATOR CLASS float4_ops
	DEFAULT FOR TYPE real USING barq_hnsw FAMILY float_filter_ops AS
	OPERATOR 11 < (real, real),
	OPERATOR 12 <= (real, real),
	OPERATOR 13 = (real, real),
	OPERATOR 14 >= (real, real),
	OPERATOR 15 > (real, real);
COMMENT ON OPERATOR CLASS float4_ops USING barq_hnsw IS 'filter column of type real';

CREATE OPERATOR CLASS float8_ops
	DEFAULT FOR TYPE double precision USING barq_hnsw FAMILY float_filter_ops AS
	OPERATOR 11 < (double precision, double precision),
	OPERATOR 12 <= (double precision, double precision),
	OPERATOR 13 = (double precision, double precision),
	OPERATOR 14 >= (double precision, double precision),
	OPERATOR 15 > (double precision, double precision);
COMMENT ON OPERATOR CLASS float8_ops USING barq_hnsw IS 'filter column of type double precision';

ALTER OPERATOR FAMILY float_filter_ops USING barq_hnsw ADD
	OPERATOR 11 < (real, double precision),
	OPERATOR 12 <= (real, double precision),
	OPERATOR 13 = (real, double precision),
	OPERATOR 14 >= (real, double precision),
	OPERATOR 15 > (real, double precision),
	OPERATOR 11 < (double precision, real),
	OPERATOR 12 <= (double precision, real),
	OPERATOR 13 = (double precision, real),
	OPERATOR 14 >= (double precision, real),
	OPERATOR 15 > (double precision, real);

CREATE OPERATOR FAMILY datetime_filter_ops USING barq_hnsw;
COMMENT ON OPERATOR FAMILY datetime_filter_ops USING barq_hnsw IS 'filter columns of dates and times, compared with any of them';

CREATE OPERATOR CLASS date_ops
	DEFAULT FOR TYPE date USING barq_hnsw FAMILY datetime_filter_ops AS
	OPERATOR 11 < (date, date),
	OPERATOR 12 <= (date, date),
	OPERATOR 13 = (date, date),
	OPERATOR 14 >= (date, date),
	OPERATOR 15 > (date, date);
COMMENT ON OPERATOR CLASS date_ops USING barq_hnsw IS 'filter column of type date';

CREATE OPERATOR CLASS timestamp_ops
	DEFAULT FOR TYPE timestamp without time zone USING barq_hnsw FAMILY datetime_filter_ops AS
	OPERATOR 11 < (timestamp without time zone, timestamp without time zone),
	OPERATOR 12 <= (timestamp without time zone, timestamp without time zone),
	OPERATOR 13 = (timestamp without time zone, timestamp without time zone),
	OPERATOR 14 >= (timestamp without time zone, timestamp without time zone),
	OPERATOR 15 > (timestamp without time zone, timestamp without time zone);
COMMENT ON OPERATOR CLASS timestamp_ops USING barq_hnsw IS 'filter column of type timestamp without time zone';

CREATE OPERATOR CLASS timestamptz_ops
	DEFAULT FOR TYPE timestamp with time zone USING barq_hnsw FAMILY datetime_filter_ops AS
	OPERATOR 11 < (timestamp with time zone, timestamp with time zone),
	OPERATOR 12 <= (timestamp with time zone, timestamp with time zone),
	OPERATOR 13 = (timestamp with time zone, timestamp with time zone),
	OPERATOR 14 >= (timestamp with time zone, timestamp with time zone),
	OPERATOR 15 > (timestamp with time zone, timestamp with time zone);
COMMENT ON OPERATOR CLASS timestamptz_ops USING barq_hnsw IS 'filter column of type timestamp with time zone';

ALTER OPERATOR FAMILY datetime_filter_ops USING barq_hnsw ADD
	OPERATOR 11 < (date, timestamp without time zone),
	OPERATOR 12 <= (date, timestamp without time zone),
	OPERATOR 13 = (date, timestamp without time zone),
	OPERATOR 14 >= (date, timestamp without time zone),
	OPERATOR 15 > (date, timestamp without time zone),
	OPERATOR 11 < (date, timestamp with time zone),
	OPERATOR 12 <= (date, timestamp with time zone),
	OPERATOR 13 = (date, timestamp with time zone),
	OPERATOR 14 >= (date, timestamp with time zone),
	OPERATOR 15 > (date, timestamp with time zone),
	OPERATOR 11 < (timestamp without time zone, date),
	OPERATOR 12 <= (timestamp without time zone, date),
	OPERATOR 13 = (timestamp without time zone, date),
	OPERATOR 14 >= (timestamp without time zone, date),
	OPERATOR 15 > (timestamp without time zone, date),
	OPERATOR 11 < (timestamp without time zone, timestamp with time zone),
	OPERATOR 12 <= (timestamp without time zone, timestamp with time zone),
	OPERATOR 13 = (timestamp without time zone, timestamp with time zone),
	OPERATOR 14 >= (timestamp without time zone, timestamp with time zone),
	OPERATOR 15 > (timestamp without time zone, timestamp with time zone),
	OPERATOR 11 < (timestamp with time zone, date),
	OPERATOR 12 <= (timestamp with time zone, date),
	OPERATOR 13 = (timestamp with time zone, date),
	OPERATOR 14 >= (timestamp with time zone, date),
	OPERATOR 15 > (timestamp with time zone, date),
	OPERATOR 11 < (timestamp with time zone, timestamp without time zone),
	OPERATOR 12 <= (timestamp with time zone, timestamp without time zone),
	OPERATOR 13 = (timestamp with time zone, timestamp without time zone),
	OPERATOR 14 >= (timestamp with time zone, timestamp without time zone),
	OPERATOR 15 > (timestamp with time zone, timestamp without time zone);

CREATE OPERATOR CLASS bool_ops
	DEFAULT FOR TYPE boolean USING barq_hnsw AS
	OPERATOR 11 < (boolean, boolean),
	OPERATOR 12 <= (boolean, boolean),
	OPERATOR 13 = (boolean, boolean),
	OPERATOR 14 >= (boolean, boolean),
	OPERATOR 15 > (boolean, boolean);
COMMENT ON OPERATOR CLASS bool_ops USING barq_hnsw IS 'filter column of type boolean';

CREATE OPERATOR CLASS uuid_ops
	DEFAULT FOR TYPE uuid USING barq_hnsw AS
	OPERATOR 11 < (uuid, uuid),
	OPERATOR 12 <= (uuid, uuid),
	OPERATOR 13 = (uuid, uuid),
	OPERATOR 14 >= (uuid, uuid),
	OPERATOR 15 > (uuid, uuid);
COMMENT ON OPERATOR CLASS uuid_ops USING barq_hnsw IS 'filter column of type uuid';

CREATE OPERATOR CLASS oid_ops
	DEFAULT FOR TYPE oid USING barq_hnsw AS
	OPERATOR 11 < (oid, oid),
	OPERATOR 12 <= (oid, oid),
	OPERATOR 13 = (oid, oid),
	OPERATOR 14 >= (oid, oid),
	OPERATOR 15 > (oid, oid);
COMMENT ON OPERATOR CLASS oid_ops USING barq_hnsw IS 'filter column of type oid';

CREATE OPERATOR CLASS int2_array_ops
	DEFAULT FOR TYPE smallint[] USING barq_hnsw AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS int2_array_ops USING barq_hnsw IS 'filter column of type smallint[]';

CREATE OPERATOR CLASS int4_array_ops
	DEFAULT FOR TYPE integer[] USING barq_hnsw AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS int4_array_ops USING barq_hnsw IS 'filter column of type integer[]';

CREATE OPERATOR CLASS text_ops
	DEFAULT FOR TYPE text USING barq_hnsw AS
	OPERATOR 13 = (text, text);
COMMENT ON OPERATOR CLASS text_ops USING barq_hnsw IS 'filter column of type text or character varying';

CREATE OPERATOR CLASS text_array_ops
	DEFAULT FOR TYPE text[] USING barq_hnsw AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS text_array_ops USING barq_hnsw IS 'filter column of type text[]';

-- barq_ivf

CREATE OPERATOR FAMILY integer_filter_ops USING barq_ivf;
COMMENT ON OPERATOR FAMILY integer_filter_ops USING barq_ivf IS 'filter columns of integers, compared with any of them';

CREATE OPERATOR CLASS int2_ops
	DEFAULT FOR TYPE smallint USING barq_ivf FAMILY integer_filter_ops AS
	OPERATOR 11 < (smallint, smallint),
	OPERATOR 12 <= (smallint, smallint),
	OPERATOR 13 = (smallint, smallint),
	OPERATOR 14 >= (smallint, smallint),
	OPERATOR 15 > (smallint, smallint);
COMMENT ON OPERATOR CLASS int2_ops USING barq_ivf IS 'filter column of type smallint';

CREATE OPERATOR CLASS int4_ops
	DEFAULT FOR TYPE integer USING barq_ivf FAMILY integer_filter_ops AS
	OPERATOR 11 < (integer, integer),
	OPERATOR 12 <= (integer, integer),
	OPERATOR 13 = (integer, integer),
	OPERATOR 14 >= (integer, integer),
	OPERATOR 15 > (integer, integer);
COMMENT ON OPERATOR CLASS int4_ops USING barq_ivf IS 'filter column of type integer';

CREATE OPERATOR CLASS int8_ops
	DEFAULT FOR TYPE bigint USING barq_ivf FAMILY integer_filter_ops AS
	OPERATOR 11 < (bigint, bigint),
	OPERATOR 12 <= (bigint, bigint),
	OPERATOR 13 = (bigint, bigint),
	OPERATOR 14 >= (bigint, bigint),
	OPERATOR 15 > (bigint, bigint);
COMMENT ON OPERATOR CLASS int8_ops USING barq_ivf IS 'filter column of type bigint';

ALTER OPERATOR FAMILY integer_filter_ops USING barq_ivf ADD
	OPERATOR 11 < (smallint, integer),
	OPERATOR 12 <= (smallint, integer),
	OPERATOR 13 = (smallint, integer),
	OPERATOR 14 >= (smallint, integer),
	OPERATOR 15 > (smallint, integer),
	OPERATOR 11 < (smallint, bigint),
	OPERATOR 12 <= (smallint, bigint),
	OPERATOR 13 = (smallint, bigint),
	OPERATOR 14 >= (smallint, bigint),
	OPERATOR 15 > (smallint, bigint),
	OPERATOR 11 < (integer, smallint),
	OPERATOR 12 <= (integer, smallint),
	OPERATOR 13 = (integer, smallint),
	OPERATOR 14 >= (integer, smallint),
	OPERATOR 15 > (integer, smallint),
	OPERATOR 11 < (integer, bigint),
	OPERATOR 12 <= (integer, bigint),
	OPERATOR 13 = (integer, bigint),
	OPERATOR 14 >= (integer, bigint),
	OPERATOR 15 > (integer, bigint),
	OPERATOR 11 < (bigint, smallint),
	OPERATOR 12 <= (bigint, smallint),
	OPERATOR 13 = (bigint, smallint),
	OPERATOR 14 >= (bigint, smallint),
	OPERATOR 15 > (bigint, smallint),
	OPERATOR 11 < (bigint, integer),
	OPERATOR 12 <= (bigint, integer),
	OPERATOR 13 = (bigint, integer),
	OPERATOR 14 >= (bigint, integer),
	OPERATOR 15 > (bigint, integer);

CREATE OPERATOR FAMILY float_filter_ops USING barq_ivf;
COMMENT ON OPERATOR FAMILY float_filter_ops USING barq_ivf IS 'filter columns of floating-point numbers, compared with any of them';

CREATE OPERATOR CLASS float4_ops
	DEFAULT FOR TYPE real USING barq_ivf FAMILY float_filter_ops AS
	OPERATOR 11 < (real, real),
	OPERATOR 12 <= (real, real),
	OPERATOR 13 = (real, real),
	OPERATOR 14 >= (real, real),
	OPERATOR 15 > (real, real);
COMMENT ON OPERATOR CLASS float4_ops USING barq_ivf IS 'filter column of type real';

CREATE OPERATOR CLASS float8_ops
	DEFAULT FOR TYPE double precision USING barq_ivf FAMILY float_filter_ops AS
	OPERATOR 11 < (double precision, double precision),
	OPERATOR 12 <= (double precision, double precision),
	OPERATOR 13 = (double precision, double precision),
	OPERATOR 14 >= (double precision, double precision),
	OPERATOR 15 > (double precision, double precision);
COMMENT ON OPERATOR CLASS float8_ops USING barq_ivf IS 'filter column of type double precision';

ALTER OPERATOR FAMILY float_filter_ops USING barq_ivf ADD
	OPERATOR 11 < (real, double precision),
	OPERATOR 12 <= (real, double precision),
	OPERATOR 13 = (real, double precision),
	OPERATOR 14 >= (real, double precision),
	OPERATOR 15 > (real, double precision),
	OPERATOR 11 < (double precision, real),
	OPERATOR 12 <= (double precision, real),
	OPERATOR 13 = (double precision, real),
	OPERATOR 14 >= (double precision, real),
	OPERATOR 15 > (double precision, real);

CREATE OPERATOR FAMILY datetime_filter_ops USING barq_ivf;
COMMENT ON OPERATOR FAMILY datetime_filter_ops USING barq_ivf IS 'filter columns of dates and times, compared with any of them';

CREATE OPERATOR CLASS date_ops
	DEFAULT FOR TYPE date USING barq_ivf FAMILY datetime_filter_ops AS
	OPERATOR 11 < (date, date),
	OPERATOR 12 <= (date, date),
	OPERATOR 13 = (date, date),
	OPERATOR 14 >= (date, date),
	OPERATOR 15 > (date, date);
COMMENT ON OPERATOR CLASS date_ops USING barq_ivf IS 'filter column of type date';

CREATE OPERATOR CLASS timestamp_ops
	DEFAULT FOR TYPE timestamp without time zone USING barq_ivf FAMILY datetime_filter_ops AS
	OPERATOR 11 < (timestamp without time zone, timestamp without time zone),
	OPERATOR 12 <= (timestamp without time zone, timestamp without time zone),
	OPERATOR 13 = (timestamp without time zone, timestamp without time zone),
	OPERATOR 14 >= (timestamp without time zone, timestamp without time zone),
	OPERATOR 15 > (timestamp without time zone, timestamp without time zone);
COMMENT ON OPERATOR CLASS timestamp_ops USING barq_ivf IS 'filter column of type timestamp without time zone';

CREATE OPERATOR CLASS timestamptz_ops
	DEFAULT FOR TYPE timestamp with time zone USING barq_ivf FAMILY datetime_filter_ops AS
	OPERATOR 11 < (timestamp with time zone, timestamp with time zone),
	OPERATOR 12 <= (timestamp with time zone, timestamp with time zone),
	OPERATOR 13 = (timestamp with time zone, timestamp with time zone),
	OPERATOR 14 >= (timestamp with time zone, timestamp with time zone),
	OPERATOR 15 > (timestamp with time zone, timestamp with time zone);
COMMENT ON OPERATOR CLASS timestamptz_ops USING barq_ivf IS 'filter column of type timestamp with time zone';

ALTER OPERATOR FAMILY datetime_filter_ops USING barq_ivf ADD
	OPERATOR 11 < (date, timestamp without time zone),
	OPERATOR 12 <= (date, timestamp without time zone),
	OPERATOR 13 = (date, timestamp without time zone),
	OPERATOR 14 >= (date, timestamp without time zone),
	OPERATOR 15 > (date, timestamp without time zone),
	OPERATOR 11 < (date, timestamp with time zone),
	OPERATOR 12 <= (date, timestamp with time zone),
	OPERATOR 13 = (date, timestamp with time zone),
	OPERATOR 14 >= (date, timestamp with time zone),
	OPERATOR 15 > (date, timestamp with time zone),
	OPERATOR 11 < (timestamp without time zone, date),
	OPERATOR 12 <= (timestamp without time zone, date),
	OPERATOR 13 = (timestamp without time zone, date),
	OPERATOR 14 >= (timestamp without time zone, date),
	OPERATOR 15 > (timestamp without time zone, date),
	OPERATOR 11 < (timestamp without time zone, timestamp with time zone),
	OPERATOR 12 <= (timestamp without time zone, timestamp with time zone),
	OPERATOR 13 = (timestamp without time zone, timestamp with time zone),
	OPERATOR 14 >= (timestamp without time zone, timestamp with time zone),
	OPERATOR 15 > (timestamp without time zone, timestamp with time zone),
	OPERATOR 11 < (timestamp with time zone, date),
	OPERATOR 12 <= (timestamp with time zone, date),
	OPERATOR 13 = (timestamp with time zone, date),
	OPERATOR 14 >= (timestamp with time zone, date),
	OPERATOR 15 > (timestamp with time zone, date),
	OPERATOR 11 < (timestamp with time zone, timestamp without time zone),
	OPERATOR 12 <= (timestamp with time zone, timestamp without time zone),
	OPERATOR 13 = (timestamp with time zone, timestamp without time zone),
	OPERATOR 14 >= (timestamp with time zone, timestamp without time zone),
	OPERATOR 15 > (timestamp with time zone, timestamp without time zone);

CREATE OPERATOR CLASS bool_ops
	DEFAULT FOR TYPE boolean USING barq_ivf AS
	OPERATOR 11 < (boolean, boolean),
	OPERATOR 12 <= (boolean, boolean),
	OPERATOR 13 = (boolean, boolean),
	OPERATOR 14 >= (boolean, boolean),
	OPERATOR 15 > (boolean, boolean);
COMMENT ON OPERATOR CLASS bool_ops USING barq_ivf IS 'filter column of type boolean';

CREATE OPERATOR CLASS uuid_ops
	DEFAULT FOR TYPE uuid USING barq_ivf AS
	OPERATOR 11 < (uuid, uuid),
	OPERATOR 12 <= (uuid, uuid),
	OPERATOR 13 = (uuid, uuid),
	OPERATOR 14 >= (uuid, uuid),
	OPERATOR 15 > (uuid, uuid);
COMMENT ON OPERATOR CLASS uuid_ops USING barq_ivf IS 'filter column of type uuid';

CREATE OPERATOR CLASS oid_ops
	DEFAULT FOR TYPE oid USING barq_ivf AS
	OPERATOR 11 < (oid, oid),
	OPERATOR 12 <= (oid, oid),
	OPERATOR 13 = (oid, oid),
	OPERATOR 14 >= (oid, oid),
	OPERATOR 15 > (oid, oid);
COMMENT ON OPERATOR CLASS oid_ops USING barq_ivf IS 'filter column of type oid';

CREATE OPERATOR CLASS int2_array_ops
	DEFAULT FOR TYPE smallint[] USING barq_ivf AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS int2_array_ops USING barq_ivf IS 'filter column of type smallint[]';

CREATE OPERATOR CLASS int4_array_ops
	DEFAULT FOR TYPE integer[] USING barq_ivf AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS int4_array_ops USING barq_ivf IS 'filter column of type integer[]';

CREATE OPERATOR CLASS text_ops
	DEFAULT FOR TYPE text USING barq_ivf AS
	OPERATOR 13 = (text, text);
COMMENT ON OPERATOR CLASS text_ops USING barq_ivf IS 'filter column of type text or character varying';

CREATE OPERATOR CLASS text_array_ops
	DEFAULT FOR TYPE text[] USING barq_ivf AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS text_array_ops USING barq_ivf IS 'filter column of type text[]';

-- barq_bm25

CREATE OPERATOR FAMILY integer_filter_ops USING barq_bm25;
COMMENT ON OPERATOR FAMILY integer_filter_ops USING barq_bm25 IS 'filter columns of integers, compared with any of them';

CREATE OPERATOR CLASS int2_ops
	DEFAULT FOR TYPE smallint USING barq_bm25 FAMILY integer_filter_ops AS
	OPERATOR 11 < (smallint, smallint),
	OPERATOR 12 <= (smallint, smallint),
	OPERATOR 13 = (smallint, smallint),
	OPERATOR 14 >= (smallint, smallint),
	OPERATOR 15 > (smallint, smallint);
COMMENT ON OPERATOR CLASS int2_ops USING barq_bm25 IS 'filter column of type smallint';

CREATE OPERATOR CLASS int4_ops
	DEFAULT FOR TYPE integer USING barq_bm25 FAMILY integer_filter_ops AS
	OPERATOR 11 < (integer, integer),
	OPERATOR 12 <= (integer, integer),
	OPERATOR 13 = (integer, integer),
	OPERATOR 14 >= (integer, integer),
	OPERATOR 15 > (integer, integer);
COMMENT ON OPERATOR CLASS int4_ops USING barq_bm25 IS 'filter column of type integer';

CREATE OPERATOR CLASS int8_ops
	DEFAULT FOR TYPE bigint USING barq_bm25 FAMILY integer_filter_ops AS
	OPERATOR 11 < (bigint, bigint),
	OPERATOR 12 <= (bigint, bigint),
	OPERATOR 13 = (bigint, bigint),
	OPERATOR 14 >= (bigint, bigint),
	OPERATOR 15 > (bigint, bigint);
COMMENT ON OPERATOR CLASS int8_ops USING barq_bm25 IS 'filter column of type bigint';

ALTER OPERATOR FAMILY integer_filter_ops USING barq_bm25 ADD
	OPERATOR 11 < (smallint, integer),
	OPERATOR 12 <= (smallint, integer),
	OPERATOR 13 = (smallint, integer),
	OPERATOR 14 >= (smallint, integer),
	OPERATOR 15 > (smallint, integer),
	OPERATOR 11 < (smallint, bigint),
	OPERATOR 12 <= (smallint, bigint),
	OPERATOR 13 = (smallint, bigint),
	OPERATOR 14 >= (smallint, bigint),
	OPERATOR 15 > (smallint, bigint),
	OPERATOR 11 < (integer, smallint),
	OPERATOR 12 <= (integer, smallint),
	OPERATOR 13 = (integer, smallint),
	OPERATOR 14 >= (integer, smallint),
	OPERATOR 15 > (integer, smallint),
	OPERATOR 11 < (integer, bigint),
	OPERATOR 12 <= (integer, bigint),
	OPERATOR 13 = (integer, bigint),
	OPERATOR 14 >= (integer, bigint),
	OPERATOR 15 > (integer, bigint),
	OPERATOR 11 < (bigint, smallint),
	OPERATOR 12 <= (bigint, smallint),
	OPERATOR 13 = (bigint, smallint),
	OPERATOR 14 >= (bigint, smallint),
	OPERATOR 15 > (bigint, smallint),
	OPERATOR 11 < (bigint, integer),
	OPERATOR 12 <= (bigint, integer),
	OPERATOR 13 = (bigint, integer),
	OPERATOR 14 >= (bigint, integer),
	OPERATOR 15 > (bigint, integer);

CREATE OPERATOR FAMILY float_filter_ops USING barq_bm25;
COMMENT ON OPERATOR FAMILY float_filter_ops USING barq_bm25 IS 'filter columns of floating-point numbers, compared with any of them';

CREATE OPERATOR CLASS float4_ops
	DEFAULT FOR TYPE real USING barq_bm25 FAMILY float_filter_ops AS
	OPERATOR 11 < (real, real),
	OPERATOR 12 <= (real, real),
	OPERATOR 13 = (real, real),
	OPERATOR 14 >= (real, real),
	OPERATOR 15 > (real, real);
COMMENT ON OPERATOR CLASS float4_ops USING barq_bm25 IS 'filter column of type real';

CREATE OPERATOR CLASS float8_ops
	DEFAULT FOR TYPE double precision USING barq_bm25 FAMILY float_filter_ops AS
	OPERATOR 11 < (double precision, double precision),
	OPERATOR 12 <= (double precision, double precision),
	OPERATOR 13 = (double precision, double precision),
	OPERATOR 14 >= (double precision, double precision),
	OPERATOR 15 > (double precision, double precision);
COMMENT ON OPERATOR CLASS float8_ops USING barq_bm25 IS 'filter column of type double precision';

ALTER OPERATOR FAMILY float_filter_ops USING barq_bm25 ADD
	OPERATOR 11 < (real, double precision),
	OPERATOR 12 <= (real, double precision),
	OPERATOR 13 = (real, double precision),
	OPERATOR 14 >= (real, double precision),
	OPERATOR 15 > (real, double precision),
	OPERATOR 11 < (double precision, real),
	OPERATOR 12 <= (double precision, real),
	OPERATOR 13 = (double precision, real),
	OPERATOR 14 >= (double precision, real),
	OPERATOR 15 > (double precision, real);

CREATE OPERATOR FAMILY datetime_filter_ops USING barq_bm25;
COMMENT ON OPERATOR FAMILY datetime_filter_ops USING barq_bm25 IS 'filter columns of dates and times, compared with any of them';

CREATE OPERATOR CLASS date_ops
	DEFAULT FOR TYPE date USING barq_bm25 FAMILY datetime_filter_ops AS
	OPERATOR 11 < (date, date),
	OPERATOR 12 <= (date, date),
	OPERATOR 13 = (date, date),
	OPERATOR 14 >= (date, date),
	OPERATOR 15 > (date, date);
COMMENT ON OPERATOR CLASS date_ops USING barq_bm25 IS 'filter column of type date';

CREATE OPERATOR CLASS timestamp_ops
	DEFAULT FOR TYPE timestamp without time zone USING barq_bm25 FAMILY datetime_filter_ops AS
	OPERATOR 11 < (timestamp without time zone, timestamp without time zone),
	OPERATOR 12 <= (timestamp without time zone, timestamp without time zone),
	OPERATOR 13 = (timestamp without time zone, timestamp without time zone),
	OPERATOR 14 >= (timestamp without time zone, timestamp without time zone),
	OPERATOR 15 > (timestamp without time zone, timestamp without time zone);
COMMENT ON OPERATOR CLASS timestamp_ops USING barq_bm25 IS 'filter column of type timestamp without time zone';

CREATE OPERATOR CLASS timestamptz_ops
	DEFAULT FOR TYPE timestamp with time zone USING barq_bm25 FAMILY datetime_filter_ops AS
	OPERATOR 11 < (timestamp with time zone, timestamp with time zone),
	OPERATOR 12 <= (timestamp with time zone, timestamp with time zone),
	OPERATOR 13 = (timestamp with time zone, timestamp with time zone),
	OPERATOR 14 >= (timestamp with time zone, timestamp with time zone),
	OPERATOR 15 > (timestamp with time zone, timestamp with time zone);
COMMENT ON OPERATOR CLASS timestamptz_ops USING barq_bm25 IS 'filter column of type timestamp with time zone';

ALTER OPERATOR FAMILY datetime_filter_ops USING barq_bm25 ADD
	OPERATOR 11 < (date, timestamp without time zone),
	OPERATOR 12 <= (date, timestamp without time zone),
	OPERATOR 13 = (date, timestamp without time zone),
	OPERATOR 14 >= (date, timestamp without time zone),
	OPERATOR 15 > (date, timestamp without time zone),
	OPERATOR 11 < (date, timestamp with time zone),
	OPERATOR 12 <= (date, timestamp with time zone),
	OPERATOR 13 = (date, timestamp with time zone),
	OPERATOR 14 >= (date, timestamp with time zone),
	OPERATOR 15 > (date, timestamp with time zone),
	OPERATOR 11 < (timestamp without time zone, date),
	OPERATOR 12 <= (timestamp without time zone, date),
	OPERATOR 13 = (timestamp without time zone, date),
	OPERATOR 14 >= (timestamp without time zone, date),
	OPERATOR 15 > (timestamp without time zone, date),
	OPERATOR 11 < (timestamp without time zone, timestamp with time zone),
	OPERATOR 12 <= (timestamp without time zone, timestamp with time zone),
	OPERATOR 13 = (timestamp without time zone, timestamp with time zone),
	OPERATOR 14 >= (timestamp without time zone, timestamp with time zone),
	OPERATOR 15 > (timestamp without time zone, timestamp with time zone),
	OPERATOR 11 < (timestamp with time zone, date),
	OPERATOR 12 <= (timestamp with time zone, date),
	OPERATOR 13 = (timestamp with time zone, date),
	OPERATOR 14 >= (timestamp with time zone, date),
	OPERATOR 15 > (timestamp with time zone, date),
	OPERATOR 11 < (timestamp with time zone, timestamp without time zone),
	OPERATOR 12 <= (timestamp with time zone, timestamp without time zone),
	OPERATOR 13 = (timestamp with time zone, timestamp without time zone),
	OPERATOR 14 >= (timestamp with time zone, timestamp without time zone),
	OPERATOR 15 > (timestamp with time zone, timestamp without time zone);

CREATE OPERATOR CLASS bool_ops
	DEFAULT FOR TYPE boolean USING barq_bm25 AS
	OPERATOR 11 < (boolean, boolean),
	OPERATOR 12 <= (boolean, boolean),
	OPERATOR 13 = (boolean, boolean),
	OPERATOR 14 >= (boolean, boolean),
	OPERATOR 15 > (boolean, boolean);
COMMENT ON OPERATOR CLASS bool_ops USING barq_bm25 IS 'filter column of type boolean';

CREATE OPERATOR CLASS uuid_ops
	DEFAULT FOR TYPE uuid USING barq_bm25 AS
	OPERATOR 11 < (uuid, uuid),
	OPERATOR 12 <= (uuid, uuid),
	OPERATOR 13 = (uuid, uuid),
	OPERATOR 14 >= (uuid, uuid),
	OPERATOR 15 > (uuid, uuid);
COMMENT ON OPERATOR CLASS uuid_ops USING barq_bm25 IS 'filter column of type uuid';

CREATE OPERATOR CLASS oid_ops
	DEFAULT FOR TYPE oid USING barq_bm25 AS
	OPERATOR 11 < (oid, oid),
	OPERATOR 12 <= (oid, oid),
	OPERATOR 13 = (oid, oid),
	OPERATOR 14 >= (oid, oid),
	OPERATOR 15 > (oid, oid);
COMMENT ON OPERATOR CLASS oid_ops USING barq_bm25 IS 'filter column of type oid';

CREATE OPERATOR CLASS int2_array_ops
	DEFAULT FOR TYPE smallint[] USING barq_bm25 AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS int2_array_ops USING barq_bm25 IS 'filter column of type smallint[]';

CREATE OPERATOR CLASS int4_array_ops
	DEFAULT FOR TYPE integer[] USING barq_bm25 AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS int4_array_ops USING barq_bm25 IS 'filter column of type integer[]';
