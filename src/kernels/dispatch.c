/*
 * dispatch.c
 *	  The levels that were compiled in, the test whether this machine supports
 *	  a level, and the choice of the level in use.
 */
#include "kernels.h"

#include <string.h>
#include <strings.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

extern const BarqKernels barq_kernels_baseline;
#if defined(__x86_64__)
extern const BarqKernels barq_kernels_avx2;
extern const BarqKernels barq_kernels_avx512;
extern const BarqKernels barq_kernels_vnni;
#elif defined(__aarch64__)
extern const BarqKernels barq_kernels_neon;
#endif

static const BarqKernels *const levels[] = {
	&barq_kernels_baseline,
#if defined(__x86_64__)
	&barq_kernels_avx2,
	&barq_kernels_avx512,
	&barq_kernels_vnni,
#elif defined(__aarch64__)
	&barq_kernels_neon,
#endif
};

#define NLEVELS ((int) (sizeof(levels) / sizeof(levels[0])))

const BarqKernels *barq_kernels = &barq_kernels_baseline;
uint64_t	barq_rows_scored = 0;

const BarqKernels *const *
barq_kernels_all(int *n)
{
	*n = NLEVELS;
	return levels;
}

#if defined(__x86_64__)
/*
 * __builtin_cpu_supports() returns false for AVX and AVX-512 if the operating
 * system does not save their registers. Not every compiler knows the name
 * "f16c", hence cpuid.
 */
static bool
have_avx2(void)
{
	unsigned int eax,
				ebx,
				ecx,
				edx;

	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
		__get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C) != 0;
}

/* AVX-512 with BW, VL and DQ. */
static bool
have_avx512(void)
{
	return have_avx2() &&
		__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

/* AVX-512 with BW, VL, DQ, VNNI and VPOPCNTDQ. */
static bool
have_vnni(void)
{
	return have_avx512() && __builtin_cpu_supports("avx512vnni") &&
		__builtin_cpu_supports("avx512vpopcntdq");
}
#endif

bool
barq_kernels_supported(const BarqKernels *k)
{
#if defined(__x86_64__)
	if (k == &barq_kernels_avx2)
		return have_avx2();
	if (k == &barq_kernels_avx512)
		return have_avx512();
	if (k == &barq_kernels_vnni)
		return have_vnni();
#endif
	/* the compiler targets the baseline; aarch64 always has NEON */
	(void) k;
	return true;
}

/*
 * The level that a value of barq.simd names on this machine, or NULL. Upper and lower
 * case are the same, as in settings whose values PostgreSQL lists.
 */
static const BarqKernels *
find_level(const char *name)
{
	for (int i = NLEVELS - 1; i >= 0; i--)
	{
		const BarqKernels *k = levels[i];

		if (!barq_kernels_supported(k))
			continue;
		if (strcasecmp(name, "auto") == 0 || strcasecmp(name, k->name) == 0)
			return k;
		/* "avx512" also names its extension */
		if (strcasecmp(name, "avx512") == 0 && strcmp(k->name, "vnni") == 0)
			return k;
	}
	return NULL;
}

bool
barq_kernels_available(const char *name)
{
	return find_level(name) != NULL;
}

bool
barq_kernels_select(const char *name)
{
	const BarqKernels *k = find_level(name);

	if (k == NULL)
		return false;
	barq_kernels = k;
	return true;
}

void
barq_kernels_init(void)
{
	barq_kernels_select("auto");
}
