// The kernels of compensated, reproducible and wide sums against oracles that share nothing with
// them: however the elements arrive, all at once, in pieces, in rows, between guard pages,
// shuffled, or in parts that are merged or joined.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/reference/reduce.h"
#include "tests/reference/sums.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using kernels::WideSumParams;
using Series = std::vector<uint64_t>;  // bits of parts, one after the other

__extension__ typedef __int128 Int128;

constexpr int64_t kLeaf = 128;
constexpr int64_t kGaps[] = {0, 0, 1, 9};  // bytes between rows or columns
constexpr int64_t kLengths[] = {1, 2, 7, 8, 9, 63, 127, 128, 129, 1000, 1024, 1153, 2049};
constexpr DType kFloatTypes[] = {DType::kFloat16, DType::kBFloat16,       DType::kFloat32,
                                 DType::kFloat64, DType::kComplexFloat32, DType::kComplexFloat64};
constexpr DType kWideTypes[] = {DType::kInt64, DType::kUint64, DType::kDatetime64,
                                DType::kTimedelta64};

// One kernel for one source type.
struct SumCase {
  const sc_reduce_entry* entry = nullptr;
  kernels::ReduceKernel kernel = kernels::kReduceSum;
  DType part = DType::kFloat32;
  int64_t parts = 1;    // of an element
  DType result = part;  // of a part
  WideSumParams params = {};
  std::vector<double> counts = {};  // one for all columns, or as many as there are

  int64_t size() const { return parts * reference::size(part); }
  int64_t result_size() const { return parts * reference::size(result); }
  bool is_tree() const { return kernel == kernels::kReduceSumCompensated; }
  uint64_t expected(const Series& x) const {
    return is_tree() ? reference::compensated_sum(part, x) : reference::exact_sum(part, x);
  }
};

SumCase float_case(const kernels::KernelTable& table, kernels::ReduceKernel kernel, DType type) {
  SumCase c;
  c.entry = &table.reduce[kernel][static_cast<size_t>(type)];
  c.kernel = kernel;
  c.part = is_complex(type) ? reference::part_type(type) : type;
  c.parts = is_complex(type) ? 2 : 1;
  c.result = reference::accumulator(c.part);
  return c;
}

std::vector<SumCase> float_cases(const kernels::KernelTable& table) {
  std::vector<SumCase> cases;
  for (const DType type : kFloatTypes) {
    cases.push_back(float_case(table, kernels::kReduceSumCompensated, type));
    cases.push_back(float_case(table, kernels::kReduceSumReproducible, type));
  }
  return cases;
}

SumCase wide_case(const kernels::KernelTable& table, DType type, WideSumParams::Result result) {
  SumCase c;
  c.entry = &table.reduce[kernels::kReduceSumWide][static_cast<size_t>(type)];
  c.kernel = kernels::kReduceSumWide;
  c.part = type == DType::kUint64 ? DType::kUint64 : DType::kInt64;
  c.result = DType::kInt64;
  c.params = {result};
  return c;
}

sc_run base_run(const SumCase& c, int64_t columns) {
  sc_run run = {};
  run.struct_size = sizeof run;
  run.n[0] = 1;
  run.n[1] = columns;
  run.src_size = c.size();
  run.dst_size = c.result_size();
  run.params = &c.params;
  run.aux[0] = c.counts.data();
  run.aux_step[0][1] = c.counts.size() > 1 ? sizeof(double) : 0;
  return run;
}

// Calls a kernel that writes results, and reads them.
Series results(const SumCase& c, sc_kernel kernel, sc_run run, uint32_t* errors) {
  const int64_t columns = run.n[1];
  GuardedBuffer out(static_cast<size_t>(columns * c.result_size()));
  unsigned char* dst = out.place(static_cast<size_t>(columns * c.result_size()), Flush::kRight);
  run.dst = dst;
  run.dst_step[1] = c.result_size();
  run.dst_step[0] = columns * c.result_size();
  *errors = kernel(&run);
  EXPECT_EQ(out.damage(), 0) << c.entry->name;
  Series bits;
  const int size = reference::size(c.result);
  for (int64_t k = 0; k < columns * c.parts; ++k) {
    bits.push_back(static_cast<uint64_t>(reference::load(dst + k * size, size)));
  }
  return bits;
}

