"""Every pair of number types, texts, roundings and casting rules, by values that can be checked by
hand and against NumPy and ml_dtypes; where those differ from docs/numeric_policy.md, both are
pinned."""

from fractions import Fraction
from random import randrange
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest
from conftest import ARITHMETIC, bits

import stridecast as sc

NARROW_FLOATS = [
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float4_e2m1fn",
]
NARROW_INTS = ["int2", "uint2", "int4", "uint4"]
NARROW = NARROW_FLOATS + NARROW_INTS
WIDE = {**ARITHMETIC, "g": np.dtype("g"), "Zf": np.dtype("c8"), "Zd": np.dtype("c16")}


def code(name: str) -> str:
    return f"[ml_dtypes${name}$]"


def dtype(name: str) -> np.dtype:
    return np.dtype(getattr(ml_dtypes, name))


def all_bytes(name: str) -> np.ndarray:
    """Every value of a type: the bytes whose unused high bits are 0."""
    info = ml_dtypes.finfo(dtype(name)) if name in NARROW_FLOATS else ml_dtypes.iinfo(dtype(name))
    return np.arange(1 << info.bits, dtype="u1").view(dtype(name))


def same(result, expected: np.ndarray) -> None:
    """Equal bytes, apart from those that long double leaves unused."""
    got = result.numpy() if isinstance(result, sc.Buffer) else result
    assert got.dtype == expected.dtype
    if (
        expected.dtype.kind in "fc"
        and expected.dtype.itemsize in (16, 32)
        and (expected.dtype.char in "gG")
    ):
        np.testing.assert_array_equal(got, expected)
        assert (np.signbit(got.real) == np.signbit(expected.real)).all()
        return
    assert bits(got) == bits(expected)


# --- types of at most 8 bits ---------------------------------------------------------------------


@pytest.mark.parametrize("dst", ["e", "E", "f", "d", "g", "Zf", "Zd"])
@pytest.mark.parametrize("src", NARROW)
def test_narrow_values_are_those_of_ml_dtypes(src, dst):
    x = all_bytes(src)
    if src == "float8_e8m0fnu" and dst == "e":
        x = x[(x.view("u1") > 97) & (x.view("u1") < 143)]  # the others leave float16's range
    expected = x.astype("f4").astype(WIDE[dst])
    same(sc.convert(x, dst), expected)


@pytest.mark.parametrize("dst", NARROW_FLOATS)
@pytest.mark.parametrize("src", ["e", "E"])
def test_all_16_bit_floats_to_narrow_ones_as_ml_dtypes(src, dst):
    x = np.arange(65536, dtype="u2").view(ARITHMETIC[src])
    if dst in ("float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn"):
        x = x[~np.isnan(x.astype("f4"))]  # below
    if dst == "float8_e8m0fnu":
        # ml_dtypes rounds what float32 holds as a subnormal to the wrong side: below.
        tiny = np.abs(x.astype("f4")) < np.finfo("f4").tiny
        x = x[~tiny]
    same(sc.convert(x, code(dst)), x.astype("f4").astype(dtype(dst)))


@pytest.mark.parametrize("dst", NARROW)
@pytest.mark.parametrize("src", NARROW)
def test_narrow_to_narrow_rounds_once(src, dst):
    x = all_bytes(src)
    x = x[np.isfinite(x.astype("f4"))]
    via = x.astype("f4")
    if dst in NARROW_INTS:
        via = via.astype("i8") if src in NARROW_FLOATS else via
    elif dst == "float8_e8m0fnu":
        via = via[(via == 0) | (np.abs(via) >= np.finfo("f4").tiny)]
        x = x[(x.astype("f4") == 0) | (np.abs(x.astype("f4")) >= np.finfo("f4").tiny)]
    if src == dst:
        expected = x
    elif dst in NARROW_INTS:
        mask = (1 << ml_dtypes.iinfo(dtype(dst)).bits) - 1
        whole = np.array([int(v) & mask for v in via.astype("f8")], "u1")
        big = np.abs(via.astype("f8")) >= 2.0**63  # as if through int64
        whole[big] = 0
        expected = whole.view(dtype(dst))
    else:
        expected = via.astype(dtype(dst))
    same(sc.convert(x, code(dst)), expected)


