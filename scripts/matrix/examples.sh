#!/usr/bin/env bash
# examples.sh (PARTS=examples make test-matrix): the programs of examples/ that want more
# than Debian's small packages, run against a server (examples/README.md): Node, Java, Go,
# Rust, pgbouncer. Needs the network the first time. pgbouncer is unpacked into build/examples,
# not installed; so are Node's packages, by package-lock.json. A language that is not here is
# skipped with a message: scripts/install-deps.sh examples installs all of them.
#
# The last line is "N passed, N failed".
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

"$BARQ_SRC/scripts/install-deps.sh" examples || true
barq_locate
work=$BARQ_BUILD/examples
mkdir -p "$work/node" "$work/packages" "$work/go" "$work/target"
chmod 777 "$work/go" "$work/target"		# the server's user compiles
cp "$BARQ_SRC"/examples/node/{package.json,package-lock.json,.npmrc,*.mjs,*.ts} "$work/node/"
# packages are installed again only when the lock changes
if command -v npm >/dev/null && ! cmp -s "$work/node/package-lock.json" "$work/node/installed-lock.json"; then
	(cd "$work/node" && npm ci --no-progress >"$work/npm.log" 2>&1) || { tail -n 20 "$work/npm.log" >&2; die "npm ci failed"; }
	cp "$work/node/package-lock.json" "$work/node/installed-lock.json"
fi
# installed, it would start a server of its own
if ! command -v pgbouncer >/dev/null && [ ! -x "$work/bouncer/usr/sbin/pgbouncer" ] && command -v apt-get >/dev/null; then
	(cd "$work/packages" && chmod 777 . && apt-get download -q \
		$(apt-cache depends pgbouncer | sed -nE 's/^ +Depends: (libc-?ares[^ ]*|libevent[^ ]*)$/\1/p') pgbouncer >"$work/apt.log" 2>&1) ||
		say "pgbouncer is not to be had: $(tail -n 1 "$work/apt.log")"
	for package in "$work"/packages/*.deb; do [ ! -e "$package" ] || dpkg -x "$package" "$work/bouncer"; done
fi
chmod -R a+rX "$work"
for program in 'node --version' 'java --version' 'go version' '/usr/bin/cargo --version'; do
	say "$($program 2>/dev/null | head -n 1)"
done
# a log says what each program printed
export SHOW=${SHOW:-1}
export BARQ_EXAMPLES=$work BARQ_TESTS=$BARQ_TREE/test/examples
ONLY=tap exec "$BARQ_SRC/scripts/run-tests.sh"
