// docs/numeric_policy.md, clause by clause, through plans: first with values that a reader can
// check by hand, then all 13 x 13 pairs in all modes against the oracle. Every test runs on every
// SIMD target.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "stridecast/kernel_abi.h"
#include "tests/reference/element.h"
#include "tests/support/engine_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using reference::Mode;
using enum DType;

constexpr ConvertOptions kWrapping = {.overflow = Overflow::kWrap};
constexpr ConvertOptions kSaturating = {.overflow = Overflow::kSaturate};
constexpr ConvertOptions kRaising = {.overflow = Overflow::kRaise};
constexpr ConvertOptions kNanRaises = {.nan = NanPolicy::kRaise};

constexpr float kInf = std::numeric_limits<float>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

uint64_t f32(float x) { return std::bit_cast<uint32_t>(x); }
uint64_t f64(double x) { return std::bit_cast<uint64_t>(x); }
uint64_t i8(int x) { return static_cast<uint8_t>(x); }
uint64_t i16(int x) { return static_cast<uint16_t>(x); }
uint64_t i32(int64_t x) { return static_cast<uint32_t>(x); }
uint64_t i64(int64_t x) { return static_cast<uint64_t>(x); }

// The error bits of converting one value; 0 where it succeeds.
uint32_t error_of(DType from, uint64_t bits, DType to, const ConvertOptions& options = kRaising) {
  const Result result = convert(from, {bits}, to, options);
  if (result.status.ok()) return 0;
  EXPECT_EQ(result.status.code, StatusCode::kDataError);
  EXPECT_EQ(result.status.index, 0);
  return result.status.error_bits;
}

class NumericPolicyTest : public EngineTest {};
STRIDECAST_INSTANTIATE_FOR_TARGETS(NumericPolicyTest);

TEST_P(NumericPolicyTest, SameTypeKeepsEveryBit) {
  EXPECT_EQ(convert_one(kFloat32, 0x7F800001, kFloat32), 0x7F800001u);  // a signalling NaN
  EXPECT_EQ(convert_one(kBFloat16, 0xFF81, kBFloat16), 0xFF81u);
  EXPECT_EQ(convert_one(kBool, 0xA5, kBool), 0xA5u);  // a bool byte that is neither 0 nor 1
  EXPECT_EQ(convert_one(kFloat16, 0x7C00, kFloat16, kSaturating), 0x7C00u);
  EXPECT_EQ(error_of(kFloat64, f64(kNan), kFloat64), 0u);
}

TEST_P(NumericPolicyTest, IntegersWrapByDefault) {
  EXPECT_EQ(convert_one(kInt32, i32(300), kUint8), 44u);
  EXPECT_EQ(convert_one(kInt32, i32(-1), kUint8), 255u);
  EXPECT_EQ(convert_one(kUint8, 200, kInt8), i8(-56));
  EXPECT_EQ(convert_one(kInt8, i8(-1), kUint64), ~uint64_t{0});
  EXPECT_EQ(convert_one(kUint64, uint64_t{1} << 63, kInt64), i64(INT64_MIN));
  EXPECT_EQ(convert_one(kInt64, 0x123456789, kInt32, kWrapping), 0x23456789u);
}

TEST_P(NumericPolicyTest, IntegersSaturate) {
  EXPECT_EQ(convert_one(kInt32, i32(300), kUint8, kSaturating), 255u);
  EXPECT_EQ(convert_one(kInt32, i32(-1), kUint8, kSaturating), 0u);
  EXPECT_EQ(convert_one(kInt32, i32(-300), kInt8, kSaturating), i8(-128));
  EXPECT_EQ(convert_one(kUint64, ~uint64_t{0}, kInt64, kSaturating), i64(INT64_MAX));
  EXPECT_EQ(convert_one(kInt64, i64(-5), kUint64, kSaturating), 0u);
}

TEST_P(NumericPolicyTest, IntegersRaise) {
  EXPECT_EQ(error_of(kInt32, i32(255), kUint8), 0u);
  EXPECT_EQ(error_of(kInt32, i32(256), kUint8), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kInt8, i8(-1), kUint64), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kUint64, uint64_t{1} << 63, kInt64), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kUint64, (uint64_t{1} << 63) - 1, kInt64), 0u);
}

