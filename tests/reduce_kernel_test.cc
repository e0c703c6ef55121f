// Reduce kernels: init, step, merge and finish over states, held to the oracle however the elements
// arrive: all at once, in pieces, in rows, two apart, or in parts that are merged or joined; and
// `whole`, which must give the same bits without a state. What only arg extremes have, which are
// indices and masks, is arg_kernel_test.cc's.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/reduce.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random_layout.h"
#include "tests/support/reduce_kernel_check.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

constexpr int64_t kLeaf = 128;
// Their own tests hold these to sums that are exact.
constexpr kernels::ReduceKernel kTestedElsewhere[] = {
    kernels::kReduceSumCompensated, kernels::kReduceSumReproducible, kernels::kReduceSumWide,
    kernels::kReduceProdWide};

class ReduceKernelTest : public KernelTest {};

TEST_P(ReduceKernelTest, EveryReductionExistsAndNoOther) {
  for (const Family& family : families()) {
    for (int at = 0; at < kernels::kNumReduceTypes; ++at) {
      const auto type = static_cast<DType>(at);
      // The oracle has no 80 bits: tests/python/test_reduce_long_double.py.
      if (type == DType::kLongDouble || type == DType::kComplexLongDouble) continue;
      const bool wanted =
          std::any_of(family.types.begin(), family.types.end(), [=](std::span<const DType> types) {
            return std::find(types.begin(), types.end(), type) != types.end();
          });
      const sc_reduce_entry& entry = table().reduce[family.kernel][at];
      const std::string what =
          "kernel " + std::to_string(family.kernel) + " of " + type_facts(type).name;
      ASSERT_EQ(entry.init != nullptr, wanted) << table().target << ": " << what;
      if (!wanted) continue;
      ASSERT_TRUE(entry.step && entry.merge && entry.finish && entry.whole) << what;
      EXPECT_GT(entry.state_column_bytes, 0) << what;
    }
  }
  EXPECT_EQ(families().size() + std::size(kTestedElsewhere), size_t{kernels::kNumReduceKernels});
  for (const ReduceCase& c : all_reductions(table())) {
    EXPECT_EQ(c.entry->join == nullptr, c.is_tree()) << c.entry->name;
  }
}

TEST_P(ReduceKernelTest, OneColumnEveryLength) {
  Random random(11);
  GuardedBuffer buffer(32 * 1024);
  for (const ReduceCase& c : all_reductions(table())) {
    note().what = c.entry->name;
    States states(c, 1, Elements(1));
    for (int64_t n = 1; n <= 1100; n = n < (c.is_tree() ? 300 : 70) ? n + 1 : n + 37) {
      const Elements x = elements(random, c, n, n % 4 == 0), means = random_means(random, c, 1);
      const Bytes bytes = pack(c.type, x);
      for (Flush side : kBothSides) {
        note().length = n;
        unsigned char* src = buffer.place(bytes.size(), side,
                                          side == Flush::kLeft ? 0 : static_cast<size_t>(n % 16));
        std::memcpy(src, bytes.data(), bytes.size());
        states.restart(means);
        states.step(src, n);
        ASSERT_TRUE(same(c, states.finish()[0], expected(c, x, means[0]))) << note();
      }
    }
  }
}

TEST_P(ReduceKernelTest, PiecesResumeWhereTheLastOneStopped) {
  Random random(12);
  for (const ReduceCase& c : all_reductions(table())) {
    note().what = c.entry->name;
    for (int trial = 0; trial < (c.is_tree() ? 40 : 16); ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t columns = random.chance(50) ? 1 : random.between(1, 20);
      const int64_t n = random.between(1, columns == 1 ? 3000 : 800);
      const Elements x = elements(random, c, n * columns, trial % 5 == 0);
      const Elements means = random_means(random, c, columns);
      const Bytes bytes = pack(c.type, x);
      States states(c, columns, means);
      for (int64_t row = 0; row < n;) {
        const int64_t rows = std::min(n - row, random.chance(30) ? 1 : random.between(1, 400));
        states.step(bytes.data() + row * columns * c.size(), rows);
        row += rows;
      }
      const Elements got = states.finish();
      for (int64_t k = 0; k < columns; ++k) {
        const auto at = static_cast<size_t>(k);
        ASSERT_TRUE(same(c, got[at], expected(c, column_of(x, columns, k), means[at])))
            << note() << " rows " << n << " column " << k << " of " << columns;
      }
    }
  }
}

