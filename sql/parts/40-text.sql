
-- text: tokenizing, queries, highlighting

CREATE FUNCTION barq_bm25_terms(body text, config regconfig,
	tokenizer text DEFAULT 'config', OUT term text, OUT "position" bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION barq_bm25_terms(text, regconfig, text) IS 'terms of a text as an index of barq_bm25 stores them, with the positions of their words, stop words included';

CREATE FUNCTION barq_bm25_clauses(query text, config regconfig,
	tokenizer text DEFAULT 'config', OUT occur text, OUT kind text,
	OUT terms text[], OUT offsets bigint[], OUT variants int[],
	OUT boost float8, OUT depth int)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10;
COMMENT ON FUNCTION barq_bm25_clauses(text, regconfig, text) IS 'clauses of a text query: words, phrases, prefixes, groups and alternatives that should, must or must not occur, with their terms; the clauses of a group follow it, one level deeper';

CREATE FUNCTION barq_bm25_escape(text) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION barq_bm25_escape(text) IS 'a text with its marks escaped, so that it is a text query for its own words';

CREATE TYPE bm25query;
CREATE FUNCTION bm25query_in(cstring) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25query_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25query_out(bm25query) RETURNS cstring
	AS 'MODULE_PATHNAME', 'barq_bm25query_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25query_recv(internal) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25query_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25query_send(bm25query) RETURNS bytea
	AS 'MODULE_PATHNAME', 'barq_bm25query_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE TYPE bm25query (INPUT = bm25query_in, OUTPUT = bm25query_out,
	RECEIVE = bm25query_recv, SEND = bm25query_send,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended);
COMMENT ON TYPE bm25query IS 'a text query and the barq_bm25 index for it: ''index:query'', or the bare query (with a colon before it if it begins like an index''s name and a colon); parameters in braces before the colon: ''index{k1=2,b=0.5}:query''';
COMMENT ON FUNCTION bm25query_in(cstring) IS 'read a bm25query from text';
COMMENT ON FUNCTION bm25query_out(bm25query) IS 'write a bm25query as text';
COMMENT ON FUNCTION bm25query_recv(internal) IS 'read a bm25query from binary form';
COMMENT ON FUNCTION bm25query_send(bm25query) IS 'write a bm25query in binary form';

CREATE FUNCTION to_bm25query(query text, index text DEFAULT NULL, syntax text DEFAULT 'lenient',
	k1 double precision DEFAULT NULL, b double precision DEFAULT NULL,
	minimum_should_match text DEFAULT NULL, search_config regconfig DEFAULT NULL) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_to_bm25query' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION to_bm25query(text, text, text, double precision, double precision, text, regconfig) IS 'a text query for the index of that name of the column''s table, or, without a name, for the index that fits; syntax: lenient, strict or plain; k1, b: in place of the index''s; minimum_should_match: how many of the unmarked words have to occur, or percent of them; search_config: the configuration by which the query is read';
CREATE FUNCTION to_bm25query(query text, index regclass, syntax text DEFAULT 'lenient',
	k1 double precision DEFAULT NULL, b double precision DEFAULT NULL,
	minimum_should_match text DEFAULT NULL, search_config regconfig DEFAULT NULL) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_to_bm25query_regclass' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION to_bm25query(text, regclass, text, double precision, double precision, text, regconfig) IS 'a text query for an index by its OID (changed by REINDEX CONCURRENTLY): for drivers and for indexes of other tables';

-- functions around queries whose value is not known at planning

CREATE FUNCTION bm25_bind(query text, index regclass) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25_bind_text' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bm25_bind(text, regclass) IS 'internal: planner support: a query for the index that fits';
CREATE FUNCTION bm25_bind(query bm25query, index regclass) RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25_bind' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bm25_bind(bm25query, regclass) IS 'internal: planner support: a query for the index that it names, or for the one that fits';
CREATE FUNCTION bm25_unbound_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'barq_bm25_unbound_support' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bm25_unbound_support(internal) IS 'internal: planner support: cost of a query without an index';
CREATE FUNCTION bm25_unbound(query text, tables regclass[], why text[], value "any") RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25_unbound_text' LANGUAGE C STABLE STRICT PARALLEL SAFE SUPPORT bm25_unbound_support;
COMMENT ON FUNCTION bm25_unbound(text, regclass[], text[], "any") IS 'internal: planner support: raises the reason why no index was found for a query';
CREATE FUNCTION bm25_unbound(query bm25query, tables regclass[], why text[], value "any") RETURNS bm25query
	AS 'MODULE_PATHNAME', 'barq_bm25_unbound' LANGUAGE C STABLE STRICT PARALLEL SAFE SUPPORT bm25_unbound_support;
COMMENT ON FUNCTION bm25_unbound(bm25query, regclass[], text[], "any") IS 'internal: planner support: a query for the index that it names; raises why no index was found if it names none';

CREATE FUNCTION barq_highlight(body text, query text, config regconfig,
	start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>',
	max_fragments int DEFAULT 3, fragment_words int DEFAULT 20) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION barq_highlight(text, text, regconfig, text, text, int, int) IS 'fragments of a text with tags around the words of a query; max_fragments = 0: the whole text';

CREATE FUNCTION barq_highlight(body text, query text, index regclass,
	start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>',
	max_fragments int DEFAULT 3, fragment_words int DEFAULT 20, field text DEFAULT '', language text DEFAULT '') RETURNS text
	AS 'MODULE_PATHNAME', 'barq_highlight_by_index' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION barq_highlight(text, text, regclass, text, text, int, int, text, text) IS 'fragments of a text with tags around the words of a query, by the text_config and tokenizer of an index of barq_bm25; field: only words that are asked of this field; language: of the text, where rows of the index have one';
CREATE FUNCTION barq_highlight(body text, query text, config_or_index text,
	start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>',
	max_fragments int DEFAULT 3, fragment_words int DEFAULT 20, field text DEFAULT '', language text DEFAULT '') RETURNS text
	AS 'MODULE_PATHNAME', 'barq_highlight_by_name' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION barq_highlight(text, text, text, text, text, int, int, text, text) IS 'fragments of a text with tags around the words of a query, by the name of a text search configuration or of an index of barq_bm25; field: only words that are asked of this field of the index; language: of the text, where rows of the index have one';
