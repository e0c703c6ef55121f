"""Casts of the common types beside NumPy + ml_dtypes, and beside stream(); formats and exports.

A case's name is a path, "group/...", by which bench/targets.toml selects it. Sources hold values
that every type in the pair can hold: what happens outside is a matter of rules, not of speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice, permutations, product
from string import ascii_letters
from time import perf_counter_ns

import ml_dtypes
import numpy as np
from numpy._core._internal import _dtype_from_pep3118

import stridecast
from stridecast_bench.library import BenchLibrary
from stridecast_bench.measure import (
    DESTINATION_OFFSET,
    Batch,
    Case,
    Planned,
    Work,
    aligned,
    scaled,
    timed,
)

#: NumPy's name of every arithmetic type, with its format code.
TYPES = {
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
}
SMALL = 16 * 1024
LARGE = 16 * 1024 * 1024


def dtype_of(name: str) -> np.dtype:
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def _range(name: str) -> tuple[float, float]:
    """A closed interval that the type holds, as floats."""
    if name == "bool":
        return 0, 1
    if name in ("float16", "bfloat16", "float32", "float64"):
        return -60000.0, 60000.0
    info = np.iinfo(name)
    return float(info.min), float(info.max)


def values(src: str, dst: str, count: int) -> np.ndarray:
    """`count` values of `src` that `dst` can hold, contiguous, always the same ones."""
    random = np.random.default_rng(20)
    low = max(_range(src)[0], _range(dst)[0])
    high = min(_range(src)[1], _range(dst)[1])
    source = dtype_of(src)
    integers = {"i", "u", "b"}
    if source.kind in integers or dst == "bool":
        # 24 bits: beyond, a peer that goes through float32 rounds twice.
        limit = float(1 << 24)
        low, high = max(low, -limit), min(high, limit)
        return random.integers(int(low), int(high), count, endpoint=True).astype(source)
    if dtype_of(dst).kind in integers:
        # A margin, because bfloat16 rounds 255 up to 256.
        margin = 0.98
        low, high = max(low, -(2.0**62)), min(high, 2.0**62)
        wide = random.uniform(low * margin, high * margin, count)
    else:
        wide = random.standard_normal(count)
    return wide.astype(np.float32).astype(source)


def expect_equal(got: np.ndarray, expected: np.ndarray, name: str) -> None:
    """Every bit of two contiguous arrays, of any shape."""
    got, expected = got.reshape(-1), expected.reshape(-1)
    step = 1 << 20  # items at once: a comparison of everything would need as much memory again
    for start in range(0, got.size, step):
        part = slice(start, start + step)
        same = got[part].view(np.uint8) == expected[part].view(np.uint8)
        if not same.all():
            item = start + int(np.argmin(same)) // got.itemsize
            raise AssertionError(
                f"{name}: item {item} is {got[item]}, the peer has {expected[item]}"
            )


def cast(name: str, src: np.ndarray, dst_name: str, *, seconds: float = 0.1) -> Case:
    """`src` into a warm contiguous destination, beside np.copyto."""
    out = aligned(src.size, dtype_of(dst_name), DESTINATION_OFFSET)
    code = TYPES[dst_name]

    def check() -> None:
        np.copyto(out, src, casting="unsafe")
        expected = out.copy()
        out.view(np.uint8).fill(0xA5)
        stridecast.convert(src, code, out=out)
        expect_equal(out, expected, name)

    ours = timed("convert(a, code, out=o)", convert=stridecast.convert, a=src, o=out, code=code)
    numpy = timed('copyto(o, a, casting="unsafe")', copyto=np.copyto, a=src, o=out)
    return Case(name, ours, {"numpy": numpy}, seconds, check, work=Work.between(src, out))


def _contiguous(name: str, src: str, dst: str) -> Case:
    array = aligned(SMALL, dtype_of(src))
    array[:] = values(src, dst, SMALL)
    return cast(name, array, dst)


def _stride2(name: str, src: str, dst: str) -> Case:
    array = aligned(2 * SMALL, dtype_of(src))[::2]
    array[:] = values(src, dst, SMALL)
    return cast(name, array, dst)


def _byteswapped(name: str, src: str, dst: str) -> Case:
    dtype = dtype_of(src)
    array = aligned(SMALL, dtype)
    array[:] = values(src, dst, SMALL)
    swapped = array.byteswap(inplace=True).view(dtype.newbyteorder())
    return cast(name, swapped, dst)


def _pairs(head: str, make: Callable[..., Case], least_itemsize: int = 1) -> Iterator[Planned]:
    for src, dst in product(TYPES, TYPES):
        if dtype_of(src).itemsize >= least_itemsize:
            yield Planned(f"{head}/{src}/{dst}", make, src, dst)


def _large(name: str, dst: str, library: BenchLibrary | None) -> Case:
    """16 Mi elements, beside streams of the same bytes."""
    src = aligned(LARGE, np.dtype(np.float32))
    src[:] = values("float32", "float32", LARGE)
    case = cast(name, src, dst, seconds=1.5)
    if library is not None:
        # Beside a destination of the streams' own: a check would find the cast's overwritten.
        out = aligned(LARGE, dtype_of(dst), DESTINATION_OFFSET)
        streams = {
            "stream": library.stream(src, out, non_temporal=False),
            "stream-nt": library.stream(src, out, non_temporal=True),
        }
        case.peers = {**streams, **case.peers}
    return case


def large_cases(library: BenchLibrary | None) -> Iterator[Planned]:
    for dst in ("bfloat16", "float16", "float64"):
        yield Planned(f"large/float32/{dst}", _large, dst, library)


#: Of what moves no items: a text is parsed, a plan looked up, memory handed on.
ONE = Work(items=1, read=0, written=0)
STRUCT = "T{<d:x:>q:t:(3)f:v:}"


def _fresh_texts() -> Iterator[str]:
    """STRUCT with other field names, over and over: no text comes twice in 132,600."""
    names = cycle(permutations(ascii_letters, 3))
    return (f"T{{<d:{x}:>q:{t}:(3)f:{v}:}}" for x, t, v in names)


def _parse_each(texts: Iterator[str]) -> Batch:
    """Parses formats that were never seen; the texts are made outside the timing."""
    parse = stridecast.Format

    def over(some: list[str]) -> int:
        start = perf_counter_ns()
        for text in some:
            parse(text)
        return perf_counter_ns() - start

    return lambda n: over(list(islice(texts, n)))


def parse_cases(library: BenchLibrary | None) -> Iterator[Case]:
    """Formats that nobody has parsed before; and for the record, one that was."""
    numpy = timed("parse(text)", parse=_dtype_from_pep3118, text=STRUCT)

    def check() -> None:
        assert stridecast.Format(STRUCT).itemsize == _dtype_from_pep3118(STRUCT).itemsize

    if library is not None:
        yield Case("parse/c++", library.parse_fresh_ns, {"numpy": numpy}, 0.5, check, work=ONE)
    yield Case("parse/python", _parse_each(_fresh_texts()), {"numpy": numpy}, 0.5, check, work=ONE)
    cached = timed("Format(text)", Format=stridecast.Format, text=STRUCT)
    yield Case("parse/python-cached", cached, {"numpy": numpy}, 0.3, check, work=ONE)


TEN_FIELDS = "T{{<d:{}:>q:{}:(3)f:{}:=h:h0:B:b0:>i:i0:5s:s0:(2,2)e:e0:Zd:z0:?:f0:}}"


def _many_items(count: int) -> Iterator[str]:
    """Texts of so many items, each of which begins with another item."""
    return (f"{k}s" + "i" * (count - 1) for k in range(1, 1 << 30))


def format_cases(library: BenchLibrary | None) -> Iterator[Case]:
    """Formats of one letter, of ten fields and of very many items."""
    letter = {"numpy": timed('parse("d")', parse=_dtype_from_pep3118)}
    # There are few letters: from Python, any that is used was parsed before.
    ours = timed('Format("d")', Format=stridecast.Format)
    yield Case("formats/letter", ours, letter, 0.3, work=ONE)
    if library is not None:
        yield Case("formats/letter-uncached/c++", library.parse_letter_ns, letter, 0.3, work=ONE)
    text = TEN_FIELDS.format("x", "y", "z")

    def check() -> None:
        assert stridecast.Format(text).numpy_dtype() == _dtype_from_pep3118(text)

    ten = _parse_each(TEN_FIELDS.format(*names) for names in cycle(permutations(ascii_letters, 3)))
    numpy = timed("parse(text)", parse=_dtype_from_pep3118, text=text)
    yield Case("formats/ten-fields", ten, {"numpy": numpy}, 0.5, check, work=ONE)
    tenth = scaled(_parse_each(_many_items(6_000)), 10)
    many = _parse_each(_many_items(60_000))
    yield Case("formats/60000-items", many, {"tenth": tenth}, 1.5, work=ONE)

    def refused(n: int) -> int:
        start = perf_counter_ns()
        for text in islice(_many_items(100_000), n):
            try:
                stridecast.Format(text)
            except stridecast.FormatError:
                continue
            raise AssertionError("100,000 items are too many")
        return perf_counter_ns() - start

    parsed = scaled(_parse_each(_many_items(60_000)), 100 / 60)
    yield Case("formats/100000-items-refused", refused, {"in-proportion": parsed}, 1, work=ONE)


def export_cases() -> Iterator[Case]:
    """An ndarray's memory handed on, beside NumPy's own memoryview of it."""
    for name, array in (
        ("float32", np.zeros(100, np.float32)),
        ("strided", np.zeros((40, 30, 2), np.int16)[::2, ::-1, 0]),
        ("struct", np.zeros(10, [("x", "f8"), ("y", "i4"), ("z", "S3")])),
    ):
        ours = timed("view(Buffer(a))", view=memoryview, Buffer=stridecast.Buffer, a=array)
        direct = timed("view(a)", view=memoryview, a=array)
        yield Case(f"export/{name}", ours, {"numpy": direct}, 0.3, work=ONE)


def noise_cases(label: str) -> Iterator[Case]:
    """Calls beside themselves: how far from 1 a ratio lies when nothing differs."""
    small = np.arange(8, dtype=np.float32), np.zeros(8, np.float64)
    pairs = {"8": small}
    for size, count in (("16Ki", SMALL), ("1Mi", 64 * SMALL)):
        pairs[size] = aligned(count, np.float32), aligned(count, np.float64, DESTINATION_OFFSET)
    for size, (src, out) in pairs.items():
        work = Work.between(src, out)
        copyto = timed("copyto(o, a)", copyto=np.copyto, a=src, o=out)
        yield Case(f"noise/{label}/copyto-{size}", copyto, {"itself": copyto}, 0.08, work=work)
        ours = timed('convert(a, "d", out=o)', convert=stridecast.convert, a=src, o=out)
        yield Case(f"noise/{label}/convert-{size}", ours, {"itself": ours}, 0.08, work=work)


#: Generators of cases by the first part of their names.
GROUPS: dict[str, Callable[[BenchLibrary | None], Iterator[Case | Planned]]] = {
    "parse": parse_cases,
    "formats": format_cases,
    "export": lambda _: export_cases(),
    "contiguous": lambda _: _pairs("contiguous", _contiguous),
    "stride2": lambda _: _pairs("stride2", _stride2),
    "byteswapped": lambda _: _pairs("byteswapped", _byteswapped, 2),
    "large": large_cases,
}
