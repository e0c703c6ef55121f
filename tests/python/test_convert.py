"""convert, astype, copy and byteswap on values: against NumPy and ml_dtypes, and against the policy
where those differ or leave it open."""

import ctypes
import sys
from array import array
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy as np
import pytest
from conftest import ARITHMETIC, FLOATS, INTEGERS, bfloat16, bits, sample

import stridecast as sc

PAIRS = [(a, b) for a in ARITHMETIC for b in ARITHMETIC]


@pytest.mark.parametrize(("src", "dst"), PAIRS, ids=lambda code: code)
def test_every_pair_agrees_with_numpy_within_range(src, dst):
    x = sample(ARITHMETIC[src])
    result = sc.convert(x, dst)
    assert result.format == sc.Format(dst)
    assert bits(result.numpy()) == bits(x.astype(ARITHMETIC[dst]))


@pytest.mark.parametrize("target", sc.targets())
def test_every_target_gives_the_same_bits(target):
    rng = np.random.default_rng(5)
    x = (rng.standard_normal(1000) * 10.0 ** rng.integers(-8, 8, 1000)).astype("f8")
    expected = {code: sc.convert(x, code) for code in ARITHMETIC}
    sc.set_target(target)
    assert sc.active_target() == target
    for code, result in expected.items():
        assert bytes(sc.convert(x, code)) == bytes(result)


@pytest.mark.parametrize("dst", sorted(INTEGERS))
@pytest.mark.parametrize("src", sorted(INTEGERS))
def test_integers_wrap_saturate_and_raise(src, dst):
    info, limits = np.iinfo(ARITHMETIC[src]), np.iinfo(ARITHMETIC[dst])
    values = sorted({info.min, info.min + 1, 0, 1, 100, info.max - 1, info.max})
    x = np.array(values, ARITHMETIC[src])
    assert bits(sc.astype(x, dst)) == bits(x.astype(dst))
    clamped = [min(max(v, limits.min), limits.max) for v in values]
    assert sc.convert(x, dst, overflow="saturate").tolist() == clamped
    bad = [i for i, v in enumerate(values) if not limits.min <= v <= limits.max]
    if bad:
        with pytest.raises(OverflowError, match=str(values[bad[0]])):
            sc.convert(x, dst, overflow="raise")
    else:
        assert sc.convert(x, dst, overflow="raise").tolist() == values


def test_wrap_is_the_low_bits_of_int64_on_every_cpu():
    # NumPy on x86 gives INT32_MIN here; the policy fixes one answer.
    x = np.array([3e9, -3e9, np.nan, np.inf, -np.inf, 1e30], "f4")
    assert sc.convert(x, "i").tolist() == [3000000000 - 2**32, -3000000000 + 2**32, 0, 0, 0, 0]
    assert sc.convert(x, "q").tolist()[2:] == [-(2**63)] * 4


@pytest.mark.parametrize("src", sorted(FLOATS))
@pytest.mark.parametrize("dst", sorted(INTEGERS))
def test_floats_saturate_to_integers(src, dst):
    limits = np.iinfo(ARITHMETIC[dst])
    x = np.array([-np.inf, -3.75, -0.5, 0.5, 3.75, np.inf, np.nan]).astype(ARITHMETIC[src])
    expected = [limits.min, max(-3, limits.min), 0, 0, 3, limits.max, 0]
    assert sc.convert(x, dst, overflow="saturate").tolist() == expected


