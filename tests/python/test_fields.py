"""Structs and arrays of their fields: Buffer.field where it lies, split and join in one pass."""

import sys
from array import array
from collections import OrderedDict
from types import MappingProxyType

import ml_dtypes
import numpy as np
import pytest
from conftest import bits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from strategies import DTYPES, arrays, laid_out, raw_items

import stridecast as sc

POINT = np.dtype([("x", "f8"), ("id", ">u2"), ("pos", "i2", (2, 3)), ("tag", "S3")])


def points(n=4):
    x = np.zeros(n, POINT)
    x["x"], x["id"] = np.arange(n) / 2, np.arange(n) + 300
    x["pos"] = np.arange(6 * n).reshape(n, 2, 3)
    x["tag"] = [b"a", b"bc", b"def", b""][:n]
    return x


@st.composite
def structs(draw):
    """An array of structs of any fields, padded or not, of any layout."""
    dtypes = draw(st.lists(st.sampled_from(DTYPES), min_size=1, max_size=5))
    dims = [draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)) for _ in dtypes]
    spec = [(f"f{i}", d, s) for i, (d, s) in enumerate(zip(dtypes, dims, strict=True))]
    dtype = np.dtype(spec, align=draw(st.booleans()))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
    x = np.zeros(shape, dtype)
    for name in dtype.names:
        base = dtype[name].base
        x[name] = draw(arrays(dtypes=[base], shape=(*shape, *dtype[name].shape)))
    return draw(laid_out(x))


class TestField:
    @given(structs())
    def test_it_is_numpys_over_the_same_memory(self, x):
        b = sc.Buffer(x)
        for name in x.dtype.names:
            part = b.field(name)
            assert part.shape == x[name].shape
            assert part.format == sc.Format.of(x[name])
            assert bits(part.numpy()) == bits(x[name])
            if x[name].size:
                assert np.shares_memory(part.numpy(), x)
                assert part.strides == x[name].strides

    def test_it_writes_through(self):
        x = points()
        sc.copy(np.full(4, 7, ">u2"), out=sc.Buffer(x).field("id"))
        assert x["id"].tolist() == [7] * 4 and x["x"].tolist() == [0, 0.5, 1, 1.5]

    def test_of_a_field(self):
        b = sc.Buffer(bytes([1, 2, 3, 4, 5, 6])).view("T{B:a:T{B:x:B:y:}:in:}")
        assert b.field("in").field("y").tolist() == [3, 6]

    def test_unknown_names(self):
        with pytest.raises(KeyError, match="no field 'z': the fields are 'x', 'id', 'pos' and"):
            sc.Buffer(points()).field("z")
        with pytest.raises(KeyError, match="is no struct"):
            sc.Buffer(np.zeros(3)).field("x")
        with pytest.raises(KeyError, match="without names"):
            sc.Buffer(b"abcd").view("T{BB}").field("x")


