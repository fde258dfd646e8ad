/*
 * test_long_loops.c
 *	  Loops over gigabytes check for interrupts often: checksums, the clearing of memory
 *	  and of a graph's area, the verification of an image. One that an interrupt ends has
 *	  kept what it verified, and another process goes on there.
 */
#include "postgres.h"

#include "base/checksum.h"
#include "flat/flat.h"
#include "hnsw/hnsw_work.h"
#include "store/folder.h"
#include "store/image.h"
#include "store/residency.h"
#include "hnsw_bodies.h"

#define MB (UINT64CONST(1024) * 1024)

/* ---- what image_verify.c calls ---- */

static int	removed;

void
barq_residency_verified(BarqMapping *mapping)
{
}

int
barq_path_stat(const char *path, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	return 0;
}

int
barq_path_unlink(const char *path)
{
	removed++;
	return 0;
}

uint32
barq_marker_first_clear(const BarqMarker *marker, uint32 bits)
{
	uint32		bit = 0;

	while (bit < bits && barq_marker_bit(marker, bit))
		bit++;
	return bit;
}

/* ---- the hook: it is called where interrupts are checked ---- */

static int	checks;
static int	raise_at;			/* the check at which an error is raised; 0: none */

static void
count_checks(void)
{
	if (++checks == raise_at)
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("canceled")));
}

/* Have the hook count from 0 on, and raise an error at a check. */
static void
watch(int at)
{
	checks = 0;
	raise_at = at;
	barq_interrupts_hook = count_checks;
}

static char *
many_bytes(uint64 bytes)
{
	char	   *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	return mem;
}

static void
test_checksum(void)
{
	const uint64 bytes = 5 * MB + 3;
	char	   *mem = many_bytes(bytes);
	pg_crc32c	whole;
	pg_crc32c	parts;

	for (uint64 i = 0; i < bytes; i++)
		mem[i] = (char) (i * 7919 >> 5);
	INIT_CRC32C(whole);
	COMP_CRC32C(whole, mem, bytes);
	INIT_CRC32C(parts);
	watch(0);
	parts = barq_checksum(parts, mem, bytes);
	ok(EQ_CRC32C(whole, parts) && checks == 6, "a checksum of 5 MB and 3 bytes: %d checks, before each MB", checks);
	watch(3);
	if (SHIM_TRY())
	{
		(void) barq_checksum(parts, mem, bytes);
		SHIM_END();
		ok(false, "a checksum is canceled");
	}
	else
		ok(shim_sqlstate == ERRCODE_QUERY_CANCELED && checks == 3, "a checksum is canceled");
	munmap(mem, bytes);
}

static void
test_fill(void)
{
	const uint64 bytes = 50 * MB + 1;
	char	   *mem = many_bytes(bytes + 1);

	watch(0);
	barq_fill(mem, 0x5a, bytes);
	ok(checks == 4 && mem[0] == 0x5a && mem[bytes - 1] == 0x5a && mem[bytes] == 0,
	   "50 MB and a byte are cleared: %d checks, before each 16 MB", checks);
	watch(3);
	if (SHIM_TRY())
	{
		barq_fill(mem, 0, bytes);
		SHIM_END();
		ok(false, "clearing is canceled");
	}
	else
		ok(mem[32 * MB - 1] == 0 && mem[32 * MB] == 0x5a, "clearing is canceled after 32 MB");
	munmap(mem, bytes + 1);
}

/* ---- the area of a graph ---- */

#define ROWS		100000
#define DIMS		2
#define LIST_M		100			/* lists of 80 MB */

static BarqHnswWork *area_watched;
static uint64 filled_before;	/* MB of the lists */
static uint64 most_filled;		/* between two checks */

/* How many MB of the lists are cleared is seen at their first bytes. */
static void
look_at_lists(void)
{
	uint64		filled = 0;

	if (area_watched->rows != ROWS || area_watched->list_bytes == 0)
		return;
	while (filled * MB < (uint64) ROWS * area_watched->list_bytes &&
		   (uint8) ((char *) area_watched)[area_watched->lists_off + filled * MB] == 0xff)
		filled++;
	most_filled = Max(most_filled, filled - Min(filled, filled_before));
	filled_before = filled;
}

static void
test_area(void)
{
	BarqHnswOptions options = {LIST_M, 2 * LIST_M};
	float	   *x = random_vectors(ROWS, DIMS);
	BarqBodyWriter flat;
	BarqCodec	codec;
	BarqView	view;
	BarqMergeInput input;
	uint64		bytes;
	char	   *mem;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_NONE, DIMS);
	make_flat(&flat, &codec, x, ROWS, 0);
	view = shim_view(&flat, false);
	input = (BarqMergeInput) {&view, NULL, view.rows};
	bytes = barq_hnsw_work_bytes(&codec, &options, ROWS, barq_vector_rows_bytes(&input));
	mem = many_bytes(bytes);
	area_watched = (BarqHnswWork *) mem;
	barq_interrupts_hook = look_at_lists;
	(void) barq_hnsw_work_load(mem, &codec, &options, &input, 1, NULL);
	look_at_lists();
	ok(filled_before >= 70 && most_filled > 0 && most_filled <= 17,
	   "the lists of an area, %d MB, are cleared with checks: at most %d MB between two",
	   (int) filled_before, (int) most_filled);
	munmap(mem, bytes);
	shim_writer_free(&flat);
	free(x);
}

