#!/usr/bin/env bash
# build.sh: build this checkout with warnings as errors and install it into
# the private copy of PostgreSQL; print that copy's pg_config. The compiler's
# output goes to build.log and is shown only when something is wrong. BARQ_CC: another
# compiler than the server's; BARQ_COPT: further options for it; BARQ_TARGETS=all: without
# the programs of unit tests.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
barq_locate
"$BARQ_SRC/scripts/private-pg.sh" >/dev/null
barq_lock

umask 022
shopt -s extglob

# Bring the tree up to date with the checkout. Only files that differ are copied,
# so make sees exactly the changes.
sources()
{
	(cd "$1" && for part in Makefile barq.control barq_pgvector.control names LICENSE README.md CONTRIBUTING.md docs src sql test docker scripts examples demo; do
		[ -e "$part" ] && find "$part" -type f ! -name '*.[od]' ! -name '*.so' ! -path 'sql/barq--*' \
			! -name '.*' ! -path '*/__pycache__/*' ! -path '*/node_modules/*'
	done; true)
}
sources "$BARQ_TREE" | while read -r file; do
	[ -e "$BARQ_SRC/$file" ] || rm -f "$BARQ_TREE/$file" "$BARQ_TREE/${file%.c}".{o,d,bc}
done
[ ! -d "$BARQ_TREE/src" ] || find "$BARQ_TREE/src" -mindepth 1 -type d -empty -delete
sources "$BARQ_SRC" | while read -r file; do
	cmp -s "$BARQ_SRC/$file" "$BARQ_TREE/$file" && continue
	mkdir -p "$BARQ_TREE/$(dirname "$file")"
	cp "$BARQ_SRC/$file" "$BARQ_TREE/$file"
	if [ -x "$BARQ_SRC/$file" ]; then chmod 755 "$BARQ_TREE/$file"; else chmod 644 "$BARQ_TREE/$file"; fi
done

log=$BARQ_TOP/build.log
make=(make -C "$BARQ_TREE" PG_CONFIG="$PG_CONFIG" ${BARQ_CC:+CC="$BARQ_CC"} COPT="-Werror ${BARQ_COPT:-}")
read -ra targets <<<"${BARQ_TARGETS:-all unit-programs}"
if [ ! -f "$BARQ_TREE/barq.so" ]; then
	say "barq: compiling, which takes a minute or more the first time; the output is in $log"
elif ! "${make[@]}" -q "${targets[@]}" >/dev/null 2>&1; then
	say "barq: compiling what has changed; the output is in $log"
fi
if ! "${make[@]}" -j"$(nproc)" "${targets[@]}" >"$log" 2>&1 || ! "${make[@]}" install >>"$log" 2>&1; then
	grep -E -A6 '(error|warning):|Error [0-9]|\*\*\*|undefined reference' "$log" | head -n 60 >&2 || tail -n 30 "$log" >&2
	die "the build failed; all of it is in $log"
fi
if grep -n 'warning:' "$log" >&2; then
	die "the build has warnings; all of it is in $log"
fi
# scripts of older versions, which a test installs; `make install` does not bring them
install -m 644 "$BARQ_SRC"/sql/old/barq--+([0-9.]).sql "$("$PG_CONFIG" --sharedir)/extension/"
echo "$PG_CONFIG"
