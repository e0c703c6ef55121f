#include "tests/support/sum_kernel_check.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "tests/reference/reduce.h"
#include "tests/reference/sums.h"
#include "tests/support/case_note.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/packed_kernel_check.h"

namespace stridecast::testing {
namespace {

constexpr int64_t kLeaf = 128;
constexpr int64_t kLengths[] = {1, 2, 7, 8, 9, 63, 127, 128, 129, 1000, 1024, 1153, 2049};

Series unpack(const SumCase& c, const Bytes& bytes) {
  Series bits;
  const int size = reference::size(c.result);
  for (size_t at = 0; at < bytes.size(); at += static_cast<size_t>(size)) {
    bits.push_back(static_cast<uint64_t>(reference::load(bytes.data() + at, size)));
  }
  return bits;
}

uint64_t infinity_bits(DType type) {
  bool overflow;
  return static_cast<uint64_t>(reference::round_to_float(type, false, 1, 5000, &overflow));
}

uint64_t element(Random& random, DType type, Spread spread) {
  const uint64_t all = random.bits() >> (64 - 8 * reference::size(type));
  const uint64_t infinity = infinity_bits(type), sign = all & sign_bit(type);
  if (spread == Spread::kSpecials && random.chance(4)) {
    return sign | random.pick(Series{0, 1, infinity, infinity + 1, infinity | infinity >> 1,
                                     infinity - 1, infinity - 2});
  }
  if (spread == Spread::kSpecials && random.chance(30)) return sign;
  if (spread == Spread::kAny) return (all & ~sign_bit(type)) < infinity ? all : sign;
  const bool half = reference::size(type) == 2;
  const int reach = spread == Spread::kFar ? (half ? 20 : 100) : (half ? 6 : 20);
  bool overflow;
  return static_cast<uint64_t>(reference::round_to_float(
      type, sign != 0, random.bits() | 1, -64 - static_cast<int>(random.below(reach)), &overflow));
}

}  // namespace

uint64_t SumCase::expected(const Series& x) const {
  return kernel == kernels::kReduceSumCompensated ? reference::compensated_sum(part, x)
                                                  : reference::exact_sum(part, x);
}

bool has_sum(const kernels::KernelTable& table, kernels::ReduceKernel kernel, DType type,
             bool joins) {
  const sc_reduce_entry& e = table.reduce[kernel][static_cast<size_t>(type)];
  return e.init != nullptr && e.step != nullptr && e.merge != nullptr && e.finish != nullptr &&
         e.whole != nullptr && (e.join != nullptr) == joins && e.state_column_bytes > 0;
}

SumCase float_case(const kernels::KernelTable& table, kernels::ReduceKernel kernel, DType type) {
  SumCase c;
  c.entry = &table.reduce[kernel][static_cast<size_t>(type)];
  c.kernel = kernel;
  c.part = is_complex(type) ? reference::part_type(type) : type;
  c.parts = is_complex(type) ? 2 : 1;
  c.result = reference::accumulator(c.part);
  return c;
}

std::vector<SumCase> float_cases(const kernels::KernelTable& table, kernels::ReduceKernel kernel) {
  std::vector<SumCase> cases;
  for (const DType type : kFloatTypes) cases.push_back(float_case(table, kernel, type));
  return cases;
}

sc_run reduce_run(const SumCase& c, int64_t columns) {
  sc_run run = reduce_run(columns, c.size(), c.result_size());
  run.params = &c.params;
  run.aux[0] = c.counts.data();
  run.aux_step[0][1] = c.counts.size() > 1 ? sizeof(double) : 0;
  return run;
}

Series whole_results(const SumCase& c, const sc_run& run, uint32_t* errors) {
  return unpack(c, reduce_results(*c.entry, c.entry->whole, run, errors));
}

Sums::Sums(const SumCase& c, int64_t columns)
    : StateBlock(*c.entry, reduce_run(c, columns)), c_(c) {
  restart();
}

void Sums::step(const Series& x) {
  step(pack(c_.part, x).data(), static_cast<int64_t>(x.size()) / (columns() * c_.parts));
}

Series Sums::finish(uint32_t* errors) const { return unpack(c_, StateBlock::finish(errors)); }

Series Sums::finish() const {
  uint32_t errors = 0;
  Series bits = finish(&errors);
  EXPECT_EQ(errors, 0u);
  return bits;
}

uint64_t sign_bit(DType type) { return uint64_t{1} << (reference::size(type) * 8 - 1); }

Series elements(Random& random, const SumCase& c, int64_t count, Spread spread) {
  Series x;
  for (int64_t i = 0; i < count * c.parts; ++i) x.push_back(element(random, c.part, spread));
  return x;
}

Series column(const Series& x, int64_t width, int64_t at) {
  Series out;
  for (auto i = static_cast<size_t>(at); i < x.size(); i += static_cast<size_t>(width)) {
    out.push_back(x[i]);
  }
  return out;
}

::testing::AssertionResult right(const SumCase& c, const Series& x, int64_t columns,
                                 const Series& got) {
  const int64_t width = columns * c.parts;
  for (int64_t k = 0; k < width; ++k) {
    const uint64_t want = c.expected(column(x, width, k));
    if (got[static_cast<size_t>(k)] == want) continue;
    return ::testing::AssertionFailure()
           << note() << ": " << c.entry->name << " of " << x.size() / static_cast<size_t>(width)
           << " rows gave " << reference::to_text(c.result, got[static_cast<size_t>(k)])
           << ", expected " << reference::to_text(c.result, want) << ", part " << k << " of "
           << width;
  }
  return ::testing::AssertionSuccess();
}

// ---- the trials of both kernels for floats ----

void check_every_length(const std::vector<SumCase>& cases) {
  Random random(21);
  GuardedBuffer buffer(128 * 1024);
  for (const SumCase& c : cases) {
    note().what = c.entry->name;
    std::vector<int64_t> lengths(290);
    std::iota(lengths.begin(), lengths.end(), 1);
    for (const int64_t around : {1024, 2048, 4096}) {
      for (int64_t n = around - 9; n <= around + 9; n += 3) lengths.push_back(n);
    }
    for (const int64_t n : lengths) {
      note().length = n;
      const Series x = elements(random, c, n, random.pick(kSpreads));
      const std::vector<unsigned char> bytes = pack(c.part, x);
      for (const Flush side : kBothSides) {
        const int64_t gap = n % (2 * c.size());
        unsigned char* src = buffer.place(bytes.size(), side, static_cast<size_t>(gap));
        std::memcpy(src, bytes.data(), bytes.size());
        Sums sums(c, 1);
        sums.step(src, n);
        ASSERT_TRUE(right(c, x, 1, sums.finish()));
      }
    }
  }
}

void check_pieces(const std::vector<SumCase>& cases) {
  Random random(22);
  for (const SumCase& c : cases) {
    note().what = c.entry->name;
    for (int trial = 0; trial < 40; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t n = random.between(1, 3000);
      const int64_t columns = random.chance(50) ? 1 : random.between(2, 40);
      const Series x = elements(random, c, n * columns, random.pick(kSpreads));
      const std::vector<unsigned char> bytes = pack(c.part, x);
      Sums sums(c, columns);
      for (int64_t row = 0; row < n;) {
        const int64_t rows = std::min(n - row, random.chance(30) ? 1 : random.between(1, 400));
        sums.step(bytes.data() + row * columns * c.size(), rows);
        row += rows;
      }
      ASSERT_TRUE(right(c, x, columns, sums.finish()));
    }
  }
}

void check_rows(const std::vector<SumCase>& cases) {
  Random random(23);
  GuardedBuffer buffer(1024 * 1024);
  for (const SumCase& c : cases) {
    note().what = c.entry->name;
    for (int64_t columns = 1; columns <= 300; columns += columns < 20 ? 1 : columns / 3) {
      note().length = columns;
      const int64_t rows = random.between(1, columns > 100 ? 90 : 300);
      const int64_t sign = random.chance(50) ? -1 : 1;
      const int64_t row_step =
          random.chance(10) ? 0 : sign * (columns * c.size() + random.pick(kGaps));
      const auto reach = static_cast<size_t>(std::abs(row_step) * (rows - 1) + columns * c.size());
      unsigned char* src = buffer.place(reach, random.pick(kBothSides));
      unsigned char* first = row_step < 0 ? src - row_step * (rows - 1) : src;
      const Spread spread = random.pick(kSpreads);
      Series all;
      for (int64_t row = 0; row < rows; ++row) {
        Series x = elements(random, c, columns, spread);
        if (row_step == 0 && row > 0) x.assign(all.begin(), all.begin() + columns * c.parts);
        const std::vector<unsigned char> bytes = pack(c.part, x);
        std::memcpy(first + row * row_step, bytes.data(), bytes.size());
        all.insert(all.end(), x.begin(), x.end());
      }
      Sums sums(c, columns);
      sums.step(first, rows, row_step);
      ASSERT_TRUE(right(c, all, columns, sums.finish()));
    }
  }
}

void check_whole_columns(const std::vector<SumCase>& cases) {
  Random random(24);
  GuardedBuffer buffer(2 * 1024 * 1024);
  for (const SumCase& c : cases) {
    note().what = c.entry->name;
    for (int trial = 0; trial < 120; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t n = random.pick(kLengths);
      const int64_t columns = random.between(1, 20);
      const int64_t sign = random.chance(50) ? -1 : 1;
      const int64_t step = random.chance(10) ? 0 : sign * (n * c.size() + random.pick(kGaps));
      const auto reach = static_cast<size_t>(std::abs(step) * (columns - 1) + n * c.size());
      unsigned char* src = buffer.place(reach, random.pick(kBothSides));
      unsigned char* first = step < 0 ? src - step * (columns - 1) : src;
      const Spread spread = random.pick(kSpreads);
      std::vector<Series> each;
      for (int64_t k = 0; k < columns; ++k) {
        each.push_back(step == 0 && k > 0 ? each[0] : elements(random, c, n, spread));
        const std::vector<unsigned char> bytes = pack(c.part, each.back());
        std::memcpy(first + k * step, bytes.data(), bytes.size());
      }
      sc_run run = reduce_run(c, columns);
      run.n[0] = n;
      run.src = first;
      run.src_step[0] = c.size();
      run.src_step[1] = step;
      uint32_t errors = 0;
      const Series got = whole_results(c, run, &errors);
      ASSERT_EQ(errors, 0u);
      for (int64_t k = 0; k < columns; ++k) {
        const auto at = got.begin() + k * c.parts;
        ASSERT_TRUE(right(c, each[static_cast<size_t>(k)], 1, Series(at, at + c.parts)))
            << "column " << k << " of " << columns << ", " << step << " bytes apart";
      }
    }
  }
}

void check_special_values(const std::vector<SumCase>& cases) {
  Random random(25);
  for (const SumCase& c : cases) {
    note().what = c.entry->name;
    const uint64_t infinity = infinity_bits(c.part), sign = sign_bit(c.part);
    const Series specials = {
        infinity, sign | infinity, infinity + 1, sign | (infinity + 1), infinity - 1, 1};
    for (int64_t at = 0; at < 2 * kLeaf * c.parts; ++at) {
      for (const uint64_t special : specials) {
        note().length = at;
        Series x = elements(random, c, 2 * kLeaf + 5, Spread::kNear);
        x[static_cast<size_t>(at)] = special;
        if (random.chance(20)) x[static_cast<size_t>(random.below(40))] = random.pick(specials);
        Sums sums(c, 1);
        sums.step(x);
        ASSERT_TRUE(right(c, x, 1, sums.finish()));
      }
    }
  }
}

void check_zeros(const std::vector<SumCase>& cases) {
  for (const SumCase& c : cases) {
    note().what = c.entry->name;
    const uint64_t minus = sign_bit(c.part), minus_result = sign_bit(c.result);
    const auto parts = static_cast<size_t>(c.parts);
    Sums nothing(c, 3);
    EXPECT_EQ(nothing.finish(), Series(3 * parts, 0));
    for (const size_t n : {1, 5, 128, 129, 1024, 5000}) {
      Series x(n * parts, minus);
      Sums all_minus(c, 1);
      all_minus.step(x);
      EXPECT_EQ(all_minus.finish(), Series(parts, minus_result)) << n;
      std::fill(x.begin(), x.begin() + c.parts, 0);
      Sums one_plus(c, 1);
      one_plus.step(x);
      EXPECT_EQ(one_plus.finish(), Series(parts, 0)) << n;
      // What cancels is +0.0.
      if (n == 1) continue;
      bool overflow;
      const auto one =
          static_cast<uint64_t>(reference::round_to_float(c.part, false, 1, 0, &overflow));
      std::fill(x.begin(), x.begin() + c.parts, one);
      std::fill(x.end() - c.parts, x.end(), minus | one);
      Sums cancelled(c, 1);
      cancelled.step(x);
      EXPECT_EQ(cancelled.finish(), Series(parts, 0)) << n;
    }
  }
}

}  // namespace stridecast::testing
