"""Kernels of registered types: callables on arrays, and C functions of the kernel ABI."""

import ctypes
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from user_types import decode, encode, new_name, q88, text

import stridecast as sc

INCLUDE = Path(__file__).resolve().parents[2] / "include"
KERNEL = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p)

# Q8.8 to double and back in C. Everything is reached by memcpy: no address is aligned.
C_KERNELS = r"""
#include <string.h>
#include "stridecast/kernel_abi.h"

uint32_t decode(const sc_run* run) {
  for (int64_t i = 0; i < run->n[1]; ++i) {
    int16_t bits;
    memcpy(&bits, (const char*)run->src + 2 * i, 2);
    const double value = bits / 256.0;
    memcpy((char*)run->dst + 8 * i, &value, 8);
  }
  return 0;
}

uint32_t encode(const sc_run* run) {
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[1]; ++i) {
    double value;
    memcpy(&value, (const char*)run->src + 8 * i, 8);
    const int fits = value >= -128 && value < 128;
    if (!fits) errors |= value == value ? SC_ERR_OVERFLOW : SC_ERR_NAN;
    const int16_t bits = (int16_t)(fits ? value * 256 : 0);
    memcpy((char*)run->dst + 2 * i, &bits, 2);
  }
  return errors;
}

uint32_t refuse_negative(const sc_run* run) {
  uint32_t errors = decode(run);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    if (((const signed char*)run->src)[2 * i + 1] < 0) errors |= SC_ERR_USER;
  }
  return errors;
}
"""


@pytest.fixture
def name():
    return new_name()


def test_what_a_callable_raises_about_a_missing_value_is_said_at_once(name):
    def refuse(values):
        raise KeyError("no such code")

    sc.register("user", name, itemsize=2, decode={"d": decode}, encode={"d": refuse})
    with pytest.raises(KeyError, match="no such code"):
        sc.encode(np.zeros(3), f"[user${name}$]", missing=3)
    assert sc.convert(np.zeros(3), "f").tolist() == [0, 0, 0]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "kernels.c").write_text(C_KERNELS)
    command = ["cc", "-O2", "-shared", "-fPIC", f"-I{INCLUDE}", "kernels.c", "-o", "kernels.so"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "kernels.so"))


