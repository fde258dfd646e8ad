/*
 * test_types.c
 *	  A short run of the fuzz targets of the vector types (see
 *	  test/fuzz/fuzz_types.h) on valid inputs with random changes, the same in
 *	  each run.
 *
 *	  test_types [RUNS]		number of changed inputs of each target
 */
#include "../fuzz/fuzz_types.h"

#include "tap.h"

#define INPUT_MAX 200000

static int
at_most(int limit, uint64 number)
{
	return number < (uint64) limit ? (int) number : limit;
}

typedef struct Input
{
	uint8	   *data;
	int			size;
} Input;

static void
input_set(Input *input, const void *data, int size)
{
	input->data[0] = 1;
	memcpy(input->data + 1, data, size);
	input->size = size + 1;
}

/* Valid inputs of each target, which are then changed. */
static void
input_start(const FuzzTarget *target, Input *input)
{
	static const char *const dense_texts[] = {
		"[1,2,3]", " [ 1.5 , -2e3,\t+.25 ] ", "[0.1]", "[65504,-65504,6e-8]",
		"[3.4028235e38,1e-45,0x1p3]", "[123456789012345678901234567890,-0,0.00000000000000000000001]"
	};
	static const char *const sparse_texts[] = {
		"{1:1,2:2,3:3}/3", " { 3 : 1.5 , 1 : -2e3 } / 3 ", "{}/1000000000", "{1:0,2:-0}/2",
		"{1000000000:3.4028235e38,16001:1e-45}/1000000000"
	};
	const char *text = target->type == &fuzz_sparsevec
		? sparse_texts[random_bits() % lengthof(sparse_texts)]
		: dense_texts[random_bits() % lengthof(dense_texts)];

	if (target->binary)
	{
		void	   *value;
		char	   *bytes;

		/* a halfvec cannot hold all of the numbers above */
		if (target->type == &fuzz_halfvec)
			text = dense_texts[random_bits() % 4];
		value = DatumGetPointer(fuzz_call(target->type->in, text, -1));
		bytes = (char *) DatumGetPointer(fuzz_call(target->type->send, value, -1));
		input_set(input, VARDATA(bytes), VARSIZE(bytes) - VARHDRSZ);
	}
	else
	{
		input_set(input, text, strlen(text));

		/* the largest number of elements, and one less or more */
		if (random_bits() % 256 == 0)
		{
			bool		sparse = target->type == &fuzz_sparsevec;
			int			elements = 15999 + (int) (random_bits() % 3);

			input->size = 1;
			for (int i = 1; i <= elements; i++)
				input->size += sprintf((char *) input->data + input->size,
									   sparse ? "%c%d:1" : "%c1",
									   i > 1 ? ',' : sparse ? '{' : '[',
									   i);
			input->size += sprintf((char *) input->data + input->size,
								   sparse ? "}/20000" : "]");
		}
	}
}

/* Replace `old` bytes at a position by other bytes, if there is room. */
static void
input_replace(Input *input, int at, int old, const void *data, int size)
{
	if (input->size - old + size > INPUT_MAX)
		return;
	memmove(input->data + at + size, input->data + at + old, input->size - at - old);
	memcpy(input->data + at, data, size);
	input->size += size - old;
}

static void
input_change(const FuzzTarget *target, Input *input)
{
	static const char *const tokens[] = {
		"[", "]", "{", "}", ",", ":", "/", " ", "\t", "\v", "-", "+", ".", "e", "e-", "E+", "0", "1", "9", "00",
		"nan", "-nan", "inf", "Infinity", "0x", "0x1p-149", "p", "1e38", "3.5e38", "1e39", "65504", "65519.99", "65520",
		"1e-46", "1e-45", "1e-8", "16777217", "2147483647", "2147483648", "-2147483649", "16000", "16001", "1000000000",
		"1000000001", "99999999999999999999", "18446744073709551616", "0.000000000000000000000000000001",
		"1:1,", "1,", "}/3", "\x80", "\xff", "_", "\"", "\\"
	};
	static const uint32 numbers[] = {
		0, 1, 2, 3, 4, 0x7fff, 0x8000, 0xffff, 0x3e80, 0x3e81, 0x7fffffff, 0x80000000, 0xffffffff,
		0x7f800000, 0xff800000, 0x7fc00000, 0x7c00, 0xfc00, 0x7e00, 0x7bff, 1000000000, 1000000001
	};
	int			at = 1 + (int) (random_bits() % input->size);
	int			left;
	uint8		byte = (uint8) random_bits();

	at = Min(at, input->size);
	left = input->size - at;
	switch (random_bits() % 8)
	{
		case 0:					/* change a byte, perhaps the type modifier's */
			if (random_bits() % 4 == 0)
				input->data[0] = byte;
			else
				input_replace(input, at, Min(left, 1), &byte, 1);
			break;
		case 1:					/* remove some bytes */
			input_replace(input, at, at_most(left, 1 + random_bits() % 8), "", 0);
			break;
		case 2:					/* cut the end off */
			input->size = at;
			break;
		case 3:					/* repeat a piece, sometimes beyond all limits */
			{
				int			size = at_most(left, 1 + random_bits() % 16);
				int			times = random_bits() % 512 == 0 ? 16001 : 1 + (int) (random_bits() % 3);
				uint8		piece[16];

				memcpy(piece, input->data + at, size);
				if (size * times <= INPUT_MAX - input->size)
				{
					memmove(input->data + at + size * times, input->data + at, left);
					for (int i = 0; i < times; i++)
						memcpy(input->data + at + size * i, piece, size);
					input->size += size * times;
				}
				break;
			}
		default:				/* insert a token */
			if (target->binary)
			{
				uint32		number = pg_hton32(numbers[random_bits() % lengthof(numbers)]);
				int			width = random_bits() % 2 ? 4 : 2;

				at = Min(1 + (at - 1) / width * width, input->size);
				input_replace(input, at, at_most(input->size - at, random_bits() % 4 ? width : 0),
							  (char *) &number + 4 - width, width);
			}
			else
			{
				const char *token = tokens[random_bits() % lengthof(tokens)];

				input_replace(input, at, at_most(left, random_bits() % 3), token, strlen(token));
			}
	}
}

int
main(int argc, char **argv)
{
	int			runs = argc > 1 ? atoi(argv[1]) : 40000;
	static uint8 buffer[INPUT_MAX];
	Input		input = {buffer, 0};

	shim_init();
	for (int t = 0; t < (int) lengthof(fuzz_targets); t++)
	{
		const FuzzTarget *target = &fuzz_targets[t];
		const char *wrong = NULL;
		int			good = 0;

		for (int run = 0; run < runs && wrong == NULL; run++)
		{
			bool		accepted;

			shim_context_push();
			input_start(target, &input);
			shim_context_pop();
			for (int changes = (int) (random_bits() % 6); changes > 0; changes--)
				input_change(target, &input);

			wrong = fuzz_one(target, input.data, input.size, &accepted);
			good += accepted;
		}
		tap_ok(wrong == NULL, "%s: each input gives an expected error or a valid value", target->name);
		if (wrong != NULL)
			printf("# %s, for \"%.*s\"\n", wrong, Min(input.size - 1, 200), input.data + 1);

		/* useful inputs are accepted sometimes, and sometimes refused */
		tap_ok(good > runs / 20 && good < runs * 19 / 20, "%s: %d of %d inputs accepted",
			   target->name, good, runs);
	}
	return tap_done();
}
