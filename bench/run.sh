#!/usr/bin/env bash
# run.sh: `make bench`: build barq, start a private server with
# settings that suit every side, measure, stop it. Options are run.py's, as
# arguments or in BENCH; DATA, QUERIES and METRIC are options too
# (docs/bench.md). PARTS chooses what is measured (vectors, text, hybrid,
# lifecycle, drift, plans, conditions, filter, target, tenants, policy, memory, updates, steady; the first two if it is not said) or
# checked (truth); TEXT_BENCH, HYBRID_BENCH, LIFECYCLE_BENCH, DRIFT_BENCH, PLANS_BENCH,
# CONDITIONS_BENCH, FILTER_BENCH, TARGET_BENCH, TENANTS_BENCH, MEMORY_BENCH, UPDATES_BENCH, STEADY_BENCH and TRUTH_BENCH hold text_run.py's,
# hybrid_run.py's, lifecycle_run.py's, drift_run.py's, plans_run.py's, conditions_run.py's,
# filter_run.py's, target_run.py's, tenants_run.py's, memory_run.py's, updates_run.py's, steady_run.py's and bm25_truth.py's options, POLICY_BENCH policy_run.py's
# and POLICY those of the simulation of merges. Results are left in the folder `results`.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/server.sh

# shellcheck disable=SC2206  # BENCH is a list of options
options=(${BENCH:-} "$@")

# Debian's python3 has the numpy that install-deps.sh installs; another python3
# that comes first on the PATH may not.
python=
for candidate in python3 /usr/bin/python3; do
	if "$candidate" -c 'import numpy' 2>/dev/null; then
		python=$candidate
		break
	fi
done
[ -n "$python" ] || die "no python3 with numpy (on Debian: apt-get install python3-numpy)"
parts=${PARTS:-vectors text}
# shellcheck disable=SC2206
text_options=(${TEXT_BENCH:-})
# shellcheck disable=SC2206
hybrid_options=(${HYBRID_BENCH:-})
# shellcheck disable=SC2206
truth_options=(${TRUTH_BENCH:-})
# shellcheck disable=SC2206
lifecycle_options=(${LIFECYCLE_BENCH:-})
# shellcheck disable=SC2206
drift_options=(${DRIFT_BENCH:-})
# shellcheck disable=SC2206
policy_options=(${POLICY_BENCH:-})
# shellcheck disable=SC2206
plans_options=(${PLANS_BENCH:-})
# shellcheck disable=SC2206
conditions_options=(${CONDITIONS_BENCH:-})
# shellcheck disable=SC2206
filter_options=(${FILTER_BENCH:-})
# shellcheck disable=SC2206
target_options=(${TARGET_BENCH:-})
# shellcheck disable=SC2206
tenants_options=(${TENANTS_BENCH:-})
# shellcheck disable=SC2206
memory_options=(${MEMORY_BENCH:-})
# shellcheck disable=SC2206
updates_options=(${UPDATES_BENCH:-})
# shellcheck disable=SC2206
steady_options=(${STEADY_BENCH:-})
case " ${options[*]-} ${text_options[*]-} ${hybrid_options[*]-} ${truth_options[*]-} ${lifecycle_options[*]-} ${drift_options[*]-} ${plans_options[*]-} ${conditions_options[*]-} ${filter_options[*]-} ${target_options[*]-} ${tenants_options[*]-} ${policy_options[*]-} ${memory_options[*]-} ${updates_options[*]-} ${steady_options[*]-} " in
	*" --help "* | *" -h "*)
		case $parts in *vectors*) "$python" bench/run.py --help ;; esac
		case $parts in *text*) "$python" bench/text_run.py --help ;; esac
		case $parts in *hybrid*) "$python" bench/hybrid_run.py --help ;; esac
		case $parts in *lifecycle*) "$python" bench/lifecycle_run.py --help ;; esac
		case $parts in *drift*) "$python" bench/drift_run.py --help ;; esac
		case $parts in *target*) "$python" bench/target_run.py --help ;; esac
		case $parts in *policy*) "$python" bench/policy_run.py --help ;; esac
		case $parts in *plans*) "$python" bench/plans_run.py --help ;; esac
		case $parts in *conditions*) "$python" bench/conditions_run.py --help ;; esac
		case $parts in *filter*) "$python" bench/filter_run.py --help ;; esac
		case $parts in *tenants*) "$python" bench/tenants_run.py --help ;; esac
		case $parts in *memory*) "$python" bench/memory_run.py --help ;; esac
		case $parts in *updates*) "$python" bench/updates_run.py --help ;; esac
		case $parts in *steady*) "$python" bench/steady_run.py --help ;; esac
		case $parts in *truth*) "$python" bench/bm25_truth.py --help ;; esac
		exit ;;
