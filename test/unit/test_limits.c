/*
 * test_limits.c
 *	  Rows and bodies too large for a segment are a clear error, raised before anything is
 *	  written or read: more than BARQ_MAX_ROWS rows of vectors, more than 2^32 - 2 of texts,
 *	  a body above BARQ_MAX_BODY. Sizes just below do not wrap around. No input is that
 *	  large: views claim it.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "flat/vector_body.h"
#include "ivf/ivf.h"
#include "kernels/kernels.h"
#include "store/blob.h"
#include "store/image.h"
#include "utils/rel.h"
#include "bm25/bm25_read.h"
#include "hnsw/hnsw.h"
#include "pgshim.h"

#undef printf
#undef vprintf

#include "tap.h"

/* Whether an ERROR was raised that says so: after SHIM_TRY(). */
static bool
refused(const char *message)
{
	return shim_sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED && strcmp(shim_message, message) == 0;
}

/* A statement raises the error of a limit, with this message. */
#define LIMITED(statement, message, name) \
	do { \
		if (SHIM_TRY()) \
		{ \
			statement; \
			SHIM_END(); \
			tap_ok(false, "%s: no error", name); \
		} \
		else \
			tap_ok(refused(message), "%s: %s", name, shim_message); \
	} while (0)

/* Inputs of merges that share a view. */
static void
claim(BarqMergeInput *inputs, int n, BarqView *view, uint32 rows)
{
	view->rows = rows;
	for (int i = 0; i < n; i++)
		inputs[i] = (BarqMergeInput) {view, NULL, rows};
}

static void
test_vectors(void)
{
	static const char *const too_many = "a segment cannot hold more than 1073741823 rows";
	const BarqHnswOptions options = {2, 4};
	const BarqHnswOptions wide = {100, 1000};
	BarqMergeInput inputs[9];
	BarqView	view;
	BarqView	smaller;
	BarqCodec	codec;
	BarqBodyWriter body;
	uint64		bytes;
	uint32		rows;

	memset(&view, 0, sizeof(view));
	memset(&smaller, 0, sizeof(smaller));
	shim_writer_init(&body);
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_NONE, 16000);

	/* as many as a segment holds */
	claim(inputs, 1, &smaller, (BARQ_MAX_ROWS + 1) / 2 - 1);
	claim(inputs + 1, 1, &view, (BARQ_MAX_ROWS + 1) / 2);
	rows = barq_vector_count_live(inputs, 2);
	tap_ok(rows == BARQ_MAX_ROWS, "%u rows are as many as a segment holds", rows);
	bytes = barq_hnsw_work_bytes(&codec, &wide, BARQ_MAX_ROWS, 0);
	tap_ok(bytes > (uint64) BARQ_MAX_ROWS * (16000 * sizeof(float) + 200 * sizeof(uint32)) && bytes < (uint64) BARQ_MAX_ROWS * 70000,
		   "the area of their graph takes " UINT64_FORMAT " bytes: nothing wraps around", bytes);

	/* one more; more than 2^32, whose low bits are few */
	claim(inputs, 2, &view, (BARQ_MAX_ROWS + 1) / 2);
	LIMITED((void) barq_vector_count_live(inputs, 2), too_many, "a row more");
	LIMITED((void) barq_hnsw_work_bytes(&codec, &options, BARQ_MAX_ROWS + 1, 0), too_many, "the area of a graph");
	LIMITED((void) barq_ivf_work_bytes(&codec, 10, inputs, 2), too_many, "the area of lists");
	LIMITED(barq_flat_merge(&body, &codec, inputs, 2), too_many, "a merge to a flat body");
	LIMITED(barq_flat_write(&body, &codec, NULL, 0, NULL, 0, NULL, BARQ_MAX_ROWS + 1, false), too_many, "a flat body");
	claim(inputs, 9, &view, UINT32_C(0x20000000));
	LIMITED((void) barq_vector_count_live(inputs, 9), too_many, "2^32 + 2^29 rows");
	LIMITED((void) barq_ivf_work_bytes(&codec, 10, inputs, 9), too_many, "the area of their lists");
	LIMITED(barq_flat_merge(&body, &codec, inputs, 9), too_many, "their merge");
	tap_ok(body.size == 0, "nothing was written");
	shim_writer_free(&body);
}