// A state block for some columns, between guard pages.
class Sums {
 public:
  Sums(const SumCase& c, int64_t columns)
      : c_(c), columns_(columns), memory_(bytes()), data_(memory_.place(bytes(), Flush::kRight)) {
    std::memset(data_, 0xEE, bytes());
    sc_run run = base();
    EXPECT_EQ(c_.entry->init(&run), 0u);
  }

  void step(const void* src, int64_t rows, int64_t row_step) {
    sc_run run = base();
    run.n[0] = rows;
    run.src = src;
    run.src_step[0] = row_step;
    run.src_step[1] = c_.size();
    EXPECT_EQ(c_.entry->step(&run), 0u);
    EXPECT_EQ(memory_.damage(), 0) << c_.entry->name;
  }
  void step(const void* src, int64_t rows) { step(src, rows, columns_ * c_.size()); }
  void step(const Series& x) {
    const std::vector<unsigned char> bytes = pack(c_.part, x);
    step(bytes.data(), static_cast<int64_t>(x.size()) / (columns_ * c_.parts));
  }

  uint32_t merge(const Sums& later) {
    sc_run run = base();
    run.src = later.data_;
    return c_.entry->merge(&run);
  }
  // The columns of `from`, so many at a time.
  void join(const Sums& from) {
    sc_run run = base();
    run.n[0] = from.columns_ / columns_;
    run.src = from.data_;
    EXPECT_EQ(c_.entry->join(&run), 0u);
    EXPECT_EQ(memory_.damage(), 0) << c_.entry->name;
  }

  Series finish(uint32_t* errors) {
    sc_run run = base();
    return results(c_, c_.entry->finish, run, errors);
  }
  Series finish() {
    uint32_t errors = 0;
    Series bits = finish(&errors);
    EXPECT_EQ(errors, 0u);
    return bits;
  }

 private:
  size_t bytes() const {
    return static_cast<size_t>(c_.entry->state_header_bytes +
                               columns_ * c_.entry->state_column_bytes);
  }
  sc_run base() const {
    sc_run run = base_run(c_, columns_);
    run.state = data_;
    return run;
  }

  const SumCase& c_;
  int64_t columns_;
  GuardedBuffer memory_;
  unsigned char* data_;
};

// How the magnitudes of elements are spread.
enum class Spread : uint8_t {
  kNear,      // within some binades, as most data
  kFar,       // over 160 binades, which take more than one try
  kAny,       // over all that the type has
  kSpecials,  // near, with zeros, infinities, NaNs, subnormals and the largest values
};
constexpr Spread kSpreads[] = {Spread::kNear, Spread::kFar, Spread::kAny, Spread::kSpecials};

uint64_t sign_bit(DType type) { return uint64_t{1} << (reference::size(type) * 8 - 1); }
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

Series elements(Random& random, const SumCase& c, int64_t count, Spread spread) {
  Series x;
  for (int64_t i = 0; i < count * c.parts; ++i) x.push_back(element(random, c.part, spread));
  return x;
}

// Every `width`th from the `at`th on.
Series column(const Series& x, int64_t width, int64_t at) {
  Series out;
  for (auto i = static_cast<size_t>(at); i < x.size(); i += static_cast<size_t>(width)) {
    out.push_back(x[i]);
  }
  return out;
}

// Rows of so many columns, whose results these are.
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

class SumAlgorithmsTest : public KernelTest {};

