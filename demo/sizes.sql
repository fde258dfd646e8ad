-- Bytes of barq's indexes: of their pages, and of their images (files made from the
-- pages, from which barq searches), beside the table's.
SELECT x.indexrelid::regclass AS "index", c.reltuples::bigint AS rows,
	pg_size_pretty(pg_table_size(x.indrelid)) AS "table size",
	pg_size_pretty(pg_relation_size(x.indexrelid)) AS "index pages",
	(SELECT pg_size_pretty(sum(image_bytes)) FROM barq_segments(x.indexrelid)) AS "index image"
FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_am a ON a.oid = c.relam
WHERE a.amname LIKE 'barq%'
ORDER BY x.indexrelid;
