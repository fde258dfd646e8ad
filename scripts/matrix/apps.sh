#!/usr/bin/env bash
# apps.sh (PARTS=apps make test-matrix): vector stores of the npm registry that name
# pgvector's access methods, run unmodified on barq with the extension of pgvector's
# names (test/apps/README.md). Needs the network, node 20 or later, and npm.
#
# The last line is "N passed, N failed".
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

command -v node >/dev/null && command -v npm >/dev/null ||
	die "node and npm are not installed (on Debian 13 or later: apt-get install nodejs npm)"
barq_locate
apps=$BARQ_BUILD/apps
mkdir -p "$apps"
cp "$BARQ_SRC"/test/apps/{package.json,package-lock.json,.npmrc,*.mjs} "$apps/"
# packages are installed again only when the lock changes
if ! cmp -s "$apps/package-lock.json" "$apps/installed-lock.json"; then
	(cd "$apps" && npm ci --no-progress >"$apps/npm.log" 2>&1) || { tail -n 20 "$apps/npm.log" >&2; die "npm ci failed"; }
	cp "$apps/package-lock.json" "$apps/installed-lock.json"
fi
say "node $(node --version), $(node -p 'const d = require("'"$apps"'/package.json").dependencies; Object.keys(d).map((n) => n + " " + d[n]).join(", ")')"
# a log says which plans there were
export SHOW=${SHOW:-1} BARQ_APPS=$apps BARQ_TESTS=$BARQ_TREE/test/apps
ONLY=tap exec "$BARQ_SRC/scripts/run-tests.sh"
