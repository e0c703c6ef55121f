// Bits to bytes and back, validity of times, and counts: every offset of the first bit, every
// length to 200, between guard pages, against plain loops over single bits. Bits lie least
// significant first.

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

constexpr int64_t kLongest = 200;

bool bit_of(const unsigned char* bits, int64_t i) { return (bits[i / 8] >> (i % 8) & 1) != 0; }

void set_bit(unsigned char* bits, int64_t i, bool value) {
  const auto mask = static_cast<unsigned char>(1u << (i % 8));
  bits[i / 8] = static_cast<unsigned char>(value ? bits[i / 8] | mask : bits[i / 8] & ~mask);
}

size_t bytes_of_bits(int64_t n) { return static_cast<size_t>((n + 7) / 8); }

class MoveBitsTest : public KernelTest {
 protected:
  // Every first bit and length, and some first bits beyond the first byte.
  template <typename Check>
  void for_each_case(Check check) {
    for (int64_t n = 1; n <= kLongest; ++n) {
      for (int64_t first = 0; first < 8; ++first) {
        for (Flush side : kBothSides) {
          note().length = n;
          note().gap = first;
          ASSERT_NO_FATAL_FAILURE(check(first, n, side)) << note();
        }
      }
    }
    for (int64_t first : {8, 13, 64, 101}) {
      ASSERT_NO_FATAL_FAILURE(check(first, kLongest, Flush::kLeft)) << note();
    }
  }

  void fill(unsigned char* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(random_.bits());
  }

  // Some zeros, some ones, some other bytes, all of which are true.
  void fill_bools(unsigned char* bytes, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      bytes[i] = static_cast<unsigned char>(random_.chance(50)   ? 0
                                            : random_.chance(50) ? 1
                                                                 : random_.between(2, 255));
    }
  }

  void fill_times(unsigned char* items, int64_t n) {
    constexpr int64_t kCorners[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, 0, -1, INT32_MIN};
    for (int64_t i = 0; i < n; ++i) {
      // Values that share one half with NaT, too.
      int64_t value = random_.pick(kCorners);
      if (random_.chance(30)) value ^= static_cast<int64_t>(random_.bits() & 0xFFFFFFFF);
      std::memcpy(items + i * 8, &value, sizeof value);
    }
  }

  sc_run run_of(int64_t n, const void* src, void* dst) const {
    sc_run run = make_packed_run(n, src, 1, dst, 1, &params_);
    return run;
  }

  // Packs into bits that lie among others and compares every bit, theirs included.
  template <typename IsSet>
  void check_packing(const sc_entry& entry, const void* src, int64_t first, int64_t n, Flush side,
                     IsSet is_set) {
    const size_t bytes = bytes_of_bits(first + n);
    unsigned char* const bits = bits_.place(bytes, side);
    fill(bits, bytes);
    std::vector<unsigned char> expected(bits, bits + bytes);
    for (int64_t i = 0; i < n; ++i) set_bit(expected.data(), first + i, is_set(i));
    params_ = {first, false};
    const sc_run run = run_of(n, src, bits);
    ASSERT_EQ(entry.run(&run), 0u);
    ASSERT_EQ(std::memcmp(bits, expected.data(), bytes), 0);
    ASSERT_EQ(bits_.damage(), 0);
  }

  Random random_{7};
  GuardedBuffer bits_{4096}, items_{8192};
  kernels::BitParams params_;
};

TEST_P(MoveBitsTest, EntriesSayWhatTheyNeed) {
  for (const sc_entry* entry : {&table().unpack_bits, &table().pack_bits, &table().valid_bits}) {
    ASSERT_NE(entry->run, nullptr);
    EXPECT_EQ(entry->needs, 0u) << entry->name;
    EXPECT_EQ(entry->dst_access, uint32_t{SC_ACCESS_PACKED}) << entry->name;
  }
  ASSERT_NE(table().count_bits.run, nullptr);
  EXPECT_EQ(table().count_bits.needs, uint32_t{SC_NEEDS_STATE});
  EXPECT_EQ(table().count_bits.dst_access, uint32_t{SC_ACCESS_NONE});
}

