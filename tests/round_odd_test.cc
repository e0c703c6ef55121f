// Carriers rounded to odd: their bits, and that a second rounding gives what one would have given.

#include <gtest/gtest.h>

#include <cstring>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/stream_check.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using reference::Mode;

uint64_t wrap(DType from, Bits bits, DType to) {
  return static_cast<uint64_t>(reference::convert(from, bits, to, Mode::kWrap).bits);
}

// Integers that need more than 53 bits lose 11 of them; the last one kept is set if any of those
// was.
uint64_t int_odd(DType from, Bits bits) {
  const reference::Value v = reference::decode(from, bits);
  const uint64_t kept = v.mantissa >> 11 << 11;
  const bool fits = v.mantissa <= uint64_t{1} << 53;
  const uint64_t odd = kept == v.mantissa ? kept : kept | uint64_t{1} << 11;
  const uint64_t magnitude = wrap(DType::kUint64, fits ? v.mantissa : odd, DType::kFloat64);
  return magnitude | uint64_t{v.negative} << 63;
}

// 14 bits of the fraction stay, and what is too small for float32 does not become zero.
uint64_t float64_odd(Bits bits) {
  const auto whole = static_cast<uint64_t>(bits);
  const uint64_t magnitude = whole & ~uint64_t{0} >> 1, least = uint64_t{1023 - 149} << 52;
  if (magnitude != 0 && magnitude < least) return (whole >> 63 << 31) + 1;
  const uint64_t kept = whole >> 38 << 38;
  return wrap(DType::kFloat64, kept == whole ? kept : kept | uint64_t{1} << 38, DType::kFloat32);
}

PackedCase make_case(const sc_entry& entry, DType from) {
  PackedCase c;
  c.entry = &entry;
  c.from = from;
  c.to = from == DType::kFloat64 ? DType::kFloat32 : DType::kFloat64;
  c.in = values_for(from, DType::kBFloat16);
  for (DType to : {DType::kFloat32, DType::kFloat8E4M3FN, DType::kFloat8E8M0FNU}) {
    const std::vector<Bits> halfway = halfway_values(from, to);
    c.in.insert(c.in.end(), halfway.begin(), halfway.end());
  }
  for (Bits bits : c.in) {
    c.out.push_back(from == DType::kFloat64 ? float64_odd(bits) : int_odd(from, bits));
  }
  return c;
}

class RoundOddTest : public KernelTest {
 protected:
  const sc_entry& entry(DType from) const { return table().odd[static_cast<int>(from)]; }

  GuardedBuffer src_{8 * 1024}, dst_{8 * 1024};
};

constexpr DType kSources[] = {DType::kInt64, DType::kUint64, DType::kFloat64};

TEST_P(RoundOddTest, TheLastBitKeptTellsOfTheLostOnes) {
  for (DType from : kSources) {
    const PackedCase c = make_case(entry(from), from);
    ASSERT_NE(c.entry->run, nullptr) << table().target;
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
    ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
    ASSERT_NO_FATAL_FAILURE(check_stream(c, src_, dst_));
  }
}

TEST_P(RoundOddTest, TwoRoundingsAreOne) {
  for (DType from : kSources) {
    const PackedCase c = make_case(entry(from), from);
    for (DType to : {DType::kFloat32, DType::kFloat16, DType::kBFloat16, DType::kFloat8E3M4,
                     DType::kFloat8E4M3FN, DType::kFloat8E5M2FNUZ, DType::kFloat8E8M0FNU,
                     DType::kFloat6E2M3FN, DType::kFloat4E2M1FN}) {
      if (to == c.to) continue;  // as many bits as the carrier
      for (size_t i = 0; i < c.in.size(); ++i) {
        // NaN payloads are not rounded.
        if (reference::decode(from, c.in[i]).cls == reference::Value::Class::kNan) continue;
        ASSERT_EQ(wrap(c.to, c.out[i], to), wrap(from, c.in[i], to))
            << reference::to_text(from, c.in[i]) << " to " << reference::name(to);
      }
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(RoundOddTest);

}  // namespace
}  // namespace stridecast::testing
