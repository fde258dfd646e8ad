/*
 * merge_record.c
 *	  The record of a merge that can go on after an interruption (README.md, L18).
 *
 * The metapage has the id of the segment that the merge makes (BarqUpkeep.merge). In
 * the folder of images, <id>.merge names the inputs and which of their rows were dead
 * when they were read; <id>.work is the work area, <id>.img the finished image.
 *
 * The record expires if one of its inputs is gone, if its files are, or if the machine
 * has started since: then parts of the files may be lost. A crash of the server loses
 * nothing, as the kernel has what was written to them.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "store/folder.h"
#include "utils/timestamp.h"

#define MERGE_MAGIC		UINT64CONST(0x4752454d51524142) /* "BARQMERG" */

/* The version of the record, and of the files that it is about. */
#define MERGE_VERSION	1

#define BOOT_ID_FILE	"/proc/sys/kernel/random/boot_id"
#define BOOT_ID_BYTES	40

/* The start of the file <id>.merge; then MergeInputHeader and a bitmap for each input. */
typedef struct MergeHeader
{
	uint64		magic;			/* MERGE_MAGIC */
	uint32		version;		/* MERGE_VERSION */
	uint32		ninputs;
	uint8		id[BARQ_ID_BYTES];	/* of the new segment */
	char		library[24];	/* version of the library; another may lay out areas otherwise */
	char		boot[BOOT_ID_BYTES];	/* of the machine */
	uint64		bytes;			/* of the file */
	pg_crc32c	crc;			/* of the file without this member */
	uint32		unused;
} MergeHeader;

StaticAssertDecl(sizeof(MergeHeader) == 112, "MergeHeader is in files");

typedef struct MergeInputHeader
{
	uint8		id[BARQ_ID_BYTES];
	uint32		rows;
	uint32		dead;			/* 0: no bitmap follows */
} MergeInputHeader;

StaticAssertDecl(sizeof(MergeInputHeader) == 24, "MergeInputHeader is in files");

/*
 * What changes when the machine starts, BOOT_ID_BYTES with zeros at the end. Where
 * the kernel does not tell: when this server started.
 */
static void
boot_id(char *id)
{
	int			fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);

	memset(id, 0, BOOT_ID_BYTES);
	if (fd >= 0)
	{
		ssize_t		n = read(fd, id, BOOT_ID_BYTES - 1);

		close(fd);
		if (n > 0)
			return;
	}
	snprintf(id, BOOT_ID_BYTES, INT64_FORMAT, PgStartTime);
}

static pg_crc32c
record_checksum(const char *data, Size bytes)
{
	const MergeHeader *header = (const MergeHeader *) data;
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, offsetof(MergeHeader, crc));
	crc = barq_checksum(crc, &header->unused, bytes - offsetof(MergeHeader, unused));
	FIN_CRC32C(crc);
	return crc;
}

/* Bytes of an input in the file; multiples of 8. */
static Size
input_bytes(uint32 rows, uint32 dead)
{
	return sizeof(MergeInputHeader) + (dead > 0 ? MAXALIGN(barq_bits_bytes(rows)) : 0);
}

/* The content of the file, palloc'd. */
static char *
make_record(const uint8 *id, const BarqRecordedInput *inputs, uint32 n, Size *bytes)
{
	MergeHeader *header;
	char	   *data;
	char	   *next;

	*bytes = sizeof(MergeHeader);
	for (uint32 i = 0; i < n; i++)
		*bytes += input_bytes(inputs[i].rows, inputs[i].dead != NULL);
	data = palloc_extended(*bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	next = data + sizeof(MergeHeader);
	for (uint32 i = 0; i < n; i++)
	{
		MergeInputHeader *input = (MergeInputHeader *) next;

		memcpy(input->id, inputs[i].id, BARQ_ID_BYTES);
		input->rows = inputs[i].rows;
		input->dead = inputs[i].dead != NULL;
		if (input->dead > 0)
			memcpy(next + sizeof(MergeInputHeader), inputs[i].dead,
				   barq_bits_bytes(inputs[i].rows));
		next += input_bytes(input->rows, input->dead);
	}
	header = (MergeHeader *) data;
	header->magic = MERGE_MAGIC;
	header->version = MERGE_VERSION;
	header->ninputs = n;
	memcpy(header->id, id, BARQ_ID_BYTES);
	strlcpy(header->library, BARQ_VERSION, sizeof(header->library));
	boot_id(header->boot);
	header->bytes = *bytes;
	header->crc = record_checksum(data, *bytes);
	return data;
}

/* Write the file <id>.merge. False with errno set. */
static bool
write_file(const char *path, const char *data, Size bytes)
{
	int			fd = barq_open_file(path, O_RDWR | O_CREAT | O_TRUNC | PG_BINARY,
									"merge record: create");
	Size		done = 0;

	if (fd < 0)
		return false;
	while (done < bytes)
	{
		ssize_t		n = barq_pwrite(fd, data + done, bytes - done, (off_t) done,
									"merge record: write");

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += n;
	}
	barq_file_close(fd);
	return done == bytes;
}

bool
barq_merge_record(Relation index, const uint8 *id, const BarqRecordedInput *inputs, uint32 n)
{
	char	   *path = barq_id_path(barq_image_folder(index), id, ".merge");
	BarqMeta	meta;
	Size		bytes;
	char	   *data;

	Assert(barq_may_maintain(index));	/* L1 */
	barq_meta_read(index, &meta);
	if (BarqRelationIsNew(index) || barq_meta_has_merge(&meta))
		return false;
	data = make_record(id, inputs, n, &bytes);
	if (!write_file(path, data, bytes))
	{
		/* a merge without a record starts over, which is no error */
		barq_unlink(path, "merge record: give up");
		pfree(data);
		return false;
	}
	pfree(data);
	memcpy(meta.upkeep.merge, id, BARQ_ID_BYTES);
	barq_meta_set_upkeep(index, &meta.upkeep);
	barq_step("merge record: made");
	return true;
}

/*
 * The content of the file of the record, palloc'd; NULL if it is missing, damaged, or
 * of another start of the machine or another version.
 */
static const char *
read_record(Relation index, const uint8 *id)
{
	int			fd = barq_path_open(barq_id_path(barq_image_folder(index), id, ".merge"),
									O_RDONLY | PG_BINARY);
	const MergeHeader *header;
	char		boot[BOOT_ID_BYTES];
	struct stat st;
	char	   *data = NULL;
	bool		ok = false;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size >= (off_t) sizeof(MergeHeader))
	{
		data = palloc_extended(st.st_size, MCXT_ALLOC_HUGE);
		ok = pread(fd, data, st.st_size, 0) == st.st_size;
	}
	barq_file_close(fd);
	if (!ok)
		return NULL;
	header = (const MergeHeader *) data;
	boot_id(boot);
	if (header->magic != MERGE_MAGIC || header->version != MERGE_VERSION ||
		header->bytes != (uint64) st.st_size ||
		!EQ_CRC32C(header->crc, record_checksum(data, st.st_size)) ||
		memcmp(header->id, id, BARQ_ID_BYTES) != 0 ||
		strncmp(header->library, BARQ_VERSION, sizeof(header->library)) != 0 ||
		memcmp(header->boot, boot, BOOT_ID_BYTES) != 0)
		return NULL;
	return data;
}

