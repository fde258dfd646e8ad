
-- text: tokenizing, queries, highlighting

CREATE FUNCTION barq_bm25_terms(body text, config regconfig,
	tokenizer text DEFAULT 'config', OUT term text, OUT "position" bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION barq_bm25_terms(text, regconfig, text) IS 'the terms that an index of barq_bm25 has for a text, and the positions of the words that gave them, stop words counted';
