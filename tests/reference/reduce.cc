#include "tests/reference/reduce.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "tests/reference/strided.h"

namespace stridecast::reference {
namespace {

constexpr size_t kLeaf = 128;
constexpr size_t kAccumulators = 8;

// One leaf: element i goes to accumulator i % 8.
template <typename T>
T sum_of_leaf(std::span<const T> x) {
  T s[kAccumulators];
  std::fill(std::begin(s), std::end(s), T(-0.0));
  for (size_t i = 0; i < x.size(); ++i) s[i % kAccumulators] += x[i];
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

// Leaves join as bits carry: after leaf number i, as many joins as i + 1 has trailing zeros. What
// is left at the end, the open leaf first, joins from the newest to the oldest.
template <typename T>
T sum(std::span<const T> x) {
  if (x.empty()) return T(0);
  std::vector<T> pending;
  const size_t whole_leaves = x.size() / kLeaf;
  for (size_t leaf = 0; leaf < whole_leaves; ++leaf) {
    T joined = sum_of_leaf(x.subspan(leaf * kLeaf, kLeaf));
    for (size_t carry = leaf; (carry & 1) != 0; carry >>= 1) {
      joined = pending.back() + joined;
      pending.pop_back();
    }
    pending.push_back(joined);
  }
  T total = sum_of_leaf(x.subspan(whole_leaves * kLeaf));
  for (size_t i = pending.size(); i-- > 0;) total = pending[i] + total;
  return total;
}

template <typename T, typename Bits>
uint64_t sum_of_floats(std::span<const uint64_t> elements) {
  std::vector<T> x;
  for (uint64_t bits : elements) x.push_back(std::bit_cast<T>(static_cast<Bits>(bits)));
  return std::bit_cast<Bits>(sum(std::span<const T>(x)));
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

}  // namespace

DType accumulator(DType type) {
  if (!is_float(type)) return DType::kInt64;
  return type == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

uint64_t fold(Op op, DType type, std::span<const uint64_t> elements) {
  if (op == Op::kMin || op == Op::kMax) {
    if (elements.empty()) throw std::logic_error("no extreme of nothing");
    const uint64_t bits = extreme(op == Op::kMax, type, elements);
    return type == DType::kBool ? bits != 0 : bits;
  }
  if (op == Op::kSum && is_float(type)) {
    if (type != accumulator(type)) {
      std::vector<uint64_t> wide;
      for (const uint64_t bits : elements) {
        wide.push_back(
            static_cast<uint64_t>(convert(type, bits, accumulator(type), Mode::kWrap).bits));
      }
      return fold(op, accumulator(type), wide);
    }
    if (type == DType::kFloat32) return sum_of_floats<float, uint32_t>(elements);
    if (type == DType::kFloat64) return sum_of_floats<double, uint64_t>(elements);
    throw std::logic_error("not an accumulator type");
  }
  uint64_t total = 0, truths = 0;
  for (const uint64_t bits : elements) {
    total += static_cast<uint64_t>(convert(type, bits, DType::kInt64, Mode::kWrap).bits);
    truths += !is_zero(decode(type, bits));
  }
  if (op == Op::kAny) return truths != 0;
  if (op == Op::kAll) return truths == elements.size();
  return op == Op::kSum ? total : truths;
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

std::vector<uint64_t> reduce(Op op, const Layout& src, const void* src_data, std::vector<int> axes,
                             DType result_type) {
  const Leaf leaf = leaves(src.format()).at(0);
  if (op != Op::kSum || !is_float(leaf.type)) {
    std::vector<uint64_t> results;
    for (const std::vector<uint64_t>& group : groups(src, src_data, axes)) {
      const uint64_t bits = fold(op, leaf.type, group);
      const bool converts = op == Op::kMin || op == Op::kMax;
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
  while (!axes.empty()) {
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
