"""Buffer: reading every kind of exporter, indexing, values of items, exporting again, lifetime."""

import ctypes
import datetime
import gc
import itertools
import subprocess
import sys
import weakref
from array import array

import ml_dtypes
import numpy as np
import pytest
from conftest import bfloat16, bits
from py_buffer import PyBuffer

import stridecast as sc


def grid():
    return np.arange(24, dtype="i2").reshape(2, 3, 4)


def test_attributes():
    x = grid()[:, ::-1]
    b = sc.Buffer(x)
    assert (b.shape, b.strides, b.ndim, b.size) == (x.shape, x.strides, 3, 24)
    assert (b.itemsize, b.nbytes, b.readonly, len(b)) == (2, 48, False, 2)
    assert b.format == sc.Format("h")
    assert sc.Buffer(b"x").readonly
    assert "Buffer 'h'" in repr(b)


INDICES = [
    0,
    -1,
    slice(None),
    slice(None, None, -1),
    slice(3, 0, -2),
    slice(5, 9),
    slice(2**70),
    ...,
    slice(1, 2, 2**62),
]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_indexing_as_numpy(n):
    x = grid()
    b = sc.Buffer(x)
    for key in itertools.product(INDICES, repeat=n):
        if sum(part is ... for part in key) > 1:
            continue
        expected = x[key]
        got = b[key] if n > 1 else b[key[0]]
        if isinstance(expected, np.ndarray):
            assert got.shape == expected.shape
            assert got.tolist() == expected.tolist()
        else:
            assert type(got) is int and got == expected


@pytest.mark.parametrize("key", [2, -3, (0, 3), (0, 0, 0, 0), (..., ...), 2**70])
def test_bad_index(key):
    with pytest.raises(IndexError):
        sc.Buffer(grid())[key]


def test_bad_index_type():
    for key in (None, 1.0, "a", [0]):
        with pytest.raises(TypeError):
            sc.Buffer(grid())[key]


def test_no_dimensions():
    b = sc.Buffer(np.array(2.5, "f4"))
    assert b.shape == () and b.item() == 2.5 and b.tolist() == 2.5 and b[()] == 2.5
    assert b[...].shape == ()
    for bad in (len, iter):
        with pytest.raises(TypeError):
            bad(b)
    with pytest.raises(IndexError):
        b[0]


def test_iteration_and_transposition():
    b = sc.Buffer(grid())
    assert [part.tolist() for part in b] == grid().tolist()
    assert b.T.tolist() == grid().T.tolist()
    assert b.T.strides == (2, 8, 24)


def test_item_needs_one_item():
    assert sc.Buffer(grid())[1:, 2:, 3:].item() == 23
    for bad in (grid(), grid()[:0]):
        with pytest.raises(ValueError, match="one item"):
            sc.Buffer(bad).item()


VALUES = [
    ("?", [True, False]),
    ("b", [-128, 127]),
    ("Q", [2**64 - 1, 0]),
    ("q", [-(2**63), 7]),
    ("e", [1.5, -65504.0]),
    ("f", [0.1, -3.0]),
    ("d", [0.1, float("inf")]),
    ("Zf", [1 + 2j, -0.5j]),
    ("Zd", [0.1 + 2j, 0j]),
]


@pytest.mark.parametrize(("code", "values"), VALUES)
@pytest.mark.parametrize("mark", ["", ">", "<"])
def test_values_of_numbers(code, values, mark):
    dtype = np.dtype({"Zf": "c8", "Zd": "c16", "?": "?"}.get(code, code))
    x = np.array(values, dtype.newbyteorder(mark or "="))
    got = sc.Buffer(x).tolist()
    assert got == x.tolist()
    assert [type(v) for v in got] == [type(v) for v in x.tolist()]


def test_values_of_bfloat16():
    for dtype in (bfloat16, bfloat16.newbyteorder(">")):
        x = np.array([1.5, -2.0, np.inf], bfloat16).astype(dtype)
        assert sc.Buffer(x).tolist() == [1.5, -2.0, float("inf")]


def test_values_of_ml_dtypes():
    assert sc.Buffer(np.array([1.5, -2], ml_dtypes.float8_e4m3fn)).tolist() == [1.5, -2.0]
    assert sc.Buffer(np.array([-3, 7], ml_dtypes.int4)).tolist() == [-3, 7]