// Rows apart in memory, forwards, backwards and on one spot, against guard pages.
TEST_P(ReduceKernelTest, StridedRows) {
  Random random(13);
  GuardedBuffer buffer(768 * 1024);
  for (const ReduceCase& c : all_reductions(table())) {
    note().what = c.entry->name;
    for (int64_t columns : {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,  13,  14, 15,
                            16, 17, 18, 19, 27, 34, 41, 48, 55, 62, 69, 129, 256, 257}) {
      const int64_t rows = random.between(1, columns < 100 ? 200 : is_arg(c.op) ? 130 : 40);
      const int64_t gap = random.between(0, 9);
      const int64_t sign = random.chance(50) ? -1 : 1;
      const int64_t row_step = random.chance(10) ? 0 : sign * (columns * c.size() + gap);
      note().length = columns;
      const int64_t reach = std::abs(row_step) * (rows - 1) + columns * c.size();
      unsigned char* src = buffer.place(static_cast<size_t>(reach), random.pick(kBothSides));
      unsigned char* first = row_step < 0 ? src - row_step * (rows - 1) : src;
      Elements x = elements(random, c, rows * columns, false);
      for (int64_t at = columns; row_step == 0 && at < rows * columns; ++at) {
        x[static_cast<size_t>(at)] = x[static_cast<size_t>(at % columns)];
      }
      for (int64_t at = 0; at < rows * columns; ++at) {
        store(first + at / columns * row_step + at % columns * c.size(), c.type,
              x[static_cast<size_t>(at)]);
      }
      const Elements means = random_means(random, c, columns);
      States states(c, columns, means);
      states.step(first, rows, row_step);
      const Elements got = states.finish();
      for (size_t k = 0; k < got.size(); ++k) {
        ASSERT_TRUE(
            same(c, got[k], expected(c, column_of(x, columns, static_cast<int64_t>(k)), means[k])))
            << note() << " rows " << rows << " row step " << row_step << " column " << k;
      }
    }
  }
}

// Parts that begin at subtrees (a power of two of leaves, aligned to it) merge to the bits of one
// run; where order is void, in any order.
TEST_P(ReduceKernelTest, MergeOfSubtrees) {
  Random random(14);
  for (const ReduceCase& c : all_reductions(table())) {
    note().what = c.entry->name;
    for (int trial = 0; trial < (c.is_tree() ? 30 : 10); ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t columns = random.chance(50) ? 1 : random.between(1, 9);
      const int64_t part = kLeaf << random.below(4);
      const int64_t n = random.between(1, 6 * part);
      const Elements x = elements(random, c, n * columns, trial % 5 == 0);
      const Elements means = random_means(random, c, columns);
      const Bytes bytes = pack(c.type, x);
      States whole(c, columns, means);
      whole.step(bytes.data(), n);
      std::vector<int64_t> parts;
      for (int64_t row = 0; row < n; row += part) parts.push_back(row);
      if (!c.is_tree()) std::shuffle(parts.begin(), parts.end(), std::mt19937_64(random.bits()));
      States merged(c, columns, means);
      for (const int64_t row : parts) {
        States piece(c, columns, means);
        piece.go_to(row);
        piece.step(bytes.data() + row * columns * c.size(), std::min(part, n - row));
        merged.merge(piece);
      }
      const Elements want = whole.finish(), got = merged.finish();
      for (size_t k = 0; k < got.size(); ++k) {
        ASSERT_TRUE(same(c, got[k], want[k]))
            << note() << " rows " << n << " in parts of " << part << " column " << k;
      }
    }
  }
}

