# shellcheck shell=bash
# lib.sh: functions shared by the scripts here. Source it, do not run it.
#
# Owns: where things are built (barq_locate), which PostgreSQL is used
# (barq_find_pg), which system user runs servers (as_server_user).
# Promises: nothing outside the build folder is written, and nothing in the
# environment that begins with PG reaches a server or a test.
#
# After barq_locate:
#   BARQ_SRC       the checkout
#   BARQ_BUILD     the build folder
#   BARQ_PG        pg_config of the installed PostgreSQL that is copied
#   BARQ_PG_MAJOR  its major version
#   BARQ_TOP       $BARQ_BUILD/pg15: everything that belongs to that version
#   BARQ_TREE      copy of the sources, built there: objects of several
#                  versions never mix and the checkout stays as it is
#   BARQ_WORK      owned by the server user: data folders, test output
#   PG_CONFIG      pg_config of the private copy (made by private-pg.sh)

BARQ_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { printf 'barq: %s\n' "$*" >&2; exit 1; }

# make's own settings (PG_CONFIG=… on its command line among them) must not
# leak into the makes started here.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS

barq_usable_pg()
{
	local bindir pgxs
	bindir=$("$1" --bindir 2>/dev/null) && pgxs=$("$1" --pgxs 2>/dev/null) &&
		[ -x "$bindir/postgres" ] && [ -x "$bindir/initdb" ] && [ -f "$pgxs" ]
}

# Print the pg_config to use: the one given, else that of PG_MAJOR, else version
# 15's, else the newest supported one installed.
barq_find_pg()
{
	local candidate
	# a script called by one that has located everything
	if [ -n "${BARQ_PRIVATE:-}" ] && [ "${PG_CONFIG:-}" = "$BARQ_PRIVATE" ]; then
		echo "$BARQ_PG"
		return
	fi
	if [ -n "${PG_CONFIG:-}" ]; then
		command -v "$PG_CONFIG" && return
		die "PG_CONFIG=$PG_CONFIG: no such program"
	fi
	for candidate in ${PG_MAJOR:+"/usr/lib/postgresql/$PG_MAJOR/bin/pg_config"} /usr/lib/postgresql/{15,18,17,16,19}/bin/pg_config pg_config; do
		if command -v "$candidate" >/dev/null && barq_usable_pg "$candidate"; then
			command -v "$candidate"
			return
		fi
	done
	return 1
}

# The user that runs servers: PostgreSQL refuses to run as root. BARQ_USER
# chooses; else postgres, which Debian's package makes; else nobody.
barq_pick_user()
{
	if [ "$(id -u)" -ne 0 ]; then
		BARQ_USER=$(id -un)
		return
	fi
	if [ -z "${BARQ_USER:-}" ]; then
		if id postgres >/dev/null 2>&1; then BARQ_USER=postgres; else BARQ_USER=nobody; fi
	fi
	id "$BARQ_USER" >/dev/null 2>&1 || die "no user $BARQ_USER to run a server as"
	[ "$(id -u "$BARQ_USER")" -ne 0 ] || die "BARQ_USER must not be root"
}

# Run a command as the server user. setpriv replaces itself by the command,
# so its process id is the command's.
as_server_user()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid="$BARQ_USER" --regid="$(id -g "$BARQ_USER")" --init-groups \
			env HOME="${BARQ_WORK:-/}" USER="$BARQ_USER" LOGNAME="$BARQ_USER" "$@"
	else
		"$@"
	fi
}

