#include "tests/reference/reduce.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "tests/reference/strided.h"

namespace stridecast::reference {
namespace {

constexpr size_t kLeaf = 128;
constexpr size_t kAccumulators = 8;

// How two join, what an accumulator starts from, and what folding nothing gives.
struct Adding {
  template <typename T>
  static constexpr T kNeutral = T{-0.0};
  template <typename T>
  static constexpr T kOfNothing = T{0};
  template <typename T>
  static T join(T a, T b) {
    return a + b;
  }
};
struct Multiplying {
  template <typename T>
  static constexpr T kNeutral = T{1};
  template <typename T>
  static constexpr T kOfNothing = T{1};
  template <typename T>
  static T join(T a, T b) {
    return a * b;
  }
};

template <typename T>
struct Complex {
  T re, im = 0;
};
template <typename T>
Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

// One leaf: element i goes to accumulator i % 8.
template <class Joiner, typename T>
T fold_leaf(std::span<const T> x) {
  T s[kAccumulators];
  std::fill(std::begin(s), std::end(s), Joiner::template kNeutral<T>);
  for (size_t i = 0; i < x.size(); ++i) {
    s[i % kAccumulators] = Joiner::join(s[i % kAccumulators], x[i]);
  }
  for (size_t count = kAccumulators; count > 1; count /= 2) {
    for (size_t i = 0; i < count / 2; ++i) s[i] = Joiner::join(s[2 * i], s[2 * i + 1]);
  }
  return s[0];
}

// Leaves join as bits carry: after leaf number i, as many joins as i + 1 has trailing zeros. What
// is left at the end, the open leaf first, joins from the newest to the oldest.
template <class Joiner, typename T>
T fold_tree(std::span<const T> x) {
  if (x.empty()) return Joiner::template kOfNothing<T>;
  std::vector<T> pending;
  const size_t whole_leaves = x.size() / kLeaf;
  for (size_t leaf = 0; leaf < whole_leaves; ++leaf) {
    T joined = fold_leaf<Joiner>(x.subspan(leaf * kLeaf, kLeaf));
    for (size_t carry = leaf; (carry & 1) != 0; carry >>= 1) {
      joined = Joiner::join(pending.back(), joined);
      pending.pop_back();
    }
    pending.push_back(joined);
  }
  // An empty leaf is none: 1 + 0i would make NaN of an infinite product.
  if (x.size() % kLeaf != 0) pending.push_back(fold_leaf<Joiner>(x.subspan(whole_leaves * kLeaf)));
  T total = pending.back();
  for (size_t i = pending.size() - 1; i-- > 0;) total = Joiner::join(pending[i], total);
  return total;
}

template <typename T>
T mapped(Op op, T x, T mean) {
  switch (op) {
    case Op::kSumAbs:
      return std::fabs(x);
    case Op::kSumSquares:
      return x * x;
    case Op::kSumDeviations:
      return (x - mean) * (x - mean);
    default:
      return x;
  }
}

// Of elements of the accumulator type.
template <typename T, typename Bits>
uint64_t fold_floats(Op op, std::span<const uint64_t> elements, uint64_t mean) {
  const auto value = [](uint64_t bits) { return std::bit_cast<T>(static_cast<Bits>(bits)); };
  std::vector<T> x;
  for (const uint64_t bits : elements) x.push_back(mapped(op, value(bits), value(mean)));
  const std::span<const T> all(x);
  return std::bit_cast<Bits>(op == Op::kProd ? fold_tree<Multiplying>(all)
                                             : fold_tree<Adding>(all));
}

template <typename T, typename Bits>
Element multiply_complex(std::span<const Element> elements) {
  const auto value = [](uint64_t bits) { return std::bit_cast<T>(static_cast<Bits>(bits)); };
  std::vector<Complex<T>> x;
  for (const Element& element : elements) x.push_back({value(element.re), value(element.im)});
  const Complex<T> product = fold_tree<Multiplying>(std::span<const Complex<T>>(x));
  return {std::bit_cast<Bits>(product.re), std::bit_cast<Bits>(product.im)};
}

template <typename T, typename Bits>
uint64_t add_floats(uint64_t a, uint64_t b) {
  const T sum = std::bit_cast<T>(static_cast<Bits>(a)) + std::bit_cast<T>(static_cast<Bits>(b));
  return std::bit_cast<Bits>(sum);
}

using Class = Value::Class;

bool is_zero(const Value& v) { return v.cls == Class::kFinite && v.mantissa == 0; }

// -1, 0 or 1: of the magnitudes, infinity included.
int compare_magnitudes(const Value& a, const Value& b) {
  const auto rank = [](const Value& v) { return v.cls == Class::kInf ? 2 : is_zero(v) ? 0 : 1; };
  if (rank(a) != rank(b)) return rank(a) < rank(b) ? -1 : 1;
  if (rank(a) != 1) return 0;
  const int top_a = std::bit_width(a.mantissa) + a.exponent;
  const int top_b = std::bit_width(b.mantissa) + b.exponent;
  if (top_a != top_b) return top_a < top_b ? -1 : 1;
  const uint64_t aligned_a = a.mantissa << std::countl_zero(a.mantissa);
  const uint64_t aligned_b = b.mantissa << std::countl_zero(b.mantissa);
  return aligned_a < aligned_b ? -1 : aligned_a > aligned_b ? 1 : 0;
}

// The total order of minima, -0.0 before +0.0; no NaNs.
bool is_less(const Value& a, const Value& b) {
  if (a.negative != b.negative) return a.negative;
  const int order = compare_magnitudes(a, b);
  return a.negative ? order > 0 : order < 0;
}

// The bits of the best of real elements.
uint64_t extreme(bool largest, DType type, std::span<const uint64_t> elements) {
  uint64_t best = elements[0];
  for (const uint64_t bits : elements) {
    const Value value = decode(type, bits), old = decode(type, best);
    if (old.cls == Class::kNan) break;
    if (value.cls == Class::kNan || (largest ? is_less(old, value) : is_less(value, old))) {
      best = bits;
    }
  }
  return best;
}

bool is_time(DType type) { return type == DType::kDatetime64 || type == DType::kTimedelta64; }

// The type of an element's parts.
DType part_of(DType type) { return is_time(type) ? DType::kInt64 : part_type(type); }

// An element as what decides which is better.
struct Rank {
  bool none = false;  // NaN in either part, or NaT
  Value re, im;       // 0 where there is no imaginary part
};

Rank rank_of(DType type, Element element) {
  const DType part = part_of(type);
  Rank rank;
  rank.re = decode(part, element.re);
  if (is_complex(type)) rank.im = decode(part, element.im);
  rank.none = rank.re.cls == Class::kNan || rank.im.cls == Class::kNan ||
              (is_time(type) && element.re == uint64_t{1} << 63);
  return rank;
}

// -1, 0 or 1; zeros are equal.
int compare(const Value& a, const Value& b) {
  if (is_zero(a) && is_zero(b)) return 0;
  return is_less(a, b) ? -1 : is_less(b, a) ? 1 : 0;
}

bool is_better(bool largest, const Rank& a, const Rank& b) {
  if (a.none || b.none) return a.none && !b.none;
  const int by_real = compare(a.re, b.re);
  const int order = by_real != 0 ? by_real : compare(a.im, b.im);
  return largest ? order > 0 : order < 0;
}

size_t first_best(bool largest, DType type, std::span<const Element> elements) {
  if (elements.empty()) throw std::logic_error("no extreme of nothing");
  size_t best = 0;
  Rank best_rank = rank_of(type, elements[0]);
  for (size_t i = 1; i < elements.size(); ++i) {
    const Rank rank = rank_of(type, elements[i]);
    if (!is_better(largest, rank, best_rank)) continue;
    best = i;
    best_rank = rank;
  }
  return best;
}

uint64_t quiet_nan(DType type) {
  bool overflow;
  const auto infinity = static_cast<uint64_t>(round_to_float(type, false, 1, 20000, &overflow));
  return infinity | (infinity >> 1 & ~infinity);
}

// The best of times or complex numbers.
Element best_element(bool largest, DType type, std::span<const Element> elements) {
  Element best = elements[first_best(largest, type, elements)];
  if (!is_complex(type)) return best;
  const DType part = part_of(type);
  if (rank_of(type, best).none) return {quiet_nan(part), quiet_nan(part)};
  for (uint64_t* bits : {&best.re, &best.im}) {
    if (is_zero(decode(part, *bits))) *bits = 0;
  }
  return best;
}

// Of integers: what is summed as float64.
bool sums_floats(Op op) { return op == Op::kSumAsFloat || op == Op::kSumDeviations; }

// Sums and products of floats, given in the accumulator type or narrower, or of such integers.
uint64_t fold_by_tree(Op op, DType type, std::span<const uint64_t> elements, uint64_t mean) {
  const DType wide = is_float(type) ? accumulator(type) : DType::kFloat64;
  std::vector<uint64_t> x;
  for (const uint64_t bits : elements) {
    x.push_back(static_cast<uint64_t>(convert(type, bits, wide, Mode::kWrap).bits));
  }
  return wide == DType::kFloat32 ? fold_floats<float, uint32_t>(op, x, mean)
                                 : fold_floats<double, uint64_t>(op, x, mean);
}

bool is_truth(Op op) { return op == Op::kAny || op == Op::kAll || op == Op::kCountNonzero; }
bool is_extreme(Op op) { return op == Op::kMin || op == Op::kMax; }
bool is_arg(Op op) { return op == Op::kArgmin || op == Op::kArgmax; }

uint64_t fold_truths(Op op, DType type, std::span<const Element> elements) {
  uint64_t truths = 0;
  for (const Element& element : elements) {
    const Rank rank = rank_of(type, element);
    truths += !is_zero(rank.re) || !is_zero(rank.im);
  }
  if (op == Op::kCountNonzero) return truths;
  return op == Op::kAny ? truths != 0 : truths == elements.size();
}

// Sums and products of integers.
uint64_t fold_integers(Op op, DType type, std::span<const uint64_t> elements) {
  uint64_t folded = op == Op::kProd ? 1 : 0;
  for (const uint64_t bits : elements) {
    const auto x = static_cast<uint64_t>(convert(type, bits, DType::kInt64, Mode::kWrap).bits);
    folded = op == Op::kProd ? folded * x : folded + x;
  }
  return folded;
}

uint64_t fold_reals(Op op, DType type, std::span<const uint64_t> elements, uint64_t mean) {
  if (is_extreme(op)) {
    if (elements.empty()) throw std::logic_error("no extreme of nothing");
    const uint64_t bits = extreme(op == Op::kMax, type, elements);
    return type == DType::kBool ? bits != 0 : bits;
  }
  if (op == Op::kMaxAbs) {
    const uint64_t all_but_sign = ~uint64_t{0} >> (65 - 8 * size(type));
    std::vector<uint64_t> x;
    for (const uint64_t bits : elements) x.push_back(bits & all_but_sign);
    return extreme(true, type, x);
  }
  return is_float(type) || sums_floats(op) ? fold_by_tree(op, type, elements, mean)
                                           : fold_integers(op, type, elements);
}

}  // namespace

DType accumulator(DType type) {
  if (is_complex(type)) return type;
  if (!is_float(type)) return DType::kInt64;
  return type == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

DType folded_type(Op op, DType type) {
  if (op == Op::kAny || op == Op::kAll) return DType::kBool;
  if (op == Op::kCountNonzero || is_arg(op)) return DType::kInt64;
  if (is_extreme(op) || op == Op::kMaxAbs) return type;
  if (is_real(type) && !is_float(type) && sums_floats(op)) return DType::kFloat64;
  const bool real = op == Op::kSumSquares || op == Op::kSumDeviations;
  return real ? part_type(accumulator(type)) : accumulator(type);
}

Element fold(Op op, DType type, std::span<const Element> elements, Element mean) {
  if (is_truth(op)) return {fold_truths(op, type, elements)};
  if (is_arg(op)) return {first_best(op == Op::kArgmax, type, elements)};
  if (is_extreme(op) && !is_real(type)) return best_element(op == Op::kMax, type, elements);
  if (op == Op::kProd && is_complex(type)) {
    return part_type(type) == DType::kFloat32 ? multiply_complex<float, uint32_t>(elements)
                                              : multiply_complex<double, uint64_t>(elements);
  }
  std::vector<uint64_t> re, im;
  for (const Element& element : elements) {
    re.push_back(element.re);
    im.push_back(element.im);
  }
  if (!is_complex(type)) return {fold_reals(op, type, re, mean.re)};
  const DType part = part_type(type);
  const Element folded = {fold_reals(op, part, re, mean.re), fold_reals(op, part, im, mean.im)};
  if (is_complex(folded_type(op, type))) return folded;
  return {part == DType::kFloat32 ? add_floats<float, uint32_t>(folded.re, folded.im)
                                  : add_floats<double, uint64_t>(folded.re, folded.im)};
}

uint64_t fold(Op op, DType type, std::span<const uint64_t> elements) {
  std::vector<Element> all;
  for (const uint64_t bits : elements) all.push_back({bits});
  return fold(op, type, all).re;
}

namespace {

// Of every kept place, in C order, the elements that fold there, in C order.
std::vector<std::vector<uint64_t>> groups(const Layout& src, const void* src_data,
                                          const std::vector<int>& axes) {
  const Leaf leaf = leaves(src.format()).at(0);
  std::vector<bool> folded(src.shape().size(), false);
  for (const int axis : axes) folded[static_cast<size_t>(axis)] = true;
  int64_t count = 1;
  for (size_t k = 0; k < folded.size(); ++k) count *= folded[k] ? 1 : src.shape()[k];
  std::vector<std::vector<uint64_t>> all(static_cast<size_t>(count));
  for_each_item(src, [&](int64_t index, int64_t offset) {
    int64_t place = 0, weight = 1;
    for (size_t k = folded.size(); k-- > 0;) {
      const int64_t at = index % src.shape()[k];
      index /= src.shape()[k];
      if (folded[k]) continue;
      place += at * weight;
      weight *= src.shape()[k];
    }
    const char* address = static_cast<const char*>(src_data) + offset + leaf.offset;
    all[static_cast<size_t>(place)].push_back(
        static_cast<uint64_t>(load(address, size(leaf.type), leaf.order)));
  });
  return all;
}

}  // namespace

namespace {

// Of floats: the tree decides.
bool is_tree(Op op) {
  return op == Op::kSum || op == Op::kProd || op == Op::kSumAbs || op == Op::kSumSquares;
}

// What folds the results of a fold.
Op again(Op op) { return op == Op::kProd ? op : Op::kSum; }

}  // namespace

std::vector<uint64_t> reduce(Op op, const Layout& src, const void* src_data, std::vector<int> axes,
                             DType result_type) {
  const Leaf leaf = leaves(src.format()).at(0);
  if (!is_tree(op) || !is_float(leaf.type)) {
    std::vector<uint64_t> results;
    for (const std::vector<uint64_t>& group : groups(src, src_data, axes)) {
      const uint64_t bits = fold(op, leaf.type, group);
      const bool converts = op == Op::kMin || op == Op::kMax || op == Op::kMaxAbs;
      results.push_back(
          converts ? static_cast<uint64_t>(convert(leaf.type, bits, result_type, Mode::kWrap).bits)
                   : bits);
    }
    return results;
  }
  const DType type = accumulator(leaf.type);
  std::vector<uint64_t> values;
  for_each_item(src, [&](int64_t, int64_t offset) {
    const char* address = static_cast<const char*>(src_data) + offset + leaf.offset;
    const uint64_t bits = load(address, size(leaf.type), leaf.order);
    values.push_back(convert(leaf.type, bits, type, Mode::kWrap).bits);
  });
  std::vector<int64_t> shape(src.shape().begin(), src.shape().end());
  std::sort(axes.begin(), axes.end());
  if (axes.empty()) {
    for (uint64_t& bits : values) bits = fold(op, type, std::span(&bits, 1));
  }
  for (; !axes.empty(); op = again(op)) {
    const auto axis = static_cast<size_t>(axes.back());
    axes.pop_back();
    int64_t outer = 1, inner = 1;
    for (size_t k = 0; k < axis; ++k) outer *= shape[k];
    for (size_t k = axis + 1; k < shape.size(); ++k) inner *= shape[k];
    std::vector<uint64_t> folded;
    for (int64_t i = 0; i < outer; ++i) {
      for (int64_t j = 0; j < inner; ++j) {
        std::vector<uint64_t> along;
        for (int64_t k = 0; k < shape[axis]; ++k) {
          along.push_back(values[static_cast<size_t>((i * shape[axis] + k) * inner + j)]);
        }
        folded.push_back(fold(op, type, along));
      }
    }
    values = std::move(folded);
    shape[axis] = 1;
  }
  for (uint64_t& bits : values) bits = convert(type, bits, result_type, Mode::kWrap).bits;
  return values;
}

}  // namespace stridecast::reference