@pytest.mark.parametrize(
    ("src", "dst"), [("d", "f"), ("d", "e"), ("d", "E"), ("f", "e"), ("f", "E")]
)
def test_narrowing_floats(src, dst):
    x = np.array([1e30 if dst == "e" else 1e300, -np.inf, np.nan, 1.0])
    if src == "f":
        x = np.array([3.4e38, -np.inf, np.nan, 1.0], "f4")
    x = x.astype(ARITHMETIC[src])
    default = sc.convert(x, dst).numpy().astype("f8")
    assert default[0] == np.inf and default[1] == -np.inf and np.isnan(default[2])
    largest = float(ml_dtypes.finfo(ARITHMETIC[dst]).max)
    saturated = sc.convert(x, dst, overflow="saturate").numpy().astype("f8")
    assert saturated[:2].tolist() == [largest, -largest] and np.isnan(saturated[2])
    with pytest.raises(OverflowError):
        sc.convert(x, dst, overflow="raise")
    # Infinities and NaN exist in the destination: they are no overflow.
    assert sc.convert(x[1:], dst, overflow="raise").size == 3


def test_one_correct_rounding_to_bfloat16_where_two_would_differ():
    # Just above the middle between two bfloat16 values; float32 rounds it to the middle.
    x = np.array([1 + 2**-8 + 2**-40])
    assert sc.convert(x, "E").tolist() == [1 + 2**-7]
    assert sc.convert(np.array([2**40 + 2**32 + 1]), "E").tolist() == [2.0**40 + 2.0**33]


def test_all_float16_and_bfloat16_values_widen_exactly():
    for dtype, code in ((np.dtype("f2"), "e"), (bfloat16, "E")):
        x = np.arange(65536, dtype="u2").view(dtype)
        for wide in ("f", "d"):
            ours = sc.astype(x, ARITHMETIC[wide])
            with np.errstate(invalid="ignore"):
                theirs = x.astype(ARITHMETIC[wide])
            assert np.array_equal(np.isnan(ours), np.isnan(theirs))
            keep = ~np.isnan(ours)
            assert bits(ours[keep]) == bits(theirs[keep])
            back = sc.convert(ours, code).numpy()
            assert bits(back[keep]) == bits(x[keep])


def test_nan_into_integers():
    x = np.array([1.0, np.nan])
    assert sc.convert(x, "b").tolist() == [1, 0]
    assert sc.convert(x, "q").tolist() == [1, -(2**63)]
    assert sc.convert(x, "q", overflow="saturate").tolist() == [1, 0]
    for options in ({"nan": "raise"}, {"overflow": "raise"}, {"overflow": "wrap", "nan": "raise"}):
        with pytest.raises(OverflowError, match=r"1\b.*nan"):
            sc.convert(x, "q", **options)


def test_truth():
    x = np.array([0.0, -0.0, np.nan, 1e-300, -3.0])
    assert sc.convert(x, "?").tolist() == [False, False, True, True, True]
    odd = np.array([0, 1, 2, 255], np.uint8).view(bool)
    assert sc.convert(odd, "b").tolist() == [0, 1, 1, 1]
    assert bytes(sc.copy(odd)) == b"\0\1\2\xff"  # a copy keeps every bit


LAYOUTS = {
    "contiguous": lambda x: x,
    "strided": lambda x: np.repeat(x, 3)[::3],
    "negative": lambda x: x[::-1],
    "transposed": lambda x: x.reshape(3, 5, 3).transpose(2, 0, 1),
    "unaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), x.dtype, offset=1),
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "swapped and strided": lambda x: np.repeat(x, 2).astype(x.dtype.newbyteorder())[1::2],
    "0-d": lambda x: x[3:4].reshape(()),
    "empty": lambda x: x[:0].reshape(3, 0, 2),
    "broadcast": lambda x: np.broadcast_to(x, (4, x.size)),
    "one long axis": lambda x: x.reshape(1, -1, 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("src", "dst"), [("f", "E"), ("E", "f"), ("h", "d"), ("d", "B"), ("q", "q")]
)
def test_layouts(layout, src, dst):
    x = LAYOUTS[layout](sample(ARITHMETIC[src]))
    expected = x.astype(ARITHMETIC[dst])
    for order in "KCFA":
        result = sc.convert(x, dst, order=order)
        assert result.shape == x.shape
        assert bits(result.numpy()) == bits(expected)
        if x.size:
            assert result.numpy().ctypes.data % 64 == 0
        theirs = sc.astype(x, ARITHMETIC[dst], order=order)
        assert type(theirs) is np.ndarray and theirs.flags.owndata and theirs.flags.writeable
        assert bits(theirs) == bits(expected)
        if layout != "broadcast":
            assert theirs.strides == x.astype(ARITHMETIC[dst], order=order).strides
            if x.size:
                assert result.strides == theirs.strides


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "broadcast"])
def test_layouts_of_out(layout):
    out = LAYOUTS[layout](np.zeros(45, "f4"))
    out = out if out.flags.writeable else np.frombuffer(bytearray(181), "f4", offset=1)
    x = np.arange(out.size, dtype="i4").reshape(out.shape)
    assert sc.convert(x, None, out=out) is out
    assert np.array_equal(out, x)


