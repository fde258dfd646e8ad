"""The types that vectors are indexed as: how their values are rounded, written
in the form that COPY ... (FORMAT binary) reads, and named in SQL.

All sides get the same values: a base of float32 is rounded once, before exact
answers are computed from it.
"""

import numpy as np

FLOAT_OPERATORS = {"l2": "<->", "ip": "<#>", "cosine": "<=>", "l1": "<+>"}
BIT_OPERATORS = {"hamming": "<~>", "jaccard": "<%>"}
OPERATORS = FLOAT_OPERATORS | BIT_OPERATORS


class Vector:
    """float32; the base class of the others."""

    name = "vector"
    operators = FLOAT_OPERATORS
    quantization = "sq8"            # what barq has where it is not said

    def column(self, dims):
        return f"{self.name}({dims})"

    def rounded(self, values):
        """(n, dims) of float32 as the type keeps them, float32 still."""
        return values

    def copy_binary(self, vectors, first_id):
        """Yields the bytes of COPY (id int, v …) FROM STDIN (FORMAT binary)."""
        yield b"PGCOPY\n\xff\r\n\0" + bytes(8)
        for start in range(0, len(vectors), 10000):
            yield self.rows(vectors[start:start + 10000], first_id + start)
        yield b"\xff\xff"

    def rows(self, part, first_id, element=">f4"):
        dims = part.shape[1]
        head = [("dims", ">i2"), ("zero", ">i2")]
        out = records(len(part), first_id, head + [("v", element, (dims,))])
        out["dims"] = dims
        out["v"] = part
        return out.tobytes()


class Halfvec(Vector):
    name = "halfvec"

    def rounded(self, values):
        return values.astype(np.float16).astype(np.float32)

    def rows(self, part, first_id, element=">f2"):
        return super().rows(part, first_id, element)


class Sparsevec(Vector):
    """What is zero in a dense array is left out."""

    name = "sparsevec"
    quantization = "none"

    def rows(self, part, first_id, element=">f4"):
        out = []
        dims = part.shape[1]
        for i, row in enumerate(part):
            at = np.flatnonzero(row)
            value = np.array([dims, len(at), 0], ">i4").tobytes() + \
                at.astype(">i4").tobytes() + row[at].astype(element).tobytes()
            out += [np.array(2, ">i2").tobytes(),
                    np.array([4, first_id + i, len(value)], ">i4").tobytes(), value]
        return b"".join(out)


class Bit(Vector):
    """A bit a dimension: whether the value is above zero."""

    name = "bit"
    operators = BIT_OPERATORS
    quantization = "none"

    def rounded(self, values):
        return (values > 0).astype(np.float32)

    def rows(self, part, first_id, element="u1"):
        packed = np.packbits(part > 0, axis=1)
        out = records(len(part), first_id,
                      [("bits", ">i4"), ("v", element, (packed.shape[1],))])
        out["bits"] = part.shape[1]
        out["v"] = packed
        return out.tobytes()


def records(n, first_id, value):
    """n rows of COPY's binary form, all as long; `value`: the fields of v."""
    size = np.dtype(value).itemsize
    out = np.zeros(n, np.dtype([("fields", ">i2"), ("id_size", ">i4"), ("id", ">i4"),
                                ("v_size", ">i4")] + value))
    out["fields"] = 2
    out["id_size"] = 4
    out["id"] = np.arange(first_id, first_id + n)
    out["v_size"] = size
    return out


ELEMENTS = {e.name: e for e in (Vector(), Halfvec(), Sparsevec(), Bit())}
