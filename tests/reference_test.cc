// The oracle itself: against hand-written values, and against the compiler's own conversions where
// C++ defines them. Everything else in these tests stands on it. How the narrow types' codes and
// limits come about is worked out from their specifications beside each value.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tests/reference/element.h"
#include "tests/reference/reduce.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using reference::convert;
using reference::Converted;
using reference::Mode;

Bits wrap(DType from, Bits bits, DType to) { return convert(from, bits, to, Mode::kWrap).bits; }
uint32_t f32(float x) { return std::bit_cast<uint32_t>(x); }
uint64_t f64(double x) { return std::bit_cast<uint64_t>(x); }

TEST(ReferenceTest, Float64ToFloat32IsTheCompilersRounding) {
  for (const Bits bits : values_for(DType::kFloat64, DType::kFloat32)) {
    const double x = std::bit_cast<double>(static_cast<uint64_t>(bits));
    if (std::isnan(x)) continue;
    ASSERT_EQ(wrap(DType::kFloat64, bits, DType::kFloat32),
              std::bit_cast<uint32_t>(static_cast<float>(x)))
        << reference::to_text(DType::kFloat64, bits);
  }
}

TEST(ReferenceTest, IntegersToFloatsAreTheCompilersRounding) {
  for (const Bits element : values_for(DType::kInt64, DType::kFloat32)) {
    const auto bits = static_cast<uint64_t>(element);
    ASSERT_EQ(wrap(DType::kInt64, bits, DType::kFloat32),
              std::bit_cast<uint32_t>(static_cast<float>(static_cast<int64_t>(bits))));
    ASSERT_EQ(wrap(DType::kUint64, bits, DType::kFloat32),
              std::bit_cast<uint32_t>(static_cast<float>(bits)));
    ASSERT_EQ(wrap(DType::kInt64, bits, DType::kFloat64),
              std::bit_cast<uint64_t>(static_cast<double>(static_cast<int64_t>(bits))));
    ASSERT_EQ(wrap(DType::kUint64, bits, DType::kFloat64),
              std::bit_cast<uint64_t>(static_cast<double>(bits)));
  }
}

TEST(ReferenceTest, FloatsInRangeToIntegersAreTheCompilersTruncation) {
  for (const Bits bits : values_of(DType::kFloat64, 20000)) {
    const double x = std::bit_cast<double>(static_cast<uint64_t>(bits));
    if (!(x > -9.2e18 && x < 9.2e18)) continue;
    const auto whole = static_cast<int64_t>(x);
    ASSERT_EQ(wrap(DType::kFloat64, bits, DType::kInt64), static_cast<uint64_t>(whole));
    ASSERT_EQ(wrap(DType::kFloat64, bits, DType::kInt16), static_cast<uint16_t>(whole));
    ASSERT_EQ(wrap(DType::kFloat64, bits, DType::kUint32), static_cast<uint32_t>(whole));
  }
}

TEST(ReferenceTest, WideningThenNarrowingIsTheIdentity) {
  for (DType narrow : {DType::kFloat16, DType::kBFloat16}) {
    for (uint64_t bits = 0; bits < 65536; ++bits) {
      const reference::Value v = reference::decode(narrow, bits);
      if (v.cls == reference::Value::Class::kNan) continue;
      for (DType wide : {DType::kFloat32, DType::kFloat64}) {
        ASSERT_EQ(wrap(wide, wrap(narrow, bits, wide), narrow), bits) << reference::name(narrow);
      }
    }
  }
}

