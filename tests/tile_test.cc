// Tile kernels: transposed rectangles of every shape around the vectors of all targets, with steps
// of any sign and size, at any address, past the caches and not, between guard pages, against a
// plain loop. Two to four channels take another way in the same entries: here their shapes and
// those next to them, in channels_test.cc every length.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

struct TileEntry {
  const sc_entry* entry;
  int64_t size;
  bool swap;
};

std::vector<TileEntry> all_entries(const kernels::KernelTable& table) {
  std::vector<TileEntry> entries;
  for (int64_t size : {1, 2, 4, 8, 16}) {
    const int index = kernels::move_index(size);
    entries.push_back({&table.tile[index], size, false});
    if (size > 1) entries.push_back({&table.tile_swap[index], size, true});
  }
  return entries;
}

// Around every vector of every target, and between.
std::vector<int64_t> edge_sizes() {
  std::vector<int64_t> sizes;
  for (int64_t n = 1; n <= 20; ++n) sizes.push_back(n);
  for (int64_t n : {31, 32, 33, 34, 47, 48, 49, 63, 64, 65, 66, 70}) sizes.push_back(n);
  return sizes;
}

// A rectangle of items: rows are packed in the source, columns in the destination.
struct Tile {
  int64_t rows, columns;
  int64_t src_step;  // of a column
  int64_t dst_step;  // of a row
};

struct Placing {
  Flush side = Flush::kLeft;
  size_t src_gap = 0, dst_gap = 0;
  uint32_t flags = 0;
};

constexpr uint32_t kAllFlags[] = {0, SC_RUN_FETCH, SC_RUN_STREAM, SC_RUN_STREAM | SC_RUN_FETCH};

class TileTest : public KernelTest {
 protected:
  TileTest() : pattern_(kSmall) {
    for (unsigned char& byte : pattern_) byte = static_cast<unsigned char>(random_.bits());
    unsigned char* all = src_.place(kCapacity, Flush::kLeft);
    for (size_t i = 0; i < kCapacity; ++i) all[i] = static_cast<unsigned char>(random_.bits());
  }

  void check(const TileEntry& e, const Tile& t, const Placing& placing) {
    note().what = e.entry->name;
    note().length = t.rows;
    note().gap = t.columns;
    const int64_t src_reach = t.src_step * (t.columns - 1), dst_reach = t.dst_step * (t.rows - 1);
    const auto src_bytes = static_cast<size_t>(std::abs(src_reach) + t.rows * e.size);
    const auto dst_bytes = static_cast<size_t>(std::abs(dst_reach) + t.columns * e.size);
    ASSERT_LE(std::max(src_bytes, dst_bytes) + 64, size_t{kCapacity});
    unsigned char* src = src_.place(src_bytes, placing.side, placing.src_gap);
    unsigned char* dst = dst_.place(dst_bytes, placing.side, placing.dst_gap);
    // What placing left of canaries would make small rectangles uniform.
    if (src_bytes <= kSmall) std::memcpy(src, pattern_.data(), src_bytes);
    std::memset(dst, 0x5C, dst_bytes);
    expected_.assign(dst_bytes, 0x5C);
    src += std::max<int64_t>(-src_reach, 0);
    const int64_t dst_start = std::max<int64_t>(-dst_reach, 0);
    for (int64_t i = 0; i < t.rows; ++i) {
      for (int64_t j = 0; j < t.columns; ++j) {
        unsigned char* to = expected_.data() + dst_start + i * t.dst_step + j * e.size;
        std::memcpy(to, src + i * e.size + j * t.src_step, static_cast<size_t>(e.size));
        if (e.swap) std::reverse(to, to + e.size);
      }
    }
    sc_run run = make_run(t.rows, t.columns, src, e.size, {e.size, t.src_step}, dst + dst_start,
                          e.size, {t.dst_step, e.size});
    run.flags = placing.flags;
    run.scratch = scratch_.place(e.entry->scratch_bytes, Flush::kLeft);
    ASSERT_EQ(e.entry->run(&run), 0u) << note();
    table().flush_streams();
    ASSERT_EQ(std::memcmp(dst, expected_.data(), dst_bytes), 0)
        << note() << " size " << e.size << ", " << t.rows << " x " << t.columns << ", steps "
        << t.src_step << ", " << t.dst_step << ", flags " << placing.flags << ", first wrong byte "
        << std::mismatch(dst, dst + dst_bytes, expected_.data()).first - dst;
    ASSERT_EQ(dst_.damage(), 0) << note() << " size " << e.size;
    ASSERT_EQ(scratch_.damage(), 0) << note();
  }

