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

template <typename T>
T minimum(std::span<const T> x) {
  T best = x[0];
  for (const T v : x) {
    if (best != best) break;
    if (v != v || v < best ||
        (v == best && std::bit_cast<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>>(v) < 0)) {
      best = v;
    }
  }
  return best;
}

template <typename T, typename Bits>
uint64_t fold_floats(Op op, std::span<const uint64_t> elements) {
  std::vector<T> x;
  for (uint64_t bits : elements) x.push_back(std::bit_cast<T>(static_cast<Bits>(bits)));
  return std::bit_cast<Bits>(op == Op::kSum ? sum(std::span<const T>(x))
                                            : minimum(std::span<const T>(x)));
}

}  // namespace

DType accumulator(DType type) {
  if (!is_float(type)) return DType::kInt64;
  return type == DType::kFloat64 ? DType::kFloat64 : DType::kFloat32;
}

uint64_t fold(Op op, DType type, std::span<const uint64_t> elements) {
  if (op == Op::kMin && elements.empty()) throw std::logic_error("no minimum of nothing");
  if (type == DType::kFloat32) return fold_floats<float, uint32_t>(op, elements);
  if (type == DType::kFloat64) return fold_floats<double, uint64_t>(op, elements);
  if (type != DType::kInt64) throw std::logic_error("not an accumulator type");
  uint64_t total = op == Op::kSum ? 0 : elements[0];
  for (uint64_t v : elements) {
    if (op == Op::kSum) {
      total += v;
    } else if (static_cast<int64_t>(v) < static_cast<int64_t>(total)) {
      total = v;
    }
  }
  return total;
}

std::vector<uint64_t> reduce(Op op, const Layout& src, const void* src_data, std::vector<int> axes,
                             DType result_type) {
  const Leaf leaf = leaves(src.format()).at(0);
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
