#!/usr/bin/env bash
# build.sh FOLDER: the build of the container image: compile barq for the
# PostgreSQL of PG_CONFIG (default: pg_config) and stage what it installs
# below FOLDER, at the paths it will have in the image. `make test` runs this
# too, for an image cannot be built everywhere.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: docker/build.sh FOLDER" >&2; exit 2; }
stage=$1
cd "$(dirname "$0")/.."
pg_config=${PG_CONFIG:-pg_config}

make -j"$(nproc)" PG_CONFIG="$pg_config" all
make PG_CONFIG="$pg_config" DESTDIR="$stage" install

version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" barq.control)
extension=$("$pg_config" --sharedir)/extension
status=0
for file in "$("$pg_config" --pkglibdir)/barq.so" "$extension/barq.control" "$extension/barq--$version.sql"; do
	if [ -s "$stage$file" ]; then
		echo "staged $file"
	else
		echo "not staged: $file" >&2
		status=1
	fi
done
exit $status
