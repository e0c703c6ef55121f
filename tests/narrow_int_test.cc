// Integers of fewer than 8 bits: only the low bits of a byte count, and only they are written.

#include <gtest/gtest.h>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/stream_check.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using kernels::NarrowIntParams;
using reference::Mode;

class NarrowIntTest : public KernelTest {
 protected:
  void check(const sc_entry& entry, DType from, DType to, int bits) {
    const NarrowIntParams params = {.bits = bits};
    PackedCase c;
    c.entry = &entry;
    c.from = from;
    c.to = to;
    c.params = &params;
    for (Bits i = 0; i < 1021; ++i) c.in.push_back(i * 11 % 256);
    for (Bits byte : c.in) c.out.push_back(reference::convert(from, byte, to, Mode::kWrap).bits);
    ASSERT_NE(entry.run, nullptr) << table().target;
    EXPECT_NE(entry.traits & SC_TRAIT_IN_PLACE, 0u) << entry.name;
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
    ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
    ASSERT_NO_FATAL_FAILURE(check_stream(c, src_, dst_));
  }

  GuardedBuffer src_{8 * 1024}, dst_{8 * 1024};
};

TEST_P(NarrowIntTest, SignedBitsExtendToInt8) {
  check(table().extend_bits, DType::kInt1, DType::kInt8, 1);
  check(table().extend_bits, DType::kInt2, DType::kInt8, 2);
  check(table().extend_bits, DType::kInt4, DType::kInt8, 4);
}

TEST_P(NarrowIntTest, UnsignedBitsAreTheLowOnes) {
  check(table().keep_bits, DType::kUint1, DType::kUint8, 1);
  check(table().keep_bits, DType::kUint2, DType::kUint8, 2);
  check(table().keep_bits, DType::kUint4, DType::kUint8, 4);
}

TEST_P(NarrowIntTest, WritingKeepsTheLowBits) {
  check(table().keep_bits, DType::kUint8, DType::kUint2, 2);
  check(table().keep_bits, DType::kInt8, DType::kInt4, 4);
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(NarrowIntTest);

}  // namespace
}  // namespace stridecast::testing
