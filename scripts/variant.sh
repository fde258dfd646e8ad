#!/usr/bin/env bash
# variant.sh FOLDER SETTING…: build barq another way and print the folder of
# programs of a PostgreSQL that has it.
#
#   scripts/variant.sh /tmp/x BARQ_CRASH_POINTS=1
#
# For tests that need a library which no other test may load. The objects of the
# tree that this script is in are copied, so that make compiles only files that
# the settings change; not the .d files beside them, whose paths to the server's headers
# may not hold there. The programs of the pg_config on the PATH are copied, its other
# files linked. Nothing outside the folder is written.
set -euo pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
to=$(cd "$1" && pwd)
shift
from=$(command -v pg_config)

mkdir -p "$to/tree"
cp -a "$tree"/{Makefile,barq.control,barq_pgvector.control,src,sql,names} "$to/tree/"
find "$to/tree/src" -name '*.d' -delete
cp -a "$tree"/.built-* "$to/tree/" 2>/dev/null || true
make -C "$to/tree" -j"$(nproc)" PG_CONFIG="$from" COPT="-Werror ${BARQ_COPT:-}" "$@" barq.so >"$to/build.log" 2>&1 || {
	tail -n 30 "$to/build.log" >&2
	exit 1
}

for what in bindir pkglibdir sharedir; do
	dir=$("$from" --$what)
	mkdir -p "$to/root$dir"
	if [ $what = bindir ]; then
		cp -a "$dir/." "$to/root$dir/"
	else
		cp -as "$dir/." "$to/root$dir/"
	fi
done
# for a test that builds another library against these programs; the deepest first
for what in includedir-server pkgincludedir includedir; do
	dir=$("$from" --$what)
	[ ! -d "$dir" ] || [ -e "$to/root$dir" ] || { mkdir -p "$(dirname "$to/root$dir")" && ln -s "$dir" "$to/root$dir"; }
done
lib=$to/root$("$from" --pkglibdir)/barq.so
rm -f "$lib"
cp "$to/tree/barq.so" "$lib"
echo "$to/root$("$from" --bindir)"
