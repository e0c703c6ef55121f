"""Headers of .safetensors files: what is refused, and agreement with the safetensors package."""

import json
import os
import struct

import ml_dtypes  # noqa: F401  (the safetensors package finds bfloat16 only if it is imported)
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from stridecast._safetensors import (
    DTYPE_BITS,
    Header,
    SafetensorsError,
    Tensor,
    encode_header,
    parse_header,
    read_header,
)


def entry(dtype="F32", shape=(2,), begin=0, end=8, **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


def parse(entries, data_size=8):
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return parse_header(text, data_size)


def read(tmp_path, content):
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        return read_header(fd)
    finally:
        os.close(fd)


def test_a_header_is_read_in_the_order_of_its_data():
    header = parse({"b": entry(begin=8, end=16), "__metadata__": {"k": "v"}, "a": entry()}, 16)
    assert [tensor.name for tensor in header.tensors] == ["a", "b"]
    assert header.tensors[1] == Tensor("b", "F32", (2,), 8, 16)
    assert header.metadata == {"k": "v"}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (b"", "must begin with '{' at byte 8"),
        (b"[]", "must begin with '{' at byte 8, not with b'['"),
        (b' {"a":1}', "must begin with '{'"),
        (b'{"a": \xff}', "not UTF-8 at byte 14"),
        (b'{"a": ', "not JSON at byte 14"),
        ('{"\u00e9": '.encode(), "not JSON at byte 15"),
        (b"{} {}", "not JSON at byte 11: Extra data"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": ' + b"[" * 200_000, "not JSON"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "not JSON that can be read"),
        (b'{"\\ud800": 1}', "half a surrogate pair"),
        (b'{"a": {}, "a": {}}', "the key 'a' stands twice"),
        (b'{"a": {"dtype": "F32", "dtype": "F32"}}', "the key 'dtype' stands twice"),
        (b'{"__metadata__": {"k": "v", "k": "v"}}', "the key 'k' stands twice"),
        ({"__metadata__": []}, "__metadata__ must be an object of strings"),
        ({"__metadata__": {"k": 1}}, "__metadata__['k'] must be a string"),
        ({"a": []}, "tensor 'a': must be an object"),
        ({"a": {"dtype": "F32", "shape": [2]}}, "tensor 'a': 'data_offsets' is missing"),
        ({"a": entry(stride=[1])}, "tensor 'a': 'stride' is unknown"),
        ({"a": entry(dtype="F31")}, "tensor 'a': the dtype 'F31' is unknown"),
        ({"a": entry(dtype=["F32"])}, "tensor 'a': the dtype ['F32'] is unknown"),
        ({"a": entry(shape=(-2,))}, "tensor 'a': the shape"),
        ({"a": entry(shape=(2.0,))}, "tensor 'a': the shape"),
        ({"a": entry(shape=(True, 2))}, "tensor 'a': the shape"),
        ({"a": {**entry(), "shape": 2}}, "tensor 'a': the shape"),
        ({"a": entry(shape=(2**64,))}, "tensor 'a': the shape"),
        ({"a": entry(shape=(2**40, 2**40))}, "tensor 'a': the number of elements overflows"),
        ({"a": entry(shape=(2**40, 2**40, 0))}, "tensor 'a': the number of elements overflows"),
        ({"a": entry(shape=(2**63,))}, "tensor 'a': the size in bits overflows"),
        ({"a": entry(dtype="F4", shape=(3,), end=1)}, "3 elements of 4 bits end inside a byte"),
        ({"a": {**entry(), "data_offsets": [0]}}, "tensor 'a': data_offsets must be two"),
        ({"a": {**entry(), "data_offsets": [0, 8.0]}}, "tensor 'a': data_offsets must be two"),
        ({"a": entry(begin=-8, end=0)}, "tensor 'a': data_offsets must be two"),
        ({"a": entry(begin=8, end=0)}, "tensor 'a': data_offsets end at 0, before"),
        ({"a": entry(end=9)}, "tensor 'a': data_offsets span 9 bytes, its dtype F32"),
        ({"a": entry(begin=1, end=9)}, "tensor 'a': begins at data byte 1 and leaves a gap from 0"),
        (
            {"a": entry(), "b": entry(begin=4, end=12)},
            "tensor 'b': begins at data byte 4 inside the tensor before it, which ends at 8",
        ),
        ({"a": entry(), "b": entry()}, "begins at data byte 0 inside the tensor before it"),
        ({"a": entry(begin=0, end=4, shape=(1,))}, "the tensors take 4 bytes, but 8 follow"),
        ({"a": entry(), "b": entry(begin=8, end=16)}, "the tensors take 16 bytes, but 8 follow"),
        ({}, "the tensors take 0 bytes, but 8 follow"),
    ],
)
def test_what_is_wrong_is_named(entries, message):
    with pytest.raises(SafetensorsError) as caught:
        parse(entries)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file has 0 bytes"),
        (b"1234567", "the file has 7 bytes"),
        (struct.pack("<Q", 3) + b"{}", "3 bytes, but only 2 follow"),
        (struct.pack("<Q", 2**63), "the format allows 100000000"),
        (struct.pack("<Q", 100_000_001) + b"{}", "the format allows 100000000"),
        (struct.pack("<Q", 0), "must begin with '{'"),
        (struct.pack("<Q", 2) + b"{}" + b"x", "the tensors take 0 bytes, but 1 follow"),
    ],
)
def test_a_file_of_the_wrong_length_is_refused(tmp_path, content, message):
    with pytest.raises(SafetensorsError, match=message):
        read(tmp_path, content)