TEST_P(NumericPolicyTest, FloatsTruncateToIntegers) {
  EXPECT_EQ(convert_one(kFloat32, f32(2.9f), kInt32), 2u);
  EXPECT_EQ(convert_one(kFloat32, f32(-2.9f), kInt32), i32(-2));
  EXPECT_EQ(convert_one(kFloat64, f64(255.999), kUint8, kRaising), 255u);
  EXPECT_EQ(convert_one(kFloat64, f64(-0.999), kUint8, kRaising), 0u);
  EXPECT_EQ(convert_one(kFloat16, 0x4100, kInt8), 2u);       // 2.5
  EXPECT_EQ(convert_one(kBFloat16, 0xC020, kInt8), i8(-2));  // -2.5
}

// As if through int64 on every CPU: NumPy on x86 gives INT32_MIN for the first one.
TEST_P(NumericPolicyTest, FloatsBeyondTheIntegerWrapThroughInt64) {
  EXPECT_EQ(convert_one(kFloat32, f32(3e9f), kInt32), i32(-1294967296));
  EXPECT_EQ(convert_one(kFloat32, f32(300.0f), kUint8), 44u);
  EXPECT_EQ(convert_one(kFloat32, f32(-1.0f), kUint16), 65535u);
  EXPECT_EQ(convert_one(kFloat64, f64(1e19), kInt64), i64(INT64_MIN));
  EXPECT_EQ(convert_one(kFloat64, f64(1e19), kInt32), 0u);  // low bits of INT64_MIN
  EXPECT_EQ(convert_one(kFloat32, f32(-kInf), kInt64), i64(INT64_MIN));
  EXPECT_EQ(convert_one(kFloat64, f64(kNan), kInt64), i64(INT64_MIN));
  EXPECT_EQ(convert_one(kFloat64, f64(kNan), kInt16), 0u);
}

TEST_P(NumericPolicyTest, FloatsInTheUpperHalfOfUint64AreExact) {
  EXPECT_EQ(convert_one(kFloat64, f64(0x1p63), kUint64), uint64_t{1} << 63);
  EXPECT_EQ(convert_one(kFloat32, f32(0x1.8p63f), kUint64), uint64_t{3} << 62);
  EXPECT_EQ(convert_one(kFloat64, f64(0x1.fffffffffffffp63), kUint64), ~uint64_t{0} << 11);
  EXPECT_EQ(convert_one(kFloat64, f64(0x1p64), kUint64), uint64_t{1} << 63);
  EXPECT_EQ(convert_one(kFloat64, f64(-1.0), kUint64), ~uint64_t{0});
}

TEST_P(NumericPolicyTest, FloatsSaturateToIntegers) {
  EXPECT_EQ(convert_one(kFloat32, f32(3e9f), kInt32, kSaturating), i32(INT32_MAX));
  EXPECT_EQ(convert_one(kFloat32, f32(-kInf), kInt16, kSaturating), i16(INT16_MIN));
  EXPECT_EQ(convert_one(kFloat64, f64(1e300), kUint64, kSaturating), ~uint64_t{0});
  EXPECT_EQ(convert_one(kFloat64, f64(kNan), kInt64, kSaturating), 0u);
  EXPECT_EQ(convert_one(kFloat16, 0xFC00, kUint8, kSaturating), 0u);
}

TEST_P(NumericPolicyTest, FloatsRaiseBeyondTheInteger) {
  EXPECT_EQ(error_of(kFloat32, f32(2147483520.0f), kInt32), 0u);
  EXPECT_EQ(error_of(kFloat32, f32(2147483648.0f), kInt32), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kFloat64, f64(-2147483648.9), kInt32), 0u);
  EXPECT_EQ(error_of(kFloat64, f64(-2147483649.0), kInt32), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kFloat32, f32(kInf), kInt8), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kFloat64, f64(kNan), kInt8), uint32_t{SC_ERR_NAN});
  EXPECT_EQ(error_of(kBFloat16, 0x7FC0, kUint64), uint32_t{SC_ERR_NAN});
}