TEST_P(ReduceKernelTest, MergingAnEmptyStateChangesNothing) {
  Random random(15);
  for (const ReduceCase& c : all_reductions(table())) {
    const Elements x = elements(random, c, 256, false), means = random_means(random, c, 1);
    const Bytes bytes = pack(c.type, x);
    States states(c, 1, means), empty(c, 1, means);
    states.step(bytes.data(), 256);
    states.merge(empty);
    States fresh(c, 1, means);
    fresh.merge(states);
    EXPECT_TRUE(same(c, fresh.finish()[0], expected(c, x, means[0])));
  }
}

TEST_P(ReduceKernelTest, FoldingNothing) {
  for (const ReduceCase& c : all_reductions(table())) {
    if (is_extreme(c.op) && !is_arg(c.op)) continue;  // an error that callers find
    const Elements got = States(c, 3, Elements(3)).finish();
    const Element want =
        is_arg(c.op) ? Element{~uint64_t{0}} : reference::fold(c.op, c.type, Elements());
    for (const Element& element : got) EXPECT_TRUE(same(c, element, want));
  }
}

// ---- whole ----

// Columns of packed items at any step from each other.
struct WholeCase {
  int64_t rows, columns, column_step;
};

void check_whole(const ReduceCase& c, const WholeCase& w, Random& random, GuardedBuffer& buffer) {
  const int64_t column_bytes = w.rows * c.size();
  const int64_t reach = std::abs(w.column_step) * (w.columns - 1) + column_bytes;
  unsigned char* src = buffer.place(static_cast<size_t>(reach), random.pick(kBothSides));
  unsigned char* first = w.column_step < 0 ? src - w.column_step * (w.columns - 1) : src;
  const bool specials = random.chance(20);
  for (int64_t k = 0; k < w.columns; ++k) {
    const Bytes bytes = pack(c.type, elements(random, c, w.rows, specials));
    std::memcpy(first + k * w.column_step, bytes.data(), bytes.size());
  }
  // One mean for all columns or one each.
  const bool one_mean = random.chance(30);
  const Elements means = random_means(random, c, one_mean ? 1 : w.columns);
  const Means packed(c, means);
  sc_run run = reduce_run(c, w.columns);
  packed.set(run);
  run.n[0] = w.rows;
  run.src = first;
  run.src_step[0] = c.size();
  run.src_step[1] = w.column_step;
  const Elements got = whole_results(c, run);
  States states(c, 1, means);
  for (int64_t k = 0; k < w.columns; ++k) {
    const unsigned char* column = first + k * w.column_step;
    const Element mean = means[static_cast<size_t>(one_mean ? 0 : k)];
    states.restart({mean});
    states.step(column, w.rows);
    const Element stepped = states.finish()[0];
    ASSERT_EQ(got[static_cast<size_t>(k)], stepped)
        << note() << ": column " << k << " of " << w.columns << ", " << w.column_step
        << " bytes apart, gave " << to_text(c.result, got[static_cast<size_t>(k)]) << ", in steps "
        << to_text(c.result, stepped);
    if (k % 5 != 0) continue;
    Elements x;
    for (int64_t row = 0; row < w.rows; ++row) x.push_back(load(column + row * c.size(), c.type));
    ASSERT_TRUE(same(c, stepped, expected(c, x, mean))) << note() << " column " << k;
  }
}

TEST_P(ReduceKernelTest, WholeColumnsAreAsInSteps) {
  Random random(16);
  GuardedBuffer buffer(256 * 1024);
  std::vector<int64_t> lengths;
  for (int64_t n = 1; n <= 40; ++n) lengths.push_back(n);
  for (int64_t n : {63,  64,  65,  100, 120,  127,  128,  129,  136,  200,  255,  256,  257,
                    384, 511, 512, 513, 1000, 1023, 1024, 1025, 1160, 2047, 2048, 2049, 3001}) {
    lengths.push_back(n);
  }
  for (const ReduceCase& c : all_reductions(table())) {
    note().what = c.entry->name;
    for (const int64_t n : lengths) {
      note().length = n;
      const int64_t columns = n <= 300 ? random.between(1, 20) : random.between(1, 3);
      const int64_t apart = n * c.size() + (random.chance(50) ? 0 : random.between(0, 9));
      const int64_t step =
          random.pick(std::vector<int64_t>{apart, apart, -apart, 0, c.size(), -c.size()});
      check_whole(c, {n, columns, step}, random, buffer);
      if (HasFatalFailure()) return;
    }
  }
}