def test_values_of_texts_and_times():
    assert sc.Buffer(np.array([b"ab", b"c\0d"])).tolist() == [b"ab", b"c\0d"]
    assert sc.Buffer(np.array(["ab", "gr\u00fc\U0001f600"])).tolist() == [
        "ab",
        "gr\u00fc\U0001f600",
    ]
    assert sc.Buffer(np.array(["ab"], ">U2")).tolist() == ["ab"]
    x = np.array(["2024-02-29", "NaT"], "M8[us]")
    got = sc.Buffer(x).tolist()
    assert got[0] == x[0] and type(got[0]) is np.datetime64 and np.isnat(got[1])
    assert got[0].item() == datetime.datetime(2024, 2, 29)
    assert sc.Buffer(x.astype(">M8[25us]"))[0] == x[0]
    assert sc.Buffer(np.array([5], "m8[3h]"))[0] == np.timedelta64(15, "h")


def test_values_of_structs():
    dtype = np.dtype(
        [("a", ">i2"), ("b", "f4", (2, 2)), ("c", [("d", "u1"), ("e", "S3")])], align=True
    )
    x = np.zeros(2, dtype)
    x["a"], x["b"][1], x["c"]["e"] = [1, -2], [[1, 2], [3, 4]], b"xy"
    assert sc.Buffer(x).tolist() == [
        (1, [[0, 0], [0, 0]], (0, b"xy")),
        (-2, [[1, 2], [3, 4]], (0, b"xy")),
    ]


def test_field():
    dtype = np.dtype(
        [("a", ">i2"), ("b", "f4", (2,)), ("c", [("d", "u1"), ("e", "M8[s]")])], align=True
    )
    x = np.zeros((2, 3), dtype)
    x["a"] = np.arange(6).reshape(2, 3)
    b = sc.Buffer(x)
    for name in dtype.names:
        got = b.field(name)
        assert np.shares_memory(got.numpy(), x)
        assert bits(got.numpy()) == bits(x[name])
        assert got.shape == x[name].shape and got.strides == x[name].strides
    assert b.field("c").field("e").format == sc.Format("[numpy$datetime64$s]")
    with pytest.raises(KeyError, match="nope"):
        b.field("nope")
    with pytest.raises(KeyError):
        sc.Buffer(b"a").field("a")


def test_arguments_that_are_missing_or_of_another_type():
    with pytest.raises(TypeError, match="obj: a buffer is needed"):
        sc.Buffer()
    for name in (0, None, b"x"):
        with pytest.raises(TypeError, match="name must be a str, not"):
            sc.Buffer(np.zeros(1, "i4,i4")).field(name)


@pytest.mark.parametrize("dtype", [[], "V0", [("a", "S0")]], ids=str)
def test_items_of_no_bytes(dtype):
    array = np.zeros((2, 3), dtype)
    assert array.itemsize == 0
    b = sc.Buffer(array)
    got = b.numpy()
    assert (got.dtype, got.shape, got.base is not None) == (array.dtype, (2, 3), True)
    if b.format.fields[0:1] and b.format.fields[0].fields:
        with pytest.raises(ValueError, match="NumPy makes no arrays of texts of 0 bytes"):
            b.field("a").numpy()


def test_view():
    x = np.arange(12, dtype="u1").reshape(3, 4)
    b = sc.Buffer(x)
    assert b.view("<H").tolist() == x.view("<u2").tolist()
    assert b.view("b").shape == (3, 4)
    assert b.view(">I").shape == (3, 1)
    assert b.view("E").numpy().dtype == bfloat16
    assert b.view("<I").view("B").tolist() == x.tolist()
    for bad in (
        lambda: b.T.view("<H"),
        lambda: b.view("3x"),
        lambda: b[:, ::2].view("H"),
        lambda: sc.Buffer(np.array(1.0)).view("f"),
    ):
        with pytest.raises(ValueError):
            bad()