  // Columns of the source: packed, with gaps of whole items or odd bytes, a power of two apart,
  // overlapping, all the same; in both directions.
  int64_t random_src_step(int64_t rows, int64_t columns, int64_t size) {
    int64_t step = rows * size;
    switch (random_.below(6)) {
      case 0:
        step += random_.between(1, 9);
        break;
      case 1:
        step += size * random_.between(1, 40);
        break;
      case 2:
      case 3:
        step = int64_t{1} << random_.between(4, 13);
        break;
      case 4:
        if (random_.chance(30)) step = random_.between(0, step);
        break;
      default:
        break;
    }
    if (step * columns > kCapacity / 2) step = rows * size;
    return random_.chance(30) ? -step : step;
  }

  // Rows of the destination: packed, at odd distances, or on lines.
  int64_t random_dst_step(int64_t columns, int64_t size, bool lines) {
    int64_t step = columns * size;
    if (lines) {
      step = (step + 63) / 64 * 64 + 64 * random_.below(3);
    } else if (random_.chance(60)) {
      step += random_.chance(50) ? random_.between(1, 70) : size * random_.between(1, 9);
    }
    return random_.chance(25) ? -step : step;
  }

  // Lines are asked for more often than not where they matter.
  void check_random(const TileEntry& e, int64_t rows, int64_t columns) {
    const bool lines = random_.chance(50);
    const Tile t = {rows, columns, random_src_step(rows, columns, e.size),
                    random_dst_step(columns, e.size, lines)};
    Placing placing{random_.pick(kBothSides), static_cast<size_t>(random_.below(64)), 0,
                    random_.pick(kAllFlags)};
    if (random_.chance(30)) placing.src_gap = 0;
    if (!lines) {
      placing.dst_gap = random_.chance(30) ? 0 : static_cast<size_t>(random_.below(64));
    } else if (placing.side == Flush::kRight) {
      placing.dst_gap = static_cast<size_t>((64 - columns * e.size % 64) % 64);
    }
    check(e, t, placing);
  }

  static constexpr int64_t kCapacity = 2 << 20;
  static constexpr size_t kSmall = 4096;
  Random random_{7};
  GuardedBuffer src_{kCapacity}, dst_{kCapacity}, scratch_{32 << 10};
  std::vector<unsigned char> pattern_, expected_;
};

TEST_P(TileTest, EntriesSayWhatTheyNeed) {
  EXPECT_EQ(table().tile_swap[0].run, nullptr);
  for (const TileEntry& e : all_entries(table())) {
    ASSERT_NE(e.entry->run, nullptr) << e.size;
    EXPECT_EQ(e.entry->src_access, uint32_t{SC_ACCESS_TILE}) << e.entry->name;
    EXPECT_EQ(e.entry->dst_access, uint32_t{SC_ACCESS_TILE}) << e.entry->name;
    EXPECT_EQ(e.entry->needs, uint32_t{SC_NEEDS_SCRATCH}) << e.entry->name;
    EXPECT_EQ(e.entry->traits, uint32_t{SC_TRAIT_THREAD_SAFE}) << e.entry->name;
    // Whole pages, so that check() has a guard at both ends of it.
    EXPECT_EQ(e.entry->scratch_bytes % 4096, 0u) << e.entry->name;
  }
}

