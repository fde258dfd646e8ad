#!/usr/bin/env bash
# server.sh: private PostgreSQL servers with this checkout's barq in them.
#
#   scripts/server.sh start [NAME]       build, install, start (NAME: dev)
#   scripts/server.sh stop [NAME]
#   scripts/server.sh psql [NAME] [ARGS] psql to it (NAME first; dev where ARGS begin with -)
#   scripts/server.sh env [NAME]         shell lines that set PGHOST, …
#   scripts/server.sh run [NAME] CMD…    start, run CMD with that environment,
#                                        stop, also when CMD fails
#   scripts/server.sh log [NAME]         where its log is
#   scripts/server.sh remove [NAME]      stop it and delete its data
#
# Each server has its data in build/pg15/work/NAME and listens on a Unix
# socket in a folder that only its user (and root) can enter; no TCP. The
# superuser is "postgres", without a password. As root, servers run as user
# postgres (BARQ_USER chooses another).
#
# Sourced (. scripts/server.sh) it is a library: after barq_build, call
#   barq_server_start NAME ["setting = value" …]
#   barq_server_stop NAME
#   barq_at_exit     traps, so that nothing is left running
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Build and install into the private copy; sets BARQ_* and PATH.
barq_build()
{
	barq_locate
	"$BARQ_SRC/scripts/build.sh" >/dev/null || return 1
	PATH=$BARQ_BIN:$PATH
}

# A socket's path may have 107 bytes. Servers and tests share one folder,
# build/…/work/s, or, if that is too long, one under /tmp. Its name is kept in a
# file, and the folder is removed with the last server.
barq_socket_dir()
{
	local keep=$BARQ_WORK/socket-dir
	BARQ_SOCKETS=$BARQ_WORK/s
	if [ "${#BARQ_SOCKETS}" -gt 60 ]; then
		BARQ_SOCKETS=$(cat "$keep" 2>/dev/null || true)
		if [ -z "$BARQ_SOCKETS" ] || [ ! -d "$BARQ_SOCKETS" ] ||
			[ "$(stat -c %U "$BARQ_SOCKETS")" != "$BARQ_USER" ]; then
			BARQ_SOCKETS=$(as_server_user mktemp -d /tmp/barq.XXXXXX) || return 1
			echo "$BARQ_SOCKETS" | as_server_user tee "$keep" >/dev/null
		fi
	else
		as_server_user mkdir -p "$BARQ_SOCKETS"
	fi
	as_server_user chmod 700 "$BARQ_SOCKETS"
}

# barq_server_env NAME: point psql and the rest at it.
barq_server_env()
{
	barq_socket_dir || return 1
	export PGHOST=$BARQ_SOCKETS PGUSER=postgres PGDATABASE=postgres
	# the port is no port, only part of the socket's name
	PGPORT=$((10000 + $(printf %s "$1" | cksum | cut -d' ' -f1) % 40000))
	export PGPORT
}

barq_server_running() { as_server_user "$BARQ_BIN/pg_ctl" -D "$BARQ_WORK/$1/data" status >/dev/null 2>&1; }

# barq_server_start NAME ["setting = value" …]: settings replace those of the
# last start. A server that runs already is left as it is.
barq_server_start()
{
	local name=$1 home=$BARQ_WORK/$1 data=$BARQ_WORK/$1/data
	shift
	barq_server_env "$name" || return 1
	barq_server_running "$name" && return
	(
		cd "$BARQ_WORK" || exit 1
		as_server_user mkdir -p "$home"
		# no data folder yet, or one whose initdb was interrupted
		if [ ! -f "$home/ready" ] || [ "$(cat "$data/PG_VERSION" 2>/dev/null)" != "$BARQ_PG_MAJOR" ]; then
			as_server_user rm -rf "$data"
			as_server_user "$BARQ_BIN/initdb" -D "$data" -U postgres --auth=trust --no-locale --encoding=UTF8 \
				--no-sync --no-instructions >"$BARQ_TOP/initdb.log" 2>&1 ||
				{ cat "$BARQ_TOP/initdb.log" >&2; exit 1; }
			echo "include_if_exists 'barq.conf'" | as_server_user tee -a "$data/postgresql.conf" >/dev/null
			as_server_user touch "$home/ready"
		fi
		{
			printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$BARQ_SOCKETS'" "port = $PGPORT" \
				"log_line_prefix = '%m [%p] %a %q%d '" "cluster_name = 'barq-$name'"
			[ $# -eq 0 ] || printf '%s\n' "$@"
		} | as_server_user tee "$data/barq.conf" >/dev/null
		# pg_ctl leaves the lock and our output files to the server otherwise
		exec </dev/null
		[ -z "${BARQ_LOCK_FD:-}" ] || exec {BARQ_LOCK_FD}>&-
		if ! as_server_user "$BARQ_BIN/pg_ctl" -D "$data" -l "$home/log" -w -t 1800 -s start >"$BARQ_TOP/start.log" 2>&1; then
			cat "$BARQ_TOP/start.log" >&2
			as_server_user tail -n 20 "$home/log" >&2
			exit 1
		fi
	) || { say "barq: server $name does not start"; return 1; }
}

barq_server_stop()
{
	(cd "$BARQ_WORK" && barq_server_running "$1" &&
		as_server_user "$BARQ_BIN/pg_ctl" -D "$BARQ_WORK/$1/data" -m fast -w -t 1800 -s stop) >/dev/null 2>&1 || true
	barq_sockets_clean
}

# Remove the folder under /tmp when no socket is in it any more.
barq_sockets_clean()
{
	local keep=$BARQ_WORK/socket-dir dir
	dir=$(cat "$keep" 2>/dev/null) || return 0
	case $dir in
		/tmp/barq.*) rmdir "$dir" 2>/dev/null && rm -f "$keep" || true ;;
	esac
}

