"""The Arrow C data interface without an Arrow library: structs that contradict themselves, who
releases what and how often. What we export is test_arrow_exports.py."""

import ctypes
import gc
import struct

import numpy as np
import pytest
from arrow_structs import (
    ArrowArray,
    ArrowSchema,
    Producer,
    Returns,
    capsule_of,
    int32s,
    release,
    walk,
)
from hypothesis import given
from hypothesis import strategies as st

import stridecast as sc

I64_MAX = 2**63 - 1


def plain():
    """Four int32."""
    p = Producer()
    p.node(b"i", 4, [None, int32s(1, 2, 3, 4)])
    return p


def doubles_with_nulls():
    """Four doubles, the second is null."""
    p = Producer()
    p.node(b"g", 4, [b"\x0d", struct.pack("4d", 1, 2, 3, 4)], null_count=1)
    return p


def bools():
    p = Producer()
    p.node(b"b", 10, [None, b"\xa5\x03"])
    return p


def records():
    """Three structs of an int32 and a list of two bools; field names a and l."""
    p = Producer()
    a = p.node(b"i", 3, [None, int32s(1, 2, 3)], name=b"a")
    item = p.node(b"b", 6, [None, b"\x2d"], name=b"item")
    lists = p.node(b"+w:2", 3, [None], name=b"l", children=[item])
    p.node(b"+s", 3, [None], children=[a, lists])
    return p


PRODUCERS = [plain, doubles_with_nulls, bools, records]


def released_once(p):
    """Every struct of the tree, by its own callback."""
    if 0 in p.released.values():
        gc.collect()  # a test's own frames may hold a capsule
    return set(p.released.values()) == {1}


def child(p, *path):
    """The structs of a node below the root."""
    schema, array = p.schema, p.array
    for i in path:
        schema, array = schema.children[i].contents, array.children[i].contents
    return schema, array


@pytest.mark.parametrize("make", PRODUCERS)
def test_what_the_producers_mean(make):
    p = make()
    b = sc.Buffer(p)
    values = str(b.tolist())
    assert (
        values
        == {
            plain: "[1, 2, 3, 4]",
            doubles_with_nulls: "[1.0, nan, 3.0, 4.0]",
            bools: str([c == "1" for c in "1010010111"]),
            records: "[(1, [True, False]), (2, [True, True]), (3, [False, True])]",
        }[make]
    )
    assert p.calls == 1
    del b
    assert released_once(p)


def test_memory_that_is_not_copied_is_released_with_its_last_user():
    p = plain()
    b = sc.Buffer(p)
    assert b.readonly
    gc.collect()
    assert p.released["schema", 0] == 1 and p.released["array", 0] == 0
    part = b[1:].numpy()
    b.release()
    gc.collect()
    assert p.released["array", 0] == 0 and part.tolist() == [2, 3, 4]
    del part
    assert released_once(p)


@pytest.mark.parametrize("make", [doubles_with_nulls, bools, records])
def test_memory_that_is_copied_is_released_at_once(make):
    p = make()
    b = sc.Buffer(p)
    assert released_once(p)
    assert not b.readonly and b.size > 0


def test_offsets_add_up():
    p = Producer()
    a = p.node(b"i", 5, [None, int32s(*range(100, 110))], name=b"a", offset=3)
    item = p.node(b"b", 9, [None, b"\xb4\x01"], name=b"item", offset=1)
    lists = p.node(b"+w:2", 3, [b"\xff"], name=b"l", children=[item], offset=1)
    p.node(b"+s", 2, [None], children=[a, lists], offset=1)
    # Lists from their item 2 on, so bools from 2 * 2 + 1 on: of 0b1_1011_0100 bits 5 to 8.
    assert sc.Buffer(p).tolist() == [(104, [True, False]), (105, [True, True])]
    assert released_once(p)


def test_a_null_list_is_a_list_of_nulls():
    p = Producer()
    item = p.node(b"g", 8, [None, struct.pack("8d", *range(8))], name=b"item")
    p.node(b"+w:2", 3, [b"\x0a"], children=[item], null_count=1, offset=1)
    assert str(sc.Buffer(p).tolist()) == "[[2.0, 3.0], [nan, nan], [6.0, 7.0]]"
    p = Producer()
    item = p.node(b"C", 8, [None, bytes(8)], name=b"item")
    p.node(b"+w:2", 3, [b"\x0a"], children=[item], null_count=-1, offset=1)
    with pytest.raises(ValueError, match=r"1 item .* null, the first at index 1.*\.drop_null"):
        sc.Buffer(p)
    assert released_once(p)


