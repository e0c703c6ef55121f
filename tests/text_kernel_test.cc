// Kernels of texts of fixed length, against a model that takes one character after the other: every
// pair of short lengths and some long ones, every number of texts past several vectors, between
// guard pages and at any misalignment; then what they complain of, wherever it is.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using kernels::TextParams;
using Bytes = std::vector<unsigned char>;

// One of the four entries: what a character takes on each side.
struct TextKernel {
  sc_entry kernels::KernelTable::*entry;
  int src_unit, dst_unit;
  bool ascii_only() const { return src_unit != dst_unit; }
};
constexpr TextKernel kResizeBytes = {&kernels::KernelTable::resize_bytes, 1, 1};
constexpr TextKernel kResizeUcs4 = {&kernels::KernelTable::resize_ucs4, 4, 4};
constexpr TextKernel kWiden = {&kernels::KernelTable::bytes_to_ucs4, 1, 4};
constexpr TextKernel kNarrow = {&kernels::KernelTable::ucs4_to_bytes, 4, 1};
constexpr TextKernel kKernels[] = {kResizeBytes, kResizeUcs4, kWiden, kNarrow};

uint32_t load_unit(const unsigned char* at, int unit) {
  uint32_t c = *at;
  if (unit == 4) std::memcpy(&c, at, 4);
  return c;
}
void store_unit(unsigned char* at, int unit, uint32_t c) {
  if (unit == 4) {
    std::memcpy(at, &c, 4);
  } else {
    *at = static_cast<unsigned char>(c);
  }
}

struct Modelled {
  Bytes out;
  uint32_t errors = 0;
};
// n texts of src_length characters to texts of dst_length.
Modelled model(const TextKernel& k, const Bytes& in, int64_t n, int64_t src_length,
               int64_t dst_length, bool refuse) {
  Modelled m;
  m.out.resize(static_cast<size_t>(n * dst_length * k.dst_unit));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < src_length; ++j) {
      const uint32_t c = load_unit(in.data() + (i * src_length + j) * k.src_unit, k.src_unit);
      if (k.ascii_only() && c >= 0x80) m.errors |= SC_ERR_TEXT;
      if (j >= dst_length) {
        if (refuse && c != 0) m.errors |= SC_ERR_OVERFLOW;
        continue;
      }
      store_unit(m.out.data() + (i * dst_length + j) * k.dst_unit, k.dst_unit, c);
    }
  }
  return m;
}

// Characters of all values that pass; a NUL now and then, also before others.
Bytes random_texts(Random& random, const TextKernel& k, int64_t characters) {
  Bytes bytes(static_cast<size_t>(characters * k.src_unit));
  for (int64_t i = 0; i < characters; ++i) {
    const uint64_t any = random.bits();
    const auto c = static_cast<uint32_t>(k.ascii_only() ? any & 0x7F : any);
    store_unit(bytes.data() + i * k.src_unit, k.src_unit, random.chance(10) ? 0 : c);
  }
  return bytes;
}

class TextKernelTest : public KernelTest {
 protected:
  // Runs n texts between guard pages; what they become and what is complained of is the model's.
  void check(const TextKernel& k, const Bytes& in, int64_t n, int64_t src_length,
             int64_t dst_length, bool refuse, Flush side, size_t gap = 0, size_t dst_gap = 0) {
    const sc_entry& entry = table().*k.entry;
    const Modelled want = model(k, in, n, src_length, dst_length, refuse);
    note().what = entry.name;
    note().length = n;
    note().gap = static_cast<int64_t>(gap);
    const auto where = [&] {
      return ::testing::Message() << note() << ": " << src_length << " to " << dst_length
                                  << " characters" << (refuse ? ", refusing" : "");
    };
    unsigned char* const src = src_.place(in.size(), side, gap);
    unsigned char* const dst = dst_.place(want.out.size(), side, dst_gap);
    std::copy(in.begin(), in.end(), src);
    std::fill_n(dst, want.out.size(), static_cast<unsigned char>(0x5C));
    const TextParams params = {.refuse_truncation = refuse};
    const sc_run run =
        make_packed_run(n, src, src_length * k.src_unit, dst, dst_length * k.dst_unit, &params);
    ASSERT_EQ(entry.run(&run), want.errors) << where();
    // With an error the destination may hold anything.
    if (want.errors == 0) {
      ASSERT_TRUE(std::equal(want.out.begin(), want.out.end(), dst)) << where();
    }
    ASSERT_TRUE(std::equal(in.begin(), in.end(), src)) << where() << ": source changed";
    ASSERT_EQ(src_.damage(), 0) << where();
    ASSERT_EQ(dst_.damage(), 0) << where();
  }

