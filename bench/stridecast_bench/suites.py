"""What a run times: the families of cases with their titles, and profiles that choose of them."""

from __future__ import annotations

from dataclasses import dataclass

#: Titles by the first part of a case's name, in the order of reports.
FAMILIES = {
    "cast": "Casts by cache level",
    "matrix": "Casts of every type to every other, 16 Ki items",
    "contiguous": "Casts of NumPy's own types, 16 Ki items",
    "hot": "Common casts out of memory, 16 Mi items",
    "stride2": "Casts of every second item",
    "byteswapped": "Casts of items in the other byte order",
    "large": "Casts beside streams, 16 Mi items",
    "strided": "Sources that are read with a step",
    "byteswap": "Byte order",
    "relayout": "Transposes and channels by cache level",
    "square": "Transposes of squares",
    "neighbour": "Transposes of squares and of their neighbours in size",
    "fused": "Transposes that convert",
    "permutation": "Permutations of axes",
    "image": "Images: channels to planes and back",
    "copy": "Copies",
    "struct": "Fields of structs",
    "scale": "Scale, offset and missing values by cache level",
    "decode": "Packed measurements to floats",
    "encode": "Floats to packed measurements",
    "time": "Units of times by cache level",
    "time-units": "Units of times",
    "time-stream": "Units of times beside streams",
    "time-text": "Times as texts",
    "text": "Texts of fixed length by cache level",
    "time-fields": "Calendar fields",
    "time-epoch": "Time since an epoch",
    "sum": "Sums by cache level",
    "argmax": "Index of the largest by cache level",
    "reduce-small": "Reductions of 128 x 128",
    "reduce-large": "Reductions of 4096 x 4096",
    "reduce-stream": "Sums beside reads",
    "reduce-algorithm": "Sums by other algorithms",
    "small": "Calls on few items",
    "parse": "Reading the format of a struct",
    "formats": "Reading formats",
    "export": "Handing memory on",
    "workload": "Real workloads",
    "threads": "Several threads",
    "hot-threads": "Common casts on several threads",
    "reduce-threads": "Sums on several threads",
}


#: What rows of targets.toml ask for, but no user would compare: a look-up beside a conversion, C++
#: beside calls from Python.
WITHOUT = ("small/convert", "small/plan-lookup/*", "small/plan-make/c++")
#: Families that have cells on several threads.
THREADED = ("threads", "hot-threads", "reduce-threads")


@dataclass(frozen=True)
class Profile:
    """Cases by glob, the seconds that each takes, and the numbers of threads."""

    title: str
    cases: tuple[str, ...]
    seconds: float
    #: Also with as many threads as there are CPUs, and with every power of two below.
    threads: bool = False


PROFILES = {
    "check": Profile(
        "what make bench-check compares with the baseline: some of every family, in cache",
        (
            "cast/L2/*",
            "small/*",
            "time-units/*",
            "time-text/*",
            "reduce-small/sum/*/none",
            "reduce-small/argmax/*/1",
            "relayout/L2/*",
            "byteswap/L2/*",
            "scale/L2/*",
        ),
        0.1,
    ),
    "quick": Profile(
        "the common cases of every family: minutes",
        (
            "cast/*",
            "relayout/*",
            "byteswap/*",
            "struct/*",
            "scale/*",
            "time/*",
            "time-text/*",
            "time-fields/*",
            "time-epoch/*",
            "text/*",
            "sum/*",
            "argmax/*",
            "small/*",
            "formats/*",
        ),
        0.1,
    ),
    "standard": Profile(
        "quick, with the matrix of casts, small reductions, real workloads and threads",
        (
            "cast/*",
            "matrix/*",
            "strided/*",
            "relayout/*",
            "image/*",
            "byteswap/*",
            "struct/*",
            "scale/*",
            "time/*",
            "time-*",
            "text/*",
            "sum/*",
            "argmax/*",
            "reduce-small/*",
            "small/*",
            "formats/*",
            "workload/*",
            "threads/*",
        ),
        0.15,
        threads=True,
    ),
    "full": Profile("everything there is: hours", ("*",), 0.3, threads=True),
}


def thread_counts(cpus: int) -> list[int]:
    """One, the powers of two below the number of CPUs, and that number: 1, 2, 4, 6 of 6."""
    powers = [1 << k for k in range(cpus.bit_length()) if 1 << k < cpus]
    return [*powers, cpus] if cpus > 1 else [1]
