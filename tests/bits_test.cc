// The functions on bits (bits.h): lengths that cross the chunks they work in, any first bit, and
// groups of items under one bit.

#include "stridecast/bits.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using Bytes = std::vector<unsigned char>;

bool bit_of(const Bytes& bits, int64_t i) {
  return (bits[static_cast<size_t>(i / 8)] >> (i % 8) & 1) != 0;
}

Bytes random_bytes(Random& random, int64_t count) {
  Bytes bytes(static_cast<size_t>(count));
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.bits());
  return bytes;
}

class BitsTest : public EngineTest {
 protected:
  Random random_{3};
};

TEST_P(BitsTest, NothingIsTouchedForNoItems) {
  unpack_bits({nullptr}, 0, nullptr);
  pack_bits(nullptr, 0, {nullptr});
  EXPECT_EQ(count_bits({nullptr}, 0), 0);
  EXPECT_EQ(valid_bits(nullptr, 0, {nullptr}), 0);
  overwrite_invalid(nullptr, 8, {nullptr}, 0, nullptr);
}

TEST_P(BitsTest, ThereAndBack) {
  for (int64_t n : {1, 1023, 1024, 1025, 5000}) {
    const int64_t first = random_.below(20);
    const Bytes bits = random_bytes(random_, (first + n + 7) / 8);
    Bytes bools(static_cast<size_t>(n));
    unpack_bits({bits.data(), first}, n, bools.data());
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) {
      ASSERT_EQ(bools[static_cast<size_t>(i)], bit_of(bits, first + i) ? 1 : 0) << i;
      count += bools[static_cast<size_t>(i)];
    }
    EXPECT_EQ(count_bits({bits.data(), first}, n), count);
    Bytes back = bits;
    pack_bits(bools.data(), n, {back.data(), first});
    EXPECT_EQ(back, bits);
  }
}

TEST_P(BitsTest, NatIsNotValid) {
  constexpr int64_t kNat = INT64_MIN;
  const std::vector<int64_t> times = {0, kNat, 5, INT64_MAX, kNat, -1};
  unsigned char bits = 0xFF;
  EXPECT_EQ(valid_bits(times.data(), 6, {&bits, 1}), 2);
  // From bit 1 on: 1 0 1 1 0 1; bits 0 and 7 stay.
  EXPECT_EQ(bits, 0b11011011);
}

TEST_P(BitsTest, ItemsWithoutTheirBitAreOverwritten) {
  for (int64_t itemsize : {1, 2, 3, 4, 8, 16, 24}) {
    for (int64_t group : {1, 2, 5}) {
      for (int64_t n : {1, 70, 1024, 2500}) {
        const int64_t first = random_.below(9);
        const Bytes valid = random_bytes(random_, (first + n + 7) / 8);
        const Bytes value = random_bytes(random_, itemsize);
        Bytes items = random_bytes(random_, n * group * itemsize);
        Bytes expected = items;
        for (int64_t i = 0; i < n * group; ++i) {
          if (bit_of(valid, first + i / group)) continue;
          std::memcpy(&expected[static_cast<size_t>(i * itemsize)], value.data(), value.size());
        }
        overwrite_invalid(items.data(), itemsize, {valid.data(), first}, n, value.data(), group);
        ASSERT_EQ(items, expected) << itemsize << " bytes, groups of " << group << ", " << n;
      }
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(BitsTest);

}  // namespace
}  // namespace stridecast::testing