DTYPES = [
    "f4",
    ">f4",
    "?",
    "i8",
    "c16",
    "g",
    "M8[us]",
    "m8[25s]",
    "M8",
    "S5",
    ">U3",
    "V7",
    bfloat16,
    ml_dtypes.float8_e5m2,
    ml_dtypes.int4,
    "u1,>f8",
    np.dtype("u1,f8", align=True),
    np.dtype({"names": ["a", "b"], "formats": ["i4", "M8[D]"], "offsets": [3, 9], "itemsize": 40}),
    np.dtype([(("title", "name"), "f4", (2, 3))]),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_comes_back(dtype):
    dtype = np.dtype(dtype)
    x = np.frombuffer(bytes(i % 2 for i in range(dtype.itemsize * 6)), dtype).reshape(2, 3)[:, ::2]
    b = sc.Buffer(x)
    assert b.itemsize == dtype.itemsize and b.readonly
    y = b.numpy()
    assert np.shares_memory(x, y) and not y.flags.writeable
    assert y.dtype.itemsize == dtype.itemsize
    if dtype.names is None:
        assert y.dtype == dtype
    else:
        assert y.dtype.names == dtype.names
        assert [y.dtype.fields[n][:2] for n in dtype.names] == [
            dtype.fields[n][:2] for n in dtype.names
        ]
    assert y.shape == x.shape and y.strides == x.strides and bits(y) == bits(x)
    assert sc.asarray(x) is x


def test_memoryview_of_a_struct_array_is_read_through_the_dtype():
    # NumPy's text for this one is ambiguous: z lies at 8, a reader of the text finds it at 11.
    dtype = np.dtype([("n", [("a", "i4"), ("b", "i1")]), ("z", "i1")], align=True)
    x = np.zeros(2, dtype)
    x["z"] = [5, 6]
    assert sc.Buffer(memoryview(x)).field("z").tolist() == [5, 6]
    assert sc.Buffer(memoryview(x)[1:]).field("z").tolist() == [6]


class TestExport:
    def test_memoryview_shows_the_extended_format(self):
        x = np.array(["2024-01-01"], "M8[us]")
        with pytest.raises(ValueError):
            memoryview(x)  # when NumPy learns this, Buffer is needed less
        m = memoryview(sc.Buffer(x))
        assert (m.format, m.itemsize, m.shape) == ("[numpy$datetime64$us]", 8, (1,))
        assert m.tobytes() == x.tobytes()
        assert memoryview(sc.convert(b"\1", "E")).format == "E"

    def test_numpy_reads_the_codes_of_struct_only(self):
        assert np.asarray(sc.convert(b"\1\2", "d")).tolist() == [1.0, 2.0]
        with pytest.raises(ValueError):
            np.asarray(memoryview(sc.convert(b"\1\2", "E")))

    def test_round_trip_of_struct_formats(self):
        dtype = np.dtype([("a", "u1"), ("b", ">f8"), ("c", "i2", (3,))], align=True)
        x = np.frombuffer(bytes(range(96)), dtype)
        b = sc.Buffer(memoryview(sc.Buffer(x)))
        assert b.format == sc.Format.of(x)
        y = np.asarray(memoryview(sc.Buffer(x)))  # NumPy understands the canonical text
        assert y.dtype.itemsize == dtype.itemsize and bits(y) == bits(x)

    def test_strides_and_contents(self):
        x = grid()[::-1, :, ::2]
        m = memoryview(sc.Buffer(x))
        assert (m.shape, m.strides, m.readonly) == (x.shape, x.strides, False)
        assert m.tobytes() == x.tobytes() and m.tolist() == x.tolist()
        m[0, 0, 0] = 77
        assert x[0, 0, 0] == 77

    def test_requests(self):
        contiguous, strided = sc.Buffer(grid()), sc.Buffer(grid()[:, ::2])
        fortran, constant = sc.Buffer(grid().T), sc.Buffer(b"abcd")
        assert bytearray(contiguous) == grid().tobytes()
        assert (ctypes.c_char * 48).from_buffer(contiguous).raw == grid().tobytes()
        with pytest.raises(BufferError):
            get_buffer(strided, SIMPLE)
        with pytest.raises(BufferError):
            get_buffer(strided, C_CONTIGUOUS)
        with pytest.raises(BufferError):
            get_buffer(contiguous, F_CONTIGUOUS)
        with pytest.raises(BufferError):
            get_buffer(constant, WRITABLE)
        with pytest.raises(BufferError):
            get_buffer(constant, FORMAT)
        get_buffer(fortran, F_CONTIGUOUS)
        get_buffer(fortran, ANY_CONTIGUOUS)
        view = get_buffer(contiguous, SIMPLE)
        assert (view.len, view.format, view.shape, view.strides) == (48, None, None, None)
        view = get_buffer(strided, STRIDES | FORMAT)
        assert view.format == b"h" and view.ndim == 3 and view.strides
        view = get_buffer(contiguous, ND)
        assert view.shape and not view.strides and view.format is None


WRITABLE, FORMAT, ND = 1, 4, 8
SIMPLE, STRIDES = 0, 0x10 | ND
C_CONTIGUOUS, F_CONTIGUOUS, ANY_CONTIGUOUS = 0x20 | STRIDES, 0x40 | STRIDES, 0x80 | STRIDES


def get_buffer(exporter, flags):
    """What the exporter answers to these request flags; released at once."""
    view, seen = PyBuffer(), PyBuffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(exporter), ctypes.byref(view), flags)
    ctypes.memmove(ctypes.byref(seen), ctypes.byref(view), ctypes.sizeof(view))
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))
    return seen


