"""What keeps memory alive, and that nothing else does: every way out of a Buffer, every refusal.

A source counts as let go when it dies (weak references), when its reference count is back, and
when a bytearray that was locked can be resized again.
"""

import gc
import resource
import sys
import weakref
from array import array

import ml_dtypes
import numpy as np
import pytest
from test_buffer import (
    ANY_CONTIGUOUS,
    C_CONTIGUOUS,
    F_CONTIGUOUS,
    FORMAT,
    ND,
    SIMPLE,
    STRIDES,
    WRITABLE,
    get_buffer,
)

import stridecast as sc

STRUCT = np.dtype([("x", "f8"), ("n", ">i4"), ("s", "S3")], align=True)
PAIR = "T{d:re:d:im:}"


def flags_of(*flags):
    return lambda b: [get_buffer(b, each) for each in flags]


#: Everything that a Buffer of numbers hands out over its own memory.
EXPORTS = {
    "memoryview": memoryview,
    "memoryview slice": lambda b: memoryview(b)[1:],
    "memoryview cast": lambda b: memoryview(b).cast("B"),
    "all requests": flags_of(
        *(SIMPLE, WRITABLE, ND, STRIDES, STRIDES | FORMAT, STRIDES | FORMAT | WRITABLE),
        *(C_CONTIGUOUS, ANY_CONTIGUOUS, F_CONTIGUOUS, 0x100 | STRIDES | FORMAT),
    ),
    "numpy": lambda b: b.numpy(),
    "numpy slice": lambda b: b.numpy()[::2],
    "np.asarray": np.asarray,
    "asarray": sc.asarray,
    "ascontiguous": sc.ascontiguous,
    "Buffer": sc.Buffer,
    "Buffer of memoryview": lambda b: sc.Buffer(memoryview(b)),
    "Buffer of ndarray": lambda b: sc.Buffer(b.numpy()),
    "view": lambda b: b.view("q"),
    "view of bytes": lambda b: b.view("B"),
    "slice": lambda b: b[1:3],
    "reversed": lambda b: b[::-1],
    "transpose": lambda b: b.T,
    "iterator": iter,
    "arrow array": lambda b: b.__arrow_c_array__(),
    "dlpack": lambda b: b.__dlpack__(),
    "dlpack versioned": lambda b: b.__dlpack__(max_version=(1, 1)),
    "from_dlpack": np.from_dlpack,
    "context": lambda b: b.__enter__(),
}
#: Copies and values: nothing of the source stays behind.
VALUES = {
    "item": lambda b: b[0],
    "tolist": lambda b: b.tolist(),
    "convert": lambda b: sc.convert(b, "f"),
    "copy": sc.copy,
    "byteswap": sc.byteswap,
    "reduce": lambda b: sc.reduce(b, "sum"),
    "format": lambda b: (b.format, b.format.fields, b.format.numpy_dtype(), sc.Format.of(b)),
    "repr": repr,
    "arrow schema": lambda b: b.__arrow_c_schema__(),
    "plan": lambda b: sc.plan(b, np.zeros(8, "f4")),
}
#: What is refused, with what.
REFUSALS = {
    "not writable": lambda b: get_buffer(sc.Buffer(bytes(16)), WRITABLE),
    "not contiguous": lambda b: get_buffer(b[::2], C_CONTIGUOUS),
    "format without shape": lambda b: get_buffer(b, FORMAT),
    "bytes that do not divide": lambda b: b.view("11s"),
    "a format that is none": lambda b: b.view("i<"),
    "no such field": lambda b: b.field("nope"),
    "no such item": lambda b: b[1000],
    "a bad key": lambda b: b["x"],
    "no conversion": lambda b: sc.convert(b, PAIR),
    "a bad out": lambda b: sc.convert(b, "f", out=b[:1]),
    "overlap": lambda b: sc.convert(b[:-1], "d", out=b[1:]) and sc.convert(b, "f", out=b),
    "more than one item": lambda b: b.item(),
}