def test_out_broadcasts_as_copyto():
    out = np.full((2, 3, 4), -1, "f8")
    x = np.arange(3, dtype="i2").reshape(3, 1)
    assert sc.convert(x, "d", out=out) is out
    expected = np.empty_like(out)
    np.copyto(expected, x)
    assert np.array_equal(out, expected)
    with pytest.raises(ValueError):
        sc.convert(np.zeros((2, 1, 3, 4), "i2"), "d", out=out)
    with pytest.raises(ValueError):
        sc.convert(np.zeros(3, "i2"), "d", out=out)


EXPORTERS = {
    "bytes": (lambda: bytes([1, 2, 3]), [1, 2, 3]),
    "bytearray": (lambda: bytearray([1, 2, 3]), [1, 2, 3]),
    "memoryview": (lambda: memoryview(bytes(range(10)))[8:2:-3], [8, 5]),
    "array": (lambda: array("h", [-1, 2]), [-1, 2]),
    "cast": (lambda: memoryview(bytes(8)).cast("H", [2, 2]), [[0, 0], [0, 0]]),
    "ctypes": (lambda: (ctypes.c_int32 * 2)(5, -6), [5, -6]),
    "ctypes big": (lambda: ctypes.c_int16.__ctype_be__(-300), -300),
    "numpy scalar": (lambda: np.float32(2.5), 2.5),
    "ml_dtypes scalar": (lambda: ml_dtypes.bfloat16(2.5), 2.5),
    "Buffer": (lambda: sc.Buffer(array("q", [7])), [7]),
}


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_exporters(exporter):
    make, values = EXPORTERS[exporter]
    assert sc.convert(make(), "d").tolist() == values
    assert np.asarray(sc.astype(make(), "f8")).tolist() == values


def test_out_may_be_any_writable_exporter():
    for out in (
        bytearray(3),
        array("B", [0, 0, 0]),
        memoryview(bytearray(3)),
        (ctypes.c_uint8 * 3)(),
    ):
        assert sc.convert(np.array([1.0, 2.0, 3.0]), None, out=out) is out
        assert list(out) == [1, 2, 3]
    buffer = sc.Buffer(bytearray(4)).view("E")
    assert sc.convert(np.array([1.0, -2.0], "f4"), "E", out=buffer) is buffer
    assert buffer.tolist() == [1.0, -2.0]


@pytest.mark.parametrize("fmt", [np.float32, np.dtype("f4"), "f", b"f", sc.Format("f"), ">f"])
def test_what_names_a_format(fmt):
    result = sc.convert(b"\1\2", fmt)
    assert result.tolist() == [1.0, 2.0]
    assert result.itemsize == 4


@pytest.mark.parametrize(
    ("fmt", "text"), [(float, "d"), (int, "q"), (bool, "?"), (ml_dtypes.bfloat16, "E")]
)
def test_scalar_types_name_formats(fmt, text):
    assert sc.convert(b"\1\2", fmt).format == sc.Format(text)


