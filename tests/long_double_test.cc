// Kernels of long double, one table entry at a time, against the scalar oracle: corners, exact
// halfway points and random values, then every length and misalignment between guard pages. The
// oracle knows x87's long double only; elsewhere the compiler's conversions stand for themselves.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/reference/element.h"
#include "tests/support/kernel_run.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using enum DType;
using reference::Mode;

int at(DType type) { return static_cast<int>(type); }

// 10 bytes of value; what follows them in an item is padding.
Bits x87(unsigned sign_and_exponent, uint64_t mantissa) {
  return Bits{sign_and_exponent} << 64 | mantissa;
}
long double value_of(Bits bits) {
  long double x = 0;
  std::memcpy(&x, &bits, 10);
  return x;
}

class LongDoubleTest : public KernelTest {
 protected:
  void SetUp() override {
    if (!reference::kKnowsLongDouble) GTEST_SKIP() << "long double is not x87's here";
    KernelTest::SetUp();
  }

  void check(const sc_entry& entry, PackedCase c) {
    c.entry = &entry;
    ASSERT_NE(entry.run, nullptr);
    ASSERT_NE(entry.name, nullptr);
    EXPECT_EQ(entry.src_access, uint32_t{SC_ACCESS_PACKED}) << entry.name;
    EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_PACKED}) << entry.name;
    EXPECT_EQ(entry.traits, uint32_t{SC_TRAIT_THREAD_SAFE}) << entry.name;
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
  }

  void check_pair(const sc_entry& entry, DType from, DType to, Mode mode) {
    PackedCase c;
    c.from = from;
    c.to = to;
    c.in = values_for(from, to);
    if (from == kLongDouble) add_odd_encodings(c.in);
    for (Bits bits : c.in) c.out.push_back(reference::convert(from, bits, to, mode).bits);
    check(entry, c);
  }

  // Padding of any kind, which does not count, and what only x87 can write down: subnormals with an
  // integer bit, which are normal, and normal numbers without one, which it takes for NaNs.
  static void add_odd_encodings(std::vector<Bits>& values) {
    const size_t count = values.size();
    for (size_t i = 0; i < count; i += 17) {
      values.push_back(values[i] | Bits{0xA5A5A5A5A5A5} << 80);
    }
    for (unsigned sign : {0u, 0x8000u}) {
      for (uint64_t mantissa : {uint64_t{1} << 63, ~uint64_t{0}}) {
        values.push_back(x87(sign, mantissa));
      }
      for (unsigned exponent : {1u, 0x3FFEu, 0x3FFFu, 0x403Du, 0x403Eu, 0x7FFEu, 0x7FFFu}) {
        for (uint64_t mantissa : {uint64_t{0}, uint64_t{1}, ~uint64_t{0} >> 1}) {
          values.push_back(x87(sign | exponent, mantissa));
        }
      }
    }
  }

  GuardedBuffer src_{16 * 1024}, dst_{16 * 1024};
};

TEST_P(LongDoubleTest, ToOtherTypes) {
  const auto& row = table().convert[at(kLongDouble)];
  for (DType to : {kFloat64, kFloat32, kInt64, kUint64, kBool}) {
    ASSERT_NO_FATAL_FAILURE(check_pair(row[at(to)], kLongDouble, to, Mode::kWrap));
  }
}

TEST_P(LongDoubleTest, FromOtherTypesWithZerosAsPadding) {
  for (DType from : {kFloat64, kFloat32, kInt64, kUint64, kBool}) {
    const sc_entry& entry = table().convert[at(from)][at(kLongDouble)];
    ASSERT_NO_FATAL_FAILURE(check_pair(entry, from, kLongDouble, Mode::kWrap));
  }
}

TEST_P(LongDoubleTest, Saturate) {
  const auto& row = table().saturate[at(kLongDouble)];
  for (DType to : {kInt64, kUint64}) {
    ASSERT_NO_FATAL_FAILURE(check_pair(row[at(to)], kLongDouble, to, Mode::kSaturate));
  }
}