def test_nan_becomes_negative_zero_where_there_is_none():
    x = np.array([np.nan, -np.nan, np.inf, -np.inf, 1e9], "f4")
    got = sc.convert(x, code("float4_e2m1fn")).numpy().view("u1").tolist()
    assert got == [0x08, 0x08, 0x07, 0x0F, 0x07]
    with pytest.raises(OverflowError, match="element 0"):
        sc.convert(x, code("float4_e2m1fn"), overflow="raise")


def test_float8_e8m0fnu_takes_the_nearest_power_of_two():
    x = np.array([1.4 * 2.0**-127, 1.5 * 2.0**-127, 3.0, 2.9, 0.0, -1.0, np.inf, 2.0**-140], "f4")
    got = sc.convert(x, code("float8_e8m0fnu")).numpy().view("u1").tolist()
    assert got == [0, 1, 129, 128, 255, 255, 255, 0]
    # ml_dtypes has the first one on the wrong side: 1.4 * 2^-127 is nearer to 2^-127.
    assert x[:1].astype(ml_dtypes.float8_e8m0fnu).view("u1").tolist() == [1]


def test_integers_of_few_bits_count_their_low_bits_and_write_zeros_above():
    raw = np.array([0xF7, 0x0F, 0x88, 0x71], "u1")
    assert sc.convert(sc.Buffer(raw).view(code("int4")), "b").tolist() == [7, -1, -8, 1]
    assert sc.convert(sc.Buffer(raw).view(code("uint4")), "i").tolist() == [7, 15, 8, 1]
    assert bytes(sc.convert(np.array([-1, 7, -8, 16], "i4"), code("int4"))).hex() == "0f070800"
    clamped = sc.convert(np.array([-100, 100, 3.9, np.nan]), code("int4"), overflow="saturate")
    assert clamped.tolist() == [-8, 7, 3, 0]
    with pytest.raises(OverflowError, match=r"element 1: 8 .*out of the destination's range"):
        sc.convert(np.array([7, 8], "i2"), code("int4"), overflow="raise")


@pytest.mark.parametrize("dst", NARROW_FLOATS)
def test_saturating_keeps_to_the_largest_finite_value(dst):
    info = ml_dtypes.finfo(dtype(dst))
    x = np.array([np.inf, 1e38, 3e38], "f8")
    got = sc.convert(x, code(dst), overflow="saturate").numpy()
    assert (got.astype("f8") <= float(info.max)).all()
    assert float(got[0]) == float(info.max)


def test_one_rounding_from_wide_types():
    # Just above the midpoint of two float8_e4m3fn neighbours: float32 would make it the midpoint.
    x = np.array([1.0625 + 2.0**-40, 1.0625, 1.0625 - 2.0**-40])
    assert sc.convert(x, code("float8_e4m3fn")).tolist() == [1.125, 1.0, 1.0]
    assert x.astype(ml_dtypes.float8_e4m3fn).astype("f8").tolist() == [1.0, 1.0, 1.0]
    wide = np.array([1], "g") + np.array([2.0**-8], "g") + np.array([2.0**-60], "g")
    if np.finfo("g").nmant >= 63:
        assert sc.convert(wide, "E").tolist() == [1.0078125]


# --- long double ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dst", sorted(ARITHMETIC))
def test_long_double_in_both_directions_as_numpy(dst):
    x = np.array([0, 1, 2, 3, 100, 0.5, 1.75, 127], "g")
    y = sc.convert(x, dst)
    same(y, x.astype(ARITHMETIC[dst]))
    same(sc.convert(y, "g"), y.numpy().astype("g"))


def test_long_double_holds_every_64_bit_integer():
    if np.finfo("g").nmant < 63:
        pytest.skip("long double has fewer than 64 bits here")
    x = np.array([2**63 - 1, -(2**63), 2**62 + 1], "i8")
    assert sc.convert(sc.convert(x, "g"), "q").tolist() == x.tolist()
    u = np.array([2**64 - 1, 2**63 + 1], "u8")
    assert sc.convert(sc.convert(u, "g"), "Q").tolist() == u.tolist()
    with pytest.raises(OverflowError, match="element 1"):
        sc.convert(np.array([0, 2**63], "g"), "q", overflow="raise")


# --- complex -------------------------------------------------------------------------------------

COMPLEX = {"Zf": np.dtype("c8"), "Zd": np.dtype("c16"), "Zg": np.dtype("G")}


