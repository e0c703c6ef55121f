"""Records of an instrument: a FITS table of big-endian structs to native columns, and structs.

The table is the weather at a telescope array, one float64, eight float32 and two int32 a record of
48 bytes: 20 records that astropy's test data has, repeated to 400,000. pandas and others take no
big-endian columns, so that everybody who reads such files does this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import stridecast
from stridecast_bench.cases.workloads.ways import Way, carried, destination, fills, workload
from stridecast_bench.measure import Case, Planned, Work, aligned, timed
from stridecast_bench.peers.libraries import find, find_numba

FILE = ("io", "fits", "tests", "data", "zerowidth.fits")
PART = "AIPS WX"
REPEATS = 20_000


def _records() -> np.ndarray:
    with find("astropy.io.fits").open(carried("astropy", *FILE)) as parts:
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


def _swapped_words(words: np.ndarray, wide: np.ndarray, narrow: np.ndarray) -> None:
    """Numba knows native arrays only: the bytes are swapped by hand."""
    for k in range(words.shape[0]):
        for w in range(words.shape[1]):
            x = words[k, w]
            x = ((x >> 8) & np.uint32(0x00FF00FF)) | ((x & np.uint32(0x00FF00FF)) << 8)
            x = (x >> 16) | (x << 16)
            if w < 2:
                wide[2 * k + 1 - w] = x
            else:
                narrow[w - 2, k] = x


def _numba(records: np.ndarray) -> Way | None:
    """One pass over the records, as words: its columns are the rows of one matrix."""
    numba = find_numba()
    if numba is None:
        return None
    words = records.view("u4").reshape(records.size, -1)
    wide = destination(2 * records.size, "u4")
    narrow = destination((words.shape[1] - 2, records.size), "u4")
    names = {"run": numba.njit(nogil=True)(_swapped_words), "a": words, "w": wide, "rest": narrow}
    batch = timed("run(a, w, rest)", **names)
    types = [records.dtype[k].newbyteorder("=") for k in range(1, len(records.dtype))]

    def result() -> list[np.ndarray]:
        batch(1)
        return [wide.view("f8"), *(row.view(kind) for row, kind in zip(narrow, types, strict=True))]

    return Way(batch, result)


def _columns_of(name: str) -> Case:
    records = _records()
    columns = _columns(records)
    convert = stridecast.convert
    ours = _field_by_field(lambda out, field: convert(field, None, out=out), records, columns)
    peers = {
        "numpy": _field_by_field(np.copyto, records, columns),
        "numpy-blocks": _numpy_blocks(records, columns),
        "numba": _numba(records),
    }
    work = Work(records.size, records.nbytes, records.nbytes)
    return workload(name, ours, peers, work)


# To structs


def _swapped_records(words: np.ndarray, out: np.ndarray) -> None:
    for k in range(words.shape[0]):
        for w in range(words.shape[1]):
            x = words[k, w]
            x = ((x >> 8) & np.uint32(0x00FF00FF)) | ((x & np.uint32(0x00FF00FF)) << 8)
            out[k, w if w > 1 else 1 - w] = (x >> 16) | (x << 16)


def _numba_structs(records: np.ndarray, out: np.ndarray) -> Way | None:
    numba = find_numba()
    if numba is None:
        return None
    words, into = (a.view("u4").reshape(a.size, -1) for a in (records, out))
    run = numba.njit(nogil=True)(_swapped_records)
    return fills(timed("run(a, o)", run=run, a=words, o=into), out)


def _structs(name: str) -> Case:
    records = _records()
    out = destination(records.shape, records.dtype.newbyteorder("="))
    names = {"convert": stridecast.convert, "a": records, "o": out}
    pairs = [(out[field], records[field]) for field in records.dtype.names]

    def by_field() -> None:
        for into, field in pairs:
            np.copyto(into, field)

    peers = {
        "numpy": fills(timed("copyto(o, a)", copyto=np.copyto, a=records, o=out), out),
        "numpy-fields": fills(timed("run()", run=by_field), out),
        "numba": _numba_structs(records, out),
    }
    work = Work(records.size, records.nbytes, out.nbytes)
    return workload(name, fills(timed("convert(a, None, out=o)", **names), out), peers, work)


def cases() -> Iterator[Planned]:
    if carried("astropy", *FILE) is None or find("astropy.io.fits") is None:
        return
    yield Planned("workload/table/columns", _columns_of)
    yield Planned("workload/table/structs", _structs)
