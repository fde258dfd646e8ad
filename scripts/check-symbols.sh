#!/usr/bin/env bash
# check-symbols.sh TREE: list functions and variables that are exported though no
# other file uses them: they could be static, or are dead. TREE is a built tree
# (build/pg15/tree). Exit status 1, with a line for each, if there is any.
#
# Functions that PostgreSQL calls have a pg_finfo_ beside them or are marked
# PGDLLEXPORT. Functions that only unit tests call from outside are named here.
set -euo pipefail
tree=$(cd "$1" && pwd)
for_tests='barq_kernels_all barq_kernels_supported barq_bm25_maxima_add'
exported=$(cd "$tree/src" && grep -hoE 'PGDLLEXPORT [a-z_A-Z0-9 *]*\w+\(' -r --include='*.[ch]' . | sed -E 's/.*[^a-zA-Z0-9_](\w+)\($/\1/')
(cd "$tree/src" && nm -A -P $(find . -name '*.o' -printf '%P\n')) |
	awk -v exported="$exported" -v tests="$for_tests" '
		BEGIN {
			n = split(exported " " tests, word, /[ \n]+/)
			for (i = 1; i <= n; i++) used[word[i]] = 1
			used["Pg_magic_func"] = 1
		}
		{ sub(/:$/, "", $1) }
		$3 == "U" { used[$2] = 1; next }
		$2 ~ /^pg_finfo_/ { used[substr($2, 10)] = 1; next }
		$3 ~ /^[A-Z]$/ { defines[$2] = $1 }
		END {
			for (name in defines)
				if (!(name in used)) { print "src/" defines[name] ": " name " is exported, and no other file uses it"; bad = 1 }
			exit bad
		}' | sort
