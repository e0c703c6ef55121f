"""copy and ascontiguous: what arrives, in which order, and what is left alone."""

import sys
from array import array

import ml_dtypes
import numpy as np
import pytest
from conftest import bits
from hypothesis import given
from hypothesis import strategies as st
from strategies import DTYPES, arrays

import stridecast as sc


def same_items(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and bits(a) == bits(b)


class TestCopy:
    @given(arrays(), st.sampled_from("CFKA"))
    def test_any_array_in_any_order(self, x, order):
        result = sc.copy(x, order=order)
        assert result.format == sc.Format.of(x)
        assert same_items(result.numpy(), x)
        expected = np.empty_like(x, order=order).strides
        if x.size and order != "K":
            assert result.strides == expected

    @given(arrays(), st.sampled_from([1, 2, 5]), st.sampled_from([None, True, False]))
    def test_neither_threads_nor_stream_change_a_bit(self, x, threads, stream):
        assert same_items(sc.copy(x, threads=threads, stream=stream).numpy(), x)

    @given(st.data())
    def test_into_out_it_is_copyto(self, data):
        x = data.draw(arrays())
        out = data.draw(arrays(dtypes=[x.dtype], shape=(*data.draw(st.just((2,))), *x.shape)))
        before = np.array(out)
        assert sc.copy(x, out=out) is out
        np.copyto(before, x)
        assert same_items(out, before)

    def test_padding_is_copied(self):
        aligned = np.dtype([("a", "u1"), ("b", "f8")], align=True)
        x = np.frombuffer(bytes(range(48)), aligned)
        assert bytes(sc.copy(x[::-1])) == bytes([*range(32, 48), *range(16, 32), *range(16)])
        assert bytes(sc.copy(x, order="F")) == bytes(range(48))

    def test_a_large_transpose(self):
        x = np.arange(700 * 900, dtype="u2").reshape(700, 900)
        for threads in (1, 2):
            assert np.array_equal(sc.copy(x.T, threads=threads).numpy(), x.T)
        assert sc.copy(x.T).strides == (1400, 2)
        assert sc.copy(x.T, order="K").strides == x.T.strides

    def test_any_exporter(self):
        assert sc.copy(array("i", [1, 2, 3])).tolist() == [1, 2, 3]
        assert sc.copy(sc.Buffer(b"abc")[::-1]).tolist() == [99, 98, 97]
        out = bytearray(3)
        assert sc.copy(memoryview(b"abc")[::-1], out=out) is out and out == b"cba"

    def test_a_fresh_copy_is_aligned_and_writable(self):
        result = sc.copy(np.arange(7, dtype="u1")[::2])
        assert not result.readonly and result.numpy().ctypes.data % 64 == 0

    @pytest.mark.parametrize(
        ("call", "error", "says"),
        [
            (lambda x: sc.copy(x, order="X"), ValueError, "order must be 'K', 'C', 'F', 'A'"),
            (lambda x: sc.copy(x, out=bytes(12)), BufferError, "out is read-only"),
            (lambda x: sc.copy(x, out=np.zeros(3, "f4")), ValueError, "'f', not 'i'"),
            (lambda x: sc.copy(x, out=np.zeros(2, "i4")), ValueError, r"\b3\b"),
            (lambda x: sc.copy(x, stream="yes"), TypeError, "stream must be True, False or None"),
            (lambda x: sc.copy(x, overlap="keep"), ValueError, "'refuse', 'copy'"),
            (lambda x: sc.copy(x, threads=0), ValueError, "threads must be at least 1"),
            (lambda x: sc.copy([1, 2]), TypeError, "buf: a buffer is needed"),
            (lambda x: sc.copy(np.array([None])), TypeError, "object"),
        ],
        ids=range(9),
    )
    def test_mistakes_say_what_and_where(self, call, error, says):
        x = np.arange(3, dtype="i4")
        with pytest.raises(error, match=says):
            call(x)


class TestAscontiguous:
    @given(arrays(), st.sampled_from("CF"))
    def test_it_is_numpys(self, x, order):
        theirs = (np.ascontiguousarray if order == "C" else np.asfortranarray)(x)
        ours = sc.ascontiguous(x, order=order)
        assert (ours is x) == (theirs is x)
        assert same_items(ours, theirs)
        assert ours.strides == theirs.strides or not x.size
        assert np.shares_memory(ours, x) == np.shares_memory(theirs, x)

    @pytest.mark.parametrize("dtype", ["f4", ">i2", float, ml_dtypes.bfloat16, "bfloat16"])
    def test_it_converts_on_the_way(self, dtype):
        x = np.arange(24.0).reshape(4, 6)[::-1, ::2]
        ours, theirs = sc.ascontiguous(x, dtype), np.ascontiguousarray(x, dtype)
        assert same_items(ours, theirs) and ours.strides == theirs.strides
        assert type(ours) is np.ndarray and ours.flags.owndata
        assert sc.ascontiguous(ours, dtype=dtype) is ours

    def test_no_dimension_becomes_one(self):
        x = np.array(2.5)
        result = sc.ascontiguous(x)
        assert result.shape == np.ascontiguousarray(x).shape == (1,)
        result[0] = 3.5
        assert x == 3.5
        assert same_items(sc.ascontiguous(x, "i4"), np.array([3], "i4"))
        assert same_items(sc.ascontiguous(np.float32(1.5)), np.array([1.5], "f4"))

    @pytest.mark.parametrize(
        "thing", [[1, 2, 3], (1.5, 2), 7, 2.5, True, [[1, 2], [3, 4]], "ab", [], range(4)], ids=str
    )
    def test_what_is_no_buffer_is_read_as_numpy_reads_it(self, thing):
        assert same_items(sc.ascontiguous(thing), np.ascontiguousarray(thing))

    def test_buffers(self):
        assert same_items(
            sc.ascontiguous(array("i", [1, 2])), np.ascontiguousarray(array("i", [1, 2]))
        )
        assert same_items(sc.ascontiguous(memoryview(b"abcd")[::-2]), np.array([100, 98], "u1"))
        assert sc.ascontiguous(b"ab").tolist() == [97, 98]
        bfloat16 = sc.convert(array("f", [1.5, 2.5]), "E")
        assert sc.ascontiguous(bfloat16[::-1], "f4").tolist() == [2.5, 1.5]

    @pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of numpy.matrix
    def test_subclasses_become_plain_as_in_numpy(self):
        masked = np.ma.array([1, 2, 3], mask=[0, 1, 0])
        for x in (np.matrix([[1, 2], [3, 4]]), masked, np.zeros(3).view(np.recarray), masked[::2]):
            ours, theirs = sc.ascontiguous(x), np.ascontiguousarray(x)
            assert type(ours) is type(theirs) is np.ndarray
            assert same_items(ours, theirs)
            assert np.shares_memory(ours, x) == np.shares_memory(theirs, x)

    def test_mistakes(self):
        with pytest.raises(ValueError, match="'C' or 'F', not 'K'"):
            sc.ascontiguous(np.zeros(3), order="K")
        with pytest.raises(TypeError, match="nonsense"):
            sc.ascontiguous(np.zeros(3), "nonsense")
        with pytest.raises(TypeError, match="objects"):
            sc.ascontiguous(np.array([None, 1, 2, 3])[::2])
        contiguous = np.array([None, 1])
        assert sc.ascontiguous(contiguous) is contiguous
        with pytest.raises(ValueError, match="fields='name'"):
            odd = np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [4, 0]})
            sc.ascontiguous(np.zeros(4, odd), "f4,f4")


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of numpy.matrix
class TestAstypeSubclasses:
    def test_a_mask_goes_along(self):
        x = np.ma.array([1.5, 2.5, 3.5], mask=[0, 1, 0])
        ours, theirs = sc.astype(x, "i4"), x.astype("i4")
        assert type(ours) is type(theirs)
        assert ours.mask.tolist() == theirs.mask.tolist() and ours.tolist() == theirs.tolist()
        ours.mask[0] = True
        assert not x.mask[0]

    def test_as_numpys(self):
        class Mine(np.ndarray):
            def __array_finalize__(self, source):
                self.name = getattr(source, "name", "none")

        x = np.arange(6.0).reshape(2, 3).view(Mine)
        x.name = "speeds"
        for y in (x, np.matrix(x), np.zeros((2, 2)).view(np.recarray)):
            ours, theirs = sc.astype(y, "f4"), y.astype("f4")
            assert type(ours) is type(theirs) and np.array_equal(ours, theirs)
            plain = sc.astype(y, "f4", subok=False)
            assert type(plain) is np.ndarray and np.array_equal(plain, theirs)
        assert sc.astype(x, "i2").name == "speeds"

    def test_copy_false(self):
        x = np.matrix([[1.0, 2.0]])
        assert sc.astype(x, "f8", copy=False) is x
        plain = sc.astype(x, "f8", copy=False, subok=False)
        assert type(plain) is np.ndarray and not np.shares_memory(plain, x)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_no_reference_is_lost_or_kept(dtype):
    x = np.zeros((4, 6), dtype)
    out = np.zeros((6, 4), dtype)
    not_a_mask = np.zeros(6)  # made once: np.zeros itself keeps a reference to its dtype each time
    objects = (x, x.dtype, out, sc.Format.of(x))

    def work():
        sc.copy(x.T)
        sc.copy(x.T, out=out)
        sc.copy(x, order="F", where=True)
        sc.ascontiguous(x.T, order="C")
        sc.ascontiguous(x)
        sc.astype(x, x.dtype)
        for bad in (
            lambda: sc.copy(x, out=out),
            lambda: sc.copy(x, out=out.T, where=b"\1\1"),
            lambda: sc.copy(x, out=out.T, where=not_a_mask),
            lambda: sc.copy(x, out=out.T, threads=-1),
            lambda: sc.ascontiguous(x, order="A"),
        ):
            with pytest.raises((ValueError, TypeError)):
                bad()

    work()
    before = [sys.getrefcount(o) for o in objects]
    for _ in range(20):
        work()
    # The cache of formats by dtype may meanwhile have dropped its one reference.
    after = [sys.getrefcount(o) for o in objects]
    assert all(abs(b - a) <= 1 for a, b in zip(after, before, strict=True)), (before, after)
