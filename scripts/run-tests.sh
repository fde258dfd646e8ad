#!/usr/bin/env bash
# run-tests.sh (make test): build without warnings, then run every test in a
# private server and print "N passed, N failed" as the last line.
#
#   ONLY="regress tap"   only these suites, of: unit fuzz regress isolation
#                        tap pgtap staging format size ascii layout lint
#   TESTS="vector hnsw"  only tests with these names
#   ASSERTS=1            in a build that checks PostgreSQL's and barq's assertions
#   SHOW=1               print the notes of TAP tests
#   BARQ_TESTS=folder    run regress, isolation and tap tests of that folder
#   BARQ_NAMES=1         with the extension of pgvector's names (names/), created like barq
#   KEEP=1               keep the data of the test server (which is stopped)
#
# unit       test/unit/test_*.c, programs without a server that print TAP
# fuzz       test/fuzz, libFuzzer on functions that read texts and binary input,
#            for a few seconds and from the same seed each time
# regress    test/sql/*.sql against test/expected, by pg_regress
# isolation  test/isolation/specs/*.spec against test/isolation/expected
# tap        test/t/*.pl, Perl with PostgreSQL::Test, servers of their own
# pgtap      test/pgtap/*.sql, each in a database with barq and pgtap in it
# staging    docker/build.sh, the container image's build, into a folder
# format     clang-format agrees (where version 14 is installed)
# size       no source file has more than 800 lines
# ascii      messages and SQL are ASCII
# layout     folders call only folders that they may; every exported symbol is
#            used; paths, settings, functions and links in documents exist;
#            META.json, control file and changelogs agree; ci.yml has the jobs of
#            test-matrix.sh; README's plot agrees with docs/performance.md; programs of bench/ compile
# lint       scripts/lint.sh (where clang-tidy is of version 14)
#
# regress and isolation databases have the extension created before the first
# test. A test is one SQL file, one spec, or one TAP assertion.
# Time limits guard against hangs only, so that a slow machine passes: an hour for
# a program (TAP_TIMEOUT: a TAP test), half of that for one of its waits
# (PG_TEST_TIMEOUT_DEFAULT).
set -euo pipefail
. "$(dirname "$0")/server.sh"

hang=3600

# the server need not be built with assertions: it always has the functions that
# they call
[ -z "${ASSERTS:-}" ] || export BARQ_COPT="${BARQ_COPT:-} -DUSE_ASSERT_CHECKING"

started=$EPOCHREALTIME
suites=" unit fuzz regress isolation tap pgtap staging format size ascii layout lint "
only=" ${ONLY:-} "
tests=" ${TESTS:-} "
for s in ${ONLY:-}; do
	[[ $suites == *" $s "* ]] || die "ONLY: no suite $s (there are:$suites)"
done

barq_locate
exec {run_fd}>"$BARQ_TOP/testing"
flock -n "$run_fd" || die "another test run is going on in $BARQ_TOP"
out=$BARQ_WORK/test
from=${BARQ_TESTS:-$BARQ_TREE/test}
rm -rf "$out"
as_server_user mkdir -p "$out"
logs=$BARQ_TOP/logs
rm -rf "$logs"
mkdir -p "$logs"
results=$BARQ_TOP/results
: >"$results"