class TestCallables:
    """Kernels in Python: they get an array of items and return as many."""

    def test_both_ways(self, name):
        sc.register("user", name, itemsize=2, decode={"d": decode}, encode={"d": encode})
        items = q88([1.5, -2, 0.25], text(name))
        assert sc.convert(items, "d").tolist() == [1.5, -2, 0.25]
        assert sc.convert(items, "b").tolist() == [1, -2, 0]  # by way of "d"
        back = sc.convert(np.array([1, -3], "i8"), text(name))
        assert back.view("h").tolist() == [256, -768]

    def test_one_way(self, name):
        sc.register("user", name, itemsize=2, decode={"d": decode})
        with pytest.raises(TypeError, match=f"no conversion from float32 to user.{name}"):
            sc.convert(np.zeros(3, "f4"), text(name))

    def test_several_numbers(self, name):
        called = []

        def via(letter):
            def kernel(bits):
                called.append(letter)
                return decode(bits).astype(letter)

            return kernel

        sc.register("user", name, itemsize=2, decode={"f": via("f"), "d": via("d")})
        items = q88([1.5], text(name))
        for to in ("d", "f", "i"):  # its own kernel, else the first
            assert sc.convert(items, to).tolist() == [np.dtype(to).type(1.5)]
        assert called == ["d", "f", "f"]

    def test_what_they_get(self, name):
        seen = []

        def kernel(items):
            seen.append(items)
            return np.zeros(len(items))

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        sc.register("user", name + "v", itemsize=3, decode={"d": kernel})
        sc.register("user", name + "d", itemsize=2, decode={"d": kernel}, dtype="i2")
        strided = np.arange(12, dtype=">u2")[10:0:-2]
        sc.convert(sc.Buffer(strided).view(text(name, ">")), "d")
        sc.convert(sc.Buffer(bytes(6)).view(text(name + "v")), "d")
        sc.convert(sc.Buffer(bytes(4)).view(text(name + "d")), "d")
        native = seen[0]
        assert native.tolist() == [10, 8, 6, 4, 2]  # packed, in the host's order
        assert [a.dtype.str for a in seen] == ["<u2", "|V3", "<i2"]
        native[:] = 0  # and theirs to keep and to change
        assert strided.tolist() == [10, 8, 6, 4, 2]
        assert native.flags.owndata

    def test_what_they_may_return(self, name):
        results = {}
        sc.register("user", name, itemsize=2, decode={"i": lambda items: results["is"]})
        items = q88([0, 0], text(name))
        for good in ([1, 2], (1, 2), np.array([1, 2], "u1"), np.array([1, 2], ">i8"), range(1, 3)):
            results["is"] = good
            assert sc.convert(items, "i").tolist() == [1, 2]

    @pytest.mark.parametrize(
        ("result", "error", "says"),
        [
            (lambda n: [1] * (n + 1), ValueError, "returned 3 items for 2"),
            (lambda n: [1] * (n - 1), ValueError, "returned 1 items for 2"),
            (lambda n: [None] * n, TypeError, "of dtype dtype.'O'., not dtype.'int32'."),
            (lambda n: [1.5] * n, TypeError, "of dtype dtype.'float64'., not dtype.'int32'."),
            (lambda n: ["a"] * n, TypeError, "not dtype.'int32'."),
        ],
        ids=["too many", "too few", "nothing", "floats for integers", "texts"],
    )
    def test_what_they_may_not_return(self, name, result, error, says):
        sc.register("user", name, itemsize=2, decode={"i": lambda items: result(len(items))})
        with pytest.raises(error, match=says):
            sc.convert(q88([0, 0], text(name)), "i")

    def test_long_runs_come_in_parts(self, name):
        lengths = []

        def kernel(bits):
            lengths.append(len(bits))
            return decode(bits)

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        values = np.arange(5000) % 256 / 4 - 30
        assert sc.convert(q88(values, text(name)), "f", threads=2).tolist() == values.tolist()
        assert sum(lengths) == 5000
        assert len(lengths) > 1

    def test_they_run_in_the_thread_that_called(self, name):
        threads = set()

        def kernel(bits):
            threads.add(threading.get_ident())
            return decode(bits)

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        big = sc.Buffer(np.zeros(3_000_000, "i2")).view(text(name))  # the lock is released for it
        sc.convert(big, "d", threads=2)
        assert threads == {threading.get_ident()}

    def test_they_may_call_stridecast(self, name):
        sc.register("user", name, itemsize=2, decode={"d": decode}, encode={"d": encode})
        sc.register("user", name + "2", itemsize=2, decode={
            "d": lambda bits: sc.convert(sc.Buffer(bits).view(text(name)), "d").numpy()
        })  # fmt: skip
        assert sc.convert(q88([2.5], text(name + "2")), "f").tolist() == [2.5]


