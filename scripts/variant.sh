#!/usr/bin/env bash
# variant.sh FOLDER SETTING…: build barq another way and print the folder of
# programs of a PostgreSQL that has it.
#
#   scripts/variant.sh /tmp/x BARQ_CRASH_POINTS=1
#
# For tests that need a library which nobody else must meet. The objects of
# the tree it stands in are copied, so that make compiles only what the
# settings change; programs are copied from the pg_config on the PATH, its
# other files are linked to. Writes nothing outside the folder, and needs no
# rights there.
set -euo pipefail
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
to=$(cd "$1" && pwd)
shift
from=$(command -v pg_config)

mkdir -p "$to/tree"
cp -a "$tree"/{Makefile,barq.control,src,sql} "$to/tree/"
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
lib=$to/root$("$from" --pkglibdir)/barq.so
rm -f "$lib"
cp "$to/tree/barq.so" "$lib"
echo "$to/root$("$from" --bindir)"
