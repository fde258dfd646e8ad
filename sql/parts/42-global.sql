-- text queries that carry global statistics: immutable, for several servers

CREATE TYPE bm25global;
CREATE FUNCTION bm25global_in(cstring) RETURNS bm25global
	AS 'MODULE_PATHNAME', 'barq_bm25global_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25global_out(bm25global) RETURNS cstring
	AS 'MODULE_PATHNAME', 'barq_bm25global_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25global_recv(internal) RETURNS bm25global
	AS 'MODULE_PATHNAME', 'barq_bm25global_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION bm25global_send(bm25global) RETURNS bytea
	AS 'MODULE_PATHNAME', 'barq_bm25global_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE bm25global (INPUT = bm25global_in, OUTPUT = bm25global_out,
	RECEIVE = bm25global_recv, SEND = bm25global_send,
	INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended);
COMMENT ON TYPE bm25global IS 'a text query with all that its scores are computed from: configuration, k1, b and the statistics of all shards';
COMMENT ON FUNCTION bm25global_in(cstring) IS 'read a bm25global from text';
COMMENT ON FUNCTION bm25global_out(bm25global) IS 'write a bm25global as text';
COMMENT ON FUNCTION bm25global_recv(internal) IS 'read a bm25global from binary form';
COMMENT ON FUNCTION bm25global_send(bm25global) IS 'write a bm25global in binary form';

CREATE FUNCTION to_bm25global(query text, index regclass) RETURNS bm25global
	AS 'MODULE_PATHNAME', 'barq_to_bm25global' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED COST 1000;
COMMENT ON FUNCTION to_bm25global(text, regclass) IS 'a text query with the statistics of an index of this server';

CREATE FUNCTION bm25global_merge(bm25global, bm25global) RETURNS bm25global
	AS 'MODULE_PATHNAME', 'barq_bm25global_merge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bm25global_merge(bm25global, bm25global) IS 'a text query with the statistics of both, which are of the same query and the same options';
CREATE AGGREGATE sum(bm25global) (SFUNC = bm25global_merge, STYPE = bm25global,
	COMBINEFUNC = bm25global_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE sum(bm25global) IS 'a text query with the statistics of all shards, one value each';

CREATE FUNCTION barq_global_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION barq_global_support(internal) IS 'internal: planner support: cost of <@> and @@@ with a bm25global';

CREATE FUNCTION bm25_distance(text, bm25global) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_global_score' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_global_support;
COMMENT ON FUNCTION bm25_distance(text, bm25global) IS 'internal: negative BM25 score of a text by the statistics that the query carries';
CREATE FUNCTION bm25_distance(text[], bm25global) RETURNS double precision
	AS 'MODULE_PATHNAME', 'barq_text_array_global_score' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_global_support;
COMMENT ON FUNCTION bm25_distance(text[], bm25global) IS 'internal: negative BM25 score of an array of texts by the statistics that the query carries';
CREATE FUNCTION bm25_matches(text, bm25global) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_global_matches' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_global_support;
COMMENT ON FUNCTION bm25_matches(text, bm25global) IS 'internal: whether a text matches a query';
CREATE FUNCTION bm25_matches(text[], bm25global) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_text_array_global_matches' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 SUPPORT barq_global_support;
COMMENT ON FUNCTION bm25_matches(text[], bm25global) IS 'internal: whether an array of texts matches a query';
CREATE FUNCTION barq_global_selectivity(internal, oid, internal, integer) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION barq_global_selectivity(internal, oid, internal, integer) IS 'internal: restriction selectivity of @@@ bm25global';

CREATE OPERATOR <@> (LEFTARG = text, RIGHTARG = bm25global, FUNCTION = bm25_distance);
COMMENT ON OPERATOR <@> (text, bm25global) IS 'negative BM25 score by the statistics that the query carries';
CREATE OPERATOR <@> (LEFTARG = text[], RIGHTARG = bm25global, FUNCTION = bm25_distance);
COMMENT ON OPERATOR <@> (text[], bm25global) IS 'negative BM25 score by the statistics that the query carries';
CREATE OPERATOR @@@ (LEFTARG = text, RIGHTARG = bm25global, FUNCTION = bm25_matches, RESTRICT = barq_global_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text, bm25global) IS 'text matches a query';
CREATE OPERATOR @@@ (LEFTARG = text[], RIGHTARG = bm25global, FUNCTION = bm25_matches, RESTRICT = barq_global_selectivity, JOIN = matchingjoinsel);
COMMENT ON OPERATOR @@@ (text[], bm25global) IS 'array of texts matches a query';

ALTER OPERATOR FAMILY bm25_ops USING barq_bm25 ADD
	OPERATOR 4 <@> (text, bm25global) FOR ORDER BY float_ops,
	OPERATOR 5 @@@ (text, bm25global);
ALTER OPERATOR FAMILY bm25_array_ops USING barq_bm25 ADD
	OPERATOR 4 <@> (text[], bm25global) FOR ORDER BY float_ops,
	OPERATOR 5 @@@ (text[], bm25global);

-- statistics of a shard, for its coordinator: an ordered-set aggregate, which
-- postgres_fdw ships and which needs no row

CREATE FUNCTION bm25_shard_row(boolean, int) RETURNS boolean
	AS 'MODULE_PATHNAME', 'barq_bm25_shard_row' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION bm25_shard_row(boolean, int) IS 'internal: transition of bm25_shard_statistics()';
CREATE FUNCTION bm25_shard_final(boolean, arguments jsonb) RETURNS bm25global
	AS 'MODULE_PATHNAME', 'barq_bm25_shard_final' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION bm25_shard_final(boolean, jsonb) IS 'internal: result of bm25_shard_statistics()';
-- jsonb, since postgres_fdw ships no call whose collation comes from a constant alone
CREATE AGGREGATE bm25_shard_statistics(arguments jsonb ORDER BY int) (
	SFUNC = bm25_shard_row, STYPE = boolean, INITCOND = 'true', FINALFUNC = bm25_shard_final);
COMMENT ON AGGREGATE bm25_shard_statistics(jsonb, int) IS 'internal: a text query with the statistics of the index of a shard''s column; runs on the shard';
