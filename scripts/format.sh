#!/usr/bin/env bash
# format.sh [--check] [FILE…]: format every C file, or these, in PostgreSQL's
# style (clang-format 14, then pgstyle.pl); with --check only list the differences.
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
[ $# -gt 0 ] || exit 0
one()
{
	local file=$1 formatted status=0
	# the dot keeps the last line's end; nothing is written where this fails
	formatted=$(scripts/pgstyle.pl "$file" && echo .) || return 1
	formatted=${formatted%.}
	if ! printf %s "$formatted" | cmp -s - "$file"; then
		if [ "$check" = yes ]; then
			printf %s "$formatted" | diff -u --label "$file" --label "$file, formatted" "$file" - || status=1
		else
			printf %s "$formatted" >"$file"
			echo "formatted $file"
		fi
	fi
	return $status
}
export -f one
export check
status=0
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" bash -c 'one "$1"' one || status=1
[ $status -eq 0 ] || echo "(make format does it)"
exit $status
