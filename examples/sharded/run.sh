#!/usr/bin/env bash
# run.sh: the example on three servers of this machine (scripts/server.sh), which are
# removed at the end. KEEP=1 leaves them running.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
server=$here/../../scripts/server.sh
names="shard-first shard-second shard-third"

finish()
{
	if [ -n "${KEEP:-}" ]; then
		echo "== the servers go on: scripts/server.sh psql shard-first (shard-second, shard-third); 'remove' in place of 'psql' stops and deletes one"
		return
	fi
	for name in $names; do
		"$server" remove "$name" >/dev/null 2>&1 || true
	done
	echo "== the servers are removed; KEEP=1 $0 leaves them running"
}
trap finish EXIT
for name in $names; do
	"$server" remove "$name" >/dev/null 2>&1 || true	# of a run with KEEP
	"$server" start "$name" >/dev/null
done

# host or port of a server
of()
{
	("$server" env "$1" | sed 's/^export //; s/; *export.*//'; echo "echo \$$2") | bash
}
on()
{
	local name=shard-$1
	shift
	"$server" psql "$name" -q -v ON_ERROR_STOP=1 -c 'SET client_min_messages = warning' "$@"
}
on first -v part=0 -f "$here/shard.sql"
on second -v part=1 -f "$here/shard.sql"
on second -v part=2 -f "$here/shard.sql"
on third -v part=3 -f "$here/shard.sql"
on first -v host="$(of shard-second PGHOST)" -v second="$(of shard-second PGPORT)" \
	-v third="$(of shard-third PGPORT)" -v remote_user=postgres -f "$here/coordinator.sql"
on first -f "$here/rows.sql"
echo "== a search of 2,000 rows in four partitions on three servers"
on first -c "SELECT (doc).id, (doc).body, score, vector_rank, text_rank, text_score
	FROM barq_sharded(NULL::docs, '[1,0,0,0,0,0,0,0]', 'vector database', k => 5)"
on third -v part=2 -f "$here/shard.sql"
on first -f "$here/move.sql"
echo "== the same after a partition moved from the second server to the third (ranks of equal scores may change)"
on first -c "SELECT (doc).id, (doc).body, score, vector_rank, text_rank, text_score
	FROM barq_sharded(NULL::docs, '[1,0,0,0,0,0,0,0]', 'vector database', k => 5)"
