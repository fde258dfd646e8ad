# barq: build and install with PGXS; `make demo`, `make test` and `make bench`
# need nothing but this checkout (see scripts/).
#
#   make, make install, make installcheck    as for any extension (PG_CONFIG=…)
#   make test [ONLY="regress tap"] [TESTS="vector hnsw"]
#   make test-matrix [PG="15 17 18"] […]     the same beside other PostgreSQLs
#   make demo [QUERY="a machine that flies"] [SERVE=1 PORT=8080], make bench
#   make unit                                unit tests alone, no server
#   make install-vector-names                access methods by pgvector's names too
#   make torture [MINUTES=30] [SEED=…]       clients, kills and crashes at random
#   make BARQ_CRASH_POINTS=1                 with crash points, for the tests
#   make format, make format-check           clang-format 14
#   make lint                                gcc, clang, clang-tidy, cppcheck

# whatever rule comes first, before those of PGXS too
.DEFAULT_GOAL := all

EXTENSION = barq barq_pgvector
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" barq.control)
MODULE_big = barq

SQL_PARTS = $(sort $(wildcard sql/parts/*.sql))
# Until its release a version's update scripts are made from the same parts as its
# script, so that the two cannot differ: sql/update/OLD.sql says what goes.
SQL_UPDATES = $(patsubst sql/update/%.sql,sql/barq--%--$(EXTVERSION).sql,$(wildcard sql/update/*.sql))
DATA_built = sql/barq--$(EXTVERSION).sql $(SQL_UPDATES)
DATA = $(wildcard sql/old/barq--*--*.sql) sql/barq_pgvector--1.0.sql

# One kernel source, compiled once for each instruction-set level.
ARCH := $(shell uname -m)
ifeq ($(ARCH),x86_64)
KERNEL_LEVELS = baseline avx2 avx512 vnni
else ifeq ($(ARCH),aarch64)
KERNEL_LEVELS = baseline neon
else
KERNEL_LEVELS = baseline
endif
KERNEL_FLAGS_avx2 = -mavx2 -mfma -mf16c
KERNEL_FLAGS_avx512 = $(KERNEL_FLAGS_avx2) -mavx512f -mavx512bw -mavx512vl -mavx512dq
KERNEL_FLAGS_vnni = $(KERNEL_FLAGS_avx512) -mavx512vnni -mavx512vpopcntdq
KERNEL_OBJS = $(KERNEL_LEVELS:%=src/kernels/distance_%.o)

SRCS = $(filter-out src/kernels/distance.c,$(wildcard src/*.c src/*/*.c))
OBJS = $(SRCS:.c=.o) $(KERNEL_OBJS)
PROJECT_HEADERS = $(wildcard src/*.h src/*/*.h)

# Unit tests: each test/unit/test_*.c is a program, linked with the kernels and
# with the objects that test/unit/link.mk names: UNIT_LINK_test_x = some.o
UNIT_PROGRAMS = $(patsubst test/unit/%.c,build/unit/%,$(wildcard test/unit/test_*.c))
UNIT_OBJS = $(filter src/kernels/%,$(OBJS))
-include test/unit/link.mk

