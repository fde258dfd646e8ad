-- barq_hybrid(): the strings of a filter are read by the session's settings, as those of
-- the statement around it.
SELECT current_setting('server_version_num')::int >= 190000 AS standard_only \gset
\if :standard_only
\quit
\endif
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS barq;
CREATE TABLE filter_strings AS SELECT i AS id, 'n' || i % 5 AS name, ARRAY[i, 0]::vector(2) AS v FROM generate_series(1, 40) i;
CREATE INDEX ON filter_strings USING barq_hnsw (v vector_l2_ops);
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET backslash_quote = on;
SELECT count(*), min((doc).id) FROM barq_hybrid(NULL::filter_strings, '[0,0]', k => 100, filter => $f$name = '\' OR true -- '$f$);
SELECT count(*), min((doc).id) FROM barq_hybrid(NULL::filter_strings, '[0,0]', k => 100, filter => $f$name = 'n\x33'$f$);
RESET standard_conforming_strings;
RESET backslash_quote;
SELECT count(*), min((doc).id) FROM barq_hybrid(NULL::filter_strings, '[0,0]', k => 100, filter => $f$name = '\' OR true -- '$f$);
SELECT count(*), min((doc).id) FROM barq_hybrid(NULL::filter_strings, '[0,0]', k => 100, filter => $f$name = 'n\x33'$f$);
DROP TABLE filter_strings;
