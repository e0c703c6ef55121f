// What only the kernels of arg extremes have: ties, which the first item wins, and masks, with the
// indices of what these leave. reduce_kernel_test.cc has what they share with other reductions.

#include <gtest/gtest.h>

#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/reference/reduce.h"
#include "tests/support/random_layout.h"
#include "tests/support/reduce_kernel_check.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

std::vector<ReduceCase> arg_reductions(const kernels::KernelTable& table) {
  std::vector<ReduceCase> cases = all_reductions(table);
  std::erase_if(cases, [](const ReduceCase& c) { return !is_arg(c.op); });
  return cases;
}

class ArgKernelTest : public KernelTest {};

// The best element, at every position of lists of others that all tie: what folding starts from
// among them, which must lose to an item that ties with it.
TEST_P(ArgKernelTest, TheFirstBestWinsWhereverItIs) {
  for (const ReduceCase& c : arg_reductions(table())) {
    note().what = c.entry->name;
    const bool largest = c.op == Op::kArgmax;
    const DType part = part_of(c.type);
    const uint64_t top_bit = uint64_t{1} << (8 * reference::size(part) - 1);
    bool overflow;
    uint64_t low = 0, high = 1;
    if (reference::is_float(part)) {
      high = static_cast<uint64_t>(reference::round_to_float(part, false, 1, 20000, &overflow));
      low = top_bit | high;
    } else if (part != DType::kBool) {
      low = reference::is_signed_int(part) ? top_bit : 0;
      high = reference::is_signed_int(part) ? top_bit - 1 : 2 * top_bit - 1;
    }
    if (is_time(c.type)) low += 1;  // above NaT
    const Element worst = largest ? Element{low, low} : Element{high, high};
    const Element best = largest ? Element{high, high} : Element{low, low};
    for (int64_t n : {1, 7, 64, 129, 300, 5000, 10000}) {
      note().length = n;
      for (int64_t at = 0; at < n; at = n <= 300 ? at + 1 : at * 2 + 1) {
        Elements x(static_cast<size_t>(n), worst);
        if (at > 0) {  // and once more behind it
          x[static_cast<size_t>(at)] = best;
          x[static_cast<size_t>((at + n) / 2)] = best;
        }
        const Bytes bytes = pack(c.type, x);
        States states(c, 1), rows(c, 3);
        states.step(bytes.data(), n);
        ASSERT_EQ(states.finish()[0].re, static_cast<uint64_t>(kFirstIndex + at * kIndexStep))
            << note();
        if (n % 3 != 0) continue;
        rows.step(bytes.data(), n / 3);
        const Element want = {static_cast<uint64_t>(kFirstIndex + at / 3 * kIndexStep)};
        ASSERT_EQ(rows.finish()[static_cast<size_t>(at % 3)], want) << note();
      }
    }
  }
}

// Masks at any steps, in states that also see rows without one.
TEST_P(ArgKernelTest, MasksOfArgExtremes) {
  Random random(18);
  for (const ReduceCase& c : arg_reductions(table())) {
    note().what = c.entry->name;
    for (int trial = 0; trial < 30; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t columns = random.chance(30) ? 1 : random.between(1, 40);
      const int64_t rows = random.between(1, 60);
      const Elements x = elements(random, c, 2 * rows * columns, trial % 3 == 0);
      const Bytes bytes = pack(c.type, x);
      const bool rows_without_mask = random.chance(50);
      Mask mask;
      mask.row_step = random.between(-50, 50);
      mask.column_step = random.between(-3, 3);
      Bytes truths(2 * (60 * 50 + 40 * 3) + 1);
      const int percent = random.chance(50) ? 50 : 3;
      for (unsigned char& truth : truths) {
        truth = random.chance(percent) ? static_cast<unsigned char>(random.between(1, 255)) : 0;
      }
      const int64_t middle = static_cast<int64_t>(truths.size()) / 2;
      mask.first = truths.data() + middle;
      States states(c, columns);
      states.step(bytes.data(), rows, columns * c.size(), mask);
      const Elements masked = states.finish();
      if (rows_without_mask) states.step(bytes.data() + rows * columns * c.size(), rows);
      States merged(c, columns);
      merged.merge(states);
      const Elements got = merged.finish();
      for (int64_t k = 0; k < columns; ++k) {
        Elements taken;
        std::vector<int64_t> index;
        const auto want = [&] {
          if (taken.empty()) return Element{~uint64_t{0}};
          return Element{static_cast<uint64_t>(index[reference::fold(c.op, c.type, taken).re])};
        };
        const Elements column = column_of(x, columns, k);
        for (int64_t row = 0; row < 2 * rows; ++row) {
          if (row == rows) {
            ASSERT_EQ(masked[static_cast<size_t>(k)], want()) << note() << " column " << k;
            if (!rows_without_mask) break;
          }
          if (row < rows &&
              truths[static_cast<size_t>(middle + row * mask.row_step + k * mask.column_step)] ==
                  0) {
            continue;
          }
          taken.push_back(column[static_cast<size_t>(row)]);
          index.push_back(kFirstIndex + row * kIndexStep);
        }
        ASSERT_EQ(got[static_cast<size_t>(k)], want()) << note() << " column " << k;
      }
    }
  }
}