@pytest.mark.parametrize("dst", sorted(COMPLEX))
@pytest.mark.parametrize("src", sorted(COMPLEX))
def test_complex_parts_convert_one_by_one(src, dst):
    x = np.array([1 + 2j, -0.5 - 0.0j, 3.25j, complex(np.inf, -1)], COMPLEX[src])
    same(sc.convert(x, dst), x.astype(COMPLEX[dst]))


def test_half_complex():
    x = np.array([1.5 - 2.25j, 0.1 + 3j], "c8")
    for text, part in (("Ze", "f2"), ("ZE", ml_dtypes.bfloat16)):
        got = sc.convert(x, text)
        expected = x.view("f4").astype(part)
        assert bytes(got) == expected.tobytes()
        back = sc.convert(got, "Zf").numpy()
        assert back.view("f4").tolist() == expected.astype("f4").tolist()
        assert sc.convert(got, "f").tolist() == expected.astype("f4")[::2].tolist()
        assert sc.convert(np.array([1.5, 2], "f4"), text).tolist() == [1.5 + 0j, 2 + 0j]


def test_complex_and_real():
    x = np.array([3 + 4j, 0 - 2j, 0j, complex(np.nan, 0), -0.0 - 0.0j])
    assert sc.convert(x[:3], "f").tolist() == [3.0, 0.0, 0.0]
    assert sc.convert(x[:3], "h").tolist() == [3, 0, 0]
    assert sc.convert(x, "?").tolist() == [True, True, False, True, False]
    assert sc.convert(x[:3], "d", complex_to_real="abs").tolist() == [5.0, 2.0, 0.0]
    assert sc.convert(x[:3], "B", complex_to_real="abs").tolist() == [5, 2, 0]
    same(sc.convert(np.array([1.5, -2]), "Zd"), np.array([1.5, -2], "c16"))
    same(sc.convert(np.array([1, -2], "i2"), "Zf"), np.array([1, -2], "c8"))
    same(sc.convert(np.array([1, -2], "i2"), "Zg"), np.array([1, -2], "G"))
    strided = np.arange(40, dtype="c8").reshape(5, 8)[::2, ::-3]
    same(sc.convert(strided, "Zd"), strided.astype("c16"))
    same(sc.convert(strided.astype(">c8"), ">Zd"), strided.astype(">c16"))


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source", [["a", "bcd", "", "xyz\0w"], ["long text of many characters"] * 9]
)
@pytest.mark.parametrize("dst", ["S1", "S3", "S40", "U1", "U3", "U40", ">U5"])
@pytest.mark.parametrize("src", ["S5", "S28", "U5", "U28", ">U28"])
def test_texts_as_numpy(src, dst, source):
    x = np.array(source, src)
    same(sc.astype(x, dst), x.astype(dst))
    same(sc.astype(x[::-2], dst), x[::-2].astype(dst))


def test_texts_that_cannot_be_told():
    with pytest.raises(OverflowError, match="element 1"):
        sc.convert(np.array(["ab", "abc"], "S3"), "2s", overflow="raise")
    assert sc.convert(np.array(["ab", "abc"], "S3"), "2s").tolist() == [b"ab", b"ab"]
    with pytest.raises(ValueError, match=r"element 2.*ASCII"):
        sc.convert(np.array(["a", "b", "\u00e9"]), "1s")
    with pytest.raises(ValueError, match=r"element 0.*ASCII"):
        sc.convert(np.array([b"\xff"]), "1w")


# --- roundings -----------------------------------------------------------------------------------

HALVES = [-2.5, -1.5, -0.5, -0.25, 0.25, 0.5, 1.5, 2.5, 2.75]
INTEGRAL = {
    None: [-2, -1, 0, 0, 0, 0, 1, 2, 2],
    "nearest-even": [-2, -2, 0, 0, 0, 0, 2, 2, 3],
    "towards-zero": [-2, -1, 0, 0, 0, 0, 1, 2, 2],
    "towards-positive": [-2, -1, 0, 0, 1, 1, 2, 3, 3],
    "towards-negative": [-3, -2, -1, -1, 0, 0, 1, 2, 2],
    "nearest-away": [-3, -2, -1, 0, 0, 1, 2, 3, 3],
}