/* ---- texts ---- */

#define CLAIMED_ROWS	(UINT32_C(1) << 27)
#define MAPPED_BYTES	(UINT64CONST(1280) * 1024 * 1024)	/* their TIDs and lengths, none of
	* which is read */

static void
test_texts(void)
{
	static BarqMergeInput inputs[33];
	BarqBm25Builder *builder = barq_bm25_builder_create(barq_terms_create(CurrentMemoryContext), 1, true, CurrentMemoryContext);
	BarqBodyWriter small;
	BarqBodyWriter merged;
	BarqView	view;
	char	   *mem;

	/* a body without rows whose last section ends far behind, so that many fit into it */
	shim_writer_init(&small);
	shim_writer_init(&merged);
	barq_bm25_builder_write(builder, &small);
	mem = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		abort();
	memcpy(mem, small.data, small.size);
	memcpy(mem + MAPPED_BYTES - sizeof(BarqBm25Footer), small.data + small.size - sizeof(BarqBm25Footer), sizeof(BarqBm25Footer));
	view = shim_view(&small, false);
	view.base = mem;
	view.size = MAPPED_BYTES;

	claim(inputs, 32, &view, CLAIMED_ROWS);
	LIMITED(barq_bm25_merge(&merged, inputs, 32, NULL), "a segment cannot hold more than 4294967294 rows", "2^32 rows of texts");
	claim(inputs, 33, &view, CLAIMED_ROWS);
	LIMITED(barq_bm25_merge(&merged, inputs, 33, NULL), "a segment cannot hold more than 4294967294 rows", "2^32 + 2^27 rows of texts");
	tap_ok(barq_bm25_merge_bytes(inputs, 33) == UINT64CONST(33) * CLAIMED_ROWS * 14, "the bytes for their rows do not wrap around");
	tap_ok(merged.size == 0, "nothing was written");
	munmap(mem, MAPPED_BYTES);
	shim_writer_free(&small);
	shim_writer_free(&merged);
}

/* ---- bodies ---- */

static void
test_bodies(void)
{
	RelationData index;
	FormData_pg_class class;
	BarqSegmentDesc desc;
	BarqSegmentDesc before;
	uint64		table = barq_image_table_off(BARQ_MAX_BODY);

	memset(&index, 0, sizeof(index));
	memset(&class, 0, sizeof(class));
	memset(&desc, 0x11, sizeof(desc));
	before = desc;
	strcpy(NameStr(class.relname), "items_v");
	index.rd_rel = &class;
	LIMITED(barq_blob_write(&index, &desc, NULL, BARQ_MAX_BODY + 1, NULL),
			"a segment of 1099511627777 bytes is too large for index \"items_v\"", "a body of 2^40 + 1 bytes");
	LIMITED(barq_blob_write(&index, &desc, NULL, PG_UINT64_MAX - 8192, NULL),
			"a segment of 18446744073709543423 bytes is too large for index \"items_v\"", "a body of nearly 2^64 bytes");
	tap_ok(memcmp(&desc, &before, sizeof(desc)) == 0, "the segment's description is as before");

	/* the largest image: each block has a bit, and a checksum within the file */
	tap_ok(barq_image_bits(BARQ_MAX_BODY) == BARQ_MAX_BODY / 4096 + BARQ_MAX_BODY / 4096 / 1024,
		   "the image of a body of 2^40 bytes has a bit for each block");
	tap_ok(table > BARQ_MAX_BODY && barq_image_file_bytes(BARQ_MAX_BODY) == table + BARQ_MAX_BODY / 1024 + BARQ_MAX_BODY / 4096 / 1024 * 4,
		   "and " UINT64_FORMAT " bytes", barq_image_file_bytes(BARQ_MAX_BODY));
}

int
main(void)
{
	shim_init();
	barq_kernels_select("auto");
	test_vectors();
	test_texts();
	test_bodies();
	return tap_done();
}
