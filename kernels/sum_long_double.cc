// Sums, products, sums of absolute values, of squares and of squared deviations of long doubles and
// of pairs of them, one item at a time: no SIMD unit knows them. Also what such sums come to by
// their count, and which items are numbers. The tree is that of sum-inl.h, the state a header, then
// rows of one value a column: 8 accumulators, then the levels. One version serves all targets.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/kernel_table.h"
#include "kernels/long_double.h"
#include "kernels/sum_tree.h"

namespace stridecast::kernels {
namespace {

constexpr int64_t kLeaf = kSumLeaf, kAccumulators = kSumAccumulators, kLevels = kSumLevels;

struct Header {
  uint64_t leaves;  // finished ones
  int64_t filled;   // elements in the unfinished leaf, less than kLeaf
};
constexpr int64_t kHeaderBytes = 64;
static_assert(sizeof(Header) <= kHeaderBytes);

// ---- values ----

struct Real {
  static constexpr int kParts = 1;
  long double real;
};
struct Complex {
  static constexpr int kParts = 2;
  long double real, imaginary;
};

constexpr int64_t kPart = sizeof(LongDoubleItem);

long double load_part(const char* item) {
  LongDoubleItem part;
  std::memcpy(&part, item, sizeof part);
  return part.value();
}
void store_part(long double value, char* item) {
  constexpr long double kNaN = std::numeric_limits<long double>::quiet_NaN();
  const LongDoubleItem part = LongDoubleItem::Of(value == value ? value : kNaN);
  std::memcpy(item, &part, sizeof part);
}

template <class Value>
Value load(const char* item) {
  Value value;
  value.real = load_part(item);
  if constexpr (Value::kParts == 2) value.imaginary = load_part(item + kPart);
  return value;
}
template <class Value>
void store(const Value& value, char* item) {
  store_part(value.real, item);
  if constexpr (Value::kParts == 2) store_part(value.imaginary, item + kPart);
}

// ---- what is summed ----

// A summing says
//   using Item;                                    // what is read
//   using Value;                                   // what is added
//   static constexpr bool kAbout;                  // it looks at a value of the column
//   static constexpr Value kNeutral, kOfNothing;
//   static Value of(const Item&, const Item& about);
//   static Value join(const Value&, const Value&);

struct AddingReal {
  using Value = Real;
  static constexpr Value kNeutral = {-0.0L}, kOfNothing = {0};
  static Value join(const Value& a, const Value& b) { return {a.real + b.real}; }
};
struct AddingComplex {
  using Value = Complex;
  static constexpr Value kNeutral = {-0.0L, -0.0L}, kOfNothing = {0, 0};
  static Value join(const Value& a, const Value& b) {
    return {a.real + b.real, a.imaginary + b.imaginary};
  }
};
struct MultiplyingReal {
  using Value = Real;
  static constexpr Value kNeutral = {1}, kOfNothing = {1};
  static Value join(const Value& a, const Value& b) { return {a.real * b.real}; }
};
struct MultiplyingComplex {
  using Value = Complex;
  static constexpr Value kNeutral = {1, 0}, kOfNothing = {1, 0};
  static Value join(const Value& a, const Value& b) {
    return {a.real * b.real - a.imaginary * b.imaginary,
            a.real * b.imaginary + a.imaginary * b.real};
  }
};

template <class Joiner>
struct Items : Joiner {
  using Item = typename Joiner::Value;
  static constexpr bool kAbout = false;
  static Item of(const Item& item, const Item&) { return item; }
};

Real square(const Real& a) { return {a.real * a.real}; }
Real square(const Complex& a) { return {a.real * a.real + a.imaginary * a.imaginary}; }
Real difference(const Real& a, const Real& b) { return {a.real - b.real}; }
Complex difference(const Complex& a, const Complex& b) {
  return {a.real - b.real, a.imaginary - b.imaginary};
}

struct AbsoluteValues : AddingReal {
  using Item = Real;
  static constexpr bool kAbout = false;
  static Real of(const Real& item, const Real&) { return {std::fabs(item.real)}; }
};
template <class ItemT>
struct Squares : AddingReal {
  using Item = ItemT;
  static constexpr bool kAbout = false;
  static Real of(const Item& item, const Item&) { return square(item); }
};
template <class ItemT>
struct SquaredDeviations : AddingReal {
  using Item = ItemT;
  static constexpr bool kAbout = true;
  static Real of(const Item& item, const Item& about) { return square(difference(item, about)); }
};

// ---- the kernels ----

template <class S>
struct State {
  using Value = typename S::Value;
  Header* header;
  Value* accumulators;  // kAccumulators rows
  Value* levels;        // kLevels rows
  int64_t columns;

