#!/usr/bin/env bash
# make-fixtures.sh FOLDER [BINDIR]: write files of small indexes, one for each line
# CREATE INDEX of test/fixtures/indexes.sql, as the library of a server writes them,
# to test/fixtures/indexes/FOLDER, which is the format version (docs/design.md).
#
# To be run once for each format version, by the last library that writes it:
#   scripts/make-fixtures.sh 5 "$(PATH=... scripts/variant.sh /tmp/v BARQ_CRASH_POINTS=1)"
# A library with crash points builds graphs and lists of few rows, so the files stay
# small. Without BINDIR: the pg_config on the PATH. Pages lose their LSN and checksum,
# so that any server takes them.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")/.." && pwd)
out=$here/test/fixtures/indexes/$1
bin=${2:-$(pg_config --bindir)}
user=$(id -un)
[ "$user" != root ] || user=postgres
work=$(mktemp -d)
cp "$here"/test/fixtures/*.sql "$work"
chown -R "$user" "$work"
as() { if [ "$(id -un)" = "$user" ]; then "$@"; else setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups "$@"; fi; }
cd "$work"
stop() { as "$bin/pg_ctl" -D "$work/data" -m fast -s stop >/dev/null 2>&1 || true; rm -rf "$work"; }
trap stop EXIT
as "$bin/initdb" -D "$work/data" -U postgres --auth=trust --no-locale --encoding=UTF8 --no-sync >/dev/null
as "$bin/pg_ctl" -D "$work/data" -l "$work/log" -w -s -o "-k $work -h '' -p 5599 -c max_parallel_maintenance_workers=0 -c autovacuum=off -c barq.background=off" start
sql() { as "$bin/psql" -h "$work" -p 5599 -U postgres -d postgres -XAtq -v ON_ERROR_STOP=1 "$@"; }
sql -c 'CREATE EXTENSION barq' -f indexes.sql -f indexes-later.sql >/dev/null
sql -F ' ' -c "SELECT c.relname, pg_relation_filepath(c.oid) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE amname LIKE 'barq%' AND relkind = 'i'" >list
sql -c CHECKPOINT
as "$bin/pg_ctl" -D "$work/data" -m fast -w -s stop
mkdir -p "$out"
while read -r name path; do
	perl -0777 -ne 'for (my $at = 0; $at < length; $at += 8192) { substr($_, $at, 10) = "\0" x 10 if substr($_, $at, 8192) =~ /[^\0]/ } print' \
		"data/$path" | gzip -9n >"$out/$name.gz"
done <list
ls -l "$out"
