-- The contract of the type vector: everything interface.md names is there,
-- with its signature, wherever the extension was installed.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS barq;
RESET client_min_messages;

BEGIN;
SELECT no_plan();

-- type
SELECT has_type('vector');
SELECT results_eq(
	$$ SELECT typlen::int, typbyval, typalign::text, typstorage::text, typtype::text
	   FROM pg_type WHERE oid = 'vector'::regtype $$,
	$$ VALUES (-1, false, 'i', 'e', 'b') $$,
	'vector is a base type of varying length, stored external');
SELECT is(format_type('vector'::regtype, 3), 'vector(3)', 'vector takes a type modifier');
SELECT is((SELECT count(*)::int FROM pg_type t
		   WHERE t.oid = 'vector'::regtype AND 0 NOT IN (typinput, typoutput, typreceive, typsend, typmodin)),
		  1, 'vector has text and binary input and output');

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
	('vector_to_float4', 'vector, integer, boolean', 'real[]');

SELECT ok(to_regprocedure(name || '(' || args || ')') IS NOT NULL, format('%s(%s) exists', name, args))
FROM contract;
SELECT is(pg_get_function_result(p.oid), result, format('%s(%s) returns %s', name, args, result))
FROM contract, pg_proc p WHERE p.oid = to_regprocedure(name || '(' || args || ')');
SELECT is(concat(provolatile, proisstrict, proparallel, prokind), 'itsf',
		  format('%s(%s) is immutable, strict and parallel safe', name, args))
FROM contract, pg_proc p WHERE p.oid = to_regprocedure(name || '(' || args || ')');

-- operators: their functions, results, commutators and negators
CREATE TEMP TABLE operators (name text, function text, result text, commutator text, negator text);
INSERT INTO operators VALUES
	('<->', 'l2_distance', 'double precision', '<->', NULL),
	('<#>', 'vector_negative_inner_product', 'double precision', '<#>', NULL),
	('<=>', 'cosine_distance', 'double precision', '<=>', NULL),
	('<+>', 'l1_distance', 'double precision', '<+>', NULL),
	('+', 'vector_add', 'vector', '+', NULL),
	('-', 'vector_sub', 'vector', NULL, NULL),
	('*', 'vector_mul', 'vector', '*', NULL),
	('||', 'vector_concat', 'vector', NULL, NULL),
	('<', 'vector_lt', 'boolean', '>', '>='),
	('<=', 'vector_le', 'boolean', '>=', '>'),
	('=', 'vector_eq', 'boolean', '=', '<>'),
	('<>', 'vector_ne', 'boolean', '<>', '='),
	('>=', 'vector_ge', 'boolean', '<=', '<'),
	('>', 'vector_gt', 'boolean', '<', '<=');
SELECT has_operator('vector', o.name::name, 'vector', o.result::name) FROM operators o;
SELECT results_eq(
	format($$ SELECT o.oprcode::regproc::text, c.oprname::text COLLATE "default", n.oprname::text COLLATE "default"
			  FROM pg_operator o LEFT JOIN pg_operator c ON c.oid = o.oprcom
				LEFT JOIN pg_operator n ON n.oid = o.oprnegate
			  WHERE o.oid = '%s(vector,vector)'::regoperator $$, name),
	format('VALUES (%L::text, %L::text, %L::text)', function, commutator, negator),
	format('operator %s is made of %s', name, function))
FROM operators;

-- casts and their contexts
SELECT set_eq(
	$$ SELECT format_type(castsource, NULL) AS source, format_type(casttarget, NULL) AS target,
		castcontext::text AS context, castfunc::regprocedure::text AS function
	   FROM pg_cast
	   WHERE (castsource = 'vector'::regtype
			  AND casttarget IN ('vector'::regtype, 'real[]'::regtype, 'integer[]'::regtype, 'double precision[]'::regtype, 'numeric[]'::regtype))
		OR (casttarget = 'vector'::regtype
			AND castsource IN ('real[]'::regtype, 'integer[]'::regtype, 'double precision[]'::regtype, 'numeric[]'::regtype)) $$,
	$$ VALUES
		('double precision[]', 'vector', 'a', 'array_to_vector(double precision[],integer,boolean)'),
		('integer[]', 'vector', 'a', 'array_to_vector(integer[],integer,boolean)'),
		('numeric[]', 'vector', 'a', 'array_to_vector(numeric[],integer,boolean)'),
		('real[]', 'vector', 'a', 'array_to_vector(real[],integer,boolean)'),
		('vector', 'real[]', 'i', 'vector_to_float4(vector,integer,boolean)'),
		('vector', 'vector', 'i', 'vector(vector,integer,boolean)') $$,
	'casts of vector to itself and from and to arrays');

-- aggregates
SELECT is_aggregate('avg', ARRAY['vector']);
SELECT is_aggregate('sum', ARRAY['vector']);
SELECT set_eq(
	$$ SELECT a.aggfnoid::regprocedure::text, pg_get_function_result(a.aggfnoid), aggtransfn::text, aggfinalfn::text, aggcombinefn::text,
		format_type(aggtranstype, NULL) AS state, agginitval, proparallel::text
	   FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
	   WHERE a.aggfnoid IN ('avg(vector)'::regprocedure, 'sum(vector)'::regprocedure) $$,
	$$ VALUES
		('avg(vector)', 'vector', 'vector_accum', 'vector_avg', 'vector_combine', 'double precision[]', '{0}', 's'),
		('sum(vector)', 'vector', 'vector_add', '-', 'vector_add', 'vector', NULL, 's') $$,
	'avg and sum of vectors');

-- operator class
SELECT has_opclass('vector_ops');
SELECT results_eq(
	$$ SELECT am.amname::text COLLATE "default", opcdefault, opcintype::regtype::text
	   FROM pg_opclass c JOIN pg_am am ON am.oid = opcmethod
	   WHERE opcname = 'vector_ops' AND opcnamespace = (SELECT typnamespace FROM pg_type WHERE oid = 'vector'::regtype) $$,
	$$ VALUES ('btree', true, 'vector') $$,
	'vector_ops is the default of vector for btree');

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
