-- The contract of the vector types: everything interface.md names is there,
-- with its signature, wherever the extension was installed.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

BEGIN;
SELECT no_plan();

-- types
CREATE TEMP TABLE types (name text);
INSERT INTO types VALUES ('vector'), ('halfvec'), ('sparsevec');
SELECT has_type(name::name) FROM types;
SELECT is(concat_ws(' ', typlen, typbyval, typalign, typstorage, typtype), '-1 f i e b',
		  format('%s is a base type of varying length, stored external', name))
FROM types, pg_type WHERE oid = name::regtype;
SELECT is(format_type(name::regtype, 3), name || '(3)', name || ' takes a type modifier') FROM types;
SELECT ok(0 NOT IN (typinput, typoutput, typreceive, typsend, typmodin), name || ' has text and binary input and output')
FROM types, pg_type WHERE oid = name::regtype;

-- functions: name, arguments, result; all immutable, strict, parallel safe
CREATE TEMP TABLE contract (name text, args text, result text);
INSERT INTO contract VALUES
	('vector_in', 'cstring, oid, integer', 'vector'),
	('vector_out', 'vector', 'cstring'),
	('vector_typmod_in', 'cstring[]', 'integer'),
	('vector_recv', 'internal, oid, integer', 'vector'),
	('vector_send', 'vector', 'bytea'),
	('l2_distance', 'vector, vector', 'double precision'),
	('inner_product', 'vector, vector', 'double precision'),
	('cosine_distance', 'vector, vector', 'double precision'),
	('l1_distance', 'vector, vector', 'double precision'),
	('vector_dims', 'vector', 'integer'),
	('vector_norm', 'vector', 'double precision'),
	('l2_normalize', 'vector', 'vector'),
	('binary_quantize', 'vector', 'bit'),
	('subvector', 'vector, integer, integer', 'vector'),
	('vector_add', 'vector, vector', 'vector'),
	('vector_sub', 'vector, vector', 'vector'),
	('vector_mul', 'vector, vector', 'vector'),
	('vector_concat', 'vector, vector', 'vector'),
	('vector_lt', 'vector, vector', 'boolean'),
	('vector_le', 'vector, vector', 'boolean'),
	('vector_eq', 'vector, vector', 'boolean'),
	('vector_ne', 'vector, vector', 'boolean'),
	('vector_ge', 'vector, vector', 'boolean'),
	('vector_gt', 'vector, vector', 'boolean'),
	('vector_cmp', 'vector, vector', 'integer'),
	('vector_l2_squared_distance', 'vector, vector', 'double precision'),
	('vector_negative_inner_product', 'vector, vector', 'double precision'),
	('vector_spherical_distance', 'vector, vector', 'double precision'),
	('vector_accum', 'double precision[], vector', 'double precision[]'),
	('vector_avg', 'double precision[]', 'vector'),
	('vector_combine', 'double precision[], double precision[]', 'double precision[]'),
	('vector', 'vector, integer, boolean', 'vector'),
	('array_to_vector', 'integer[], integer, boolean', 'vector'),
	('array_to_vector', 'real[], integer, boolean', 'vector'),
	('array_to_vector', 'double precision[], integer, boolean', 'vector'),
	('array_to_vector', 'numeric[], integer, boolean', 'vector'),
	('vector_to_float4', 'vector, integer, boolean', 'real[]'),
	('halfvec_in', 'cstring, oid, integer', 'halfvec'),
	('halfvec_out', 'halfvec', 'cstring'),
	('halfvec_typmod_in', 'cstring[]', 'integer'),
	('halfvec_recv', 'internal, oid, integer', 'halfvec'),
	('halfvec_send', 'halfvec', 'bytea'),
	('l2_distance', 'halfvec, halfvec', 'double precision'),
	('inner_product', 'halfvec, halfvec', 'double precision'),
	('cosine_distance', 'halfvec, halfvec', 'double precision'),
	('l1_distance', 'halfvec, halfvec', 'double precision'),
	('vector_dims', 'halfvec', 'integer'),
	('l2_norm', 'halfvec', 'double precision'),
	('l2_normalize', 'halfvec', 'halfvec'),
	('binary_quantize', 'halfvec', 'bit'),
	('subvector', 'halfvec, integer, integer', 'halfvec'),
	('halfvec_add', 'halfvec, halfvec', 'halfvec'),
	('halfvec_sub', 'halfvec, halfvec', 'halfvec'),
	('halfvec_mul', 'halfvec, halfvec', 'halfvec'),
	('halfvec_concat', 'halfvec, halfvec', 'halfvec'),
	('halfvec_lt', 'halfvec, halfvec', 'boolean'),
	('halfvec_le', 'halfvec, halfvec', 'boolean'),
	('halfvec_eq', 'halfvec, halfvec', 'boolean'),
	('halfvec_ne', 'halfvec, halfvec', 'boolean'),
	('halfvec_ge', 'halfvec, halfvec', 'boolean'),
	('halfvec_gt', 'halfvec, halfvec', 'boolean'),
	('halfvec_cmp', 'halfvec, halfvec', 'integer'),
	('halfvec_l2_squared_distance', 'halfvec, halfvec', 'double precision'),
	('halfvec_negative_inner_product', 'halfvec, halfvec', 'double precision'),
	('halfvec_spherical_distance', 'halfvec, halfvec', 'double precision'),
	('halfvec_accum', 'double precision[], halfvec', 'double precision[]'),
	('halfvec_avg', 'double precision[]', 'halfvec'),
	('halfvec_combine', 'double precision[], double precision[]', 'double precision[]'),
	('halfvec', 'halfvec, integer, boolean', 'halfvec'),
	('array_to_halfvec', 'integer[], integer, boolean', 'halfvec'),
	('array_to_halfvec', 'real[], integer, boolean', 'halfvec'),
	('array_to_halfvec', 'double precision[], integer, boolean', 'halfvec'),
	('array_to_halfvec', 'numeric[], integer, boolean', 'halfvec'),
	('halfvec_to_float4', 'halfvec, integer, boolean', 'real[]'),
	('sparsevec_in', 'cstring, oid, integer', 'sparsevec'),
	('sparsevec_out', 'sparsevec', 'cstring'),
	('sparsevec_typmod_in', 'cstring[]', 'integer'),
	('sparsevec_recv', 'internal, oid, integer', 'sparsevec'),
	('sparsevec_send', 'sparsevec', 'bytea'),
	('l2_distance', 'sparsevec, sparsevec', 'double precision'),
	('inner_product', 'sparsevec, sparsevec', 'double precision'),
	('cosine_distance', 'sparsevec, sparsevec', 'double precision'),
	('l1_distance', 'sparsevec, sparsevec', 'double precision'),
	('l2_norm', 'sparsevec', 'double precision'),
	('l2_normalize', 'sparsevec', 'sparsevec'),
	('sparsevec_lt', 'sparsevec, sparsevec', 'boolean'),
	('sparsevec_le', 'sparsevec, sparsevec', 'boolean'),
	('sparsevec_eq', 'sparsevec, sparsevec', 'boolean'),
	('sparsevec_ne', 'sparsevec, sparsevec', 'boolean'),
	('sparsevec_ge', 'sparsevec, sparsevec', 'boolean'),
	('sparsevec_gt', 'sparsevec, sparsevec', 'boolean'),
	('sparsevec_cmp', 'sparsevec, sparsevec', 'integer'),
	('sparsevec_l2_squared_distance', 'sparsevec, sparsevec', 'double precision'),
	('sparsevec_negative_inner_product', 'sparsevec, sparsevec', 'double precision'),
	('sparsevec', 'sparsevec, integer, boolean', 'sparsevec'),
	('array_to_sparsevec', 'integer[], integer, boolean', 'sparsevec'),
	('array_to_sparsevec', 'real[], integer, boolean', 'sparsevec'),
	('array_to_sparsevec', 'double precision[], integer, boolean', 'sparsevec'),
	('array_to_sparsevec', 'numeric[], integer, boolean', 'sparsevec'),
	('vector_to_halfvec', 'vector, integer, boolean', 'halfvec'),
	('halfvec_to_vector', 'halfvec, integer, boolean', 'vector'),
	('vector_to_sparsevec', 'vector, integer, boolean', 'sparsevec'),
	('sparsevec_to_vector', 'sparsevec, integer, boolean', 'vector'),
	('halfvec_to_sparsevec', 'halfvec, integer, boolean', 'sparsevec'),
	('sparsevec_to_halfvec', 'sparsevec, integer, boolean', 'halfvec'),
	('hamming_distance', 'bit, bit', 'double precision'),
	('jaccard_distance', 'bit, bit', 'double precision');

