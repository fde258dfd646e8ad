/*
 * barq from C with libpq: rows are loaded by COPY BINARY, parameters and results
 * are binary, and five searches cost one round trip (pipeline mode).
 *
 *     cc search.c -I$(pg_config --includedir) -L$(pg_config --libdir) -lpq -o search
 *     ./search ../items.tsv
 */
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIMS 3

/* A value in the binary format of PostgreSQL: integers have the first byte first. */
typedef struct Bytes
{
	char		data[1024];
	int			len;
} Bytes;

static void
fail(PGconn *conn, const char *what)
{
	fprintf(stderr, "%s: %s", what, PQerrorMessage(conn));
	PQfinish(conn);
	exit(1);
}

static void
put(Bytes *bytes, const void *data, int len)
{
	if (len > (int) sizeof(bytes->data) - bytes->len)
		abort();
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

static void
put_int(Bytes *bytes, uint64_t value, int size)
{
	while (size-- > 0)
		put(bytes, &(char) {(char) (value >> (8 * size))}, 1);
}

/* vector: the dimensions and 0, of 2 bytes each, then float4s */
static void
put_vector(Bytes *bytes, const float *vector)
{
	put_int(bytes, DIMS, 2);
	put_int(bytes, 0, 2);
	for (int i = 0; i < DIMS; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &vector[i], sizeof(bits));
		put_int(bytes, bits, 4);
	}
}

/* vector[]: one array dimension, no NULLs, the type of elements, length, first index */
static void
put_vectors(Bytes *bytes, Oid type, const float (*vectors)[DIMS], int count)
{
	put_int(bytes, 1, 4);
	put_int(bytes, 0, 4);
	put_int(bytes, type, 4);
	put_int(bytes, count, 4);
	put_int(bytes, 1, 4);
	for (int i = 0; i < count; i++)
	{
		put_int(bytes, 4 + 4 * DIMS, 4);
		put_vector(bytes, vectors[i]);
	}
}

static uint64_t
get_int(PGresult *result, int row, int column)
{
	uint64_t	value = 0;

	for (int i = 0; i < PQgetlength(result, row, column); i++)
		value = value << 8 | (unsigned char) PQgetvalue(result, row, column)[i];
	return value;
}

/* COPY BINARY: a header, the fields of each row with their lengths, -1 */
static void
load(PGconn *conn, const char *path)
{
	FILE	   *file = fopen(path, "r");
	PGresult   *result = PQexec(conn, "COPY items (id, tenant, title, embedding) FROM STDIN (FORMAT binary)");
	Bytes		bytes = {.len = 0};
	long long	id;
	int			tenant;
	char		title[100];
	float		v[DIMS];

	if (!file || PQresultStatus(result) != PGRES_COPY_IN)
		fail(conn, "COPY");
	PQclear(result);
	put(&bytes, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0", 19);
	while (fscanf(file, "%lld %d %99[^\t] [%f,%f,%f]", &id, &tenant, title, &v[0], &v[1], &v[2]) == 6)
	{
		put_int(&bytes, 4, 2);
		put_int(&bytes, 8, 4);
		put_int(&bytes, id, 8);
		put_int(&bytes, 4, 4);
		put_int(&bytes, tenant, 4);
		put_int(&bytes, strlen(title), 4);
		put(&bytes, title, strlen(title));
		put_int(&bytes, 4 + 4 * DIMS, 4);
		put_vector(&bytes, v);
		PQputCopyData(conn, bytes.data, bytes.len);
		bytes.len = 0;
	}
	fclose(file);
	put_int(&bytes, 0xffff, 2);
	PQputCopyData(conn, bytes.data, bytes.len);
	if (PQputCopyEnd(conn, NULL) != 1)
		fail(conn, "COPY");
	while ((result = PQgetResult(conn)) != NULL)
	{
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			fail(conn, "COPY");
		PQclear(result);
	}
}

/* Send a statement with binary parameters; its result, which comes later, is binary too. */
static void
ask(PGconn *conn, const char *sql, int count, const Bytes *const params[])
{
	const char *values[4];
	int			lengths[4],
				formats[4];

	for (int i = 0; i < count; i++)
	{
		values[i] = params[i]->data;
		lengths[i] = params[i]->len;
		formats[i] = 1;
	}
	if (!PQsendQueryParams(conn, sql, count, NULL, values, lengths, formats, 1))
		fail(conn, sql);
}

static void
answer(PGconn *conn, const char *name)
{
	PGresult   *result = PQgetResult(conn);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail(conn, name);
	printf("%s:", name);
	for (int row = 0; row < PQntuples(result); row++)
	{
		printf(" %llu", (unsigned long long) get_int(result, row, 0));
		if (PQnfields(result) == 2)
			printf("=%llu", (unsigned long long) get_int(result, row, 1));
	}
	printf("\n");
	PQclear(result);
	PQgetResult(conn);			/* NULL: the end of this statement's results */
}

int
main(int argc, char **argv)
{
	static const float near_shoes[DIMS] = {0.9f, 0.2f, 0.1f};
	static const float both[2][DIMS] = {{0.9f, 0.2f, 0.1f}, {0.1f, 0.9f, 0.2f}};
	PGconn	   *conn = PQconnectdb("");	/* PGHOST, PGDATABASE and so on */
	PGresult   *result;
	Bytes		vector = {.len = 0},
				vectors = {.len = 0},
				words = {.len = 0},
				tenant = {.len = 0};

	if (PQstatus(conn) != CONNECTION_OK || argc != 2)
		fail(conn, "usage: search items.tsv");
	load(conn, argv[1]);

	result = PQexec(conn, "SELECT 'vector'::regtype::oid");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail(conn, "vector");
	put_vector(&vector, near_shoes);
	put_vectors(&vectors, (Oid) strtoul(PQgetvalue(result, 0, 0), NULL, 10), both, 2);
	put(&words, "red shoes", 9);
	put_int(&tenant, 1, 4);
	PQclear(result);

	PQenterPipelineMode(conn);
	ask(conn, "SELECT id FROM items ORDER BY embedding <=> $1 LIMIT 3", 1,
		(const Bytes *[]) {&vector});
	ask(conn, "SELECT id FROM items ORDER BY title <@> $1 LIMIT 3", 1,
		(const Bytes *[]) {&words});
	ask(conn, "SELECT id FROM items WHERE tenant = $2 ORDER BY embedding <=> $1 LIMIT 3", 2,
		(const Bytes *[]) {&vector, &tenant});
	ask(conn, "SELECT query, (doc).id FROM barq_search_batch(NULL::items, $1::vector[], k => 2)", 1,
		(const Bytes *[]) {&vectors});
	ask(conn, "SELECT (doc).id FROM barq_hybrid(NULL::items, $1::vector, $2, k => 3,"
		" filter => 'tenant = $1', filter_args => ARRAY[$3::int])", 3,
		(const Bytes *[]) {&vector, &words, &tenant});
	PQpipelineSync(conn);
	answer(conn, "nearest");
	answer(conn, "words");
	answer(conn, "filter");
	answer(conn, "batch");
	answer(conn, "hybrid");
	PQfinish(conn);
	return 0;
}
