"""What errors about Arrow's nulls and streams advise: it is true of pyarrow, and it helps."""

import builtins
import re

import pytest

import stridecast as sc

pa = pytest.importorskip("pyarrow")

PAIRS = pa.list_(pa.int32(), 2)


@pytest.mark.parametrize(
    ("array", "message", "without"),
    [
        (pa.array([True, None]), "1 item .* at index 1", lambda a: a.fill_null(False)),
        (pa.array([None, b"ab"], pa.binary(2)), "1 item .* at index 0", lambda a: a.drop_null()),
        (pa.array([[1, 2], None], PAIRS), "1 item .* at index 1", lambda a: a.drop_null()),
        # Whatever is null in a row, the row is that of the array that was passed.
        (
            pa.array([[0, 0], [1, 2], [3, None]], PAIRS).slice(1),
            "1 value in lists .* in row 1",
            lambda a: pa.FixedSizeListArray.from_arrays(a.flatten().fill_null(0), 2),
        ),
        (
            pa.array([[[1, 2], [3, 4]], [[5, 6], None]], pa.list_(PAIRS, 2)),
            "1 value in lists .* in row 1",
            lambda a: a.filter(pa.array([True, False])),
        ),
        (pa.array([{"a": 1}, None]), "1 row .* at index 1, and 'q' of", lambda a: a.drop_null()),
        (
            pa.array([{"a": 1}, {"a": None}, None]),
            "1 item of field 'a' .* in row 1",
            lambda a: pa.StructArray.from_arrays([a.field("a").fill_null(0)], ["a"]),
        ),
        (
            pa.array([{"a": {"b": 1}}, {"a": None}]),
            "1 item of field 'a' .* in row 1, and 'q' of field 'a.b'",
            lambda a: a.filter(a.field("a").is_valid()),
        ),
    ],
)
def test_what_is_null_is_named_with_a_way_out(array, message, without):
    with pytest.raises(ValueError, match=message) as refused:
        sc.Buffer(array)
    # The call that the message names is the one that helps.
    (name,) = set(re.findall(r"pyarrow's \.(\w+)\(", str(refused.value)))
    assert name in without.__code__.co_names
    assert sc.Buffer(without(array)).size >= 1


@pytest.mark.parametrize(
    ("module", "type", "advice"),
    [
        ("pandas", "Series", "pass .to_numpy() of it"),
        ("pandas.core.frame", "DataFrame", ".to_records(index=False)"),
        ("polars.series.series", "Series", "pass .to_numpy() of it"),
        ("pandasaurus", "Series", "pass one array"),
    ],
)
def test_a_stream_is_refused_with_a_way_out(module, type, advice):
    stream = builtins.type(type, (), {"__module__": module, "__arrow_c_stream__": None})()
    with pytest.raises(TypeError, match=rf"a {type} is a stream of Arrow .*{re.escape(advice)}"):
        sc.Buffer(stream)


def test_the_way_from_a_table():
    table = pa.table({"a": pa.chunked_array([[1], [2]])})
    with pytest.raises(TypeError, match=r"\.combine_chunks\(\)\.to_batches\(\)\[0\]"):
        sc.Buffer(table)
    assert sc.Buffer(table.combine_chunks().to_batches()[0]).field("a").tolist() == [1, 2]
    assert sc.Buffer(table["a"].combine_chunks()).tolist() == [1, 2]
