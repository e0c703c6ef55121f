"""NumPy's own tests of format texts, held against Format.

The tables are read from the installed NumPy (TestPEP3118Dtype): its test methods run with a check
of ours in place of NumPy's. Where the rules differ on purpose:

- The text alone has no padding at its end ("ix" is 5 bytes, as struct has it); NumPy adds it. With
  the itemsize that an exporter gives, as here, both say 8.
- An item with a name is a struct of one field for NumPy ("i:f0:"); here it is a field with that
  name, of which `Format.numpy_dtype` makes the same struct.
"""

import ast
import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest
from numpy._core._internal import _dtype_from_pep3118

import stridecast as sc


def layout(dtype):
    """What a dtype says about memory: types and offsets, names in order, sizes."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return (layout(base), shape)
    if dtype.names is None:
        return dtype.str
    fields = [(name, dtype.fields[name][1], layout(dtype.fields[name][0])) for name in dtype.names]
    return (fields, dtype.itemsize)


def numpy_tests():
    """The class as NumPy's file has it; the rest of that file is not for our pytest to load."""
    spec = importlib.util.find_spec("numpy._core.tests")
    if spec is None:
        return None
    path = Path(spec.submodule_search_locations[0]) / "test_multiarray.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = "TestPEP3118Dtype"
    body = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    scope = {"np": np}
    exec(compile(ast.Module(body, []), path, "exec"), scope)
    return scope[name]


def test_numpys_tables():
    theirs = numpy_tests()
    if theirs is None:
        pytest.skip("NumPy's tests are not installed")
    checks = []

    class Ours(theirs):
        def _check(self, spec, wanted):
            dtype = np.dtype(wanted)
            checks.append(spec)
            f = sc.Format(spec, dtype.itemsize)
            assert layout(f.numpy_dtype()) == layout(dtype), (spec, wanted)
            assert layout(sc.Format(f.text, f.itemsize).numpy_dtype()) == layout(dtype), spec

    methods = [name for name, _ in inspect.getmembers(Ours, callable) if name.startswith("test_")]
    assert len(methods) >= 9
    for name in methods:
        getattr(Ours(), name)()
    assert len(checks) >= 30


def test_the_padding_at_the_end_is_the_exporters_business():
    assert sc.Format("ix").itemsize == 5 and _dtype_from_pep3118("ix").itemsize == 8
    assert sc.Format("ix", 8).itemsize == 8


CODES = [
    "i1",
    "u1",
    "?",
    "i2",
    ">u2",
    "i4",
    ">i4",
    "u8",
    ">f8",
    "f2",
    ">f4",
    "c8",
    ">c16",
    "S3",
    "U2",
]


def random_dtype(rng, depth=0):
    fields = []
    for i in range(rng.integers(1, 6)):
        code = CODES[rng.integers(len(CODES))]
        if depth < 3 and rng.random() < 0.25:
            code = random_dtype(rng, depth + 1)
        if rng.random() < 0.25:
            code = (code, tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 3))))
        fields.append((f"f{i}", code))
    return np.dtype(fields, align=bool(rng.integers(2)))


def test_numpy_reads_the_canonical_text_of_400_random_structs():
    """Of NumPy's own texts of such structs it reads 280 with their layout."""
    rng = np.random.default_rng(118)
    for _ in range(400):
        dtype = random_dtype(rng)
        f = sc.Format.of(dtype)
        assert layout(_dtype_from_pep3118(f.text)) == layout(dtype), f.text
        assert layout(f.numpy_dtype()) == layout(dtype)