def source():
    """An ndarray that can be watched, and a weak reference to it."""
    x = np.arange(8.0)
    return x, weakref.ref(x)


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_keeps_its_source_until_it_is_gone(name):
    x, alive = source()
    count = sys.getrefcount(x)
    b = sc.Buffer(x)
    made = EXPORTS[name](b)
    assert sys.getrefcount(x) > count
    del b, x
    gc.collect()
    if name != "all requests":  # these are released at once
        assert alive() is not None
    del made
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("name", [*EXPORTS, *VALUES])
def test_reference_counts_come_back(name):
    use = {**EXPORTS, **VALUES}[name]
    x, _ = source()
    b = sc.Buffer(x)
    use(b)  # what is remembered from the first time is remembered once
    gc.collect()
    counts = sys.getrefcount(x), sys.getrefcount(b), sys.getrefcount(None)
    for _ in range(200):
        use(b)
    gc.collect()
    after = sys.getrefcount(x), sys.getrefcount(b), sys.getrefcount(None)
    assert after[:2] == counts[:2]
    assert abs(after[2] - counts[2]) < 100


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_let_go(name):
    x, alive = source()
    b = sc.Buffer(x)
    counts = sys.getrefcount(x), sys.getrefcount(b)
    for _ in range(100):
        with pytest.raises(Exception) as caught:
            REFUSALS[name](b)
        assert not isinstance(caught.value, (AttributeError, NameError, SystemError))
        del caught
    gc.collect()
    assert (sys.getrefcount(x), sys.getrefcount(b)) == counts
    b.release()
    del b, x
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(
    "make",
    [
        lambda data: sc.Buffer(data),
        lambda data: sc.Buffer(memoryview(data)[2:]),
        lambda data: sc.Buffer(data).view("H"),
        lambda data: sc.asarray(data),
        lambda data: memoryview(sc.Buffer(data)),
        lambda data: sc.Buffer(data).numpy()[3:],
        lambda data: sc.Buffer(data).view("T{B:a:B:b:}").field("b"),
    ],
)
def test_a_bytearray_is_locked_exactly_so_long(make):
    data = bytearray(16)
    made = make(data)
    with pytest.raises(BufferError):
        data.append(1)
    del made
    gc.collect()
    data.append(1)


def test_a_bytearray_stays_free_after_copies_and_refusals():
    data = bytearray(16)
    for use in (
        lambda: sc.convert(data, "d"),
        lambda: sc.copy(data),
        lambda: sc.Format.of(data),
        lambda: sc.convert(data, "i<"),
        lambda: sc.convert(data, "d", out=bytes(128)),
        lambda: sc.convert(np.zeros(16), "B", out=data),
    ):
        try:
            use()
        except (ValueError, BufferError) as error:
            del error
        data.append(1)
        data.pop()


@pytest.mark.parametrize(
    "dtype", [STRUCT, "M8[us]", ml_dtypes.bfloat16, ml_dtypes.int4, "S3", ">U2", "c16", "(2,)f4"]
)
def test_dtypes_are_not_collected_or_lost(dtype):
    dtype = np.dtype(dtype)
    x = np.zeros(4, dtype)
    for export in (lambda: sc.Buffer(x).numpy(), lambda: memoryview(sc.Buffer(x))):
        export()
        counts = sys.getrefcount(dtype), sys.getrefcount(x.dtype), sys.getrefcount(x)
        for _ in range(100):
            export()
        gc.collect()
        after = sys.getrefcount(dtype), sys.getrefcount(x.dtype), sys.getrefcount(x)
        # The cache of formats by dtype may meanwhile have dropped its one reference.
        assert all(abs(b - a) <= 1 for a, b in zip(after, counts, strict=True))


def test_fields_of_structs():
    x = np.zeros(4, STRUCT)
    alive = weakref.ref(x)
    fields = [sc.Buffer(x).field(name) for name in STRUCT.names]
    parts = sc.split(sc.Buffer(x))  # fresh arrays
    del x
    assert alive() is not None
    del fields
    gc.collect()
    assert alive() is None and len(parts) == 3


def test_cycles_through_a_buffer_are_collected():
    class Exporter(np.ndarray):
        pass

    x = np.zeros(3).view(Exporter)
    x.buffer = sc.Buffer(x)
    x.view_of_it = memoryview(sc.Buffer(x))
    alive = weakref.ref(x)
    del x
    gc.collect()
    assert alive() is None


def test_types_of_dtypes_may_die():
    """What formats are remembered by is let go once others take its place."""
    alive = weakref.ref(np.dtype([("only", "i4"), ("here", "f8")]).type)
    assert alive() is not None  # numpy.void itself; the dtype cannot be watched
    before = len(gc.get_objects())
    for k in range(2000):
        sc.Format.of(np.dtype([(f"n{k}", "i4"), ("m", "f8")]))
    gc.collect()
    assert len(gc.get_objects()) < before + 1500  # 128 of them are remembered


@pytest.mark.slow
@pytest.mark.parametrize("name", [*EXPORTS, *VALUES])
def test_resident_memory_stays(name):
    use = {**EXPORTS, **VALUES}[name]
    data = array("d", range(8))

    def run(n):
        for _ in range(n):
            use(sc.Buffer(data))
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    first = run(20_000)
    assert run(100_000) < first + 2048  # KiB: less than 21 bytes a turn
