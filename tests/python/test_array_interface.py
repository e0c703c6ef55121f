"""Objects that describe themselves by __array_interface__ and nothing else."""

import gc
import sys
import weakref

import numpy as np
import pytest
from conftest import bits
from hypothesis import given
from hypothesis import strategies as st

import stridecast as sc


class Described:
    """Has the attribute and neither a buffer nor __dlpack__."""

    def __init__(self, data=bytes(range(24)), shape=(24,), typestr="|u1", **more):
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": typestr,
            "data": data,
        } | more


def described(array):
    """An ndarray's own description, with its memory as the buffer of the ndarray's bytes."""
    interface = dict(array.__array_interface__)
    interface["data"] = memoryview(array.reshape(-1).view("u1"))
    result = Described()
    result.__array_interface__ = interface
    result.keep = array
    return result


DTYPES = [
    "?",
    "i1",
    "u1",
    "<i2",
    ">i2",
    "<u4",
    ">u8",
    "<f2",
    ">f4",
    "f8",
    "g",
    "c8",
    ">c16",
    "G",
    "<M8[us]",
    ">M8[25us]",
    "m8[D]",
    "M8",
    "S5",
    "<U4",
    ">U2",
    "V7",
    "i4,f8",
    [("a", "i1"), ("b", ">f8"), ("c", "S3")],
    {"names": ["a", "b"], "formats": ["i1", "f8"], "offsets": [1, 9], "itemsize": 24},
    [("x", "i2", (2, 3)), ("y", [("z", "u1"), ("t", "M8[s]")])],
    [(("title", "name"), "i2"), ("other", "(2,)f4")],
]


@pytest.mark.parametrize("spec", DTYPES, ids=str)
def test_every_type_as_numpy_describes_it(spec):
    dtype = np.dtype(spec)
    array = np.frombuffer(bytes(range(dtype.itemsize)) * 6, dtype).reshape(2, 3)
    if dtype.hasobject:
        pytest.skip("references")
    buffer = sc.Buffer(described(array))
    assert buffer.format == sc.Format.of(dtype)
    assert (buffer.shape, buffer.readonly) == ((2, 3), True)
    assert bits(buffer.numpy()) == bits(array)


@pytest.mark.parametrize("typestr", ["=i4", "|i4", "i4"])
def test_marks_that_mean_the_hosts_order(typestr):
    assert sc.Buffer(Described(typestr=typestr, shape=(6,))).format == sc.Format("i")


@pytest.mark.parametrize(
    "typestr",
    [
        *("", "<", "f", "f4x", "<f3", "<f1", "<c4", "t1", "<i16", "i-4", "i99999999999999999999"),
        *("<M8[us", "<M8us", "<M4[us]", "<M8[parsec]", "<M8[0us]", "<M8[us]]", "<M8[us;a$b]"),
        *("Q8", "S-1"),
    ],
)
def test_types_that_no_format_can_say(typestr):
    with pytest.raises((TypeError, sc.FormatError)):
        sc.Buffer(Described(typestr=typestr))


def test_references_are_refused():
    with pytest.raises(TypeError, match="references"):
        sc.Buffer(Described(typestr="|O8", shape=(3,)))
    with pytest.raises(TypeError, match="references"):
        sc.Buffer(Described(typestr="|V8", shape=(3,), descr=[("a", "|O8")]))


def test_descr_counts_for_the_kind_v_only():
    b = sc.Buffer(Described(typestr="<i4", shape=(6,), descr=[("a", "<f4")]))
    assert b.format == sc.Format("i")
    b = sc.Buffer(Described(typestr="|V4", shape=(6,), descr=[("", "|V4")]))
    assert b.format == sc.Format("4x")
    b = sc.Buffer(Described(typestr="|V4", shape=(6,), descr=[("a", "<f4")]))
    assert b.format.fields[0].fields[0].name == "a"


def endless():
    descr = []
    descr += [("a", descr), ("b", descr)]
    return descr


def doubling():
    descr = [("a", "u1")]
    for _ in range(40):
        descr = [("a", descr), ("b", descr)]
    return descr


@pytest.mark.parametrize(
    "descr",
    [
        [("a", "<i4"), ("a", "<i4")],
        [("a", "<i4"), ("b", "<i8")],
        [("a:b", "<i8")],
        [("a\0", "<i8")],
        [("a", 5)],
        [(5, "<i8")],
        [("a", "<i8", (2,))],
        [("a", "<i8", "2")],
        [("a", "<i8", -1)],
        [("a",)],
        ["a"],
        endless(),
        doubling(),
    ],
)
def test_bad_descr(descr):
    with pytest.raises((TypeError, sc.FormatError)):
        sc.Buffer(Described(typestr="|V8", shape=(3,), descr=descr))


