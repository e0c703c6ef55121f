// Move kernels: every size, with and without byteswap, packed and strided, every length to 300 and
// every misalignment, between guard pages.

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

// One kernel under test: the entry, the item size it is run with, the bytes it reverses together.
struct MoveCase {
  const sc_entry* entry;
  int64_t size;
  int64_t unit;  // 1: no swap
  kernels::SwapParams params;
};

std::vector<MoveCase> all_moves(const kernels::KernelTable& table) {
  std::vector<MoveCase> cases;
  for (int64_t size : {1, 2, 4, 8, 16}) {
    cases.push_back({&table.move[kernels::move_index(size)], size, 1, {}});
    if (size > 1)
      cases.push_back({&table.move_swap[kernels::move_index(size)], size, size, {size}});
  }
  // The size-n kernels take any size, also those that have a kernel of their own.
  for (int64_t size :
       {1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 15, 16, 17, 20, 24, 31, 32, 33, 48, 64, 100}) {
    cases.push_back({&table.move[kernels::kMoveN], size, 1, {}});
    for (int64_t unit = 2; unit <= size; ++unit) {
      if (size % unit == 0) {
        cases.push_back({&table.move_swap[kernels::kMoveN], size, unit, {unit}});
      }
    }
  }
  return cases;
}

void set_note(const MoveCase& c, int64_t length, int64_t gap) {
  note().what = c.entry->name;
  note().from = note().to = c.unit == 1 ? "as is" : "swapped";
  note().length = length;
  note().gap = gap;
}

// What one item must become.
void expect_item(const MoveCase& c, const unsigned char* src, unsigned char* out) {
  std::memcpy(out, src, static_cast<size_t>(c.size));
  for (int64_t at = 0; at < c.size; at += c.unit) std::reverse(out + at, out + at + c.unit);
}

class MoveTest : public KernelTest {
 protected:
  MoveTest() : src_(kCapacity), dst_(kCapacity), pattern_(kCapacity) {
    Random random(1);
    for (unsigned char& byte : pattern_) byte = static_cast<unsigned char>(random.bits());
  }

  // A packed run of n items, src and dst `gap` and `dst_gap` bytes from their guard pages.
  void check_packed(const MoveCase& c, int64_t n, Flush side, size_t gap, size_t dst_gap) {
    set_note(c, n, static_cast<int64_t>(gap));
    const auto bytes = static_cast<size_t>(n * c.size);
    unsigned char* src = src_.place(bytes, side, gap);
    unsigned char* dst = dst_.place(bytes, side, dst_gap);
    std::memcpy(src, pattern_.data(), bytes);
    std::memset(dst, 0x5C, bytes);
    const sc_run run = make_packed_run(n, src, c.size, dst, c.size, &c.params);
    ASSERT_EQ(c.entry->run(&run), 0u) << note();
    ASSERT_EQ(std::memcmp(dst, expected_.data(), bytes), 0)
        << note() << " size " << c.size << " unit " << c.unit << " first wrong byte "
        << std::mismatch(dst, dst + bytes, expected_.data()).first - dst;
    ASSERT_EQ(std::memcmp(src, pattern_.data(), bytes), 0) << note() << ": source changed";
    ASSERT_EQ(dst_.damage(), 0) << note();
  }

  // One row of n items at these steps in bytes.
  void check_row(const MoveCase& c, int64_t n, int64_t src_step, int64_t dst_step, Flush side,
                 size_t gap, bool stream) {
    set_note(c, n, src_step);
    const auto reach = [&](int64_t step) {
      return static_cast<size_t>(std::abs(step) * (n - 1) + c.size);
    };
    const auto start = [&](int64_t step) { return step < 0 ? -step * (n - 1) : 0; };
    if (reach(src_step) + 64 > kCapacity || reach(dst_step) + 64 > kCapacity) return;
    unsigned char* src = src_.place(reach(src_step), side);
    unsigned char* dst = dst_.place(reach(dst_step), side, gap);
    std::memcpy(src, pattern_.data(), reach(src_step));
    std::memset(dst, 0x5C, reach(dst_step));
    expected_.assign(reach(dst_step), 0x5C);
    for (int64_t i = 0; i < n; ++i) {
      expect_item(c, src + start(src_step) + i * src_step,
                  expected_.data() + start(dst_step) + i * dst_step);
    }
    sc_run run = make_run(1, n, src + start(src_step), c.size, {n * src_step, src_step},
                          dst + start(dst_step), c.size, {n * dst_step, dst_step}, &c.params);
    if (stream) run.flags |= SC_RUN_STREAM;
    ASSERT_EQ(c.entry->run(&run), 0u) << note();
    ASSERT_EQ(std::memcmp(dst, expected_.data(), expected_.size()), 0)
        << note() << " size " << c.size << " unit " << c.unit << " steps " << src_step << " to "
        << dst_step << " stream " << stream;
    ASSERT_EQ(dst_.damage(), 0) << note() << " steps " << src_step << " to " << dst_step;
  }

