-- The contract of indexes: what interface.md names so far is there, with its
-- signature: the access method, operator classes, functions,
-- settings. A name that is missing, and one too many, is a failure. The type
-- vector is types.sql's.
BEGIN;
SELECT no_plan();

-- what belongs to the extension, by kind
CREATE TEMP VIEW member AS
	SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	WHERE e.extname = 'barq' AND d.deptype = 'e';

-- functions that a user calls: arguments and result, volatility, strictness, parallel safety
CREATE TEMP TABLE contract_function (signature text, result text, volatility "char", strict bool, parallel "char");
INSERT INTO contract_function VALUES
	('barq_version()', 'text', 'i', false, 's'),
	('barq_seal(regclass)', 'bigint', 'v', true, 'u'),
	('barq_compact(regclass)', 'bigint', 'v', true, 'u'),
	('barq_segments(regclass)', 'SETOF record', 'v', true, 'r'),
	('barq_prewarm(regclass,integer)', 'bigint', 'v', false, 'u'),
	('barq_evict(regclass,integer)', 'bigint', 'v', false, 'u'),
	('barq_memory()', 'SETOF record', 'v', false, 'r'),
	('barq_check(regclass,boolean)', 'SETOF record', 'v', true, 'u'),
	('barq_recall(regclass,integer,integer)', 'double precision', 'v', true, 'u'),
	('barq_recall_curve(regclass,integer,integer)', 'SETOF record', 'v', true, 'u'),
	('barq_calibrate(regclass,vector[])', 'bigint', 'v', true, 'u'),
	('barq_calibrate(regclass,halfvec[])', 'bigint', 'v', true, 'u'),
	('barq_calibrate(regclass,sparsevec[])', 'bigint', 'v', true, 'u'),
	('barq_calibrate(regclass,bit[])', 'bigint', 'v', true, 'u'),
	('barq_stats()', 'SETOF record', 'v', true, 'r'),
	('barq_stats_reset(regclass)', 'void', 'v', false, 'r'),
	('barq_advise(regclass)', 'SETOF record', 'v', true, 'u'),
	('barq_last_scan()', 'record', 'v', true, 'r'),
	('barq_indexes()', 'SETOF record', 's', false, 'r'),
	('barq_progress()', 'SETOF record', 's', false, 'r'),
	('barq_rrf(bigint,double precision,double precision)', 'double precision', 'i', false, 's'),
	('barq_hybrid(anyelement,text,text,integer,integer,double precision,double precision,double precision,text,name,name,text,name,name,name,integer,text,double precision,text,integer,integer)', 'SETOF record', 's', false, 'r'),
	('barq_hybrid(anyelement,"any",text,integer,integer,double precision,double precision,double precision,text,name,name,text,name,name,name,integer,text,double precision,text,integer,integer)', 'SETOF record', 's', false, 'r'),
	('barq_search_batch(anyelement,vector[],integer,name,text,text[],name,integer)', 'SETOF record', 's', false, 'r'),
	('barq_search_batch(anyelement,halfvec[],integer,name,text,text[],name,integer)', 'SETOF record', 's', false, 'r'),
	('barq_search_batch(anyelement,sparsevec[],integer,name,text,text[],name,integer)', 'SETOF record', 's', false, 'r'),
	('barq_search_batch(anyelement,text,integer,name,text,text[],name,integer)', 'SETOF record', 's', false, 'r'),
	('barq_search_batch(anyelement,"any",integer,name,text,text[],name,integer)', 'SETOF record', 's', false, 'r'),
	('barq_by_index(anyelement,regclass)', 'anyelement', 's', true, 's'),
	('barq_adopt_pgvector()', 'integer', 'v', true, 'u'),
	('barq_bm25_stats(regclass)', 'record', 'v', true, 'r'),
	('barq_bm25_df(regclass,text)', 'bigint', 'v', true, 'r'),
	('barq_bm25_stats(regclass,text)', 'record', 'v', true, 'r'),
	('barq_bm25_df(regclass,text,text)', 'bigint', 'v', true, 'r'),
	('barq_count(regclass,text,text,text[])', 'bigint', 's', false, 'r'),
	('barq_facets(regclass,text,text[],jsonb,jsonb,text[],text,text[],integer)', 'SETOF record', 's', false, 'r'),
	('to_bm25query(text,text,text,double precision,double precision,text,regconfig)', 'bm25query', 'i', false, 's'),
	('to_bm25query(text,regclass,text,double precision,double precision,text,regconfig)', 'bm25query', 'i', false, 's'),
	('barq_score(text,bm25query)', 'double precision', 's', true, 'r'),
	('barq_score(text,text)', 'double precision', 's', true, 'r'),
	('barq_score(text[],bm25query)', 'double precision', 's', true, 'r'),
	('barq_score(text[],text)', 'double precision', 's', true, 'r'),
	('barq_score(record,bm25query)', 'double precision', 's', true, 'r'),
	('barq_score(record,text)', 'double precision', 's', true, 'r'),
	('barq_explain_score(regclass,record,bm25query)', 'SETOF record', 's', true, 'r'),
	('barq_explain_score(regclass,record,text)', 'SETOF record', 's', true, 'r'),
	('barq_similar(regclass,text,integer,text)', 'bm25query', 's', true, 'r'),
	('to_bm25global(text,regclass)', 'bm25global', 'v', true, 'r'),
	('barq_global_query(regclass,text,name)', 'bm25global', 'v', false, 'u'),
	('barq_sharded_sql(regclass,text,bm25global,integer,integer,double precision,double precision,double precision,text,text[],name,name,text,name,text,double precision)', 'text', 's', false, 's'),
	('barq_sharded(anyelement,text,text,integer,integer,double precision,double precision,double precision,text,text[],name,name,text,name,text,double precision)', 'SETOF record', 'v', false, 'u'),
	('barq_highlight(text,text,regconfig,text,text,integer,integer)', 'text', 's', true, 's'),
	('barq_highlight(text,text,regclass,text,text,integer,integer,text,text)', 'text', 's', true, 's'),
	('barq_highlight(text,text,text,text,text,integer,integer,text,text)', 'text', 's', true, 's'),
	('barq_bm25_escape(text)', 'text', 'i', true, 's'),
	('barq_bm25_terms(text,regconfig,text)', 'SETOF record', 's', true, 's'),
	('barq_bm25_clauses(text,regconfig,text)', 'SETOF record', 's', true, 's');
