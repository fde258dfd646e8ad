#!/usr/bin/env bash
# citus.sh COORDINATOR WORKER WORKER: the example on Citus, compared with one server.
#
#   PGUSER=postgres examples/sharded/citus.sh 127.0.0.1:9711 127.0.0.1:9722 127.0.0.1:9733
#
# Takes three running servers, HOST:PORT, that have barq and Citus installed, with
# shared_preload_libraries = 'citus'. Makes the database barq_citus on each (one of
# this name is dropped) and leaves it. Prints "ok" or "not ok" for what it checks; the
# exit status is 1 if a check failed. Not part of the tests; citus.log is its output.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# = 3 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
coordinator=$1
shift
database=barq_citus
failed=0

# A database of a server.
on()
{
	local server=$1 name=$2
	shift 2
	psql -XqAt -v ON_ERROR_STOP=1 -h "${server%:*}" -p "${server#*:}" -d "$name" "$@"
}
ask() { on "$coordinator" "$database" "$@"; }
# Compare two results, given as files of SQL: same NAME SHARDS ONE
same()
{
	local shards one
	shards=$(ask -v words="${words:-}" -f - <<<"$2")
	one=$(ask -v words="${words:-}" -f - <<<"$3")
	if [ -n "$shards" ] && [ "$shards" = "$one" ]; then
		echo "ok      $1 ($(wc -l <<<"$shards") lines)"
	else
		echo "not ok  $1"
		diff <(echo "$shards") <(echo "$one") | head -n 10 || true
		failed=1
	fi
}
# Check that a text has a pattern: has NAME TEXT PATTERN
has()
{
	if grep -q "$3" <<<"$2"; then echo "ok      $1"; else
		echo "not ok  $1"
		failed=1
	fi
}

for server in "$coordinator" "$@"; do
	on "$server" postgres -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" 2>/dev/null
	on "$server" postgres -c "CREATE DATABASE $database"
	on "$server" "$database" -c 'CREATE EXTENSION citus'
done
ask -c "SELECT citus_set_coordinator_host('${coordinator%:*}', ${coordinator#*:})" >/dev/null
for server in "$@"; do
	ask -c "SELECT citus_add_node('${server%:*}', ${server#*:})" >/dev/null
done
ask -c 'SELECT version()' -c 'SELECT citus_version()'
ask -f "$here/citus.sql" >/dev/null
ask -f "$here/rows.sql" -c "
	INSERT INTO docs SELECT i, 'row ' || i || CASE WHEN i % 5 = 0 THEN ' of a database' ELSE ' of vectors' END,
		(SELECT array_agg(sin(i * d * d * 0.37)::real)::vector FROM generate_series(1, 8) d)
	FROM generate_series(2001, 20000) i"
# the same rows on one server
ask -c "CREATE TABLE one (id bigint PRIMARY KEY, body text, embedding vector(8));
	INSERT INTO one SELECT * FROM docs ORDER BY id;
	CREATE INDEX one_body ON one USING barq_bm25 (body) WITH (text_config = 'english');
	CREATE INDEX one_embedding ON one USING barq_hnsw (embedding vector_cosine_ops)" -c "ANALYZE one"
echo "rows of the shards: $(ask -c "SELECT string_agg(result, ', ' ORDER BY shardid) FROM run_command_on_shards('docs', 'SELECT count(*) FROM %s')")"

plan()
{
	ask -v words="${words:-}" -f - <<<"EXPLAIN (COSTS OFF) $1" | tee >(cut -c1-140 | sed 's/^/        /' >&2)
}
words=$(ask -c "SELECT docs_words('vector database')")
exec 2>&1
has 'vectors: each shard searches its index' \
	"$(plan "SELECT id FROM docs ORDER BY embedding <=> '[1,0,0,0,0,0,0,0]' LIMIT 10")" 'Index Scan using docs_embedding_'
has 'words: each shard searches its index' \
	"$(plan "SELECT id FROM docs ORDER BY body <@> :'words'::bm25global LIMIT 10")" 'docs_body_'
has 'matches: each shard searches its index' \
	"$(plan "SELECT count(*) FROM docs WHERE body @@@ :'words'::bm25global")" 'docs_body_'

