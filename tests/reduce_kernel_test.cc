// Reduce kernels: init, step, merge and finish over states, held to the oracle however the elements
// arrive: all at once, in pieces, in rows, under a mask, or in parts that are merged or joined; and
// `whole`, which must give the same bits without a state.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/reference/reduce.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using reference::Element;
using reference::Op;
using Elements = std::vector<Element>;
using Bytes = std::vector<unsigned char>;

constexpr int64_t kLeaf = 128;

// ---- elements: numbers, complex ones as two parts, and times as an int64 ----

bool is_time(DType type) { return type == DType::kDatetime64 || type == DType::kTimedelta64; }
DType part_of(DType type) { return is_time(type) ? DType::kInt64 : reference::part_type(type); }
int64_t parts_of(DType type) { return is_complex(type) ? 2 : 1; }
int64_t size_of(DType type) { return parts_of(type) * reference::size(part_of(type)); }

void store(unsigned char* at, DType type, Element element) {
  const int size = reference::size(part_of(type));
  reference::store(at, size, element.re);
  if (is_complex(type)) reference::store(at + size, size, element.im);
}

Element load(const unsigned char* at, DType type) {
  const int size = reference::size(part_of(type));
  Element element{static_cast<uint64_t>(reference::load(at, size))};
  if (is_complex(type)) element.im = static_cast<uint64_t>(reference::load(at + size, size));
  return element;
}

Bytes pack(DType type, const Elements& x) {
  Bytes bytes(x.size() * static_cast<size_t>(size_of(type)));
  for (size_t i = 0; i < x.size(); ++i) {
    store(bytes.data() + i * static_cast<size_t>(size_of(type)), type, x[i]);
  }
  return bytes;
}

// NaNs as kernels have to give them: quiet, positive, without a payload.
uint64_t canonical(DType part, uint64_t bits) {
  if (!reference::is_float(part)) return bits;
  if (reference::decode(part, bits).cls != reference::Value::Class::kNan) return bits;
  bool overflow;
  const auto infinity =
      static_cast<uint64_t>(reference::round_to_float(part, false, 1, 20000, &overflow));
  return infinity | (infinity >> 1 & ~infinity);
}

Element canonical(DType type, Element element) {
  const DType part = part_of(type);
  return {canonical(part, element.re), canonical(part, element.im)};
}

std::string to_text(DType type, Element element) {
  const DType part = part_of(type);
  const std::string re = reference::to_text(part, element.re);
  return is_complex(type) ? re + " and " + reference::to_text(part, element.im) : re;
}

// ---- what there is ----

constexpr DType kFloats[] = {DType::kFloat16, DType::kBFloat16, DType::kFloat32, DType::kFloat64};
constexpr DType kComplex[] = {DType::kComplexFloat32, DType::kComplexFloat64};
constexpr DType kTimes[] = {DType::kDatetime64, DType::kTimedelta64};
constexpr DType kWideIntegers[] = {DType::kInt64, DType::kUint64};

using Types = std::vector<std::span<const DType>>;

// Every kernel with the types that it has: where there is an entry, and where there must be none.
struct Family {
  kernels::ReduceKernel kernel;
  Op op;
  Types types;
};
const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {kernels::kReduceSum, Op::kSum, {reference::kTypes, kComplex}},
      {kernels::kReduceProd, Op::kProd, {kWideIntegers, kFloats}},
      {kernels::kReduceMin, Op::kMin, {reference::kTypes, kComplex, kTimes}},
      {kernels::kReduceMax, Op::kMax, {reference::kTypes, kComplex, kTimes}},
      {kernels::kReduceArgmin, Op::kArgmin, {reference::kTypes, kComplex, kTimes}},
      {kernels::kReduceArgmax, Op::kArgmax, {reference::kTypes, kComplex, kTimes}},
      {kernels::kReduceAny, Op::kAny, {reference::kTypes}},
      {kernels::kReduceAll, Op::kAll, {reference::kTypes}},
      {kernels::kReduceCount, Op::kCountNonzero, {reference::kTypes}},
      {kernels::kReduceSumAbs, Op::kSumAbs, {kFloats}},
      {kernels::kReduceMaxAbs, Op::kMaxAbs, {kFloats}},
      {kernels::kReduceSumSquares, Op::kSumSquares, {kFloats, kComplex}},
      {kernels::kReduceSumDeviations, Op::kSumDeviations, {kFloats, kComplex}},
  };
  return all;
}
// Their own test holds these to sums that are exact.
constexpr kernels::ReduceKernel kTestedElsewhere[] = {
    kernels::kReduceSumCompensated, kernels::kReduceSumReproducible, kernels::kReduceSumWide};