# Where to build: build/ in the checkout. A checkout that the server user
# cannot reach (below /root, say), or whose path make cannot handle, gets a
# folder under /var/tmp.
barq_pick_build()
{
	local reason=''
	if [ -n "${BARQ_BUILD:-}" ]; then
		mkdir -p "$BARQ_BUILD" || die "cannot make $BARQ_BUILD"
		BARQ_BUILD=$(cd "$BARQ_BUILD" && pwd)
		as_server_user test -x "$BARQ_BUILD" ||
			die "BARQ_BUILD=$BARQ_BUILD: user $BARQ_USER cannot reach it"
		return
	fi
	BARQ_BUILD=$BARQ_SRC/build
	if [[ $BARQ_SRC =~ [^A-Za-z0-9_./+@%,-] ]]; then
		reason="the path of this checkout has characters that make cannot handle"
	elif ! as_server_user test -x "$BARQ_SRC"; then
		reason="user $BARQ_USER, who runs the server, cannot reach $BARQ_SRC"
	elif [ ! -w "$BARQ_SRC" ] && [ ! -w "$BARQ_BUILD" ]; then
		reason="$BARQ_SRC is not writable"
	fi
	if [ -n "$reason" ]; then
		BARQ_BUILD=/var/tmp/barq-$(id -u)-$(printf %s "$BARQ_SRC" | cksum | cut -d' ' -f1)
		say "barq: $reason; building in $BARQ_BUILD"
	fi
	(umask 022 && mkdir -p "$BARQ_BUILD") || die "cannot make $BARQ_BUILD"
	if [ -L "$BARQ_BUILD" ] || [ ! -O "$BARQ_BUILD" ]; then
		[ -z "$reason" ] || die "$BARQ_BUILD belongs to somebody else; set BARQ_BUILD"
	fi
	as_server_user test -x "$BARQ_BUILD" || chmod 755 "$BARQ_BUILD"
}

barq_locate()
{
	local var
	[ -n "${BARQ_LOCATED:-}" ] && return
	BARQ_PG=$(barq_find_pg) ||
		die "no PostgreSQL with server headers found; run scripts/install-deps.sh, or give PG_CONFIG=/path/to/pg_config"
	barq_usable_pg "$BARQ_PG" ||
		die "$BARQ_PG: its server programs or its PGXS files are not installed (on Debian: postgresql-NN and postgresql-server-dev-NN)"
	BARQ_PG_VERSION=$("$BARQ_PG" --version)
	BARQ_PG_MAJOR=$(sed -E 's/^PostgreSQL ([0-9]+).*/\1/' <<<"$BARQ_PG_VERSION")
	[ "$BARQ_PG_MAJOR" -ge 15 ] 2>/dev/null || die "$BARQ_PG_VERSION: barq needs PostgreSQL 15 or later"
	barq_pick_user
	barq_pick_build

	local bindir tag
	bindir=$("$BARQ_PG" --bindir)
	tag=pg$BARQ_PG_MAJOR
	# Debian's own is "pg15"; another server of that version gets its own folder
	[ "$bindir" = "/usr/lib/postgresql/$BARQ_PG_MAJOR/bin" ] ||
		tag=$tag-$(printf %s "$bindir" | cksum | cut -d' ' -f1)
	BARQ_TOP=$BARQ_BUILD/$tag
	BARQ_ROOT=$BARQ_TOP/root
	BARQ_TREE=$BARQ_TOP/tree
	BARQ_WORK=$BARQ_TOP/work
	BARQ_BIN=$BARQ_ROOT$bindir
	(umask 022 && mkdir -p "$BARQ_TREE" "$BARQ_WORK")
	chmod 755 "$BARQ_TOP" "$BARQ_TREE"
	if [ "$(id -u)" -eq 0 ]; then chown "$BARQ_USER" "$BARQ_WORK"; fi
	chmod 755 "$BARQ_WORK"

	# No client setting of the caller may reach the server.
	for var in $(compgen -v PG); do
		case $var in PGXS) ;; *) unset "$var" ;; esac
	done
	unset LANGUAGE
	export LC_ALL=C.UTF-8
	# where the private copy's will be
	export PG_CONFIG=$BARQ_BIN/pg_config
	export BARQ_PG BARQ_BUILD BARQ_USER BARQ_PRIVATE=$PG_CONFIG
	BARQ_LOCATED=1
}

# One process at a time may build or copy; the lock ends with the process.
barq_lock()
{
	exec {BARQ_LOCK_FD}>"$BARQ_TOP/lock"
	flock -n "$BARQ_LOCK_FD" || {
		say "barq: waiting for another run in $BARQ_TOP"
		flock "$BARQ_LOCK_FD"
	}
}
barq_unlock() { exec {BARQ_LOCK_FD}>&-; }

# Seconds since a time from $EPOCHREALTIME, with one decimal.
barq_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }
