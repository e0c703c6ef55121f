// Rows written panel after panel past the caches: panels of any widths, rows at any address and
// step, carried lines between canaries, between guard pages. What is carried must arrive, and
// nothing but the rows may be written.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

constexpr int64_t kLine = kernels::kCarryLine;

struct Rows {
  int64_t rows, size;
  std::vector<int64_t> widths;  // items of each panel
  int64_t step;                 // of the destination's rows
};

class StreamRowsTest : public KernelTest {
 protected:
  // The destination lies `gap` bytes from its guard page.
  void check(const Rows& r, Flush side, size_t gap) {
    const sc_entry& entry = table().stream_rows;
    note().what = entry.name;
    note().length = std::reduce(r.widths.begin(), r.widths.end()) * r.size;
    note().gap = static_cast<int64_t>(gap);
    const int64_t row_bytes = note().length, reach = r.step * (r.rows - 1);
    const auto bytes = static_cast<size_t>(std::abs(reach) + row_bytes);
    unsigned char* const lowest = dst_.place(bytes, side, gap);
    unsigned char* dst = lowest + std::max<int64_t>(-reach, 0);
    std::memset(lowest, 0x5C, bytes);
    std::vector<unsigned char> expected(bytes, 0x5C);
    const auto carried_bytes = static_cast<size_t>(r.rows * kLine);
    kernels::CarryState carry = {};
    carry.lines = carry_.place(carried_bytes, side);
    std::memset(carry.lines, 0xEE, carried_bytes);
    int64_t done = 0;
    for (size_t p = 0; p < r.widths.size(); ++p) {
      const int64_t width = r.widths[p] * r.size;
      // Readable for a line on each side, and no further.
      const auto panel_bytes = static_cast<size_t>(r.rows * width + 2 * kLine);
      unsigned char* const panel = src_.place(panel_bytes, random_.pick(kBothSides));
      for (size_t i = 0; i < panel_bytes; ++i)
        panel[i] = static_cast<unsigned char>(random_.bits());
      for (int64_t row = 0; row < r.rows; ++row) {
        std::memcpy(expected.data() + (dst - lowest) + row * r.step + done,
                    panel + kLine + row * width, static_cast<size_t>(width));
      }
      carry.first = p == 0;
      carry.last = p + 1 == r.widths.size();
      sc_run run = make_run(r.rows, r.widths[p], panel + kLine, r.size, {width, r.size}, dst + done,
                            r.size, {r.step, r.size});
      run.flags = SC_RUN_STREAM;
      run.state = &carry;
      ASSERT_EQ(entry.run(&run), 0u) << note();
      done += width;
      // Before the end too: a line that is not whole yet is nobody's but the rows'.
      ASSERT_EQ(dst_.damage(), 0) << note() << " panel " << p;
      ASSERT_EQ(carry_.damage(), 0) << note() << " panel " << p;
    }
    table().flush_streams();
    ASSERT_EQ(std::memcmp(lowest, expected.data(), bytes), 0)
        << note() << " " << r.rows << " rows " << r.step << " apart in " << r.widths.size()
        << " panels, first of " << r.widths[0] * r.size << " bytes; first wrong byte "
        << std::mismatch(lowest, lowest + bytes, expected.begin()).first - lowest;
  }

  // The first panel has a line or more, unless it is the only one.
  std::vector<int64_t> random_widths(int64_t size, int64_t panels, int64_t most_bytes) {
    std::vector<int64_t> widths;
    for (int64_t p = 0; p < panels; ++p) {
      const int64_t least = p == 0 && panels > 1 ? (kLine + size - 1) / size : 1;
      widths.push_back(random_.between(least, std::max(least, most_bytes / size)));
    }
    return widths;
  }

  int64_t random_step(int64_t row_bytes) {
    int64_t step = row_bytes;
    if (random_.chance(40)) {
      step = (row_bytes + kLine - 1) / kLine * kLine + kLine * random_.below(3);
    } else if (random_.chance(60)) {
      step += random_.between(1, 130);
    }
    return random_.chance(25) ? -step : step;
  }

  Random random_{17};
  GuardedBuffer src_{64 << 10}, dst_{128 << 10}, carry_{4 << 10};
};

TEST_P(StreamRowsTest, EntrySaysWhatItNeeds) {
  const sc_entry& entry = table().stream_rows;
  ASSERT_NE(entry.run, nullptr);
  ASSERT_NE(table().flush_streams, nullptr);
  EXPECT_EQ(entry.src_access, uint32_t{SC_ACCESS_PACKED});
  EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_STRIDED});
  EXPECT_EQ(entry.needs, uint32_t{SC_NEEDS_STATE});
}

// One row in two panels: every address, the seam at every place of a line.
TEST_P(StreamRowsTest, EverySeam) {
  for (size_t gap = 0; gap < 64; ++gap) {
    for (int64_t first = kLine; first < 2 * kLine; ++first) {
      const int64_t second = random_.between(1, 200);
      ASSERT_NO_FATAL_FAILURE(check({1, 1, {first, second}, 0}, Flush::kLeft, gap));
    }
    for (int64_t only = 1; only <= 200; only += 3) {
      ASSERT_NO_FATAL_FAILURE(check({1, 1, {only}, 0}, random_.pick(kBothSides), gap));
    }
  }
}

// Panels after the first may be narrower than what is missing of a line, and end within it.
TEST_P(StreamRowsTest, NarrowPanels) {
  for (size_t gap = 0; gap < 64; ++gap) {
    for (int64_t panels : {2, 3, 5, 9}) {
      const int64_t size = random_.pick(std::vector<int64_t>{1, 2, 3, 4, 8, 12, 16});
      Rows r = {random_.between(1, 8), size, random_widths(size, panels, 40), 0};
      r.step = random_step(std::reduce(r.widths.begin(), r.widths.end()) * size);
      ASSERT_NO_FATAL_FAILURE(check(r, random_.pick(kBothSides), gap));
    }
  }
}

TEST_P(StreamRowsTest, RandomPanels) {
  for (int trial = 0; trial < 1500; ++trial) {
    note().seed = static_cast<uint64_t>(trial);
    const int64_t size = random_.pick(std::vector<int64_t>{1, 2, 4, 8, 16});
    Rows r = {random_.between(1, random_.chance(80) ? 6 : 64), size,
              random_widths(size, random_.between(1, 6), 300), 0};
    r.step = random_step(std::reduce(r.widths.begin(), r.widths.end()) * size);
    if (std::abs(r.step) * r.rows > 120 << 10) continue;
    const auto gap = random_.chance(30) ? 0 : static_cast<size_t>(random_.below(64));
    ASSERT_NO_FATAL_FAILURE(check(r, random_.pick(kBothSides), gap)) << "trial " << trial;
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(StreamRowsTest);

}  // namespace
}  // namespace stridecast::testing