TEST_P(NumericPolicyTest, NanRaisesAlwaysWhereAskedFor) {
  EXPECT_EQ(error_of(kFloat32, 0x7FC00000, kInt32, kNanRaises), uint32_t{SC_ERR_NAN});
  EXPECT_EQ(error_of(kFloat32, f32(kInf), kInt32, kNanRaises), 0u);  // wraps
  const ConvertOptions saturating = {.overflow = Overflow::kSaturate, .nan = NanPolicy::kRaise};
  EXPECT_EQ(error_of(kFloat64, f64(kNan), kUint8, saturating), uint32_t{SC_ERR_NAN});
  EXPECT_EQ(convert_one(kFloat64, f64(1e9), kUint8, saturating), 255u);
}

TEST_P(NumericPolicyTest, OneRoundingToNearestEven) {
  EXPECT_EQ(convert_one(kFloat64, f64(1 + 0x1p-24), kFloat32), f32(1.0f));  // a tie
  EXPECT_EQ(convert_one(kFloat64, f64(1 + 0x1p-24 + 0x1p-52), kFloat32), f32(1 + 0x1p-23f));
  EXPECT_EQ(convert_one(kFloat32, f32(1 + 0x1p-8f), kBFloat16), 0x3F80u);
  EXPECT_EQ(convert_one(kFloat32, f32(1 + 0x3p-8f), kBFloat16), 0x3F82u);
  EXPECT_EQ(convert_one(kFloat32, f32(1 + 0x1p-11f), kFloat16), 0x3C00u);
  EXPECT_EQ(convert_one(kInt32, i32((1 << 24) + 1), kFloat32), f32(0x1p24f));
}

// Through float32 these would be rounded twice and come out one lower (as ml_dtypes has it).
TEST_P(NumericPolicyTest, NoDoubleRounding) {
  EXPECT_EQ(convert_one(kFloat64, f64(1 + 0x1p-8 + 0x1p-40), kBFloat16), 0x3F81u);
  EXPECT_EQ(convert_one(kFloat64, f64(1 + 0x1p-11 + 0x1p-40), kFloat16), 0x3C01u);
  EXPECT_EQ(convert_one(kInt64, (1ull << 40) + (1ull << 32) + 1, kBFloat16), 0x5381u);
  EXPECT_EQ(convert_one(kUint64, (1ull << 63) + (1ull << 55) + 1, kBFloat16), 0x5F01u);
  EXPECT_EQ(convert_one(kInt32, i32((1 << 30) + (1 << 22) + 1), kBFloat16), 0x4E81u);
  EXPECT_EQ(convert_one(kInt64, i64(-((1ll << 53) + (1ll << 29) + 1)), kFloat32),
            f32(-0x1.000002p53f));
}

TEST_P(NumericPolicyTest, SubnormalsAreKept) {
  EXPECT_EQ(convert_one(kFloat32, 0x00010000, kBFloat16), 0x0001u);
  EXPECT_EQ(convert_one(kFloat64, f64(0x1p-149), kFloat32), 1u);
  EXPECT_EQ(convert_one(kFloat64, f64(0x1p-24), kFloat16), 0x0001u);
  EXPECT_EQ(convert_one(kFloat16, 0x8001, kFloat32), f32(-0x1p-24f));
  EXPECT_EQ(convert_one(kBFloat16, 0x0001, kFloat32), 0x00010000u);
  EXPECT_EQ(convert_one(kFloat32, 0x00000001, kFloat64), f64(0x1p-149));
}

TEST_P(NumericPolicyTest, OverflowOfFloatsIsInfinity) {
  EXPECT_EQ(convert_one(kFloat32, f32(65519.0f), kFloat16), 0x7BFFu);
  EXPECT_EQ(convert_one(kFloat32, f32(65520.0f), kFloat16), 0x7C00u);
  EXPECT_EQ(convert_one(kFloat64, f64(-1e39), kFloat32), f32(-kInf));
  EXPECT_EQ(convert_one(kUint64, 65520, kFloat16), 0x7C00u);
  EXPECT_EQ(convert_one(kFloat32, 0x7F7FFFFF, kBFloat16), 0x7F80u);
}

