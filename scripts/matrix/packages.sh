#!/usr/bin/env bash
# packages.sh (make test-matrix PARTS=packages): barq's Debian package, on Debian 12
# and 13: built there from debian/ by pg_buildext; installed, used and purged in a root
# that has nothing of the build. And what a user types on a bare machine:
# install-deps.sh takes the PostgreSQL that the distribution has, and barq builds.
# SUITES="bookworm trixie" STEPS="plain build use": only these.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../roots.sh"
# the version of PostgreSQL of a suite
version_of() { case $1 in bookworm) echo 15 ;; trixie) echo 17 ;; forky) echo 18 ;; esac }

apt() { apt-get -qq -o Dpkg::Use-Pty=0 -o Dpkg::Progress-Fancy=0 "$@" >/dev/null; }

# In a root: build the packages, and leave them in /build/packages/SUITE
build()
{
	local version
	apt update
	apt install -y --no-install-recommends build-essential debhelper libsimde-dev postgresql-server-dev-all fakeroot lintian
	cp -a /barq /tmp/barq
	cd /tmp/barq
	version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" barq.control)
	(cd .. && tar --exclude barq/debian -czf "barq_$version.orig.tar.gz" barq)
	pg_buildext updatecontrol
	dpkg-buildpackage -us -uc -b >/tmp/log 2>&1 || { tail -n 40 /tmp/log; return 1; }
	rm -rf "/build/packages/$1"
	mkdir -p "/build/packages/$1"
	cp ../*.deb "/build/packages/$1/"
	grep -n 'warning:' /tmp/log && return 1
	ls "/build/packages/$1"
	lintian --fail-on error --suppress-tags initial-upload-closes-no-bugs,bad-distribution-in-changes-file ../*.changes
}

# In a root without compilers: install, use, purge.
use()
{
	local major=$2 deb before after
	apt update
	apt install -y --no-install-recommends "postgresql-$major"
	before=$(find / -xdev -path /proc -prune -o -path /tmp -prune -o -name '*barq*' -print | grep -vE '^/(barq|build)(/|$)' | sort)
	deb=$(ls /build/packages/"$1"/postgresql-"$major"-barq_*.deb)
	apt install -y --no-install-recommends "$deb"
	[ -s "/usr/share/postgresql/$major/extension/barq.control" ] || { echo "not installed"; return 1; }
	[ -s "/usr/share/doc/postgresql-$major-barq/copyright" ] || { echo "no copyright file"; return 1; }
	! dpkg -L "postgresql-$major-barq" | grep -E '\.(bc|h|o)$' || return 1
	pg_createcluster "$major" packaged >/dev/null
	pg_ctlcluster "$major" packaged start
	su postgres -c "psql --cluster $major/packaged -XAt -v ON_ERROR_STOP=1" <<-'END' >/tmp/answer
		CREATE EXTENSION barq;
		CREATE TABLE items (id int, v vector(3), t text);
		INSERT INTO items SELECT i, ARRAY[i, i % 7, 1]::vector, 'word' || i % 5 FROM generate_series(1, 1000) i;
		CREATE INDEX items_hnsw ON items USING barq_hnsw (v vector_l2_ops);
		CREATE INDEX items_ivf ON items USING barq_ivf (v);
		CREATE INDEX items_bm25 ON items USING barq_bm25 (t) WITH (text_config = 'simple');
		SELECT 'faults ' || count(*) FROM barq_indexes(), barq_check(index);
		SELECT 'version ' || barq_version();
		SELECT 'best ' || (doc).id FROM barq_hybrid(NULL::items, embedding => '[500,3,1]', query => 'word0', k => 1);
		DROP EXTENSION barq CASCADE;
	END
	grep -qx 'faults 0' /tmp/answer && grep -qx "version $(sed -n "s/^default_version = '\(.*\)'/\1/p" /barq/barq.control)" /tmp/answer &&
		grep -qx 'best 500' /tmp/answer || { cat /tmp/answer; return 1; }
	pg_dropcluster --stop "$major" packaged
	apt purge -y "postgresql-$major-barq"
	after=$(find / -xdev -path /proc -prune -o -path /tmp -prune -o -name '*barq*' -print | grep -vE '^/(barq|build|var/cache|var/log)(/|$)' | sort)
	[ "$before" = "$after" ] || { echo "left after the purge:"; diff <(echo "$before") <(echo "$after"); return 1; }
}

# In a bare root, without PG_MAJOR: what README says.
plain()
{
	unset PG_MAJOR
	cp -a /barq /tmp/barq
	cd /tmp/barq
	scripts/install-deps.sh build
	[ -x "/usr/lib/postgresql/$2/bin/pg_config" ] || [ -d "/usr/include/postgresql/$2/server" ] || { echo "PostgreSQL $2 was not chosen"; return 1; }
	make -s -j2 >/tmp/log 2>&1 || { tail -n 20 /tmp/log; return 1; }
	[ -s barq.so ]
	# again: nothing to do, no apt
	scripts/install-deps.sh build 2>&1 | grep . && return 1
	return 0
}

case ${1:-} in
	build | use | plain) "$@"; exit ;;
esac

barq_pick_user
barq_pick_build
chroots=${BARQ_CHROOTS:-$BARQ_BUILD/chroots}
copy_checkout "$BARQ_BUILD/roots"
passed=0 failed=0
# test SUITE STEP TEXT
test_step()
{
	if in_root "$1" --fresh /barq/scripts/matrix/packages.sh "$2" "$1" "$(version_of "$1")"; then
		echo "ok      $1: $3"
		passed=$((passed + 1))
	else
		echo "FAILED  $1: $3"
		failed=$((failed + 1))
	fi
}
for suite in ${SUITES:-bookworm trixie}; do
	for step in ${STEPS:-plain build use}; do
		case $step in
			plain) test_step "$suite" plain "install-deps.sh takes the distribution's PostgreSQL, and barq builds" ;;
			build) test_step "$suite" build "the package is built without warnings" ;;
			use) test_step "$suite" use "the package is installed, used and purged" ;;
		esac
	done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
