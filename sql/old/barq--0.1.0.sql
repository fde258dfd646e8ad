-- complain if the script is run by psql and not by CREATE EXTENSION
\echo Use "CREATE EXTENSION barq" to load this file. \quit

-- The type vector: names, volatility and contexts are pgvector's.

CREATE TYPE vector;

CREATE FUNCTION vector_in(cstring, oid, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_in(cstring, oid, integer) IS
	'read a vector from text';

CREATE FUNCTION vector_out(vector) RETURNS cstring
	AS 'MODULE_PATHNAME', 'barq_vector_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_out(vector) IS
	'write a vector as text';

CREATE FUNCTION vector_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_vector_typmod_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_typmod_in(cstring[]) IS
	'read the number of dimensions in vector(n)';

CREATE FUNCTION vector_recv(internal, oid, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_recv(internal, oid, integer) IS
	'read a vector from binary form';

CREATE FUNCTION vector_send(vector) RETURNS bytea
	AS 'MODULE_PATHNAME', 'barq_vector_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_send(vector) IS
	'write a vector in binary form';

CREATE TYPE vector (
	INPUT = vector_in,
	OUTPUT = vector_out,
	TYPMOD_IN = vector_typmod_in,
	RECEIVE = vector_recv,
	SEND = vector_send,
	STORAGE = external
);
COMMENT ON TYPE vector IS
	'vector of float32 elements, up to 16,000 dimensions';

-- distances

CREATE FUNCTION l2_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_vector_l2_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_distance(vector, vector) IS
	'Euclidean (L2) distance of two vectors';

CREATE FUNCTION inner_product(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_vector_inner_product'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION inner_product(vector, vector) IS
	'inner product of two vectors';

CREATE FUNCTION cosine_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_vector_cosine_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cosine_distance(vector, vector) IS
	'cosine distance of two vectors: 1 minus the cosine of their angle';

CREATE FUNCTION l1_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_vector_l1_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l1_distance(vector, vector) IS
	'taxicab (L1) distance of two vectors';

-- properties and parts

CREATE FUNCTION vector_dims(vector) RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_dense_dims'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(vector) IS
	'number of elements of a vector';

CREATE FUNCTION vector_norm(vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_vector_norm'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_norm(vector) IS
	'Euclidean length of a vector';

CREATE FUNCTION l2_normalize(vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_l2_normalize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(vector) IS
	'vector of the same direction and Euclidean length 1';

CREATE FUNCTION binary_quantize(vector) RETURNS bit
	AS 'MODULE_PATHNAME', 'barq_vector_binary_quantize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(vector) IS
	'bit string with a 1 for each positive element';

CREATE FUNCTION subvector(vector, integer, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_subvector'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(vector, integer, integer) IS
	'elements of a vector from a position (the first is 1), so many of them';

-- behind the operators

CREATE FUNCTION vector_add(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_add'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_add(vector, vector) IS
	'function behind the operator +';

CREATE FUNCTION vector_sub(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_sub'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_sub(vector, vector) IS
	'function behind the operator -';

CREATE FUNCTION vector_mul(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_mul'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_mul(vector, vector) IS
	'function behind the operator *';

CREATE FUNCTION vector_concat(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_concat'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_concat(vector, vector) IS
	'function behind the operator ||';

CREATE FUNCTION vector_lt(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_vector_lt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_lt(vector, vector) IS
	'function behind the operator <';

CREATE FUNCTION vector_le(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_vector_le'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_le(vector, vector) IS
	'function behind the operator <=';

CREATE FUNCTION vector_eq(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_vector_eq'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_eq(vector, vector) IS
	'function behind the operator =';

CREATE FUNCTION vector_ne(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_vector_ne'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ne(vector, vector) IS
	'function behind the operator <>';

CREATE FUNCTION vector_ge(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_vector_ge'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ge(vector, vector) IS
	'function behind the operator >=';

CREATE FUNCTION vector_gt(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_vector_gt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_gt(vector, vector) IS
	'function behind the operator >';

CREATE FUNCTION vector_cmp(vector, vector) RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_vector_cmp'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_cmp(vector, vector) IS
	'-1, 0 or 1: order of two vectors, for btree';

CREATE FUNCTION vector_l2_squared_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_vector_l2_squared_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_l2_squared_distance(vector, vector) IS
	'square of the Euclidean distance of two vectors';

CREATE FUNCTION vector_negative_inner_product(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_vector_negative_inner_product'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_negative_inner_product(vector, vector) IS
	'function behind the operator <#>';

CREATE FUNCTION vector_spherical_distance(vector, vector) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_vector_spherical_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_spherical_distance(vector, vector) IS
	'angle of two vectors of length 1, as a share of pi';

-- aggregates

CREATE FUNCTION vector_accum(double precision[], vector) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'barq_vector_accum'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_accum(double precision[], vector) IS
	'add a vector to the state of avg(vector)';

CREATE FUNCTION vector_avg(double precision[]) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_avg'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_avg(double precision[]) IS
	'result of avg(vector) from its state';

CREATE FUNCTION vector_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'barq_dense_combine'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_combine(double precision[], double precision[]) IS
	'add two states of avg(vector)';

CREATE AGGREGATE avg(vector) (
	SFUNC = vector_accum,
	STYPE = double precision[],
	FINALFUNC = vector_avg,
	COMBINEFUNC = vector_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(vector) IS
	'mean of all input vectors that are not null, element by element';

CREATE AGGREGATE sum(vector) (
	SFUNC = vector_add,
	STYPE = vector,
	COMBINEFUNC = vector_add,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(vector) IS
	'sum of all input vectors that are not null, element by element';

-- casts

CREATE FUNCTION vector(vector, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_dense_typmod_cast'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector(vector, integer, boolean) IS
	'check a vector against the dimensions of vector(n)';

CREATE FUNCTION array_to_vector(integer[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(integer[], integer, boolean) IS
	'integer[] to vector';

CREATE FUNCTION array_to_vector(real[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(real[], integer, boolean) IS
	'real[] to vector';

CREATE FUNCTION array_to_vector(double precision[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(double precision[], integer, boolean) IS
	'double precision[] to vector';

CREATE FUNCTION array_to_vector(numeric[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(numeric[], integer, boolean) IS
	'numeric[] to vector';

CREATE FUNCTION vector_to_float4(vector, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME', 'barq_vector_to_float4'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_float4(vector, integer, boolean) IS
	'vector to real[]';

CREATE CAST (vector AS vector)
	WITH FUNCTION vector(vector, integer, boolean) AS IMPLICIT;

CREATE CAST (vector AS real[])
	WITH FUNCTION vector_to_float4(vector, integer, boolean) AS IMPLICIT;

CREATE CAST (integer[] AS vector)
	WITH FUNCTION array_to_vector(integer[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (real[] AS vector)
	WITH FUNCTION array_to_vector(real[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (double precision[] AS vector)
	WITH FUNCTION array_to_vector(double precision[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (numeric[] AS vector)
	WITH FUNCTION array_to_vector(numeric[], integer, boolean) AS ASSIGNMENT;

-- operators

CREATE OPERATOR <-> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (vector, vector) IS
	'Euclidean (L2) distance';

CREATE OPERATOR <#> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (vector, vector) IS
	'negative inner product';

CREATE OPERATOR <=> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (vector, vector) IS
	'cosine distance';

CREATE OPERATOR <+> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (vector, vector) IS
	'taxicab (L1) distance';

CREATE OPERATOR + (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (vector, vector) IS
	'sum, element by element';

CREATE OPERATOR - (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_sub
);
COMMENT ON OPERATOR - (vector, vector) IS
	'difference, element by element';

CREATE OPERATOR * (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (vector, vector) IS
	'product, element by element';

CREATE OPERATOR || (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_concat
);
COMMENT ON OPERATOR || (vector, vector) IS
	'concatenation';

CREATE OPERATOR < (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (vector, vector) IS
	'less than';

CREATE OPERATOR <= (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (vector, vector) IS
	'less than or equal';

CREATE OPERATOR = (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	MERGES
);
COMMENT ON OPERATOR = (vector, vector) IS
	'equal';

CREATE OPERATOR <> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (vector, vector) IS
	'not equal';

CREATE OPERATOR >= (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (vector, vector) IS
	'greater than or equal';

CREATE OPERATOR > (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (vector, vector) IS
	'greater than';

CREATE OPERATOR CLASS vector_ops
	DEFAULT FOR TYPE vector USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 vector_cmp(vector, vector);
COMMENT ON OPERATOR CLASS vector_ops USING btree IS
	'order of vectors: element by element, then the shorter first';

-- The type halfvec: names, volatility and contexts are pgvector's.

CREATE TYPE halfvec;

CREATE FUNCTION halfvec_in(cstring, oid, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_in(cstring, oid, integer) IS
	'read a halfvec from text';

CREATE FUNCTION halfvec_out(halfvec) RETURNS cstring
	AS 'MODULE_PATHNAME', 'barq_halfvec_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_out(halfvec) IS
	'write a halfvec as text';

CREATE FUNCTION halfvec_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_halfvec_typmod_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_typmod_in(cstring[]) IS
	'read the number of dimensions in halfvec(n)';

CREATE FUNCTION halfvec_recv(internal, oid, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_recv(internal, oid, integer) IS
	'read a halfvec from binary form';

CREATE FUNCTION halfvec_send(halfvec) RETURNS bytea
	AS 'MODULE_PATHNAME', 'barq_halfvec_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_send(halfvec) IS
	'write a halfvec in binary form';

CREATE TYPE halfvec (
	INPUT = halfvec_in,
	OUTPUT = halfvec_out,
	TYPMOD_IN = halfvec_typmod_in,
	RECEIVE = halfvec_recv,
	SEND = halfvec_send,
	STORAGE = external
);
COMMENT ON TYPE halfvec IS
	'vector of IEEE half (16-bit) elements, up to 16,000 dimensions';

-- distances

CREATE FUNCTION l2_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_halfvec_l2_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_distance(halfvec, halfvec) IS
	'Euclidean (L2) distance of two halfvecs';

CREATE FUNCTION inner_product(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_halfvec_inner_product'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION inner_product(halfvec, halfvec) IS
	'inner product of two halfvecs';

CREATE FUNCTION cosine_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_halfvec_cosine_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cosine_distance(halfvec, halfvec) IS
	'cosine distance of two halfvecs: 1 minus the cosine of their angle';

CREATE FUNCTION l1_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_halfvec_l1_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l1_distance(halfvec, halfvec) IS
	'taxicab (L1) distance of two halfvecs';

-- properties and parts

CREATE FUNCTION vector_dims(halfvec) RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_dense_dims'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(halfvec) IS
	'number of elements of a halfvec';

CREATE FUNCTION l2_norm(halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_halfvec_norm'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_norm(halfvec) IS
	'Euclidean length of a halfvec';

CREATE FUNCTION l2_normalize(halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_l2_normalize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(halfvec) IS
	'halfvec of the same direction and Euclidean length 1';

CREATE FUNCTION binary_quantize(halfvec) RETURNS bit
	AS 'MODULE_PATHNAME', 'barq_halfvec_binary_quantize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(halfvec) IS
	'bit string with a 1 for each positive element';

CREATE FUNCTION subvector(halfvec, integer, integer) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_subvector'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(halfvec, integer, integer) IS
	'elements of a halfvec from a position (the first is 1), so many of them';

-- behind the operators

CREATE FUNCTION halfvec_add(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_add'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_add(halfvec, halfvec) IS
	'function behind the operator +';

CREATE FUNCTION halfvec_sub(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_sub'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_sub(halfvec, halfvec) IS
	'function behind the operator -';

CREATE FUNCTION halfvec_mul(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_mul'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_mul(halfvec, halfvec) IS
	'function behind the operator *';

CREATE FUNCTION halfvec_concat(halfvec, halfvec) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_concat'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_concat(halfvec, halfvec) IS
	'function behind the operator ||';

CREATE FUNCTION halfvec_lt(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_halfvec_lt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_lt(halfvec, halfvec) IS
	'function behind the operator <';

CREATE FUNCTION halfvec_le(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_halfvec_le'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_le(halfvec, halfvec) IS
	'function behind the operator <=';

CREATE FUNCTION halfvec_eq(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_halfvec_eq'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_eq(halfvec, halfvec) IS
	'function behind the operator =';

CREATE FUNCTION halfvec_ne(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_halfvec_ne'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_ne(halfvec, halfvec) IS
	'function behind the operator <>';

CREATE FUNCTION halfvec_ge(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_halfvec_ge'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_ge(halfvec, halfvec) IS
	'function behind the operator >=';

CREATE FUNCTION halfvec_gt(halfvec, halfvec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_halfvec_gt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_gt(halfvec, halfvec) IS
	'function behind the operator >';

CREATE FUNCTION halfvec_cmp(halfvec, halfvec) RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_halfvec_cmp'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_cmp(halfvec, halfvec) IS
	'-1, 0 or 1: order of two halfvecs, for btree';

CREATE FUNCTION halfvec_l2_squared_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_halfvec_l2_squared_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_l2_squared_distance(halfvec, halfvec) IS
	'square of the Euclidean distance of two halfvecs';

CREATE FUNCTION halfvec_negative_inner_product(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_halfvec_negative_inner_product'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_negative_inner_product(halfvec, halfvec) IS
	'function behind the operator <#>';

CREATE FUNCTION halfvec_spherical_distance(halfvec, halfvec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_halfvec_spherical_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_spherical_distance(halfvec, halfvec) IS
	'angle of two halfvecs of length 1, as a share of pi';

-- aggregates

CREATE FUNCTION halfvec_accum(double precision[], halfvec) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'barq_halfvec_accum'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_accum(double precision[], halfvec) IS
	'add a halfvec to the state of avg(halfvec)';

CREATE FUNCTION halfvec_avg(double precision[]) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_avg'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_avg(double precision[]) IS
	'result of avg(halfvec) from its state';

CREATE FUNCTION halfvec_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'barq_dense_combine'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_combine(double precision[], double precision[]) IS
	'add two states of avg(halfvec)';

CREATE AGGREGATE avg(halfvec) (
	SFUNC = halfvec_accum,
	STYPE = double precision[],
	FINALFUNC = halfvec_avg,
	COMBINEFUNC = halfvec_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(halfvec) IS
	'mean of all input halfvecs that are not null, element by element';

CREATE AGGREGATE sum(halfvec) (
	SFUNC = halfvec_add,
	STYPE = halfvec,
	COMBINEFUNC = halfvec_add,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(halfvec) IS
	'sum of all input halfvecs that are not null, element by element';

-- casts

CREATE FUNCTION halfvec(halfvec, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_dense_typmod_cast'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec(halfvec, integer, boolean) IS
	'check a halfvec against the dimensions of halfvec(n)';

CREATE FUNCTION halfvec_to_vector(halfvec, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_halfvec_to_vector'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_vector(halfvec, integer, boolean) IS
	'halfvec to vector';

CREATE FUNCTION vector_to_halfvec(vector, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_vector_to_halfvec'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_halfvec(vector, integer, boolean) IS
	'vector to halfvec';

CREATE FUNCTION array_to_halfvec(integer[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(integer[], integer, boolean) IS
	'integer[] to halfvec';

CREATE FUNCTION array_to_halfvec(real[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(real[], integer, boolean) IS
	'real[] to halfvec';

CREATE FUNCTION array_to_halfvec(double precision[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(double precision[], integer, boolean) IS
	'double precision[] to halfvec';

CREATE FUNCTION array_to_halfvec(numeric[], integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_halfvec(numeric[], integer, boolean) IS
	'numeric[] to halfvec';

CREATE FUNCTION halfvec_to_float4(halfvec, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME', 'barq_halfvec_to_float4'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_float4(halfvec, integer, boolean) IS
	'halfvec to real[]';

CREATE CAST (halfvec AS halfvec)
	WITH FUNCTION halfvec(halfvec, integer, boolean) AS IMPLICIT;

CREATE CAST (halfvec AS vector)
	WITH FUNCTION halfvec_to_vector(halfvec, integer, boolean) AS ASSIGNMENT;

CREATE CAST (vector AS halfvec)
	WITH FUNCTION vector_to_halfvec(vector, integer, boolean) AS IMPLICIT;

CREATE CAST (halfvec AS real[])
	WITH FUNCTION halfvec_to_float4(halfvec, integer, boolean) AS ASSIGNMENT;

CREATE CAST (integer[] AS halfvec)
	WITH FUNCTION array_to_halfvec(integer[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (real[] AS halfvec)
	WITH FUNCTION array_to_halfvec(real[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (double precision[] AS halfvec)
	WITH FUNCTION array_to_halfvec(double precision[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (numeric[] AS halfvec)
	WITH FUNCTION array_to_halfvec(numeric[], integer, boolean) AS ASSIGNMENT;

-- operators

CREATE OPERATOR <-> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (halfvec, halfvec) IS
	'Euclidean (L2) distance';

CREATE OPERATOR <#> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (halfvec, halfvec) IS
	'negative inner product';

CREATE OPERATOR <=> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (halfvec, halfvec) IS
	'cosine distance';

CREATE OPERATOR <+> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (halfvec, halfvec) IS
	'taxicab (L1) distance';

CREATE OPERATOR + (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (halfvec, halfvec) IS
	'sum, element by element';

CREATE OPERATOR - (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_sub
);
COMMENT ON OPERATOR - (halfvec, halfvec) IS
	'difference, element by element';

CREATE OPERATOR * (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (halfvec, halfvec) IS
	'product, element by element';

CREATE OPERATOR || (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_concat
);
COMMENT ON OPERATOR || (halfvec, halfvec) IS
	'concatenation';

CREATE OPERATOR < (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (halfvec, halfvec) IS
	'less than';

CREATE OPERATOR <= (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (halfvec, halfvec) IS
	'less than or equal';

CREATE OPERATOR = (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	MERGES
);
COMMENT ON OPERATOR = (halfvec, halfvec) IS
	'equal';

CREATE OPERATOR <> (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (halfvec, halfvec) IS
	'not equal';

CREATE OPERATOR >= (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (halfvec, halfvec) IS
	'greater than or equal';

CREATE OPERATOR > (
	LEFTARG = halfvec, RIGHTARG = halfvec, FUNCTION = halfvec_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (halfvec, halfvec) IS
	'greater than';

CREATE OPERATOR CLASS halfvec_ops
	DEFAULT FOR TYPE halfvec USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 halfvec_cmp(halfvec, halfvec);
COMMENT ON OPERATOR CLASS halfvec_ops USING btree IS
	'order of halfvecs: element by element, then the shorter first';

-- The type sparsevec: names, volatility and contexts are pgvector's.

CREATE TYPE sparsevec;

CREATE FUNCTION sparsevec_in(cstring, oid, integer) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_sparsevec_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_in(cstring, oid, integer) IS
	'read a sparsevec from text';

CREATE FUNCTION sparsevec_out(sparsevec) RETURNS cstring
	AS 'MODULE_PATHNAME', 'barq_sparsevec_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_out(sparsevec) IS
	'write a sparsevec as text';

CREATE FUNCTION sparsevec_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_sparsevec_typmod_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_typmod_in(cstring[]) IS
	'read the number of dimensions in sparsevec(n)';

CREATE FUNCTION sparsevec_recv(internal, oid, integer) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_sparsevec_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_recv(internal, oid, integer) IS
	'read a sparsevec from binary form';

CREATE FUNCTION sparsevec_send(sparsevec) RETURNS bytea
	AS 'MODULE_PATHNAME', 'barq_sparsevec_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_send(sparsevec) IS
	'write a sparsevec in binary form';

CREATE TYPE sparsevec (
	INPUT = sparsevec_in,
	OUTPUT = sparsevec_out,
	TYPMOD_IN = sparsevec_typmod_in,
	RECEIVE = sparsevec_recv,
	SEND = sparsevec_send,
	STORAGE = external
);
COMMENT ON TYPE sparsevec IS
	'sparse vector of float32 elements, up to 1,000,000,000 dimensions, 16,000 of them not zero';

-- distances

CREATE FUNCTION l2_distance(sparsevec, sparsevec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_sparsevec_l2_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_distance(sparsevec, sparsevec) IS
	'Euclidean (L2) distance of two sparsevecs';

CREATE FUNCTION inner_product(sparsevec, sparsevec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_sparsevec_inner_product'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION inner_product(sparsevec, sparsevec) IS
	'inner product of two sparsevecs';

CREATE FUNCTION cosine_distance(sparsevec, sparsevec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_sparsevec_cosine_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cosine_distance(sparsevec, sparsevec) IS
	'cosine distance of two sparsevecs: 1 minus the cosine of their angle';

CREATE FUNCTION l1_distance(sparsevec, sparsevec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_sparsevec_l1_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l1_distance(sparsevec, sparsevec) IS
	'taxicab (L1) distance of two sparsevecs';

-- properties

CREATE FUNCTION l2_norm(sparsevec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_sparsevec_norm'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_norm(sparsevec) IS
	'Euclidean length of a sparsevec';

CREATE FUNCTION l2_normalize(sparsevec) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_sparsevec_l2_normalize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(sparsevec) IS
	'sparsevec of the same direction and Euclidean length 1';

-- behind the operators

CREATE FUNCTION sparsevec_lt(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_sparsevec_lt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_lt(sparsevec, sparsevec) IS
	'function behind the operator <';

CREATE FUNCTION sparsevec_le(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_sparsevec_le'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_le(sparsevec, sparsevec) IS
	'function behind the operator <=';

CREATE FUNCTION sparsevec_eq(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_sparsevec_eq'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_eq(sparsevec, sparsevec) IS
	'function behind the operator =';

CREATE FUNCTION sparsevec_ne(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_sparsevec_ne'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_ne(sparsevec, sparsevec) IS
	'function behind the operator <>';

CREATE FUNCTION sparsevec_ge(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_sparsevec_ge'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_ge(sparsevec, sparsevec) IS
	'function behind the operator >=';

CREATE FUNCTION sparsevec_gt(sparsevec, sparsevec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_sparsevec_gt'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_gt(sparsevec, sparsevec) IS
	'function behind the operator >';

CREATE FUNCTION sparsevec_cmp(sparsevec, sparsevec) RETURNS integer
	AS 'MODULE_PATHNAME', 'barq_sparsevec_cmp'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_cmp(sparsevec, sparsevec) IS
	'-1, 0 or 1: order of two sparsevecs, for btree';

CREATE FUNCTION sparsevec_l2_squared_distance(sparsevec, sparsevec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_sparsevec_l2_squared_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_l2_squared_distance(sparsevec, sparsevec) IS
	'square of the Euclidean distance of two sparsevecs';

CREATE FUNCTION sparsevec_negative_inner_product(sparsevec, sparsevec) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_sparsevec_negative_inner_product'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_negative_inner_product(sparsevec, sparsevec) IS
	'function behind the operator <#>';

-- casts

CREATE FUNCTION sparsevec(sparsevec, integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_sparsevec_typmod_cast'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec(sparsevec, integer, boolean) IS
	'check a sparsevec against the dimensions of sparsevec(n)';

CREATE FUNCTION sparsevec_to_vector(sparsevec, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'barq_vector_from_sparsevec'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_to_vector(sparsevec, integer, boolean) IS
	'sparsevec to vector';

CREATE FUNCTION vector_to_sparsevec(vector, integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_vector_to_sparsevec'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_sparsevec(vector, integer, boolean) IS
	'vector to sparsevec';

CREATE FUNCTION sparsevec_to_halfvec(sparsevec, integer, boolean) RETURNS halfvec
	AS 'MODULE_PATHNAME', 'barq_halfvec_from_sparsevec'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sparsevec_to_halfvec(sparsevec, integer, boolean) IS
	'sparsevec to halfvec';

CREATE FUNCTION halfvec_to_sparsevec(halfvec, integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_halfvec_to_sparsevec'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION halfvec_to_sparsevec(halfvec, integer, boolean) IS
	'halfvec to sparsevec';

CREATE FUNCTION array_to_sparsevec(integer[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_sparsevec_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(integer[], integer, boolean) IS
	'integer[] to sparsevec';

CREATE FUNCTION array_to_sparsevec(real[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_sparsevec_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(real[], integer, boolean) IS
	'real[] to sparsevec';

CREATE FUNCTION array_to_sparsevec(double precision[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_sparsevec_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(double precision[], integer, boolean) IS
	'double precision[] to sparsevec';

CREATE FUNCTION array_to_sparsevec(numeric[], integer, boolean) RETURNS sparsevec
	AS 'MODULE_PATHNAME', 'barq_sparsevec_from_array'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_sparsevec(numeric[], integer, boolean) IS
	'numeric[] to sparsevec';

CREATE CAST (sparsevec AS sparsevec)
	WITH FUNCTION sparsevec(sparsevec, integer, boolean) AS IMPLICIT;

CREATE CAST (sparsevec AS vector)
	WITH FUNCTION sparsevec_to_vector(sparsevec, integer, boolean) AS ASSIGNMENT;

CREATE CAST (vector AS sparsevec)
	WITH FUNCTION vector_to_sparsevec(vector, integer, boolean) AS IMPLICIT;

CREATE CAST (sparsevec AS halfvec)
	WITH FUNCTION sparsevec_to_halfvec(sparsevec, integer, boolean) AS ASSIGNMENT;

CREATE CAST (halfvec AS sparsevec)
	WITH FUNCTION halfvec_to_sparsevec(halfvec, integer, boolean) AS IMPLICIT;

CREATE CAST (integer[] AS sparsevec)
	WITH FUNCTION array_to_sparsevec(integer[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (real[] AS sparsevec)
	WITH FUNCTION array_to_sparsevec(real[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (double precision[] AS sparsevec)
	WITH FUNCTION array_to_sparsevec(double precision[], integer, boolean) AS ASSIGNMENT;

CREATE CAST (numeric[] AS sparsevec)
	WITH FUNCTION array_to_sparsevec(numeric[], integer, boolean) AS ASSIGNMENT;

-- operators

CREATE OPERATOR <-> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (sparsevec, sparsevec) IS
	'Euclidean (L2) distance';

CREATE OPERATOR <#> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (sparsevec, sparsevec) IS
	'negative inner product';

CREATE OPERATOR <=> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (sparsevec, sparsevec) IS
	'cosine distance';

CREATE OPERATOR <+> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (sparsevec, sparsevec) IS
	'taxicab (L1) distance';

CREATE OPERATOR < (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (sparsevec, sparsevec) IS
	'less than';

CREATE OPERATOR <= (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (sparsevec, sparsevec) IS
	'less than or equal';

CREATE OPERATOR = (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	MERGES
);
COMMENT ON OPERATOR = (sparsevec, sparsevec) IS
	'equal';

CREATE OPERATOR <> (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (sparsevec, sparsevec) IS
	'not equal';

CREATE OPERATOR >= (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (sparsevec, sparsevec) IS
	'greater than or equal';

CREATE OPERATOR > (
	LEFTARG = sparsevec, RIGHTARG = sparsevec, FUNCTION = sparsevec_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (sparsevec, sparsevec) IS
	'greater than';

CREATE OPERATOR CLASS sparsevec_ops
	DEFAULT FOR TYPE sparsevec USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 sparsevec_cmp(sparsevec, sparsevec);
COMMENT ON OPERATOR CLASS sparsevec_ops USING btree IS
	'order of sparsevecs: element by element, zeros included, then the shorter first';

-- Functions and operators of the type bit; names and volatility are pgvector's.

CREATE FUNCTION hamming_distance(bit, bit) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_hamming_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION hamming_distance(bit, bit) IS
	'Hamming distance of two bit strings: how many bits differ';

CREATE FUNCTION jaccard_distance(bit, bit) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_jaccard_distance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION jaccard_distance(bit, bit) IS
	'Jaccard distance of two bit strings: 1 minus bits set in both by bits set in either';

CREATE OPERATOR <~> (
	LEFTARG = bit, RIGHTARG = bit, FUNCTION = hamming_distance,
	COMMUTATOR = <~>
);
COMMENT ON OPERATOR <~> (bit, bit) IS
	'Hamming distance';

CREATE OPERATOR <%> (
	LEFTARG = bit, RIGHTARG = bit, FUNCTION = jaccard_distance,
	COMMUTATOR = <%>
);
COMMENT ON OPERATOR <%> (bit, bit) IS
	'Jaccard distance';
-- access method barq_hnsw

CREATE FUNCTION barq_hnswhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'barq_hnsw_handler' LANGUAGE C;
COMMENT ON FUNCTION barq_hnswhandler(internal) IS 'handler of access method barq_hnsw';

CREATE ACCESS METHOD barq_hnsw TYPE INDEX HANDLER barq_hnswhandler;
COMMENT ON ACCESS METHOD barq_hnsw IS 'nearest neighbours through a navigable small-world graph';

CREATE FUNCTION barq_vector_l2_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_vector_l2_space(internal) IS 'operator class support: Euclidean distance of vectors';

CREATE FUNCTION barq_vector_ip_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_vector_ip_space(internal) IS 'operator class support: negative inner product of vectors';

CREATE FUNCTION barq_vector_cosine_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_vector_cosine_space(internal) IS 'operator class support: cosine distance of vectors';

CREATE FUNCTION barq_vector_l1_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_vector_l1_space(internal) IS 'operator class support: taxicab distance of vectors';

-- no default: the user says the distance

CREATE OPERATOR CLASS vector_l2_ops
	FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l2_space(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING barq_hnsw IS 'vectors by Euclidean distance';

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_ip_space(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING barq_hnsw IS 'vectors by negative inner product';

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_cosine_space(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING barq_hnsw IS 'vectors by cosine distance';

CREATE OPERATOR CLASS vector_l1_ops
	FOR TYPE vector USING barq_hnsw AS
	OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l1_space(internal);
COMMENT ON OPERATOR CLASS vector_l1_ops USING barq_hnsw IS 'vectors by taxicab distance';
-- barq_hnsw of the types beside vector: spaces, then classes

CREATE FUNCTION barq_halfvec_l2_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_halfvec_l2_space(internal) IS 'operator class support: Euclidean distance of halfvecs';

CREATE FUNCTION barq_halfvec_ip_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_halfvec_ip_space(internal) IS 'operator class support: negative inner product of halfvecs';

CREATE FUNCTION barq_halfvec_cosine_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_halfvec_cosine_space(internal) IS 'operator class support: cosine distance of halfvecs';

CREATE FUNCTION barq_halfvec_l1_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_halfvec_l1_space(internal) IS 'operator class support: taxicab distance of halfvecs';

CREATE FUNCTION barq_sparsevec_l2_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_sparsevec_l2_space(internal) IS 'operator class support: Euclidean distance of sparsevecs';

CREATE FUNCTION barq_sparsevec_ip_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_sparsevec_ip_space(internal) IS 'operator class support: negative inner product of sparsevecs';

CREATE FUNCTION barq_sparsevec_cosine_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_sparsevec_cosine_space(internal) IS 'operator class support: cosine distance of sparsevecs';

CREATE FUNCTION barq_sparsevec_l1_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_sparsevec_l1_space(internal) IS 'operator class support: taxicab distance of sparsevecs';

CREATE FUNCTION barq_bit_hamming_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_bit_hamming_space(internal) IS 'operator class support: Hamming distance of bit strings';

CREATE FUNCTION barq_bit_jaccard_space(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_bit_jaccard_space(internal) IS 'operator class support: Jaccard distance of bit strings';

CREATE OPERATOR CLASS halfvec_l2_ops
	FOR TYPE halfvec USING barq_hnsw AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l2_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING barq_hnsw IS 'halfvecs by Euclidean distance';

CREATE OPERATOR CLASS halfvec_ip_ops
	FOR TYPE halfvec USING barq_hnsw AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_ip_space(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING barq_hnsw IS 'halfvecs by negative inner product';

CREATE OPERATOR CLASS halfvec_cosine_ops
	FOR TYPE halfvec USING barq_hnsw AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_cosine_space(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING barq_hnsw IS 'halfvecs by cosine distance';

CREATE OPERATOR CLASS halfvec_l1_ops
	FOR TYPE halfvec USING barq_hnsw AS
	OPERATOR 1 <+> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l1_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l1_ops USING barq_hnsw IS 'halfvecs by taxicab distance';

CREATE OPERATOR CLASS sparsevec_l2_ops
	FOR TYPE sparsevec USING barq_hnsw AS
	OPERATOR 1 <-> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_l2_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_l2_ops USING barq_hnsw IS 'sparsevecs by Euclidean distance';

CREATE OPERATOR CLASS sparsevec_ip_ops
	FOR TYPE sparsevec USING barq_hnsw AS
	OPERATOR 1 <#> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_ip_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_ip_ops USING barq_hnsw IS 'sparsevecs by negative inner product';

CREATE OPERATOR CLASS sparsevec_cosine_ops
	FOR TYPE sparsevec USING barq_hnsw AS
	OPERATOR 1 <=> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_cosine_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_cosine_ops USING barq_hnsw IS 'sparsevecs by cosine distance';

CREATE OPERATOR CLASS sparsevec_l1_ops
	FOR TYPE sparsevec USING barq_hnsw AS
	OPERATOR 1 <+> (sparsevec, sparsevec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_sparsevec_l1_space(internal);
COMMENT ON OPERATOR CLASS sparsevec_l1_ops USING barq_hnsw IS 'sparsevecs by taxicab distance';

CREATE OPERATOR CLASS bit_hamming_ops
	FOR TYPE bit USING barq_hnsw AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_hamming_space(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING barq_hnsw IS 'bit strings by Hamming distance';

CREATE OPERATOR CLASS bit_jaccard_ops
	FOR TYPE bit USING barq_hnsw AS
	OPERATOR 1 <%> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_jaccard_space(internal);
COMMENT ON OPERATOR CLASS bit_jaccard_ops USING barq_hnsw IS 'bit strings by Jaccard distance';
-- access method barq_ivf

CREATE FUNCTION barq_ivfhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'barq_ivf_handler' LANGUAGE C;
COMMENT ON FUNCTION barq_ivfhandler(internal) IS 'handler of access method barq_ivf';

CREATE ACCESS METHOD barq_ivf TYPE INDEX HANDLER barq_ivfhandler;
COMMENT ON ACCESS METHOD barq_ivf IS 'nearest neighbours through lists around centroids';

CREATE OPERATOR CLASS vector_l2_ops
	DEFAULT FOR TYPE vector USING barq_ivf AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_l2_space(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING barq_ivf IS 'vectors by Euclidean distance';

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING barq_ivf AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_ip_space(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING barq_ivf IS 'vectors by negative inner product';

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING barq_ivf AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 1 barq_vector_cosine_space(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING barq_ivf IS 'vectors by cosine distance';

CREATE OPERATOR CLASS halfvec_l2_ops
	FOR TYPE halfvec USING barq_ivf AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_l2_space(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING barq_ivf IS 'halfvecs by Euclidean distance';

CREATE OPERATOR CLASS halfvec_ip_ops
	FOR TYPE halfvec USING barq_ivf AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_ip_space(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING barq_ivf IS 'halfvecs by negative inner product';

CREATE OPERATOR CLASS halfvec_cosine_ops
	FOR TYPE halfvec USING barq_ivf AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 1 barq_halfvec_cosine_space(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING barq_ivf IS 'halfvecs by cosine distance';

CREATE OPERATOR CLASS bit_hamming_ops
	FOR TYPE bit USING barq_ivf AS
	OPERATOR 1 <~> (bit, bit) FOR ORDER BY float_ops,
	FUNCTION 1 barq_bit_hamming_space(internal);
COMMENT ON OPERATOR CLASS bit_hamming_ops USING barq_ivf IS 'bit strings by Hamming distance';
-- seeing and steering

CREATE FUNCTION barq_version() RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_version() IS 'version of the barq library';

CREATE FUNCTION barq_seal(index regclass) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_seal(regclass) IS 'seal the growing log of an index; the number of rows sealed';

CREATE FUNCTION barq_compact(index regclass) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_compact(regclass) IS 'merge all of an index into one segment and give free pages back; the number of its rows, 0 if there was nothing to merge';

CREATE FUNCTION barq_segments(index regclass,
	OUT segment integer, OUT id uuid, OUT kind text, OUT level integer,
	OUT state text, OUT rows bigint, OUT dead_rows bigint,
	OUT page_bytes bigint, OUT image_bytes bigint, OUT image text,
	OUT created timestamp with time zone)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION barq_segments(regclass) IS 'segments of an index, and its growing log';

CREATE FUNCTION barq_check(index regclass, heap boolean DEFAULT true,
	OUT severity text, OUT place text, OUT message text)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION barq_check(regclass, boolean) IS 'what is wrong with an index; no row when all is well';

CREATE FUNCTION barq_recall(index regclass, k integer DEFAULT 10, samples integer DEFAULT 100)
	RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_recall(regclass, integer, integer) IS 'share of the k nearest other rows that an index finds for rows drawn from its table';

CREATE FUNCTION barq_index_status(index oid,
	OUT options text, OUT rows bigint, OUT segments integer, OUT bytes bigint,
	OUT growing_bytes bigint, OUT last_seal timestamp with time zone,
	OUT last_compaction timestamp with time zone)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 1;
COMMENT ON FUNCTION barq_index_status(oid) IS 'state of an index, for the view barq_indexes';

CREATE VIEW barq_indexes AS
	SELECT c.oid::pg_catalog.regclass AS index,
		i.indrelid::pg_catalog.regclass AS "table",
		a.amname AS kind, s.options, s.rows, s.segments, s.bytes,
		s.growing_bytes, s.last_seal, s.last_compaction
	FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
		JOIN pg_catalog.pg_am a ON a.oid = c.relam,
		LATERAL barq_index_status(c.oid) s
	WHERE c.relkind = 'i' AND a.amname IN ('barq_hnsw', 'barq_ivf', 'barq_bm25');
COMMENT ON VIEW barq_indexes IS 'barq indexes that the user may see into';
GRANT SELECT ON barq_indexes TO PUBLIC;
-- statistics

CREATE FUNCTION barq_stats(OUT index regclass, OUT inserts bigint,
	OUT searches bigint, OUT seals bigint, OUT compactions bigint,
	OUT rows_sealed bigint, OUT rows_compacted bigint,
	OUT bytes_sealed bigint, OUT bytes_compacted bigint,
	OUT seal_time double precision, OUT compaction_time double precision,
	OUT waits bigint, OUT wait_time double precision,
	OUT rows_too_late bigint, OUT lock_waits bigint[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION barq_stats() IS 'counters of the barq indexes of this database: of the whole server if barq is in shared_preload_libraries, else of this session; times in milliseconds; lock_waits: waits of searches for locks of pages, counted by how long they took: below 1, 10, 100 microseconds, 1, 10, 100 milliseconds, and longer';

CREATE VIEW barq_progress AS
	SELECT pid, datname AS database, backend_type AS worker, query AS activity,
		backend_start AS started, query_start AS since
	FROM pg_catalog.pg_stat_activity
	WHERE backend_type IN ('barq worker', 'barq launcher');
COMMENT ON VIEW barq_progress IS 'what each barq worker does';
GRANT SELECT ON barq_progress TO PUBLIC;

-- text: tokenizing, queries, highlighting

CREATE FUNCTION barq_bm25_terms(body text, config regconfig,
	tokenizer text DEFAULT 'config', OUT term text, OUT "position" bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION barq_bm25_terms(text, regconfig, text) IS 'the terms that an index of barq_bm25 has for a text, and the positions of the words that gave them, stop words counted';

CREATE FUNCTION barq_bm25_clauses(query text, config regconfig,
	tokenizer text DEFAULT 'config', OUT occur text, OUT kind text,
	OUT terms text[], OUT offsets bigint[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10;
COMMENT ON FUNCTION barq_bm25_clauses(text, regconfig, text) IS 'what a text query asks for: words, phrases and prefixes that should, must or must not be there, by the terms that a document has for them';

CREATE TYPE bm25query;
CREATE FUNCTION bm25query_in(cstring) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25query_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25query_out(bm25query) RETURNS cstring
	AS 'MODULE_PATHNAME', 'barq_bm25query_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25query_recv(internal) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25query_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25query_send(bm25query) RETURNS bytea
	AS 'MODULE_PATHNAME', 'barq_bm25query_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE bm25query (INPUT = bm25query_in, OUTPUT = bm25query_out,
	RECEIVE = bm25query_recv, SEND = bm25query_send,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended);
COMMENT ON TYPE bm25query IS 'a text query and the barq_bm25 index that it is for: ''index:query'', or the bare query (with a colon before it where it begins like an index''s name and a colon)';
COMMENT ON FUNCTION bm25query_in(cstring) IS 'read a bm25query from text';
COMMENT ON FUNCTION bm25query_out(bm25query) IS 'write a bm25query as text';
COMMENT ON FUNCTION bm25query_recv(internal) IS 'read a bm25query from binary form';
COMMENT ON FUNCTION bm25query_send(bm25query) IS 'write a bm25query in binary form';

CREATE FUNCTION to_bm25query(query text, index regclass DEFAULT NULL) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_to_bm25query' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION to_bm25query(text, regclass) IS 'a text query for an index of barq_bm25, or for the one that fits';

CREATE FUNCTION barq_highlight(body text, query text, config regconfig,
	start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>',
	max_fragments int DEFAULT 3, fragment_words int DEFAULT 20) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION barq_highlight(text, text, regconfig, text, text, int, int) IS 'the parts of a text that a query finds, with tags around the words found; max_fragments = 0: all of the text';
-- access method barq_bm25, its operators, statistics

CREATE FUNCTION barq_bm25handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'barq_bm25_handler' LANGUAGE C;
COMMENT ON FUNCTION barq_bm25handler(internal) IS 'handler of access method barq_bm25';

CREATE ACCESS METHOD barq_bm25 TYPE INDEX HANDLER barq_bm25handler;
COMMENT ON ACCESS METHOD barq_bm25 IS 'texts ranked by BM25, and matched';

CREATE FUNCTION barq_text_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_text_support(internal) IS 'planner support: finds the index that a text query is for';

-- ranking: the negative BM25 score

CREATE FUNCTION bm25_distance(text, bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(text, bm25query) IS 'negative BM25 score of a text: smaller is better, 0 where no term occurs';
CREATE FUNCTION bm25_distance(text[], bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_array_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(text[], bm25query) IS 'negative BM25 score of texts that follow each other';
CREATE FUNCTION bm25_distance(text, text) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(text, text) IS 'negative BM25 score of a text, by the index that fits';
CREATE FUNCTION bm25_distance(text[], text) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(text[], text) IS 'negative BM25 score of texts that follow each other, by the index that fits';

CREATE OPERATOR <@> (LEFTARG = text, RIGHTARG = bm25query, FUNCTION = bm25_distance);
COMMENT ON OPERATOR <@> (text, bm25query) IS 'negative BM25 score';
CREATE OPERATOR <@> (LEFTARG = text[], RIGHTARG = bm25query, FUNCTION = bm25_distance);
COMMENT ON OPERATOR <@> (text[], bm25query) IS 'negative BM25 score';
CREATE OPERATOR <@> (LEFTARG = text, RIGHTARG = text, FUNCTION = bm25_distance);
COMMENT ON OPERATOR <@> (text, text) IS 'negative BM25 score, by the index that fits';
CREATE OPERATOR <@> (LEFTARG = text[], RIGHTARG = text, FUNCTION = bm25_distance);
COMMENT ON OPERATOR <@> (text[], text) IS 'negative BM25 score, by the index that fits';

-- matching

CREATE FUNCTION barq_text_selectivity(internal, oid, internal, integer) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION barq_text_selectivity(internal, oid, internal, integer) IS 'restriction selectivity of @@@: by the frequencies of the terms';

CREATE FUNCTION bm25_matches(text, bm25query) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(text, bm25query) IS 'whether a text holds what a query asks for';
CREATE FUNCTION bm25_matches(text[], bm25query) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_array_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(text[], bm25query) IS 'whether texts hold what a query asks for';
CREATE FUNCTION bm25_matches(text, text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(text, text) IS 'whether a text holds what a query asks for, by the configuration of the index that fits';
CREATE FUNCTION bm25_matches(text[], text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(text[], text) IS 'whether texts hold what a query asks for, by the configuration of the index that fits';

CREATE OPERATOR @@@ (LEFTARG = text, RIGHTARG = bm25query, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text, bm25query) IS 'text matches a query';
CREATE OPERATOR @@@ (LEFTARG = text[], RIGHTARG = bm25query, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text[], bm25query) IS 'texts match a query';
CREATE OPERATOR @@@ (LEFTARG = text, RIGHTARG = text, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text, text) IS 'text matches a query, by the configuration of the index that fits';
CREATE OPERATOR @@@ (LEFTARG = text[], RIGHTARG = text, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text[], text) IS 'texts match a query, by the configuration of the index that fits';

CREATE OPERATOR CLASS bm25_ops
	DEFAULT FOR TYPE text USING barq_bm25 AS
	OPERATOR 1 <@> (text, bm25query) FOR ORDER BY float_ops,
	OPERATOR 2 @@@ (text, bm25query);
COMMENT ON OPERATOR CLASS bm25_ops USING barq_bm25 IS 'texts by BM25';

CREATE OPERATOR CLASS bm25_array_ops
	DEFAULT FOR TYPE text[] USING barq_bm25 AS
	OPERATOR 1 <@> (text[], bm25query) FOR ORDER BY float_ops,
	OPERATOR 2 @@@ (text[], bm25query);
COMMENT ON OPERATOR CLASS bm25_array_ops USING barq_bm25 IS 'arrays of texts by BM25';

-- statistics

CREATE FUNCTION barq_bm25_stats(index regclass, OUT documents bigint, OUT tokens bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION barq_bm25_stats(regclass) IS 'documents that an index counts, and their words';

CREATE FUNCTION barq_bm25_df(index regclass, term text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'barq_bm25_df_shown' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION barq_bm25_df(regclass, text) IS 'documents of an index that hold a term, as it stands in the dictionary';
-- hybrid: rankings of vectors and of text, fused

CREATE FUNCTION barq_rrf(rank bigint, rrf_k float8 DEFAULT 60,
	weight float8 DEFAULT 1) RETURNS float8
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_rrf(bigint, float8, float8) IS 'what a rank adds to a score in reciprocal rank fusion: weight/(rrf_k + rank), 0 for NULL';

CREATE FUNCTION barq_hybrid(item anyelement, embedding text DEFAULT NULL,
	query text DEFAULT NULL, k int DEFAULT 10, candidates int DEFAULT 100,
	rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, filter text DEFAULT NULL,
	filter_args text[] DEFAULT '{}', vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, text, text, int, int, float8, float8, float8, text, text[], name, name) IS 'rows of a table, best first by a ranking of vectors and one of text, fused';

-- the embedding has no default here, so that a call without one is not ambiguous
CREATE FUNCTION barq_hybrid(item anyelement, embedding vector,
	query text DEFAULT NULL, k int DEFAULT 10, candidates int DEFAULT 100,
	rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, filter text DEFAULT NULL,
	filter_args text[] DEFAULT '{}', vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, vector, text, int, int, float8, float8, float8, text, text[], name, name) IS 'rows of a table, best first by a ranking of vectors and one of text, fused';

CREATE FUNCTION barq_hybrid(item anyelement, embedding halfvec,
	query text DEFAULT NULL, k int DEFAULT 10, candidates int DEFAULT 100,
	rrf_k float8 DEFAULT 60, vector_weight float8 DEFAULT 1,
	text_weight float8 DEFAULT 1, filter text DEFAULT NULL,
	filter_args text[] DEFAULT '{}', vector_column name DEFAULT NULL,
	text_column name DEFAULT NULL)
	RETURNS TABLE(doc anyelement, score float8, vector_rank int, text_rank int)
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 10;
COMMENT ON FUNCTION barq_hybrid(anyelement, halfvec, text, int, int, float8, float8, float8, text, text[], name, name) IS 'rows of a table, best first by a ranking of vectors and one of text, fused';
-- moving from pgvector

CREATE FUNCTION barq_adopt_pgvector() RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION barq_adopt_pgvector() IS 'make operator classes of the access methods of barq for the types of pgvector; the number made';