  // The expected bytes of `pattern_` as packed items.
  void expect_all(const MoveCase& c, int64_t n) {
    expected_.resize(static_cast<size_t>(n * c.size));
    for (int64_t i = 0; i < n; ++i) {
      expect_item(c, pattern_.data() + i * c.size, expected_.data() + i * c.size);
    }
  }

  static constexpr size_t kCapacity = 160 * 1024;
  GuardedBuffer src_, dst_;
  std::vector<unsigned char> pattern_, expected_;
};

TEST_P(MoveTest, EveryMoveExists) {
  for (const MoveCase& c : all_moves(table())) {
    ASSERT_NE(c.entry->run, nullptr) << table().target << " size " << c.size << " unit " << c.unit;
    EXPECT_NE(c.entry->name, nullptr);
    EXPECT_EQ(c.entry->src_access, uint32_t{SC_ACCESS_STRIDED}) << c.entry->name;
    EXPECT_EQ(c.entry->dst_access, uint32_t{SC_ACCESS_STRIDED}) << c.entry->name;
    EXPECT_EQ(c.entry->traits & SC_TRAIT_MAY_FAIL, 0u) << c.entry->name;
  }
  EXPECT_EQ(table().move_swap[0].run, nullptr) << "one byte has no order";
}

TEST_P(MoveTest, PackedEveryLength) {
  for (const MoveCase& c : all_moves(table())) {
    expect_all(c, 300);
    for (int64_t n = 1; n <= 300; ++n) {
      for (Flush side : kBothSides) {
        check_packed(c, n, side, 0, 0);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(MoveTest, PackedEveryMisalignment) {
  for (const MoveCase& c : all_moves(table())) {
    expect_all(c, 300);
    for (int64_t n : {1, 2, 3, 5, 15, 16, 17, 33, 64, 129, 257}) {
      for (size_t gap = 0; gap < 64; ++gap) {
        for (Flush side : kBothSides) {
          check_packed(c, n, side, gap, (gap * 5 + static_cast<size_t>(n)) % 64);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// Kernels align long runs to whole vectors or lines: lengths in bytes around the places where they
// may begin to.
TEST_P(MoveTest, PackedLongRuns) {
  for (const MoveCase& c : all_moves(table())) {
    if (c.size > 16 && c.size != 100) continue;
    expect_all(c, 4500 / c.size + 2);
    for (int64_t bytes : {512, 1024, 1500, 2048, 4096, 4400}) {
      for (int64_t n : {bytes / c.size - 1, bytes / c.size, bytes / c.size + 1}) {
        for (size_t gap = 0; gap < 64; gap += 3) {
          check_packed(c, n, gap % 2 == 0 ? Flush::kLeft : Flush::kRight, gap * 11 % 64, gap);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// Rectangles with steps of any sign, zero in the source, and no multiple of the size.
TEST_P(MoveTest, Strided) {
  Random random(7);
  for (const MoveCase& c : all_moves(table())) {
    const int64_t size = c.size;
    const int64_t distances[] = {size,     size + 1,     size * 2, size * 2 + 3, size * 3,
                                 size * 4, size * 5 + 1, size * 8, 64 + size,    256};
    for (int trial = 0; trial < 500; ++trial) {
      const int64_t rows = random.chance(40) ? 1 : random.between(1, random.chance(80) ? 9 : 70);
      const int64_t columns = random.between(1, random.chance(70)   ? 40
                                                : random.chance(80) ? 150
                                                                    : 1500);
      // Either axis may be the one that lies closer together.
      const auto steps = [&](bool is_src) {
        const bool transposed = random.chance(35);
        const int64_t inner_n = transposed ? rows : columns;
        const int64_t inner = random.chance(35) ? size : random.pick(distances);
        const int64_t outer = inner * (inner_n - 1) + size +
                              (random.chance(50) ? 0 : random.between(0, 2 * size + 1));
        Steps s = transposed ? Steps{inner, outer} : Steps{outer, inner};
        if (random.chance(30)) s.row = -s.row;
        if (random.chance(30)) s.column = -s.column;
        if (is_src && random.chance(10)) s.row = 0;
        if (is_src && random.chance(10)) s.column = 0;
        return s;
      };
      const Steps src_step = steps(true), dst_step = steps(false);
      const auto reach = [&](const Steps& s) {
        return std::abs(s.row) * (rows - 1) + std::abs(s.column) * (columns - 1) + size;
      };
      const auto start = [&](const Steps& s) {
        return (s.row < 0 ? -s.row * (rows - 1) : 0) +
               (s.column < 0 ? -s.column * (columns - 1) : 0);
      };
      if (reach(src_step) > int64_t{kCapacity} - 64 || reach(dst_step) > int64_t{kCapacity} - 64) {
        continue;
      }
      set_note(c, columns, rows);
      note().seed = static_cast<uint64_t>(trial);
      const Flush side = random.pick(kBothSides);
      const auto src_bytes = static_cast<size_t>(reach(src_step));
      const auto dst_bytes = static_cast<size_t>(reach(dst_step));
      const auto gap = static_cast<size_t>(random.chance(50) ? 0 : random.below(64));
      unsigned char* src = src_.place(src_bytes, side, gap);
      unsigned char* dst = dst_.place(dst_bytes, side);
      std::memcpy(src, pattern_.data(), src_bytes);
      std::memset(dst, 0x5C, dst_bytes);
      expected_.assign(dst_bytes, 0x5C);
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < columns; ++k) {
          expect_item(c, src + start(src_step) + r * src_step.row + k * src_step.column,
                      expected_.data() + start(dst_step) + r * dst_step.row + k * dst_step.column);
        }
      }
      sc_run run = make_run(rows, columns, src + start(src_step), size, src_step,
                            dst + start(dst_step), size, dst_step, &c.params);
      run.flags = random.chance(10) ? uint32_t{SC_RUN_STREAM} : 0u;
      ASSERT_EQ(c.entry->run(&run), 0u) << note();
      ASSERT_EQ(std::memcmp(dst, expected_.data(), dst_bytes), 0)
          << note() << " size " << size << " unit " << c.unit << " rows " << rows << " columns "
          << columns << " src steps " << src_step.row << ", " << src_step.column << " dst steps "
          << dst_step.row << ", " << dst_step.column;
      ASSERT_EQ(dst_.damage(), 0) << note();
    }
  }
}

// Steps that have loops of their own, and some that have not, on either side: every length, and
// long runs that are aligned and streamed. Loads may reach between items, never past the first or
// last.
TEST_P(MoveTest, EveryStep) {
  std::vector<int64_t> lengths;
  for (int64_t n = 1; n <= 300; n += n < 140 ? 1 : 7) lengths.push_back(n);
  for (int64_t n : {1030, 2049, 4200}) lengths.push_back(n);
  for (const MoveCase& c : all_moves(table())) {
    const bool own_kernel =
        c.entry != &table().move[kernels::kMoveN] && c.entry != &table().move_swap[kernels::kMoveN];
    const bool complex = !own_kernel && c.unit * 2 == c.size && c.size <= 16;
    if (!own_kernel && !complex) continue;
    for (int64_t step : {-9, -8, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16}) {
      for (int64_t odd : {0, 5}) {  // bytes more than whole items
        const int64_t bytes = step * c.size + (step < 0 ? -odd : odd);
        if (odd != 0 && step == 0) continue;
        for (size_t k = 0; k < lengths.size(); ++k) {
          const int64_t n = lengths[k];
          if ((odd != 0 || !own_kernel) && k % 5 != 0) continue;
          const Flush side = k % 2 == 0 ? Flush::kRight : Flush::kLeft;
          const bool stream = n > 1000 && (step + n) % 2 == 0;
          ASSERT_NO_FATAL_FAILURE(check_row(c, n, bytes, c.size, side, k * 7 % 64, stream));
          if (step == 0 || k % 3 != 0) continue;
          ASSERT_NO_FATAL_FAILURE(check_row(c, n, c.size, bytes, side, k * 7 % 64, false));
          ASSERT_NO_FATAL_FAILURE(check_row(c, n, 2 * c.size, bytes, side, 0, false));
        }
      }
    }
  }
}

// Rows of few packed items, as complex numbers and small sub-arrays come.
TEST_P(MoveTest, ShortPackedRows) {
  for (const MoveCase& c : all_moves(table())) {
    for (int64_t columns : {1, 2, 3, 4, 5}) {
      for (int64_t rows : {1, 2, 3, 17, 40, 65}) {
        for (int64_t gap : {0, 1, 8}) {
          set_note(c, columns, rows);
          const int64_t packed = columns * c.size, src_row = packed + gap;
          const int64_t dst_row = rows % 2 == 0 ? packed : packed + 3;
          const auto src_bytes = static_cast<size_t>((rows - 1) * src_row + packed);
          const auto dst_bytes = static_cast<size_t>((rows - 1) * dst_row + packed);
          unsigned char* src = src_.place(src_bytes, Flush::kRight);
          unsigned char* dst = dst_.place(dst_bytes, Flush::kRight);
          std::memcpy(src, pattern_.data(), src_bytes);
          std::memset(dst, 0x5C, dst_bytes);
          expected_.assign(dst_bytes, 0x5C);
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t k = 0; k < columns; ++k) {
              expect_item(c, src + r * src_row + k * c.size,
                          expected_.data() + r * dst_row + k * c.size);
            }
          }
          const sc_run run = make_run(rows, columns, src, c.size, {src_row, c.size}, dst, c.size,
                                      {dst_row, c.size}, &c.params);
          ASSERT_EQ(c.entry->run(&run), 0u) << note();
          ASSERT_EQ(std::memcmp(dst, expected_.data(), dst_bytes), 0)
              << note() << " size " << c.size << " unit " << c.unit << " gap " << gap;
          ASSERT_EQ(dst_.damage(), 0) << note();
        }
      }
    }
  }
}

TEST_P(MoveTest, InPlace) {
  for (const MoveCase& c : all_moves(table())) {
    if ((c.entry->traits & SC_TRAIT_IN_PLACE) == 0) continue;
    expect_all(c, 1100);
    const auto check = [&](int64_t n, Flush side, size_t gap) {
      set_note(c, n, static_cast<int64_t>(gap));
      const auto bytes = static_cast<size_t>(n * c.size);
      unsigned char* data = dst_.place(bytes, side, gap);
      std::memcpy(data, pattern_.data(), bytes);
      const sc_run run = make_packed_run(n, data, c.size, data, c.size, &c.params);
      ASSERT_EQ(c.entry->run(&run), 0u) << note();
      ASSERT_EQ(std::memcmp(data, expected_.data(), bytes), 0)
          << note() << " in place, size " << c.size << " unit " << c.unit;
      ASSERT_EQ(dst_.damage(), 0) << note();
    };
    for (int64_t n = 1; n <= 300; n += n < 70 ? 1 : 23) {
      for (Flush side : kBothSides) ASSERT_NO_FATAL_FAILURE(check(n, side, 0));
    }
    for (int64_t n : {33, 130, 300, 1100}) {
      for (size_t gap = 0; gap < 64; ++gap) {
        ASSERT_NO_FATAL_FAILURE(check(n, Flush::kRight, gap));
      }
    }
    // Every second item of a buffer, forwards and backwards.
    for (int64_t sign : {1, -1}) {
      for (int64_t n : {1, 3, 16, 37}) {
        set_note(c, n, sign);
        const auto bytes = static_cast<size_t>((2 * n - 1) * c.size);
        unsigned char* data = dst_.place(bytes, Flush::kRight);
        std::memcpy(data, pattern_.data(), bytes);
        std::vector<unsigned char> whole(pattern_.begin(),
                                         pattern_.begin() + static_cast<int64_t>(bytes));
        for (int64_t i = 0; i < n; ++i) {
          expect_item(c, pattern_.data() + 2 * i * c.size, whole.data() + 2 * i * c.size);
        }
        unsigned char* first = sign > 0 ? data : data + 2 * (n - 1) * c.size;
        const Steps step = {sign * 2 * n * c.size, sign * 2 * c.size};
        const sc_run run = make_run(1, n, first, c.size, step, first, c.size, step, &c.params);
        ASSERT_EQ(c.entry->run(&run), 0u) << note();
        ASSERT_EQ(std::memcmp(data, whole.data(), bytes), 0) << note() << " in place, strided";
      }
    }
  }
}

// Non-temporal stores are allowed, never required; runs long enough that a kernel might use them.
TEST_P(MoveTest, StreamFlagChangesNothing) {
  for (const MoveCase& c : all_moves(table())) {
    if (c.size > 16) continue;
    const int64_t n = 50000 / c.size;
    expect_all(c, n);
    for (size_t gap : {0, 1, 2, 4, 8, 16, 24, 32, 48, 63}) {
      set_note(c, n, static_cast<int64_t>(gap));
      const auto bytes = static_cast<size_t>(n * c.size);
      unsigned char* src = src_.place(bytes, Flush::kRight, gap);
      unsigned char* dst = dst_.place(bytes, Flush::kRight, (gap * 3) % 64);
      std::memcpy(src, pattern_.data(), bytes);
      sc_run run = make_packed_run(n, src, c.size, dst, c.size, &c.params);
      run.flags = SC_RUN_STREAM;
      ASSERT_EQ(c.entry->run(&run), 0u) << note();
      ASSERT_EQ(std::memcmp(dst, expected_.data(), bytes), 0) << note();
      ASSERT_EQ(dst_.damage(), 0) << note();
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(MoveTest);

}  // namespace
}  // namespace stridecast::testing