// ---- every second item ----

std::vector<ReduceCase> reductions_of_every_second(const kernels::KernelTable& table) {
  std::vector<ReduceCase> cases = all_reductions(table);
  std::erase_if(cases, [](const ReduceCase& c) { return c.entry->every_second == 0; });
  return cases;
}

// Up to several vectors and leaves, and around where kernels begin anew.
std::vector<int64_t> lengths_of_every_second() {
  std::vector<int64_t> lengths(36);
  std::iota(lengths.begin(), lengths.end(), 1);
  for (int64_t n = 48; n < 300; n += 17) lengths.push_back(n);
  for (const int64_t n : {63, 64, 65, 127, 128, 129, 130, 255, 256, 257, 1024, 1025, 1026, 2177}) {
    lengths.push_back(n);
  }
  return lengths;
}

// The bytes that n items two apart span, from the first to the last.
int64_t reach_two_apart(const ReduceCase& c, int64_t n) { return (2 * n - 1) * c.size(); }

// Junk, of which half is NaN as far as types have it.
void fill_with_junk(Random& random, unsigned char* data, int64_t size, int64_t item) {
  for (int64_t at = 0; at < size; at += item) {
    const uint64_t bits = random.chance(50) ? ~uint64_t{0} : random.bits();
    for (int64_t i = at; i < std::min(at + item, size); ++i) {
      data[i] = static_cast<unsigned char>(bits >> (i - at) % 8 * 8);
    }
  }
}

void store_two_apart(const ReduceCase& c, const Elements& x, unsigned char* first) {
  for (size_t i = 0; i < x.size(); ++i) {
    store(first + 2 * static_cast<int64_t>(i) * c.size(), c.type, x[i]);
  }
}

TEST_P(ReduceKernelTest, SomeTakeEverySecondItem) {
  const std::vector<ReduceCase> cases = reductions_of_every_second(table());
  for (const Op op : {Op::kSum, Op::kMin, Op::kMax, Op::kAny, Op::kCountNonzero}) {
    EXPECT_TRUE(std::any_of(cases.begin(), cases.end(), [=](const ReduceCase& c) {
      return c.op == op && c.type == DType::kFloat32;
    })) << static_cast<int>(op);
  }
}

// Of one column: as those items packed, at once and in two steps.
TEST_P(ReduceKernelTest, EverySecondItemOfOneColumn) {
  Random random(21);
  GuardedBuffer buffer(64 * 1024);
  for (const ReduceCase& c : reductions_of_every_second(table())) {
    note().what = c.entry->name;
    States states(c, 1, Elements(1));
    for (const int64_t n : lengths_of_every_second()) {
      note().length = n;
      const Elements x = elements(random, c, n, n % 4 == 0), means = random_means(random, c, 1);
      states.restart(means);
      states.step(pack(c.type, x).data(), n);
      const Element want = states.finish()[0];
      for (const Flush side : kBothSides) {
        const int64_t reach = reach_two_apart(c, n);
        unsigned char* src = buffer.place(static_cast<size_t>(reach), side);
        fill_with_junk(random, src, reach, c.size());
        store_two_apart(c, x, src);
        for (const int64_t split : {n, random.between(1, n)}) {
          states.restart(means);
          states.step(src, split, 2 * c.size());
          if (split < n) states.step(src + 2 * split * c.size(), n - split, 2 * c.size());
          ASSERT_EQ(states.finish()[0], want)
              << note() << ", split " << split << ", expected " << to_text(c.result, want);
        }
      }
    }
  }
}