SELECT ok(to_regprocedure(name || '(' || args || ')') IS NOT NULL, format('%s(%s) exists', name, args))
FROM contract;
SELECT is(pg_get_function_result(p.oid), result, format('%s(%s) returns %s', name, args, result))
FROM contract, pg_proc p WHERE p.oid = to_regprocedure(name || '(' || args || ')');
SELECT is(concat(provolatile, proisstrict, proparallel, prokind), 'itsf',
		  format('%s(%s) is immutable, strict and parallel safe', name, args))
FROM contract, pg_proc p WHERE p.oid = to_regprocedure(name || '(' || args || ')');

-- operators: their functions, results, commutators and negators. A function's
-- name has the type's before it where it begins with "_".
CREATE TEMP TABLE operators (name text, function text, result text, commutator text, negator text, types text[]);
INSERT INTO operators VALUES
	('<->', 'l2_distance', 'double precision', '<->', NULL, '{vector,halfvec,sparsevec}'),
	('<#>', '_negative_inner_product', 'double precision', '<#>', NULL, '{vector,halfvec,sparsevec}'),
	('<=>', 'cosine_distance', 'double precision', '<=>', NULL, '{vector,halfvec,sparsevec}'),
	('<+>', 'l1_distance', 'double precision', '<+>', NULL, '{vector,halfvec,sparsevec}'),
	('+', '_add', NULL, '+', NULL, '{vector,halfvec}'),
	('-', '_sub', NULL, NULL, NULL, '{vector,halfvec}'),
	('*', '_mul', NULL, '*', NULL, '{vector,halfvec}'),
	('||', '_concat', NULL, NULL, NULL, '{vector,halfvec}'),
	('<', '_lt', 'boolean', '>', '>=', '{vector,halfvec,sparsevec}'),
	('<=', '_le', 'boolean', '>=', '>', '{vector,halfvec,sparsevec}'),
	('=', '_eq', 'boolean', '=', '<>', '{vector,halfvec,sparsevec}'),
	('<>', '_ne', 'boolean', '<>', '=', '{vector,halfvec,sparsevec}'),
	('>=', '_ge', 'boolean', '<=', '<', '{vector,halfvec,sparsevec}'),
	('>', '_gt', 'boolean', '<', '<=', '{vector,halfvec,sparsevec}'),
	('<~>', 'hamming_distance', 'double precision', '<~>', NULL, '{bit}'),
	('<%>', 'jaccard_distance', 'double precision', '<%>', NULL, '{bit}');