@pytest.mark.parametrize("src", ["e", "E", "f", "d", "g"])
@pytest.mark.parametrize("rounding", INTEGRAL)
def test_roundings_to_integers(rounding, src):
    x = np.array(HALVES, WIDE[src])
    for dst in ("b", "i", "q", code("int4")):
        assert sc.convert(x, dst, rounding=rounding).tolist() == INTEGRAL[rounding]
    assert sc.convert(np.array([-0.5, 0.5, 300], WIDE[src]), "B", rounding=rounding,
                      overflow="saturate").tolist()[2] == 255  # fmt: skip


def neighbours(value: Fraction, name: str) -> tuple[Fraction, Fraction]:
    """The largest value of the type that is not above, and the smallest that is not below."""
    if name == "E":
        values = np.arange(0x7F80, dtype="u2").view(ml_dtypes.bfloat16).astype("f8")
    elif name == "e":
        values = np.arange(0x7C00, dtype="u2").view("f2").astype("f8")
    else:
        values = all_bytes(name).astype("f8")
        values = values[np.isfinite(values)]
    values = np.unique(np.concatenate([values, -values]))
    at = np.searchsorted(values, float(value))
    above = Fraction(float(values[at]))
    below = above if above == value else Fraction(float(values[at - 1]))
    return below, above


@pytest.mark.parametrize("dst", ["e", "E", "float8_e4m3fn", "float8_e5m2", "float6_e3m2fn"])
def test_roundings_to_floats(dst):
    rng = np.random.default_rng(7)
    x = np.concatenate([rng.uniform(-20, 20, 200), [2.0**-9 * 1.3, -(2.0**-12), 1.0, -1.0625]])
    text = dst if len(dst) == 1 else code(dst)
    expected = {mode: [] for mode in INTEGRAL if mode}
    for v in map(Fraction, x.tolist()):
        below, above = neighbours(v, dst)
        expected["towards-positive"].append(float(above))
        expected["towards-negative"].append(float(below))
        expected["towards-zero"].append(float(above if v < 0 else below))
        outer, inner = (below, above) if v < 0 else (above, below)
        nearer_out = abs(outer - v) <= abs(v - inner)
        expected["nearest-away"].append(float(outer if nearer_out else inner))
    del expected["nearest-even"]
    for mode, values in expected.items():
        assert sc.convert(x, text, rounding=mode).tolist() == values, mode
    assert bytes(sc.convert(x, text, rounding="nearest-even")) == bytes(sc.convert(x, text))


def test_directed_roundings_do_not_pass_the_largest_value():
    x = np.array([1e6, -1e6])
    assert sc.convert(x, "e", rounding="towards-zero").tolist() == [65504.0, -65504.0]
    assert sc.convert(x, "e", rounding="towards-positive").tolist() == [np.inf, -65504.0]
    assert sc.convert(x, "e", rounding="towards-negative").tolist() == [65504.0, -np.inf]
    with pytest.raises(OverflowError, match="element 0"):
        sc.convert(x, "e", rounding="towards-zero", overflow="raise")
    assert sc.convert(
        np.array([65519.0]), "e", rounding="towards-zero", overflow="raise"
    ).tolist() == [65504.0]


def test_directed_rounding_of_64_bit_integers():
    x = np.array([2**53 + 1, -(2**53) - 1], "i8")
    up = sc.convert(x, "d", rounding="towards-positive").tolist()
    assert up == [2.0**53 + 2, -(2.0**53)]
    assert sc.convert(x, "d", rounding="towards-zero").tolist() == [2.0**53, -(2.0**53)]
    assert sc.convert(np.array([2**40 + 1], "i8"), "E", rounding="towards-positive").tolist() == [
        2.0**40 * (1 + 2.0**-7)
    ]


def test_stochastic_rounding_follows_seed_and_index_alone():
    x = np.random.default_rng(1).uniform(-4, 4, (100, 30))
    options = {"rounding": "stochastic", "seed": 11}
    whole = sc.convert(x, "E", **options).numpy().view("u2")
    again = sc.convert(np.asfortranarray(x), "E", order="C", threads=2, **options).numpy()
    assert (again.view("u2") == whole).all()
    other = sc.convert(x, "E", rounding="stochastic", seed=12).numpy().view("u2")
    assert (other != whole).mean() > 0.1
    rows = [
        sc.convert(x[i : i + 7], "E", index_offset=30 * i, **options).numpy()
        for i in range(0, 100, 7)
    ]
    assert (np.concatenate(rows).view("u2") == whole).all()


