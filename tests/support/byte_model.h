// Operands by the bytes that they touch, for tests of what operands share.
#ifndef STRIDECAST_TESTS_SUPPORT_BYTE_MODEL_H_
#define STRIDECAST_TESTS_SUPPORT_BYTE_MODEL_H_

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "engine/overlap.h"

namespace stridecast::testing {

struct TouchedItems {
  std::vector<int64_t> shape, strides;
  int64_t itemsize = 1, base = 0;

  internal::Items items() const { return {static_cast<intptr_t>(base), shape, strides, itemsize}; }
};

inline std::string list_text(const std::vector<int64_t>& values) {
  std::string text = "(";
  for (const int64_t value : values) text += std::to_string(value) + ",";
  return text + ")";
}

inline std::ostream& operator<<(std::ostream& out, const TouchedItems& a) {
  return out << "shape " << list_text(a.shape) << " strides " << list_text(a.strides)
             << " itemsize " << a.itemsize << " base " << a.base;
}

inline std::vector<int64_t> starts(const TouchedItems& a) {
  std::vector<int64_t> starts = {a.base};
  for (size_t axis = 0; axis < a.shape.size(); ++axis) {
    std::vector<int64_t> next;
    next.reserve(starts.size() * static_cast<size_t>(a.shape[axis]));
    for (const int64_t start : starts) {
      for (int64_t i = 0; i < a.shape[axis]; ++i) next.push_back(start + i * a.strides[axis]);
    }
    starts = std::move(next);
  }
  return starts;
}

// The bytes of [low, high) that an operand touches.
class ByteSet {
 public:
  ByteSet(int64_t low, int64_t high) : low_(low), touched_(static_cast<size_t>(high - low)) {}
  // False if a byte was in the set before.
  bool insert(int64_t start, int64_t size) {
    bool fresh = true;
    for (int64_t i = start - low_; i < start - low_ + size; ++i) {
      fresh = fresh && touched_[static_cast<size_t>(i)] == 0;
      touched_[static_cast<size_t>(i)] = 1;
    }
    return fresh;
  }
  bool meets(int64_t start, int64_t size) const {
    const int64_t low = std::max<int64_t>(start - low_, 0);
    const int64_t high = std::min<int64_t>(start - low_ + size, std::ssize(touched_));
    for (int64_t i = low; i < high; ++i) {
      if (touched_[static_cast<size_t>(i)] != 0) return true;
    }
    return false;
  }

 private:
  int64_t low_;
  std::vector<char> touched_;
};

inline ByteSet empty_set(const std::vector<int64_t>& starts, int64_t size) {
  if (starts.empty()) return ByteSet(0, 0);
  const auto [low, high] = std::minmax_element(starts.begin(), starts.end());
  return ByteSet(*low, *high + size);
}

inline bool model_shares(const TouchedItems& a, const TouchedItems& b) {
  const std::vector<int64_t> of_a = starts(a), of_b = starts(b);
  ByteSet set = empty_set(of_a, a.itemsize);
  for (const int64_t start : of_a) set.insert(start, a.itemsize);
  return std::ranges::any_of(of_b, [&](int64_t start) { return set.meets(start, b.itemsize); });
}

inline bool model_overlaps_itself(const TouchedItems& a) {
  const std::vector<int64_t> of_a = starts(a);
  ByteSet set = empty_set(of_a, a.itemsize);
  return std::ranges::any_of(of_a, [&](int64_t s) { return !set.insert(s, a.itemsize); });
}

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_BYTE_MODEL_H_
