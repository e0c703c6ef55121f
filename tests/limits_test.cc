// The kernels that enforce limits: check reports whether any value lies outside, clamp moves it
// inside. Both are tried with the limits of every narrower type and with arbitrary ones.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using kernels::LimitParams;
using reference::kTypes;

int at(DType type) { return static_cast<int>(type); }

bool has_limits(DType type) {
  return type != DType::kBool && type != DType::kFloat16 && type != DType::kBFloat16;
}

double to_double(DType type, uint64_t bits) {
  return type == DType::kFloat32 ? std::bit_cast<float>(static_cast<uint32_t>(bits))
                                 : std::bit_cast<double>(bits);
}
uint64_t to_bits(DType type, double value) {
  return type == DType::kFloat32 ? std::bit_cast<uint32_t>(static_cast<float>(value))
                                 : std::bit_cast<uint64_t>(value);
}

int64_t sign_extend(DType type, uint64_t bits) {
  const int unused = 64 - reference::size(type) * 8;
  return static_cast<int64_t>(bits << unused) >> unused;
}

// The signed or unsigned order of two integers of `type`.
bool less(DType type, uint64_t a, uint64_t b) {
  return reference::is_signed_int(type) ? sign_extend(type, a) < sign_extend(type, b) : a < b;
}

uint64_t low_bits_of(DType type, int64_t value) {
  const int bits = reference::size(type) * 8;
  return static_cast<uint64_t>(value) & (bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1);
}

uint32_t expected_errors(DType type, const LimitParams& limits, uint64_t bits) {
  if (!reference::is_float(type)) {
    const bool outside = less(type, bits, low_bits_of(type, limits.lo_int)) ||
                         less(type, low_bits_of(type, limits.hi_int), bits);
    return outside ? uint32_t{SC_ERR_OVERFLOW} : 0u;
  }
  const double x = to_double(type, bits);
  if (!std::isfinite(x) && limits.infinity_ok) return 0;
  if (std::isnan(x)) return SC_ERR_NAN;
  return x < limits.lo || x > limits.hi ? uint32_t{SC_ERR_OVERFLOW} : 0u;
}

uint64_t expected_clamp(DType type, const LimitParams& limits, uint64_t bits) {
  if (!reference::is_float(type)) {
    const uint64_t lo = low_bits_of(type, limits.lo_int), hi = low_bits_of(type, limits.hi_int);
    return less(type, bits, lo) ? lo : less(type, hi, bits) ? hi : bits;
  }
  const double x = to_double(type, bits);
  if (x < limits.lo) return to_bits(type, limits.lo);
  if (x > limits.hi) return to_bits(type, limits.hi);
  return bits;  // NaN included
}

// Limits to try with a type: its own narrow ranges, none at all, a single point, arbitrary ones.
std::vector<LimitParams> limits_for(DType type) {
  std::vector<LimitParams> out;
  Random random(static_cast<uint64_t>(type));
  if (reference::is_float(type)) {
    const double inf = std::numeric_limits<double>::infinity();
    for (bool nonfinite_ok : {false, true}) {
      for (double hi : {0.0, 1.0, 127.5, 65504.0, 2147483648.0, 3.4028234663852886e38, inf}) {
        LimitParams limits;
        limits.hi = hi;
        limits.lo = hi == 0.0 ? 0.0 : -hi;
        limits.infinity_ok = limits.nan_ok = nonfinite_ok;
        out.push_back(limits);
      }
      LimitParams lopsided;
      lopsided.lo = -0.5;
      lopsided.hi = 255.75;
      lopsided.infinity_ok = lopsided.nan_ok = nonfinite_ok;
      out.push_back(lopsided);
    }
    return out;
  }
  const bool is_signed = reference::is_signed_int(type);
  const int bits = reference::size(type) * 8;
  const uint64_t top = uint64_t{1} << (bits - 1);
  const auto add = [&](int64_t lo, int64_t hi) {
    LimitParams limits;
    limits.lo_int = lo;
    limits.hi_int = hi;
    out.push_back(limits);
  };
  const int64_t max = is_signed ? static_cast<int64_t>(top - 1) : static_cast<int64_t>(2 * top - 1);
  const int64_t min = is_signed ? sign_extend(type, top) : 0;
  add(min, max);
  add(0, is_signed ? max : static_cast<int64_t>(top - 1));
  add(0, 0);
  for (int k = 7; k < bits; k *= 2) {
    add(is_signed ? -(int64_t{1} << k) : 0, (int64_t{1} << k) - 1);
  }
  for (int i = 0; i < 4; ++i) {
    uint64_t a = random.bits() & low_bits_of(type, -1), b = random.bits() & low_bits_of(type, -1);
    if (less(type, b, a)) std::swap(a, b);
    // Integers below 64 bits come as their values; uint64 as its bits.
    add(is_signed ? sign_extend(type, a) : static_cast<int64_t>(a),
        is_signed ? sign_extend(type, b) : static_cast<int64_t>(b));
  }
  return out;
}