// Rounded to odd: what float64 holds stays; everything else is the neighbour with an odd fraction.
// So a second rounding knows on which side of a halfway point the value was.
TEST_P(LongDoubleTest, OddFloat64) {
  PackedCase c;
  c.from = kLongDouble;
  c.to = kFloat64;
  c.in = values_for(kLongDouble, kFloat64);
  for (DType to : {kFloat32, kFloat16, kBFloat16, kFloat8E5M2}) {
    const std::vector<Bits> more = halfway_values(kLongDouble, to, 500);
    c.in.insert(c.in.end(), more.begin(), more.end());
  }
  add_odd_encodings(c.in);
  for (Bits bits : c.in) {
    uint64_t odd =
        static_cast<uint64_t>(reference::convert(kLongDouble, bits, kFloat64, Mode::kWrap).bits);
    const long double x = value_of(bits);
    const long double nearest = std::bit_cast<double>(odd);
    if (!std::isnan(x) && !std::isnan(nearest) && nearest != x) {
      if (std::fabs(nearest) > std::fabs(x)) --odd;  // towards zero, from infinity to the largest
      odd |= 1;
    }
    c.out.push_back(odd);
  }
  ASSERT_NO_FATAL_FAILURE(check(table().odd[at(kLongDouble)], c));
}

TEST_P(LongDoubleTest, OddFloat64ByHand) {
  constexpr uint64_t kTop = uint64_t{1} << 63;
  PackedCase c;
  c.entry = &table().odd[at(kLongDouble)];
  c.from = kLongDouble;
  c.to = kFloat64;
  const auto expect = [&](Bits in, uint64_t out) {
    c.in.push_back(in);
    c.out.push_back(out);
  };
  expect(x87(0x3FFF, kTop), 0x3FF0000000000000);
  expect(x87(0x3FFF, kTop | 1), 0x3FF0000000000001);      // a trace above 1
  expect(x87(0x3FFF, kTop | 0x7FF), 0x3FF0000000000001);  // nearly 2 steps: still the odd one
  expect(x87(0x3FFF, kTop | 0x801), 0x3FF0000000000001);
  expect(x87(0xBFFF, kTop | 0x1001), 0xBFF0000000000003);
  expect(x87(0x7FFE, ~uint64_t{0}), 0x7FEFFFFFFFFFFFFF);  // finite stays finite
  expect(x87(0x8001, kTop), 0x8000000000000001);          // and tiny not zero
  expect(x87(0x0000, 1), 1);
  expect(x87(0xFFFF, kTop), 0xFFF0000000000000);
  ASSERT_NO_FATAL_FAILURE(check_all_values(c));
}

TEST_P(LongDoubleTest, Check) {
  const sc_entry& entry = table().check[at(kLongDouble)];
  ASSERT_NE(entry.run, nullptr);
  EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_NONE});
  EXPECT_NE(entry.traits & SC_TRAIT_MAY_FAIL, 0u);
  const long double inf = std::numeric_limits<long double>::infinity();
  std::vector<Bits> values = values_of(kLongDouble);
  add_odd_encodings(values);
  for (auto [lo, hi] : {std::pair<long double, long double>{-0x1p63L, 0x1.fffffffffffffffep62L},
                        {0.0L, 0.0L},
                        {-0.0L, 0x1.fffffffffffffffep63L},
                        {-3.5L, -1.25L},
                        {-inf, inf},
                        {1.0L, -1.0L}}) {
    for (int ok = 0; ok < 4; ++ok) {
      kernels::LimitParams limits;
      limits.lo_long = lo;
      limits.hi_long = hi;
      limits.infinity_ok = (ok & 1) != 0;
      limits.nan_ok = (ok & 2) != 0;
      for (Bits bits : values) {
        const reference::Value v = reference::decode(kLongDouble, bits);
        const long double x = value_of(bits);
        uint32_t expected = 0;
        if (v.cls == reference::Value::Class::kNan) {
          expected = limits.nan_ok ? 0 : uint32_t{SC_ERR_NAN};
        } else if (!(x >= lo && x <= hi) && !(std::isinf(x) && limits.infinity_ok)) {
          expected = SC_ERR_OVERFLOW;
        }
        const sc_run run = make_packed_run(1, &bits, 16, nullptr, 0, &limits);
        ASSERT_EQ(entry.run(&run), expected)
            << reference::to_text(kLongDouble, bits) << " in " << lo << " .. " << hi;
      }
    }
  }
}

