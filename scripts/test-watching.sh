#!/usr/bin/env bash
# test-watching.sh: examples/watching against Debian's prometheus-postgres-exporter and
# prometheus: the rules pass promtool, and each metric and expression of the rules and of
# the dashboard returns data from a server that has all kinds of indexes. The packages are
# unpacked into build/watching, not installed. Needs the network the first time. Closing
# line: "N passed, N failed".
set -euo pipefail
. "$(dirname "$0")/server.sh"
cd "$(dirname "$0")/.."

tools=build/watching
if [ ! -x "$tools/usr/bin/promtool" ] || [ ! -x "$tools/usr/bin/prometheus-postgres-exporter" ]; then
	mkdir -p "$tools/packages"
	(cd "$tools/packages" && apt-get download -q prometheus prometheus-postgres-exporter >/dev/null 2>&1)
	for package in "$tools"/packages/*.deb; do dpkg -x "$package" "$tools"; done
fi

barq_build >/dev/null
scripts/server.sh remove watching >/dev/null 2>&1 || true
barq_server_start watching "shared_preload_libraries = 'barq'" "max_worker_processes = 8" >/dev/null
trap 'kill ${pids:-} 2>/dev/null || true; barq_server_stop watching >/dev/null' EXIT
eval "$(scripts/server.sh env watching)"
PATH="$PWD/$tools/usr/bin:$PATH" python3 scripts/watching.py