SELECT is(to_regprocedure(signature) IS NOT NULL, true, 'function ' || signature) FROM contract_function;
SELECT is(
	(SELECT row(pg_get_function_result(p.oid) LIKE CASE WHEN result = 'SETOF record' THEN '%' ELSE result END, p.proretset, p.provolatile, p.proisstrict, p.proparallel)::text
	 FROM pg_proc p WHERE p.oid = to_regprocedure(signature)),
	row(true, result LIKE 'SETOF%', volatility, strict, parallel)::text,
	signature || ' returns ' || result || ', is as strict, stable and parallel-safe as it says') FROM contract_function;
SELECT is((SELECT string_agg(format('%s %s', name, type::regtype), ', ' ORDER BY n)
		FROM pg_proc, unnest(proargnames, proallargtypes, proargmodes) WITH ORDINALITY a(name, type, mode, n)
		WHERE oid = 'barq_segments(regclass)'::regprocedure AND mode IN ('t', 'o')),
	'segment integer, id uuid, kind text, level integer, state text, rows bigint, dead_rows bigint, page_bytes bigint, image_bytes bigint, image text, created timestamp with time zone',
	'columns of barq_segments()');
SELECT is((SELECT string_agg(format('%s %s', name, type::regtype), ', ' ORDER BY n)
		FROM pg_proc, unnest(proargnames, proallargtypes, proargmodes) WITH ORDINALITY a(name, type, mode, n)
		WHERE oid = 'barq_check(regclass,boolean)'::regprocedure AND mode IN ('t', 'o')),
	'severity text, place text, message text', 'columns of barq_check()');