def test_threads_change_no_bit():
    x = np.random.default_rng(0).standard_normal((1200, 1500)).T
    for code in ("f", "E", "e", "q"):
        results = {bytes(sc.convert(x, code, threads=n)) for n in (1, 2, 3, 8)}
        assert len(results) == 1
    sc.set_threads(2)
    assert sc.get_threads() == 2
    assert bytes(sc.convert(x, "E")) == bytes(sc.convert(x, "E", threads=1))


class TestAstype:
    def test_dtype_may_be_whatever_numpy_takes(self):
        x = np.arange(3)
        for dtype in (
            "float32",
            "<f4",
            np.float32,
            np.dtype("f4"),
            float,
            "bfloat16",
            ml_dtypes.bfloat16,
        ):
            assert sc.astype(x, dtype).dtype == np.dtype(dtype)

    def test_copy_false(self):
        x = np.arange(6.0).reshape(2, 3)
        assert sc.astype(x, "f8", copy=False) is x
        assert sc.astype(x, "f8", copy=False, order="C") is x
        assert sc.astype(x, "f8", copy=False, order="F") is not x
        assert sc.astype(x, "f8") is not x
        assert sc.astype(x, ">f8", copy=False) is not x
        assert sc.astype(x, "f4", copy=False).dtype == "f4"

    @pytest.mark.parametrize("casting", ["no", "equiv", "safe", "same_kind", "unsafe"])
    @pytest.mark.parametrize(
        "pair", [("f8", "f4"), ("f4", "f8"), ("f8", "i4"), ("i4", ">i4"), ("i4", "i4")]
    )
    def test_casting_follows_can_cast(self, casting, pair):
        x = np.ones(2, pair[0])
        if np.can_cast(x.dtype, pair[1], casting):
            assert np.array_equal(sc.astype(x, pair[1], casting=casting), x)
        else:
            with pytest.raises(TypeError, match=casting):
                sc.astype(x, pair[1], casting=casting)

    def test_out(self):
        x, out = np.arange(3), np.zeros((2, 3), "f4")
        assert sc.astype(x, None, out=out) is out
        assert out.tolist() == [[0, 1, 2]] * 2
        with pytest.raises(ValueError, match="float32"):
            sc.astype(x, "f8", out=out)


class TestStructs:
    FROM = np.dtype([("a", "<i4"), ("b", ">f8"), ("c", "u1")])

    def records(self):
        return np.array([(1, 2.5, 3), (4, 5.5, 6)], self.FROM)

    def test_by_name(self):
        result = sc.convert(self.records(), "T{B:c:f:b:h:a:}")
        assert result.tolist() == [(3, 2.5, 1), (6, 5.5, 4)]

    def test_by_position(self):
        result = sc.convert(self.records(), "T{h:x:f:y:d:z:}", fields="position")
        assert result.tolist() == [(1, 2.5, 3), (4, 5.5, 6)]
        to = np.dtype([("x", "f4"), ("y", "f4"), ("z", "i8")])
        assert sc.astype(self.records(), to).tolist() == self.records().astype(to).tolist()

    def test_padding_is_zero_in_fresh_results_and_kept_in_out(self):
        aligned = np.dtype([("a", "u1"), ("b", "f8")], align=True)
        x = np.array([(1, 2.0)], [("a", "u1"), ("b", "f4")])
        fresh = sc.convert(x, aligned)
        assert bytes(fresh)[1:8] == bytes(7)
        assert sc.astype(x, aligned).tobytes()[1:8] == bytes(7)
        out = np.frombuffer(bytearray(b"\xaa" * 16), aligned)
        sc.convert(x, None, out=out)
        assert out.tobytes()[:8] == b"\1" + b"\xaa" * 7 and out["b"][0] == 2.0

    def test_copy_keeps_every_byte(self):
        aligned = np.dtype([("a", "u1"), ("b", "f8")], align=True)
        x = np.frombuffer(bytes(range(32)), aligned)
        assert bytes(sc.copy(x)) == bytes(range(32))

    def test_overflow_names_the_field(self):
        with pytest.raises(OverflowError, match=r"b\b.*300"):
            sc.convert(
                np.array([(1, 2), (1, 300)], "u1,u2"),
                "T{B:a:B:b:}",
                fields="position",
                overflow="raise",
            )

    def test_fields_out_of_order_pair_by_name_only(self):
        odd = np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [4, 0]})
        x = np.array([(1, 2)], odd)
        assert sc.convert(x, "T{q:a:q:b:}").tolist() == [(1, 2)]
        with pytest.raises(ValueError, match="order"):
            sc.astype(x, "f4,f4")
        assert sc.astype(x, odd).tolist() == [(1, 2)]


