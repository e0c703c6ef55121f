// float32, float16 and bfloat16 to floats of 8 bits and fewer: examples by hand, then every float16
// and bfloat16 and the float32 around every halfway point against the oracle, then lengths,
// misalignments and streaming. All float32 are a slow test.

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <limits>
#include <vector>

#include "dtypes/narrow_types.h"
#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/stream_check.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using kernels::KernelTable;
using kernels::NarrowFloatParams;
using reference::Mode;

constexpr DType kScale = DType::kFloat8E8M0FNU;  // has a kernel of its own
constexpr DType kNarrowFloats[] = {
    DType::kFloat8E3M4,     DType::kFloat8E4M3,  DType::kFloat8E4M3B11FNUZ, DType::kFloat8E4M3FN,
    DType::kFloat8E4M3FNUZ, DType::kFloat8E5M2,  DType::kFloat8E5M2FNUZ,    DType::kFloat6E2M3FN,
    DType::kFloat6E3M2FN,   DType::kFloat4E2M1FN};
constexpr DType kSources[] = {DType::kFloat32, DType::kFloat16, DType::kBFloat16};

NarrowFloatParams params_of(DType type, Mode mode) {
  const internal::NarrowFloat& f = internal::narrow_float(type);
  NarrowFloatParams params;
  params.dropped_bits = 23u - f.fraction_bits;
  params.rebias = (127u - f.bias) << f.fraction_bits;
  params.overflow = mode == Mode::kSaturate ? f.max_finite : f.overflow;
  params.nan = f.has_nan ? f.nan : 1u << (f.bits - 1);
  params.sign_bits = 32u - f.bits;
  params.unsigned_zero = f.unsigned_zero;
  return params;
}

const sc_entry& entry_for(const KernelTable& table, DType from, DType to) {
  if (to == kScale) return table.convert[static_cast<int>(from)][static_cast<int>(to)];
  return table.narrow_float[from == DType::kFloat32 ? 0 : from == DType::kFloat16 ? 1 : 2];
}

uint8_t narrow_one(const KernelTable& table, float x, DType to, Mode mode = Mode::kWrap) {
  const NarrowFloatParams params = params_of(to, mode);
  uint8_t code = 0;
  const sc_run run = make_packed_run(1, &x, 4, &code, 1, &params);
  entry_for(table, DType::kFloat32, to).run(&run);
  return code;
}

// All halfway points between neighbours, and where the largest value ends, with both neighbours.
std::vector<Bits> all_halfway_points(DType from, DType to) {
  std::vector<Bits> out;
  for (Bits code = 0; code < Bits{1} << reference::value_bits(to); ++code) {
    const reference::Value v = reference::decode(to, code);
    if (v.cls != reference::Value::Class::kFinite) continue;
    bool overflow = false;
    for (uint64_t twice : {2 * v.mantissa, 2 * v.mantissa + 1}) {
      const Bits bits =
          reference::round_to_float(from, v.negative, twice, v.exponent - 1, &overflow);
      for (Bits near : {bits - 1, bits, bits + 1}) out.push_back(near & 0xFFFFFFFF);
    }
  }
  return out;
}

PackedCase expected(DType from, DType to, Mode mode) {
  PackedCase c;
  c.from = from;
  c.to = to;
  c.in = values_for(from, to);
  if (from == DType::kFloat32) {
    const std::vector<Bits> more = all_halfway_points(from, to);
    c.in.insert(c.in.end(), more.begin(), more.end());
  }
  for (Bits bits : c.in) c.out.push_back(reference::convert(from, bits, to, mode).bits);
  return c;
}

class NarrowFloatTest : public KernelTest {
 protected:
  GuardedBuffer src_{8 * 1024}, dst_{8 * 1024};
};

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST_P(NarrowFloatTest, RoundsToNearestEvenAndOverflowsToNan) {
  const auto code = [&](float x) { return narrow_one(table(), x, DType::kFloat8E4M3FN); };
  EXPECT_EQ(code(0.0f), 0x00);
  EXPECT_EQ(code(-0.0f), 0x80);
  EXPECT_EQ(code(1.0f), 0x38);
  EXPECT_EQ(code(-1.0625f), 0xB8);  // a tie between 1 and 1.125
  EXPECT_EQ(code(1.1875f), 0x3A);   // and one between 1.125 and 1.25
  EXPECT_EQ(code(0x1p-6f), 0x08);   // the smallest normal value
  EXPECT_EQ(code(0x1p-9f), 0x01);   // and the smallest of all
  EXPECT_EQ(code(0x1p-10f), 0x00);
  EXPECT_EQ(code(0x1.8p-9f), 0x02);
  EXPECT_EQ(code(std::numeric_limits<float>::denorm_min()), 0x00);
  EXPECT_EQ(code(448.0f), 0x7E);
  EXPECT_EQ(code(464.0f), 0x7E);  // as if there were 480: a tie, and 448 is even
  EXPECT_EQ(code(464.1f), 0x7F);  // the NaN
  EXPECT_EQ(code(-kInfinity), 0xFF);
  EXPECT_EQ(code(-kNan), 0xFF);
  EXPECT_EQ(narrow_one(table(), 1e9f, DType::kFloat8E4M3FN, Mode::kSaturate), 0x7E);
  EXPECT_EQ(narrow_one(table(), -kInfinity, DType::kFloat8E4M3FN, Mode::kSaturate), 0xFE);
  EXPECT_EQ(narrow_one(table(), kNan, DType::kFloat8E4M3FN, Mode::kSaturate), 0x7F);
}

