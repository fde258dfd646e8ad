# The objects that a unit test links beside the kernels; read by the top Makefile.
KINDS_OBJS = $(filter src/flat/% src/hnsw/% src/ivf/% src/store/read_ahead.o,$(OBJS)) test/unit/pgshim.o
UNIT_LINK_test_hnsw = $(KINDS_OBJS)
UNIT_LINK_test_hnsw_filter = $(KINDS_OBJS)
UNIT_LINK_test_hnsw_merge = $(KINDS_OBJS)
UNIT_LINK_test_hnsw_visited = $(KINDS_OBJS)
UNIT_LINK_test_hnsw_rows = $(KINDS_OBJS)
UNIT_LINK_test_hnsw_resume = $(KINDS_OBJS)
UNIT_LINK_test_hnsw_place = $(KINDS_OBJS)
UNIT_LINK_test_ivf = $(KINDS_OBJS)
UNIT_LINK_test_long_loops = src/store/image_verify.o $(KINDS_OBJS)
UNIT_LINK_test_nearest = $(KINDS_OBJS)
UNIT_LINK_test_halves = $(KINDS_OBJS)
UNIT_LINK_test_pace = test/unit/pgshim.o
UNIT_LINK_test_recall_curve = src/vector_index/recall_curve.o test/unit/pgshim.o
UNIT_LINK_test_recall_samples = src/vector_index/recall_samples.o $(KINDS_OBJS)
UNIT_LINK_test_choose = src/lifecycle/choose.o test/unit/pgshim.o
UNIT_LINK_test_bm25 = $(filter src/bm25/%,$(OBJS)) src/text/term_table.o src/text/document.o test/unit/pgshim.o
UNIT_LINK_test_bm25_parts = $(UNIT_LINK_test_bm25)
UNIT_LINK_test_bm25_fields = $(UNIT_LINK_test_bm25)
UNIT_LINK_test_bm25_pools = $(UNIT_LINK_test_bm25)
# functions that blob.o calls behind the check of a limit are missing
UNIT_LINK_test_limits = $(KINDS_OBJS) $(filter src/bm25/%,$(OBJS)) src/text/term_table.o src/text/document.o build/unit/weak_blob.o
build/unit/weak_blob.o: src/store/blob.o
	@$(MKDIR_P) $(@D)
	objcopy --weaken $< $@
UNIT_LINK_test_word_counts = src/count/word_counts.o test/unit/pgshim.o

# These include the sources that they test, to compile them with sanitizers where
# there are any; pgshim.o, which they link, is shared and compiled without.
UNIT_LINK_test_types = test/unit/pgshim.o
UNIT_LINK_test_document = test/unit/pgshim.o
UNIT_LINK_test_text_query = test/unit/pgshim.o
build/unit/test_types build/unit/test_document build/unit/test_text_query: private CFLAGS += $(shell echo 'int main(void) { return 0; }' | \
	$(CC) -fsanitize=address,undefined -x c -o /dev/null - 2>/dev/null && \
	echo -fsanitize=address,undefined -fno-sanitize-recover=all)
