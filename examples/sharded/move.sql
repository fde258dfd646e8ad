-- On the coordinator: move partition 2 from the second to the third server, after
-- shard.sql ran there with part 2. Reads go on while rows are copied; writes wait.
BEGIN;
CREATE FOREIGN TABLE docs_2_moved (id bigint, body text, embedding vector(8))
	SERVER third OPTIONS (table_name 'docs_2');
LOCK TABLE docs IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO docs_2_moved SELECT * FROM docs_2;
ALTER TABLE docs DETACH PARTITION docs_2;
DROP FOREIGN TABLE docs_2;
ALTER FOREIGN TABLE docs_2_moved RENAME TO docs_2;
ALTER TABLE docs ATTACH PARTITION docs_2 FOR VALUES WITH (MODULUS 4, REMAINDER 2);
COMMIT;
-- then, on the second server: DROP TABLE docs_2;
