#!/usr/bin/env bash
# test-matrix.sh (make test-matrix): run-tests.sh beside several versions of
# PostgreSQL; the last line is "N passed, N failed", of all of them.
#
#   PG="15 17 18"        the versions (these are the default; 19 goes too)
#   ONLY=… TESTS=… SHOW=1 KEEP=1
#                        as for run-tests.sh
#   ASSERTS=1            all of them with assertions; without it the last of
#                        several versions is
#   BARQ_CHROOTS=folder  where the roots lie (build/chroots), for several
#                        checkouts to share them
#
# A version that the machine has, or 15, is tested as `make test` does. Others
# come from the Debian suite that has them, installed in a root of its own:
# that suite's libc is newer than the machine's, so the build too happens
# inside. It takes root, debootstrap and, the first time, some minutes and
# 2 GB. In there a copy of the checkout, as it is when the tests begin, is /barq
# and the build folder is /build, which is build/trixie, say, out here. With
# CCACHE_DIR set, ccache is used in there.
#
# The root's mounts are made in a namespace, which goes with the last process
# in it, however this script ends; so do processes, shared memory and semaphores.
# Several runs can therefore use one root at once.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# The suite of Debian that has version $1.
suite_of()
{
	case $1 in
		17) echo trixie ;;
		18) echo forky ;;
		19) echo sid ;;
		*) return 1 ;;
	esac
}

# Make the root of suite $1 in folder $2. If a step fails, there is no folder $2.
make_root()
{
	local suite=$1 root=$2 mirror
	local script=/usr/share/debootstrap/scripts/$suite
	# an older debootstrap does not know the suite, but the script of sid works
	[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | head -n 1)
	say "barq: making a root of Debian's $suite in $root"
	rm -rf "$root.part"
	debootstrap --variant=minbase --include=ca-certificates "$suite" "$root.part" "$mirror" "$script" >"$root.log" 2>&1 || {
		tail -n 5 "$root.log" "$root.part/debootstrap/debootstrap.log" >&2 || true
		return 1
	}
	if [ "$suite" = sid ]; then
		echo "deb ${mirror:-$(awk '$1 == "deb" { print $2; exit }' "$root.part/etc/apt/sources.list")} experimental main" \
			>"$root.part/etc/apt/sources.list.d/experimental.list"
		printf 'Package: src:postgresql-19\nPin: release a=experimental\nPin-Priority: 990\n' \
			>"$root.part/etc/apt/preferences.d/postgresql"
	fi
	# a mirror may have an old state of a suite
	echo 'Acquire::Check-Valid-Until "false";' >"$root.part/etc/apt/apt.conf.d/90barq"
	printf '#!/bin/sh\nexit 101\n' >"$root.part/usr/sbin/policy-rc.d"
	chmod 755 "$root.part/usr/sbin/policy-rc.d"
	mkdir "$root.part/barq" "$root.part/build" "$root.part/ccache"
	mv "$root.part" "$root"
}

# In the namespace: mount the file systems that the root needs, run the tests.
# inside ROOT MAJOR BUILD
inside()
{
	local root=$1 major=$2 build=$3 path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	local pass=() name extra=()
	mount --bind "$build/checkout" "$root/barq"
	mount --bind "$build" "$root/build"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
	mount -t tmpfs -o mode=1777 tmpfs "$root/run/lock"
	cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
	for name in ONLY TESTS ASSERTS SHOW KEEP TAP_JOBS TAP_TIMEOUT PG_TEST_TIMEOUT_DEFAULT; do
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
		/barq/scripts/install-deps.sh test >>"$root.log" 2>&1 || { tail "$root.log"; return 1; }
	# packages that some tests use if they are installed
	for name in "postgresql-$major-pgvector" "${extra[@]}"; do
		in_root dpkg -s "$name" >/dev/null 2>&1 ||
			flock "$root.lock" chroot "$root" env -i PATH="$path" DEBIAN_FRONTEND=noninteractive \
				apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$name" >/dev/null 2>&1 || true
	done
	[ -z "${CCACHE_DIR:-}" ] ||
		pass+=(CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 CCACHE_UMASK=000 "PATH=/usr/lib/ccache:$path")
	# not the last command's process: this one is the namespace's init
	in_root BARQ_BUILD=/build "${pass[@]}" /barq/scripts/run-tests.sh
}

if [ "${1:-}" = inside ]; then
	shift
	status=0
	inside "$@" || status=$?
	exit "$status"
fi

# Install the packages that this script itself needs.
need_debootstrap()
{
	[ "$(id -u)" -eq 0 ] || { say "barq: PostgreSQL $1 is tested in a root of another Debian, which only root can make"; return 1; }
	command -v debootstrap >/dev/null && return
	command -v apt-get >/dev/null || { say "barq: PostgreSQL $1 takes debootstrap"; return 1; }
	say "barq: installing debootstrap"
	apt-get -qq update >&2 &&
		DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends debootstrap >&2
}

# The tests of one version.
run_version()
{
	local major=$1 suite root pg=/usr/lib/postgresql/$1
	if [ -x "$pg/bin/postgres" ] || ! suite=$(suite_of "$major"); then
		[ "$major" = 15 ] || [ -x "$pg/bin/postgres" ] ||
			{ say "barq: no Debian suite known that has PostgreSQL $major (17, 18, 19 are)"; return 1; }
		# a user's own PG_CONFIG, not in the environment of a matrix
		unset PG_CONFIG
		PG_MAJOR=$major "$BARQ_SRC/scripts/install-deps.sh" test || return
		PG_CONFIG=$pg/bin/pg_config exec "$BARQ_SRC/scripts/run-tests.sh"
	fi
	root=$chroots/$suite
	mkdir -p "$chroots" "$BARQ_BUILD/$suite"
	chmod 755 "$BARQ_BUILD/$suite"
	if [ ! -d "$root" ]; then
		need_debootstrap "$major" || return
		(
			flock 9
			[ -d "$root" ] || make_root "$suite" "$root"
		) 9>"$root.lock" || return
	fi
	rm -rf "$BARQ_BUILD/$suite/checkout"
	mkdir "$BARQ_BUILD/$suite/checkout"
	tar -C "$BARQ_SRC" --exclude ./build --exclude ./.git -c . | tar -C "$BARQ_BUILD/$suite/checkout" -x || return
	exec unshare --mount --pid --ipc --fork --kill-child --propagation private \
		"$BARQ_SRC/scripts/test-matrix.sh" inside "$root" "$major" "$BARQ_BUILD/$suite"
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
versions=(${PG:-15 17 18})
for major in "${versions[@]}"; do
	if [ ${#versions[@]} -gt 1 ] && [ "$major" = "${versions[-1]}" ]; then export ASSERTS=1; fi
	echo "== PostgreSQL $major"
	log=$BARQ_BUILD/matrix-$major.log
	: >"$log"
	run_version "$major" </dev/null >"$log" 2>&1 &
	child=$!
	tail -n +1 -f --pid="$child" -s 0.2 "$log" &
	wait "$child" || true
	child=
	wait
	line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1) || true
	if [ -z "$line" ]; then
		echo "no tests of PostgreSQL $major were run"
		line='0 passed, 1 failed'
	fi
	read -r p _ f _ <<<"$line"
	passed=$((passed + p)) failed=$((failed + f))
	summary="${summary:-}$(printf 'PostgreSQL %-3s %s' "$major" "$line")"$'\n'
	echo
done
printf '%s' "$summary"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
