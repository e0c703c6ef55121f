"""The same type in four languages: buffer format, NumPy dtype, Arrow format string, DLPack code.

One table, read in every direction in which a type can go; where a language has no such type, the
export is refused and says what to do instead."""

import ml_dtypes
import numpy as np
import pytest
from arrow_structs import ArrowSchema, struct_in
from dlpack_producer import Passer, managed_in

import stridecast as sc

NO = None  # the language has no such type


def ml(name):
    return np.dtype(getattr(ml_dtypes, name))


# format, dtype, Arrow format strings of the type and its children, DLPack (code, bits)
TABLE = [
    ("?", "?", "b", (6, 8)),
    ("b", "i1", "c", (0, 8)),
    ("h", "i2", "s", (0, 16)),
    ("i", "i4", "i", (0, 32)),
    ("q", "i8", "l", (0, 64)),
    ("B", "u1", "C", (1, 8)),
    ("H", "u2", "S", (1, 16)),
    ("I", "u4", "I", (1, 32)),
    ("Q", "u8", "L", (1, 64)),
    ("e", "f2", "e", (2, 16)),
    ("f", "f4", "f", (2, 32)),
    ("d", "f8", "g", (2, 64)),
    ("g", "g", NO, NO),
    ("E", ml("bfloat16"), NO, (4, 16)),
    ("Ze", ml("complex32"), NO, (5, 32)),
    ("Zf", "c8", NO, (5, 64)),
    ("Zd", "c16", NO, (5, 128)),
    ("Zg", "G", NO, NO),
    ("ZE", ml("bcomplex32"), NO, NO),
    *(
        (f"[ml_dtypes${name}$]", ml(name), NO, (code, bits))
        for name, code, bits in [
            ("float8_e3m4", 7, 8),
            ("float8_e4m3", 8, 8),
            ("float8_e4m3b11fnuz", 9, 8),
            ("float8_e4m3fn", 10, 8),
            ("float8_e4m3fnuz", 11, 8),
            ("float8_e5m2", 12, 8),
            ("float8_e5m2fnuz", 13, 8),
            ("float8_e8m0fnu", 14, 8),
            ("float6_e2m3fn", 15, 6),
            ("float6_e3m2fn", 16, 6),
            ("float4_e2m1fn", 17, 4),
            ("int4", 0, 4),
            ("uint4", 1, 4),
            ("int2", 0, 2),
            ("uint2", 1, 2),
        ]
    ),
    *((f"[numpy$datetime64${u}]", f"M8[{u}]", f"ts{u[0]}:", NO) for u in ["s", "ms", "us", "ns"]),
    *((f"[numpy$timedelta64${u}]", f"m8[{u}]", f"tD{u[0]}", NO) for u in ["s", "ms", "us", "ns"]),
    ("[numpy$datetime64$D]", "M8[D]", "tdD", NO),
    ("[numpy$datetime64$25us]", "M8[25us]", NO, NO),
    ("[numpy$datetime64$h]", "M8[h]", NO, NO),
    ("[numpy$datetime64$]", "M8", NO, NO),
    ("5s", "S5", "w:5", NO),
    ("5w", "U5", NO, NO),
    ("^T{5x:raw:}", [("raw", "V5")], "+s w:5", NO),
    ("^T{i:a:d:b:}", [("a", "i4"), ("b", "f8")], "+s i g", NO),
    ("^T{i:a:4xd:b:}", np.dtype([("a", "i4"), ("b", "f8")], align=True), "+s i g", NO),
    ("^T{(2,3)f:m:}", [("m", "f4", (2, 3))], "+s +w:2 +w:3 f", NO),
    (">i", ">i4", "i", NO),
    (">[numpy$datetime64$us]", ">M8[us]", "tsu:", NO),
]
IDS = [row[0] for row in TABLE]


def zeros(dtype):
    return np.zeros(3, dtype)


def arrow_names(schema):
    yield schema.format.decode()
    for i in range(schema.n_children):
        yield from arrow_names(schema.children[i].contents)


@pytest.mark.parametrize(("text", "dtype", "arrow", "dlpack"), TABLE, ids=IDS)
def test_numpy(text, dtype, arrow, dlpack):
    dtype = np.dtype(dtype)
    assert str(sc.Format.of(dtype)) == text
    assert sc.Format(text).numpy_dtype() == dtype
    array = zeros(dtype)
    buffer = sc.Buffer(array)
    assert str(buffer.format) == memoryview(buffer).format == text
    for back in [buffer.numpy(), sc.asarray(buffer), sc.asarray(memoryview(buffer))]:
        assert back.dtype == dtype
        assert np.shares_memory(back, array) or back.nbytes == 0


@pytest.mark.parametrize(("text", "dtype", "arrow", "dlpack"), TABLE, ids=IDS)
def test_arrow(text, dtype, arrow, dlpack):
    buffer = sc.Buffer(zeros(dtype))
    if arrow is NO:
        with pytest.raises(TypeError, match=r"(?i)arrow"):
            buffer.__arrow_c_array__()
        return
    schema = buffer.__arrow_c_schema__()
    assert " ".join(arrow_names(struct_in(ArrowSchema, schema))) == arrow
    capsules = buffer.__arrow_c_array__()

    class Arrow:
        def __arrow_c_array__(self, requested_schema=None):
            return capsules

    back = sc.Buffer(Arrow())
    # Arrow is in the host's order, its structs have no padding, its bytes no meaning.
    expected = text.replace("4x", "").lstrip(">").replace("5s", "5x")
    assert str(back.format) == expected
    if not expected.endswith("x"):
        same = buffer.numpy().astype(back.numpy().dtype)
        assert back.tolist() == sc.Buffer(same).tolist()


@pytest.mark.parametrize(("text", "dtype", "arrow", "dlpack"), TABLE, ids=IDS)
def test_dlpack(text, dtype, arrow, dlpack):
    buffer = sc.Buffer(zeros(dtype))
    if dlpack is NO:
        with pytest.raises(BufferError, match=r"(?i)dlpack"):
            buffer.__dlpack__(max_version=(1, 1))
        return
    tensor = managed_in(capsule := buffer.__dlpack__(max_version=(1, 1))).tensor
    assert (tensor.code, tensor.bits, tensor.lanes) == (*dlpack, 1)
    del capsule
    back = sc.Buffer(Passer(buffer))
    assert back.format == buffer.format
    assert np.shares_memory(back.view("B").numpy(), buffer.view("B").numpy())


def test_the_table_has_every_type_of_ml_dtypes_that_has_a_code():
    known = {row[0] for row in TABLE}
    for name in ["int1", "uint1"]:  # DLPack can say them; ml_dtypes has them from 0.6 on
        known.add(f"[ml_dtypes${name}$]")
    for name in dir(ml_dtypes):
        kind = getattr(ml_dtypes, name)
        if isinstance(kind, type) and issubclass(kind, np.generic):
            assert str(sc.Format.of(np.dtype(kind))) in known
