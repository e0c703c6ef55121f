// The shuffle kernel: random items whose bytes come from up to four sources, every length to some
// groups, between guard pages, against a plain loop. Bytes that nobody asked for hang over pages
// that cannot be touched, or must come out as they were. Where the kernel writes whole windows
// (KernelTable::shuffles_whole), rows without holes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using kernels::kNoByte;
using kernels::kShuffleBytes;
using kernels::kShuffleSources;
using kernels::ShuffleParams;

// One operand: items of `span` bytes, `step` bytes apart in a row.
struct Side {
  int64_t span = 1, step = 1, row_step = 0;
  int64_t start(int64_t n) const { return step < 0 ? -step * (n - 1) : 0; }
  size_t bytes(int64_t rows, int64_t n) const {
    return static_cast<size_t>(row_step * (rows - 1) + std::abs(step) * (n - 1) + span);
  }
  void choose_row_step(int64_t n, int64_t gap) { row_step = std::abs(step) * (n - 1) + span + gap; }
};

constexpr int kZero = -1, kHole = -2;

// Where a byte of the destination's item comes from: a source and its byte, or zero, or nowhere.
struct Origin {
  int source = kHole;
  int64_t byte = 0;
};

struct Case {
  int group = 1, num_sources = 1;
  Side dst, src[kShuffleSources];
  std::vector<Origin> origins;
};

ShuffleParams params_of(const Case& c) {
  ShuffleParams params;
  std::memset(&params, kNoByte, sizeof(params));
  params.group = c.group;
  params.num_sources = c.num_sources;
  params.window = 1;
  const auto use = [&](int64_t byte) {
    params.window = std::max(params.window, static_cast<int32_t>(byte + 1));
  };
  for (int item = c.group - 1; item >= 0; --item) {
    for (int64_t j = 0; j < c.dst.span; ++j) {
      const Origin& origin = c.origins[static_cast<size_t>(j)];
      if (origin.source == kHole) continue;
      const int64_t to = item * c.dst.step + j;
      params.item[to] = static_cast<uint8_t>(item);
      use(to);
      if (origin.source == kZero) continue;
      const int64_t from = item * c.src[origin.source].step + origin.byte;
      params.sources[origin.source].item[from] = static_cast<uint8_t>(item);
      params.sources[origin.source].byte[to] = static_cast<uint8_t>(from);
      use(from);
    }
  }
  return params;
}

class ItemShuffleTest : public KernelTest {
 protected:
  ItemShuffleTest() : dst_(kCapacity) {
    for (int k = 0; k < kShuffleSources; ++k)
      src_.push_back(std::make_unique<GuardedBuffer>(kCapacity));
  }

  // A span and a step that let a group fit a window.
  Side random_side(int group, bool standing) {
    Side side;
    side.span = 1 + random_.below(kShuffleBytes / group);
    const int64_t most = group > 1 ? (kShuffleBytes - side.span) / (group - 1) : 100;
    const int64_t least = standing ? 0 : side.span;
    side.step = least + random_.below(std::max<int64_t>(most - least, 0) + 1);
    if (group > 1) side.step = std::min(side.step, most);
    return side;
  }

  bool whole() const { return table().shuffles_whole; }

  Case random_case() { return whole() ? random_whole_case() : random_masked_case(); }

  // Packed items without holes; all in windows of 16 bytes, the sources' from their first byte on.
  Case random_whole_case() {
    constexpr int64_t kWindow = 16;
    Case c;
    c.group = static_cast<int>(int64_t{1} << random_.below(5));
    c.num_sources = static_cast<int>(1 + random_.below(kShuffleSources));
    c.dst.span = c.dst.step = 1 + random_.below(kWindow / c.group);
    for (int k = 0; k < c.num_sources; ++k) {
      Side& side = c.src[k];
      side.span = 1 + random_.below(kWindow / c.group);
      const int64_t most = c.group > 1 ? (kWindow - side.span) / (c.group - 1) : 100;
      side.step = side.span + random_.below(std::max<int64_t>(most - side.span, 0) + 1);
    }
    for (int64_t j = 0; j < c.dst.span; ++j) {
      const int source =
          random_.chance(10) ? kZero : static_cast<int>(random_.below(c.num_sources));
      c.origins.push_back({source, source == kZero ? 0 : random_.below(c.src[source].span)});
    }
    return begun_at_once(c);
  }