bool is_arg(Op op) { return op == Op::kArgmin || op == Op::kArgmax; }
bool is_extreme(Op op) {
  return is_arg(op) || op == Op::kMin || op == Op::kMax || op == Op::kMaxAbs;
}
bool is_truth(Op op) { return op == Op::kAny || op == Op::kAll || op == Op::kCountNonzero; }

struct ReduceCase {
  const sc_reduce_entry* entry;
  Op op;
  DType type, result;

  // What depends on the order of its elements is tried more often.
  bool is_tree() const { return !is_extreme(op) && !is_truth(op) && !is_integer(); }
  bool is_integer() const { return is_time(type) || (is_real(type) && !reference::is_float(type)); }
  int64_t size() const { return size_of(type); }
};

std::vector<ReduceCase> all_reductions(const kernels::KernelTable& table) {
  std::vector<ReduceCase> cases;
  for (const Family& family : families()) {
    for (const std::span<const DType> types : family.types) {
      for (const DType type : types) {
        cases.push_back({&table.reduce[family.kernel][static_cast<int>(type)], family.op, type,
                         reference::folded_type(family.op, type)});
      }
    }
  }
  return cases;
}

std::vector<ReduceCase> arg_reductions(const kernels::KernelTable& table) {
  std::vector<ReduceCase> cases = all_reductions(table);
  std::erase_if(cases, [](const ReduceCase& c) { return !is_arg(c.op); });
  return cases;
}

// Row r of an arg extreme has the index kFirstIndex + r * kIndexStep; the others do not look at it.
constexpr int64_t kFirstIndex = 1000, kIndexStep = 3;

Element expected(const ReduceCase& c, const Elements& x, Element mean = {}) {
  Element element = reference::fold(c.op, c.type, x, mean);
  if (is_arg(c.op)) element.re = kFirstIndex + element.re * kIndexStep;
  return element;
}

