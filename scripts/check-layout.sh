#!/usr/bin/env bash
# check-layout.sh TREE: do folders of src/ include and call only the folders that
# the table below allows?
# TREE is a built tree (build/pg15/tree): its sources show includes, its objects
# show symbols. docs/design.md shows the table below and is compared with it.
# Exit status 1, with a line for each include or call that is not allowed.
set -euo pipefail
tree=$(cd "$1" && pwd)

# folder: the folders that it may include and call, lowest first. src/barq.c may
# call all of them, and nothing may call src/barq.c.
layout='
kernels:
base:
types:        kernels base
text:         base
store:        base
lifecycle:    base store
flat:         kernels base store
hnsw:         kernels base store flat
ivf:          kernels base store flat
bm25:         kernels base text store
am:           kernels base store lifecycle
vector_index: kernels base types store lifecycle flat hnsw ivf am
text_index:   base text store lifecycle bm25 am
condition:    base store am vector_index text_index
hybrid:       base text lifecycle am
sharded:      base text_index hybrid
count:        base store bm25 am text_index condition hybrid
admin:        base store lifecycle bm25 am vector_index text_index
'

# arrows: "from to file detail" of each include and each symbol used, but for
# those of barq.c
includes()
{
	(
		cd "$tree/src"
		grep -o '^#include "[a-z0-9_]*/[^"]*"' -r --include='*.[ch]' -- */ || true
		grep -Ho '^#include "postgres[a-z_]*.h"' kernels/*.[ch] | sed 's|"postgres|"postgres/postgres|' || true
	) |
		sed -E 's|^([a-z0-9_]+)/([^:]+):#include "([a-z0-9_]+)/([^"]+)"|\1 \3 \1/\2 includes:\3/\4|'
}
symbols()
{
	(cd "$tree/src" && nm -A -P $(find . -name '*.o' -printf '%P\n')) | awk '
		{ sub(/:$/, "", $1); name = $2; type = $3; file = $1 }
		type == "U" { needs[file, name] = 1; next }
		type ~ /^[A-Z]$/ { defines[name] = file }
		END {
			for (key in needs) {
				split(key, part, SUBSEP)
				if (!(part[2] in defines)) continue
				from = part[1]; to = defines[part[2]]
				if (from !~ /\//) continue
				sub(/\/.*/, "", from)
				if (to !~ /\//) to = "barq.c"; else sub(/\/.*/, "", to)
				print from, to, part[1], "calls:" part[2]
			}
		}'
}

{ includes; symbols; } | awk -v layout="$layout" -v folders="$(cd "$tree/src" && echo */)" '
	BEGIN {
		n = split(layout, lines, "\n")
		for (i = 1; i <= n; i++) {
			m = split(lines[i], word, " ")
			if (m == 0) continue
			folder = word[1]; sub(/:$/, "", folder)
			known[folder] = 1; allowed[folder, folder] = 1
			for (j = 2; j <= m; j++) {
				if (!(word[j] in known)) { print "the table: " folder " may call " word[j] ", which does not stand above it"; bad = 1 }
				allowed[folder, word[j]] = 1
			}
		}
		n = split(folders, word, " ")
		for (i = 1; i <= n; i++) {
			sub(/\/$/, "", word[i]); there[word[i]] = 1
			if (!(word[i] in known)) { print "src/" word[i] " is not in the table"; bad = 1 }
		}
		for (folder in known)
			if (!(folder in there)) { print "the table has " folder ", which is not in src/"; bad = 1 }
	}
	# includes of PostgreSQL, such as "utils/rel.h", are no arrows
	!($2 in there) && $2 != "barq.c" {
		if ($1 == "kernels") { print "src/" $3 ": kernels take no PostgreSQL header: " $4; bad = 1 }
		next
	}
	{ seen[$1, $2]++ }
	!(($1, $2) in allowed) { print "src/" $3 ": " $1 " may not call " $2 ": " $4; bad = 1 }
	END {
		for (pair in allowed) {
			split(pair, part, SUBSEP)
			if (part[1] != part[2] && !(pair in seen)) { print "the table: " part[1] " does not use " part[2]; bad = 1 }
		}
		exit bad
	}'

# design.md shows the same table
design=$(dirname "$0")/../docs/design.md
missing=$(printf '%s' "$layout" | sed '/^$/d' | grep -vxFf <(sed 's/^    //' "$design") || true)
[ -z "$missing" ] || { echo "docs/design.md (Layout) does not have:"; printf '%s\n' "$missing"; exit 1; }