/* Position among n descriptors of the one with an id and so many rows; -1: none. */
static int
find_segment(const BarqSegmentDesc *descs, Size size, uint32 n, const MergeInputHeader *input)
{
	for (uint32 i = 0; i < n; i++)
	{
		const BarqSegmentDesc *desc =
			(const BarqSegmentDesc *) ((const char *) descs + i * size);

		if (memcmp(desc->id, input->id, BARQ_ID_BYTES) == 0 && desc->rows == input->rows)
			return (int) i;
	}
	return -1;
}

/*
 * The inputs of the record of `meta`, palloc'd, or NULL if it has expired. Their
 * positions among n descriptors, which lie `size` bytes apart, go to chosen[].
 */
static BarqRecordedInput *
recorded_inputs(Relation index, const BarqMeta *meta, const BarqSegmentDesc *descs,
				Size size, uint32 n, uint32 *chosen, uint32 *ninputs)
{
	const char *data = read_record(index, meta->upkeep.merge);
	const MergeHeader *header = (const MergeHeader *) data;
	const char *next = data + sizeof(MergeHeader);
	BarqRecordedInput *inputs;
	struct stat st;
	char	   *folder = barq_image_folder(index);

	if (data == NULL ||
		(barq_path_stat(barq_id_path(folder, meta->upkeep.merge, ".work"), &st) != 0 &&
		 barq_path_stat(barq_id_path(folder, meta->upkeep.merge, ".img"), &st) != 0))
		return NULL;
	inputs = palloc(sizeof(BarqRecordedInput) * Max(header->ninputs, 1));
	for (uint32 i = 0; i < header->ninputs; i++)
	{
		const MergeInputHeader *input = (const MergeInputHeader *) next;
		int			at = find_segment(descs, size, n, input);

		if (at < 0)
			return NULL;
		if (chosen != NULL)
			chosen[i] = at;
		inputs[i] = (BarqRecordedInput) {
			.id = input->id, .rows = input->rows,
			.dead = input->dead > 0 ? (const uint8 *) (input + 1) : NULL
		};
		next += input_bytes(input->rows, input->dead);
	}
	*ninputs = header->ninputs;
	return inputs;
}

const BarqRecordedInput *
barq_merge_recorded(Relation index, const BarqMeta *meta, const BarqSnapshot *snapshot,
					uint32 *chosen, uint32 *n)
{
	return recorded_inputs(index, meta, &snapshot->segments[0].desc, sizeof(BarqSegment),
						   snapshot->nsegments, chosen, n);
}

void
barq_merge_forget(Relation index, const uint8 *id)
{
	BarqMeta	meta;
	char	   *folder = barq_image_folder(index);

	Assert(barq_may_maintain(index));	/* L1 */
	barq_meta_read(index, &meta);
	if (memcmp(meta.upkeep.merge, id, BARQ_ID_BYTES) != 0)
		return;
	memset(meta.upkeep.merge, 0, BARQ_ID_BYTES);
	barq_meta_set_upkeep(index, &meta.upkeep);
	barq_step("merge record: forgotten");
	barq_unlink(barq_id_path(folder, id, ".work"), "merge record: remove area");
	barq_unlink(barq_id_path(folder, id, ".merge"), "merge record: remove");
	barq_image_remove(index, id);
}

void
barq_merge_done(Relation index, const uint8 *id)
{
	barq_unlink(barq_id_path(barq_image_folder(index), id, ".merge"), "merge record: done");
}

void
barq_merge_expire(Relation index)
{
	BarqMeta	meta;
	BarqSegmentDesc *descs;
	uint8		id[BARQ_ID_BYTES];
	uint32		n;

	barq_meta_read(index, &meta);
	if (!barq_meta_has_merge(&meta))
		return;
	memcpy(id, meta.upkeep.merge, BARQ_ID_BYTES);
	descs = barq_directory_current(index, &meta, NULL);
	if (recorded_inputs(index, &meta, descs, sizeof(BarqSegmentDesc), meta.segments, NULL,
						&n) == NULL)
	{
		ereport(DEBUG1, (errmsg_internal("the record of a merge has expired")));
		barq_merge_forget(index, id);
	}
	pfree(descs);
}