esac

say "barq: building"
barq_build
barq_at_exit bench
# pg_textsearch, where the private server has it, must be preloaded.
preload=
[ ! -f "$("$PG_CONFIG" --sharedir)/extension/pg_textsearch.control" ] || preload=pg_textsearch
# So must barq, for counters of all sessions and a memory budget.
case $parts in *lifecycle* | *policy* | *memory* | *updates* | *steady*) preload=${preload:+$preload,}barq ;; esac
# The simulation of merges needs no server.
case $parts in
	*policy*)
		mkdir -p results
		cc -O2 -I src -I "$("$PG_CONFIG" --includedir-server)" -o "$BARQ_TOP/policy_simulation" \
			bench/policy/policy_simulation.c "$BARQ_TREE/src/lifecycle/choose.o" \
			"$BARQ_TREE/test/unit/pgshim.o" -lm
		# shellcheck disable=SC2086
		"$BARQ_TOP/policy_simulation" ${POLICY:-} | tee results/policy_simulation.txt ;;
esac
# Memory for pgvector's build, which falls off a cliff without it; no
# autovacuum and no timed checkpoint in the middle of a figure, but of one that is about them.
autovacuum=off
case $parts in *updates* | *steady*) autovacuum=on ;; esac
barq_server_start bench "shared_buffers = 1GB" "maintenance_work_mem = 2GB" \
	"max_parallel_maintenance_workers = 2" "max_wal_size = 16GB" \
	"checkpoint_timeout = $([ $autovacuum = on ] && echo 5min || echo 1h)" "autovacuum = $autovacuum" "jit = off" \
	"shared_preload_libraries = '$preload'"
for part in $parts; do
	case $part in
		vectors) barq_wait "$python" bench/run.py ${options[@]+"${options[@]}"} ;;
		text) barq_wait "$python" bench/text_run.py ${text_options[@]+"${text_options[@]}"} ;;
		hybrid) barq_wait "$python" bench/hybrid_run.py ${hybrid_options[@]+"${hybrid_options[@]}"} ;;
		lifecycle) barq_wait "$python" bench/lifecycle_run.py ${lifecycle_options[@]+"${lifecycle_options[@]}"} ;;
		drift) barq_wait "$python" bench/drift_run.py ${drift_options[@]+"${drift_options[@]}"} ;;
		plans) barq_wait "$python" bench/plans_run.py ${plans_options[@]+"${plans_options[@]}"} ;;
		conditions) barq_wait "$python" bench/conditions_run.py ${conditions_options[@]+"${conditions_options[@]}"} ;;
		filter) barq_wait "$python" bench/filter_run.py ${filter_options[@]+"${filter_options[@]}"} ;;
		target) barq_wait "$python" bench/target_run.py ${target_options[@]+"${target_options[@]}"} ;;
		tenants) barq_wait "$python" bench/tenants_run.py ${tenants_options[@]+"${tenants_options[@]}"} ;;
		policy) barq_wait "$python" bench/policy_run.py ${policy_options[@]+"${policy_options[@]}"} ;;
		memory) barq_wait "$python" bench/memory_run.py ${memory_options[@]+"${memory_options[@]}"} ;;
		updates) barq_wait "$python" bench/updates_run.py ${updates_options[@]+"${updates_options[@]}"} ;;
		steady) barq_wait "$python" bench/steady_run.py ${steady_options[@]+"${steady_options[@]}"} ;;
		truth) barq_wait "$python" bench/bm25_truth.py ${truth_options[@]+"${truth_options[@]}"} ;;
		*) die "PARTS=$parts: there is no part $part (vectors, text, hybrid, lifecycle, drift, plans, conditions, filter, target, tenants, policy, memory, updates, steady, truth)" ;;
	esac
done