TEST_P(NarrowFloatTest, TypesWithInfinityKeepIt) {
  const auto code = [&](float x) { return narrow_one(table(), x, DType::kFloat8E5M2); };
  EXPECT_EQ(code(57344.0f), 0x7B);
  EXPECT_EQ(code(61440.0f), 0x7C);
  EXPECT_EQ(code(-kInfinity), 0xFC);
  EXPECT_EQ(code(kNan), 0x7E);
  EXPECT_EQ(code(-kNan), 0xFE);
}

TEST_P(NarrowFloatTest, FnuzTypesHaveOneZeroAndOneNan) {
  const auto code = [&](float x) { return narrow_one(table(), x, DType::kFloat8E4M3FNUZ); };
  EXPECT_EQ(code(-0.0f), 0x00);
  EXPECT_EQ(code(-1e-9f), 0x00);
  EXPECT_EQ(code(-0x1p-10f), 0x81);
  EXPECT_EQ(code(240.0f), 0x7F);
  EXPECT_EQ(code(248.0f), 0x80);
  EXPECT_EQ(code(kNan), 0x80);
  EXPECT_EQ(code(-kNan), 0x80);
}

// ml_dtypes' choice for the types that have neither.
TEST_P(NarrowFloatTest, Float4MakesInfinityTheLargestValueAndNanNegativeZero) {
  const auto code = [&](float x) { return narrow_one(table(), x, DType::kFloat4E2M1FN); };
  EXPECT_EQ(code(0.25f), 0x0);
  EXPECT_EQ(code(-0.75f), 0xA);
  EXPECT_EQ(code(5.0f), 0x6);
  EXPECT_EQ(code(5.01f), 0x7);
  EXPECT_EQ(code(100.0f), 0x7);
  EXPECT_EQ(code(-kInfinity), 0xF);
  EXPECT_EQ(code(kNan), 0x8);
  EXPECT_EQ(code(-kNan), 0x8);
}

// Nothing but powers of two: zero and negative numbers are NaN, ties go up.
TEST_P(NarrowFloatTest, Float8E8M0IsTheNearestPowerOfTwo) {
  const auto code = [&](float x) { return narrow_one(table(), x, kScale); };
  EXPECT_EQ(code(1.0f), 127);
  EXPECT_EQ(code(1.49f), 127);
  EXPECT_EQ(code(1.5f), 128);
  EXPECT_EQ(code(3.0f), 129);
  EXPECT_EQ(code(0x1p-127f), 0);
  EXPECT_EQ(code(0x1.7p-127f), 0);
  EXPECT_EQ(code(0x1.8p-127f), 1);
  EXPECT_EQ(code(0x1p-149f), 0);  // below the smallest value
  EXPECT_EQ(code(0x1.7ffffep127f), 254);
  EXPECT_EQ(code(0x1.8p127f), 255);
  for (float x : {0.0f, -0.0f, -1.0f, kInfinity, -kInfinity, kNan, -kNan}) {
    EXPECT_EQ(code(x), 255) << x;
  }
}

// The same of integers, whatever float32 would make of them.
TEST_P(NarrowFloatTest, Float8E8M0IsTheNearestPowerOfTwoOfIntegers) {
  for (DType from : {DType::kInt16, DType::kUint16, DType::kInt32, DType::kUint32, DType::kInt64,
                     DType::kUint64}) {
    PackedCase c = expected(from, kScale, Mode::kWrap);
    c.entry = &entry_for(table(), from, kScale);
    ASSERT_NE(c.entry->run, nullptr) << table().target;
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
    ASSERT_NO_FATAL_FAILURE(check_stream(c, src_, dst_));
  }
}

TEST_P(NarrowFloatTest, EveryTypeFromEverySource) {
  for (DType from : kSources) {
    for (DType to : kNarrowFloats) {
      for (Mode mode : {Mode::kWrap, Mode::kSaturate}) {
        const NarrowFloatParams params = params_of(to, mode);
        PackedCase c = expected(from, to, mode);
        c.entry = &entry_for(table(), from, to);
        c.params = &params;
        ASSERT_NE(c.entry->run, nullptr) << table().target;
        ASSERT_NO_FATAL_FAILURE(check_all_values(c)) << reference::mode_name(mode);
      }
    }
  }
  PackedCase c = expected(DType::kFloat32, kScale, Mode::kWrap);
  c.entry = &entry_for(table(), DType::kFloat32, kScale);
  ASSERT_NO_FATAL_FAILURE(check_all_values(c));
}