# Bounds: bytes of the object in `data` are never left.


def test_shape_strides_and_offset():
    data = bytes(range(24))
    assert sc.Buffer(Described(data, (2, 3), "<i4")).tolist() == (
        np.frombuffer(data, "<i4").reshape(2, 3).tolist()
    )
    assert sc.Buffer(Described(data, (3,), offset=21)).tolist() == [21, 22, 23]
    assert sc.Buffer(Described(data, (3,), strides=(-1,), offset=2)).tolist() == [2, 1, 0]
    assert sc.Buffer(Described(data, (2, 2), strides=(0, 23))).tolist() == [[0, 23], [0, 23]]
    assert sc.Buffer(Described(data, (), offset=5)).item() == 5
    assert sc.Buffer(Described(data, (2, 0), strides=(10**6, 1))).tolist() == [[], []]
    assert sc.Buffer(Described(b"", (0,))).tolist() == []


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ((25,), {}),
        ((24,), {"offset": 1}),
        ((24,), {"offset": -1}),
        ((2,), {"strides": (-1,)}),
        ((2,), {"strides": (24,)}),
        ((3, 3), {"strides": (8, 4)}),
        ((2**62, 8), {}),
        ((2**63,), {}),
        ((2, 0, 2**62, 2**62), {}),
        ((2,), {"strides": (2**63 - 1,)}),
        ((2,), {"offset": 2**63 - 1}),
        ((-1,), {}),
        ((3,), {"strides": (1, 1)}),
        ((1,) * 65, {}),
    ],
)
def test_claims_beyond_the_bytes(shape, more):
    with pytest.raises((BufferError, ValueError)):
        sc.Buffer(Described(shape=shape, **more))


@given(
    dims=st.lists(st.tuples(st.integers(0, 5), st.integers(-20, 20)), max_size=3),
    offset=st.integers(-3, 30),
    itemsize=st.sampled_from([1, 2, 4]),
)
def test_exactly_what_lies_inside_is_accepted(dims, offset, itemsize):
    data = bytes(range(24))
    shape, strides = tuple(n for n, _ in dims), tuple(step for _, step in dims)
    starts = [
        offset + sum(i * step for i, step in zip(index, strides, strict=True))
        for index in np.ndindex(shape)
    ]
    inside = all(0 <= start <= len(data) - itemsize for start in starts)
    described = Described(data, shape, f"<u{itemsize}", strides=strides, offset=offset)
    if not inside:
        with pytest.raises(BufferError, match="of a buffer of 24"):
            sc.Buffer(described)
        return
    items = [int.from_bytes(data[start : start + itemsize], "little") for start in starts]
    assert sc.Buffer(described).numpy().reshape(-1).tolist() == items


@pytest.mark.parametrize(
    "more",
    [
        {"shape": [3]},
        {"shape": None},
        {"shape": (1.5,)},
        {"shape": 3},
        {"strides": [1]},
        {"strides": ("1",)},
        {"offset": "1"},
        {"typestr": 5},
        {"typestr": None},
        {"data": 5},
        {"data": "abc"},
    ],
)
def test_other_kinds_of_nonsense(more):
    with pytest.raises(TypeError):
        sc.Buffer(Described(**({"shape": (3,)} | more)))


def test_entries_left_out():
    for key in ("shape", "typestr", "data"):
        described = Described()
        del described.__array_interface__[key]
        with pytest.raises(TypeError):
            sc.Buffer(described)
    described = Described()
    del described.__array_interface__["version"]
    assert sc.Buffer(described).size == 24
    described.__array_interface__ = [1]
    with pytest.raises(TypeError, match="dict"):
        sc.Buffer(described)
    with pytest.raises(TypeError, match="a buffer is needed"):
        sc.Buffer(np.generic)  # a class


def test_a_mask_would_be_lost():
    with pytest.raises(BufferError, match="mask"):
        sc.Buffer(Described(mask=np.ones(24, bool)))
    assert sc.Buffer(Described(mask=None)).size == 24


# Memory


def test_as_the_destination():
    data = bytearray(8)
    out = Described(data, (4,), "<i2")
    assert sc.convert(np.arange(4.0), None, out=out) is out
    assert data == bytes([0, 0, 1, 0, 2, 0, 3, 0])
    with pytest.raises(BufferError):
        sc.convert(np.arange(4.0), None, out=Described(bytes(8), (4,), "<i2"))


