-- The plan and the time of each of the ways in the file :ways, the second time round: when the session
-- has mapped the indexes and knows its plans.
\set explain ''
\o /dev/null
\ir :ways
\o
\set explain 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)'
\ir :ways
