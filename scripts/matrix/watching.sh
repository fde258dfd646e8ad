#!/usr/bin/env bash
# watching.sh (PARTS=watching make test-matrix): examples/watching against Debian's
# prometheus-postgres-exporter and prometheus: the rules pass promtool, and each metric and
# expression of the rules and of the dashboard returns data from a server that has all kinds
# of indexes. The packages are unpacked into build/watching, not installed. Needs the network
# the first time.
#
# The last line is "N passed, N failed".
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../server.sh"

barq_locate
tools=$BARQ_BUILD/watching
if [ ! -x "$tools/usr/bin/promtool" ] || [ ! -x "$tools/usr/bin/prometheus-postgres-exporter" ]; then
	mkdir -p "$tools/packages"
	(cd "$tools/packages" && chmod 777 . && apt-get download -q prometheus prometheus-postgres-exporter >"$tools/apt.log" 2>&1) ||
		die "prometheus is not to be had: $(tail -n 1 "$tools/apt.log")"
	for package in "$tools"/packages/*.deb; do dpkg -x "$package" "$tools"; done
fi
for program in prometheus prometheus-postgres-exporter; do
	say "$program $("$tools/usr/bin/$program" --version 2>&1 | sed -n 's/.*version \([^ ]*\).*/\1/p; q')"
done

barq_build >/dev/null
"$BARQ_SRC/scripts/server.sh" remove watching >/dev/null 2>&1 || true
barq_server_start watching "shared_preload_libraries = 'barq'" "max_worker_processes = 8" >/dev/null
trap 'barq_server_stop watching >/dev/null' EXIT
eval "$("$BARQ_SRC/scripts/server.sh" env watching)"
PATH="$tools/usr/bin:$PATH" python3 "$BARQ_SRC/scripts/matrix/watching.py"