def test_stochastic_rounding_is_unbiased():
    n = 40000
    for value, dst in ((1 + 0.3 / 128, "E"), (0.3, "b"), (2.0**-9 * 0.3, code("float8_e4m3fn"))):
        got = sc.convert(np.full(n, value), dst, rounding="stochastic", seed=3).numpy().astype("f8")
        low, high = np.unique(got)
        share = (got == high).mean()
        assert abs(share - 0.3) < 5 * (0.21 / n) ** 0.5, (dst, share)
        assert low <= value <= high


# --- casting -------------------------------------------------------------------------------------


def test_casting_rules():
    x = np.array([1, 2], "i4")
    sc.convert(x, "q", casting="safe")
    sc.convert(x, "h", casting="same_kind")
    for dst, casting in (("h", "safe"), ("I", "same_kind"), ("f", "safe")):
        with pytest.raises(TypeError, match=f"casting.*'{casting}'"):
            sc.convert(x, dst, casting=casting)
    sc.convert(np.array(["ab"], "S2"), "5w", casting="safe")
    with pytest.raises(TypeError, match="same_kind"):
        sc.convert(np.array(["ab"], "U2"), "2s", casting="same_kind")


@pytest.mark.parametrize("dst", [c for c in WIDE if c not in "gE"])
@pytest.mark.parametrize("src", [c for c in WIDE if c not in "gE"])
def test_casting_rules_are_numpys(src, dst):
    x = np.zeros(2, WIDE[src])
    for casting in ("safe", "same_kind"):
        allowed = np.can_cast(WIDE[src], WIDE[dst], casting)
        if allowed:
            sc.convert(x, dst, casting=casting)
        else:
            with pytest.raises(TypeError):
                sc.convert(x, dst, casting=casting)


SAME_VALUE_OK = [
    ([1 + 0j], "Zf", "f"), ([2], "i", "?"), ([-0.0], "f", "i"), ([np.nan], "d", "f"),
    ([np.inf], "d", "f"), ([1.5], "f", "?"), ([1.5], "d", "E"), ([2**24], "i", "f"),
    ([2**62], "q", "d"), ([448.0], "d", code("float8_e4m3fn")), ([7, -8], "q", code("int4")),
    ([0.5], "g", "e"), ([1.5 + 2j], "Zd", "Zf"), ([2.0**-9], "f", code("float8_e4m3fn")),
]  # fmt: skip
SAME_VALUE_BAD = [
    ([1, 1 + 2j], "Zf", "f"), ([1, np.nan], "f", "i"), ([1, 1e300], "d", "f"), ([1, 0.1], "d", "f"),
    ([1, 2**53 + 1], "q", "d"), ([1, 2**24 + 1], "i", "f"), ([1, 1.5], "f", "i"),
    ([1, 300], "i", "B"),
    ([1, 0.1], "f", "E"), ([1, 449.0], "d", code("float8_e4m3fn")), ([1, 8], "q", code("int4")),
    ([1, 0.1], "g", "d"), ([1, 0.1j], "Zd", "Zf"), ([1, 2.0**-10], "f", code("float8_e4m3fn")),
    ([1, 257], "h", "E"), ([1, np.nan], "f", code("float4_e2m1fn")),
]  # fmt: skip


@pytest.mark.parametrize(("values", "src", "dst"), SAME_VALUE_OK)
def test_same_value_lets_equal_values_pass(values, src, dst):
    x = np.array(values, WIDE[src])
    assert bytes(sc.convert(x, dst, casting="same_value")) == bytes(sc.convert(x, dst))


@pytest.mark.parametrize(("values", "src", "dst"), SAME_VALUE_BAD)
def test_same_value_names_the_first_value_without_an_equal(values, src, dst):
    if src == "g" and np.finfo("g").nmant < 63:
        pytest.skip("long double is float64 here")
    x = np.array(values, WIDE[src])
    if src == "g":
        x[1] = np.array(1, "g") / 10
    with pytest.raises(ValueError, match="element 1"):
        sc.convert(x, dst, casting="same_value")


