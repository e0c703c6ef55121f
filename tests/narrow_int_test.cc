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
    // All bytes in turn at the low end; above them in wider integers whatever comes.
    const Bits all_ones = ~Bits{0} >> (64 - 8 * reference::size(from));
    for (Bits i = 0; i < 1021; ++i)
      c.in.push_back((i * 11 % 256 + i * i * i * 7919 * 256) & all_ones);
    for (Bits item : c.in) c.out.push_back(reference::convert(from, item, to, Mode::kWrap).bits);
    ASSERT_NE(entry.run, nullptr) << table().target;
    EXPECT_EQ((entry.traits & SC_TRAIT_IN_PLACE) != 0, reference::size(from) == 1) << entry.name;
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
    if (reference::size(from) == 1) {
      ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
    }
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
  check(table().keep_bits[0], DType::kUint1, DType::kUint8, 1);
  check(table().keep_bits[0], DType::kUint2, DType::kUint8, 2);
  check(table().keep_bits[0], DType::kUint4, DType::kUint8, 4);
}

TEST_P(NarrowIntTest, WritingKeepsTheLowBits) {
  check(table().keep_bits[0], DType::kUint8, DType::kUint2, 2);
  check(table().keep_bits[0], DType::kInt8, DType::kInt4, 4);
}

TEST_P(NarrowIntTest, WiderIntegersGiveTheirLowBitsInOnePass) {
  check(table().keep_bits[1], DType::kInt16, DType::kInt2, 2);
  check(table().keep_bits[1], DType::kUint16, DType::kUint4, 4);
  check(table().keep_bits[2], DType::kInt32, DType::kInt4, 4);
  check(table().keep_bits[2], DType::kUint32, DType::kUint1, 1);
  check(table().keep_bits[3], DType::kInt64, DType::kInt4, 4);
  check(table().keep_bits[3], DType::kUint64, DType::kUint2, 2);
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(NarrowIntTest);

}  // namespace
}  // namespace stridecast::testing
