// Moves under a mask, and clear_unselected: every size, packed and strided, every length to 300,
// between guard pages, against a plain loop. Unselected items of the destination hang over a page
// that cannot be touched.

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

struct WhereCase {
  const sc_entry* entry;
  int64_t size;
  bool clear;  // clear_unselected: what the mask leaves out becomes zero
};

std::vector<WhereCase> all_cases(const kernels::KernelTable& table) {
  std::vector<WhereCase> cases;
  for (int64_t size : {1, 2, 4, 8, 16}) {
    cases.push_back({&table.move_where[kernels::move_index(size)], size, false});
  }
  for (int64_t size : {1, 3, 8, 12, 20, 33, 100}) {
    cases.push_back({&table.move_where[kernels::kMoveN], size, false});
  }
  for (int64_t size : {1, 2, 3, 4, 8, 16, 33}) {
    cases.push_back({&table.clear_unselected[kernels::move_index(size)], size, true});
  }
  return cases;
}

// Where the bytes of one operand's rectangle are, counted from its lowest byte.
struct Walk {
  Steps step;
  int64_t size, rows, columns;
  int64_t start() const {
    return (step.row < 0 ? -step.row * (rows - 1) : 0) +
           (step.column < 0 ? -step.column * (columns - 1) : 0);
  }
  size_t bytes() const {
    return static_cast<size_t>(std::abs(step.row) * (rows - 1) +
                               std::abs(step.column) * (columns - 1) + size);
  }
  int64_t at(int64_t row, int64_t column) const {
    return start() + row * step.row + column * step.column;
  }
};

class MoveWhereTest : public KernelTest {
 protected:
  MoveWhereTest() : src_(kCapacity), dst_(kCapacity), mask_(kCapacity), pattern_(kCapacity) {
    for (unsigned char& byte : pattern_) byte = static_cast<unsigned char>(random_.bits());
  }

  void fill_mask(unsigned char* mask, size_t bytes) {
    const int64_t kind = random_.below(6);
    const int percent = kind == 0 ? 0 : kind == 1 ? 100 : kind == 2 ? 2 : kind == 3 ? 98 : 50;
    bool on = random_.chance(percent);
    for (size_t i = 0; i < bytes; ++i) {
      // Runs of equal answers, or single ones; true is any byte but 0.
      if (kind != 5 || random_.chance(5)) on = random_.chance(percent);
      mask[i] = on ? static_cast<unsigned char>(1 + random_.below(255)) : 0;
    }
  }

  // One run with what `mask` and `src` have been filled with; both operands are placed already.
  void check(const WhereCase& c, const Walk& src, const Walk& dst, const Walk& mask) {
    note().what = c.entry->name;
    note().length = dst.columns;
    note().gap = dst.rows;
    std::memcpy(src_.data(), pattern_.data(), src.bytes());
    std::memset(dst_.data(), 0x5C, dst.bytes());
    expected_.assign(dst.bytes(), 0x5C);
    for (int64_t r = 0; r < dst.rows; ++r) {
      for (int64_t k = 0; k < dst.columns; ++k) {
        const bool selected = mask_.data()[mask.at(r, k)] != 0;
        unsigned char* to = expected_.data() + dst.at(r, k);
        if (c.clear) {
          if (!selected) std::memset(to, 0, static_cast<size_t>(c.size));
        } else if (selected) {
          std::memcpy(to, pattern_.data() + src.at(r, k), static_cast<size_t>(c.size));
        }
      }
    }
    const sc_run run = make(c, src, dst, mask, dst_.data() + dst.start());
    ASSERT_EQ(c.entry->run(&run), 0u) << note();
    ASSERT_EQ(std::memcmp(dst_.data(), expected_.data(), dst.bytes()), 0)
        << note() << " size " << c.size << " src steps " << src.step.row << ", " << src.step.column
        << " dst steps " << dst.step.row << ", " << dst.step.column << " mask steps "
        << mask.step.row << ", " << mask.step.column;
    ASSERT_EQ(dst_.damage(), 0) << note();
  }

  sc_run make(const WhereCase& c, const Walk& src, const Walk& dst, const Walk& mask, void* to) {
    sc_run run = make_run(dst.rows, dst.columns, c.clear ? nullptr : src_.data() + src.start(),
                          c.size, c.clear ? Steps{} : src.step, to, c.size, dst.step);
    run.aux[0] = mask_.data() + mask.start();
    run.aux_step[0][0] = mask.step.row;
    run.aux_step[0][1] = mask.step.column;
    return run;
  }

  static Walk packed(int64_t n, int64_t size) { return {{n * size, size}, size, 1, n}; }

  static constexpr size_t kCapacity = 200 * 1024;
  Random random_{11};
  GuardedBuffer src_, dst_, mask_;
  std::vector<unsigned char> pattern_, expected_;
};

