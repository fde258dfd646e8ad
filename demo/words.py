#!/usr/bin/env python3
"""Turns the word vectors' JSON into rows for COPY: word, rank, embedding. A few,
chosen by a fixed seed, go to a file of their own, as queries.

    words.py HELD-OUT-FILE < VECTORS.json > words.tsv

The JSON is one object, {…, "vectors": {"the": [100 numbers, norm, rank], …}},
of 300 MB. Its numbers are already as the type vector reads them, so they are
cut out as text, never parsed: seconds instead of a minute, and little memory.
"""

import json
import random
import sys

ROWS = 341479
HELD_OUT = 1000
SEED = 42
BLOCK = 1 << 22


def entries(file):
    """Yields each entry of "vectors" as bytes: b'the":[-0.03,…,6.2,0'."""
    rest = b""
    while b'"vectors":{"' not in rest:
        block = file.read(BLOCK)
        if not block:
            raise SystemExit("words.py: no vectors in this file")
        rest += block
    rest = rest.split(b'"vectors":{"', 1)[1]
    while True:
        # No word holds this separator: a quote inside a word is written \".
        *whole, rest = rest.split(b'],"')
        yield from whole
        block = file.read(BLOCK)
        if not block:
            break
        rest += block
    yield rest.split(b"]", 1)[0]


def main():
    held_out_file, = sys.argv[1:]
    held_out = set(random.Random(SEED).sample(range(ROWS), HELD_OUT))
    count = 0
    words = sys.stdout.buffer
    with open(held_out_file, "wb") as queries:
        for count, entry in enumerate(entries(sys.stdin.buffer), 1):
            word, numbers = entry.rsplit(b'":[', 1)
            vector, _norm, rank = numbers.rsplit(b",", 2)
            if b"\\" in word:
                word = json.loads(b'"' + word + b'"').encode()
                word = word.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n")
            out = queries if count - 1 in held_out else words
            out.write(b"%b\t%b\t[%b]\n" % (word, rank, vector))
    if count != ROWS:
        raise SystemExit(f"words.py: {count} vectors instead of {ROWS}")


if __name__ == "__main__":
    main()
