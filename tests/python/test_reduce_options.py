"""The options of reduce: what counts (where, skipna), what is added (initial), in what it is
calculated (dtype, algorithm, overflow), where it goes (out, keepdims), and what is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest
from conftest import ARITHMETIC
from test_reduce_ops import AXES, NUMBERS, TOLERANCE, assert_close, layouts, numbers, wide

import stridecast as sc

SHAPE = (6, 35, 40)


def masks(shape):
    rng = np.random.default_rng(3)
    full = rng.random(shape) < 0.6
    yield full
    yield full[:, :, ::-1][:, :, ::-1].astype("u1") * 7  # any byte but 0 is true
    yield full[:1, :, :1]
    yield full[0, 0]
    yield True


@pytest.mark.parametrize("code", ["?", "b", "H", "i", "q", "e", "E", "f", "d", "Zf", "Zd"])
@pytest.mark.parametrize("axis", AXES)
def test_where_says_which_items_count(code, axis):
    tolerance = TOLERANCE.get(code, 1e-14)
    x = numbers(code, SHAPE)
    w = wide(x)
    largest, magnitudes = np.abs(w).max(), np.abs(w).sum(axis=axis)
    for mask in masks(SHAPE):
        truth = np.asarray(mask, "?")
        for y in (x, np.repeat(x, 2, axis=2)[:, :, ::2]):

            def found(op, y=y, mask=mask, **options):
                return sc.reduce(y, op, axis=axis, where=mask, **options)

            total = np.asarray(w.sum(axis=axis, where=truth))
            assert_close(found("sum"), total, tolerance, magnitudes)
            assert np.array_equal(found("any").numpy(), np.any(w, axis=axis, where=truth))
            assert np.array_equal(found("all").numpy(), np.all(w, axis=axis, where=truth))
            counted = np.sum(np.broadcast_to(truth, SHAPE) & (w != 0), axis=axis)
            assert np.array_equal(found("count_nonzero").numpy(), counted)
            selected = np.sum(np.broadcast_to(truth, SHAPE), axis=axis)
            if selected.min() == 0:
                continue
            with np.errstate(all="ignore"):
                mean, var = (getattr(w, op)(axis=axis, where=truth) for op in ("mean", "var"))
            assert_close(found("mean"), np.asarray(mean), tolerance, largest)
            assert_close(found("var"), np.asarray(var), 8 * tolerance, largest**2)
            if code not in ("Zf", "Zd"):
                low = np.min(w, axis=axis, where=truth, initial=np.inf)
                assert np.array_equal(found("min").numpy().astype("f8"), low)


@pytest.mark.parametrize("code", ["e", "E", "f", "d", "Zf"])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, (0, 2)])
def test_skipna_leaves_nan_out(code, axis):
    x = numbers(code, SHAPE)
    x[np.random.default_rng(1).random(SHAPE) < 0.3] = np.nan
    tolerance = TOLERANCE.get(code, 1e-14)
    for y in layouts(x):
        w = wide(y)
        largest = np.nanmax(np.abs(w))
        for op, peer in (("mean", np.nanmean), ("var", np.nanvar), ("std", np.nanstd)):
            expected = np.asarray(peer(w, axis=axis))
            assert_close(
                sc.reduce(y, op, axis=axis, skipna=True), expected, 8 * tolerance, largest**2
            )
        total = np.asarray(np.nansum(w, axis=axis))
        scale = np.nansum(np.abs(w), axis=axis)
        assert_close(sc.reduce(y, "sum", axis=axis, skipna=True), total, tolerance, scale)
        if code == "Zf":
            continue
        for op, peer in (("min", np.nanmin), ("max", np.nanmax)):
            got = sc.reduce(y, op, axis=axis, skipna=True).numpy().astype("f8")
            assert np.array_equal(got, peer(w, axis=axis))
        if axis is None or isinstance(axis, int):
            assert np.array_equal(
                sc.reduce(y, "argmax", axis=axis, skipna=True).numpy(), np.nanargmax(w, axis=axis)
            )


def test_skipna_where_nothing_is_left():
    x = np.array([[1.0, math.nan], [math.nan, math.nan]], "f4")
    assert sc.reduce(x, "sum", axis=1, skipna=True).tolist() == [1, 0]
    assert sc.reduce(x, "prod", axis=1, skipna=True).tolist() == [1, 1]
    for op in ("min", "max", "mean", "var"):
        first, second = sc.reduce(x, op, axis=1, skipna=True).tolist()
        assert not math.isnan(first) and math.isnan(second), op
    with pytest.raises(ValueError, match="argmax, result 1: there is nothing to fold"):
        sc.reduce(x, "argmax", axis=1, skipna=True)
    times = np.array([["NaT", 3, 5], ["NaT", "NaT", "NaT"]], "M8[s]")
    assert sc.reduce(times, "max", axis=1, skipna=True).numpy()[0] == np.datetime64(5, "s")
    assert sc.reduce(times, "mean", axis=1, skipna=True).numpy()[0] == np.datetime64(4, "s")
    assert np.isnat(sc.reduce(times, "min", axis=1, skipna=True).numpy()[1])
    assert np.isnat(sc.reduce(times, "mean", axis=1, skipna=True).numpy()[1])


def test_where_that_selects_nothing_is_an_error_without_initial():
    x = np.arange(6, dtype="f8").reshape(2, 3)
    mask = np.array([[True, False, True], [False, False, False]])
    with pytest.raises(ValueError, match=r"max, result 1: .*; give an initial value"):
        sc.reduce(x, "max", axis=1, where=mask)
    with pytest.raises(ValueError, match="argmin, result 1: "):
        sc.reduce(x, "argmin", axis=1, where=mask)
    assert sc.reduce(x, "max", axis=1, where=mask, initial=1.5).tolist() == [2, 1.5]
    assert sc.reduce(x, "argmax", axis=1, where=mask[:1]).tolist() == [2, 2]
    assert sc.reduce(x, "sum", where=False).item() == 0
    with pytest.raises(ValueError, match="does not broadcast to buf's"):
        sc.reduce(x, "sum", where=mask[:, :2])


def test_neutral_items_are_no_items_for_an_index():
    worst = np.array([math.inf, math.inf, -1.0])
    assert sc.reduce(worst, "argmin", where=np.array([False, True, False])).item() == 1
    assert sc.reduce(-worst, "argmax", where=np.array([False, True, False])).item() == 1


@pytest.mark.parametrize("code", set(ARITHMETIC) - {"?"})
def test_initial_is_one_more_item(code):
    x = np.array([5, 7, 2], ARITHMETIC[code])
    assert sc.reduce(x, "sum", initial=10).item() == 24
    assert sc.reduce(x, "prod", initial=2).item() == 140
    assert sc.reduce(x, "max", initial=9).item() == 9 and sc.reduce(x, "max", initial=1).item() == 7
    assert sc.reduce(x, "min", initial=1).item() == 1 and sc.reduce(x, "min", initial=9).item() == 2
    empty = sc.reduce(x.reshape(3, 1)[:, :0], "max", axis=1, initial=4)
    assert empty.tolist() == [4, 4, 4]


def test_initial_of_other_types_and_what_it_cannot_be():
    spans = np.array([1, 2], "m8[s]")
    assert sc.reduce(spans, "sum", initial=40).numpy() == np.timedelta64(43, "s")
    assert sc.reduce(np.array([1j, 2]), "sum", initial=3 - 1j).item() == 5
    swapped = np.array([1.0], ">f8")
    assert sc.reduce(swapped, "sum", initial=2.5).item() == 3.5
    out = np.zeros((), ">f8")
    assert sc.reduce(swapped, "max", initial=2.5, out=out) is out and out == 2.5
    with pytest.raises(OverflowError):
        sc.reduce(np.zeros(3, "i1"), "max", initial=300)
    with pytest.raises(ValueError, match="initial means nothing to mean"):
        sc.reduce(np.zeros(3), "mean", initial=1)
    with pytest.raises((TypeError, ValueError)):
        sc.reduce(np.zeros(3), "sum", initial="a")


def test_dtype_is_what_is_calculated_in():
    x = np.full(1 << 16, 0.1, "f4")
    in_double = sc.reduce(x, "sum", dtype="d").item()
    assert in_double == pytest.approx(float(np.float32(0.1)) * len(x), rel=1e-12)
    assert sc.reduce(np.array([1, 2, 4]), "sum", dtype="d").format == sc.Format("d")
    assert sc.reduce(np.array([1, 2], "i1"), "mean", dtype="f").item() == 1.5
    assert sc.reduce(np.array([3, 4j], "c8"), "norm2", dtype="d").item() == 5
    assert sc.reduce(np.array([3, 4j], "c8"), "sum", dtype="Zd").format == sc.Format("Zd")
    for code, dtype in (("f", "q"), ("d", "f"), ("q", "i"), ("Zf", "f")):
        with pytest.raises(TypeError, match="gives"):
            sc.reduce(np.ones(3, NUMBERS[code]), "sum", dtype=dtype)


def test_overflow_raises_where_a_sum_needs_more_than_64_bits():
    x = np.array([[2**62, 2**62], [2**62, -(2**62)], [5, 6]])
    assert sc.reduce(x, "sum", axis=1).tolist() == [-(2**63), 0, 11]
    with pytest.raises(OverflowError, match="sum, result 0: the sum does not fit"):
        sc.reduce(x, "sum", axis=1, overflow="raise")
    assert sc.reduce(x[1:], "sum", axis=1, overflow="raise").tolist() == [0, 11]
    # 2^63 in between is no overflow of the whole.
    apart = np.array([[2**62, 2**62, -(2**62)]])
    assert sc.reduce(apart, "sum", overflow="raise").item() == 2**62
    unsigned = np.array([2**64 - 1, 1], "u8")
    with pytest.raises(OverflowError):
        sc.reduce(unsigned, "sum", overflow="raise")
    assert sc.reduce(unsigned, "sum", overflow="wrap").item() == 0
    assert sc.reduce(np.array([100] * 100, "i1"), "sum", overflow="raise").item() == 10000
    with pytest.raises(ValueError, match="they do not saturate"):
        sc.reduce(unsigned, "sum", overflow="saturate")


@pytest.mark.parametrize("code", ["i8", "u8", "i2", "?"])
def test_overflow_raises_where_a_product_needs_more_than_64_bits(code):
    most = 2**63 - 1 if code == "i8" else 2**64 - 1
    factors = {"i8": [2**31, -(2**32)], "u8": [2**32 - 1, 2**32 + 1], "i2": [2**7] * 8, "?": [1]}
    x = np.array(factors[code], code)
    product = math.prod(factors[code])
    assert sc.reduce(x, "prod", overflow="raise").item() == product  # -2**63 fits
    if code == "?":
        return
    for more in ([2], [-1]) if code == "i8" else ([2**7],):
        y = np.concatenate([x, x, np.array(more, code)])
        with pytest.raises(OverflowError):
            sc.reduce(y, "prod", overflow="raise")
        wrapped = sc.reduce(y, "prod").item()
        assert (wrapped - math.prod(map(int, y))) % 2**64 == 0 and wrapped <= most
        # A zero, wherever it is, makes the product fit.
        for at in range(len(y) + 1):
            with_zero = np.insert(y, at, 0)
            assert sc.reduce(with_zero, "prod", overflow="raise").item() == 0


@pytest.mark.parametrize("code", ["u1", "u2", "u4"])
def test_a_signed_result_is_checked_as_such(code):
    x = np.full(64, 2, code)
    with pytest.raises(OverflowError):
        sc.reduce(x[:63], "prod", dtype="q", overflow="raise")  # 2**63
    assert sc.reduce(x[:62], "prod", dtype="q", overflow="raise").item() == 2**62
    assert sc.reduce(x[:63], "prod", overflow="raise").item() == 2**63
    with pytest.raises(OverflowError):
        sc.reduce(x, "sum", dtype="q", overflow="raise", initial=2**63 - 1)


def test_the_place_of_a_product_that_overflows():
    x = np.full((3, 70), 1, "i8")
    x[1, 3:5] = 2**62
    with pytest.raises(OverflowError, match=r"\b1\b"):
        sc.reduce(x, "prod", axis=1, overflow="raise")
    x[1, 60] = 0
    assert sc.reduce(x, "prod", axis=1, overflow="raise").tolist() == [1, 0, 1]
    assert sc.reduce(x, "prod", axis=0, overflow="raise").tolist() == x.prod(axis=0).tolist()


@pytest.mark.parametrize("code", ["e", "E", "f", "d", "Zf", "Zd"])
@pytest.mark.parametrize("algorithm", ["compensated", "reproducible"])
def test_algorithms_are_sums_over_any_axes(code, algorithm):
    x = numbers(code, SHAPE)
    w = wide(x)
    for axis in AXES:
        expected = bytes(sc.reduce(x, "sum", axis=axis, algorithm=algorithm))
        scale = np.abs(w).sum(axis=axis)
        if code != "e" or scale.max() < 60000:
            got = sc.reduce(x, "sum", axis=axis, algorithm=algorithm)
            tolerance = {"e": 5e-4, "E": 4e-3, "f": 6e-8, "Zf": 6e-8}.get(code, 1e-15)
            assert_close(got, np.asarray(w.sum(axis=axis)), tolerance, scale)
        for y in (np.asfortranarray(x), np.repeat(x, 2, axis=2)[:, :, ::2]):
            assert bytes(sc.reduce(y, "sum", axis=axis, algorithm=algorithm)) == expected
        assert bytes(sc.reduce(x, "sum", axis=axis, algorithm=algorithm, threads=3)) == expected


@pytest.mark.parametrize("code", ["f", "d", "E", "Zf"])
def test_reproducible_sums_do_not_depend_on_order(code):
    rng = np.random.default_rng(8)
    x = (rng.standard_normal(3000) * np.exp2(rng.integers(-30, 30, 3000))).astype(NUMBERS[code])
    expected = bytes(sc.reduce(x, "sum", algorithm="reproducible"))
    for _ in range(1000):
        rng.shuffle(x)
        assert bytes(sc.reduce(x, "sum", algorithm="reproducible")) == expected
    # Nor on how the items are cut into rows and columns.
    assert bytes(sc.reduce(x.reshape(50, 60), "sum", algorithm="reproducible")) == expected
    assert bytes(sc.reduce(x.reshape(50, 60).T, "sum", algorithm="reproducible")) == expected


@pytest.mark.parametrize("code", ["f", "d"])
def test_compensated_sums_survive_cancellation(code):
    one, tiny = NUMBERS[code].type(1), NUMBERS[code].type(2.0**-60)
    big = NUMBERS[code].type(2.0**70)
    x = np.array([big, one, -big] * 500 + [tiny], NUMBERS[code])
    reference = sum(map(Fraction, x.tolist()))
    got = sc.reduce(x, "sum", algorithm="compensated").item()
    assert abs(Fraction(got) - reference) <= abs(reference) * Fraction(1, 2**20)
    for special in (math.inf, -math.inf, math.nan):
        y = np.append(x, NUMBERS[code].type(special))
        for algorithm in ("pairwise", "compensated", "reproducible"):
            found = sc.reduce(y, "sum", algorithm=algorithm).item()
            assert found == special or (math.isnan(special) and math.isnan(found))


def test_minmax_in_front():
    x = numbers("i", (4, 5))
    low, high = sc.reduce(x, "minmax")
    assert (low, high) == (x.min(), x.max())
    out = np.zeros((2, 4, 1), "i4")
    assert sc.reduce(x, "minmax", axis=1, keepdims=True, out=out) is out
    assert np.array_equal(out[0, :, 0], x.min(axis=1))
    assert np.array_equal(out[1, :, 0], x.max(axis=1))
    with pytest.raises(ValueError, match="axis of size 2 in front"):
        sc.reduce(x, "minmax", axis=1, out=np.zeros(4, "i4"))


def test_reductions_of_nothing():
    empty = np.zeros((3, 0), "f4")
    assert all(math.isnan(v) for v in sc.reduce(empty, "mean", axis=1).tolist())
    assert all(math.isnan(v) for v in sc.reduce(empty, "var", axis=1).tolist())
    assert sc.reduce(empty, "prod", axis=1).tolist() == [1, 1, 1]
    for op in ("norm1", "norm2", "norminf"):
        assert sc.reduce(empty, op, axis=1).tolist() == [0, 0, 0]
    assert np.isnat(sc.reduce(np.zeros(0, "M8[s]"), "mean").numpy())
    for op in ("argmin", "argmax", "min", "minmax"):
        with pytest.raises(ValueError, match=f"^{op} of no elements"):
            sc.reduce(empty, op, axis=1)
    assert sc.reduce(empty, "argmin", axis=0).shape == (0,)
    one = np.array(3.5)
    assert sc.reduce(one, "var").item() == 0 and sc.reduce(one, "argmax").item() == 0
    assert math.isnan(sc.reduce(one, "var", ddof=1).item())
    assert sc.reduce(one, "var", ddof=0.5).item() == 0


@pytest.mark.parametrize(
    ("op", "options", "message"),
    [
        ("median", {}, "op must be one of 'sum', 'prod', .*, not 'median'"),
        ("max", {"ddof": 1}, "ddof means nothing to max"),
        ("max", {"algorithm": "compensated"}, "an algorithm of sums means nothing to max"),
        ("sum", {"algorithm": "kahan"}, "algorithm must be 'pairwise'"),
        ("mean", {"overflow": "raise"}, "overflow means nothing to mean"),
        ("var", {"ddof": math.nan}, "ddof is NaN"),
    ],
)
def test_what_is_refused(op, options, message):
    with pytest.raises(ValueError, match=message):
        sc.reduce(np.ones(3), op, **options)


def test_threads_change_no_bit():
    x = numbers("f", (40, 50, 300))
    for op in ("mean", "var", "argmax", "minmax", "norm2", "prod"):
        for axis in AXES:
            one = bytes(sc.reduce(x, op, axis=axis, threads=1))
            assert bytes(sc.reduce(x, op, axis=axis, threads=4)) == one
            assert bytes(sc.reduce(np.asfortranarray(x), op, axis=axis, threads=2)) == one


def test_blocks_of_few_columns_hold_what_they_fold():
    # Rows of 17 float32 in turns of 64: results in between need more room than a row of results.
    for shape, axis in (
        ((64, 257, 17), (0, 2)),
        ((3, 7, 257, 17), (1, 3)),
        ((16, 1024, 9), (0, 2)),
    ):
        x = np.ones(shape, "f4")
        expected = x.sum(axis=axis)
        for threads in (1, 2, 3):
            for op, want in (("sum", expected), ("var", expected * 0), ("prod", expected * 0 + 1)):
                got = sc.reduce(x, op, axis=axis, threads=threads).numpy()
                assert np.array_equal(got, want), (op, shape, threads)