@pytest.mark.parametrize("target", sc.targets())
@pytest.mark.parametrize("length", [1024, 1025, 70000])
def test_a_mask_leaves_out_texts_of_any_length(target, length):
    sc.set_target(target)
    x = np.full(4, "\u00e9" + "a" * (length - 1), f"U{length}")
    x[[0, 3]] = "ab"
    out = np.zeros(4, "S10")
    sc.convert(x, None, out=out, where=np.array([1, 0, 0, 1], bool), overflow="raise")
    assert out.tolist() == [b"ab", b"", b"", b"ab"]


def test_a_mask_leaves_out_items_that_have_no_zero():
    mask = np.array([1, 0], bool)
    out = sc.Buffer(np.zeros(2, "u1")).view(code("float8_e8m0fnu"))
    for src in ("i2", "f4", "f8", "g"):
        x = np.array([4, -1], src)
        sc.convert(x, None, out=out, where=mask, overflow="raise")
        assert bytes(out) == bytes([129, 0])


def test_saturating_keeps_infinities_where_the_range_is_not_narrower():
    x = np.array([np.inf, -np.inf], "e")
    for rounding in (None, "towards-zero", "nearest-away", "stochastic"):
        kept = sc.convert(x, "E", overflow="saturate", rounding=rounding)
        assert kept.tolist() == [np.inf, -np.inf]
        clamped = sc.convert(x, code("float8_e5m2"), overflow="saturate", rounding=rounding)
        assert clamped.tolist() == [57344.0, -57344.0]


def test_a_magnitude_is_rounded_once_from_float64():
    parts = np.array([15369, 12835], "u2").view("e")
    exact = np.hypot(*parts.astype("d"))
    z = sc.Buffer(parts.view("u4")).view("Ze")
    assert sc.convert(z, "e", complex_to_real="abs").tolist() == [float(np.float16(exact))]
    assert sc.convert(z, "d", complex_to_real="abs").tolist() == [exact]
    with pytest.raises(TypeError, match="complex128"):
        sc.convert(np.zeros(2, "G"), "d", complex_to_real="abs")


def test_indices_fit_63_bits():
    x = np.array([1, 1e9])
    with pytest.raises(OverflowError, match=f"element {2**62 + 1}"):
        sc.convert(x, "b", overflow="raise", index_offset=2**62)
    with pytest.raises(ValueError, match="index_offset"):
        sc.convert(x, "b", overflow="raise", index_offset=2**63 - 1)


def test_an_option_that_no_field_understands_is_an_error():
    x = np.array([(1.5, "ab")], [("v", "f4"), ("t", "S2")])
    assert sc.convert(x, "T{b:v:3s:t:}", rounding="nearest-even").tolist() == [(2, b"ab")]
    with pytest.raises(ValueError, match="rounding is an option of numbers"):
        sc.convert(x["t"], "3s", rounding="nearest-even")


# --- NumPy's own tests of its casts --------------------------------------------------------------


def test_numpys_unit_tests_of_casts_pass_on_these_casts(monkeypatch):
    theirs = pytest.importorskip(
        "numpy._core.tests.test_casting_unittests", reason="NumPy was installed without its tests"
    )
    real = theirs.get_castingimpl
    pairs = []

    class Cast:
        """What NumPy's tests ask of a cast, done by stridecast."""

        _supports_unaligned = True

        def __init__(self, src, dst):
            self._resolve_descriptors = real(src, dst)._resolve_descriptors

        def _simple_strided_call(self, arrays):
            src, dst = arrays
            pairs.append((src.dtype, dst.dtype))
            sc.convert(src, None, out=dst)

    monkeypatch.setattr(theirs, "get_castingimpl", Cast)
    # Their loop over destinations ends after the first one, bool, so give it one at a time, and
    # only values that both types hold: they compare with the numbers that they drew.
    destinations = theirs.simple_dtype_instances()
    for destination in destinations:
        monkeypatch.setattr(theirs, "simple_dtype_instances", lambda d=destination: [d])
        for source in destinations:
            kinds = source.values[0].kind, destination.values[0].kind
            low, high = (0, 2) if kinds[0] == "b" else (0 if "u" in kinds else -128, 128)
            draw = SimpleNamespace(randrange=lambda *_, low=low, high=high: randrange(low, high))
            monkeypatch.setattr(theirs, "random", draw)
            theirs.TestCasting().test_simple_direct_casts(source.values[0])
    assert len(set(pairs)) > 10  # 13 of NumPy 2.4, 229 of 2.5, whose dtypes are singletons
