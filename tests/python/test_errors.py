"""What goes wrong, and that each mistake gives one clear error and writes nothing."""

import sys

import numpy as np
import pytest
from py_buffer import PyBuffer

import stridecast as sc

SRC = np.arange(4, dtype="f4")


@pytest.mark.parametrize(
    "call",
    [
        lambda: sc.convert(),
        lambda: sc.convert(SRC),
        lambda: sc.convert(SRC, "d", None),
        lambda: sc.convert(SRC, "d", outt=None),
        lambda: sc.convert(SRC, "d", rounding=1),
        lambda: sc.convert(SRC, "d", fmt="d"),
        lambda: sc.convert(SRC, None),
        lambda: sc.convert(SRC, "d", overflow=1),
        lambda: sc.convert(SRC, "d", threads="2"),
        lambda: sc.convert([1.0, 2.0], "d"),
        lambda: sc.convert("text", "d"),
        lambda: sc.convert(SRC, "d", out=[0, 0, 0, 0]),
        lambda: sc.convert(SRC, "3s"),
        lambda: sc.convert(np.zeros(2, "M8[s]"), "[numpy$timedelta64$s]"),
        lambda: sc.astype([1, 2], "f4"),
        lambda: sc.astype(SRC, "nonsense"),
        lambda: sc.astype(SRC, "f8", out=bytearray(32)),
        lambda: sc.astype(SRC, None),
        lambda: sc.astype(SRC, "i4", casting="safe"),
        lambda: sc.astype(SRC, "f8", casting=3),
        lambda: sc.astype(SRC, object),
        lambda: sc.copy(np.array([None])),
        lambda: sc.copy(SRC, order=1),
        lambda: sc.byteswap(SRC, True),
        lambda: sc.reduce(SRC),
        lambda: sc.asarray(3),
    ],
    ids=range(26),
)
def test_type_errors(call):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sc.convert(SRC, "d", overflow="clip"),
        lambda: sc.convert(SRC, "d", nan="zero"),
        lambda: sc.convert(SRC, "d", order="X"),
        lambda: sc.convert(SRC, "d", fields="both"),
        lambda: sc.convert(SRC, "d", out=np.zeros(3)),
        lambda: sc.convert(SRC, "d", out=np.zeros((4, 3))),
        lambda: sc.convert(SRC, "d", out=np.zeros(4, "i8")),
        lambda: sc.astype(SRC, "f8", casting="wild"),
        lambda: sc.copy(SRC, out=np.zeros(4)),
        lambda: sc.convert(np.broadcast_to(SRC, (2**40, 2**20, 4)), "d"),
    ],
    ids=range(10),
)
def test_value_errors(call):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value)


def test_a_dtype_of_torch_names_the_text():
    kind = type("torch.dtype", (), {"__repr__": lambda self: f"torch.{self.name}"})
    for name, text in (("bfloat16", "E"), ("float8_e4m3fn", r"\[ml_dtypes\$float8_e4m3fn\$\]")):
        dtype = kind()
        dtype.name = name
        with pytest.raises(TypeError, match=f"not torch.dtype; .* for torch.{name} is '{text}'"):
            sc.convert(SRC, dtype)


def test_plain_bytes_as_out_need_a_format():
    out = bytearray(16)
    with pytest.raises(ValueError, match=r"'B', not 'f'; pass Buffer\(out\)\.view\('f'\)$"):
        sc.convert(SRC, "f", out=out)
    sc.convert(SRC, "f", out=sc.Buffer(out).view("f"))
    assert bytes(out) == SRC.tobytes()
    with pytest.raises(ValueError, match=r"'d', not 'f'$"):
        sc.convert(SRC, "f", out=np.zeros(4))


def test_errors_name_the_choices():
    with pytest.raises(ValueError, match="'wrap', 'saturate', 'raise'"):
        sc.convert(SRC, "d", overflow="clip")
    with pytest.raises(ValueError, match=r"'nearest-even', 'towards-zero', .*'stochastic'"):
        sc.convert(SRC, "d", rounding="up")
    with pytest.raises(ValueError, match="'unsafe', 'same_kind', 'safe', 'same_value'"):
        sc.convert(SRC, "d", casting="equiv")
    with pytest.raises(ValueError, match="'real', 'abs'"):
        sc.convert(SRC, "d", complex_to_real="imag")
    with pytest.raises(ValueError, match="seed must be from 0"):
        sc.convert(SRC, "d", seed=-1)
    with pytest.raises(TypeError, match=r"convert.*'roundings'"):
        sc.convert(SRC, "d", roundings=None)


@pytest.mark.parametrize("index", [-1, 2**63])
def test_indices_are_those_of_items(index):
    with pytest.raises(ValueError, match="index_offset"):
        sc.convert(SRC, "f", index_offset=index)