class LimitsTest : public KernelTest {
 protected:
  GuardedBuffer src_{8 * 1024}, dst_{8 * 1024};
};

uint32_t run_check(const sc_entry& entry, DType type, const LimitParams& limits,
                   const unsigned char* src, int64_t n) {
  sc_run run = {};
  run.struct_size = sizeof run;
  run.n[0] = 1;
  run.n[1] = n;
  run.src = src;
  run.src_size = run.src_step[1] = reference::size(type);
  run.src_step[0] = n * run.src_size;
  run.params = &limits;
  return entry.run(&run);
}

TEST_P(LimitsTest, CheckJudgesEveryValue) {
  for (DType type : kTypes) {
    if (!has_limits(type)) continue;
    const sc_entry& entry = table().check[at(type)];
    ASSERT_NE(entry.run, nullptr) << table().target << " " << reference::name(type);
    EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_NONE}) << entry.name;
    EXPECT_NE(entry.traits & SC_TRAIT_MAY_FAIL, 0u) << entry.name;
    const std::vector<Bits> values = values_of(type);
    const std::vector<unsigned char> bytes = pack(type, values);
    for (const LimitParams& limits : limits_for(type)) {
      uint32_t all = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        const uint32_t errors = expected_errors(type, limits, values[i]);
        all |= errors;
        ASSERT_EQ(run_check(entry, type, limits,
                            bytes.data() + i * static_cast<size_t>(reference::size(type)), 1),
                  errors)
            << entry.name << " " << table().target << " " << reference::to_text(type, values[i])
            << " limits " << limits.lo_int << ".." << limits.hi_int << " / " << limits.lo << ".."
            << limits.hi << (limits.infinity_ok ? " nonfinite ok" : "");
      }
      ASSERT_EQ(run_check(entry, type, limits, bytes.data(), static_cast<int64_t>(values.size())),
                all)
          << entry.name << " " << table().target;
    }
  }
}

// One bad value anywhere in a run of any length is seen, and bad values next to the run are not.
TEST_P(LimitsTest, CheckFindsOneBadValueAnywhere) {
  for (DType type : kTypes) {
    if (!has_limits(type)) continue;
    const sc_entry& entry = table().check[at(type)];
    ASSERT_NE(entry.run, nullptr);
    LimitParams limits;
    limits.hi_int = 100;
    limits.hi = 100;
    const auto size = static_cast<size_t>(reference::size(type));
    const uint64_t good = reference::is_float(type) ? to_bits(type, 100.0) : 100;
    const uint64_t bad = reference::is_float(type) ? to_bits(type, 100.5) : 101;
    note().what = entry.name;
    for (int64_t n = 1; n <= 300; ++n) {
      note().length = n;
      const auto count = static_cast<size_t>(n);
      for (Flush side : kBothSides) {
        unsigned char* data = src_.place(count * size, side);
        for (int64_t i = 1; i <= 16; ++i) {  // on the open side
          unsigned char* outside = side == Flush::kLeft
                                       ? data + count * size + static_cast<size_t>(i - 1) * size
                                       : data - static_cast<size_t>(i) * size;
          reference::store(outside, static_cast<int>(size), bad);
        }
        for (size_t i = 0; i < count; ++i) {
          reference::store(data + i * size, static_cast<int>(size), good);
        }
        ASSERT_EQ(run_check(entry, type, limits, data, n), 0u) << note() << " saw its neighbours";
        // Every position for short runs, a spread of them for long ones.
        const size_t stride = n <= 70 ? 1 : 13;
        for (size_t i = 0; i < count;
             i = i + 1 < count && i + stride >= count ? count - 1 : i + stride) {
          reference::store(data + i * size, static_cast<int>(size), bad);
          ASSERT_EQ(run_check(entry, type, limits, data, n), uint32_t{SC_ERR_OVERFLOW})
              << note() << " missed element " << i;
          reference::store(data + i * size, static_cast<int>(size), good);
        }
      }
    }
  }
}

TEST_P(LimitsTest, ClampMovesInside) {
  for (DType type : kTypes) {
    if (!has_limits(type)) continue;
    const sc_entry& entry = table().clamp[at(type)];
    ASSERT_NE(entry.run, nullptr) << table().target << " " << reference::name(type);
    bool first = true;
    for (const LimitParams& limits : limits_for(type)) {
      PackedCase c;
      c.entry = &entry;
      c.from = c.to = type;
      c.params = &limits;
      c.in = values_of(type);
      for (uint64_t bits : c.in) c.out.push_back(expected_clamp(type, limits, bits));
      ASSERT_NO_FATAL_FAILURE(check_all_values(c)) << limits.lo << ".." << limits.hi;
      if (!first) continue;  // the code is the same whatever the limits
      first = false;
      ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
      ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(LimitsTest);

}  // namespace
}  // namespace stridecast::testing