TEST_P(MoveBitsTest, UnpacksToZeroAndOne) {
  note().what = "unpack_bits";
  for_each_case([&](int64_t first, int64_t n, Flush side) {
    const size_t bytes = bytes_of_bits(first + n);
    unsigned char* const bits = bits_.place(bytes, side);
    fill(bits, bytes);
    for (bool inverted : {false, true}) {
      unsigned char* const items = items_.place(static_cast<size_t>(n), side);
      std::memset(items, 0x5C, static_cast<size_t>(n));
      params_ = {first, inverted};
      const sc_run run = run_of(n, bits, items);
      ASSERT_EQ(table().unpack_bits.run(&run), 0u);
      for (int64_t i = 0; i < n; ++i) {
        ASSERT_EQ(items[i], bit_of(bits, first + i) != inverted ? 1 : 0) << "item " << i;
      }
      ASSERT_EQ(items_.damage(), 0);
    }
  });
}

TEST_P(MoveBitsTest, PacksEveryByteButZeroAsOne) {
  note().what = "pack_bits";
  for_each_case([&](int64_t first, int64_t n, Flush side) {
    unsigned char* const items = items_.place(static_cast<size_t>(n), side);
    fill_bools(items, n);
    check_packing(table().pack_bits, items, first, n, side,
                  [&](int64_t i) { return items[i] != 0; });
  });
}

TEST_P(MoveBitsTest, EveryTimeButNatIsValid) {
  note().what = "valid_bits";
  for_each_case([&](int64_t first, int64_t n, Flush side) {
    // At any address: flush right, and an odd number of bytes from the page.
    const size_t gap = random_.chance(50) ? 0 : static_cast<size_t>(random_.below(64));
    unsigned char* const items = items_.place(static_cast<size_t>(n) * 8, side, gap);
    fill_times(items, n);
    check_packing(table().valid_bits, items, first, n, side, [&](int64_t i) {
      int64_t value = 0;
      std::memcpy(&value, items + i * 8, sizeof value);
      return value != INT64_MIN;
    });
  });
}

TEST_P(MoveBitsTest, CountsAddUp) {
  note().what = "count_bits";
  for_each_case([&](int64_t first, int64_t n, Flush side) {
    const size_t bytes = bytes_of_bits(first + n);
    unsigned char* const bits = bits_.place(bytes, side);
    fill(bits, bytes);
    int64_t expected = 1000;
    for (int64_t i = 0; i < n; ++i) expected += bit_of(bits, first + i) ? 1 : 0;
    int64_t count = 1000;
    params_ = {first, false};
    sc_run run = run_of(n, bits, nullptr);
    run.state = &count;
    ASSERT_EQ(table().count_bits.run(&run), 0u);
    ASSERT_EQ(count, expected);
  });
}

// What was packed unpacks to the same truths.
TEST_P(MoveBitsTest, UnpackUndoesPack) {
  for (int64_t first = 0; first < 8; ++first) {
    constexpr int64_t kMany = 3000;
    std::vector<unsigned char> bools(kMany), bits(bytes_of_bits(first + kMany)), back(kMany);
    fill_bools(bools.data(), kMany);
    params_ = {first, false};
    const sc_run pack = run_of(kMany, bools.data(), bits.data());
    ASSERT_EQ(table().pack_bits.run(&pack), 0u);
    const sc_run unpack = run_of(kMany, bits.data(), back.data());
    ASSERT_EQ(table().unpack_bits.run(&unpack), 0u);
    for (size_t i = 0; i < kMany; ++i) ASSERT_EQ(back[i], bools[i] != 0 ? 1 : 0) << i;
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(MoveBitsTest);

}  // namespace
}  // namespace stridecast::testing
