#!/usr/bin/env bash
# container.sh (make test-matrix PARTS=container): the RUN lines of docker/Dockerfile, in
# the root of the suite that the official images are based on, with what that image
# has: PostgreSQL, PG_MAJOR and its user. The second stage gets what its COPY lines
# name, and a server of it makes and uses an index in a folder where the image of that
# version keeps its data. For 17, and for 18 in the suite that has it.
set -euo pipefail
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../roots.sh"

# In the root: container.sh inside
inside()
{
	local line stage=0 dockerfile=/barq/docker/Dockerfile workdir=/ data
	case $PG_MAJOR in 15 | 16 | 17) data=/var/lib/postgresql/data ;; *) data=/var/lib/postgresql/$PG_MAJOR/docker ;; esac
	grep -q "^# *${data%/"$PG_MAJOR"/docker} " "$dockerfile" || { echo "the volume of $PG_MAJOR is not in the Dockerfile"; return 1; }
	apt-get -qq update
	apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends "postgresql-$PG_MAJOR" >/dev/null
	dpkg -L "postgresql-$PG_MAJOR" >/tmp/image
	while read -r line; do
		case $line in
			FROM*) stage=$((stage + 1)); echo "# stage $stage" ;;
			'COPY . '*) mkdir -p "${line##* }"; cp -a /barq/. "${line##* }" ;;
			'COPY --from=build '*)
				# the second stage has nothing of the first but this
				read -r _ _ from to <<<"$line"
				apt-get -qq purge -y gcc make "postgresql-server-dev-$PG_MAJOR" libsimde-dev >/dev/null 2>&1 || true
				cp -a "$from." "$to"
				;;
			WORKDIR*) workdir=${line#WORKDIR } ;;
			RUN*) echo "# $line"; (cd "$workdir" && sh -euc "${line#RUN }") ;;
			ARG* | USER* | '') ;;
			*) echo "unknown line: $line"; return 1 ;;
		esac
	done < <(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$dockerfile" | grep -v '^#')
	# the volume
	install -d -o postgres -g postgres -m 700 "$data"
	local bin=/usr/lib/postgresql/$PG_MAJOR/bin
	su postgres -c "$bin/initdb -D $data --auth=trust >/dev/null && $bin/pg_ctl -D $data -w -s -l /tmp/log -o '-k /tmp' start"
	su postgres -c "psql -h /tmp -XAt -v ON_ERROR_STOP=1" <<-'END' >/tmp/answer
		CREATE EXTENSION barq;
		CREATE TABLE items (id int, v vector(3), t text);
		INSERT INTO items VALUES (1, '[1,0,0]', 'one'), (2, '[0,1,0]', 'two');
		CREATE INDEX ON items USING barq_hnsw (v vector_l2_ops);
		CREATE INDEX ON items USING barq_bm25 (t) WITH (text_config = 'simple');
		SELECT (doc).id FROM barq_hybrid(NULL::items, embedding => '[1,0,0]', query => 'two', k => 1);
	END
	tail -n 1 /tmp/answer | grep -qE '^[12]$'
	su postgres -c "$bin/pg_ctl -D $data -w -s stop"
	echo "a server of the image makes indexes and searches, with its data in $data"
}

if [ "${1:-}" = inside ]; then inside; exit; fi

barq_pick_user
barq_pick_build
chroots=${BARQ_CHROOTS:-$BARQ_BUILD/chroots}
copy_checkout "$BARQ_BUILD/roots"
passed=0 failed=0
for major in ${PG:-17 18}; do
	if PG_MAJOR=$major in_root "$(suite_of "$major")" --fresh /barq/scripts/matrix/container.sh inside; then
		echo "ok      container of PostgreSQL $major"
		passed=$((passed + 1))
	else
		echo "FAILED  container of PostgreSQL $major"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