TEST(ReferenceTest, HandWrittenValues) {
  EXPECT_EQ(wrap(DType::kFloat32, f32(1.0f), DType::kFloat16), 0x3C00u);
  EXPECT_EQ(wrap(DType::kFloat32, f32(65519.99f), DType::kFloat16), 0x7BFFu);
  EXPECT_EQ(wrap(DType::kFloat32, f32(65520.0f), DType::kFloat16), 0x7C00u);
  EXPECT_EQ(wrap(DType::kFloat32, f32(5.9604645e-8f), DType::kFloat16), 0x0001u);
  EXPECT_EQ(wrap(DType::kFloat32, f32(2.9802322e-8f), DType::kFloat16), 0x0000u);  // a tie to even
  EXPECT_EQ(wrap(DType::kFloat32, f32(-2.9802326e-8f), DType::kFloat16), 0x8001u);
  EXPECT_EQ(wrap(DType::kFloat32, f32(1.0f), DType::kBFloat16), 0x3F80u);
  EXPECT_EQ(wrap(DType::kFloat32, 0x7F7FFFFF, DType::kBFloat16), 0x7F80u);
  EXPECT_EQ(wrap(DType::kFloat32, 0x00000001, DType::kBFloat16), 0x0000u);
  EXPECT_EQ(wrap(DType::kFloat32, 0x00018000, DType::kBFloat16), 0x0002u);
  EXPECT_EQ(wrap(DType::kFloat64, f64(1 + 0x1p-8 + 0x1p-40), DType::kBFloat16), 0x3F81u);
  EXPECT_EQ(wrap(DType::kInt64, (1ull << 40) + (1ull << 32) + 1, DType::kBFloat16), 0x5381u);
  // NaN: sign, payload, the quiet bit.
  EXPECT_EQ(wrap(DType::kFloat32, 0x7F812345, DType::kFloat16), 0x7E09u);
  EXPECT_EQ(wrap(DType::kFloat32, 0xFFC12345, DType::kFloat16), 0xFE09u);
  EXPECT_EQ(wrap(DType::kFloat32, 0xFF812345, DType::kBFloat16), 0xFFC0u);
  EXPECT_EQ(wrap(DType::kFloat16, 0x7D01, DType::kFloat32), 0x7FE02000u);
  EXPECT_EQ(wrap(DType::kBFloat16, 0xFF81, DType::kFloat64), 0xFFF8200000000000u);
  EXPECT_EQ(wrap(DType::kFloat64, 0x7FF0000020000000, DType::kFloat32), 0x7FC00001u);
  // Floats beyond the integer.
  EXPECT_EQ(wrap(DType::kFloat32, f32(3e9f), DType::kInt32), static_cast<uint32_t>(-1294967296));
  EXPECT_EQ(wrap(DType::kFloat64, f64(1e30), DType::kInt64), uint64_t{1} << 63);
  EXPECT_EQ(wrap(DType::kFloat64, f64(1e30), DType::kInt32), 0u);
  EXPECT_EQ(wrap(DType::kFloat64, f64(0x1.8p63), DType::kUint64), uint64_t{3} << 62);
  EXPECT_EQ(wrap(DType::kFloat64, f64(-1.5), DType::kUint64), ~uint64_t{0});
  EXPECT_EQ(wrap(DType::kFloat64, f64(std::nan("")), DType::kUint8), 0u);
  EXPECT_EQ(wrap(DType::kFloat64, f64(std::nan("")), DType::kUint64), uint64_t{1} << 63);
  EXPECT_EQ(convert(DType::kFloat64, f64(-7.9), DType::kUint8, Mode::kSaturate).bits, 0u);
  EXPECT_EQ(convert(DType::kFloat64, f64(1e30), DType::kInt16, Mode::kSaturate).bits, 32767u);
  EXPECT_FALSE(convert(DType::kFloat64, f64(-0.9), DType::kUint8, Mode::kRaise).error());
  EXPECT_FALSE(convert(DType::kFloat64, f64(255.9), DType::kUint8, Mode::kRaise).error());
  EXPECT_TRUE(convert(DType::kFloat64, f64(256.0), DType::kUint8, Mode::kRaise).overflow);
  EXPECT_TRUE(convert(DType::kFloat64, f64(-1.0), DType::kUint8, Mode::kRaise).overflow);
  EXPECT_TRUE(convert(DType::kFloat64, f64(std::nan("")), DType::kInt8, Mode::kRaise).nan);
}

// The value of a float type nearest below or at `x` in `mode`, from float64, which holds them all.
Bits narrow(double x, DType to, Mode mode = Mode::kWrap) {
  return convert(DType::kFloat64, f64(x), to, mode).bits;
}
bool raises(double x, DType to) {
  const Converted c = convert(DType::kFloat64, f64(x), to, Mode::kRaise);
  EXPECT_FALSE(c.nan) << x;
  return c.overflow;
}
double value(DType type, Bits byte) {
  return std::bit_cast<double>(static_cast<uint64_t>(wrap(type, byte, DType::kFloat64)));
}

