-- On the first server, after shard.sql ran with part 0 here, 1 and 2 on the second server,
-- 3 on the third one:
--   psql -v host=127.0.0.1 -v second=5433 -v third=5434 -v remote_user=app -f coordinator.sql
CREATE EXTENSION IF NOT EXISTS postgres_fdw;

-- extensions 'barq': distances, and <@> with a bm25global, run on the shard;
-- async_capable: all shards work at the same time
CREATE SERVER second FOREIGN DATA WRAPPER postgres_fdw OPTIONS (
	host :'host', port :'second', dbname :'DBNAME', extensions 'barq',
	async_capable 'true', connect_timeout '3', fetch_size '1000');
CREATE SERVER third FOREIGN DATA WRAPPER postgres_fdw OPTIONS (
	host :'host', port :'third', dbname :'DBNAME', extensions 'barq',
	async_capable 'true', connect_timeout '3', fetch_size '1000');
CREATE USER MAPPING FOR CURRENT_USER SERVER second OPTIONS (user :'remote_user');
CREATE USER MAPPING FOR CURRENT_USER SERVER third OPTIONS (user :'remote_user');

CREATE TABLE docs (id bigint, body text, embedding vector(8)) PARTITION BY HASH (id);
ALTER TABLE docs ATTACH PARTITION docs_0 FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE FOREIGN TABLE docs_1 PARTITION OF docs
	FOR VALUES WITH (MODULUS 4, REMAINDER 1) SERVER second;
CREATE FOREIGN TABLE docs_2 PARTITION OF docs
	FOR VALUES WITH (MODULUS 4, REMAINDER 2) SERVER second;
CREATE FOREIGN TABLE docs_3 PARTITION OF docs
	FOR VALUES WITH (MODULUS 4, REMAINDER 3) SERVER third;
