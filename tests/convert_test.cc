// Convert kernels, one table entry at a time: the bits of every value of 8- and 16-bit types and of
// corners, halfway points and random values of the others, then every length and misalignment
// between guard pages. Which entries make up a pair that has none of its own is the engine's
// business (numeric_policy_test.cc tries all pairs).

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <tuple>

#include "tests/reference/element.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using reference::kTypes;
using reference::Mode;

int at(DType type) { return static_cast<int>(type); }

// Inputs with the oracle's answers, worked out once for all targets.
const PackedCase& expected(DType from, DType to, Mode mode) {
  static std::map<std::tuple<DType, DType, Mode>, PackedCase> cache;
  PackedCase& c = cache[{from, to, mode}];
  if (c.in.empty()) {
    c.from = from;
    c.to = to;
    c.in = values_for(from, to);
    for (uint64_t bits : c.in) c.out.push_back(reference::convert(from, bits, to, mode).bits);
  }
  return c;
}

class ConvertTest : public KernelTest {
 protected:
  void check(const sc_entry& entry, PackedCase c) {
    c.entry = &entry;
    ASSERT_NE(entry.name, nullptr);
    EXPECT_EQ(entry.src_access, uint32_t{SC_ACCESS_PACKED}) << entry.name;
    EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_PACKED}) << entry.name;
    EXPECT_EQ(entry.traits & SC_TRAIT_MAY_FAIL, 0u) << entry.name;
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
    ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
  }

  GuardedBuffer src_{8 * 1024}, dst_{8 * 1024};
};

TEST_P(ConvertTest, DefaultRoundingAndWrap) {
  int kernels = 0;
  for (DType from : kTypes) {
    for (DType to : kTypes) {
      const sc_entry& entry = table().convert[at(from)][at(to)];
      if (entry.run == nullptr) continue;
      ++kernels;
      ASSERT_NE(from, to) << "a copy needs no kernel";
      ASSERT_NO_FATAL_FAILURE(check(entry, expected(from, to, Mode::kWrap)));
    }
  }
  EXPECT_GT(kernels, 0) << table().target;
}

// One pass from items at any step, of the pairs that have it.
TEST_P(ConvertTest, FromAnyStep) {
  GuardedBuffer apart(112 * 1024), packed(9 * 1024);
  int kernels = 0;
  for (DType from : kTypes) {
    for (DType to : kTypes) {
      const sc_entry& entry = table().convert_strided[at(from)][at(to)];
      if (entry.run == nullptr) continue;
      ++kernels;
      EXPECT_EQ(entry.src_access, uint32_t{SC_ACCESS_STRIDED}) << entry.name;
      EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_PACKED}) << entry.name;
      EXPECT_EQ(entry.traits, uint32_t{SC_TRAIT_THREAD_SAFE}) << entry.name;
      PackedCase c = expected(from, to, Mode::kWrap);
      c.entry = &entry;
      ASSERT_NO_FATAL_FAILURE(check_all_values(c));
      ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
      ASSERT_NO_FATAL_FAILURE(check_steps(c, apart, packed));
    }
  }
  const std::string target = table().target;
  if (target.starts_with("AVX")) {
    EXPECT_EQ(kernels, 9) << target;
  }
}

reference::Bits swapped(reference::Bits bits, DType type) {
  return __builtin_bswap64(static_cast<uint64_t>(bits)) >> (64 - 8 * reference::size(type));
}

// One pass from items in the other byte order, of the pairs that have it.
TEST_P(ConvertTest, FromTheOtherByteOrder) {
  int kernels = 0;
  for (DType from : kTypes) {
    for (DType to : kTypes) {
      const sc_entry& entry = table().convert_swapped[at(from)][at(to)];
      if (entry.run == nullptr) continue;
      ++kernels;
      PackedCase c = expected(from, to, Mode::kWrap);
      for (reference::Bits& bits : c.in) bits = swapped(bits, from);
      ASSERT_NO_FATAL_FAILURE(check(entry, c));
    }
  }
  EXPECT_EQ(kernels, 18) << table().target;
}

TEST_P(ConvertTest, Saturate) {
  for (DType from : {DType::kFloat32, DType::kFloat64}) {
    for (DType to : kTypes) {
      if (to == DType::kBool || reference::is_float(to)) continue;
      const sc_entry& entry = table().saturate[at(from)][at(to)];
      ASSERT_NE(entry.run, nullptr)
          << table().target << " " << reference::name(from) << " -> " << reference::name(to);
      ASSERT_NO_FATAL_FAILURE(check(entry, expected(from, to, Mode::kSaturate)));
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(ConvertTest);

// All 2^32 float32 values to types that are narrower, on all targets at once, since the oracle is
// what takes the time: minutes for each type. Off by default: set STRIDECAST_TEST_EXHAUSTIVE=1 (the
// ctest label "slow" does).
class ExhaustiveConvertTest : public ::testing::TestWithParam<DType> {};

TEST_P(ExhaustiveConvertTest, Float32) {
  if (std::getenv("STRIDECAST_TEST_EXHAUSTIVE") == nullptr) {
    GTEST_SKIP() << "set STRIDECAST_TEST_EXHAUSTIVE=1 to run";
  }
  constexpr size_t kBlock = size_t{1} << 16;
  PackedCase c;
  c.from = DType::kFloat32;
  c.to = GetParam();
  c.in.resize(kBlock);
  c.out.resize(kBlock);
  for (uint64_t start = 0; start < uint64_t{1} << 32; start += kBlock) {
    for (size_t i = 0; i < kBlock; ++i) {
      c.in[i] = start + i;
      c.out[i] = reference::convert(c.from, c.in[i], c.to, Mode::kWrap).bits;
    }
    for (const kernels::KernelTable* table : all_tables()) {
      note() = {.target = table->target};
      c.entry = &table->convert[at(c.from)][at(c.to)];
      ASSERT_NE(c.entry->run, nullptr);
      ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, ExhaustiveConvertTest,
                         ::testing::Values(DType::kBFloat16, DType::kFloat16, DType::kInt8),
                         [](const auto& of) { return std::string(reference::name(of.param)); });

}  // namespace
}  // namespace stridecast::testing