::testing::AssertionResult same(const ReduceCase& c, Element got, Element want) {
  if (got == canonical(c.result, want)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << c.entry->name << " gave " << to_text(c.result, got)
                                       << ", expected " << to_text(c.result, want);
}

// ---- runs ----

struct Mask {
  const unsigned char* first = nullptr;
  int64_t row_step = 0, column_step = 0;
};

sc_run make_run(const ReduceCase& c, int64_t rows, int64_t columns, int64_t first_row,
                const unsigned char* means, int64_t mean_step, Mask mask) {
  sc_run run = {};
  run.struct_size = sizeof run;
  run.n[0] = rows;
  run.n[1] = columns;
  run.src_step[1] = c.size();
  run.src_size = c.size();
  run.dst_size = size_of(c.result);
  run.dst_step[1] = run.dst_size;
  run.dst_step[0] = columns * run.dst_size;
  run.index = kFirstIndex + first_row * kIndexStep;
  run.index_step[0] = kIndexStep;
  if (means != nullptr) {
    run.aux[0] = means;
    run.aux_step[0][1] = mean_step;
  } else {
    run.aux[0] = mask.first;
    run.aux_step[0][0] = mask.row_step;
    run.aux_step[0][1] = mask.column_step;
  }
  return run;
}

// Runs finish or whole into memory between guard pages.
Elements results_of(const ReduceCase& c, sc_kernel kernel, sc_run run) {
  static GuardedBuffer out(16 * 1024);
  const int64_t size = size_of(c.result), columns = run.n[1];
  unsigned char* dst = out.place(static_cast<size_t>(columns * size), Flush::kRight);
  run.dst = dst;
  EXPECT_EQ(kernel(&run), 0u);
  EXPECT_EQ(out.damage(), 0) << c.entry->name;
  Elements results;
  for (int64_t k = 0; k < columns; ++k) results.push_back(load(dst + k * size, c.result));
  return results;
}

// A state block for some columns, which ends at a guard page; and, for deviations, the columns'
// means.
class States {
 public:
  States(const ReduceCase& c, int64_t columns, const Elements& means = {})
      : case_(c),
        columns_(columns),
        memory_(bytes()),
        data_(memory_.place(bytes(), Flush::kRight)) {
    std::memset(data_, 0xEE, bytes());
    restart(means);
  }

  void restart(const Elements& means) {
    if (case_.op == Op::kSumDeviations) means_ = pack(reference::accumulator(case_.type), means);
    row_ = 0;
    sc_run run = base(1);
    EXPECT_EQ(case_.entry->init(&run), 0u);
  }

  // The row that the next step begins with.
  void go_to(int64_t row) { row_ = row; }

  // n rows of columns packed elements, rows row_step bytes apart.
  void step(const void* src, int64_t rows, int64_t row_step, Mask mask = {}) {
    sc_run run = base(rows, mask);
    run.src = src;
    run.src_step[0] = row_step;
    EXPECT_EQ(case_.entry->step(&run), 0u);
    EXPECT_EQ(memory_.damage(), 0) << case_.entry->name;
    row_ += rows;
  }
  void step(const void* src, int64_t rows) { step(src, rows, columns_ * case_.size()); }

  void merge(const States& later) {
    sc_run run = base(1);
    run.src = later.data_;
    EXPECT_EQ(case_.entry->merge(&run), 0u);
  }

  // Groups of columns of `parts`, as many as this has columns.
  void join(const States& parts, int64_t index_step) {
    sc_run run = base(parts.columns_ / columns_);
    run.src = parts.data_;
    run.index_step[0] = index_step;
    EXPECT_EQ(case_.entry->join(&run), 0u);
    EXPECT_EQ(memory_.damage(), 0) << case_.entry->name;
  }

  Elements finish() { return results_of(case_, case_.entry->finish, base(1)); }

 private:
  size_t bytes() const {
    return static_cast<size_t>(case_.entry->state_header_bytes +
                               columns_ * case_.entry->state_column_bytes);
  }
  sc_run base(int64_t rows, Mask mask = {}) const {
    const bool has_means = !means_.empty();
    const int64_t mean_size = has_means ? size_of(reference::accumulator(case_.type)) : 0;
    sc_run run =
        make_run(case_, rows, columns_, row_, has_means ? means_.data() : nullptr, mean_size, mask);
    run.state = data_;
    return run;
  }

  ReduceCase case_;
  int64_t columns_, row_ = 0;
  GuardedBuffer memory_;
  unsigned char* data_;
  Bytes means_;
};

// ---- elements at random ----

// Numbers whose sum depends on every association: magnitudes over 60 binades, both signs. Factors
// of products are close to 1, so that these neither overflow nor vanish.
uint64_t random_part(Random& random, Op op, DType part, bool specials) {
  const bool is_float = reference::is_float(part);
  uint64_t bits = random.bits() >> (64 - 8 * reference::size(part));
  if (part == DType::kBool) return specials && random.chance(40) ? 0 : bits % 3;
  if (specials && random.chance(40)) bits = 0;
  const bool wide = reference::size(part) >= 4;
  bool overflow;
  if (is_float && op == Op::kProd) {
    bits = static_cast<uint64_t>(
        reference::round_to_float(part, random.chance(50), random.bits() >> 11 | uint64_t{1} << 52,
                                  static_cast<int>(random.between(-53, -52)), &overflow));
  } else if (is_float && (wide || random.chance(50))) {
    const int scale = static_cast<int>(wide ? random.between(-83, -23) : random.between(-70, -40));
    bits = static_cast<uint64_t>(
        reference::round_to_float(part, random.chance(50), random.bits() >> 11, scale, &overflow));
  }
  if (is_float && specials && random.chance(3)) {
    const uint64_t sign = random.chance(50) ? uint64_t{1} << (reference::size(part) * 8 - 1) : 0;
    const auto inf =
        static_cast<uint64_t>(reference::round_to_float(part, false, 1, 20000, &overflow));
    bits = sign | random.pick(std::vector<uint64_t>{0, inf, inf + 1, inf | inf >> 1, 1});
  }
  return bits;
}

Element random_element(Random& random, const ReduceCase& c, bool specials) {
  const DType part = part_of(c.type);
  if (is_time(c.type) && specials && random.chance(3)) return {uint64_t{1} << 63};
  Element element{random_part(random, c.op, part, specials)};
  if (is_complex(c.type)) element.im = random_part(random, c.op, part, specials);
  return element;
}

// Of extremes every other list holds few different elements, complex ones few different parts, so
// that they tie: smallest, largest and zeros among them.
Elements elements(Random& random, const ReduceCase& c, int64_t count, bool specials) {
  Elements x;
  if (is_extreme(c.op) && random.chance(50)) {
    const DType part = part_of(c.type);
    const uint64_t top_bit = uint64_t{1} << (8 * reference::size(part) - 1);
    std::vector<uint64_t> pool = {random_part(random, c.op, part, specials),
                                  random_part(random, c.op, part, specials)};
    if (random.chance(50)) pool.insert(pool.end(), {0, top_bit});
    if (c.is_integer() && random.chance(30)) pool.push_back(top_bit - 1);
    if (c.is_integer() && random.chance(30)) pool.push_back(2 * top_bit - 1);
    for (int64_t i = 0; i < count; ++i) x.push_back({random.pick(pool)});
    for (Element& element : x) {
      if (is_complex(c.type)) element.im = random.pick(pool);
      if (is_time(c.type) && !specials && element.re == top_bit) element.re = 7;  // NaT
    }
    return x;
  }
  for (int64_t i = 0; i < count; ++i) x.push_back(random_element(random, c, specials));
  return x;
}

// One a column, of the accumulator type; of deviations as large as the elements.
Elements random_means(Random& random, const ReduceCase& c, int64_t columns) {
  Elements means(static_cast<size_t>(columns));
  if (c.op != Op::kSumDeviations) return means;
  const ReduceCase wide = {c.entry, c.op, reference::accumulator(c.type), c.result};
  for (Element& mean : means) mean = random_element(random, wide, false);
  return means;
}

Elements column_of(const Elements& x, int64_t columns, int64_t k) {
  Elements column;
  for (auto i = static_cast<size_t>(k); i < x.size(); i += static_cast<size_t>(columns)) {
    column.push_back(x[i]);
  }
  return column;
}

// ---- tests ----

class ReduceKernelTest : public KernelTest {};

TEST_P(ReduceKernelTest, EveryReductionExistsAndNoOther) {
  for (const Family& family : families()) {
    for (int at = 0; at < kernels::kNumReduceTypes; ++at) {
      const auto type = static_cast<DType>(at);
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
  const DType mean_type = c.op == Op::kSumDeviations ? reference::accumulator(c.type) : c.type;
  const Elements means = random_means(random, c, one_mean ? 1 : w.columns);
  const Bytes packed = pack(mean_type, means);
  sc_run run =
      make_run(c, w.rows, w.columns, 0, c.op == Op::kSumDeviations ? packed.data() : nullptr,
               one_mean ? 0 : size_of(mean_type), {});
  run.src = first;
  run.src_step[0] = c.size();
  run.src_step[1] = w.column_step;
  const Elements got = results_of(c, c.entry->whole, run);
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

// ---- arg extremes ----

// The best element, at every position of lists of others that all tie: what folding starts from
// among them, which must lose to an item that ties with it.
TEST_P(ReduceKernelTest, TheFirstBestWinsWhereverItIs) {
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
TEST_P(ReduceKernelTest, MasksOfArgExtremes) {
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

TEST_P(ReduceKernelTest, MasksOfWholeColumnsOfArgExtremes) {
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
      sc_run run = make_run(c, rows, columns, 0, nullptr, 0, mask);
      run.src = bytes.data();
      run.src_step[0] = c.size();
      run.src_step[1] = rows * c.size();
      const Elements got = results_of(c, c.entry->whole, run);
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
TEST_P(ReduceKernelTest, UntouchedColumnsNeverWin) {
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

STRIDECAST_INSTANTIATE_FOR_TARGETS(ReduceKernelTest);

}  // namespace
}  // namespace stridecast::testing
