#!/usr/bin/env bash
# build.sh [NAME...]: build barq and the programs of this folder, or those named, and
# print their paths. Each file's first comment says how to use it.
# build.sh --check: do they compile without warnings? Part of `make test`, because they
# use what is inside of barq and no other test compiles them.
set -euo pipefail
. "$(dirname "$0")/../../scripts/server.sh"
barq_locate
cd "$BARQ_SRC"

flags=(-O2 -Wall -Werror -ffp-contract=off -D_GNU_SOURCE -Isrc -I"$("$PG_CONFIG" --includedir-server)")
if [ "${1:-}" = --check ]; then
	for file in bench/micro/*.c bench/policy/*.c; do
		"${CC:-cc}" "${flags[@]}" -fsyntax-only "$file"
	done
	exit
fi

barq_build
kernels=("$BARQ_TREE"/src/kernels/*.o)
vectors=("$BARQ_TREE"/src/flat/*.o "$BARQ_TREE"/src/{hnsw,ivf}/*.o "$BARQ_TREE/src/store/read_ahead.o")
text=("$BARQ_TREE"/src/bm25/*.o "$BARQ_TREE"/src/text/{term_table,document}.o)
mkdir -p "$BARQ_TOP/micro"
[ $# -gt 0 ] || set -- bench_kernels bench_hnsw bench_merge bench_parts bench_beside bench_filter bench_dead bench_ivf bench_bm25 bench_curve
for name in "$@"; do
	objects=("${kernels[@]}" "$BARQ_TREE/test/unit/pgshim.o")
	case $name in
		bench_kernels) objects=("${kernels[@]}") ;;
		bench_bm25) objects+=("${text[@]}") ;;
		# the wraps count the rows that are scored
		bench_hnsw | bench_merge) objects+=("${vectors[@]}" -Wl,--wrap=barq_query_keys,--wrap=barq_code_keys) ;;
		bench_filter | bench_parts) objects+=("${vectors[@]}" -Wl,--wrap=barq_query_keys) ;;
		bench_curve) objects+=("${vectors[@]}" "$BARQ_TREE"/src/vector_index/recall_{curve,measure,samples}.o) ;;
		*) objects+=("${vectors[@]}") ;;
	esac
	"${CC:-cc}" "${flags[@]}" -o "$BARQ_TOP/micro/$name" "bench/micro/$name.c" "${objects[@]}" -lm
	echo "$BARQ_TOP/micro/$name"
done