  Random random_{11};
  GuardedBuffer src_{64 * 1024}, dst_{64 * 1024};
};

TEST_P(TextKernelTest, Entries) {
  for (const TextKernel& k : kKernels) {
    const sc_entry& entry = table().*k.entry;
    ASSERT_NE(entry.run, nullptr);
    ASSERT_NE(entry.name, nullptr);
    EXPECT_EQ(entry.src_access, uint32_t{SC_ACCESS_PACKED}) << entry.name;
    EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_PACKED}) << entry.name;
    EXPECT_EQ(entry.traits, uint32_t{SC_TRAIT_MAY_FAIL | SC_TRAIT_THREAD_SAFE}) << entry.name;
  }
}

TEST_P(TextKernelTest, ByHand) {
  const auto run = [&](const sc_entry& entry, const void* src, int64_t src_size, void* dst,
                       int64_t dst_size, bool refuse = false) {
    const TextParams params = {.refuse_truncation = refuse};
    const sc_run r = make_packed_run(2, src, src_size, dst, dst_size, &params);
    return entry.run(&r);
  };
  char longer[] = "??????????", shorter[] = "????";
  EXPECT_EQ(run(table().resize_bytes, "abcxyz", 3, longer, 5), 0u);
  EXPECT_EQ(std::string(longer, 10), std::string("abc\0\0xyz\0\0", 10));
  EXPECT_EQ(run(table().resize_bytes, "abcxyz", 3, shorter, 2), 0u);
  EXPECT_STREQ(shorter, "abxy");
  EXPECT_EQ(run(table().resize_bytes, "abcxyz", 3, shorter, 2, true), uint32_t{SC_ERR_OVERFLOW});
  EXPECT_EQ(run(table().resize_bytes, "ab\0xy\0", 3, shorter, 2, true), 0u);
  // What is no ASCII passes where its size stays.
  EXPECT_EQ(run(table().resize_bytes, "\xC3\xA9 \xC3\xB6 ", 3, shorter, 2, true),
            uint32_t{SC_ERR_OVERFLOW});
  char32_t wide[4] = {9, 9, 9, 9};
  EXPECT_EQ(run(table().bytes_to_ucs4, "ax", 1, wide, 8), 0u);
  EXPECT_EQ(std::u32string(wide, 4), std::u32string(U"a\0x\0", 4));
  EXPECT_EQ(run(table().bytes_to_ucs4, "a\x80", 1, wide, 8), uint32_t{SC_ERR_TEXT});
  const char32_t euro[] = U"a\u20ac", signed_like[] = {U'a', 0x80000061};
  EXPECT_EQ(run(table().ucs4_to_bytes, euro, 4, shorter, 1), uint32_t{SC_ERR_TEXT});
  EXPECT_EQ(run(table().ucs4_to_bytes, signed_like, 4, shorter, 1), uint32_t{SC_ERR_TEXT});
  EXPECT_EQ(run(table().ucs4_to_bytes, U"a\u007f", 4, shorter, 1), 0u);
  EXPECT_EQ(std::string(shorter, 2), "a\x7f");
}