// Name, code of 1.0, smallest positive, largest, and the first value that rounds beyond it: half a
// step above the largest.
struct NarrowFacts {
  DType type;
  Bits one;
  double smallest, largest;
  Bits largest_code;
  double beyond;
  Bits infinity, nan;  // what infinity and a positive NaN become
};
constexpr NarrowFacts kNarrow[] = {
    {DType::kFloat8E3M4, 0x30, 0x1p-6, 15.5, 0x6F, 15.75, 0x70, 0x78},
    {DType::kFloat8E4M3, 0x38, 0x1p-9, 240, 0x77, 248, 0x78, 0x7C},
    {DType::kFloat8E4M3B11FNUZ, 0x58, 0x1p-13, 30, 0x7F, 31, 0x80, 0x80},
    {DType::kFloat8E4M3FN, 0x38, 0x1p-9, 448, 0x7E, 465, 0x7F, 0x7F},  // 464 ties to the even 448
    {DType::kFloat8E4M3FNUZ, 0x40, 0x1p-10, 240, 0x7F, 248, 0x80, 0x80},
    {DType::kFloat8E5M2, 0x3C, 0x1p-16, 57344, 0x7B, 61440, 0x7C, 0x7E},
    {DType::kFloat8E5M2FNUZ, 0x40, 0x1p-17, 57344, 0x7F, 61440, 0x80, 0x80},
    {DType::kFloat6E2M3FN, 0x08, 0.125, 7.5, 0x1F, 7.75, 0x1F, 0x20},
    {DType::kFloat6E3M2FN, 0x0C, 0.0625, 28, 0x1F, 30, 0x1F, 0x20},
    {DType::kFloat4E2M1FN, 0x02, 0.5, 6, 0x07, 7, 0x07, 0x08},
};

TEST(ReferenceTest, NarrowFloatsByTheirSpecifications) {
  for (const NarrowFacts& f : kNarrow) {
    SCOPED_TRACE(reference::name(f.type));
    const Bits sign = Bits{1} << (reference::value_bits(f.type) - 1);
    const bool is_fnuz = f.nan == 0x80;
    EXPECT_EQ(narrow(1, f.type), f.one);
    EXPECT_EQ(narrow(-1, f.type), f.one | sign);
    EXPECT_EQ(value(f.type, f.one), 1.0);
    EXPECT_EQ(value(f.type, 1), f.smallest);
    EXPECT_EQ(value(f.type, f.largest_code), f.largest);
    EXPECT_EQ(value(f.type, f.largest_code | sign), -f.largest);
    EXPECT_EQ(narrow(f.smallest * 0.5, f.type), 0u);  // a tie to even
    EXPECT_EQ(narrow(f.smallest * 0.500001, f.type), 1u);
    EXPECT_EQ(narrow(f.smallest * 1.5, f.type), 2u);
    EXPECT_EQ(narrow(-0.0, f.type), is_fnuz ? 0u : sign);
    EXPECT_EQ(narrow(-f.smallest / 4, f.type), is_fnuz ? 0u : sign);
    // The largest value's half step belongs to it, its end only where it is even.
    EXPECT_EQ(narrow(std::nextafter(f.beyond, 0), f.type), f.largest_code + (f.beyond == 465));
    EXPECT_EQ(narrow(f.beyond, f.type), f.infinity);
    EXPECT_EQ(narrow(f.beyond, f.type, Mode::kSaturate), f.largest_code);
    EXPECT_EQ(narrow(-f.beyond, f.type, Mode::kSaturate), f.largest_code | sign);
    EXPECT_FALSE(raises(f.largest, f.type));
    EXPECT_TRUE(raises(f.beyond, f.type));
    EXPECT_TRUE(raises(-f.beyond, f.type));
    EXPECT_FALSE(raises(f.smallest / 4, f.type)) << "underflow is rounding";
    // Infinities: an error under raise where there is none.
    const double inf = std::numeric_limits<double>::infinity();
    const bool has_infinity = f.infinity == f.largest_code + 1 && f.nan != f.infinity && !is_fnuz;
    EXPECT_EQ(narrow(inf, f.type), f.infinity);
    EXPECT_EQ(narrow(-inf, f.type), f.infinity | sign);
    EXPECT_EQ(narrow(inf, f.type, Mode::kSaturate), f.largest_code);
    EXPECT_EQ(raises(inf, f.type), !has_infinity);
    // NaN: -0 where there is none, which raise complains of.
    const bool has_nan = sign == 0x80;
    for (Bits nan : {Bits{0x7FF8000000000000}, Bits{0x7FF0000000000001}}) {
      EXPECT_EQ(wrap(DType::kFloat64, nan, f.type), f.nan);
      EXPECT_EQ(wrap(DType::kFloat64, nan | Bits{1} << 63, f.type), f.nan | sign);
      EXPECT_EQ(convert(DType::kFloat64, nan, f.type, Mode::kSaturate).bits, f.nan);
      EXPECT_EQ(convert(DType::kFloat64, nan, f.type, Mode::kRaise).nan, !has_nan);
    }
  }
}