class TestExporters:
    @pytest.mark.parametrize("typecode", "bBhHiIlLqQfd")
    def test_array(self, typecode):
        x = array(typecode, [1, 2, 3])
        b = sc.Buffer(x)
        assert b.itemsize == x.itemsize and b.tolist() == x.tolist()
        assert np.asarray(b.numpy()).tolist() == x.tolist()

    def test_objects_are_refused(self):
        for make in (lambda: np.array([None]), lambda: np.zeros(1, [("a", "O")])):
            with pytest.raises(TypeError, match="Python objects"):
                sc.Buffer(make())

    def test_overlapping_fields_are_refused(self):
        x = np.zeros(1, np.dtype({"names": ["a", "b"], "formats": ["i4", "i4"], "offsets": [0, 2]}))
        with pytest.raises(ValueError, match="overlaps"):
            sc.Buffer(x)

    @pytest.mark.parametrize("thing", [1, 1.5, None, [1, 2], "text", object(), int])
    def test_what_is_no_buffer(self, thing):
        with pytest.raises(TypeError, match="buffer"):
            sc.Buffer(thing)

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
    def test_a_python_exporter(self):
        class Exporter:
            released = 0

            def __buffer__(self, flags):
                return memoryview(b"abcd").cast("H")

            def __release_buffer__(self, view):
                Exporter.released += 1

        b = sc.Buffer(Exporter())
        assert b.tolist() == list(memoryview(b"abcd").cast("H"))
        del b
        gc.collect()
        assert Exporter.released == 1


class TestLifetime:
    def test_the_exporter_is_locked_while_anything_uses_it(self):
        data = bytearray(b"abcdefgh")
        b = sc.Buffer(data)
        part, x = b[2:4], b.numpy()
        for last in ("b", "part", "x"):
            with pytest.raises(BufferError):
                data.append(1)
            if last == "b":
                del b
            elif last == "part":
                del part
        assert x.tolist() == list(b"abcdefgh")
        del x
        data.append(1)

    def test_release(self):
        data = bytearray(b"abcd")
        b = sc.Buffer(data)
        b.release()
        b.release()
        data.append(1)
        assert "released" in repr(b)
        for use in (
            lambda: b.shape,
            lambda: b[0],
            lambda: b.tolist(),
            lambda: sc.convert(b, "d"),
            lambda: b.T,
            lambda: memoryview(b),
            lambda: len(b),
            lambda: b.numpy(),
            lambda: b.__enter__(),
        ):
            with pytest.raises(ValueError, match="released"):
                use()

    def test_with(self):
        data = bytearray(b"abcd")
        with sc.Buffer(data) as b:
            assert b[1] == ord("b")
        data.append(1)

    def test_release_waits_for_memoryviews(self):
        b = sc.Buffer(bytearray(b"abcd"))
        m = memoryview(b)
        with pytest.raises(BufferError, match="1 exported view"):
            b.release()
        m.release()
        b.release()

    def test_arrays_outlive_the_result(self):
        x = sc.convert(bytes(range(200)), "d").numpy()
        gc.collect()
        junk = [sc.convert(bytes(200), "d") for _ in range(10)]
        assert x.tolist() == list(range(200)) and junk
        assert x.flags.writeable

    def test_cycles_are_collected(self):
        class Data(np.ndarray):
            pass

        x = np.zeros(3).view(Data)
        x.buffer = sc.Buffer(x)
        gone = weakref.ref(x)
        buffer = x.buffer
        del x
        gc.collect()
        assert gone() is not None and buffer.tolist() == [0, 0, 0]

        class Holder(bytearray):
            pass

        h = Holder(b"abc")
        h.buffer = sc.Buffer(h)
        gone = weakref.ref(h)
        del h
        gc.collect()
        assert gone() is None

    def test_refcounts(self):
        x = np.arange(4.0)
        before = sys.getrefcount(x), sys.getrefcount(x.dtype)
        for _ in range(20):
            b = sc.Buffer(x)
            b[1:].numpy()
            memoryview(b).tolist()
            b.T.tolist()
            with pytest.raises(IndexError):
                b[9]
        del b
        assert (sys.getrefcount(x), sys.getrefcount(x.dtype)) == before


