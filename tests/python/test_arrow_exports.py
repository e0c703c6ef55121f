"""What an exported Arrow array is and keeps alive, seen without an Arrow library: its structs, who
releases them, from which thread and how late."""

import ctypes
import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from arrow_structs import (
    ArrowArray,
    ArrowSchema,
    Returns,
    addresses,
    int32s,
    moved_out,
    release,
    struct_in,
    walk,
)

import stridecast as sc

EXPORTS = [
    np.arange(6, dtype="i4"),
    np.arange(6, dtype=">i4"),
    np.arange(12.0)[::2],
    np.array([True, False]),
    np.array([1, "NaT"], "M8[us]"),
    np.array([1, "NaT"], "M8[D]"),
    np.arange(24, dtype="u1").reshape(2, 3, 4),
    np.zeros(3, [("a", "i4"), ("b", [("c", "?"), ("d", "M8[D]", 2)])]),
    np.zeros(0, "f8"),
]


def exported(array):
    """The structs of a Buffer and the capsules that own them."""
    capsules = sc.Buffer(array).__arrow_c_array__()
    structs = struct_in(ArrowSchema, capsules[0]), struct_in(ArrowArray, capsules[1])
    return *structs, capsules


@pytest.mark.parametrize("array", EXPORTS, ids=lambda a: str(a.dtype)[:12])
@pytest.mark.parametrize("use", ["drop", "move", "release", "read"])
def test_every_way_to_use_an_export_lets_go_of_the_array(array, use):
    array = array.copy() if array.flags.c_contiguous else array
    before = sys.getrefcount(array)
    for _ in range(3):
        schema, data, capsules = exported(array)
        if use == "move":
            moved = moved_out(schema), moved_out(data)
            del capsules
            assert all(it.release for it in moved)
            for it in moved:
                release(it)
                assert not it.release
            continue
        if use == "release":
            release(data)
            release(schema)
            assert not data.release and not schema.release
        elif use == "read":
            b = sc.Buffer(Returns(capsules))
            assert b.shape[0] == len(array)
            assert not data.release
            del b
        del schema, data, capsules
    assert sys.getrefcount(array) == before


def test_an_export_keeps_the_memory_and_not_the_buffer():
    array = np.arange(4, dtype="i4")
    alive = weakref.ref(array)
    b = sc.Buffer(array)
    capsules = b.__arrow_c_array__()
    data = struct_in(ArrowArray, capsules[1])
    assert addresses(data) == [None, array.ctypes.data]
    b.release()
    del b, array
    gc.collect()
    assert alive() is not None
    del data, capsules
    gc.collect()
    assert alive() is None


def test_children_outlive_their_parent():
    array = np.zeros(3, [("a", "i4"), ("b", "M8[us]")])
    array["b"][1] = "NaT"
    array["a"] = [7, 8, 9]
    _, data, capsules = exported(array)
    children = [moved_out(data.children[i].contents) for i in range(2)]
    release(data)
    assert ctypes.string_at(addresses(children[0])[1], 12) == int32s(7, 8, 9)
    release(children[0])
    validity, values = addresses(children[1])
    assert children[1].null_count == 1 and ctypes.string_at(validity, 1)[0] & 7 == 0b101
    assert ctypes.string_at(values, 24) == array["b"].tobytes()
    release(children[1])
    del capsules


def test_more_items_than_memory():
    x = np.broadcast_to(np.float64(1), (2**59,))
    with pytest.raises(ValueError, match="address space"):
        sc.Buffer(x).__arrow_c_array__()
    with pytest.raises(MemoryError):
        sc.Buffer(x[: 2**56]).__arrow_c_array__()


def test_any_thread_may_release():
    array = np.arange(1000)
    before = sys.getrefcount(array)
    kept = [exported(array) for _ in range(8)]
    moved = [moved_out(data) for _, data, _ in kept]
    assert sys.getrefcount(array) > before
    # Through a plain C call: the thread does not hold the interpreter's lock.
    c_release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

    def work(it):
        callback = ctypes.cast(it.release, ctypes.c_void_p).value
        c_release(callback)(ctypes.addressof(it))

    threads = [threading.Thread(target=work, args=(it,)) for it in moved]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(it.release for it in moved)
    del kept
    gc.collect()
    assert sys.getrefcount(array) == before


def test_an_array_that_outlives_the_interpreter():
    """A release that comes when there is no interpreter leaks the memory, and does not crash."""
    code = f"""
import ctypes, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy as np, stridecast as sc
from arrow_structs import ArrowArray, moved_out, struct_in
capsules = sc.Buffer(np.arange(5)).__arrow_c_array__()
moved = moved_out(struct_in(ArrowArray, capsules[1]))
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
copy = libc.malloc(ctypes.c_size_t(ctypes.sizeof(moved)))
ctypes.memmove(copy, ctypes.byref(moved), ctypes.sizeof(moved))
release = ctypes.cast(moved.release, ctypes.c_void_p)
# Handlers of atexit run when main has returned, long after the interpreter's end.
assert libc.__cxa_atexit(release, ctypes.c_void_p(copy), None) == 0
"""
    if not hasattr(ctypes.CDLL(None), "__cxa_atexit"):
        pytest.skip("no way to run something after the interpreter")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_requested_schema_is_a_wish():
    b = sc.Buffer(np.arange(3, dtype="i4"))
    other = sc.Buffer(np.arange(3.0)).__arrow_c_schema__()
    schema, _ = b.__arrow_c_array__(other)
    assert struct_in(ArrowSchema, schema).format == b"i"
    assert struct_in(ArrowSchema, b.__arrow_c_array__(requested_schema=None)[0]).format == b"i"
    for wrong in (1, "i", b.__arrow_c_array__()[1]):
        with pytest.raises(TypeError, match="requested_schema must be"):
            b.__arrow_c_array__(wrong)


def test_the_schema_of_a_struct():
    schema, _, capsules = exported(EXPORTS[-2])
    nodes = list(walk(schema))
    assert [it.format for it in nodes] == [b"+s", b"i", b"+s", b"b", b"+w:2", b"tdD"]
    assert [it.name for it in nodes] == [b"", b"a", b"b", b"c", b"d", b"item"]
    assert all(it.flags == 2 and not it.dictionary and not it.metadata for it in nodes)
    del capsules


def test_bits_behind_the_last_bool_are_zero():
    _, data, capsules = exported(np.ones(11, bool))
    assert ctypes.string_at(addresses(data)[1], 2) == b"\xff\x07"
    del capsules


def test_a_released_buffer():
    b = sc.Buffer(b"abc")
    b.release()
    for method in (b.__arrow_c_array__, b.__arrow_c_schema__):
        with pytest.raises(ValueError, match="released"):
            method()