def set_schema(**fields):
    return lambda p: [setattr(p.schema, k, v) for k, v in fields.items()]


def set_array(**fields):
    return lambda p: [setattr(p.array, k, v) for k, v in fields.items()]


def set_child(*path, **fields):
    """Fields of a child's array, or of its schema with a leading s_."""

    def change(p):
        schema, array = child(p, *path)
        for k, v in fields.items():
            if k.startswith("s_"):
                setattr(schema, k[2:], v)
            else:
                setattr(array, k, v)

    return change


def null_buffer(index):
    return lambda p: p.array.buffers.__setitem__(index, None)


def address_of_data(address):
    return lambda p: p.array.buffers.__setitem__(1, address)


def no_release(kind):
    def change(p):
        it = getattr(p, kind)
        release(it)  # somebody else was there before

    return change


def null_child(kind, i):
    def change(p):
        it = getattr(p, kind)
        release(it.children[i].contents)
        it.children[i] = type(it.children[i])()

    return change


def dictionary(kind):
    def change(p):
        other = {"schema": ArrowSchema, "array": ArrowArray}[kind]()
        p.kept.append(other)
        getattr(p, kind).dictionary = ctypes.pointer(other)

    return change


CONTRADICTIONS = [
    (plain, no_release("schema"), BufferError, "schema was released"),
    (plain, no_release("array"), BufferError, "array was released"),
    (plain, set_schema(format=None), BufferError, "has no format"),
    (plain, set_schema(format=b""), BufferError, "none that the C data interface defines"),
    (plain, set_schema(format=b"ii"), BufferError, "'ii' is none that"),
    (plain, set_schema(format=b"tsx:"), BufferError, "is none that"),
    (plain, set_schema(format=b"ts"), BufferError, "is none that"),
    (plain, set_schema(format=b"tss"), BufferError, "is none that"),
    (plain, set_schema(format=b"w:"), BufferError, "does not end in a number"),
    (plain, set_schema(format=b"w:4x"), BufferError, "does not end in a number"),
    (plain, set_schema(format=b"w:-4"), BufferError, "does not end in a number"),
    (plain, set_schema(format=b"w:+4"), BufferError, "does not end in a number"),
    (plain, set_schema(format=b"w:9223372036854775808"), BufferError, "number of 63 bits"),
    (plain, set_schema(format=b"w:9223372036854775807"), BufferError, "than can be addressed"),
    (plain, set_schema(format=b"w:4611686018427387903"), BufferError, "than can be addressed"),
    (plain, set_schema(format=b"w:0"), TypeError, "no items"),
    (plain, set_schema(format=b"+w:2"), BufferError, "has 0 children, .* means 1"),
    (plain, set_schema(format=b"+s"), TypeError, "no fields"),
    (plain, set_schema(format=b"u"), TypeError, "string"),
    (plain, set_schema(n_children=1), BufferError, "has 1 children, .* means 0"),
    (plain, dictionary("schema"), TypeError, "dictionary-encoded"),
    (plain, dictionary("array"), BufferError, "has a dictionary, its schema has none"),
    (plain, set_array(length=-1), BufferError, "claims -1 items"),
    (plain, set_array(offset=-1), BufferError, "from item -1 on"),
    (plain, set_array(length=I64_MAX, offset=1), BufferError, f"claims {I64_MAX} items"),
    (plain, set_array(length=I64_MAX), BufferError, "more bytes than can be addressed"),
    (plain, set_array(offset=2**61), BufferError, "more bytes than can be addressed"),
    (plain, set_array(null_count=-2), BufferError, "-2 nulls"),
    (plain, set_array(null_count=5), BufferError, "5 nulls in 4 items"),
    (plain, set_array(null_count=1), BufferError, "1 nulls and says not which"),
    (plain, set_array(n_buffers=1), BufferError, "has 1 buffers, its type has 2"),
    (plain, set_array(n_buffers=3), BufferError, "has 3 buffers, its type has 2"),
    (plain, set_array(n_buffers=-1), BufferError, "has -1 buffers"),
    (plain, set_array(buffers=None), BufferError, "no table of buffers"),
    (plain, null_buffer(1), BufferError, "no data for its 4 items"),
    (plain, address_of_data(2**64 - 8), BufferError, "more bytes than can be addressed"),
    (plain, set_array(n_children=1), BufferError, "has 1 children, its type has 0"),
    (records, set_schema(n_children=-1), BufferError, "-1 children"),
    (records, set_schema(n_children=2**62), BufferError, "children"),
    (records, set_schema(children=None), BufferError, "has no child 0"),
    (records, null_child("schema", 1), BufferError, "has no child 1"),
    (records, set_array(n_children=1), BufferError, "has 1 children, its type has 2"),
    (records, set_array(children=None), BufferError, "has no child 0"),
    (records, null_child("array", 1), BufferError, "has no child 1"),
    (records, set_array(n_buffers=0), BufferError, "has 0 buffers, its type has 1"),
    (records, set_array(length=4), BufferError, "'a' has 3 items, its parent's reach to 4"),
    (records, set_array(offset=1), BufferError, "'a' has 3 items, its parent's reach to 4"),
    (records, set_array(offset=I64_MAX - 3), BufferError, "'a' has 3 items"),
    (records, set_child(0, length=2), BufferError, "'a' has 2 items, its parent's reach to 3"),
    (records, set_child(1, length=I64_MAX // 2 + 1), BufferError, "'l' claims more items than 63"),
    (records, set_child(1, 0, length=5), BufferError, "'l' has 5 items, its parent's reach to 6"),
    (records, set_child(0, n_buffers=1), BufferError, "'a' has 1 buffers"),
    (records, set_child(1, s_format=b"+w:3"), BufferError, "'l' has 6 items, .* reach to 9"),
    (records, set_child(0, s_name=None), TypeError, "cannot name a field"),
    (records, set_child(0, s_name=b"x:y"), TypeError, "cannot name a field"),
    (records, set_child(0, s_name=b"l"), TypeError, "two fields have the name 'l'"),
    (records, set_child(0, s_name=b"\xff\xfe"), sc.FormatError, "UTF-8"),
    (records, set_child(1, 0, s_format=b"z"), TypeError, "type binary .*of field 'l'"),
]


@pytest.mark.parametrize(
    ("make", "change", "error", "message"), CONTRADICTIONS, ids=lambda v: getattr(v, "__name__", v)
)
def test_contradictions_are_found_before_anything_is_read(make, change, error, message):
    p = make()
    change(p)
    with pytest.raises(error, match=message) as raised:
        sc.Buffer(p)
    assert error is sc.FormatError or str(raised.value).startswith("obj: ")
    assert released_once(p)


def test_a_schema_that_contains_itself():
    p = records()
    p.schema.children[0].contents.format = b"+s"
    p.schema.children[0].contents.n_children = 1
    p.schema.children[0].contents.children = p.schema.children
    with pytest.raises(TypeError, match="nested deeper than 64"):
        sc.Buffer(p)
    p.schema.children[0].contents.n_children = 0


def test_a_schema_without_end():
    """Thirty levels of two fields that have the same fields: a billion of them by the schema."""
    p = Producer()
    fields = [p.node(b"i", 1, [None, int32s(1)], name=name) for name in (b"x", b"y")]
    for _ in range(30):
        fields = [p.node(b"+s", 1, [None], name=name, children=fields) for name in (b"x", b"y")]
    with pytest.raises(TypeError, match="more than 65536 fields"):
        sc.Buffer(p)


def test_failures_after_the_move_release_once():
    p = Producer()
    p.node(b"i", 4, [b"\x0d", int32s(1, 2, 3, 4)], null_count=-1)
    with pytest.raises(ValueError, match=r"obj: 1 item .* is null, the first at index 1"):
        sc.Buffer(p)
    assert released_once(p)
    # A count of nulls without a bitmap is none.
    p = plain()
    p.array.null_count = -1
    assert sc.Buffer(p).tolist() == [1, 2, 3, 4]
    # No memory for so many bytes.
    p = bools()
    p.array.length = 2**60
    with pytest.raises(MemoryError):
        sc.Buffer(p)
    assert released_once(p)


@pytest.mark.parametrize("null_count", [-1, 0, 1])
def test_counts_of_nulls_that_are_not_known(null_count):
    p = Producer()
    p.node(b"g", 2, [b"\x01", struct.pack("2d", 1, 2)], null_count=null_count)
    values = sc.Buffer(p).tolist()
    # None is a promise: the bitmap is not looked at.
    assert values[0] == 1 and (values[1] == 2) is (null_count == 0)


def test_no_items_need_no_memory():
    for fmt in (b"i", b"b", b"tdD", b"w:3", b"w:9223372036854775807", b"tsu:"):
        p = Producer()
        p.node(fmt, 0, [None, None])
        assert sc.Buffer(p).tolist() == []
        assert released_once(p)


TEXTS = st.text(alphabet="bcCsSilLefgzZuUwvtTDMmnrpd:+0123456789,- ", max_size=12)


@given(TEXTS, st.sampled_from([0, 1]))
def test_any_format_text_is_a_type_or_an_error(text, children):
    p = Producer()
    below = [p.node(b"c", 0, [None, None], name=b"item") for _ in range(children)]
    p.node(text.encode(), 0, [None] * (2 - children), children=below)
    try:
        assert sc.Buffer(p).tolist() == []
    except (TypeError, BufferError) as error:
        assert str(error).startswith("obj: ")
    assert released_once(p)


def lie(field, *values):
    return st.tuples(st.just(field), st.sampled_from(values))


# All but those that a consumer can only believe: how much memory there is.
LIES = st.one_of(
    lie("length", -1, 0, 1, 2, I64_MAX),
    lie("offset", -1, 0, 1, 2, I64_MAX),
    lie("null_count", -2, -1, 0, 1, 2, I64_MAX),
    lie("n_buffers", -1, 0, 1, 2, 3, I64_MAX),
    lie("n_children", -1, 0, 1, 2, 3, I64_MAX),
    lie("buffers", None),
    lie("children", None),
    lie("s_format", None, b"+s", b"+w:2", b"+w:3", b"l", b"g", b"tsu:", b"u", b"tdD"),
    lie("s_n_children", -1, 0, 1, 2, 3, I64_MAX),
    lie("s_children", None),
    lie("s_name", None, b"", b"a", b"l", b"\xff", b"a:b"),
)


@given(st.lists(st.tuples(st.integers(0, 3), LIES), min_size=1, max_size=4))
def test_lies_in_any_place_are_errors_or_harmless(lies):
    p = Producer()
    a = p.node(b"i", 3, [None, bytes(4096)], name=b"a")
    item = p.node(b"b", 6, [None, bytes(4096)], name=b"item")
    lists = p.node(b"+w:2", 3, [None], name=b"l", children=[item])
    p.node(b"+s", 3, [None], children=[a, lists])
    nodes = list(zip(walk(p.schema), walk(p.array), strict=True))
    for i, (field, value) in lies:
        schema, array = nodes[i]
        if field.startswith("s_"):
            setattr(schema, field[2:], value)
        else:
            setattr(array, field, value)
    try:
        assert sc.Buffer(p).ndim == 1
    except (TypeError, BufferError, ValueError) as error:
        assert str(error)
    assert released_once(p)


def test_whatever_else_the_method_returns():
    def pair():
        p = plain()
        return p, capsule_of(p.schema), capsule_of(p.array)

    for value in (None, (), (1, 2), [1, 2], "ab"):
        with pytest.raises(TypeError, match="obj: its __arrow_c_array__ returned no"):
            sc.Buffer(Returns(value))
    p, schema, array = pair()
    for value in ((array, schema), (schema, schema), [schema, array], (schema,), (schema, 1)):
        with pytest.raises(TypeError, match="returned no"):
            sc.Buffer(Returns(value))
    assert sc.Buffer(Returns((schema, array))).size == 4
    with pytest.raises(BufferError, match="array was released"):
        sc.Buffer(Returns((schema, array)))
    del schema, array, value
    assert released_once(p)
    p = plain()
    misnamed = Returns((capsule_of(p.schema, b"other"), capsule_of(p.array)))
    with pytest.raises(TypeError, match="no capsule 'arrow_schema'"):
        sc.Buffer(misnamed)
    with pytest.raises(ZeroDivisionError):
        sc.Buffer(Returns(ZeroDivisionError()))


def test_streams_and_writing():
    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            raise AssertionError

    with pytest.raises(TypeError, match="stream of Arrow arrays; pass one array"):
        sc.Buffer(Stream())
    p = plain()
    with pytest.raises(BufferError, match="out is read-only: Arrow"):
        sc.convert(np.zeros(4, "i4"), None, out=p)
    assert p.calls == 0


def test_a_buffer_is_read_before_an_arrow_array():
    class Array(np.ndarray):
        def __arrow_c_array__(self, requested_schema=None):
            raise AssertionError

    class Bytes(bytes):
        __arrow_c_array__ = Array.__arrow_c_array__

    assert sc.Buffer(np.arange(3).view(Array)).tolist() == [0, 1, 2]
    assert sc.Buffer(Bytes(b"AB")).tolist() == [65, 66]