/* ---- an image ---- */

/* Eight pieces and a bit, with three blocks of checksums. */
#define BODY	(8 * MB + 12345)
#define ALL		PG_UINT64_MAX

typedef struct Image
{
	BarqMapping mapping;
	pg_crc32c  *sums;
	pg_crc32c  *root;
} Image;

/* An image in memory of which nothing is verified. */
static void
make_image(Image *image)
{
	uint32		blocks = (uint32) barq_image_blocks(BODY);
	uint32		sum_blocks = (uint32) barq_image_sum_blocks(blocks);
	char	   *body = many_bytes(BODY);

	for (uint64 i = 0; i < BODY; i++)
		body[i] = (char) (i * 104729 >> 7);
	memset(image, 0, sizeof(*image));
	image->sums = (pg_crc32c *) many_bytes(sum_blocks * BARQ_IMAGE_BLOCK);
	image->root = (pg_crc32c *) many_bytes(sum_blocks * sizeof(pg_crc32c));
	for (uint32 i = 0; i < blocks; i++)
	{
		INIT_CRC32C(image->sums[i]);
		COMP_CRC32C(image->sums[i], body + i * BARQ_IMAGE_BLOCK, Min(BARQ_IMAGE_BLOCK, BODY - i * BARQ_IMAGE_BLOCK));
		FIN_CRC32C(image->sums[i]);
	}
	for (uint32 i = 0; i < sum_blocks; i++)
	{
		INIT_CRC32C(image->root[i]);
		COMP_CRC32C(image->root[i], (char *) image->sums + i * BARQ_IMAGE_BLOCK, BARQ_IMAGE_BLOCK);
		FIN_CRC32C(image->root[i]);
	}
	image->mapping.body = body;
	image->mapping.body_bytes = BODY;
	image->mapping.blocks = blocks;
	image->mapping.sums = image->sums;
	image->mapping.root = image->root;
	image->mapping.path = "image";
	image->mapping.marker.bytes = MB;
	image->mapping.marker.marker = (BarqMarker *) many_bytes(MB);
	image->mapping.marker.marker->bits = barq_image_bits(BODY);
}

static void
free_image(Image *image)
{
	uint64		sum_blocks = barq_image_sum_blocks(image->mapping.blocks);

	munmap((char *) image->mapping.body, BODY);
	munmap(image->sums, sum_blocks * BARQ_IMAGE_BLOCK);
	munmap(image->root, sum_blocks * sizeof(pg_crc32c));
	munmap(image->mapping.marker.marker, MB);
}

static void
test_verify(void)
{
	Image		image;
	BarqMapping *mapping = &image.mapping;
	uint32		verified;
	bool		intact;

	make_image(&image);
	watch(0);
	intact = barq_mapping_verify(mapping, ALL);
	ok(intact && barq_mapping_is_verified(mapping) && checks == 9,
	   "an image of 8 MB and a bit is verified: %d checks, one each MB", checks);
	free_image(&image);

	/* canceled: verified blocks stay so, and the next process goes on behind them */
	make_image(&image);
	watch(3);
	if (SHIM_TRY())
	{
		(void) barq_mapping_verify(mapping, ALL);
		SHIM_END();
		ok(false, "the verification is canceled");
	}
	else
	{
		verified = barq_marker_first_clear(mapping->marker.marker, mapping->blocks);
		ok(shim_sqlstate == ERRCODE_QUERY_CANCELED && verified == 3 * MB / BARQ_IMAGE_BLOCK && !mapping->damaged,
		   "the verification is canceled after %u blocks, which stay verified", verified);
	}
	ok(!barq_mapping_is_verified(mapping), "the image is not complete");
	watch(0);
	intact = barq_mapping_verify(mapping, ALL);
	ok(intact && barq_mapping_is_verified(mapping) && checks == 6,
	   "it is completed by %d more MB", checks);
	free_image(&image);

	/* damage behind the place of the cancel is found */
	make_image(&image);
	((char *) mapping->body)[7 * MB + 5] ^= 1;
	watch(2);
	if (SHIM_TRY())
	{
		(void) barq_mapping_verify(mapping, ALL);
		SHIM_END();
		ok(false, "the verification is canceled");
	}
	else
		ok(!mapping->damaged && removed == 0, "canceled before the damage");
	watch(0);
	intact = barq_mapping_verify(mapping, ALL);
	ok(!intact && mapping->damaged && removed == 1 && !barq_mapping_is_verified(mapping), "the damage is found when it goes on, and the file removed");
	free_image(&image);

	/* a process killed within its piece has claimed it: others take up what it left */
	make_image(&image);
	pg_atomic_write_u32(&mapping->marker.marker->cursor, 2 * MB / BARQ_IMAGE_BLOCK);
	watch(0);
	intact = barq_mapping_verify(mapping, ALL);
	ok(intact && barq_mapping_is_verified(mapping),
	   "what a killed process had claimed is verified by the next one");
	free_image(&image);
}

int
main(void)
{
	shim_init();
	barq_kernels_select("auto");
	test_checksum();
	test_fill();
	test_area();
	test_verify();
	printf("1..%d\n", ntests);
	return nfailed > 0;
}