  // Without sources of which nothing is read, the others from the first byte that is.
  static Case begun_at_once(Case c) {
    Case trimmed = c;
    trimmed.num_sources = 0;
    for (int k = 0; k < c.num_sources; ++k) {
      int64_t low = kShuffleBytes;
      for (const Origin& origin : c.origins) {
        if (origin.source == k) low = std::min(low, origin.byte);
      }
      if (low == kShuffleBytes) continue;
      const int number = trimmed.num_sources++;
      trimmed.src[number] = c.src[k];
      for (size_t j = 0; j < c.origins.size(); ++j) {
        const Origin& origin = c.origins[j];
        if (origin.source == k) trimmed.origins[j] = {number, origin.byte - low};
      }
    }
    trimmed.num_sources = std::max(trimmed.num_sources, 1);
    return trimmed;
  }

  Case random_masked_case() {
    Case c;
    c.group = static_cast<int>(int64_t{1} << random_.below(6));
    c.num_sources = static_cast<int>(1 + random_.below(kShuffleSources));
    c.dst = random_side(c.group, false);
    for (int k = 0; k < c.num_sources; ++k) {
      c.src[k] = random_side(c.group, true);
      if (c.group == 1 && random_.chance(30)) c.src[k].step = -c.src[k].step;
    }
    const int holes = random_.chance(50) ? 0 : 30;
    for (int64_t j = 0; j < c.dst.span; ++j) {
      Origin origin;
      if (!random_.chance(holes)) {
        origin.source = random_.chance(10) ? kZero : static_cast<int>(random_.below(c.num_sources));
        if (origin.source != kZero) origin.byte = random_.below(c.src[origin.source].span);
      }
      c.origins.push_back(origin);
    }
    return c;
  }

  // The operands flush against a page by the bytes that are used, not by their spans.
  void check(Case c, int64_t rows, int64_t n) {
    const ShuffleParams params = params_of(c);
    const auto gap = [&] { return random_.chance(50) ? 0 : random_.below(70); };
    c.dst.choose_row_step(n, random_.below(5));
    trim(c);
    const Flush side = random_.chance(50) ? Flush::kLeft : Flush::kRight;
    sc_run run =
        make_run(rows, n, nullptr, 1, {}, nullptr, 1, {c.dst.row_step, c.dst.step}, &params);
    for (int k = 0; k < c.num_sources; ++k) {
      c.src[k].choose_row_step(n, random_.below(5));
      const size_t bytes = c.src[k].bytes(rows, n);
      unsigned char* data = src_[k]->place(bytes, side, static_cast<size_t>(gap()));
      for (size_t i = 0; i < bytes; ++i) data[i] = static_cast<unsigned char>(random_.bits());
      const unsigned char* first = data + c.src[k].start(n) - low_[k];
      (k == 0 ? run.src : run.aux[k - 1]) = first;
      int64_t* step = k == 0 ? run.src_step : run.aux_step[k - 1];
      step[0] = c.src[k].row_step;
      step[1] = c.src[k].step;
      first_[k] = first;
    }
    const size_t bytes = c.dst.bytes(rows, n);
    unsigned char* data = dst_.place(bytes, side, static_cast<size_t>(gap()));
    std::memset(data, 0x5C, bytes);
    run.dst = data;
    expected_.assign(bytes, 0x5C);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < std::ssize(c.origins); ++j) {
          const Origin& origin = c.origins[static_cast<size_t>(j)];
          if (origin.source == kHole) continue;
          const auto to = static_cast<size_t>(r * c.dst.row_step + i * c.dst.step + j);
          if (origin.source == kZero) {
            expected_[to] = 0;
          } else {
            const Side& from = c.src[origin.source];
            expected_[to] = first_[origin.source][r * from.row_step + i * from.step + origin.byte];
          }
        }
      }
    }
    note().what = "shuffle";
    note().length = n;
    note().gap = rows;
    ASSERT_EQ(table().shuffle.run(&run), 0u);
    ASSERT_EQ(std::memcmp(data, expected_.data(), bytes), 0)
        << note() << " group " << c.group << " sources " << c.num_sources << " window "
        << params.window;
    ASSERT_EQ(dst_.damage(), 0) << note();
  }

  // The sources' items shrink to the bytes that are read of them.
  void trim(Case& c) {
    for (int k = 0; k < c.num_sources; ++k) {
      int64_t low = kShuffleBytes, high = -1;
      for (const Origin& origin : c.origins) {
        if (origin.source != k) continue;
        low = std::min(low, origin.byte);
        high = std::max(high, origin.byte);
      }
      low_[k] = high < 0 ? 0 : low;
      c.src[k].span = std::max<int64_t>(high - low_[k] + 1, 1);
    }
  }

  static constexpr size_t kCapacity = 64 * 1024;
  Random random_{23};
  GuardedBuffer dst_;
  std::vector<std::unique_ptr<GuardedBuffer>> src_;
  int64_t low_[kShuffleSources] = {};
  const unsigned char* first_[kShuffleSources] = {};
  std::vector<unsigned char> expected_;
};