def test_no_memory():
    with pytest.raises(MemoryError):
        sc.convert(np.broadcast_to(SRC, (2**43, 4)), "d")


def read_only():
    x = np.zeros(4)
    x.flags.writeable = False
    return x


@pytest.mark.parametrize(
    "out", [bytes(32), memoryview(bytes(32)), sc.Buffer(bytes(32)), read_only()]
)
def test_read_only_destinations(out):
    with pytest.raises(BufferError, match="out is read-only"):
        sc.convert(SRC, None, out=out)


class TestDataErrors:
    def test_names_index_and_value(self):
        x = np.zeros((3, 50), "f8")
        x[1, 7] = 300.5
        x[2, 0] = np.nan
        with pytest.raises(OverflowError, match=r"57\b.*300\.5"):
            sc.convert(x, "B", overflow="raise")

    @pytest.mark.parametrize("threads", [1, 2, 4])
    def test_the_lowest_index_whatever_the_threads(self, threads):
        x = np.zeros((1000, 1500), "i4").T
        x[3, 11], x[3, 500], x[1499, 0] = 70000, 70001, 70002
        with pytest.raises(OverflowError, match=rf"{3 * 1000 + 11}\b.*70000\b"):
            sc.convert(x, "h", overflow="raise", threads=threads)

    def test_broadcast_source(self):
        with pytest.raises(OverflowError, match="300"):
            sc.convert(np.array([300]), "B", out=np.zeros((2, 3), "u1"), overflow="raise")

    def test_a_large_conversion_without_the_gil(self):
        x = np.full(3_000_000, 2.0**40)
        with pytest.raises(OverflowError, match=r"0\b.*1099511627776"):
            sc.astype(x, "i4", overflow="raise")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
class TestExportersThatFail:
    def test_their_exception_is_kept(self):
        class Broken:
            def __buffer__(self, flags):
                raise RuntimeError("out of paper")

        with pytest.raises(RuntimeError, match="out of paper"):
            sc.convert(Broken(), "d")

    def test_read_only_from_the_exporter(self):
        class Strict:
            def __buffer__(self, flags):
                if flags & 1:
                    raise BufferError("never")
                return memoryview(b"abcd")

        assert sc.convert(Strict(), "d").size == 4
        with pytest.raises(BufferError, match="out is read-only"):
            sc.convert(b"abcd", None, out=Strict())

    def test_callbacks_that_call_back(self):
        class Nested:
            def __buffer__(self, flags):
                assert sc.convert(b"\1\2", "f").tolist() == [1.0, 2.0]
                return memoryview(b"\3\4")

        assert sc.convert(Nested(), "d").tolist() == [3.0, 4.0]


@pytest.mark.parametrize("wrong", ["Zi", "T{i:a:", "i}", "?(", "\x01"])
def test_foreign_format_texts(wrong):
    # A Buffer cannot make such a text; a C exporter can.
    import ctypes

    data = ctypes.create_string_buffer(16)
    shape, strides = (ctypes.c_ssize_t * 1)(4), (ctypes.c_ssize_t * 1)(4)
    info = PyBuffer(
        buf=ctypes.addressof(data),
        len=16,
        itemsize=4,
        ndim=1,
        format=wrong.encode(),
        shape=ctypes.addressof(shape),
        strides=ctypes.addressof(strides),
    )
    make = ctypes.pythonapi.PyMemoryView_FromBuffer
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p]
    view = make(ctypes.addressof(info))
    with pytest.raises(sc.FormatError):
        sc.Buffer(view)


@pytest.mark.parametrize("with_strides", [True, False])
@pytest.mark.parametrize(("shape", "length"), [((4,), 8), ((4,), 0), ((2, 2), 15), ((), 3)])
def test_an_exporter_that_has_less_than_its_shape_says(shape, length, with_strides):
    ctypes = pytest.importorskip("ctypes")
    data = ctypes.create_string_buffer(16)
    sizes = (ctypes.c_ssize_t * 2)(*shape)
    steps = (ctypes.c_ssize_t * 2)(*np.zeros(shape, "i4").strides)
    info = PyBuffer(
        buf=ctypes.addressof(data),
        len=length,
        itemsize=4,
        ndim=len(shape),
        format=b"i",
        shape=ctypes.addressof(sizes),
        strides=ctypes.addressof(steps) if with_strides else None,
    )
    make = ctypes.pythonapi.PyMemoryView_FromBuffer
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p]
    view = make(ctypes.addressof(info))
    with pytest.raises(BufferError, match=f"by shape but gives {length}"):
        sc.Buffer(view)
    assert sc.Buffer(memoryview(bytes(16))[::3]).shape == (6,)  # a slice's len is what it selects
