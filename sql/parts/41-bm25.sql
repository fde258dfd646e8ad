-- access method barq_bm25, its operators, statistics

CREATE FUNCTION barq_bm25handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'barq_bm25_handler' LANGUAGE C;
COMMENT ON FUNCTION barq_bm25handler(internal) IS 'internal: handler of access method barq_bm25';

CREATE ACCESS METHOD barq_bm25 TYPE INDEX HANDLER barq_bm25handler;
COMMENT ON ACCESS METHOD barq_bm25 IS 'full-text search: ranking by BM25, and matching';

CREATE FUNCTION barq_text_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_text_support(internal) IS 'internal: planner support: finds the index for a text query';

-- ranking: the negative BM25 score

CREATE FUNCTION bm25_distance(text, bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(text, bm25query) IS 'internal: negative BM25 score of a text: smaller is better, 0 if no term occurs';
CREATE FUNCTION bm25_distance(text[], bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_array_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(text[], bm25query) IS 'internal: negative BM25 score of an array of texts';
CREATE FUNCTION bm25_distance(text, text) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(text, text) IS 'internal: negative BM25 score of a text, by the index that fits';
CREATE FUNCTION bm25_distance(text[], text) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(text[], text) IS 'internal: negative BM25 score of an array of texts, by the index that fits';

CREATE FUNCTION bm25_column_distance(text, bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_column_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION bm25_column_distance(text, bm25query) IS 'internal: planner support: <@> of a column, whose read permission the executor checks';
CREATE FUNCTION bm25_column_distance(text[], bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_array_column_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION bm25_column_distance(text[], bm25query) IS 'internal: planner support: <@> of a column, whose read permission the executor checks';

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
COMMENT ON FUNCTION barq_text_selectivity(internal, oid, internal, integer) IS 'internal: restriction selectivity of @@@, by the frequencies of the terms';

CREATE FUNCTION bm25_matches(text, bm25query) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(text, bm25query) IS 'internal: whether a text matches a query';
CREATE FUNCTION bm25_matches(text[], bm25query) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_array_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(text[], bm25query) IS 'internal: whether an array of texts matches a query';
CREATE FUNCTION bm25_matches(text, text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(text, text) IS 'internal: whether a text matches a query, by the configuration of the index that fits';
CREATE FUNCTION bm25_matches(text[], text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(text[], text) IS 'internal: whether an array of texts matches a query, by the configuration of the index that fits';

CREATE FUNCTION bm25_column_matches(text, bm25query) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_column_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION bm25_column_matches(text, bm25query) IS 'internal: planner support: @@@ of a column, whose read permission the executor checks';
CREATE FUNCTION bm25_column_matches(text[], bm25query) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_array_column_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION bm25_column_matches(text[], bm25query) IS 'internal: planner support: @@@ of a column, whose read permission the executor checks';

CREATE OPERATOR @@@ (LEFTARG = text, RIGHTARG = bm25query, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text, bm25query) IS 'text matches a query';
CREATE OPERATOR @@@ (LEFTARG = text[], RIGHTARG = bm25query, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text[], bm25query) IS 'array of texts matches a query';
CREATE OPERATOR @@@ (LEFTARG = text, RIGHTARG = text, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text, text) IS 'text matches a query, by the configuration of the index that fits';
CREATE OPERATOR @@@ (LEFTARG = text[], RIGHTARG = text, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text[], text) IS 'array of texts matches a query, by the configuration of the index that fits';

-- rows: all fields of an index

CREATE FUNCTION bm25_distance(record, bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_row_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(record, bm25query) IS 'internal: negative score of a row by the fields of an index: smaller is better, 0 if no term occurs';
CREATE FUNCTION bm25_distance(record, text) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_distance(record, text) IS 'internal: negative score of a row, by the fields of the index that fits';
CREATE FUNCTION bm25_column_distance(record, bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_row_column_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION bm25_column_distance(record, bm25query) IS 'internal: planner support: <@> of the fields of an index, whose read permission the executor checks';
CREATE FUNCTION bm25_matches(record, bm25query) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_row_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(record, bm25query) IS 'internal: whether the fields of a row match a query';
CREATE FUNCTION bm25_matches(record, text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION bm25_matches(record, text) IS 'internal: whether the fields of a row match a query, by the index that fits';
CREATE FUNCTION bm25_column_matches(record, bm25query) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_row_column_matches' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION bm25_column_matches(record, bm25query) IS 'internal: planner support: @@@ of the fields of an index, whose read permission the executor checks';
CREATE FUNCTION bm25_fields(query bm25query, index regclass, fields integer) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25_fields' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bm25_fields(bm25query, regclass, integer) IS 'internal: planner support: a query for fields of an index, a bit each; 255: for a row';
CREATE FUNCTION bm25_row_decided("any", "any") RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_row_decided' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION bm25_row_decided("any", "any") IS 'internal: planner support: true; a condition on a row, of which an index scan''s own recheck has one field only';

CREATE OPERATOR <@> (LEFTARG = record, RIGHTARG = bm25query, FUNCTION = bm25_distance);
COMMENT ON OPERATOR <@> (record, bm25query) IS 'negative score of a row, by all fields of an index';
CREATE OPERATOR <@> (LEFTARG = record, RIGHTARG = text, FUNCTION = bm25_distance);
COMMENT ON OPERATOR <@> (record, text) IS 'negative score of a row, by all fields of the index that fits';
CREATE OPERATOR @@@ (LEFTARG = record, RIGHTARG = bm25query, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (record, bm25query) IS 'the fields of a row match a query';
CREATE OPERATOR @@@ (LEFTARG = record, RIGHTARG = text, FUNCTION = bm25_matches, RESTRICT = barq_text_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (record, text) IS 'the fields of a row match a query, by the index that fits';

-- scores as positive numbers, what they consist of, texts like a text

CREATE FUNCTION barq_score(text, query bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_score' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION barq_score(text, bm25query) IS 'score of a text, a positive number: minus the value of <@>';
CREATE FUNCTION barq_score(text, query text) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION barq_score(text, text) IS 'score of a text, a positive number: minus the value of <@>';
CREATE FUNCTION barq_score(text[], query bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_score_array' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION barq_score(text[], bm25query) IS 'score of an array of texts, a positive number: minus the value of <@>';
CREATE FUNCTION barq_score(text[], query text) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION barq_score(text[], text) IS 'score of an array of texts, a positive number: minus the value of <@>';
CREATE FUNCTION barq_score(record, query bm25query) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_score_row' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION barq_score(record, bm25query) IS 'score of a row by the fields of an index, a positive number: minus the value of <@>';
CREATE FUNCTION barq_score(record, query text) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_unbound' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 SUPPORT barq_text_support;
COMMENT ON FUNCTION barq_score(record, text) IS 'score of a row by the fields of an index, a positive number: minus the value of <@>';

CREATE FUNCTION barq_explain_score(index regclass, item record, query bm25query,
	OUT field text, OUT term text, OUT tf bigint, OUT df bigint, OUT length bigint,
	OUT weight double precision, OUT part double precision)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 10;
COMMENT ON FUNCTION barq_explain_score(regclass, record, bm25query) IS 'what each term of a query adds to the score of a row of the index''s table, by field; the parts sum up to the score';
CREATE FUNCTION barq_explain_score(index regclass, item record, query text,
	OUT field text, OUT term text, OUT tf bigint, OUT df bigint, OUT length bigint,
	OUT weight double precision, OUT part double precision)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'barq_explain_score_text' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 ROWS 10;
COMMENT ON FUNCTION barq_explain_score(regclass, record, text) IS 'what each term of a query adds to the score of a row of the index''s table, by field; the parts sum up to the score';

CREATE FUNCTION barq_similar(index regclass, body text, max_terms integer DEFAULT 25, language text DEFAULT '') RETURNS bm25query
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION barq_similar(regclass, text, integer, text) IS 'a query for texts like a text: its best words by frequency and rarity; language: of the text, where rows of the index have one';

-- conditions on a score: the form into which the planner rewrites `body <@> query < bound`

CREATE TYPE bm25threshold;
CREATE FUNCTION bm25threshold_in(cstring) RETURNS bm25threshold
	AS 'MODULE_PATHNAME', 'barq_bm25threshold_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25threshold_out(bm25threshold) RETURNS cstring
	AS 'MODULE_PATHNAME', 'barq_bm25threshold_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE bm25threshold (INPUT = bm25threshold_in, OUTPUT = bm25threshold_out,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = double, STORAGE = extended);
COMMENT ON TYPE bm25threshold IS 'internal: a text query and an upper bound of its negative scores, shown by EXPLAIN';
COMMENT ON FUNCTION bm25threshold_in(cstring) IS 'internal: always an error: the type has no literals';
COMMENT ON FUNCTION bm25threshold_out(bm25threshold) IS 'internal: write a bm25threshold as text';
CREATE FUNCTION bm25threshold(query bm25query, bound double precision, inclusive boolean) RETURNS bm25threshold
	AS 'MODULE_PATHNAME', 'barq_bm25threshold' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bm25threshold(bm25query, double precision, boolean) IS 'internal: planner support: right operand of <@@, made from the comparison of a score';

CREATE FUNCTION barq_threshold_selectivity(internal, oid, internal, integer) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION barq_threshold_selectivity(internal, oid, internal, integer) IS 'internal: restriction selectivity of <@@, by the frequencies of the terms';
CREATE FUNCTION bm25_below(text, bm25threshold) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_below' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION bm25_below(text, bm25threshold) IS 'internal: whether the negative BM25 score of a text is below a bound';
CREATE FUNCTION bm25_below(text[], bm25threshold) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_array_below' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION bm25_below(text[], bm25threshold) IS 'internal: whether the negative BM25 score of an array of texts is below a bound';

CREATE FUNCTION bm25_column_below(text, bm25threshold) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_column_below' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION bm25_column_below(text, bm25threshold) IS 'internal: planner support: <@@ of a column, whose read permission the executor checks';
CREATE FUNCTION bm25_column_below(text[], bm25threshold) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_array_column_below' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION bm25_column_below(text[], bm25threshold) IS 'internal: planner support: <@@ of a column, whose read permission the executor checks';

CREATE OPERATOR <@@ (LEFTARG = text, RIGHTARG = bm25threshold, FUNCTION = bm25_below, RESTRICT = barq_threshold_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR <@@ (text, bm25threshold) IS 'internal: the negative BM25 score is below a bound';
CREATE OPERATOR <@@ (LEFTARG = text[], RIGHTARG = bm25threshold, FUNCTION = bm25_below, RESTRICT = barq_threshold_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR <@@ (text[], bm25threshold) IS 'internal: the negative BM25 score is below a bound';

CREATE FUNCTION bm25_ops_options(internal) RETURNS void
	AS 'MODULE_PATHNAME', 'barq_bm25_ops_options' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bm25_ops_options(internal) IS 'internal: parameters of a field of a barq_bm25 index';

CREATE OPERATOR CLASS any_ops
	DEFAULT FOR TYPE anyelement USING barq_bm25 AS
	OPERATOR 11 < (anyenum, anyenum),
	OPERATOR 12 <= (anyenum, anyenum),
	OPERATOR 13 = (anyenum, anyenum),
	OPERATOR 14 >= (anyenum, anyenum),
	OPERATOR 15 > (anyenum, anyenum);
COMMENT ON OPERATOR CLASS any_ops USING barq_bm25 IS 'filter column of an enum type; for other types a placeholder, which is an error that names the operator classes or types';

CREATE OPERATOR CLASS bm25_ops
	DEFAULT FOR TYPE text USING barq_bm25 AS
	OPERATOR 1 <@> (text, bm25query) FOR ORDER BY float_ops,
	OPERATOR 2 @@@ (text, bm25query),
	OPERATOR 3 <@@ (text, bm25threshold),
	OPERATOR 13 = (text, text),
	FUNCTION 1 bm25_ops_options(internal);
COMMENT ON OPERATOR CLASS bm25_ops USING barq_bm25 IS 'a field: texts by BM25; parameters weight, b, name';

CREATE OPERATOR CLASS bm25_array_ops
	DEFAULT FOR TYPE text[] USING barq_bm25 AS
	OPERATOR 1 <@> (text[], bm25query) FOR ORDER BY float_ops,
	OPERATOR 2 @@@ (text[], bm25query),
	OPERATOR 3 <@@ (text[], bm25threshold),
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray),
	FUNCTION 1 bm25_ops_options(internal);
COMMENT ON OPERATOR CLASS bm25_array_ops USING barq_bm25 IS 'a field: arrays of texts by BM25; parameters weight, b, name';

CREATE OPERATOR CLASS text_filter_ops
	FOR TYPE text USING barq_bm25 AS
	OPERATOR 13 = (text, text);
COMMENT ON OPERATOR CLASS text_filter_ops USING barq_bm25 IS 'filter column of type text or character varying';

CREATE OPERATOR CLASS text_array_filter_ops
	FOR TYPE text[] USING barq_bm25 AS
	OPERATOR 16 && (anyarray, anyarray),
	OPERATOR 17 @> (anyarray, anyarray);
COMMENT ON OPERATOR CLASS text_array_filter_ops USING barq_bm25 IS 'filter column of type text[]';

-- a language for each row: a column that names the row's text search configuration

CREATE FUNCTION bm25_language(regconfig) RETURNS regconfig
	AS 'MODULE_PATHNAME', 'barq_bm25_language' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bm25_language(regconfig) IS 'internal: marks regconfig_ops as the language of a row';
CREATE FUNCTION bm25_language(text) RETURNS regconfig
	AS 'MODULE_PATHNAME', 'barq_bm25_language_named' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bm25_language(text) IS 'internal: marks text_regconfig_ops as the language of a row; the configuration that a name in it means';

CREATE OPERATOR CLASS regconfig_ops
	FOR TYPE regconfig USING barq_bm25 AS
	OPERATOR 13 = (oid, oid),
	FUNCTION 2 bm25_language(regconfig);
COMMENT ON OPERATOR CLASS regconfig_ops USING barq_bm25 IS 'the language of a row: the text search configuration that makes terms of its fields';

CREATE OPERATOR CLASS text_regconfig_ops
	FOR TYPE text USING barq_bm25 AS
	OPERATOR 13 = (text, text),
	FUNCTION 2 bm25_language(text);
COMMENT ON OPERATOR CLASS text_regconfig_ops USING barq_bm25 IS 'the language of a row: the name of the text search configuration that makes terms of its fields';

-- statistics

CREATE FUNCTION barq_bm25_stats(index regclass, OUT documents bigint, OUT tokens bigint)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION barq_bm25_stats(regclass) IS 'number of documents of an index, and of their words';
CREATE FUNCTION barq_bm25_stats(index regclass, field text, OUT documents bigint, OUT tokens bigint)
	AS 'MODULE_PATHNAME', 'barq_bm25_field_stats' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION barq_bm25_stats(regclass, text) IS 'number of documents of an index, and of the words of one of its fields';

CREATE FUNCTION barq_bm25_df(index regclass, term text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'barq_bm25_df_shown' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION barq_bm25_df(regclass, text) IS 'number of documents of an index with a term, given in the form of barq_bm25_terms()';
CREATE FUNCTION barq_bm25_df(index regclass, term text, field text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'barq_bm25_field_df' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION barq_bm25_df(regclass, text, text) IS 'number of documents of an index with a term, given in the form of barq_bm25_terms(), in one of its fields';

-- keeps text_config up to date when its configuration is renamed

CREATE FUNCTION barq_follow_configurations() RETURNS event_trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION barq_follow_configurations() IS 'internal: give the option text_config of indexes the new name of a renamed or moved text search configuration';

CREATE EVENT TRIGGER barq_follow_configurations ON ddl_command_end
	WHEN TAG IN ('ALTER TEXT SEARCH CONFIGURATION', 'ALTER SCHEMA', 'ALTER EXTENSION')
	EXECUTE FUNCTION barq_follow_configurations();
COMMENT ON EVENT TRIGGER barq_follow_configurations IS 'text_config of barq_bm25 indexes follows renamed text search configurations';
ALTER EVENT TRIGGER barq_follow_configurations ENABLE ALWAYS;