TEST_P(ArgKernelTest, MasksOfWholeColumnsOfArgExtremes) {
  Random random(19);
  for (const ReduceCase& c : arg_reductions(table())) {
    note().what = c.entry->name;
    for (int trial = 0; trial < 30; ++trial) {
      const int64_t rows = random.between(1, 60), columns = random.between(1, 9);
      const Elements x = elements(random, c, rows * columns, trial % 3 == 0);
      const Bytes bytes = pack(c.type, x);
      Bytes truths(static_cast<size_t>(rows * columns));
      for (unsigned char& truth : truths) truth = random.chance(trial % 2 == 0 ? 50 : 2) ? 2 : 0;
      // A row of the mask is a column of the items, or the other way round.
      const bool turned = random.chance(50);
      const Mask mask = {truths.data(), turned ? columns : 1, turned ? 1 : rows};
      sc_run run = reduce_run(c, columns);
      set_mask(run, mask);
      run.n[0] = rows;
      run.src = bytes.data();
      run.src_step[0] = c.size();
      run.src_step[1] = rows * c.size();
      const Elements got = whole_results(c, run);
      for (int64_t k = 0; k < columns; ++k) {
        Elements taken;
        std::vector<int64_t> index;
        for (int64_t row = 0; row < rows; ++row) {
          if (mask.first[row * mask.row_step + k * mask.column_step] == 0) continue;
          taken.push_back(x[static_cast<size_t>(k * rows + row)]);
          index.push_back(kFirstIndex + row * kIndexStep);
        }
        const Element want =
            taken.empty()
                ? Element{~uint64_t{0}}
                : Element{static_cast<uint64_t>(index[reference::fold(c.op, c.type, taken).re])};
        ASSERT_EQ(got[static_cast<size_t>(k)], want) << note() << " column " << k;
      }
    }
  }
}

// Of columns that nothing was folded into, by masks, none is ever joined.
TEST_P(ArgKernelTest, UntouchedColumnsNeverWin) {
  Random random(20);
  for (const ReduceCase& c : arg_reductions(table())) {
    const int64_t columns = 37, only = random.below(columns);
    const Elements x = elements(random, c, columns, true);
    const Bytes bytes = pack(c.type, x);
    Bytes truths(static_cast<size_t>(columns), 0);
    States parts(c, columns), joined(c, 1);
    parts.step(bytes.data(), 1, columns * c.size(), {truths.data(), 0, 1});
    joined.join(parts, 7);
    EXPECT_EQ(joined.finish()[0].re, ~uint64_t{0}) << c.entry->name;
    truths[static_cast<size_t>(only)] = 1;
    parts.go_to(0);
    parts.step(bytes.data(), 1, columns * c.size(), {truths.data(), 0, 1});
    joined.join(parts, 7);
    EXPECT_EQ(joined.finish()[0].re, static_cast<uint64_t>(kFirstIndex + only * 7))
        << c.entry->name;
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(ArgKernelTest);

}  // namespace
}  // namespace stridecast::testing