  State(const void* state, int64_t n)
      : header(static_cast<Header*>(const_cast<void*>(state))),
        accumulators(reinterpret_cast<Value*>(reinterpret_cast<char*>(header) + kHeaderBytes)),
        levels(accumulators + kAccumulators * n),
        columns(n) {}

  void clear_accumulators() const {
    for (int64_t i = 0; i < kAccumulators * columns; ++i) accumulators[i] = S::kNeutral;
  }
  Value joined(int64_t column) const {
    const Value* a = accumulators + column;
    const auto pair = [&](int64_t i) { return S::join(a[i * columns], a[(i + 1) * columns]); };
    return S::join(S::join(pair(0), pair(2)), S::join(pair(4), pair(6)));
  }
  // The sum of 2^level leaves joins those before it.
  void carry(int64_t column, int level, Value sum) const {
    Value* at = levels + level * columns + column;
    for (uint64_t rest = header->leaves >> level; (rest & 1) != 0; rest >>= 1, at += columns) {
      sum = S::join(*at, sum);
    }
    *at = sum;
  }
};

template <class S>
uint32_t init(const sc_run* run) {
  const State<S> state(run->state, run->n[1]);
  *state.header = {};
  state.clear_accumulators();
  return 0;
}

template <class S>
uint32_t step(const sc_run* run) {
  using Item = typename S::Item;
  constexpr int64_t kItem = Item::kParts * kPart;
  const State<S> state(run->state, run->n[1]);
  const auto* row = static_cast<const char*>(run->src);
  for (int64_t i = 0; i < run->n[0]; ++i, row += run->src_step[0]) {
    auto* const sums = state.accumulators + state.header->filled % kAccumulators * state.columns;
    const char* item = row;
    const auto* about = static_cast<const char*>(run->aux[0]);
    for (int64_t k = 0; k < state.columns; ++k, item += kItem) {
      Item centre = {};
      if constexpr (S::kAbout) {
        centre = load<Item>(about);
        about += run->aux_step[0][1];
      }
      sums[k] = S::join(sums[k], S::of(load<Item>(item), centre));
    }
    if (++state.header->filled < kLeaf) continue;
    for (int64_t k = 0; k < state.columns; ++k) state.carry(k, 0, state.joined(k));
    state.clear_accumulators();
    ++state.header->leaves;
    state.header->filled = 0;
  }
  return 0;
}

// As in sum_kernels-inl.h: exact only where the left state ends with a whole subtree of the size of
// the right one's largest. SC_ERR_USER otherwise, and nothing is changed.
template <class S>
uint32_t merge(const sc_run* run) {
  const State<S> state(run->state, run->n[1]), next(run->src, run->n[1]);
  const uint64_t leaves = next.header->leaves;
  if (leaves == 0 && next.header->filled == 0) return 0;
  int level = 63;
  while (level > 0 && (leaves >> level) == 0) --level;
  const bool fits = leaves == 0 || state.header->leaves % (uint64_t{1} << level) == 0;
  if (state.header->filled != 0 || !fits) return SC_ERR_USER;
  for (; level >= 0; --level) {
    if (((leaves >> level) & 1) == 0) continue;
    for (int64_t k = 0; k < state.columns; ++k) {
      state.carry(k, level, next.levels[level * next.columns + k]);
    }
    state.header->leaves += uint64_t{1} << level;
  }
  for (int64_t i = 0; i < kAccumulators * state.columns; ++i) {
    state.accumulators[i] = next.accumulators[i];
  }
  state.header->filled = next.header->filled;
  return 0;
}

template <class S>
uint32_t finish(const sc_run* run) {
  using Value = typename S::Value;
  const State<S> state(run->state, run->n[1]);
  auto* dst = static_cast<char*>(run->dst);
  for (int64_t k = 0; k < state.columns; ++k, dst += Value::kParts * kPart) {
    bool any = state.header->filled > 0;
    Value sum = any ? state.joined(k) : S::kOfNothing;
    const Value* at = state.levels + k;
    for (uint64_t rest = state.header->leaves; rest != 0; rest >>= 1, at += state.columns) {
      if ((rest & 1) == 0) continue;
      sum = any ? S::join(*at, sum) : *at;
      any = true;
    }
    store(sum, dst);
  }
  return 0;
}

template <class S>
constexpr sc_reduce_entry entry(const char* name) {
  constexpr int64_t kColumn = (kAccumulators + kLevels) * sizeof(typename S::Value);
  return {&init<S>, &step<S>, &merge<S>,    &finish<S>, nullptr,
          nullptr,  name,     kHeaderBytes, kColumn,    0};
}

// ---- items ----

template <int kParts>
uint32_t quotient(const sc_run* run) {
  const bool root = static_cast<const QuotientParams*>(run->params)->root;
  const auto* src = static_cast<const char*>(run->src);
  auto* dst = static_cast<char*>(run->dst);
  const auto* divisor = static_cast<const char*>(run->aux[0]);
  for (int64_t i = 0; i < run->n[1]; ++i, divisor += run->aux_step[0][1]) {
    double by;
    std::memcpy(&by, divisor, sizeof by);
    for (int part = 0; part < kParts; ++part, src += kPart, dst += kPart) {
      const long double value = load_part(src) / static_cast<long double>(by);
      store_part(root ? std::sqrt(value) : value, dst);
    }
  }
  return 0;
}

template <int kParts>
uint32_t not_nan(const sc_run* run) {
  const auto* src = static_cast<const char*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    bool number = true;
    for (int part = 0; part < kParts; ++part, src += kPart) {
      const long double value = load_part(src);
      number &= value == value;
    }
    dst[i] = number;
  }
  return 0;
}

constexpr size_t kRealType = static_cast<size_t>(DType::kLongDouble);
constexpr size_t kComplexType = static_cast<size_t>(DType::kComplexLongDouble);

}  // namespace