class TestErrors:
    """What a kernel refuses is an error at the first such element, in the order of indices."""

    def register(self, name, wrong):
        def kernel(bits):
            if (bits == 7).any():
                raise wrong
            return decode(bits)

        sc.register("user", name, itemsize=2, decode={"d": kernel})

    @pytest.mark.parametrize("wrong", [KeyError("seven"), ZeroDivisionError(), UnicodeError("u")])
    def test_exceptions_keep_their_type(self, name, wrong):
        self.register(name, wrong)
        items = np.zeros((3, 400), "u2")
        items[1, 300] = items[2, 0] = 7
        with pytest.raises(type(wrong)) as caught:
            sc.convert(sc.Buffer(items).view(text(name)), "f")
        assert caught.value is wrong
        assert wrong.__notes__ == [
            "an element is refused by the conversion of its type (destination format 'f')"
        ]
        assert any(entry.name == "kernel" for entry in caught.traceback)

    def test_the_one_element_is_named(self, name):
        self.register(name, KeyError("seven"))
        with pytest.raises(KeyError) as caught:
            sc.convert(sc.Buffer(np.array([7], "u2")).view(text(name)), "f")
        assert caught.value.__notes__[0].startswith("element 0 is refused by")

    def test_fields_are_named(self, name):
        self.register(name, KeyError("seven"))
        items = np.array([(1, 0), (2, 7)], [("id", "i4"), ("x", "u2")])
        struct = sc.Buffer(items).view(f"^T{{i:id:{text(name)}:x:}}")
        with pytest.raises(KeyError) as caught:
            sc.convert(struct, "T{i:id:d:x:}")
        (note,) = caught.value.__notes__
        assert note.startswith("an element of field 'x' is refused by the conversion of its type")

    @pytest.mark.parametrize("overlap", [False, True])
    def test_none_is_called_again(self, name, overlap):
        """The first exception is the one that arrives: a second call could have side effects."""
        calls = []

        def kernel(bits):
            calls.append(len(bits))
            raise KeyError(len(calls))

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        memory = np.zeros(100_000, "u2")
        fmt = f"T{{{text(name)}:x:(3){text(name)}:y:}}"
        src = sc.Buffer(memory).view(fmt)
        out = memory[1:-3].view("d") if overlap else None
        with pytest.raises(KeyError) as caught:
            if overlap:
                sc.convert(sc.Buffer(memory)[: len(out)].view(text(name)), "d", out=out)
            else:
                sc.convert(src, "T{d:x:(3)d:y:}")
        assert caught.value.args == (1,)
        assert len(calls) == 1

    def test_one_that_converts_its_own_type(self, name):
        """Endless recursion is a RecursionError, soon enough for a thread's small stack."""
        calls = []

        def kernel(bits):
            calls.append(len(bits))
            return sc.convert(sc.Buffer(bits).view(text(name)), "d").numpy()

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        raised = []

        def run():
            with pytest.raises(RecursionError) as caught:
                sc.convert(sc.Buffer(np.zeros(600, "u2")).view(text(name)), "d")
            raised.append(caught.value)

        previous = threading.stack_size(512 * 1024)
        try:
            thread = threading.Thread(target=run)
            thread.start()
        finally:
            threading.stack_size(previous)
        thread.join()
        assert len(raised) == 1
        assert 4 < len(calls) < 100  # once a level

    def test_what_is_caught_within_is_forgotten(self, name):
        self.register(name + "in", KeyError("seven"))

        def kernel(bits):
            with pytest.raises(KeyError):
                sc.convert(sc.Buffer(np.full(9, 7, "u2")).view(text(name + "in")), "d")
            return decode(bits)

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        assert sc.convert(q88([1.5], text(name)), "d").tolist() == [1.5]

    def test_what_was_raised_goes_before_other_fields_errors(self, name):
        self.register(name, KeyError("seven"))
        items = np.array([(1, 0), (300, 1), (2, 7)], [("id", "i4"), ("x", "u2")])
        struct = sc.Buffer(items).view(f"^T{{i:id:{text(name)}:x:}}")
        with pytest.raises(KeyError, match="seven"):
            sc.convert(struct, "T{b:id:d:x:}", overflow="raise")
        with pytest.raises(OverflowError, match="300"):  # nothing is left of the KeyError
            sc.convert(np.array([300]), "b", overflow="raise")

    def test_ctrl_c_stops_the_run(self, name):
        calls = []

        def kernel(bits):
            calls.append(len(bits))
            raise KeyboardInterrupt

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        with pytest.raises(KeyboardInterrupt):
            sc.convert(sc.Buffer(np.zeros(100_000, "u2")).view(text(name)), "d")
        assert len(calls) == 1
        with pytest.raises(KeyboardInterrupt):  # and the next one is called again
            sc.convert(q88([0], text(name)), "d")
        assert len(calls) == 2

    def test_one_that_fails_only_once(self, name):
        failures = [KeyError("once")]

        def kernel(bits):
            if failures:
                raise failures.pop()
            return decode(bits)

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        with pytest.raises(KeyError, match="once"):
            sc.convert(q88([0], text(name)), "d")
        assert sc.convert(q88([1], text(name)), "d").tolist() == [1]

    def test_masked_items_are_not_complained_of(self, name):
        self.register(name, KeyError("seven"))
        items = sc.Buffer(np.array([256, 7, 512], "u2")).view(text(name))
        result = sc.convert(items, "d", where=np.array([True, False, True]))
        assert result.tolist() == [1, 0, 2]

    @pytest.mark.parametrize(
        ("facts", "error", "says"),
        [
            ({"decode": decode}, TypeError, "decode must be a dict of kernels by format"),
            ({"encode": [encode]}, TypeError, "encode must be a dict"),
            ({"decode": {"d": 3}}, TypeError, "a kernel must be a C function from ctypes"),
            ({"decode": {"d": None}}, TypeError, "not NoneType"),
            ({"decode": {"Zd": decode}}, ValueError, "from one number in native order, not 'Zd'"),
            ({"decode": {">d": decode}}, ValueError, "native order, not '>d'"),
            ({"decode": {"T{d:x:}": decode}}, ValueError, "one number in native order"),
            ({"decode": {"(2)d": decode}}, ValueError, "one number in native order"),
            ({"decode": {"float64": decode}}, sc.FormatError, "the format text for it is 'd'"),
            ({"dtype": "u4"}, ValueError, "has items of 4 bytes, the type of 2"),
            ({"dtype": ">u2"}, ValueError, "must be in native byte order"),
            ({"dtype": [("a", ">u2")]}, ValueError, "must be in native byte order"),
            ({"itemsize": 8, "dtype": "O"}, ValueError, "hold no Python objects"),
            ({"itemsize": 8, "dtype": [("a", "O")]}, ValueError, "hold no Python objects"),
            ({"itemsize": 16, "dtype": "T"}, ValueError, "hold no Python objects"),
            ({"dtype": "nonsense"}, TypeError, "nonsense"),
        ],
        ids=str,
    )
    def test_kernels_that_are_none(self, name, facts, error, says):
        with pytest.raises(error, match=says):
            sc.register("user", name, **({"itemsize": 2} | facts))
        with pytest.raises(sc.UnknownTypeError):
            sc.Format(text(name))

    def test_kernels_beside_a_storage(self, name):
        with pytest.raises(ValueError, match="has a storage and conversions"):
            sc.register("user", name, storage="H", decode={"d": decode})

    def test_kernels_of_huge_items(self, name):
        with pytest.raises(ValueError, match="more than 1024 bytes cannot have conversions"):
            sc.register("user", name, itemsize=1025, decode={"d": decode})