TEST(ReferenceTest, Float8E4M3FNLimits) {
  EXPECT_EQ(narrow(464, DType::kFloat8E4M3FN), 0x7Eu);
  EXPECT_EQ(narrow(-464, DType::kFloat8E4M3FN), 0xFEu);
  EXPECT_FALSE(raises(464, DType::kFloat8E4M3FN));
  EXPECT_EQ(narrow(std::nextafter(464, 500), DType::kFloat8E4M3FN), 0x7Fu);
  EXPECT_TRUE(raises(std::nextafter(464, 500), DType::kFloat8E4M3FN));
}

// The NaN of a fnuz type is the code of -0: a negative one. e8m0 has no sign, float6 no NaN.
TEST(ReferenceTest, NansOfNarrowFloats) {
  const DType f32_type = DType::kFloat32;
  EXPECT_EQ(wrap(DType::kFloat8E4M3FNUZ, 0x80, f32_type), 0xFFC00000u);
  EXPECT_EQ(wrap(DType::kFloat8E5M2FNUZ, 0x80, DType::kFloat8E5M2), 0xFEu);
  EXPECT_EQ(wrap(DType::kFloat8E8M0FNU, 0xFF, f32_type), 0x7FC00000u);
  EXPECT_EQ(wrap(DType::kFloat8E4M3FN, 0xFF, f32_type), 0xFFC00000u);
  EXPECT_EQ(wrap(DType::kFloat8E5M2, 0x7D, f32_type), 0x7FC00000u) << "no payload";
  EXPECT_EQ(wrap(DType::kFloat8E5M2, 0xFC, f32_type), 0xFF800000u);
  EXPECT_EQ(wrap(DType::kFloat8E5M2, 0xFD, DType::kFloat8E3M4), 0xF8u);
  EXPECT_EQ(wrap(DType::kFloat8E4M3, 0x7F, DType::kFloat4E2M1FN), 0x08u);
  EXPECT_EQ(wrap(DType::kFloat8E4M3FNUZ, 0x80, DType::kInt64), uint64_t{1} << 63);
  EXPECT_EQ(wrap(DType::kFloat8E4M3FNUZ, 0x80, DType::kBool), 1u);
}

TEST(ReferenceTest, InfinitiesSaturateWhereTheRangeNarrows) {
  const auto saturate = [](DType from, Bits bits, DType to) {
    return convert(from, bits, to, Mode::kSaturate).bits;
  };
  EXPECT_EQ(saturate(DType::kFloat16, 0x7C00, DType::kFloat8E5M2), 0x7Bu);
  EXPECT_EQ(saturate(DType::kFloat8E5M2, 0x7C, DType::kFloat16), 0x7C00u);
  EXPECT_EQ(saturate(DType::kFloat8E3M4, 0x70, DType::kFloat8E4M3), 0x78u);    // 15.5 fits 240
  EXPECT_EQ(saturate(DType::kFloat8E3M4, 0x70, DType::kFloat8E4M3FN), 0x7Eu);  // no infinity
  EXPECT_EQ(saturate(DType::kFloat32, 0xFF800000, DType::kBFloat16), 0xFF7Fu);
}

