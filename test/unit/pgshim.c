/*
 * pgshim.c
 *	  See pgshim.h. Each chunk of memory is linked to its context, so that
 *	  sanitizers find leaks, and freeing a chunk twice crashes.
 */
#include "pgshim.h"

#include "port/pg_crc32c.h"

#include <sys/mman.h>

#include "base/interrupts.h"
#include "utils/memutils.h"

#undef snprintf
#undef vsnprintf
#undef fprintf
#undef qsort

typedef struct ShimChunk
{
	struct ShimChunk *prev;
	struct ShimChunk *next;
	struct ShimContext *context;
	Size		size;
} ShimChunk;

typedef struct ShimContext
{
	ShimChunk	head;
	MemoryContextCallback *callbacks;
	struct ShimContext *parent;
} ShimContext;

MemoryContext TopMemoryContext = NULL;
MemoryContext CurrentMemoryContext = NULL;
volatile sig_atomic_t InterruptPending = 0;
void		(*barq_interrupts_hook) (void) = NULL;
uint64		barq_maintenance_bytes = 0;

jmp_buf		shim_jump;
bool		shim_catching = false;
int			shim_sqlstate;
char		shim_message[1024];

static MemoryContext
context_create(MemoryContext parent)
{
	ShimContext *c = calloc(1, sizeof(ShimContext));

	c->head.prev = c->head.next = &c->head;
	c->parent = (ShimContext *) parent;
	return (MemoryContext) c;
}

void
shim_init(void)
{
	TopMemoryContext = context_create(NULL);
	CurrentMemoryContext = TopMemoryContext;
}

MemoryContext
shim_context_push(void)
{
	CurrentMemoryContext = context_create(CurrentMemoryContext);
	return CurrentMemoryContext;
}

void
shim_context_pop(void)
{
	ShimContext *c = (ShimContext *) CurrentMemoryContext;

	while (c->callbacks != NULL)
	{
		MemoryContextCallback *cb = c->callbacks;

		c->callbacks = cb->next;
		cb->func(cb->arg);
	}
	CurrentMemoryContext = (MemoryContext) c->parent;
	while (c->head.next != &c->head)
		pfree(c->head.next + 1);
	free(c);
}

void *
MemoryContextAllocExtended(MemoryContext context, Size size, int flags)
{
	ShimContext *c = (ShimContext *) context;
	ShimChunk  *chunk = malloc(sizeof(ShimChunk) + size);

	if (chunk == NULL)
		abort();
	/* garbage, so that reads of bytes never written fail */
	memset(chunk + 1, (flags & MCXT_ALLOC_ZERO) ? 0 : 0x7e, size);
	chunk->size = size;
	chunk->context = c;
	chunk->next = c->head.next;
	chunk->prev = &c->head;
	c->head.next->prev = chunk;
	c->head.next = chunk;
	return chunk + 1;
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, 0);
}

void *
MemoryContextAllocHuge(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, 0);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_ZERO);
}

void *
palloc(Size size)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, 0);
}

void *
palloc0(Size size)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, MCXT_ALLOC_ZERO);
}

void
pfree(void *pointer)
{
	ShimChunk  *chunk = (ShimChunk *) pointer - 1;

	chunk->prev->next = chunk->next;
	chunk->next->prev = chunk->prev;
	free(chunk);
}

void *
palloc_extended(Size size, int flags)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size, flags);
}

void *
repalloc_huge(void *pointer, Size size)
{
	ShimChunk  *chunk = (ShimChunk *) pointer - 1;
	void	   *copy = MemoryContextAllocExtended((MemoryContext) chunk->context, size, 0);

	memcpy(copy, pointer, Min(size, chunk->size));
	pfree(pointer);
	return copy;
}

void *
repalloc(void *pointer, Size size)
{
	return repalloc_huge(pointer, size);
}

