// Layout: checks shapes and strides once, so that nothing later has to. All size arithmetic is
// checked; a layout that exists has a size and an extent that fit int64_t.

#include "stridecast/layout.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "dtypes/format_impl.h"

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

// Where the innermost of these axes' cells of `bytes` lie.
Extent measure(std::span<const int64_t> shape, std::span<const int64_t> strides, int64_t offset,
               int64_t bytes) {
  Extent extent{offset, offset};
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t reach = checked_mul(shape[axis] - 1, strides[axis], "the extent");
    int64_t& end = reach < 0 ? extent.lowest : extent.highest;
    end = checked_add(end, reach, "the extent");
  }
  extent.highest = checked_add(extent.highest, bytes, "the extent");
  checked_add(extent.highest, extent.lowest < 0 ? -(extent.lowest + 1) : 0, "the extent");
  return extent;
}

// Behind each axis of pointers another piece of memory begins. All of them are measured, so that
// nothing later can overflow; the layout's own extent is that of the first.
Extent measure_pieces(std::span<const int64_t> shape, std::span<const int64_t> strides,
                      std::span<const int64_t> suboffsets, int64_t offset, int64_t itemsize) {
  if (std::ranges::find(shape, 0) != shape.end()) return Extent{offset, offset};
  Extent first;
  size_t begin = 0;
  for (size_t axis = 0; axis < suboffsets.size(); ++axis) {
    if (suboffsets[axis] < 0) continue;
    const size_t count = axis + 1 - begin;
    const Extent piece =
        measure(shape.subspan(begin, count), strides.subspan(begin, count), offset, sizeof(void*));
    if (begin == 0) first = piece;
    begin = axis + 1;
    offset = suboffsets[axis];
  }
  const Extent last = measure(shape.subspan(begin), strides.subspan(begin), offset, itemsize);
  return begin == 0 ? last : first;
}

// "Not a pointer" is written as -1, and nothing at all where no axis is one.
void normalise(std::vector<int64_t>& suboffsets) {
  for (int64_t& suboffset : suboffsets) suboffset = std::max<int64_t>(suboffset, -1);
  if (std::ranges::all_of(suboffsets, [](int64_t s) { return s < 0; })) suboffsets.clear();
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

// Axes outer to inner.
std::vector<int> axes_in_order(size_t ndim, Order order) {
  std::vector<int> axes(ndim);
  std::iota(axes.begin(), axes.end(), 0);
  if (order == Order::kF) std::reverse(axes.begin(), axes.end());
  return axes;
}

// The struct whose members are the fields of an item: the item itself, or the one struct that it
// consists of.
struct Members {
  const std::vector<Field>& fields;
  int64_t offset;
};

Members members_of(const Format& format) {
  const std::vector<Field>& top = format.fields();
  const bool lone =
      top.size() == 1 && !top[0].has_name && top[0].type == DType::kStruct && top[0].shape.empty();
  return lone ? Members{top[0].fields, top[0].offset} : Members{top, 0};
}

}  // namespace

Layout::Layout(const Format& format, std::vector<int64_t> shape, std::vector<int64_t> strides,
               int64_t offset, std::vector<int64_t> suboffsets)
    : format_(format),
      shape_(std::move(shape)),
      strides_(std::move(strides)),
      suboffsets_(std::move(suboffsets)),
      offset_(offset) {
  normalise(suboffsets_);
  size_ = item_count(shape_, format_.itemsize());
  extent_ = measure_pieces(shape_, strides_, suboffsets_, offset_, format_.itemsize());
}

Layout Layout::contiguous(const Format& format, std::vector<int64_t> shape, Order order) {
  check_shape(shape);
  const std::vector<int> axes = axes_in_order(shape.size(), order);
  std::vector<int64_t> strides = dense_strides(shape, axes, format.itemsize());
  return Layout(format, std::move(shape), std::move(strides), 0, {});
}

Layout Layout::strided(const Format& format, std::vector<int64_t> shape,
                       std::vector<int64_t> strides, int64_t offset,
                       std::vector<int64_t> suboffsets) {
  check_shape(shape);
  if (strides.size() != shape.size()) {
    fail("a layout has one stride an axis: " + std::to_string(shape.size()) + " sizes, " +
         std::to_string(strides.size()) + " strides");
  }
  if (!suboffsets.empty() && suboffsets.size() != shape.size()) {
    fail("a layout has no suboffsets or one an axis: " + std::to_string(shape.size()) + " sizes, " +
         std::to_string(suboffsets.size()) + " suboffsets");
  }
  return Layout(format, std::move(shape), std::move(strides), offset, std::move(suboffsets));
}

Layout Layout::like(const Format& format, const Layout& like, Order order) {
  std::vector<int> axes = axes_in_order(like.shape_.size(), order);
  // Strides on either side of a pointer cannot be compared: such an array's order is its axes'.
  if (order == Order::kKeep && like.suboffsets_.empty()) {
    const auto magnitude = [&](int axis) {
      const int64_t stride = like.strides_[axis];
      return stride < 0 ? 0 - static_cast<uint64_t>(stride) : static_cast<uint64_t>(stride);
    };
    std::stable_sort(axes.begin(), axes.end(),
                     [&](int a, int b) { return magnitude(a) > magnitude(b); });
  }
  return Layout(format, like.shape_, dense_strides(like.shape_, axes, format.itemsize()), 0, {});
}

bool Layout::is_c_contiguous() const noexcept {
  if (!suboffsets_.empty()) return false;
  if (size_ == 0) return true;
  int64_t stride = format_.itemsize();
  for (size_t axis = shape_.size(); axis-- > 0;) {
    if (shape_[axis] != 1 && strides_[axis] != stride) return false;
    stride *= shape_[axis];
  }
  return true;
}

Layout Layout::field(std::string_view name) const {
  const Members members = members_of(format_);
  const auto found = std::ranges::find_if(
      members.fields, [&](const Field& field) { return field.has_name && field.name == name; });
  if (found == members.fields.end()) {
    fail("format '" + format_.text() + "' has no field '" + std::string(name) + "'");
  }
  const Format format = internal::format_of_field(*found);
  std::vector<int64_t> shape = shape_, strides = strides_, suboffsets = suboffsets_;
  shape.insert(shape.end(), found->shape.begin(), found->shape.end());
  const std::vector<int> axes = axes_in_order(found->shape.size(), Order::kC);
  const std::vector<int64_t> steps = dense_strides(found->shape, axes, format.itemsize());
  strides.insert(strides.end(), steps.begin(), steps.end());
  if (!suboffsets.empty()) suboffsets.resize(shape.size(), -1);
  // The struct lies behind the last pointer.
  const auto pointer = std::find_if(suboffsets.rbegin(), suboffsets.rend(),
                                    [](int64_t suboffset) { return suboffset >= 0; });
  int64_t offset = offset_;
  int64_t& place = pointer == suboffsets.rend() ? offset : *pointer;
  place = checked_add(place, members.offset + found->offset, "the field's offset");
  return strided(format, std::move(shape), std::move(strides), offset, std::move(suboffsets));
}

}  // namespace v0
}  // namespace stridecast