class TestSplit:
    @given(structs(), st.sampled_from([1, 2]))
    def test_every_field_as_numpy_has_it(self, x, threads):
        parts = sc.split(x, threads=threads)
        assert list(parts) == list(x.dtype.names)
        for name, part in parts.items():
            assert part.format == sc.Format.of(x[name])
            assert part.strides == np.empty(x[name].shape, x[name].dtype).strides or not x.size
            assert not part.readonly and bits(part.numpy()) == bits(x[name])
            assert not x.size or not np.shares_memory(part.numpy(), x)

    @given(structs())
    def test_join_is_the_inverse(self, x):
        parts = sc.split(x)
        again = sc.join(parts, x.dtype)
        assert again.format == sc.Format.of(x) and again.shape == x.shape
        for name in x.dtype.names:
            assert bits(again.field(name).numpy()) == bits(x[name])
        if any(x.dtype[name].shape for name in x.dtype.names):
            return  # without a format nobody knows which dimensions are a sub-array's
        packed = sc.join(parts)
        assert packed.itemsize == sum(x.dtype[name].itemsize for name in x.dtype.names)
        for name in x.dtype.names:
            assert bits(np.ascontiguousarray(packed.field(name).numpy())) == bits(x[name])

    def test_some_fields_in_the_order_asked_for(self):
        parts = sc.split(points(), names=("tag", "x"))
        assert list(parts) == ["tag", "x"]
        assert parts["tag"].tolist() == [b"a", b"bc", b"def", b""]
        assert list(sc.split(points(), names=iter(["id"]))) == ["id"]
        assert sc.split(points(), names=[]) == {}

    def test_many_structs(self):
        n = 200_000
        x = np.zeros(n, [("a", "u1"), ("b", "f4"), ("c", ">i8"), ("d", ml_dtypes.bfloat16)])
        for name in x.dtype.names:
            x[name] = np.arange(n) % 251
        for threads in (None, 1, 2):
            for name, part in sc.split(x[::-1], threads=threads).items():
                assert bits(part.numpy()) == bits(x[::-1][name])
            assert sc.join(sc.split(x), threads=threads).tolist()[::40_000] == x[::40_000].tolist()

    def test_fields_without_names_are_left_out(self):
        b = sc.Buffer(bytes([1, 2, 3, 4])).view("T{B:a:B}")
        assert {name: part.tolist() for name, part in sc.split(b).items()} == {"a": [1, 3]}

    @pytest.mark.parametrize(
        ("call", "error", "says"),
        [
            (lambda: sc.split(np.zeros(3)), TypeError, "'d', which is no struct"),
            (lambda: sc.split(points(), names="x"), TypeError, r"\['x'\], not one str"),
            (lambda: sc.split(points(), names=["x", "y"]), KeyError, "no field 'y'.*'x', 'id'"),
            (lambda: sc.split(points(), names=["x", "x"]), ValueError, "'x' twice"),
            (lambda: sc.split(points(), names=[1]), TypeError, "must be a str, not int"),
            (lambda: sc.split(points(), names=1), TypeError, "iterable"),
            (lambda: sc.split({"x": 1}), TypeError, "buf: a buffer is needed"),
            (lambda: sc.split(np.zeros(3, "O,i4")), TypeError, "object"),
        ],
        ids=range(8),
    )
    def test_mistakes_say_what_and_where(self, call, error, says):
        with pytest.raises(error, match=says):
            call()


TABLE = [("x", ">f8"), ("n", ">i4"), ("v", ">f4", (2, 3)), ("tag", "S2")]


def table(n=1000):
    t = np.zeros(n, TABLE)
    t["x"] = np.arange(n) / 4
    t["n"] = np.arange(n) - n // 2
    t["v"] = np.arange(6 * n).reshape(n, 2, 3)
    t["tag"] = np.arange(n) % 10
    return t