char *
pnstrdup(const char *text, Size length)
{
	char	   *copy;

	length = strnlen(text, length);
	copy = palloc(length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *
pstrdup(const char *text)
{
	return pnstrdup(text, strlen(text));
}

char *
psprintf(const char *format,...)
{
	char		text[1024];
	va_list		args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return pstrdup(text);
}

/* Here, deleting a context does not delete its children. */
MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name, Size min_size,
							  Size init_size, Size max_size)
{
	return context_create(parent);
}

void
MemoryContextReset(MemoryContext context)
{
	ShimContext *c = (ShimContext *) context;

	while (c->head.next != &c->head)
		pfree(c->head.next + 1);
}

void
MemoryContextDelete(MemoryContext context)
{
	MemoryContextReset(context);
	free(context);
}

/* 19 takes pointers to constants */
#if PG_VERSION_NUM >= 190000
typedef const ItemPointerData *TidArgument;
#else
typedef ItemPointer TidArgument;
#endif

bool
ItemPointerEquals(TidArgument a, TidArgument b)
{
	return ItemPointerCompare(a, b) == 0;
}

int32
ItemPointerCompare(TidArgument a, TidArgument b)
{
	BlockNumber x = ItemPointerGetBlockNumberNoCheck(a);
	BlockNumber y = ItemPointerGetBlockNumberNoCheck(b);

	if (x != y)
		return x < y ? -1 : 1;
	return (int) ItemPointerGetOffsetNumberNoCheck(a) - (int) ItemPointerGetOffsetNumberNoCheck(b);
}

void
MemoryContextRegisterResetCallback(MemoryContext context, MemoryContextCallback *cb)
{
	ShimContext *c = (ShimContext *) context;

	cb->next = c->callbacks;
	c->callbacks = cb;
}

bool
errstart(int elevel, const char *domain)
{
	shim_sqlstate = ERRCODE_INTERNAL_ERROR;
	shim_message[0] = '\0';
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int sqlerrcode)
{
	shim_sqlstate = sqlerrcode;
	return 0;
}

int
errmsg(const char *fmt,...)
{
	va_list		ap;

	va_start(ap, fmt);
	vsnprintf(shim_message, sizeof(shim_message), fmt, ap);
	va_end(ap);
	return 0;
}

int
errhint(const char *fmt,...)
{
	return 0;
}

int
errmsg_internal(const char *fmt,...)
{
	va_list		ap;

	va_start(ap, fmt);
	vsnprintf(shim_message, sizeof(shim_message), fmt, ap);
	va_end(ap);
	return 0;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	if (shim_catching)
	{
		shim_catching = false;
		longjmp(shim_jump, 1);
	}
	fprintf(stderr, "%s:%d: %s\n", filename, lineno, shim_message);
	abort();
}

#ifdef USE_ASSERT_CHECKING
/* PostgreSQL 16 dropped the argument with the kind of failure */
#if PG_VERSION_NUM >= 160000
void
ExceptionalCondition(const char *condition, const char *file, int line)
#else
void
ExceptionalCondition(const char *condition, const char *type, const char *file, int line)
#endif
{
	fprintf(stderr, "%s:%d: assertion \"%s\"\n", file, line, condition);
	abort();
}
#endif

void
ProcessInterrupts(void)
{
}

int
pg_snprintf(char *str, size_t count, const char *fmt,...)
{
	va_list		ap;
	int			n;

	va_start(ap, fmt);
	n = vsnprintf(str, count, fmt, ap);
	va_end(ap);
	return n;
}

void
pg_qsort(void *base, size_t n, size_t size, int (*cmp) (const void *, const void *))
{
	qsort(base, n, size, cmp);
}

void
shim_writer_init(BarqBodyWriter *writer)
{
	memset(writer, 0, sizeof(*writer));
}

void
shim_writer_free(BarqBodyWriter *writer)
{
	if (writer->data != NULL)
		munmap(writer->data, writer->capacity);
	memset(writer, 0, sizeof(*writer));
}

void
barq_body_write(BarqBodyWriter *writer, const void *data, Size len)
{
	if (writer->size + len > writer->capacity)
	{
		Size		capacity = Max(writer->capacity * 2, Max(writer->size + len, 1 << 20));
		char	   *bigger;

		capacity = TYPEALIGN(1 << 21, capacity);
		bigger = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (bigger == MAP_FAILED)
			abort();
		if (writer->data != NULL)
		{
			memcpy(bigger, writer->data, writer->size);
			munmap(writer->data, writer->capacity);
		}
		writer->data = bigger;
		writer->capacity = capacity;
	}
	if (len > 0)
		memcpy(writer->data + writer->size, data, len);
	writer->size += len;
}

void
barq_body_align(BarqBodyWriter *writer)
{
	static const char zeros[BARQ_BODY_ALIGN];

	barq_body_write(writer, zeros,
					(BARQ_BODY_ALIGN - writer->size % BARQ_BODY_ALIGN) % BARQ_BODY_ALIGN);
}

uint64
barq_body_offset(const BarqBodyWriter *writer)
{
	return writer->size;
}

BarqView
shim_view(const BarqBodyWriter *writer, bool pages)
{
	BarqView	view;
	const BarqBodyHeader *body = (const BarqBodyHeader *) writer->data;

	memset(&view, 0, sizeof(view));
	view.base = pages ? NULL : writer->data;
	view.pages = writer->data;
	view.size = writer->size;
	view.rows = body->rows;
	view.kind = body->kind;
	return view;
}

/* A new block for each read; the last one is freed, so that stale pointers fail. */
const void *
barq_view_read_pages(BarqView *view, uint64 off, Size len)
{
	static char *last = NULL;
	static Size last_len = 0;
	char	   *copy;

	if (off > view->size || len > view->size - off)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("read outside of the segment")));
	if (view->base != NULL)
		return view->base + off;
	if (last != NULL)
	{
		memset(last, 0x5a, last_len);
		free(last);
	}
	copy = aligned_alloc(64, TYPEALIGN(64, Max(len, 1)));
	memcpy(copy, (const char *) view->pages + off, len);
	last = copy;
	last_len = len;
	return copy;
}

/* ---- checksums: CRC-32C byte by byte, under each name that COMP_CRC32C() may use ---- */

static pg_crc32c
comp_crc32c(pg_crc32c crc, const void *data, size_t len)
{
	const unsigned char *from = data;

	while (len-- > 0)
	{
		crc ^= *from++;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
	}
	return crc;
}

#define CRC_NAME(name) \
	extern pg_crc32c name(pg_crc32c crc, const void *data, size_t len); \
	pg_crc32c	name(pg_crc32c crc, const void *data, size_t len) { return comp_crc32c(crc, data, len); }
CRC_NAME(pg_comp_crc32c_sb8)
CRC_NAME(pg_comp_crc32c_sse42)
CRC_NAME(pg_comp_crc32c_armv8)
CRC_NAME(pg_comp_crc32c_loongarch)
#undef pg_comp_crc32c
extern pg_crc32c (*pg_comp_crc32c) (pg_crc32c crc, const void *data, size_t len);
pg_crc32c	(*pg_comp_crc32c) (pg_crc32c crc, const void *data, size_t len) = comp_crc32c;