SELECT is(pg_get_function_arguments('barq_rrf(bigint,float8,float8)'::regprocedure), 'rank bigint, rrf_k double precision DEFAULT 60, weight double precision DEFAULT 1', 'arguments of barq_rrf()');
SELECT is(pg_get_function_arguments(p.oid), 'item anyelement, embedding ' || CASE t WHEN 'text' THEN 'text DEFAULT NULL::text' ELSE t END ||
		', query text DEFAULT NULL::text, k integer DEFAULT 10, candidates integer DEFAULT 100, rrf_k double precision DEFAULT 60, vector_weight double precision DEFAULT 1, text_weight double precision DEFAULT 1, '
		'filter text DEFAULT NULL::text, vector_column name DEFAULT NULL::name, text_column name DEFAULT NULL::name, query_syntax text DEFAULT ''lenient''::text, vector_index name DEFAULT NULL::name, text_index name DEFAULT NULL::name, '
		'group_by name DEFAULT NULL::name, per_group integer DEFAULT NULL::integer, fusion text DEFAULT ''rrf''::text, diversity double precision DEFAULT 0, boost text DEFAULT NULL::text, vector_candidates integer DEFAULT NULL::integer, text_candidates integer DEFAULT NULL::integer',
		'arguments of barq_hybrid() without filter_args whose embedding is of type ' || t)
	FROM unnest(ARRAY['text', '"any"']) t LEFT JOIN pg_proc p ON p.oid IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass) AND proname = 'barq_hybrid' AND proargtypes[1] = t::regtype AND NOT 'filter_args' = ANY (proargnames);
-- with filter_args there is one for each number of arguments by position before it, which then have no names
CREATE TEMP VIEW hybrid_function AS
	SELECT p.oid, array_position(proargtypes::oid[], 'anycompatiblearray'::regtype) AS at, CASE WHEN '"any"'::regtype = ANY (proargtypes) THEN '"any"' ELSE 'text' END AS embedding,
		(SELECT array_agg(n ORDER BY n) FROM unnest(proargnames[:array_length(proargtypes, 1) + 1]) n WHERE n NOT IN ('', 'doc')) AS names,
		(SELECT string_agg(t::regtype::text, ' ' ORDER BY t::regtype::text) FROM unnest(proargtypes::oid[]) t) AS types
	FROM pg_proc p JOIN member ON objid = p.oid AND classid = 'pg_proc'::regclass WHERE proname = 'barq_hybrid' AND 'anycompatiblearray'::regtype = ANY (proargtypes::oid[]);
SELECT bag_eq('SELECT at, embedding FROM hybrid_function', $$SELECT at, e FROM generate_series(1, 9) at, unnest(ARRAY['text', '"any"']) e$$, 'barq_hybrid() with filter_args, by where they stand');
SELECT is(names, (SELECT array_agg(n ORDER BY n) FROM unnest(ARRAY['item', 'filter_args'] || (ARRAY['embedding', 'query', 'k', 'candidates', 'rrf_k', 'vector_weight', 'text_weight', 'filter', 'vector_column', 'text_column', 'query_syntax', 'vector_index', 'text_index', 'group_by', 'per_group', 'fusion', 'diversity', 'boost', 'vector_candidates', 'text_candidates'])[at:]) n), format('names of the arguments of %s', oid::regprocedure)) FROM hybrid_function;
SELECT is(types, (SELECT string_agg(t, ' ' ORDER BY t) FROM unnest(ARRAY['anyelement', embedding, 'text', 'integer', 'integer', 'double precision', 'double precision', 'double precision', 'text', 'anycompatiblearray', 'name', 'name', 'text', 'name', 'name', 'name', 'integer', 'text', 'double precision', 'text', 'integer', 'integer']) t), format('types of the arguments of %s', oid::regprocedure)) FROM hybrid_function;
SELECT is(pg_get_function_result(p.oid), format('TABLE(doc %s, score double precision, vector_rank integer, text_rank integer)', CASE proargtypes[0] WHEN 'barq_item'::regtype THEN 'text' ELSE 'anyelement' END), 'columns of barq_hybrid()')
	FROM pg_proc p JOIN member ON objid = oid AND classid = 'pg_proc'::regclass WHERE proname = 'barq_hybrid';
