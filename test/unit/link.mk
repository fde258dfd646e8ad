# What a unit test links beside the kernels; read by the top Makefile.
KINDS_OBJS = $(filter src/flat/% src/hnsw/%,$(OBJS)) test/unit/pgshim.o
UNIT_LINK_test_hnsw = $(KINDS_OBJS)
UNIT_LINK_test_hnsw_merge = $(KINDS_OBJS)
