// Reduce kernels: init, step, merge and finish over states, held to the summation tree of
// docs/numeric_policy.md however the elements arrive: all at once, in pieces, in rows, or in parts
// that are merged.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/reference/reduce.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

constexpr int64_t kLeaf = 128;

struct ReduceCase {
  const sc_reduce_entry* entry;
  reference::Op op;
  DType type, result;
};

DType result_of(reference::Op op, DType type) {
  switch (op) {
    case reference::Op::kAny:
    case reference::Op::kAll:
      return DType::kBool;
    case reference::Op::kCountNonzero:
      return DType::kInt64;
    case reference::Op::kSum:
      return reference::accumulator(type);
    default:
      return type;
  }
}

// What depends on the order of its elements is tried more often.
bool is_tree(const ReduceCase& c) {
  return c.op == reference::Op::kSum && reference::is_float(c.type);
}

// Every kernel by every source type.
std::vector<ReduceCase> all_reductions(const kernels::KernelTable& table) {
  std::vector<ReduceCase> cases;
  for (int at = 0; at < kNumArithmetic; ++at) {
    const auto type = static_cast<DType>(at);
    for (int kernel = 0; kernel < kernels::kNumReduceKernels; ++kernel) {
      const auto op = static_cast<reference::Op>(kernel);
      cases.push_back({&table.reduce[kernel][at], op, type, result_of(op, type)});
    }
  }
  return cases;
}

// A state block for some columns, between guard pages on the side where it ends.
class States {
 public:
  States(const ReduceCase& c, int64_t columns, Flush side = Flush::kRight)
      : entry_(*c.entry),
        size_(reference::size(c.type)),
        result_size_(reference::size(c.result)),
        columns_(columns),
        memory_(bytes()),
        data_(memory_.place(bytes(), side)) {
    std::memset(data_, 0xEE, bytes());
    sc_run run = base();
    EXPECT_EQ(entry_.init(&run), 0u);
  }

  // n rows of columns packed elements, rows row_step bytes apart.
  void step(const void* src, int64_t rows, int64_t row_step) {
    sc_run run = base();
    run.n[0] = rows;
    run.src = src;
    run.src_step[0] = row_step;
    run.src_step[1] = size_;
    EXPECT_EQ(entry_.step(&run), 0u);
    EXPECT_EQ(memory_.damage(), 0) << entry_.name;
  }
  void step(const void* src, int64_t rows) { step(src, rows, columns_ * size_); }

  void merge(const States& later) {
    sc_run run = base();
    run.src = later.data_;
    EXPECT_EQ(entry_.merge(&run), 0u);
  }

  std::vector<uint64_t> finish() {
    GuardedBuffer out(static_cast<size_t>(columns_ * result_size_));
    unsigned char* dst = out.place(static_cast<size_t>(columns_ * result_size_), Flush::kRight);
    sc_run run = base();
    run.dst = dst;
    run.dst_step[1] = result_size_;
    run.dst_step[0] = columns_ * result_size_;
    EXPECT_EQ(entry_.finish(&run), 0u);
    EXPECT_EQ(out.damage(), 0) << entry_.name;
    std::vector<uint64_t> bits;
    for (int64_t k = 0; k < columns_; ++k) {
      bits.push_back(static_cast<uint64_t>(
          reference::load(dst + k * result_size_, static_cast<int>(result_size_))));
    }
    return bits;
  }

 private:
  size_t bytes() const {
    return static_cast<size_t>(entry_.state_header_bytes + columns_ * entry_.state_column_bytes);
  }
  sc_run base() const {
    sc_run run = {};
    run.struct_size = sizeof run;
    run.n[0] = 1;
    run.n[1] = columns_;
    run.src_size = size_;
    run.dst_size = result_size_;
    run.state = data_;
    return run;
  }

  const sc_reduce_entry& entry_;
  int64_t size_, result_size_, columns_;
  GuardedBuffer memory_;
  unsigned char* data_;
};