class TestCopyAndByteswap:
    @pytest.mark.parametrize(
        "dtype",
        [
            "M8[us]",
            "m8[25s]",
            "S5",
            "U3",
            "c16",
            "V3",
            "g",
            ml_dtypes.float8_e4m3fn,
            ml_dtypes.int4,
            "u1,>f8",
            bool,
        ],
    )
    def test_copy_knows_every_type(self, dtype):
        x = np.frombuffer(bytes(i % 2 for i in range(720)), np.dtype(dtype))[::2]
        result = sc.copy(x)
        assert result.numpy().dtype == x.dtype
        assert bits(result.numpy()) == bits(x)

    def test_copy_orders(self):
        x = np.arange(6.0).reshape(2, 3).T
        assert sc.copy(x).strides == (16, 8)
        assert sc.copy(x, order="F").strides == (8, 24)
        assert sc.copy(x, order="K").strides == x.strides
        out = np.zeros_like(x)
        assert sc.copy(x, out=out) is out and np.array_equal(out, x)
        with pytest.raises(ValueError, match="format"):
            sc.copy(x, out=np.zeros((3, 2), "f4"))

    @pytest.mark.parametrize(
        "dtype", ["i2", "f4", ">f8", "c16", "U2", "M8[s]", "S3", "u1", "i2,f8", bfloat16]
    )
    def test_byteswap_as_numpy(self, dtype):
        x = np.frombuffer(bytes(range(240)), np.dtype(dtype))
        for y in (x, x[::2], x[::-1]):
            result = sc.byteswap(y)
            assert result.format == sc.Format.of(y)
            assert bits(result.numpy()) == bits(y.byteswap())

    def test_byteswap_in_place(self):
        x = np.arange(5, dtype="i4")
        expected = x.byteswap()
        assert sc.byteswap(x, inplace=True) is x
        assert np.array_equal(x, expected)
        with pytest.raises(BufferError, match="read-only"):
            sc.byteswap(b"ab", inplace=True)


def test_nothing_is_leaked():
    x, out = np.arange(8, dtype="f4"), np.zeros(8)
    data = bytearray(8)
    objects = (x, out, data, x.dtype, out.dtype, "f" * 1)

    def work():
        sc.convert(x, "d", out=out)
        sc.convert(x, np.dtype("i2"), order="C")
        sc.astype(x, "f8")
        sc.copy(data).numpy()[::2].copy()
        sc.asarray(data)
        for bad in (lambda: sc.convert(x, "f4"), lambda: sc.convert(x, "d", out=b"12345678")):
            with pytest.raises((ValueError, BufferError)):
                bad()

    work()
    before = [sys.getrefcount(o) for o in objects]
    for _ in range(50):
        work()
    assert [sys.getrefcount(o) for o in objects] == before
    data.append(1)  # nobody holds the bytes any more


def test_concurrent_conversions():
    rng = np.random.default_rng(7)
    sources = [rng.standard_normal(400_000 + 1000 * i).astype("f4") for i in range(4)]
    expected = [bytes(sc.convert(x, "E", threads=1)) for x in sources]

    def work(i):
        return all(bytes(sc.convert(sources[i], "E")) == expected[i] for _ in range(5))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