# wanted SUITE NAME
wanted() { [ -z "${ONLY:-}" ] || [[ $only == *" $1 "* ]] || return 1; [ $# -lt 2 ] || [ -z "${TESTS:-}" ] || [[ $tests == *" $2 "* ]]; }

# report SUITE/NAME PASSED FAILED SECONDS [NOTE]
report()
{
	local word=ok
	[ "$3" -eq 0 ] || word=FAILED
	printf '%-8s%-42s %7s s%s\n' "$word" "$1" "$4" "${5:+  $5}"
	printf '%s %s %s\n' "$2" "$3" "$1" >>"$results"
}
show() { sed 's/^/    | /'; }

# names of the files wanted, without folder and ending: names SUITE GLOB…
names()
{
	local suite=$1 file base
	shift
	for file; do
		[ -e "$file" ] || continue
		base=$(basename "${file%.*}")
		if wanted "$suite" "$base"; then printf '%s\n' "$base"; fi
	done
}

# tap_report NAME LOG STATUS SECONDS: count the assertions of one TAP program
tap_report()
{
	local name=$1 log=$2 status=$3 seconds=$4 passed failed skipped plan note
	read -r passed failed skipped plan < <(awk '
		/^ok/ { if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) s++; else p++; next }
		/^not ok/ { if ($0 ~ /# *[Tt][Oo][Dd][Oo]/) s++; else f++; next }
		/^1\.\.[0-9]+/ { sub(/^1\.\./, ""); plan = $1 + 0; planned = 1; next }
		/^Bail out!/ { f++ }
		END { print p + 0, f + 0, s + 0, planned ? plan : -1 }' "$log")
	note="$passed assertions"
	[ "$skipped" -eq 0 ] || note="$note, $skipped skipped"
	if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
		failed=$((failed + 1))
		note="$note; took too long"
	elif [ "$plan" -ne $((passed + failed + skipped)) ]; then
		failed=$((failed + 1))
		note="$note; ended early (exit status $status, $plan planned)"
	elif [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
		note="$note; exit status $status"
	fi
	report "$name" "$passed" "$failed" "$seconds" "$note"
	if [ "$failed" -gt 0 ]; then
		{ grep -A12 '^not ok' "$log" | head -n 60; echo "... end of $log:"; tail -n 15 "$log"; } | show
	fi
	return 0
}

run_build()
{
	local t=$EPOCHREALTIME
	if barq_build && { [ -z "${BARQ_NAMES:-}" ] ||
		make -C "$BARQ_TREE" install-vector-names PG_CONFIG="$PG_CONFIG" COPT="-Werror ${BARQ_COPT:-}" >"$logs/names.log" 2>&1; }; then
		report "build without warnings" 1 0 "$(barq_since "$t")"
	else
		report "build without warnings" 0 1 "$(barq_since "$t")"
		return 1
	fi
}

suite_unit()
{
	local name t status
	for name in $(names unit "$BARQ_TREE"/test/unit/test_*.c); do
		t=$EPOCHREALTIME status=0
		# a shell of its own, which keeps quiet about a program that crashes
		(timeout --foreground -k 5 $hang "$BARQ_TREE/build/unit/$name" >"$logs/unit-$name.log" 2>&1; exit $?) \
			2>/dev/null || status=$?
		tap_report "unit/$name" "$logs/unit-$name.log" "$status" "$(barq_since "$t")"
	done
}

# One test is a target, which runs a number of inputs.
suite_fuzz()
{
	local name t list='' log=$logs/fuzz-build.log make=(make -C "$BARQ_TREE/test/fuzz" PG_CONFIG="$PG_CONFIG")
	for name in $("${make[@]}" -s targets); do
		if wanted fuzz "$name"; then list="$list $name"; fi
	done
	[ -n "$list" ] || return 0
	t=$EPOCHREALTIME
	if ! "${make[@]}" -j"$(nproc)" all >"$log" 2>&1; then
		report "fuzz" 0 1 "$(barq_since "$t")" "not built (it takes clang with libFuzzer)"
		tail -n 20 "$log" | show
		return
	fi
	for name in $list; do
		log=$logs/fuzz-$name.log t=$EPOCHREALTIME
		if timeout --foreground -k 5 $hang "${make[@]}" short TARGETS="$name" >"$log" 2>&1; then
			report "fuzz/$name" 1 0 "$(barq_since "$t")" "$(sed -n 's/^stat::number_of_executed_units: */inputs: /p' "$log")"
		else
			report "fuzz/$name" 0 1 "$(barq_since "$t")"
			grep -vE '^clang' "$log" | tail -n 40 | show
		fi
	done
}

# Each line of pg_regress about a test, as "name ok|FAILED milliseconds"; the
# form changed with version 16.
regress_lines()
{
	sed -u -n -E \
		-e 's/^(test|    )? +([A-Za-z0-9_-]+) +\.\.\. (ok|FAILED)[^0-9]*([0-9]+) ms.*/\2 \3 \4/p' \
		-e 's/^ok [0-9]+ +[-+] ([A-Za-z0-9_-]+) +([0-9]+) ms.*/\1 ok \2/p' \
		-e 's/^not ok [0-9]+ +[-+] ([A-Za-z0-9_-]+) +([0-9]+) ms.*/\1 FAILED \2/p'
}

# pg_regress_run SUITE PROGRAM FOLDER NAMES…
pg_regress_run()
{
	local suite=$1 program=$2 folder=$3 name word ms seen=' ' t=$EPOCHREALTIME
	shift 3
	[ $# -gt 0 ] || return 0
	[ -x "$program" ] || { report "$suite" 0 1 0.0 "$program is missing"; return; }
	as_server_user mkdir -p "$out/$suite"
	cd "$out/$suite"
	while read -r name word ms; do
		seen="$seen$name "
		ms=$(awk -v ms="$ms" 'BEGIN { printf "%.1f", ms / 1000 }')
		if [ "$word" = ok ]; then report "$suite/$name" 1 0 "$ms"; else report "$suite/$name" 0 1 "$ms"; fi
	done < <(as_server_user timeout --foreground -k 5 $hang "$program" --inputdir="$folder" --outputdir="$out/$suite" \
		--bindir="$BARQ_BIN" --dbname="barq_$suite" --load-extension=barq ${BARQ_NAMES:+--load-extension=vector} "$@" 2>&1 |
		tee "$logs/$suite.log" | regress_lines)
	for name; do
		[[ $seen == *" $name "* ]] || report "$suite/$name" 0 1 "$(barq_since "$t")" "did not finish"
	done
	if [ -s "$out/$suite/regression.diffs" ]; then
		head -n 150 "$out/$suite/regression.diffs" | show
		echo "    all of it: $out/$suite/regression.diffs"
	elif [ "$seen" = ' ' ]; then
		tail -n 30 "$logs/$suite.log" | show
	fi
}

suite_regress()
{
	# shellcheck disable=SC2046
	pg_regress_run regress "$pgxs/src/test/regress/pg_regress" "$from" \
		$(names regress "$from"/sql/*.sql)
}

suite_isolation()
{
	# shellcheck disable=SC2046
	PGISOLATIONTIMEOUT=$((hang / 2)) pg_regress_run isolation "$pgxs/src/test/isolation/pg_isolation_regress" "$from/isolation" \
		$(names isolation "$from"/isolation/specs/*.spec)
}

# Folders, files and links of another user, which tests put among barq's: the
# server user may move them, but only root can make them.
foreign_things()
{
	local other i
	[ "$(id -u)" -eq 0 ] || return 0
	for other in daemon nobody bin; do
		[ "$other" = "$BARQ_USER" ] || ! id "$other" >/dev/null 2>&1 || break
	done
	as_server_user mkdir -p "$out/foreign"
	for i in 1 2 3 4; do
		mkdir "$out/foreign/folder$i"
		echo "not the server's" >"$out/foreign/file$i"
		ln -s /nonexistent "$out/foreign/link$i"
		chmod 777 "$out/foreign/folder$i"
		chmod 644 "$out/foreign/file$i"
		chown -h "$other" "$out/foreign/"{folder,file,link}"$i"
	done
	export BARQ_FOREIGN=$out/foreign
}

tap_one()
{
	local name=$1 t=$EPOCHREALTIME status=0 dir=$out/tap/$1
	as_server_user mkdir -p "$dir/tmp_check/log"
	cd "$dir"
	as_server_user env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE \
		PATH="$BARQ_BIN:$PATH" TESTDIR="$dir" TESTDATADIR="$dir/tmp_check" TESTLOGDIR="$dir/tmp_check/log" \
		TMPDIR="$BARQ_SOCKETS" PG_REGRESS="$pgxs/src/test/regress/pg_regress" top_builddir="$dir" \
		PG_TEST_TIMEOUT_DEFAULT="${PG_TEST_TIMEOUT_DEFAULT:-$((hang / 2))}" PGCTLTIMEOUT=$((hang / 2)) \
		timeout --foreground -k 5 "${TAP_TIMEOUT:-$hang}" perl -I "$tap_perl" -I "$from/t" -I "$BARQ_TREE/test/perl" \
		"$from/t/$name.pl" >"$logs/tap-$name.log" 2>&1 || status=$?
	tap_report "tap/$name" "$logs/tap-$name.log" "$status" "$(barq_since "$t")"
	[ -z "${SHOW:-}" ] || grep '^#' "$logs/tap-$name.log" | show || true
}

suite_tap()
{
	local name dir list
	list=$(names tap "$from"/t/*.pl)
	[ -n "$list" ] || return 0
	# A server built without --enable-tap-tests has no modules; another version's
	# will do.
	for dir in "${BARQ_PG_PERL:-}" "$pgxs/src/test/perl" \
		$(ls -dv /usr/lib/postgresql/*/lib/pgxs/src/test/perl 2>/dev/null | tac); do
		[ ! -f "$dir/PostgreSQL/Test/Cluster.pm" ] || { tap_perl=$dir; break; }
	done
	if [ -z "${tap_perl:-}" ]; then
		report tap 0 1 0.0 "PostgreSQL/Test/Cluster.pm not found; set BARQ_PG_PERL to the folder of it"
		return
	fi
	as_server_user mkdir -p "$out/tap"
	foreign_things
	for name in $list; do
		while [ "$(jobs -rp | wc -l)" -ge "${TAP_JOBS:-2}" ]; do wait -n || true; done
		tap_one "$name" &
	done
	wait
}

suite_pgtap()
{
	local name list t status
	list=$(names pgtap "$BARQ_TREE"/test/pgtap/*.sql)
	[ -n "$list" ] || return 0
	if ! psql -Xqc 'CREATE DATABASE barq_pgtap' ||
		! psql -Xq -v ON_ERROR_STOP=1 -d barq_pgtap -c 'SET client_min_messages = warning' \
			-c 'CREATE EXTENSION barq' -c 'CREATE EXTENSION pgtap'; then
		report pgtap 0 1 0.0 "the database for it cannot be made"
		return
	fi
	for name in $list; do
		t=$EPOCHREALTIME status=0
		psql -Xqc "CREATE DATABASE barq_pgtap_one TEMPLATE barq_pgtap"
		timeout --foreground -k 5 $hang "$BARQ_BIN/psql" -XAtq -P pager=off -v ON_ERROR_STOP=1 -d barq_pgtap_one \
			-f "$BARQ_TREE/test/pgtap/$name.sql" >"$logs/pgtap-$name.log" 2>&1 || status=$?
		tap_report "pgtap/$name" "$logs/pgtap-$name.log" "$status" "$(barq_since "$t")"
		psql -Xqc "DROP DATABASE barq_pgtap_one WITH (FORCE)"
	done
}

# check SUITE TEXT CMD…: one test that is a command
check()
{
	local suite=$1 text=$2 t=$EPOCHREALTIME log=$logs/$1.log
	shift 2
	if "$@" >"$log" 2>&1; then
		report "$text" 1 0 "$(barq_since "$t")"
	else
		report "$text" 0 1 "$(barq_since "$t")"
		tail -n 40 "$log" | show
	fi
	return 0
}

suite_staging()
{
	rm -rf "$BARQ_TOP/stage"
	check staging "container build stages all its files" \
		env PG_CONFIG="$PG_CONFIG" "$BARQ_TREE/docker/build.sh" "$BARQ_TOP/stage"
}

suite_format()
{
	local version
	version=$(clang-format --version 2>/dev/null | sed -n -E 's/.*version ([0-9]+).*/\1/p')
	if [ "$version" = 14 ]; then
		check format "clang-format agrees with every C file" "$BARQ_SRC/scripts/format.sh" --check
	fi
}

too_long()
{
	(cd "$BARQ_SRC" && find src sql test scripts demo bench docker -type f \
		\( -name '*.[ch]' -o -name '*.sql' -o -name '*.spec' -o -name '*.sh' -o -name '*.p[ly]' -o -name '*.pm' \) \
		! -name 'barq--*.sql' -exec awk 'END { if (NR > 800) print FILENAME ": " NR " lines" }' {} \; 2>/dev/null)
}
nothing_too_long() { local list; list=$(too_long); [ -z "$list" ] || { echo "$list"; return 1; }; }
suite_size() { check size "no source file has more than 800 lines" nothing_too_long; }

messages_are_ascii()
{
	(cd "$BARQ_SRC" && find src sql -type f \( -name '*.[ch]' -o -name '*.sql' \) ! -name 'barq--*.sql' \
		-exec scripts/ascii.pl {} +)
}
suite_ascii() { check ascii "messages and SQL are ASCII" messages_are_ascii; }

suite_layout()
{
	check layout "folders call only folders above them" "$BARQ_SRC/scripts/check-layout.sh" "$BARQ_TREE"
	check layout "every exported symbol is used elsewhere" "$BARQ_SRC/scripts/check-symbols.sh" "$BARQ_TREE"
	check layout "names and links in documents exist" "$BARQ_SRC/scripts/check-docs.pl"
	check layout "META.json is what PGXN takes, and versions agree" "$BARQ_SRC/scripts/check-meta.py"
	check layout "jobs of ci.yml are those of test-matrix.sh" "$BARQ_SRC/scripts/check-ci.py"
	check layout "the plot in README.md shows the figures of docs/performance.md" "$BARQ_SRC/bench/plot.py" --check
	check layout "the programs of bench/ compile" "$BARQ_SRC/bench/micro/build.sh" --check
}

suite_lint()
{
	if clang-tidy --version 2>/dev/null | grep -q 'version 14'; then
		check lint "gcc, clang, clang-tidy and cppcheck have no complaint" "$BARQ_SRC/scripts/lint.sh"
	fi
}

# Tests may not notice a backend that crashed or leaked.
server_log_clean()
{
	! grep -E 'TRAP:|PANIC:|was terminated by signal|(reference|refcount|file|snapshot|lock|resource)[a-z ]* leak|resource was not closed' \
		"$BARQ_WORK/test-server/log"
}

# run_suites SUITE…: those that are wanted, one after the other
run_suites()
{
	local suite
	for suite; do
		wanted "$suite" || continue
		case $suite in
			staging | format | size | ascii | layout | lint) [ -z "${TESTS:-}" ] || continue ;;
		esac
		"suite_$suite" || report "$suite" 0 1 0.0 "the runner itself failed"
	done
}

# Suites that use the test server run one after the other: some of their tests change
# settings of the whole server. Beside them run those that use none.
run_lanes()
{
	run_suites unit fuzz staging format size ascii layout lint &
	run_suites regress isolation pgtap
	wait
}

barq_at_exit test-server
BARQ_SWEEP=$out
say "barq: testing with $BARQ_PG_VERSION"
if run_build; then
	pgxs=$(cd "$(dirname "$("$PG_CONFIG" --pgxs)")/../.." && pwd)
	server=no
	if wanted regress || wanted isolation || wanted pgtap; then
		barq_server_stop test-server
		rm -rf "${BARQ_WORK:?}/test-server"
		if barq_server_start test-server "fsync = off" "shared_buffers = 128MB" "barq.background = off" "autovacuum = off" \
			"max_wal_size = 4GB" "max_prepared_transactions = 4" "log_checkpoints = off" "jit = off"; then
			server=yes
		else
			report "test server" 0 1 0.0 "does not start"
		fi
	fi
	barq_wait run_lanes
	if wanted tap; then
		barq_socket_dir
		barq_wait run_suites tap
	fi
	if [ $server = yes ]; then
		check server-log "no crash or leak in the server's log" server_log_clean
		barq_server_stop test-server
		[ -n "${KEEP:-}" ] || rm -rf "${BARQ_WORK:?}/test-server/data" "$BARQ_WORK/test-server/ready"
	fi
fi

for name in ${TESTS:-}; do
	grep -q "/$name\$" "$results" || [ ! -s "$results" ] || report "$name" 0 1 0.0 "no such test"
done
read -r passed failed < <(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$results")
echo
if [ "$failed" -gt 0 ]; then
	echo "failed:"
	awk '$2 > 0 { $1 = $2 = ""; print "   " $0 }' "$results"
fi
echo "in $(barq_since "$started") s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