// Numbers whose sum depends on every association: magnitudes over 60 binades, both signs.
std::vector<uint64_t> elements(Random& random, DType type, int64_t count, bool specials) {
  std::vector<uint64_t> out;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = random.bits() >> (64 - 8 * reference::size(type));
    if (type == DType::kBool) bits = bits % 3;
    if (specials && random.chance(40)) bits = 0;
    const bool wide = reference::size(type) >= 4;
    if (reference::is_float(type) && (wide || random.chance(50))) {
      bool overflow;
      const int scale =
          static_cast<int>(wide ? random.between(-83, -23) : random.between(-70, -40));
      bits = static_cast<uint64_t>(reference::round_to_float(
          type, random.chance(50), random.bits() >> 11, scale, &overflow));
      if (specials && random.chance(3)) {
        const uint64_t sign =
            random.chance(50) ? uint64_t{1} << (reference::size(type) * 8 - 1) : 0;
        const auto inf =
            static_cast<uint64_t>(reference::round_to_float(type, false, 1, 5000, &overflow));
        bits = sign | random.pick(std::vector<uint64_t>{0, inf, inf + 1, inf | inf >> 1, 1});
      }
    }
    out.push_back(bits);
  }
  return out;
}

bool is_nan(DType type, uint64_t bits) {
  return reference::is_float(type) &&
         reference::decode(type, bits).cls == reference::Value::Class::kNan;
}

// Any NaN will do: its payload is the hardware's choice.
::testing::AssertionResult same(const ReduceCase& c, uint64_t got, uint64_t want) {
  if (got == want || (is_nan(c.result, got) && is_nan(c.result, want))) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << c.entry->name << " of " << reference::name(c.type)
                                       << " gave " << reference::to_text(c.result, got)
                                       << ", expected " << reference::to_text(c.result, want);
}

class ReduceKernelTest : public KernelTest {};

TEST_P(ReduceKernelTest, EveryReductionExists) {
  for (const ReduceCase& c : all_reductions(table())) {
    ASSERT_NE(c.entry->init, nullptr) << table().target << " " << reference::name(c.type);
    ASSERT_NE(c.entry->step, nullptr);
    ASSERT_NE(c.entry->merge, nullptr);
    ASSERT_NE(c.entry->finish, nullptr);
    EXPECT_GT(c.entry->state_column_bytes, 0);
  }
}

TEST_P(ReduceKernelTest, OneColumnEveryLength) {
  Random random(11);
  GuardedBuffer buffer(16 * 1024);
  for (const ReduceCase& c : all_reductions(table())) {
    const auto size = static_cast<size_t>(reference::size(c.type));
    note().what = c.entry->name;
    for (int64_t n = 1; n <= 1100; n = n < (is_tree(c) ? 300 : 70) ? n + 1 : n + 37) {
      const std::vector<uint64_t> x = elements(random, c.type, n, n % 4 == 0);
      const std::vector<unsigned char> bytes = pack(c.type, x);
      for (Flush side : kBothSides) {
        note().length = n;
        unsigned char* src = buffer.place(bytes.size(), side, side == Flush::kLeft ? 0 : n % size);
        std::memcpy(src, bytes.data(), bytes.size());
        States states(c, 1);
        states.step(src, n);
        ASSERT_TRUE(same(c, states.finish()[0], reference::fold(c.op, c.type, x))) << note();
      }
    }
  }
}

TEST_P(ReduceKernelTest, PiecesResumeWhereTheLastOneStopped) {
  Random random(12);
  for (const ReduceCase& c : all_reductions(table())) {
    const auto size = static_cast<int64_t>(reference::size(c.type));
    note().what = c.entry->name;
    for (int trial = 0; trial < (is_tree(c) ? 200 : 20); ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t n = random.between(1, 3000),
                    columns = random.chance(50) ? 1 : random.between(1, 40);
      const std::vector<uint64_t> x = elements(random, c.type, n * columns, trial % 5 == 0);
      const std::vector<unsigned char> bytes = pack(c.type, x);
      States states(c, columns);
      for (int64_t row = 0; row < n;) {
        const int64_t rows = std::min(n - row, random.chance(30) ? 1 : random.between(1, 400));
        states.step(bytes.data() + row * columns * size, rows);
        row += rows;
      }
      const std::vector<uint64_t> got = states.finish();
      for (int64_t k = 0; k < columns; ++k) {
        std::vector<uint64_t> column;
        for (int64_t row = 0; row < n; ++row) {
          column.push_back(x[static_cast<size_t>(row * columns + k)]);
        }
        ASSERT_TRUE(same(c, got[static_cast<size_t>(k)], reference::fold(c.op, c.type, column)))
            << note() << " rows " << n << " column " << k << " of " << columns;
      }
    }
  }
}

