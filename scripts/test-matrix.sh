#!/usr/bin/env bash
# test-matrix.sh (make test-matrix): barq beside several versions of PostgreSQL,
# architectures and compilers, upgrades and packages, in named parts; the last line is
# "N passed, N failed", of all of them.
#
#   PARTS="tests"        the parts, of:
#     tests              ci-job.sh for each version of PG (15 17 18), with gcc
#     clang              the same for 15 17 18 19, with clang
#     aarch64            compiled for aarch64 with 15 17 18 19, gcc and clang; unit tests of
#                        the kernels in qemu, once for each compiler
#     upgrade            scripts/matrix/upgrade.sh: pg_upgrade from 15 to 17 to 18
#     packages           scripts/matrix/packages.sh: Debian packages, of Debian 12 and 13
#     container          scripts/matrix/container.sh: the RUN lines of docker/Dockerfile
#     apps               scripts/matrix/apps.sh: vector stores of the npm registry (network)
#     examples           scripts/matrix/examples.sh: examples in Node, Java, Go, Rust, by pgbouncer (network)
#     web                scripts/matrix/web.sh: make demo SERVE=1 in a headless Chromium (network)
#     watching           scripts/matrix/watching.sh: metrics, alerts, dashboard with Prometheus (network)
#   PG="15 17 18"        the versions, for the first three (19 goes too)
#   CCS="gcc clang"      the compilers of aarch64
#   ONLY=… TESTS=… SHOW=1 KEEP=1
#                        as for run-tests.sh
#   ASSERTS=1            all of them with assertions; without it the last of
#                        several versions is
#   BARQ_CHROOTS=folder  where the roots lie (build/chroots), for several
#                        checkouts to share them
#
# The output of a part is also in build/matrix/PART.log, with the date and the commit; the
# last one that was committed is in test/matrix.
#
#   test-matrix.sh jobs  print the jobs of continuous integration: PG ARCH CC
#
# A version that the machine has is tested as `make test` does. Others come from the
# Debian suite that has them, installed in a root of its own (roots.sh): that suite's
# libc is newer than the machine's, so the build too happens inside. It takes root,
# debootstrap and, the first time, some minutes and 2 GB. In there a copy of the
# checkout, as it is when the tests begin, is /barq and the build folder is /build,
# which is build/trixie, say, out here. With CCACHE_DIR set, ccache is used in there.
# No Debian suite has version 16: it is tested where the machine has it (once, by hand:
# docs/upgrading.md).
#
# The root's mounts are made in a namespace, which goes with the last process
# in it, however this script ends; so do processes, shared memory and semaphores.
# Several runs can therefore use one root at once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/roots.sh"

# In the namespace: mount the file systems that the root needs, run the job.
# inside ROOT BUILD MAJOR ARCH CC
inside()
{
	local root=$1 build=$2 major=$3 arch=$4 cc=$5 targets=(test) path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	local pass=() name extra=()
	[ "$arch" = "$machine" ] || targets=(build cross)
	mount_root "$root" "$build"
	for name in OPTFLAGS ONLY TESTS ASSERTS SHOW KEEP TAP_JOBS TAP_TIMEOUT PG_TEST_TIMEOUT_DEFAULT; do
		[ -z "${!name:-}" ] || pass+=("$name=${!name}")
	done
	if [ -n "${CCACHE_DIR:-}" ]; then
		# for the server user too, because some tests compile
		mkdir -p "$CCACHE_DIR/matrix"
		chmod 1777 "$CCACHE_DIR/matrix"
		mount --bind "$CCACHE_DIR/matrix" "$root/ccache"
		extra=(ccache)
	fi
	in_root() { chroot "$root" env -i PATH="$path" HOME=/root PG_MAJOR="$major" "$@"; }
	# one at a time in a root that several runs share
	flock "$root.lock" chroot "$root" env -i PATH="$path" HOME=/root PG_MAJOR="$major" \
		/barq/scripts/install-deps.sh "${targets[@]}" >>"$root.log" 2>&1 || { tail "$root.log"; return 1; }
	# packages that some tests use if they are installed
	for name in "postgresql-$major-pgvector" "${extra[@]}"; do
		in_root dpkg -s "$name" >/dev/null 2>&1 ||
			flock "$root.lock" chroot "$root" env -i PATH="$path" DEBIAN_FRONTEND=noninteractive \
				apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$name" >/dev/null 2>&1 || true
	done
	[ -z "${CCACHE_DIR:-}" ] ||
		pass+=(CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 CCACHE_UMASK=000 "PATH=/usr/lib/ccache:$path")
	# not the last command's process: this one is the namespace's init
	in_root BARQ_BUILD=/build "${pass[@]}" /barq/scripts/ci-job.sh "$major" "$arch" "$cc"
}