TEST_P(MoveWhereTest, EntriesSayWhatTheyNeed) {
  for (const WhereCase& c : all_cases(table())) {
    ASSERT_NE(c.entry->run, nullptr) << c.size;
    EXPECT_EQ(c.entry->needs, uint32_t{SC_NEEDS_MASK}) << c.entry->name;
    EXPECT_EQ(c.entry->dst_access, uint32_t{SC_ACCESS_STRIDED}) << c.entry->name;
    EXPECT_EQ(c.entry->src_access, c.clear ? 0u : uint32_t{SC_ACCESS_STRIDED});
    EXPECT_EQ(c.entry->traits & SC_TRAIT_MAY_FAIL, 0u) << c.entry->name;
  }
}

TEST_P(MoveWhereTest, PackedEveryLength) {
  for (const WhereCase& c : all_cases(table())) {
    for (int64_t n = 1; n <= 300; ++n) {
      const Walk items = packed(n, c.size), mask = packed(n, 1);
      for (Flush side : kBothSides) {
        const auto gap = static_cast<size_t>(random_.chance(50) ? 0 : random_.below(64));
        src_.place(items.bytes(), side, gap);
        dst_.place(items.bytes(), side, random_.chance(50) ? 0 : gap * 7 % 64);
        fill_mask(mask_.place(mask.bytes(), side, gap * 5 % 64), mask.bytes());
        ASSERT_NO_FATAL_FAILURE(check(c, items, items, mask));
      }
    }
  }
}

TEST_P(MoveWhereTest, Strided) {
  for (const WhereCase& c : all_cases(table())) {
    for (int trial = 0; trial < 400; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t rows = random_.chance(40) ? 1 : random_.between(1, 9);
      const int64_t columns = random_.between(1, random_.chance(70) ? 40 : 200);
      // Either axis may lie closer together; rows may follow each other without a gap. The source
      // and the mask may repeat one item.
      const auto walk = [&](int64_t size, bool repeats) {
        const bool transposed = random_.chance(30);
        const int64_t n = transposed ? rows : columns;
        const int64_t inner =
            random_.chance(50) ? size : size * random_.between(1, 4) + random_.between(0, 3);
        const int64_t outer =
            random_.chance(50) ? n * inner : (n - 1) * inner + size + random_.between(0, 9);
        Steps step = transposed ? Steps{inner, outer} : Steps{outer, inner};
        if (random_.chance(20)) step.row = -step.row;
        if (random_.chance(20)) step.column = -step.column;
        if (repeats && random_.chance(15)) step.row = 0;
        if (repeats && random_.chance(15)) step.column = 0;
        return Walk{step, size, rows, columns};
      };
      const Walk src = walk(c.size, true), dst = walk(c.size, false), mask = walk(1, true);
      if (src.bytes() > kCapacity || dst.bytes() > kCapacity) continue;
      const Flush side = random_.pick(kBothSides);
      src_.place(src.bytes(), side);
      dst_.place(dst.bytes(), side);
      fill_mask(mask_.place(mask.bytes(), side), mask.bytes());
      ASSERT_NO_FATAL_FAILURE(check(c, src, dst, mask)) << "trial " << trial;
    }
  }
}

// Items that the mask leaves out lie in memory that cannot be read or written. Selected ones end at
// the page; clear_unselected sees the mask the other way round.
TEST_P(MoveWhereTest, UnselectedItemsAreNotTouched) {
  for (const WhereCase& c : all_cases(table())) {
    for (int64_t step : {c.size, c.size + 1, 2 * c.size}) {
      for (int64_t n : {1, 2, 7, 63, 64, 65, 130, 300}) {
        for (int64_t outside : {int64_t{1}, n / 2, n - 1, n}) {
          if (outside < 1 || outside >= 4000 / (2 * c.size)) continue;
          note().what = c.entry->name;
          note().length = n;
          note().gap = outside;
          const int64_t inside = n - outside;
          const Walk src = packed(n, c.size), mask = packed(n, 1);
          const Walk dst = {{n * step, step}, c.size, 1, n};
          src_.place(src.bytes(), Flush::kRight);
          std::memcpy(src_.data(), pattern_.data(), src.bytes());
          unsigned char* const m = mask_.place(mask.bytes(), Flush::kRight);
          for (int64_t i = 0; i < n; ++i) {
            m[i] =
                (i < inside && i % 3 != 1) != c.clear ? static_cast<unsigned char>(1 + i % 255) : 0;
          }
          const auto bytes = static_cast<size_t>(inside * step);
          unsigned char* const to = dst_.place(bytes, Flush::kRight);
          std::memset(to, 0x5C, bytes);
          const sc_run run = make(c, src, dst, mask, to);
          ASSERT_EQ(c.entry->run(&run), 0u) << note();
          for (int64_t i = 0; i < inside; ++i) {
            std::vector<unsigned char> item(static_cast<size_t>(step), 0x5C);
            if (i % 3 != 1) {
              std::fill_n(item.begin(), c.size, static_cast<unsigned char>(0));
              if (!c.clear) std::copy_n(pattern_.begin() + i * c.size, c.size, item.begin());
            }
            ASSERT_EQ(std::memcmp(to + i * step, item.data(), item.size()), 0)
                << note() << " item " << i << " step " << step;
          }
        }
      }
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(MoveWhereTest);

}  // namespace
}  // namespace stridecast::testing