void FillSumLongDouble(KernelTable& table) {
  const auto set = [&](ReduceKernel kernel, sc_reduce_entry real, sc_reduce_entry complex) {
    table.reduce[kernel][kRealType] = real;
    table.reduce[kernel][kComplexType] = complex;
  };
  set(kReduceSum, entry<Items<AddingReal>>("sum long double"),
      entry<Items<AddingComplex>>("sum complex long double"));
  set(kReduceProd, entry<Items<MultiplyingReal>>("prod long double"),
      entry<Items<MultiplyingComplex>>("prod complex long double"));
  set(kReduceSumSquares, entry<Squares<Real>>("squares long double"),
      entry<Squares<Complex>>("squares complex long double"));
  set(kReduceSumDeviations, entry<SquaredDeviations<Real>>("deviations long double"),
      entry<SquaredDeviations<Complex>>("deviations complex long double"));
  table.reduce[kReduceSumAbs][kRealType] = entry<AbsoluteValues>("sum |long double|");

  constexpr uint32_t kTraits = SC_TRAIT_THREAD_SAFE;
  const auto item_entry = [](sc_kernel kernel, const char* name, uint32_t needs, uint32_t traits) {
    return sc_entry{kernel, name, SC_ACCESS_PACKED, SC_ACCESS_PACKED, needs, traits, 0};
  };
  table.quotient[kRealType] =
      item_entry(&quotient<1>, "quotient", SC_NEEDS_AUX, kTraits | SC_TRAIT_IN_PLACE);
  table.quotient[kComplexType] =
      item_entry(&quotient<2>, "quotient", SC_NEEDS_AUX, kTraits | SC_TRAIT_IN_PLACE);
  table.not_nan[kRealType] = item_entry(&not_nan<1>, "not nan", 0, kTraits);
  table.not_nan[kComplexType] = item_entry(&not_nan<2>, "not nan", 0, kTraits);
}

}  // namespace stridecast::kernels