# -MMD: beside each object and unit test the compiler leaves a .d file of what it was
# made from. A relative path, so that a tree can be moved.
PG_CPPFLAGS = -Isrc -MMD -MP
DEPENDENCIES := $(wildcard src/*.d src/*/*.d test/unit/*.d build/unit/*.d)
# what has none: not made yet, or come without it (scripts/variant.sh)
WITHOUT_DEPENDENCIES = $(filter-out $(DEPENDENCIES:.d=.o) $(DEPENDENCIES:.d=),$(OBJS) test/unit/pgshim.o $(UNIT_PROGRAMS))
# OPTFLAGS=-O0 in the environment: a quicker build, for tests that prove no speed.
OPTFLAGS ?= -O3
# The codec's bounds assume that each operation rounds: no contraction.
PG_CFLAGS = $(OPTFLAGS) -fno-math-errno -ffp-contract=off -Werror=vla -Wno-declaration-after-statement

# Test-only: a crash point at every step (src/base/steps.h).
STEP_OBJS = $(patsubst %.c,%.o,$(shell grep -lE '/(file_)?steps.h"|BARQ_CRASH_POINTS' $(SRCS)))
ifdef BARQ_CRASH_POINTS
$(STEP_OBJS): override CPPFLAGS += -DBARQ_CRASH_POINTS
endif

# `make installcheck`: SQL and isolation tests in a server that runs.
REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=barq
ISOLATION = $(sort $(patsubst test/isolation/specs/%.spec,%,$(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=barq

EXTRA_CLEAN = .built-for .built-steps build/unit $(wildcard test/unit/*.o) $(DEPENDENCIES)

PG_CONFIG ?= pg_config
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
# The extension gains nothing from JIT inlining, so no bitcode is built.
override with_llvm = no

ifneq ($(PGXS),)
include $(PGXS)

$(KERNEL_OBJS): src/kernels/distance_%.o: src/kernels/distance.c
	$(CC) $(CFLAGS) $(CPPFLAGS) $(KERNEL_FLAGS_$*) -DBARQ_LEVEL=$* -c -o $@ $<

# Objects are made again for another server or other flags.
ifneq ($(filter-out test test-matrix torture demo bench format format-check lint clean,$(or $(MAKECMDGOALS),all)),)
BUILT_FOR := $(VERSION) $(includedir_server) $(CC) $(filter-out -Werror,$(COPT))
ifneq ($(BUILT_FOR),$(shell cat .built-for 2>/dev/null))
$(shell echo '$(BUILT_FOR)' > .built-for)
endif
ifneq (x$(BARQ_CRASH_POINTS),$(shell cat .built-steps 2>/dev/null))
$(shell echo 'x$(BARQ_CRASH_POINTS)' > .built-steps)
endif
endif
.built-for .built-steps: ;

# The version, for the files that show it: others need not be compiled anew for it.
VERSION_OBJS = $(patsubst %.c,%.o,$(shell grep -l BARQ_VERSION $(SRCS)))
$(VERSION_OBJS): override CPPFLAGS += -DBARQ_VERSION='"$(EXTVERSION)"'
$(VERSION_OBJS): barq.control

$(OBJS) test/unit/pgshim.o: .built-for
$(STEP_OBJS): .built-steps
-include $(DEPENDENCIES)
$(WITHOUT_DEPENDENCIES): $(PROJECT_HEADERS) $(wildcard test/unit/*.h)

# The optional extension "vector": names/README.md.
.PHONY: install-vector-names
install-vector-names:
	$(MAKE) -C names not-over-pgvector install PG_CONFIG='$(PG_CONFIG)'

.PHONY: unit unit-programs
unit-programs: $(UNIT_PROGRAMS)
.SECONDEXPANSION:
$(UNIT_PROGRAMS): build/unit/%: test/unit/%.c $(UNIT_OBJS) $$(UNIT_LINK_$$*) .built-for
	@$(MKDIR_P) $(@D)
	$(CC) $(CFLAGS) $(CPPFLAGS) -MF $@.d -MT $@ -o $@ $< $(UNIT_OBJS) $(UNIT_LINK_$*) -lm

unit: unit-programs
	@status=0; for program in $(UNIT_PROGRAMS); do echo "# $$program"; $$program || status=1; done; exit $$status
else
.PHONY: all install installcheck unit unit-programs clean
all install installcheck unit unit-programs:
	@echo "barq: '$(PG_CONFIG)' finds no PostgreSQL to build for." >&2
	@echo "On Debian or Ubuntu, install what building takes:" >&2
	@echo "    apt-get install gcc make libsimde-dev postgresql-server-dev-15" >&2
	@echo "(or another version's, 15 to 19), or run scripts/install-deps.sh, or say" >&2
	@echo "    make PG_CONFIG=/path/to/pg_config" >&2
	@exit 1
clean: ;
endif

sql/barq--$(EXTVERSION).sql: $(SQL_PARTS) barq.control
	cat $(SQL_PARTS) /dev/null > $@

$(SQL_UPDATES): sql/barq--%--$(EXTVERSION).sql: sql/update/%.sql sql/old/barq--%.sql $(SQL_PARTS) scripts/update-sql.awk barq.control
	awk -f scripts/update-sql.awk sql/old/barq--$*.sql sql/update/$*.sql $(SQL_PARTS) > $@.new
	mv $@.new $@

.PHONY: test test-matrix torture demo bench format format-check lint
test:
	@scripts/install-deps.sh test
	@scripts/run-tests.sh

test-matrix:
	@scripts/test-matrix.sh

MINUTES ?= 30
torture:
	@scripts/install-deps.sh test
	@TORTURE_SECONDS=$$(($(MINUTES) * 60)) TORTURE_SEED=$(SEED) TAP_TIMEOUT=$$(($(MINUTES) * 60 + 3600)) SHOW=1 \
		ONLY=tap TESTS=090_torture_short scripts/run-tests.sh

demo:
	@scripts/install-deps.sh demo
	@demo/run.sh

bench:
	@scripts/install-deps.sh bench
	@bench/run.sh

format:
	@scripts/format.sh

format-check:
	@scripts/format.sh --check

lint:
	@scripts/install-deps.sh test
	@scripts/lint.sh
