#!/usr/bin/env bash
# ci-job.sh PG ARCH CC: one job of continuous integration: build and test barq for a
# version of PostgreSQL, an architecture (x86-64, aarch64) and a compiler (gcc, clang).
# .github/workflows/ci.yml runs it in the official container images, test-matrix.sh in
# roots of Debian suites; "test-matrix.sh jobs" lists the jobs.
#
#   gcc      all tests that a machine of that architecture can run (run-tests.sh)
#   clang    a build without warnings, and the suites unit, regress and isolation
#   aarch64 on another machine: the library is compiled for it without warnings, and
#            the unit tests of the kernels run in qemu
#
# ONLY, TESTS … as for run-tests.sh. The last line is "N passed, N failed".
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
major=$1 arch=$2 cc=$3
here=$(cd "$(dirname "$0")/.." && pwd)
machine=$(uname -m)
export PG_MAJOR=$major

# Options of gcc's among those of PostgreSQL's build; its headers, made for gcc, name an
# attribute that clang ignores (gnu_printf); and what PostgreSQL's own build sets with clang.
clang_flags="-Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes -Wno-cast-function-type-strict -Qunused-arguments"

if [ "${machine/_/-}" = "$arch" ]; then
	"$here/scripts/install-deps.sh" test
	[ "$cc" = clang ] || exec "$here/scripts/run-tests.sh"
	export BARQ_BUILD=${BARQ_BUILD:-$here/build}/clang BARQ_CC=clang BARQ_COPT="${BARQ_COPT:-} $clang_flags"
	ONLY=${ONLY:-unit regress isolation} exec "$here/scripts/run-tests.sh"
fi
[ "$arch" = aarch64 ] || { echo "ci-job.sh: no cross compilation for $arch" >&2; exit 2; }

. "$here/scripts/lib.sh"
"$here/scripts/install-deps.sh" build cross >&2
barq_pick_user
barq_pick_build
top=$BARQ_BUILD/aarch64-pg$major-$cc
mkdir -p "$top"
top=$(cd "$top" && pwd)

# The server's headers and build files for the other architecture: its package,
# unpacked. apt keeps lists of that architecture here.
server=$top/server
if [ ! -d "$server/usr" ]; then
	apt_arm=(apt-get -qq -o Dir::State::lists="$top/lists" -o Dir::Cache="$top/cache" -o APT::Architecture=arm64 -o APT::Architectures=arm64)
	mkdir -p "$top/lists/partial" "$top/cache/archives/partial"
	"${apt_arm[@]}" update >&2
	(
		cd "$top"
		rm -f postgresql-*.deb
		# the client's package has the build files, the other one the headers
		"${apt_arm[@]}" -o APT::Sandbox::User=root download "postgresql-client-$major" "postgresql-server-dev-$major" >&2
		for package in postgresql-*.deb; do dpkg-deb -x "$package" "$server.new"; done
		mv "$server.new" "$server"
	)
fi
cat >"$top/pg_config" <<END
#!/bin/sh
/usr/lib/postgresql/$major/bin/pg_config "\$@" | sed -E 's#/usr/(lib|include)/postgresql#$server/usr/\1/postgresql#g'
END
chmod 755 "$top/pg_config"

case $cc in
	gcc) compiler=aarch64-linux-gnu-gcc ;;
	clang) compiler="clang --target=aarch64-linux-gnu" ;;
	*) die "no compiler $cc" ;;
esac
rm -rf "$top/tree"
mkdir "$top/tree"
tar -C "$here" --exclude ./build --exclude ./.git --exclude '*.[od]' --exclude '*.so' --exclude './.built-*' -c . | tar -C "$top/tree" -x
log=$top/build.log passed=0 failed=0
make=(make -C "$top/tree" -j"$(nproc)" ARCH=aarch64 CC="$compiler" PG_CONFIG="$top/pg_config"
	COPT="-Werror $([ "$cc" = gcc ] || echo "$clang_flags")")
if "${make[@]}" all unit-programs >"$log" 2>&1 && ! grep -n 'warning:' "$log"; then
	echo "ok      library and unit tests compiled for aarch64 by $cc without warnings"
	passed=1
else
	grep -E -A6 '(error|warning):|Error [0-9]|\*\*\*|undefined reference' "$log" | head -n 40 || tail -n 20 "$log"
	echo "FAILED  compilation for aarch64 by $cc; all of it is in $log"
	failed=1
fi
file=$top/tree/barq.so
if [ $failed -eq 0 ]; then
	if readelf -h "$file" | grep -q AArch64; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED  $file is not for aarch64"; fi
	for name in ${TESTS:-test_kernels test_codec test_codec_rows test_rabitq test_enclose test_postings}; do
		[ -x "$top/tree/build/unit/$name" ] || continue
		status=0
		timeout -k 5 3600 qemu-aarch64 -L /usr/aarch64-linux-gnu "$top/tree/build/unit/$name" >"$top/$name.log" 2>&1 || status=$?
		ok=$(grep -c '^ok' "$top/$name.log") || true
		bad=$(grep -c '^not ok' "$top/$name.log") || true
		if [ $status -ne 0 ] || [ "$ok" -eq 0 ]; then bad=$((bad > 0 ? bad : 1)); tail -n 15 "$top/$name.log"; fi
		passed=$((passed + ok)) failed=$((failed + bad))
		echo "$([ "$bad" -eq 0 ] && echo 'ok     ' || echo FAILED) unit/$name in qemu: $ok assertions"
	done
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