TEST_P(NumericPolicyTest, FloatsSaturateToTheLargestFinite) {
  EXPECT_EQ(convert_one(kFloat32, f32(1e6f), kFloat16, kSaturating), 0x7BFFu);
  EXPECT_EQ(convert_one(kFloat32, f32(-kInf), kFloat16, kSaturating), 0xFBFFu);
  EXPECT_EQ(convert_one(kFloat32, f32(kInf), kBFloat16, kSaturating), 0x7F7Fu);
  EXPECT_EQ(convert_one(kFloat64, f64(1e300), kFloat32, kSaturating), 0x7F7FFFFFu);
  EXPECT_EQ(convert_one(kInt32, i32(-70000), kFloat16, kSaturating), 0xFBFFu);
  EXPECT_EQ(convert_one(kFloat32, 0xFFC00000, kFloat16, kSaturating), 0xFE00u);  // NaN stays NaN
  EXPECT_EQ(convert_one(kFloat16, 0x7C00, kFloat32, kSaturating), f32(kInf));    // not narrower
}

TEST_P(NumericPolicyTest, FloatsRaiseWhereAFiniteValueBecomesInfinite) {
  EXPECT_EQ(error_of(kFloat32, f32(65519.0f), kFloat16), 0u);
  EXPECT_EQ(error_of(kFloat32, f32(65520.0f), kFloat16), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kInt32, i32(65519), kFloat16), 0u);
  EXPECT_EQ(error_of(kInt32, i32(65520), kFloat16), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kFloat32, 0x7F7F7FFF, kBFloat16), 0u);
  EXPECT_EQ(error_of(kFloat32, 0x7F7F8000, kBFloat16), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(error_of(kFloat32, f32(kInf), kFloat16), 0u);    // infinite before, infinite after
  EXPECT_EQ(error_of(kFloat64, f64(kNan), kFloat32), 0u);    // NaN is no error between floats
  EXPECT_EQ(error_of(kFloat64, f64(1.1), kFloat16), 0u);     // nor is inexactness
  EXPECT_EQ(error_of(kFloat64, f64(1e-300), kFloat16), 0u);  // nor underflow
}

TEST_P(NumericPolicyTest, NanBecomesAQuietNanWithItsSign) {
  EXPECT_EQ(convert_one(kFloat32, 0x7F812345, kFloat16), 0x7E09u);  // payload's top bits, quiet
  EXPECT_EQ(convert_one(kFloat32, 0xFF800001, kFloat16), 0xFE00u);
  EXPECT_EQ(convert_one(kFloat32, 0x7F812345, kBFloat16), 0x7FC0u);  // canonical
  EXPECT_EQ(convert_one(kFloat32, 0xFF812345, kBFloat16), 0xFFC0u);
  EXPECT_EQ(convert_one(kFloat64, 0x7FF0000000000001, kBFloat16), 0x7FC0u);
  EXPECT_EQ(convert_one(kFloat64, 0xFFF0000000000001, kFloat32), 0xFFC00000u);
  EXPECT_EQ(convert_one(kFloat64, 0x7FF0000020000000, kFloat32), 0x7FC00001u);
  EXPECT_EQ(convert_one(kFloat16, 0x7D01, kFloat32), 0x7FE02000u);
  EXPECT_EQ(convert_one(kBFloat16, 0xFF81, kFloat64), 0xFFF8200000000000u);
}

TEST_P(NumericPolicyTest, AnythingToBoolIsItsTruth) {
  for (const ConvertOptions& options : {kWrapping, kSaturating, kRaising, kNanRaises}) {
    EXPECT_EQ(convert_one(kInt64, uint64_t{1} << 40, kBool, options), 1u);  // not its low byte
    EXPECT_EQ(convert_one(kFloat64, f64(kNan), kBool, options), 1u);
    EXPECT_EQ(convert_one(kFloat32, f32(-0.0f), kBool, options), 0u);
    EXPECT_EQ(convert_one(kFloat32, f32(0.25f), kBool, options), 1u);
    EXPECT_EQ(convert_one(kFloat64, 1, kBool, options), 1u);  // the smallest subnormal
    EXPECT_EQ(convert_one(kFloat16, 0x8000, kBool, options), 0u);
    EXPECT_EQ(convert_one(kBFloat16, 0x0001, kBool, options), 1u);
  }
}

