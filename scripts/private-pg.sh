#!/usr/bin/env bash
# private-pg.sh: make a private copy of the installed PostgreSQL under the
# build folder and print its pg_config.
#
# PostgreSQL's programs find their files relative to themselves, so a copy of
# its folders, at their own paths below one root, is an installation of its
# own: `make install PG_CONFIG=$(scripts/private-pg.sh)` touches nothing of
# the system. PG_CONFIG chooses the installation to copy. A copy is made again
# only when the original has changed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
barq_locate
barq_lock

dir() { "$BARQ_PG" "--$1"; }
stamp=$BARQ_TOP/copied
original()
{
	echo "format 1"
	dir version
	stat -c '%n %Y' "$(dir bindir)" "$(dir bindir)"/{postgres,psql,pg_config} "$(dir pkglibdir)" \
		"$(dir pkglibdir)/pgxs/src/makefiles/pgxs.mk" "$(dir sharedir)" "$(dir sharedir)/extension"
	ls -d "$(dir includedir-server)/postgres.h" \
		/usr/share/postgresql/*/extension/pgtap.control 2>/dev/null || true
}

if ! original | cmp -s - "$stamp"; then
	say "barq: copying $BARQ_PG_VERSION to $BARQ_ROOT"
	umask 022
	rm -rf "$BARQ_ROOT" "$stamp"
	for what in bindir pkglibdir sharedir; do
		from=$(dir $what)
		[ -e "$BARQ_ROOT$from" ] && continue
		mkdir -p "$BARQ_ROOT$from"
		cp -a "$from/." "$BARQ_ROOT$from/"
	done
	# Only read: linked. Deepest first, so that no link is made inside another.
	for what in includedir-server pkgincludedir includedir; do
		from=$(dir $what)
		[ -d "$from" ] && [ ! -e "$BARQ_ROOT$from" ] || continue
		mkdir -p "$(dirname "$BARQ_ROOT$from")"
		ln -s "$from" "$BARQ_ROOT$from"
	done
	from=$(dir libdir)
	if [ -d "$BARQ_ROOT$from" ]; then
		for lib in "$from"/lib*; do
			[ -e "$lib" ] && [ ! -e "$BARQ_ROOT$lib" ] && ln -s "$lib" "$BARQ_ROOT$lib"
		done
	fi
	# An older barq of the original's must not be taken for this one.
	rm -rf "$BARQ_ROOT$(dir pkglibdir)"/{barq.so,barq_names.so,bitcode/barq*} "$BARQ_ROOT$(dir sharedir)/extension"/barq{,_pgvector}[.-]*
	# pgTAP is SQL alone: any version's will do for a server without one.
	if [ ! -f "$BARQ_ROOT$(dir sharedir)/extension/pgtap.control" ]; then
		pgtap=$(ls -d /usr/share/postgresql/*/extension/pgtap.control 2>/dev/null | tail -n 1) || true
		[ -z "$pgtap" ] || cp "$(dirname "$pgtap")"/pgtap[.-]* "$BARQ_ROOT$(dir sharedir)/extension/"
	fi
	[ "$("$PG_CONFIG" --sharedir)" = "$BARQ_ROOT$(dir sharedir)" ] ||
		die "the copy of $BARQ_PG does not find its own files: $("$PG_CONFIG" --sharedir)"
	original >"$stamp"
fi
echo "$PG_CONFIG"
