# barq: build and install with PGXS; `make demo`, `make test` and `make bench`
# need nothing but this checkout (see scripts/).

EXTENSION = barq
EXTVERSION = 0.1.0
MODULE_big = barq

SQL_PARTS = $(sort $(wildcard sql/parts/*.sql))
DATA_built = sql/barq--$(EXTVERSION).sql

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
HEADERS_ALL = $(wildcard src/*.h src/*/*.h)

PG_CPPFLAGS = -I$(CURDIR)/src
# The codec proves what its doubles round to: nothing may be contracted.
PG_CFLAGS = -O3 -fno-math-errno -ffp-contract=off -Werror=vla -Wno-declaration-after-statement

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
# The extension gains nothing from JIT inlining, so no bitcode is built.
override with_llvm = no

ifneq ($(PGXS),)
include $(PGXS)

$(KERNEL_OBJS): src/kernels/distance_%.o: src/kernels/distance.c
	$(CC) $(CFLAGS) $(CPPFLAGS) $(KERNEL_FLAGS_$*) -DBARQ_LEVEL=$* -c -o $@ $<

$(OBJS): $(HEADERS_ALL)
endif

sql/barq--$(EXTVERSION).sql: $(SQL_PARTS)
	cat $^ > $@