machine=$(uname -m)
machine=${machine/_/-}

case ${1:-} in
	inside)
		shift
		status=0
		inside "$@" || status=$?
		exit "$status"
		;;
	jobs)
		for major in 15 16 17 18 19; do
			for arch in x86-64 aarch64; do
				for cc in gcc clang; do echo "$major $arch $cc"; done
			done
		done
		exit
		;;
esac

# One job of continuous integration: here, or in the root that has the version.
run_job()
{
	local major=$1 arch=$2 cc=$3 suite
	if [ "$arch" = "$machine" ] && { [ -x "/usr/lib/postgresql/$major/bin/postgres" ] ||
		{ [ "$major" = 15 ] && apt-cache show postgresql-15 >/dev/null 2>&1; }; }; then
		# a user's own PG_CONFIG, not in the environment of a matrix
		unset PG_CONFIG
		exec "$BARQ_SRC/scripts/ci-job.sh" "$major" "$arch" "$cc"
	fi
	suite=$(suite_of "$major") || { say "barq: no Debian suite known that has PostgreSQL $major (15, 17, 18, 19 are)"; return 1; }
	have_root "$suite" "$suite" || return
	copy_checkout "$BARQ_BUILD/$suite" || return
	exec unshare --mount --pid --ipc --fork --kill-child --propagation private \
		"$BARQ_SRC/scripts/test-matrix.sh" inside "$chroots/$suite" "$BARQ_BUILD/$suite" "$major" "$arch" "$cc"
}

barq_pick_user
barq_pick_build
chroots=${BARQ_CHROOTS:-$BARQ_BUILD/chroots}
child=
end()
{
	if [ -n "$child" ]; then
		# unshare does not listen to TERM; all that it runs goes with it
		if [ "$(cat "/proc/$child/comm" 2>/dev/null)" = unshare ]; then kill -KILL "$child"; else kill "$child"; fi || true
	fi
	wait
	exit "$1"
}
trap 'end 130' INT
trap 'end 143' TERM
trap 'end 129' HUP

passed=0 failed=0

# step TITLE LOG COMMAND…: run a command, show its output, count its tests
step()
{
	local title=$1 log=$BARQ_BUILD/matrix-$2.log line p f
	shift 2
	echo "== $title"
	: >"$log"
	"$@" </dev/null >"$log" 2>&1 &
	child=$!
	tail -n +1 -f --pid="$child" -s 0.2 "$log" &
	wait "$child" || true
	child=
	wait
	{ echo "== $title"; cat "$log"; echo; } >>"$part_log"
	line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1) || true
	if [ -z "$line" ]; then
		echo "no tests of $title were run"
		line='0 passed, 1 failed'
	fi
	read -r p _ f _ <<<"$line"
	passed=$((passed + p)) failed=$((failed + f))
	summary="${summary:-}$(printf '%-28s %s' "$title" "$line")"$'\n'
	echo
}

mkdir -p "$BARQ_BUILD/matrix"
for part in ${PARTS:-tests}; do
	part_log=$BARQ_BUILD/matrix/$part.log
	{
		echo "# PARTS=$part make test-matrix, $(date -u '+%Y-%m-%d %H:%M UTC'), commit $(git -C "$BARQ_SRC" describe --always --dirty=', changed' 2>/dev/null || echo unknown)"
		for name in PG CCS SUITES STEPS ONLY TESTS ASSERTS OPTFLAGS; do [ -z "${!name:-}" ] || echo "# $name=${!name}"; done
	} >"$part_log"
	case $part in
		tests)
			versions=(${PG:-15 17 18})
			for major in "${versions[@]}"; do
				if [ ${#versions[@]} -gt 1 ] && [ "$major" = "${versions[-1]}" ]; then export ASSERTS=1; fi
				step "PostgreSQL $major" "$major" run_job "$major" "$machine" gcc
			done
			;;
		clang)
			for major in ${PG:-15 17 18 19}; do
				step "PostgreSQL $major, clang" "$major-clang" run_job "$major" "$machine" clang
			done
			;;
		aarch64)
			# the kernels know no version of PostgreSQL: after the first one all is
			# compiled, and no unit test runs
			given=${TESTS:-}
			for major in ${PG:-15 17 18 19}; do
				for cc in ${CCS:-gcc clang}; do
					step "PostgreSQL $major, aarch64, $cc" "$major-aarch64-$cc" run_job "$major" aarch64 "$cc"
				done
				export TESTS=${given:-none}
			done
			export TESTS=$given
			;;
		upgrade | packages | container | apps | examples | watching | web)
			step "$part" "$part" "$BARQ_SRC/scripts/matrix/$part.sh"
			;;
		*) die "PARTS: no part $part (there are: tests clang aarch64 upgrade packages container apps examples watching web)" ;;
	esac
done
printf '%s' "$summary"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
