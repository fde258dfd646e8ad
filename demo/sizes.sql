-- Bytes of tables, of index pages, and of barq's images (files made from the
-- pages, from which it searches).
SELECT to_regproc('barq_segments') IS NOT NULL AS has_images \gset
\if :has_images
SELECT t.name AS "table", t.rows, pg_size_pretty(pg_table_size(t.name::regclass)) AS "table size",
	pg_size_pretty(pg_relation_size(t.index::regclass)) AS "index pages",
	(SELECT pg_size_pretty(sum(image_bytes)) FROM barq_segments(t.index::regclass)) AS "index image"
\else
SELECT t.name AS "table", t.rows, pg_size_pretty(pg_table_size(t.name::regclass)) AS "table size",
	pg_size_pretty(pg_relation_size(t.index::regclass)) AS "index pages"
\endif
FROM (VALUES ('words', 'words_embedding_idx', (SELECT count(*) FROM words)),
	('senses', 'senses_embedding_idx', (SELECT count(*) FROM senses))) AS t (name, index, rows);
