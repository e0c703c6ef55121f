// The oracle itself: against hand-written values, and against the compiler's own conversions where
// C++ defines them. Everything else in these tests stands on it.

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
using reference::Mode;

uint64_t wrap(DType from, uint64_t bits, DType to) {
  return convert(from, bits, to, Mode::kWrap).bits;
}

TEST(ReferenceTest, Float64ToFloat32IsTheCompilersRounding) {
  for (uint64_t bits : values_for(DType::kFloat64, DType::kFloat32)) {
    const double x = std::bit_cast<double>(bits);
    if (std::isnan(x)) continue;
    ASSERT_EQ(wrap(DType::kFloat64, bits, DType::kFloat32),
              std::bit_cast<uint32_t>(static_cast<float>(x)))
        << reference::to_text(DType::kFloat64, bits);
  }
}

TEST(ReferenceTest, IntegersToFloatsAreTheCompilersRounding) {
  for (uint64_t bits : values_for(DType::kInt64, DType::kFloat32)) {
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
  for (uint64_t bits : values_of(DType::kFloat64, 20000)) {
    const double x = std::bit_cast<double>(bits);
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
  const auto f32 = [](float x) { return std::bit_cast<uint32_t>(x); };
  const auto f64 = [](double x) { return std::bit_cast<uint64_t>(x); };
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