// A bad item anywhere in a run is seen, one outside it is not; errors of a run add up.
TEST_P(LongDoubleTest, CheckSeesEveryItemOfARun) {
  kernels::LimitParams limits;
  limits.lo_long = -10;
  limits.hi_long = 10;
  const sc_entry& entry = table().check[at(kLongDouble)];
  for (int64_t n = 1; n <= 40; ++n) {
    for (Flush side : kBothSides) {
      unsigned char* items = src_.place(static_cast<size_t>(n) * 16, side, n % 3 == 0 ? 5 : 0);
      std::memset(items, 0, static_cast<size_t>(n) * 16);
      const sc_run run = make_packed_run(n, items, 16, nullptr, 0, &limits);
      ASSERT_EQ(entry.run(&run), 0u);
      for (int64_t bad = 0; bad < n; ++bad) {
        reference::store(items + bad * 16, 16, x87(0x4010, uint64_t{1} << 63));
        ASSERT_EQ(entry.run(&run), uint32_t{SC_ERR_OVERFLOW}) << bad << " of " << n;
        reference::store(items + bad * 16, 16, 0);
      }
      reference::store(items, 16, x87(0x7FFF, ~uint64_t{0}));
      ASSERT_EQ(entry.run(&run), uint32_t{SC_ERR_NAN});
      if (n == 1) continue;
      reference::store(items + 16, 16, x87(0xFFFF, uint64_t{1} << 63));
      ASSERT_EQ(entry.run(&run), uint32_t{SC_ERR_NAN | SC_ERR_OVERFLOW});
    }
  }
}

// NaNs and subnormals among ordinary items, at every place of a vector and of a run's tail.
TEST_P(LongDoubleTest, SpecialItemsAmongOthers) {
  PackedCase c;
  Random random(7);
  const std::vector<Bits> any = values_for(kLongDouble, kFloat64);
  for (int i = 0; i < 4000; ++i) {
    c.in.push_back(random.chance(90) ? x87(0x3FFF, uint64_t{1} << 63 | random.bits())
                                     : random.pick(any));
  }
  c.from = kLongDouble;
  for (DType to : {kFloat64, kFloat32, kInt64}) {
    c.to = to;
    c.out.clear();
    for (Bits bits : c.in) {
      c.out.push_back(reference::convert(kLongDouble, bits, to, Mode::kWrap).bits);
    }
    ASSERT_NO_FATAL_FAILURE(check(table().convert[at(kLongDouble)][at(to)], c));
  }
}

#if defined(__x86_64__)
// What the caller has set x87 to has no part in it, nor are its flags touched.
TEST_P(LongDoubleTest, RoundsToNearestUnderAnyX87Rounding) {
  const std::vector<Bits> in(9, x87(0x3FFF, uint64_t{1} << 63 | 0x400));  // ties to the even 1
  std::vector<unsigned char> src = pack(kLongDouble, in);
  double out[9];
  const sc_run run = make_packed_run(9, src.data(), 16, out, 8);
  for (unsigned short control : {0x037F, 0x0B7F, 0x077F, 0x0F7F, 0x007F}) {
    unsigned short before = 0, status = 0;
    __asm__ volatile("fnstcw %0" : "=m"(before));
    __asm__ volatile("fnclex; fldcw %0" : : "m"(control));
    table().convert[at(kLongDouble)][at(kFloat64)].run(&run);
    __asm__ volatile("fnstsw %0" : "=m"(status));
    __asm__ volatile("fldcw %0" : : "m"(before));
    for (double x : out) ASSERT_EQ(x, 1.0) << "control word " << control;
    ASSERT_EQ(status & 0x3F, 0) << "control word " << control;
  }
}
#endif

STRIDECAST_INSTANTIATE_FOR_TARGETS(LongDoubleTest);

}  // namespace
}  // namespace stridecast::testing