# All matches with their scores, which psql prints to the last bit; the ten best scores.
texts()
{
	local query
	for query in 'database' 'vector search dating' 'dat*' 'quick^2 "slow dog"' '+vector -fox search' 'number 17' '100% quick'; do
		words=$(ask -v query="$query" -f - <<<"SELECT docs_words(:'query')")
		same "$1 $query: statistics" "SELECT :'words'" "SELECT to_bm25global('$query', 'one_body')"
		same "$1 $query: rows and scores" \
			"SELECT id, s FROM (SELECT id, body <@> :'words'::bm25global AS s FROM docs ORDER BY s LIMIT 30000) o WHERE s < 0 ORDER BY id" \
			"SELECT id, s FROM (SELECT id, body <@> '$query' AS s FROM one) o WHERE s < 0 ORDER BY id"
		same "$1 $query: best scores" \
			"SELECT body <@> :'words'::bm25global AS s FROM docs ORDER BY s LIMIT 10" \
			"SELECT body <@> '$query' AS s FROM one ORDER BY s LIMIT 10"
		same "$1 $query: matches" "SELECT count(*) FROM docs WHERE body @@@ :'words'::bm25global" \
			"SELECT count(*) FROM one WHERE body @@@ '$query'"
	done
}
texts 'words'

# Vectors of 50 queries; `exact` makes the workers search without their indexes.
exact="SET citus.propagate_set_commands = 'local'; BEGIN; SET LOCAL enable_indexscan = off;"
nearest()
{
	ask -c "SELECT format('SELECT %s, id FROM (SELECT id FROM $1 ORDER BY embedding <=> %L LIMIT 10) s;', id, embedding + '[0.01,0.02,0,0,0.05,0,0,0.03]')
		FROM one WHERE id % 400 = 1 ORDER BY id"
}
same 'vectors: exact search' "$exact $(nearest docs)" "$exact $(nearest one)"
recall()
{
	local found
	found=$(comm -12 <(ask -f - <<<"$(nearest "$1")" | sort) <(ask -f - <<<"$exact $(nearest one)" | sort) | wc -l)
	echo "$found"
}
shards=$(recall docs)
one=$(recall one)
echo "        of 500 nearest rows the shards' indexes find $shards, one server's index $one"
if [ $((shards + 5)) -ge "$one" ]; then echo "ok      vectors: recall by the index"; else
	echo "not ok  vectors: recall by the index"
	failed=1
fi

# Both: each ranking is merged over all shards, then they are fused.
hybrid()
{
	cat <<-SQL
		$exact
		WITH near AS (
			SELECT id, row_number() OVER (ORDER BY d, id) AS rank
			FROM (SELECT id, embedding <=> '[1,0,0.5,0,0,0,0,1]' AS d FROM $1 ORDER BY d LIMIT 100) s
		), found AS (
			SELECT id, row_number() OVER (ORDER BY s, id) AS rank
			FROM (SELECT id, body <@> :'words'::bm25global AS s FROM $1 ORDER BY s LIMIT 30000) s WHERE s < 0
		)
		SELECT id, barq_rrf(near.rank) + barq_rrf(found.rank) AS score
		FROM near FULL JOIN found USING (id) ORDER BY 2 DESC, 1 LIMIT 50;
	SQL
}
words=$(ask -c "SELECT docs_words('vector database')")
same 'both, fused' "$(hybrid docs)" "$(hybrid one)"

# A shard moves to the other worker.
read -r shard from_host from_port < <(ask -F ' ' -c "SELECT shardid, nodename, nodeport FROM citus_shards WHERE table_name = 'docs'::regclass ORDER BY shardid LIMIT 1")
to=$1
[ "$from_host:$from_port" != "$1" ] || to=$2
ask -c "SELECT citus_move_shard_placement($shard, '$from_host', $from_port, '${to%:*}', ${to#*:}, shard_transfer_mode => 'block_writes')" >/dev/null
echo "        one shard moved from $from_host:$from_port to $to"
texts 'words after the move,'
same 'vectors after the move: exact search' "$exact $(nearest docs)" "$exact $(nearest one)"

has 'barq_sharded() says that it is for postgres_fdw' \
	"$(ask -c "SELECT * FROM barq_sharded(NULL::docs, query => 'vector')" 2>&1 || true)" 'table "docs" is distributed by Citus'
exit $failed
