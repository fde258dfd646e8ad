/*
 * kernels.h
 *	  Distance kernels: the functions every search and build spends its time in.
 *
 * Owns: the table of kernels (BarqKernels), one instance per instruction-set
 * level, and the choice among them. Knows nothing of PostgreSQL: no header of
 * the server is included, so the unit tests link these files alone.
 *
 * All vectors are dense arrays of n elements. Pointers need no alignment;
 * 64-byte alignment is faster. n >= 1.
 */
#ifndef BARQ_KERNELS_H
#define BARQ_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct BarqKernels
{
	const char *name;			/* "baseline", "avx2", "avx512", "vnni", "neon" */

	/* float32 against float32 */
	float		(*l2sq) (const float *a, const float *b, int n);
	float		(*ip) (const float *a, const float *b, int n);
	float		(*l1) (const float *a, const float *b, int n);
	/* a.b, a.a and b.b in one pass */
	void		(*cosine_parts) (const float *a, const float *b, int n,
								 float *ab, float *aa, float *bb);

	/* float32 against IEEE half (f16 codes) */
	float		(*l2sq_f16) (const float *a, const uint16_t *b, int n);
	float		(*ip_f16) (const float *a, const uint16_t *b, int n);
	float		(*l1_f16) (const float *a, const uint16_t *b, int n);
	/* half against half: graph builds on f16 codes */
	float		(*l2sq_f16f16) (const uint16_t *a, const uint16_t *b, int n);
	float		(*ip_f16f16) (const uint16_t *a, const uint16_t *b, int n);
	float		(*l1_f16f16) (const uint16_t *a, const uint16_t *b, int n);
	void		(*f32_to_f16) (const float *src, uint16_t *dst, int n);
	void		(*f16_to_f32) (const uint16_t *src, float *dst, int n);

	/* sq8 codes: unsigned 8 bits a dimension. Integer sums are exact. */
	int32_t		(*ip_u8s8) (const uint8_t *code, const int8_t *query, int n);
	uint32_t	(*ip_u8u8) (const uint8_t *a, const uint8_t *b, int n);
	float		(*ip_f32u8) (const float *query, const uint8_t *code, int n);
	/* sum of |query[i] - (offset + scale * code[i])| */
	float		(*l1_f32u8) (const float *query, const uint8_t *code,
							 float scale, float offset, int n);
	/* sum of |(oa + sa * a[i]) - (ob + sb * b[i])| */
	float		(*l1_u8u8) (const uint8_t *a, float sa, float oa,
							const uint8_t *b, float sb, float ob, int n);

	/*
	 * Batched: one query against nrows codes. Row i lies at
	 * base + ids[i] * stride, or at base + i * stride where ids is NULL. The
	 * following rows are prefetched. out[i] receives what the single form
	 * returns (the same bits).
	 */
	void		(*l2sq_batch) (const float *q, const char *base, size_t stride,
							   const uint32_t *ids, int nrows, int n, float *out);
	void		(*ip_batch) (const float *q, const char *base, size_t stride,
							 const uint32_t *ids, int nrows, int n, float *out);
	void		(*l1_batch) (const float *q, const char *base, size_t stride,
							 const uint32_t *ids, int nrows, int n, float *out);
	void		(*l2sq_f16_batch) (const float *q, const char *base, size_t stride,
								   const uint32_t *ids, int nrows, int n, float *out);
	void		(*ip_f16_batch) (const float *q, const char *base, size_t stride,
								 const uint32_t *ids, int nrows, int n, float *out);
	void		(*l1_f16_batch) (const float *q, const char *base, size_t stride,
								 const uint32_t *ids, int nrows, int n, float *out);
	void		(*ip_u8s8_batch) (const int8_t *q, const char *base, size_t stride,
								  const uint32_t *ids, int nrows, int n, int32_t *out);
	void		(*ip_u8u8_batch) (const uint8_t *q, const char *base, size_t stride,
								  const uint32_t *ids, int nrows, int n, uint32_t *out);
} BarqKernels;

/* The kernels in use; never NULL, the best level of this machine at load. */
extern const BarqKernels *barq_kernels;

/*
 * All levels compiled in, best last; *n receives how many. A level is usable
 * only if barq_kernels_supported() says so.
 */
extern const BarqKernels *const *barq_kernels_all(int *n);
extern bool barq_kernels_supported(const BarqKernels *k);

/*
 * Choose a level by the name the setting barq.simd uses: "auto", "baseline",
 * "avx2", "avx512" (with VNNI where the machine has it), "neon". Returns
 * false, changing nothing, for a level that was not compiled in or that the
 * machine lacks.
 */
extern bool barq_kernels_available(const char *name);
extern bool barq_kernels_select(const char *name);

#endif							/* BARQ_KERNELS_H */
