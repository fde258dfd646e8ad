#!/usr/bin/env bash
# roots.sh: roots of Debian's suites, in which scripts test barq beside other versions
# of PostgreSQL and another libc. Source it after lib.sh, do not run it.
#
# Owns: the folders below $chroots (BARQ_CHROOTS, or build/chroots). A root is made
# once, takes root, debootstrap and some minutes, and is shared by all runs; what is
# installed in it stays. A run's mounts are made in a namespace, which goes with its
# last process.
#
#   in_root SUITE [--fresh] COMMAND…   run a command in the root of a suite; with
#          --fresh in a bare one, of which nothing remains afterwards

# The suite of Debian that has version $1.
suite_of()
{
	case $1 in
		15) echo bookworm ;;
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


# In the namespace: mount the file systems that a root needs.
mount_root()
{
	local root=$1 build=$2
	mount --bind "$build/checkout" "$root/barq"
	mount --bind "$build" "$root/build"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
	mount -t tmpfs -o mode=1777 tmpfs "$root/run/lock"
	cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
}

# Install the packages that this machine itself needs, to make a root for $1.
need_debootstrap()
{
	[ "$(id -u)" -eq 0 ] || { say "barq: $1 is tested in a root of another Debian, which only root can make"; return 1; }
	command -v debootstrap >/dev/null && return
	command -v apt-get >/dev/null || { say "barq: $1 takes debootstrap"; return 1; }
	say "barq: installing debootstrap"
	apt-get -qq update >&2 &&
		DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends debootstrap >&2
}

# Make the root $chroots/$1, of suite $2, if it is not there.
have_root()
{
	mkdir -p "$chroots"
	[ -d "$chroots/$1" ] && return
	need_debootstrap "Debian's $2" || return
	(
		flock 9
		[ -d "$chroots/$1" ] || make_root "$2" "$chroots/$1"
	) 9>"$chroots/$1.lock"
}

# A copy of the checkout, as it is now, in $1/checkout.
copy_checkout()
{
	mkdir -p "$1"
	chmod 755 "$1"
	rm -rf "$1/checkout"
	mkdir "$1/checkout"
	tar -C "$BARQ_SRC" --exclude ./build --exclude ./.git -c . | tar -C "$1/checkout" -x
}

# The program of in_root, in the namespace: ROOT BUILD FRESH COMMAND…
inside_root()
{
	local root=$1 build=$2 fresh=$3 path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin pass=() name
	shift 3
	if [ -n "$fresh" ]; then
		mount -t tmpfs -o mode=755 tmpfs "$fresh"
		mkdir "$fresh/upper" "$fresh/work" "$fresh/root"
		mount -t overlay -o "lowerdir=$root,upperdir=$fresh/upper,workdir=$fresh/work" overlay "$fresh/root"
		root=$fresh/root
	fi
	mount_root "$root" "$build"
	for name in PG_MAJOR ONLY TESTS OPTFLAGS; do
		[ -z "${!name:-}" ] || pass+=("$name=${!name}")
	done
	if [ -n "${CCACHE_DIR:-}" ] && [ -x "$root/usr/bin/ccache" ]; then
		mkdir -p "$CCACHE_DIR/matrix"
		mount --bind "$CCACHE_DIR/matrix" "$root/ccache"
		path=/usr/lib/ccache:$path
		pass+=(CCACHE_DIR=/ccache CCACHE_NOHASHDIR=1 CCACHE_UMASK=000)
	fi
	chroot "$root" env -i PATH="$path" HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${pass[@]}" "$@"
}

# in_root SUITE [--fresh] COMMAND…: /barq is a copy of the checkout, made by
# copy_checkout "$BARQ_BUILD/roots", and /build that folder. Exit status: the command's.
in_root()
{
	local suite=$1 fresh='' root
	shift
	root=$suite
	if [ "$1" = --fresh ]; then
		shift
		# nobody installs anything in the lower root
		root=$suite-bare
		fresh=$(mktemp -d "$BARQ_BUILD/fresh.XXXXXX")
	fi
	have_root "$root" "$suite" || return
	local status=0
	unshare --mount --pid --ipc --fork --kill-child --propagation private \
		"$BARQ_SRC/scripts/roots.sh" "$chroots/$root" "$BARQ_BUILD/roots" "$fresh" "$@" || status=$?
	[ -z "$fresh" ] || rmdir "$fresh"
	return $status
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -euo pipefail
	status=0
	inside_root "$@" || status=$?
	exit "$status"
fi
