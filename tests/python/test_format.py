"""Format and Field as Python objects, and what names a format. The grammar is tested in C++."""

import copy
import pickle
import threading

import ml_dtypes
import numpy as np
import pytest
from conftest import ARITHMETIC

import stridecast as sc


@pytest.mark.parametrize(
    ("itemsize", "error", "message"),
    [
        (4.0, TypeError, "itemsize must be an int, not float"),
        ("4", TypeError, "itemsize must be an int, not str"),
        (2**70, ValueError, "itemsize: 1180591620717411303424 does not fit 64 bits"),
    ],
)
def test_what_is_no_itemsize(itemsize, error, message):
    with pytest.raises(error, match=message):
        sc.Format("i", itemsize)
    with pytest.raises(TypeError, match="a format text must be str or bytes"):
        sc.Format()


def test_attributes():
    f = sc.Format("T{<d:x:(2,3)>h:y:T{b:p:}:z:}")
    (top,) = f.fields
    assert f.itemsize == 8 + 12 + 1
    assert (top.name, top.code, top.offset, top.itemsize) == (None, "T", 0, 21)
    x, y, z = top.fields
    assert (x.name, x.offset, x.code, x.shape, x.byteorder, x.itemsize) == ("x", 0, "d", (), "<", 8)
    assert (y.name, y.offset, y.shape, y.byteorder, y.itemsize) == ("y", 8, (2, 3), ">", 2)
    assert (z.name, z.offset, z.fields[0].name, z.fields[0].byteorder) == ("z", 20, "p", "|")
    assert x.fields == ()
    assert "name='y'" in repr(y) and "fields=" in repr(z)
    assert "y" in f.describe() and "20" in f.describe()


def test_several_items():
    f = sc.Format("bi")
    assert [(field.offset, field.code) for field in f.fields] == [(0, "b"), (4, "i")]
    assert (f.itemsize, f.alignment) == (8, 4)


def test_fields_outlive_the_format():
    field = sc.Format("T{T{d:x:}:inner:}").fields[0].fields[0].fields[0]
    assert field.name == "x"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("f", "<f"),
        ("f", b"f"),
        ("f", " f "),
        ("[ml_dtypes$bfloat16$]", "E"),
        ("[ml_dtypes$bfloat16]", "[ml_dtypes$bfloat16$]"),
    ],
)
def test_equal_texts(a, b):
    f, g = sc.Format(a), sc.Format(b)
    assert f == g and hash(f) == hash(g) and str(f) == str(g)
    assert sc.Format(f.text, f.itemsize) == f


def test_unequal():
    assert sc.Format("f") != sc.Format("d")
    assert sc.Format("T{b:a:}") != sc.Format("T{b:a:}", 8)
    assert sc.Format("f") != "f"
    assert (sc.Format("f") == "f") is False
    assert len({sc.Format("f"), sc.Format("<f"), sc.Format("d")}) == 2


@pytest.mark.parametrize(
    ("text", "itemsize"),
    [
        ("f", None),
        (">h", None),
        ("T{b:a:d:\u00fc:}", None),
        ("T{b:a:}", 16),
        ("[posit$posit16$]", 2),
        ("(2,3)f", None),
        ("", None),
    ],
)
def test_repr_and_pickle(text, itemsize):
    f = sc.Format(text, itemsize)
    assert eval(repr(f), {"Format": sc.Format}) == f
    assert pickle.loads(pickle.dumps(f)) == f
    assert copy.deepcopy(f) == f
    assert f.itemsize == (itemsize or f.itemsize)


@pytest.mark.parametrize(
    ("text", "kind", "position"),
    [
        ("i<", "dangling-prefix", 1),
        ("<>i", "two-orders", 1),
        ("2<i", "count-before-order", 1),
        ("T{i:a:", "unclosed", 0),
        ("i}", "stray-brace", 1),
        ("Zi", "bad-complex", 0),
        ("i:a:i:a:", "duplicate-name", 5),
        ("99999999999999999999i", "overflow", 0),
        ("[a]", "custom-no-dollar", 1),
        (b"i:\xff:", "bad-utf8", 2),
        ("i:\udcff:", "bad-utf8", 2),
        ("V", "unknown-code", 0),
    ],
)
def test_errors(text, kind, position):
    with pytest.raises(sc.FormatError) as caught:
        sc.Format(text)
    assert isinstance(caught.value, ValueError)
    assert (caught.value.kind, caught.value.position) == (kind, position)
    assert str(caught.value)
    with pytest.raises(sc.FormatError) as caught:
        sc.convert(b"ab", text)
    assert caught.value.kind == kind


def test_unknown_types():
    with pytest.raises(sc.UnknownTypeError, match=r"posit") as caught:
        sc.Format("T{[posit$posit16$]:x:i:y:}")
    assert isinstance(caught.value, sc.FormatError) and caught.value.position == 2
    assert pickle.loads(pickle.dumps(caught.value)).kind == caught.value.kind
    assert sc.Format("[posit$posit16$]", 2).itemsize == 2


def test_itemsize():
    assert sc.Format("T{b:a:}", 5).itemsize == 5
    for itemsize in (3, -1):
        with pytest.raises(sc.FormatError) as caught:
            sc.Format("i", itemsize)
        assert caught.value.kind == "itemsize"


NAMES = [
    ("float32", "f"),
    ("<f4", "f"),
    ("f4", "f"),
    ("=i8", "q"),
    (">i2", ">h"),
    ("|u1", "B"),
    ("bool", "?"),
    ("bfloat16", "E"),
    ("datetime64[us]", "[numpy$datetime64$us]"),
    ("<M8[25s]", "[numpy$datetime64$25s]"),
    ("m8[ns]", "[numpy$timedelta64$ns]"),
    ("complex64", "Zf"),
    ("c16", "Zd"),
    ("S5", "5s"),
    ("<U7", "7w"),
    ("float8_e4m3fn", "[ml_dtypes$float8_e4m3fn$]"),
    ("half", "e"),
    ("double", "d"),
    ("int", "q"),
]


