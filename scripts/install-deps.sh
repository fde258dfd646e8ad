#!/usr/bin/env bash
# install-deps.sh [build] [test] [demo] [bench] [cross] [examples] [web]: install the packages that these need.
#
# On Debian, as root or with sudo that asks no password, missing packages are
# installed by apt. Otherwise the one command to run is printed and the exit
# status is 1. If nothing is missing, apt is not called. If PG_CONFIG is set, no
# package of PostgreSQL is needed; else one of PG_MAJOR, of the version that is
# installed, or of the version that the distribution has.
set -euo pipefail

[ $# -gt 0 ] || set -- build
missing=()
here=$(cd "$(dirname "$0")/.." && pwd)
build=${BARQ_BUILD:-$here/build}
note() { printf 'barq: %s\n' "$*" >&2; }

# need PACKAGE TEST…: install the package unless the test succeeds
need()
{
	local package=$1
	shift
	"$@" >/dev/null 2>&1 && return
	case " ${missing[*]-} " in *" $package "*) ;; *) missing+=("$package") ;; esac
}
have() { command -v "$1"; }
have_file() { local f; for f in "$@"; do [ -e "$f" ] && return; done; return 1; }
# Is there a node that is not of Debian's packages, whose node-pg cannot be installed then?
foreign_node() { have node >/dev/null && ! have_file /usr/lib/*/libnode.so.*; }

# Can packages be installed here: as root, or by a sudo that asks no password?
can_install() { [ "$(id -u)" -eq 0 ] || { command -v sudo && sudo -n true; } >/dev/null 2>&1; }
root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)

apt_get()
{
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" >&2
}

# The version of PostgreSQL that the distribution has: that of its package
# "postgresql". The lists of packages may not be there yet; without them, Debian's
# and Ubuntu's releases are known here.
distribution_major()
{
	local v codename
	packaged() { apt-cache depends postgresql 2>/dev/null | sed -n 's/^ *Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1; }
	if command -v apt-get >/dev/null; then
		v=$(packaged)
		if [ -z "$v" ] && can_install; then
			apt_get update
			v=$(packaged)
		fi
		[ -z "$v" ] || { echo "$v"; return; }
	fi
	codename=$(. /etc/os-release 2>/dev/null; echo "${VERSION_CODENAME:-}")
	case $codename in
		trixie | plucky | questing) echo 17 ;;
		forky | resolute) echo 18 ;;
		noble) echo 16 ;;
		*) echo 15 ;;
	esac
}

# The version to use or install: PG_MAJOR (set in the official container images and
# by test-matrix.sh), one that is installed completely, or the distribution's.
major=${PG_MAJOR:-}
pg_wanted=yes
if [ -n "${PG_CONFIG:-}" ]; then
	pg_wanted=no
else
	for v in 15 18 17 16 19; do
		if [ -z "$major" ] && [ -x "/usr/lib/postgresql/$v/bin/postgres" ]; then
			major=$v
		fi
	done
	if [ ! -d /usr/lib/postgresql ] && command -v pg_config >/dev/null &&
		[ -x "$(pg_config --bindir)/postgres" ] && [ -f "$(pg_config --pgxs)" ]; then
		pg_wanted=no	# built from source, or another system's package
	fi
fi
[ -n "$major" ] || [ $pg_wanted = no ] || major=$(distribution_major)
pg=/usr/lib/postgresql/$major

for target; do
	need gcc have gcc
	need make have make
	need libc6-dev have_file /usr/include/stdlib.h
	need libsimde-dev have_file /usr/include/simde/x86/avx2.h /usr/local/include/simde/x86/avx2.h
	if [ $pg_wanted = yes ]; then
		# the server's package brings pgxs.mk, but not the headers
		need "postgresql-server-dev-$major" \
			have_file "/usr/include/postgresql/$major/server/postgres.h"
		[ "$target" = build ] || [ "$target" = cross ] || need "postgresql-$major" have_file $pg/bin/postgres
	fi
	case $target in
		build) ;;
		cross)
			need gcc-aarch64-linux-gnu have aarch64-linux-gnu-gcc
			need libc6-dev-arm64-cross have_file /usr/aarch64-linux-gnu/include/stdlib.h
			need qemu-user have qemu-aarch64
			need clang have clang
			;;
		test)
			need perl perl -MTest::More -MTime::HiRes -e 1
			need libipc-run-perl perl -MIPC::Run -e 1
			need clang have clang
			need libclang-rt-dev sh -c \
				'echo "int LLVMFuzzerTestOneInput(void) { return 0; }" | clang -fsanitize=fuzzer,address -x c -o /dev/null -'
			need clang-tidy have clang-tidy
			need cppcheck have cppcheck
			need python3 have python3
			need "postgresql-$major-pgtap" have_file /usr/share/postgresql/*/extension/pgtap.control
			# drivers whose examples are run (examples/README.md)
			need python3-psycopg sh -c "python3 -c 'import psycopg' || /usr/bin/python3 -c 'import psycopg'"
			need libdbd-pg-perl perl -MDBD::Pg -e 1
			need nodejs have node
			if ! foreign_node; then
				need node-pg have_file /usr/share/nodejs/pg/package.json
			elif [ ! -e "$build/node-pg/node_modules/pg" ] && command -v npm >/dev/null; then
				# the registry's pg, in the build folder; where the registry cannot be reached npm
				# waits for many minutes
				note "getting pg for node, for a minute at most"
				timeout -k 5 60 npm install --silent --no-progress --no-audit --ignore-scripts --fetch-retries 0 \
					--prefix "$build/node-pg" \
					"pg@$(sed -n 's/.*"pg": "\(.*\)".*/\1/p' "$here/examples/node/package.json")" >&2 ||
					{ rm -rf "$build/node-pg"; note "pg for node is not to be had; its example is not tested"; }
				[ ! -d "$build/node-pg" ] || chmod -R a+rX "$build/node-pg"
			fi
			;;
		examples)
			need nodejs have node
			need npm have npm
			need default-jdk-headless have javac
			need libpostgresql-jdbc-java have_file /usr/share/java/postgresql.jar
			need golang-go have go
			need golang-github-jackc-pgx-v4-dev have_file /usr/share/gocode/src/github.com/jackc/pgx/v4
			# Debian's, for Debian's crates: a user's own (rustup's) may be nobody else's
			need cargo have_file /usr/bin/cargo
			need librust-tokio-postgres-dev have_file /usr/share/cargo/registry/tokio-postgres-*
			;;
		demo)
			need python3 have python3
			need wordnet-base have_file /usr/share/wordnet/data.noun
			need nodejs have node
			need npm have npm
			;;
		web)
			need chromium have chromium
			need fonts-dejavu-core have_file /usr/share/fonts/truetype/*/*.ttf
			;;
		bench)
			need python3 have python3
			# a python3 of the user's own may come first on the PATH
			need python3-numpy sh -c "python3 -c 'import numpy' || /usr/bin/python3 -c 'import numpy'"
			need wordnet-base have_file /usr/share/wordnet/data.noun
			# measured beside barq's ranked text
			[ $pg_wanted = no ] || need "postgresql-$major-rum" have_file "/usr/share/postgresql/$major/extension/rum.control"
			;;
		*) note "unknown target $target (build, test, demo, bench, cross, examples, web)"; exit 2 ;;
	esac
done

[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
	note "missing here (by Debian's package names): ${missing[*]}"
	exit 1
fi

if ! can_install; then
	note "packages are missing; run this, then try again:"
	printf '    %s\n' "apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
	note "(as root: this is user $(id -un), and sudo is not there or wants a password)"
	exit 1
fi

apt_get update
# A new version of PostgreSQL may have no pgTAP of its own yet: it is SQL alone, so
# that of another version will do (private-pg.sh copies it).
for i in "${!missing[@]}"; do
	case ${missing[i]} in
		*-pgtap)
			apt-cache show "${missing[i]}" >/dev/null 2>&1 ||
				missing[i]=$(apt-cache pkgnames postgresql- | grep -E '^postgresql-[0-9]+-pgtap$' | sort -V | tail -n 1)
			;;
		node-pg) apt-cache show node-pg >/dev/null 2>&1 || unset "missing[i]" ;;
	esac
done
note "installing ${missing[*]}"
# Debian's package would set up and start a server of its own on a machine
# that has none: not wanted for a build or a test.
case " ${missing[*]} " in
	*" postgresql-$major "*)
		if ! ls /etc/postgresql/*/*/postgresql.conf >/dev/null 2>&1; then
			apt_get install -y --no-install-recommends postgresql-common
			"${root[@]}" sed -i -E \
				's/^#?[[:space:]]*create_main_cluster[[:space:]]*=.*/create_main_cluster = false/' \
				/etc/postgresql-common/createcluster.conf
		fi
		;;
esac
apt_get install -y --no-install-recommends "${missing[@]}"