def test_addresses_are_refused_unless_trusted():
    array = np.arange(6, dtype="i4").reshape(2, 3)
    address = Described(*[array.__array_interface__[key] for key in ("data", "shape", "typestr")])
    address.keep = array
    for call in (sc.Buffer, lambda x: sc.convert(x, "d"), lambda x: sc.copy(array, out=x)):
        with pytest.raises(BufferError, match=r"unsafe_pointer=True"):
            call(address)
    with pytest.raises(TypeError):
        sc.Buffer(address, True)
    buffer = sc.Buffer(address, unsafe_pointer=True)
    assert buffer.tolist() == array.tolist() and not buffer.readonly
    assert np.shares_memory(buffer.numpy(), array)
    assert sc.convert(buffer, "d").tolist() == array.tolist()
    array.flags.writeable = False
    address.__array_interface__ = dict(address.__array_interface__, data=(array.ctypes.data, True))
    assert sc.Buffer(address, unsafe_pointer=True).readonly


@pytest.mark.parametrize("data", [(0, False), (1,), ("0x10", False), (2**70, False), (1.5, True)])
def test_addresses_that_cannot_be_any(data):
    with pytest.raises((BufferError, TypeError, OverflowError)):
        sc.Buffer(Described(data), unsafe_pointer=True)


def test_an_address_takes_no_offset():
    array = np.arange(4, dtype="u1")
    with pytest.raises(BufferError, match="an address and an offset"):
        sc.Buffer(Described((array.ctypes.data, False), (2,), offset=1), unsafe_pointer=True)


def test_an_address_of_nothing_is_fine():
    assert sc.Buffer(Described((0, False), (0,)), unsafe_pointer=True).tolist() == []


def test_everything_else_is_read_as_ever_with_unsafe_pointer():
    assert sc.Buffer(b"abc", unsafe_pointer=True).tolist() == [97, 98, 99]
    assert sc.Buffer(Described(), unsafe_pointer=True).tolist() == list(range(24))
    dates = np.array([1], "M8[s]")
    assert sc.Buffer(dates, unsafe_pointer=True).format == sc.Format("[numpy$datetime64$s]")


def test_lifetime():
    class Bytes(bytearray):
        pass

    data = Bytes(8)
    gone = weakref.ref(data)
    b = sc.Buffer(Described(data, (8,)))
    del data
    part = b[2:]
    del b
    gc.collect()
    with pytest.raises(BufferError):
        gone().append(1)
    assert part.tolist() == [0] * 6
    del part
    gc.collect()
    assert gone() is None

    owner = Described((np.zeros(8, "u1").ctypes.data, False), (0,))
    gone = weakref.ref(owner)
    b = sc.Buffer(owner, unsafe_pointer=True)
    del owner
    assert gone() is not None
    del b
    gc.collect()
    assert gone() is None


def test_nothing_is_kept_after_errors():
    data = bytearray(24)
    good, bad = Described(data), Described(data, (25,))
    references = sys.getrefcount(data)
    for _ in range(100):
        sc.Buffer(good)
        with pytest.raises(BufferError):
            sc.Buffer(bad)
    assert sys.getrefcount(data) == references
    data.append(1)  # nobody exports it any more


def test_python_code_in_the_description_runs_before_the_bytes_are_taken():
    class Size:
        """Takes the memory away while the shape is read."""

        def __index__(self):
            data.clear()
            return 24

    data = bytearray(24)
    with pytest.raises(BufferError, match="buffer of 0"):
        sc.Buffer(Described(data, (Size(),)))


def test_pil():
    image_module = pytest.importorskip("PIL.Image")
    pixels = np.arange(4 * 5 * 3, dtype="u1").reshape(4, 5, 3)
    image = image_module.fromarray(pixels)
    buffer = sc.Buffer(image)
    assert (buffer.format, buffer.shape) == (sc.Format("B"), (4, 5, 3))
    assert (buffer.numpy() == pixels).all()
    assert (sc.convert(image, "f").numpy() == pixels.astype("f4")).all()
    for mode, format in (("L", "B"), ("F", "f"), ("I", "i"), ("1", "?"), ("RGBA", "B")):
        converted = image.convert(mode)
        read = sc.Buffer(converted)
        assert read.format == sc.Format(format)
        assert (sc.asarray(converted) == np.asarray(converted)).all()