TEST_P(TileTest, EveryShape) {
  for (const TileEntry& e : all_entries(table())) {
    for (int64_t rows : edge_sizes()) {
      for (int64_t columns : edge_sizes()) {
        for (int turn = 0; turn < 3; ++turn) {
          ASSERT_NO_FATAL_FAILURE(check_random(e, rows, columns));
        }
      }
    }
  }
}

TEST_P(TileTest, EveryMisalignment) {
  for (const TileEntry& e : all_entries(table())) {
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{16, 64}, {17, 65}, {33, 21}, {64, 16}, {5, 130}}) {
      for (size_t gap = 0; gap < 64; ++gap) {
        Placing placing{random_.pick(kBothSides), gap * 7 % 64, gap, kAllFlags[gap % 4]};
        // Rows on lines of their own or out of step with them.
        const int64_t packed = columns * e.size;
        const int64_t step = gap % 3 == 0 ? (packed + 63) / 64 * 64 : packed + int64_t(gap % 5);
        ASSERT_NO_FATAL_FAILURE(check(e, {rows, columns, rows * e.size, step}, placing));
      }
    }
  }
}

// Steps that put all columns of the source into few sets of the L1 cache, one item less and more
// than those, and rectangles larger than what is packed at once.
TEST_P(TileTest, PowersOfTwoAndLargeRectangles) {
  for (const TileEntry& e : all_entries(table())) {
    for (int64_t power = 512; power <= 8192; power *= 2) {
      for (int64_t off : {int64_t{0}, e.size, -e.size, int64_t{1}}) {
        const int64_t rows = random_.between(1, std::min<int64_t>(power / e.size, 90));
        const int64_t columns = random_.between(1, 100);
        for (int64_t step : {power + off, -power - off}) {
          Placing placing{random_.pick(kBothSides), 0, 0, random_.pick(kAllFlags)};
          const int64_t line = (columns * e.size + 63) / 64 * 64;
          ASSERT_NO_FATAL_FAILURE(check(e, {rows, columns, step, line}, placing));
        }
      }
    }
    for (int trial = 0; trial < 40; ++trial) {
      // From some dozens of bytes a row to more than any panel, in both directions.
      const int64_t rows = random_.between(1, 400 / e.size + 20);
      const int64_t columns = random_.between(20, 400);
      ASSERT_NO_FATAL_FAILURE(check_random(e, rows, columns)) << "trial " << trial;
    }
  }
}

// Few rows or few columns: what the channel kernels take, and the same with another step.
TEST_P(TileTest, ChannelsAndTheirNeighbours) {
  for (const TileEntry& e : all_entries(table())) {
    for (int64_t few = 1; few <= 5; ++few) {
      for (int64_t many : {1, 7, 16, 31, 64, 65, 200}) {
        for (int64_t extra : {-1, 0, 1, 2}) {
          for (int64_t sign : {1, -1}) {
            const auto placing = [&] {
              return Placing{random_.pick(kBothSides), static_cast<size_t>(random_.below(64)),
                             random_.chance(50) ? 0 : static_cast<size_t>(random_.below(64)),
                             random_.pick(kAllFlags)};
            };
            // Pixels of few + extra channels to rows; rows to pixels with extra items between.
            const int64_t pixel = std::max<int64_t>(few + extra, 1) * e.size;
            const int64_t row = many * e.size + random_.below(3) * 32;
            ASSERT_NO_FATAL_FAILURE(check(e, {few, many, sign * pixel, row}, placing()));
            ASSERT_NO_FATAL_FAILURE(check(e, {few, many, pixel, sign * row}, placing()));
            const int64_t apart = (few + std::max<int64_t>(extra, 0)) * e.size;
            ASSERT_NO_FATAL_FAILURE(check(e, {many, few, sign * row, apart}, placing()));
            ASSERT_NO_FATAL_FAILURE(check(e, {many, few, row, sign * apart}, placing()));
          }
        }
      }
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(TileTest);

}  // namespace
}  // namespace stridecast::testing
