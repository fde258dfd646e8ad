#!/usr/bin/env bash
# format.sh: clang-format every C file; with --check only say what differs.
# The style is PostgreSQL's as far as clang-format 14 can tell it.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-format >/dev/null || { echo "barq: clang-format 14 is not installed (Debian: clang-format)" >&2; exit 1; }
mapfile -t files < <(find src test -name '*.[ch]' -type f | sort)
[ ${#files[@]} -gt 0 ] || exit 0
if [ "${1:-}" = --check ]; then
	status=0
	for file in "${files[@]}"; do
		clang-format --style=file "$file" | diff -u --label "$file" --label "$file, formatted" "$file" - || status=1
	done
	[ $status -eq 0 ] || echo "run make format"
	exit $status
fi
clang-format --style=file -i "${files[@]}"
