#!/usr/bin/env bash
# lint.sh [FILE...] (make lint): gcc's and clang's warnings, clang-tidy and
# cppcheck over the C files of src/, or over the files given. Exit status 1 if one
# of them complains; each NOLINT in the code has its reason beside it.
#
# -Wunused-parameter is off, because PostgreSQL fixes the parameters of callbacks
# and of SQL functions.
set -euo pipefail
cd "$(dirname "$0")/.."
pg_config=${PG_CONFIG:-pg_config}
flags=("-I$PWD/src" '-DBARQ_VERSION="lint"' -D_GNU_SOURCE -std=gnu11
	-isystem "$("$pg_config" --includedir-server)" -isystem "$("$pg_config" --includedir)")
warnings=(-fsyntax-only -Werror -Wall -Wextra -Wshadow -Wno-unused-parameter)
if [ $# -eq 0 ]; then
	# one source, compiled for each instruction set: looked at as "baseline"
	mapfile -t files < <(find src -name '*.c' ! -path src/kernels/distance.c | sort)
	set -- "${files[@]}"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
# over NAME COMMAND...: run a command over all files, a few at a time
over()
{
	local name=$1
	shift
	if printf '%s\0' "${files[@]:-$@}" | xargs -0 -n 6 -P "$(nproc)" "$@" >"$log" 2>&1; then
		echo "$name: no complaint"
	else
		echo "$name:"
		grep -vE 'warnings? (generated|treated)|^Suppressed|^Use -header-filter' "$log" | head -n 60
		status=1
	fi
}
files=("$@")
each_tidy() { clang-tidy --quiet "$@" -- "${flags[@]}"; }
over gcc gcc "${flags[@]}" "${warnings[@]}"
over clang clang "${flags[@]}" "${warnings[@]}"
export -f each_tidy
printf '%s\n' "${flags[@]}" >"$log.flags"
over clang-tidy bash -c 'mapfile -t flags <"$0"; each_tidy "$@"' "$log.flags"
rm -f "$log.flags"
if cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --language=c --enable=warning,performance,portability \
	--suppress=missingInclude -j "$(nproc)" -Isrc "${files[@]}" >"$log" 2>&1; then
	echo "cppcheck: no complaint"
else
	echo "cppcheck:"
	head -n 60 "$log"
	status=1
fi
exit $status