class TestSplitConverts:
    """fmt= and out=: a table of a file to the columns that a program works with."""

    def test_one_format_for_each(self):
        t = table()
        columns = sc.split(t, fmt={"x": "d", "n": "q"})
        assert [str(c.format) for c in columns.values()] == ["d", "q", ">f", "2s"]
        assert bits(columns["x"].numpy()) == bits(t["x"].astype("f8"))
        assert bits(columns["n"].numpy()) == bits(t["n"].astype("i8"))
        assert bits(columns["v"].numpy()) == bits(t["v"])

    def test_one_format_for_all(self):
        t = table()
        for name, column in sc.split(t, names=["v", "n"], fmt="E").items():
            assert bits(column.numpy()) == bits(t[name].astype(ml_dtypes.bfloat16))

    @pytest.mark.parametrize("threads", [None, 1, 2])
    def test_into_arrays(self, threads):
        t = table(100_000)[::-2]
        out = {
            "v": np.zeros((t.size, 2, 3), "f8", order="F"),
            "x": np.zeros(2 * t.size, "f4")[::2],
            "tag": bytearray(2 * t.size),
        }
        out["tag"] = sc.Buffer(out["tag"]).view("2s")
        got = sc.split(t, out=out, threads=threads)
        assert list(got) == ["v", "x", "tag"] and all(got[name] is out[name] for name in out)
        assert np.array_equal(out["v"], t["v"]) and np.array_equal(out["x"], t["x"])
        assert out["tag"].tolist()[:12] == t["tag"].astype("S2").tolist()[:12]

    def test_names_choose_from_out(self):
        out = {"x": np.zeros(4), "n": np.full(4, 9)}
        assert list(sc.split(table(4), names=["x"], out=out)) == ["x"]
        assert out["x"].tolist() == [0, 0.25, 0.5, 0.75] and out["n"].tolist() == [9] * 4

    def test_columns_of_a_matrix(self):
        matrix = np.zeros((4, 2), "f4")
        sc.split(table(4), out={"x": matrix[:, 0], "n": matrix[:, 1]}, fmt={"n": "f"})
        assert matrix.tolist() == [[0, -2], [0.25, -1], [0.5, 0], [0.75, 1]]

    def test_what_does_not_fit(self):
        t = table()
        assert sc.split(t, names=["n"], fmt="b", overflow="saturate")["n"].tolist()[:1] == [-128]
        with pytest.raises(OverflowError, match=r"field 'n': .*-500"):
            sc.split(t, fmt={"n": "b"}, overflow="raise")
        t["x"][3] = np.nan
        with pytest.raises((ValueError, OverflowError), match=r"field 'x'.*nan"):
            sc.split(t, names=["x"], fmt="i", nan="raise")

    @pytest.mark.parametrize(
        ("keywords", "error", "says"),
        [
            ({"out": {"y": np.zeros(4)}}, KeyError, "no field 'y'"),
            ({"out": {"x": np.zeros(5)}}, ValueError, r"field 'x'.*\(5,\), not \(4,\)"),
            ({"out": {"v": np.zeros(4)}}, ValueError, r"field 'v'.*\(4,\), not \(4, 2, 3\)"),
            ({"out": {"x": b"12345678" * 4}}, BufferError, "read-only"),
            ({"out": {"x": None}}, TypeError, "field 'x': a buffer is needed"),
            ({"out": np.zeros(4)}, TypeError, "out must be a mapping of names to buffers"),
            ({"out": {1: np.zeros(4)}}, TypeError, "name of a field must be a str, not int"),
            ({"out": {}, "names": ["x"]}, KeyError, "out has nothing for the field 'x'"),
            ({"out": {"x": np.zeros(4)}, "fmt": "f"}, ValueError, "format"),
            ({"fmt": {"y": "d"}}, KeyError, "fmt has 'y', which is none of the fields"),
            ({"fmt": {"x": "d"}, "names": ["n"]}, KeyError, "fmt has 'x'"),
            ({"fmt": {1: "d"}}, TypeError, "names in fmt must be str"),
            ({"fmt": {"x": "?!"}}, ValueError, r"\?!"),
            ({"fmt": "d"}, TypeError, "field 'tag'"),
        ],
        ids=range(14),
    )
    def test_mistakes_say_what_and_where(self, keywords, error, says):
        t = table(4)
        with pytest.raises(error, match=says):
            sc.split(t, **keywords)

    def test_shared_memory_is_refused(self):
        t, x = table(4), np.zeros(4)
        with pytest.raises(BufferError, match="field 'x': its array shares memory"):
            sc.split(t, out={"x": t["x"]})
        with pytest.raises(BufferError, match="shares memory with that of field"):
            sc.split(t, out={"x": x, "n": x})
        assert x.tolist() == [0] * 4