class TestCFunctions:
    """Kernels in C run at full speed: without the interpreter's lock, in any thread."""

    def test_from_ctypes(self, name, library):
        sc.register(
            "user", name, itemsize=2, decode={"d": library.decode}, encode={"d": library.encode}
        )
        values = np.arange(-3000, 3000) / 256
        items = sc.convert(values, text(name))
        assert items.view("h").tolist() == list(range(-3000, 3000))
        assert sc.convert(items, "f").tolist() == values.tolist()
        assert sc.convert(items, "f", threads=2)[::-3].tolist() == values[::-3].tolist()
        # Strides, byte order and addresses are stridecast's business.
        swapped = sc.byteswap(items)
        odd = np.zeros(6000 * 5 + 1, "u1")
        view = np.ndarray(6000, ">i2", odd, offset=1, strides=(5,))
        view[:] = np.arange(-3000, 3000)
        for buffer in (sc.Buffer(view).view(text(name, ">")), swapped.view(text(name, ">"))):
            assert sc.convert(buffer, "d").tolist() == values.tolist()

    def test_all_cores(self, name, library):
        sc.register(
            "user", name, itemsize=2, decode={"d": library.decode}, encode={"d": library.encode}
        )
        values = (np.arange(1_000_000) % 60_000 - 30_000) / 256
        items = sc.convert(values, text(name), threads=2)
        assert np.array_equal(sc.convert(items, "d", threads=2), values)
        assert np.array_equal(sc.convert(items, "f", threads=2, order="C"), values.astype("f"))

    def test_error_bits(self, name, library):
        sc.register(
            "user",
            name,
            itemsize=2,
            decode={"d": library.refuse_negative},
            encode={"d": library.encode},
        )
        with pytest.raises(OverflowError, match=r"^element 1: 200 "):
            sc.convert(np.array([1, 200, 300]), text(name))
        with pytest.raises(OverflowError, match=r"element 2: nan"):
            sc.convert(np.array([[1, 2], [np.nan, 0]]), text(name))
        with pytest.raises(OverflowError, match=r"element 1: 0xff00 is refused by the conversion"):
            sc.convert(q88([1, -1], text(name)), "d")
        with pytest.raises(OverflowError, match=r"element 0: 0xff00 is refused"):
            sc.convert(q88([-1], text(name, ">")), "d")

    def test_a_callback_of_ctypes(self, name):
        calls = []

        @KERNEL
        def kernel(run):
            calls.append(threading.get_ident())
            n = ctypes.cast(run + 16, ctypes.POINTER(ctypes.c_int64))[0]
            dst = ctypes.cast(run + 48, ctypes.POINTER(ctypes.c_void_p))[0]
            ctypes.memset(dst, 0, 8 * n)
            return 0

        sc.register("user", name, itemsize=2, decode={"d": kernel})
        count = sys.getrefcount(kernel)
        assert sc.convert(q88([1, 2], text(name)), "d").tolist() == [0, 0]
        assert calls
        sc.register("user", name, itemsize=2, decode={"d": kernel})
        assert sys.getrefcount(kernel) == count  # one reference, for good

    def test_a_null_pointer(self, name):
        with pytest.raises(ValueError, match="null pointer"):
            sc.register("user", name, itemsize=2, decode={"d": KERNEL()})

    def test_a_capsule(self, name, library):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = (
            ctypes.py_object,
            [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
        )
        address = ctypes.cast(library.decode, ctypes.c_void_p)
        kernel = new(address, b"stridecast.sc_kernel", None)
        sc.register("user", name, itemsize=2, decode={"d": kernel})
        assert sc.convert(q88([1.5], text(name)), "d").tolist() == [1.5]
        other = new(address, b"something.else", None)
        with pytest.raises(ValueError, match="incorrect name"):
            sc.register("user", name + "x", itemsize=2, decode={"d": other})

    def test_from_cffi(self, name, library):
        cffi = pytest.importorskip("cffi")
        ffi = cffi.FFI()
        address = ctypes.cast(library.decode, ctypes.c_void_p).value
        kernel = ffi.cast("uint32_t (*)(const void*)", address)
        sc.register("user", name, itemsize=2, decode={"d": kernel})
        assert sc.convert(q88([1.5], text(name)), "d").tolist() == [1.5]
        with pytest.raises(TypeError, match="must be a function pointer"):
            sc.register("user", name + "x", itemsize=2, decode={"d": ffi.cast("int", 5)})
        with pytest.raises(ValueError, match="null pointer"):
            sc.register("user", name + "x", itemsize=2, decode={"d": ffi.NULL})

    def test_from_numba(self, name):
        numba = pytest.importorskip("numba")

        @numba.cfunc("uint32(voidptr)")
        def complain(run):
            return 8

        sc.register("user", name, itemsize=2, decode={"d": complain})
        with pytest.raises(OverflowError, match="element 0: 0x0100 is refused"):
            sc.convert(q88([1], text(name)), "d")

        @numba.vectorize
        def from_bits(bits):  # no C function but a callable on arrays
            return np.int16(bits) / 256

        sc.register("user", name + "v", itemsize=2, decode={"d": from_bits})
        assert sc.convert(q88([1.5, -2], text(name + "v")), "d").tolist() == [1.5, -2]


def test_nothing_is_leaked(name):
    sc.register("user", name, itemsize=2, decode={"d": decode}, encode={"d": encode})
    x, wrong = np.zeros(3, "u2"), ValueError("no")

    def fail(bits):
        raise wrong

    sc.register("user", name + "f", itemsize=2, decode={"d": fail})

    def use():
        sc.register("user", name, itemsize=2, decode={"d": decode}, encode={"d": encode})
        sc.convert(sc.convert(sc.Buffer(x).view(text(name)), "d"), text(name, ">"))
        with pytest.raises(ValueError):
            sc.convert(sc.Buffer(x).view(text(name + "f")), "d")
        wrong.__traceback__ = None
        wrong.__notes__.clear()
        with pytest.raises(ValueError):
            sc.register("user", name, itemsize=4)

    use()
    objects = (x, decode, encode, fail, wrong, np.dtype("u2"), np.dtype("f8"))
    before = [sys.getrefcount(o) for o in objects]
    for _ in range(50):
        use()
    after = [sys.getrefcount(o) for o in objects]
    assert all(abs(a - b) < 10 for a, b in zip(after, before, strict=True)), (before, after)