TEST_P(ItemShuffleTest, IsThereWhereBytesArePermuted) {
  const std::string target = table().target;
  const bool masks = target == "AVX3" || target == "AVX3_DL";
  EXPECT_EQ(table().shuffle.run != nullptr, masks || target == "AVX2");
  EXPECT_EQ(table().shuffles_whole, target == "AVX2");
}

TEST_P(ItemShuffleTest, EveryLength) {
  if (table().shuffle.run == nullptr) return;
  for (int trial = 0; trial < 40; ++trial) {
    const Case c = random_case();
    for (int64_t n = 1; n <= 70; ++n) ASSERT_NO_FATAL_FAILURE(check(c, 1, n));
  }
}

TEST_P(ItemShuffleTest, RandomItems) {
  if (table().shuffle.run == nullptr) return;
  for (int trial = 0; trial < 3000; ++trial) {
    ASSERT_NO_FATAL_FAILURE(check(random_case(), 1 + random_.below(3), 1 + random_.below(40)));
  }
}

// Every item of six bytes swaps its last four where it is: no item's bytes are another's. Whole
// windows have no holes, and hold items of eight bytes.
TEST_P(ItemShuffleTest, InPlace) {
  if (table().shuffle.run == nullptr) return;
  Case c;
  c.group = whole() ? 2 : 8;
  c.dst = c.src[0] = {6, 7, 0};
  c.origins = {{}, {}, {0, 5}, {0, 4}, {0, 3}, {0, 2}};
  if (whole()) {
    c.dst = c.src[0] = {8, 8, 0};
    c.origins = {{0, 0}, {0, 1}, {0, 5}, {0, 4}, {0, 3}, {0, 2}, {0, 6}, {0, 7}};
  }
  const ShuffleParams params = params_of(c);
  const int64_t size = c.dst.span, step = c.dst.step;
  for (int64_t n = 1; n <= 100; ++n) {
    const size_t bytes = c.dst.bytes(1, n);
    unsigned char* data = dst_.place(bytes, Flush::kRight);
    for (size_t i = 0; i < bytes; ++i) data[i] = static_cast<unsigned char>(random_.bits());
    expected_.assign(data, data + bytes);
    for (int64_t i = 0; i < n; ++i) {
      std::reverse(expected_.data() + step * i + 2, expected_.data() + step * i + 6);
    }
    const sc_run run = make_run(1, n, data, size, {0, step}, data, size, {0, step}, &params);
    table().shuffle.run(&run);
    ASSERT_EQ(std::memcmp(data, expected_.data(), bytes), 0) << n;
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(ItemShuffleTest);

}  // namespace
}  // namespace stridecast::testing
