"""Writes docs/passes.md: in how many passes each numeric type reaches each other one.

    python scripts/passes_table.py docs/passes.md

The numbers come from Plan's own text, so that they are what runs. tests/python/test_passes.py
compares the file with what this writes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import stridecast

FORMATS = {
    "bool": "?",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float16": "e",
    "bfloat16": "E",
    "float32": "f",
    "float64": "d",
    "long double": "g",
    "complex32": "Ze",
    "bcomplex32": "ZE",
    "complex64": "Zf",
    "complex128": "Zd",
    "complex long double": "Zg",
    **{
        name: f"[ml_dtypes${name}]"
        for name in (
            "float8_e3m4",
            "float8_e4m3",
            "float8_e4m3b11fnuz",
            "float8_e4m3fn",
            "float8_e4m3fnuz",
            "float8_e5m2",
            "float8_e5m2fnuz",
            "float8_e8m0fnu",
            "float6_e2m3fn",
            "float6_e3m2fn",
            "float4_e2m1fn",
            "int2",
            "uint2",
            "int4",
            "uint4",
        )
    },
}

TEXT = """# Passes of every pair

How many kernels a packed run of each numeric type (rows) passes on its way to each other one
(columns), under the default options, on AVX-512 with VBMI2 (AVX3_DL). 1 is direct; 0 is a copy of
the bits. More go through scratch that stays in L1, a few hundred items at a time, and round once
all the same: where a rounding would be seen twice, the carrier between is rounded to odd
(docs/decisions.md 30). `print(stridecast.plan(src, dst, shape))` names the kernels. Overflow rules
other than wrap, and other roundings, add a pass of their own.

Written by `scripts/passes_table.py`.

"""


def passes(src: str, dst: str) -> int:
    """How many kernels a plan calls for a chunk; 0 where one move does it."""
    steps = str(stridecast.plan(src, dst, (1000,))).strip().splitlines()[-1].split(" -> ")
    return 0 if len(steps) == 1 and steps[0].strip().startswith("move") else len(steps)


def table() -> str:
    """The page."""
    names = list(FORMATS)
    width = max(map(len, names)) + 3
    columns = range(1, len(names) + 1)
    lines = [" " * width + "".join(f"{column:3}" for column in columns)]
    for row, src in zip(columns, names, strict=True):
        cells = (passes(FORMATS[src], FORMATS[dst]) for dst in names)
        lines.append(f"{row:2} {src}".ljust(width) + "".join(f"{cell:3}" for cell in cells))
    return TEXT + "```\n" + "\n".join(lines) + "\n```\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(table(), encoding="ascii")