TEST_P(SumAlgorithmsTest, WhichKernelsThereAre) {
  const auto has = [&](kernels::ReduceKernel kernel, DType type, bool joins) {
    const sc_reduce_entry& e = table().reduce[kernel][static_cast<size_t>(type)];
    return e.init != nullptr && e.step != nullptr && e.merge != nullptr && e.finish != nullptr &&
           e.whole != nullptr && (e.join != nullptr) == joins && e.state_column_bytes > 0;
  };
  for (const DType type : kFloatTypes) {
    EXPECT_TRUE(has(kernels::kReduceSumCompensated, type, false)) << static_cast<int>(type);
    EXPECT_TRUE(has(kernels::kReduceSumReproducible, type, true)) << static_cast<int>(type);
  }
  for (const DType type : kWideTypes) {
    EXPECT_TRUE(has(kernels::kReduceSumWide, type, true)) << static_cast<int>(type);
  }
}

// Against guard pages on both sides, at every distance from an aligned address.
TEST_P(SumAlgorithmsTest, FloatsOfEveryLength) {
  Random random(21);
  GuardedBuffer buffer(128 * 1024);
  for (const SumCase& c : float_cases(table())) {
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

TEST_P(SumAlgorithmsTest, FloatsInPieces) {
  Random random(22);
  for (const SumCase& c : float_cases(table())) {
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

// Rows apart in memory, forwards, backwards and on one spot, against guard pages.
TEST_P(SumAlgorithmsTest, FloatsInRows) {
  Random random(23);
  GuardedBuffer buffer(1024 * 1024);
  for (const SumCase& c : float_cases(table())) {
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

// Columns apart in memory, of one leaf at most and of more.
TEST_P(SumAlgorithmsTest, WholeColumnsOfFloats) {
  Random random(24);
  GuardedBuffer buffer(2 * 1024 * 1024);
  for (const SumCase& c : float_cases(table())) {
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
      sc_run run = base_run(c, columns);
      run.n[0] = n;
      run.src = first;
      run.src_step[0] = c.size();
      run.src_step[1] = step;
      uint32_t errors = 0;
      const Series got = results(c, c.entry->whole, run, &errors);
      ASSERT_EQ(errors, 0u);
      for (int64_t k = 0; k < columns; ++k) {
        const auto at = got.begin() + k * c.parts;
        ASSERT_TRUE(right(c, each[static_cast<size_t>(k)], 1, Series(at, at + c.parts)))
            << "column " << k << " of " << columns << ", " << step << " bytes apart";
      }
    }
  }
}

TEST_P(SumAlgorithmsTest, SpecialValuesAtEveryPlaceOfALeaf) {
  Random random(25);
  for (const SumCase& c : float_cases(table())) {
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

TEST_P(SumAlgorithmsTest, ZerosKeepTheirSign) {
  for (const SumCase& c : float_cases(table())) {
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

// ---- compensated sums ----

TEST_P(SumAlgorithmsTest, CompensatedMergeOfSubtrees) {
  Random random(31);
  for (const DType type : kFloatTypes) {
    const SumCase c = float_case(table(), kernels::kReduceSumCompensated, type);
    note().what = c.entry->name;
    for (int trial = 0; trial < 60; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t columns = random.chance(50) ? 1 : random.between(2, 9);
      const int64_t part = kLeaf << random.below(4);
      const int64_t n = random.between(1, 6 * part);
      const Series x = elements(random, c, n * columns, random.pick(kSpreads));
      const std::vector<unsigned char> bytes = pack(c.part, x);
      Sums merged(c, columns);
      for (int64_t row = 0; row < n; row += part) {
        Sums piece(c, columns);
        piece.step(bytes.data() + row * columns * c.size(), std::min(part, n - row));
        ASSERT_EQ(merged.merge(piece), 0u);
      }
      ASSERT_TRUE(right(c, x, columns, merged.finish()));
    }
  }
}

TEST_P(SumAlgorithmsTest, CompensatedMergeSaysWhatDoesNotFit) {
  const SumCase c = float_case(table(), kernels::kReduceSumCompensated, DType::kFloat32);
  const auto of = [&](size_t n) {
    auto sums = std::make_unique<Sums>(c, 1);
    if (n > 0) sums->step(Series(n, 0x3f800000));
    return sums;
  };
  EXPECT_EQ(of(1)->merge(*of(1)), SC_ERR_USER);
  EXPECT_EQ(of(128)->merge(*of(256)), SC_ERR_USER);
  EXPECT_EQ(of(128)->merge(*of(128)), 0u);
  EXPECT_EQ(of(1)->merge(*of(0)), 0u);
  const auto sums = of(384);
  EXPECT_EQ(sums->merge(*of(300)), SC_ERR_USER);
  EXPECT_EQ(sums->finish()[0], std::bit_cast<uint32_t>(384.0f)) << "must be as it was";
  EXPECT_EQ(sums->merge(*of(255)), 0u);
  EXPECT_EQ(sums->finish()[0], std::bit_cast<uint32_t>(639.0f));
}

// The error is one rounding and n eps^2 of the magnitudes, whatever cancels.
TEST_P(SumAlgorithmsTest, CompensatedSumsAreNearlyExact) {
  Random random(32);
  const SumCase c = float_case(table(), kernels::kReduceSumCompensated, DType::kFloat64);
  for (int trial = 0; trial < 100; ++trial) {
    Series x = elements(random, c, random.between(2, 5000), Spread::kNear);
    for (size_t i = 0; i + 1 < x.size() && trial % 2 == 0; i += 2) {
      x[i + 1] = x[i] ^ sign_bit(c.part) ^ (random.bits() & 0xff);  // nearly all of it
    }
    double magnitudes = 0;
    for (const uint64_t bits : x) magnitudes += std::abs(std::bit_cast<double>(bits));
    Sums sums(c, 1);
    sums.step(x);
    const auto got = std::bit_cast<double>(sums.finish()[0]);
    const auto exact = std::bit_cast<double>(reference::exact_sum(c.part, x));
    const double eps = std::numeric_limits<double>::epsilon();
    EXPECT_LE(std::abs(got - exact),
              eps * std::abs(exact) + static_cast<double>(x.size()) * eps * eps * magnitudes);
  }
  // Neumaier's own example, which Kahan's sum gets wrong.
  const double values[] = {1, 1e100, 1, -1e100};
  Series x;
  for (const double v : values) x.push_back(std::bit_cast<uint64_t>(v));
  Sums sums(c, 1);
  sums.step(x);
  EXPECT_EQ(sums.finish()[0], std::bit_cast<uint64_t>(2.0));
}

// ---- reproducible sums ----

TEST_P(SumAlgorithmsTest, ReproducibleInAnyOrderAndSplit) {
  Random random(41);
  std::mt19937_64 engine(41);
  for (const DType type : {DType::kBFloat16, DType::kFloat32, DType::kFloat64}) {
    const SumCase c = float_case(table(), kernels::kReduceSumReproducible, type);
    note().what = c.entry->name;
    for (const Spread spread : kSpreads) {
      Series x = elements(random, c, 3000, spread);
      const uint64_t want = c.expected(x);
      for (int shuffle = 0; shuffle < 200; ++shuffle) {
        note().seed = static_cast<uint64_t>(shuffle);
        std::shuffle(x.begin(), x.end(), engine);
        Sums total(c, 1);
        for (auto from = x.begin(); from < x.end();) {
          const auto to = from + std::min<int64_t>(x.end() - from, random.between(1, 2500));
          Sums piece(c, 1);
          piece.step(Series(from, to));
          EXPECT_EQ(total.merge(piece), 0u);
          from = to;
        }
        ASSERT_EQ(total.finish()[0], want) << note();
      }
    }
  }
}

TEST_P(SumAlgorithmsTest, ReproducibleJoin) {
  Random random(42);
  for (const DType type : kFloatTypes) {
    const SumCase c = float_case(table(), kernels::kReduceSumReproducible, type);
    note().what = c.entry->name;
    for (int trial = 0; trial < 40; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t groups = random.between(1, 9), columns = random.between(1, 20);
      const int64_t rows = random.between(1, 30);
      const Spread spread = random.pick(kSpreads);
      const Series x = elements(random, c, rows * groups * columns, spread);
      const Series before = elements(random, c, groups, spread);
      Sums from(c, groups * columns), to(c, groups);
      from.step(x);
      if (trial % 2 == 0) to.step(before);
      to.join(from);
      const Series got = to.finish();
      for (int64_t g = 0; g < groups; ++g) {
        for (int64_t p = 0; p < c.parts; ++p) {
          Series all;
          for (int64_t k = 0; k < columns; ++k) {
            const Series one =
                column(x, groups * columns * c.parts, (g * columns + k) * c.parts + p);
            all.insert(all.end(), one.begin(), one.end());
          }
          const auto at = static_cast<size_t>(g * c.parts + p);
          if (trial % 2 == 0) all.push_back(before[at]);
          ASSERT_EQ(got[at], c.expected(all)) << note() << " group " << g;
        }
      }
    }
  }
}

TEST_P(SumAlgorithmsTest, ReproducibleAtTheEndsOfTheRange) {
  const SumCase c = float_case(table(), kernels::kReduceSumReproducible, DType::kFloat64);
  constexpr double kMax = std::numeric_limits<double>::max();
  constexpr double kTiny = std::numeric_limits<double>::denorm_min();
  constexpr double kHalfUlp = 0x1p970;  // of kMax
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const std::pair<std::vector<double>, double> sums[] = {
      {{kMax, kMax, -kMax}, kMax},
      {{kMax, kMax}, kInf},
      {{-kMax, -kMax}, -kInf},
      {{kMax, kHalfUlp}, kInf},
      {{kMax, kHalfUlp, -kTiny}, kMax},
      {{-kMax, -kHalfUlp, kTiny}, -kMax},
      {{kMax, kTiny, -kMax}, kTiny},
      {{kTiny, kTiny, kTiny}, 3 * kTiny},
      {{0x1p-1022, -kTiny}, 0x1p-1022 - kTiny},
      {{1, 0x1p-53}, 1},
      {{1, 0x1p-53, kTiny}, 1 + 0x1p-52},
      {{1, 0x1p-53, -kTiny}, 1},
      {{1 + 0x1p-52, 0x1p-53}, 1 + 0x1p-51},
      {{1, 0x1p100, 0x1p-1000, -0x1p100, -1}, 0x1p-1000},
      {{0x1p1023, 0x1p1022, 0x1p1021, -0x1p1023, 1}, 0x1p1022 + 0x1p1021},
      {{0x1.8p1022, -0x1p1022, 0x1p-1074}, 0x1p1021},
  };
  for (const auto& [values, want] : sums) {
    Series x;
    for (const double v : values) x.push_back(std::bit_cast<uint64_t>(v));
    std::sort(x.begin(), x.end());
    do {
      Sums total(c, 1);
      total.step(x);
      ASSERT_EQ(total.finish()[0], std::bit_cast<uint64_t>(want)) << want;
    } while (std::next_permutation(x.begin(), x.end()));
  }
}

// So many rows that digits are carried before the end.
TEST_P(SumAlgorithmsTest, ReproducibleOfMillionsOfRows) {
  const SumCase c = float_case(table(), kernels::kReduceSumReproducible, DType::kFloat32);
  constexpr int64_t kRows = (int64_t{1} << 25) + 12345;
  const float row[] = {-0x1.fffffep3f, 0x1.abcdeep-20f, 3};
  Sums sums(c, 3);
  sums.step(row, kRows, 0);
  const Series got = sums.finish();
  for (size_t i = 0; i < 3; ++i) {
    const reference::Value v = reference::decode(DType::kFloat32, std::bit_cast<uint32_t>(row[i]));
    bool overflow;
    const auto want = reference::round_to_float(DType::kFloat32, v.negative, v.mantissa * kRows,
                                                v.exponent, &overflow);
    EXPECT_EQ(got[i], static_cast<uint64_t>(want)) << i;
  }
}

// ---- wide sums ----

constexpr uint64_t kNaT = uint64_t{1} << 63;

Int128 total_of(const SumCase& c, const Series& x) {
  Int128 total = 0;
  for (const uint64_t bits : x) {
    total += c.part == DType::kUint64 ? Int128{bits} : Int128{static_cast<int64_t>(bits)};
  }
  return total;
}

bool is_time(const kernels::KernelTable& table, const SumCase& c) {
  const auto& entries = table.reduce[kernels::kReduceSumWide];
  return c.entry == &entries[static_cast<size_t>(DType::kDatetime64)] ||
         c.entry == &entries[static_cast<size_t>(DType::kTimedelta64)];
}

// The quotient of magnitudes: 64 bits from the highest one on, by the division of schools.
uint64_t float_quotient(Int128 total, uint64_t count) {
  if (count == 0) return 0x7ff8000000000000;
  if (total == 0) return 0;
  const bool negative = total < 0;
  auto rest = static_cast<reference::Bits>(negative ? -total : total);
  reference::Bits digits = rest / count;
  rest %= count;
  int exponent = 0;
  while (digits >> 63 == 0) {
    rest *= 2;
    digits = digits * 2 + (rest >= count ? 1 : 0);
    if (rest >= count) rest -= count;
    --exponent;
  }
  bool more = rest != 0;
  while (digits >> 64 != 0) {
    more |= (digits & 1) != 0;
    digits >>= 1;
    ++exponent;
  }
  bool overflow;
  return static_cast<uint64_t>(reference::round_to_float(
      DType::kFloat64, negative, static_cast<uint64_t>(digits) | (more ? 1 : 0), exponent,
      &overflow));
}

uint64_t rounded_mean(Int128 total, uint64_t count) {
  if (count == 0) return kNaT;
  const Int128 n = count;
  Int128 floor = total / n;
  if (floor * n > total) --floor;
  const Int128 twice = 2 * (total - floor * n);
  const bool up = twice > n || (twice == n && (floor & 1) != 0);
  return static_cast<uint64_t>(floor + (up ? 1 : 0));
}

struct WideResult {
  uint64_t bits;
  bool overflow;
};

WideResult expected_wide(const SumCase& c, bool times, const Series& x, uint64_t count) {
  const bool nat = times && std::find(x.begin(), x.end(), kNaT) != x.end();
  const Int128 total = total_of(c, x);
  if (c.params.result == WideSumParams::kMeanOfFloat) {
    return {nat ? 0x7ff8000000000000 : float_quotient(total, count), false};
  }
  if (nat) return {kNaT, false};
  if (c.params.result == WideSumParams::kMean) return {rounded_mean(total, count), false};
  const Int128 lowest = c.part == DType::kUint64 ? Int128{0} : Int128{INT64_MIN} + (times ? 1 : 0);
  const Int128 highest = c.part == DType::kUint64 ? Int128{UINT64_MAX} : Int128{INT64_MAX};
  return {static_cast<uint64_t>(total), total < lowest || total > highest};
}

// Some magnitudes, the ends of the range, and what looks like NaT; NaT itself now and then.
Series wide_elements(Random& random, int64_t count, bool nats) {
  Series x;
  const int shift = static_cast<int>(random.below(64));
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = static_cast<uint64_t>(static_cast<int64_t>(random.bits()) >> shift);
    if (random.chance(5)) {
      bits = random.pick(
          Series{kNaT + 1, kNaT + 12345, kNaT - 1, ~uint64_t{0}, 0, 1, uint64_t{1} << 48});
    }
    if (nats && random.below(count + 1) == 0) bits = kNaT;
    x.push_back(bits == kNaT && !nats ? kNaT + 1 : bits);
  }
  return x;
}

// All types by all forms of results.
std::vector<SumCase> wide_cases(const kernels::KernelTable& table) {
  std::vector<SumCase> cases;
  for (const DType type : kWideTypes) {
    for (const auto result :
         {WideSumParams::kInteger, WideSumParams::kMean, WideSumParams::kMeanOfFloat}) {
      cases.push_back(wide_case(table, type, result));
    }
  }
  return cases;
}

// The results of rows of columns, each against the oracle; counts are c's.
::testing::AssertionResult right_wide(const SumCase& c, bool times, const Series& x,
                                      int64_t columns, const Series& got, uint32_t errors) {
  bool overflow = false;
  for (int64_t k = 0; k < columns; ++k) {
    const auto count =
        static_cast<uint64_t>(c.counts[c.counts.size() > 1 ? static_cast<size_t>(k) : 0]);
    const WideResult want = expected_wide(c, times, column(x, columns, k), count);
    overflow |= want.overflow;
    if (got[static_cast<size_t>(k)] == want.bits) continue;
    return ::testing::AssertionFailure()
           << note() << ": " << c.entry->name << " result " << c.params.result << " gave "
           << got[static_cast<size_t>(k)] << ", expected " << want.bits << ", column " << k
           << " of " << columns << ", rows " << x.size() / static_cast<size_t>(columns)
           << ", count " << count;
  }
  if (errors == (overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << note() << ": " << c.entry->name << " reported " << errors;
}

std::vector<double> some_counts(Random& random, int64_t rows, int64_t columns) {
  std::vector<double> counts = {static_cast<double>(rows)};
  if (random.chance(50)) {
    for (int64_t k = 1; k < columns; ++k)
      counts.push_back(static_cast<double>(random.below(rows + 1)));
  }
  return counts;
}

TEST_P(SumAlgorithmsTest, WideOfEveryLength) {
  Random random(51);
  GuardedBuffer buffer(1024 * 1024);
  for (SumCase c : wide_cases(table())) {
    note().what = c.entry->name;
    const bool times = is_time(table(), c);
    for (int64_t n = 1; n <= 70000; n = n < 150 ? n + 1 : n + n / 3 + 1) {
      note().length = n;
      const Series x = wide_elements(random, n, times);
      c.counts = {static_cast<double>(random.chance(90) ? n : random.below(5))};
      const std::vector<unsigned char> bytes = pack(c.part, x);
      for (const Flush side : kBothSides) {
        unsigned char* src = buffer.place(bytes.size(), side, static_cast<size_t>(n % 17));
        std::memcpy(src, bytes.data(), bytes.size());
        Sums sums(c, 1);
        sums.step(src, n);
        uint32_t errors = 0;
        const Series got = sums.finish(&errors);
        ASSERT_TRUE(right_wide(c, times, x, 1, got, errors));
        sc_run run = base_run(c, 1);
        run.n[0] = n;
        run.src = src;
        run.src_step[0] = 8;
        const Series whole = results(c, c.entry->whole, run, &errors);
        ASSERT_TRUE(right_wide(c, times, x, 1, whole, errors));
      }
    }
  }
}

TEST_P(SumAlgorithmsTest, WideInPiecesRowsAndParts) {
  Random random(52);
  GuardedBuffer buffer(2 * 1024 * 1024);
  for (SumCase c : wide_cases(table())) {
    note().what = c.entry->name;
    const bool times = is_time(table(), c);
    for (int trial = 0; trial < 60; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t rows = random.between(1, 300);
      const int64_t columns = random.chance(30) ? 1 : random.between(2, trial == 0 ? 600 : 60);
      const int64_t gap = random.pick(kGaps);
      const int64_t sign = random.chance(50) ? -1 : 1;
      const int64_t row_step = sign * (columns * 8 + gap);
      const auto reach = static_cast<size_t>(std::abs(row_step) * (rows - 1) + columns * 8);
      unsigned char* src = buffer.place(reach, random.pick(kBothSides));
      unsigned char* first = row_step < 0 ? src - row_step * (rows - 1) : src;
      const Series x = wide_elements(random, rows * columns, times && random.chance(50));
      const std::vector<unsigned char> bytes = pack(c.part, x);
      for (int64_t row = 0; row < rows; ++row) {
        std::memcpy(first + row * row_step, bytes.data() + row * columns * 8,
                    static_cast<size_t>(columns) * 8);
      }
      c.counts = some_counts(random, rows, columns);
      Sums sums(c, columns);
      for (int64_t row = 0; row < rows;) {
        const int64_t take = std::min(rows - row, random.between(1, 100));
        if (random.chance(30)) {
          Sums part(c, columns);
          part.step(first + row * row_step, take, row_step);
          ASSERT_EQ(sums.merge(part), 0u);
        } else {
          sums.step(first + row * row_step, take, row_step);
        }
        row += take;
      }
      uint32_t errors = 0;
      const Series got = sums.finish(&errors);
      ASSERT_TRUE(right_wide(c, times, x, columns, got, errors));
    }
  }
}

TEST_P(SumAlgorithmsTest, WideJoin) {
  Random random(53);
  for (SumCase c : wide_cases(table())) {
    note().what = c.entry->name;
    const bool times = is_time(table(), c);
    for (int trial = 0; trial < 30; ++trial) {
      note().seed = static_cast<uint64_t>(trial);
      const int64_t groups = random.between(1, 9), columns = random.between(1, 20);
      const Series x = wide_elements(random, groups * columns, times);
      c.counts = some_counts(random, columns, groups);
      Sums from(c, groups * columns), to(c, groups);
      from.step(x);
      to.join(from);
      // Group by group is row by row of the transpose.
      Series turned;
      for (int64_t k = 0; k < columns; ++k) {
        const Series row = column(x, columns, k);
        turned.insert(turned.end(), row.begin(), row.end());
      }
      uint32_t errors = 0;
      const Series got = to.finish(&errors);
      ASSERT_TRUE(right_wide(c, times, turned, groups, got, errors));
    }
  }
}

TEST_P(SumAlgorithmsTest, WideNaTAtEveryPlace) {
  Random random(54);
  for (const DType type : {DType::kDatetime64, DType::kTimedelta64}) {
    const SumCase c = wide_case(table(), type, WideSumParams::kInteger);
    for (int64_t columns : {1, 3}) {
      for (size_t at = 0; at < 300; ++at) {
        Series x = wide_elements(random, 300, false);
        for (uint64_t& bits : x) bits = static_cast<uint64_t>(static_cast<int64_t>(bits) >> 10);
        x[at] = kNaT;
        Sums sums(c, columns);
        sums.step(x);
        const Series got = sums.finish();
        for (size_t k = 0; k < got.size(); ++k) {
          EXPECT_EQ(got[k] == kNaT, k == at % got.size()) << at << " column " << k;
        }
      }
    }
  }
}

TEST_P(SumAlgorithmsTest, WideAtTheEndsOfTheRange) {
  struct End {
    DType type;
    std::vector<Int128> x;
    bool overflow;
  };
  constexpr Int128 kMax = INT64_MAX, kMin = INT64_MIN, kUnsigned = UINT64_MAX;
  const End ends[] = {
      {DType::kInt64, {kMax, 1, -1}, false},
      {DType::kInt64, {kMax, 1}, true},
      {DType::kInt64, {kMin, kMax, kMin, 1, kMax, 1}, false},
      {DType::kInt64, {kMin, -1}, true},
      {DType::kInt64, {kMin}, false},
      {DType::kUint64, {kUnsigned}, false},
      {DType::kUint64, {kUnsigned - 1, 1}, false},
      {DType::kUint64, {kUnsigned, 1}, true},
      {DType::kUint64, {kUnsigned, kUnsigned, kUnsigned}, true},
      {DType::kTimedelta64, {kMax}, false},
      {DType::kTimedelta64, {kMin + 1}, false},
      {DType::kTimedelta64, {kMin + 1, -1}, true},  // which would be NaT
      {DType::kTimedelta64, {kMin + 1, -1, 1}, false},
      {DType::kTimedelta64, {kMax, 1}, true},
  };
  for (const End& end : ends) {
    const SumCase c = wide_case(table(), end.type, WideSumParams::kInteger);
    Series x;
    Int128 total = 0;
    for (const Int128 v : end.x) {
      x.push_back(static_cast<uint64_t>(v));
      total += v;
    }
    Sums sums(c, 1);
    sums.step(x);
    uint32_t errors = 0;
    EXPECT_EQ(sums.finish(&errors)[0], static_cast<uint64_t>(total)) << c.entry->name;
    EXPECT_EQ(errors, end.overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u) << c.entry->name;
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(SumAlgorithmsTest);

}  // namespace
}  // namespace stridecast::testing