TEST_P(TextKernelTest, EveryPairOfLengths) {
  std::vector<int64_t> lengths;
  for (int64_t length = 1; length <= 20; ++length) lengths.push_back(length);
  for (int64_t length : {31, 32, 33, 63, 64, 65, 100, 131}) lengths.push_back(length);
  for (const TextKernel& k : kKernels) {
    for (int64_t src_length : lengths) {
      for (int64_t dst_length : lengths) {
        for (int64_t n : {1, 2, 3, 17, 70}) {
          const Bytes in = random_texts(random_, k, n * src_length);
          const Flush side = n == 17 ? Flush::kLeft : Flush::kRight;
          const auto gap = static_cast<size_t>(n == 2 ? (src_length + dst_length) % 7 : 0);
          ASSERT_NO_FATAL_FAILURE(check(k, in, n, src_length, dst_length, false, side, gap, gap));
        }
      }
    }
  }
}

TEST_P(TextKernelTest, EveryCountAndMisalignment) {
  constexpr int64_t kPairs[][2] = {{1, 1}, {1, 2}, {2, 1}, {3, 5}, {7, 7}, {16, 9}, {9, 16}};
  for (const TextKernel& k : kKernels) {
    for (const auto& pair : kPairs) {
      const int64_t src_length = pair[0], dst_length = pair[1];
      const Bytes many = random_texts(random_, k, 300 * src_length);
      const auto first = [&](int64_t n) {
        return Bytes(many.begin(), many.begin() + n * src_length * k.src_unit);
      };
      for (int64_t n = 1; n <= 300; ++n) {
        for (Flush side : kBothSides) {
          ASSERT_NO_FATAL_FAILURE(check(k, first(n), n, src_length, dst_length, false, side));
        }
      }
      for (size_t gap = 0; gap < 64; ++gap) {
        ASSERT_NO_FATAL_FAILURE(check(k, first(37), 37, src_length, dst_length, false, Flush::kLeft,
                                      gap, gap * 5 % 64));
      }
    }
  }
}

// One character that is not ASCII, at every place, kept or cut off.
TEST_P(TextKernelTest, NotAscii) {
  constexpr int64_t kPairs[][2] = {{1, 1}, {3, 3}, {3, 5}, {5, 3}, {40, 21}, {21, 40}};
  for (const TextKernel& k : {kWiden, kNarrow}) {
    for (const auto& [src_length, dst_length] : kPairs) {
      for (int64_t n : {1, 2, 19, 40}) {
        Bytes in = random_texts(random_, k, n * src_length);
        for (int64_t at = 0; at < n * src_length; ++at) {
          unsigned char* const place = in.data() + at * k.src_unit;
          const uint32_t before = load_unit(place, k.src_unit);
          const uint32_t bad = k.src_unit == 1 ? 0x80u | (before & 0x7F) : 0x80u << at % 25;
          store_unit(place, k.src_unit, bad);
          ASSERT_NO_FATAL_FAILURE(check(k, in, n, src_length, dst_length, false, Flush::kRight));
          ASSERT_NO_FATAL_FAILURE(check(k, in, n, src_length, dst_length, true, Flush::kRight));
          store_unit(place, k.src_unit, before);
        }
      }
    }
  }
}

// One character beyond the destination's length, at every place of every text.
TEST_P(TextKernelTest, RefusesToCutCharactersOff) {
  constexpr int64_t kPairs[][2] = {{2, 1}, {5, 3}, {20, 3}, {70, 66}, {90, 21}, {3, 5}, {4, 4}};
  for (const TextKernel& k : kKernels) {
    for (const auto& [src_length, dst_length] : kPairs) {
      for (int64_t n : {1, 2, 19, 40}) {
        Bytes in = random_texts(random_, k, n * src_length);
        for (int64_t at = 0; at < n * src_length; ++at) {
          if (at % src_length >= dst_length) store_unit(in.data() + at * k.src_unit, k.src_unit, 0);
        }
        ASSERT_NO_FATAL_FAILURE(check(k, in, n, src_length, dst_length, true, Flush::kRight));
        for (int64_t at = 0; at < n * src_length; ++at) {
          if (at % src_length < dst_length) continue;
          store_unit(in.data() + at * k.src_unit, k.src_unit, 1);
          ASSERT_NO_FATAL_FAILURE(check(k, in, n, src_length, dst_length, true, Flush::kRight));
          store_unit(in.data() + at * k.src_unit, k.src_unit, 0);
        }
      }
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(TextKernelTest);

}  // namespace
}  // namespace stridecast::testing
