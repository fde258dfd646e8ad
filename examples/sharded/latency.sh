#!/usr/bin/env bash
# latency.sh: how long one search over 1, 2, 4 and 8 shards takes on this machine, by Unix
# socket and by TCP on the loopback, in turns; the tables of docs/sharding.md. All shards are
# databases of one server of scripts/server.sh, which is removed at the end. The same rows
# in all are spread over each number of shards.
#
#   ROWS=20000 CALLS=150 SHARDS="1 2 4 8"
#
# Prints lines of a Markdown table: the fastest search and, in brackets, the median, in ms.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/server.sh"
rows=${ROWS:-20000} calls=${CALLS:-150} shards=${SHARDS:-1 2 4 8} name=shard-latency

BARQ_TARGETS=all barq_build
barq_at_exit "$name"
barq_server_start "$name" "listen_addresses = '127.0.0.1'" "fsync = off" "max_connections = 200" \
	"shared_preload_libraries = 'barq'"
export PGOPTIONS='-c client_min_messages=warning'
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

# Rows $2 of $3 parts, of 64 dimensions and 40 words, as a database.
make_shard()
{
	sql -d postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1"
	sql -d "$1" -v part="$2" -v parts="$3" -v rows="$rows" >/dev/null <<-'END'
		CREATE EXTENSION barq;
		CREATE TABLE docs (id bigint PRIMARY KEY, body text, embedding vector(64));
		INSERT INTO docs SELECT i,
			(SELECT string_agg('w' || (2000 * ((hashint8(i * 100 + w)::float8 / 4294967296 + 0.5) ^ 3))::int, ' ') FROM generate_series(1, 40) w),
			(SELECT array_agg(hashint8(i * 100 + d)::float8 / 2147483648)::vector FROM generate_series(1, 64) d)
		FROM generate_series(1, :rows) i WHERE i % :parts = :part;
		CREATE INDEX ON docs USING barq_bm25 (body) WITH (text_config = 'simple');
		CREATE INDEX ON docs USING barq_hnsw (embedding vector_cosine_ops);
		ANALYZE docs;
	END
}

# The tables by_unix and by_tcp over $1 shards, in a database of their own.
make_coordinator()
{
	local i way host
	sql -d postgres -c "DROP DATABASE IF EXISTS of_$1" -c "CREATE DATABASE of_$1"
	{
		echo "CREATE EXTENSION barq; CREATE EXTENSION postgres_fdw;"
		for way in unix tcp; do
			host=$PGHOST
			[ $way = unix ] || host=127.0.0.1
			echo "CREATE TABLE by_$way (id bigint, body text, embedding vector(64)) PARTITION BY HASH (id);"
			for ((i = 0; i < $1; i++)); do
				echo "CREATE SERVER ${way}_$i FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$PGPORT',
					dbname 'of_$1_$i', extensions 'barq', async_capable 'true', fetch_size '1000');
				CREATE USER MAPPING FOR CURRENT_USER SERVER ${way}_$i;
				CREATE FOREIGN TABLE by_${way}_$i PARTITION OF by_$way FOR VALUES WITH (MODULUS $1, REMAINDER $i)
					SERVER ${way}_$i OPTIONS (table_name 'docs');"
			done
		done
	} | sql -d "of_$1"
}

# Searches in turns over both ways: kind, candidates, way, fastest, median.
measure()
{
	sql -d "of_$1" -v calls="$calls" <<-'END'
		CREATE TEMP TABLE took (kind text, candidates int, way text, ms float8);
		CREATE PROCEDURE pg_temp.search(calls int) LANGUAGE plpgsql AS $$
		DECLARE
			began timestamptz;
			vector text;
			words text;
			way text;
			kind text;
			n int;
		BEGIN
			FOR turn IN -4 .. calls LOOP	-- the first five open connections and images
				vector := (SELECT array_agg(random() * 2 - 1)::vector(64)::text FROM generate_series(1, 64));
				words := (SELECT string_agg('w' || (2000 * random() ^ 3)::int, ' ') FROM generate_series(1, 3));
				FOREACH kind IN ARRAY ARRAY['vectors', 'words', 'both'] LOOP
					FOREACH n IN ARRAY ARRAY[10, 100] LOOP
						FOREACH way IN ARRAY ARRAY['unix', 'tcp'] LOOP
							began := clock_timestamp();
							EXECUTE format('SELECT count(*) FROM barq_sharded(NULL::by_%s, $1, $2, candidates => $3)', way)
								USING CASE WHEN kind <> 'words' THEN vector END, CASE WHEN kind <> 'vectors' THEN words END, n;
							IF turn > 0 THEN
								INSERT INTO took VALUES (kind, n, way, extract(epoch FROM clock_timestamp() - began) * 1000);
							END IF;
						END LOOP;
					END LOOP;
				END LOOP;
			END LOOP;
		END $$;
		SELECT setseed(0.5) \g /dev/null
		CALL pg_temp.search(:calls);
		SELECT kind, candidates, way, min(ms), percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)
		FROM took GROUP BY 1, 2, 3;
	END
}

found=$(mktemp)
for n in $shards; do
	for ((i = 0; i < n; i++)); do make_shard "of_${n}_$i" "$i" "$n"; done
	make_coordinator "$n"
	measure "$n" | sed "s/^/$n|/" >>"$found"
done
printf '| search | `candidates` | by |%s\n' "$(printf ' %s |' $shards)"
awk -F'|' -v shards="$shards" '
	function figure(ms) { return ms < 10 ? sprintf("%.1f", ms) : sprintf("%.0f", ms) }
	{ cell[$2 FS $3 FS $4 FS $1] = figure($5) " (" figure($6) ")" }
	END {
		n = split(shards, number, " ")
		split("vectors words both", kind, " "); split("10 100", candidates, " "); split("unix tcp", way, " ")
		for (k = 1; k <= 3; k++) for (c = 1; c <= 2; c++) for (w = 1; w <= 2; w++) {
			line = "| " kind[k] " | " candidates[c] " | " way[w] " |"
			for (i = 1; i <= n; i++) line = line " " cell[kind[k] FS candidates[c] FS way[w] FS number[i]] " |"
			print line
		}
	}' "$found"
rm -f "$found"
"${BASH_SOURCE[0]%/*}/../../scripts/server.sh" remove "$name" >/dev/null 2>&1
