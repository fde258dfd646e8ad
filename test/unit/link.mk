# What a unit test links beside the kernels; read by the top Makefile.
UNIT_LINK_test_hnsw = $(filter src/flat/% src/hnsw/%,$(OBJS)) test/unit/pgshim.o
