"""Records of an instrument: a FITS table of big-endian structs to native columns, and structs.

The table is the weather at a telescope array, one float64, eight float32 and two int32 a record of
48 bytes: 20 records that astropy's test data has, repeated to 400,000. pandas and others take no
big-endian columns, so that everybody who reads such files does this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.ways import Way, carried, destination, fills, tool, workload
from stridecast_bench.measure import Case, Planned, Work, aligned, timed
from stridecast_bench.peers.libraries import find_numba
from stridecast_bench.peers.loops import swapper

FILE = ("io", "fits", "tests", "data", "zerowidth.fits")
PART = "AIPS WX"
REPEATS = 20_000
#: Of 4 bytes in a record. A number that the compiler knows makes its loops six times as fast.
WORDS = 12


def _records() -> np.ndarray:
    with tool("astropy.io.fits").open(carried("astropy", *FILE)) as parts:
        stored = np.asarray(parts[PART].data)
        few = stored.view(np.dtype(stored.dtype.descr)).copy()
    records = aligned(few.size * REPEATS, few.dtype)
    records[:] = np.tile(few, REPEATS)
    return records


def _columns(records: np.ndarray) -> dict[str, np.ndarray]:
    fields = records.dtype.fields.items()
    return {
        name: destination(records.shape, dtype.newbyteorder("=")) for name, (dtype, _) in fields
    }


def _field_by_field(copy: Callable, records: np.ndarray, columns: dict[str, np.ndarray]) -> Way:
    pairs = [(records[name], column) for name, column in columns.items()]

    def run() -> None:
        for field, column in pairs:
            copy(column, field)

    return fills(timed("run()", run=run), *columns.values())


def _numpy_blocks(records: np.ndarray, columns: dict[str, np.ndarray]) -> Way:
    """All fields of a few thousand records at a time, while the cache holds these."""
    block = 4096
    pairs = [
        (records[start : start + block][name], column[start : start + block])
        for start in range(0, records.size, block)
        for name, column in columns.items()
    ]

    def run() -> None:
        for field, column in pairs:
            np.copyto(column, field)

    return fills(timed("run()", run=run), *columns.values())


@cache
def _loops() -> tuple[Callable, Callable]:
    """Of records as words, the first two of them a float64: to rows of a matrix, and to records.

    Numba knows native arrays only: the bytes are swapped as bits.
    """
    numba, swapped = find_numba(), swapper()

    @numba.njit(nogil=True)
    def to_rows(words: np.ndarray, wide: np.ndarray, narrow: np.ndarray) -> None:
        for k in range(words.shape[0]):
            wide[2 * k + 1] = swapped(words[k, 0])
            wide[2 * k] = swapped(words[k, 1])
            for w in range(2, WORDS):
                narrow[w - 2, k] = swapped(words[k, w])

    @numba.njit(nogil=True)
    def to_records(words: np.ndarray, out: np.ndarray) -> None:
        for k in range(words.shape[0]):
            out[k, 1] = swapped(words[k, 0])
            out[k, 0] = swapped(words[k, 1])
            for w in range(2, WORDS):
                out[k, w] = swapped(words[k, w])

    return to_rows, to_records


def _numba(records: np.ndarray) -> Way | None:
    """One pass over the records, as words: its columns are the rows of one matrix."""
    if find_numba() is None:
        return None
    words = records.view("u4").reshape(records.size, WORDS)
    wide = destination(2 * records.size, "u4")
    narrow = destination((WORDS - 2, records.size), "u4")
    names = {"run": _loops()[0], "a": words, "w": wide, "rest": narrow}
    batch = timed("run(a, w, rest)", **names)
    types = [records.dtype[k].newbyteorder("=") for k in range(1, len(records.dtype))]

    def result() -> list[np.ndarray]:
        batch(1)
        return [wide.view("f8"), *(row.view(kind) for row, kind in zip(narrow, types, strict=True))]

    return Way(batch, result)


def _columns_of(name: str) -> Case:
    records = _records()
    columns = _columns(records)
    names = {"split": stridecast.split, "records": records, "columns": columns}
    ours = fills(timed("split(records, out=columns)", **names), *columns.values())
    peers = {
        "numpy": partial(_field_by_field, np.copyto, records, columns),
        "numpy-blocks": partial(_numpy_blocks, records, columns),
        "numba": partial(_numba, records),
    }
    work = Work(records.size, records.nbytes, records.nbytes)
    return workload(name, ours, peers, work)


# To structs


def _numba_structs(records: np.ndarray, out: np.ndarray) -> Way | None:
    if find_numba() is None:
        return None
    words, into = (a.view("u4").reshape(a.size, WORDS) for a in (records, out))
    return fills(timed("run(a, o)", run=_loops()[1], a=words, o=into), out)


def _structs(name: str) -> Case:
    records = _records()
    out = destination(records.shape, records.dtype.newbyteorder("="))
    names = {"convert": stridecast.convert, "a": records, "o": out}
    pairs = [(out[field], records[field]) for field in records.dtype.names]

    def by_field() -> None:
        for into, field in pairs:
            np.copyto(into, field)

    peers = {
        "numpy": lambda: fills(timed("copyto(o, a)", copyto=np.copyto, a=records, o=out), out),
        "numpy-fields": lambda: fills(timed("run()", run=by_field), out),
        "numba": partial(_numba_structs, records, out),
    }
    work = Work(records.size, records.nbytes, out.nbytes)
    return workload(name, fills(timed("convert(a, None, out=o)", **names), out), peers, work)


def cases() -> Iterator[Planned]:
    if carried("astropy", *FILE) is None or tool("astropy.io.fits") is None:
        return
    yield Planned("workload/table/columns", _columns_of)
    yield Planned("workload/table/structs", _structs)
