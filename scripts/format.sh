#!/usr/bin/env bash
# format.sh [--check] [FILE…]: format every C file, or these, in PostgreSQL's
# style (clang-format 14, then pgstyle.pl); with --check only say what differs.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(clang-format --version 2>/dev/null | sed -n -E 's/.*version ([0-9]+).*/\1/p') || true
[ "$version" = 14 ] || { echo "barq: this takes clang-format 14 (Debian 12: apt-get install clang-format)" >&2; exit 1; }
check=no
if [ "${1:-}" = --check ]; then
	check=yes
	shift
fi
if [ $# -eq 0 ]; then
	mapfile -t files < <(find src test -name '*.[ch]' -type f | sort)
	set -- ${files[@]+"${files[@]}"}
fi
formatted=$(mktemp)
trap 'rm -f "$formatted"' EXIT
status=0
for file; do
	scripts/pgstyle.pl "$file" >"$formatted"
	cmp -s "$file" "$formatted" && continue
	if [ $check = yes ]; then
		diff -u --label "$file" --label "$file, formatted" "$file" "$formatted" || status=1
	else
		cat "$formatted" >"$file"
		echo "formatted $file"
	fi
done
[ $status -eq 0 ] || echo "(make format does it)"
exit $status