@pytest.mark.parametrize(("name", "text"), NAMES)
def test_dtype_names_are_no_formats_but_say_which_was_meant(name, text):
    assert sc.Format(text)
    for call in (
        lambda: sc.Format(name),
        lambda: sc.convert(b"\1", name),
        lambda: sc.Buffer(b"").view(name),
        lambda: sc.plan(name, "f", 3),
    ):
        with pytest.raises(sc.FormatError) as caught:
            call()
        first_line = str(caught.value).splitlines()[0]
        assert first_line.endswith(f"the format text for it is '{text}'")


@pytest.mark.parametrize("thing", [1, None, 3.5, object(), object, str, [("a", "f4")], np.zeros(1)])
def test_what_names_no_format(thing):
    with pytest.raises(TypeError):
        sc.convert(b"ab", thing)
    with pytest.raises(TypeError):
        sc.Format(thing)


class TestOf:
    @pytest.mark.parametrize("code", ARITHMETIC)
    def test_dtypes(self, code):
        dtype = ARITHMETIC[code]
        assert (
            sc.Format.of(dtype)
            == sc.Format.of(dtype.type)
            == sc.Format.of(np.zeros(3, dtype))
            == sc.Format(code)
        )
        if dtype.itemsize > 1:
            assert sc.Format.of(dtype.newbyteorder(">")) == sc.Format(">" + code)

    @pytest.mark.parametrize(
        ("dtype", "text"),
        [
            ("M8[us]", "[numpy$datetime64$us]"),
            ("m8[25s]", "[numpy$timedelta64$25s]"),
            ("M8", "[numpy$datetime64$]"),
            (">M8[D]", ">[numpy$datetime64$D]"),
            ("S5", "5s"),
            ("U3", "3w"),
            (">U3", ">3w"),
            ("c8", "Zf"),
            ("g", "g"),
            (ml_dtypes.float8_e8m0fnu, "[ml_dtypes$float8_e8m0fnu$]"),
            (ml_dtypes.uint4, "[ml_dtypes$uint4$]"),
            ("(2,3)f4", "(2,3)f"),
            ("V4", "4x"),
            ("l", "q"),
            ("longlong", "q"),
            ("n", "q"),
        ],
    )
    def test_other_dtypes(self, dtype, text):
        assert sc.Format.of(np.dtype(dtype)) == sc.Format(text)

    def test_every_ml_dtype(self):
        names = [
            n
            for n in dir(ml_dtypes)
            if isinstance(getattr(ml_dtypes, n), type)
            and issubclass(getattr(ml_dtypes, n), np.generic)
        ]
        assert len(names) > 10
        for name in names:
            dtype = np.dtype(getattr(ml_dtypes, name))
            f = sc.Format.of(dtype)
            assert f.itemsize == dtype.itemsize
            assert sc.Buffer(np.zeros(2, dtype)).numpy().dtype == dtype

    def test_struct_offsets(self):
        dtype = np.dtype(
            {
                "names": ["z", "a", "m"],
                "formats": [">f8", "u1", ("<i2", (2,))],
                "offsets": [9, 1, 3],
                "itemsize": 32,
            }
        )
        f = sc.Format.of(dtype)
        assert f.itemsize == 32
        found = {field.name: field for field in f.fields[0].fields}
        assert {name: field.offset for name, field in found.items()} == {"a": 1, "m": 3, "z": 9}
        assert found["z"].byteorder == ">" and found["m"].shape == (2,)

    @pytest.mark.parametrize("align", [False, True])
    def test_random_structs(self, align):
        rng = np.random.default_rng(3 + align)
        codes = [
            "i1",
            "u2",
            ">i4",
            "f8",
            "S3",
            "U2",
            "M8[ms]",
            "c8",
            "?",
            "(2,)i2",
            [("p", "i1"), ("q", ">f4")],
        ]
        for _ in range(100):
            picked = [codes[i] for i in rng.integers(0, len(codes), rng.integers(1, 7))]
            dtype = np.dtype([(f"f{i}", code) for i, code in enumerate(picked)], align=align)
            f = sc.Format.of(dtype)
            assert f.itemsize == dtype.itemsize
            got = [(field.name, field.offset) for field in f.fields[0].fields]
            assert got == [(name, dtype.fields[name][1]) for name in dtype.names]
            assert sc.Format(f.text, f.itemsize) == f

    def test_renamed_fields_are_noticed(self):
        dtype = np.dtype([("a", "i4"), ("b", "f4")])
        assert [field.name for field in sc.Format.of(dtype).fields[0].fields] == ["a", "b"]
        dtype.names = ("c", "d")
        assert [field.name for field in sc.Format.of(dtype).fields[0].fields] == ["c", "d"]

    def test_texts_are_told_apart(self):
        with pytest.raises(TypeError, match="text"):
            sc.Format.of("f")

    def test_name_with_a_colon(self):
        with pytest.raises(ValueError, match="':'"):
            sc.Format.of(np.dtype([("a:b", "i4")]))


def test_many_formats_from_many_threads():
    failures = []

    def work(seed):
        try:
            for i in range(400):
                n = (seed * 31 + i) % 300 + 1
                assert sc.Format(f"{n}s").itemsize == n
                assert sc.convert(b"\1", ">d" if i % 2 else "d").itemsize == 8
                assert sc.Format.of(np.dtype(f"S{n}")).itemsize == n
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