TEST_P(NumericPolicyTest, BoolIsZeroOrOneWhateverItsByte) {
  for (uint64_t byte : {0u, 1u, 2u, 0x80u, 0xFFu}) {
    const uint64_t truth = byte != 0 ? 1 : 0;
    EXPECT_EQ(convert_one(kBool, byte, kInt8), truth);
    EXPECT_EQ(convert_one(kBool, byte, kUint64), truth);
    EXPECT_EQ(convert_one(kBool, byte, kFloat16), truth * 0x3C00);
    EXPECT_EQ(convert_one(kBool, byte, kFloat64), truth * f64(1.0));
  }
}

// --- all pairs, all modes, against the oracle ----------------------------------------------------

// What the oracle says about a pair in a mode: the bits of what converts, and what does not.
struct Expected {
  std::vector<Bits> good, good_out, bad;
  std::vector<uint32_t> bad_errors;
};

Expected ask_oracle(DType from, DType to, Mode mode, bool nan_raises) {
  Expected e;
  for (const Bits bits : values_for(from, to)) {
    const reference::Converted c = reference::convert(from, bits, to, mode, nan_raises);
    if (c.error()) {
      e.bad.push_back(bits);
      e.bad_errors.push_back((c.overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u) |
                             (c.nan ? uint32_t{SC_ERR_NAN} : 0u));
    } else {
      e.good.push_back(bits);
      e.good_out.push_back(c.bits);
    }
  }
  return e;
}

void check_pair(DType from, DType to, const Expected& e, const ConvertOptions& options,
                const std::string& what) {
  const Result result = convert(from, e.good, to, options);
  ASSERT_TRUE(result.status.ok())
      << what << " refused element " << result.status.index << ", "
      << reference::to_text(from,
                            e.good[static_cast<size_t>(std::max<int64_t>(0, result.status.index))]);
  for (size_t i = 0; i < e.good.size(); ++i) {
    ASSERT_EQ(result.bits[i], e.good_out[i])
        << what << ": " << reference::to_text(from, e.good[i]) << " gave "
        << reference::to_text(to, result.bits[i]) << ", expected "
        << reference::to_text(to, e.good_out[i]);
  }
  // Each bad value among good ones, at a place of its own: found, and named by its index.
  Random random(1);
  for (size_t i = 0; i < e.bad.size(); i += 1 + e.bad.size() / 200) {
    std::vector<Bits> in(static_cast<size_t>(random.between(1, 40)),
                         e.good.empty() ? e.bad[i] : e.good[0]);
    const int64_t at = e.good.empty() ? 0 : random.below(static_cast<int64_t>(in.size()));
    in[static_cast<size_t>(at)] = e.bad[i];
    const RunStatus status = convert(from, in, to, options).status;
    ASSERT_EQ(status.code, StatusCode::kDataError)
        << what << " took " << reference::to_text(from, e.bad[i]);
    ASSERT_EQ(status.index, at) << what;
    ASSERT_EQ(status.error_bits, e.bad_errors[i])
        << what << " " << reference::to_text(from, e.bad[i]);
  }
}

// All 256 and 65,536 values of the small types, corners and halfway points of the others.
TEST(NumericPolicyAllPairsTest, EveryPairInEveryMode) {
  for (DType from : reference::kTypes) {
    for (DType to : reference::kTypes) {
      for (Mode mode : reference::kModes) {
        for (bool nan_raises : {false, true}) {
          if (nan_raises && !(reference::is_float(from) && !reference::is_float(to))) continue;
          const Expected e = ask_oracle(from, to, mode, nan_raises);
          const ConvertOptions options = {
              .overflow = overflow_of(mode),
              .nan = nan_raises ? NanPolicy::kRaise : NanPolicy::kDefault};
          for (const kernels::KernelTable* table : all_tables()) {
            const TargetScope scope(table->target);
            const std::string what = std::string(table->target) + " " + reference::name(from) +
                                     " -> " + reference::name(to) + " " +
                                     reference::mode_name(mode) +
                                     (nan_raises ? ", NaN raises" : "");
            ASSERT_NO_FATAL_FAILURE(check_pair(from, to, e, options, what));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace stridecast::testing