TEST(ReferenceTest, ScalesArePowersOfTwo) {
  constexpr DType kScale = DType::kFloat8E8M0FNU;
  EXPECT_EQ(narrow(1, kScale), 127u);
  EXPECT_EQ(value(kScale, 0), 0x1p-127);
  EXPECT_EQ(value(kScale, 254), 0x1p127);
  // One digit, which is odd: ties go up, whatever the code.
  EXPECT_EQ(narrow(1.5, kScale), 128u);
  EXPECT_EQ(narrow(3, kScale), 129u);
  EXPECT_EQ(narrow(std::nextafter(3, 0), kScale), 128u);
  EXPECT_EQ(narrow(0x1.4p-127, kScale), 0u);
  EXPECT_EQ(narrow(0x1.8p-127, kScale), 1u);
  EXPECT_EQ(narrow(std::nextafter(0x1.8p127, 0), kScale), 254u);
  const double inf = std::numeric_limits<double>::infinity();
  for (double below : {0x1.fffp-128, 0x1p-140, 0x1p-1000}) {
    EXPECT_EQ(narrow(below, kScale), 0u);
    EXPECT_EQ(narrow(below, kScale, Mode::kSaturate), 0u);
    EXPECT_TRUE(raises(below, kScale));
  }
  for (double none : {0.0, -0.0, -1.0, -0x1p-140, -inf}) {
    EXPECT_EQ(narrow(none, kScale), 0xFFu);
    EXPECT_EQ(narrow(none, kScale, Mode::kSaturate), 0u);
    EXPECT_TRUE(raises(none, kScale));
  }
  for (double above : {0x1.8p127, 0x1p128, 1e300, inf}) {
    EXPECT_EQ(narrow(above, kScale), 0xFFu);
    EXPECT_EQ(narrow(above, kScale, Mode::kSaturate), 254u);
    EXPECT_TRUE(raises(above, kScale));
  }
  for (Mode mode : reference::kModes) {
    const Converted nan = convert(DType::kFloat32, 0xFFC00000, kScale, mode);
    EXPECT_EQ(nan.bits, 0xFFu);
    EXPECT_FALSE(nan.error());
  }
  EXPECT_EQ(wrap(DType::kBool, 0, kScale), 0xFFu);
  EXPECT_EQ(wrap(DType::kBool, 1, kScale), 127u);
  EXPECT_EQ(wrap(kScale, 0, DType::kBool), 1u) << "no scale is zero";
  EXPECT_EQ(wrap(kScale, 0, DType::kFloat16), 0u);
  EXPECT_EQ(wrap(kScale, 127 + 62, DType::kInt64), uint64_t{1} << 62);
}

TEST(ReferenceTest, NarrowIntegersAreTheLowBitsOfAByte) {
  EXPECT_EQ(wrap(DType::kInt4, 0xF7, DType::kInt32), 7u);
  EXPECT_EQ(wrap(DType::kInt4, 0x08, DType::kInt8), 0xF8u);
  EXPECT_EQ(wrap(DType::kUint4, 0xF8, DType::kInt8), 8u);
  EXPECT_EQ(wrap(DType::kInt1, 0xFF, DType::kInt16), 0xFFFFu);
  EXPECT_EQ(wrap(DType::kInt2, 0x02, DType::kFloat32), f32(-2.0f));
  EXPECT_EQ(wrap(DType::kUint4, 0xF0, DType::kBool), 0u);
  EXPECT_EQ(wrap(DType::kInt32, 0xFFFFFFFF, DType::kInt4), 0x0Fu);
  EXPECT_EQ(wrap(DType::kInt8, 0x9C, DType::kUint2), 0u);
  EXPECT_EQ(wrap(DType::kBool, 5, DType::kInt1), 1u);
  EXPECT_EQ(wrap(DType::kFloat32, f32(-9.7f), DType::kInt4), 7u);
  EXPECT_EQ(wrap(DType::kFloat32, 0x7FC00000, DType::kInt4), 0u);
  EXPECT_EQ(convert(DType::kFloat32, f32(-9.7f), DType::kInt4, Mode::kSaturate).bits, 8u);
  EXPECT_EQ(convert(DType::kInt64, 2, DType::kInt2, Mode::kSaturate).bits, 1u);
  EXPECT_EQ(convert(DType::kBool, 1, DType::kInt1, Mode::kSaturate).bits, 0u);
  EXPECT_TRUE(convert(DType::kBool, 1, DType::kInt1, Mode::kRaise).overflow);
  EXPECT_FALSE(convert(DType::kInt64, 15, DType::kUint4, Mode::kRaise).error());
  EXPECT_TRUE(convert(DType::kInt64, 16, DType::kUint4, Mode::kRaise).overflow);
  EXPECT_EQ(wrap(DType::kUint4, 0xF8, DType::kUint4), 0xF8u) << "a copy keeps every bit";
}