def test_an_empty_file_of_no_tensors_is_one(tmp_path):
    assert read(tmp_path, struct.pack("<Q", 2) + b"{}") == Header((), None, 10)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SHAPES = st.lists(st.integers(0, 3), max_size=4)


@st.composite
def headers(draw):
    names = draw(st.lists(NAMES.filter(lambda n: n != "__metadata__"), max_size=6, unique=True))
    tensors, position = [], 0
    for name in names:
        dtype, shape = draw(st.sampled_from(sorted(DTYPE_BITS))), draw(SHAPES)
        bits = DTYPE_BITS[dtype] * int(np.prod(shape, dtype=np.int64))
        if bits % 8:
            shape, bits = [*shape, 4], bits * 4
        tensors.append(Tensor(name, dtype, tuple(shape), position, position + bits // 8))
        position += bits // 8
    return tensors, draw(st.none() | st.dictionaries(NAMES, NAMES, max_size=3))


@given(headers())
def test_written_headers_are_read_back_by_us_and_by_the_safetensors_package(made):
    tensors, metadata = made
    data_size = tensors[-1].end if tensors else 0
    text = encode_header(tensors, metadata)
    assert len(text) % 8 == 0
    header = parse_header(text[8:], data_size)
    # Among tensors at one place, all empty but the last, the order is the header's.
    assert sorted(header.tensors, key=lambda t: t.name) == sorted(tensors, key=lambda t: t.name)
    assert header.metadata == metadata
    theirs = safetensors.deserialize(text + bytes(data_size))
    assert {name: tuple(info["shape"]) for name, info in theirs} == {
        tensor.name: tensor.shape for tensor in tensors
    }


@settings(max_examples=500)
@given(headers(), st.data())
def test_a_damaged_header_is_refused_or_means_the_same_to_the_safetensors_package(made, data):
    tensors, metadata = made
    data_size = tensors[-1].end if tensors else 0
    text = bytearray(encode_header(tensors, metadata))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(8, len(text) - 1))
        text[place] = data.draw(st.sampled_from(b' "0123456789[]{},:-.eEF8\x00\xff'))
    try:
        header = parse_header(bytes(text[8:]), data_size)
    except SafetensorsError:
        return  # we refuse more than they do: unknown and repeated keys
    theirs = dict(safetensors.deserialize(bytes(text) + bytes(data_size)))
    assert {t.name: list(t.shape) for t in header.tensors} == {
        name: info["shape"] for name, info in theirs.items()
    }