SELECT has_operator(t::name, o.name::name, t::name, coalesce(o.result, t)::name) FROM operators o, unnest(types) t;
SELECT results_eq(
	format($$ SELECT o.oprcode::oid = '%s(%s,%2$s)'::regprocedure, c.oprname::text COLLATE "default", n.oprname::text COLLATE "default"
			  FROM pg_operator o LEFT JOIN pg_operator c ON c.oid = o.oprcom
				LEFT JOIN pg_operator n ON n.oid = o.oprnegate
			  WHERE o.oid = '%s(%2$s,%2$s)'::regoperator $$, regexp_replace(function, '^_', t || '_'), t, name),
	format('VALUES (true, %L::text, %L::text)', commutator, negator),
	format('operator %s of %s is made of %s', name, t, function))
FROM operators, unnest(types) t;

-- casts and their contexts
SELECT set_eq(
	$$ SELECT format_type(castsource, NULL) AS source, format_type(casttarget, NULL) AS target,
		castcontext::text AS context, castfunc::regprocedure::text AS function
	   FROM pg_cast JOIN pg_depend ON classid = 'pg_cast'::regclass AND objid = pg_cast.oid AND deptype = 'e'
	   WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'barq')
		AND (format_type(castsource, NULL) ~ 'vec' OR format_type(casttarget, NULL) ~ 'vec') $$,
	$$ VALUES
		('vector', 'vector', 'i', 'vector(vector,integer,boolean)'),
		('vector', 'real[]', 'i', 'vector_to_float4(vector,integer,boolean)'),
		('integer[]', 'vector', 'a', 'array_to_vector(integer[],integer,boolean)'),
		('real[]', 'vector', 'a', 'array_to_vector(real[],integer,boolean)'),
		('double precision[]', 'vector', 'a', 'array_to_vector(double precision[],integer,boolean)'),
		('numeric[]', 'vector', 'a', 'array_to_vector(numeric[],integer,boolean)'),
		('halfvec', 'halfvec', 'i', 'halfvec(halfvec,integer,boolean)'),
		('halfvec', 'vector', 'a', 'halfvec_to_vector(halfvec,integer,boolean)'),
		('vector', 'halfvec', 'i', 'vector_to_halfvec(vector,integer,boolean)'),
		('halfvec', 'real[]', 'a', 'halfvec_to_float4(halfvec,integer,boolean)'),
		('integer[]', 'halfvec', 'a', 'array_to_halfvec(integer[],integer,boolean)'),
		('real[]', 'halfvec', 'a', 'array_to_halfvec(real[],integer,boolean)'),
		('double precision[]', 'halfvec', 'a', 'array_to_halfvec(double precision[],integer,boolean)'),
		('numeric[]', 'halfvec', 'a', 'array_to_halfvec(numeric[],integer,boolean)'),
		('sparsevec', 'sparsevec', 'i', 'sparsevec(sparsevec,integer,boolean)'),
		('sparsevec', 'vector', 'a', 'sparsevec_to_vector(sparsevec,integer,boolean)'),
		('vector', 'sparsevec', 'i', 'vector_to_sparsevec(vector,integer,boolean)'),
		('sparsevec', 'halfvec', 'a', 'sparsevec_to_halfvec(sparsevec,integer,boolean)'),
		('halfvec', 'sparsevec', 'i', 'halfvec_to_sparsevec(halfvec,integer,boolean)'),
		('integer[]', 'sparsevec', 'a', 'array_to_sparsevec(integer[],integer,boolean)'),
		('real[]', 'sparsevec', 'a', 'array_to_sparsevec(real[],integer,boolean)'),
		('double precision[]', 'sparsevec', 'a', 'array_to_sparsevec(double precision[],integer,boolean)'),
		('numeric[]', 'sparsevec', 'a', 'array_to_sparsevec(numeric[],integer,boolean)') $$,
	'the casts of the vector types, and no others');

