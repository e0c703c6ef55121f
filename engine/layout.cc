// Layout: checks shapes and strides once, so that nothing later has to. All size arithmetic is
// checked; a layout that exists has a size and an extent that fit int64_t.

#include "stridecast/layout.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace stridecast {
inline namespace v0 {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

int64_t checked_mul(int64_t a, int64_t b, const char* what) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) {
    fail(std::string(what) + " does not fit 63 bits: " + std::to_string(a) + " * " +
         std::to_string(b));
  }
  return product;
}

int64_t checked_add(int64_t a, int64_t b, const char* what) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) {
    fail(std::string(what) + " does not fit 63 bits: " + std::to_string(a) + " + " +
         std::to_string(b));
  }
  return sum;
}

void check_shape(std::span<const int64_t> shape) {
  if (shape.size() > kMaxDims) {
    fail("a layout has at most " + std::to_string(kMaxDims) + " dimensions, got " +
         std::to_string(shape.size()));
  }
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 0) {
      fail("shape[" + std::to_string(axis) + "] is negative: " + std::to_string(shape[axis]));
    }
  }
}

// The product of the sizes, where a size of 0 does not hide an overflow of the others.
int64_t item_count(std::span<const int64_t> shape, int64_t itemsize) {
  int64_t nonzero = 1;
  bool empty = false;
  for (int64_t n : shape) {
    if (n == 0) {
      empty = true;
    } else {
      nonzero = checked_mul(nonzero, n, "the number of items");
    }
  }
  checked_mul(nonzero, std::max<int64_t>(itemsize, 1), "the size in bytes");
  return empty ? 0 : nonzero;
}

Extent measure(std::span<const int64_t> shape, std::span<const int64_t> strides, int64_t offset,
               int64_t itemsize) {
  Extent extent{offset, offset};
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 0) return Extent{offset, offset};
  }
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t reach = checked_mul(shape[axis] - 1, strides[axis], "the extent");
    int64_t& end = reach < 0 ? extent.lowest : extent.highest;
    end = checked_add(end, reach, "the extent");
  }
  extent.highest = checked_add(extent.highest, itemsize, "the extent");
  checked_add(extent.highest, extent.lowest < 0 ? -(extent.lowest + 1) : 0, "the extent");
  return extent;
}

std::vector<int64_t> dense_strides(std::span<const int64_t> shape, std::span<const int> axes,
                                   int64_t itemsize) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = itemsize;
  for (size_t k = axes.size(); k-- > 0;) {
    strides[axes[k]] = stride;
    stride = checked_mul(stride, std::max<int64_t>(shape[axes[k]], 1), "the size in bytes");
  }
  return strides;
}

}  // namespace

Layout::Layout(const Format& format, std::vector<int64_t> shape, std::vector<int64_t> strides,
               int64_t offset)
    : format_(format), shape_(std::move(shape)), strides_(std::move(strides)), offset_(offset) {
  size_ = item_count(shape_, format_.itemsize());
  extent_ = measure(shape_, strides_, offset_, format_.itemsize());
}

Layout Layout::contiguous(const Format& format, std::vector<int64_t> shape) {
  check_shape(shape);
  std::vector<int> axes(shape.size());
  std::iota(axes.begin(), axes.end(), 0);
  std::vector<int64_t> strides = dense_strides(shape, axes, format.itemsize());
  return Layout(format, std::move(shape), std::move(strides), 0);
}

Layout Layout::strided(const Format& format, std::vector<int64_t> shape,
                       std::vector<int64_t> strides, int64_t offset) {
  check_shape(shape);
  if (strides.size() != shape.size()) {
    fail("a layout has one stride an axis: " + std::to_string(shape.size()) + " sizes, " +
         std::to_string(strides.size()) + " strides");
  }
  return Layout(format, std::move(shape), std::move(strides), offset);
}

Layout Layout::like(const Format& format, const Layout& like) {
  std::vector<int> axes(like.shape_.size());
  std::iota(axes.begin(), axes.end(), 0);
  const auto magnitude = [&](int axis) {
    const int64_t stride = like.strides_[axis];
    return stride < 0 ? 0 - static_cast<uint64_t>(stride) : static_cast<uint64_t>(stride);
  };
  std::stable_sort(axes.begin(), axes.end(),
                   [&](int a, int b) { return magnitude(a) > magnitude(b); });
  return Layout(format, like.shape_, dense_strides(like.shape_, axes, format.itemsize()), 0);
}

bool Layout::is_c_contiguous() const noexcept {
  if (size_ == 0) return true;
  int64_t stride = format_.itemsize();
  for (size_t axis = shape_.size(); axis-- > 0;) {
    if (shape_[axis] != 1 && strides_[axis] != stride) return false;
    stride *= shape_[axis];
  }
  return true;
}

}  // namespace v0
}  // namespace stridecast
