#!/usr/bin/env bash
# pgvector-tests.sh FOLDER: run pgvector's own tests against barq.
#
#   scripts/pgvector-tests.sh ../pgvector
#   TESTS="hnsw_vector 016_hnsw_inserts" scripts/pgvector-tests.sh ../pgvector
#   NAMES=1 scripts/pgvector-tests.sh ../pgvector    on the extension of pgvector's names
#
# FOLDER is a checkout of pgvector; its SQL files, expected output and TAP tests
# are copied into the build folder with nothing changed but names: of the
# extension, the access methods, and the prefix of the settings. They then run
# as run-tests.sh runs barq's own. docs/from-pgvector.md lists the expected
# differences with their reasons. With NAMES, names are not changed: CREATE EXTENSION
# vector has CASCADE, and the private server has barq's extension by that name meanwhile.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ -d "${1:-}/test/sql" ] || die "usage: pgvector-tests.sh FOLDER, a checkout of pgvector"
from=$(cd "$1" && pwd)
barq_locate
to=$BARQ_TOP/pgvector-tests
rm -rf "$to"
mkdir -p "$to"
cp -r "$from/test/." "$to/"
change=(-e 's/(CREATE EXTENSION (IF NOT EXISTS )?)vector\b/\1barq/'
	-e 's/\bUSING hnsw\b/USING barq_hnsw/g; s/\bUSING ivfflat\b/USING barq_ivf/g'
	-e 's/\bfor hnsw index/for barq_hnsw index/; s/\bfor ivfflat index/for barq_ivf index/'
	-e 's/\b(hnsw|ivfflat)\.([a-z_])/barq.\2/g')
if [ -n "${NAMES:-}" ]; then
	change=(-e 's/(CREATE EXTENSION (IF NOT EXISTS )?vector)\b/\1 CASCADE/')
	export BARQ_NAMES=1
fi
find "$to" -type f \( -name '*.sql' -o -name '*.out' -o -name '*.pl' \) -exec sed -i -E "${change[@]}" {} +
status=0
BARQ_TESTS=$to ONLY="${ONLY:-regress tap}" "$(dirname "${BASH_SOURCE[0]}")/run-tests.sh" || status=$?
# other tests take an extension of this name for pgvector
[ -z "${NAMES:-}" ] || rm -f "$("$PG_CONFIG" --sharedir)"/extension/vector[.-]* "$("$PG_CONFIG" --pkglibdir)/barq_names.so"
exit $status
