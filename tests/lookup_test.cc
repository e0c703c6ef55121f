// Bytes through tables: every entry of tables with and without symmetries that kernels use, every
// length and misalignment, and the values of narrow floats as float32.

#include <gtest/gtest.h>

#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/stream_check.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using kernels::LookupParams;

constexpr DType kResults[] = {DType::kUint8, DType::kUint16, DType::kUint32};

LookupParams random_table(uint64_t seed) {
  Random random(seed);
  LookupParams table;
  for (int i = 0; i < 256; ++i) {
    table.low[i] = static_cast<uint8_t>(random.bits());
    table.high[i] = static_cast<uint8_t>(random.bits());
  }
  return table;
}

// The upper entries are the lower ones with the other sign.
LookupParams mirrored_table(uint64_t seed) {
  LookupParams table = random_table(seed);
  for (int i = 0; i < 128; ++i) {
    table.low[i + 128] = table.low[i];
    table.high[i + 128] = table.high[i] ^ 0x80;
  }
  return table;
}

Bits found(const LookupParams& table, Bits byte, DType result) {
  const auto at = static_cast<size_t>(byte);
  if (result == DType::kUint8) return table.low[at];
  const Bits both = Bits{table.high[at]} << 8 | table.low[at];
  return result == DType::kUint16 ? both : both << 16;
}

PackedCase make_case(const sc_entry& entry, const LookupParams& table, DType result) {
  PackedCase c;
  c.entry = &entry;
  c.from = DType::kUint8;
  c.to = result;
  c.params = &table;
  for (Bits i = 0; i < 1021; ++i) c.in.push_back(i * 7 % 256);
  for (Bits byte : c.in) c.out.push_back(found(table, byte, result));
  return c;
}

class LookupTest : public KernelTest {
 protected:
  GuardedBuffer src_{8 * 1024}, dst_{8 * 1024};
};

TEST_P(LookupTest, EveryEntryOfAnyTable) {
  std::vector<LookupParams> tables = {random_table(1), random_table(2), mirrored_table(3)};
  // One entry off the symmetry, that of -0.0 among them, in one half of the result or the other.
  for (size_t entry : {0, 1, 31, 32, 127, 128, 129, 200, 255}) {
    tables.push_back(mirrored_table(4));
    tables.back().low[entry] ^= 0x40;
    tables.push_back(mirrored_table(5));
    tables.back().high[entry] ^= 0x80;
  }
  for (const LookupParams& table : tables) {
    for (int k = 0; k < 3; ++k) {
      const PackedCase c = make_case(this->table().lookup[k], table, kResults[k]);
      ASSERT_NE(c.entry->run, nullptr) << this->table().target;
      ASSERT_NO_FATAL_FAILURE(check_all_values(c));
    }
  }
}

TEST_P(LookupTest, EveryLengthAndMisalignment) {
  for (const LookupParams& table : {random_table(6), mirrored_table(7)}) {
    for (int k = 0; k < 3; ++k) {
      const PackedCase c = make_case(this->table().lookup[k], table, kResults[k]);
      EXPECT_EQ(c.entry->traits & SC_TRAIT_MAY_FAIL, 0u);
      ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
      ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
      ASSERT_NO_FATAL_FAILURE(check_stream(c, src_, dst_));
    }
  }
}

// float32's upper half is enough for every value of these types.
TEST_P(LookupTest, NarrowFloatsBecomeFloat32) {
  for (DType from : {DType::kFloat8E4M3FN, DType::kFloat8E4M3FNUZ, DType::kFloat8E8M0FNU,
                     DType::kFloat6E3M2FN}) {
    LookupParams table;
    PackedCase c;
    for (Bits byte = 0; byte < 256; ++byte) {
      const Bits bits =
          reference::convert(from, byte, DType::kFloat32, reference::Mode::kWrap).bits;
      table.low[static_cast<size_t>(byte)] = static_cast<uint8_t>(bits >> 16);
      table.high[static_cast<size_t>(byte)] = static_cast<uint8_t>(bits >> 24);
      c.in.push_back(byte);
      c.out.push_back(bits);
    }
    c.entry = &this->table().lookup[2];
    c.from = from;
    c.to = DType::kFloat32;
    c.params = &table;
    ASSERT_NO_FATAL_FAILURE(check_all_values(c));
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(LookupTest);

}  // namespace
}  // namespace stridecast::testing
