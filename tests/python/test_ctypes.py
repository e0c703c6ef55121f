"""ctypes objects as buffers: read through their types, in every Python that ctypes comes with.

The text that ctypes makes of a type leaves out padding before 3.12, the fields of base classes, and
everything about unions and bit fields. What a field's offset is, ctypes itself is asked.
"""

import ctypes
import functools
import importlib
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stridecast as sc


class Inner(ctypes.Structure):
    _fields_ = [("c", ctypes.c_char), ("x", ctypes.c_int32)]


class Big(ctypes.BigEndianStructure):
    _fields_ = [("h", ctypes.c_int16), ("d", ctypes.c_double)]


class Packed(ctypes.Structure):
    _pack_ = 2
    _layout_ = "ms"  # what _pack_ implies, to be said from 3.14 on
    _fields_ = [("c", ctypes.c_byte), ("q", ctypes.c_int64), ("t", ctypes.c_byte)]


class Union(ctypes.Union):
    _fields_ = [("a", ctypes.c_int64), ("b", ctypes.c_char)]


class Bits(ctypes.Structure):
    _fields_ = [("i", ctypes.c_int, 24), ("j", ctypes.c_int, 8)]


def struct_fields(obj):
    (top,) = sc.Format.of(obj).fields
    return [(field.name, field.offset) for field in top.fields]


class TestValues:
    def test_structures_in_an_array(self):
        b = sc.Buffer((Inner * 2)(Inner(b"a", 5), Inner(b"b", -6)))
        assert b.itemsize == 8 and b.field("x").tolist() == [5, -6]
        assert sc.convert(b.field("x"), "d").numpy().tolist() == [5.0, -6.0]

    def test_the_other_byte_order(self):
        assert sc.Buffer(Big(-2, 1.5)).item() == (-2, 1.5)
        assert str(sc.Format.of(Big())) == "^T{>h:h:6xd:d:}"
        assert sc.Buffer((ctypes.c_uint16.__ctype_be__ * 2)(1, 2)).tolist() == [1, 2]

    def test_packed(self):
        b = sc.Buffer(Packed(-1, 1 << 40, 3))
        assert b.item() == (-1, 1 << 40, 3)
        assert struct_fields(Packed()) == [("c", 0), ("q", 2), ("t", 10)]

    def test_inherited_fields(self):
        class Derived(Inner):
            _fields_ = [("y", ctypes.c_int16)]

        class Renamed(Derived):
            pass

        for cls in (Derived, Renamed):
            assert sc.Buffer(cls(b"a", 5, 6)).item() == (b"a", 5, 6)
            assert struct_fields(cls()) == [("c", 0), ("x", 4), ("y", 8)]

    def test_nested_structures_and_arrays(self):
        class Outer(ctypes.Structure):
            _fields_ = [
                ("tag", ctypes.c_char * 3),
                ("inner", Inner * 2 * 1),
                ("grid", ctypes.c_float * 3 * 2),
                ("none", ctypes.c_double * 0),
                ("last", ctypes.c_bool),
            ]

        fields = {field.name: field for field in sc.Format.of(Outer()).fields[0].fields}
        assert {name: (field.offset, field.shape) for name, field in fields.items()} == {
            "tag": (0, (3,)),
            "inner": (4, (1, 2)),
            "grid": (20, (2, 3)),
            "none": (48, (0,)),
            "last": (48, ()),
        }
        assert [f.offset for f in fields["inner"].fields] == [0, 4]
        outer = Outer(grid=((1, 2, 3), (4, 5, 6)))
        assert sc.Buffer(outer).field("grid").tolist() == [[1, 2, 3], [4, 5, 6]]

    def test_writing(self):
        items = (Inner * 3)(*(Inner(b"k", 0) for _ in range(3)))
        sc.convert(np.array([1.0, 2.0, 3.0]), "i", out=sc.Buffer(items).field("x"))
        assert [item.x for item in items] == [1, 2, 3] and items[1].c == b"k"

    def test_multi_dimensional_arrays(self):
        b = sc.Buffer((ctypes.c_short * 3 * 2)((1, 2, 3), (4, 5, 6)))
        assert b.shape == (2, 3) and b.tolist() == [[1, 2, 3], [4, 5, 6]]
        assert sc.Buffer((ctypes.c_double * 0)()).shape == (0,)

    def test_fields_that_come_later(self):
        class Later(ctypes.Structure):
            pass

        pointer = ctypes.POINTER(Later)()
        assert sc.Format.of(pointer) == sc.Format("&B")
        Later._fields_ = [("a", ctypes.c_int)]
        assert struct_fields(Later()) == [("a", 0)]