-- aggregates
SELECT is_aggregate(a::name, ARRAY[t::name]) FROM unnest(ARRAY['avg', 'sum']) a, unnest(ARRAY['vector', 'halfvec']) t;
SELECT set_eq(
	$$ SELECT a.aggfnoid::regprocedure::text, pg_get_function_result(a.aggfnoid), aggtransfn::text, aggfinalfn::text, aggcombinefn::text,
		format_type(aggtranstype, NULL) AS state, agginitval, proparallel::text
	   FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
	   WHERE a.aggfnoid IN ('avg(vector)'::regprocedure, 'sum(vector)'::regprocedure, 'avg(halfvec)'::regprocedure, 'sum(halfvec)'::regprocedure) $$,
	$$ VALUES
		('avg(vector)', 'vector', 'vector_accum', 'vector_avg', 'vector_combine', 'double precision[]', '{0}', 's'),
		('sum(vector)', 'vector', 'vector_add', '-', 'vector_add', 'vector', NULL, 's'),
		('avg(halfvec)', 'halfvec', 'halfvec_accum', 'halfvec_avg', 'halfvec_combine', 'double precision[]', '{0}', 's'),
		('sum(halfvec)', 'halfvec', 'halfvec_add', '-', 'halfvec_add', 'halfvec', NULL, 's') $$,
	'avg and sum of vectors and halfvecs');

-- operator classes
SELECT has_opclass((name || '_ops')::name) FROM types;
SELECT set_eq(
	$$ SELECT opcname::text COLLATE "default", opcdefault, opcintype::regtype::text
	   FROM pg_opclass c JOIN pg_am am ON am.oid = opcmethod
	   WHERE amname = 'btree' AND opcnamespace = (SELECT typnamespace FROM pg_type WHERE oid = 'vector'::regtype) $$,
	$$ VALUES ('vector_ops', true, 'vector'), ('halfvec_ops', true, 'halfvec'), ('sparsevec_ops', true, 'sparsevec') $$,
	'each type has a default class for btree');

-- every function, operator and type says what it is for
SELECT is_empty(
	$$ SELECT d.classid::regclass, pg_describe_object(d.classid, d.objid, 0)
	   FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	   WHERE e.extname = 'barq' AND d.deptype = 'e'
		AND d.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
		AND NOT EXISTS (SELECT FROM pg_type t WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid
						AND (t.typelem <> 0 OR t.typtype = 'c'))
		AND obj_description(d.objid, d.classid::regclass::name) IS NULL $$,
	'every function, operator and type has a comment');

SELECT * FROM finish();
ROLLBACK;