SELECT is(count(*), 22::bigint, 'functions barq_hybrid()') FROM pg_proc p JOIN member ON objid = oid AND classid = 'pg_proc'::regclass WHERE proname = 'barq_hybrid';
SELECT is(pg_get_function_arguments(to_regprocedure(format('barq_search_batch(anyelement,%s,integer,name,text,text[],name,integer)', t))), format('item anyelement, embeddings %s, k integer DEFAULT 10, vector_column name DEFAULT NULL::name, filter text DEFAULT NULL::text, filter_args text[] DEFAULT ''{}''::text[], group_by name DEFAULT NULL::name, per_group integer DEFAULT NULL::integer', t), 'arguments of barq_search_batch() of ' || t)
	FROM unnest(ARRAY['vector[]', 'halfvec[]', 'sparsevec[]', 'text', '"any"']) t;
SELECT is(pg_get_function_result(to_regprocedure(format('barq_search_batch(anyelement,%s,integer,name,text,text[],name,integer)', t))), 'TABLE(query integer, doc anyelement, distance double precision)', 'columns of barq_search_batch() of ' || t)
	FROM unnest(ARRAY['vector[]', 'halfvec[]', 'sparsevec[]', 'text', '"any"']) t;
SELECT is((SELECT proargnames[1] FROM pg_proc WHERE oid = to_regprocedure(signature)), 'index', signature || ': its argument is named index')
	FROM contract_function WHERE signature ~ '^barq_[a-z0-9_]*\(regclass' AND signature !~ '^barq_(advise|global_query|sharded_sql)'; -- which take a table