class TestText:
    @pytest.mark.parametrize(
        ("type_", "text"),
        [
            (ctypes.c_char, "c"),
            (ctypes.c_wchar, "u"),
            (ctypes.c_long, "q" if ctypes.sizeof(ctypes.c_long) == 8 else "i"),
            (ctypes.c_longdouble, "g"),
            (ctypes.c_void_p, "P"),
            (ctypes.c_char_p, "z"),
            (ctypes.c_wchar_p, "Z"),
            (ctypes.py_object, "O"),
            (ctypes.CFUNCTYPE(None, ctypes.c_int), "X{}"),
            (ctypes.POINTER(ctypes.c_int16), "&<h"),
            (ctypes.POINTER(ctypes.POINTER(ctypes.c_bool)), "&&<?"),
            (ctypes.POINTER(ctypes.c_int32 * 3), "&(3)<i"),
            (ctypes.POINTER(Union), "&B"),
            (ctypes.POINTER(Inner), "&T{<c:c:3x<i:x:}"),
        ],
    )
    def test_simple_types_and_pointers(self, type_, text):
        assert sc.Format.of((type_ * 2)()) == sc.Format(text)

    def test_pointers_in_structures_may_lead_back(self):
        class Node(ctypes.Structure):
            pass

        Node._fields_ = [("value", ctypes.c_double), ("next", ctypes.POINTER(Node))]
        assert struct_fields(Node()) == [("value", 0), ("next", 8)]
        assert sc.Buffer(Node(1.5)).field("value").tolist() == 1.5
        with pytest.raises(TypeError, match="pointer"):
            sc.copy(Node())

    def test_deep_types(self):
        nested = ctypes.c_int
        for _ in range(200):
            nested = type("Nested", (ctypes.Structure,), {"_fields_": [("n", nested)]})
        with pytest.raises(TypeError, match="deeper than 64"):
            sc.Buffer(nested())

    def test_names_that_no_format_can_say(self):
        class Colon(ctypes.Structure):
            _fields_ = [("a:b", ctypes.c_int)]

        with pytest.raises(TypeError, match=r"'a:b'.*':'"):
            sc.Buffer(Colon())

    def test_fields_that_were_replaced(self):
        class Replaced(ctypes.Structure):
            _fields_ = [("a", ctypes.c_int)]

        Replaced.a = 5
        with pytest.raises(TypeError, match="'a' of ctypes type Replaced has been replaced"):
            sc.Buffer(Replaced())