// Rows apart in memory, forwards, backwards and on one spot, against guard pages.
TEST_P(ReduceKernelTest, StridedRows) {
  Random random(13);
  GuardedBuffer buffer(256 * 1024);
  for (const ReduceCase& c : all_reductions(table())) {
    const auto size = static_cast<int64_t>(reference::size(c.type));
    note().what = c.entry->name;
    for (int64_t columns = 1; columns <= 70; columns = columns < 20 ? columns + 1 : columns + 7) {
      const int64_t rows = random.between(1, 300);
      const int64_t gap = random.between(0, 9);
      const int64_t sign = random.chance(50) ? -1 : 1;
      const int64_t row_step = random.chance(10) ? 0 : sign * (columns * size + gap);
      note().length = columns;
      const int64_t reach = std::abs(row_step) * (rows - 1) + columns * size;
      unsigned char* src = buffer.place(static_cast<size_t>(reach), random.pick(kBothSides));
      unsigned char* first = row_step < 0 ? src - row_step * (rows - 1) : src;
      std::vector<std::vector<uint64_t>> per_column(static_cast<size_t>(columns));
      for (int64_t row = 0; row < rows; ++row) {
        const std::vector<uint64_t> x = elements(random, c.type, columns, false);
        const std::vector<unsigned char> bytes = pack(c.type, x);
        if (row == 0 || row_step != 0) {
          std::memcpy(first + row * row_step, bytes.data(), bytes.size());
        }
        for (int64_t k = 0; k < columns; ++k) {
          auto& column = per_column[static_cast<size_t>(k)];
          column.push_back(row_step == 0 && row > 0 ? column[0] : x[static_cast<size_t>(k)]);
        }
      }
      States states(c, columns);
      states.step(first, rows, row_step);
      const std::vector<uint64_t> got = states.finish();
      for (size_t k = 0; k < got.size(); ++k) {
        ASSERT_TRUE(same(c, got[k], reference::fold(c.op, c.type, per_column[k])))
            << note() << " rows " << rows << " row step " << row_step << " column " << k;
      }
    }
  }
}

// Parts that begin at subtrees (a power of two of leaves, aligned to it) merge to the bits of one
// run.
TEST_P(ReduceKernelTest, MergeOfSubtrees) {
  Random random(14);
  for (const ReduceCase& c : all_reductions(table())) {
    const auto size = static_cast<int64_t>(reference::size(c.type));
    note().what = c.entry->name;
    for (int trial = 0; trial < (is_tree(c) ? 60 : 6); ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t columns = random.chance(50) ? 1 : random.between(1, 9);
      const int64_t part = kLeaf << random.below(4);
      const int64_t n = random.between(1, 6 * part);
      const std::vector<uint64_t> x = elements(random, c.type, n * columns, trial % 5 == 0);
      const std::vector<unsigned char> bytes = pack(c.type, x);
      States whole(c, columns);
      whole.step(bytes.data(), n);
      States merged(c, columns);
      for (int64_t row = 0; row < n; row += part) {
        States piece(c, columns);
        piece.step(bytes.data() + row * columns * size, std::min(part, n - row));
        merged.merge(piece);
      }
      const std::vector<uint64_t> want = whole.finish(), got = merged.finish();
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
    const std::vector<uint64_t> x = elements(random, c.type, 300, false);
    const std::vector<unsigned char> bytes = pack(c.type, x);
    States states(c, 1), empty(c, 1);
    states.step(bytes.data(), 256);
    states.merge(empty);
    States fresh(c, 1);
    fresh.merge(states);
    EXPECT_TRUE(same(c, fresh.finish()[0], reference::fold(c.op, c.type, std::span(x).first(256))));
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(ReduceKernelTest);

}  // namespace
}  // namespace stridecast::testing