// Columns in each other's gaps, on one spot, or apart, on either side of the first.
TEST_P(ReduceKernelTest, EverySecondItemOfWholeColumns) {
  Random random(22);
  GuardedBuffer buffer(512 * 1024);
  for (const ReduceCase& c : reductions_of_every_second(table())) {
    note().what = c.entry->name;
    for (const int64_t n : lengths_of_every_second()) {
      note().length = n;
      const int64_t columns = random.between(1, n <= 300 ? 20 : 3);
      const int64_t apart = reach_two_apart(c, n) + (random.chance(50) ? 0 : random.between(0, 9));
      const int64_t step =
          random.pick(std::vector<int64_t>{apart, apart, -apart, 0, c.size(), -c.size()});
      const int64_t reach = std::abs(step) * (columns - 1) + reach_two_apart(c, n);
      const bool specials = random.chance(20);
      const Elements means = random_means(random, c, columns);
      const Means packed_means(c, means);
      for (const Flush side : kBothSides) {
        unsigned char* src = buffer.place(static_cast<size_t>(reach), side);
        unsigned char* first = step < 0 ? src - step * (columns - 1) : src;
        fill_with_junk(random, src, reach, c.size());
        for (int64_t k = 0; k < columns; ++k) {
          store_two_apart(c, elements(random, c, n, specials), first + k * step);
        }
        sc_run run = reduce_run(c, columns);
        packed_means.set(run);
        run.n[0] = n;
        run.src = first;
        run.src_step[0] = 2 * c.size();
        run.src_step[1] = step;
        const Elements got = whole_results(c, run);
        Elements packed;  // the columns, as they were left by those that overlap
        for (int64_t at = 0; at < n * columns; ++at) {
          packed.push_back(load(first + at / n * step + at % n * 2 * c.size(), c.type));
        }
        const Bytes bytes = pack(c.type, packed);
        run.src = bytes.data();
        run.src_step[0] = c.size();
        run.src_step[1] = n * c.size();
        ASSERT_EQ(got, whole_results(c, run))
            << note() << ", " << columns << " columns, " << step << " bytes apart";
      }
    }
  }
}

// ---- join ----

// A state of as many columns as groups have in all, joined to one of a column a group, twice.
void check_join(const ReduceCase& c, Random& random) {
  const int64_t groups = random.between(1, 5), in_group = random.between(1, 150);
  const int64_t columns = groups * in_group, rows = random.between(1, 6);
  // Indices of groups in C order, or turned: rows before columns.
  const bool turned = random.chance(50);
  const int64_t share = turned ? 2 * rows * kIndexStep : 1;
  States joined(c, groups);
  Elements x = elements(random, c, 2 * rows * columns, random.chance(30));
  for (int half = 0; half < 2; ++half) {
    States parts(c, columns);
    parts.go_to(half * rows);
    const Elements some(x.begin() + half * rows * columns, x.begin() + (half + 1) * rows * columns);
    const Bytes bytes = pack(c.type, some);
    parts.step(bytes.data(), rows);
    joined.join(parts, share);
  }
  const Elements got = joined.finish();
  for (int64_t group = 0; group < groups; ++group) {
    // By index. Where columns are nearer than rows, two items can have the same one.
    std::vector<std::pair<int64_t, Element>> items;
    for (int64_t row = 0; row < 2 * rows; ++row) {
      for (int64_t k = 0; k < in_group; ++k) {
        items.push_back({kFirstIndex + row * kIndexStep + k * share,
                         x[static_cast<size_t>(row * columns + group * in_group + k)]});
      }
    }
    std::stable_sort(items.begin(), items.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Elements in_order;
    for (const auto& [index, element] : items) in_order.push_back(element);
    Element want = reference::fold(c.op, c.type, in_order);
    if (is_arg(c.op)) want.re = static_cast<uint64_t>(items[want.re].first);
    ASSERT_TRUE(same(c, got[static_cast<size_t>(group)], want))
        << note() << " group " << group << " of " << groups << " by " << in_group << ", " << rows
        << " rows, share " << share;
  }
}

TEST_P(ReduceKernelTest, JoinedGroupsAreAllOfTheirItems) {
  Random random(17);
  for (const ReduceCase& c : all_reductions(table())) {
    if (c.entry->join == nullptr) continue;
    note().what = c.entry->name;
    for (int trial = 0; trial < 20; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      check_join(c, random);
      if (HasFatalFailure()) return;
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(ReduceKernelTest);

}  // namespace
}  // namespace stridecast::testing