class TestWhatNoFormatDescribes:
    """Refused by name, also where the text of ctypes happens to have the right size."""

    @pytest.mark.parametrize("make", [Union, Union * 2, lambda: memoryview(Union())])
    def test_unions(self, make):
        obj = make()
        with pytest.raises(TypeError, match="ctypes type Union is a union"):
            sc.Buffer(obj)

    def test_unions_in_structures(self):
        class Holder(ctypes.Structure):
            _anonymous_ = ("u",)
            _fields_ = [("n", ctypes.c_int), ("u", Union)]

        class Outer(ctypes.Structure):
            _fields_ = [("h", Holder * 2)]

        for cls in (Holder, Outer):
            with pytest.raises(TypeError, match="field 'u' of ctypes type Holder is a union"):
                sc.Buffer(cls())

    def test_bit_fields(self):
        # Their unit is full: ctypes writes an int, then another one.
        with pytest.raises(TypeError, match="field 'i' of ctypes type Bits is a bit field"):
            sc.Buffer(Bits())

    def test_a_bit_field_that_looks_like_an_integer(self):
        class Filled(ctypes.Structure):
            _fields_ = [("a", ctypes.c_int, 32), ("c", ctypes.c_byte)]

        with pytest.raises(TypeError, match="field 'a' of ctypes type Filled is a bit field"):
            sc.Buffer(Filled())

    def test_their_bytes_are_buffers(self):
        assert sc.Buffer(bytes(Union(7))).size == 8
        assert sc.Buffer((ctypes.c_byte * 8).from_buffer(Union(7))).tolist()[0] == 7


class TestMemoryviews:
    def test_they_show_the_same_items(self):
        items = (Inner * 3)(Inner(b"a", 5), Inner(b"b", -6), Inner(b"c", 7))
        for view in (memoryview(items), memoryview(memoryview(items)), memoryview(items)[::-2]):
            assert sc.Format.of(view) == sc.Format.of(items)
        assert sc.Buffer(memoryview(items)[::-2]).field("x").tolist() == [7, 5]

    def test_casts_show_bytes(self):
        items = (ctypes.c_int32 * 2)(1, -1)
        assert sc.Buffer(memoryview(items).cast("B")).tolist() == [1, 0, 0, 0, *[255] * 4]
        view = memoryview(items).cast("B").cast("h")
        assert sc.Buffer(view).tolist() == [1, 0, -1, -1]
        assert sc.Buffer(memoryview(items).cast("B").cast("@i")).tolist() == [1, -1]

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="__buffer__ is new in Python 3.12")
    def test_a_class_that_exports_something_else(self):
        class Other(Inner):
            def __buffer__(self, flags):
                return memoryview(b"abc")

        assert sc.Buffer(Other()).tolist() == list(b"abc")


SIMPLE = [
    *(ctypes.c_bool, ctypes.c_char, ctypes.c_byte, ctypes.c_ubyte, ctypes.c_short, ctypes.c_ushort),
    *(ctypes.c_int, ctypes.c_uint, ctypes.c_long, ctypes.c_longlong, ctypes.c_ulonglong),
    *(ctypes.c_float, ctypes.c_double),
]
NATIVE_ONLY = [ctypes.c_longdouble, ctypes.c_wchar, ctypes.c_void_p, ctypes.c_char_p]


@st.composite
def structures(draw, big=None, depth=0):
    """A Structure of random members, some of them arrays or structures."""
    if big is None:
        big = draw(st.booleans())
    base = ctypes.BigEndianStructure if big else ctypes.Structure
    fields = []
    for i in range(draw(st.integers(0 if depth else 1, 5))):
        kind = draw(st.integers(0, 9))
        if kind < 2 and depth < 3:
            member = draw(structures(big=big, depth=depth + 1))
        elif kind == 2 and not big:
            member = draw(st.sampled_from(NATIVE_ONLY))
        else:
            member = draw(st.sampled_from(SIMPLE[big:]))  # there is no big-endian c_bool
        for n in draw(st.lists(st.integers(0, 3), max_size=2)):
            member = member * n
        fields.append((f"f{i}", member))
    namespace = {"_fields_": fields}
    if draw(st.booleans()) and fields:
        namespace["_pack_"] = draw(st.sampled_from([1, 2, 4]))
        namespace["_layout_"] = "ms"
    cls = type("Random", (base,), namespace)
    if fields and not depth and draw(st.integers(0, 4)) == 0:  # the rest of them in a subclass
        cls = type("Derived", (cls,), {"_fields_": [("g", draw(st.sampled_from(SIMPLE[big:])))]})
    return cls