SELECT is((SELECT pg_get_function_arguments('barq_check(regclass,boolean)'::regprocedure) LIKE 'index regclass, heap boolean DEFAULT true%'), true, 'barq_check looks at the heap by default');
SELECT is(pg_get_function_arguments('to_bm25query(text,text,text,double precision,double precision,text,regconfig)'::regprocedure), 'query text, index text DEFAULT NULL::text, syntax text DEFAULT ''lenient''::text, k1 double precision DEFAULT NULL::double precision, b double precision DEFAULT NULL::double precision, minimum_should_match text DEFAULT NULL::text, search_config regconfig DEFAULT NULL::regconfig', 'arguments of to_bm25query() by a name');
SELECT is(pg_get_function_arguments('to_bm25query(text,regclass,text,double precision,double precision,text,regconfig)'::regprocedure), 'query text, index regclass, syntax text DEFAULT ''lenient''::text, k1 double precision DEFAULT NULL::double precision, b double precision DEFAULT NULL::double precision, minimum_should_match text DEFAULT NULL::text, search_config regconfig DEFAULT NULL::regconfig', 'arguments of to_bm25query() by an OID');
SELECT is(pg_get_function_arguments(format('barq_explain_score(regclass,record,%s)', t)::regprocedure), format('index regclass, item record, query %s, OUT field text, OUT term text, OUT tf bigint, OUT df bigint, OUT length bigint, OUT weight double precision, OUT part double precision', t), 'arguments and columns of barq_explain_score() of ' || t) FROM unnest(ARRAY['bm25query', 'text']) t;
SELECT is(pg_get_function_arguments('barq_similar(regclass,text,integer,text)'::regprocedure), 'index regclass, body text, max_terms integer DEFAULT 25, language text DEFAULT ''''::text', 'arguments of barq_similar()');
-- calls as they were before to_bm25query() had parameters
SELECT is(to_bm25query('a b')::text || ' ' || to_bm25query('a b', 'i')::text || ' ' || to_bm25query('a b', 'i', 'strict')::text || ' ' || to_bm25query('a b', 'pg_class_oid_index'::regclass)::text || ' ' || to_bm25query('a b', 'pg_class_oid_index'::regclass, 'plain')::text || ' ' || to_bm25query(query => 'a', index => 'i', syntax => 'plain')::text,
	'a b i:a b i:a b pg_class_oid_index:a b pg_class_oid_index:a b i:a', 'calls of to_bm25query() without parameters');
SELECT is(pg_get_function_arguments('barq_highlight(text,text,regconfig,text,text,integer,integer)'::regprocedure),
	'body text, query text, config regconfig, start_tag text DEFAULT ''<b>''::text, stop_tag text DEFAULT ''</b>''::text, max_fragments integer DEFAULT 3, fragment_words integer DEFAULT 20', 'arguments of barq_highlight()');
SELECT is(pg_get_function_arguments('barq_bm25_terms(text,regconfig,text)'::regprocedure), 'body text, config regconfig, tokenizer text DEFAULT ''config''::text, OUT term text, OUT "position" bigint', 'arguments and columns of barq_bm25_terms()');
SELECT is(pg_get_function_arguments('barq_bm25_clauses(text,regconfig,text)'::regprocedure), 'query text, config regconfig, tokenizer text DEFAULT ''config''::text, OUT occur text, OUT kind text, OUT terms text[], OUT offsets bigint[], OUT variants integer[], OUT boost double precision, OUT depth integer', 'arguments and columns of barq_bm25_clauses()');
SELECT is(barq_version(), (SELECT extversion FROM pg_extension WHERE extname = 'barq'), 'barq_version() is the extension''s version');

-- the access method and its operator classes
SELECT bag_eq($$SELECT amname::text, amtype::text FROM pg_am JOIN member ON objid = oid AND classid = 'pg_am'::regclass$$, $$VALUES ('barq_hnsw', 'i'), ('barq_ivf', 'i'), ('barq_bm25', 'i')$$, 'access methods');
SELECT bag_eq(
	$$SELECT amname::text, opcname::text, opcintype::regtype::text, opcdefault FROM pg_opclass c JOIN member ON objid = c.oid AND classid = 'pg_opclass'::regclass JOIN pg_am a ON a.oid = opcmethod$$,
	$$VALUES ('barq_hnsw', 'vector_l2_ops', 'vector', false), ('barq_hnsw', 'vector_ip_ops', 'vector', false),
		('barq_hnsw', 'vector_cosine_ops', 'vector', false), ('barq_hnsw', 'vector_l1_ops', 'vector', false),
		('barq_hnsw', 'halfvec_l2_ops', 'halfvec', false), ('barq_hnsw', 'halfvec_ip_ops', 'halfvec', false), ('barq_hnsw', 'halfvec_cosine_ops', 'halfvec', false), ('barq_hnsw', 'halfvec_l1_ops', 'halfvec', false),
		('barq_hnsw', 'sparsevec_l2_ops', 'sparsevec', false), ('barq_hnsw', 'sparsevec_ip_ops', 'sparsevec', false), ('barq_hnsw', 'sparsevec_cosine_ops', 'sparsevec', false), ('barq_hnsw', 'sparsevec_l1_ops', 'sparsevec', false),
		('barq_hnsw', 'bit_hamming_ops', 'bit', false), ('barq_hnsw', 'bit_jaccard_ops', 'bit', false),
		('barq_ivf', 'vector_l2_ops', 'vector', true), ('barq_ivf', 'vector_ip_ops', 'vector', false), ('barq_ivf', 'vector_cosine_ops', 'vector', false),
		('barq_ivf', 'halfvec_l2_ops', 'halfvec', false), ('barq_ivf', 'halfvec_ip_ops', 'halfvec', false), ('barq_ivf', 'halfvec_cosine_ops', 'halfvec', false),
		('barq_ivf', 'bit_hamming_ops', 'bit', false),
		('btree', 'vector_ops', 'vector', true),
		('btree', 'halfvec_ops', 'halfvec', true), ('btree', 'sparsevec_ops', 'sparsevec', true),
		('barq_bm25', 'bm25_ops', 'text', true), ('barq_bm25', 'bm25_array_ops', 'text[]', true), ('barq_bm25', 'text_filter_ops', 'text', false), ('barq_bm25', 'regconfig_ops', 'regconfig', false), ('barq_bm25', 'text_regconfig_ops', 'text', false), ('barq_bm25', 'text_array_filter_ops', 'text[]', false),
		('barq_hnsw', 'any_ops', 'anyelement', true), ('barq_ivf', 'any_ops', 'anyelement', true), ('barq_bm25', 'any_ops', 'anyelement', true)
	UNION ALL SELECT am, class, type::regtype::text, true FROM unnest('{barq_hnsw,barq_ivf,barq_bm25}'::text[]) am,
		(VALUES ('int2_ops', 'int2'), ('int4_ops', 'int4'), ('int8_ops', 'int8'), ('float4_ops', 'float4'), ('float8_ops', 'float8'), ('bool_ops', 'bool'), ('date_ops', 'date'),
			('timestamp_ops', 'timestamp'), ('timestamptz_ops', 'timestamptz'), ('uuid_ops', 'uuid'), ('oid_ops', 'oid'), ('int2_array_ops', 'int2[]'), ('int4_array_ops', 'int4[]'),
			('text_ops', 'text'), ('text_array_ops', 'text[]')) f(class, type) WHERE am <> 'barq_bm25' OR class NOT LIKE 'text%'$$,
	'operator classes; barq_hnsw has no default for any type of vectors; any_ops serves enums as filter columns and is refused otherwise');
SELECT is(amvalidate(c.oid), true, opcname || ' is valid') FROM pg_opclass c JOIN member ON objid = c.oid AND classid = 'pg_opclass'::regclass;
SELECT bag_eq(
	$$SELECT opfname::text, amopopr::regoperator::text, amoppurpose::text, amopsortfamily::regclass IS NOT NULL FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_am a ON a.oid = opfmethod WHERE amname = 'barq_hnsw' AND amopstrategy < 11$$,
	$$VALUES ('vector_l2_ops', '<->(vector,vector)', 'o', true), ('vector_ip_ops', '<#>(vector,vector)', 'o', true),
		('vector_cosine_ops', '<=>(vector,vector)', 'o', true), ('vector_l1_ops', '<+>(vector,vector)', 'o', true),
		('halfvec_l2_ops', '<->(halfvec,halfvec)', 'o', true), ('halfvec_ip_ops', '<#>(halfvec,halfvec)', 'o', true), ('halfvec_cosine_ops', '<=>(halfvec,halfvec)', 'o', true), ('halfvec_l1_ops', '<+>(halfvec,halfvec)', 'o', true),
		('sparsevec_l2_ops', '<->(sparsevec,sparsevec)', 'o', true), ('sparsevec_ip_ops', '<#>(sparsevec,sparsevec)', 'o', true), ('sparsevec_cosine_ops', '<=>(sparsevec,sparsevec)', 'o', true), ('sparsevec_l1_ops', '<+>(sparsevec,sparsevec)', 'o', true),
		('bit_hamming_ops', '<~>(bit,bit)', 'o', true), ('bit_jaccard_ops', '<%>(bit,bit)', 'o', true)$$,
	'each class orders by its distance');
SELECT is(pg_indexam_has_property(oid, property), has, 'barq_hnsw: ' || property || ' is ' || has) FROM pg_am,
	(VALUES ('can_order', false), ('can_unique', false), ('can_multi_col', true), ('can_exclude', true), ('can_include', false)) p(property, has) WHERE amname = 'barq_hnsw';

SELECT bag_eq(
	$$SELECT opfname::text, amopopr::regoperator::text, amoppurpose::text, amopstrategy::int FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_am a ON a.oid = opfmethod WHERE amname = 'barq_ivf' AND amopstrategy < 11$$,
	$$VALUES ('vector_l2_ops', '<->(vector,vector)', 'o', 1), ('vector_ip_ops', '<#>(vector,vector)', 'o', 1), ('vector_cosine_ops', '<=>(vector,vector)', 'o', 1),
		('halfvec_l2_ops', '<->(halfvec,halfvec)', 'o', 1), ('halfvec_ip_ops', '<#>(halfvec,halfvec)', 'o', 1), ('halfvec_cosine_ops', '<=>(halfvec,halfvec)', 'o', 1),
		('bit_hamming_ops', '<~>(bit,bit)', 'o', 1)$$,
	'each class of lists orders by its distance');

SELECT bag_eq(
	$$SELECT opfname::text, amopopr::regoperator::text, amoppurpose::text, amopstrategy::int FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily JOIN pg_am a ON a.oid = opfmethod WHERE amname = 'barq_bm25' AND amopstrategy < 11$$,
	$$VALUES ('bm25_ops', '<@>(text,bm25query)', 'o', 1), ('bm25_ops', '@@@(text,bm25query)', 's', 2),
		('bm25_array_ops', '<@>(text[],bm25query)', 'o', 1), ('bm25_array_ops', '@@@(text[],bm25query)', 's', 2),
		('bm25_ops', '<@>(text,bm25global)', 'o', 4), ('bm25_ops', '@@@(text,bm25global)', 's', 5),
		('bm25_array_ops', '<@>(text[],bm25global)', 'o', 4), ('bm25_array_ops', '@@@(text[],bm25global)', 's', 5),
		('bm25_ops', '<@@(text,bm25threshold)', 's', 3), ('bm25_array_ops', '<@@(text[],bm25threshold)', 's', 3)$$,
	'texts are ranked and matched');
SELECT is(format('%s %s', oprresult::regtype, provolatile), CASE oprname WHEN '<@>' THEN 'double precision ' ELSE 'boolean ' END || CASE oprright WHEN 'bm25global'::regtype THEN 'i' ELSE 's' END, o.oid::regoperator || ' is stable, or immutable with a bm25global')
	FROM pg_operator o JOIN member ON objid = o.oid AND classid = 'pg_operator'::regclass JOIN pg_proc p ON p.oid = oprcode WHERE oprname IN ('<@>', '@@@');
SELECT is((SELECT string_agg(format('%s × %s', oprleft::regtype, oprright::regtype), ', ' ORDER BY oprleft::regtype::text, oprright::regtype::text) FROM pg_operator o JOIN member ON objid = o.oid AND classid = 'pg_operator'::regclass WHERE oprname = name),
	'record × bm25query, record × text, text × bm25global, text × bm25query, text × text, text[] × bm25global, text[] × bm25query, text[] × text', 'what ' || name || ' takes') FROM (VALUES ('<@>'), ('@@@')) n(name);

-- no view or table: schema tools drop what they do not know
SELECT is_empty($$SELECT objid::regclass FROM member WHERE classid = 'pg_class'::regclass$$, 'the extension has no relation');
SELECT is((SELECT string_agg(format('%s %s', name, type::regtype), ', ' ORDER BY n)
		FROM pg_proc, unnest(proargnames, proallargtypes, proargmodes) WITH ORDINALITY a(name, type, mode, n)
		WHERE oid = 'barq_indexes()'::regprocedure AND mode = 't'),
	'index regclass, table regclass, kind name, options text, pending text, rows bigint, segments integer, bytes bigint, growing_bytes bigint, last_seal timestamp with time zone, last_compaction timestamp with time zone, format integer, rebuild text',
	'columns of barq_indexes()');
SELECT is((SELECT string_agg(format('%s %s', name, type::regtype), ', ' ORDER BY n)
		FROM pg_proc, unnest(proargnames, proallargtypes, proargmodes) WITH ORDINALITY a(name, type, mode, n)
		WHERE oid = 'barq_progress()'::regprocedure AND mode = 't'),
	'pid integer, database name, worker text, activity text, started timestamp with time zone, since timestamp with time zone',
	'columns of barq_progress()');

-- event triggers, which a role that may create the extension gets
SELECT bag_eq($$SELECT evtname::text, evtevent::text, evttags, evtenabled::text FROM pg_event_trigger e JOIN member ON objid = e.oid AND classid = 'pg_event_trigger'::regclass$$,
	$$VALUES ('barq_follow_configurations', 'ddl_command_end', '{"ALTER TEXT SEARCH CONFIGURATION","ALTER SCHEMA","ALTER EXTENSION"}'::text[], 'A'),
		('barq_move_extension', 'ddl_command_start', '{"ALTER EXTENSION"}', 'O')$$, 'event triggers');
SELECT is_empty($$SELECT evtname FROM pg_event_trigger e WHERE obj_description(e.oid, 'pg_event_trigger') IS NULL AND evtname LIKE 'barq%'$$, 'and each has a comment');

-- settings: default, range, who may set them
SELECT bag_eq(
	$$SELECT name, boot_val, coalesce(unit, '') AS unit, coalesce(min_val, '') AS least, coalesce(max_val, '') AS most, coalesce(enumvals::text, '') AS one_of, context FROM pg_settings WHERE name LIKE 'barq.%'$$,
	$$VALUES
	('barq.ef_search', '40', '', '1', '1000', '', 'user'), ('barq.probes', '0', '', '0', '32768', '', 'user'),
	('barq.iterative_scan', 'strict_order', '', '', '', '{off,relaxed_order,strict_order}', 'user'),
	('barq.max_scan_tuples', '0', '', '0', '2147483647', '', 'user'),
	('barq.condition_scan', 'on', '', '', '', '', 'user'),
	('barq.target_recall', '0', '', '0', '0.999', '', 'user'),
	('barq.consistency', 'all', '', '', '', '{all,sealed}', 'user'),
	('barq.count_scan', 'on', '', '', '', '', 'user'),
	('barq.sorted_scan', 'on', '', '', '', '', 'user'),
	('barq.allow_fallback', 'on', '', '', '', '', 'user'),
	('barq.allow_partial', 'off', '', '', '', '', 'user'),
	('barq.growing_limit', '2048', 'kB', '64', '1048576', '', 'superuser'),
	('barq.growing_hard_limit', '65536', 'kB', '64', '2147483647', '', 'superuser'),
	('barq.backpressure', 'wait', '', '', '', '{wait,inline,error}', 'user'),
	('barq.compaction_ratio', '0', '', '0', '64', '', 'superuser'),
	('barq.max_segments', '32', '', '1', '1000', '', 'superuser'),
	('barq.max_merged_size', '5120', 'MB', '0', '2147483647', '', 'superuser'),
	('barq.memory_budget', '0', 'kB', '0', '2147483647', '', 'sighup'),
	('barq.compaction', 'balanced', '', '', '', '{balanced,reads,writes}', 'superuser'),
	('barq.background', 'on', '', '', '', '', 'sighup'),
	('barq.backend_cache', '65536', 'kB', '0', '2147483647', '', 'user'),
	('barq.max_workers', '3', '', '0', '1000', '', 'sighup'),
	('barq.maintenance_rate', '0', 'kB', '0', '2147483647', '', 'sighup'),
	('barq.log_slow_maintenance', '-1', 'ms', '-1', '2147483647', '', 'superuser'),
	('barq.image_directory', '', '', '', '', '', 'sighup'),
	('barq.simd', 'auto', '', '', '', '', 'user')$$,
	'settings');

-- everything that a user sees says what it is
SELECT is_empty(
	$$SELECT objid::regprocedure::text FROM member WHERE classid = 'pg_proc'::regclass AND obj_description(objid, 'pg_proc') IS NULL
	UNION ALL SELECT objid::regclass::text FROM member WHERE classid = 'pg_class'::regclass AND obj_description(objid, 'pg_class') IS NULL
	UNION ALL SELECT objid::regtype::text FROM member JOIN pg_type t ON t.oid = objid WHERE classid = 'pg_type'::regclass AND typtype = 'b' AND typelem = 0 AND obj_description(objid, 'pg_type') IS NULL
	UNION ALL SELECT objid::regoperator::text FROM member WHERE classid = 'pg_operator'::regclass AND obj_description(objid, 'pg_operator') IS NULL
	UNION ALL SELECT 'operator class ' || opcname FROM member JOIN pg_opclass c ON c.oid = objid WHERE classid = 'pg_opclass'::regclass AND obj_description(objid, 'pg_opclass') IS NULL
	UNION ALL SELECT 'access method ' || amname FROM member JOIN pg_am a ON a.oid = objid WHERE classid = 'pg_am'::regclass AND obj_description(objid, 'pg_am') IS NULL$$,
	'every function, view, type, operator, operator class and access method has a comment');

-- the extension: trusted, relocatable, no requirement
SELECT is((SELECT row(trusted, relocatable, requires)::text FROM pg_available_extension_versions v JOIN pg_extension e ON v.name = extname AND v.version = extversion WHERE extname = 'barq'),
	row(true, true, NULL::name[])::text, 'the extension is trusted and relocatable');
SELECT * FROM finish();
ROLLBACK;