// The code is the same whatever the type, but for what its constants do.
TEST_P(NarrowFloatTest, EveryLengthAndMisalignment) {
  for (DType from : kSources) {
    for (DType to : {DType::kFloat8E4M3FNUZ, DType::kFloat4E2M1FN, kScale}) {
      if (to == kScale && from != DType::kFloat32) continue;
      const NarrowFloatParams params = params_of(to, Mode::kWrap);
      PackedCase c = expected(from, to, Mode::kWrap);
      c.entry = &entry_for(table(), from, to);
      c.params = &params;
      EXPECT_EQ(c.entry->src_access, uint32_t{SC_ACCESS_PACKED});
      EXPECT_EQ(c.entry->traits, uint32_t{SC_TRAIT_THREAD_SAFE});
      ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
      ASSERT_NO_FATAL_FAILURE(check_stream(c, src_, dst_));
    }
  }
}

// The ways back, on targets that have kernels for them: every byte, a few hundred times over in
// another order. What no byte decides, the bits above those that count, is in them as well.
TEST_P(NarrowFloatTest, AsWiderFloats) {
  std::vector<DType> types(std::begin(kNarrowFloats), std::end(kNarrowFloats));
  types.push_back(kScale);
  int found = 0;
  for (DType from : types) {
    for (DType to : kSources) {
      PackedCase c;
      c.entry = &table().convert[static_cast<int>(from)][static_cast<int>(to)];
      if (c.entry->run == nullptr) continue;
      ++found;
      c.from = from;
      c.to = to;
      for (Bits i = 0; i < 1021; ++i) {
        c.in.push_back(i * 7 % 256);
        c.out.push_back(reference::convert(from, c.in.back(), to, Mode::kWrap).bits);
      }
      EXPECT_EQ(c.entry->src_access, uint32_t{SC_ACCESS_PACKED});
      ASSERT_NO_FATAL_FAILURE(check_all_values(c));
      ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
      ASSERT_NO_FATAL_FAILURE(check_stream(c, src_, dst_));
    }
  }
  EXPECT_GE(found, 2) << "float8_e8m0fnu, on every target";
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(NarrowFloatTest);

// All 2^32 float32 to every type on every target, in a few minutes because the oracle is asked for
// three of the 65,536 numbers only that share an upper half: no halfway point has a bit in the
// lower half, so where the second number and the last have one result all those between them do.
// Off by default: set STRIDECAST_TEST_EXHAUSTIVE=1 (the ctest label "slow" does).
class ExhaustiveNarrowFloatTest : public ::testing::TestWithParam<DType> {};

struct HalfResults {
  uint8_t first, others;
};

std::vector<HalfResults> results_by_upper_half(DType to, Mode mode) {
  std::vector<HalfResults> out;
  for (uint32_t upper = 0; upper < 0x10000; ++upper) {
    const auto result = [&](uint32_t lower) {
      return static_cast<uint8_t>(
          reference::convert(DType::kFloat32, upper << 16 | lower, to, mode).bits);
    };
    EXPECT_EQ(result(1), result(0xFFFF)) << upper;
    out.push_back({result(0), result(1)});
  }
  return out;
}

TEST_P(ExhaustiveNarrowFloatTest, Float32) {
  if (std::getenv("STRIDECAST_TEST_EXHAUSTIVE") == nullptr) {
    GTEST_SKIP() << "set STRIDECAST_TEST_EXHAUSTIVE=1 to run";
  }
  constexpr uint32_t kBlock = 0x10000;
  const DType to = GetParam();
  std::vector<uint32_t> in(kBlock);
  std::vector<uint8_t> got(kBlock), want(kBlock);
  for (Mode mode : {Mode::kWrap, Mode::kSaturate}) {
    if (to == kScale && mode == Mode::kSaturate) continue;  // other kernels clamp before
    const NarrowFloatParams params = params_of(to, mode);
    const std::vector<HalfResults> results = results_by_upper_half(to, mode);
    for (uint32_t upper = 0; upper < kBlock; ++upper) {
      for (uint32_t lower = 0; lower < kBlock; ++lower) in[lower] = upper << 16 | lower;
      std::memset(want.data(), results[upper].others, kBlock);
      want[0] = results[upper].first;
      for (const KernelTable* table : all_tables()) {
        const sc_run run = make_packed_run(kBlock, in.data(), 4, got.data(), 1, &params);
        ASSERT_EQ(entry_for(*table, DType::kFloat32, to).run(&run), 0u);
        ASSERT_TRUE(got == want) << table->target << ", " << reference::mode_name(mode)
                                 << ", upper half " << upper;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, ExhaustiveNarrowFloatTest,
                         ::testing::Values(DType::kFloat8E3M4, DType::kFloat8E4M3,
                                           DType::kFloat8E4M3B11FNUZ, DType::kFloat8E4M3FN,
                                           DType::kFloat8E4M3FNUZ, DType::kFloat8E5M2,
                                           DType::kFloat8E5M2FNUZ, kScale, DType::kFloat6E2M3FN,
                                           DType::kFloat6E3M2FN, DType::kFloat4E2M1FN),
                         [](const auto& of) { return std::string(reference::name(of.param)); });

}  // namespace
}  // namespace stridecast::testing