def fields_of(cls):
    """Names, types and descriptors of a structure's fields, those of its bases first."""
    for base in reversed(cls.__mro__):
        for name, type_ in vars(base).get("_fields_", ()):
            yield name, type_, vars(base)[name]


def expect_layout(fields, cls):
    expected = list(fields_of(cls))
    assert [field.name for field in fields] == [name for name, _, _ in expected]
    for field, (_, type_, descriptor) in zip(fields, expected, strict=True):
        shape = []
        while issubclass(type_, ctypes.Array):
            shape.append(type_._length_)
            type_ = type_._type_
        assert (field.offset, field.shape) == (descriptor.offset, tuple(shape))
        assert field.itemsize == ctypes.sizeof(type_)
        if issubclass(type_, ctypes.Structure):
            assert field.code == "T"
            expect_layout(field.fields, type_)
        elif field.byteorder != "|":
            native, other = ("le", "be") if sys.byteorder == "little" else ("be", "le")
            swapped = getattr(type_, f"__ctype_{other}__", None) is type_
            assert field.byteorder == {"le": "<", "be": ">"}[other if swapped else native]


@given(structures())
def test_random_structures_lie_where_ctypes_says(cls):
    f = sc.Format.of(cls())
    assert f.itemsize == ctypes.sizeof(cls)
    expect_layout(f.fields[0].fields, cls)
    assert sc.Format(f.text, f.itemsize) == f
    assert sc.Format.of((cls * 2)()) == f
    if sys.version_info >= (3, 12) or f.itemsize != 1:  # else "B" of one byte: like a cast to it
        assert sc.Format.of(memoryview(cls())) == f
    if sys.version_info >= (3, 12) and cls.__name__ != "Derived" and f.itemsize:
        # Here the text of ctypes itself is right.
        assert sc.Format(memoryview(cls()).format, f.itemsize) == f


@functools.cache
def pep3118_tables():
    """CPython's own tables of types and format texts, where its tests are installed."""
    for name in ("test.test_ctypes.test_pep3118", "ctypes.test.test_pep3118"):
        try:
            return importlib.import_module(name)
        except ImportError:
            pass
    return None


#: Rows whose text says less than the type, with what is done instead.
DIFFERENT = {
    "aUnion": "a union: refused, where the text says bytes",
    "Incomplete": "a structure without fields: 'T{}', where the text says bytes",
    "LP_Complete": "the structure behind the pointer has its fields by now",
}


class TestPep3118Tables:
    """Every row of native_types and endian_types gives the format that its text says."""

    @staticmethod
    def rows(table):
        module = pep3118_tables()
        if module is None:
            pytest.skip("CPython's tests are not installed")
        return getattr(module, table)

    def check(self, table, least):
        checked = 0
        for type_, text, shape, item_type in self.rows(table):
            if type_.__name__ in DIFFERENT:
                continue
            obj = type_()
            f = sc.Format.of(obj)
            if issubclass(item_type, ctypes.Structure) and sys.version_info < (3, 12):
                # These texts have no padding, and packed structures are bytes.
                assert f.itemsize == ctypes.sizeof(item_type)
                expect_layout(f.fields[0].fields, item_type)
            else:
                assert f == sc.Format(text, ctypes.sizeof(item_type)), type_
            if 0 not in shape:
                assert sc.Buffer(obj).shape == shape
            checked += 1
        assert checked >= least

    def test_native_types(self):
        self.check("native_types", 30)

    def test_endian_types(self):
        self.check("endian_types", 4)

    def test_the_rows_that_differ(self):
        by_name = {type_.__name__: type_ for type_, *_ in self.rows("native_types")}
        assert set(DIFFERENT) <= set(by_name)
        with pytest.raises(TypeError, match="union"):
            sc.Buffer(by_name["aUnion"]())
        assert str(sc.Format.of(by_name["Incomplete"]())) == "^T{}"
        assert sc.Format.of(by_name["LP_Complete"]()) == sc.Format("&T{<q:a:}")
