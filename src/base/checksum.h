/*
 * checksum.h
 *	  CRC-32C of many bytes, which can be interrupted.
 */
#ifndef BARQ_CHECKSUM_H
#define BARQ_CHECKSUM_H

#include "base/interrupts.h"
#include "port/pg_crc32c.h"

/* Bytes between two checks for interrupts. */
#define BARQ_CHECKSUM_PIECE	(UINT64CONST(1024) * 1024)

/*
 * Continue a checksum, which INIT_CRC32C began, with `bytes` bytes; returns it, not
 * finished by FIN_CRC32C. Calls barq_check_interrupts() before each MB.
 */
static inline pg_crc32c
barq_checksum(pg_crc32c crc, const void *data, uint64 bytes)
{
	const char *from = data;

	while (bytes > 0)
	{
		uint64		here = Min(bytes, BARQ_CHECKSUM_PIECE);

		barq_check_interrupts();
		COMP_CRC32C(crc, from, here);
		from += here;
		bytes -= here;
	}
	return crc;
}

#endif							/* BARQ_CHECKSUM_H */