WITHOUT_NUMPY = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("numpy", "ml_dtypes"):
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocker())
import stridecast as sc
from array import array
x = array("f", [1.5, -2.0, 300.0])
b = sc.convert(x, "E")
assert b.tolist() == [1.5, -2.0, 300.0], b.tolist()
out = bytearray(3)
assert sc.convert(x, "B", out=out, overflow="saturate") is out and list(out) == [1, 0, 255]
assert sc.reduce(x, "sum").item() == 299.5
assert sc.copy(b[::-1]).tolist() == [300.0, -2.0, 1.5]
t = sc.Buffer(bytes(8)).view("[numpy$datetime64$us]")
assert t.tolist() == [0]
assert sc.Format.of(x) == sc.Format("f") and sc.Format.of(float) == sc.Format("d")
assert str(sc.plan("f", "E", 8))
for call in (b.numpy, lambda: sc.astype(x, "f8"), lambda: sc.asarray(x)):
    try:
        call()
    except ImportError:
        pass
    else:
        raise AssertionError("NumPy is blocked")
try:
    sc.convert(x, object)
except TypeError:
    pass
assert "numpy" not in sys.modules
"""


def test_without_numpy():
    subprocess.run([sys.executable, "-c", WITHOUT_NUMPY], check=True, timeout=60)


IMPORTS = """
import sys
import stridecast as sc
assert "numpy" not in sys.modules and "typer" not in sys.modules
before = set(sys.modules)
texts = "[numpy$datetime64$us]", "[ml_dtypes$bfloat16$]", "E", "[json$tool$]", "T{[this$x$]:a:}"
for text in texts:
    for use in (sc.Format, sc.Buffer(bytes(24)).view, lambda text: sc.plan("f", text, 3)):
        try:
            use(text)
        except (ValueError, TypeError):
            pass
sc.Buffer(bytes(8)).view("[numpy$datetime64$us]").tolist()
assert set(sys.modules) == before, set(sys.modules) - before
import numpy as np  # met later than stridecast
assert sc.convert(np.arange(3.0), "f").numpy().dtype == np.float32
"""


def test_formats_import_nothing():
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, timeout=60)


def test_an_index_that_releases_the_buffer():
    class Releases:
        def __index__(self):
            buffer.release()
            return 1

    for index in (Releases(), (Releases(),), slice(Releases(), None)):
        buffer = sc.Buffer(bytearray(8))
        with pytest.raises(ValueError, match="released"):
            buffer[index]


def test_a_daemon_thread_that_converts_while_the_interpreter_ends():
    program = """
import threading, time
import stridecast as sc
data = bytearray(1 << 24)
def convert():
    while True:
        sc.convert(memoryview(data).cast("f"), "E")
threading.Thread(target=convert, daemon=True).start()
time.sleep(0.2)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_destructor_that_converts_while_the_interpreter_ends():
    # Large enough for the interpreter's lock to be given up, by the one thread that is left.
    program = """
import builtins
import stridecast as sc
class Last:
    def __init__(self):
        self.data = memoryview(bytes(1 << 20)).cast("f")
        self.convert, self.print = sc.convert, print
    def __del__(self):
        self.print(len(self.convert(self.data, "d")))
builtins.last = Last()
"""
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert result.stdout == f"{1 << 18}\n"
