#!/usr/bin/env bash
# web.sh (PARTS=web make test-matrix): make demo QUERY="…" SERVE=1 as somebody would run it,
# with the real data, and the page that it serves in a headless Chromium
# (test/web/browser.mjs). Needs the network the first time: Debian's chromium, npm's pg
# and the word vectors. Pictures of the page are left in build/web/pictures.
#
# The last line is "N passed, N failed".
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

cd "$BARQ_SRC"
scripts/install-deps.sh demo web
barq_locate
log=$BARQ_BUILD/web-demo.log
pictures=$BARQ_BUILD/web/pictures
mkdir -p "$pictures"
passed=0 failed=0
# check TITLE COMMAND…
check()
{
	local title=$1
	shift
	if "$@"; then
		echo "ok - $title"
		passed=$((passed + 1))
	else
		echo "not ok - $title"
		failed=$((failed + 1))
	fi
}
not() { ! "$@"; }

say "node $(node --version), $(chromium --version 2>/dev/null | head -n 1), PostgreSQL $BARQ_PG_MAJOR"
QUERY="fear of closed spaces" SERVE=1 PORT=0 demo/run.sh >"$log" 2>&1 &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; wait "$demo" || true' EXIT
while ! grep -q '^The reverse dictionary is at ' "$log"; do
	kill -0 "$demo" 2>/dev/null || { cat "$log"; die "make demo SERVE=1 ended early"; }
	sleep 0.5
done
address=$(sed -n 's/^The reverse dictionary is at \(.*\)\/$/\1/p' "$log")
check "make demo answers its QUERY" grep -q '1 claustrophobia ' "$log"
check "and computes no recall figures" not grep -qE 'exact neighbours|recall' "$log"

tap=$BARQ_BUILD/web-browser.log
status=0
timeout -k 5 1800 node test/web/browser.mjs "$address" "$pictures" >"$tap" 2>&1 || status=$?
cat "$tap"
passed=$((passed + $(grep -c '^ok ' "$tap" || true)))
failed=$((failed + $(grep -c '^not ok ' "$tap" || true)))
check "the browser's tests come to their end" grep -qE '^1\.\.[0-9]+$' "$tap"

kill -TERM "$demo"
wait "$demo" || true
trap - EXIT
check "the application ends with make demo" not curl -s -o /dev/null "$address/"
check "so does the server" not as_server_user test -e "$BARQ_WORK/demo/data/postmaster.pid"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