class TestJoin:
    def test_the_default_format_is_packed_and_in_order(self):
        result = sc.join({"n": np.arange(3, dtype=">i4"), "w": array("f", [1, 2, 3]), "b": b"abc"})
        assert result.format == sc.Format("T{>i:n:^f:w:^B:b:}") and result.itemsize == 9
        assert result.tolist() == [(0, 1.0, 97), (1, 2.0, 98), (2, 3.0, 99)]

    def test_every_type_keeps_its_format(self):
        fields = {f"f{i}": np.zeros(2, dtype) for i, dtype in enumerate(DTYPES)}
        result = sc.join(fields)
        assert result.itemsize == sum(dtype.itemsize for dtype in DTYPES)
        for name, x in fields.items():
            assert result.field(name).format == sc.Format.of(x)

    def test_a_sub_array_is_the_last_dimensions(self):
        fmt = "T{d:x:(2,3)f:pos:}"
        pos = np.arange(24, dtype="i2").reshape(4, 2, 3)
        result = sc.join({"pos": pos, "x": np.arange(4)}, fmt)
        assert result.shape == (4,)
        assert result.field("pos").numpy().tolist() == pos.tolist()
        one = sc.join({"pos": pos[0], "x": np.float64(5)}, fmt)
        assert one.shape == () and one.item() == (5.0, pos[0].tolist())
        flat = sc.join({"pos": np.float32(1), "x": np.arange(2)}, fmt)
        assert flat.field("pos").tolist() == [[[1.0] * 3] * 2] * 2

    def test_formats_with_a_sub_array_of_their_own(self):
        rows = sc.Buffer(np.arange(6, dtype="u1")).view("(3)B")
        result = sc.join({"row": rows, "n": b"ab"})
        assert result.shape == (2,) and result.tolist() == [([0, 1, 2], 97), ([3, 4, 5], 98)]
        assert sc.join({"row": rows}, "T{(3)h:row:}").tolist() == [([0, 1, 2],), ([3, 4, 5],)]

    def test_structs_in_structs(self):
        inner = np.array([(1, 2.5), (3, 4.5)], "i4,f8")
        result = sc.join({"in": inner, "n": np.arange(2, dtype="i2")})
        assert result.tolist() == [((1, 2.5), 0), ((3, 4.5), 1)]

    def test_shapes_broadcast(self):
        result = sc.join({"r": np.arange(2).reshape(2, 1), "c": np.arange(3), "k": np.int8(7)})
        assert result.shape == (2, 3)
        assert result.tolist()[1] == [(1, 0, 7), (1, 1, 7), (1, 2, 7)]
        assert sc.join({"a": np.zeros((0, 1)), "b": np.zeros(3)}).shape == (0, 3)

    def test_values_convert(self):
        x = np.array([1.5, 300.0])
        assert sc.join({"v": x}, "T{B:v:}", overflow="saturate").tolist() == [(1,), (255,)]
        with pytest.raises(OverflowError, match="300"):
            sc.join({"v": x}, "T{B:v:}", overflow="raise")
        with pytest.raises(OverflowError, match="nan"):
            sc.join({"v": np.array([np.nan])}, "T{B:v:}", nan="raise")

    def test_out_keeps_what_is_not_named(self):
        aligned = np.dtype([("a", "u1"), ("b", "u4"), ("c", "u2")], align=True)
        out = np.frombuffer(bytearray(b"\xaa" * 36), aligned)
        assert sc.join({"b": np.arange(3)}, out=out) is out
        assert out["b"].tolist() == [0, 1, 2]
        assert out.tobytes()[:4] == b"\xaa" * 4 and out.tobytes()[8:12] == b"\xaa" * 4
        sc.join({}, out=out)
        sc.join({"c": np.uint16(5), "a": b"\1\2\3"}, aligned, out=out)
        assert out.tolist() == [(1, 0, 5), (2, 1, 5), (3, 2, 5)]

    def test_missing_fields(self):
        x = {"a": np.arange(1, 3)}
        fmt = "T{q:a:i:b:(2)h:c:}"
        assert sc.join(x, fmt, missing_fields="zero").tolist() == [(1, 0, [0, 0]), (2, 0, [0, 0])]
        for option in (None, "error"):
            with pytest.raises(KeyError, match=r"field 'b'.*missing_fields='zero'"):
                sc.join(x, fmt, missing_fields=option)
        out = sc.convert(np.ones(2, "i8,i4,i2,i2"), "T{q:a:i:b:T{h:x:h:y:}:c:}", fields="position")
        with pytest.raises(KeyError, match="field 'b'"):
            sc.join(x, out=out, missing_fields="error")
        assert out.tolist() == [(1, 1, (1, 1))] * 2
        sc.join(x, out=out, missing_fields="zero")
        assert out.tolist() == [(1, 0, (0, 0)), (2, 0, (0, 0))]

    def test_any_mapping(self):
        for make in (dict, OrderedDict, MappingProxyType):
            assert sc.join(make({"a": b"ab"})).tolist() == [(97,), (98,)]

    def test_a_fresh_result_shows_nothing(self):
        for _ in range(3):
            result = sc.join({"a": b"ab"}, "T{B:a:7x}")
            assert bytes(result) == b"a" + bytes(7) + b"b" + bytes(7)

    @pytest.mark.parametrize(
        ("call", "error", "says"),
        [
            (lambda: sc.join([1, 2]), TypeError, "mapping of names to buffers, not list"),
            (lambda: sc.join({}), ValueError, "at least one"),
            (lambda: sc.join({"a": 5}), TypeError, "field 'a': a buffer is needed"),
            (lambda: sc.join({1: b"a"}), TypeError, "must be a str, not int"),
            (lambda: sc.join({"a:b": b"a"}), ValueError, "cannot name a field"),
            (lambda: sc.join({"": b"a"}), ValueError, "cannot name a field"),
            (lambda: sc.join({"a": b"ab", "b": b"abc"}), ValueError, "'b' has 3.*axis -1.*2"),
            (lambda: sc.join({"q": b"a"}, "T{B:a:B:b:}"), KeyError, "'q'.*'a' and 'b'"),
            (lambda: sc.join({"a": b"a"}, "d"), TypeError, "'d', which is no struct"),
            (lambda: sc.join({"a": b"a"}, out=bytearray(1)), TypeError, "out has the format 'B'"),
            (lambda: sc.join({"a": b"a"}, out=bytes(2)), BufferError, "out is read-only"),
            (lambda: sc.join({"x": b"abc"}, out=points()), ValueError, "3"),
            (lambda: sc.join({"x": b"a"}, "T{d:x:}", out=points()), ValueError, "format"),
            (lambda: sc.join({"tag": np.zeros(4)}, out=points()), TypeError, "tag"),
            (lambda: sc.join({"a": np.array([None])}), TypeError, "objects"),
            (lambda: sc.join({"a": b"a"}, missing_fields="no"), ValueError, "'error', 'zero'"),
        ],
        ids=range(16),
    )
    def test_mistakes_say_what_and_where(self, call, error, says):
        with pytest.raises(error, match=says):
            call()

    def test_a_field_of_the_result_as_a_source(self):
        out = np.array([(1, 2), (3, 4)], "i4,i4")
        sc.join({"f1": out["f0"]}, out=out)
        assert out.tolist() == [(1, 1), (3, 3)]


