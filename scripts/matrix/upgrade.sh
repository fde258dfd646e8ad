#!/usr/bin/env bash
# upgrade.sh (make test-matrix PARTS=upgrade): pg_upgrade of a cluster with barq, from
# 15 to 17 and on to 18. It has each access method, each kind of code, rows in the log,
# sealed segments and dead rows, objects of the extension in use (columns, views,
# functions, defaults). Afterwards each index is searched and checked, and answers are
# compared with those before; then rows are added and all of it merged.
#
# pg_upgrade runs the programs of both versions: in the root that has the newer one the
# older one's private copy (build/…/pg15/root, with barq) is there too, with the
# libraries that the newer system lacks.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../roots.sh"

# ---- in a root ----

# build MAJOR: build barq and the private copy of PostgreSQL in /build/pgMAJOR; leave the
# programs in /build/programs/MAJOR, with the shared libraries that they and the libraries of
# that PostgreSQL need.
build()
{
	local major=$1 programs=/build/programs/$1 file
	{
		/barq/scripts/install-deps.sh build
		[ -x "/usr/lib/postgresql/$major/bin/postgres" ] || apt-get install -y --no-install-recommends "postgresql-$major"
	} >/tmp/install.log 2>&1 || { tail /tmp/install.log; return 1; }
	BARQ_BUILD=/build /barq/scripts/build.sh >/dev/null
	rm -rf "$programs"
	mkdir -p "$programs/libraries"
	cp -a "/build/pg$major/root/." "$programs/"
	{
		find "$programs/usr/lib/postgresql/$major/bin" "$programs/usr/lib/postgresql/$major/lib" -maxdepth 1 -type f | while read -r file; do
			ldd "$file" 2>/dev/null || true
		done
	} | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u | while read -r file; do
		case $file in */libc.so* | */libm.so* | */ld-*) ;; *) cp -L "$file" "$programs/libraries/" ;; esac
	done
}

# The folder of a version's programs, which find their libraries.
bin_of() { echo "/build/programs/$1/usr/lib/postgresql/$1/bin"; }