// float6 and float4 read by their low bits, too.
TEST(ReferenceTest, HighBitsOfNarrowFloatsDoNotCount) {
  EXPECT_EQ(value(DType::kFloat4E2M1FN, 0xF2), 1.0);
  EXPECT_EQ(value(DType::kFloat4E2M1FN, 0x1A), -1.0);
  EXPECT_EQ(value(DType::kFloat6E3M2FN, 0xDF), 28.0);
  EXPECT_EQ(wrap(DType::kFloat6E2M3FN, 0xC0, DType::kBool), 0u);
}

// --- long double ---------------------------------------------------------------------------------

Bits x87(unsigned sign_and_exponent, uint64_t mantissa) {
  return Bits{sign_and_exponent} << 64 | mantissa;
}
constexpr uint64_t kIntegerBit = uint64_t{1} << 63;

TEST(ReferenceTest, LongDoubleHandWrittenValues) {
  constexpr DType kLong = DType::kLongDouble;
  EXPECT_EQ(wrap(DType::kFloat64, f64(1.0), kLong), x87(0x3FFF, kIntegerBit));
  EXPECT_EQ(wrap(DType::kFloat64, f64(-0.0), kLong), x87(0x8000, 0));
  EXPECT_EQ(wrap(DType::kFloat64, f64(0x1p-1074), kLong), x87(0x3FFF - 1074, kIntegerBit));
  EXPECT_EQ(wrap(DType::kInt64, ~uint64_t{0}, kLong), x87(0xBFFF, kIntegerBit));
  EXPECT_EQ(wrap(DType::kUint64, ~uint64_t{0}, kLong), x87(0x3FFF + 63, ~uint64_t{0}));
  EXPECT_EQ(wrap(DType::kFloat32, 0xFF800000, kLong), x87(0xFFFF, kIntegerBit));
  EXPECT_EQ(wrap(DType::kFloat32, 0x7F800001, kLong), x87(0x7FFF, uint64_t{3} << 62 | 1ull << 40));
  // To float64: ties to even, one step beyond, subnormals, overflow.
  EXPECT_EQ(wrap(kLong, x87(0x3FFF, kIntegerBit | 0x400), DType::kFloat64), f64(1));
  EXPECT_EQ(wrap(kLong, x87(0x3FFF, kIntegerBit | 0x401), DType::kFloat64), f64(1 + 0x1p-52));
  EXPECT_EQ(wrap(kLong, x87(0x3FFF, kIntegerBit | 0xC00), DType::kFloat64), f64(1 + 0x1p-51));
  EXPECT_EQ(wrap(kLong, x87(0x3FFF - 1075, kIntegerBit), DType::kFloat64), 0u);
  EXPECT_EQ(wrap(kLong, x87(0x3FFF - 1075, kIntegerBit | 1), DType::kFloat64), 1u);
  EXPECT_EQ(wrap(kLong, x87(0x7FFE, ~uint64_t{0}), DType::kFloat64), 0x7FF0000000000000u);
  EXPECT_TRUE(convert(kLong, x87(0x7FFE, kIntegerBit), DType::kFloat64, Mode::kRaise).overflow);
  EXPECT_EQ(convert(kLong, x87(0xFFFF, kIntegerBit), DType::kFloat64, Mode::kSaturate).bits,
            0xFFEFFFFFFFFFFFFFu);
  EXPECT_EQ(wrap(kLong, x87(0xFFFF, kIntegerBit | 0x0123456789ABC800), DType::kFloat64),
            0xFFF82468ACF13579u)
      << "quiet, with the payload's top bits";
  // One rounding: through float64 this would tie back to 1.
  EXPECT_EQ(wrap(kLong, x87(0x3FFF, kIntegerBit | kIntegerBit >> 8 | 1), DType::kBFloat16),
            0x3F81u);
  // To integers.
  EXPECT_EQ(wrap(kLong, x87(0x3FFF + 63, ~uint64_t{0}), DType::kUint64), ~uint64_t{0});
  EXPECT_EQ(wrap(kLong, x87(0x3FFF + 64, kIntegerBit), DType::kUint64), kIntegerBit);
  EXPECT_EQ(wrap(kLong, x87(0xBFFF + 62, ~uint64_t{0}), DType::kInt64), kIntegerBit | 1);
  EXPECT_EQ(wrap(kLong, x87(0x7FFF, kIntegerBit), DType::kInt32), 0u);
  EXPECT_EQ(wrap(kLong, x87(0x0000, 1), DType::kBool), 1u);
  EXPECT_EQ(wrap(kLong, x87(0x8000, 0), DType::kBool), 0u);
  // Padding does not count but in a copy.
  EXPECT_EQ(wrap(kLong, ~Bits{0} << 80 | x87(0x3FFF, kIntegerBit), DType::kInt8), 1u);
  EXPECT_EQ(wrap(kLong, ~Bits{0} << 80, kLong), ~Bits{0} << 80);
}