class TestMissingFieldsOfConvert:
    SRC = np.array([(1, 2.5, 3), (4, 5.5, 6)], [("a", "i4"), ("b", "f8"), ("c", "u1")])

    def test_zero_leaves_out_and_fills_in(self):
        for out in (None, np.ones(2, [("c", "f4"), ("new", "i8"), ("a", "i2")])):
            result = sc.convert(
                self.SRC, "T{^f:c:^q:new:^h:a:}", out=out, missing_fields="zero", fields="name"
            )
            assert result.tolist() == [(3.0, 0, 1), (6.0, 0, 4)]

    def test_the_default_is_an_error(self):
        for option in (None, "error"):
            with pytest.raises(TypeError, match="new"):
                sc.convert(self.SRC, "T{f:c:q:new:h:a:}", missing_fields=option)
            with pytest.raises(TypeError, match="'b'"):
                sc.convert(self.SRC, "T{f:c:h:a:}", missing_fields=option)


def test_no_reference_is_lost_or_kept():
    x, name, parts = points(), "x" * 1, {"a": np.zeros(3), "b": np.zeros((2, 3))}
    out, columns = np.zeros((2, 3), "f8,f8"), {"x": np.zeros(4), "id": np.zeros(4, "i4")}
    objects = (x, x.dtype, name, parts, *parts.values(), out, columns, *columns.values())

    def work():
        sc.split(x)
        sc.split(x, names=[name])
        sc.split(x, names=[name], fmt={name: "f"})
        sc.split(x, out=columns)
        sc.join(parts)
        sc.join({"f0": parts["a"]}, out=out, missing_fields="zero")
        for bad in (
            lambda: sc.split(x, names=[name, "nothing"]),
            lambda: sc.split(x, out={**columns, "nothing": out}),
            lambda: sc.split(x, out=columns, fmt="2s"),
            lambda: sc.join({**parts, "c": np.zeros(4)}),
            lambda: sc.join(parts, out=out),
            lambda: sc.join({"a": parts["a"], "b": None}),
        ):
            with pytest.raises((ValueError, KeyError, TypeError)):
                bad()

    work()
    before = [sys.getrefcount(o) for o in objects]
    for _ in range(20):
        work()
    assert [sys.getrefcount(o) for o in objects] == before


def test_raw_items_sees_padding():
    x = np.frombuffer(bytes(range(32)), np.dtype([("a", "u1"), ("b", "f8")], align=True))
    assert raw_items(x) == bytes(range(32))
