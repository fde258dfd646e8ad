/*
 * tap.h
 *	  Output of unit tests (the Test Anything Protocol), and their random
 *	  numbers.
 */
#ifndef BARQ_TAP_H
#define BARQ_TAP_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* With a sanitizer: the search for leaks needs ptrace(), which containers may forbid. */
extern		__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static int	tap_count;
static int	tap_failures;

static void __attribute__((format(printf, 2, 3)))
tap_ok(bool passed, const char *format,...)
{
	va_list		args;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	tap_failures += !passed;
}

static int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures > 0;
}

/* xorshift64*: the same numbers everywhere */
static uint64_t random_state = 88172645463325252u;

static inline uint64_t
random_bits(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 2685821657736338717u;
}

/* in [0, 1) */
static inline double
random_uniform(void)
{
	return (double) (random_bits() >> 11) * 0x1p-53;
}

/* nearly normal, mean 0 and deviation 1: eight uniforms */
static inline double
random_normal(void)
{
	double		sum = 0;

	for (int k = 0; k < 4; k++)
	{
		uint64_t	bits = random_bits();

		sum += (double) (bits >> 32) * 0x1p-32 + (double) (uint32_t) bits * 0x1p-32;
	}
	return (sum - 4) * 1.2247448713915890;
}

#endif							/* BARQ_TAP_H */