TEST(ReferenceTest, LongDoubleIsTheCompilers) {
  if (!reference::kKnowsLongDouble) GTEST_SKIP() << "long double is not x87's here";
  const auto bits_of = [](long double x) { return reference::load(&x, 10); };
  for (const Bits bits : values_for(DType::kLongDouble, DType::kFloat64)) {
    long double x = 0;
    reference::store(&x, 10, bits);
    if (std::isnan(x)) continue;
    ASSERT_EQ(wrap(DType::kLongDouble, bits, DType::kFloat64), f64(static_cast<double>(x)));
    ASSERT_EQ(wrap(DType::kLongDouble, bits, DType::kFloat32), f32(static_cast<float>(x)));
    const auto whole = static_cast<int64_t>(x);
    if (x > -0x1p63L && x < 0x1p63L) {
      ASSERT_EQ(wrap(DType::kLongDouble, bits, DType::kInt64), static_cast<uint64_t>(whole));
      ASSERT_EQ(wrap(DType::kInt64, static_cast<uint64_t>(whole), DType::kLongDouble),
                bits_of(static_cast<long double>(whole)));
    }
    const double d = static_cast<double>(x);
    ASSERT_EQ(wrap(DType::kFloat64, f64(d), DType::kLongDouble),
              bits_of(static_cast<long double>(d)));
  }
}

TEST(ReferenceTest, ComplexNumbersArePairs) {
  using reference::convert_complex;
  constexpr DType kC64 = DType::kComplexFloat32, kC128 = DType::kComplexFloat64;
  const auto pair = convert_complex(kC128, f64(1.5), f64(-2), kC64, Mode::kWrap);
  EXPECT_EQ(pair.re, f32(1.5f));
  EXPECT_EQ(pair.im, f32(-2));
  const auto real = convert_complex(kC128, f64(1.5), f64(1e300), DType::kFloat32, Mode::kRaise);
  EXPECT_EQ(real.re, f32(1.5f));
  EXPECT_FALSE(real.error()) << "the imaginary part is dropped, whatever it is";
  EXPECT_TRUE(convert_complex(kC128, 0, f64(1e300), kC64, Mode::kRaise).overflow);
  const auto whole = convert_complex(DType::kInt8, 0xFF, 0, DType::kComplexFloat16, Mode::kWrap);
  EXPECT_EQ(whole.re, 0xBC00u);
  EXPECT_EQ(whole.im, 0u);
  EXPECT_EQ(convert_complex(kC64, 0, f32(1), DType::kBool, Mode::kRaise).re, 1u);
  EXPECT_EQ(convert_complex(kC64, f32(-0.0f), f32(-0.0f), DType::kBool, Mode::kWrap).re, 0u);
}

TEST(ReferenceTest, SummationTree) {
  // Alone in their accumulators, -2^24 and 2^24 meet only at the join, after the ones.
  std::vector<uint64_t> x(16, std::bit_cast<uint32_t>(1.0f));
  x[0] = std::bit_cast<uint32_t>(0x1p24f);
  x[1] = std::bit_cast<uint32_t>(-0x1p24f);
  // (2^24 + 1) + (-2^24 + 1) = 2^24 + -(2^24 - 1) = 1, the other accumulators hold 2 each.
  EXPECT_EQ(reference::fold(reference::Op::kSum, DType::kFloat32, x),
            std::bit_cast<uint32_t>(13.0f));
  const std::vector<uint64_t> zeros(3, std::bit_cast<uint32_t>(-0.0f));
  EXPECT_EQ(reference::fold(reference::Op::kSum, DType::kFloat32, zeros), 0x80000000u);
}

}  // namespace
}  // namespace stridecast::testing