# Only libraries that this system lacks: of others there must be one version.
borrow_libraries()
{
	local file folder=/tmp/borrowed
	mkdir -p "$folder"
	for file in /build/programs/"$1"/libraries/*; do
		ldconfig -p | grep -q "[[:space:]]$(basename "$file") " || cp "$file" "$folder/"
	done
	chmod -R a+rX "$folder"
	export LD_LIBRARY_PATH=$folder
}

as_postgres() { setpriv --reuid=postgres --regid="$(id -g postgres)" --init-groups env HOME=/tmp "$@"; }
start() { as_postgres "$(bin_of "$1")/pg_ctl" -D "$2" -l /tmp/log -w -s -o "-k /tmp -h '' -c barq.background=off" start || { tail -n 20 /tmp/log; return 1; }; }
stop() { as_postgres "$(bin_of "$1")/pg_ctl" -D "$2" -m fast -w -s stop; }
sql() { as_postgres "$(bin_of "$1")/psql" -h /tmp -U postgres -d app -XAtq -v ON_ERROR_STOP=1 "${@:2}"; }

# create MAJOR: a cluster in /build/cluster, which the next versions upgrade
create()
{
	local bin
	bin=$(bin_of "$1")
	rm -rf /build/cluster*
	mkdir /build/cluster
	chown postgres /build/cluster
	cd /tmp
	as_postgres "$bin/initdb" -D /build/cluster/data -U postgres --auth=trust --locale=C.UTF-8 --encoding=UTF8 --no-sync >/dev/null
	start "$1" /build/cluster/data
	as_postgres "$bin/psql" -h /tmp -U postgres -d postgres -XAtqc 'CREATE DATABASE app'
	sql "$1" -f /barq/scripts/matrix/upgrade.sql >/dev/null
	sql "$1" -f /barq/scripts/matrix/upgrade-answers.sql >/build/cluster/answers
	sql "$1" -c 'CHECKPOINT'
	stop "$1" /build/cluster/data
	wc -l </build/cluster/answers
}

result() { if [ "$1" -eq 0 ]; then echo "ok      $2"; else echo "FAILED  $2"; fi; }

# upgrade OLD NEW: pg_upgrade of /build/cluster, and what must hold afterwards
upgrade()
{
	local old=$1 new=$2 bin status=0 faults
	bin=$(bin_of "$new")
	id postgres >/dev/null 2>&1 || useradd -r postgres
	chown -R postgres /build/cluster
	borrow_libraries "$old"
	cd /tmp
	rm -rf /build/cluster/new
	as_postgres "$bin/initdb" -D /build/cluster/new -U postgres --auth=trust --locale=C.UTF-8 --encoding=UTF8 --no-sync \
		$([ "$new" -lt 18 ] || echo --no-data-checksums) >/dev/null
	# Minor versions of November 2026 note versions of columns in their options, which
	# pg_dump of an older minor version of the next major one does not know.
	if ! grep -q pg_attver "$bin/pg_dump" && grep -q pg_attver "$(bin_of "$old")/pg_dump"; then
		echo "# pg_dump of $new does not know the column option pg_attver of $old: removed"
		start "$old" /build/cluster/data
		sql "$old" -c "UPDATE pg_attribute SET attoptions = NULL WHERE attrelid >= 16384 AND attoptions::text LIKE '{pg_attver=%'"
		stop "$old" /build/cluster/data
	fi
	mkdir -p /tmp/upgrade
	chown postgres /tmp/upgrade
	(cd /tmp/upgrade && as_postgres env LD_LIBRARY_PATH="$LD_LIBRARY_PATH" "$bin/pg_upgrade" -b "$(bin_of "$old")" -B "$bin" \
		-d /build/cluster/data -D /build/cluster/new -U postgres -s /tmp >/tmp/pg_upgrade.log 2>&1) || status=1
	[ $status -eq 0 ] || { tail -n 30 /tmp/pg_upgrade.log; find /build/cluster/new/pg_upgrade_output.d -name '*.log' -exec tail -n 5 {} +; }
	result $status "pg_upgrade from $old to $new"
	[ $status -eq 0 ] || return 0
	start "$new" /build/cluster/new
	sql "$new" -f /barq/scripts/matrix/upgrade-answers.sql >/tmp/answers || status=1
	diff /build/cluster/answers /tmp/answers || status=1
	result $status "$old to $new: $(wc -l </build/cluster/answers) answers are those before"
	faults=$(sql "$new" -c "SELECT index, c.* FROM barq_indexes(), barq_check(index) c UNION ALL SELECT index, 'rebuild', '', rebuild FROM barq_indexes() WHERE rebuild IS NOT NULL")
	[ -z "$faults" ] || { echo "$faults"; status=1; }
	result "$([ -z "$faults" ]; echo $?)" "$old to $new: each index is sound, and none wants a rebuild"
	# the upgraded cluster is written, and what is written is found
	status=0
	sql "$new" -c "INSERT INTO items SELECT (item(i)).* FROM generate_series(5000 + $new * 100, 5020 + $new * 100) i" \
		-c "SELECT barq_compact(index) FROM barq_indexes()" -c 'VACUUM items' >/dev/null || status=1
	faults=$(sql "$new" -c "SELECT index, c.* FROM barq_indexes(), barq_check(index) c")
	[ -z "$faults" ] || { echo "$faults"; status=1; }
	result $status "$old to $new: rows are added, all indexes merged, and sound"
	sql "$new" -f /barq/scripts/matrix/upgrade-answers.sql >/build/cluster/answers
	stop "$new" /build/cluster/new
	rm -rf /build/cluster/data
	mv /build/cluster/new /build/cluster/data
}

case ${1:-} in
	build | create | upgrade) "$@"; exit ;;
esac

# ---- outside ----

barq_pick_user
barq_pick_build
chroots=${BARQ_CHROOTS:-$BARQ_BUILD/chroots}
copy_checkout "$BARQ_BUILD/roots"
log=$BARQ_BUILD/upgrade.log
{
	versions=(15 17 18)
	for i in 0 1 2; do
		suite=$(suite_of "${versions[i]}")
		PG_MAJOR=${versions[i]} in_root "$suite" /barq/scripts/matrix/upgrade.sh build "${versions[i]}" ||
			{ echo "FAILED  build for ${versions[i]}"; break; }
		if [ "$i" = 0 ]; then
			in_root "$suite" /barq/scripts/matrix/upgrade.sh create "${versions[i]}" || { echo "FAILED  a cluster of ${versions[i]}"; break; }
		else
			in_root "$suite" /barq/scripts/matrix/upgrade.sh upgrade "${versions[i - 1]}" "${versions[i]}" || { echo "FAILED  the upgrade itself"; break; }
		fi
	done
} 2>&1 | tee "$log"
failed=$(grep -c '^FAILED' "$log") || true
passed=$(grep -c '^ok ' "$log") || true
[ $((passed + failed)) -ge 8 ] || { [ "$failed" -gt 0 ] || failed=1; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