# Stop every server whose data folder is under our work folder, also those left
# by a test that was killed. A process counts as the server only if the data
# folder is its working directory.
barq_sweep()
{
	local file data pid
	[ -d "$1" ] || return 0
	find "$1" -name postmaster.pid -type f 2>/dev/null | while read -r file; do
		data=$(dirname "$file")
		pid=$(head -n 1 "$file" 2>/dev/null) || continue
		[[ $pid =~ ^[0-9]+$ ]] || continue
		[ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$(readlink -f "$data")" ] || continue
		kill -INT "$pid" 2>/dev/null || continue
		for _ in $(seq 100); do
			kill -0 "$pid" 2>/dev/null || continue 2
			sleep 0.1
		done
		kill -QUIT "$pid" 2>/dev/null || true
		sleep 1
	done
}

# barq_wait CMD…: run CMD in a process group of its own, so that a signal to
# this script ends it and all that it started (bash itself answers signals
# only between foreground commands).
barq_wait()
{
	local status=0
	set -m
	"$@" <&0 &
	BARQ_CHILD=$!
	set +m
	wait "$BARQ_CHILD" || status=$?
	barq_end_child
	return $status
}

barq_end_child()
{
	[ -n "${BARQ_CHILD:-}" ] || return 0
	if kill -TERM -- "-$BARQ_CHILD" 2>/dev/null; then
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			kill -0 -- "-$BARQ_CHILD" 2>/dev/null || break
			sleep 0.2
		done
		kill -KILL -- "-$BARQ_CHILD" 2>/dev/null || true
	fi
	wait "$BARQ_CHILD" 2>/dev/null || true
	BARQ_CHILD=
}

# barq_at_exit [NAME…]: when this script ends, for any reason, end its children,
# stop these servers, and all servers whose data folder is under $BARQ_SWEEP.
barq_at_exit()
{
	BARQ_STOP=("$@")
	trap 'barq_on_exit' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}

barq_on_exit()
{
	local status=$? name
	trap '' INT TERM HUP
	trap - EXIT
	barq_end_child
	for name in "${BARQ_STOP[@]}"; do
		barq_server_stop "$name"
		barq_sweep "$BARQ_WORK/$name"
	done
	[ -z "${BARQ_SWEEP:-}" ] || barq_sweep "$BARQ_SWEEP"
	barq_sockets_clean
	exit $status
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

set -euo pipefail
command=${1:-}
name=${2:-dev}
case $command in
	start)
		BARQ_TARGETS=all barq_build
		barq_server_start "$name"
		say "barq: server $name runs; scripts/server.sh psql $name"
		;;
	stop)
		barq_locate
		barq_server_running "$name" || say "barq: server $name was not running"
		barq_server_stop "$name"
		;;
	psql)
		shift
		case ${1:-} in
			-*) name=dev ;;
			*) [ $# -eq 0 ] || shift ;;
		esac
		barq_locate
		barq_server_env "$name"
		barq_server_running "$name" || die "server $name does not run (scripts/server.sh start $name)"
		exec "$BARQ_BIN/psql" "$@"
		;;
	env)
		barq_locate
		barq_server_env "$name"
		# the last two tell the scripts here which server PG_CONFIG is a copy of
		for v in PGHOST PGPORT PGUSER PGDATABASE PG_CONFIG BARQ_PG BARQ_PRIVATE; do printf 'export %s=%q\n' $v "${!v}"; done
		printf 'export PATH=%q:"$PATH"\n' "$BARQ_BIN"
		;;
	run)
		[ $# -ge 3 ] || die "usage: server.sh run NAME COMMAND…"
		shift 2
		BARQ_TARGETS=all barq_build
		barq_at_exit "$name"
		barq_server_start "$name"
		barq_wait "$@"
		;;
	log)
		barq_locate
		echo "$BARQ_WORK/$name/log"
		;;
	remove)
		barq_locate
		barq_server_stop "$name"
		[[ $name =~ ^[A-Za-z0-9_-]+$ ]] || die "bad name"
		rm -rf "${BARQ_WORK:?}/$name"
		;;
	*)
		sed -n '2,/^\. /s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
esac
